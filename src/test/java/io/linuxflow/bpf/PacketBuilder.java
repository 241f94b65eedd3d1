// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Puts a packet together from the outside in. Each header tells the one before what follows;
 * lengths are filled in at the end. What is wrong on purpose is said with {@link #patch}, {@link
 * #truncated} and {@link #padding}.
 */
final class PacketBuilder {

    static final int FIN = 0x001;
    static final int SYN = 0x002;
    static final int RST = 0x004;
    static final int ACK = 0x010;

    private static final int IPV4_HEADER = 20;
    private static final int IPV6_HEADER = 40;
    private static final int NONE = -1;

    private final ByteBuffer octets = ByteBuffer.allocate(3500);

    /** Octets from the start of the IP header on that are not what they should be. */
    private final Map<Integer, Byte> patches = new HashMap<>();

    /** Where the type of the next header goes, in one or two octets; 0 octets: nowhere. */
    private int nextAt;

    private int nextSize;

    private int network = NONE;
    private int end = NONE;

    private PacketBuilder() {}

    /** A frame with an Ethernet header. */
    static PacketBuilder ethernet() {
        PacketBuilder builder = new PacketBuilder();
        builder.octets.put(new byte[] {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2});
        builder.next(2);
        return builder;
    }

    /** A packet of a device without a link layer header. */
    static PacketBuilder bare() {
        return new PacketBuilder();
    }

    private void next(int size) {
        nextAt = octets.position();
        nextSize = size;
        octets.put(new byte[size]);
    }

    /** The type of what follows, where the header before it says so. */
    private PacketBuilder type(int type) {
        if (nextSize == 2) {
            octets.putShort(nextAt, (short) type);
        } else if (nextSize == 1) {
            octets.put(nextAt, (byte) type);
        }
        nextSize = 0;
        return this;
    }

    PacketBuilder etherType(int type) {
        return type(type);
    }

    PacketBuilder vlan(int vid) {
        return vlan(0x8100, vid);
    }

    /** A tag, with priority 5 and DEI set. */
    PacketBuilder vlan(int protocol, int vid) {
        type(protocol);
        octets.putShort((short) (0xb000 | vid));
        next(2);
        return this;
    }

    PacketBuilder ipv4() {
        return ipv4("10.0.0.1", "10.0.0.2");
    }

    PacketBuilder ipv4(String source, String destination) {
        type(0x0800);
        network = octets.position();
        octets.put(new byte[] {0x45, 0, 0, 0, 0, 0, 0, 0, 64});
        next(1);
        octets.putShort((short) 0).put(address(source)).put(address(destination));
        return this;
    }

    /** No-operation options; a multiple of 4 octets, directly behind {@link #ipv4}. */
    PacketBuilder ipv4Options(int length) {
        octets.put(network, (byte) (0x40 | (IPV4_HEADER + length) / 4));
        return repeat(length, 1);
    }

    PacketBuilder tos(int tos) {
        octets.put(network + 1, (byte) tos);
        return this;
    }

    PacketBuilder id(int identification) {
        octets.putShort(network + 4, (short) identification);
        return this;
    }

    /** An IPv4 fragment. */
    PacketBuilder fragment(int offset, boolean more) {
        octets.putShort(network + 6, (short) (offset / 8 | (more ? 0x2000 : 0)));
        return this;
    }

    PacketBuilder ttl(int ttl) {
        octets.put(network + (octets.get(network) >>> 4 == 4 ? 8 : 7), (byte) ttl);
        return this;
    }

    PacketBuilder ipv6() {
        return ipv6("2001:db8::1", "2001:db8::2");
    }

    PacketBuilder ipv6(String source, String destination) {
        type(0x86dd);
        network = octets.position();
        octets.putInt(0x6000_0000).putShort((short) 0);
        next(1);
        octets.put((byte) 64).put(mapped(source)).put(mapped(destination));
        return this;
    }

    PacketBuilder trafficClassAndLabel(int trafficClass, int label) {
        octets.putInt(network, 0x6000_0000 | trafficClass << 20 | label);
        return this;
    }

    /** An IPv6 extension header, or an authentication header, whose length is in other units. */
    PacketBuilder extension(int protocol, int length) {
        int start = octets.position();
        type(protocol);
        next(1);
        octets.put((byte) (protocol == 51 ? length / 4 - 2 : length / 8 - 1));
        return repeat(start + length - octets.position(), 0);
    }

    /** The hop-by-hop header of a jumbogram, and of BIG TCP (RFC 2675). */
    PacketBuilder jumboPayload(int length) {
        type(0);
        next(1);
        octets.put(new byte[] {0, (byte) 0xc2, 4}).putInt(length);
        return this;
    }

    PacketBuilder fragmentHeader(int offset, boolean more, int identification) {
        type(44);
        next(1);
        octets.put((byte) 0).putShort((short) (offset | (more ? 1 : 0))).putInt(identification);
        return this;
    }

    PacketBuilder tcp(int source, int destination, int flags) {
        return tcp(source, destination, flags, 0);
    }

    PacketBuilder tcp(int source, int destination, int flags, int options) {
        type(6);
        ports(source, destination);
        octets.putLong(0x0102_0304_0506_0708L);
        octets.putShort((short) ((20 + options) / 4 << 12 | flags));
        return repeat(6, 0).repeat(options, 1);
    }

    PacketBuilder udp(int source, int destination) {
        return type(17).ports(source, destination).repeat(4, 0);
    }

    PacketBuilder udpLite(int source, int destination) {
        return type(136).ports(source, destination).repeat(4, 0);
    }

    PacketBuilder sctp(int source, int destination) {
        return type(132).ports(source, destination).repeat(8, 0);
    }

    PacketBuilder dccp(int source, int destination) {
        return type(33).ports(source, destination).repeat(8, 0);
    }

    PacketBuilder icmp(int type, int code) {
        return type(1).repeat(1, type).repeat(1, code).repeat(6, 0);
    }

    PacketBuilder icmpv6(int type, int code) {
        return type(58).repeat(1, type).repeat(1, code).repeat(6, 0);
    }

    /** A protocol without a header that matters. */
    PacketBuilder protocol(int protocol) {
        return type(protocol);
    }

    private PacketBuilder ports(int source, int destination) {
        octets.putShort((short) source).putShort((short) destination);
        return this;
    }

    PacketBuilder payload(int length) {
        return repeat(length, 0x55);
    }

    /** Octets behind the IP packet. */
    PacketBuilder padding(int length) {
        end = octets.position();
        return repeat(length, 0x77);
    }

    /** Sets a 16-bit field of the IP header at last, whatever it should be. */
    PacketBuilder patch(int offset, int value) {
        patches.put(offset, (byte) (value >> 8));
        patches.put(offset + 1, (byte) value);
        return this;
    }

    /** Makes it an IP packet of this length, whatever that leaves of its headers. */
    PacketBuilder shortened(int length) {
        octets.position(network + length);
        return this;
    }

    /** The packet, cut off so that this many octets from the start of the IP header on are left. */
    byte[] truncated(int length) {
        return Arrays.copyOf(build(), network + length);
    }

    byte[] build() {
        if (end == NONE) {
            end = octets.position();
        }
        if (network != NONE) {
            if (octets.get(network) >>> 4 == 4) {
                octets.putShort(network + 2, (short) (end - network));
            } else {
                octets.putShort(network + 4, (short) (end - network - IPV6_HEADER));
            }
            patches.forEach((offset, value) -> octets.put(network + offset, value));
        }
        return Arrays.copyOf(octets.array(), octets.position());
    }

    private PacketBuilder repeat(int length, int value) {
        for (int i = 0; i < length; i++) {
            octets.put((byte) value);
        }
        return this;
    }

    /** An address in 16 octets, IPv4 as ::ffff:a.b.c.d. */
    static byte[] mapped(String address) {
        byte[] octets = address(address);
        if (octets.length == 16) {
            return octets;
        }
        byte[] mapped = new byte[16];
        mapped[10] = mapped[11] = (byte) 0xff;
        System.arraycopy(octets, 0, mapped, 12, octets.length);
        return mapped;
    }

    private static byte[] address(String address) {
        try {
            return InetAddress.getByName(address).getAddress();
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }
}
