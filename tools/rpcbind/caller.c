// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <mbox/rpc.h>

#include "caller.h"
#include "netids.h"

static void set_owner(struct caller *caller, uid_t uid)
{
	if (uid)
		snprintf(caller->owner, sizeof(caller->owner), "%u", uid);
	else
		strcpy(caller->owner, SUPERUSER);
}

/* The kernel tells who connected a local socket. */
static bool by_credentials(int fd, struct caller *caller)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length))
		return false;
	set_owner(caller, peer.uid);
	return true;
}

/* And who sent a message. */
static bool by_message(const struct svc_req *req, struct caller *caller)
{
	struct mbox_svc_caller sender;

	if (mbox_svc_caller(req, &sender))
		return false;
	set_owner(caller, sender.uid);
	return true;
}

static bool remote_address(const SVCXPRT *xprt, struct address *address)
{
	const struct netbuf *remote = svc_getrpccaller(xprt);

	*address = (struct address){ .length = remote->len };
	if (!remote->buf || remote->len > sizeof(address->storage))
		return false;
	memcpy(&address->storage, remote->buf, remote->len);
	return true;
}

static bool by_port(const SVCXPRT *xprt, struct caller *caller)
{
	struct address remote;

	strcpy(caller->owner, "unknown");
	return remote_address(xprt, &remote) && address_is_loopback(&remote) &&
	       address_port(&remote) < IPPORT_RESERVED;
}

bool caller_of(const struct svc_req *req, struct caller *caller)
{
	const SVCXPRT *xprt = req->rq_xprt;

	caller->netid = xprt->xp_netid ? netid_find(xprt->xp_netid) : NULL;
	if (!caller->netid)
		return false;
	if (!strcmp(xprt->xp_netid, NETID_MBOX))
		caller->may_change = by_message(req, caller);
	else if (netid_family(caller->netid) == AF_UNIX)
		caller->may_change = by_credentials(xprt->xp_fd, caller);
	else
		caller->may_change = by_port(xprt, caller);
	return true;
}

/* Nobody can have a port 0, so whoever can bind it has the host. */
static bool is_ours(struct address address)
{
	int fd = socket(address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ours;

	address_set_port(&address, 0);
	ours = fd >= 0 && !bind(fd, (struct sockaddr *)&address.storage, address.length);
	if (fd >= 0)
		close(fd);
	return ours;
}

static bool local_address(int fd, struct address *address)
{
	address->length = sizeof(address->storage);
	return !getsockname(fd, (struct sockaddr *)&address->storage,
			    &address->length);
}

/* What we are called by on the way to the caller, if datagrams do not tell. */
static bool routed(const SVCXPRT *xprt, struct address *address)
{
	struct address remote;
	bool good = false;
	int fd;

	if (!remote_address(xprt, &remote))
		return false;
	fd = socket(remote.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (!connect(fd, (struct sockaddr *)&remote.storage, remote.length))
		good = local_address(fd, address);
	close(fd);
	return good;
}

static bool reached_by(const SVCXPRT *xprt, const struct netconfig *netid,
		       const char *hint, struct address *address)
{
	if (address_parse(netid, hint, address) &&
	    !address_is_wildcard(address) && is_ours(*address))
		return true;
	if (local_address(xprt->xp_fd, address) && !address_is_wildcard(address) &&
	    address->storage.ss_family == netid_family(netid))
		return true;
	return routed(xprt, address) &&
	       address->storage.ss_family == netid_family(netid);
}

void caller_merge(const SVCXPRT *xprt, const char *hint,
		  struct registration *registration)
{
	const struct netconfig *netid = netid_find(registration->netid);
	struct address server, reached;

	if (!address_parse(netid, registration->address, &server) ||
	    !address_is_wildcard(&server) ||
	    !reached_by(xprt, netid, hint, &reached))
		return;
	address_set_port(&reached, address_port(&server));
	address_format(netid, &reached, registration->address);
}
