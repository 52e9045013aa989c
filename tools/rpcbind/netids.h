/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The transports by name: those of /etc/netconfig, and "mbox".
 */
#ifndef NETIDS_H
#define NETIDS_H

#include <netconfig.h>
#include <stdbool.h>
#include <sys/socket.h>

#define NETID_MBOX	"mbox"

/* What /etc/netconfig says of a name, or NULL. It stays until the end. */
const struct netconfig *netid_find(const char *netid);

/* AF_INET, AF_INET6, AF_UNIX, or AF_UNSPEC for one that has no sockets. */
sa_family_t netid_family(const struct netconfig *netid);

/* SOCK_STREAM or SOCK_DGRAM */
int netid_socktype(const struct netconfig *netid);

/* Whether both reach the same peers: "tcp" and "udp" do, "tcp6" does not. */
bool netid_same_family(const struct netconfig *a, const struct netconfig *b);

/* Whether only processes of this machine are reached: "local" and "mbox". */
bool netid_is_local(const struct netconfig *netid);

#endif /* NETIDS_H */
