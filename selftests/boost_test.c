// SPDX-License-Identifier: GPL-2.0
/*
 * A caller's nice level or real-time priority is the server's while the call lasts, as far as the
 * server might have taken it itself, and not longer.
 */
#include <sched.h>
#include <sys/resource.h>

#include "common.h"
#include "harness.h"

#define SERVER_NICE	10
#define NOBODYS_NICE	(-5)
/* As getrlimit(2) counts: 20 less the nice level. */
#define RLIMIT_OF(nice)	(20 - (nice))

/* How a thread is scheduled. */
struct standing {
	int policy;
	int priority;
	int nice;
};

static struct standing standing(void)
{
	struct standing now = { .policy = sched_getscheduler(0) };
	struct sched_param param;

	sched_getparam(0, &param);
	now.priority = param.sched_priority;
	now.nice = getpriority(PRIO_PROCESS, 0);
	return now;
}

/* Real-time if there is a priority. */
static void stand(int priority, int nice)
{
	struct sched_param param = { .sched_priority = priority };

	if (setpriority(PRIO_PROCESS, 0, nice) ||
	    (priority && sched_setscheduler(0, SCHED_FIFO, &param)))
		_exit(1);
}

static void answer(int fd, __u64 delivery)
{
	if (mb_answer(fd, delivery))
		_exit(3);
}

FIXTURE(boost) {
	int mb;
	int *stage;		/* the test leads the server from one to the next */
	struct standing *seen;	/* how the server stood at each */
};

FIXTURE_SETUP(boost)
{
	self->mb = mb_create(NULL, 10, O_RDWR);
	ASSERT_LE(0, self->mb);
	self->stage = shared_memory(sizeof(int));
	self->seen = shared_memory(8 * sizeof(struct standing));
}

FIXTURE_TEARDOWN(boost)
{
}

static int stage_now(const int *stage)
{
	return __atomic_load_n(stage, __ATOMIC_ACQUIRE);
}

static void stage_next(int *stage)
{
	__atomic_add_fetch(stage, 1, __ATOMIC_RELEASE);
}

static void stage_wait(const int *stage, int which)
{
	while (stage_now(stage) < which)
		usleep(500);
}

static pid_t caller(int mb, int priority, int nice)
{
	pid_t pid = child_fork();

	if (pid)
		return pid;
	stand(priority, nice);
	_exit(mb_ask(mb, 0) ? 4 : 0);
}

#define EXPECT_STANDING(policy_, priority_, nice_, now)	do {	\
	struct standing now_ = (now);				\
								\
	EXPECT_EQ(policy_, now_.policy);			\
	EXPECT_EQ(priority_, now_.priority);			\
	EXPECT_EQ(nice_, now_.nice);				\
} while (0)

FIXTURE(once) {
	int mb;
	int *stage;
	struct standing *seen;
};

FIXTURE_SETUP(once)
{
	self->mb = mb_create(NULL, 10, O_RDWR);
	ASSERT_LE(0, self->mb);
	self->stage = shared_memory(sizeof(int));
	self->seen = shared_memory(2 * sizeof(struct standing));
}

FIXTURE_TEARDOWN(once)
{
}

FIXTURE_VARIANT(once) {
	int priority;		/* the caller's */
	int nice;
	uid_t uid;		/* the server's */
	rlim_t nice_limit;
	rlim_t priority_limit;
	int own;		/* its own real-time priority */
	struct standing raised;
};

FIXTURE_VARIANT_ADD(once, a_nice_level) {
	.nice = NOBODYS_NICE,
	.raised = { SCHED_OTHER, 0, NOBODYS_NICE },
};

FIXTURE_VARIANT_ADD(once, a_nice_level_below_the_servers) {
	.nice = SERVER_NICE + 5,
	.raised = { SCHED_OTHER, 0, SERVER_NICE },
};

FIXTURE_VARIANT_ADD(once, the_middle_of_real_time) {
	.priority = 60,
	.raised = { SCHED_FIFO, 50, SERVER_NICE },
};

FIXTURE_VARIANT_ADD(once, the_lowest_of_real_time) {
	.priority = 49,
	.raised = { SCHED_FIFO, 1, SERVER_NICE },
};

FIXTURE_VARIANT_ADD(once, nothing_in_real_time_already) {
	.priority = 60,
	.own = 5,
	.raised = { SCHED_FIFO, 5, SERVER_NICE },
};

FIXTURE_VARIANT_ADD(once, no_nice_level_it_may_not_have) {
	.nice = NOBODYS_NICE,
	.uid = USER_A,
	.nice_limit = RLIMIT_OF(NOBODYS_NICE) - 1,
	.raised = { SCHED_OTHER, 0, SERVER_NICE },
};

FIXTURE_VARIANT_ADD(once, a_nice_level_within_its_limit) {
	.nice = NOBODYS_NICE,
	.uid = USER_A,
	.nice_limit = RLIMIT_OF(NOBODYS_NICE),
	.raised = { SCHED_OTHER, 0, NOBODYS_NICE },
};

FIXTURE_VARIANT_ADD(once, no_priority_it_may_not_have) {
	.priority = 60,
	.uid = USER_A,
	.priority_limit = 49,
	.raised = { SCHED_OTHER, 0, SERVER_NICE },
};

FIXTURE_VARIANT_ADD(once, a_priority_within_its_limit) {
	.priority = 60,
	.uid = USER_A,
	.priority_limit = 50,
	.raised = { SCHED_FIFO, 50, SERVER_NICE },
};

static void become_server(const FIXTURE_VARIANT(once) *variant)
{
	struct rlimit nice = { variant->nice_limit, variant->nice_limit };
	struct rlimit priority = { variant->priority_limit, variant->priority_limit };

	stand(variant->own, SERVER_NICE);
	if (setrlimit(RLIMIT_NICE, &nice) || setrlimit(RLIMIT_RTPRIO, &priority) ||
	    (variant->uid && become(variant->uid, variant->uid)))
		_exit(1);
}

/* Served by a thread that waits for the request, and by one that comes for it later. */
static pid_t serve_once(FIXTURE_DATA(once) *self, const FIXTURE_VARIANT(once) *variant)
{
	pid_t pid = child_fork();
	__u64 delivery;

	if (pid)
		return pid;
	become_server(variant);
	delivery = mb_accept(self->mb);
	self->seen[0] = standing();
	answer(self->mb, delivery);
	stage_wait(self->stage, 1);
	self->seen[1] = standing();
	_exit(0);
}

TEST_F(once, is_raised_until_the_reply)
{
	pid_t server = serve_once(self, variant);
	const struct standing *raised = &variant->raised;

	ASSERT_TRUE(wait_receivers(self->mb, 1));
	ASSERT_EQ(0, child_wait(caller(self->mb, variant->priority, variant->nice)));
	stage_next(self->stage);
	ASSERT_EQ(0, child_wait(server));
	EXPECT_STANDING(raised->policy, raised->priority, raised->nice, self->seen[0]);
	EXPECT_STANDING(variant->own ? SCHED_FIFO : SCHED_OTHER, variant->own, SERVER_NICE,
			self->seen[1]);
}

/* Two requests at a time, the better caller's answered first. */
static pid_t serve_two(FIXTURE_DATA(boost) *self)
{
	pid_t pid = child_fork();
	__u64 first, second;

	if (pid)
		return pid;
	stand(0, SERVER_NICE);
	first = mb_accept(self->mb);
	self->seen[0] = standing();
	stage_next(self->stage);
	second = mb_accept(self->mb);
	self->seen[1] = standing();
	answer(self->mb, second);
	stage_wait(self->stage, 2);
	self->seen[2] = standing();
	answer(self->mb, first);
	stage_wait(self->stage, 3);
	self->seen[3] = standing();
	_exit(0);
}

TEST_F(boost, the_best_stays_until_all_have_their_replies)
{
	pid_t server = serve_two(self), first, second;

	ASSERT_TRUE(wait_receivers(self->mb, 1));
	first = caller(self->mb, 0, 0);
	ASSERT_TRUE(wait_until(stage_now(self->stage) == 1));
	ASSERT_TRUE(wait_receivers(self->mb, 1));
	second = caller(self->mb, 0, NOBODYS_NICE);
	ASSERT_EQ(0, child_wait(second));
	stage_next(self->stage);
	ASSERT_EQ(0, child_wait(first));
	stage_next(self->stage);
	ASSERT_EQ(0, child_wait(server));
	EXPECT_STANDING(SCHED_OTHER, 0, 0, self->seen[0]);
	EXPECT_STANDING(SCHED_OTHER, 0, NOBODYS_NICE, self->seen[1]);
	EXPECT_STANDING(SCHED_OTHER, 0, NOBODYS_NICE, self->seen[2]);
	EXPECT_STANDING(SCHED_OTHER, 0, SERVER_NICE, self->seen[3]);
}

/* A server that is busy while the request waits in the queue. */
static pid_t serve_later(FIXTURE_DATA(boost) *self)
{
	pid_t pid = child_fork();

	if (pid)
		return pid;
	stand(0, SERVER_NICE);
	answer(self->mb, mb_accept(self->mb));
	stage_next(self->stage);
	stage_wait(self->stage, 2);
	self->seen[0] = standing();
	stage_next(self->stage);
	stage_wait(self->stage, 4);
	self->seen[1] = standing();
	_exit(0);
}

TEST_F(boost, a_busy_server_is_raised_and_a_killed_caller_raises_it_no_longer)
{
	pid_t server = serve_later(self), second;

	ASSERT_EQ(0, child_wait(caller(self->mb, 0, 0)));
	ASSERT_TRUE(wait_until(stage_now(self->stage) == 1));
	second = caller(self->mb, 0, NOBODYS_NICE);
	ASSERT_TRUE(wait_until(mb_status(self->mb).waiting_callers == 1));
	ASSERT_TRUE(wait_until(getpriority(PRIO_PROCESS, server) == NOBODYS_NICE));
	stage_next(self->stage);
	ASSERT_TRUE(wait_until(stage_now(self->stage) == 3));
	kill(second, SIGKILL);
	ASSERT_EQ(1000 + SIGKILL, child_wait(second));
	stage_next(self->stage);
	ASSERT_EQ(0, child_wait(server));
	EXPECT_STANDING(SCHED_OTHER, 0, NOBODYS_NICE, self->seen[0]);
	EXPECT_STANDING(SCHED_OTHER, 0, SERVER_NICE, self->seen[1]);
}

/* A server that changes its own standing during the call keeps that. */
TEST_F(boost, what_the_server_was_set_to_meanwhile_stays)
{
	pid_t server = child_fork();
	__u64 delivery;

	if (!server) {
		stand(0, SERVER_NICE);
		delivery = mb_accept(self->mb);
		stand(0, SERVER_NICE + 3);
		answer(self->mb, delivery);
		stage_wait(self->stage, 1);
		self->seen[0] = standing();
		_exit(0);
	}
	ASSERT_TRUE(wait_receivers(self->mb, 1));
	ASSERT_EQ(0, child_wait(caller(self->mb, 0, NOBODYS_NICE)));
	stage_next(self->stage);
	ASSERT_EQ(0, child_wait(server));
	EXPECT_STANDING(SCHED_OTHER, 0, SERVER_NICE + 3, self->seen[0]);
}

/*
 * The kernel leaves a twentieth of a processor to those that are not real-time, at which the
 * server's work would take twice as long as the caller waits.
 */
#define WORK_MS		2000
#define PATIENCE_MS	(10 * WORK_MS)

FIXTURE(inversion) {
	int mb;
	int *over;
};

FIXTURE_SETUP(inversion)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one processor: the test itself would not run beside the hog");
	self->mb = mb_create(NULL, 10, O_RDWR);
	ASSERT_LE(0, self->mb);
	self->over = shared_memory(sizeof(int));
}

FIXTURE_TEARDOWN(inversion)
{
}

static void run_there(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(1, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		_exit(1);
}

static pid_t serve_with_work(int mb)
{
	pid_t pid = child_fork();
	__u64 delivery;

	if (pid)
		return pid;
	run_there();
	delivery = mb_accept(mb);
	while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < WORK_MS * NS_PER_MS)
		;
	answer(mb, delivery);
	_exit(0);
}

static pid_t hog(const int *over)
{
	pid_t pid = child_fork();

	if (pid)
		return pid;
	stand(40, 0);
	run_there();
	while (!stage_now(over))
		;
	_exit(0);
}

static pid_t call_there(int mb)
{
	pid_t pid = child_fork();

	if (pid)
		return pid;
	stand(60, 0);
	run_there();
	_exit(mb_ask(mb, in_ms(PATIENCE_MS)) ? 1 : 0);
}

TEST_F(inversion, what_runs_between_does_not_hold_up_the_caller)
{
	pid_t server = serve_with_work(self->mb), between;

	ASSERT_TRUE(wait_receivers(self->mb, 1));
	between = hog(self->over);
	EXPECT_EQ(0, child_wait(call_there(self->mb)));
	stage_next(self->over);
	EXPECT_EQ(0, child_wait(between));
	kill(server, SIGKILL);
	child_wait(server);
}

TEST_HARNESS_MAIN
