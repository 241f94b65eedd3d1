// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowLayout.END_REASON;
import static io.linuxflow.flow.FlowLayout.OCTETS;
import static io.linuxflow.flow.FlowLayout.PACKETS;
import static io.linuxflow.flow.FlowLayout.SIZE;

import io.linuxflow.bpf.BpfObject;
import io.linuxflow.bpf.GracePeriod;
import io.linuxflow.bpf.MappedMemory;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import java.util.function.ObjIntConsumer;

/**
 * The slot log in kernel memory: two halves of slots, one per parity of the epoch. The programs
 * write into the half of the current epoch; {@link #flip} begins the next epoch and waits until no
 * program is left that could have seen the old one. From then on the old half is ours, and {@link
 * #drain} reads it with no syscall and no lock.
 *
 * <p>Belongs to one thread.
 */
final class SlotLog implements AutoCloseable {

    private final int slotsPerHalf;
    private final MappedMemory slots;
    private final ByteBuffer[] halves;
    private final MappedMemory epoch;
    private final MappedMemory used;
    private final int usedStride;

    SlotLog(BpfObject object, int slotsPerHalf) {
        this(
                object.map("slots").mmap(false),
                object.global("epoch"),
                object.global("slots_used"),
                slotsPerHalf);
    }

    /**
     * @param slots the values of that map, which are unmapped with this
     * @param epoch the variable of that name
     * @param used the variable slots_used
     */
    SlotLog(MappedMemory slots, MappedMemory epoch, MappedMemory used, int slotsPerHalf) {
        this.slots = slots;
        this.epoch = epoch;
        this.used = used;
        this.slotsPerHalf = slotsPerHalf;
        int length = slotsPerHalf * SIZE;
        halves = new ByteBuffer[] {slots.buffer(0, length), slots.buffer(length, length)};
        usedStride = (int) (used.size() / 2);
    }

    /** Whether this is the epoch that the programs write to now. */
    boolean isCurrent(int anEpoch) {
        return anEpoch == epoch.getIntAcquire(0);
    }

    /** Slots that the current epoch has taken so far. */
    int used() {
        return used(epoch.getIntAcquire(0));
    }

    /**
     * The epoch before the current one. Its half holds flows only if the process that ended it was
     * killed before it had handed out all of them.
     */
    int previous() {
        return epoch.getIntAcquire(0) - 1;
    }

    /**
     * Begins the next epoch.
     *
     * @return the epoch that has ended and is to be drained
     */
    int flip() {
        int ended = epoch.getIntAcquire(0);
        epoch.putIntRelease(0, ended + 1);
        GracePeriod.await();
        return ended;
    }

    /**
     * Hands out the flows of an epoch that has ended and frees its half for the epoch after next.
     *
     * @param ended what {@link #flip} returned
     * @param time turns the kernel's clock into nanoseconds since 1970 UTC
     * @param endReason flowEndReason (136) of the flows that did not end by themselves
     */
    void drain(
            int ended,
            WallClock time,
            int endReason,
            int batchSize,
            int observationDomain,
            Consumer<FlowBatch> sink) {
        drain(
                ended,
                (slots, count) ->
                        handOut(slots, count, time, endReason, batchSize, observationDomain, sink));
    }

    static void handOut(
            ByteBuffer slots,
            int count,
            WallClock time,
            int endReason,
            int batchSize,
            int observationDomain,
            Consumer<FlowBatch> sink) {
        for (int from = 0; from < count; from += batchSize) {
            int size = Math.min(batchSize, count - from);
            byte[] records = new byte[size * SIZE];
            slots.get(from * SIZE, records);
            finish(records, time, (byte) endReason);
            sink.accept(new FlowBatch(records, size, observationDomain));
        }
    }

    /**
     * Shows the slots of an epoch that has ended, as they are, and frees its half for the epoch
     * after next.
     *
     * @param ended what {@link #flip} returned
     * @param reader gets memory that begins with the slots, and how many there are; the memory is
     *     good only until it returns
     */
    void drain(int ended, ObjIntConsumer<ByteBuffer> reader) {
        reader.accept(halves[ended & 1], used(ended));
        used.putIntRelease((long) (ended & 1) * usedStride, 0);
    }

    /**
     * Shows the slots of the current epoch and leaves them. Each is complete, but for packets of
     * this moment.
     *
     * @param reader gets memory that begins with the slots, and how many there are
     */
    void read(ObjIntConsumer<ByteBuffer> reader) {
        int now = epoch.getIntAcquire(0);
        int count = used(now);
        // A program that has just taken a slot may not have filled it yet.
        GracePeriod.await();
        reader.accept(halves[now & 1], count);
    }

    /**
     * Throws the flows that are meant away, and leaves the others in the log, for whoever drains
     * it: those of the epoch that ends with this in its half, before what the epoch after next will
     * add. The slots have to be mapped writable.
     */
    Flushed discard(FlowFilter which) {
        // Some program may still see the epoch before.
        GracePeriod.await();
        return discard(previous(), which).plus(discard(flip(), which));
    }

    private Flushed discard(int ended, FlowFilter which) {
        ByteBuffer half = halves[ended & 1];
        Flushed discarded = Flushed.NONE;
        int kept = 0;
        for (int at = 0, end = used(ended) * SIZE; at < end; at += SIZE) {
            if (which.matches(half, at)) {
                long packets = half.getLong(at + PACKETS);
                discarded = discarded.plus(new Flushed(1, packets, half.getLong(at + OCTETS)));
            } else {
                half.put(kept * SIZE, half, at, SIZE);
                kept++;
            }
        }
        used.putIntRelease((long) (ended & 1) * usedStride, kept);
        return discarded;
    }

    private static void finish(byte[] records, WallClock time, byte endReason) {
        for (int at = 0; at < records.length; at += SIZE) {
            time.convert(records, at);
            if (records[at + END_REASON] == 0) {
                records[at + END_REASON] = endReason;
            }
        }
    }

    /** Slots that an epoch has taken, of those whose half is still theirs. */
    int used(int epoch) {
        return used(used, epoch, slotsPerHalf);
    }

    /**
     * The same of any log.
     *
     * @param used its variable slots_used, one counter for each half
     */
    static int used(MappedMemory used, int epoch, int slotsPerHalf) {
        int taken = used.getIntAcquire((long) (epoch & 1) * (used.size() / 2));
        return Integer.compareUnsigned(taken, slotsPerHalf) < 0 ? taken : slotsPerHalf;
    }

    @Override
    public void close() {
        slots.close();
    }
}
