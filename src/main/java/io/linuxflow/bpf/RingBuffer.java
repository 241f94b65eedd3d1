// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibBpf.libbpf;

import com.kenai.jffi.MemoryIO;
import io.linuxflow.bpf.LibBpf.Sample;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import jnr.ffi.Pointer;

/** The reading end of a BPF_MAP_TYPE_RINGBUF. For one thread at a time. */
public final class RingBuffer implements AutoCloseable {

    private final Consumer<ByteBuffer> onEvent;

    /** libbpf calls it, so it must live as long as the ring. */
    private final Sample sample = this::sample;

    private Pointer ring;
    private RuntimeException failure;

    /**
     * Opens a ring buffer.
     *
     * @param onEvent gets each event, in host byte order; the buffer is valid only during the call
     */
    public RingBuffer(BpfMap map, Consumer<ByteBuffer> onEvent) {
        this.onEvent = onEvent;
        ring = libbpf().ring_buffer__new(map.fd(), sample, null, null);
        if (ring == null) {
            throw BpfException.of("open the ring buffer", LibC.errno());
        }
    }

    /** A file descriptor that is readable while there are events. */
    public int fd() {
        return libbpf().ring_buffer__epoll_fd(ring());
    }

    /**
     * Hands out the events that are there, without waiting.
     *
     * @return how many
     */
    public int consume() {
        int result = libbpf().ring_buffer__consume(ring());
        if (failure != null) {
            RuntimeException thrown = failure;
            failure = null;
            throw thrown;
        }
        return LibBpf.check("read the ring buffer", result);
    }

    @Override
    public void close() {
        if (ring != null) {
            libbpf().ring_buffer__free(ring);
            ring = null;
        }
    }

    private Pointer ring() {
        if (ring == null) {
            throw new IllegalStateException("the ring buffer is closed");
        }
        return ring;
    }

    /** Nothing may be thrown through libbpf's frames. */
    private int sample(Pointer context, Pointer data, long size) {
        try {
            onEvent.accept(
                    MemoryIO.getInstance()
                            .newDirectByteBuffer(data.address(), (int) size)
                            .order(ByteOrder.nativeOrder()));
            return 0;
        } catch (RuntimeException e) {
            failure = e;
            return -1;
        }
    }
}
