// SPDX-License-Identifier: GPL-2.0
/* Direct communication: a process's own mailbox, found by process, and receiving from one. */
#include "common.h"
#include "harness.h"

#include <poll.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#define NOBODY	0x7ffffffe

static int own_create(__u64 capacity, __u32 oflag, __u32 mode)
{
	struct mbox_ioc_create create = mb_template(NULL, capacity, oflag);

	create.flags = MBOX_OWN;
	create.mode = mode;
	return ctl(device(), MBOX_IOC_CREATE, &create);
}

static int own(__u64 capacity)
{
	return own_create(capacity, O_RDONLY | O_EXCL, 0666);
}

static int peer_open(pid_t pid, __u32 oflag)
{
	struct mbox_ioc_open open = { .oflag = oflag, .kind = MBOX_MAILBOX, .pid = pid };

	return ctl(device(), MBOX_IOC_OPEN, &open);
}

/* One number to a process, on a descriptor of its own. */
static int peer_put(pid_t pid, __u32 number)
{
	int fd = peer_open(pid, O_WRONLY);
	int ret = fd < 0 ? fd : mb_put(fd, number, 0, MBOX_NONBLOCK);

	if (fd >= 0)
		close(fd);
	return ret;
}

static struct mbox_ioc_msg from_msg(__u32 *number, pid_t from, __u32 flags)
{
	struct mbox_ioc_msg msg = mb_msg(number, sizeof(*number), flags | MBOX_FROM);

	msg.pid = from;
	return msg;
}

static int take_from(int fd, pid_t from, __u32 flags)
{
	__u32 number = 0;
	struct mbox_ioc_msg msg = from_msg(&number, from, flags);
	int ret = ctl(fd, MBOX_IOC_RECV, &msg);

	if (ret)
		return ret;
	return msg.pid == from && msg.len == sizeof(number) ? (int)number : -EBADMSG;
}

static void call_take_from(struct mb_call *call, int fd, pid_t from, __u32 flags)
{
	*call = (struct mb_call) { .fd = fd, .cmd = MBOX_IOC_RECV };
	call->msg = from_msg(&call->number, from, flags);
}

/* A child that does what it is told, one step at a time; it ends with the test. */
struct peer {
	pid_t pid;
	int orders;
	int answers;
};

struct order {
	enum { PUT, PUT_TO, OWN, OPEN, CLOSE, POLL, TAKE, TAKE_FROM, EXIT } what;
	int fd;
	int value;
	int flags;
};

static int peer_obey(const struct order *order)
{
	switch (order->what) {
	case PUT:
		return mb_put(order->fd, order->value, 0, order->flags);
	case PUT_TO:
		return peer_put(order->value, order->flags);
	case OWN:
		return own(order->value);
	case OPEN:
		return peer_open(order->value, order->flags);
	case CLOSE:
		return close(order->fd);
	case POLL:
		return events(order->fd);
	case TAKE:
		return mb_take(order->fd, order->flags);
	case TAKE_FROM:
		return take_from(order->fd, order->value, order->flags);
	default:
		_exit(order->value);
	}
}

static void peer_run(int orders, int answers)
{
	struct order order;

	while (read(orders, &order, sizeof(order)) == sizeof(order)) {
		int ret = peer_obey(&order);

		if (write(answers, &ret, sizeof(ret)) != sizeof(ret))
			break;
	}
	_exit(0);
}

static struct peer peer_start(void)
{
	int orders[2], answers[2];
	struct peer peer;

	if (pipe2(orders, O_CLOEXEC) || pipe2(answers, O_CLOEXEC))
		abort();
	peer.pid = child_fork();
	if (!peer.pid) {
		close(orders[1]);
		close(answers[0]);
		peer_run(orders[0], answers[1]);
	}
	close(orders[0]);
	close(answers[1]);
	peer.orders = orders[1];
	peer.answers = answers[0];
	return peer;
}

static void peer_tell(const struct peer *peer, struct order order)
{
	if (write(peer->orders, &order, sizeof(order)) != sizeof(order))
		abort();
}

static int peer_answer(const struct peer *peer)
{
	int ret;

	return read(peer->answers, &ret, sizeof(ret)) == sizeof(ret) ? ret : -ECHILD;
}

#define peer_do(who, ...)						\
	(peer_tell(who, (struct order) { __VA_ARGS__ }), peer_answer(who))

/* Killed and reaped: no process has its number until another gets it. */
static void peer_kill(struct peer *peer)
{
	kill(peer->pid, SIGKILL);
	child_wait(peer->pid);
	close(peer->orders);
	close(peer->answers);
}

FIXTURE(process) {
	int rx;
	struct peer peer;
};

/* The test's own mailbox, which the peer may send to. */
FIXTURE_SETUP(process)
{
	umask(0);
	self->peer = peer_start();
	self->rx = own(4);
	ASSERT_LE(0, self->rx);
}

FIXTURE_TEARDOWN(process)
{
	close(self->rx);
	if (self->peer.pid > 0)
		peer_kill(&self->peer);
}

TEST_F(process, a_peer_is_opened_by_pid_and_each_knows_the_other)
{
	struct mbox_ioc_msg msg;
	__u32 number = 0;
	int to, from;

	from = peer_do(&self->peer, OWN, .value = 4);
	ASSERT_LE(0, from);
	to = peer_open(self->peer.pid, O_WRONLY);
	ASSERT_LE(0, to);
	ASSERT_EQ(0, mb_put(to, 7, 0, 0));
	EXPECT_EQ(7, peer_do(&self->peer, TAKE_FROM, .fd = from, .value = getpid()));
	ASSERT_EQ(0, peer_do(&self->peer, PUT_TO, .value = getpid(), .flags = 8));
	msg = mb_msg(&number, sizeof(number), 0);
	EXPECT_EQ(0, ctl(self->rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(8, number);
	EXPECT_EQ(self->peer.pid, msg.pid);
	close(to);
}

TEST_F(process, create_refuses_what_makes_no_sense)
{
	static const struct {
		const char *name;
		__u64 capacity;
		__u32 oflag;
		__u32 flags;
	} cases[] = {
		{ "named", 1, O_RDWR, MBOX_OWN },
		{ NULL, MBOX_PEEK_MAX + 1, O_RDWR, MBOX_OWN },
		{ NULL, MBOX_UNBOUNDED, O_RDWR, MBOX_OWN },
		{ NULL, 1, O_WRONLY, MBOX_OWN },
		{ NULL, 1, O_WRONLY | O_RDWR, MBOX_OWN },
		{ NULL, 1, O_RDWR, MBOX_OWN | MBOX_BROADCAST },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mbox_ioc_create create = mb_template(cases[i].name, cases[i].capacity,
							    cases[i].oflag);

		create.flags = cases[i].flags;
		EXPECT_EQ(-EINVAL, ctl(device(), MBOX_IOC_CREATE, &create))
			TH_LOG("case %zu", i);
	}
}

TEST_F(process, open_refuses_forged_structs)
{
	struct mbox_ioc_open good = { .oflag = O_WRONLY, .kind = MBOX_MAILBOX, .pid = getpid() };
	struct mbox_ioc_open open;
	struct {
		struct mbox_ioc_open open;
		__u64 unknown;
	} longer = { .open = good };
	int fd;

	open = good;
	open.name = addr("name");
	EXPECT_EQ(-EINVAL, ctl(device(), MBOX_IOC_OPEN, &open));
	open = good;
	open.__reserved = 1;
	EXPECT_EQ(-EINVAL, ctl(device(), MBOX_IOC_OPEN, &open));
	open = good;
	open.kind = MBOX_SEGMENT;
	open.oflag = O_RDONLY;
	EXPECT_EQ(-EINVAL, ctl(device(), MBOX_IOC_OPEN, &open));
	open = good;
	open.pid = -1;
	EXPECT_EQ(-EINVAL, ctl(device(), MBOX_IOC_OPEN, &open));
	open.pid = INT32_MIN;
	EXPECT_EQ(-EINVAL, ctl(device(), MBOX_IOC_OPEN, &open));
	/* Nobody: neither a name nor a process. */
	open.pid = 0;
	EXPECT_EQ(-EFAULT, ctl(device(), MBOX_IOC_OPEN, &open));
	/* A caller from before processes had mailboxes has no such field. */
	EXPECT_EQ(-EFAULT, ctl(device(), ioc_sized(MBOX_IOC_OPEN, 16), &good));
	longer.unknown = 1;
	EXPECT_EQ(-E2BIG, ctl(device(), ioc_sized(MBOX_IOC_OPEN, sizeof(longer)), &longer));
	longer.unknown = 0;
	fd = ctl(device(), ioc_sized(MBOX_IOC_OPEN, sizeof(longer)), &longer);
	EXPECT_LE(0, fd);
	close(fd);
}

TEST_F(process, open_tells_no_process_from_no_mailbox)
{
	pid_t pid;

	EXPECT_EQ(-ESRCH, peer_open(NOBODY, O_WRONLY));
	EXPECT_EQ(-ENOENT, peer_open(self->peer.pid, O_WRONLY));
	ASSERT_LE(0, peer_do(&self->peer, OWN, .value = 1));
	/* A process that has ended is none, though its parent does not know yet. */
	pid = self->peer.pid;
	kill(pid, SIGKILL);
	ASSERT_TRUE(wait_until(peer_open(pid, O_WRONLY) == -ESRCH));
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_EQ(-ESRCH, peer_open(pid, O_WRONLY));
	self->peer.pid = 0;
}

static void *thread_id(void *arg)
{
	*(pid_t *)arg = syscall(SYS_gettid);
	pause();
	return NULL;
}

TEST_F(process, a_thread_is_no_process)
{
	pthread_t thread;
	pid_t id = 0;

	ASSERT_EQ(0, pthread_create(&thread, NULL, thread_id, &id));
	ASSERT_TRUE(wait_until(__atomic_load_n(&id, __ATOMIC_ACQUIRE)));
	EXPECT_EQ(-ESRCH, peer_open(id, O_WRONLY));
	EXPECT_EQ(-ESRCH, take_from(self->rx, id, 0));
	pthread_cancel(thread);
	pthread_join(thread, NULL);
}

TEST_F(process, each_has_one)
{
	struct mbox_ioc_status status = mb_status(self->rx);
	int fd;

	EXPECT_EQ(MBOX_OWN, status.flags);
	EXPECT_EQ(-EEXIST, own(4));
	/* Without O_EXCL it is that one, whatever is asked of a new one. */
	fd = own_create(7, O_RDWR, 0600);
	ASSERT_LE(0, fd);
	EXPECT_EQ(status.id, mb_status(fd).id);
	EXPECT_EQ(4, mb_status(fd).capacity);
	EXPECT_EQ(2, mb_status(fd).receivers);
	/* It ends with the last descriptor that can receive, and not before. */
	close(self->rx);
	EXPECT_EQ(-EEXIST, own(4));
	close(fd);
	self->rx = own(5);
	ASSERT_LE(0, self->rx);
	EXPECT_NE(status.id, mb_status(self->rx).id);
	/* Another process has another. */
	EXPECT_LE(0, peer_do(&self->peer, OWN, .value = 4));
}

TEST_F(process, may_be_opened_though_the_budget_is_used_up)
{
	long long was = param_get("user_mailboxes");

	ASSERT_EQ(0, param_set("user_mailboxes", 1));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_LE(0, own(1));
		EXPECT_LE(0, own_create(1, O_RDONLY, 0600));
		EXPECT_EQ(-EDQUOT, mb_create(NULL, 1, O_RDWR));
	}
	EXPECT_EQ(0, param_set("user_mailboxes", was));
}

TEST_F(process, owner_and_mode_say_who_may_send)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_MODE, .mode = 0600 };
	pid_t pid = getpid();

	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(0, peer_put(pid, 1));
	}
	ASSERT_EQ(0, ctl(self->rx, MBOX_IOC_SET, &set));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EACCES, peer_open(pid, O_WRONLY));
		EXPECT_EQ(-EACCES, peer_open(pid, O_WRONLY | O_RDWR));
	}
	set.mode = 0622;
	ASSERT_EQ(0, ctl(self->rx, MBOX_IOC_SET, &set));
	IN_CHILD {
		int fd;

		ASSERT_EQ(0, become(USER_A, USER_A));
		fd = peer_open(pid, O_WRONLY | O_RDWR);
		ASSERT_LE(0, fd);
		EXPECT_EQ(1, mb_status(fd).queued);
		EXPECT_EQ(-EBADF, mb_put(fd, 1, 0, 0));
	}
}

TEST_F(process, nobody_else_receives)
{
	struct mbox_ioc_notify notify = { .signo = SIGUSR1 };
	struct mbox_ioc_status before;
	pid_t pid = getpid();

	ASSERT_EQ(0, peer_put(pid, 1));
	before = mb_status(self->rx);
	IN_CHILD {
		struct mbox_ioc_batch batch = { .nr = 1, .msg_size = sizeof(struct mbox_ioc_msg) };
		struct mbox_ioc_msg msg = { 0 };
		char buf[8];

		batch.msgs = addr(&msg);
		EXPECT_EQ(-EPERM, peer_open(pid, O_RDONLY));
		EXPECT_EQ(-EPERM, peer_open(pid, O_RDWR));
		/* This child has the descriptor too. */
		EXPECT_EQ(-EPERM, mb_take(self->rx, 0));
		EXPECT_EQ(-EPERM, mb_take(self->rx, MBOX_PEEK));
		EXPECT_EQ(-EPERM, take_from(self->rx, pid, 0));
		EXPECT_EQ(-EPERM, ctl(self->rx, MBOX_IOC_RECV_BATCH, &batch));
		EXPECT_EQ(-EPERM, ctl(self->rx, MBOX_IOC_NOTIFY, &notify));
		EXPECT_EQ(-1, read(self->rx, buf, sizeof(buf)));
		EXPECT_EQ(EPERM, errno);
		/* It can have one of its own. */
		EXPECT_LE(0, own(1));
	}
	EXPECT_UNCHANGED(self->rx, &before);
	EXPECT_EQ(1, mb_take(self->rx, 0));
}

TEST_F(process, it_opens_its_own_by_pid_with_any_right)
{
	__u32 right;

	for (right = 0; right <= O_ACCMODE; right++) {
		int fd = peer_open(getpid(), right);

		ASSERT_LE(0, fd);
		EXPECT_EQ(mb_status(self->rx).id, mb_status(fd).id);
		if (right == O_RDWR) {
			EXPECT_EQ(0, mb_put(fd, 3, 0, 0));
			EXPECT_EQ(3, take_from(fd, getpid(), 0));
		}
		close(fd);
	}
}

TEST_F(process, all_its_threads_receive)
{
	struct mb_call call;

	call_take(&call, self->rx, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	ASSERT_EQ(0, peer_do(&self->peer, PUT_TO, .value = getpid(), .flags = 9));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(9, call.number);
	EXPECT_EQ(self->peer.pid, call.msg.pid);
}

TEST_F(process, from_needs_the_own_mailbox_and_a_number)
{
	static const int numbers[] = { 0, -1, INT32_MIN };
	struct mb_ends ends;
	size_t i;

	ASSERT_EQ(0, mb_ends_open(&ends, 4, 0));
	EXPECT_EQ(-EOPNOTSUPP, take_from(ends.rx, getpid(), 0));
	EXPECT_EQ(-EBADF, take_from(ends.tx, getpid(), 0));
	EXPECT_EQ(-EINVAL, mb_put(ends.tx, 1, 0, MBOX_FROM));
	mb_ends_close(&ends);
	ASSERT_EQ(0, mb_ends_open(&ends, 4, MBOX_BROADCAST));
	EXPECT_EQ(-EOPNOTSUPP, take_from(ends.rx, getpid(), 0));
	mb_ends_close(&ends);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		EXPECT_EQ(-EINVAL, take_from(self->rx, numbers[i], 0));
	EXPECT_EQ(-EINVAL, take_from(self->rx, getpid(), MBOX_PEEK));
	EXPECT_EQ(-EINVAL, take_from(self->rx, getpid(), MBOX_SYNC));
	EXPECT_EQ(-ESRCH, take_from(self->rx, NOBODY, 0));
	EXPECT_EQ(-EAGAIN, take_from(self->rx, self->peer.pid, MBOX_NONBLOCK));
}

TEST_F(process, from_leaves_the_others_in_their_order)
{
	struct peer second = peer_start();
	pid_t first = self->peer.pid;
	int to = peer_do(&self->peer, OPEN, .value = getpid(), .flags = O_WRONLY);
	int to2 = peer_do(&second, OPEN, .value = getpid(), .flags = O_WRONLY);

	ASSERT_LE(0, to);
	ASSERT_LE(0, to2);
	ASSERT_EQ(0, peer_do(&self->peer, PUT, .fd = to, .value = 1));
	ASSERT_EQ(0, peer_do(&second, PUT, .fd = to2, .value = 2));
	ASSERT_EQ(0, peer_do(&self->peer, PUT, .fd = to, .value = 3));
	ASSERT_EQ(0, peer_do(&second, PUT, .fd = to2, .value = 4));
	EXPECT_EQ(2, take_from(self->rx, second.pid, 0));
	EXPECT_EQ(4, take_from(self->rx, second.pid, 0));
	EXPECT_EQ(-EAGAIN, take_from(self->rx, second.pid, MBOX_NONBLOCK));
	EXPECT_EQ(1, mb_take(self->rx, 0));
	EXPECT_EQ(3, take_from(self->rx, first, 0));
	EXPECT_EQ(-EAGAIN, mb_take(self->rx, MBOX_NONBLOCK));
	peer_kill(&second);
}

TEST_F(process, from_goes_by_priority)
{
	int tx = peer_open(getpid(), O_WRONLY);
	__u32 prio;

	ASSERT_EQ(0, peer_do(&self->peer, PUT_TO, .value = getpid(), .flags = 100));
	for (prio = 0; prio < 3; prio++)
		ASSERT_EQ(0, mb_put(tx, prio, prio, MBOX_NONBLOCK));
	EXPECT_EQ(2, take_from(self->rx, getpid(), 0));
	EXPECT_EQ(1, take_from(self->rx, getpid(), 0));
	EXPECT_EQ(100, take_from(self->rx, self->peer.pid, 0));
	EXPECT_EQ(0, take_from(self->rx, getpid(), 0));
	close(tx);
}

TEST_F(process, from_refuses_a_small_buffer_and_loses_nothing)
{
	struct mbox_ioc_msg msg = mb_msg(NULL, 0, MBOX_FROM);

	ASSERT_EQ(0, peer_do(&self->peer, PUT_TO, .value = getpid(), .flags = 5));
	msg.pid = self->peer.pid;
	EXPECT_EQ(-EMSGSIZE, ctl(self->rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(sizeof(__u32), msg.len);
	msg = mb_msg(unmapped_page(), sizeof(__u32), MBOX_FROM);
	msg.pid = self->peer.pid;
	EXPECT_EQ(-EFAULT, ctl(self->rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(5, take_from(self->rx, self->peer.pid, 0));
}

TEST_F(process, a_blocked_receive_from_one_lets_others_pass)
{
	struct mb_call call, any;
	int tx = peer_open(getpid(), O_WRONLY);

	call_take_from(&call, self->rx, self->peer.pid, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	ASSERT_EQ(0, mb_put(tx, 1, 0, 0));
	EXPECT_EQ(1, mb_status(self->rx).queued);
	EXPECT_FALSE(call_done(&call));
	/* Others receive what it leaves, from the queue and while both wait. */
	EXPECT_EQ(1, mb_take(self->rx, 0));
	call_take(&any, self->rx, 0);
	ASSERT_EQ(0, call_start(&any));
	ASSERT_TRUE(wait_receivers(self->rx, 2));
	ASSERT_EQ(0, mb_put(tx, 2, 0, 0));
	EXPECT_EQ(0, call_join(&any));
	EXPECT_EQ(2, any.number);
	EXPECT_FALSE(call_done(&call));
	ASSERT_EQ(0, peer_do(&self->peer, PUT_TO, .value = getpid(), .flags = 3));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(3, call.number);
	close(tx);
}

TEST_F(process, the_longest_waiting_that_accepts_is_served)
{
	struct mb_call one, any;

	call_take_from(&one, self->rx, self->peer.pid, 0);
	ASSERT_EQ(0, call_start(&one));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	call_take(&any, self->rx, 0);
	ASSERT_EQ(0, call_start(&any));
	ASSERT_TRUE(wait_receivers(self->rx, 2));
	ASSERT_EQ(0, peer_do(&self->peer, PUT_TO, .value = getpid(), .flags = 1));
	EXPECT_EQ(0, call_join(&one));
	EXPECT_FALSE(call_done(&any));
	ASSERT_EQ(0, peer_do(&self->peer, PUT_TO, .value = getpid(), .flags = 2));
	EXPECT_EQ(0, call_join(&any));
	EXPECT_EQ(1, one.number);
	EXPECT_EQ(2, any.number);
}

TEST_F(process, a_small_buffer_of_one_is_nothing_to_others)
{
	struct mb_call one, any;

	call_take_from(&one, self->rx, self->peer.pid, 0);
	one.msg.len = 1;
	ASSERT_EQ(0, call_start(&one));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	ASSERT_EQ(0, peer_put(getpid(), 1));
	EXPECT_FALSE(call_done(&one));
	EXPECT_EQ(1, mb_take(self->rx, 0));
	call_take(&any, self->rx, 0);
	ASSERT_EQ(0, call_start(&any));
	ASSERT_TRUE(wait_receivers(self->rx, 2));
	ASSERT_EQ(0, peer_do(&self->peer, PUT_TO, .value = getpid(), .flags = 2));
	EXPECT_EQ(-EMSGSIZE, call_join(&one));
	EXPECT_EQ(sizeof(__u32), one.msg.len);
	EXPECT_EQ(0, call_join(&any));
	EXPECT_EQ(2, any.number);
}

TEST_F(process, a_deadline_ends_a_receive_from_one)
{
	struct mbox_ioc_msg msg;
	__u32 number = 0;

	ASSERT_EQ(0, peer_put(getpid(), 1));
	msg = from_msg(&number, self->peer.pid, 0);
	msg.deadline = in_ms(20);
	EXPECT_EQ(-ETIMEDOUT, ctl(self->rx, MBOX_IOC_RECV, &msg));
	EXPECT_LE(msg.deadline, now_ns(CLOCK_MONOTONIC));
	EXPECT_EQ(self->peer.pid, msg.pid);
	EXPECT_EQ(0, mb_status(self->rx).waiting_receivers);
	EXPECT_EQ(1, mb_take(self->rx, 0));
}

static void ignore(int signo)
{
}

TEST_F(process, a_signal_ends_a_receive_from_one)
{
	struct sigaction action = { .sa_handler = ignore };
	struct mb_call call;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	call_take_from(&call, self->rx, self->peer.pid, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	pthread_kill(call.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, call_join(&call));
	action.sa_flags = SA_RESTART;
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	call_take_from(&call, self->rx, self->peer.pid, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	pthread_kill(call.thread, SIGUSR1);
	ASSERT_EQ(0, peer_do(&self->peer, PUT_TO, .value = getpid(), .flags = 2));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(2, call.number);
}

TEST_F(process, a_killed_peer_ends_a_blocked_receive_from_it)
{
	struct mb_call call, any;

	call_take_from(&call, self->rx, self->peer.pid, 0);
	ASSERT_EQ(0, call_start(&call));
	call_take(&any, self->rx, 0);
	ASSERT_EQ(0, call_start(&any));
	ASSERT_TRUE(wait_receivers(self->rx, 2));
	kill(self->peer.pid, SIGKILL);
	/* At once, though its parent has not reaped it. */
	EXPECT_EQ(-ESRCH, call_join(&call));
	EXPECT_EQ(-ESRCH, take_from(self->rx, self->peer.pid, 0));
	EXPECT_EQ(1, mb_status(self->rx).waiting_receivers);
	child_wait(self->peer.pid);
	EXPECT_EQ(-ESRCH, take_from(self->rx, self->peer.pid, 0));
	self->peer.pid = 0;
	ASSERT_EQ(0, peer_put(getpid(), 6));
	EXPECT_EQ(0, call_join(&any));
	EXPECT_EQ(6, any.number);
}

TEST_F(process, what_a_peer_left_is_received_before_it_is_called_gone)
{
	pid_t pid = self->peer.pid;

	ASSERT_EQ(0, peer_do(&self->peer, PUT_TO, .value = getpid(), .flags = 1));
	ASSERT_EQ(0, peer_do(&self->peer, PUT_TO, .value = getpid(), .flags = 2));
	ASSERT_EQ(0, peer_put(getpid(), 3));
	kill(pid, SIGKILL);
	/* Before and after its number is free. */
	EXPECT_EQ(1, take_from(self->rx, pid, 0));
	child_wait(pid);
	self->peer.pid = 0;
	EXPECT_EQ(2, take_from(self->rx, pid, 0));
	EXPECT_EQ(-ESRCH, take_from(self->rx, pid, 0));
	EXPECT_EQ(3, mb_take(self->rx, 0));
}

/* The peer ends the link at each step of a send to it, blocked or not. */
TEST_F(process, a_killed_owner_ends_blocked_and_later_sends)
{
	static const struct {
		__u64 capacity;
		__u32 queued;
		__u32 flags;
	} cases[] = {
		{ 0, 0, 0 },		/* waits for a receiver */
		{ 1, 1, 0 },		/* waits for room */
		{ 2, 1, MBOX_SYNC },	/* is queued and waits for a receiver */
		{ 1, 1, MBOX_SYNC },
	};
	size_t i;
	__u32 k;

	signal(SIGPIPE, SIG_DFL);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct peer peer = peer_start();
		struct mb_call call;
		int fd;

		ASSERT_LE(0, peer_do(&peer, OWN, .value = cases[i].capacity));
		fd = peer_open(peer.pid, O_WRONLY);
		ASSERT_LE(0, fd);
		for (k = 0; k < cases[i].queued; k++)
			ASSERT_EQ(0, mb_put(fd, k, 0, 0));
		call_put(&call, fd, 9, 0, cases[i].flags);
		ASSERT_EQ(0, call_start(&call));
		ASSERT_TRUE(wait_senders(fd, 1));
		kill(peer.pid, SIGKILL);
		EXPECT_EQ(-ESRCH, call_join(&call))
			TH_LOG("case %zu", i);
		peer_kill(&peer);
		EXPECT_EQ(-ESRCH, mb_put(fd, 1, 0, 0));
		EXPECT_EQ(-ESRCH, mb_put(fd, 1, 0, MBOX_NONBLOCK));
		/* No SIGPIPE: the test would end here. */
		EXPECT_EQ(-1, write(fd, "x", 1));
		EXPECT_EQ(ESRCH, errno);
		EXPECT_EQ(OUT | POLLERR, events(fd));
		/* What it had queued is gone, and paid for no more. */
		EXPECT_TRUE(wait_until(!mb_status(fd).queued));
		EXPECT_EQ(0, mb_status(fd).waiting_senders);
		close(fd);
	}
}

/* A call in a thread of its own. */
struct process_call {
	struct mbox_ioc_msg send, recv;
	struct mbox_ioc_exchange exchange;
	__u32 request, answer;
	struct mb_call call;
};

static int call_call(struct process_call *c, int fd)
{
	c->request = 5;
	c->send = mb_msg(&c->request, sizeof(c->request), 0);
	c->recv = mb_msg(&c->answer, sizeof(c->answer), 0);
	c->exchange = (struct mbox_ioc_exchange) {
		.send = addr(&c->send), .recv = addr(&c->recv), .msg_size = sizeof(c->send),
	};
	/* The exchange stands in the place of a message. */
	c->call = (struct mb_call) { .fd = fd, .cmd = MBOX_IOC_CALL };
	memcpy(&c->call.msg, &c->exchange, sizeof(c->exchange));
	return call_start(&c->call);
}

TEST_F(process, a_killed_owner_ends_calls)
{
	int received;

	for (received = 0; received < 2; received++) {
		struct process_call call;
		struct peer peer = peer_start();
		int rx = peer_do(&peer, OWN, .value = 4), fd;

		ASSERT_LE(0, rx);
		fd = peer_open(peer.pid, O_WRONLY);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, call_call(&call, fd));
		ASSERT_TRUE(wait_until(mb_status(fd).waiting_callers == 1));
		if (received) {
			EXPECT_EQ(5, peer_do(&peer, TAKE, .fd = rx));
		}
		kill(peer.pid, SIGKILL);
		EXPECT_EQ(received ? -ECONNRESET : -ESRCH, call_join(&call.call));
		peer_kill(&peer);
		ASSERT_EQ(0, call_call(&call, fd));
		EXPECT_EQ(-ESRCH, call_join(&call.call));
		close(fd);
	}
}

/* What the owner has on lease is nobody's when it is killed: it goes with the mailbox. */
TEST_F(process, a_killed_owner_of_a_lease)
{
	int rx = peer_do(&self->peer, OWN, .value = 4), fd;

	ASSERT_LE(0, rx);
	fd = peer_open(self->peer.pid, O_WRONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mb_put(fd, 6, 0, 0));
	ASSERT_EQ(0, mb_put(fd, 7, 0, 0));
	EXPECT_EQ(6, peer_do(&self->peer, TAKE, .fd = rx, .flags = MBOX_LEASE));
	kill(self->peer.pid, SIGKILL);
	child_wait(self->peer.pid);
	self->peer.pid = 0;
	EXPECT_EQ(-ESRCH, mb_put(fd, 8, 0, 0));
	EXPECT_TRUE(wait_until(!mb_status(fd).queued));
	close(fd);
}

TEST_F(process, a_message_on_lease_from_one_comes_back_to_its_place)
{
	struct mbox_ioc_msg msg;
	__u32 number = 0;
	int again;

	ASSERT_EQ(0, peer_put(getpid(), 1));
	ASSERT_EQ(0, peer_do(&self->peer, PUT_TO, .value = getpid(), .flags = 2));
	again = peer_open(getpid(), O_RDONLY);
	ASSERT_LE(0, again);
	msg = from_msg(&number, self->peer.pid, MBOX_LEASE);
	ASSERT_EQ(0, ctl(again, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(2, number);
	EXPECT_EQ(-EAGAIN, take_from(self->rx, self->peer.pid, MBOX_NONBLOCK));
	close(again);
	EXPECT_EQ(2, take_from(self->rx, self->peer.pid, MBOX_NONBLOCK));
	EXPECT_EQ(1, mb_take(self->rx, MBOX_NONBLOCK));
}

TEST_F(process, closing_it_ends_it_too)
{
	struct mb_call call;
	int rx, fd;

	rx = peer_do(&self->peer, OWN, .value = 1);
	ASSERT_LE(0, rx);
	fd = peer_open(self->peer.pid, O_WRONLY);
	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	call_put(&call, fd, 2, 0, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_senders(fd, 1));
	ASSERT_EQ(0, peer_do(&self->peer, CLOSE, .fd = rx));
	EXPECT_EQ(-ESRCH, call_join(&call));
	EXPECT_EQ(-ESRCH, mb_put(fd, 1, 0, 0));
	EXPECT_EQ(-ENOENT, peer_open(self->peer.pid, O_WRONLY));
	EXPECT_EQ(OUT | POLLERR, events(fd));
	EXPECT_EQ(0, mb_status(fd).queued);
	/* The next one is another. */
	rx = peer_do(&self->peer, OWN, .value = 1);
	ASSERT_LE(0, rx);
	EXPECT_EQ(-ESRCH, mb_put(fd, 1, 0, 0));
	EXPECT_EQ(0, peer_put(self->peer.pid, 5));
	EXPECT_EQ(5, peer_do(&self->peer, TAKE, .fd = rx));
	close(fd);
}

TEST_F(process, an_inherited_descriptor_does_not_keep_it)
{
	int ready[2], go[2], hold[2], fd;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(hold));
	pid = child_fork();
	if (!pid) {
		fd = own(1);
		if (fd < 0)
			_exit(1);
		/* The heir outlives its parent, until the test lets go. */
		if (!fork()) {
			close(hold[1]);
			_exit(read(hold[0], &c, 1) != 0);
		}
		_exit(write(ready[1], "r", 1) != 1 || read(go[0], &c, 1) != 1);
	}
	ASSERT_EQ(1, read(ready[0], &c, 1));
	fd = peer_open(pid, O_WRONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	ASSERT_EQ(1, write(go[1], "g", 1));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(-ESRCH, mb_put(fd, 2, 0, 0));
	EXPECT_EQ(1, mb_status(fd).receivers);
	EXPECT_TRUE(wait_until(!mb_status(fd).queued));
	close(hold[1]);
	EXPECT_TRUE(wait_until(!mb_status(fd).receivers));
	close(fd);
}

static void *end_when_told(void *arg)
{
	int *go_and_own = arg;
	char c;

	if (read(go_and_own[0], &c, 1) == 1)
		_exit(mb_take(go_and_own[1], 0));
	_exit(99);
}

/* A child with a mailbox of its own and two threads, of which the second ends it. */
static pid_t fork_two_threads(const int go[2], bool first_ends)
{
	static int go_and_own[2];
	int ready[2];
	pthread_t thread;
	pid_t pid;
	char c;

	if (pipe(ready))
		return -errno;
	pid = child_fork();
	if (pid)
		return read(ready[0], &c, 1) == 1 ? pid : -ENODATA;
	go_and_own[0] = go[0];
	go_and_own[1] = own(4);
	pthread_create(&thread, NULL, end_when_told, go_and_own);
	if (write(ready[1], "r", 1) != 1)
		_exit(98);
	if (first_ends)
		pthread_exit(NULL);
	for (;;)
		pause();
}

static void expect_it_lives_until_told(struct __test_metadata *_metadata, pid_t pid,
				       const int go[2])
{
	int fd = peer_open(pid, O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, mb_put(fd, 17, 0, 0));
	ASSERT_EQ(1, write(go[1], "g", 1));
	EXPECT_EQ(17, child_wait(pid));
	EXPECT_EQ(-ESRCH, mb_put(fd, 18, 0, 0));
	close(fd);
}

/* The process goes on when its first thread ends. */
TEST_F(process, it_lives_as_long_as_any_thread)
{
	char state[512];
	char path[64];
	pid_t pid;
	int go[2];

	ASSERT_EQ(0, pipe(go));
	pid = fork_two_threads(go, true);
	ASSERT_LT(0, pid);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	ASSERT_TRUE(wait_until(read_text(path, state, sizeof(state)) > 0 && strstr(state, ") Z ")));
	expect_it_lives_until_told(_metadata, pid, go);
}

/* What the test runs by execve(2): descriptor 200 is its mailbox, 201 a pipe to say so. */
static int after_exec(const char *what)
{
	if (!strcmp(what, "kept"))
		return mb_take(200, 0);
	return own_create(3, O_RDONLY | O_EXCL, 0666) < 0 || write(201, "e", 1) != 1 ||
	       pause();
}

__attribute__((constructor)) static void exec_entry(void)
{
	const char *what = getenv("PROCESS_TEST_EXEC");

	if (what)
		_exit(after_exec(what));
}

static void *exec_thread(void *arg)
{
	char *argv[] = { "process_test", NULL };

	execv("/proc/self/exe", argv);
	_exit(97);
}

TEST_F(process, an_exec_is_the_same_process)
{
	int other_thread, fd;
	pid_t pid;

	for (other_thread = 0; other_thread < 2; other_thread++) {
		int ready[2];
		char c;

		ASSERT_EQ(0, pipe(ready));
		pid = child_fork();
		if (!pid) {
			pthread_t thread;

			dup2(own(4), 200);
			setenv("PROCESS_TEST_EXEC", "kept", 1);
			if (write(ready[1], "r", 1) != 1)
				_exit(98);
			if (!other_thread)
				exec_thread(NULL);
			pthread_create(&thread, NULL, exec_thread, NULL);
			pause();
		}
		ASSERT_EQ(1, read(ready[0], &c, 1));
		fd = peer_open(pid, O_WRONLY);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, mb_put(fd, 33, 0, MBOX_SYNC));
		EXPECT_EQ(33, child_wait(pid));
		EXPECT_EQ(-ESRCH, mb_put(fd, 34, 0, 0));
		close(fd);
		close(ready[0]);
		close(ready[1]);
	}
}

TEST_F(process, an_exec_that_closes_it_ends_it)
{
	int ready[2], go[2], fd;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	pid = child_fork();
	if (!pid) {
		own(4);
		dup2(ready[1], 201);
		setenv("PROCESS_TEST_EXEC", "new", 1);
		if (write(ready[1], "r", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(98);
		exec_thread(NULL);
	}
	ASSERT_EQ(1, read(ready[0], &c, 1));
	fd = peer_open(pid, O_WRONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	ASSERT_EQ(1, write(go[1], "g", 1));
	ASSERT_EQ(1, read(ready[0], &c, 1));
	EXPECT_EQ('e', c);
	EXPECT_EQ(-ESRCH, mb_put(fd, 1, 0, 0));
	EXPECT_EQ(0, peer_put(pid, 2));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	close(fd);
}

/* A debugger is told of threads that end: nobody else takes that for the end. */
TEST_F(process, a_traced_process_ends_when_it_does)
{
	pid_t pid;
	int go[2];

	ASSERT_EQ(0, pipe(go));
	pid = fork_two_threads(go, false);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	expect_it_lives_until_told(_metadata, pid, go);
}

/* A child with the number of one that is gone. */
static pid_t fork_with_number(pid_t number)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = addr(&number),
		.set_tid_size = 1,
	};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

TEST_F(process, a_number_that_is_used_again_is_another_process)
{
	pid_t old = self->peer.pid, new;
	struct mb_call call;
	int fd, ready[2], go[2];
	char c;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	ASSERT_LE(0, peer_do(&self->peer, OWN, .value = 4));
	fd = peer_open(old, O_WRONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, peer_do(&self->peer, PUT_TO, .value = getpid(), .flags = 1));
	peer_kill(&self->peer);
	self->peer.pid = 0;
	new = fork_with_number(old);
	if (!new) {
		pid_t parent = getppid();
		int rx = own(4);

		if (write(ready[1], "r", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(98);
		_exit(peer_put(parent, 2) ? 97 : mb_take(rx, 0));
	}
	ASSERT_EQ(old, new);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	/* The old descriptor means the old one, and the number the new one. */
	EXPECT_EQ(-ESRCH, mb_put(fd, 3, 0, 0));
	EXPECT_EQ(0, peer_put(new, 4));
	EXPECT_EQ(-EAGAIN, take_from(self->rx, new, MBOX_NONBLOCK));
	call_take_from(&call, self->rx, new, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	ASSERT_EQ(1, write(go[1], "g", 1));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(2, call.number);
	EXPECT_EQ(4, child_wait(new));
	/* The old one's message is there, and says whose it was. */
	EXPECT_EQ(1, take_from(self->rx, old, 0));
	EXPECT_EQ(-ESRCH, take_from(self->rx, old, 0));
	close(fd);
}

TEST_F(process, capacity_stays_within_what_can_be_looked_through)
{
	struct mbox_ioc_status before = mb_status(self->rx);

	EXPECT_EQ(-EINVAL, mb_set_capacity(self->rx, MBOX_PEEK_MAX + 1));
	EXPECT_EQ(-EINVAL, mb_set_capacity(self->rx, MBOX_UNBOUNDED));
	EXPECT_UNCHANGED(self->rx, &before);
	EXPECT_EQ(0, mb_set_capacity(self->rx, MBOX_PEEK_MAX));
	EXPECT_EQ(0, mb_set_capacity(self->rx, 0));
}

TEST_F(process, a_rendezvous_with_one)
{
	struct mb_call first, second, call;
	int tx = peer_open(getpid(), O_WRONLY);

	ASSERT_EQ(0, mb_set_capacity(self->rx, 0));
	/* Two of this process wait; who receives from the peer passes both by. */
	call_put(&first, tx, 1, 0, 0);
	ASSERT_EQ(0, call_start(&first));
	ASSERT_TRUE(wait_senders(tx, 1));
	call_put(&second, tx, 2, 0, 0);
	ASSERT_EQ(0, call_start(&second));
	ASSERT_TRUE(wait_senders(tx, 2));
	EXPECT_EQ(-EAGAIN, take_from(self->rx, self->peer.pid, MBOX_NONBLOCK));
	call_take_from(&call, self->rx, self->peer.pid, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	/* A receiver is there, but not for this process. */
	EXPECT_EQ(-EAGAIN, mb_put(tx, 3, 0, MBOX_NONBLOCK));
	EXPECT_EQ(0, peer_do(&self->peer, PUT_TO, .value = getpid(), .flags = 4));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(4, call.number);
	EXPECT_FALSE(call_done(&first));
	EXPECT_EQ(1, take_from(self->rx, getpid(), 0));
	EXPECT_EQ(0, call_join(&first));
	EXPECT_EQ(2, mb_take(self->rx, 0));
	EXPECT_EQ(0, call_join(&second));
	close(tx);
}

TEST_F(process, a_blocked_sender_is_taken_past_a_full_queue)
{
	int to = peer_do(&self->peer, OPEN, .value = getpid(), .flags = O_WRONLY);
	int i;

	ASSERT_LE(0, to);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, peer_put(getpid(), i));
	peer_tell(&self->peer, (struct order) { PUT, .fd = to, .value = 9 });
	ASSERT_TRUE(wait_senders(self->rx, 1));
	EXPECT_EQ(9, take_from(self->rx, self->peer.pid, 0));
	EXPECT_EQ(0, peer_answer(&self->peer));
	EXPECT_EQ(4, mb_status(self->rx).queued);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(i, take_from(self->rx, getpid(), 0));
}

TEST_F(process, poll_knows_whom_a_receiver_waits_for)
{
	struct mb_call call;
	int tx = peer_open(getpid(), O_WRONLY);
	pid_t pid = getpid();
	int other;

	ASSERT_EQ(0, mb_set_capacity(self->rx, 0));
	other = peer_do(&self->peer, OPEN, .value = pid, .flags = O_WRONLY);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, events(tx));
	call_take_from(&call, self->rx, self->peer.pid, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	EXPECT_EQ(0, events(tx));
	EXPECT_EQ(-EAGAIN, mb_put(tx, 1, 0, MBOX_NONBLOCK));
	EXPECT_EQ(0, peer_do(&self->peer, PUT_TO, .value = pid, .flags = 1));
	EXPECT_EQ(0, call_join(&call));
	call_take_from(&call, self->rx, pid, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	EXPECT_EQ(OUT, events(tx));
	EXPECT_EQ(0, peer_do(&self->peer, POLL, .fd = other));
	EXPECT_EQ(0, mb_put(tx, 2, 0, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&call));
	close(tx);
}

TEST_F(process, poll_wakes_when_the_owner_goes)
{
	struct pollfd pfd = { .events = POLLOUT };

	ASSERT_LE(0, peer_do(&self->peer, OWN, .value = 1));
	pfd.fd = peer_open(self->peer.pid, O_WRONLY);
	ASSERT_LE(0, pfd.fd);
	ASSERT_EQ(0, mb_put(pfd.fd, 1, 0, 0));
	EXPECT_EQ(0, events(pfd.fd));
	if (!child_fork()) {
		usleep(20000);
		kill(self->peer.pid, SIGKILL);
		_exit(0);
	}
	EXPECT_EQ(1, poll(&pfd, 1, WAIT_LIMIT_S * 1000));
	EXPECT_EQ(POLLOUT | POLLERR, pfd.revents);
	wait(NULL);
	close(pfd.fd);
}

TEST_F(process, poll_shows_messages_of_others_to_the_owner)
{
	struct mb_call call;

	call_take_from(&call, self->rx, self->peer.pid, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	EXPECT_EQ(0, events(self->rx));
	ASSERT_EQ(0, peer_put(getpid(), 1));
	EXPECT_EQ(IN, events(self->rx));
	EXPECT_EQ(1, mb_take(self->rx, 0));
	EXPECT_EQ(0, events(self->rx));
	kill(self->peer.pid, SIGKILL);
	EXPECT_EQ(-ESRCH, call_join(&call));
}

/* Waiting from one goes with a hangup of all senders too. */
TEST_F(process, a_hangup_is_told_beside)
{
	struct mb_call call;
	int tx;

	close(self->rx);
	self->rx = mb_create_flags(NULL, 4, O_RDONLY | O_EXCL, MBOX_OWN | MBOX_HANGUP);
	ASSERT_LE(0, self->rx);
	tx = peer_open(getpid(), O_WRONLY);
	ASSERT_LE(0, tx);
	call_take_from(&call, self->rx, self->peer.pid, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	close(tx);
	EXPECT_EQ(-EPIPE, call_join(&call));
	EXPECT_EQ(-EPIPE, take_from(self->rx, self->peer.pid, 0));
	tx = peer_open(getpid(), O_WRONLY);
	close(self->rx);
	/* The process is still there, its mailbox is not: nobody to be told EPIPE. */
	EXPECT_EQ(-ESRCH, mb_put(tx, 1, 0, 0));
	close(tx);
	self->rx = own(1);
}

TEST_F(process, a_network_namespace_separates)
{
	pid_t pid = getpid();

	IN_CHILD {
		ASSERT_EQ(0, unshare(CLONE_NEWNET));
		EXPECT_EQ(-ENOENT, peer_open(pid, O_WRONLY));
		/* A process has one in each that it comes to. */
		EXPECT_LE(0, own(1));
		EXPECT_EQ(0, peer_put(getpid(), 1));
	}
}

TEST_F(process, a_descriptor_crosses_network_namespaces)
{
	int tx = peer_open(getpid(), O_WRONLY);

	IN_CHILD {
		ASSERT_EQ(0, unshare(CLONE_NEWNET));
		EXPECT_EQ(0, mb_put(tx, 1, 0, 0));
	}
	EXPECT_EQ(1, mb_take(self->rx, 0));
	close(tx);
}

TEST_F(process, a_pid_namespace_translates)
{
	int tx = peer_open(getpid(), O_WRONLY);
	pid_t outside = getpid();

	IN_CHILD {
		pid_t pid;

		ASSERT_EQ(0, unshare(CLONE_NEWPID));
		pid = child_fork();
		if (!pid) {
			/* Inside it is 1, and sees nobody outside. */
			int rx = own(4), inside;

			EXPECT_LE(0, rx);
			EXPECT_EQ(1, getpid());
			EXPECT_EQ(0, peer_put(1, 5));
			EXPECT_EQ(5, take_from(rx, 1, 0));
			EXPECT_EQ(-ESRCH, peer_open(outside, O_WRONLY));
			EXPECT_EQ(-ESRCH, take_from(rx, outside, 0));
			inside = child_fork();
			if (!inside)
				_exit(peer_put(1, 6));
			EXPECT_EQ(0, child_wait(inside));
			EXPECT_EQ(6, take_from(rx, inside, 0));
			EXPECT_EQ(0, mb_put(tx, 7, 0, 0));
			/* From outside, by the number that it has there. */
			EXPECT_EQ(8, mb_take(rx, 0));
			_exit(0);
		}
		ASSERT_TRUE(wait_until(peer_put(pid, 8) != -ENOENT));
		EXPECT_EQ(0, child_wait(pid));
	}
	/* The receiver learns the number that it can see. */
	{
		struct mbox_ioc_msg msg;
		__u32 number = 0;

		msg = mb_msg(&number, sizeof(number), 0);
		ASSERT_EQ(0, ctl(self->rx, MBOX_IOC_RECV, &msg));
		EXPECT_EQ(7, number);
		EXPECT_LT(1, msg.pid);
	}
	close(tx);
}

TEST_F(process, who_is_not_seen_cannot_be_named)
{
	pid_t outside = getpid();

	IN_CHILD {
		pid_t pid;

		ASSERT_EQ(0, unshare(CLONE_NEWPID));
		pid = child_fork();
		if (!pid) {
			int rx = own(4), fd;
			struct mbox_ioc_msg msg;
			__u32 number = 0;

			/* A sender outside shows as 0, which names nobody. */
			msg = mb_msg(&number, sizeof(number), 0);
			if (rx < 0 || ctl(rx, MBOX_IOC_RECV, &msg))
				_exit(1);
			EXPECT_EQ(0, msg.pid);
			EXPECT_EQ(-EINVAL, take_from(rx, 0, MBOX_NONBLOCK));
			fd = peer_open(outside, O_WRONLY);
			EXPECT_EQ(-ESRCH, fd);
			_exit(0);
		}
		ASSERT_TRUE(wait_until(peer_put(pid, 8) != -ENOENT));
		EXPECT_EQ(0, child_wait(pid));
	}
}

TEST_F(process, a_user_namespace_gives_no_more_rights)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_MODE, .mode = 0600 };
	pid_t pid = getpid();

	ASSERT_EQ(0, ctl(self->rx, MBOX_IOC_SET, &set));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		ASSERT_EQ(0, enter_user_namespace(0, 0));
		EXPECT_EQ(-EACCES, peer_open(pid, O_WRONLY));
		EXPECT_EQ(-EPERM, peer_open(pid, O_RDONLY));
	}
	set.mode = 0666;
	ASSERT_EQ(0, ctl(self->rx, MBOX_IOC_SET, &set));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		ASSERT_EQ(0, enter_user_namespace(0, 0));
		EXPECT_EQ(0, peer_put(pid, 1));
	}
	/* Root inside is who it is outside. */
	{
		struct mbox_ioc_msg msg;
		__u32 number = 0;

		msg = mb_msg(&number, sizeof(number), 0);
		ASSERT_EQ(0, ctl(self->rx, MBOX_IOC_RECV, &msg));
		EXPECT_EQ(USER_A, msg.uid);
		EXPECT_EQ(USER_A, msg.gid);
	}
}

/*
 * An unprivileged user that makes itself a container has all of the device in it, and nothing
 * of what is outside: it cannot see, open, signal or exhaust it.
 */
TEST_F(process, a_container_is_closed)
{
	pid_t outside = getpid();
	const char *name = unique_name("outside");
	long long was = param_get("user_mailboxes");
	int fd = mb_create(name, 4, O_RDWR);
	char text[4096], id[32];

	ASSERT_LE(0, fd);
	snprintf(id, sizeof(id), "mailbox %llu ", (unsigned long long)mb_status(fd).id);
	ASSERT_LT(0, read_text("/proc/net/mbox", text, sizeof(text)));
	ASSERT_NE(NULL, strstr(text, id));
	ASSERT_EQ(0, param_set("user_mailboxes", 8));
	IN_CHILD {
		pid_t pid;

		ASSERT_EQ(0, become(USER_A, USER_A));
		ASSERT_EQ(0, enter_user_namespace(0, CLONE_NEWNET | CLONE_NEWPID));
		pid = child_fork();
		if (!pid) {
			int i;

			EXPECT_EQ(-ENOENT, mb_open(name, O_WRONLY));
			EXPECT_EQ(-ESRCH, peer_open(outside, O_WRONLY));
			EXPECT_LT(0, read_text("/proc/net/mbox", text, sizeof(text)));
			EXPECT_EQ(NULL, strstr(text, id));
			EXPECT_LE(0, own(4));
			EXPECT_EQ(0, peer_put(getpid(), 1));
			/* Root of the container pays as the user who made it. */
			for (i = 1; i < 8; i++)
				EXPECT_LE(0, mb_create(NULL, 1, O_RDWR));
			EXPECT_EQ(-EDQUOT, mb_create(NULL, 1, O_RDWR));
			_exit(0);
		}
		EXPECT_EQ(0, child_wait(pid));
	}
	/* Others have theirs. */
	IN_CHILD {
		ASSERT_EQ(0, become(USER_B, USER_B));
		EXPECT_LE(0, mb_create(NULL, 1, O_RDWR));
	}
	EXPECT_EQ(0, param_set("user_mailboxes", was));
	EXPECT_EQ(0, mb_unlink(name));
	close(fd);
}

/* Processes that end while another opens, sends to and receives from them. */
TEST_F(process, race_of_ends)
{
	int i;

	for (i = 0; i < 300; i++) {
		struct peer peer = peer_start();
		int fd = -ENOENT, ret = 0;

		peer_tell(&peer, (struct order) { OWN, .value = i % 3 });
		while (i & 1 && fd == -ENOENT)
			fd = peer_open(peer.pid, O_WRONLY);
		peer_tell(&peer, (struct order) { EXIT, .value = 0 });
		while (fd == -ENOENT)
			fd = peer_open(peer.pid, O_WRONLY);
		while (fd >= 0 && !ret)
			ret = mb_put(fd, i, 0, i & 2 ? MBOX_SYNC : 0);
		EXPECT_EQ(-ESRCH, fd < 0 ? fd : ret);
		EXPECT_EQ(-ESRCH, take_from(self->rx, peer.pid, 0));
		if (fd >= 0)
			close(fd);
		peer_kill(&peer);
	}
}

static void *open_and_close(void *arg)
{
	int i;

	for (i = 0; i < 3000; i++) {
		int fd = own_create(4, O_RDWR, 0666);

		/* What was just opened is alive: it takes a message and gives it back. */
		if (fd < 0 || mb_put(fd, i, 0, MBOX_NONBLOCK) || mb_take(fd, MBOX_NONBLOCK) < 0)
			return (void *)1;
		close(fd);
	}
	return NULL;
}

TEST_F(process, race_of_closing_and_opening_again)
{
	pthread_t threads[2];
	void *ret;
	int i;

	close(self->rx);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, open_and_close, NULL));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &ret));
		EXPECT_EQ(NULL, ret);
	}
	self->rx = own(4);
	ASSERT_LE(0, self->rx);
}

TEST_HARNESS_MAIN
