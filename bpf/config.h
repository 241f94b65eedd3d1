/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Knobs. User space sets them before the object is loaded; the verifier then
 * knows them as constants and drops the branches that can't be taken.
 */
#ifndef LINUX_FLOW_EXPORTER_CONFIG_H
#define LINUX_FLOW_EXPORTER_CONFIG_H

#include <linux/types.h>
#include "flow.h"

/*
 * Slots in one half of the log: the flows that one epoch can hold. The map
 * slots must have twice as many entries.
 */
const volatile __u32 slots_per_half = 1 << 17;

/*
 * The packet that takes this slot asks user space, through the ring buffer, to
 * end the epoch early. At slots_per_half or above nobody asks.
 */
const volatile __u32 slots_high_water = (1 << 17) / 4 * 3;

/*
 * The clock that first and last are read from, an enum flow_clock. Jiffies cost
 * nothing and are exact to a tick (1 to 10 ms), which is what IPFIX milliseconds
 * are mostly used for; the coarse clock ticks as slowly, but in nanoseconds; the
 * boot clock is exact to the nanosecond and costs the most.
 */
const volatile __u32 flow_clock = FLOW_CLOCK_JIFFIES;

#endif
