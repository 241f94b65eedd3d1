// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

/**
 * Tells that interfaces of the namespace that the creating thread was in have appeared, vanished or
 * changed; {@link Links#list} then tells what there is. For one thread at a time.
 */
public final class LinkMonitor implements AutoCloseable {

    private static final int RTMGRP_LINK = 1;

    private final Netlink netlink = new Netlink(RTMGRP_LINK);

    /** A file descriptor that is readable once something has changed. */
    public int fd() {
        return netlink.fd();
    }

    /** Whether anything has changed since the last call. */
    public boolean drain() {
        return netlink.drain();
    }

    @Override
    public void close() {
        netlink.close();
    }
}
