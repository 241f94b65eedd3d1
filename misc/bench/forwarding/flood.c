// SPDX-License-Identifier: Apache-2.0
/*
 * Sends frames as fast as the device takes them, the flows in turn, and prints the
 * nanoseconds of CPU time that took: what comes behind a veth device runs in the
 * sender's time.
 *
 *	flood DEVICE MAC ADDRESS FLOWS SECONDS
 */
#define _GNU_SOURCE
#include <time.h>
#include "../frames.h"

int main(int argc, char **argv)
{
	static struct sender sender;
	unsigned char mac[ETH_ALEN];
	unsigned int flow = 0, flows;
	struct timespec now, end;

	if (argc != 6 || (flows = atoi(argv[4])) == 0 ||
	    sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != ETH_ALEN)
		return 2;
	open_sender(&sender, argv[1], mac, argv[3]);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += atoi(argv[5]);
	do {
		for (int i = 0; i < BATCH; i++, flow = flow + 1 < flows ? flow + 1 : 0)
			set_flow(&sender, i, flow);
		send_frames(&sender, BATCH);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec ||
		 (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	printf("%lld\n", now.tv_sec * 1000000000ll + now.tv_nsec);
	return 0;
}
