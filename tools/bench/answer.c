// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * A request to another process and its answer: a message there and one back,
 * or both in one where the mechanism knows that. And several messages that have
 * one answer: between them both sides sleep.
 */
#include "bench.h"

static int receive_request(const struct bench_row *row, struct bench_work *work)
{
	unsigned int left = row->pattern->room;
	int err = 0;

	while (!err && left--)
		err = row->mechanism->recv(&work->there, row->bytes);
	return err;
}

static void serve(const struct bench_row *row, struct bench_work *work)
{
	const struct bench_mechanism *mechanism = row->mechanism;

	if (mechanism->serve) {
		mechanism->serve(&work->there, row->bytes);
		return;
	}
	while (!receive_request(row, work) &&
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
	unsigned int i;
	int err = 0;

	for (i = 1; i <= row->pattern->times && !err; i++)
		err = i % row->pattern->room ? row->mechanism->send(&work->there, row->bytes) :
					       ask(row, work);
	return err;
}

static void teardown(const struct bench_row *row, struct bench_work *work)
{
	bench_stop(work);
	row->mechanism->teardown(&work->there);
	if (!row->mechanism->serve)
		row->mechanism->teardown(&work->back);
}

/* As many as there is room for have one answer. */
#define PATTERN(what, nr) {		\
	.name = what,			\
	.room = nr,			\
	.times = BENCH_TIMES,		\
	.setup = setup,			\
	.round = ask_all,		\
	.teardown = teardown,		\
}

const struct bench_pattern bench_answer = PATTERN("request and answer", 1);
const struct bench_pattern bench_group_answer = PATTERN("64, then an answer", 64);
