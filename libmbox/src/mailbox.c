/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Mailboxes: making, finding, changing and looking at them.
 */
#include "internal.h"

static const struct mbox_attr default_attr = {
	.capacity = MBOX_CAPACITY_DEFAULT,
	.msgsize = MBOX_MSGSIZE_DEFAULT,
};

int mbox_mailbox_get(struct mbox **mb, unsigned long request, void *arg)
{
	struct mbox_object *object;
	int ret = mbox_object_get(&object, sizeof(**mb), request, arg);

	if (!ret)
		*mb = (struct mbox *)object;
	return ret;
}

MBOX_API int mbox_create(struct mbox **mb, const char *name, int oflag,
			 mode_t mode, const struct mbox_attr *attr)
{
	const struct mbox_attr *a = attr ? attr : &default_attr;
	struct mbox_ioc_create req = {
		.name = mbox_name_address(name),
		.capacity = a->capacity,
		.msgsize = a->msgsize,
		.bytes = a->bytes,
		.oflag = oflag,
		.mode = mode,
		.flags = a->flags,
	};

	return mbox_mailbox_get(mb, MBOX_IOC_CREATE, &req);
}

MBOX_API int mbox_open(struct mbox **mb, const char *name, int oflag)
{
	struct mbox_ioc_open req = {
		.name = mbox_name_address(name),
		.oflag = oflag,
		.kind = MBOX_MAILBOX,
	};

	return mbox_mailbox_get(mb, MBOX_IOC_OPEN, &req);
}

MBOX_API int mbox_from_fd(struct mbox **mb, int fd)
{
	struct mbox_ioc_status status = { .id = 0 };
	struct mbox_object *object;
	int ret = mbox_object_adopt(&object, sizeof(**mb), fd, MBOX_IOC_STATUS,
				    &status);

	if (ret)
		return ret;
	*mb = (struct mbox *)object;
	(*mb)->kind = status.flags & MBOX_RINGS ? MBOX_RINGED : MBOX_PLAIN;
	return 0;
}

MBOX_API int mbox_fd(const struct mbox *mb)
{
	return mb->object.fd;
}

MBOX_API void mbox_close(struct mbox *mb)
{
	if (!mb)
		return;
	mbox_sender_close(mb);
	mbox_receiver_close(mb);
	mbox_views_free(mb->views);
	mbox_object_close(&mb->object);
}

MBOX_API int mbox_status(const struct mbox *mb, struct mbox_status *status)
{
	struct mbox_ioc_status req = { .id = 0 };
	int ret;

	ret = mbox_ioctl(mb->object.fd, MBOX_IOC_STATUS, &req);
	if (ret)
		return ret;

	*status = (struct mbox_status) {
		.id = req.id,
		.capacity = req.capacity,
		.msgsize = req.msgsize,
		.bytes = req.bytes,
		.queued = req.queued,
		.queued_bytes = req.queued_bytes,
		.sent = req.sent,
		.sent_bytes = req.sent_bytes,
		.received = req.received,
		.received_bytes = req.received_bytes,
		.send_wait_ns = req.send_wait_ns,
		.recv_wait_ns = req.recv_wait_ns,
		.waiting_senders = req.waiting_senders,
		.waiting_receivers = req.waiting_receivers,
		.send_wait_pid = req.send_wait_pid,
		.recv_wait_pid = req.recv_wait_pid,
		.senders = req.senders,
		.receivers = req.receivers,
		.mode = req.mode,
		.uid = req.uid,
		.gid = req.gid,
		.flags = req.flags,
		.dropped = req.dropped,
		.waiting_callers = req.waiting_callers,
		.held = req.held,
		.max_deliveries = req.max_deliveries,
		.send_pid = req.send_pid,
		.recv_pid = req.recv_pid,
		.send_time = req.send_time,
		.recv_time = req.recv_time,
		.change_time = req.change_time,
		.sequence = req.sequence,
	};
	return 0;
}

MBOX_API int mbox_resize(struct mbox *mb, uint64_t capacity)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_CAPACITY,
		.capacity = capacity,
	};

	return mbox_ioctl(mb->object.fd, MBOX_IOC_SET, &set);
}

MBOX_API int mbox_resize_bytes(struct mbox *mb, uint64_t bytes)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_BYTES,
		.bytes = bytes,
	};

	return mbox_ioctl(mb->object.fd, MBOX_IOC_SET, &set);
}

MBOX_API int mbox_chmod(struct mbox *mb, mode_t mode)
{
	return mbox_object_chmod(&mb->object, mode);
}

MBOX_API int mbox_chown(struct mbox *mb, uid_t uid, gid_t gid)
{
	return mbox_object_chown(&mb->object, uid, gid);
}

MBOX_API int mbox_end(struct mbox *mb)
{
	struct mbox_ioc_end req = { .flags = 0 };

	return mbox_ioctl(mb->object.fd, MBOX_IOC_END, &req);
}

MBOX_API int mbox_notify(struct mbox *mb, int signo, union sigval value)
{
	struct mbox_ioc_notify req = {
		.value = signo ? mbox_address(value.sival_ptr) : 0,
		.signo = signo,
	};

	return mbox_ioctl(mb->object.fd, MBOX_IOC_NOTIFY, &req);
}
