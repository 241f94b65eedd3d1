// SPDX-License-Identifier: Apache-2.0
/*
 * From flows in the kernel's slot log to IPFIX datagrams: fills an epoch with
 * flows, one packet each, waits until the exporter hands them out, and takes the
 * time from the first datagram to the last.
 *
 *	pipeline DATAGRAMS.bpf.o METERED SINK PID FLOWS ROUNDS BATCH
 *
 * METERED is the device that the exporter (process PID) meters, SINK the one that
 * its datagrams arrive at. That the exporter missed no flow, and invented none,
 * follows from the sequence numbers of its Messages.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <time.h>
#include <sys/mman.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "datagrams.h"
#include "../frames.h"

#define MS 1000000ull
#define QUIET (300 * MS)	/* no datagram for so long: the drain has ended */
#define PATIENCE (20000 * MS)
#define MAX_ROUNDS 99

static volatile struct datagrams *datagrams;
static struct sender sender;
static clockid_t exporter_cpu;
static pid_t exporter;

static __u64 clock_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		fail("clock of the exporter");
	return now.tv_sec * 1000 * MS + now.tv_nsec;
}

static void open_collector(const char *path, const char *device)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex(device),
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options);
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_map *bss;
	int error;

	if (!object || bpf_object__load(object))
		fail(path);
	options.prog_fd = bpf_program__fd(bpf_object__find_program_by_name(object, "count"));
	error = bpf_tc_hook_create(&hook);
	if ((error && error != -EEXIST) || bpf_tc_attach(&hook, &options))
		fail(device);
	bss = bpf_object__next_map(object, NULL);
	datagrams = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			 bpf_map__fd(bss), 0);
	if (datagrams == MAP_FAILED)
		fail("mmap");
}

/* Waits for the datagrams of one drain; 0 if none came in time. */
static _Bool await_drain(__u64 patience)
{
	struct timespec pause = {.tv_nsec = 2 * MS};
	__u64 begin = clock_ns(CLOCK_MONOTONIC);

	for (;;) {
		__u64 now = clock_ns(CLOCK_MONOTONIC);

		if (datagrams->count ? now > datagrams->last + QUIET : now > begin + patience)
			return datagrams->count;
		if (kill(exporter, 0))
			fail("exporter");
		nanosleep(&pause, NULL);
	}
}

static void forget_datagrams(void)
{
	memset((void *)datagrams, 0, sizeof(*datagrams));
}

static void fill(unsigned int first, unsigned int flows)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < flows; i++) {
		set_flow(&sender, count++, first + i);
		if (count == BATCH || i + 1 == flows) {
			send_frames(&sender, count);
			count = 0;
		}
	}
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

int main(int argc, char **argv)
{
	static const unsigned char nobody[ETH_ALEN] = {2, 0, 0, 0, 0, 99};
	unsigned int flows, rounds, batch, half;
	double rate[MAX_ROUNDS], cpu[MAX_ROUNDS];
	__u32 first = 0, before = 0;

	if (argc != 8)
		return 2;
	exporter = atoi(argv[4]);
	flows = atoi(argv[5]);
	rounds = atoi(argv[6]);
	batch = atoi(argv[7]);
	if (rounds < 2 || rounds > MAX_ROUNDS || flows <= batch ||
	    clock_getcpuclockid(exporter, &exporter_cpu))
		return 2;
	open_collector(argv[1], argv[3]);
	open_sender(&sender, argv[2], nobody, "10.1.0.2");

	/* Until the exporter is ready; from then on we know when its epochs end. */
	for (int seconds = 0; seconds == 0 || !await_drain(1000 * MS); seconds++) {
		if (seconds > 60) {
			fprintf(stderr, "pipeline: the exporter sends nothing\n");
			return 1;
		}
		fill(0, 1);
	}

	/*
	 * How many flows a drain had shows in the sequence number of the next one. So
	 * there is one more, and another for what may have missed the end of its epoch.
	 */
	for (unsigned int round = 0; round < rounds + 2; round++) {
		__u64 cpu_before = clock_ns(exporter_cpu), nanos = 0;
		unsigned int exported;

		forget_datagrams();
		fill(round * flows, round < rounds ? flows : 1);
		if (!await_drain(PATIENCE))
			fail("nothing is exported");
		exported = datagrams->sequence - before;
		before = datagrams->sequence;
		if (round == 0)
			first = before;
		if (round > 0 && round <= rounds) {
			rate[round - 1] *= (double)exported - batch;
			cpu[round - 1] /= exported;
			printf("  drain %2u: %8u flows, %6.2f M flows/s, exporter CPU %4.0f ns a flow\n",
			       round, exported, rate[round - 1], cpu[round - 1]);
			fflush(stdout);
		}
		if (round < rounds) {
			/* The batch that the clock starts with has been made before. */
			nanos = datagrams->last - datagrams->first;
			rate[round] = 1e3 / nanos;
			cpu[round] = clock_ns(exporter_cpu) - cpu_before;
		}
	}
	half = rounds / 2;
	printf("  second half: median %.2f M flows/s, exporter CPU %.0f ns a flow\n",
	       median(rate + half, rounds - half), median(cpu + half, rounds - half));
	printf("  flows: %u metered, %u exported\n", rounds * flows + 1, before - first);
	return before - first != rounds * flows + 1;
}
