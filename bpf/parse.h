/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From an skb to the flow that it alone would be.
 *
 * Only reads: headers come from the linear part of the skb if they are there and
 * from its fragments otherwise. What is rare is in functions of their own, and
 * global ones: so the common path is short, and the verifier looks at each only
 * once, knowing nothing of its arguments and results (hence the checks for NULL).
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


/* Numbers that the kernel's headers for user space lack. */
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
#define MAX_EXTENSIONS_LENGTH 0x7fff	/* 8 headers of 2048 octets, rounded up to a mask */

#define VLAN_VID 0x0fff
#define IPV4_OFFSET 0x1fff		/* Fragment Offset in frag_off */
#define IPV6_OFFSET 0xfff8		/* the same in the Fragment header */
#define JUMBO_PAYLOAD 0xc204		/* type and length of the option (RFC 2675, 2) */

#define TCP_FIN 0x001
#define TCP_RST 0x004
#define TCP_FLAGS 0x0fff
#define END_OF_FLOW 3			/* flowEndReason (136) */

enum outcome {
	METERED,
	NON_IP,
	MALFORMED,
};

/* An skb on its way through the parser. Offsets count from skb->data. */
struct packet {
	struct __sk_buff *skb;
	__u32 network;		/* the IP header */
	__u32 transport;	/* the upper-layer header */
	__u32 payload;		/* behind the upper-layer header, as far as that is known */
	__u32 end;		/* end of the IP packet; link layer padding may follow */
	__u32 not_sent;		/* octets of headers that exist only until segmentation */
	_Bool no_transport;	/* not the first fragment, or truncated before it */
};

struct vlan_tag {
	__be16 tci;
	__be16 protocol;	/* of what follows */
};

/* The VLAN tags in the data of a frame. */
struct vlan_tags {
	__u16 first, second;	/* VIDs */
	__be16 protocol;	/* behind the tags */
	__u8 length;		/* of all tags */
};

/*
 * The first 8 octets of every IPv6 extension header. The last two members have
 * these meanings in the Fragment header (RFC 8200, 4.5), and in a hop-by-hop
 * header that holds a Jumbo Payload option (RFC 2675, 2).
 */
struct extension_header {
	__u8 next;
	__u8 length;
	union {
		__be16 fragment_offset;
		__be16 option;
	};
	union {
		__be32 identification;
		__be32 jumbo_length;
	};
};

/* The IPv6 extension headers of a packet. */
struct extensions {
	__u32 fragment_id;
	__u16 length;		/* of all headers */
	__u8 protocol;		/* behind them */
	__u8 not_sent;
	__u8 no_transport;
};

struct ports {
	__be16 source;
	__be16 destination;
};

/*
 * Copies the header at offset to *to; not 0 if it is not all there. The helper
 * gets a copy of its own, so that *to can live in registers.
 */
#define load(skb, offset, to)                                                            \
	({                                                                               \
		void *from_ = (void *)(long)(skb)->data + (offset);                      \
		long error_ = 0;                                                         \
		if (likely(from_ + sizeof(*(to)) <= (void *)(long)(skb)->data_end)) {    \
			*(to) = *(typeof(to))from_;                                      \
		} else {                                                                 \
			typeof(*(to)) copy_;                                             \
			error_ = bpf_skb_load_bytes(skb, offset, &copy_, sizeof(copy_)); \
			*(to) = copy_;                                                   \
		}                                                                        \
		error_;                                                                  \
	})

/* The same for a header that has to end where the IP packet does, or before. */
#define load_before(end, skb, offset, to) \
	((offset) + sizeof(*(to)) > (end) || load(skb, offset, to))

static __always_inline _Bool is_vlan(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD) ||
	       protocol == bpf_htons(ETH_P_QINQ_OLD);
}

/* On entry tags->protocol is that of the frame, a VLAN. */
__noinline int parse_vlan_tags(struct __sk_buff *skb, struct vlan_tags *tags)
{
	__be16 protocol;
	__u32 length = 0;

	if (!tags)
		return 0;
	protocol = tags->protocol;
	for (int i = 0; i < MAX_VLAN_TAGS && is_vlan(protocol); i++) {
		struct vlan_tag tag;
		__u16 vid;

		if (load(skb, ETH_HLEN + length, &tag))
			break;
		vid = bpf_ntohs(tag.tci) & VLAN_VID;
		if (i == 0)
			tags->first = vid;
		else if (i == 1)
			tags->second = vid;
		protocol = tag.protocol;
		length += sizeof(tag);
	}
	tags->protocol = protocol;
	tags->length = length;
	return 0;
}

/*
 * Finds the network header and returns its protocol. A tag that the network card
 * or the kernel took out of the frame is the outer one.
 */
static __always_inline __be16 parse_link(struct packet *packet, __u32 link_header,
					 struct flow_key *key)
{
	struct __sk_buff *skb = packet->skb;
	struct vlan_tags tags = {};

	packet->network = link_header;
	if (!link_header)
		return skb->protocol;
	if (load(skb, ETH_HLEN - sizeof(__be16), &tags.protocol))
		return 0;
	if (unlikely(is_vlan(tags.protocol))) {
		struct vlan_tags found = tags;

		parse_vlan_tags(skb, &found);
		packet->network += found.length;
		tags = found;
	}
	if (unlikely(skb->vlan_present)) {
		key->vlan_id = skb->vlan_tci & VLAN_VID;
		key->customer_vlan_id = tags.first;
	} else {
		key->vlan_id = tags.first;
		key->customer_vlan_id = tags.second;
	}
	return tags.protocol;
}

static __always_inline enum outcome parse_ipv4(struct packet *packet, struct flow_slot *flow)
{
	struct __sk_buff *skb = packet->skb;
	__u32 available = skb->len - packet->network;
	__u32 header, total;
	struct iphdr ip;

	if (load(skb, packet->network, &ip))
		return MALFORMED;
	header = ip.ihl * 4;
	total = bpf_ntohs(ip.tot_len);
	if (unlikely(!total) && skb->gso_size)	/* BIG TCP */
		total = available;
	if (ip.version != 4 || header < sizeof(ip) || total < header || total > available)
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

/*
 * Walks from offset to the upper-layer header, or as far as it gets. On entry
 * extensions->protocol is the Next Header of the IPv6 header.
 */
__noinline int parse_extensions(struct __sk_buff *skb, __u32 offset, __u32 end,
				struct extensions *extensions)
{
	__u32 at = offset & MAX_EXTENSIONS_LENGTH;	/* for the verifier */
	__u8 protocol;

	if (!extensions)
		return 0;
	protocol = extensions->protocol;
	for (int i = 0; i < MAX_EXTENSION_HEADERS && is_extension(protocol); i++) {
		struct extension_header header;
		__u32 length;

		if (load_before(end, skb, at, &header))
			break;
		length = (header.length + 1) * 8;
		if (protocol == IPPROTO_AH) {
			length = (header.length + 2) * 4;
		} else if (protocol == NEXTHDR_FRAGMENT) {
			length = sizeof(header);
			extensions->fragment_id = bpf_ntohl(header.identification);
			extensions->no_transport =
				(header.fragment_offset & bpf_htons(IPV6_OFFSET)) != 0;
		} else if (protocol == NEXTHDR_HOP && !header.length &&
			   header.option == bpf_htons(JUMBO_PAYLOAD) && skb->gso_size) {
			/* BIG TCP's own; the kernel removes it when it cuts the skb up. */
			extensions->not_sent = sizeof(header);
		}
		at += length;
		protocol = header.next;
		if (extensions->no_transport)
			break;
	}
	if (is_extension(protocol))
		extensions->no_transport = 1;
	extensions->protocol = protocol;
	extensions->length = at - offset;
	return 0;
}

static __always_inline enum outcome parse_ipv6(struct packet *packet, struct flow_slot *flow)
{
	struct __sk_buff *skb = packet->skb;
	__u32 available = skb->len - packet->network;
	__u32 total, first_word;
	struct ipv6hdr ip;

	if (load(skb, packet->network, &ip))
		return MALFORMED;
	total = sizeof(ip) + bpf_ntohs(ip.payload_len);
	/* A jumbogram; or BIG TCP, with a header that says so or without. */
	if (!ip.payload_len && (ip.nexthdr == NEXTHDR_HOP || available > sizeof(ip) + 0xffff))
		total = available;
	if (ip.version != 6 || total > available)
		return MALFORMED;

	packet->transport = packet->network + sizeof(ip);
	packet->end = packet->network + total;
	flow->key.protocol = ip.nexthdr;
	if (unlikely(is_extension(ip.nexthdr))) {
		struct extensions extensions = {.protocol = ip.nexthdr};

		parse_extensions(skb, packet->transport, packet->end, &extensions);
		packet->transport += extensions.length & MAX_EXTENSIONS_LENGTH;
		packet->not_sent = extensions.not_sent;
		packet->no_transport = extensions.no_transport;
		flow->key.protocol = extensions.protocol;
		flow->fragment_id = extensions.fragment_id;
	}

	*(struct in6_addr *)flow->key.source_address = ip.saddr;
	*(struct in6_addr *)flow->key.destination_address = ip.daddr;
	flow->key.ip_version = 6;
	first_word = bpf_ntohl(*(__be32 *)&ip);
	flow->flow_label = first_word & 0xfffff;
	flow->tos = first_word >> 20;
	flow->min_ttl = flow->max_ttl = ip.hop_limit;
	return METERED;
}

/*
 * Ports, flags, type and code. Of a truncated header, what is there: the octets
 * of the packet are known all the same.
 */
static __always_inline void parse_transport(struct packet *packet, struct flow_slot *flow)
{
	struct __sk_buff *skb = packet->skb;
	struct ports ports;
	__be16 word;

	packet->payload = packet->transport;
	if (packet->no_transport)
		return;
	switch (flow->key.protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		if (load_before(packet->end, skb, packet->transport, &ports))
			return;
		flow->key.source_port = ports.source;
		flow->key.destination_port = ports.destination;
		if (flow->key.protocol != IPPROTO_TCP) {
			packet->payload += flow->key.protocol == IPPROTO_SCTP ? 12 : 8;
			break;
		}
		if (load_before(packet->end, skb, packet->transport + 12, &word))
			return;
		word = bpf_ntohs(word);
		packet->payload += (word >> 12) * 4;	/* Data Offset */
		flow->tcp_flags = word & TCP_FLAGS;
		if (unlikely(word & (TCP_FIN | TCP_RST)))
			flow->end_reason = END_OF_FLOW;
		break;
	case IPPROTO_ICMP:
	case ICMPV6:
		if (flow->key.protocol == (flow->key.ip_version == 4 ? IPPROTO_ICMP : ICMPV6) &&
		    !load_before(packet->end, skb, packet->transport, &word))
			flow->key.destination_port = word;
		break;
	}
}

/*
 * What goes over the wire: an skb may be many packets, each with the headers
 * that the skb has only once.
 */
static __always_inline void count_segments(const struct packet *packet,
					   enum flow_direction direction, struct flow_slot *flow)
{
	struct __sk_buff *skb = packet->skb;
	__u32 packets = skb->gso_segs, size = skb->gso_size;

	flow->packets = 1;
	flow->octets = packet->end - packet->network;
	if (likely(packets <= 1 && !size))
		return;
	/* A virtual machine or a tap leaves the count to the kernel, which puts it off. */
	if (!packets && packet->end > packet->payload)
		packets = (packet->end - packet->payload + size - 1) / size;
	if (packets > 1) {
		__s64 repeated = (__u64)(packets - 1) * (packet->payload - packet->network);

		/* At egress the kernel has added up link and all headers, a tunnel's included. */
		if (direction == FLOW_EGRESS) {
			__s64 known = (__s64)skb->wire_len - skb->len -
				      (__u64)(packets - 1) * packet->network;

			if (known > repeated)
				repeated = known;
		}
		flow->packets = packets;
		flow->octets += repeated;
	}
	flow->octets -= flow->packets * packet->not_sent;
}

/*
 * Fills flow, which is all zero, with what the one packet says; without IP only
 * packets and octets.
 */
static __always_inline enum outcome parse(struct __sk_buff *skb, __u32 link_header,
					  enum flow_direction direction, struct flow_slot *flow)
{
	struct packet packet = {.skb = skb};
	enum outcome outcome = NON_IP;
	__be16 protocol = parse_link(&packet, link_header, &flow->key);

	if (likely(protocol == bpf_htons(ETH_P_IP)))
		outcome = parse_ipv4(&packet, flow);
	else if (likely(protocol == bpf_htons(ETH_P_IPV6)))
		outcome = parse_ipv6(&packet, flow);
	if (unlikely(outcome != METERED)) {
		flow->packets = skb->gso_segs ?: 1;
		flow->octets = skb->len - packet.network;
		return outcome;
	}
	parse_transport(&packet, flow);
	count_segments(&packet, direction, flow);
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
