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
 * <p>The tick has no file that tells its length or its phase, so both are observed. The kernel
 * counts ticks on CLOCK_MONOTONIC, {@code TICK_NSEC} apart, so a tick that is watched coming gives
 * the phase, and a second one, some time later, the length, of which there are few: one is {@code
 * 1e9 / CONFIG_HZ}.
 */
final class KernelClock {

    /** The values of CONFIG_HZ that architectures offer (kernel/Kconfig.hz and alpha, mips). */
    private static final int[] HZ = {
        24, 32, 48, 64, 100, 128, 250, 256, 300, 512, 1000, 1024, 1200
    };

    private static final long CALIBRATION_NANOS = 60_000_000;

    private final FlowClock clock;
    private final BpfProgram program;
    private final MappedMemory reading;
    private final long nanosPerTick;

    /** CLOCK_MONOTONIC at tick 0, were there one: the earliest that any reading allows. */
    private long tickZero;

    private record Reading(long flow, long monotonic) {}

    KernelClock(BpfObject object, FlowClock clock) {
        this.clock = clock;
        program = object.program("read_clock");
        reading = object.global("clock_reading");
        if (clock == FlowClock.JIFFIES) {
            Reading first = nextTick();
            Reading second;
            do {
                second = nextTick();
            } while (second.monotonic - first.monotonic < CALIBRATION_NANOS);
            nanosPerTick = nanosPerTick(first, second);
            tickZero = second.monotonic - second.flow * nanosPerTick;
        } else {
            nanosPerTick = 1;
        }
    }

    /** How flow times of this moment and the recent past become wall times. */
    WallClock now() {
        Reading now = read();
        long epochNanos = Clock.realtimeNanos() - Clock.monotonicNanos() + now.monotonic;
        if (clock != FlowClock.JIFFIES) {
            return new WallClock(now.flow, epochNanos, 1);
        }
        // A reading is up to a tick later than the tick it shows; the least late one is the truest.
        tickZero = Math.min(tickZero, now.monotonic - now.flow * nanosPerTick);
        long sinceTick = now.monotonic - (tickZero + now.flow * nanosPerTick);
        return new WallClock(now.flow, epochNanos - sinceTick, nanosPerTick);
    }

    private static long nanosPerTick(Reading first, Reading second) {
        double hz = 1e9 * (second.flow - first.flow) / (second.monotonic - first.monotonic);
        int best = HZ[0];
        for (int candidate : HZ) {
            if (Math.abs(Math.log(candidate / hz)) < Math.abs(Math.log(best / hz))) {
                best = candidate;
            }
        }
        return (1_000_000_000L + best / 2) / best;
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
