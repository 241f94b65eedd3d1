// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.metering.Flushed;
import io.linuxflow.metering.MeterOptions;
import io.linuxflow.metering.MeterStatus;
import io.linuxflow.metering.MeterStatus.Counters;
import io.linuxflow.metering.MeterStatus.Latency;
import io.linuxflow.metering.MeterStatus.Traffic;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A meter without a kernel: the test says what it meters. */
final class FakeMeter implements FlowMeter {

    private final class FakeQueue implements Queue {
        private final int capacity;
        private final LinkedBlockingQueue<FlowBatch> batches = new LinkedBlockingQueue<>();
        private final AtomicInteger queued = new AtomicInteger();
        private final AtomicInteger dropped = new AtomicInteger();

        FakeQueue(int capacity) {
            this.capacity = capacity;
        }

        void offer(FlowBatch batch) {
            if (queued.get() + batch.size() > capacity) {
                dropped.addAndGet(batch.size());
            } else {
                queued.addAndGet(batch.size());
                batches.add(batch);
            }
        }

        @Override
        public FlowBatch poll(Duration timeout) throws InterruptedException {
            FlowBatch batch =
                    closed && batches.isEmpty()
                            ? null
                            : batches.poll(timeout.toNanos(), TimeUnit.NANOSECONDS);
            if (batch != null) {
                queued.addAndGet(-batch.size());
            }
            return batch;
        }

        @Override
        public boolean isEnded() {
            return closed && batches.isEmpty();
        }

        @Override
        public int queuedFlows() {
            return queued.get();
        }

        @Override
        public long droppedFlows() {
            return dropped.get();
        }

        @Override
        public boolean isStalled() {
            return dropped.get() > 0;
        }

        @Override
        public void close() {
            queues.remove(this);
            batches.clear();
            queued.set(0);
        }
    }

    final MeterOptions options;
    private final List<FakeQueue> queues = new CopyOnWriteArrayList<>();
    private final List<FlowBatch> inKernel = new CopyOnWriteArrayList<>();
    private RuntimeException obstacle;
    private volatile String failure;
    private volatile boolean started;
    private volatile boolean closed;

    FakeMeter(MeterOptions options) {
        this.options = options;
    }

    /** As if packets came: the flows are in the kernel until the next drain. */
    FakeMeter meter(FlowBatch batch) {
        inKernel.add(batch);
        return this;
    }

    /** As if the drain interval were over. */
    void drain() {
        for (FlowBatch batch : inKernel) {
            queues.forEach(queue -> queue.offer(batch));
        }
        inKernel.clear();
    }

    FakeMeter failToStart(RuntimeException why) {
        obstacle = why;
        return this;
    }

    /** As if its thread had ended. */
    void fail(String why) {
        failure = why;
    }

    boolean isRunning() {
        return started && !closed;
    }

    @Override
    public Queue subscribe(String name, int capacity) {
        FakeQueue queue = new FakeQueue(capacity);
        queues.add(queue);
        return queue;
    }

    @Override
    public void start() {
        if (obstacle != null) {
            throw obstacle;
        }
        started = true;
        drain();
    }

    @Override
    public void flush() {
        drain();
    }

    @Override
    public void close() {
        drain();
        closed = true;
    }

    @Override
    public MeterStatus status() {
        Traffic none = new Traffic(0, 0);
        Counters counters =
                new Counters(
                        new Traffic(10, 1000),
                        new Traffic(1, 100),
                        none,
                        none,
                        new Traffic(2, 200));
        return new MeterStatus(
                isRunning(),
                List.of(
                        new MeterStatus.Interface("", "eth0", 2, "egress", "tcx", null, counters),
                        new MeterStatus.Interface(
                                "ns0", "eth1", 3, "egress", null, "no such device", counters)),
                List.of("eth9"),
                List.of(
                        new MeterStatus.Pair(
                                "",
                                2,
                                "eth0",
                                3,
                                "eth1",
                                new Traffic(7, 700),
                                new Traffic(1, 100),
                                options.latency() ? new Latency(5000, 6, 2) : null)),
                counters,
                4,
                3,
                5,
                options.slots(),
                0,
                0,
                new Flushed(8, 9, 900),
                6,
                250_000_000,
                500_000_000,
                failure);
    }
}
