// SPDX-License-Identifier: MIT OR LGPL-2.1
#include "datagram.h"
#include "protocol.h"
#include "registry.h"
#include "statistics.h"

void protocol_reply(struct svc_req *req, xdrproc_t encode, const void *result)
{
	if (!svc_sendreply(req->rq_xprt, encode, (void *)result))
		svcerr_systemerr(req->rq_xprt);
}

bool_t protocol_xdr_nothing(XDR *xdrs, void *nothing)
{
	(void)xdrs;
	(void)nothing;
	return TRUE;
}

void protocol_null(struct svc_req *req, const struct caller *caller, void *args)
{
	(void)caller;
	(void)args;
	protocol_reply(req, (xdrproc_t)protocol_xdr_nothing, NULL);
}

void protocol_reply_bool(struct svc_req *req, bool result)
{
	bool_t answer = result;

	protocol_reply(req, (xdrproc_t)xdr_bool, &answer);
}

/* What svc_getargs(3) decodes: the arguments, and that they were there. */
struct whole {
	xdrproc_t decode;
	void *args;
	size_t length;
};

static bool_t decode_whole(XDR *xdrs, struct whole *whole)
{
	return whole->decode(xdrs, whole->args) && xdr_getpos(xdrs) <= whole->length;
}

static void answer(struct svc_req *req, const struct procedure *procedure, void *args)
{
	struct whole whole = { procedure->decode, args, datagram_length(req->rq_xprt) };
	struct caller caller;

	statistics_call(req->rq_vers, req->rq_proc);
	if (!caller_of(req, &caller))
		svcerr_systemerr(req->rq_xprt);
	else if (svc_getargs(req->rq_xprt, (xdrproc_t)decode_whole, &whole))
		procedure->answer(req, &caller, args);
	else
		svcerr_decode(req->rq_xprt);
}

void protocol_dispatch(struct svc_req *req, const struct procedure *procedures,
		       size_t count, void *args)
{
	if (req->rq_proc >= count || !procedures[req->rq_proc].answer) {
		svcerr_noproc(req->rq_xprt);
		return;
	}
	registry_lock();
	answer(req, &procedures[req->rq_proc], args);
	registry_unlock();
}
