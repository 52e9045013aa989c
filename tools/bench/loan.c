// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Loans: a buffer is taken, sent, received, looked at and returned. Who fills it
 * would do that anyway.
 */
#include <fcntl.h>

#include <mbox/mbox.h>

#include "bench.h"

static void teardown(struct bench_channel *channel)
{
	mbox_pool_destroy(channel->pool);
	mbox_close(channel->mb);
}

/* More buffers than messages: one is being filled, one being read. */
static int setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	const struct mbox_attr attr = { .capacity = room, .msgsize = bytes };
	int err = mbox_create(&channel->mb, NULL, O_RDWR, 0600, &attr);

	if (err)
		return err;
	err = mbox_pool_create(&channel->pool, bytes, room + 2);
	if (err)
		mbox_close(channel->mb);
	return err;
}

static int lend(struct bench_channel *channel, size_t bytes)
{
	struct mbox_message msg = { .length = bytes };
	int err = mbox_pool_get(channel->pool, &msg.data, 0, 0);

	if (err)
		return err;
	*(volatile char *)msg.data = 0;
	return mbox_send_loan(channel->mb, channel->pool, &msg, 0, 0);
}

static int borrow(struct bench_channel *channel, size_t bytes)
{
	struct mbox_message msg = {
		.data = bench_data,
		.size = sizeof(bench_data),
		.delivery = channel->delivery,
	};
	const void *there;
	int err = mbox_recv_loan(channel->mb, &msg, &there, MBOX_ACK, 0);

	(void)bytes;
	channel->delivery = msg.delivery;
	if (!err)
		(void)*(const volatile char *)there;
	return err;
}

const struct bench_mechanism bench_mbox_loan = {
	.name = "mbox loan",
	.setup = setup,
	.send = lend,
	.recv = borrow,
	.teardown = teardown,
};
