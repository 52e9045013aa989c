// SPDX-License-Identifier: GPL-2.0
/*
 * Call and reply: each call ends with the answer to its own request or with an error that says
 * why, whoever dies, closes, gives up or makes a mistake. Requests and answers are numbers, and
 * the answer to a request is 1000 more.
 */
#include "common.h"
#include "harness.h"

#include <sys/syscall.h>

#define MANY		8
#define FIRST_SIZE	(offsetof(struct mbox_ioc_msg, gid) + sizeof(__u32))

/* A call in a thread of its own. */
struct caller {
	int fd;
	__u32 request;
	__u32 answer[2];
	struct mbox_ioc_msg send;
	struct mbox_ioc_msg recv;
	struct mbox_ioc_exchange exchange;
	int ret;
	bool done;
	pid_t tid;
	pthread_t thread;
};

static void caller_init(struct caller *c, int fd, __u32 request)
{
	*c = (struct caller) { .fd = fd, .request = request };
	c->send = mb_msg(&c->request, sizeof(c->request), 0);
	c->recv = mb_msg(c->answer, sizeof(c->answer[0]), 0);
	c->exchange = (struct mbox_ioc_exchange) {
		.send = addr(&c->send), .recv = addr(&c->recv), .msg_size = sizeof(c->send),
	};
}

static int caller_call(struct caller *c)
{
	c->ret = ctl(c->fd, MBOX_IOC_CALL, &c->exchange);
	return c->ret;
}

static void *caller_run(void *arg)
{
	struct caller *c = arg;

	__atomic_store_n(&c->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	caller_call(c);
	__atomic_store_n(&c->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool caller_done(struct caller *c)
{
	return __atomic_load_n(&c->done, __ATOMIC_ACQUIRE);
}

static int caller_join(struct caller *c)
{
	if (!wait_until(caller_done(c)))
		return -ETIME;
	pthread_join(c->thread, NULL);
	return c->ret;
}

static int call_one(int fd, __u32 request, __u64 deadline)
{
	struct caller c;
	int ret;

	caller_init(&c, fd, request);
	c.send.deadline = deadline;
	ret = caller_call(&c);
	return ret ? ret : (int)c.answer[0];
}

#define wait_callers(fd, nr)	wait_until(mb_status(fd).waiting_callers == (nr))

/* One after the other, so that their order is known. */
#define START(c, nr) do {							\
	ASSERT_EQ(0, pthread_create(&(c)->thread, NULL, caller_run, c));	\
	ASSERT_TRUE(wait_callers((c)->fd, nr));					\
} while (0)

#define BLOCK_CALL(c, fd, request, nr) do {					\
	caller_init(c, fd, request);						\
	START(c, nr);								\
} while (0)

#define EXPECT_ANSWERED(c) do {							\
	EXPECT_EQ(0, caller_join(c));						\
	EXPECT_EQ((c)->request + 1000, (c)->answer[0]);				\
} while (0)

/* What a server has. */
struct served {
	struct mbox_ioc_msg msg;
	__u32 request;
};

static int serve_flags(int fd, struct served *s, __u32 flags)
{
	s->msg = mb_msg(&s->request, sizeof(s->request), flags);
	return ctl(fd, MBOX_IOC_RECV, &s->msg);
}

static int serve(int fd, struct served *s)
{
	return serve_flags(fd, s, 0);
}

static int reply_bytes(int fd, __u64 delivery, const void *bytes, size_t len)
{
	struct mbox_ioc_msg send = mb_msg(bytes, len, 0);
	struct mbox_ioc_exchange exchange = { .send = addr(&send), .msg_size = sizeof(send) };

	send.delivery = delivery;
	send.tag = delivery;
	return ctl(fd, MBOX_IOC_REPLY, &exchange);
}

static int reply(int fd, const struct served *s)
{
	__u32 answer = s->request + 1000;

	return reply_bytes(fd, s->msg.delivery, &answer, sizeof(answer));
}

/* Answer and take the next request into the same struct. */
static int reply_serve(int fd, struct served *s, __u32 flags, bool *replied)
{
	__u32 answer = s->request + 1000;
	struct mbox_ioc_msg send = mb_msg(&answer, sizeof(answer), 0);
	struct mbox_ioc_exchange exchange = {
		.send = addr(&send), .recv = addr(&s->msg), .msg_size = sizeof(send),
	};
	int ret;

	send.delivery = s->msg.delivery;
	s->msg = mb_msg(&s->request, sizeof(s->request), flags);
	ret = ctl(fd, MBOX_IOC_REPLY, &exchange);
	if (replied)
		*replied = !exchange.send;
	return ret;
}

static bool nothing_left(int fd)
{
	struct mbox_ioc_status status = mb_status(fd);

	return !status.held && !status.waiting_callers && !status.queued;
}

FIXTURE(call) {
	struct mb_ends box;
	struct caller callers[MANY];
};

FIXTURE_VARIANT(call) {
	__u64 capacity;
};

FIXTURE_VARIANT_ADD(call, rendezvous) { .capacity = 0 };
FIXTURE_VARIANT_ADD(call, one) { .capacity = 1 };
FIXTURE_VARIANT_ADD(call, bounded) { .capacity = 7 };
FIXTURE_VARIANT_ADD(call, unbounded) { .capacity = MBOX_UNBOUNDED };

FIXTURE_SETUP(call)
{
	ASSERT_EQ(0, mb_ends_open(&self->box, variant->capacity, 0));
}

FIXTURE_TEARDOWN(call)
{
	mb_ends_close(&self->box);
}

TEST_F(call, request_is_marked_and_its_reply_comes_to_the_caller)
{
	struct caller *c = &self->callers[0];
	struct mbox_ioc_status status;
	struct served s;

	caller_init(c, self->box.tx, 5);
	c->send.tag = 55;
	c->send.prio = 3;
	START(c, 1);
	status = mb_status(self->box.rx);
	EXPECT_EQ(0, status.waiting_senders);
	EXPECT_EQ(0, status.held);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	EXPECT_EQ(5, s.request);
	EXPECT_EQ(MBOX_CALL, s.msg.flags);
	EXPECT_NE(0, s.msg.delivery);
	EXPECT_EQ(55, s.msg.tag);
	EXPECT_EQ(3, s.msg.prio);
	EXPECT_EQ(getpid(), s.msg.pid);
	status = mb_status(self->box.rx);
	EXPECT_EQ(1, status.waiting_callers);
	EXPECT_EQ(1, status.held);
	EXPECT_FALSE(caller_done(c));
	EXPECT_EQ(0, reply(self->box.rx, &s));
	EXPECT_ANSWERED(c);
	EXPECT_EQ(sizeof(__u32), c->recv.len);
	EXPECT_EQ(s.msg.delivery, c->recv.tag);
	EXPECT_EQ(getpid(), c->recv.pid);
	EXPECT_EQ(0, c->recv.flags);
	EXPECT_EQ(0, c->recv.delivery);
	EXPECT_TRUE(nothing_left(self->box.rx));
}

TEST_F(call, receiver_that_waits_is_given_the_request)
{
	struct mb_call take;
	__u32 answer = 1005;

	call_take(&take, self->box.rx, 0);
	ASSERT_EQ(0, call_start(&take));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	BLOCK_CALL(&self->callers[0], self->box.tx, 5, 1);
	ASSERT_EQ(0, call_join(&take));
	EXPECT_EQ(5, take.number);
	EXPECT_EQ(MBOX_CALL, take.msg.flags);
	EXPECT_EQ(0, reply_bytes(self->box.rx, take.msg.delivery, &answer, sizeof(answer)));
	EXPECT_ANSWERED(&self->callers[0]);
}

TEST_F(call, reply_passes_whatever_is_queued)
{
	struct served s;
	__u64 i, others = variant->capacity > 5 ? 5 : variant->capacity;

	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	for (i = 0; i < others; i++)
		ASSERT_EQ(0, mb_put(self->box.tx, 50 + i, 9, MBOX_NONBLOCK));
	EXPECT_EQ(0, reply(self->box.rx, &s));
	EXPECT_ANSWERED(&self->callers[0]);
	for (i = 0; i < others; i++)
		EXPECT_EQ(50 + i, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
}

TEST_F(call, many_callers_are_answered_in_any_order)
{
	struct served s[MANY];
	int i;

	for (i = 0; i < MANY; i++)
		BLOCK_CALL(&self->callers[i], self->box.tx, i, i + 1);
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(0, serve(self->box.rx, &s[i]));
		EXPECT_EQ(i, s[i].request);
	}
	EXPECT_EQ(MANY, mb_status(self->box.rx).held);
	for (i = MANY - 1; i >= 0; i--) {
		EXPECT_EQ(0, reply(self->box.rx, &s[i * 3 % MANY]));
		EXPECT_ANSWERED(&self->callers[i * 3 % MANY]);
	}
	EXPECT_TRUE(nothing_left(self->box.rx));
}

TEST_F(call, requests_come_by_priority)
{
	static const __u32 prio[] = { 1, 5, 3 }, order[] = { 1, 2, 0 };
	struct served s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prio); i++) {
		caller_init(&self->callers[i], self->box.tx, i);
		self->callers[i].send.prio = prio[i];
		START(&self->callers[i], i + 1);
	}
	/* With capacity 1 the first got in before the others came. */
	for (i = 0; i < ARRAY_SIZE(prio); i++) {
		ASSERT_EQ(0, serve(self->box.rx, &s));
		if (variant->capacity != 1)
			EXPECT_EQ(order[i], s.request);
		EXPECT_EQ(0, reply(self->box.rx, &s));
		EXPECT_ANSWERED(&self->callers[s.request]);
	}
}

TEST_F(call, full_mailbox_makes_the_request_wait)
{
	struct served s;
	__u64 i;

	if (variant->capacity == MBOX_UNBOUNDED)
		return;
	for (i = 0; i < variant->capacity; i++)
		ASSERT_EQ(0, mb_put(self->box.tx, 50 + i, 0, MBOX_NONBLOCK));
	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	EXPECT_EQ(variant->capacity, mb_status(self->box.rx).queued);
	for (i = 0; i < variant->capacity; i++)
		EXPECT_EQ(50 + i, mb_take(self->box.rx, 0));
	ASSERT_EQ(0, serve(self->box.rx, &s));
	EXPECT_EQ(0, reply(self->box.rx, &s));
	EXPECT_ANSWERED(&self->callers[0]);
}

TEST_F(call, answered_once)
{
	struct mbox_ioc_ack ack = { 0 };
	struct mbox_ioc_status before;
	struct served s;

	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	before = mb_status(self->box.rx);
	EXPECT_EQ(-ESTALE, reply_bytes(self->box.rx, 0, "", 0));
	EXPECT_EQ(-ESTALE, reply_bytes(self->box.rx, s.msg.delivery + 1, "", 0));
	EXPECT_EQ(-ESTALE, reply_bytes(self->box.rx, s.msg.delivery - 1, "", 0));
	EXPECT_EQ(-ESTALE, reply_bytes(self->box.rx, ~0ULL, "", 0));
	EXPECT_UNCHANGED(self->box.rx, &before);
	EXPECT_EQ(0, reply(self->box.rx, &s));
	EXPECT_ANSWERED(&self->callers[0]);
	before = mb_status(self->box.rx);
	EXPECT_EQ(-ESTALE, reply(self->box.rx, &s));
	ack.delivery = s.msg.delivery;
	EXPECT_EQ(-ESTALE, ctl(self->box.rx, MBOX_IOC_ACK, &ack));
	EXPECT_UNCHANGED(self->box.rx, &before);
}

TEST_F(call, acknowledged_instead_is_econnreset)
{
	struct mbox_ioc_ack ack = { 0 };
	struct served s;

	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	ack.delivery = s.msg.delivery;
	EXPECT_EQ(0, ctl(self->box.rx, MBOX_IOC_ACK, &ack));
	EXPECT_EQ(-ECONNRESET, caller_join(&self->callers[0]));
	EXPECT_EQ(-ESTALE, reply(self->box.rx, &s));
	EXPECT_TRUE(nothing_left(self->box.rx));
}

TEST_F(call, another_process_with_the_descriptor_answers)
{
	struct served s;

	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	IN_CHILD {
		EXPECT_EQ(0, reply(self->box.rx, &s));
		EXPECT_EQ(-ESTALE, reply(self->box.rx, &s));
	}
	EXPECT_ANSWERED(&self->callers[0]);
	EXPECT_EQ(-ESTALE, reply(self->box.rx, &s));
}

TEST_F(call, other_open_file_cannot_answer_but_a_duplicate_can)
{
	int copy = dup(self->box.rx);
	struct served s;

	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	EXPECT_EQ(-ESTALE, reply(self->box.both, &s));
	EXPECT_FALSE(caller_done(&self->callers[0]));
	EXPECT_EQ(0, reply(copy, &s));
	EXPECT_ANSWERED(&self->callers[0]);
	close(copy);
}

TEST_F(call, read_takes_the_request_and_ends_the_call)
{
	__u32 number;

	BLOCK_CALL(&self->callers[0], self->box.tx, 7, 1);
	EXPECT_EQ(sizeof(number), read(self->box.rx, &number, sizeof(number)));
	EXPECT_EQ(7, number);
	EXPECT_EQ(-ECONNRESET, caller_join(&self->callers[0]));
	EXPECT_TRUE(nothing_left(self->box.rx));
}

TEST_F(call, receiver_with_the_first_struct_ends_the_call)
{
	struct served s = { .msg = mb_msg(&s.request, sizeof(s.request), 0) };

	BLOCK_CALL(&self->callers[0], self->box.tx, 7, 1);
	EXPECT_EQ(0, ctl(self->box.rx, ioc_sized(MBOX_IOC_RECV, FIRST_SIZE), &s.msg));
	EXPECT_EQ(7, s.request);
	EXPECT_EQ(0, s.msg.delivery);
	EXPECT_EQ(-ECONNRESET, caller_join(&self->callers[0]));
}

TEST_F(call, caller_with_the_first_struct_is_answered)
{
	struct served s;

	caller_init(&self->callers[0], self->box.tx, 7);
	self->callers[0].exchange.msg_size = FIRST_SIZE;
	START(&self->callers[0], 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	EXPECT_EQ(0, reply(self->box.rx, &s));
	EXPECT_ANSWERED(&self->callers[0]);
}

TEST_F(call, server_that_closes_resets_the_call)
{
	int copy = dup(self->box.both);
	struct served s;

	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.both, &s));
	/* The process has another descriptor of the same open file. */
	close(self->box.both);
	EXPECT_FALSE(caller_done(&self->callers[0]));
	EXPECT_EQ(1, mb_status(copy).held);
	close(copy);
	EXPECT_EQ(-ECONNRESET, caller_join(&self->callers[0]));
	EXPECT_TRUE(nothing_left(self->box.rx));
}

TEST_F(call, child_with_the_descriptor_does_not_keep_the_call)
{
	struct served s;
	pid_t child;

	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.both, &s));
	child = child_fork();
	if (!child) {
		pause();
		_exit(0);
	}
	close(self->box.both);
	EXPECT_EQ(-ECONNRESET, caller_join(&self->callers[0]));
	kill(child, SIGKILL);
	child_wait(child);
	EXPECT_TRUE(nothing_left(self->box.rx));
}

TEST_F(call, exec_of_the_server)
{
	int keep, pipes[2];
	pid_t child;
	char byte;

	for (keep = 0; keep < 2; keep++) {
		struct caller *c = &self->callers[keep];

		ASSERT_EQ(0, pipe(pipes));
		BLOCK_CALL(c, self->box.tx, 1, 1);
		child = child_fork();
		if (!child) {
			struct served s;

			if (serve(self->box.rx, &s) || dup2(pipes[0], 0) < 0)
				_exit(1);
			fcntl(self->box.rx, F_SETFD, keep ? 0 : FD_CLOEXEC);
			close(pipes[1]);
			execl("/bin/sh", "sh", "-c", "read line", NULL);
			_exit(2);
		}
		close(pipes[0]);
		if (keep) {
			/* The program that it runs could answer by the number. */
			ASSERT_TRUE(wait_until(mb_status(self->box.rx).held == 1));
			byte = '\n';
			EXPECT_EQ(1, write(pipes[1], &byte, 1));
		}
		EXPECT_EQ(-ECONNRESET, caller_join(c));
		close(pipes[1]);
		child_wait(child);
	}
	EXPECT_TRUE(nothing_left(self->box.rx));
}

TEST_F(call, server_killed_after_receiving)
{
	pid_t child;

	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	child = child_fork();
	if (!child) {
		struct served s;

		serve(self->box.rx, &s);
		pause();
	}
	ASSERT_TRUE(wait_until(mb_status(self->box.rx).held == 1));
	kill(child, SIGKILL);
	EXPECT_EQ(-ECONNRESET, caller_join(&self->callers[0]));
	child_wait(child);
	EXPECT_TRUE(nothing_left(self->box.rx));
}

TEST_F(call, server_killed_before_receiving_leaves_it_to_the_next)
{
	struct served s;
	pid_t child = child_fork();

	if (!child)
		serve(self->box.rx, &s);
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	kill(child, SIGKILL);
	child_wait(child);
	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	EXPECT_EQ(0, reply(self->box.rx, &s));
	EXPECT_ANSWERED(&self->callers[0]);
}

/* Killed at any moment of a long copy: the request is with the next, or the call is over. */
TEST_F(call, server_killed_while_it_copies)
{
	struct mbox_ioc_create create = mb_template(NULL, variant->capacity, O_RDWR);
	size_t len = 4 << 20;
	char *large = shared_memory(len);
	int box, i, reset = 0;

	create.msgsize = len;
	box = ctl(device(), MBOX_IOC_CREATE, &create);
	ASSERT_LE(0, box);
	for (i = 0; i < 10; i++) {
		struct caller *c = &self->callers[0];
		struct served s;
		pid_t child;
		int ret;

		caller_init(c, box, 1);
		c->send.buf = addr(large);
		c->send.len = len;
		START(c, 1);
		child = child_fork();
		if (!child) {
			char *room = mmap(NULL, len, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			mb_recv(box, room, len, 0);
			pause();
		}
		/* It has taken the request out when this counts it, and copies. */
		ASSERT_TRUE(wait_until(mb_status(box).received));
		if (i % 2)
			usleep(i * 1000);
		kill(child, SIGKILL);
		child_wait(child);
		s.msg = mb_msg(large, len, MBOX_NONBLOCK);
		s.request = 1;
		ret = ctl(box, MBOX_IOC_RECV, &s.msg);
		if (!ret) {
			EXPECT_EQ(0, reply(box, &s));
			EXPECT_EQ(0, caller_join(c));
		} else {
			EXPECT_EQ(-EAGAIN, ret);
			EXPECT_EQ(-ECONNRESET, caller_join(c));
			reset++;
		}
		EXPECT_TRUE(nothing_left(box));
		close(box);
		box = ctl(device(), MBOX_IOC_CREATE, &create);
	}
	TH_LOG("%d of 10 were reset", reset);
	close(box);
}

TEST_F(call, caller_killed_makes_the_reply_stale)
{
	struct served s;
	pid_t child = child_fork();

	if (!child) {
		call_one(self->box.tx, 1, 0);
		_exit(0);
	}
	ASSERT_EQ(0, serve(self->box.rx, &s));
	EXPECT_EQ(child, s.msg.pid);
	kill(child, SIGKILL);
	child_wait(child);
	EXPECT_EQ(-ESTALE, reply(self->box.rx, &s));
	EXPECT_TRUE(nothing_left(self->box.rx));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
}

TEST_F(call, caller_killed_before_it_is_received_sends_nothing)
{
	pid_t child = child_fork();

	if (!child) {
		call_one(self->box.tx, 1, 0);
		_exit(0);
	}
	ASSERT_TRUE(wait_callers(self->box.rx, 1));
	kill(child, SIGKILL);
	child_wait(child);
	EXPECT_TRUE(nothing_left(self->box.rx));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
}

TEST_F(call, caller_out_of_time)
{
	struct served s;

	EXPECT_EQ(-ETIMEDOUT, call_one(self->box.tx, 1, 1));
	EXPECT_EQ(-ETIMEDOUT, call_one(self->box.tx, 1, in_ms(20)));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
	caller_init(&self->callers[0], self->box.tx, 2);
	self->callers[0].send.deadline = in_ms(1000);
	START(&self->callers[0], 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	EXPECT_EQ(-ETIMEDOUT, caller_join(&self->callers[0]));
	EXPECT_EQ(-ESTALE, reply(self->box.rx, &s));
	EXPECT_TRUE(nothing_left(self->box.rx));
	/* On the other clock, too; by another thread than the one that has served here. */
	caller_init(&self->callers[0], self->box.tx, 3);
	self->callers[0].send.deadline = now_ns(CLOCK_REALTIME) + 20 * NS_PER_MS;
	self->callers[0].send.flags = MBOX_REALTIME;
	ASSERT_EQ(0, pthread_create(&self->callers[0].thread, NULL, caller_run,
				    &self->callers[0]));
	EXPECT_EQ(-ETIMEDOUT, caller_join(&self->callers[0]));
}

static volatile int signals;

static void on_signal(int signo)
{
	signals++;
}

static void handle(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	signals = 0;
	sigaction(SIGUSR1, &action, NULL);
}

static void interrupt(const struct caller *c)
{
	int before = signals;

	syscall(SYS_tgkill, getpid(), c->tid, SIGUSR1);
	wait_until(signals > before);
}

TEST_F(call, caller_interrupted_before_it_is_received)
{
	struct served s;

	handle(0);
	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	interrupt(&self->callers[0]);
	EXPECT_EQ(-EINTR, caller_join(&self->callers[0]));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));

	handle(SA_RESTART);
	BLOCK_CALL(&self->callers[0], self->box.tx, 2, 1);
	interrupt(&self->callers[0]);
	ASSERT_TRUE(wait_callers(self->box.tx, 1));
	EXPECT_FALSE(caller_done(&self->callers[0]));
	ASSERT_EQ(0, serve(self->box.rx, &s));
	EXPECT_EQ(0, reply(self->box.rx, &s));
	EXPECT_ANSWERED(&self->callers[0]);
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
}

/* A restart would make the request twice. */
TEST_F(call, caller_interrupted_after_it_is_received)
{
	struct served s;

	handle(SA_RESTART);
	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	interrupt(&self->callers[0]);
	EXPECT_EQ(-EINTR, caller_join(&self->callers[0]));
	EXPECT_EQ(-ESTALE, reply(self->box.rx, &s));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_TRUE(nothing_left(self->box.rx));
}

TEST_F(call, reply_too_large_leaves_the_call_open)
{
	char large[MSGSIZE + 1] = { 0 };
	struct served s;

	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	EXPECT_EQ(-EMSGSIZE, reply_bytes(self->box.rx, s.msg.delivery, large, 5));
	EXPECT_EQ(-EMSGSIZE, reply_bytes(self->box.rx, s.msg.delivery, large, sizeof(large)));
	EXPECT_FALSE(caller_done(&self->callers[0]));
	EXPECT_EQ(0, reply(self->box.rx, &s));
	EXPECT_ANSWERED(&self->callers[0]);
	EXPECT_EQ(sizeof(__u32), self->callers[0].recv.len);

	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	EXPECT_EQ(0, reply_bytes(self->box.rx, s.msg.delivery, NULL, 0));
	EXPECT_EQ(0, caller_join(&self->callers[0]));
	EXPECT_EQ(0, self->callers[0].recv.len);
}

TEST_F(call, bad_addresses)
{
	/* Not a hole: the stack of a thread could come to lie there. */
	void *bad = mmap(NULL, getpagesize(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct caller *c = &self->callers[0];
	struct mbox_ioc_status before;
	struct mbox_ioc_exchange exchange;
	struct mbox_ioc_msg send;
	struct served s, next;
	__u32 answer = 1001;

	ASSERT_NE(MAP_FAILED, bad);
	before = mb_status(self->box.rx);
	caller_init(c, self->box.tx, 1);
	c->exchange.send = addr(bad);
	EXPECT_EQ(-EFAULT, caller_call(c));
	caller_init(c, self->box.tx, 1);
	c->exchange.recv = addr(bad);
	EXPECT_EQ(-EFAULT, caller_call(c));
	caller_init(c, self->box.tx, 1);
	c->send.buf = addr(bad);
	EXPECT_EQ(-EFAULT, caller_call(c));
	EXPECT_UNCHANGED(self->box.rx, &before);

	/* The answer was given; that it could not be taken is the caller's fault. */
	caller_init(c, self->box.tx, 1);
	c->recv.buf = addr(bad);
	START(c, 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	EXPECT_EQ(0, reply(self->box.rx, &s));
	EXPECT_EQ(-EFAULT, caller_join(c));
	EXPECT_TRUE(nothing_left(self->box.rx));

	BLOCK_CALL(c, self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	before = mb_status(self->box.rx);
	EXPECT_EQ(-EFAULT, reply_bytes(self->box.rx, s.msg.delivery, bad, 4));
	send = mb_msg(&answer, sizeof(answer), 0);
	send.delivery = s.msg.delivery;
	exchange = (struct mbox_ioc_exchange) { .send = addr(bad), .msg_size = sizeof(send) };
	EXPECT_EQ(-EFAULT, ctl(self->box.rx, MBOX_IOC_REPLY, &exchange));
	exchange.send = addr(&send);
	exchange.recv = addr(bad);
	EXPECT_EQ(-EFAULT, ctl(self->box.rx, MBOX_IOC_REPLY, &exchange));
	EXPECT_EQ(addr(&send), exchange.send);
	EXPECT_UNCHANGED(self->box.rx, &before);

	/* Too late for the reply: the next request is what cannot be taken, and stays. */
	BLOCK_CALL(&self->callers[1], self->box.tx, 2, 2);
	next.msg = mb_msg(bad, sizeof(next.request), 0);
	exchange.recv = addr(&next.msg);
	EXPECT_EQ(-EFAULT, ctl(self->box.rx, MBOX_IOC_REPLY, &exchange));
	EXPECT_EQ(0, exchange.send);
	EXPECT_ANSWERED(c);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	EXPECT_EQ(2, s.request);
	EXPECT_EQ(0, reply(self->box.rx, &s));
	EXPECT_ANSWERED(&self->callers[1]);
}

TEST_F(call, lists_of_buffers)
{
	struct mbox_iovec out[2], in[2], answer[2];
	struct caller *c = &self->callers[0];
	__u32 parts[2] = { 11, 22 }, got[2] = { 0 }, answers[2] = { 33, 44 };
	struct mbox_ioc_msg msg, send;
	struct mbox_ioc_exchange exchange;
	int i;

	caller_init(c, self->box.tx, 0);
	for (i = 0; i < 2; i++) {
		out[i] = (struct mbox_iovec) { addr(&parts[i]), sizeof(parts[i]) };
		in[i] = (struct mbox_iovec) { addr(&c->answer[1 - i]), sizeof(c->answer[0]) };
		answer[i] = (struct mbox_iovec) { addr(&answers[i]), sizeof(answers[i]) };
	}
	c->send = mb_msg(out, 2, MBOX_IOV);
	c->recv = mb_msg(in, 2, MBOX_IOV);
	START(c, 1);
	msg = mb_msg(got, sizeof(got), 0);
	ASSERT_EQ(0, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(11, got[0]);
	EXPECT_EQ(22, got[1]);
	send = mb_msg(answer, 2, MBOX_IOV);
	send.delivery = msg.delivery;
	exchange = (struct mbox_ioc_exchange) { .send = addr(&send), .msg_size = sizeof(send) };
	EXPECT_EQ(0, ctl(self->box.rx, MBOX_IOC_REPLY, &exchange));
	EXPECT_EQ(0, caller_join(c));
	EXPECT_EQ(8, c->recv.len);
	EXPECT_EQ(33, c->answer[1]);
	EXPECT_EQ(44, c->answer[0]);
}

TEST_F(call, nonblocking_descriptor_waits_all_the_same)
{
	struct served s;

	ASSERT_EQ(0, fcntl(self->box.tx, F_SETFL, O_NONBLOCK));
	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	EXPECT_EQ(0, reply(self->box.rx, &s));
	EXPECT_ANSWERED(&self->callers[0]);
}

TEST_F(call, reply_and_receive_in_one)
{
	struct served s;
	bool replied;

	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	BLOCK_CALL(&self->callers[1], self->box.tx, 2, 2);
	ASSERT_EQ(0, reply_serve(self->box.rx, &s, 0, &replied));
	EXPECT_FALSE(replied);
	EXPECT_ANSWERED(&self->callers[0]);
	EXPECT_EQ(2, s.request);
	EXPECT_EQ(MBOX_CALL, s.msg.flags);
	/* Nothing to receive: the reply is given, and that is told. */
	EXPECT_EQ(-EAGAIN, reply_serve(self->box.rx, &s, MBOX_NONBLOCK, &replied));
	EXPECT_TRUE(replied);
	EXPECT_ANSWERED(&self->callers[1]);
	/* The reply is refused, and then nothing is received. */
	BLOCK_CALL(&self->callers[0], self->box.tx, 3, 1);
	EXPECT_EQ(-ESTALE, reply_serve(self->box.rx, &s, MBOX_NONBLOCK, &replied));
	EXPECT_FALSE(replied);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	EXPECT_EQ(3, s.request);
	EXPECT_EQ(0, reply(self->box.rx, &s));
	EXPECT_ANSWERED(&self->callers[0]);
}

struct server {
	int fd;
	struct served s;
	bool replied;
	int ret;
	bool done;
	pid_t tid;
};

static void *server_run(void *arg)
{
	struct server *server = arg;

	server->tid = syscall(SYS_gettid);
	server->ret = reply_serve(server->fd, &server->s, 0, &server->replied);
	__atomic_store_n(&server->done, true, __ATOMIC_RELEASE);
	return NULL;
}

TEST_F(call, server_interrupted_after_the_reply)
{
	int restart;

	for (restart = 0; restart < 2; restart++) {
		struct server server = { .fd = self->box.rx };
		pthread_t thread;

		handle(restart ? SA_RESTART : 0);
		BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
		ASSERT_EQ(0, serve(self->box.rx, &server.s));
		ASSERT_EQ(0, pthread_create(&thread, NULL, server_run, &server));
		EXPECT_ANSWERED(&self->callers[0]);
		ASSERT_TRUE(wait_receivers(self->box.rx, 1));
		syscall(SYS_tgkill, getpid(), server.tid, SIGUSR1);
		ASSERT_TRUE(wait_until(signals == 1));
		if (restart) {
			/* It goes on receiving, and does not answer again. */
			ASSERT_TRUE(wait_receivers(self->box.rx, 1));
			BLOCK_CALL(&self->callers[1], self->box.tx, 2, 1);
		}
		ASSERT_TRUE(wait_until(__atomic_load_n(&server.done, __ATOMIC_ACQUIRE)));
		pthread_join(thread, NULL);
		EXPECT_EQ(restart ? 0 : -EINTR, server.ret);
		EXPECT_TRUE(server.replied);
		if (restart) {
			EXPECT_EQ(2, server.s.request);
			EXPECT_EQ(0, reply(self->box.rx, &server.s));
			EXPECT_ANSWERED(&self->callers[1]);
		}
	}
	EXPECT_TRUE(nothing_left(self->box.rx));
}

TEST_F(call, leased_request_goes_to_the_next_when_its_server_dies)
{
	struct served s;
	pid_t child;

	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	child = child_fork();
	if (!child) {
		serve_flags(self->box.rx, &s, MBOX_LEASE);
		pause();
	}
	ASSERT_TRUE(wait_until(mb_status(self->box.rx).held == 1));
	kill(child, SIGKILL);
	child_wait(child);
	EXPECT_FALSE(caller_done(&self->callers[0]));
	ASSERT_EQ(0, serve_flags(self->box.rx, &s, MBOX_LEASE | MBOX_NONBLOCK));
	EXPECT_EQ(MBOX_CALL, s.msg.flags);
	EXPECT_EQ(1, s.msg.deliveries);
	EXPECT_EQ(0, reply(self->box.rx, &s));
	EXPECT_ANSWERED(&self->callers[0]);
	EXPECT_TRUE(nothing_left(self->box.rx));
}

TEST_F(call, leased_request_whose_time_is_over_is_answered_by_another)
{
	struct served late = { .msg = mb_msg(&late.request, sizeof(__u32), MBOX_LEASE) }, s;

	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	late.msg.lease = 20 * NS_PER_MS;
	ASSERT_EQ(0, ctl(self->box.rx, MBOX_IOC_RECV, &late.msg));
	ASSERT_EQ(0, serve(self->box.both, &s));
	EXPECT_EQ(1, s.msg.deliveries);
	EXPECT_EQ(-ESTALE, reply(self->box.rx, &late));
	EXPECT_EQ(0, reply(self->box.both, &s));
	EXPECT_ANSWERED(&self->callers[0]);
}

TEST_F(call, caller_gives_up_on_a_leased_request)
{
	struct served s;

	caller_init(&self->callers[0], self->box.tx, 2);
	self->callers[0].send.deadline = in_ms(1000);
	START(&self->callers[0], 1);
	ASSERT_EQ(0, serve_flags(self->box.rx, &s, MBOX_LEASE));
	EXPECT_EQ(-ETIMEDOUT, caller_join(&self->callers[0]));
	EXPECT_EQ(-ESTALE, reply(self->box.rx, &s));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_TRUE(nothing_left(self->box.rx));
}

TEST_F(call, reply_to_what_is_no_request_is_estale)
{
	struct served s;

	if (!variant->capacity)
		return;
	ASSERT_EQ(0, mb_put(self->box.tx, 5, 0, 0));
	ASSERT_EQ(0, serve_flags(self->box.rx, &s, MBOX_LEASE));
	EXPECT_EQ(0, s.msg.flags);
	EXPECT_EQ(-ESTALE, reply(self->box.rx, &s));
	EXPECT_EQ(1, mb_status(self->box.rx).held);
}

TEST_F(call, wrong_rights_are_ebadf)
{
	const char *name = unique_name("rights");
	int rw = mb_create(name, 1, O_RDWR), neither = mb_open(name, 3);
	struct served s = { .request = 0 };

	ASSERT_LE(0, rw);
	ASSERT_LE(0, neither);
	mb_unlink(name);
	EXPECT_EQ(-EBADF, call_one(self->box.rx, 1, 0));
	EXPECT_EQ(-EBADF, call_one(neither, 1, 0));
	EXPECT_EQ(-EBADF, reply(self->box.tx, &s));
	EXPECT_EQ(-EBADF, reply(neither, &s));
}

TEST_F(call, hang_up)
{
	struct mb_ends box;
	struct served s;

	ASSERT_EQ(0, mb_ends_open(&box, variant->capacity, MBOX_HANGUP));
	close(box.both);
	BLOCK_CALL(&self->callers[0], box.tx, 1, 1);
	ASSERT_EQ(0, serve(box.rx, &s));
	BLOCK_CALL(&self->callers[1], box.tx, 2, 2);
	/* One was received, the other not. */
	close(box.rx);
	EXPECT_EQ(-ECONNRESET, caller_join(&self->callers[0]));
	EXPECT_EQ(-EPIPE, caller_join(&self->callers[1]));
	EXPECT_EQ(-EPIPE, call_one(box.tx, 1, 0));
	close(box.tx);
}

/* What is wrong with either struct is said before anything is done. */
static const struct forged {
	const char *name;
	struct mbox_ioc_msg send;
	struct mbox_ioc_msg recv;
} forged_calls[] = {
	{ "nonblock", { .flags = MBOX_NONBLOCK }, { 0 } },
	{ "sync", { .flags = MBOX_SYNC }, { 0 } },
	{ "peek", { .flags = MBOX_PEEK }, { 0 } },
	{ "lease flag", { .flags = MBOX_LEASE }, { 0 } },
	{ "from", { .flags = MBOX_FROM }, { 0 } },
	{ "call", { .flags = MBOX_CALL }, { 0 } },
	{ "unknown flag", { .flags = 1U << 31 }, { 0 } },
	{ "prio", { .prio = MBOX_PRIO_MAX + 1 }, { 0 } },
	{ "index", { .index = 1 }, { 0 } },
	{ "delivery", { .delivery = 1 }, { 0 } },
	{ "lease", { .lease = 1 }, { 0 } },
	{ "deadline", { .deadline = 1ULL << 63 }, { 0 } },
	{ "descriptors", { .nr_fds = MBOX_FDS_MAX + 1 }, { 0 } },
	{ "iovecs", { .flags = MBOX_IOV, .len = MBOX_IOV_MAX + 1 }, { 0 } },
	{ "reply nonblock", { 0 }, { .flags = MBOX_NONBLOCK } },
	{ "reply realtime", { 0 }, { .flags = MBOX_REALTIME } },
	{ "reply peek", { 0 }, { .flags = MBOX_PEEK } },
	{ "reply lease flag", { 0 }, { .flags = MBOX_LEASE } },
	{ "reply unknown flag", { 0 }, { .flags = 1U << 31 } },
	{ "reply deadline", { 0 }, { .deadline = 1 } },
	{ "reply index", { 0 }, { .index = 1 } },
	{ "reply lease", { 0 }, { .lease = 1 } },
	{ "reply descriptors", { 0 }, { .nr_fds = MBOX_FDS_MAX + 1 } },
	{ "reply iovecs", { 0 }, { .flags = MBOX_IOV, .len = MBOX_IOV_MAX + 1 } },
};

static const struct forged forged_replies[] = {
	{ "realtime", { .flags = MBOX_REALTIME }, { 0 } },
	{ "nonblock", { .flags = MBOX_NONBLOCK }, { 0 } },
	{ "sync", { .flags = MBOX_SYNC }, { 0 } },
	{ "unknown flag", { .flags = 1U << 31 }, { 0 } },
	{ "prio", { .prio = 1 }, { 0 } },
	{ "deadline", { .deadline = 1 }, { 0 } },
	{ "index", { .index = 1 }, { 0 } },
	{ "lease", { .lease = 1 }, { 0 } },
	{ "descriptors", { .nr_fds = MBOX_FDS_MAX + 1 }, { 0 } },
};

TEST_F(call, forged_fields_are_einval)
{
	struct mbox_ioc_status before = mb_status(self->box.rx);
	struct mbox_ioc_exchange exchange = { .msg_size = sizeof(struct mbox_ioc_msg) };
	struct served s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(forged_calls); i++) {
		exchange.send = addr(&forged_calls[i].send);
		exchange.recv = addr(&forged_calls[i].recv);
		EXPECT_EQ(-EINVAL, ctl(self->box.tx, MBOX_IOC_CALL, &exchange))
			TH_LOG("%s", forged_calls[i].name);
	}
	EXPECT_UNCHANGED(self->box.rx, &before);

	BLOCK_CALL(&self->callers[0], self->box.tx, 1, 1);
	ASSERT_EQ(0, serve(self->box.rx, &s));
	before = mb_status(self->box.rx);
	for (i = 0; i < ARRAY_SIZE(forged_replies); i++) {
		struct mbox_ioc_msg send = forged_replies[i].send;

		send.delivery = s.msg.delivery;
		exchange.send = addr(&send);
		exchange.recv = 0;
		EXPECT_EQ(-EINVAL, ctl(self->box.rx, MBOX_IOC_REPLY, &exchange))
			TH_LOG("%s", forged_replies[i].name);
	}
	exchange.send = 0;
	EXPECT_EQ(-EINVAL, ctl(self->box.rx, MBOX_IOC_REPLY, &exchange));
	EXPECT_UNCHANGED(self->box.rx, &before);
	EXPECT_EQ(0, reply(self->box.rx, &s));
	EXPECT_ANSWERED(&self->callers[0]);
}

TEST(broadcast_mailbox_takes_no_calls)
{
	int box;

	box = mb_create_flags(NULL, 1, O_RDWR, MBOX_BROADCAST);
	ASSERT_LE(0, box);
	EXPECT_EQ(-EOPNOTSUPP, call_one(box, 1, 0));
	close(box);
}

/* Both ways: a request with a descriptor, an answer with another. */
TEST(descriptors_go_with_request_and_reply)
{
	int box = mb_carrier(1, O_RDWR), pipes[2], back[2];
	struct mbox_fd out = { 0 }, got = { 0 }, in = { 0 }, more[2];
	struct mbox_ioc_exchange exchange;
	struct mbox_ioc_msg send;
	struct caller c;
	struct served s;
	char byte;

	ASSERT_LE(0, box);
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, pipe(back));
	caller_init(&c, box, 1);
	out.fd = pipes[1];
	c.send.fds = addr(&out);
	c.send.nr_fds = 1;
	c.recv.fds = addr(&in);
	c.recv.nr_fds = 1;
	START(&c, 1);
	s.msg = mb_msg(&s.request, sizeof(s.request), 0);
	s.msg.fds = addr(&got);
	s.msg.nr_fds = 1;
	ASSERT_EQ(0, ctl(box, MBOX_IOC_RECV, &s.msg));
	ASSERT_EQ(1, s.msg.nr_fds);
	EXPECT_EQ(1, write(got.fd, "x", 1));
	EXPECT_EQ(1, read(pipes[0], &byte, 1));

	more[0].fd = more[1].fd = back[1];
	more[0].flags = more[1].flags = 0;
	send = mb_msg("", 0, 0);
	send.delivery = s.msg.delivery;
	send.fds = addr(more);
	send.nr_fds = 2;
	exchange = (struct mbox_ioc_exchange) { .send = addr(&send), .msg_size = sizeof(send) };
	EXPECT_EQ(-ENOBUFS, ctl(box, MBOX_IOC_REPLY, &exchange));
	send.nr_fds = 1;
	EXPECT_EQ(0, ctl(box, MBOX_IOC_REPLY, &exchange));
	EXPECT_EQ(0, caller_join(&c));
	EXPECT_EQ(1, c.recv.nr_fds);
	EXPECT_EQ(1, write(in.fd, "y", 1));
	EXPECT_EQ(1, read(back[0], &byte, 1));
	EXPECT_EQ('y', byte);
	close(box);
}

/* A server that waits for its next request has let go of what came with the one before. */
TEST(descriptor_of_a_request_is_closed_once_it_is_answered)
{
	int box = mb_carrier(1, O_RDWR), pipes[2];
	struct mbox_fd out = { 0 }, got = { 0 };
	struct server server = { .fd = box };
	pthread_t thread;
	struct caller c;

	ASSERT_LE(0, box);
	ASSERT_EQ(0, pipe(pipes));
	caller_init(&c, box, 1);
	out.fd = pipes[1];
	c.send.fds = addr(&out);
	c.send.nr_fds = 1;
	START(&c, 1);
	server.s.msg = mb_msg(&server.s.request, sizeof(server.s.request), 0);
	server.s.msg.fds = addr(&got);
	server.s.msg.nr_fds = 1;
	ASSERT_EQ(0, ctl(box, MBOX_IOC_RECV, &server.s.msg));
	close(got.fd);
	close(pipes[1]);
	EXPECT_EQ(0, events(pipes[0]));
	ASSERT_EQ(0, pthread_create(&thread, NULL, server_run, &server));
	EXPECT_ANSWERED(&c);
	ASSERT_TRUE(wait_receivers(box, 1));
	EXPECT_TRUE(wait_until(events(pipes[0]) & POLLHUP));
	ASSERT_EQ(0, mb_send(box, "", 0, 0, 0));
	pthread_join(thread, NULL);
	close(box);
}

TEST(own_mailbox_of_a_process_that_dies)
{
	struct mbox_ioc_open open = { .oflag = O_WRONLY, .kind = MBOX_MAILBOX };
	int *ready = shared_memory(sizeof(*ready)), fd;
	struct caller received, queued;
	pid_t child = child_fork();

	if (!child) {
		struct served s;

		fd = mb_create_flags(NULL, 4, O_RDWR, MBOX_OWN);
		__atomic_store_n(ready, 1, __ATOMIC_RELEASE);
		serve(fd, &s);
		pause();
	}
	ASSERT_TRUE(wait_until(__atomic_load_n(ready, __ATOMIC_ACQUIRE)));
	open.pid = child;
	fd = ctl(device(), MBOX_IOC_OPEN, &open);
	ASSERT_LE(0, fd);
	BLOCK_CALL(&received, fd, 1, 1);
	ASSERT_TRUE(wait_until(mb_status(fd).held == 1));
	BLOCK_CALL(&queued, fd, 2, 2);
	kill(child, SIGKILL);
	EXPECT_EQ(-ECONNRESET, caller_join(&received));
	EXPECT_EQ(-ESRCH, caller_join(&queued));
	child_wait(child);
	EXPECT_EQ(-ESRCH, call_one(fd, 1, 0));
	close(fd);
}

/*
 * Many callers, many servers, and kills of both. A server answers with what only that request
 * can be answered with; each call must have its own answer or an error that a kill explains.
 */
#define CALLERS		6
#define SERVERS		3
#define CALLS		150

struct tally {
	__u32 calls[CALLERS];
	__u32 answered;
	__u32 reset;
	__u32 wrong;
	__u32 errors;
	__u32 answers;
	__u32 stale;
	__u32 stop;
};

static void count(__u32 *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static void history_caller(int box, struct tally *t, __u32 number)
{
	while (t->calls[number] < CALLS) {
		__u32 request = number << 16 | t->calls[number]++;
		int ret = call_one(box, request, request % 7 ? 0 : in_ms(1));

		if (ret == (int)request + 1000)
			count(&t->answered);
		else if (ret >= 0)
			count(&t->wrong);
		else if (ret == -ECONNRESET || ret == -ETIMEDOUT)
			count(&t->reset);
		else
			count(&t->errors);
	}
	_exit(0);
}

static void history_server(int box, struct tally *t, __u32 seed)
{
	struct served s = { .request = 0 };
	int ret = serve(box, &s);

	while (!ret && !__atomic_load_n(&t->stop, __ATOMIC_RELAXED)) {
		if (prng(&seed) % 4 == 0)
			ret = reply(box, &s) ?: serve(box, &s);
		else
			ret = reply_serve(box, &s, 0, NULL);
		if (ret == -ESTALE) {
			count(&t->stale);
			ret = serve(box, &s);
		}
	}
	if (ret)
		count(&t->errors);
	_exit(0);
}

static pid_t history_start(int box, struct tally *t, int i)
{
	pid_t pid = child_fork();

	if (!pid && i < CALLERS)
		history_caller(box, t, i);
	if (!pid)
		history_server(box, t, getpid());
	return pid;
}

static bool callers_done(const struct tally *t)
{
	int i;

	for (i = 0; i < CALLERS; i++)
		if (__atomic_load_n(&t->calls[i], __ATOMIC_RELAXED) < CALLS)
			return false;
	return true;
}

TEST_F(call, history_with_kills)
{
	struct tally *t = shared_memory(sizeof(*t));
	pid_t pids[CALLERS + SERVERS];
	__u32 seed = 4711, kills = 0;
	int i;

	for (i = 0; i < CALLERS + SERVERS; i++)
		pids[i] = history_start(self->box.both, t, i);
	while (!callers_done(t)) {
		usleep(3000 + prng(&seed) % 5000);
		i = prng(&seed) % (CALLERS + SERVERS);
		if (i < CALLERS && t->calls[i] == CALLS)
			continue;
		kill(pids[i], SIGKILL);
		child_wait(pids[i]);
		pids[i] = history_start(self->box.both, t, i);
		kills++;
	}
	for (i = 0; i < CALLERS; i++)
		child_wait(pids[i]);
	for (i = CALLERS; i < CALLERS + SERVERS; i++) {
		kill(pids[i], SIGKILL);
		child_wait(pids[i]);
	}
	TH_LOG("%u answered, %u reset or late, %u stale, %u kills",
	       t->answered, t->reset, t->stale, kills);
	EXPECT_EQ(0, t->wrong);
	EXPECT_EQ(0, t->errors);
	EXPECT_LT(0, t->answered);
	EXPECT_TRUE(nothing_left(self->box.both));
}

/* Every allocation and copy of a call and of a reply fails once, on the debug kernel. */
#define FAIL_NTH "/proc/thread-self/fail-nth"

static int inject(int fd, int nth)
{
	char text[16];

	return pwrite(fd, text, snprintf(text, sizeof(text), "%d", nth), 0) < 0 ? -errno : 0;
}

static bool injected(int fd)
{
	char text[16] = { 0 };

	while (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		;
	while (inject(fd, 0))
		;
	return atoi(text) == 0;
}

TEST_F(call, faults_of_the_caller)
{
	int fail_nth = open(FAIL_NTH, O_RDWR), nth, ret;
	struct tally *t = shared_memory(sizeof(*t));
	bool hit = true;
	pid_t server;

	if (fail_nth < 0)
		SKIP(return, "no " FAIL_NTH ": this kernel cannot inject faults");
	server = child_fork();
	if (!server)
		history_server(self->box.both, t, 1);
	for (nth = 1; nth < 100 && hit; nth++) {
		ASSERT_EQ(0, inject(fail_nth, nth));
		ret = call_one(self->box.tx, nth, 0);
		hit = injected(fail_nth);
		if (ret != nth + 1000)
			EXPECT_TRUE(hit && (ret == -ENOMEM || ret == -EFAULT))
				TH_LOG("point %d: %d", nth, ret);
		EXPECT_EQ(nth + 1001, call_one(self->box.tx, nth + 1, 0));
	}
	EXPECT_LT(3, nth);
	EXPECT_FALSE(hit);
	kill(server, SIGKILL);
	child_wait(server);
	EXPECT_EQ(0, t->errors);
	EXPECT_TRUE(nothing_left(self->box.both));
	close(fail_nth);
}

TEST_F(call, faults_of_the_server)
{
	int fail_nth = open(FAIL_NTH, O_RDWR), nth, ret;
	bool hit = true;

	if (fail_nth < 0)
		SKIP(return, "no " FAIL_NTH ": this kernel cannot inject faults");
	for (nth = 1; nth < 100 && hit; nth++) {
		struct served s;

		BLOCK_CALL(&self->callers[0], self->box.tx, nth, 1);
		ASSERT_EQ(0, serve(self->box.rx, &s));
		ASSERT_EQ(0, inject(fail_nth, nth));
		ret = reply(self->box.rx, &s);
		hit = injected(fail_nth);
		if (ret) {
			EXPECT_TRUE(hit && (ret == -ENOMEM || ret == -EFAULT))
				TH_LOG("point %d: %d", nth, ret);
			EXPECT_FALSE(caller_done(&self->callers[0]));
			EXPECT_EQ(0, reply(self->box.rx, &s));
		}
		EXPECT_ANSWERED(&self->callers[0]);
	}
	EXPECT_LT(2, nth);
	EXPECT_FALSE(hit);
	EXPECT_TRUE(nothing_left(self->box.rx));
	close(fail_nth);
}

TEST_HARNESS_MAIN
