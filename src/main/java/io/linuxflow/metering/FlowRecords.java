// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowLayout.END_REASON;
import static io.linuxflow.flow.FlowLayout.FIRST;
import static io.linuxflow.flow.FlowLayout.FLOW_LABEL;
import static io.linuxflow.flow.FlowLayout.FRAGMENT_ID;
import static io.linuxflow.flow.FlowLayout.LAST;
import static io.linuxflow.flow.FlowLayout.MAX_TTL;
import static io.linuxflow.flow.FlowLayout.MIN_TTL;
import static io.linuxflow.flow.FlowLayout.OCTETS;
import static io.linuxflow.flow.FlowLayout.PACKETS;
import static io.linuxflow.flow.FlowLayout.TCP_FLAGS;
import static io.linuxflow.flow.FlowLayout.TOS;

import java.nio.ByteBuffer;

/** How two records of one flow become one. */
final class FlowRecords {

    private FlowRecords() {}

    /**
     * Adds to a record what another one says of the same flow. Their times have one unit, whichever
     * that is, and their memory is in host byte order.
     *
     * @param to where the record begins
     * @param at where the other one begins
     */
    static void merge(ByteBuffer record, int to, ByteBuffer other, int at) {
        record.putLong(to + PACKETS, record.getLong(to + PACKETS) + other.getLong(at + PACKETS));
        record.putLong(to + OCTETS, record.getLong(to + OCTETS) + other.getLong(at + OCTETS));
        long first = other.getLong(at + FIRST);
        if (first - record.getLong(to + FIRST) < 0) {
            record.putLong(to + FIRST, first);
            record.putInt(to + FRAGMENT_ID, other.getInt(at + FRAGMENT_ID));
            record.putInt(to + FLOW_LABEL, other.getInt(at + FLOW_LABEL));
            record.put(to + TOS, other.get(at + TOS));
        }
        long last = other.getLong(at + LAST);
        if (last - record.getLong(to + LAST) > 0) {
            record.putLong(to + LAST, last);
        }
        int flags = record.getShort(to + TCP_FLAGS) | other.getShort(at + TCP_FLAGS);
        record.putShort(to + TCP_FLAGS, (short) flags);
        byte ttl = other.get(at + MIN_TTL);
        if (Byte.compareUnsigned(ttl, record.get(to + MIN_TTL)) < 0) {
            record.put(to + MIN_TTL, ttl);
        }
        ttl = other.get(at + MAX_TTL);
        if (Byte.compareUnsigned(ttl, record.get(to + MAX_TTL)) > 0) {
            record.put(to + MAX_TTL, ttl);
        }
        byte endReason = other.get(at + END_REASON);
        if (endReason != 0 && record.get(to + END_REASON) == 0) {
            record.put(to + END_REASON, endReason);
        }
    }
}
