// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * POSIX and System V message queues, of the kernel and by mbox run: the same
 * calls, out of libc and out of the preload library.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

#include "bench.h"

static int whole(ssize_t got, size_t bytes)
{
	if (got < 0)
		return -errno;
	return (size_t)got == bytes ? 0 : -EIO;
}

/* POSIX */

struct posix {
	__typeof__(mq_open) *open;
	__typeof__(mq_unlink) *unlink;
	__typeof__(mq_send) *send;
	__typeof__(mq_receive) *receive;
	__typeof__(mq_close) *close;
};

static int posix_open(struct bench_channel *channel, const struct posix *mq, size_t bytes,
		      unsigned int room)
{
	struct mq_attr attr = { .mq_maxmsg = room, .mq_msgsize = bytes };
	char name[32];

	snprintf(name, sizeof(name), "/mbox-bench-%d", getpid());
	channel->calls = mq;
	channel->in = mq->open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	channel->out = channel->in;
	if (channel->in < 0)
		return -errno;
	return mq->unlink(name) ? -errno : 0;
}

static int posix_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	static const struct posix mq = { mq_open, mq_unlink, mq_send, mq_receive, mq_close };

	return posix_open(channel, &mq, bytes, room);
}

static int run_posix_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	static struct posix mq;

	mq = (struct posix) {
		.open = (__typeof__(mq_open) *)bench_preloaded("mq_open"),
		.unlink = (__typeof__(mq_unlink) *)bench_preloaded("mq_unlink"),
		.send = (__typeof__(mq_send) *)bench_preloaded("mq_send"),
		.receive = (__typeof__(mq_receive) *)bench_preloaded("mq_receive"),
		.close = (__typeof__(mq_close) *)bench_preloaded("mq_close"),
	};
	if (!mq.open || !mq.unlink || !mq.send || !mq.receive || !mq.close)
		return -ENOENT;
	return posix_open(channel, &mq, bytes, room);
}

static int posix_send(struct bench_channel *channel, size_t bytes)
{
	const struct posix *mq = channel->calls;

	return mq->send(channel->in, bench_data, bytes, 0) ? -errno : 0;
}

static int posix_recv(struct bench_channel *channel, size_t bytes)
{
	const struct posix *mq = channel->calls;

	return whole(mq->receive(channel->out, bench_data, bytes, NULL), bytes);
}

static void posix_teardown(struct bench_channel *channel)
{
	const struct posix *mq = channel->calls;

	mq->close(channel->in);
}

const struct bench_mechanism bench_posix = {
	.name = "POSIX queue",
	.is_peer = true,
	.setup = posix_setup,
	.send = posix_send,
	.recv = posix_recv,
	.teardown = posix_teardown,
};

const struct bench_mechanism bench_run_posix = {
	.name = "POSIX by mbox run",
	.setup = run_posix_setup,
	.send = posix_send,
	.recv = posix_recv,
	.teardown = posix_teardown,
};

/* System V */

struct sysv {
	__typeof__(msgget) *get;
	__typeof__(msgsnd) *send;
	__typeof__(msgrcv) *receive;
	__typeof__(msgctl) *control;
};

static struct {
	long type;
	char text[BENCH_BYTES_MAX];
} typed = { .type = 1 };

static int sysv_open(struct bench_channel *channel, const struct sysv *msg, size_t bytes,
		     unsigned int room)
{
	struct msqid_ds limits;

	channel->calls = msg;
	channel->in = msg->get(IPC_PRIVATE, 0600);
	channel->out = channel->in;
	if (channel->in < 0 || msg->control(channel->in, IPC_STAT, &limits))
		return -errno;
	limits.msg_qbytes = bytes * room;
	return msg->control(channel->in, IPC_SET, &limits) ? -errno : 0;
}

static int sysv_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	static const struct sysv msg = { msgget, msgsnd, msgrcv, msgctl };

	return sysv_open(channel, &msg, bytes, room);
}

static int run_sysv_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	static struct sysv msg;

	msg = (struct sysv) {
		.get = (__typeof__(msgget) *)bench_preloaded("msgget"),
		.send = (__typeof__(msgsnd) *)bench_preloaded("msgsnd"),
		.receive = (__typeof__(msgrcv) *)bench_preloaded("msgrcv"),
		.control = (__typeof__(msgctl) *)bench_preloaded("msgctl"),
	};
	if (!msg.get || !msg.send || !msg.receive || !msg.control)
		return -ENOENT;
	return sysv_open(channel, &msg, bytes, room);
}

static int sysv_send(struct bench_channel *channel, size_t bytes)
{
	const struct sysv *msg = channel->calls;

	return msg->send(channel->in, &typed, bytes, 0) ? -errno : 0;
}

static int sysv_recv(struct bench_channel *channel, size_t bytes)
{
	const struct sysv *msg = channel->calls;

	return whole(msg->receive(channel->out, &typed, bytes, 0, 0), bytes);
}

static void sysv_teardown(struct bench_channel *channel)
{
	const struct sysv *msg = channel->calls;

	msg->control(channel->in, IPC_RMID, NULL);
}

const struct bench_mechanism bench_sysv = {
	.name = "System V queue",
	.is_peer = true,
	.setup = sysv_setup,
	.send = sysv_send,
	.recv = sysv_recv,
	.teardown = sysv_teardown,
};

const struct bench_mechanism bench_run_sysv = {
	.name = "System V by mbox run",
	.setup = run_sysv_setup,
	.send = sysv_send,
	.recv = sysv_recv,
	.teardown = sysv_teardown,
};
