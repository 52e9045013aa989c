/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Datagram sockets: a datagram is a message with the sender's port as its tag.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "internal.h"

/* The number of @to stays the same once there is one: it may be in use. */
int mbox_datagram_connect(struct mbox_socket *sock, in_port_t port)
{
	int ret = mbox_port_need(sock);
	int fd;

	if (ret)
		return ret;
	fd = mbox_port_open(SOCK_DGRAM, port);
	if (fd < 0)
		return fd;
	if (sock->to < 0) {
		sock->to = fd;
	} else {
		dup3(fd, sock->to, O_CLOEXEC);
		mbox_fd_close(fd);
	}
	sock->peer = port;
	sock->state = MBOX_CONNECTED;
	return 0;
}

/* It goes to a descriptor of the receiver's mailbox, which always blocks. */
static ssize_t send_to(const struct mbox_socket *sock, int fd, const void *data,
		       size_t len, int flags)
{
	bool nonblock = flags & MSG_DONTWAIT || mbox_socket_nonblocking(sock);
	struct mbox_ioc_msg req = {
		.buf = mbox_address(data),
		.len = len,
		.tag = sock->port,
		.flags = nonblock ? MBOX_NONBLOCK : 0,
	};
	int ret = mbox_ioctl(fd, MBOX_IOC_SEND, &req);

	if (ret == -EPIPE)
		return -ECONNREFUSED;
	return ret ? ret : (ssize_t)len;
}

static int open_address(const struct sockaddr_in *addr)
{
	in_port_t port;
	int ret = mbox_address_port(addr, &port);

	return ret ? ret : mbox_port_open(SOCK_DGRAM, port);
}

static int need_port(struct mbox_socket *sock)
{
	int ret;

	if (sock->port)
		return 0;
	pthread_mutex_lock(&sock->lock);
	ret = mbox_port_need(sock);
	pthread_mutex_unlock(&sock->lock);
	return ret;
}

ssize_t mbox_datagram_send(struct mbox_socket *sock, const void *data,
			   size_t len, int flags, const struct sockaddr_in *to)
{
	ssize_t ret = need_port(sock);
	int fd;

	if (ret)
		return ret;
	if (!to)
		return sock->to < 0 ? -EDESTADDRREQ :
				      send_to(sock, sock->to, data, len, flags);
	fd = open_address(to);
	if (fd < 0)
		return fd;
	ret = send_to(sock, fd, data, len, flags);
	mbox_fd_close(fd);
	return ret;
}

/* What does not fit goes to a place that nobody looks at. */
static int recv_rest(int fd, struct mbox_ioc_msg *req, void *buf, size_t size)
{
	void *rest = malloc(MBOX_DATAGRAM_MAX);
	struct mbox_iovec iov[] = {
		{ .base = mbox_address(buf), .len = size },
		{ .base = mbox_address(rest), .len = MBOX_DATAGRAM_MAX },
	};
	int ret;

	if (!rest)
		return -ENOMEM;
	req->buf = mbox_address(iov);
	req->len = 2;
	req->flags |= MBOX_IOV;
	ret = mbox_ioctl(fd, MBOX_IOC_RECV, req);
	free(rest);
	return ret;
}

static int recv_one(int fd, struct mbox_ioc_msg *req, void *buf, size_t size,
		    __u32 flags)
{
	int ret;

	*req = (struct mbox_ioc_msg) {
		.buf = mbox_address(buf),
		.len = size,
		.flags = flags,
	};
	ret = mbox_ioctl(fd, MBOX_IOC_RECV, req);
	if (ret != -EMSGSIZE)
		return ret;
	*req = (struct mbox_ioc_msg) { .flags = flags };
	return recv_rest(fd, req, buf, size);
}

/* Anybody can send there, whatever the socket is connected to. */
static bool wanted(const struct mbox_socket *sock,
		   const struct mbox_ioc_msg *req)
{
	return sock->state != MBOX_CONNECTED || req->tag == sock->peer;
}

ssize_t mbox_datagram_recv(struct mbox_socket *sock, void *buf, size_t size,
			   int flags, struct sockaddr_in *from)
{
	struct mbox_ioc_msg req;
	int ret;

	if (flags & ~(MSG_DONTWAIT | MSG_TRUNC))
		return -EINVAL;
	do {
		ret = recv_one(sock->fd, &req, buf, size,
			       flags & MSG_DONTWAIT ? MBOX_NONBLOCK : 0);
	} while (!ret && !wanted(sock, &req));
	if (ret)
		return ret;
	if (from)
		mbox_port_address(req.tag, from);
	return req.len > size && !(flags & MSG_TRUNC) ? size : req.len;
}
