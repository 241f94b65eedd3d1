// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import static io.linuxflow.flow.FlowLayout.INT;
import static io.linuxflow.flow.FlowLayout.LONG;
import static io.linuxflow.flow.FlowLayout.PORT;
import static io.linuxflow.flow.FlowLayout.SHORT;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Random;

/** Flow records as the meter would make them, written one member after the other. */
final class Flows {

    static final int ICMP = 1;
    static final int TCP = 6;
    static final int UDP = 17;
    static final int ICMPV6 = 58;

    /** 2026-11-24T12:00:00.123456789Z. */
    static final long TIME = 1_795_521_600_123_456_789L;

    private byte[] records = new byte[0];
    private int size;

    /** A record of a flow; the setters below are for the latest one. */
    Flows flow(String source, String destination, int protocol) {
        records = Arrays.copyOf(records, ++size * FlowLayout.SIZE);
        byte[] from = address(source);
        byte[] to = address(destination);
        put(FlowLayout.SOURCE_ADDRESS, mapped(from));
        put(FlowLayout.DESTINATION_ADDRESS, mapped(to));
        records[at() + FlowLayout.IP_VERSION] = (byte) (from.length == 4 ? 4 : 6);
        records[at() + FlowLayout.PROTOCOL] = (byte) protocol;
        return times(TIME, TIME);
    }

    Flows ports(int source, int destination) {
        PORT.set(records, at() + FlowLayout.SOURCE_PORT, (short) source);
        PORT.set(records, at() + FlowLayout.DESTINATION_PORT, (short) destination);
        return this;
    }

    Flows icmp(int type, int code) {
        return ports(0, type << 8 | code);
    }

    Flows interfaces(int ingress, int egress) {
        INT.set(records, at() + FlowLayout.INGRESS_IFINDEX, ingress);
        INT.set(records, at() + FlowLayout.EGRESS_IFINDEX, egress);
        return this;
    }

    Flows direction(int direction) {
        records[at() + FlowLayout.DIRECTION] = (byte) direction;
        return this;
    }

    Flows counts(long packets, long octets) {
        LONG.set(records, at() + FlowLayout.PACKETS, packets);
        LONG.set(records, at() + FlowLayout.OCTETS, octets);
        return this;
    }

    Flows times(long first, long last) {
        LONG.set(records, at() + FlowLayout.FIRST, first);
        LONG.set(records, at() + FlowLayout.LAST, last);
        return this;
    }

    Flows vlans(int outer, int inner) {
        SHORT.set(records, at() + FlowLayout.VLAN_ID, (short) outer);
        SHORT.set(records, at() + FlowLayout.CUSTOMER_VLAN_ID, (short) inner);
        return this;
    }

    Flows tcpFlags(int flags) {
        SHORT.set(records, at() + FlowLayout.TCP_FLAGS, (short) flags);
        return this;
    }

    Flows header(int tos, int minTtl, int maxTtl) {
        records[at() + FlowLayout.TOS] = (byte) tos;
        records[at() + FlowLayout.MIN_TTL] = (byte) minTtl;
        records[at() + FlowLayout.MAX_TTL] = (byte) maxTtl;
        return this;
    }

    Flows mark(int mark) {
        INT.set(records, at() + FlowLayout.MARK, mark);
        return this;
    }

    Flows fragment(int identification) {
        INT.set(records, at() + FlowLayout.FRAGMENT_ID, identification);
        return this;
    }

    Flows flowLabel(int label) {
        INT.set(records, at() + FlowLayout.FLOW_LABEL, label);
        return this;
    }

    Flows endReason(int reason) {
        records[at() + FlowLayout.END_REASON] = (byte) reason;
        return this;
    }

    FlowBatch batch(int observationDomain) {
        return new FlowBatch(records, size, observationDomain);
    }

    FlowBatch batch() {
        return batch(0);
    }

    /** Flows of all kinds, with any values; times before 2100. */
    static FlowBatch random(Random random, int size, int observationDomain) {
        byte[] records = new byte[size * FlowLayout.SIZE];
        random.nextBytes(records);
        int[] protocols = {ICMP, TCP, UDP, ICMPV6, 132};
        for (int at = 0; at < records.length; at += FlowLayout.SIZE) {
            boolean v4 = random.nextBoolean();
            records[at + FlowLayout.IP_VERSION] = (byte) (v4 ? 4 : 6);
            records[at + FlowLayout.PROTOCOL] = (byte) protocols[random.nextInt(5)];
            records[at + FlowLayout.DIRECTION] = (byte) random.nextInt(2);
            records[at + FlowLayout.END_REASON] = (byte) random.nextInt(6);
            long first = random.nextLong(4_000_000_000_000_000_000L);
            LONG.set(records, at + FlowLayout.FIRST, first);
            LONG.set(records, at + FlowLayout.LAST, first + random.nextInt());
        }
        return new FlowBatch(records, size, observationDomain);
    }

    private int at() {
        return (size - 1) * FlowLayout.SIZE;
    }

    private void put(int member, byte[] octets) {
        System.arraycopy(octets, 0, records, at() + member, octets.length);
    }

    private static byte[] mapped(byte[] address) {
        if (address.length == 16) {
            return address;
        }
        byte[] mapped = new byte[16];
        mapped[10] = -1;
        mapped[11] = -1;
        System.arraycopy(address, 0, mapped, FlowLayout.MAPPED_IPV4, 4);
        return mapped;
    }

    private static byte[] address(String literal) {
        try {
            return InetAddress.getByName(literal).getAddress();
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
