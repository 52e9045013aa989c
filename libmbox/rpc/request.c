/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Reading requests, which come from anybody: every byte can be wrong.
 */
#include "rpc.h"

static bool get_auth(XDR *xdrs, struct opaque_auth *auth, char *room)
{
	/* Room for the longest, which xdr_opaque_auth() fills and does not allocate. */
	auth->oa_base = room;
	return xdr_opaque_auth(xdrs, auth);
}

/* Not xdr_callmsg(): it does not tell what is wrong with a call. */
static enum verdict get_header(XDR *xdrs, struct request *req)
{
	struct rpc_msg *msg = &req->header;
	struct call_body *call = &msg->rm_call;
	uint32_t direction;

	if (!xdr_u_int32_t(xdrs, &msg->rm_xid) || !xdr_u_int32_t(xdrs, &direction) ||
	    direction != CALL || !xdr_rpcvers(xdrs, &call->cb_rpcvers))
		return UNREADABLE;
	msg->rm_direction = CALL;
	if (call->cb_rpcvers != RPC_MSG_VERSION)
		return OTHER_RPC;
	if (!xdr_rpcprog(xdrs, &call->cb_prog) || !xdr_rpcvers(xdrs, &call->cb_vers) ||
	    !xdr_rpcproc(xdrs, &call->cb_proc))
		return UNREADABLE;
	if (!get_auth(xdrs, &call->cb_cred, req->cred))
		return BAD_CREDENTIAL;
	if (!get_auth(xdrs, &call->cb_verf, req->verf))
		return BAD_VERIFIER;
	return GOOD;
}

enum verdict mbox_rpc_request_get(struct request *req, const void *data, size_t size,
				  unsigned int nr_fds)
{
	const char *message = (const char *)data + ENVELOPE_SIZE;
	enum verdict verdict;
	XDR xdrs;

	if (mbox_rpc_envelope_get(&req->env, data, size,
				  IN_SEGMENT | REPLY_TO | IDENTIFIED | ACKNOWLEDGE) ||
	    envelope_fds(req->env.flags) != nr_fds)
		return UNREADABLE;
	if (req->env.flags & ACKNOWLEDGE)
		return req->env.flags == (IDENTIFIED | ACKNOWLEDGE) && !req->env.length ? ACKNOWLEDGMENT :
									 UNREADABLE;
	/* What comes later than its caller waits is of no use to it. */
	if (req->env.flags & IDENTIFIED && req->env.flags & REPLY_TO)
		return UNREADABLE;

	xdrmem_create(&xdrs, (char *)message, req->env.length, XDR_DECODE);
	verdict = get_header(&xdrs, req);
	req->body = message + XDR_GETPOS(&xdrs);
	req->body_length = req->env.length - XDR_GETPOS(&xdrs);
	if (verdict == GOOD && req->env.flags & IN_SEGMENT && req->body_length)
		return UNREADABLE;
	return verdict;
}
