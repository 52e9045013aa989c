// SPDX-License-Identifier: GPL-2.0
/*
 * Two streams joined to a connection: what a pair of stream sockets promises, and what ends when
 * a side is shut down, closed or killed.
 */
#include "common.h"
#include "harness.h"

#include <sys/uio.h>

static char large[4 * STREAM_SIZE];

static int join(int in, int out, __u32 oflag)
{
	struct mbox_ioc_join join = { .out = out, .oflag = oflag };

	return ctl(in, MBOX_IOC_JOIN, &join);
}

static int shut(int fd, __u32 how)
{
	struct mbox_ioc_shutdown shutdown = { .how = how };

	return ctl(fd, MBOX_IOC_SHUTDOWN, &shutdown);
}

FIXTURE(duplex) {
	int a;
	int b;
	char buf[2 * STREAM_SIZE];
};

static int connection(int ends[2])
{
	int there = st_create(NULL, O_RDWR), back = st_create(NULL, O_RDWR);

	ends[0] = join(back, there, O_RDWR);
	ends[1] = join(there, back, O_RDWR);
	close(there);
	close(back);
	return ends[0] < 0 ? ends[0] : ends[1] < 0 ? ends[1] : 0;
}

FIXTURE_SETUP(duplex)
{
	int ends[2];

	ASSERT_EQ(0, connection(ends));
	self->a = ends[0];
	self->b = ends[1];
	signal(SIGPIPE, SIG_IGN);
	pattern_fill(large, sizeof(large), 1);
}

FIXTURE_TEARDOWN(duplex)
{
	close(self->a);
	close(self->b);
}

TEST(join_takes_two_streams_and_their_rights)
{
	int both = st_create(NULL, O_RDWR), box = mb_create(NULL, 1, O_RDWR);
	int rx = mb_reopen(both, O_RDONLY), tx = mb_reopen(both, O_WRONLY);
	int made = join(rx, tx, O_RDWR | O_NONBLOCK);
	struct mbox_ioc_join req = { .out = tx, .oflag = O_RDWR };

	EXPECT_LE(0, made);
	EXPECT_EQ(FD_CLOEXEC, fcntl(made, F_GETFD));
	EXPECT_EQ(O_RDWR | O_NONBLOCK, fcntl(made, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	EXPECT_EQ(-EBADF, join(tx, tx, O_RDWR));
	EXPECT_EQ(-EBADF, join(rx, rx, O_RDWR));
	EXPECT_EQ(-EBADF, join(rx, -1, O_RDWR));
	EXPECT_EQ(-ENOTTY, join(rx, box, O_RDWR));
	EXPECT_EQ(-ENOTTY, join(rx, made, O_RDWR));
	EXPECT_EQ(-ENOTTY, join(made, tx, O_RDWR));
	EXPECT_EQ(-ENOTTY, join(box, tx, O_RDWR));
	EXPECT_EQ(-EINVAL, join(rx, tx, O_RDONLY));
	EXPECT_EQ(-EINVAL, join(rx, tx, O_RDWR | O_EXCL));
	EXPECT_EQ(-EINVAL, ctl(rx, ioc_sized(MBOX_IOC_JOIN, sizeof(req) - 1), &req));
	EXPECT_EQ(-EFAULT, ctl(rx, MBOX_IOC_JOIN, unmapped_page()));
	EXPECT_EQ(3, mb_status(both).receivers);
	close(made);
	EXPECT_EQ(2, mb_status(both).receivers);
	EXPECT_EQ(2, mb_status(both).senders);
	close(both);
	close(box);
	close(rx);
	close(tx);
}

TEST_F(duplex, a_peek_leaves_what_it_reads)
{
	struct mbox_ioc_peek peek = { .buf = addr(self->buf), .len = 8, .flags = MBOX_NONBLOCK };

	EXPECT_EQ(-EAGAIN, ctl(self->a, MBOX_IOC_PEEK, &peek));
	ASSERT_EQ(3, st_put(self->b, "abc", 3));
	EXPECT_EQ(3, ctl(self->a, MBOX_IOC_PEEK, &peek));
	EXPECT_EQ(0, memcmp(self->buf, "abc", 3));
	EXPECT_EQ(3, ctl(self->a, MBOX_IOC_PEEK, &peek));
	EXPECT_EQ(3, st_get(self->a, self->buf, 8));
	ASSERT_EQ(0, shut(self->b, MBOX_SHUT_WRITE));
	EXPECT_EQ(0, ctl(self->a, MBOX_IOC_PEEK, &peek));
	ASSERT_EQ(0, shut(self->b, MBOX_SHUT_READ));
	EXPECT_EQ(0, ctl(self->b, MBOX_IOC_PEEK, &peek));
}

TEST_F(duplex, both_ways_at_once)
{
	EXPECT_EQ(5, st_put(self->a, "hello", 5));
	EXPECT_EQ(3, st_put(self->b, "you", 3));
	EXPECT_EQ(3, st_unread(self->a));
	EXPECT_EQ(5, st_unread(self->b));
	EXPECT_EQ(5, mb_status(self->b).queued);
	EXPECT_EQ(5, mb_status(self->a).written);
	EXPECT_EQ(3, mb_status(self->b).written);
	EXPECT_EQ(5, st_get(self->b, self->buf, 100));
	EXPECT_EQ(0, memcmp(self->buf, "hello", 5));
	EXPECT_EQ(3, st_get(self->a, self->buf, 100));
	EXPECT_EQ(0, memcmp(self->buf, "you", 3));
	EXPECT_EQ(OUT, events(self->a));
	EXPECT_EQ(OUT, events(self->b));
}

TEST_F(duplex, a_blocked_write_keeps_no_read)
{
	struct st_call call = { .run = st_call_put, .fd = self->a, .buf = large,
				.len = sizeof(large) };
	size_t got = 0;

	ASSERT_EQ(0, st_call_start(&call));
	ASSERT_TRUE(wait_senders(self->b, 1));
	EXPECT_EQ(2, st_put(self->b, "go", 2));
	EXPECT_EQ(2, st_get(self->a, self->buf, 100));
	while (got < sizeof(large)) {
		ssize_t n = st_get(self->b, self->buf, sizeof(self->buf));

		ASSERT_LT(0, n);
		ASSERT_EQ(0, memcmp(self->buf, large + got, n));
		got += n;
	}
	EXPECT_EQ(sizeof(large), st_call_join(&call));
}

TEST_F(duplex, half_close)
{
	struct st_call call = { .run = st_call_get, .fd = self->b, .buf = self->buf, .len = 9 };

	ASSERT_EQ(0, st_call_start(&call));
	ASSERT_TRUE(wait_receivers(self->b, 1));
	EXPECT_EQ(0, shut(self->a, MBOX_SHUT_WRITE));
	EXPECT_EQ(0, st_call_join(&call));
	EXPECT_EQ(-EPIPE, st_put(self->a, "x", 1));
	EXPECT_EQ(IN | OUT | POLLRDHUP, events(self->b));
	EXPECT_EQ(OUT, events(self->a));
	EXPECT_EQ(4, st_put(self->b, "back", 4));
	EXPECT_EQ(4, st_get(self->a, self->buf, 9));
	EXPECT_EQ(0, shut(self->a, MBOX_SHUT_WRITE));
	EXPECT_EQ(0, shut(self->b, MBOX_SHUT_WRITE));
	EXPECT_EQ(0, st_get(self->a, self->buf, 9));
	EXPECT_EQ(IN | OUT | POLLRDHUP | POLLHUP, events(self->a));
}

TEST_F(duplex, an_end_with_bytes_unread_is_a_reset_once)
{
	ASSERT_EQ(3, st_put(self->a, "abc", 3));
	ASSERT_EQ(1, st_get(self->b, self->buf, 1));
	ASSERT_EQ(1, st_put(self->b, "x", 1));
	close(self->b);
	self->b = -1;
	EXPECT_EQ(1, st_get(self->a, self->buf, 8));
	EXPECT_EQ(-ECONNRESET, st_get(self->a, self->buf, 8));
	EXPECT_EQ(0, st_get(self->a, self->buf, 8));
	EXPECT_EQ(-EPIPE, st_put(self->a, "y", 1));
}

TEST_F(duplex, an_end_is_a_reset_after_a_half_close_too)
{
	ASSERT_EQ(3, st_put(self->a, "abc", 3));
	ASSERT_EQ(0, shut(self->a, MBOX_SHUT_WRITE));
	close(self->b);
	self->b = -1;
	EXPECT_EQ(-ECONNRESET, st_get(self->a, self->buf, 8));
	EXPECT_EQ(0, st_get(self->a, self->buf, 8));
}

TEST_F(duplex, an_end_with_all_read_is_none)
{
	ASSERT_EQ(3, st_put(self->a, "abc", 3));
	ASSERT_EQ(0, shut(self->b, MBOX_SHUT_WRITE));
	EXPECT_EQ(0, st_get(self->a, self->buf, 8));
	ASSERT_EQ(3, st_get(self->b, self->buf, 8));
	close(self->b);
	self->b = -1;
	EXPECT_EQ(0, st_get(self->a, self->buf, 8));
}

TEST_F(duplex, shut_for_reading)
{
	EXPECT_EQ(3, st_put(self->a, "abc", 3));
	EXPECT_EQ(0, shut(self->b, MBOX_SHUT_READ));
	EXPECT_EQ(0, st_get(self->b, self->buf, 9));
	EXPECT_EQ(-EPIPE, st_put(self->a, "x", 1));
	EXPECT_EQ(1, st_put(self->b, "y", 1));
	EXPECT_EQ(1, st_get(self->a, self->buf, 9));
}

/* Whoever waits at one's own end, too. */
TEST_F(duplex, a_shutdown_ends_what_waits_for_it)
{
	struct st_call get = { .run = st_call_get, .fd = self->a, .buf = self->buf, .len = 9 };
	struct st_call put = { .run = st_call_put, .fd = self->a, .buf = large,
			       .len = sizeof(large) };

	ASSERT_EQ(0, st_call_start(&get));
	ASSERT_TRUE(wait_receivers(self->a, 1));
	EXPECT_EQ(0, shut(self->a, MBOX_SHUT_READ));
	EXPECT_EQ(0, st_call_join(&get));
	ASSERT_EQ(0, st_call_start(&put));
	ASSERT_TRUE(wait_senders(self->b, 1));
	EXPECT_EQ(0, shut(self->a, MBOX_SHUT_WRITE));
	EXPECT_EQ(STREAM_SIZE, st_call_join(&put));
	EXPECT_EQ(STREAM_SIZE, st_get(self->b, self->buf, sizeof(self->buf)));
	EXPECT_EQ(0, st_get(self->b, self->buf, sizeof(self->buf)));
}

TEST_F(duplex, bad_shutdowns)
{
	struct mbox_ioc_shutdown bad = { .how = MBOX_SHUT_READ, .__reserved = 1 };

	EXPECT_EQ(-EINVAL, shut(self->a, 0));
	EXPECT_EQ(-EINVAL, shut(self->a, 4));
	EXPECT_EQ(-EINVAL, ctl(self->a, MBOX_IOC_SHUTDOWN, &bad));
	EXPECT_EQ(-ENOTTY, ctl(self->a, MBOX_IOC_JOIN, &bad));
	EXPECT_EQ(1, st_put(self->a, "x", 1));
	EXPECT_EQ(1, st_get(self->b, self->buf, 1));
}

/* All who share the open file are shut, and a closed copy of it ends nothing. */
TEST_F(duplex, copies_share_it)
{
	int copy = dup(self->a);

	close(self->a);
	EXPECT_EQ(OUT, events(self->b));
	EXPECT_EQ(0, shut(copy, MBOX_SHUT_WRITE));
	EXPECT_EQ(0, st_get(self->b, self->buf, 1));
	close(copy);
	EXPECT_EQ(IN | OUT | POLLRDHUP | POLLHUP, events(self->b));
	EXPECT_EQ(-EPIPE, st_put(self->b, "x", 1));
	self->a = -1;
}

TEST_F(duplex, a_killed_peer_is_told)
{
	pid_t pid = child_fork();

	if (!pid) {
		close(self->b);
		st_get(self->a, self->buf, 1);
		_exit(0);
	}
	close(self->a);
	EXPECT_EQ(1, st_put(self->b, "x", 1));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, st_get(self->b, self->buf, 9));
	EXPECT_EQ(-EPIPE, st_put(self->b, "x", 1));
	self->a = -1;
}

TEST_F(duplex, travels_in_a_message)
{
	int carrier = mb_carrier(1, O_RDWR), fd;

	ASSERT_EQ(0, mb_put_fd(carrier, self->a, 0));
	close(self->a);
	EXPECT_EQ(3, st_put(self->b, "abc", 3));
	fd = mb_take_fd(carrier, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(3, st_get(fd, self->buf, 9));
	EXPECT_EQ(2, st_put(fd, "de", 2));
	EXPECT_EQ(2, st_get(self->b, self->buf, 9));
	close(fd);
	close(carrier);
	EXPECT_EQ(0, st_get(self->b, self->buf, 9));
	self->a = -1;
}

/* A write that waits goes on after a shutdown from another thread, and nothing is used freed. */
TEST_F(duplex, shut_down_while_it_is_used)
{
	int i;

	for (i = 0; i < 200; i++) {
		struct st_call put = { .run = st_call_put, .buf = large, .len = 100000 };
		struct st_call get = { .run = st_call_get, .buf = self->buf, .len = 1000 };
		int ends[2];

		ASSERT_EQ(0, connection(ends));
		put.fd = ends[0];
		get.fd = ends[1];
		ASSERT_EQ(0, st_call_start(&put));
		ASSERT_EQ(0, st_call_start(&get));
		EXPECT_EQ(0, shut(ends[i % 2], 1 + i % 3));
		EXPECT_EQ(0, shut(ends[1], MBOX_SHUT_READ | MBOX_SHUT_WRITE));
		EXPECT_EQ(0, shut(ends[0], MBOX_SHUT_READ | MBOX_SHUT_WRITE));
		EXPECT_NE(-ETIME, st_call_join(&put));
		EXPECT_NE(-ETIME, st_call_join(&get));
		close(ends[0]);
		close(ends[1]);
	}
}

TEST_F(duplex, one_call_can_be_nonblocking)
{
	struct iovec all = { large, sizeof(large) }, one = { self->buf, 1 };

	EXPECT_EQ(-1, preadv2(self->b, &one, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(STREAM_SIZE, pwritev2(self->a, &all, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(-1, pwritev2(self->a, &one, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(1, preadv2(self->b, &one, 1, -1, RWF_NOWAIT));
}

TEST_HARNESS_MAIN
