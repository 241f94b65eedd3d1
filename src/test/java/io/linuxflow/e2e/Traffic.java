// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** Senders of traffic whose size is known. */
final class Traffic {

    static final int IPV4_HEADER = 20;
    static final int IPV6_HEADER = 40;
    static final int UDP_HEADER = 8;
    static final int ICMP_HEADER = 8;

    private Traffic() {}

    /** Packets on the wire and their IP octets. */
    record Total(long packets, long octets) {
        static final Total NONE = new Total(0, 0);

        Total plus(Total other) {
            return new Total(packets + other.packets, octets + other.octets);
        }
    }

    /** The size of the IP header before an address of this family, without options. */
    static int ipHeader(String address) {
        return address.contains(":") ? IPV6_HEADER : IPV4_HEADER;
    }

    /** Sends datagrams of the same payload, and returns what that is if none is fragmented. */
    static Total udp(
            String namespace, int sourcePort, String destination, int port, int count, int size) {
        Lab.in(
                namespace,
                () -> {
                    try (DatagramSocket socket = new DatagramSocket(sourcePort)) {
                        InetSocketAddress to =
                                new InetSocketAddress(InetAddress.getByName(destination), port);
                        for (int i = 0; i < count; i++) {
                            socket.send(new DatagramPacket(new byte[size], size, to));
                        }
                    }
                    return null;
                });
        return new Total(count, (long) count * (ipHeader(destination) + UDP_HEADER + size));
    }

    /** Sends echo requests and returns what they are; the replies are as large. */
    static Total ping(String namespace, String destination, int count, int size) {
        Shell.in(
                namespace,
                "ping",
                "-q",
                "-i",
                "0.02",
                "-c",
                String.valueOf(count),
                "-s",
                String.valueOf(size),
                destination);
        return new Total(count, (long) count * (ipHeader(destination) + ICMP_HEADER + size));
    }
}
