// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Several messages a system call, by io_uring: sends and receives of a mailbox, and the reads and
 * writes of a pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "bench.h"

/* As many as the pattern moves at once. */
#define BATCH	16

static struct io_uring ring;

static int mbox_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	const struct mbox_attr attr = { .capacity = room, .msgsize = bytes };
	int err = io_uring_queue_init(BATCH, &ring, 0);

	if (err)
		return err;
	err = mbox_create(&channel->mb, NULL, O_RDWR, 0600, &attr);
	if (err)
		io_uring_queue_exit(&ring);
	return err;
}

static void mbox_teardown(struct bench_channel *channel)
{
	mbox_close(channel->mb);
	io_uring_queue_exit(&ring);
}

static int pipe_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	int err = io_uring_queue_init(BATCH, &ring, 0);
	int ends[2];

	(void)bytes;
	(void)room;
	if (err)
		return err;
	if (pipe(ends)) {
		err = -errno;
		io_uring_queue_exit(&ring);
		return err;
	}
	channel->out = ends[0];
	channel->in = ends[1];
	return 0;
}

static void pipe_teardown(struct bench_channel *channel)
{
	close(channel->in);
	close(channel->out);
	io_uring_queue_exit(&ring);
}

/* Return: 0 if all that was prepared came to @result. */
static int finish(int result)
{
	struct io_uring_cqe *cqe;
	unsigned int head, nr = 0;
	int err = 0;

	if (io_uring_submit_and_wait(&ring, BATCH) != BATCH)
		return -EIO;
	io_uring_for_each_cqe(&ring, head, cqe) {
		if (cqe->res != result)
			err = -EIO;
		nr++;
	}
	io_uring_cq_advance(&ring, nr);
	return nr == BATCH ? err : -EIO;
}

static int command_all(struct bench_channel *channel, uint32_t cmd, size_t bytes)
{
	struct mbox_ioc_msg msgs[BATCH];
	struct mbox_uring payload = { 0 };
	struct io_uring_sqe *sqe;
	int i;

	for (i = 0; i < BATCH; i++) {
		msgs[i] = (struct mbox_ioc_msg) { .buf = (uintptr_t)bench_data, .len = bytes };
		payload.msg = (uintptr_t)&msgs[i];
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_rw(IORING_OP_URING_CMD, sqe, mbox_fd(channel->mb), NULL, 0, 0);
		sqe->cmd_op = cmd;
		memcpy(sqe->cmd, &payload, sizeof(payload));
	}
	return finish(0);
}

static int mbox_send_all(struct bench_channel *channel, size_t bytes)
{
	return command_all(channel, MBOX_IOC_SEND, bytes);
}

static int mbox_recv_all(struct bench_channel *channel, size_t bytes)
{
	return command_all(channel, MBOX_IOC_RECV, bytes);
}

static int pipe_write_all(struct bench_channel *channel, size_t bytes)
{
	int i;

	for (i = 0; i < BATCH; i++)
		io_uring_prep_write(io_uring_get_sqe(&ring), channel->in, bench_data, bytes, -1);
	return finish(bytes);
}

static int pipe_read_all(struct bench_channel *channel, size_t bytes)
{
	int i;

	for (i = 0; i < BATCH; i++)
		io_uring_prep_read(io_uring_get_sqe(&ring), channel->out, bench_data, bytes, -1);
	return finish(bytes);
}

const struct bench_mechanism bench_uring_mbox = {
	.name = "mbox by io_uring",
	.setup = mbox_setup,
	.send = mbox_send_all,
	.recv = mbox_recv_all,
	.teardown = mbox_teardown,
};

const struct bench_mechanism bench_uring_pipe = {
	.name = "pipe by io_uring",
	.is_peer = true,
	.setup = pipe_setup,
	.send = pipe_write_all,
	.recv = pipe_read_all,
	.teardown = pipe_teardown,
};
