// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Four senders and a receiver, and a sender and four receivers that share what
 * comes.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

static int start_all(const struct bench_row *row, struct bench_work *work,
		     void (*run)(const struct bench_row *row, struct bench_work *work))
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < BENCH_OTHERS && !err; i++)
		err = bench_start(row, work, i, run);
	return err;
}

/* Many to one */

static void send_share(const struct bench_row *row, struct bench_work *work)
{
	unsigned int i;
	char byte;

	while (read(work->go[0], &byte, 1) == 1)
		for (i = 0; i < row->pattern->times / BENCH_OTHERS; i++)
			if (row->mechanism->send(&work->there, row->bytes))
				return;
}

static int many_setup(const struct bench_row *row, struct bench_work *work)
{
	int err;

	if (pipe(work->go))
		return -errno;
	err = bench_setup_there(row, work);
	return err ? err : start_all(row, work, send_share);
}

static int many_round(const struct bench_row *row, struct bench_work *work)
{
	static const char all[BENCH_OTHERS];
	unsigned int times = row->pattern->times;
	int err = 0;

	if (write(work->go[1], all, sizeof(all)) != sizeof(all))
		return -errno;
	while (!err && times--)
		err = row->mechanism->recv(&work->there, row->bytes);
	return err;
}

static void many_teardown(const struct bench_row *row, struct bench_work *work)
{
	bench_stop(work);
	bench_teardown_there(row, work);
	close(work->go[0]);
	close(work->go[1]);
}

const struct bench_pattern bench_many_to_one = {
	.name = "4 to 1",
	.room = 64,
	.times = BENCH_TIMES,
	.setup = many_setup,
	.round = many_round,
	.teardown = many_teardown,
};

/* One to many: whoever gets the last of a round says so. */

static void take_share(const struct bench_row *row, struct bench_work *work)
{
	while (!row->mechanism->recv(&work->there, row->bytes)) {
		if (__atomic_add_fetch(work->count, 1, __ATOMIC_RELAXED) % row->pattern->times)
			continue;
		if (write(work->done[1], "", 1) != 1)
			break;
	}
}

static int one_setup(const struct bench_row *row, struct bench_work *work)
{
	int err;

	work->count = mmap(NULL, sizeof(*work->count), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (work->count == MAP_FAILED || pipe(work->done))
		return -errno;
	err = bench_setup_there(row, work);
	return err ? err : start_all(row, work, take_share);
}

static void one_teardown(const struct bench_row *row, struct bench_work *work)
{
	bench_stop(work);
	bench_teardown_there(row, work);
	close(work->done[0]);
	close(work->done[1]);
	munmap(work->count, sizeof(*work->count));
}

const struct bench_pattern bench_one_to_many = {
	.name = "1 to 4",
	.room = 64,
	.times = BENCH_TIMES,
	.setup = one_setup,
	.round = bench_produce,
	.teardown = one_teardown,
};
