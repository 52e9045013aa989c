// SPDX-License-Identifier: GPL-2.0
/* libmbox's connections, with programs that know nothing of mbox at their ends. */
#include "common.h"
#include "harness.h"

#include <mbox/mbox.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

FIXTURE(pair) {
	int fd[2];
	char buf[100];
};

FIXTURE_SETUP(pair)
{
	ASSERT_EQ(0, mbox_socketpair(self->fd, O_CLOEXEC));
	signal(SIGPIPE, SIG_IGN);
}

FIXTURE_TEARDOWN(pair)
{
	close(self->fd[0]);
	close(self->fd[1]);
}

TEST_F(pair, full_duplex)
{
	EXPECT_EQ(4, st_put(self->fd[0], "ping", 4));
	EXPECT_EQ(4, st_put(self->fd[1], "pong", 4));
	EXPECT_EQ(4, st_get(self->fd[0], self->buf, 100));
	EXPECT_EQ(0, memcmp(self->buf, "pong", 4));
	EXPECT_EQ(4, st_get(self->fd[1], self->buf, 100));
	EXPECT_EQ(0, memcmp(self->buf, "ping", 4));
}

/* Half-close is what tells sort that there is no more, and its answer still comes. */
TEST_F(pair, sort_answers_at_the_other_end)
{
	pid_t pid = child_fork();
	size_t got = 0;
	ssize_t n;

	if (!pid) {
		dup2(self->fd[1], STDIN_FILENO);
		dup2(self->fd[1], STDOUT_FILENO);
		execlp("sort", "sort", NULL);
		_exit(127);
	}
	close(self->fd[1]);
	EXPECT_EQ(6, st_put(self->fd[0], "b\na\nc\n", 6));
	EXPECT_EQ(0, mbox_shutdown(self->fd[0], SHUT_WR));
	EXPECT_EQ(-EPIPE, st_put(self->fd[0], "d\n", 2));
	while ((n = st_get(self->fd[0], self->buf + got, sizeof(self->buf) - got)) > 0)
		got += n;
	EXPECT_EQ(0, n);
	EXPECT_EQ(6, got);
	EXPECT_EQ(0, memcmp(self->buf, "a\nb\nc\n", 6));
	EXPECT_EQ(0, child_wait(pid));
	self->fd[1] = -1;
}

TEST_F(pair, an_end_that_goes_is_told)
{
	struct pollfd pfd = { .fd = self->fd[0], .events = POLLIN | POLLRDHUP };

	EXPECT_EQ(0, poll(&pfd, 1, 0));
	close(self->fd[1]);
	EXPECT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLIN | POLLRDHUP | POLLHUP, pfd.revents);
	EXPECT_EQ(0, st_get(self->fd[0], self->buf, 1));
	EXPECT_EQ(-EPIPE, st_put(self->fd[0], "x", 1));
	self->fd[1] = -1;
}

TEST_F(pair, flags)
{
	int fd[2];

	EXPECT_EQ(FD_CLOEXEC, fcntl(self->fd[0], F_GETFD));
	ASSERT_EQ(0, mbox_socketpair(fd, O_NONBLOCK));
	EXPECT_EQ(0, fcntl(fd[0], F_GETFD));
	EXPECT_EQ(0, fcntl(fd[1], F_GETFD));
	EXPECT_EQ(-EAGAIN, st_get(fd[0], self->buf, 1));
	close(fd[0]);
	close(fd[1]);
	EXPECT_EQ(-EINVAL, mbox_socketpair(fd, O_RDWR));
}

TEST_F(pair, what_is_none_cannot_be_shut_down)
{
	int fd[2];

	ASSERT_EQ(0, mbox_pipe(fd, 0));
	EXPECT_EQ(-ENOTTY, mbox_shutdown(fd[1], SHUT_WR));
	EXPECT_EQ(-EINVAL, mbox_shutdown(self->fd[0], 7));
	close(fd[0]);
	close(fd[1]);
	EXPECT_EQ(-EBADF, mbox_shutdown(fd[0], SHUT_WR));
}

TEST_F(pair, without_descriptors_nothing_is_left)
{
	struct rlimit limit;
	int fd[2] = { -7, -7 }, before = fds_open(), free_fds;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	for (free_fds = 0; free_fds < 4; free_fds++) {
		struct rlimit few = { before + free_fds, limit.rlim_max };

		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
		EXPECT_EQ(-EMFILE, mbox_socketpair(fd, 0));
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
		EXPECT_EQ(before, fds_open());
	}
	EXPECT_EQ(-7, fd[0]);
}

TEST_HARNESS_MAIN
