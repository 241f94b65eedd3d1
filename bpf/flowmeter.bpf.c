// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The flow meter: counts the packets that pass a tc hook, by flow.
 *
 * Flows are kept in a slot log. Time is cut into epochs, which user space ends
 * by incrementing the global epoch; an epoch owns one half of the slots.
 *
 *  1. Parse the packet into a flow of its own (parse.h). What is not IP or is
 *     malformed is only counted.
 *  2. Look its key up in the index. If that names a slot of this epoch, and the
 *     slot has this key, add the packet to the slot. Done.
 *  3. Else it is the flow's first packet in the epoch. Unless its session is
 *     excluded, take the next free slot of the half, copy the flow to it, and
 *     then publish it in the index.
 *  4. When the half is full, the packet is counted as overflow.
 *
 * The index is a hint: its elements are recycled without a grace period, so a
 * value may be another key's by the time it is read or written, and an insertion
 * may fail. In all these cases the flow gets one more slot in the epoch, and
 * every packet is still counted once.
 *
 * User space bumps epoch, waits one RCU grace period, and then owns the other
 * half: every program run that saw the old epoch has ended.
 *
 * Never changes, drops or delays a packet, and lets other programs have it.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "config.h"
#include "flow.h"
#include "maps.h"
#include "parse.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

typedef __u64 __attribute__((may_alias)) word;

static __always_inline __u64 read_flow_clock(void)
{
	switch (flow_clock) {
	case FLOW_CLOCK_COARSE:
		return bpf_ktime_get_coarse_ns();
	case FLOW_CLOCK_BOOT:
		return bpf_ktime_get_boot_ns();
	default:
		return bpf_jiffies64();
	}
}

static __always_inline _Bool same_key(const struct flow_key *a, const struct flow_key *b)
{
	const word *x = (const word *)a, *y = (const word *)b;

#pragma unroll
	for (unsigned int i = 0; i < sizeof(*a) / sizeof(word); i++)
		if (x[i] != y[i])
			return 0;
	return 1;
}

static __always_inline struct interface_counters *find_counters(__u32 ifindex,
								enum flow_direction direction)
{
	struct interface_key key = {.ifindex = ifindex, .direction = direction};
	struct interface_counters *counters = bpf_map_lookup_elem(&interfaces, &key);

	if (unlikely(!counters)) {
		struct interface_counters zero = {};

		bpf_map_update_elem(&interfaces, &key, &zero, BPF_NOEXIST);
		counters = bpf_map_lookup_elem(&interfaces, &key);
	}
	return counters;
}

/* For per-CPU counters: nothing else runs on this CPU meanwhile. */
static __always_inline void count(struct traffic *traffic, const struct flow_slot *flow)
{
	traffic->packets += flow->packets;
	traffic->octets += flow->octets;
}

static __always_inline void count_overflow(const struct flow_slot *flow)
{
	struct interface_pair key = {
		.ingress_ifindex = flow->key.ingress_ifindex,
		.egress_ifindex = flow->key.egress_ifindex,
	};
	struct traffic *traffic = bpf_map_lookup_elem(&overflow, &key);

	if (!traffic) {
		struct traffic zero = {};

		bpf_map_update_elem(&overflow, &key, &zero, BPF_NOEXIST);
		traffic = bpf_map_lookup_elem(&overflow, &key);
		if (!traffic)
			return;
	}
	__sync_fetch_and_add(&traffic->packets, flow->packets);
	__sync_fetch_and_add(&traffic->octets, flow->octets);
}

static __always_inline _Bool is_excluded(const struct flow_key *key)
{
	struct excluded_session session = {
		.source_port = key->source_port,
		.destination_port = key->destination_port,
		.protocol = key->protocol,
	};

	__builtin_memcpy(session.source_address, key->source_address, 16);
	__builtin_memcpy(session.destination_address, key->destination_address, 16);
	return bpf_map_lookup_elem(&excluded, &session) != NULL;
}

/* Adds a packet to the slot of its flow. */
static __always_inline void add_to_slot(struct flow_slot *slot, const struct flow_slot *flow)
{
	__sync_fetch_and_add(&slot->packets, flow->packets);
	__sync_fetch_and_add(&slot->octets, flow->octets);
	slot->last = flow->last;
	if (unlikely(flow->tcp_flags & ~slot->tcp_flags)) {
		/* Atomics need a word: the flags, and two octets that get no bits. */
		union {
			__u16 flags;
			__u32 word;
		} bits = {.word = 0};

		bits.flags = flow->tcp_flags;
		__sync_fetch_and_or((__u32 *)&slot->tcp_flags, bits.word);
	}
	if (unlikely(flow->end_reason))
		slot->end_reason = flow->end_reason;
	/* Not atomic: of two new extremes at the same instant either may stay. */
	if (unlikely(flow->min_ttl < slot->min_ttl))
		slot->min_ttl = flow->min_ttl;
	if (unlikely(flow->max_ttl > slot->max_ttl))
		slot->max_ttl = flow->max_ttl;
}

/* Takes the next free slot of the epoch; its number, or negative when all are taken. */
static __always_inline __s64 take_slot(__u32 now)
{
	struct slot_counter *used = &slots_used[now & 1];
	__u32 n;

	/* Don't count on when it is full: the counter would wrap some day. */
	if (*(volatile __u32 *)&used->taken >= slots_per_half)
		return -1;
	n = __sync_fetch_and_add(&used->taken, 1);
	if (n >= slots_per_half)
		return -1;
	if (n == slots_high_water) {
		struct slots_event event = {.epoch = now, .used = n + 1};

		bpf_ringbuf_output(&events, &event, sizeof(event), 0);
	}
	return (__u64)(now & 1) * slots_per_half + n;
}

/*
 * The first packet of a flow in this epoch. Entry is what the index has for its
 * key, if anything.
 */
static __noinline int start_flow(const struct flow_slot *flow, __u64 *entry, __u32 now,
				 struct interface_counters *counters)
{
	struct flow_slot *slot;
	__s64 number;
	__u32 key;
	__u64 value;

	if (is_excluded(&flow->key)) {
		count(&counters->excluded, flow);
		return 0;
	}
	number = take_slot(now);
	key = number;
	slot = number < 0 ? NULL : bpf_map_lookup_elem(&slots, &key);
	if (!slot) {
		count(&counters->overflow, flow);
		count_overflow(flow);
		return 0;
	}
	*slot = *flow;

	/* Publish, once the slot is complete. */
	value = (__u64)key << 32 | now;
	if (entry)
		__sync_lock_test_and_set(entry, value);
	else
		bpf_map_update_elem(&index, &flow->key, &value, BPF_ANY);
	return 0;
}

static __always_inline int meter(struct __sk_buff *skb, __u32 link_header,
				 enum flow_direction direction)
{
	struct interface_counters *counters = find_counters(skb->ifindex, direction);
	struct flow_slot flow = {};
	__u64 *entry;
	__u32 now;

	if (!counters)
		return TC_ACT_UNSPEC;
	switch (parse(skb, link_header, direction, &flow)) {
	case NON_IP:
		count(&counters->non_ip, &flow);
		break;
	case MALFORMED:
		count(&counters->malformed, &flow);
		break;
	case METERED:
		flow.first = flow.last = read_flow_clock();
		now = epoch;
		entry = bpf_map_lookup_elem(&index, &flow.key);
		if (likely(entry)) {
			__u64 value = *(volatile __u64 *)entry;
			__u32 number = value >> 32;
			struct flow_slot *slot;

			if ((__u32)value == now) {
				slot = bpf_map_lookup_elem(&slots, &number);
				if (slot && same_key(&slot->key, &flow.key)) {
					add_to_slot(slot, &flow);
					break;
				}
			}
		}
		start_flow(&flow, entry, now, counters);
	}
	count(&counters->seen, &flow);
	return TC_ACT_UNSPEC;
}

/* Devices with an Ethernet header. */
SEC("tc")
int flow_ingress(struct __sk_buff *skb)
{
	return meter(skb, ETH_HLEN, FLOW_INGRESS);
}

SEC("tc")
int flow_egress(struct __sk_buff *skb)
{
	return meter(skb, ETH_HLEN, FLOW_EGRESS);
}

/* Devices without a link layer header (tun, WireGuard, IP tunnels): data starts with IP. */
SEC("tc")
int flow_ingress_l3(struct __sk_buff *skb)
{
	return meter(skb, 0, FLOW_INGRESS);
}

SEC("tc")
int flow_egress_l3(struct __sk_buff *skb)
{
	return meter(skb, 0, FLOW_EGRESS);
}

/*
 * Run by user space (BPF_PROG_TEST_RUN) at every drain: with both clocks read at
 * one moment it can tell what time the flow clock shows.
 */
SEC("syscall")
int read_clock(void *context __attribute__((unused)))
{
	__u64 monotonic = bpf_ktime_get_ns();

	/* The coarse clock is the monotonic one; this type of program has no helper for it. */
	clock_reading.flow = flow_clock == FLOW_CLOCK_COARSE ? monotonic : read_flow_clock();
	clock_reading.monotonic = monotonic;
	return 0;
}
