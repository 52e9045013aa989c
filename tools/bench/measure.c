// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <stdlib.h>
#include <time.h>

#include "bench.h"

char bench_data[BENCH_BYTES_MAX];

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static bool has_work(const struct bench_run *run, const struct bench_row *row)
{
	return row->pattern->round && !row->same_as && row->cpus <= run->cpus;
}

static void set_up(const struct bench_row *row, struct bench_result *result)
{
	result->err = row->pattern->setup(row, &result->work);
	result->is_up = !result->err;
}

/* The first round of each row only warms up: it is overwritten. */
static void measure_round(const struct bench_row *row, struct bench_result *result,
			  unsigned int round)
{
	const struct bench_pattern *pattern = row->pattern;
	double start;

	if (pattern->prepare)
		result->err = pattern->prepare(row, &result->work);
	start = now_ns();
	if (!result->err)
		result->err = pattern->round(row, &result->work);
	result->samples[round ? round - 1 : 0] = (now_ns() - start) / pattern->times;
}

static void measure_rounds(struct bench_run *run)
{
	struct bench_result *results = run->results;
	unsigned int i, round;

	for (round = 0; round <= run->rounds; round++)
		for (i = 0; i < bench_nr_rows; i++)
			if (results[i].is_up && !results[i].err)
				measure_round(&bench_rows[i], &results[i], round);
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void summarize(struct bench_result *result, unsigned int rounds)
{
	double *samples = result->samples;

	qsort(samples, rounds, sizeof(*samples), compare);
	result->value = samples[rounds / 2];
	result->spread = samples[rounds * 3 / 4] - samples[rounds / 4];
}

static void share_results(struct bench_run *run)
{
	const struct bench_row *row;
	unsigned int i;

	for (i = 0; i < bench_nr_rows; i++) {
		row = &bench_rows[i];
		if (row->same_as)
			run->results[i] = run->results[row->same_as - bench_rows];
	}
}

/*
 * The rows take turns, so that what disturbs the machine disturbs all. Memory
 * comes first: later, slabs that others left half empty would be filled up.
 */
void bench_measure(struct bench_run *run)
{
	struct bench_result *results = run->results;
	const struct bench_row *row;
	unsigned int i;

	for (i = 0; i < bench_nr_rows; i++)
		if (bench_rows[i].pattern->measure)
			results[i].err = bench_rows[i].pattern->measure(&results[i].value);
	for (i = 0; i < bench_nr_rows; i++)
		if (has_work(run, &bench_rows[i]))
			set_up(&bench_rows[i], &results[i]);
	measure_rounds(run);
	for (i = 0; i < bench_nr_rows; i++) {
		row = &bench_rows[i];
		if (!results[i].is_up)
			continue;
		row->pattern->teardown(row, &results[i].work);
		summarize(&results[i], run->rounds);
	}
	share_results(run);
}
