// SPDX-License-Identifier: GPL-2.0
/* libmbox's sockets of both kinds: what they are made with, their ports and addresses. */
#include "common.h"
#include "harness.h"
#include "sockets.h"

/* A listener, a client that is not connected, and room for what is accepted. */
FIXTURE(socket) {
	struct mbox_socket *listener;
	struct mbox_socket *client;
	struct mbox_socket *served;
	in_port_t port;
	char buf[100];
};

FIXTURE_SETUP(socket)
{
	self->listener = socket_of(SOCK_STREAM);
	self->client = socket_of(SOCK_STREAM);
	self->served = NULL;
	ASSERT_EQ(0, mbox_listen(self->listener, 4));
	self->port = port_of(self->listener);
	signal(SIGPIPE, SIG_IGN);
}

FIXTURE_TEARDOWN(socket)
{
	mbox_socket_close(self->listener);
	mbox_socket_close(self->client);
	mbox_socket_close(self->served);
}

TEST_F(socket, both_kinds_have_their_flags_and_addresses)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct mbox_socket *blocking = socket_of(types[i] | SOCK_CLOEXEC);
		struct mbox_socket *other = socket_of(types[i] | SOCK_NONBLOCK);
		struct sockaddr_in addr = at(0);

		EXPECT_EQ(0, fcntl(mbox_socket_fd(blocking), F_GETFL) & O_NONBLOCK);
		EXPECT_EQ(O_NONBLOCK, fcntl(mbox_socket_fd(other), F_GETFL) & O_NONBLOCK);
		EXPECT_EQ(FD_CLOEXEC, fcntl(mbox_socket_fd(blocking), F_GETFD));
		EXPECT_EQ(FD_CLOEXEC, fcntl(mbox_socket_fd(other), F_GETFD));
		addr.sin_family = AF_INET6;
		EXPECT_EQ(-EAFNOSUPPORT, mbox_bind(other, &addr));
		EXPECT_EQ(-EAFNOSUPPORT, mbox_connect(other, &addr));
		addr = at(0);
		addr.sin_addr.s_addr = htonl(0x08080808);
		EXPECT_EQ(-EADDRNOTAVAIL, mbox_bind(other, &addr));
		EXPECT_EQ(-EADDRNOTAVAIL, mbox_connect(other, &addr));
		EXPECT_EQ(0, port_of(other));
		mbox_socket_close(blocking);
		mbox_socket_close(other);
	}
	mbox_socket_close(NULL);
}

/* Whatever the umask of who listens, and not even that user by the name. */
TEST_F(socket, port_is_for_everybody_to_send_to_and_for_nobody_to_receive_from)
{
	char name[32];

	umask(077);
	IN_CHILD {
		struct mbox_socket *sock;

		ASSERT_EQ(0, become(USER_A, USER_A));
		sock = socket_of(SOCK_DGRAM);
		ASSERT_EQ(0, bind_to(sock, 0));
		EXPECT_EQ(0222, mb_status(mbox_socket_fd(sock)).mode);
		snprintf(name, sizeof(name), "datagram:%u", port_of(sock));
		EXPECT_EQ(-EACCES, mb_open(name, O_RDONLY));
		EXPECT_LE(0, mb_open(name, O_WRONLY));
		sock = socket_of(SOCK_STREAM);
		EXPECT_EQ(0, connect_to(sock, self->port));
	}
}

TEST_F(socket, states_that_do_not_fit)
{
	struct sockaddr_in addr = at(self->port);
	struct mbox_socket *none = NULL;

	EXPECT_EQ(-EINVAL, mbox_socket(&none, SOCK_SEQPACKET));
	EXPECT_EQ(-EINVAL, mbox_socket(&none, SOCK_STREAM | 1 << 30));
	EXPECT_EQ(NULL, none);
	EXPECT_EQ(-ENOTCONN, mbox_getpeername(self->client, &addr));
	EXPECT_EQ(0, port_of(self->client));
	EXPECT_EQ(-EINVAL, mbox_bind(self->listener, &addr));
	ASSERT_EQ(0, connect_to(self->client, self->port));
	EXPECT_EQ(-EINVAL, bind_to(self->client, 0));
	addr = at(self->port);
	EXPECT_EQ(-EISCONN, mbox_sendto(self->client, "x", 1, 0, &addr));
	EXPECT_EQ(-EINVAL, mbox_sendto(self->client, "x", 1, MSG_OOB, NULL));
	EXPECT_EQ(-EINVAL, mbox_recvfrom(self->client, self->buf, 1, MSG_OOB, NULL));
}

TEST_F(socket, addresses_of_others_are_refused)
{
	struct sockaddr_in addr = at(self->port);

	addr.sin_family = AF_INET6;
	EXPECT_EQ(-EAFNOSUPPORT, mbox_connect(self->client, &addr));
	EXPECT_EQ(-EAFNOSUPPORT, mbox_bind(self->client, &addr));
	addr = at(self->port);
	addr.sin_addr.s_addr = htonl(0x08080808);
	EXPECT_EQ(-EADDRNOTAVAIL, mbox_connect(self->client, &addr));
	EXPECT_EQ(-EADDRNOTAVAIL, mbox_bind(self->client, &addr));
	addr.sin_addr.s_addr = htonl(INADDR_ANY);
	EXPECT_EQ(0, mbox_connect(self->client, &addr));
}

TEST_F(socket, ports_are_given_once)
{
	struct mbox_socket *other = socket_of(SOCK_STREAM), *datagram = socket_of(SOCK_DGRAM);

	EXPECT_EQ(-EADDRINUSE, bind_to(other, self->port));
	EXPECT_EQ(0, bind_to(datagram, self->port));
	EXPECT_EQ(0, bind_to(other, 0));
	EXPECT_LE(32768, port_of(other));
	EXPECT_GE(60999, port_of(other));
	EXPECT_NE(self->port, port_of(other));
	EXPECT_EQ(-EADDRINUSE, bind_to(self->client, port_of(other)));
	/* A connection keeps the port of its socket. */
	ASSERT_EQ(0, connect_to(other, self->port));
	EXPECT_EQ(-EADDRINUSE, bind_to(self->client, port_of(other)));
	mbox_socket_close(self->listener);
	self->listener = NULL;
	EXPECT_EQ(0, bind_to(self->client, self->port));
	mbox_socket_close(other);
	mbox_socket_close(datagram);
}

TEST_F(socket, port_of_a_killed_process_is_free)
{
	int ready[2];
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	pid = child_fork();
	if (!pid) {
		struct mbox_socket *sock = socket_of(SOCK_STREAM);

		if (bind_to(sock, 5001) || mbox_listen(sock, 1))
			_exit(1);
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(0, connect_to(self->client, 5001));
	self->served = socket_of(SOCK_STREAM);
	EXPECT_EQ(-EADDRINUSE, bind_to(self->served, 5001));
	kill(pid, SIGKILL);
	child_wait(pid);
	/* Nobody had accepted it. */
	EXPECT_EQ(0, mbox_recvfrom(self->client, self->buf, 1, 0, NULL));
	EXPECT_EQ(-EPIPE, mbox_sendto(self->client, "x", 1, 0, NULL));
	EXPECT_EQ(0, bind_to(self->served, 5001));
	close(ready[0]);
	close(ready[1]);
}

TEST_F(socket, well_known_ports_are_for_the_privileged)
{
	IN_CHILD {
		struct mbox_socket *sock;

		if (become(USER_A, USER_A))
			_exit(1);
		sock = socket_of(SOCK_STREAM);
		EXPECT_EQ(-EACCES, bind_to(sock, 1023));
		EXPECT_EQ(0, bind_to(sock, 1024));
		/* Who may not listen there can connect. */
		EXPECT_EQ(0, connect_to(sock, self->port));
	}
	EXPECT_EQ(0, bind_to(self->client, 1023));
}

TEST_HARNESS_MAIN
