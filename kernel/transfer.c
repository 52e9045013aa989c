// SPDX-License-Identifier: GPL-2.0
/*
 * Moving messages: hand-off, blocking, deadlines, signals.
 *
 * A receiver takes a message out under the lock, copies it without the lock,
 * and then commits or puts it back. That a message can be taken back at each
 * step is what makes a failed call lose nothing.
 */
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "mailbox.h"
#include "trace.h"

/**
 * mbox_waiter_start() - become the last of those who wait
 * @waiters: protected by the mailbox's lock, which is held
 * @waiter: of the caller
 */
void mbox_waiter_start(struct mbox_waiters *waiters, struct mbox_waiter *waiter)
{
	waiter->task = current;
	waiter->since = ktime_get();
	waiter->done = false;
	list_add_tail(&waiter->node, &waiters->list);
	waiters->count++;
}

/**
 * mbox_waiter_stop() - wait no longer
 * @waiters: where @waiter is; protected by the mailbox's lock, which is held
 * @waiter: not completed
 */
void mbox_waiter_stop(struct mbox_waiters *waiters, struct mbox_waiter *waiter)
{
	list_del(&waiter->node);
	waiters->count--;
}

/* With @sync the caller is about to sleep, and leaves its processor to @task. */
static void mbox_wake(struct task_struct *task, bool sync)
{
	struct wait_queue_entry entry = { .private = task };

	default_wake_function(&entry, TASK_NORMAL, sync ? MBOX_WF_SYNC : 0,
			      NULL);
}

/**
 * mbox_waiter_complete() - end a wait
 * @mailbox: the mailbox, locked
 * @waiters: where @waiter is
 * @waiter: its results but for the error are filled in
 * @error: 0 or negative
 * @sync: the caller is about to sleep
 */
void mbox_waiter_complete(struct mbox_mailbox *mailbox,
			  struct mbox_waiters *waiters,
			  struct mbox_waiter *waiter, int error, bool sync)
{
	struct task_struct *task = waiter->task;

	lockdep_assert_held(&mailbox->lock);
	mbox_waiter_stop(waiters, waiter);
	trace_mbox_wake(&mailbox->object, task, error);
	waiter->error = error;
	rcu_read_lock();
	/* MBOX_BARRIER (A): pairs with the acquire in mbox_wait(). */
	smp_store_release(&waiter->done, true);
	mbox_wake(task, sync);
	rcu_read_unlock();
}

static struct mbox_waiters *mbox_senders(struct mbox_mailbox *mailbox,
					 const struct mbox_message *message)
{
	return message->call ? &mailbox->calling : &mailbox->sending;
}

/**
 * mbox_sender_stop_locked() - a sender waits no longer
 * @mailbox: the mailbox
 * @message: what it sent
 */
void mbox_sender_stop_locked(struct mbox_mailbox *mailbox,
			     struct mbox_message *message)
{
	mbox_waiter_stop(mbox_senders(mailbox, message), message->waiter);
	message->waiter = NULL;
}

/**
 * mbox_sender_complete_locked() - a sender's wait is over
 * @mailbox: the mailbox
 * @message: what it sent
 * @error: 0 if it got what it waited for
 */
void mbox_sender_complete_locked(struct mbox_mailbox *mailbox,
				 struct mbox_message *message, int error)
{
	struct mbox_waiter *waiter = message->waiter;

	message->waiter = NULL;
	/* Who has answered a call goes on to receive. */
	mbox_waiter_complete(mailbox, mbox_senders(mailbox, message), waiter,
			     error, message->call);
}

/* Is all that was wanted from a process that has ended? */
static bool mbox_sender_gone(const struct mbox_choice *choice)
{
	return choice->from && mbox_process_gone(choice->from);
}

/**
 * mbox_wait() - sleep
 * @waiter: until this is completed
 * @state: the task's, meanwhile
 * @patience: for how long
 *
 * Return: 0 once completed, -ETIMEDOUT, -ERESTARTSYS, or -ESRCH if the process
 * that it waits for is gone. After an error the waiter can still be completed
 * until the caller takes the lock.
 */
int mbox_wait(struct mbox_waiter *waiter, unsigned int state,
	      const struct mbox_patience *patience)
{
	ktime_t deadline = patience->deadline;
	int err = 0;

	for (;;) {
		set_current_state(state);
		/* MBOX_BARRIER (B): pairs with the release in (A). */
		if (smp_load_acquire(&waiter->done))
			break;
		if (signal_pending_state(state, current)) {
			err = -ERESTARTSYS;
			break;
		}
		if (waiter->choice && mbox_sender_gone(waiter->choice)) {
			err = -ESRCH;
			break;
		}
		if (!deadline) {
			schedule();
		} else if (!schedule_hrtimeout_range_clock(&deadline, 0,
							   HRTIMER_MODE_ABS,
							   patience->clock)) {
			err = -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	return err;
}

/**
 * mbox_wake_pollers() - something that is polled for has changed
 * @mailbox: the mailbox, locked
 * @events: what
 */
void mbox_wake_pollers(struct mbox_mailbox *mailbox, __poll_t events)
{
	lockdep_assert_held(&mailbox->lock);
	/* Ordered by the lock: see mbox_mailbox_poll(). */
	if (waitqueue_active(&mailbox->pollers))
		wake_up_interruptible_poll(&mailbox->pollers, events);
}

/**
 * mbox_hung_up_locked() - is the other side gone for good?
 * @mailbox: the mailbox, locked
 * @side: the other side
 */
bool mbox_hung_up_locked(const struct mbox_mailbox *mailbox,
			 const struct mbox_side *side)
{
	lockdep_assert_held(&mailbox->lock);
	return mailbox->flags & MBOX_HANGUP && side->opens && !side->open;
}

/**
 * mbox_unreceived_locked() - will nobody ever receive?
 * @mailbox: the mailbox, locked
 *
 * Return: what a send fails with, -EIDRM, -ESRCH or -EPIPE; or 0 if it need not.
 */
int mbox_unreceived_locked(const struct mbox_mailbox *mailbox)
{
	if (unlikely(mailbox->ended))
		return mbox_ended_locked(mailbox);
	if (mailbox->process && mbox_process_ended_locked(mailbox))
		return -ESRCH;
	return mbox_hung_up_locked(mailbox, &mailbox->receivers) ? -EPIPE : 0;
}

/**
 * mbox_room_locked() - does a message fit into the mailbox?
 * @mailbox: the mailbox, locked
 * @message: the message
 */
bool mbox_room_locked(const struct mbox_mailbox *mailbox,
		      const struct mbox_message *message)
{
	const struct mbox_queue *queue = &mailbox->queue;

	return queue->count < mailbox->capacity &&
	       (!mailbox->bytes ||
		queue->bytes + message->len <= mailbox->bytes);
}

/* Is @message before all senders that wait for room? */
static bool mbox_first_in_line_locked(const struct mbox_mailbox *mailbox,
				      const struct mbox_message *message)
{
	return !mailbox->blocked.count ||
	       message->prio > mbox_queue_first(&mailbox->blocked)->prio;
}

/**
 * mbox_receivable_locked() - would a receive not block?
 * @mailbox: the mailbox, locked
 */
bool mbox_receivable_locked(const struct mbox_mailbox *mailbox)
{
	lockdep_assert_held(&mailbox->lock);
	return mailbox->queue.count || mailbox->blocked.count ||
	       mailbox->rung || mailbox->ended ||
	       mbox_hung_up_locked(mailbox, &mailbox->senders);
}

/* Does a receiver wait for the next message of @sender, whatever its tag? */
static bool mbox_awaited_locked(const struct mbox_mailbox *mailbox,
				const struct pid *sender)
{
	const struct mbox_waiter *waiter;

	if (mailbox->broadcast)
		return false;
	list_for_each_entry(waiter, &mailbox->receiving.list, node) {
		const struct mbox_choice *choice = waiter->choice;

		if (!choice || (!choice->how && choice->from == sender))
			return true;
	}
	return false;
}

/**
 * mbox_sendable_locked() - would a send of few bytes not block the caller?
 * @mailbox: the mailbox, locked
 */
bool mbox_sendable_locked(const struct mbox_mailbox *mailbox)
{
	lockdep_assert_held(&mailbox->lock);
	if (mbox_unreceived_locked(mailbox) ||
	    mbox_awaited_locked(mailbox, task_tgid(current)))
		return true;
	if (mailbox->blocked.count)
		return false;
	if (mailbox->flags & MBOX_LOSSY)
		return true;
	return mailbox->queue.count < mailbox->capacity &&
	       (!mailbox->bytes || mailbox->queue.bytes < mailbox->bytes);
}

/* There is something to receive that was not there before. */
static void mbox_arrived_locked(struct mbox_mailbox *mailbox,
				const struct mbox_message *message)
{
	if (mailbox->notice &&
	    mailbox->queue.count + mailbox->blocked.count == 1)
		mbox_notice_send_locked(mailbox, message);
	mbox_wake_pollers(mailbox, EPOLLIN | EPOLLRDNORM);
}

static void mbox_count_taken_locked(struct mbox_mailbox *mailbox,
				    struct mbox_message *message)
{
	message->taken = true;
	mailbox->received++;
	mailbox->received_bytes += message->len;
}

static void mbox_count_returned_locked(struct mbox_mailbox *mailbox,
				       struct mbox_message *message)
{
	message->taken = false;
	mailbox->received--;
	mailbox->received_bytes -= message->len;
}

/**
 * mbox_fit() - has a receiver room for a message?
 * @sink: the receiver's, which is told how much it needs
 * @message: the message
 *
 * Return: 0, -EMSGSIZE or -ENOBUFS.
 */
int mbox_fit(struct mbox_sink *sink, const struct mbox_message *message)
{
	sink->len = message->len;
	sink->nr_fds = mbox_message_fds(message);
	if (sink->len > sink->size && !(sink->loans && message->loan))
		return -EMSGSIZE;
	return sink->nr_fds > sink->room_fds ? -ENOBUFS : 0;
}

/*
 * Give the message to the receiver that has waited longest and can take it. One
 * who has too little room for it learns so at once, as it would have from the
 * queue. With @sync the sender is about to sleep.
 */
static bool mbox_hand_over_locked(struct mbox_mailbox *mailbox,
				  struct mbox_message *message, bool sync)
{
	struct mbox_waiters *receiving = &mailbox->receiving;
	struct mbox_waiter *waiter, *next;

	list_for_each_entry_safe(waiter, next, &receiving->list, node) {
		int err;

		if (!mbox_choice_accepts(waiter->choice, message))
			continue;
		err = mbox_fit(waiter->sink, message);
		if (!err) {
			mbox_count_taken_locked(mailbox, message);
			waiter->message = message;
		}
		mbox_waiter_complete(mailbox, receiving, waiter, err, sync);
		if (!err)
			return true;
	}
	return false;
}

/*
 * Of what was sent more than once the mailbox takes one. It remembers this with
 * each message that a sender is told is sent, and with no other.
 */
static bool mbox_repeated_locked(const struct mbox_mailbox *mailbox,
				 const struct mbox_waiter *sender)
{
	return sender->sequence && sender->sequence <= mailbox->sequence;
}

static void mbox_accept_locked(struct mbox_mailbox *mailbox, u64 sequence)
{
	if (sequence)
		mailbox->sequence = sequence;
}

/* The mailbox, or with MBOX_SYNC a receiver, has the message. */
static void mbox_sender_accept_locked(struct mbox_mailbox *mailbox,
				      struct mbox_message *message)
{
	mbox_accept_locked(mailbox, message->waiter->sequence);
	mbox_sender_complete_locked(mailbox, message, 0);
}

/**
 * mbox_admit_locked() - let senders in that wait for room, while there is some
 * @mailbox: the mailbox, locked
 *
 * One whose bytes are in its pages comes again without, as the mailbox is to keep
 * them: that is where there was no capacity before.
 */
void mbox_admit_locked(struct mbox_mailbox *mailbox)
{
	struct mbox_message *message;

	lockdep_assert_held(&mailbox->lock);
	while (mailbox->blocked.count) {
		message = mbox_queue_first(&mailbox->blocked);
		if (!mbox_room_locked(mailbox, message))
			break;
		mbox_queue_remove(&mailbox->blocked, message);
		if (mbox_repeated_locked(mailbox, message->waiter)) {
			mbox_sender_complete_locked(mailbox, message, -EEXIST);
			continue;
		}
		if (unlikely(message->pinned)) {
			mbox_sender_complete_locked(mailbox, message, -EAGAIN);
			continue;
		}
		if (mailbox->broadcast)
			mbox_broadcast_add_locked(mailbox, message);
		else
			mbox_queue_add(&mailbox->queue, message);
		if (!message->sync)
			mbox_sender_accept_locked(mailbox, message);
	}
	/* Pollers look for themselves anyway. */
	if (waitqueue_active(&mailbox->pollers) &&
	    mbox_sendable_locked(mailbox))
		mbox_wake_pollers(mailbox, EPOLLOUT | EPOLLWRNORM);
}

/* A message that a receiver has is on its way. */
static void mbox_waiters_hang_up(struct mbox_mailbox *mailbox,
				 struct mbox_waiters *waiters, int error)
{
	struct mbox_waiter *waiter, *next;

	list_for_each_entry_safe(waiter, next, &waiters->list, node) {
		struct mbox_message *message = waiter->message;

		if (message && message->taken)
			continue;
		if (mailbox->broadcast && waiter->sink &&
		    mbox_broadcast_unread_locked(mailbox, waiter->sink->cursor))
			continue;
		if (message) {
			mbox_queue_remove(message->queue, message);
			message->waiter = NULL;
		}
		mbox_waiter_complete(mailbox, waiters, waiter, error, false);
	}
}

/**
 * mbox_hang_up_locked() - a side is gone
 * @mailbox: the mailbox, locked
 * @side: which side
 * @error: what the callers of the other are told
 */
void mbox_hang_up_locked(struct mbox_mailbox *mailbox,
			 const struct mbox_side *side, int error)
{
	if (side == &mailbox->senders) {
		mbox_waiters_hang_up(mailbox, &mailbox->receiving, error);
	} else {
		mbox_waiters_hang_up(mailbox, &mailbox->sending, error);
		mbox_waiters_hang_up(mailbox, &mailbox->calling, error);
	}
	mbox_wake_pollers(mailbox, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLERR);
}

static void mbox_track(struct mbox_message *message, struct mbox_waiter *waiter)
{
	message->waiter = waiter;
	message->tracked = waiter;
}

/**
 * mbox_offer_locked() - offer a message to receivers
 * @mailbox: the mailbox
 * @message: the message
 * @waiter: to wait with
 * @nonblock: do not wait
 *
 * A caller waits for its reply anyway, so its request need not be hasty.
 *
 * Return: 0 if the mailbox or a receiver has the message, 1 if the sender is to
 * wait with @waiter, or -EPIPE, -EEXIST or -EAGAIN.
 */
int mbox_offer_locked(struct mbox_mailbox *mailbox,
		      struct mbox_message *message, struct mbox_waiter *waiter,
		      bool nonblock)
{
	bool fits = mbox_room_locked(mailbox, message) &&
		    mbox_first_in_line_locked(mailbox, message);

	bool tracked = message->sync || !mailbox->capacity;
	int err = mbox_unreceived_locked(mailbox);

	if (err)
		return err;
	if (mbox_repeated_locked(mailbox, waiter))
		return -EEXIST;
	if (nonblock && (tracked || !fits) && !mailbox->receiving.count)
		return -EAGAIN;
	if (unlikely(message->pinned) && mailbox->capacity)
		return -EAGAIN;
	if (!message->seq)
		message->seq = ++mailbox->arrivals;
	message->hasty = !message->call;
	mbox_track(message, tracked ? waiter : NULL);
	trace_mbox_send(&mailbox->object, message);
	/* Once handed over, an untracked message may be gone. */
	waiter->handed = mailbox->receiving.count &&
			 mbox_hand_over_locked(mailbox, message, tracked);
	if (!waiter->handed) {
		tracked |= !fits;
		if (tracked && nonblock)
			return -EAGAIN;
		message->hasty = false;
		mbox_track(message, tracked ? waiter : NULL);
		mbox_queue_add(fits ? &mailbox->queue : &mailbox->blocked,
			       message);
		mbox_arrived_locked(mailbox, message);
	}
	if (!tracked) {
		mbox_accept_locked(mailbox, waiter->sequence);
		return 0;
	}
	mbox_waiter_start(mbox_senders(mailbox, message), waiter);
	trace_mbox_block(&mailbox->object, true);
	return 1;
}

/**
 * mbox_withdraw_locked() - take back a message that a sender waits for
 * @mailbox: the mailbox
 * @message: the message, not held
 *
 * Return: whether the sender still owns the message. If a receiver is copying
 * it just now, that receiver is to find that it was withdrawn.
 */
bool mbox_withdraw_locked(struct mbox_mailbox *mailbox,
			  struct mbox_message *message)
{
	mbox_sender_stop_locked(mailbox, message);
	if (message->taken) {
		message->withdrawn = true;
		return false;
	}
	mbox_queue_remove(message->queue, message);
	mbox_admit_locked(mailbox);
	return true;
}

/**
 * mbox_send_wait() - wait for a message to be let in, or received
 * @mailbox: where to
 * @waiter: the sender's, started
 * @patience: a message that was handed over is on its way and needs none
 *
 * Return: 0, -EAGAIN, -EPIPE, -ETIMEDOUT or -ERESTARTSYS.
 */
int mbox_send_wait(struct mbox_mailbox *mailbox, struct mbox_waiter *waiter,
		   const struct mbox_patience *patience)
{
	static const struct mbox_patience for_ever;
	int err = mbox_wait(waiter, patience->nonblock ? TASK_KILLABLE :
							 TASK_INTERRUPTIBLE,
			    waiter->handed ? &for_ever : patience);

	if (!err)
		return waiter->error;
	spin_lock(&mailbox->lock);
	if (waiter->done)
		err = waiter->error;
	else if (!mbox_withdraw_locked(mailbox, waiter->message))
		waiter->message = NULL;
	spin_unlock(&mailbox->lock);
	return err;
}

static int mbox_send_try(struct mbox_mailbox *mailbox,
			 struct mbox_message **message, u64 sequence,
			 const struct mbox_patience *patience)
{
	struct mbox_waiter waiter __uninitialized;
	int ret;

	waiter.message = *message;
	waiter.sequence = sequence;
	waiter.choice = NULL;
	spin_lock(&mailbox->lock);
	ret = mbox_offer_locked(mailbox, *message, &waiter, patience->nonblock);
	spin_unlock(&mailbox->lock);
	if (ret > 0)
		ret = mbox_send_wait(mailbox, &waiter, patience);
	*message = waiter.message;
	return ret;
}

/**
 * mbox_send() - send a message
 * @mailbox: where to
 * @message: taken over, whatever the result
 * @sequence: the sender's own number of it, or 0
 * @patience: how long to wait for room, or for a receiver
 *
 * A receiver that could not copy the message at once gives it back: then it is
 * offered again, as to a mailbox where nobody waits, and without the pages of the
 * sender's. So it is if the mailbox has a capacity after all.
 *
 * Return: 0, -EAGAIN, -EPIPE, -ESRCH, -EIDRM, -EEXIST, -ETIMEDOUT, -ERESTARTSYS
 * or -ENOMEM.
 */
int mbox_send(struct mbox_mailbox *mailbox, struct mbox_message *message,
	      u64 sequence, const struct mbox_patience *patience)
{
	int err;

	if (mailbox->broadcast)
		return mbox_broadcast_send(mailbox, message, patience);
	do {
		err = mbox_send_try(mailbox, &message, sequence, patience);
		if (err != -EAGAIN || patience->nonblock)
			break;
		err = mbox_pages_replace(message);
	} while (!err);
	if (err && message)
		mbox_message_put(mailbox, message);
	if (!err && mbox_is_tagged(mailbox))
		mbox_last_sent(mailbox);
	return err;
}

/*
 * There is nothing to receive: will there never be?
 *
 * Return: what a receive fails with, -ESRCH or -EPIPE; or 0 if it can wait.
 */
static int mbox_unsent_locked(const struct mbox_mailbox *mailbox,
			      const struct mbox_choice *choice)
{
	if (choice && mbox_sender_gone(choice))
		return -ESRCH;
	return mbox_hung_up_locked(mailbox, &mailbox->senders) ? -EPIPE : 0;
}

static struct mbox_message *mbox_next_locked(struct mbox_mailbox *mailbox,
					     const struct mbox_choice *choice)
{
	if (unlikely(choice))
		return mbox_choice_first(choice, &mailbox->queue) ?:
		       mbox_choice_first(choice, &mailbox->blocked);
	return mbox_queue_first(&mailbox->queue) ?:
	       mbox_queue_first(&mailbox->blocked);
}

static struct mbox_message *
mbox_take_locked(struct mbox_mailbox *mailbox, struct mbox_sink *sink)
{
	struct mbox_message *message;
	int err;

	if (unlikely(mailbox->ended))
		return ERR_PTR(mbox_ended_locked(mailbox));
	message = mbox_next_locked(mailbox, sink->choice);
	if (!message && unlikely(mailbox->rung) &&
	    mbox_answer_locked(mailbox, sink))
		return ERR_PTR(-ENOMSG);
	if (!message)
		return ERR_PTR(mbox_unsent_locked(mailbox, sink->choice));
	err = mbox_fit(sink, message);
	if (err)
		return ERR_PTR(err);
	mbox_queue_remove(message->queue, message);
	mbox_count_taken_locked(mailbox, message);
	/* Most mailboxes have neither pollers, who look again, nor senders. */
	if (unlikely(waitqueue_active(&mailbox->pollers) ||
		     mailbox->blocked.count))
		mbox_admit_locked(mailbox);
	return message;
}

static void mbox_receive_block_locked(struct mbox_mailbox *mailbox,
				      struct mbox_sink *sink,
				      struct mbox_waiter *waiter)
{
	waiter->sink = sink;
	waiter->choice = sink->choice;
	waiter->message = NULL;
	mbox_waiter_start(&mailbox->receiving, waiter);
	mbox_wake_pollers(mailbox, EPOLLOUT | EPOLLWRNORM);
	trace_mbox_block(&mailbox->object, false);
}

/*
 * No end of the process is missed: who waits for it is on its wait queue before
 * looking whether it is gone.
 */
static int mbox_wait_from(struct mbox_waiter *waiter,
			  const struct mbox_patience *patience)
{
	DEFINE_WAIT_FUNC(death, default_wake_function);
	struct pid *from = waiter->choice->from;
	int err;

	add_wait_queue(&from->wait_pidfd, &death);
	err = mbox_wait(waiter, TASK_INTERRUPTIBLE, patience);
	remove_wait_queue(&from->wait_pidfd, &death);
	return err;
}

/**
 * mbox_receive_wait() - wait for a message
 * @mailbox: where from
 * @waiter: the receiver's, started
 * @patience: how long
 *
 * Return: the message that the receiver was given, or an error.
 */
struct mbox_message *mbox_receive_wait(struct mbox_mailbox *mailbox,
				       struct mbox_waiter *waiter,
				       const struct mbox_patience *patience)
{
	int err = waiter->choice && waiter->choice->from ?
		mbox_wait_from(waiter, patience) :
		mbox_wait(waiter, TASK_INTERRUPTIBLE, patience);

	if (err) {
		spin_lock(&mailbox->lock);
		if (!waiter->done)
			mbox_waiter_stop(&mailbox->receiving, waiter);
		else
			err = 0;
		spin_unlock(&mailbox->lock);
	}
	if (!err)
		err = waiter->error;
	return err ? ERR_PTR(err) : waiter->message;
}

static struct mbox_message *mbox_take(struct mbox_mailbox *mailbox,
				      struct mbox_sink *sink,
				      const struct mbox_patience *patience)
{
	struct mbox_message *message;
	struct mbox_waiter waiter __uninitialized;

	spin_lock(&mailbox->lock);
	message = mbox_take_locked(mailbox, sink);
	if (!message && patience->nonblock)
		message = ERR_PTR(-EAGAIN);
	else if (!message)
		mbox_receive_block_locked(mailbox, sink, &waiter);
	spin_unlock(&mailbox->lock);
	return message ?: mbox_receive_wait(mailbox, &waiter, patience);
}

/**
 * mbox_untake_locked() - give a message back
 * @mailbox: where it was
 * @message: the message
 *
 * It goes to the next receiver, or back to where it was: to its sender, if it
 * was handed over.
 */
void mbox_untake_locked(struct mbox_mailbox *mailbox,
			struct mbox_message *message)
{
	mbox_count_returned_locked(mailbox, message);
	if (!(message->pinned && message->hasty) &&
	    mbox_hand_over_locked(mailbox, message, false))
		return;
	if (message->waiter && (message->hasty || mailbox->ended)) {
		mbox_sender_complete_locked(mailbox, message,
					    mbox_ended_locked(mailbox) ?:
					    -EAGAIN);
		return;
	}
	if (!message->queue)
		message->queue = message->waiter ? &mailbox->blocked :
						   &mailbox->queue;
	mbox_queue_add(message->queue, message);
	mbox_arrived_locked(mailbox, message);
	mbox_admit_locked(mailbox);
}

static void mbox_untake(struct mbox_mailbox *mailbox,
			struct mbox_message *message)
{
	bool withdrawn;

	spin_lock(&mailbox->lock);
	withdrawn = message->withdrawn;
	if (withdrawn)
		mbox_count_returned_locked(mailbox, message);
	else
		mbox_untake_locked(mailbox, message);
	spin_unlock(&mailbox->lock);
	if (withdrawn)
		mbox_message_put_waiting(mailbox, message);
}

/**
 * mbox_post() - put a message into a mailbox, whether it is full or not
 * @mailbox: the mailbox
 * @message: received elsewhere; taken over
 */
void mbox_post(struct mbox_mailbox *mailbox, struct mbox_message *message)
{
	spin_lock(&mailbox->lock);
	message->seq = ++mailbox->arrivals;
	message->taken = false;
	message->queue = NULL;
	if (!mbox_hand_over_locked(mailbox, message, false)) {
		mbox_queue_add(&mailbox->queue, message);
		mbox_arrived_locked(mailbox, message);
	}
	spin_unlock(&mailbox->lock);
}

/*
 * Return: whether the message is to be received: its sender still wants it to
 * be, and nobody has sent it before. Otherwise it is the caller's.
 */
static bool mbox_settle_locked(struct mbox_mailbox *mailbox,
			       struct mbox_message *message)
{
	if (message->withdrawn) {
		mbox_count_returned_locked(mailbox, message);
		return false;
	}
	if (message->waiter && mbox_repeated_locked(mailbox, message->waiter)) {
		mbox_count_returned_locked(mailbox, message);
		message->waiter->message = NULL;
		mbox_sender_complete_locked(mailbox, message, -EEXIST);
		return false;
	}
	trace_mbox_receive(&mailbox->object, message);
	if (message->waiter && !message->call)
		mbox_sender_accept_locked(mailbox, message);
	return true;
}

/* As mbox_commit(), for a message that somebody else may know of. */
static int mbox_commit_known(struct mbox_mailbox *mailbox,
			     struct mbox_sink *sink,
			     struct mbox_message *message)
{
	bool wanted, held = false;

	spin_lock(&mailbox->lock);
	wanted = mbox_settle_locked(mailbox, message);
	if (wanted)
		held = mbox_hold_locked(mailbox, sink, message);
	spin_unlock(&mailbox->lock);
	if (!wanted)
		mbox_cargo_recall(message->cargo);
	if (!held)
		mbox_message_put_waiting(mailbox, message);
	return !wanted;
}

/*
 * Return: 0; 1 if the message was withdrawn meanwhile, so that another is to be
 * taken; or -EINTR if the receiver is about to die and would lose it.
 */
static int mbox_commit(struct mbox_mailbox *mailbox, struct mbox_sink *sink,
		       struct mbox_message *message)
{
	if (fatal_signal_pending(current)) {
		mbox_cargo_recall(message->cargo);
		mbox_untake(mailbox, message);
		return -EINTR;
	}
	if (message->tracked || sink->hold)
		return mbox_commit_known(mailbox, sink, message);
	trace_mbox_receive(&mailbox->object, message);
	mbox_message_put(mailbox, message);
	return 0;
}

/**
 * mbox_unload() - copy a message out, and give the caller its descriptors
 * @sink: where to
 * @message: the message, in hand
 *
 * Descriptors come last: only then has all that can fault done so.
 *
 * Return: 0 or the error of @sink.
 */
int mbox_unload(struct mbox_sink *sink, struct mbox_message *message)
{
	int err = sink->copy(sink, message);

	return err || !message->cargo ? err : sink->land(sink, message->cargo);
}

static int mbox_unload_at_once(struct mbox_sink *sink,
			       struct mbox_message *message)
{
	int err;

	pagefault_disable();
	err = mbox_unload(sink, message);
	pagefault_enable();
	return err;
}

/*
 * A sender that waits for the copy alone is not to wait for this receiver's
 * memory: copy without page faults. If that fails give the message back, and
 * copy it once more for the sake of the faults, so that the next one finds the
 * memory there.
 */
static int mbox_copy_hasty(struct mbox_mailbox *mailbox, struct mbox_sink *sink,
			   struct mbox_message *message)
{
	int err = mbox_unload_at_once(sink, message);

	if (!err)
		return 0;
	refcount_inc(&message->ref);
	mbox_untake(mailbox, message);
	if (err == -EFAULT)
		err = sink->copy(sink, message);
	mbox_message_put(mailbox, message);
	return err ?: 1;
}

/*
 * The sender's pages are for one copy, at once. What is leased is kept for longer
 * than its sender waits; and who has to wait for its own memory does so without
 * the pages. A sender that waits for the copy alone makes another message of them
 * meanwhile; for one that has waited it is made here.
 */
static int mbox_copy_pinned(struct mbox_mailbox *mailbox,
			    struct mbox_sink *sink,
			    struct mbox_message *message)
{
	bool hasty = message->hasty;
	int err = sink->hold ? -EFAULT : mbox_unload_at_once(sink, message);

	if (err == -EFAULT && !hasty)
		err = mbox_pages_replace(message) ?: mbox_unload(sink, message);
	if (!err)
		return 0;
	mbox_untake(mailbox, message);
	if (err != -EFAULT || !hasty)
		return err;
	fault_in_iov_iter_writeable(sink->to, sink->len);
	return 1;
}

static u64 mbox_delivery(struct mbox_mailbox *mailbox,
			 const struct mbox_sink *sink,
			 const struct mbox_message *message)
{
	if (sink->hold || (message->call && sink->file))
		return atomic64_inc_return(&mailbox->deliveries);
	return 0;
}

/* Return: 0, 1 if another message is to be taken, or an error. */
static int mbox_deliver(struct mbox_mailbox *mailbox, struct mbox_sink *sink,
			struct mbox_message *message)
{
	int ret;

	sink->delivery = mbox_delivery(mailbox, sink, message);
	if (unlikely(message->pinned)) {
		ret = mbox_copy_pinned(mailbox, sink, message);
	} else if (message->tracked && message->hasty) {
		ret = mbox_copy_hasty(mailbox, sink, message);
	} else {
		ret = mbox_unload(sink, message);
		if (ret)
			mbox_untake(mailbox, message);
	}
	return ret ?: mbox_commit(mailbox, sink, message);
}

/**
 * mbox_receive() - receive a message
 * @mailbox: where from
 * @sink: where to
 * @patience: how long to wait for one
 *
 * Return: 0, -EAGAIN, -EPIPE, -ESRCH, -EIDRM, -EMSGSIZE, -ENOBUFS, -ETIMEDOUT,
 * -ENOMSG for the bell, the error of @sink.
 */
int mbox_receive(struct mbox_mailbox *mailbox, struct mbox_sink *sink,
		 const struct mbox_patience *patience)
{
	struct mbox_message *message;
	int ret;

	if (mailbox->broadcast)
		return mbox_broadcast_receive(mailbox, sink, patience);
	do {
		message = mbox_take(mailbox, sink, patience);
		if (IS_ERR(message))
			return PTR_ERR(message);
		ret = mbox_deliver(mailbox, sink, message);
	} while (ret > 0);
	if (!ret && mbox_is_tagged(mailbox))
		mbox_last_received(mailbox);
	return ret;
}

static struct mbox_message *mbox_peek_locked(struct mbox_mailbox *mailbox,
					     struct mbox_sink *sink, u32 index)
{
	struct mbox_message *message = mbox_queue_nth(&mailbox->queue, index);

	if (!message)
		return ERR_PTR(mbox_ended_locked(mailbox) ?: -ENOMSG);
	if (mbox_fit(sink, message) == -EMSGSIZE)
		return ERR_PTR(-EMSGSIZE);
	refcount_inc(&message->ref);
	return message;
}

/**
 * mbox_peek() - copy a queued message and leave it
 * @mailbox: where from
 * @sink: where to
 * @index: how many messages to skip
 *
 * Return: 0, -ENOMSG, -EIDRM, -EMSGSIZE, or the error of @sink.
 */
int mbox_peek(struct mbox_mailbox *mailbox, struct mbox_sink *sink, u32 index)
{
	struct mbox_message *message;
	int err;

	spin_lock(&mailbox->lock);
	message = mbox_peek_locked(mailbox, sink, index);
	spin_unlock(&mailbox->lock);
	if (IS_ERR(message))
		return PTR_ERR(message);
	err = sink->copy(sink, message);
	mbox_message_put(mailbox, message);
	return err;
}
