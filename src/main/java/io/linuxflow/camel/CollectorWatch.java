// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;

/**
 * Tells whether a collector refuses what a channel sends: with ICMP "port unreachable", which the
 * kernel reports to connected UDP sockets only (udp(7)). The channel's own is not connected, so
 * that no datagram is lost to such a report. This is a second socket at the same port that is, and
 * never sends.
 */
final class CollectorWatch implements AutoCloseable {

    private final DatagramChannel socket;
    private final ByteBuffer none = ByteBuffer.allocate(1);

    /**
     * @param channel what sends, bound to a port
     * @throws IOException if there can be no second socket, or there is no route
     */
    CollectorWatch(Channel channel, InetSocketAddress collector) throws IOException {
        boolean shared = channel.config().getOption(ChannelOption.SO_REUSEADDR);
        socket = DatagramChannel.open();
        try {
            socket.configureBlocking(false);
            socket.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            channel.config().setOption(ChannelOption.SO_REUSEADDR, true);
            socket.bind(channel.localAddress());
            socket.connect(collector);
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        } finally {
            // Nobody else is to join them.
            channel.config().setOption(ChannelOption.SO_REUSEADDR, shared);
        }
    }

    /** Whether the collector has refused something since the last call. */
    boolean refused() {
        try {
            socket.read(none.clear());
            return false;
        } catch (PortUnreachableException e) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // It was only looked at.
        }
    }
}
