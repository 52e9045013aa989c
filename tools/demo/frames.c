// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Frames of 1 MiB, which nobody copies.
 *
 *   frames send NAME COUNT   lend them from a pool of few, and wait until all are back
 *   frames recv NAME COUNT   read them where they are, and return them
 *   frames hold NAME         receive one, say so, and keep it
 *
 * Each prints a line for a frame: its number, and the sum of its bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mbox/mbox.h>

#define FRAME	(1024 * 1024)
#define BUFFERS	4

static void check(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "frames: %s: %s\n", what, mbox_strerror(err));
	exit(1);
}

static void print_frame(uint64_t number, const uint64_t *words)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < FRAME / sizeof(*words); i++)
		sum += words[i];
	printf("%" PRIu64 " %" PRIu64 "\n", number, sum);
	fflush(stdout);
}

static void fill(uint64_t number, uint64_t *words)
{
	size_t i;

	for (i = 0; i < FRAME / sizeof(*words); i++)
		words[i] = number * i;
}

static void send_frames(struct mbox *mb, uint64_t count)
{
	struct mbox_message msg = { .length = FRAME };
	struct mbox_pool *pool;
	int i;

	check(mbox_pool_create(&pool, FRAME, BUFFERS), "a pool");
	for (msg.tag = 1; msg.tag <= count; msg.tag++) {
		check(mbox_pool_get(pool, &msg.data, 0, 0), "a buffer");
		fill(msg.tag, msg.data);
		print_frame(msg.tag, msg.data);
		check(mbox_send_loan(mb, pool, &msg, 0, 0), "send");
	}
	for (i = 0; i < BUFFERS; i++)
		check(mbox_pool_get(pool, &msg.data, 0, 0), "a buffer that is back");
	mbox_pool_destroy(pool);
}

/* Return: the bytes of the next frame, where its sender wrote them. */
static const void *next_frame(struct mbox *mb, struct mbox_message *msg)
{
	const void *bytes;

	check(mbox_recv_loan(mb, msg, &bytes, 0, 0), "receive");
	if (!(msg->flags & MBOX_LOAN) || msg->length != FRAME) {
		fputs("frames: that is no frame\n", stderr);
		exit(1);
	}
	print_frame(msg->tag, bytes);
	return bytes;
}

static void recv_frames(struct mbox *mb, uint64_t count)
{
	char room[sizeof(struct mbox_loan)];
	struct mbox_message msg = { .data = room, .size = sizeof(room) };

	while (count--) {
		next_frame(mb, &msg);
		check(mbox_ack(mb, msg.delivery), "return");
	}
}

/* The mapping is for reading, and can be made nothing else. */
static void hold_frame(struct mbox *mb)
{
	char room[sizeof(struct mbox_loan)];
	struct mbox_message msg = { .data = room, .size = sizeof(room) };
	void *bytes = (void *)next_frame(mb, &msg);

	puts(mprotect(bytes, FRAME, PROT_READ | PROT_WRITE) && errno == EACCES ?
	     "and cannot be written" : "and CAN BE WRITTEN");
	fflush(stdout);
	pause();
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	uint64_t count = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
	struct mbox *mb;

	if (argc < 3) {
		fputs("usage: frames send|recv|hold NAME [COUNT]\n", stderr);
		return 2;
	}
	check(mbox_open(&mb, argv[2], *what == 's' ? O_WRONLY : O_RDONLY), argv[2]);
	if (*what == 's')
		send_frames(mb, count);
	else if (*what == 'r')
		recv_frames(mb, count);
	else
		hold_frame(mb);
	mbox_close(mb);
	return 0;
}
