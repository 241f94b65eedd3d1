// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibC.libc;

import java.time.Duration;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;

/** Waits for file descriptors (poll(2)). */
public final class Poll {

    private static final short POLLIN = 1;
    private static final short POLLNVAL = 0x20;

    /** struct pollfd: int fd, short events, short revents. */
    private static final int POLLFD = 8;

    private Poll() {}

    /**
     * Waits until one of them is readable, or has an error that reading it will tell.
     *
     * @param timeout how long at most; rounded up to milliseconds
     * @return for each whether it is
     */
    public static boolean[] await(Duration timeout, int... fds) {
        Pointer pollfds = Memory.allocateDirect(LibC.runtime(), Math.max(1, fds.length) * POLLFD);
        for (int i = 0; i < fds.length; i++) {
            pollfds.putInt((long) i * POLLFD, fds[i]);
            pollfds.putInt((long) i * POLLFD + 4, 0);
            pollfds.putShort((long) i * POLLFD + 4, POLLIN);
        }
        long start = System.nanoTime();
        long left = timeout.toNanos();
        while (libc().poll(pollfds, fds.length, millis(left)) < 0) {
            if (LibC.errno() != LibC.EINTR) {
                throw BpfException.of("poll", LibC.errno());
            }
            left = timeout.toNanos() - (System.nanoTime() - start);
        }
        boolean[] ready = new boolean[fds.length];
        for (int i = 0; i < fds.length; i++) {
            short events = pollfds.getShort((long) i * POLLFD + 6);
            if ((events & POLLNVAL) != 0) {
                throw new IllegalStateException("file descriptor " + fds[i] + " is closed");
            }
            ready[i] = events != 0;
        }
        return ready;
    }

    private static int millis(long nanos) {
        return (int) Math.min(Integer.MAX_VALUE, (Math.max(0, nanos) + 999_999) / 1_000_000);
    }
}
