// SPDX-License-Identifier: GPL-2.0
/* libmbox's mailboxes for broadcast: each receiver gets all, or is told what it missed. */
#include "common.h"
#include "harness.h"

#include <poll.h>

#include <mbox/mbox.h>

#define NR_RX 3

struct cast {
	char name[64];
	struct mbox *tx;
	struct mbox *rx[NR_RX];
};

static int cast_open(struct cast *cast, uint64_t capacity, unsigned int flags)
{
	struct mbox_attr attr = {
		.capacity = capacity, .msgsize = 64, .flags = MBOX_BROADCAST | flags };
	int i, err;

	snprintf(cast->name, sizeof(cast->name), "/%s", unique_name("cast"));
	err = mbox_create(&cast->tx, cast->name, O_WRONLY | O_EXCL, 0600, &attr);
	for (i = 0; i < NR_RX && !err; i++)
		err = mbox_open(&cast->rx[i], cast->name, O_RDONLY);
	return err;
}

static void cast_close(struct cast *cast)
{
	int i;

	mbox_unlink(cast->name);
	mbox_close(cast->tx);
	for (i = 0; i < NR_RX; i++)
		mbox_close(cast->rx[i]);
}

static int put(struct mbox *mb, int number)
{
	return mbox_send(mb, &number, sizeof(number), 0);
}

static int take(struct mbox *mb, uint64_t *missed)
{
	int number = 0, err;
	struct mbox_message msg = { .data = &number, .size = sizeof(number), .missed = 99 };

	err = mbox_recv_msg(mb, &msg, MBOX_NONBLOCK, 0);
	*missed = msg.missed;
	return err ? err : number;
}

FIXTURE(cast) {
	struct cast cast;
};

FIXTURE_SETUP(cast)
{
	ASSERT_EQ(0, cast_open(&self->cast, 3, 0));
}

FIXTURE_TEARDOWN(cast)
{
	cast_close(&self->cast);
}

TEST_F(cast, reaches_each_receiver)
{
	struct cast *c = &self->cast;
	struct mbox_status status;
	uint64_t missed;
	int i, n;

	for (n = 0; n < 3; n++)
		ASSERT_EQ(0, put(c->tx, n));
	for (i = 0; i < NR_RX; i++) {
		for (n = 0; n < 3; n++) {
			EXPECT_EQ(n, take(c->rx[i], &missed));
			EXPECT_EQ(0, missed);
		}
		EXPECT_EQ(-EAGAIN, take(c->rx[i], &missed));
		/* After an error the struct is as it was. */
		EXPECT_EQ(99, missed);
	}
	ASSERT_EQ(0, mbox_status(c->tx, &status));
	EXPECT_EQ(MBOX_BROADCAST, status.flags);
	EXPECT_EQ(3, status.sent);
	EXPECT_EQ(9, status.received);
	EXPECT_EQ(0, status.dropped);
	EXPECT_EQ(0, status.queued);
}

TEST_F(cast, waits_for_the_slowest)
{
	struct cast *c = &self->cast;
	struct mbox_message msg = { .data = "", .length = 1 };
	uint64_t missed;
	int i, n;

	for (n = 0; n < 3; n++)
		ASSERT_EQ(0, put(c->tx, n));
	for (i = 0; i < NR_RX; i++) {
		EXPECT_EQ(-EAGAIN, mbox_send_msg(c->tx, &msg, MBOX_NONBLOCK, 0));
		EXPECT_EQ(0, take(c->rx[i], &missed));
	}
	EXPECT_EQ(0, mbox_send_msg(c->tx, &msg, MBOX_NONBLOCK, 0));
	EXPECT_EQ(-ETIMEDOUT, mbox_send_msg(c->tx, &msg, 0, mbox_deadline_in(10 * NS_PER_MS)));
}

TEST_F(cast, receivers_of_one_handle_share)
{
	struct cast *c = &self->cast;
	struct mbox *copy;
	uint64_t missed;

	ASSERT_EQ(0, mbox_from_fd(&copy, dup(mbox_fd(c->rx[0]))));
	ASSERT_EQ(0, put(c->tx, 1));
	ASSERT_EQ(0, put(c->tx, 2));
	EXPECT_EQ(1, take(copy, &missed));
	EXPECT_EQ(2, take(c->rx[0], &missed));
	EXPECT_EQ(-EAGAIN, take(copy, &missed));
	EXPECT_EQ(1, take(c->rx[1], &missed));
	mbox_close(copy);
}

TEST_F(cast, goes_in_batches_and_in_pieces)
{
	struct cast *c = &self->cast;
	char in[3][4], first[2], second[4];
	struct mbox_message msgs[3] = {
		{ .data = "one", .length = 4 },
		{ .data = "two", .length = 4, .tag = 2 },
		{ .data = "six", .length = 4 },
	};
	struct iovec iov[] = { { first, sizeof(first) }, { second, sizeof(second) } };
	int i;

	ASSERT_EQ(3, mbox_send_batch(c->tx, msgs, 3, 0, 0));
	for (i = 0; i < 3; i++)
		msgs[i] = (struct mbox_message) { .data = in[i], .size = 4, .missed = 5 };
	ASSERT_EQ(3, mbox_recv_batch(c->rx[0], msgs, 3, 0, 0));
	EXPECT_STREQ("one", in[0]);
	EXPECT_STREQ("two", in[1]);
	EXPECT_STREQ("six", in[2]);
	EXPECT_EQ(2, msgs[1].tag);
	EXPECT_EQ(0, msgs[2].missed);
	ASSERT_EQ(0, mbox_recvv(c->rx[1], iov, 2, &msgs[0], 0, 0));
	EXPECT_EQ(4, msgs[0].length);
	EXPECT_EQ(0, memcmp(first, "on", 2));
	EXPECT_EQ(0, memcmp(second, "e", 2));
}

TEST_F(cast, refuses_what_it_does_not_do)
{
	struct cast *c = &self->cast;
	struct mbox_message msg = { .data = "", .length = 0 };
	union sigval value = { 0 };

	EXPECT_EQ(-EOPNOTSUPP, mbox_send(c->tx, "", 0, 1));
	EXPECT_EQ(-EOPNOTSUPP, mbox_send_msg(c->tx, &msg, MBOX_SYNC, 0));
	EXPECT_EQ(-EOPNOTSUPP, mbox_peek(c->rx[0], 0, &msg));
	EXPECT_EQ(-EOPNOTSUPP, mbox_notify(c->rx[0], SIGUSR1, value));
	EXPECT_EQ(-EINVAL, mbox_resize(c->tx, 0));
	EXPECT_STRNE("unknown error", mbox_strerror(-EOPNOTSUPP));
}

TEST(refuses_attributes_that_make_no_sense)
{
	struct mbox_attr lossy = { .capacity = 1, .msgsize = 1, .flags = MBOX_LOSSY };
	struct mbox_attr rendezvous = { .msgsize = 1, .flags = MBOX_BROADCAST };
	struct mbox *mb;

	EXPECT_EQ(-EINVAL, mbox_create(&mb, NULL, O_RDWR, 0600, &lossy));
	EXPECT_EQ(-EINVAL, mbox_create(&mb, NULL, O_RDWR, 0600, &rendezvous));
}

TEST(lossy_one_tells_what_was_missed)
{
	struct mbox_status status;
	struct cast cast;
	uint64_t missed;
	int n;

	ASSERT_EQ(0, cast_open(&cast, 3, MBOX_LOSSY));
	for (n = 0; n < 10; n++)
		ASSERT_EQ(0, put(cast.tx, n));
	EXPECT_EQ(7, take(cast.rx[0], &missed));
	EXPECT_EQ(7, missed);
	EXPECT_EQ(8, take(cast.rx[0], &missed));
	EXPECT_EQ(0, missed);
	ASSERT_EQ(0, mbox_status(cast.tx, &status));
	EXPECT_EQ(MBOX_BROADCAST | MBOX_LOSSY, status.flags);
	EXPECT_EQ(7, status.dropped);
	ASSERT_EQ(0, mbox_resize(cast.tx, 1));
	ASSERT_EQ(0, put(cast.tx, n));
	EXPECT_EQ(10, take(cast.rx[0], &missed));
	EXPECT_EQ(1, missed);
	EXPECT_EQ(10, take(cast.rx[1], &missed));
	EXPECT_EQ(10, missed);
	cast_close(&cast);
}

TEST(hangup_comes_after_all_is_read)
{
	struct cast cast;
	struct pollfd pfd = { .events = POLLIN };
	uint64_t missed;

	ASSERT_EQ(0, cast_open(&cast, 3, MBOX_HANGUP));
	ASSERT_EQ(0, put(cast.tx, 1));
	mbox_close(cast.tx);
	cast.tx = NULL;
	pfd.fd = mbox_fd(cast.rx[0]);
	EXPECT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLIN | POLLHUP, pfd.revents);
	EXPECT_EQ(1, take(cast.rx[0], &missed));
	EXPECT_EQ(-EPIPE, take(cast.rx[0], &missed));
	EXPECT_EQ(1, take(cast.rx[1], &missed));
	cast_close(&cast);
}

TEST_HARNESS_MAIN
