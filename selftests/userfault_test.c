// SPDX-License-Identifier: GPL-2.0
/*
 * Callers whose memory is not there: a copy meets a page that userfaultfd keeps away, and hangs
 * until the test fills it in. Nobody else is held up meanwhile, and nothing is lost.
 */
#include "common.h"
#include "harness.h"
#include "hole.h"

#include <sys/epoll.h>
#include <sys/socket.h>

static __u32 hole_number(const struct hole *hole)
{
	return *(const __u32 *)hole->page;
}

/* A receiver in a process of its own; it hangs as soon as there is a message. */
static pid_t receiver_fork(struct hole *hole, int fd)
{
	int socks[2], ret;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, socks))
		return -errno;
	pid = child_fork();
	if (!pid) {
		ret = hole_open(hole) ?: fd_send(socks[1], hole->uffd);
		_exit(ret || mb_recv(fd, hole->page, sizeof(__u32), 0) < 0);
	}
	hole->uffd = fd_recv(socks[0]);
	close(socks[0]);
	close(socks[1]);
	return hole->uffd < 0 ? hole->uffd : pid;
}

static void take_into(struct mb_call *call, int fd, struct hole *hole, __u32 flags)
{
	call_take(call, fd, flags);
	call->msg.buf = addr(hole->page);
}

/* Senders that wait until a receiver has the message, and one that does not. */
FIXTURE(userfault) {
	struct mb_ends box;
	struct mb_call send;
	struct mb_call other;
	struct mb_call call;
	struct hole hole;
};

FIXTURE_VARIANT(userfault) {
	__u64 capacity;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(userfault, rendezvous) { .capacity = 0 };
FIXTURE_VARIANT_ADD(userfault, sync) { .capacity = 4, .flags = MBOX_SYNC };
FIXTURE_VARIANT_ADD(userfault, queued) { .capacity = 4 };

FIXTURE_SETUP(userfault)
{
	REQUIRE_USERFAULTFD(hole_open(&self->hole));
	ASSERT_EQ(0, mb_ends_open(&self->box, variant->capacity, 0));
}

FIXTURE_TEARDOWN(userfault)
{
	mb_ends_close(&self->box);
}

static bool sender_waits(const FIXTURE_VARIANT(userfault) *variant)
{
	return !variant->capacity || variant->flags & MBOX_SYNC;
}

/* One sender more than there was: it waits, or its message is in the queue. */
#define OFFER(call_, number, deadline_) do {					\
	__u32 before_ = mb_status(self->box.tx).waiting_senders;		\
										\
	call_put(call_, self->box.tx, number, 0, variant->flags);		\
	(call_)->msg.deadline = deadline_;					\
	ASSERT_EQ(0, call_start(call_));					\
	ASSERT_TRUE(wait_until(call_done(call_) ||				\
			       mb_status(self->box.tx).waiting_senders > before_)); \
} while (0)

/* Semantics 2: in its place, before what came later. */
TEST_F(userfault, killed_receiver_leaves_the_message_where_it_was)
{
	struct mbox_ioc_status before;
	pid_t pid;

	OFFER(&self->send, 1, 0);
	if (variant->capacity) {
		ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	}
	before = mb_status(self->box.both);
	pid = receiver_fork(&self->hole, self->box.rx);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, hole_hit(&self->hole));
	EXPECT_EQ(1, mb_status(self->box.both).received);
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_UNCHANGED(self->box.both, &before);
	EXPECT_EQ(!sender_waits(variant), call_done(&self->send));
	EXPECT_EQ(1, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->send));
	if (variant->capacity) {
		EXPECT_EQ(2, mb_take(self->box.rx, MBOX_NONBLOCK));
	}
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
}

TEST_F(userfault, killed_receiver_leaves_the_message_to_the_one_that_waits)
{
	pid_t pid;

	OFFER(&self->send, 1, 0);
	pid = receiver_fork(&self->hole, self->box.rx);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, hole_hit(&self->hole));
	call_take(&self->call, self->box.rx, 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(1, self->call.number);
	EXPECT_EQ(0, call_join(&self->send));
	EXPECT_EQ(1, mb_status(self->box.both).received);
}

/* The same, for one that was there before the message. */
TEST_F(userfault, killed_receiver_that_had_waited_leaves_the_message)
{
	pid_t pid = receiver_fork(&self->hole, self->box.rx);

	ASSERT_LT(0, pid);
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	OFFER(&self->send, 1, 0);
	ASSERT_EQ(0, hole_hit(&self->hole));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_EQ(0, mb_status(self->box.both).received);
	EXPECT_EQ(!sender_waits(variant), call_done(&self->send));
	/* It has its message back, and offers it once more. */
	if (sender_waits(variant)) {
		ASSERT_TRUE(wait_senders(self->box.both, 1));
	}
	EXPECT_EQ(1, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->send));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
}

/* A message that comes back finds the mailbox as it is by then. */
TEST_F(userfault, message_that_comes_back_is_let_into_a_mailbox_that_has_grown)
{
	pid_t pid;

	OFFER(&self->send, 1, 0);
	pid = receiver_fork(&self->hole, self->box.rx);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, hole_hit(&self->hole));
	ASSERT_EQ(0, mb_set_capacity(self->box.both, 8));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_EQ(1, mb_status(self->box.both).queued);
	if (!(variant->flags & MBOX_SYNC)) {
		EXPECT_EQ(0, call_join(&self->send));
	}
	EXPECT_EQ(1, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->send));
}

TEST_F(userfault, message_that_comes_back_is_told_by_poll)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	pid_t pid;

	OFFER(&self->send, 1, 0);
	pid = receiver_fork(&self->hole, self->box.rx);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, hole_hit(&self->hole));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->box.rx, &event));
	EXPECT_EQ(0, epoll_wait(ep, &event, 1, 0));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	ASSERT_EQ(1, epoll_wait(ep, &event, 1, 0));
	EXPECT_EQ(EPOLLIN, event.events);
	EXPECT_EQ(1, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->send));
	close(ep);
}

/* The data is copied in before the mailbox is touched. */
TEST_F(userfault, hanging_sender_holds_up_nobody)
{
	call_put(&self->send, self->box.tx, 0, MBOX_PRIO_MAX, variant->flags);
	self->send.msg.buf = addr(self->hole.page);
	ASSERT_EQ(0, call_start(&self->send));
	ASSERT_EQ(0, hole_hit(&self->hole));
	EXPECT_EQ(0, mb_status(self->box.both).waiting_senders);
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
	OFFER(&self->other, 1, 0);
	EXPECT_EQ(1, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->other));
	EXPECT_FALSE(call_done(&self->send));
	ASSERT_EQ(0, hole_fill(&self->hole, 2));
	EXPECT_EQ(2, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(&self->send));
}

TEST_F(userfault, hanging_receiver_holds_up_nobody)
{
	OFFER(&self->send, 1, 0);
	take_into(&self->call, self->box.rx, &self->hole, 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_EQ(0, hole_hit(&self->hole));
	/* A message has only been taken when its copy is complete. */
	EXPECT_EQ(!sender_waits(variant), call_done(&self->send));
	OFFER(&self->other, 2, 0);
	EXPECT_EQ(2, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->other));
	EXPECT_FALSE(call_done(&self->call));
	ASSERT_EQ(0, hole_fill(&self->hole, 0));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(1, hole_number(&self->hole));
	EXPECT_EQ(0, call_join(&self->send));
}

/* Senders that wait for a receiver only, and give up, or say that they have not the time. */
FIXTURE(withdrawal) {
	struct mb_ends box;
	struct mb_call send;
	struct mb_call call;
	struct hole hole;
};

FIXTURE_VARIANT(withdrawal) {
	__u64 capacity;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(withdrawal, rendezvous) { .capacity = 0 };
FIXTURE_VARIANT_ADD(withdrawal, sync) { .capacity = 4, .flags = MBOX_SYNC };

FIXTURE_SETUP(withdrawal)
{
	REQUIRE_USERFAULTFD(hole_open(&self->hole));
	ASSERT_EQ(0, mb_ends_open(&self->box, variant->capacity, 0));
}

FIXTURE_TEARDOWN(withdrawal)
{
	mb_ends_close(&self->box);
}

/* Time for a receiver to begin its copy. */
#define PATIENCE_MS 1000

/* A receiver hangs with message 1, whose sender gave up, on time, and got told so. */
#define TIME_OUT_UNDER_THE_COPY(receive_flags) do {				\
	OFFER(&self->send, 1, in_ms(PATIENCE_MS));				\
	take_into(&self->call, self->box.rx, &self->hole, receive_flags);	\
	ASSERT_EQ(0, call_start(&self->call));					\
	ASSERT_EQ(0, hole_hit(&self->hole));					\
	EXPECT_EQ(-ETIMEDOUT, call_join(&self->send));				\
	EXPECT_LE(self->send.msg.deadline, now_ns(CLOCK_MONOTONIC));		\
	EXPECT_EQ(0, mb_status(self->box.tx).waiting_senders);			\
	EXPECT_FALSE(call_done(&self->call));					\
} while (0)

TEST_F(withdrawal, receiver_then_gets_the_next_message)
{
	TIME_OUT_UNDER_THE_COPY(0);
	OFFER(&self->send, 2, 0);
	ASSERT_EQ(0, hole_fill(&self->hole, 0));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(2, hole_number(&self->hole));
	EXPECT_EQ(0, call_join(&self->send));
	EXPECT_EQ(1, mb_status(self->box.both).sent);
	EXPECT_EQ(1, mb_status(self->box.both).received);
}

TEST_F(withdrawal, receiver_then_goes_on_waiting)
{
	TIME_OUT_UNDER_THE_COPY(0);
	ASSERT_EQ(0, hole_fill(&self->hole, 0));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	EXPECT_EQ(0, mb_status(self->box.both).sent);
	EXPECT_EQ(0, mb_status(self->box.both).received);
	EXPECT_EQ(0, mb_put(self->box.tx, 2, 0, variant->flags));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(2, hole_number(&self->hole));
}

TEST_F(withdrawal, nonblocking_receiver_then_finds_nothing)
{
	TIME_OUT_UNDER_THE_COPY(MBOX_NONBLOCK);
	ASSERT_EQ(0, hole_fill(&self->hole, 0));
	EXPECT_EQ(-EAGAIN, call_join(&self->call));
	EXPECT_EQ(0, mb_status(self->box.both).received);
}

TEST_F(withdrawal, killed_receiver_then_brings_nothing_back)
{
	struct mbox_ioc_status before = mb_status(self->box.both);
	pid_t pid;

	OFFER(&self->send, 1, in_ms(PATIENCE_MS));
	pid = receiver_fork(&self->hole, self->box.rx);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, hole_hit(&self->hole));
	EXPECT_EQ(-ETIMEDOUT, call_join(&self->send));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_UNCHANGED(self->box.both, &before);
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
}

TEST_F(withdrawal, killed_sender_withdraws_too)
{
	pid_t pid = child_fork();

	if (!pid)
		_exit(mb_put(self->box.tx, 1, 0, variant->flags) != 0);
	ASSERT_TRUE(wait_senders(self->box.tx, 1));
	take_into(&self->call, self->box.rx, &self->hole, 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_EQ(0, hole_hit(&self->hole));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	ASSERT_EQ(0, hole_fill(&self->hole, 0));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	EXPECT_EQ(0, mb_status(self->box.both).received);
	EXPECT_EQ(0, mb_put(self->box.tx, 2, 0, variant->flags));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(2, hole_number(&self->hole));
}

/* A receiver that waits, but not with memory that could take a message at once. */
#define WAIT_WITH_A_HOLE() do {							\
	take_into(&self->call, self->box.rx, &self->hole, 0);			\
	ASSERT_EQ(0, call_start(&self->call));					\
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));				\
} while (0)

#define HASTY_SEND_FAILS() do {							\
	EXPECT_EQ(-EAGAIN, mb_put(self->box.tx, 1, 0,				\
				  variant->flags | MBOX_NONBLOCK));		\
	EXPECT_EQ(0, mb_status(self->box.both).sent);				\
	EXPECT_EQ(0, mb_status(self->box.both).received);			\
	ASSERT_EQ(0, hole_hit(&self->hole));					\
	EXPECT_FALSE(call_done(&self->call));					\
} while (0)

TEST_F(withdrawal, nonblocking_send_does_not_wait_for_the_memory_of_a_receiver)
{
	WAIT_WITH_A_HOLE();
	HASTY_SEND_FAILS();
	ASSERT_EQ(0, hole_fill(&self->hole, 0));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	/* Now the memory is there. */
	EXPECT_EQ(0, mb_put(self->box.tx, 2, 0, variant->flags | MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(2, hole_number(&self->hole));
	EXPECT_EQ(1, mb_status(self->box.both).sent);
	EXPECT_EQ(1, mb_status(self->box.both).received);
}

TEST_F(withdrawal, receiver_gets_what_came_while_its_memory_was_away)
{
	WAIT_WITH_A_HOLE();
	HASTY_SEND_FAILS();
	OFFER(&self->send, 2, 0);
	ASSERT_EQ(0, hole_fill(&self->hole, 0));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(2, hole_number(&self->hole));
	EXPECT_EQ(0, call_join(&self->send));
}

/* A sender that has the time waits on, for whatever receiver is ready first. */
TEST_F(withdrawal, blocking_send_is_open_to_others_meanwhile)
{
	WAIT_WITH_A_HOLE();
	OFFER(&self->send, 1, 0);
	ASSERT_EQ(0, hole_hit(&self->hole));
	EXPECT_FALSE(call_done(&self->send));
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(&self->send));
	ASSERT_EQ(0, hole_fill(&self->hole, 0));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	EXPECT_EQ(0, mb_put(self->box.tx, 2, 0, variant->flags));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(2, hole_number(&self->hole));
}

/*
 * Nor does it lose its turn to one that came when the receiver had failed already. That one is
 * sent before the first sender learns so: on this processor, it alone is not urgent.
 */
TEST_F(withdrawal, blocking_send_keeps_its_turn)
{
	pid_t pid;

	ASSERT_EQ(0, stay_here());
	ASSERT_EQ(0, schedule_as(SCHED_FIFO));
	WAIT_WITH_A_HOLE();
	pid = child_fork();
	if (!pid)
		_exit(schedule_as(SCHED_OTHER) ||
		      mb_put(self->box.tx, 1, 0, variant->flags));
	ASSERT_EQ(0, hole_hit(&self->hole));
	call_put(&self->send, self->box.tx, 2, 0, variant->flags);
	ASSERT_EQ(0, call_start(&self->send));
	ASSERT_TRUE(wait_senders(self->box.tx, 2));
	EXPECT_EQ(1, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(2, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->send));
}

/* Streams: one side that hangs does not keep the other, and none that would not wait. */
FIXTURE(stream) {
	int fd;
	struct st_call call;
	struct hole hole;
	char buf[100];
};

FIXTURE_SETUP(stream)
{
	REQUIRE_USERFAULTFD(hole_open(&self->hole));
	self->fd = st_create(NULL, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->call = (struct st_call) {
		.fd = self->fd, .buf = self->hole.page, .len = sizeof(__u32) };
	ASSERT_EQ(2, st_put(self->fd, "ab", 2));
}

FIXTURE_TEARDOWN(stream)
{
	close(self->fd);
}

TEST_F(stream, writer_that_hangs_keeps_no_reader)
{
	int urgent = mb_reopen(self->fd, O_RDWR | O_NONBLOCK);
	struct pollfd pfd = { .fd = urgent, .events = POLLIN | POLLOUT };

	self->call.run = st_call_put;
	ASSERT_EQ(0, st_call_start(&self->call));
	ASSERT_EQ(0, hole_hit(&self->hole));
	EXPECT_EQ(-EAGAIN, st_put(urgent, "c", 1));
	ASSERT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLIN, pfd.revents);
	EXPECT_EQ(2, st_get(urgent, self->buf, 100));
	EXPECT_EQ(-EAGAIN, st_get(urgent, self->buf, 100));
	ASSERT_EQ(0, hole_fill(&self->hole, 7));
	EXPECT_EQ(4, st_call_join(&self->call));
	ASSERT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, pfd.revents);
	EXPECT_EQ(4, st_get(urgent, self->buf, 100));
	EXPECT_EQ(7, self->buf[0]);
	close(urgent);
}

/* What is read meanwhile is all that was there: the next memory is gone on to all the same. */
TEST_F(stream, writer_that_hangs_in_new_memory)
{
	static char page[MBOX_PIPE_BUF];

	ASSERT_EQ(2, st_get(self->fd, self->buf, 100));
	ASSERT_EQ(MBOX_PIPE_BUF, st_put(self->fd, page, MBOX_PIPE_BUF));
	self->call.run = st_call_put;
	ASSERT_EQ(0, st_call_start(&self->call));
	ASSERT_EQ(0, hole_hit(&self->hole));
	ASSERT_EQ(MBOX_PIPE_BUF, st_get(self->fd, page, sizeof(page)));
	ASSERT_EQ(0, hole_fill(&self->hole, 0x04030201));
	ASSERT_EQ(4, st_call_join(&self->call));
	ASSERT_EQ(1, st_get(self->fd, self->buf, 1));
	ASSERT_EQ(4, st_put(self->fd, "5678", 4));
	EXPECT_EQ(7, st_unread(self->fd));
	EXPECT_EQ(7, st_get(self->fd, self->buf + 1, 99));
	EXPECT_EQ(0, memcmp(self->buf, "\1\2\3\4" "5678", 8));
}

TEST_F(stream, reader_that_hangs_keeps_no_writer)
{
	int urgent = mb_reopen(self->fd, O_RDWR | O_NONBLOCK);
	struct pollfd pfd = { .fd = urgent, .events = POLLIN | POLLOUT };

	self->call.run = st_call_get;
	self->call.len = 2;
	ASSERT_EQ(0, st_call_start(&self->call));
	ASSERT_EQ(0, hole_hit(&self->hole));
	EXPECT_EQ(-EAGAIN, st_get(urgent, self->buf, 100));
	EXPECT_EQ(3, st_put(urgent, "cde", 3));
	ASSERT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLOUT, pfd.revents);
	ASSERT_EQ(0, hole_fill(&self->hole, 0));
	EXPECT_EQ(2, st_call_join(&self->call));
	ASSERT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, pfd.revents);
	EXPECT_EQ(3, st_get(urgent, self->buf, 100));
	EXPECT_EQ(0, memcmp(self->buf, "cde", 3));
	close(urgent);
}

/* Those who wait for its turn get it, and every byte. */
TEST_F(stream, reader_that_is_killed_while_it_hangs_loses_nothing)
{
	struct st_call next = { .run = st_call_get, .fd = self->fd, .buf = self->buf, .len = 100 };
	struct hole hole;
	pid_t pid;
	int socks[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	pid = child_fork();
	if (!pid)
		_exit(hole_open(&hole) || fd_send(socks[1], hole.uffd) ||
		      st_get(self->fd, hole.page, 4) < 0);
	hole.uffd = fd_recv(socks[0]);
	ASSERT_EQ(0, hole_hit(&hole));
	ASSERT_EQ(0, st_call_start(&next));
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_EQ(2, st_call_join(&next));
	EXPECT_EQ(0, memcmp(self->buf, "ab", 2));
}

/* The message lives as long as somebody looks at it. */
TEST(peek_that_hangs_shows_what_another_has_taken)
{
	int fd = mb_create(NULL, 1, O_RDWR);
	struct mb_call call;
	struct hole hole;

	REQUIRE_USERFAULTFD(hole_open(&hole));
	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	take_into(&call, fd, &hole, MBOX_PEEK);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_EQ(0, hole_hit(&hole));
	EXPECT_EQ(1, mb_take(fd, MBOX_NONBLOCK));
	ASSERT_EQ(0, mb_put(fd, 2, 0, MBOX_NONBLOCK));
	ASSERT_EQ(0, hole_fill(&hole, 0));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(1, hole_number(&hole));
	EXPECT_EQ(2, mb_take(fd, MBOX_NONBLOCK));
}

TEST_HARNESS_MAIN
