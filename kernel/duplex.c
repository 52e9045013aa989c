// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors for both directions: one reads a stream and writes another.
 *
 * Two streams are a connection when each end of it has one of them to read and
 * the other to write. There is no object of its own: the descriptor has a handle
 * of each stream.
 */
#include <linux/anon_inodes.h>
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/splice.h>

#include "compat.h"
#include "stream.h"

/* The bits of @shut in struct mbox_duplex. */
enum {
	MBOX_DUPLEX_IN,
	MBOX_DUPLEX_OUT,
	MBOX_DUPLEX_RESET,
};

/**
 * struct mbox_duplex - a descriptor of two streams
 * @in: of the one that is read; what looks at a descriptor sees this
 * @out: of the one that is written
 * @shut: MBOX_DUPLEX_IN and MBOX_DUPLEX_OUT, a bit for each that is shut down;
 *        MBOX_DUPLEX_RESET once told that the other end left bytes unread
 */
struct mbox_duplex {
	struct mbox_handle in;
	struct mbox_handle out;
	unsigned long shut;
};

static struct mbox_duplex *mbox_file_duplex(struct file *file)
{
	return container_of(file->private_data, struct mbox_duplex, in);
}

/* As of a socket, the end says once that what was written was not all read. */
static int mbox_duplex_end(struct mbox_duplex *duplex)
{
	if (!mbox_stream_lost(to_mailbox(duplex->out.object)) ||
	    test_and_set_bit(MBOX_DUPLEX_RESET, &duplex->shut))
		return 0;
	return -ECONNRESET;
}

static ssize_t mbox_duplex_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct mbox_duplex *duplex = mbox_file_duplex(iocb->ki_filp);
	ssize_t ret;

	if (!iov_iter_count(to) || test_bit(MBOX_DUPLEX_IN, &duplex->shut))
		return 0;
	ret = mbox_stream_receive(to_mailbox(duplex->in.object), to,
				  mbox_kiocb_nonblock(iocb));
	return ret ?: mbox_duplex_end(duplex);
}

/**
 * mbox_duplex_peek() - as mbox_stream_peek()
 * @file: a descriptor for both directions
 * @to: room for at least one byte
 * @nonblock: do not wait for one
 */
ssize_t mbox_duplex_peek(struct file *file, struct iov_iter *to, bool nonblock)
{
	struct mbox_duplex *duplex = mbox_file_duplex(file);

	if (test_bit(MBOX_DUPLEX_IN, &duplex->shut))
		return 0;
	return mbox_stream_peek(to_mailbox(duplex->in.object), to, nonblock);
}

static ssize_t mbox_duplex_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct mbox_duplex *duplex = mbox_file_duplex(iocb->ki_filp);

	if (!iov_iter_count(from))
		return 0;
	if (test_bit(MBOX_DUPLEX_OUT, &duplex->shut)) {
		send_sig(SIGPIPE, current, 0);
		return -EPIPE;
	}
	return mbox_stream_send(to_mailbox(duplex->out.object), from,
				mbox_kiocb_nonblock(iocb));
}

/**
 * mbox_duplex_written() - as mbox_stream_written()
 * @file: a descriptor for both directions
 */
u64 mbox_duplex_written(struct file *file)
{
	struct mbox_duplex *duplex = mbox_file_duplex(file);

	return mbox_stream_written(to_mailbox(duplex->out.object));
}

static bool mbox_duplex_ended(const struct mbox_duplex *duplex, int nr,
			      __poll_t events)
{
	return events & (EPOLLHUP | EPOLLERR) || test_bit(nr, &duplex->shut);
}

/* As of a socket: EPOLLHUP is for the end of both directions. */
static __poll_t mbox_duplex_poll(struct file *file, poll_table *wait)
{
	struct mbox_duplex *duplex = mbox_file_duplex(file);
	bool in_ended, out_ended;
	__poll_t in, out;

	poll_wait(file, &to_mailbox(duplex->in.object)->pollers, wait);
	poll_wait(file, &to_mailbox(duplex->out.object)->pollers, wait);
	in = mbox_stream_events(&duplex->in, FMODE_READ);
	out = mbox_stream_events(&duplex->out, FMODE_WRITE);
	in_ended = mbox_duplex_ended(duplex, MBOX_DUPLEX_IN, in);
	out_ended = mbox_duplex_ended(duplex, MBOX_DUPLEX_OUT, out);
	in &= ~EPOLLHUP;
	out &= ~EPOLLERR;
	if (in_ended)
		in |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (out_ended)
		out |= EPOLLOUT | EPOLLWRNORM;
	return in | out | (in_ended && out_ended ? EPOLLHUP : 0);
}

static void mbox_duplex_shut(struct mbox_duplex *duplex, int nr,
			     struct mbox_handle *handle, fmode_t rights)
{
	if (!test_and_set_bit(nr, &duplex->shut))
		handle->object->ops->closed(handle, rights);
}

/**
 * mbox_duplex_shutdown() - end a direction, or both
 * @file: a descriptor for both
 * @how: combination of enum mbox_shut
 */
void mbox_duplex_shutdown(struct file *file, u32 how)
{
	struct mbox_duplex *duplex = mbox_file_duplex(file);

	if (how & MBOX_SHUT_READ)
		mbox_duplex_shut(duplex, MBOX_DUPLEX_IN, &duplex->in,
				 FMODE_READ);
	if (how & MBOX_SHUT_WRITE)
		mbox_duplex_shut(duplex, MBOX_DUPLEX_OUT, &duplex->out,
				 FMODE_WRITE);
}

static int mbox_duplex_release(struct inode *inode, struct file *file)
{
	struct mbox_duplex *duplex = mbox_file_duplex(file);

	mbox_duplex_shutdown(file, MBOX_SHUT_READ | MBOX_SHUT_WRITE);
	mbox_object_put(duplex->in.object);
	mbox_object_put(duplex->out.object);
	mbox_collect_soon();
	mbox_user_put(duplex->in.user);
	mbox_user_put(duplex->out.user);
	kfree(duplex);
	return 0;
}

static const struct file_operations mbox_duplex_fops = {
	.owner = THIS_MODULE,
	.read_iter = mbox_duplex_read,
	.write_iter = mbox_duplex_write,
	.splice_read = mbox_splice_read,
	.splice_write = iter_file_splice_write,
	.poll = mbox_duplex_poll,
	.unlocked_ioctl = mbox_duplex_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = mbox_duplex_release,
	.show_fdinfo = mbox_show_fdinfo,
};

static void mbox_duplex_attach(struct mbox_handle *handle,
			       const struct mbox_handle *of, fmode_t rights)
{
	struct mbox_object *object = of->object;

	INIT_LIST_HEAD(&handle->holds);
	handle->user = mbox_user_share(of->user);
	handle->object = object;
	mbox_object_get(object);
	mutex_lock(&object->ns->lock);
	object->ops->opened(handle, rights);
	mutex_unlock(&object->ns->lock);
}

/**
 * mbox_duplex_file() - open two streams as one
 * @in: a descriptor of the one to be read
 * @out: of the one to be written
 * @oflag: O_NONBLOCK or 0
 *
 * Return: a file, -EBADF if one of them lacks the right, or -ENOMEM, -ENFILE.
 */
struct file *mbox_duplex_file(struct file *in, struct file *out,
			      unsigned int oflag)
{
	struct mbox_duplex *duplex;
	struct file *file;

	if (!(in->f_mode & FMODE_READ) || !(out->f_mode & FMODE_WRITE))
		return ERR_PTR(-EBADF);
	duplex = kzalloc(sizeof(*duplex), GFP_KERNEL_ACCOUNT);
	if (!duplex)
		return ERR_PTR(-ENOMEM);
	file = anon_inode_getfile("[mbox:duplex]", &mbox_duplex_fops,
				  &duplex->in, O_RDWR | oflag);
	if (IS_ERR(file)) {
		kfree(duplex);
		return file;
	}
	mbox_file_open(NULL, file);
	mbox_duplex_attach(&duplex->in, in->private_data, FMODE_READ);
	mbox_duplex_attach(&duplex->out, out->private_data, FMODE_WRITE);
	return file;
}
