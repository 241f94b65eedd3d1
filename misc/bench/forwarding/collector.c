// SPDX-License-Identifier: Apache-2.0
/*
 * Adds up the packetDeltaCount of all IPFIX Data Records that arrive at UDP port
 * 4739, and prints, once it gets SIGTERM,
 *
 *	records packets lost
 *
 * lost being the Data Records that are missing by the sequence numbers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#define IPFIX 4739
#define TEMPLATE_SET 2
#define PACKET_DELTA_COUNT 2
#define BUFFER (64 << 20)

/* Of a Template: how long its records are, and where and how long the count is. */
static struct {
	unsigned int length, at, size;
} templates[1 << 16];

static unsigned long long records, packets;
static unsigned int next_sequence, lost, began;
static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static unsigned int get16(const unsigned char *at)
{
	return at[0] << 8 | at[1];
}

static void read_templates(const unsigned char *at, const unsigned char *end)
{
	while (at + 4 <= end) {
		unsigned int id = get16(at), fields = get16(at + 2), length = 0;

		for (at += 4; fields-- && at + 4 <= end; at += 4) {
			if (get16(at) == PACKET_DELTA_COUNT) {
				templates[id].at = length;
				templates[id].size = get16(at + 2);
			}
			length += get16(at + 2);
		}
		templates[id].length = length;
	}
}

static unsigned int read_records(unsigned int id, const unsigned char *at, const unsigned char *end)
{
	unsigned int count = 0;

	if (!templates[id].length)
		return 0;
	for (; at + templates[id].length <= end; at += templates[id].length, count++) {
		unsigned long long value = 0;

		for (unsigned int i = 0; i < templates[id].size; i++)
			value = value << 8 | at[templates[id].at + i];
		packets += value;
	}
	return count;
}

static void read_message(const unsigned char *message, const unsigned char *end)
{
	unsigned int sequence = get16(message + 8) << 16 | get16(message + 10), count = 0;

	if (began && sequence != next_sequence)
		lost += sequence - next_sequence;
	began = 1;
	for (const unsigned char *set = message + 16; set + 4 <= end;) {
		unsigned int id = get16(set), length = get16(set + 2);

		if (length < 4 || set + length > end)
			break;
		if (id == TEMPLATE_SET)
			read_templates(set + 4, set + length);
		else
			count += read_records(id, set + 4, set + length);
		set += length;
	}
	records += count;
	next_sequence = sequence + count;
}

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(IPFIX),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sigaction action = {.sa_handler = end};	/* and recv is not restarted */
	int s = socket(AF_INET, SOCK_DGRAM, 0), buffer = BUFFER;
	static unsigned char message[1 << 16];

	sigaction(SIGTERM, &action, NULL);
	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) ||
	    bind(s, (struct sockaddr *)&address, sizeof(address))) {
		fprintf(stderr, "collector: %s\n", strerror(errno));
		return 1;
	}
	for (;;) {
		ssize_t length = recv(s, message, sizeof(message), ended ? MSG_DONTWAIT : 0);

		if (length >= 16)
			read_message(message, message + length);
		else if (ended)
			break;
	}
	printf("%llu %llu %u\n", records, packets, lost);
	return 0;
}
