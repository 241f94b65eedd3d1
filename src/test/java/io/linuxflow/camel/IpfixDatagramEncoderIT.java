// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import static io.linuxflow.camel.VethPair.ADDRESS_THERE;
import static io.linuxflow.camel.VethPair.HERE;
import static io.linuxflow.camel.VethPair.THERE;
import static io.linuxflow.camel.VethPair.ip;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.linuxflow.bpf.NamespaceThread;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.DefaultAddressedEnvelope;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioDatagramChannel;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What the kernel says to segmented writes on a real path. */
class IpfixDatagramEncoderIT {

    private static final int LENGTH = 1400;
    private static final int COUNT = 60;

    @Test
    void onAPathWithASmallMtuNothingIsLostOrDoubled() throws Exception {
        assertThat(numbersReceived(1000)).isEqualTo(numbersSent());
    }

    @Test
    void onAPathThatFitsToo() throws Exception {
        assertThat(numbersReceived(1500)).isEqualTo(numbersSent());
    }

    private static List<Integer> numbersSent() {
        List<Integer> numbers = new ArrayList<>();
        for (int i = 0; i < COUNT; i++) {
            numbers.add(i);
        }
        return numbers;
    }

    @SuppressWarnings("try") // the namespaces are there to be sent through
    private static List<Integer> numbersReceived(int mtu) throws Exception {
        NioEventLoopGroup group = new NioEventLoopGroup(1);
        try (VethPair veth = new VethPair();
                DatagramChannel collector = NamespaceThread.in(THERE, DatagramChannel::open)) {
            ip("-n " + HERE + " link set eth0 mtu " + mtu);
            InetSocketAddress address = new InetSocketAddress(ADDRESS_THERE, 4739);
            collector.bind(address).configureBlocking(false);
            Channel channel =
                    NamespaceThread.in(
                            HERE,
                            () ->
                                    new Bootstrap()
                                            .group(group)
                                            .channel(NioDatagramChannel.class)
                                            .handler(new IpfixDatagramEncoder().newChannelHandler())
                                            .bind(0)
                                            .sync()
                                            .channel());

            channel.writeAndFlush(new DefaultAddressedEnvelope<>(messages(), address)).sync();

            List<Integer> received = new ArrayList<>();
            ByteBuffer datagram = ByteBuffer.allocate(65_535);
            await().until(
                            () -> {
                                while (collector.receive(datagram.clear()) != null) {
                                    assertThat(datagram.flip().remaining()).isEqualTo(LENGTH);
                                    received.add(datagram.getInt(8));
                                }
                                return received.size() >= COUNT;
                            });
            channel.close().sync();
            return received;
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }

    private static byte[] messages() {
        ByteBuffer messages = ByteBuffer.allocate(COUNT * LENGTH);
        for (int i = 0; i < COUNT; i++) {
            messages.position(i * LENGTH);
            messages.putShort((short) 10).putShort((short) LENGTH).putInt(0).putInt(i);
        }
        return messages.array();
    }
}
