// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import jnr.ffi.LastError;
import jnr.ffi.LibraryLoader;
import jnr.ffi.LibraryOption;
import jnr.ffi.Runtime;

/** Frames as given, through AF_PACKET, or IP packets through a tun device. */
final class RawSocket implements AutoCloseable {

    /** The few calls that Java has no class for. */
    public interface LibC {
        int socket(int family, int type, int protocol);

        int bind(int fd, byte[] address, int length);

        int open(String path, int flags);

        int ioctl(int fd, long request, byte[] argument);

        long write(int fd, byte[] octets, long length);

        int close(int fd);
    }

    private static final LibC LIBC =
            LibraryLoader.create(LibC.class).option(LibraryOption.SaveError, true).load("c");

    /* linux/socket.h, linux/if_ether.h, linux/if_tun.h */
    private static final int AF_PACKET = 17;
    private static final int SOCK_RAW = 3;
    private static final int SOCKADDR_LL = 20;
    private static final int O_RDWR = 2;
    private static final int O_NONBLOCK = 2048;
    private static final long TUNSETIFF = 0x400454ca;
    private static final int IFNAMSIZ = 16;
    private static final int IFREQ = 40;
    private static final short IFF_TUN = 1;
    private static final short IFF_NO_PI = 0x1000;

    private final int fd;

    private RawSocket(int fd) {
        this.fd = fd;
    }

    /** Sends whole Ethernet frames out of a device. */
    static RawSocket ethernet(String namespace, String device) {
        int ifindex = Lab.ifindex(namespace, device);
        return Lab.in(
                namespace,
                () -> {
                    RawSocket socket = new RawSocket(check(LIBC.socket(AF_PACKET, SOCK_RAW, 0)));
                    ByteBuffer address =
                            ByteBuffer.allocate(SOCKADDR_LL).order(ByteOrder.nativeOrder());
                    address.putShort((short) AF_PACKET).putShort((short) 0).putInt(ifindex);
                    check(LIBC.bind(socket.fd, address.array(), SOCKADDR_LL));
                    return socket;
                });
    }

    /** Makes a tun device, which is there until this is closed; what is sent, it receives. */
    static RawSocket tun(String namespace, String device) {
        return Lab.in(
                namespace,
                () -> {
                    RawSocket socket =
                            new RawSocket(check(LIBC.open("/dev/net/tun", O_RDWR | O_NONBLOCK)));
                    ByteBuffer request = ByteBuffer.allocate(IFREQ).order(ByteOrder.nativeOrder());
                    request.put(device.getBytes(StandardCharsets.US_ASCII));
                    request.putShort(IFNAMSIZ, (short) (IFF_TUN | IFF_NO_PI));
                    check(LIBC.ioctl(socket.fd, TUNSETIFF, request.array()));
                    return socket;
                });
    }

    /** Sends one frame or packet. */
    void send(byte[] octets) {
        if (LIBC.write(fd, octets, octets.length) != octets.length) {
            throw new AssertionError("write " + octets.length + " octets");
        }
    }

    private static int check(int result) {
        if (result < 0) {
            throw new AssertionError("errno " + LastError.getLastError(Runtime.getSystemRuntime()));
        }
        return result;
    }

    @Override
    public void close() {
        check(LIBC.close(fd));
    }
}
