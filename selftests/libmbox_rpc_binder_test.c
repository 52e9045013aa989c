// SPDX-License-Identifier: GPL-2.0
/* Servers and clients of libmbox-rpc that find each other by mboxrpcbind. */
#include <signal.h>

#include "rpc_service.h"
#include "harness.h"

#define STATE "/tmp/libmbox_rpc_binder_test.json"

/* The process, once it is ready; or -1. */
static pid_t matchmaker_start(void)
{
	char line[8] = "";
	int fds[2];
	pid_t pid;

	if (pipe(fds))
		return -1;
	pid = child_fork();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		execlp("mboxrpcbind", "mboxrpcbind", "--state=" STATE, NULL);
		_exit(127);
	}
	close(fds[1]);
	if (read(fds[0], line, sizeof(line)) < 1)
		pid = -1;
	close(fds[0]);
	return pid;
}

FIXTURE(binder) {
	struct service service;
	pid_t matchmaker;
};

FIXTURE_SETUP(binder)
{
	gate_set(true);
	unlink(STATE);
	self->matchmaker = matchmaker_start();
	ASSERT_LT(0, self->matchmaker);
	ASSERT_EQ(0, service_start(&self->service, "binder", 1));
}

FIXTURE_TEARDOWN(binder)
{
	EXPECT_EQ(0, service_stop(&self->service));
	kill(self->matchmaker, SIGTERM);
	EXPECT_EQ(0, child_wait(self->matchmaker));
	unlink(STATE);
}

static bool is_at(rpcvers_t vers, const char *name)
{
	char *found = mbox_rpcb_getaddr(SERVICE, vers);
	bool is = found && !strcmp(found, name);

	free(found);
	return is;
}

static bool is_nowhere(void)
{
	return !mbox_rpcb_getaddr(SERVICE, SERVICE_V4) &&
	       rpc_createerr.cf_stat == RPC_PROGNOTREGISTERED;
}

TEST_F(binder, server_registers_and_unregisters)
{
	EXPECT_TRUE(is_nowhere());
	EXPECT_EQ(TRUE, mbox_rpcb_set(SERVICE, SERVICE_V4, self->service.name));
	EXPECT_TRUE(is_at(SERVICE_V4, self->service.name));
	EXPECT_EQ(TRUE, mbox_rpcb_set(SERVICE, SERVICE_V4, self->service.name));
	EXPECT_TRUE(is_at(SERVICE_V2, self->service.name));
	EXPECT_EQ(TRUE, mbox_rpcb_unset(SERVICE, SERVICE_V4));
	EXPECT_TRUE(is_nowhere());
	EXPECT_EQ(TRUE, mbox_rpcb_unset(SERVICE, SERVICE_V4));
}

TEST_F(binder, client_needs_no_name)
{
	pair arg = { .one = 40, .other = 2 };
	CLIENT *clnt;
	int sum = 0;

	EXPECT_EQ(NULL, clnt_mbox_create(NULL, SERVICE, SERVICE_V4));
	EXPECT_EQ(RPC_PROGNOTREGISTERED, rpc_createerr.cf_stat);
	ASSERT_EQ(TRUE, mbox_rpcb_set(SERVICE, SERVICE_V4, self->service.name));
	clnt = clnt_mbox_create(NULL, SERVICE, SERVICE_V4);
	ASSERT_NE(NULL, clnt);
	EXPECT_EQ(RPC_SUCCESS, add_4(&arg, &sum, clnt));
	EXPECT_EQ(42, sum);
	auth_destroy(clnt->cl_auth);
	clnt_destroy(clnt);
}

TEST_F(binder, mailbox_without_a_server_is_refused)
{
	EXPECT_EQ(FALSE, mbox_rpcb_set(SERVICE, SERVICE_V4, "/nobody"));
	EXPECT_EQ(FALSE, mbox_rpcb_set(SERVICE, SERVICE_V4, ""));
	EXPECT_EQ(FALSE, mbox_rpcb_set(SERVICE, SERVICE_V4, "/a/b"));
	EXPECT_TRUE(is_nowhere());
}

TEST_F(binder, other_users_change_nothing)
{
	ASSERT_EQ(TRUE, mbox_rpcb_set(SERVICE, SERVICE_V4, self->service.name));
	IN_CHILD {
		if (become(USER_A, USER_A))
			_exit(1);
		EXPECT_EQ(FALSE, mbox_rpcb_unset(SERVICE, SERVICE_V4));
		EXPECT_EQ(FALSE, mbox_rpcb_set(RPCBPROG, 7, self->service.name));
		EXPECT_TRUE(is_at(SERVICE_V4, self->service.name));
		EXPECT_EQ(TRUE, mbox_rpcb_set(SERVICE, 9, self->service.name));
		EXPECT_EQ(TRUE, mbox_rpcb_unset(SERVICE, 9));
	}
	EXPECT_TRUE(is_at(SERVICE_V4, self->service.name));
}

TEST_F(binder, server_that_dies_is_forgotten)
{
	char name[64];
	pid_t pid;

	snprintf(name, sizeof(name), "/%s", unique_name("dies"));
	pid = service_fork(name);
	ASSERT_LT(0, pid);
	ASSERT_EQ(TRUE, mbox_rpcb_set(SERVICE, SERVICE_V4, name));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_TRUE(is_nowhere());
	EXPECT_EQ(TRUE, mbox_rpcb_set(SERVICE, SERVICE_V4, self->service.name));
}

TEST(without_a_matchmaker)
{
	EXPECT_EQ(FALSE, mbox_rpcb_set(SERVICE, SERVICE_V4, "/x"));
	EXPECT_EQ(RPC_RPCBFAILURE, rpc_createerr.cf_stat);
	EXPECT_EQ(ENOENT, rpc_createerr.cf_error.re_errno);
	EXPECT_EQ(FALSE, mbox_rpcb_unset(SERVICE, SERVICE_V4));
	EXPECT_EQ(NULL, mbox_rpcb_getaddr(SERVICE, SERVICE_V4));
	EXPECT_EQ(NULL, clnt_mbox_create(NULL, SERVICE, SERVICE_V4));
	EXPECT_EQ(RPC_RPCBFAILURE, rpc_createerr.cf_stat);
}

TEST_HARNESS_MAIN
