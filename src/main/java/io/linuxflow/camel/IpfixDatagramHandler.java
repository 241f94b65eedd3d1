// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufOutputStream;
import io.netty.channel.AddressedEnvelope;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultAddressedEnvelope;
import io.netty.util.NetUtil;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.SocketAddress;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;
import java.util.function.Function;
import org.apache.camel.StreamCache;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the Messages of one UDP channel, in order. Messages of the same length that follow each
 * other, and one shorter one behind them, go to the kernel in one write that it cuts into datagrams
 * (UDP_SEGMENT). The size of the datagrams is an option of the socket, not of the write, so the
 * next write begins only when the one before it is done.
 *
 * <p>A path may not do that: IPsec, or an MTU below the Message length. The first write that fails
 * so ends it for this channel; its Messages, of which none has left, are sent one by one.
 */
final class IpfixDatagramHandler extends ChannelOutboundHandlerAdapter {

    private static final Logger LOG = LoggerFactory.getLogger(IpfixDatagramHandler.class);

    private static final int MESSAGE_HEADER = 16;
    private static final int VERSION = 10;

    /** UDP_MAX_SEGMENTS of the oldest kernels. */
    private static final int MAX_SEGMENTS = 64;

    /** What IPv4 leaves of 65,535 octets, without options. */
    private static final int MAX_WRITE = 65_507;

    private final ArrayDeque<Export> exports = new ArrayDeque<>();
    private final TransportSession session = new TransportSession();
    private final Function<InetSocketAddress, IpfixDatagramEncoder.Sent> sent;

    /** Null if the kernel chooses. */
    private final InetSocketAddress local;

    private DatagramSegmentation segmentation;
    private boolean writing;

    /** One write of the route: Messages to be sent, and whom to tell. */
    private static final class Export {
        private final ByteBuf messages;
        private final InetSocketAddress collector;
        private final ChannelPromise promise;
        private final IpfixDatagramEncoder.Sent sent;
        private int failed;
        private Throwable cause;

        Export(
                ByteBuf messages,
                InetSocketAddress collector,
                ChannelPromise promise,
                IpfixDatagramEncoder.Sent sent) {
            this.messages = messages;
            this.collector = collector;
            this.promise = promise;
            this.sent = sent;
        }

        void succeed(int octets, int count) {
            messages.skipBytes(octets);
            sent.messages.add(count);
            sent.octets.add(octets);
        }

        /** Passes over Messages that can't be sent; the others are none the worse for it. */
        void fail(int octets, int count, Throwable why) {
            messages.skipBytes(octets);
            sent.failedMessages.add(count);
            failed += count;
            cause = cause == null ? why : cause;
        }

        void end() {
            messages.release();
            if (cause == null) {
                promise.trySuccess();
            } else {
                promise.tryFailure(
                        new IOException(
                                failed
                                        + " IPFIX Messages to "
                                        + collector
                                        + " were not sent: "
                                        + cause.getMessage(),
                                cause));
            }
        }
    }

    /**
     * @param sent where to count what is sent to a collector
     * @param local what the channel is to be bound to; null lets the kernel choose
     */
    IpfixDatagramHandler(
            Function<InetSocketAddress, IpfixDatagramEncoder.Sent> sent, InetSocketAddress local) {
        this.sent = sent;
        this.local = local;
    }

    /** Camel has no option for the address that a producer sends from. */
    @Override
    public void bind(ChannelHandlerContext context, SocketAddress address, ChannelPromise promise) {
        if (local == null) {
            context.bind(address, promise);
            return;
        }
        // Several collectors may be sent to from one port.
        context.channel().config().setOption(ChannelOption.SO_REUSEADDR, true);
        ChannelPromise bound = context.newPromise();
        bound.addListener(
                done -> {
                    if (done.isSuccess()) {
                        promise.setSuccess();
                    } else {
                        promise.setFailure(
                                new BindException(
                                        "can't send from %s: %s. Give another localAddress"
                                                .formatted(
                                                        NetUtil.toSocketAddressString(local),
                                                        done.cause().getMessage())));
                    }
                });
        context.bind(local, bound);
    }

    @Override
    public void write(ChannelHandlerContext context, Object written, ChannelPromise promise) {
        try {
            if (!(written instanceof AddressedEnvelope<?, ?> envelope)
                    || !(envelope.recipient() instanceof InetSocketAddress collector)) {
                throw new IOException("#ipfixDatagrams is an encoder for netty:udp");
            }
            if (collector.isUnresolved()) {
                throw new IOException("unknown host " + collector.getHostString());
            }
            if (segmentation == null) {
                segmentation = new DatagramSegmentation(context.channel());
            }
            session.use(context.channel(), collector);
            IpfixDatagramEncoder.Sent count = sent.apply(collector);
            if (session.isRefused()) {
                count.refusals.add(1, (recent, total) -> warnOfRefusal(collector));
            }
            ByteBuf messages = messages(context, envelope.content());
            exports.add(new Export(messages, collector, promise, count));
        } catch (IOException | RuntimeException e) {
            promise.setFailure(e);
        } finally {
            ReferenceCountUtil.release(written);
        }
    }

    private static void warnOfRefusal(InetSocketAddress collector) {
        LOG.warn(
                "Nobody listens at the collector {} (ICMP port unreachable): what is sent to it is"
                        + " lost. Start it, or send to another one",
                NetUtil.toSocketAddressString(collector));
    }

    /** The Messages in a direct buffer, which the NIO channel would copy them to anyway. */
    private static ByteBuf messages(ChannelHandlerContext context, Object body) throws IOException {
        if (body instanceof ByteBuf buffer) {
            return buffer.isDirect()
                    ? buffer.retain()
                    : context.alloc().directBuffer(buffer.readableBytes()).writeBytes(buffer);
        }
        if (body instanceof byte[] octets) {
            return context.alloc().directBuffer(octets.length).writeBytes(octets);
        }
        if (body instanceof StreamCache cache) {
            cache.reset();
            ByteBuf buffer = context.alloc().directBuffer((int) cache.length());
            try {
                cache.writeTo(new ByteBufOutputStream(buffer));
                return buffer;
            } catch (IOException e) {
                buffer.release();
                throw e;
            }
        }
        throw new IOException(
                "#ipfixDatagrams takes what marshal ipfix makes, not " + body.getClass().getName());
    }

    @Override
    public void flush(ChannelHandlerContext context) {
        send(context);
    }

    private void send(ChannelHandlerContext context) {
        while (!writing && !exports.isEmpty()) {
            Export export = exports.peek();
            if (export.messages.isReadable()) {
                send(context, export);
            } else {
                exports.remove().end();
            }
        }
    }

    private void send(ChannelHandlerContext context, Export export) {
        ByteBuf messages = export.messages;
        int start = messages.readerIndex();
        int length = messageLength(messages, start);
        if (length == 0) {
            export.fail(
                    messages.readableBytes(),
                    1,
                    new IOException("octet " + start + " begins no IPFIX Message"));
            return;
        }
        int octets = run(messages, start, length);
        if (octets == length || !segmentation.cut(length)) {
            octets = length;
            segmentation.keepWhole(length);
        }
        ChannelFuture future =
                context.write(
                        new DefaultAddressedEnvelope<>(
                                messages.retainedSlice(start, octets), export.collector));
        writing = true;
        context.flush();
        int written = octets;
        int count = (octets + length - 1) / length;
        if (future.isDone()) {
            written(export, written, count, future.cause());
        } else {
            future.addListener(
                    done -> {
                        written(export, written, count, done.cause());
                        send(context);
                    });
        }
    }

    private void written(Export export, int octets, int count, Throwable cause) {
        writing = false;
        if (export != exports.peek()) {
            return; // the channel was closed meanwhile
        }
        if (cause == null) {
            export.succeed(octets, count);
        } else if (count > 1 && refusesSegments(cause)) {
            segmentation.off();
            LOG.info(
                    "The path to {} takes no segmented writes ({}): IPFIX Messages are sent one by"
                            + " one",
                    export.collector,
                    cause.getMessage());
        } else {
            export.fail(octets, count, cause);
        }
    }

    private static boolean refusesSegments(Throwable cause) {
        return cause instanceof IOException
                && !(cause instanceof PortUnreachableException)
                && !(cause instanceof ClosedChannelException);
    }

    /** Octets of the Messages from start on that can go in one write. */
    private static int run(ByteBuf messages, int start, int length) {
        int end = start + length;
        int next = length;
        for (int count = 1; count < MAX_SEGMENTS && next == length; count++) {
            next = messageLength(messages, end);
            if (next == 0 || next > length || end + next - start > MAX_WRITE) {
                break;
            }
            end += next;
        }
        return end - start;
    }

    /** The length of the Message at an index (RFC 7011, section 3.1), 0 if there is none. */
    private static int messageLength(ByteBuf messages, int at) {
        int left = messages.writerIndex() - at;
        if (left < MESSAGE_HEADER || messages.getUnsignedShort(at) != VERSION) {
            return 0;
        }
        int length = messages.getUnsignedShort(at + 2);
        return length < MESSAGE_HEADER || length > left ? 0 : length;
    }

    /** The channel is closed. */
    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        session.end();
        for (Export export; (export = exports.poll()) != null; ) {
            export.fail(export.messages.readableBytes(), 1, new ClosedChannelException());
            export.end();
        }
    }
}
