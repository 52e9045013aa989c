// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "bench.h"

/* Messages that a link holds beside those that a row wants queued. */
#define ROOM	10

static char message[BENCH_BYTES_MAX];

/* All that move @bytes report how many; anything else than all is an error. */
static int whole(ssize_t moved, size_t bytes)
{
	if (moved < 0)
		return -errno;
	return (size_t)moved == bytes ? 0 : -EIO;
}

/* Descriptors: a mailbox and a pipe are alike. */

static int write_message(struct bench_link *link, size_t bytes)
{
	return whole(write(link->in, message, bytes), bytes);
}

static int read_message(struct bench_link *link, size_t bytes)
{
	return whole(read(link->out, message, bytes), bytes);
}

/* Mailboxes */

static int mbox_setup(struct bench_link *link, size_t bytes, unsigned int queued)
{
	const struct mbox_attr attr = { .capacity = queued + ROOM, .msgsize = bytes };
	int err = mbox_create(&link->mb, NULL, O_RDWR, 0600, &attr);

	if (!err)
		link->in = link->out = mbox_fd(link->mb);
	return err;
}

static int mbox_send_one(struct bench_link *link, size_t bytes)
{
	return mbox_send(link->mb, message, bytes, 0);
}

static int mbox_recv_one(struct bench_link *link, size_t bytes)
{
	struct mbox_message msg = { .data = message, .size = bytes };

	return mbox_recv(link->mb, &msg);
}

static void mbox_teardown(struct bench_link *link)
{
	mbox_close(link->mb);
}

const struct bench_mechanism bench_mbox_rw = {
	.name = "mbox write/read",
	.setup = mbox_setup,
	.send = write_message,
	.recv = read_message,
	.teardown = mbox_teardown,
};

const struct bench_mechanism bench_mbox_ioctl = {
	.name = "mbox send/receive",
	.setup = mbox_setup,
	.send = mbox_send_one,
	.recv = mbox_recv_one,
	.teardown = mbox_teardown,
};

/* Receiving alone: all that a round receives was sent before it. */

static int unbounded_setup(struct bench_link *link, size_t bytes, unsigned int queued)
{
	const struct mbox_attr attr = { .capacity = MBOX_UNBOUNDED, .msgsize = bytes };

	(void)queued;
	return mbox_create(&link->mb, NULL, O_RDWR, 0600, &attr);
}

static int mbox_lease_one(struct bench_link *link, size_t bytes)
{
	struct mbox_message msg = { .data = message, .size = bytes, .delivery = link->delivery };
	int err = mbox_recv_msg(link->mb, &msg, MBOX_LEASE | MBOX_ACK, 0);

	link->delivery = msg.delivery;
	return err;
}

const struct bench_mechanism bench_mbox_receive = {
	.name = "mbox receive",
	.setup = unbounded_setup,
	.send = mbox_send_one,
	.recv = mbox_recv_one,
	.teardown = mbox_teardown,
};

const struct bench_mechanism bench_mbox_lease = {
	.name = "mbox lease + ack",
	.setup = unbounded_setup,
	.send = mbox_send_one,
	.recv = mbox_lease_one,
	.teardown = mbox_teardown,
};

/* POSIX queues, whose descriptor is a number too */

static int posix_setup(struct bench_link *link, size_t bytes, unsigned int queued)
{
	struct mq_attr attr = { .mq_maxmsg = queued + ROOM, .mq_msgsize = bytes };
	char name[32];

	snprintf(name, sizeof(name), "/mbox-bench-%d", getpid());
	link->in = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	if (link->in < 0)
		return -errno;
	link->out = link->in;
	mq_unlink(name);
	return 0;
}

static int posix_send(struct bench_link *link, size_t bytes)
{
	return mq_send(link->in, message, bytes, 0) ? -errno : 0;
}

static int posix_recv(struct bench_link *link, size_t bytes)
{
	return whole(mq_receive(link->out, message, bytes, NULL), bytes);
}

static void posix_teardown(struct bench_link *link)
{
	mq_close(link->in);
}

const struct bench_mechanism bench_posix = {
	.name = "POSIX queue",
	.setup = posix_setup,
	.send = posix_send,
	.recv = posix_recv,
	.teardown = posix_teardown,
};

/* System V queues */

static struct {
	long type;
	char text[BENCH_BYTES_MAX];
} typed = { .type = 1 };

static int sysv_setup(struct bench_link *link, size_t bytes, unsigned int queued)
{
	(void)bytes;
	(void)queued;
	link->in = msgget(IPC_PRIVATE, 0600);
	link->out = link->in;
	return link->in < 0 ? -errno : 0;
}

static int sysv_send(struct bench_link *link, size_t bytes)
{
	return msgsnd(link->in, &typed, bytes, 0) ? -errno : 0;
}

static int sysv_recv(struct bench_link *link, size_t bytes)
{
	return whole(msgrcv(link->out, &typed, bytes, 0, 0), bytes);
}

static void sysv_teardown(struct bench_link *link)
{
	msgctl(link->in, IPC_RMID, NULL);
}

const struct bench_mechanism bench_sysv = {
	.name = "System V queue",
	.setup = sysv_setup,
	.send = sysv_send,
	.recv = sysv_recv,
	.teardown = sysv_teardown,
};

/* Pipes */

static int pipe_setup(struct bench_link *link, size_t bytes, unsigned int queued)
{
	int ends[2];

	(void)bytes;
	(void)queued;
	if (pipe(ends))
		return -errno;
	link->out = ends[0];
	link->in = ends[1];
	return 0;
}

static int mbox_pipe_setup(struct bench_link *link, size_t bytes, unsigned int queued)
{
	int ends[2], err = mbox_pipe(ends, 0);

	(void)bytes;
	(void)queued;
	link->out = ends[0];
	link->in = ends[1];
	return err;
}

static void pipe_teardown(struct bench_link *link)
{
	close(link->in);
	close(link->out);
}

const struct bench_mechanism bench_pipe = {
	.name = "pipe",
	.setup = pipe_setup,
	.send = write_message,
	.recv = read_message,
	.teardown = pipe_teardown,
};

const struct bench_mechanism bench_mbox_pipe = {
	.name = "mbox pipe",
	.setup = mbox_pipe_setup,
	.send = write_message,
	.recv = read_message,
	.teardown = pipe_teardown,
};
