// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowFilter.ANY;
import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.bpf.BpfProgram;
import io.linuxflow.bpf.Direction;
import io.linuxflow.bpf.LinkLayer;
import io.linuxflow.bpf.TestRun;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import io.linuxflow.flow.FlowLayout;
import io.linuxflow.metering.FlowMeterObject.InterfaceKey;
import io.linuxflow.metering.MeterStatus.Counters;
import io.linuxflow.metering.MeterStatus.Traffic;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Not one packet is lost or counted twice: senders on every CPU run the program as fast as they
 * can, while epochs flip as fast as they can, and flows are dumped, flushed and discarded. What was
 * run, what the kernel says it has seen, and what came out must agree exactly.
 */
class ConservationIT {

    private static final int FLOWS = 3000;
    private static final int SENDERS = Math.max(2, Runtime.getRuntime().availableProcessors());
    private static final long PACKETS = 10_000_000;
    private static final int LOOPBACK = 1;

    /** Packets that are sent, but not counted as sent yet, of each sender. */
    private static final int MOST_REPEATS = 64;

    /** UDP over IPv4, 10.0.0.1:flow to 10.0.0.2:9, 4 octets of payload. */
    private static final byte[] PACKET = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, //
        0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, //
        0, 0, 0, 9, 0, 12, 0, 0, 1, 2, 3, 4
    };

    private static final int OCTETS = 32;
    private static final int SOURCE_PORT = 14 + 20;

    @ParameterizedTest(name = "{0} slots, {1} index entries, {2} flows in the cache")
    @CsvSource({
        "131072, 262144, 0",
        "131072, 64, 0",
        "256, 262144, 0",
        "256, 64, 0",
        "131072, 262144, 262144",
        "256, 64, 100"
    })
    void packetsRunArePacketsDrainedPlusOverflow(int slots, int indexEntries, int cacheFlows)
            throws Exception {
        MeterOptions options = MeterOptions.DEFAULT.withSlots(slots);
        AtomicLongArray sent = new AtomicLongArray(FLOWS);
        long[] drained = new long[FLOWS];
        long discarded = 0;
        PairTotals merged = new PairTotals();
        int epochs = 0;
        Counters counters;
        try (FlowMeterObject programs = FlowMeterObject.load(options, indexEntries);
                SlotLog log = new SlotLog(programs.object(), slots)) {
            KernelClock clock = new KernelClock(programs.object(), options.clock());
            BpfProgram program = programs.program(Direction.EGRESS, LinkLayer.ETHERNET);
            ExecutorService senders = Executors.newFixedThreadPool(SENDERS);
            AtomicInteger running = new AtomicInteger(SENDERS);
            List<Future<?>> results = new ArrayList<>();
            for (int i = 0; i < SENDERS; i++) {
                results.add(senders.submit(sender(program, i, sent, running)));
            }
            // Once more than needed: the last flip comes after the last packet.
            Consumer<FlowBatch> sink = batch -> add(batch, drained);
            FlowCache cache = cacheFlows == 0 ? null : cache(cacheFlows, clock, merged);
            for (boolean last = false; !last; epochs++) {
                last = running.get() == 0;
                int ended = log.flip();
                WallClock now = clock.now();
                // What a meter does that is flushed and dumped.
                int flow = epochs % FLOWS;
                FlowFilter which = new FlowFilter(null, ANY, null, flow, null, ANY);
                boolean discard = epochs % 2 == 0;
                FlushSink flush = new FlushSink(which, discard, sink);
                if (cache == null) {
                    log.drain(ended, now, 2, 4096, 0, flush);
                } else {
                    log.drain(ended, (memory, count) -> cache.merge(memory, count, now, flush));
                    cache.flush(which, now, flush);
                }
                if (discard) {
                    drained[flow] += flush.flushed().packets();
                    discarded += flush.flushed().packets();
                }
                long before = sum(sent);
                long dumped = dumped(log, cache) + LongStream.of(drained).sum();
                assertThat(dumped).isLessThanOrEqualTo(sum(sent) + SENDERS * MOST_REPEATS);
                if (slots > FLOWS * SENDERS && indexEntries > 2 * FLOWS) {
                    assertThat(dumped).isGreaterThanOrEqualTo(before);
                }
            }
            if (slots > FLOWS) {
                assertThat(discarded).isPositive();
            }
            if (cache != null) {
                assertThat(cache.uncachedFlows() > 0).isEqualTo(cacheFlows < FLOWS);
                cache.flush(FlowFilter.ALL, clock.now(), sink);
            }
            for (Future<?> result : results) {
                result.get();
            }
            senders.shutdown();
            counters = programs.counters().get(new InterfaceKey(LOOPBACK, Direction.EGRESS));
        }

        long run = 0;
        long out = 0;
        for (int flow = 0; flow < FLOWS; flow++) {
            run += sent.get(flow);
            out += drained[flow];
            assertThat(drained[flow]).isLessThanOrEqualTo(sent.get(flow));
        }
        assertThat(run).isGreaterThanOrEqualTo(PACKETS);
        assertThat(epochs).as("epochs").isGreaterThan(20);
        assertThat(counters.seen()).isEqualTo(new Traffic(run, run * OCTETS));
        assertThat(counters.metered()).isEqualTo(new Traffic(out, out * OCTETS));
        if (cacheFlows > 0) {
            assertThat(merged.totals().values()).containsExactly(counters.metered());
        }
        assertThat(counters.overflow()).isEqualTo(new Traffic(run - out, (run - out) * OCTETS));
        if (slots > FLOWS * SENDERS && indexEntries > 2 * FLOWS) {
            assertThat(counters.overflow()).isEqualTo(Traffic.NONE);
        }
        if (slots < FLOWS) {
            assertThat(counters.overflow().packets()).isPositive();
        }
        if (counters.overflow().packets() == 0) {
            for (int flow = 0; flow < FLOWS; flow++) {
                assertThat(drained[flow]).as("flow %d", flow).isEqualTo(sent.get(flow));
            }
        }
    }

    private static long sum(AtomicLongArray counts) {
        return IntStream.range(0, FLOWS).mapToLong(counts::get).sum();
    }

    /** Packets that a dump shows. */
    private static long dumped(SlotLog log, FlowCache cache) {
        LongAdder packets = new LongAdder();
        log.read(
                (memory, count) -> {
                    for (int i = 0; i < count; i++) {
                        packets.add(memory.getLong(i * FlowLayout.SIZE + FlowLayout.PACKETS));
                    }
                });
        if (cache != null) {
            cache.forEach((memory, at) -> packets.add(memory.getLong(at + FlowLayout.PACKETS)));
        }
        return packets.sum();
    }

    /** With timeouts that flows reach many times. */
    private static FlowCache cache(int maxFlows, KernelClock clock, PairTotals merged) {
        CacheOptions options =
                new CacheOptions(
                        Duration.ofMillis(200), Duration.ofMillis(50), Duration.ZERO, maxFlows);
        return new FlowCache(options, 4096, 0, clock.now().nanosPerUnit(), merged);
    }

    private static Callable<?> sender(
            BpfProgram program, int seed, AtomicLongArray sent, AtomicInteger running) {
        return () -> {
            try {
                Random random = new Random(seed);
                byte[] packet = PACKET.clone();
                for (long packets = 0; packets < PACKETS / SENDERS; ) {
                    int flow = random.nextInt(FLOWS);
                    int repeat = 1 + random.nextInt(MOST_REPEATS);
                    packet[SOURCE_PORT] = (byte) (flow >> 8);
                    packet[SOURCE_PORT + 1] = (byte) flow;
                    program.testRun(TestRun.of(packet).repeat(repeat));
                    sent.addAndGet(flow, repeat);
                    packets += repeat;
                }
                return null;
            } finally {
                running.decrementAndGet();
            }
        };
    }

    private static void add(FlowBatch batch, long[] drained) {
        for (Flow flow : batch) {
            drained[flow.sourceTransportPort()] += flow.packetDeltaCount();
            if (flow.octetDeltaCount() != flow.packetDeltaCount() * OCTETS) {
                throw new AssertionError(flow.octetDeltaCount() + " octets");
            }
        }
    }
}
