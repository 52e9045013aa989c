// SPDX-License-Identifier: GPL-2.0
/* Call and reply, as libmbox gives them. */
#include "common.h"
#include "harness.h"

#include <mbox/mbox.h>

/* Answers each request with its bytes and an exclamation mark. */
struct server {
	struct mbox *mb;
	unsigned int requests;
	int ret;
	pthread_t thread;
};

FIXTURE(call) {
	struct mbox *mb;
	struct server server;
	char room[100];
	struct mbox_message reply;
};

static void *serve(void *arg)
{
	struct server *server = arg;
	char in[100], out[101];
	struct mbox_message next = { .data = in, .size = sizeof(in) };
	struct mbox_message reply = { .data = out };

	while (!(server->ret = mbox_reply_recv(server->mb, &reply, &next, 0, 0))) {
		if (!(next.flags & MBOX_CALL))
			break;
		memcpy(out, in, next.length);
		out[next.length] = '!';
		reply.length = next.length + 1;
		reply.tag = next.tag + 1;
		reply.delivery = next.delivery;
		server->requests++;
	}
	return NULL;
}

FIXTURE_SETUP(call)
{
	const struct mbox_attr attr = { .capacity = 4, .msgsize = 100 };

	ASSERT_EQ(0, mbox_create(&self->mb, NULL, O_RDWR, 0600, &attr));
	self->server.mb = self->mb;
	self->reply = (struct mbox_message) { .data = self->room, .size = sizeof(self->room) };
}

FIXTURE_TEARDOWN(call)
{
	mbox_close(self->mb);
}

#define START_SERVER() \
	ASSERT_EQ(0, pthread_create(&self->server.thread, NULL, serve, &self->server))

/* What is no request ends it. */
#define STOP_SERVER() do {						\
	ASSERT_EQ(0, mbox_send(self->mb, "", 0, 0));			\
	pthread_join(self->server.thread, NULL);			\
	EXPECT_EQ(0, self->server.ret);					\
} while (0)

TEST_F(call, each_call_has_its_reply)
{
	int i;

	START_SERVER();
	for (i = 0; i < 100; i++) {
		struct mbox_message request = { .data = "hello", .length = i % 6, .tag = i };

		ASSERT_EQ(0, mbox_call(self->mb, &request, &self->reply, 0, 0));
		EXPECT_EQ(i % 6 + 1, self->reply.length);
		EXPECT_EQ(0, memcmp(self->room, "hello", i % 6));
		EXPECT_EQ('!', self->room[i % 6]);
		EXPECT_EQ(i + 1, self->reply.tag);
		EXPECT_EQ(getpid(), self->reply.pid);
		EXPECT_EQ(0, self->reply.delivery);
	}
	STOP_SERVER();
	EXPECT_EQ(100, self->server.requests);
}

struct caller {
	struct mbox *mb;
	unsigned int deadline_ms;
	size_t room;
	int ret;
	pthread_t thread;
};

static void *call(void *arg)
{
	struct caller *c = arg;
	struct mbox_message request = { .data = "x", .length = 1 };
	char room[100];
	struct mbox_message reply = { .data = room, .size = c->room };

	c->ret = mbox_call(c->mb, &request, &reply, 0,
			   c->deadline_ms ? mbox_deadline_in(c->deadline_ms * NS_PER_MS) : 0);
	return NULL;
}

#define START_CALLER(c) \
	ASSERT_EQ(0, pthread_create(&(c)->thread, NULL, call, c))

#define EXPECT_CALL(expected, c) do {					\
	pthread_join((c)->thread, NULL);				\
	EXPECT_EQ(expected, (c)->ret);					\
} while (0)

TEST_F(call, reply_given_once_and_only_if_somebody_waits)
{
	struct caller c = { .mb = self->mb, .room = 2 };
	struct mbox_message msg = { .data = self->room, .size = sizeof(self->room) };
	struct mbox_message reply = { .data = "abc", .length = 3 };

	START_CALLER(&c);
	ASSERT_EQ(0, mbox_recv(self->mb, &msg));
	EXPECT_EQ(MBOX_CALL, msg.flags);
	reply.delivery = msg.delivery;
	EXPECT_EQ(-EMSGSIZE, mbox_reply(self->mb, &reply));
	reply.length = 2;
	EXPECT_EQ(0, mbox_reply(self->mb, &reply));
	EXPECT_CALL(0, &c);
	EXPECT_EQ(-ESTALE, mbox_reply(self->mb, &reply));

	c.deadline_ms = 30;
	START_CALLER(&c);
	ASSERT_EQ(0, mbox_recv(self->mb, &msg));
	EXPECT_CALL(-ETIMEDOUT, &c);
	reply.delivery = msg.delivery;
	EXPECT_EQ(-ESTALE, mbox_reply(self->mb, &reply));
	EXPECT_EQ(-ESTALE, mbox_reply_recv(self->mb, &reply, &msg, MBOX_NONBLOCK, 0));
	EXPECT_NE(0, reply.delivery);
}

TEST_F(call, reply_recv_tells_which_of_the_two_failed)
{
	struct caller c = { .mb = self->mb, .room = 2 };
	struct mbox_message msg = { .data = self->room, .size = sizeof(self->room) };
	struct mbox_message reply = { .data = "abc", .length = 3 };

	START_CALLER(&c);
	ASSERT_EQ(0, mbox_recv(self->mb, &msg));
	reply.delivery = msg.delivery;
	EXPECT_EQ(-EMSGSIZE, mbox_reply_recv(self->mb, &reply, &msg, MBOX_NONBLOCK, 0));
	EXPECT_NE(0, reply.delivery);
	reply.length = 1;
	EXPECT_EQ(-EAGAIN, mbox_reply_recv(self->mb, &reply, &msg, MBOX_NONBLOCK, 0));
	EXPECT_EQ(0, reply.delivery);
	EXPECT_CALL(0, &c);
	EXPECT_EQ(-ETIMEDOUT, mbox_reply_recv(self->mb, &reply, &msg, 0, 1));
	ASSERT_EQ(0, mbox_send(self->mb, "12345", 5, 0));
	msg.size = 4;
	EXPECT_EQ(-EMSGSIZE, mbox_reply_recv(self->mb, &reply, &msg, 0, 0));
	EXPECT_EQ(5, msg.length);
}

TEST_F(call, server_that_dies_is_told)
{
	struct caller c = { .mb = self->mb, .room = 2 };
	pid_t child = child_fork();

	if (!child) {
		struct mbox_message msg = { .data = self->room, .size = sizeof(self->room) };

		mbox_recv(self->mb, &msg);
		raise(SIGKILL);
	}
	START_CALLER(&c);
	EXPECT_CALL(-ECONNRESET, &c);
	child_wait(child);
}

TEST_F(call, wrong_arguments)
{
	struct mbox_message request = { .data = self->room, .length = 101 };
	struct mbox *rx, *tx;
	char name[64];

	EXPECT_EQ(-EMSGSIZE, mbox_call(self->mb, &request, &self->reply, 0, 0));
	request.length = 1;
	EXPECT_EQ(-EINVAL, mbox_call(self->mb, &request, &self->reply, MBOX_NONBLOCK, 0));
	EXPECT_EQ(-EINVAL, mbox_call(self->mb, &request, &self->reply, 0, ~0ULL));
	EXPECT_EQ(-ETIMEDOUT, mbox_call(self->mb, &request, &self->reply, 0, 1));
	EXPECT_EQ(-EINVAL, mbox_reply_recv(self->mb, &request, &self->reply, MBOX_SYNC, 0));
	EXPECT_EQ(-ESTALE, mbox_reply(self->mb, &request));

	snprintf(name, sizeof(name), "/%s", unique_name("rights"));
	ASSERT_EQ(0, mbox_create(&rx, name, O_RDONLY | O_EXCL, 0600, NULL));
	ASSERT_EQ(0, mbox_open(&tx, name, O_WRONLY));
	ASSERT_EQ(0, mbox_unlink(name));
	EXPECT_EQ(-EBADF, mbox_call(rx, &request, &self->reply, 0, 0));
	EXPECT_EQ(-EBADF, mbox_reply(tx, &request));
	EXPECT_EQ(-EBADF, mbox_reply_recv(tx, &request, &self->reply, 0, 0));
	mbox_close(rx);
	mbox_close(tx);
}

TEST_HARNESS_MAIN
