// SPDX-License-Identifier: GPL-2.0
/* Loans as libmbox gives them to receivers: where they are read, and for how long. */
#include "common.h"
#include "harness.h"

#include <sys/resource.h>

#include <mbox/mbox.h>

#define SIZE	5000

FIXTURE(loan) {
	struct mbox *mb;
	struct mbox_pool *pool;
	char room[64];
};

FIXTURE_SETUP(loan)
{
	struct mbox_attr attr = { .capacity = MBOX_UNBOUNDED, .msgsize = SIZE };

	ASSERT_EQ(0, mbox_create(&self->mb, NULL, O_RDWR, 0600, &attr));
	ASSERT_EQ(0, mbox_pool_create(&self->pool, SIZE, 4));
}

FIXTURE_TEARDOWN(loan)
{
	mbox_pool_destroy(self->pool);
	mbox_close(self->mb);
}

/* Sends a pattern of that seed. */
static int lend(struct mbox *mb, struct mbox_pool *pool, __u32 seed)
{
	struct mbox_message msg = { .length = SIZE, .tag = seed, .prio = seed % 7 };
	int ret = mbox_pool_get(pool, &msg.data, MBOX_NONBLOCK, 0);

	if (ret)
		return ret;
	pattern_fill(msg.data, SIZE, seed);
	return mbox_send_loan(mb, pool, &msg, 0, 0);
}

static int receive(FIXTURE_DATA(loan) *self, struct mbox_message *msg, const void **bytes,
		   unsigned int flags)
{
	msg->data = self->room;
	msg->size = sizeof(self->room);
	return mbox_recv_loan(self->mb, msg, bytes, MBOX_NONBLOCK | flags, 0);
}

/* The mappings of segments that this process has. */
static int mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	int nr = 0;

	while (fgets(line, sizeof(line), maps))
		nr += strstr(line, "/mbox (deleted)") != NULL;
	fclose(maps);
	return nr;
}

TEST_F(loan, is_read_in_place)
{
	struct mbox_message msg = { 0 };
	const void *bytes = NULL, *again = NULL;
	struct mbox_status status;
	int fds = fds_open(), maps = mappings();

	ASSERT_EQ(0, lend(self->mb, self->pool, 12));
	ASSERT_EQ(0, receive(self, &msg, &bytes, 0));
	EXPECT_EQ(MBOX_LOAN, msg.flags);
	EXPECT_EQ(SIZE, msg.length);
	EXPECT_EQ(12, msg.tag);
	EXPECT_EQ(5, msg.prio);
	EXPECT_EQ(getpid(), msg.pid);
	EXPECT_TRUE(pattern_check(bytes, SIZE, 12));
	EXPECT_EQ(-1, mprotect((void *)((uintptr_t)bytes & -4096UL), 4096, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, mbox_status(self->mb, &status));
	EXPECT_EQ(1, status.held);
	EXPECT_EQ(0, mbox_ack(self->mb, msg.delivery));
	EXPECT_EQ(-ESTALE, mbox_ack(self->mb, msg.delivery));
	/* The mapping is kept, and no descriptor. */
	EXPECT_EQ(fds, fds_open());
	EXPECT_EQ(maps + 1, mappings());
	ASSERT_EQ(0, lend(self->mb, self->pool, 13));
	ASSERT_EQ(0, receive(self, &msg, &again, 0));
	EXPECT_TRUE(pattern_check(again, SIZE, 13));
	EXPECT_EQ(maps + 1, mappings());
}

TEST_F(loan, other_messages_are_in_the_callers_room)
{
	struct mbox_message msg = { 0 };
	const void *bytes = NULL;

	ASSERT_EQ(0, mbox_send(self->mb, "bytes", 6, 0));
	ASSERT_EQ(0, receive(self, &msg, &bytes, 0));
	EXPECT_TRUE(bytes == self->room);
	EXPECT_EQ(0, msg.flags);
	EXPECT_STREQ("bytes", self->room);
	EXPECT_EQ(0, mbox_ack(self->mb, msg.delivery));
}

TEST_F(loan, refuses_what_it_cannot_do)
{
	struct mbox_message msg = { .data = self->room, .size = sizeof(struct mbox_loan) - 1 };
	const void *bytes = self;

	EXPECT_EQ(-EAGAIN, receive(self, &msg, &bytes, 0));
	ASSERT_EQ(0, lend(self->mb, self->pool, 1));
	msg.size = sizeof(struct mbox_loan) - 1;
	EXPECT_EQ(-EINVAL, mbox_recv_loan(self->mb, &msg, &bytes, MBOX_NONBLOCK, 0));
	EXPECT_EQ(-EINVAL, receive(self, &msg, &bytes, MBOX_PEEK));
	EXPECT_EQ(-EINVAL, receive(self, &msg, &bytes, MBOX_SYNC));
	/* How a loan is told is between the library and the kernel. */
	EXPECT_EQ(-EINVAL, mbox_recv_msg(self->mb, &msg, MBOX_LEASE | MBOX_LOAN, 0));
	EXPECT_EQ(-EINVAL, mbox_send_msg(self->mb, &msg, MBOX_LOAN, 0));
	EXPECT_EQ(-EINVAL, mbox_recv_batch(self->mb, &msg, 1, MBOX_LEASE | MBOX_LOAN, 0));
	EXPECT_TRUE(bytes == self);
}

TEST_F(loan, one_call_returns_it_and_receives_the_next)
{
	struct mbox_message msg = { 0 };
	const void *bytes;
	struct mbox_status status;
	__u32 i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, lend(self->mb, self->pool, i));
		ASSERT_EQ(0, receive(self, &msg, &bytes, MBOX_ACK));
		ASSERT_TRUE(pattern_check(bytes, SIZE, i));
	}
	EXPECT_EQ(-EAGAIN, receive(self, &msg, &bytes, MBOX_ACK));
	EXPECT_EQ(0, msg.delivery);
	EXPECT_EQ(0, mbox_status(self->mb, &status));
	EXPECT_EQ(0, status.held);
}

TEST_F(loan, goes_back_to_the_next_receiver)
{
	struct mbox_message msg = { 0 };
	const void *bytes;

	ASSERT_EQ(0, lend(self->mb, self->pool, 3));
	ASSERT_EQ(0, receive(self, &msg, &bytes, 0));
	EXPECT_EQ(0, mbox_return(self->mb, msg.delivery));
	ASSERT_EQ(0, receive(self, &msg, &bytes, 0));
	EXPECT_EQ(1, msg.deliveries);
	EXPECT_TRUE(pattern_check(bytes, SIZE, 3));
}

/* Returns how many mappings of segments there are more. */
static int receive_from(struct __test_metadata *_metadata, FIXTURE_DATA(loan) *self, int pools,
			bool done)
{
	int before = mappings(), i;

	for (i = 0; i < pools; i++) {
		struct mbox_message msg = { 0 };
		struct mbox_pool *pool;
		const void *bytes;

		ASSERT_EQ(0, mbox_pool_create(&pool, SIZE, 1));
		ASSERT_EQ(0, lend(self->mb, pool, i));
		mbox_pool_destroy(pool);
		ASSERT_EQ(0, receive(self, &msg, &bytes, 0));
		ASSERT_TRUE(pattern_check(bytes, SIZE, i));
		if (done)
			ASSERT_EQ(0, mbox_ack(self->mb, msg.delivery));
	}
	return mappings() - before;
}

TEST_F(loan, few_mappings_are_kept)
{
	int many = receive_from(_metadata, self, 100, true);

	EXPECT_LT(1, many);
	EXPECT_GT(50, many);
	EXPECT_EQ(0, receive_from(_metadata, self, 100, true));
}

TEST_F(loan, what_is_in_use_stays_mapped)
{
	struct mbox_message msg = { 0 };
	const void *bytes;
	int before = mappings();

	ASSERT_EQ(0, lend(self->mb, self->pool, 77));
	ASSERT_EQ(0, receive(self, &msg, &bytes, 0));
	EXPECT_EQ(100, receive_from(_metadata, self, 100, false));
	receive_from(_metadata, self, 100, true);
	EXPECT_TRUE(pattern_check(bytes, SIZE, 77));
	mbox_close(self->mb);
	EXPECT_EQ(before, mappings());
	self->mb = NULL;
}

/* No descriptor is left for the mapping, of a segment that is not mapped yet. */
TEST_F(loan, goes_back_when_it_cannot_be_mapped)
{
	struct rlimit old, none;
	struct mbox_message msg = { 0 };
	const void *bytes = self;

	ASSERT_EQ(0, lend(self->mb, self->pool, 4));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = 0;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, receive(self, &msg, &bytes, 0));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_TRUE(bytes == self);
	EXPECT_EQ(0, msg.delivery);
	ASSERT_EQ(0, receive(self, &msg, &bytes, 0));
	EXPECT_EQ(1, msg.deliveries);
	EXPECT_TRUE(pattern_check(bytes, SIZE, 4));
}

#define THREADS	4
#define LOANS	2000

static void *receive_some(void *arg)
{
	FIXTURE_DATA(loan) *self = arg;
	char room[sizeof(struct mbox_loan)];
	struct mbox_message msg = { .data = room, .size = sizeof(room) };
	const void *bytes;
	long bad = 0;
	int i;

	for (i = 0; i < LOANS / THREADS; i++) {
		bad += mbox_recv_loan(self->mb, &msg, &bytes, i % 2 ? MBOX_ACK : 0,
				      mbox_deadline_in(WAIT_LIMIT_S * NS_PER_S)) != 0;
		bad += !pattern_check(bytes, SIZE, msg.tag);
		if (i % 2)
			bad += mbox_ack(self->mb, msg.delivery) != 0;
		if (i % 2)
			msg.delivery = 0;
	}
	return (void *)bad;
}

/* Pools come and go, while threads receive through one handle. */
TEST_F(loan, threads_share_a_handle)
{
	struct mbox_pool *pool = NULL;
	pthread_t threads[THREADS];
	void *bad;
	__u32 i;

	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, receive_some, self));
	for (i = 0; i < LOANS; i++) {
		struct mbox_message msg = { .length = SIZE, .tag = i };

		if (i % 20 == 0) {
			mbox_pool_destroy(pool);
			ASSERT_EQ(0, mbox_pool_create(&pool, SIZE, 3));
		}
		ASSERT_EQ(0, mbox_pool_get(pool, &msg.data, 0, 0));
		pattern_fill(msg.data, SIZE, i);
		ASSERT_EQ(0, mbox_send_loan(self->mb, pool, &msg, 0, 0));
	}
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &bad));
		EXPECT_EQ(0, (long)bad);
	}
	mbox_pool_destroy(pool);
}

TEST_HARNESS_MAIN
