// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.metering.MeterStatus;
import java.time.Duration;

/** What the component needs of {@link io.linuxflow.metering.Meter}, whose contract it has. */
interface FlowMeter extends AutoCloseable {

    /** What the component needs of {@link io.linuxflow.metering.FlowQueue}. */
    interface Queue {
        FlowBatch poll(Duration timeout) throws InterruptedException;

        boolean isEnded();

        int queuedFlows();

        long droppedFlows();

        boolean isStalled();

        void close();
    }

    Queue subscribe(String name, int capacity);

    void start();

    void flush();

    MeterStatus status();

    @Override
    void close();
}
