// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.Flow.ACTIVE_TIMEOUT;
import static io.linuxflow.flow.Flow.END_OF_FLOW;
import static io.linuxflow.flow.Flow.FORCED_END;
import static io.linuxflow.flow.Flow.IDLE_TIMEOUT;
import static io.linuxflow.flow.Flow.LACK_OF_RESOURCES;
import static io.linuxflow.flow.FlowFilter.ANY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import io.linuxflow.flow.FlowLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.groups.Tuple;
import org.junit.jupiter.api.Test;

/** Each rule of the cache; the reasons are those of RFC 5102, section 5.11.3 (flowEndReason). */
class FlowCacheTest {

    private static final long NANOS_PER_TICK = 4_000_000;
    private static final long TICKS = 250;

    /** What the tick counter shows when the tests begin: nothing else may depend on it. */
    private static final long BOOT = 4_294_667_296L;

    private static final long NOON = 1_800_000_000_000_000_000L;
    private static final int BATCH = 100;
    private static final int DOMAIN = 3;

    private FlowCache cache = cache(CacheOptions.DEFAULT);
    private final List<FlowBatch> batches = new ArrayList<>();

    /** How far the system's time is ahead of where it began. */
    private Duration step = Duration.ZERO;

    @Test
    void addsUpWhatTheEpochsSawOfAFlow() {
        epoch(
                5,
                slots().flow(1)
                        .traffic(3, 300)
                        .times(at(1), at(4))
                        .tcpFlags(0x102)
                        .ttl(60, 64)
                        .tos(8)
                        .fragment(77)
                        .flowLabel(99));
        epoch(
                10,
                slots().flow(1)
                        .traffic(4, 50)
                        .times(at(6), at(9))
                        .tcpFlags(0x010)
                        .ttl(5, 200)
                        .tos(9)
                        .fragment(78)
                        .flowLabel(98));
        flush(10);

        Flow flow = only();
        assertThat(flow.sourceTransportPort()).isEqualTo(1);
        assertThat(flow.packetDeltaCount()).isEqualTo(7);
        assertThat(flow.octetDeltaCount()).isEqualTo(350);
        assertThat(flow.flowStartNanos()).isEqualTo(nanos(1));
        assertThat(flow.flowEndNanos()).isEqualTo(nanos(9));
        assertThat(flow.tcpControlBits()).isEqualTo(0x112);
        assertThat(flow.minimumTTL()).isEqualTo(5);
        assertThat(flow.maximumTTL()).isEqualTo(200);
        assertThat(flow.ipClassOfService()).isEqualTo(8);
        assertThat(flow.fragmentIdentification()).isEqualTo(77);
        assertThat(flow.flowLabelIPv6()).isEqualTo(99);
        assertThat(batches.get(0).observationDomain()).isEqualTo(DOMAIN);
    }

    @Test
    void takesWhatIsOfTheFirstPacketFromTheEarlierOfTwoSlots() {
        epoch(
                5,
                slots().flow(1)
                        .times(at(2), at(4))
                        .tos(8)
                        .fragment(77)
                        .flowLabel(99)
                        .flow(1)
                        .times(at(1), at(3))
                        .tos(9)
                        .fragment(78)
                        .flowLabel(98));
        flush(5);

        Flow flow = only();
        assertThat(flow.flowStartNanos()).isEqualTo(nanos(1));
        assertThat(flow.flowEndNanos()).isEqualTo(nanos(4));
        assertThat(flow.ipClassOfService()).isEqualTo(9);
        assertThat(flow.fragmentIdentification()).isEqualTo(78);
        assertThat(flow.flowLabelIPv6()).isEqualTo(98);
    }

    @Test
    void aFlowIsIdleFifteenSecondsAfterItsLastPacket() {
        epoch(5, slots().flow(1).traffic(1, 10).times(at(1), at(3)));
        epoch(17.9, slots());
        assertThat(flows()).isEmpty();
        epoch(18, slots());

        assertThat(flows()).containsExactly(tuple(1, 1L, IDLE_TIMEOUT));
        assertThat(cache.size()).isZero();
    }

    @Test
    void aPacketPutsOffTheIdleTimeout() {
        epoch(5, slots().flow(1).traffic(1, 10).times(at(1), at(3)));
        epoch(15, slots().flow(1).traffic(1, 10).times(at(11), at(11)));
        epoch(25, slots());
        assertThat(flows()).isEmpty();
        epoch(26, slots());

        assertThat(flows()).containsExactly(tuple(1, 2L, IDLE_TIMEOUT));
    }

    @Test
    void aLongFlowGoesOutThirtySecondsAfterItsFirstPacketAndGoesOn() {
        for (int i = 1; i < 6; i++) {
            epoch(5 * i, slots().flow(1).traffic(i, 10).times(at(5 * i - 4), at(5 * i)));
        }
        epoch(30.9, slots().flow(1).traffic(6, 10).times(at(26), at(30.9)));
        assertThat(flows()).isEmpty();
        epoch(31, slots().flow(1).traffic(7, 10).times(at(31), at(31)));
        assertThat(flows()).containsExactly(tuple(1, 28L, ACTIVE_TIMEOUT));

        epoch(35, slots().flow(1).traffic(100, 10).times(at(32), at(35)));
        flush(35);
        assertThat(flows()).last().isEqualTo(tuple(1, 100L, FORCED_END));
        assertThat(batches.get(1).flow(0).flowStartNanos()).isEqualTo(nanos(32));
    }

    @Test
    void aFinishedFlowGoesOutOnceAnEpochSeesNoMoreOfIt() {
        epoch(1, slots().flow(1).traffic(1, 10).times(at(0.5), at(0.6)).finished());
        epoch(2, slots().flow(1).traffic(1, 10).times(at(1.5), at(1.6)));
        assertThat(flows()).isEmpty();
        epoch(3, slots());

        assertThat(flows()).containsExactly(tuple(1, 2L, END_OF_FLOW));
        assertThat(cache.size()).isZero();
    }

    @Test
    void aFinishedFlowGoesOutAfterFiveSecondsThoughPacketsStillCome() {
        epoch(1, slots().flow(1).traffic(1, 10).times(at(0.5), at(0.5)));
        epoch(2, slots().flow(1).traffic(1, 10).times(at(1.5), at(1.5)).finished());
        for (int i = 3; i <= 6; i++) {
            epoch(i, slots().flow(1).traffic(1, 10).times(at(i - 0.5), at(i)).finished());
        }
        assertThat(flows()).isEmpty();
        epoch(6.5, slots().flow(1).traffic(1, 10).times(at(6.5), at(6.5)));

        assertThat(flows()).containsExactly(tuple(1, 7L, END_OF_FLOW));
    }

    @Test
    void withoutAFinishedDrainAFinishedFlowGoesOutAtOnce() {
        cache =
                cache(
                        new CacheOptions(
                                Duration.ofSeconds(30), Duration.ofSeconds(15), Duration.ZERO, 10));
        epoch(1, slots().flow(1).traffic(1, 10).times(at(1), at(1)).finished());

        assertThat(flows()).containsExactly(tuple(1, 1L, END_OF_FLOW));
    }

    @Test
    void aFlushEndsEveryFlow() {
        epoch(
                5,
                slots().flow(1)
                        .traffic(1, 10)
                        .times(at(1), at(3))
                        .flow(2)
                        .traffic(2, 10)
                        .times(at(2), at(5))
                        .finished());
        flush(5);

        assertThat(flows())
                .containsExactlyInAnyOrder(tuple(1, 1L, FORCED_END), tuple(2, 2L, END_OF_FLOW));
        assertThat(cache.size()).isZero();
        epoch(10, slots().flow(1).traffic(3, 10).times(at(6), at(6)));
        flush(10);
        assertThat(flows()).last().isEqualTo(tuple(1, 3L, FORCED_END));
    }

    @Test
    void whatFindsTheCacheFullGoesOutAtOnceAndTheOthersStay() {
        cache = cache(withFlows(2));
        Slots three =
                slots().flow(1)
                        .traffic(1, 10)
                        .times(at(1), at(1))
                        .flow(2)
                        .traffic(1, 10)
                        .times(at(1), at(1))
                        .flow(3)
                        .traffic(5, 10)
                        .times(at(2), at(4));
        epoch(5, three);
        assertThat(flows()).containsExactly(tuple(3, 5L, LACK_OF_RESOURCES));
        assertThat(batches.get(0).flow(0).flowEndNanos()).isEqualTo(nanos(4));
        assertThat(cache.size()).isEqualTo(2);
        assertThat(cache.uncachedFlows()).isEqualTo(1);

        epoch(16, slots().flow(2).traffic(1, 10).times(at(15), at(15)));
        epoch(20, slots().flow(3).traffic(6, 10).times(at(19), at(19)));
        flush(20);
        assertThat(flows())
                .containsExactlyInAnyOrder(
                        tuple(3, 5L, LACK_OF_RESOURCES),
                        tuple(1, 1L, IDLE_TIMEOUT),
                        tuple(2, 2L, FORCED_END),
                        tuple(3, 6L, FORCED_END));
        assertThat(cache.uncachedFlows()).isEqualTo(1);
    }

    @Test
    void aFlowThatIsFlushedLeavesTheOthersAndBeginsAnew() {
        epoch(
                5,
                slots().flow(1)
                        .traffic(1, 10)
                        .times(at(1), at(5))
                        .flow(2)
                        .traffic(2, 20)
                        .times(at(1), at(5))
                        .flow(3)
                        .traffic(3, 30)
                        .times(at(1), at(5)));
        FlowFilter second = new FlowFilter(null, ANY, null, 2, null, ANY);
        cache.flush(second, clock(5), batches::add);
        assertThat(flows()).containsExactly(tuple(2, 2L, FORCED_END));
        assertThat(cache.size()).isEqualTo(2);

        batches.clear();
        epoch(6, slots().flow(2).traffic(4, 40).times(at(6), at(6)));
        flush(6);
        assertThat(flows())
                .containsExactlyInAnyOrder(
                        tuple(1, 1L, FORCED_END),
                        tuple(2, 4L, FORCED_END),
                        tuple(3, 3L, FORCED_END));
    }

    @Test
    void aCopyShowsTheFlowsAndLeavesThem() {
        epoch(
                5,
                slots().flow(1)
                        .traffic(1, 10)
                        .times(at(1), at(3))
                        .flow(2)
                        .traffic(2, 10)
                        .times(at(2), at(5))
                        .finished());
        try (FlowCopies copies = new FlowCopies(2, FlowFilter.ALL, clock(5))) {
            cache.forEach(copies::add);
            byte[] records = new byte[copies.size() * FlowLayout.SIZE];
            copies.finish().get(records);
            batches.add(new FlowBatch(records, copies.size(), 0));
        }
        assertThat(flows()).containsExactlyInAnyOrder(tuple(1, 1L, 0), tuple(2, 2L, END_OF_FLOW));
        assertThat(cache.size()).isEqualTo(2);

        batches.clear();
        flush(5);
        assertThat(flows()).hasSize(2);
    }

    @Test
    void aStepOfTheSystemsTimeEndsNoFlowAndStretchesNoRecord() {
        epoch(5, slots().flow(1).traffic(1, 10).times(at(1), at(3)));
        step = Duration.ofHours(1);
        epoch(10, slots().flow(1).traffic(1, 10).times(at(6), at(8)));
        assertThat(flows()).isEmpty();
        step = Duration.ofHours(-1);
        epoch(23, slots());

        assertThat(flows()).containsExactly(tuple(1, 2L, IDLE_TIMEOUT));
        assertThat(only().flowStartNanos()).isEqualTo(nanos(1));
        assertThat(only().flowEndNanos()).isEqualTo(nanos(8));
    }

    @Test
    void aBatchHoldsAHundredRecordsAtMost() {
        Slots slots = slots();
        for (int port = 1; port <= 2 * BATCH + 50; port++) {
            slots.flow(port).traffic(port, 10).times(at(1), at(1));
        }
        epoch(5, slots);
        epoch(20, slots());

        assertThat(batches).extracting(FlowBatch::size).containsExactly(BATCH, BATCH, 50);
        assertThat(batches.stream().mapToLong(FlowBatch::packets).sum()).isEqualTo(250L * 251 / 2);
    }

    @Test
    void howeverLongAnEpochWasEveryFlowIsLookedAt() {
        Slots slots = slots();
        for (int i = 0; i < 1000; i++) {
            slots.flow(i).traffic(1, 10).times(at(i), at(i));
        }
        epoch(1000, slots);
        // 985 is idle since then exactly, and older ones are, too.
        assertThat(flows()).hasSize(986).allMatch(flow -> flow.toList().get(2).equals(1));

        epoch(100_000, slots());
        assertThat(flows()).hasSize(1000);
        assertThat(cache.size()).isZero();
    }

    private static FlowCache cache(CacheOptions options) {
        return new FlowCache(options, BATCH, DOMAIN, NANOS_PER_TICK, new PairTotals());
    }

    private static CacheOptions withFlows(int maxFlows) {
        CacheOptions d = CacheOptions.DEFAULT;
        return new CacheOptions(d.activeTimeout(), d.idleTimeout(), d.finishedDrain(), maxFlows);
    }

    private static Slots slots() {
        return new Slots();
    }

    private static long at(double seconds) {
        return BOOT + Math.round(seconds * TICKS);
    }

    private long nanos(double seconds) {
        return NOON + step.toNanos() + Math.round(seconds * TICKS) * NANOS_PER_TICK;
    }

    private WallClock clock(double seconds) {
        return new WallClock(at(seconds), nanos(seconds), NANOS_PER_TICK);
    }

    private void epoch(double end, Slots slots) {
        cache.merge(slots.memory, slots.count, clock(end), batches::add);
    }

    private void flush(double now) {
        cache.flush(FlowFilter.ALL, clock(now), batches::add);
    }

    /** Source port, packets and flowEndReason of what has gone out so far. */
    private List<Tuple> flows() {
        return batches.stream()
                .flatMap(batch -> batch.asList().stream())
                .map(f -> tuple(f.sourceTransportPort(), f.packetDeltaCount(), f.flowEndReason()))
                .toList();
    }

    private Flow only() {
        assertThat(batches).singleElement().matches(batch -> batch.size() == 1);
        return batches.get(0).flow(0);
    }
}
