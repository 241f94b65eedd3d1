// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.metering.FlowQueue;
import io.linuxflow.metering.Meter;
import io.linuxflow.metering.MeterOptions;
import io.linuxflow.metering.MeterStatus;
import java.time.Duration;

/** The meter there is outside tests. */
final class KernelMeter implements FlowMeter {

    private record KernelQueue(FlowQueue queue) implements Queue {
        @Override
        public FlowBatch poll(Duration timeout) throws InterruptedException {
            return queue.poll(timeout);
        }

        @Override
        public boolean isEnded() {
            return queue.isEnded();
        }

        @Override
        public int queuedFlows() {
            return queue.queuedFlows();
        }

        @Override
        public long droppedFlows() {
            return queue.droppedFlows();
        }

        @Override
        public boolean isStalled() {
            return queue.isStalled();
        }

        @Override
        public void close() {
            queue.close();
        }
    }

    private final Meter meter;

    KernelMeter(MeterOptions options) {
        this.meter = new Meter(options);
    }

    @Override
    public Queue subscribe(String name, int capacity) {
        return new KernelQueue(meter.subscribe(name, capacity));
    }

    @Override
    public void start() {
        meter.start();
    }

    @Override
    public void flush() {
        meter.flush();
    }

    @Override
    public MeterStatus status() {
        return meter.status();
    }

    @Override
    public void close() {
        meter.close();
    }
}
