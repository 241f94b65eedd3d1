// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

/**
 * Tells that routes of the namespace that the creating thread was in have changed, or what decides
 * about them: rules, next hops, addresses, and interfaces, as the kernel is silent about the routes
 * that go with one of those. For one thread at a time.
 */
public final class RouteMonitor implements AutoCloseable {

    private static final int RTMGRP_LINK = 1;
    private static final int RTMGRP_IPV4_IFADDR = 0x10;
    private static final int RTMGRP_IPV4_ROUTE = 0x40;
    private static final int RTMGRP_IPV4_RULE = 0x80;
    private static final int RTMGRP_IPV6_IFADDR = 0x100;
    private static final int RTMGRP_IPV6_ROUTE = 0x400;
    private static final int RTNLGRP_IPV6_RULE = 19;
    private static final int RTNLGRP_NEXTHOP = 32;

    private final Netlink netlink =
            new Netlink(
                    RTMGRP_LINK
                            | RTMGRP_IPV4_IFADDR
                            | RTMGRP_IPV4_ROUTE
                            | RTMGRP_IPV4_RULE
                            | RTMGRP_IPV6_IFADDR
                            | RTMGRP_IPV6_ROUTE
                            | 1 << RTNLGRP_IPV6_RULE - 1
                            | 1 << RTNLGRP_NEXTHOP - 1);

    /** Whether anything has changed since the last call. */
    public boolean drain() {
        return netlink.drain();
    }

    @Override
    public void close() {
        netlink.close();
    }
}
