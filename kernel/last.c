// SPDX-License-Identifier: GPL-2.0
/*
 * Who sent to and received from a mailbox last, and when, as System V tells of
 * its queues. That takes time at each message, so only where receivers choose by
 * tag, as they do of these queues.
 */
#include <linux/ktime.h>
#include <linux/pid.h>

#include "mailbox.h"

static struct mbox_last *mbox_last_of(struct mbox_mailbox *mailbox)
{
	return &container_of(mailbox, struct mbox_tagged, mailbox)->last;
}

/**
 * mbox_last_init() - begin to remember
 * @mailbox: new and zeroed, but for its flags
 */
void mbox_last_init(struct mbox_mailbox *mailbox)
{
	if (mbox_is_tagged(mailbox))
		mbox_last_of(mailbox)->changed = ktime_get_real_ns();
}

/**
 * mbox_last_exit() - undo mbox_last_init()
 * @mailbox: nobody uses it
 */
void mbox_last_exit(struct mbox_mailbox *mailbox)
{
	if (!mbox_is_tagged(mailbox))
		return;
	put_pid(mbox_last_of(mailbox)->sent.pid);
	put_pid(mbox_last_of(mailbox)->received.pid);
}

static void mbox_last_note(struct mbox_mailbox *mailbox, struct mbox_moment *moment)
{
	struct pid *pid = get_pid(task_tgid(current)), *before;
	u64 now = ktime_get_real_ns();

	spin_lock(&mailbox->lock);
	before = moment->pid;
	moment->pid = pid;
	moment->time = now;
	spin_unlock(&mailbox->lock);
	put_pid(before);
}

/**
 * mbox_last_sent() - the caller has sent a message
 * @mailbox: where to, with MBOX_TAGGED
 */
void mbox_last_sent(struct mbox_mailbox *mailbox)
{
	mbox_last_note(mailbox, &mbox_last_of(mailbox)->sent);
}

/**
 * mbox_last_received() - the caller has received a message
 * @mailbox: where from, with MBOX_TAGGED
 */
void mbox_last_received(struct mbox_mailbox *mailbox)
{
	mbox_last_note(mailbox, &mbox_last_of(mailbox)->received);
}

/**
 * mbox_last_changed_locked() - the caller has changed attributes
 * @mailbox: whose; its namespace is locked
 */
void mbox_last_changed_locked(struct mbox_mailbox *mailbox)
{
	lockdep_assert_held(&mailbox->object.ns->lock);
	if (mbox_is_tagged(mailbox))
		mbox_last_of(mailbox)->changed = ktime_get_real_ns();
}

/**
 * mbox_last_status_locked() - what there is to know
 * @mailbox: of which; it and its namespace are locked
 * @status: written in part
 */
void mbox_last_status_locked(struct mbox_mailbox *mailbox,
			     struct mbox_ioc_status *status)
{
	const struct mbox_last *last;

	lockdep_assert_held(&mailbox->lock);
	if (!mbox_is_tagged(mailbox))
		return;
	last = mbox_last_of(mailbox);
	status->send_pid = pid_vnr(last->sent.pid);
	status->recv_pid = pid_vnr(last->received.pid);
	status->send_time = last->sent.time;
	status->recv_time = last->received.time;
	status->change_time = last->changed;
}
