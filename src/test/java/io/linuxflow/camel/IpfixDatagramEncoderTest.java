// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.linuxflow.metering.ExportSessions;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultAddressedEnvelope;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.util.ReferenceCountUtil;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.converter.stream.InputStreamCache;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class IpfixDatagramEncoderTest {

    /** What leaves the encoder, and what the kernel is made to say to it. */
    @ChannelHandler.Sharable
    private static final class Wire extends ChannelOutboundHandlerAdapter {
        private final AtomicInteger writes = new AtomicInteger();
        private final AtomicInteger segmented = new AtomicInteger();
        private volatile int refuseFrom = Integer.MAX_VALUE;

        @Override
        public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
            int octets =
                    ((io.netty.buffer.ByteBuf) ((DefaultAddressedEnvelope<?, ?>) message).content())
                            .readableBytes();
            writes.incrementAndGet();
            if (octets > 1400) {
                segmented.incrementAndGet();
            }
            if (octets >= refuseFrom) {
                ReferenceCountUtil.release(message);
                promise.setFailure(new SocketException("Input/output error"));
            } else {
                context.write(message, promise);
            }
        }
    }

    private final Wire wire = new Wire();
    private final IpfixDatagramEncoder encoder = new IpfixDatagramEncoder();
    private NioEventLoopGroup group;
    private DatagramChannel collector;
    private InetSocketAddress address;
    private Channel channel;

    @BeforeEach
    void open() throws IOException {
        collector = DatagramChannel.open();
        collector.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        collector.setOption(StandardSocketOptions.SO_RCVBUF, 4 << 20);
        collector.configureBlocking(false);
        address = (InetSocketAddress) collector.getLocalAddress();
        group = new NioEventLoopGroup(1);
        channel = bootstrap().bind(0).syncUninterruptibly().channel();
    }

    private Bootstrap bootstrap() {
        return new Bootstrap()
                .group(group)
                .channel(NioDatagramChannel.class)
                .option(ChannelOption.SO_SNDBUF, 1 << 20)
                .handler(
                        new ChannelInitializer<>() {
                            @Override
                            protected void initChannel(Channel ch) {
                                ch.pipeline().addLast(wire).addLast(encoder.newChannelHandler());
                            }
                        });
    }

    @AfterEach
    void close() throws IOException {
        channel.close().syncUninterruptibly();
        collector.close();
        group.shutdownGracefully(0, 1, java.util.concurrent.TimeUnit.SECONDS);
    }

    @Test
    void sendsEachMessageAsOneDatagram() {
        List<byte[]> messages = messages(100, 1400, 600, 200, 200, 200, 50, 1400, 1400, 16);

        send(concatenate(messages)).syncUninterruptibly();

        assertThat(received(messages.size())).usingElementComparator(BYTES).isEqualTo(messages);
    }

    @Test
    void sendsMessagesOfOneLengthInFewWrites() {
        List<byte[]> messages = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            messages.add(message(1400, i));
        }
        messages.add(message(700, 200));

        send(concatenate(messages)).syncUninterruptibly();

        assertThat(received(messages.size())).usingElementComparator(BYTES).isEqualTo(messages);
        assertThat(wire.writes).hasValue(5); // 46 of 1400 octets fit into the 65,507 of one write
    }

    /** As Messages with texts in them are. Two in one write are cheaper than two writes. */
    @Test
    void messagesOfManyLengthsGoInRunsOfOneLengthAndAShorterOne() {
        List<byte[]> messages = messages(1390, 1384, 1397, 1388, 1391, 1391, 1386, 1387, 1400, 16);

        send(concatenate(messages)).syncUninterruptibly();

        assertThat(received(messages.size())).usingElementComparator(BYTES).isEqualTo(messages);
        assertThat(wire.writes).hasValue(5);
        assertThat(wire.segmented).hasValue(4); // 1387 goes alone, and whole
    }

    @Test
    void messagesOfManyLengthsBetweenManyOfOneLengthStayWhole() {
        List<byte[]> messages = messages(900, 900, 900, 899, 1400, 899, 900, 901, 16, 900, 900);

        send(concatenate(messages)).syncUninterruptibly();
        send(concatenate(messages)).syncUninterruptibly();

        List<byte[]> twice = new ArrayList<>(messages);
        twice.addAll(messages);
        assertThat(received(twice.size())).usingElementComparator(BYTES).isEqualTo(twice);
    }

    @Test
    void writesNoMoreThan64SegmentsAtOnce() {
        List<byte[]> messages = new ArrayList<>();
        for (int i = 0; i < 130; i++) {
            messages.add(message(100, i));
        }

        send(concatenate(messages)).syncUninterruptibly();

        assertThat(received(messages.size())).usingElementComparator(BYTES).isEqualTo(messages);
        assertThat(wire.writes).hasValue(3);
    }

    @Test
    void aSegmentedWriteThatFailsIsSentOneByOneLosingAndDoublingNothing() {
        wire.refuseFrom = 1401;
        List<byte[]> messages = messages(1400, 1400, 1400, 900, 300, 300, 1400, 1400);

        send(concatenate(messages)).syncUninterruptibly();
        send(concatenate(messages)).syncUninterruptibly();

        List<byte[]> twice = new ArrayList<>(messages);
        twice.addAll(messages);
        assertThat(received(twice.size())).usingElementComparator(BYTES).isEqualTo(twice);
        assertThat(wire.segmented).hasValue(1);
    }

    @Test
    void aMessageThatCannotBeSentFailsTheWriteAndTheOthersAreSent() {
        wire.refuseFrom = 1000;

        ChannelFuture sent = send(concatenate(messages(500, 1200, 600))).awaitUninterruptibly();

        assertThat(sent.cause())
                .hasMessageContaining("1 IPFIX Messages")
                .hasMessageContaining("Input/output error");
        assertThat(received(2)).extracting(m -> m.length).containsExactly(500, 600);
    }

    @Test
    void countsTheMessagesAndOctetsThatWereSentToACollector() {
        send(concatenate(messages(1400, 1400, 900, 300))).syncUninterruptibly();
        wire.refuseFrom = 1000;
        send(concatenate(messages(500, 1200))).awaitUninterruptibly();

        IpfixDatagramEncoder.Sent sent = encoder.sent().get(address);
        assertThat(encoder.sent()).hasSize(1);
        assertThat(sent.messages.sum()).isEqualTo(5);
        assertThat(sent.octets.sum()).isEqualTo(1400 + 1400 + 900 + 300 + 500);
        assertThat(sent.failedMessages.sum()).isEqualTo(1);
    }

    @Test
    void takesWhatMarshalMakesOfABody() {
        byte[] octets = concatenate(messages(300, 300));

        send(octets);
        send(new InputStreamCache(octets));
        send(Unpooled.wrappedBuffer(octets));
        send(Unpooled.directBuffer().writeBytes(octets)).syncUninterruptibly();

        assertThat(received(8)).extracting(m -> m.length).containsOnly(300);
    }

    @Test
    void keepsTheOrderOfManyWritesOnAConnectedChannelToo() throws Exception {
        channel.close().sync();
        channel = bootstrap().connect(address).sync().channel();
        List<byte[]> all = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            List<byte[]> messages =
                    List.of(message(1400, i), message(1400, i), message(200 + i, i));
            all.addAll(messages);
            send(concatenate(messages));
        }

        assertThat(received(all.size())).usingElementComparator(BYTES).isEqualTo(all);
    }

    @Test
    void refusesABodyThatIsNoIpfix() {
        assertThatThrownBy(() -> send(new byte[20]).syncUninterruptibly())
                .hasMessageContaining("octet 0 begins no IPFIX Message");
        assertThatThrownBy(() -> send("text").syncUninterruptibly())
                .hasMessageContaining("takes what marshal ipfix makes, not java.lang.String");
    }

    @Test
    void refusesACollectorThatIsNoAddress() {
        address = new InetSocketAddress("0.0.0.0", 4739);
        assertThatThrownBy(() -> send(message(300, 0)).syncUninterruptibly())
                .hasMessageContaining("0.0.0.0:4739 is no address");

        address = InetSocketAddress.createUnresolved("no.such.host", 4739);
        assertThatThrownBy(() -> send(message(300, 0)).syncUninterruptibly())
                .hasMessageContaining("unknown host no.such.host");
    }

    @Test
    void aMessageCutOffAtTheEndFailsAfterTheOthersWereSent() {
        byte[] octets = concatenate(messages(300, 300));

        ChannelFuture sent = send(java.util.Arrays.copyOf(octets, 500)).awaitUninterruptibly();

        assertThat(sent.cause()).hasMessageContaining("octet 300 begins no IPFIX Message");
        assertThat(received(1)).extracting(m -> m.length).containsExactly(300);
    }

    @Test
    void theTransportSessionIsKeptFromBeingMeteredUntilTheChannelCloses() {
        send(message(300, 0)).syncUninterruptibly();

        InetSocketAddress local =
                new InetSocketAddress(
                        InetAddress.getLoopbackAddress(),
                        ((InetSocketAddress) channel.localAddress()).getPort());
        ExportSessions.Session session = new ExportSessions.Session(local, address, 17);
        assertThat(ExportSessions.current()).contains(session);

        channel.close().syncUninterruptibly();
        await().untilAsserted(() -> assertThat(ExportSessions.current()).doesNotContain(session));
    }

    @Test
    void aCollectorThatDoesNotListenIsKnownAndGetsEverythingOnceItDoes() throws IOException {
        collector.close();
        await().until(
                        () -> {
                            send(concatenate(messages(900, 900, 900))).syncUninterruptibly();
                            return encoder.sent().get(address).refusals.total() > 0;
                        });

        collector = DatagramChannel.open();
        collector.bind(address);
        collector.configureBlocking(false);
        List<byte[]> messages = messages(900, 900, 200);
        send(concatenate(messages)).syncUninterruptibly();

        assertThat(received(3)).usingElementComparator(BYTES).isEqualTo(messages);
        assertThat(encoder.sent().get(address).failedMessages.sum()).isZero();
        long refusals = encoder.sent().get(address).refusals.total();
        send(message(300, 0)).syncUninterruptibly();
        send(message(300, 0)).syncUninterruptibly();
        assertThat(encoder.sent().get(address).refusals.total()).isLessThanOrEqualTo(refusals + 1);
        assertThat(wire.segmented).as("still cut by the kernel").hasPositiveValue();
    }

    @Test
    void nobodyElseCanJoinThePortOfTheChannel() throws IOException {
        send(message(300, 0)).syncUninterruptibly();

        assertThat(channel.config().getOption(ChannelOption.SO_REUSEADDR)).isFalse();
        try (DatagramChannel other = DatagramChannel.open()) {
            other.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            assertThatThrownBy(() -> other.bind(channel.localAddress()))
                    .isInstanceOf(java.net.BindException.class);
        }
    }

    @Test
    void aWriteToAClosedChannelFails() {
        channel.close().syncUninterruptibly();

        assertThat(send(message(300, 0)).awaitUninterruptibly().isSuccess()).isFalse();
    }

    private ChannelFuture send(Object body) {
        return channel.writeAndFlush(new DefaultAddressedEnvelope<>(body, address));
    }

    private List<byte[]> received(int count) {
        List<byte[]> received = new ArrayList<>();
        ByteBuffer buffer = ByteBuffer.allocate(65_535);
        await().until(
                        () -> {
                            while (collector.receive(buffer.clear()) != null) {
                                byte[] datagram = new byte[buffer.flip().remaining()];
                                buffer.get(datagram);
                                received.add(datagram);
                            }
                            return received.size() >= count;
                        });
        return received;
    }

    private static final java.util.Comparator<byte[]> BYTES = java.util.Arrays::compare;

    private static List<byte[]> messages(int... lengths) {
        List<byte[]> messages = new ArrayList<>();
        for (int length : lengths) {
            messages.add(message(length, messages.size()));
        }
        return messages;
    }

    /** The header of a Message (RFC 7011, section 3.1), and what tells it from others behind it. */
    private static byte[] message(int length, int number) {
        ByteBuffer message = ByteBuffer.allocate(length);
        message.putShort((short) 10).putShort((short) length).putInt(0).putInt(number);
        return message.array();
    }

    private static byte[] concatenate(List<byte[]> messages) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        messages.forEach(all::writeBytes);
        return all.toByteArray();
    }
}
