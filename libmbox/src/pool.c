/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Pools: buffers that messages lend.
 *
 * The kernel knows which buffers are lent, the pool which the process has taken.
 * The others are free. Only when the pool knows of none any more it asks the
 * kernel, so that many buffers cost one system call.
 *
 * Who finds none waits for the kernel to say that some came back, and for
 * another thread to give one back. Both are asked for under the lock before it
 * looks once more, so that nothing that comes later is missed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "internal.h"

/**
 * struct mbox_pool - a pool
 * @fd: its segment
 * @event: a buffer was given back while somebody waited
 * @size: bytes from one buffer to the next
 * @count: buffers
 * @words: of 64 bits, with one for each
 * @map: where they are
 * @lock: protects what follows
 * @waiters: threads in mbox_pool_get() that found none
 * @free: those that are known to be free
 * @nr_free: how many
 * @taken: a bit for each that a caller has
 * @lent: room for what the kernel says
 */
struct mbox_pool {
	int fd;
	int event;
	size_t size;
	unsigned int count;
	unsigned int words;
	unsigned char *map;
	pthread_mutex_t lock;
	unsigned int waiters;
	unsigned int nr_free;
	uint32_t *free;
	uint64_t *taken;
	uint64_t *lent;
};

static int make_segment(struct mbox_pool *pool)
{
	struct mbox_ioc_pool divide = { .buffer_size = pool->size };

	pool->fd = mbox_segment_make((uint64_t)pool->size * pool->count,
				     MBOX_SEAL_SHRINK | MBOX_SEAL_GROW);
	return pool->fd < 0 ? pool->fd : mbox_ioctl(pool->fd, MBOX_IOC_POOL, &divide);
}

static int map_segment(struct mbox_pool *pool)
{
	size_t length = pool->size * pool->count;

	pool->map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED,
			 pool->fd, 0);
	if (pool->map == MAP_FAILED)
		return -errno;
	return madvise(pool->map, length, MADV_DONTFORK) ? -errno : 0;
}

static int make_lists(struct mbox_pool *pool)
{
	pool->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->event < 0)
		return -errno;
	pool->free = calloc(pool->count, sizeof(*pool->free));
	pool->taken = calloc(pool->words, sizeof(*pool->taken));
	pool->lent = calloc(pool->words, sizeof(*pool->lent));
	return pool->free && pool->taken && pool->lent ? 0 : -ENOMEM;
}

static int fill(struct mbox_pool *pool)
{
	int ret = make_segment(pool);

	if (!ret)
		ret = map_segment(pool);
	return ret ? ret : make_lists(pool);
}

MBOX_API void mbox_pool_destroy(struct mbox_pool *pool)
{
	if (!pool)
		return;
	if (pool->map != MAP_FAILED)
		munmap(pool->map, pool->size * pool->count);
	if (pool->fd >= 0)
		mbox_fd_close(pool->fd);
	if (pool->event >= 0)
		mbox_fd_close(pool->event);
	pthread_mutex_destroy(&pool->lock);
	free(pool->free);
	free(pool->taken);
	free(pool->lent);
	free(pool);
}

static bool fits(size_t size, unsigned int count)
{
	return size && count && count <= MBOX_POOL_MAX &&
	       size <= SIZE_MAX / 2 / count - MBOX_POOL_ALIGN;
}

MBOX_API int mbox_pool_create(struct mbox_pool **pool, size_t size,
			      unsigned int count)
{
	struct mbox_pool *new;
	int ret;

	if (!fits(size, count))
		return -EINVAL;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->fd = -1;
	new->event = -1;
	new->map = MAP_FAILED;
	new->size = (size + MBOX_POOL_ALIGN - 1) & ~(size_t)(MBOX_POOL_ALIGN - 1);
	new->count = count;
	new->words = (count + 63) / 64;
	pthread_mutex_init(&new->lock, NULL);
	ret = fill(new);
	if (ret) {
		mbox_pool_destroy(new);
		return ret;
	}
	*pool = new;
	return 0;
}

static bool has(const uint64_t *bits, unsigned int nr)
{
	return bits[nr / 64] >> nr % 64 & 1;
}

static void flip(uint64_t *bits, unsigned int nr)
{
	bits[nr / 64] ^= 1ULL << nr % 64;
}

/* Ask what is free by now. What comes back after this, poll tells. */
static int refill(struct mbox_pool *pool)
{
	struct mbox_ioc_lent req = {
		.map = mbox_address(pool->lent),
		.nr = pool->words,
	};
	unsigned int nr;
	uint64_t gifts;
	int ret;

	/* It is empty mostly. */
	ret = mbox_fd_read(pool->event, &gifts, sizeof(gifts));
	if (ret < 0 && ret != -EAGAIN)
		return ret;
	ret = mbox_ioctl(pool->fd, MBOX_IOC_LENT, &req);
	if (ret)
		return ret;
	for (nr = pool->count; nr--;)
		if (!has(pool->lent, nr) && !has(pool->taken, nr))
			pool->free[pool->nr_free++] = nr;
	return 0;
}

/* Return: 0, -EAGAIN if none is free, or an error. */
static int take(struct mbox_pool *pool, void **buffer)
{
	int ret = pool->nr_free ? 0 : refill(pool);
	unsigned int nr;

	if (ret)
		return ret;
	if (!pool->nr_free)
		return -EAGAIN;
	nr = pool->free[--pool->nr_free];
	flip(pool->taken, nr);
	*buffer = pool->map + nr * pool->size;
	return 0;
}

static int wait_for_some(const struct mbox_pool *pool, uint64_t deadline)
{
	struct pollfd fds[] = {
		{ .fd = pool->fd, .events = POLLOUT },
		{ .fd = pool->event, .events = POLLIN },
	};
	uint64_t now = mbox_deadline_in(0);
	uint64_t left = deadline > now ? deadline - now : 0;
	const struct timespec wait = {
		.tv_sec = (time_t)(left / 1000000000),
		.tv_nsec = (long)(left % 1000000000),
	};
	int ret = mbox_fd_poll(fds, 2, deadline ? &wait : NULL);

	if (ret < 0)
		return ret;
	return ret ? 0 : -ETIMEDOUT;
}

MBOX_API int mbox_pool_get(struct mbox_pool *pool, void **buffer,
			   unsigned int flags, uint64_t deadline)
{
	int ret;

	if (flags & ~MBOX_NONBLOCK || deadline > INT64_MAX)
		return -EINVAL;
	pthread_mutex_lock(&pool->lock);
	while ((ret = take(pool, buffer)) == -EAGAIN && !(flags & MBOX_NONBLOCK)) {
		pool->waiters++;
		pthread_mutex_unlock(&pool->lock);
		ret = wait_for_some(pool, deadline);
		pthread_mutex_lock(&pool->lock);
		pool->waiters--;
		if (ret)
			break;
	}
	pthread_mutex_unlock(&pool->lock);
	return ret;
}

/* Return: whether it is a buffer, and the caller's; locked. */
static bool find(const struct mbox_pool *pool, const void *buffer,
		 unsigned int *nr)
{
	size_t offset = (uintptr_t)buffer - (uintptr_t)pool->map;

	*nr = offset / pool->size;
	return offset % pool->size == 0 && offset / pool->size < pool->count &&
	       has(pool->taken, *nr);
}

/* It is the caller's no longer; locked. Who waits is to look once more. */
static void give(struct mbox_pool *pool, unsigned int nr)
{
	const uint64_t gift = 1;

	flip(pool->taken, nr);
	/* It can only be full, and then tells as much. */
	if (pool->waiters)
		mbox_fd_write(pool->event, &gift, sizeof(gift));
}

MBOX_API int mbox_pool_put(struct mbox_pool *pool, void *buffer)
{
	unsigned int nr;
	bool found;

	pthread_mutex_lock(&pool->lock);
	found = find(pool, buffer, &nr);
	if (found) {
		pool->free[pool->nr_free++] = nr;
		give(pool, nr);
	}
	pthread_mutex_unlock(&pool->lock);
	return found ? 0 : -EINVAL;
}

static bool is_taken(struct mbox_pool *pool, const void *buffer,
		     unsigned int *nr)
{
	bool taken;

	pthread_mutex_lock(&pool->lock);
	taken = find(pool, buffer, nr);
	pthread_mutex_unlock(&pool->lock);
	return taken;
}

/*
 * It is the kernel's from when it was sent. That can be over by now, and who
 * waits have looked, and found it taken.
 */
MBOX_API int mbox_send_loan(struct mbox *mb, struct mbox_pool *pool,
			    const struct mbox_message *msg, unsigned int flags,
			    uint64_t deadline)
{
	struct mbox_loan loan = { .segment = pool->fd, .length = msg->length };
	struct mbox_message place = *msg;
	unsigned int nr;
	int ret;

	if (!is_taken(pool, msg->data, &nr))
		return -EINVAL;
	loan.offset = (uint64_t)nr * pool->size;
	place.data = &loan;
	place.length = sizeof(loan);
	ret = mbox_send_as(mb, &place, MBOX_LOAN, flags, deadline);
	if (ret)
		return ret;
	pthread_mutex_lock(&pool->lock);
	give(pool, nr);
	pthread_mutex_unlock(&pool->lock);
	return 0;
}
