// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.flow;

import static io.linuxflow.flow.FlowLayout.INT;
import static io.linuxflow.flow.FlowLayout.LONG;
import static io.linuxflow.flow.FlowLayout.PORT;
import static io.linuxflow.flow.FlowLayout.SHORT;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/**
 * A view of one record of a {@link FlowBatch}: nothing is copied until it is asked for. Names and
 * meanings are those of the IPFIX Information Elements (RFC 7012 and its registry).
 */
public final class Flow {

    /** IANA protocol numbers that are treated in a way of their own. */
    public static final int ICMP = 1;

    public static final int TCP = 6;
    public static final int ICMPV6 = 58;

    /** flowEndReason (136). */
    public static final int IDLE_TIMEOUT = 1;

    public static final int ACTIVE_TIMEOUT = 2;
    public static final int END_OF_FLOW = 3;
    public static final int FORCED_END = 4;
    public static final int LACK_OF_RESOURCES = 5;

    private final FlowBatch batch;
    private final int index;
    private final byte[] records;
    private final int at;

    Flow(FlowBatch batch, int index) {
        this.batch = batch;
        this.index = index;
        records = batch.records();
        at = index * FlowLayout.SIZE;
    }

    /** The batch it belongs to, with the columns that it was asked for with. */
    public FlowBatch batch() {
        return batch;
    }

    /** Its place in the batch, counted from 0: the place of its values in each {@link Column}. */
    public int index() {
        return index;
    }

    /** 4 or 6. */
    public int ipVersion() {
        return records[at + FlowLayout.IP_VERSION];
    }

    public InetAddress sourceAddress() {
        return address(FlowLayout.SOURCE_ADDRESS);
    }

    public InetAddress destinationAddress() {
        return address(FlowLayout.DESTINATION_ADDRESS);
    }

    /** 0 for protocols without ports and for all but the first fragment. */
    public int sourceTransportPort() {
        return Short.toUnsignedInt((short) PORT.get(records, at + FlowLayout.SOURCE_PORT));
    }

    /** 0 for protocols without ports, ICMP included, and for all but the first fragment. */
    public int destinationTransportPort() {
        return isIcmp() ? 0 : destinationPort();
    }

    public int protocolIdentifier() {
        return Byte.toUnsignedInt(records[at + FlowLayout.PROTOCOL]);
    }

    public boolean isIcmp() {
        return protocolIdentifier() == (ipVersion() == 4 ? ICMP : ICMPV6);
    }

    /** {@code type << 8 | code} of ICMP and ICMPv6, 0 for other protocols. */
    public int icmpTypeCode() {
        return isIcmp() ? destinationPort() : 0;
    }

    /** 0 for packets that this host sent. */
    public long ingressInterface() {
        return unsigned32(FlowLayout.INGRESS_IFINDEX);
    }

    /** 0 for packets metered at ingress. */
    public long egressInterface() {
        return unsigned32(FlowLayout.EGRESS_IFINDEX);
    }

    /** 0: metered at ingress, 1: at egress. */
    public int flowDirection() {
        return records[at + FlowLayout.DIRECTION];
    }

    /** The skb mark (fwmark). */
    public long mark() {
        return unsigned32(FlowLayout.MARK);
    }

    /** VLAN identifier of the outer tag, 0 without one. */
    public int dot1qVlanId() {
        return unsigned16(FlowLayout.VLAN_ID);
    }

    /** VLAN identifier of the inner tag of two, 0 without one. */
    public int dot1qCustomerVlanId() {
        return unsigned16(FlowLayout.CUSTOMER_VLAN_ID);
    }

    /** Packets on the wire. */
    public long packetDeltaCount() {
        return (long) LONG.get(records, at + FlowLayout.PACKETS);
    }

    /** IP octets, header and payload. */
    public long octetDeltaCount() {
        return (long) LONG.get(records, at + FlowLayout.OCTETS);
    }

    /** Nanoseconds since 1970-01-01 UTC of the first packet. */
    public long flowStartNanos() {
        return (long) LONG.get(records, at + FlowLayout.FIRST);
    }

    /** Nanoseconds since 1970-01-01 UTC of the last packet. */
    public long flowEndNanos() {
        return (long) LONG.get(records, at + FlowLayout.LAST);
    }

    public long fragmentIdentification() {
        return unsigned32(FlowLayout.FRAGMENT_ID);
    }

    public int flowLabelIPv6() {
        return (int) INT.get(records, at + FlowLayout.FLOW_LABEL);
    }

    /** The flags of all packets, as in tcpControlBits (6), RFC 9565. */
    public int tcpControlBits() {
        return unsigned16(FlowLayout.TCP_FLAGS);
    }

    public int ipClassOfService() {
        return Byte.toUnsignedInt(records[at + FlowLayout.TOS]);
    }

    public int minimumTTL() {
        return Byte.toUnsignedInt(records[at + FlowLayout.MIN_TTL]);
    }

    public int maximumTTL() {
        return Byte.toUnsignedInt(records[at + FlowLayout.MAX_TTL]);
    }

    /** See the constants of this class. */
    public int flowEndReason() {
        return records[at + FlowLayout.END_REASON];
    }

    private int destinationPort() {
        return Short.toUnsignedInt((short) PORT.get(records, at + FlowLayout.DESTINATION_PORT));
    }

    private int unsigned16(int member) {
        return Short.toUnsignedInt((short) SHORT.get(records, at + member));
    }

    private long unsigned32(int member) {
        return Integer.toUnsignedLong((int) INT.get(records, at + member));
    }

    private InetAddress address(int member) {
        int from = at + member;
        int mapped = ipVersion() == 4 ? FlowLayout.MAPPED_IPV4 : 0;
        try {
            return InetAddress.getByAddress(Arrays.copyOfRange(records, from + mapped, from + 16));
        } catch (UnknownHostException e) {
            throw new AssertionError("4 and 16 octets are always an address", e);
        }
    }
}
