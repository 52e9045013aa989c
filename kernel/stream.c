// SPDX-License-Identifier: GPL-2.0
/*
 * Streams: bytes in their order, as through a pipe.
 *
 * Writers and readers have one turn each, so that neither has to wait while
 * the other's memory is copied. See stream.h for how turns are taken.
 */
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/splice.h>

#include "compat.h"
#include "stream.h"
#include "trace.h"

/**
 * struct mbox_turn - a call that copies into a stream, or out of it
 * @waiter: to wait for the turn with
 * @need: bytes of room that a writer waits for
 * @room: bytes to copy in this turn, set when it is given
 * @ring: where to, or from; NULL for a writer that needs a new one
 * @peek: a reader will leave all bytes where they are
 */
struct mbox_turn {
	struct mbox_waiter waiter;
	size_t need;
	size_t room;
	struct mbox_ring *ring;
	bool peek;
};

static struct mbox_turn *mbox_first_turn(struct mbox_waiters *waiters)
{
	return list_first_entry(&waiters->list, struct mbox_turn, waiter.node);
}

bool mbox_stream_capacity_valid(u64 capacity)
{
	return capacity >= MBOX_PIPE_BUF && capacity <= MBOX_STREAM_MAX;
}

/**
 * mbox_stream_create() - set up what a stream has beside
 *
 * Return: for mbox_stream_free(), or NULL.
 */
struct mbox_stream *mbox_stream_create(void)
{
	return kzalloc(sizeof(struct mbox_stream), GFP_KERNEL_ACCOUNT);
}

static void mbox_rings_free(struct mbox_mailbox *mailbox,
			    struct mbox_ring *ring)
{
	while (ring) {
		struct mbox_ring *next = ring->next;

		mbox_uncharge(mailbox->object.user, MBOX_BYTES,
			      sizeof(*ring) + ring->size);
		kvfree(ring->data);
		kfree(ring);
		ring = next;
	}
}

/**
 * mbox_stream_free() - undo mbox_stream_create()
 * @mailbox: that the stream is of, or any other
 */
void mbox_stream_free(struct mbox_mailbox *mailbox)
{
	if (mailbox->stream)
		mbox_rings_free(mailbox, mailbox->stream->first);
	kfree(mailbox->stream);
}

static struct mbox_ring *mbox_ring_alloc(size_t size)
{
	struct mbox_ring *ring = kmalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);

	if (!ring)
		return NULL;
	ring->next = NULL;
	ring->size = size;
	ring->data = mbox_message_alloc(size);
	if (ring->data)
		return ring;
	kfree(ring);
	return NULL;
}

/* The creator of the stream has chosen its capacity, and so pays for it. */
static struct mbox_ring *mbox_ring_create(struct mbox_mailbox *mailbox,
					  size_t size)
{
	struct mbox_user *user = mailbox->object.user;
	struct mbox_ring *ring;
	int err;

	err = mbox_charge(user, MBOX_BYTES, sizeof(*ring) + size);
	if (err)
		return ERR_PTR(err);
	ring = mbox_ring_alloc(size);
	if (ring)
		return ring;
	mbox_uncharge(user, MBOX_BYTES, sizeof(*ring) + size);
	return ERR_PTR(-ENOMEM);
}

/* Copy @len bytes from the one numbered @at on. Return: how many it did. */
static size_t mbox_ring_write(struct mbox_ring *ring, u64 at, size_t len,
			      struct iov_iter *from)
{
	size_t offset = (at - ring->start) & (ring->size - 1);
	size_t part = min(len, ring->size - offset);
	size_t copied = _copy_from_iter(ring->data + offset, part, from);

	if (copied == part && part < len)
		copied += _copy_from_iter(ring->data, len - part, from);
	return copied;
}

static size_t mbox_ring_read(const struct mbox_ring *ring, u64 at, size_t len,
			     struct iov_iter *to)
{
	size_t offset = (at - ring->start) & (ring->size - 1);
	size_t part = min(len, ring->size - offset);
	size_t copied = _copy_to_iter(ring->data + offset, part, to);

	if (copied == part && part < len)
		copied += _copy_to_iter(ring->data, len - part, to);
	return copied;
}

/* The last ring can begin past what has been read. */
static size_t mbox_ring_room_locked(const struct mbox_stream *stream)
{
	const struct mbox_ring *last = stream->last;

	if (!last)
		return 0;
	return last->size - (stream->written - max(stream->read, last->start));
}

static size_t mbox_stream_room_locked(const struct mbox_mailbox *mailbox)
{
	u64 used = mailbox->stream->written - mailbox->stream->read;

	lockdep_assert_held(&mailbox->lock);
	return used < mailbox->capacity ? mailbox->capacity - used : 0;
}

/*
 * One's own side is gone when it was shut down meanwhile.
 *
 * Return: 0 if a writer can have the turn, -EAGAIN to wait, or -EPIPE.
 */
static int mbox_writable_locked(const struct mbox_mailbox *mailbox, size_t need)
{
	if (!mailbox->receivers.open || !mailbox->senders.open)
		return -EPIPE;
	if (mailbox->stream->writing || mbox_stream_room_locked(mailbox) < need)
		return -EAGAIN;
	return 0;
}

static int mbox_readable_locked(const struct mbox_mailbox *mailbox)
{
	const struct mbox_stream *stream = mailbox->stream;

	if (stream->reading)
		return -EAGAIN;
	if (stream->written != stream->read)
		return 0;
	return mailbox->senders.open && mailbox->receivers.open ? -EAGAIN :
								  -EPIPE;
}

static void mbox_write_turn_locked(struct mbox_mailbox *mailbox,
				   struct mbox_turn *turn)
{
	struct mbox_stream *stream = mailbox->stream;
	size_t free = mbox_ring_room_locked(stream);

	stream->writing = true;
	turn->room = mbox_stream_room_locked(mailbox);
	turn->ring = NULL;
	if (free < turn->need)
		return;
	turn->room = min(turn->room, free);
	turn->ring = stream->last;
}

/*
 * The turn to read from byte @at on. A ring that a next one follows is read to
 * where that begins; which can have come when all of it was read already.
 */
static void mbox_read_turn_at_locked(struct mbox_mailbox *mailbox,
				     struct mbox_turn *turn, u64 at)
{
	struct mbox_stream *stream = mailbox->stream;
	struct mbox_ring *ring = stream->first;

	while (ring->next && ring->next->start <= at)
		ring = ring->next;
	stream->reading = true;
	stream->peeking = turn->peek;
	turn->ring = ring;
	turn->room = (ring->next ? ring->next->start : stream->written) - at;
}

static void mbox_read_turn_locked(struct mbox_mailbox *mailbox,
				  struct mbox_turn *turn)
{
	mbox_read_turn_at_locked(mailbox, turn, mailbox->stream->read);
}

/* Would a read not block, or only until somebody has looked? */
static bool mbox_stream_receivable_locked(const struct mbox_mailbox *mailbox)
{
	return mailbox->stream->peeking ||
	       mbox_readable_locked(mailbox) != -EAGAIN;
}

/* Give the turn to the next reader that can have it. */
static void mbox_pass_turn_locked(struct mbox_mailbox *mailbox)
{
	struct mbox_waiters *receiving = &mailbox->receiving;

	while (receiving->count) {
		struct mbox_turn *turn = mbox_first_turn(receiving);
		int err = mbox_readable_locked(mailbox);

		if (err == -EAGAIN)
			break;
		if (!err)
			mbox_read_turn_locked(mailbox, turn);
		mbox_waiter_complete(mailbox, receiving, &turn->waiter, err,
				     true);
	}
}

static void mbox_serve_readers_locked(struct mbox_mailbox *mailbox)
{
	mbox_pass_turn_locked(mailbox);
	/* Most streams have no pollers, who look for themselves anyway. */
	if (waitqueue_active(&mailbox->pollers) &&
	    mbox_stream_receivable_locked(mailbox))
		mbox_wake_pollers(mailbox, EPOLLIN | EPOLLRDNORM);
}

static bool mbox_stream_sendable_locked(const struct mbox_mailbox *mailbox)
{
	return !mailbox->sending.count &&
	       mbox_writable_locked(mailbox, MBOX_PIPE_BUF) != -EAGAIN;
}

/**
 * mbox_stream_admit_locked() - let writers write that wait for room
 * @mailbox: the stream, locked
 */
void mbox_stream_admit_locked(struct mbox_mailbox *mailbox)
{
	struct mbox_waiters *sending = &mailbox->sending;

	while (sending->count) {
		struct mbox_turn *turn = mbox_first_turn(sending);
		int err = mbox_writable_locked(mailbox, turn->need);

		if (err == -EAGAIN)
			break;
		if (!err)
			mbox_write_turn_locked(mailbox, turn);
		mbox_waiter_complete(mailbox, sending, &turn->waiter, err,
				     true);
	}
	/* Likewise. */
	if (waitqueue_active(&mailbox->pollers) &&
	    mbox_stream_sendable_locked(mailbox))
		mbox_wake_pollers(mailbox, EPOLLOUT | EPOLLWRNORM);
}

static void mbox_turn_init(struct mbox_turn *turn, size_t need)
{
	turn->waiter.message = NULL;
	turn->waiter.choice = NULL;
	turn->need = need;
	turn->peek = false;
}

/*
 * Return: 0 with the turn, -EAGAIN, -EPIPE, or -ERESTARTSYS. Who stops waiting
 * can have been in the way of another that needs less.
 */
static int mbox_turn_wait(struct mbox_mailbox *mailbox,
			  struct mbox_waiters *waiters, struct mbox_turn *turn)
{
	static const struct mbox_patience for_ever;
	int err = mbox_wait(&turn->waiter, TASK_INTERRUPTIBLE, &for_ever);

	if (!err)
		return turn->waiter.error;
	spin_lock(&mailbox->lock);
	if (turn->waiter.done) {
		err = turn->waiter.error;
	} else {
		mbox_waiter_stop(waiters, &turn->waiter);
		mbox_stream_admit_locked(mailbox);
	}
	spin_unlock(&mailbox->lock);
	return err;
}

/*
 * Who is in the middle of a write stays the first of the writers.
 *
 * Return: 0 with the turn, 1 to wait for it, -EAGAIN or -EPIPE.
 */
static int mbox_write_try_locked(struct mbox_mailbox *mailbox,
				 struct mbox_turn *turn, bool middle,
				 bool nonblock)
{
	struct mbox_waiters *sending = &mailbox->sending;
	int err = mbox_writable_locked(mailbox, turn->need);

	if (!err && (middle || !sending->count)) {
		mbox_write_turn_locked(mailbox, turn);
		return 0;
	}
	if (err == -EPIPE || nonblock)
		return err ?: -EAGAIN;
	mbox_waiter_start(sending, &turn->waiter);
	if (middle)
		list_move(&turn->waiter.node, &sending->list);
	trace_mbox_block(&mailbox->object, true);
	return 1;
}

static int mbox_write_begin(struct mbox_mailbox *mailbox,
			    struct mbox_turn *turn, bool nonblock)
{
	int ret;

	spin_lock(&mailbox->lock);
	ret = mbox_write_try_locked(mailbox, turn, false, nonblock);
	spin_unlock(&mailbox->lock);
	return ret > 0 ? mbox_turn_wait(mailbox, &mailbox->sending, turn) : ret;
}

/*
 * End a turn in which @len bytes were written, and take the next one if there
 * is more to write.
 *
 * Return: 0 with the turn, or negative: at the end -EAGAIN.
 */
static int mbox_write_go_on(struct mbox_mailbox *mailbox,
			    struct mbox_turn *turn, size_t len, bool nonblock)
{
	int ret = -EAGAIN;

	spin_lock(&mailbox->lock);
	mailbox->stream->written += len;
	mailbox->stream->writing = false;
	if (len)
		mbox_serve_readers_locked(mailbox);
	if (turn->need)
		ret = mbox_write_try_locked(mailbox, turn, true, nonblock);
	if (ret < 0)
		mbox_stream_admit_locked(mailbox);
	spin_unlock(&mailbox->lock);
	return ret > 0 ? mbox_turn_wait(mailbox, &mailbox->sending, turn) : ret;
}

/*
 * Rings become larger as they become full, up to the capacity: most streams
 * are never full.
 */
static int mbox_stream_grow(struct mbox_mailbox *mailbox,
			    struct mbox_turn *turn, size_t len)
{
	struct mbox_stream *stream = mailbox->stream;
	size_t size = stream->last ? 2 * stream->last->size : PAGE_SIZE;
	struct mbox_ring *ring;

	size = min_t(u64, max(size, len), READ_ONCE(mailbox->capacity));
	ring = mbox_ring_create(mailbox, roundup_pow_of_two(size));
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	ring->start = stream->written;
	spin_lock(&mailbox->lock);
	if (stream->last)
		stream->last->next = ring;
	else
		stream->first = ring;
	stream->last = ring;
	spin_unlock(&mailbox->lock);
	turn->ring = ring;
	turn->room = min(turn->room, ring->size);
	return 0;
}

/*
 * Copy what there is room for. What is to be written together and cannot all be
 * read is not written.
 *
 * Return: how many bytes, or an error.
 */
static ssize_t mbox_stream_fill(struct mbox_mailbox *mailbox,
				struct mbox_turn *turn, struct iov_iter *from,
				bool together)
{
	size_t len = iov_iter_count(from);
	size_t copied;
	int err;

	if (!turn->ring) {
		err = mbox_stream_grow(mailbox, turn, len);
		if (err)
			return err;
	}
	len = min(len, turn->room);
	copied = mbox_ring_write(turn->ring, mailbox->stream->written, len,
				 from);
	if (!copied || (together && copied != len))
		return -EFAULT;
	trace_mbox_write(&mailbox->object, copied);
	return copied;
}

/* Who would not wait for more room takes what there is. */
static size_t mbox_write_need(const struct iov_iter *from, bool together,
			      bool nonblock)
{
	size_t len = iov_iter_count(from);

	if (nonblock && !together)
		return min_t(size_t, len, 1);
	return min_t(size_t, len, MBOX_PIPE_BUF);
}

/**
 * mbox_stream_send() - write(2) to a stream
 * @mailbox: the stream
 * @from: the bytes, at least one
 * @nonblock: do not wait for room
 *
 * Return: how many were written, or an error; with -EPIPE the signal was sent.
 */
ssize_t mbox_stream_send(struct mbox_mailbox *mailbox, struct iov_iter *from,
			 bool nonblock)
{
	bool together = iov_iter_count(from) <= MBOX_PIPE_BUF;
	struct mbox_turn turn;
	ssize_t total = 0;
	int err;

	mbox_turn_init(&turn, mbox_write_need(from, together, nonblock));
	err = mbox_write_begin(mailbox, &turn, nonblock);
	while (!err) {
		ssize_t ret = mbox_stream_fill(mailbox, &turn, from, together);
		size_t len = max_t(ssize_t, ret, 0);
		bool whole = len && len == turn.room;

		total += len;
		turn.need = whole ? mbox_write_need(from, together, nonblock) :
				    0;
		err = mbox_write_go_on(mailbox, &turn, len, nonblock);
		if (ret < 0)
			err = ret;
	}
	if (err == -EPIPE)
		send_sig(SIGPIPE, current, 0);
	return total ?: err;
}

static ssize_t mbox_stream_write(struct kiocb *iocb, struct iov_iter *from)
{
	if (!iov_iter_count(from))
		return 0;
	return mbox_stream_send(mbox_file_mailbox(iocb->ki_filp), from,
				mbox_kiocb_nonblock(iocb));
}

static int mbox_read_begin(struct mbox_mailbox *mailbox, struct mbox_turn *turn,
			   bool nonblock)
{
	struct mbox_waiters *receiving = &mailbox->receiving;
	int err;

	spin_lock(&mailbox->lock);
	err = mbox_readable_locked(mailbox);
	if (!err) {
		mbox_read_turn_locked(mailbox, turn);
	} else if (err == -EAGAIN && !nonblock) {
		mbox_waiter_start(receiving, &turn->waiter);
		trace_mbox_block(&mailbox->object, false);
		err = 1;
	}
	spin_unlock(&mailbox->lock);
	return err > 0 ? mbox_turn_wait(mailbox, receiving, turn) : err;
}

/* Return: rings that no byte to be read is in, to be freed. */
static struct mbox_ring *mbox_rings_pass_locked(struct mbox_stream *stream)
{
	struct mbox_ring *first = stream->first, *last = NULL;

	while (stream->first->next &&
	       stream->first->next->start <= stream->read) {
		last = stream->first;
		stream->first = last->next;
	}
	if (!last)
		return NULL;
	last->next = NULL;
	return first;
}

/*
 * End a turn in which @len bytes were read, and go on with the next one if the
 * reader wants more and there is more.
 *
 * Return: whether it has the turn.
 */
static bool mbox_read_go_on(struct mbox_mailbox *mailbox,
			    struct mbox_turn *turn, size_t len, bool more)
{
	struct mbox_stream *stream = mailbox->stream;
	struct mbox_ring *passed;

	spin_lock(&mailbox->lock);
	stream->read += len;
	stream->reading = false;
	passed = mbox_rings_pass_locked(stream);
	more = more && stream->written != stream->read;
	if (more)
		mbox_read_turn_locked(mailbox, turn);
	else
		mbox_serve_readers_locked(mailbox);
	mbox_stream_admit_locked(mailbox);
	spin_unlock(&mailbox->lock);
	mbox_rings_free(mailbox, passed);
	return more;
}

/**
 * mbox_stream_receive() - read(2) from a stream
 * @mailbox: the stream
 * @to: room for at least one byte
 * @nonblock: do not wait for one
 *
 * Return: how many were read, 0 at the end, or an error.
 */
ssize_t mbox_stream_receive(struct mbox_mailbox *mailbox, struct iov_iter *to,
			    bool nonblock)
{
	struct mbox_turn turn;
	ssize_t total = 0;
	size_t len, copied;
	int err;

	mbox_turn_init(&turn, 0);
	err = mbox_read_begin(mailbox, &turn, nonblock);
	if (err)
		return err == -EPIPE ? 0 : err;
	do {
		len = min(iov_iter_count(to), turn.room);
		copied = mbox_ring_read(turn.ring, mailbox->stream->read, len,
					to);
		total += copied;
		if (copied)
			trace_mbox_read(&mailbox->object, copied);
	} while (mbox_read_go_on(mailbox, &turn, copied,
				 copied == len && iov_iter_count(to)));
	return total ?: -EFAULT;
}

/*
 * Go on to look from byte @at on, if the reader wants more and there is more, or
 * end the turn. Pollers have seen the bytes all the while: no news for them.
 *
 * Return: whether it has the turn.
 */
static bool mbox_peek_go_on(struct mbox_mailbox *mailbox,
			    struct mbox_turn *turn, u64 at, bool more)
{
	struct mbox_stream *stream = mailbox->stream;

	spin_lock(&mailbox->lock);
	more = more && stream->written != at;
	if (more) {
		mbox_read_turn_at_locked(mailbox, turn, at);
	} else {
		stream->reading = false;
		stream->peeking = false;
		mbox_pass_turn_locked(mailbox);
	}
	spin_unlock(&mailbox->lock);
	return more;
}

/**
 * mbox_stream_peek() - read from a stream and leave it as it was
 * @mailbox: the stream
 * @to: room for at least one byte
 * @nonblock: do not wait for one
 *
 * Return: how many bytes are at @to, 0 at the end, or an error.
 */
ssize_t mbox_stream_peek(struct mbox_mailbox *mailbox, struct iov_iter *to,
			 bool nonblock)
{
	struct mbox_turn turn;
	size_t len, copied, total = 0;
	u64 from;
	int err;

	mbox_turn_init(&turn, 0);
	turn.peek = true;
	err = mbox_read_begin(mailbox, &turn, nonblock);
	if (err)
		return err == -EPIPE ? 0 : err;
	from = mailbox->stream->read;
	do {
		len = min(iov_iter_count(to), turn.room);
		copied = mbox_ring_read(turn.ring, from + total, len, to);
		total += copied;
	} while (mbox_peek_go_on(mailbox, &turn, from + total,
				 copied == len && iov_iter_count(to)));
	return total ?: -EFAULT;
}

static ssize_t mbox_stream_read(struct kiocb *iocb, struct iov_iter *to)
{
	if (!iov_iter_count(to))
		return 0;
	return mbox_stream_receive(mbox_file_mailbox(iocb->ki_filp), to,
				   mbox_kiocb_nonblock(iocb));
}

/* As for a pipe, a reader that no writer was there for since is not hung up. */
static bool mbox_stream_met_locked(const struct mbox_handle *handle,
				   const struct mbox_side *side)
{
	return side->open || side->opens != handle->peers;
}

/**
 * mbox_stream_events() - what poll(2) tells of a stream
 * @handle: the descriptor's
 * @rights: FMODE_READ, FMODE_WRITE or both
 */
__poll_t mbox_stream_events(const struct mbox_handle *handle, fmode_t rights)
{
	struct mbox_mailbox *mailbox = to_mailbox(handle->object);
	__poll_t events = 0;

	spin_lock(&mailbox->lock);
	if (rights & FMODE_READ) {
		if (mailbox->stream->peeking || !mbox_readable_locked(mailbox))
			events |= EPOLLIN | EPOLLRDNORM;
		if (!mailbox->senders.open &&
		    mbox_stream_met_locked(handle, &mailbox->senders))
			events |= EPOLLHUP;
	}
	if (rights & FMODE_WRITE) {
		if (mbox_stream_sendable_locked(mailbox))
			events |= EPOLLOUT | EPOLLWRNORM;
		if (!mailbox->receivers.open)
			events |= EPOLLERR;
	}
	spin_unlock(&mailbox->lock);
	return events;
}

/* No wake-up is missed: see mbox_mailbox_poll(). */
static __poll_t mbox_stream_poll(struct file *file, poll_table *wait)
{
	poll_wait(file, &mbox_file_mailbox(file)->pollers, wait);
	return mbox_stream_events(file->private_data, file->f_mode);
}

/* The other side than that of a descriptor for one. */
static struct mbox_side *mbox_other_side(struct mbox_mailbox *mailbox,
					 fmode_t rights)
{
	return rights & FMODE_READ ? &mailbox->senders : &mailbox->receivers;
}

static void mbox_stream_opened(struct mbox_handle *handle, fmode_t rights)
{
	struct mbox_mailbox *mailbox = to_mailbox(handle->object);
	struct mbox_side *other = mbox_other_side(mailbox, rights);

	spin_lock(&mailbox->lock);
	if (rights & FMODE_WRITE)
		mbox_side_open(&mailbox->senders);
	if (rights & FMODE_READ)
		mbox_side_open(&mailbox->receivers);
	handle->peers = other->opens - !!other->open;
	mbox_wake_pollers(mailbox, EPOLLIN | EPOLLOUT);
	spin_unlock(&mailbox->lock);
}

static bool mbox_stream_met(const struct mbox_handle *handle,
			    struct mbox_side *other)
{
	struct mbox_mailbox *mailbox = to_mailbox(handle->object);
	bool met;

	spin_lock(&mailbox->lock);
	met = mbox_stream_met_locked(handle, other);
	spin_unlock(&mailbox->lock);
	return met;
}

static int mbox_stream_meet(struct file *file)
{
	struct mbox_mailbox *mailbox = mbox_file_mailbox(file);
	fmode_t rights = file->f_mode & (FMODE_READ | FMODE_WRITE);
	struct mbox_side *other = mbox_other_side(mailbox, rights);

	if (rights != FMODE_READ && rights != FMODE_WRITE)
		return 0;
	if (!(file->f_flags & O_NONBLOCK))
		return wait_event_interruptible(mailbox->pollers,
						mbox_stream_met(file->private_data,
								other));
	if (rights == FMODE_READ || mbox_stream_met(file->private_data, other))
		return 0;
	return -ENXIO;
}

static struct mbox_ring *mbox_stream_discard_locked(struct mbox_stream *stream)
{
	struct mbox_ring *first = stream->first;

	stream->first = NULL;
	stream->last = NULL;
	stream->discarded += stream->written - stream->read;
	stream->read = stream->written;
	return first;
}

static void mbox_stream_closed(struct mbox_handle *handle, fmode_t rights)
{
	struct mbox_mailbox *mailbox = to_mailbox(handle->object);
	struct mbox_ring *rings = NULL;

	spin_lock(&mailbox->lock);
	if (rights & FMODE_WRITE)
		mailbox->senders.open--;
	if (rights & FMODE_READ)
		mailbox->receivers.open--;
	mbox_serve_readers_locked(mailbox);
	mbox_stream_admit_locked(mailbox);
	if (!mailbox->senders.open || !mailbox->receivers.open)
		mbox_wake_pollers(mailbox, EPOLLHUP | EPOLLERR);
	/* A descriptor can be shut down while it is used. */
	if (!mailbox->senders.open && !mailbox->receivers.open &&
	    !mailbox->stream->writing && !mailbox->stream->reading)
		rings = mbox_stream_discard_locked(mailbox->stream);
	spin_unlock(&mailbox->lock);
	mbox_rings_free(mailbox, rings);
}

/**
 * mbox_stream_status_locked() - what of a status counts bytes
 * @mailbox: the stream, locked
 * @status: written
 */
void mbox_stream_status_locked(const struct mbox_mailbox *mailbox,
			       struct mbox_ioc_status *status)
{
	const struct mbox_stream *stream = mailbox->stream;

	lockdep_assert_held(&mailbox->lock);
	status->queued = stream->written - stream->read;
	status->queued_bytes = status->queued;
	status->sent = stream->written;
	status->sent_bytes = stream->written;
	status->received = stream->read - stream->discarded;
	status->received_bytes = status->received;
	status->dropped = stream->discarded;
}

/**
 * mbox_stream_unread() - how many bytes there are to be read
 * @mailbox: the stream
 */
int mbox_stream_unread(struct mbox_mailbox *mailbox)
{
	int unread;

	spin_lock(&mailbox->lock);
	unread = mailbox->stream->written - mailbox->stream->read;
	spin_unlock(&mailbox->lock);
	return unread;
}

/**
 * mbox_stream_written() - how many bytes there have been
 * @mailbox: the stream
 */
u64 mbox_stream_written(struct mbox_mailbox *mailbox)
{
	u64 written;

	spin_lock(&mailbox->lock);
	written = mailbox->stream->written;
	spin_unlock(&mailbox->lock);
	return written;
}

/**
 * mbox_stream_lost() - is, or was, there what nobody will read?
 * @mailbox: the stream
 */
bool mbox_stream_lost(struct mbox_mailbox *mailbox)
{
	const struct mbox_stream *stream = mailbox->stream;
	bool lost;

	spin_lock(&mailbox->lock);
	lost = !mailbox->receivers.open &&
	       (stream->written != stream->read || stream->discarded);
	spin_unlock(&mailbox->lock);
	return lost;
}

static const struct file_operations mbox_stream_fops = {
	.owner = THIS_MODULE,
	.read_iter = mbox_stream_read,
	.write_iter = mbox_stream_write,
	.splice_read = mbox_splice_read,
	.splice_write = iter_file_splice_write,
	.poll = mbox_stream_poll,
	.unlocked_ioctl = mbox_stream_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = mbox_handle_release,
	.show_fdinfo = mbox_show_fdinfo,
};

/**
 * mbox_is_stream() - does a file stand for a stream?
 * @file: any file
 */
bool mbox_is_stream(const struct file *file)
{
	return file->f_op == &mbox_stream_fops;
}

const struct mbox_kind_ops mbox_stream_ops = {
	.kind = MBOX_STREAM,
	.resource = MBOX_MAILBOXES,
	.label = "[mbox:stream]",
	.fops = &mbox_stream_fops,
	.create = mbox_mailbox_create,
	.opened = mbox_stream_opened,
	.meet = mbox_stream_meet,
	.closed = mbox_stream_closed,
	.free = mbox_mailbox_free,
};
