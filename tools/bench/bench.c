// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mbox/mbox.h>

#include "../src/fail.h"
#include "bench.h"

#define ONESELF "to oneself and back"
#define ONESELF_4K "4 KiB to oneself"
#define ANSWER "request and answer"
#define RECEIPT "receipt alone"

#define BLOCKS(size) \
	.pattern = size " blocks", .cpus = 1, .times = BENCH_BLOCKS, .round = bench_blocks

/* At least 0.9 of the throughput. */
#define NINE_TENTHS (1 / 0.9)

/* One copy in and eight out, which take long enough to need few of them. */
#define TO_EIGHT \
	.pattern = "64 KiB to 8", .bytes = 65536, .cpus = 1, .times = 100, .round = bench_oneself

/* One buffer, what goes with it, and what free pages were kept elsewhere. */
#define ONE_BUFFER (65536 * 1.1)

/* Of itself, with nothing going through it. */
static const struct bench_mechanism mailbox = { .name = "mbox" };

enum {
	PIPE, SYSV, POSIX, PRELOAD, POSIX_4K, PRELOAD_4K, MBOX_RW, MBOX_PIPE, MBOX_10, MBOX_100000, RECEIVE, LEASE,
	PIPES, MBOX_CALLS, UNIX, MBOX_PIPES, MBOX_SOCKET, PIPE_4K, MBOX_4K, PIPE_64K, MBOX_64K,
	MEMORY, PEEK, BROADCAST, BROADCAST_MEMORY, IDLE
};

static const struct bench_row rows[] = {
	[PIPE] = {
		.mechanism = &bench_pipe,
		.pattern = ONESELF,
		.bytes = 64,
		.cpus = 1,
		.round = bench_oneself,
	},
	[SYSV] = {
		.mechanism = &bench_sysv,
		.pattern = ONESELF,
		.bytes = 64,
		.cpus = 1,
		.round = bench_oneself,
	},
	[POSIX] = {
		.mechanism = &bench_posix,
		.pattern = ONESELF,
		.bytes = 64,
		.cpus = 1,
		.round = bench_oneself,
	},
	[PRELOAD] = {
		.mechanism = &bench_preload,
		.pattern = ONESELF,
		.bytes = 64,
		.cpus = 1,
		.round = bench_oneself,
		.peer = &rows[POSIX],
		.target = 1.00,
	},
	[POSIX_4K] = {
		.mechanism = &bench_posix,
		.pattern = ONESELF_4K,
		.bytes = 4096,
		.cpus = 1,
		.round = bench_oneself,
	},
	[PRELOAD_4K] = {
		.mechanism = &bench_preload,
		.pattern = ONESELF_4K,
		.bytes = 4096,
		.cpus = 1,
		.round = bench_oneself,
		.peer = &rows[POSIX_4K],
		.target = 1.00,
	},
	[MBOX_RW] = {
		.mechanism = &bench_mbox_rw,
		.pattern = ONESELF,
		.bytes = 64,
		.cpus = 1,
		.round = bench_oneself,
		.peer = &rows[POSIX],
		.target = 1.00,
	},
	[MBOX_PIPE] = {
		.mechanism = &bench_mbox_pipe,
		.pattern = ONESELF,
		.bytes = 64,
		.cpus = 1,
		.round = bench_oneself,
		.peer = &rows[PIPE],
		.target = NINE_TENTHS,
	},
	[MBOX_10] = {
		.mechanism = &bench_mbox_ioctl,
		.pattern = "10 queued",
		.bytes = 64,
		.cpus = 1,
		.queued = 10,
		.round = bench_oneself,
	},
	[MBOX_100000] = {
		.mechanism = &bench_mbox_ioctl,
		.pattern = "100000 queued",
		.bytes = 64,
		.cpus = 1,
		.queued = 100000,
		.round = bench_oneself,
		.peer = &rows[MBOX_10],
		.target = 1.10,
	},
	[RECEIVE] = {
		.mechanism = &bench_mbox_receive,
		.pattern = RECEIPT,
		.bytes = 64,
		.cpus = 1,
		.prepare = bench_send_all,
		.round = bench_receive,
	},
	[LEASE] = {
		.mechanism = &bench_mbox_lease,
		.pattern = RECEIPT,
		.bytes = 64,
		.cpus = 1,
		.prepare = bench_send_all,
		.round = bench_receive,
		.peer = &rows[RECEIVE],
		.target = 1.50,
	},
	[PIPES] = {
		.mechanism = &bench_pipes,
		.pattern = ANSWER,
		.bytes = 64,
		.cpus = 1,
		.round = bench_oneself,
	},
	[MBOX_CALLS] = {
		.mechanism = &bench_mbox_call,
		.pattern = ANSWER,
		.bytes = 64,
		.cpus = 1,
		.round = bench_call,
		.peer = &rows[PIPES],
		.target = 0.65,
	},
	[UNIX] = {
		.mechanism = &bench_unix,
		.pattern = ANSWER,
		.bytes = 64,
		.cpus = 1,
		.round = bench_oneself,
	},
	[MBOX_PIPES] = {
		.mechanism = &bench_mbox_pipes,
		.pattern = ANSWER,
		.bytes = 64,
		.cpus = 1,
		.round = bench_oneself,
		.peer = &rows[UNIX],
		.target = 1.00,
	},
	[MBOX_SOCKET] = {
		.mechanism = &bench_mbox_socket,
		.pattern = ANSWER,
		.bytes = 64,
		.cpus = 1,
		.round = bench_oneself,
		.peer = &rows[UNIX],
		.target = 1.00,
	},
	[PIPE_4K] = { .mechanism = &bench_pipe_blocks, BLOCKS("4 KiB"), .bytes = 4096 },
	[MBOX_4K] = {
		.mechanism = &bench_mbox_blocks,
		BLOCKS("4 KiB"),
		.bytes = 4096,
		.peer = &rows[PIPE_4K],
		.target = NINE_TENTHS,
	},
	[PIPE_64K] = { .mechanism = &bench_pipe_blocks, BLOCKS("64 KiB"), .bytes = 65536 },
	[MBOX_64K] = {
		.mechanism = &bench_mbox_blocks,
		BLOCKS("64 KiB"),
		.bytes = 65536,
		.peer = &rows[PIPE_64K],
		.target = NINE_TENTHS,
	},
	[MEMORY] = { .mechanism = &bench_memory, TO_EIGHT },
	[PEEK] = { .mechanism = &bench_peek, TO_EIGHT },
	[BROADCAST] = {
		.mechanism = &bench_broadcast,
		TO_EIGHT,
		.peer = &rows[PEEK],
		.target = 1.30,
	},
	[BROADCAST_MEMORY] = {
		.mechanism = &mailbox,
		.pattern = "64 KiB for 8, unread",
		.bytes = 65536,
		.cpus = 1,
		.measure = bench_broadcast_memory,
		.target = ONE_BUFFER,
	},
	[IDLE] = {
		.mechanism = &mailbox,
		.pattern = "idle, beside its file",
		.cpus = 1,
		.measure = bench_idle_mailbox,
		.target = 1023,
	},
};

#define NR_ROWS		(sizeof(rows) / sizeof(rows[0]))
#define TIMES		2000
#define ROUNDS_TIMED	9
#define ROUNDS_COUNTED	3

/* What was measured of a row: a value, or why there is none. */
struct result {
	struct bench_link link;
	bool is_up;
	double samples[ROUNDS_TIMED];
	double value;
	int err;
};

struct run {
	struct result results[NR_ROWS];
	unsigned int rounds;
	bool count;
	bool fifo;
};

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* One CPU to ourselves, as far as we may. */
static bool take_cpu(void)
{
	const struct sched_param param = { .sched_priority = 1 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
	return sched_setscheduler(0, SCHED_FIFO, &param) == 0;
}

static void set_up(const struct bench_row *row, struct result *result)
{
	unsigned int i;

	result->err = row->mechanism->setup(&result->link, row->bytes, row->queued);
	result->is_up = !result->err;
	for (i = 0; i < row->queued && !result->err; i++)
		result->err = row->mechanism->send(&result->link, row->bytes);
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *samples, unsigned int nr)
{
	qsort(samples, nr, sizeof(*samples), compare);
	return samples[nr / 2];
}

/* The first round of each row only warms up: it is overwritten. */
static void measure_round(const struct bench_row *row, struct result *result, unsigned int round)
{
	unsigned int times = row->times ? row->times : TIMES;
	double start;

	if (row->prepare)
		result->err = row->prepare(row, &result->link, times);
	start = now_ns();
	if (!result->err)
		result->err = row->round(row, &result->link, times);
	result->samples[round ? round - 1 : 0] = (now_ns() - start) / times;
}

static void measure_rounds(struct run *run)
{
	unsigned int i, round;

	for (round = 0; round <= run->rounds; round++)
		for (i = 0; i < NR_ROWS; i++)
			if (run->results[i].is_up && !run->results[i].err)
				measure_round(&rows[i], &run->results[i], round);
}

/*
 * The rows take turns, so that what disturbs the machine disturbs all. Memory
 * comes first: later, slabs that others left half empty would be filled up.
 */
static void measure(struct run *run)
{
	struct result *result = run->results;
	unsigned int i;

	for (i = 0; i < NR_ROWS; i++)
		if (rows[i].measure)
			result[i].err = rows[i].measure(&result[i].value);
	for (i = 0; i < NR_ROWS; i++)
		if (rows[i].round)
			set_up(&rows[i], &result[i]);
	measure_rounds(run);
	for (i = 0; i < NR_ROWS; i++) {
		if (!result[i].is_up)
			continue;
		rows[i].mechanism->teardown(&result[i].link);
		result[i].value = median(result[i].samples, run->rounds);
	}
}

/* What there is to tell of a row beside its value. */
struct verdict {
	double ratio;
	bool has_value;
	bool has_ratio;
	bool has_target;
	bool met;
};

static struct verdict judge(const struct run *run, unsigned int i)
{
	const struct bench_row *row = &rows[i];
	const struct result *result = &run->results[i];
	const struct result *peer = row->peer ? &run->results[row->peer - rows] : NULL;
	struct verdict verdict = {
		.has_value = !result->err,
		.has_ratio = !result->err && peer && !peer->err,
	};

	if (verdict.has_ratio)
		verdict.ratio = result->value / peer->value;
	verdict.has_target = row->target && (peer ? verdict.has_ratio : verdict.has_value);
	verdict.met = verdict.has_target &&
		      (peer ? verdict.ratio : result->value) <= row->target;
	return verdict;
}

/* A peer differs in the mechanism, or in the pattern. */
static const char *peer_name(const struct bench_row *row)
{
	if (!row->peer)
		return "";
	return row->peer->mechanism == row->mechanism ? row->peer->pattern :
							row->peer->mechanism->name;
}

static const char *unit(const struct run *run, const struct bench_row *row)
{
	if (row->measure)
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

static const char *met(const struct verdict *verdict)
{
	if (!verdict->has_target)
		return "not measured";
	return verdict->met ? "met" : "NOT MET";
}

static void print_row(const struct run *run, unsigned int i)
{
	const struct bench_row *row = &rows[i];
	const struct verdict verdict = judge(run, i);

	printf("%-17s  %-19s  ", row->mechanism->name, row->pattern);
	print_number("%8.0f ", verdict.has_value, run->results[i].value, "       - ");
	if (!row->target) {
		puts(unit(run, row));
		return;
	}
	printf("%-13s", unit(run, row));
	if (row->peer) {
		print_number("%6.4f", verdict.has_ratio, verdict.ratio, "     -");
		printf(" of %s, target %.2f", peer_name(row), row->target);
	} else {
		printf("target %.0f", row->target);
	}
	printf(": %s\n", met(&verdict));
}

static void print_table(const struct run *run)
{
	unsigned int i;

	printf("Messages of 64 bytes, where nothing else is said, on one CPU, %d a round, the\nmedian of %u rounds%s.\n",
	       TIMES, run->rounds, run->fifo ? "" : "; not SCHED_FIFO, which takes root");
	for (i = 0; i < NR_ROWS; i++)
		print_row(run, i);
}

static void print_json_row(const struct run *run, unsigned int i)
{
	const struct bench_row *row = &rows[i];
	const struct verdict verdict = judge(run, i);

	printf("{\"mechanism\":\"%s\",\"pattern\":\"%s\",\"bytes\":%zu,\"cpus\":%u,\"value\":",
	       row->mechanism->name, row->pattern, row->bytes, row->cpus);
	print_number("%.0f", verdict.has_value, run->results[i].value, "null");
	printf(",\"unit\":\"%s\",\"peer\":", unit(run, row));
	printf(row->peer ? "\"%s\"" : "null", peer_name(row));
	fputs(",\"ratio\":", stdout);
	print_number("%.4f", verdict.has_ratio, verdict.ratio, "null");
	fputs(",\"target\":", stdout);
	print_number("%g", row->target, row->target, "null");
	printf(",\"met\":%s}", verdict.has_target ? verdict.met ? "true" : "false" : "null");
}

static void print_json(const struct run *run)
{
	unsigned int i;

	for (i = 0; i < NR_ROWS; i++) {
		fputs(i ? ",\n " : "[", stdout);
		print_json_row(run, i);
	}
	puts("]");
}

/* Say on stderr what could not be measured, and why. */
static int exit_code(const struct run *run)
{
	int code = EXIT_OK;
	unsigned int i;

	for (i = 0; i < NR_ROWS; i++) {
		if (!run->results[i].err)
			continue;
		complain("%s, %s: not measured: %s", rows[i].mechanism->name, rows[i].pattern,
			 strerror(-run->results[i].err));
		code = EXIT_OTHER;
	}
	return code;
}

static void need_module(void)
{
	struct mbox *mb;
	int err = mbox_create(&mb, NULL, O_RDWR, 0600, NULL);

	if (err)
		fail_create("a mailbox", "user_mailboxes", err);
	mbox_close(mb);
}

static const char help[] =
"Usage: mbox bench [--count] [--json]\n"
"\n"
"Measures mailboxes and their peers at the same work, in turn, and tells the\n"
"cost of a message, the ratio to the peer, and the target with whether it is met.\n"
"  POSIX queue, System V queue, pipe: of the kernel that runs\n"
"  receipt alone: of messages that were sent before and are not in the figure, plain\n"
"               and under a lease that the next receive acknowledges\n"
"  request and answer: a call to another process on the same CPU and its reply,\n"
"               against a write and a read by each of the two over two pipes\n"
"  64 KiB to 8: a broadcast to eight receivers, beside a message that is looked at\n"
"  eight times, and a file in memory that is written once and read eight times\n"
"  64 KiB for 8, unread: the memory of one, by what the machine has free\n"
"  idle: what the kernel's slab caches grow by, less what a file takes\n"
"Needs root for SCHED_FIFO and for the memory of an idle mailbox.\n"
"\n"
"  -c, --count  under QEMU with -icount shift=0, where a nanosecond of the guest\n"
"               is an instruction: say so, and make fewer rounds\n"
"  -j, --json   print an array of objects: mechanism, pattern, bytes, cpus, value,\n"
"               unit, peer, ratio, target, met; null where there is nothing to tell\n"
"  -h, --help   print this\n"
"\n"
"Exit code 0 says that all was measured, not that the targets are met.\n";

int cmd_bench(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", no_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	static struct run run = { .rounds = ROUNDS_TIMED };
	bool json = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "cjh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			run.count = true;
			run.rounds = ROUNDS_COUNTED;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_OK;
		default:
			fail_usage("there is no option '%s'", argv[optind - 1]);
		}
	}
	if (optind < argc)
		fail_usage("takes no operand: '%s'", argv[optind]);
	need_module();
	run.fifo = take_cpu();
	measure(&run);
	if (json)
		print_json(&run);
	else
		print_table(&run);
	return exit_code(&run);
}
