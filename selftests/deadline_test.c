// SPDX-License-Identifier: GPL-2.0
/* Semantics 4: deadlines on both clocks, and signals, at every point where a call can block. */
#include "common.h"
#include "harness.h"

#include <sys/syscall.h>

#define PAST 1

/* The points where a call blocks: what it does there, and the mailbox that makes it block. */
enum point { RECV, SEND_FULL, SEND_RENDEZVOUS, SEND_SYNC, RECV_BATCH, SEND_BATCH, READ, WRITE };

struct blocked {
	struct mb_ends box;
	struct mbox_ioc_status idle;
	pthread_t thread;
	__u64 deadline;
	__u32 flags;
	int ret;
	bool done;
};

static enum point point;
static pid_t caller_tid;
static volatile sig_atomic_t handled;

static void on_signal(int signo)
{
	handled++;
}

static void handle(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(SIGUSR1, &action, NULL);
}

static int set_up(struct blocked *f, enum point where)
{
	static const __u64 capacity[] = { 1, 1, 0, 2, 1, 1, 1, 1 };
	int ret;

	point = where;
	ret = mb_ends_open(&f->box, capacity[point], 0);
	if (!ret && (point == SEND_FULL || point == SEND_BATCH || point == WRITE))
		ret = mb_put(f->box.tx, 100, 0, 0);
	f->idle = mb_status(f->box.both);
	return ret;
}

static int batch_call(int fd, unsigned long cmd, struct mbox_ioc_msg *msg, __u64 deadline,
		      __u32 flags)
{
	struct mbox_ioc_batch batch = {
		.msgs = addr(msg), .nr = 1, .msg_size = sizeof(*msg),
		.deadline = deadline, .flags = flags };
	int ret = ctl(fd, cmd, &batch);

	return ret == 1 ? 0 : ret;
}

/* The call: 0 when the number 42 went or came. */
static int block(struct blocked *f)
{
	__u32 number = 42;
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), 0);
	ssize_t size;
	int ret;

	switch (point) {
	case READ:
		size = read(f->box.rx, &number, sizeof(number));
		ret = size == sizeof(number) ? 0 : -errno;
		break;
	case WRITE:
		size = write(f->box.tx, &number, sizeof(number));
		ret = size == sizeof(number) ? 0 : -errno;
		break;
	case RECV_BATCH:
		ret = batch_call(f->box.rx, MBOX_IOC_RECV_BATCH, &msg, f->deadline, f->flags);
		break;
	case SEND_BATCH:
		ret = batch_call(f->box.tx, MBOX_IOC_SEND_BATCH, &msg, f->deadline, f->flags);
		break;
	case RECV:
		msg.deadline = f->deadline;
		msg.flags = f->flags;
		ret = ctl(f->box.rx, MBOX_IOC_RECV, &msg);
		break;
	default:
		msg.deadline = f->deadline;
		msg.flags = f->flags | (point == SEND_SYNC ? MBOX_SYNC : 0);
		ret = ctl(f->box.tx, MBOX_IOC_SEND, &msg);
	}
	return !ret && number != 42 ? -EBADMSG : ret;
}

static void *block_thread(void *arg)
{
	struct blocked *f = arg;

	__atomic_store_n(&caller_tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	f->ret = block(f);
	__atomic_store_n(&f->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool is_done(struct blocked *f)
{
	return __atomic_load_n(&f->done, __ATOMIC_ACQUIRE);
}

static bool is_blocked(struct blocked *f)
{
	struct mbox_ioc_status status = mb_status(f->box.both);

	return status.waiting_senders + status.waiting_receivers == 1;
}

static int start(struct blocked *f, __u64 deadline, __u32 flags)
{
	f->deadline = deadline;
	f->flags = flags;
	f->done = false;
	return pthread_create(&f->thread, NULL, block_thread, f);
}

static int finish(struct blocked *f)
{
	if (!wait_until(is_done(f)))
		return -ETIME;
	pthread_join(f->thread, NULL);
	return f->ret;
}

/* The other side comes: what the call waited for is there. */
static void serve(struct __test_metadata *_metadata, struct blocked *f)
{
	if (point == RECV || point == RECV_BATCH || point == READ) {
		EXPECT_EQ(0, mb_put(f->box.tx, 42, 0, 0));
		return;
	}
	if (f->idle.queued) {
		EXPECT_EQ(100, mb_take(f->box.rx, 0));
	}
	EXPECT_EQ(42, mb_take(f->box.rx, 0));
}

/* Signals come at every point. */
FIXTURE(blocked) {
	struct blocked b;
};

FIXTURE_VARIANT(blocked) {
	enum point point;
};

FIXTURE_VARIANT_ADD(blocked, recv) { .point = RECV };
FIXTURE_VARIANT_ADD(blocked, send_full) { .point = SEND_FULL };
FIXTURE_VARIANT_ADD(blocked, send_rendezvous) { .point = SEND_RENDEZVOUS };
FIXTURE_VARIANT_ADD(blocked, send_sync) { .point = SEND_SYNC };
FIXTURE_VARIANT_ADD(blocked, recv_batch) { .point = RECV_BATCH };
FIXTURE_VARIANT_ADD(blocked, send_batch) { .point = SEND_BATCH };
FIXTURE_VARIANT_ADD(blocked, read) { .point = READ };
FIXTURE_VARIANT_ADD(blocked, write) { .point = WRITE };

FIXTURE_SETUP(blocked)
{
	ASSERT_EQ(0, set_up(&self->b, variant->point));
}

FIXTURE_TEARDOWN(blocked)
{
	mb_ends_close(&self->b.box);
}

/* Deadlines are for the ioctls. */
FIXTURE(timed) {
	struct blocked b;
};

FIXTURE_VARIANT(timed) {
	enum point point;
};

FIXTURE_VARIANT_ADD(timed, recv) { .point = RECV };
FIXTURE_VARIANT_ADD(timed, send_full) { .point = SEND_FULL };
FIXTURE_VARIANT_ADD(timed, send_rendezvous) { .point = SEND_RENDEZVOUS };
FIXTURE_VARIANT_ADD(timed, send_sync) { .point = SEND_SYNC };
FIXTURE_VARIANT_ADD(timed, recv_batch) { .point = RECV_BATCH };
FIXTURE_VARIANT_ADD(timed, send_batch) { .point = SEND_BATCH };

FIXTURE_SETUP(timed)
{
	ASSERT_EQ(0, set_up(&self->b, variant->point));
}

FIXTURE_TEARDOWN(timed)
{
	mb_ends_close(&self->b.box);
}

TEST_F(timed, deadline_ends_it_not_before_its_time)
{
	static const struct {
		clockid_t clock;
		__u32 flags;
	} clocks[] = { { CLOCK_MONOTONIC, 0 }, { CLOCK_REALTIME, MBOX_REALTIME } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		__u64 deadline = now_ns(clocks[i].clock) + 30 * NS_PER_MS;

		ASSERT_EQ(0, start(&self->b, deadline, clocks[i].flags));
		EXPECT_EQ(-ETIMEDOUT, finish(&self->b));
		EXPECT_LE(deadline, now_ns(clocks[i].clock));
		EXPECT_UNCHANGED(self->b.box.both, &self->b.idle);
	}
}

TEST_F(timed, past_deadline_ends_it_at_once)
{
	self->b.deadline = PAST;
	EXPECT_EQ(-ETIMEDOUT, block(&self->b));
	self->b.flags = MBOX_REALTIME;
	EXPECT_EQ(-ETIMEDOUT, block(&self->b));
	EXPECT_UNCHANGED(self->b.box.both, &self->b.idle);
}

TEST_F(timed, far_deadline_is_no_deadline)
{
	ASSERT_EQ(0, start(&self->b, ~0ULL >> 1, 0));
	ASSERT_TRUE(wait_until(is_blocked(&self->b)));
	serve(_metadata, &self->b);
	EXPECT_EQ(0, finish(&self->b));
}

TEST_F(timed, deadline_beyond_63_bits_is_einval)
{
	self->b.deadline = 1ULL << 63;
	EXPECT_EQ(-EINVAL, block(&self->b));
	self->b.deadline = ~0ULL;
	EXPECT_EQ(-EINVAL, block(&self->b));
	EXPECT_UNCHANGED(self->b.box.both, &self->b.idle);
}

TEST_F(timed, nonblock_comes_before_the_deadline)
{
	self->b.deadline = in_ms(3600 * 1000);
	self->b.flags = MBOX_NONBLOCK;
	EXPECT_EQ(-EAGAIN, block(&self->b));
	self->b.deadline = PAST;
	EXPECT_EQ(-EAGAIN, block(&self->b));
	EXPECT_UNCHANGED(self->b.box.both, &self->b.idle);
}

TEST_F(blocked, signal_interrupts_it)
{
	handle(0);
	ASSERT_EQ(0, start(&self->b, 0, 0));
	ASSERT_TRUE(wait_until(is_blocked(&self->b)));
	ASSERT_EQ(0, syscall(SYS_tgkill, getpid(), caller_tid, SIGUSR1));
	EXPECT_EQ(-EINTR, finish(&self->b));
	EXPECT_EQ(1, handled);
	EXPECT_UNCHANGED(self->b.box.both, &self->b.idle);
}

TEST_F(blocked, sa_restart_restarts_it)
{
	int i;

	handle(SA_RESTART);
	ASSERT_EQ(0, start(&self->b, 0, 0));
	for (i = 1; i <= 5; i++) {
		ASSERT_TRUE(wait_until(is_blocked(&self->b)));
		ASSERT_EQ(0, syscall(SYS_tgkill, getpid(), caller_tid, SIGUSR1));
		ASSERT_TRUE(wait_until(handled == i));
	}
	ASSERT_TRUE(wait_until(is_blocked(&self->b)));
	EXPECT_FALSE(is_done(&self->b));
	serve(_metadata, &self->b);
	EXPECT_EQ(0, finish(&self->b));
}

TEST_F(timed, norestart_interrupts_it_all_the_same)
{
	handle(SA_RESTART);
	ASSERT_EQ(0, start(&self->b, 0, MBOX_NORESTART));
	ASSERT_TRUE(wait_until(is_blocked(&self->b)));
	ASSERT_EQ(0, syscall(SYS_tgkill, getpid(), caller_tid, SIGUSR1));
	EXPECT_EQ(-EINTR, finish(&self->b));
	EXPECT_EQ(1, handled);
	EXPECT_UNCHANGED(self->b.box.both, &self->b.idle);
}

/* Signals come faster than a stretched deadline could ever pass. */
TEST_F(timed, sa_restart_does_not_stretch_the_deadline)
{
	int i;

	handle(SA_RESTART);
	ASSERT_EQ(0, start(&self->b, in_ms(1000), 0));
	ASSERT_TRUE(wait_until(is_blocked(&self->b)));
	for (i = 0; i < 1000 && !is_done(&self->b); i++) {
		syscall(SYS_tgkill, getpid(), caller_tid, SIGUSR1);
		usleep(20000);
	}
	EXPECT_LT(i, 1000);
	EXPECT_EQ(-ETIMEDOUT, finish(&self->b));
	EXPECT_LT(0, handled);
	EXPECT_UNCHANGED(self->b.box.both, &self->b.idle);
}

TEST_F(blocked, signal_that_is_ignored_does_not_end_it)
{
	signal(SIGUSR1, SIG_IGN);
	ASSERT_EQ(0, start(&self->b, 0, 0));
	ASSERT_TRUE(wait_until(is_blocked(&self->b)));
	ASSERT_EQ(0, syscall(SYS_tgkill, getpid(), caller_tid, SIGUSR1));
	serve(_metadata, &self->b);
	EXPECT_EQ(0, finish(&self->b));
}

TEST_F(blocked, stopped_and_continued_it_goes_on)
{
	siginfo_t info;
	pid_t pid;

	/* Its own process, as a stop is for a whole one. */
	pid = child_fork();
	if (!pid)
		_exit(block(&self->b) ? 1 : 0);
	ASSERT_TRUE(wait_until(is_blocked(&self->b)));
	kill(pid, SIGSTOP);
	ASSERT_EQ(0, waitid(P_PID, pid, &info, WSTOPPED));
	kill(pid, SIGCONT);
	ASSERT_EQ(0, waitid(P_PID, pid, &info, WCONTINUED));
	serve(_metadata, &self->b);
	EXPECT_EQ(0, child_wait(pid));
}

TEST_F(blocked, kill_ends_it_and_leaves_nothing)
{
	pid_t pid = child_fork();

	if (!pid)
		_exit(block(&self->b));
	ASSERT_TRUE(wait_until(is_blocked(&self->b)));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_UNCHANGED(self->b.box.both, &self->b.idle);
}

/* The clock of the machine is set forth and back; what it was is put back in the end. */
static int step_realtime(long seconds)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += seconds;
	return clock_settime(CLOCK_REALTIME, &ts) ? -errno : 0;
}

TEST_F(timed, clock_set_past_the_deadline_ends_it)
{
	ASSERT_EQ(0, start(&self->b, now_ns(CLOCK_REALTIME) + 3600 * NS_PER_S, MBOX_REALTIME));
	ASSERT_TRUE(wait_until(is_blocked(&self->b)));
	if (step_realtime(7200))
		SKIP(return, "the clock of this machine cannot be set");
	EXPECT_EQ(-ETIMEDOUT, finish(&self->b));
	EXPECT_EQ(0, step_realtime(-7200));
	EXPECT_UNCHANGED(self->b.box.both, &self->b.idle);
}

/* The monotonic deadline that passes meanwhile is the witness that the time had come. */
TEST_F(timed, clock_set_back_makes_it_wait_longer)
{
	__u64 deadline = now_ns(CLOCK_REALTIME) + NS_PER_S;
	struct mbox_ioc_msg msg = { .deadline = in_ms(1200) };
	int empty = mb_create(NULL, 1, O_RDWR);

	ASSERT_EQ(0, start(&self->b, deadline, MBOX_REALTIME));
	ASSERT_TRUE(wait_until(is_blocked(&self->b)));
	if (step_realtime(-3600))
		SKIP(return, "the clock of this machine cannot be set");
	EXPECT_EQ(-ETIMEDOUT, ctl(empty, MBOX_IOC_RECV, &msg));
	EXPECT_TRUE(is_blocked(&self->b));
	EXPECT_FALSE(is_done(&self->b));
	EXPECT_EQ(0, step_realtime(3600));
	EXPECT_EQ(-ETIMEDOUT, finish(&self->b));
}

/* Another caller's timeout by the step is the witness that the step has been acted on. */
TEST_F(timed, monotonic_deadline_does_not_follow_the_clock)
{
	int empty = mb_create(NULL, 1, O_RDWR);
	struct mb_call witness;

	ASSERT_EQ(0, start(&self->b, in_ms(3600 * 1000), 0));
	ASSERT_TRUE(wait_until(is_blocked(&self->b)));
	call_take(&witness, empty, MBOX_REALTIME);
	witness.msg.deadline = now_ns(CLOCK_REALTIME) + 3600 * NS_PER_S;
	ASSERT_EQ(0, call_start(&witness));
	ASSERT_TRUE(wait_receivers(empty, 1));
	if (step_realtime(7200))
		SKIP(return, "the clock of this machine cannot be set");
	EXPECT_EQ(-ETIMEDOUT, call_join(&witness));
	EXPECT_EQ(0, step_realtime(-7200));
	EXPECT_TRUE(is_blocked(&self->b));
	serve(_metadata, &self->b);
	EXPECT_EQ(0, finish(&self->b));
}

/* A call that need not wait succeeds, whatever the deadline is. */
FIXTURE(deadline) {
	int fd;
};

FIXTURE_SETUP(deadline)
{
	self->fd = mb_create(NULL, 2, O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(deadline)
{
	close(self->fd);
}

TEST_F(deadline, past_one_does_not_matter_where_nothing_waits)
{
	__u32 number = 6, flags;

	for (flags = 0; flags <= MBOX_REALTIME; flags += MBOX_REALTIME) {
		struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), flags);

		msg.deadline = PAST;
		EXPECT_EQ(0, ctl(self->fd, MBOX_IOC_SEND, &msg));
		EXPECT_EQ(0, ctl(self->fd, MBOX_IOC_RECV, &msg));
	}
}

TEST_F(deadline, past_one_does_not_matter_to_a_send_for_which_a_receiver_waits)
{
	__u32 number = 6;
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), MBOX_SYNC);
	struct mb_call call;

	call_take(&call, self->fd, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	msg.deadline = PAST;
	EXPECT_EQ(0, ctl(self->fd, MBOX_IOC_SEND, &msg));
	EXPECT_EQ(0, call_join(&call));
}

/* Deadlines that pass while the other side serves: each message is told to both, or to none. */
TEST_F(deadline, race_with_the_other_side)
{
	int i, sent = 0, seen = 0;
	pid_t pid;

	ASSERT_EQ(0, mb_set_capacity(self->fd, 0));
	pid = child_fork();
	if (!pid) {
		int taken = 0;

		while (mb_take(self->fd, 0) != 999999)
			taken++;
		/* By the mailbox's other message, as an exit status is too small. */
		_exit(mb_put(self->fd, taken, 0, 0) ? 1 : 0);
	}
	for (i = 0; i < 1000; i++) {
		__u32 number = i;
		struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), 0);
		int ret;

		msg.deadline = now_ns(CLOCK_MONOTONIC) + (i % 50) * 2000;
		ret = ctl(self->fd, MBOX_IOC_SEND, &msg);
		EXPECT_TRUE(ret == 0 || ret == -ETIMEDOUT);
		sent += !ret;
	}
	ASSERT_EQ(0, mb_put(self->fd, 999999, 0, 0));
	seen = mb_take(self->fd, 0);
	EXPECT_EQ(sent, seen);
	EXPECT_EQ(0, child_wait(pid));
}

TEST_HARNESS_MAIN
