// SPDX-License-Identifier: GPL-2.0
/*
 * Who sent to and received from a mailbox last, and when, as System V tells of
 * its queues. That takes time at each message, so only where receivers choose by
 * tag, as they do of these queues.
 */
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "mailbox.h"

/**
 * mbox_last_create() - begin to remember
 *
 * Return: for mbox_last_free(), or NULL.
 */
struct mbox_last *mbox_last_create(void)
{
	struct mbox_last *last = kzalloc(sizeof(*last), GFP_KERNEL_ACCOUNT);

	if (last)
		last->changed = ktime_get_real_ns();
	return last;
}

/**
 * mbox_last_free() - undo mbox_last_create()
 * @last: what it returned, or NULL
 */
void mbox_last_free(struct mbox_last *last)
{
	if (!last)
		return;
	put_pid(last->sent.pid);
	put_pid(last->received.pid);
	kfree(last);
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
 * @mailbox: where to
 */
void mbox_last_sent(struct mbox_mailbox *mailbox)
{
	if (unlikely(mailbox->last))
		mbox_last_note(mailbox, &mailbox->last->sent);
}

/**
 * mbox_last_received() - the caller has received a message
 * @mailbox: where from
 */
void mbox_last_received(struct mbox_mailbox *mailbox)
{
	if (unlikely(mailbox->last))
		mbox_last_note(mailbox, &mailbox->last->received);
}

/**
 * mbox_last_changed_locked() - the caller has changed attributes
 * @mailbox: whose; its namespace is locked
 */
void mbox_last_changed_locked(struct mbox_mailbox *mailbox)
{
	lockdep_assert_held(&mailbox->object.ns->lock);
	if (mailbox->last)
		mailbox->last->changed = ktime_get_real_ns();
}

/**
 * mbox_last_status_locked() - what there is to know
 * @mailbox: of which; it and its namespace are locked
 * @status: written in part
 */
void mbox_last_status_locked(const struct mbox_mailbox *mailbox,
			     struct mbox_ioc_status *status)
{
	const struct mbox_last *last = mailbox->last;

	lockdep_assert_held(&mailbox->lock);
	if (!last)
		return;
	status->send_pid = pid_vnr(last->sent.pid);
	status->recv_pid = pid_vnr(last->received.pid);
	status->send_time = last->sent.time;
	status->recv_time = last->received.time;
	status->change_time = last->changed;
}
