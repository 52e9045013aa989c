/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Stream sockets: listen, connect, accept.
 *
 * Who connects makes both streams of the connection, joins them to the own end,
 * and sends the descriptors for the other end to the mailbox of who listens. That
 * one joins them itself: nobody else has a descriptor of that open file, whose
 * flags it could change.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "internal.h"

/* A mailbox that has the name of a port need not be that of a socket. */
static int listens(int listener)
{
	struct mbox_ioc_status status = { 0 };
	int ret = mbox_ioctl(listener, MBOX_IOC_STATUS, &status);

	if (ret)
		return ret;
	return status.capacity && status.flags & MBOX_HANDLES ? 0 :
								-ECONNREFUSED;
}

static int send_offer(int listener, const struct mbox_wires *wires, in_port_t from,
		      bool nonblocking)
{
	struct mbox_ioc_msg req = {
		.tag = from,
		.fds = mbox_address(wires->offer),
		.nr_fds = 2,
		.flags = nonblocking ? MBOX_NONBLOCK : 0,
	};
	int ret = mbox_ioctl(listener, MBOX_IOC_SEND, &req);

	return ret == -EPIPE ? -ECONNREFUSED : ret;
}

/* The mailbox goes on having the port, and the connection gets its number. */
static int connect_wires(struct mbox_socket *sock, int listener,
			 struct mbox_wires *wires)
{
	bool nonblocking = mbox_socket_nonblocking(sock);
	int ret = mbox_wires_make(wires, nonblocking ? O_NONBLOCK : 0);
	int mailbox;

	if (ret)
		return ret;
	mailbox = fcntl(sock->fd, F_DUPFD_CLOEXEC, 0);
	if (mailbox < 0)
		return -errno;
	ret = send_offer(listener, wires, sock->port, nonblocking);
	if (ret) {
		mbox_fd_close(mailbox);
		return ret;
	}
	sock->bound = mailbox;
	dup3(wires->end, sock->fd, O_CLOEXEC);
	return 0;
}

int mbox_stream_connect(struct mbox_socket *sock, in_port_t port)
{
	struct mbox_wires wires;
	int listener, ret;

	if (sock->state != MBOX_IDLE)
		return -EISCONN;
	listener = mbox_port_open(SOCK_STREAM, port);
	if (listener < 0)
		return listener;
	ret = listens(listener);
	if (!ret)
		ret = mbox_port_need(sock);
	if (!ret) {
		ret = connect_wires(sock, listener, &wires);
		mbox_wires_close(&wires);
	}
	mbox_fd_close(listener);
	if (ret)
		return ret;
	sock->peer = port;
	sock->state = MBOX_CONNECTED;
	return 0;
}

static int listen_locked(struct mbox_socket *sock, int backlog)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_CAPACITY,
		.capacity = backlog < 1 ? 1 :
			    backlog > SOMAXCONN ? SOMAXCONN : backlog,
	};
	int ret;

	if (sock->state == MBOX_CONNECTED)
		return -EISCONN;
	ret = mbox_port_need(sock);
	if (!ret)
		ret = mbox_ioctl(sock->fd, MBOX_IOC_SET, &set);
	if (!ret)
		sock->state = MBOX_LISTENING;
	return ret;
}

MBOX_API int mbox_listen(struct mbox_socket *sock, int backlog)
{
	int ret;

	if (sock->type != SOCK_STREAM)
		return -EOPNOTSUPP;
	pthread_mutex_lock(&sock->lock);
	ret = listen_locked(sock, backlog);
	pthread_mutex_unlock(&sock->lock);
	return ret;
}

/*
 * Anybody can send anything there: there is room for the largest message, or it
 * would stay the first one. The descriptor that it takes to join is there before
 * the connection is taken.
 */
static int accept_one(struct mbox_socket *sock, in_port_t *peer)
{
	int spare = fcntl(sock->fd, F_DUPFD_CLOEXEC, 0);
	struct mbox_fd offer[MBOX_FDS_MAX];
	struct mbox_ioc_msg req = {
		.fds = mbox_address(offer),
		.nr_fds = MBOX_FDS_MAX,
	};
	int ret;

	if (spare < 0)
		return -errno;
	ret = mbox_ioctl(sock->fd, MBOX_IOC_RECV, &req);
	if (ret) {
		mbox_fd_close(spare);
		return ret;
	}
	*peer = req.tag;
	mbox_fd_close(spare);
	return mbox_join_offer(offer, req.nr_fds, 0);
}

static int accept_fd(struct mbox_socket *sock, in_port_t *peer)
{
	int fd;

	do {
		fd = accept_one(sock, peer);
	} while (fd == -EBADF || fd == -ENOTTY);
	return fd;
}

MBOX_API int mbox_accept(struct mbox_socket *sock, struct mbox_socket **conn,
			 struct sockaddr_in *peer)
{
	struct mbox_socket *fresh;
	in_port_t port = 0;
	int fd;

	if (sock->state != MBOX_LISTENING)
		return -EINVAL;
	fresh = mbox_socket_new(SOCK_STREAM, -1);
	if (!fresh)
		return -ENOMEM;
	fd = accept_fd(sock, &port);
	if (fd < 0) {
		mbox_socket_close(fresh);
		return fd;
	}
	fresh->fd = fd;
	fresh->port = sock->port;
	fresh->peer = port;
	fresh->state = MBOX_CONNECTED;
	if (peer)
		mbox_port_address(port, peer);
	*conn = fresh;
	return 0;
}

ssize_t mbox_stream_send(struct mbox_socket *sock, const void *data, size_t len,
			 int flags)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	ssize_t ret;

	if (sock->state != MBOX_CONNECTED)
		return -ENOTCONN;
	ret = pwritev2(sock->fd, &iov, 1, -1,
		       flags & MSG_DONTWAIT ? RWF_NOWAIT : 0);
	return ret < 0 ? -errno : ret;
}

ssize_t mbox_stream_recv(struct mbox_socket *sock, void *buf, size_t size,
			 int flags)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	ssize_t ret;

	if (sock->state != MBOX_CONNECTED)
		return -ENOTCONN;
	if (flags & MSG_PEEK)
		return mbox_connection_peek(sock->fd, buf, size, flags);
	ret = preadv2(sock->fd, &iov, 1, -1,
		      flags & MSG_DONTWAIT ? RWF_NOWAIT : 0);
	return ret < 0 ? -errno : ret;
}
