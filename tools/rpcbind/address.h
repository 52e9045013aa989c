/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Universal addresses, the text that the protocol has for any address: of IPv4
 * and IPv6 the host, then the port's two bytes, "127.0.0.1.0.111"; of a local
 * socket its path; of a mailbox its name. All lengths and bounds are checked,
 * which those of libtirpc leave to the caller.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <netconfig.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "table.h"

/* A socket's address with its length. */
struct address {
	struct sockaddr_storage storage;
	socklen_t length;
};

/* Whether @text is an address of @netid; for a mailbox it has no socket's. */
bool address_is_valid(const struct netconfig *netid, const char *text);

/* False unless @text is an address of @netid and that has sockets. */
bool address_parse(const struct netconfig *netid, const char *text,
		   struct address *address);

/* False unless @address is whole and of a family of @netid's. */
bool address_format(const struct netconfig *netid,
		    const struct address *address, char text[ADDRESS_MAX + 1]);

/* The port; 0 when the family has none. */
uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);

/* Whether the host is "any". */
bool address_is_wildcard(const struct address *address);

/* Whether the host is this one by its loopback device. */
bool address_is_loopback(const struct address *address);

#endif /* ADDRESS_H */
