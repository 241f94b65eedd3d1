// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import io.linuxflow.bpf.LibBpf.TcHook;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/**
 * The clsact qdisc of an interface, which holds the filters of both directions.
 *
 * @param namespace {@link NetworkNamespace#id} of the namespace the interface is in
 * @param ifindex its index there
 */
record Clsact(long namespace, int ifindex) {

    private static final int RTM_GETQDISC = 38;
    private static final int RTM_GETTFILTER = 46;
    private static final int TCA_KIND = 1;
    private static final int TCA_OPTIONS = 2;
    private static final int TCA_BPF_NAME = 7;
    private static final int TCA_BPF_ID = 11;

    /** Octets of struct tcmsg: family, ifindex at 4, handle at 8, parent at 12, info at 16. */
    private static final int TCMSG = 20;

    private static final int TC_H_CLSACT = 0xfffffff1;
    private static final int TC_H_INGRESS = 0xfffffff2;
    private static final int TC_H_EGRESS = 0xfffffff3;

    /** To be removed with the last filter in them, because this process made them. */
    private static final Set<Clsact> OURS = ConcurrentHashMap.newKeySet();

    /** That of an interface of the calling thread's namespace; made if there is none. */
    static Clsact of(String operation, int ifindex, Direction direction) {
        Clsact clsact = new Clsact(NetworkNamespace.currentId(), ifindex);
        int result = clsact.hook(direction).create();
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

    TcHook hook(Direction direction) {
        return new TcHook(
                ifindex,
                direction == Direction.INGRESS ? LibBpf.BPF_TC_INGRESS : LibBpf.BPF_TC_EGRESS);
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
            new TcHook(ifindex, LibBpf.BPF_TC_INGRESS | LibBpf.BPF_TC_EGRESS).destroy();
            OURS.remove(this);
        }
    }

    /** Whether the filter there is a BPF filter, and of that program by its name. */
    boolean hasFilter(Direction direction, int priority, int handle, String program) {
        String start = program.substring(0, Math.min(program.length(), LibBpf.MAX_NAME)) + ":[";
        return anyFilter(
                direction == Direction.INGRESS ? TC_H_INGRESS : TC_H_EGRESS,
                filter -> {
                    ByteBuffer options = Netlink.attribute(filter, TCMSG, TCA_OPTIONS);
                    return filter.getInt(8) == handle
                            && filter.getInt(16) >>> 16 == priority
                            && isBpf(filter)
                            && options != null
                            && Netlink.string(options, 0, TCA_BPF_NAME).startsWith(start);
                });
    }

    /** The BPF filters there. */
    List<TcProgram> filters(Direction direction) {
        List<TcProgram> filters = new ArrayList<>();
        anyFilter(
                direction == Direction.INGRESS ? TC_H_INGRESS : TC_H_EGRESS,
                filter -> {
                    ByteBuffer options = Netlink.attribute(filter, TCMSG, TCA_OPTIONS);
                    ByteBuffer id =
                            options == null || !isBpf(filter)
                                    ? null
                                    : Netlink.attribute(options, 0, TCA_BPF_ID);
                    if (id != null && filter.getInt(4) == ifindex) {
                        filters.add(
                                new TcProgram(
                                        ifindex,
                                        direction,
                                        Hook.CLSACT,
                                        id.getInt(0),
                                        filter.getInt(16) >>> 16,
                                        filter.getInt(8)));
                    }
                    return false;
                });
        return filters;
    }

    private static boolean isBpf(ByteBuffer filter) {
        return Netlink.string(filter, TCMSG, TCA_KIND).equals("bpf");
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
        ByteBuffer request = Netlink.allocate(TCMSG);
        request.putInt(4, ifindex);
        request.putInt(12, parent);
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
