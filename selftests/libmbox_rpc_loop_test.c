// SPDX-License-Identifier: GPL-2.0
/* The loop that serves, and how it ends; and one service by mailbox, TCP and UDP at once. */
#include "rpc_service.h"
#include "harness.h"

#define THREADS	4

FIXTURE(loop) {
	struct service service;
	CLIENT *clnt;
	struct rpc_call calls[THREADS + 1];
};

FIXTURE_SETUP(loop)
{
	int i;

	gate_set(false);
	ASSERT_EQ(0, service_start(&self->service, "loop", THREADS));
	self->clnt = service_client(self->service.name);
	ASSERT_NE(NULL, self->clnt);
	for (i = 0; i <= THREADS; i++)
		self->calls[i] = (struct rpc_call) {
			.clnt = self->clnt, .timeout = LONG, .arg = i,
		};
}

FIXTURE_TEARDOWN(loop)
{
	clnt_destroy(self->clnt);
	svc_destroy(self->service.xprt);
}

static struct mbox_ioc_status status_of(CLIENT *clnt)
{
	int fd = -1;

	clnt_control(clnt, CLGET_FD, &fd);
	return mb_status(fd);
}

#define JOIN_LOOP() ({							\
	pthread_join(self->service.thread, NULL);			\
	self->service.ret;						\
})

#define EXPECT_ANSWER(i) do {						\
	EXPECT_EQ(RPC_SUCCESS, rpc_call_join(&self->calls[i]));		\
	EXPECT_EQ(i, self->calls[i].result);				\
} while (0)

TEST_F(loop, as_many_are_served_at_once_as_it_has_threads)
{
	int i;

	for (i = 0; i <= THREADS; i++)
		ASSERT_EQ(0, rpc_call_start(&self->calls[i]));
	EXPECT_TRUE(wait_until(gate_inside() == THREADS && status_of(self->clnt).queued == 1));
	gate_set(true);
	for (i = 0; i <= THREADS; i++)
		EXPECT_ANSWER(i);
	mbox_svc_exit();
	EXPECT_EQ(0, JOIN_LOOP());
}

TEST_F(loop, what_is_served_is_answered_before_the_end)
{
	int i;

	for (i = 0; i <= THREADS; i++)
		ASSERT_EQ(0, rpc_call_start(&self->calls[i]));
	ASSERT_TRUE(wait_until(gate_inside() == THREADS && status_of(self->clnt).queued == 1));
	mbox_svc_exit();
	gate_set(true);
	EXPECT_EQ(0, JOIN_LOOP());
	EXPECT_EQ(THREADS, gate_passed());

	EXPECT_EQ(1, status_of(self->clnt).queued);

	/* The other one waits for the next loop. */
	ASSERT_EQ(0, pthread_create(&self->service.thread, NULL, (void *(*)(void *))mbox_svc_run,
				    (void *)1L));
	for (i = 0; i <= THREADS; i++)
		EXPECT_ANSWER(i);
	mbox_svc_exit();
	pthread_join(self->service.thread, NULL);
}

TEST_F(loop, runs_once_at_a_time)
{
	ASSERT_TRUE(wait_until(status_of(self->clnt).waiting_receivers == THREADS));
	EXPECT_EQ(-EINVAL, mbox_svc_run(0));
	EXPECT_EQ(-EBUSY, mbox_svc_run(1));
	mbox_svc_exit();
	EXPECT_EQ(0, JOIN_LOOP());
	EXPECT_EQ(0, status_of(self->clnt).waiting_receivers);

	/* Told before it begins. */
	mbox_svc_exit();
	EXPECT_EQ(0, mbox_svc_run(1));
}

TEST_F(loop, ends_with_a_mailbox_that_was_ended)
{
	struct mbox *mb;

	ASSERT_EQ(0, mbox_open(&mb, self->service.name, O_WRONLY));
	ASSERT_EQ(0, mbox_end(mb));
	EXPECT_EQ(-EIDRM, JOIN_LOOP());
	mbox_close(mb);
}

TEST_F(loop, leaves_nothing)
{
	int before = fds_open(), i;

	mbox_svc_exit();
	EXPECT_EQ(0, JOIN_LOOP());
	EXPECT_EQ(before, fds_open());
	for (i = 0; i < 3; i++) {
		SVCXPRT *xprt = svc_mbox_create(unique_name("another"), 0600);

		ASSERT_NE(NULL, xprt);
		mbox_svc_exit();
		EXPECT_EQ(0, mbox_svc_run(10));
		svc_destroy(xprt);
	}
	EXPECT_EQ(before, fds_open());
}

static void exit_on_signal(int signo)
{
	(void)signo;
	mbox_svc_exit();
}

static int run_until_signal(const char *name)
{
	SVCXPRT *xprt = svc_mbox_create(name, 0600);
	int ret;

	if (!xprt)
		return 1;
	signal(SIGTERM, exit_on_signal);
	ret = mbox_svc_run(2);
	svc_destroy(xprt);
	return -ret;
}

static unsigned int receivers_at(const char *name)
{
	struct mbox_ioc_status status = { .id = 0 };
	struct mbox *mb;

	if (!mbox_open(&mb, name, O_WRONLY)) {
		status = mb_status(mbox_fd(mb));
		mbox_close(mb);
	}
	return status.waiting_receivers;
}

TEST(signal_handler_can_end_it)
{
	const char *name = unique_name("signalled");
	pid_t pid = child_fork();

	if (!pid)
		_exit(run_until_signal(name));
	ASSERT_TRUE(wait_until(receivers_at(name) == 2));
	kill(pid, SIGTERM);
	EXPECT_EQ(0, child_wait(pid));
}

static void reply_and_exit(struct svc_req *rqstp, SVCXPRT *xprt)
{
	(void)rqstp;
	svc_sendreply(xprt, (xdrproc_t)(void *)xdr_void, NULL);
	mbox_svc_exit();
}

static void *ask_nothing(void *name)
{
	CLIENT *clnt = service_client(name);
	enum clnt_stat status = RPC_SYSTEMERROR;

	if (clnt) {
		status = clnt_call(clnt, NULLPROC, (xdrproc_t)(void *)xdr_void, NULL,
				   (xdrproc_t)(void *)xdr_void, NULL, LONG);
		clnt_destroy(clnt);
	}
	return (void *)(uintptr_t)status;
}

TEST(dispatch_function_can_end_it)
{
	const char *name = unique_name("last_words");
	SVCXPRT *xprt = svc_mbox_create(name, 0600);
	pthread_t thread;
	void *status;

	ASSERT_NE(NULL, xprt);
	ASSERT_EQ(0, mbox_svc_reg(xprt, SERVICE, SERVICE_V4, reply_and_exit));
	ASSERT_EQ(0, pthread_create(&thread, NULL, ask_nothing, (void *)name));
	EXPECT_EQ(0, mbox_svc_run(3));
	pthread_join(thread, &status);
	EXPECT_EQ(RPC_SUCCESS, (uintptr_t)status);
	svc_destroy(xprt);
}

TEST(processes_can_share_a_mailbox)
{
	const char *name = unique_name("shared");
	SVCXPRT *xprt = svc_mbox_create(name, 0600);
	pid_t pids[2];
	CLIENT *clnt;
	identity id;
	int i;

	ASSERT_NE(NULL, xprt);
	ASSERT_EQ(0, mbox_svc_reg(xprt, SERVICE, SERVICE_V4, service_4));
	for (i = 0; i < 2; i++) {
		pids[i] = child_fork();
		if (!pids[i]) {
			signal(SIGTERM, exit_on_signal);
			_exit(-mbox_svc_run(2));
		}
	}
	ASSERT_TRUE(wait_until(receivers_at(name) == 4));
	clnt = service_client(name);
	ASSERT_NE(NULL, clnt);
	EXPECT_EQ(RPC_SUCCESS, who_4(NULL, &id, clnt));
	/* The end of one is not that of the other. */
	kill(pids[0], SIGTERM);
	EXPECT_EQ(0, child_wait(pids[0]));
	EXPECT_EQ(2, receivers_at(name));
	EXPECT_EQ(RPC_SUCCESS, who_4(NULL, &id, clnt));
	kill(pids[1], SIGTERM);
	EXPECT_EQ(0, child_wait(pids[1]));
	clnt_destroy(clnt);
	svc_destroy(xprt);
}

static bool rpcbind_answers(void)
{
	return rpcb_gettime("127.0.0.1", &(time_t){ 0 }) == TRUE;
}

static pid_t start_rpcbind(void)
{
	pid_t pid = child_fork();

	if (!pid) {
		execl("/sbin/rpcbind", "rpcbind", "-f", (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* The same for each transport. */
static int sum_by(const char *nettype, const char *host, int *says)
{
	CLIENT *clnt = mbox_clnt_create(host, SERVICE, SERVICE_V4, nettype);
	pair arg = { .one = 20, .other = 22 };
	identity id = { .pid = 0 };
	int sum = -1;

	if (!clnt)
		return -2;
	if (add_4(&arg, &sum, clnt) || who_4(NULL, &id, clnt))
		sum = -3;
	*says = id.pid;
	auth_destroy(clnt->cl_auth);
	clnt_destroy(clnt);
	return sum;
}

TEST(one_server_by_mailbox_tcp_and_udp)
{
	const char *name = unique_name("everywhere");
	pid_t rpcbind = start_rpcbind(), pid;
	int says;

	ASSERT_TRUE(wait_until(rpcbind_answers()));
	pid = child_fork();
	if (!pid) {
		SVCXPRT *xprt = svc_mbox_create(name, 0622);

		if (!xprt || mbox_svc_reg(xprt, SERVICE, SERVICE_V4, service_4) ||
		    !svc_create(service_4, SERVICE, SERVICE_V4, "tcp") ||
		    !svc_create(service_4, SERVICE, SERVICE_V4, "udp"))
			_exit(1);
		signal(SIGTERM, exit_on_signal);
		_exit(-mbox_svc_run(2));
	}
	ASSERT_TRUE(wait_until(receivers_at(name) == 2));
	EXPECT_EQ(42, sum_by("tcp", "127.0.0.1", &says));
	EXPECT_EQ(-EOPNOTSUPP, says);
	EXPECT_EQ(42, sum_by("udp", "127.0.0.1", &says));
	EXPECT_EQ(-EOPNOTSUPP, says);
	EXPECT_EQ(42, sum_by("mbox", name, &says));
	EXPECT_EQ(getpid(), says);
	kill(pid, SIGTERM);
	EXPECT_EQ(0, child_wait(pid));
	kill(rpcbind, SIGTERM);
	child_wait(rpcbind);
}

TEST_HARNESS_MAIN
