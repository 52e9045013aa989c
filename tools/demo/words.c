// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * words COUNTS FILE...: count the words of the files with processes that share
 * nothing but names of mailboxes and of a segment, and write the counts to
 * COUNTS, as `uniq -c` does. words.h has the plan.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "words.h"
#include "wordtable.h"

static const char *const names[] = { LINES, REPORTS, RESULT, TABLE };

static void unlink_names(void)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		mbox_unlink(names[i]);
}

/* Opened for neither side: the reader shall be its first sender. */
static void create_mailbox(const char *name, uint64_t capacity, unsigned int flags)
{
	const struct mbox_attr attr = {
		.capacity = capacity,
		.msgsize = MBOX_MSGSIZE_DEFAULT,
		.flags = flags,
	};
	struct mbox *mb;

	check(mbox_create(&mb, name, O_ACCMODE | O_EXCL, 0600, &attr), name);
	mbox_close(mb);
}

static void create_table(void)
{
	struct mbox_segment *seg;
	size_t length;
	void *memory;

	check(mbox_segment_create(&seg, TABLE, O_RDWR | O_EXCL, 0600, TABLE_BYTES, 0), TABLE);
	mbox_segment_close(seg);
	memory = map_table(O_RDWR, PROT_READ | PROT_WRITE, &length);
	wordtable_create(memory, length);
	mbox_segment_unmap(memory, length);
}

static uint64_t total_size(char **files)
{
	uint64_t bytes = 0;
	struct stat st;

	for (; *files; files++) {
		if (stat(*files, &st)) {
			perror(*files);
			exit(1);
		}
		bytes += st.st_size;
	}
	return bytes;
}

#define PROCESSES	(3 + WORKERS)

/* Process @i of them all: editor, clerk, workers, reader. */
static int play(int i, char **argv, uint64_t total)
{
	if (i == 0)
		return editor(argv[1]);
	if (i == 1)
		return clerk(total);
	if (i < 2 + WORKERS)
		return worker(i - 1);
	return reader(argv + 2);
}

static void end_all(const pid_t *pids)
{
	int i;

	for (i = 0; i < PROCESSES; i++)
		if (pids[i] > 0)
			kill(pids[i], SIGTERM);
}

static int start_all(pid_t *pids, char **argv, uint64_t total)
{
	int i;

	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			exit(play(i, argv, total));
		if (pids[i] < 0) {
			perror("words: fork");
			return 1;
		}
	}
	return 0;
}

/* Wait for all; when one fails, end the others, which would wait for it. */
static int wait_all(pid_t *pids)
{
	int failed = 0, status, i;
	pid_t pid;

	while ((pid = wait(&status)) > 0) {
		for (i = 0; i < PROCESSES; i++)
			if (pids[i] == pid)
				pids[i] = 0;
		if (status && !failed) {
			failed = 1;
			end_all(pids);
		}
	}
	return failed;
}

int main(int argc, char **argv)
{
	pid_t pids[PROCESSES] = { 0 };
	uint64_t total;
	int failed;

	if (argc < 3) {
		fprintf(stderr, "usage: words COUNTS FILE...\n");
		return 2;
	}
	total = total_size(argv + 2);
	unlink_names();
	create_mailbox(LINES, LINES_HELD, MBOX_HANGUP);
	create_mailbox(REPORTS, MBOX_UNBOUNDED, 0);
	create_mailbox(RESULT, 0, 0);
	create_table();
	failed = start_all(pids, argv, total);
	if (failed)
		end_all(pids);
	failed |= wait_all(pids);
	unlink_names();
	return failed;
}
