// SPDX-License-Identifier: GPL-2.0
/* Calls under way of libmbox-rpc. */
#include "rpc_service.h"
#include "harness.h"

#define INT	((xdrproc_t)(void *)xdr_int)
#define BLOB	((xdrproc_t)(void *)xdr_blob)

FIXTURE(async) {
	struct service service;
	CLIENT *clnt;
	int our_fds;
};

FIXTURE_SETUP(async)
{
	gate_set(false);
	ASSERT_EQ(0, service_start(&self->service, "async", 2));
	self->our_fds = fds_open();
	self->clnt = service_client(self->service.name);
	ASSERT_NE(NULL, self->clnt);
}

FIXTURE_TEARDOWN(async)
{
	gate_set(true);
	auth_destroy(self->clnt->cl_auth);
	clnt_destroy(self->clnt);
	EXPECT_TRUE(wait_until(fds_open() == self->our_fds));
	EXPECT_EQ(0, service_stop(&self->service));
}

static enum clnt_stat start_add(CLIENT *clnt, int one, int other, uint32_t *xid)
{
	pair arg = { .one = one, .other = other };

	return mbox_clnt_start(clnt, ADD, (xdrproc_t)(void *)xdr_pair, &arg, LONG, xid);
}

static enum clnt_stat start_wait(CLIENT *clnt, int arg, uint32_t *xid)
{
	return mbox_clnt_start(clnt, WAIT, INT, &arg, LONG, xid);
}

#define NR	100

TEST_F(async, collected_in_any_order)
{
	uint32_t xids[NR];
	int i, sum;

	for (i = 0; i < NR; i++)
		ASSERT_EQ(RPC_SUCCESS, start_add(self->clnt, i, 1000, &xids[i]));
	for (i = NR - 1; i >= 0; i--) {
		ASSERT_EQ(RPC_SUCCESS, mbox_clnt_collect(self->clnt, xids[i], INT, &sum, LONG));
		EXPECT_EQ(i + 1000, sum);
		EXPECT_EQ(RPC_FAILED, mbox_clnt_collect(self->clnt, xids[i], INT, &sum, LONG));
	}
}

TEST_F(async, first_that_comes_is_told_first)
{
	uint32_t slow, fast, xid = 0;
	int fd = mbox_clnt_fd(self->clnt), result;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	ASSERT_LE(0, fd);
	EXPECT_FALSE(mbox_clnt_ready(self->clnt, &xid));
	ASSERT_EQ(RPC_SUCCESS, start_wait(self->clnt, 7, &slow));
	EXPECT_EQ(0, poll(&pfd, 1, 0));
	ASSERT_EQ(RPC_SUCCESS, start_add(self->clnt, 1, 2, &fast));
	EXPECT_NE(slow, fast);
	EXPECT_EQ(1, poll(&pfd, 1, WAIT_LIMIT_S * 1000));
	EXPECT_TRUE(mbox_clnt_ready(self->clnt, &xid));
	EXPECT_EQ(fast, xid);
	EXPECT_EQ(RPC_SUCCESS, mbox_clnt_collect(self->clnt, fast, INT, &result, NONE));
	EXPECT_EQ(3, result);
	EXPECT_FALSE(mbox_clnt_ready(self->clnt, &xid));

	/* That of all calls is not for these. */
	EXPECT_TRUE(clnt_control(self->clnt, CLSET_TIMEOUT, (void *)&LONG));
	EXPECT_EQ(RPC_TIMEDOUT, mbox_clnt_collect(self->clnt, slow, INT, &result, NONE));
	EXPECT_EQ(RPC_TIMEDOUT, mbox_clnt_collect(self->clnt, slow, INT, &result,
						  (struct timeval){ .tv_usec = 20000 }));
	gate_set(true);
	EXPECT_EQ(1, poll(&pfd, 1, WAIT_LIMIT_S * 1000));
	EXPECT_TRUE(mbox_clnt_ready(self->clnt, &xid));
	EXPECT_EQ(slow, xid);
	EXPECT_EQ(RPC_SUCCESS, mbox_clnt_collect(self->clnt, slow, INT, &result, NONE));
	EXPECT_EQ(7, result);
}

TEST_F(async, cancelled_ones_are_forgotten)
{
	uint32_t one, other, xid;
	int result;

	ASSERT_EQ(RPC_SUCCESS, start_wait(self->clnt, 1, &one));
	ASSERT_EQ(RPC_SUCCESS, start_wait(self->clnt, 2, &other));
	EXPECT_TRUE(mbox_clnt_cancel(self->clnt, one));
	EXPECT_FALSE(mbox_clnt_cancel(self->clnt, one));
	EXPECT_EQ(RPC_FAILED, mbox_clnt_collect(self->clnt, one, INT, &result, LONG));
	gate_set(true);
	EXPECT_EQ(RPC_SUCCESS, mbox_clnt_collect(self->clnt, other, INT, &result, LONG));
	EXPECT_EQ(2, result);
	EXPECT_FALSE(mbox_clnt_ready(self->clnt, &xid));
}

TEST_F(async, beside_calls_that_wait)
{
	pair arg = { .one = 1, .other = 2 };
	uint32_t xid;
	int result, i;

	ASSERT_EQ(RPC_SUCCESS, start_wait(self->clnt, 5, &xid));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(RPC_SUCCESS, add_4(&arg, &result, self->clnt));
	gate_set(true);
	EXPECT_EQ(RPC_SUCCESS, mbox_clnt_collect(self->clnt, xid, INT, &result, LONG));
	EXPECT_EQ(5, result);
}

TEST_F(async, large_arguments_and_results)
{
	static char data[1 << 20];
	uint32_t xids[4];
	int i;

	for (i = 0; i < 4; i++) {
		blob arg = { .blob_len = sizeof(data) - i, .blob_val = data };

		pattern_fill(data, sizeof(data), i + 1);
		ASSERT_EQ(RPC_SUCCESS,
			  mbox_clnt_start(self->clnt, ECHO, BLOB, &arg, LONG, &xids[i]));
	}
	for (i = 3; i >= 1; i--) {
		blob result = { .blob_len = 0 };

		ASSERT_EQ(RPC_SUCCESS, mbox_clnt_collect(self->clnt, xids[i], BLOB, &result, LONG));
		ASSERT_EQ(sizeof(data) - i, result.blob_len);
		EXPECT_TRUE(pattern_check(result.blob_val, result.blob_len, i + 1));
		xdr_free(BLOB, &result);
	}
	/* The last goes with its client. */
}

TEST_F(async, errors_are_those_of_a_call)
{
	uint32_t xid, none = 0, vers = 3;
	struct rpc_err error;
	int sum;

	clnt_control(self->clnt, CLSET_VERS, &vers);
	ASSERT_EQ(RPC_SUCCESS, start_add(self->clnt, 1, 2, &xid));
	EXPECT_EQ(RPC_PROGVERSMISMATCH, mbox_clnt_collect(self->clnt, xid, INT, &sum, LONG));
	clnt_geterr(self->clnt, &error);
	EXPECT_EQ(2, error.re_vers.low);
	EXPECT_EQ(RPC_FAILED, mbox_clnt_collect(self->clnt, 4711, INT, &sum, LONG));
	EXPECT_FALSE(mbox_clnt_cancel(self->clnt, none));
}

TEST_F(async, other_transports_have_none)
{
	CLIENT *raw = clnt_raw_create(SERVICE, SERVICE_V4);
	uint32_t xid;

	ASSERT_NE(NULL, raw);
	EXPECT_EQ(-EINVAL, mbox_clnt_fd(raw));
	EXPECT_EQ(RPC_FAILED, start_add(raw, 1, 2, &xid));
	EXPECT_EQ(RPC_FAILED, mbox_clnt_collect(raw, 1, INT, &xid, NONE));
	EXPECT_FALSE(mbox_clnt_ready(raw, &xid));
	EXPECT_FALSE(mbox_clnt_cancel(raw, 1));
}

TEST_F(async, server_without_room)
{
	static uint32_t xids[2000];
	int result, nr, i, arg;

	/* Two are served; as many as the mailbox holds wait. */
	for (nr = 0; nr < 2000; nr++) {
		arg = nr;
		if (mbox_clnt_start(self->clnt, WAIT, INT, &arg,
				    nr < 1026 ? LONG : (struct timeval){ .tv_usec = 1000 },
				    &xids[nr]) != RPC_SUCCESS)
			break;
	}
	EXPECT_EQ(1026, nr);
	EXPECT_EQ(ETIMEDOUT, clnt_errno(self->clnt));
	gate_set(true);
	for (i = 0; i < nr; i++) {
		ASSERT_EQ(RPC_SUCCESS, mbox_clnt_collect(self->clnt, xids[i], INT, &result, LONG));
		EXPECT_EQ(i, result);
	}
}

TEST(server_that_dies_takes_all_with_it)
{
	const char *name = unique_name("mortal");
	pid_t pid = service_fork(name);
	CLIENT *clnt = service_client(name);
	uint32_t xids[3], xid;
	struct pollfd pfd;
	int i, result;

	ASSERT_LT(0, pid);
	ASSERT_NE(NULL, clnt);
	pfd = (struct pollfd) { .fd = mbox_clnt_fd(clnt), .events = POLLIN };
	for (i = 0; i < 3; i++)
		ASSERT_EQ(RPC_SUCCESS, start_wait(clnt, i, &xids[i]));
	EXPECT_EQ(RPC_TIMEDOUT, mbox_clnt_collect(clnt, xids[0], INT, &result, NONE));
	EXPECT_EQ(0, poll(&pfd, 1, 0));
	kill(pid, SIGKILL);
	child_wait(pid);
	EXPECT_EQ(1, poll(&pfd, 1, WAIT_LIMIT_S * 1000));
	EXPECT_TRUE(mbox_clnt_ready(clnt, &xid));
	EXPECT_EQ(xids[0], xid);
	for (i = 2; i >= 0; i--) {
		EXPECT_EQ(RPC_CANTRECV, mbox_clnt_collect(clnt, xids[i], INT, &result, LONG));
		EXPECT_EQ(ECONNRESET, clnt_errno(clnt));
	}
	EXPECT_FALSE(mbox_clnt_ready(clnt, &xid));
	EXPECT_EQ(RPC_CANTSEND, start_wait(clnt, 0, &xid));
	EXPECT_EQ(EPIPE, clnt_errno(clnt));
	clnt_destroy(clnt);
}

struct adder {
	CLIENT *clnt;
	int seed;
	int wrong;
	pthread_t thread;
};

static void *add_often(void *arg)
{
	struct adder *adder = arg;
	uint32_t xids[10];
	int round, i, sum;

	for (round = 0; round < 30; round++) {
		for (i = 0; i < 10; i++)
			if (start_add(adder->clnt, adder->seed, i, &xids[i]))
				adder->wrong++;
		for (i = 9; i >= 0; i--)
			if (mbox_clnt_collect(adder->clnt, xids[i], INT, &sum, LONG) ||
			    sum != adder->seed + i)
				adder->wrong++;
	}
	return NULL;
}

TEST_F(async, many_threads_share_a_client)
{
	struct adder adders[6] = { { .seed = 0 } };
	int i;

	for (i = 0; i < 6; i++) {
		adders[i].clnt = self->clnt;
		adders[i].seed = 100 * i;
		ASSERT_EQ(0, pthread_create(&adders[i].thread, NULL, add_often, &adders[i]));
	}
	for (i = 0; i < 6; i++) {
		pthread_join(adders[i].thread, NULL);
		EXPECT_EQ(0, adders[i].wrong);
	}
}

/* What a server gets, and can do with it. */
TEST(server_can_only_answer)
{
	const struct mbox_attr attr = { .capacity = 4, .msgsize = 70000, .flags = MBOX_HANDLES };
	const char *name = unique_name("raw_server");
	static char room[70000];
	struct mbox_fd fds[2], three[3];
	struct mbox_message msg = {
		.data = room, .size = sizeof(room), .fds = fds, .room_fds = 2,
	};
	struct mbox_message answer;
	struct mbox *mb, *to;
	struct raw raw;
	uint32_t xid, other;
	CLIENT *clnt;
	int sum, i;

	ASSERT_EQ(0, mbox_create(&mb, name, O_RDWR, 0600, &attr));
	clnt = service_client(name);
	ASSERT_NE(NULL, clnt);
	ASSERT_EQ(RPC_SUCCESS, start_add(clnt, 1, 2, &xid));
	ASSERT_EQ(RPC_SUCCESS, start_add(clnt, 1, 2, &other));
	ASSERT_EQ(0, mbox_recv(mb, &msg));
	EXPECT_EQ(xid, msg.tag);
	EXPECT_EQ(0, msg.delivery);
	ASSERT_EQ(1, msg.nr_fds);
	ASSERT_EQ(0, mbox_from_fd(&to, fds[0].fd));
	EXPECT_EQ(-EBADF, mbox_recv_msg(to, &msg, MBOX_NONBLOCK, 0));

	/* To nobody; more than there is room for; of no call; in no envelope; and one right. */
	RAW_BUILD(&raw, xid, REPLY, MSG_ACCEPTED, AUTH_NONE, 0, SUCCESS, 3);
	answer = raw_message(&raw);
	answer.tag = xid + 1000;
	EXPECT_EQ(0, mbox_send_msg(to, &answer, 0, 0));
	for (i = 0; i < 3; i++)
		three[i] = (struct mbox_fd) { .fd = mbox_fd(mb) };
	answer.tag = other;
	answer.fds = three;
	answer.nr_fds = 3;
	EXPECT_EQ(0, mbox_send_msg(to, &answer, 0, 0));
	EXPECT_EQ(RPC_CANTDECODERES, mbox_clnt_collect(clnt, other, INT, &sum, LONG));
	answer = raw_message(&raw);
	answer.tag = xid;
	EXPECT_EQ(0, mbox_send_msg(to, &answer, 0, 0));
	EXPECT_EQ(RPC_SUCCESS, mbox_clnt_collect(clnt, xid, INT, &sum, LONG));
	EXPECT_EQ(3, sum);
	EXPECT_EQ(0, mbox_send_msg(to, &answer, 0, 0));
	EXPECT_EQ(RPC_FAILED, mbox_clnt_collect(clnt, xid, INT, &sum, LONG));

	mbox_close(to);
	clnt_destroy(clnt);
	mbox_close(mb);
	mbox_unlink(name);
}

TEST_HARNESS_MAIN
