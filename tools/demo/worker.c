// SPDX-License-Identifier: MIT OR LGPL-2.1
/* A worker takes lines and counts their words in the table. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "words.h"
#include "wordtable.h"

#define REPORT_EVERY	(32 << 10)

static char line[MBOX_MSGSIZE_DEFAULT];

/* Make @c small if it is a letter, and tell whether it was. */
static int is_letter(char *c)
{
	if (*c >= 'A' && *c <= 'Z')
		*c += 'a' - 'A';
	return *c >= 'a' && *c <= 'z';
}

static uint64_t count_words(struct wordtable *table, size_t length)
{
	uint64_t words = 0;
	size_t start, end;

	for (start = 0; start < length; start = end + 1) {
		for (end = start; end < length && is_letter(&line[end]); end++)
			;
		if (end == start)
			continue;
		check(wordtable_count(table, &line[start], end - start), TABLE);
		words++;
	}
	return words;
}

int worker(uint32_t number)
{
	struct mbox *lines = open_mailbox(LINES, O_RDONLY);
	struct mbox *reports = open_mailbox(REPORTS, O_WRONLY);
	struct mbox_message msg = { .data = line, .size = sizeof(line) };
	struct report report = { .number = number };
	uint64_t reported = 0;
	size_t length;
	void *table = map_table(O_RDWR, PROT_READ | PROT_WRITE, &length);
	int err;

	while ((err = recv_waiting(lines, &msg, &report.waits)) == 0) {
		report.queued_ns += now() - msg.tag;
		report.words += count_words(table, msg.length);
		report.bytes += msg.length;
		report.lines++;
		if (report.bytes < reported + REPORT_EVERY)
			continue;
		check(mbox_send(reports, &report, sizeof(report), 0), REPORTS);
		reported = report.bytes;
	}
	if (err != -EPIPE)
		check(err, LINES);
	report.is_last = 1;
	check(mbox_send(reports, &report, sizeof(report), 0), REPORTS);
	mbox_segment_unmap(table, length);
	mbox_close(reports);
	mbox_close(lines);
	return 0;
}
