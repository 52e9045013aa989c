/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The receiver's side of rings: taking them on, receiving from all of them and from the kernel in
 * turn, and sleeping when there is nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"
#include "ring.h"

/* Messages from rings after which the kernel is looked at, so that neither starves: a millisecond. */
#define KERNEL_TURN	1024

/* What goes with choosing and keeping messages, of which a ring knows nothing. */
#define REFUSED_FLAGS	(MBOX_LEASE | MBOX_ACK | MBOX_FROM | MBOX_TAG | MBOX_TAG_MOST | MBOX_TAG_EXCEPT)

/**
 * struct inlet - a ring, and who sends there
 * @ring: it
 * @room: a mailbox to ring when there is room
 * @pid: as the kernel stamped them on the offer
 * @uid: likewise
 * @gid: likewise
 */
struct inlet {
	struct mbox_ring ring;
	int room;
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/**
 * struct mbox_receiver - the receiver's side of all rings of a handle
 * @here: not in a child of fork(2), which finds all of this zeroed
 * @lock: held while a message is taken, not while sleeping
 * @next: the ring to look at first
 * @turn: messages from rings until the kernel is to be looked at
 * @careful: there is more to look at than the next ring
 * @sleepers: who waits in the kernel
 * @answered: the bell was rung and answered, and is not known to be rung for what is still there
 * @nr: how many @inlets
 */
struct mbox_receiver {
	bool here;
	pthread_mutex_t lock;
	struct inlet *next;
	unsigned int turn;
	bool careful;
	unsigned int sleepers;
	bool answered;
	unsigned int nr;
	struct inlet inlets[MBOX_RINGS_MAX];
};

const struct mbox_offer mbox_ring_offer = {
	.magic = { 'm', 'b', 'o', 'x', ' ', 'r', 'i', 'n', 'g', 0x1a, '\r', '\n', 0xb, 0x9, 0x2, 0xb },
	.version = 1,
};

bool mbox_ringed(struct mbox *mb)
{
	struct mbox_ioc_status status = { .id = 0 };

	if (mb->kind == MBOX_UNKNOWN && !mbox_ioctl(mb->object.fd, MBOX_IOC_STATUS, &status))
		mb->kind = status.flags & MBOX_RINGS ? MBOX_RINGED : MBOX_PLAIN;
	return mb->kind == MBOX_RINGED;
}

static struct mbox_receiver *take_receiver(struct mbox *mb)
{
	struct mbox_receiver *receiver = mb->receiver, *none = NULL;

	if (receiver)
		return receiver;
	receiver = mbox_private_map(sizeof(*receiver));
	if (!receiver)
		return NULL;
	receiver->here = true;
	receiver->next = receiver->inlets;
	if (atomic_compare_exchange_strong(&mb->receiver, &none, receiver))
		return receiver;
	munmap(receiver, sizeof(*receiver));
	return none;
}

/* The sender is told at the latest when it waits for room. */
static void drop(struct mbox_receiver *receiver, unsigned int i)
{
	struct inlet *inlet = &receiver->inlets[i];

	mbox_ring_shut(&inlet->ring);
	mbox_ring_unmap(&inlet->ring);
	mbox_fd_close(inlet->room);
	*inlet = receiver->inlets[--receiver->nr];
	receiver->next = receiver->inlets;
	receiver->careful = true;
}

void mbox_receiver_close(struct mbox *mb)
{
	struct mbox_receiver *receiver = mb->receiver;

	if (!receiver)
		return;
	while (receiver->nr)
		drop(receiver, 0);
	munmap(receiver, sizeof(*receiver));
}

static bool anything_pending(const struct mbox_receiver *receiver)
{
	unsigned int i;

	for (i = 0; i < receiver->nr; i++)
		if (mbox_ring_pending(&receiver->inlets[i].ring))
			return true;
	return false;
}

/* From now on senders ring. Return: whether one has sent before it could know. */
static bool arm(struct mbox_receiver *receiver)
{
	unsigned int i;

	for (i = 0; i < receiver->nr; i++)
		mbox_ring_arm(&receiver->inlets[i].ring);
	mbox_ring_barrier();
	return anything_pending(receiver);
}

/*
 * Forget the rings of senders that are gone and have left nothing. What one sent it sent before it
 * went, so it is looked for after.
 */
static void sweep(struct mbox_receiver *receiver)
{
	const struct timespec at_once = { 0 };
	struct pollfd rooms[MBOX_RINGS_MAX];
	unsigned int i;

	for (i = 0; i < receiver->nr; i++)
		rooms[i] = (struct pollfd) { .fd = receiver->inlets[i].room };
	if (mbox_fd_poll(rooms, receiver->nr, &at_once) <= 0)
		return;
	for (i = receiver->nr; i-- > 0;)
		if (rooms[i].revents && !mbox_ring_pending(&receiver->inlets[i].ring))
			drop(receiver, i);
}

/* The bytes of a ring that is in a segment which nobody can shorten, or 0. */
static uint32_t segment_size(int fd)
{
	const unsigned int needed = MBOX_SEAL_SHRINK | MBOX_SEAL_GROW;
	struct mbox_ioc_segment_status status = { .id = 0 };
	uint64_t size;

	if (mbox_ioctl(fd, MBOX_IOC_SEGMENT_STATUS, &status) || (status.seals & needed) != needed)
		return 0;
	size = status.length - sizeof(struct mbox_ring_memory);
	return status.length > sizeof(struct mbox_ring_memory) && mbox_ring_size_valid(size) ?
	       size : 0;
}

static bool is_room(int fd)
{
	struct mbox_ioc_status status = { .id = 0 };

	return !mbox_ioctl(fd, MBOX_IOC_STATUS, &status) && status.flags & MBOX_RINGS &&
	       (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
}

/* Return: whether the ring is now one of the receiver's, which then has @room. */
static bool take_on(struct mbox_receiver *receiver, int segment, int room,
		    const struct mbox_ioc_msg *req)
{
	uint32_t size = segment_size(segment);
	struct inlet *inlet;
	void *memory;

	if (!size || !is_room(room))
		return false;
	memory = mbox_ring_map(segment, size);
	if (!memory)
		return false;
	if (receiver->nr == MBOX_RINGS_MAX)
		sweep(receiver);
	if (receiver->nr == MBOX_RINGS_MAX) {
		struct mbox_ring refused;

		mbox_ring_init(&refused, memory, size);
		mbox_ring_shut(&refused);
		mbox_ring_unmap(&refused);
		return false;
	}
	inlet = &receiver->inlets[receiver->nr++];
	*inlet = (struct inlet) {
		.room = room, .pid = req->pid, .uid = req->uid, .gid = req->gid };
	mbox_ring_init(&inlet->ring, memory, size);
	/* It knows of no bell yet. */
	receiver->answered = true;
	return true;
}

static void accept_offer(struct mbox_receiver *receiver, const struct mbox_fd *fds,
			 const struct mbox_ioc_msg *req)
{
	if (!take_on(receiver, fds[0].fd, fds[1].fd, req))
		mbox_fd_close(fds[1].fd);
	mbox_fd_close(fds[0].fd);
}

static bool may_be_offer(const struct mbox_ioc_msg *req)
{
	return req->nr_fds == 2 && req->len == sizeof(mbox_ring_offer);
}

static bool is_offer(const struct mbox_ioc_msg *req, const void *data)
{
	return may_be_offer(req) && !memcmp(data, &mbox_ring_offer, sizeof(mbox_ring_offer));
}

static int finish(int fd, uint64_t delivery, unsigned int flags)
{
	struct mbox_ioc_ack req = { .delivery = delivery, .flags = flags };

	return mbox_ioctl(fd, MBOX_IOC_ACK, &req);
}

/*
 * A message was too large for the caller: perhaps it was an offer, which the caller knows nothing
 * of. It is leased, so that one which is none goes back to where it was.
 *
 * Return: whether the caller's receive is to be made again.
 */
static bool look_for_offer(struct mbox *mb, struct mbox_receiver *receiver)
{
	struct mbox_offer data;
	struct mbox_fd fds[2];
	struct mbox_ioc_msg req = {
		.buf = mbox_address(&data),
		.len = sizeof(data),
		.flags = MBOX_NONBLOCK | MBOX_LEASE,
		.fds = mbox_address(fds),
		.nr_fds = 2,
	};
	int ret = mbox_ioctl(mb->object.fd, MBOX_IOC_RECV, &req);
	unsigned int i;

	if (ret)
		return ret == -EAGAIN;
	if (is_offer(&req, &data)) {
		finish(mb->object.fd, req.delivery, 0);
		accept_offer(receiver, fds, &req);
		return true;
	}
	for (i = 0; i < req.nr_fds; i++)
		mbox_fd_close(fds[i].fd);
	finish(mb->object.fd, req.delivery, MBOX_RETURN);
	return false;
}

/* The first bytes of a message, together. */
static void gather(void *to, size_t length, const struct iovec *iov, int nr)
{
	int i;

	for (i = 0; i < nr && length; i++) {
		size_t part = iov[i].iov_len < length ? iov[i].iov_len : length;

		memcpy(to, iov[i].iov_base, part);
		to = (char *)to + part;
		length -= part;
	}
}

/* Has the caller received an offer, instead of a message? */
static bool got_offer(struct mbox_receiver *receiver, const struct mbox_ioc_msg *req,
		      const struct iovec *iov, int nr, const struct mbox_fd *fds)
{
	struct mbox_offer data;

	if (!fds || !may_be_offer(req))
		return false;
	gather(&data, sizeof(data), iov, nr);
	if (!is_offer(req, &data))
		return false;
	accept_offer(receiver, fds, req);
	return true;
}

/* What a receive tries, and what comes of it beside an error. */
#define AGAIN	1

/*
 * Receive from the kernel, without the lock if it may take long.
 *
 * Return: 0, an error, or AGAIN: it was an offer, and the receive is to be made again.
 */
static int from_kernel(struct mbox *mb, struct mbox_receiver *receiver, const struct iovec *iov,
		       int nr, struct mbox_message *msg, unsigned int flags, uint64_t deadline)
{
	struct mbox_ioc_msg req = {
		.len = nr == 1 ? iov->iov_len : (size_t)nr,
		.deadline = deadline,
		.flags = flags | (nr == 1 ? 0 : MBOX_IOV),
		.fds = msg ? mbox_address(msg->fds) : 0,
		.nr_fds = msg ? msg->room_fds : 0,
	};
	int ret;

	receiver->sleepers++;
	receiver->careful = true;
	mbox_unlock(&receiver->lock);
	if (nr == 1) {
		req.buf = mbox_address(iov->iov_base);
		ret = mbox_ioctl(mb->object.fd, MBOX_IOC_RECV, &req);
	} else {
		ret = mbox_vector_ioctl(mb->object.fd, MBOX_IOC_RECV, &req, iov);
	}
	mbox_lock(&receiver->lock);
	receiver->sleepers--;
	if (!ret && got_offer(receiver, &req, iov, nr, msg ? msg->fds : NULL))
		return AGAIN;
	if ((ret == -EMSGSIZE || ret == -ENOBUFS) && may_be_offer(&req) &&
	    look_for_offer(mb, receiver))
		return AGAIN;
	return msg ? mbox_take_message(msg, &req, ret) : ret;
}

static void scatter(const struct iovec *iov, const void *from, size_t length)
{
	for (; length; iov++) {
		size_t part = iov->iov_len < length ? iov->iov_len : length;

		memcpy(iov->iov_base, from, part);
		from = (const char *)from + part;
		length -= part;
	}
}

static void describe(struct mbox_message *msg, const struct inlet *inlet,
		     const struct mbox_record *record)
{
	msg->length = record->length;
	msg->tag = record->tag;
	msg->prio = 0;
	msg->pid = inlet->pid;
	msg->uid = inlet->uid;
	msg->gid = inlet->gid;
	msg->missed = 0;
	msg->delivery = 0;
	msg->flags = 0;
	msg->nr_fds = 0;
	msg->deliveries = 0;
	msg->sequence = 0;
}

static int take(struct inlet *inlet, const struct mbox_record *record, const struct iovec *iov,
		size_t size, struct mbox_message *msg)
{
	if (record->length > size) {
		if (msg) {
			msg->length = record->length;
			msg->nr_fds = 0;
		}
		return -EMSGSIZE;
	}
	scatter(iov, record->data, record->length);
	if (msg)
		describe(msg, inlet, record);
	if (mbox_ring_release(&inlet->ring, record))
		mbox_bell(inlet->room);
	return 0;
}

/* The next ring is another one's turn. */
static void go_round(struct mbox_receiver *receiver)
{
	if (receiver->nr > 1 && ++receiver->next >= &receiver->inlets[receiver->nr])
		receiver->next = receiver->inlets;
}

/* Return: 0, -EMSGSIZE, or -EAGAIN if all rings are empty. */
static int from_rings(struct mbox_receiver *receiver, const struct iovec *iov, size_t size,
		      struct mbox_message *msg)
{
	unsigned int left = receiver->nr;

	while (left--) {
		struct inlet *inlet = receiver->next;
		struct mbox_record record;
		int ret;

		ret = mbox_ring_next(&inlet->ring, &record);
		if (ret < 0) {
			drop(receiver, inlet - receiver->inlets);
			continue;
		}
		if (ret)
			ret = take(inlet, &record, iov, size, msg);
		else
			ret = -EAGAIN;
		if (ret != -EMSGSIZE)
			go_round(receiver);
		if (ret != -EAGAIN)
			return ret;
	}
	return -EAGAIN;
}

/*
 * There was nothing in the rings: wait.
 *
 * Return: AGAIN, or the result of the receive.
 */
static int sleep_for_any(struct mbox *mb, struct mbox_receiver *receiver, const struct iovec *iov,
			 int nr, struct mbox_message *msg, unsigned int flags, uint64_t deadline)
{
	int ret;

	if (arm(receiver))
		return AGAIN;
	receiver->turn = KERNEL_TURN;
	ret = from_kernel(mb, receiver, iov, nr, msg, flags | MBOX_BELL, deadline);
	if (ret == -ENOMSG) {
		receiver->answered = true;
		if (anything_pending(receiver))
			return AGAIN;
		sweep(receiver);
		return mbox_deadline_passed(flags, deadline) ? -ETIMEDOUT : AGAIN;
	}
	if (ret != -EPIPE)
		return ret;
	/* The last of them may have sent before it went. */
	if (anything_pending(receiver))
		return AGAIN;
	while (receiver->nr)
		drop(receiver, 0);
	return -EPIPE;
}

/* The bell is to be rung while there is something, whoever polls or sleeps. */
static void leave(struct mbox *mb, struct mbox_receiver *receiver)
{
	if (receiver->answered || receiver->sleepers) {
		receiver->answered = false;
		if (arm(receiver))
			mbox_bell(mb->object.fd);
	}
	receiver->careful = receiver->sleepers || !receiver->nr;
}

static int receive(struct mbox *mb, struct mbox_receiver *receiver, const struct iovec *iov,
		   int nr, size_t size, struct mbox_message *msg, unsigned int flags,
		   uint64_t deadline)
{
	int ret;

	do {
		ret = -EAGAIN;
		if (receiver->turn) {
			receiver->turn--;
		} else {
			ret = from_kernel(mb, receiver, iov, nr, msg, flags | MBOX_NONBLOCK,
					  deadline);
			/* A ring that was offered is not yet what it was its turn for. */
			if (ret != AGAIN)
				receiver->turn = KERNEL_TURN;
		}
		if (ret == -EAGAIN || ret == -EPIPE)
			ret = from_rings(receiver, iov, size, msg);
		if (ret == -EAGAIN)
			ret = sleep_for_any(mb, receiver, iov, nr, msg, flags, deadline);
	} while (ret == AGAIN);
	return ret;
}

int mbox_receiver_recv(struct mbox *mb, const struct iovec *iov, int nr, struct mbox_message *msg,
		       unsigned int flags, uint64_t deadline)
{
	struct mbox_receiver *receiver = take_receiver(mb);
	size_t size = 0;
	int ret, i;

	if (flags & REFUSED_FLAGS)
		return -EOPNOTSUPP;
	if (!receiver)
		return -ENOMEM;
	if (!receiver->here)
		return -EPERM;
	for (i = 0; i < nr; i++)
		size += iov[i].iov_len;
	mbox_lock(&receiver->lock);
	ret = receive(mb, receiver, iov, nr, size, msg, flags, deadline);
	leave(mb, receiver);
	mbox_unlock(&receiver->lock);
	return ret;
}

/* All that most receives need. Return: whether there was no more to do. */
static inline bool take_next(struct mbox_receiver *receiver, struct mbox_message *msg)
{
	struct inlet *inlet = receiver->next;
	struct mbox_record record;

	if (!receiver->turn || receiver->careful || mbox_ring_next(&inlet->ring, &record) != 1 ||
	    record.length > msg->size)
		return false;
	describe(msg, inlet, &record);
	memcpy(msg->data, record.data, record.length);
	if (mbox_ring_release(&inlet->ring, &record))
		mbox_bell(inlet->room);
	receiver->turn--;
	go_round(receiver);
	return true;
}

int mbox_receiver_next(struct mbox *mb, struct mbox_message *msg)
{
	struct mbox_receiver *receiver = mb->receiver;
	bool taken;

	if (!receiver)
		return mbox_recv_msg(mb, msg, 0, 0);
	mbox_lock(&receiver->lock);
	taken = take_next(receiver, msg);
	mbox_unlock(&receiver->lock);
	return taken ? 0 : mbox_recv_msg(mb, msg, 0, 0);
}
