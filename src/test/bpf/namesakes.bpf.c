// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs of somebody else who has hit upon names of the meter's. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tc")
int flow_egress(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_UNSPEC;
}

SEC("tc")
int stamp_ingress(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_UNSPEC;
}
