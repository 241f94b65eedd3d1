/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps and globals. Sizes are what a plain load gets; user space sets its own.
 */
#ifndef LINUX_FLOW_EXPORTER_MAPS_H
#define LINUX_FLOW_EXPORTER_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

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
 * The stamps of packets on their way: where the address of their skb points to.
 * Two that point to the same place can both be kept; of three the oldest is lost.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << 13);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct stamp_set);
} stamps SEC(".maps");

/*
 * How long packets took, by pair of interfaces. Laid out as interfaces is, with
 * latencies_max entries and one.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, (1 << 10) + 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct latency);
} latencies SEC(".maps");

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

#define MAX_TABLE_PROBES 16

/*
 * The entry of this CPU in interfaces or latencies; those begin with the two words that
 * say whose they are, the first of which is 0 in a free one.
 */
static __always_inline void *find_on_this_cpu(void *table, const volatile __u32 *entries,
					      __u32 position, __u32 first, __u32 second)
{
	__u32 stretch = bpf_get_smp_processor_id() * (*entries + 1);
	__u32 at;

	for (int i = 0; i < MAX_TABLE_PROBES; i++) {
		__u32 *entry;

		at = stretch + ((position + i) & (*entries - 1));
		entry = bpf_map_lookup_elem(table, &at);
		if (!entry)
			return NULL;
		if (likely(entry[0] == first && entry[1] == second))
			return entry;
		if (!entry[0]) {
			entry[1] = second;
			entry[0] = first;
			return entry;
		}
	}
	at = stretch + *entries;
	return bpf_map_lookup_elem(table, &at);
}

#endif
