// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * What a slot costs: merged into a flow that is in the cache; as a new flow, while another one ends
 * and goes out; and handed out as it is, without a cache. Figures are per slot. The flows come in
 * no order, as in the slot log.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
        value = 1,
        // As camelw runs it, but for the memory of a million flows and their slots.
        jvmArgsAppend = {"-XX:+UseSerialGC", "-Xmx128m", "-XX:MaxDirectMemorySize=2g"})
public class FlowCacheBenchmark {

    private static final int BATCH = 4096;

    /** The flow clock's, and an epoch lasts as long. */
    private static final long NANOS_PER_UNIT = 1_000_000;

    /** Slots an epoch. */
    private static final int SLOTS = 10_000;

    /** Flows in the cache. */
    @Param({"10000", "100000", "1000000"})
    public int flows;

    /** Twice as many flows, by epochs. */
    private ByteBuffer[] epochs;

    private FlowCache full;
    private FlowCache turningOver;
    private long now = 1;

    @Setup
    public void setup() throws IOException {
        epochs = new ByteBuffer[2 * flows / SLOTS];
        Random random = new Random(1);
        for (int epoch = 0; epoch < epochs.length; epoch++) {
            epochs[epoch] =
                    ByteBuffer.allocateDirect(SLOTS * FlowLayout.SIZE)
                            .order(ByteOrder.nativeOrder());
            for (int at = 0; at < SLOTS * FlowLayout.SIZE; at += FlowLayout.SIZE) {
                epochs[epoch].putInt(
                        at + FlowLayout.SOURCE_ADDRESS + FlowLayout.MAPPED_IPV4, random.nextInt());
                epochs[epoch].putLong(at + FlowLayout.DESTINATION_ADDRESS + 8, random.nextLong());
                epochs[epoch].putLong(at + FlowLayout.PACKETS, 1);
            }
        }
        // One that is thrown away, for what code and heap take.
        filled();
        long before = residentOctets();
        full = filled();
        System.out.printf(
                "%d flows in the cache: %d octets of resident memory each%n",
                full.size(), (residentOctets() - before) / full.size());
        turningOver = cache(Duration.ofMillis(flows / SLOTS));
    }

    private FlowCache filled() {
        FlowCache cache = cache(Duration.ofDays(1));
        for (int epoch = 0; epoch < flows / SLOTS; epoch++) {
            cache.merge(epochs[epoch], SLOTS, clock(), batch -> {});
        }
        return cache;
    }

    private FlowCache cache(Duration idleTimeout) {
        return new FlowCache(
                new CacheOptions(Duration.ofDays(1), idleTimeout, Duration.ofSeconds(5), 2 * flows),
                BATCH,
                0,
                NANOS_PER_UNIT,
                new PairTotals());
    }

    private WallClock clock() {
        return new WallClock(now, now * NANOS_PER_UNIT, NANOS_PER_UNIT);
    }

    private static long residentOctets() throws IOException {
        String[] pages = Files.readString(Path.of("/proc/self/statm")).split(" ");
        return Long.parseLong(pages[1]) * 4096;
    }

    @Benchmark
    @OperationsPerInvocation(SLOTS)
    public void merge(Blackhole hole) {
        now++;
        int epoch = (int) (now % (flows / SLOTS));
        full.merge(epochs[epoch], SLOTS, clock(), hole::consume);
    }

    @Benchmark
    @OperationsPerInvocation(SLOTS)
    public void beginAndEnd(Blackhole hole) {
        now++;
        ByteBuffer slots = epochs[(int) (now % epochs.length)];
        for (int at = 0; at < SLOTS * FlowLayout.SIZE; at += FlowLayout.SIZE) {
            slots.putLong(at + FlowLayout.FIRST, now);
            slots.putLong(at + FlowLayout.LAST, now);
        }
        turningOver.merge(slots, SLOTS, clock(), hole::consume);
    }

    @Benchmark
    @OperationsPerInvocation(SLOTS)
    public void withoutCache(Blackhole hole) {
        now++;
        Consumer<FlowBatch> sink = hole::consume;
        int epoch = (int) (now % (flows / SLOTS));
        SlotLog.handOut(epochs[epoch], SLOTS, clock(), Flow.ACTIVE_TIMEOUT, BATCH, 0, sink);
    }
}
