// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibC.libc;

/**
 * Something that the kernel or libbpf refused. The message reads {@code operation: problem.
 * remedy}, where the problem is the text and name of the errno if there is one, and the decisive
 * lines of the verifier's log if it was the verifier that refused.
 */
public final class BpfException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** libbpf's own error codes start here (enum libbpf_errno). */
    private static final int LIBBPF_ERRNO_START = 4000;

    private static final String CAPABILITIES =
            "Run as root or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON;"
                    + " kernel.unprivileged_bpf_disabled=0 does not replace them";

    private final String operation;
    private final int errno;
    private final String remedy;
    private final String verifierLog;

    BpfException(String operation, String problem, int errno, String remedy, String verifierLog) {
        super(operation + ": " + problem + (remedy.isEmpty() ? "" : ". " + remedy));
        this.operation = operation;
        this.errno = errno;
        this.remedy = remedy;
        this.verifierLog = verifierLog;
    }

    /** An errno for which the general remedy is the right one. */
    static BpfException of(String operation, int errno) {
        return of(operation, errno, remedy(errno));
    }

    static BpfException of(String operation, int errno, String remedy) {
        return new BpfException(operation, describe(errno), errno, remedy, null);
    }

    /** A problem that is not an errno. */
    static BpfException of(String operation, String problem, String remedy) {
        return new BpfException(operation, problem, 0, remedy, null);
    }

    /** What was to be done. */
    public String operation() {
        return operation;
    }

    /** The errno of the failed call, 0 if there is none. */
    public int errno() {
        return errno;
    }

    /** Whether it takes privileges that this process hasn't. */
    public boolean isForbidden() {
        return errno == LibC.EPERM || errno == LibC.EACCES;
    }

    /** What to do about it, empty if there is nothing to say. */
    public String remedy() {
        return remedy;
    }

    /** The whole log of the kernel's verifier, null if it was not the verifier that refused. */
    public String verifierLog() {
        return verifierLog;
    }

    /** For example {@code Operation not permitted (EPERM)}. */
    static String describe(int errno) {
        if (errno >= LIBBPF_ERRNO_START) {
            byte[] text = new byte[128];
            LibBpf.libbpf().libbpf_strerror(errno, text, text.length);
            return LibC.string(text) + " (" + errno + ")";
        }
        return libc().strerror(errno) + " (" + name(errno) + ")";
    }

    private static String name(int errno) {
        try {
            String name = libc().strerrorname_np(errno);
            return name != null ? name : "errno " + errno;
        } catch (UnsatisfiedLinkError e) {
            return "errno " + errno;
        }
    }

    static String remedy(int errno) {
        return switch (errno) {
            case LibC.EPERM, LibC.EACCES -> CAPABILITIES;
            case LibC.ENOMEM ->
                    "Give the maps fewer entries, or the control group more memory (memory.max)";
            case LibC.EMFILE -> "Allow more open files (ulimit -n)";
            case LibC.ENODEV -> "The interface is not, or no longer, in this network namespace";
            case LibC.EINVAL, LibC.ENOSYS, LibC.EOPNOTSUPP, LibC.ENOTSUPP ->
                    "The kernel may be too old: 5.15 is the oldest supported (5.18 on arm64), this"
                            + " one is "
                            + System.getProperty("os.version");
            default -> "";
        };
    }
}
