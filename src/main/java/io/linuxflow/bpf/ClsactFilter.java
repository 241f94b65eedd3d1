// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import io.linuxflow.bpf.LibBpf.TcHook;
import io.linuxflow.bpf.LibBpf.TcOpts;

/**
 * A direct-action BPF filter of an interface's clsact qdisc (tc-bpf(8)).
 *
 * <p>Such a filter survives the process that attached it, and would run and hold its maps until
 * somebody removes it. So whoever attaches one holds a {@link NamespaceLock} on its place; a filter
 * of ours whose place nobody holds is replaced.
 */
final class ClsactFilter implements TcAttachment.Attached {

    /** An unlikely one ("LF"): who replaces a filter by a handle they guessed replaces 1. */
    private static final int HANDLE = 0x4c46;

    /** Gives up after this many: one would have been free by then. */
    private static final int ATTEMPTS = 64;

    private final Clsact clsact;
    private final TcHook hook;
    private final int priority;
    private final int handle;
    private final int programId;
    private final NamespaceLock lock;
    private boolean closed;

    private ClsactFilter(Clsact clsact, TcHook hook, TcOpts attached, NamespaceLock lock) {
        this.clsact = clsact;
        this.hook = hook;
        priority = attached.priority.intValue();
        handle = attached.handle.intValue();
        programId = attached.prog_id.intValue();
        this.lock = lock;
    }

    static ClsactFilter attach(
            BpfProgram program, int ifindex, Direction direction, ClsactOptions options) {
        String operation = TcAttachment.describe(program, ifindex, direction, Hook.CLSACT);
        Clsact clsact = Clsact.of(operation, ifindex, direction);
        TcHook hook = clsact.hook(direction);
        int priority = options.priority() == 0 ? 1 : options.priority();
        int handle = options.handle() == 0 ? HANDLE : options.handle();
        int result = 0;
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            NamespaceLock lock = lock(ifindex, direction, priority, handle);
            if (lock == null) {
                result = -LibC.EEXIST;
            } else {
                TcOpts opts = new TcOpts(priority, handle);
                result = attach(program, hook, opts, 0);
                if (result == -LibC.EEXIST
                        && clsact.hasFilter(direction, priority, handle, program.name())) {
                    result = attach(program, hook, opts, LibBpf.BPF_TC_F_REPLACE);
                }
                if (result == 0) {
                    return new ClsactFilter(clsact, hook, opts, lock);
                }
                lock.close();
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
        clsact.removeIfOursAndEmpty();
        throw BpfException.of(
                operation,
                -result,
                switch (-result) {
                    case LibC.EEXIST -> "Another filter is there: choose another pref or handle";
                    case LibC.EINVAL -> "Another kind of filter is there: choose another pref";
                    default -> BpfException.remedy(-result);
                });
    }

    /** Null if somebody holds the place. */
    private static NamespaceLock lock(int ifindex, Direction direction, int priority, int handle) {
        return NamespaceLock.tryAcquire(
                "linux-flow-exporter/clsact/%d/%s/%d/%d"
                        .formatted(ifindex, direction, priority, handle));
    }

    /**
     * Removes a filter whose process has left it.
     *
     * @return false if a process holds it
     */
    static boolean remove(int ifindex, Direction direction, int priority, int handle) {
        NamespaceLock lock = lock(ifindex, direction, priority, handle);
        if (lock == null) {
            return false;
        }
        try (lock) {
            Clsact clsact = new Clsact(NetworkNamespace.currentId(), ifindex);
            LibBpf.check(
                    "remove a clsact filter of interface " + ifindex,
                    clsact.hook(direction).detach(new TcOpts(priority, handle)));
            return true;
        }
    }

    private static int attach(BpfProgram program, TcHook hook, TcOpts opts, int flags) {
        opts.prog_fd.set(program.fd());
        opts.flags.set(flags);
        return hook.attach(opts);
    }

    @Override
    public boolean isAttached() {
        clsact.checkThread();
        TcOpts opts = new TcOpts(priority, handle);
        return hook.query(opts) == 0 && opts.prog_id.intValue() == programId;
    }

    @Override
    public void leave() {
        if (!closed) {
            lock.close();
            closed = true;
        }
    }

    /** Whatever else is or is not there any more, somebody else removed. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (isAttached()) {
            hook.detach(new TcOpts(priority, handle));
        }
        clsact.removeIfOursAndEmpty();
        lock.close();
        closed = true;
    }
}
