// SPDX-License-Identifier: GPL-2.0
/*
 * loop WORK BYTES: the same message again and again. A getpid(2) marks where the next begins, and
 * a line says when it has become the same each time.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mbox/mbox.h>

#define WARM	1000
#define BATCH	16

static char data[65536];
static size_t bytes;
static struct mbox *mb, *none;
static int ends[2][2];
static _Atomic uint32_t *word;

static void nothing(void)
{
	ioctl(mbox_fd(mb), MBOX_IOC_TYPE << 8, NULL);
}

static void by_pipe(void)
{
	if (write(ends[0][1], data, bytes) != (ssize_t)bytes ||
	    read(ends[0][0], data, bytes) != (ssize_t)bytes)
		exit(1);
}

static void by_write(void)
{
	if (write(mbox_fd(mb), data, bytes) != (ssize_t)bytes ||
	    read(mbox_fd(mb), data, bytes) != (ssize_t)bytes)
		exit(1);
}

static void by_send(void)
{
	struct mbox_message msg = { .data = data, .size = bytes };

	if (mbox_send(mb, data, bytes, 0) || mbox_recv(mb, &msg))
		exit(1);
}

static void by_batch(void)
{
	struct mbox_message msgs[BATCH];
	int i;

	for (i = 0; i < BATCH; i++)
		msgs[i] = (struct mbox_message) { .data = data, .size = bytes, .length = bytes };
	if (mbox_send_batch(mb, msgs, BATCH, 0, 0) != BATCH ||
	    mbox_recv_batch(mb, msgs, BATCH, 0, 0) != BATCH)
		exit(1);
}

static void ask_pipe(void)
{
	if (write(ends[0][1], data, bytes) != (ssize_t)bytes ||
	    read(ends[1][0], data, bytes) != (ssize_t)bytes)
		exit(1);
}

static void answer_pipe(void)
{
	while (read(ends[0][0], data, bytes) == (ssize_t)bytes)
		if (write(ends[1][1], data, bytes) != (ssize_t)bytes)
			exit(1);
}

static void pass(uint32_t from, uint32_t to)
{
	while (*word != from)
		syscall(SYS_futex, word, FUTEX_WAIT, to, NULL, NULL, 0);
	*word = to;
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void ask_futex(void)
{
	pass(0, 1);
	while (*word)
		syscall(SYS_futex, word, FUTEX_WAIT, 1, NULL, NULL, 0);
}

static void answer_futex(void)
{
	for (;;)
		pass(1, 0);
}

static void ask_call(void)
{
	struct mbox_message request = { .data = data, .length = bytes };
	struct mbox_message reply = { .data = data, .size = bytes };

	if (mbox_call(mb, &request, &reply, 0, 0))
		exit(1);
}

static void answer_call(void)
{
	struct mbox_message request = { .data = data, .size = bytes };
	struct mbox_message reply = { .data = data, .length = bytes };

	if (mbox_recv(mb, &request))
		exit(1);
	do {
		reply.delivery = request.delivery;
	} while (!mbox_reply_recv(mb, &reply, &request, 0, 0));
}

static void put_block(void)
{
	if (mbox_send(none, data, bytes, 0))
		exit(1);
}

static void take_blocks(void)
{
	struct mbox_message msg = { .data = data, .size = bytes };

	while (!mbox_recv(none, &msg))
		;
}

static const struct {
	const char *name;
	void (*work)(void);
	void (*answer)(void);
} works[] = {
	{ "ioctl-refused", nothing, NULL },
	{ "pipe", by_pipe, NULL },
	{ "write-read", by_write, NULL },
	{ "send-receive", by_send, NULL },
	{ "batch", by_batch, NULL },
	{ "futex-answer", ask_futex, answer_futex },
	{ "pipe-answer", ask_pipe, answer_pipe },
	{ "call-reply", ask_call, answer_call },
	{ "rendezvous", put_block, take_blocks },
};

static void set_up(void)
{
	const struct mbox_attr attr = { .capacity = BATCH, .msgsize = sizeof(data) };
	const struct mbox_attr rendezvous = { .msgsize = sizeof(data) };
	const struct sched_param param = { .sched_priority = 1 };

	word = mmap(NULL, sizeof(*word), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sched_setscheduler(0, SCHED_FIFO, &param) || pipe(ends[0]) || pipe(ends[1]) ||
	    mbox_create(&mb, NULL, O_RDWR, 0600, &attr) ||
	    mbox_create(&none, NULL, O_RDWR, 0600, &rendezvous) || word == MAP_FAILED)
		exit(1);
}

static void repeat(void (*work)(void))
{
	unsigned int i;

	for (i = 0;; i++) {
		syscall(SYS_getpid);
		work();
		if (i == WARM) {
			puts("warm");
			fflush(stdout);
		}
	}
}

int main(int argc, char **argv)
{
	unsigned int i;

	bytes = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	memset(data, 1, sizeof(data));
	set_up();
	for (i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		if (strcmp(works[i].name, argv[1]))
			continue;
		if (works[i].answer && !fork())
			works[i].answer();
		repeat(works[i].work);
	}
	return 2;
}
