// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Messages to another process as fast as it takes them. It says at the end of a
 * round that it has all.
 */
#include <errno.h>
#include <unistd.h>

#include "bench.h"

static void consume(const struct bench_row *row, struct bench_work *work)
{
	unsigned int got = 0;

	while (!row->mechanism->recv(&work->there, row->bytes)) {
		if (++got < row->pattern->times)
			continue;
		got = 0;
		if (write(work->done[1], "", 1) != 1)
			break;
	}
}

static int setup(const struct bench_row *row, struct bench_work *work)
{
	int err;

	if (pipe(work->done))
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

static void teardown(const struct bench_row *row, struct bench_work *work)
{
	bench_stop(work);
	bench_teardown_there(row, work);
	close(work->done[0]);
	close(work->done[1]);
}

#define PATTERN	.setup = setup, .round = bench_produce, .teardown = teardown

const struct bench_pattern bench_stream = {
	.name = "stream, 64 deep", .room = 64, .times = BENCH_TIMES, PATTERN,
};

const struct bench_pattern bench_blocks = {
	.name = "blocks", .room = 1, .times = 400, PATTERN,
};
