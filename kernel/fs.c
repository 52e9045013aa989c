// SPDX-License-Identifier: GPL-2.0
/*
 * mboxfs: the names of a network namespace as files.
 *
 * Nothing is kept here that the table of names does not have: an inode stands
 * for an object as long as somebody uses it, and a directory entry is looked up
 * again each time. So whatever is created, renamed or removed by an ioctl shows
 * at once, in every mount.
 */
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/pagemap.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/statfs.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>

#include "compat.h"
#include "fs.h"
#include "mailbox.h"
#include "segment.h"
#include "stream.h"

#define MBOXFS_ROOT	1	/* its inode number; those of objects follow */
#define MBOXFS_BATCH	64	/* names that are listed in one hold of the lock */

/**
 * struct mboxfs - a mount
 * @net: whose names it shows, constant
 * @capacity: of a mailbox that is made by creating a file, in messages
 * @msgsize: its largest message in bytes
 * @uid: owner of the root
 * @gid: group of the root
 * @mode: permission bits of the root
 *
 * All but @net change by a remount only.
 */
struct mboxfs {
	struct net *net;
	u64 capacity;
	u64 msgsize;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
};

static struct mboxfs *mboxfs_of(const struct super_block *sb)
{
	return sb->s_fs_info;
}

static struct mbox_ns *mboxfs_ns(const struct super_block *sb)
{
	return mbox_ns_of(mboxfs_of(sb)->net);
}

static struct mbox_object *mboxfs_object(const struct inode *inode)
{
	return inode->i_private;
}

static u64 mboxfs_size_locked(struct mbox_object *object)
{
	struct mbox_ioc_segment_status segment;
	struct mbox_ioc_status status;

	if (object->ops->kind == MBOX_SEGMENT) {
		mbox_segment_status_locked(to_segment(object), &segment);
		return segment.length;
	}
	mbox_mailbox_status_locked(to_mailbox(object), &status);
	return status.queued_bytes;
}

/* Owner and mode can be changed, and the size does change, by other ways. */
static void mboxfs_refresh(struct inode *inode)
{
	struct mbox_object *object = mboxfs_object(inode);

	if (!object)
		return;
	mutex_lock(&object->ns->lock);
	inode->i_mode = (inode->i_mode & S_IFMT) | object->mode;
	inode->i_uid = object->uid;
	inode->i_gid = object->gid;
	i_size_write(inode, mboxfs_size_locked(object));
	mutex_unlock(&object->ns->lock);
}

static int mboxfs_permission(struct mbox_idmap *idmap, struct inode *inode,
			     int mask)
{
	if (mask & MAY_NOT_BLOCK)
		return -ECHILD;
	mboxfs_refresh(inode);
	return generic_permission(idmap, inode, mask);
}

static int mboxfs_getattr(struct mbox_idmap *idmap, const struct path *path,
			  struct kstat *stat, u32 mask, unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);

	mboxfs_refresh(inode);
	mbox_fillattr(idmap, mask, inode, stat);
	return 0;
}

/* A shell that writes to a file cuts it first: a message is not to be lost so. */
static int mboxfs_truncate(struct mbox_object *object, const struct iattr *attr)
{
	const struct mbox_ioc_set set = {
		.fields = MBOX_SET_LENGTH,
		.length = attr->ia_size,
	};

	if (attr->ia_valid & ATTR_OPEN)
		return 0;
	if (object->ops->kind != MBOX_SEGMENT ||
	    !mbox_segment_length_valid(attr->ia_size))
		return -EINVAL;
	return mbox_segment_set(to_segment(object), &set);
}

/* Only what was asked for: the rest can have been changed since. */
static void mboxfs_apply(struct mbox_object *object, const struct inode *inode,
			 unsigned int valid)
{
	mutex_lock(&object->ns->lock);
	if (valid & ATTR_MODE)
		object->mode = inode->i_mode & 0777;
	if (valid & ATTR_UID)
		object->uid = inode->i_uid;
	if (valid & ATTR_GID)
		object->gid = inode->i_gid;
	mutex_unlock(&object->ns->lock);
}

static int mboxfs_setattr(struct mbox_idmap *idmap, struct dentry *dentry,
			  struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	struct mbox_object *object = mboxfs_object(inode);
	int err;

	mboxfs_refresh(inode);
	err = setattr_prepare(idmap, dentry, attr);
	if (!err && attr->ia_valid & ATTR_SIZE)
		err = mboxfs_truncate(object, attr);
	if (err)
		return err;
	setattr_copy(idmap, inode, attr);
	mboxfs_apply(object, inode, attr->ia_valid);
	return 0;
}

static int mboxfs_open(struct inode *inode, struct file *file)
{
	return mbox_object_open_file(mboxfs_object(inode), inode, file);
}

static const struct inode_operations mboxfs_inode_ops = {
	.permission = mboxfs_permission,
	.getattr = mboxfs_getattr,
	.setattr = mboxfs_setattr,
};

/* Until it is open: then it has those of the object. */
static const struct file_operations mboxfs_file_ops = {
	.owner = THIS_MODULE,
	.open = mboxfs_open,
};

static void mboxfs_inode_init(struct inode *inode, struct mbox_object *object)
{
	inode->i_private = object;
	inode->i_mode = object->ops->kind == MBOX_STREAM ? S_IFIFO : S_IFREG;
	inode->i_op = &mboxfs_inode_ops;
	inode->i_fop = &mboxfs_file_ops;
	mbox_inode_init_times(inode);
	mboxfs_refresh(inode);
}

/* Takes over a reference to the object. Return: the inode or -ENOMEM. */
static struct inode *mboxfs_inode_get(struct super_block *sb,
				      struct mbox_object *object)
{
	struct inode *inode = iget_locked(sb, MBOXFS_ROOT + object->id);

	if (!inode) {
		mbox_object_put(object);
		return ERR_PTR(-ENOMEM);
	}
	if (inode->i_state & I_NEW) {
		mboxfs_inode_init(inode, object);
		unlock_new_inode(inode);
	} else {
		mbox_object_put(object);
	}
	return inode;
}

static void mboxfs_evict(struct inode *inode)
{
	struct mbox_object *object = mboxfs_object(inode);

	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	if (object) {
		mbox_object_put(object);
		mbox_collect_soon();
	}
}

static int mboxfs_revalidate(struct dentry *dentry, unsigned int flags)
{
	struct name_snapshot name;
	struct mbox_object *object;
	bool same;

	if (flags & LOOKUP_RCU)
		return -ECHILD;
	if (d_really_is_negative(dentry))
		return 0;
	take_dentry_name_snapshot(&name, dentry);
	object = mbox_name_get(mboxfs_ns(dentry->d_sb), name.name.name);
	release_dentry_name_snapshot(&name);
	same = object == mboxfs_object(d_inode(dentry));
	if (object)
		mbox_object_put(object);
	return same;
}

static const struct dentry_operations mboxfs_dentry_ops = {
	.d_revalidate = mboxfs_revalidate,
	.d_delete = always_delete_dentry,
};

static struct dentry *mboxfs_lookup(struct inode *dir, struct dentry *dentry,
				    unsigned int flags)
{
	struct mbox_object *object;
	struct inode *inode = NULL;

	if (dentry->d_name.len > MBOX_NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	object = mbox_name_get(mboxfs_ns(dir->i_sb), dentry->d_name.name);
	if (object)
		inode = mboxfs_inode_get(dir->i_sb, object);
	return d_splice_alias(inode, dentry);
}

/* Takes over a reference to an object that was made for it. */
static int mboxfs_instantiate(struct dentry *dentry, struct mbox_object *object)
{
	struct inode *inode;

	mbox_object_get(object);
	inode = mboxfs_inode_get(dentry->d_sb, object);
	if (IS_ERR(inode))
		mbox_object_unlink(object);
	else
		d_instantiate(dentry, inode);
	mbox_object_put(object);
	return PTR_ERR_OR_ZERO(inode);
}

/*
 * Somebody who need not be alone finds what another has made meanwhile, when
 * the name is looked up once more: hence -ESTALE.
 */
static int mboxfs_make(struct inode *dir, struct dentry *dentry,
		       const struct mbox_kind_ops *ops,
		       const struct mbox_ioc_create *create, bool alone)
{
	struct mbox_object *object;

	object = mbox_object_publish(ops, mboxfs_ns(dir->i_sb), create,
				     dentry->d_name.name);
	if (object == ERR_PTR(-EEXIST) && !alone)
		return -ESTALE;
	if (IS_ERR(object))
		return PTR_ERR(object);
	return mboxfs_instantiate(dentry, object);
}

static int mboxfs_create(struct mbox_idmap *idmap, struct inode *dir,
			 struct dentry *dentry, umode_t mode, bool alone)
{
	const struct mbox_ioc_create create = {
		.capacity = mboxfs_of(dir->i_sb)->capacity,
		.msgsize = mboxfs_of(dir->i_sb)->msgsize,
		.mode = mode & 0777,
	};

	return mboxfs_make(dir, dentry, &mbox_mailbox_ops, &create, alone);
}

static int mboxfs_mknod(struct mbox_idmap *idmap, struct inode *dir,
			struct dentry *dentry, umode_t mode, dev_t device)
{
	const struct mbox_ioc_create create = {
		.capacity = MBOX_STREAM_CAPACITY,
		.mode = mode & 0777,
		.flags = MBOX_BYTE_STREAM,
	};

	if (!S_ISFIFO(mode))
		return -EPERM;
	return mboxfs_make(dir, dentry, &mbox_stream_ops, &create, true);
}

static int mboxfs_unlink(struct inode *dir, struct dentry *dentry)
{
	return mbox_object_unlink(mboxfs_object(d_inode(dentry)));
}

static int mboxfs_rename(struct mbox_idmap *idmap, struct inode *dir,
			 struct dentry *dentry, struct inode *new_dir,
			 struct dentry *new_dentry, unsigned int flags)
{
	if (flags & ~RENAME_NOREPLACE)
		return -EINVAL;
	return mbox_object_rename(mboxfs_object(d_inode(dentry)),
				  new_dentry->d_name.name,
				  !(flags & RENAME_NOREPLACE));
}

static const struct inode_operations mboxfs_root_ops = {
	.lookup = mboxfs_lookup,
	.create = mboxfs_create,
	.mknod = mboxfs_mknod,
	.unlink = mboxfs_unlink,
	.rename = mboxfs_rename,
};

/* Return: whether there was room for it. */
static bool mboxfs_emit(struct dir_context *ctx, const struct mbox_entry *entry)
{
	ctx->pos = MBOXFS_ROOT + entry->id;
	return dir_emit(ctx, entry->name, strlen(entry->name), ctx->pos,
			entry->kind == MBOX_STREAM ? DT_FIFO : DT_REG);
}

/* The position is the number of the next inode, or more than that. */
static int mboxfs_readdir(struct file *file, struct dir_context *ctx)
{
	struct mbox_ns *ns = mboxfs_ns(file_inode(file)->i_sb);
	struct mbox_entry *entries;
	unsigned int i, nr;

	if (!dir_emit_dots(file, ctx))
		return 0;
	entries = kmalloc_array(MBOXFS_BATCH, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;
	do {
		nr = mbox_names_list(ns, ctx->pos - MBOXFS_ROOT, entries,
				     MBOXFS_BATCH);
		for (i = 0; i < nr && mboxfs_emit(ctx, &entries[i]); i++)
			ctx->pos++;
	} while (nr && i == nr);
	kfree(entries);
	return 0;
}

static const struct file_operations mboxfs_root_fops = {
	.owner = THIS_MODULE,
	.llseek = generic_file_llseek,
	.read = generic_read_dir,
	.iterate_shared = mboxfs_readdir,
};

static int mboxfs_show_options(struct seq_file *seq, struct dentry *root)
{
	const struct mboxfs *fs = mboxfs_of(root->d_sb);
	struct user_namespace *user_ns = seq_user_ns(seq);

	if (fs->capacity == MBOX_UNBOUNDED)
		seq_puts(seq, ",capacity=unbounded");
	else
		seq_printf(seq, ",capacity=%llu", fs->capacity);
	seq_printf(seq, ",msgsize=%llu,uid=%u,gid=%u,mode=%o", fs->msgsize,
		   from_kuid_munged(user_ns, fs->uid),
		   from_kgid_munged(user_ns, fs->gid), fs->mode);
	return 0;
}

static const struct super_operations mboxfs_super_ops = {
	.statfs = simple_statfs,
	.drop_inode = generic_delete_inode,
	.evict_inode = mboxfs_evict,
	.show_options = mboxfs_show_options,
};

enum mboxfs_param {
	MBOXFS_CAPACITY, MBOXFS_MSGSIZE, MBOXFS_UID, MBOXFS_GID, MBOXFS_MODE,
};

static const struct fs_parameter_spec mboxfs_params[] = {
	fsparam_string("capacity", MBOXFS_CAPACITY),
	fsparam_u64("msgsize", MBOXFS_MSGSIZE),
	fsparam_u32("uid", MBOXFS_UID),
	fsparam_u32("gid", MBOXFS_GID),
	fsparam_u32oct("mode", MBOXFS_MODE),
	{}
};

static int mboxfs_set_capacity(struct mboxfs *fs, const char *text)
{
	if (!strcmp(text, "unbounded")) {
		fs->capacity = MBOX_UNBOUNDED;
		return 0;
	}
	return kstrtoull(text, 10, &fs->capacity);
}

static int mboxfs_set_msgsize(struct mboxfs *fs, u64 msgsize)
{
	if (msgsize > MBOX_MSGSIZE_MAX)
		return -EINVAL;
	fs->msgsize = msgsize;
	return 0;
}

static int mboxfs_set_owner(struct mboxfs *fs, u32 number)
{
	fs->uid = make_kuid(current_user_ns(), number);
	return uid_valid(fs->uid) ? 0 : -EINVAL;
}

static int mboxfs_set_group(struct mboxfs *fs, u32 number)
{
	fs->gid = make_kgid(current_user_ns(), number);
	return gid_valid(fs->gid) ? 0 : -EINVAL;
}

static int mboxfs_parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	struct mboxfs *fs = fc->s_fs_info;
	struct fs_parse_result result;
	int opt = fs_parse(fc, mboxfs_params, param, &result);
	int err = 0;

	switch (opt) {
	case MBOXFS_CAPACITY:
		err = mboxfs_set_capacity(fs, param->string);
		break;
	case MBOXFS_MSGSIZE:
		err = mboxfs_set_msgsize(fs, result.uint_64);
		break;
	case MBOXFS_UID:
		err = mboxfs_set_owner(fs, result.uint_32);
		break;
	case MBOXFS_GID:
		err = mboxfs_set_group(fs, result.uint_32);
		break;
	case MBOXFS_MODE:
		fs->mode = result.uint_32 & 07777;
		break;
	default:
		return opt;
	}
	return err ? invalf(fc, "mboxfs: bad value for '%s'", param->key) : 0;
}

static int mboxfs_fill_super(struct super_block *sb, struct fs_context *fc)
{
	const struct mboxfs *fs = mboxfs_of(sb);
	struct inode *root;

	sb->s_magic = MBOXFS_MAGIC;
	sb->s_maxbytes = MAX_LFS_FILESIZE;
	/* What stdio gathers before it writes, and so a message of its. */
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_iflags |= SB_I_NOEXEC | SB_I_NODEV;
	sb->s_op = &mboxfs_super_ops;
	sb->s_d_op = &mboxfs_dentry_ops;
	sb->s_time_gran = 1;
	root = new_inode(sb);
	if (!root)
		return -ENOMEM;
	root->i_ino = MBOXFS_ROOT;
	root->i_mode = S_IFDIR | fs->mode;
	root->i_uid = fs->uid;
	root->i_gid = fs->gid;
	root->i_op = &mboxfs_root_ops;
	root->i_fop = &mboxfs_root_fops;
	set_nlink(root, 2);
	mbox_inode_init_times(root);
	sb->s_root = d_make_root(root);
	return sb->s_root ? 0 : -ENOMEM;
}

/* Each mount has its own defaults. */
static int mboxfs_get_tree(struct fs_context *fc)
{
	return get_tree_nodev(fc, mboxfs_fill_super);
}

/* Those of the root stay, which has had its own life since. */
static int mboxfs_reconfigure(struct fs_context *fc)
{
	const struct mboxfs *fs = fc->s_fs_info;
	struct mboxfs *mounted = mboxfs_of(fc->root->d_sb);

	mounted->capacity = fs->capacity;
	mounted->msgsize = fs->msgsize;
	return 0;
}

static void mboxfs_free(struct mboxfs *fs)
{
	if (!fs)
		return;
	put_net(fs->net);
	kfree(fs);
}

static void mboxfs_free_context(struct fs_context *fc)
{
	mboxfs_free(fc->s_fs_info);
}

static const struct fs_context_operations mboxfs_context_ops = {
	.parse_param = mboxfs_parse_param,
	.get_tree = mboxfs_get_tree,
	.reconfigure = mboxfs_reconfigure,
	.free = mboxfs_free_context,
};

static void mboxfs_defaults(struct mboxfs *fs, const struct fs_context *fc)
{
	if (fc->purpose == FS_CONTEXT_FOR_RECONFIGURE) {
		*fs = *mboxfs_of(fc->root->d_sb);
		return;
	}
	fs->net = current->nsproxy->net_ns;
	fs->capacity = MBOXFS_CAPACITY_DEFAULT;
	fs->msgsize = MBOXFS_MSGSIZE_DEFAULT;
	fs->uid = current_fsuid();
	fs->gid = current_fsgid();
	fs->mode = S_ISVTX | 0777;
}

/* Whoever mounts it must be capable over the network namespace. */
static int mboxfs_init_context(struct fs_context *fc)
{
	struct mboxfs *fs = kzalloc(sizeof(*fs), GFP_KERNEL_ACCOUNT);

	if (!fs)
		return -ENOMEM;
	mboxfs_defaults(fs, fc);
	get_net(fs->net);
	put_user_ns(fc->user_ns);
	fc->user_ns = get_user_ns(fs->net->user_ns);
	fc->s_fs_info = fs;
	fc->ops = &mboxfs_context_ops;
	return 0;
}

static void mboxfs_kill(struct super_block *sb)
{
	struct mboxfs *fs = mboxfs_of(sb);

	kill_anon_super(sb);
	mboxfs_free(fs);
}

static struct file_system_type mboxfs_type = {
	.owner = THIS_MODULE,
	.name = "mboxfs",
	.init_fs_context = mboxfs_init_context,
	.parameters = mboxfs_params,
	.kill_sb = mboxfs_kill,
	.fs_flags = FS_USERNS_MOUNT,
};
MODULE_ALIAS_FS("mboxfs");

int __init mbox_fs_init(void)
{
	return register_filesystem(&mboxfs_type);
}

void mbox_fs_exit(void)
{
	unregister_filesystem(&mboxfs_type);
}
