// SPDX-License-Identifier: GPL-2.0
/* One signal when a message arrives in the empty mailbox, as mq_notify(3) has it. */
#include "common.h"
#include "harness.h"

#include <sched.h>
#include <sys/syscall.h>

#define VALUE 0x1234567

FIXTURE(notify) {
	struct mb_ends box;
	struct mb_call call;
	sigset_t set;
};

typedef FIXTURE_DATA(notify) fixture;

/* The signal is blocked everywhere and asked for, so that it comes when the test looks. */
FIXTURE_SETUP(notify)
{
	sigemptyset(&self->set);
	sigaddset(&self->set, SIGUSR1);
	sigaddset(&self->set, SIGRTMAX);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &self->set, NULL));
	ASSERT_EQ(0, mb_ends_open(&self->box, 8, 0));
}

FIXTURE_TEARDOWN(notify)
{
	mb_ends_close(&self->box);
}

static int ask(int fd, __u32 signo, __u64 value)
{
	struct mbox_ioc_notify notify = { .signo = signo, .value = value };

	return ctl(fd, MBOX_IOC_NOTIFY, &notify);
}

/* The signal that is pending; it is sent before the send that causes it returns. */
static int pending(fixture *f, siginfo_t *info)
{
	static const struct timespec now = { 0 };
	int ret = sigtimedwait(&f->set, info, &now);

	return ret < 0 ? -errno : ret;
}

TEST_F(notify, comes_once_and_tells_who_sent)
{
	siginfo_t info;

	EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, VALUE));
	EXPECT_EQ(-EAGAIN, pending(self, &info));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	ASSERT_EQ(SIGUSR1, pending(self, &info));
	EXPECT_EQ(SI_MESGQ, info.si_code);
	EXPECT_EQ(VALUE, info.si_value.sival_int);
	EXPECT_EQ(getpid(), info.si_pid);
	EXPECT_EQ(getuid(), info.si_uid);
	/* The registration ended with it. */
	ASSERT_EQ(1, mb_take(self->box.rx, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	EXPECT_EQ(-EAGAIN, pending(self, &info));
	ASSERT_EQ(2, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, VALUE));
	ASSERT_EQ(0, mb_put(self->box.tx, 3, 0, 0));
	EXPECT_EQ(SIGUSR1, pending(self, &info));
}

TEST_F(notify, any_value_and_any_signal)
{
	siginfo_t info;
	void *value = (void *)(uintptr_t)0x89abcdef01234567ULL;

	EXPECT_EQ(0, ask(self->box.rx, SIGRTMAX, addr(value)));
	ASSERT_EQ(1, write(self->box.tx, "x", 1));
	ASSERT_EQ(SIGRTMAX, pending(self, &info));
	EXPECT_TRUE(info.si_value.sival_ptr == value);
}

/* Another process and user sends: in a user namespace of its own, on request. */
static void told_who_sent(struct __test_metadata *_metadata, fixture *f, bool namespace)
{
	siginfo_t info;
	pid_t pid = child_fork();

	if (!pid) {
		if (become(USER_A, USER_A) || (namespace && enter_user_namespace(0, 0)))
			_exit(1);
		_exit(mb_put(f->box.tx, 1, 0, 0) != 0);
	}
	EXPECT_EQ(0, child_wait(pid));
	ASSERT_EQ(SIGUSR1, pending(f, &info));
	EXPECT_EQ(pid, info.si_pid);
	EXPECT_EQ(USER_A, info.si_uid);
}

TEST_F(notify, tells_of_another_process_and_user)
{
	EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, 0));
	told_who_sent(_metadata, self, false);
}

TEST_F(notify, tells_pid_and_user_as_the_registered_process_sees_them)
{
	IN_CHILD {
		ASSERT_EQ(0, ask(self->box.rx, SIGUSR1, 0));
		ASSERT_EQ(0, unshare(CLONE_NEWPID));
		told_who_sent(_metadata, self, true);
	}
}

TEST_F(notify, not_for_a_mailbox_that_is_not_empty)
{
	siginfo_t info;

	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, 0));
	EXPECT_EQ(-EAGAIN, pending(self, &info));
	ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	EXPECT_EQ(-EAGAIN, pending(self, &info));
	ASSERT_EQ(1, mb_take(self->box.rx, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 3, 0, 0));
	EXPECT_EQ(-EAGAIN, pending(self, &info));
	ASSERT_EQ(2, mb_take(self->box.rx, 0));
	ASSERT_EQ(3, mb_take(self->box.rx, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 4, 0, 0));
	EXPECT_EQ(SIGUSR1, pending(self, &info));
}

TEST_F(notify, not_while_a_receiver_waits)
{
	siginfo_t info;

	EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, 0));
	call_take(&self->call, self->box.rx, 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(-EAGAIN, pending(self, &info));
	/* It still stands. */
	ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	EXPECT_EQ(SIGUSR1, pending(self, &info));
}

TEST_F(notify, not_for_a_send_that_failed)
{
	struct mbox_ioc_msg bad = { .buf = 1, .len = 4 };
	siginfo_t info;

	EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, 0));
	EXPECT_EQ(-EFAULT, ctl(self->box.tx, MBOX_IOC_SEND, &bad));
	EXPECT_EQ(-EAGAIN, mb_put(self->box.tx, 1, 0, MBOX_SYNC | MBOX_NONBLOCK));
	EXPECT_EQ(-EAGAIN, pending(self, &info));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(SIGUSR1, pending(self, &info));
}

TEST_F(notify, once_for_a_batch)
{
	struct mbox_ioc_msg msgs[3] = { 0 };
	struct mbox_ioc_batch batch = {
		.msgs = addr(msgs), .nr = 3, .msg_size = sizeof(msgs[0]) };
	siginfo_t info;

	EXPECT_EQ(0, ask(self->box.rx, SIGRTMAX, 0));
	EXPECT_EQ(3, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ(SIGRTMAX, pending(self, &info));
	EXPECT_EQ(-EAGAIN, pending(self, &info));
}

/* Runs ask() in a child, which is another process. */
#define ASK_IN_CHILD(expected, signo)					\
	IN_CHILD {							\
		EXPECT_EQ(expected, ask(self->box.rx, signo, 0));	\
	}

TEST_F(notify, one_process_at_a_time)
{
	siginfo_t info;

	EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, VALUE));
	ASK_IN_CHILD(-EBUSY, SIGUSR1);
	/* Nor twice by the same one; the first stands. */
	EXPECT_EQ(-EBUSY, ask(self->box.rx, SIGRTMAX, 1));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(SIGUSR1, pending(self, &info));
	EXPECT_EQ(VALUE, info.si_value.sival_int);
	/* Free again, and free after the child has gone. */
	ASK_IN_CHILD(0, SIGUSR1);
	EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, 0));
}

TEST_F(notify, removal_is_for_the_registered_process)
{
	siginfo_t info;

	EXPECT_EQ(0, ask(self->box.rx, 0, 0));
	EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, 0));
	ASK_IN_CHILD(0, 0);
	ASK_IN_CHILD(-EBUSY, SIGUSR1);
	EXPECT_EQ(0, ask(self->box.rx, 0, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(-EAGAIN, pending(self, &info));
	ASK_IN_CHILD(0, SIGUSR1);
}

TEST_F(notify, close_of_a_descriptor_removes_it)
{
	siginfo_t info;

	EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, 0));
	close(dup(self->box.both));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(-EAGAIN, pending(self, &info));
	ASSERT_EQ(1, mb_take(self->box.rx, 0));

	EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, 0));
	close(self->box.tx);
	self->box.tx = -1;
	ASSERT_EQ(0, mb_put(self->box.both, 2, 0, 0));
	EXPECT_EQ(-EAGAIN, pending(self, &info));
}

TEST_F(notify, close_by_another_process_does_not_remove_it)
{
	siginfo_t info;

	EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, 0));
	IN_CHILD {
		mb_ends_close(&self->box);
	}
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(SIGUSR1, pending(self, &info));
}

TEST_F(notify, exit_and_kill_remove_it)
{
	int ready[2];
	char ret;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = child_fork();
	if (!pid) {
		ret = ask(self->box.rx, SIGUSR1, 0);
		if (write(ready[1], &ret, 1) == 1)
			pause();
		_exit(1);
	}
	ASSERT_EQ(1, read(ready[0], &ret, 1));
	EXPECT_EQ(0, ret);
	EXPECT_EQ(-EBUSY, ask(self->box.rx, SIGUSR1, 0));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, 0));
}

static void keep_open(const struct mb_ends *box)
{
	fcntl(box->both, F_SETFD, 0);
	fcntl(box->rx, F_SETFD, 0);
	fcntl(box->tx, F_SETFD, 0);
}

/*
 * Runs a shell that ends with its stdin, and waits until it speaks: while the exec closes
 * descriptors the registration still stands. Those of the mailbox stay open when @keep says so.
 */
static pid_t registered_then_exec(const struct mb_ends *box, int *stdin_end, bool keep)
{
	int input[2], output[2];
	char byte;
	pid_t pid;

	if (pipe2(input, O_CLOEXEC) || pipe2(output, O_CLOEXEC))
		return -1;
	pid = child_fork();
	if (!pid) {
		dup2(input[0], STDIN_FILENO);
		dup2(output[1], STDOUT_FILENO);
		if (keep)
			keep_open(box);
		if (ask(box->rx, SIGUSR1, 0))
			_exit(1);
		execl("/bin/sh", "sh", "-c", "echo; read line", NULL);
		_exit(2);
	}
	close(input[0]);
	close(output[1]);
	*stdin_end = input[1];
	if (read(output[0], &byte, 1) != 1)
		return -1;
	close(output[0]);
	return pid;
}

TEST_F(notify, exec_removes_it)
{
	int keep, input;

	for (keep = 0; keep < 2; keep++) {
		pid_t pid = registered_then_exec(&self->box, &input, keep);

		ASSERT_LT(0, pid);
		EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, 0))
			TH_LOG("descriptor %s over exec", keep ? "open" : "closed");
		EXPECT_EQ(0, ask(self->box.rx, 0, 0));
		/* A program that did not ask must not be killed by a signal that it does not know. */
		ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
		ASSERT_EQ(1, mb_take(self->box.rx, 0));
		EXPECT_EQ(0, kill(pid, 0));
		close(input);
		EXPECT_EQ(1, child_wait(pid));
	}
}

TEST_F(notify, bad_arguments)
{
	siginfo_t info;

	EXPECT_EQ(-EINVAL, ask(self->box.rx, 65, 0));
	EXPECT_EQ(-EINVAL, ask(self->box.rx, ~0U, 0));
	EXPECT_EQ(-EINVAL, ask(self->box.rx, 0, 1));
	EXPECT_EQ(-EBADF, ask(self->box.tx, SIGUSR1, 0));
	EXPECT_EQ(-EBADF, ask(self->box.tx, 0, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(-EAGAIN, pending(self, &info));
	EXPECT_EQ(0, ask(self->box.rx, 64, 0));
}

/* Threads: the one that lets the signal in gets it; where none does, it waits for the main one. */
static volatile sig_atomic_t handler_tid;

static void on_signal(int signo)
{
	handler_tid = syscall(SYS_gettid);
}

static void *let_signal_in(void *arg)
{
	fixture *f = arg;
	sigset_t set = f->set;

	signal(SIGUSR1, on_signal);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	f->call.ret = syscall(SYS_gettid);
	__atomic_store_n(&f->call.done, true, __ATOMIC_RELEASE);
	while (!handler_tid)
		usleep(500);
	return NULL;
}

TEST_F(notify, goes_to_a_thread_that_does_not_block_it)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, let_signal_in, self));
	ASSERT_TRUE(wait_until(call_done(&self->call)));
	EXPECT_EQ(0, ask(self->box.rx, SIGUSR1, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_TRUE(wait_until(handler_tid != 0));
	EXPECT_EQ(self->call.ret, handler_tid);
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

static void *ask_and_put(void *arg)
{
	fixture *f = arg;

	f->call.ret = ask(f->box.rx, SIGUSR1, 0) ?: mb_put(f->box.tx, 1, 0, 0);
	return NULL;
}

TEST_F(notify, waits_for_the_main_thread_where_all_block_it)
{
	siginfo_t info;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, ask_and_put, self));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, self->call.ret);
	EXPECT_EQ(SIGUSR1, pending(self, &info));
}

/* Registrations and messages in a race: as many signals as registrations that stood. */
TEST_F(notify, race_of_registration_and_arrival)
{
	siginfo_t info;
	int i, signals = 0, stood = 0;
	pid_t pid;

	ASSERT_EQ(0, mb_set_capacity(self->box.both, 1));
	pid = child_fork();
	if (!pid) {
		for (i = 0; i < 1000; i++)
			if (mb_put(self->box.tx, i, 0, 0))
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < 1000; i++) {
		int ret = ask(self->box.rx, SIGRTMAX, 0);

		EXPECT_TRUE(ret == 0 || ret == -EBUSY);
		stood += !ret;
		ASSERT_EQ(i, mb_take(self->box.rx, 0));
		while (pending(self, &info) == SIGRTMAX)
			signals++;
	}
	EXPECT_EQ(0, child_wait(pid));
	/* The last one that stood may have found no further message. */
	EXPECT_TRUE(signals == stood || signals == stood - 1)
		TH_LOG("%d signals, %d registrations", signals, stood);
}

TEST_HARNESS_MAIN
