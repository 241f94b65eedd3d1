// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

/**
 * The kernel clock that a packet is stamped with: {@code enum flow_clock} of {@code bpf/flow.h}, in
 * its order.
 */
public enum FlowClock {
    /** The scheduler tick: free to read, 1 to 10 ms fine. */
    JIFFIES,
    /** CLOCK_MONOTONIC_COARSE: as fine as the tick, in nanoseconds, some 10 ns a packet. */
    COARSE,
    /** CLOCK_BOOTTIME: nanoseconds, some 30 ns a packet. */
    BOOT
}
