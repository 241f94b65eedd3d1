// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibC.libc;

import com.kenai.jffi.MemoryIO;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import jnr.ffi.Pointer;

/**
 * Memory mapped into this process: the values of a map in the kernel, or one variable there, or
 * memory of its own. Integers are in host byte order; offsets and sizes are octets.
 *
 * <p>Safe across threads, but nobody may touch the memory, buffers taken earlier included, once it
 * is closed: that ends the process with SIGSEGV.
 */
public final class MappedMemory implements AutoCloseable {

    private static final VarHandle INT =
            MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());
    private static final VarHandle LONG =
            MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

    /** A ByteBuffer reaches 2 GiB; a map may be larger. */
    private static final int SEGMENT_SHIFT = 30;

    private static final int SEGMENT_SIZE = 1 << SEGMENT_SHIFT;

    private final long address;
    private final long size;
    private final boolean mapping;
    private final ByteBuffer[] segments;
    private boolean closed;

    private MappedMemory(long address, long size, boolean mapping) {
        this.address = address;
        this.size = size;
        this.mapping = mapping;
        segments = new ByteBuffer[(int) ((size + SEGMENT_SIZE - 1) >>> SEGMENT_SHIFT)];
        for (int i = 0; i < segments.length; i++) {
            long from = (long) i << SEGMENT_SHIFT;
            segments[i] = buffer(from, (int) Math.min(SEGMENT_SIZE, size - from));
        }
    }

    /** Maps the values of an array map that was made with BPF_F_MMAPABLE. */
    static MappedMemory of(String map, int fd, long size, boolean writable) {
        int prot = writable ? LibC.PROT_READ | LibC.PROT_WRITE : LibC.PROT_READ;
        Pointer memory = libc().mmap(null, size, prot, LibC.MAP_SHARED, fd, 0);
        if (memory.address() == -1) {
            int errno = LibC.errno();
            throw BpfException.of(
                    "mmap the map " + map,
                    errno,
                    errno == LibC.EINVAL || errno == LibC.ENOTSUPP
                            ? "Only arrays made with BPF_F_MMAPABLE can be mapped"
                            : BpfException.remedy(errno));
        }
        return new MappedMemory(memory.address(), size, true);
    }

    /**
     * Memory of this process's own, all 0, which is given back when it is closed. What is not
     * written to takes none.
     */
    public static MappedMemory anonymous(long size) {
        Pointer memory =
                libc().mmap(
                                null,
                                size,
                                LibC.PROT_READ | LibC.PROT_WRITE,
                                LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS,
                                -1,
                                0);
        if (memory.address() == -1) {
            throw BpfException.of("get " + size + " octets of memory", LibC.errno());
        }
        return new MappedMemory(memory.address(), size, true);
    }

    /** A part of this mapping; closing it does nothing. */
    public MappedMemory slice(long offset, long size) {
        Objects.checkFromIndexSize(offset, size, this.size);
        return new MappedMemory(address + offset, size, false);
    }

    public long size() {
        return size;
    }

    /** A direct buffer over a part of the mapping, in host byte order. */
    public ByteBuffer buffer(long offset, int length) {
        Objects.checkFromIndexSize(offset, (long) length, size);
        return MemoryIO.getInstance()
                .newDirectByteBuffer(address + offset, length)
                .order(ByteOrder.nativeOrder());
    }

    /** Later reads and writes of this thread stay behind it. The offset is a multiple of 4. */
    public int getIntAcquire(long offset) {
        return (int) INT.getAcquire(segment(offset), index(offset));
    }

    /** Earlier reads and writes of this thread stay before it. The offset is a multiple of 4. */
    public void putIntRelease(long offset, int value) {
        INT.setRelease(segment(offset), index(offset), value);
    }

    /** As {@link #getIntAcquire}. The offset is a multiple of 8. */
    public long getLongAcquire(long offset) {
        return (long) LONG.getAcquire(segment(offset), index(offset));
    }

    /** As {@link #putIntRelease}. The offset is a multiple of 8. */
    public void putLongRelease(long offset, long value) {
        LONG.setRelease(segment(offset), index(offset), value);
    }

    private ByteBuffer segment(long offset) {
        return segments[(int) (offset >>> SEGMENT_SHIFT)];
    }

    private static int index(long offset) {
        return (int) offset & SEGMENT_SIZE - 1;
    }

    @Override
    public void close() {
        if (mapping && !closed) {
            closed = true;
            LibC.check("munmap", libc().munmap(Pointer.wrap(LibC.runtime(), address), size));
        }
    }
}
