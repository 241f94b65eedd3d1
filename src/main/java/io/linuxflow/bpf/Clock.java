// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibC.libc;

/** The kernel's clocks (clock_gettime(2)), in nanoseconds. */
public final class Clock {

    private static final int CLOCK_REALTIME = 0;
    private static final int CLOCK_MONOTONIC = 1;
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

    private static long read(int clock) {
        long[] timespec = new long[2];
        LibC.check("read clock " + clock, libc().clock_gettime(clock, timespec));
        return timespec[0] * SECOND + timespec[1];
    }
}
