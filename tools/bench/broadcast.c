// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * One message in and eight copies of it out: by a broadcast to eight receivers,
 * by looking eight times at a message of an ordinary mailbox, and by a file in
 * memory, which is written once and read eight times. The last two are what the
 * copies alone cost, with and without a message made for them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "bench.h"

#define RECEIVERS	8
#define MANY		1000
#define LARGE	65536

/* There is one such channel at a time, which has no room for them. */
static struct mbox *receivers[RECEIVERS];

static int recv_copy(struct mbox *mb, size_t bytes)
{
	struct mbox_message msg = { .data = bench_data, .size = bytes };

	return mbox_recv(mb, &msg);
}

/* Broadcast */

static int open_receivers(const char *name)
{
	int i, err = 0;

	for (i = 0; i < RECEIVERS && !err; i++)
		err = mbox_open(&receivers[i], name, O_RDONLY);
	return err;
}

static void broadcast_teardown(struct bench_channel *channel)
{
	int i;

	for (i = 0; i < RECEIVERS; i++) {
		mbox_close(receivers[i]);
		receivers[i] = NULL;
	}
	mbox_close(channel->mb);
}

static int broadcast_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	const struct mbox_attr attr = {
		.capacity = room,
		.msgsize = bytes,
		.flags = MBOX_BROADCAST,
	};
	char name[32];
	int err;

	snprintf(name, sizeof(name), "/mbox-bench-%d", getpid());
	err = mbox_create(&channel->mb, name, O_WRONLY | O_EXCL, 0600, &attr);
	if (err)
		return err;
	err = open_receivers(name);
	mbox_unlink(name);
	if (err)
		broadcast_teardown(channel);
	return err;
}

static int broadcast_send(struct bench_channel *channel, size_t bytes)
{
	return mbox_send(channel->mb, bench_data, bytes, 0);
}

static int broadcast_recv(struct bench_channel *channel, size_t bytes)
{
	int i, err = 0;

	(void)channel;
	for (i = 0; i < RECEIVERS && !err; i++)
		err = recv_copy(receivers[i], bytes);
	return err;
}

const struct bench_mechanism bench_broadcast = {
	.name = "mbox broadcast",
	.setup = broadcast_setup,
	.send = broadcast_send,
	.recv = broadcast_recv,
	.teardown = broadcast_teardown,
};

/* Peeks: the last copy takes the message out. */

static int peek_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	const struct mbox_attr attr = { .capacity = room, .msgsize = bytes };

	return mbox_create(&channel->mb, NULL, O_RDWR, 0600, &attr);
}

static int peek_recv(struct bench_channel *channel, size_t bytes)
{
	struct mbox_message msg = { .data = bench_data, .size = bytes };
	int i, err = 0;

	for (i = 1; i < RECEIVERS && !err; i++)
		err = mbox_peek(channel->mb, 0, &msg);
	return err ? err : recv_copy(channel->mb, bytes);
}

static void peek_teardown(struct bench_channel *channel)
{
	mbox_close(channel->mb);
}

const struct bench_mechanism bench_peek = {
	.name = "mbox send/peek",
	.setup = peek_setup,
	.send = broadcast_send,
	.recv = peek_recv,
	.teardown = peek_teardown,
};

/* A file in memory */

static int memory_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	(void)bytes;
	(void)room;
	channel->in = channel->out = memfd_create("mbox-bench", MFD_CLOEXEC);
	return channel->in < 0 ? -errno : 0;
}

static int memory_send(struct bench_channel *channel, size_t bytes)
{
	return pwrite(channel->in, bench_data, bytes, 0) == (ssize_t)bytes ? 0 : -EIO;
}

static int memory_recv(struct bench_channel *channel, size_t bytes)
{
	int i;

	for (i = 0; i < RECEIVERS; i++)
		if (pread(channel->out, bench_data, bytes, 0) != (ssize_t)bytes)
			return -EIO;
	return 0;
}

static void memory_teardown(struct bench_channel *channel)
{
	close(channel->in);
}

const struct bench_mechanism bench_memory = {
	.name = "file in memory",
	.is_peer = true,
	.setup = memory_setup,
	.send = memory_send,
	.recv = memory_recv,
	.teardown = memory_teardown,
};

/* What the machine has less of while messages wait for all their receivers. */

static int free_bytes(double *bytes)
{
	FILE *file = fopen("/proc/meminfo", "r");
	unsigned long long kib;
	char line[128];
	int err = -EIO;

	if (!file)
		return -errno;
	while (err && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemFree: %llu", &kib) == 1) {
			*bytes = kib * 1024.0;
			err = 0;
		}
	}
	fclose(file);
	return err;
}

static int send_many(struct bench_channel *channel, double *bytes)
{
	double before = 0, after = 0;
	int i, err = free_bytes(&before);

	for (i = 0; i < MANY && !err; i++)
		err = broadcast_send(channel, LARGE);
	if (!err)
		err = free_bytes(&after);
	*bytes = (before - after) / MANY;
	return err;
}

static int measure(double *bytes)
{
	struct bench_channel channel;
	int err = broadcast_setup(&channel, LARGE, MANY);

	if (err)
		return err;
	err = send_many(&channel, bytes);
	broadcast_teardown(&channel);
	return err;
}

const struct bench_pattern bench_unread = {
	.name = "to 8, unread",
	.measure = measure,
};
