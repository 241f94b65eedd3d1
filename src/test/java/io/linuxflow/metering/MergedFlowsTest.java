// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import io.linuxflow.flow.FlowLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class MergedFlowsTest {

    private static ByteBuffer records(Slots slots) {
        return slots.memory.limit(slots.count * FlowLayout.SIZE);
    }

    private static String place(FlowBatch batch, int flow) {
        return new String(batch.column(UnexportedFlows.PLACE).value(flow), StandardCharsets.UTF_8);
    }

    @Test
    void aFlowThatIsInBothPlacesIsTheSum() {
        MergedFlows merged = new MergedFlows(FlowFilter.ALL, null);
        merged.add(
                records(
                        new Slots()
                                .flow(1)
                                .traffic(1, 10)
                                .times(7, 9)
                                .flow(1)
                                .traffic(2, 20)
                                .times(8, 8)
                                .flow(2)
                                .traffic(5, 50)),
                MergedFlows.KERNEL);
        merged.add(
                records(new Slots().flow(3).traffic(6, 60).flow(1).traffic(4, 40).times(3, 5)),
                MergedFlows.CACHE);
        FlowBatch batch = merged.batch();
        assertThat(batch.size()).isEqualTo(3);
        assertThat(place(batch, 0)).isEqualTo("both");
        assertThat(place(batch, 1)).isEqualTo("kernel");
        assertThat(place(batch, 2)).isEqualTo("cache");
        Flow first = batch.flow(0);
        assertThat(first.packetDeltaCount()).isEqualTo(7);
        assertThat(first.octetDeltaCount()).isEqualTo(70);
        assertThat(first.flowStartNanos()).isEqualTo(3);
        assertThat(first.flowEndNanos()).isEqualTo(9);
    }

    @Test
    void keepsEveryOneOfManyFlowsAndTurnsTheirTimes() {
        MergedFlows merged = new MergedFlows(FlowFilter.ALL, new WallClock(100, 1_000, 10));
        for (int round = 0; round < 2; round++) {
            Slots slots = new Slots();
            for (int port = 0; port < 1000; port++) {
                slots.flow(port).traffic(1, 10).times(90, 95 + round);
            }
            merged.add(records(slots), MergedFlows.KERNEL);
        }
        FlowBatch batch = merged.batch();
        assertThat(batch.asList())
                .hasSize(1000)
                .allMatch(f -> f.packetDeltaCount() == 2)
                .allMatch(f -> f.flowStartNanos() == 900 && f.flowEndNanos() == 960);
        assertThat(batch.asList().stream().map(Flow::sourceTransportPort).distinct()).hasSize(1000);
    }
}
