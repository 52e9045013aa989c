// SPDX-License-Identifier: GPL-2.0
/*
 * Messages that were received and are not done with: leases, and requests that
 * wait for their reply.
 */
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/slab.h>

#include "mailbox.h"

static void mbox_leases_expire(struct work_struct *work);

static bool mbox_leases_create(struct mbox_mailbox *mailbox)
{
	struct mbox_leases *leases = kmalloc(sizeof(*leases),
					     GFP_KERNEL_ACCOUNT);

	if (!leases)
		return false;
	leases->mailbox = mailbox;
	timerqueue_init_head(&leases->queue);
	INIT_DELAYED_WORK(&leases->work, mbox_leases_expire);
	leases->due = KTIME_MAX;
	if (cmpxchg(&mailbox->leases, NULL, leases))
		kfree(leases);
	return true;
}

/**
 * mbox_hold_create() - make what a lease needs
 * @mailbox: where it will be
 * @lease: how long it will be, or 0 for no end
 *
 * Return: the hold, for mbox_hold_free(), or NULL.
 */
struct mbox_hold *mbox_hold_create(struct mbox_mailbox *mailbox, u64 lease)
{
	if (lease && !READ_ONCE(mailbox->leases) &&
	    !mbox_leases_create(mailbox))
		return NULL;
	return xchg(&mailbox->spare_hold, NULL) ?:
	       kmalloc(sizeof(struct mbox_hold), GFP_KERNEL_ACCOUNT);
}

void mbox_hold_free(struct mbox_mailbox *mailbox, struct mbox_hold *hold)
{
	if (hold && cmpxchg(&mailbox->spare_hold, NULL, hold))
		kfree(hold);
}

static bool mbox_hold_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct mbox_hold, by_id)->id <
	       rb_entry(b, struct mbox_hold, by_id)->id;
}

/*
 * An acknowledgment does not stop the timer, nor need a lease that ends later
 * than one that was acknowledged set it anew.
 */
static void mbox_leases_arm_locked(struct mbox_leases *leases)
{
	struct timerqueue_node *first = timerqueue_getnext(&leases->queue);
	s64 left;

	lockdep_assert_held(&leases->mailbox->lock);
	if (!first || first->expires >= leases->due)
		return;
	leases->due = first->expires;
	left = max_t(s64, ktime_sub(first->expires, ktime_get()), 0);
	/* One jiffy more, lest it run before the lease is over. */
	mod_delayed_work(system_wq, &leases->work,
			 nsecs_to_jiffies64(left) + 1);
}

static void mbox_lease_start_locked(struct mbox_mailbox *mailbox,
				    struct mbox_hold *hold, u64 lease)
{
	if (!lease)
		return;
	hold->expiry.expires = ktime_add_safe(ktime_get(), lease);
	if (timerqueue_add(&mailbox->leases->queue, &hold->expiry))
		mbox_leases_arm_locked(mailbox->leases);
}

/* A request that is not leased has its hold on its caller's stack. */
static struct mbox_hold *mbox_hold_choose(struct mbox_sink *sink,
					  struct mbox_message *message)
{
	struct mbox_hold *hold = sink->hold;

	if (hold) {
		sink->hold = NULL;
		hold->leased = true;
		return hold;
	}
	hold = &container_of(message->waiter, struct mbox_call, waiter)->hold;
	hold->leased = false;
	return hold;
}

static void mbox_hold_start_locked(struct mbox_mailbox *mailbox,
				   struct mbox_hold *hold,
				   const struct mbox_sink *sink)
{
	struct mbox_handle *handle = sink->file->private_data;

	hold->id = sink->delivery;
	hold->file = sink->file;
	hold->files = current->files;
	hold->thread = get_pid(task_pid(current));
	rb_add(&hold->by_id, &mailbox->held, mbox_hold_before);
	list_add_tail(&hold->siblings, &handle->holds);
	timerqueue_init(&hold->expiry);
	mbox_lease_start_locked(mailbox, hold, sink->lease);
	mailbox->holds++;
}

/**
 * mbox_hold_locked() - keep a message that was received and is not done with
 * @mailbox: where it was
 * @sink: its receiver's
 * @message: the message
 *
 * A receiver that cannot answer ends the call.
 *
 * Return: whether the message is held, and no longer the receiver's.
 */
bool mbox_hold_locked(struct mbox_mailbox *mailbox, struct mbox_sink *sink,
		      struct mbox_message *message)
{
	lockdep_assert_held(&mailbox->lock);
	if (!sink->delivery) {
		if (message->call)
			mbox_call_fail_locked(mailbox, message);
		return false;
	}
	if (message->call)
		mbox_server_seen_locked(mailbox);
	message->hold = mbox_hold_choose(sink, message);
	message->hold->message = message;
	message->queue = &mailbox->queue;
	message->tracked = message->call;
	message->hasty = false;
	mbox_hold_start_locked(mailbox, message->hold, sink);
	return true;
}

/**
 * mbox_hold_find_locked() - find what was received
 * @mailbox: where
 * @file: through which descriptor
 * @id: the number that it was given
 *
 * Return: the hold or NULL.
 */
struct mbox_hold *mbox_hold_find_locked(struct mbox_mailbox *mailbox,
					const struct file *file, u64 id)
{
	struct rb_node *node = mailbox->held.rb_node;

	lockdep_assert_held(&mailbox->lock);
	while (node) {
		struct mbox_hold *hold = rb_entry(node, struct mbox_hold,
						  by_id);

		if (id == hold->id)
			return hold->file == file ? hold : NULL;
		node = id < hold->id ? node->rb_left : node->rb_right;
	}
	return NULL;
}

/**
 * mbox_hold_end_locked() - hold a message no longer
 * @mailbox: where
 * @hold: the message's
 *
 * Return: the hold, for mbox_hold_free() without the lock, or NULL if it was
 * the caller's.
 */
struct mbox_hold *mbox_hold_end_locked(struct mbox_mailbox *mailbox,
				       struct mbox_hold *hold)
{
	lockdep_assert_held(&mailbox->lock);
	rb_erase(&hold->by_id, &mailbox->held);
	list_del(&hold->siblings);
	if (timerqueue_node_queued(&hold->expiry))
		timerqueue_del(&mailbox->leases->queue, &hold->expiry);
	mailbox->holds--;
	put_pid(hold->thread);
	hold->message->hold = NULL;
	return hold->leased ? hold : NULL;
}

/**
 * struct mbox_dropped - what is left of a hold that has ended
 * @hold: to be freed, or NULL
 * @message: to be moved or freed, or NULL
 * @dead_letter: where to, or NULL
 */
struct mbox_dropped {
	struct mbox_hold *hold;
	struct mbox_message *message;
	struct file *dead_letter;
};

static bool mbox_undeliverable_locked(const struct mbox_mailbox *mailbox,
				      const struct mbox_message *message)
{
	return mailbox->dead_letter &&
	       message->deliveries >= mailbox->max_deliveries;
}

/* Until it is there, the collector is to see that it is on its way. */
static void mbox_hold_bury_locked(struct mbox_mailbox *mailbox,
				  struct mbox_dropped *dropped)
{
	dropped->dead_letter = get_file(mailbox->dead_letter->items[0].file);
	mailbox->leaving++;
}

static void mbox_dropped_bury(struct mbox_mailbox *mailbox,
			      const struct mbox_dropped *dropped)
{
	struct mbox_mailbox *to = mbox_file_mailbox(dropped->dead_letter);

	mbox_transit_move(dropped->message->cargo, to);
	mbox_snapshot_wait(mailbox);
	mbox_post(to, dropped->message);
	fput(dropped->dead_letter);
	spin_lock(&mailbox->lock);
	mailbox->leaving--;
	spin_unlock(&mailbox->lock);
}

/* A message is done with; a call is over. */
static void mbox_hold_finish_locked(struct mbox_mailbox *mailbox,
				    struct mbox_hold *hold,
				    struct mbox_dropped *dropped)
{
	struct mbox_message *message = hold->message;

	*dropped = (struct mbox_dropped) {
		.hold = mbox_hold_end_locked(mailbox, hold),
		.message = message,
	};
	if (message->call)
		mbox_call_fail_locked(mailbox, message);
}

/*
 * A leased message goes back, or to the dead letters; a call is over, unless it
 * goes back too.
 */
static void mbox_hold_drop_locked(struct mbox_mailbox *mailbox,
				  struct mbox_hold *hold,
				  struct mbox_dropped *dropped)
{
	struct mbox_message *message = hold->message;
	bool leased = hold->leased;
	bool last;

	*dropped = (struct mbox_dropped) { };
	dropped->hold = mbox_hold_end_locked(mailbox, hold);
	message->deliveries++;
	last = mbox_undeliverable_locked(mailbox, message);
	if (leased && !last) {
		mbox_untake_locked(mailbox, message);
		return;
	}
	dropped->message = message;
	if (message->call)
		mbox_call_fail_locked(mailbox, message);
	else
		mbox_hold_bury_locked(mailbox, dropped);
}

static void mbox_dropped_finish(struct mbox_mailbox *mailbox,
				const struct mbox_dropped *dropped)
{
	mbox_hold_free(mailbox, dropped->hold);
	if (dropped->dead_letter)
		mbox_dropped_bury(mailbox, dropped);
	else if (dropped->message)
		mbox_message_put_waiting(mailbox, dropped->message);
}

/**
 * mbox_acknowledge() - be done with a message that was received
 * @file: through which descriptor
 * @id: the number that it was given
 * @give_back: it is not to be gone
 *
 * A call ends without a reply, unless its request goes back.
 *
 * Return: 0 or -ESTALE.
 */
int mbox_acknowledge(struct file *file, u64 id, bool give_back)
{
	struct mbox_mailbox *mailbox = mbox_file_mailbox(file);
	struct mbox_dropped dropped;
	struct mbox_hold *hold;

	spin_lock(&mailbox->lock);
	hold = mbox_hold_find_locked(mailbox, file, id);
	if (hold && give_back)
		mbox_hold_drop_locked(mailbox, hold, &dropped);
	else if (hold)
		mbox_hold_finish_locked(mailbox, hold, &dropped);
	spin_unlock(&mailbox->lock);
	if (!hold)
		return -ESTALE;
	mbox_dropped_finish(mailbox, &dropped);
	return 0;
}

/*
 * Collect first: nothing that is given back is to be seen again here, should
 * the same process receive it meanwhile.
 */
static void mbox_holds_drop(struct file *file,
			    const struct files_struct *files)
{
	struct mbox_mailbox *mailbox = mbox_file_mailbox(file);
	struct mbox_handle *handle = file->private_data;
	struct mbox_dropped dropped;
	struct mbox_hold *hold, *next;
	LIST_HEAD(holds);

	spin_lock(&mailbox->lock);
	list_for_each_entry_safe(hold, next, &handle->holds, siblings)
		if (!files || hold->files == files)
			list_move_tail(&hold->siblings, &holds);
	while (!list_empty(&holds)) {
		hold = list_first_entry(&holds, struct mbox_hold, siblings);
		mbox_hold_drop_locked(mailbox, hold, &dropped);
		spin_unlock(&mailbox->lock);
		mbox_dropped_finish(mailbox, &dropped);
		cond_resched();
		spin_lock(&mailbox->lock);
	}
	spin_unlock(&mailbox->lock);
}

static int mbox_same_file(const void *file, struct file *other, unsigned int fd)
{
	return file == other;
}

static bool mbox_files_have(struct files_struct *files, struct file *file)
{
	return iterate_fd(files, 0, mbox_same_file, file);
}

/**
 * mbox_holds_flush() - a process closed a descriptor
 * @file: which
 * @files: of the process
 *
 * If it has no other of the same open file, drop what it received through that.
 */
void mbox_holds_flush(struct file *file, struct files_struct *files)
{
	struct mbox_mailbox *mailbox = mbox_file_mailbox(file);
	struct mbox_handle *handle = file->private_data;
	bool none;

	spin_lock(&mailbox->lock);
	handle->closes++;
	none = list_empty(&handle->holds);
	spin_unlock(&mailbox->lock);
	if (!none && !mbox_files_have(files, file))
		mbox_holds_drop(file, files);
}

/* A table that had the descriptor has it as long as nobody closes one. */
static void mbox_holds_look(struct file *file, struct files_struct *files)
{
	struct mbox_mailbox *mailbox = mbox_file_mailbox(file);
	struct mbox_handle *handle = file->private_data;
	bool seen;
	u32 closes;

	spin_lock(&mailbox->lock);
	closes = handle->closes;
	seen = handle->seen_files == files && handle->seen_closes == closes;
	spin_unlock(&mailbox->lock);
	if (seen)
		return;
	if (!mbox_files_have(files, file)) {
		mbox_holds_drop(file, files);
		return;
	}
	spin_lock(&mailbox->lock);
	handle->seen_files = files;
	handle->seen_closes = closes;
	spin_unlock(&mailbox->lock);
}

/**
 * mbox_holds_check() - something that is held was received
 * @file: through which descriptor
 *
 * The descriptor can have been closed meanwhile. Either that found the message
 * in the list, or this finds that there was a close:
 *
 *	receiver			closer
 *					take the descriptor out of the table
 *	lock, hold, unlock
 *					lock, @closes, look for holds, unlock
 *	look at @closes and the table
 *
 * The end of a child counts as a close too, and a table can be large: who was
 * seen to have the descriptor is not looked at again before the next one.
 */
void mbox_holds_check(struct file *file)
{
	struct mbox_handle *handle = file->private_data;

	if (READ_ONCE(handle->closes))
		mbox_holds_look(file, current->files);
}

/**
 * mbox_holds_release() - drop what was received through a descriptor
 * @file: the last reference to it is gone
 */
void mbox_holds_release(struct file *file)
{
	mbox_holds_drop(file, NULL);
}

/**
 * mbox_leased_locked() - will a lease end by itself?
 * @mailbox: the mailbox
 */
bool mbox_leased_locked(const struct mbox_mailbox *mailbox)
{
	lockdep_assert_held(&mailbox->lock);
	return mailbox->leases && timerqueue_getnext(&mailbox->leases->queue);
}

/* The lease that is over for the longest time, or NULL. */
static struct mbox_hold *mbox_lease_over_locked(struct mbox_leases *leases)
{
	struct timerqueue_node *first = timerqueue_getnext(&leases->queue);

	if (!first || ktime_after(first->expires, ktime_get()))
		return NULL;
	return container_of(first, struct mbox_hold, expiry);
}

static void mbox_leases_expire(struct work_struct *work)
{
	struct mbox_leases *leases = container_of(to_delayed_work(work),
						  struct mbox_leases, work);
	struct mbox_mailbox *mailbox = leases->mailbox;
	struct mbox_dropped dropped;
	struct mbox_hold *hold;

	spin_lock(&mailbox->lock);
	leases->due = KTIME_MAX;
	while ((hold = mbox_lease_over_locked(leases))) {
		mbox_hold_drop_locked(mailbox, hold, &dropped);
		spin_unlock(&mailbox->lock);
		mbox_dropped_finish(mailbox, &dropped);
		cond_resched();
		spin_lock(&mailbox->lock);
	}
	mbox_leases_arm_locked(leases);
	spin_unlock(&mailbox->lock);
}

/**
 * mbox_holds_discard() - throw all held messages away
 * @mailbox: a mailbox that nobody can reach any more, nor does a lease end
 */
void mbox_holds_discard(struct mbox_mailbox *mailbox)
{
	struct mbox_message *message;
	struct mbox_hold *hold;

	spin_lock(&mailbox->lock);
	while (!RB_EMPTY_ROOT(&mailbox->held)) {
		hold = rb_entry(rb_first(&mailbox->held), struct mbox_hold,
				by_id);
		message = hold->message;
		hold = mbox_hold_end_locked(mailbox, hold);
		spin_unlock(&mailbox->lock);
		mbox_hold_free(mailbox, hold);
		mbox_message_put(mailbox, message);
		cond_resched();
		spin_lock(&mailbox->lock);
	}
	spin_unlock(&mailbox->lock);
}

/**
 * mbox_holds_init() - set up a new mailbox's holds
 * @mailbox: the mailbox, zeroed
 */
void mbox_holds_init(struct mbox_mailbox *mailbox)
{
	mailbox->held = RB_ROOT;
}

/**
 * mbox_holds_exit() - end a dying mailbox's holds
 * @mailbox: the mailbox; nothing is held any more
 */
void mbox_holds_exit(struct mbox_mailbox *mailbox)
{
	if (mailbox->leases)
		cancel_delayed_work_sync(&mailbox->leases->work);
	kfree(mailbox->leases);
	mbox_cargo_free(mailbox->dead_letter);
	put_pid(mailbox->server);
	kfree(mailbox->spare_hold);
}

/**
 * mbox_dead_letter_swap() - choose where messages go that come back too often
 * @mailbox: the mailbox
 * @dead_letter: the other mailbox, or NULL for none; what it was before comes
 *               back
 * @deliveries: how often is too often
 */
void mbox_dead_letter_swap(struct mbox_mailbox *mailbox,
			   struct mbox_cargo **dead_letter, u32 deliveries)
{
	spin_lock(&mailbox->lock);
	swap(mailbox->dead_letter, *dead_letter);
	mailbox->max_deliveries = deliveries;
	spin_unlock(&mailbox->lock);
}
