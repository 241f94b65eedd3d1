// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.flow;

import java.util.AbstractList;
import java.util.Iterator;
import java.util.List;
import java.util.RandomAccess;

/**
 * Flow records that were drained together: {@link #size()} records of {@link FlowLayout#SIZE}
 * octets, back to back in one array. Immutable once published, so any number of threads may read it
 * and routes may share it.
 */
public final class FlowBatch implements Iterable<Flow> {

    private final byte[] records;
    private final int size;
    private final int observationDomain;

    /**
     * Takes over the array; the caller must not write to it any more.
     *
     * @param records flow records in the layout of {@link FlowLayout}, times in nanoseconds since
     *     1970 UTC
     * @param size number of records, at most what the array holds
     * @param observationDomain which of the meter's network namespaces they are from, counted from
     *     0
     */
    public FlowBatch(byte[] records, int size, int observationDomain) {
        if (size < 0 || (long) size * FlowLayout.SIZE > records.length) {
            throw new IllegalArgumentException(
                    size + " records of " + FlowLayout.SIZE + " octets in " + records.length);
        }
        this.records = records;
        this.size = size;
        this.observationDomain = observationDomain;
    }

    /** The number of flow records. */
    public int size() {
        return size;
    }

    /**
     * Which of the meter's network namespaces the flows are from, counted from 0. Interface indexes
     * are unique only within one, so each is an Observation Domain (RFC 7011, section 2).
     */
    public int observationDomain() {
        return observationDomain;
    }

    /** The records themselves, for encoders; see {@link FlowLayout}. Not to be written to. */
    public byte[] records() {
        return records;
    }

    /** A view of one record. */
    public Flow flow(int index) {
        if (index < 0 || index >= size) {
            throw new IndexOutOfBoundsException("flow " + index + " of " + size);
        }
        return new Flow(records, index * FlowLayout.SIZE);
    }

    /** A view of all records as a list. */
    public List<Flow> asList() {
        return new FlowList();
    }

    /** Wire packets of all records together. */
    public long packets() {
        return sum(FlowLayout.PACKETS);
    }

    /** IP octets of all records together. */
    public long octets() {
        return sum(FlowLayout.OCTETS);
    }

    private long sum(int member) {
        long sum = 0;
        for (int at = member, end = size * FlowLayout.SIZE; at < end; at += FlowLayout.SIZE) {
            sum += (long) FlowLayout.LONG.get(records, at);
        }
        return sum;
    }

    @Override
    public Iterator<Flow> iterator() {
        return asList().iterator();
    }

    /** Short on purpose: tracers and loggers print message bodies. */
    @Override
    public String toString() {
        return "FlowBatch[" + size + " flows, observation domain " + observationDomain + "]";
    }

    private final class FlowList extends AbstractList<Flow> implements RandomAccess {
        @Override
        public Flow get(int index) {
            return flow(index);
        }

        @Override
        public int size() {
            return size;
        }
    }
}
