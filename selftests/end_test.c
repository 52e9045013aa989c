// SPDX-License-Identifier: GPL-2.0
/* A mailbox that ends while it is open: who is told, what is gone, and what is still held. */
#include "common.h"
#include "harness.h"

#include <linux/capability.h>

static int end(int fd)
{
	struct mbox_ioc_end arg = { 0 };

	return ctl(fd, MBOX_IOC_END, &arg);
}

FIXTURE(end) {
	const char *name;
	int fd;
};

FIXTURE_SETUP(end)
{
	self->name = unique_name("end");
	self->fd = mb_create(self->name, 2, O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(end)
{
	mb_unlink(self->name);
	close(self->fd);
}

TEST_F(end, takes_the_name_and_the_messages)
{
	ASSERT_EQ(0, mb_put(self->fd, 1, 0, 0));
	EXPECT_EQ(0, end(self->fd));
	EXPECT_EQ(-ENOENT, mb_open(self->name, O_RDWR));
	EXPECT_EQ(0, (int)mb_status(self->fd).queued);
	EXPECT_EQ(-EIDRM, mb_take(self->fd, 0));
	EXPECT_EQ(-EIDRM, mb_take(self->fd, MBOX_NONBLOCK));
	EXPECT_EQ(-EIDRM, mb_take(self->fd, MBOX_PEEK));
	EXPECT_EQ(-EIDRM, mb_put(self->fd, 1, 0, 0));
	EXPECT_EQ(-EIDRM, mb_put(self->fd, 1, 0, MBOX_NONBLOCK | MBOX_SYNC));
	EXPECT_EQ(-EIDRM, mb_ask(self->fd, 0));
	EXPECT_EQ(0, end(self->fd));
}

TEST_F(end, frees_the_name_for_another)
{
	int next;

	ASSERT_EQ(0, end(self->fd));
	next = mb_create(self->name, 2, O_RDWR | O_EXCL);
	ASSERT_LE(0, next);
	EXPECT_EQ(0, mb_put(next, 7, 0, 0));
	EXPECT_EQ(-EIDRM, mb_take(self->fd, 0));
	EXPECT_EQ(7, mb_take(next, 0));
	EXPECT_EQ(0, end(self->fd));
	EXPECT_EQ(0, mb_put(next, 8, 0, 0));
	close(next);
}

TEST_F(end, is_told_by_read_and_write_without_a_signal)
{
	__u32 number = 0;

	ASSERT_EQ(0, end(self->fd));
	EXPECT_EQ(-1, read(self->fd, &number, sizeof(number)));
	EXPECT_EQ(EIDRM, errno);
	EXPECT_EQ(-1, write(self->fd, &number, sizeof(number)));
	EXPECT_EQ(EIDRM, errno);
}

TEST_F(end, is_seen_by_poll)
{
	int rx = mb_reopen(self->fd, O_RDONLY), tx = mb_reopen(self->fd, O_WRONLY);
	struct pollfd both[] = { { .fd = rx, .events = POLLIN }, { .fd = tx, .events = 0 } };
	pid_t pid = child_fork();

	ASSERT_LE(0, pid);
	if (!pid)
		_exit(poll(both, 2, -1) < 1);
	ASSERT_EQ(0, end(self->fd));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(IN | POLLHUP, events(rx));
	EXPECT_EQ(OUT | POLLERR, events(tx));
	close(rx);
	close(tx);
}

TEST_F(end, wakes_who_waits_to_receive)
{
	struct mb_call one, two;

	call_take(&one, self->fd, 0);
	call_take(&two, self->fd, MBOX_LEASE);
	ASSERT_EQ(0, call_start(&one));
	ASSERT_EQ(0, call_start(&two));
	ASSERT_TRUE(wait_receivers(self->fd, 2));
	EXPECT_EQ(0, end(self->fd));
	EXPECT_EQ(-EIDRM, call_join(&one));
	EXPECT_EQ(-EIDRM, call_join(&two));
	EXPECT_EQ(0, mb_status(self->fd).waiting_receivers);
}

TEST_F(end, wakes_who_waits_to_send)
{
	struct mb_call room, sync;

	ASSERT_EQ(0, mb_put(self->fd, 1, 0, 0));
	call_put(&sync, self->fd, 2, 0, MBOX_SYNC);
	ASSERT_EQ(0, call_start(&sync));
	ASSERT_TRUE(wait_senders(self->fd, 1));
	call_put(&room, self->fd, 3, 0, 0);
	ASSERT_EQ(0, call_start(&room));
	ASSERT_TRUE(wait_senders(self->fd, 2));
	EXPECT_EQ(0, end(self->fd));
	EXPECT_EQ(-EIDRM, call_join(&room));
	EXPECT_EQ(-EIDRM, call_join(&sync));
	EXPECT_EQ(0, (int)mb_status(self->fd).queued);
}

static void *ask(void *fd)
{
	return (void *)(intptr_t)mb_ask((intptr_t)fd, 0);
}

TEST_F(end, fails_a_call_that_nobody_received)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, ask, (void *)(intptr_t)self->fd));
	ASSERT_TRUE(wait_until(mb_status(self->fd).waiting_callers == 1));
	EXPECT_EQ(0, end(self->fd));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(-EIDRM, (intptr_t)ret);
}

TEST_F(end, leaves_a_call_that_was_received_its_answer)
{
	pthread_t thread;
	__s64 delivery;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, ask, (void *)(intptr_t)self->fd));
	delivery = mb_accept(self->fd);
	ASSERT_LT(0, delivery);
	EXPECT_EQ(0, end(self->fd));
	EXPECT_EQ(0, mb_answer(self->fd, delivery));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(0, (intptr_t)ret);
}

static int lease(int fd, __u64 *delivery)
{
	__u32 number;
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), MBOX_LEASE);
	int ret = ctl(fd, MBOX_IOC_RECV, &msg);

	*delivery = msg.delivery;
	return ret;
}

TEST_F(end, leaves_a_lease_to_who_has_it)
{
	struct mbox_ioc_ack ack = { 0 };

	ASSERT_EQ(0, mb_put(self->fd, 1, 0, 0));
	ASSERT_EQ(0, lease(self->fd, (__u64 *)&ack.delivery));
	EXPECT_EQ(0, end(self->fd));
	EXPECT_EQ(0, ctl(self->fd, MBOX_IOC_ACK, &ack));
	EXPECT_EQ(-ESTALE, ctl(self->fd, MBOX_IOC_ACK, &ack));
}

TEST_F(end, keeps_what_comes_back_from_everybody)
{
	struct mbox_ioc_ack ack = { .flags = MBOX_RETURN };

	ASSERT_EQ(0, mb_put(self->fd, 1, 0, 0));
	ASSERT_EQ(0, lease(self->fd, (__u64 *)&ack.delivery));
	EXPECT_EQ(0, end(self->fd));
	EXPECT_EQ(0, ctl(self->fd, MBOX_IOC_ACK, &ack));
	EXPECT_EQ(-EIDRM, mb_take(self->fd, MBOX_NONBLOCK));
}

TEST_F(end, fails_a_leased_call_that_comes_back)
{
	struct mbox_ioc_ack ack = { .flags = MBOX_RETURN };
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, ask, (void *)(intptr_t)self->fd));
	ASSERT_EQ(0, lease(self->fd, (__u64 *)&ack.delivery));
	EXPECT_EQ(0, end(self->fd));
	EXPECT_EQ(0, ctl(self->fd, MBOX_IOC_ACK, &ack));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(-EIDRM, (intptr_t)ret);
}

TEST_F(end, is_for_the_owner_on_any_descriptor)
{
	int neither = mb_open(self->name, O_RDWR | O_WRONLY);

	ASSERT_LE(0, neither);
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EPERM, end(self->fd));
	}
	EXPECT_EQ(0, mb_put(self->fd, 1, 0, 0));
	IN_CHILD {
		ASSERT_EQ(0, drop_capability(CAP_FOWNER));
		EXPECT_EQ(0, end(neither));
	}
	EXPECT_EQ(-EIDRM, mb_put(self->fd, 1, 0, 0));
	close(neither);
}

TEST_F(end, spares_a_snapshot)
{
	int snapshot;

	ASSERT_EQ(0, mb_put(self->fd, 1, 0, 0));
	snapshot = mb_snapshot(self->fd);
	ASSERT_LE(0, snapshot);
	ASSERT_EQ(0, end(self->fd));
	EXPECT_EQ(1, mb_take(snapshot, 0));
	EXPECT_EQ(-EPIPE, mb_take(snapshot, 0));
	close(snapshot);
}

TEST_F(end, is_not_for_what_ends_by_itself)
{
	int own = mb_create_flags(NULL, 1, O_RDWR, MBOX_OWN);
	int broadcast = mb_create_flags(NULL, 1, O_RDWR, MBOX_BROADCAST);
	int stream = st_create(NULL, O_RDWR);

	EXPECT_EQ(-EOPNOTSUPP, end(own));
	EXPECT_EQ(0, mb_put(own, 1, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, end(broadcast));
	EXPECT_EQ(0, mb_put(broadcast, 1, 0, 0));
	EXPECT_EQ(-ENOTTY, end(stream));
	close(own);
	close(broadcast);
	close(stream);
}

/* Numbers go round until the end: each sent one was received, or goes with it. */
struct party {
	pthread_t thread;
	int fd;
	int passed;
	int error;
	bool sends;
};

static void *take_part(void *arg)
{
	struct party *party = arg;
	int ret;

	do {
		ret = party->sends ? mb_put(party->fd, 1, 0, 0) : mb_take(party->fd, 0);
		party->passed += ret >= 0;
	} while (ret >= 0);
	party->error = ret;
	return NULL;
}

#define PARTIES	6

TEST_F(end, comes_to_everybody_in_the_middle_of_it_all)
{
	struct party parties[PARTIES];
	int i, round;

	for (round = 0; round < 20; round++) {
		int fd = mb_create(NULL, round % 3, O_RDWR), balance = 0;

		for (i = 0; i < PARTIES; i++) {
			parties[i] = (struct party) { .fd = fd, .sends = i % 2 };
			ASSERT_EQ(0, pthread_create(&parties[i].thread, NULL, take_part,
						    &parties[i]));
		}
		ASSERT_TRUE(wait_until(mb_status(fd).received > 20));
		ASSERT_EQ(0, end(fd));
		for (i = 0; i < PARTIES; i++) {
			ASSERT_EQ(0, pthread_join(parties[i].thread, NULL));
			EXPECT_EQ(-EIDRM, parties[i].error);
			balance += parties[i].sends ? parties[i].passed : -parties[i].passed;
		}
		EXPECT_LE(0, balance);
		EXPECT_GE(round % 3, balance);
		close(fd);
	}
}

TEST_HARNESS_MAIN
