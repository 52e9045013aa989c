/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Counting words with several processes:
 *
 *   reader --> lines --> workers --> reports --> clerk --> result --> editor
 *                          |
 *                      the table, in a segment, which the editor reads
 *
 * lines is a bounded mailbox, reports an unbounded one, result a rendezvous.
 */
#ifndef MBOX_DEMO_WORDS_H
#define MBOX_DEMO_WORDS_H

#include <stdint.h>
#include <sys/types.h>

#include <mbox/mbox.h>

#define LINES		"/demo.lines"
#define REPORTS		"/demo.reports"
#define RESULT		"/demo.result"
#define TABLE		"/demo.table"

#define LINES_HELD	16
#define TABLE_BYTES	(16 << 20)
#define WORKERS		3

/* How often a call found that it would block, and how long it then did. */
struct waits {
	uint64_t times;
	uint64_t ns;
};

/*
 * What the reader (number 0) and the workers (1 to WORKERS) did so far. The
 * clerk fills in the process, which the kernel tells it.
 */
struct report {
	uint32_t number;
	uint32_t is_last;
	uint64_t lines;
	uint64_t bytes;
	uint64_t words;
	uint64_t queued_ns;
	struct waits waits;
	pid_t pid;
};

/* What the clerk saw in the status of a mailbox, from time to time. */
struct seen {
	uint64_t most_queued;
	uint64_t send_wait_ns;
	uint64_t recv_wait_ns;
	pid_t send_wait_pid;
	pid_t recv_wait_pid;
};

struct result {
	struct report reports[1 + WORKERS];
	struct seen seen;
	uint64_t sent;
	uint64_t received;
	uint64_t nr_reports;
	uint64_t editor_waited_ns;
	pid_t editor;
};

/* The processes. Each returns its exit status. */
int reader(char **files);
int worker(uint32_t number);
int clerk(uint64_t total_bytes);
int editor(const char *counts);

/* End the process with a message if @err is an error of libmbox. */
void check(int err, const char *what);

/* Nanoseconds on CLOCK_MONOTONIC. */
uint64_t now(void);

struct mbox *open_mailbox(const char *name, int oflag);
void *map_table(int oflag, int prot, size_t *length);

/* Send or receive, and count in @waits if that had to wait. */
int send_waiting(struct mbox *mb, const struct mbox_message *msg, struct waits *waits);
int recv_waiting(struct mbox *mb, struct mbox_message *msg, struct waits *waits);

#endif
