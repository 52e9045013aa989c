// SPDX-License-Identifier: GPL-2.0
/*
 * Messages: memory, data in and out, who sent them.
 */
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "mailbox.h"

/*
 * Copies in and out are those without hardened usercopy, as in
 * drivers/dax/super.c: a message has room for its length, which is set when it
 * is made and never again.
 */

/*
 * A small message takes this much memory, its data included. Each mailbox keeps
 * some that are not in use, so that a busy one seldom needs the allocator: two
 * pages of them, as a pipe does, and one larger message, of a page at most.
 */
#define MBOX_SMALL		256
#define MBOX_SMALL_ROOM		(MBOX_SMALL - sizeof(struct mbox_message))
#define MBOX_SPARES		(2 * PAGE_SIZE / MBOX_SMALL)

/**
 * mbox_message_alloc() - allocate memory for data
 * @size: bytes
 *
 * A cgroup or machine that is full is to fail the send, not to lose a process:
 * hence __GFP_RETRY_MAYFAIL. Pages next to each other are worth one try only.
 *
 * Return: for kvfree(), or NULL.
 */
void *mbox_message_alloc(size_t size)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	void *memory = NULL;

	if (size <= PAGE_SIZE)
		return kmalloc(size, gfp | __GFP_RETRY_MAYFAIL);
	if (size <= KMALLOC_MAX_SIZE)
		memory = kmalloc(size, gfp | __GFP_NORETRY);
	return memory ?: __vmalloc(size, gfp | __GFP_RETRY_MAYFAIL);
}

static void mbox_message_discard(struct mbox_message *message)
{
	if (message->data != message->inside)
		kvfree(message->data);
	kfree(message);
}

static void mbox_spares_discard(struct mbox_message *message)
{
	struct mbox_message *next;

	for (; message; message = next) {
		next = message->spare;
		kfree(message);
	}
}

/*
 * Who takes or gives one has them all meanwhile, so that nobody looks into what
 * somebody else may free. What others gave in that time is too much.
 */
static void mbox_spares_give(struct mbox_mailbox *mailbox,
			     struct mbox_message *first)
{
	mbox_spares_discard(xchg(&mailbox->spares, first));
}

static struct mbox_message *mbox_spare_take(struct mbox_mailbox *mailbox)
{
	struct mbox_message *message = xchg(&mailbox->spares, NULL);

	if (message && message->spare)
		mbox_spares_give(mailbox, message->spare);
	return message;
}

static void mbox_spare_give(struct mbox_mailbox *mailbox,
			    struct mbox_message *message)
{
	struct mbox_message *others = xchg(&mailbox->spares, NULL);

	message->spare = others;
	message->spares = others ? others->spares + 1 : 1;
	if (message->spares <= MBOX_SPARES) {
		mbox_spares_give(mailbox, message);
		return;
	}
	mbox_spares_give(mailbox, others);
	kfree(message);
}

static struct mbox_message *mbox_message_new_small(struct mbox_mailbox *mailbox)
{
	struct mbox_message *message = mbox_spare_take(mailbox) ?:
				       mbox_message_alloc(MBOX_SMALL);

	if (message)
		message->data = message->inside;
	return message;
}

/* Apart, so that data of a power of two does not take twice its memory. */
static struct mbox_message *mbox_message_new_large(size_t len)
{
	struct mbox_message *message = mbox_message_alloc(sizeof(*message));

	if (!message)
		return NULL;
	message->data = mbox_message_alloc(len);
	if (message->data)
		return message;
	kfree(message);
	return NULL;
}

/*
 * Data that is no more than a page has room up to the next power of two, which
 * it would get anyway.
 */
static struct mbox_message *mbox_message_new_page(struct mbox_mailbox *mailbox,
						  size_t len)
{
	struct mbox_message *message = xchg(&mailbox->spare_page, NULL);

	if (message && len <= roundup_pow_of_two(message->len))
		return message;
	if (message)
		mbox_message_discard(message);
	return mbox_message_new_large(roundup_pow_of_two(len));
}

static void mbox_message_init(struct mbox_message *message, size_t len)
{
	refcount_set(&message->ref, 1);
	refcount_set(&message->sharers, 1);
	message->origin = NULL;
	message->seq = 0;
	message->queue = NULL;
	message->waiter = NULL;
	message->hold = NULL;
	message->taken = false;
	message->withdrawn = false;
	message->tracked = false;
	message->sync = false;
	message->call = false;
	message->hasty = false;
	message->loan = false;
	message->pinned = false;
	message->prio = 0;
	message->deliveries = 0;
	message->tag = 0;
	message->cargo = NULL;
	message->len = len;
}

static struct mbox_message *mbox_message_new(struct mbox_mailbox *mailbox,
					     size_t len)
{
	struct mbox_message *message;

	if (len <= MBOX_SMALL_ROOM)
		message = mbox_message_new_small(mailbox);
	else if (len <= PAGE_SIZE)
		message = mbox_message_new_page(mailbox, len);
	else
		message = mbox_message_new_large(len);
	if (message)
		mbox_message_init(message, len);
	return message;
}

/**
 * mbox_spares_free() - free what is kept for messages to come
 * @mailbox: of which there are none any more
 */
void mbox_spares_free(struct mbox_mailbox *mailbox)
{
	mbox_spares_discard(mailbox->spares);
	if (mailbox->spare_page)
		mbox_message_discard(mailbox->spare_page);
}

static void mbox_message_free(struct mbox_mailbox *mailbox,
			      struct mbox_message *message)
{
	if (unlikely(message->loan))
		mbox_buffer_return(message->data);
	if (unlikely(message->pinned))
		message->len = mbox_pages_unpin(message->data);
	if (message->data == message->inside)
		mbox_spare_give(mailbox, message);
	else if (message->len > PAGE_SIZE ||
		 cmpxchg(&mailbox->spare_page, NULL, message))
		mbox_message_discard(message);
}

/*
 * Nobody can join the sharers any more, so one that is alone needs no atomic
 * operation to find out. What the others did to the data comes before its end.
 */
static void mbox_message_leave(struct mbox_mailbox *mailbox,
			       struct mbox_message *message)
{
	if (likely(refcount_read(&message->sharers) == 1))
		smp_acquire__after_ctrl_dep();
	else if (!refcount_dec_and_test(&message->sharers))
		return;
	mbox_message_free(mailbox, message);
}

/* What is charged for so many bytes. */
static size_t mbox_message_price(size_t len)
{
	return len <= MBOX_SMALL_ROOM ? MBOX_SMALL :
	       sizeof(struct mbox_message) + len;
}

/* Return: a message that is neither filled nor signed, or -EDQUOT, -ENOMEM. */
static __always_inline struct mbox_message *
mbox_message_charged(struct mbox_mailbox *mailbox, struct mbox_user *user,
		     size_t len, size_t charge)
{
	struct mbox_message *message;
	int err;

	err = mbox_charge(user, MBOX_BYTES, charge);
	if (err)
		return ERR_PTR(err);
	message = mbox_message_new(mailbox, len);
	if (!message) {
		mbox_uncharge(user, MBOX_BYTES, charge);
		return ERR_PTR(-ENOMEM);
	}
	message->charge = charge;
	return message;
}

/* Undo that. Return: the error. */
static struct mbox_message *mbox_message_fail(struct mbox_mailbox *mailbox,
					      struct mbox_message *message,
					      struct mbox_user *user, int err)
{
	mbox_uncharge(user, MBOX_BYTES, message->charge);
	mbox_message_free(mailbox, message);
	return ERR_PTR(err);
}

static __always_inline void mbox_message_sign(struct mbox_message *message,
					      struct mbox_user *user)
{
	message->user = mbox_user_share(user);
	message->pid = get_pid(task_tgid(current));
	message->uid = current_euid();
	message->gid = current_egid();
}

/*
 * The pages are charged as the bytes would be: they are not the kernel's, but
 * cannot be taken from their user either.
 */
static struct mbox_message *
mbox_message_create_pinned(struct mbox_mailbox *mailbox, struct mbox_user *user,
			   const struct iov_iter *from)
{
	size_t len = iov_iter_count(from);
	struct mbox_message *message;
	int err;

	message = mbox_message_charged(mailbox, user, mbox_pages_size(from),
				       mbox_message_price(len));
	if (IS_ERR(message))
		return message;
	err = mbox_pages_pin(message->data, from);
	if (err)
		return mbox_message_fail(mailbox, message, user, err);
	message->pinned = true;
	message->len = len;
	mbox_message_sign(message, user);
	return message;
}

static struct mbox_message *
mbox_message_create_copied(struct mbox_mailbox *mailbox, struct mbox_user *user,
			   struct iov_iter *from)
{
	size_t len = iov_iter_count(from);
	struct mbox_message *message;

	message = mbox_message_charged(mailbox, user, len,
				       mbox_message_price(len));
	if (IS_ERR(message))
		return message;
	if (_copy_from_iter(message->data, len, from) != len)
		return mbox_message_fail(mailbox, message, user, -EFAULT);
	mbox_message_sign(message, user);
	return message;
}

/**
 * mbox_message_create() - make a message of the caller's
 * @mailbox: where it is to go
 * @user: who pays
 * @from: the data, all of it
 * @waits: the caller is going to wait until it is received, if @mailbox says so
 *
 * Return: the message, for mbox_message_put(), or -EDQUOT, -ENOMEM, -EFAULT.
 */
struct mbox_message *mbox_message_create(struct mbox_mailbox *mailbox,
					 struct mbox_user *user,
					 struct iov_iter *from, bool waits)
{
	struct mbox_message *message;

	if (unlikely(iov_iter_count(from) >= MBOX_PAGES_MIN) && waits &&
	    mbox_pages_suit(mailbox, from)) {
		message = mbox_message_create_pinned(mailbox, user, from);
		if (message != ERR_PTR(-EFAULT))
			return message;
	}
	return mbox_message_create_copied(mailbox, user, from);
}

/**
 * mbox_message_create_loan() - make a message of the caller's that is a loan
 * @mailbox: where it is to go
 * @user: who pays, for the message alone: its bytes are paid for already
 * @buffer: where they are
 * @len: how many
 *
 * Return: the message, for mbox_message_put(), or -EDQUOT, -ENOMEM, -EBUSY.
 */
struct mbox_message *
mbox_message_create_loan(struct mbox_mailbox *mailbox, struct mbox_user *user,
			 const struct mbox_buffer *buffer, size_t len)
{
	struct mbox_message *message = mbox_message_charged(mailbox, user,
							    sizeof(*buffer),
							    MBOX_SMALL);
	int err;

	if (IS_ERR(message))
		return message;
	err = mbox_buffer_lend(buffer);
	if (err)
		return mbox_message_fail(mailbox, message, user, err);
	BUILD_BUG_ON(sizeof(*buffer) > MBOX_SMALL_ROOM);
	memcpy(message->data, buffer, sizeof(*buffer));
	message->loan = true;
	message->len = len;
	mbox_message_sign(message, user);
	return message;
}

static void mbox_message_share_init(struct mbox_message *copy,
				    struct mbox_message *message)
{
	mbox_message_init(copy, message->len);
	copy->origin = message->origin ?: message;
	refcount_inc(&copy->origin->sharers);
	copy->data = message->data;
	copy->loan = message->loan;
	copy->seq = message->seq;
	copy->prio = message->prio;
	copy->tag = message->tag;
	copy->pid = get_pid(message->pid);
	copy->uid = message->uid;
	copy->gid = message->gid;
}

/**
 * mbox_message_share() - make a message like another, with the same data
 * @message: the other; the caller has a reference
 * @user: who pays, as for data of its own: the other's sender need not know
 *
 * Return: the message, for mbox_message_put(), or -EDQUOT, -ENOMEM.
 */
struct mbox_message *mbox_message_share(struct mbox_message *message,
					struct mbox_user *user)
{
	size_t charge = message->loan ? MBOX_SMALL :
			sizeof(struct mbox_message) + message->len;
	struct mbox_message *copy;
	int err;

	err = mbox_charge(user, MBOX_BYTES, charge);
	if (err)
		return ERR_PTR(err);
	copy = mbox_message_alloc(sizeof(*copy));
	if (!copy) {
		mbox_uncharge(user, MBOX_BYTES, charge);
		return ERR_PTR(-ENOMEM);
	}
	mbox_message_share_init(copy, message);
	copy->user = mbox_user_share(user);
	copy->charge = charge;
	return copy;
}

/**
 * mbox_message_copy() - copy a message's data out
 * @message: the message
 * @to: at least as large
 *
 * Return: 0, -EFAULT, or for a loan what mbox_loan_copy() returns.
 */
int mbox_message_copy(const struct mbox_message *message, struct iov_iter *to)
{
	if (unlikely(message->loan))
		return mbox_loan_copy(message, to);
	if (unlikely(message->pinned))
		return mbox_pages_copy(message, to);
	return _copy_to_iter(message->data, message->len, to) == message->len ?
		       0 : -EFAULT;
}

/**
 * mbox_message_put() - drop a reference
 * @mailbox: where the message was to go
 * @message: the message
 */
void mbox_message_put(struct mbox_mailbox *mailbox,
		      struct mbox_message *message)
{
	if (!refcount_dec_and_test(&message->ref))
		return;
	if (message->cargo)
		mbox_cargo_free(message->cargo);
	mbox_uncharge(message->user, MBOX_BYTES, message->charge);
	mbox_user_put(message->user);
	put_pid(message->pid);
	if (message->origin) {
		mbox_message_leave(mailbox, message->origin);
		kfree(message);
	} else {
		mbox_message_leave(mailbox, message);
	}
}

/**
 * mbox_message_put_waiting() - drop a reference, and perhaps go on to wait
 * @mailbox: where the message was to go
 * @message: the message, which nobody else puts now
 */
void mbox_message_put_waiting(struct mbox_mailbox *mailbox,
			      struct mbox_message *message)
{
	if (message->cargo)
		message->cargo->later = true;
	mbox_message_put(mailbox, message);
}
