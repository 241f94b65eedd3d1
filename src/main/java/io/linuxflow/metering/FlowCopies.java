// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowLayout.SIZE;

import io.linuxflow.bpf.MappedMemory;
import io.linuxflow.flow.FlowFilter;
import java.nio.ByteBuffer;

/**
 * Copies of flow records. They are outside the Java heap, which may be small, and their memory is
 * given back at once when they are closed.
 *
 * <p>Belongs to one thread at a time: the meter's makes the copies, another one makes use of them.
 */
final class FlowCopies implements AutoCloseable {

    private final FlowFilter which;
    private final WallClock now;
    private final MappedMemory memory;
    private final ByteBuffer records;
    private int size;

    /**
     * @param most how many there is to be room for
     * @param which those that are copied
     */
    FlowCopies(int most, FlowFilter which, WallClock now) {
        this.which = which;
        this.now = now;
        memory = MappedMemory.anonymous((long) Math.max(1, most) * SIZE);
        records = memory.buffer(0, most * SIZE);
    }

    /** Copies a record if it is of a flow that is meant. */
    void add(ByteBuffer from, int at) {
        if (which.matches(from, at)) {
            records.put(size * SIZE, from, at, SIZE);
            size++;
        }
    }

    /** The number of copies. */
    int size() {
        return size;
    }

    /**
     * The copies, one after the other, with their times turned into nanoseconds since 1970 UTC; to
     * be called once.
     */
    ByteBuffer finish() {
        for (int i = 0; i < size; i++) {
            now.convert(records, i * SIZE);
        }
        return records.slice(0, size * SIZE);
    }

    @Override
    public void close() {
        memory.close();
    }
}
