// SPDX-License-Identifier: GPL-2.0
/*
 * A program that knows System V message queues and nothing of mbox: what the pages of each call
 * promise. preload.sh runs it twice, on the kernel's own queues and on mailboxes.
 */
#include "harness.h"
#include "plain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE	64

struct message {
	long type;
	char text[SIZE];
};

static int put_flags(int q, long type, const char *text, int flags)
{
	struct message message = { .type = type };

	strcpy(message.text, text);
	return error_of(msgsnd(q, &message, strlen(text) + 1, flags));
}

static int put(int q, long type, const char *text)
{
	return put_flags(q, type, text, IPC_NOWAIT);
}

/* The first byte of a message, or the error. */
static int take_flags(int q, long type, int flags)
{
	struct message message;
	int ret = error_of(msgrcv(q, &message, SIZE, type, flags));

	return ret > 0 ? message.text[0] : ret;
}

static int take(int q, long type)
{
	return take_flags(q, type, IPC_NOWAIT);
}

static struct msqid_ds stat_of(int q)
{
	struct msqid_ds ds = { .msg_qnum = -1 };

	msgctl(q, IPC_STAT, &ds);
	return ds;
}

static void noted(int signo)
{
	(void)signo;
}

static void handle(int signo, int flags)
{
	struct sigaction action = { .sa_handler = noted, .sa_flags = flags };

	sigaction(signo, &action, NULL);
}

/* Polls a condition that another process makes true. */
#define becomes(cond) ({						\
	int tries_ = 0;							\
	bool true_;							\
									\
	while (!(true_ = (cond)) && tries_++ < 20000)			\
		usleep(1000);						\
	true_;								\
})

/* Is the process asleep in the kernel? */
static bool sleeps(pid_t pid)
{
	char path[64], line[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		fclose(file);
	return strstr(line, ") S ");
}

FIXTURE(msg) {
	key_t key;
	int q;
};

FIXTURE_SETUP(msg)
{
	self->key = 0x4d000000 | (getpid() & 0xffffff);
	self->q = msgget(self->key, IPC_CREAT | IPC_EXCL | 0600);
	ASSERT_LE(0, self->q);
}

FIXTURE_TEARDOWN(msg)
{
	msgctl(self->q, IPC_RMID, NULL);
}

TEST_F(msg, is_found_by_its_key)
{
	EXPECT_EQ(self->q, msgget(self->key, 0));
	EXPECT_EQ(self->q, msgget(self->key, IPC_CREAT | 0600));
	EXPECT_EQ(-EEXIST, error_of(msgget(self->key, IPC_CREAT | IPC_EXCL | 0600)));
	EXPECT_EQ(-ENOENT, error_of(msgget(self->key ^ 0x10000000, 0600)));
}

TEST_F(msg, a_private_one_is_another_each_time)
{
	int one = msgget(IPC_PRIVATE, 0600), two = msgget(IPC_PRIVATE, 0600);

	EXPECT_LE(0, one);
	EXPECT_LE(0, two);
	EXPECT_NE(one, two);
	EXPECT_EQ(0, put(one, 1, "a"));
	EXPECT_EQ(-ENOMSG, take(two, 0));
	EXPECT_EQ('a', take(one, 0));
	EXPECT_EQ(0, msgctl(one, IPC_RMID, NULL));
	EXPECT_EQ(0, msgctl(two, IPC_RMID, NULL));
}

TEST_F(msg, comes_in_the_order_of_sending)
{
	EXPECT_EQ(0, put(self->q, 3, "a"));
	EXPECT_EQ(0, put(self->q, 1, "b"));
	EXPECT_EQ(0, put(self->q, 2, "c"));
	EXPECT_EQ('a', take(self->q, 0));
	EXPECT_EQ('b', take(self->q, 0));
	EXPECT_EQ('c', take(self->q, 0));
	EXPECT_EQ(-ENOMSG, take(self->q, 0));
}

TEST_F(msg, carries_its_type_and_length)
{
	struct message message = { .type = LONG_MAX, .text = "hello" }, got;

	EXPECT_EQ(0, msgsnd(self->q, &message, 5, 0));
	EXPECT_EQ(5, msgrcv(self->q, &got, SIZE, 0, 0));
	EXPECT_EQ(LONG_MAX, got.type);
	EXPECT_EQ(0, memcmp(got.text, "hello", 5));
	EXPECT_EQ(0, msgsnd(self->q, &message, 0, 0));
	EXPECT_EQ(0, msgrcv(self->q, &got, SIZE, 0, 0));
}

TEST_F(msg, is_chosen_by_type)
{
	EXPECT_EQ(0, put(self->q, 5, "a"));
	EXPECT_EQ(0, put(self->q, 3, "b"));
	EXPECT_EQ(0, put(self->q, 4, "c"));
	EXPECT_EQ(0, put(self->q, 3, "d"));
	EXPECT_EQ('b', take(self->q, 3));
	EXPECT_EQ('d', take(self->q, -4));
	EXPECT_EQ('c', take(self->q, -4));
	EXPECT_EQ(-ENOMSG, take(self->q, -4));
	EXPECT_EQ(-ENOMSG, take(self->q, 4));
	EXPECT_EQ(0, put(self->q, 6, "e"));
	EXPECT_EQ('e', take_flags(self->q, 5, IPC_NOWAIT | MSG_EXCEPT));
	EXPECT_EQ('a', take(self->q, LONG_MIN));
}

TEST_F(msg, too_large_for_the_room_is_e2big_or_cut)
{
	struct message got = { 0 };

	EXPECT_EQ(0, put(self->q, 2, "hello"));
	EXPECT_EQ(-E2BIG, error_of(msgrcv(self->q, &got, 3, 0, IPC_NOWAIT)));
	EXPECT_EQ(1, (int)stat_of(self->q).msg_qnum);
	EXPECT_EQ(3, msgrcv(self->q, &got, 3, 0, IPC_NOWAIT | MSG_NOERROR));
	EXPECT_EQ(2, got.type);
	EXPECT_EQ(0, memcmp(got.text, "hel", 4));
	EXPECT_EQ(0, (int)stat_of(self->q).msg_qnum);
}

TEST_F(msg, is_copied_by_its_place)
{
	struct message got;

	EXPECT_EQ(0, put(self->q, 1, "a"));
	EXPECT_EQ(0, put(self->q, 2, "b"));
	if (msgrcv(self->q, &got, SIZE, 0, MSG_COPY | IPC_NOWAIT) < 0 && errno == ENOSYS)
		SKIP(return, "this kernel has no MSG_COPY");
	EXPECT_EQ('a', take_flags(self->q, 0, MSG_COPY | IPC_NOWAIT));
	EXPECT_EQ('b', take_flags(self->q, 1, MSG_COPY | IPC_NOWAIT));
	EXPECT_EQ(-ENOMSG, take_flags(self->q, 2, MSG_COPY | IPC_NOWAIT));
	EXPECT_EQ(-EINVAL, take_flags(self->q, 0, MSG_COPY));
	EXPECT_EQ(-EINVAL, take_flags(self->q, 0, MSG_COPY | IPC_NOWAIT | MSG_EXCEPT));
	EXPECT_EQ(2, (int)stat_of(self->q).msg_qnum);
}

TEST_F(msg, refuses_what_is_no_message)
{
	struct message message = { .type = 0 };
	size_t more = 8193;
	char *large = calloc(1, sizeof(long) + more);

	EXPECT_EQ(-EINVAL, error_of(msgsnd(self->q, &message, 1, 0)));
	message.type = -1;
	EXPECT_EQ(-EINVAL, error_of(msgsnd(self->q, &message, 1, 0)));
	*(long *)large = 1;
	EXPECT_EQ(-EINVAL, error_of(msgsnd(self->q, large, more, 0)));
	EXPECT_EQ(0, error_of(msgsnd(self->q, large, more - 1, 0)));
	EXPECT_EQ(8192, error_of(msgrcv(self->q, large, more, 0, 0)));
	EXPECT_EQ(-EINVAL, error_of(msgrcv(self->q, large, -1, 0, IPC_NOWAIT)));
	free(large);
}

TEST_F(msg, refuses_what_is_no_queue)
{
	struct msqid_ds ds;

	EXPECT_EQ(-EINVAL, put(-1, 1, "a"));
	EXPECT_EQ(-EINVAL, take(INT_MAX, 0));
	EXPECT_EQ(-EINVAL, error_of(msgctl(INT_MAX, IPC_STAT, &ds)));
	EXPECT_EQ(-EINVAL, error_of(msgctl(self->q, 999, &ds)));
}

TEST_F(msg, full_is_eagain_or_a_wait)
{
	char large[sizeof(long) + 8192] = { 1 };
	pid_t pid;

	EXPECT_EQ(0, msgsnd(self->q, large, 8192, IPC_NOWAIT));
	EXPECT_EQ(0, msgsnd(self->q, large, 8192, IPC_NOWAIT));
	EXPECT_EQ(-EAGAIN, put(self->q, 1, "a"));
	pid = fork();
	if (!pid)
		_exit(put_flags(self->q, 2, "b", 0) != 0);
	EXPECT_TRUE(becomes(sleeps(pid)));
	EXPECT_EQ(8192, msgrcv(self->q, large, 8192, 0, 0));
	EXPECT_EQ(0, exit_of(pid));
	EXPECT_EQ('b', take(self->q, 2));
}

TEST_F(msg, a_receiver_waits_for_its_type)
{
	pid_t pid = fork();

	if (!pid)
		_exit(take_flags(self->q, 2, 0) != 'b');
	EXPECT_TRUE(becomes(sleeps(pid)));
	EXPECT_EQ(0, put(self->q, 1, "a"));
	EXPECT_EQ(1, (int)stat_of(self->q).msg_qnum);
	EXPECT_EQ(0, put(self->q, 2, "b"));
	EXPECT_EQ(0, exit_of(pid));
	EXPECT_EQ('a', take(self->q, 0));
}

TEST_F(msg, a_signal_ends_the_wait_whatever_the_handler)
{
	int flags;

	for (flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
		pid_t pid = fork();

		if (!pid) {
			handle(SIGUSR1, flags);
			_exit(take_flags(self->q, 0, 0) != -EINTR);
		}
		EXPECT_TRUE(becomes(sleeps(pid)));
		EXPECT_EQ(0, kill(pid, SIGUSR1));
		EXPECT_EQ(0, exit_of(pid));
	}
}

TEST_F(msg, a_signal_ends_a_sender_too)
{
	char large[sizeof(long) + 8192] = { 1 };
	pid_t pid;

	while (!msgsnd(self->q, large, 8192, IPC_NOWAIT))
		;
	pid = fork();
	if (!pid) {
		handle(SIGUSR1, SA_RESTART);
		_exit(put_flags(self->q, 1, "a", 0) != -EINTR);
	}
	EXPECT_TRUE(becomes(sleeps(pid)));
	EXPECT_EQ(0, kill(pid, SIGUSR1));
	EXPECT_EQ(0, exit_of(pid));
}

TEST_F(msg, removal_wakes_who_waits)
{
	pid_t pid = fork();

	if (!pid)
		_exit(take_flags(self->q, 0, 0) != -EIDRM);
	EXPECT_TRUE(becomes(sleeps(pid)));
	EXPECT_EQ(0, msgctl(self->q, IPC_RMID, NULL));
	EXPECT_EQ(0, exit_of(pid));
}

TEST_F(msg, after_removal_the_id_is_invalid)
{
	int pipes[2];
	char byte;
	pid_t pid;

	EXPECT_EQ(0, put(self->q, 1, "a"));
	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	if (!pid)
		_exit(take(self->q, 0) != 'a' || read(pipes[0], &byte, 1) != 1 ||
		      take_flags(self->q, 0, 0) != -EINVAL || put(self->q, 1, "a") != -EINVAL);
	EXPECT_TRUE(becomes(stat_of(self->q).msg_qnum == 0));
	EXPECT_EQ(0, msgctl(self->q, IPC_RMID, NULL));
	EXPECT_EQ(1, write(pipes[1], "", 1));
	EXPECT_EQ(0, exit_of(pid));
	EXPECT_EQ(-EINVAL, error_of(msgctl(self->q, IPC_RMID, NULL)));
	EXPECT_EQ(-ENOENT, error_of(msgget(self->key, 0600)));
	self->q = msgget(self->key, IPC_CREAT | IPC_EXCL | 0600);
	EXPECT_LE(0, self->q);
	EXPECT_EQ(-ENOMSG, take(self->q, 0));
}

TEST_F(msg, tells_of_itself)
{
	struct msqid_ds ds;

	EXPECT_EQ(0, put(self->q, 1, "abc"));
	EXPECT_EQ(0, msgctl(self->q, IPC_STAT, &ds));
	EXPECT_EQ(1, (int)ds.msg_qnum);
	EXPECT_EQ(16384, (int)ds.msg_qbytes);
	EXPECT_EQ(self->key, ds.msg_perm.__key);
	EXPECT_EQ(0600, ds.msg_perm.mode & 0777);
	EXPECT_EQ(geteuid(), ds.msg_perm.uid);
	EXPECT_EQ(getegid(), ds.msg_perm.gid);
	EXPECT_EQ(getpid(), ds.msg_lspid);
	EXPECT_EQ(0, ds.msg_lrpid);
	EXPECT_GE(1, time(NULL) - ds.msg_stime);
	EXPECT_EQ(0, ds.msg_rtime);
	EXPECT_GE(10, time(NULL) - ds.msg_ctime);
	EXPECT_EQ('a', take(self->q, 0));
	ds = stat_of(self->q);
	EXPECT_EQ(getpid(), ds.msg_lrpid);
	EXPECT_GE(1, time(NULL) - ds.msg_rtime);
}

TEST_F(msg, bad_addresses_are_efault)
{
	EXPECT_EQ(-EFAULT, error_of(msgctl(self->q, IPC_STAT, NULL)));
	EXPECT_EQ(-EFAULT, error_of(msgctl(self->q, IPC_SET, NULL)));
	EXPECT_EQ(-EFAULT, error_of(msgctl(self->q, IPC_INFO, NULL)));
	EXPECT_EQ(-EFAULT, error_of(msgctl(self->q, IPC_STAT, (void *)-4096L)));
}

TEST_F(msg, all_can_be_listed)
{
	struct msginfo info;
	struct msqid_ds ds;
	int last, i, found = 0;

	EXPECT_LE(0, msgctl(0, IPC_INFO, (struct msqid_ds *)&info));
	EXPECT_EQ(8192, info.msgmax);
	EXPECT_EQ(0, put(self->q, 1, "abc"));
	last = msgctl(0, MSG_INFO, (struct msqid_ds *)&info);
	ASSERT_LE(0, last);
	EXPECT_LE(1, info.msgpool);
	EXPECT_LE(1, info.msgmap);
	EXPECT_LE(4, info.msgtql);
	for (i = 0; i <= last; i++)
		found += msgctl(i, MSG_STAT, &ds) == self->q && ds.msg_qnum == 1;
	EXPECT_EQ(1, found);
	EXPECT_EQ(-EINVAL, error_of(msgctl(last + 1, MSG_STAT, &ds)));
}

TEST_F(msg, holds_as_many_bytes_as_set)
{
	char large[sizeof(long) + 8192] = { 1 };
	struct msqid_ds ds = stat_of(self->q);

	ds.msg_qbytes = 8192;
	EXPECT_EQ(0, msgctl(self->q, IPC_SET, &ds));
	EXPECT_EQ(8192, (int)stat_of(self->q).msg_qbytes);
	EXPECT_EQ(0, msgsnd(self->q, large, 8192, IPC_NOWAIT));
	EXPECT_EQ(-EAGAIN, put(self->q, 1, "a"));
	ds.msg_qbytes = 16384;
	EXPECT_EQ(0, msgctl(self->q, IPC_SET, &ds));
	EXPECT_EQ(0, put(self->q, 1, "a"));
}

/* By mbox run, that is as much as the largest message. */
TEST_F(msg, may_hold_less_than_the_largest_message)
{
	struct msqid_ds ds = stat_of(self->q);

	ds.msg_qbytes = 64;
	EXPECT_EQ(0, msgctl(self->q, IPC_SET, &ds));
	EXPECT_EQ(0, put(self->q, 1, "a"));
	EXPECT_EQ(1, (int)stat_of(self->q).msg_qnum);
}

TEST_F(msg, the_mode_is_as_asked_for)
{
	int q;

	umask(077);
	q = msgget(IPC_PRIVATE, 0666);
	EXPECT_EQ(0666, stat_of(q).msg_perm.mode & 0777);
	EXPECT_EQ(0, msgctl(q, IPC_RMID, NULL));
}

static pid_t other_user(void)
{
	pid_t pid = fork();

	if (!pid && (setgid(OTHER) || setuid(OTHER)))
		_exit(99);
	return pid;
}

TEST_F(msg, is_for_who_its_mode_says)
{
	struct msqid_ds ds = stat_of(self->q);
	pid_t pid;

	if (geteuid())
		SKIP(return, "takes root");
	pid = other_user();
	if (!pid)
		_exit(put(self->q, 1, "a") != -EACCES && put(self->q, 1, "a") != -EINVAL);
	EXPECT_EQ(0, exit_of(pid));
	pid = other_user();
	if (!pid)
		_exit(error_of(msgget(self->key, 0600)) != -EACCES);
	EXPECT_EQ(0, exit_of(pid));
	ds.msg_perm.mode = 0622;
	EXPECT_EQ(0, msgctl(self->q, IPC_SET, &ds));
	pid = other_user();
	if (!pid)
		_exit(put(msgget(self->key, 0200), 1, "a") ||
		      take(msgget(self->key, 0200), 0) != -EACCES ||
		      error_of(msgctl(msgget(self->key, 0200), IPC_RMID, NULL)) != -EPERM);
	EXPECT_EQ(0, exit_of(pid));
	EXPECT_EQ('a', take(self->q, 0));
}

TEST_F(msg, goes_to_another_owner)
{
	struct msqid_ds ds = stat_of(self->q);
	pid_t pid;

	if (geteuid())
		SKIP(return, "takes root");
	ds.msg_perm.uid = OTHER;
	EXPECT_EQ(0, msgctl(self->q, IPC_SET, &ds));
	EXPECT_EQ(OTHER, stat_of(self->q).msg_perm.uid);
	pid = other_user();
	if (!pid)
		_exit(msgctl(msgget(self->key, 0600), IPC_RMID, NULL) != 0);
	EXPECT_EQ(0, exit_of(pid));
	EXPECT_EQ(-EINVAL, take(self->q, 0));
}

TEST_F(msg, works_by_the_number_of_the_call)
{
	struct message message = { .type = 7, .text = "x" };

	EXPECT_EQ(self->q, syscall(SYS_msgget, self->key, 0));
	EXPECT_EQ(0, syscall(SYS_msgsnd, self->q, &message, 1L, 0));
	message = (struct message) { 0 };
	EXPECT_EQ(1, syscall(SYS_msgrcv, self->q, &message, (long)SIZE, 7L, 0));
	EXPECT_EQ('x', message.text[0]);
	EXPECT_EQ(0, syscall(SYS_msgctl, self->q, IPC_RMID, NULL));
}

TEST_F(msg, the_id_holds_in_a_program_that_is_run_later)
{
	char id[16], self_path[4096];
	ssize_t length = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);
	pid_t pid;

	ASSERT_LT(0, length);
	self_path[length] = '\0';
	snprintf(id, sizeof(id), "%d", self->q);
	EXPECT_EQ(0, put(self->q, 1, "a"));
	pid = fork();
	if (!pid) {
		setenv("SYSV_MSG_TAKE", id, 1);
		execl(self_path, self_path, NULL);
		_exit(98);
	}
	EXPECT_EQ('a', exit_of(pid));
}

static void *wait_to_receive(void *q)
{
	take_flags(*(int *)q, 0, 0);
	return NULL;
}

TEST_F(msg, is_a_cancellation_point)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_to_receive, &self->q));
	usleep(10000);
	EXPECT_EQ(0, pthread_cancel(thread));
	EXPECT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(PTHREAD_CANCELED, ret);
}

#define SENDERS	4
#define EACH	1000

static int send_all(int q, int sender)
{
	char text[16];
	int i;

	for (i = 0; i < EACH; i++) {
		snprintf(text, sizeof(text), "%d", i);
		if (put_flags(q, sender + 1, text, 0))
			return 1;
	}
	return 0;
}

TEST_F(msg, of_many_senders_none_is_lost)
{
	int next[SENDERS] = { 0 }, i;
	struct message message;
	pid_t pids[SENDERS];

	for (i = 0; i < SENDERS; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(send_all(self->q, i));
	}
	for (i = 0; i < SENDERS * EACH; i++) {
		ASSERT_LT(0, msgrcv(self->q, &message, SIZE, i % 2 ? 0 : -SENDERS, 0));
		EXPECT_EQ(next[message.type - 1]++, atoi(message.text));
	}
	for (i = 0; i < SENDERS; i++)
		EXPECT_EQ(0, exit_of(pids[i]));
	EXPECT_EQ(-ENOMSG, take(self->q, 0));
}

/* What it is that is run later, by a test or by preload.sh. */
__attribute__((constructor)) static void take_and_exit(void)
{
	const char *id = getenv("SYSV_MSG_TAKE"), *key = getenv("SYSV_MSG_KEY");

	if (id)
		_exit(take(atoi(id), 0));
	if (key)
		_exit(take(msgget(strtol(key, NULL, 0), 0), 0));
}

TEST_HARNESS_MAIN
