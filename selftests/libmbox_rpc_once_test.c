// SPDX-License-Identifier: GPL-2.0
/* Requests that say which call they are, asked by hand: what is served again, and what is not. */
#include "rpc_service.h"
#include "harness.h"

#include <sqlite3.h>

#define FILLED	100000

FIXTURE(once) {
	struct service service;
	struct mbox *mb;
	struct raw raw;
	struct raw other;
	unsigned int before;
};

FIXTURE_SETUP(once)
{
	gate_set(true);
	ASSERT_EQ(0, service_start(&self->service, "once", 2));
	ASSERT_EQ(0, mbox_open(&self->mb, self->service.name, O_WRONLY));
	self->before = service_calls;
}

FIXTURE_TEARDOWN(once)
{
	gate_set(true);
	mbox_close(self->mb);
	EXPECT_EQ(0, service_stop(&self->service));
}

TEST_F(once, first_answer_is_given_again)
{
	RAW_CALL(&self->raw, SERVICE_V4, ADD, 5, 7);
	raw_identify(&self->raw, 1, 1, 0);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS, 12);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS, 12);
	/* It is known by nothing but its identity. */
	self->raw.request[self->raw.words + RAW_ENVELOPE - 1] = 8;
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS, 12);
	self->raw.request[RAW_ENVELOPE] = 100;
	EXPECT_REPLY(&self->raw, self->mb, 100, REPLY, MSG_ACCEPTED, AUTH_NONE, 0, SUCCESS, 12);
	EXPECT_TRUE(service_calls == self->before + 1);
	raw_identify(&self->raw, 2, 1, 0);
	EXPECT_REPLY(&self->raw, self->mb, 100, REPLY, MSG_ACCEPTED, AUTH_NONE, 0, SUCCESS, 13);
	EXPECT_TRUE(service_calls == self->before + 2);
}

TEST_F(once, what_is_acknowledged_is_too_old)
{
	RAW_CALL(&self->raw, SERVICE_V4, ADD, 5, 7);
	raw_identify(&self->raw, 1, 1, 0);
	self->other = self->raw;
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS, 12);
	raw_identify(&self->raw, 1, 2, 1);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS, 12);
	EXPECT_WORD(&self->other, self->mb, RAW_TOO_OLD);
	EXPECT_TRUE(service_calls == self->before + 2);
}

TEST_F(once, acknowledgment_alone)
{
	struct mbox_message msg;

	RAW_CALL(&self->raw, SERVICE_V4, ADD, 5, 7);
	raw_identify(&self->raw, 1, 1, 0);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS, 12);
	RAW_BUILD(&self->other, 0);
	self->other.words = 0;
	self->other.request[2] = 0;
	raw_identify(&self->other, 1, 1, 1);
	self->other.request[1] |= RAW_ACKNOWLEDGE;
	msg = raw_message(&self->other);
	ASSERT_EQ(0, mbox_send_msg(self->mb, &msg, 0, 0));
	EXPECT_TRUE(wait_until(raw_ask(&self->raw, self->mb) == 0));
	EXPECT_EQ(RAW_TOO_OLD, self->raw.reply[1]);
	/* One with something in it is no acknowledgment. */
	self->other.words = 1;
	self->other.request[2] = 4;
	EXPECT_REFUSED(&self->other, self->mb);
	EXPECT_TRUE(service_calls == self->before + 1);
}

TEST_F(once, older_than_the_server)
{
	RAW_CALL(&self->raw, SERVICE_V4, ADD, 5, 7);
	raw_identify(&self->raw, 1, 1, 0);
	self->raw.request[10]--;
	EXPECT_WORD(&self->raw, self->mb, RAW_TOO_OLD);
	self->raw.request[10] += 3;
	EXPECT_WORD(&self->raw, self->mb, RAW_TOO_OLD);
	EXPECT_TRUE(service_calls == self->before);
}

TEST_F(once, still_under_way)
{
	struct mbox_message msg;

	gate_set(false);
	RAW_CALL(&self->raw, SERVICE_V4, WAIT, 5);
	raw_identify(&self->raw, 1, 1, 0);
	msg = raw_message(&self->raw);
	ASSERT_EQ(0, mbox_send_msg(self->mb, &msg, 0, 0));
	ASSERT_TRUE(wait_until(gate_inside() == 1));
	EXPECT_WORD(&self->raw, self->mb, RAW_UNDER_WAY);
	gate_set(true);
	EXPECT_TRUE(wait_until(raw_ask(&self->raw, self->mb) > 0));
	EXPECT_EQ(5, self->raw.reply[RAW_ENVELOPE + 6]);
	EXPECT_TRUE(service_calls == self->before + 1);
}

TEST_F(once, errors_are_answers)
{
	RAW_CALL(&self->raw, SERVICE_V4, ADD, 5);
	raw_identify(&self->raw, 1, 1, 0);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, GARBAGE_ARGS);
	RAW_CALL(&self->other, SERVICE_V4, ADD, 5, 7);
	raw_identify(&self->other, 1, 1, 0);
	EXPECT_REPLY(&self->other, self->mb, RAW_ACCEPTED, GARBAGE_ARGS);
	/* Who is not let in is not remembered. */
	raw_identify(&self->other, 1, 2, 0);
	self->other.request[RAW_ENVELOPE + 6] = AUTH_SHORT;
	EXPECT_REPLY(&self->other, self->mb, RAW_DENIED, AUTH_ERROR, AUTH_REJECTEDCRED);
	self->other.request[RAW_ENVELOPE + 6] = AUTH_NONE;
	EXPECT_REPLY(&self->other, self->mb, RAW_ACCEPTED, SUCCESS, 12);
}

/* The segment of an answer, or -1. */
static int ask_for_segment(struct raw *raw, struct mbox *mb, struct mbox_fd *fd)
{
	struct mbox_message request = raw_message(raw);
	struct mbox_message reply = {
		.data = raw->reply, .size = sizeof(raw->reply), .fds = fd, .room_fds = 1,
	};
	int ret = mbox_call(mb, &request, &reply, 0, mbox_deadline_in(WAIT_LIMIT_S * NS_PER_S));

	return ret ? ret : reply.nr_fds == 1 ? 0 : -EPROTO;
}

TEST_F(once, long_answer_is_given_again)
{
	const int fds = fds_open();
	struct mbox_fd fd;
	struct stat one, other;

	RAW_CALL(&self->raw, SERVICE_V4, FILL, FILLED);
	raw_identify(&self->raw, 1, 1, 0);
	ASSERT_EQ(0, ask_for_segment(&self->raw, self->mb, &fd));
	EXPECT_EQ(0, fstat(fd.fd, &one));
	close(fd.fd);
	ASSERT_EQ(0, ask_for_segment(&self->raw, self->mb, &fd));
	EXPECT_EQ(0, fstat(fd.fd, &other));
	close(fd.fd);
	EXPECT_EQ(one.st_ino, other.st_ino);
	EXPECT_TRUE(service_calls == self->before + 1);
	RAW_CALL(&self->raw, SERVICE_V4, NULLPROC);
	raw_identify(&self->raw, 1, 2, 1);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS);
	/* What a thread has of it for one caller it closes after that has got it. */
	EXPECT_TRUE(wait_until(fds_open() == fds));
}

TEST_F(once, reply_to_another_mailbox_is_refused)
{
	RAW_CALL(&self->raw, SERVICE_V4, NULLPROC);
	raw_identify(&self->raw, 1, 1, 0);
	self->raw.request[1] |= RAW_REPLY_TO;
	self->raw.fds[0] = (struct mbox_fd) { .fd = mbox_fd(self->mb) };
	self->raw.nr_fds = 1;
	EXPECT_REFUSED(&self->raw, self->mb);
}

/* A child that serves the same mailbox does not know what its parent has served. */
TEST(history_stays_with_its_process)
{
	const char *name = unique_name("inherited");
	SVCXPRT *xprt = service_create(name);
	struct mbox *mb;
	struct raw raw;
	pid_t pid;

	ASSERT_NE(NULL, xprt);
	ASSERT_EQ(0, mbox_open(&mb, name, O_WRONLY));
	pid = child_fork();
	if (!pid)
		_exit(mbox_svc_run(1));
	RAW_CALL(&raw, SERVICE_V4, ADD, 5, 7);
	EXPECT_REPLY(&raw, mb, RAW_ACCEPTED, SUCCESS, 12);
	raw_identify(&raw, 1, 1, 0);
	EXPECT_REFUSED(&raw, mb);
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	mbox_close(mb);
	svc_destroy(xprt);
}

TEST(own_loop_refuses_it)
{
	const char *name = unique_name("own_loop");
	SVCXPRT *xprt = svc_mbox_create(name, 0600);
	struct mbox_message msg;
	struct rpc_msg header;
	struct mbox *mb;
	struct raw raw;

	ASSERT_NE(NULL, xprt);
	ASSERT_EQ(0, mbox_open(&mb, name, O_WRONLY));
	RAW_CALL(&raw, SERVICE_V4, NULLPROC);
	raw_identify(&raw, 1, 1, 0);
	msg = raw_message(&raw);
	ASSERT_EQ(0, mbox_send_msg(mb, &msg, 0, 0));
	EXPECT_FALSE(SVC_RECV(xprt, &header));
	RAW_CALL(&raw, SERVICE_V4, NULLPROC);
	msg = raw_message(&raw);
	ASSERT_EQ(0, mbox_send_msg(mb, &msg, 0, 0));
	EXPECT_TRUE(SVC_RECV(xprt, &header));
	mbox_close(mb);
	svc_destroy(xprt);
}

/* A bank that keeps what was transferred in its database; it refuses negative numbers. */
static bool book(const transfer *arg, int *result, struct svc_req *rqstp)
{
	sqlite3 *db = mbox_svc_db(rqstp);
	char *text;
	int ret;

	*result = arg->amount;
	if (!db)
		return false;
	text = sqlite3_mprintf("INSERT INTO booked VALUES (%d)", arg->number);
	ret = sqlite3_exec(db, text, NULL, NULL, NULL);
	sqlite3_free(text);
	return ret == SQLITE_OK && arg->number >= 0;
}

static int booked(const char *path)
{
	sqlite3_stmt *statement;
	int rows = -1;
	sqlite3 *db;

	if (sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "SELECT count(*) FROM booked", -1, &statement, NULL) == SQLITE_OK) {
		if (sqlite3_step(statement) == SQLITE_ROW)
			rows = sqlite3_column_int(statement, 0);
		sqlite3_finalize(statement);
	}
	sqlite3_close(db);
	return rows;
}

FIXTURE(durable) {
	struct service service;
	struct mbox *mb;
	struct raw raw;
	char path[64];
};

FIXTURE_SETUP(durable)
{
	sqlite3 *db;

	if (!file_locks())
		SKIP(return, NO_FILE_LOCKS);
	gate_set(true);
	service_bank = book;
	snprintf(self->path, sizeof(self->path), "/tmp/%s.db", unique_name("durable"));
	ASSERT_EQ(SQLITE_OK, sqlite3_open(self->path, &db));
	ASSERT_EQ(SQLITE_OK, sqlite3_exec(db, "CREATE TABLE booked (number)", NULL, NULL, NULL));
	sqlite3_close(db);
	snprintf(self->service.name, sizeof(self->service.name), "/%s", unique_name("durable"));
	self->service.xprt = service_create(self->service.name);
	ASSERT_NE(NULL, self->service.xprt);
	ASSERT_EQ(0, mbox_svc_durable(self->service.xprt, self->path));
	self->service.threads = 3;
	ASSERT_EQ(0, service_run(&self->service));
	ASSERT_EQ(0, mbox_open(&self->mb, self->service.name, O_WRONLY));
}

FIXTURE_TEARDOWN(durable)
{
	mbox_close(self->mb);
	EXPECT_EQ(0, service_stop(&self->service));
	unlink(self->path);
}

TEST_F(durable, answer_commits_what_was_done)
{
	RAW_CALL(&self->raw, SERVICE_V4, TRANSFER, 1, 0, 0, 70);
	raw_identify(&self->raw, 1, 1, 0);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS, 70);
	EXPECT_EQ(1, booked(self->path));
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS, 70);
	EXPECT_EQ(1, booked(self->path));
	/* One that does not say which it is is served each time. */
	self->raw.request[1] = 0;
	memset(self->raw.request + 6, 0, 10 * sizeof(uint32_t));
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS, 70);
	EXPECT_EQ(2, booked(self->path));
}

TEST_F(durable, what_is_not_answered_is_undone)
{
	CLIENT *clnt = service_client(self->service.name);
	struct timeval soon = { .tv_usec = 20000 };
	transfer arg = { .number = -1 };
	unsigned int before = service_calls;
	int result;

	ASSERT_NE(NULL, clnt);
	EXPECT_EQ(RPC_TIMEDOUT, clnt_call(clnt, TRANSFER, (xdrproc_t)(void *)xdr_transfer, &arg,
					  (xdrproc_t)(void *)xdr_int, &result, soon));
	EXPECT_TRUE(wait_until(service_calls == before + 1));
	/* Served after that one. */
	RAW_CALL(&self->raw, SERVICE_V4, NULLPROC);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS);
	EXPECT_EQ(0, booked(self->path));
	clnt_destroy(clnt);
}

TEST_F(durable, answer_that_is_too_long_to_keep)
{
	RAW_CALL(&self->raw, SERVICE_V4, FILL, FILLED);
	raw_identify(&self->raw, 1, 1, 0);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SYSTEM_ERR);
}

TEST_F(durable, one_database_a_server)
{
	SVCXPRT *raw = svc_raw_create();
	struct svc_req rqstp = { .rq_xprt = raw };

	EXPECT_EQ(-EALREADY, mbox_svc_durable(self->service.xprt, self->path));
	EXPECT_EQ(-EINVAL, mbox_svc_durable(raw, self->path));
	EXPECT_EQ(NULL, mbox_svc_db(&rqstp));
	rqstp.rq_xprt = self->service.xprt;
	EXPECT_NE(NULL, mbox_svc_db(&rqstp));
}

TEST(no_database)
{
	const char *name = unique_name("none");
	SVCXPRT *xprt = service_create(name);
	struct svc_req rqstp = { .rq_xprt = xprt };

	ASSERT_NE(NULL, xprt);
	EXPECT_EQ(-EIO, mbox_svc_durable(xprt, "/nowhere/at/all"));
	EXPECT_EQ(NULL, mbox_svc_db(&rqstp));
	svc_destroy(xprt);
}

TEST_HARNESS_MAIN
