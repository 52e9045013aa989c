// SPDX-License-Identifier: GPL-2.0
/*
 * The collector: mailboxes that only messages in unreachable mailboxes hold.
 *
 * A mailbox can be reached by a reference that is not that of a handle, such as
 * its name's; by a handle whose file somebody beside the messages holds; as the
 * own mailbox of a process that lives; and by a message to a mailbox that can be
 * reached itself, or as the one for its dead letters. The collector marks what
 * can be reached so, starting from what messages do not hold. The rest is
 * garbage, and its messages are thrown away, which closes the descriptors in
 * them and ends the mailboxes.
 *
 * It runs beside senders and receivers, and stops none of them but for those of
 * mailboxes in messages. While it holds the transit lock
 *
 *  - no message that carries a mailbox comes into being, dies, moves to another
 *    mailbox, or gives its descriptors to a receiver;
 *  - hence a file that had no other reference than those of messages gets none,
 *    and a mailbox that had no other handles gets none.
 *
 * The references of one mailbox are looked at after those of another, and those
 * of the second may be gone when the collector comes to it:
 *
 *	receiver				collector
 *	takes a message with X from Y
 *						X: held by messages only
 *	is given X: needs the lock
 *	closes Y
 *						Y: held by messages only
 *
 * What a receiver has in hand needs no care of its own: in its system call the
 * receiver has Y open, so that Y is reached and X through it. It closes Y only
 * after the call, and the call ends either by giving the message back to Y, or
 * by being given X, for which it waits until the collector is done. Once the
 * lock is free the garbage stays garbage, as nobody is left to revive it: the
 * messages are thrown away without the lock.
 *
 * A reference that is held for a moment only, as epoll takes one to poll a
 * file, makes the collector take garbage for reached. And a file can lose its
 * last reference but those of messages without anybody telling mbox: when a
 * UNIX socket drops it, or a system call that outlived close(2) ends. So as
 * long as a mailbox is in transit the collector comes back, less and less often
 * while nothing happens.
 */
#include <linux/fs.h>
#include <linux/workqueue.h>

#include "mailbox.h"

#define MBOX_COLLECT_SOON	(HZ / 10)
#define MBOX_COLLECT_SELDOM	(10 * HZ)

static DEFINE_MUTEX(mbox_transit_lock);
static LIST_HEAD(mbox_homes);	/* protected by mbox_transit_lock */
static u32 mbox_in_transit;	/* items, written under mbox_transit_lock */
static bool mbox_collect_asked;	/* exchanged atomically */

static struct mbox_handle *mbox_item_handle(const struct mbox_item *item)
{
	return item->file->private_data;
}

static struct mbox_transit *mbox_item_transit(const struct mbox_item *item)
{
	return &to_mailbox(mbox_item_handle(item)->object)->transit;
}

static struct mbox_mailbox *mbox_home(const struct mbox_transit *transit)
{
	return container_of(transit, struct mbox_mailbox, transit);
}

void mbox_transit_init(struct mbox_transit *transit)
{
	INIT_LIST_HEAD(&transit->items);
	INIT_LIST_HEAD(&transit->node);
}

/**
 * mbox_transit_hold() - keep mailboxes in transit from being collected
 *
 * For as long as a receiver is given them.
 */
void mbox_transit_hold(void)
{
	mutex_lock(&mbox_transit_lock);
}

void mbox_transit_release(void)
{
	mutex_unlock(&mbox_transit_lock);
}

static void mbox_transit_count(struct mbox_item *item, int by)
{
	lockdep_assert_held(&mbox_transit_lock);
	mbox_item_handle(item)->in_transit += by;
	WRITE_ONCE(mbox_in_transit, mbox_in_transit + by);
}

static void mbox_transit_add_locked(struct mbox_cargo *cargo)
{
	struct mbox_transit *transit = &cargo->home->transit;
	struct mbox_item *item;

	for (item = cargo->items; item < cargo->items + cargo->nr; item++) {
		if (!mbox_is_mailbox(item->file))
			continue;
		list_add_tail(&item->node, &transit->items);
		mbox_transit_count(item, 1);
	}
	if (list_empty(&transit->node))
		list_add_tail(&transit->node, &mbox_homes);
}

static void mbox_transit_remove_locked(struct mbox_cargo *cargo)
{
	struct mbox_transit *transit = &cargo->home->transit;
	struct mbox_item *item;

	for (item = cargo->items; item < cargo->items + cargo->nr; item++) {
		if (!mbox_is_mailbox(item->file))
			continue;
		list_del(&item->node);
		mbox_transit_count(item, -1);
	}
	if (list_empty(&transit->items))
		list_del_init(&transit->node);
}

/**
 * mbox_transit_add() - mailboxes are put into a message
 * @cargo: its descriptors
 */
void mbox_transit_add(struct mbox_cargo *cargo)
{
	if (!cargo->mailboxes)
		return;
	mutex_lock(&mbox_transit_lock);
	mbox_transit_add_locked(cargo);
	mutex_unlock(&mbox_transit_lock);
	mbox_collect_soon();
}

/**
 * mbox_transit_remove() - a message that has mailboxes in it dies
 * @cargo: its descriptors
 */
void mbox_transit_remove(struct mbox_cargo *cargo)
{
	if (!cargo->mailboxes)
		return;
	mutex_lock(&mbox_transit_lock);
	mbox_transit_remove_locked(cargo);
	mutex_unlock(&mbox_transit_lock);
	mbox_collect_soon();
}

/**
 * mbox_transit_move() - a message goes from one mailbox to another
 * @cargo: its descriptors, or NULL
 * @home: the other mailbox
 */
void mbox_transit_move(struct mbox_cargo *cargo, struct mbox_mailbox *home)
{
	if (!cargo || !cargo->mailboxes)
		return;
	mutex_lock(&mbox_transit_lock);
	mbox_transit_remove_locked(cargo);
	cargo->home = home;
	mbox_transit_add_locked(cargo);
	mutex_unlock(&mbox_transit_lock);
}

/* The last item of a handle tells whether messages alone hold it. */
static void mbox_item_tally(const struct mbox_item *item)
{
	struct mbox_handle *handle = mbox_item_handle(item);

	if (++handle->seen < handle->in_transit)
		return;
	handle->seen = 0;
	if (file_count(item->file) == handle->in_transit)
		mbox_item_transit(item)->held++;
}

static void mbox_tally_locked(void)
{
	struct mbox_transit *home;
	struct mbox_item *item;

	lockdep_assert_held(&mbox_transit_lock);
	list_for_each_entry(home, &mbox_homes, node) {
		home->held = 0;
		home->reached = false;
	}
	list_for_each_entry(home, &mbox_homes, node)
		list_for_each_entry(item, &home->items, node)
			mbox_item_tally(item);
}

static void mbox_reach_locked(struct mbox_transit *home)
{
	home->reached = true;
	list_move_tail(&home->node, &mbox_homes);
}

/* Messages to a mailbox that is no home, having none, hold nothing. */
static void mbox_reach_items_locked(const struct mbox_transit *home)
{
	struct mbox_item *item;

	list_for_each_entry(item, &home->items, node) {
		struct mbox_transit *transit = mbox_item_transit(item);

		if (!list_empty(&transit->node) && !transit->reached)
			mbox_reach_locked(transit);
	}
}

/*
 * Can the mailbox be reached by somebody beside messages? Whoever knows the
 * process can open its mailbox, and a lease that ends by itself can send a
 * message on to the dead letters. That is looked at first: once there is neither, who opened
 * it before is counted.
 */
static bool mbox_is_root_locked(const struct mbox_transit *home)
{
	struct mbox_mailbox *mailbox = mbox_home(home);
	bool alive;

	spin_lock(&mailbox->lock);
	alive = (mailbox->process && !mbox_process_ended_locked(mailbox)) ||
		mbox_leased_locked(mailbox) || mailbox->leaving;
	spin_unlock(&mailbox->lock);
	return alive || kref_read(&mailbox->object.ref) != home->held;
}

/* Leave in mbox_homes those that can be reached, and the others in @garbage. */
static void mbox_mark_locked(struct list_head *garbage)
{
	struct mbox_transit *home, *next;

	lockdep_assert_held(&mbox_transit_lock);
	list_splice_init(&mbox_homes, garbage);
	list_for_each_entry_safe(home, next, garbage, node)
		if (mbox_is_root_locked(home))
			mbox_reach_locked(home);
	/* The list grows at its end meanwhile. */
	list_for_each_entry(home, &mbox_homes, node)
		mbox_reach_items_locked(home);
}

/*
 * Return: one of the garbage, with a reference, or NULL. Those whose last
 * handle is closed meanwhile go by themselves.
 */
static struct mbox_mailbox *mbox_garbage_next(struct list_head *garbage)
{
	struct mbox_mailbox *mailbox = NULL;
	struct mbox_transit *home, *next;

	mutex_lock(&mbox_transit_lock);
	list_for_each_entry_safe(home, next, garbage, node) {
		list_move_tail(&home->node, &mbox_homes);
		if (kref_get_unless_zero(&mbox_home(home)->object.ref)) {
			mailbox = mbox_home(home);
			break;
		}
	}
	mutex_unlock(&mbox_transit_lock);
	return mailbox;
}

/* Let go of all that the mailbox holds. */
static void mbox_discard(struct mbox_mailbox *mailbox)
{
	struct mbox_cargo *dead_letter = NULL;

	mbox_mailbox_drain(mailbox);
	mbox_holds_discard(mailbox);
	mbox_dead_letter_swap(mailbox, &dead_letter, 0);
	mbox_cargo_free(dead_letter);
}

static void mbox_collect_once(void)
{
	struct mbox_mailbox *mailbox;
	LIST_HEAD(garbage);

	mutex_lock(&mbox_transit_lock);
	mbox_tally_locked();
	mbox_mark_locked(&garbage);
	mutex_unlock(&mbox_transit_lock);
	while ((mailbox = mbox_garbage_next(&garbage))) {
		mbox_discard(mailbox);
		mbox_object_put(&mailbox->object);
	}
}

static void mbox_collect(struct work_struct *work)
{
	static unsigned long delay;

	if (xchg(&mbox_collect_asked, false))
		delay = MBOX_COLLECT_SOON;
	else
		delay = min(delay * 2, (unsigned long)MBOX_COLLECT_SELDOM);
	mbox_collect_once();
	if (READ_ONCE(mbox_in_transit))
		queue_delayed_work(system_unbound_wq, to_delayed_work(work),
				   delay);
}

static DECLARE_DELAYED_WORK(mbox_collect_work, mbox_collect);

/**
 * mbox_collect_soon() - something was let go of that may have left garbage
 *
 * Called after it where that can be; otherwise, as by close(2), shortly before.
 */
void mbox_collect_soon(void)
{
	if (READ_ONCE(mbox_in_transit) && !xchg(&mbox_collect_asked, true))
		mod_delayed_work(system_unbound_wq, &mbox_collect_work,
				 MBOX_COLLECT_SOON);
}

/**
 * mbox_collect_exit() - wait for the collector
 *
 * Nothing is in transit any more: what is pins the module.
 */
void mbox_collect_exit(void)
{
	cancel_delayed_work_sync(&mbox_collect_work);
}
