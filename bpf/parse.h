/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From an skb to the flow that it alone would be.
 *
 * Only reads: headers are copied to the stack, from the linear part of the skb
 * if they are there and from its fragments otherwise.
 */
#ifndef LINUX_FLOW_EXPORTER_PARSE_H
#define LINUX_FLOW_EXPORTER_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Protocols that linux/in.h and linux/if_ether.h leave out or name elsewhere. */
#define NEXTHDR_HOP 0
#define NEXTHDR_ROUTING 43
#define NEXTHDR_FRAGMENT 44
#define NEXTHDR_DEST 60
#define NEXTHDR_MOBILITY 135
#define NEXTHDR_HIP 139
#define NEXTHDR_SHIM6 140
#define ICMPV6 58
#define ETH_P_QINQ_OLD 0x9100

#define MAX_VLAN_TAGS 4
#define MAX_EXTENSION_HEADERS 8

#define IPV4_OFFSET 0x1fff	/* of frag_off */
#define IPV6_OFFSET 0xfff8
#define VLAN_VID 0x0fff

#define TCP_FIN 0x001
#define TCP_RST 0x004
#define TCP_FLAGS 0x0fff
#define END_OF_FLOW 3		/* flowEndReason (136) */

enum outcome {
	METERED,
	NON_IP,
	MALFORMED,
};

struct vlan_tag {
	__be16 tci;
	__be16 protocol;	/* of what follows */
};

/*
 * The first 8 octets of every IPv6 extension header. The last two members are
 * so in the Fragment header (RFC 8200, 4.5) and, being the first option, in a
 * hop-by-hop header that starts with Jumbo Payload (RFC 2675, 2).
 */
struct extension_header {
	__u8 next;
	__u8 length;
	union {
		__be16 fragment_offset;
		__be16 option;		/* type << 8 | length */
	};
	__be32 identification;
};

#define JUMBO_PAYLOAD 0xc204

struct ports {
	__be16 source;
	__be16 destination;
};

/* An skb on its way through the parser; offsets count from skb->data. */
struct packet {
	struct __sk_buff *skb;
	__u32 network;		/* the IP header */
	__u32 transport;	/* the upper-layer header; behind the IP header where there is none */
	__u32 payload;		/* behind the upper-layer header, as far as it is known */
	__u32 end;		/* the end of the IP packet; link layer padding may follow */
	__u32 not_sent;		/* octets of headers that exist only until segmentation */
	_Bool no_transport;	/* not the first fragment, or truncated */
};

/* Copies the header at offset to *to; not 0 if it is not all there. */
#define load(skb, offset, to)                                                      \
	({                                                                         \
		void *at = (void *)(long)(skb)->data + (offset);                   \
		long error = 0;                                                    \
		if (likely(at + sizeof(*(to)) <= (void *)(long)(skb)->data_end))   \
			*(to) = *(typeof(to))at;                                   \
		else                                                               \
			error = bpf_skb_load_bytes(skb, offset, to, sizeof(*(to))); \
		error;                                                             \
	})

/* The same for a header that has to be inside the IP packet. */
#define load_inside(packet, offset, to) \
	((offset) + sizeof(*(to)) > (packet)->end || load((packet)->skb, offset, to))

static __always_inline _Bool is_vlan(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD) ||
	       protocol == bpf_htons(ETH_P_QINQ_OLD);
}

/*
 * The link layer: finds the network header and returns its protocol. A tag
 * that a network card or the kernel took out of the frame is the outer one.
 */
static __always_inline __be16 parse_link(struct packet *packet, __u32 link_header,
					 struct flow_key *key)
{
	struct __sk_buff *skb = packet->skb;
	__be16 protocol = 0;
	_Bool tagged = skb->vlan_present;
	_Bool twice = 0;

	packet->network = link_header;
	if (tagged)
		key->vlan_id = skb->vlan_tci & VLAN_VID;
	if (!link_header)
		return skb->protocol;
	if (load(skb, link_header - sizeof(protocol), &protocol))
		return 0;
	for (int i = 0; i < MAX_VLAN_TAGS && unlikely(is_vlan(protocol)); i++) {
		struct vlan_tag tag;

		if (load(skb, packet->network, &tag))
			break;
		if (!tagged)
			key->vlan_id = bpf_ntohs(tag.tci) & VLAN_VID;
		else if (!twice)
			key->customer_vlan_id = bpf_ntohs(tag.tci) & VLAN_VID;
		twice = tagged;
		tagged = 1;
		packet->network += sizeof(tag);
		protocol = tag.protocol;
	}
	return protocol;
}

static __always_inline enum outcome parse_ipv4(struct packet *packet, struct flow_slot *flow)
{
	struct __sk_buff *skb = packet->skb;
	struct iphdr ip;
	__u32 header, total;

	if (load(skb, packet->network, &ip))
		return MALFORMED;
	header = ip.ihl * 4;
	total = bpf_ntohs(ip.tot_len);
	if (unlikely(!total) && skb->gso_size)	/* BIG TCP */
		total = skb->len - packet->network;
	if (ip.version != 4 || header < sizeof(ip) || total < header ||
	    total > skb->len - packet->network)
		return MALFORMED;

	packet->transport = packet->network + header;
	packet->end = packet->network + total;
	packet->no_transport = (ip.frag_off & bpf_htons(IPV4_OFFSET)) != 0;

	*(__be16 *)&flow->key.source_address[10] = 0xffff;
	*(__be32 *)&flow->key.source_address[12] = ip.saddr;
	*(__be16 *)&flow->key.destination_address[10] = 0xffff;
	*(__be32 *)&flow->key.destination_address[12] = ip.daddr;
	flow->key.ip_version = 4;
	flow->key.protocol = ip.protocol;
	flow->fragment_id = bpf_ntohs(ip.id);
	flow->tos = ip.tos;
	flow->min_ttl = flow->max_ttl = ip.ttl;
	return METERED;
}

static __always_inline _Bool is_extension(__u8 protocol)
{
	switch (protocol) {
	case NEXTHDR_HOP:
	case NEXTHDR_ROUTING:
	case NEXTHDR_FRAGMENT:
	case IPPROTO_AH:
	case NEXTHDR_DEST:
	case NEXTHDR_MOBILITY:
	case NEXTHDR_HIP:
	case NEXTHDR_SHIM6:
		return 1;
	}
	return 0;
}

/* Walks the extension headers to the upper-layer protocol, or as far as it gets. */
static __always_inline void parse_extensions(struct packet *packet, struct flow_slot *flow)
{
	for (int i = 0; i < MAX_EXTENSION_HEADERS && is_extension(flow->key.protocol); i++) {
		struct extension_header header;
		__u32 length;

		if (load_inside(packet, packet->transport, &header))
			break;
		length = (header.length + 1) * 8;
		switch (flow->key.protocol) {
		case IPPROTO_AH:
			length = (header.length + 2) * 4;
			break;
		case NEXTHDR_FRAGMENT:
			length = sizeof(header);
			flow->fragment_id = bpf_ntohl(header.identification);
			packet->no_transport = (header.fragment_offset & bpf_htons(IPV6_OFFSET)) != 0;
			break;
		case NEXTHDR_HOP:
			/* BIG TCP's: the kernel takes it out when it cuts the skb into segments. */
			if (header.option == bpf_htons(JUMBO_PAYLOAD) && !header.length &&
			    packet->skb->gso_size)
				packet->not_sent = sizeof(header);
			break;
		}
		packet->transport += length;
		flow->key.protocol = header.next;
		if (packet->no_transport)
			return;
	}
	packet->no_transport = is_extension(flow->key.protocol);
}

static __always_inline enum outcome parse_ipv6(struct packet *packet, struct flow_slot *flow)
{
	struct __sk_buff *skb = packet->skb;
	struct ipv6hdr ip;
	__u32 total, available, word;

	if (load(skb, packet->network, &ip))
		return MALFORMED;
	available = skb->len - packet->network;
	total = sizeof(ip) + bpf_ntohs(ip.payload_len);
	/* A jumbogram or BIG TCP, with or without the header that says so. */
	if (!ip.payload_len && (ip.nexthdr == NEXTHDR_HOP || available > sizeof(ip) + 0xffff))
		total = available;
	if (ip.version != 6 || total > available)
		return MALFORMED;

	packet->transport = packet->network + sizeof(ip);
	packet->end = packet->network + total;

	*(struct in6_addr *)flow->key.source_address = ip.saddr;
	*(struct in6_addr *)flow->key.destination_address = ip.daddr;
	word = bpf_ntohl(*(__be32 *)&ip);
	flow->key.ip_version = 6;
	flow->key.protocol = ip.nexthdr;
	flow->flow_label = word & 0xfffff;
	flow->tos = word >> 20;
	flow->min_ttl = flow->max_ttl = ip.hop_limit;
	if (unlikely(is_extension(ip.nexthdr)))
		parse_extensions(packet, flow);
	return METERED;
}

/*
 * Ports, flags, type and code. Of a truncated header, what is there: the octets
 * of the packet are known all the same.
 */
static __always_inline void parse_transport(struct packet *packet, struct flow_slot *flow)
{
	__u32 header = 0;

	packet->payload = packet->transport;
	if (packet->no_transport)
		return;
	switch (flow->key.protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP: {
		struct ports ports;
		__be16 control;

		if (load_inside(packet, packet->transport, &ports))
			return;
		flow->key.source_port = ports.source;
		flow->key.destination_port = ports.destination;
		header = flow->key.protocol == IPPROTO_SCTP ? 12 : 8;
		if (flow->key.protocol != IPPROTO_TCP)
			break;
		if (load_inside(packet, packet->transport + 12, &control))
			return;
		control = bpf_ntohs(control);
		header = (control >> 12) * 4;
		flow->tcp_flags = control & TCP_FLAGS;
		if (control & (TCP_FIN | TCP_RST))
			flow->end_reason = END_OF_FLOW;
		break;
	}
	case IPPROTO_ICMP:
	case ICMPV6: {
		__be16 type_and_code;

		if (flow->key.protocol != (flow->key.ip_version == 4 ? IPPROTO_ICMP : ICMPV6) ||
		    load_inside(packet, packet->transport, &type_and_code))
			return;
		flow->key.destination_port = type_and_code;
		break;
	}
	}
	packet->payload += header;
}

/*
 * What goes over the wire: an skb may be many packets, each with the headers
 * that the skb has only once.
 */
static __always_inline void count_segments(struct packet *packet, struct flow_slot *flow)
{
	struct __sk_buff *skb = packet->skb;
	__u32 packets = skb->gso_segs;

	flow->octets = packet->end - packet->network;
	flow->packets = 1;
	if (likely(packets <= 1 && !skb->gso_size))
		return;
	/* Who sends from a tap or a virtual machine leaves the count to the kernel. */
	if (!packets && packet->end > packet->payload)
		packets = (packet->end - packet->payload + skb->gso_size - 1) / skb->gso_size;
	if (packets > 1) {
		flow->packets = packets;
		flow->octets += (__u64)(packets - 1) * (packet->payload - packet->network);
	}
	flow->octets -= flow->packets * packet->not_sent;
}

/*
 * Fills flow, which is all zero, with what the one packet says. Without IP
 * only packets and octets.
 */
static __always_inline enum outcome parse(struct __sk_buff *skb, __u32 link_header,
					  enum flow_direction direction, struct flow_slot *flow)
{
	struct packet packet = {.skb = skb};
	enum outcome outcome;

	switch (parse_link(&packet, link_header, &flow->key)) {
	case bpf_htons(ETH_P_IP):
		outcome = parse_ipv4(&packet, flow);
		break;
	case bpf_htons(ETH_P_IPV6):
		outcome = parse_ipv6(&packet, flow);
		break;
	default:
		outcome = NON_IP;
	}
	if (unlikely(outcome != METERED)) {
		flow->packets = skb->gso_segs ?: 1;
		flow->octets = skb->len - packet.network;
		return outcome;
	}
	parse_transport(&packet, flow);
	count_segments(&packet, flow);
	if (direction == FLOW_INGRESS) {
		flow->key.ingress_ifindex = skb->ifindex;
	} else {
		flow->key.ingress_ifindex = skb->ingress_ifindex;
		flow->key.egress_ifindex = skb->ifindex;
	}
	flow->key.mark = skb->mark;
	flow->key.direction = direction;
	return METERED;
}

#endif
