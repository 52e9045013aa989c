// SPDX-License-Identifier: GPL-2.0
/*
 * A call that would close a cycle of callers is refused at once and leaves nothing behind; any
 * other is not.
 */
#include "common.h"
#include "harness.h"

#define LENGTH_MAX	4

static void create_all(struct __test_metadata *_metadata, int mb[LENGTH_MAX])
{
	int i;

	for (i = 0; i < LENGTH_MAX; i++) {
		mb[i] = mb_create(NULL, 10, O_RDWR);
		ASSERT_LE(0, mb[i]);
	}
}

FIXTURE(deadlock) {
	int mb[LENGTH_MAX];
};

FIXTURE_SETUP(deadlock)
{
	create_all(_metadata, self->mb);
}

FIXTURE_TEARDOWN(deadlock)
{
}

/* Receives one request, calls @next before it answers, and leaves what came of that. */
static void relay(int mb, int next, int *result)
{
	__u64 delivery = mb_accept(mb);

	*result = mb_ask(next, 0);
	if (mb_answer(mb, delivery))
		_exit(3);
}

static pid_t relay_child(int mb, int next, int *result)
{
	pid_t pid = child_fork();

	if (pid)
		return pid;
	relay(mb, next, result);
	_exit(0);
}

FIXTURE(circle) {
	int mb[LENGTH_MAX];
	int *result;		/* of the call that each server makes */
};

FIXTURE_SETUP(circle)
{
	create_all(_metadata, self->mb);
	self->result = shared_memory(LENGTH_MAX * sizeof(int));
}

FIXTURE_TEARDOWN(circle)
{
}

FIXTURE_VARIANT(circle) {
	int length;
};

FIXTURE_VARIANT_ADD(circle, of_one) { .length = 1 };
FIXTURE_VARIANT_ADD(circle, of_two) { .length = 2 };
FIXTURE_VARIANT_ADD(circle, of_four) { .length = 4 };

TEST_F(circle, is_refused_where_it_closes)
{
	int last = variant->length - 1, i;
	pid_t pid[LENGTH_MAX];

	for (i = 0; i <= last; i++) {
		pid[i] = relay_child(self->mb[i], self->mb[i == last ? 0 : i + 1],
				     &self->result[i]);
		ASSERT_TRUE(wait_receivers(self->mb[i], 1));
	}
	EXPECT_EQ(0, mb_ask(self->mb[0], 0));
	for (i = 0; i <= last; i++) {
		EXPECT_EQ(0, child_wait(pid[i]));
		EXPECT_EQ(i == last ? -EDEADLK : 0, self->result[i]);
		EXPECT_EQ(0, mb_status(self->mb[i]).queued);
		EXPECT_EQ(0, mb_status(self->mb[i]).waiting_callers);
	}
}

/* As a thread: the test goes on, and can help. */
struct relaying {
	int mb;
	int next;
	int result;
	bool done;
	pthread_t thread;
};

static void *relay_thread(void *arg)
{
	struct relaying *relaying = arg;

	relay(relaying->mb, relaying->next, &relaying->result);
	__atomic_store_n(&relaying->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool relay_done(struct relaying *relaying)
{
	return __atomic_load_n(&relaying->done, __ATOMIC_ACQUIRE);
}

static int relay_start(struct relaying *relaying, int mb, int next)
{
	*relaying = (struct relaying) { .mb = mb, .next = next };
	return -pthread_create(&relaying->thread, NULL, relay_thread, relaying);
}

struct asking {
	int mb;
	int result;
	bool done;
	pthread_t thread;
};

static void *ask_thread(void *arg)
{
	struct asking *asking = arg;

	asking->result = mb_ask(asking->mb, 0);
	__atomic_store_n(&asking->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static int ask_start(struct asking *asking, int mb)
{
	*asking = (struct asking) { .mb = mb };
	return -pthread_create(&asking->thread, NULL, ask_thread, asking);
}

TEST_F(deadlock, threads_of_one_process_are_told_apart)
{
	struct relaying first, second;

	ASSERT_EQ(0, relay_start(&first, self->mb[0], self->mb[1]));
	ASSERT_EQ(0, relay_start(&second, self->mb[1], self->mb[0]));
	ASSERT_TRUE(wait_receivers(self->mb[0], 1));
	ASSERT_TRUE(wait_receivers(self->mb[1], 1));
	EXPECT_EQ(0, mb_ask(self->mb[0], 0));
	pthread_join(first.thread, NULL);
	pthread_join(second.thread, NULL);
	EXPECT_EQ(0, first.result);
	EXPECT_EQ(-EDEADLK, second.result);
}

TEST_F(deadlock, a_second_server_that_waits_breaks_the_cycle)
{
	struct relaying first, second;
	struct asking asking;
	struct mb_call other;

	ASSERT_EQ(0, relay_start(&first, self->mb[0], self->mb[1]));
	ASSERT_TRUE(wait_receivers(self->mb[0], 1));
	ASSERT_EQ(0, ask_start(&asking, self->mb[0]));
	ASSERT_TRUE(wait_until(mb_status(self->mb[1]).waiting_callers == 1));
	call_take(&other, self->mb[0], 0);
	ASSERT_EQ(0, call_start(&other));
	ASSERT_TRUE(wait_receivers(self->mb[0], 1));
	/* It calls the first's mailbox, where the other waits too. */
	ASSERT_EQ(0, relay_start(&second, self->mb[1], self->mb[0]));
	ASSERT_EQ(0, call_join(&other));
	EXPECT_EQ(0, mb_answer(self->mb[0], other.msg.delivery));
	pthread_join(second.thread, NULL);
	pthread_join(first.thread, NULL);
	pthread_join(asking.thread, NULL);
	EXPECT_EQ(0, first.result);
	EXPECT_EQ(0, second.result);
	EXPECT_EQ(0, asking.result);
}

/* Who will receive is not known where two have, so that such a call waits. */
TEST_F(deadlock, where_several_receive_a_call_waits)
{
	struct relaying first, second;
	struct asking asking[2];
	__u64 delivery;

	ASSERT_EQ(0, ask_start(&asking[0], self->mb[0]));
	ASSERT_EQ(0, mb_answer(self->mb[0], mb_accept(self->mb[0])));
	pthread_join(asking[0].thread, NULL);
	ASSERT_EQ(0, relay_start(&first, self->mb[0], self->mb[1]));
	ASSERT_EQ(0, relay_start(&second, self->mb[1], self->mb[0]));
	ASSERT_TRUE(wait_receivers(self->mb[0], 1));
	ASSERT_TRUE(wait_receivers(self->mb[1], 1));
	ASSERT_EQ(0, ask_start(&asking[1], self->mb[0]));
	ASSERT_TRUE(wait_until(mb_status(self->mb[0]).queued == 1));
	delivery = mb_accept(self->mb[0]);
	EXPECT_EQ(0, mb_answer(self->mb[0], delivery));
	pthread_join(second.thread, NULL);
	pthread_join(first.thread, NULL);
	pthread_join(asking[1].thread, NULL);
	EXPECT_EQ(0, asking[1].result);
	EXPECT_EQ(0, first.result);
	EXPECT_EQ(0, second.result);
}

TEST_F(deadlock, a_cycle_that_a_caller_has_left_is_none)
{
	pid_t caller = child_fork();
	__u64 delivery;

	if (!caller)
		_exit(mb_ask(self->mb[0], 0) ? 1 : 0);
	delivery = mb_accept(self->mb[0]);
	kill(caller, SIGKILL);
	ASSERT_EQ(1000 + SIGKILL, child_wait(caller));
	EXPECT_EQ(-ESTALE, mb_answer(self->mb[0], delivery));
	EXPECT_EQ(-ETIMEDOUT, mb_ask(self->mb[1], in_ms(20)));
}

/* Answers what comes to a server that is through. Return: whether all have their answers. */
static bool all_answered(struct relaying relaying[2], struct asking asking[2])
{
	bool done = true;
	int i;

	for (i = 0; i < 2; i++) {
		if (relay_done(&relaying[i]) && mb_status(relaying[i].mb).queued)
			mb_answer(relaying[i].mb, mb_accept(relaying[i].mb));
		done = done && relay_done(&relaying[i]) &&
		       __atomic_load_n(&asking[i].done, __ATOMIC_ACQUIRE);
	}
	return done;
}

/* Two that call each other at the same moment: one is told, or both are. */
TEST_F(deadlock, of_two_that_close_it_together_one_is_told)
{
	struct relaying relaying[2];
	struct asking asking[2];
	int round, mb[2], i;

	for (round = 0; round < 100; round++) {
		for (i = 0; i < 2; i++)
			mb[i] = mb_create(NULL, 10, O_RDWR);
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, relay_start(&relaying[i], mb[i], mb[!i]));
			ASSERT_TRUE(wait_receivers(mb[i], 1));
		}
		for (i = 0; i < 2; i++)
			ASSERT_EQ(0, ask_start(&asking[i], mb[i]));
		ASSERT_TRUE(wait_until(all_answered(relaying, asking)));
		EXPECT_TRUE(relaying[0].result == -EDEADLK || relaying[1].result == -EDEADLK);
		for (i = 0; i < 2; i++) {
			pthread_join(relaying[i].thread, NULL);
			pthread_join(asking[i].thread, NULL);
			EXPECT_EQ(0, asking[i].result);
			close(mb[i]);
		}
	}
}

TEST_HARNESS_MAIN
