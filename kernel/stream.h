/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Streams: mailboxes for bytes.
 *
 * Lifetime
 *
 * A stream is a struct mbox_mailbox with a struct mbox_stream, which goes with
 * it. It has the sides, the waiters and the lock of a mailbox, but no messages:
 * its bytes are in a list of struct mbox_ring, mostly one. The reader frees a
 * ring that it has emptied when there is a next one, and the last descriptor
 * all of them.
 *
 * Turns
 *
 * One writer at a time copies into the last ring and one reader at a time out of
 * the first, without the lock and without keeping each other out: between them
 * are mbox_stream.written and mbox_stream.read, which each moves under the lock
 * once it has copied. Who has the turn is waited for in mbox_mailbox.sending and
 * mbox_mailbox.receiving, in order of arrival, together with the room or the
 * bytes that one needs; a waiter that is completed without an error has the
 * turn.
 */
#ifndef _MBOX_STREAM_H
#define _MBOX_STREAM_H

#include "mailbox.h"

/**
 * struct mbox_ring - memory that bytes of a stream go through
 * @next: the one to go on with after the last byte in this, or NULL; protected
 *        by the mailbox's lock
 * @start: the number of its first byte, constant
 * @size: a power of two, constant
 * @data: the bytes; those not yet written belong to the writer's turn, those
 *        not yet read to the reader's
 */
struct mbox_ring {
	struct mbox_ring *next;
	u64 start;
	size_t size;
	u8 *data;
};

/**
 * struct mbox_stream - what a stream has beside
 * @first: where bytes are read, or NULL before the first write
 * @last: where they are written
 * @written: bytes, since creation
 * @read: bytes, since creation; or discarded
 * @discarded: bytes that nobody was left to read
 * @writing: somebody has the writer's turn
 * @reading: somebody has the reader's turn
 * @peeking: and will leave all bytes where they are
 *
 * Protected by the mailbox's lock.
 */
struct mbox_stream {
	struct mbox_ring *first;
	struct mbox_ring *last;
	u64 written;
	u64 read;
	u64 discarded;
	bool writing;
	bool reading;
	bool peeking;
};

/* stream.c */
extern const struct mbox_kind_ops mbox_stream_ops;
bool mbox_stream_capacity_valid(u64 capacity);
struct mbox_stream *mbox_stream_create(void);
void mbox_stream_free(struct mbox_mailbox *mailbox);
void mbox_stream_admit_locked(struct mbox_mailbox *mailbox);
void mbox_stream_status_locked(const struct mbox_mailbox *mailbox,
			       struct mbox_ioc_status *status);
int mbox_stream_unread(struct mbox_mailbox *mailbox);
u64 mbox_stream_written(struct mbox_mailbox *mailbox);
bool mbox_stream_lost(struct mbox_mailbox *mailbox);
bool mbox_is_stream(const struct file *file);
ssize_t mbox_stream_send(struct mbox_mailbox *mailbox, struct iov_iter *from,
			 bool nonblock);
ssize_t mbox_stream_receive(struct mbox_mailbox *mailbox, struct iov_iter *to,
			    bool nonblock);
ssize_t mbox_stream_peek(struct mbox_mailbox *mailbox, struct iov_iter *to,
			 bool nonblock);
__poll_t mbox_stream_events(const struct mbox_handle *handle, fmode_t rights);

/* duplex.c */
struct file *mbox_duplex_file(struct file *in, struct file *out,
			      unsigned int oflag);
void mbox_duplex_shutdown(struct file *file, u32 how);
u64 mbox_duplex_written(struct file *file);
ssize_t mbox_duplex_peek(struct file *file, struct iov_iter *to, bool nonblock);

#endif /* _MBOX_STREAM_H */
