// SPDX-License-Identifier: MIT OR LGPL-2.1
/* The reader sends the lines of the files, a message each. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "words.h"

static void send_lines(FILE *file, struct mbox *lines, struct report *report)
{
	struct mbox_message msg = { 0 };
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	while ((length = getline(&line, &size, file)) > 0) {
		msg.data = line;
		msg.length = length;
		msg.tag = now();
		check(send_waiting(lines, &msg, &report->waits), LINES);
		report->lines++;
		report->bytes += length;
	}
	free(line);
}

/* The mailbox tells the workers of the end: its only sender closes it. */
int reader(char **files)
{
	struct mbox *lines = open_mailbox(LINES, O_WRONLY);
	struct mbox *reports = open_mailbox(REPORTS, O_WRONLY);
	struct report report = { .number = 0, .is_last = 1 };

	for (; *files; files++) {
		FILE *file = fopen(*files, "r");

		if (!file) {
			perror(*files);
			return 1;
		}
		send_lines(file, lines, &report);
		fclose(file);
	}
	mbox_close(lines);
	check(mbox_send(reports, &report, sizeof(report), 0), REPORTS);
	mbox_close(reports);
	return 0;
}
