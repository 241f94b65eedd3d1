// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowLayout.END_REASON;
import static io.linuxflow.flow.FlowLayout.SIZE;

import io.linuxflow.flow.FlowBatch;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.Consumer;

/** Gathers records into batches; one that is full is handed out. */
final class BatchWriter {

    private static final int SMALLEST = 64;

    private final int batchSize;
    private final int observationDomain;
    private byte[] records;
    private int size;

    BatchWriter(int batchSize, int observationDomain) {
        this.batchSize = batchSize;
        this.observationDomain = observationDomain;
        records = new byte[Math.min(SMALLEST, batchSize) * SIZE];
    }

    /**
     * Adds a record.
     *
     * @param from memory with the record, times as readings of the flow clock
     * @param at where it begins
     * @param time turns those into nanoseconds since 1970 UTC
     * @param endReason flowEndReason (136), if the record has none of its own
     */
    void add(ByteBuffer from, int at, WallClock time, int endReason, Consumer<FlowBatch> sink) {
        int to = size * SIZE;
        if (to == records.length) {
            records = Arrays.copyOf(records, Math.min(2 * size, batchSize) * SIZE);
        }
        from.get(at, records, to, SIZE);
        time.convert(records, to);
        if (records[to + END_REASON] == 0) {
            records[to + END_REASON] = (byte) endReason;
        }
        if (++size == batchSize) {
            flush(sink);
        }
    }

    /** Hands out what has been gathered, if anything. */
    void flush(Consumer<FlowBatch> sink) {
        if (size > 0) {
            FlowBatch batch =
                    new FlowBatch(Arrays.copyOf(records, size * SIZE), size, observationDomain);
            size = 0;
            sink.accept(batch);
        }
    }
}
