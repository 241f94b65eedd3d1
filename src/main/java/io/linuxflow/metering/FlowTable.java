// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowLayout.KEY_SIZE;
import static io.linuxflow.flow.FlowLayout.SIZE;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.function.IntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A hash table of flow records by their key, outside the Java heap, and lists that its entries are
 * in. An entry is the record and the cache's notes about it; it is known by its number, and stays
 * where it is until it is removed.
 *
 * <p>Entries lie in segments, which are added as they are needed and then kept. The index is an
 * open-addressed table of {@code hash << 32 | number + 1}, at most half full, so that a search
 * hardly ever looks at the record of another flow.
 *
 * <p>Belongs to one thread.
 */
final class FlowTable {

    /** What {@link #find} and {@link #insert} return for no entry. */
    static final int NONE = -1;

    /** More take an index of more than a buffer holds. */
    static final int MAX_FLOWS = 1 << 24;

    /** Where the entry keeps when the flow's end was seen, a long. */
    static final int ENDED = SIZE;

    private static final int NEXT = ENDED + 8;
    private static final int PREVIOUS = NEXT + 4;

    /** An entry is two cache lines: the first has what a search looks at. */
    private static final int ENTRY_SHIFT = 7;

    private static final int CACHE_LINE = 64;
    private static final int SEGMENT_SHIFT = 13;
    private static final int SMALLEST_INDEX = 1024;

    private static final Logger LOG = LoggerFactory.getLogger(FlowTable.class);

    private static final long[] ODD = {
        0x9e3779b97f4a7c15L,
        0xbf58476d1ce4e5b9L,
        0x94d049bb133111ebL,
        0xd6e8feb86659fd93L,
        0xa0761d6478bd642fL,
        0xe7037ed1a0b428dbL,
        0x8ebc6af09c88c6e3L,
    };

    private final int maxFlows;
    private final long seed;
    private final IntFunction<ByteBuffer> allocator;
    private final int[] heads;
    private final ByteBuffer[] segments;
    private LongBuffer index;
    private int mask;
    private int size;

    /** Entries that memory was taken for. */
    private int capacity;

    /** The most there can be: less than asked for, once there is no more memory. */
    private int limit;

    /** First of the list of those that were removed; without any, the others are 0 to size. */
    private int removed = NONE;

    /**
     * @param maxFlows the most entries
     * @param lists how many lists there are, numbered from 0
     * @param seed goes into the hash: a random one keeps strangers from sending flows that all meet
     *     in one place of the index
     * @param allocator makes memory of a number of octets, all 0
     */
    FlowTable(int maxFlows, int lists, long seed, IntFunction<ByteBuffer> allocator) {
        this.maxFlows = maxFlows;
        this.seed = seed;
        this.allocator = allocator;
        limit = maxFlows;
        segments = new ByteBuffer[(maxFlows - 1 >>> SEGMENT_SHIFT) + 1];
        useIndex(allocator.apply(SMALLEST_INDEX * Long.BYTES));
        heads = new int[lists];
        Arrays.fill(heads, NONE);
    }

    /** The number of flows in the table. */
    int size() {
        return size;
    }

    /** Where an entry is: this buffer, from {@link #offset} on. */
    ByteBuffer segment(int entry) {
        return segments[entry >>> SEGMENT_SHIFT];
    }

    /** Where in its segment the entry begins, with the record. */
    int offset(int entry) {
        return (entry & (1 << SEGMENT_SHIFT) - 1) << ENTRY_SHIFT;
    }

    /**
     * A hash of the flow key. As in {@code bpf/flowmeter.bpf.c}: words are mixed independently, and
     * a word's upper half goes into its lower one first, as multiplying moves bits up only.
     */
    int hash(ByteBuffer records, int at) {
        long sum = 0;
        for (int i = 0; i < KEY_SIZE / 8; i++) {
            long mixed = records.getLong(at + 8 * i) ^ seed;
            sum += (mixed ^ mixed >>> 32) * ODD[i];
        }
        sum = (sum ^ sum >>> 32) * 0x589965cc75374cc3L;
        return (int) (sum >>> 32);
    }

    /** The entry with the key of a record, or {@link #NONE}. */
    int find(ByteBuffer records, int at, int hash) {
        long reference;
        for (int i = hash & mask; (reference = index.get(i)) != 0; i = i + 1 & mask) {
            if (hash(reference) == hash) {
                int entry = entry(reference);
                if (sameKey(segment(entry), offset(entry), records, at)) {
                    return entry;
                }
            }
        }
        return NONE;
    }

    private static boolean sameKey(ByteBuffer a, int atA, ByteBuffer b, int atB) {
        for (int i = 0; i < KEY_SIZE; i += 8) {
            if (a.getLong(atA + i) != b.getLong(atB + i)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Adds a record, whose key is not in the table yet; it is in no list.
     *
     * @return its entry, {@link #NONE} if the table is full
     */
    int insert(ByteBuffer records, int at, int hash) {
        if (size == limit
                || size == index.capacity() / 2 && !growIndex()
                || size == capacity && !addSegment()) {
            return NONE;
        }
        int entry = size++;
        if (removed != NONE) {
            entry = removed;
            removed = next(entry);
        }
        segment(entry).put(offset(entry), records, at, SIZE);
        addToIndex((long) hash << 32 | entry + 1);
        return entry;
    }

    private boolean addSegment() {
        int entries = Math.min(1 << SEGMENT_SHIFT, maxFlows - capacity);
        ByteBuffer memory = allocate((entries << ENTRY_SHIFT) + CACHE_LINE);
        if (memory == null) {
            return false;
        }
        segments[capacity >>> SEGMENT_SHIFT] =
                memory.alignedSlice(CACHE_LINE).order(ByteOrder.nativeOrder());
        capacity += entries;
        return true;
    }

    private boolean growIndex() {
        LongBuffer old = index;
        ByteBuffer memory = allocate(2 * old.capacity() * Long.BYTES);
        if (memory == null) {
            return false;
        }
        useIndex(memory);
        for (int i = 0; i < old.capacity(); i++) {
            if (old.get(i) != 0) {
                addToIndex(old.get(i));
            }
        }
        return true;
    }

    private void useIndex(ByteBuffer memory) {
        index = memory.order(ByteOrder.nativeOrder()).asLongBuffer();
        mask = index.capacity() - 1;
    }

    /** Null if there is no more memory; then the table keeps to the flows it has now. */
    private ByteBuffer allocate(int octets) {
        try {
            return allocator.apply(octets);
        } catch (OutOfMemoryError e) {
            limit = size;
            LOG.warn(
                    "The flow cache keeps to {} flows, though cacheMaxFlows is {}: {}. Give Java"
                            + " more with -XX:MaxDirectMemorySize, or lower cacheMaxFlows.",
                    limit,
                    maxFlows,
                    e.getMessage());
            return null;
        }
    }

    /** Takes an entry, which is in no list any more, out of the table. */
    void remove(int entry) {
        int hole = hash(segment(entry), offset(entry)) & mask;
        while (entry(index.get(hole)) != entry) {
            hole = hole + 1 & mask;
        }
        // What a search would no longer reach across the hole moves into it.
        long reference;
        for (int i = hole + 1 & mask; (reference = index.get(i)) != 0; i = i + 1 & mask) {
            int home = hash(reference) & mask;
            if ((i - home & mask) >= (i - hole & mask)) {
                index.put(hole, reference);
                hole = i;
            }
        }
        index.put(hole, 0);
        size--;
        setNext(entry, removed);
        removed = entry;
    }

    private void addToIndex(long reference) {
        int i = hash(reference) & mask;
        while (index.get(i) != 0) {
            i = i + 1 & mask;
        }
        index.put(i, reference);
    }

    private static int hash(long reference) {
        return (int) (reference >>> 32);
    }

    private static int entry(long reference) {
        return (int) reference - 1;
    }

    /** Puts an entry that is in no list at the head of one. */
    void link(int list, int entry) {
        int next = heads[list];
        setNext(entry, next);
        setPrevious(entry, ~list);
        if (next != NONE) {
            setPrevious(next, entry);
        }
        heads[list] = entry;
    }

    /** Takes an entry out of its list. */
    void unlink(int entry) {
        int next = next(entry);
        int previous = segment(entry).getInt(offset(entry) + PREVIOUS);
        if (previous < 0) {
            heads[~previous] = next;
        } else {
            setNext(previous, next);
        }
        if (next != NONE) {
            setPrevious(next, previous);
        }
    }

    /** The first entry of a list, or {@link #NONE}. */
    int head(int list) {
        return heads[list];
    }

    /**
     * Empties a list; its entries are then in none.
     *
     * @return the first of them, from which {@link #next} leads to the others
     */
    int unlinkAll(int list) {
        int head = heads[list];
        heads[list] = NONE;
        return head;
    }

    /** The entry behind this one in its list, or {@link #NONE}. */
    int next(int entry) {
        return segment(entry).getInt(offset(entry) + NEXT);
    }

    private void setNext(int entry, int next) {
        segment(entry).putInt(offset(entry) + NEXT, next);
    }

    private void setPrevious(int entry, int previous) {
        segment(entry).putInt(offset(entry) + PREVIOUS, previous);
    }
}
