// SPDX-License-Identifier: GPL-2.0
/*
 * Streams: what pipe(7), fifo(7), read(2), write(2) and poll(2) promise of a pipe, on a mailbox
 * for bytes.
 */
#include "common.h"
#include "harness.h"

#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/uio.h>

static char large[4 * STREAM_SIZE];

static int set_nonblock(int fd, bool on)
{
	return fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0) ? -errno : 0;
}

static ssize_t open_fifo(struct st_call *call)
{
	return st_open(call->name, call->oflag);
}

FIXTURE(stream) {
	int rx;
	int tx;
	char buf[2 * STREAM_SIZE];
};

FIXTURE_SETUP(stream)
{
	int both = st_create(NULL, O_RDWR);

	ASSERT_LE(0, both);
	self->rx = mb_reopen(both, O_RDONLY);
	self->tx = mb_reopen(both, O_WRONLY);
	ASSERT_LE(0, self->rx);
	ASSERT_LE(0, self->tx);
	ASSERT_EQ(0, close(both));
	signal(SIGPIPE, SIG_IGN);
	pattern_fill(large, sizeof(large), 1);
}

FIXTURE_TEARDOWN(stream)
{
	close(self->rx);
	close(self->tx);
}

TEST(creation_takes_what_the_header_says_and_nothing_else)
{
	static const __u64 capacities[] = { 0, MBOX_PIPE_BUF - 1, MBOX_STREAM_MAX + 1,
					    MBOX_UNBOUNDED };
	struct mbox_ioc_create create = st_template(NULL, O_RDWR);
	__u32 flag;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		create.capacity = capacities[i];
		EXPECT_EQ(-EINVAL, ctl(device(), MBOX_IOC_CREATE, &create));
	}
	create.capacity = STREAM_SIZE;
	for (flag = 1; flag; flag <<= 1) {
		create.flags = MBOX_BYTE_STREAM | flag;
		if (flag != MBOX_BYTE_STREAM)
			EXPECT_EQ(-EINVAL, ctl(device(), MBOX_IOC_CREATE, &create));
	}
	create.flags = MBOX_BYTE_STREAM;
	create.msgsize = 1;
	EXPECT_EQ(-EINVAL, ctl(device(), MBOX_IOC_CREATE, &create));
	create.msgsize = 0;
	create.bytes = STREAM_SIZE;
	EXPECT_EQ(-EINVAL, ctl(device(), MBOX_IOC_CREATE, &create));
	create.bytes = 0;
	create.capacity = MBOX_STREAM_MAX;
	fd = ctl(device(), MBOX_IOC_CREATE, &create);
	EXPECT_LE(0, fd);
	EXPECT_EQ(MBOX_STREAM_MAX, mb_status(fd).capacity);
	EXPECT_EQ(MBOX_BYTE_STREAM | MBOX_HANGUP, mb_status(fd).flags);
	close(fd);
}

TEST(a_name_of_another_kind_is_refused)
{
	const char *stream = unique_name("stream"), *box = unique_name("box");
	int a = st_create(stream, O_RDWR), b = mb_create(box, 1, O_RDWR);

	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	EXPECT_EQ(-EPROTOTYPE, mb_open(stream, O_RDWR));
	EXPECT_EQ(-EPROTOTYPE, seg_open(stream, O_RDWR));
	EXPECT_EQ(-EPROTOTYPE, st_open(box, O_RDWR));
	EXPECT_EQ(-EPROTOTYPE, mb_create(stream, 1, O_RDWR));
	EXPECT_EQ(-EPROTOTYPE, st_create(box, O_RDWR));
	EXPECT_EQ(-EEXIST, st_create(stream, O_RDWR | O_EXCL));
	EXPECT_EQ(-EINVAL, mb_open_kind(stream, O_RDWR, MBOX_STREAM + 1));
	EXPECT_EQ(0, mb_unlink(stream));
	EXPECT_EQ(0, mb_unlink(box));
	close(a);
	close(b);
}

TEST_F(stream, half_duplex)
{
	EXPECT_EQ(-EBADF, st_get(self->tx, self->buf, 1));
	EXPECT_EQ(-EBADF, st_put(self->rx, self->buf, 1));
	EXPECT_EQ(-1, lseek(self->rx, 0, SEEK_CUR));
	EXPECT_EQ(ESPIPE, errno);
}

TEST_F(stream, the_ioctls_of_messages_are_not_its)
{
	static const unsigned long cmds[] = {
		MBOX_IOC_SEND, MBOX_IOC_RECV, MBOX_IOC_SEND_BATCH, MBOX_IOC_RECV_BATCH,
		MBOX_IOC_NOTIFY, MBOX_IOC_CALL, MBOX_IOC_REPLY, MBOX_IOC_ACK, MBOX_IOC_SNAPSHOT,
		MBOX_IOC_SEGMENT_STATUS, MBOX_IOC_CREATE, FIONBIO + 0x1000,
	};
	size_t i;

	memset(self->buf, 0, sizeof(self->buf));
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		EXPECT_EQ(-ENOTTY, ctl(self->rx, cmds[i], self->buf));
	EXPECT_EQ(1, ioctl(self->rx, FIONREAD, unmapped_page()) == -1 && errno == EFAULT);
}

TEST_F(stream, bytes_have_no_boundaries)
{
	struct iovec out[2] = { { "abc", 3 }, { "defg", 4 } };
	struct iovec in[2] = { { self->buf, 2 }, { self->buf + 2, 8 } };

	EXPECT_EQ(0, st_unread(self->rx));
	EXPECT_EQ(7, writev(self->tx, out, 2));
	EXPECT_EQ(2, st_put(self->tx, "hi", 2));
	EXPECT_EQ(9, st_unread(self->rx));
	EXPECT_EQ(9, st_unread(self->tx));
	EXPECT_EQ(1, st_get(self->rx, self->buf, 1));
	EXPECT_EQ('a', self->buf[0]);
	EXPECT_EQ(8, readv(self->rx, in, 2));
	EXPECT_EQ(0, memcmp(self->buf, "bcdefghi", 8));
	EXPECT_EQ(0, st_unread(self->rx));
}

TEST_F(stream, nothing_is_nothing)
{
	EXPECT_EQ(0, st_put(self->tx, self->buf, 0));
	EXPECT_EQ(0, st_get(self->rx, self->buf, 0));
	EXPECT_EQ(0, st_unread(self->rx));
	ASSERT_EQ(0, set_nonblock(self->rx, true));
	EXPECT_EQ(-EAGAIN, st_get(self->rx, self->buf, 1));
}

TEST_F(stream, status_counts_bytes)
{
	struct mbox_ioc_status status;

	ASSERT_EQ(100, st_put(self->tx, large, 100));
	ASSERT_EQ(40, st_get(self->rx, self->buf, 40));
	status = mb_status(self->rx);
	EXPECT_EQ(STREAM_SIZE, status.capacity);
	EXPECT_EQ(0, status.msgsize);
	EXPECT_EQ(60, status.queued);
	EXPECT_EQ(60, status.queued_bytes);
	EXPECT_EQ(100, status.sent);
	EXPECT_EQ(100, status.sent_bytes);
	EXPECT_EQ(40, status.received);
	EXPECT_EQ(40, status.received_bytes);
	EXPECT_EQ(1, status.senders);
	EXPECT_EQ(1, status.receivers);
	EXPECT_EQ(0, status.dropped);
}

TEST_F(stream, is_full_at_its_capacity_to_the_byte)
{
	struct mbox_ioc_status full;

	ASSERT_EQ(0, set_nonblock(self->tx, true));
	EXPECT_EQ(STREAM_SIZE, st_put(self->tx, large, sizeof(large)));
	full = mb_status(self->rx);
	EXPECT_EQ(-EAGAIN, st_put(self->tx, large, 1));
	EXPECT_UNCHANGED(self->rx, &full);
	ASSERT_EQ(10, st_get(self->rx, self->buf, 10));
	EXPECT_EQ(-EAGAIN, st_put(self->tx, large, 11));
	EXPECT_EQ(10, st_put(self->tx, large + STREAM_SIZE, 10));
	EXPECT_EQ(STREAM_SIZE, st_get(self->rx, self->buf, sizeof(self->buf)));
	EXPECT_EQ(0, memcmp(self->buf, large + 10, STREAM_SIZE - 10));
	EXPECT_EQ(0, memcmp(self->buf + STREAM_SIZE - 10, large + STREAM_SIZE, 10));
}

/* Whatever has room for a part: up to PIPE_BUF bytes go together. */
TEST_F(stream, atomic_up_to_pipe_buf)
{
	ASSERT_EQ(MBOX_PIPE_BUF, PIPE_BUF);
	ASSERT_EQ(0, set_nonblock(self->tx, true));
	ASSERT_EQ(STREAM_SIZE - 100, st_put(self->tx, large, STREAM_SIZE - 100));
	EXPECT_EQ(-EAGAIN, st_put(self->tx, large, PIPE_BUF));
	EXPECT_EQ(-EAGAIN, st_put(self->tx, large, 101));
	EXPECT_EQ(STREAM_SIZE - 100, st_unread(self->rx));
	/* More than that is written as far as there is room. */
	EXPECT_EQ(100, st_put(self->tx, large, PIPE_BUF + 1));
	ASSERT_EQ(PIPE_BUF, st_get(self->rx, self->buf, PIPE_BUF));
	EXPECT_EQ(PIPE_BUF, st_put(self->tx, large, PIPE_BUF));
	EXPECT_EQ(STREAM_SIZE, st_unread(self->rx));
}

TEST_F(stream, a_write_waits_until_all_of_it_is_written)
{
	struct st_call io = { .run = st_call_put, .fd = self->tx, .buf = large, .len = sizeof(large) };
	size_t got = 0;

	ASSERT_EQ(0, st_call_start(&io));
	ASSERT_TRUE(wait_senders(self->rx, 1));
	EXPECT_EQ(STREAM_SIZE, st_unread(self->rx));
	while (got < sizeof(large)) {
		ssize_t n = st_get(self->rx, self->buf, 1 + got % 30000);

		ASSERT_LT(0, n);
		ASSERT_EQ(0, memcmp(self->buf, large + got, n));
		got += n;
	}
	EXPECT_EQ(sizeof(large), st_call_join(&io));
	EXPECT_EQ(0, st_unread(self->rx));
}

TEST_F(stream, a_read_waits_for_the_first_byte_only)
{
	struct st_call io = { .run = st_call_get, .fd = self->rx, .buf = self->buf, .len = 100 };

	ASSERT_EQ(0, st_call_start(&io));
	ASSERT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_EQ(3, st_put(self->tx, "abc", 3));
	EXPECT_EQ(3, st_call_join(&io));
	EXPECT_EQ(0, memcmp(self->buf, "abc", 3));
}

static char byte_at(size_t position)
{
	return position * 31 + position / 997;
}

static void bytes_fill(char *buf, size_t position, size_t len)
{
	while (len--)
		*buf++ = byte_at(position++);
}

static bool bytes_check(const char *buf, size_t position, size_t len)
{
	while (len--)
		if (*buf++ != byte_at(position++))
			return false;
	return true;
}

/* So that nothing ever depends on where in its memory the stream happens to be. */
TEST_F(stream, any_size_at_any_place)
{
	__u32 state = 1;
	size_t in = 0, out = 0;
	int i;

	ASSERT_EQ(0, set_nonblock(self->tx, true));
	ASSERT_EQ(0, set_nonblock(self->rx, true));
	for (i = 0; i < 20000; i++) {
		size_t len = prng(&state) % (prng(&state) % 8 ? 300 : 9000);
		ssize_t n;

		if (prng(&state) % 2) {
			bytes_fill(self->buf, in, len);
			n = st_put(self->tx, self->buf, len);
			ASSERT_TRUE(n >= 0 || n == -EAGAIN);
			in += n > 0 ? n : 0;
		} else {
			n = st_get(self->rx, self->buf, len);
			ASSERT_TRUE(n >= 0 || n == -EAGAIN);
			n = n > 0 ? n : 0;
			ASSERT_TRUE(bytes_check(self->buf, out, n));
			out += n;
		}
		ASSERT_EQ(in - out, st_unread(self->rx));
	}
}

TEST_F(stream, end_of_file_comes_after_the_last_byte)
{
	int second = mb_reopen(self->tx, O_WRONLY);
	struct st_call io = { .run = st_call_get, .fd = self->rx, .buf = self->buf, .len = 9 };

	ASSERT_EQ(3, st_put(self->tx, "abc", 3));
	close(self->tx);
	EXPECT_EQ(2, st_get(self->rx, self->buf, 2));
	EXPECT_EQ(1, st_get(self->rx, self->buf, 9));
	ASSERT_EQ(0, st_call_start(&io));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	close(second);
	EXPECT_EQ(0, st_call_join(&io));
	EXPECT_EQ(0, st_get(self->rx, self->buf, 9));
	EXPECT_EQ(POLLHUP, events(self->rx));
}

static volatile sig_atomic_t broken_pipes;

static void count_broken(int sig)
{
	broken_pipes++;
}

TEST_F(stream, without_a_reader_a_write_is_epipe_and_sigpipe)
{
	struct st_call io = { .run = st_call_put, .fd = self->tx, .buf = large, .len = sizeof(large) };
	struct st_call small = { .run = st_call_put, .fd = self->tx, .buf = large, .len = 10 };

	signal(SIGPIPE, count_broken);
	ASSERT_EQ(0, st_call_start(&io));
	ASSERT_TRUE(wait_senders(self->tx, 1));
	ASSERT_EQ(0, st_call_start(&small));
	ASSERT_TRUE(wait_senders(self->tx, 2));
	EXPECT_EQ(0, broken_pipes);
	close(self->rx);
	/* What was written was written. */
	EXPECT_EQ(STREAM_SIZE, st_call_join(&io));
	EXPECT_EQ(-EPIPE, st_call_join(&small));
	EXPECT_EQ(2, broken_pipes);
	EXPECT_EQ(-EPIPE, st_put(self->tx, large, 1));
	EXPECT_EQ(3, broken_pipes);
	EXPECT_EQ(OUT | POLLERR, events(self->tx));
}

TEST_F(stream, sigpipe_kills)
{
	pid_t pid;

	signal(SIGPIPE, SIG_DFL);
	close(self->rx);
	pid = child_fork();
	if (!pid) {
		st_put(self->tx, "x", 1);
		_exit(0);
	}
	EXPECT_EQ(1000 + SIGPIPE, child_wait(pid));
}

static ssize_t look(int fd, void *buf, size_t len, __u32 flags)
{
	struct mbox_ioc_peek peek = { .buf = addr(buf), .len = len, .flags = flags };

	return ctl(fd, MBOX_IOC_PEEK, &peek);
}

TEST_F(stream, a_peek_leaves_what_it_reads)
{
	struct mbox_ioc_status before;
	char buf[8] = "";

	EXPECT_EQ(-EAGAIN, look(self->rx, buf, 1, MBOX_NONBLOCK));
	ASSERT_EQ(5, st_put(self->tx, "hello", 5));
	before = mb_status(self->rx);
	EXPECT_EQ(2, look(self->rx, buf, 2, 0));
	EXPECT_EQ(5, look(self->rx, buf, sizeof(buf), 0));
	EXPECT_EQ(0, memcmp(buf, "hello", 6));
	EXPECT_EQ(0, look(self->rx, NULL, 0, 0));
	EXPECT_UNCHANGED(self->rx, &before);
	EXPECT_EQ(IN, events(self->rx));
	EXPECT_EQ(-EBADF, look(self->tx, buf, 1, 0));
	EXPECT_EQ(-EFAULT, look(self->rx, unmapped_page(), 1, 0));
	EXPECT_EQ(5, st_get(self->rx, buf, sizeof(buf)));
	EXPECT_EQ(-EAGAIN, look(self->rx, buf, 1, MBOX_NONBLOCK));
	close(self->tx);
	EXPECT_EQ(0, look(self->rx, buf, 1, 0));
	self->tx = -1;
}

/* More than the first ring of a stream holds. */
TEST_F(stream, a_peek_sees_all_there_is)
{
	static char in[STREAM_SIZE], out[STREAM_SIZE];
	size_t at = 0, step;

	pattern_fill(in, sizeof(in), 7);
	for (step = 100; at + step <= sizeof(in); step *= 2) {
		ASSERT_EQ(step, st_put(self->tx, in + at, step));
		at += step;
		memset(out, 0, sizeof(out));
		ASSERT_EQ(at, look(self->rx, out, sizeof(out), 0));
		ASSERT_EQ(0, memcmp(in, out, at));
	}
	EXPECT_EQ(50, st_get(self->rx, out, 50));
	EXPECT_EQ(at - 50, look(self->rx, out, sizeof(out), 0));
	EXPECT_EQ(0, memcmp(in + 50, out, at - 50));
	EXPECT_EQ(at - 50, st_unread(self->rx));
}

static ssize_t call_look(struct st_call *call)
{
	return look(call->fd, call->buf, call->len, 0);
}

TEST_F(stream, a_peek_waits_for_the_first_byte)
{
	char peeked[8] = "", got[8] = "";
	struct st_call peek = { .run = call_look, .fd = self->rx, .buf = peeked, .len = 8 };
	struct st_call get = { .run = st_call_get, .fd = self->rx, .buf = got, .len = 8 };

	ASSERT_EQ(0, st_call_start(&peek));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	ASSERT_EQ(0, st_call_start(&get));
	ASSERT_TRUE(wait_receivers(self->rx, 2));
	ASSERT_EQ(3, st_put(self->tx, "abc", 3));
	EXPECT_EQ(3, st_call_join(&peek));
	EXPECT_EQ(3, st_call_join(&get));
	EXPECT_EQ(0, memcmp(peeked, "abc", 4));
	EXPECT_EQ(0, memcmp(got, "abc", 4));
	EXPECT_EQ(0, mb_status(self->rx).waiting_receivers);
}

/* Who polls for edges and peeks would never come to an end. */
TEST_F(stream, a_peek_is_no_news)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(0);
	char byte;

	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->rx, &event));
	ASSERT_EQ(1, st_put(self->tx, "a", 1));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, -1));
	EXPECT_EQ(1, look(self->rx, &byte, 1, 0));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	ASSERT_EQ(1, st_put(self->tx, "b", 1));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, -1));
	close(epoll);
}

struct peeker {
	int fd;
	long wrong;
	pthread_t thread;
};

/* What it sees of a count goes on from byte to byte. */
static void *peek_all(void *arg)
{
	struct peeker *peeker = arg;
	unsigned char buf[256];
	ssize_t ret, i;

	while ((ret = look(peeker->fd, buf, sizeof(buf), 0)) > 0)
		for (i = 1; i < ret; i++)
			peeker->wrong += buf[i] != (unsigned char)(buf[i - 1] + 1);
	peeker->wrong += ret != 0;
	return NULL;
}

TEST_F(stream, peeks_beside_reads_take_nothing)
{
	struct peeker peeker = { .fd = self->rx };
	unsigned char buf[251], next = 0, sent = 0;
	int round, i, ret;

	ASSERT_EQ(0, pthread_create(&peeker.thread, NULL, peek_all, &peeker));
	for (round = 0; round < 2000; round++) {
		for (i = 0; i < (int)sizeof(buf); i++)
			buf[i] = sent++;
		ASSERT_EQ(sizeof(buf), st_put(self->tx, buf, sizeof(buf)));
		ret = st_get(self->rx, buf, 1 + round % sizeof(buf));
		for (i = 0; i < ret; i++)
			ASSERT_EQ(next++, buf[i]);
		while (st_unread(self->rx) > STREAM_SIZE / 2) {
			ret = st_get(self->rx, buf, sizeof(buf));
			for (i = 0; i < ret; i++)
				ASSERT_EQ(next++, buf[i]);
		}
	}
	close(self->tx);
	self->tx = -1;
	while ((ret = st_get(self->rx, buf, sizeof(buf))) > 0)
		for (i = 0; i < ret; i++)
			ASSERT_EQ(next++, buf[i]);
	EXPECT_EQ(0, ret);
	EXPECT_EQ(sent, next);
	ASSERT_EQ(0, pthread_join(peeker.thread, NULL));
	EXPECT_EQ(0, peeker.wrong);
}

TEST_F(stream, poll_tells_what_would_not_block)
{
	EXPECT_EQ(0, events(self->rx));
	EXPECT_EQ(OUT, events(self->tx));
	ASSERT_EQ(1, st_put(self->tx, large, 1));
	EXPECT_EQ(IN, events(self->rx));
	ASSERT_EQ(STREAM_SIZE - PIPE_BUF - 1, st_put(self->tx, large, STREAM_SIZE - PIPE_BUF - 1));
	EXPECT_EQ(OUT, events(self->tx));
	ASSERT_EQ(1, st_put(self->tx, large, 1));
	EXPECT_EQ(0, events(self->tx));
	ASSERT_EQ(1, st_get(self->rx, self->buf, 1));
	EXPECT_EQ(OUT, events(self->tx));
	close(self->tx);
	EXPECT_EQ(IN | POLLHUP, events(self->rx));
	self->tx = mb_reopen(self->rx, O_RDWR | O_WRONLY);
}

static int epoll_on(int fd, __u32 events)
{
	struct epoll_event event = { .events = events };
	int ep = epoll_create1(0);

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) ? -errno : ep;
}

static int edge(int ep)
{
	struct epoll_event event = { 0 };

	return epoll_wait(ep, &event, 1, 0) == 1 ? (int)event.events : 0;
}

TEST_F(stream, edges)
{
	int in = epoll_on(self->rx, EPOLLIN | EPOLLET);
	int out = epoll_on(self->tx, EPOLLOUT | EPOLLET);

	EXPECT_EQ(0, edge(in));
	EXPECT_EQ(EPOLLOUT, edge(out));
	EXPECT_EQ(0, edge(out));
	ASSERT_EQ(STREAM_SIZE, st_put(self->tx, large, STREAM_SIZE));
	EXPECT_EQ(EPOLLIN, edge(in));
	EXPECT_EQ(0, edge(in));
	EXPECT_EQ(0, edge(out));
	ASSERT_EQ(PIPE_BUF, st_get(self->rx, self->buf, PIPE_BUF));
	EXPECT_EQ(EPOLLOUT, edge(out));
	EXPECT_EQ(0, edge(out));
	ASSERT_EQ(1, st_put(self->tx, large, 1));
	EXPECT_EQ(EPOLLIN, edge(in));
	close(self->tx);
	EXPECT_EQ(EPOLLIN | EPOLLHUP, edge(in));
	close(in);
	close(out);
	self->tx = -1;
}

TEST_F(stream, a_poller_is_woken)
{
	struct pollfd pfd = { .fd = self->rx, .events = POLLIN };

	IN_CHILD {
		/* Sleeps until the parent is in poll(2), or close to it: both must work. */
		usleep(1000);
		_exit(st_put(self->tx, "x", 1) != 1);
	}
	EXPECT_EQ(1, poll(&pfd, 1, -1));
	EXPECT_EQ(POLLIN, pfd.revents);
}

TEST_F(stream, waiting_writers_are_served_in_their_order)
{
	struct st_call io[3];
	char byte;
	int i, k;

	ASSERT_EQ(STREAM_SIZE, st_put(self->tx, large, STREAM_SIZE));
	for (i = 0; i < 3; i++) {
		/* The first needs most: the others must not pass it. */
		io[i] = (struct st_call) { .run = st_call_put, .fd = self->tx, .len = i ? 1 : 1000 };
		io[i].buf = memset(self->buf + i * 1000, 'a' + i, 1000);
		ASSERT_EQ(0, st_call_start(&io[i]));
		ASSERT_TRUE(wait_senders(self->rx, i + 1));
	}
	ASSERT_EQ(500, st_get(self->rx, large, 500));
	EXPECT_EQ(3, mb_status(self->rx).waiting_senders);
	ASSERT_EQ(0, set_nonblock(self->tx, true));
	EXPECT_EQ(-EAGAIN, st_put(self->tx, "z", 1));
	EXPECT_EQ(0, events(self->tx));
	for (k = 500; k < STREAM_SIZE; k += 1)
		ASSERT_EQ(1, st_get(self->rx, &byte, 1));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(i ? 1 : 1000, st_call_join(&io[i]));
	ASSERT_EQ(1002, st_get(self->rx, large, sizeof(large)));
	for (i = 0; i < 1000; i++)
		ASSERT_EQ('a', large[i]);
	EXPECT_EQ('b', large[1000]);
	EXPECT_EQ('c', large[1001]);
}

TEST_F(stream, waiting_readers_are_served_in_their_order)
{
	struct st_call io[3];
	int i;

	for (i = 0; i < 3; i++) {
		io[i] = (struct st_call) { .run = st_call_get, .fd = self->rx, .len = 2,
				      .buf = self->buf + 10 * i };
		ASSERT_EQ(0, st_call_start(&io[i]));
		ASSERT_TRUE(wait_receivers(self->rx, i + 1));
	}
	ASSERT_EQ(5, st_put(self->tx, "aabbc", 5));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(i < 2 ? 2 : 1, st_call_join(&io[i]));
	EXPECT_EQ('a', self->buf[0]);
	EXPECT_EQ('b', self->buf[10]);
	EXPECT_EQ('c', self->buf[20]);
}

TEST_F(stream, a_long_write_is_not_mixed_with_those_that_came_after)
{
	struct st_call first = { .run = st_call_put, .fd = self->tx, .buf = large,
				 .len = sizeof(large) };
	struct st_call second = { .run = st_call_put, .fd = self->tx, .buf = "second", .len = 6 };
	size_t got = 0;

	ASSERT_EQ(0, st_call_start(&first));
	ASSERT_TRUE(wait_senders(self->rx, 1));
	ASSERT_EQ(0, st_call_start(&second));
	ASSERT_TRUE(wait_senders(self->rx, 2));
	while (got < sizeof(large)) {
		ssize_t n = st_get(self->rx, self->buf, 5000);

		ASSERT_LT(0, n);
		n = got + n > sizeof(large) ? sizeof(large) - got : n;
		ASSERT_EQ(0, memcmp(self->buf, large + got, n));
		got += n;
	}
	EXPECT_EQ(sizeof(large), st_call_join(&first));
	EXPECT_EQ(6, st_call_join(&second));
}

static void on_signal(int sig)
{
}

static void handle(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(SIGUSR1, &action, NULL);
}

TEST_F(stream, a_signal_interrupts_or_restarts)
{
	struct st_call io = { .run = st_call_get, .fd = self->rx, .buf = self->buf, .len = 9 };

	handle(0);
	ASSERT_EQ(0, st_call_start(&io));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	pthread_kill(io.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, st_call_join(&io));
	EXPECT_EQ(0, mb_status(self->rx).waiting_receivers);
	handle(SA_RESTART);
	ASSERT_EQ(0, st_call_start(&io));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	pthread_kill(io.thread, SIGUSR1);
	ASSERT_EQ(1, st_put(self->tx, "x", 1));
	EXPECT_EQ(1, st_call_join(&io));
}

TEST_F(stream, an_interrupted_write_says_how_much_it_wrote)
{
	struct st_call io = { .run = st_call_put, .fd = self->tx, .buf = large, .len = sizeof(large) };
	struct st_call next = { .run = st_call_put, .fd = self->tx, .buf = "y", .len = 1 };

	handle(SA_RESTART);
	ASSERT_EQ(0, st_call_start(&io));
	ASSERT_TRUE(wait_senders(self->rx, 1));
	ASSERT_EQ(0, st_call_start(&next));
	ASSERT_TRUE(wait_senders(self->rx, 2));
	ASSERT_EQ(100, st_get(self->rx, self->buf, 100));
	/* There is room for the second, but it is not its turn until the first gives up. */
	EXPECT_EQ(2, mb_status(self->rx).waiting_senders);
	pthread_kill(io.thread, SIGUSR1);
	EXPECT_EQ(STREAM_SIZE, st_call_join(&io));
	EXPECT_EQ(1, st_call_join(&next));
	EXPECT_EQ(STREAM_SIZE - 99, st_unread(self->rx));
	EXPECT_EQ(STREAM_SIZE - 99, st_get(self->rx, self->buf, sizeof(self->buf)));
	EXPECT_EQ(0, memcmp(self->buf, large + 100, STREAM_SIZE - 100));
}

/* Two pages of which only the first is there. */
static char *half_there(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(pages + 4096, 4096);
	return pages;
}

TEST_F(stream, a_fault_loses_no_byte)
{
	char *pages = half_there();

	memcpy(pages, large, 4096);
	/* Together or not at all: not. */
	EXPECT_EQ(-EFAULT, st_put(self->tx, pages + 4000, 200));
	EXPECT_EQ(-EFAULT, st_put(self->tx, unmapped_page(), 8192));
	EXPECT_EQ(0, st_unread(self->rx));
	/* More than PIPE_BUF bytes can be a part. */
	EXPECT_EQ(4096, st_put(self->tx, pages, 8000));
	EXPECT_EQ(4096, st_unread(self->rx));
	EXPECT_EQ(-EFAULT, st_get(self->rx, unmapped_page(), 100));
	EXPECT_EQ(4096, st_unread(self->rx));
	EXPECT_EQ(96, st_get(self->rx, pages + 4000, 200));
	EXPECT_EQ(4000, st_unread(self->rx));
	EXPECT_EQ(0, memcmp(pages + 4000, large, 96));
	EXPECT_EQ(4000, st_get(self->rx, self->buf, 8000));
	EXPECT_EQ(0, memcmp(self->buf, large + 96, 4000));
}

TEST_F(stream, capacity_changes_while_in_use)
{
	struct st_call io = { .run = st_call_put, .fd = self->tx, .buf = large, .len = sizeof(large) };

	EXPECT_EQ(-EINVAL, mb_set_capacity(self->rx, MBOX_PIPE_BUF - 1));
	EXPECT_EQ(-EINVAL, mb_set_capacity(self->rx, MBOX_STREAM_MAX + 1));
	ASSERT_EQ(0, st_call_start(&io));
	ASSERT_TRUE(wait_senders(self->rx, 1));
	ASSERT_EQ(0, mb_set_capacity(self->rx, 2 * STREAM_SIZE));
	EXPECT_TRUE(wait_until(st_unread(self->rx) == 2 * STREAM_SIZE));
	ASSERT_TRUE(wait_senders(self->rx, 1));
	/* Shrinking loses nothing. */
	ASSERT_EQ(0, mb_set_capacity(self->rx, MBOX_PIPE_BUF));
	EXPECT_EQ(2 * STREAM_SIZE, st_unread(self->rx));
	ASSERT_EQ(2 * STREAM_SIZE - 1, st_get(self->rx, self->buf, 2 * STREAM_SIZE - 1));
	EXPECT_EQ(0, memcmp(self->buf, large, 2 * STREAM_SIZE - 1));
	EXPECT_EQ(1, mb_status(self->rx).waiting_senders);
	EXPECT_EQ(1, st_unread(self->rx));
	ASSERT_EQ(0, mb_set_capacity(self->rx, MBOX_STREAM_MAX));
	EXPECT_EQ(sizeof(large), st_call_join(&io));
	EXPECT_EQ(2 * STREAM_SIZE + 1, st_unread(self->rx));
}

TEST_F(stream, dead_letters_and_sizes_of_segments_are_not_its)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_DEAD_LETTER };

	EXPECT_EQ(-EINVAL, ctl(self->rx, MBOX_IOC_SET, &set));
	set = (struct mbox_ioc_set) { .fields = MBOX_SET_LENGTH, .length = 4096 };
	EXPECT_EQ(-EINVAL, ctl(self->rx, MBOX_IOC_SET, &set));
	set = (struct mbox_ioc_set) { .fields = MBOX_SET_MODE, .mode = 0600 };
	EXPECT_EQ(0, ctl(self->rx, MBOX_IOC_SET, &set));
	EXPECT_EQ(0600, mb_status(self->rx).mode);
}

TEST_F(stream, a_stream_is_no_dead_letter_mailbox)
{
	int box = mb_create(NULL, 1, O_RDWR);
	struct mbox_ioc_set set = { .fields = MBOX_SET_DEAD_LETTER, .max_deliveries = 1,
				    .dead_letter = self->tx };

	EXPECT_EQ(-ENOTTY, ctl(box, MBOX_IOC_SET, &set));
	close(box);
}

TEST_F(stream, splice_both_ways)
{
	int pipe_in[2], pipe_out[2];

	ASSERT_EQ(0, pipe(pipe_in));
	ASSERT_EQ(0, pipe(pipe_out));
	ASSERT_EQ(10000, st_put(pipe_in[1], large, 10000));
	EXPECT_EQ(10000, splice(pipe_in[0], NULL, self->tx, NULL, sizeof(large), 0));
	EXPECT_EQ(10000, st_unread(self->rx));
	EXPECT_EQ(6000, splice(self->rx, NULL, pipe_out[1], NULL, 6000, 0));
	EXPECT_EQ(4000, splice(self->rx, NULL, pipe_out[1], NULL, sizeof(large), 0));
	EXPECT_EQ(10000, st_get(pipe_out[0], self->buf, sizeof(self->buf)));
	EXPECT_EQ(0, memcmp(self->buf, large, 10000));
	ASSERT_EQ(0, set_nonblock(self->rx, true));
	EXPECT_EQ(-1, splice(self->rx, NULL, pipe_out[1], NULL, 1, 0));
	EXPECT_EQ(EAGAIN, errno);
	close(self->tx);
	EXPECT_EQ(0, splice(self->rx, NULL, pipe_out[1], NULL, 1, 0));
	self->tx = -1;
}

TEST_F(stream, what_nobody_read_is_gone_with_the_last_descriptor)
{
	const char *name = unique_name("stays");
	int look, fd;

	look = mb_reopen(self->rx, O_RDWR | O_WRONLY);
	ASSERT_EQ(0, mb_link(look, name));
	ASSERT_EQ(100, st_put(self->tx, large, 100));
	ASSERT_EQ(30, st_get(self->rx, self->buf, 30));
	close(self->rx);
	EXPECT_EQ(70, st_unread(look));
	close(self->tx);
	EXPECT_EQ(0, st_unread(look));
	EXPECT_EQ(70, mb_status(look).dropped);
	EXPECT_EQ(30, mb_status(look).received);
	fd = st_open(name, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(5, st_put(fd, large, 5));
	EXPECT_EQ(5, st_get(fd, self->buf, 9));
	EXPECT_EQ(0, mb_unlink(name));
	close(look);
	close(fd);
	self->rx = self->tx = -1;
}

TEST_F(stream, travels_in_a_message)
{
	int carrier = mb_carrier(1, O_RDWR), fd;

	ASSERT_EQ(0, mb_put_fd(carrier, self->tx, 0));
	close(self->tx);
	EXPECT_EQ(0, events(self->rx));
	fd = mb_take_fd(carrier, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(2, st_put(fd, "ok", 2));
	close(fd);
	EXPECT_EQ(2, st_get(self->rx, self->buf, 9));
	EXPECT_EQ(0, st_get(self->rx, self->buf, 9));
	close(carrier);
	self->tx = -1;
}

/* The creator pays, from the first byte on, and is relieved of it. */
TEST(a_full_budget_fails_the_write)
{
	long long limit = param_get("user_bytes");
	pid_t pid;

	ASSERT_EQ(0, param_set("user_bytes", 8192));
	pid = child_fork();
	if (!pid) {
		int fd;

		if (become(USER_A, USER_A))
			_exit(1);
		fd = st_create(NULL, O_RDWR | O_NONBLOCK);
		/* A ring of 4096 bytes and what describes it; none of 8192 beside. */
		if (st_put(fd, large, 4096) != 4096)
			_exit(2);
		if (st_put(fd, large, 1) != -EDQUOT || st_put(fd, large, 10000) != -EDQUOT)
			_exit(3);
		if (st_unread(fd) != 4096 || st_get(fd, large, 5000) != 4096)
			_exit(4);
		if (st_put(fd, large, 4096) != 4096)
			_exit(5);
		close(fd);
		fd = st_create(NULL, O_RDWR | O_NONBLOCK);
		_exit(st_put(fd, large, 4096) == 4096 ? 0 : 6);
	}
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, param_set("user_bytes", limit));
}

FIXTURE(fifo) {
	const char *name;
	int look;
	struct st_call io;
	char buf[100];
};

FIXTURE_SETUP(fifo)
{
	self->name = unique_name("fifo");
	self->look = st_create(self->name, O_RDWR | O_WRONLY | O_EXCL);
	ASSERT_LE(0, self->look);
	signal(SIGPIPE, SIG_IGN);
}

FIXTURE_TEARDOWN(fifo)
{
	mb_unlink(self->name);
	close(self->look);
}

static void open_elsewhere(struct st_call *io, const char *name, __u32 oflag)
{
	*io = (struct st_call) { .run = open_fifo, .name = name, .oflag = oflag };
}

TEST_F(fifo, a_reader_waits_for_a_writer)
{
	int tx;

	open_elsewhere(&self->io, self->name, O_RDONLY);
	ASSERT_EQ(0, st_call_start(&self->io));
	ASSERT_TRUE(wait_until(mb_status(self->look).receivers == 1));
	EXPECT_FALSE(st_call_done(&self->io));
	tx = st_open(self->name, O_WRONLY);
	EXPECT_LE(0, tx);
	EXPECT_LE(0, st_call_join(&self->io));
	EXPECT_EQ(2, st_put(tx, "hi", 2));
	EXPECT_EQ(2, st_get(self->io.ret, self->buf, 9));
	close(tx);
	EXPECT_EQ(0, st_get(self->io.ret, self->buf, 9));
	close(self->io.ret);
}

TEST_F(fifo, a_writer_waits_for_a_reader)
{
	int rx;

	open_elsewhere(&self->io, self->name, O_WRONLY);
	ASSERT_EQ(0, st_call_start(&self->io));
	ASSERT_TRUE(wait_until(mb_status(self->look).senders == 1));
	EXPECT_FALSE(st_call_done(&self->io));
	rx = st_open(self->name, O_RDONLY);
	EXPECT_LE(0, rx);
	EXPECT_LE(0, st_call_join(&self->io));
	close(rx);
	close(self->io.ret);
}

/* Even one that is gone again when the reader gets to look. */
TEST_F(fifo, a_writer_that_came_and_went_is_enough)
{
	int tx;

	open_elsewhere(&self->io, self->name, O_RDONLY);
	ASSERT_EQ(0, st_call_start(&self->io));
	ASSERT_TRUE(wait_until(mb_status(self->look).receivers == 1));
	tx = st_open(self->name, O_WRONLY);
	ASSERT_EQ(2, st_put(tx, "hi", 2));
	close(tx);
	EXPECT_LE(0, st_call_join(&self->io));
	EXPECT_EQ(2, st_get(self->io.ret, self->buf, 9));
	EXPECT_EQ(0, st_get(self->io.ret, self->buf, 9));
	close(self->io.ret);
}

TEST_F(fifo, nonblocking_opens)
{
	int rx, tx;

	EXPECT_EQ(-ENXIO, st_open(self->name, O_WRONLY | O_NONBLOCK));
	EXPECT_EQ(0, mb_status(self->look).senders);
	rx = st_open(self->name, O_RDONLY | O_NONBLOCK);
	ASSERT_LE(0, rx);
	/* No writer yet: end of file to a read, but no hang-up to a poll. */
	EXPECT_EQ(0, st_get(rx, self->buf, 9));
	EXPECT_EQ(0, events(rx));
	tx = st_open(self->name, O_WRONLY | O_NONBLOCK);
	ASSERT_LE(0, tx);
	EXPECT_EQ(-EAGAIN, st_get(rx, self->buf, 9));
	EXPECT_EQ(0, events(rx));
	close(tx);
	EXPECT_EQ(POLLHUP, events(rx));
	EXPECT_EQ(0, st_get(rx, self->buf, 9));
	tx = st_open(self->name, O_WRONLY | O_NONBLOCK);
	EXPECT_EQ(0, events(rx));
	close(rx);
	EXPECT_EQ(-EPIPE, st_put(tx, "x", 1));
	close(tx);
}

TEST_F(fifo, both_sides_in_one_descriptor_wait_for_nobody)
{
	int fd = st_open(self->name, O_RDWR);

	ASSERT_LE(0, fd);
	EXPECT_EQ(3, st_put(fd, "abc", 3));
	EXPECT_EQ(3, st_get(fd, self->buf, 9));
	EXPECT_EQ(OUT, events(fd));
	close(fd);
}

TEST_F(fifo, a_signal_ends_the_wait_and_leaves_nothing)
{
	int before = fds_open();

	handle(0);
	open_elsewhere(&self->io, self->name, O_RDONLY);
	ASSERT_EQ(0, st_call_start(&self->io));
	ASSERT_TRUE(wait_until(mb_status(self->look).receivers == 1));
	/* It may not sleep yet: then the signal does not end it. */
	EXPECT_TRUE(wait_until((pthread_kill(self->io.thread, SIGUSR1),
				usleep(1000), st_call_done(&self->io))));
	EXPECT_EQ(-EINTR, st_call_join(&self->io));
	EXPECT_EQ(0, mb_status(self->look).receivers);
	EXPECT_EQ(before, fds_open());
	EXPECT_EQ(-ENXIO, st_open(self->name, O_WRONLY | O_NONBLOCK));
}

TEST_F(fifo, unlink_leaves_those_who_wait_for_each_other)
{
	open_elsewhere(&self->io, self->name, O_RDONLY);
	ASSERT_EQ(0, st_call_start(&self->io));
	ASSERT_TRUE(wait_until(mb_status(self->look).receivers == 1));
	ASSERT_EQ(0, mb_unlink(self->name));
	EXPECT_EQ(-ENOENT, st_open(self->name, O_WRONLY));
	EXPECT_FALSE(st_call_done(&self->io));
	handle(0);
	EXPECT_TRUE(wait_until((pthread_kill(self->io.thread, SIGUSR1),
				usleep(1000), st_call_done(&self->io))));
	EXPECT_EQ(-EINTR, st_call_join(&self->io));
}

TEST_F(fifo, an_anonymous_stream_waits_for_nobody)
{
	int rx = st_create(NULL, O_RDONLY), tx = st_create(NULL, O_WRONLY);

	EXPECT_EQ(0, st_get(rx, self->buf, 1));
	EXPECT_EQ(-EPIPE, st_put(tx, "x", 1));
	close(rx);
	close(tx);
}

TEST_HARNESS_MAIN
