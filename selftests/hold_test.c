// SPDX-License-Identifier: GPL-2.0
/*
 * Leases: messages that are received and stay the mailbox's until they are acknowledged, given
 * back when whoever received them goes or takes too long, and dead in the end. Calls, which are
 * held too, have a program of their own.
 */
#include "common.h"
#include "harness.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define MANY	100
#define SHORT	(30 * NS_PER_MS)
/* On a busy machine, too, the test does something before its end. */
#define MEDIUM	NS_PER_S
#define LONG	(1000 * NS_PER_S)

/* A number that was received under a lease. */
struct leased {
	struct mbox_ioc_msg msg;
	__u32 number;
};

static int lease_msg(int fd, struct leased *l, __u64 ns, __u32 flags)
{
	l->number = 0;
	l->msg = mb_msg(&l->number, sizeof(l->number), MBOX_LEASE | flags);
	l->msg.lease = ns;
	return ctl(fd, MBOX_IOC_RECV, &l->msg);
}

/* Returns the number, and never waits. */
static int lease(int fd, struct leased *l, __u64 ns)
{
	int ret = lease_msg(fd, l, ns, MBOX_NONBLOCK);

	return ret ? ret : (int)l->number;
}

static int finish(int fd, __u64 delivery, __u32 flags)
{
	struct mbox_ioc_ack ack = { .delivery = delivery, .flags = flags };

	return ctl(fd, MBOX_IOC_ACK, &ack);
}

static int ack(int fd, const struct leased *l)
{
	return finish(fd, l->msg.delivery, 0);
}

static int give_back(int fd, const struct leased *l)
{
	return finish(fd, l->msg.delivery, MBOX_RETURN);
}

/* What a receiver gets next: the number, and how often it was leased before. */
static int take_told(int fd, __u32 *deliveries)
{
	__u32 number = 0;
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), MBOX_NONBLOCK);
	int ret = ctl(fd, MBOX_IOC_RECV, &msg);

	*deliveries = msg.deliveries;
	return ret ? ret : (int)number;
}

#define EXPECT_NEXT(fd, number, times) do {					\
	__u32 deliveries_;							\
										\
	EXPECT_EQ(number, take_told(fd, &deliveries_));				\
	EXPECT_EQ(times, deliveries_);						\
} while (0)

#define EXPECT_EMPTY(fd) EXPECT_EQ(-EAGAIN, mb_take(fd, MBOX_NONBLOCK))

#define held(fd)	(mb_status(fd).held)
#define queued(fd)	(mb_status(fd).queued)

/* rx and tx are of one mailbox by two open files, other is a third, which receives too. */
FIXTURE(lease) {
	const char *name;
	int rx;
	int tx;
	int other;
};

FIXTURE_SETUP(lease)
{
	self->name = unique_name("lease");
	self->rx = mb_create(self->name, MANY, O_RDONLY | O_EXCL);
	self->tx = mb_open(self->name, O_WRONLY);
	self->other = mb_open(self->name, O_RDWR);
	ASSERT_LE(0, self->rx);
	ASSERT_LE(0, self->tx);
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(lease)
{
	mb_unlink(self->name);
}

static void put_some(struct __test_metadata *_metadata, int fd, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		ASSERT_EQ(0, mb_put(fd, i, 0, MBOX_NONBLOCK));
}

TEST_F(lease, acknowledged_once_and_gone)
{
	struct mbox_ioc_status status;
	struct leased l;

	put_some(_metadata, self->tx, 2);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	EXPECT_NE(0, l.msg.delivery);
	EXPECT_EQ(0, l.msg.deliveries);
	EXPECT_EQ(0, l.msg.flags);
	EXPECT_EQ(getpid(), l.msg.pid);
	status = mb_status(self->tx);
	EXPECT_EQ(1, status.held);
	EXPECT_EQ(1, status.queued);
	EXPECT_EQ(1, status.received);
	EXPECT_EQ(2, status.sent);
	EXPECT_EQ(0, ack(self->rx, &l));
	EXPECT_EQ(0, held(self->rx));
	status = mb_status(self->rx);
	EXPECT_EQ(-ESTALE, ack(self->rx, &l));
	EXPECT_EQ(-ESTALE, give_back(self->rx, &l));
	EXPECT_UNCHANGED(self->rx, &status);
	EXPECT_NEXT(self->rx, 1, 0);
	EXPECT_EMPTY(self->rx);
	EXPECT_EQ(2, mb_status(self->rx).received);
}

TEST_F(lease, is_out_of_reach_until_then)
{
	struct leased l;

	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	EXPECT_EMPTY(self->rx);
	EXPECT_EMPTY(self->other);
	EXPECT_EQ(-ENOMSG, mb_take(self->rx, MBOX_PEEK));
	EXPECT_EQ(0, events(self->rx) & POLLIN);
	EXPECT_EQ(0, give_back(self->rx, &l));
	EXPECT_EQ(POLLIN, events(self->rx) & POLLIN);
	EXPECT_EQ(0, mb_take(self->other, MBOX_PEEK));
	EXPECT_NEXT(self->other, 0, 1);
}

TEST_F(lease, plain_receive_has_nothing_to_acknowledge)
{
	struct leased l = { .number = 0 };

	put_some(_metadata, self->tx, 1);
	l.msg = mb_msg(&l.number, sizeof(l.number), 0);
	l.msg.delivery = 7;
	ASSERT_EQ(0, ctl(self->rx, MBOX_IOC_RECV, &l.msg));
	EXPECT_EQ(0, l.msg.delivery);
	EXPECT_EQ(0, held(self->rx));
	EXPECT_EQ(-ESTALE, ack(self->rx, &l));
}

TEST_F(lease, tag_priority_and_sender_survive)
{
	__u32 number = 77, again = 0;
	struct mbox_ioc_msg sent = mb_msg(&number, sizeof(number), 0), got;
	struct leased l;
	pid_t pid = child_fork();

	sent.tag = 0x123456789abcdef;
	sent.prio = 9;
	if (!pid)
		_exit(ctl(self->tx, MBOX_IOC_SEND, &sent));
	ASSERT_EQ(0, child_wait(pid));
	ASSERT_EQ(77, lease(self->rx, &l, 0));
	EXPECT_EQ(sent.tag, l.msg.tag);
	ASSERT_EQ(0, give_back(self->rx, &l));
	got = mb_msg(&again, sizeof(again), 0);
	ASSERT_EQ(0, ctl(self->other, MBOX_IOC_RECV, &got));
	EXPECT_EQ(77, again);
	EXPECT_EQ(sent.tag, got.tag);
	EXPECT_EQ(9, got.prio);
	EXPECT_EQ(l.msg.pid, got.pid);
	EXPECT_EQ(1, got.deliveries);
}

TEST_F(lease, goes_back_to_the_front_of_its_priority)
{
	struct leased low, high;

	ASSERT_EQ(0, mb_put(self->tx, 10, 1, 0));
	ASSERT_EQ(0, mb_put(self->tx, 20, 2, 0));
	ASSERT_EQ(0, mb_put(self->tx, 11, 1, 0));
	ASSERT_EQ(20, lease(self->rx, &high, 0));
	ASSERT_EQ(10, lease(self->rx, &low, 0));
	ASSERT_EQ(0, mb_put(self->tx, 21, 2, 0));
	ASSERT_EQ(0, mb_put(self->tx, 30, 3, 0));
	EXPECT_EQ(0, give_back(self->rx, &low));
	EXPECT_EQ(0, give_back(self->rx, &high));
	EXPECT_NEXT(self->rx, 30, 0);
	EXPECT_NEXT(self->rx, 20, 1);
	EXPECT_NEXT(self->rx, 21, 0);
	EXPECT_NEXT(self->rx, 10, 1);
	EXPECT_NEXT(self->rx, 11, 0);
}

TEST_F(lease, counts_each_time_that_it_comes_back)
{
	struct leased l;
	__u64 before = 0;
	__u32 i;

	put_some(_metadata, self->tx, 1);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, lease(self->rx, &l, 0));
		EXPECT_EQ(i, l.msg.deliveries);
		EXPECT_NE(before, l.msg.delivery);
		before = l.msg.delivery;
		ASSERT_EQ(0, give_back(self->rx, &l));
	}
	EXPECT_NEXT(self->rx, 0, 5);
}

TEST_F(lease, many_given_back_at_once_keep_their_order)
{
	struct leased l;
	int i;

	put_some(_metadata, self->tx, MANY);
	for (i = 0; i < MANY - 10; i++)
		ASSERT_EQ(i, lease(self->rx, &l, 0));
	EXPECT_EQ(MANY - 10, held(self->tx));
	close(self->rx);
	EXPECT_EQ(0, held(self->tx));
	for (i = 0; i < MANY; i++)
		EXPECT_NEXT(self->other, i, i < MANY - 10);
}

TEST_F(lease, given_back_one_by_one_in_any_order_they_are_in_order)
{
	struct leased l[MANY];
	__u32 seed = 3;
	int i, k;

	for (i = 0; i < MANY; i++)
		ASSERT_EQ(0, mb_put(self->tx, i, i % 3, 0));
	for (i = 0; i < MANY; i++)
		ASSERT_LE(0, lease(self->rx, &l[i], 0));
	for (i = MANY; i; i--) {
		k = prng(&seed) % i;
		ASSERT_EQ(0, give_back(self->rx, &l[k]));
		l[k] = l[i - 1];
	}
	for (k = 2; k >= 0; k--)
		for (i = k; i < MANY; i += 3)
			EXPECT_NEXT(self->rx, i, 1);
	EXPECT_EMPTY(self->rx);
}

TEST_F(lease, goes_to_those_who_wait_in_their_order)
{
	struct mb_call calls[3];
	struct leased l;
	int i;

	put_some(_metadata, self->tx, 3);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(i, lease(self->rx, &l, 0));
	for (i = 0; i < 3; i++) {
		call_take(&calls[i], self->other, 0);
		ASSERT_EQ(0, call_start(&calls[i]));
		ASSERT_TRUE(wait_receivers(self->other, i + 1));
	}
	close(self->rx);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, call_join(&calls[i]));
		EXPECT_EQ(i, calls[i].number);
		EXPECT_EQ(1, calls[i].msg.deliveries);
	}
}

/* One who waits for a lease of its own gets one. */
TEST_F(lease, goes_to_one_who_waits_for_a_lease)
{
	struct mb_call call;
	struct leased l;

	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	call_take(&call, self->other, MBOX_LEASE);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->other, 1));
	ASSERT_EQ(0, give_back(self->rx, &l));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(1, held(self->tx));
	EXPECT_NE(l.msg.delivery, call.msg.delivery);
	EXPECT_EQ(-ESTALE, ack(self->rx, &l));
	EXPECT_EQ(0, finish(self->other, call.msg.delivery, 0));
	EXPECT_EQ(0, held(self->tx));
}

TEST_F(lease, receiver_with_too_small_a_buffer_lets_it_pass)
{
	struct mbox_ioc_msg small = { .flags = MBOX_LEASE | MBOX_NONBLOCK };
	struct mb_call call = { .fd = self->other, .cmd = MBOX_IOC_RECV };
	struct leased l;

	put_some(_metadata, self->tx, 1);
	EXPECT_EQ(-EMSGSIZE, ctl(self->rx, MBOX_IOC_RECV, &small));
	EXPECT_EQ(sizeof(l.number), small.len);
	EXPECT_EQ(0, held(self->rx));
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	EXPECT_EQ(0, l.msg.deliveries);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->other, 1));
	EXPECT_EQ(0, give_back(self->rx, &l));
	EXPECT_EQ(-EMSGSIZE, call_join(&call));
	EXPECT_NEXT(self->rx, 0, 1);
}

TEST_F(lease, failed_receive_leaves_the_message_undelivered)
{
	struct mbox_ioc_msg bad = { .buf = 1, .len = 8, .flags = MBOX_LEASE };
	struct mbox_ioc_status before;

	put_some(_metadata, self->tx, 1);
	before = mb_status(self->rx);
	EXPECT_EQ(-EFAULT, ctl(self->rx, MBOX_IOC_RECV, &bad));
	EXPECT_UNCHANGED(self->rx, &before);
	EXPECT_NEXT(self->rx, 0, 0);
	EXPECT_EQ(-EAGAIN, mb_take(self->rx, MBOX_LEASE | MBOX_NONBLOCK));
}

/* Who goes */

TEST_F(lease, close_gives_back_but_not_while_there_is_a_copy)
{
	int copy = dup(self->rx);
	struct leased l;

	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, lease(copy, &l, 0));
	close(copy);
	EXPECT_EQ(1, held(self->tx));
	copy = dup(self->rx);
	close(self->rx);
	EXPECT_EQ(1, held(self->tx));
	EXPECT_EQ(-EAGAIN, mb_take(self->other, MBOX_NONBLOCK));
	close(copy);
	EXPECT_EQ(0, held(self->tx));
	EXPECT_NEXT(self->other, 0, 1);
}

TEST_F(lease, descriptor_put_over_it_gives_back)
{
	struct leased l;

	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	ASSERT_EQ(self->rx, dup2(self->tx, self->rx));
	EXPECT_NEXT(self->other, 0, 1);
}

/* In a child that shares the descriptor: leases one, tells it, and waits to be killed. */
static pid_t holder(struct __test_metadata *_metadata, int fd, struct leased *l)
{
	struct leased *shared = shared_memory(sizeof(*shared));
	__u32 before = held(fd);
	pid_t pid = child_fork();

	if (!pid) {
		lease(fd, shared, 0);
		for (;;)
			pause();
	}
	EXPECT_TRUE(wait_until(held(fd) == before + 1));
	EXPECT_TRUE(wait_until(__atomic_load_n(&shared->msg.delivery, __ATOMIC_ACQUIRE)));
	*l = *shared;
	return pid;
}

TEST_F(lease, killed_process_gives_back_its_own_and_no_others)
{
	struct leased parents, childs;
	pid_t pid;

	put_some(_metadata, self->tx, 3);
	ASSERT_EQ(0, lease(self->rx, &parents, 0));
	pid = holder(_metadata, self->rx, &childs);
	EXPECT_EQ(1, childs.number);
	EXPECT_EQ(2, held(self->tx));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_EQ(1, held(self->tx));
	EXPECT_EQ(-ESTALE, ack(self->rx, &childs));
	EXPECT_NEXT(self->other, 1, 1);
	EXPECT_EQ(0, ack(self->rx, &parents));
	EXPECT_NEXT(self->other, 2, 0);
}

TEST_F(lease, exit_gives_back)
{
	struct leased l;
	pid_t pid;

	put_some(_metadata, self->tx, 1);
	pid = child_fork();
	if (!pid)
		_exit(lease(self->rx, &l, 0));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, held(self->tx));
	EXPECT_NEXT(self->rx, 0, 1);
}

TEST_F(lease, fork_shares_the_descriptor_and_either_acknowledges)
{
	struct leased l;
	pid_t pid;

	put_some(_metadata, self->tx, 2);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	pid = child_fork();
	if (!pid)
		_exit(-ack(self->rx, &l));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(-ESTALE, ack(self->rx, &l));
	pid = holder(_metadata, self->rx, &l);
	EXPECT_EQ(0, ack(self->rx, &l));
	kill(pid, SIGKILL);
	child_wait(pid);
	EXPECT_EMPTY(self->other);
}

/* A child that comes and goes takes nothing of its parent's with it. */
TEST_F(lease, end_of_a_child_does_not_give_back_its_parents)
{
	struct leased l;
	pid_t pid;

	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	pid = child_fork();
	if (!pid)
		_exit(close(self->rx));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(1, held(self->tx));
	EXPECT_EQ(0, ack(self->rx, &l));
}

TEST_F(lease, parent_that_closes_leaves_the_childs)
{
	struct leased mine, childs;
	pid_t pid;

	put_some(_metadata, self->tx, 2);
	ASSERT_EQ(0, lease(self->rx, &mine, 0));
	pid = holder(_metadata, self->rx, &childs);
	close(self->rx);
	EXPECT_EQ(1, held(self->tx));
	EXPECT_NEXT(self->other, 0, 1);
	EXPECT_EMPTY(self->other);
	kill(pid, SIGKILL);
	child_wait(pid);
	EXPECT_TRUE(wait_until(held(self->tx) == 0));
	EXPECT_NEXT(self->other, 1, 1);
}

static void *lease_in_thread(void *arg)
{
	struct leased *l = arg;

	lease(l->msg.len, l, 0);
	return NULL;
}

TEST_F(lease, belongs_to_the_process_and_not_to_the_thread)
{
	struct leased l = { .msg.len = self->rx };
	pthread_t thread;

	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, lease_in_thread, &l));
	pthread_join(thread, NULL);
	EXPECT_EQ(1, held(self->tx));
	EXPECT_EQ(0, ack(self->rx, &l));
}

/* Another program: close-on-exec gives back, a descriptor that is kept keeps the lease. */
static pid_t run_cat(struct __test_metadata *_metadata, int fd, bool keep, int *input)
{
	struct leased l;
	int pipes[2];
	pid_t pid;

	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	pid = child_fork();
	if (!pid) {
		if (lease(fd, &l, 0))
			_exit(99);
		fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
		dup2(pipes[0], 0);
		execlp("cat", "cat", NULL);
		_exit(98);
	}
	close(pipes[0]);
	*input = pipes[1];
	return pid;
}

/* It blocks in its read once it runs: then all is closed that is to be. */
static bool is_cat(pid_t pid)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	return read_text(path, text, sizeof(text)) > 0 && strstr(text, "(cat) S");
}

TEST_F(lease, exec_gives_back_what_it_closes)
{
	int input;
	pid_t pid;

	put_some(_metadata, self->tx, 1);
	pid = run_cat(_metadata, self->rx, false, &input);
	EXPECT_TRUE(wait_until(is_cat(pid)));
	EXPECT_EQ(0, held(self->tx));
	EXPECT_NEXT(self->other, 0, 1);
	close(input);
	EXPECT_EQ(0, child_wait(pid));
}

TEST_F(lease, exec_keeps_what_it_does_not_close)
{
	int input;
	pid_t pid;

	put_some(_metadata, self->tx, 1);
	pid = run_cat(_metadata, self->rx, true, &input);
	EXPECT_TRUE(wait_until(is_cat(pid)));
	EXPECT_EQ(1, held(self->tx));
	EXPECT_EMPTY(self->other);
	close(input);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_NEXT(self->other, 0, 1);
}

TEST_F(lease, passed_descriptor_acknowledges_but_does_not_keep_it)
{
	int pair[2], passed;
	struct leased l;
	pid_t pid;

	put_some(_metadata, self->tx, 2);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = child_fork();
	if (!pid) {
		int fd = mb_open(self->name, O_RDONLY);

		if (lease(fd, &l, 0) || write(pair[1], &l, sizeof(l)) != sizeof(l) ||
		    fd_send(pair[1], fd))
			_exit(1);
		if (lease(fd, &l, 0) != 1 || write(pair[1], &l, sizeof(l)) != sizeof(l))
			_exit(1);
		for (;;)
			pause();
	}
	ASSERT_EQ(sizeof(l), read(pair[0], &l, sizeof(l)));
	passed = fd_recv(pair[0]);
	ASSERT_LE(0, passed);
	EXPECT_EQ(0, ack(passed, &l));
	ASSERT_EQ(sizeof(l), read(pair[0], &l, sizeof(l)));
	EXPECT_EQ(1, held(self->tx));
	kill(pid, SIGKILL);
	child_wait(pid);
	EXPECT_EQ(0, held(self->tx));
	EXPECT_EQ(-ESTALE, ack(passed, &l));
	EXPECT_NEXT(self->other, 1, 1);
}

/* A descriptor in a socket is nobody's, and keeps no lease. */
TEST_F(lease, descriptor_in_flight_keeps_nothing)
{
	struct leased l;
	int pair[2];

	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	ASSERT_EQ(0, fd_send(pair[0], self->rx));
	close(self->rx);
	EXPECT_NEXT(self->other, 0, 1);
}

/* Closed by one thread while another waits in it, and shared with a process that stays. */
static void close_while_waiting(struct __test_metadata *_metadata,
				FIXTURE_DATA(lease) *self)
{
	struct mb_call call;
	pid_t pid = child_fork();

	if (!pid)
		for (;;)
			pause();
	call_take(&call, self->rx, MBOX_LEASE);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->tx, 1));
	close(self->rx);
	EXPECT_EQ(1, mb_status(self->tx).waiting_receivers);
	ASSERT_EQ(0, mb_put(self->tx, 5, 0, 0));
	EXPECT_EQ(0, call_join(&call));
	/* Nobody in this process can acknowledge it. */
	EXPECT_TRUE(wait_until(held(self->tx) == 0));
	EXPECT_NEXT(self->other, 5, 1);
	kill(pid, SIGKILL);
	child_wait(pid);
}

TEST_F(lease, closed_while_it_is_waited_for)
{
	close_while_waiting(_metadata, self);
}

/* That it was there after the end of a child says nothing about later. */
TEST_F(lease, closed_while_it_is_waited_for_and_a_child_had_been_there)
{
	struct leased l;
	pid_t pid = child_fork();

	if (!pid)
		_exit(0);
	EXPECT_EQ(0, child_wait(pid));
	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	EXPECT_EQ(0, ack(self->rx, &l));
	close_while_waiting(_metadata, self);
}

/* kill -9 at each step: what was leased is all there, once. */
static void kill_while(struct __test_metadata *_metadata, int fd, size_t size, useconds_t after,
		       __u32 *returned)
{
	char *buf = shared_memory(MBOX_MSGSIZE_MAX);
	struct mbox_ioc_msg msg = mb_msg(buf, size, MBOX_NONBLOCK);
	pid_t pid = child_fork();

	if (!pid) {
		msg.flags |= MBOX_LEASE;
		ctl(fd, MBOX_IOC_RECV, &msg);
		for (;;)
			pause();
	}
	usleep(after);
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_EQ(0, held(fd));
	EXPECT_EQ(1, queued(fd));
	memset(buf, 0, size);
	ASSERT_EQ(0, ctl(fd, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(size, msg.len);
	EXPECT_TRUE(pattern_check(buf, size, 4));
	EXPECT_GE(1, msg.deliveries);
	*returned += msg.deliveries;
	munmap(buf, MBOX_MSGSIZE_MAX);
}

TEST_F(lease, killed_at_any_time_around_the_copy)
{
	struct mbox_ioc_create create = mb_template(NULL, 1, O_RDWR);
	const size_t size = 4 << 20;
	char *data = shared_memory(size);
	__u32 returned = 0;
	int fd, i;

	create.msgsize = size;
	fd = ctl(device(), MBOX_IOC_CREATE, &create);
	ASSERT_LE(0, fd);
	pattern_fill(data, size, 4);
	for (i = 0; i < 30; i++) {
		ASSERT_EQ(0, mb_send(fd, data, size, 0, 0));
		kill_while(_metadata, fd, size, i * 3000, &returned);
	}
	TH_LOG("%u of 30 were killed with the lease", returned);
}

TEST_F(lease, killed_while_waiting_for_one)
{
	pid_t pid = child_fork();
	struct leased l;

	if (!pid)
		_exit(lease_msg(self->rx, &l, 0, 0));
	ASSERT_TRUE(wait_receivers(self->tx, 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	put_some(_metadata, self->tx, 1);
	EXPECT_NEXT(self->rx, 0, 0);
}

/* Time */

TEST_F(lease, runs_out_and_never_before_its_time)
{
	__u64 start, ns;
	struct leased l;
	__u32 number;

	for (ns = 1; ns <= 64 * NS_PER_MS; ns = ns * 4 + 1) {
		ASSERT_EQ(0, mb_put(self->tx, 3, 0, 0));
		start = now_ns(CLOCK_MONOTONIC);
		ASSERT_EQ(3, lease(self->rx, &l, ns));
		EXPECT_EQ(ns, l.msg.lease);
		/* This waits for it. */
		ASSERT_EQ(sizeof(number), mb_recv(self->other, &number, sizeof(number), 0));
		EXPECT_LE(start + ns, now_ns(CLOCK_MONOTONIC));
		EXPECT_EQ(-ESTALE, ack(self->rx, &l));
		EXPECT_EQ(0, held(self->tx));
	}
}

TEST_F(lease, runs_out_into_the_queue)
{
	struct pollfd pfd = { .fd = self->other, .events = POLLIN };
	struct leased l;

	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, lease(self->rx, &l, SHORT));
	EXPECT_EQ(1, poll(&pfd, 1, WAIT_LIMIT_S * 1000));
	EXPECT_EQ(0, held(self->tx));
	EXPECT_EQ(-ESTALE, give_back(self->rx, &l));
	EXPECT_NEXT(self->other, 0, 1);
}

TEST_F(lease, acknowledged_in_time_does_not_come_back)
{
	struct leased l, last;

	put_some(_metadata, self->tx, 2);
	ASSERT_EQ(0, lease(self->rx, &l, MEDIUM));
	ASSERT_EQ(1, lease(self->rx, &last, MEDIUM));
	EXPECT_EQ(0, ack(self->rx, &l));
	EXPECT_TRUE(wait_until(held(self->tx) == 0));
	EXPECT_NEXT(self->other, 1, 1);
	EXPECT_EMPTY(self->other);
}

/* Each has its own end, whatever the order in which they were made. */
TEST_F(lease, the_shorter_of_two_ends_first)
{
	struct leased endless, longest, mid, shortest;

	put_some(_metadata, self->tx, 4);
	ASSERT_EQ(0, lease(self->rx, &endless, 0));
	ASSERT_EQ(1, lease(self->rx, &longest, LONG));
	ASSERT_EQ(2, lease(self->rx, &mid, MEDIUM));
	ASSERT_EQ(3, lease(self->rx, &shortest, SHORT));
	EXPECT_EQ(3, mb_take(self->other, 0));
	EXPECT_EQ(-ESTALE, ack(self->rx, &shortest));
	EXPECT_EQ(2, mb_take(self->other, 0));
	EXPECT_EQ(2, held(self->tx));
	EXPECT_EQ(0, ack(self->rx, &longest));
	EXPECT_EQ(0, ack(self->rx, &endless));
}

TEST_F(lease, longest_time_there_is)
{
	struct leased l;

	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, lease(self->rx, &l, INT64_MAX));
	EXPECT_EQ(-EAGAIN, mb_take(self->other, MBOX_NONBLOCK));
	usleep(20000);
	EXPECT_EQ(0, ack(self->rx, &l));
}

/* Whose */

TEST_F(lease, two_files_of_one_mailbox_do_not_acknowledge_each_others)
{
	struct leased a, b;

	put_some(_metadata, self->tx, 2);
	ASSERT_EQ(0, lease(self->rx, &a, 0));
	ASSERT_EQ(1, lease(self->other, &b, 0));
	EXPECT_NE(a.msg.delivery, b.msg.delivery);
	EXPECT_EQ(-ESTALE, ack(self->other, &a));
	EXPECT_EQ(-ESTALE, give_back(self->rx, &b));
	EXPECT_EQ(2, held(self->tx));
	EXPECT_EQ(0, ack(self->rx, &a));
	EXPECT_EQ(0, ack(self->other, &b));
}

TEST_F(lease, needs_the_right_to_receive)
{
	int neither = mb_open(self->name, O_ACCMODE);
	struct leased l;

	put_some(_metadata, self->tx, 1);
	EXPECT_EQ(-EBADF, lease(self->tx, &l, 0));
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	EXPECT_EQ(-EBADF, ack(self->tx, &l));
	EXPECT_EQ(-EBADF, ack(neither, &l));
	EXPECT_EQ(0, ack(self->rx, &l));
}

/* Capacity, rendezvous, synchronous sends, hang-up */

TEST_F(lease, takes_no_room_and_comes_back_to_a_full_mailbox)
{
	struct mb_call call;
	struct leased l;

	ASSERT_EQ(0, mb_set_capacity(self->rx, 1));
	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	EXPECT_EQ(POLLOUT, events(self->tx) & POLLOUT);
	EXPECT_EQ(0, mb_put(self->tx, 1, 0, MBOX_NONBLOCK));
	call_put(&call, self->tx, 2, 0, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_senders(self->tx, 1));
	EXPECT_EQ(0, give_back(self->rx, &l));
	EXPECT_EQ(2, queued(self->rx));
	EXPECT_EQ(0, events(self->tx) & POLLOUT);
	EXPECT_NEXT(self->rx, 0, 1);
	EXPECT_FALSE(call_done(&call));
	EXPECT_NEXT(self->rx, 1, 0);
	EXPECT_EQ(0, call_join(&call));
	EXPECT_NEXT(self->rx, 2, 0);
}

TEST_F(lease, ends_a_rendezvous_at_the_lease)
{
	struct mb_call call;
	struct leased l;

	ASSERT_EQ(0, mb_set_capacity(self->rx, 0));
	call_put(&call, self->tx, 4, 0, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_senders(self->tx, 1));
	ASSERT_EQ(4, lease(self->rx, &l, 0));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(0, give_back(self->rx, &l));
	EXPECT_EQ(1, queued(self->rx));
	EXPECT_EQ(-EAGAIN, mb_put(self->tx, 5, 0, MBOX_NONBLOCK));
	EXPECT_NEXT(self->rx, 4, 1);
}

TEST_F(lease, ends_a_synchronous_send_once)
{
	struct mb_call call;
	struct leased l;

	call_put(&call, self->tx, 4, 0, MBOX_SYNC);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_senders(self->tx, 1));
	ASSERT_EQ(4, lease(self->rx, &l, 0));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(0, give_back(self->rx, &l));
	ASSERT_EQ(4, lease(self->rx, &l, 0));
	EXPECT_EQ(0, ack(self->rx, &l));
	EXPECT_EQ(0, mb_status(self->rx).waiting_senders);
}

TEST_F(lease, handed_to_a_waiting_receiver_ends_the_rendezvous_too)
{
	struct mb_call call;

	ASSERT_EQ(0, mb_set_capacity(self->rx, 0));
	call_take(&call, self->rx, MBOX_LEASE);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_EQ(0, mb_put(self->tx, 6, 0, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(6, call.number);
	EXPECT_EQ(1, held(self->tx));
	EXPECT_EQ(0, finish(self->rx, call.msg.delivery, 0));
}

TEST_F(lease, mailbox_that_shrank_takes_all_of_them_back)
{
	struct leased l;
	int i;

	put_some(_metadata, self->tx, 10);
	for (i = 0; i < 10; i++)
		ASSERT_EQ(i, lease(self->rx, &l, 0));
	ASSERT_EQ(0, mb_set_capacity(self->other, 0));
	close(self->rx);
	EXPECT_EQ(10, queued(self->tx));
	for (i = 0; i < 10; i++)
		EXPECT_NEXT(self->other, i, 1);
}

TEST(lease_of_a_mailbox_whose_senders_have_gone)
{
	struct mb_ends box;
	struct leased l;

	ASSERT_EQ(0, mb_ends_open(&box, 4, MBOX_HANGUP));
	ASSERT_EQ(0, mb_put(box.tx, 1, 0, 0));
	close(box.tx);
	ASSERT_EQ(1, lease(box.rx, &l, 0));
	close(box.both);
	EXPECT_EQ(-EPIPE, mb_take(box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, give_back(box.rx, &l));
	EXPECT_EQ(IN | POLLHUP, events(box.rx));
	EXPECT_NEXT(box.rx, 1, 1);
	EXPECT_EQ(-EPIPE, mb_take(box.rx, MBOX_NONBLOCK));
}

/* The last receiver goes with a lease: what comes back waits for another. */
TEST(lease_of_a_mailbox_whose_receivers_have_gone)
{
	const char *name = unique_name("hangup");
	struct leased l;
	int tx, rx;

	tx = mb_create_flags(name, 4, O_WRONLY | O_EXCL, MBOX_HANGUP);
	rx = mb_open(name, O_RDONLY);
	ASSERT_EQ(0, mb_put(tx, 1, 0, 0));
	ASSERT_EQ(1, lease(rx, &l, 0));
	close(rx);
	EXPECT_EQ(-EPIPE, mb_put(tx, 2, 0, 0));
	EXPECT_EQ(1, queued(tx));
	rx = mb_open(name, O_RDONLY);
	EXPECT_NEXT(rx, 1, 1);
	EXPECT_EQ(0, mb_unlink(name));
}

TEST_F(lease, goes_on_without_the_name)
{
	struct leased l;

	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, lease(self->rx, &l, SHORT));
	EXPECT_EQ(0, mb_unlink(self->name));
	EXPECT_EQ(0, mb_take(self->other, 0));
	EXPECT_EQ(-ESTALE, ack(self->rx, &l));
}

/* With the mailbox itself goes all that is leased, and the timer. */
TEST(last_close_frees_what_is_leased)
{
	long long before;
	struct leased l;
	int fd, i;

	device();
	before = module_refcount();
	for (i = 0; i < 10; i++) {
		fd = mb_create(NULL, 4, O_RDWR);
		ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
		ASSERT_EQ(0, mb_put(fd, 2, 0, 0));
		ASSERT_EQ(1, lease(fd, &l, LONG));
		ASSERT_EQ(2, lease(fd, &l, NS_PER_MS));
		close(fd);
	}
	EXPECT_TRUE(wait_until(module_refcount() == before));
}

/* Told by a signal as any arrival, whose sender is the message's. */
static __s32 signal_pid;

static void on_signal(int signo, siginfo_t *info, void *context)
{
	__atomic_store_n(&signal_pid, info->si_pid, __ATOMIC_RELEASE);
}

TEST_F(lease, what_comes_back_to_the_empty_mailbox_notifies)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	struct mbox_ioc_notify notify = { .signo = SIGUSR1 };
	struct leased l;

	sigaction(SIGUSR1, &action, NULL);
	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, ctl(self->other, MBOX_IOC_NOTIFY, &notify));
	ASSERT_EQ(0, lease(self->rx, &l, SHORT));
	EXPECT_TRUE(wait_until(__atomic_load_n(&signal_pid, __ATOMIC_ACQUIRE)));
	EXPECT_EQ(getpid(), signal_pid);
	EXPECT_NEXT(self->other, 0, 1);
}

/* Batches */

TEST_F(lease, batch_has_a_delivery_for_each)
{
	struct mbox_ioc_msg msgs[8];
	struct mbox_ioc_batch batch = { .msgs = addr(msgs), .nr = 8, .msg_size = sizeof(msgs[0]) };
	__u32 numbers[8];
	int i;

	put_some(_metadata, self->tx, 5);
	for (i = 0; i < 8; i++) {
		msgs[i] = mb_msg(&numbers[i], sizeof(numbers[i]), i == 2 ? 0 : MBOX_LEASE);
		msgs[i].lease = i == 2 ? 0 : LONG;
	}
	ASSERT_EQ(5, ctl(self->rx, MBOX_IOC_RECV_BATCH, &batch));
	EXPECT_EQ(4, held(self->tx));
	EXPECT_EQ(0, msgs[2].delivery);
	EXPECT_EQ(0, finish(self->rx, msgs[0].delivery, 0));
	EXPECT_EQ(0, finish(self->rx, msgs[3].delivery, 0));
	close(self->rx);
	EXPECT_NEXT(self->other, 1, 1);
	EXPECT_NEXT(self->other, 4, 1);
	EXPECT_EMPTY(self->other);
}

/* Done with one, and on to the next, in one call */

static int lease_next(int fd, struct leased *l, __u32 flags)
{
	__u64 last = l->msg.delivery;

	l->msg = mb_msg(&l->number, sizeof(l->number), MBOX_LEASE | MBOX_ACK | flags);
	l->msg.delivery = last;
	return ctl(fd, MBOX_IOC_RECV, &l->msg);
}

TEST_F(lease, next_is_leased_and_the_last_acknowledged)
{
	struct leased l = { 0 };
	int i;

	put_some(_metadata, self->tx, 5);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(0, lease_next(self->rx, &l, 0));
		EXPECT_EQ(i, l.number);
		EXPECT_EQ(1, held(self->rx));
	}
	close(self->rx);
	EXPECT_NEXT(self->other, 4, 1);
	EXPECT_EMPTY(self->other);
}

TEST_F(lease, last_is_acknowledged_by_a_plain_receive)
{
	struct mbox_ioc_msg msg;
	struct leased l;
	__u32 number = 0;

	put_some(_metadata, self->tx, 2);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	msg = mb_msg(&number, sizeof(number), MBOX_ACK);
	msg.delivery = l.msg.delivery;
	EXPECT_EQ(0, ctl(self->rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(1, number);
	EXPECT_EQ(0, msg.delivery);
	EXPECT_EQ(0, held(self->rx));
}

/* What is done is done, and is not asked for again when the call is made again as it is. */
TEST_F(lease, receive_that_fails_after_the_acknowledgment_says_so)
{
	struct mbox_ioc_msg msg;
	struct leased l;

	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	EXPECT_EQ(-EAGAIN, lease_next(self->rx, &l, MBOX_NONBLOCK));
	EXPECT_EQ(0, l.msg.delivery);
	EXPECT_EQ(0, held(self->rx));
	EXPECT_EQ(-EAGAIN, ctl(self->rx, MBOX_IOC_RECV, &l.msg));

	put_some(_metadata, self->tx, 2);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	msg = l.msg;
	msg.flags = MBOX_ACK;
	msg.len = 1;
	EXPECT_EQ(-EMSGSIZE, ctl(self->rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(0, msg.delivery);
	EXPECT_EQ(sizeof(__u32), msg.len);
	EXPECT_EQ(0, held(self->rx));
	EXPECT_EQ(0, ctl(self->rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(1, l.number);

	put_some(_metadata, self->tx, 2);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	msg = l.msg;
	msg.flags = MBOX_ACK;
	msg.buf = addr(unmapped_page());
	EXPECT_EQ(-EFAULT, ctl(self->rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(0, msg.delivery);
	EXPECT_EQ(0, held(self->rx));
	EXPECT_NEXT(self->rx, 1, 0);
}

TEST_F(lease, stale_acknowledgment_receives_nothing)
{
	struct mbox_ioc_status before;
	struct mbox_ioc_msg sent;
	struct leased l;

	put_some(_metadata, self->tx, 2);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	before = mb_status(self->rx);
	EXPECT_EQ(-ESTALE, lease_next(self->other, &l, 0));
	l.msg.delivery += 1;
	sent = l.msg;
	EXPECT_EQ(-ESTALE, ctl(self->rx, MBOX_IOC_RECV, &l.msg));
	EXPECT_EQ(0, memcmp(&sent, &l.msg, sizeof(sent)));
	EXPECT_UNCHANGED(self->rx, &before);
}

static volatile sig_atomic_t handled;

static void count_signal(int signo)
{
	handled++;
}

/* A restart acknowledges nothing a second time. */
TEST_F(lease, acknowledges_once_though_the_receive_is_restarted)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = SA_RESTART };
	struct mb_call call;
	struct leased l;
	int i;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	call_take(&call, self->rx, MBOX_LEASE | MBOX_ACK);
	call.msg.delivery = l.msg.delivery;
	ASSERT_EQ(0, call_start(&call));
	for (i = 1; i <= 3; i++) {
		ASSERT_TRUE(wait_receivers(self->tx, 1));
		ASSERT_EQ(0, pthread_kill(call.thread, SIGUSR1));
		ASSERT_TRUE(wait_until(handled == i));
	}
	EXPECT_EQ(0, held(self->tx));
	ASSERT_EQ(0, mb_put(self->tx, 7, 0, 0));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(7, call.number);
	EXPECT_EQ(1, held(self->tx));
}

/* Bad input */

static int refused(int fd, unsigned long cmd, struct mbox_ioc_msg msg)
{
	static __u32 number;

	msg.buf = addr(&number);
	msg.len = sizeof(number);
	return ctl(fd, cmd, &msg);
}

#define SEND(...) refused(self->tx, MBOX_IOC_SEND, (struct mbox_ioc_msg){ __VA_ARGS__ })
#define RECV(...) refused(self->rx, MBOX_IOC_RECV, (struct mbox_ioc_msg){ __VA_ARGS__ })

TEST_F(lease, wrong_use_changes_nothing)
{
	const size_t old = offsetof(struct mbox_ioc_msg, gid) + sizeof(__u32);
	struct mbox_ioc_status before;
	struct mbox_ioc_msg msg;
	struct leased l;

	put_some(_metadata, self->tx, 2);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	before = mb_status(self->rx);
	EXPECT_EQ(-EINVAL, SEND(.flags = MBOX_LEASE));
	EXPECT_EQ(-EINVAL, SEND(.lease = 1));
	EXPECT_EQ(-EINVAL, SEND(.delivery = l.msg.delivery));
	EXPECT_EQ(-EINVAL, RECV(.flags = MBOX_LEASE | MBOX_PEEK));
	EXPECT_EQ(-EINVAL, RECV(.flags = MBOX_LEASE | MBOX_SYNC));
	EXPECT_EQ(-EINVAL, RECV(.flags = MBOX_LEASE, .lease = 1ULL << 63));
	EXPECT_EQ(-EINVAL, RECV(.flags = MBOX_LEASE, .lease = ~0ULL));
	EXPECT_EQ(-EINVAL, RECV(.flags = MBOX_PEEK, .lease = 1));
	EXPECT_EQ(-EINVAL, RECV(.lease = 1));
	EXPECT_EQ(-EINVAL, RECV(.flags = MBOX_LEASE, .index = 1));
	EXPECT_EQ(-EINVAL, RECV(.flags = MBOX_ACK | MBOX_PEEK));
	EXPECT_EQ(-EINVAL, RECV(.flags = MBOX_ACK, .lease = 1, .delivery = l.msg.delivery));
	EXPECT_EQ(-EINVAL, SEND(.flags = MBOX_ACK));
	/* Whoever would not be told the number cannot have a lease. */
	msg = mb_msg(&l.number, sizeof(l.number), MBOX_LEASE);
	EXPECT_EQ(-EINVAL, ctl(self->rx, ioc_sized(MBOX_IOC_RECV, old), &msg));
	msg.flags = MBOX_ACK;
	EXPECT_EQ(-EINVAL, ctl(self->rx, ioc_sized(MBOX_IOC_RECV, old), &msg));
	EXPECT_EQ(-EINVAL, finish(self->rx, l.msg.delivery, MBOX_RETURN << 1));
	EXPECT_EQ(-EINVAL, finish(self->rx, l.msg.delivery, ~0U));
	EXPECT_EQ(-ESTALE, finish(self->rx, 0, 0));
	EXPECT_EQ(-ESTALE, finish(self->rx, ~0ULL, 0));
	EXPECT_EQ(-ESTALE, finish(self->rx, l.msg.delivery + 1, MBOX_RETURN));
	EXPECT_UNCHANGED(self->rx, &before);
	EXPECT_EQ(0, ack(self->rx, &l));
}

TEST_F(lease, forged_acknowledgments_change_nothing)
{
	struct { struct mbox_ioc_ack ack; __u64 more; } big = { 0 };
	struct mbox_ioc_status before;
	struct leased l;

	put_some(_metadata, self->tx, 1);
	ASSERT_EQ(0, lease(self->rx, &l, 0));
	before = mb_status(self->rx);
	big.ack.delivery = l.msg.delivery;
	big.ack.__reserved = 1;
	EXPECT_EQ(-EINVAL, ctl(self->rx, MBOX_IOC_ACK, &big.ack));
	big.ack.__reserved = 0;
	EXPECT_EQ(-EINVAL, ctl(self->rx, ioc_sized(MBOX_IOC_ACK, sizeof(big.ack) - 1), &big));
	EXPECT_EQ(-EINVAL, ctl(self->rx, ioc_sized(MBOX_IOC_ACK, 0), &big));
	big.more = 1;
	EXPECT_EQ(-E2BIG, ctl(self->rx, ioc_sized(MBOX_IOC_ACK, sizeof(big)), &big));
	EXPECT_EQ(-EFAULT, ctl(self->rx, MBOX_IOC_ACK, unmapped_page()));
	EXPECT_EQ(-ENOTTY, ctl(device(), MBOX_IOC_ACK, &big.ack));
	EXPECT_UNCHANGED(self->rx, &before);
	big.more = 0;
	EXPECT_EQ(0, ctl(self->rx, ioc_sized(MBOX_IOC_ACK, sizeof(big)), &big));
}

/* A receiver that knows only the first struct gets what came back as any other message. */
TEST_F(lease, old_receivers_can_take_what_came_back)
{
	const size_t old = offsetof(struct mbox_ioc_msg, gid) + sizeof(__u32);
	struct mbox_ioc_msg msg;
	struct leased l;
	__u32 number = 0;

	ASSERT_EQ(0, mb_put(self->tx, 8, 0, 0));
	ASSERT_EQ(8, lease(self->rx, &l, 0));
	ASSERT_EQ(0, give_back(self->rx, &l));
	msg = mb_msg(&number, sizeof(number), 0);
	msg.deliveries = 55;
	ASSERT_EQ(0, ctl(self->rx, ioc_sized(MBOX_IOC_RECV, old), &msg));
	EXPECT_EQ(8, number);
	EXPECT_EQ(55, msg.deliveries);
	ASSERT_EQ(0, mb_put(self->tx, 9, 0, 0));
	ASSERT_EQ(9, lease(self->rx, &l, 0));
	ASSERT_EQ(0, give_back(self->rx, &l));
	EXPECT_EQ(sizeof(number), read(self->rx, &number, sizeof(number)));
	EXPECT_EQ(9, number);
}

/* Dead letters */

static int set_dead(int fd, int to, __u32 deliveries)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_DEAD_LETTER,
		.dead_letter = to,
		.max_deliveries = deliveries,
	};

	return ctl(fd, MBOX_IOC_SET, &set);
}

FIXTURE(dead) {
	int box;
	int dead;
};

FIXTURE_SETUP(dead)
{
	self->box = mb_create(NULL, MANY, O_RDWR);
	self->dead = mb_create(NULL, 2, O_RDWR);
	ASSERT_LE(0, self->box);
	ASSERT_LE(0, self->dead);
}

FIXTURE_TEARDOWN(dead)
{
}

TEST_F(dead, after_so_many_deliveries)
{
	struct leased l;
	__u32 i;

	EXPECT_EQ(0, mb_status(self->box).max_deliveries);
	ASSERT_EQ(0, set_dead(self->box, self->dead, 3));
	EXPECT_EQ(3, mb_status(self->box).max_deliveries);
	ASSERT_EQ(0, mb_put(self->box, 7, 5, 0));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(7, lease(self->box, &l, 0));
		EXPECT_EQ(i, l.msg.deliveries);
		EXPECT_EQ(0, queued(self->dead));
		ASSERT_EQ(0, give_back(self->box, &l));
	}
	EXPECT_EMPTY(self->box);
	EXPECT_EQ(0, held(self->box));
	EXPECT_EQ(1, queued(self->dead));
	/* There it begins anew, but tells how often it came back. */
	ASSERT_EQ(7, lease(self->dead, &l, 0));
	EXPECT_EQ(3, l.msg.deliveries);
	EXPECT_EQ(5, l.msg.prio);
	EXPECT_EQ(getpid(), l.msg.pid);
	EXPECT_EQ(-ESTALE, ack(self->box, &l));
	EXPECT_EQ(0, ack(self->dead, &l));
}

TEST_F(dead, by_a_killed_process_and_by_the_end_of_a_lease)
{
	struct leased l;
	pid_t pid;

	ASSERT_EQ(0, set_dead(self->box, self->dead, 1));
	ASSERT_EQ(0, mb_put(self->box, 1, 0, 0));
	ASSERT_EQ(0, mb_put(self->box, 2, 0, 0));
	pid = holder(_metadata, self->box, &l);
	kill(pid, SIGKILL);
	child_wait(pid);
	EXPECT_NEXT(self->dead, 1, 1);
	ASSERT_EQ(2, lease(self->box, &l, SHORT));
	EXPECT_EQ(2, mb_take(self->dead, 0));
	EXPECT_EMPTY(self->box);
}

/* A plain receive is no delivery that could fail. */
TEST_F(dead, only_what_was_leased)
{
	char small;
	struct mbox_ioc_msg msg = mb_msg(&small, 1, 0);

	ASSERT_EQ(0, set_dead(self->box, self->dead, 1));
	ASSERT_EQ(0, mb_put(self->box, 1, 0, 0));
	EXPECT_EQ(-EMSGSIZE, ctl(self->box, MBOX_IOC_RECV, &msg));
	msg = (struct mbox_ioc_msg){ .buf = 1, .len = 4, .flags = MBOX_LEASE };
	EXPECT_EQ(-EFAULT, ctl(self->box, MBOX_IOC_RECV, &msg));
	EXPECT_EMPTY(self->dead);
	EXPECT_NEXT(self->box, 1, 0);
}

TEST_F(dead, even_into_a_full_mailbox_and_in_order)
{
	struct leased l;
	int i;

	ASSERT_EQ(0, set_dead(self->box, self->dead, 1));
	ASSERT_EQ(0, mb_put(self->dead, 100, 0, 0));
	ASSERT_EQ(0, mb_put(self->dead, 101, 0, 0));
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, mb_put(self->box, i, 0, 0));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(i, lease(self->box, &l, 0));
		ASSERT_EQ(0, give_back(self->box, &l));
	}
	EXPECT_EQ(7, queued(self->dead));
	EXPECT_EQ(-EAGAIN, mb_put(self->dead, 9, 0, MBOX_NONBLOCK));
	EXPECT_NEXT(self->dead, 100, 0);
	EXPECT_NEXT(self->dead, 101, 0);
	for (i = 0; i < 5; i++)
		EXPECT_NEXT(self->dead, i, 1);
}

TEST_F(dead, to_one_who_waits_there)
{
	struct mb_call call;
	struct leased l;

	ASSERT_EQ(0, set_dead(self->box, self->dead, 1));
	call_take(&call, self->dead, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->dead, 1));
	ASSERT_EQ(0, mb_put(self->box, 4, 0, 0));
	ASSERT_EQ(4, lease(self->box, &l, 0));
	ASSERT_EQ(0, give_back(self->box, &l));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(4, call.number);
}

TEST_F(dead, letters_of_dead_letters)
{
	int third = mb_create(NULL, 1, O_RDWR);
	struct leased l;

	ASSERT_EQ(0, set_dead(self->box, self->dead, 1));
	ASSERT_EQ(0, set_dead(self->dead, third, 3));
	ASSERT_EQ(0, mb_put(self->box, 4, 0, 0));
	ASSERT_EQ(4, lease(self->box, &l, 0));
	ASSERT_EQ(0, give_back(self->box, &l));
	ASSERT_EQ(4, lease(self->dead, &l, 0));
	EXPECT_EQ(1, l.msg.deliveries);
	ASSERT_EQ(0, give_back(self->dead, &l));
	EXPECT_EMPTY(third);
	ASSERT_EQ(4, lease(self->dead, &l, 0));
	ASSERT_EQ(0, give_back(self->dead, &l));
	EXPECT_NEXT(third, 4, 3);
	EXPECT_EMPTY(self->dead);
}

TEST_F(dead, each_others)
{
	struct leased l;

	ASSERT_EQ(0, set_dead(self->box, self->dead, 1));
	ASSERT_EQ(0, set_dead(self->dead, self->box, 1));
	ASSERT_EQ(0, mb_put(self->box, 4, 0, 0));
	ASSERT_EQ(4, lease(self->box, &l, 0));
	ASSERT_EQ(0, give_back(self->box, &l));
	ASSERT_EQ(4, lease(self->dead, &l, 0));
	ASSERT_EQ(0, give_back(self->dead, &l));
	EXPECT_NEXT(self->box, 4, 2);
	ASSERT_EQ(0, set_dead(self->box, 0, 0));
}

/* The mailbox keeps it open, as a sender, whatever becomes of the descriptor. */
TEST_F(dead, is_kept_open)
{
	const char *name = unique_name("dead");
	int to = mb_create(name, 1, O_WRONLY), again;
	struct leased l;

	ASSERT_EQ(0, set_dead(self->box, to, 1));
	close(to);
	EXPECT_EQ(0, mb_unlink(name));
	ASSERT_EQ(0, mb_put(self->box, 4, 0, 0));
	ASSERT_EQ(4, lease(self->box, &l, 0));
	ASSERT_EQ(0, give_back(self->box, &l));
	EXPECT_EMPTY(self->box);
	to = mb_create(name, 1, O_RDWR);
	ASSERT_EQ(0, set_dead(self->box, to, 1));
	close(to);
	again = mb_open(name, O_RDONLY);
	EXPECT_EQ(1, mb_status(again).senders);
	ASSERT_EQ(0, set_dead(self->box, 0, 0));
	EXPECT_TRUE(wait_until(mb_status(again).senders == 0));
	mb_unlink(name);
}

TEST_F(dead, cleared_and_changed_again)
{
	struct leased l;
	int i;

	ASSERT_EQ(0, set_dead(self->box, self->dead, 2));
	ASSERT_EQ(0, mb_put(self->box, 4, 0, 0));
	ASSERT_EQ(0, set_dead(self->box, 0, 0));
	EXPECT_EQ(0, mb_status(self->box).max_deliveries);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(4, lease(self->box, &l, 0));
		ASSERT_EQ(0, give_back(self->box, &l));
	}
	/* What came back more often than that already, has its last one. */
	ASSERT_EQ(4, lease(self->box, &l, 0));
	ASSERT_EQ(0, set_dead(self->box, self->dead, 2));
	ASSERT_EQ(0, give_back(self->box, &l));
	EXPECT_NEXT(self->dead, 4, 5);
}

TEST_F(dead, wrong_ones_are_refused_and_change_nothing)
{
	struct mbox_ioc_create create = mb_template(NULL, 1, O_RDWR);
	struct mbox_ioc_status before;
	struct mbox_ioc_set set = { .fields = MBOX_SET_DEAD_LETTER, .dead_letter = self->dead };
	int small, receiving, pipes[2];
	const char *name = unique_name("dead");

	create.msgsize = MSGSIZE - 1;
	small = ctl(device(), MBOX_IOC_CREATE, &create);
	close(mb_create(name, 1, O_RDWR));
	receiving = mb_open(name, O_RDONLY);
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, set_dead(self->box, self->dead, 9));
	before = mb_status(self->box);
	EXPECT_EQ(-ELOOP, set_dead(self->box, self->box, 1));
	EXPECT_EQ(-EMSGSIZE, set_dead(self->box, small, 1));
	EXPECT_EQ(-EBADF, set_dead(self->box, receiving, 1));
	EXPECT_EQ(-EBADF, set_dead(self->box, mb_open(name, O_ACCMODE), 1));
	EXPECT_EQ(-EBADF, set_dead(self->box, 9999, 1));
	EXPECT_EQ(-EBADF, set_dead(self->box, -1, 1));
	EXPECT_EQ(-ENOTTY, set_dead(self->box, pipes[1], 1));
	EXPECT_EQ(-ENOTTY, set_dead(self->box, device(), 1));
	EXPECT_EQ(-ENOTTY, set_dead(self->box, seg_create(NULL, 100, O_RDWR), 1));
	EXPECT_EQ(-EINVAL, ctl(self->box, MBOX_IOC_SET, &set));
	set = (struct mbox_ioc_set){ .fields = MBOX_SET_CAPACITY, .max_deliveries = 1 };
	EXPECT_EQ(-EINVAL, ctl(self->box, MBOX_IOC_SET, &set));
	set = (struct mbox_ioc_set){ .fields = MBOX_SET_CAPACITY, .dead_letter = self->dead };
	EXPECT_EQ(-EINVAL, ctl(self->box, MBOX_IOC_SET, &set));
	/* All or none: the capacity stays when the rest is refused. */
	set = (struct mbox_ioc_set){
		.fields = MBOX_SET_CAPACITY | MBOX_SET_DEAD_LETTER,
		.capacity = 3,
		.dead_letter = self->box,
		.max_deliveries = 1,
	};
	EXPECT_EQ(-ELOOP, ctl(self->box, MBOX_IOC_SET, &set));
	EXPECT_UNCHANGED(self->box, &before);
	mb_unlink(name);
}

TEST_F(dead, only_the_owner_chooses)
{
	struct mbox_ioc_status before = mb_status(self->box);

	IN_CHILD {
		int own;

		ASSERT_EQ(0, become(USER_A, USER_A));
		own = mb_create(NULL, 1, O_RDWR);
		EXPECT_EQ(-EPERM, set_dead(self->box, own, 1));
		EXPECT_EQ(-EPERM, set_dead(self->box, 0, 0));
		/* But another's mailbox can be where one's own dead letters go. */
		EXPECT_EQ(0, set_dead(own, self->box, 1));
	}
	EXPECT_TRUE(wait_until(mb_unchanged(self->box, &before)));
}

/* Budgets */

FIXTURE(lease_budget) {
	long long old;
};

FIXTURE_SETUP(lease_budget)
{
	self->old = param_get("user_bytes");
	ASSERT_EQ(0, param_set("user_bytes", 64 << 10));
}

FIXTURE_TEARDOWN_PARENT(lease_budget)
{
	param_set("user_bytes", self->old);
}

TEST_F(lease_budget, what_is_leased_stays_charged_to_its_sender)
{
	IN_CHILD {
		int fd, dead, i, sent = 0, err = 0;
		struct leased l[512];

		ASSERT_EQ(0, become(USER_A, USER_A));
		fd = mb_create(NULL, MBOX_UNBOUNDED, O_RDWR);
		dead = mb_create(NULL, 0, O_RDWR);
		while (sent < 512 && !(err = mb_put(fd, sent, 0, 0)))
			sent++;
		EXPECT_EQ(-EDQUOT, err);
		ASSERT_LT(0, sent);
		for (i = 0; i < sent; i++)
			ASSERT_EQ(i, lease(fd, &l[i], 0));
		EXPECT_EQ(-EDQUOT, mb_put(fd, 0, 0, 0));
		EXPECT_EQ(0, ack(fd, &l[0]));
		EXPECT_EQ(0, mb_put(fd, 0, 0, 0));
		EXPECT_EQ(-EDQUOT, mb_put(fd, 0, 0, 0));
		/* So does what is dead. */
		ASSERT_EQ(0, set_dead(fd, dead, 1));
		EXPECT_EQ(0, give_back(fd, &l[1]));
		EXPECT_EQ(-EDQUOT, mb_put(fd, 0, 0, 0));
		EXPECT_NEXT(dead, 1, 1);
		EXPECT_EQ(0, mb_put(fd, 0, 0, 0));
	}
}

/* Allocations that fail */

static int inject(int fd, int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", nth);

	return pwrite(fd, text, length, 0) == length ? 0 : -errno;
}

static bool injected(int fd)
{
	char text[16] = { 0 };

	while (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		;
	while (inject(fd, 0))
		;
	return atoi(text) == 0;
}

static void fail_them_all(void)
{
	write_text("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	write_text("/sys/kernel/debug/failslab/verbose", "0");
	write_text("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	write_text("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	write_text("/sys/kernel/debug/fail_usercopy/verbose", "0");
}

/* Each step of a lease's life fails at each of its points, and has then changed nothing. */
static int one_step(int step, int fd, int dead, struct leased *l)
{
	switch (step) {
	case 0:
		return lease_msg(fd, l, 0, MBOX_NONBLOCK);
	case 1:
		return lease_msg(fd, l, LONG, MBOX_NONBLOCK);
	case 2:
		return ack(fd, l);
	case 3:
		return give_back(fd, l);
	default:
		return set_dead(fd, dead, 1);
	}
}

TEST(every_point_of_failure)
{
	int fail_nth = open("/proc/thread-self/fail-nth", O_RDWR), failures = 0;
	int dead = mb_create(NULL, 1, O_RDWR);
	struct leased l, other;
	int step, nth, misses;

	if (fail_nth < 0)
		SKIP(return, "no fail-nth: this kernel cannot inject faults");
	fail_them_all();
	for (step = 0; step < 5; step++) {
		for (nth = 1, misses = 0; misses < 3 && nth < 100; nth++) {
			/* A fresh one has no spare memory. */
			int fd = mb_create(NULL, 4, O_RDWR), ret;
			struct mbox_ioc_status before;
			bool hit;

			ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
			ASSERT_EQ(0, mb_put(fd, 2, 0, 0));
			ASSERT_EQ(1, lease(fd, &l, 0));
			before = mb_status(fd);
			other = l;
			ASSERT_EQ(0, inject(fail_nth, nth));
			ret = one_step(step, fd, dead, step < 2 ? &other : &l);
			hit = injected(fail_nth);
			if (ret) {
				failures++;
				EXPECT_TRUE(hit && (ret == -ENOMEM || ret == -EFAULT));
				EXPECT_UNCHANGED(fd, &before);
			}
			misses = hit ? 0 : misses + 1;
			close(fd);
		}
		EXPECT_EQ(3, misses);
	}
	EXPECT_LT(4, failures);
}

/* Either nothing was done, or the one before is done with and the next still there. */
TEST(every_point_of_failure_of_a_lease_after_another)
{
	int fail_nth = open("/proc/thread-self/fail-nth", O_RDWR), failures[2] = { 0 };
	int nth, misses;

	if (fail_nth < 0)
		SKIP(return, "no fail-nth: this kernel cannot inject faults");
	fail_them_all();
	for (nth = 1, misses = 0; misses < 3 && nth < 100; nth++) {
		int fd = mb_create(NULL, 4, O_RDWR), ret;
		struct leased l;
		bool hit;

		ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
		ASSERT_EQ(0, mb_put(fd, 2, 0, 0));
		ASSERT_EQ(1, lease(fd, &l, 0));
		ASSERT_EQ(0, inject(fail_nth, nth));
		ret = lease_next(fd, &l, 0);
		hit = injected(fail_nth);
		if (ret) {
			EXPECT_TRUE(hit && (ret == -ENOMEM || ret == -EFAULT));
			failures[!l.msg.delivery]++;
			EXPECT_EQ(!!l.msg.delivery, held(fd));
			EXPECT_EQ(1, queued(fd));
			EXPECT_EQ(0, lease_next(fd, &l, 0));
		}
		EXPECT_EQ(2, l.number);
		EXPECT_EQ(1, held(fd));
		misses = hit ? 0 : misses + 1;
		close(fd);
	}
	EXPECT_EQ(3, misses);
	EXPECT_LT(0, failures[0]);
	EXPECT_LT(0, failures[1]);
}

/*
 * A checked history. Senders send numbered messages; workers lease, note in shared memory that
 * they have begun, and acknowledge, and are killed at random and replaced. In the end:
 *
 *  - every message was acknowledged, and once
 *  - none began oftener than it was told to have come back, and once more
 *  - of each sender, a worker that is not killed begins the first deliveries in their order
 */
#define SENDERS	3
#define WORKERS	3
#define EACH	200

struct lease_history {
	int fd;
	__u32 clock;
	__u32 errors;
	__u32 begun[SENDERS][EACH];
	__u32 first[SENDERS][EACH];	/* the clock at its first delivery */
	__u32 acked[SENDERS][EACH];
	__u32 worst[SENDERS][EACH];	/* deliveries that the last one was told of */
	__u32 done;
};

static __u32 tick(__u32 *counter)
{
	return __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

/* The older of two deliveries can be noted last. */
static void raise_to(__u32 *most, __u32 value)
{
	__u32 old = __atomic_load_n(most, __ATOMIC_SEQ_CST);

	while (old < value &&
	       !__atomic_compare_exchange_n(most, &old, value, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST))
		;
}

static void work_one(struct lease_history *h, __u32 *seed)
{
	struct leased l;
	__u32 sender, seq;
	int ret;

	/* Some leases are too short, so that some acknowledgments are late. */
	ret = lease_msg(h->fd, &l, prng(seed) % 4 ? 0 : prng(seed) % (4 * NS_PER_MS), 0);
	if (ret) {
		tick(&h->errors);
		return;
	}
	sender = l.number / EACH;
	seq = l.number % EACH;
	tick(&h->begun[sender][seq]);
	if (!l.msg.deliveries)
		h->first[sender][seq] = tick(&h->clock);
	raise_to(&h->worst[sender][seq], l.msg.deliveries);
	if (prng(seed) % 16 == 0)
		usleep(prng(seed) % 3000);
	if (prng(seed) % 16 == 0) {
		finish(h->fd, l.msg.delivery, MBOX_RETURN);
		return;
	}
	ret = ack(h->fd, &l);
	if (!ret) {
		tick(&h->acked[sender][seq]);
		tick(&h->done);
	} else if (ret != -ESTALE) {
		tick(&h->errors);
	}
}

static pid_t start_worker(struct lease_history *h, __u32 seed)
{
	pid_t pid = child_fork();

	if (pid)
		return pid;
	for (;;)
		work_one(h, &seed);
}

/* A message that a worker is about to lease is not queued, nor held: so all are to wait. */
static bool nothing_is_left(const struct lease_history *h, __u32 workers)
{
	struct mbox_ioc_status status = mb_status(h->fd);

	return !status.queued && !status.held && status.waiting_receivers == workers;
}

static pid_t start_sender(struct lease_history *h, __u32 number)
{
	pid_t pid = child_fork();
	__u32 i;

	if (pid)
		return pid;
	for (i = 0; i < EACH; i++)
		if (mb_put(h->fd, number * EACH + i, number, i % 7 ? 0 : MBOX_SYNC))
			_exit(1);
	_exit(0);
}

FIXTURE(lease_history) {
	struct lease_history *h;
};

FIXTURE_VARIANT(lease_history) {
	__u64 capacity;
};

FIXTURE_VARIANT_ADD(lease_history, rendezvous) { .capacity = 0 };
FIXTURE_VARIANT_ADD(lease_history, bounded) { .capacity = 7 };
FIXTURE_VARIANT_ADD(lease_history, unbounded) { .capacity = MBOX_UNBOUNDED };

FIXTURE_SETUP(lease_history)
{
	self->h = shared_memory(sizeof(*self->h));
	self->h->fd = mb_create(NULL, variant->capacity, O_RDWR);
	ASSERT_LE(0, self->h->fd);
}

FIXTURE_TEARDOWN(lease_history)
{
}

static void check_history(struct __test_metadata *_metadata, struct lease_history *h, __u32 killed)
{
	__u32 lost = 0, doubled = 0, untold = 0, again = 0;
	int s, m;

	for (s = 0; s < SENDERS; s++) {
		for (m = 0; m < EACH; m++) {
			lost += !h->begun[s][m];
			doubled += h->acked[s][m] > 1;
			/* One that is killed between its lease and its note is told of, not noted. */
			untold += h->begun[s][m] > h->worst[s][m] + 1;
			again += h->worst[s][m];
		}
	}
	TH_LOG("%u killed, %u deliveries more than once, %u acknowledged", killed, again, h->done);
	EXPECT_EQ(0, h->errors);
	EXPECT_EQ(0, lost);
	EXPECT_EQ(0, doubled);
	EXPECT_EQ(0, untold);
	/* One that is killed between the acknowledgment and its note has not noted it. */
	EXPECT_LE(SENDERS * EACH, h->done + killed);
	EXPECT_GE(SENDERS * EACH, h->done);
}

TEST_F(lease_history, workers_are_killed_at_random)
{
	struct lease_history *h = self->h;
	pid_t senders[SENDERS], workers[WORKERS];
	__u32 seed = 11, killed = 0, i;
	struct mbox_ioc_status status;

	for (i = 0; i < WORKERS; i++)
		workers[i] = start_worker(h, 50 + i);
	for (i = 0; i < SENDERS; i++)
		senders[i] = start_sender(h, i);
	while (killed < 60 && __atomic_load_n(&h->done, __ATOMIC_RELAXED) < SENDERS * EACH - 50) {
		i = prng(&seed) % WORKERS;
		usleep(prng(&seed) % 4000);
		kill(workers[i], SIGKILL);
		EXPECT_EQ(1000 + SIGKILL, child_wait(workers[i]));
		workers[i] = start_worker(h, 100 + killed++);
	}
	for (i = 0; i < SENDERS; i++)
		EXPECT_EQ(0, child_wait(senders[i]));
	EXPECT_TRUE(wait_until(nothing_is_left(h, WORKERS)));
	for (i = 0; i < WORKERS; i++) {
		kill(workers[i], SIGKILL);
		child_wait(workers[i]);
	}
	/* Nothing came back at their end. */
	status = mb_status(h->fd);
	EXPECT_EQ(0, status.queued + status.held);
	EXPECT_EQ(SENDERS * EACH, status.sent);
	EXPECT_EQ(SENDERS * EACH, status.received);
	check_history(_metadata, h, killed);
}

/* One worker, and none killed: the first deliveries of each sender are in order. */
TEST_F(lease_history, one_worker_begins_in_order)
{
	struct lease_history *h = self->h;
	pid_t senders[SENDERS], worker = start_worker(h, 9);
	__u32 disorder = 0;
	int s, m;

	for (s = 0; s < SENDERS; s++)
		senders[s] = start_sender(h, s);
	for (s = 0; s < SENDERS; s++)
		EXPECT_EQ(0, child_wait(senders[s]));
	EXPECT_TRUE(wait_until(nothing_is_left(h, 1)));
	kill(worker, SIGKILL);
	child_wait(worker);
	for (s = 0; s < SENDERS; s++)
		for (m = 1; m < EACH; m++)
			disorder += h->first[s][m] <= h->first[s][m - 1];
	EXPECT_EQ(0, disorder);
	check_history(_metadata, h, 0);
}

TEST_HARNESS_MAIN
