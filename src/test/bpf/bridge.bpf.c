// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the tests of io.linuxflow.bpf load: a little of everything that the bridge reaches. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u8 knob8 = 8;
const volatile __u16 knob16 = 16;
const volatile __u32 knob32 = 32;
const volatile __u64 knob64 = 64;
const volatile __u8 array_knob[3] = {};

struct knobs {
	__u64 knob64;
	__u32 knob32;
	__u16 knob16;
	__u8 knob8;
	__u8 padding;
};

/* What the program context saw of its skb. */
struct skb_fields {
	__u32 mark;
	__u32 ifindex;
	__u32 ingress_ifindex;
	__u32 gso_segs;
	__u32 gso_size;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__uint(value_size, 12);
} mappable SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

__u64 seen;
__u64 seen_second;
struct skb_fields fields;
volatile __u32 started;
volatile __u32 finished;

SEC("tc")
int see(struct __sk_buff *skb __attribute__((unused)))
{
	__u32 zero = 0, *count = bpf_map_lookup_elem(&per_cpu, &zero);

	if (count)
		(*count)++;
	__sync_fetch_and_add(&seen, 1);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int see_second(struct __sk_buff *skb __attribute__((unused)))
{
	__sync_fetch_and_add(&seen_second, 1);
	return TC_ACT_UNSPEC;
}

/* Hides packets from the programs behind it. */
SEC("tc")
int accept(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_OK;
}

SEC("tc")
int context(struct __sk_buff *skb)
{
	fields.mark = skb->mark;
	fields.ifindex = skb->ifindex;
	fields.ingress_ifindex = skb->ingress_ifindex;
	fields.gso_segs = skb->gso_segs;
	fields.gso_size = skb->gso_size;
	return 42;
}

SEC("tc")
int overwrite(struct __sk_buff *skb)
{
	__u8 octet = 0xee;

	return bpf_skb_store_bytes(skb, 14, &octet, 1, 0);
}

SEC("syscall")
int emit_knobs(void *ctx __attribute__((unused)))
{
	struct knobs knobs = {
		.knob64 = knob64,
		.knob32 = knob32,
		.knob16 = knob16,
		.knob8 = knob8 + array_knob[0],
	};

	return bpf_ringbuf_output(&events, &knobs, sizeof(knobs), 0);
}

static long nothing(__u32 i __attribute__((unused)), void *ctx __attribute__((unused)))
{
	return 0;
}

/* Runs for milliseconds, as programs do when nobody wants them to. */
SEC("tc")
int dawdle(struct __sk_buff *skb __attribute__((unused)))
{
	started++;
	bpf_loop(1 << 22, nothing, NULL, 0);
	finished++;
	return TC_ACT_UNSPEC;
}
