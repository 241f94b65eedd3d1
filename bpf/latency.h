/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long packets take from the ingress hook of the interface they came in by, where
 * they are stamped, to the first egress hook that they pass.
 *
 * Many packets are stamped before the first of them is forwarded (the kernel
 * receives lists of them), so each needs a stamp of its own. Nothing is written to
 * the packet: stamps are found by the address of the skb, which stays the same all
 * the way. An skb whose ingress_ifindex is that of a stamped interface went through
 * its ingress hook last, so what a former skb at that address left was overwritten
 * then. That is not so for copies that the kernel makes on the way: what is
 * sent to many is not measured, and a stamp is used once, so a fragment or segment
 * only ever finds that of a former packet which came by the same interface and was
 * not sent on.
 */
#ifndef LINUX_FLOW_EXPORTER_LATENCY_H
#define LINUX_FLOW_EXPORTER_LATENCY_H

#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <bpf/bpf_helpers.h>
#include "config.h"
#include "flow.h"
#include "maps.h"

/* Addresses differ from here on: most skbs are 256 octets apart. */
#define SKB_BITS 8

/*
 * The address of the skb, but for a constant: the verifier lets the difference of two
 * pointers be a number, and nothing else.
 */
static __always_inline __u64 identify(struct __sk_buff *skb)
{
	__u64 address = (__u64)skb;

	asm volatile("%0 -= %1" : "+r"(address) : "r"(&stamps));
	return address;
}

static __always_inline struct stamp_set *find_stamps(__u64 skb)
{
	__u32 at = skb >> SKB_BITS & (stamp_sets - 1);

	return bpf_map_lookup_elem(&stamps, &at);
}

static __always_inline void stamp(struct __sk_buff *packet)
{
	__u64 skb = identify(packet);
	struct stamp_set *set = find_stamps(skb);
	volatile struct stamp *stamp, *other;

	if (!set)
		return;
	stamp = &set->stamps[0];
	other = &set->stamps[1];
	if (other->skb == skb || (stamp->skb != skb && other->time < stamp->time))
		stamp = other;
	/* Another CPU may have been given the same place: never show it what is half written. */
	stamp->skb = 0;
	stamp->time = bpf_ktime_get_ns();
	stamp->ingress_ifindex = packet->ifindex;
	stamp->skb = skb;
}

/* When the skb came in by that interface; 0 if it got no stamp, or it was taken before. */
static __always_inline __u64 take_stamp(struct __sk_buff *packet, __u32 ingress_ifindex)
{
	__u64 skb = identify(packet);
	struct stamp_set *set = find_stamps(skb);

	if (!set)
		return 0;
#pragma unroll
	for (int i = 0; i < 2; i++) {
		volatile struct stamp *stamp = &set->stamps[i];
		__u64 time;

		if (stamp->skb != skb)
			continue;
		time = stamp->ingress_ifindex == ingress_ifindex ? stamp->time : 0;
		if (stamp->skb != skb)
			return 0;
		stamp->skb = 0;
		stamp->time = 0;
		return time;
	}
	return 0;
}

/* At egress: adds what packets took, which are one skb. */
static __always_inline void add_latency(struct __sk_buff *skb, __u64 packets)
{
	__u32 ingress = skb->ingress_ifindex, egress = skb->ifindex;
	struct latency *latency;
	__u64 begin = 0;

	if (!ingress)
		return;
	latency = find_on_this_cpu(&latencies, &latencies_max, ingress * 0x9e3779b1 + egress,
				   ingress, egress);
	if (!latency)
		return;
	if (skb->pkt_type != PACKET_BROADCAST && skb->pkt_type != PACKET_MULTICAST)
		begin = take_stamp(skb, ingress);
	if (begin) {
		__s64 took = bpf_ktime_get_ns() - begin;

		latency->nanoseconds += took > 0 ? took * packets : 0;
		latency->packets += packets;
	} else {
		latency->unmeasured += packets;
	}
}

#endif
