// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Mailboxes: by write(2) and read(2), by send and receive, many in one call,
 * without room for any, under leases, and as calls.
 */
#include <fcntl.h>
#include <errno.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "bench.h"

/* Messages in one system call. */
#define BATCH	16

static int create(struct bench_channel *channel, uint64_t capacity, size_t bytes)
{
	const struct mbox_attr attr = { .capacity = capacity, .msgsize = bytes };
	int err = mbox_create(&channel->mb, NULL, O_RDWR, 0600, &attr);

	if (!err)
		channel->in = channel->out = mbox_fd(channel->mb);
	return err;
}

static int setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	return create(channel, room, bytes);
}

static void teardown(struct bench_channel *channel)
{
	mbox_close(channel->mb);
}

static int write_one(struct bench_channel *channel, size_t bytes)
{
	return write(channel->in, bench_data, bytes) == (ssize_t)bytes ? 0 : -EIO;
}

static int read_one(struct bench_channel *channel, size_t bytes)
{
	return read(channel->out, bench_data, bytes) == (ssize_t)bytes ? 0 : -EIO;
}

static int send_one(struct bench_channel *channel, size_t bytes)
{
	return mbox_send(channel->mb, bench_data, bytes, 0);
}

static int recv_one(struct bench_channel *channel, size_t bytes)
{
	struct mbox_message msg = { .data = bench_data, .size = bytes };

	return mbox_recv(channel->mb, &msg);
}

const struct bench_mechanism bench_mbox_write = {
	.name = "mbox write/read",
	.setup = setup,
	.send = write_one,
	.recv = read_one,
	.teardown = teardown,
};

const struct bench_mechanism bench_mbox_send = {
	.name = "mbox send/receive",
	.setup = setup,
	.send = send_one,
	.recv = recv_one,
	.teardown = teardown,
};

static int send_batch(struct bench_channel *channel, size_t bytes)
{
	struct mbox_message msgs[BATCH];
	int i;

	for (i = 0; i < BATCH; i++)
		msgs[i] = (struct mbox_message) { .data = bench_data, .length = bytes };
	return mbox_send_batch(channel->mb, msgs, BATCH, 0, 0) == BATCH ? 0 : -EIO;
}

static int recv_batch(struct bench_channel *channel, size_t bytes)
{
	struct mbox_message msgs[BATCH];
	int i;

	for (i = 0; i < BATCH; i++)
		msgs[i] = (struct mbox_message) { .data = bench_data, .size = bytes };
	return mbox_recv_batch(channel->mb, msgs, BATCH, 0, 0) == BATCH ? 0 : -EIO;
}

const struct bench_mechanism bench_mbox_batch = {
	.name = "mbox batch",
	.setup = setup,
	.send = send_batch,
	.recv = recv_batch,
	.teardown = teardown,
};

static int rendezvous_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	(void)room;
	return create(channel, 0, bytes);
}

const struct bench_mechanism bench_mbox_rendezvous = {
	.name = "mbox rendezvous",
	.setup = rendezvous_setup,
	.send = send_one,
	.recv = recv_one,
	.teardown = teardown,
};

const struct bench_mechanism bench_mbox_receive = {
	.name = "mbox receive",
	.setup = setup,
	.send = send_one,
	.recv = recv_one,
	.teardown = teardown,
};

static int lease_one(struct bench_channel *channel, size_t bytes)
{
	struct mbox_message msg = {
		.data = bench_data,
		.size = bytes,
		.delivery = channel->delivery,
	};
	int err = mbox_recv_msg(channel->mb, &msg, MBOX_LEASE | MBOX_ACK, 0);

	channel->delivery = msg.delivery;
	return err;
}

const struct bench_mechanism bench_mbox_lease = {
	.name = "mbox lease + ack",
	.setup = setup,
	.send = send_one,
	.recv = lease_one,
	.teardown = teardown,
};

static int ask(struct bench_channel *channel, size_t bytes)
{
	struct mbox_message request = { .data = bench_data, .length = bytes };
	struct mbox_message reply = { .data = bench_data, .size = bytes };

	return mbox_call(channel->mb, &request, &reply, 0, 0);
}

static void serve(struct bench_channel *channel, size_t bytes)
{
	struct mbox_message next = { .data = bench_data, .size = bytes };
	struct mbox_message reply = { .data = bench_data };

	while (!mbox_reply_recv(channel->mb, &reply, &next, 0, 0)) {
		reply.delivery = next.delivery;
		reply.length = next.length;
	}
}

const struct bench_mechanism bench_mbox_call = {
	.name = "mbox call/reply",
	.setup = setup,
	.ask = ask,
	.serve = serve,
	.teardown = teardown,
};
