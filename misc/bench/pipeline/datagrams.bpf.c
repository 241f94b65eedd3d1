// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A collector that costs nothing: at the ingress of a device it counts IPFIX
 * datagrams, to UDP port 4739, and drops them.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "datagrams.h"

#define IPFIX 4739

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct datagrams datagrams;

struct headers {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct udphdr udp;
	__be16 version, length;
	__be32 export_time, sequence;
} __attribute__((packed));

SEC("tc")
int count(struct __sk_buff *skb)
{
	__u64 now = bpf_ktime_get_ns();
	struct headers headers;

	if (bpf_skb_load_bytes(skb, 0, &headers, sizeof(headers)) ||
	    headers.ethernet.h_proto != bpf_htons(ETH_P_IP) ||
	    headers.ip.protocol != IPPROTO_UDP || headers.udp.dest != bpf_htons(IPFIX))
		return TC_ACT_UNSPEC;
	if (!datagrams.count) {
		datagrams.first = now;
		datagrams.sequence = bpf_ntohl(headers.sequence);
	}
	datagrams.last = now;
	/* What the kernel would have cut into datagrams still is one packet. */
	__sync_fetch_and_add(&datagrams.count, skb->gso_segs ?: 1);
	__sync_fetch_and_add(&datagrams.octets, skb->len - ETH_HLEN);
	return TC_ACT_SHOT;
}
