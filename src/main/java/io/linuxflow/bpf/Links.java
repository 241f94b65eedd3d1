// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The network interfaces of the calling thread's namespace (RTM_GETLINK, rtnetlink(7)). */
public final class Links {

    private static final int RTM_GETLINK = 18;
    private static final int IFLA_IFNAME = 3;
    private static final int IFLA_EXT_MASK = 29;
    private static final int RTEXT_FILTER_SKIP_STATS = 1 << 3;
    private static final int IFF_UP = 1;
    private static final int IFF_LOOPBACK = 1 << 3;

    /** Octets of struct ifinfomsg: family, type at 2, index at 4, flags at 8. */
    private static final int IFINFOMSG = 16;

    private static final int ATTRIBUTE_HEADER = 4;

    private Links() {}

    /** All of them, in the order of their indexes. */
    public static List<Link> list() {
        ByteBuffer request = Netlink.allocate(IFINFOMSG + 2 * ATTRIBUTE_HEADER);
        request.putShort(IFINFOMSG, (short) (2 * ATTRIBUTE_HEADER));
        request.putShort(IFINFOMSG + 2, (short) IFLA_EXT_MASK);
        request.putInt(IFINFOMSG + ATTRIBUTE_HEADER, RTEXT_FILTER_SKIP_STATS);
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
        return new Link(
                message.getInt(4),
                name(message),
                LinkLayer.of(Short.toUnsignedInt(message.getShort(2))),
                (flags & IFF_LOOPBACK) != 0,
                (flags & IFF_UP) != 0);
    }

    private static String name(ByteBuffer message) {
        int length;
        for (int at = IFINFOMSG; at < message.limit(); at += length + 3 & ~3) {
            length = Short.toUnsignedInt(message.getShort(at));
            if (message.getShort(at + 2) == IFLA_IFNAME) {
                byte[] name = new byte[length - ATTRIBUTE_HEADER - 1];
                message.get(at + ATTRIBUTE_HEADER, name);
                return new String(name, StandardCharsets.UTF_8);
            }
        }
        throw new IllegalStateException("RTM_NEWLINK without IFLA_IFNAME");
    }
}
