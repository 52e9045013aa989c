/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What servers tell the matchmaker and clients ask it, as rpcb_set(3) and its like do for
 * sockets.
 */
#include <stdlib.h>

#include "rpc.h"

/* A name that only the privileged can take, so that it is mboxrpcbind who answers. */
#define MATCHMAKER "rpc:111"

static const struct timeval patience = { .tv_sec = 25 };

/* The reason why not is in rpc_createerr. */
static bool ask(rpcproc_t proc, struct rpcb *args, xdrproc_t xres, void *res)
{
	CLIENT *clnt = clnt_mbox_create(MATCHMAKER, RPCBPROG, RPCBVERS4);
	enum clnt_stat stat;

	if (!clnt) {
		rpc_createerr.cf_stat = RPC_RPCBFAILURE;
		return false;
	}
	stat = clnt_call(clnt, proc, (xdrproc_t)xdr_rpcb, args, xres, res, patience);
	if (stat != RPC_SUCCESS) {
		rpc_createerr.cf_stat = RPC_RPCBFAILURE;
		clnt_geterr(clnt, &rpc_createerr.cf_error);
	}
	auth_destroy(clnt->cl_auth);
	clnt_destroy(clnt);
	return stat == RPC_SUCCESS;
}

static bool_t change(rpcproc_t proc, rpcprog_t prog, rpcvers_t vers, const char *mailbox)
{
	struct rpcb args = {
		.r_prog = prog,
		.r_vers = vers,
		.r_netid = (char *)"mbox",
		.r_addr = (char *)mailbox,
		.r_owner = (char *)"",
	};
	bool_t done = FALSE;

	return ask(proc, &args, (xdrproc_t)xdr_bool, &done) && done;
}

MBOX_RPC_API bool_t mbox_rpcb_set(rpcprog_t prog, rpcvers_t vers, const char *mailbox)
{
	return change(RPCBPROC_SET, prog, vers, mailbox);
}

MBOX_RPC_API bool_t mbox_rpcb_unset(rpcprog_t prog, rpcvers_t vers)
{
	return change(RPCBPROC_UNSET, prog, vers, "");
}

MBOX_RPC_API char *mbox_rpcb_getaddr(rpcprog_t prog, rpcvers_t vers)
{
	struct rpcb args = {
		.r_prog = prog,
		.r_vers = vers,
		.r_netid = (char *)"mbox",
		.r_addr = (char *)"",
		.r_owner = (char *)"",
	};
	char *mailbox = NULL;

	if (!ask(RPCBPROC_GETADDR, &args, (xdrproc_t)xdr_wrapstring, &mailbox))
		return NULL;
	if (*mailbox)
		return mailbox;
	rpc_createerr.cf_stat = RPC_PROGNOTREGISTERED;
	free(mailbox);
	return NULL;
}
