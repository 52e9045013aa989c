/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of both sides of a ring share. */
#ifndef MBOX_SELFTESTS_RINGS_H
#define MBOX_SELFTESTS_RINGS_H

#include <mbox/mbox.h>

#define RING	4096
#define LARGE	(RING / 4)	/* more than a ring of that size carries */
#define DEPTH	16

/* A mailbox with rings, by its receiver and a sender; the name is already gone. */
static inline int rings_open(struct mbox **rx, struct mbox **tx, unsigned int oflag)
{
	const struct mbox_attr attr = { .capacity = DEPTH, .msgsize = 65536, .flags = MBOX_RINGS };
	const char *name = unique_name("rings");
	int ret = mbox_create(rx, name, O_RDONLY | O_EXCL | oflag, 0600, &attr);

	ret = ret ? ret : mbox_open(tx, name, O_WRONLY | oflag);
	mb_unlink(name);
	return ret;
}

/* One more sender of a mailbox that a descriptor can send to. */
static inline struct mbox *sender_again(const struct mbox *tx)
{
	struct mbox *mb = NULL;

	mbox_from_fd(&mb, mb_reopen(mbox_fd(tx), O_WRONLY));
	return mb;
}

/* Messages of @length bytes, at least those of a number, that begin with one. */
static inline int put_number(struct mbox *tx, unsigned int number, size_t length,
			     unsigned int flags, uint64_t deadline)
{
	static _Thread_local uint32_t data[65536 / 4];
	const struct mbox_message msg = { .data = data, .length = length, .tag = number };
	size_t i;

	for (i = 0; i < length / 4; i++)
		data[i] = number + i;
	return mbox_send_msg(tx, &msg, flags, deadline);
}

/* The number, or an error; -EILSEQ if the rest of the message is not as it was sent. */
static inline int take_number(struct mbox *rx, struct mbox_message *msg, unsigned int flags,
			      uint64_t deadline)
{
	static _Thread_local uint32_t data[65536 / 4];
	size_t i;
	int ret;

	msg->data = data;
	msg->size = sizeof(data);
	ret = mbox_recv_msg(rx, msg, flags, deadline);
	if (ret)
		return ret;
	for (i = 0; i < msg->length / 4; i++)
		if (!msg->nr_fds && data[i] != data[0] + i)
			return -EILSEQ;
	return msg->length >= 4 && !msg->nr_fds && data[0] != msg->tag ? -EILSEQ : (int)msg->tag;
}

static inline int take_one(struct mbox *rx, unsigned int flags)
{
	struct mbox_message msg = { 0 };

	return take_number(rx, &msg, flags, 0);
}

/* Send until there is no room: the number of messages. */
static inline int fill_ring(struct mbox *tx, size_t length)
{
	int nr = 0;

	while (!put_number(tx, nr, length, MBOX_NONBLOCK, 0))
		nr++;
	return nr;
}

#endif
