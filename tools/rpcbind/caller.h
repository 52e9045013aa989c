/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Who calls, from where, and by which of our addresses.
 */
#ifndef CALLER_H
#define CALLER_H

#include <netconfig.h>
#include <stdbool.h>

#include <rpc/rpc.h>

#include "address.h"
#include "table.h"

/**
 * struct caller - who sent a request
 * @netid: the transport that it came over
 * @owner: whose registrations it makes: SUPERUSER, a uid in decimal, or
 *         "unknown" for one that only proved to be root by its port
 * @may_change: whether it may register anything: it is on this machine, and the
 *              kernel says who it is, or it has a port below 1024
 */
struct caller {
	const struct netconfig *netid;
	char owner[OWNER_MAX + 1];
	bool may_change;
};

/* False for a transport that is not ours. */
bool caller_of(const struct svc_req *req, struct caller *caller);

/**
 * caller_merge() - an address by which the caller can reach it
 * @address: where a server listens, changed if that is "any": to the address by
 *           which the caller reached us
 * @hint: where the caller says that it reached us, believed if it is ours; or ""
 */
void caller_merge(const SVCXPRT *xprt, const char *hint,
		  struct registration *registration);

#endif /* CALLER_H */
