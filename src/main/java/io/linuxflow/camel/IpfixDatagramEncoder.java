// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.netty.channel.ChannelHandler;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.apache.camel.component.netty.DefaultChannelHandlerFactory;

/**
 * Has {@code netty:udp} send IPFIX Messages that stand one behind the other, as {@link
 * IpfixDataFormat} makes them, one datagram each: {@code encoders=#ipfixDatagrams}.
 *
 * <p>The route must keep to one socket, because sequence numbers and Templates belong to a
 * Transport Session: {@code producerPoolEnabled=false}. With {@code udpConnectionlessSending=true}
 * a collector that is down is no error of the route.
 */
public final class IpfixDatagramEncoder extends DefaultChannelHandlerFactory {

    /** The name that it has in the registry. */
    public static final String NAME = "ipfixDatagrams";

    /** What became of the Messages to one collector, over all channels. */
    static final class Sent {
        final LongAdder messages = new LongAdder();
        final LongAdder octets = new LongAdder();
        final LongAdder failedMessages = new LongAdder();
    }

    private final Map<InetSocketAddress, Sent> sent = new ConcurrentHashMap<>();

    /** What was sent, by collector. */
    Map<InetSocketAddress, Sent> sent() {
        return Map.copyOf(sent);
    }

    @Override
    public ChannelHandler newChannelHandler() {
        return new IpfixDatagramHandler(
                collector -> sent.computeIfAbsent(collector, c -> new Sent()));
    }
}
