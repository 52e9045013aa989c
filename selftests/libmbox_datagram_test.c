// SPDX-License-Identifier: GPL-2.0
/* libmbox's datagram sockets. */
#include "common.h"
#include "harness.h"
#include "sockets.h"

FIXTURE(datagram) {
	struct mbox_socket *a;
	struct mbox_socket *b;
	in_port_t port;
	char buf[100];
};

FIXTURE_SETUP(datagram)
{
	self->a = socket_of(SOCK_DGRAM);
	self->b = socket_of(SOCK_DGRAM);
	ASSERT_EQ(0, bind_to(self->b, 0));
	self->port = port_of(self->b);
}

FIXTURE_TEARDOWN(datagram)
{
	mbox_socket_close(self->a);
	mbox_socket_close(self->b);
}

static ssize_t send_to(struct mbox_socket *sock, const void *data, size_t len, int flags,
		       in_port_t port)
{
	struct sockaddr_in addr = at(port);

	return mbox_sendto(sock, data, len, flags, &addr);
}

TEST_F(datagram, goes_with_its_bounds_and_is_answered)
{
	struct sockaddr_in from;

	EXPECT_EQ(3, send_to(self->a, "one", 3, 0, self->port));
	EXPECT_EQ(0, send_to(self->a, NULL, 0, 0, self->port));
	EXPECT_EQ(5, send_to(self->a, "three", 5, 0, self->port));
	EXPECT_EQ(1, wait_for_input(self->b));
	EXPECT_EQ(3, mbox_recvfrom(self->b, self->buf, 100, 0, &from));
	EXPECT_EQ(port_of(self->a), ntohs(from.sin_port));
	EXPECT_EQ(0, mbox_recvfrom(self->b, self->buf, 100, 0, NULL));
	EXPECT_EQ(5, mbox_recvfrom(self->b, self->buf, 100, 0, NULL));
	EXPECT_EQ(0, memcmp(self->buf, "three", 5));
	EXPECT_EQ(-EAGAIN, mbox_recvfrom(self->b, self->buf, 100, MSG_DONTWAIT, NULL));
	EXPECT_EQ(6, mbox_sendto(self->b, "answer", 6, 0, &from));
	EXPECT_EQ(6, mbox_recvfrom(self->a, self->buf, 100, 0, &from));
	EXPECT_EQ(self->port, ntohs(from.sin_port));
}

TEST_F(datagram, what_does_not_fit_is_discarded)
{
	EXPECT_EQ(6, send_to(self->a, "abcdef", 6, 0, self->port));
	EXPECT_EQ(6, send_to(self->a, "ghijkl", 6, 0, self->port));
	EXPECT_EQ(2, mbox_recvfrom(self->b, self->buf, 2, 0, NULL));
	EXPECT_EQ(0, memcmp(self->buf, "ab", 2));
	EXPECT_EQ(6, mbox_recvfrom(self->b, self->buf, 3, MSG_TRUNC, NULL));
	EXPECT_EQ(0, memcmp(self->buf, "ghi", 3));
	EXPECT_EQ(-EAGAIN, mbox_recvfrom(self->b, self->buf, 2, MSG_DONTWAIT, NULL));
}

TEST_F(datagram, size_has_a_limit)
{
	static char large[MBOX_DATAGRAM_MAX + 1], back[MBOX_DATAGRAM_MAX + 1];

	pattern_fill(large, sizeof(large), 3);
	EXPECT_EQ(-EMSGSIZE, send_to(self->a, large, sizeof(large), 0, self->port));
	EXPECT_EQ(MBOX_DATAGRAM_MAX,
		  send_to(self->a, large, MBOX_DATAGRAM_MAX, 0, self->port));
	EXPECT_EQ(MBOX_DATAGRAM_MAX, mbox_recvfrom(self->b, back, sizeof(back), 0, NULL));
	EXPECT_EQ(0, memcmp(large, back, MBOX_DATAGRAM_MAX));
}

TEST_F(datagram, connected_one_hears_its_peer_alone)
{
	struct mbox_socket *stranger = socket_of(SOCK_DGRAM);

	EXPECT_EQ(-EDESTADDRREQ, mbox_sendto(self->a, "x", 1, 0, NULL));
	ASSERT_EQ(0, connect_to(self->a, self->port));
	EXPECT_EQ(self->port, peer_of(self->a));
	EXPECT_EQ(1, mbox_sendto(self->a, "x", 1, 0, NULL));
	EXPECT_EQ(1, mbox_recvfrom(self->b, self->buf, 100, 0, NULL));
	EXPECT_EQ(1, send_to(stranger, "s", 1, 0, port_of(self->a)));
	EXPECT_EQ(1, send_to(self->b, "b", 1, 0, port_of(self->a)));
	EXPECT_EQ(1, mbox_recvfrom(self->a, self->buf, 100, 0, NULL));
	EXPECT_EQ('b', self->buf[0]);
	EXPECT_EQ(-EAGAIN, mbox_recvfrom(self->a, self->buf, 100, MSG_DONTWAIT, NULL));
	/* To another, as often as one likes. */
	ASSERT_EQ(0, connect_to(self->a, port_of(stranger)));
	EXPECT_EQ(1, mbox_sendto(self->a, "y", 1, 0, NULL));
	EXPECT_EQ(1, mbox_recvfrom(stranger, self->buf, 100, 0, NULL));
	mbox_socket_close(stranger);
	EXPECT_EQ(-ECONNREFUSED, mbox_sendto(self->a, "y", 1, 0, NULL));
}

TEST_F(datagram, refused)
{
	struct sockaddr_in addr = at(self->port);

	EXPECT_EQ(-EOPNOTSUPP, mbox_listen(self->a, 1));
	EXPECT_EQ(-ECONNREFUSED, send_to(self->a, "x", 1, 0, 1));
	EXPECT_EQ(-ECONNREFUSED, connect_to(self->a, 1));
	EXPECT_EQ(-EINVAL, send_to(self->a, "x", 1, MSG_OOB, self->port));
	EXPECT_EQ(-EINVAL, mbox_recvfrom(self->a, self->buf, 1, MSG_PEEK, NULL));
	addr.sin_family = AF_UNIX;
	EXPECT_EQ(-EAFNOSUPPORT, mbox_sendto(self->a, "x", 1, 0, &addr));
	EXPECT_EQ(-EFAULT, send_to(self->a, unmapped_page(), 1, 0, self->port));
	EXPECT_EQ(-EAGAIN, mbox_recvfrom(self->b, self->buf, 100, MSG_DONTWAIT, NULL));
}

/* Unlike UDP's, a sender waits for the receiver; and not for one that is gone. */
TEST_F(datagram, sender_waits_for_room)
{
	int i;
	pid_t pid;

	for (i = 0; send_to(self->a, &i, sizeof(i), MSG_DONTWAIT, self->port) == sizeof(i); i++)
		;
	EXPECT_EQ(64, i);
	EXPECT_EQ(-EAGAIN, send_to(self->a, &i, sizeof(i), MSG_DONTWAIT, self->port));
	pid = child_fork();
	if (!pid) {
		int own = mbox_socket_fd(self->b);

		close(own);
		if (send_to(self->a, &i, sizeof(i), 0, self->port) != sizeof(i))
			_exit(1);
		_exit(send_to(self->a, &i, sizeof(i), 0, self->port) == -ECONNREFUSED ? 0 : 2);
	}
	ASSERT_TRUE(wait_senders(mbox_socket_fd(self->b), 1));
	EXPECT_EQ(sizeof(i), mbox_recvfrom(self->b, self->buf, 100, 0, NULL));
	ASSERT_TRUE(wait_senders(mbox_socket_fd(self->b), 1));
	mbox_socket_close(self->b);
	self->b = NULL;
	EXPECT_EQ(0, child_wait(pid));
}

TEST_HARNESS_MAIN
