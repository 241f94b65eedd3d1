// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowLayout.FIRST;
import static io.linuxflow.flow.FlowLayout.LAST;
import static io.linuxflow.flow.FlowLayout.LONG;

import java.nio.ByteBuffer;

/**
 * A line from the flow clock to wall time, good for one drain: it is drawn anew each time, so that
 * steps of the system's time and suspends don't skew flows.
 *
 * @param flowClock a reading of the flow clock
 * @param epochNanos nanoseconds since 1970 UTC at that reading
 * @param nanosPerUnit length of the flow clock's unit
 */
record WallClock(long flowClock, long epochNanos, long nanosPerUnit) {

    /** Nanoseconds since 1970 UTC of a reading of the flow clock. */
    long epochNanos(long reading) {
        return epochNanos + (reading - flowClock) * nanosPerUnit;
    }

    /** Turns the times of a flow record from readings of the flow clock into wall time. */
    void convert(byte[] records, int at) {
        LONG.set(records, at + FIRST, epochNanos((long) LONG.get(records, at + FIRST)));
        LONG.set(records, at + LAST, epochNanos((long) LONG.get(records, at + LAST)));
    }

    /** The same of a record in memory in host byte order. */
    void convert(ByteBuffer records, int at) {
        records.putLong(at + FIRST, epochNanos(records.getLong(at + FIRST)));
        records.putLong(at + LAST, epochNanos(records.getLong(at + LAST)));
    }
}
