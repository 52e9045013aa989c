// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots: a new mailbox with the messages that another held at one moment.
 *
 * That moment is when the walk begins; the messages that are queued then are
 * due. The walk finds them in the order of the queue, a few at a time, and lets
 * senders and receivers in between. A message that leaves the queue while it is
 * due is found on its way out:
 *
 *	snapshot			others
 *	lock, begin, unlock
 *					lock, take A: due, so found, unlock
 *	lock, walk on, unlock
 *					lock, take B: not due any more, unlock
 *					lock, put A back: not due, unlock
 *					lock, add C: not due, unlock
 *	lock, walk on to the end, unlock
 *
 * None is missed: a message that is due stands at or behind the walk's next one
 * until it is found, because the walk steps over none without finding it, and
 * goes on to the one behind when its next one leaves.
 *
 * None is found that was not there, and none twice: a message that is added or
 * found gets the queue's epoch, and is not due while it has it. The walk's
 * beginning alone changes the epoch.
 *
 * The walk comes to its end: what is added in front of it is not looked at, and
 * what is added behind is passed a whole lot of steps at a time.
 */
#include <linux/err.h>
#include <linux/sched/signal.h>

#include "mailbox.h"

/* How many messages are looked at while others wait for the lock. */
#define MBOX_WALK_STEPS		64

static struct mbox_object *mbox_snapshot_new(struct mbox_mailbox *mailbox)
{
	struct mbox_ioc_create create = {
		.msgsize = mailbox->msgsize,
		.bytes = mailbox->bytes,
		.mode = 0600,
		.flags = MBOX_HANGUP,
	};
	struct mbox_object *object;

	spin_lock(&mailbox->lock);
	create.capacity = mailbox->capacity;
	spin_unlock(&mailbox->lock);
	object = mbox_object_new(&mbox_mailbox_ops, mbox_ns_current(), &create,
				 NULL);
	if (!IS_ERR(object))
		to_mailbox(object)->senders.opens = 1;
	return object;
}

static int mbox_snapshot_walk(struct mbox_mailbox *mailbox,
			      struct mbox_walk *walk)
{
	int err = 0;

	lockdep_assert_held(&mailbox->snapshot);
	spin_lock(&mailbox->lock);
	mbox_walk_begin(&mailbox->queue, walk);
	while (!err && mbox_walk_on(&mailbox->queue, MBOX_WALK_STEPS)) {
		spin_unlock(&mailbox->lock);
		cond_resched();
		if (fatal_signal_pending(current))
			err = -EINTR;
		spin_lock(&mailbox->lock);
	}
	mbox_walk_end(&mailbox->queue);
	spin_unlock(&mailbox->lock);
	return err;
}

static int mbox_snapshot_add(struct mbox_mailbox *copies,
			     struct mbox_message *message)
{
	struct mbox_message *copy = mbox_message_share(message,
						       copies->object.user);

	if (IS_ERR(copy))
		return PTR_ERR(copy);
	spin_lock(&copies->lock);
	mbox_queue_add(&copies->queue, copy);
	copies->arrivals = max(copies->arrivals, copy->seq);
	spin_unlock(&copies->lock);
	return 0;
}

/*
 * The walk's last message comes first, so that nearly all go to the front of
 * the queue. After an error the rest is let go of.
 */
static int mbox_snapshot_add_all(struct mbox_mailbox *copies,
				 struct mbox_mailbox *mailbox,
				 struct mbox_walk *walk, int err)
{
	struct mbox_message *message;

	lockdep_assert_held(&mailbox->snapshot);
	while ((message = walk->found)) {
		walk->found = message->found;
		if (!err)
			err = mbox_snapshot_add(copies, message);
		mbox_message_put(mailbox, message);
		cond_resched();
	}
	return err;
}

static int mbox_snapshot_fill(struct mbox_mailbox *copies,
			      struct mbox_mailbox *mailbox)
{
	struct mbox_walk walk;
	int err;

	err = mutex_lock_killable(&mailbox->snapshot);
	if (err)
		return err;
	err = mbox_snapshot_walk(mailbox, &walk);
	err = mbox_snapshot_add_all(copies, mailbox, &walk, err);
	mutex_unlock(&mailbox->snapshot);
	return err;
}

/**
 * mbox_snapshot() - make a mailbox that holds what another holds at one moment
 * @mailbox: the other
 * @oflag: as in struct mbox_ioc_snapshot, checked
 *
 * Return: a descriptor; -EINTR if the caller is about to die; or an error.
 */
int mbox_snapshot(struct mbox_mailbox *mailbox, unsigned int oflag)
{
	struct mbox_object *object = mbox_snapshot_new(mailbox);
	int ret;

	if (IS_ERR(object))
		return PTR_ERR(object);
	ret = mbox_snapshot_fill(to_mailbox(object), mailbox);
	if (!ret)
		ret = mbox_object_open(&mbox_mailbox_ops, object, NULL, oflag);
	mbox_object_put(object);
	return ret;
}

/**
 * mbox_snapshot_wait() - wait until no snapshot has to do with what was received
 * @mailbox: the mailbox
 *
 * For a message that goes to another mailbox: a snapshot of that one could find
 * it, which must not be while one of this mailbox still has it.
 */
void mbox_snapshot_wait(struct mbox_mailbox *mailbox)
{
	mutex_lock(&mailbox->snapshot);
	mutex_unlock(&mailbox->snapshot);
}
