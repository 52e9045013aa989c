// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a mailbox that is still open: for all, or with its process.
 */
#include "mailbox.h"

/**
 * mbox_ended_locked() - what is said to who comes after the end
 * @mailbox: the mailbox, locked
 *
 * Return: -ESRCH if it was that of a process, -EIDRM of any other; or 0.
 */
int mbox_ended_locked(const struct mbox_mailbox *mailbox)
{
	lockdep_assert_held(&mailbox->lock);
	if (likely(!mailbox->ended))
		return 0;
	return mailbox->process ? -ESRCH : -EIDRM;
}

/**
 * mbox_end() - free what is in a mailbox, and wake who waits there
 * @mailbox: the mailbox, not for broadcast
 *
 * What a receiver has in hand is its own still.
 */
void mbox_end(struct mbox_mailbox *mailbox)
{
	int error;

	spin_lock(&mailbox->lock);
	mailbox->ended = true;
	error = mbox_ended_locked(mailbox);
	mbox_hang_up_locked(mailbox, &mailbox->senders, error);
	mbox_hang_up_locked(mailbox, &mailbox->receivers, error);
	spin_unlock(&mailbox->lock);
	mbox_mailbox_drain(mailbox);
}

/**
 * mbox_retire() - remove a mailbox, whoever has it open
 * @mailbox: the mailbox
 *
 * Return: 0, -EPERM; or -EOPNOTSUPP if it ends by itself, or is for broadcast.
 */
int mbox_retire(struct mbox_mailbox *mailbox)
{
	struct mbox_object *object = &mailbox->object;
	bool owned;

	if (mailbox->broadcast || mailbox->process)
		return -EOPNOTSUPP;
	mutex_lock(&object->ns->lock);
	owned = mbox_object_owned(object);
	mutex_unlock(&object->ns->lock);
	if (!owned)
		return -EPERM;
	mbox_object_unlink(object);
	mbox_end(mailbox);
	mbox_collect_soon();
	return 0;
}
