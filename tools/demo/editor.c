// SPDX-License-Identifier: MIT OR LGPL-2.1
/* The editor takes the result, checks it and prints it. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "words.h"
#include "wordtable.h"

static double seconds(uint64_t ns)
{
	return ns / 1e9;
}

static double milliseconds(uint64_t ns)
{
	return ns / 1e6;
}

static void print_process(const char *name, const struct report *report, const char *why)
{
	printf("  %-8s %5d %7" PRIu64 " %9" PRIu64 " %9" PRIu64 " %7" PRIu64 " x %-5s %8.2f s\n",
	       name, report->pid, report->lines, report->bytes, report->words,
	       report->waits.times, why, seconds(report->waits.ns));
}

static void print_processes(const struct result *result)
{
	char name[16];
	int i;

	printf("  %-8s %5s %7s %9s %9s %15s %10s\n",
	       "process", "pid", "lines", "bytes", "words", "had to wait", "in all");
	print_process("reader", &result->reports[0], "full");
	for (i = 1; i <= WORKERS; i++) {
		snprintf(name, sizeof(name), "worker %d", i);
		print_process(name, &result->reports[i], "empty");
	}
}

static void print_mailboxes(const struct result *result, const struct report *sum)
{
	const struct seen *seen = &result->seen;

	printf("  lines    holds %d, seen with %" PRIu64 "; a line stayed %.2f ms on average;\n",
	       LINES_HELD, seen->most_queued,
	       milliseconds(sum->lines ? sum->queued_ns / sum->lines : 0));
	printf("           longest waits seen: %d to send %.2f ms, %d to receive %.2f ms\n",
	       seen->send_wait_pid, milliseconds(seen->send_wait_ns),
	       seen->recv_wait_pid, milliseconds(seen->recv_wait_ns));
	printf("  reports  holds any number: took %" PRIu64 " and made nobody wait\n",
	       result->nr_reports);
	printf("  result   holds none: handed over to %d, which had waited %.2f s for it\n",
	       result->editor, seconds(result->editor_waited_ns));
}

/* The kernel's totals, the reader's and the workers' must be the same. */
static int sums_agree(const struct result *result, const struct report *sum)
{
	const struct report *sent = &result->reports[0];

	if (sum->lines == sent->lines && sum->bytes == sent->bytes &&
	    result->sent == sent->lines && result->received == sent->lines)
		return 1;
	printf("  WRONG: reader %" PRIu64 " lines %" PRIu64 " bytes, workers %" PRIu64 " lines %"
	       PRIu64 " bytes, mailbox %" PRIu64 " in %" PRIu64 " out\n",
	       sent->lines, sent->bytes, sum->lines, sum->bytes, result->sent, result->received);
	return 0;
}

static size_t write_counts(const char *path)
{
	size_t length, words;
	void *table = map_table(O_RDONLY, PROT_READ, &length);
	FILE *out = fopen(path, "w");

	if (!out) {
		perror(path);
		exit(1);
	}
	words = wordtable_print(table, out);
	if (fclose(out)) {
		perror(path);
		exit(1);
	}
	mbox_segment_unmap(table, length);
	return words;
}

int editor(const char *counts)
{
	struct mbox *mb = open_mailbox(RESULT, O_RDONLY);
	struct result result = { 0 };
	struct mbox_message msg = { .data = &result, .size = sizeof(result) };
	struct report sum = { 0 };
	int i;

	check(mbox_recv(mb, &msg), RESULT);
	mbox_close(mb);
	for (i = 1; i <= WORKERS; i++) {
		sum.lines += result.reports[i].lines;
		sum.bytes += result.reports[i].bytes;
		sum.words += result.reports[i].words;
		sum.queued_ns += result.reports[i].queued_ns;
	}
	print_processes(&result);
	print_mailboxes(&result, &sum);
	printf("  table    a segment of %d MiB: %" PRIu64 " words, %zu different ones\n",
	       TABLE_BYTES >> 20, sum.words, write_counts(counts));
	return !sums_agree(&result, &sum);
}
