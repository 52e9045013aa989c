// SPDX-License-Identifier: GPL-2.0
/* Pipes and FIFOs, as libmbox gives them. */
#include "common.h"
#include "harness.h"

#include <poll.h>
#include <sys/resource.h>

#include <mbox/mbox.h>

#define STREAM	MBOX_PIPE_CAPACITY

/* read(2) and write(2) that return -errno. */
static ssize_t get(int fd, void *buf, size_t size)
{
	ssize_t ret = read(fd, buf, size);

	return ret < 0 ? -errno : ret;
}

static ssize_t put(int fd, const void *buf, size_t size)
{
	ssize_t ret = write(fd, buf, size);

	return ret < 0 ? -errno : ret;
}

/* All of it, however it comes; false at the end. */
static bool get_all(int fd, void *buf, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t part = get(fd, (char *)buf + done, size - done);

		if (part <= 0)
			return false;
		done += part;
	}
	return true;
}

/* A read or a write in a thread of its own. */
struct transfer {
	int fd;
	char *buf;
	size_t size;
	ssize_t ret;
	pthread_t thread;
};

static void *run_get(void *arg)
{
	struct transfer *t = arg;

	t->ret = get(t->fd, t->buf, t->size);
	return NULL;
}

static void *run_put(void *arg)
{
	struct transfer *t = arg;

	t->ret = put(t->fd, t->buf, t->size);
	return NULL;
}

/* Of a page each, until all is written. */
static void *run_put_parts(void *arg)
{
	struct transfer *t = arg;
	size_t done, part = 4096;

	for (done = 0; done < t->size && t->ret >= 0; done += part)
		t->ret = put(t->fd, t->buf + done, part);
	return NULL;
}

static bool is_close_on_exec(int fd)
{
	return fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

static bool is_nonblocking(int fd)
{
	return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

FIXTURE(pipe) {
	int fd[2];
	char *buf;
};

FIXTURE_SETUP(pipe)
{
	signal(SIGPIPE, SIG_IGN);
	self->buf = calloc(4, STREAM);
	ASSERT_EQ(0, mbox_pipe(self->fd, O_CLOEXEC));
}

FIXTURE_TEARDOWN(pipe)
{
	close(self->fd[0]);
	close(self->fd[1]);
	free(self->buf);
}

TEST_F(pipe, passes_bytes_and_no_boundaries)
{
	EXPECT_EQ(3, put(self->fd[1], "abc", 3));
	EXPECT_EQ(4, put(self->fd[1], "defg", 4));
	EXPECT_EQ(2, get(self->fd[0], self->buf, 2));
	EXPECT_EQ(5, get(self->fd[0], self->buf + 2, 100));
	EXPECT_STREQ("abcdefg", self->buf);
}

TEST_F(pipe, is_half_duplex)
{
	EXPECT_EQ(-EBADF, get(self->fd[1], self->buf, 1));
	EXPECT_EQ(-EBADF, put(self->fd[0], "x", 1));
	EXPECT_EQ(O_RDONLY, fcntl(self->fd[0], F_GETFL) & O_ACCMODE);
	EXPECT_EQ(O_WRONLY, fcntl(self->fd[1], F_GETFL) & O_ACCMODE);
}

TEST_F(pipe, holds_its_capacity)
{
	struct mbox_ioc_status status;
	size_t filled = 0;
	ssize_t part;
	int bytes;

	fcntl(self->fd[1], F_SETFL, O_NONBLOCK);
	while ((part = put(self->fd[1], self->buf, 1000)) > 0)
		filled += part;
	EXPECT_EQ(-EAGAIN, part);
	while ((part = put(self->fd[1], self->buf, 1)) > 0)
		filled += part;
	EXPECT_EQ(-EAGAIN, part);
	EXPECT_EQ(STREAM, filled);
	status = mb_status(self->fd[0]);
	EXPECT_EQ(STREAM, status.capacity);
	EXPECT_EQ(STREAM, status.queued);
	EXPECT_EQ(0, ioctl(self->fd[0], FIONREAD, &bytes));
	EXPECT_EQ(STREAM, bytes);
}

TEST_F(pipe, comes_to_its_end)
{
	EXPECT_EQ(3, put(self->fd[1], "abc", 3));
	close(self->fd[1]);
	self->fd[1] = -1;
	EXPECT_EQ(3, get(self->fd[0], self->buf, 100));
	EXPECT_EQ(0, get(self->fd[0], self->buf, 100));
	EXPECT_EQ(0, get(self->fd[0], self->buf, 100));
}

TEST_F(pipe, waiting_reader_comes_to_the_end)
{
	struct transfer t = { .fd = self->fd[0], .buf = self->buf, .size = 10, .ret = -1 };

	ASSERT_EQ(0, pthread_create(&t.thread, NULL, run_get, &t));
	EXPECT_TRUE(wait_receivers(self->fd[1], 1));
	close(self->fd[1]);
	self->fd[1] = -1;
	pthread_join(t.thread, NULL);
	EXPECT_EQ(0, t.ret);
}

TEST_F(pipe, waiting_writer_writes_all)
{
	struct transfer t = { .fd = self->fd[1], .size = 4 * STREAM, .ret = -1 };
	char *copy = malloc(t.size);

	t.buf = self->buf;
	pattern_fill(t.buf, t.size, 1);
	ASSERT_EQ(0, pthread_create(&t.thread, NULL, run_put, &t));
	EXPECT_TRUE(wait_senders(self->fd[0], 1));
	EXPECT_TRUE(get_all(self->fd[0], copy, t.size));
	pthread_join(t.thread, NULL);
	EXPECT_EQ(t.size, t.ret);
	EXPECT_TRUE(pattern_check(copy, t.size, 1));
	free(copy);
}

TEST_F(pipe, waiting_writer_is_told_that_nobody_reads)
{
	struct transfer t = { .fd = self->fd[1], .size = STREAM, .ret = -1 };

	t.buf = self->buf;
	EXPECT_EQ(STREAM, put(self->fd[1], self->buf, STREAM));
	ASSERT_EQ(0, pthread_create(&t.thread, NULL, run_put, &t));
	EXPECT_TRUE(wait_senders(self->fd[0], 1));
	close(self->fd[0]);
	self->fd[0] = -1;
	pthread_join(t.thread, NULL);
	EXPECT_EQ(-EPIPE, t.ret);
}

TEST_F(pipe, raises_a_signal_when_nobody_reads)
{
	pid_t pid;

	close(self->fd[0]);
	self->fd[0] = -1;
	EXPECT_EQ(-EPIPE, put(self->fd[1], "x", 1));
	pid = child_fork();
	if (!pid) {
		signal(SIGPIPE, SIG_DFL);
		put(self->fd[1], "x", 1);
		_exit(0);
	}
	EXPECT_EQ(1000 + SIGPIPE, child_wait(pid));
}

TEST_F(pipe, lives_beside_its_processes)
{
	pid_t pid = child_fork();

	if (!pid) {
		close(self->fd[0]);
		put(self->fd[1], "from the child", 14);
		for (;;)
			pause();
	}
	close(self->fd[1]);
	self->fd[1] = -1;
	EXPECT_EQ(14, get(self->fd[0], self->buf, 100));
	kill(pid, SIGKILL);
	EXPECT_EQ(0, get(self->fd[0], self->buf, 100));
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
}

TEST_F(pipe, is_out_of_reach_of_strangers)
{
	struct mbox_ioc_open again = { .oflag = O_WRONLY };
	static char table[1 << 16];
	char path[64], id[32];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), self->fd[0]);
	snprintf(id, sizeof(id), "stream %llu ", (unsigned long long)mb_status(self->fd[0]).id);
	ASSERT_LT(0, read_text("/proc/net/mbox", table, sizeof(table)));
	EXPECT_TRUE(strstr(table, id) != NULL);
	/* Not the other end either. */
	EXPECT_EQ(-EBADF, ctl(self->fd[0], MBOX_IOC_OPEN, &again));
	EXPECT_EQ(-1, open(path, O_WRONLY));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-1, open(path, O_RDONLY));
		ASSERT_LT(0, read_text("/proc/net/mbox", table, sizeof(table)));
		EXPECT_EQ(NULL, strstr(table, id));
	}
}

/* A pipe becomes larger while it is read: each is used as long as it does. */
TEST(bytes_are_right_while_the_pipe_grows)
{
	static char buf[STREAM], copy[STREAM];
	struct transfer t = { .buf = buf, .size = sizeof(buf) };
	int i, fd[2];
	char byte;

	pattern_fill(buf, sizeof(buf), 1);
	for (i = 0; i < 300; i++) {
		ASSERT_EQ(0, mbox_pipe(fd, O_CLOEXEC));
		t.fd = fd[1];
		ASSERT_EQ(0, pthread_create(&t.thread, NULL, run_put_parts, &t));
		EXPECT_TRUE(get_all(fd[0], copy, sizeof(copy)));
		pthread_join(t.thread, NULL);
		close(fd[1]);
		ASSERT_EQ(0, get(fd[0], &byte, 1));
		close(fd[0]);
		ASSERT_TRUE(pattern_check(copy, sizeof(copy), 1));
	}
}

TEST(flags_are_those_of_pipe2)
{
	int before = fds_open(), fd[2] = { -7, -7 };
	char byte;

	EXPECT_EQ(-EINVAL, mbox_pipe(fd, O_DIRECT));
	EXPECT_EQ(-EINVAL, mbox_pipe(fd, O_RDWR));
	EXPECT_EQ(-EINVAL, mbox_pipe(fd, -1));
	EXPECT_EQ(-7, fd[0]);
	EXPECT_EQ(-7, fd[1]);
	EXPECT_EQ(before, fds_open());

	ASSERT_EQ(0, mbox_pipe(fd, 0));
	EXPECT_FALSE(is_close_on_exec(fd[0]) || is_close_on_exec(fd[1]));
	EXPECT_FALSE(is_nonblocking(fd[0]) || is_nonblocking(fd[1]));
	close(fd[0]);
	close(fd[1]);
	ASSERT_EQ(0, mbox_pipe(fd, O_CLOEXEC | O_NONBLOCK));
	EXPECT_TRUE(is_close_on_exec(fd[0]) && is_close_on_exec(fd[1]));
	EXPECT_TRUE(is_nonblocking(fd[0]) && is_nonblocking(fd[1]));
	EXPECT_EQ(-EAGAIN, get(fd[0], &byte, 1));
	EXPECT_EQ(before + 2, fds_open());
	close(fd[0]);
	close(fd[1]);
}

/* What a program that execve(2) runs gets through to the pipe. */
static ssize_t exec_writes(int flags, char *buf, size_t size)
{
	char command[64];
	int fd[2];
	ssize_t ret;
	pid_t pid;

	if (mbox_pipe(fd, flags))
		return -1;
	snprintf(command, sizeof(command), "echo here 2>/dev/null >&%d", fd[1]);
	pid = child_fork();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(1);
	}
	close(fd[1]);
	ret = get(fd[0], buf, size);
	close(fd[0]);
	child_wait(pid);
	return ret;
}

TEST(inherited_unless_close_on_exec)
{
	char buf[16];

	EXPECT_EQ(5, exec_writes(0, buf, sizeof(buf)));
	EXPECT_EQ(0, exec_writes(O_CLOEXEC, buf, sizeof(buf)));
}

/* How many descriptors the process can still open. */
static int descriptors_free(void)
{
	int fds[16], nr = 0, i;

	while (nr < 16 && (fds[nr] = dup(STDERR_FILENO)) >= 0)
		nr++;
	for (i = 0; i < nr; i++)
		close(fds[i]);
	return nr;
}

TEST_F(pipe, without_descriptors_nothing_is_left)
{
	const struct rlimit limit = { 64, 64 };
	int fd[2] = { -7, -7 }, last = 0, next, left;

	IN_CHILD {
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
		while ((next = dup(STDERR_FILENO)) >= 0)
			last = next;
		for (left = 0; left < 3; left++) {
			EXPECT_EQ(-EMFILE, mbox_pipe(fd, 0));
			EXPECT_EQ(left, descriptors_free());
			close(last - left);
		}
		EXPECT_EQ(-7, fd[0]);
		EXPECT_EQ(0, mbox_pipe(fd, 0));
	}
}

TEST_F(pipe, counts_against_the_budget)
{
	long long limit = param_get("user_mailboxes");
	int fd[2];

	ASSERT_EQ(0, param_set("user_mailboxes", 0));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EDQUOT, mbox_pipe(fd, 0));
		EXPECT_EQ(-EDQUOT, mbox_mkfifo("/pipe.budget", 0600));
	}
	ASSERT_EQ(0, param_set("user_mailboxes", limit));
}

/* Records of many writers, each in one write. */

#define WRITERS	6
#define RECORDS	150

struct record {
	uint32_t length;		/* with this head */
	uint32_t writer;
	uint32_t number;
	char data[MBOX_PIPE_BUF - 12];
};

static void write_records(int fd, uint32_t writer)
{
	struct record record = { .writer = writer };
	uint32_t random = writer + 1;

	for (; record.number < RECORDS; record.number++) {
		uint32_t length = prng(&random) % (sizeof(record.data) + 1);

		record.length = offsetof(struct record, data) + length;
		pattern_fill(record.data, length, writer * RECORDS + record.number);
		if (put(fd, &record, record.length) != record.length)
			_exit(1);
	}
	_exit(0);
}

/* Reads one. Returns whether there is one, whole and the next of its writer. */
static bool read_record(int fd, uint32_t next[WRITERS])
{
	static struct record record;
	size_t head = offsetof(struct record, data);

	return get_all(fd, &record, head) && record.writer < WRITERS &&
	       record.length >= head && record.length <= sizeof(record) &&
	       record.number == next[record.writer]++ &&
	       get_all(fd, record.data, record.length - head) &&
	       pattern_check(record.data, record.length - head,
			     record.writer * RECORDS + record.number);
}

/* Returns how many records came whole, of all. */
static int pass_records(int reader, int writer)
{
	uint32_t next[WRITERS] = { 0 };
	int records = 0, i;
	pid_t pids[WRITERS];
	char more;

	for (i = 0; i < WRITERS; i++) {
		pids[i] = child_fork();
		if (!pids[i])
			write_records(writer, i);
	}
	close(writer);
	while (records < WRITERS * RECORDS && read_record(reader, next))
		records++;
	for (i = 0; i < WRITERS; i++) {
		if (records < WRITERS * RECORDS)
			kill(pids[i], SIGKILL);
		if (child_wait(pids[i]))
			records = -1;
	}
	return get(reader, &more, 1) ? -1 : records;
}

TEST_F(pipe, records_of_many_writers_come_whole)
{
	EXPECT_EQ(WRITERS * RECORDS, pass_records(self->fd[0], self->fd[1]));
	self->fd[1] = -1;
}

TEST_F(pipe, records_come_whole_through_the_least_capacity)
{
	struct mbox *mb;

	ASSERT_EQ(0, mbox_from_fd(&mb, dup(self->fd[0])));
	EXPECT_EQ(-EINVAL, mbox_resize(mb, MBOX_PIPE_BUF - 1));
	EXPECT_EQ(-EINVAL, mbox_resize(mb, MBOX_STREAM_MAX + 1));
	EXPECT_EQ(0, mbox_resize(mb, MBOX_PIPE_BUF));
	mbox_close(mb);
	EXPECT_EQ(WRITERS * RECORDS, pass_records(self->fd[0], self->fd[1]));
	self->fd[1] = -1;
}

/* FIFOs */

FIXTURE(fifo) {
	char name[64];
	char buf[100];
};

FIXTURE_SETUP(fifo)
{
	umask(0);
	signal(SIGPIPE, SIG_IGN);
	snprintf(self->name, sizeof(self->name), "/%s", unique_name("fifo"));
	ASSERT_EQ(0, mbox_mkfifo(self->name, 0600));
}

FIXTURE_TEARDOWN(fifo)
{
	mbox_unlink(self->name);
}

static struct mbox_status status_of(const char *name)
{
	struct mbox_status status;
	struct mbox *mb;

	if (mbox_from_fd(&mb, mbox_open_fifo(name, O_ACCMODE)) || mbox_status(mb, &status))
		abort();
	mbox_close(mb);
	return status;
}

/* A child that opens the FIFO, and exits with 0 or the errno. */
static pid_t opener(const char *name, int oflag)
{
	pid_t pid = child_fork();
	int fd;

	if (pid)
		return pid;
	fd = mbox_open_fifo(name, oflag);
	_exit(fd < 0 ? -fd : 0);
}

/* The child sleeps, and not because it has ended. */
static bool sleeps(pid_t pid)
{
	char path[32], text[256];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	return read_text(path, text, sizeof(text)) > 0 && strstr(text, ") S ");
}

TEST_F(fifo, reader_waits_for_a_writer)
{
	pid_t pid = opener(self->name, O_RDONLY);
	int fd;

	EXPECT_TRUE(wait_until(sleeps(pid)));
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	fd = mbox_open_fifo(self->name, O_WRONLY);
	EXPECT_LE(0, fd);
	EXPECT_EQ(0, child_wait(pid));
	close(fd);
}

TEST_F(fifo, writer_waits_for_a_reader)
{
	pid_t pid = opener(self->name, O_WRONLY);
	int fd;

	EXPECT_TRUE(wait_until(sleeps(pid)));
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	fd = mbox_open_fifo(self->name, O_RDONLY);
	EXPECT_LE(0, fd);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, get(fd, self->buf, 1));
	close(fd);
}

TEST_F(fifo, nonblocking_open)
{
	int reader, writer;

	EXPECT_EQ(-ENXIO, mbox_open_fifo(self->name, O_WRONLY | O_NONBLOCK));
	reader = mbox_open_fifo(self->name, O_RDONLY | O_NONBLOCK);
	ASSERT_LE(0, reader);
	EXPECT_TRUE(is_nonblocking(reader));
	EXPECT_EQ(0, get(reader, self->buf, 1));
	writer = mbox_open_fifo(self->name, O_WRONLY | O_NONBLOCK);
	ASSERT_LE(0, writer);
	EXPECT_EQ(-EAGAIN, get(reader, self->buf, 1));
	EXPECT_EQ(1, put(writer, "x", 1));
	close(writer);
	EXPECT_EQ(1, get(reader, self->buf, 10));
	EXPECT_EQ(0, get(reader, self->buf, 10));
	close(reader);
	EXPECT_EQ(-ENXIO, mbox_open_fifo(self->name, O_WRONLY | O_NONBLOCK));
}

TEST_F(fifo, for_both_and_for_neither_nobody_waits)
{
	int neither = mbox_open_fifo(self->name, O_WRONLY | O_RDWR), both;

	ASSERT_LE(0, neither);
	EXPECT_EQ(-EBADF, get(neither, self->buf, 1));
	EXPECT_EQ(-EBADF, put(neither, "x", 1));
	EXPECT_EQ(-ENXIO, mbox_open_fifo(self->name, O_WRONLY | O_NONBLOCK));
	both = mbox_open_fifo(self->name, O_RDWR);
	ASSERT_LE(0, both);
	EXPECT_EQ(1, put(both, "x", 1));
	EXPECT_EQ(1, get(both, self->buf, 10));
	close(both);
	close(neither);
}

static void on_signal(int signo)
{
	(void)signo;
}

TEST_F(fifo, signal_ends_the_wait)
{
	struct sigaction action = { .sa_handler = on_signal };
	pid_t pid;

	sigaction(SIGUSR1, &action, NULL);
	pid = opener(self->name, O_RDONLY);
	EXPECT_TRUE(wait_until(sleeps(pid)));
	kill(pid, SIGUSR1);
	EXPECT_EQ(EINTR, child_wait(pid));
	EXPECT_EQ(-ENXIO, mbox_open_fifo(self->name, O_WRONLY | O_NONBLOCK));
	EXPECT_EQ(0, status_of(self->name).receivers);
}

TEST_F(fifo, name_stays_and_content_goes)
{
	int fd = mbox_open_fifo(self->name, O_RDWR);
	pid_t pid = child_fork();

	if (!pid)
		for (;;)
			pause();
	EXPECT_EQ(5, put(fd, "hello", 5));
	close(fd);
	/* The child has it. */
	EXPECT_EQ(5, status_of(self->name).queued_bytes);
	fd = mbox_open_fifo(self->name, O_RDONLY | O_NONBLOCK);
	EXPECT_EQ(2, get(fd, self->buf, 2));
	close(fd);
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_TRUE(wait_until(status_of(self->name).receivers == 0));
	EXPECT_EQ(0, status_of(self->name).queued_bytes);
	fd = mbox_open_fifo(self->name, O_RDWR | O_NONBLOCK);
	EXPECT_EQ(-EAGAIN, get(fd, self->buf, 10));
	close(fd);
	EXPECT_EQ(0, mbox_unlink(self->name));
	EXPECT_EQ(-ENOENT, mbox_open_fifo(self->name, O_RDWR));
}

TEST_F(fifo, goes_on_without_its_name)
{
	int fd = mbox_open_fifo(self->name, O_RDWR);

	EXPECT_EQ(5, put(fd, "hello", 5));
	EXPECT_EQ(0, mbox_unlink(self->name));
	EXPECT_EQ(0, mbox_mkfifo(self->name, 0600));
	EXPECT_EQ(5, get(fd, self->buf, 10));
	EXPECT_EQ(0, status_of(self->name).receivers);
	close(fd);
}

TEST_F(fifo, owner_group_and_mode_are_asked)
{
	struct mbox *mb;

	ASSERT_EQ(0, mbox_from_fd(&mb, mbox_open_fifo(self->name, O_ACCMODE)));
	EXPECT_EQ(0600, status_of(self->name).mode);
	EXPECT_EQ(0, mbox_chmod(mb, 0602));
	mbox_close(mb);
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EACCES, mbox_open_fifo(self->name, O_RDONLY | O_NONBLOCK));
		EXPECT_EQ(-EACCES, mbox_open_fifo(self->name, O_RDWR));
		EXPECT_EQ(-ENXIO, mbox_open_fifo(self->name, O_WRONLY | O_NONBLOCK));
		EXPECT_EQ(-EPERM, mbox_unlink(self->name));
	}
	EXPECT_EQ(0, mbox_unlink(self->name));
	umask(027);
	EXPECT_EQ(0, mbox_mkfifo(self->name, 0666));
	EXPECT_EQ(0640, status_of(self->name).mode);
}

TEST_F(fifo, inherited_unless_close_on_exec)
{
	int fd = mbox_open_fifo(self->name, O_RDWR);
	int closing = mbox_open_fifo(self->name, O_RDWR | O_CLOEXEC);

	EXPECT_FALSE(is_close_on_exec(fd));
	EXPECT_TRUE(is_close_on_exec(closing));
	close(fd);
	close(closing);
}

TEST_F(fifo, polls_as_fifos_do)
{
	int reader = mbox_open_fifo(self->name, O_RDONLY | O_NONBLOCK);
	int writer = mbox_open_fifo(self->name, O_WRONLY);
	struct pollfd p[2] = { { reader, POLLIN, 0 }, { writer, POLLOUT, 0 } };

	EXPECT_EQ(1, poll(p, 2, 0));
	EXPECT_EQ(0, p[0].revents);
	EXPECT_EQ(POLLOUT, p[1].revents);
	EXPECT_EQ(1, put(writer, "x", 1));
	EXPECT_EQ(1, poll(p, 1, 0));
	EXPECT_EQ(POLLIN, p[0].revents);
	EXPECT_EQ(1, get(reader, self->buf, 1));
	close(writer);
	EXPECT_EQ(1, poll(p, 1, 0));
	EXPECT_EQ(POLLHUP, p[0].revents & POLLHUP);
	close(reader);
}

TEST_F(fifo, wrong_use_is_refused)
{
	struct mbox_attr attr = { .capacity = MBOX_PIPE_BUF - 1, .flags = MBOX_BYTE_STREAM };
	const char *other = unique_name("other");
	struct mbox_segment *seg;
	struct mbox *mb;

	EXPECT_EQ(-EEXIST, mbox_mkfifo(self->name, 0600));
	EXPECT_EQ(-EINVAL, mbox_mkfifo(NULL, 0600));
	EXPECT_EQ(-EINVAL, mbox_mkfifo("/a/b", 0600));
	EXPECT_EQ(-EINVAL, mbox_mkfifo(other, 01777));
	EXPECT_EQ(-EINVAL, mbox_open_fifo(self->name, O_RDWR | O_EXCL));
	EXPECT_EQ(-ENOENT, mbox_open_fifo(other, O_RDONLY));
	EXPECT_EQ(-EPROTOTYPE, mbox_open(&mb, self->name, O_RDONLY));
	EXPECT_EQ(-EPROTOTYPE, mbox_create(&mb, self->name, O_RDONLY, 0600, NULL));
	EXPECT_EQ(-EPROTOTYPE, mbox_segment_open(&seg, self->name, O_RDONLY));

	EXPECT_EQ(-EINVAL, mbox_create(&mb, other, O_RDWR, 0600, &attr));
	attr.capacity = MBOX_STREAM_MAX + 1;
	EXPECT_EQ(-EINVAL, mbox_create(&mb, other, O_RDWR, 0600, &attr));
	attr.capacity = MBOX_UNBOUNDED;
	EXPECT_EQ(-EINVAL, mbox_create(&mb, other, O_RDWR, 0600, &attr));
	attr.capacity = MBOX_STREAM_MAX;
	attr.msgsize = 1;
	EXPECT_EQ(-EINVAL, mbox_create(&mb, other, O_RDWR, 0600, &attr));
	ASSERT_EQ(0, mbox_create(&mb, other, O_RDWR, 0600, NULL));
	EXPECT_EQ(-EPROTOTYPE, mbox_open_fifo(other, O_RDONLY));
	EXPECT_EQ(-EEXIST, mbox_mkfifo(other, 0600));
	mbox_close(mb);
	EXPECT_EQ(0, mbox_unlink(other));
}

/* What is for messages has no meaning on bytes. */
TEST_F(fifo, messages_are_refused)
{
	struct mbox_message msg = { .data = self->buf, .size = 1 };
	struct mbox *mb, *copy;

	ASSERT_EQ(0, mbox_from_fd(&mb, mbox_open_fifo(self->name, O_RDWR)));
	EXPECT_EQ(-ENOTTY, mbox_send(mb, "x", 1, 0));
	EXPECT_EQ(-ENOTTY, mbox_recv(mb, &msg));
	EXPECT_EQ(-ENOTTY, mbox_peek(mb, 0, &msg));
	EXPECT_EQ(-ENOTTY, mbox_call(mb, &msg, &msg, 0, 0));
	EXPECT_EQ(-ENOTTY, mbox_ack(mb, 1));
	EXPECT_EQ(-ENOTTY, mbox_snapshot(&copy, mb, O_RDONLY));
	mbox_close(mb);
}

TEST_HARNESS_MAIN
