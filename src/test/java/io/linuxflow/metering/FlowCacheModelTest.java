// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import io.linuxflow.flow.FlowLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The cache against a model with a HashMap that looks at every flow all the time: at the end of
 * each epoch exactly the same records go out of both.
 */
class FlowCacheModelTest {

    private static final long NANOS_PER_UNIT = 1000;
    private static final long IDLE = 1500;
    private static final long FINISHED = 400;
    private static final int BATCH = 512;

    private record Seen(
            int key, long packets, long octets, long first, long last, int flags, int endReason) {

        Seen with(int reason) {
            return new Seen(
                    key, packets, octets, first, last, flags, endReason == 0 ? reason : endReason);
        }
    }

    private static final class Model {
        private final int maxFlows;
        private final long active;
        private final Map<Integer, Seen> flows = new HashMap<>();
        private final Map<Integer, Long> ended = new HashMap<>();
        private final List<Seen> out = new ArrayList<>();
        private long lastEpoch;
        private long uncached;

        Model(int maxFlows, long active) {
            this.maxFlows = maxFlows;
            this.active = active;
        }

        void merge(Seen b) {
            Seen a = flows.get(b.key);
            if (a == null && flows.size() == maxFlows) {
                uncached++;
                out.add(b.with(Flow.LACK_OF_RESOURCES));
                return;
            }
            if (b.endReason != 0) {
                ended.putIfAbsent(b.key, b.last);
            }
            flows.put(
                    b.key,
                    a == null
                            ? b
                            : new Seen(
                                    a.key,
                                    a.packets + b.packets,
                                    a.octets + b.octets,
                                    Math.min(a.first, b.first),
                                    Math.max(a.last, b.last),
                                    a.flags | b.flags,
                                    Math.max(a.endReason, b.endReason)));
        }

        void endEpoch(long now) {
            for (Iterator<Seen> i = flows.values().iterator(); i.hasNext(); ) {
                Seen flow = i.next();
                int reason = reason(flow, now);
                if (reason != 0) {
                    i.remove();
                    ended.remove(flow.key);
                    out.add(flow.with(reason));
                }
            }
            lastEpoch = now;
        }

        private int reason(Seen flow, long now) {
            if (flow.endReason != 0) {
                boolean over = flow.last < lastEpoch || now - ended.get(flow.key) >= FINISHED;
                return over ? Flow.END_OF_FLOW : 0;
            }
            return now - flow.last >= IDLE
                    ? Flow.IDLE_TIMEOUT
                    : now - flow.first >= active ? Flow.ACTIVE_TIMEOUT : 0;
        }

        void flush() {
            flows.values().forEach(flow -> out.add(flow.with(Flow.FORCED_END)));
            flows.clear();
            ended.clear();
        }
    }

    /** Keys differ in one octet only, whichever: each has one that is not 0. */
    private static byte[] key(int number) {
        byte[] key = new byte[FlowLayout.KEY_SIZE];
        key[number % key.length] = (byte) (1 + number / key.length);
        return key;
    }

    private static int keyOf(FlowBatch batch, int record) {
        int at = record * FlowLayout.SIZE;
        int octet = 0;
        while (batch.records()[at + octet] == 0) {
            octet++;
        }
        int value = Byte.toUnsignedInt(batch.records()[at + octet]);
        return (value - 1) * FlowLayout.KEY_SIZE + octet;
    }

    @ParameterizedTest(name = "{0} of {1} flows, active timeout {2}")
    @CsvSource({
        "1, 20, 3000, 200000",
        "100, 3000, 3000, 1000000",
        "511, 600, 3000, 1000000",
        "262144, 14000, 3000, 2000000",
        "262144, 3000, 1100, 1000000",
    })
    void whatGoesOutIsWhatTheModelSays(int maxFlows, int keys, long active, int deltas) {
        Random random = new Random(maxFlows);
        Model model = new Model(maxFlows, active);
        PairTotals merged = new PairTotals();
        PairTotals pairsOut = new PairTotals();
        FlowCache cache =
                new FlowCache(
                        new CacheOptions(
                                Duration.ofNanos(active * NANOS_PER_UNIT),
                                Duration.ofNanos(IDLE * NANOS_PER_UNIT),
                                Duration.ofNanos(FINISHED * NANOS_PER_UNIT),
                                maxFlows),
                        BATCH,
                        0,
                        NANOS_PER_UNIT,
                        merged);
        Totals in = new Totals();
        Totals out = new Totals();
        Set<Integer> reasons = new HashSet<>();
        long now = 1_000_000;
        for (int left = deltas; left > 0; ) {
            long begin = now;
            // Mostly short epochs, some that outlast every timeout.
            now += 1 + random.nextInt(random.nextInt(50) == 0 ? 5000 : 300);
            Slots slots = new Slots();
            int count = random.nextInt(Math.min(left, 2000)) + 1;
            left -= count;
            for (int i = 0; i < count; i++) {
                // Some flows are busier than others.
                int key = random.nextInt(1 + random.nextInt(keys));
                Seen seen = seen(random, key, begin, now);
                add(slots, seen);
                model.merge(seen);
                in.add(seen);
            }
            model.endEpoch(now);
            WallClock clock = new WallClock(now, now * NANOS_PER_UNIT, NANOS_PER_UNIT);
            List<Seen> handedOut = new ArrayList<>();
            Consumer<FlowBatch> sink =
                    batch -> {
                        pairsOut.add(batch);
                        read(batch, handedOut);
                    };
            cache.merge(slots.memory, slots.count, clock, sink);
            if (left == 0) {
                model.flush();
                cache.flush(FlowFilter.ALL, clock, sink);
            }
            assertThat(handedOut).hasSameSizeAs(model.out);
            assertThat(new HashSet<>(handedOut).equals(new HashSet<>(model.out))).isTrue();
            for (Seen record : handedOut) {
                out.add(record);
                reasons.add(record.endReason);
            }
            model.out.clear();
            assertThat(cache.size()).isEqualTo(model.flows.size());
        }

        assertThat(out).isEqualTo(in);
        assertThat(merged.totals()).isEqualTo(pairsOut.totals());
        assertThat(cache.uncachedFlows()).isEqualTo(model.uncached);
        if (maxFlows > 1) {
            assertThat(reasons).contains(1, 2, 3, 4);
        }
        assertThat(reasons.contains(Flow.LACK_OF_RESOURCES)).isEqualTo(maxFlows < keys);
    }

    private static Seen seen(Random random, int key, long begin, long end) {
        long first = begin + random.nextInt((int) (end - begin));
        long last = first + random.nextInt((int) (end - first) + 1);
        return new Seen(
                key,
                1 + random.nextInt(1000),
                random.nextInt(1_000_000),
                first,
                last,
                random.nextInt(1 << 16),
                random.nextInt(20) == 0 ? Flow.END_OF_FLOW : 0);
    }

    private static void add(Slots slots, Seen seen) {
        slots.add(key(seen.key))
                .traffic(seen.packets, seen.octets)
                .times(seen.first, seen.last)
                .tcpFlags(seen.flags);
        if (seen.endReason != 0) {
            slots.finished();
        }
    }

    private static void read(FlowBatch batch, List<Seen> into) {
        assertThat(batch.size()).isBetween(1, BATCH);
        for (int i = 0; i < batch.size(); i++) {
            Flow flow = batch.flow(i);
            into.add(
                    new Seen(
                            keyOf(batch, i),
                            flow.packetDeltaCount(),
                            flow.octetDeltaCount(),
                            flow.flowStartNanos() / NANOS_PER_UNIT,
                            flow.flowEndNanos() / NANOS_PER_UNIT,
                            flow.tcpControlBits(),
                            flow.flowEndReason()));
        }
    }

    /** Packets and octets by flow. */
    private static final class Totals {
        private final Map<Integer, Long> packets = new HashMap<>();
        private final Map<Integer, Long> octets = new HashMap<>();

        void add(Seen seen) {
            packets.merge(seen.key, seen.packets, Long::sum);
            octets.merge(seen.key, seen.octets, Long::sum);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Totals that
                    && packets.equals(that.packets)
                    && octets.equals(that.octets);
        }

        @Override
        public int hashCode() {
            return packets.hashCode();
        }
    }
}
