// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * POSIX queues as 'mbox run' has them: the same calls, out of the preload library.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "../src/preload.h"
#include "bench.h"

/* Messages that a queue holds. */
#define ROOM	10

static char message[BENCH_BYTES_MAX];

static struct {
	__typeof__(mq_open) *open;
	__typeof__(mq_unlink) *unlink;
	__typeof__(mq_send) *send;
	__typeof__(mq_receive) *receive;
	__typeof__(mq_close) *close;
} mq;

static int load(void)
{
	void *library = dlopen(PRELOAD, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return -ENOENT;
	mq.open = (__typeof__(mq_open) *)dlsym(library, "mq_open");
	mq.unlink = (__typeof__(mq_unlink) *)dlsym(library, "mq_unlink");
	mq.send = (__typeof__(mq_send) *)dlsym(library, "mq_send");
	mq.receive = (__typeof__(mq_receive) *)dlsym(library, "mq_receive");
	mq.close = (__typeof__(mq_close) *)dlsym(library, "mq_close");
	return mq.open && mq.unlink && mq.send && mq.receive && mq.close ? 0 : -ENOENT;
}

static int preload_setup(struct bench_link *link, size_t bytes, unsigned int queued)
{
	struct mq_attr attr = { .mq_maxmsg = queued + ROOM, .mq_msgsize = bytes };
	char name[32];
	int err = mq.open ? 0 : load();

	if (err)
		return err;
	snprintf(name, sizeof(name), "/mbox-bench-%d", getpid());
	link->in = mq.open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	if (link->in < 0)
		return -errno;
	link->out = link->in;
	return mq.unlink(name) ? -errno : 0;
}

static int preload_send(struct bench_link *link, size_t bytes)
{
	return mq.send(link->in, message, bytes, 0) ? -errno : 0;
}

static int preload_recv(struct bench_link *link, size_t bytes)
{
	ssize_t got = mq.receive(link->out, message, bytes, NULL);

	if (got < 0)
		return -errno;
	return (size_t)got == bytes ? 0 : -EIO;
}

static void preload_teardown(struct bench_link *link)
{
	mq.close(link->in);
}

const struct bench_mechanism bench_preload = {
	.name = "POSIX by mbox run",
	.setup = preload_setup,
	.send = preload_send,
	.recv = preload_recv,
	.teardown = preload_teardown,
};
