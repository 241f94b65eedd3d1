// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

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
}
