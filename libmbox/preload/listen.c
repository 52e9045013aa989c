/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Sockets that listen: the mailbox that each has beside, and accept(2).
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/internal.h"
#include "preload.h"
#include "socket.h"

/* Sockets that listen at once, and offers that wait for one to be accepted. */
#define LISTENERS	64
#define OFFERS		4096

/* Where other descriptors of a socket that is closed are looked for. */
#define DESCRIPTORS	512

/*
 * The number of a socket above, that of its mailbox below, or 0 there if it has
 * none. The socket, not its descriptor: that can be another one's next.
 */
#define SOCKET_SHIFT	32

static _Atomic uint64_t listeners[LISTENERS];
static _Atomic int count;

PRELOAD_NEXT(accept4)
PRELOAD_NEXT(listen)

/* Return: the number of a socket, or 0. */
uint64_t preload_socket_of(int fd)
{
	struct stat file;

	return fstat(fd, &file) || !S_ISSOCK(file.st_mode) ? 0 : file.st_ino;
}

static _Atomic uint64_t *find(uint64_t socket)
{
	int i;

	for (i = 0; i < LISTENERS; i++)
		if (listeners[i] >> SOCKET_SHIFT == socket)
			return &listeners[i];
	return NULL;
}

static bool remember(uint64_t socket, int mailbox)
{
	int i;

	for (i = 0; i < LISTENERS; i++) {
		uint64_t free = 0;

		if (atomic_compare_exchange_strong(&listeners[i], &free,
						   socket << SOCKET_SHIFT | mailbox)) {
			count++;
			return true;
		}
	}
	return false;
}

static void forget(_Atomic uint64_t *listener)
{
	int mailbox = atomic_exchange(listener, 0) & INT32_MAX;

	count--;
	if (mailbox)
		preload_close_hidden(mailbox);
}

int preload_option_of(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, name, &value, &len) ? 0 : value;
}

bool preload_is_stream(int fd)
{
	int protocol = preload_option_of(fd, SOL_SOCKET, SO_PROTOCOL);

	return preload_option_of(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM &&
	       (!protocol || protocol == IPPROTO_TCP);
}

/* One of several on a port cannot know which of them the kernel connects. */
static bool is_alone(int fd)
{
	return !preload_option_of(fd, SOL_SOCKET, SO_REUSEPORT) &&
	       !preload_option_of(fd, SOL_SOCKET, SO_PASSCRED);
}

static bool name_of(int fd, struct preload_name *name)
{
	bool only6 = preload_option_of(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	struct preload_address addr, known;

	addr.len = sizeof(addr.room);
	if (getsockname(fd, &addr.any, &addr.len))
		return false;
	preload_address_set(&known, &addr.room, addr.len);
	return preload_listen_name(&known, only6, name);
}

/*
 * Another process can have it already, from which the socket is: each then takes
 * the offers of those whom it accepts.
 */
static int open_mailbox(const struct preload_name *name)
{
	struct mbox_ioc_create req = {
		.name = mbox_address(name->text),
		.capacity = OFFERS,
		.oflag = O_RDONLY,
		.mode = 0600,
		.flags = MBOX_HANDLES | MBOX_TRANSIENT | MBOX_TAGGED,
	};
	struct mbox_ioc_status status = { 0 };
	int fd = mbox_device_ioctl(MBOX_IOC_CREATE, &req);

	if (fd < 0)
		return fd;
	if (!mbox_ioctl(fd, MBOX_IOC_STATUS, &status) &&
	    status.uid == geteuid() && status.flags & MBOX_TAGGED)
		return preload_hide(fd);
	close(fd);
	return -EPERM;
}

/* Return: the mailbox, or 0; one that was handed to this program gets its own. */
static int mailbox_of(int fd)
{
	uint64_t socket = preload_socket_of(fd);
	_Atomic uint64_t *known = find(socket);
	struct preload_name name;
	int mailbox = 0;

	if (!socket)
		return 0;
	if (known)
		return *known & INT32_MAX;
	if (preload_is_stream(fd) && is_alone(fd) && name_of(fd, &name))
		mailbox = open_mailbox(&name);
	if (mailbox < 0)
		mailbox = 0;
	if (remember(socket, mailbox) || !mailbox)
		return mailbox;
	preload_close_hidden(mailbox);
	return 0;
}

PRELOAD_API int listen(int fd, int backlog)
{
	int error = errno;
	int ret = next_listen()(fd, backlog);

	if (preload_is_ours(fd, ret))
		errno = EINVAL;
	if (ret)
		return ret;
	mailbox_of(fd);
	errno = error;
	return 0;
}

/* Whether another descriptor than those given is of that socket. */
static bool is_elsewhere(uint64_t socket, unsigned int first, unsigned int last)
{
	unsigned int fd;

	for (fd = 0; fd < DESCRIPTORS; fd++)
		if ((fd < first || fd > last) && preload_socket_of(fd) == socket)
			return true;
	return false;
}

static void closed(uint64_t socket, unsigned int first, unsigned int last)
{
	_Atomic uint64_t *listener = find(socket);

	if (socket && listener && preload_owns_memory() &&
	    !is_elsewhere(socket, first, last))
		forget(listener);
}

/*
 * A mailbox that outlives its socket would take the offers of clients of the next
 * one at that address.
 */
void preload_listeners_closed(unsigned int first, unsigned int last)
{
	int error = errno;
	int i;

	if (count && first == last)
		closed(preload_socket_of(first), first, last);
	for (i = 0; count && first < last && i < LISTENERS; i++)
		closed(listeners[i] >> SOCKET_SHIFT, first, last);
	errno = error;
}

/* Who connected may have seen that fail, or have had enough of it since. */
static bool is_alive(int end)
{
	struct pollfd poller = { .fd = end };
	int unread = 0;

	return poll(&poller, 1, 0) <= 0 || !(poller.revents & POLLHUP) ||
	       (!ioctl(end, FIONREAD, &unread) && unread);
}

/*
 * The mode of the mailbox has seen to it that the sender is of the same user, or
 * may do all things.
 *
 * Return: the other end, -EAGAIN if there was no offer, or another error.
 */
static int take_offer(int mailbox, uint64_t tag, int flags)
{
	struct mbox_fd offer[MBOX_FDS_MAX];
	struct mbox_ioc_msg req = {
		.tag = tag,
		.flags = MBOX_NONBLOCK | MBOX_TAG,
		.fds = mbox_address(offer),
		.nr_fds = MBOX_FDS_MAX,
	};
	int ret = mbox_ioctl(mailbox, MBOX_IOC_RECV, &req);

	if (ret)
		return ret;
	return mbox_join_offer(offer, req.nr_fds,
			       flags & SOCK_NONBLOCK ? O_NONBLOCK : 0);
}

static int take_live_offer(int mailbox, uint64_t tag, int flags)
{
	int end;

	while ((end = take_offer(mailbox, tag, flags)) >= 0 && !is_alive(end))
		close(end);
	return end;
}

static void hide_unique(struct preload_address *addr)
{
	if (preload_is_unique(addr))
		addr->len = sizeof(addr->un.sun_family);
}

static void upgrade(int listener, int fd, struct preload_address *peer, int flags)
{
	struct preload_address known;
	int mailbox = mailbox_of(listener);
	int end = -EAGAIN;

	preload_address_set(&known, &peer->room, peer->len);
	if (mailbox && preload_tag(&known))
		end = take_live_offer(mailbox, preload_tag(&known), flags);
	if (end >= 0)
		preload_upgrade(fd, end);
	hide_unique(peer);
}

PRELOAD_API int accept4(int listener, struct sockaddr *restrict addr,
			socklen_t *restrict len, int flags)
{
	struct preload_address peer = { .len = sizeof(peer.room) };
	int error = errno;
	int fd;

	if (addr && !len)
		return preload_fail(-EFAULT);
	if (addr && (int)*len < 0)
		return preload_fail(-EINVAL);
	fd = next_accept4()(listener, &peer.any, &peer.len, flags);
	if (fd < 0) {
		if (preload_is_ours(listener, fd))
			errno = EINVAL;
		return fd;
	}
	upgrade(listener, fd, &peer, flags);
	if (addr)
		preload_address_get(&peer, addr, len);
	errno = error;
	return fd;
}

PRELOAD_API int accept(int listener, struct sockaddr *restrict addr,
		       socklen_t *restrict len)
{
	return accept4(listener, addr, len, 0);
}
