/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What kernel and user space share: the layout of a flow in the slot log, of
 * the counters beside it, and of the events. This header is the one description;
 * user space reads the offsets it was compiled with out of the object's BTF and
 * refuses to run on a difference.
 *
 * Integers are in host byte order, except where a __be type says otherwise.
 */
#ifndef LINUX_FLOW_EXPORTER_FLOW_H
#define LINUX_FLOW_EXPORTER_FLOW_H

#include <linux/types.h>

/* IANA flowDirection (61). */
enum flow_direction {
	FLOW_INGRESS = 0,
	FLOW_EGRESS = 1,
};

/*
 * What makes two packets the same flow. Every byte takes part in the hash, so
 * there is no padding; a multiple of 8 keeps the comparison to whole words.
 */
struct flow_key {
	__u8 source_address[16];	/* IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2) */
	__u8 destination_address[16];
	__be16 source_port;		/* 0 without ports, and in all but the first fragment */
	__be16 destination_port;	/* ICMP and ICMPv6: type << 8 | code */
	__u32 ingress_ifindex;		/* 0: sent by this host */
	__u32 egress_ifindex;		/* 0: metered at ingress, not known yet */
	__u32 mark;			/* skb mark */
	__u16 vlan_id;			/* VID of the outer tag, 0 without one */
	__u16 customer_vlan_id;		/* VID of the next tag (QinQ), 0 without one */
	__u8 protocol;			/* the upper-layer protocol, behind IPv6 extension headers */
	__u8 ip_version;		/* 4 or 6 */
	__u8 direction;			/* enum flow_direction */
	__u8 reserved;			/* 0 */
};

/* One slot of the log: a flow, and what one epoch saw of it. */
struct flow_slot {
	struct flow_key key;
	__u64 packets;			/* on the wire: an skb of gso_segs segments is that many */
	__u64 octets;			/* IP header and payload, headers that segmentation repeats included */
	__u64 first;			/* clock of the first packet, in the unit of enum flow_clock */
	__u64 last;			/* clock of the last packet */
	__u32 fragment_id;		/* Identification of the first packet; IPv6: of its Fragment header, or 0 */
	__u32 flow_label;		/* IPv6 flow label of the first packet, 20 bits */
	__u16 tcp_flags;		/* OR of all packets; bits as in tcpControlBits (RFC 9565) */
	__u8 tos;			/* IPv4 TOS or IPv6 Traffic Class of the first packet */
	__u8 min_ttl;			/* TTL or Hop Limit */
	__u8 max_ttl;
	__u8 end_reason;		/* flowEndReason (136): 3 once a FIN or RST was seen, else 0 */
	__u8 padding[2];
};

#define CACHE_LINE 64

/* On a cache line of its own: every CPU writes it. */
struct slot_counter {
	__u32 taken;
} __attribute__((aligned(CACHE_LINE)));

/* The clock that first and last are read from; see config.h. */
enum flow_clock {
	FLOW_CLOCK_JIFFIES = 0,		/* bpf_jiffies64(), ticks */
	FLOW_CLOCK_COARSE = 1,		/* CLOCK_MONOTONIC_COARSE, nanoseconds */
	FLOW_CLOCK_BOOT = 2,		/* CLOCK_BOOTTIME, nanoseconds */
};

struct traffic {
	__u64 packets;			/* on the wire, as in struct flow_slot */
	__u64 octets;			/* see struct interface_counters */
};

struct interface_key {
	__u32 ifindex;
	__u32 direction;		/* enum flow_direction */
};

/*
 * Per interface, direction and CPU. Every packet the program is run for is in
 * seen and either in a slot or in exactly one of the others:
 *
 *	seen = metered (the sum over the slots) + overflow + excluded
 *	       + malformed + non_ip
 *
 * Octets are IP octets, but for malformed and non_ip, whose octets are those
 * behind the link-layer header.
 */
struct interface_counters {
	struct interface_key interface;	/* ifindex 0: not in use, or those without an entry of their own */
	struct traffic seen;
	struct traffic overflow;	/* no free slot */
	struct traffic excluded;	/* the exporter's own export traffic */
	struct traffic malformed;	/* IP header truncated or contradicting itself */
	struct traffic non_ip;		/* ARP, MPLS, LLDP, ... */
};

/* What got no slot, per pair of interfaces, as the flows themselves would show it. */
struct interface_pair {
	__u32 ingress_ifindex;
	__u32 egress_ifindex;
};

/* When the packet that an skb is came in. */
struct stamp {
	__u64 skb;			/* which skb; 0: none */
	__u64 time;			/* CLOCK_MONOTONIC, nanoseconds */
	__u32 ingress_ifindex;
	__u32 reserved;			/* 0 */
};

struct stamp_set {
	struct stamp stamps[2];
} __attribute__((aligned(CACHE_LINE)));

/* How long packets were in the kernel, per pair of interfaces and CPU. */
struct latency {
	struct interface_pair interfaces; /* ingress_ifindex 0: not in use, or those without an entry of their own */
	__u64 nanoseconds;		/* all packets together */
	__u64 packets;			/* measured; on the wire, as in struct flow_slot */
	__u64 unmeasured;		/* packets that had no stamp */
};

/* A transport session whose packets are not metered. */
struct excluded_session {
	__u8 source_address[16];	/* as in struct flow_key */
	__u8 destination_address[16];
	__be16 source_port;
	__be16 destination_port;
	__u8 protocol;
	__u8 reserved[3];		/* 0 */
};

/* Written to the ring buffer once an epoch, when its half of the slots fills up. */
struct slots_event {
	__u32 epoch;
	__u32 used;			/* slots taken so far */
};

/* What the program clock writes: both clocks at one moment. */
struct clock_reading {
	__u64 flow;			/* the clock that flows are stamped with */
	__u64 monotonic;		/* CLOCK_MONOTONIC, nanoseconds */
};

#endif
