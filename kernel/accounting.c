// SPDX-License-Identifier: GPL-2.0
/*
 * What each user holds, and how much a user may hold.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "object.h"

static unsigned long mbox_limit[MBOX_NR_RESOURCES] = {
	[MBOX_BYTES] = 256UL << 20,
	[MBOX_MAILBOXES] = 4096,
	[MBOX_SEGMENTS] = 1024,
	[MBOX_FDS] = 4096,
};

module_param_named(user_bytes, mbox_limit[MBOX_BYTES], ulong, 0644);
MODULE_PARM_DESC(user_bytes, "Bytes of messages and segments a user may hold");
module_param_named(user_mailboxes, mbox_limit[MBOX_MAILBOXES], ulong, 0644);
MODULE_PARM_DESC(user_mailboxes, "Mailboxes a user may hold");
module_param_named(user_segments, mbox_limit[MBOX_SEGMENTS], ulong, 0644);
MODULE_PARM_DESC(user_segments, "Segments a user may hold");
module_param_named(user_fds, mbox_limit[MBOX_FDS], ulong, 0644);
MODULE_PARM_DESC(user_fds, "Descriptors a user may hold in messages");

/**
 * struct mbox_user - one user's account
 * @ref: see the block on lifetime in object.h
 * @uid: which user, constant
 * @node: in mbox_users, protected by mbox_users_lock
 * @held: how much of each resource
 */
struct mbox_user {
	refcount_t ref;
	kuid_t uid;
	struct hlist_node node;
	atomic_long_t held[MBOX_NR_RESOURCES];
};

static DEFINE_MUTEX(mbox_users_lock);
static DEFINE_HASHTABLE(mbox_users, 6);	/* protected by mbox_users_lock */

static struct mbox_user *mbox_user_find_locked(kuid_t uid)
{
	struct mbox_user *user;

	lockdep_assert_held(&mbox_users_lock);
	hash_for_each_possible(mbox_users, user, node, __kuid_val(uid))
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

static struct mbox_user *mbox_user_new_locked(kuid_t uid)
{
	struct mbox_user *user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);

	lockdep_assert_held(&mbox_users_lock);
	if (!user)
		return ERR_PTR(-ENOMEM);
	refcount_set(&user->ref, 1);
	user->uid = uid;
	hash_add(mbox_users, &user->node, __kuid_val(uid));
	return user;
}

/**
 * mbox_user_get() - find a user's account, or open one
 * @uid: the user
 *
 * Return: a reference, for mbox_user_put(), or -ENOMEM.
 */
struct mbox_user *mbox_user_get(kuid_t uid)
{
	struct mbox_user *user;

	mutex_lock(&mbox_users_lock);
	user = mbox_user_find_locked(uid);
	if (user)
		refcount_inc(&user->ref);
	else
		user = mbox_user_new_locked(uid);
	mutex_unlock(&mbox_users_lock);
	return user;
}

/**
 * mbox_user_share() - take one more reference
 * @user: an account that the caller has a reference to
 */
struct mbox_user *mbox_user_share(struct mbox_user *user)
{
	refcount_inc(&user->ref);
	return user;
}

void mbox_user_put(struct mbox_user *user)
{
	if (!refcount_dec_and_mutex_lock(&user->ref, &mbox_users_lock))
		return;
	hash_del(&user->node);
	mutex_unlock(&mbox_users_lock);
	kfree(user);
}

/**
 * mbox_charge() - put something on a user's account
 * @user: the account
 * @what: which resource
 * @amount: how much
 *
 * Charged first and checked after it, so that two callers cannot both get the
 * last piece. What alone is too much is not charged, lest the sum overflow.
 *
 * Return: 0 or -EDQUOT.
 */
int mbox_charge(struct mbox_user *user, enum mbox_resource what,
		unsigned long amount)
{
	unsigned long limit = READ_ONCE(mbox_limit[what]);
	unsigned long held;

	if (amount > limit && !capable(CAP_SYS_RESOURCE))
		return -EDQUOT;
	held = atomic_long_add_return(amount, &user->held[what]);
	if (held <= limit || capable(CAP_SYS_RESOURCE))
		return 0;
	atomic_long_sub(amount, &user->held[what]);
	return -EDQUOT;
}

/**
 * mbox_uncharge() - take something off a user's account
 * @user: the account
 * @what: which resource
 * @amount: as it was charged
 */
void mbox_uncharge(struct mbox_user *user, enum mbox_resource what,
		   unsigned long amount)
{
	atomic_long_sub(amount, &user->held[what]);
}
