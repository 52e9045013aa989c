// SPDX-License-Identifier: GPL-2.0
/*
 * Receivers that do not want every message: of one process only, or by tag.
 *
 * To find a message takes a look at all before it. So a mailbox whose receivers
 * can choose holds MBOX_PEEK_MAX at most.
 */
#include "mailbox.h"

/**
 * mbox_choice_accepts() - does a receiver want a message?
 * @choice: which messages it wants, or NULL for all
 * @message: the message
 */
bool mbox_choice_accepts(const struct mbox_choice *choice,
			 const struct mbox_message *message)
{
	if (!choice)
		return true;
	if (choice->from && choice->from != message->pid)
		return false;
	switch (choice->how) {
	case MBOX_TAG:
		return message->tag == choice->tag;
	case MBOX_TAG_MOST:
		return message->tag <= choice->tag;
	case MBOX_TAG_EXCEPT:
		return message->tag != choice->tag;
	default:
		return true;
	}
}

/**
 * mbox_choice_first() - the message that a receiver gets next
 * @choice: which messages it wants
 * @queue: the queue
 *
 * Return: the message, or NULL.
 */
struct mbox_message *mbox_choice_first(const struct mbox_choice *choice,
				       const struct mbox_queue *queue)
{
	struct mbox_message *message, *first = NULL;

	for (message = mbox_queue_first(queue); message;
	     message = mbox_queue_next(message)) {
		if (!mbox_choice_accepts(choice, message))
			continue;
		if (choice->how != MBOX_TAG_MOST)
			return message;
		if (!first || message->tag < first->tag)
			first = message;
	}
	return first;
}
