/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Connections in the place of sockets, and what these were.
 *
 * accept(2), connect(2) and the calls on what they return can be made in signal
 * handlers, so there are no locks.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "../src/internal.h"
#include "preload.h"
#include "socket.h"

/* Connections that what their sockets were is known of, at once. */
#define CONNECTIONS	1024

/* Descriptors that are found to be connections without asking the kernel. */
#define HINTS		65536

/* Where other descriptors of a connection that is closed are looked for. */
#define DESCRIPTORS	512

static struct preload_connection connections[CONNECTIONS];

/* How many of them have a socket. */
static _Atomic int sockets;

/*
 * What a descriptor was when it was last looked at: 1 for a connection, 0 for
 * anything. It is reset by all calls of libc that close one; past those that
 * reset nothing it says 1 of another descriptor, and then read(2) and write(2)
 * are called in the place of recv(2) and send(2), which are the same on a socket.
 */
static _Atomic uint8_t hints[HINTS];
static _Atomic unsigned int highest;

static void hint(unsigned int fd)
{
	unsigned int known = highest;

	if (fd >= HINTS)
		return;
	while (known < fd && !atomic_compare_exchange_weak(&highest, &known, fd))
		;
	atomic_store_explicit(&hints[fd], 1, memory_order_release);
}

bool preload_connection_hinted(int fd)
{
	return (unsigned int)fd < HINTS &&
	       atomic_load_explicit(&hints[fd], memory_order_relaxed);
}

/* Return: the number of the stream that is read, or 0 if it is no connection. */
static uint64_t id_of(int fd)
{
	struct mbox_ioc_shutdown none = { 0 };
	struct mbox_ioc_status status = { 0 };

	if (mbox_ioctl(fd, MBOX_IOC_STATUS, &status) ||
	    !(status.flags & MBOX_BYTE_STREAM) ||
	    mbox_ioctl(fd, MBOX_IOC_SHUTDOWN, &none) != -EINVAL)
		return 0;
	return status.id;
}

/* One end of a pipe does not know MBOX_IOC_SHUTDOWN, and is no socket either. */
bool preload_is_connection(int fd)
{
	int error = errno;
	bool is;

	if (preload_connection_hinted(fd))
		return true;
	is = id_of(fd);
	errno = error;
	if (is)
		hint(fd);
	return is;
}

bool preload_is_ours(int fd, ssize_t ret)
{
	return ret < 0 && errno == ENOTSOCK && preload_is_connection(fd);
}

static struct preload_connection *find(uint64_t id)
{
	int i;

	for (i = 0; i < CONNECTIONS; i++)
		if (connections[i].id == id)
			return &connections[i];
	return NULL;
}

struct preload_connection *preload_connection_of(int fd)
{
	uint64_t id = id_of(fd);

	return id ? find(id) : NULL;
}

struct preload_connection *preload_connection_beside(int fd)
{
	struct preload_connection *connection =
		sockets ? preload_connection_of(fd) : NULL;

	return connection && connection->socket ? connection : NULL;
}

static void drop_socket(struct preload_connection *connection)
{
	int socket = atomic_exchange(&connection->socket, 0);

	if (!socket)
		return;
	sockets--;
	preload_close_hidden(socket);
}

/*
 * Whether another descriptor than those given is of that connection, which dup(2)
 * has told nobody. It is noticed from then on when that one is closed.
 */
static bool is_elsewhere(uint64_t id, unsigned int first, unsigned int last)
{
	struct pollfd fds[DESCRIPTORS];
	unsigned int fd;

	for (fd = 0; fd < DESCRIPTORS; fd++)
		fds[fd] = (struct pollfd) { .fd = fd };
	poll(fds, DESCRIPTORS, 0);
	for (fd = 0; fd < DESCRIPTORS; fd++) {
		if (fds[fd].revents & POLLNVAL || (fd >= first && fd <= last) ||
		    id_of(fd) != id)
			continue;
		hint(fd);
		return true;
	}
	return false;
}

/* What was written of it stays for other descriptors of it, as long as it can. */
static void closed(int fd, unsigned int first, unsigned int last)
{
	struct preload_connection *connection;
	int error = errno;

	if (!preload_owns_memory() || !atomic_exchange(&hints[fd], 0))
		return;
	connection = preload_connection_of(fd);
	if (connection && !(connection->socket &&
			    is_elsewhere(connection->id, first, last))) {
		drop_socket(connection);
		connection->open = false;
	}
	errno = error;
}

void preload_connections_closed(unsigned int first, unsigned int last)
{
	unsigned int end = highest, fd;

	for (fd = first; fd <= last && fd <= end; fd++)
		if (hints[fd])
			closed(fd, first, last);
}

/* From the one after that which was taken last, so that the oldest goes first. */
static struct preload_connection *take(void)
{
	static _Atomic unsigned int next;
	int i;

	for (i = 0; i < CONNECTIONS; i++) {
		struct preload_connection *one =
			&connections[atomic_fetch_add(&next, 1) % CONNECTIONS];
		bool open = false;

		if (atomic_compare_exchange_strong(&one->open, &open, true))
			return one;
	}
	return NULL;
}

static void learn(int fd, struct preload_connection *connection)
{
	socklen_t domain_len = sizeof(connection->domain);
	socklen_t cred_len = sizeof(connection->cred);

	connection->local.len = sizeof(connection->local.room);
	if (getsockname(fd, &connection->local.any, &connection->local.len))
		connection->local.len = 0;
	connection->peer.len = sizeof(connection->peer.room);
	if (getpeername(fd, &connection->peer.any, &connection->peer.len))
		connection->peer.len = 0;
	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &connection->domain, &domain_len);
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &connection->cred, &cred_len);
	memset(connection->options, 0, sizeof(connection->options));
}

/* Those that were closed past libc are still there when the other end is gone. */
static void drop_dead(void)
{
	int i;

	for (i = 0; i < CONNECTIONS; i++) {
		struct pollfd poller = { .fd = connections[i].socket };

		if (poller.fd && poll(&poller, 1, 0) == 1 && poller.revents & POLLHUP)
			drop_socket(&connections[i]);
	}
}

/* Whether it waits is asked of the connection from now on. */
static void keep_socket(int fd, struct preload_connection *connection)
{
	int socket = preload_hide_copy(fd);

	if (socket == -EMFILE) {
		drop_dead();
		socket = preload_hide_copy(fd);
	}
	if (socket < 0)
		return;
	fcntl(socket, F_SETFL, 0);
	connection->socket = socket;
	sockets++;
}

void preload_upgrade(int fd, int end)
{
	struct preload_connection *connection = take();
	int flags = fcntl(fd, F_GETFD);
	uint64_t id = id_of(end);

	if (connection) {
		connection->id = 0;
		connection->read = 0;
		learn(fd, connection);
		if (connection->domain == AF_UNIX)
			keep_socket(fd, connection);
		connection->id = id;
	}
	dup3(end, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
	close(end);
	hint(fd);
}
