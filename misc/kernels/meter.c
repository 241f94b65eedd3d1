// SPDX-License-Identifier: Apache-2.0
/*
 * Meters traffic of known size on a device, with the flow meter as it ships, and
 * compares: with every clock, and with latency, at every hook that this kernel has,
 * through three epochs each. A static program, so that it runs under any kernel; see test.sh.
 *
 *	meter DEVICE NAMESPACE
 *
 * DEVICE has 10.0.0.1 and fd00::1; 10.0.0.2 and fd00::2 are at its other end, in the
 * network namespace that the file NAMESPACE stands for. Needs root, and that
 * nobody uses SACK, or TCP headers vary in length.
 *
 * Prints what test.sh looks for on lines that begin with RESULT:
 *
 *	RESULT kernel RELEASE
 *	RESULT loaded MILLISECONDS INSTRUCTIONS	the time for all programs; the instructions
 *						verified for the largest (0: kernel does not tell)
 *	RESULT metered HOOK PACKETS		one clock, both directions
 *	RESULT refused WHY			by the verifier; nothing else follows
 *	RESULT failed WHY			something was not as expected; nothing else follows
 *	RESULT ok
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <bpf/bpf.h>
#include "flow.h"
#include "flowmeter.skel.h"

/* As in FlowMeterObject.java, with the number of slots of MeterOptions.java. */
#define SLOTS (1 << 17)
#define INDEX_ENTRIES (2 * SLOTS)
#define INTERFACES 1024

#define HIGH_WATER 4		/* every epoch has more flows than that */
#define EPOCHS 3		/* the first half is used twice */

/* Newer than some headers that this compiles with. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define TCX_BEFORE (1U << 3)

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER 8
#define TCP_HEADER 32		/* with a timestamp */
#define SYN_HEADER 40

#define TCP_PORT 5000
#define UDP_PORT 5001
#define SEGMENTED_PORT 5002
#define IPV6_PORT 5003
#define EXCLUDED_PORT 5004

#define TCP_OCTETS (1 << 20)
#define DATAGRAMS 1000
#define DATAGRAM 100		/* octets */
#define SEGMENTS 10		/* that the kernel cuts one skb into */
#define FEW 10

/* Sums over the flows that an epoch should have; see sent[]. */
struct expectation {
	const char *what;
	enum flow_direction direction;
	int family;
	__u8 protocol;
	__u16 port;		/* the peer's; ICMP: type << 8 | code */
	struct traffic traffic;
};

static const char *device, *hook = "no hook";
static enum flow_clock flow_clock;
static _Bool timed;		/* with the programs that measure latency */
static int peer_namespace, own_namespace;
static char verifier_log[1 << 20];

static struct expectation sent[16];
static int expectations;

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("RESULT failed %s, clock %d: ", hook, flow_clock);
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
	exit(1);
}

/* For what is negative, with errno, when it does not work. */
#define must(call)                                                 \
	({                                                         \
		__typeof__(call) result_ = (call);                 \
		if (result_ < 0)                                   \
			fail("%s: %s", #call, strerror(errno));    \
		result_;                                           \
	})

static __u64 nanoseconds(clockid_t clock)
{
	struct timespec now;

	must(clock_gettime(clock, &now));
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void expect(const char *what, enum flow_direction direction, int family, __u8 protocol,
		   __u16 port, __u64 packets, __u64 octets)
{
	sent[expectations++] = (struct expectation){
		.what = what, .direction = direction, .family = family, .protocol = protocol,
		.port = port, .traffic = {.packets = packets, .octets = octets}};
}

static socklen_t peer_address(int family, __u16 port, struct sockaddr_storage *address)
{
	memset(address, 0, sizeof(*address));
	address->ss_family = family;
	if (family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)address;

		inet_pton(family, "10.0.0.2", &in->sin_addr);
		in->sin_port = htons(port);
		return sizeof(*in);
	} else {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)address;

		inet_pton(family, "fd00::2", &in->sin6_addr);
		in->sin6_port = htons(port);
		return sizeof(*in);
	}
}

/* Discards what comes, connection by connection, in the peer's namespace. */
static pid_t serve_tcp(void)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(TCP_PORT)};
	int listener;
	pid_t child;

	must(setns(peer_namespace, CLONE_NEWNET));
	listener = must(socket(AF_INET6, SOCK_STREAM, 0));
	must(setns(own_namespace, CLONE_NEWNET));
	must(bind(listener, (struct sockaddr *)&any, sizeof(any)));
	must(listen(listener, 8));
	fflush(stdout);
	child = must(fork());
	if (!child) {
		static char buffer[1 << 16];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			int connection = accept(listener, NULL, NULL);

			while (read(connection, buffer, sizeof(buffer)) > 0)
				;
			close(connection);
		}
	}
	close(listener);
	return child;
}

/* A connection, and what TCP itself says to have sent and received on it. */
static void send_tcp(int family)
{
	static char buffer[1 << 16];
	__u32 ip = family == AF_INET ? IPV4_HEADER : IPV6_HEADER;
	struct sockaddr_storage address;
	socklen_t length = peer_address(family, TCP_PORT, &address);
	struct tcp_info info;
	int fd = must(socket(family, SOCK_STREAM, 0));

	must(connect(fd, (struct sockaddr *)&address, length));
	for (int left = TCP_OCTETS; left;)
		left -= must(write(fd, buffer, left < (int)sizeof(buffer) ? left : (int)sizeof(buffer)));
	must(shutdown(fd, SHUT_WR));
	if (must(read(fd, buffer, sizeof(buffer))))
		fail("the TCP server sent something");
	length = sizeof(info);
	must(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
	close(fd);
	expect("TCP sent", FLOW_EGRESS, family, IPPROTO_TCP, TCP_PORT, info.tcpi_segs_out,
	       info.tcpi_bytes_sent + (__u64)info.tcpi_segs_out * (ip + TCP_HEADER) +
		       SYN_HEADER - TCP_HEADER);
	expect("TCP received", FLOW_INGRESS, family, IPPROTO_TCP, TCP_PORT, info.tcpi_segs_in,
	       (__u64)info.tcpi_segs_in * (ip + TCP_HEADER) + SYN_HEADER - TCP_HEADER);
}

/* Datagrams from a socket of their own, its source port that of the destination. */
static void send_datagrams(int family, __u16 port, int count, int segments)
{
	static const char options[8] = {0, 0, 1, 4};	/* a Destination Options header of padding */
	static char buffer[DATAGRAM * SEGMENTS];
	struct sockaddr_in6 source = {.sin6_family = family, .sin6_port = htons(port)};
	struct sockaddr_storage address;
	socklen_t length = peer_address(family, port, &address);
	int fd = must(socket(family, SOCK_DGRAM, 0)), size = DATAGRAM;

	must(bind(fd, (struct sockaddr *)&source, length));
	if (segments > 1)
		must(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)));
	if (family == AF_INET6)
		must(setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, options, sizeof(options)));
	for (int i = 0; i < count; i++)
		must(sendto(fd, buffer, DATAGRAM * segments, 0, (struct sockaddr *)&address, length));
	close(fd);
}

static void send_pings(int family, int type)
{
	struct icmphdr ping = {.type = type};	/* ICMPv6 begins as ICMP does */
	struct sockaddr_storage address;
	socklen_t length = peer_address(family, 0, &address);
	int fd = must(socket(family, SOCK_RAW, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6));

	if (family == AF_INET)
		ping.checksum = ~htons(type << 8);
	for (int i = 0; i < FEW; i++)
		must(sendto(fd, &ping, sizeof(ping), 0, (struct sockaddr *)&address, length));
	close(fd);
}

/* All the traffic of an epoch. TCP first: it waits until the addresses are resolved. */
static void send_all(void)
{
	__u64 octets = IPV4_HEADER + UDP_HEADER + DATAGRAM;

	expectations = 0;
	send_tcp(AF_INET);
	send_tcp(AF_INET6);
	send_datagrams(AF_INET, UDP_PORT, DATAGRAMS, 1);
	expect("UDP", FLOW_EGRESS, AF_INET, IPPROTO_UDP, UDP_PORT, DATAGRAMS, DATAGRAMS * octets);
	send_datagrams(AF_INET, SEGMENTED_PORT, FEW, SEGMENTS);
	expect("UDP, segmented", FLOW_EGRESS, AF_INET, IPPROTO_UDP, SEGMENTED_PORT, FEW * SEGMENTS,
	       FEW * SEGMENTS * octets);
	send_datagrams(AF_INET, EXCLUDED_PORT, FEW, 1);
	expect("UDP, excluded", FLOW_EGRESS, AF_INET, IPPROTO_UDP, EXCLUDED_PORT, 0, 0);
	octets = IPV6_HEADER + 8 + UDP_HEADER + DATAGRAM;
	send_datagrams(AF_INET6, IPV6_PORT, FEW, 1);
	expect("UDP over IPv6 with options", FLOW_EGRESS, AF_INET6, IPPROTO_UDP, IPV6_PORT, FEW,
	       FEW * octets);
	octets = IPV4_HEADER + sizeof(struct icmphdr);
	send_pings(AF_INET, ICMP_ECHO);
	expect("ICMP sent", FLOW_EGRESS, AF_INET, IPPROTO_ICMP, ICMP_ECHO << 8, FEW, FEW * octets);
	expect("ICMP received", FLOW_INGRESS, AF_INET, IPPROTO_ICMP, ICMP_ECHOREPLY << 8, FEW,
	       FEW * octets);
	octets = IPV6_HEADER + sizeof(struct icmphdr);
	send_pings(AF_INET6, 128);
	expect("ICMPv6 sent", FLOW_EGRESS, AF_INET6, IPPROTO_ICMPV6, 128 << 8, FEW, FEW * octets);
	expect("ICMPv6 received", FLOW_INGRESS, AF_INET6, IPPROTO_ICMPV6, 129 << 8, FEW,
	       FEW * octets);
}

static void peer_in_key(int family, __u8 *address)
{
	inet_pton(AF_INET6, family == AF_INET ? "::ffff:10.0.0.2" : "fd00::2", address);
}

static void exclude(struct flowmeter *meter)
{
	struct excluded_session session = {
		.source_port = htons(EXCLUDED_PORT),
		.destination_port = htons(EXCLUDED_PORT),
		.protocol = IPPROTO_UDP,
	};
	__u8 yes = 1;

	inet_pton(AF_INET6, "::ffff:10.0.0.1", session.source_address);
	peer_in_key(AF_INET, session.destination_address);
	must(bpf_map_update_elem(bpf_map__fd(meter->maps.excluded), &session, &yes, BPF_ANY));
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

/* The line of the verifier's log that says what it does not like: before the statistics. */
static void __attribute__((noreturn)) refused(int error)
{
	const char *why = strerror(error);

	for (char *line = strtok(verifier_log, "\n"); line; line = strtok(NULL, "\n"))
		if (strncmp(line, "processed ", 10))
			why = line;
	printf("RESULT refused %s\n", why);
	exit(1);
}

static struct flowmeter *load(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = verifier_log,
		    .kernel_log_size = sizeof(verifier_log));
	struct flowmeter *meter = flowmeter__open_opts(&options);
	struct bpf_program *program;
	__u32 instructions = 0;
	__u64 begin;
	int error;

	if (!meter)
		fail("open: %s", strerror(errno));
	meter->rodata->slots_per_half = SLOTS;
	meter->rodata->slots_high_water = HIGH_WATER;
	meter->rodata->index_entries = INDEX_ENTRIES;
	meter->rodata->interfaces_max = INTERFACES;
	meter->rodata->hash_seed = nanoseconds(CLOCK_REALTIME);
	meter->rodata->flow_clock = flow_clock;
	bpf_map__set_max_entries(meter->maps.slots, 2 * SLOTS);
	bpf_map__set_max_entries(meter->maps.index, INDEX_ENTRIES);
	bpf_map__set_max_entries(meter->maps.interfaces,
				 (INTERFACES + 1) * must(libbpf_num_possible_cpus()));
	bpf_map__set_max_entries(meter->maps.latencies,
				 (meter->rodata->latencies_max + 1) * libbpf_num_possible_cpus());
	bpf_program__set_autoload(meter->progs.time_ingress, timed);
	bpf_program__set_autoload(meter->progs.time_egress, timed);
	bpf_program__set_autoload(meter->progs.time_ingress_l3, timed);
	bpf_program__set_autoload(meter->progs.time_egress_l3, timed);
	bpf_program__set_autoload(meter->progs.stamp_ingress, timed);
	begin = nanoseconds(CLOCK_MONOTONIC);
	error = -flowmeter__load(meter);
	if (error)
		refused(error);
	begin = nanoseconds(CLOCK_MONOTONIC) - begin;
	bpf_object__for_each_program(program, meter->obj) {
		struct bpf_prog_info info = {};
		__u32 length = sizeof(info);

		if (!bpf_program__autoload(program))
			continue;
		must(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length));
		if (info.verified_insns > instructions)
			instructions = info.verified_insns;
	}
	printf("RESULT loaded %llu %u\n", begin / 1000000, instructions);
	return meter;
}

/* Where a program is attached: at tcx by the link, else at clsact. */
struct attachment {
	struct bpf_tc_hook hook;
	struct bpf_tc_opts filter;
	int link;
};

static struct attachment attach(struct bpf_program *program, enum flow_direction direction, _Bool tcx)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = TCX_BEFORE);
	struct attachment at = {
		.hook = {.sz = sizeof(at.hook), .ifindex = if_nametoindex(device),
			 .attach_point = direction == FLOW_EGRESS ? BPF_TC_EGRESS : BPF_TC_INGRESS},
		.filter = {.sz = sizeof(at.filter), .handle = 1, .priority = 1,
			   .prog_fd = bpf_program__fd(program)},
		.link = -1,
	};

	if (tcx) {
		at.link = must(bpf_link_create(bpf_program__fd(program), at.hook.ifindex,
					       direction == FLOW_EGRESS ? TCX_EGRESS : TCX_INGRESS,
					       &options));
		return at;
	}
	must(bpf_tc_attach(&at.hook, &at.filter));
	return at;
}

static void detach(struct attachment *at)
{
	if (at->link >= 0) {
		close(at->link);
		return;
	}
	at->filter.prog_fd = at->filter.prog_id = at->filter.flags = 0;
	must(bpf_tc_detach(&at->hook, &at->filter));
}

/* As GracePeriod.java: the kernel waits for one at the end of an update of a map of maps. */
static void await_grace_period(void)
{
	static int inner, outer;
	__u32 key = 0;

	if (!outer) {
		LIBBPF_OPTS(bpf_map_create_opts, options);

		inner = must(bpf_map_create(BPF_MAP_TYPE_ARRAY, "grace_period", 4, 4, 1, NULL));
		options.inner_map_fd = inner;
		outer = must(bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "grace_period", 4, 4, 1,
					    &options));
	}
	must(bpf_map_update_elem(outer, &key, &inner, BPF_ANY));
}

/* The flow clock. */
static __u64 read_clock(struct flowmeter *meter)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);
	__u64 before = nanoseconds(CLOCK_MONOTONIC), monotonic;

	must(bpf_prog_test_run_opts(bpf_program__fd(meter->progs.read_clock), &options));
	monotonic = meter->bss->clock_reading.monotonic;
	if (monotonic < before || monotonic > nanoseconds(CLOCK_MONOTONIC))
		fail("read_clock says %llu and it is after %llu", monotonic, before);
	return meter->bss->clock_reading.flow;
}

static _Bool is_of(const struct expectation *expected, const struct flow_key *key)
{
	_Bool egress = expected->direction == FLOW_EGRESS;
	_Bool icmp = key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6;
	const __u8 *address = egress ? key->destination_address : key->source_address;
	__be16 port = egress || icmp ? key->destination_port : key->source_port;
	__u8 peer[16];

	peer_in_key(expected->family, peer);
	return key->direction == expected->direction && key->protocol == expected->protocol &&
	       port == htons(expected->port) && !memcmp(address, peer, sizeof(peer));
}

/* The epoch that ended must hold what was sent; adds all its flows to the sums by direction. */
static void check_epoch(const struct flow_slot *slots, __u32 taken, __u64 begin, __u64 end,
			struct traffic *sums)
{
	if (taken <= HIGH_WATER || taken >= SLOTS)
		fail("%u slots taken", taken);
	for (__u32 n = 0; n < taken; n++) {
		if (slots[n].first < begin || slots[n].first > slots[n].last || slots[n].last > end)
			fail("a flow from %llu to %llu, and not between %llu and %llu",
			     slots[n].first, slots[n].last, begin, end);
		sums[slots[n].key.direction].packets += slots[n].packets;
		sums[slots[n].key.direction].octets += slots[n].octets;
	}
	for (int i = 0; i < expectations; i++) {
		struct traffic found = {};

		for (__u32 n = 0; n < taken; n++)
			if (is_of(&sent[i], &slots[n].key)) {
				found.packets += slots[n].packets;
				found.octets += slots[n].octets;
			}
		if (found.packets != sent[i].traffic.packets || found.octets != sent[i].traffic.octets)
			fail("%s: %llu packets and %llu octets instead of %llu and %llu",
			     sent[i].what, found.packets, found.octets, sent[i].traffic.packets,
			     sent[i].traffic.octets);
	}
}

/* seen = metered + overflow + excluded + malformed + non_ip */
static __u64 check_counters(const struct interface_counters *counters, enum flow_direction direction,
			    const struct traffic *metered)
{
	int entries = (INTERFACES + 1) * libbpf_num_possible_cpus();
	struct traffic seen = {}, rest = {}, excluded = {};

	for (const struct interface_counters *c = counters; c < counters + entries; c++) {
		const struct traffic *others = &c->overflow;

		if (c->interface.ifindex != if_nametoindex(device) ||
		    c->interface.direction != direction)
			continue;
		seen.packets += c->seen.packets;
		seen.octets += c->seen.octets;
		excluded.packets += c->excluded.packets;
		for (int i = 0; i < 4; i++) {
			rest.packets += others[i].packets;
			rest.octets += others[i].octets;
		}
	}
	if (!seen.packets || seen.packets != metered->packets + rest.packets ||
	    seen.octets != metered->octets + rest.octets)
		fail("direction %d: %llu packets and %llu octets seen, %llu and %llu metered, "
		     "%llu and %llu counted otherwise", direction, seen.packets, seen.octets,
		     metered->packets, metered->octets, rest.packets, rest.octets);
	if (excluded.packets != (direction == FLOW_EGRESS ? EPOCHS * FEW : 0))
		fail("direction %d: %llu packets excluded", direction, excluded.packets);
	return metered->packets;
}

static int count_event(void *events, void *event, size_t size)
{
	(void)event;
	(void)size;
	++*(int *)events;
	return 0;
}

static const void *map_memory(struct bpf_map *map, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);

	if (memory == MAP_FAILED)
		fail("mmap %s: %s", bpf_map__name(map), strerror(errno));
	return memory;
}

static void meter_with(_Bool tcx)
{
	size_t slots_size = 2UL * SLOTS * sizeof(struct flow_slot);
	size_t counters_size = (INTERFACES + 1UL) * libbpf_num_possible_cpus() *
			       sizeof(struct interface_counters);
	struct flowmeter *meter = load();
	const struct flow_slot *slots = map_memory(meter->maps.slots, slots_size);
	const struct interface_counters *counters = map_memory(meter->maps.interfaces, counters_size);
	struct ring_buffer *ring;
	struct traffic metered[2] = {};
	struct bpf_tc_hook clsact = {.sz = sizeof(clsact), .ifindex = if_nametoindex(device),
				     .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS};
	struct attachment ingress, egress;
	int events = 0;

	hook = tcx ? "tcx" : "clsact";
	ring = ring_buffer__new(bpf_map__fd(meter->maps.events), count_event, &events, NULL);
	if (!ring)
		fail("open the ring buffer: %s", strerror(errno));
	exclude(meter);
	if (!tcx)
		must(bpf_tc_hook_create(&clsact));
	ingress = attach(timed ? meter->progs.time_ingress : meter->progs.flow_ingress,
			 FLOW_INGRESS, tcx);
	egress = attach(timed ? meter->progs.time_egress : meter->progs.flow_egress,
			FLOW_EGRESS, tcx);
	for (__u32 epoch = 0; epoch < EPOCHS; epoch++) {
		/* read_clock has no ticks for the coarse clock, and so is ahead of it. */
		__u64 begin = flow_clock == FLOW_CLOCK_COARSE ? nanoseconds(CLOCK_MONOTONIC_COARSE)
							      : read_clock(meter);

		send_all();
		if (epoch == EPOCHS - 1) {	/* from here on nothing more is counted */
			detach(&ingress);
			detach(&egress);
		}
		__atomic_store_n(&meter->bss->epoch, epoch + 1, __ATOMIC_RELEASE);
		await_grace_period();
		check_epoch(slots + (epoch & 1) * SLOTS, meter->bss->slots_used[epoch & 1].taken,
			    begin, read_clock(meter), metered);
		meter->bss->slots_used[epoch & 1].taken = 0;
	}
	ring_buffer__consume(ring);
	if (events != EPOCHS)
		fail("%d events in %d epochs", events, EPOCHS);
	printf("RESULT metered %s %llu\n", hook,
	       check_counters(counters, FLOW_INGRESS, &metered[FLOW_INGRESS]) +
		       check_counters(counters, FLOW_EGRESS, &metered[FLOW_EGRESS]));
	if (!tcx)
		must(bpf_tc_hook_destroy(&clsact));
	ring_buffer__free(ring);
	munmap((void *)slots, slots_size);
	munmap((void *)counters, counters_size);
	flowmeter__destroy(meter);
}

/* Whether this kernel has tcx, found out by attaching a program that does nothing. */
static _Bool has_tcx(void)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = TCX_BEFORE);
	static const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_UNSPEC},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int program = must(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "nothing", "GPL", nothing, 2, NULL));
	int link = bpf_link_create(program, if_nametoindex(device), TCX_EGRESS, &options);

	if (link < 0 && errno != EINVAL)
		fail("attach at tcx: %s", strerror(errno));
	close(link);
	close(program);
	return link >= 0;
}

int main(int argc, char **argv)
{
	struct utsname kernel;
	_Bool tcx;
	pid_t server;

	if (argc != 3) {
		fprintf(stderr, "usage: meter DEVICE NAMESPACE\n");
		return 2;
	}
	device = argv[1];
	setlinebuf(stdout);
	libbpf_set_print(quiet);
	must(uname(&kernel));
	printf("RESULT kernel %s\n", kernel.release);
	if (!if_nametoindex(device))
		fail("%s: %s", device, strerror(errno));
	peer_namespace = must(open(argv[2], O_RDONLY));
	own_namespace = must(open("/proc/self/ns/net", O_RDONLY));
	server = serve_tcp();
	tcx = has_tcx();
	for (flow_clock = FLOW_CLOCK_JIFFIES; flow_clock <= FLOW_CLOCK_BOOT; flow_clock++) {
		meter_with(0);
		if (tcx)
			meter_with(1);
	}
	flow_clock = FLOW_CLOCK_JIFFIES;
	timed = 1;
	meter_with(0);
	if (tcx)
		meter_with(1);
	kill(server, SIGKILL);
	printf("RESULT ok\n");
	return 0;
}
