// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import static io.linuxflow.exporting.FlowKind.ICMPV4;
import static io.linuxflow.exporting.FlowKind.ICMPV6;
import static io.linuxflow.exporting.FlowKind.IPV4;
import static io.linuxflow.exporting.FlowKind.IPV6;
import static io.linuxflow.flow.FlowLayout.DESTINATION_ADDRESS;
import static io.linuxflow.flow.FlowLayout.MAPPED_IPV4;
import static io.linuxflow.flow.FlowLayout.SOURCE_ADDRESS;

import io.linuxflow.flow.FlowLayout;
import io.linuxflow.ipfix.ElementRegistry;
import io.linuxflow.ipfix.FieldSpecifier;
import io.linuxflow.ipfix.InformationElement;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * An Information Element and what it is made of: a member of a flow record, or a column that an
 * enrichment adds.
 *
 * @param element the Information Element
 * @param kinds the flows that have it
 * @param member offset in the flow record, see {@link FlowLayout}; 0 if there is a column
 * @param column the column, null if it is made of a member
 * @param encoding how it is encoded in the full length of its type; variable length is none
 * @param shortest the least length it can be encoded in
 * @param reduced how it is encoded in less than the full length
 */
record FlowField(
        InformationElement element,
        Set<FlowKind> kinds,
        int member,
        ColumnSource column,
        Encoding encoding,
        int shortest,
        Encoding reduced) {

    private static final Set<FlowKind> ALL = EnumSet.allOf(FlowKind.class);
    private static final Set<FlowKind> V4 = EnumSet.of(IPV4, ICMPV4);
    private static final Set<FlowKind> V6 = EnumSet.of(IPV6, ICMPV6);
    private static final Set<FlowKind> PORTS = EnumSet.of(IPV4, IPV6);

    /** Every Information Element of IANA's that a flow record or a column can feed. */
    static final List<FlowField> TABLE = new ArrayList<>();

    static {
        row("flowStartSeconds", ALL, FlowLayout.FIRST, Encoding.SECONDS);
        row("flowEndSeconds", ALL, FlowLayout.LAST, Encoding.SECONDS);
        row("flowStartMilliseconds", ALL, FlowLayout.FIRST, Encoding.MILLISECONDS);
        row("flowEndMilliseconds", ALL, FlowLayout.LAST, Encoding.MILLISECONDS);
        row("flowStartMicroseconds", ALL, FlowLayout.FIRST, Encoding.MICROSECONDS);
        row("flowEndMicroseconds", ALL, FlowLayout.LAST, Encoding.MICROSECONDS);
        row("flowStartNanoseconds", ALL, FlowLayout.FIRST, Encoding.NANOSECONDS);
        row("flowEndNanoseconds", ALL, FlowLayout.LAST, Encoding.NANOSECONDS);
        row("octetDeltaCount", ALL, FlowLayout.OCTETS, Encoding.UNSIGNED64, 4, Encoding.CAPPED64);
        row("packetDeltaCount", ALL, FlowLayout.PACKETS, Encoding.UNSIGNED64, 4, Encoding.CAPPED64);
        row("ipVersion", ALL, FlowLayout.IP_VERSION, Encoding.OCTETS1);
        row("sourceIPv4Address", V4, SOURCE_ADDRESS + MAPPED_IPV4, Encoding.OCTETS4);
        row("sourceIPv6Address", V6, SOURCE_ADDRESS, Encoding.OCTETS16);
        row("destinationIPv4Address", V4, DESTINATION_ADDRESS + MAPPED_IPV4, Encoding.OCTETS4);
        row("destinationIPv6Address", V6, DESTINATION_ADDRESS, Encoding.OCTETS16);
        row("protocolIdentifier", ALL, FlowLayout.PROTOCOL, Encoding.OCTETS1);
        row("sourceTransportPort", PORTS, FlowLayout.SOURCE_PORT, Encoding.OCTETS2);
        row("destinationTransportPort", PORTS, FlowLayout.DESTINATION_PORT, Encoding.OCTETS2);
        row("icmpTypeCodeIPv4", EnumSet.of(ICMPV4), FlowLayout.DESTINATION_PORT, Encoding.OCTETS2);
        row("icmpTypeCodeIPv6", EnumSet.of(ICMPV6), FlowLayout.DESTINATION_PORT, Encoding.OCTETS2);
        row(
                "ingressInterface",
                ALL,
                FlowLayout.INGRESS_IFINDEX,
                Encoding.UNSIGNED32,
                2,
                Encoding.CAPPED32);
        row(
                "egressInterface",
                ALL,
                FlowLayout.EGRESS_IFINDEX,
                Encoding.UNSIGNED32,
                2,
                Encoding.CAPPED32);
        row("flowDirection", ALL, FlowLayout.DIRECTION, Encoding.OCTETS1);
        row(
                "tcpControlBits",
                ALL,
                FlowLayout.TCP_FLAGS,
                Encoding.UNSIGNED16,
                1,
                Encoding.LOW_OCTET);
        row("ipClassOfService", ALL, FlowLayout.TOS, Encoding.OCTETS1);
        row("minimumTTL", ALL, FlowLayout.MIN_TTL, Encoding.OCTETS1);
        row("maximumTTL", ALL, FlowLayout.MAX_TTL, Encoding.OCTETS1);
        row("fragmentIdentification", ALL, FlowLayout.FRAGMENT_ID, Encoding.UNSIGNED32);
        row("vlanId", ALL, FlowLayout.VLAN_ID, Encoding.UNSIGNED16);
        row("dot1qVlanId", ALL, FlowLayout.VLAN_ID, Encoding.UNSIGNED16);
        row("dot1qCustomerVlanId", ALL, FlowLayout.CUSTOMER_VLAN_ID, Encoding.UNSIGNED16);
        row("flowLabelIPv6", V6, FlowLayout.FLOW_LABEL, Encoding.UNSIGNED32);
        row("flowEndReason", ALL, FlowLayout.END_REASON, Encoding.OCTETS1);
        row("forwardingStatus", ALL, FlowLayout.DIRECTION, Encoding.FORWARDED_AT_EGRESS);
        row("observationDomainId", ALL, 0, Encoding.OBSERVATION_DOMAIN);
        column("interfaceName", ALL);
        column("interfaceDescription", ALL);
        column("sourceIPv4PrefixLength", V4);
        column("sourceIPv6PrefixLength", V6);
        column("destinationIPv4PrefixLength", V4);
        column("destinationIPv6PrefixLength", V6);
        column("ipNextHopIPv4Address", V4);
        column("ipNextHopIPv6Address", V6);
        column("bgpNextHopIPv4Address", V4);
        column("bgpNextHopIPv6Address", V6);
        column("bgpSourceAsNumber", ALL);
        column("bgpDestinationAsNumber", ALL);
    }

    /** The mark of the packets (skb->mark) as that element. */
    static FlowField mark(InformationElement element) {
        return new FlowField(
                element, ALL, FlowLayout.MARK, null, Encoding.UNSIGNED32, 1, Encoding.CAPPED32);
    }

    /** A column as that element, which has the column's type. */
    static FlowField column(InformationElement element, ColumnSource column) {
        return made(element, ALL, column);
    }

    /** The field of that name; upper and lower case don't matter. */
    static Optional<FlowField> of(String name) {
        return TABLE.stream().filter(field -> field.name().equalsIgnoreCase(name)).findFirst();
    }

    /**
     * What flows of that kind have where this field is asked for: the field itself, its counterpart
     * of the other IP version, or nothing.
     */
    Optional<FlowField> in(FlowKind kind) {
        if (kinds.contains(kind)) {
            return Optional.of(this);
        }
        return counterpart().filter(field -> field.kinds.contains(kind));
    }

    /** In the registry their names differ in the IP version only. */
    private Optional<FlowField> counterpart() {
        return of(
                name().contains("IPv4")
                        ? name().replace("IPv4", "IPv6")
                        : name().replace("IPv6", "IPv4"));
    }

    /** A field of another element, made of the same. */
    FlowField as(InformationElement other) {
        return new FlowField(other, kinds, member, column, encoding, shortest, reduced);
    }

    /**
     * What an element of an interface means if it is in a list twice: first the ingress
     * interface's, then the egress interface's, as RFC 7011, section 8, wants them. Nothing for
     * other elements.
     */
    List<FlowField> ofBothInterfaces() {
        if (column == null) {
            return List.of();
        }
        String name = column.name().replaceFirst("^interface", "Interface");
        return Stream.of("ingress" + name, "egress" + name)
                .filter(ColumnSource.known()::contains)
                .map(each -> made(element, kinds, ColumnSource.of(each)))
                .toList();
    }

    String name() {
        return element.name();
    }

    /** Whether it is an element of IANA's that only a hook can fill. */
    boolean isHooks() {
        return element.enterprise() == 0 && of(name()).isEmpty();
    }

    /** Octets of the full encoding, or {@link FieldSpecifier#VARIABLE_LENGTH}. */
    int length() {
        return element.type().length();
    }

    /** The greatest fixed length it can be encoded in. */
    int longest() {
        return length() == FieldSpecifier.VARIABLE_LENGTH
                ? FieldSpecifier.VARIABLE_LENGTH - 1
                : length();
    }

    /** How it is encoded in that length. */
    Encoding encoding(int length) {
        return length == length() ? encoding : reduced;
    }

    private static void row(String name, Set<FlowKind> kinds, int member, Encoding encoding) {
        int length = element(name).type().length();
        row(name, kinds, member, encoding, length, encoding);
    }

    private static void row(
            String name,
            Set<FlowKind> kinds,
            int member,
            Encoding encoding,
            int shortest,
            Encoding reduced) {
        TABLE.add(new FlowField(element(name), kinds, member, null, encoding, shortest, reduced));
    }

    /** An element that is made of the column of its name. */
    private static void column(String name, Set<FlowKind> kinds) {
        TABLE.add(made(element(name), kinds, ColumnSource.of(name)));
    }

    private static FlowField made(
            InformationElement element, Set<FlowKind> kinds, ColumnSource column) {
        int length = element.type().length();
        int shortest = length == FieldSpecifier.VARIABLE_LENGTH ? 1 : length;
        return new FlowField(
                element, kinds, 0, column, column.encoding(), shortest, column.encoding());
    }

    private static InformationElement element(String name) {
        return ElementRegistry.iana().byName(name).orElseThrow();
    }
}
