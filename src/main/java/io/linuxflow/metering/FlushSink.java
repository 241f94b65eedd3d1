// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowLayout.END_REASON;
import static io.linuxflow.flow.FlowLayout.SIZE;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Takes what goes out while a flush is under way. The flows that are meant have flowEndReason 4,
 * forced end, unless they have ended by themselves, or are discarded; they are counted. The others,
 * whose time has just come, go on as they are.
 */
final class FlushSink implements Consumer<FlowBatch> {

    private final FlowFilter which;
    private final boolean discard;
    private final Consumer<FlowBatch> sink;
    private Flushed flushed = Flushed.NONE;

    FlushSink(FlowFilter which, boolean discard, Consumer<FlowBatch> sink) {
        this.which = which;
        this.discard = discard;
        this.sink = sink;
    }

    /** The flows that were meant, so far. */
    Flushed flushed() {
        return flushed;
    }

    @Override
    public void accept(FlowBatch batch) {
        ByteBuffer from = ByteBuffer.wrap(batch.records()).order(ByteOrder.nativeOrder());
        byte[] meant = new byte[batch.size() * SIZE];
        byte[] others = new byte[batch.size() * SIZE];
        int meantSize = 0;
        int othersSize = 0;
        for (int at = 0, end = batch.size() * SIZE; at < end; at += SIZE) {
            if (which.matches(from, at)) {
                from.get(at, meant, meantSize, SIZE);
                if (meant[meantSize + END_REASON] != Flow.END_OF_FLOW) {
                    meant[meantSize + END_REASON] = Flow.FORCED_END;
                }
                meantSize += SIZE;
            } else {
                from.get(at, others, othersSize, SIZE);
                othersSize += SIZE;
            }
        }
        if (meantSize > 0) {
            FlowBatch ended = batch(meant, meantSize, batch);
            flushed = flushed.plus(new Flushed(ended.size(), ended.packets(), ended.octets()));
            if (!discard) {
                sink.accept(ended);
            }
        }
        if (othersSize > 0) {
            sink.accept(batch(others, othersSize, batch));
        }
    }

    private static FlowBatch batch(byte[] records, int size, FlowBatch like) {
        return new FlowBatch(Arrays.copyOf(records, size), size / SIZE, like.observationDomain());
    }
}
