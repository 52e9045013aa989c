// SPDX-License-Identifier: GPL-2.0
/* libmbox's messages: sending, receiving and peeking, one or many, and when not to. */
#include "common.h"
#include "harness.h"

#include <mbox/mbox.h>

#define MS		NS_PER_MS
#define SHORT_WHILE	(20 * MS)

static struct mbox *box(uint64_t capacity, unsigned int flags)
{
	struct mbox_attr attr = { .capacity = capacity, .msgsize = 100000, .flags = flags };
	struct mbox *mb;

	if (mbox_create(&mb, NULL, O_RDWR, 0600, &attr))
		abort();
	return mb;
}

static struct mbox_status status_of(const struct mbox *mb)
{
	struct mbox_status status;

	if (mbox_status(mb, &status))
		abort();
	return status;
}

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

/* The number, or an error; does not wait. */
static int take(struct mbox *mb)
{
	struct number n;
	int ret = mbox_recv_msg(mb, number(&n, 0), MBOX_NONBLOCK, 0);

	return ret ? ret : (int)n.value;
}

FIXTURE(message) {
	struct mbox *mb;
};

FIXTURE_SETUP(message)
{
	self->mb = box(4, 0);
}

FIXTURE_TEARDOWN(message)
{
	mbox_close(self->mb);
}

TEST_F(message, arrives_with_all_that_was_said_of_it)
{
	char data[32] = { 0 };
	struct mbox_message sent = {
		.data = "hello", .length = 5, .tag = 0x123456789abcdef0, .prio = 77,
		.pid = 1, .uid = 2, .gid = 3,
	};
	struct mbox_message msg = { .data = data, .size = sizeof(data) };

	ASSERT_EQ(0, mbox_send_msg(self->mb, &sent, 0, 0));
	ASSERT_EQ(0, mbox_recv(self->mb, &msg));
	EXPECT_EQ(5, msg.length);
	EXPECT_STREQ("hello", data);
	EXPECT_EQ(sizeof(data), msg.size);
	EXPECT_EQ(0x123456789abcdef0, msg.tag);
	EXPECT_EQ(77, msg.prio);
	EXPECT_EQ(getpid(), msg.pid);
	EXPECT_EQ(geteuid(), msg.uid);
	EXPECT_EQ(getegid(), msg.gid);

	ASSERT_EQ(0, mbox_send(self->mb, "bye", 3, MBOX_PRIO_MAX));
	ASSERT_EQ(0, mbox_recv_msg(self->mb, &msg, MBOX_NONBLOCK, 0));
	EXPECT_EQ(3, msg.length);
	EXPECT_EQ(0, msg.tag);
	EXPECT_EQ(MBOX_PRIO_MAX, msg.prio);
}

TEST_F(message, has_the_effective_ids_of_its_sender)
{
	struct mbox_message msg = { .data = NULL };

	IN_CHILD {
		ASSERT_EQ(0, setresgid(-1, USER_B, -1));
		ASSERT_EQ(0, setresuid(-1, USER_A, -1));
		EXPECT_EQ(0, mbox_send(self->mb, NULL, 0, 0));
	}
	ASSERT_EQ(0, mbox_recv(self->mb, &msg));
	EXPECT_EQ(USER_A, msg.uid);
	EXPECT_EQ(USER_B, msg.gid);
}

TEST_F(message, that_is_empty_is_not_nothing)
{
	const struct mbox_message before = {
		.length = 71, .tag = 72, .prio = 73, .pid = 74, .uid = 75, .gid = 76,
	};
	struct mbox_message msg = before;

	EXPECT_EQ(-EAGAIN, mbox_recv_msg(self->mb, &msg, MBOX_NONBLOCK, 0));
	EXPECT_EQ(0, memcmp((const char *)&before, (const char *)&msg, sizeof(msg)));

	ASSERT_EQ(0, mbox_send(self->mb, NULL, 0, 0));
	EXPECT_EQ(0, mbox_recv_msg(self->mb, &msg, MBOX_NONBLOCK, 0));
	EXPECT_EQ(0, msg.length);
	EXPECT_EQ(getpid(), msg.pid);

	EXPECT_EQ(-EAGAIN, mbox_recv_msg(self->mb, &msg, MBOX_NONBLOCK, 0));
}

TEST_F(message, goes_by_priority_then_by_age)
{
	static const unsigned int prios[] = { 1, 5, 1, 5 };
	static const int order[] = { 1, 3, 0, 2 };
	uint32_t i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, mbox_send(self->mb, &i, sizeof(i), prios[i]));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(order[i], take(self->mb));
}

TEST_F(message, of_the_largest_size_fits_and_no_larger)
{
	size_t size = 100000;
	char *data = calloc(1, size + 1);
	struct mbox_message msg = { .data = data, .size = size };

	pattern_fill(data, size, 1);
	EXPECT_EQ(-EMSGSIZE, mbox_send(self->mb, data, size + 1, 0));
	EXPECT_EQ(0, status_of(self->mb).queued);
	ASSERT_EQ(0, mbox_send(self->mb, data, size, 0));
	memset(data, 0, size);

	msg.size = size - 1;
	EXPECT_EQ(-EMSGSIZE, mbox_recv(self->mb, &msg));
	EXPECT_EQ(size, msg.length);
	EXPECT_EQ(1, status_of(self->mb).queued);
	msg.size = msg.length;
	EXPECT_EQ(0, mbox_recv(self->mb, &msg));
	EXPECT_TRUE(pattern_check(data, size, 1));
	free(data);
}

TEST_F(message, is_refused_with_bad_arguments)
{
	static const unsigned int bad_flags[] = { MBOX_IOV, MBOX_PEEK, 1U << 30, 1U << 31 };
	struct number n;
	struct mbox_message *msg = number(&n, 1);
	struct iovec iov = { &n.value, sizeof(n.value) };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad_flags); i++) {
		EXPECT_EQ(-EINVAL, mbox_send_msg(self->mb, msg, bad_flags[i], 0));
		EXPECT_EQ(-EINVAL, mbox_sendv(self->mb, &iov, 1, NULL, bad_flags[i], 0));
		EXPECT_EQ(-EINVAL, mbox_send_batch(self->mb, msg, 1, bad_flags[i], 0));
		EXPECT_EQ(-EINVAL, mbox_recv_msg(self->mb, msg, bad_flags[i], 0));
		EXPECT_EQ(-EINVAL, mbox_recvv(self->mb, &iov, 1, NULL, bad_flags[i], 0));
		EXPECT_EQ(-EINVAL, mbox_recv_batch(self->mb, msg, 1, bad_flags[i], 0));
	}
	EXPECT_EQ(-EINVAL, mbox_recv_msg(self->mb, msg, MBOX_SYNC, 0));
	EXPECT_EQ(-EINVAL, mbox_recvv(self->mb, &iov, 1, NULL, MBOX_SYNC, 0));
	EXPECT_EQ(-EINVAL, mbox_recv_batch(self->mb, msg, 1, MBOX_SYNC, 0));

	EXPECT_EQ(-EINVAL, mbox_send(self->mb, NULL, 0, MBOX_PRIO_MAX + 1));
	EXPECT_EQ(-EINVAL, mbox_send(self->mb, NULL, 0, -1));
	EXPECT_EQ(-EINVAL, mbox_send_msg(self->mb, msg, 0, (uint64_t)INT64_MAX + 1));
	EXPECT_EQ(-EINVAL, mbox_recv_msg(self->mb, msg, 0, UINT64_MAX));
	EXPECT_EQ(-EINVAL, mbox_sendv(self->mb, &iov, -1, NULL, 0, 0));
	EXPECT_EQ(-EINVAL, mbox_recvv(self->mb, &iov, -1, NULL, 0, 0));
	EXPECT_EQ(-EINVAL, mbox_sendv(self->mb, &iov, MBOX_IOV_MAX + 1, NULL, 0, 0));
	EXPECT_EQ(-EINVAL, mbox_recvv(self->mb, &iov, MBOX_IOV_MAX + 1, NULL, 0, 0));
	EXPECT_EQ(-EINVAL, mbox_send_batch(self->mb, msg, 0, 0, 0));
	EXPECT_EQ(-EINVAL, mbox_recv_batch(self->mb, msg, 0, 0, 0));
	EXPECT_EQ(-EINVAL, mbox_send_batch(self->mb, msg, MBOX_BATCH_MAX + 1, 0, 0));
	EXPECT_EQ(-EINVAL, mbox_recv_batch(self->mb, msg, MBOX_BATCH_MAX + 1, 0, 0));
	EXPECT_EQ(-EINVAL, mbox_peek(self->mb, MBOX_PEEK_MAX + 1, msg));
	EXPECT_EQ(0, status_of(self->mb).sent);
	EXPECT_EQ(0, status_of(self->mb).queued);
}

TEST_F(message, is_not_lost_to_a_bad_address)
{
	void *nowhere = unmapped_page();
	struct mbox_message msg = { .data = nowhere, .size = 8, .length = 8 };
	struct iovec iov = { nowhere, 8 };

	EXPECT_EQ(-EFAULT, mbox_send(self->mb, nowhere, 8, 0));
	EXPECT_EQ(-EFAULT, mbox_send_msg(self->mb, &msg, 0, 0));
	EXPECT_EQ(-EFAULT, mbox_sendv(self->mb, &iov, 1, NULL, 0, 0));
	EXPECT_EQ(-EFAULT, mbox_send_batch(self->mb, &msg, 1, 0, 0));
	EXPECT_EQ(0, status_of(self->mb).sent);

	ASSERT_EQ(0, put(self->mb, 7));
	EXPECT_EQ(-EFAULT, mbox_recv(self->mb, &msg));
	EXPECT_EQ(-EFAULT, mbox_recvv(self->mb, &iov, 1, NULL, 0, 0));
	EXPECT_EQ(-EFAULT, mbox_recv_batch(self->mb, &msg, 1, 0, 0));
	EXPECT_EQ(-EFAULT, mbox_peek(self->mb, 0, &msg));
	EXPECT_EQ(7, take(self->mb));
}

TEST_F(message, can_be_chosen_by_its_tag)
{
	static const uint64_t tags[] = { 9, 5, 7 };
	struct mbox *mb = box(4, MBOX_TAGGED);
	struct iovec iov;
	struct number n;
	uint32_t i;

	for (i = 0; i < 3; i++) {
		number(&n, i)->tag = tags[i];
		ASSERT_EQ(0, mbox_send_msg(mb, &n.msg, 0, 0));
	}
	number(&n, 0)->tag = 8;
	EXPECT_EQ(-EAGAIN, mbox_recv_msg(mb, &n.msg, MBOX_TAG | MBOX_NONBLOCK, 0));
	EXPECT_EQ(8, n.msg.tag);
	EXPECT_EQ(0, mbox_recv_msg(mb, &n.msg, MBOX_TAG_MOST, 0));
	EXPECT_EQ(5, n.msg.tag);
	EXPECT_EQ(1, n.value);
	number(&n, 0)->tag = 9;
	iov = (struct iovec) { &n.value, sizeof(n.value) };
	EXPECT_EQ(0, mbox_recvv(mb, &iov, 1, &n.msg, MBOX_TAG_EXCEPT, 0));
	EXPECT_EQ(7, n.msg.tag);
	EXPECT_EQ(2, n.value);
	EXPECT_EQ(-EINVAL, mbox_recvv(mb, &iov, 1, NULL, MBOX_TAG, 0));
	EXPECT_EQ(-EINVAL, mbox_recv_batch(mb, &n.msg, 1, MBOX_TAG, 0));
	EXPECT_EQ(-EOPNOTSUPP, mbox_recv_msg(self->mb, &n.msg, MBOX_TAG, 0));
	mbox_close(mb);
}

TEST_F(message, ends_with_its_mailbox)
{
	struct number n;

	ASSERT_EQ(0, put(self->mb, 1));
	EXPECT_EQ(0, mbox_end(self->mb));
	EXPECT_EQ(-EIDRM, mbox_recv(self->mb, number(&n, 0)));
	EXPECT_EQ(-EIDRM, put(self->mb, 1));
	EXPECT_EQ(0, status_of(self->mb).queued);
}

TEST_F(message, counts_against_a_budget)
{
	long long before = param_get("user_bytes");

	ASSERT_EQ(0, param_set("user_bytes", 100000));
	IN_CHILD {
		struct mbox *mb;
		char *data = calloc(1, 60000);

		ASSERT_EQ(0, become(USER_A, USER_A));
		mb = box(MBOX_UNBOUNDED, 0);
		EXPECT_EQ(0, mbox_send(mb, data, 60000, 0));
		EXPECT_EQ(-EDQUOT, mbox_send(mb, data, 60000, 0));
		EXPECT_EQ(1, status_of(mb).queued);
	}
	EXPECT_EQ(0, param_set("user_bytes", before));
}

TEST_F(message, cannot_reach_who_is_gone)
{
	struct mbox_attr attr = { .capacity = 4, .msgsize = 8, .flags = MBOX_HANGUP };
	const char *name = unique_name("hangup");
	struct mbox_message msg = { .data = NULL };
	struct mbox *rx, *tx;

	ASSERT_EQ(0, mbox_create(&rx, name, O_RDONLY | O_EXCL, 0600, &attr));
	ASSERT_EQ(0, mbox_open(&tx, name, O_WRONLY));
	ASSERT_EQ(0, mbox_send(tx, NULL, 0, 0));
	mbox_close(tx);
	EXPECT_EQ(0, mbox_recv(rx, &msg));
	EXPECT_EQ(-EPIPE, mbox_recv(rx, &msg));

	ASSERT_EQ(0, mbox_open(&tx, name, O_WRONLY));
	mbox_close(rx);
	/* No SIGPIPE: it would end the test. */
	EXPECT_EQ(-EPIPE, mbox_send(tx, NULL, 0, 0));
	EXPECT_EQ(-EPIPE, mbox_send_batch(tx, &msg, 1, 0, 0));
	EXPECT_EQ(0, mbox_unlink(name));
	mbox_close(tx);
}

TEST_F(message, does_not_wait_where_the_descriptor_does_not)
{
	struct mbox_message msg = { .data = NULL };
	int i;

	ASSERT_EQ(0, fcntl(mbox_fd(self->mb), F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, mbox_recv(self->mb, &msg));
	EXPECT_EQ(-EAGAIN, mbox_recv_msg(self->mb, &msg, 0, mbox_deadline_in(3600 * NS_PER_S)));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, mbox_send(self->mb, NULL, 0, 0));
	EXPECT_EQ(-EAGAIN, mbox_send(self->mb, NULL, 0, 0));
	EXPECT_EQ(4, status_of(self->mb).queued);
}

TEST_F(message, waits_until_its_deadline)
{
	static const struct {
		clockid_t clock;
		unsigned int flags;
	} clocks[] = { { CLOCK_MONOTONIC, 0 }, { CLOCK_REALTIME, MBOX_REALTIME } };
	struct mbox_message msg = { .data = NULL };
	struct mbox *full = box(0, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		uint64_t deadline = now_ns(clocks[i].clock) + SHORT_WHILE;
		struct timespec ts = { deadline / NS_PER_S, deadline % NS_PER_S };

		EXPECT_EQ(deadline, mbox_deadline_at(&ts));
		EXPECT_EQ(-ETIMEDOUT, mbox_recv_msg(self->mb, &msg, clocks[i].flags, deadline));
		EXPECT_LE(deadline, now_ns(clocks[i].clock));
		/* Long past by now. */
		EXPECT_EQ(-ETIMEDOUT, mbox_recv_msg(self->mb, &msg, clocks[i].flags, deadline));
		EXPECT_EQ(-ETIMEDOUT, mbox_recv_msg(self->mb, &msg, clocks[i].flags, 1));

		deadline = now_ns(clocks[i].clock) + SHORT_WHILE;
		EXPECT_EQ(-ETIMEDOUT, mbox_send_msg(full, &msg, clocks[i].flags, deadline));
		EXPECT_LE(deadline, now_ns(clocks[i].clock));
		EXPECT_EQ(-ETIMEDOUT, mbox_sendv(full, NULL, 0, NULL, clocks[i].flags, deadline));
		EXPECT_EQ(-ETIMEDOUT, mbox_send_batch(full, &msg, 1, clocks[i].flags, deadline));
		EXPECT_EQ(-ETIMEDOUT, mbox_recvv(full, NULL, 0, NULL, clocks[i].flags, deadline));
		EXPECT_EQ(-ETIMEDOUT, mbox_recv_batch(full, &msg, 1, clocks[i].flags, deadline));

		/* What need not wait does not look at the clock. */
		EXPECT_EQ(0, mbox_send_msg(self->mb, &msg, clocks[i].flags, 1));
		EXPECT_EQ(0, mbox_recv_msg(self->mb, &msg, clocks[i].flags, 1));
	}
	EXPECT_EQ(0, status_of(full).sent);
	mbox_close(full);
}

TEST_F(message, deadlines_start_from_now)
{
	struct mbox_message msg = { .data = NULL };
	uint64_t before = now_ns(CLOCK_MONOTONIC);

	EXPECT_EQ(-ETIMEDOUT, mbox_recv_msg(self->mb, &msg, 0, mbox_deadline_in(0)));
	EXPECT_EQ(-ETIMEDOUT, mbox_recv_msg(self->mb, &msg, 0, mbox_deadline_in(SHORT_WHILE)));
	EXPECT_LE(before + SHORT_WHILE, now_ns(CLOCK_MONOTONIC));
}

static volatile sig_atomic_t signals;

static void on_signal(int signo)
{
	signals++;
}

static void catch_signals(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	signals = 0;
	sigaction(SIGUSR1, &action, NULL);
}

struct waiting {
	struct mbox *mb;
	pthread_t thread;
	bool sender;
};

/* Sends a signal to a thread once it waits. */
static void *interrupt(void *arg)
{
	struct waiting *waiting = arg;

	if (wait_until(waiting->sender ? status_of(waiting->mb).waiting_senders :
					 status_of(waiting->mb).waiting_receivers))
		pthread_kill(waiting->thread, SIGUSR1);
	return NULL;
}

#define WHILE_INTERRUPTED(box, is_sender, statement) do {			\
	struct waiting waiting_ = { box, pthread_self(), is_sender };		\
	pthread_t interrupter_;							\
										\
	ASSERT_EQ(0, pthread_create(&interrupter_, NULL, interrupt, &waiting_));	\
	statement;								\
	pthread_join(interrupter_, NULL);					\
} while (0)

TEST_F(message, a_signal_ends_the_wait)
{
	struct mbox_message msg = { .data = NULL };
	struct mbox *full = box(0, 0);

	catch_signals(0);
	WHILE_INTERRUPTED(self->mb, false, EXPECT_EQ(-EINTR, mbox_recv(self->mb, &msg)));
	WHILE_INTERRUPTED(self->mb, false, EXPECT_EQ(-EINTR, mbox_recv_msg(self->mb, &msg, 0,
		mbox_deadline_in(3600 * NS_PER_S))));
	WHILE_INTERRUPTED(self->mb, false, EXPECT_EQ(-EINTR, mbox_recvv(self->mb, NULL, 0, NULL, 0, 0)));
	WHILE_INTERRUPTED(self->mb, false, EXPECT_EQ(-EINTR, mbox_recv_batch(self->mb, &msg, 1, 0, 0)));
	WHILE_INTERRUPTED(full, true, EXPECT_EQ(-EINTR, mbox_send(full, NULL, 0, 0)));
	WHILE_INTERRUPTED(full, true, EXPECT_EQ(-EINTR, mbox_send_msg(full, &msg, 0,
		mbox_deadline_in(3600 * NS_PER_S))));
	WHILE_INTERRUPTED(full, true, EXPECT_EQ(-EINTR, mbox_sendv(full, NULL, 0, NULL, 0, 0)));
	WHILE_INTERRUPTED(full, true, EXPECT_EQ(-EINTR, mbox_send_batch(full, &msg, 1, 0, 0)));
	WHILE_INTERRUPTED(self->mb, true, EXPECT_EQ(-EINTR,
		mbox_send_msg(self->mb, &msg, MBOX_SYNC, 0)));
	EXPECT_EQ(9, signals);
	EXPECT_EQ(0, status_of(full).sent);
	EXPECT_EQ(-EAGAIN, take(full));
	EXPECT_EQ(-EAGAIN, take(self->mb));
	mbox_close(full);
}

TEST_F(message, a_restarted_wait_keeps_its_deadline)
{
	struct mbox_message msg = { .data = NULL };
	uint64_t deadline;

	catch_signals(SA_RESTART);
	deadline = mbox_deadline_in(1000 * MS);
	WHILE_INTERRUPTED(self->mb, false, EXPECT_EQ(-ETIMEDOUT,
		mbox_recv_msg(self->mb, &msg, 0, deadline)));
	EXPECT_EQ(1, signals);
	EXPECT_LE(deadline, now_ns(CLOCK_MONOTONIC));
}

static void *receive_one(void *arg)
{
	struct number n;
	int ret = mbox_recv(arg, number(&n, 0));

	return (void *)(long)(ret ? ret : (int)n.value);
}

TEST_F(message, that_is_synchronous_waits_for_its_receiver)
{
	struct mbox *boxes[] = { self->mb, box(0, 0) };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(boxes); i++) {
		unsigned int flags = i ? 0 : MBOX_SYNC;
		struct number n;
		pthread_t thread;
		void *ret;

		EXPECT_EQ(-EAGAIN, mbox_send_msg(boxes[i], number(&n, 5), flags | MBOX_NONBLOCK, 0));
		EXPECT_EQ(-ETIMEDOUT, mbox_send_msg(boxes[i], &n.msg, flags,
						    mbox_deadline_in(SHORT_WHILE)));
		EXPECT_EQ(-EAGAIN, take(boxes[i]));

		ASSERT_EQ(0, pthread_create(&thread, NULL, receive_one, boxes[i]));
		ASSERT_TRUE(wait_until(status_of(boxes[i]).waiting_receivers == 1));
		EXPECT_EQ(0, mbox_send_msg(boxes[i], &n.msg, flags, 0));
		EXPECT_EQ(1, status_of(boxes[i]).received);
		pthread_join(thread, &ret);
		EXPECT_EQ(5, (long)ret);
	}
	mbox_close(boxes[1]);
}

TEST_F(message, is_gathered_and_scattered)
{
	struct iovec parts[] = { { "one", 3 }, { NULL, 0 }, { "two", 3 }, { "three", 5 } };
	char head[4], tail[8];
	struct iovec room[] = { { head, 4 }, { NULL, 0 }, { tail, 8 } };
	struct mbox_message said = { .tag = 9, .prio = 8, .length = 1000, .data = &said };
	struct mbox_message msg = { .data = head, .size = 1 };

	ASSERT_EQ(0, mbox_sendv(self->mb, parts, 4, &said, 0, 0));
	ASSERT_EQ(0, mbox_recvv(self->mb, room, 3, &msg, 0, 0));
	EXPECT_EQ(11, msg.length);
	EXPECT_EQ(9, msg.tag);
	EXPECT_EQ(8, msg.prio);
	EXPECT_EQ(getpid(), msg.pid);
	EXPECT_TRUE(msg.data == head);
	EXPECT_EQ(1, msg.size);
	EXPECT_EQ(0, memcmp(head, "onet", 4));
	EXPECT_EQ(0, memcmp(tail, "wothree", 7));

	ASSERT_EQ(0, mbox_sendv(self->mb, parts, 4, NULL, 0, 0));
	EXPECT_EQ(-EMSGSIZE, mbox_recvv(self->mb, room, 2, &msg, 0, 0));
	EXPECT_EQ(11, msg.length);
	EXPECT_EQ(0, mbox_recvv(self->mb, room, 3, NULL, 0, 0));

	ASSERT_EQ(0, mbox_sendv(self->mb, NULL, 0, NULL, 0, 0));
	EXPECT_EQ(0, mbox_recvv(self->mb, NULL, 0, &msg, 0, 0));
	EXPECT_EQ(0, msg.length);
}

TEST_F(message, is_gathered_and_scattered_over_as_many_as_there_can_be)
{
	static unsigned char data[MBOX_IOV_MAX * 3], back[MBOX_IOV_MAX * 3];
	static struct iovec parts[MBOX_IOV_MAX], room[MBOX_IOV_MAX];
	struct mbox_message msg = { .data = NULL };
	size_t i;

	pattern_fill(data, sizeof(data), 3);
	for (i = 0; i < MBOX_IOV_MAX; i++) {
		parts[i] = (struct iovec){ data + 3 * i, 3 };
		room[i] = (struct iovec){ back + 3 * i, 3 };
	}
	ASSERT_EQ(0, mbox_sendv(self->mb, parts, MBOX_IOV_MAX, NULL, 0, 0));
	ASSERT_EQ(0, mbox_recvv(self->mb, room, MBOX_IOV_MAX, &msg, 0, 0));
	EXPECT_EQ(sizeof(data), msg.length);
	EXPECT_TRUE(pattern_check(back, sizeof(back), 3));
}

TEST_F(message, is_peeked_at_and_stays)
{
	struct number n;
	uint32_t i;

	EXPECT_EQ(-ENOMSG, mbox_peek(self->mb, 0, number(&n, 0)));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, mbox_send(self->mb, &i, sizeof(i), i));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, mbox_peek(self->mb, i, number(&n, 99)));
		EXPECT_EQ(3 - i, n.value);
		EXPECT_EQ(3 - i, n.msg.prio);
		EXPECT_EQ(getpid(), n.msg.pid);
	}
	EXPECT_EQ(-ENOMSG, mbox_peek(self->mb, 4, &n.msg));
	EXPECT_EQ(-ENOMSG, mbox_peek(self->mb, MBOX_PEEK_MAX, &n.msg));

	n.msg.size = 0;
	n.msg.length = 0;
	EXPECT_EQ(-EMSGSIZE, mbox_peek(self->mb, 0, &n.msg));
	EXPECT_EQ(sizeof(n.value), n.msg.length);
	EXPECT_EQ(4, status_of(self->mb).queued);
}

static struct number batch[MBOX_BATCH_MAX];
static struct mbox_message msgs[MBOX_BATCH_MAX];

static struct mbox_message *numbers(unsigned int nr, bool counted)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		msgs[i] = *number(&batch[i], counted ? i : ~0U);
		msgs[i].tag = i;
		msgs[i].prio = 3;
	}
	return msgs;
}

TEST_F(message, many_go_in_one_call)
{
	static const unsigned int counts[] = { 1, 2, 63, 64, 65, 127, 128, 129, MBOX_BATCH_MAX };
	struct mbox *mb = box(MBOX_UNBOUNDED, 0);
	size_t i;
	unsigned int j;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		ASSERT_EQ(counts[i], mbox_send_batch(mb, numbers(counts[i], true), counts[i], 0, 0));
		EXPECT_EQ(counts[i], status_of(mb).queued);
		ASSERT_EQ(counts[i], mbox_recv_batch(mb, numbers(counts[i], false), counts[i], 0, 0));
		for (j = 0; j < counts[i]; j++) {
			EXPECT_EQ(j, batch[j].value);
			EXPECT_EQ(j, msgs[j].tag);
			EXPECT_EQ(3, msgs[j].prio);
			EXPECT_EQ(sizeof(uint32_t), msgs[j].length);
			EXPECT_EQ(getpid(), msgs[j].pid);
		}
	}
	mbox_close(mb);
}

TEST_F(message, a_batch_takes_what_is_there)
{
	struct mbox *mb = box(MBOX_UNBOUNDED, 0);
	unsigned int i;

	EXPECT_EQ(-EAGAIN, mbox_recv_batch(mb, numbers(8, false), 8, MBOX_NONBLOCK, 0));
	/* As many as one system call takes, and no more: it must not wait for another. */
	for (i = 0; i < 64; i++)
		ASSERT_EQ(0, put(mb, i));
	EXPECT_EQ(64, mbox_recv_batch(mb, numbers(100, false), 100, 0, 0));
	for (i = 0; i < 100; i++)
		EXPECT_EQ(i < 64 ? i : ~0U, batch[i].value);
	for (i = 64; i < 100; i++)
		EXPECT_EQ(i, msgs[i].tag);
	mbox_close(mb);
}

TEST_F(message, a_batch_stops_where_it_must)
{
	struct mbox_message *m = numbers(10, true);

	EXPECT_EQ(4, mbox_send_batch(self->mb, m, 10, MBOX_NONBLOCK, 0));
	EXPECT_EQ(-EAGAIN, mbox_send_batch(self->mb, m, 10, MBOX_NONBLOCK, 0));
	EXPECT_EQ(-ETIMEDOUT, mbox_send_batch(self->mb, m, 10, 0, mbox_deadline_in(SHORT_WHILE)));
	EXPECT_EQ(0, take(self->mb));
	EXPECT_EQ(1, mbox_send_batch(self->mb, m, 10, 0, mbox_deadline_in(SHORT_WHILE)));

	/* The third has no room for its message: it stays, and so do the rest. */
	m = numbers(10, false);
	m[2].size = 1;
	EXPECT_EQ(2, mbox_recv_batch(self->mb, m, 10, 0, 0));
	EXPECT_EQ(1, batch[0].value);
	EXPECT_EQ(2, batch[1].value);
	m[0].size = 1;
	EXPECT_EQ(-EMSGSIZE, mbox_recv_batch(self->mb, m, 10, 0, 0));
	EXPECT_EQ(3, take(self->mb));

	m = numbers(3, true);
	m[1].length = 100001;
	EXPECT_EQ(1, mbox_send_batch(self->mb, m, 3, 0, 0));
	EXPECT_EQ(-EMSGSIZE, mbox_send_batch(self->mb, m + 1, 2, 0, 0));
	EXPECT_EQ(2, status_of(self->mb).queued);
}

struct received {
	struct mbox *mb;
	unsigned int nr, in_order;
};

static void *receive_many(void *arg)
{
	struct received *received = arg;
	unsigned int i;

	for (i = 0; i < received->nr; i++) {
		struct number n;

		if (mbox_recv(received->mb, number(&n, 0)))
			break;
		received->in_order += n.value == i;
	}
	return NULL;
}

TEST_F(message, a_batch_waits_until_all_are_sent)
{
	struct received received = { .mb = self->mb, .nr = MBOX_BATCH_MAX };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, receive_many, &received));
	EXPECT_EQ(MBOX_BATCH_MAX, mbox_send_batch(self->mb, numbers(MBOX_BATCH_MAX, true),
						  MBOX_BATCH_MAX, 0, 0));
	pthread_join(thread, NULL);
	EXPECT_EQ(MBOX_BATCH_MAX, received.in_order);

	received = (struct received){ .mb = self->mb, .nr = 100 };
	ASSERT_EQ(0, pthread_create(&thread, NULL, receive_many, &received));
	EXPECT_EQ(100, mbox_send_batch(self->mb, numbers(100, true), 100, MBOX_SYNC, 0));
	EXPECT_EQ(MBOX_BATCH_MAX + 100, status_of(self->mb).received);
	pthread_join(thread, NULL);
	EXPECT_EQ(100, received.in_order);
}

/* Senders and receivers share one handle; each number is to come once, in its sender's order. */
#define EACH	2000
#define SENDERS	3
#define TAKERS	3

struct crowd {
	struct mbox *mb;
	unsigned int who;
	int failed;
	unsigned char *seen;
	uint32_t last[SENDERS];
};

static void *send_all(void *arg)
{
	struct crowd *crowd = arg;
	uint32_t i;

	for (i = 1; i <= EACH; i++)
		crowd->failed += put(crowd->mb, crowd->who * 100000 + i) != 0;
	return NULL;
}

static void *take_all(void *arg)
{
	struct crowd *crowd = arg;
	struct number n;

	while (!mbox_recv(crowd->mb, number(&n, 0)) && n.value) {
		unsigned int who = n.value / 100000, i = n.value % 100000;

		crowd->failed += i <= crowd->last[who];
		crowd->last[who] = i;
		__atomic_fetch_add(&crowd->seen[who * (EACH + 1) + i], 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

TEST_F(message, threads_share_a_handle)
{
	static unsigned char seen[SENDERS * (EACH + 1)];
	struct crowd senders[SENDERS], takers[TAKERS];
	pthread_t threads[SENDERS + TAKERS];
	size_t i, j;

	for (i = 0; i < TAKERS; i++) {
		takers[i] = (struct crowd){ .mb = self->mb, .seen = seen };
		ASSERT_EQ(0, pthread_create(&threads[SENDERS + i], NULL, take_all, &takers[i]));
	}
	for (i = 0; i < SENDERS; i++) {
		senders[i] = (struct crowd){ .mb = self->mb, .who = i };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, send_all, &senders[i]));
	}
	for (i = 0; i < SENDERS; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, senders[i].failed);
	}
	for (i = 0; i < TAKERS; i++)
		EXPECT_EQ(0, put(self->mb, 0));
	for (i = 0; i < TAKERS; i++) {
		pthread_join(threads[SENDERS + i], NULL);
		EXPECT_EQ(0, takers[i].failed);
	}
	for (i = 0; i < SENDERS; i++)
		for (j = 1; j <= EACH; j++)
			ASSERT_EQ(1, seen[i * (EACH + 1) + j]);
	EXPECT_EQ(0, status_of(self->mb).queued);
}

TEST_HARNESS_MAIN
