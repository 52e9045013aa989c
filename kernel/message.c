// SPDX-License-Identifier: GPL-2.0
/*
 * Messages: memory, data in and out, who sent them.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "mailbox.h"

/* So that a message of a power of two does not take twice its memory. */
#define MBOX_INSIDE_MAX	(PAGE_SIZE / 2)

/*
 * A cgroup or machine that is full is to fail the send, not to lose a process:
 * hence __GFP_RETRY_MAYFAIL. Pages next to each other are worth one try only.
 */
static void *mbox_message_alloc(size_t size)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	void *memory = NULL;

	if (size <= PAGE_SIZE)
		return kmalloc(size, gfp | __GFP_RETRY_MAYFAIL);
	if (size <= KMALLOC_MAX_SIZE)
		memory = kmalloc(size, gfp | __GFP_NORETRY);
	return memory ?: __vmalloc(size, gfp | __GFP_RETRY_MAYFAIL);
}

static struct mbox_message *mbox_message_new(size_t len)
{
	const bool inside = len <= MBOX_INSIDE_MAX;
	struct mbox_message *message;

	message = mbox_message_alloc(struct_size(message, inside,
						 inside ? len : 0));
	if (!message)
		return NULL;
	memset(message, 0, sizeof(*message));
	message->data = inside ? message->inside : mbox_message_alloc(len);
	if (!message->data) {
		kfree(message);
		return NULL;
	}
	refcount_set(&message->ref, 1);
	message->len = len;
	return message;
}

static void mbox_message_free(struct mbox_message *message)
{
	if (message->data != message->inside)
		kvfree(message->data);
	kfree(message);
}

static void mbox_message_sign(struct mbox_message *message)
{
	message->pid = get_pid(task_tgid(current));
	message->uid = current_euid();
	message->gid = current_egid();
}

/**
 * mbox_message_create() - make a message of the caller's
 * @user: who pays
 * @from: the data, all of it
 *
 * Return: the message, for mbox_message_put(), or -EDQUOT, -ENOMEM, -EFAULT.
 */
struct mbox_message *mbox_message_create(struct mbox_user *user,
					 struct iov_iter *from)
{
	size_t len = iov_iter_count(from);
	size_t charge = sizeof(struct mbox_message) + len;
	struct mbox_message *message;
	int err;

	err = mbox_charge(user, MBOX_BYTES, charge);
	if (err)
		return ERR_PTR(err);
	message = mbox_message_new(len);
	if (!message) {
		err = -ENOMEM;
		goto uncharge;
	}
	if (!copy_from_iter_full(message->data, len, from)) {
		err = -EFAULT;
		goto free;
	}
	message->user = mbox_user_share(user);
	message->charge = charge;
	mbox_message_sign(message);
	return message;

free:
	mbox_message_free(message);
uncharge:
	mbox_uncharge(user, MBOX_BYTES, charge);
	return ERR_PTR(err);
}

/**
 * mbox_message_copy() - copy a message's data out
 * @message: the message
 * @to: at least as large
 *
 * Return: 0 or -EFAULT.
 */
int mbox_message_copy(const struct mbox_message *message, struct iov_iter *to)
{
	size_t copied = copy_to_iter(message->data, message->len, to);

	return copied == message->len ? 0 : -EFAULT;
}

void mbox_message_put(struct mbox_message *message)
{
	if (!refcount_dec_and_test(&message->ref))
		return;
	mbox_uncharge(message->user, MBOX_BYTES, message->charge);
	mbox_user_put(message->user);
	put_pid(message->pid);
	mbox_message_free(message);
}
