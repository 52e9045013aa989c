// SPDX-License-Identifier: GPL-2.0
/* Servers of libmbox-rpc, asked by hand: what each wrong request is answered with, byte by byte. */
#include "rpc_service.h"
#include "harness.h"

#include <dirent.h>
#include <sys/resource.h>

FIXTURE(server) {
	struct service service;
	struct mbox *mb;
	struct raw raw;
	struct mbox_message answer;
	int our_fds;
};

FIXTURE_SETUP(server)
{
	gate_set(true);
	ASSERT_EQ(0, service_start(&self->service, "server", 1));
	ASSERT_EQ(0, mbox_open(&self->mb, self->service.name, O_WRONLY));
	self->our_fds = fds_open();
}

FIXTURE_TEARDOWN(server)
{
	CLIENT *clnt = service_client(self->service.name);
	pair arg = { .one = 2, .other = 3 };
	int sum = 0;

	/* Whatever it was sent, the next call is served. */
	EXPECT_EQ(RPC_SUCCESS, add_4(&arg, &sum, clnt));
	EXPECT_EQ(5, sum);
	auth_destroy(clnt->cl_auth);
	clnt_destroy(clnt);
	EXPECT_EQ(self->our_fds, fds_open());
	mbox_close(self->mb);
	EXPECT_EQ(0, service_stop(&self->service));
}

TEST_F(server, call_is_answered)
{
	RAW_CALL(&self->raw, SERVICE_V4, NULLPROC);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS);
	RAW_CALL(&self->raw, SERVICE_V4, ADD, 5, -7);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS, -2);
	RAW_CALL(&self->raw, SERVICE_V2, ADD, 5, 7);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS, 12);
}

TEST_F(server, errors_of_rfc_5531)
{
	unsigned int before = service_calls;

	RAW_CALL(&self->raw, SERVICE_V4, ADD, 5, 7);
	self->raw.request[RAW_ENVELOPE + 2] = 3;
	EXPECT_REPLY(&self->raw, self->mb, RAW_DENIED, RPC_MISMATCH, 2, 2);
	RAW_BUILD(&self->raw, 99, CALL, 1);
	EXPECT_REPLY(&self->raw, self->mb, RAW_DENIED, RPC_MISMATCH, 2, 2);
	RAW_CALL(&self->raw, SERVICE_V4, ADD, 5, 7);
	self->raw.request[RAW_ENVELOPE + 3] = SERVICE + 1;
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, PROG_UNAVAIL);
	RAW_CALL(&self->raw, 3, ADD, 5, 7);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, PROG_MISMATCH, 2, 4);
	RAW_CALL(&self->raw, 5, ADD, 5, 7);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, PROG_MISMATCH, 2, 4);
	RAW_CALL(&self->raw, SERVICE_V4, 77);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, PROC_UNAVAIL);
	RAW_CALL(&self->raw, SERVICE_V2, ECHO);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, PROC_UNAVAIL);
	RAW_CALL(&self->raw, SERVICE_V4, ADD, 5);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, GARBAGE_ARGS);
	RAW_CALL(&self->raw, SERVICE_V4, ECHO, 0xffffffff, 0, 0);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, GARBAGE_ARGS);
	RAW_CALL(&self->raw, SERVICE_V4, ECHO, 9, 0, 0);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, GARBAGE_ARGS);
	EXPECT_TRUE(service_calls == before);
}

TEST_F(server, credentials_that_are_refused)
{
	RAW_CALL(&self->raw, SERVICE_V4, NULLPROC);
	self->raw.request[RAW_ENVELOPE + 6] = AUTH_SHORT;
	EXPECT_REPLY(&self->raw, self->mb, RAW_DENIED, AUTH_ERROR, AUTH_REJECTEDCRED);
	self->raw.request[RAW_ENVELOPE + 6] = 4711;
	EXPECT_REPLY(&self->raw, self->mb, RAW_DENIED, AUTH_ERROR, AUTH_REJECTEDCRED);
	self->raw.request[RAW_ENVELOPE + 6] = AUTH_SYS;
	EXPECT_REPLY(&self->raw, self->mb, RAW_DENIED, AUTH_ERROR, AUTH_BADCRED);
	RAW_CALL(&self->raw, SERVICE_V4, NULLPROC);
	self->raw.request[RAW_ENVELOPE + 7] = 401;
	EXPECT_REPLY(&self->raw, self->mb, RAW_DENIED, AUTH_ERROR, AUTH_BADCRED);
	RAW_CALL(&self->raw, SERVICE_V4, NULLPROC);
	self->raw.request[RAW_ENVELOPE + 7] = 8;
	EXPECT_REPLY(&self->raw, self->mb, RAW_DENIED, AUTH_ERROR, AUTH_BADVERF);
	RAW_CALL(&self->raw, SERVICE_V4, NULLPROC);
	self->raw.request[RAW_ENVELOPE + 9] = 401;
	EXPECT_REPLY(&self->raw, self->mb, RAW_DENIED, AUTH_ERROR, AUTH_BADVERF);
}

TEST_F(server, what_is_no_call_is_refused)
{
	unsigned int words;

	RAW_CALL(&self->raw, SERVICE_V4, NULLPROC);
	self->raw.request[RAW_ENVELOPE + 1] = REPLY;
	EXPECT_REFUSED(&self->raw, self->mb);
	for (words = 0; words < 6; words++) {
		if (words == 3)
			continue;
		RAW_CALL(&self->raw, SERVICE_V4, NULLPROC);
		self->raw.words = words;
		self->raw.request[2] = 4 * words;
		EXPECT_REFUSED(&self->raw, self->mb);
	}
}

TEST_F(server, envelopes_that_are_refused)
{
	unsigned int word;

	/* Another version, a flag that is not known, another length, and what has to be 0. */
	for (word = 0; word < RAW_ENVELOPE; word++) {
		RAW_CALL(&self->raw, SERVICE_V4, NULLPROC);
		self->raw.request[word] ^= 8;
		EXPECT_REFUSED(&self->raw, self->mb);
	}
	for (word = 0; word < RAW_ENVELOPE; word++) {
		struct mbox_message request = { .data = self->raw.request, .length = 4 * word };

		RAW_CALL(&self->raw, SERVICE_V4, NULLPROC);
		self->answer = (struct mbox_message) {
			.data = self->raw.reply, .size = sizeof(self->raw.reply),
		};
		ASSERT_EQ(0, mbox_call(self->mb, &request, &self->answer, 0, 0));
		EXPECT_EQ(64, self->answer.length);
	}
}

TEST_F(server, client_tells_what_was_refused)
{
	CLIENT *clnt = clnt_mbox_create(self->service.name, SERVICE, 1);
	struct rpc_err error;
	pair arg = { .one = 0 };
	int sum;

	EXPECT_EQ(RPC_PROGVERSMISMATCH, add_4(&arg, &sum, clnt));
	clnt_geterr(clnt, &error);
	EXPECT_EQ(2, error.re_vers.low);
	EXPECT_EQ(4, error.re_vers.high);
	clnt_destroy(clnt);
}

TEST_F(server, descriptors_are_closed_whatever_they_are)
{
	int pipe_fds[2], i;

	ASSERT_EQ(0, pipe(pipe_fds));
	for (i = 0; i < 3; i++) {
		static struct mbox_fd many[MBOX_FDS_MAX];
		struct mbox_message request = {
			.data = self->raw.request, .length = i, .fds = many, .nr_fds = MBOX_FDS_MAX,
		};
		unsigned int n;

		for (n = 0; n < MBOX_FDS_MAX; n++)
			many[n] = (struct mbox_fd) { .fd = pipe_fds[1] };
		self->answer = (struct mbox_message) {
			.data = self->raw.reply, .size = sizeof(self->raw.reply),
		};
		ASSERT_EQ(0, mbox_call(self->mb, &request, &self->answer, 0, 0));
	}
	RAW_CALL(&self->raw, SERVICE_V4, NULLPROC);
	self->raw.fds[0] = (struct mbox_fd) { .fd = pipe_fds[1] };
	self->raw.nr_fds = 1;
	EXPECT_REFUSED(&self->raw, self->mb);
	/* For a reply, with somebody waiting for it too; then what is no mailbox. */
	self->raw.request[1] = RAW_REPLY_TO;
	EXPECT_REFUSED(&self->raw, self->mb);
	close(pipe_fds[1]);
	EXPECT_TRUE(wait_until(events(pipe_fds[0]) & POLLHUP));
	close(pipe_fds[0]);
}

TEST_F(server, nobody_is_told_of_what_nobody_waits_for)
{
	unsigned int before = service_calls;
	struct mbox_message msg;

	ASSERT_EQ(0, mbox_send(self->mb, "", 0, 0));
	ASSERT_EQ(0, mbox_send(self->mb, "garbage", 7, 0));
	RAW_CALL(&self->raw, SERVICE_V4, ADD, 1, 2);
	msg = raw_message(&self->raw);
	ASSERT_EQ(0, mbox_send_msg(self->mb, &msg, 0, 0));
	EXPECT_TRUE(wait_until(service_calls == before + 1));
}

static void other(struct svc_req *rqstp, SVCXPRT *xprt)
{
	(void)rqstp;
	svcerr_noproc(xprt);
}

TEST_F(server, versions_come_and_go)
{
	SVCXPRT *xprt = self->service.xprt;

	EXPECT_EQ(0, mbox_svc_reg(xprt, SERVICE, SERVICE_V4, service_4));
	EXPECT_EQ(-EEXIST, mbox_svc_reg(xprt, SERVICE, SERVICE_V4, other));
	EXPECT_EQ(0, mbox_svc_unreg(xprt, SERVICE, SERVICE_V2));
	EXPECT_EQ(-ENOENT, mbox_svc_unreg(xprt, SERVICE, SERVICE_V2));
	RAW_CALL(&self->raw, SERVICE_V2, ADD, 1, 2);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, PROG_MISMATCH, 4, 4);
	EXPECT_EQ(0, mbox_svc_reg(xprt, SERVICE, SERVICE_V2, other));
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, PROC_UNAVAIL);
	EXPECT_EQ(0, mbox_svc_reg(xprt, SERVICE + 1, 0, other));
	EXPECT_EQ(0, mbox_svc_unreg(xprt, SERVICE + 1, 0));
}

TEST_F(server, transports_of_libtirpc_are_none_of_ours)
{
	SVCXPRT *raw = svc_raw_create();
	struct svc_req rqstp = { .rq_xprt = raw };
	struct mbox_svc_caller caller;

	ASSERT_NE(NULL, raw);
	EXPECT_EQ(-EINVAL, mbox_svc_reg(raw, SERVICE, 9, other));
	EXPECT_EQ(-EINVAL, mbox_svc_unreg(raw, SERVICE, 9));
	EXPECT_EQ(-EOPNOTSUPP, mbox_svc_caller(&rqstp, &caller));
}

TEST_F(server, name_has_to_be_free)
{
	errno = 0;
	EXPECT_EQ(NULL, svc_mbox_create(self->service.name, 0600));
	EXPECT_EQ(EEXIST, errno);
	EXPECT_EQ(NULL, svc_mbox_create("/a/b", 0600));
	EXPECT_EQ(EINVAL, errno);
}

/* How often the threads of a process have gone to sleep by themselves. */
static unsigned long sleeps(pid_t pid)
{
	char path[300], text[4096], *field;
	unsigned long sum = 0;
	struct dirent *task;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks && (task = readdir(tasks))) {
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, task->d_name);
		if (task->d_name[0] == '.' || read_text(path, text, sizeof(text)) < 0)
			continue;
		field = strstr(text, "\nvoluntary_ctxt_switches:");
		sum += field ? strtoul(strchr(field, ':') + 1, NULL, 10) : 0;
	}
	if (tasks)
		closedir(tasks);
	return sum;
}

TEST(server_without_room_for_descriptors_sleeps_until_there_is_some)
{
	const char *name = unique_name("full");
	struct mbox_fd fd = { .fd = STDIN_FILENO };
	struct mbox_message message = { .fds = &fd, .nr_fds = 1 };
	struct rlimit before, none;
	struct mbox *mb;
	unsigned long slept;
	CLIENT *clnt;
	pid_t pid;

	pid = service_fork(name);
	ASSERT_LT(0, pid);
	clnt = service_client(name);
	ASSERT_NE(NULL, clnt);
	ASSERT_EQ(0, mbox_open(&mb, name, O_WRONLY));
	ASSERT_EQ(0, prlimit(pid, RLIMIT_NOFILE, NULL, &before));
	none = (struct rlimit) { .rlim_max = before.rlim_max };
	ASSERT_EQ(0, prlimit(pid, RLIMIT_NOFILE, &none, NULL));
	ASSERT_EQ(0, mbox_send_msg(mb, &message, 0, 0));
	slept = sleeps(pid);
	EXPECT_TRUE(wait_until(sleeps(pid) > slept + 20));
	EXPECT_EQ(1, mb_status(mbox_fd(mb)).queued);
	ASSERT_EQ(0, prlimit(pid, RLIMIT_NOFILE, &before, NULL));
	EXPECT_EQ(RPC_SUCCESS, clnt_call(clnt, NULLPROC, (xdrproc_t)(void *)xdr_void, NULL,
					 (xdrproc_t)(void *)xdr_void, NULL, LONG));
	clnt_destroy(clnt);
	mbox_close(mb);
	kill(pid, SIGKILL);
	child_wait(pid);
}

TEST(own_loop)
{
	const char *name = unique_name("own_loop");
	SVCXPRT *xprt = svc_mbox_create(name, 0600);
	struct rpc_call call = { .clnt = service_client(name), .timeout = LONG, .arg = 3 };
	struct rpc_msg msg;
	int arg = 0;

	ASSERT_NE(NULL, xprt);
	ASSERT_NE(NULL, call.clnt);
	ASSERT_EQ(0, rpc_call_start(&call));
	ASSERT_TRUE(SVC_RECV(xprt, &msg));
	EXPECT_EQ(SERVICE, msg.rm_call.cb_prog);
	EXPECT_EQ(WAIT, msg.rm_call.cb_proc);
	EXPECT_TRUE(svc_getargs(xprt, (xdrproc_t)(void *)xdr_int, &arg));
	EXPECT_EQ(3, arg);
	arg = 4;
	EXPECT_TRUE(svc_sendreply(xprt, (xdrproc_t)(void *)xdr_int, &arg));
	EXPECT_EQ(XPRT_IDLE, SVC_STAT(xprt));
	svc_destroy(xprt);
	EXPECT_EQ(RPC_SUCCESS, rpc_call_join(&call));
	EXPECT_EQ(4, call.result);
	clnt_destroy(call.clnt);
}

TEST_HARNESS_MAIN
