// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs that bench.c compares:
 *
 *	empty		what running a program costs at all
 *	classic		the classic flow meter: a wide key in a per-CPU hash, a
 *			nanosecond clock, and a hash of counters per interface;
 *			parses as the product does
 *	slot_log	the product, from its own source
 *
 * The packet is always the same; the flow is not: before it looks the flow up,
 * classic and slot_log mix a counter into the source address, which makes
 * flow_mask + 1 flows (a power of two) that take turns.
 */
#include "../../../bpf/flowmeter.bpf.c"

const volatile __u32 flow_mask = 0;

static __u32 packet_number;

static __always_inline void vary(__u8 *source_address)
{
	/* Odd, so all flows come in a round; and far apart, as hashes like it least. */
	*(__u32 *)(source_address + 12) ^= (packet_number++ * 2654435761u) & flow_mask;
}

SEC("tc")
int empty(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_UNSPEC;
}

/* As meter(), but for vary(). */
SEC("tc")
int slot_log(struct __sk_buff *skb)
{
	struct interface_counters *counters = find_counters(skb->ifindex, FLOW_EGRESS);
	struct flow_slot flow = {};

	if (!counters || parse(skb, ETH_HLEN, FLOW_EGRESS, &flow) != METERED)
		return TC_ACT_UNSPEC;
	vary(flow.key.source_address);
	flow.first = flow.last = read_flow_clock();
	add_to_log(&flow, counters);
	count(&counters->seen, &flow);
	return TC_ACT_UNSPEC;
}

struct classic_flow {
	__u64 packets;
	__u64 octets;
	__u64 first;
	__u64 last;
	__u32 fragment_id;
	__u16 tcp_flags;
	__u8 end_reason;
	__u8 padding;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1);
	__type(key, struct flow_key);	/* and the TOS in its reserved octet: 13 fields */
	__type(value, struct classic_flow);
} classic_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct traffic);
} classic_interfaces SEC(".maps");

SEC("tc")
int classic(struct __sk_buff *skb)
{
	struct flow_slot flow = {};
	struct classic_flow *known;
	struct traffic *traffic;
	struct flow_key key;
	__u32 ifindex = skb->ifindex;
	__u64 now;

	if (parse(skb, ETH_HLEN, FLOW_EGRESS, &flow) != METERED)
		return TC_ACT_UNSPEC;
	key = flow.key;
	vary(key.source_address);
	key.reserved = flow.tos;
	now = bpf_ktime_get_ns();

	known = bpf_map_lookup_elem(&classic_flows, &key);
	if (known) {
		known->packets += flow.packets;
		known->octets += flow.octets;
		known->last = now;
		known->tcp_flags |= flow.tcp_flags;
		known->end_reason |= flow.end_reason;
	} else {
		struct classic_flow new = {
			.packets = flow.packets,
			.octets = flow.octets,
			.first = now,
			.last = now,
			.fragment_id = flow.fragment_id,
			.tcp_flags = flow.tcp_flags,
			.end_reason = flow.end_reason,
		};

		bpf_map_update_elem(&classic_flows, &key, &new, BPF_ANY);
	}

	traffic = bpf_map_lookup_elem(&classic_interfaces, &ifindex);
	if (traffic) {
		count(traffic, &flow);
	} else {
		struct traffic new = {.packets = flow.packets, .octets = flow.octets};

		bpf_map_update_elem(&classic_interfaces, &ifindex, &new, BPF_ANY);
	}
	return TC_ACT_UNSPEC;
}
