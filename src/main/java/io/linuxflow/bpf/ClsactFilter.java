// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibBpf.libbpf;

import io.linuxflow.bpf.LibBpf.TcHook;
import io.linuxflow.bpf.LibBpf.TcOpts;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A direct-action BPF filter of an interface's clsact qdisc (tc-bpf(8)). */
final class ClsactFilter implements TcAttachment.Attached {

    /** An unlikely one ("LF"): who replaces a filter by a handle they guessed replaces 1. */
    private static final int HANDLE = 0x4c46;

    /** Gives up after this many: one would have been free by then. */
    private static final int ATTEMPTS = 64;

    private static final int RTM_GETTFILTER = 46;

    /** Octets of struct tcmsg: family, ifindex at 4, handle at 8, parent at 12, info at 16. */
    private static final int TCMSG = 20;

    private static final int CLSACT_INGRESS = 0xfffffff2;
    private static final int CLSACT_EGRESS = 0xfffffff3;

    private record Qdisc(long namespace, int ifindex) {}

    /** The qdiscs to be removed with the last filter in them, because this process made them. */
    private static final Set<Qdisc> OURS = ConcurrentHashMap.newKeySet();

    private final Qdisc qdisc;
    private final int attachPoint;
    private final int priority;
    private final int handle;
    private final int programId;
    private boolean closed;

    private ClsactFilter(Qdisc qdisc, int attachPoint, TcOpts attached) {
        this.qdisc = qdisc;
        this.attachPoint = attachPoint;
        priority = attached.priority.intValue();
        handle = attached.handle.intValue();
        programId = attached.prog_id.intValue();
    }

    static ClsactFilter attach(
            BpfProgram program, int ifindex, Direction direction, ClsactOptions options) {
        String operation = TcAttachment.describe(program, ifindex, direction, Hook.CLSACT);
        Qdisc qdisc = new Qdisc(NetworkNamespace.currentId(), ifindex);
        int attachPoint =
                direction == Direction.INGRESS ? LibBpf.BPF_TC_INGRESS : LibBpf.BPF_TC_EGRESS;
        TcHook hook = new TcHook(ifindex, attachPoint);
        int result = libbpf().bpf_tc_hook_create(hook.pointer());
        if (result == 0) {
            OURS.add(qdisc);
        } else if (result != -LibC.EEXIST) {
            throw BpfException.of(
                    operation,
                    -result,
                    result == -LibC.ENOENT
                            ? "The kernel has no clsact: modprobe sch_ingress"
                            : BpfException.remedy(-result));
        }
        int priority = options.priority() == 0 ? 1 : options.priority();
        int handle = options.handle() == 0 ? HANDLE : options.handle();
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            TcOpts opts = new TcOpts(priority, handle);
            opts.prog_fd.set(program.fd());
            result = libbpf().bpf_tc_attach(hook.pointer(), opts.pointer());
            if (result == 0) {
                return new ClsactFilter(qdisc, attachPoint, opts);
            }
            if (result == -LibC.EEXIST && options.handle() == 0) {
                // Of one priority the newest filter runs first.
                handle++;
            } else if ((result == -LibC.EEXIST || result == -LibC.EINVAL)
                    && options.priority() == 0) {
                // EINVAL: a filter of another kind or protocol has the priority.
                priority++;
            } else {
                break;
            }
        }
        removeQdiscIfOursAndEmpty(qdisc);
        throw BpfException.of(
                operation,
                -result,
                switch (-result) {
                    case LibC.EEXIST -> "Another filter is there: choose another pref or handle";
                    case LibC.EINVAL ->
                            "Another kind of filter is there, or an ingress qdisc, which has no"
                                    + " egress, in the place of clsact: see tc qdisc and tc filter";
                    default -> BpfException.remedy(-result);
                });
    }

    @Override
    public boolean isAttached() {
        checkNamespace();
        TcOpts opts = new TcOpts(priority, handle);
        TcHook hook = new TcHook(qdisc.ifindex, attachPoint);
        return libbpf().bpf_tc_query(hook.pointer(), opts.pointer()) == 0
                && opts.prog_id.intValue() == programId;
    }

    /** Whatever else is or is not there any more, somebody else removed. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (isAttached()) {
            TcHook hook = new TcHook(qdisc.ifindex, attachPoint);
            libbpf().bpf_tc_detach(hook.pointer(), new TcOpts(priority, handle).pointer());
        }
        removeQdiscIfOursAndEmpty(qdisc);
        closed = true;
    }

    private void checkNamespace() {
        if (NetworkNamespace.currentId() != qdisc.namespace) {
            throw new IllegalStateException(
                    "interface "
                            + qdisc.ifindex
                            + " is in another network namespace than this thread");
        }
    }

    private static void removeQdiscIfOursAndEmpty(Qdisc qdisc) {
        if (OURS.contains(qdisc)
                && !hasFilters(qdisc.ifindex, CLSACT_INGRESS)
                && !hasFilters(qdisc.ifindex, CLSACT_EGRESS)) {
            TcHook both = new TcHook(qdisc.ifindex, LibBpf.BPF_TC_INGRESS | LibBpf.BPF_TC_EGRESS);
            libbpf().bpf_tc_hook_destroy(both.pointer());
            OURS.remove(qdisc);
        }
    }

    private static boolean hasFilters(int ifindex, int parent) {
        ByteBuffer request = Netlink.allocate(TCMSG);
        request.putInt(4, ifindex);
        request.putInt(12, parent);
        boolean[] any = {false};
        try (Netlink netlink = new Netlink(0)) {
            netlink.dump(
                    "list the filters of interface " + ifindex,
                    RTM_GETTFILTER,
                    request.array(),
                    message -> any[0] = true);
        }
        return any[0];
    }
}
