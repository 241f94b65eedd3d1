// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.bpf.BpfException;
import io.linuxflow.bpf.UdpSegmentation;
import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The size of the datagrams that the writes of a channel are cut into. */
final class DatagramSegmentation {

    private static final Logger LOG = LoggerFactory.getLogger(DatagramSegmentation.class);

    private static final int UNCUT = 0;

    /** Null if it can't be found: then nothing is cut. */
    private UdpSegmentation socket;

    private int size = UNCUT;

    DatagramSegmentation(Channel channel) {
        try {
            socket = UdpSegmentation.of((InetSocketAddress) channel.localAddress());
        } catch (BpfException | LinkageError e) {
            LOG.info("IPFIX Messages are sent one by one: {}", e.getMessage());
        }
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
