// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;

/** Makes the kernel answer the calling thread as older kernels would (seccomp(2)). */
public final class OldKernel {

    /** Public for jnr-ffi. */
    public interface Functions {
        int prctl(int option, long mode, Pointer program, long unused, long unused2);
    }

    private static final int PR_SET_SECCOMP = 22;
    private static final int SECCOMP_MODE_FILTER = 2;
    private static final int SECCOMP_RET_ALLOW = 0x7fff0000;
    private static final int SECCOMP_RET_ERRNO = 0x00050000;
    private static final int BPF_LINK_CREATE = 28;
    private static final short LOAD_WORD = 0x20;
    private static final short JUMP_IF_EQUAL = 0x15;
    private static final short RETURN = 0x06;

    /** Offsets in struct seccomp_data; of the first argument the lower half. */
    private static final int NUMBER = 0;

    private static final int FIRST_ARGUMENT = 16;

    private OldKernel() {}

    /** bpf(BPF_LINK_CREATE, …) is EINVAL, as it is for tcx before Linux 6.6. */
    static void withoutTcx() {
        int bpf = System.getProperty("os.arch").equals("amd64") ? 321 : 280;
        ByteBuffer program = ByteBuffer.allocate(6 * 8).order(ByteOrder.nativeOrder());
        instruction(program, LOAD_WORD, 0, NUMBER);
        instruction(program, JUMP_IF_EQUAL, 3, bpf);
        instruction(program, LOAD_WORD, 0, FIRST_ARGUMENT);
        instruction(program, JUMP_IF_EQUAL, 1, BPF_LINK_CREATE);
        instruction(program, RETURN, 0, SECCOMP_RET_ERRNO | LibC.EINVAL);
        instruction(program, RETURN, 0, SECCOMP_RET_ALLOW);
        Pointer filter = Memory.allocateDirect(LibC.runtime(), program.capacity());
        filter.put(0, program.array(), 0, program.capacity());
        // struct sock_fprog: the number of instructions, then where they are
        Pointer fprog = Memory.allocateDirect(LibC.runtime(), 16, true);
        fprog.putShort(0, (short) (program.capacity() / 8));
        fprog.putPointer(8, filter);
        Functions libc = LibraryLoader.create(Functions.class).load("c");
        assertThat(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog, 0, 0)).isZero();
    }

    /** struct sock_filter; the jump is for when it is not equal. */
    private static void instruction(ByteBuffer program, short code, int jump, int value) {
        program.putShort(code).put((byte) 0).put((byte) jump).putInt(value);
    }
}
