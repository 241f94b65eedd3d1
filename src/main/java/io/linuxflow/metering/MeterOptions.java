// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.ClsactOptions;
import io.linuxflow.bpf.Hook;
import java.time.Duration;
import java.util.Objects;

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
 * @param batchSize the most flows one {@link io.linuxflow.flow.FlowBatch} holds
 * @param cache how what the epochs saw of a flow is merged into records
 */
public record MeterOptions(
        String interfaces,
        MeteringDirection direction,
        Hook hook,
        ClsactOptions clsact,
        Duration drainInterval,
        int slots,
        FlowClock clock,
        int batchSize,
        CacheOptions cache) {

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
                    4096,
                    CacheOptions.DEFAULT);

    /** References in the kernel's index have 24 bits for a slot of either half. */
    private static final int MAX_SLOTS = 1 << 23;

    public MeterOptions {
        InterfaceSelection.parse(interfaces);
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

    public MeterOptions withInterfaces(String value) {
        return new MeterOptions(
                value, direction, hook, clsact, drainInterval, slots, clock, batchSize, cache);
    }

    public MeterOptions withDirection(MeteringDirection value) {
        return new MeterOptions(
                interfaces, value, hook, clsact, drainInterval, slots, clock, batchSize, cache);
    }

    public MeterOptions withHook(Hook value) {
        return new MeterOptions(
                interfaces,
                direction,
                value,
                clsact,
                drainInterval,
                slots,
                clock,
                batchSize,
                cache);
    }

    public MeterOptions withDrainInterval(Duration value) {
        return new MeterOptions(
                interfaces, direction, hook, clsact, value, slots, clock, batchSize, cache);
    }

    public MeterOptions withSlots(int value) {
        return new MeterOptions(
                interfaces, direction, hook, clsact, drainInterval, value, clock, batchSize, cache);
    }

    public MeterOptions withClock(FlowClock value) {
        return new MeterOptions(
                interfaces, direction, hook, clsact, drainInterval, slots, value, batchSize, cache);
    }

    public MeterOptions withCache(CacheOptions value) {
        return new MeterOptions(
                interfaces, direction, hook, clsact, drainInterval, slots, clock, batchSize, value);
    }

    /** Zero switches the cache off. */
    public MeterOptions withActiveTimeout(Duration value) {
        return withCache(cache.withActiveTimeout(value));
    }
}
