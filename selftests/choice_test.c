// SPDX-License-Identifier: GPL-2.0
/* Receiving by tag: which message, who is woken, and who is passed over. */
#include "common.h"
#include "harness.h"

static int tagged(__u64 capacity, __u32 flags)
{
	return mb_create_flags(NULL, capacity, O_RDWR, MBOX_TAGGED | flags);
}

static int put(int fd, __u64 tag, __u32 number, __u32 prio, __u32 flags)
{
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), flags);

	msg.tag = tag;
	msg.prio = prio;
	return ctl(fd, MBOX_IOC_SEND, &msg);
}

static int take(int fd, __u64 tag, __u32 flags)
{
	__u32 number = 0;
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), flags);
	int ret;

	msg.tag = tag;
	ret = ctl(fd, MBOX_IOC_RECV, &msg);
	return ret ?: (int)number;
}

static void call_take_tag(struct mb_call *call, int fd, __u64 tag, __u32 flags)
{
	call_take(call, fd, flags);
	call->msg.tag = tag;
}

static void call_put_tag(struct mb_call *call, int fd, __u64 tag, __u32 number, __u32 flags)
{
	call_put(call, fd, number, 0, flags);
	call->msg.tag = tag;
}

FIXTURE(choice) {
	int fd;
};

FIXTURE_SETUP(choice)
{
	self->fd = tagged(16, 0);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(choice)
{
	close(self->fd);
}

TEST_F(choice, takes_that_tag_and_leaves_the_others_in_their_order)
{
	int i;

	for (i = 0; i < 9; i++)
		ASSERT_EQ(0, put(self->fd, i % 3, i, 0, 0));
	EXPECT_EQ(1, take(self->fd, 1, MBOX_TAG));
	EXPECT_EQ(4, take(self->fd, 1, MBOX_TAG));
	EXPECT_EQ(0, mb_take(self->fd, 0));
	EXPECT_EQ(7, take(self->fd, 1, MBOX_TAG));
	EXPECT_EQ(-EAGAIN, take(self->fd, 1, MBOX_TAG | MBOX_NONBLOCK));
	EXPECT_EQ(2, mb_take(self->fd, 0));
	EXPECT_EQ(3, mb_take(self->fd, 0));
	EXPECT_EQ(3, (int)mb_status(self->fd).queued);
}

TEST_F(choice, takes_the_lowest_tag_up_to_a_limit)
{
	static const __u64 tags[] = { 9, 5, 7, 5, ~0ULL };
	__u32 i;

	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, put(self->fd, tags[i], i, 0, 0));
	EXPECT_EQ(-EAGAIN, take(self->fd, 4, MBOX_TAG_MOST | MBOX_NONBLOCK));
	EXPECT_EQ(1, take(self->fd, 8, MBOX_TAG_MOST));
	EXPECT_EQ(3, take(self->fd, 8, MBOX_TAG_MOST));
	EXPECT_EQ(2, take(self->fd, 8, MBOX_TAG_MOST));
	EXPECT_EQ(-EAGAIN, take(self->fd, 8, MBOX_TAG_MOST | MBOX_NONBLOCK));
	EXPECT_EQ(0, take(self->fd, ~0ULL, MBOX_TAG_MOST));
	EXPECT_EQ(4, take(self->fd, ~0ULL, MBOX_TAG_MOST));
}

TEST_F(choice, takes_any_but_one_tag)
{
	ASSERT_EQ(0, put(self->fd, 1, 10, 0, 0));
	ASSERT_EQ(0, put(self->fd, 2, 20, 0, 0));
	ASSERT_EQ(0, put(self->fd, 1, 11, 0, 0));
	EXPECT_EQ(20, take(self->fd, 1, MBOX_TAG_EXCEPT));
	EXPECT_EQ(-EAGAIN, take(self->fd, 1, MBOX_TAG_EXCEPT | MBOX_NONBLOCK));
	EXPECT_EQ(10, take(self->fd, 2, MBOX_TAG_EXCEPT));
}

TEST_F(choice, heeds_priorities_within_what_is_wanted)
{
	ASSERT_EQ(0, put(self->fd, 1, 1, 0, 0));
	ASSERT_EQ(0, put(self->fd, 2, 2, 9, 0));
	ASSERT_EQ(0, put(self->fd, 1, 3, 5, 0));
	ASSERT_EQ(0, put(self->fd, 0, 4, 0, 0));
	EXPECT_EQ(3, take(self->fd, 1, MBOX_TAG));
	EXPECT_EQ(4, take(self->fd, 2, MBOX_TAG_MOST));
	EXPECT_EQ(1, take(self->fd, 2, MBOX_TAG_MOST));
}

TEST_F(choice, a_receiver_waits_for_its_tag)
{
	struct mb_call one, two, other;

	call_take_tag(&one, self->fd, 1, MBOX_TAG);
	call_take_tag(&two, self->fd, 2, MBOX_TAG);
	call_take_tag(&other, self->fd, 2, MBOX_TAG_EXCEPT);
	ASSERT_EQ(0, call_start(&one));
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_EQ(0, call_start(&two));
	ASSERT_TRUE(wait_receivers(self->fd, 2));
	ASSERT_EQ(0, call_start(&other));
	ASSERT_TRUE(wait_receivers(self->fd, 3));

	EXPECT_EQ(0, put(self->fd, 2, 22, 0, 0));
	EXPECT_EQ(0, call_join(&two));
	EXPECT_EQ(22, two.number);
	EXPECT_EQ(0, put(self->fd, 3, 33, 0, 0));
	EXPECT_EQ(0, call_join(&other));
	EXPECT_EQ(33, other.number);
	EXPECT_EQ(0, put(self->fd, 2, 23, 0, 0));
	EXPECT_EQ(1, (int)mb_status(self->fd).queued);
	EXPECT_EQ(0, put(self->fd, 1, 11, 0, 0));
	EXPECT_EQ(0, call_join(&one));
	EXPECT_EQ(11, one.number);
	EXPECT_EQ(1, one.msg.tag);
	EXPECT_EQ(23, mb_take(self->fd, 0));
}

TEST_F(choice, a_message_that_nobody_wants_makes_no_rendezvous)
{
	struct mb_call receiver, sender;
	int fd = tagged(0, 0);

	ASSERT_LE(0, fd);
	call_take_tag(&receiver, fd, 1, MBOX_TAG);
	ASSERT_EQ(0, call_start(&receiver));
	ASSERT_TRUE(wait_receivers(fd, 1));
	EXPECT_EQ(-EAGAIN, put(fd, 2, 2, 0, MBOX_NONBLOCK));
	call_put_tag(&sender, fd, 2, 2, 0);
	ASSERT_EQ(0, call_start(&sender));
	ASSERT_TRUE(wait_senders(fd, 1));
	EXPECT_EQ(0, put(fd, 1, 1, 0, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&receiver));
	EXPECT_EQ(1, receiver.number);
	EXPECT_EQ(-EAGAIN, take(fd, 1, MBOX_TAG | MBOX_NONBLOCK));
	EXPECT_EQ(2, take(fd, 2, MBOX_TAG));
	EXPECT_EQ(0, call_join(&sender));
	close(fd);
}

TEST_F(choice, reaches_a_sender_that_waits_for_room)
{
	struct mb_call sender;
	int fd = tagged(1, 0);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, put(fd, 1, 1, 0, 0));
	call_put_tag(&sender, fd, 2, 2, 0);
	ASSERT_EQ(0, call_start(&sender));
	ASSERT_TRUE(wait_senders(fd, 1));
	EXPECT_EQ(2, take(fd, 2, MBOX_TAG));
	EXPECT_EQ(0, call_join(&sender));
	EXPECT_EQ(1, mb_take(fd, 0));
	close(fd);
}

TEST_F(choice, a_deadline_ends_the_wait_and_other_tags_do_not)
{
	struct mb_call call;

	ASSERT_EQ(0, put(self->fd, 1, 1, 0, 0));
	call_take_tag(&call, self->fd, 2, MBOX_TAG);
	call.msg.deadline = in_ms(20);
	ASSERT_EQ(0, call_start(&call));
	EXPECT_EQ(-ETIMEDOUT, call_join(&call));
	EXPECT_EQ(2, call.msg.tag);
	EXPECT_EQ(0, mb_status(self->fd).waiting_receivers);
	EXPECT_EQ(1, mb_take(self->fd, 0));
}

static void noted(int signo)
{
}

TEST_F(choice, a_signal_ends_the_wait)
{
	struct sigaction action = { .sa_handler = noted };
	struct mb_call call;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	call_take_tag(&call, self->fd, 2, MBOX_TAG_MOST);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_EQ(0, pthread_kill(call.thread, SIGUSR1));
	EXPECT_EQ(-EINTR, call_join(&call));
	EXPECT_EQ(0, put(self->fd, 2, 2, 0, 0));
	EXPECT_EQ(2, mb_take(self->fd, MBOX_NONBLOCK));
}

TEST_F(choice, a_kill_during_the_wait_loses_nothing)
{
	pid_t pid = child_fork();

	ASSERT_LE(0, pid);
	if (!pid)
		_exit(take(self->fd, 2, MBOX_TAG));
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	kill(pid, SIGKILL);
	child_wait(pid);
	ASSERT_TRUE(wait_receivers(self->fd, 0));
	EXPECT_EQ(0, put(self->fd, 2, 2, 0, 0));
	EXPECT_EQ(2, take(self->fd, 2, MBOX_TAG | MBOX_NONBLOCK));
}

TEST_F(choice, the_last_sender_ends_the_wait)
{
	struct mbox_ioc_create create = mb_template(NULL, 4, O_RDWR);
	struct mb_call call;
	int both, rx, tx;

	create.flags = MBOX_TAGGED | MBOX_HANGUP;
	both = ctl(device(), MBOX_IOC_CREATE, &create);
	ASSERT_LE(0, both);
	rx = mb_reopen(both, O_RDONLY);
	tx = mb_reopen(both, O_WRONLY);
	close(both);
	ASSERT_EQ(0, put(tx, 1, 1, 0, 0));
	call_take_tag(&call, rx, 2, MBOX_TAG);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(rx, 1));
	close(tx);
	EXPECT_EQ(-EPIPE, call_join(&call));
	EXPECT_EQ(1, take(rx, 1, MBOX_TAG));
	close(rx);
}

TEST_F(choice, a_message_that_is_too_large_stays)
{
	struct mbox_ioc_msg msg = mb_msg(NULL, 0, MBOX_TAG | MBOX_NONBLOCK);

	ASSERT_EQ(0, put(self->fd, 1, 1, 0, 0));
	ASSERT_EQ(0, put(self->fd, 2, 2, 0, 0));
	msg.tag = 2;
	EXPECT_EQ(-EMSGSIZE, ctl(self->fd, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(sizeof(__u32), msg.len);
	EXPECT_EQ(2, msg.tag);
	EXPECT_EQ(2, take(self->fd, 2, MBOX_TAG));
}

TEST_F(choice, what_a_lease_gives_back_goes_to_who_wants_it)
{
	__u32 number = 0;
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), MBOX_TAG | MBOX_LEASE);
	struct mbox_ioc_ack ack = { .flags = MBOX_RETURN };
	struct mb_call one, two;

	ASSERT_EQ(0, put(self->fd, 2, 2, 0, 0));
	msg.tag = 2;
	ASSERT_EQ(0, ctl(self->fd, MBOX_IOC_RECV, &msg));
	call_take_tag(&one, self->fd, 1, MBOX_TAG);
	ASSERT_EQ(0, call_start(&one));
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	call_take_tag(&two, self->fd, 2, MBOX_TAG);
	ASSERT_EQ(0, call_start(&two));
	ASSERT_TRUE(wait_receivers(self->fd, 2));
	ack.delivery = msg.delivery;
	EXPECT_EQ(0, ctl(self->fd, MBOX_IOC_ACK, &ack));
	EXPECT_EQ(0, call_join(&two));
	EXPECT_EQ(2, two.number);
	EXPECT_EQ(0, put(self->fd, 1, 1, 0, 0));
	EXPECT_EQ(0, call_join(&one));
}

TEST_F(choice, a_receiver_of_one_tag_makes_nothing_writable)
{
	struct mb_call call;
	int fd = tagged(1, 0);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, put(fd, 1, 1, 0, 0));
	call_take_tag(&call, fd, 2, MBOX_TAG);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(fd, 1));
	EXPECT_EQ(IN, events(fd));
	EXPECT_EQ(0, put(fd, 2, 2, 0, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&call));
	close(fd);
}

TEST_F(choice, chooses_in_ones_own_mailbox_too)
{
	int fd = mb_create_flags(NULL, 4, O_RDWR, MBOX_TAGGED | MBOX_OWN);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, put(fd, 1, 1, 0, 0));
	EXPECT_EQ(0, put(fd, 2, 2, 0, 0));
	EXPECT_EQ(2, take(fd, 2, MBOX_TAG));
	close(fd);
}

TEST_F(choice, goes_with_one_choice_and_no_look)
{
	static const __u32 choices[] = { MBOX_TAG, MBOX_TAG_MOST, MBOX_TAG_EXCEPT };
	__u32 i, j;

	ASSERT_EQ(0, put(self->fd, 1, 1, 0, 0));
	for (i = 0; i < 3; i++) {
		for (j = 0; j < i; j++)
			EXPECT_EQ(-EINVAL, take(self->fd, 1, choices[i] | choices[j]));
		EXPECT_EQ(-EINVAL, take(self->fd, 1, choices[i] | MBOX_PEEK));
		EXPECT_EQ(-EINVAL, take(self->fd, 1, choices[i] | MBOX_FROM));
		EXPECT_EQ(-EINVAL, put(self->fd, 1, 1, 0, choices[i]));
	}
	EXPECT_EQ(1, (int)mb_status(self->fd).queued);
}

TEST_F(choice, takes_a_mailbox_for_it)
{
	int plain = mb_create(NULL, 4, O_RDWR);

	ASSERT_LE(0, plain);
	ASSERT_EQ(0, put(plain, 1, 1, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, take(plain, 1, MBOX_TAG));
	EXPECT_EQ(-EOPNOTSUPP, take(plain, 1, MBOX_TAG_MOST));
	EXPECT_EQ(-EOPNOTSUPP, take(plain, 1, MBOX_TAG_EXCEPT));
	EXPECT_EQ(1, mb_take(plain, 0));
	close(plain);
}

TEST_F(choice, bounds_what_is_looked_through)
{
	EXPECT_EQ(-EINVAL, tagged(MBOX_PEEK_MAX + 1, 0));
	EXPECT_EQ(-EINVAL, tagged(MBOX_UNBOUNDED, 0));
	EXPECT_EQ(-EINVAL, tagged(4, MBOX_BROADCAST));
	EXPECT_EQ(-EINVAL, mb_set_capacity(self->fd, MBOX_PEEK_MAX + 1));
	EXPECT_EQ(0, mb_set_capacity(self->fd, MBOX_PEEK_MAX));
	EXPECT_EQ(MBOX_TAGGED, mb_status(self->fd).flags);
}

#define TAGS	4
#define EACH	2000

struct reader {
	__u64 tag;
	pthread_t thread;
	int fd;
	int wrong;
};

static void *read_tag(void *arg)
{
	struct reader *reader = arg;
	int i;

	for (i = 0; i < EACH; i++)
		if (take(reader->fd, reader->tag, MBOX_TAG) != i)
			reader->wrong++;
	return NULL;
}

TEST_F(choice, every_tag_arrives_whole_and_in_order)
{
	struct reader readers[TAGS];
	__u32 next[TAGS] = { 0 }, seed = 1, tag, left = TAGS * EACH;

	for (tag = 0; tag < TAGS; tag++) {
		readers[tag] = (struct reader) { .fd = self->fd, .tag = tag };
		ASSERT_EQ(0, pthread_create(&readers[tag].thread, NULL, read_tag, &readers[tag]));
	}
	while (left) {
		tag = prng(&seed) % TAGS;
		if (next[tag] == EACH)
			continue;
		ASSERT_EQ(0, put(self->fd, tag, next[tag]++, 0, 0));
		left--;
	}
	for (tag = 0; tag < TAGS; tag++) {
		ASSERT_EQ(0, pthread_join(readers[tag].thread, NULL));
		EXPECT_EQ(0, readers[tag].wrong);
	}
	EXPECT_EQ(0, (int)mb_status(self->fd).queued);
}

TEST_HARNESS_MAIN
