// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.flow;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.RandomAccess;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Flow records that were drained together: {@link #size()} records of {@link FlowLayout#SIZE}
 * octets, back to back in one array; and what enrichments know about them, in {@link #columns()}.
 * Immutable once published, so any number of threads may read it and routes may share it.
 *
 * <p>Who enriches a batch gets a view of the same records with more columns, and others do not see
 * them. The work is done once all the same, whichever route asks first:
 *
 * <pre>{@code
 * FlowBatch enriched = batch.with(batch.once(this, () -> columnsOf(batch)));
 * }</pre>
 */
public final class FlowBatch implements Iterable<Flow> {

    /** What names this process's own network namespace. */
    public static final String OWN_NAMESPACE = "";

    private final byte[] records;
    private final int size;
    private final int observationDomain;
    private final String namespace;

    /** By name, in the order they were added. */
    private final Map<String, Column> columns;

    /** What {@link #once} has computed; of all views of the records. */
    private final Map<Object, Once> computed;

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
        namespace = OWN_NAMESPACE;
        columns = Map.of();
        computed = new ConcurrentHashMap<>();
    }

    private FlowBatch(FlowBatch other, String namespace, Map<String, Column> columns) {
        records = other.records;
        size = other.size;
        observationDomain = other.observationDomain;
        computed = other.computed;
        this.namespace = namespace;
        this.columns = columns;
    }

    /** The same flows, said to be from that {@link #namespace()}. */
    public FlowBatch from(String name) {
        return name.equals(namespace) ? this : new FlowBatch(this, name, columns);
    }

    /**
     * The same flows with more columns; one takes the place of a column of that name.
     *
     * @throws IllegalArgumentException if a column is of another number of flows
     */
    public FlowBatch with(Collection<Column> more) {
        if (more.isEmpty()) {
            return this;
        }
        Map<String, Column> all = new LinkedHashMap<>(columns);
        for (Column column : more) {
            if (column.size() != size) {
                throw new IllegalArgumentException(
                        "column " + column + " is of " + column.size() + " flows, not " + size);
            }
            all.put(column.name(), column);
        }
        return new FlowBatch(this, namespace, Collections.unmodifiableMap(all));
    }

    /** What enrichments know about the flows, in the order in which it was added. */
    public Collection<Column> columns() {
        return columns.values();
    }

    /** The column of that name, null if there is none. */
    public Column column(String name) {
        return columns.get(name);
    }

    /**
     * Something that is computed out of this batch at most once, by whoever asks first; others wait
     * for it. All views of the same records share it, so it must depend on nothing but the records
     * and the key.
     *
     * @param key what tells it from other computations, such as the enrichment itself
     * @return what the computation has given; never null
     */
    @SuppressWarnings("unchecked")
    public <T> T once(Object key, Supplier<T> computation) {
        Once once = computed.computeIfAbsent(key, any -> new Once());
        synchronized (once) {
            if (once.result == null) {
                once.result = computation.get();
            }
            return (T) once.result;
        }
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

    /**
     * The name of the network namespace that the flows are from, as {@code ip netns} knows it;
     * {@link #OWN_NAMESPACE} for this process's own.
     */
    public String namespace() {
        return namespace;
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
        return new Flow(this, index);
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
        return "FlowBatch["
                + size
                + " flows, observation domain "
                + observationDomain
                + (columns.isEmpty() ? "" : ", with " + new ArrayList<>(columns.keySet()))
                + "]";
    }

    private static final class Once {
        private Object result;
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
