// SPDX-License-Identifier: GPL-2.0
/* libmbox's mailboxes as objects: made, opened, looked at and changed. */
#include "common.h"
#include "harness.h"

#include <poll.h>

#include <mbox/mbox.h>

/* What mbox_close() must never be given, to see that a call left it alone. */
#define UNTOUCHED	((struct mbox *)-1L)

FIXTURE(mailbox) {
	char name[64];
	struct mbox *mb;
};

FIXTURE_SETUP(mailbox)
{
	umask(0);
	snprintf(self->name, sizeof(self->name), "/%s", unique_name("box"));
	ASSERT_EQ(0, mbox_create(&self->mb, self->name, O_RDWR | O_EXCL, 0666, NULL));
}

FIXTURE_TEARDOWN(mailbox)
{
	EXPECT_EQ(0, mbox_unlink(self->name));
	mbox_close(self->mb);
}

static struct mbox_status status_of(const struct mbox *mb)
{
	struct mbox_status status;

	memset(&status, 0xa5, sizeof(status));
	if (mbox_status(mb, &status))
		memset(&status, 0, sizeof(status));
	return status;
}

TEST_F(mailbox, is_created_with_defaults)
{
	struct mbox_status status = status_of(self->mb);

	EXPECT_NE(0, status.id);
	EXPECT_EQ(MBOX_CAPACITY_DEFAULT, status.capacity);
	EXPECT_EQ(MBOX_MSGSIZE_DEFAULT, status.msgsize);
	EXPECT_EQ(0, status.bytes);
	EXPECT_EQ(0, status.flags);
	EXPECT_EQ(0666, status.mode);
	EXPECT_EQ(geteuid(), status.uid);
	EXPECT_EQ(getegid(), status.gid);
	EXPECT_EQ(1, status.senders);
	EXPECT_EQ(1, status.receivers);
}

TEST_F(mailbox, is_created_as_asked)
{
	struct mbox_attr attr = { 3, 100, 250, MBOX_HANGUP };
	struct mbox_status status;
	struct mbox *mb;

	umask(027);
	ASSERT_EQ(0, mbox_create(&mb, NULL, O_RDWR, 0777, &attr));
	status = status_of(mb);
	EXPECT_EQ(3, status.capacity);
	EXPECT_EQ(100, status.msgsize);
	EXPECT_EQ(250, status.bytes);
	EXPECT_EQ(MBOX_HANGUP, status.flags);
	EXPECT_EQ(0750, status.mode);
	mbox_close(mb);
}

TEST_F(mailbox, refuses_attributes_out_of_range)
{
	static const struct {
		int oflag;
		mode_t mode;
		struct mbox_attr attr;
	} cases[] = {
		{ O_RDWR, 01000, { 1, 1, 1, 0 } },
		{ O_RDWR, -1, { 1, 1, 1, 0 } },
		{ O_RDWR | O_CREAT, 0600, { 1, 1, 1, 0 } },
		{ O_RDWR | O_TRUNC, 0600, { 1, 1, 1, 0 } },
		{ O_RDWR | O_APPEND, 0600, { 1, 1, 1, 0 } },
		{ O_RDWR, 0600, { 1, MBOX_MSGSIZE_MAX + 1, 0, 0 } },
		{ O_RDWR, 0600, { 1, 100, 99, 0 } },
		{ O_RDWR, 0600, { 1, 1, 1, MBOX_HANGUP << 1 } },
		{ O_RDWR, 0600, { 1, 1, 1, 1U << 31 } },
	};
	const char *name = unique_name("refused");
	struct mbox *mb = UNTOUCHED;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(-EINVAL, mbox_create(&mb, name, cases[i].oflag, cases[i].mode,
					       &cases[i].attr))
			TH_LOG("case %zu", i);
	}
	EXPECT_EQ(-EINVAL, mbox_open(&mb, self->name, O_RDWR | O_EXCL));
	EXPECT_EQ(-EINVAL, mbox_open(&mb, self->name, O_RDWR | O_CREAT));
	EXPECT_EQ(-ENOENT, mbox_unlink(name));
	EXPECT_EQ(UNTOUCHED, mb);
}

TEST_F(mailbox, exists_and_is_opened_or_not)
{
	struct mbox_attr attr = { .capacity = 1, .msgsize = 1 };
	struct mbox *mb = UNTOUCHED;

	EXPECT_EQ(-EEXIST, mbox_create(&mb, self->name, O_RDWR | O_EXCL, 0600, &attr));
	EXPECT_EQ(-ENOENT, mbox_open(&mb, "/nobody.has.this", O_RDWR));
	EXPECT_EQ(UNTOUCHED, mb);

	ASSERT_EQ(0, mbox_create(&mb, self->name, O_RDWR, 0600, &attr));
	EXPECT_EQ(status_of(self->mb).id, status_of(mb).id);
	EXPECT_EQ(MBOX_CAPACITY_DEFAULT, status_of(mb).capacity);
	EXPECT_EQ(0666, status_of(mb).mode);
	mbox_close(mb);
}

TEST_F(mailbox, gives_the_rights_that_were_asked_for)
{
	struct mbox_message msg = { .data = NULL };
	struct mbox *rx, *tx, *neither;

	ASSERT_EQ(0, mbox_open(&rx, self->name, O_RDONLY | O_NONBLOCK));
	ASSERT_EQ(0, mbox_open(&tx, self->name, O_WRONLY));
	EXPECT_EQ(2, status_of(rx).senders);
	EXPECT_EQ(2, status_of(rx).receivers);
	ASSERT_EQ(0, mbox_open(&neither, self->name, O_WRONLY | O_RDWR));
	EXPECT_EQ(2, status_of(neither).senders);
	EXPECT_EQ(2, status_of(neither).receivers);

	EXPECT_EQ(-EBADF, mbox_send(rx, NULL, 0, 0));
	EXPECT_EQ(-EBADF, mbox_recv(tx, &msg));
	EXPECT_EQ(-EBADF, mbox_send(neither, NULL, 0, 0));
	EXPECT_EQ(-EBADF, mbox_recv(neither, &msg));
	EXPECT_EQ(-EBADF, mbox_peek(neither, 0, &msg));
	EXPECT_EQ(-EAGAIN, mbox_recv(rx, &msg));
	EXPECT_EQ(0, mbox_send(tx, NULL, 0, 0));
	EXPECT_EQ(0, mbox_recv(rx, &msg));
	mbox_close(rx);
	mbox_close(tx);
	mbox_close(neither);
	EXPECT_EQ(1, status_of(self->mb).senders);
}

TEST_F(mailbox, is_opened_by_whom_the_mode_allows)
{
	ASSERT_EQ(0, mbox_chmod(self->mb, 0604));
	IN_CHILD {
		struct mbox *mb = UNTOUCHED;

		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EACCES, mbox_open(&mb, self->name, O_RDWR));
		EXPECT_EQ(-EACCES, mbox_open(&mb, self->name, O_WRONLY));
		EXPECT_EQ(-EACCES, mbox_create(&mb, self->name, O_WRONLY, 0600, NULL));
		EXPECT_EQ(UNTOUCHED, mb);
		EXPECT_EQ(0, mbox_open(&mb, self->name, O_RDONLY));
		EXPECT_EQ(0, mbox_open(&mb, self->name, O_WRONLY | O_RDWR));
	}
	ASSERT_EQ(0, mbox_chmod(self->mb, 0600));
	IN_CHILD {
		struct mbox *mb;

		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EACCES, mbox_open(&mb, self->name, O_WRONLY | O_RDWR));
	}
}

TEST_F(mailbox, counts_against_a_budget)
{
	long long before = param_get("user_mailboxes");

	ASSERT_EQ(0, param_set("user_mailboxes", 2));
	IN_CHILD {
		struct mbox *mb;

		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(0, mbox_create(&mb, NULL, O_RDWR, 0600, NULL));
		EXPECT_EQ(0, mbox_create(&mb, NULL, O_RDWR, 0600, NULL));
		EXPECT_EQ(-EDQUOT, mbox_create(&mb, NULL, O_RDWR, 0600, NULL));
		mbox_close(mb);
		EXPECT_EQ(0, mbox_create(&mb, NULL, O_RDWR, 0600, NULL));
	}
	EXPECT_EQ(0, param_set("user_mailboxes", before));
}

TEST_F(mailbox, is_a_descriptor)
{
	int fd = mbox_fd(self->mb), copy;
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT };
	char data[8];
	struct mbox *mb;

	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(1, poll(&poll_fd, 1, 0));
	EXPECT_EQ(POLLOUT, poll_fd.revents);
	EXPECT_EQ(2, write(fd, "hi", 2));
	EXPECT_EQ(1, poll(&poll_fd, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, poll_fd.revents);
	EXPECT_EQ(2, read(fd, data, sizeof(data)));

	copy = dup(fd);
	ASSERT_EQ(0, mbox_from_fd(&mb, copy));
	EXPECT_EQ(copy, mbox_fd(mb));
	EXPECT_EQ(status_of(self->mb).id, status_of(mb).id);
	mbox_close(mb);
	EXPECT_EQ(-1, fcntl(copy, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
}

TEST_F(mailbox, tells_what_went_through_it)
{
	char data[16];
	struct mbox_message msg = { .data = data, .size = sizeof(data) };
	struct mbox_status status;

	ASSERT_EQ(0, mbox_send(self->mb, "12345", 5, 0));
	ASSERT_EQ(0, mbox_send(self->mb, "678", 3, 0));
	ASSERT_EQ(0, mbox_recv(self->mb, &msg));
	status = status_of(self->mb);
	EXPECT_EQ(1, status.queued);
	EXPECT_EQ(3, status.queued_bytes);
	EXPECT_EQ(2, status.sent);
	EXPECT_EQ(8, status.sent_bytes);
	EXPECT_EQ(1, status.received);
	EXPECT_EQ(5, status.received_bytes);
	EXPECT_EQ(0, status.waiting_senders);
	EXPECT_EQ(0, status.waiting_receivers);
	EXPECT_EQ(0, status.send_wait_ns);
	EXPECT_EQ(0, status.recv_wait_ns);
	EXPECT_EQ(0, status.send_wait_pid);
	EXPECT_EQ(0, status.recv_wait_pid);
}

static void *send_blocked(void *arg)
{
	return (void *)(long)mbox_send(arg, "late", 4, 0);
}

static void *recv_blocked(void *arg)
{
	char data[16];
	struct mbox_message msg = { .data = data, .size = sizeof(data) };

	return (void *)(long)mbox_recv(arg, &msg);
}

TEST_F(mailbox, tells_who_waits_and_is_resized_meanwhile)
{
	struct mbox_status status;
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, mbox_resize(self->mb, 1));
	EXPECT_EQ(1, status_of(self->mb).capacity);
	ASSERT_EQ(0, mbox_send(self->mb, "first", 5, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_blocked, self->mb));
	ASSERT_TRUE(wait_until(status_of(self->mb).send_wait_ns > 0));
	status = status_of(self->mb);
	EXPECT_EQ(1, status.waiting_senders);
	EXPECT_EQ(getpid(), status.send_wait_pid);

	/* Smaller loses nothing, larger lets the sender in. */
	EXPECT_EQ(0, mbox_resize(self->mb, 0));
	EXPECT_EQ(1, status_of(self->mb).queued);
	EXPECT_EQ(1, status_of(self->mb).waiting_senders);
	EXPECT_EQ(0, mbox_resize(self->mb, MBOX_UNBOUNDED));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(NULL, ret);
	EXPECT_EQ(2, status_of(self->mb).queued);
	EXPECT_EQ(MBOX_UNBOUNDED, status_of(self->mb).capacity);
}

TEST_F(mailbox, tells_which_receiver_waits)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, recv_blocked, self->mb));
	ASSERT_TRUE(wait_until(status_of(self->mb).recv_wait_ns > 0));
	EXPECT_EQ(1, status_of(self->mb).waiting_receivers);
	EXPECT_EQ(getpid(), status_of(self->mb).recv_wait_pid);
	EXPECT_EQ(0, mbox_send(self->mb, "x", 1, 0));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(NULL, ret);
}

static volatile sig_atomic_t notices;
static siginfo_t noticed;

static void on_notice(int signo, siginfo_t *info, void *context)
{
	noticed = *info;
	notices++;
}

static void catch_notices(void)
{
	struct sigaction action = { .sa_sigaction = on_notice, .sa_flags = SA_SIGINFO };

	notices = 0;
	sigaction(SIGUSR1, &action, NULL);
}

TEST_F(mailbox, notifies_once_of_a_message)
{
	union sigval value = { .sival_ptr = self };
	struct mbox_message msg = { .data = NULL };

	catch_notices();
	ASSERT_EQ(0, mbox_notify(self->mb, SIGUSR1, value));
	ASSERT_EQ(0, mbox_send(self->mb, NULL, 0, 0));
	EXPECT_TRUE(wait_until(notices == 1));
	EXPECT_EQ(SI_MESGQ, noticed.si_code);
	EXPECT_EQ(self, noticed.si_value.sival_ptr);
	EXPECT_EQ(getpid(), noticed.si_pid);

	/* Neither of these says anything: not registered, then not empty. */
	EXPECT_EQ(0, mbox_recv(self->mb, &msg));
	EXPECT_EQ(0, mbox_send(self->mb, NULL, 0, 0));
	ASSERT_EQ(0, mbox_notify(self->mb, SIGUSR1, value));
	EXPECT_EQ(0, mbox_send(self->mb, NULL, 0, 0));
	EXPECT_EQ(1, notices);

	/* Removed. */
	EXPECT_EQ(0, mbox_notify(self->mb, 0, value));
	EXPECT_EQ(0, mbox_recv(self->mb, &msg));
	EXPECT_EQ(0, mbox_recv(self->mb, &msg));
	EXPECT_EQ(0, mbox_send(self->mb, NULL, 0, 0));
	EXPECT_EQ(1, notices);
}

TEST_F(mailbox, refuses_to_notify)
{
	union sigval value = { .sival_int = 1 };
	struct mbox *tx;

	ASSERT_EQ(0, mbox_open(&tx, self->name, O_WRONLY));
	EXPECT_EQ(-EBADF, mbox_notify(tx, SIGUSR1, value));
	EXPECT_EQ(-EINVAL, mbox_notify(self->mb, 65, value));
	EXPECT_EQ(-EINVAL, mbox_notify(self->mb, -1, value));
	mbox_close(tx);

	ASSERT_EQ(0, mbox_notify(self->mb, SIGUSR1, value));
	IN_CHILD {
		EXPECT_EQ(-EBUSY, mbox_notify(self->mb, SIGUSR1, value));
		/* It is the parent's, and the child cannot remove it. */
		EXPECT_EQ(0, mbox_notify(self->mb, 0, value));
		EXPECT_EQ(-EBUSY, mbox_notify(self->mb, SIGUSR1, value));
	}
	EXPECT_EQ(0, mbox_notify(self->mb, 0, value));
	IN_CHILD
		EXPECT_EQ(0, mbox_notify(self->mb, SIGUSR1, value));
	/* The child's ended with it. */
	EXPECT_EQ(0, mbox_notify(self->mb, SIGUSR1, value));
	EXPECT_EQ(0, mbox_notify(self->mb, 0, value));
}

TEST(closing_nothing_is_nothing)
{
	mbox_close(NULL);
}

TEST_HARNESS_MAIN
