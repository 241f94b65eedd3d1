// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.flow.FlowLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What an epoch saw, as it lies in kernel memory. */
final class Slots {

    /** The memory; grows as slots are added. */
    ByteBuffer memory = memory(16);

    /** How many slots there are. */
    int count;

    private static ByteBuffer memory(int slots) {
        return ByteBuffer.allocateDirect(slots * FlowLayout.SIZE).order(ByteOrder.nativeOrder());
    }

    /** Adds a slot with this key and TTLs of 64; all else is 0. */
    Slots add(byte[] key) {
        if (++count * FlowLayout.SIZE > memory.capacity()) {
            memory = memory(2 * count).put(memory).clear();
        }
        memory.put(at(0), new byte[FlowLayout.SIZE]);
        memory.put(at(0), key);
        return put(FlowLayout.MIN_TTL, 64).put(FlowLayout.MAX_TTL, 64);
    }

    /** Adds a slot with this source port as the only octets of the key that are not 0. */
    Slots flow(int port) {
        return add(new byte[FlowLayout.KEY_SIZE])
                .put(FlowLayout.SOURCE_PORT, port >> 8)
                .put(FlowLayout.SOURCE_PORT + 1, port);
    }

    Slots traffic(long packets, long octets) {
        memory.putLong(at(FlowLayout.PACKETS), packets);
        memory.putLong(at(FlowLayout.OCTETS), octets);
        return this;
    }

    /** Readings of the flow clock at the first and last packet. */
    Slots times(long first, long last) {
        memory.putLong(at(FlowLayout.FIRST), first);
        memory.putLong(at(FlowLayout.LAST), last);
        return this;
    }

    Slots fragment(int identification) {
        memory.putInt(at(FlowLayout.FRAGMENT_ID), identification);
        return this;
    }

    Slots flowLabel(int label) {
        memory.putInt(at(FlowLayout.FLOW_LABEL), label);
        return this;
    }

    Slots tcpFlags(int flags) {
        memory.putShort(at(FlowLayout.TCP_FLAGS), (short) flags);
        return this;
    }

    Slots tos(int tos) {
        return put(FlowLayout.TOS, tos);
    }

    Slots ttl(int min, int max) {
        return put(FlowLayout.MIN_TTL, min).put(FlowLayout.MAX_TTL, max);
    }

    /** A FIN or RST was seen. */
    Slots finished() {
        return put(FlowLayout.END_REASON, 3);
    }

    private Slots put(int member, int octet) {
        memory.put(at(member), (byte) octet);
        return this;
    }

    /** In the last slot. */
    private int at(int member) {
        return (count - 1) * FlowLayout.SIZE + member;
    }
}
