// SPDX-License-Identifier: GPL-2.0
/*
 * A program that knows stream sockets and nothing of mbox: what tcp(7), unix(7) and the pages of
 * each call promise. The server is this program too, run by the words in SOCKETS_SERVER, so that
 * preload.sh can choose for each end whether it is on mailboxes.
 */
#define _GNU_SOURCE

#include "harness.h"
#include "plain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENTS		48
#define LARGE		(6 << 20)
#define PEER		"peer "

struct address {
	socklen_t len;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
};

/* KIND is 4, 6, a path or @ and an abstract name; a port of 0 is any. */
static void make_address(struct address *addr, const char *kind, int port)
{
	memset(addr, 0, sizeof(*addr));
	if (!strcmp(kind, "4")) {
		addr->len = sizeof(addr->in);
		addr->in.sin_family = AF_INET;
		addr->in.sin_port = htons(port);
		addr->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else if (!strcmp(kind, "6")) {
		addr->len = sizeof(addr->in6);
		addr->in6.sin6_family = AF_INET6;
		addr->in6.sin6_port = htons(port);
		addr->in6.sin6_addr = in6addr_loopback;
	} else {
		addr->un.sun_family = AF_UNIX;
		strcpy(addr->un.sun_path, kind);
		addr->len = offsetof(struct sockaddr_un, sun_path) + strlen(kind);
		if (*kind == '@')
			addr->un.sun_path[0] = 0;
	}
}

static void describe(const struct address *addr, char *text, size_t room)
{
	char host[INET6_ADDRSTRLEN];

	if (addr->any.sa_family == AF_INET)
		snprintf(text, room, "4 %s %d", inet_ntop(AF_INET, &addr->in.sin_addr, host,
							  sizeof(host)), ntohs(addr->in.sin_port));
	else if (addr->any.sa_family == AF_INET6)
		snprintf(text, room, "6 %s %d", inet_ntop(AF_INET6, &addr->in6.sin6_addr, host,
							  sizeof(host)), ntohs(addr->in6.sin6_port));
	else if (addr->len <= sizeof(addr->any.sa_family))
		snprintf(text, room, "unnamed");
	else
		snprintf(text, room, "%c%s", *addr->un.sun_path ? *addr->un.sun_path : '@',
			 addr->un.sun_path + 1);
}

static void describe_self(int fd, char *text, size_t room)
{
	struct address addr = { .len = sizeof(addr.un) };

	memset(&addr.un, 0, sizeof(addr.un));
	if (getsockname(fd, &addr.any, &addr.len))
		snprintf(text, room, "%m");
	else
		describe(&addr, text, room);
}

static void describe_peer(int fd, char *text, size_t room)
{
	struct address addr = { .len = sizeof(addr.un) };

	memset(&addr.un, 0, sizeof(addr.un));
	if (getpeername(fd, &addr.any, &addr.len))
		snprintf(text, room, "%m");
	else
		describe(&addr, text, room);
}

static void link_of(int fd, char *link, size_t room)
{
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, link, room - 1);
	link[len < 0 ? 0 : len] = 0;
}

/* What it is asked for is the first byte. */
static void serve_one(int fd, const struct address *from)
{
	char buf[65536], peer[128], self[128], link[128], accepted[128];
	long total = 0;
	ssize_t len;
	char what;

	if (recv(fd, &what, 1, 0) != 1 || what == 'c')
		return;
	if (what == 'n') {
		describe(from, accepted, sizeof(accepted));
		describe_peer(fd, peer, sizeof(peer));
		describe_self(fd, self, sizeof(self));
		link_of(fd, link, sizeof(link));
		dprintf(fd, "%s;%s;%s;%s", accepted, peer, self, link);
		return;
	}
	while ((len = recv(fd, buf, sizeof(buf), 0)) > 0) {
		total += len;
		if (what == 'e' && send(fd, buf, len, MSG_NOSIGNAL) != len)
			return;
	}
	if (what == 'l')
		dprintf(fd, "%ld", total);
}

/* As daemons do. */
static void close_others(int keep)
{
	int fd;

	for (fd = 3; fd < 1024; fd++)
		if (fd != keep)
			close(fd);
	close_range(keep + 1, ~0U, 0);
}

static int serve(const char *kind, int port)
{
	struct address addr;
	int fd, conn, on = 1;

	make_address(&addr, kind, port);
	fd = socket(addr.any.sa_family, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &addr.any, addr.len) || listen(fd, CLIENTS))
		return 1;
	close_others(fd);
	signal(SIGCHLD, SIG_IGN);
	addr.len = sizeof(addr.un);
	getsockname(fd, &addr.any, &addr.len);
	printf("%d\n", addr.any.sa_family == AF_UNIX ? 0 : ntohs(addr.in.sin_port));
	fflush(stdout);
	for (;;) {
		memset(&addr.un, 0, sizeof(addr.un));
		addr.len = sizeof(addr.un);
		conn = accept(fd, &addr.any, &addr.len);
		if (conn < 0)
			return 1;
		if (!fork()) {
			close(fd);
			serve_one(conn, &addr);
			_exit(0);
		}
		close(conn);
	}
}

FIXTURE(sockets) {
	struct address server;
	char kind[64];
	pid_t pid;
	int fd;
};

FIXTURE_VARIANT(sockets) {
	const char *kind;
};

FIXTURE_VARIANT_ADD(sockets, tcp4) { .kind = "4" };
FIXTURE_VARIANT_ADD(sockets, tcp6) { .kind = "6" };
FIXTURE_VARIANT_ADD(sockets, path) { .kind = "/tmp/sockets." };
FIXTURE_VARIANT_ADD(sockets, abstract) { .kind = "@sockets/%." };

static pid_t start_server(const char *kind, int *port)
{
	const char *words = getenv("SOCKETS_SERVER");
	char command[512], self[256], text[16] = "";
	int out[2];
	pid_t pid;

	link_of(open("/proc/self/exe", O_PATH | O_CLOEXEC), self, sizeof(self));
	snprintf(command, sizeof(command), "exec %s %s serve '%s' 0", words ? words : "env", self,
		 kind);
	if (pipe2(out, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(out[1], 1);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	close(out[1]);
	*port = read(out[0], text, sizeof(text) - 1) > 0 ? atoi(text) : -1;
	close(out[0]);
	return pid;
}

static bool is_known(int family)
{
	int fd = socket(family, SOCK_STREAM, 0);

	close(fd);
	return fd >= 0;
}

FIXTURE_SETUP(sockets)
{
	int port;

	if (*variant->kind == '6' && !is_known(AF_INET6))
		SKIP(return, "this kernel has no IPv6");
	snprintf(self->kind, sizeof(self->kind), "%s", variant->kind);
	if (strlen(variant->kind) > 1)
		snprintf(self->kind, sizeof(self->kind), "%s%d", variant->kind, getpid());
	self->pid = start_server(self->kind, &port);
	ASSERT_LT(0, self->pid);
	ASSERT_LE(0, port);
	make_address(&self->server, self->kind, port);
	self->fd = socket(self->server.any.sa_family, SOCK_STREAM, 0);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(sockets)
{
	close(self->fd);
	kill(self->pid, SIGTERM);
	waitpid(self->pid, NULL, 0);
	if (*self->kind == '/')
		unlink(self->kind);
}

static int meet(int fd, const struct address *server, const char *what)
{
	int ret = error_of(connect(fd, &server->any, server->len));

	return ret ? ret : error_of(send(fd, what, strlen(what), 0));
}

/* To the end, or until it is full. */
static ssize_t read_whole(int fd, char *buf, size_t size)
{
	size_t done = 0;
	ssize_t ret;

	while (done < size && (ret = read(fd, buf + done, size - done)) > 0)
		done += ret;
	return done;
}

static int await(int fd, int events, int timeout)
{
	struct pollfd poller = { .fd = fd, .events = events };

	return poll(&poller, 1, timeout) == 1 ? poller.revents : 0;
}

/* Each end is what it is run as. */
TEST_F(sockets, is_what_is_expected)
{
	const char *expected = getenv("SOCKETS_LINK");
	char text[1024] = "", link[128], *last;

	ASSERT_NE(NULL, expected);
	ASSERT_EQ(1, meet(self->fd, &self->server, "n"));
	ASSERT_LT(0, read_whole(self->fd, text, sizeof(text) - 1));
	link_of(self->fd, link, sizeof(link));
	EXPECT_EQ(0, strncmp(link, expected, strlen(expected)))
		TH_LOG("%s", link);
	last = strrchr(text, ';');
	ASSERT_NE(NULL, last);
	EXPECT_EQ(0, strncmp(last + 1, expected, strlen(expected)))
		TH_LOG("%s", text);
}

TEST_F(sockets, names)
{
	char text[1024] = "", mine[128], server[128], expected[512];

	describe(&self->server, server, sizeof(server));
	ASSERT_EQ(1, meet(self->fd, &self->server, "n"));
	describe_peer(self->fd, text, sizeof(text));
	EXPECT_STREQ(server, text);
	describe_self(self->fd, mine, sizeof(mine));
	memset(text, 0, sizeof(text));
	ASSERT_LT(0, read_whole(self->fd, text, sizeof(text) - 1));
	if (self->server.any.sa_family == AF_UNIX)
		EXPECT_STREQ("unnamed", mine);
	*strrchr(text, ';') = 0;
	snprintf(expected, sizeof(expected), "%s;%s;%s", mine, mine, server);
	EXPECT_STREQ(expected, text);
}

TEST_F(sockets, every_call)
{
	char buf[32] = "", other[32] = "";
	struct iovec parts[] = { { "ab", 2 }, { "cd", 2 } }, into[] = { { buf, 3 }, { other, 3 } };
	struct mmsghdr both[2] = {
		{ .msg_hdr = { .msg_iov = parts, .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = parts + 1, .msg_iovlen = 1 } },
	};
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);

	ASSERT_EQ(1, meet(self->fd, &self->server, "e"));
	EXPECT_EQ(4, sendmsg(self->fd, &msg, MSG_NOSIGNAL));
	EXPECT_EQ(4, recv(self->fd, buf, 4, MSG_WAITALL));
	EXPECT_STREQ("abcd", buf);
	EXPECT_EQ(5, sendto(self->fd, "12345", 5, 0, NULL, 0));
	memset(buf, 0, sizeof(buf));
	msg.msg_iov = into;
	EXPECT_EQ(5, recvmsg(self->fd, &msg, MSG_WAITALL & 0));
	EXPECT_STREQ("123", buf);
	EXPECT_STREQ("45", other);
	EXPECT_EQ(2, sendmmsg(self->fd, both, 2, 0));
	EXPECT_EQ(2, both[1].msg_len);
	EXPECT_EQ(4, read_whole(self->fd, buf, 4));
	EXPECT_STREQ("abcd", buf);
	EXPECT_EQ(2, writev(self->fd, parts, 1));
	EXPECT_EQ(2, recvfrom(self->fd, buf, 2, 0, (struct sockaddr *)&from, &len));
	both[0].msg_hdr.msg_iov = into;
	EXPECT_EQ(1, write(self->fd, "w", 1));
	EXPECT_EQ(1, recvmmsg(self->fd, both, 1, 0, NULL));
	EXPECT_EQ('w', buf[0]);
	EXPECT_EQ(1, both[0].msg_len);
}

TEST_F(sockets, does_not_wait)
{
	char buf[8];
	int unread = -1;

	ASSERT_EQ(1, meet(self->fd, &self->server, "e"));
	EXPECT_EQ(-EAGAIN, error_of(recv(self->fd, buf, 1, MSG_DONTWAIT)));
	EXPECT_EQ(-EAGAIN, error_of(recv(self->fd, buf, 1, MSG_DONTWAIT | MSG_PEEK)));
	EXPECT_EQ(1, send(self->fd, "x", 1, MSG_DONTWAIT));
	EXPECT_EQ(POLLIN, await(self->fd, POLLIN, 10000));
	EXPECT_EQ(0, ioctl(self->fd, FIONREAD, &unread));
	EXPECT_EQ(1, unread);
	EXPECT_EQ(1, recv(self->fd, buf, sizeof(buf), MSG_DONTWAIT));
	EXPECT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, error_of(recv(self->fd, buf, 1, 0)));
	EXPECT_EQ(-EAGAIN, error_of(read(self->fd, buf, 1)));
	EXPECT_EQ(-EAGAIN, error_of(recv(self->fd, buf, 1, MSG_WAITALL)));
}

TEST_F(sockets, looks_at_what_is_there)
{
	char buf[8] = "";
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	ASSERT_EQ(1, meet(self->fd, &self->server, "e"));
	EXPECT_EQ(1, send(self->fd, "x", 1, 0));
	EXPECT_EQ(1, recv(self->fd, buf, sizeof(buf), MSG_PEEK));
	EXPECT_EQ('x', buf[0]);
	buf[0] = 0;
	EXPECT_EQ(1, recvmsg(self->fd, &msg, MSG_PEEK | MSG_DONTWAIT));
	EXPECT_EQ('x', buf[0]);
	EXPECT_EQ(1, recv(self->fd, buf, sizeof(buf), 0));
	EXPECT_EQ(-EAGAIN, error_of(recv(self->fd, buf, 1, MSG_PEEK | MSG_DONTWAIT)));
}

TEST_F(sockets, connects_without_waiting)
{
	int error = -1;
	socklen_t len = sizeof(error);
	char byte;
	int ret;

	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	fcntl(self->fd, F_SETFD, FD_CLOEXEC);
	ret = error_of(connect(self->fd, &self->server.any, self->server.len));
	EXPECT_TRUE(!ret || ret == -EINPROGRESS);
	EXPECT_EQ(POLLOUT, await(self->fd, POLLOUT, 10000));
	EXPECT_EQ(0, getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &error, &len));
	EXPECT_EQ(0, error);
	EXPECT_TRUE(fcntl(self->fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->fd, F_GETFD));
	EXPECT_EQ(2, send(self->fd, "ex", 2, 0));
	EXPECT_EQ(POLLIN, await(self->fd, POLLIN, 10000));
	EXPECT_EQ(1, recv(self->fd, &byte, 1, 0));
	EXPECT_EQ('x', byte);
}

TEST_F(sockets, closes_one_half)
{
	char text[16] = "";

	ASSERT_EQ(6, meet(self->fd, &self->server, "l12345"));
	EXPECT_EQ(0, await(self->fd, POLLIN, 50));
	EXPECT_EQ(0, shutdown(self->fd, SHUT_WR));
	EXPECT_EQ(-EPIPE, error_of(send(self->fd, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(1, read_whole(self->fd, text, sizeof(text)));
	EXPECT_STREQ("5", text);
	EXPECT_EQ(0, recv(self->fd, text, 1, 0));
	EXPECT_EQ(0, recv(self->fd, text, 1, MSG_PEEK));
	EXPECT_EQ(-EINVAL, error_of(shutdown(self->fd, 7)));
}

static volatile sig_atomic_t pipes;

static void count_pipe(int signo)
{
	(void)signo;
	pipes++;
}

TEST_F(sockets, peer_is_gone)
{
	struct pollfd poller = { .fd = self->fd, .events = POLLIN | POLLRDHUP };
	char byte;
	int i, ret = 0;

	signal(SIGPIPE, count_pipe);
	ASSERT_EQ(1, meet(self->fd, &self->server, "c"));
	ASSERT_EQ(1, poll(&poller, 1, 10000));
	EXPECT_TRUE(poller.revents & POLLRDHUP);
	EXPECT_EQ(0, recv(self->fd, &byte, 1, 0));
	for (i = 0; i < 20000 && ret != -EPIPE; i++) {
		ret = error_of(send(self->fd, "x", 1, MSG_NOSIGNAL));
		usleep(1000);
	}
	EXPECT_EQ(-EPIPE, ret);
	EXPECT_EQ(0, pipes);
	EXPECT_EQ(-EPIPE, error_of(send(self->fd, "x", 1, 0)));
	EXPECT_EQ(1, pipes);
	EXPECT_EQ(-EPIPE, error_of(write(self->fd, "x", 1)));
	EXPECT_EQ(2, pipes);
}

TEST_F(sockets, peer_is_gone_with_bytes_unread)
{
	char byte;

	ASSERT_EQ(6, meet(self->fd, &self->server, "c12345"));
	EXPECT_EQ(POLLIN, await(self->fd, POLLIN, 10000) & POLLIN);
	EXPECT_EQ(-ECONNRESET, error_of(recv(self->fd, &byte, 1, 0)));
	EXPECT_EQ(0, recv(self->fd, &byte, 1, 0));
}

TEST_F(sockets, epoll)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT }, got;
	int epoll = epoll_create1(0);

	ASSERT_EQ(1, meet(self->fd, &self->server, "e"));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->fd, &event));
	EXPECT_EQ(1, epoll_wait(epoll, &got, 1, 10000));
	EXPECT_EQ(EPOLLOUT, got.events);
	event.events = EPOLLIN;
	EXPECT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_MOD, self->fd, &event));
	EXPECT_EQ(0, epoll_wait(epoll, &got, 1, 20));
	EXPECT_EQ(1, send(self->fd, "x", 1, 0));
	EXPECT_EQ(1, epoll_wait(epoll, &got, 1, 10000));
	EXPECT_EQ(EPOLLIN, got.events);
	close(epoll);
}

/* The registration is of what the number stood for then. */
TEST_F(sockets, epoll_before_connect)
{
	struct epoll_event event = { .events = EPOLLIN }, got;
	int epoll = epoll_create1(0);
	char byte = 0;

	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->fd, &event));
	ASSERT_EQ(2, meet(self->fd, &self->server, "ex"));
	do {
		ASSERT_EQ(1, epoll_wait(epoll, &got, 1, 10000));
	} while (!(got.events & EPOLLIN));
	EXPECT_EQ(1, recv(self->fd, &byte, 1, 0));
	EXPECT_EQ('x', byte);
	close(epoll);
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, name, &value, &len) ? -errno : value;
}

TEST_F(sockets, options)
{
	int domain = self->server.any.sa_family, on = 1;
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);

	ASSERT_EQ(1, meet(self->fd, &self->server, "e"));
	EXPECT_EQ(SOCK_STREAM, option(self->fd, SOL_SOCKET, SO_TYPE));
	EXPECT_EQ(domain, option(self->fd, SOL_SOCKET, SO_DOMAIN));
	EXPECT_EQ(domain == AF_UNIX ? 0 : IPPROTO_TCP, option(self->fd, SOL_SOCKET, SO_PROTOCOL));
	EXPECT_EQ(0, option(self->fd, SOL_SOCKET, SO_ACCEPTCONN));
	EXPECT_EQ(0, option(self->fd, SOL_SOCKET, SO_ERROR));
	EXPECT_LT(0, option(self->fd, SOL_SOCKET, SO_SNDBUF));
	EXPECT_EQ(-ENOPROTOOPT, option(self->fd, SOL_SOCKET, 9999));
	EXPECT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)));
	EXPECT_EQ(1, option(self->fd, SOL_SOCKET, SO_KEEPALIVE));
	if (domain == AF_UNIX) {
		EXPECT_EQ(0, getsockopt(self->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len));
		EXPECT_EQ(self->pid, cred.pid);
		EXPECT_EQ(getuid(), cred.uid);
	} else {
		EXPECT_EQ(0, setsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
		EXPECT_EQ(1, option(self->fd, IPPROTO_TCP, TCP_NODELAY));
	}
}

TEST_F(sockets, timeout)
{
	struct timeval time = { .tv_usec = 30000 };
	char byte;

	ASSERT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
	ASSERT_EQ(1, meet(self->fd, &self->server, "e"));
	EXPECT_EQ(-EAGAIN, error_of(read(self->fd, &byte, 1)));
}

TEST_F(sockets, errors)
{
	int pipes_[2], fd;
	char byte;

	EXPECT_EQ(-ENOTCONN, error_of(recv(self->fd, &byte, 1, 0)) == -EINVAL ? -ENOTCONN :
			     error_of(recv(self->fd, &byte, 1, 0)));
	ASSERT_EQ(1, meet(self->fd, &self->server, "e"));
	EXPECT_EQ(-EISCONN, error_of(connect(self->fd, &self->server.any, self->server.len)));
	EXPECT_EQ(-EINVAL, error_of(accept(self->fd, NULL, NULL)));
	EXPECT_EQ(-EINVAL, error_of(listen(self->fd, 1)));
	ASSERT_EQ(0, pipe(pipes_));
	EXPECT_EQ(-ENOTSOCK, error_of(recv(pipes_[0], &byte, 1, 0)));
	EXPECT_EQ(-ENOTSOCK, error_of(send(pipes_[1], &byte, 1, 0)));
	EXPECT_EQ(-ENOTSOCK, error_of(shutdown(pipes_[1], SHUT_WR)));
	fd = dup(self->fd);
	EXPECT_EQ(0, close(self->fd));
	EXPECT_EQ(-EBADF, error_of(send(self->fd, "x", 1, 0)));
	EXPECT_EQ(self->fd, dup2(pipes_[0], self->fd));
	EXPECT_EQ(-ENOTSOCK, error_of(recv(self->fd, &byte, 1, 0)));
	EXPECT_EQ(1, send(fd, "x", 1, 0));
	EXPECT_EQ(1, recv(fd, &byte, 1, 0));
	close(fd);
}

/* Other descriptors and processes have the connection too. */
TEST_F(sockets, is_inherited)
{
	char command[128], byte = 0, text[64] = "";
	int fd, status;
	pid_t pid;

	ASSERT_EQ(1, meet(self->fd, &self->server, "e"));
	fd = dup(self->fd);
	EXPECT_EQ(1, send(fd, "d", 1, 0));
	EXPECT_EQ(1, recv(self->fd, &byte, 1, 0));
	EXPECT_EQ('d', byte);
	snprintf(command, sizeof(command), "echo from sh >&%d", fd);
	pid = fork();
	if (!pid) {
		send(fd, "f", 1, 0);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(9, read_whole(self->fd, text, 9));
	EXPECT_STREQ("ffrom sh\n", text);
	errno = 0;
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, errno);
}

/* POSIX allows that child less than programs do. */
static pid_t close_by_vfork(int fd)
{
	pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */

	if (!pid) {
		close(fd); /* NOLINT(clang-analyzer-unix.Vfork) */
		execl("/bin/true", "true", NULL);
		_exit(127);
	}
	return pid;
}

/* A child of vfork(2) has the memory of its parent, but not its descriptors. */
TEST_F(sockets, survives_vfork)
{
	struct address addr;
	char text[1024] = "", link[128], other[128];
	int fd, client, conn, status;
	pid_t pid;

	make_address(&addr, strlen(self->kind) > 1 ? "@sockets.vfork" : self->kind, 0);
	fd = socket(addr.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, bind(fd, &addr.any, addr.len));
	ASSERT_EQ(0, listen(fd, 1));
	ASSERT_EQ(0, getsockname(fd, &addr.any, (addr.len = sizeof(addr.un), &addr.len)));
	pid = close_by_vfork(fd);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	client = socket(addr.any.sa_family, SOCK_STREAM, 0);
	ASSERT_EQ(0, connect(client, &addr.any, addr.len));
	conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ASSERT_LE(0, conn);
	EXPECT_TRUE(fcntl(conn, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(FD_CLOEXEC, fcntl(conn, F_GETFD));
	link_of(client, link, sizeof(link));
	link_of(conn, other, sizeof(other));
	EXPECT_EQ(0, strncmp(link, other, 7))
		TH_LOG("%s %s", link, other);
	EXPECT_EQ(3, send(client, "one", 3, 0));
	EXPECT_EQ(3, recv(conn, text, sizeof(text), 0));
	close(fd);
	close(client);
	client = socket(addr.any.sa_family, SOCK_STREAM, 0);
	EXPECT_EQ(-ECONNREFUSED, error_of(connect(client, &addr.any, addr.len)));
	close(client);
	close(conn);
}

/* The peer of a socket of both families is seen as one of IPv6. */
TEST(both_families)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6 }, peer = { 0 };
	struct sockaddr_in to = { .sin_family = AF_INET }, mine = { 0 };
	int fd = socket(AF_INET6, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(addr);
	char byte;
	int conn;

	if (!is_known(AF_INET6))
		SKIP(return, "this kernel has no IPv6");
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&addr, len));
	ASSERT_EQ(0, listen(fd, 1));
	ASSERT_EQ(0, getsockname(fd, (struct sockaddr *)&addr, &len));
	to.sin_port = addr.sin6_port;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ASSERT_EQ(0, connect(client, (struct sockaddr *)&to, sizeof(to)));
	len = sizeof(peer);
	conn = accept(fd, (struct sockaddr *)&peer, &len);
	ASSERT_LE(0, conn);
	EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr));
	len = sizeof(mine);
	EXPECT_EQ(0, getsockname(client, (struct sockaddr *)&mine, &len));
	EXPECT_EQ(mine.sin_port, peer.sin6_port);
	EXPECT_EQ(1, send(client, "x", 1, 0));
	EXPECT_EQ(1, recv(conn, &byte, 1, 0));
	close(conn);
	close(client);
	close(fd);
}

static unsigned char pattern(size_t at)
{
	return at * 31 + (at >> 12);
}

static void *send_large(void *arg)
{
	int fd = *(int *)arg;
	unsigned char buf[50000];
	size_t at = 0, i, len;
	ssize_t ret;

	while (at < LARGE) {
		len = LARGE - at < sizeof(buf) ? LARGE - at : sizeof(buf);
		for (i = 0; i < len; i++)
			buf[i] = pattern(at + i);
		for (i = 0; i < len; i += ret) {
			ret = send(fd, buf + i, len - i, 0);
			if (ret <= 0)
				return NULL;
		}
		at += len;
	}
	shutdown(fd, SHUT_WR);
	return NULL;
}

TEST_F_TIMEOUT(sockets, large_transfer, 120)
{
	unsigned char buf[60000];
	size_t at = 0, wrong = 0;
	pthread_t thread;
	ssize_t len, i;

	ASSERT_EQ(1, meet(self->fd, &self->server, "e"));
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_large, &self->fd));
	while ((len = recv(self->fd, buf, sizeof(buf), 0)) > 0)
		for (i = 0; i < len; i++)
			wrong += buf[i] != pattern(at++);
	EXPECT_EQ(0, len);
	EXPECT_EQ(LARGE, at);
	EXPECT_EQ(0, wrong);
	pthread_join(thread, NULL);
}

TEST_F_TIMEOUT(sockets, many_clients, 120)
{
	int fds[CLIENTS], i;
	char text[16], got[16];

	for (i = 0; i < CLIENTS; i++) {
		fds[i] = socket(self->server.any.sa_family, SOCK_STREAM, 0);
		ASSERT_EQ(1, meet(fds[i], &self->server, "e"));
	}
	for (i = 0; i < CLIENTS; i++) {
		snprintf(text, sizeof(text), PEER "%03d", i);
		EXPECT_EQ(8, send(fds[i], text, 8, MSG_MORE));
	}
	for (i = CLIENTS - 1; i >= 0; i--) {
		snprintf(text, sizeof(text), PEER "%03d", i);
		EXPECT_EQ(8, recv(fds[i], got, 8, MSG_WAITALL));
		EXPECT_EQ(0, memcmp(text, got, 8));
		close(fds[i]);
	}
}

/* Connect, have the first byte echoed and say what it went over. */
static int talk(const char *kind, int port)
{
	struct address server;
	char buf[3] = "", link[128];
	int fd;

	make_address(&server, kind, port);
	fd = socket(server.any.sa_family, SOCK_STREAM, 0);
	if (meet(fd, &server, "ehi") != 3 || read_whole(fd, buf, 2) != 2)
		return 1;
	link_of(fd, link, sizeof(link));
	puts(link);
	return strcmp(buf, "hi");
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "serve"))
		return serve(argv[2], atoi(argv[3]));
	if (argc == 4 && !strcmp(argv[1], "talk"))
		return talk(argv[2], atoi(argv[3]));
	return test_harness_run(argc, argv);
}
