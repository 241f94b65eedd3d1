// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowLayout.EGRESS_IFINDEX;
import static io.linuxflow.flow.FlowLayout.INGRESS_IFINDEX;
import static io.linuxflow.flow.FlowLayout.INT;
import static io.linuxflow.flow.FlowLayout.LONG;
import static io.linuxflow.flow.FlowLayout.OCTETS;
import static io.linuxflow.flow.FlowLayout.PACKETS;
import static io.linuxflow.flow.FlowLayout.SIZE;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.metering.FlowMeterObject.InterfacePair;
import io.linuxflow.metering.MeterStatus.Traffic;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;

/**
 * What flow records add up to, by pair of interfaces: one pass over them, no allocation. An
 * open-addressed hash table of fixed size; pairs that find no place in it are added up as {@link
 * InterfacePair#OTHERS}.
 *
 * <p>Belongs to one thread.
 */
final class PairTotals {

    /** As many as the kernel keeps for overflow. */
    static final int MAX_PAIRS = 4096;

    private static final int PLACES = 2 * MAX_PAIRS;
    private static final long FREE = key(InterfacePair.OTHERS);

    /** Behind the places of the table, so no pair is ever sought there. */
    private static final int OTHERS = PLACES;

    private final long[] keys = new long[PLACES + 1];
    private final long[] packets = new long[PLACES + 1];
    private final long[] octets = new long[PLACES + 1];
    private int pairs;

    PairTotals() {
        Arrays.fill(keys, FREE);
    }

    /** Adds the flows of a batch. */
    void add(FlowBatch batch) {
        byte[] records = batch.records();
        for (int at = 0, end = batch.size() * SIZE; at < end; at += SIZE) {
            add(
                    (int) INT.get(records, at + INGRESS_IFINDEX),
                    (int) INT.get(records, at + EGRESS_IFINDEX),
                    (long) LONG.get(records, at + PACKETS),
                    (long) LONG.get(records, at + OCTETS));
        }
    }

    /** Adds some slots, which are as in kernel memory: those from {@code from} on. */
    void add(ByteBuffer slots, int from, int count) {
        for (int at = from * SIZE, end = at + count * SIZE; at < end; at += SIZE) {
            add(
                    slots.getInt(at + INGRESS_IFINDEX),
                    slots.getInt(at + EGRESS_IFINDEX),
                    slots.getLong(at + PACKETS),
                    slots.getLong(at + OCTETS));
        }
    }

    private void add(int ingressIfindex, int egressIfindex, long morePackets, long moreOctets) {
        long key = key(ingressIfindex, egressIfindex);
        int place = firstPlace(key);
        if (keys[place] != key) {
            place = place(key);
        }
        packets[place] += morePackets;
        octets[place] += moreOctets;
    }

    /** The totals of every pair, and of {@link InterfacePair#OTHERS} if there are any. */
    Map<InterfacePair, Traffic> totals() {
        Map<InterfacePair, Traffic> totals = new HashMap<>();
        for (int place = 0; place <= OTHERS; place++) {
            if (keys[place] != FREE || packets[place] != 0) {
                totals.put(pair(keys[place]), new Traffic(packets[place], octets[place]));
            }
        }
        return totals;
    }

    /** Makes room: pairs that are not wanted any more count among the others from now on. */
    void retain(Predicate<InterfacePair> wanted) {
        Map<InterfacePair, Traffic> totals = totals();
        Arrays.fill(keys, FREE);
        Arrays.fill(packets, 0);
        Arrays.fill(octets, 0);
        pairs = 0;
        totals.forEach(
                (pair, traffic) -> {
                    int place = wanted.test(pair) ? place(key(pair)) : OTHERS;
                    packets[place] += traffic.packets();
                    octets[place] += traffic.octets();
                });
    }

    private int place(long key) {
        if (key == FREE) {
            return OTHERS;
        }
        int place = firstPlace(key);
        while (keys[place] != key) {
            if (keys[place] == FREE) {
                if (pairs == MAX_PAIRS) {
                    return OTHERS;
                }
                pairs++;
                keys[place] = key;
                return place;
            }
            place = place + 1 & PLACES - 1;
        }
        return place;
    }

    private static int firstPlace(long key) {
        return (int) (key * 0x9e3779b97f4a7c15L >>> 32) & PLACES - 1;
    }

    private static long key(int ingressIfindex, int egressIfindex) {
        return (long) ingressIfindex << 32 | Integer.toUnsignedLong(egressIfindex);
    }

    private static long key(InterfacePair pair) {
        return key(pair.ingressIfindex(), pair.egressIfindex());
    }

    private static InterfacePair pair(long key) {
        return new InterfacePair((int) (key >> 32), (int) key);
    }
}
