// SPDX-License-Identifier: GPL-2.0
/* Clients of libmbox-rpc. */
#include "rpc_service.h"
#include "harness.h"

FIXTURE(client) {
	struct service service;
	CLIENT *clnt;
	int fds;
};

FIXTURE_SETUP(client)
{
	gate_set(true);
	ASSERT_EQ(0, service_start(&self->service, "client", 2));
	self->fds = fds_open();
	self->clnt = service_client(self->service.name);
	ASSERT_NE(NULL, self->clnt);
}

FIXTURE_TEARDOWN(client)
{
	auth_destroy(self->clnt->cl_auth);
	clnt_destroy(self->clnt);
	EXPECT_EQ(self->fds, fds_open());
	EXPECT_EQ(0, service_stop(&self->service));
}

static enum clnt_stat add(CLIENT *clnt, int one, int other, int *sum)
{
	pair arg = { .one = one, .other = other };

	return add_4(&arg, sum, clnt);
}

TEST_F(client, stubs_of_rpcgen_work)
{
	int i, sum;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(RPC_SUCCESS, add(self->clnt, i, -3 * i, &sum));
		EXPECT_EQ(-2 * i, sum);
	}
}

TEST_F(client, every_size_comes_back_whole)
{
	static const u_int sizes[] = {
		0, 1, 3, 4, 5, 1000, 65531, 65532, 65533, 65536, 65537, 66000, 100000,
		1 << 20, 5 << 20,
	};
	static char data[5 << 20];
	unsigned int i, round;

	for (round = 0; round < 2; round++)
		for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			blob arg = { .blob_len = sizes[i], .blob_val = data };
			blob result = { .blob_len = 0 };

			pattern_fill(data, sizes[i], i + 1);
			ASSERT_EQ(RPC_SUCCESS, echo_4(&arg, &result, self->clnt));
			ASSERT_EQ(sizes[i], result.blob_len);
			EXPECT_TRUE(pattern_check(result.blob_val, sizes[i], i + 1));
			EXPECT_TRUE(clnt_freeres(self->clnt, (xdrproc_t)(void *)xdr_blob, &result));
		}
}

TEST_F(client, more_than_a_message_can_tell_is_refused_here)
{
	blob arg = { .blob_len = MBOX_RPC_MAX, .blob_val = calloc(1, MBOX_RPC_MAX) };
	blob result = { .blob_len = 0 };

	ASSERT_NE(NULL, arg.blob_val);
	EXPECT_EQ(RPC_CANTENCODEARGS, echo_4(&arg, &result, self->clnt));
	EXPECT_EQ(E2BIG, clnt_errno(self->clnt));
	free(arg.blob_val);
	arg.blob_val = NULL;
	arg.blob_len = 0;
	EXPECT_EQ(RPC_SUCCESS, echo_4(&arg, &result, self->clnt));
	EXPECT_EQ(0, clnt_errno(self->clnt));
}

TEST_F(client, control_tells_and_changes)
{
	struct timeval timeout = { .tv_sec = 3, .tv_usec = 4 };
	uint32_t number;
	int fd, sum;

	EXPECT_TRUE(clnt_control(self->clnt, CLGET_PROG, &number));
	EXPECT_EQ(SERVICE, number);
	EXPECT_TRUE(clnt_control(self->clnt, CLGET_VERS, &number));
	EXPECT_EQ(SERVICE_V4, number);
	EXPECT_TRUE(clnt_control(self->clnt, CLGET_FD, &fd));
	EXPECT_EQ(POLLOUT | POLLWRNORM, events(fd));

	number = 1000;
	EXPECT_TRUE(clnt_control(self->clnt, CLSET_XID, &number));
	EXPECT_EQ(RPC_SUCCESS, add(self->clnt, 1, 2, &sum));
	EXPECT_TRUE(clnt_control(self->clnt, CLGET_XID, &number));
	EXPECT_EQ(1000, number);
	EXPECT_EQ(RPC_SUCCESS, add(self->clnt, 1, 2, &sum));
	EXPECT_TRUE(clnt_control(self->clnt, CLGET_XID, &number));
	EXPECT_EQ(1001, number);

	number = 3;
	EXPECT_TRUE(clnt_control(self->clnt, CLSET_VERS, &number));
	EXPECT_EQ(RPC_PROGVERSMISMATCH, add(self->clnt, 1, 2, &sum));
	number = SERVICE_V2;
	EXPECT_TRUE(clnt_control(self->clnt, CLSET_VERS, &number));
	EXPECT_EQ(RPC_SUCCESS, add(self->clnt, 1, 2, &sum));
	number = SERVICE + 1;
	EXPECT_TRUE(clnt_control(self->clnt, CLSET_PROG, &number));
	EXPECT_EQ(RPC_PROGUNAVAIL, add(self->clnt, 1, 2, &sum));

	EXPECT_TRUE(clnt_control(self->clnt, CLSET_TIMEOUT, &timeout));
	timeout = NONE;
	EXPECT_TRUE(clnt_control(self->clnt, CLGET_TIMEOUT, &timeout));
	EXPECT_EQ(3, timeout.tv_sec);
	EXPECT_EQ(4, timeout.tv_usec);
	timeout.tv_sec = -1;
	EXPECT_FALSE(clnt_control(self->clnt, CLSET_TIMEOUT, &timeout));
	EXPECT_FALSE(clnt_control(self->clnt, CLGET_SVC_ADDR, &timeout));
	EXPECT_FALSE(clnt_control(self->clnt, CLGET_FD, NULL));
}

TEST_F(client, descriptor_can_outlive_it)
{
	CLIENT *clnt = service_client(self->service.name);
	int fd;

	ASSERT_NE(NULL, clnt);
	EXPECT_TRUE(clnt_control(clnt, CLSET_FD_NCLOSE, NULL));
	EXPECT_TRUE(clnt_control(clnt, CLGET_FD, &fd));
	clnt_destroy(clnt);
	EXPECT_EQ(POLLOUT | POLLWRNORM, events(fd));
	close(fd);
}

TEST_F(client, calls_end_at_their_timeout)
{
	struct timeval timeout = { .tv_usec = 30000 };
	struct rpc_call call = { .clnt = self->clnt, .timeout = timeout };
	__u64 begin = now_ns(CLOCK_MONOTONIC);

	gate_set(false);
	ASSERT_EQ(0, rpc_call_start(&call));
	EXPECT_EQ(RPC_TIMEDOUT, rpc_call_join(&call));
	EXPECT_EQ(ETIMEDOUT, clnt_errno(self->clnt));
	EXPECT_LE(begin + 30 * NS_PER_MS, now_ns(CLOCK_MONOTONIC));

	/* That of all calls comes before that of one. */
	call.timeout = LONG;
	EXPECT_TRUE(clnt_control(self->clnt, CLSET_TIMEOUT, &timeout));
	ASSERT_EQ(0, rpc_call_start(&call));
	EXPECT_EQ(RPC_TIMEDOUT, rpc_call_join(&call));
	gate_set(true);
}

TEST_F(client, nobody_waits_for_what_has_no_results_and_no_timeout)
{
	unsigned int before = service_calls;
	pair arg = { .one = 1 };
	int sum;

	EXPECT_EQ(RPC_SUCCESS, clnt_call(self->clnt, ADD, (xdrproc_t)(void *)xdr_pair, &arg,
					 NULL, NULL, NONE));
	EXPECT_TRUE(wait_until(service_calls == before + 1));
	EXPECT_EQ(RPC_TIMEDOUT, clnt_call(self->clnt, ADD, (xdrproc_t)(void *)xdr_pair, &arg,
					  (xdrproc_t)(void *)xdr_int, &sum, NONE));
	EXPECT_TRUE(wait_until(service_calls == before + 2));
}

static void nothing(int signo)
{
	(void)signo;
}

TEST_F(client, signal_ends_a_call_that_was_received)
{
	struct rpc_call call = { .clnt = self->clnt, .timeout = LONG };
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &action, NULL);
	gate_set(false);
	ASSERT_EQ(0, rpc_call_start(&call));
	ASSERT_TRUE(wait_until(gate_inside() == 1));
	pthread_kill(call.thread, SIGUSR1);
	EXPECT_EQ(RPC_INTR, rpc_call_join(&call));
	EXPECT_EQ(EINTR, clnt_errno(self->clnt));
	gate_set(true);
}

static struct mbox_ioc_status server_status(CLIENT *clnt)
{
	int fd = -1;

	clnt_control(clnt, CLGET_FD, &fd);
	return mb_status(fd);
}

TEST(server_that_dies_is_told)
{
	const char *name = unique_name("mortal");
	struct rpc_call call = { .timeout = LONG };
	pid_t pid = service_fork(name);
	int sum;

	ASSERT_LT(0, pid);
	call.clnt = service_client(name);
	ASSERT_NE(NULL, call.clnt);
	ASSERT_EQ(0, rpc_call_start(&call));
	ASSERT_TRUE(wait_until(server_status(call.clnt).held == 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(RPC_CANTRECV, rpc_call_join(&call));
	EXPECT_EQ(ECONNRESET, clnt_errno(call.clnt));
	child_wait(pid);

	EXPECT_EQ(RPC_CANTSEND, add(call.clnt, 1, 2, &sum));
	EXPECT_EQ(EPIPE, clnt_errno(call.clnt));
	clnt_destroy(call.clnt);
	/* Its name went with it. */
	EXPECT_EQ(NULL, service_client(name));
	EXPECT_EQ(RPC_SYSTEMERROR, rpc_createerr.cf_stat);
	EXPECT_EQ(ENOENT, rpc_createerr.cf_error.re_errno);
}

TEST_F(client, who_may_not_send_gets_no_client)
{
	IN_CHILD {
		SVCXPRT *xprt = svc_mbox_create("/private", 0200);

		EXPECT_NE(NULL, xprt);
		EXPECT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(NULL, service_client("/private"));
		EXPECT_EQ(RPC_SYSTEMERROR, rpc_createerr.cf_stat);
		EXPECT_EQ(EACCES, rpc_createerr.cf_error.re_errno);
	}
}

struct adder {
	CLIENT *clnt;
	int seed;
	int wrong;
	pthread_t thread;
};

#define ADDERS	8
#define SUMS	200

static void *add_often(void *arg)
{
	struct adder *adder = arg;
	static char zeros[70000];
	int i, sum;

	for (i = 0; i < SUMS; i++) {
		blob in = { .blob_len = 65000 + adder->seed * 100, .blob_val = zeros };
		blob out = { .blob_len = 0 };

		if (add(adder->clnt, adder->seed, i, &sum) || sum != adder->seed + i)
			adder->wrong++;
		if (i % 20)
			continue;
		if (echo_4(&in, &out, adder->clnt) || out.blob_len != in.blob_len)
			adder->wrong++;
		xdr_free((xdrproc_t)(void *)xdr_blob, &out);
	}
	return NULL;
}

TEST_F(client, many_threads_share_one)
{
	struct adder adders[ADDERS] = { { .seed = 0 } };
	int i;

	for (i = 0; i < ADDERS; i++) {
		adders[i].clnt = self->clnt;
		adders[i].seed = 1 + i;
		ASSERT_EQ(0, pthread_create(&adders[i].thread, NULL, add_often, &adders[i]));
	}
	for (i = 0; i < ADDERS; i++) {
		pthread_join(adders[i].thread, NULL);
		EXPECT_EQ(0, adders[i].wrong);
	}
}

TEST_F(client, many_of_them)
{
	CLIENT *clients[200];
	int i, sum;

	for (i = 0; i < 200; i++)
		ASSERT_NE(NULL, clients[i] = service_client(self->service.name));
	for (i = 0; i < 200; i++) {
		EXPECT_EQ(RPC_SUCCESS, add(clients[i], i, 1, &sum));
		EXPECT_EQ(i + 1, sum);
	}
	for (i = 0; i < 200; i++)
		clnt_destroy(clients[i]);
}

TEST_F(client, transport_is_chosen_by_name)
{
	CLIENT *clnt = mbox_clnt_create(self->service.name, SERVICE, SERVICE_V4, "mbox");
	int sum;

	ASSERT_NE(NULL, clnt);
	EXPECT_EQ(RPC_SUCCESS, add(clnt, 1, 2, &sum));
	EXPECT_EQ(3, sum);
	EXPECT_EQ(0, strcmp(clnt->cl_netid, "mbox"));
	clnt_destroy(clnt);
	EXPECT_EQ(NULL, mbox_clnt_create("127.0.0.1", SERVICE, SERVICE_V4, "nothing"));
	EXPECT_EQ(RPC_UNKNOWNPROTO, rpc_createerr.cf_stat);
}

TEST_HARNESS_MAIN
