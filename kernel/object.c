// SPDX-License-Identifier: GPL-2.0
/*
 * Objects: references, owner and mode, descriptors.
 */
#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "handles.h"
#include "object.h"
#include "trace.h"

/**
 * mbox_object_init() - set up the base of a new object
 * @object: the object, zeroed
 * @ops: its kind
 * @ns: where it belongs
 * @name: taken over, or NULL
 * @user: who pays; the reference is taken over
 * @mode: permission bits
 *
 * The caller runs in a file operation of the module, so that the module can be
 * pinned once more.
 */
void mbox_object_init(struct mbox_object *object,
		      const struct mbox_kind_ops *ops, struct mbox_ns *ns,
		      const char *name, struct mbox_user *user, umode_t mode)
{
	__module_get(THIS_MODULE);
	kref_init(&object->ref);
	object->ops = ops;
	object->user = user;
	object->name = name;
	RB_CLEAR_NODE(&object->by_name);
	object->uid = current_fsuid();
	object->gid = current_fsgid();
	object->mode = mode;
	mbox_ns_add(ns, object);
	trace_mbox_create(object);
}

void mbox_object_get(struct mbox_object *object)
{
	kref_get(&object->ref);
}

static void mbox_object_free(struct kref *ref)
{
	struct mbox_object *object = container_of(ref, struct mbox_object, ref);
	struct mbox_user *user = object->user;
	const char *name = object->name;

	trace_mbox_destroy(object);
	mbox_ns_remove(object);
	mbox_uncharge(user, object->ops->resource, 1);
	object->ops->free(object);
	mbox_user_put(user);
	kfree(name);
	module_put(THIS_MODULE);
}

void mbox_object_put(struct mbox_object *object)
{
	kref_put(&object->ref, mbox_object_free);
}

/* As for an inode: a capability over a namespace is one over its own users. */
static bool mbox_object_capable(const struct mbox_object *object, int cap)
{
	struct user_namespace *user_ns = object->ns->user_ns;

	return kuid_has_mapping(user_ns, object->uid) &&
	       kgid_has_mapping(user_ns, object->gid) &&
	       ns_capable(user_ns, cap);
}

static umode_t mbox_object_bits(const struct mbox_object *object)
{
	if (uid_eq(current_fsuid(), object->uid))
		return object->mode >> 6;
	if (in_group_p(object->gid))
		return object->mode >> 3;
	return object->mode;
}

/**
 * mbox_object_permits() - may the caller open the object?
 * @object: the object; its namespace's lock is held
 * @want: MAY_READ, MAY_WRITE or both, or 0 to look at it only
 */
bool mbox_object_permits(const struct mbox_object *object, int want)
{
	lockdep_assert_held(&object->ns->lock);
	if (!want)
		return mbox_object_visible(object);
	return (mbox_object_bits(object) & want) == want ||
	       mbox_object_capable(object, CAP_DAC_OVERRIDE);
}

/**
 * mbox_object_owned() - may the caller do what only the owner may?
 * @object: the object; its namespace's lock is held
 */
bool mbox_object_owned(const struct mbox_object *object)
{
	lockdep_assert_held(&object->ns->lock);
	return uid_eq(current_fsuid(), object->uid) ||
	       mbox_object_capable(object, CAP_FOWNER);
}

/**
 * mbox_object_visible() - may the caller know of the object?
 * @object: the object; its namespace's lock is held
 */
bool mbox_object_visible(const struct mbox_object *object)
{
	if (mbox_object_owned(object))
		return true;
	if (!object->name && !object->own)
		return mbox_object_capable(object, CAP_DAC_OVERRIDE);
	return mbox_object_permits(object, MAY_READ) ||
	       mbox_object_permits(object, MAY_WRITE);
}

static bool mbox_object_may_chown(const struct mbox_object *object,
				  kuid_t uid)
{
	return (uid_eq(current_fsuid(), object->uid) &&
		uid_eq(uid, object->uid)) ||
	       mbox_object_capable(object, CAP_CHOWN);
}

static bool mbox_object_may_chgrp(const struct mbox_object *object,
				  kgid_t gid)
{
	return (uid_eq(current_fsuid(), object->uid) &&
		(gid_eq(gid, object->gid) || in_group_p(gid))) ||
	       mbox_object_capable(object, CAP_CHOWN);
}

/**
 * mbox_object_may_set() - can the caller change owner, group and mode so?
 * @object: the object; its namespace's lock is held
 * @set: the change
 *
 * Return: 0, -EINVAL or -EPERM.
 */
int mbox_object_may_set(const struct mbox_object *object,
			const struct mbox_ioc_set *set)
{
	kuid_t uid = make_kuid(current_user_ns(), set->uid);
	kgid_t gid = make_kgid(current_user_ns(), set->gid);

	if (set->mode & ~0777 ||
	    (set->fields & MBOX_SET_UID && !uid_valid(uid)) ||
	    (set->fields & MBOX_SET_GID && !gid_valid(gid)))
		return -EINVAL;
	if (set->fields & MBOX_SET_MODE && !mbox_object_owned(object))
		return -EPERM;
	if (set->fields & MBOX_SET_UID && !mbox_object_may_chown(object, uid))
		return -EPERM;
	if (set->fields & MBOX_SET_GID && !mbox_object_may_chgrp(object, gid))
		return -EPERM;
	return 0;
}

/**
 * mbox_object_set() - change owner, group and mode
 * @object: the object; its namespace's lock is held
 * @set: a change that mbox_object_may_set() agreed to
 */
void mbox_object_set(struct mbox_object *object, const struct mbox_ioc_set *set)
{
	lockdep_assert_held(&object->ns->lock);
	if (set->fields & MBOX_SET_MODE)
		object->mode = set->mode;
	if (set->fields & MBOX_SET_UID)
		object->uid = make_kuid(current_user_ns(), set->uid);
	if (set->fields & MBOX_SET_GID)
		object->gid = make_kgid(current_user_ns(), set->gid);
}

/**
 * mbox_rights_valid() - is a descriptor with these rights of use?
 * @kind: of the object
 * @oflag: the rights
 *
 * mmap() needs the right to read: one that only writes could not map a segment.
 */
bool mbox_rights_valid(enum mbox_kind kind, unsigned int oflag)
{
	return kind != MBOX_SEGMENT || (oflag & O_ACCMODE) != O_WRONLY;
}

static int mbox_want(unsigned int oflag)
{
	static const int want[] = {
		[O_RDONLY] = MAY_READ,
		[O_WRONLY] = MAY_WRITE,
		[O_RDWR] = MAY_READ | MAY_WRITE,
		[O_WRONLY | O_RDWR] = 0,
	};

	return want[oflag & O_ACCMODE];
}

static struct mbox_object *
mbox_object_open_locked(struct mbox_ns *ns, enum mbox_kind kind,
			const struct mbox_address *address, int want)
{
	if (address->name)
		return mbox_name_open_locked(ns, address->name, want, kind);
	return mbox_process_open_locked(ns, address->pid, want);
}

static struct mbox_object *
mbox_object_publish_locked(struct mbox_object *fresh, int want, bool exclusive)
{
	if (fresh->name)
		return mbox_name_create_locked(fresh, want, exclusive);
	if (fresh->own)
		return mbox_process_create_locked(fresh, want, exclusive);
	mbox_object_get(fresh);
	return fresh;
}

/*
 * Let the handle stand for an object, whose namespace's lock is held. It is
 * counted as a user of the object before anybody else can look for that again.
 *
 * Return: 0 or -EBUSY.
 */
static int mbox_handle_become_locked(struct mbox_handle *handle,
				     struct mbox_object *object, fmode_t rights)
{
	if (object->ops->taken && object->ops->taken(object, rights))
		return -EBUSY;
	mbox_object_get(object);
	handle->object = object;
	if (object->ops->opened)
		object->ops->opened(handle, rights);
	return 0;
}

static int mbox_handle_attach(struct mbox_handle *handle, fmode_t rights,
			      const struct mbox_kind_ops *ops,
			      struct mbox_object *fresh,
			      const struct mbox_address *address,
			      unsigned int oflag)
{
	struct mbox_ns *ns = fresh ? fresh->ns : mbox_ns_current();
	int want = mbox_want(oflag);
	struct mbox_object *object;
	int err;

	mutex_lock(&ns->lock);
	object = fresh ? mbox_object_publish_locked(fresh, want, oflag & O_EXCL) :
			 mbox_object_open_locked(ns, ops->kind, address, want);
	err = IS_ERR(object) ? PTR_ERR(object) :
			       mbox_handle_become_locked(handle, object, rights);
	mutex_unlock(&ns->lock);
	if (!IS_ERR(object))
		mbox_object_put(object);
	return err;
}

static struct mbox_handle *mbox_handle_create(void)
{
	struct mbox_handle *handle;
	struct mbox_user *user;

	handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);
	if (!handle)
		return ERR_PTR(-ENOMEM);
	user = mbox_user_get(current_uid());
	if (IS_ERR(user)) {
		kfree(handle);
		return ERR_CAST(user);
	}
	handle->user = user;
	INIT_LIST_HEAD(&handle->holds);
	return handle;
}

static void mbox_handle_free(struct mbox_handle *handle)
{
	mbox_user_put(handle->user);
	kfree(handle);
}

static struct file *mbox_handle_file(const struct mbox_kind_ops *ops,
				     unsigned int oflag)
{
	struct mbox_handle *handle = mbox_handle_create();
	struct file *file;

	if (IS_ERR(handle))
		return ERR_CAST(handle);
	file = anon_inode_getfile(ops->label, ops->fops, handle,
				  oflag & (O_ACCMODE | O_NONBLOCK));
	if (IS_ERR(file)) {
		mbox_handle_free(handle);
		return file;
	}
	mbox_file_open(NULL, file);
	return file;
}

/**
 * mbox_object_file() - open an object once more
 * @object: the object
 * @oflag: the rights, which the caller may give, and O_NONBLOCK
 *
 * Return: a file or an error.
 */
struct file *mbox_object_file(struct mbox_object *object, unsigned int oflag)
{
	struct file *file = mbox_handle_file(object->ops, oflag);
	struct mbox_handle *fresh;

	if (IS_ERR(file))
		return file;
	fresh = file->private_data;
	mbox_object_get(object);
	fresh->object = object;
	mutex_lock(&object->ns->lock);
	if (object->ops->opened)
		object->ops->opened(fresh, file->f_mode);
	mutex_unlock(&object->ns->lock);
	return file;
}

/**
 * mbox_fd_install() - make a descriptor of a new file
 * @file: the file, which is taken over, or an error
 *
 * Return: the descriptor, that error, or -EMFILE.
 */
int mbox_fd_install(struct file *file)
{
	int fd;

	if (IS_ERR(file))
		return PTR_ERR(file);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		fput(file);
	else
		fd_install(fd, file);
	return fd;
}

/**
 * mbox_object_reopen() - make one more descriptor of an object
 * @file: a descriptor of it
 * @oflag: the rights, and O_NONBLOCK
 *
 * Return: the descriptor; -EBADF if @file lacks one of the rights, or -ENOMEM,
 * -EMFILE, -ENFILE.
 */
int mbox_object_reopen(struct file *file, unsigned int oflag)
{
	const struct mbox_handle *handle = file->private_data;
	int want = mbox_want(oflag);

	if ((want & MAY_READ && !(file->f_mode & FMODE_READ)) ||
	    (want & MAY_WRITE && !(file->f_mode & FMODE_WRITE)))
		return -EBADF;
	return mbox_fd_install(mbox_object_file(handle->object, oflag));
}

/* Nobody can come to an object that has no name. */
static int mbox_handle_meet(struct file *file)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_object *object = handle->object;

	return object->name && object->ops->meet ? object->ops->meet(file) : 0;
}

/**
 * mbox_object_open() - make a descriptor
 * @ops: the kind that the object must be of
 * @fresh: a new object to publish, or NULL to open an existing one
 * @address: which, if @fresh is NULL
 * @oflag: as in struct mbox_ioc_create, checked
 *
 * Everything that can fail comes before the name is looked up or made, and
 * nothing after it does, but for waiting until somebody else opens the object.
 *
 * Return: the descriptor or an error.
 */
int mbox_object_open(const struct mbox_kind_ops *ops, struct mbox_object *fresh,
		     const struct mbox_address *address, unsigned int oflag)
{
	struct file *file;
	int fd, err;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = mbox_handle_file(ops, oflag);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}

	err = mbox_handle_attach(file->private_data, file->f_mode, ops, fresh,
				 address, oflag);
	if (!err)
		err = mbox_handle_meet(file);
	if (err) {
		fput(file);
		put_unused_fd(fd);
		return err;
	}
	fd_install(fd, file);
	return fd;
}

/* As mbox_handle_attach(), for an object that is at hand. */
static int mbox_handle_attach_to(struct mbox_handle *handle,
				 struct mbox_object *object, fmode_t rights,
				 int want)
{
	int err = -EACCES;

	mutex_lock(&object->ns->lock);
	if (mbox_object_permits(object, want))
		err = mbox_handle_become_locked(handle, object, rights);
	mutex_unlock(&object->ns->lock);
	return err;
}

/**
 * mbox_object_open_file() - make a file of mboxfs a descriptor of an object
 * @object: the object
 * @inode: of @file
 * @file: in its open(); as if it came from mbox_object_open() afterwards
 *
 * Return: 0, -EINVAL, -EACCES, -EBUSY, -ENOMEM, or what waiting for the other
 * side returns.
 */
int mbox_object_open_file(struct mbox_object *object, struct inode *inode,
			  struct file *file)
{
	struct mbox_handle *handle;
	int err;

	if (!mbox_rights_valid(object->ops->kind, file->f_flags))
		return -EINVAL;
	handle = mbox_handle_create();
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	err = mbox_handle_attach_to(handle, object, file->f_mode,
				    mbox_want(file->f_flags));
	if (err) {
		mbox_handle_free(handle);
		return err;
	}
	file->private_data = handle;
	replace_fops(file, fops_get(object->ops->fops));
	mbox_file_open(inode, file);
	err = mbox_handle_meet(file);
	if (err)
		file->f_op->release(inode, file);
	return err;
}

/**
 * mbox_object_new() - make an object at the caller's expense
 * @ops: its kind
 * @ns: where it belongs
 * @attr: its attributes, as @ops->create takes them, checked
 * @name: taken over, unless there is an error, or NULL
 *
 * Return: the object with a reference for the caller, or -EDQUOT, -ENOMEM.
 */
struct mbox_object *mbox_object_new(const struct mbox_kind_ops *ops,
				    struct mbox_ns *ns, const void *attr,
				    const char *name)
{
	struct mbox_user *user = mbox_user_get(current_uid());
	struct mbox_object *object;
	int err;

	if (IS_ERR(user))
		return ERR_CAST(user);
	err = mbox_charge(user, ops->resource, 1);
	if (err) {
		object = ERR_PTR(err);
		goto put;
	}
	object = ops->create(ns, attr, name, user);
	if (!IS_ERR(object))
		return object;
	mbox_uncharge(user, ops->resource, 1);
put:
	mbox_user_put(user);
	return object;
}

/**
 * mbox_object_create() - create an object at the caller's expense and open it
 * @ops: its kind
 * @attr: its attributes, as @ops->create takes them, checked
 * @name: taken over, or NULL
 * @oflag: as in struct mbox_ioc_create, checked
 *
 * Return: a descriptor or an error.
 */
int mbox_object_create(const struct mbox_kind_ops *ops, const void *attr,
		       const char *name, unsigned int oflag)
{
	struct mbox_object *object = mbox_object_new(ops, mbox_ns_current(),
						     attr, name);
	int fd;

	if (IS_ERR(object)) {
		kfree(name);
		return PTR_ERR(object);
	}
	fd = mbox_object_open(ops, object, NULL, oflag);
	mbox_object_put(object);
	return fd;
}

/**
 * mbox_object_publish() - create an object with a name, and open it by none
 * @ops: its kind
 * @ns: where
 * @attr: its attributes, as @ops->create takes them, checked
 * @name: a name that is none of another's
 *
 * Return: the object with a reference for the caller, or -EEXIST, -EDQUOT,
 * -ENOMEM.
 */
struct mbox_object *mbox_object_publish(const struct mbox_kind_ops *ops,
					struct mbox_ns *ns, const void *attr,
					const char *name)
{
	struct mbox_object *fresh, *object;

	name = kstrdup(name, GFP_KERNEL_ACCOUNT);
	if (!name)
		return ERR_PTR(-ENOMEM);
	fresh = mbox_object_new(ops, ns, attr, name);
	if (IS_ERR(fresh)) {
		kfree(name);
		return fresh;
	}
	mutex_lock(&ns->lock);
	object = mbox_name_create_locked(fresh, 0, true);
	mutex_unlock(&ns->lock);
	mbox_object_put(fresh);
	return object;
}

int mbox_handle_release(struct inode *inode, struct file *file)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_object *object = handle->object;

	if (object) {
		if (object->ops->closed)
			object->ops->closed(handle, file->f_mode);
		mbox_object_put(object);
		mbox_collect_soon();
	}
	mbox_handle_free(handle);
	return 0;
}
