// SPDX-License-Identifier: GPL-2.0
/*
 * How a name finds an object: one table a network namespace.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/nsproxy.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/sock.h>

#include "handles.h"
#include "object.h"

static unsigned int mbox_net_id;

/* struct net has room for a pointer only: the table can outlive it. */
struct mbox_net {
	struct mbox_ns *ns;
};

/**
 * mbox_ns_of() - the table of a network namespace
 * @net: the namespace
 */
struct mbox_ns *mbox_ns_of(struct net *net)
{
	struct mbox_net *mbox_net = net_generic(net, mbox_net_id);

	return mbox_net->ns;
}

/**
 * mbox_ns_current() - the table of the caller's network namespace
 */
struct mbox_ns *mbox_ns_current(void)
{
	return mbox_ns_of(current->nsproxy->net_ns);
}

static void mbox_ns_free(struct kref *ref)
{
	struct mbox_ns *ns = container_of(ref, struct mbox_ns, ref);

	put_user_ns(ns->user_ns);
	kfree(ns);
}

/**
 * mbox_ns_add() - list a new object and give it its number
 * @ns: where
 * @object: the object
 */
void mbox_ns_add(struct mbox_ns *ns, struct mbox_object *object)
{
	static atomic64_t last_id = ATOMIC64_INIT(0);

	kref_get(&ns->ref);
	object->ns = ns;
	mutex_lock(&ns->lock);
	/* Here, so that the list is in the order of the numbers. */
	object->id = atomic64_inc_return(&last_id);
	list_add_tail(&object->node, &ns->objects);
	mutex_unlock(&ns->lock);
}

/**
 * mbox_ns_remove() - take a dying object off the list
 * @object: the object; it has no name any more
 */
void mbox_ns_remove(struct mbox_object *object)
{
	struct mbox_ns *ns = object->ns;

	mutex_lock(&ns->lock);
	list_del(&object->node);
	mutex_unlock(&ns->lock);
	kref_put(&ns->ref, mbox_ns_free);
}

/**
 * mbox_name_from_user() - copy a name in and check it
 * @address: of a string in user space
 *
 * Return: the name, for kfree(), or -EFAULT, -EINVAL, -ENAMETOOLONG, -ENOMEM.
 */
char *mbox_name_from_user(u64 address)
{
	char *name = strndup_user(u64_to_user_ptr(address), MBOX_NAME_MAX + 1);

	if (IS_ERR(name))
		return PTR_ERR(name) == -EINVAL ? ERR_PTR(-ENAMETOOLONG) : name;
	if (!*name || strchr(name, '/') ||
	    !strcmp(name, ".") || !strcmp(name, "..")) {
		kfree(name);
		return ERR_PTR(-EINVAL);
	}
	return name;
}

static struct mbox_object *mbox_name_find(struct mbox_ns *ns, const char *name)
{
	struct rb_node *node = ns->names.rb_node;

	lockdep_assert_held(&ns->lock);
	while (node) {
		struct mbox_object *object =
			rb_entry(node, struct mbox_object, by_name);
		int order = strcmp(name, object->name);

		if (!order)
			return object;
		node = order < 0 ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static bool mbox_name_less(struct rb_node *a, const struct rb_node *b)
{
	return strcmp(rb_entry(a, struct mbox_object, by_name)->name,
		      rb_entry(b, struct mbox_object, by_name)->name) < 0;
}

/**
 * mbox_name_get() - find an object by its name
 * @ns: where
 * @name: the name
 *
 * Return: the object with a reference for the caller, or NULL.
 */
struct mbox_object *mbox_name_get(struct mbox_ns *ns, const char *name)
{
	struct mbox_object *object;

	mutex_lock(&ns->lock);
	object = mbox_name_find(ns, name);
	if (object)
		mbox_object_get(object);
	mutex_unlock(&ns->lock);
	return object;
}

/**
 * mbox_names_list() - list some names
 * @ns: where
 * @id: of the first object, or less than that
 * @entries: written, in the order of their objects' creation
 * @nr: how many of them there are
 *
 * Return: how many were written.
 */
unsigned int mbox_names_list(struct mbox_ns *ns, u64 id,
			     struct mbox_entry *entries, unsigned int nr)
{
	struct mbox_object *object;
	unsigned int i = 0;

	mutex_lock(&ns->lock);
	list_for_each_entry(object, &ns->objects, node) {
		if (i == nr)
			break;
		if (object->id < id || RB_EMPTY_NODE(&object->by_name))
			continue;
		entries[i].id = object->id;
		entries[i].kind = object->ops->kind;
		strscpy(entries[i++].name, object->name, MBOX_NAME_MAX + 1);
	}
	mutex_unlock(&ns->lock);
	return i;
}

/**
 * mbox_name_open_locked() - find an object that the caller may open
 * @ns: where, locked
 * @name: its name
 * @want: MAY_READ, MAY_WRITE or both, or 0 to look at it only
 * @kind: what it must be
 *
 * Return: the object with a reference for the caller, or -ENOENT, -EPROTOTYPE,
 * -EACCES.
 */
struct mbox_object *mbox_name_open_locked(struct mbox_ns *ns, const char *name,
					  int want, enum mbox_kind kind)
{
	struct mbox_object *object = mbox_name_find(ns, name);

	if (!object)
		return ERR_PTR(-ENOENT);
	if (object->ops->kind != kind)
		return ERR_PTR(-EPROTOTYPE);
	if (!mbox_object_permits(object, want))
		return ERR_PTR(-EACCES);
	mbox_object_get(object);
	return object;
}

static bool mbox_name_is_port(const char *name, u16 *port)
{
	size_t prefix = str_has_prefix(name, "stream:") ?:
			str_has_prefix(name, "datagram:") ?:
			str_has_prefix(name, "rpc:");

	return prefix && !kstrtou16(name + prefix, 10, port);
}

/* As with TCP, who answers at a well-known port is whom the system put there. */
static bool mbox_name_permitted(const struct mbox_ns *ns, const char *name)
{
	u16 port;

	return !mbox_name_is_port(name, &port) || port >= PROT_SOCK ||
	       ns_capable(ns->user_ns, CAP_NET_BIND_SERVICE);
}

static void mbox_name_add_locked(struct mbox_object *object)
{
	lockdep_assert_held(&object->ns->lock);
	rb_add(&object->by_name, &object->ns->names, mbox_name_less);
	mbox_object_get(object);
}

/**
 * mbox_name_create_locked() - give a new object its name
 * @fresh: the object; its namespace is locked
 * @want: rights that are asked for on an existing object
 * @exclusive: refuse an existing object
 *
 * Return: @fresh or the existing object of that name, with a reference for the
 * caller, or -EEXIST, -EPROTOTYPE, -EACCES.
 */
struct mbox_object *mbox_name_create_locked(struct mbox_object *fresh, int want,
					    bool exclusive)
{
	struct mbox_ns *ns = fresh->ns;
	struct mbox_object *object;

	object = mbox_name_open_locked(ns, fresh->name, want, fresh->ops->kind);
	if (object == ERR_PTR(-ENOENT)) {
		if (!mbox_name_permitted(ns, fresh->name))
			return ERR_PTR(-EACCES);
		mbox_name_add_locked(fresh);
		mbox_object_get(fresh);
		object = fresh;
	} else if (exclusive) {
		if (!IS_ERR(object))
			mbox_object_put(object);
		object = ERR_PTR(-EEXIST);
	}
	return object;
}

static int mbox_name_link_locked(struct mbox_object *object, const char *name)
{
	if (!mbox_object_owned(object))
		return -EPERM;
	if (object->name || object->own)
		return -EINVAL;
	if (!mbox_name_permitted(object->ns, name))
		return -EACCES;
	if (mbox_name_find(object->ns, name))
		return -EEXIST;
	if (object->expired)
		return -EPIPE;
	object->name = name;
	mbox_name_add_locked(object);
	return 0;
}

/**
 * mbox_name_link() - give an anonymous object a name
 * @object: the object
 * @name: taken over, unless there is an error
 *
 * Only from within the object's network namespace: that one is alive then, and
 * will remove the name at its end.
 *
 * Return: 0, -EXDEV, -EPERM, -EINVAL if it has or had a name or is a process's
 * own mailbox, -EACCES, -EEXIST or -EPIPE.
 */
int mbox_name_link(struct mbox_object *object, const char *name)
{
	struct mbox_ns *ns = mbox_ns_current();
	int err;

	if (object->ns != ns)
		return -EXDEV;
	mutex_lock(&ns->lock);
	err = mbox_name_link_locked(object, name);
	mutex_unlock(&ns->lock);
	return err;
}

static void mbox_name_remove_locked(struct mbox_object *object)
{
	lockdep_assert_held(&object->ns->lock);
	rb_erase(&object->by_name, &object->ns->names);
	RB_CLEAR_NODE(&object->by_name);
}

/* Return: 0 if the caller may take away the object's name, -ENOENT or -EPERM. */
static int mbox_name_may_remove(const struct mbox_object *object)
{
	if (RB_EMPTY_NODE(&object->by_name))
		return -ENOENT;
	return mbox_object_owned(object) ? 0 : -EPERM;
}

/* Return: 0, for mbox_name_dropped() once unlocked, -ENOENT or -EPERM. */
static int mbox_name_drop_locked(struct mbox_object *object)
{
	int err = mbox_name_may_remove(object);

	if (!err)
		mbox_name_remove_locked(object);
	return err;
}

/**
 * mbox_name_expire_locked() - nobody is behind a name any more, or a name to come
 * @object: whose; its namespace is locked
 *
 * Return: whether it had one; then mbox_name_dropped() comes once unlocked.
 */
bool mbox_name_expire_locked(struct mbox_object *object)
{
	object->expired = true;
	if (RB_EMPTY_NODE(&object->by_name))
		return false;
	mbox_name_remove_locked(object);
	return true;
}

/**
 * mbox_name_dropped() - a name was removed
 * @object: whose it was; gives up the name's reference
 */
void mbox_name_dropped(struct mbox_object *object)
{
	mbox_object_put(object);
	mbox_collect_soon();
}

/**
 * mbox_name_unlink() - remove a name
 * @name: in the caller's network namespace
 *
 * Return: 0, -ENOENT or -EPERM.
 */
int mbox_name_unlink(const char *name)
{
	struct mbox_ns *ns = mbox_ns_current();
	struct mbox_object *object;
	int err = -ENOENT;

	mutex_lock(&ns->lock);
	object = mbox_name_find(ns, name);
	if (object)
		err = mbox_name_drop_locked(object);
	mutex_unlock(&ns->lock);
	if (!err)
		mbox_name_dropped(object);
	return err;
}

/**
 * mbox_object_unlink() - remove an object's name
 * @object: the object
 *
 * Return: 0, -ENOENT or -EPERM.
 */
int mbox_object_unlink(struct mbox_object *object)
{
	struct mbox_ns *ns = object->ns;
	int err;

	mutex_lock(&ns->lock);
	err = mbox_name_drop_locked(object);
	mutex_unlock(&ns->lock);
	if (!err)
		mbox_name_dropped(object);
	return err;
}

/* Return: 0, with the object that had the name in *@old if there was one. */
static int mbox_name_take_locked(struct mbox_ns *ns, const char *name,
				 bool replace, struct mbox_object **old)
{
	struct mbox_object *object = mbox_name_find(ns, name);
	int err;

	if (!object)
		return 0;
	if (!replace)
		return -EEXIST;
	err = mbox_name_drop_locked(object);
	if (!err)
		*old = object;
	return err;
}

static int mbox_name_change(struct mbox_object *object, const char **name,
			    bool replace, struct mbox_object **old)
{
	struct mbox_ns *ns = object->ns;
	int err;

	mutex_lock(&ns->lock);
	err = mbox_name_may_remove(object);
	if (!err && !mbox_name_permitted(ns, *name))
		err = -EACCES;
	if (!err)
		err = mbox_name_take_locked(ns, *name, replace, old);
	if (!err) {
		rb_erase(&object->by_name, &ns->names);
		swap(object->name, *name);
		rb_add(&object->by_name, &ns->names, mbox_name_less);
	}
	mutex_unlock(&ns->lock);
	return err;
}

/**
 * mbox_object_rename() - give an object another name
 * @object: the object
 * @name: the name, which is not its own
 * @replace: take it from an object that has it
 *
 * Return: 0, -ENOENT, -EEXIST, -EPERM, -EACCES or -ENOMEM.
 */
int mbox_object_rename(struct mbox_object *object, const char *name,
		       bool replace)
{
	struct mbox_object *old = NULL;
	int err;

	name = kstrdup(name, GFP_KERNEL_ACCOUNT);
	if (!name)
		return -ENOMEM;
	err = mbox_name_change(object, &name, replace, &old);
	kfree(name);
	if (old)
		mbox_name_dropped(old);
	return err;
}

static int __net_init mbox_net_init(struct net *net)
{
	struct mbox_net *mbox_net = net_generic(net, mbox_net_id);
	struct mbox_ns *ns = kzalloc(sizeof(*ns), GFP_KERNEL_ACCOUNT);

	if (!ns)
		return -ENOMEM;
	kref_init(&ns->ref);
	mutex_init(&ns->lock);
	ns->names = RB_ROOT;
	ns->processes = RB_ROOT;
	INIT_LIST_HEAD(&ns->objects);
	ns->user_ns = get_user_ns(net->user_ns);
	mbox_net->ns = ns;
	if (!mbox_proc_add(net))
		return 0;
	kref_put(&ns->ref, mbox_ns_free);
	return -ENOMEM;
}

static struct mbox_object *mbox_ns_pop(struct mbox_ns *ns)
{
	struct mbox_object *object = NULL;
	struct rb_node *node;

	mutex_lock(&ns->lock);
	node = rb_first(&ns->names);
	if (node) {
		object = rb_entry(node, struct mbox_object, by_name);
		mbox_name_remove_locked(object);
	}
	mutex_unlock(&ns->lock);
	return object;
}

static void __net_exit mbox_net_exit(struct net *net)
{
	struct mbox_ns *ns = mbox_ns_of(net);
	struct mbox_object *object;

	mbox_proc_remove(net);
	while ((object = mbox_ns_pop(ns)))
		mbox_object_put(object);
	kref_put(&ns->ref, mbox_ns_free);
}

static struct pernet_operations mbox_net_ops = {
	.init = mbox_net_init,
	.exit = mbox_net_exit,
	.id = &mbox_net_id,
	.size = sizeof(struct mbox_net),
};

int __init mbox_names_init(void)
{
	return register_pernet_subsys(&mbox_net_ops);
}

void mbox_names_exit(void)
{
	unregister_pernet_subsys(&mbox_net_ops);
}
