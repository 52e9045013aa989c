// SPDX-License-Identifier: GPL-2.0
/*
 * A program that passes descriptors and credentials over UNIX stream sockets and knows nothing of
 * mbox: what unix(7) and cmsg(3) promise.
 */
#define _GNU_SOURCE

#include "harness.h"
#include "plain.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define FDS	8
#define MANY	1000
#define SENDERS	3

/* What goes with one call: descriptors, and credentials if @has_cred. */
struct beside {
	int fds[FDS];
	int nr;
	struct ucred cred;
	bool has_cred;
	int flags;
};

static void put(struct msghdr *msg, struct cmsghdr *header, int type, const void *data, size_t len)
{
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = type;
	header->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(header), data, len);
	msg->msg_controllen += CMSG_SPACE(len);
}

static int send_beside(int fd, const void *data, size_t len, const struct beside *beside, int flags)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(beside->fds)) + CMSG_SPACE(sizeof(beside->cred))];
	} control = { 0 };
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control };
	size_t size = beside->nr * sizeof(*beside->fds);

	if (size)
		put(&msg, &control.align, SCM_RIGHTS, beside->fds, size);
	if (beside->has_cred)
		put(&msg, (struct cmsghdr *)(control.room + msg.msg_controllen), SCM_CREDENTIALS,
		    &beside->cred, sizeof(beside->cred));
	return error_of(sendmsg(fd, &msg, flags | MSG_NOSIGNAL));
}

static int send_fd(int fd, const char *text, int passed)
{
	struct beside beside = { .fds = { passed }, .nr = 1 };

	return send_beside(fd, text, strlen(text), &beside, 0);
}

static void look(struct beside *beside, struct msghdr *msg)
{
	struct cmsghdr *header;

	for (header = CMSG_FIRSTHDR(msg); header; header = CMSG_NXTHDR(msg, header)) {
		if (header->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&beside->cred, CMSG_DATA(header), sizeof(beside->cred));
			beside->has_cred = true;
		} else {
			beside->nr = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(beside->fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
		}
	}
}

/* With room for that many bytes beside. */
static int recv_room(int fd, void *buf, size_t size, struct beside *beside, size_t room, int flags)
{
	union {
		struct cmsghdr align;
		char room[512];
	} control = { 0 };
	struct iovec iov = { buf, size };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = room,
	};
	int ret = error_of(recvmsg(fd, &msg, flags));

	*beside = (struct beside) { 0 };
	if (ret < 0)
		return ret;
	beside->flags = msg.msg_flags;
	look(beside, &msg);
	return ret;
}

static int recv_beside(int fd, void *buf, size_t size, struct beside *beside)
{
	return recv_room(fd, buf, size, beside, 512, 0);
}

/* Return: the descriptor that came with exactly this text, or -1. */
static int recv_fd(int fd, const char *text)
{
	struct beside beside;
	char buf[64];
	int len = recv_beside(fd, buf, sizeof(buf), &beside);

	if (len != (int)strlen(text) || memcmp(buf, text, len) || beside.nr != 1)
		return -1;
	return beside.fds[0];
}

static int write_and_close(int fd, const char *text)
{
	ssize_t ret = write(fd, text, strlen(text));

	return close(fd) ? -1 : (int)ret;
}

/* The end has come, or will. */
static bool is_closed(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&poller, 1, 10000) == 1 && !read(fd, &byte, 1);
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = 0;

	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

/*
 * Two that are connected, as by a server and a client. Whether connect(2) waits says nothing of
 * what follows.
 */
static int meet(int ends[2])
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len = sizeof(addr);

	ends[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ends[1] = -1;
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr.sun_family)) ||
	    listen(listener, 1) || getsockname(listener, (struct sockaddr *)&addr, &len) ||
	    connect(ends[0], (struct sockaddr *)&addr, len))
		return -errno;
	ends[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	close(listener);
	fcntl(ends[0], F_SETFL, 0);
	fcntl(ends[1], F_SETFL, 0);
	return ends[1] < 0 ? -errno : 0;
}

FIXTURE(rights) {
	int a;
	int b;
	int pipe[2];
	int before;
};

FIXTURE_SETUP(rights)
{
	int ends[2];

	self->before = count_fds();
	ASSERT_EQ(0, meet(ends));
	self->a = ends[0];
	self->b = ends[1];
	ASSERT_EQ(0, pipe(self->pipe));
}

/* Each test closes what it got; nothing else is there at the end. */
FIXTURE_TEARDOWN(rights)
{
	close(self->a);
	close(self->b);
	close(self->pipe[0]);
	close(self->pipe[1]);
	EXPECT_EQ(self->before, count_fds());
}

static bool is_expected(int fd)
{
	const char *expected = getenv("RIGHTS_LINK");
	char path[64], link[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return expected && readlink(path, link, sizeof(link) - 1) > 0 &&
	       !strncmp(link, expected, strlen(expected));
}

TEST_F(rights, are_over_what_is_expected)
{
	EXPECT_TRUE(is_expected(self->a));
	EXPECT_TRUE(is_expected(self->b));
}

TEST_F(rights, a_pipe_is_passed_and_used)
{
	char buf[8] = "";
	int fd;

	EXPECT_EQ(1, send_fd(self->a, "x", self->pipe[1]));
	fd = recv_fd(self->b, "x");
	ASSERT_LE(0, fd);
	EXPECT_NE(self->pipe[1], fd);
	EXPECT_EQ(0, fcntl(fd, F_GETFD));
	close(self->pipe[1]);
	EXPECT_EQ(3, write_and_close(fd, "abc"));
	EXPECT_EQ(3, read(self->pipe[0], buf, sizeof(buf)));
	EXPECT_STREQ("abc", buf);
	EXPECT_TRUE(is_closed(self->pipe[0]));
}

TEST_F(rights, both_ways)
{
	int fd;

	EXPECT_EQ(1, send_fd(self->b, "x", self->pipe[1]));
	fd = recv_fd(self->a, "x");
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(1, send_fd(self->a, "y", self->pipe[1]));
	fd = recv_fd(self->b, "y");
	ASSERT_LE(0, fd);
	close(fd);
}

TEST_F(rights, several_in_their_order)
{
	struct beside sent = { .fds = { self->pipe[1], self->pipe[0], self->pipe[1] }, .nr = 3 };
	struct beside got;
	char buf[8] = "";

	EXPECT_EQ(5, send_beside(self->a, "three", 5, &sent, 0));
	EXPECT_EQ(5, recv_beside(self->b, buf, sizeof(buf), &got));
	ASSERT_EQ(3, got.nr);
	EXPECT_EQ(0, got.flags & MSG_CTRUNC);
	EXPECT_EQ(1, write_and_close(got.fds[0], "0"));
	EXPECT_EQ(1, write_and_close(got.fds[2], "2"));
	EXPECT_EQ(2, read(got.fds[1], buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp("02", buf, 2));
	close(got.fds[1]);
}

TEST_F(rights, closes_on_exec_as_asked)
{
	struct beside sent = { .fds = { self->pipe[1] }, .nr = 1 }, got;
	char byte;

	EXPECT_EQ(1, send_beside(self->a, "x", 1, &sent, 0));
	EXPECT_EQ(1, recv_room(self->b, &byte, 1, &got, 512, MSG_CMSG_CLOEXEC));
	ASSERT_EQ(1, got.nr);
	EXPECT_EQ(FD_CLOEXEC, fcntl(got.fds[0], F_GETFD));
	close(got.fds[0]);
}

/* The child waits for it first, and passes another one back. */
TEST_F(rights, to_a_child_and_back)
{
	char buf[8] = "";
	pid_t pid = fork();
	int fd;

	if (!pid) {
		fd = recv_fd(self->b, "use it");
		_exit(fd < 0 || write_and_close(fd, "child") != 5 ||
		      send_fd(self->b, "back", self->pipe[1]) != 4);
	}
	EXPECT_EQ(6, send_fd(self->a, "use it", self->pipe[1]));
	EXPECT_EQ(0, exit_of(pid));
	fd = recv_fd(self->a, "back");
	ASSERT_LE(0, fd);
	EXPECT_EQ(3, write_and_close(fd, "too"));
	EXPECT_EQ(8, read(self->pipe[0], buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp("childtoo", buf, 8));
}

TEST_F(rights, two_messages_stay_two)
{
	int one, two;

	EXPECT_EQ(3, send_fd(self->a, "one", self->pipe[0]));
	EXPECT_EQ(3, send_fd(self->a, "two", self->pipe[1]));
	one = recv_fd(self->b, "one");
	two = recv_fd(self->b, "two");
	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	EXPECT_EQ(1, write_and_close(two, "x"));
	EXPECT_TRUE(recv(self->b, &two, 1, MSG_DONTWAIT) < 0);
	close(one);
}

/* As in unix(7): what was sent before comes along, what was sent after does not. */
TEST_F(rights, they_are_a_barrier)
{
	struct beside got;
	char buf[20];

	EXPECT_EQ(4, send(self->a, "1234", 4, 0));
	EXPECT_EQ(1, send_fd(self->a, "x", self->pipe[1]));
	EXPECT_EQ(4, send(self->a, "5678", 4, 0));
	EXPECT_EQ(5, recv_beside(self->b, buf, sizeof(buf), &got));
	EXPECT_EQ(0, memcmp(buf, "1234x", 5));
	ASSERT_EQ(1, got.nr);
	close(got.fds[0]);
	EXPECT_EQ(4, recv_beside(self->b, buf, sizeof(buf), &got));
	EXPECT_EQ(0, memcmp(buf, "5678", 4));
	EXPECT_EQ(0, got.nr);
}

TEST_F(rights, never_before_their_first_byte)
{
	struct beside got;
	char buf[20];

	EXPECT_EQ(4, send(self->a, "1234", 4, 0));
	EXPECT_EQ(2, send_fd(self->a, "xy", self->pipe[1]));
	EXPECT_EQ(4, recv_beside(self->b, buf, 4, &got));
	EXPECT_EQ(0, got.nr);
	EXPECT_EQ(1, recv_beside(self->b, buf, 1, &got));
	ASSERT_EQ(1, got.nr);
	close(got.fds[0]);
	EXPECT_EQ(1, recv_beside(self->b, buf, sizeof(buf), &got));
	EXPECT_EQ(0, got.nr);
}

TEST_F(rights, waits_for_all_up_to_a_message)
{
	struct beside got;
	char buf[20];

	EXPECT_EQ(4, send(self->a, "1234", 4, 0));
	EXPECT_EQ(4, recv_room(self->b, buf, 4, &got, 512, MSG_WAITALL));
	EXPECT_EQ(1, send_fd(self->a, "x", self->pipe[1]));
	EXPECT_EQ(4, send(self->a, "5678", 4, 0));
	EXPECT_EQ(1, recv_room(self->b, buf, 5, &got, 512, MSG_WAITALL));
	ASSERT_EQ(1, got.nr);
	close(got.fds[0]);
	EXPECT_EQ(4, recv_room(self->b, buf, 4, &got, 512, MSG_WAITALL));
	EXPECT_EQ(0, memcmp(buf, "5678", 4));
}

TEST_F(rights, who_does_not_want_them_closes_them)
{
	struct beside got;
	char byte;

	EXPECT_EQ(1, send_fd(self->a, "x", self->pipe[1]));
	close(self->pipe[1]);
	EXPECT_EQ(1, recv_room(self->b, &byte, 1, &got, 0, 0));
	EXPECT_EQ('x', byte);
	EXPECT_EQ(MSG_CTRUNC, got.flags & MSG_CTRUNC);
	EXPECT_EQ(0, got.nr);
	EXPECT_TRUE(is_closed(self->pipe[0]));
}

/* Only that which came with what is received. */
TEST_F(rights, what_was_read_is_over)
{
	char byte;
	int fd;

	EXPECT_EQ(1, send_fd(self->a, "r", self->pipe[1]));
	EXPECT_EQ(1, read(self->b, &byte, 1));
	EXPECT_EQ(1, send_fd(self->a, "v", self->pipe[1]));
	EXPECT_EQ(1, recv(self->b, &byte, 1, 0));
	close(self->pipe[1]);
	EXPECT_EQ(1, send_fd(self->a, "m", self->pipe[0]));
	fd = recv_fd(self->b, "m");
	ASSERT_LE(0, fd);
	EXPECT_EQ(O_RDONLY, fcntl(fd, F_GETFL) & O_ACCMODE);
	EXPECT_TRUE(is_closed(fd));
	close(fd);
}

TEST_F(rights, those_without_room_are_closed)
{
	struct beside sent = { .fds = { self->pipe[0], self->pipe[1], self->pipe[1] }, .nr = 3 };
	struct beside got;
	char byte;

	EXPECT_EQ(1, send_beside(self->a, "x", 1, &sent, 0));
	close(self->pipe[1]);
	EXPECT_EQ(1, recv_room(self->b, &byte, 1, &got, CMSG_LEN(sizeof(int)), 0));
	EXPECT_EQ(MSG_CTRUNC, got.flags & MSG_CTRUNC);
	ASSERT_EQ(1, got.nr);
	EXPECT_TRUE(is_closed(got.fds[0]));
	close(got.fds[0]);
}

TEST_F(rights, a_bad_one_sends_nothing)
{
	struct beside bad = { .fds = { self->pipe[0], -1 }, .nr = 2 };
	char byte;

	EXPECT_EQ(-EBADF, send_beside(self->a, "x", 1, &bad, 0));
	EXPECT_EQ(-EBADF, send_beside(self->a, "", 0, &bad, 0));
	EXPECT_EQ(-EAGAIN, error_of(recv(self->b, &byte, 1, MSG_DONTWAIT)));
	bad.nr = 1;
	EXPECT_EQ(0, send_beside(self->a, "", 0, &bad, 0));
	EXPECT_EQ(-EAGAIN, error_of(recv(self->b, &byte, 1, MSG_DONTWAIT)));
}

TEST_F(rights, bad_bytes_pass_nothing)
{
	void *hole = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct beside sent = { .fds = { self->pipe[1] }, .nr = 1 }, got;
	char byte;

	EXPECT_EQ(-EFAULT, send_beside(self->a, hole, 9, &sent, 0));
	close(self->pipe[1]);
	EXPECT_EQ(1, send(self->a, "x", 1, 0));
	EXPECT_EQ(1, recv_beside(self->b, &byte, 1, &got));
	EXPECT_EQ(0, got.nr);
	EXPECT_TRUE(is_closed(self->pipe[0]));
	munmap(hole, 4096);
}

static void fill(int fd)
{
	static char buf[4096];

	while (send(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

TEST_F(rights, full_passes_nothing)
{
	struct beside sent = { .fds = { self->pipe[1] }, .nr = 1 }, got;
	char buf[8192];

	fill(self->a);
	EXPECT_EQ(-EAGAIN, send_beside(self->a, "x", 1, &sent, MSG_DONTWAIT));
	EXPECT_EQ(0, fcntl(self->a, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, send_beside(self->a, "x", 1, &sent, 0));
	close(self->pipe[1]);
	EXPECT_TRUE(is_closed(self->pipe[0]));
	while (recv_room(self->b, buf, sizeof(buf), &got, 512, MSG_DONTWAIT) > 0)
		EXPECT_EQ(0, got.nr);
	EXPECT_EQ(1, send_fd(self->a, "y", self->pipe[0]));
	EXPECT_EQ(1, recv_beside(self->b, buf, sizeof(buf), &got));
	ASSERT_EQ(1, got.nr);
	close(got.fds[0]);
}

/* A message that was cut short ends where the next one begins. */
TEST_F(rights, what_was_sent_of_a_message_has_them)
{
	static char buf[1 << 20];
	struct beside sent = { .fds = { self->pipe[1] }, .nr = 1 }, got;
	int nr = 0, ret;

	fill(self->a);
	EXPECT_EQ(32768, recv(self->b, buf, 32768, MSG_WAITALL));
	ret = send_beside(self->a, buf, sizeof(buf), &sent, MSG_DONTWAIT);
	EXPECT_LT(0, ret);
	EXPECT_GT(sizeof(buf), ret);
	while ((ret = send_beside(self->a, "x", 1, &sent, MSG_DONTWAIT)) == -EAGAIN)
		EXPECT_EQ(4096, recv(self->b, buf, 4096, MSG_WAITALL));
	EXPECT_EQ(1, ret);
	EXPECT_EQ(0, shutdown(self->a, SHUT_WR));
	while (recv_beside(self->b, buf, sizeof(buf), &got) > 0) {
		EXPECT_GE(1, got.nr);
		if (got.nr)
			close(got.fds[0]);
		nr += got.nr;
	}
	EXPECT_EQ(2, nr);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int signo)
{
	(void)signo;
	alarms++;
}

TEST_F(rights, an_interrupted_send_passes_nothing)
{
	struct sigaction action = { .sa_handler = count_alarm };
	struct itimerval soon = { .it_value.tv_usec = 50000, .it_interval.tv_usec = 50000 };
	struct itimerval never = { 0 };
	struct beside sent = { .fds = { self->pipe[1] }, .nr = 1 }, got;
	char buf[8192];

	fill(self->a);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	EXPECT_EQ(-EINTR, send_beside(self->a, "x", 1, &sent, 0));
	setitimer(ITIMER_REAL, &never, NULL);
	close(self->pipe[1]);
	while (recv_room(self->b, buf, sizeof(buf), &got, 512, MSG_DONTWAIT) > 0)
		EXPECT_EQ(0, got.nr);
	EXPECT_EQ(1, send(self->a, "y", 1, 0));
	EXPECT_EQ(1, recv_beside(self->b, buf, sizeof(buf), &got));
	EXPECT_EQ(0, got.nr);
	EXPECT_TRUE(is_closed(self->pipe[0]));
}

static void *send_many(void *arg)
{
	FIXTURE_DATA(rights) *self = arg;
	int i;

	for (i = 0; i < MANY; i++)
		if (send_fd(self->a, "x", self->pipe[1]) != 1)
			break;
	return NULL;
}

/* More than the kernel keeps for one who does not receive yet. */
TEST_F_TIMEOUT(rights, many_wait_for_the_receiver, 120)
{
	pthread_t thread;
	int i, fd;

	ASSERT_EQ(0, pthread_create(&thread, NULL, send_many, self));
	usleep(100000);
	for (i = 0; i < MANY; i++) {
		fd = recv_fd(self->b, "x");
		if (fd < 0)
			break;
		close(fd);
	}
	EXPECT_EQ(MANY, i);
	pthread_join(thread, NULL);
}

/* Who sends at once each has its message, and no descriptor is lost. */
TEST_F_TIMEOUT(rights, several_send_at_once, 120)
{
	pthread_t threads[SENDERS];
	int i, fd;

	for (i = 0; i < SENDERS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, send_many, self));
	for (i = 0; i < SENDERS * MANY; i++) {
		fd = recv_fd(self->b, "x");
		if (fd < 0)
			break;
		close(fd);
	}
	EXPECT_EQ(SENDERS * MANY, i);
	for (i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
}

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) ? -errno : value;
}

static bool is_self(const struct beside *beside)
{
	return beside->has_cred && beside->cred.pid == getpid() && beside->cred.uid == getuid() &&
	       beside->cred.gid == getgid();
}

TEST_F(rights, tells_who_sent)
{
	struct beside sent = { .fds = { self->pipe[1] }, .nr = 1 }, got;
	int on = 1;
	char byte;

	EXPECT_EQ(0, option(self->b, SO_PASSCRED));
	ASSERT_EQ(0, setsockopt(self->b, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	EXPECT_EQ(1, option(self->b, SO_PASSCRED));
	EXPECT_EQ(0, option(self->a, SO_PASSCRED));
	EXPECT_EQ(1, send(self->a, "x", 1, 0));
	EXPECT_EQ(1, recv_beside(self->b, &byte, 1, &got));
	EXPECT_TRUE(is_self(&got));
	EXPECT_EQ(1, send_beside(self->a, "x", 1, &sent, 0));
	EXPECT_EQ(1, recv_beside(self->b, &byte, 1, &got));
	EXPECT_TRUE(is_self(&got));
	ASSERT_EQ(1, got.nr);
	close(got.fds[0]);
	EXPECT_EQ(1, send(self->a, "x", 1, 0));
	EXPECT_EQ(1, recv_room(self->b, &byte, 1, &got, 0, 0));
	EXPECT_EQ(MSG_CTRUNC, got.flags & MSG_CTRUNC);
	on = 0;
	ASSERT_EQ(0, setsockopt(self->b, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	EXPECT_EQ(1, send(self->a, "x", 1, 0));
	EXPECT_EQ(1, recv_beside(self->b, &byte, 1, &got));
	EXPECT_FALSE(got.has_cred);
}

TEST_F(rights, credentials_are_what_the_sender_says)
{
	struct beside sent = { .cred = { getppid(), OTHER, OTHER }, .has_cred = true }, got;
	int on = 1, expected = getuid() ? -EPERM : 1;
	char byte;

	ASSERT_EQ(0, setsockopt(self->b, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	EXPECT_EQ(expected, send_beside(self->a, "x", 1, &sent, 0));
	if (expected == 1) {
		EXPECT_EQ(1, recv_beside(self->b, &byte, 1, &got));
		EXPECT_TRUE(got.has_cred);
		EXPECT_EQ(getppid(), got.cred.pid);
		EXPECT_EQ(OTHER, got.cred.uid);
		EXPECT_EQ(OTHER, got.cred.gid);
	}
	sent.cred = (struct ucred) { getpid(), getuid(), getgid() };
	EXPECT_EQ(1, send_beside(self->a, "y", 1, &sent, 0));
	EXPECT_EQ(1, recv_beside(self->b, &byte, 1, &got));
	EXPECT_EQ('y', byte);
	EXPECT_TRUE(is_self(&got));
}

TEST_F(rights, nobody_says_he_is_another)
{
	struct beside sent = { .cred = { getpid(), 0, 0 }, .has_cred = true };
	char byte;
	pid_t pid;

	if (getuid())
		SKIP(return, "takes root");
	pid = fork();
	if (!pid) {
		sent.cred.pid = getpid();
		if (setresgid(OTHER, OTHER, OTHER) || setresuid(OTHER, OTHER, OTHER))
			_exit(1);
		_exit(send_beside(self->a, "x", 1, &sent, 0) == -EPERM ? 0 : 2);
	}
	EXPECT_EQ(0, exit_of(pid));
	EXPECT_EQ(-EAGAIN, error_of(recv(self->b, &byte, 1, MSG_DONTWAIT)));
}

TEST_F(rights, a_socket_is_passed)
{
	int pair[2], fd;
	char buf[8];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	EXPECT_EQ(1, send_fd(self->a, "s", pair[1]));
	fd = recv_fd(self->b, "s");
	ASSERT_LE(0, fd);
	close(pair[1]);
	EXPECT_EQ(2, send(pair[0], "hi", 2, 0));
	EXPECT_EQ(2, recv(fd, buf, sizeof(buf), 0));
	close(fd);
	EXPECT_EQ(0, recv(pair[0], buf, 1, 0));
	close(pair[0]);
}

TEST_F(rights, a_connection_is_passed)
{
	int ends[2], fd;
	char buf[8];

	ASSERT_EQ(0, meet(ends));
	EXPECT_EQ(1, send_fd(self->a, "c", ends[1]));
	fd = recv_fd(self->b, "c");
	ASSERT_LE(0, fd);
	close(ends[1]);
	EXPECT_EQ(2, send(ends[0], "hi", 2, 0));
	EXPECT_EQ(2, recv(fd, buf, sizeof(buf), 0));
	EXPECT_EQ(3, send(fd, "you", 3, 0));
	EXPECT_EQ(3, recv(ends[0], buf, sizeof(buf), 0));
	close(fd);
	EXPECT_EQ(0, recv(ends[0], buf, 1, 0));
	close(ends[0]);
}

TEST_F(rights, another_descriptor_of_it_goes_on)
{
	int other = dup(self->a), third = dup(self->b), fd;

	close(self->a);
	close(self->b);
	EXPECT_EQ(1, send_fd(other, "d", self->pipe[1]));
	fd = recv_fd(third, "d");
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(self->pipe[0], dup2(other, self->pipe[0]));
	close(other);
	EXPECT_EQ(1, send_fd(self->pipe[0], "e", self->pipe[1]));
	fd = recv_fd(third, "e");
	ASSERT_LE(0, fd);
	close(fd);
	close(third);
}

TEST_F(rights, no_descriptor_is_left)
{
	int ends[2], fd, i;
	pid_t pid;

	for (i = 0; i < 300; i++) {
		ASSERT_EQ(0, meet(ends));
		EXPECT_EQ(1, send_fd(ends[0], "x", self->pipe[1]));
		if (i % 3 == 1) {
			fd = recv_fd(ends[1], "x");
			ASSERT_LE(0, fd);
			close(fd);
		}
		if (i % 99 == 2) {
			pid = fork();
			if (!pid)
				_exit(recv_fd(ends[1], "x") < 0);
			EXPECT_EQ(0, exit_of(pid));
		}
		if (i % 5 == 3) {
			close_range(ends[0] < ends[1] ? ends[0] : ends[1],
				    ends[0] < ends[1] ? ends[1] : ends[0], 0);
		} else {
			close(ends[0]);
			close(ends[1]);
		}
	}
	close(self->pipe[1]);
	EXPECT_TRUE(is_closed(self->pipe[0]));
}

TEST_F(rights, peer_is_killed)
{
	pid_t pid = fork();

	if (!pid) {
		close(self->pipe[1]);
		close(self->a);
		for (;;)
			pause();
	}
	close(self->b);
	EXPECT_EQ(1, send_fd(self->a, "x", self->pipe[1]));
	EXPECT_EQ(1, send_fd(self->a, "y", self->pipe[1]));
	close(self->pipe[1]);
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, exit_of(pid));
	EXPECT_TRUE(is_closed(self->pipe[0]));
	EXPECT_EQ(-EPIPE, send_fd(self->a, "z", self->pipe[0]));
}

TEST_F(rights, half_closed)
{
	int fd;

	EXPECT_EQ(1, send_fd(self->a, "x", self->pipe[1]));
	EXPECT_EQ(0, shutdown(self->a, SHUT_WR));
	EXPECT_EQ(-EPIPE, send_fd(self->a, "y", self->pipe[1]));
	fd = recv_fd(self->b, "x");
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(1, send_fd(self->b, "z", self->pipe[1]));
	fd = recv_fd(self->a, "z");
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(0, recv(self->b, &fd, 1, 0));
	close(self->pipe[1]);
	EXPECT_TRUE(is_closed(self->pipe[0]));
}

/* Another program does not know of what is beside a connection, and has all of a socket. */
TEST_F(rights, to_another_program)
{
	struct stat file;
	char byte;
	pid_t pid = fork();

	if (!pid) {
		dup2(self->b, 0);
		fcntl(self->pipe[1], F_SETFD, FD_CLOEXEC);
		close(self->a);
		execl("/bin/sh", "sh", "-c", "read line; echo >&0", NULL);
		_exit(127);
	}
	close(self->b);
	close(self->pipe[1]);
	EXPECT_TRUE(is_closed(self->pipe[0]));
	ASSERT_EQ(0, fstat(self->a, &file));
	EXPECT_EQ(S_ISSOCK(file.st_mode) ? 1 : -EOPNOTSUPP,
		  send_fd(self->a, "x", self->pipe[0]));
	EXPECT_EQ(1, send(self->a, "\n", 1, 0));
	EXPECT_EQ(1, recv(self->a, &byte, 1, 0));
	EXPECT_EQ(0, exit_of(pid));
}

TEST_HARNESS_MAIN
