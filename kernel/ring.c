// SPDX-License-Identifier: GPL-2.0
/*
 * The bell of a mailbox with MBOX_RINGS. Its receiver takes messages also from
 * memory that it shares with senders, of which the kernel knows nothing: they
 * ring when they have put one there.
 */
#include "mailbox.h"

/**
 * mbox_answer_locked() - answer the bell
 * @mailbox: the mailbox, which has no message for the receiver
 * @sink: of the receiver
 *
 * Return: whether the bell was rung, and is no more.
 */
bool mbox_answer_locked(struct mbox_mailbox *mailbox,
			const struct mbox_sink *sink)
{
	bool rung = sink->bell && mailbox->rung;

	lockdep_assert_held(&mailbox->lock);
	if (rung)
		mailbox->rung = false;
	return rung;
}

/**
 * mbox_ring_locked() - ring the bell
 * @mailbox: the mailbox, with MBOX_RINGS
 *
 * Of the receivers that wait for it the first answers. Otherwise it stays rung
 * until one comes.
 */
void mbox_ring_locked(struct mbox_mailbox *mailbox)
{
	struct mbox_waiter *waiter;

	list_for_each_entry(waiter, &mailbox->receiving.list, node) {
		if (!waiter->sink->bell)
			continue;
		mbox_waiter_complete(mailbox, &mailbox->receiving, waiter,
				     -ENOMSG, false);
		return;
	}
	mailbox->rung = true;
	mbox_wake_pollers(mailbox, EPOLLIN | EPOLLRDNORM);
}

/**
 * mbox_ring() - ring the bell, if somebody can hear it
 * @mailbox: the mailbox, with MBOX_RINGS
 *
 * Return: 0, -EIDRM, -ESRCH or -EPIPE.
 */
int mbox_ring(struct mbox_mailbox *mailbox)
{
	int err;

	spin_lock(&mailbox->lock);
	err = mbox_unreceived_locked(mailbox);
	if (!err)
		mbox_ring_locked(mailbox);
	spin_unlock(&mailbox->lock);
	return err;
}
