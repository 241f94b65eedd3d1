// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The flow meter: counts the packets that pass a tc hook, by flow.
 *
 * Flows are kept in a slot log. Time is cut into epochs, which user space ends by
 * incrementing the global epoch; an epoch owns one half of the slots.
 *
 *  1. Parse the packet into a flow of its own (parse.h). What is not IP, or is
 *     malformed, is only counted.
 *  2. Look for its slot: probe the index from where the hash of the key points,
 *     until a reference of this epoch leads to a slot with this key, or until one
 *     is of another epoch, and so is free.
 *  3. Found: add the packet to the slot.
 *  4. Not found, so it is the flow's first packet in the epoch: unless its session
 *     is excluded, take the next slot of the half, copy the flow to it, and only
 *     then put a reference into the free place. When the half is full, count the
 *     packet as overflow.
 *
 * The keys in the slots are the truth and the index is only a way to find them. A
 * flow whose reference was lost (two CPUs started it at once or wanted one place,
 * or there was no place near) gets one more slot in the epoch, and every packet is
 * still counted exactly once.
 *
 * User space increments epoch, waits one RCU grace period, and then owns the other
 * half: every run that saw the old epoch has ended.
 *
 * Never changes, drops or delays a packet, and lets other programs have it.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "config.h"
#include "flow.h"
#include "maps.h"
#include "latency.h"
#include "parse.h"

#define MAX_INDEX_PROBES 24	/* with half of the entries taken, one flow in 2^24 finds no place */
#define SLOT_BITS 24

char LICENSE[] SEC("license") = "Dual BSD/GPL";

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

typedef __u64 __attribute__((may_alias)) word;

static __always_inline _Bool same_key(const struct flow_key *a, const struct flow_key *b)
{
	const word *x = (const word *)a, *y = (const word *)b;

#pragma unroll
	for (unsigned int i = 0; i < sizeof(*a) / sizeof(word); i++)
		if (x[i] != y[i])
			return 0;
	return 1;
}

/* The counters of an interface on this CPU. */
static __always_inline struct interface_counters *find_counters(__u32 ifindex,
								enum flow_direction direction)
{
	return find_on_this_cpu(&interfaces, &interfaces_max, 2 * ifindex + direction, ifindex,
				direction);
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
	/* A packet of another CPU may have overtaken this one; no flow ends before it begins. */
	if (likely(flow->last > slot->last))
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
 * The first packet of a flow in this epoch takes a slot. Entry of the index, if
 * there is one, was free when it held old; it gets the reference.
 */
static __always_inline void start_flow(const struct flow_slot *flow, __u32 now, __u64 *entry,
				       __u64 old, __u64 reference,
				       struct interface_counters *counters)
{
	struct flow_slot *slot = NULL;
	__s64 number;
	__u32 key;

	if (is_excluded(&flow->key)) {
		count(&counters->excluded, flow);
		return;
	}
	number = take_slot(now);
	key = number;
	if (number >= 0)
		slot = bpf_map_lookup_elem(&slots, &key);
	if (!slot) {
		count(&counters->overflow, flow);
		count_overflow(flow);
		return;
	}
	*slot = *flow;

	/* Publish, now that the slot is complete, unless another flow was faster. */
	if (entry)
		__sync_val_compare_and_swap(entry, old, reference | key);
}

/*
 * Words are mixed independently of one another, so a CPU works on all at once.
 * Multiplying moves bits up only, so the upper half of a word goes into its lower
 * one first: an IPv4 address is in the upper.
 */
static __always_inline __u64 hash(const struct flow_key *key)
{
	static const __u64 odd[] = {
		0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93,
		0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3,
	};
	__u64 seed = hash_seed, sum = 0;

#pragma unroll
	for (unsigned int i = 0; i < sizeof(*key) / sizeof(word); i++) {
		__u64 mixed = ((const word *)key)[i] ^ seed;

		sum += (mixed ^ mixed >> 32) * odd[i];
	}
	sum = (sum ^ sum >> 32) * 0x589965cc75374cc3;
	return sum ^ sum >> 32;
}

/* Adds a packet to the slot of its flow, whether it has one yet or not. */
static __always_inline void add_to_log(const struct flow_slot *flow,
				       struct interface_counters *counters)
{
	__u32 now = epoch;
	__u64 h = hash(&flow->key);
	__u64 reference = (__u64)(now + 1) << 32 | (h & 0xff) << SLOT_BITS;
	__u32 position = h >> 32;
	__u64 *entry = NULL, value = 0;

	for (int i = 1; i <= MAX_INDEX_PROBES; i++) {
		__u32 at = position & (index_entries - 1);

		entry = bpf_map_lookup_elem(&index, &at);
		if (!entry)
			break;
		value = *(volatile __u64 *)entry;
		if (likely(value >> SLOT_BITS == reference >> SLOT_BITS)) {
			__u32 number = value & ((1 << SLOT_BITS) - 1);
			struct flow_slot *slot = bpf_map_lookup_elem(&slots, &number);

			if (slot && likely(same_key(&slot->key, &flow->key))) {
				add_to_slot(slot, flow);
				return;
			}
		} else if (value >> 32 != now + 1) {
			break;
		}
		entry = NULL;
		position += i;	/* 1, 3, 6, ... from the first: no clusters */
	}
	start_flow(flow, now, entry, value, reference, counters);
}

static __always_inline int meter(struct __sk_buff *skb, __u32 link_header,
				 enum flow_direction direction, _Bool timed)
{
	struct interface_counters *counters;
	struct flow_slot flow = {};

	if (timed && direction == FLOW_INGRESS)
		stamp(skb);
	counters = find_counters(skb->ifindex, direction);
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
		if (timed && direction == FLOW_EGRESS)
			add_latency(skb, flow.packets);
		flow.first = flow.last = read_flow_clock();
		add_to_log(&flow, counters);
	}
	count(&counters->seen, &flow);
	return TC_ACT_UNSPEC;
}

/* Devices with an Ethernet header. */
SEC("tc")
int flow_ingress(struct __sk_buff *skb)
{
	return meter(skb, ETH_HLEN, FLOW_INGRESS, 0);
}

SEC("tc")
int flow_egress(struct __sk_buff *skb)
{
	return meter(skb, ETH_HLEN, FLOW_EGRESS, 0);
}

/* Devices without a link layer header (tun, WireGuard, IP tunnels): data starts with IP. */
SEC("tc")
int flow_ingress_l3(struct __sk_buff *skb)
{
	return meter(skb, 0, FLOW_INGRESS, 0);
}

SEC("tc")
int flow_egress_l3(struct __sk_buff *skb)
{
	return meter(skb, 0, FLOW_EGRESS, 0);
}

/* The same programs with latency; loaded instead of those when it is to be measured. */
SEC("?tc")
int time_ingress(struct __sk_buff *skb)
{
	return meter(skb, ETH_HLEN, FLOW_INGRESS, 1);
}

SEC("?tc")
int time_egress(struct __sk_buff *skb)
{
	return meter(skb, ETH_HLEN, FLOW_EGRESS, 1);
}

SEC("?tc")
int time_ingress_l3(struct __sk_buff *skb)
{
	return meter(skb, 0, FLOW_INGRESS, 1);
}

SEC("?tc")
int time_egress_l3(struct __sk_buff *skb)
{
	return meter(skb, 0, FLOW_EGRESS, 1);
}

/* Where packets are metered at egress only. */
SEC("?tc")
int stamp_ingress(struct __sk_buff *skb)
{
	stamp(skb);
	return TC_ACT_UNSPEC;
}

/*
 * Run by user space (BPF_PROG_TEST_RUN) at every drain: with both clocks read at
 * one moment it can tell what time the flow clock shows.
 */
SEC("syscall")
int read_clock(void *context __attribute__((unused)))
{
	/* The coarse clock is this one as of the last tick; programs of this type can't read it. */
	__u64 flow = flow_clock == FLOW_CLOCK_COARSE ? bpf_ktime_get_ns() : read_flow_clock();

	/* In this order: what holds up the CPU in between can only make the tick look old. */
	clock_reading.monotonic = bpf_ktime_get_ns();
	clock_reading.flow = flow;
	return 0;
}
