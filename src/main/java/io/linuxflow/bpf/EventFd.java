// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibC.libc;

/** Wakes a thread that waits in {@link Poll} (eventfd(2)). Safe across threads. */
public final class EventFd implements AutoCloseable {

    private final int fd =
            LibC.check("create an eventfd", libc().eventfd(0, LibC.O_NONBLOCK | LibC.O_CLOEXEC));
    private boolean closed;

    /** A file descriptor that is readable from {@link #signal} to {@link #clear}. */
    public int fd() {
        return fd;
    }

    public synchronized void signal() {
        if (!closed) {
            LibC.check("signal an eventfd", libc().eventfd_write(fd, 1));
        }
    }

    public void clear() {
        if (libc().eventfd_read(fd, new long[1]) < 0 && LibC.errno() != LibC.EAGAIN) {
            throw BpfException.of("clear an eventfd", LibC.errno());
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            LibC.check("close an eventfd", libc().close(fd));
        }
    }
}
