// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.netty.channel.ChannelHandler;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
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
 *
 * <p>{@code #ipfixDatagrams} lets the kernel choose the port that datagrams come from. An instance
 * of one's own, bound to another name, can have it fixed: {@link #setLocalAddress}.
 */
public final class IpfixDatagramEncoder extends DefaultChannelHandlerFactory {

    /** The name that it has in the registry. */
    public static final String NAME = "ipfixDatagrams";

    /** What became of the Messages to one collector, over all channels. */
    static final class Sent {
        final LongAdder messages = new LongAdder();
        final LongAdder octets = new LongAdder();
        final LongAdder failedMessages = new LongAdder();

        /** Times that it was found to have refused what was sent: nobody listens. */
        final Failures refusals = new Failures();
    }

    private final Map<InetSocketAddress, Sent> sent = new ConcurrentHashMap<>();

    private InetSocketAddress local;

    /**
     * Where the datagrams come from: an address of this host, or 0.0.0.0 for any, and a port, or 0
     * for any; {@code 0.0.0.0:50101}, {@code [2001:db8::1]:0}. It works with {@code
     * udpConnectionlessSending=true}.
     *
     * @throws IllegalArgumentException if it is none
     */
    public void setLocalAddress(String localAddress) {
        int colon = localAddress.lastIndexOf(':');
        String host = localAddress.substring(0, Math.max(colon, 0)).replaceAll("^\\[|]$", "");
        String port = localAddress.substring(colon + 1);
        byte[] address = NetUtil.createByteArrayFromIpAddressString(host);
        if (address == null || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 0xffff) {
            throw new IllegalArgumentException(
                    "localAddress '"
                            + localAddress
                            + "' is no ADDRESS:PORT, as 0.0.0.0:50101 or [::]:50101 are");
        }
        try {
            local =
                    new InetSocketAddress(
                            InetAddress.getByAddress(address), Integer.parseInt(port));
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /** Null if the kernel chooses. */
    public String getLocalAddress() {
        return local == null ? null : NetUtil.toSocketAddressString(local);
    }

    /** What was sent, by collector. */
    Map<InetSocketAddress, Sent> sent() {
        return Map.copyOf(sent);
    }

    @Override
    public ChannelHandler newChannelHandler() {
        return new IpfixDatagramHandler(
                collector -> sent.computeIfAbsent(collector, c -> new Sent()), local);
    }
}
