// SPDX-License-Identifier: GPL-2.0
/* The bell of a mailbox with MBOX_RINGS: who is woken, what poll(2) shows, and who can receive. */
#include "common.h"
#include "harness.h"

FIXTURE(ring) {
	int rx;
	int tx;
};

static int ring(int fd)
{
	struct mbox_ioc_ring arg = { 0 };

	return ctl(fd, MBOX_IOC_RING, &arg);
}

/* A mailbox by its receiver, and by its only sender. */
static int open_ends(int *rx, int *tx, __u32 flags)
{
	const char *name = unique_name("ring");

	*rx = mb_create_flags(name, 4, O_RDONLY | O_EXCL, MBOX_RINGS | flags);
	*tx = mb_open(name, O_WRONLY);
	mb_unlink(name);
	return *rx < 0 ? *rx : *tx < 0 ? *tx : 0;
}

FIXTURE_SETUP(ring)
{
	ASSERT_EQ(0, open_ends(&self->rx, &self->tx, 0));
}

FIXTURE_TEARDOWN(ring)
{
	close(self->rx);
	close(self->tx);
}

TEST_F(ring, a_receiver_that_waits_comes_back)
{
	struct mb_call call;

	call_take(&call, self->rx, MBOX_BELL);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	EXPECT_EQ(0, ring(self->tx));
	EXPECT_EQ(-ENOMSG, call_join(&call));
	EXPECT_EQ(0, mb_status(self->rx).waiting_receivers);
	EXPECT_EQ(-EAGAIN, mb_take(self->rx, MBOX_BELL | MBOX_NONBLOCK));
}

TEST_F(ring, the_next_receiver_comes_back_at_once_and_once)
{
	EXPECT_EQ(0, ring(self->tx));
	EXPECT_EQ(0, ring(self->tx));
	EXPECT_EQ(-ENOMSG, mb_take(self->rx, MBOX_BELL));
	EXPECT_EQ(-EAGAIN, mb_take(self->rx, MBOX_BELL | MBOX_NONBLOCK));
}

TEST_F(ring, one_of_two_receivers_answers)
{
	struct mb_call one, two;

	call_take(&one, self->rx, MBOX_BELL);
	call_take(&two, self->rx, MBOX_BELL);
	ASSERT_EQ(0, call_start(&one));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	ASSERT_EQ(0, call_start(&two));
	ASSERT_TRUE(wait_receivers(self->rx, 2));
	EXPECT_EQ(0, ring(self->tx));
	EXPECT_EQ(-ENOMSG, call_join(&one));
	EXPECT_EQ(1, mb_status(self->rx).waiting_receivers);
	EXPECT_FALSE(call_done(&two));
	EXPECT_EQ(0, ring(self->tx));
	EXPECT_EQ(-ENOMSG, call_join(&two));
}

TEST_F(ring, a_receiver_that_does_not_ask_is_left_alone)
{
	struct mb_call call;

	call_take(&call, self->rx, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	EXPECT_EQ(0, ring(self->tx));
	EXPECT_EQ(1, mb_status(self->rx).waiting_receivers);
	EXPECT_EQ(0, mb_put(self->tx, 5, 0, 0));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(5, call.number);
	EXPECT_EQ(-EAGAIN, mb_take(self->rx, MBOX_NONBLOCK));
	EXPECT_EQ(-ENOMSG, mb_take(self->rx, MBOX_BELL));
}

TEST_F(ring, a_message_comes_before_the_bell)
{
	EXPECT_EQ(0, ring(self->tx));
	EXPECT_EQ(0, mb_put(self->tx, 5, 0, 0));
	EXPECT_EQ(5, mb_take(self->rx, MBOX_BELL));
	EXPECT_EQ(-ENOMSG, mb_take(self->rx, MBOX_BELL));
}

TEST_F(ring, poll_shows_it_until_it_is_answered)
{
	EXPECT_EQ(0, events(self->rx));
	EXPECT_EQ(0, ring(self->tx));
	EXPECT_EQ(IN, events(self->rx));
	EXPECT_EQ(-EAGAIN, mb_take(self->rx, MBOX_NONBLOCK));
	EXPECT_EQ(IN, events(self->rx));
	EXPECT_EQ(-ENOMSG, mb_take(self->rx, MBOX_BELL));
	EXPECT_EQ(0, events(self->rx));
}

TEST_F(ring, who_polls_is_woken)
{
	struct pollfd in = { .fd = self->rx, .events = POLLIN };
	pid_t pid = child_fork();

	ASSERT_LE(0, pid);
	if (!pid)
		_exit(poll(&in, 1, WAIT_LIMIT_S * 1000) != 1);
	usleep(20000);
	EXPECT_EQ(0, ring(self->tx));
	EXPECT_EQ(0, child_wait(pid));
}

TEST_F(ring, the_receiver_rings_too_and_who_only_looks_cannot)
{
	int look = mb_reopen(self->tx, O_WRONLY | O_RDWR);

	ASSERT_LE(0, look);
	EXPECT_EQ(0, ring(self->rx));
	EXPECT_EQ(-ENOMSG, mb_take(self->rx, MBOX_BELL));
	EXPECT_EQ(-EBADF, ring(look));
	EXPECT_EQ(-EAGAIN, mb_take(self->rx, MBOX_BELL | MBOX_NONBLOCK));
	close(look);
}

TEST_F(ring, a_sender_that_goes_rings)
{
	int other = mb_reopen(self->tx, O_WRONLY);
	struct mb_call call;

	ASSERT_LE(0, other);
	call_take(&call, self->rx, MBOX_BELL);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	close(other);
	EXPECT_EQ(-ENOMSG, call_join(&call));
	close(self->tx);
	EXPECT_EQ(IN | POLLHUP, events(self->rx));
	EXPECT_EQ(-ENOMSG, mb_take(self->rx, MBOX_BELL));
	EXPECT_EQ(-EPIPE, mb_take(self->rx, MBOX_BELL));
}

TEST_F(ring, nobody_hears_it_when_the_receiver_is_gone)
{
	close(self->rx);
	EXPECT_EQ(-EPIPE, ring(self->tx));
	self->rx = mb_reopen(self->tx, O_WRONLY);
}

TEST_F(ring, nobody_hears_it_after_the_end)
{
	struct mbox_ioc_end arg = { 0 };

	ASSERT_EQ(0, ctl(self->rx, MBOX_IOC_END, &arg));
	EXPECT_EQ(-EIDRM, ring(self->tx));
	EXPECT_EQ(-EIDRM, mb_take(self->rx, MBOX_BELL));
}

TEST_F(ring, there_is_one_receiver)
{
	const char *name = unique_name("ring_one");
	int fd = mb_create_flags(name, 4, O_WRONLY | O_EXCL, MBOX_RINGS), rx;

	ASSERT_LE(0, fd);
	rx = mb_open(name, O_RDONLY);
	EXPECT_LE(0, rx);
	EXPECT_EQ(-EBUSY, mb_open(name, O_RDONLY));
	EXPECT_EQ(-EBUSY, mb_open(name, O_RDWR));
	EXPECT_EQ(-EBUSY, mb_create_flags(name, 4, O_RDWR, MBOX_RINGS));
	EXPECT_EQ(1, mb_status(fd).receivers);
	EXPECT_EQ(1, mb_status(fd).senders);
	close(rx);
	rx = mb_open(name, O_RDWR);
	EXPECT_LE(0, rx);
	EXPECT_EQ(2, mb_status(fd).senders);
	close(rx);
	mb_unlink(name);
	close(fd);
}

/* As it could by dup(2): so a mailbox without a name comes to have two ends. */
TEST_F(ring, the_receiver_can_share_itself)
{
	int again = mb_reopen(self->rx, O_RDONLY);

	ASSERT_LE(0, again);
	EXPECT_EQ(2, mb_status(self->rx).receivers);
	EXPECT_EQ(0, ring(self->tx));
	EXPECT_EQ(-ENOMSG, mb_take(again, MBOX_BELL));
	EXPECT_EQ(-EAGAIN, mb_take(self->rx, MBOX_BELL | MBOX_NONBLOCK));
	close(again);
}

TEST_F(ring, includes_the_hang_up_and_descriptors)
{
	EXPECT_EQ(MBOX_RINGS | MBOX_HANGUP | MBOX_HANDLES, mb_status(self->rx).flags);
	EXPECT_EQ(0, mb_put_fd(self->tx, self->tx, 0));
	close(mb_take_fd(self->rx, 0));
}

TEST(ring_goes_with_no_broadcast_and_no_tags)
{
	EXPECT_EQ(-EINVAL, mb_create_flags(NULL, 4, O_RDWR, MBOX_RINGS | MBOX_BROADCAST));
	EXPECT_EQ(-EINVAL, mb_create_flags(NULL, 4, O_RDWR, MBOX_RINGS | MBOX_TAGGED));
	EXPECT_EQ(-EINVAL, mb_create_flags(NULL, 65536, O_RDWR, MBOX_RINGS | MBOX_BYTE_STREAM));
}

TEST_F(ring, nobody_peeks_with_the_bell)
{
	EXPECT_EQ(0, mb_put(self->tx, 5, 0, 0));
	EXPECT_EQ(-EINVAL, mb_take(self->rx, MBOX_BELL | MBOX_PEEK));
	EXPECT_EQ(5, mb_take(self->rx, 0));
}

TEST(ring_a_mailbox_without_rings_has_no_bell)
{
	int fd = mb_create_flags(NULL, 4, O_RDWR, MBOX_HANGUP);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, mb_put(fd, 5, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, ring(fd));
	EXPECT_EQ(-EOPNOTSUPP, mb_take(fd, MBOX_BELL));
	EXPECT_EQ(5, mb_take(fd, 0));
	close(fd);
}

TEST_HARNESS_MAIN
