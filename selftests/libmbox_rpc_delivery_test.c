// SPDX-License-Identifier: GPL-2.0
/* How often a call is sent and served, by what its client was told to do for it. */
#include "rpc_service.h"
#include "harness.h"

/* Soon enough that a test sees many, and later than any answer of a server that is idle. */
static const struct timeval RETRY = { .tv_usec = 20000 };

static uint64_t received(struct mbox *mb)
{
	struct mbox_status status;

	return mbox_status(mb, &status) ? 0 : status.received;
}

FIXTURE(delivery) {
	struct service service;
	struct mbox *mb;
	CLIENT *clnt;
	struct rpc_call call;
	unsigned int before;
};

FIXTURE_SETUP(delivery)
{
	gate_set(true);
	ASSERT_EQ(0, service_start(&self->service, "delivery", 4));
	ASSERT_EQ(0, mbox_open(&self->mb, self->service.name, O_WRONLY));
	self->clnt = service_client(self->service.name);
	ASSERT_NE(NULL, self->clnt);
	ASSERT_TRUE(clnt_control(self->clnt, CLSET_RETRY_TIMEOUT, (char *)&RETRY));
	self->call = (struct rpc_call) { .clnt = self->clnt, .timeout = LONG, .arg = 7 };
	self->before = service_calls;
}

FIXTURE_TEARDOWN(delivery)
{
	gate_set(true);
	if (self->clnt)
		clnt_destroy(self->clnt);
	mbox_close(self->mb);
	EXPECT_EQ(0, service_stop(&self->service));
}

TEST_F(delivery, maybe_is_sent_once)
{
	const uint64_t before = received(self->mb);

	gate_set(false);
	self->call.timeout = (struct timeval) { .tv_usec = 200000 };
	ASSERT_EQ(0, rpc_call_start(&self->call));
	EXPECT_EQ(RPC_TIMEDOUT, rpc_call_join(&self->call));
	EXPECT_EQ(before + 1, received(self->mb));
}

TEST_F(delivery, at_least_once_is_served_each_time)
{
	EXPECT_EQ(0, mbox_clnt_delivery(self->clnt, MBOX_RPC_AT_LEAST_ONCE));
	gate_set(false);
	ASSERT_EQ(0, rpc_call_start(&self->call));
	EXPECT_TRUE(wait_until(service_calls >= self->before + 3));
	gate_set(true);
	EXPECT_EQ(RPC_SUCCESS, rpc_call_join(&self->call));
	EXPECT_EQ(7, self->call.result);
}

/* However often it was sent. */
#define EXPECT_SERVED_ONCE(self, delivery) do {				\
	const uint64_t sent_ = received((self)->mb);			\
									\
	EXPECT_EQ(0, mbox_clnt_delivery((self)->clnt, delivery));	\
	gate_set(false);						\
	ASSERT_EQ(0, rpc_call_start(&(self)->call));			\
	EXPECT_TRUE(wait_until(received((self)->mb) >= sent_ + 4));	\
	gate_set(true);							\
	EXPECT_EQ(RPC_SUCCESS, rpc_call_join(&(self)->call));		\
	EXPECT_EQ(7, (self)->call.result);				\
	EXPECT_TRUE(service_calls == (self)->before + 1);		\
} while (0)

TEST_F(delivery, at_most_once_is_served_once)
{
	EXPECT_SERVED_ONCE(self, MBOX_RPC_AT_MOST_ONCE);
}

TEST_F(delivery, exactly_once_is_served_once)
{
	EXPECT_SERVED_ONCE(self, MBOX_RPC_EXACTLY_ONCE);
}

TEST_F(delivery, next_call_is_another)
{
	pair arg = { .one = 2, .other = 3 };
	int i, sum;

	EXPECT_EQ(0, mbox_clnt_delivery(self->clnt, MBOX_RPC_EXACTLY_ONCE));
	for (i = 0; i < 3 * MBOX_RPC_WINDOW; i++) {
		arg.one = i;
		ASSERT_EQ(RPC_SUCCESS, add_4(&arg, &sum, self->clnt));
		EXPECT_EQ(i + 3, sum);
	}
	EXPECT_TRUE(service_calls == self->before + 3 * MBOX_RPC_WINDOW);
}

/* More at once than there is a window for: those that are too many wait. */
TEST_F(delivery, many_calls_at_once)
{
	static struct rpc_call calls[MBOX_RPC_WINDOW + 10];
	const int nr = sizeof(calls) / sizeof(*calls);
	int i;

	EXPECT_EQ(0, mbox_clnt_delivery(self->clnt, MBOX_RPC_EXACTLY_ONCE));
	gate_set(false);
	for (i = 0; i < nr; i++) {
		calls[i] = self->call;
		calls[i].arg = i;
		ASSERT_EQ(0, rpc_call_start(&calls[i]));
	}
	EXPECT_TRUE(wait_until(gate_inside() == 4));
	gate_set(true);
	for (i = 0; i < nr; i++) {
		EXPECT_EQ(RPC_SUCCESS, rpc_call_join(&calls[i]));
		EXPECT_EQ(i, calls[i].result);
	}
	EXPECT_TRUE(service_calls == self->before + nr);
}

TEST_F(delivery, timeout_ends_it)
{
	enum mbox_rpc_delivery delivery;

	gate_set(false);
	self->call.timeout = (struct timeval) { .tv_usec = 100000 };
	for (delivery = MBOX_RPC_AT_LEAST_ONCE; delivery <= MBOX_RPC_EXACTLY_ONCE; delivery++) {
		EXPECT_EQ(0, mbox_clnt_delivery(self->clnt, delivery));
		ASSERT_EQ(0, rpc_call_start(&self->call));
		EXPECT_EQ(RPC_TIMEDOUT, rpc_call_join(&self->call));
	}
}

TEST_F(delivery, end_of_a_client_acknowledges)
{
	pair arg = { .one = 2, .other = 3 };
	uint64_t before;
	int sum;

	EXPECT_EQ(0, mbox_clnt_delivery(self->clnt, MBOX_RPC_AT_MOST_ONCE));
	EXPECT_EQ(RPC_SUCCESS, add_4(&arg, &sum, self->clnt));
	before = received(self->mb);
	clnt_destroy(self->clnt);
	EXPECT_TRUE(wait_until(received(self->mb) == before + 1));
	/* One that has made no such call has nothing to say. */
	self->clnt = service_client(self->service.name);
	EXPECT_EQ(RPC_SUCCESS, add_4(&arg, &sum, self->clnt));
	before = received(self->mb);
	clnt_destroy(self->clnt);
	self->clnt = NULL;
	usleep(20000);
	EXPECT_EQ(before, received(self->mb));
}

TEST_F(delivery, client_that_comes_back)
{
	pair arg = { .one = 2, .other = 3 };
	struct mbox_rpc_identity *id = shared_memory(sizeof(*id));
	int sum = 0;

	EXPECT_EQ(0, mbox_clnt_delivery(self->clnt, MBOX_RPC_EXACTLY_ONCE));
	IN_CHILD {
		CLIENT *clnt = service_client(self->service.name);

		if (mbox_clnt_delivery(clnt, MBOX_RPC_EXACTLY_ONCE) ||
		    add_4(&arg, &sum, clnt) != RPC_SUCCESS || mbox_clnt_identity(clnt, id) ||
		    add_4(&arg, &sum, clnt) != RPC_SUCCESS)
			_exit(1);
	}
	EXPECT_EQ(2, id->sequence);
	EXPECT_EQ(0, mbox_clnt_resume(self->clnt, id));
	arg.one = 100;
	EXPECT_EQ(RPC_SUCCESS, add_4(&arg, &sum, self->clnt));
	EXPECT_EQ(5, sum);
	EXPECT_EQ(RPC_SUCCESS, add_4(&arg, &sum, self->clnt));
	EXPECT_EQ(103, sum);
	EXPECT_TRUE(service_calls == self->before + 3);
	/* What was acknowledged meanwhile is not served again. */
	EXPECT_EQ(0, mbox_clnt_resume(self->clnt, id));
	EXPECT_EQ(RPC_CANTRECV, add_4(&arg, &sum, self->clnt));
	EXPECT_EQ(ESTALE, clnt_errno(self->clnt));
	EXPECT_TRUE(service_calls == self->before + 3);
}

TEST_F(delivery, identity_is_that_of_the_next_call)
{
	struct mbox_rpc_identity id, same;
	pair arg = { .one = 2 };
	int sum;

	EXPECT_EQ(0, mbox_clnt_delivery(self->clnt, MBOX_RPC_AT_MOST_ONCE));
	EXPECT_EQ(0, mbox_clnt_identity(self->clnt, &id));
	EXPECT_EQ(0, mbox_clnt_identity(self->clnt, &same));
	EXPECT_EQ(0, memcmp(&id, &same, sizeof(id)));
	EXPECT_EQ(1, id.sequence);
	EXPECT_EQ(RPC_SUCCESS, add_4(&arg, &sum, self->clnt));
	EXPECT_EQ(0, mbox_clnt_identity(self->clnt, &same));
	EXPECT_EQ(0, memcmp(id.client, same.client, sizeof(id.client)));
	EXPECT_EQ(2, same.sequence);
	EXPECT_TRUE(same.time > id.time);
}

TEST_F(delivery, bad_arguments)
{
	CLIENT *raw = clntraw_create(SERVICE, SERVICE_V4);
	struct mbox_rpc_identity id = { .time = 1, .sequence = 1 };
	struct timeval bad = { .tv_sec = 0 };

	EXPECT_EQ(-EINVAL, mbox_clnt_delivery(self->clnt, MBOX_RPC_EXACTLY_ONCE + 1));
	EXPECT_EQ(-EINVAL, mbox_clnt_delivery(raw, MBOX_RPC_MAYBE));
	EXPECT_EQ(-EINVAL, mbox_clnt_identity(raw, &id));
	EXPECT_EQ(-EINVAL, mbox_clnt_resume(raw, &id));
	id.sequence = 0;
	EXPECT_EQ(-EINVAL, mbox_clnt_resume(self->clnt, &id));
	id.sequence = 1ULL << 63;
	EXPECT_EQ(-EINVAL, mbox_clnt_resume(self->clnt, &id));
	id.sequence = 1;
	id.time = 0;
	EXPECT_EQ(-EINVAL, mbox_clnt_resume(self->clnt, &id));
	id.time = 1ULL << 63;
	EXPECT_EQ(-EINVAL, mbox_clnt_resume(self->clnt, &id));
	EXPECT_FALSE(clnt_control(self->clnt, CLSET_RETRY_TIMEOUT, (char *)&bad));
	bad.tv_sec = -1;
	EXPECT_FALSE(clnt_control(self->clnt, CLSET_RETRY_TIMEOUT, (char *)&bad));
	EXPECT_TRUE(clnt_control(self->clnt, CLGET_RETRY_TIMEOUT, (char *)&bad));
	EXPECT_EQ(RETRY.tv_usec, bad.tv_usec);
}

/* A server in a process, and a call that it is killed in. */
FIXTURE(death) {
	char name[64];
	pid_t server;
	CLIENT *clnt;
	struct rpc_call call;
};

FIXTURE_SETUP(death)
{
	umask(0);
	gate_set(false);
	gate_entered = shared_memory(sizeof(*gate_entered));
	snprintf(self->name, sizeof(self->name), "/%s", unique_name("death"));
	self->server = service_fork(self->name);
	ASSERT_LT(0, self->server);
	self->clnt = service_client(self->name);
	ASSERT_NE(NULL, self->clnt);
	self->call = (struct rpc_call) { .clnt = self->clnt, .timeout = LONG, .arg = 7 };
}

FIXTURE_TEARDOWN(death)
{
	clnt_destroy(self->clnt);
	kill(self->server, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(self->server));
}

/* And the next one, with an open gate. */
#define DIE_AND_COME_BACK(self) do {					\
	EXPECT_TRUE(wait_until(*gate_entered == 1));			\
	kill((self)->server, SIGKILL);					\
	EXPECT_EQ(1000 + SIGKILL, child_wait((self)->server));		\
	gate_set(true);							\
	(self)->server = service_fork((self)->name);			\
	ASSERT_LT(0, (self)->server);					\
} while (0)

TEST_F(death, at_least_once_asks_the_next_server)
{
	EXPECT_EQ(0, mbox_clnt_delivery(self->clnt, MBOX_RPC_AT_LEAST_ONCE));
	ASSERT_EQ(0, rpc_call_start(&self->call));
	DIE_AND_COME_BACK(self);
	EXPECT_EQ(RPC_SUCCESS, rpc_call_join(&self->call));
	EXPECT_EQ(7, self->call.result);
}

TEST_F(death, at_most_once_ends_with_the_server)
{
	EXPECT_EQ(0, mbox_clnt_delivery(self->clnt, MBOX_RPC_AT_MOST_ONCE));
	ASSERT_EQ(0, rpc_call_start(&self->call));
	DIE_AND_COME_BACK(self);
	EXPECT_EQ(RPC_CANTRECV, rpc_call_join(&self->call));
	EXPECT_EQ(ECONNRESET, clnt_errno(self->clnt));
}

/* The next server does not know whether the one before has served it. */
TEST_F(death, exactly_once_needs_a_history_that_stays)
{
	EXPECT_EQ(0, mbox_clnt_delivery(self->clnt, MBOX_RPC_EXACTLY_ONCE));
	ASSERT_EQ(0, rpc_call_start(&self->call));
	DIE_AND_COME_BACK(self);
	EXPECT_EQ(RPC_CANTRECV, rpc_call_join(&self->call));
	EXPECT_EQ(ESTALE, clnt_errno(self->clnt));
	/* It goes on with the next server. */
	ASSERT_EQ(0, rpc_call_start(&self->call));
	EXPECT_EQ(RPC_SUCCESS, rpc_call_join(&self->call));
}

TEST_F(death, nobody_comes_back)
{
	kill(self->server, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(self->server));
	self->call.timeout = (struct timeval) { .tv_usec = 100000 };
	EXPECT_EQ(0, mbox_clnt_delivery(self->clnt, MBOX_RPC_EXACTLY_ONCE));
	ASSERT_EQ(0, rpc_call_start(&self->call));
	EXPECT_EQ(RPC_TIMEDOUT, rpc_call_join(&self->call));
	EXPECT_EQ(0, mbox_clnt_delivery(self->clnt, MBOX_RPC_AT_MOST_ONCE));
	ASSERT_EQ(0, rpc_call_start(&self->call));
	EXPECT_EQ(RPC_CANTSEND, rpc_call_join(&self->call));
	EXPECT_EQ(EPIPE, clnt_errno(self->clnt));
	self->server = service_fork(self->name);
}

TEST_HARNESS_MAIN
