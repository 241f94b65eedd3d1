// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

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
    private final Direction direction;
    private final ClsactOptions place;
    private final int programId;
    private final NamespaceLock lock;
    private boolean closed;

    private ClsactFilter(
            Clsact clsact,
            Direction direction,
            ClsactOptions place,
            int programId,
            NamespaceLock lock) {
        this.clsact = clsact;
        this.direction = direction;
        this.place = place;
        this.programId = programId;
        this.lock = lock;
    }

    static ClsactFilter attach(
            BpfProgram program, int ifindex, Direction direction, ClsactOptions options) {
        String operation = TcAttachment.describe(program, ifindex, direction, Hook.CLSACT);
        Clsact clsact = Clsact.of(operation, ifindex, direction);
        int priority = options.priority() == 0 ? 1 : options.priority();
        int handle = options.handle() == 0 ? HANDLE : options.handle();
        int result = 0;
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            ClsactOptions place = new ClsactOptions(priority, handle, options.chain());
            NamespaceLock lock = lock(ifindex, direction, place);
            if (lock == null) {
                result = -LibC.EEXIST;
            } else {
                result = clsact.add(operation, program, direction, place, false);
                if (result == -LibC.EEXIST && clsact.hasFilterOf(program, direction, place)) {
                    result = clsact.add(operation, program, direction, place, true);
                }
                if (result == 0) {
                    return new ClsactFilter(clsact, direction, place, program.id(), lock);
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
    private static NamespaceLock lock(int ifindex, Direction direction, ClsactOptions place) {
        return NamespaceLock.tryAcquire(
                "linux-flow-exporter/clsact/%d/%s/%d/%d/%d"
                        .formatted(
                                ifindex,
                                direction,
                                place.chain(),
                                place.priority(),
                                place.handle()));
    }

    /**
     * Removes a filter whose process has left it.
     *
     * @return false if a process holds it
     */
    static boolean remove(int ifindex, Direction direction, ClsactOptions place) {
        NamespaceLock lock = lock(ifindex, direction, place);
        if (lock == null) {
            return false;
        }
        try (lock) {
            String operation = "remove a clsact filter of interface " + ifindex;
            LibBpf.check(
                    operation,
                    new Clsact(NetworkNamespace.currentId(), ifindex)
                            .remove(operation, direction, place));
            return true;
        }
    }

    @Override
    public boolean isAttached() {
        clsact.checkThread();
        return clsact.filters(direction).stream()
                .anyMatch(f -> f.programId() == programId && f.place().equals(place));
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
            clsact.remove("remove a clsact filter", direction, place);
        }
        clsact.removeIfOursAndEmpty();
        lock.close();
        closed = true;
    }
}
