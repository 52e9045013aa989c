// SPDX-License-Identifier: GPL-2.0
/* libmbox's stream sockets: connections that are asked for and accepted. */
#include "common.h"
#include "harness.h"
#include "sockets.h"

#include <sys/resource.h>

#define FDS_MAX	1024

static void nothing(int signo)
{
}

/* A listener, a client that is not connected, and room for what is accepted. */
FIXTURE(stream) {
	struct mbox_socket *listener;
	struct mbox_socket *client;
	struct mbox_socket *served;
	in_port_t port;
	char buf[100];
};

FIXTURE_SETUP(stream)
{
	self->listener = socket_of(SOCK_STREAM);
	self->client = socket_of(SOCK_STREAM);
	self->served = NULL;
	ASSERT_EQ(0, mbox_listen(self->listener, 4));
	self->port = port_of(self->listener);
	signal(SIGPIPE, SIG_IGN);
}

FIXTURE_TEARDOWN(stream)
{
	mbox_socket_close(self->listener);
	mbox_socket_close(self->client);
	mbox_socket_close(self->served);
}

TEST_F(stream, connection_goes_both_ways)
{
	int fd = mbox_socket_fd(self->client);
	struct sockaddr_in peer;

	ASSERT_EQ(0, connect_to(self->client, self->port));
	EXPECT_EQ(fd, mbox_socket_fd(self->client));
	EXPECT_EQ(5, mbox_sendto(self->client, "early", 5, 0, NULL));
	EXPECT_EQ(1, wait_for_input(self->listener));
	ASSERT_EQ(0, mbox_accept(self->listener, &self->served, &peer));
	EXPECT_EQ(AF_INET, peer.sin_family);
	EXPECT_EQ(htonl(INADDR_LOOPBACK), peer.sin_addr.s_addr);
	EXPECT_EQ(port_of(self->client), ntohs(peer.sin_port));
	EXPECT_EQ(port_of(self->client), peer_of(self->served));
	EXPECT_EQ(self->port, peer_of(self->client));
	EXPECT_EQ(self->port, port_of(self->served));
	EXPECT_NE(port_of(self->client), self->port);
	EXPECT_EQ(5, mbox_recvfrom(self->served, self->buf, 100, 0, NULL));
	EXPECT_EQ(-EAGAIN, mbox_recvfrom(self->client, self->buf, 100, MSG_DONTWAIT, NULL));
	EXPECT_EQ(4, mbox_sendto(self->served, "late", 4, MSG_DONTWAIT, NULL));
	EXPECT_EQ(4, mbox_recvfrom(self->client, self->buf, 100, MSG_DONTWAIT, &peer));
	EXPECT_EQ(self->port, ntohs(peer.sin_port));
	EXPECT_EQ(0, memcmp(self->buf, "late", 4));
}

TEST_F(stream, a_peek_leaves_what_it_reads)
{
	ASSERT_EQ(0, connect_to(self->client, self->port));
	ASSERT_EQ(0, mbox_accept(self->listener, &self->served, NULL));
	EXPECT_EQ(-EAGAIN, mbox_recvfrom(self->served, self->buf, 9, MSG_PEEK | MSG_DONTWAIT, NULL));
	EXPECT_EQ(3, mbox_sendto(self->client, "abc", 3, 0, NULL));
	EXPECT_EQ(3, mbox_recvfrom(self->served, self->buf, 9, MSG_PEEK, NULL));
	EXPECT_EQ(0, memcmp(self->buf, "abc", 3));
	EXPECT_EQ(3, mbox_recvfrom(self->served, self->buf, 9, MSG_DONTWAIT, NULL));
}

TEST_F(stream, half_close)
{
	ASSERT_EQ(0, connect_to(self->client, self->port));
	ASSERT_EQ(0, mbox_accept(self->listener, &self->served, NULL));
	EXPECT_EQ(0, mbox_shutdown(mbox_socket_fd(self->client), SHUT_WR));
	EXPECT_EQ(0, mbox_recvfrom(self->served, self->buf, 100, 0, NULL));
	EXPECT_EQ(1, mbox_sendto(self->served, "x", 1, 0, NULL));
	EXPECT_EQ(1, mbox_recvfrom(self->client, self->buf, 100, 0, NULL));
	EXPECT_EQ(-EPIPE, mbox_sendto(self->client, "x", 1, 0, NULL));
	EXPECT_EQ(-ENOTTY, mbox_shutdown(mbox_socket_fd(self->listener), SHUT_WR));
}

TEST_F(stream, nobody_there_is_econnrefused)
{
	struct mbox_socket *idle = socket_of(SOCK_STREAM);
	int box = mb_create_flags("stream:5000", 4, O_RDWR | O_EXCL, 0);

	ASSERT_LE(0, box);
	EXPECT_EQ(-ECONNREFUSED, connect_to(self->client, 1));
	EXPECT_EQ(-ECONNREFUSED, connect_to(self->client, 5000));
	ASSERT_EQ(0, bind_to(idle, 0));
	EXPECT_EQ(-ECONNREFUSED, connect_to(self->client, port_of(idle)));
	mbox_socket_close(idle);
	EXPECT_EQ(0, mb_status(box).sent);
	EXPECT_EQ(0, mb_unlink("stream:5000"));
	close(box);
	box = st_create("stream:5000", O_RDWR | O_EXCL);
	EXPECT_EQ(-ECONNREFUSED, connect_to(self->client, 5000));
	EXPECT_EQ(0, mb_unlink("stream:5000"));
	close(box);
	mbox_socket_close(self->listener);
	self->listener = NULL;
	EXPECT_EQ(-ECONNREFUSED, connect_to(self->client, self->port));
	EXPECT_EQ(-ENOTCONN, mbox_sendto(self->client, "x", 1, 0, NULL));
}

TEST_F(stream, states_that_do_not_fit)
{
	EXPECT_EQ(-EISCONN, connect_to(self->listener, self->port));
	EXPECT_EQ(-EINVAL, mbox_accept(self->client, &self->served, NULL));
	EXPECT_EQ(-ENOTCONN, mbox_recvfrom(self->client, self->buf, 1, 0, NULL));
	ASSERT_EQ(0, connect_to(self->client, self->port));
	EXPECT_EQ(-EISCONN, connect_to(self->client, self->port));
	EXPECT_EQ(-EISCONN, mbox_listen(self->client, 1));
	EXPECT_EQ(NULL, self->served);
}

TEST_F(stream, full_backlog_makes_who_connects_wait)
{
	struct mbox_socket *second = socket_of(SOCK_STREAM | SOCK_NONBLOCK);
	pid_t pid;

	ASSERT_EQ(0, mbox_listen(self->listener, 1));
	ASSERT_EQ(0, connect_to(self->client, self->port));
	EXPECT_EQ(-EAGAIN, connect_to(second, self->port));
	pid = child_fork();
	if (!pid) {
		struct mbox_socket *sock = socket_of(SOCK_STREAM);

		_exit(connect_to(sock, self->port));
	}
	ASSERT_TRUE(wait_senders(mbox_socket_fd(self->listener), 1));
	ASSERT_EQ(0, mbox_accept(self->listener, &self->served, NULL));
	EXPECT_EQ(port_of(self->client), peer_of(self->served));
	EXPECT_EQ(0, child_wait(pid));
	mbox_socket_close(self->served);
	ASSERT_EQ(0, mbox_accept(self->listener, &self->served, NULL));
	EXPECT_EQ(0, connect_to(second, self->port));
	EXPECT_EQ(O_NONBLOCK, fcntl(mbox_socket_fd(second), F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(-EAGAIN, mbox_recvfrom(second, self->buf, 1, 0, NULL));
	mbox_socket_close(second);
}

TEST_F(stream, who_waits_is_refused_when_the_listener_goes)
{
	pid_t pid;

	ASSERT_EQ(0, mbox_listen(self->listener, 1));
	ASSERT_EQ(0, connect_to(self->client, self->port));
	pid = child_fork();
	if (!pid) {
		int fd = mbox_socket_fd(self->listener);
		struct mbox_socket *sock = socket_of(SOCK_STREAM);

		close(fd);
		_exit(connect_to(sock, self->port) == -ECONNREFUSED ? 0 : 1);
	}
	ASSERT_TRUE(wait_senders(mbox_socket_fd(self->listener), 1));
	mbox_socket_close(self->listener);
	self->listener = NULL;
	EXPECT_EQ(0, child_wait(pid));
}

TEST_F(stream, accept_without_a_connection)
{
	struct mbox_socket *nonblocking = socket_of(SOCK_STREAM | SOCK_NONBLOCK);
	int before = fds_open();
	pid_t pid;

	ASSERT_EQ(0, mbox_listen(nonblocking, 1));
	EXPECT_EQ(-EAGAIN, mbox_accept(nonblocking, &self->served, NULL));
	EXPECT_EQ(before, fds_open());
	mbox_socket_close(nonblocking);
	pid = child_fork();
	if (!pid) {
		struct sigaction action = { .sa_handler = nothing };

		sigaction(SIGUSR1, &action, NULL);
		_exit(mbox_accept(self->listener, &self->served, NULL) == -EINTR ? 0 : 1);
	}
	ASSERT_TRUE(wait_receivers(mbox_socket_fd(self->listener), 1));
	kill(pid, SIGUSR1);
	EXPECT_EQ(0, child_wait(pid));
}

/* Whoever can connect can send the mailbox anything. */
TEST_F(stream, offers_of_others_are_passed_over)
{
	char name[32];
	int stream = st_create(NULL, O_RDWR), file = open("/dev/null", O_RDWR), box, i;
	struct mbox_fd two[] = { { .fd = file }, { .fd = file } };
	struct mbox_fd swapped[] = { { .fd = mb_reopen(stream, O_WRONLY) },
				     { .fd = mb_reopen(stream, O_RDONLY) } };
	struct mbox_fd many[MBOX_FDS_MAX];
	const struct {
		struct mbox_fd *fds;
		unsigned int nr;
	} bad[] = { { NULL, 0 }, { two, 1 }, { two, 2 }, { swapped, 2 }, { many, MBOX_FDS_MAX } };
	int before;

	for (i = 0; i < MBOX_FDS_MAX; i++)
		many[i] = (struct mbox_fd) { .fd = file };
	ASSERT_EQ(0, mbox_listen(self->listener, 10));
	snprintf(name, sizeof(name), "stream:%u", self->port);
	box = mb_open(name, O_WRONLY);
	ASSERT_LE(0, box);
	before = fds_open();
	for (i = 0; i < (int)ARRAY_SIZE(bad); i++) {
		struct mbox_ioc_msg msg = {
			.fds = (__u64)(uintptr_t)bad[i].fds,
			.nr_fds = bad[i].nr,
			.tag = 1 << 20,
		};

		ASSERT_EQ(0, ctl(box, MBOX_IOC_SEND, &msg));
	}
	EXPECT_EQ(-EMSGSIZE, write(box, "x", 1) < 0 ? -errno : 0);
	ASSERT_EQ(0, connect_to(self->client, self->port));
	ASSERT_EQ(0, mbox_accept(self->listener, &self->served, NULL));
	EXPECT_EQ(port_of(self->client), peer_of(self->served));
	/* The client's own and the one that keeps its port, and the accepted one. */
	EXPECT_EQ(before + 2, fds_open());
	close(box);
	close(stream);
	close(file);
	close(swapped[0].fd);
	close(swapped[1].fd);
}

static int limit_descriptors(rlim_t nr)
{
	struct rlimit limit = { nr, FDS_MAX };

	return setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(stream, without_descriptors_a_connection_waits)
{
	int before = fds_open(), limit = before, ret;

	do {
		ASSERT_EQ(0, limit_descriptors(limit++));
		ret = connect_to(self->client, self->port);
		ASSERT_EQ(0, limit_descriptors(FDS_MAX));
		ASSERT_TRUE(ret == 0 || (ret == -EMFILE && fds_open() == before));
	} while (ret);
	EXPECT_EQ(before + 7 + 1, limit);
	before = fds_open();
	limit = before;
	do {
		ASSERT_EQ(0, limit_descriptors(limit++));
		ret = mbox_accept(self->listener, &self->served, NULL);
		ASSERT_EQ(0, limit_descriptors(FDS_MAX));
		ASSERT_TRUE(ret == 0 || (ret == -EMFILE && fds_open() == before));
	} while (ret);
	EXPECT_LT(before + 1, limit);
	EXPECT_EQ(port_of(self->client), peer_of(self->served));
}

#define CLIENTS		4
#define CONNECTIONS	50

static int client_run(in_port_t port, int id)
{
	int i, got;

	for (i = 0; i < CONNECTIONS; i++) {
		struct mbox_socket *sock = socket_of(SOCK_STREAM);
		int number = id * CONNECTIONS + i;

		if (connect_to(sock, port) ||
		    mbox_sendto(sock, &number, sizeof(number), 0, NULL) != sizeof(number) ||
		    mbox_recvfrom(sock, &got, sizeof(got), 0, NULL) != sizeof(got) ||
		    got != number + 1)
			return 1;
		mbox_socket_close(sock);
	}
	return 0;
}

TEST_F(stream, each_of_many_is_served_once)
{
	bool seen[CLIENTS * CONNECTIONS] = { false };
	pid_t pids[CLIENTS];
	int i, number;

	for (i = 0; i < CLIENTS; i++) {
		pids[i] = child_fork();
		if (!pids[i])
			_exit(client_run(self->port, i));
	}
	for (i = 0; i < CLIENTS * CONNECTIONS; i++) {
		ASSERT_EQ(0, mbox_accept(self->listener, &self->served, NULL));
		ASSERT_EQ(sizeof(number),
			  mbox_recvfrom(self->served, &number, sizeof(number), 0, NULL));
		ASSERT_TRUE(number >= 0 && number < CLIENTS * CONNECTIONS && !seen[number]);
		seen[number++] = true;
		EXPECT_EQ(sizeof(number),
			  mbox_sendto(self->served, &number, sizeof(number), 0, NULL));
		mbox_socket_close(self->served);
		self->served = NULL;
	}
	for (i = 0; i < CLIENTS; i++) {
		EXPECT_EQ(0, child_wait(pids[i]));
	}
}

TEST_HARNESS_MAIN
