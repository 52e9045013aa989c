// SPDX-License-Identifier: GPL-2.0
/*
 * Senders and receivers that meet: blocking, rendezvous, synchronous sends, who is served first,
 * what a failed side leaves behind, capacity changed under waiters. Deadlines and signals have
 * a program of their own, and so have batches.
 */
#include "common.h"
#include "harness.h"

#define MANY 8

FIXTURE(transfer) {
	struct mb_ends box;
	struct mb_call calls[MANY];
};

FIXTURE_VARIANT(transfer) {
	__u64 capacity;
};

/* What holds whatever the capacity is. */
FIXTURE_VARIANT_ADD(transfer, rendezvous) { .capacity = 0 };
FIXTURE_VARIANT_ADD(transfer, one) { .capacity = 1 };
FIXTURE_VARIANT_ADD(transfer, bounded) { .capacity = 5 };
FIXTURE_VARIANT_ADD(transfer, unbounded) { .capacity = MBOX_UNBOUNDED };

FIXTURE_SETUP(transfer)
{
	ASSERT_EQ(0, mb_ends_open(&self->box, variant->capacity, 0));
}

FIXTURE_TEARDOWN(transfer)
{
	mb_ends_close(&self->box);
}

/* One more receiver, and one more sender, that is known to be blocked. */
#define BLOCK_TAKE(call, fd, flags) do {					\
	__u32 before_ = mb_status(fd).waiting_receivers;			\
										\
	call_take(call, fd, flags);						\
	ASSERT_EQ(0, call_start(call));						\
	ASSERT_TRUE(wait_receivers(fd, before_ + 1));				\
} while (0)

#define BLOCK_PUT(call, fd, number, prio, flags) do {				\
	__u32 before_ = mb_status(fd).waiting_senders;				\
										\
	call_put(call, fd, number, prio, flags);				\
	ASSERT_EQ(0, call_start(call));						\
	ASSERT_TRUE(wait_senders(fd, before_ + 1));				\
} while (0)

TEST_F(transfer, receive_from_an_empty_mailbox_blocks_or_is_eagain)
{
	struct mbox_ioc_status before = mb_status(self->box.rx);
	char byte;

	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
	ASSERT_EQ(0, fcntl(self->box.rx, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, 0));
	EXPECT_EQ(-1, read(self->box.rx, &byte, 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_UNCHANGED(self->box.rx, &before);
	ASSERT_EQ(0, fcntl(self->box.rx, F_SETFL, 0));

	BLOCK_TAKE(&self->calls[0], self->box.rx, 0);
	EXPECT_FALSE(call_done(&self->calls[0]));
	EXPECT_EQ(0, mb_put(self->box.tx, 7, 0, 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_EQ(7, self->calls[0].number);
}

static void fill(struct __test_metadata *_metadata, int fd, __u64 capacity)
{
	__u64 i;

	for (i = 0; i < capacity; i++) {
		ASSERT_EQ(0, mb_put(fd, 100 + i, 0, MBOX_NONBLOCK));
	}
}

TEST_F(transfer, send_to_a_full_mailbox_blocks_or_is_eagain)
{
	struct mbox_ioc_status before;
	char byte = 0;
	__u64 i;

	if (variant->capacity == MBOX_UNBOUNDED) {
		for (i = 0; i < 1000; i++) {
			EXPECT_EQ(0, mb_put(self->box.tx, i, 0, MBOX_NONBLOCK));
		}
		return;
	}
	fill(_metadata, self->box.tx, variant->capacity);
	before = mb_status(self->box.tx);
	EXPECT_EQ(-EAGAIN, mb_put(self->box.tx, 7, 0, MBOX_NONBLOCK));
	ASSERT_EQ(0, fcntl(self->box.tx, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, mb_put(self->box.tx, 7, 0, 0));
	EXPECT_EQ(-1, write(self->box.tx, &byte, 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_UNCHANGED(self->box.tx, &before);
	ASSERT_EQ(0, fcntl(self->box.tx, F_SETFL, 0));

	BLOCK_PUT(&self->calls[0], self->box.tx, 7, 0, 0);
	for (i = 0; i < variant->capacity; i++) {
		EXPECT_EQ(100 + i, mb_take(self->box.rx, 0));
	}
	EXPECT_EQ(7, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
}

/* Semantics 7, receivers: the first that came gets the first message. */
TEST_F(transfer, fair_receivers_are_served_first_come_first_served)
{
	int i;

	for (i = 0; i < MANY; i++)
		BLOCK_TAKE(&self->calls[i], self->box.rx, 0);
	for (i = 0; i < MANY; i++) {
		EXPECT_EQ(0, mb_put(self->box.tx, 50 + i, i * 3, 0));
		EXPECT_EQ(0, call_join(&self->calls[i]));
		EXPECT_EQ(50 + i, self->calls[i].number);
	}
	EXPECT_EQ(0, mb_status(self->box.rx).waiting_receivers);
}

/* Semantics 7, senders: the highest priority, and of those the first that came. */
TEST_F(transfer, fair_senders_are_served_by_priority_then_first_come)
{
	static const __u32 prio[MANY] = { 1, 5, 5, 0, 9, 1, 9, 5 };
	static const int order[MANY] = { 4, 6, 1, 2, 7, 0, 5, 3 };
	int i;

	if (variant->capacity == MBOX_UNBOUNDED) {
		ASSERT_EQ(0, mb_set_capacity(self->box.both, 0));
	} else {
		fill(_metadata, self->box.tx, variant->capacity);
	}
	for (i = 0; i < MANY; i++)
		BLOCK_PUT(&self->calls[i], self->box.tx, i, prio[i], 0);
	/* One at a time moves up, in that order, and the queue has one of them at most. */
	if (variant->capacity && variant->capacity != MBOX_UNBOUNDED) {
		ASSERT_EQ(0, mb_set_capacity(self->box.both, 1));
		for (i = 0; i < (int)variant->capacity; i++) {
			ASSERT_EQ(100 + i, mb_take(self->box.rx, 0));
		}
	}
	for (i = 0; i < MANY; i++) {
		EXPECT_EQ(order[i], mb_take(self->box.rx, 0));
	}
	for (i = 0; i < MANY; i++) {
		EXPECT_EQ(0, call_join(&self->calls[i]));
	}
}

/* Semantics 5: who has it open goes on after the name has gone. */
TEST_F(transfer, unlink_wakes_nobody)
{
	const char *name = unique_name("unlink");
	int fd = mb_create(name, 0, O_RDWR);

	BLOCK_TAKE(&self->calls[0], fd, 0);
	EXPECT_EQ(0, mb_unlink(name));
	EXPECT_FALSE(call_done(&self->calls[0]));
	EXPECT_EQ(1, mb_status(fd).waiting_receivers);
	EXPECT_EQ(0, mb_put(fd, 3, 0, 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_EQ(3, self->calls[0].number);
	close(fd);

	fd = mb_create(name, 0, O_RDWR);
	BLOCK_PUT(&self->calls[0], fd, 4, 0, 0);
	EXPECT_EQ(0, mb_unlink(name));
	EXPECT_EQ(1, mb_status(fd).waiting_senders);
	EXPECT_EQ(4, mb_take(fd, 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
}

/* The call holds the mailbox, not the descriptor's number. */
TEST_F(transfer, close_of_the_descriptor_does_not_end_the_call)
{
	int copy = dup(self->box.rx);

	ASSERT_LE(0, copy);
	BLOCK_TAKE(&self->calls[0], copy, 0);
	close(copy);
	EXPECT_EQ(1, mb_status(self->box.tx).waiting_receivers);
	EXPECT_EQ(0, mb_put(self->box.tx, 9, 0, 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_EQ(9, self->calls[0].number);
}

/* Semantics 2: a buffer that is bad by the time that the message comes. */
static char *blocked_receiver(struct __test_metadata *_metadata, struct mb_call *call, int fd)
{
	char *page = shared_memory(getpagesize());

	call_take(call, fd, 0);
	call->msg.buf = addr(page);
	ASSERT_EQ(0, call_start(call));
	ASSERT_TRUE(wait_receivers(fd, 1));
	return page;
}

TEST_F(transfer, faulting_receiver_leaves_the_message_to_the_next_in_order)
{
	char *page = blocked_receiver(_metadata, &self->calls[0], self->box.rx);

	ASSERT_EQ(0, mprotect(page, getpagesize(), PROT_NONE));
	call_put(&self->calls[1], self->box.tx, 1, 0, 0);
	ASSERT_EQ(0, call_start(&self->calls[1]));
	EXPECT_EQ(-EFAULT, call_join(&self->calls[0]));
	/* On rendezvous the sender is still there; it has told nobody that it is done. */
	if (!variant->capacity) {
		EXPECT_TRUE(wait_senders(self->box.tx, 1));
		EXPECT_FALSE(call_done(&self->calls[1]));
	} else {
		EXPECT_EQ(0, call_join(&self->calls[1]));
		EXPECT_EQ(1, mb_status(self->box.rx).queued);
	}
	EXPECT_EQ(0, mb_status(self->box.rx).received);
	if (variant->capacity > 1) {
		ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	}
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	if (variant->capacity > 1) {
		EXPECT_EQ(2, mb_take(self->box.rx, 0));
	}
	if (!variant->capacity) {
		EXPECT_EQ(0, call_join(&self->calls[1]));
	}
}

TEST_F(transfer, receiver_with_too_small_a_buffer_leaves_the_message_to_the_next)
{
	char buf[100], out[100];

	pattern_fill(buf, sizeof(buf), 6);
	BLOCK_TAKE(&self->calls[0], self->box.rx, 0);
	call_put(&self->calls[1], self->box.tx, 0, 0, 0);
	self->calls[1].msg = mb_msg(buf, sizeof(buf), 0);
	ASSERT_EQ(0, call_start(&self->calls[1]));
	EXPECT_EQ(-EMSGSIZE, call_join(&self->calls[0]));
	EXPECT_EQ(100, self->calls[0].msg.len);
	EXPECT_EQ(100, mb_recv(self->box.rx, out, sizeof(out), 0));
	EXPECT_TRUE(pattern_check(out, 100, 6));
	EXPECT_EQ(0, call_join(&self->calls[1]));
}

/* The struct is written last: it can be bad when all else went well. */
TEST_F(transfer, receiver_whose_struct_went_bad_leaves_the_message)
{
	struct mbox_ioc_msg *msg = shared_memory(getpagesize());
	struct mb_call *call = &self->calls[0];
	pid_t pid;
	__u32 number;

	*msg = mb_msg(&number, sizeof(number), 0);
	pid = child_fork();
	if (!pid) {
		int ret;

		mprotect(msg, getpagesize(), PROT_READ);
		ret = ctl(self->box.rx, MBOX_IOC_RECV, msg);
		_exit(ret == -EFAULT ? 0 : 1);
	}
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	call_put(call, self->box.tx, 5, 0, 0);
	ASSERT_EQ(0, call_start(call));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(5, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(call));
	EXPECT_EQ(1, mb_status(self->box.rx).received);
}

/* kill -9 at each blocking point. */
TEST_F(transfer, killed_receiver_takes_nothing_with_it)
{
	pid_t pid = child_fork();

	if (!pid)
		_exit(mb_take(self->box.rx, 0));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	BLOCK_TAKE(&self->calls[0], self->box.rx, 0);
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_TRUE(wait_receivers(self->box.rx, 1));
	EXPECT_EQ(0, mb_put(self->box.tx, 8, 0, 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_EQ(8, self->calls[0].number);
}

/* The message and the signal are both there before the receiver comes to run. */
TEST_F(transfer, receiver_killed_with_a_message_at_hand_gives_it_back)
{
	struct mb_call *call = &self->calls[0];
	pid_t pid;

	ASSERT_EQ(0, stay_here());
	pid = child_fork();
	if (!pid)
		_exit(mb_take(self->box.rx, 0));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	call_put(call, self->box.tx, 8, 0, 0);
	ASSERT_EQ(0, schedule_as(SCHED_FIFO));
	ASSERT_EQ(0, call_start(call));
	/* The sender is as urgent as we are, the receiver is not. */
	while (mb_status(self->box.tx).waiting_receivers)
		sched_yield();
	kill(pid, SIGKILL);
	ASSERT_EQ(0, schedule_as(SCHED_OTHER));
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	ASSERT_TRUE(wait_until(call_done(call) || mb_status(self->box.tx).waiting_senders));
	EXPECT_EQ(!!variant->capacity, call_done(call));
	EXPECT_EQ(0, mb_status(self->box.tx).received);
	EXPECT_EQ(8, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(call));
}

TEST_F(transfer, killed_sender_leaves_nothing_behind)
{
	struct mbox_ioc_status before;
	__u64 i;
	pid_t pid;

	if (variant->capacity == MBOX_UNBOUNDED) {
		ASSERT_EQ(0, mb_set_capacity(self->box.both, 0));
	} else {
		fill(_metadata, self->box.tx, variant->capacity);
	}
	before = mb_status(self->box.both);
	pid = child_fork();
	if (!pid)
		_exit(mb_put(self->box.tx, 8, MBOX_PRIO_MAX, 0));
	ASSERT_TRUE(wait_senders(self->box.tx, 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_UNCHANGED(self->box.both, &before);
	for (i = 0; i < before.queued; i++) {
		EXPECT_EQ(100 + i, mb_take(self->box.rx, MBOX_NONBLOCK));
	}
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
}

/* Semantics 3, on a mailbox of any capacity: success is a receiver that has the message. */
TEST_F(transfer, sync_send_returns_once_a_receiver_has_the_message)
{
	if (variant->capacity > 1) {
		ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	}
	BLOCK_PUT(&self->calls[0], self->box.tx, 2, 0, MBOX_SYNC);
	if (variant->capacity > 1) {
		/* Taking another one is not it. */
		EXPECT_EQ(1, mb_take(self->box.rx, 0));
		EXPECT_EQ(1, mb_status(self->box.tx).waiting_senders);
		EXPECT_FALSE(call_done(&self->calls[0]));
	}
	EXPECT_EQ(2, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
}

TEST_F(transfer, sync_send_is_not_ended_by_a_peek_or_a_failed_receive)
{
	struct mbox_ioc_msg bad = { .buf = 1, .len = 4 };

	BLOCK_PUT(&self->calls[0], self->box.tx, 2, 0, MBOX_SYNC);
	EXPECT_EQ(-EFAULT, ctl(self->box.rx, MBOX_IOC_RECV, &bad));
	bad.len = 0;
	EXPECT_EQ(-EMSGSIZE, ctl(self->box.rx, MBOX_IOC_RECV, &bad));
	if (variant->capacity) {
		EXPECT_EQ(2, mb_take(self->box.rx, MBOX_PEEK));
	}
	EXPECT_EQ(1, mb_status(self->box.tx).waiting_senders);
	EXPECT_FALSE(call_done(&self->calls[0]));
	EXPECT_EQ(2, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->calls[0]));
}

TEST_F(transfer, nonblocking_sync_send_needs_a_waiting_receiver)
{
	struct mbox_ioc_status before = mb_status(self->box.tx);

	EXPECT_EQ(-EAGAIN, mb_put(self->box.tx, 1, 0, MBOX_SYNC | MBOX_NONBLOCK));
	EXPECT_UNCHANGED(self->box.tx, &before);
	BLOCK_TAKE(&self->calls[0], self->box.rx, 0);
	EXPECT_EQ(0, mb_put(self->box.tx, 2, 0, MBOX_SYNC | MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_EQ(2, self->calls[0].number);
}

TEST_F(transfer, nonblocking_sync_send_does_not_trust_a_receiver_that_cannot_take_it)
{
	char buf[100] = { 0 };

	BLOCK_TAKE(&self->calls[0], self->box.rx, 0);
	EXPECT_EQ(-EAGAIN, mb_send(self->box.tx, buf, sizeof(buf), 0,
				   MBOX_SYNC | MBOX_NONBLOCK));
	EXPECT_EQ(0, mb_status(self->box.tx).queued);
	EXPECT_EQ(0, mb_status(self->box.tx).sent);
}

TEST_F(transfer, nonblocking_sync_send_to_a_faulting_receiver_sends_nothing)
{
	char *page = blocked_receiver(_metadata, &self->calls[0], self->box.rx);

	ASSERT_EQ(0, mprotect(page, getpagesize(), PROT_NONE));
	EXPECT_EQ(-EAGAIN, mb_put(self->box.tx, 1, 0, MBOX_SYNC | MBOX_NONBLOCK));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.both, MBOX_NONBLOCK));
	EXPECT_EQ(0, mb_status(self->box.tx).sent);
}

/* Two processes, one after the other, each waiting for what the other has to say. */
TEST_F(transfer, ping_pong)
{
	struct mb_ends back;
	__u32 i;

	ASSERT_EQ(0, mb_ends_open(&back, variant->capacity, 0));
	if (!child_fork()) {
		for (i = 0; i < 2000; i++)
			if (mb_take(self->box.rx, 0) != (int)i || mb_put(back.tx, i, 0, 0))
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < 2000; i++) {
		ASSERT_EQ(0, mb_put(self->box.tx, i, 0, 0));
		ASSERT_EQ(i, mb_take(back.rx, 0));
	}
	mb_ends_close(&back);
}

FIXTURE(rendezvous) {
	struct mb_ends box;
	struct mb_call calls[2];
};

FIXTURE_SETUP(rendezvous)
{
	ASSERT_EQ(0, mb_ends_open(&self->box, 0, 0));
}

FIXTURE_TEARDOWN(rendezvous)
{
	mb_ends_close(&self->box);
}

TEST_F(rendezvous, send_waits_for_a_receiver)
{
	BLOCK_PUT(&self->calls[0], self->box.tx, 3, 0, 0);
	EXPECT_EQ(0, mb_status(self->box.tx).queued);
	EXPECT_EQ(0, mb_status(self->box.tx).sent);
	EXPECT_EQ(3, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_EQ(1, mb_status(self->box.tx).sent);
	EXPECT_EQ(1, mb_status(self->box.tx).received);
}

TEST_F(rendezvous, nonblocking_send_needs_a_waiting_receiver)
{
	EXPECT_EQ(-EAGAIN, mb_put(self->box.tx, 1, 0, MBOX_NONBLOCK));
	BLOCK_TAKE(&self->calls[0], self->box.rx, 0);
	EXPECT_EQ(0, mb_put(self->box.tx, 2, 0, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_EQ(2, self->calls[0].number);
	EXPECT_EQ(-EAGAIN, mb_put(self->box.tx, 3, 0, MBOX_NONBLOCK));
}

static void on_signal(int signo)
{
}

/* A message on its way to a receiver is not held up: nobody waits here for more than a copy. */
TEST_F(rendezvous, nonblocking_send_is_not_ended_by_a_signal)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct mb_call *call = &self->calls[0];
	pid_t pid;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, stay_here());
	pid = child_fork();
	if (!pid)
		_exit(mb_take(self->box.rx, 0));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	call_put(call, self->box.tx, 8, 0, MBOX_NONBLOCK);
	ASSERT_EQ(0, schedule_as(SCHED_FIFO));
	ASSERT_EQ(0, call_start(call));
	/* The sender waits, and the receiver does not come to run before the signal is there. */
	while (!mb_status(self->box.tx).waiting_senders)
		sched_yield();
	ASSERT_EQ(0, pthread_kill(call->thread, SIGUSR1));
	ASSERT_EQ(0, schedule_as(SCHED_OTHER));
	EXPECT_EQ(0, call_join(call));
	EXPECT_EQ(8, child_wait(pid));
}

TEST_F(rendezvous, nonblocking_receive_takes_from_a_waiting_sender)
{
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
	BLOCK_PUT(&self->calls[0], self->box.tx, 4, 0, 0);
	EXPECT_EQ(4, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->calls[0]));
}

TEST_F(rendezvous, write_and_read_meet)
{
	char buf[8] = { 0 };
	pid_t pid = child_fork();

	if (!pid)
		_exit(write(self->box.tx, "hello", 5) != 5);
	EXPECT_EQ(5, read(self->box.rx, buf, sizeof(buf)));
	EXPECT_STREQ("hello", buf);
	EXPECT_EQ(0, child_wait(pid));
}

TEST_F(rendezvous, failed_receive_leaves_the_sender_waiting)
{
	struct mbox_ioc_msg bad = { .buf = 1, .len = 4 }, small = { 0 };

	BLOCK_PUT(&self->calls[0], self->box.tx, 4, 0, 0);
	EXPECT_EQ(-EFAULT, ctl(self->box.rx, MBOX_IOC_RECV, &bad));
	EXPECT_EQ(-EMSGSIZE, ctl(self->box.rx, MBOX_IOC_RECV, &small));
	EXPECT_EQ(4, small.len);
	EXPECT_FALSE(call_done(&self->calls[0]));
	EXPECT_EQ(1, mb_status(self->box.tx).waiting_senders);
	EXPECT_EQ(0, mb_status(self->box.tx).sent);
	EXPECT_EQ(4, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
}

TEST_F(rendezvous, withdrawn_send_is_seen_by_nobody)
{
	call_put(&self->calls[0], self->box.tx, 4, MBOX_PRIO_MAX, 0);
	self->calls[0].msg.deadline = in_ms(30);
	ASSERT_EQ(0, call_start(&self->calls[0]));
	EXPECT_EQ(-ETIMEDOUT, call_join(&self->calls[0]));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
	BLOCK_PUT(&self->calls[0], self->box.tx, 5, 0, 0);
	EXPECT_EQ(5, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_EQ(1, mb_status(self->box.rx).received);
}

TEST_F(rendezvous, largest_message)
{
	struct mbox_ioc_create create = mb_template(NULL, 0, O_RDWR);
	char *buf = shared_memory(MBOX_MSGSIZE_MAX);
	pid_t pid;
	int fd;

	create.msgsize = MBOX_MSGSIZE_MAX;
	fd = ctl(device(), MBOX_IOC_CREATE, &create);
	pid = child_fork();
	if (!pid) {
		char *mine = malloc(MBOX_MSGSIZE_MAX);

		pattern_fill(mine, MBOX_MSGSIZE_MAX, 8);
		_exit(mb_send(fd, mine, MBOX_MSGSIZE_MAX, 0, 0) != 0);
	}
	EXPECT_EQ(MBOX_MSGSIZE_MAX, mb_recv(fd, buf, MBOX_MSGSIZE_MAX, 0));
	EXPECT_TRUE(pattern_check(buf, MBOX_MSGSIZE_MAX, 8));
	EXPECT_EQ(0, child_wait(pid));
}

/* A mailbox of four: capacity changed while callers wait (semantics 5), withdrawal, peek. */
FIXTURE(bounded) {
	char large[MSGSIZE];
	struct mb_ends box;
	struct mb_call calls[4];
};

FIXTURE_SETUP(bounded)
{
	ASSERT_EQ(0, mb_ends_open(&self->box, 4, 0));
}

FIXTURE_TEARDOWN(bounded)
{
	mb_ends_close(&self->box);
}

TEST_F(bounded, shrinking_loses_nothing_and_holds_senders_until_it_has_drained)
{
	int i;

	fill(_metadata, self->box.tx, 4);
	EXPECT_EQ(0, mb_set_capacity(self->box.both, 2));
	EXPECT_EQ(4, mb_status(self->box.both).queued);
	BLOCK_PUT(&self->calls[0], self->box.tx, 7, 0, 0);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(100 + i, mb_take(self->box.rx, 0));
		EXPECT_EQ(1, mb_status(self->box.both).waiting_senders);
	}
	EXPECT_EQ(102, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_EQ(103, mb_take(self->box.rx, 0));
	EXPECT_EQ(7, mb_take(self->box.rx, 0));
}

TEST_F(bounded, shrinking_to_rendezvous_keeps_what_is_queued)
{
	fill(_metadata, self->box.tx, 2);
	EXPECT_EQ(0, mb_set_capacity(self->box.both, 0));
	EXPECT_EQ(-EAGAIN, mb_put(self->box.tx, 7, 0, MBOX_NONBLOCK));
	BLOCK_PUT(&self->calls[0], self->box.tx, 8, 0, 0);
	EXPECT_EQ(100, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(101, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(1, mb_status(self->box.both).waiting_senders);
	EXPECT_EQ(8, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->calls[0]));
}

TEST_F(bounded, growing_lets_waiting_senders_in_in_their_order)
{
	int i;

	fill(_metadata, self->box.tx, 4);
	for (i = 0; i < 4; i++)
		BLOCK_PUT(&self->calls[i], self->box.tx, i, 0, 0);
	EXPECT_EQ(0, mb_set_capacity(self->box.both, 6));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_EQ(0, call_join(&self->calls[1]));
	EXPECT_EQ(2, mb_status(self->box.both).waiting_senders);
	EXPECT_EQ(6, mb_status(self->box.both).queued);
	EXPECT_EQ(0, mb_set_capacity(self->box.both, MBOX_UNBOUNDED));
	EXPECT_EQ(0, call_join(&self->calls[2]));
	EXPECT_EQ(0, call_join(&self->calls[3]));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(100 + i, mb_take(self->box.rx, 0));
	}
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(i, mb_take(self->box.rx, 0));
	}
}

static int set_bytes(int fd, __u64 bytes)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_BYTES, .bytes = bytes };

	return ctl(fd, MBOX_IOC_SET, &set);
}

TEST_F(bounded, bytes_bound_it_as_messages_do)
{
	EXPECT_EQ(-EINVAL, set_bytes(self->box.both, MSGSIZE - 1));
	ASSERT_EQ(0, set_bytes(self->box.both, MSGSIZE));
	EXPECT_EQ(MSGSIZE, mb_status(self->box.both).bytes);
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	self->calls[0] = (struct mb_call) {
		.fd = self->box.tx, .cmd = MBOX_IOC_SEND, .msg = mb_msg(self->large, MSGSIZE, 0),
	};
	ASSERT_EQ(0, call_start(&self->calls[0]));
	ASSERT_TRUE(wait_senders(self->box.both, 1));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EPERM, set_bytes(self->box.both, 0));
	}
	EXPECT_EQ(0, set_bytes(self->box.both, 2 * MSGSIZE));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_EQ(2, mb_status(self->box.both).queued);
	EXPECT_EQ(0, set_bytes(self->box.both, 0));
	EXPECT_EQ(0, mb_status(self->box.both).bytes);
}

TEST_F(bounded, growing_from_rendezvous_frees_its_senders)
{
	ASSERT_EQ(0, mb_set_capacity(self->box.both, 0));
	BLOCK_PUT(&self->calls[0], self->box.tx, 1, 0, 0);
	BLOCK_PUT(&self->calls[1], self->box.tx, 2, 0, MBOX_SYNC);
	EXPECT_EQ(0, mb_set_capacity(self->box.both, 4));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	/* The one that asked for a receiver goes on waiting for it. */
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_FALSE(call_done(&self->calls[1]));
	EXPECT_EQ(2, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(&self->calls[1]));
}

TEST_F(bounded, resize_is_for_whoever_has_the_right_and_changes_nothing_else)
{
	struct mbox_ioc_status before = mb_status(self->box.both);
	int fd = self->box.both;

	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EPERM, mb_set_capacity(fd, 1));
	}
	EXPECT_UNCHANGED(fd, &before);
	EXPECT_EQ(0, mb_set_capacity(self->box.rx, 9));
	before.capacity = 9;
	EXPECT_UNCHANGED(fd, &before);
}

/* A message behind which others wait can be withdrawn, and leaves the others in order. */
TEST_F(bounded, sync_send_that_times_out_is_withdrawn_from_the_middle)
{
	struct mbox_ioc_status before;

	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	call_put(&self->calls[0], self->box.tx, 2, 0, MBOX_SYNC);
	self->calls[0].msg.deadline = in_ms(1000);
	ASSERT_EQ(0, call_start(&self->calls[0]));
	ASSERT_TRUE(wait_until(mb_status(self->box.tx).queued == 2));
	ASSERT_EQ(0, mb_put(self->box.tx, 3, 0, 0));
	EXPECT_EQ(-ETIMEDOUT, call_join(&self->calls[0]));
	before = mb_status(self->box.tx);
	EXPECT_EQ(2, before.queued);
	EXPECT_EQ(2, before.sent);
	EXPECT_EQ(0, before.waiting_senders);
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(3, mb_take(self->box.rx, 0));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
}

TEST_F(bounded, sync_send_that_times_out_makes_room_for_the_next)
{
	fill(_metadata, self->box.tx, 3);
	call_put(&self->calls[0], self->box.tx, 1, 0, MBOX_SYNC);
	self->calls[0].msg.deadline = in_ms(1000);
	ASSERT_EQ(0, call_start(&self->calls[0]));
	ASSERT_TRUE(wait_until(mb_status(self->box.tx).queued == 4));
	call_put(&self->calls[1], self->box.tx, 2, 0, 0);
	ASSERT_EQ(0, call_start(&self->calls[1]));
	EXPECT_EQ(-ETIMEDOUT, call_join(&self->calls[0]));
	EXPECT_EQ(0, call_join(&self->calls[1]));
	EXPECT_EQ(4, mb_status(self->box.tx).queued);
}

/* Where only the bytes are too many there is room for a small message, but not before its turn. */
TEST_F(bounded, small_message_does_not_pass_a_large_one_that_waits)
{
	static char buf[MSGSIZE];
	struct mbox_ioc_create create = mb_template(NULL, MBOX_UNBOUNDED, O_RDWR);
	struct mb_call *large = &self->calls[0];
	int fd;

	create.bytes = MSGSIZE;
	fd = ctl(device(), MBOX_IOC_CREATE, &create);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mb_send(fd, buf, MSGSIZE / 2, 1, 0));
	call_put(large, fd, 0, 1, 0);
	large->msg = mb_msg(buf, MSGSIZE, 0);
	large->msg.prio = 1;
	ASSERT_EQ(0, call_start(large));
	ASSERT_TRUE(wait_senders(fd, 1));
	EXPECT_EQ(-EAGAIN, mb_send(fd, buf, 1, 0, MBOX_NONBLOCK));
	EXPECT_EQ(-EAGAIN, mb_send(fd, buf, 1, 1, MBOX_NONBLOCK));
	EXPECT_EQ(0, mb_send(fd, buf, 1, 2, MBOX_NONBLOCK));
	EXPECT_EQ(1, mb_recv(fd, buf, MSGSIZE, 0));
	EXPECT_EQ(MSGSIZE / 2, mb_recv(fd, buf, MSGSIZE, 0));
	EXPECT_EQ(0, call_join(large));
	EXPECT_EQ(MSGSIZE, mb_recv(fd, buf, MSGSIZE, 0));
	close(fd);
}

/* Peek: the message at an index in the order of delivery, which stays. */
TEST_F(bounded, peek_shows_the_nth_and_leaves_it)
{
	static const __u32 prios[] = { 0, 3, 0, 3 };
	static const __u32 order[] = { 1, 3, 0, 2 };
	struct mbox_ioc_status before;
	__u32 i, number = 0;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, mb_put(self->box.tx, i, prios[i], 0));
	}
	before = mb_status(self->box.rx);
	for (i = 0; i < 4; i++) {
		struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), MBOX_PEEK);

		msg.index = i;
		EXPECT_EQ(0, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
		EXPECT_EQ(order[i], number);
		EXPECT_EQ(prios[order[i]], msg.prio);
		EXPECT_EQ(getpid(), msg.pid);
		EXPECT_EQ(4, msg.len);
		EXPECT_EQ(0, msg.flags);
	}
	EXPECT_UNCHANGED(self->box.rx, &before);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(order[i], mb_take(self->box.rx, 0));
	}
}

TEST_F(bounded, peek_at_nothing_is_enomsg)
{
	struct mbox_ioc_msg msg = { .flags = MBOX_PEEK };
	static const struct {
		__u32 index;
		int expected;
	} cases[] = {
		{ 0, 0 }, { 1, -ENOMSG }, { MBOX_PEEK_MAX, -ENOMSG },
		{ MBOX_PEEK_MAX + 1, -EINVAL }, { ~0U, -EINVAL },
	};
	size_t i;

	EXPECT_EQ(-ENOMSG, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	ASSERT_EQ(0, mb_send(self->box.tx, NULL, 0, 0, 0));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		msg = (struct mbox_ioc_msg) { .flags = MBOX_PEEK, .index = cases[i].index };
		EXPECT_EQ(cases[i].expected, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	}
	/* Without a peek there is no index. */
	msg = (struct mbox_ioc_msg) { .index = 1 };
	EXPECT_EQ(-EINVAL, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(1, mb_status(self->box.rx).queued);
}

TEST_F(bounded, peek_into_too_small_a_buffer_is_emsgsize)
{
	struct mbox_ioc_msg msg = { .flags = MBOX_PEEK };
	struct mbox_ioc_status before;

	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	before = mb_status(self->box.rx);
	EXPECT_EQ(-EMSGSIZE, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(4, msg.len);
	EXPECT_UNCHANGED(self->box.rx, &before);
}

TEST_F(bounded, peek_to_its_limit)
{
	struct mbox_ioc_msg msg;
	__u32 i, number = 0;
	int fd = mb_create(NULL, MBOX_UNBOUNDED, O_RDWR);

	for (i = 0; i <= MBOX_PEEK_MAX; i++) {
		ASSERT_EQ(0, mb_put(fd, i, 0, 0));
	}
	for (i = 0; i <= MBOX_PEEK_MAX; i += MBOX_PEEK_MAX / 3) {
		msg = mb_msg(&number, sizeof(number), MBOX_PEEK);
		msg.index = i;
		EXPECT_EQ(0, ctl(fd, MBOX_IOC_RECV, &msg));
		EXPECT_EQ(i, number);
	}
}

TEST_HARNESS_MAIN
