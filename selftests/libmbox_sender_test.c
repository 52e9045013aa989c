// SPDX-License-Identifier: GPL-2.0
/* libmbox's rings as a sender has them. */
#include "common.h"
#include "harness.h"
#include "rings.h"

FIXTURE(sender) {
	struct mbox *rx;
	struct mbox *tx;
};

FIXTURE_SETUP(sender)
{
	ASSERT_EQ(0, rings_open(&self->rx, &self->tx, 0));
	ASSERT_EQ(0, mbox_ring(self->tx, RING));
}

FIXTURE_TEARDOWN(sender)
{
	mbox_close(self->tx);
	mbox_close(self->rx);
}

TEST_F(sender, its_messages_arrive_whole_and_in_order)
{
	struct mbox_message msg = { 0 };
	int i;

	for (i = 0; i < 5000; i++) {
		ASSERT_EQ(0, put_number(self->tx, i, i % (LARGE - 16), 0, 0));
		ASSERT_EQ(i, take_number(self->rx, &msg, 0, 0));
		ASSERT_EQ(i % (LARGE - 16), msg.length);
	}
}

TEST_F(sender, is_who_the_kernel_said_it_was)
{
	struct mbox_message msg = { .prio = 9, .missed = 9, .delivery = 9, .flags = 9,
		.nr_fds = 9, .deliveries = 9, .sequence = 9 };

	ASSERT_EQ(0, put_number(self->tx, 7, 8, 0, 0));
	ASSERT_EQ(7, take_number(self->rx, &msg, 0, 0));
	EXPECT_EQ(getpid(), msg.pid);
	EXPECT_EQ(geteuid(), msg.uid);
	EXPECT_EQ(getegid(), msg.gid);
	EXPECT_EQ(0, msg.prio + msg.missed + msg.delivery + msg.flags + msg.nr_fds +
		     msg.deliveries + msg.sequence);
}

TEST_F(sender, the_kernel_sees_the_offer_and_no_message)
{
	int i;

	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, put_number(self->tx, i, 8, 0, 0));
	EXPECT_EQ(1, mb_status(mbox_fd(self->rx)).queued);
	for (i = 0; i < 10; i++)
		ASSERT_EQ(i, take_one(self->rx, 0));
	EXPECT_EQ(1, mb_status(mbox_fd(self->rx)).sent);
}

TEST_F(sender, sends_by_every_call)
{
	char data[] = "abcdef", got[8] = "";
	const struct iovec parts[] = { { data, 2 }, { data + 2, 0 }, { data + 2, 4 } };
	const struct iovec room[] = { { got, 1 }, { got + 1, 5 } };
	struct mbox_message msgs[3] = { { .data = data, .length = 1 }, { .data = data, .length = 2 },
		{ .data = data, .length = 3 } };
	struct mbox_message in[4] = { { .data = got, .size = 8 }, { .data = got, .size = 8 },
		{ .data = got, .size = 8 }, { .data = got, .size = 8 } };

	EXPECT_EQ(0, mbox_send(self->tx, data, 6, 0));
	EXPECT_EQ(0, mbox_recv(self->rx, in));
	EXPECT_EQ(0, memcmp(data, got, 6));
	EXPECT_EQ(0, mbox_sendv(self->tx, parts, 3, NULL, 0, 0));
	memset(got, 0, sizeof(got));
	EXPECT_EQ(0, mbox_recvv(self->rx, room, 2, NULL, 0, 0));
	EXPECT_EQ(0, memcmp(data, got, 6));
	EXPECT_EQ(3, mbox_send_batch(self->tx, msgs, 3, 0, 0));
	EXPECT_EQ(3, mbox_recv_batch(self->rx, in, 4, 0, 0));
	EXPECT_EQ(1, in[0].length);
	EXPECT_EQ(3, in[2].length);
	EXPECT_EQ(-EAGAIN, mbox_recv_batch(self->rx, in, 4, MBOX_NONBLOCK, 0));
	EXPECT_EQ(1, mb_status(mbox_fd(self->rx)).sent);
}

TEST_F(sender, a_full_ring_says_so)
{
	int nr = fill_ring(self->tx, 48), i;

	EXPECT_EQ(RING / 64, nr);
	EXPECT_EQ(-EAGAIN, put_number(self->tx, nr, 48, MBOX_NONBLOCK, 0));
	EXPECT_EQ(-ETIMEDOUT, put_number(self->tx, nr, 48, 0, 1));
	EXPECT_EQ(-ETIMEDOUT, put_number(self->tx, nr, 48, 0, in_ms(30)));
	EXPECT_EQ(-ETIMEDOUT, put_number(self->tx, nr, 48, MBOX_REALTIME,
					 now_ns(CLOCK_REALTIME) + 1000000));
	for (i = 0; i < nr; i++)
		ASSERT_EQ(i, take_one(self->rx, 0));
	EXPECT_EQ(-EAGAIN, take_one(self->rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, put_number(self->tx, nr, 48, MBOX_NONBLOCK, 0));
	EXPECT_EQ(nr, take_one(self->rx, 0));
}

static void on_signal(int signo)
{
}

TEST_F(sender, a_signal_ends_its_wait)
{
	const struct sigaction action = { .sa_handler = on_signal };
	int nr = fill_ring(self->tx, 48);
	pid_t parent = getpid(), pid;

	sigaction(SIGUSR1, &action, NULL);
	pid = child_fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		while (!kill(parent, SIGUSR1))
			usleep(10000);
		_exit(0);
	}
	EXPECT_EQ(-EINTR, put_number(self->tx, nr, 48, 0, 0));
	kill(pid, SIGKILL);
	child_wait(pid);
	EXPECT_EQ(0, take_one(self->rx, 0));
}

TEST_F(sender, a_handle_that_does_not_block_does_not)
{
	struct mbox *rx, *tx;

	ASSERT_EQ(0, rings_open(&rx, &tx, O_NONBLOCK));
	ASSERT_EQ(0, mbox_ring(tx, RING));
	EXPECT_EQ(-EAGAIN, take_one(rx, 0));
	fill_ring(tx, 48);
	EXPECT_EQ(-EAGAIN, put_number(tx, 0, 48, 0, 0));
	EXPECT_EQ(-EAGAIN, put_number(tx, 0, LARGE, 0, 0));
	mbox_close(tx);
	mbox_close(rx);
}

TEST_F(sender, waits_for_room_and_goes_on)
{
	pid_t pid = child_fork();
	int i;

	ASSERT_LE(0, pid);
	if (!pid) {
		int bad = 0;

		for (i = 0; i < 3000; i++)
			bad |= take_one(self->rx, 0) != i;
		_exit(bad);
	}
	for (i = 0; i < 3000; i++)
		ASSERT_EQ(0, put_number(self->tx, i, 200 + i % 100, 0, 0));
	EXPECT_EQ(0, child_wait(pid));
}

TEST_F(sender, can_poll_for_room)
{
	struct pollfd room = { .fd = mbox_ring_fd(self->tx), .events = POLLIN };
	int nr = fill_ring(self->tx, 48), i;

	ASSERT_LE(0, room.fd);
	EXPECT_EQ(0, poll(&room, 1, 0));
	for (i = 0; i < nr / 2; i++)
		ASSERT_EQ(i, take_one(self->rx, 0));
	EXPECT_EQ(1, poll(&room, 1, 0));
	EXPECT_EQ(POLLIN, room.revents);
	EXPECT_EQ(nr / 2, fill_ring(self->tx, 48));
	EXPECT_EQ(0, poll(&room, 1, 0));
	mbox_close(self->rx);
	self->rx = NULL;
	/* The message that the receiver's end came in goes a little later. */
	EXPECT_EQ(1, poll(&room, 1, WAIT_LIMIT_S * 1000));
	EXPECT_TRUE(room.revents & POLLHUP);
}

TEST_F(sender, is_told_when_the_receiver_closes)
{
	ASSERT_EQ(0, put_number(self->tx, 0, 8, 0, 0));
	ASSERT_EQ(0, take_one(self->rx, 0));
	mbox_close(self->rx);
	self->rx = NULL;
	EXPECT_EQ(-EPIPE, put_number(self->tx, 0, 8, 0, 0));
	EXPECT_EQ(-EPIPE, put_number(self->tx, 0, 8, MBOX_NONBLOCK, 0));
	EXPECT_EQ(-EPIPE, put_number(self->tx, 0, LARGE, 0, 0));
}

/* The receiver has the ring, and dies while the sender waits for room. */
TEST_F(sender, is_told_when_the_receiver_is_killed)
{
	pid_t pid = child_fork();
	int ret, i;

	ASSERT_LE(0, pid);
	if (!pid) {
		mbox_close(self->tx);
		take_one(self->rx, 0);
		for (;;)
			pause();
	}
	mbox_close(self->rx);
	self->rx = NULL;
	ASSERT_EQ(0, put_number(self->tx, 0, 48, 0, 0));
	ASSERT_TRUE(wait_until(mb_status(mbox_fd(self->tx)).received == 1));
	for (i = 0; i < RING / 64 - 1; i++)
		ASSERT_EQ(0, put_number(self->tx, i, 48, 0, 0));
	EXPECT_EQ(-ETIMEDOUT, put_number(self->tx, i, 512, 0, in_ms(20)));
	kill(pid, SIGKILL);
	for (i = 0; !(ret = put_number(self->tx, i, 512, 0, 0)); i++)
		;
	EXPECT_EQ(-EPIPE, ret);
	child_wait(pid);
}

TEST_F(sender, what_a_ring_cannot_carry_keeps_its_place)
{
	pid_t pid = child_fork();
	int i;

	ASSERT_LE(0, pid);
	if (!pid) {
		int bad = 0;

		for (i = 0; i < 600; i++)
			bad |= take_one(self->rx, 0) != i;
		_exit(bad);
	}
	for (i = 0; i < 600; i++)
		ASSERT_EQ(0, put_number(self->tx, i, i % 3 ? 64 : i % 2 ? LARGE - 15 : 60000,
					i % 5 ? 0 : MBOX_SYNC, 0));
	EXPECT_EQ(0, child_wait(pid));
}

TEST_F(sender, does_not_overtake_itself_when_it_may_not_wait)
{
	ASSERT_EQ(0, put_number(self->tx, 0, 8, 0, 0));
	EXPECT_EQ(-EAGAIN, put_number(self->tx, 1, LARGE, MBOX_NONBLOCK, 0));
	EXPECT_EQ(-ETIMEDOUT, put_number(self->tx, 1, LARGE, 0, in_ms(5)));
	EXPECT_EQ(1, mb_status(mbox_fd(self->rx)).queued);
	EXPECT_EQ(0, take_one(self->rx, 0));
	EXPECT_EQ(-ETIMEDOUT, put_number(self->tx, 1, LARGE, 0, in_ms(5)));
	EXPECT_EQ(-EAGAIN, take_one(self->rx, MBOX_NONBLOCK));
}

/* What comes in a child: a number, two descriptors, a number, a priority. */
static int take_mixed(struct mbox *rx)
{
	struct mbox_fd got[2];
	struct mbox_message in = { .fds = got, .room_fds = 2 };
	int bad = take_one(rx, 0) != 0;

	bad |= take_number(rx, &in, 0, 0) != 1 || in.nr_fds != 2 || in.length != 24;
	bad |= take_one(rx, 0) != 2;
	bad |= take_number(rx, &in, 0, 0) != 3 || in.prio != 5;
	return bad;
}

TEST_F(sender, descriptors_and_priorities_go_through_the_kernel)
{
	struct mbox_fd fds[] = { { device(), 0 }, { device(), 0 } };
	struct mbox_message msg = { .data = "not an offer of a ring.", .length = 24, .tag = 1,
		.fds = fds, .nr_fds = 2 };
	pid_t pid = child_fork();

	ASSERT_LE(0, pid);
	if (!pid)
		_exit(take_mixed(self->rx));
	EXPECT_EQ(0, put_number(self->tx, 0, 8, 0, 0));
	EXPECT_EQ(0, mbox_send_msg(self->tx, &msg, 0, 0));
	EXPECT_EQ(0, put_number(self->tx, 2, 8, 0, 0));
	msg = (struct mbox_message) { .tag = 3, .prio = 5 };
	EXPECT_EQ(0, mbox_send_msg(self->tx, &msg, 0, 0));
	EXPECT_EQ(0, child_wait(pid));
}

/* Its receiver cannot lease it, and gets its bytes. */
TEST_F(sender, a_loan_goes_through_the_kernel)
{
	struct mbox_message msg = { .length = 64, .tag = 1 };
	pid_t pid = child_fork();
	struct mbox_pool *pool;
	int i;

	ASSERT_LE(0, pid);
	if (!pid) {
		int bad = 0;

		for (i = 0; i < 3; i++)
			bad |= take_one(self->rx, 0) != i;
		_exit(bad);
	}
	ASSERT_EQ(0, mbox_pool_create(&pool, msg.length, 1));
	ASSERT_EQ(0, mbox_pool_get(pool, &msg.data, 0, 0));
	for (i = 0; i < 16; i++)
		((uint32_t *)msg.data)[i] = 1 + i;
	EXPECT_EQ(0, put_number(self->tx, 0, 8, 0, 0));
	EXPECT_EQ(0, mbox_send_loan(self->tx, pool, &msg, 0, 0));
	EXPECT_EQ(0, put_number(self->tx, 2, 8, 0, 0));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, mbox_pool_get(pool, &msg.data, 0, 0));
	mbox_pool_destroy(pool);
}

TEST_F(sender, a_message_larger_than_the_mailbox_takes_is_refused)
{
	static char data[65537];

	EXPECT_EQ(-EMSGSIZE, mbox_send(self->tx, data, sizeof(data), 0));
}

TEST_F(sender, a_child_sends_through_the_kernel_until_it_has_a_ring)
{
	pid_t pid;
	int i;

	ASSERT_EQ(0, put_number(self->tx, 0, 8, 0, 0));
	ASSERT_EQ(0, take_one(self->rx, 0));
	pid = child_fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int bad = put_number(self->tx, 100, 8, 0, 0);

		bad |= mbox_ring_fd(self->tx) != -ENOENT;
		bad |= mbox_ring(self->tx, RING);
		for (i = 101; i < 110; i++)
			bad |= put_number(self->tx, i, 8, 0, 0);
		_exit(bad != 0);
	}
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(3, mb_status(mbox_fd(self->tx)).sent);
	ASSERT_EQ(0, put_number(self->tx, 1, 8, 0, 0));
	EXPECT_EQ(1, take_one(self->rx, 0));
	for (i = 100; i < 110; i++) {
		struct mbox_message msg = { 0 };

		EXPECT_EQ(i, take_number(self->rx, &msg, 0, 0));
		EXPECT_EQ(pid, msg.pid);
	}
}

#define THREADS	4
#define EACH	2000

static void *send_some(void *arg)
{
	struct mbox **tx = arg;
	long i, bad = 0;

	for (i = 0; i < EACH; i++)
		bad |= put_number(*tx, gettid() % 4096 << 16 | i, 40, 0, 0);
	return (void *)bad;
}

TEST_F(sender, its_threads_share_the_ring)
{
	pthread_t threads[THREADS];
	static int seen[4096];
	int i, number;
	void *bad;

	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, send_some, &self->tx));
	for (i = 0; i < THREADS * EACH; i++) {
		number = take_one(self->rx, 0);
		ASSERT_LE(0, number);
		ASSERT_EQ(seen[number >> 16]++, number & 0xffff);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &bad);
		EXPECT_EQ(NULL, bad);
	}
}

TEST_F(sender, what_it_asks_is_checked)
{
	struct mbox *plain, *both, *rx, *tx;
	struct mbox_attr attr = { .capacity = 1, .msgsize = 64, .flags = MBOX_HANGUP };
	struct mbox_attr small = { .capacity = 1, .msgsize = 23, .flags = MBOX_RINGS };

	EXPECT_EQ(-EBUSY, mbox_ring(self->tx, RING));
	EXPECT_EQ(-EBADF, mbox_ring(self->rx, RING));
	EXPECT_EQ(-ENOENT, mbox_ring_fd(self->rx));
	ASSERT_EQ(0, mbox_create(&plain, NULL, O_RDWR, 0600, &attr));
	EXPECT_EQ(-EOPNOTSUPP, mbox_ring(plain, RING));
	ASSERT_EQ(0, mbox_create(&both, NULL, O_RDWR, 0600, &small));
	EXPECT_EQ(-EINVAL, mbox_ring(both, RING / 2));
	EXPECT_EQ(-EINVAL, mbox_ring(both, RING + 1));
	EXPECT_EQ(-EINVAL, mbox_ring(both, MBOX_RING_MAX * 2));
	EXPECT_EQ(-EMSGSIZE, mbox_ring(both, RING));
	ASSERT_EQ(0, rings_open(&rx, &tx, 0));
	mbox_close(rx);
	EXPECT_EQ(-EPIPE, mbox_ring(tx, RING));
	EXPECT_EQ(-ENOENT, mbox_ring_fd(tx));
	EXPECT_EQ(-EPIPE, put_number(tx, 0, 8, 0, 0));
	mbox_close(tx);
	mbox_close(plain);
	mbox_close(both);
}

TEST_F(sender, leaves_no_descriptor_behind)
{
	int before = fds_open();
	struct mbox *rx, *tx;

	ASSERT_EQ(0, rings_open(&rx, &tx, 0));
	ASSERT_EQ(0, mbox_ring(tx, MBOX_RING_MAX));
	ASSERT_EQ(0, put_number(tx, 0, 8, 0, 0));
	EXPECT_EQ(0, take_one(rx, 0));
	mbox_close(tx);
	EXPECT_EQ(-EPIPE, take_one(rx, 0));
	mbox_close(rx);
	EXPECT_EQ(before, fds_open());
}

TEST_HARNESS_MAIN
