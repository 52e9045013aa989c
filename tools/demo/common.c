// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "words.h"

void check(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "words: %s: %s\n", what, mbox_strerror(err));
	exit(1);
}

uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

struct mbox *open_mailbox(const char *name, int oflag)
{
	struct mbox *mb;

	check(mbox_open(&mb, name, oflag), name);
	return mb;
}

void *map_table(int oflag, int prot, size_t *length)
{
	struct mbox_segment *seg;
	void *memory;

	check(mbox_segment_open(&seg, TABLE, oflag), TABLE);
	check(mbox_segment_map(seg, prot, &memory, length), TABLE);
	mbox_segment_close(seg);
	return memory;
}

int send_waiting(struct mbox *mb, const struct mbox_message *msg, struct waits *waits)
{
	int err = mbox_send_msg(mb, msg, MBOX_NONBLOCK, 0);
	uint64_t start;

	if (err != -EAGAIN)
		return err;
	start = now();
	err = mbox_send_msg(mb, msg, 0, 0);
	waits->ns += now() - start;
	waits->times++;
	return err;
}

int recv_waiting(struct mbox *mb, struct mbox_message *msg, struct waits *waits)
{
	int err = mbox_recv_msg(mb, msg, MBOX_NONBLOCK, 0);
	uint64_t start;

	if (err != -EAGAIN)
		return err;
	start = now();
	err = mbox_recv_msg(mb, msg, 0, 0);
	waits->ns += now() - start;
	waits->times++;
	return err;
}
