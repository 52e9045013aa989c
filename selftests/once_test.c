// SPDX-License-Identifier: GPL-2.0
/*
 * The numbers of messages: those that a mailbox gives them in the order of arrival, and those that
 * senders give them with MBOX_ONCE, so that a message that is sent again is there once.
 */
#include "common.h"
#include "harness.h"

#include <signal.h>

/* As it was before the last field. */
#define OLD_SIZE	offsetof(struct mbox_ioc_msg, sequence)

FIXTURE(once) {
	struct mb_ends box;
	struct mb_call calls[2];
};

FIXTURE_SETUP(once)
{
	ASSERT_EQ(0, mb_ends_open(&self->box, 2, 0));
}

FIXTURE_TEARDOWN(once)
{
	mb_ends_close(&self->box);
}

/* A message that is its own number. */
static int put_with(int fd, __u64 sequence, __u32 flags, __u64 deadline)
{
	__u32 number = sequence;
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), MBOX_ONCE | flags);

	msg.sequence = sequence;
	msg.deadline = deadline;
	return ctl(fd, MBOX_IOC_SEND, &msg);
}

static int put(int fd, __u64 sequence)
{
	return put_with(fd, sequence, MBOX_NONBLOCK, 0);
}

/* The mailbox's number of the message that comes next. */
static __s64 sequence_with(int fd, struct mbox_ioc_msg *msg, __u32 flags)
{
	static __u32 number;
	int err;

	*msg = mb_msg(&number, sizeof(number), MBOX_NONBLOCK | flags);
	err = ctl(fd, MBOX_IOC_RECV, msg);
	return err ?: (__s64)msg->sequence;
}

static __s64 sequence_of(int fd, __u32 flags)
{
	struct mbox_ioc_msg msg;

	return sequence_with(fd, &msg, flags);
}

static void block_put(struct __test_metadata *_metadata, struct mb_call *call, int fd,
		      __u64 sequence, __u32 flags)
{
	__u32 before = mb_status(fd).waiting_senders;

	call_put(call, fd, sequence, 0, MBOX_ONCE | flags);
	call->msg.sequence = sequence;
	ASSERT_EQ(0, call_start(call));
	ASSERT_TRUE(wait_senders(fd, before + 1));
}

TEST_F(once, arrivals_are_counted_from_one)
{
	ASSERT_EQ(0, mb_put(self->box.tx, 7, 0, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 7, 9, 0));
	EXPECT_EQ(2, sequence_of(self->box.rx, MBOX_PEEK));
	EXPECT_EQ(2, sequence_of(self->box.rx, 0));
	EXPECT_EQ(1, sequence_of(self->box.rx, 0));
	ASSERT_EQ(1, write(self->box.tx, "x", 1));
	EXPECT_EQ(3, sequence_of(self->box.rx, 0));
}

TEST_F(once, status_tells_the_last_that_a_sender_gave)
{
	EXPECT_EQ(0, mb_status(self->box.rx).sequence);
	ASSERT_EQ(0, mb_put(self->box.tx, 7, 0, 0));
	EXPECT_EQ(0, mb_status(self->box.rx).sequence);
	ASSERT_EQ(0, put(self->box.tx, 1000));
	EXPECT_EQ(1000, mb_status(self->box.rx).sequence);
	EXPECT_EQ(-EEXIST, put(self->box.tx, 999));
	EXPECT_EQ(1000, mb_status(self->box.tx).sequence);
	EXPECT_EQ(-EAGAIN, put(self->box.tx, 1001));
	EXPECT_EQ(1000, mb_status(self->box.rx).sequence);
}

TEST_F(once, arrival_has_its_number_at_each_delivery)
{
	struct mbox_ioc_ack ack = { .flags = MBOX_RETURN };
	struct mbox_ioc_msg msg;

	ASSERT_EQ(0, mb_put(self->box.tx, 7, 0, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 7, 0, 0));
	EXPECT_EQ(1, sequence_with(self->box.rx, &msg, MBOX_LEASE));
	ack.delivery = msg.delivery;
	EXPECT_EQ(0, ctl(self->box.rx, MBOX_IOC_ACK, &ack));
	EXPECT_EQ(1, sequence_with(self->box.rx, &msg, 0));
	EXPECT_EQ(1, msg.deliveries);
	EXPECT_EQ(2, sequence_of(self->box.rx, 0));
}

TEST_F(once, dead_letters_and_snapshots_have_their_numbers)
{
	struct mbox_ioc_ack ack = { .flags = MBOX_RETURN };
	struct mbox_ioc_set set = { .fields = MBOX_SET_DEAD_LETTER, .max_deliveries = 1 };
	struct mbox_ioc_msg msg;
	struct mb_ends dead;
	int copy;

	ASSERT_EQ(0, mb_ends_open(&dead, 2, 0));
	set.dead_letter = dead.tx;
	ASSERT_EQ(0, ctl(self->box.both, MBOX_IOC_SET, &set));
	ASSERT_EQ(0, mb_put(self->box.tx, 7, 0, 0));
	EXPECT_EQ(7, mb_take(self->box.rx, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 8, 0, 0));
	copy = mb_snapshot(self->box.rx);
	ASSERT_LE(0, copy);
	EXPECT_EQ(2, sequence_of(copy, 0));
	EXPECT_EQ(2, sequence_with(self->box.rx, &msg, MBOX_LEASE));
	ack.delivery = msg.delivery;
	EXPECT_EQ(0, ctl(self->box.rx, MBOX_IOC_ACK, &ack));
	EXPECT_EQ(1, sequence_of(dead.rx, 0));
	mb_ends_close(&dead);
}

TEST(broadcast_numbers_what_is_in_its_log)
{
	struct mbox_ioc_msg msg;
	struct mb_ends box;

	ASSERT_EQ(0, mb_ends_open(&box, 2, MBOX_BROADCAST | MBOX_LOSSY));
	ASSERT_EQ(0, mb_put(box.tx, 7, 0, 0));
	EXPECT_EQ(1, sequence_of(box.rx, 0));
	ASSERT_EQ(0, mb_put(box.tx, 7, 0, 0));
	ASSERT_EQ(0, mb_put(box.tx, 7, 0, 0));
	ASSERT_EQ(0, mb_put(box.tx, 7, 0, 0));
	EXPECT_EQ(3, sequence_with(box.rx, &msg, 0));
	EXPECT_EQ(1, msg.missed);
	EXPECT_EQ(4, sequence_with(box.rx, &msg, 0));
	EXPECT_EQ(0, msg.missed);
	EXPECT_EQ(-EOPNOTSUPP, put(box.tx, 1));
	EXPECT_EQ(-EAGAIN, sequence_of(box.rx, 0));
	mb_ends_close(&box);
}

static void *ask(void *arg)
{
	const struct mb_ends *box = arg;

	return (void *)(long)mb_ask(box->tx, 0);
}

TEST_F(once, reply_has_no_number)
{
	__u32 room = 0;
	struct mbox_ioc_msg request = mb_msg(NULL, 0, 0), reply = mb_msg(&room, sizeof(room), 0);
	struct mbox_ioc_exchange exchange = {
		.send = addr(&request),
		.recv = addr(&reply),
		.msg_size = sizeof(request),
	};
	pid_t server = child_fork();

	if (!server) {
		__s64 delivery = mb_accept(self->box.rx);

		_exit(mb_answer(self->box.rx, delivery) ? 1 : 0);
	}
	reply.sequence = 12;
	EXPECT_EQ(0, ctl(self->box.tx, MBOX_IOC_CALL, &exchange));
	EXPECT_EQ(0, reply.sequence);
	EXPECT_EQ(0, child_wait(server));
	request.sequence = 1;
	EXPECT_EQ(-EINVAL, ctl(self->box.tx, MBOX_IOC_CALL, &exchange));
	request.flags = MBOX_ONCE;
	EXPECT_EQ(-EINVAL, ctl(self->box.tx, MBOX_IOC_CALL, &exchange));
}

TEST_F(once, request_has_a_number_and_its_answer_takes_none)
{
	struct mbox_ioc_msg request, reply = { .sequence = 1 };
	struct mbox_ioc_exchange exchange = {
		.send = addr(&reply),
		.msg_size = sizeof(reply),
	};
	pthread_t caller;
	void *ret;

	ASSERT_EQ(0, pthread_create(&caller, NULL, ask, &self->box));
	ASSERT_TRUE(wait_until(mb_status(self->box.rx).queued));
	EXPECT_EQ(1, sequence_with(self->box.rx, &request, 0));
	reply.delivery = request.delivery;
	EXPECT_EQ(-EINVAL, ctl(self->box.rx, MBOX_IOC_REPLY, &exchange));
	reply.sequence = 0;
	EXPECT_EQ(0, ctl(self->box.rx, MBOX_IOC_REPLY, &exchange));
	ASSERT_EQ(0, pthread_join(caller, &ret));
	EXPECT_EQ(NULL, ret);
}

/* Callers that were built before there was a number. */
TEST_F(once, shorter_struct_works_without_the_number)
{
	__u32 number = 3;
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), MBOX_NONBLOCK);
	struct mbox_ioc_batch batch = { .msgs = addr(&msg), .nr = 1, .msg_size = OLD_SIZE };

	msg.sequence = 99;
	EXPECT_EQ(0, ctl(self->box.tx, ioc_sized(MBOX_IOC_SEND, OLD_SIZE), &msg));
	EXPECT_EQ(0, ctl(self->box.rx, ioc_sized(MBOX_IOC_RECV, OLD_SIZE), &msg));
	EXPECT_EQ(99, msg.sequence);
	msg.flags = 0;
	EXPECT_EQ(1, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ(1, ctl(self->box.rx, MBOX_IOC_RECV_BATCH, &batch));
	EXPECT_EQ(99, msg.sequence);
	msg.flags = MBOX_NONBLOCK | MBOX_ONCE;
	EXPECT_EQ(-EINVAL, ctl(self->box.tx, ioc_sized(MBOX_IOC_SEND, OLD_SIZE), &msg));
}

TEST_F(once, number_and_flag_go_together)
{
	struct mbox_ioc_status before = mb_status(self->box.rx);
	struct mbox_ioc_msg msg = { .sequence = 1 };
	int stream = st_create(NULL, O_RDWR);

	EXPECT_EQ(-EINVAL, ctl(self->box.tx, MBOX_IOC_SEND, &msg));
	msg = (struct mbox_ioc_msg) { .flags = MBOX_ONCE };
	EXPECT_EQ(-EINVAL, ctl(self->box.tx, MBOX_IOC_SEND, &msg));
	msg = (struct mbox_ioc_msg) { .flags = MBOX_ONCE | MBOX_NONBLOCK, .sequence = 1 };
	EXPECT_EQ(-EINVAL, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(-EBADF, put(self->box.rx, 1));
	EXPECT_EQ(-ENOTTY, put(stream, 1));
	EXPECT_UNCHANGED(self->box.rx, &before);
	close(stream);
}

TEST_F(once, what_is_sent_again_is_there_once)
{
	EXPECT_EQ(0, put(self->box.tx, 5));
	EXPECT_EQ(-EEXIST, put(self->box.tx, 5));
	EXPECT_EQ(-EEXIST, put(self->box.tx, 4));
	EXPECT_EQ(-EEXIST, put(self->box.tx, 1));
	EXPECT_EQ(1, mb_status(self->box.rx).sent);
	EXPECT_EQ(0, put(self->box.tx, 7));
	EXPECT_EQ(-EEXIST, put(self->box.tx, 7));
	EXPECT_EQ(5, mb_take(self->box.rx, 0));
	EXPECT_EQ(7, mb_take(self->box.rx, 0));
	EXPECT_EQ(-EEXIST, put(self->box.tx, 7));
	EXPECT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, put(self->box.tx, ~0ULL));
	EXPECT_EQ(-EEXIST, put(self->box.tx, ~0ULL));
}

TEST_F(once, batch_stops_where_something_is_there_already)
{
	__u32 numbers[4] = { 1, 2, 3, 4 };
	struct mbox_ioc_msg msgs[4];
	struct mbox_ioc_batch batch = { .msgs = addr(msgs), .msg_size = sizeof(*msgs), .nr = 4 };
	int i;

	ASSERT_EQ(0, mb_set_capacity(self->box.both, 9));
	for (i = 0; i < 4; i++) {
		msgs[i] = mb_msg(&numbers[i], sizeof(numbers[i]), MBOX_ONCE);
		msgs[i].sequence = i == 2 ? 2 : i + 1;
	}
	EXPECT_EQ(2, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ(-EEXIST, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ(2, mb_status(self->box.rx).queued);
}

/* Each way to fail, and then the same send works. */
TEST_F(once, failed_send_has_taken_no_number)
{
	char large[MSGSIZE + 1] = { 0 };
	struct mbox_ioc_msg msg = mb_msg(large, sizeof(large), MBOX_ONCE | MBOX_NONBLOCK);

	msg.sequence = 9;
	EXPECT_EQ(-EMSGSIZE, ctl(self->box.tx, MBOX_IOC_SEND, &msg));
	ASSERT_EQ(0, put(self->box.tx, 1));
	ASSERT_EQ(0, put(self->box.tx, 2));
	EXPECT_EQ(-EAGAIN, put(self->box.tx, 3));
	EXPECT_EQ(-ETIMEDOUT, put_with(self->box.tx, 3, 0, in_ms(1)));
	EXPECT_EQ(-EAGAIN, put_with(self->box.tx, 3, MBOX_SYNC | MBOX_NONBLOCK, 0));
	EXPECT_EQ(-ETIMEDOUT, put_with(self->box.tx, 3, MBOX_SYNC, in_ms(1)));
	/* What is there already need not wait for room. */
	EXPECT_EQ(-EEXIST, put_with(self->box.tx, 2, 0, 0));
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, put(self->box.tx, 3));
	EXPECT_EQ(2, mb_take(self->box.rx, 0));
	EXPECT_EQ(3, mb_take(self->box.rx, 0));
}

TEST_F(once, sender_that_was_killed_while_it_waited_has_taken_no_number)
{
	pid_t sender;

	ASSERT_EQ(0, put(self->box.tx, 1));
	ASSERT_EQ(0, put(self->box.tx, 2));
	sender = child_fork();
	if (!sender)
		_exit(put_with(self->box.tx, 3, 0, 0) ? 1 : 0);
	ASSERT_TRUE(wait_senders(self->box.rx, 1));
	ASSERT_EQ(0, kill(sender, SIGKILL));
	EXPECT_EQ(1000 + SIGKILL, child_wait(sender));
	EXPECT_EQ(0, mb_status(self->box.rx).waiting_senders);
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, put(self->box.tx, 3));
	EXPECT_EQ(2, mb_take(self->box.rx, 0));
	EXPECT_EQ(3, mb_take(self->box.rx, 0));
}

TEST_F(once, of_two_that_wait_with_one_number_one_is_sent)
{
	ASSERT_EQ(0, put(self->box.tx, 1));
	ASSERT_EQ(0, put(self->box.tx, 2));
	block_put(_metadata, &self->calls[0], self->box.tx, 3, 0);
	block_put(_metadata, &self->calls[1], self->box.tx, 3, 0);
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_FALSE(call_done(&self->calls[1]));
	EXPECT_EQ(2, mb_take(self->box.rx, 0));
	EXPECT_EQ(-EEXIST, call_join(&self->calls[1]));
	EXPECT_EQ(3, mb_take(self->box.rx, 0));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(3, mb_status(self->box.rx).sent);
	EXPECT_EQ(3, mb_status(self->box.rx).received);
}

/* With MBOX_SYNC, and on a rendezvous, the number counts once a receiver has the message. */
static void receivers_get_one(struct __test_metadata *_metadata, FIXTURE_DATA(once) *self,
			      __u32 flags)
{
	block_put(_metadata, &self->calls[0], self->box.tx, 3, flags);
	block_put(_metadata, &self->calls[1], self->box.tx, 3, flags);
	EXPECT_EQ(3, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_FALSE(call_done(&self->calls[1]));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(-EEXIST, call_join(&self->calls[1]));
	EXPECT_EQ(1, mb_status(self->box.rx).sent);
	EXPECT_EQ(1, mb_status(self->box.rx).received);
	EXPECT_EQ(-EEXIST, put_with(self->box.tx, 3, flags, 0));
}

TEST_F(once, synchronous_sends_of_one_number_reach_one_receiver)
{
	receivers_get_one(_metadata, self, MBOX_SYNC);
}

TEST_F(once, rendezvous_of_one_number_is_one)
{
	ASSERT_EQ(0, mb_set_capacity(self->box.both, 0));
	receivers_get_one(_metadata, self, 0);
}

TEST_F(once, capacity_that_shrinks_to_nothing_makes_a_rendezvous_of_a_wait)
{
	ASSERT_EQ(0, put(self->box.tx, 1));
	ASSERT_EQ(0, put(self->box.tx, 2));
	block_put(_metadata, &self->calls[0], self->box.tx, 3, 0);
	ASSERT_EQ(0, mb_set_capacity(self->box.both, 0));
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(2, mb_take(self->box.rx, 0));
	EXPECT_FALSE(call_done(&self->calls[0]));
	EXPECT_EQ(3, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_EQ(-EEXIST, put(self->box.tx, 3));
}

/* Receivers that choose reach past the queue to those who wait. */
TEST(chosen_of_those_who_wait_with_one_number_one_is_sent)
{
	FIXTURE_DATA(once) data, *self = &data;
	__u32 number = 0;
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), MBOX_TAG | MBOX_NONBLOCK);
	int i;

	ASSERT_EQ(0, mb_ends_open(&self->box, 1, MBOX_TAGGED));
	ASSERT_EQ(0, put(self->box.tx, 1));
	for (i = 0; i < 2; i++) {
		call_put(&self->calls[i], self->box.tx, 3, 0, MBOX_ONCE);
		self->calls[i].msg.sequence = 3;
		self->calls[i].msg.tag = 8;
		ASSERT_EQ(0, call_start(&self->calls[i]));
		ASSERT_TRUE(wait_senders(self->box.rx, i + 1));
	}
	msg.tag = 8;
	EXPECT_EQ(0, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(3, number);
	EXPECT_EQ(0, call_join(&self->calls[0]));
	msg = mb_msg(&number, sizeof(number), MBOX_TAG | MBOX_NONBLOCK);
	msg.tag = 8;
	EXPECT_EQ(-EAGAIN, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(-EEXIST, call_join(&self->calls[1]));
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	mb_ends_close(&self->box);
}

/*
 * Senders that send the same numbers, each in their order, and are killed and started again: who
 * was killed goes on with the number that it was at. Each number arrives once, in the order.
 */
#define SENDERS		2
#define MESSAGES	400
#define KILLS		60

FIXTURE(race) {
	struct mb_ends box;
	__u32 *next;		/* of each sender; shared with it */
};

FIXTURE_VARIANT(race) {
	__u64 capacity;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(race, rendezvous) { .capacity = 0 };
FIXTURE_VARIANT_ADD(race, one) { .capacity = 1 };
FIXTURE_VARIANT_ADD(race, sync) { .capacity = 3, .flags = MBOX_SYNC };
FIXTURE_VARIANT_ADD(race, bounded) { .capacity = 3 };

FIXTURE_SETUP(race)
{
	int i;

	ASSERT_EQ(0, mb_ends_open(&self->box, variant->capacity, 0));
	self->next = shared_memory(SENDERS * sizeof(*self->next));
	for (i = 0; i < SENDERS; i++)
		self->next[i] = 1;
}

FIXTURE_TEARDOWN(race)
{
	mb_ends_close(&self->box);
}

static void send_all(int fd, __u32 flags, __u32 *next)
{
	__u32 seed = getpid();

	while (*next <= MESSAGES) {
		__u64 deadline = prng(&seed) % 4 ? 0 : now_ns(CLOCK_MONOTONIC) + 200000;
		int err = put_with(fd, *next, flags, deadline);

		if (!err || err == -EEXIST)
			__atomic_add_fetch(next, 1, __ATOMIC_SEQ_CST);
		else if (err != -ETIMEDOUT)
			_exit(1);
	}
	_exit(0);
}

static pid_t start_sender(const FIXTURE_DATA(race) *self, __u32 flags, int i)
{
	pid_t pid = child_fork();

	if (!pid)
		send_all(self->box.tx, flags, &self->next[i]);
	return pid;
}

TEST_F(race, each_number_arrives_once_and_in_order)
{
	pid_t senders[SENDERS];
	__u32 expected, seed = 1;
	int i, kills = 0;

	for (i = 0; i < SENDERS; i++)
		senders[i] = start_sender(self, variant->flags, i);
	for (expected = 1; expected <= MESSAGES; expected++) {
		ASSERT_EQ(expected, mb_take(self->box.rx, 0));
		if (prng(&seed) % (MESSAGES / KILLS))
			continue;
		i = kills++ % SENDERS;
		kill(senders[i], SIGKILL);
		child_wait(senders[i]);
		senders[i] = start_sender(self, variant->flags, i);
	}
	/* Who waits with a number that is there learns so when it is its turn. */
	for (i = 0; i < SENDERS; i++) {
		EXPECT_TRUE(wait_until(mb_take(self->box.rx, MBOX_NONBLOCK) == -EAGAIN &&
				       self->next[i] > MESSAGES));
		EXPECT_EQ(0, child_wait(senders[i]));
	}
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_LE(KILLS / 2, kills);
	EXPECT_EQ(MESSAGES, mb_status(self->box.rx).sent);
}

TEST_HARNESS_MAIN
