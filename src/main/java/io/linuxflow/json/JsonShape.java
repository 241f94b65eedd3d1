// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.json;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowLayout;
import java.util.List;
import java.util.function.Predicate;

/**
 * The names that the members of a flow's JSON object have.
 *
 * <p>Times are numbers, counted from 1970-01-01 UTC in the unit that the name says; milliseconds in
 * the log. Addresses are text as in RFC 5952. What a flow doesn't have is left out: ports of ICMP,
 * VLANs of untagged packets.
 */
public enum JsonShape {

    /** Those of the Information Elements (RFC 7012 and its registry). */
    ELEMENTS(elements()),

    /**
     * Those of the text log of wide-vsix/linux-flow-exporter; begin and end also as its
     * documentation names them, starttime and endtime.
     */
    LOG(log());

    private final List<FlowMember> members;

    JsonShape(List<FlowMember> members) {
        this.members = members;
    }

    /** In the order in which they are written. */
    List<FlowMember> members() {
        return members;
    }

    private static List<FlowMember> elements() {
        Predicate<Flow> ports = flow -> !flow.isIcmp();
        return List.of(
                FlowMember.millis("flowStartMilliseconds", Flow::flowStartNanos, FlowLayout.FIRST),
                FlowMember.millis("flowEndMilliseconds", Flow::flowEndNanos, FlowLayout.LAST),
                FlowMember.number("octetDeltaCount", Flow::octetDeltaCount, FlowLayout.OCTETS),
                FlowMember.number("packetDeltaCount", Flow::packetDeltaCount, FlowLayout.PACKETS),
                FlowMember.number("ipVersion", Flow::ipVersion, FlowLayout.IP_VERSION),
                FlowMember.number(
                        "protocolIdentifier", Flow::protocolIdentifier, FlowLayout.PROTOCOL),
                FlowMember.address("sourceIPv4Address", FlowLayout.SOURCE_ADDRESS, 4),
                FlowMember.address("destinationIPv4Address", FlowLayout.DESTINATION_ADDRESS, 4),
                FlowMember.address("sourceIPv6Address", FlowLayout.SOURCE_ADDRESS, 6),
                FlowMember.address("destinationIPv6Address", FlowLayout.DESTINATION_ADDRESS, 6),
                FlowMember.number(
                                "sourceTransportPort",
                                Flow::sourceTransportPort,
                                FlowLayout.SOURCE_PORT)
                        .when(ports),
                FlowMember.number(
                                "destinationTransportPort",
                                Flow::destinationTransportPort,
                                FlowLayout.DESTINATION_PORT)
                        .when(ports),
                FlowMember.number(
                                "icmpTypeCodeIPv4", Flow::icmpTypeCode, FlowLayout.DESTINATION_PORT)
                        .when(flow -> flow.isIcmp() && flow.ipVersion() == 4),
                FlowMember.number(
                                "icmpTypeCodeIPv6", Flow::icmpTypeCode, FlowLayout.DESTINATION_PORT)
                        .when(flow -> flow.isIcmp() && flow.ipVersion() == 6),
                FlowMember.number(
                        "ingressInterface", Flow::ingressInterface, FlowLayout.INGRESS_IFINDEX),
                FlowMember.number(
                        "egressInterface", Flow::egressInterface, FlowLayout.EGRESS_IFINDEX),
                FlowMember.number("flowDirection", Flow::flowDirection, FlowLayout.DIRECTION)
                        .max(1),
                FlowMember.number("tcpControlBits", Flow::tcpControlBits, FlowLayout.TCP_FLAGS)
                        .when(flow -> flow.protocolIdentifier() == Flow.TCP),
                FlowMember.number("ipClassOfService", Flow::ipClassOfService, FlowLayout.TOS),
                FlowMember.number("minimumTTL", Flow::minimumTTL, FlowLayout.MIN_TTL),
                FlowMember.number("maximumTTL", Flow::maximumTTL, FlowLayout.MAX_TTL),
                FlowMember.number(
                        "fragmentIdentification",
                        Flow::fragmentIdentification,
                        FlowLayout.FRAGMENT_ID),
                FlowMember.number("flowLabelIPv6", Flow::flowLabelIPv6, FlowLayout.FLOW_LABEL)
                        .max(0xfffff)
                        .when(flow -> flow.ipVersion() == 6),
                FlowMember.number("dot1qVlanId", Flow::dot1qVlanId, FlowLayout.VLAN_ID)
                        .max(0xfff)
                        .when(flow -> flow.dot1qVlanId() != 0),
                FlowMember.number(
                                "dot1qCustomerVlanId",
                                Flow::dot1qCustomerVlanId,
                                FlowLayout.CUSTOMER_VLAN_ID)
                        .max(0xfff)
                        .when(flow -> flow.dot1qCustomerVlanId() != 0),
                FlowMember.number("flowEndReason", Flow::flowEndReason, FlowLayout.END_REASON)
                        .max(Flow.LACK_OF_RESOURCES));
    }

    private static List<FlowMember> log() {
        return List.of(
                FlowMember.address("src", FlowLayout.SOURCE_ADDRESS, 0),
                FlowMember.address("dst", FlowLayout.DESTINATION_ADDRESS, 0),
                FlowMember.number("proto", Flow::protocolIdentifier, FlowLayout.PROTOCOL),
                FlowMember.number("sport", Flow::sourceTransportPort, FlowLayout.SOURCE_PORT),
                FlowMember.number(
                        "dport", Flow::destinationTransportPort, FlowLayout.DESTINATION_PORT),
                FlowMember.number(
                        "ingressIfindex", Flow::ingressInterface, FlowLayout.INGRESS_IFINDEX),
                FlowMember.number(
                        "egressIfindex", Flow::egressInterface, FlowLayout.EGRESS_IFINDEX),
                FlowMember.number("pkts", Flow::packetDeltaCount, FlowLayout.PACKETS),
                FlowMember.number("bytes", Flow::octetDeltaCount, FlowLayout.OCTETS),
                FlowMember.number("action", Flow::mark, FlowLayout.MARK),
                FlowMember.millis("start", Flow::flowStartNanos, FlowLayout.FIRST),
                FlowMember.millis("end", Flow::flowEndNanos, FlowLayout.LAST),
                FlowMember.millis("starttime", Flow::flowStartNanos, FlowLayout.FIRST),
                FlowMember.millis("endtime", Flow::flowEndNanos, FlowLayout.LAST),
                FlowMember.number(
                        "finished",
                        flow -> flow.flowEndReason() == Flow.END_OF_FLOW ? 1 : 0,
                        FlowLayout.END_REASON,
                        1,
                        (records, at, finished) ->
                                records[at + FlowLayout.END_REASON] =
                                        (byte)
                                                (finished == 1
                                                        ? Flow.END_OF_FLOW
                                                        : Flow.ACTIVE_TIMEOUT)));
    }
}
