// SPDX-License-Identifier: GPL-2.0
/* What a mailbox with MBOX_TAGGED tells of who sent to it and received from it last. */
#include "common.h"
#include "harness.h"

FIXTURE(last) {
	int fd;
	__u64 begin;
};

FIXTURE_SETUP(last)
{
	self->begin = now_ns(CLOCK_REALTIME);
	self->fd = mb_create_flags(NULL, 4, O_RDWR, MBOX_TAGGED);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(last)
{
	close(self->fd);
}

static bool since(__u64 then, __u64 begin)
{
	return then >= begin && then <= now_ns(CLOCK_REALTIME);
}

TEST_F(last, is_nobody_at_first)
{
	struct mbox_ioc_status status = mb_status(self->fd);

	EXPECT_EQ(0, status.send_pid);
	EXPECT_EQ(0, status.recv_pid);
	EXPECT_EQ(0, status.send_time);
	EXPECT_EQ(0, status.recv_time);
	EXPECT_TRUE(since(status.change_time, self->begin));
}

TEST_F(last, is_who_sent_and_received)
{
	struct mbox_ioc_status status;
	pid_t sender = child_fork();

	if (!sender)
		_exit(mb_put(self->fd, 1, 0, 0) || mb_put(self->fd, 2, 0, 0));
	EXPECT_EQ(0, child_wait(sender));
	status = mb_status(self->fd);
	EXPECT_EQ(sender, status.send_pid);
	EXPECT_TRUE(since(status.send_time, self->begin));
	EXPECT_EQ(0, status.recv_pid);
	EXPECT_EQ(1, mb_take(self->fd, 0));
	status = mb_status(self->fd);
	EXPECT_EQ(sender, status.send_pid);
	EXPECT_EQ(getpid(), status.recv_pid);
	EXPECT_TRUE(since(status.recv_time, status.send_time));
}

TEST_F(last, counts_read_and_write_and_not_what_failed)
{
	__u32 number = 1;

	ASSERT_EQ(sizeof(number), write(self->fd, &number, sizeof(number)));
	EXPECT_EQ(getpid(), mb_status(self->fd).send_pid);
	IN_CHILD {
		EXPECT_EQ(-EMSGSIZE, mb_recv(self->fd, &number, 1, 0));
		EXPECT_EQ(0, mb_recv(self->fd, &number, sizeof(number), MBOX_PEEK) < 0);
	}
	EXPECT_EQ(0, mb_status(self->fd).recv_pid);
	ASSERT_EQ(sizeof(number), read(self->fd, &number, sizeof(number)));
	EXPECT_EQ(getpid(), mb_status(self->fd).recv_pid);
	IN_CHILD {
		EXPECT_EQ(-EAGAIN, mb_take(self->fd, MBOX_NONBLOCK));
	}
	EXPECT_EQ(getpid(), mb_status(self->fd).recv_pid);
}

TEST_F(last, counts_who_waited)
{
	pid_t receiver = child_fork();

	if (!receiver)
		_exit(mb_take(self->fd, 0) != 7);
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_EQ(0, mb_put(self->fd, 7, 0, 0));
	EXPECT_EQ(0, child_wait(receiver));
	EXPECT_EQ(receiver, mb_status(self->fd).recv_pid);
}

TEST_F(last, change_is_what_set_did)
{
	__u64 created = mb_status(self->fd).change_time;

	ASSERT_EQ(0, mb_put(self->fd, 1, 0, 0));
	EXPECT_EQ(created, mb_status(self->fd).change_time);
	ASSERT_EQ(-EINVAL, mb_set_capacity(self->fd, MBOX_UNBOUNDED));
	EXPECT_EQ(created, mb_status(self->fd).change_time);
	ASSERT_EQ(0, mb_set_capacity(self->fd, 9));
	EXPECT_LT(created, mb_status(self->fd).change_time);
}

TEST_F(last, is_seen_from_the_own_pid_namespace)
{
	ASSERT_EQ(0, mb_put(self->fd, 1, 0, 0));
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	IN_CHILD {
		EXPECT_EQ(0, mb_status(self->fd).send_pid);
		EXPECT_EQ(1, mb_take(self->fd, 0));
		EXPECT_EQ(1, mb_status(self->fd).recv_pid);
	}
	EXPECT_EQ(getpid(), mb_status(self->fd).send_pid);
	EXPECT_LT(1, mb_status(self->fd).recv_pid);
}

TEST_F(last, is_not_told_of_others)
{
	struct mbox_ioc_status status;
	int fd = mb_create(NULL, 4, O_RDWR);

	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	ASSERT_EQ(1, mb_take(fd, 0));
	status = mb_status(fd);
	EXPECT_EQ(0, status.send_pid);
	EXPECT_EQ(0, status.recv_pid);
	EXPECT_EQ(0, status.send_time);
	EXPECT_EQ(0, status.change_time);
	close(fd);
}

TEST_HARNESS_MAIN
