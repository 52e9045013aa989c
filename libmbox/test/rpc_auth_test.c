/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/* Who is believed to be whom. */
#include <string.h>

#include "../rpc/rpc.h"
#include "tap.h"

static struct credential cred;
static struct svc_req rqstp;
static char room[MAX_AUTH_BYTES];

static enum auth_stat sys(uid_t uid, gid_t gid, uid_t kernel_uid, gid_t kernel_gid)
{
	gid_t gids[] = { 7, 8 };
	struct authunix_parms parms = {
		.aup_machname = "machine", .aup_uid = uid, .aup_gid = gid,
		.aup_len = 2, .aup_gids = gids,
	};
	XDR xdrs;

	xdrmem_create(&xdrs, room, sizeof(room), XDR_ENCODE);
	CHECK(xdr_authunix_parms(&xdrs, &parms));
	rqstp = (struct svc_req) {
		.rq_cred = {
			.oa_flavor = AUTH_SYS,
			.oa_base = room,
			.oa_length = XDR_GETPOS(&xdrs),
		},
	};
	return mbox_rpc_authenticate(&rqstp, &cred, kernel_uid, kernel_gid);
}

static void users(void)
{
	CHECK(sys(10, 20, 10, 20) == AUTH_OK);
	CHECK(rqstp.rq_clntcred == &cred);
	CHECK(cred.parms.aup_uid == 10 && cred.parms.aup_gid == 20);
	CHECK(!strcmp(cred.parms.aup_machname, "machine"));
	CHECK(cred.parms.aup_len == 0);

	CHECK(sys(11, 20, 10, 20) == AUTH_BADCRED);
	CHECK(!rqstp.rq_clntcred);
	CHECK(sys(10, 21, 10, 20) == AUTH_BADCRED);
	CHECK(sys(0, 0, 10, 20) == AUTH_BADCRED);
	CHECK(sys(10, 20, 65534, 65534) == AUTH_BADCRED);
}

static void root(void)
{
	CHECK(sys(10, 20, 0, 0) == AUTH_OK);
	CHECK(cred.parms.aup_uid == 10 && cred.parms.aup_gid == 20);
	CHECK(cred.parms.aup_len == 2 && cred.parms.aup_gids[1] == 8);
}

static void broken(void)
{
	u_int whole, i;

	sys(10, 20, 10, 20);
	whole = rqstp.rq_cred.oa_length;
	for (i = 0; i < whole; i++) {
		rqstp.rq_cred.oa_length = i;
		CHECK(mbox_rpc_authenticate(&rqstp, &cred, 10, 20) == AUTH_BADCRED);
	}
	rqstp.rq_cred.oa_length = whole + 4;
	CHECK(mbox_rpc_authenticate(&rqstp, &cred, 10, 20) == AUTH_BADCRED);
}

static void flavours(void)
{
	int flavour;

	for (flavour = -1; flavour < 10; flavour++) {
		rqstp = (struct svc_req) { .rq_cred.oa_flavor = flavour };
		if (flavour == AUTH_NONE)
			CHECK(mbox_rpc_authenticate(&rqstp, &cred, 10, 20) == AUTH_OK);
		else if (flavour != AUTH_SYS)
			CHECK(mbox_rpc_authenticate(&rqstp, &cred, 10, 20) == AUTH_REJECTEDCRED);
		CHECK(!rqstp.rq_clntcred);
	}
}

int main(void)
{
	tap_run("a user and a group", users);
	tap_run("user 0 can be anybody", root);
	tap_run("credentials that cannot be read", broken);
	tap_run("flavours", flavours);
	return tap_end();
}
