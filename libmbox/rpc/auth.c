/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Who a caller is.
 */
#include <stddef.h>

#include "rpc.h"

static bool decode(struct credential *cred, const struct opaque_auth *auth)
{
	bool whole;
	XDR xdrs;

	/* Room for the longest of each, so that nothing is allocated. */
	cred->parms.aup_machname = cred->machine;
	cred->parms.aup_gids = cred->gids;
	xdrmem_create(&xdrs, auth->oa_base, auth->oa_length, XDR_DECODE);
	whole = xdr_authunix_parms(&xdrs, &cred->parms) &&
		XDR_GETPOS(&xdrs) == auth->oa_length;
	XDR_DESTROY(&xdrs);
	return whole;
}

/*
 * The kernel says which user and group sent the message, and nothing of further groups:
 * of those it is better to say nothing than what anybody can claim. User 0 could
 * become whom it claims to be.
 */
static enum auth_stat check_sys(struct svc_req *rqstp, struct credential *cred,
				uid_t uid, gid_t gid)
{
	struct authunix_parms *parms = &cred->parms;

	if (!decode(cred, &rqstp->rq_cred))
		return AUTH_BADCRED;
	if (uid) {
		if (parms->aup_uid != uid || parms->aup_gid != gid)
			return AUTH_BADCRED;
		parms->aup_len = 0;
	}
	rqstp->rq_clntcred = cred;
	return AUTH_OK;
}

enum auth_stat mbox_rpc_authenticate(struct svc_req *rqstp, struct credential *cred,
				     uid_t uid, gid_t gid)
{
	rqstp->rq_clntcred = NULL;
	switch (rqstp->rq_cred.oa_flavor) {
	case AUTH_NONE:
		return AUTH_OK;
	case AUTH_SYS:
		return check_sys(rqstp, cred, uid, gid);
	default:
		return AUTH_REJECTEDCRED;
	}
}
