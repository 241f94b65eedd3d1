// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.bpf.UdpSegmentation;
import io.netty.channel.Channel;
import java.net.InetSocketAddress;

/** The size of the datagrams that the writes of a channel are cut into. */
final class DatagramSegmentation {

    private static final int UNCUT = 0;

    /** Null if it can't be found: then nothing is cut. */
    private UdpSegmentation socket;

    private int size = UNCUT;

    DatagramSegmentation(Channel channel) {
        socket = UdpSegmentation.of((InetSocketAddress) channel.localAddress());
    }

    /**
     * Cuts writes into datagrams of that many octets from now on.
     *
     * @return false if that can't be had
     */
    boolean cut(int octets) {
        if (socket != null && size != octets) {
            if (socket.segmentSize(octets)) {
                size = octets;
            } else {
                off();
            }
        }
        return socket != null;
    }

    /** Makes sure that a write of that many octets stays one datagram. */
    void keepWhole(int octets) {
        if (size != UNCUT && octets > size && socket.segmentSize(UNCUT)) {
            size = UNCUT;
        }
    }

    /** Cuts no write any more. */
    void off() {
        if (size != UNCUT) {
            socket.segmentSize(UNCUT);
            size = UNCUT;
        }
        socket = null;
    }
}
