// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.netty.channel.ChannelHandler;
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

    @Override
    public ChannelHandler newChannelHandler() {
        return new IpfixDatagramHandler();
    }
}
