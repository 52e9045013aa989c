/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The sender's side of a ring: making it, and sending through it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "internal.h"
#include "ring.h"

/* Flags of a message that a ring can carry. */
#define WAIT_FLAGS	(MBOX_NONBLOCK | MBOX_REALTIME | MBOX_NORESTART)

#define NSEC_PER_SEC	1000000000ULL

/**
 * struct mbox_sender - the sender's side of a ring
 * @lock: held while a message is put in, not while waiting
 * @ring: without memory in a child of fork(2), which finds all of this zeroed
 * @above: one more than the bytes of the longest message that goes through the ring
 * @msgsize: the largest message of the mailbox
 * @sleepers: who waits for room
 * @closed: the receiver takes no more, or what it says is not sane
 */
struct mbox_sender {
	pthread_mutex_t lock;
	struct mbox_ring ring;
	size_t above;
	size_t msgsize;
	unsigned int sleepers;
	bool closed;
};

void *mbox_private_map(size_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	if (madvise(map, size, MADV_WIPEONFORK)) {
		munmap(map, size);
		return NULL;
	}
	return map;
}

void *mbox_ring_map(int fd, uint32_t size)
{
	size_t length = sizeof(struct mbox_ring_memory) + size;
	void *map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return NULL;
	if (madvise(map, length, MADV_DONTFORK)) {
		munmap(map, length);
		return NULL;
	}
	return map;
}

void mbox_ring_unmap(const struct mbox_ring *ring)
{
	munmap(ring->memory, sizeof(struct mbox_ring_memory) + ring->size);
}

int mbox_bell(int fd)
{
	struct mbox_ioc_ring req = { .flags = 0 };

	return mbox_ioctl(fd, MBOX_IOC_RING, &req);
}

bool mbox_deadline_passed(unsigned int flags, uint64_t deadline)
{
	struct timespec now;

	if (!deadline)
		return false;
	clock_gettime(flags & MBOX_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec >= deadline;
}

/* A mailbox that has nothing but a bell: a descriptor with both rights, or -errno. */
static int make_room(void)
{
	struct mbox_ioc_create req = {
		.capacity = 1,
		.oflag = O_RDWR,
		.mode = 0600,
		.flags = MBOX_RINGS,
	};

	return mbox_device_ioctl(MBOX_IOC_CREATE, &req);
}

static int offer(int fd, int segment, int room)
{
	struct mbox_fd fds[] = { { segment, 0 }, { room, MBOX_FD_SENDONLY } };
	struct mbox_ioc_msg req = {
		.buf = mbox_address(&mbox_ring_offer),
		.len = sizeof(mbox_ring_offer),
		.fds = mbox_address(fds),
		.nr_fds = 2,
	};

	return mbox_ioctl(fd, MBOX_IOC_SEND, &req);
}

/* The receiver's end of the room, once the mailbox has the offer; or -errno. */
static int make_offer(int fd, int segment)
{
	struct mbox_ioc_open open = { .oflag = O_RDONLY };
	int room = make_room(), rx, ret;

	if (room < 0)
		return room;
	rx = mbox_ioctl(room, MBOX_IOC_OPEN, &open);
	ret = rx < 0 ? rx : offer(fd, segment, room);
	mbox_fd_close(room);
	if (!ret)
		return rx;
	if (rx >= 0)
		mbox_fd_close(rx);
	return ret;
}

static int make_ring(int fd, struct mbox_sender *sender, uint32_t size)
{
	int segment = mbox_segment_make(sizeof(struct mbox_ring_memory) + size, MBOX_RING_SEALS);
	int ret = -ENOMEM;
	void *memory;

	if (segment < 0)
		return segment;
	memory = mbox_ring_map(segment, size);
	if (memory) {
		mbox_ring_init(&sender->ring, memory, size);
		ret = make_offer(fd, segment);
		if (ret < 0)
			mbox_ring_unmap(&sender->ring);
	}
	mbox_fd_close(segment);
	return ret;
}

/* A child of fork(2) has what its parent had, but not what is in there. */
static struct mbox_sender *take_sender(struct mbox *mb)
{
	struct mbox_sender *sender = mb->sender, *none = NULL;

	if (sender)
		return sender;
	sender = mbox_private_map(sizeof(*sender));
	if (!sender || atomic_compare_exchange_strong(&mb->sender, &none, sender))
		return sender;
	munmap(sender, sizeof(*sender));
	return none;
}

static int start(struct mbox *mb, struct mbox_sender *sender, uint32_t size, size_t msgsize)
{
	struct mbox_sender new = { .msgsize = msgsize };
	int room;

	if (sender->ring.memory)
		return -EBUSY;
	room = make_ring(mb->object.fd, &new, size);
	if (room < 0)
		return room;
	/* That of the parent, if this is a child. */
	if (mb->has_room)
		mbox_fd_close(mb->room);
	mb->has_room = true;
	mb->room = room;
	sender->msgsize = msgsize;
	sender->closed = false;
	sender->ring = new.ring;
	sender->above = 1 + (mbox_ring_longest(&new.ring) < msgsize ?
			     mbox_ring_longest(&new.ring) : msgsize);
	return 0;
}

MBOX_API int mbox_ring(struct mbox *mb, size_t size)
{
	struct mbox_ioc_status status = { .id = 0 };
	struct mbox_sender *sender;
	int ret;

	if (!mbox_ring_size_valid(size))
		return -EINVAL;
	ret = mbox_ioctl(mb->object.fd, MBOX_IOC_STATUS, &status);
	if (ret)
		return ret;
	if (!(status.flags & MBOX_RINGS))
		return -EOPNOTSUPP;
	sender = take_sender(mb);
	if (!sender)
		return -ENOMEM;
	mbox_lock(&sender->lock);
	ret = start(mb, sender, size, status.msgsize);
	mbox_unlock(&sender->lock);
	return ret;
}

static bool has_ring(const struct mbox_sender *sender)
{
	return sender && sender->ring.memory;
}

MBOX_API int mbox_ring_fd(const struct mbox *mb)
{
	return has_ring(mb->sender) ? mb->room : -ENOENT;
}

void mbox_sender_close(struct mbox *mb)
{
	struct mbox_sender *sender = mb->sender;

	if (!sender)
		return;
	if (sender->ring.memory)
		mbox_ring_unmap(&sender->ring);
	munmap(sender, sizeof(*sender));
	if (mb->has_room)
		mbox_fd_close(mb->room);
}

/* From now on all that is sent is told so. */
static void close_ring(struct mbox_sender *sender)
{
	sender->closed = true;
	sender->above = 0;
}

/* Sleep until the receiver rings. Return: 0, or why not. */
static int sleep_for_room(struct mbox *mb, struct mbox_sender *sender, unsigned int flags,
			  uint64_t deadline)
{
	struct mbox_ioc_msg req = {
		.deadline = deadline,
		.flags = (flags & WAIT_FLAGS) | MBOX_BELL,
	};
	int ret;

	sender->sleepers++;
	mbox_unlock(&sender->lock);
	ret = mbox_ioctl(mb->room, MBOX_IOC_RECV, &req);
	mbox_lock(&sender->lock);
	sender->sleepers--;
	switch (ret) {
	case -ENOMSG:
		return mbox_deadline_passed(flags, deadline) ? -ETIMEDOUT : 0;
	case -EAGAIN:
	case -ETIMEDOUT:
	case -EINTR:
		return ret;
	default:
		/* There is nobody any more who rings, or something is sent there. */
		close_ring(sender);
		return -EPIPE;
	}
}

static bool never_blocks(const struct mbox *mb, unsigned int flags)
{
	return flags & MBOX_NONBLOCK || fcntl(mb->object.fd, F_GETFL) & O_NONBLOCK;
}

/* Is there what is waited for: room for a message, or with a @length of -1 nothing but room? */
static int look(struct mbox_sender *sender, ssize_t length, void **data)
{
	int ret;

	if (sender->closed)
		return -EPIPE;
	if (length < 0) {
		ret = mbox_ring_emptied(&sender->ring);
	} else {
		*data = mbox_ring_reserve(&sender->ring, length, &ret);
		ret = ret ? ret : !!*data;
	}
	if (ret < 0)
		close_ring(sender);
	return ret;
}

/*
 * One bell is for all who sleep: who was woken wakes the next.
 *
 * Return: 0 when there is what look() looks for, or an error.
 */
static int wait_for_room(struct mbox *mb, struct mbox_sender *sender, ssize_t length, void **data,
			 unsigned int flags, uint64_t deadline)
{
	int ret, err = 0;

	if (never_blocks(mb, flags))
		flags |= MBOX_NONBLOCK;
	for (;;) {
		mbox_ring_want(&sender->ring);
		ret = look(sender, length, data);
		if (ret || err)
			break;
		err = sleep_for_room(mb, sender, flags, deadline);
	}
	if (sender->sleepers)
		mbox_bell(mb->room);
	if (ret)
		return ret < 0 ? ret : 0;
	return err;
}

/* What the receiver wants to be told of, or has told. */
static int answer_bell(const struct mbox *mb, uint32_t bell)
{
	return bell == MBOX_BELL_WANTED ? mbox_bell(mb->object.fd) : -EPIPE;
}

/* Apart, so that what goes through the ring at once pays nothing for it. */
static __attribute__((noinline)) int send_slowly(struct mbox *mb, const void *data, size_t length,
						 unsigned int prio)
{
	const struct mbox_message msg = { .data = (void *)data, .length = length, .prio = prio };

	return mbox_send_msg(mb, &msg, 0, 0);
}

int mbox_sender_send(struct mbox *mb, const void *data, size_t length, unsigned int prio)
{
	struct mbox_sender *sender = mb->sender;
	uint32_t bell;
	void *to;
	int error;

	if (prio || length >= sender->above)
		return send_slowly(mb, data, length, prio);
	mbox_lock(&sender->lock);
	to = mbox_ring_reserve(&sender->ring, length, &error);
	if (!to) {
		mbox_unlock(&sender->lock);
		return send_slowly(mb, data, length, prio);
	}
	memcpy(to, data, length);
	bell = mbox_ring_commit(&sender->ring, length, 0);
	mbox_unlock(&sender->lock);
	return bell ? answer_bell(mb, bell) : 0;
}

static int wait_and_reserve(struct mbox *mb, struct mbox_sender *sender, size_t length,
			    void **data, unsigned int flags, uint64_t deadline)
{
	int ret = look(sender, length, data);

	return ret ? ret : wait_for_room(mb, sender, length, data, flags, deadline);
}

int mbox_sender_put(struct mbox *mb, const void *data, size_t length, uint64_t tag,
		    unsigned int flags, uint64_t deadline)
{
	struct mbox_sender *sender = mb->sender;
	uint32_t bell = 0;
	void *to;
	int ret;

	/* What makes no sense the kernel refuses. */
	if (length >= sender->above || flags & ~WAIT_FLAGS || deadline > INT64_MAX)
		return 1;
	mbox_lock(&sender->lock);
	ret = wait_and_reserve(mb, sender, length, &to, flags, deadline);
	if (ret >= 0) {
		memcpy(to, data, length);
		bell = mbox_ring_commit(&sender->ring, length, tag);
	}
	mbox_unlock(&sender->lock);
	if (ret < 0)
		return ret;
	return bell ? answer_bell(mb, bell) : 0;
}

int mbox_sender_flush(struct mbox *mb, unsigned int flags, uint64_t deadline)
{
	struct mbox_sender *sender = mb->sender;
	int ret;

	if (!has_ring(sender))
		return 0;
	mbox_lock(&sender->lock);
	ret = look(sender, -1, NULL);
	if (!ret)
		ret = wait_for_room(mb, sender, -1, NULL, flags, deadline);
	mbox_unlock(&sender->lock);
	return ret < 0 ? ret : 0;
}

int mbox_sender_behind(struct mbox *mb, size_t length, unsigned int *flags, uint64_t deadline)
{
	const struct mbox_sender *sender = mb->sender;

	if (!has_ring(sender) || *flags & ~(WAIT_FLAGS | MBOX_SYNC | MBOX_ONCE) ||
	    deadline > INT64_MAX)
		return 0;
	if (length > sender->msgsize)
		return -EMSGSIZE;
	*flags |= MBOX_SYNC;
	return mbox_sender_flush(mb, *flags, deadline);
}
