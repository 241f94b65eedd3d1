// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import io.linuxflow.metering.FlowMeterObject.InterfacePair;
import io.linuxflow.metering.MeterStatus.Traffic;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PairTotalsTest {

    private final PairTotals totals = new PairTotals();

    /** Flows of {ingress, egress, packets}, 100 octets a packet. */
    private static FlowBatch batch(int[]... flows) {
        byte[] records = new byte[flows.length * FlowLayout.SIZE];
        for (int i = 0; i < flows.length; i++) {
            int at = i * FlowLayout.SIZE;
            FlowLayout.INT.set(records, at + FlowLayout.INGRESS_IFINDEX, flows[i][0]);
            FlowLayout.INT.set(records, at + FlowLayout.EGRESS_IFINDEX, flows[i][1]);
            FlowLayout.LONG.set(records, at + FlowLayout.PACKETS, (long) flows[i][2]);
            FlowLayout.LONG.set(records, at + FlowLayout.OCTETS, 100L * flows[i][2]);
        }
        return new FlowBatch(records, flows.length, 0);
    }

    private static Traffic traffic(long packets) {
        return new Traffic(packets, 100 * packets);
    }

    @Test
    void addsUpTheFlowsOfEachPair() {
        totals.add(batch(new int[][] {{2, 3, 5}, {2, 3, 1}, {3, 2, 7}, {0, 2, 1}, {2, 3, 10}}));
        totals.add(batch(new int[][] {{3, 2, 1}, {3, 0, 4}}));

        assertThat(totals.totals())
                .containsOnly(
                        Map.entry(new InterfacePair(2, 3), traffic(16)),
                        Map.entry(new InterfacePair(3, 2), traffic(8)),
                        Map.entry(new InterfacePair(0, 2), traffic(1)),
                        Map.entry(new InterfacePair(3, 0), traffic(4)));
    }

    @Test
    void pairsThatFindNoPlaceAreAddedUpAsOthers() {
        for (int i = 0; i < PairTotals.MAX_PAIRS + 10; i++) {
            totals.add(batch(new int[] {i, i + 1, 2}));
        }

        Map<InterfacePair, Traffic> all = totals.totals();
        assertThat(all).hasSize(PairTotals.MAX_PAIRS + 1);
        assertThat(all.get(InterfacePair.OTHERS)).isEqualTo(traffic(20));
    }

    @Test
    void pairsThatAreNotRetainedMakeRoomAndStayCounted() {
        for (int i = 0; i < PairTotals.MAX_PAIRS; i++) {
            totals.add(batch(new int[] {i, 1, 1}));
        }
        totals.retain(pair -> pair.ingressIfindex() == 7);
        totals.add(batch(new int[][] {{9999, 1, 3}, {7, 1, 3}}));

        assertThat(totals.totals())
                .containsOnly(
                        Map.entry(InterfacePair.OTHERS, traffic(PairTotals.MAX_PAIRS - 1)),
                        Map.entry(new InterfacePair(7, 1), traffic(4)),
                        Map.entry(new InterfacePair(9999, 1), traffic(3)));
    }

    @Test
    void agreesWithAMapOnRandomFlowsOfBatchesAndSlots() {
        Random random = new Random(1);
        Map<InterfacePair, Traffic> expected = new HashMap<>();
        for (int n = 0; n < 200; n++) {
            int[][] flows = new int[random.nextInt(50)][];
            for (int i = 0; i < flows.length; i++) {
                flows[i] =
                        new int[] {random.nextInt(40), random.nextInt(40), 1 + random.nextInt(9)};
                expected.merge(
                        new InterfacePair(flows[i][0], flows[i][1]),
                        traffic(flows[i][2]),
                        Traffic::plus);
            }
            FlowBatch batch = batch(flows);
            if (n % 2 == 0) {
                totals.add(batch);
            } else {
                ByteBuffer slots = ByteBuffer.wrap(batch.records()).order(ByteOrder.nativeOrder());
                int first = random.nextInt(batch.size() + 1);
                totals.add(slots, 0, first);
                totals.add(slots, first, batch.size() - first);
            }
        }

        assertThat(totals.totals()).isEqualTo(expected);
    }
}
