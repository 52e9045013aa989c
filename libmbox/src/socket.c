/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Sockets: their ports, which are names, and what they are to their users.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "internal.h"

/* The ports that are chosen from, as ip(7) has them. */
#define EPHEMERAL_FIRST	32768
#define EPHEMERAL_COUNT	28232

/* Datagrams that wait for their receiver until a sender waits. */
#define DATAGRAMS	64

/* Everybody can send there, and who receives has that descriptor already. */
#define SOCKET_MODE	0222

#define PORT_NAME	16

struct mbox_socket *mbox_socket_new(int type, int fd)
{
	struct mbox_socket *sock = calloc(1, sizeof(*sock));

	if (!sock)
		return NULL;
	sock->type = type;
	sock->fd = fd;
	sock->bound = -1;
	sock->to = -1;
	pthread_mutex_init(&sock->lock, NULL);
	return sock;
}

static int socket_fd(int type, int oflag)
{
	struct mbox_ioc_create req = {
		.oflag = O_RDWR | oflag,
		.flags = MBOX_HANGUP | MBOX_TRANSIENT,
	};
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_MODE,
		.mode = SOCKET_MODE,
	};

	if (type == SOCK_STREAM) {
		req.flags |= MBOX_HANDLES;
	} else {
		req.capacity = DATAGRAMS;
		req.msgsize = MBOX_DATAGRAM_MAX;
	}
	/* Whatever the umask is. */
	return mbox_object_make(MBOX_IOC_CREATE, &req, &set);
}

MBOX_API int mbox_socket(struct mbox_socket **sock, int type)
{
	int oflag = type & SOCK_NONBLOCK ? O_NONBLOCK : 0;
	struct mbox_socket *fresh;
	int fd;

	type &= ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (type != SOCK_STREAM && type != SOCK_DGRAM)
		return -EINVAL;
	fd = socket_fd(type, oflag);
	if (fd < 0)
		return fd;
	fresh = mbox_socket_new(type, fd);
	if (!fresh) {
		mbox_fd_close(fd);
		return -ENOMEM;
	}
	*sock = fresh;
	return 0;
}

bool mbox_socket_nonblocking(const struct mbox_socket *sock)
{
	return fcntl(sock->fd, F_GETFL) & O_NONBLOCK;
}

int mbox_address_port(const struct sockaddr_in *addr, in_port_t *port)
{
	if (addr->sin_family != AF_INET)
		return -EAFNOSUPPORT;
	if (addr->sin_addr.s_addr != htonl(INADDR_LOOPBACK) &&
	    addr->sin_addr.s_addr != htonl(INADDR_ANY))
		return -EADDRNOTAVAIL;
	*port = ntohs(addr->sin_port);
	return 0;
}

void mbox_port_address(in_port_t port, struct sockaddr_in *addr)
{
	*addr = (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static void port_name(char name[PORT_NAME], int type, in_port_t port)
{
	snprintf(name, PORT_NAME, "%s:%u",
		 type == SOCK_STREAM ? "stream" : "datagram", port);
}

int mbox_port_open(int type, in_port_t port)
{
	char name[PORT_NAME];
	struct mbox_ioc_open req = {
		.name = mbox_address(name),
		.oflag = O_WRONLY,
		.kind = MBOX_MAILBOX,
	};
	int fd;

	port_name(name, type, port);
	fd = mbox_device_ioctl(MBOX_IOC_OPEN, &req);
	return fd == -ENOENT || fd == -EPROTOTYPE ? -ECONNREFUSED : fd;
}

static int bind_to(struct mbox_socket *sock, in_port_t port)
{
	char name[PORT_NAME];
	struct mbox_ioc_link req = { .name = mbox_address(name) };
	int ret;

	port_name(name, sock->type, port);
	ret = mbox_ioctl(sock->fd, MBOX_IOC_LINK, &req);
	if (!ret)
		sock->port = port;
	return ret == -EEXIST ? -EADDRINUSE : ret;
}

/* From a place that nobody can foresee, on to the next that is free. */
static int bind_any(struct mbox_socket *sock)
{
	unsigned int start = 0, i;
	int ret = -EADDRINUSE;

	if (getrandom(&start, sizeof(start), GRND_NONBLOCK) < 0)
		start = getpid();
	for (i = 0; i < EPHEMERAL_COUNT && ret == -EADDRINUSE; i++)
		ret = bind_to(sock, EPHEMERAL_FIRST +
				    (start + i) % EPHEMERAL_COUNT);
	return ret;
}

MBOX_API int mbox_bind(struct mbox_socket *sock, const struct sockaddr_in *addr)
{
	in_port_t port;
	int ret = mbox_address_port(addr, &port);

	if (ret)
		return ret;
	pthread_mutex_lock(&sock->lock);
	if (sock->port || sock->state == MBOX_CONNECTED)
		ret = -EINVAL;
	else
		ret = port ? bind_to(sock, port) : bind_any(sock);
	pthread_mutex_unlock(&sock->lock);
	return ret;
}

/* For who holds the lock. */
int mbox_port_need(struct mbox_socket *sock)
{
	return sock->port ? 0 : bind_any(sock);
}

MBOX_API int mbox_connect(struct mbox_socket *sock,
			  const struct sockaddr_in *addr)
{
	in_port_t port;
	int ret = mbox_address_port(addr, &port);

	if (ret)
		return ret;
	pthread_mutex_lock(&sock->lock);
	if (sock->type == SOCK_DGRAM)
		ret = mbox_datagram_connect(sock, port);
	else
		ret = mbox_stream_connect(sock, port);
	pthread_mutex_unlock(&sock->lock);
	return ret;
}

MBOX_API ssize_t mbox_sendto(struct mbox_socket *sock, const void *data,
			     size_t len, int flags,
			     const struct sockaddr_in *to)
{
	if (flags & ~MSG_DONTWAIT)
		return -EINVAL;
	if (sock->type == SOCK_DGRAM)
		return mbox_datagram_send(sock, data, len, flags, to);
	if (to)
		return -EISCONN;
	return mbox_stream_send(sock, data, len, flags);
}

MBOX_API ssize_t mbox_recvfrom(struct mbox_socket *sock, void *buf, size_t size,
			       int flags, struct sockaddr_in *from)
{
	if (sock->type == SOCK_DGRAM)
		return mbox_datagram_recv(sock, buf, size, flags, from);
	if (flags & ~(MSG_DONTWAIT | MSG_PEEK))
		return -EINVAL;
	if (from)
		mbox_getpeername(sock, from);
	return mbox_stream_recv(sock, buf, size, flags);
}

MBOX_API int mbox_getsockname(const struct mbox_socket *sock,
			      struct sockaddr_in *addr)
{
	mbox_port_address(sock->port, addr);
	return 0;
}

MBOX_API int mbox_getpeername(const struct mbox_socket *sock,
			      struct sockaddr_in *addr)
{
	if (sock->state != MBOX_CONNECTED)
		return -ENOTCONN;
	mbox_port_address(sock->peer, addr);
	return 0;
}

MBOX_API int mbox_socket_fd(const struct mbox_socket *sock)
{
	return sock->fd;
}

MBOX_API void mbox_socket_close(struct mbox_socket *sock)
{
	if (!sock)
		return;
	mbox_fd_close(sock->fd);
	if (sock->bound >= 0)
		mbox_fd_close(sock->bound);
	if (sock->to >= 0)
		mbox_fd_close(sock->to);
	pthread_mutex_destroy(&sock->lock);
	free(sock);
}
