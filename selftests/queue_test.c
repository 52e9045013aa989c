// SPDX-License-Identifier: GPL-2.0
/* The order of messages: by priority, then first in, first out, checked against a plain model. */
#include "common.h"
#include "harness.h"

#define DEEP 20000

FIXTURE(queue) {
	int fd;
};

FIXTURE_SETUP(queue)
{
	self->fd = mb_create(NULL, MBOX_UNBOUNDED, O_RDWR | O_NONBLOCK);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(queue)
{
	close(self->fd);
}

/* The model: which numbers are queued with which priority, found by looking at all of them. */
struct model {
	__u32 prio[DEEP];
	bool queued[DEEP];
	int next;
};

static void model_put(struct model *m, __u32 prio)
{
	m->prio[m->next] = prio;
	m->queued[m->next++] = true;
}

static int model_take(struct model *m)
{
	int best = -1, i;

	for (i = 0; i < m->next; i++)
		if (m->queued[i] && (best < 0 || m->prio[i] > m->prio[best]))
			best = i;
	if (best < 0)
		return -EAGAIN;
	m->queued[best] = false;
	return best;
}

TEST_F(queue, one_priority_is_first_in_first_out_at_any_depth)
{
	int i;

	for (i = 0; i < DEEP; i++) {
		ASSERT_EQ(0, mb_put(self->fd, i, 3, 0));
	}
	EXPECT_EQ(DEEP, mb_status(self->fd).queued);
	for (i = 0; i < DEEP; i++) {
		ASSERT_EQ(i, mb_take(self->fd, 0));
	}
	EXPECT_EQ(-EAGAIN, mb_take(self->fd, 0));
	EXPECT_EQ(0, mb_status(self->fd).queued_bytes);
}

TEST_F(queue, higher_priority_first)
{
	static const __u32 prios[] = { 0, MBOX_PRIO_MAX, 1, MBOX_PRIO_MAX - 1, 0, 100 };
	static const int order[] = { 1, 3, 5, 2, 0, 4 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prios); i++) {
		ASSERT_EQ(0, mb_put(self->fd, i, prios[i], 0));
	}
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		EXPECT_EQ(order[i], mb_take(self->fd, 0));
	}
}

TEST_F(queue, priority_and_tag_come_out_as_sent)
{
	static const __u32 prios[] = { MBOX_PRIO_MAX, 12345, 0 };
	static const __u64 tags[] = { 0, ~0ULL, 0x0123456789abcdefULL };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prios); i++) {
		struct mbox_ioc_msg msg = { .prio = prios[i], .tag = tags[i] };

		ASSERT_EQ(0, ctl(self->fd, MBOX_IOC_SEND, &msg));
	}
	for (i = 0; i < ARRAY_SIZE(prios); i++) {
		struct mbox_ioc_msg msg = { .prio = 4711, .tag = 4711 };

		ASSERT_EQ(0, ctl(self->fd, MBOX_IOC_RECV, &msg));
		EXPECT_EQ(prios[i], msg.prio);
		EXPECT_EQ(tags[i], msg.tag);
	}
}

TEST_F(queue, priority_beyond_the_last_is_einval)
{
	struct mbox_ioc_status before = mb_status(self->fd);

	EXPECT_EQ(-EINVAL, mb_put(self->fd, 1, MBOX_PRIO_MAX + 1, 0));
	EXPECT_EQ(-EINVAL, mb_put(self->fd, 1, ~0U, 0));
	EXPECT_UNCHANGED(self->fd, &before);
}

TEST_F(queue, every_priority_at_once)
{
	__u32 i;

	/* 12345 has no factor with 32768: each priority comes once, in no order. */
	for (i = 0; i <= MBOX_PRIO_MAX; i++) {
		ASSERT_EQ(0, mb_put(self->fd, i * 12345 & MBOX_PRIO_MAX,
				    i * 12345 & MBOX_PRIO_MAX, 0));
	}
	for (i = 0; i <= MBOX_PRIO_MAX; i++) {
		ASSERT_EQ(MBOX_PRIO_MAX - i, mb_take(self->fd, 0));
	}
}

/* Sends and receives in a random mix, with as many priorities in use as @levels. */
static void random_mix(struct __test_metadata *_metadata, int fd, __u32 levels, __u32 seed)
{
	struct model *m = calloc(1, sizeof(*m));
	int i;

	ASSERT_TRUE(m != NULL);
	for (i = 0; i < 3000; i++) {
		__u32 prio = prng(&seed) % levels * (MBOX_PRIO_MAX / levels);

		if (prng(&seed) % 5 < 3) {
			ASSERT_EQ(0, mb_put(fd, m->next, prio, 0));
			model_put(m, prio);
		} else {
			ASSERT_EQ(model_take(m), mb_take(fd, 0));
		}
	}
	for (i = 0; i >= 0;) {
		i = model_take(m);
		ASSERT_EQ(i, mb_take(fd, 0));
	}
	free(m);
}

TEST_F(queue, random_mix_follows_the_model)
{
	random_mix(_metadata, self->fd, 1, 1);
	random_mix(_metadata, self->fd, 2, 2);
	random_mix(_metadata, self->fd, 7, 3);
	random_mix(_metadata, self->fd, 1000, 4);
	EXPECT_EQ(0, mb_status(self->fd).queued);
}

/* Semantics 1: boundaries are kept, whatever lies beside. */
TEST_F(queue, messages_keep_their_boundaries)
{
	char in[512], out[512];
	int i;

	for (i = 0; i < 512; i++) {
		pattern_fill(in, i, i);
		ASSERT_EQ(0, mb_send(self->fd, in, i, 0, 0));
	}
	for (i = 0; i < 512; i++) {
		ASSERT_EQ(i, mb_recv(self->fd, out, sizeof(out), 0));
		ASSERT_TRUE(pattern_check(out, i, i));
	}
}

/* Messages that go with the mailbox, of many priorities: a leak or worse shows elsewhere. */
TEST_F(queue, goes_with_its_messages)
{
	int i;

	for (i = 0; i < 5000; i++) {
		ASSERT_EQ(0, mb_put(self->fd, i, i % 100, 0));
	}
	close(self->fd);
	self->fd = mb_create(NULL, 1, O_RDWR);
	EXPECT_EQ(0, mb_status(self->fd).queued);
}

TEST_F(queue, bounded_mailbox_is_full_at_its_capacity)
{
	__u64 capacity;

	for (capacity = 1; capacity < 5; capacity++) {
		int fd = mb_create(NULL, capacity, O_RDWR | O_NONBLOCK);
		struct mbox_ioc_status full;
		__u64 i;

		for (i = 0; i < capacity; i++) {
			ASSERT_EQ(0, mb_put(fd, i, 0, 0));
		}
		full = mb_status(fd);
		EXPECT_EQ(capacity, full.queued);
		/* No priority jumps over what the mailbox holds. */
		EXPECT_EQ(-EAGAIN, mb_put(fd, i, 0, 0));
		EXPECT_EQ(-EAGAIN, mb_put(fd, i, MBOX_PRIO_MAX, 0));
		EXPECT_UNCHANGED(fd, &full);
		EXPECT_EQ(0, mb_take(fd, 0));
		EXPECT_EQ(0, mb_put(fd, i, 0, 0));
		close(fd);
	}
}

TEST_F(queue, byte_limit_bounds_it_too)
{
	struct mbox_ioc_create create = mb_template(NULL, 100, O_RDWR | O_NONBLOCK);
	char buf[100] = { 0 };
	int fd;

	create.msgsize = 100;
	create.bytes = 250;
	fd = ctl(device(), MBOX_IOC_CREATE, &create);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, mb_send(fd, buf, 100, 0, 0));
	EXPECT_EQ(0, mb_send(fd, buf, 100, 0, 0));
	EXPECT_EQ(-EAGAIN, mb_send(fd, buf, 51, 0, 0));
	EXPECT_EQ(0, mb_send(fd, buf, 50, 0, 0));
	EXPECT_EQ(-EAGAIN, mb_send(fd, buf, 1, 0, 0));
	EXPECT_EQ(250, mb_status(fd).queued_bytes);
	EXPECT_EQ(100, mb_recv(fd, buf, 100, 0));
	EXPECT_EQ(0, mb_send(fd, buf, 100, 0, 0));
}

TEST_HARNESS_MAIN
