// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import java.nio.file.Path;

/**
 * A program at a tc hook of an interface. It runs before others' programs wherever the kernel lets
 * it, so that no verdict of theirs hides packets from it; theirs are left alone.
 *
 * <p>To be used on threads of the network namespace that the interface is in. For one thread at a
 * time.
 */
public final class TcAttachment implements AutoCloseable {

    /** What both kinds of hook have in common. */
    sealed interface Attached extends AutoCloseable permits TcxLink, ClsactFilter {
        boolean isAttached();

        void leave();

        @Override
        void close();
    }

    private final Hook hook;
    private final Attached attached;

    private TcAttachment(Hook hook, Attached attached) {
        this.hook = hook;
        this.attached = attached;
    }

    /**
     * Attaches a program.
     *
     * @param ifindex an interface of the calling thread's network namespace
     * @param options heeded where the hook is clsact
     */
    public static TcAttachment attach(
            BpfProgram program,
            int ifindex,
            Direction direction,
            Hook hook,
            ClsactOptions options) {
        if (hook != Hook.CLSACT) {
            int link = TcxLink.create(program, ifindex, direction);
            if (link >= 0) {
                return new TcAttachment(Hook.TCX, new TcxLink(link));
            }
            if (hook == Hook.TCX || !unsupported(-link)) {
                throw BpfException.of(
                        describe(program, ifindex, direction, Hook.TCX),
                        -link,
                        unsupported(-link)
                                ? "tcx came with Linux 6.6: use clsact"
                                : BpfException.remedy(-link));
            }
        }
        return new TcAttachment(
                Hook.CLSACT, ClsactFilter.attach(program, ifindex, direction, options));
    }

    /**
     * Takes a pinned tcx link over and has it run another program from now on, with no packet
     * missed.
     */
    public static TcAttachment adopt(Path pinned, BpfProgram program) {
        return new TcAttachment(Hook.TCX, TcxLink.adopt(pinned, program));
    }

    /** Detaches a pinned tcx link, even if another process still holds it, and deletes the file. */
    public static void remove(Path pinned) {
        TcxLink.remove(pinned);
    }

    /**
     * The kernel's number of the program of a pinned tcx link whose interface is gone; 0 if it is
     * attached.
     */
    public static int detachedProgram(Path pinned) {
        return TcxLink.detachedProgram(pinned);
    }

    static String describe(BpfProgram program, int ifindex, Direction direction, Hook hook) {
        return "attach "
                + program.name()
                + " to "
                + hook
                + " "
                + direction
                + " of interface "
                + ifindex;
    }

    private static boolean unsupported(int errno) {
        return errno == LibC.EINVAL || errno == LibC.EOPNOTSUPP || errno == LibC.ENOTSUPP;
    }

    /** The hook in use, never AUTO. */
    public Hook hook() {
        return hook;
    }

    /** False once the interface is gone or somebody has removed the program. */
    public boolean isAttached() {
        return attached.isAttached();
    }

    /**
     * Pins the link, so that the program stays attached when this process ends, until the file is
     * deleted. Missing directories are created.
     *
     * @throws UnsupportedOperationException if the hook is not {@link Hook#TCX}
     */
    public void pin(Path path) {
        if (attached instanceof TcxLink link) {
            link.pin(path);
        } else {
            throw new UnsupportedOperationException(
                    "only a tcx link can be pinned; a clsact filter stays attached anyway");
        }
    }

    /**
     * Lets go of the program without detaching it: a pinned link and a clsact filter stay, until
     * somebody takes them over or removes them.
     */
    public void leave() {
        attached.leave();
    }

    /** Detaches the program, unless it is pinned; quiet if the interface is gone. */
    @Override
    public void close() {
        attached.close();
    }
}
