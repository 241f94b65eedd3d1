/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends TCP frames of 60 octets (IP length 46) out of a device, from as many flows
 * as asked for.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define PORTS 50000		/* source ports that flows of one source address have */

struct frame {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
	char payload[ETH_ZLEN - sizeof(struct ethhdr) - sizeof(struct iphdr) -
		     sizeof(struct tcphdr)];
} __attribute__((packed));

struct sender {
	int socket;
	struct frame frames[BATCH];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
};

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned short ip_checksum(const struct frame *frame)
{
	unsigned short words[sizeof(frame->ip) / sizeof(short)];
	unsigned int sum = 0;

	memcpy(words, &frame->ip, sizeof(words));
	for (unsigned int i = 0; i < sizeof(words) / sizeof(*words); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

/* Flow n, in the frame at place i of a batch. */
static void set_flow(struct sender *sender, int i, unsigned int n)
{
	struct frame *frame = &sender->frames[i];

	frame->ip.saddr = htonl(0x0a800001 + n / PORTS);
	frame->ip.check = 0;
	frame->ip.check = ip_checksum(frame);
	frame->tcp.source = htons(10000 + n % PORTS);
}

/* For frames from device to the host with this MAC and IPv4 address. */
static void open_sender(struct sender *sender, const char *device, const unsigned char *mac,
			const char *address)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(device)};

	sender->socket = socket(AF_PACKET, SOCK_RAW, 0);
	if (sender->socket < 0 || !to.sll_ifindex ||
	    bind(sender->socket, (struct sockaddr *)&to, sizeof(to)))
		fail(device);
	for (int i = 0; i < BATCH; i++) {
		struct frame *frame = &sender->frames[i];

		memset(frame, 0, sizeof(*frame));
		memcpy(frame->ethernet.h_dest, mac, ETH_ALEN);
		frame->ethernet.h_source[0] = 2;
		frame->ethernet.h_proto = htons(ETH_P_IP);
		frame->ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64,
					   .protocol = IPPROTO_TCP,
					   .tot_len = htons(sizeof(*frame) - ETH_HLEN),
					   .daddr = inet_addr(address)};
		frame->tcp = (struct tcphdr){.dest = htons(443), .doff = 5, .ack = 1};
		sender->parts[i] = (struct iovec){frame, sizeof(*frame)};
		sender->messages[i].msg_hdr = (struct msghdr){.msg_iov = &sender->parts[i],
							      .msg_iovlen = 1};
	}
}

/* Sends the first count frames of the batch, all of them. */
static void send_frames(struct sender *sender, unsigned int count)
{
	for (unsigned int sent = 0; sent < count;) {
		int n = sendmmsg(sender->socket, sender->messages + sent, count - sent, 0);

		if (n > 0)
			sent += n;
		else if (errno != ENOBUFS && errno != EAGAIN)
			fail("send");
	}
}

#endif
