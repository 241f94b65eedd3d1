// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;

/**
 * A value for each prefix, found by the longest one that an address is in. Prefixes are cut into
 * ranges that don't overlap, so finding is one binary search, which neither locks nor allocates; a
 * range takes 8 octets for IPv4 and 20 for IPv6. Immutable.
 *
 * @param <V> what the prefixes map to; equal ones are kept once
 */
final class AddressRanges<V> {

    /** Bits of an address that choose a part of the ranges before the search. */
    private static final int INDEX_BITS = 16;

    private static final int NONE = -1;

    private final long prefixes;
    private final V[] values;

    /**
     * IPv4: the first address, ascending, in the upper half; the index of the value in the lower.
     */
    private final long[] ranges;

    /** For each of the upper bits the first range that starts there or later. */
    private final int[] index;

    private final long[] highs6;
    private final long[] lows6;
    private final int[] ranges6;
    private final int[] index6;

    private AddressRanges(Builder<V> builder) {
        prefixes = builder.size + builder.size6;
        values = builder.values();
        Ranges ipv4 = builder.ranges();
        ranges = new long[ipv4.size];
        for (int i = 0; i < ipv4.size; i++) {
            ranges[i] = ipv4.lows[i] << Integer.SIZE | Integer.toUnsignedLong(ipv4.values[i]);
        }
        index = index(ipv4.size, i -> (int) (ranges[i] >>> Long.SIZE - INDEX_BITS));
        Ranges ipv6 = builder.ranges6();
        highs6 = Arrays.copyOf(ipv6.highs, ipv6.size);
        lows6 = Arrays.copyOf(ipv6.lows, ipv6.size);
        ranges6 = Arrays.copyOf(ipv6.values, ipv6.size);
        index6 = index(ipv6.size, i -> (int) (highs6[i] >>> Long.SIZE - INDEX_BITS));
    }

    private static int[] index(int size, IntUnaryOperator upperBits) {
        int[] index = new int[(1 << INDEX_BITS) + 1];
        int upper = 0;
        for (int i = 0; i < size; i++) {
            int bits = upperBits.applyAsInt(i);
            while (upper <= bits) {
                index[upper++] = i;
            }
        }
        Arrays.fill(index, upper, index.length, size);
        return index;
    }

    /** The value of the longest prefix that the address is in, null if it is in none. */
    V find(long high, long low) {
        int range = Addresses.isIpv4(high, low) ? find((int) low) : find6(high, low);
        return range == NONE ? null : values[range];
    }

    private int find(int address) {
        long unsigned = Integer.toUnsignedLong(address);
        int upper = address >>> Integer.SIZE - INDEX_BITS;
        int from = index[upper] - 1;
        int to = index[upper + 1] - 1;
        while (from < to) {
            int middle = from + to + 1 >>> 1;
            if (ranges[middle] >>> Integer.SIZE <= unsigned) {
                from = middle;
            } else {
                to = middle - 1;
            }
        }
        return from < 0 ? NONE : (int) ranges[from];
    }

    private int find6(long high, long low) {
        int upper = (int) (high >>> Long.SIZE - INDEX_BITS);
        int from = index6[upper] - 1;
        int to = index6[upper + 1] - 1;
        while (from < to) {
            int middle = from + to + 1 >>> 1;
            if (compare(highs6[middle], lows6[middle], high, low) <= 0) {
                from = middle;
            } else {
                to = middle - 1;
            }
        }
        return from < 0 ? NONE : ranges6[from];
    }

    private static int compare(long high, long low, long otherHigh, long otherLow) {
        int order = Long.compareUnsigned(high, otherHigh);
        return order != 0 ? order : Long.compareUnsigned(low, otherLow);
    }

    /** The number of prefixes that it was made of. */
    long prefixes() {
        return prefixes;
    }

    /** Ranges in the making: each lasts until the next one starts. */
    private static final class Ranges {
        private long[] highs;
        private long[] lows = new long[64];
        private int[] values = new int[64];
        private int size;

        /** Prefixes around the current one: where they end, and their values. */
        private final long[] endHighs = new long[130];

        private final long[] endLows = new long[130];
        private final int[] around = new int[130];
        private int depth;

        Ranges(boolean ipv6) {
            highs = new long[ipv6 ? 64 : 0];
        }

        /** The next prefix in the order of addresses, a shorter one before a longer one. */
        void add(long high, long low, long endHigh, long endLow, int value) {
            endBefore(high, low);
            if (depth > 0 && endHighs[depth - 1] == endHigh && endLows[depth - 1] == endLow) {
                // The same prefix again.
                depth--;
            }
            endHighs[depth] = endHigh;
            endLows[depth] = endLow;
            around[depth++] = value;
            start(high, low, value);
        }

        /** Leaves the prefixes that end before an address. */
        private void endBefore(long high, long low) {
            while (depth > 0 && compare(endHighs[depth - 1], endLows[depth - 1], high, low) < 0) {
                leave();
            }
        }

        private void leave() {
            depth--;
            long low = endLows[depth] + 1;
            long high = endHighs[depth] + (low == 0 ? 1 : 0);
            if (high != 0 || low != 0) {
                start(high, low, depth == 0 ? NONE : around[depth - 1]);
            }
        }

        private void start(long high, long low, int value) {
            if (size > 0
                    && lows[size - 1] == low
                    && (highs.length == 0 || highs[size - 1] == high)) {
                size--;
            }
            if (size > 0 && values[size - 1] == value) {
                return;
            }
            if (size == lows.length) {
                lows = Arrays.copyOf(lows, 2 * size);
                values = Arrays.copyOf(values, 2 * size);
                highs = Arrays.copyOf(highs, 2 * highs.length);
            }
            if (highs.length > 0) {
                highs[size] = high;
            }
            lows[size] = low;
            values[size++] = value;
        }

        Ranges end() {
            while (depth > 0) {
                leave();
            }
            return this;
        }
    }

    /** Takes prefixes in any order; of equal ones the last counts. */
    static final class Builder<V> {

        private static final int SEQUENCE_BITS = 26;

        private final List<V> values = new ArrayList<>();
        private final Map<V, Integer> indexes = new HashMap<>();

        /** Address, prefix length, and which one it is, so that sorting these is all it takes. */
        private long[] prefixes = new long[64];

        private int[] prefixValues = new int[64];
        private int size;
        private long[] highs6 = new long[64];
        private long[] lows6 = new long[64];
        private byte[] lengths6 = new byte[64];
        private int[] values6 = new int[64];
        private int size6;

        /** The index of a value, to {@link #add} with. */
        int index(V value) {
            return indexes.computeIfAbsent(
                    value,
                    fresh -> {
                        values.add(fresh);
                        return values.size() - 1;
                    });
        }

        /**
         * @param address 4 or 16 octets
         * @param length bits of the prefix
         * @param index that of its value
         * @throws IllegalStateException if there are too many
         */
        void add(byte[] address, int length, int index) {
            ByteBuffer halves = ByteBuffer.wrap(address);
            if (address.length == Integer.BYTES) {
                add4(halves.getInt(0), length, index);
            } else {
                add(halves.getLong(0), halves.getLong(Long.BYTES), length, index);
            }
        }

        /**
         * @param length bits of the prefix, of 128: those of IPv4 have 96 more than usual
         * @throws IllegalStateException if there are too many
         */
        void add(long high, long low, int length, int index) {
            if (length >= 96 && Addresses.isIpv4(high, low)) {
                add4((int) low, length - 96, index);
            } else {
                add6(high, low, length, index);
            }
        }

        @SuppressWarnings("unchecked")
        private V[] values() {
            return (V[]) values.toArray();
        }

        private void add4(int address, int length, int value) {
            if (size == 1 << SEQUENCE_BITS) {
                throw new IllegalStateException("more than " + size + " prefixes");
            }
            if (size == prefixes.length) {
                prefixes = Arrays.copyOf(prefixes, 2 * size);
                prefixValues = Arrays.copyOf(prefixValues, 2 * size);
            }
            long network = address & (length == 0 ? 0 : -1 << 32 - length);
            prefixes[size] = network << 32 | (long) length << SEQUENCE_BITS | size;
            prefixValues[size++] = value;
        }

        private void add6(long high, long low, int length, int value) {
            if (size6 == highs6.length) {
                highs6 = Arrays.copyOf(highs6, 2 * size6);
                lows6 = Arrays.copyOf(lows6, 2 * size6);
                lengths6 = Arrays.copyOf(lengths6, 2 * size6);
                values6 = Arrays.copyOf(values6, 2 * size6);
            }
            highs6[size6] = high & ~hostHigh(length);
            lows6[size6] = low & ~hostLow(length);
            lengths6[size6] = (byte) length;
            values6[size6++] = value;
        }

        /** The bits of the upper half that are not of the prefix. */
        private static long hostHigh(int length) {
            return length >= 64 ? 0 : -1L >>> length;
        }

        private static long hostLow(int length) {
            return length <= 64 ? -1 : length == 128 ? 0 : -1L >>> length - 64;
        }

        AddressRanges<V> build() {
            return new AddressRanges<>(this);
        }

        private Ranges ranges() {
            // From the sign bit on: as signed numbers they would begin in the middle.
            for (int i = 0; i < size; i++) {
                prefixes[i] ^= Long.MIN_VALUE;
            }
            Arrays.sort(prefixes, 0, size);
            Ranges ranges = new Ranges(false);
            for (int i = 0; i < size; i++) {
                long prefix = prefixes[i] ^ Long.MIN_VALUE;
                long network = prefix >>> 32;
                int length = (int) (prefix >>> SEQUENCE_BITS) & 0x3f;
                int value = prefixValues[(int) prefix & (1 << SEQUENCE_BITS) - 1];
                ranges.add(0, network, 0, network | 0xffffffffL >>> length, value);
            }
            return endOfIpv4(ranges.end());
        }

        /** What starts behind 255.255.255.255 starts nowhere. */
        private static Ranges endOfIpv4(Ranges ranges) {
            if (ranges.size > 0 && ranges.lows[ranges.size - 1] >>> 32 != 0) {
                ranges.size--;
            }
            return ranges;
        }

        private Ranges ranges6() {
            Integer[] order = new Integer[size6];
            Arrays.setAll(order, i -> i);
            Arrays.sort(
                    order,
                    (a, b) -> {
                        int byAddress = compare(highs6[a], lows6[a], highs6[b], lows6[b]);
                        return byAddress != 0 ? byAddress : lengths(a) - lengths(b);
                    });
            Ranges ranges = new Ranges(true);
            for (int i : order) {
                ranges.add(
                        highs6[i],
                        lows6[i],
                        highs6[i] | hostHigh(lengths(i)),
                        lows6[i] | hostLow(lengths(i)),
                        values6[i]);
            }
            return ranges.end();
        }

        private int lengths(int prefix) {
            return Byte.toUnsignedInt(lengths6[prefix]);
        }
    }
}
