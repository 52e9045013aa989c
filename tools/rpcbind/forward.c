// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <rpc/rpc.h>

#include "address.h"
#include "forward.h"
#include "netids.h"

bool forward_set(const struct registration *registration)
{
	const struct netconfig *netid = netid_find(registration->netid);
	struct address address;
	struct netbuf server = { .buf = &address.storage };

	if (!address_parse(netid, registration->address, &address))
		return false;
	server.len = address.length;
	server.maxlen = address.length;
	return rpcb_set(registration->program, registration->version, netid, &server);
}

void forward_unset(const struct registration *registration)
{
	rpcb_unset(registration->program, registration->version,
		   netid_find(registration->netid));
}
