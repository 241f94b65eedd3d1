/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps and globals. Sizes are what a plain load gets; user space sets its own.
 */
#ifndef LINUX_FLOW_EXPORTER_MAPS_H
#define LINUX_FLOW_EXPORTER_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"

/*
 * Where the slot of a flow is: an open-addressed hash table of references,
 * index_entries of them. A reference is (epoch + 1) << 32 | tag << 24 | slot, the
 * tag being 8 bits of the hash; 0 was never used, and one of another epoch is
 * free again. So nothing is ever deleted, and a new epoch starts with an empty
 * table. 8 bytes a flow.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << 18);
	__type(key, __u32);
	__type(value, __u64);
} index SEC(".maps");

/*
 * The slot log: slot number -> flow. The half of epoch e starts at
 * (e & 1) * slots_per_half, so this has 2 * slots_per_half entries. User space
 * reads the half that is not in use through mmap.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 << 17);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct flow_slot);
} slots SEC(".maps");

/*
 * What became of the packets of an interface. Each CPU has a stretch of this array
 * to itself: an open-addressed hash table of interfaces_max entries (so the same
 * interface may be at another place on another CPU), and behind it one entry, with
 * ifindex 0, for all that found no place. The stretch of CPU n starts at
 * n * (interfaces_max + 1).
 *
 * User space adds up what belongs to an interface. When an interface is gone,
 * nobody writes to its entries any more, so user space takes them back: it zeroes
 * the counters and then, last, ifindex. A per-CPU array would have to be written
 * for all CPUs at once, and could not be mapped.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, (1 << 10) + 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct interface_counters);
} interfaces SEC(".maps");

/*
 * What got no slot: pair of interfaces -> traffic. Once it is full, further
 * pairs show in interfaces only.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct interface_pair);
	__type(value, struct traffic);
} overflow SEC(".maps");

/*
 * What is not to be metered: transport session -> 1. The few sessions of the
 * exporter itself.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct excluded_session);
	__type(value, __u8);
} excluded SEC(".maps");

/*
 * struct slots_event, at most one an epoch. As small as the largest page there is
 * (64 KiB, arm64) lets it be.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");

/* The current epoch. Only user space writes it. */
volatile __u32 epoch __attribute__((aligned(CACHE_LINE)));

/*
 * Slots taken in each half; a few more than there are once it is full. User
 * space resets that of the half it has read.
 */
struct slot_counter slots_used[2];

/* The answer of the program read_clock. */
struct clock_reading clock_reading __attribute__((aligned(CACHE_LINE)));

#endif
