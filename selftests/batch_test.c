// SPDX-License-Identifier: GPL-2.0
/* Several messages in one call. */
#include "common.h"
#include "harness.h"

#define NR 8

FIXTURE(batch) {
	struct mb_ends box;
	struct mbox_ioc_msg msgs[NR];
	__u32 numbers[NR];
};

typedef FIXTURE_DATA(batch) fixture;

static void prepare(fixture *f)
{
	int i;

	for (i = 0; i < NR; i++) {
		f->numbers[i] = i;
		f->msgs[i] = mb_msg(&f->numbers[i], sizeof(f->numbers[i]), 0);
	}
}

FIXTURE_SETUP(batch)
{
	ASSERT_EQ(0, mb_ends_open(&self->box, NR, 0));
	prepare(self);
}

FIXTURE_TEARDOWN(batch)
{
	mb_ends_close(&self->box);
}

static struct mbox_ioc_batch batch_of(const struct mbox_ioc_msg *msgs, __u32 nr, __u32 flags)
{
	return (struct mbox_ioc_batch) {
		.msgs = addr(msgs), .nr = nr, .msg_size = sizeof(*msgs), .flags = flags };
}

static int send_batch(fixture *f, __u32 nr, __u32 flags)
{
	struct mbox_ioc_batch batch = batch_of(f->msgs, nr, flags);

	return ctl(f->box.tx, MBOX_IOC_SEND_BATCH, &batch);
}

static int recv_batch(fixture *f, __u32 nr, __u32 flags)
{
	struct mbox_ioc_batch batch = batch_of(f->msgs, nr, flags);

	return ctl(f->box.rx, MBOX_IOC_RECV_BATCH, &batch);
}

TEST_F(batch, goes_and_comes_whole)
{
	int i;

	for (i = 0; i < NR; i++) {
		self->msgs[i].tag = 1000 + i;
		self->msgs[i].prio = NR - i;
	}
	EXPECT_EQ(NR, send_batch(self, NR, 0));
	EXPECT_EQ(NR, mb_status(self->box.rx).queued);
	prepare(self);
	memset(self->numbers, 0xff, sizeof(self->numbers));
	EXPECT_EQ(NR, recv_batch(self, NR, 0));
	for (i = 0; i < NR; i++) {
		EXPECT_EQ(i, self->numbers[i]);
		EXPECT_EQ(1000 + i, self->msgs[i].tag);
		EXPECT_EQ(NR - i, self->msgs[i].prio);
		EXPECT_EQ(sizeof(__u32), self->msgs[i].len);
		EXPECT_EQ(getpid(), self->msgs[i].pid);
		EXPECT_EQ(geteuid(), self->msgs[i].uid);
		EXPECT_EQ(0, self->msgs[i].flags);
	}
}

TEST_F(batch, receive_takes_what_is_there_and_leaves_the_rest_of_the_array)
{
	struct mbox_ioc_msg untouched;

	ASSERT_EQ(0, mb_put(self->box.tx, 70, 0, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 71, 0, 0));
	untouched = self->msgs[2];
	EXPECT_EQ(2, recv_batch(self, NR, 0));
	EXPECT_EQ(70, self->numbers[0]);
	EXPECT_EQ(71, self->numbers[1]);
	EXPECT_EQ(2, self->numbers[2]);
	EXPECT_EQ(0, memcmp(&untouched, &self->msgs[2], sizeof(untouched)));
	prepare(self);
	EXPECT_EQ(-EAGAIN, recv_batch(self, NR, MBOX_NONBLOCK));
}

TEST_F(batch, receive_takes_no_more_than_it_asked_for)
{
	ASSERT_EQ(NR, send_batch(self, NR, 0));
	EXPECT_EQ(3, recv_batch(self, 3, 0));
	EXPECT_EQ(NR - 3, mb_status(self->box.rx).queued);
	EXPECT_EQ(3, mb_take(self->box.rx, 0));
}

static void *recv_batch_thread(void *arg)
{
	return (void *)(intptr_t)recv_batch(arg, NR, 0);
}

TEST_F(batch, receive_blocks_for_the_first_only)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, recv_batch_thread, self));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	ASSERT_EQ(0, mb_put(self->box.tx, 30, 0, 0));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(1, (intptr_t)ret);
	EXPECT_EQ(30, self->numbers[0]);
}

TEST_F(batch, receive_takes_from_waiting_senders)
{
	struct mb_call calls[3];
	int i;

	ASSERT_EQ(0, mb_set_capacity(self->box.both, 0));
	for (i = 0; i < 3; i++) {
		call_put(&calls[i], self->box.tx, 40 + i, 0, 0);
		ASSERT_EQ(0, call_start(&calls[i]));
		ASSERT_TRUE(wait_senders(self->box.rx, i + 1));
	}
	EXPECT_EQ(3, recv_batch(self, NR, 0));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, call_join(&calls[i]));
		EXPECT_EQ(40 + i, self->numbers[i]);
	}
}

TEST_F(batch, nonblocking_send_sends_what_fits)
{
	ASSERT_EQ(0, mb_set_capacity(self->box.both, 3));
	EXPECT_EQ(3, send_batch(self, NR, MBOX_NONBLOCK));
	EXPECT_EQ(3, mb_status(self->box.rx).queued);
	EXPECT_EQ(-EAGAIN, send_batch(self, NR, MBOX_NONBLOCK));
	EXPECT_EQ(0, mb_take(self->box.rx, 0));
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(2, mb_take(self->box.rx, 0));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
}

static void *send_batch_thread(void *arg)
{
	return (void *)(intptr_t)send_batch(arg, NR, 0);
}

TEST_F(batch, send_blocks_until_all_are_sent)
{
	pthread_t thread;
	void *ret;
	int i;

	ASSERT_EQ(0, mb_set_capacity(self->box.both, 2));
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_batch_thread, self));
	for (i = 0; i < NR; i++) {
		if (i < NR - 2) {
			EXPECT_TRUE(wait_senders(self->box.rx, 1));
		}
		EXPECT_EQ(i, mb_take(self->box.rx, 0));
	}
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(NR, (intptr_t)ret);
}

TEST_F(batch, deadline_is_for_the_whole_and_tells_how_many_went)
{
	struct mbox_ioc_batch batch = batch_of(self->msgs, NR, 0);

	ASSERT_EQ(0, mb_set_capacity(self->box.both, 3));
	batch.deadline = in_ms(50);
	EXPECT_EQ(3, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_LE(batch.deadline, now_ns(CLOCK_MONOTONIC));
	EXPECT_EQ(3, mb_status(self->box.rx).queued);
	EXPECT_EQ(-ETIMEDOUT, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ(3, mb_status(self->box.rx).queued);
}

/* What is wrong with the entry in the middle ends it there: those before it are sent. */
static const struct bad_entry {
	const char *what;
	struct mbox_ioc_msg msg;
	int send, recv;
} bad_entries[] = {
	{ "deadline", { .deadline = 1 }, -EINVAL, -EINVAL },
	{ "nonblock", { .flags = MBOX_NONBLOCK }, -EINVAL, -EINVAL },
	{ "realtime", { .flags = MBOX_REALTIME }, -EINVAL, -EINVAL },
	{ "peek", { .flags = MBOX_PEEK }, -EINVAL, -EINVAL },
	{ "unknown flag", { .flags = 1U << 31 }, -EINVAL, -EINVAL },
	{ "index", { .index = 1 }, -EINVAL, -EINVAL },
	{ "sync on receive", { .flags = MBOX_SYNC }, 0, -EINVAL },
	{ "once on receive", { .flags = MBOX_ONCE, .sequence = ~0ULL }, 0, -EINVAL },
	{ "once without a number", { .flags = MBOX_ONCE }, -EINVAL, -EINVAL },
	{ "number without once", { .sequence = 1 }, -EINVAL, 0 },
	{ "prio", { .prio = MBOX_PRIO_MAX + 1 }, -EINVAL, 0 },
	{ "address", { .buf = 1, .len = 4 }, -EFAULT, -EFAULT },
	{ "too many iovecs", { .len = MBOX_IOV_MAX + 1, .flags = MBOX_IOV }, -EINVAL, -EINVAL },
	{ "too large", { .buf = 1, .len = MSGSIZE + 1 }, -EMSGSIZE, -EFAULT },
	{ "no room", { .len = 0 }, 0, -EMSGSIZE },
};

TEST_F(batch, bad_entry_of_a_send_ends_it_there)
{
	const struct bad_entry *bad;

	for (bad = bad_entries; bad < bad_entries + ARRAY_SIZE(bad_entries); bad++) {
		struct mbox_ioc_status before = mb_status(self->box.rx);

		if (!bad->send)
			continue;
		self->msgs[0] = bad->msg;
		EXPECT_EQ(bad->send, send_batch(self, 3, 0))
			TH_LOG("%s", bad->what);
		EXPECT_UNCHANGED(self->box.rx, &before);
		prepare(self);
		self->msgs[2] = bad->msg;
		EXPECT_EQ(2, send_batch(self, 4, 0))
			TH_LOG("%s", bad->what);
		EXPECT_EQ(0, mb_take(self->box.rx, MBOX_NONBLOCK));
		EXPECT_EQ(1, mb_take(self->box.rx, MBOX_NONBLOCK));
		EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
		prepare(self);
	}
}

TEST_F(batch, bad_entry_of_a_receive_ends_it_there_and_loses_nothing)
{
	const struct bad_entry *bad;

	for (bad = bad_entries; bad < bad_entries + ARRAY_SIZE(bad_entries); bad++) {
		struct mbox_ioc_status before;

		if (!bad->recv)
			continue;
		ASSERT_EQ(4, send_batch(self, 4, 0));
		before = mb_status(self->box.rx);
		self->msgs[0] = bad->msg;
		EXPECT_EQ(bad->recv, recv_batch(self, 3, MBOX_NONBLOCK))
			TH_LOG("%s", bad->what);
		EXPECT_UNCHANGED(self->box.rx, &before);
		prepare(self);
		self->msgs[2] = bad->msg;
		EXPECT_EQ(2, recv_batch(self, 4, MBOX_NONBLOCK))
			TH_LOG("%s", bad->what);
		EXPECT_EQ(2, mb_take(self->box.rx, MBOX_NONBLOCK));
		EXPECT_EQ(3, mb_take(self->box.rx, MBOX_NONBLOCK));
		prepare(self);
	}
}

TEST_F(batch, entries_can_have_lists)
{
	char out[8] = { 0 };
	struct mbox_iovec gather[] = { { addr("ab"), 2 }, { addr("cd"), 2 } };

	self->msgs[1] = mb_msg(gather, 2, MBOX_IOV);
	EXPECT_EQ(3, send_batch(self, 3, 0));
	EXPECT_EQ(0, mb_take(self->box.rx, 0));
	EXPECT_EQ(4, mb_recv(self->box.rx, out, sizeof(out), 0));
	EXPECT_STREQ("abcd", out);
	EXPECT_EQ(2, mb_take(self->box.rx, 0));
}

TEST_F(batch, entries_can_be_synchronous)
{
	pthread_t thread;
	void *ret;
	int i;

	self->msgs[2].flags = MBOX_SYNC;
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_batch_thread, self));
	for (i = 0; i < 3; i++) {
		EXPECT_TRUE(wait_senders(self->box.rx, 1));
		EXPECT_EQ(3 - i, mb_status(self->box.rx).queued);
		EXPECT_EQ(i, mb_take(self->box.rx, 0));
	}
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(NR, (intptr_t)ret);
}

/* One call of many must not let the others starve or come out of order. */
TEST_F(batch, batches_of_two_senders_keep_their_order)
{
	int sender, next[2] = { 0, 0 };
	__u32 i;

	for (sender = 0; sender < 2; sender++) {
		if (child_fork())
			continue;
		for (i = 0; i < 200 * NR; i++) {
			self->numbers[i % NR] = sender << 16 | i;
			if (i % NR == NR - 1 && send_batch(self, NR, 0) != NR)
				_exit(1);
		}
		_exit(0);
	}
	while (next[0] + next[1] < 400 * NR) {
		int number = mb_take(self->box.rx, 0);

		ASSERT_LE(0, number);
		ASSERT_EQ(next[number >> 16]++, number & 0xffff);
	}
}

TEST_HARNESS_MAIN
