// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Messages through memory that sender and receiver share: the rings of mailboxes, and below them a
 * bare one of slots, which knows no lengths and checks nothing. Both hold as many messages as a pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "bench.h"

#define SIZE	65536

/* A message takes more than its bytes in a mailbox's ring, whose size is a power of two. */
#define RING	(2 * SIZE)

static int ring_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	const struct mbox_attr attr = {
		.capacity = room, .msgsize = bytes, .flags = MBOX_RINGS };

	channel->in = 0;
	return mbox_create(&channel->mb, NULL, O_RDWR, 0600, &attr);
}

/* A ring is of the process that sends, which comes of fork(2) after the setup. */
static int ring_send(struct bench_channel *channel, size_t bytes)
{
	if (!channel->in) {
		int err = mbox_ring(channel->mb, RING);

		if (err)
			return err;
		channel->in = 1;
	}
	return mbox_send(channel->mb, bench_data, bytes, 0);
}

static int ring_recv(struct bench_channel *channel, size_t bytes)
{
	struct mbox_message msg = { .data = bench_data, .size = bytes };

	return mbox_recv(channel->mb, &msg);
}

static void ring_teardown(struct bench_channel *channel)
{
	mbox_close(channel->mb);
}

const struct bench_mechanism bench_mbox_ring = {
	.name = "mbox ring",
	.setup = ring_setup,
	.send = ring_send,
	.recv = ring_recv,
	.teardown = ring_teardown,
};

/**
 * struct side - how far one side is
 * @position: bytes
 * @awaited: the other side sleeps until that moves
 */
struct side {
	_Alignas(64) _Atomic uint32_t position;
	_Atomic bool awaited;
};

/* Each message is of the same size, by which SIZE can be divided. */
struct bare {
	struct side sender;
	struct side receiver;
	_Alignas(64) char data[SIZE];
};

/*
 * Each side stores and then looks at what the other stores, both in one order for all, so that one
 * of them sees that of the other. Who waits sleeps, as who has a processor for more than this must.
 */
static void side_move(struct side *side, uint32_t position)
{
	atomic_store(&side->position, position);
	if (atomic_load(&side->awaited)) {
		atomic_store(&side->awaited, false);
		syscall(SYS_futex, &side->position, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

static void side_await(struct side *side, uint32_t not)
{
	while (atomic_load_explicit(&side->position, memory_order_acquire) == not) {
		atomic_store(&side->awaited, true);
		syscall(SYS_futex, &side->position, FUTEX_WAIT, not, NULL, NULL, 0);
	}
}

static int bare_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	void *map = mmap(NULL, sizeof(struct bare), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)room;
	if (SIZE % bytes)
		return -EMSGSIZE;
	if (map == MAP_FAILED)
		return -errno;
	channel->word = map;
	return 0;
}

static int bare_send(struct bench_channel *channel, size_t bytes)
{
	struct bare *bare = (struct bare *)channel->word;
	uint32_t tail = atomic_load_explicit(&bare->sender.position, memory_order_relaxed);

	side_await(&bare->receiver, tail - SIZE);
	memcpy(&bare->data[tail % SIZE], bench_data, bytes);
	side_move(&bare->sender, tail + bytes);
	return 0;
}

static int bare_recv(struct bench_channel *channel, size_t bytes)
{
	struct bare *bare = (struct bare *)channel->word;
	uint32_t head = atomic_load_explicit(&bare->receiver.position, memory_order_relaxed);

	side_await(&bare->sender, head);
	memcpy(bench_data, &bare->data[head % SIZE], bytes);
	side_move(&bare->receiver, head + bytes);
	return 0;
}

static void bare_teardown(struct bench_channel *channel)
{
	munmap(channel->word, sizeof(struct bare));
}

const struct bench_mechanism bench_bare_ring = {
	.name = "bare ring",
	.setup = bare_setup,
	.send = bare_send,
	.recv = bare_recv,
	.teardown = bare_teardown,
};
