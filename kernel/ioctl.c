// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls: which there are, and those that make, find and change objects.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <asm/ioctls.h>

#include "ioctl.h"
#include "mailbox.h"
#include "segment.h"
#include "stream.h"

/**
 * struct mbox_ioctl - one ioctl
 * @cmd: its number, with the size of the struct now
 * @min: size of the struct when it was first published
 * @handle: does it
 */
struct mbox_ioctl {
	unsigned int cmd;
	unsigned int min;
	long (*handle)(const struct mbox_request *request);
};

/* _last is the field that was the last one when the struct was first published. */
#define MBOX_IOCTL(_cmd, _type, _last, _handle) {			\
	.cmd = _cmd,							\
	.min = offsetofend(struct mbox_ioc_##_type, _last),		\
	.handle = _handle,						\
}

/* Descriptors are always close-on-exec, so O_CLOEXEC asks for nothing. */
static bool mbox_oflag_valid(u32 oflag, u32 allowed)
{
	return !(oflag & ~(O_ACCMODE | O_NONBLOCK | O_CLOEXEC | allowed));
}

static char *mbox_name_optional(u64 address)
{
	return address ? mbox_name_from_user(address) : NULL;
}

/*
 * Open the object that has the name, or that is of the process, if there is
 * one; otherwise create it.
 */
static long mbox_open_or_create(const struct mbox_kind_ops *ops, u64 name,
				struct pid *pid, const void *attr, u32 oflag)
{
	const struct mbox_address address = {
		.name = mbox_name_optional(name),
		.pid = pid,
	};
	int fd;

	if (IS_ERR(address.name))
		return PTR_ERR(address.name);
	if ((address.name || pid) && !(oflag & O_EXCL)) {
		fd = mbox_object_open(ops, NULL, &address, oflag);
		if (fd != -ENOENT) {
			kfree(address.name);
			return fd;
		}
	}
	return mbox_object_create(ops, attr, address.name, oflag);
}

static bool mbox_can_receive(u32 oflag)
{
	u32 right = oflag & O_ACCMODE;

	return right == O_RDONLY || right == O_RDWR;
}

/* A process has a mailbox to receive from it. */
static bool mbox_create_own_valid(const struct mbox_ioc_create *create)
{
	return !create->name && !(create->flags & (MBOX_BROADCAST | MBOX_TRANSIENT)) &&
	       mbox_can_receive(create->oflag);
}

/* A broadcast is never a rendezvous, and nothing else can lose messages. */
static bool mbox_create_flags_valid(const struct mbox_ioc_create *create)
{
	if (create->flags & MBOX_BYTE_STREAM)
		return create->flags == MBOX_BYTE_STREAM;
	if (create->flags & ~(MBOX_HANGUP | MBOX_OWN | MBOX_BROADCAST |
			      MBOX_LOSSY | MBOX_HANDLES | MBOX_TRANSIENT |
			      MBOX_TAGGED | MBOX_RINGS))
		return false;
	if (create->flags & MBOX_RINGS && create->flags & MBOX_TAGGED)
		return false;
	if (create->flags & (MBOX_OWN | MBOX_TAGGED) &&
	    create->capacity > MBOX_PEEK_MAX)
		return false;
	if (create->flags & MBOX_OWN && !mbox_create_own_valid(create))
		return false;
	if (create->flags & MBOX_TRANSIENT && !mbox_can_receive(create->oflag))
		return false;
	return create->flags & MBOX_BROADCAST ?
		       create->capacity &&
		       !(create->flags & (MBOX_HANDLES | MBOX_TAGGED |
					  MBOX_RINGS)) :
		       !(create->flags & MBOX_LOSSY);
}

static bool mbox_create_sizes_valid(const struct mbox_ioc_create *create)
{
	if (create->flags & MBOX_BYTE_STREAM)
		return mbox_stream_capacity_valid(create->capacity) &&
		       !create->msgsize && !create->bytes;
	return create->msgsize <= MBOX_MSGSIZE_MAX &&
	       (!create->bytes || create->bytes >= create->msgsize);
}

static bool mbox_create_valid(const struct mbox_ioc_create *create)
{
	return mbox_oflag_valid(create->oflag, O_EXCL) &&
	       mbox_create_flags_valid(create) && !create->__reserved &&
	       !(create->mode & ~0777) && mbox_create_sizes_valid(create);
}

static long mbox_ioctl_create(const struct mbox_request *request)
{
	struct mbox_ioc_create create;
	int err = mbox_request_get(request, &create);

	if (err)
		return err;
	if (!mbox_create_valid(&create))
		return -EINVAL;
	return mbox_open_or_create(create.flags & MBOX_BYTE_STREAM ?
					   &mbox_stream_ops : &mbox_mailbox_ops,
				   create.name,
				   create.flags & MBOX_OWN ?
					   task_tgid(current) : NULL,
				   &create, create.oflag);
}

static bool mbox_segment_valid(const struct mbox_ioc_segment *segment)
{
	return mbox_oflag_valid(segment->oflag, O_EXCL) &&
	       mbox_rights_valid(MBOX_SEGMENT, segment->oflag) &&
	       !(segment->flags & ~MBOX_HUGEPAGE) && !segment->__reserved &&
	       !(segment->mode & ~0777) &&
	       mbox_segment_length_valid(segment->length);
}

static long mbox_ioctl_segment(const struct mbox_request *request)
{
	struct mbox_ioc_segment segment;
	int err = mbox_request_get(request, &segment);

	if (err)
		return err;
	if (!mbox_segment_valid(&segment))
		return -EINVAL;
	return mbox_open_or_create(&mbox_segment_ops, segment.name, NULL,
				   &segment, segment.oflag);
}

static const struct mbox_kind_ops *mbox_kind_ops(u32 kind)
{
	switch (kind) {
	case MBOX_MAILBOX:
		return &mbox_mailbox_ops;
	case MBOX_SEGMENT:
		return &mbox_segment_ops;
	case MBOX_STREAM:
		return &mbox_stream_ops;
	default:
		return NULL;
	}
}

static long mbox_open_name(const struct mbox_ioc_open *open)
{
	char *name = mbox_name_from_user(open->name);
	const struct mbox_address address = { .name = name };
	long fd;

	if (IS_ERR(name))
		return PTR_ERR(name);
	fd = mbox_object_open(mbox_kind_ops(open->kind), NULL, &address,
			      open->oflag);
	kfree(name);
	return fd;
}

static long mbox_open_process(const struct mbox_ioc_open *open)
{
	struct mbox_address address = { .pid = mbox_process_get(open->pid) };
	long fd;

	if (IS_ERR(address.pid))
		return PTR_ERR(address.pid);
	fd = mbox_object_open(&mbox_mailbox_ops, NULL, &address, open->oflag);
	put_pid(address.pid);
	return fd;
}

static bool mbox_open_valid(const struct mbox_ioc_open *open)
{
	if (!mbox_oflag_valid(open->oflag, 0) ||
	    !mbox_rights_valid(open->kind, open->oflag) || open->__reserved)
		return false;
	if (open->pid && (open->name || open->pid < 0))
		return false;
	return open->pid ? open->kind == MBOX_MAILBOX :
			   !!mbox_kind_ops(open->kind);
}

static long mbox_ioctl_open(const struct mbox_request *request)
{
	struct mbox_ioc_open open;
	int err = mbox_request_get(request, &open);

	if (err)
		return err;
	if (!mbox_open_valid(&open))
		return -EINVAL;
	return open.pid ? mbox_open_process(&open) : mbox_open_name(&open);
}

static long mbox_ioctl_reopen(const struct mbox_request *request)
{
	struct mbox_handle *handle = request->file->private_data;
	struct mbox_ioc_open open;
	int err = mbox_request_get(request, &open);

	if (err)
		return err;
	if (!mbox_oflag_valid(open.oflag, 0) ||
	    !mbox_rights_valid(handle->object->ops->kind, open.oflag) ||
	    open.__reserved || open.name || open.pid || open.kind)
		return -EINVAL;
	return mbox_object_reopen(request->file, open.oflag);
}

static int mbox_join(struct file *in, int fd, unsigned int oflag)
{
	struct file *out = fget(fd), *file;

	if (!out)
		return -EBADF;
	file = mbox_is_stream(out) ? mbox_duplex_file(in, out, oflag) :
				     ERR_PTR(-ENOTTY);
	fput(out);
	return mbox_fd_install(file);
}

static long mbox_ioctl_join(const struct mbox_request *request)
{
	struct mbox_ioc_join join;
	int err = mbox_request_get(request, &join);

	if (err)
		return err;
	if (!mbox_oflag_valid(join.oflag, 0) ||
	    (join.oflag & O_ACCMODE) != O_RDWR)
		return -EINVAL;
	return mbox_join(request->file, join.out, join.oflag & O_NONBLOCK);
}

static long mbox_ioctl_peek(const struct mbox_request *request)
{
	struct file *file = request->file;
	struct mbox_ioc_peek peek;
	struct iov_iter to;
	bool nonblock;
	int err;

	err = mbox_request_get(request, &peek);
	if (err)
		return err;
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (peek.flags & ~MBOX_NONBLOCK || peek.__reserved)
		return -EINVAL;
	if (!peek.len)
		return 0;
	iov_iter_ubuf(&to, ITER_DEST, u64_to_user_ptr(peek.buf),
		      min_t(u64, peek.len, MAX_RW_COUNT));
	nonblock = peek.flags & MBOX_NONBLOCK || file->f_flags & O_NONBLOCK;
	return mbox_is_stream(file) ?
		mbox_stream_peek(mbox_file_mailbox(file), &to, nonblock) :
		mbox_duplex_peek(file, &to, nonblock);
}

static long mbox_ioctl_shutdown(const struct mbox_request *request)
{
	struct mbox_ioc_shutdown shutdown;
	int err = mbox_request_get(request, &shutdown);

	if (err)
		return err;
	if (!shutdown.how || shutdown.__reserved ||
	    shutdown.how & ~(MBOX_SHUT_READ | MBOX_SHUT_WRITE))
		return -EINVAL;
	mbox_duplex_shutdown(request->file, shutdown.how);
	return 0;
}

static long mbox_ioctl_unlink(const struct mbox_request *request)
{
	struct mbox_ioc_unlink unlink;
	char *name;
	long err;

	err = mbox_request_get(request, &unlink);
	if (err)
		return err;
	name = mbox_name_from_user(unlink.name);
	if (IS_ERR(name))
		return PTR_ERR(name);
	err = mbox_name_unlink(name);
	kfree(name);
	return err;
}

static bool mbox_set_valid(const struct mbox_ioc_set *set, u32 allowed)
{
	return set->fields && !(set->fields & ~allowed) && !set->__reserved &&
	       (set->fields & MBOX_SET_MODE || !set->mode) &&
	       (set->fields & MBOX_SET_UID || !set->uid) &&
	       (set->fields & MBOX_SET_GID || !set->gid) &&
	       (set->fields & MBOX_SET_CAPACITY || !set->capacity) &&
	       (set->fields & MBOX_SET_BYTES || !set->bytes) &&
	       (set->fields & MBOX_SET_LENGTH || !set->length) &&
	       (set->fields & MBOX_SET_SEALS || !set->seals) &&
	       (set->fields & MBOX_SET_DEAD_LETTER ||
		(!set->dead_letter && !set->max_deliveries)) &&
	       (set->max_deliveries || !set->dead_letter);
}

static long mbox_set_allowed(const struct mbox_request *request, u32 allowed)
{
	struct mbox_ioc_set set;
	int err = mbox_request_get(request, &set);

	if (err)
		return err;
	if (!mbox_set_valid(&set, MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID |
				  MBOX_SET_CAPACITY | allowed))
		return -EINVAL;
	return mbox_mailbox_set(mbox_file_mailbox(request->file), &set);
}

static long mbox_ioctl_set(const struct mbox_request *request)
{
	return mbox_set_allowed(request, MBOX_SET_BYTES | MBOX_SET_DEAD_LETTER);
}

static long mbox_ioctl_stream_set(const struct mbox_request *request)
{
	return mbox_set_allowed(request, 0);
}

static long mbox_ioctl_segment_set(const struct mbox_request *request)
{
	struct mbox_ioc_set set;
	int err = mbox_request_get(request, &set);

	if (err)
		return err;
	if (!mbox_set_valid(&set, MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID |
				  MBOX_SET_LENGTH | MBOX_SET_SEALS))
		return -EINVAL;
	if (set.fields & MBOX_SET_LENGTH &&
	    !mbox_segment_length_valid(set.length))
		return -EINVAL;
	if (set.seals & ~MBOX_SEALS)
		return -EINVAL;
	if (set.fields & (MBOX_SET_LENGTH | MBOX_SET_SEALS) &&
	    !(request->file->f_mode & FMODE_WRITE))
		return -EBADF;
	return mbox_segment_set(mbox_file_segment(request->file), &set);
}

static long mbox_ioctl_link(const struct mbox_request *request)
{
	struct mbox_handle *handle = request->file->private_data;
	struct mbox_ioc_link link;
	char *name;
	long err;

	err = mbox_request_get(request, &link);
	if (err)
		return err;
	name = mbox_name_from_user(link.name);
	if (IS_ERR(name))
		return PTR_ERR(name);
	err = mbox_name_link(handle->object, name);
	if (err)
		kfree(name);
	return err;
}

static long mbox_ioctl_status(const struct mbox_request *request)
{
	struct mbox_ioc_status status;
	int err = mbox_request_get(request, &status);

	if (err)
		return err;
	mbox_mailbox_status(mbox_file_mailbox(request->file), &status);
	return mbox_request_put(request, &status);
}

static long mbox_ioctl_duplex_status(const struct mbox_request *request)
{
	struct mbox_ioc_status status;
	int err = mbox_request_get(request, &status);

	if (err)
		return err;
	mbox_mailbox_status(mbox_file_mailbox(request->file), &status);
	status.written = mbox_duplex_written(request->file);
	return mbox_request_put(request, &status);
}

static long mbox_ioctl_notify(const struct mbox_request *request)
{
	struct mbox_ioc_notify notify;
	int err = mbox_request_get(request, &notify) ?:
		  mbox_may_receive(request->file);

	if (err)
		return err;
	if (notify.__reserved || notify.signo > _NSIG ||
	    (!notify.signo && notify.value))
		return -EINVAL;
	if (mbox_file_mailbox(request->file)->broadcast)
		return -EOPNOTSUPP;
	return mbox_notice_set(mbox_file_mailbox(request->file), &notify);
}

/*
 * Who opened the mailbox to look at it did not become a receiver, and need not
 * for this.
 */
static int mbox_snapshot_permitted(struct file *file)
{
	struct mbox_mailbox *mailbox = mbox_file_mailbox(file);
	struct mbox_object *object = &mailbox->object;
	bool permitted;

	if (file->f_mode & (FMODE_READ | FMODE_WRITE))
		return mbox_may_receive(file);
	if (!mbox_process_may_receive(mailbox))
		return -EPERM;
	mutex_lock(&object->ns->lock);
	permitted = mbox_object_permits(object, MAY_READ);
	mutex_unlock(&object->ns->lock);
	return permitted ? 0 : -EACCES;
}

static long mbox_ioctl_snapshot(const struct mbox_request *request)
{
	struct mbox_ioc_snapshot snapshot;
	int err = mbox_request_get(request, &snapshot);

	if (err)
		return err;
	if (!mbox_oflag_valid(snapshot.oflag, 0) ||
	    (snapshot.oflag & O_ACCMODE) != O_RDONLY || snapshot.flags)
		return -EINVAL;
	err = mbox_snapshot_permitted(request->file);
	if (err)
		return err;
	if (mbox_file_mailbox(request->file)->broadcast)
		return -EOPNOTSUPP;
	return mbox_snapshot(mbox_file_mailbox(request->file), snapshot.oflag);
}

static long mbox_ioctl_end(const struct mbox_request *request)
{
	struct mbox_ioc_end end;
	int err = mbox_request_get(request, &end);

	if (err)
		return err;
	if (end.flags || end.__reserved)
		return -EINVAL;
	return mbox_retire(mbox_file_mailbox(request->file));
}

static long mbox_ioctl_ring(const struct mbox_request *request)
{
	struct mbox_mailbox *mailbox = mbox_file_mailbox(request->file);
	struct mbox_ioc_ring ring;
	int err = mbox_request_get(request, &ring);

	if (err)
		return err;
	if (!(request->file->f_mode & (FMODE_READ | FMODE_WRITE)))
		return -EBADF;
	if (ring.flags || ring.__reserved)
		return -EINVAL;
	return mailbox->flags & MBOX_RINGS ? mbox_ring(mailbox) : -EOPNOTSUPP;
}

static long mbox_ioctl_segment_status(const struct mbox_request *request)
{
	struct mbox_ioc_segment_status status;
	int err = mbox_request_get(request, &status);

	if (err)
		return err;
	mbox_segment_status(mbox_file_segment(request->file), &status);
	return mbox_request_put(request, &status);
}

static long mbox_ioctl_loan(const struct mbox_request *request)
{
	struct mbox_ioc_loan loan;
	int err = mbox_request_get(request, &loan) ?:
		  mbox_may_receive(request->file);

	if (err)
		return err;
	if (!mbox_oflag_valid(loan.oflag, 0) ||
	    (loan.oflag & O_ACCMODE) != O_RDONLY || loan.__reserved)
		return -EINVAL;
	return mbox_loan_open(request->file, loan.delivery, loan.oflag);
}

static long mbox_ioctl_pool(const struct mbox_request *request)
{
	struct mbox_ioc_pool pool;
	int err = mbox_request_get(request, &pool);

	if (err)
		return err;
	if (!(request->file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (pool.__reserved)
		return -EINVAL;
	return mbox_pool_create(mbox_file_segment(request->file),
				pool.buffer_size);
}

static long mbox_ioctl_lent(const struct mbox_request *request)
{
	struct mbox_ioc_lent lent;
	int err = mbox_request_get(request, &lent);

	if (err)
		return err;
	if (lent.__reserved)
		return -EINVAL;
	return mbox_pool_map(request->file, u64_to_user_ptr(lent.map), lent.nr);
}

static const struct mbox_ioctl mbox_device_ioctls[] = {
	MBOX_IOCTL(MBOX_IOC_CREATE, create, __reserved, mbox_ioctl_create),
	MBOX_IOCTL(MBOX_IOC_OPEN, open, kind, mbox_ioctl_open),
	MBOX_IOCTL(MBOX_IOC_UNLINK, unlink, name, mbox_ioctl_unlink),
	MBOX_IOCTL(MBOX_IOC_SEGMENT, segment, __reserved, mbox_ioctl_segment),
};

/* What is called most often stands first. */
static const struct mbox_ioctl mbox_mailbox_ioctls[] = {
	MBOX_IOCTL(MBOX_IOC_SEND, msg, gid, mbox_ioctl_send),
	MBOX_IOCTL(MBOX_IOC_RECV, msg, gid, mbox_ioctl_recv),
	MBOX_IOCTL(MBOX_IOC_ACK, ack, __reserved, mbox_ioctl_ack),
	MBOX_IOCTL(MBOX_IOC_CALL, exchange, __reserved, mbox_ioctl_call),
	MBOX_IOCTL(MBOX_IOC_REPLY, exchange, __reserved, mbox_ioctl_reply),
	MBOX_IOCTL(MBOX_IOC_SEND_BATCH, batch, __reserved,
		   mbox_ioctl_send_batch),
	MBOX_IOCTL(MBOX_IOC_RECV_BATCH, batch, __reserved,
		   mbox_ioctl_recv_batch),
	MBOX_IOCTL(MBOX_IOC_STATUS, status, flags, mbox_ioctl_status),
	MBOX_IOCTL(MBOX_IOC_SET, set, dead_letter, mbox_ioctl_set),
	MBOX_IOCTL(MBOX_IOC_NOTIFY, notify, __reserved, mbox_ioctl_notify),
	MBOX_IOCTL(MBOX_IOC_SNAPSHOT, snapshot, flags, mbox_ioctl_snapshot),
	MBOX_IOCTL(MBOX_IOC_END, end, __reserved, mbox_ioctl_end),
	MBOX_IOCTL(MBOX_IOC_RING, ring, __reserved, mbox_ioctl_ring),
	MBOX_IOCTL(MBOX_IOC_LOAN, loan, __reserved, mbox_ioctl_loan),
	MBOX_IOCTL(MBOX_IOC_LINK, link, name, mbox_ioctl_link),
	MBOX_IOCTL(MBOX_IOC_OPEN, open, kind, mbox_ioctl_reopen),
};

static const struct mbox_ioctl mbox_stream_ioctls[] = {
	MBOX_IOCTL(MBOX_IOC_STATUS, status, flags, mbox_ioctl_status),
	MBOX_IOCTL(MBOX_IOC_SET, set, dead_letter, mbox_ioctl_stream_set),
	MBOX_IOCTL(MBOX_IOC_LINK, link, name, mbox_ioctl_link),
	MBOX_IOCTL(MBOX_IOC_OPEN, open, kind, mbox_ioctl_reopen),
	MBOX_IOCTL(MBOX_IOC_JOIN, join, oflag, mbox_ioctl_join),
	MBOX_IOCTL(MBOX_IOC_PEEK, peek, __reserved, mbox_ioctl_peek),
};

static const struct mbox_ioctl mbox_duplex_ioctls[] = {
	MBOX_IOCTL(MBOX_IOC_STATUS, status, flags, mbox_ioctl_duplex_status),
	MBOX_IOCTL(MBOX_IOC_SHUTDOWN, shutdown, __reserved,
		   mbox_ioctl_shutdown),
	MBOX_IOCTL(MBOX_IOC_PEEK, peek, __reserved, mbox_ioctl_peek),
};

static const struct mbox_ioctl mbox_segment_ioctls[] = {
	MBOX_IOCTL(MBOX_IOC_SEGMENT_STATUS, segment_status, __reserved,
		   mbox_ioctl_segment_status),
	MBOX_IOCTL(MBOX_IOC_POOL, pool, __reserved, mbox_ioctl_pool),
	MBOX_IOCTL(MBOX_IOC_LENT, lent, __reserved, mbox_ioctl_lent),
	MBOX_IOCTL(MBOX_IOC_SET, set, dead_letter, mbox_ioctl_segment_set),
	MBOX_IOCTL(MBOX_IOC_LINK, link, name, mbox_ioctl_link),
	MBOX_IOCTL(MBOX_IOC_OPEN, open, kind, mbox_ioctl_reopen),
};

static long mbox_ioctl_do(const struct mbox_ioctl *ioctl, struct file *file,
			  unsigned int cmd, unsigned long arg)
{
	const struct mbox_request request = {
		.file = file,
		.user = (void __user *)arg,
		.size = _IOC_SIZE(cmd),
	};

	return request.size < ioctl->min ? -EINVAL : ioctl->handle(&request);
}

static long mbox_ioctl(const struct mbox_ioctl *ioctls, size_t nr,
		       struct file *file, unsigned int cmd, unsigned long arg)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!((cmd ^ ioctls[i].cmd) & ~IOCSIZE_MASK))
			return mbox_ioctl_do(&ioctls[i], file, cmd, arg);
	return -ENOTTY;
}

long mbox_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return mbox_ioctl(mbox_device_ioctls, ARRAY_SIZE(mbox_device_ioctls),
			  file, cmd, arg);
}

long mbox_mailbox_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return mbox_ioctl(mbox_mailbox_ioctls, ARRAY_SIZE(mbox_mailbox_ioctls),
			  file, cmd, arg);
}

static long mbox_ioctl_unread(struct file *file, unsigned long arg)
{
	return put_user(mbox_stream_unread(mbox_file_mailbox(file)),
			(int __user *)arg);
}

long mbox_stream_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd == FIONREAD)
		return mbox_ioctl_unread(file, arg);
	return mbox_ioctl(mbox_stream_ioctls, ARRAY_SIZE(mbox_stream_ioctls),
			  file, cmd, arg);
}

long mbox_duplex_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd == FIONREAD)
		return mbox_ioctl_unread(file, arg);
	return mbox_ioctl(mbox_duplex_ioctls, ARRAY_SIZE(mbox_duplex_ioctls),
			  file, cmd, arg);
}

long mbox_segment_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return mbox_ioctl(mbox_segment_ioctls, ARRAY_SIZE(mbox_segment_ioctls),
			  file, cmd, arg);
}
