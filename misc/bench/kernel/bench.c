// SPDX-License-Identifier: Apache-2.0
/*
 * What a packet costs in the kernel: runs the programs of programs.bpf.c, and
 * the product as it ships, on one CPU through BPF_PROG_TEST_RUN. Each round
 * measures every program, so that a machine that slows down slows all of them;
 * printed are medians over the rounds.
 *
 *	bench PROGRAMS.bpf.o FLOWMETER.bpf.o [ROUNDS]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#define MAX_ROUNDS 99
#define PACKETS 500000		/* per measurement of known flows, at least */

enum { HIT, NEW_FLOW, NEW_EPOCH, MEASURES };

struct program {
	const char *title;
	const char *name;
	_Bool product;
	double samples[MEASURES][MAX_ROUNDS];
};

static const char *programs_path, *product_path;
static struct program programs[] = {
	{.title = "empty program", .name = "empty"},
	{.title = "classic per-CPU hash", .name = "classic"},
	{.title = "slot log", .name = "slot_log"},
	{.title = "slot log, as shipped", .name = "flow_egress", .product = 1},
};
enum { EMPTY, CLASSIC, SLOT_LOG, SHIPPED, PROGRAMS };

static struct {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed)) packet;

static void fail(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Where the variable is in the initial value or the mapping of its section. */
static void *variable(struct bpf_object *object, const char *section, const char *name, char *base)
{
	struct btf *btf = bpf_object__btf(object);
	const struct btf_type *type =
		btf__type_by_id(btf, btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC));
	struct btf_var_secinfo *member = btf_var_secinfos(type);

	for (int i = 0; i < btf_vlen(type); i++, member++) {
		const struct btf_type *candidate = btf__type_by_id(btf, member->type);

		if (!strcmp(btf__name_by_offset(btf, candidate->name_off), name))
			return base + member->offset;
	}
	fprintf(stderr, "bench: no variable %s in %s\n", name, section);
	exit(1);
}

static struct bpf_map *section(struct bpf_object *object, const char *suffix)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		const char *name = bpf_map__name(map);

		if (strlen(name) > strlen(suffix) &&
		    !strcmp(name + strlen(name) - strlen(suffix), suffix))
			return map;
	}
	fprintf(stderr, "bench: no section %s\n", suffix);
	exit(1);
}

#define INTERFACES 1024

static void set_knob(struct bpf_object *object, const char *name, __u32 value)
{
	size_t size;
	char *base = (char *)bpf_map__initial_value(section(object, ".rodata"), &size);

	*(__u32 *)variable(object, ".rodata", name, base) = value;
}

static void set_size(struct bpf_object *object, const char *map, __u32 entries)
{
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, map), entries);
}

/* The program alone, with maps for this many flows if they are its own. */
static struct bpf_object *load(const struct program *program, __u32 flows)
{
	struct bpf_object *object =
		bpf_object__open_file(program->product ? product_path : programs_path, NULL);
	struct bpf_program *other;
	_Bool log = program >= &programs[SLOT_LOG];
	__u32 half = flows + 1024;
	__u32 entries = 1;

	if (!object)
		fail("open");
	bpf_object__for_each_program(other, object)
		bpf_program__set_autoload(other, !strcmp(bpf_program__name(other), program->name));
	set_knob(object, "slots_per_half", log ? half : 1);
	set_knob(object, "slots_high_water", half);
	set_size(object, "slots", log ? 2 * half : 2);
	while (log && entries < 2 * half)
		entries *= 2;
	set_size(object, "index", entries);
	set_knob(object, "interfaces_max", INTERFACES);
	set_size(object, "interfaces", (INTERFACES + 1) * libbpf_num_possible_cpus());
	set_knob(object, "index_entries", entries);
	if (!program->product) {
		set_knob(object, "flow_mask", flows - 1);
		set_size(object, "classic_flows", program == &programs[CLASSIC] ? flows : 1);
	}
	if (bpf_object__load(object))
		fail("load");
	return object;
}

/* Nanoseconds a packet, as the kernel took them, its loop included. */
static double run(int program, __u32 packets)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = &packet, .data_size_in = sizeof(packet),
		    .repeat = packets);

	if (bpf_prog_test_run_opts(program, &options))
		fail("BPF_PROG_TEST_RUN");
	return options.duration;
}

static void measure(struct program *program, __u32 flows, int round)
{
	struct bpf_object *object = load(program, flows);
	int fd = bpf_program__fd(bpf_object__find_program_by_name(object, program->name));
	__u32 many = flows > PACKETS ? flows : PACKETS;

	program->samples[NEW_FLOW][round] = run(fd, flows);
	run(fd, many / 4);
	program->samples[HIT][round] = run(fd, many);
	if (program >= &programs[SLOT_LOG]) {
		long page = sysconf(_SC_PAGESIZE);
		char *bss = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED,
				 bpf_map__fd(section(object, ".bss")), 0);

		if (bss == MAP_FAILED)
			fail("mmap .bss");
		++*(volatile __u32 *)variable(object, ".bss", "epoch", bss);
		program->samples[NEW_EPOCH][round] = run(fd, flows);
		munmap(bss, page);
	}
	bpf_object__close(object);
}

static int ascending(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return (difference > 0) - (difference < 0);
}

static double median(double *samples, int count)
{
	qsort(samples, count, sizeof(*samples), ascending);
	return (samples[(count - 1) / 2] + samples[count / 2]) / 2;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

int main(int argc, char **argv)
{
	static const __u32 flow_counts[] = {1, 1 << 10, 1 << 17, 1 << 20};
	int rounds = argc > 3 ? atoi(argv[3]) : 5;
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	cpu_set_t cpu;

	if (argc < 3 || rounds < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: bench PROGRAMS.bpf.o FLOWMETER.bpf.o [ROUNDS 1-%d]\n",
			MAX_ROUNDS);
		return 2;
	}
	programs_path = argv[1];
	product_path = argv[2];
	packet.ethernet.h_proto = htons(ETH_P_IP);
	packet.ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP,
				   .tot_len = htons(sizeof(packet) - ETH_HLEN),
				   .saddr = htonl(0x0a000001), .daddr = htonl(0x0a000102)};
	packet.tcp = (struct tcphdr){.source = htons(40000), .dest = htons(443), .doff = 5, .ack = 1};
	libbpf_set_print(quiet);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);	/* kernels before 5.11 */
	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);

	printf("ns a packet (over the empty program), medians of %d rounds\n\n", rounds);
	printf("%-22s %9s %18s %18s %18s\n", "", "flows", "known flow", "new flow",
	       "known, new epoch");
	for (unsigned int i = 0; i < sizeof(flow_counts) / sizeof(*flow_counts); i++) {
		__u32 flows = flow_counts[i];
		double medians[PROGRAMS][MEASURES];

		for (int round = 0; round < rounds; round++)
			for (int p = 0; p < PROGRAMS; p++)
				if (!programs[p].product || flows == 1)
					measure(&programs[p], flows, round);
		for (int p = 0; p < PROGRAMS; p++) {
			if (programs[p].product && flows != 1)
				continue;
			printf("%-22s %9u", programs[p].title, flows);
			for (int m = 0; m < MEASURES; m++) {
				medians[p][m] = median(programs[p].samples[m], rounds);
				/* One packet is too few to time; nothing but the log has epochs. */
				if ((m != HIT && (flows == 1 || p == EMPTY)) ||
				    (m == NEW_EPOCH && p < SLOT_LOG))
					printf(" %18s", "-");
				else
					printf(" %11.0f (%4.0f)", medians[p][m],
					       medians[p][m] - medians[EMPTY][HIT]);
			}
			printf("\n");
		}
		printf("%-22s %9s %17.2f", "slot log / classic", "",
		       (medians[SLOT_LOG][HIT] - medians[EMPTY][HIT]) /
			       (medians[CLASSIC][HIT] - medians[EMPTY][HIT]));
		if (flows > 1)
			printf(" %18.2f", (medians[SLOT_LOG][NEW_FLOW] - medians[EMPTY][HIT]) /
						  (medians[CLASSIC][NEW_FLOW] - medians[EMPTY][HIT]));
		printf("\n\n");
	}
	return 0;
}
