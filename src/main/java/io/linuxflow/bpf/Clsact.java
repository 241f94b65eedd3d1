// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The clsact qdisc of an interface, which holds the filters of both directions.
 *
 * @param namespace {@link NetworkNamespace#id} of the namespace the interface is in
 * @param ifindex its index there
 */
record Clsact(long namespace, int ifindex) {

    private static final int RTM_NEWQDISC = 36;
    private static final int RTM_DELQDISC = 37;
    private static final int RTM_GETQDISC = 38;
    private static final int RTM_NEWTFILTER = 44;
    private static final int RTM_DELTFILTER = 45;
    private static final int RTM_GETTFILTER = 46;
    private static final int TCA_KIND = 1;
    private static final int TCA_OPTIONS = 2;
    private static final int TCA_CHAIN = 11;
    private static final int TCA_BPF_FD = 6;
    private static final int TCA_BPF_NAME = 7;
    private static final int TCA_BPF_FLAGS = 8;
    private static final int TCA_BPF_ID = 11;
    private static final int TCA_BPF_FLAG_ACT_DIRECT = 1;

    /** Octets of struct tcmsg: family, ifindex at 4, handle at 8, parent at 12, info at 16. */
    private static final int TCMSG = 20;

    /** In network byte order. */
    private static final int ETH_P_ALL =
            ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN ? 0x0003 : 0x0300;

    private static final int TC_H_CLSACT = 0xfffffff1;
    private static final int CLSACT_HANDLE = 0xffff0000;
    private static final int TC_H_INGRESS = 0xfffffff2;
    private static final int TC_H_EGRESS = 0xfffffff3;

    /** To be removed with the last filter in them, because this process made them. */
    private static final Set<Clsact> OURS = ConcurrentHashMap.newKeySet();

    /** That of an interface of the calling thread's namespace; made if there is none. */
    static Clsact of(String operation, int ifindex, Direction direction) {
        Clsact clsact = new Clsact(NetworkNamespace.currentId(), ifindex);
        int result =
                clsact.change(
                        operation,
                        RTM_NEWQDISC,
                        Netlink.NLM_F_CREATE | Netlink.NLM_F_EXCL,
                        clsact.message(CLSACT_HANDLE, TC_H_CLSACT, 0),
                        Netlink.attribute(TCA_KIND, "clsact"));
        if (result == 0) {
            OURS.add(clsact);
        } else if (result != -LibC.EEXIST) {
            throw BpfException.of(
                    operation,
                    -result,
                    result == -LibC.ENOENT
                            ? "The kernel has no clsact: modprobe sch_ingress"
                            : BpfException.remedy(-result));
        } else if (direction == Direction.EGRESS && !clsact.exists()) {
            // It would take the filter, and run it for what comes in.
            throw BpfException.of(
                    operation,
                    "an ingress qdisc is in the place of clsact",
                    "Use tcx, or remove it: tc qdisc del dev NAME ingress");
        }
        return clsact;
    }

    /**
     * Adds a filter that runs the program.
     *
     * @param replace whether one is there, to be replaced
     * @return 0 or a negative errno
     */
    int add(
            String operation,
            BpfProgram program,
            Direction direction,
            ClsactOptions place,
            boolean replace) {
        return change(
                operation,
                RTM_NEWTFILTER,
                Netlink.NLM_F_CREATE | (replace ? Netlink.NLM_F_REPLACE : Netlink.NLM_F_EXCL),
                message(direction, place),
                chain(place),
                Netlink.attribute(TCA_KIND, "bpf"),
                Netlink.attribute(
                        TCA_OPTIONS,
                        Netlink.attribute(TCA_BPF_FD, program.fd()),
                        Netlink.attribute(
                                TCA_BPF_NAME,
                                filterName(program) + program.name() + ":[" + program.id() + "]"),
                        Netlink.attribute(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT)));
    }

    /** Removes a BPF filter; 0 or a negative errno. */
    int remove(String operation, Direction direction, ClsactOptions place) {
        return change(
                operation,
                RTM_DELTFILTER,
                0,
                message(direction, place),
                chain(place),
                Netlink.attribute(TCA_KIND, "bpf"));
    }

    private ByteBuffer message(int handle, int parent, int info) {
        return Netlink.allocate(TCMSG)
                .putInt(4, ifindex)
                .putInt(8, handle)
                .putInt(12, parent)
                .putInt(16, info);
    }

    private ByteBuffer message(Direction direction, ClsactOptions place) {
        return message(place.handle(), parent(direction), place.priority() << 16 | ETH_P_ALL);
    }

    /** Kernels before 4.13 know nothing of chains, and chain 0 is what they have. */
    private static ByteBuffer chain(ClsactOptions place) {
        return place.chain() == 0
                ? Netlink.allocate(0)
                : Netlink.attribute(TCA_CHAIN, place.chain());
    }

    private int change(String operation, int type, int flags, ByteBuffer... parts) {
        ByteBuffer request = Netlink.allocate(Stream.of(parts).mapToInt(Buffer::remaining).sum());
        for (ByteBuffer part : parts) {
            request.put(part);
        }
        try (Netlink netlink = new Netlink(0)) {
            return netlink.change(operation, type, flags, request.array());
        }
    }

    private static int parent(Direction direction) {
        return direction == Direction.INGRESS ? TC_H_INGRESS : TC_H_EGRESS;
    }

    /** What the names of the filters of all programs of an object begin with. */
    private static String filterName(BpfProgram program) {
        return program.object() + "/";
    }

    /** An interface index means another interface in another namespace. */
    void checkThread() {
        if (NetworkNamespace.currentId() != namespace) {
            throw new IllegalStateException(
                    "interface " + ifindex + " is in another network namespace than this thread");
        }
    }

    void removeIfOursAndEmpty() {
        if (OURS.contains(this)
                && !anyFilter(TC_H_INGRESS, filter -> true)
                && !anyFilter(TC_H_EGRESS, filter -> true)) {
            change(
                    "remove the clsact qdisc of interface " + ifindex,
                    RTM_DELQDISC,
                    0,
                    message(CLSACT_HANDLE, TC_H_CLSACT, 0));
            OURS.remove(this);
        }
    }

    /** Whether the filter there runs a program of the same object. */
    boolean hasFilterOf(BpfProgram program, Direction direction, ClsactOptions place) {
        return anyFilter(
                parent(direction),
                filter -> {
                    ByteBuffer options = Netlink.attribute(filter, TCMSG, TCA_OPTIONS);
                    return mayBeOurs(filter)
                            && place(filter).equals(place)
                            && options != null
                            && Netlink.string(options, 0, TCA_BPF_NAME)
                                    .startsWith(filterName(program));
                });
    }

    private static ClsactOptions place(ByteBuffer filter) {
        ByteBuffer chain = Netlink.attribute(filter, TCMSG, TCA_CHAIN);
        return new ClsactOptions(
                filter.getInt(16) >>> 16, filter.getInt(8), chain == null ? 0 : chain.getInt(0));
    }

    /** The BPF filters there that may be ours, in all chains. */
    List<TcProgram> filters(Direction direction) {
        List<TcProgram> filters = new ArrayList<>();
        anyFilter(
                parent(direction),
                filter -> {
                    ByteBuffer options = Netlink.attribute(filter, TCMSG, TCA_OPTIONS);
                    ByteBuffer id =
                            options == null || !mayBeOurs(filter)
                                    ? null
                                    : Netlink.attribute(options, 0, TCA_BPF_ID);
                    if (id != null && filter.getInt(4) == ifindex) {
                        filters.add(
                                new TcProgram(
                                        ifindex,
                                        direction,
                                        Hook.CLSACT,
                                        id.getInt(0),
                                        place(filter)));
                    }
                    return false;
                });
        return filters;
    }

    /** A BPF filter; ours have no handles that are negative as an int. */
    private static boolean mayBeOurs(ByteBuffer filter) {
        return Netlink.string(filter, TCMSG, TCA_KIND).equals("bpf") && filter.getInt(8) >= 0;
    }

    private boolean exists() {
        return any(
                RTM_GETQDISC,
                TC_H_CLSACT,
                qdisc ->
                        qdisc.getInt(4) == ifindex
                                && qdisc.getInt(12) == TC_H_CLSACT
                                && Netlink.string(qdisc, TCMSG, TCA_KIND).equals("clsact"));
    }

    private boolean anyFilter(int parent, Predicate<ByteBuffer> condition) {
        return any(RTM_GETTFILTER, parent, condition);
    }

    private boolean any(int type, int parent, Predicate<ByteBuffer> condition) {
        ByteBuffer request = message(0, parent, 0);
        boolean[] any = {false};
        try (Netlink netlink = new Netlink(0)) {
            netlink.dump(
                    "list what is at the tc hooks of interface " + ifindex,
                    type,
                    request.array(),
                    message -> any[0] |= condition.test(message));
        }
        return any[0];
    }
}
