/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of libmbox's sockets share: sockets by their ports. */
#ifndef MBOX_SELFTESTS_SOCKETS_H
#define MBOX_SELFTESTS_SOCKETS_H

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <mbox/mbox.h>

/* The address of a port of this machine. */
static inline struct sockaddr_in at(in_port_t port)
{
	return (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static inline int connect_to(struct mbox_socket *sock, in_port_t port)
{
	struct sockaddr_in addr = at(port);

	return mbox_connect(sock, &addr);
}

static inline int bind_to(struct mbox_socket *sock, in_port_t port)
{
	struct sockaddr_in addr = at(port);

	return mbox_bind(sock, &addr);
}

static inline in_port_t port_of(const struct mbox_socket *sock)
{
	struct sockaddr_in addr;

	return mbox_getsockname(sock, &addr) ? 0 : ntohs(addr.sin_port);
}

static inline in_port_t peer_of(const struct mbox_socket *sock)
{
	struct sockaddr_in addr;

	return mbox_getpeername(sock, &addr) ? 0 : ntohs(addr.sin_port);
}

static inline struct mbox_socket *socket_of(int type)
{
	struct mbox_socket *sock = NULL;

	if (mbox_socket(&sock, type))
		abort();
	return sock;
}

static inline int wait_for_input(struct mbox_socket *sock)
{
	struct pollfd pfd = { .fd = mbox_socket_fd(sock), .events = POLLIN };

	return poll(&pfd, 1, WAIT_LIMIT_S * 1000);
}

#endif
