// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.BpfObject;
import io.linuxflow.bpf.BpfProgram;
import io.linuxflow.bpf.Clock;
import io.linuxflow.bpf.MappedMemory;

/**
 * Reads the flow clock beside CLOCK_MONOTONIC, by running the program {@code read_clock}, and so
 * relates it to wall time.
 *
 * <p>The tick counter follows CLOCK_MONOTONIC, a tick apart (tick_do_update_jiffies64() in
 * kernel/time/tick-sched.c). How long a tick is, the resolution of the coarse clocks tells; its
 * phase is observed.
 */
final class KernelClock {

    private final FlowClock clock;
    private final BpfProgram program;
    private final MappedMemory reading;
    private final long nanosPerUnit;

    /** CLOCK_MONOTONIC at tick 0, were there one: the earliest that any reading allows. */
    private long tickZero;

    private record Reading(long flow, long monotonic) {}

    KernelClock(BpfObject object, FlowClock clock) {
        this.clock = clock;
        program = object.program("read_clock");
        reading = object.global("clock_reading");
        nanosPerUnit = clock == FlowClock.JIFFIES ? Clock.tickNanos() : 1;
        if (clock == FlowClock.JIFFIES) {
            Reading tick = nextTick();
            tickZero = tick.monotonic - tick.flow * nanosPerUnit;
        }
    }

    /** How flow times of this moment and the recent past become wall times. */
    WallClock now() {
        Reading now = read();
        long monotonic = now.monotonic;
        if (clock == FlowClock.JIFFIES) {
            // A reading is up to a tick later than the tick it shows; the least late one is the
            // truest.
            tickZero = Math.min(tickZero, now.monotonic - now.flow * nanosPerUnit);
            monotonic = tickZero + now.flow * nanosPerUnit;
        }
        return new WallClock(
                now.flow, monotonic + Clock.realtimeMinusMonotonicNanos(), nanosPerUnit);
    }

    private Reading nextTick() {
        long before = read().flow;
        Reading now;
        do {
            now = read();
        } while (now.flow == before);
        return now;
    }

    private Reading read() {
        program.run();
        return new Reading(reading.getLongAcquire(0), reading.getLongAcquire(8));
    }
}
