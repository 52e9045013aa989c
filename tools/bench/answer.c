// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * A request to another process and its answer: a message there and one back,
 * or both in one where the mechanism knows that.
 */
#include "bench.h"

static void serve(const struct bench_row *row, struct bench_work *work)
{
	const struct bench_mechanism *mechanism = row->mechanism;

	if (mechanism->serve) {
		mechanism->serve(&work->there, row->bytes);
		return;
	}
	while (!mechanism->recv(&work->there, row->bytes) &&
	       !mechanism->send(&work->back, row->bytes))
		;
}

static int setup(const struct bench_row *row, struct bench_work *work)
{
	const struct bench_mechanism *mechanism = row->mechanism;
	int err = mechanism->setup(&work->there, row->bytes, row->pattern->room);

	if (!err && !mechanism->serve)
		err = mechanism->setup(&work->back, row->bytes, row->pattern->room);
	return err ? err : bench_start(row, work, 0, serve);
}

static int ask(const struct bench_row *row, struct bench_work *work)
{
	const struct bench_mechanism *mechanism = row->mechanism;
	int err;

	if (mechanism->ask)
		return mechanism->ask(&work->there, row->bytes);
	err = mechanism->send(&work->there, row->bytes);
	return err ? err : mechanism->recv(&work->back, row->bytes);
}

static int ask_all(const struct bench_row *row, struct bench_work *work)
{
	unsigned int times = row->pattern->times;
	int err = 0;

	while (!err && times--)
		err = ask(row, work);
	return err;
}

static void teardown(const struct bench_row *row, struct bench_work *work)
{
	bench_stop(work);
	row->mechanism->teardown(&work->there);
	if (!row->mechanism->serve)
		row->mechanism->teardown(&work->back);
}

const struct bench_pattern bench_answer = {
	.name = "request and answer",
	.room = 1,
	.times = BENCH_TIMES,
	.setup = setup,
	.round = ask_all,
	.teardown = teardown,
};
