// SPDX-License-Identifier: GPL-2.0
/*
 * A program that knows POSIX message queues and nothing of mbox: what mq_overview(7) and the pages
 * of each call promise. preload.sh runs it twice, on the kernel's own queues and on mailboxes.
 */
#include "harness.h"
#include "plain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAXMSG	4
#define SIZE	16

static const struct timespec long_ago = { 1, 0 }, no_time = { 1, 1000000000 };

static int make(const char *name, int oflag)
{
	struct mq_attr attr = { .mq_maxmsg = MAXMSG, .mq_msgsize = SIZE };

	return error_of(mq_open(name, oflag | O_CREAT, 0600, &attr));
}

FIXTURE(mqueue) {
	char name[64];
	mqd_t q;
	char buf[SIZE];
	unsigned int prio;
};

FIXTURE_SETUP(mqueue)
{
	snprintf(self->name, sizeof(self->name), "/mqueue.%d", getpid());
	umask(0);
	self->q = make(self->name, O_RDWR | O_EXCL);
	ASSERT_LE(0, self->q);
}

FIXTURE_TEARDOWN(mqueue)
{
	mq_close(self->q);
	mq_unlink(self->name);
}

static int put(mqd_t q, const char *text, unsigned int prio)
{
	return error_of(mq_send(q, text, strlen(text), prio));
}

/* The first byte of a message, or the error. */
static int take(mqd_t q)
{
	char buf[SIZE];
	int ret = error_of(mq_receive(q, buf, SIZE, NULL));

	return ret > 0 ? buf[0] : ret;
}

static int nonblocking(mqd_t q)
{
	struct mq_attr attr = { .mq_flags = O_NONBLOCK };

	return error_of(mq_setattr(q, &attr, NULL));
}

/* The program is what it is run as. */
TEST_F(mqueue, is_what_is_expected)
{
	const char *expected = getenv("MQUEUE_LINK");
	char path[64], link[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->q);
	ASSERT_LT(0, readlink(path, link, sizeof(link) - 1));
	ASSERT_NE(NULL, expected);
	EXPECT_EQ(0, strncmp(link, expected, strlen(expected)))
		TH_LOG("%s", link);
}

TEST_F(mqueue, names)
{
	char longest[NAME_MAX + 3] = "/";

	memset(longest + 1, 'n', NAME_MAX + 1);
	EXPECT_EQ(-EINVAL, make("none", O_RDWR));
	EXPECT_EQ(-EINVAL, make("", O_RDWR));
	EXPECT_EQ(-ENOENT, make("/", O_RDWR));
	EXPECT_EQ(-EACCES, make("/a/b", O_RDWR));
	EXPECT_EQ(-EACCES, make("/..", O_RDWR));
	EXPECT_EQ(-ENAMETOOLONG, make(longest, O_RDWR));
	EXPECT_EQ(-EINVAL, error_of(mq_unlink("none")));
	EXPECT_EQ(-ENOENT, error_of(mq_unlink("/mqueue.none")));
	EXPECT_EQ(-ENAMETOOLONG, error_of(mq_unlink(longest)));
}

TEST_F(mqueue, open)
{
	struct mq_attr none = { .mq_maxmsg = 0, .mq_msgsize = 1 };
	struct mq_attr empty = { .mq_maxmsg = 1, .mq_msgsize = 0 };
	mqd_t q;

	EXPECT_EQ(-ENOENT, error_of(mq_open("/mqueue.none", O_RDWR)));
	EXPECT_EQ(-EEXIST, make(self->name, O_RDWR | O_EXCL));
	EXPECT_EQ(-EINVAL, error_of(mq_open("/mqueue.none", O_RDWR | O_CREAT, 0600, &none)));
	EXPECT_EQ(-EINVAL, error_of(mq_open("/mqueue.none", O_RDWR | O_CREAT, 0600, &empty)));
	q = make(self->name, O_RDONLY);
	ASSERT_LE(0, q);
	EXPECT_EQ(FD_CLOEXEC, fcntl(q, F_GETFD));
	EXPECT_EQ(-EBADF, put(q, "x", 0));
	EXPECT_EQ(0, put(self->q, "x", 0));
	EXPECT_EQ('x', take(q));
	EXPECT_EQ(0, mq_close(q));
	EXPECT_EQ(-EBADF, error_of(mq_close(q)));
	q = mq_open(self->name, O_WRONLY);
	EXPECT_EQ(-EBADF, take(q));
	EXPECT_EQ(0, mq_close(q));
}

TEST_F(mqueue, defaults)
{
	mqd_t q = mq_open("/mqueue.default", O_RDWR | O_CREAT, 0640, NULL);
	struct mq_attr attr;

	ASSERT_LE(0, q);
	EXPECT_EQ(0, mq_unlink("/mqueue.default"));
	ASSERT_EQ(0, mq_getattr(q, &attr));
	EXPECT_EQ(10, attr.mq_maxmsg);
	EXPECT_EQ(8192, attr.mq_msgsize);
	EXPECT_EQ(0, attr.mq_curmsgs);
	EXPECT_EQ(0, attr.mq_flags);
	mq_close(q);
}

TEST_F(mqueue, what_is_none)
{
	int fd = open("/dev/null", O_RDWR);
	struct mq_attr attr;

	EXPECT_EQ(-EBADF, put(fd, "x", 0));
	EXPECT_EQ(-EBADF, take(fd));
	EXPECT_EQ(-EBADF, take(-1));
	EXPECT_EQ(-EBADF, error_of(mq_getattr(fd, &attr)));
	EXPECT_EQ(-EBADF, error_of(mq_close(-1)));
	EXPECT_EQ(-EBADF, error_of(mq_notify(fd, NULL)));
	close(fd);
}

TEST_F(mqueue, highest_priority_first_and_then_first_come)
{
	static const struct {
		const char *text;
		unsigned int prio;
	} sent[] = { { "c", 1 }, { "a", 9 }, { "d", 1 }, { "b", 8 } };
	size_t i;

	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, put(self->q, sent[i].text, sent[i].prio));
	}
	EXPECT_EQ(1, mq_receive(self->q, self->buf, SIZE, &self->prio));
	EXPECT_EQ('a', self->buf[0]);
	EXPECT_EQ(9, self->prio);
	EXPECT_EQ('b', take(self->q));
	EXPECT_EQ('c', take(self->q));
	EXPECT_EQ('d', take(self->q));
	EXPECT_EQ(-EINVAL, put(self->q, "x", MQ_PRIO_MAX));
	EXPECT_EQ(0, put(self->q, "x", MQ_PRIO_MAX - 1));
}

TEST_F(mqueue, sizes)
{
	char large[SIZE + 1] = "0123456789abcdef";

	EXPECT_EQ(-EMSGSIZE, error_of(mq_send(self->q, large, SIZE + 1, 0)));
	EXPECT_EQ(0, mq_send(self->q, large, SIZE, 0));
	EXPECT_EQ(0, mq_send(self->q, large, 0, 0));
	EXPECT_EQ(-EMSGSIZE, error_of(mq_receive(self->q, self->buf, SIZE - 1, NULL)));
	EXPECT_EQ(SIZE, mq_receive(self->q, self->buf, SIZE, NULL));
	EXPECT_EQ(0, memcmp(self->buf, large, SIZE));
	EXPECT_EQ(0, mq_receive(self->q, self->buf, SIZE, NULL));
}

/* Another queue under the number of one before is asked for its own size. */
TEST_F(mqueue, size_is_that_of_the_queue)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 2 * SIZE };
	mqd_t first = make("/mqueue.first", O_RDWR), second;
	char buf[2 * SIZE];

	EXPECT_EQ(0, put(first, "x", 0));
	EXPECT_EQ('x', take(first));
	EXPECT_EQ(0, mq_close(first));
	EXPECT_EQ(0, mq_unlink("/mqueue.first"));
	second = mq_open("/mqueue.second", O_RDWR | O_CREAT, 0600, &attr);
	ASSERT_EQ(first, second);
	EXPECT_EQ(0, mq_unlink("/mqueue.second"));
	EXPECT_EQ(0, put(second, "y", 0));
	EXPECT_EQ(-EMSGSIZE, error_of(mq_receive(second, buf, SIZE, NULL)));
	EXPECT_EQ(1, mq_receive(second, buf, 2 * SIZE, NULL));
	mq_close(second);
}

TEST_F(mqueue, attributes)
{
	struct mq_attr attr = { .mq_flags = O_NONBLOCK, .mq_maxmsg = 77 }, old;

	EXPECT_EQ(0, put(self->q, "x", 0));
	EXPECT_EQ(0, mq_setattr(self->q, &attr, &old));
	EXPECT_EQ(0, old.mq_flags);
	EXPECT_EQ(1, old.mq_curmsgs);
	EXPECT_EQ(0, mq_getattr(self->q, &attr));
	EXPECT_EQ(O_NONBLOCK, attr.mq_flags);
	EXPECT_EQ(MAXMSG, attr.mq_maxmsg);
	EXPECT_EQ(SIZE, attr.mq_msgsize);
	attr.mq_flags = O_APPEND;
	EXPECT_EQ(-EINVAL, error_of(mq_setattr(self->q, &attr, NULL)));
}

TEST_F(mqueue, nonblocking)
{
	mqd_t blocking = mq_open(self->name, O_RDWR);
	int i;

	EXPECT_EQ(0, nonblocking(self->q));
	EXPECT_EQ(-EAGAIN, take(self->q));
	for (i = 0; i < MAXMSG; i++) {
		EXPECT_EQ(0, put(self->q, "x", 0));
	}
	EXPECT_EQ(-EAGAIN, put(self->q, "x", 0));
	EXPECT_EQ(0, fcntl(blocking, F_GETFL) & O_NONBLOCK);
	mq_close(blocking);
}

TEST_F(mqueue, timeouts)
{
	struct timespec soon;
	int i;

	EXPECT_EQ(-EINVAL, error_of(mq_timedreceive(self->q, self->buf, SIZE, NULL, &no_time)));
	EXPECT_EQ(-ETIMEDOUT, error_of(mq_timedreceive(self->q, self->buf, SIZE, NULL, &long_ago)));
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_sec++;
	EXPECT_EQ(-ETIMEDOUT, error_of(mq_timedreceive(self->q, self->buf, SIZE, NULL, &soon)));
	for (i = 0; i < MAXMSG; i++) {
		EXPECT_EQ(0, mq_timedsend(self->q, "x", 1, 0, &long_ago));
	}
	EXPECT_EQ(-ETIMEDOUT, error_of(mq_timedsend(self->q, "x", 1, 0, &long_ago)));
	EXPECT_EQ(-EINVAL, error_of(mq_timedsend(self->q, "x", 1, 0, &no_time)));
	EXPECT_EQ(1, mq_timedreceive(self->q, self->buf, SIZE, NULL, &long_ago));
}

TEST_F(mqueue, poll)
{
	struct pollfd pfd = { .fd = self->q, .events = POLLIN | POLLOUT };
	int i;

	EXPECT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLOUT, pfd.revents);
	for (i = 0; i < MAXMSG; i++) {
		EXPECT_EQ(0, put(self->q, "x", 0));
	}
	EXPECT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLIN, pfd.revents);
}

/* Across fork() and dup() it is the same open queue. */
TEST_F(mqueue, descriptor_is_one)
{
	mqd_t copy = dup(self->q);
	int status;
	pid_t pid;

	EXPECT_EQ(0, mq_unlink(self->name));
	EXPECT_EQ(-ENOENT, error_of(mq_open(self->name, O_RDWR)));
	pid = fork();
	if (!pid)
		_exit(nonblocking(self->q) || put(copy, "x", 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ('x', take(copy));
	EXPECT_EQ(-EAGAIN, take(copy));
	EXPECT_EQ(0, mq_close(copy));
}

TEST_F(mqueue, permissions)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (setgid(OTHER) || setuid(OTHER))
			_exit(1);
		if (error_of(mq_open(self->name, O_RDONLY)) != -EACCES)
			_exit(2);
		_exit(error_of(mq_unlink(self->name)) == -ENOENT ? 3 : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_LE(0, mq_open(self->name, O_RDONLY));
}

static volatile sig_atomic_t signals, signal_code;
static volatile int signal_value;

static void count_signal(int signo, siginfo_t *info, void *context)
{
	signals++;
	signal_code = info->si_code;
	signal_value = info->si_value.sival_int;
}

static void handle(int signo, int flags)
{
	struct sigaction action = { .sa_sigaction = count_signal, .sa_flags = SA_SIGINFO | flags };

	signals = 0;
	sigaction(signo, &action, NULL);
}

/* A child that signals this process once it sleeps, and then sends. */
static pid_t signal_me(mqd_t q, int signo)
{
	pid_t me = getpid(), pid = fork();
	char path[64], state[4096];
	FILE *f;

	if (pid)
		return pid;
	snprintf(path, sizeof(path), "/proc/%d/stat", me);
	do {
		f = fopen(path, "r");
		if (!f || !fgets(state, sizeof(state), f))
			_exit(1);
		fclose(f);
	} while (!strstr(state, ") S "));
	kill(me, signo);
	usleep(50000);
	_exit(put(q, "s", 0));
}

TEST_F(mqueue, signal_interrupts)
{
	int status;

	handle(SIGUSR1, 0);
	signal_me(self->q, SIGUSR1);
	EXPECT_EQ(-EINTR, take(self->q));
	EXPECT_EQ(1, signals);
	wait(&status);
	EXPECT_EQ(0, status);
	EXPECT_EQ('s', take(self->q));
}

TEST_F(mqueue, signal_restarts)
{
	int status;

	handle(SIGUSR1, SA_RESTART);
	signal_me(self->q, SIGUSR1);
	EXPECT_EQ('s', take(self->q));
	EXPECT_EQ(1, signals);
	wait(&status);
	EXPECT_EQ(0, status);
}

TEST_F(mqueue, notice_by_signal)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGUSR2,
		.sigev_value.sival_int = 4711,
	};
	int status;
	pid_t pid;

	handle(SIGUSR2, SA_RESTART);
	ASSERT_EQ(0, mq_notify(self->q, &event));
	EXPECT_EQ(-EBUSY, error_of(mq_notify(self->q, &event)));
	pid = fork();
	if (!pid)
		_exit(error_of(mq_notify(self->q, &event)) != -EBUSY || put(self->q, "x", 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, signals);
	EXPECT_EQ(SI_MESGQ, signal_code);
	EXPECT_EQ(4711, signal_value);
	EXPECT_EQ('x', take(self->q));
	EXPECT_EQ(0, put(self->q, "y", 0));
	EXPECT_EQ(1, signals);
	/* Not while there is one already, and not once it is taken back. */
	ASSERT_EQ(0, mq_notify(self->q, &event));
	EXPECT_EQ(0, put(self->q, "z", 0));
	EXPECT_EQ(1, signals);
	EXPECT_EQ('y', take(self->q));
	EXPECT_EQ('z', take(self->q));
	EXPECT_EQ(0, mq_notify(self->q, NULL));
	EXPECT_EQ(0, put(self->q, "x", 0));
	EXPECT_EQ(1, signals);
	event.sigev_signo = SIGRTMAX + 1;
	EXPECT_EQ(-EINVAL, error_of(mq_notify(self->q, &event)));
	event.sigev_notify = 77;
	EXPECT_EQ(-EINVAL, error_of(mq_notify(self->q, &event)));
}

TEST_F(mqueue, notice_that_nobody_gets)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };

	ASSERT_EQ(0, mq_notify(self->q, &event));
	EXPECT_EQ(-EBUSY, error_of(mq_notify(self->q, &event)));
	EXPECT_EQ(0, put(self->q, "x", 0));
	EXPECT_EQ('x', take(self->q));
	EXPECT_EQ(0, mq_notify(self->q, &event));
}

static sem_t noticed;
static int notices;
static pthread_t notice_thread;

static void notice(union sigval value)
{
	notices += value.sival_int;
	notice_thread = pthread_self();
	sem_post(&noticed);
}

TEST_F(mqueue, notice_by_thread)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD,
		.sigev_notify_function = notice,
		.sigev_value.sival_int = 5,
	};
	int i;

	sem_init(&noticed, 0, 0);
	for (i = 1; i <= 3; i++) {
		ASSERT_EQ(0, mq_notify(self->q, &event));
		EXPECT_EQ(-EBUSY, error_of(mq_notify(self->q, &event)));
		EXPECT_EQ(0, put(self->q, "x", 0));
		ASSERT_EQ(0, sem_wait(&noticed));
		EXPECT_EQ(5 * i, notices);
		EXPECT_FALSE(pthread_equal(pthread_self(), notice_thread));
		EXPECT_EQ('x', take(self->q));
	}
	ASSERT_EQ(0, mq_notify(self->q, &event));
	EXPECT_EQ(0, mq_notify(self->q, NULL));
	EXPECT_EQ(0, put(self->q, "x", 0));
	EXPECT_EQ('x', take(self->q));
	ASSERT_EQ(0, mq_notify(self->q, &event));
	EXPECT_EQ(0, put(self->q, "x", 0));
	ASSERT_EQ(0, sem_wait(&noticed));
	EXPECT_EQ(20, notices);
}

static void *take_for_ever(void *arg)
{
	take(*(mqd_t *)arg);
	return NULL;
}

TEST_F(mqueue, cancellation)
{
	pthread_t thread;
	void *result;

	ASSERT_EQ(0, pthread_create(&thread, NULL, take_for_ever, &self->q));
	EXPECT_EQ(0, pthread_cancel(thread));
	EXPECT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(PTHREAD_CANCELED, result);
	EXPECT_EQ(0, put(self->q, "x", 0));
	EXPECT_EQ('x', take(self->q));
}

TEST_F(mqueue, system_calls_by_number)
{
	mqd_t q = syscall(SYS_mq_open, self->name + 1, O_RDWR, 0, NULL);
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	struct mq_attr attr;

	ASSERT_LE(0, q);
	handle(SIGUSR2, 0);
	EXPECT_EQ(0, syscall(SYS_mq_notify, q, &event));
	EXPECT_EQ(0, syscall(SYS_mq_timedsend, q, "raw", 3, 2, NULL));
	EXPECT_EQ(1, signals);
	EXPECT_EQ(0, syscall(SYS_mq_getsetattr, q, NULL, &attr));
	EXPECT_EQ(1, attr.mq_curmsgs);
	EXPECT_EQ(3, syscall(SYS_mq_timedreceive, q, self->buf, SIZE, &self->prio, NULL));
	EXPECT_EQ(2, self->prio);
	EXPECT_EQ(-ETIMEDOUT, error_of(syscall(SYS_mq_timedreceive, q, self->buf, SIZE, NULL,
					       &long_ago)));
	EXPECT_EQ(0, syscall(SYS_mq_unlink, self->name + 1));
	EXPECT_EQ(-ENOENT, error_of(syscall(SYS_mq_unlink, self->name + 1)));
	EXPECT_EQ(getpid(), syscall(SYS_getpid));
	close(q);
}

/* For who looks at the queue afterwards. */
TEST(is_left_behind)
{
	const char *name = getenv("MQUEUE_LEAVE");
	mqd_t q;
	int i;

	if (!name)
		SKIP(return, "MQUEUE_LEAVE is not given");
	q = make(name, O_RDWR | O_EXCL);
	ASSERT_LE(0, q);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, put(q, "x", 0));
	}
}

/* Puts a file under the number of a queue that was in use. */
static void close_and_open(mqd_t q, int file)
{
	close(q);
	dup(file);
}

static void replace(mqd_t q, int file)
{
	dup2(file, q);
}

static void replace3(mqd_t q, int file)
{
	dup3(file, q, O_CLOEXEC);
}

static void close_all_and_open(mqd_t q, int file)
{
	close_range(q, q, 0);
	dup(file);
}

TEST_F(mqueue, a_number_that_is_a_file_now_is_no_queue)
{
	static void (*const ways[])(mqd_t, int) = {
		close_and_open, replace, replace3, close_all_and_open
	};
	int file = memfd_create("file", 0);
	size_t i;

	for (i = 0; i < 4; i++) {
		mqd_t q = make(self->name, O_RDWR);

		ASSERT_LE(0, q);
		ASSERT_EQ(0, put(q, "a", 0));
		ASSERT_EQ('a', take(q));
		ways[i](q, file);
		EXPECT_EQ(-EBADF, put(q, "b", 0));
		EXPECT_EQ(-EBADF, take(q));
		close(q);
	}
	EXPECT_EQ(0, lseek(file, 0, SEEK_END));
	close(file);
}

TEST_HARNESS_MAIN
