// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <string.h>

#include "netids.h"

static char mbox[] = NETID_MBOX, none[] = NC_NOPROTO;
static const struct netconfig mailboxes = {
	.nc_netid = mbox,
	.nc_semantics = NC_TPI_COTS_ORD,
	.nc_protofmly = mbox,
	.nc_proto = none,
};

/* Raw IP has no ports, so nothing can be registered there. */
static bool is_named(const struct netconfig *entry, const char *netid)
{
	return entry->nc_semantics != NC_TPI_RAW && !strcmp(entry->nc_netid, netid);
}

/* The entries live as long as the handle that getnetconfig(3) got them by. */
const struct netconfig *netid_find(const char *netid)
{
	static struct netconfig *entries[32];
	static size_t count;
	static void *handle;
	size_t i;

	if (!strcmp(netid, mbox))
		return &mailboxes;
	if (!handle) {
		handle = setnetconfig();
		while (handle && count < sizeof(entries) / sizeof(entries[0]) &&
		       (entries[count] = getnetconfig(handle)))
			count++;
	}
	for (i = 0; i < count; i++)
		if (is_named(entries[i], netid))
			return entries[i];
	return NULL;
}

sa_family_t netid_family(const struct netconfig *netid)
{
	if (!strcmp(netid->nc_protofmly, NC_INET))
		return AF_INET;
	if (!strcmp(netid->nc_protofmly, NC_INET6))
		return AF_INET6;
	if (!strcmp(netid->nc_protofmly, NC_LOOPBACK))
		return AF_UNIX;
	return AF_UNSPEC;
}

int netid_socktype(const struct netconfig *netid)
{
	return netid->nc_semantics == NC_TPI_CLTS ? SOCK_DGRAM : SOCK_STREAM;
}

bool netid_same_family(const struct netconfig *a, const struct netconfig *b)
{
	return !strcmp(a->nc_protofmly, b->nc_protofmly);
}

bool netid_is_local(const struct netconfig *netid)
{
	return netid_family(netid) == AF_UNIX || netid == &mailboxes;
}
