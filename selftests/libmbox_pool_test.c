// SPDX-License-Identifier: GPL-2.0
/* Pools of buffers, as libmbox gives them to senders. */
#include "common.h"
#include "harness.h"

#include <mbox/mbox.h>

#define SIZE	1000
#define COUNT	4

FIXTURE(pool) {
	struct mbox *mb;
	struct mbox_pool *pool;
	void *buffer;
};

FIXTURE_SETUP(pool)
{
	struct mbox_attr attr = { .capacity = MBOX_UNBOUNDED, .msgsize = SIZE };

	ASSERT_EQ(0, mbox_create(&self->mb, NULL, O_RDWR, 0600, &attr));
	ASSERT_EQ(0, mbox_pool_create(&self->pool, SIZE, COUNT));
}

FIXTURE_TEARDOWN(pool)
{
	mbox_pool_destroy(self->pool);
	mbox_close(self->mb);
}

static int get(struct mbox_pool *pool, void **buffer)
{
	return mbox_pool_get(pool, buffer, MBOX_NONBLOCK, 0);
}

static int lend(struct mbox *mb, struct mbox_pool *pool, void *buffer, size_t length)
{
	struct mbox_message msg = { .data = buffer, .length = length };

	return mbox_send_loan(mb, pool, &msg, MBOX_NONBLOCK, 0);
}

/* Receives the copy of a message, and so returns its buffer. */
static int take(struct mbox *mb)
{
	static char room[SIZE];
	struct mbox_message msg = { .data = room, .size = sizeof(room) };

	return mbox_recv_msg(mb, &msg, MBOX_NONBLOCK, 0);
}

TEST_F(pool, create_refuses_sizes_and_counts)
{
	struct mbox_pool *pool = (void *)1;

	EXPECT_EQ(-EINVAL, mbox_pool_create(&pool, 0, 1));
	EXPECT_EQ(-EINVAL, mbox_pool_create(&pool, 1, 0));
	EXPECT_EQ(-EINVAL, mbox_pool_create(&pool, 1, MBOX_POOL_MAX + 1));
	EXPECT_EQ(-EINVAL, mbox_pool_create(&pool, SIZE_MAX, 1));
	EXPECT_EQ(-EINVAL, mbox_pool_create(&pool, SIZE_MAX / 2, 2));
	EXPECT_TRUE(pool == (void *)1);
	mbox_pool_destroy(NULL);
}

TEST_F(pool, gives_each_buffer_once)
{
	char *buffer[COUNT];
	void *more = self;
	int i, j;

	for (i = 0; i < COUNT; i++) {
		ASSERT_EQ(0, get(self->pool, (void **)&buffer[i]));
		memset(buffer[i], i, SIZE);
	}
	for (i = 0; i < COUNT; i++)
		for (j = 0; j < SIZE; j++)
			ASSERT_EQ(i, buffer[i][j]);
	EXPECT_EQ(-EAGAIN, get(self->pool, &more));
	EXPECT_TRUE(more == self);
	EXPECT_EQ(0, mbox_pool_put(self->pool, buffer[2]));
	EXPECT_EQ(-EINVAL, mbox_pool_put(self->pool, buffer[2]));
	ASSERT_EQ(0, get(self->pool, &more));
	EXPECT_TRUE(more == buffer[2]);
}

TEST_F(pool, knows_its_buffers)
{
	char *buffer;

	ASSERT_EQ(0, get(self->pool, (void **)&buffer));
	EXPECT_EQ(-EINVAL, mbox_pool_put(self->pool, buffer + 1));
	EXPECT_EQ(-EINVAL, mbox_pool_put(self->pool, NULL));
	EXPECT_EQ(-EINVAL, mbox_pool_put(self->pool, self));
	EXPECT_EQ(-EINVAL, lend(self->mb, self->pool, buffer + 64, 1));
	EXPECT_EQ(-EINVAL, lend(self->mb, self->pool, self, 1));
	EXPECT_EQ(-EMSGSIZE, lend(self->mb, self->pool, buffer, SIZE + 1));
	EXPECT_EQ(-EINVAL, lend(self->mb, self->pool, buffer, 4096));
	EXPECT_EQ(-EAGAIN, take(self->mb));
	EXPECT_EQ(0, lend(self->mb, self->pool, buffer, SIZE));
	EXPECT_EQ(-EINVAL, lend(self->mb, self->pool, buffer, SIZE));
	EXPECT_EQ(-EINVAL, mbox_pool_put(self->pool, buffer));
}

TEST_F(pool, gets_back_what_was_received)
{
	int i;

	for (i = 0; i < 10 * COUNT; i++) {
		if (i >= COUNT)
			ASSERT_EQ(0, take(self->mb));
		ASSERT_EQ(0, get(self->pool, &self->buffer));
		ASSERT_EQ(0, lend(self->mb, self->pool, self->buffer, SIZE));
		if (i >= COUNT - 1)
			ASSERT_EQ(-EAGAIN, get(self->pool, &self->buffer));
	}
}

TEST_F(pool, get_waits_by_its_deadline)
{
	__u64 start = now_ns(CLOCK_MONOTONIC);
	int i;

	for (i = 0; i < COUNT; i++)
		ASSERT_EQ(0, get(self->pool, &self->buffer));
	EXPECT_EQ(-ETIMEDOUT, mbox_pool_get(self->pool, &self->buffer, 0,
					    mbox_deadline_in(20 * NS_PER_MS)));
	EXPECT_LE(start + 20 * NS_PER_MS, now_ns(CLOCK_MONOTONIC));
	EXPECT_EQ(-ETIMEDOUT, mbox_pool_get(self->pool, &self->buffer, 0, 1));
	EXPECT_EQ(-EINVAL, mbox_pool_get(self->pool, &self->buffer, 0, 1ULL << 63));
	EXPECT_EQ(-EINVAL, mbox_pool_get(self->pool, &self->buffer, MBOX_LEASE, 0));
}

static void *get_one(void *arg)
{
	struct mbox_pool *pool = arg;
	void *buffer = NULL;

	mbox_pool_get(pool, &buffer, 0, mbox_deadline_in(WAIT_LIMIT_S * NS_PER_S));
	return buffer;
}

/* By one that another thread gives back, then by one that a receiver does. */
TEST_F(pool, get_waits_for_a_buffer)
{
	void *buffer[COUNT], *got;
	pthread_t thread;
	int i;

	for (i = 0; i < COUNT; i++)
		ASSERT_EQ(0, get(self->pool, &buffer[i]));
	for (i = 0; i < 30; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, get_one, self->pool));
		usleep(i % 3 * 1000);
		if (i % 2) {
			ASSERT_EQ(0, mbox_pool_put(self->pool, buffer[1]));
		} else {
			ASSERT_EQ(0, lend(self->mb, self->pool, buffer[1], 1));
			ASSERT_EQ(0, take(self->mb));
		}
		ASSERT_EQ(0, pthread_join(thread, &got));
		EXPECT_TRUE(got == buffer[1]);
	}
}

#define THREADS	4
#define TURNS	3000

static void *turn(void *arg)
{
	FIXTURE_DATA(pool) *self = arg;
	__u32 seed = gettid();
	long i, bad = 0;

	for (i = 0; i < TURNS; i++) {
		long *buffer;

		bad += mbox_pool_get(self->pool, (void **)&buffer, 0,
				     mbox_deadline_in(WAIT_LIMIT_S * NS_PER_S)) != 0;
		*buffer = seed;
		if (prng(&seed) % 4 == 0)
			sched_yield();
		if (prng(&seed) % 3)
			bad += lend(self->mb, self->pool, buffer, sizeof(*buffer)) != 0 ||
			       take(self->mb) != 0;
		else
			bad += mbox_pool_put(self->pool, buffer) != 0;
	}
	return (void *)bad;
}

/* With fewer buffers than threads: none is forgotten, none waits for ever. */
TEST_F(pool, threads_share_it)
{
	pthread_t threads[THREADS];
	void *bad;
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, get(self->pool, &self->buffer));
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, turn, self));
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &bad));
		EXPECT_EQ(0, (long)bad);
	}
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, get(self->pool, &self->buffer));
	EXPECT_EQ(-EAGAIN, get(self->pool, &self->buffer));
}

TEST_F(pool, is_not_a_childs)
{
	pid_t pid;

	ASSERT_EQ(0, get(self->pool, &self->buffer));
	*(char *)self->buffer = 1;
	pid = child_fork();
	if (!pid)
		_exit(*(volatile char *)self->buffer);
	EXPECT_EQ(1000 + SIGSEGV, child_wait(pid));
}

TEST_F(pool, leaves_what_is_lent)
{
	struct mbox_pool *pool;
	char room[SIZE] = { 0 };
	struct mbox_message msg = { .data = room, .size = sizeof(room) };
	int open = fds_open();

	ASSERT_EQ(0, mbox_pool_create(&pool, SIZE, 1));
	ASSERT_EQ(0, get(pool, &self->buffer));
	strcpy(self->buffer, "still there");
	ASSERT_EQ(0, lend(self->mb, pool, self->buffer, 100));
	mbox_pool_destroy(pool);
	EXPECT_EQ(open, fds_open());
	ASSERT_EQ(0, mbox_recv(self->mb, &msg));
	EXPECT_STREQ("still there", room);
}

TEST_HARNESS_MAIN
