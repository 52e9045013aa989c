// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * A message to oneself while there are many mailboxes else, or many that wait
 * at another one.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "bench.h"

#define ROOM		10
#define MAILBOXES	10000
#define WAITERS		1000

static void name_one(char *name, size_t size, int i)
{
	snprintf(name, size, "/mbox-bench-%d-%d", getpid(), i);
}

/* By their names, since that many descriptors are more than most may have. */
static int make_mailboxes(void)
{
	struct mbox *mb;
	char name[48];
	int i, err;

	for (i = 0; i < MAILBOXES; i++) {
		name_one(name, sizeof(name), i);
		err = mbox_create(&mb, name, O_RDWR | O_EXCL, 0600, NULL);
		if (err)
			return err;
		mbox_close(mb);
	}
	return 0;
}

static void remove_mailboxes(void)
{
	char name[48];
	int i;

	for (i = 0; i < MAILBOXES; i++) {
		name_one(name, sizeof(name), i);
		mbox_unlink(name);
	}
}

static int mailboxes_setup(const struct bench_row *row, struct bench_work *work)
{
	int err = bench_setup_there(row, work);

	if (err)
		return err;
	err = make_mailboxes();
	if (err)
		remove_mailboxes();
	return err;
}

static void mailboxes_teardown(const struct bench_row *row, struct bench_work *work)
{
	bench_teardown_there(row, work);
	remove_mailboxes();
}

const struct bench_pattern bench_among_mailboxes = {
	.name = "10000 mailboxes else",
	.room = ROOM,
	.times = BENCH_TIMES,
	.setup = mailboxes_setup,
	.round = bench_to_oneself,
	.teardown = mailboxes_teardown,
};

static void *wait_forever(void *mailbox)
{
	struct mbox_message msg = { 0 };

	mbox_recv(mailbox, &msg);
	return NULL;
}

static int start_waiters(struct mbox *mb)
{
	pthread_attr_t small;
	pthread_t thread;
	int i, err = 0;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN);
	for (i = 0; i < WAITERS && !err; i++)
		err = -pthread_create(&thread, &small, wait_forever, mb);
	pthread_attr_destroy(&small);
	return err;
}

/* Until they all wait, and then until it is killed. */
static void be_waiters(const struct bench_row *row, struct bench_work *work)
{
	struct mbox_status status = { 0 };
	struct mbox *mb;

	(void)row;
	if (mbox_create(&mb, NULL, O_RDWR, 0600, NULL) || start_waiters(mb))
		return;
	while (status.waiting_receivers < WAITERS && !mbox_status(mb, &status))
		sched_yield();
	if (write(work->done[1], "", 1) == 1)
		pause();
}

static int waiters_setup(const struct bench_row *row, struct bench_work *work)
{
	int err = bench_setup_there(row, work);
	char byte;

	if (err)
		return err;
	if (pipe(work->done))
		return -errno;
	err = bench_start(row, work, 0, be_waiters);
	close(work->done[1]);
	if (!err && read(work->done[0], &byte, 1) != 1)
		err = -EIO;
	return err;
}

static void waiters_teardown(const struct bench_row *row, struct bench_work *work)
{
	bench_stop(work);
	bench_teardown_there(row, work);
	close(work->done[0]);
}

const struct bench_pattern bench_among_waiters = {
	.name = "1000 wait elsewhere",
	.room = ROOM,
	.times = BENCH_TIMES,
	.setup = waiters_setup,
	.round = bench_to_oneself,
	.teardown = waiters_teardown,
};
