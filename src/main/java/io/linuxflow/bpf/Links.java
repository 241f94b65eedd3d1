// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The network interfaces of the calling thread's namespace (RTM_GETLINK, rtnetlink(7)). */
public final class Links {

    private static final int RTM_GETLINK = 18;
    private static final int IFLA_IFNAME = 3;
    private static final int IFLA_LINKINFO = 18;
    private static final int IFLA_IFALIAS = 20;
    private static final int IFLA_EXT_MASK = 29;
    private static final int IFLA_INFO_KIND = 1;
    private static final int RTEXT_FILTER_SKIP_STATS = 1 << 3;
    private static final int IFF_UP = 1;
    private static final int IFF_LOOPBACK = 1 << 3;

    /** Octets of struct ifinfomsg: family, type at 2, index at 4, flags at 8. */
    private static final int IFINFOMSG = 16;

    private Links() {}

    /** All of them, in the order of their indexes. */
    public static List<Link> list() {
        ByteBuffer request = Netlink.allocate(IFINFOMSG + 8);
        request.putShort(IFINFOMSG, (short) 8);
        request.putShort(IFINFOMSG + 2, (short) IFLA_EXT_MASK);
        request.putInt(IFINFOMSG + 4, RTEXT_FILTER_SKIP_STATS);
        try (Netlink netlink = new Netlink(0)) {
            List<Link> links = new ArrayList<>();
            while (!netlink.dump(
                    "list the interfaces",
                    RTM_GETLINK,
                    request.array(),
                    message -> links.add(link(message)))) {
                links.clear();
            }
            return links;
        }
    }

    private static Link link(ByteBuffer message) {
        int flags = message.getInt(8);
        ByteBuffer info = Netlink.attribute(message, IFINFOMSG, IFLA_LINKINFO);
        return new Link(
                message.getInt(4),
                Netlink.string(message, IFINFOMSG, IFLA_IFNAME),
                LinkLayer.of(Short.toUnsignedInt(message.getShort(2))),
                (flags & IFF_LOOPBACK) != 0,
                (flags & IFF_UP) != 0,
                Netlink.string(message, IFINFOMSG, IFLA_IFALIAS),
                info == null ? "" : Netlink.string(info, 0, IFLA_INFO_KIND));
    }
}
