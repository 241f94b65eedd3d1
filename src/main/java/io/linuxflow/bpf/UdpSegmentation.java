// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibC.libc;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Has the kernel cut what one send hands it into many datagrams (UDP_SEGMENT, linux/udp.h; Linux
 * 4.18), on a UDP socket of this process that Java opened, whose file descriptor the JDK does not
 * tell.
 *
 * <p>Each datagram but the last has the segment size; a send takes at most 64 of them and 65,507
 * octets. Safe across threads.
 */
public final class UdpSegmentation {

    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
    private static final int SOL_SOCKET = 1;
    private static final int SO_PROTOCOL = 38;
    private static final int SO_COOKIE = 57;
    private static final int IPPROTO_UDP = 17;
    private static final int SOL_UDP = 17;
    private static final int UDP_SEGMENT = 103;
    private static final int AF_INET = 2;
    private static final int SOCKADDR_IN6 = 28;

    private final int fd;

    /** Tells the socket from a later one that has got its file descriptor. */
    private final long cookie;

    private UdpSegmentation(int fd, long cookie) {
        this.fd = fd;
        this.cookie = cookie;
    }

    /**
     * Finds the socket.
     *
     * @param local what the socket is bound to
     * @return null if this process has no such socket, or several (SO_REUSEADDR), so that it can't
     *     be told which is meant
     */
    public static UdpSegmentation of(InetSocketAddress local) {
        UdpSegmentation found = null;
        for (int fd : descriptors()) {
            Long protocol = option(fd, SO_PROTOCOL, Integer.BYTES);
            if (protocol != null && protocol == IPPROTO_UDP && same(local, boundTo(fd))) {
                Long cookie = option(fd, SO_COOKIE, Long.BYTES);
                if (cookie == null || found != null && found.cookie != cookie) {
                    return null;
                }
                found = new UdpSegmentation(fd, cookie);
            }
        }
        return found;
    }

    /**
     * Sets the size of the datagrams that a send is cut into.
     *
     * @param octets payload of a datagram; 0: a send is a datagram
     * @return false if the kernel refuses or the socket is closed
     */
    public boolean segmentSize(int octets) {
        Long current = option(fd, SO_COOKIE, Long.BYTES);
        return current != null
                && current == cookie
                && libc().setsockopt(fd, SOL_UDP, UDP_SEGMENT, new int[] {octets}, Integer.BYTES)
                        == 0;
    }

    private static List<Integer> descriptors() {
        try (Stream<Path> files = Files.list(DESCRIPTORS)) {
            return files.map(file -> Integer.valueOf(file.getFileName().toString()))
                    .collect(Collectors.toList());
        } catch (IOException e) {
            throw BpfException.of("list the open files", e.toString(), "Is /proc mounted?");
        }
    }

    /** Null if it is no socket or has no such option. */
    private static Long option(int fd, int name, int size) {
        byte[] value = new byte[Long.BYTES];
        return libc().getsockopt(fd, SOL_SOCKET, name, value, new int[] {size}) < 0
                ? null
                : size == Integer.BYTES
                        ? host(value).getInt(0)
                        : Long.valueOf(host(value).getLong(0));
    }

    private static InetSocketAddress boundTo(int fd) {
        byte[] address = new byte[SOCKADDR_IN6];
        if (libc().getsockname(fd, address, new int[] {address.length}) < 0) {
            return null;
        }
        ByteBuffer sockaddr = host(address);
        boolean ipv4 = sockaddr.getShort(0) == AF_INET;
        try {
            return new InetSocketAddress(
                    InetAddress.getByAddress(
                            ipv4
                                    ? Arrays.copyOfRange(address, 4, 8)
                                    : Arrays.copyOfRange(address, 8, 24)),
                    Short.toUnsignedInt(sockaddr.order(ByteOrder.BIG_ENDIAN).getShort(2)));
        } catch (IOException e) {
            throw new AssertionError("4 and 16 octets are always an address", e);
        }
    }

    /** A channel that was connected after it was bound may still call its address the wildcard. */
    private static boolean same(InetSocketAddress local, InetSocketAddress actual) {
        return actual != null
                && local.getPort() == actual.getPort()
                && (local.getAddress().isAnyLocalAddress()
                        || local.getAddress().equals(actual.getAddress()));
    }

    private static ByteBuffer host(byte[] octets) {
        return ByteBuffer.wrap(octets).order(ByteOrder.nativeOrder());
    }
}
