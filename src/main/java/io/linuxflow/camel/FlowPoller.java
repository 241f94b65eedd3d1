// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.flow.FlowBatch;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * The loop of one consumer: takes batches from its queue and has them routed, in order. While an
 * exchange waits for something, such as a socket, the next one is begun already.
 */
final class FlowPoller implements Runnable {

    /** Has a batch routed. Throws nothing; calls back once it is done, with whether it failed. */
    interface Router {
        void route(FlowBatch batch, Consumer<Boolean> done);
    }

    /** One batch is encoded while the one before it is being sent. */
    private static final int MAX_IN_FLIGHT = 2;

    /** How long it may take to notice {@link #finish}. */
    private static final Duration POLL = Duration.ofMillis(250);

    private static final int ALL = -1;

    private final FlowMeter.Queue queue;
    private final Router router;
    private final CountDownLatch finished = new CountDownLatch(1);
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private int inFlight;
    private boolean paused;
    private boolean finishing;

    /** Whether the last exchange failed. */
    private boolean failing;

    /** Flows to be taken before the end, known once the end has been asked for. */
    private int remaining = ALL;

    FlowPoller(FlowMeter.Queue queue, Router router) {
        this.queue = queue;
        this.router = router;
    }

    @Override
    public void run() {
        try {
            while (!isWorkedOff()) {
                FlowBatch batch = queue.poll(POLL);
                if (batch != null) {
                    awaitTurn();
                    router.route(batch, this::done);
                    remaining = remaining == ALL ? ALL : Math.max(0, remaining - batch.size());
                }
            }
            awaitIdle();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            finished.countDown();
        }
    }

    private boolean isWorkedOff() {
        if (remaining == ALL && is(() -> finishing)) {
            remaining = queue.queuedFlows();
        }
        // A sink that is down may take long to say so, each time, while others wait for the end.
        return remaining == 0 || queue.isEnded() || is(() -> finishing && failing);
    }

    private boolean is(BooleanSupplier condition) {
        lock.lock();
        try {
            return condition.getAsBoolean();
        } finally {
            lock.unlock();
        }
    }

    private void awaitTurn() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (inFlight == MAX_IN_FLIGHT || paused && !finishing) {
                changed.await();
            }
            inFlight++;
        } finally {
            lock.unlock();
        }
    }

    private void done(boolean failed) {
        lock.lock();
        try {
            failing = failed;
            inFlight--;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void awaitIdle() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (inFlight > 0) {
                changed.await();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Begins no more exchanges until {@link #resume}, and waits for the end of those begun. */
    void pause() throws InterruptedException {
        set(() -> paused = true);
        awaitIdle();
    }

    void resume() {
        set(() -> paused = false);
    }

    /**
     * Has everything routed that is in the queue now, unless the route fails, and waits until that
     * is done.
     *
     * @return whether the route did not fail
     */
    boolean finish() throws InterruptedException {
        set(() -> finishing = true);
        finished.await();
        return !is(() -> failing);
    }

    private void set(Runnable change) {
        lock.lock();
        try {
            change.run();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
