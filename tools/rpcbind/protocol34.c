// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rpc/rpc.h>

#include "netids.h"
#include "protocol.h"
#include "registry.h"
#include "statistics.h"

/*
 * All that is decoded has room for what is allowed, and no more, so that nothing
 * of it is ever to be freed.
 */
union arguments {
	struct registration registration;
	char text[ADDRESS_MAX + 1];
	struct address address;
};

static bool_t xdr_text(XDR *xdrs, char *text, u_int max)
{
	return xdr_string(xdrs, &text, max);
}

/* Who its owner is the caller does not choose. */
static bool_t decode_registration(XDR *xdrs, struct registration *r)
{
	char owner[OWNER_MAX + 1];

	return xdr_u_int32_t(xdrs, &r->program) && xdr_u_int32_t(xdrs, &r->version) &&
	       xdr_text(xdrs, r->netid, NETID_MAX) &&
	       xdr_text(xdrs, r->address, ADDRESS_MAX) &&
	       xdr_text(xdrs, owner, OWNER_MAX);
}

static bool_t decode_text(XDR *xdrs, char *text)
{
	return xdr_text(xdrs, text, ADDRESS_MAX);
}

/* A netbuf: the room that its sender had for it, and its bytes. */
static bool_t decode_address(XDR *xdrs, struct address *address)
{
	char *bytes = (char *)&address->storage;
	uint32_t room;

	return xdr_u_int32_t(xdrs, &room) &&
	       xdr_bytes(xdrs, &bytes, &address->length, sizeof(address->storage));
}

static void reply_text(struct svc_req *req, const char *text)
{
	protocol_reply(req, (xdrproc_t)xdr_wrapstring, &text);
}

static void set(struct svc_req *req, const struct caller *caller, void *args)
{
	bool done = registry_set(caller, args);

	statistics_set(req->rq_vers, done);
	protocol_reply_bool(req, done);
}

static void unset(struct svc_req *req, const struct caller *caller, void *args)
{
	const struct registration *r = args;
	bool done = registry_unset(caller, r->program, r->version, r->netid);

	statistics_unset(req->rq_vers, done);
	protocol_reply_bool(req, done);
}

/*
 * It is the transport of the request that counts, whatever the caller says; but
 * one on this machine can ask for all of them.
 */
static const char *asked_netid(const struct caller *caller, const struct registration *asked)
{
	if (netid_is_local(caller->netid) && *asked->netid)
		return asked->netid;
	return caller->netid->nc_netid;
}

static void answer_address(struct svc_req *req, const struct caller *caller,
			   const struct registration *asked, bool exact)
{
	const char *netid = asked_netid(caller, asked);
	const struct registration *found =
		registry_find(asked->program, asked->version, netid, exact);
	struct registration merged = { 0 };

	statistics_address(req->rq_vers, asked->program, asked->version, netid, found);
	if (found) {
		merged = *found;
		caller_merge(req->rq_xprt, asked->address, &merged);
	}
	reply_text(req, merged.address);
}

static void getaddr(struct svc_req *req, const struct caller *caller, void *args)
{
	answer_address(req, caller, args, false);
}

static void getversaddr(struct svc_req *req, const struct caller *caller, void *args)
{
	answer_address(req, caller, args, true);
}

/* The list is one block, whatever its links say. */
static rpcblist_ptr list_of(const struct table *table)
{
	rpcblist_ptr list = calloc(table->count + 1, sizeof(*list));
	size_t i;

	for (i = 0; list && i < table->count; i++) {
		struct registration *r = &table->list[i];

		list[i] = (rp__list){
			.rpcb_map = {
				.r_prog = r->program,
				.r_vers = r->version,
				.r_netid = r->netid,
				.r_addr = r->address,
				.r_owner = r->owner,
			},
			.rpcb_next = i + 1 < table->count ? &list[i + 1] : NULL,
		};
	}
	return list;
}

static void dump(struct svc_req *req, const struct caller *caller, void *args)
{
	const struct table *table = registry_all();
	rpcblist_ptr list = list_of(table);
	rpcblist_ptr first = table->count ? list : NULL;

	(void)caller;
	(void)args;
	protocol_reply(req, (xdrproc_t)xdr_rpcblist_ptr, &first);
	free(list);
}

static void gettime(struct svc_req *req, const struct caller *caller, void *args)
{
	uint32_t now = time(NULL);

	(void)caller;
	(void)args;
	protocol_reply(req, (xdrproc_t)xdr_u_int32_t, &now);
}

static void to_netbuf(struct svc_req *req, const struct caller *caller, void *args)
{
	struct netbuf result = { 0 };
	struct address address;

	if (address_parse(caller->netid, args, &address))
		result = (struct netbuf){
			.maxlen = address.length,
			.len = address.length,
			.buf = &address.storage,
		};
	protocol_reply(req, (xdrproc_t)xdr_netbuf, &result);
}

static void from_netbuf(struct svc_req *req, const struct caller *caller, void *args)
{
	char text[ADDRESS_MAX + 1];

	reply_text(req, address_format(caller->netid, args, text) ? text : "");
}

/* An entry of GETADDRLIST, which has its strings beside it. */
struct listed {
	rpcb_entry_list entry;
	struct registration merged;
};

static bool is_asked(const struct caller *caller, const struct registration *asked,
		     const struct registration *r)
{
	return r->program == asked->program && r->version == asked->version &&
	       (netid_is_local(caller->netid) ||
		netid_same_family(netid_find(r->netid), caller->netid));
}

static void fill_listed(struct listed *listed)
{
	const struct netconfig *netid = netid_find(listed->merged.netid);

	listed->entry.rpcb_entry_map = (rpcb_entry){
		.r_maddr = listed->merged.address,
		.r_nc_netid = netid->nc_netid,
		.r_nc_semantics = netid->nc_semantics,
		.r_nc_protofmly = netid->nc_protofmly,
		.r_nc_proto = netid->nc_proto,
	};
}

static void getaddrlist(struct svc_req *req, const struct caller *caller, void *args)
{
	const struct registration *asked = args;
	const struct table *table = registry_all();
	struct listed *list = calloc(table->count + 1, sizeof(*list));
	rpcb_entry_list_ptr first = NULL;
	size_t i;

	/* From the end, so that the list has the order of the table. */
	for (i = table->count; list && i--;) {
		if (!is_asked(caller, asked, &table->list[i]))
			continue;
		list[i].merged = table->list[i];
		caller_merge(req->rq_xprt, asked->address, &list[i].merged);
		fill_listed(&list[i]);
		list[i].entry.rpcb_entry_next = first;
		first = &list[i].entry;
	}
	statistics_address(req->rq_vers, asked->program, asked->version,
			   caller->netid->nc_netid, first);
	protocol_reply(req, (xdrproc_t)xdr_rpcb_entry_list_ptr, &first);
	free(list);
}

static void getstat(struct svc_req *req, const struct caller *caller, void *args)
{
	(void)caller;
	(void)args;
	protocol_reply(req, (xdrproc_t)xdr_rpcb_stat_byvers, statistics());
}

void protocol34(struct svc_req *req, SVCXPRT *xprt)
{
	static const struct procedure procedures[] = {
		[NULLPROC] = { (xdrproc_t)protocol_xdr_nothing, protocol_null },
		[RPCBPROC_SET] = { (xdrproc_t)decode_registration, set },
		[RPCBPROC_UNSET] = { (xdrproc_t)decode_registration, unset },
		[RPCBPROC_GETADDR] = { (xdrproc_t)decode_registration, getaddr },
		[RPCBPROC_DUMP] = { (xdrproc_t)protocol_xdr_nothing, dump },
		[RPCBPROC_GETTIME] = { (xdrproc_t)protocol_xdr_nothing, gettime },
		[RPCBPROC_UADDR2TADDR] = { (xdrproc_t)decode_text, to_netbuf },
		[RPCBPROC_TADDR2UADDR] = { (xdrproc_t)decode_address, from_netbuf },
		[RPCBPROC_GETVERSADDR] = { (xdrproc_t)decode_registration, getversaddr },
		[RPCBPROC_GETADDRLIST] = { (xdrproc_t)decode_registration, getaddrlist },
		[RPCBPROC_GETSTAT] = { (xdrproc_t)protocol_xdr_nothing, getstat },
	};
	size_t count = req->rq_vers == RPCBVERS_3 ? rpcb_highproc_3 + 1 :
		       sizeof(procedures) / sizeof(procedures[0]);
	union arguments args = { 0 };

	(void)xprt;
	protocol_dispatch(req, procedures, count, &args);
}
