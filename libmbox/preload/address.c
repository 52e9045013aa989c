/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Addresses of sockets, and the names of the mailboxes that stand for them.
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "socket.h"

#define PATH_AT		offsetof(struct sockaddr_un, sun_path)

/* What abstract addresses that this library has chosen begin with. */
static const char unique[] = "\0mbox.";

#define UNIQUE_LEN	(sizeof(unique) - 1)

void preload_address_set(struct preload_address *addr, const void *from,
			 socklen_t len)
{
	struct sockaddr_in6 in6;

	*addr = (struct preload_address) { .len = len };
	if (len > sizeof(addr->room))
		addr->len = 0;
	memcpy(&addr->room, from, addr->len);
	in6 = addr->in6;
	if (len < sizeof(in6) || in6.sin6_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
		return;
	*addr = (struct preload_address) {
		.len = sizeof(addr->in),
		.in = { .sin_family = AF_INET, .sin_port = in6.sin6_port },
	};
	memcpy(&addr->in.sin_addr, &in6.sin6_addr.s6_addr[12], 4);
}

int preload_address_get(const struct preload_address *addr, struct sockaddr *to,
			socklen_t *len)
{
	if ((int)*len < 0)
		return -EINVAL;
	memcpy(to, &addr->room, *len < addr->len ? *len : addr->len);
	*len = addr->len;
	return 0;
}

static bool is_inet(const struct preload_address *addr)
{
	return addr->len >= sizeof(addr->in) && addr->any.sa_family == AF_INET;
}

static bool is_inet6(const struct preload_address *addr)
{
	return addr->len >= sizeof(addr->in6) && addr->any.sa_family == AF_INET6;
}

static bool is_unix(const struct preload_address *addr)
{
	return addr->len > PATH_AT && addr->any.sa_family == AF_UNIX;
}

static bool is_loopback(const struct preload_address *addr)
{
	return ntohl(addr->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static void inet_name(const struct preload_address *addr, struct preload_name *name)
{
	char host[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &addr->in.sin_addr, host, sizeof(host));
	snprintf(name->text, sizeof(name->text), "tcp:%s:%u", host,
		 ntohs(addr->in.sin_port));
}

static void port_name(const char *host, in_port_t port, struct preload_name *name)
{
	snprintf(name->text, sizeof(name->text), "tcp:%s:%u", host, ntohs(port));
}

/* With the time of its birth, as the number of a file can be another's later. */
static bool file_name(const struct preload_address *addr, struct preload_name *name)
{
	char path[sizeof(addr->room) + 1] = "";
	struct statx file;

	memcpy(path, addr->un.sun_path, addr->len - PATH_AT);
	if (statx(AT_FDCWD, path, 0, STATX_TYPE | STATX_INO | STATX_BTIME, &file) ||
	    !S_ISSOCK(file.stx_mode))
		return false;
	if (!(file.stx_mask & STATX_BTIME))
		file.stx_btime = (struct statx_timestamp) { 0 };
	snprintf(name->text, sizeof(name->text), "unix:%u.%u:%llu:%lld.%09u",
		 file.stx_dev_major, file.stx_dev_minor,
		 (unsigned long long)file.stx_ino,
		 (long long)file.stx_btime.tv_sec, file.stx_btime.tv_nsec);
	return true;
}

/* One byte of an abstract name can be any. */
static int escape(char *to, size_t room, unsigned char byte)
{
	bool plain = isgraph(byte) && byte != '/' && byte != '%';

	return snprintf(to, room, plain ? "%c" : "%%%02x", byte);
}

static bool abstract_name(const struct preload_address *addr,
			  struct preload_name *name)
{
	size_t len = addr->len - PATH_AT, i, at;

	at = snprintf(name->text, sizeof(name->text), "unix:@");
	for (i = 1; i < len && at < sizeof(name->text); i++)
		at += escape(name->text + at, sizeof(name->text) - at,
			     addr->un.sun_path[i]);
	return at < sizeof(name->text);
}

static bool unix_name(const struct preload_address *addr, struct preload_name *name)
{
	return addr->un.sun_path[0] ? file_name(addr, name) :
				      abstract_name(addr, name);
}

bool preload_listen_name(const struct preload_address *addr, bool only6,
			 struct preload_name *name)
{
	if (is_unix(addr))
		return unix_name(addr, name);
	if (is_inet(addr)) {
		inet_name(addr, name);
		return is_loopback(addr) || addr->in.sin_addr.s_addr == INADDR_ANY;
	}
	if (!is_inet6(addr))
		return false;
	if (IN6_IS_ADDR_LOOPBACK(&addr->in6.sin6_addr))
		port_name("[::1]", addr->in6.sin6_port, name);
	else if (IN6_IS_ADDR_UNSPECIFIED(&addr->in6.sin6_addr))
		port_name(only6 ? "[::]" : "*", addr->in6.sin6_port, name);
	else
		return false;
	return true;
}

/* The address itself first, as the kernel looks for who listens. */
int preload_connect_names(const struct preload_address *addr,
			  struct preload_name names[PRELOAD_NAMES])
{
	if (is_unix(addr))
		return unix_name(addr, names);
	if (is_inet(addr) && is_loopback(addr)) {
		inet_name(addr, names);
		port_name("0.0.0.0", addr->in.sin_port, names + 1);
		port_name("*", addr->in.sin_port, names + 2);
		return 3;
	}
	if (!is_inet6(addr) || !IN6_IS_ADDR_LOOPBACK(&addr->in6.sin6_addr))
		return 0;
	port_name("[::1]", addr->in6.sin6_port, names);
	port_name("[::]", addr->in6.sin6_port, names + 1);
	port_name("*", addr->in6.sin6_port, names + 2);
	return 3;
}

void preload_unique_address(struct preload_address *addr)
{
	*addr = (struct preload_address) {
		.len = PATH_AT + UNIQUE_LEN + sizeof(uint64_t),
		.un.sun_family = AF_UNIX,
	};
	memcpy(addr->un.sun_path, unique, UNIQUE_LEN);
	getrandom(addr->un.sun_path + UNIQUE_LEN, sizeof(uint64_t), GRND_NONBLOCK);
}

bool preload_is_unique(const struct preload_address *addr)
{
	return is_unix(addr) &&
	       addr->len == PATH_AT + UNIQUE_LEN + sizeof(uint64_t) &&
	       !memcmp(addr->un.sun_path, unique, UNIQUE_LEN);
}

uint64_t preload_tag(const struct preload_address *addr)
{
	uint64_t tag = 0;

	if (is_inet(addr) && addr->in.sin_port)
		return (uint64_t)addr->in.sin_addr.s_addr << 16 | addr->in.sin_port;
	if (is_inet6(addr) && addr->in6.sin6_port)
		return 1ULL << 48 | addr->in6.sin6_port;
	if (preload_is_unique(addr))
		memcpy(&tag, addr->un.sun_path + UNIQUE_LEN, sizeof(tag));
	return tag;
}
