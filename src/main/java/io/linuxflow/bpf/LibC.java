// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import jnr.ffi.LastError;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.Struct;
import jnr.ffi.annotations.In;
import jnr.ffi.annotations.Out;

/** The libc functions that the JDK has no equivalent of. Names and parameters are those of C. */
final class LibC {

    static final int EPERM = 1;
    static final int ENOENT = 2;
    static final int EINTR = 4;
    static final int EAGAIN = 11;
    static final int ENOMEM = 12;
    static final int EACCES = 13;
    static final int EEXIST = 17;
    static final int ENODEV = 19;
    static final int EINVAL = 22;
    static final int EMFILE = 24;
    static final int ENOSYS = 38;
    static final int EOPNOTSUPP = 95;
    static final int EADDRINUSE = 98;
    static final int ENOBUFS = 105;

    /** The kernel's own, for want of a feature; not in errno.h. */
    static final int ENOTSUPP = 524;

    static final int O_RDONLY = 0;
    static final int O_CLOEXEC = 02000000;
    static final int O_NONBLOCK = 04000;
    static final int CLONE_NEWNET = 0x40000000;
    static final int PROT_READ = 1;
    static final int PROT_WRITE = 2;
    static final int MAP_SHARED = 1;
    static final int MAP_PRIVATE = 2;
    static final int MAP_ANONYMOUS = 0x20;

    /** The library. */
    public interface Functions {
        int open(String path, int flags);

        int close(int fd);

        Pointer mmap(Pointer address, long length, int prot, int flags, int fd, long offset);

        int munmap(Pointer address, long length);

        int setns(int fd, int type);

        int unshare(int flags);

        int poll(Pointer fds, long count, int timeout);

        int eventfd(int initial, int flags);

        int eventfd_write(int fd, long value);

        int eventfd_read(int fd, @Out long[] value);

        int socket(int family, int type, int protocol);

        int bind(int fd, @In byte[] address, int length);

        long send(int fd, @In byte[] message, long length, int flags);

        /** The buffer has to be a direct one. */
        long recv(int fd, @Out ByteBuffer message, long length, int flags);

        int getsockname(int fd, @Out byte[] address, int[] length);

        int getsockopt(int fd, int level, int name, @Out byte[] value, int[] length);

        int setsockopt(int fd, int level, int name, @In int[] value, int length);

        int clock_gettime(int clock, @Out long[] timespec);

        int clock_getres(int clock, @Out long[] timespec);

        int vsnprintf(@Out byte[] buffer, long size, Pointer format, Pointer arguments);

        String strerror(int errno);

        /** glibc 2.32; musl has none. */
        String strerrorname_np(int errno);
    }

    private static final NativeLibrary<Functions> LIBRARY =
            new NativeLibrary<>(
                    Functions.class,
                    "c",
                    "Set java.io.tmpdir to a directory that is writable and not mounted noexec:"
                            + " jffi unpacks its native part there",
                    functions -> {});

    private LibC() {}

    static Functions libc() {
        return LIBRARY.functions();
    }

    static Runtime runtime() {
        return Runtime.getRuntime(libc());
    }

    /** The errno that the last native call of this thread left. */
    static int errno() {
        return LastError.getLastError(runtime());
    }

    /** Throws unless the result of a call is 0 or positive. */
    static int check(String operation, int result) {
        if (result < 0) {
            throw BpfException.of(operation, errno());
        }
        return result;
    }

    /** What C wrote as a string; what is behind its end is arbitrary. */
    static String string(byte[] text) {
        int length = 0;
        while (length < text.length && text[length] != 0) {
            length++;
        }
        return new String(text, 0, length, StandardCharsets.UTF_8);
    }

    /**
     * A C struct in native memory, zero at first. The memory is freed with the object, so the
     * object has to outlive the call that it is passed to.
     */
    abstract static class CStruct extends Struct {

        private final List<jnr.ffi.Pointer> targets = new ArrayList<>();

        CStruct() {
            super(runtime());
        }

        final int size() {
            return Struct.size(this);
        }

        /** Sets a member, and keeps what it points to. */
        final void point(Struct.Pointer member, jnr.ffi.Pointer target) {
            member.set(target);
            targets.add(target);
        }

        /** Calls a function with a pointer to the struct. */
        final <R> R pass(java.util.function.Function<jnr.ffi.Pointer, R> function) {
            try {
                return function.apply(Struct.getMemory(this));
            } finally {
                Reference.reachabilityFence(this);
            }
        }
    }
}
