// SPDX-License-Identifier: GPL-2.0
/*
 * One mailbox, many receivers that each get everything: from where on, until when it is kept, who
 * waits for the slowest, what is dropped where nobody waits, and who shares a place.
 */
#include "common.h"
#include "harness.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <linux/userfaultfd.h>

#define NR_RX	3
#define DEEP	5000

/* Descriptors of one mailbox: one that can do neither, one to send, some to receive. */
struct cast {
	const char *name;
	int fd;
	int tx;
	int rx[NR_RX];
};

static int cast_create(struct cast *cast, __u64 capacity, __u32 flags)
{
	struct mbox_ioc_create create;

	cast->name = unique_name("cast");
	create = mb_template(cast->name, capacity, O_WRONLY | O_RDWR | O_EXCL);
	create.flags = MBOX_BROADCAST | flags;
	cast->fd = ctl(device(), MBOX_IOC_CREATE, &create);
	return cast->fd < 0 ? cast->fd : 0;
}

static int cast_open(struct cast *cast, __u64 capacity, __u32 flags)
{
	int i, ret = cast_create(cast, capacity, flags);

	if (ret)
		return ret;
	cast->tx = mb_open(cast->name, O_WRONLY);
	for (i = 0; i < NR_RX; i++)
		cast->rx[i] = mb_open(cast->name, O_RDONLY);
	return cast->rx[NR_RX - 1] < 0 ? cast->rx[NR_RX - 1] : 0;
}

static void cast_close(struct cast *cast)
{
	int i;

	mb_unlink(cast->name);
	close(cast->fd);
	close(cast->tx);
	for (i = 0; i < NR_RX; i++)
		close(cast->rx[i]);
}

/* A receive that tells what was missed. */
static int take_missed(int fd, __u64 *missed)
{
	__u32 number = 0;
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), MBOX_NONBLOCK);
	int ret;

	msg.missed = 1000;
	ret = ctl(fd, MBOX_IOC_RECV, &msg);
	*missed = msg.missed;
	return ret ? ret : (int)number;
}

/* A line of /proc/self/fdinfo. */
static long long fdinfo(int fd, const char *key)
{
	char path[64], text[1024], *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (read_text(path, text, sizeof(text)) < 0)
		return -errno;
	line = strstr(text, key);
	return line ? strtoll(line + strlen(key), NULL, 10) : -ENOENT;
}

#define UNREAD(fd)	fdinfo(fd, "mbox-unread:\t")
#define MISSED(fd)	fdinfo(fd, "mbox-missed:\t")

FIXTURE(broadcast) {
	struct cast cast;
	struct mb_call call, calls[3];
};

FIXTURE_SETUP(broadcast)
{
	ASSERT_EQ(0, cast_open(&self->cast, 4, 0));
}

FIXTURE_TEARDOWN(broadcast)
{
	cast_close(&self->cast);
}

TEST_F(broadcast, every_receiver_gets_every_message_in_order)
{
	struct cast *c = &self->cast;
	__u32 i, n;

	for (n = 0; n < 4; n++)
		ASSERT_EQ(0, mb_put(c->tx, n, 0, 0));
	for (i = 0; i < NR_RX; i++)
		for (n = 0; n < 4; n++)
			EXPECT_EQ(n, mb_take(c->rx[i], 0));
	for (i = 0; i < NR_RX; i++)
		EXPECT_EQ(-EAGAIN, mb_take(c->rx[i], MBOX_NONBLOCK));
	EXPECT_EQ(4, mb_status(c->fd).sent);
	EXPECT_EQ(4 * NR_RX, mb_status(c->fd).received);
	EXPECT_EQ(4 * NR_RX * sizeof(__u32), mb_status(c->fd).received_bytes);
	EXPECT_EQ(0, mb_status(c->fd).dropped);
	EXPECT_EQ(MBOX_BROADCAST, mb_status(c->fd).flags);
}

TEST_F(broadcast, message_comes_whole_with_its_sender)
{
	struct cast *c = &self->cast;
	static char out[MSGSIZE], in[MSGSIZE];
	struct mbox_ioc_msg msg = mb_msg(out, sizeof(out), 0);
	int i;

	pattern_fill(out, sizeof(out), 7);
	msg.tag = 0x123456789abcdefULL;
	ASSERT_EQ(0, ctl(c->tx, MBOX_IOC_SEND, &msg));
	for (i = 0; i < NR_RX; i++) {
		msg = mb_msg(in, sizeof(in), 0);
		msg.missed = 5;
		memset(in, 0, sizeof(in));
		ASSERT_EQ(0, ctl(c->rx[i], MBOX_IOC_RECV, &msg));
		EXPECT_EQ(sizeof(in), msg.len);
		EXPECT_TRUE(pattern_check(in, sizeof(in), 7));
		EXPECT_EQ(0x123456789abcdefULL, msg.tag);
		EXPECT_EQ(getpid(), msg.pid);
		EXPECT_EQ(geteuid(), msg.uid);
		EXPECT_EQ(0, msg.missed);
	}
}

TEST_F(broadcast, receiver_begins_at_its_opening)
{
	struct cast *c = &self->cast;
	int late, i;

	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	late = mb_open(c->name, O_RDONLY);
	EXPECT_EQ(-EAGAIN, mb_take(late, MBOX_NONBLOCK));
	ASSERT_EQ(0, mb_put(c->tx, 2, 0, 0));
	EXPECT_EQ(2, mb_take(late, MBOX_NONBLOCK));
	EXPECT_EQ(-EAGAIN, mb_take(late, MBOX_NONBLOCK));
	for (i = 0; i < NR_RX; i++)
		EXPECT_EQ(1, mb_take(c->rx[i], MBOX_NONBLOCK));
	/* Its message before it is gone by now. */
	ASSERT_EQ(0, mb_put(c->tx, 3, 0, 0));
	EXPECT_EQ(3, mb_take(late, MBOX_NONBLOCK));
	EXPECT_EQ(0, close(late));
	for (i = 0; i < NR_RX; i++) {
		EXPECT_EQ(2, mb_take(c->rx[i], MBOX_NONBLOCK));
		EXPECT_EQ(3, mb_take(c->rx[i], MBOX_NONBLOCK));
	}
	EXPECT_EQ(0, mb_status(c->fd).queued);
}

TEST_F(broadcast, mailbox_is_as_full_as_the_slowest_is_behind)
{
	struct cast *c = &self->cast;

	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	ASSERT_EQ(0, mb_put(c->tx, 2, 0, 0));
	EXPECT_EQ(1, mb_take(c->rx[0], 0));
	EXPECT_EQ(2, mb_take(c->rx[0], 0));
	EXPECT_EQ(1, mb_take(c->rx[1], 0));
	EXPECT_EQ(2, mb_status(c->fd).queued);
	EXPECT_EQ(2 * sizeof(__u32), mb_status(c->fd).queued_bytes);
	EXPECT_EQ(0, UNREAD(c->rx[0]));
	EXPECT_EQ(1, UNREAD(c->rx[1]));
	EXPECT_EQ(2, UNREAD(c->rx[2]));
	EXPECT_EQ(-ENOENT, UNREAD(c->tx));
	EXPECT_EQ(1, mb_take(c->rx[2], 0));
	EXPECT_EQ(1, mb_status(c->fd).queued);
	EXPECT_EQ(2, mb_take(c->rx[2], 0));
	EXPECT_EQ(1, mb_status(c->fd).queued);
	EXPECT_EQ(2, mb_take(c->rx[1], 0));
	EXPECT_EQ(0, mb_status(c->fd).queued);
	EXPECT_EQ(0, mb_status(c->fd).queued_bytes);
}

TEST_F(broadcast, sender_waits_for_the_slowest)
{
	struct cast *c = &self->cast;
	int i;

	ASSERT_EQ(0, mb_set_capacity(c->fd, 1));
	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	EXPECT_EQ(-EAGAIN, mb_put(c->tx, 2, 0, MBOX_NONBLOCK));
	for (i = 0; i < 3; i++) {
		call_put(&self->calls[i], c->tx, 2 + i, 0, 0);
		ASSERT_EQ(0, call_start(&self->calls[i]));
		ASSERT_TRUE(wait_senders(c->fd, i + 1));
	}
	EXPECT_EQ(1, mb_take(c->rx[0], 0));
	EXPECT_EQ(1, mb_take(c->rx[1], 0));
	EXPECT_EQ(-EAGAIN, mb_take(c->rx[0], MBOX_NONBLOCK));
	EXPECT_EQ(3, mb_status(c->fd).waiting_senders);
	EXPECT_EQ(1, mb_take(c->rx[2], 0));
	EXPECT_EQ(0, call_join(&self->calls[0]));
	EXPECT_EQ(2, mb_status(c->fd).waiting_senders);
	ASSERT_EQ(0, mb_set_capacity(c->fd, 2));
	EXPECT_EQ(0, call_join(&self->calls[1]));
	ASSERT_EQ(0, mb_set_capacity(c->fd, MBOX_UNBOUNDED));
	EXPECT_EQ(0, call_join(&self->calls[2]));
	for (i = 0; i < 3 * NR_RX; i++)
		EXPECT_EQ(2 + i % 3, mb_take(c->rx[i / 3], 0));
	EXPECT_EQ(0, mb_status(c->fd).queued);
}

/* A small message does not overtake a large one that waits for more room. */
TEST(senders_are_served_in_turn)
{
	struct cast cast = { .name = unique_name("cast") };
	struct mbox_ioc_create create = mb_template(cast.name, 9, O_WRONLY | O_EXCL);
	static char data[100];
	struct mb_call call;

	create.flags = MBOX_BROADCAST;
	create.bytes = create.msgsize = sizeof(data);
	cast.tx = ctl(device(), MBOX_IOC_CREATE, &create);
	cast.rx[0] = mb_open(cast.name, O_RDONLY);
	ASSERT_LE(0, cast.rx[0]);
	ASSERT_EQ(0, mb_send(cast.tx, data, 60, 0, 0));
	call_put(&call, cast.tx, 0, 0, 0);
	call.msg.buf = addr(data);
	call.msg.len = 50;
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_senders(cast.tx, 1));
	EXPECT_EQ(-EAGAIN, mb_put(cast.tx, 7, 0, MBOX_NONBLOCK));
	EXPECT_EQ(60, mb_recv(cast.rx[0], data, sizeof(data), 0));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(0, mb_put(cast.tx, 7, 0, MBOX_NONBLOCK));
	EXPECT_EQ(50, mb_recv(cast.rx[0], data, sizeof(data), 0));
	EXPECT_EQ(7, mb_take(cast.rx[0], 0));
	mb_unlink(cast.name);
	close(cast.tx);
	close(cast.rx[0]);
}

TEST_F(broadcast, sender_that_gives_up_was_heard_by_nobody)
{
	struct cast *c = &self->cast;
	struct sigaction action = { .sa_handler = SIG_DFL };
	int i;

	ASSERT_EQ(0, mb_set_capacity(c->fd, 1));
	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	call_put(&self->call, c->tx, 2, 0, 0);
	self->call.msg.deadline = in_ms(30);
	ASSERT_EQ(0, call_start(&self->call));
	EXPECT_EQ(-ETIMEDOUT, call_join(&self->call));
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	IN_CHILD {
		pid_t pid = child_fork();

		if (!pid)
			_exit(mb_put(c->tx, 3, 0, 0) ? 1 : 0);
		EXPECT_TRUE(wait_senders(c->fd, 1));
		kill(pid, SIGKILL);
		EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	}
	EXPECT_EQ(0, mb_status(c->fd).waiting_senders);
	for (i = 0; i < NR_RX; i++) {
		EXPECT_EQ(1, mb_take(c->rx[i], 0));
		EXPECT_EQ(-EAGAIN, mb_take(c->rx[i], MBOX_NONBLOCK));
	}
	EXPECT_EQ(1, mb_status(c->fd).sent);
}

static void nothing(int signo)
{
}

TEST_F(broadcast, signals_and_deadlines_end_a_wait_and_change_nothing)
{
	struct cast *c = &self->cast;
	struct sigaction action = { .sa_handler = nothing };
	struct mbox_ioc_status before = mb_status(c->fd);

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	call_take(&self->call, c->rx[0], 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_TRUE(wait_receivers(c->fd, 1));
	pthread_kill(self->call.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, call_join(&self->call));
	call_take(&self->call, c->rx[0], 0);
	self->call.msg.deadline = in_ms(20);
	ASSERT_EQ(0, call_start(&self->call));
	EXPECT_EQ(-ETIMEDOUT, call_join(&self->call));
	EXPECT_UNCHANGED(c->fd, &before);
	ASSERT_EQ(0, mb_set_capacity(c->fd, 1));
	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	call_put(&self->call, c->tx, 2, 0, 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_TRUE(wait_senders(c->fd, 1));
	pthread_kill(self->call.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, call_join(&self->call));
	EXPECT_EQ(1, mb_status(c->fd).queued);
}

TEST_F(broadcast, one_send_wakes_all_who_wait)
{
	struct cast *c = &self->cast;
	int i;

	for (i = 0; i < NR_RX; i++) {
		call_take(&self->calls[i], c->rx[i], 0);
		ASSERT_EQ(0, call_start(&self->calls[i]));
	}
	ASSERT_TRUE(wait_receivers(c->fd, NR_RX));
	ASSERT_EQ(0, mb_put(c->tx, 9, 0, MBOX_NONBLOCK));
	for (i = 0; i < NR_RX; i++) {
		EXPECT_EQ(0, call_join(&self->calls[i]));
		EXPECT_EQ(9, self->calls[i].number);
	}
	EXPECT_EQ(0, mb_status(c->fd).queued);
	EXPECT_EQ(0, mb_status(c->fd).waiting_receivers);
}

TEST_F(broadcast, closing_the_slowest_lets_the_senders_go_on)
{
	struct cast *c = &self->cast;
	int i;

	ASSERT_EQ(0, mb_set_capacity(c->fd, 1));
	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	for (i = 1; i < NR_RX; i++)
		EXPECT_EQ(1, mb_take(c->rx[i], 0));
	call_put(&self->call, c->tx, 2, 0, 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_TRUE(wait_senders(c->fd, 1));
	close(c->rx[0]);
	EXPECT_EQ(0, call_join(&self->call));
	c->rx[0] = mb_open(c->name, O_RDONLY);
	EXPECT_EQ(-EAGAIN, mb_take(c->rx[0], MBOX_NONBLOCK));
	for (i = 1; i < NR_RX; i++)
		EXPECT_EQ(2, mb_take(c->rx[i], 0));
	EXPECT_EQ(0, mb_status(c->fd).queued);
}

TEST_F(broadcast, killing_the_slowest_lets_the_senders_go_on)
{
	struct cast *c = &self->cast;
	int ready[2], i;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, mb_set_capacity(c->fd, 1));
	ASSERT_EQ(0, pipe(ready));
	pid = child_fork();
	if (!pid) {
		int rx = mb_open(c->name, O_RDONLY);

		_exit(rx < 0 || write(ready[1], "", 1) != 1 || pause());
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	for (i = 0; i < NR_RX; i++)
		EXPECT_EQ(1, mb_take(c->rx[i], 0));
	call_put(&self->call, c->tx, 2, 0, 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_TRUE(wait_senders(c->fd, 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_EQ(0, call_join(&self->call));
	for (i = 0; i < NR_RX; i++)
		EXPECT_EQ(2, mb_take(c->rx[i], 0));
	close(ready[0]);
	close(ready[1]);
}

static void close_receivers(struct cast *c)
{
	int i;

	for (i = 0; i < NR_RX; i++) {
		close(c->rx[i]);
		c->rx[i] = -1;
	}
}

TEST_F(broadcast, with_no_receivers_a_message_is_for_nobody)
{
	struct cast *c = &self->cast;
	int i;

	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	close_receivers(c);
	EXPECT_EQ(0, mb_status(c->fd).queued);
	for (i = 0; i < 20; i++)
		EXPECT_EQ(0, mb_put(c->tx, i, 0, 0));
	EXPECT_EQ(4, write(c->tx, "abcd", 4));
	EXPECT_EQ(0, mb_status(c->fd).queued);
	EXPECT_EQ(22, mb_status(c->fd).sent);
	EXPECT_EQ(0, mb_status(c->fd).received);
	c->rx[0] = mb_open(c->name, O_RDONLY);
	EXPECT_EQ(-EAGAIN, mb_take(c->rx[0], MBOX_NONBLOCK));
	ASSERT_EQ(0, mb_put(c->tx, 5, 0, 0));
	EXPECT_EQ(5, mb_take(c->rx[0], MBOX_NONBLOCK));
}

TEST_F(broadcast, last_receiver_that_closes_sets_all_senders_free)
{
	struct cast *c = &self->cast;
	int i;

	ASSERT_EQ(0, mb_set_capacity(c->fd, 1));
	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	for (i = 0; i < 3; i++) {
		call_put(&self->calls[i], c->tx, 2 + i, 0, 0);
		ASSERT_EQ(0, call_start(&self->calls[i]));
	}
	ASSERT_TRUE(wait_senders(c->fd, 3));
	close_receivers(c);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, call_join(&self->calls[i]));
	EXPECT_EQ(4, mb_status(c->fd).sent);
	EXPECT_EQ(0, mb_status(c->fd).queued);
}

TEST(hangup_is_told_to_senders)
{
	struct cast cast;
	struct mb_call call;

	ASSERT_EQ(0, cast_open(&cast, 1, MBOX_HANGUP));
	ASSERT_EQ(0, mb_put(cast.tx, 1, 0, 0));
	call_put(&call, cast.tx, 2, 0, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_senders(cast.fd, 1));
	close_receivers(&cast);
	EXPECT_EQ(-EPIPE, call_join(&call));
	EXPECT_EQ(-EPIPE, mb_put(cast.tx, 3, 0, 0));
	EXPECT_EQ(1, mb_status(cast.fd).sent);
	EXPECT_EQ(0, mb_status(cast.fd).queued);
	signal(SIGPIPE, SIG_IGN);
	EXPECT_EQ(-1, write(cast.tx, "", 1));
	EXPECT_EQ(EPIPE, errno);
	cast_close(&cast);
}

TEST(hangup_is_told_to_receivers_who_have_read_all)
{
	struct cast cast;
	struct mb_call call, other;
	char byte[4];

	ASSERT_EQ(0, cast_open(&cast, 2, MBOX_HANGUP));
	ASSERT_EQ(0, mb_put(cast.tx, 1, 0, 0));
	EXPECT_EQ(1, mb_take(cast.rx[0], 0));
	call_take(&call, cast.rx[0], 0);
	call_take(&other, cast.rx[0], 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_EQ(0, call_start(&other));
	ASSERT_TRUE(wait_receivers(cast.fd, 2));
	close(cast.tx);
	EXPECT_EQ(-EPIPE, call_join(&call));
	EXPECT_EQ(-EPIPE, call_join(&other));
	EXPECT_EQ(1, mb_take(cast.rx[1], 0));
	EXPECT_EQ(-EPIPE, mb_take(cast.rx[1], 0));
	EXPECT_EQ(4, read(cast.rx[2], byte, sizeof(byte)));
	EXPECT_EQ(0, read(cast.rx[2], byte, sizeof(byte)));
	cast.tx = -1;
	cast_close(&cast);
}

TEST_F(broadcast, who_shares_an_open_file_shares_its_place)
{
	struct cast *c = &self->cast;
	int copy = dup(c->rx[0]);

	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	ASSERT_EQ(0, mb_put(c->tx, 2, 0, 0));
	ASSERT_EQ(0, mb_put(c->tx, 3, 0, 0));
	EXPECT_EQ(1, mb_take(c->rx[0], 0));
	EXPECT_EQ(2, mb_take(copy, 0));
	IN_CHILD {
		EXPECT_EQ(3, mb_take(c->rx[0], MBOX_NONBLOCK));
		EXPECT_EQ(-EAGAIN, mb_take(copy, MBOX_NONBLOCK));
		/* The child's descriptors close with it; the place stays. */
	}
	EXPECT_EQ(-EAGAIN, mb_take(c->rx[0], MBOX_NONBLOCK));
	close(c->rx[0]);
	EXPECT_EQ(NR_RX, mb_status(c->fd).receivers);
	ASSERT_EQ(0, mb_put(c->tx, 4, 0, 0));
	EXPECT_EQ(4, mb_take(copy, MBOX_NONBLOCK));
	EXPECT_EQ(1, mb_take(c->rx[1], MBOX_NONBLOCK));
	c->rx[0] = copy;
}

TEST_F(broadcast, who_shares_a_place_is_served_in_turn)
{
	struct cast *c = &self->cast;
	int i;

	for (i = 0; i < 3; i++) {
		call_take(&self->calls[i], c->rx[0], 0);
		ASSERT_EQ(0, call_start(&self->calls[i]));
		ASSERT_TRUE(wait_receivers(c->fd, i + 1));
	}
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, mb_put(c->tx, i, 0, 0));
		EXPECT_EQ(0, call_join(&self->calls[i]));
		EXPECT_EQ(i, self->calls[i].number);
	}
	EXPECT_EQ(1, mb_status(c->fd).receivers - 2);
}

TEST_F(broadcast, several_messages_reach_several_who_share)
{
	struct cast *c = &self->cast;
	__u32 seen = 0;
	int i;

	for (i = 0; i < 3; i++) {
		call_take(&self->calls[i], c->rx[0], 0);
		ASSERT_EQ(0, call_start(&self->calls[i]));
	}
	ASSERT_TRUE(wait_receivers(c->fd, 3));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, mb_put(c->tx, i, 0, 0));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, call_join(&self->calls[i]));
		seen |= 1 << self->calls[i].number;
	}
	EXPECT_EQ(7, seen);
}

/* A page that a copy to it stops at, until it is let go. */
struct trap {
	int fd;
	void *page;
};

static int trap_set(struct trap *trap)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	trap->page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	trap->fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	reg.range.start = addr(trap->page);
	reg.range.len = getpagesize();
	if (trap->page == MAP_FAILED || trap->fd < 0 || ioctl(trap->fd, UFFDIO_API, &api) ||
	    ioctl(trap->fd, UFFDIO_REGISTER, &reg))
		return -errno;
	return 0;
}

static int trap_wait(const struct trap *trap)
{
	struct uffd_msg msg;

	return read(trap->fd, &msg, sizeof(msg)) == sizeof(msg) ? 0 : -EIO;
}

static int trap_let_go(struct trap *trap)
{
	struct uffdio_zeropage zero = {
		.range = { .start = addr(trap->page), .len = getpagesize() } };

	return ioctl(trap->fd, UFFDIO_ZEROPAGE, &zero) ? -errno : 0;
}

static void trap_end(struct trap *trap)
{
	close(trap->fd);
	munmap(trap->page, getpagesize());
}

/* Starts a receive that stands still in the middle of its copy. */
static int start_stuck(struct mb_call *call, struct trap *trap, int fd)
{
	int ret = trap_set(trap);

	if (ret)
		return ret;
	call_take(call, fd, 0);
	call->msg.buf = addr(trap->page);
	return call_start(call) ?: trap_wait(trap);
}

static int stuck_number(const struct trap *trap)
{
	return *(__u32 *)trap->page;
}

TEST_F(broadcast, receive_that_takes_its_time_holds_up_who_shares_and_nobody_else)
{
	struct cast *c = &self->cast;
	struct trap trap;

	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	ASSERT_EQ(0, start_stuck(&self->call, &trap, c->rx[0]));
	EXPECT_EQ(0, mb_put(c->tx, 2, 0, 0));
	EXPECT_EQ(1, mb_take(c->rx[1], MBOX_NONBLOCK));
	EXPECT_EQ(2, mb_take(c->rx[1], MBOX_NONBLOCK));
	EXPECT_EQ(-EAGAIN, mb_take(c->rx[0], MBOX_NONBLOCK));
	call_take(&self->calls[0], c->rx[0], 0);
	self->calls[0].msg.deadline = in_ms(20);
	ASSERT_EQ(0, call_start(&self->calls[0]));
	EXPECT_EQ(-ETIMEDOUT, call_join(&self->calls[0]));
	call_take(&self->calls[1], c->rx[0], 0);
	ASSERT_EQ(0, call_start(&self->calls[1]));
	ASSERT_TRUE(wait_receivers(c->fd, 1));
	ASSERT_EQ(0, trap_let_go(&trap));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(1, stuck_number(&trap));
	EXPECT_EQ(0, call_join(&self->calls[1]));
	EXPECT_EQ(2, self->calls[1].number);
	trap_end(&trap);
}

TEST_F(broadcast, poll_tells_who_shares_when_the_other_is_done)
{
	struct cast *c = &self->cast;
	struct pollfd pfd = { .fd = c->rx[0], .events = POLLIN };
	struct trap trap;

	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	ASSERT_EQ(0, mb_put(c->tx, 2, 0, 0));
	ASSERT_EQ(0, start_stuck(&self->call, &trap, c->rx[0]));
	EXPECT_EQ(0, poll(&pfd, 1, 0));
	ASSERT_EQ(0, trap_let_go(&trap));
	EXPECT_EQ(1, poll(&pfd, 1, WAIT_LIMIT_S * 1000));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(2, mb_take(c->rx[0], MBOX_NONBLOCK));
	trap_end(&trap);
}

/* What the other has still to leave is not the end, though the senders are gone. */
TEST(hangup_leaves_what_is_there_to_who_shares)
{
	struct cast cast;
	struct mb_call stuck, next, last;
	struct trap trap;

	ASSERT_EQ(0, cast_open(&cast, 2, MBOX_HANGUP));
	ASSERT_EQ(0, mb_put(cast.tx, 1, 0, 0));
	ASSERT_EQ(0, mb_put(cast.tx, 2, 0, 0));
	ASSERT_EQ(0, start_stuck(&stuck, &trap, cast.rx[0]));
	call_take(&next, cast.rx[0], 0);
	ASSERT_EQ(0, call_start(&next));
	ASSERT_TRUE(wait_receivers(cast.fd, 1));
	call_take(&last, cast.rx[0], 0);
	ASSERT_EQ(0, call_start(&last));
	ASSERT_TRUE(wait_receivers(cast.fd, 2));
	close(cast.tx);
	cast.tx = -1;
	EXPECT_EQ(2, mb_status(cast.fd).waiting_receivers);
	ASSERT_EQ(0, trap_let_go(&trap));
	EXPECT_EQ(0, call_join(&stuck));
	EXPECT_EQ(0, call_join(&next));
	EXPECT_EQ(2, next.number);
	EXPECT_EQ(-EPIPE, call_join(&last));
	trap_end(&trap);
	cast_close(&cast);
}

TEST_F(broadcast, receiver_killed_in_its_copy_leaves_the_message_to_who_shares)
{
	struct cast *c = &self->cast;
	struct trap *trap = shared_memory(sizeof(*trap));
	pid_t pid;

	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	ASSERT_EQ(0, mb_put(c->tx, 2, 0, 0));
	pid = child_fork();
	if (!pid) {
		if (start_stuck(&self->call, trap, c->rx[0]))
			_exit(1);
		/* Seen by the parent: the copy has stopped. */
		*(volatile int *)&trap->fd = -2;
		pause();
	}
	ASSERT_TRUE(wait_until(*(volatile int *)&trap->fd == -2));
	EXPECT_EQ(-EAGAIN, mb_take(c->rx[0], MBOX_NONBLOCK));
	call_take(&self->call, c->rx[0], 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_TRUE(wait_receivers(c->fd, 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(1, self->call.number);
	EXPECT_EQ(2, mb_take(c->rx[0], MBOX_NONBLOCK));
	EXPECT_EQ(2, mb_status(c->fd).received);
}

TEST(message_dropped_while_it_is_copied_is_received_and_not_missed)
{
	struct cast cast;
	struct mb_call call;
	struct trap trap;
	__u64 missed;
	__u32 n;

	ASSERT_EQ(0, cast_open(&cast, 2, MBOX_LOSSY));
	ASSERT_EQ(0, mb_put(cast.tx, 1, 0, 0));
	ASSERT_EQ(0, start_stuck(&call, &trap, cast.rx[0]));
	for (n = 2; n <= 6; n++)
		ASSERT_EQ(0, mb_put(cast.tx, n, 0, 0));
	EXPECT_EQ(2, mb_status(cast.fd).queued);
	ASSERT_EQ(0, trap_let_go(&trap));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(1, stuck_number(&trap));
	EXPECT_EQ(0, call.msg.missed);
	EXPECT_EQ(5, take_missed(cast.rx[0], &missed));
	EXPECT_EQ(3, missed);
	EXPECT_EQ(6, take_missed(cast.rx[0], &missed));
	EXPECT_EQ(0, missed);
	EXPECT_EQ(-EAGAIN, take_missed(cast.rx[0], &missed));
	trap_end(&trap);
	cast_close(&cast);
}

TEST_F(broadcast, failed_copy_leaves_the_message)
{
	struct cast *c = &self->cast;
	struct mbox_ioc_status before;
	struct mbox_ioc_msg msg;

	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	ASSERT_EQ(0, mb_put(c->tx, 2, 0, 0));
	before = mb_status(c->fd);
	EXPECT_EQ(-EFAULT, mb_recv(c->rx[0], unmapped_page(), 4, 0));
	EXPECT_EQ(-EMSGSIZE, mb_recv(c->rx[0], &msg, 3, 0));
	msg = mb_msg(NULL, 0, 0);
	EXPECT_EQ(-EMSGSIZE, ctl(c->rx[0], MBOX_IOC_RECV, &msg));
	EXPECT_EQ(4, msg.len);
	EXPECT_EQ(-1, read(c->rx[0], &msg, 3));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_UNCHANGED(c->fd, &before);
	EXPECT_EQ(1, mb_take(c->rx[0], 0));
	EXPECT_EQ(2, mb_take(c->rx[0], 0));
}

TEST_F(broadcast, waiting_receiver_with_too_little_room_is_told_and_loses_nothing)
{
	struct cast *c = &self->cast;

	call_take(&self->calls[0], c->rx[0], 0);
	self->calls[0].msg.len = 2;
	call_take(&self->calls[1], c->rx[0], 0);
	ASSERT_EQ(0, call_start(&self->calls[0]));
	ASSERT_TRUE(wait_receivers(c->fd, 1));
	ASSERT_EQ(0, call_start(&self->calls[1]));
	ASSERT_TRUE(wait_receivers(c->fd, 2));
	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	EXPECT_EQ(-EMSGSIZE, call_join(&self->calls[0]));
	EXPECT_EQ(4, self->calls[0].msg.len);
	EXPECT_EQ(0, call_join(&self->calls[1]));
	EXPECT_EQ(1, self->calls[1].number);
}

TEST_F(broadcast, batches)
{
	struct cast *c = &self->cast;
	__u32 out[4] = { 10, 11, 12, 13 }, in[4];
	struct mbox_ioc_msg msgs[4];
	struct mbox_ioc_batch batch = {
		.msgs = addr(msgs), .nr = 4, .msg_size = sizeof(msgs[0]) };
	int i, k;

	for (i = 0; i < 4; i++)
		msgs[i] = mb_msg(&out[i], 4, 0);
	ASSERT_EQ(4, ctl(c->tx, MBOX_IOC_SEND_BATCH, &batch));
	for (k = 0; k < NR_RX; k++) {
		memset(in, 0, sizeof(in));
		for (i = 0; i < 4; i++)
			msgs[i] = mb_msg(&in[i], 4, 0);
		EXPECT_EQ(4, ctl(c->rx[k], MBOX_IOC_RECV_BATCH, &batch));
		EXPECT_EQ(0, memcmp(in, out, sizeof(in)));
	}
	EXPECT_EQ(0, mb_status(c->fd).queued);
}

TEST_F(broadcast, what_it_does_not_do)
{
	struct cast *c = &self->cast;
	struct mbox_ioc_notify notify = { .signo = SIGUSR1 };
	struct mbox_ioc_status before;
	__u32 number = 3;
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), MBOX_SYNC);
	struct mbox_ioc_batch batch = { .msgs = addr(&msg), .nr = 1, .msg_size = sizeof(msg) };

	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	before = mb_status(c->fd);
	EXPECT_EQ(-EOPNOTSUPP, mb_put(c->tx, 2, 1, 0));
	EXPECT_EQ(-EOPNOTSUPP, mb_put(c->tx, 2, 0, MBOX_SYNC));
	EXPECT_EQ(-EOPNOTSUPP, ctl(c->tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ(-EOPNOTSUPP, mb_take(c->rx[0], MBOX_PEEK));
	EXPECT_EQ(-EOPNOTSUPP, mb_take(c->rx[0], MBOX_LEASE));
	EXPECT_EQ(-EOPNOTSUPP, mb_take(c->rx[0], MBOX_ACK));
	EXPECT_EQ(-EOPNOTSUPP, ctl(c->rx[0], MBOX_IOC_NOTIFY, &notify));
	EXPECT_EQ(-EINVAL, mb_set_capacity(c->fd, 0));
	EXPECT_EQ(-EINVAL, mb_put(c->tx, 2, MBOX_PRIO_MAX + 1, 0));
	EXPECT_EQ(-EBADF, mb_put(c->rx[0], 2, 0, 0));
	EXPECT_EQ(-EBADF, mb_take(c->tx, 0));
	EXPECT_UNCHANGED(c->fd, &before);
}

TEST(what_cannot_be_created)
{
	static const struct {
		__u32 flags;
		__u64 capacity;
	} bad[] = {
		{ MBOX_LOSSY, 1 },
		{ MBOX_LOSSY | MBOX_HANGUP, 1 },
		{ MBOX_BROADCAST, 0 },
		{ MBOX_BROADCAST | MBOX_LOSSY, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mbox_ioc_create create = mb_template(NULL, bad[i].capacity, O_RDWR);

		create.flags = bad[i].flags;
		EXPECT_EQ(-EINVAL, ctl(device(), MBOX_IOC_CREATE, &create))
			TH_LOG("flags %#x, capacity %llu", bad[i].flags, bad[i].capacity);
	}
}

TEST(lossy_drops_the_oldest_and_tells_how_many)
{
	struct cast cast;
	__u64 missed;
	__u32 n;

	ASSERT_EQ(0, cast_open(&cast, 3, MBOX_LOSSY));
	for (n = 0; n < 3; n++)
		ASSERT_EQ(0, mb_put(cast.tx, n, 0, 0));
	EXPECT_EQ(0, take_missed(cast.rx[0], &missed));
	for (n = 3; n < 10; n++)
		ASSERT_EQ(0, mb_put(cast.tx, n, 0, 0));
	EXPECT_EQ(3, mb_status(cast.fd).queued);
	EXPECT_EQ(10, mb_status(cast.fd).sent);
	EXPECT_EQ(7, mb_status(cast.fd).dropped);
	EXPECT_EQ(6, MISSED(cast.rx[0]));
	EXPECT_EQ(3, UNREAD(cast.rx[0]));
	EXPECT_EQ(7, take_missed(cast.rx[0], &missed));
	EXPECT_EQ(6, missed);
	EXPECT_EQ(0, MISSED(cast.rx[0]));
	EXPECT_EQ(8, take_missed(cast.rx[0], &missed));
	EXPECT_EQ(0, missed);
	EXPECT_EQ(7, take_missed(cast.rx[1], &missed));
	EXPECT_EQ(7, missed);
	/* What all have read is no loss. */
	EXPECT_EQ(8, take_missed(cast.rx[1], &missed));
	EXPECT_EQ(9, take_missed(cast.rx[1], &missed));
	EXPECT_EQ(9, take_missed(cast.rx[0], &missed));
	close(cast.rx[2]);
	cast.rx[2] = -1;
	EXPECT_EQ(0, mb_status(cast.fd).queued);
	EXPECT_EQ(7, mb_status(cast.fd).dropped);
	cast_close(&cast);
}

TEST(lossy_sender_never_waits)
{
	struct cast cast;
	__u64 missed;
	int late;
	__u32 n;

	ASSERT_EQ(0, cast_open(&cast, 1, MBOX_LOSSY));
	for (n = 0; n < 100; n++)
		ASSERT_EQ(0, mb_put(cast.tx, n, 0, n % 2 ? MBOX_NONBLOCK : 0));
	late = mb_open(cast.name, O_RDONLY);
	EXPECT_EQ(-EAGAIN, take_missed(late, &missed));
	for (; n < 103; n++)
		ASSERT_EQ(0, mb_put(cast.tx, n, 0, 0));
	EXPECT_EQ(102, take_missed(late, &missed));
	EXPECT_EQ(2, missed);
	EXPECT_EQ(102, take_missed(cast.rx[0], &missed));
	EXPECT_EQ(102, missed);
	close(late);
	cast_close(&cast);
}

TEST(missed_waits_for_a_receive_that_can_tell)
{
	struct cast cast;
	__u32 number, n;
	struct mbox_ioc_msg msg;
	__u64 missed;
	size_t old = offsetof(struct mbox_ioc_msg, missed);

	ASSERT_EQ(0, cast_open(&cast, 2, MBOX_LOSSY));
	for (n = 0; n < 5; n++)
		ASSERT_EQ(0, mb_put(cast.tx, n, 0, 0));
	/* read(2) has no place for it, nor has the struct as it was first. */
	EXPECT_EQ(4, read(cast.rx[0], &number, 4));
	EXPECT_EQ(3, number);
	EXPECT_EQ(4, take_missed(cast.rx[0], &missed));
	EXPECT_EQ(3, missed);
	msg = mb_msg(&number, sizeof(number), 0);
	msg.missed = 77;
	EXPECT_EQ(0, ctl(cast.rx[1], ioc_sized(MBOX_IOC_RECV, old), &msg));
	EXPECT_EQ(3, number);
	EXPECT_EQ(77, msg.missed);
	/* A receive that fails tells nobody. */
	EXPECT_EQ(-EFAULT, mb_recv(cast.rx[1], unmapped_page(), 4, 0));
	EXPECT_EQ(-EMSGSIZE, mb_recv(cast.rx[1], &number, 1, 0));
	EXPECT_EQ(4, take_missed(cast.rx[1], &missed));
	EXPECT_EQ(3, missed);
	EXPECT_EQ(-EAGAIN, take_missed(cast.rx[1], &missed));
	cast_close(&cast);
}

TEST(lossy_keeps_within_its_bytes)
{
	struct cast cast;
	struct mbox_ioc_create create;
	char large[100] = { 0 };
	__u64 missed;
	__u32 n;

	cast.name = unique_name("cast");
	create = mb_template(cast.name, MBOX_UNBOUNDED, O_WRONLY | O_EXCL);
	create.flags = MBOX_BROADCAST | MBOX_LOSSY;
	create.bytes = create.msgsize = 100;
	cast.tx = ctl(device(), MBOX_IOC_CREATE, &create);
	cast.rx[0] = mb_open(cast.name, O_RDONLY);
	ASSERT_LE(0, cast.rx[0]);
	for (n = 0; n < 30; n++)
		ASSERT_EQ(0, mb_put(cast.tx, n, 0, 0));
	EXPECT_EQ(25, mb_status(cast.tx).queued);
	EXPECT_EQ(5, take_missed(cast.rx[0], &missed));
	EXPECT_EQ(5, missed);
	ASSERT_EQ(0, mb_send(cast.tx, large, sizeof(large), 0, 0));
	EXPECT_EQ(1, mb_status(cast.tx).queued);
	EXPECT_EQ(100, mb_recv(cast.rx[0], large, sizeof(large), 0));
	mb_unlink(cast.name);
	close(cast.tx);
	close(cast.rx[0]);
}

/* More at once than one hold of the lock takes out. */
TEST(shrinking_a_lossy_one_is_made_good_by_the_next_send)
{
	struct cast cast;
	__u64 missed;
	__u32 n;

	ASSERT_EQ(0, cast_open(&cast, MBOX_UNBOUNDED, MBOX_LOSSY));
	for (n = 0; n < DEEP; n++)
		ASSERT_EQ(0, mb_put(cast.tx, n, 0, 0));
	EXPECT_EQ(DEEP, mb_status(cast.fd).queued);
	ASSERT_EQ(0, mb_set_capacity(cast.fd, 2));
	EXPECT_EQ(DEEP, mb_status(cast.fd).queued);
	EXPECT_EQ(0, take_missed(cast.rx[0], &missed));
	EXPECT_EQ(0, missed);
	ASSERT_EQ(0, mb_put(cast.tx, DEEP, 0, MBOX_NONBLOCK));
	EXPECT_EQ(2, mb_status(cast.fd).queued);
	EXPECT_EQ(DEEP - 1, take_missed(cast.rx[0], &missed));
	EXPECT_EQ(DEEP - 2, missed);
	EXPECT_EQ(DEEP - 1, take_missed(cast.rx[1], &missed));
	EXPECT_EQ(DEEP - 1, missed);
	cast_close(&cast);
}

TEST_F(broadcast, shrinking_loses_nothing)
{
	struct cast *c = &self->cast;
	int i, n;

	for (n = 0; n < 4; n++)
		ASSERT_EQ(0, mb_put(c->tx, n, 0, 0));
	ASSERT_EQ(0, mb_set_capacity(c->fd, 1));
	call_put(&self->call, c->tx, 4, 0, 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_TRUE(wait_senders(c->fd, 1));
	for (n = 0; n < 4; n++) {
		EXPECT_EQ(1, mb_status(c->fd).waiting_senders);
		for (i = 0; i < NR_RX; i++)
			EXPECT_EQ(n, mb_take(c->rx[i], MBOX_NONBLOCK));
	}
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(4, mb_take(c->rx[0], MBOX_NONBLOCK));
}

/* What the slowest leaves behind is freed in pieces, and senders are let in by them. */
TEST(closing_one_that_is_far_behind)
{
	struct cast cast;
	struct mb_call call;
	__u32 n;

	ASSERT_EQ(0, cast_open(&cast, DEEP, 0));
	for (n = 0; n < DEEP; n++) {
		ASSERT_EQ(0, mb_put(cast.tx, n, 0, 0));
		ASSERT_EQ(n, mb_take(cast.rx[0], 0));
		if (n < DEEP / 2)
			ASSERT_EQ(n, mb_take(cast.rx[1], 0));
	}
	call_put(&call, cast.tx, n, 0, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_senders(cast.fd, 1));
	close(cast.rx[2]);
	cast.rx[2] = -1;
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(DEEP / 2 + 1, mb_status(cast.fd).queued);
	for (n = DEEP / 2; n <= DEEP; n++)
		ASSERT_EQ(n, mb_take(cast.rx[1], MBOX_NONBLOCK));
	EXPECT_EQ(DEEP, mb_take(cast.rx[0], MBOX_NONBLOCK));
	EXPECT_EQ(0, mb_status(cast.fd).queued);
	cast_close(&cast);
}

/* A budget of one and a half messages, which is enough for any number of receivers. */
TEST(one_message_is_paid_for_once)
{
	long long user_bytes = param_get("user_bytes");
	static char data[MSGSIZE];
	struct cast cast;
	int i;

	ASSERT_LT(0, user_bytes);
	ASSERT_EQ(0, param_set("user_bytes", sizeof(data) * 3 / 2));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		ASSERT_EQ(0, cast_open(&cast, 8, 0));
		EXPECT_EQ(0, mb_send(cast.tx, data, sizeof(data), 0, 0));
		EXPECT_EQ(-EDQUOT, mb_send(cast.tx, data, sizeof(data), 0, 0));
		for (i = 0; i < NR_RX; i++) {
			EXPECT_EQ(-EDQUOT, mb_send(cast.tx, data, sizeof(data), 0, 0));
			EXPECT_EQ(sizeof(data), mb_recv(cast.rx[i], data, sizeof(data), 0));
		}
		EXPECT_EQ(0, mb_send(cast.tx, data, sizeof(data), 0, 0));
		close_receivers(&cast);
		for (i = 0; i < 10; i++)
			EXPECT_EQ(0, mb_send(cast.tx, data, sizeof(data), 0, 0));
		cast_close(&cast);
	}
	EXPECT_EQ(0, param_set("user_bytes", user_bytes));
}

TEST_F(broadcast, poll_tells_each_its_own)
{
	struct cast *c = &self->cast;
	int both = mb_open(c->name, O_RDWR);

	ASSERT_EQ(0, mb_set_capacity(c->fd, 1));
	EXPECT_EQ(0, events(c->rx[0]));
	EXPECT_EQ(OUT, events(c->tx));
	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	EXPECT_EQ(IN, events(c->rx[0]));
	EXPECT_EQ(IN, events(c->rx[1]));
	EXPECT_EQ(IN, events(both));
	EXPECT_EQ(0, events(c->tx));
	EXPECT_EQ(1, mb_take(c->rx[0], 0));
	EXPECT_EQ(0, events(c->rx[0]));
	EXPECT_EQ(IN, events(c->rx[1]));
	EXPECT_EQ(1, mb_take(c->rx[1], 0));
	EXPECT_EQ(1, mb_take(c->rx[2], 0));
	EXPECT_EQ(0, events(c->tx));
	EXPECT_EQ(1, mb_take(both, 0));
	EXPECT_EQ(OUT, events(c->tx));
	/* One that waits to receive is no room, where nothing is a rendezvous. */
	ASSERT_EQ(0, mb_put(c->tx, 2, 0, 0));
	EXPECT_EQ(2, mb_take(c->rx[0], 0));
	call_take(&self->call, c->rx[0], 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_TRUE(wait_receivers(c->fd, 1));
	EXPECT_EQ(0, events(c->tx));
	close(both);
	EXPECT_EQ(2, mb_take(c->rx[1], 0));
	EXPECT_EQ(2, mb_take(c->rx[2], 0));
	EXPECT_EQ(0, mb_put(c->tx, 3, 0, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->call));
}

TEST(poll_of_a_lossy_one_always_tells_of_room)
{
	struct cast cast;
	int i;

	ASSERT_EQ(0, cast_open(&cast, 1, MBOX_LOSSY));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(OUT, events(cast.tx));
		ASSERT_EQ(0, mb_put(cast.tx, i, 0, 0));
	}
	cast_close(&cast);
}

TEST(poll_tells_of_hangup_after_the_last_message)
{
	struct cast cast;

	ASSERT_EQ(0, cast_open(&cast, 2, MBOX_HANGUP));
	ASSERT_EQ(0, mb_put(cast.tx, 1, 0, 0));
	EXPECT_EQ(1, mb_take(cast.rx[0], 0));
	close(cast.tx);
	EXPECT_EQ(IN | POLLHUP, events(cast.rx[0]));
	EXPECT_EQ(IN | POLLHUP, events(cast.rx[1]));
	cast.tx = mb_open(cast.name, O_WRONLY);
	EXPECT_EQ(0, events(cast.rx[0]));
	close_receivers(&cast);
	EXPECT_EQ(OUT | POLLERR, events(cast.tx));
	cast_close(&cast);
}

static int epoll_of(int fd, __u32 flags)
{
	struct epoll_event event = { .events = flags };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) ? -errno : ep;
}

static int ready(int ep, int ms)
{
	struct epoll_event event;

	return epoll_wait(ep, &event, 1, ms) == 1 ? (int)event.events : 0;
}

TEST_F(broadcast, edges_come_with_each_message_to_each_receiver)
{
	struct cast *c = &self->cast;
	int ep[NR_RX], i, n;

	for (i = 0; i < NR_RX; i++)
		ep[i] = epoll_of(c->rx[i], EPOLLIN | EPOLLET);
	for (n = 0; n < 3; n++) {
		for (i = 0; i < NR_RX; i++)
			EXPECT_EQ(0, ready(ep[i], 0));
		ASSERT_EQ(0, mb_put(c->tx, n, 0, 0));
		for (i = 0; i < NR_RX; i++)
			EXPECT_EQ(EPOLLIN, ready(ep[i], 0));
	}
	for (i = 0; i < NR_RX; i++)
		close(ep[i]);
}

TEST_F(broadcast, sender_gets_its_edge_from_the_slowest)
{
	struct cast *c = &self->cast;
	int ep, i;

	ASSERT_EQ(0, mb_set_capacity(c->fd, 1));
	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	ep = epoll_of(c->tx, EPOLLOUT | EPOLLET);
	for (i = 0; i < NR_RX; i++) {
		EXPECT_EQ(0, ready(ep, 0));
		EXPECT_EQ(1, mb_take(c->rx[i], 0));
	}
	EXPECT_EQ(EPOLLOUT, ready(ep, 0));
	close(ep);
}

struct waiting {
	int ep;
	int events;
	bool done;
	pthread_t thread;
};

static void *wait_ready(void *arg)
{
	struct waiting *w = arg;

	w->events = ready(w->ep, WAIT_LIMIT_S * 1000);
	__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* EPOLLEXCLUSIVE spares those who wait for the same; receivers do not. */
TEST_F(broadcast, exclusive_pollers_of_several_receivers_are_all_woken)
{
	struct cast *c = &self->cast;
	struct waiting w[NR_RX] = { 0 };
	int i;

	for (i = 0; i < NR_RX; i++) {
		w[i].ep = epoll_of(c->rx[i], EPOLLIN | EPOLLEXCLUSIVE);
		ASSERT_LE(0, w[i].ep);
		ASSERT_EQ(0, pthread_create(&w[i].thread, NULL, wait_ready, &w[i]));
	}
	usleep(20000);
	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	for (i = 0; i < NR_RX; i++) {
		ASSERT_TRUE(wait_until(__atomic_load_n(&w[i].done, __ATOMIC_ACQUIRE)));
		pthread_join(w[i].thread, NULL);
		EXPECT_EQ(EPOLLIN, w[i].events);
		close(w[i].ep);
	}
}

TEST_F(broadcast, is_listed_as_one)
{
	static char table[1 << 16];
	char start[64];

	snprintf(start, sizeof(start), "\nbroadcast %llu ", mb_status(self->cast.fd).id);
	ASSERT_LT(0, read_text("/proc/net/mbox", table, sizeof(table)));
	EXPECT_TRUE(strstr(table, start));
}

TEST_F(broadcast, name_can_go_and_come)
{
	struct cast *c = &self->cast;
	struct mbox_ioc_create create;
	int fd;

	create = mb_template(c->name, 9, O_RDONLY);
	/* Without O_EXCL it is opened, and stays what it is. */
	fd = ctl(device(), MBOX_IOC_CREATE, &create);
	ASSERT_LE(0, fd);
	EXPECT_EQ(MBOX_BROADCAST, mb_status(fd).flags);
	EXPECT_EQ(NR_RX + 1, mb_status(fd).receivers);
	EXPECT_EQ(0, mb_unlink(c->name));
	ASSERT_EQ(0, mb_put(c->tx, 1, 0, 0));
	EXPECT_EQ(1, mb_take(fd, 0));
	EXPECT_EQ(1, mb_take(c->rx[0], 0));
	close(fd);
}

TEST_HARNESS_MAIN
