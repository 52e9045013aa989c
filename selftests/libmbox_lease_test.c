// SPDX-License-Identifier: GPL-2.0
/* Leases and dead letters, as libmbox gives them. */
#include "common.h"
#include "harness.h"

#include <mbox/mbox.h>

#define SHORT	(30 * NS_PER_MS)
#define MSG	100
#define LEASE_NOW	(MBOX_LEASE | MBOX_NONBLOCK)

/* A message of one number and the room for one. */
struct number {
	struct mbox_message msg;
	uint32_t value;
};

static struct mbox_message *number(struct number *number, uint32_t value)
{
	*number = (struct number){ .value = value };
	number->msg.data = &number->value;
	number->msg.size = number->msg.length = sizeof(number->value);
	return &number->msg;
}

static int put(struct mbox *mb, uint32_t value)
{
	return mbox_send(mb, &value, sizeof(value), 0);
}

/* Returns the number, and never waits. */
static int lease(struct mbox *mb, struct number *n, uint64_t ns)
{
	int ret;

	number(n, 0)->lease = ns;
	ret = mbox_recv_msg(mb, &n->msg, LEASE_NOW, 0);
	return ret ? ret : (int)n->value;
}

static struct mbox_status status_of(const struct mbox *mb)
{
	struct mbox_status status;

	if (mbox_status(mb, &status))
		abort();
	return status;
}

#define held(mb)	(status_of(mb).held)

/* What a plain receive gets now: the number, leased so many times before. */
#define EXPECT_NEXT(mb, expected, times) do {				\
	struct number n_;						\
									\
	EXPECT_EQ(0, mbox_recv_msg(mb, number(&n_, 0), MBOX_NONBLOCK, 0)); \
	EXPECT_EQ(expected, n_.value);					\
	EXPECT_EQ(times, n_.msg.deliveries);				\
	EXPECT_EQ(0, n_.msg.delivery);					\
} while (0)

#define EXPECT_EMPTY(mb) do {						\
	struct number n_;						\
									\
	EXPECT_EQ(-EAGAIN, mbox_recv_msg(mb, number(&n_, 0), MBOX_NONBLOCK, 0)); \
} while (0)

static struct mbox *box(const char *name, int oflag, uint64_t msgsize, unsigned int flags)
{
	struct mbox_attr attr = { .capacity = 10, .msgsize = msgsize, .flags = flags };
	struct mbox *mb;

	if (mbox_create(&mb, name, oflag, 0600, &attr))
		abort();
	return mb;
}

/* One mailbox by two open files that receive, and one that only sends. */
FIXTURE(lease) {
	struct mbox *mb;
	struct mbox *other;
	struct mbox *tx;
};

FIXTURE_SETUP(lease)
{
	const char *name = unique_name("lease");

	self->mb = box(name, O_RDWR | O_EXCL, MSG, 0);
	ASSERT_EQ(0, mbox_open(&self->other, name, O_RDWR));
	ASSERT_EQ(0, mbox_open(&self->tx, name, O_WRONLY));
	ASSERT_EQ(0, mbox_unlink(name));
}

FIXTURE_TEARDOWN(lease)
{
	mbox_close(self->mb);
	mbox_close(self->other);
	mbox_close(self->tx);
}

/* One struct for all: the next receive acknowledges, and says so when it then fails. */
TEST_F(lease, the_next_acknowledges_the_last)
{
	const unsigned int flags = LEASE_NOW | MBOX_ACK;
	struct number n;
	uint32_t i;

	number(&n, 0);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, put(self->tx, i));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, mbox_recv_msg(self->mb, &n.msg, flags, 0));
		EXPECT_EQ(i, n.value);
		EXPECT_EQ(1, held(self->mb));
	}
	EXPECT_EQ(-EAGAIN, mbox_recv_msg(self->mb, &n.msg, flags, 0));
	EXPECT_EQ(0, n.msg.delivery);
	EXPECT_EQ(0, held(self->mb));
	EXPECT_EQ(-EAGAIN, mbox_recv_msg(self->mb, &n.msg, flags, 0));
	n.msg.delivery = 77;
	EXPECT_EQ(-ESTALE, mbox_recv_msg(self->mb, &n.msg, flags, 0));
	EXPECT_EQ(77, n.msg.delivery);
	EXPECT_EMPTY(self->other);
	EXPECT_EQ(-EINVAL, mbox_recv_batch(self->mb, &n.msg, 1, flags, 0));
}

TEST_F(lease, acknowledged_once_and_gone)
{
	struct number n;

	ASSERT_EQ(0, put(self->tx, 7));
	ASSERT_EQ(7, lease(self->mb, &n, 0));
	EXPECT_NE(0, n.msg.delivery);
	EXPECT_EQ(0, n.msg.deliveries);
	EXPECT_EQ(0, n.msg.flags);
	EXPECT_EQ(1, held(self->tx));
	EXPECT_EQ(0, status_of(self->tx).queued);
	EXPECT_EMPTY(self->mb);
	EXPECT_EMPTY(self->other);
	EXPECT_EQ(0, mbox_ack(self->mb, n.msg.delivery));
	EXPECT_EQ(0, held(self->tx));
	EXPECT_EQ(-ESTALE, mbox_ack(self->mb, n.msg.delivery));
	EXPECT_EQ(-ESTALE, mbox_return(self->mb, n.msg.delivery));
	EXPECT_EMPTY(self->mb);
}

TEST_F(lease, given_back_to_the_front_and_told)
{
	struct number n;
	uint32_t i;

	ASSERT_EQ(0, put(self->tx, 1));
	ASSERT_EQ(0, put(self->tx, 2));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(1, lease(self->mb, &n, 0));
		EXPECT_EQ(i, n.msg.deliveries);
		EXPECT_EQ(0, mbox_return(self->mb, n.msg.delivery));
		EXPECT_EQ(-ESTALE, mbox_return(self->mb, n.msg.delivery));
		EXPECT_EQ(-ESTALE, mbox_ack(self->mb, n.msg.delivery));
	}
	EXPECT_EQ(0, mbox_peek(self->other, 0, &n.msg));
	EXPECT_EQ(3, n.msg.deliveries);
	EXPECT_NEXT(self->other, 1, 3);
	EXPECT_NEXT(self->other, 2, 0);
}

TEST_F(lease, by_each_kind_of_receive)
{
	struct number n[4];
	struct iovec iov = { &n[0].value, sizeof(n[0].value) };
	struct mbox_message none = { .data = NULL };
	struct mbox_message msgs[3];
	int i;

	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, put(self->tx, i));
	EXPECT_EQ(-EINVAL, mbox_recvv(self->mb, &iov, 1, NULL, MBOX_LEASE, 0));
	number(&n[0], 9);
	EXPECT_EQ(0, mbox_recvv(self->mb, &iov, 1, &n[0].msg, LEASE_NOW, 0));
	EXPECT_EQ(0, n[0].value);
	EXPECT_EQ(0, mbox_reply_recv(self->mb, &none, number(&n[1], 9), LEASE_NOW, 0));
	EXPECT_EQ(1, n[1].value);
	msgs[0] = *number(&n[2], 9);
	msgs[1] = *number(&n[3], 9);
	EXPECT_EQ(2, mbox_recv_batch(self->mb, msgs, 2, LEASE_NOW, 0));
	EXPECT_EQ(4, held(self->tx));
	EXPECT_EQ(0, mbox_ack(self->mb, n[0].msg.delivery));
	EXPECT_EQ(0, mbox_ack(self->mb, msgs[1].delivery));
	EXPECT_EQ(0, mbox_return(self->mb, n[1].msg.delivery));
	EXPECT_EQ(0, mbox_return(self->mb, msgs[0].delivery));
	EXPECT_NEXT(self->mb, 1, 1);
	EXPECT_NEXT(self->mb, 2, 1);
	EXPECT_NEXT(self->mb, 4, 0);
	EXPECT_EQ(0, held(self->mb));
}

TEST(of_the_messages_of_one_process)
{
	struct mbox *own, *to;
	struct number n;

	ASSERT_EQ(0, mbox_own(&own, O_RDONLY, 0600, NULL));
	ASSERT_EQ(0, mbox_open_pid(&to, getpid(), O_WRONLY));
	ASSERT_EQ(0, put(to, 5));
	ASSERT_EQ(0, mbox_recv_from(own, getpid(), number(&n, 0), LEASE_NOW, 0));
	EXPECT_EQ(5, n.value);
	EXPECT_EQ(0, mbox_return(own, n.msg.delivery));
	ASSERT_EQ(0, mbox_recv_from(own, getpid(), number(&n, 0), LEASE_NOW, 0));
	EXPECT_EQ(1, n.msg.deliveries);
	EXPECT_EQ(0, mbox_ack(own, n.msg.delivery));
	mbox_close(to);
	mbox_close(own);
}

TEST_F(lease, runs_out)
{
	struct number n, again;
	uint64_t start = now_ns(CLOCK_MONOTONIC);

	ASSERT_EQ(0, put(self->tx, 7));
	ASSERT_EQ(7, lease(self->mb, &n, SHORT));
	EXPECT_EQ(SHORT, n.msg.lease);
	EXPECT_EQ(0, mbox_recv(self->other, number(&again, 0)));
	EXPECT_LE(start + SHORT, now_ns(CLOCK_MONOTONIC));
	EXPECT_EQ(1, again.msg.deliveries);
	EXPECT_EQ(-ESTALE, mbox_ack(self->mb, n.msg.delivery));
	EXPECT_EQ(-ESTALE, mbox_return(self->mb, n.msg.delivery));
}

TEST_F(lease, is_of_the_handle_that_received_it)
{
	struct number n;

	ASSERT_EQ(0, put(self->tx, 7));
	ASSERT_EQ(7, lease(self->mb, &n, 0));
	EXPECT_EQ(-ESTALE, mbox_ack(self->other, n.msg.delivery));
	EXPECT_EQ(-ESTALE, mbox_return(self->other, n.msg.delivery));
	EXPECT_EQ(-EBADF, mbox_ack(self->tx, n.msg.delivery));
	EXPECT_EQ(-EBADF, mbox_return(self->tx, n.msg.delivery));
	EXPECT_EQ(-ESTALE, mbox_ack(self->mb, n.msg.delivery + 1));
	EXPECT_EQ(-ESTALE, mbox_ack(self->mb, 0));
	EXPECT_EQ(1, held(self->tx));
	mbox_close(self->mb);
	self->mb = NULL;
	EXPECT_NEXT(self->other, 7, 1);
}

/* A child that leases one message and waits to be killed. */
static pid_t holder(struct mbox *mb)
{
	pid_t pid = child_fork();
	struct number n;

	if (pid)
		return pid;
	mbox_recv_msg(mb, number(&n, 0), MBOX_LEASE, 0);
	for (;;)
		pause();
}

TEST_F(lease, goes_back_when_its_process_is_killed)
{
	pid_t pid = holder(self->mb);

	ASSERT_EQ(0, put(self->tx, 7));
	EXPECT_TRUE(wait_until(held(self->tx) == 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_NEXT(self->mb, 7, 1);
}

/* Calls */

struct caller {
	struct mbox *mb;
	char room[8];
	struct mbox_message reply;
	int ret;
	pthread_t thread;
};

static void *call(void *arg)
{
	struct caller *c = arg;
	struct mbox_message request = { .data = "x", .length = 1 };

	c->reply = (struct mbox_message) { .data = c->room, .size = sizeof(c->room) };
	c->ret = mbox_call(c->mb, &request, &c->reply, 0, 0);
	return NULL;
}

#define START_CALLER(c) \
	ASSERT_EQ(0, pthread_create(&(c)->thread, NULL, call, c))

TEST_F(lease, request_outlives_its_server)
{
	struct caller c = { .mb = self->tx };
	char room[8];
	struct mbox_message next = { .data = room, .size = sizeof(room) };
	struct mbox_message reply = { .data = "done", .length = 4 };
	pid_t pid = holder(self->mb);

	START_CALLER(&c);
	EXPECT_TRUE(wait_until(held(self->tx) == 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	ASSERT_EQ(0, mbox_reply_recv(self->other, &reply, &next, MBOX_LEASE, 0));
	EXPECT_EQ(MBOX_CALL, next.flags);
	EXPECT_EQ(1, next.deliveries);
	EXPECT_EQ(1, status_of(self->tx).waiting_callers);
	reply.delivery = next.delivery;
	EXPECT_EQ(-EAGAIN, mbox_reply_recv(self->other, &reply, &next, LEASE_NOW, 0));
	pthread_join(c.thread, NULL);
	EXPECT_EQ(0, c.ret);
	EXPECT_EQ(4, c.reply.length);
	EXPECT_EQ(0, status_of(self->tx).waiting_callers);
	EXPECT_EQ(0, held(self->tx));
	EXPECT_EQ(-ESTALE, mbox_ack(self->other, next.delivery));
}

TEST_F(lease, request_that_is_acknowledged_has_no_reply)
{
	struct caller c = { .mb = self->tx };
	struct number n;

	START_CALLER(&c);
	ASSERT_EQ(0, mbox_recv_msg(self->mb, number(&n, 0), MBOX_LEASE, 0));
	EXPECT_EQ(0, mbox_ack(self->mb, n.msg.delivery));
	pthread_join(c.thread, NULL);
	EXPECT_EQ(-ECONNRESET, c.ret);
	EXPECT_EQ(-ESTALE, mbox_reply(self->mb, &n.msg));
}

/* Dead letters */

FIXTURE(dead) {
	struct mbox *mb;
	struct mbox *dead;
};

FIXTURE_SETUP(dead)
{
	self->mb = box(NULL, O_RDWR, MSG, 0);
	self->dead = box(NULL, O_RDWR, MSG, 0);
}

FIXTURE_TEARDOWN(dead)
{
	mbox_close(self->mb);
	mbox_close(self->dead);
}

TEST_F(dead, gets_what_came_back_too_often)
{
	struct number n;
	int i;

	EXPECT_EQ(0, status_of(self->mb).max_deliveries);
	ASSERT_EQ(0, mbox_dead_letter(self->mb, self->dead, 3));
	EXPECT_EQ(3, status_of(self->mb).max_deliveries);
	ASSERT_EQ(0, put(self->mb, 7));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, status_of(self->dead).queued);
		ASSERT_EQ(7, lease(self->mb, &n, 0));
		ASSERT_EQ(0, mbox_return(self->mb, n.msg.delivery));
	}
	EXPECT_EMPTY(self->mb);
	EXPECT_NEXT(self->dead, 7, 3);
}

TEST_F(dead, is_kept_open_by_the_mailbox_until_another_is_set)
{
	const char *name = unique_name("dead");
	struct mbox *to = box(name, O_WRONLY, MSG, 0), *rx;
	struct number n;

	ASSERT_EQ(0, mbox_dead_letter(self->mb, to, 1));
	mbox_close(to);
	ASSERT_EQ(0, mbox_open(&rx, name, O_RDONLY));
	ASSERT_EQ(0, mbox_unlink(name));
	EXPECT_EQ(1, status_of(rx).senders);
	ASSERT_EQ(0, put(self->mb, 7));
	ASSERT_EQ(7, lease(self->mb, &n, 0));
	ASSERT_EQ(0, mbox_return(self->mb, n.msg.delivery));
	EXPECT_NEXT(rx, 7, 1);
	ASSERT_EQ(0, mbox_dead_letter(self->mb, NULL, 0));
	EXPECT_EQ(0, status_of(self->mb).max_deliveries);
	EXPECT_TRUE(wait_until(status_of(rx).senders == 0));
	mbox_close(rx);
}

TEST_F(dead, wrong_ones_are_refused_and_change_nothing)
{
	const char *name = unique_name("dead");
	struct mbox *small = box(name, O_RDWR, MSG - 1, 0), *receives;
	struct mbox *all = box(NULL, O_RDWR, MSG, MBOX_BROADCAST);
	struct mbox *carrier = box(NULL, O_RDWR, MSG, MBOX_HANDLES);

	ASSERT_EQ(0, mbox_open(&receives, name, O_RDONLY));
	ASSERT_EQ(0, mbox_unlink(name));
	ASSERT_EQ(0, mbox_dead_letter(self->mb, self->dead, 9));
	EXPECT_EQ(-ELOOP, mbox_dead_letter(self->mb, self->mb, 1));
	EXPECT_EQ(-EMSGSIZE, mbox_dead_letter(self->mb, small, 1));
	EXPECT_EQ(-EBADF, mbox_dead_letter(self->mb, receives, 1));
	EXPECT_EQ(-EOPNOTSUPP, mbox_dead_letter(self->mb, all, 1));
	EXPECT_EQ(-EOPNOTSUPP, mbox_dead_letter(carrier, self->dead, 1));
	EXPECT_EQ(-EINVAL, mbox_dead_letter(self->mb, NULL, 1));
	EXPECT_EQ(-EINVAL, mbox_dead_letter(self->mb, self->dead, 0));
	EXPECT_EQ(9, status_of(self->mb).max_deliveries);
	EXPECT_EQ(0, status_of(carrier).max_deliveries);
	EXPECT_EQ(0, mbox_dead_letter(self->mb, carrier, UINT32_MAX));
	mbox_close(receives);
	mbox_close(small);
	mbox_close(all);
	mbox_close(carrier);
}

TEST_F(dead, only_the_owner_chooses)
{
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EPERM, mbox_dead_letter(self->mb, self->dead, 1));
		EXPECT_EQ(-EPERM, mbox_dead_letter(self->mb, NULL, 0));
	}
	EXPECT_EQ(0, status_of(self->mb).max_deliveries);
}

/* Wrong use */

TEST_F(lease, wrong_use_takes_no_message)
{
	struct mbox *all = box(NULL, O_RDWR, MSG, MBOX_BROADCAST);
	struct mbox_message small = { .size = 0 };
	struct number n;

	ASSERT_EQ(0, put(self->tx, 7));
	number(&n, 0)->lease = 1;
	EXPECT_EQ(-EINVAL, mbox_recv(self->mb, &n.msg));
	EXPECT_EQ(-EINVAL, mbox_recv_batch(self->mb, &n.msg, 1, 0, 0));
	EXPECT_EQ(-EINVAL, lease(self->mb, &n, 1ULL << 63));
	EXPECT_EQ(-EMSGSIZE, mbox_recv_msg(self->mb, &small, MBOX_LEASE, 0));
	EXPECT_EQ(-EINVAL, mbox_send_msg(self->mb, number(&n, 0), MBOX_LEASE, 0));
	EXPECT_EQ(-EINVAL, mbox_send_batch(self->mb, &n.msg, 1, MBOX_LEASE, 0));
	EXPECT_EQ(-EINVAL, mbox_call(self->mb, &n.msg, &small, MBOX_LEASE, 0));
	EXPECT_EQ(-EOPNOTSUPP, lease(all, &n, 0));
	EXPECT_EQ(-EBADF, lease(self->tx, &n, 0));
	EXPECT_EQ(0, held(self->tx));
	EXPECT_EQ(1, status_of(self->tx).sent);
	EXPECT_NEXT(self->mb, 7, 0);
	mbox_close(all);
}

TEST_HARNESS_MAIN
