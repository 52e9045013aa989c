// SPDX-License-Identifier: GPL-2.0
/* libmbox's mailboxes of processes: opened by pid and pidfd, and received from one. */
#include "common.h"
#include "harness.h"

#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <mbox/mbox.h>

static int pidfd_of(pid_t pid)
{
	return syscall(SYS_pidfd_open, pid, 0);
}

/* A number, or an error. */
static int take_from(struct mbox *mb, pid_t from, unsigned int flags, uint64_t deadline)
{
	uint32_t value = 0;
	struct mbox_message msg = { .data = &value, .size = sizeof(value) };
	int ret = mbox_recv_from(mb, from, &msg, flags, deadline);

	if (ret)
		return ret;
	return msg.pid == from ? (int)value : -EBADMSG;
}

static int put(struct mbox *mb, uint32_t value)
{
	return mbox_send(mb, &value, sizeof(value), 0);
}

static int put_to(pid_t pid, uint32_t value)
{
	struct mbox *mb;
	int ret = mbox_open_pid(&mb, pid, O_WRONLY);

	if (!ret) {
		ret = put(mb, value);
		mbox_close(mb);
	}
	return ret;
}

/*
 * The parent has a mailbox before its child begins, and the child one before the test does: it
 * answers each number of its parent's with the next one, and ends with the link.
 */
FIXTURE(process) {
	struct mbox *own;
	pid_t child;
	int pidfd;
};

static void answer_parent(int ready)
{
	struct mbox *own, *parent;
	pid_t pid = getppid();
	int number;

	if (mbox_own(&own, O_RDONLY | O_EXCL, 0600, NULL) ||
	    mbox_open_pid(&parent, pid, O_WRONLY) || write(ready, "r", 1) != 1)
		_exit(1);
	while ((number = take_from(own, pid, 0, 0)) >= 0)
		if (put(parent, number + 1))
			break;
	_exit(2);
}

FIXTURE_SETUP(process)
{
	int ready[2];
	char c;

	umask(0);
	ASSERT_EQ(0, mbox_own(&self->own, O_RDONLY | O_EXCL, 0622, NULL));
	ASSERT_EQ(0, pipe(ready));
	self->child = child_fork();
	if (!self->child)
		answer_parent(ready[1]);
	self->pidfd = pidfd_of(self->child);
	ASSERT_LE(0, self->pidfd);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	close(ready[0]);
	close(ready[1]);
}

static int end_child(FIXTURE_DATA(process) *self)
{
	int ret;

	if (!self->child)
		return 0;
	kill(self->child, SIGKILL);
	ret = child_wait(self->child);
	self->child = 0;
	return ret;
}

FIXTURE_TEARDOWN(process)
{
	end_child(self);
	close(self->pidfd);
	mbox_close(self->own);
}

TEST_F(process, a_link_joins_two)
{
	struct mbox *peer;
	int i;

	ASSERT_EQ(0, mbox_open_pid(&peer, self->child, O_WRONLY));
	for (i = 0; i < 100; i += 10) {
		ASSERT_EQ(0, put(peer, i));
		EXPECT_EQ(i + 1, take_from(self->own, self->child, 0, 0));
	}
	mbox_close(peer);
}

TEST_F(process, a_pidfd_is_as_good_as_a_pid)
{
	struct mbox *peer;

	ASSERT_EQ(0, mbox_open_pidfd(&peer, self->pidfd, O_WRONLY));
	ASSERT_EQ(0, put(peer, 5));
	EXPECT_EQ(6, take_from(self->own, self->child, 0, 0));
	mbox_close(peer);
	ASSERT_EQ(0, mbox_open_pidfd(&peer, self->pidfd, O_WRONLY | O_RDWR));
	EXPECT_EQ(-EBADF, put(peer, 1));
	mbox_close(peer);
}

TEST_F(process, the_end_of_the_peer_ends_the_link)
{
	struct mbox *peer, *none = NULL;

	ASSERT_EQ(0, mbox_open_pid(&peer, self->child, O_WRONLY));
	ASSERT_EQ(0, put(peer, 1));
	EXPECT_EQ(2, take_from(self->own, self->child, 0, 0));
	kill(self->child, SIGKILL);
	EXPECT_EQ(-ESRCH, take_from(self->own, self->child, 0, 0));
	EXPECT_EQ(-ESRCH, put(peer, 3));
	EXPECT_EQ(-ESRCH, mbox_open_pidfd(&none, self->pidfd, O_WRONLY));
	child_wait(self->child);
	EXPECT_EQ(-ESRCH, take_from(self->own, self->child, 0, 0));
	EXPECT_EQ(-ESRCH, mbox_open_pid(&none, self->child, O_WRONLY));
	EXPECT_EQ(-ESRCH, mbox_open_pidfd(&none, self->pidfd, O_WRONLY));
	EXPECT_EQ(NULL, none);
	self->child = 0;
	mbox_close(peer);
}

/* In the child of a process that ends once it has heard of the child. */
static void outlive_parent(pid_t parent, int result)
{
	struct mbox *own;
	int ret = mbox_own(&own, O_RDONLY, 0622, NULL);

	if (!ret)
		ret = put_to(parent, 1);
	if (!ret)
		ret = take_from(own, parent, 0, 0);
	_exit(write(result, &ret, sizeof(ret)) != sizeof(ret));
}

TEST_F(process, the_end_of_the_parent_is_told_to_the_child)
{
	int result[2], ret = 0;
	pid_t pid;

	ASSERT_EQ(0, pipe(result));
	pid = child_fork();
	if (!pid) {
		struct mbox_message msg = { .data = &ret, .size = sizeof(ret) };
		struct mbox *own;

		pid = getpid();
		if (mbox_own(&own, O_RDONLY, 0622, NULL))
			_exit(1);
		if (!fork())
			outlive_parent(pid, result[1]);
		_exit(mbox_recv(own, &msg) != 0);
	}
	EXPECT_EQ(0, child_wait(pid));
	close(result[1]);
	ASSERT_EQ(sizeof(ret), read(result[0], &ret, sizeof(ret)));
	EXPECT_EQ(-ESRCH, ret);
	close(result[0]);
}

TEST_F(process, own_opens_again_or_refuses)
{
	struct mbox_attr attr = { .capacity = MBOX_PEEK_MAX + 1, .msgsize = 1 };
	struct mbox *again, *none = NULL;
	struct mbox_status first, second;

	EXPECT_EQ(-EEXIST, mbox_own(&none, O_RDONLY | O_EXCL, 0600, NULL));
	EXPECT_EQ(-EINVAL, mbox_own(&none, O_RDONLY, 0600, &attr));
	EXPECT_EQ(-EINVAL, mbox_own(&none, O_WRONLY, 0600, NULL));
	EXPECT_EQ(NULL, none);
	ASSERT_EQ(0, mbox_own(&again, O_RDWR, 0, NULL));
	ASSERT_EQ(0, mbox_status(self->own, &first));
	ASSERT_EQ(0, mbox_status(again, &second));
	EXPECT_EQ(first.id, second.id);
	EXPECT_EQ(0622, second.mode);
	EXPECT_EQ(MBOX_OWN, second.flags);
	EXPECT_EQ(MBOX_CAPACITY_DEFAULT, second.capacity);
	EXPECT_EQ(0, put(again, 4));
	EXPECT_EQ(4, take_from(again, getpid(), 0, 0));
	mbox_close(again);
	/* Another process's. */
	IN_CHILD {
		EXPECT_EQ(-EPERM, take_from(self->own, getppid(), MBOX_NONBLOCK, 0));
		EXPECT_EQ(-EPERM, mbox_recv(self->own, &(struct mbox_message){ .size = 0 }));
	}
}

TEST_F(process, open_tells_why_not)
{
	struct mbox *none = NULL;
	int fd = open("/dev/null", O_RDONLY);

	EXPECT_EQ(-EINVAL, mbox_open_pid(&none, 0, O_WRONLY));
	EXPECT_EQ(-EINVAL, mbox_open_pid(&none, -1, O_WRONLY));
	EXPECT_EQ(-ESRCH, mbox_open_pid(&none, 0x7ffffffe, O_WRONLY));
	EXPECT_EQ(-ENOENT, mbox_open_pid(&none, 1, O_WRONLY));
	EXPECT_EQ(-EPERM, mbox_open_pid(&none, self->child, O_RDONLY));
	EXPECT_EQ(-EPERM, mbox_open_pidfd(&none, self->pidfd, O_RDWR));
	EXPECT_EQ(-EINVAL, mbox_open_pidfd(&none, self->pidfd, O_WRONLY | O_TRUNC));
	EXPECT_EQ(-EBADF, mbox_open_pidfd(&none, fd, O_WRONLY));
	EXPECT_EQ(-EBADF, mbox_open_pidfd(&none, -1, O_WRONLY));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EACCES, mbox_open_pid(&none, self->child, O_WRONLY));
		EXPECT_EQ(-EACCES, mbox_open_pidfd(&none, self->pidfd, O_WRONLY));
		EXPECT_EQ(0, put_to(getppid(), 8));
	}
	EXPECT_EQ(NULL, none);
	close(fd);
}

/* A pidfd is of a process, wherever that is; a number is of a pid namespace. */
TEST_F(process, a_pidfd_of_a_process_that_is_not_seen)
{
	int outside = pidfd_of(getpid());

	ASSERT_LE(0, outside);
	IN_CHILD {
		pid_t pid;

		ASSERT_EQ(0, unshare(CLONE_NEWPID | CLONE_NEWNS));
		pid = child_fork();
		if (!pid) {
			struct mbox *none = NULL;

			EXPECT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
			EXPECT_EQ(0, mount("proc", "/proc", "proc", 0, NULL));
			EXPECT_EQ(-ESRCH, mbox_open_pidfd(&none, outside, O_WRONLY));
			_exit(0);
		}
		EXPECT_EQ(0, child_wait(pid));
	}
	close(outside);
}

TEST_F(process, others_wait_in_their_order)
{
	ASSERT_EQ(0, put_to(getpid(), 1));
	ASSERT_EQ(0, put_to(self->child, 10));
	EXPECT_EQ(11, take_from(self->own, self->child, 0, 0));
	ASSERT_EQ(0, put_to(getpid(), 2));
	EXPECT_EQ(-EAGAIN, take_from(self->own, self->child, MBOX_NONBLOCK, 0));
	EXPECT_EQ(-ETIMEDOUT, take_from(self->own, self->child, 0, mbox_deadline_in(1000000)));
	EXPECT_EQ(1, take_from(self->own, getpid(), 0, 0));
	EXPECT_EQ(2, take_from(self->own, getpid(), 0, 0));
}

TEST_F(process, recv_from_refuses)
{
	struct mbox_message msg = { .size = 0 };
	struct mbox *other;

	ASSERT_EQ(0, mbox_create(&other, NULL, O_RDWR, 0600, NULL));
	EXPECT_EQ(-EOPNOTSUPP, mbox_recv_from(other, getpid(), &msg, 0, 0));
	mbox_close(other);
	EXPECT_EQ(-EINVAL, mbox_recv_from(self->own, 0, &msg, 0, 0));
	EXPECT_EQ(-EINVAL, mbox_recv_from(self->own, -5, &msg, 0, 0));
	EXPECT_EQ(-EINVAL, mbox_recv_from(self->own, getpid(), &msg, MBOX_PEEK, 0));
	EXPECT_EQ(-EINVAL, mbox_recv_msg(self->own, &msg, MBOX_FROM, 0));
	ASSERT_EQ(0, put_to(getpid(), 1));
	EXPECT_EQ(-EMSGSIZE, mbox_recv_from(self->own, getpid(), &msg, 0, 0));
	EXPECT_EQ(sizeof(uint32_t), msg.length);
	EXPECT_EQ(1, take_from(self->own, getpid(), 0, 0));
}

TEST_HARNESS_MAIN
