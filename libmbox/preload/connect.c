/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * connect(2): an offer to the mailbox of who listens, before the socket connects.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#include "../src/internal.h"
#include "preload.h"
#include "socket.h"

/* Descriptors that can be watched before they are connected. */
#define WATCHED		65536

/*
 * What a connection over loopback takes when the machine is busy. One that has
 * not come by then waits for room in the queue of who listens.
 */
#define HANDSHAKE_MS	20

/* The sockets that epoll(7) got by these numbers, and would lose with them. */
static _Atomic uint32_t watched[WATCHED];

PRELOAD_NEXT(connect)
PRELOAD_NEXT(epoll_ctl)
PRELOAD_NEXT(getsockname)

PRELOAD_API int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	if (op == EPOLL_CTL_ADD && (unsigned int)fd < WATCHED &&
	    !preload_connection_hinted(fd))
		watched[fd] = preload_socket_of(fd);
	return next_epoll_ctl()(epoll, op, fd, event);
}

static bool is_watched(int fd)
{
	return (unsigned int)fd >= WATCHED || watched[fd] == preload_socket_of(fd);
}

static int open_device(void)
{
	return open("/dev/mbox", O_RDWR | O_CLOEXEC);
}

static int open_first(const struct preload_name *names, int nr)
{
	struct mbox_ioc_open req = { .oflag = O_WRONLY, .kind = MBOX_MAILBOX };
	int device = open_device();
	int fd = -ENOENT, i;

	for (i = 0; device >= 0 && fd < 0 && i < nr; i++) {
		req.name = mbox_address(names[i].text);
		fd = mbox_ioctl(device, MBOX_IOC_OPEN, &req);
	}
	close(device);
	return fd;
}

/*
 * The name of a mailbox can be anybody's. That of the same user takes from nobody
 * what that user could not have taken.
 */
static bool is_own(int mailbox)
{
	struct mbox_ioc_status status = { 0 };

	return !mbox_ioctl(mailbox, MBOX_IOC_STATUS, &status) &&
	       status.uid == geteuid() && status.flags & MBOX_TAGGED;
}

static int find_mailbox(const struct sockaddr *addr, socklen_t len)
{
	struct preload_name names[PRELOAD_NAMES];
	struct preload_address known;
	int mailbox;

	preload_address_set(&known, addr, len);
	mailbox = open_first(names, preload_connect_names(&known, names));
	if (mailbox < 0 || is_own(mailbox))
		return mailbox;
	close(mailbox);
	return -EPERM;
}

static bool is_unconnected(int fd)
{
	struct tcp_info info;
	struct preload_address peer = { .len = sizeof(peer.room) };
	socklen_t len = sizeof(info);

	if (!getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return info.tcpi_state == TCP_CLOSE;
	return getpeername(fd, &peer.any, &peer.len) && errno == ENOTCONN;
}

static bool has_timeout(int fd)
{
	struct timeval in = { 0 }, out = { 0 };
	socklen_t in_len = sizeof(in), out_len = sizeof(out);

	return getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &in, &in_len) ||
	       getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &out, &out_len) ||
	       in.tv_sec || in.tv_usec || out.tv_sec || out.tv_usec;
}

static bool is_eligible(int fd)
{
	return preload_is_stream(fd) && !is_watched(fd) && !has_timeout(fd) &&
	       !preload_option_of(fd, SOL_SOCKET, SO_PASSCRED) &&
	       is_unconnected(fd);
}

/* An address that the kernel would choose later for a socket that has none. */
static void choose_address(const struct sockaddr *to, socklen_t len,
			   struct preload_address *addr)
{
	if (to->sa_family == AF_UNIX) {
		preload_unique_address(addr);
		return;
	}
	*addr = (struct preload_address) { .len = len };
	if (to->sa_family == AF_INET) {
		addr->in.sin_family = AF_INET;
		addr->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		addr->in6 = *(const struct sockaddr_in6 *)to;
		addr->in6.sin6_port = 0;
	}
}

static bool is_bound(const struct preload_address *addr)
{
	if (addr->any.sa_family == AF_UNIX)
		return addr->len > sizeof(addr->un.sun_family);
	return addr->in.sin_port;
}

/* As it is: the program is not shown what was chosen for it. */
static bool get_address(int fd, struct preload_address *addr)
{
	addr->len = sizeof(addr->room);
	return !next_getsockname()(fd, &addr->any, &addr->len);
}

/*
 * By the address from which the socket will be seen to come: that of the other
 * side is the one of an unbound one too.
 *
 * Return: the tag, or 0 if this socket cannot have one.
 */
static uint64_t make_tag(int fd, const struct sockaddr *to, socklen_t len)
{
	struct preload_address addr, known;

	if (!get_address(fd, &addr) || addr.any.sa_family != to->sa_family)
		return 0;
	if (!is_bound(&addr)) {
		choose_address(to, len, &addr);
		if (bind(fd, &addr.any, addr.len) || !get_address(fd, &addr))
			return 0;
	}
	preload_address_set(&known, &addr.room, addr.len);
	return preload_tag(&known);
}

static bool send_offer(int mailbox, const struct mbox_wires *wires, uint64_t tag)
{
	struct mbox_ioc_msg req = {
		.tag = tag,
		.fds = mbox_address(wires->offer),
		.nr_fds = 2,
		.flags = MBOX_NONBLOCK,
	};

	return tag && !mbox_ioctl(mailbox, MBOX_IOC_SEND, &req);
}

/* Return: the end for who connects, or negative. */
static int offer_by(int mailbox, int fd, const struct sockaddr *to, socklen_t len)
{
	struct mbox_wires wires;
	int end = mbox_wires_make(&wires, fcntl(fd, F_GETFL) & O_NONBLOCK);

	if (!end && send_offer(mailbox, &wires, make_tag(fd, to, len))) {
		end = wires.end;
		wires.end = -1;
	} else {
		end = -1;
	}
	mbox_wires_close(&wires);
	return end;
}

static int make_offer(int fd, const struct sockaddr *to, socklen_t len)
{
	int mailbox = find_mailbox(to, len);
	int end = -1;

	if (mailbox < 0)
		return -1;
	if (is_eligible(fd))
		end = offer_by(mailbox, fd, to, len);
	close(mailbox);
	return end;
}

static bool has_connected(int fd, int ret, int error)
{
	struct pollfd poller = { .fd = fd, .events = POLLOUT };

	if (!ret)
		return true;
	return (error == EINPROGRESS || error == EINTR) &&
	       poll(&poller, 1, HANDSHAKE_MS) == 1 && poller.revents == POLLOUT;
}

PRELOAD_API int connect(int fd, const struct sockaddr *to, socklen_t len)
{
	int error = errno;
	int end = to ? make_offer(fd, to, len) : -1;
	int ret;

	errno = error;
	ret = next_connect()(fd, to, len);
	error = errno;
	if (end >= 0 && has_connected(fd, ret, error))
		preload_upgrade(fd, end);
	else if (end >= 0)
		close(end);
	else if (ret && error == ENOTSOCK && preload_is_connection(fd))
		error = EISCONN;
	errno = error;
	return ret;
}
