// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A bounded table of what is known of addresses, for any number of threads. Finding neither locks
 * nor allocates. Where there is no room, what would expire first makes room; two threads that put
 * at the same time may cost one of them its entry, which is then missing like any other.
 *
 * @param <V> what is known
 */
final class AddressCache<V> {

    /** Places that an entry may be in, side by side. */
    private static final int WAYS = 8;

    /**
     * @param tag what else tells it from others
     * @param expires a reading of System.nanoTime()
     */
    record Entry<V>(long high, long low, int tag, V value, long expires) {
        boolean isExpired(long now) {
            return now - expires >= 0;
        }

        private boolean isOf(long high, long low, int tag) {
            return this.low == low && this.high == high && this.tag == tag;
        }
    }

    private final AtomicReferenceArray<Entry<V>> slots;
    private final int mask;

    /**
     * @param capacity the most entries, rounded up to a power of two
     */
    AddressCache(int capacity) {
        int size = Math.max(WAYS, Integer.highestOneBit(2 * capacity - 1));
        slots = new AtomicReferenceArray<>(size);
        mask = size - 1 & ~(WAYS - 1);
    }

    /** The entry of an address, expired or not; null if there is none. */
    Entry<V> find(long high, long low, int tag) {
        int first = first(high, low, tag);
        for (int i = first; i < first + WAYS; i++) {
            Entry<V> entry = slots.getAcquire(i);
            if (entry == null) {
                return null;
            }
            if (entry.isOf(high, low, tag)) {
                return entry;
            }
        }
        return null;
    }

    /** Takes the place of an entry of that address. */
    void put(long high, long low, int tag, V value, long expires) {
        int first = first(high, low, tag);
        int place = first;
        Entry<V> oldest = null;
        for (int i = first; i < first + WAYS; i++) {
            Entry<V> entry = slots.getAcquire(i);
            if (entry == null || entry.isOf(high, low, tag)) {
                place = i;
                break;
            }
            if (oldest == null || entry.expires - oldest.expires < 0) {
                oldest = entry;
                place = i;
            }
        }
        slots.setRelease(place, new Entry<>(high, low, tag, value, expires));
    }

    /** Forgets everything. From the last place on, so that there is never a gap before an entry. */
    void clear() {
        for (int i = slots.length() - 1; i >= 0; i--) {
            slots.setRelease(i, null);
        }
    }

    /** The number of entries, expired ones too; takes as long as there are places. */
    int size() {
        int size = 0;
        for (int i = 0; i < slots.length(); i++) {
            if (slots.getAcquire(i) != null) {
                size++;
            }
        }
        return size;
    }

    /** The first place of an address; MurmurHash3 ends in the same way. */
    private int first(long high, long low, int tag) {
        long hash = (high ^ tag) * 0x9e3779b97f4a7c15L ^ low;
        hash = (hash ^ hash >>> 33) * 0xff51afd7ed558ccdL;
        hash = (hash ^ hash >>> 33) * 0xc4ceb9fe1a85ec53L;
        return (int) (hash >>> 32) & mask;
    }
}
