// SPDX-License-Identifier: GPL-2.0
/*
 * Broadcast: one log, which every open file that can receive reads for itself.
 *
 * A message stands in the log once, however many read it. It knows how many
 * cursors it is the next message of, and the mailbox knows how many have read
 * all; so the oldest message, when it is nobody's next, was passed by all. No
 * operation depends on how long the log is or on how many read it, but for
 * those who have to be woken.
 *
 * The log numbers its messages from 1 without a gap. A cursor has the number of its
 * next message and a pointer to the one before, from which it gets there; both
 * without being touched when a message is added, or dropped: a number below the
 * oldest one's says that what was between was missed, that the oldest is next,
 * and that the pointer is not to be followed any more.
 */
#include <linux/err.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "mailbox.h"
#include "trace.h"

/* How many messages may be taken out of a log in one hold of the lock. */
#define MBOX_DROP_MAX	64

/**
 * mbox_broadcast_create() - set up what a mailbox for broadcast has beside
 *
 * Return: to be freed by kfree(), or NULL.
 */
struct mbox_broadcast *mbox_broadcast_create(void)
{
	struct mbox_broadcast *broadcast = kzalloc(sizeof(*broadcast),
						   GFP_KERNEL_ACCOUNT);

	if (broadcast)
		broadcast->end = 1;
	return broadcast;
}

static struct mbox_message *
mbox_log_after_locked(const struct mbox_mailbox *mailbox,
		      struct mbox_message *message)
{
	if (message->seq + 1 == mailbox->broadcast->end)
		return NULL;
	return list_next_entry(message, peers);
}

/* How many are to read @message next, or, without one, the next to come. */
static u32 *mbox_log_readers_locked(const struct mbox_mailbox *mailbox,
				    struct mbox_message *message)
{
	return message ? &message->readers : &mailbox->broadcast->readers;
}

/* Return: the message that the cursor stands at, or NULL at the end. */
static struct mbox_message *
mbox_cursor_next_locked(const struct mbox_mailbox *mailbox,
			const struct mbox_cursor *cursor)
{
	struct mbox_message *oldest = mbox_queue_first(&mailbox->queue);

	if (!oldest || cursor->next <= oldest->seq)
		return oldest;
	return mbox_log_after_locked(mailbox, cursor->before);
}

/* How many messages were dropped since that the cursor had still to read. */
static u64 mbox_cursor_dropped_locked(const struct mbox_mailbox *mailbox,
				      const struct mbox_cursor *cursor)
{
	const struct mbox_message *oldest = mbox_queue_first(&mailbox->queue);
	u64 start = oldest ? oldest->seq : mailbox->broadcast->end;

	return start > cursor->next ? start - cursor->next : 0;
}

/* Take the oldest message out: those who were to read it go on to the next. */
static struct mbox_message *mbox_log_drop_locked(struct mbox_mailbox *mailbox)
{
	struct mbox_message *oldest = mbox_queue_first(&mailbox->queue);
	struct mbox_message *after = mbox_log_after_locked(mailbox, oldest);

	lockdep_assert_held(&mailbox->lock);
	*mbox_log_readers_locked(mailbox, after) += oldest->readers;
	mbox_queue_remove(&mailbox->queue, oldest);
	return oldest;
}

/* Is there a message that all have passed? */
static bool mbox_log_stale_locked(const struct mbox_mailbox *mailbox)
{
	const struct mbox_message *oldest = mbox_queue_first(&mailbox->queue);

	return oldest && !oldest->readers;
}

static void mbox_messages_put(struct mbox_mailbox *mailbox,
			      struct list_head *messages)
{
	struct mbox_message *message, *next;

	list_for_each_entry_safe(message, next, messages, peers)
		mbox_message_put(mailbox, message);
}

/*
 * Give the cursor's next message to a receive, which from now on is the one
 * that moves the cursor.
 *
 * Return: the message, NULL if the receive is to wait, or an error.
 */
static struct mbox_message *mbox_cursor_take_locked(struct mbox_mailbox *mailbox,
						    struct mbox_sink *sink)
{
	struct mbox_cursor *cursor = sink->cursor;
	struct mbox_message *message;
	u64 dropped;
	int err;

	if (cursor->busy) {
		cursor->contended = true;
		return NULL;
	}
	message = mbox_cursor_next_locked(mailbox, cursor);
	if (!message)
		return mbox_hung_up_locked(mailbox, &mailbox->senders) ?
			ERR_PTR(-EPIPE) : NULL;
	err = mbox_fit(sink, message);
	if (err)
		return ERR_PTR(err);
	dropped = mbox_cursor_dropped_locked(mailbox, cursor);
	cursor->missed += dropped;
	cursor->next += dropped;
	cursor->busy = true;
	refcount_inc(&message->ref);
	return message;
}

/* Complete those receivers that have something to receive, and wake pollers. */
static void mbox_broadcast_serve_locked(struct mbox_mailbox *mailbox)
{
	struct mbox_waiters *receiving = &mailbox->receiving;
	struct mbox_waiter *waiter, *next;

	lockdep_assert_held(&mailbox->lock);
	list_for_each_entry_safe(waiter, next, &receiving->list, node) {
		struct mbox_message *message =
			mbox_cursor_take_locked(mailbox, waiter->sink);

		if (!message)
			continue;
		waiter->message = message;
		mbox_waiter_complete(mailbox, receiving, waiter,
				     PTR_ERR_OR_ZERO(message), false);
	}
	/* Each of them can receive, so no one of them is to be the only one. */
	if (waitqueue_active(&mailbox->pollers))
		__wake_up(&mailbox->pollers, TASK_INTERRUPTIBLE, 0,
			  poll_to_key(EPOLLIN | EPOLLRDNORM));
}

static void mbox_broadcast_count_sent_locked(struct mbox_mailbox *mailbox,
					     const struct mbox_message *message)
{
	mailbox->broadcast->sent++;
	mailbox->broadcast->sent_bytes += message->len;
	trace_mbox_send(&mailbox->object, message);
}

/**
 * mbox_broadcast_add_locked() - add a message to the log
 * @mailbox: the mailbox, locked
 * @message: the message
 */
void mbox_broadcast_add_locked(struct mbox_mailbox *mailbox,
			       struct mbox_message *message)
{
	struct mbox_broadcast *broadcast = mailbox->broadcast;

	lockdep_assert_held(&mailbox->lock);
	message->seq = broadcast->end++;
	message->readers = broadcast->readers;
	broadcast->readers = 0;
	mbox_queue_add(&mailbox->queue, message);
	mbox_broadcast_count_sent_locked(mailbox, message);
	mbox_broadcast_serve_locked(mailbox);
}

/* Return: whether there is room now, or more of the oldest are to go. */
static bool mbox_broadcast_make_room_locked(struct mbox_mailbox *mailbox,
					    const struct mbox_message *message,
					    struct list_head *dropped)
{
	unsigned int n;

	for (n = 0; !mbox_room_locked(mailbox, message); n++) {
		if (n == MBOX_DROP_MAX)
			return false;
		if (!mbox_log_stale_locked(mailbox))
			mailbox->broadcast->dropped++;
		list_add_tail(&mbox_log_drop_locked(mailbox)->peers, dropped);
	}
	return true;
}

static void mbox_broadcast_block_locked(struct mbox_mailbox *mailbox,
					struct mbox_waiter *waiter)
{
	struct mbox_message *message = waiter->message;

	message->seq = ++mailbox->arrivals;
	message->waiter = waiter;
	mbox_queue_add(&mailbox->blocked, message);
	mbox_waiter_start(&mailbox->sending, waiter);
	trace_mbox_block(&mailbox->object, true);
}

/*
 * Return: 0 if the message is in the log or was for nobody, 1 if the sender is
 * to wait with @waiter, -EPIPE, or -EAGAIN: if it is lossy, to be called again.
 */
static int mbox_broadcast_offer_locked(struct mbox_mailbox *mailbox,
				       struct mbox_waiter *waiter,
				       bool nonblock, struct list_head *dropped)
{
	struct mbox_message *message = waiter->message;

	if (mbox_hung_up_locked(mailbox, &mailbox->receivers))
		return -EPIPE;
	if (!mailbox->receivers.open) {
		mbox_broadcast_count_sent_locked(mailbox, message);
		list_add_tail(&message->peers, dropped);
		return 0;
	}
	if (mailbox->flags & MBOX_LOSSY &&
	    !mbox_broadcast_make_room_locked(mailbox, message, dropped))
		return -EAGAIN;
	if (!mailbox->blocked.count && mbox_room_locked(mailbox, message)) {
		mbox_broadcast_add_locked(mailbox, message);
		return 0;
	}
	if (nonblock)
		return -EAGAIN;
	mbox_broadcast_block_locked(mailbox, waiter);
	return 1;
}

static int mbox_broadcast_send_once(struct mbox_mailbox *mailbox,
				    struct mbox_waiter *waiter,
				    const struct mbox_patience *patience)
{
	LIST_HEAD(dropped);
	int ret;

	spin_lock(&mailbox->lock);
	ret = mbox_broadcast_offer_locked(mailbox, waiter, patience->nonblock,
					  &dropped);
	spin_unlock(&mailbox->lock);
	mbox_messages_put(mailbox, &dropped);
	return ret;
}

/**
 * mbox_broadcast_send() - send a message to all who receive
 * @mailbox: where to
 * @message: taken over, whatever the result
 * @patience: how long to wait for room
 *
 * Return: 0, -EAGAIN, -EPIPE, -ETIMEDOUT or -ERESTARTSYS.
 */
int mbox_broadcast_send(struct mbox_mailbox *mailbox,
			struct mbox_message *message,
			const struct mbox_patience *patience)
{
	struct mbox_waiter waiter = { .message = message };
	int ret;

	for (;;) {
		ret = mbox_broadcast_send_once(mailbox, &waiter, patience);
		if (ret != -EAGAIN || !(mailbox->flags & MBOX_LOSSY))
			break;
		cond_resched();
	}
	if (ret > 0)
		ret = mbox_send_wait(mailbox, &waiter, patience);
	if (ret)
		mbox_message_put(mailbox, message);
	return ret;
}

static struct mbox_message *
mbox_broadcast_take(struct mbox_mailbox *mailbox, struct mbox_sink *sink,
		    const struct mbox_patience *patience)
{
	struct mbox_waiter waiter = { .sink = sink };
	struct mbox_message *message;

	spin_lock(&mailbox->lock);
	message = mbox_cursor_take_locked(mailbox, sink);
	if (!message && patience->nonblock) {
		message = ERR_PTR(-EAGAIN);
	} else if (!message) {
		mbox_waiter_start(&mailbox->receiving, &waiter);
		trace_mbox_block(&mailbox->object, false);
	}
	spin_unlock(&mailbox->lock);
	return message ?: mbox_receive_wait(mailbox, &waiter, patience);
}

/*
 * Move the cursor past @message.
 *
 * Return: a message that all have passed, which is no longer in the log, or
 * NULL.
 */
static struct mbox_message *
mbox_cursor_pass_locked(struct mbox_mailbox *mailbox,
			struct mbox_cursor *cursor,
			struct mbox_message *message)
{
	bool dropped = mbox_cursor_dropped_locked(mailbox, cursor);
	struct mbox_message *passed;

	mailbox->received++;
	mailbox->received_bytes += message->len;
	trace_mbox_receive(&mailbox->object, message);
	cursor->next++;
	cursor->before = message;
	/* Then the cursor was counted elsewhere already. */
	if (dropped)
		return NULL;
	message->readers--;
	++*mbox_log_readers_locked(mailbox,
				   mbox_log_after_locked(mailbox, message));
	if (!mbox_log_stale_locked(mailbox))
		return NULL;
	passed = mbox_log_drop_locked(mailbox);
	mbox_admit_locked(mailbox);
	return passed;
}

/* The receive is over, and the next one that shares the cursor can begin. */
static void mbox_broadcast_finish(struct mbox_mailbox *mailbox,
				  struct mbox_sink *sink,
				  struct mbox_message *message, bool received)
{
	struct mbox_cursor *cursor = sink->cursor;
	struct mbox_message *passed = NULL;

	spin_lock(&mailbox->lock);
	cursor->busy = false;
	if (received) {
		if (sink->tells_missed)
			cursor->missed = 0;
		passed = mbox_cursor_pass_locked(mailbox, cursor, message);
	}
	if (cursor->contended) {
		cursor->contended = false;
		mbox_broadcast_serve_locked(mailbox);
	}
	spin_unlock(&mailbox->lock);
	mbox_message_put(mailbox, message);
	if (passed)
		mbox_message_put(mailbox, passed);
}

/**
 * mbox_broadcast_receive() - receive the message that a cursor stands at
 * @mailbox: where from
 * @sink: where to, and the cursor
 * @patience: how long to wait for one
 *
 * The log keeps the message for the cursor until it was copied out. Nobody else
 * moves the cursor meanwhile, though the message can be dropped from the log.
 *
 * Return: 0, -EAGAIN, -EPIPE, -EMSGSIZE, -ETIMEDOUT, -ERESTARTSYS, -EINTR if
 * the receiver is about to die, or the error of @sink.
 */
int mbox_broadcast_receive(struct mbox_mailbox *mailbox, struct mbox_sink *sink,
			   const struct mbox_patience *patience)
{
	struct mbox_message *message = mbox_broadcast_take(mailbox, sink,
							   patience);
	int err;

	if (IS_ERR(message))
		return PTR_ERR(message);
	sink->missed = sink->cursor->missed;
	err = sink->copy(sink, message);
	if (!err && fatal_signal_pending(current))
		err = -EINTR;
	mbox_broadcast_finish(mailbox, sink, message, !err);
	return err;
}

/**
 * mbox_broadcast_unread_locked() - has a cursor something to read?
 * @mailbox: the mailbox, locked
 * @cursor: the cursor
 */
bool mbox_broadcast_unread_locked(const struct mbox_mailbox *mailbox,
				  const struct mbox_cursor *cursor)
{
	lockdep_assert_held(&mailbox->lock);
	return mbox_cursor_next_locked(mailbox, cursor);
}

/**
 * mbox_broadcast_receivable_locked() - would a receive not block?
 * @mailbox: the mailbox, locked
 * @cursor: of the open file; whoever is told that it is busy is woken after
 */
bool mbox_broadcast_receivable_locked(const struct mbox_mailbox *mailbox,
				      struct mbox_cursor *cursor)
{
	lockdep_assert_held(&mailbox->lock);
	if (cursor->busy) {
		cursor->contended = true;
		return false;
	}
	return mbox_cursor_next_locked(mailbox, cursor) ||
	       mbox_hung_up_locked(mailbox, &mailbox->senders);
}

/**
 * mbox_broadcast_join_locked() - a file was opened that can receive
 * @mailbox: the mailbox, locked
 * @cursor: the file's, zeroed; it stands behind what was sent so far
 */
void mbox_broadcast_join_locked(struct mbox_mailbox *mailbox,
				struct mbox_cursor *cursor)
{
	struct mbox_message *oldest = mbox_queue_first(&mailbox->queue);

	lockdep_assert_held(&mailbox->lock);
	cursor->next = mailbox->broadcast->end;
	if (oldest)
		cursor->before = list_prev_entry(oldest, peers);
	mailbox->broadcast->readers++;
}

/* Return: whether there are more messages that all have passed. */
static bool mbox_broadcast_trim(struct mbox_mailbox *mailbox)
{
	LIST_HEAD(passed);
	unsigned int n;
	bool more;

	spin_lock(&mailbox->lock);
	for (n = 0; n < MBOX_DROP_MAX && mbox_log_stale_locked(mailbox); n++)
		list_add_tail(&mbox_log_drop_locked(mailbox)->peers, &passed);
	mbox_admit_locked(mailbox);
	more = mbox_log_stale_locked(mailbox);
	spin_unlock(&mailbox->lock);
	mbox_messages_put(mailbox, &passed);
	return more;
}

/**
 * mbox_broadcast_leave() - a file was closed that could receive
 * @mailbox: the mailbox
 * @cursor: the file's
 */
void mbox_broadcast_leave(struct mbox_mailbox *mailbox,
			  struct mbox_cursor *cursor)
{
	struct mbox_message *next;

	spin_lock(&mailbox->lock);
	next = mbox_cursor_next_locked(mailbox, cursor);
	--*mbox_log_readers_locked(mailbox, next);
	spin_unlock(&mailbox->lock);
	while (mbox_broadcast_trim(mailbox))
		cond_resched();
}

/**
 * mbox_broadcast_backlog() - what a cursor has still to read, and has missed
 * @mailbox: the mailbox
 * @cursor: the cursor
 * @missed: set to the messages that it has not been told of
 *
 * Return: the messages that it has to read.
 */
u64 mbox_broadcast_backlog(struct mbox_mailbox *mailbox,
			   const struct mbox_cursor *cursor, u64 *missed)
{
	u64 dropped, unread;

	spin_lock(&mailbox->lock);
	dropped = mbox_cursor_dropped_locked(mailbox, cursor);
	*missed = cursor->missed + dropped;
	unread = mailbox->broadcast->end - cursor->next - dropped;
	spin_unlock(&mailbox->lock);
	return unread;
}
