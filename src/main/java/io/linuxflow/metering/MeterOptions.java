// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.ClsactOptions;
import io.linuxflow.bpf.Direction;
import io.linuxflow.bpf.Hook;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * What a {@link Meter} is to meter, and how.
 *
 * @param interfaces which interfaces: see {@link InterfaceSelection}
 * @param direction at which hook of an interface packets are metered
 * @param hook how programs are attached
 * @param clsact where in clsact's list of filters, if that is the hook
 * @param drainInterval how long an epoch lasts, so how often flows are handed out
 * @param slots how many flows one epoch holds; more flows than that end the epoch early
 * @param clock which clock packets are stamped with
 * @param latency whether the time that forwarding takes is measured; see {@link
 *     MeterStatus.Latency}
 * @param batchSize the most flows one {@link io.linuxflow.flow.FlowBatch} holds
 * @param cache how what the epochs saw of a flow is merged into records
 * @param pin whether maps and programs stay when the process ends, however it does, for the next
 *     one to take over
 */
public record MeterOptions(
        String interfaces,
        MeteringDirection direction,
        Hook hook,
        ClsactOptions clsact,
        Duration drainInterval,
        int slots,
        FlowClock clock,
        boolean latency,
        int batchSize,
        CacheOptions cache,
        boolean pin) {

    /**
     * Every device but the loopback at egress, an epoch of 5 s, 131,072 flows an epoch, and the
     * cache of {@link CacheOptions#DEFAULT}.
     */
    public static final MeterOptions DEFAULT =
            new MeterOptions(
                    "*",
                    MeteringDirection.EGRESS,
                    Hook.AUTO,
                    ClsactOptions.CHOSEN,
                    Duration.ofSeconds(5),
                    1 << 17,
                    FlowClock.JIFFIES,
                    false,
                    4096,
                    CacheOptions.DEFAULT,
                    false);

    /** References in the kernel's index have 24 bits for a slot of either half. */
    private static final int MAX_SLOTS = 1 << 23;

    public MeterOptions {
        if (InterfaceSelection.parse(interfaces).isAttached() && !pin) {
            throw new IllegalArgumentException(
                    "interfaces=" + interfaces + " is what is pinned, so it takes pin=true");
        }
        Objects.requireNonNull(direction, "direction");
        Objects.requireNonNull(hook, "hook");
        Objects.requireNonNull(clsact, "clsact");
        Objects.requireNonNull(clock, "clock");
        Objects.requireNonNull(cache, "cache");
        if (drainInterval.toMillis() < 1) {
            throw new IllegalArgumentException(
                    "drainInterval is " + drainInterval + ": give 1 ms or more");
        }
        between("slots", slots, 1, MAX_SLOTS);
        between("batchSize", batchSize, 1, 1 << 20);
    }

    private static void between(String option, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    option + " is " + value + ": give " + least + " to " + most);
        }
    }

    /** Where programs are attached: where packets are metered, and where they are stamped. */
    List<Direction> hooks() {
        return latency ? MeteringDirection.BOTH.hooks() : direction.hooks();
    }

    /** Whether packets are metered at a hook, and not only stamped. */
    boolean metersAt(Direction hook) {
        return direction.hooks().contains(hook);
    }

    /**
     * Refuses to measure what packets took where they have only just come in.
     *
     * @throws IllegalArgumentException if that is asked for
     */
    MeterOptions requireMeasurable() {
        if (latency && !metersAt(Direction.EGRESS)) {
            throw new IllegalArgumentException(
                    "latency is measured where packets leave: give the direction egress or both");
        }
        return this;
    }

    public MeterOptions withInterfaces(String value) {
        return with(draft -> draft.interfaces = value);
    }

    public MeterOptions withDirection(MeteringDirection value) {
        return with(draft -> draft.direction = value);
    }

    public MeterOptions withHook(Hook value) {
        return with(draft -> draft.hook = value);
    }

    public MeterOptions withClsact(ClsactOptions value) {
        return with(draft -> draft.clsact = value);
    }

    public MeterOptions withDrainInterval(Duration value) {
        return with(draft -> draft.drainInterval = value);
    }

    public MeterOptions withSlots(int value) {
        return with(draft -> draft.slots = value);
    }

    public MeterOptions withClock(FlowClock value) {
        return with(draft -> draft.clock = value);
    }

    public MeterOptions withLatency(boolean value) {
        return with(draft -> draft.latency = value);
    }

    public MeterOptions withCache(CacheOptions value) {
        return with(draft -> draft.cache = value);
    }

    public MeterOptions withPin(boolean value) {
        return with(draft -> draft.pin = value);
    }

    /** Zero switches the cache off. */
    public MeterOptions withActiveTimeout(Duration value) {
        return withCache(cache.withActiveTimeout(value));
    }

    private MeterOptions with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.options();
    }

    /** Options that can be changed. */
    private static final class Draft {
        private String interfaces;
        private MeteringDirection direction;
        private Hook hook;
        private ClsactOptions clsact;
        private Duration drainInterval;
        private int slots;
        private FlowClock clock;
        private boolean latency;
        private int batchSize;
        private CacheOptions cache;
        private boolean pin;

        Draft(MeterOptions options) {
            interfaces = options.interfaces;
            direction = options.direction;
            hook = options.hook;
            clsact = options.clsact;
            drainInterval = options.drainInterval;
            slots = options.slots;
            clock = options.clock;
            latency = options.latency;
            batchSize = options.batchSize;
            cache = options.cache;
            pin = options.pin;
        }

        MeterOptions options() {
            return new MeterOptions(
                    interfaces,
                    direction,
                    hook,
                    clsact,
                    drainInterval,
                    slots,
                    clock,
                    latency,
                    batchSize,
                    cache,
                    pin);
        }
    }
}
