// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.flow.FlowBatch;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * One sink's own queue of batches. It is bounded, by the flows in it, and what it can't hold it
 * counts and drops: a slow sink loses its own flows, not another's and none of the kernel's.
 *
 * <p>The meter waits a while for a queue that is full, for it can: the flows lie safe in the epoch
 * that it owns. A queue that has used up its patience is not waited for until it has been emptied
 * to half.
 */
public final class FlowQueue implements AutoCloseable {

    /** How often whoever waits for room looks whether it still may. */
    private static final long LOOK_UP_MILLIS = 5;

    private final String name;
    private final int capacity;
    private final Runnable onClose;
    private final ArrayDeque<FlowBatch> batches = new ArrayDeque<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private int queuedFlows;
    private long droppedFlows;
    private boolean stalled;
    private boolean ended;

    FlowQueue(String name, int capacity, Runnable onClose) {
        if (capacity < 1) {
            throw new IllegalArgumentException(
                    "queue capacity is " + capacity + ": give 1 or more");
        }
        this.name = name;
        this.capacity = capacity;
        this.onClose = onClose;
    }

    /** Who takes from it, for logs and status. */
    public String name() {
        return name;
    }

    /**
     * Takes the oldest batch.
     *
     * @return null if none came within the timeout, or none will: see {@link #isEnded()}
     */
    public FlowBatch poll(Duration timeout) throws InterruptedException {
        long nanos = timeout.toNanos();
        lock.lockInterruptibly();
        try {
            while (batches.isEmpty()) {
                if (ended || nanos <= 0) {
                    return null;
                }
                nanos = changed.awaitNanos(nanos);
            }
            FlowBatch batch = batches.poll();
            queuedFlows -= batch.size();
            if (queuedFlows <= capacity / 2) {
                stalled = false;
            }
            changed.signalAll();
            return batch;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the meter is closed and everything it handed out has been taken. */
    public boolean isEnded() {
        return read(() -> ended && batches.isEmpty() ? 1L : 0L) == 1;
    }

    /** Flows that found the queue full, since it was made. */
    public long droppedFlows() {
        return read(() -> droppedFlows);
    }

    /** Flows that wait to be taken. */
    public int queuedFlows() {
        return (int) read(() -> (long) queuedFlows);
    }

    /** Whether it drops flows now: it was full, and has not been emptied to half since. */
    public boolean isStalled() {
        return read(() -> stalled ? 1L : 0L) == 1;
    }

    /** The most flows that wait. A batch larger than that is let in when the queue is empty. */
    public int capacity() {
        return capacity;
    }

    /** Takes no more batches and forgets those it has. */
    @Override
    public void close() {
        onClose.run();
        lock.lock();
        try {
            ended = true;
            batches.clear();
            queuedFlows = 0;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Adds a batch, or counts it as dropped.
     *
     * @param overdue whether a full queue can be waited for no longer
     */
    void offer(FlowBatch batch, BooleanSupplier overdue) {
        lock.lock();
        try {
            while (!ended && !batches.isEmpty() && queuedFlows + batch.size() > capacity) {
                if (stalled || overdue.getAsBoolean()) {
                    stalled = true;
                    droppedFlows += batch.size();
                    return;
                }
                changed.await(LOOK_UP_MILLIS, TimeUnit.MILLISECONDS);
            }
            if (!ended) {
                batches.add(batch);
                queuedFlows += batch.size();
                changed.signalAll();
            }
        } catch (InterruptedException e) {
            droppedFlows += batch.size();
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    /** Says that no more batches will come. */
    void end() {
        lock.lock();
        try {
            ended = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private long read(LongSupplier value) {
        lock.lock();
        try {
            return value.getAsLong();
        } finally {
            lock.unlock();
        }
    }
}
