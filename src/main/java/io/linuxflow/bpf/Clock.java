// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibC.libc;

import java.util.function.ToIntBiFunction;

/** The kernel's clocks (clock_gettime(2)), in nanoseconds. */
public final class Clock {

    private static final int CLOCK_REALTIME = 0;
    private static final int CLOCK_MONOTONIC = 1;
    private static final int CLOCK_MONOTONIC_COARSE = 6;
    private static final int CLOCK_BOOTTIME = 7;
    private static final long SECOND = 1_000_000_000L;

    private Clock() {}

    /** Since boot, without the time suspended; the clock of bpf_ktime_get_ns(). */
    public static long monotonicNanos() {
        return read(CLOCK_MONOTONIC);
    }

    /** Since boot; the clock of bpf_ktime_get_boot_ns(). */
    public static long bootNanos() {
        return read(CLOCK_BOOTTIME);
    }

    /** Since 1970-01-01 UTC. */
    public static long realtimeNanos() {
        return read(CLOCK_REALTIME);
    }

    /**
     * What CLOCK_REALTIME shows more than CLOCK_MONOTONIC. The closest of a few readings: one alone
     * is wrong by as long as something held up this thread in the middle of it.
     */
    public static long realtimeMinusMonotonicNanos() {
        long closest = Long.MAX_VALUE;
        long difference = 0;
        for (int attempt = 0; attempt < 3; attempt++) {
            long before = monotonicNanos();
            long realtime = realtimeNanos();
            long elapsed = monotonicNanos() - before;
            if (elapsed < closest) {
                closest = elapsed;
                difference = realtime - (before + elapsed / 2);
            }
        }
        return difference;
    }

    /**
     * The length of a tick: TICK_NSEC of include/linux/jiffies.h, which is the resolution of the
     * coarse clocks.
     */
    public static long tickNanos() {
        return time("resolution of", CLOCK_MONOTONIC_COARSE, libc()::clock_getres);
    }

    private static long read(int clock) {
        return time("read", clock, libc()::clock_gettime);
    }

    private static long time(String what, int clock, ToIntBiFunction<Integer, long[]> call) {
        long[] timespec = new long[2];
        LibC.check(what + " clock " + clock, call.applyAsInt(clock, timespec));
        return timespec[0] * SECOND + timespec[1];
    }
}
