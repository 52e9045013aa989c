// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors in messages: from the sender's table, into the receiver's.
 */
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/net.h>
#include <linux/slab.h>

#include "compat.h"
#include "mailbox.h"

static bool mbox_is_unix_socket(struct file *file)
{
	struct socket *sock = sock_from_file(file);

	return sock && READ_ONCE(sock->ops)->family == PF_UNIX;
}

/* io_uring exports nothing to know its files by, but only it gives this name. */
static bool mbox_is_io_uring(const struct file *file)
{
	const struct dentry *dentry = file->f_path.dentry;

	return dentry->d_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       !strcmp(dentry->d_name.name, "[io_uring]");
}

/*
 * These hold files themselves. A mailbox in one, and the one in a message to
 * that mailbox, would keep each other alive: neither the collector of UNIX
 * sockets nor this one would see both.
 */
static bool mbox_holds_files(struct file *file)
{
	return mbox_is_unix_socket(file) || mbox_is_io_uring(file);
}

/* A right that the sender's own descriptor lacks cannot be given. */
static struct file *mbox_send_only(struct file *file)
{
	if (!mbox_is_mailbox(file))
		return ERR_PTR(-EINVAL);
	if (!(file->f_mode & FMODE_WRITE))
		return ERR_PTR(-EBADF);
	return mbox_object_file(&mbox_file_mailbox(file)->object,
				O_WRONLY | (file->f_flags & O_NONBLOCK));
}

/* Return: what @fd is to be received as, with a reference, or an error. */
static struct file *mbox_fd_file(const struct mbox_fd *fd)
{
	struct file *reduced, *file;

	if (fd->flags & ~MBOX_FD_SENDONLY)
		return ERR_PTR(-EINVAL);
	file = fget(fd->fd);
	if (!file)
		return ERR_PTR(-EBADF);
	if (mbox_holds_files(file)) {
		fput(file);
		return ERR_PTR(-EOPNOTSUPP);
	}
	if (!(fd->flags & MBOX_FD_SENDONLY))
		return file;
	reduced = mbox_send_only(file);
	fput(file);
	return reduced;
}

static int mbox_cargo_load(struct mbox_cargo *cargo, const struct mbox_fd *fd)
{
	struct file *file = mbox_fd_file(fd);

	if (IS_ERR(file))
		return PTR_ERR(file);
	cargo->mailboxes |= mbox_is_mailbox(file);
	cargo->items[cargo->nr++].file = file;
	return 0;
}

static void mbox_cargo_drop(struct mbox_cargo *cargo)
{
	u32 i;

	for (i = 0; i < cargo->nr; i++)
		fput(cargo->items[i].file);
	kfree(cargo);
}

static struct mbox_cargo *mbox_cargo_new(const struct mbox_fd *fds, u32 nr)
{
	struct mbox_cargo *cargo = kzalloc(struct_size(cargo, items, nr),
					   GFP_KERNEL_ACCOUNT);
	int err;
	u32 i;

	if (!cargo)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < nr; i++) {
		err = mbox_cargo_load(cargo, &fds[i]);
		if (err) {
			mbox_cargo_drop(cargo);
			return ERR_PTR(err);
		}
	}
	return cargo;
}

/**
 * mbox_cargo_create() - take descriptors of the caller's for a message
 * @home: the mailbox that the message is sent to
 * @user: who is charged for them
 * @fds: the descriptors
 * @nr: how many, 1 to MBOX_FDS_MAX
 *
 * Return: the cargo, or -EOPNOTSUPP, -EDQUOT, -ENOMEM, -EBADF, -EINVAL, -ENFILE.
 */
struct mbox_cargo *mbox_cargo_create(struct mbox_mailbox *home,
				     struct mbox_user *user,
				     const struct mbox_fd *fds, u32 nr)
{
	struct mbox_cargo *cargo;
	int err;

	if (!(home->flags & MBOX_HANDLES))
		return ERR_PTR(-EOPNOTSUPP);
	err = mbox_charge(user, MBOX_FDS, nr);
	if (err)
		return ERR_PTR(err);
	cargo = mbox_cargo_new(fds, nr);
	if (IS_ERR(cargo)) {
		mbox_uncharge(user, MBOX_FDS, nr);
		return cargo;
	}
	cargo->home = home;
	cargo->user = mbox_user_share(user);
	mbox_transit_add(cargo);
	return cargo;
}

/**
 * mbox_cargo_hold() - hold a mailbox for another, as a message to that would
 * @home: the other mailbox
 * @file: of the mailbox; the reference is taken over
 *
 * Return: the cargo, or NULL if there is no memory.
 */
struct mbox_cargo *mbox_cargo_hold(struct mbox_mailbox *home, struct file *file)
{
	struct mbox_cargo *cargo = kzalloc(struct_size(cargo, items, 1),
					   GFP_KERNEL_ACCOUNT);

	if (!cargo)
		return NULL;
	cargo->home = home;
	cargo->mailboxes = true;
	cargo->nr = 1;
	cargo->items[0].file = file;
	mbox_transit_add(cargo);
	return cargo;
}

static void mbox_cargo_drop_later(struct rcu_head *rcu)
{
	mbox_cargo_drop(container_of(rcu, struct mbox_cargo, rcu));
}

/* What is under way to be closed must not outlive the module. */
void mbox_handles_exit(void)
{
	rcu_barrier();
}

/**
 * mbox_cargo_free() - let go of the descriptors of a message
 * @cargo: the descriptors, or NULL
 *
 * Who drops the last reference of a file closes it on its way back to user
 * space, which a caller that goes on to wait is not on. For such callers there
 * is mbox_cargo.later: a callback has no user space to wait for.
 */
void mbox_cargo_free(struct mbox_cargo *cargo)
{
	if (!cargo)
		return;
	mbox_transit_remove(cargo);
	if (cargo->user) {
		mbox_uncharge(cargo->user, MBOX_FDS, cargo->nr);
		mbox_user_put(cargo->user);
	}
	if (cargo->later)
		call_rcu(&cargo->rcu, mbox_cargo_drop_later);
	else
		mbox_cargo_drop(cargo);
}

static void mbox_cargo_close(const struct mbox_cargo *cargo, u32 nr)
{
	while (nr--)
		close_fd(cargo->items[nr].fd);
}

/**
 * mbox_cargo_land() - give the caller the descriptors of a message
 * @cargo: the descriptors; the caller has the message in hand
 *
 * receive_fd() alone asks the security modules, and it makes the descriptor at
 * once. So they are made last of all, and on an error closed again.
 *
 * Return: 0, with mbox_item.fd set, or -EMFILE, -ENOMEM, or what a security
 * module says.
 */
int mbox_cargo_land(struct mbox_cargo *cargo)
{
	int fd = 0;
	u32 i;

	if (cargo->mailboxes)
		mbox_transit_hold();
	for (i = 0; i < cargo->nr && fd >= 0; i++) {
		fd = mbox_receive_fd(cargo->items[i].file, O_CLOEXEC);
		cargo->items[i].fd = fd;
	}
	if (cargo->mailboxes)
		mbox_transit_release();
	if (fd >= 0)
		return 0;
	mbox_cargo_close(cargo, i - 1);
	return fd;
}

/**
 * mbox_cargo_recall() - take the descriptors that have landed away again
 * @cargo: the descriptors, or NULL
 */
void mbox_cargo_recall(const struct mbox_cargo *cargo)
{
	if (cargo)
		mbox_cargo_close(cargo, cargo->nr);
}
