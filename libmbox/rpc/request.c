/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Reading requests, which come from anybody: every byte can be wrong.
 */
#include <arpa/inet.h>
#include <string.h>

#include "rpc.h"

/* What is left of a message. */
struct rest {
	const char *at;
	size_t length;
};

static bool get_word(struct rest *rest, uint32_t *value)
{
	if (rest->length < sizeof(*value))
		return false;
	memcpy(value, rest->at, sizeof(*value));
	*value = ntohl(*value);
	rest->at += sizeof(*value);
	rest->length -= sizeof(*value);
	return true;
}

/* @room is for the longest. */
static bool get_auth(struct rest *rest, struct opaque_auth *auth, char *room)
{
	uint32_t flavor, length;

	if (!get_word(rest, &flavor) || !get_word(rest, &length) ||
	    length > MAX_AUTH_BYTES || RNDUP(length) > rest->length)
		return false;
	*auth = (struct opaque_auth) {
		.oa_flavor = (enum_t)flavor,
		.oa_base = memcpy(room, rest->at, length),
		.oa_length = length,
	};
	rest->at += RNDUP(length);
	rest->length -= RNDUP(length);
	return true;
}

/*
 * Not xdr_callmsg(): it does not tell what is wrong with a call. Nor xdr_u_int32_t() and
 * its like, each of which costs more than all of this.
 */
static enum verdict get_header(struct rest *rest, struct request *req)
{
	struct rpc_msg *msg = &req->header;
	struct call_body *call = &msg->rm_call;
	uint32_t direction, version, prog, vers, proc;

	if (!get_word(rest, &msg->rm_xid) || !get_word(rest, &direction) ||
	    direction != CALL || !get_word(rest, &version))
		return UNREADABLE;
	msg->rm_direction = CALL;
	call->cb_rpcvers = version;
	if (version != RPC_MSG_VERSION)
		return OTHER_RPC;
	if (!get_word(rest, &prog) || !get_word(rest, &vers) || !get_word(rest, &proc))
		return UNREADABLE;
	call->cb_prog = prog;
	call->cb_vers = vers;
	call->cb_proc = proc;
	if (!get_auth(rest, &call->cb_cred, req->cred))
		return BAD_CREDENTIAL;
	if (!get_auth(rest, &call->cb_verf, req->verf))
		return BAD_VERIFIER;
	return GOOD;
}

enum verdict mbox_rpc_request_get(struct request *req, const void *data, size_t size,
				  unsigned int nr_fds)
{
	struct rest rest;
	enum verdict verdict;

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

	rest = (struct rest) {
		.at = (const char *)data + ENVELOPE_SIZE, .length = req->env.length,
	};
	verdict = get_header(&rest, req);
	req->body = rest.at;
	req->body_length = rest.length;
	if (verdict == GOOD && req->env.flags & IN_SEGMENT && req->body_length)
		return UNREADABLE;
	return verdict;
}
