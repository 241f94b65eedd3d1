// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowFilter.ANY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import io.linuxflow.flow.FlowLayout;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.groups.Tuple;
import org.junit.jupiter.api.Test;

class FlushSinkTest {

    private static final FlowFilter PORT_1 = new FlowFilter(null, ANY, null, 1, null, ANY);

    private final List<FlowBatch> batches = new ArrayList<>();

    /** Port 1 twice, once with its end, and port 2, whose time has come. */
    private static FlowBatch batch() {
        Slots slots =
                new Slots()
                        .flow(1)
                        .traffic(3, 30)
                        .flow(2)
                        .traffic(5, 50)
                        .flow(1)
                        .traffic(7, 70)
                        .finished();
        List<FlowBatch> batches = new ArrayList<>();
        BatchWriter writer = new BatchWriter(10, 0);
        for (int i = 0; i < slots.count; i++) {
            writer.add(
                    slots.memory,
                    i * FlowLayout.SIZE,
                    new WallClock(0, 0, 1),
                    Flow.IDLE_TIMEOUT,
                    batches::add);
        }
        writer.flush(batches::add);
        return batches.get(0);
    }

    private List<Tuple> flows() {
        return batches.stream()
                .flatMap(batch -> batch.asList().stream())
                .map(f -> tuple(f.sourceTransportPort(), f.packetDeltaCount(), f.flowEndReason()))
                .toList();
    }

    @Test
    void forcesTheFlowsThatAreMeantToEndAndLetsTheOthersPass() {
        FlushSink sink = new FlushSink(PORT_1, false, batches::add);
        sink.accept(batch());
        assertThat(flows())
                .containsExactly(
                        tuple(1, 3L, Flow.FORCED_END),
                        tuple(1, 7L, Flow.END_OF_FLOW),
                        tuple(2, 5L, Flow.IDLE_TIMEOUT));
        assertThat(sink.flushed()).isEqualTo(new Flushed(2, 10, 100));
    }

    @Test
    void discardsTheFlowsThatAreMeantAndCountsThem() {
        FlushSink sink = new FlushSink(PORT_1, true, batches::add);
        sink.accept(batch());
        sink.accept(batch());
        assertThat(flows())
                .containsExactly(tuple(2, 5L, Flow.IDLE_TIMEOUT), tuple(2, 5L, Flow.IDLE_TIMEOUT));
        assertThat(sink.flushed()).isEqualTo(new Flushed(4, 20, 200));
    }
}
