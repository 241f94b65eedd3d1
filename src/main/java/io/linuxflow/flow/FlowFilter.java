// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.flow;

import static io.linuxflow.flow.FlowLayout.DESTINATION_ADDRESS;
import static io.linuxflow.flow.FlowLayout.DESTINATION_PORT;
import static io.linuxflow.flow.FlowLayout.DIRECTION;
import static io.linuxflow.flow.FlowLayout.EGRESS_IFINDEX;
import static io.linuxflow.flow.FlowLayout.INGRESS_IFINDEX;
import static io.linuxflow.flow.FlowLayout.IP_VERSION;
import static io.linuxflow.flow.FlowLayout.MAPPED_IPV4;
import static io.linuxflow.flow.FlowLayout.PROTOCOL;
import static io.linuxflow.flow.FlowLayout.SOURCE_ADDRESS;
import static io.linuxflow.flow.FlowLayout.SOURCE_PORT;

import java.nio.ByteBuffer;
import java.util.Set;

/**
 * Which flows are meant: those of which all that is given is so.
 *
 * @param interfaces indexes of interfaces, one of which has metered the packets; null for any
 * @param protocol its IANA number, or {@link #ANY}
 * @param source where packets come from, null for anywhere
 * @param sourcePort as {@link Flow#sourceTransportPort} has it, or {@link #ANY}
 * @param destination where packets go to, null for anywhere
 * @param destinationPort as {@link Flow#destinationTransportPort} has it, or {@link #ANY}
 */
public record FlowFilter(
        Set<Integer> interfaces,
        int protocol,
        Prefix source,
        int sourcePort,
        Prefix destination,
        int destinationPort) {

    /** Stands for every number. */
    public static final int ANY = -1;

    /** Means every flow. */
    public static final FlowFilter ALL = new FlowFilter(null, ANY, null, ANY, null, ANY);

    /**
     * Whether a flow is meant.
     *
     * @param records memory in the layout of {@link FlowLayout}, in host byte order
     * @param at where the flow's record begins
     */
    public boolean matches(ByteBuffer records, int at) {
        return (protocol == ANY || protocol == octet(records, at + PROTOCOL))
                && (sourcePort == ANY || sourcePort == port(records, at + SOURCE_PORT))
                && (destinationPort == ANY || destinationPort == destinationPort(records, at))
                && (interfaces == null || interfaces.contains(meteredAt(records, at)))
                && contains(source, records, at, SOURCE_ADDRESS)
                && contains(destination, records, at, DESTINATION_ADDRESS);
    }

    private static int meteredAt(ByteBuffer records, int at) {
        return records.getInt(
                at + (records.get(at + DIRECTION) == 0 ? INGRESS_IFINDEX : EGRESS_IFINDEX));
    }

    private static int destinationPort(ByteBuffer records, int at) {
        int icmp = records.get(at + IP_VERSION) == 4 ? Flow.ICMP : Flow.ICMPV6;
        return octet(records, at + PROTOCOL) == icmp ? 0 : port(records, at + DESTINATION_PORT);
    }

    private static boolean contains(Prefix prefix, ByteBuffer records, int at, int member) {
        if (prefix == null) {
            return true;
        }
        boolean ipv4 = prefix.address().length == 4;
        return ipv4 == (records.get(at + IP_VERSION) == 4)
                && prefix.contains(records, at + member + (ipv4 ? MAPPED_IPV4 : 0));
    }

    private static int octet(ByteBuffer records, int at) {
        return Byte.toUnsignedInt(records.get(at));
    }

    private static int port(ByteBuffer records, int at) {
        return octet(records, at) << 8 | octet(records, at + 1);
    }
}
