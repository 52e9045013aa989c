// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <linux/mbox.h>

#include "address.h"
#include "netids.h"

static struct sockaddr_in *inet(const struct address *address)
{
	return (struct sockaddr_in *)&address->storage;
}

static struct sockaddr_in6 *inet6(const struct address *address)
{
	return (struct sockaddr_in6 *)&address->storage;
}

static struct sockaddr_un *local(const struct address *address)
{
	return (struct sockaddr_un *)&address->storage;
}

/* The byte after the dot at @dot, which is digits up to @end; else -1. */
static int byte_after(const char *dot, const char *end)
{
	int value = 0;

	if (end - dot < 2 || end - dot > 4)
		return -1;
	for (dot++; dot < end; dot++) {
		if (*dot < '0' || *dot > '9')
			return -1;
		value = 10 * value + *dot - '0';
	}
	return value <= UINT8_MAX ? value : -1;
}

/* Split "HOST.HIGH.LOW". The host can hold as much as @text does. */
static bool split(const char *text, char host[ADDRESS_MAX + 1], uint16_t *port)
{
	const char *end = text + strlen(text);
	const char *low = strrchr(text, '.');
	const char *high = low ? memrchr(text, '.', low - text) : NULL;
	int bytes[2];

	if (!high || end - text > ADDRESS_MAX)
		return false;
	bytes[0] = byte_after(high, low);
	bytes[1] = byte_after(low, end);
	if (bytes[0] < 0 || bytes[1] < 0)
		return false;
	*(char *)mempcpy(host, text, high - text) = '\0';
	*port = bytes[0] << 8 | bytes[1];
	return true;
}

static bool parse_inet(const char *text, struct address *address)
{
	char host[ADDRESS_MAX + 1];
	uint16_t port;

	if (!split(text, host, &port) ||
	    inet_pton(AF_INET, host, &inet(address)->sin_addr) != 1)
		return false;
	inet(address)->sin_port = htons(port);
	address->length = sizeof(struct sockaddr_in);
	return true;
}

static bool parse_inet6(const char *text, struct address *address)
{
	char host[ADDRESS_MAX + 1];
	uint16_t port;

	if (!split(text, host, &port) ||
	    inet_pton(AF_INET6, host, &inet6(address)->sin6_addr) != 1)
		return false;
	inet6(address)->sin6_port = htons(port);
	address->length = sizeof(struct sockaddr_in6);
	return true;
}

static bool parse_local(const char *text, struct address *address)
{
	size_t length = strlen(text);

	if (!length || length >= sizeof(local(address)->sun_path))
		return false;
	memcpy(local(address)->sun_path, text, length + 1);
	address->length = sizeof(struct sockaddr_un);
	return true;
}

bool address_parse(const struct netconfig *netid, const char *text,
		   struct address *address)
{
	*address = (struct address){ 0 };
	address->storage.ss_family = netid_family(netid);
	switch (address->storage.ss_family) {
	case AF_INET:
		return parse_inet(text, address);
	case AF_INET6:
		return parse_inet6(text, address);
	case AF_UNIX:
		return parse_local(text, address);
	default:
		return false;
	}
}

static bool is_mailbox_name(const char *text)
{
	if (*text == '/')
		text++;
	return *text && !strchr(text, '/') && strlen(text) <= MBOX_NAME_MAX;
}

bool address_is_valid(const struct netconfig *netid, const char *text)
{
	struct address address;

	if (!strcmp(netid->nc_netid, NETID_MBOX))
		return is_mailbox_name(text);
	return address_parse(netid, text, &address);
}

static bool format_inet(const struct address *address, char *text)
{
	int family = address->storage.ss_family;
	const void *host = family == AF_INET ? (void *)&inet(address)->sin_addr :
			   (void *)&inet6(address)->sin6_addr;
	socklen_t whole = family == AF_INET ? sizeof(struct sockaddr_in) :
			  sizeof(struct sockaddr_in6);
	uint16_t port = address_port(address);

	if (address->length < whole ||
	    !inet_ntop(family, host, text, INET6_ADDRSTRLEN))
		return false;
	sprintf(text + strlen(text), ".%u.%u", port >> 8, port & 0xff);
	return true;
}

static bool format_local(const struct address *address, char *text)
{
	const char *path = local(address)->sun_path;
	size_t room = address->length - offsetof(struct sockaddr_un, sun_path);
	size_t length;

	if (address->length <= offsetof(struct sockaddr_un, sun_path))
		return false;
	if (room > sizeof(local(address)->sun_path))
		room = sizeof(local(address)->sun_path);
	length = strnlen(path, room);
	if (!length)
		return false;
	*(char *)mempcpy(text, path, length) = '\0';
	return true;
}

bool address_format(const struct netconfig *netid,
		    const struct address *address, char text[ADDRESS_MAX + 1])
{
	if (address->length < sizeof(sa_family_t) ||
	    address->storage.ss_family != netid_family(netid))
		return false;
	switch (address->storage.ss_family) {
	case AF_INET:
	case AF_INET6:
		return format_inet(address, text);
	case AF_UNIX:
		return format_local(address, text);
	default:
		return false;
	}
}

uint16_t address_port(const struct address *address)
{
	switch (address->storage.ss_family) {
	case AF_INET:
		return ntohs(inet(address)->sin_port);
	case AF_INET6:
		return ntohs(inet6(address)->sin6_port);
	default:
		return 0;
	}
}

void address_set_port(struct address *address, uint16_t port)
{
	if (address->storage.ss_family == AF_INET)
		inet(address)->sin_port = htons(port);
	if (address->storage.ss_family == AF_INET6)
		inet6(address)->sin6_port = htons(port);
}

bool address_is_wildcard(const struct address *address)
{
	switch (address->storage.ss_family) {
	case AF_INET:
		return inet(address)->sin_addr.s_addr == htonl(INADDR_ANY);
	case AF_INET6:
		return IN6_IS_ADDR_UNSPECIFIED(&inet6(address)->sin6_addr);
	default:
		return false;
	}
}

bool address_is_loopback(const struct address *address)
{
	switch (address->storage.ss_family) {
	case AF_INET:
		return inet(address)->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&inet6(address)->sin6_addr);
	default:
		return false;
	}
}
