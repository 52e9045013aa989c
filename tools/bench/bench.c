// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "../src/fail.h"
#include "bench.h"

#define ROUNDS_COUNTED	3

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

/* Say on stderr what could not be measured, and why. */
static int exit_code(const struct bench_run *run)
{
	int code = EXIT_OK;
	unsigned int i;

	for (i = 0; i < bench_nr_rows; i++) {
		if (!run->results[i].err)
			continue;
		complain("%s, %s: not measured: %s", bench_rows[i].mechanism->name,
			 bench_rows[i].pattern->name, strerror(-run->results[i].err));
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
"cost of a message, the ratio to a peer, which is the fastest where no target\n"
"names another, and the target with whether it is met.\n"
"  to oneself: a send and the receive by one process, beside a system call that\n"
"              does nothing and the copy from one address space to another;\n"
"              '16': that many in one call\n"
"  queued, else, elsewhere: the same beside many messages, mailboxes or waiters\n"
"  receipt alone: of messages that were sent before and are not in the figure, plain\n"
"              and under a lease that the next receive acknowledges; and that\n"
"              after a child of fork(2) has come and gone\n"
"  request and answer: to another process and back\n"
"  64, then an answer: the same with so many requests to an answer, after which\n"
"              the other process sleeps\n"
"  stream, blocks: to another process as fast as it takes them\n"
"  remote call: of a procedure that does nothing, by the RPC library libtirpc over\n"
"              mailboxes and over its own transports; '1,000 clients': in turn\n"
"              'at most once', 'exactly once': with a history in memory\n"
"  to 8 receivers: a broadcast, beside a message that is looked at eight times, and\n"
"              a file in memory that is written once and read eight times\n"
"  to 8, unread: the memory of one, by what the machine has free\n"
"  idle: what the kernel's slab caches grow by, less what a file takes\n"
"  4 to 1, 1 to 4: that many senders, or receivers that share the messages\n"
"By mbox run: what a program has that was written for those calls. Needs root for\n"
"SCHED_FIFO, long queues, and the memory of an idle mailbox.\n"
"\n"
"  -c, --count  under QEMU with -icount shift=0, where a nanosecond of the guest\n"
"               is an instruction: say so, make fewer rounds, and use one CPU\n"
"  -j, --json   print an array of objects: mechanism, pattern, bytes, cpus, value,\n"
"               spread, unit, peer, ratio, target, met; null where there is nothing\n"
"               to tell\n"
"  -h, --help   print this\n"
"\n"
"Exit code 0 says that all was measured, not that the targets are met.\n";

static void be_counted(struct bench_run *run)
{
	run->count = true;
	run->rounds = ROUNDS_COUNTED;
	run->cpus = 1;
}

static int bench(struct bench_run *run, void (*print)(const struct bench_run *run))
{
	int code;

	need_module();
	/* What goes wrong is a matter of its row alone. */
	signal(SIGPIPE, SIG_IGN);
	run->fifo = take_cpu();
	run->results = calloc(bench_nr_rows, sizeof(*run->results));
	if (!run->results)
		fail(EXIT_OTHER, "no memory for the results");
	bench_measure(run);
	print(run);
	code = exit_code(run);
	free(run->results);
	return code;
}

int cmd_bench(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", no_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct bench_run run = {
		.rounds = BENCH_ROUNDS_MAX,
		.cpus = sysconf(_SC_NPROCESSORS_ONLN),
	};
	void (*print)(const struct bench_run *run) = bench_print_table;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "cjh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			be_counted(&run);
			break;
		case 'j':
			print = bench_print_json;
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
	return bench(&run, print);
}
