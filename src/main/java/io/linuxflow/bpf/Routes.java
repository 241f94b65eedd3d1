// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The routes that packets take in the network namespace that the creating thread was in: what the
 * FIB has for their destinations, rules included (RTM_GETROUTE with RTM_F_FIB_MATCH, rtnetlink(7),
 * linux/rtnetlink.h). For one thread at a time.
 */
public final class Routes implements AutoCloseable {

    private static final int RTM_GETROUTE = 26;
    private static final int RTM_GETNEXTHOP = 106;
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int RTM_F_FIB_MATCH = 0x2000;
    private static final int RTA_DST = 1;
    private static final int RTA_OIF = 4;
    private static final int RTA_GATEWAY = 5;
    private static final int RTA_MULTIPATH = 9;
    private static final int RTA_MARK = 16;
    private static final int RTA_VIA = 18;
    private static final int RTA_NH_ID = 30;
    private static final int RTNH_F_DEAD = 1;
    private static final int NHA_ID = 1;
    private static final int NHA_GROUP = 2;
    private static final int NHA_OIF = 5;
    private static final int NHA_GATEWAY = 6;

    /** struct rtmsg: family, dst_len at 1, flags at 8. */
    private static final int RTMSG = 12;

    /** struct rtnexthop: length, flags at 2, ifindex at 4; attributes follow. */
    private static final int RTNEXTHOP = 8;

    /** struct nhmsg. */
    private static final int NHMSG = 8;

    /** struct nexthop_grp: id; weight. */
    private static final int NEXTHOP_GRP = 8;

    private static final String OPERATION = "look up routes";

    /**
     * What to look up.
     *
     * @param destination the address, 4 or 16 octets
     * @param mark the skb mark, which rules may ask for
     */
    public record Query(byte[] destination, int mark) {}

    private final Netlink netlink = new Netlink(0);

    /**
     * The routes of all of them, in their order; null where there is none, or one that discards
     * (blackhole, unreachable, prohibit). Takes two microseconds or three for each.
     */
    public List<Route> lookUp(List<Query> queries) {
        Route[] routes = new Route[queries.size()];
        for (int from = 0; from < queries.size(); from += Netlink.AT_ONCE) {
            lookUp(queries, from, Math.min(queries.size(), from + Netlink.AT_ONCE), routes);
        }
        return Arrays.asList(routes);
    }

    private void lookUp(List<Query> queries, int from, int to, Route[] routes) {
        List<byte[]> requests = queries.subList(from, to).stream().map(Routes::request).toList();
        int[] nexthops = new int[to - from];
        netlink.ask(
                OPERATION,
                RTM_GETROUTE,
                requests,
                (request, message) -> {
                    if (message != null) {
                        routes[from + request] = route(message);
                        nexthops[request] = id(message, RTMSG, RTA_NH_ID);
                    }
                });
        for (int i = from; i < to; i++) {
            // Next hop objects are told only as their ids if nexthop_compat_mode is 0.
            if (routes[i] != null && routes[i].hops().isEmpty() && nexthops[i - from] != 0) {
                routes[i] = new Route(routes[i].prefixLength(), nexthop(nexthops[i - from]));
            }
        }
    }

    private static byte[] request(Query query) {
        byte[] address = query.destination();
        ByteBuffer request = Netlink.allocate(RTMSG + 4 + address.length + 8);
        request.put(0, (byte) (address.length == 4 ? AF_INET : AF_INET6));
        request.put(1, (byte) (8 * address.length));
        request.putInt(8, RTM_F_FIB_MATCH);
        request.position(RTMSG);
        request.putShort((short) (4 + address.length)).putShort((short) RTA_DST).put(address);
        request.putShort((short) 8).putShort((short) RTA_MARK).putInt(query.mark());
        return request.array();
    }

    private static Route route(ByteBuffer message) {
        List<Route.Hop> hops = new ArrayList<>(1);
        ByteBuffer several = Netlink.attribute(message, RTMSG, RTA_MULTIPATH);
        if (several == null) {
            int ifindex = id(message, RTMSG, RTA_OIF);
            if (ifindex != 0) {
                hops.add(new Route.Hop(ifindex, gateway(message, RTMSG)));
            }
        } else {
            int length;
            for (int at = 0; at < several.limit(); at += Netlink.align(length)) {
                length = Short.toUnsignedInt(several.getShort(at));
                ByteBuffer hop = several.slice(at, length).order(several.order());
                if ((hop.get(2) & RTNH_F_DEAD) == 0) {
                    hops.add(new Route.Hop(hop.getInt(4), gateway(hop, RTNEXTHOP)));
                }
            }
        }
        return new Route(Byte.toUnsignedInt(message.get(1)), List.copyOf(hops));
    }

    /** RTA_VIA holds a family and an address of it. */
    private static byte[] gateway(ByteBuffer message, int from) {
        ByteBuffer gateway = Netlink.attribute(message, from, RTA_GATEWAY);
        if (gateway != null) {
            return octets(gateway);
        }
        ByteBuffer via = Netlink.attribute(message, from, RTA_VIA);
        return via == null ? null : octets(via.position(2));
    }

    private static byte[] octets(ByteBuffer buffer) {
        byte[] octets = new byte[buffer.remaining()];
        buffer.get(octets);
        return octets;
    }

    /** An attribute that is a number, 0 if there is none. */
    private static int id(ByteBuffer message, int from, int type) {
        ByteBuffer attribute = Netlink.attribute(message, from, type);
        return attribute == null ? 0 : attribute.getInt(0);
    }

    /** The hops of a next hop object, or of those in a group. */
    private List<Route.Hop> nexthop(int id) {
        ByteBuffer request = Netlink.allocate(NHMSG + 8);
        request.position(NHMSG);
        request.putShort((short) 8).putShort((short) NHA_ID).putInt(id);
        List<Route.Hop> hops = new ArrayList<>();
        List<Integer> members = new ArrayList<>();
        netlink.ask(
                OPERATION,
                RTM_GETNEXTHOP,
                List.of(request.array()),
                (index, message) -> {
                    if (message == null) {
                        return;
                    }
                    ByteBuffer group = Netlink.attribute(message, NHMSG, NHA_GROUP);
                    for (int at = 0; group != null && at < group.limit(); at += NEXTHOP_GRP) {
                        members.add(group.getInt(at));
                    }
                    int ifindex = id(message, NHMSG, NHA_OIF);
                    if (ifindex != 0) {
                        ByteBuffer gateway = Netlink.attribute(message, NHMSG, NHA_GATEWAY);
                        hops.add(new Route.Hop(ifindex, gateway == null ? null : octets(gateway)));
                    }
                });
        members.forEach(member -> hops.addAll(nexthop(member)));
        return hops;
    }

    @Override
    public void close() {
        netlink.close();
    }
}
