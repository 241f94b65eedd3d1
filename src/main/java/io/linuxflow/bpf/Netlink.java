// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibC.libc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** An rtnetlink socket of the calling thread's network namespace (RFC 3549, linux/netlink.h). */
final class Netlink implements AutoCloseable {

    static final int HEADER = 16;

    static final int NLM_F_REPLACE = 0x100;
    static final int NLM_F_EXCL = 0x200;
    static final int NLM_F_CREATE = 0x400;

    private static final int RTATTR = 4;
    private static final int NLA_TYPE_MASK = 0x3fff;
    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW = 3;
    private static final int NETLINK_ROUTE = 0;
    private static final int SOCKADDR_NL = 12;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int NLM_F_REQUEST = 1;
    private static final int NLM_F_ACK = 4;
    private static final int NLM_F_DUMP_INTR = 0x10;
    private static final int NLM_F_DUMP = 0x300;
    private static final int NLMSG_ERROR = 2;
    private static final int NLMSG_DONE = 3;

    /** Requests at a time: the kernel reserves a page for each answer. */
    static final int AT_ONCE = 32;

    /** The kernel fills at most 32 KiB at a time. */
    private static final int BUFFER = 64 * 1024;

    private final int fd;
    private final ByteBuffer buffer =
            ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.nativeOrder());
    private int sequence;
    private boolean closed;

    /**
     * @param groups the RTMGRP_ multicast groups to receive, 0 for none
     */
    Netlink(int groups) {
        fd =
                LibC.check(
                        "open an rtnetlink socket",
                        libc().socket(AF_NETLINK, SOCK_RAW | LibC.O_CLOEXEC, NETLINK_ROUTE));
        ByteBuffer address = allocate(SOCKADDR_NL);
        address.putShort(0, (short) AF_NETLINK);
        address.putInt(8, groups);
        if (libc().bind(fd, address.array(), SOCKADDR_NL) < 0) {
            int errno = LibC.errno();
            close();
            throw BpfException.of("bind an rtnetlink socket", errno);
        }
    }

    int fd() {
        return fd;
    }

    /**
     * Asks for a dump.
     *
     * @param type RTM_GET…
     * @param request what follows the header
     * @param onMessage gets what follows the header of each message, in host byte order
     * @return false if it changed underway and has to be asked for again
     */
    boolean dump(String operation, int type, byte[] request, Consumer<ByteBuffer> onMessage) {
        ByteBuffer message = allocate(HEADER + request.length);
        put(message, type, NLM_F_REQUEST | NLM_F_DUMP, 0, request);
        send(operation, message);
        boolean consistent = true;
        while (true) {
            ByteBuffer received = received(receive(operation, 0));
            while (received.hasRemaining()) {
                int at = received.position();
                int end = at + received.getInt(at);
                consistent &= (received.getShort(at + 6) & NLM_F_DUMP_INTR) == 0;
                switch (received.getShort(at + 4)) {
                    case NLMSG_DONE -> {
                        return consistent;
                    }
                    case NLMSG_ERROR ->
                            throw BpfException.of(operation, -received.getInt(at + HEADER), "");
                    default -> onMessage.accept(payload(received, at, end));
                }
                received.position(Math.min(received.limit(), align(end)));
            }
        }
    }

    /** Takes the answer to a request. */
    interface Answers {
        /**
         * @param request which of the requests, counted from 0
         * @param message what follows the header, in host byte order, until the next call; null if
         *     the kernel refused
         */
        void accept(int request, ByteBuffer message);
    }

    /**
     * Asks for several things, each of which has one answer. The kernel answers before send(2)
     * returns, so nobody waits; not more at a time than {@link #AT_ONCE}, whose answers find room
     * in the socket's buffer.
     *
     * @param type RTM_GET…
     * @param requests what follows the header, of each request
     */
    void ask(String operation, int type, List<byte[]> requests, Answers answers) {
        ByteBuffer message =
                allocate(requests.stream().mapToInt(each -> align(HEADER + each.length)).sum());
        int first = sequence;
        for (byte[] request : requests) {
            put(message, type, NLM_F_REQUEST, sequence++, request);
        }
        send(operation, message);
        for (int answered = 0; answered < requests.size(); ) {
            int length = receive(operation, MSG_DONTWAIT);
            if (length <= 0) {
                throw BpfException.of(operation, "the kernel does not answer", "");
            }
            ByteBuffer received = received(length);
            int request = received.getInt(8) - first;
            // Not one to a request of a call that failed.
            if (request >= 0 && request < requests.size()) {
                boolean refused = received.getShort(4) == NLMSG_ERROR;
                answers.accept(request, refused ? null : payload(received, 0, received.getInt(0)));
                answered++;
            }
        }
    }

    /** Appends a message, padded. */
    private static void put(ByteBuffer to, int type, int flags, int sequence, byte[] request) {
        int begin = to.position();
        to.putInt(HEADER + request.length)
                .putShort((short) type)
                .putShort((short) flags)
                .putInt(sequence)
                .putInt(0)
                .put(request)
                .position(begin + align(HEADER + request.length));
    }

    private void send(String operation, ByteBuffer message) {
        LibC.check(operation, (int) libc().send(fd, message.array(), message.position(), 0));
    }

    private ByteBuffer received(int length) {
        return buffer.slice(0, length).order(ByteOrder.nativeOrder());
    }

    /** What follows the header of the message at these octets. */
    private static ByteBuffer payload(ByteBuffer messages, int at, int end) {
        return messages.slice(at + HEADER, end - at - HEADER).order(ByteOrder.nativeOrder());
    }

    /**
     * Asks for a change.
     *
     * @param type RTM_NEW… or RTM_DEL…
     * @param flags NLM_F_CREATE and others
     * @param request what follows the header
     * @return 0 or a negative errno
     */
    int change(String operation, int type, int flags, byte[] request) {
        ByteBuffer message = allocate(HEADER + request.length);
        put(message, type, NLM_F_REQUEST | NLM_F_ACK | flags, 0, request);
        send(operation, message);
        while (true) {
            ByteBuffer received = received(receive(operation, 0));
            if (received.hasRemaining() && received.getShort(4) == NLMSG_ERROR) {
                return received.getInt(HEADER);
            }
        }
    }

    /**
     * Discards what was received.
     *
     * @return false if there was nothing
     */
    boolean drain() {
        boolean any = false;
        while (receive("receive from rtnetlink", MSG_DONTWAIT) >= 0) {
            any = true;
        }
        return any;
    }

    /**
     * The octets received, -1 if there is nothing. Having lost messages counts as one of 0 octets.
     */
    private int receive(String operation, int flags) {
        while (true) {
            int length = (int) libc().recv(fd, buffer, BUFFER, flags);
            if (length >= 0) {
                return length;
            }
            switch (LibC.errno()) {
                case LibC.EINTR -> {}
                case LibC.EAGAIN -> {
                    return -1;
                }
                case LibC.ENOBUFS -> {
                    return 0;
                }
                default -> throw BpfException.of(operation, LibC.errno());
            }
        }
    }

    /**
     * What is in an attribute (struct rtattr: length, type, octets, padded to a multiple of 4).
     *
     * @param from where the attributes start
     * @return null if there is no such attribute
     */
    static ByteBuffer attribute(ByteBuffer message, int from, int type) {
        int length;
        for (int at = from; at < message.limit(); at += align(length)) {
            length = Short.toUnsignedInt(message.getShort(at));
            if ((message.getShort(at + 2) & NLA_TYPE_MASK) == type) {
                return message.slice(at + RTATTR, length - RTATTR).order(message.order());
            }
        }
        return null;
    }

    /** An attribute that is a string, empty if there is none. */
    static String string(ByteBuffer message, int from, int type) {
        ByteBuffer attribute = attribute(message, from, type);
        if (attribute == null) {
            return "";
        }
        byte[] text = new byte[attribute.limit()];
        attribute.get(text);
        return LibC.string(text);
    }

    /** An attribute with these octets in it, or these attributes. */
    static ByteBuffer attribute(int type, ByteBuffer... contents) {
        int length = RTATTR + Stream.of(contents).mapToInt(ByteBuffer::remaining).sum();
        ByteBuffer attribute = allocate(align(length));
        attribute.putShort((short) length).putShort((short) type);
        for (ByteBuffer part : contents) {
            attribute.put(part);
        }
        return attribute.rewind();
    }

    static ByteBuffer attribute(int type, int value) {
        return attribute(type, allocate(Integer.BYTES).putInt(0, value));
    }

    static ByteBuffer attribute(int type, String value) {
        return attribute(type, ByteBuffer.wrap((value + '\0').getBytes(StandardCharsets.UTF_8)));
    }

    static int align(int length) {
        return length + 3 & ~3;
    }

    static ByteBuffer allocate(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            LibC.check("close an rtnetlink socket", libc().close(fd));
        }
    }
}
