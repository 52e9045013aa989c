// SPDX-License-Identifier: MIT OR LGPL-2.1
/* The clerk collects the reports, shows progress and hands the result over. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "words.h"

static void look(struct mbox *lines, struct seen *seen)
{
	struct mbox_status status;

	check(mbox_status(lines, &status), LINES);
	if (status.queued > seen->most_queued)
		seen->most_queued = status.queued;
	if (status.send_wait_ns > seen->send_wait_ns) {
		seen->send_wait_ns = status.send_wait_ns;
		seen->send_wait_pid = status.send_wait_pid;
	}
	if (status.recv_wait_ns > seen->recv_wait_ns) {
		seen->recv_wait_ns = status.recv_wait_ns;
		seen->recv_wait_pid = status.recv_wait_pid;
	}
}

/* A console can be a terminal with nobody at it; TERM tells. */
static int is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb");
}

static void draw_progress(const struct result *result, uint64_t total)
{
	static const char full[] = "########################################";
	const int width = sizeof(full) - 1;
	uint64_t bytes = 0;
	int i, done;

	for (i = 1; i <= WORKERS; i++)
		bytes += result->reports[i].bytes;
	done = total ? bytes * width / total : width;
	printf("\r  [%.*s%*s] %3d %%", done, full, width - done, "",
	       total ? (int)(bytes * 100 / total) : 100);
	fflush(stdout);
}

static void collect_reports(struct result *result, uint64_t total)
{
	struct mbox *reports = open_mailbox(REPORTS, O_RDONLY);
	struct mbox *lines = open_mailbox(LINES, O_ACCMODE);
	const int show = is_terminal();
	struct mbox_status status;
	struct report report = { 0 };
	struct mbox_message msg = { .data = &report, .size = sizeof(report) };
	int left = 1 + WORKERS;

	while (left) {
		check(mbox_recv(reports, &msg), REPORTS);
		report.pid = msg.pid;
		result->reports[report.number] = report;
		result->nr_reports++;
		left -= report.is_last;
		look(lines, &result->seen);
		if (show)
			draw_progress(result, total);
	}
	if (show)
		printf("\r%60s\r", "");
	fflush(stdout);
	check(mbox_status(lines, &status), LINES);
	result->sent = status.sent;
	result->received = status.received;
	mbox_close(lines);
	mbox_close(reports);
}

int clerk(uint64_t total)
{
	struct result result = { 0 };
	struct mbox *mb = open_mailbox(RESULT, O_WRONLY);
	struct mbox_status status;

	collect_reports(&result, total);
	check(mbox_status(mb, &status), RESULT);
	result.editor = status.recv_wait_pid;
	result.editor_waited_ns = status.recv_wait_ns;
	check(mbox_send(mb, &result, sizeof(result), 0), RESULT);
	mbox_close(mb);
	return 0;
}
