/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Call and reply.
 */
#include <errno.h>

#include "internal.h"

static int exchange_ioctl(int fd, unsigned long request,
			  struct mbox_ioc_exchange *exchange)
{
	exchange->msg_size = sizeof(struct mbox_ioc_msg);
	return mbox_ioctl(fd, request, exchange);
}

static struct mbox_ioc_msg room_for(const struct mbox_message *msg)
{
	return (struct mbox_ioc_msg) {
		.buf = mbox_address(msg->data),
		.len = msg->size,
		.fds = mbox_address(msg->fds),
		.nr_fds = msg->room_fds,
	};
}

MBOX_API int mbox_call(struct mbox *mb, const struct mbox_message *request,
		       struct mbox_message *reply, unsigned int flags,
		       uint64_t deadline)
{
	struct mbox_ioc_msg send = {
		.buf = mbox_address(request->data),
		.len = request->length,
		.deadline = deadline,
		.tag = request->tag,
		.flags = flags,
		.prio = request->prio,
		.fds = mbox_address(request->fds),
		.nr_fds = request->nr_fds,
	};
	struct mbox_ioc_msg recv = room_for(reply);
	struct mbox_ioc_exchange exchange = {
		.send = mbox_address(&send),
		.recv = mbox_address(&recv),
	};
	int ret;

	if (flags & ~MBOX_REALTIME)
		return -EINVAL;
	ret = mbox_sender_flush(mb, flags, deadline);
	if (ret)
		return ret;
	ret = exchange_ioctl(mb->object.fd, MBOX_IOC_CALL, &exchange);
	return ret ? ret : mbox_take_message(reply, &recv, 0);
}

static struct mbox_ioc_msg answer(const struct mbox_message *reply)
{
	return (struct mbox_ioc_msg) {
		.buf = mbox_address(reply->data),
		.len = reply->length,
		.tag = reply->tag,
		.delivery = reply->delivery,
		.fds = mbox_address(reply->fds),
		.nr_fds = reply->nr_fds,
	};
}

MBOX_API int mbox_reply(struct mbox *mb, const struct mbox_message *reply)
{
	struct mbox_ioc_msg send = answer(reply);
	struct mbox_ioc_exchange exchange = { .send = mbox_address(&send) };

	return exchange_ioctl(mb->object.fd, MBOX_IOC_REPLY, &exchange);
}

MBOX_API int mbox_reply_recv(struct mbox *mb, struct mbox_message *reply,
			     struct mbox_message *next, unsigned int flags,
			     uint64_t deadline)
{
	struct mbox_ioc_msg send = answer(reply);
	struct mbox_ioc_msg recv = room_for(next);
	struct mbox_ioc_exchange exchange = {
		.send = reply->delivery ? mbox_address(&send) : 0,
		.recv = mbox_address(&recv),
	};
	int ret;

	if (flags & ~(MBOX_NONBLOCK | MBOX_REALTIME | MBOX_LEASE))
		return -EINVAL;
	if (mbox_has_rings(mb))
		return -EOPNOTSUPP;
	recv.flags = flags;
	recv.deadline = deadline;
	recv.lease = next->lease;
	ret = exchange_ioctl(mb->object.fd, MBOX_IOC_REPLY, &exchange);
	if (ret && exchange.send)
		return ret;
	reply->delivery = 0;
	return mbox_take_message(next, &recv, ret);
}
