/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The rpcbind protocol of RFC 1833, for svc_reg(3): version 2, which is the
 * port mapper's, and versions 3 and 4.
 *
 * The calls that are made for somebody else (CALLIT, BCAST, INDIRECT) are not
 * there, and who tries them is told so: by them anybody would call any local
 * server under the matchmaker's address, past what those servers check.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <rpc/rpc.h>

#include "caller.h"

/* What all versions do with a call, each with its own arguments. */
struct procedure {
	xdrproc_t decode;
	void (*answer)(struct svc_req *req, const struct caller *caller, void *args);
};

/**
 * protocol_dispatch() - answer a call, or say what is wrong with it
 *
 * By any thread, with registry_lock().
 *
 * @procedures: by number; those without @answer are not there
 * @args: zeroed room for the arguments of any of them
 */
void protocol_dispatch(struct svc_req *req, const struct procedure *procedures,
		       size_t count, void *args);

/* xdr_void() is declared in a way that no pointer to it is an xdrproc_t. */
bool_t protocol_xdr_nothing(XDR *xdrs, void *nothing);

/* The procedure 0 of every version */
void protocol_null(struct svc_req *req, const struct caller *caller, void *args);

void protocol_reply(struct svc_req *req, xdrproc_t encode, const void *result);
void protocol_reply_bool(struct svc_req *req, bool result);

void protocol2(struct svc_req *req, SVCXPRT *xprt);
void protocol34(struct svc_req *req, SVCXPRT *xprt);

#endif /* PROTOCOL_H */
