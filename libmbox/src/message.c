/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Messages: sending, receiving and peeking.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* These say how an argument is to be read, and are not the caller's. */
#define INTERNAL_FLAGS	(MBOX_IOV | MBOX_PEEK | MBOX_FROM | MBOX_LOAN)

/* Receive only what the tag of the caller's struct says. */
#define TAG_FLAGS	(MBOX_TAG | MBOX_TAG_MOST | MBOX_TAG_EXCEPT)

/* These are of the single messages of a batch. */
#define SINGLE_FLAGS	(MBOX_SYNC | MBOX_ONCE | MBOX_LEASE)

/* Entries that a batch hands to the kernel at once: 4 KiB of stack. */
#define BATCH_CHUNK	64

int mbox_take_message(struct mbox_message *msg, const struct mbox_ioc_msg *req,
		      int ret)
{
	if (ret == 0 || ret == -EMSGSIZE || ret == -ENOBUFS) {
		msg->length = req->len;
		msg->nr_fds = req->nr_fds;
	}
	if (ret && req->flags & MBOX_ACK)
		msg->delivery = req->delivery;
	if (ret)
		return ret;

	msg->tag = req->tag;
	msg->prio = req->prio;
	msg->pid = req->pid;
	msg->uid = req->uid;
	msg->gid = req->gid;
	msg->missed = req->missed;
	msg->delivery = req->delivery;
	msg->flags = req->flags;
	msg->deliveries = req->deliveries;
	msg->sequence = req->sequence;
	return 0;
}

/* What was received can be sent as it is. */
static uint64_t own_number(const struct mbox_message *msg, unsigned int flags)
{
	return flags & MBOX_ONCE ? msg->sequence : 0;
}

static int send_by_kernel(struct mbox *mb, const struct mbox_message *msg, unsigned int how,
			  unsigned int flags, uint64_t deadline)
{
	struct mbox_ioc_msg req = {
		.buf = mbox_address(msg->data),
		.len = msg->length,
		.deadline = deadline,
		.tag = msg->tag,
		.flags = flags | how,
		.prio = msg->prio,
		.fds = mbox_address(msg->fds),
		.nr_fds = msg->nr_fds,
		.sequence = own_number(msg, flags),
	};

	return mbox_ioctl(mb->object.fd, MBOX_IOC_SEND, &req);
}

/* As the kernel would, but for @flags, by a handle that has or had a ring. */
static int send_by_ring(struct mbox *mb, const struct mbox_message *msg, unsigned int how,
			unsigned int flags, uint64_t deadline)
{
	int ret = 1;

	if (!msg->prio && !msg->nr_fds && !how)
		ret = mbox_sender_put(mb, msg->data, msg->length, msg->tag, flags, deadline);
	if (ret > 0)
		ret = mbox_sender_behind(mb, msg->length, &flags, deadline) ?:
		      send_by_kernel(mb, msg, how, flags, deadline);
	return ret;
}

int mbox_send_as(struct mbox *mb, const struct mbox_message *msg,
		 unsigned int how, unsigned int flags, uint64_t deadline)
{
	if (flags & INTERNAL_FLAGS)
		return -EINVAL;
	return mb->sender ? send_by_ring(mb, msg, how, flags, deadline) :
			    send_by_kernel(mb, msg, how, flags, deadline);
}

MBOX_API int mbox_send_msg(struct mbox *mb, const struct mbox_message *msg,
			   unsigned int flags, uint64_t deadline)
{
	return mbox_send_as(mb, msg, 0, flags, deadline);
}

MBOX_API int mbox_send(struct mbox *mb, const void *data, size_t length,
		       unsigned int prio)
{
	struct mbox_ioc_msg req;

	if (mb->sender)
		return mbox_sender_send(mb, data, length, prio);
	req = (struct mbox_ioc_msg) {
		.buf = mbox_address(data),
		.len = length,
		.prio = prio,
	};
	return mbox_ioctl(mb->object.fd, MBOX_IOC_SEND, &req);
}

/* Of which message the caller is done. */
static uint64_t done_with(const struct mbox_message *msg, unsigned int flags)
{
	return flags & MBOX_ACK ? msg->delivery : 0;
}

/* The message before this one can be over, whatever became of this one. */
static void acked(struct mbox *mb, const struct mbox_ioc_msg *req, int ret,
		  uint64_t delivery)
{
	if (delivery && (!ret || ret == -ESTALE || !req->delivery))
		mbox_loan_end(mb, delivery);
}

/* Only with MBOX_FROM in @how @from says of whom. */
static int recv_by_kernel(struct mbox *mb, unsigned int how, pid_t from,
			  struct mbox_message *msg, unsigned int flags,
			  uint64_t deadline)
{
	struct mbox_ioc_msg req = {
		.buf = mbox_address(msg->data),
		.len = msg->size,
		.deadline = deadline,
		.tag = msg->tag,
		.flags = flags | how,
		.pid = from,
		.fds = mbox_address(msg->fds),
		.nr_fds = msg->room_fds,
		.delivery = done_with(msg, flags),
		.lease = msg->lease,
	};
	int ret = mbox_ioctl(mb->object.fd, MBOX_IOC_RECV, &req);

	acked(mb, &req, ret, done_with(msg, flags));
	return mbox_take_message(msg, &req, ret);
}

static int receive(struct mbox *mb, unsigned int how, pid_t from,
		   struct mbox_message *msg, unsigned int flags,
		   uint64_t deadline)
{
	if (flags & INTERNAL_FLAGS)
		return -EINVAL;
	if (mbox_has_rings(mb)) {
		const struct iovec iov = { msg->data, msg->size };

		return mbox_receiver_recv(mb, &iov, 1, msg, flags | how, deadline);
	}
	return recv_by_kernel(mb, how, from, msg, flags, deadline);
}

int mbox_recv_as(struct mbox *mb, struct mbox_message *msg, unsigned int how,
		 unsigned int flags, uint64_t deadline)
{
	return receive(mb, how, 0, msg, flags, deadline);
}

MBOX_API int mbox_recv_msg(struct mbox *mb, struct mbox_message *msg,
			   unsigned int flags, uint64_t deadline)
{
	return receive(mb, 0, 0, msg, flags, deadline);
}

MBOX_API int mbox_recv(struct mbox *mb, struct mbox_message *msg)
{
	if (mb->kind == MBOX_RINGED)
		return mbox_receiver_next(mb, msg);
	return mbox_recv_msg(mb, msg, 0, 0);
}

MBOX_API int mbox_recv_from(struct mbox *mb, pid_t from,
			    struct mbox_message *msg, unsigned int flags,
			    uint64_t deadline)
{
	return receive(mb, MBOX_FROM, from, msg, flags, deadline);
}

MBOX_API int mbox_peek(struct mbox *mb, unsigned int index,
		       struct mbox_message *msg)
{
	struct mbox_ioc_msg req = {
		.buf = mbox_address(msg->data),
		.len = msg->size,
		.flags = MBOX_PEEK,
		.index = index,
	};
	int ret;

	if (mbox_has_rings(mb))
		return -EOPNOTSUPP;
	ret = mbox_ioctl(mb->object.fd, MBOX_IOC_RECV, &req);
	return mbox_take_message(msg, &req, ret);
}

/*
 * The kernel's list has one layout for 32-bit and 64-bit callers. Where struct
 * iovec has the same one already, it is used as it is.
 */
#if ULONG_MAX == UINT64_MAX
_Static_assert(sizeof(struct iovec) == sizeof(struct mbox_iovec) &&
	       offsetof(struct iovec, iov_base) == offsetof(struct mbox_iovec, base) &&
	       offsetof(struct iovec, iov_len) == offsetof(struct mbox_iovec, len),
	       "struct iovec is struct mbox_iovec");

int mbox_vector_ioctl(int fd, unsigned long request, struct mbox_ioc_msg *req,
		      const struct iovec *iov)
{
	req->buf = mbox_address(iov);
	return mbox_ioctl(fd, request, req);
}
#else
int mbox_vector_ioctl(int fd, unsigned long request, struct mbox_ioc_msg *req,
		      const struct iovec *iov)
{
	struct mbox_iovec vector[MBOX_IOV_MAX];
	size_t i;

	for (i = 0; i < req->len; i++) {
		vector[i].base = mbox_address(iov[i].iov_base);
		vector[i].len = iov[i].iov_len;
	}
	req->buf = mbox_address(vector);
	return mbox_ioctl(fd, request, req);
}
#endif

static size_t total(const struct iovec *iov, int nr)
{
	size_t length = 0;
	int i;

	for (i = 0; i < nr; i++)
		length += iov[i].iov_len;
	return length;
}

/* A ring takes a message in one piece. */
static int sendv_by_ring(struct mbox *mb, const struct iovec *iov, int iovcnt,
			 const struct mbox_message *msg, unsigned int flags, uint64_t deadline)
{
	struct mbox_message whole = msg ? *msg : (struct mbox_message) { .data = NULL };
	char *to;
	int i, ret;

	whole.length = total(iov, iovcnt);
	whole.data = to = malloc(whole.length + 1);
	if (!to)
		return -ENOMEM;
	for (i = 0; i < iovcnt; i++) {
		memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
	ret = send_by_ring(mb, &whole, 0, flags, deadline);
	free(whole.data);
	return ret;
}

MBOX_API int mbox_sendv(struct mbox *mb, const struct iovec *iov, int iovcnt,
			const struct mbox_message *msg, unsigned int flags,
			uint64_t deadline)
{
	struct mbox_ioc_msg req = {
		.len = iovcnt,
		.deadline = deadline,
		.tag = msg ? msg->tag : 0,
		.flags = flags | MBOX_IOV,
		.prio = msg ? msg->prio : 0,
		.fds = msg ? mbox_address(msg->fds) : 0,
		.nr_fds = msg ? msg->nr_fds : 0,
		.sequence = msg ? own_number(msg, flags) : 0,
	};

	if (flags & INTERNAL_FLAGS || iovcnt < 0 || iovcnt > MBOX_IOV_MAX)
		return -EINVAL;
	if (mb->sender)
		return sendv_by_ring(mb, iov, iovcnt, msg, flags, deadline);
	return mbox_vector_ioctl(mb->object.fd, MBOX_IOC_SEND, &req, iov);
}

MBOX_API int mbox_recvv(struct mbox *mb, const struct iovec *iov, int iovcnt,
			struct mbox_message *msg, unsigned int flags,
			uint64_t deadline)
{
	struct mbox_ioc_msg req = {
		.len = iovcnt,
		.deadline = deadline,
		.tag = msg ? msg->tag : 0,
		.flags = flags | MBOX_IOV,
		.fds = msg ? mbox_address(msg->fds) : 0,
		.nr_fds = msg ? msg->room_fds : 0,
		.delivery = msg ? done_with(msg, flags) : 0,
		.lease = msg ? msg->lease : 0,
	};
	int ret;

	if (flags & INTERNAL_FLAGS || iovcnt < 0 || iovcnt > MBOX_IOV_MAX)
		return -EINVAL;
	/* Nobody would know the number of the delivery, or has one, or a tag. */
	if (flags & (MBOX_LEASE | MBOX_ACK | TAG_FLAGS) && !msg)
		return -EINVAL;
	if (mbox_has_rings(mb))
		return mbox_receiver_recv(mb, iov, iovcnt, msg, flags, deadline);
	ret = mbox_vector_ioctl(mb->object.fd, MBOX_IOC_RECV, &req, iov);
	if (msg)
		acked(mb, &req, ret, done_with(msg, flags));
	return msg ? mbox_take_message(msg, &req, ret) : ret;
}

/* One system call of a batch. */
static int batch_ioctl(int fd, unsigned long request, struct mbox_ioc_msg *reqs,
		       unsigned int nr, unsigned int flags, uint64_t deadline)
{
	struct mbox_ioc_batch batch = {
		.msgs = mbox_address(reqs),
		.deadline = deadline,
		.nr = nr,
		.msg_size = sizeof(*reqs),
		.flags = flags & ~SINGLE_FLAGS,
	};

	return mbox_ioctl(fd, request, &batch);
}

static int send_chunk(int fd, const struct mbox_message *msgs, unsigned int nr,
		      unsigned int flags, uint64_t deadline)
{
	struct mbox_ioc_msg reqs[BATCH_CHUNK];
	unsigned int i;

	for (i = 0; i < nr; i++)
		reqs[i] = (struct mbox_ioc_msg) {
			.buf = mbox_address(msgs[i].data),
			.len = msgs[i].length,
			.tag = msgs[i].tag,
			.flags = flags & SINGLE_FLAGS,
			.prio = msgs[i].prio,
			.fds = mbox_address(msgs[i].fds),
			.nr_fds = msgs[i].nr_fds,
			.sequence = own_number(&msgs[i], flags),
		};
	return batch_ioctl(fd, MBOX_IOC_SEND_BATCH, reqs, nr, flags, deadline);
}

static int recv_chunk(int fd, struct mbox_message *msgs, unsigned int nr,
		      unsigned int flags, uint64_t deadline)
{
	struct mbox_ioc_msg reqs[BATCH_CHUNK];
	int i, ret;

	for (i = 0; i < (int)nr; i++)
		reqs[i] = (struct mbox_ioc_msg) {
			.buf = mbox_address(msgs[i].data),
			.len = msgs[i].size,
			.flags = flags & SINGLE_FLAGS,
			.fds = mbox_address(msgs[i].fds),
			.nr_fds = msgs[i].room_fds,
			.lease = msgs[i].lease,
		};
	ret = batch_ioctl(fd, MBOX_IOC_RECV_BATCH, reqs, nr, flags, deadline);
	for (i = 0; i < ret; i++)
		mbox_take_message(&msgs[i], &reqs[i], 0);
	return ret;
}

/* Nothing is saved by more of them at a time. */
static int send_each(struct mbox *mb, const struct mbox_message *msgs, unsigned int nr,
		     unsigned int flags, uint64_t deadline)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr; i++) {
		ret = mbox_send_msg(mb, &msgs[i], flags, deadline);
		if (ret)
			break;
	}
	return i ? (int)i : ret;
}

/* Only the first message is waited for. */
static int recv_each(struct mbox *mb, struct mbox_message *msgs, unsigned int nr,
		     unsigned int flags, uint64_t deadline)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr; i++) {
		ret = mbox_recv_msg(mb, &msgs[i], flags, deadline);
		if (ret)
			break;
		flags |= MBOX_NONBLOCK;
	}
	return i ? (int)i : ret;
}

MBOX_API int mbox_send_batch(struct mbox *mb, const struct mbox_message *msgs,
			     unsigned int nr, unsigned int flags,
			     uint64_t deadline)
{
	unsigned int done = 0;

	if (flags & INTERNAL_FLAGS || nr < 1 || nr > MBOX_BATCH_MAX)
		return -EINVAL;
	if (mb->sender)
		return send_each(mb, msgs, nr, flags, deadline);

	while (done < nr) {
		unsigned int chunk = nr - done < BATCH_CHUNK ? nr - done : BATCH_CHUNK;
		int ret = send_chunk(mb->object.fd, msgs + done, chunk, flags, deadline);

		if (ret < 0)
			return done ? (int)done : ret;
		done += ret;
		if (ret < (int)chunk)
			break;
	}
	return done;
}

MBOX_API int mbox_recv_batch(struct mbox *mb, struct mbox_message *msgs,
			     unsigned int nr, unsigned int flags,
			     uint64_t deadline)
{
	unsigned int done = 0;

	if (flags & (INTERNAL_FLAGS | MBOX_SYNC | MBOX_ONCE) || nr < 1 || nr > MBOX_BATCH_MAX)
		return -EINVAL;
	if (mbox_has_rings(mb))
		return recv_each(mb, msgs, nr, flags, deadline);

	while (done < nr) {
		unsigned int chunk = nr - done < BATCH_CHUNK ? nr - done : BATCH_CHUNK;
		int ret = recv_chunk(mb->object.fd, msgs + done, chunk, flags, deadline);

		if (ret < 0)
			return done ? (int)done : ret;
		done += ret;
		if (ret < (int)chunk)
			break;
		/* Only the first message is waited for. */
		flags |= MBOX_NONBLOCK;
	}
	return done;
}
