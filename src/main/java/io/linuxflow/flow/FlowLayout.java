// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.flow;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.List;

/**
 * The layout of one flow record: {@code struct flow_slot} of {@code bpf/flow.h}, byte for byte.
 *
 * <p>{@link #MEMBERS} is the one table; the offsets below come out of it, and whoever loads the BPF
 * object compares it with the object's BTF. In kernel memory {@code first} and {@code last} are
 * readings of the flow clock; in a {@link FlowBatch} they are nanoseconds since 1970-01-01 UTC.
 *
 * <p>Integers are in host byte order, ports and addresses in network byte order.
 */
public final class FlowLayout {

    /**
     * A member of a BPF struct.
     *
     * @param struct the C name of the struct
     * @param name the C name of the member
     * @param offset octets from the start of the struct
     * @param size octets
     */
    public record Member(String struct, String name, int offset, int size) {}

    /** Every member of {@code struct flow_key} and {@code struct flow_slot}, padding included. */
    public static final List<Member> MEMBERS =
            List.of(
                    new Member("flow_key", "source_address", 0, 16),
                    new Member("flow_key", "destination_address", 16, 16),
                    new Member("flow_key", "source_port", 32, 2),
                    new Member("flow_key", "destination_port", 34, 2),
                    new Member("flow_key", "ingress_ifindex", 36, 4),
                    new Member("flow_key", "egress_ifindex", 40, 4),
                    new Member("flow_key", "mark", 44, 4),
                    new Member("flow_key", "vlan_id", 48, 2),
                    new Member("flow_key", "customer_vlan_id", 50, 2),
                    new Member("flow_key", "protocol", 52, 1),
                    new Member("flow_key", "ip_version", 53, 1),
                    new Member("flow_key", "direction", 54, 1),
                    new Member("flow_key", "reserved", 55, 1),
                    new Member("flow_slot", "key", 0, 56),
                    new Member("flow_slot", "packets", 56, 8),
                    new Member("flow_slot", "octets", 64, 8),
                    new Member("flow_slot", "first", 72, 8),
                    new Member("flow_slot", "last", 80, 8),
                    new Member("flow_slot", "fragment_id", 88, 4),
                    new Member("flow_slot", "flow_label", 92, 4),
                    new Member("flow_slot", "tcp_flags", 96, 2),
                    new Member("flow_slot", "tos", 98, 1),
                    new Member("flow_slot", "min_ttl", 99, 1),
                    new Member("flow_slot", "max_ttl", 100, 1),
                    new Member("flow_slot", "end_reason", 101, 1),
                    new Member("flow_slot", "padding", 102, 2));

    public static final int SOURCE_ADDRESS = offset("source_address");
    public static final int DESTINATION_ADDRESS = offset("destination_address");

    /** Where the four octets of an IPv4 address stand in its IPv4-mapped form. */
    public static final int MAPPED_IPV4 = 12;

    public static final int SOURCE_PORT = offset("source_port");
    public static final int DESTINATION_PORT = offset("destination_port");
    public static final int INGRESS_IFINDEX = offset("ingress_ifindex");
    public static final int EGRESS_IFINDEX = offset("egress_ifindex");
    public static final int MARK = offset("mark");
    public static final int VLAN_ID = offset("vlan_id");
    public static final int CUSTOMER_VLAN_ID = offset("customer_vlan_id");
    public static final int PROTOCOL = offset("protocol");
    public static final int IP_VERSION = offset("ip_version");
    public static final int DIRECTION = offset("direction");
    public static final int PACKETS = offset("packets");
    public static final int OCTETS = offset("octets");
    public static final int FIRST = offset("first");
    public static final int LAST = offset("last");
    public static final int FRAGMENT_ID = offset("fragment_id");
    public static final int FLOW_LABEL = offset("flow_label");
    public static final int TCP_FLAGS = offset("tcp_flags");
    public static final int TOS = offset("tos");
    public static final int MIN_TTL = offset("min_ttl");
    public static final int MAX_TTL = offset("max_ttl");
    public static final int END_REASON = offset("end_reason");

    /** Octets of the flow key, at the start of the record. */
    public static final int KEY_SIZE = 56;

    /** Octets from one record to the next. */
    public static final int SIZE = 104;

    /** Views of a record array in the order that the C struct has on this host. */
    public static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.nativeOrder());

    public static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.nativeOrder());

    public static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    /** View of a record array for the ports, which are in network byte order. */
    public static final VarHandle PORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);

    private FlowLayout() {}

    private static int offset(String name) {
        for (Member member : MEMBERS) {
            if (member.name().equals(name)) {
                return member.offset();
            }
        }
        throw new IllegalArgumentException("no member " + name);
    }
}
