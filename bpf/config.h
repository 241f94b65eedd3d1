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
 * Slots in one half of the log: the flows that one epoch can hold, at most
 * 1 << 23. The map slots must have twice as many entries.
 */
const volatile __u32 slots_per_half = 1 << 17;

/*
 * The packet that takes this slot (counted from 0 in its half) asks user space,
 * through the ring buffer, to end the epoch early. At slots_per_half or above
 * nobody asks.
 */
const volatile __u32 slots_high_water = (1 << 17) / 4 * 3;

/*
 * Entries of the map index: a power of two, at least twice slots_per_half, so
 * that half of them stay free and searches short.
 */
const volatile __u32 index_entries = 1 << 18;

/*
 * Goes into the hash of a flow. A random one keeps strangers from sending flows
 * that all meet in one place of the index.
 */
const volatile __u64 hash_seed = 0;

/*
 * Interfaces and directions that have counters of their own: a power of two. The
 * map interfaces must have one entry more, for every CPU that is possible.
 */
const volatile __u32 interfaces_max = 1 << 10;

/*
 * Entries of the map stamps: a power of two. Only the programs time_* and
 * stamp_ingress use it.
 */
const volatile __u32 stamp_sets = 1 << 13;

/*
 * Pairs of interfaces that have a latency of their own: a power of two. The map
 * latencies must have one entry more, for every CPU that is possible.
 */
const volatile __u32 latencies_max = 1 << 10;

/*
 * The clock that first and last are read from, an enum flow_clock. Jiffies cost
 * nothing and are exact to a tick (1 to 10 ms); the coarse clock ticks as slowly,
 * but tells nanoseconds; the boot clock is exact, and costs the most.
 */
const volatile __u32 flow_clock = FLOW_CLOCK_JIFFIES;

#endif
