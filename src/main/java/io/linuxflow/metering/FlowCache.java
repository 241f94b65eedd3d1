// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowLayout.END_REASON;
import static io.linuxflow.flow.FlowLayout.FIRST;
import static io.linuxflow.flow.FlowLayout.LAST;
import static io.linuxflow.flow.FlowLayout.SIZE;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.ObjIntConsumer;

/**
 * The flow cache of one network namespace: merges what each epoch saw of a flow into one record and
 * hands that out when the flow has ended, with the flowEndReason (136) that RFC 5102, section
 * 5.11.3, has for it.
 *
 * <p>Times stay readings of the flow clock until a record goes out, and timeouts are told by that
 * clock, so a step of the system's time neither ends a flow nor stretches its record.
 *
 * <p>Nothing is lost: what an epoch saw of a flow that is not in the cache, when that is full, is a
 * record of its own, as if there were no cache.
 *
 * <p>Each flow is in a list. Those with a FIN or RST are in one that is looked through at the end
 * of each epoch; each is either active or goes out. The others are on a wheel of lists, by the time
 * at which they may have to go out at the earliest. A later packet only moves that time on, which
 * nobody needs to know before it has come: the flow is then put further on.
 *
 * <p>Belongs to one thread.
 */
final class FlowCache {

    /** Steps of the wheel: a power of two, and twice what the timeouts take. */
    private static final int WHEEL = 512;

    /** The list of flows with a FIN or RST. */
    private static final int FINISHED = WHEEL;

    private static final int LISTS = WHEEL + 1;

    private static final int NOT_ENDED = 0;

    /** Searches that are done before their results are used, so that the CPU overlaps them. */
    private static final int SEARCHES = 64;

    private final FlowTable table;
    private final BatchWriter writer;
    private final PairTotals merged;

    /* In units of the flow clock. */
    private final long activeTimeout;
    private final long idleTimeout;
    private final long finishedDrain;
    private final long step;

    /** Until when, in steps of the wheel, flows have been looked at. */
    private long position;

    /** When the last epoch ended. */
    private long lastEpoch;

    private long uncachedFlows;
    private final int[] hashes = new int[SEARCHES];
    private final int[] found = new int[SEARCHES];

    /**
     * @param options of a cache that is enabled
     * @param batchSize the most records in a batch
     * @param observationDomain of its batches
     * @param nanosPerUnit length of the flow clock's unit
     * @param merged adds up what is merged; here, since the slots are being read anyway
     */
    FlowCache(
            CacheOptions options,
            int batchSize,
            int observationDomain,
            long nanosPerUnit,
            PairTotals merged) {
        table =
                new FlowTable(
                        options.maxFlows(),
                        LISTS,
                        new SecureRandom().nextLong(),
                        ByteBuffer::allocateDirect);
        writer = new BatchWriter(batchSize, observationDomain);
        this.merged = merged;
        activeTimeout = units(options.activeTimeout(), nanosPerUnit);
        idleTimeout = units(options.idleTimeout(), nanosPerUnit);
        finishedDrain = units(options.finishedDrain(), nanosPerUnit);
        step = Math.min(activeTimeout, idleTimeout) / (WHEEL / 2) + 1;
    }

    private static long units(Duration duration, long nanosPerUnit) {
        return duration.toNanos() / nanosPerUnit;
    }

    /** Flows in the cache. */
    int size() {
        return table.size();
    }

    /** Records that went out for want of room in the cache, one for each epoch of a flow. */
    long uncachedFlows() {
        return uncachedFlows;
    }

    /**
     * Takes in what an epoch saw, and hands out the flows that have ended by now.
     *
     * @param slots {@code count} records as in kernel memory
     * @param now the end of the epoch: no reading in the slots is later
     */
    void merge(ByteBuffer slots, int count, WallClock now, Consumer<FlowBatch> sink) {
        for (int from = 0; from < count; from += SEARCHES) {
            int searches = Math.min(SEARCHES, count - from);
            for (int i = 0, at = from * SIZE; i < searches; i++, at += SIZE) {
                hashes[i] = table.hash(slots, at);
                found[i] = table.find(slots, at, hashes[i]);
            }
            merged.add(slots, from, searches);
            for (int i = 0, at = from * SIZE; i < searches; i++, at += SIZE) {
                if (found[i] != FlowTable.NONE) {
                    add(slots, at, found[i]);
                } else {
                    begin(slots, at, hashes[i], now, sink);
                }
            }
        }
        expire(now, sink);
        writer.flush(sink);
        lastEpoch = now.flowClock();
    }

    /**
     * Hands out the flows that are meant; those that have not ended by themselves are forced to.
     */
    void flush(FlowFilter which, WallClock now, Consumer<FlowBatch> sink) {
        for (int list = 0; list < LISTS; list++) {
            for (int flow = table.head(list), next; flow != FlowTable.NONE; flow = next) {
                next = table.next(flow);
                if (which.matches(table.segment(flow), table.offset(flow))) {
                    table.unlink(flow);
                    end(flow, now, Flow.FORCED_END, sink);
                }
            }
        }
        writer.flush(sink);
    }

    /**
     * Shows the record of every flow as it is now, with times as readings of the flow clock. Those
     * that have not ended have flowEndReason 0.
     *
     * @param reader gets memory, and where in it the record begins
     */
    void forEach(ObjIntConsumer<ByteBuffer> reader) {
        for (int list = 0; list < LISTS; list++) {
            for (int flow = table.head(list); flow != FlowTable.NONE; flow = table.next(flow)) {
                reader.accept(table.segment(flow), table.offset(flow));
            }
        }
    }

    private void begin(
            ByteBuffer slots, int at, int hash, WallClock now, Consumer<FlowBatch> sink) {
        int flow = table.find(slots, at, hash);
        if (flow != FlowTable.NONE) {
            // Its other slot in this epoch came just before.
            add(slots, at, flow);
            return;
        }
        flow = table.insert(slots, at, hash);
        if (flow == FlowTable.NONE) {
            writer.add(slots, at, now, Flow.LACK_OF_RESOURCES, sink);
            uncachedFlows++;
        } else if (slots.get(at + END_REASON) == NOT_ENDED) {
            putOnWheel(flow);
        } else {
            finish(flow, slots.getLong(at + LAST));
        }
    }

    private void add(ByteBuffer slots, int at, int flow) {
        ByteBuffer record = table.segment(flow);
        int to = table.offset(flow);
        boolean ended = record.get(to + END_REASON) != NOT_ENDED;
        long first = record.getLong(to + FIRST);
        FlowRecords.merge(record, to, slots, at);
        if (!ended && record.get(to + END_REASON) != NOT_ENDED) {
            table.unlink(flow);
            finish(flow, slots.getLong(at + LAST));
        } else if (!ended && record.getLong(to + FIRST) != first) {
            table.unlink(flow);
            putOnWheel(flow);
        }
    }

    private void finish(int flow, long ended) {
        table.segment(flow).putLong(table.offset(flow) + FlowTable.ENDED, ended);
        table.link(FINISHED, flow);
    }

    private void putOnWheel(int flow) {
        ByteBuffer record = table.segment(flow);
        int at = table.offset(flow);
        long end =
                Math.min(
                        record.getLong(at + LAST) + idleTimeout,
                        record.getLong(at + FIRST) + activeTimeout);
        table.link((int) Math.max(end / step, position) & WHEEL - 1, flow);
    }

    private void expire(WallClock now, Consumer<FlowBatch> sink) {
        expire(FINISHED, now, sink);
        long until = now.flowClock() / step;
        for (long i = Math.max(position, until - WHEEL + 1); i <= until; i++) {
            expire((int) i & WHEEL - 1, now, sink);
        }
        position = until;
    }

    private void expire(int list, WallClock now, Consumer<FlowBatch> sink) {
        for (int flow = table.unlinkAll(list), next; flow != FlowTable.NONE; flow = next) {
            next = table.next(flow);
            int endReason = endReason(flow, now.flowClock());
            if (endReason != NOT_ENDED) {
                end(flow, now, endReason, sink);
            } else if (list == FINISHED) {
                table.link(FINISHED, flow);
            } else {
                putOnWheel(flow);
            }
        }
    }

    private int endReason(int flow, long now) {
        ByteBuffer record = table.segment(flow);
        int at = table.offset(flow);
        long last = record.getLong(at + LAST);
        if (record.get(at + END_REASON) != NOT_ENDED) {
            long ended = record.getLong(at + FlowTable.ENDED);
            boolean quiet = last - lastEpoch < 0;
            return quiet || now - ended >= finishedDrain ? Flow.END_OF_FLOW : NOT_ENDED;
        }
        if (now - last >= idleTimeout) {
            return Flow.IDLE_TIMEOUT;
        }
        return now - record.getLong(at + FIRST) >= activeTimeout ? Flow.ACTIVE_TIMEOUT : NOT_ENDED;
    }

    private void end(int flow, WallClock now, int endReason, Consumer<FlowBatch> sink) {
        writer.add(table.segment(flow), table.offset(flow), now, endReason, sink);
        table.remove(flow);
    }
}
