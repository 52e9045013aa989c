/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Descriptors in messages, and mailboxes that nobody can reach any more.
 *
 * Lifetime
 *
 * struct mbox_cargo belongs to a message and goes with it. Until then it holds
 * a reference to each of its files, so that a message keeps alive what it
 * carries. So does the one of a mailbox that names another for its dead letters.
 * A mailbox can so be kept alive by a message that only it could
 * deliver, its own or one of another such mailbox. The collector finds these,
 * and throws away their messages: see collect.c.
 *
 * Locking
 *
 * A mailbox is in transit while a message carries a descriptor of it. The
 * transit lock, a mutex in collect.c, protects all that is known of this, and
 * is held while such a descriptor is given to a receiver. mbox_mailbox.lock is
 * taken inside it, and it inside no other lock of mbox.
 */
#ifndef _MBOX_HANDLES_H
#define _MBOX_HANDLES_H

#include <linux/list.h>
#include <linux/types.h>

struct file;
struct mbox_fd;
struct mbox_mailbox;
struct mbox_user;

/**
 * struct mbox_item - one descriptor in a message
 * @file: what it stands for
 * @fd: the number that it got, while a receiver has the message
 * @node: in mbox_transit.items if @file is a mailbox, protected by the transit
 *        lock
 */
struct mbox_item {
	struct file *file;
	int fd;
	struct list_head node;
};

/**
 * struct mbox_cargo - the descriptors of one message
 * @home: the mailbox that the message is sent to, protected by the transit lock
 * @user: who is charged for them, constant; or NULL, in what is no message
 * @rcu: to close them later
 * @later: it is to be so
 * @mailboxes: some of them stand for mailboxes, constant
 * @nr: how many there are, at least 1, constant
 * @items: the descriptors
 */
struct mbox_cargo {
	struct mbox_mailbox *home;
	struct mbox_user *user;
	struct rcu_head rcu;
	bool later;
	bool mailboxes;
	u32 nr;
	struct mbox_item items[];
};

/**
 * struct mbox_transit - the mailboxes in transit to one mailbox
 * @items: of struct mbox_item, protected by the transit lock
 * @node: in mbox_homes unless @items is empty, protected by the transit lock
 * @held: for the collector, handles that nothing but messages hold
 * @reached: for the collector, somebody can get at the messages
 */
struct mbox_transit {
	struct list_head items;
	struct list_head node;
	u32 held;
	bool reached;
};

/* handles.c */
struct mbox_cargo *mbox_cargo_create(struct mbox_mailbox *home,
				     struct mbox_user *user,
				     const struct mbox_fd *fds, u32 nr);
struct mbox_cargo *mbox_cargo_hold(struct mbox_mailbox *home, struct file *file);
void mbox_cargo_free(struct mbox_cargo *cargo);
void mbox_handles_exit(void);
int mbox_cargo_land(struct mbox_cargo *cargo);
void mbox_cargo_recall(const struct mbox_cargo *cargo);

/* collect.c */
void mbox_transit_init(struct mbox_transit *transit);
void mbox_transit_add(struct mbox_cargo *cargo);
void mbox_transit_remove(struct mbox_cargo *cargo);
void mbox_transit_move(struct mbox_cargo *cargo, struct mbox_mailbox *home);
void mbox_transit_hold(void);
void mbox_transit_release(void);
void mbox_collect_soon(void);
void mbox_collect_exit(void);

#endif /* _MBOX_HANDLES_H */
