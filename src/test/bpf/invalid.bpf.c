// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The verifier must refuse it: the result of a lookup may be NULL. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} map SEC(".maps");

SEC("tc")
int unchecked(struct __sk_buff *skb __attribute__((unused)))
{
	__u32 key = 0;

	return *(__u32 *)bpf_map_lookup_elem(&map, &key);
}
