// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Messages to another process as fast as it takes them. It says at the end of a
 * round that it has all, and sleeps until the next: waiting for a message, it
 * might not.
 */
#include <errno.h>
#include <unistd.h>

#include "bench.h"

static void consume(const struct bench_row *row, struct bench_work *work)
{
	unsigned int i;
	char byte;

	while (read(work->go[0], &byte, 1) == 1) {
		for (i = 0; i < row->pattern->times; i++)
			if (row->mechanism->recv(&work->there, row->bytes))
				return;
		if (write(work->done[1], "", 1) != 1)
			return;
	}
}

static int setup(const struct bench_row *row, struct bench_work *work)
{
	int err;

	if (pipe(work->go) || pipe(work->done))
		return -errno;
	err = bench_setup_there(row, work);
	return err ? err : bench_start(row, work, 0, consume);
}

int bench_produce(const struct bench_row *row, struct bench_work *work)
{
	unsigned int times = row->pattern->times;
	char byte;
	int err = 0;

	while (!err && times--)
		err = row->mechanism->send(&work->there, row->bytes);
	if (!err && read(work->done[0], &byte, 1) != 1)
		err = -errno;
	return err;
}

static int produce(const struct bench_row *row, struct bench_work *work)
{
	return write(work->go[1], "", 1) == 1 ? bench_produce(row, work) : -errno;
}

static void teardown(const struct bench_row *row, struct bench_work *work)
{
	bench_stop(work);
	bench_teardown_there(row, work);
	close(work->go[0]);
	close(work->go[1]);
	close(work->done[0]);
	close(work->done[1]);
}

#define PATTERN	.setup = setup, .round = produce, .teardown = teardown

const struct bench_pattern bench_stream = {
	.name = "stream, 64 deep", .room = 64, .times = BENCH_TIMES, PATTERN,
};

const struct bench_pattern bench_blocks = {
	.name = "blocks", .room = 1, .times = 400, PATTERN,
};

const struct bench_pattern bench_large_blocks = {
	.name = "blocks", .room = 1, .times = 100, PATTERN,
};
