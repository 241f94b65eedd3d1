// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibC.libc;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A name that one process at a time can hold in a network namespace, and that is free again however
 * that process ends: an abstract address of unix(7), whose scope is the network namespace.
 */
public final class NamespaceLock implements AutoCloseable {

    private static final int AF_UNIX = 1;
    private static final int SOCK_DGRAM = 2;

    private final int fd;
    private boolean closed;

    private NamespaceLock(int fd) {
        this.fd = fd;
    }

    /** Takes the name in the calling thread's network namespace; null if somebody holds it. */
    public static NamespaceLock tryAcquire(String name) {
        String operation = "take the name " + name;
        byte[] octets = name.getBytes(StandardCharsets.UTF_8);
        // struct sockaddr_un: family, then a zero, which makes it abstract
        ByteBuffer address = Netlink.allocate(Short.BYTES + 1 + octets.length);
        address.putShort((short) AF_UNIX).put((byte) 0).put(octets);
        int fd = LibC.check(operation, libc().socket(AF_UNIX, SOCK_DGRAM | LibC.O_CLOEXEC, 0));
        NamespaceLock lock = new NamespaceLock(fd);
        if (libc().bind(fd, address.array(), address.capacity()) == 0) {
            return lock;
        }
        int errno = LibC.errno();
        lock.close();
        if (errno == LibC.EADDRINUSE) {
            return null;
        }
        throw BpfException.of(operation, errno);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            LibC.check("close a socket", libc().close(fd));
        }
    }
}
