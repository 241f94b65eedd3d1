/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATAGRAMS_H
#define DATAGRAMS_H

#include <linux/types.h>

/* The IPFIX datagrams that came since this was last zeroed. */
struct datagrams {
	__u64 count;
	__u64 octets;		/* of IP packets */
	__u64 first, last;	/* CLOCK_MONOTONIC, nanoseconds */
	__u32 sequence;		/* Data Records exported before the first of them */
	__u32 padding;
};

#endif
