/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What can be asked and told of a socket, and is of a connection.
 *
 * Options are asked of a fresh socket of the kind that the connection was, which
 * has got what was set. So what there is, what it can be and what it is at first
 * is as the kernel has it.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "preload.h"
#include "socket.h"

PRELOAD_NEXT(getpeername)
PRELOAD_NEXT(getsockname)
PRELOAD_NEXT(getsockopt)
PRELOAD_NEXT(setsockopt)
PRELOAD_NEXT(shutdown)

/* That of a program which got its connection by execve(2). */
static const struct preload_address loopback = {
	.len = sizeof(loopback.in),
	.in.sin_family = AF_INET,
	.in.sin_addr.s_addr = __builtin_bswap32(INADDR_LOOPBACK),
};

/* An address that nobody but this library has chosen is none. */
static int give(const struct preload_address *addr, struct sockaddr *to,
		socklen_t *len)
{
	struct preload_address shown = *addr;
	int ret;

	if (!to || !len)
		return preload_fail(-EFAULT);
	if (preload_is_unique(addr))
		shown.len = sizeof(shown.un.sun_family);
	ret = preload_address_get(&shown, to, len);
	return ret ? preload_fail(ret) : 0;
}

PRELOAD_API int getsockname(int fd, struct sockaddr *restrict to,
			    socklen_t *restrict len)
{
	struct preload_address addr = { .len = sizeof(addr.room) };
	struct preload_connection *connection;
	int ret = next_getsockname()(fd, &addr.any, &addr.len);

	if (!ret)
		return give(&addr, to, len);
	if (!preload_is_ours(fd, ret))
		return ret;
	connection = preload_connection_of(fd);
	return give(connection ? &connection->local : &loopback, to, len);
}

PRELOAD_API int getpeername(int fd, struct sockaddr *restrict to,
			    socklen_t *restrict len)
{
	struct preload_address addr = { .len = sizeof(addr.room) };
	struct preload_connection *connection;
	int ret = next_getpeername()(fd, &addr.any, &addr.len);

	if (!ret)
		return give(&addr, to, len);
	if (!preload_is_ours(fd, ret))
		return ret;
	connection = preload_connection_of(fd);
	return give(connection ? &connection->peer : &loopback, to, len);
}

/* Return: a socket that has the options of the connection, or negative. */
static int stand_in(const struct preload_connection *connection)
{
	int domain = connection ? connection->domain : AF_INET;
	int fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int i;

	for (i = 0; fd >= 0 && connection && i < PRELOAD_OPTIONS; i++) {
		const struct preload_option *set = &connection->options[i];

		if (set->name)
			next_setsockopt()(fd, set->level, set->name, &set->value,
					  sizeof(set->value));
	}
	return fd;
}

/* Credentials go over the socket itself. Return: its number, or 0. */
static int socket_of(const struct preload_connection *connection, int level, int name)
{
	return connection && level == SOL_SOCKET && name == SO_PASSCRED ?
		       connection->socket : 0;
}

static bool is_peercred(const struct preload_connection *connection, int level,
			int name)
{
	return connection && connection->domain == AF_UNIX &&
	       level == SOL_SOCKET && name == SO_PEERCRED;
}

static int get_cred(const struct preload_connection *connection, void *value,
		    socklen_t *len)
{
	if (*len > sizeof(connection->cred))
		*len = sizeof(connection->cred);
	memcpy(value, &connection->cred, *len);
	return 0;
}

static int get_option(int fd, int level, int name, void *value, socklen_t *len)
{
	struct preload_connection *connection = preload_connection_of(fd);
	int ret, error, other;

	if (is_peercred(connection, level, name))
		return get_cred(connection, value, len);
	if (socket_of(connection, level, name))
		return next_getsockopt()(connection->socket, level, name, value, len);
	other = stand_in(connection);
	if (other < 0)
		return -1;
	ret = next_getsockopt()(other, level, name, value, len);
	error = errno;
	close(other);
	errno = error;
	return ret;
}

PRELOAD_API int getsockopt(int fd, int level, int name, void *restrict value,
			   socklen_t *restrict len)
{
	int ret = next_getsockopt()(fd, level, name, value, len);

	return preload_is_ours(fd, ret) ? get_option(fd, level, name, value, len) : ret;
}

/* Those that are no int, and those past the number that there is room for, go. */
static void remember(struct preload_connection *connection, int level, int name,
		     const void *value, socklen_t len)
{
	int i;

	if (!connection || len != sizeof(int))
		return;
	for (i = 0; i < PRELOAD_OPTIONS; i++) {
		struct preload_option *set = &connection->options[i];

		if (!set->name || (set->level == level && set->name == name)) {
			set->level = level;
			memcpy(&set->value, value, sizeof(set->value));
			set->name = name;
			return;
		}
	}
}

/* read(2) would not know of a time, and bytes do not tell who sent them. */
static bool is_impossible(int level, int name, const void *value, socklen_t len)
{
	static const struct timeval zero;

	if (level != SOL_SOCKET)
		return false;
	if (name == SO_RCVTIMEO || name == SO_SNDTIMEO)
		return len >= sizeof(zero) && memcmp(value, &zero, sizeof(zero));
	return name == SO_PASSCRED && len >= sizeof(int) &&
	       memcmp(value, &zero, sizeof(int));
}

static int set_option(int fd, int level, int name, const void *value, socklen_t len)
{
	struct preload_connection *connection = preload_connection_of(fd);
	int ret, error, other;

	if (socket_of(connection, level, name))
		return next_setsockopt()(connection->socket, level, name, value, len);
	other = stand_in(connection);
	if (other < 0)
		return -1;
	ret = next_setsockopt()(other, level, name, value, len);
	error = errno;
	close(other);
	if (!ret && is_impossible(level, name, value, len))
		return preload_fail(-ENOPROTOOPT);
	if (!ret)
		remember(connection, level, name, value, len);
	errno = error;
	return ret;
}

PRELOAD_API int setsockopt(int fd, int level, int name, const void *value,
			   socklen_t len)
{
	int ret = next_setsockopt()(fd, level, name, value, len);

	return preload_is_ours(fd, ret) ? set_option(fd, level, name, value, len) : ret;
}

PRELOAD_API int shutdown(int fd, int how)
{
	struct preload_connection *connection;
	int ret = next_shutdown()(fd, how);

	if (!preload_is_ours(fd, ret))
		return ret;
	ret = mbox_shutdown(fd, how);
	if (ret)
		return preload_fail(ret);
	connection = preload_connection_beside(fd);
	if (connection)
		next_shutdown()(connection->socket, how);
	return 0;
}
