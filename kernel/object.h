/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What mailboxes and segments have in common: a name, an owner, a descriptor.
 *
 * Lifetime
 *
 * struct mbox_object is referenced by its name, if it has one, and by each of
 * its handles and inodes. A handle belongs to one open file and goes with it; a
 * mapping of a segment holds the file. An inode of mboxfs is there while a path
 * to it is in use. The last reference frees the object. Until then the
 * object pins the module, since a name alone keeps it alive.
 *
 * struct mbox_ns holds the names of one network namespace. It is referenced by
 * that namespace and by each of its objects, so that an object can outlive the
 * namespace that it was made in. The end of the namespace removes all names.
 *
 * struct mbox_user is one user's account. It is referenced by each object that
 * it pays for, each handle that it opened and each message that it sent.
 *
 * Lock order
 *
 *   mbox_segment.resize
 *     mbox_ns.lock
 *       mbox_segment.lock, also inside the mmap lock
 *       mbox_mailbox.lock
 *         wait queues, signal locks
 *
 *   the i_rwsem of mboxfs
 *     mbox_ns.lock
 *
 *   mbox_mailbox.snapshot
 *     the transit lock, see handles.h
 *       mbox_mailbox.lock
 *
 * The mmap lock is never taken inside any of them.
 */
#ifndef _MBOX_OBJECT_H
#define _MBOX_OBJECT_H

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mbox.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>

struct mbox_handle;
struct mbox_message;
struct mbox_object;
struct mbox_user;

/**
 * enum mbox_resource - what a user holds some of
 * @MBOX_BYTES: of messages and segments
 * @MBOX_MAILBOXES: created
 * @MBOX_SEGMENTS: created
 * @MBOX_FDS: descriptors in messages
 * @MBOX_NR_RESOURCES: how many there are
 */
enum mbox_resource {
	MBOX_BYTES,
	MBOX_MAILBOXES,
	MBOX_SEGMENTS,
	MBOX_FDS,
	MBOX_NR_RESOURCES,
};

/**
 * struct mbox_ns - the objects of one network namespace
 * @ref: one for the namespace, one for each object
 * @lock: protects the names and attributes of all its objects
 * @names: named objects by name, protected by @lock
 * @processes: mailboxes of processes by process, protected by @lock
 * @objects: all objects, protected by @lock
 * @user_ns: capabilities over the objects are asked for here
 */
struct mbox_ns {
	struct kref ref;
	struct mutex lock;	/* @names, @processes, @objects, attributes */
	struct rb_root names;
	struct rb_root processes;
	struct list_head objects;
	struct user_namespace *user_ns;
};

/**
 * struct mbox_kind_ops - what the kinds of object do differently
 * @kind: which one this is
 * @resource: what its creator is charged one of
 * @label: what /proc/PID/fd shows
 * @fops: of a descriptor of the object
 * @create: make an object with a reference for the caller; @attr is the kind's
 *          own; takes @name and @user over unless it returns an error
 * @taken: can nobody else have these rights now? NULL if they always can
 * @opened: a handle with these rights was opened, or NULL
 * @meet: an object with a name was opened: wait until the opener can use it, or
 *        NULL
 * @closed: a handle with these rights was closed, or NULL
 * @free: the last reference is gone
 */
struct mbox_kind_ops {
	enum mbox_kind kind;
	enum mbox_resource resource;
	const char *label;
	const struct file_operations *fops;
	struct mbox_object *(*create)(struct mbox_ns *ns, const void *attr,
				      const char *name,
				      struct mbox_user *user);
	bool (*taken)(struct mbox_object *object, fmode_t rights);
	void (*opened)(struct mbox_handle *handle, fmode_t rights);
	int (*meet)(struct file *file);
	void (*closed)(struct mbox_handle *handle, fmode_t rights);
	void (*free)(struct mbox_object *object);
};

/**
 * struct mbox_object - base of mailboxes and segments
 * @ref: one for the name, one for each handle
 * @mode: permission bits, protected by @ns->lock
 * @own: it is the own mailbox of a process, constant
 * @expired: nobody is left to answer to its name, protected by @ns->lock
 * @ops: by kind, constant
 * @ns: constant
 * @user: who pays for it, constant
 * @id: unique in this boot, constant
 * @name: or NULL if anonymous; set at creation, or once; protected by
 *        @ns->lock while linked
 * @by_name: in @ns->names while linked, protected by @ns->lock
 * @node: in @ns->objects, protected by @ns->lock
 * @uid: owner, protected by @ns->lock
 * @gid: group, protected by @ns->lock
 */
struct mbox_object {
	struct kref ref;
	umode_t mode;
	bool own;
	bool expired;
	const struct mbox_kind_ops *ops;
	struct mbox_ns *ns;
	struct mbox_user *user;
	u64 id;
	const char *name;
	struct rb_node by_name;
	struct list_head node;
	kuid_t uid;
	kgid_t gid;
};

/**
 * struct mbox_entry - a name in a list of them
 * @id: of its object
 * @kind: what it stands for
 * @name: the name
 */
struct mbox_entry {
	u64 id;
	enum mbox_kind kind;
	char name[MBOX_NAME_MAX + 1];
};

/**
 * struct mbox_address - what to find an object by
 * @name: its name, or NULL
 * @pid: if it has no name, the process whose own mailbox it is
 */
struct mbox_address {
	const char *name;
	struct pid *pid;
};

/**
 * struct mbox_cursor - how far an open file has read a mailbox for broadcast
 * @next: the number of the message to be read next
 * @before: the message before it, if that is still in the log
 * @missed: messages that it did not get, and was not told of
 * @busy: a receive has the next message in hand; it alone moves the cursor
 * @contended: somebody else wanted to receive meanwhile
 *
 * Protected by the mailbox's lock, but for the receive that made it @busy.
 */
struct mbox_cursor {
	u64 next;
	struct mbox_message *before;
	u64 missed;
	bool busy;
	bool contended;
};

/**
 * struct mbox_handle - an open descriptor of an object
 * @object: what it stands for
 * @user: who opened it, and so pays for what is sent through it
 * @cursor: its own place in a mailbox for broadcast, if it can receive
 * @in_transit: how often it is in a message, protected by the transit lock (see
 *              handles.h)
 * @seen: how many of these the collector has met, protected likewise
 * @closes: how often a process has closed it, protected by the mailbox's lock
 * @seen_closes: what @closes was when the table of @seen_files had it, protected
 *               likewise
 * @seen_files: that table, which can be gone since
 * @peers: of a stream: how often the other side had been opened before it was
 *         there; protected by the mailbox's lock
 * @holds: what was received through it and is not done with, protected by the
 *         mailbox's lock
 */
struct mbox_handle {
	struct mbox_object *object;
	struct mbox_user *user;
	struct mbox_cursor cursor;
	u32 in_transit;
	u32 seen;
	u32 closes;
	u32 seen_closes;
	const struct files_struct *seen_files;
	u64 peers;
	struct list_head holds;
};

/* object.c */
void mbox_object_init(struct mbox_object *object,
		      const struct mbox_kind_ops *ops, struct mbox_ns *ns,
		      const char *name, struct mbox_user *user, umode_t mode);
void mbox_object_get(struct mbox_object *object);
void mbox_object_put(struct mbox_object *object);
bool mbox_object_permits(const struct mbox_object *object, int want);
bool mbox_object_owned(const struct mbox_object *object);
bool mbox_object_visible(const struct mbox_object *object);
int mbox_object_may_set(const struct mbox_object *object,
			const struct mbox_ioc_set *set);
void mbox_object_set(struct mbox_object *object,
		     const struct mbox_ioc_set *set);
bool mbox_rights_valid(enum mbox_kind kind, unsigned int oflag);
int mbox_object_open(const struct mbox_kind_ops *ops, struct mbox_object *fresh,
		     const struct mbox_address *address, unsigned int oflag);
struct mbox_object *mbox_object_new(const struct mbox_kind_ops *ops,
				    struct mbox_ns *ns, const void *attr,
				    const char *name);
struct mbox_object *mbox_object_publish(const struct mbox_kind_ops *ops,
					struct mbox_ns *ns, const void *attr,
					const char *name);
int mbox_object_open_file(struct mbox_object *object, struct inode *inode,
			  struct file *file);
int mbox_object_create(const struct mbox_kind_ops *ops, const void *attr,
		       const char *name, unsigned int oflag);
int mbox_fd_install(struct file *file);
int mbox_object_reopen(struct file *file, unsigned int oflag);
struct file *mbox_object_file(struct mbox_object *object, unsigned int oflag);
int mbox_handle_release(struct inode *inode, struct file *file);

/* names.c */
int mbox_names_init(void);
void mbox_names_exit(void);
struct mbox_ns *mbox_ns_of(struct net *net);
struct mbox_ns *mbox_ns_current(void);
void mbox_ns_add(struct mbox_ns *ns, struct mbox_object *object);
void mbox_ns_remove(struct mbox_object *object);
char *mbox_name_from_user(u64 address);
struct mbox_object *mbox_name_open_locked(struct mbox_ns *ns, const char *name,
					  int want, enum mbox_kind kind);
struct mbox_object *mbox_name_create_locked(struct mbox_object *fresh, int want,
					    bool exclusive);
int mbox_name_link(struct mbox_object *object, const char *name);
int mbox_name_unlink(const char *name);
bool mbox_name_expire_locked(struct mbox_object *object);
void mbox_name_dropped(struct mbox_object *object);
int mbox_object_unlink(struct mbox_object *object);
int mbox_object_rename(struct mbox_object *object, const char *name,
		       bool replace);
struct mbox_object *mbox_name_get(struct mbox_ns *ns, const char *name);
unsigned int mbox_names_list(struct mbox_ns *ns, u64 id,
			     struct mbox_entry *entries, unsigned int nr);

/*
 * There is no position in it, and what need not wait does not: io_uring and
 * RWF_NOWAIT ask for that.
 */
static inline void mbox_file_open(struct inode *inode, struct file *file)
{
	stream_open(inode, file);
	file->f_mode |= FMODE_NOWAIT;
}

/* process.c */
struct mbox_object *mbox_process_open_locked(struct mbox_ns *ns,
					     struct pid *pid, int want);
struct mbox_object *mbox_process_create_locked(struct mbox_object *fresh,
					       int want, bool exclusive);

/* accounting.c */
struct mbox_user *mbox_user_get(kuid_t uid);
struct mbox_user *mbox_user_share(struct mbox_user *user);
void mbox_user_put(struct mbox_user *user);
int mbox_charge(struct mbox_user *user, enum mbox_resource what,
		unsigned long amount);
void mbox_uncharge(struct mbox_user *user, enum mbox_resource what,
		   unsigned long amount);

/* ioctl.c */
long mbox_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long mbox_mailbox_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long mbox_duplex_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long mbox_stream_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long mbox_segment_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* proc.c */
int mbox_proc_add(struct net *net);
void mbox_proc_remove(struct net *net);
void mbox_show_fdinfo(struct seq_file *seq, struct file *file);

#endif /* _MBOX_OBJECT_H */
