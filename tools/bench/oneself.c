// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * A message to oneself and back: a send and the receive, or one of the two.
 */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* Messages that there is room for beside those that stay queued. */
#define ROOM	10

int bench_setup_there(const struct bench_row *row, struct bench_work *work)
{
	const struct bench_pattern *pattern = row->pattern;
	unsigned int i;
	int err;

	err = row->mechanism->setup(&work->there, row->bytes, pattern->queued + pattern->room);
	for (i = 0; i < pattern->queued && !err; i++)
		err = row->mechanism->send(&work->there, row->bytes);
	return err;
}

void bench_teardown_there(const struct bench_row *row, struct bench_work *work)
{
	row->mechanism->teardown(&work->there);
}

static int send_and_receive(const struct bench_row *row, struct bench_work *work,
			    unsigned int times)
{
	int err = 0;

	while (!err && times--) {
		err = row->mechanism->send(&work->there, row->bytes);
		if (!err)
			err = row->mechanism->recv(&work->there, row->bytes);
	}
	return err;
}

int bench_to_oneself(const struct bench_row *row, struct bench_work *work)
{
	return send_and_receive(row, work, row->pattern->times);
}

#define PATTERN								\
	.setup = bench_setup_there, .round = bench_to_oneself, .teardown = bench_teardown_there

const struct bench_pattern bench_oneself = {
	.name = "to oneself", .room = ROOM, .times = BENCH_TIMES, PATTERN,
};

const struct bench_pattern bench_10_queued = {
	.name = "10 queued", .room = ROOM, .queued = 10, .times = BENCH_TIMES, PATTERN,
};

const struct bench_pattern bench_100000_queued = {
	.name = "100000 queued", .room = ROOM, .queued = 100000, .times = BENCH_TIMES, PATTERN,
};

/* One copy in and eight out, which take long enough to need few of them. */
const struct bench_pattern bench_to_eight = {
	.name = "to 8 receivers", .room = 1, .times = 100, PATTERN,
};

/* The mechanism moves so many at once. */
#define BATCH	16

static int round_of_batches(const struct bench_row *row, struct bench_work *work)
{
	return send_and_receive(row, work, row->pattern->times / BATCH);
}

const struct bench_pattern bench_sixteen = {
	.name = "16 to oneself",
	.room = BATCH,
	.times = BENCH_TIMES,
	.setup = bench_setup_there,
	.round = round_of_batches,
	.teardown = bench_teardown_there,
};

static int send_all(const struct bench_row *row, struct bench_work *work)
{
	unsigned int times = row->pattern->times;
	int err = 0;

	while (!err && times--)
		err = row->mechanism->send(&work->there, row->bytes);
	return err;
}

static int receive_all(const struct bench_row *row, struct bench_work *work)
{
	unsigned int times = row->pattern->times;
	int err = 0;

	while (!err && times--)
		err = row->mechanism->recv(&work->there, row->bytes);
	return err;
}

/* The first is acknowledged by the receipt of the next. */
#define RECEIPT								\
	.room = BENCH_TIMES + 1, .times = BENCH_TIMES, .prepare = send_all,	\
	.round = receive_all, .teardown = bench_teardown_there

const struct bench_pattern bench_receipt = {
	.name = "receipt alone", .setup = bench_setup_there, RECEIPT,
};

static int setup_with_child(const struct bench_row *row, struct bench_work *work)
{
	int err = bench_setup_there(row, work);
	pid_t child;

	if (err)
		return err;
	child = fork();
	if (!child)
		_exit(0);
	return child < 0 || waitpid(child, NULL, 0) != child ? -errno : 0;
}

/* What it had open too, it has closed. */
const struct bench_pattern bench_after_child = {
	.name = "after a child's end", .setup = setup_with_child, RECEIPT,
};
