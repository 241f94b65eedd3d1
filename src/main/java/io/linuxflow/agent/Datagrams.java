// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import io.linuxflow.agent.AgentConfig.Collector;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;

/** Sends Messages that stand one behind the other to a collector, one a datagram. */
final class Datagrams {

    /** Where the Length of a Message is (RFC 7011, section 3.1). */
    private static final int LENGTH = 2;

    private Datagrams() {}

    /**
     * @return how many were sent
     * @throws IllegalArgumentException if the collector's host is not known
     * @throws IOException saying why they can't be sent
     */
    static int send(byte[] messages, Collector collector) throws IOException {
        InetSocketAddress remote = collector.remote().resolve();
        ByteBuffer octets = ByteBuffer.wrap(messages);
        int count = 0;
        try (DatagramSocket socket = new DatagramSocket(null)) {
            // As the Go program's: several collectors may be sent to from one port.
            socket.setReuseAddress(true);
            socket.bind(
                    collector.local() == null
                            ? new InetSocketAddress(0)
                            : collector.local().resolve());
            while (octets.hasRemaining()) {
                int length = octets.getShort(octets.position() + LENGTH) & 0xffff;
                socket.send(new DatagramPacket(messages, octets.position(), length, remote));
                octets.position(octets.position() + length);
                count++;
            }
        } catch (IOException e) {
            throw new IOException(
                    "can't send to "
                            + collector.remote()
                            + (collector.local() == null ? "" : " from " + collector.local())
                            + ": "
                            + e.getMessage(),
                    e);
        }
        return count;
    }
}
