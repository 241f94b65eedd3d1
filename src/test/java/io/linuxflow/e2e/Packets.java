// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.HexFormat;

/** Packets for {@link RawSocket}. */
final class Packets {

    private static final int ETHERNET_HEADER = 14;
    private static final int TAG = 4;
    private static final short ETH_P_8021Q = (short) 0x8100;
    private static final short ETH_P_IP = 0x0800;

    private Packets() {}

    /** A UDP datagram in IPv4, with the checksum of the one and without that of the other. */
    static byte[] ipv4Udp(
            String source, String destination, int sourcePort, int port, int payload) {
        int length = Traffic.IPV4_HEADER + Traffic.UDP_HEADER + payload;
        ByteBuffer packet = ByteBuffer.allocate(length);
        packet.put((byte) 0x45).put((byte) 0).putShort((short) length);
        packet.putInt(0).put((byte) 64).put((byte) 17).putShort((short) 0);
        packet.put(octets(source)).put(octets(destination));
        packet.putShort(10, checksum(packet, Traffic.IPV4_HEADER));
        packet.putShort((short) sourcePort).putShort((short) port);
        packet.putShort((short) (Traffic.UDP_HEADER + payload));
        return packet.array();
    }

    private static short checksum(ByteBuffer packet, int length) {
        int sum = 0;
        for (int i = 0; i < length; i += Short.BYTES) {
            sum += Short.toUnsignedInt(packet.getShort(i));
        }
        while (sum >> Short.SIZE != 0) {
            sum = (sum & 0xffff) + (sum >> Short.SIZE);
        }
        return (short) ~sum;
    }

    /** An Ethernet frame with an 802.1Q tag. */
    static byte[] ethernet(String destination, String source, int vlan, byte[] packet) {
        HexFormat mac = HexFormat.ofDelimiter(":");
        return ByteBuffer.allocate(ETHERNET_HEADER + TAG + packet.length)
                .put(mac.parseHex(destination))
                .put(mac.parseHex(source))
                .putShort(ETH_P_8021Q)
                .putShort((short) vlan)
                .putShort(ETH_P_IP)
                .put(packet)
                .array();
    }

    private static byte[] octets(String address) {
        try {
            return InetAddress.getByName(address).getAddress();
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(address, e);
        }
    }
}
