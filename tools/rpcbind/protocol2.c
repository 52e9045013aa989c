// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rpc/rpc.h>
#include <rpc/pmap_prot.h>

#include "netids.h"
#include "protocol.h"
#include "registry.h"
#include "statistics.h"

/* The version knows IPv4 only, and its transports by their number in IP. */
static const char *netid_of(unsigned long protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	default:
		return NULL;
	}
}

static unsigned long protocol_of(const char *netid)
{
	if (!strcmp(netid, "tcp"))
		return IPPROTO_TCP;
	return strcmp(netid, "udp") ? 0 : IPPROTO_UDP;
}

static unsigned long port_of(const struct registration *registration)
{
	struct address address;

	if (!address_parse(netid_find(registration->netid), registration->address, &address))
		return 0;
	return address_port(&address);
}

static bool do_set(const struct caller *caller, const struct pmap *map)
{
	struct registration registration = {
		.program = map->pm_prog,
		.version = map->pm_vers,
	};
	const char *netid = netid_of(map->pm_prot);

	if (!netid || map->pm_port > UINT16_MAX)
		return false;
	strcpy(registration.netid, netid);
	snprintf(registration.address, sizeof(registration.address),
		 "0.0.0.0.%lu.%lu", map->pm_port >> 8, map->pm_port & 0xff);
	return registry_set(caller, &registration);
}

static void set(struct svc_req *req, const struct caller *caller, void *args)
{
	bool done = do_set(caller, args);

	statistics_set(PMAPVERS, done);
	protocol_reply_bool(req, done);
}

static void unset(struct svc_req *req, const struct caller *caller, void *args)
{
	const struct pmap *map = args;
	bool tcp = registry_unset(caller, map->pm_prog, map->pm_vers, "tcp");
	bool udp = registry_unset(caller, map->pm_prog, map->pm_vers, "udp");

	statistics_unset(PMAPVERS, tcp && udp);
	protocol_reply_bool(req, tcp && udp);
}

static void getport(struct svc_req *req, const struct caller *caller, void *args)
{
	const struct registration *found = NULL;
	const struct pmap *map = args;
	const char *netid = netid_of(map->pm_prot);
	u_long port = 0;

	(void)caller;
	if (netid) {
		found = registry_find(map->pm_prog, map->pm_vers, netid, false);
		statistics_address(PMAPVERS, map->pm_prog, map->pm_vers, netid, found);
	}
	if (found)
		port = port_of(found);
	protocol_reply(req, (xdrproc_t)xdr_u_long, &port);
}

/* The list is one block, whatever its links say. */
static struct pmaplist *list_of(const struct table *table)
{
	struct pmaplist *list = calloc(table->count + 1, sizeof(*list));
	size_t i, count = 0;

	for (i = 0; list && i < table->count; i++) {
		const struct registration *r = &table->list[i];

		if (!protocol_of(r->netid))
			continue;
		list[count].pml_map = (struct pmap){
			.pm_prog = r->program,
			.pm_vers = r->version,
			.pm_prot = protocol_of(r->netid),
			.pm_port = port_of(r),
		};
		if (count)
			list[count - 1].pml_next = &list[count];
		count++;
	}
	return list;
}

static void dump(struct svc_req *req, const struct caller *caller, void *args)
{
	struct pmaplist *list = list_of(registry_all());
	struct pmaplist *first = list && list->pml_map.pm_prot ? list : NULL;

	(void)caller;
	(void)args;
	protocol_reply(req, (xdrproc_t)xdr_pmaplist_ptr, &first);
	free(list);
}

void protocol2(struct svc_req *req, SVCXPRT *xprt)
{
	static const struct procedure procedures[] = {
		[PMAPPROC_NULL] = { (xdrproc_t)protocol_xdr_nothing, protocol_null },
		[PMAPPROC_SET] = { (xdrproc_t)xdr_pmap, set },
		[PMAPPROC_UNSET] = { (xdrproc_t)xdr_pmap, unset },
		[PMAPPROC_GETPORT] = { (xdrproc_t)xdr_pmap, getport },
		[PMAPPROC_DUMP] = { (xdrproc_t)protocol_xdr_nothing, dump },
	};
	struct pmap args = { 0 };

	(void)xprt;
	protocol_dispatch(req, procedures,
			  sizeof(procedures) / sizeof(procedures[0]), &args);
}
