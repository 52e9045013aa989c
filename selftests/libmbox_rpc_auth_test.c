// SPDX-License-Identifier: GPL-2.0
/* Who a server of libmbox-rpc takes its callers for. */
#include "rpc_service.h"
#include "harness.h"

FIXTURE(auth) {
	struct service service;
};

FIXTURE_SETUP(auth)
{
	ASSERT_EQ(0, service_start(&self->service, "auth", 1));
}

FIXTURE_TEARDOWN(auth)
{
	EXPECT_EQ(0, service_stop(&self->service));
}

/* What the server says of a caller with that credential; which is freed. */
static enum clnt_stat who(const char *name, AUTH *auth, identity *result, struct rpc_err *error)
{
	CLIENT *clnt = service_client(name);
	enum clnt_stat status;

	if (!clnt || !auth)
		return RPC_SYSTEMERROR;
	auth_destroy(clnt->cl_auth);
	clnt->cl_auth = auth;
	status = who_4(NULL, result, clnt);
	clnt_geterr(clnt, error);
	auth_destroy(auth);
	clnt_destroy(clnt);
	return status;
}

static AUTH *claim(uid_t uid, gid_t gid)
{
	gid_t groups[] = { 1, 2 };

	return authunix_create("mbox", uid, gid, 2, groups);
}

TEST_F(auth, kernel_says_who_calls)
{
	identity id = { .pid = 0 };
	struct rpc_err error;

	EXPECT_EQ(RPC_SUCCESS, who(self->service.name, authnone_create(), &id, &error));
	EXPECT_EQ(getpid(), id.pid);
	EXPECT_EQ(0, id.uid);
	EXPECT_EQ(0, id.gid);
	EXPECT_EQ(0, id.claims);
	IN_CHILD {
		EXPECT_EQ(0, become(USER_A, USER_B));
		EXPECT_EQ(RPC_SUCCESS, who(self->service.name, authnone_create(), &id, &error));
		EXPECT_EQ(getpid(), id.pid);
		EXPECT_EQ(USER_A, id.uid);
		EXPECT_EQ(USER_B, id.gid);
	}
}

TEST_F(auth, claims_have_to_be_true)
{
	IN_CHILD {
		identity id = { .pid = 0 };
		struct rpc_err error;

		EXPECT_EQ(0, become(USER_A, USER_B));
		EXPECT_EQ(RPC_SUCCESS, who(self->service.name, claim(USER_A, USER_B), &id, &error));
		EXPECT_EQ(1, id.claims);
		EXPECT_EQ(USER_A, id.claimed_uid);
		/* Nobody vouches for those. */
		EXPECT_EQ(0, id.claimed_gids);
		EXPECT_EQ(RPC_SUCCESS,
			  who(self->service.name, authunix_create_default(), &id, &error));

		EXPECT_EQ(RPC_AUTHERROR, who(self->service.name, claim(USER_C, USER_B), &id, &error));
		EXPECT_EQ(AUTH_BADCRED, error.re_why);
		EXPECT_EQ(RPC_AUTHERROR, who(self->service.name, claim(USER_A, USER_A), &id, &error));
		EXPECT_EQ(AUTH_BADCRED, error.re_why);
		EXPECT_EQ(RPC_AUTHERROR, who(self->service.name, claim(0, 0), &id, &error));
		EXPECT_EQ(AUTH_BADCRED, error.re_why);
	}
}

TEST_F(auth, root_can_claim_anything)
{
	identity id = { .pid = 0 };
	struct rpc_err error;

	EXPECT_EQ(RPC_SUCCESS, who(self->service.name, claim(USER_C, USER_B), &id, &error));
	EXPECT_EQ(0, id.uid);
	EXPECT_EQ(USER_C, id.claimed_uid);
	EXPECT_EQ(2, id.claimed_gids);
}

TEST_F(auth, root_of_another_namespace_is_not_root)
{
	IN_CHILD {
		identity id = { .pid = 0 };
		struct rpc_err error;

		EXPECT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(0, enter_user_namespace(0, 0));
		EXPECT_EQ(0, geteuid());
		EXPECT_EQ(RPC_AUTHERROR, who(self->service.name, claim(0, 0), &id, &error));
		EXPECT_EQ(RPC_SUCCESS, who(self->service.name, claim(USER_A, USER_A), &id, &error));
		EXPECT_EQ(USER_A, id.uid);
	}
}

TEST_HARNESS_MAIN
