// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <stdio.h>

#include "bench.h"

/* What there is to tell of a row beside its value. */
struct verdict {
	const struct bench_row *peer;
	double ratio;
	bool has_value;
	bool has_ratio;
	bool has_target;
	bool met;
};

static const struct bench_result *result_of(const struct bench_run *run,
					    const struct bench_row *row)
{
	return &run->results[row - bench_rows];
}

static bool is_same_work(const struct bench_row *a, const struct bench_row *b)
{
	return a->pattern == b->pattern && a->bytes == b->bytes && a->cpus == b->cpus;
}

/* Of the peers at the same work; or NULL. */
static const struct bench_row *fastest(const struct bench_run *run, const struct bench_row *row)
{
	const struct bench_row *peer, *best = NULL;

	if (row->mechanism->is_peer)
		return NULL;
	for (peer = bench_rows; peer < bench_rows + bench_nr_rows; peer++) {
		if (!peer->mechanism->is_peer || !is_same_work(peer, row) ||
		    result_of(run, peer)->err)
			continue;
		if (!best || result_of(run, peer)->value < result_of(run, best)->value)
			best = peer;
	}
	return best;
}

/* Half of the middle half of the rounds is on either side. */
static double slack(const struct bench_row *row, const struct bench_result *result,
		    const struct bench_result *peer)
{
	return row->within_spread ? (result->spread + peer->spread) / 2 / peer->value : 0;
}

static struct verdict judge(const struct bench_run *run, const struct bench_row *row)
{
	const struct bench_row *peer_row = row->peer ? row->peer : fastest(run, row);
	const struct bench_result *result = result_of(run, row);
	const struct bench_result *peer = peer_row ? result_of(run, peer_row) : NULL;
	struct verdict verdict = {
		.peer = peer_row,
		.has_value = !result->err,
		.has_ratio = !result->err && peer && !peer->err,
	};

	if (verdict.has_ratio)
		verdict.ratio = result->value / peer->value;
	verdict.has_target = row->target && (peer ? verdict.has_ratio : verdict.has_value);
	verdict.met = verdict.has_target &&
		      (peer ? verdict.ratio - slack(row, result, peer) : result->value) <=
			      row->target;
	return verdict;
}

/* A peer differs in the mechanism, or in the pattern. */
static const char *peer_name(const struct bench_row *row, const struct bench_row *peer)
{
	return peer->mechanism == row->mechanism ? peer->pattern->name : peer->mechanism->name;
}

static const char *unit(const struct bench_run *run, const struct bench_row *row)
{
	if (row->pattern->measure)
		return "bytes";
	return run->count ? "instructions" : "ns";
}

static void print_number(const char *format, bool is_there, double number, const char *instead)
{
	if (is_there)
		printf(format, number);
	else
		fputs(instead, stdout);
}

static void print_size(size_t bytes)
{
	if (bytes < 1024)
		printf("%5zu B    ", bytes);
	else
		printf("%5zu KiB  ", bytes / 1024);
}

static const char *met(const struct verdict *verdict)
{
	if (!verdict->has_target)
		return "not measured";
	return verdict->met ? "met" : "NOT MET";
}

static void print_target(const struct bench_row *row, const struct verdict *verdict)
{
	if (!row->target)
		return;
	printf(verdict->peer ? ", target %.2f" : "  target %.0f", row->target);
	printf("%s: %s", row->within_spread ? " or within the spread" : "", met(verdict));
}

static void print_row(const struct bench_run *run, const struct bench_row *row)
{
	const struct bench_result *result = result_of(run, row);
	const struct verdict verdict = judge(run, row);

	printf("%-20s  %-20s  %u  ", row->mechanism->name, row->pattern->name, row->cpus);
	print_size(row->bytes);
	print_number("%8.0f", verdict.has_value, result->value, "       -");
	print_number(" ±%-6.0f", verdict.has_value && !row->pattern->measure, result->spread / 2,
		     "        ");
	if (verdict.peer) {
		print_number("  %6.3f", verdict.has_ratio, verdict.ratio, "       -");
		printf(" of %s", peer_name(row, verdict.peer));
	}
	print_target(row, &verdict);
	putchar('\n');
}

void bench_print_table(const struct bench_run *run)
{
	const struct bench_row *row;

	printf("In %s a message, the median of %u rounds and half of what the middle half of them\nspreads over%s.\n\n",
	       run->count ? "instructions" : "nanoseconds", run->rounds,
	       run->fifo ? "" : "; not SCHED_FIFO, which takes root");
	puts("mechanism             pattern               CPUs  size      value          peer");
	for (row = bench_rows; row < bench_rows + bench_nr_rows; row++)
		if (row->cpus <= run->cpus)
			print_row(run, row);
}

static void print_json_row(const struct bench_run *run, const struct bench_row *row)
{
	const struct bench_result *result = result_of(run, row);
	const struct verdict verdict = judge(run, row);

	printf("{\"mechanism\":\"%s\",\"pattern\":\"%s\",\"bytes\":%zu,\"cpus\":%u,\"value\":",
	       row->mechanism->name, row->pattern->name, row->bytes, row->cpus);
	print_number("%.0f", verdict.has_value, result->value, "null");
	fputs(",\"spread\":", stdout);
	print_number("%.0f", verdict.has_value, result->spread, "null");
	printf(",\"unit\":\"%s\",\"peer\":", unit(run, row));
	if (verdict.peer)
		printf("\"%s\"", peer_name(row, verdict.peer));
	else
		fputs("null", stdout);
	fputs(",\"ratio\":", stdout);
	print_number("%.4f", verdict.has_ratio, verdict.ratio, "null");
	fputs(",\"target\":", stdout);
	print_number("%g", row->target, row->target, "null");
	printf(",\"met\":%s}", verdict.has_target ? verdict.met ? "true" : "false" : "null");
}

void bench_print_json(const struct bench_run *run)
{
	const struct bench_row *row;

	for (row = bench_rows; row < bench_rows + bench_nr_rows; row++) {
		if (row->cpus > run->cpus)
			continue;
		fputs(row > bench_rows ? ",\n " : "[", stdout);
		print_json_row(run, row);
	}
	puts("]");
}
