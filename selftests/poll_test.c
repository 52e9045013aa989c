// SPDX-License-Identifier: GPL-2.0
/* poll and epoll: what each side is told in each state, edges, and that no wake-up is missed. */
#include "common.h"
#include "harness.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

FIXTURE(poll) {
	struct mb_ends box;
	struct mb_call call;
};

FIXTURE_SETUP(poll)
{
	ASSERT_EQ(0, mb_ends_open(&self->box, 2, 0));
}

FIXTURE_TEARDOWN(poll)
{
	mb_ends_close(&self->box);
}

TEST_F(poll, bounded_mailbox_from_empty_to_full_and_back)
{
	EXPECT_EQ(0, events(self->box.rx));
	EXPECT_EQ(OUT, events(self->box.tx));
	EXPECT_EQ(OUT, events(self->box.both));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(IN, events(self->box.rx));
	EXPECT_EQ(OUT, events(self->box.tx));
	EXPECT_EQ(IN | OUT, events(self->box.both));
	ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	EXPECT_EQ(IN, events(self->box.rx));
	EXPECT_EQ(0, events(self->box.tx));
	EXPECT_EQ(IN, events(self->box.both));
	ASSERT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(OUT, events(self->box.tx));
	ASSERT_EQ(2, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, events(self->box.rx));
}

TEST_F(poll, unbounded_mailbox_always_has_room)
{
	int i;

	ASSERT_EQ(0, mb_set_capacity(self->box.both, MBOX_UNBOUNDED));
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(OUT, events(self->box.tx));
		ASSERT_EQ(0, mb_put(self->box.tx, i, 0, 0));
	}
	EXPECT_EQ(OUT, events(self->box.tx));
}

TEST_F(poll, rendezvous_has_room_while_a_receiver_waits)
{
	ASSERT_EQ(0, mb_set_capacity(self->box.both, 0));
	EXPECT_EQ(0, events(self->box.tx));
	EXPECT_EQ(0, events(self->box.rx));
	call_take(&self->call, self->box.rx, 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	EXPECT_EQ(OUT, events(self->box.tx));
	EXPECT_EQ(0, events(self->box.rx));
	EXPECT_EQ(0, mb_put(self->box.tx, 1, 0, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(0, events(self->box.tx));
}

TEST_F(poll, rendezvous_can_be_received_from_while_a_sender_waits)
{
	ASSERT_EQ(0, mb_set_capacity(self->box.both, 0));
	call_put(&self->call, self->box.tx, 1, 0, 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_TRUE(wait_senders(self->box.rx, 1));
	EXPECT_EQ(IN, events(self->box.rx));
	EXPECT_EQ(0, events(self->box.tx));
	EXPECT_EQ(1, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_EQ(0, events(self->box.rx));
}

TEST_F(poll, withdrawn_sender_can_no_longer_be_received_from)
{
	ASSERT_EQ(0, mb_set_capacity(self->box.both, 0));
	call_put(&self->call, self->box.tx, 1, 0, 0);
	self->call.msg.deadline = in_ms(30);
	ASSERT_EQ(0, call_start(&self->call));
	EXPECT_EQ(-ETIMEDOUT, call_join(&self->call));
	EXPECT_EQ(0, events(self->box.rx));
}

TEST_F(poll, shrinking_and_growing_changes_the_room)
{
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(OUT, events(self->box.tx));
	ASSERT_EQ(0, mb_set_capacity(self->box.both, 1));
	EXPECT_EQ(0, events(self->box.tx));
	ASSERT_EQ(0, mb_set_capacity(self->box.both, 2));
	EXPECT_EQ(OUT, events(self->box.tx));
}

/* There is room for a few bytes, but not before the turn of the sender that waits for more. */
TEST_F(poll, sender_that_waits_for_bytes_is_before_others)
{
	static char buf[MSGSIZE];
	struct mbox_ioc_create create = mb_template(NULL, 2, O_RDWR);
	int fd;

	create.bytes = MSGSIZE;
	fd = ctl(device(), MBOX_IOC_CREATE, &create);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mb_send(fd, buf, 1, 0, 0));
	EXPECT_EQ(IN | OUT, events(fd));
	call_put(&self->call, fd, 0, 0, 0);
	self->call.msg = mb_msg(buf, MSGSIZE, 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_TRUE(wait_senders(fd, 1));
	EXPECT_EQ(IN, events(fd));
	ASSERT_EQ(1, mb_recv(fd, buf, MSGSIZE, 0));
	EXPECT_EQ(0, call_join(&self->call));
	close(fd);
}

TEST_F(poll, hangup_bits)
{
	struct mb_ends box;

	ASSERT_EQ(0, mb_ends_open(&box, 2, MBOX_HANGUP));
	close(box.both);
	EXPECT_EQ(0, events(box.rx));
	EXPECT_EQ(OUT, events(box.tx));
	ASSERT_EQ(0, mb_put(box.tx, 1, 0, 0));
	close(box.tx);
	/* A message is still there, and after it the end of file. */
	EXPECT_EQ(IN | POLLHUP, events(box.rx));
	ASSERT_EQ(1, mb_take(box.rx, 0));
	EXPECT_EQ(IN | POLLHUP, events(box.rx));
	EXPECT_EQ(-EPIPE, mb_take(box.rx, 0));
	close(box.rx);

	ASSERT_EQ(0, mb_ends_open(&box, 2, MBOX_HANGUP));
	close(box.both);
	close(box.rx);
	/* A send does not block: it fails. */
	EXPECT_EQ(OUT | POLLERR, events(box.tx));
	EXPECT_EQ(-EPIPE, mb_put(box.tx, 1, 0, 0));
	close(box.tx);
}

TEST_F(poll, descriptor_of_no_right_is_told_nothing)
{
	const char *name = unique_name("poll.none");
	int both = mb_create(name, 2, O_RDWR), none = mb_open(name, O_ACCMODE);

	ASSERT_LE(0, none);
	ASSERT_EQ(0, mb_put(both, 1, 0, 0));
	EXPECT_EQ(0, events(none));
	EXPECT_EQ(0, mb_unlink(name));
}

/* A poll that sleeps, in a thread, and what wakes it. */
struct sleeper {
	struct pollfd pfd;
	pthread_t thread;
	pid_t tid;
	bool done;
};

static void *sleep_in_poll(void *arg)
{
	struct sleeper *s = arg;

	__atomic_store_n(&s->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	poll(&s->pfd, 1, WAIT_LIMIT_S * 1000);
	__atomic_store_n(&s->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* What the kernel says of a thread: S is asleep, and in poll there is nothing else to sleep for. */
static bool is_asleep(struct sleeper *s)
{
	pid_t tid = __atomic_load_n(&s->tid, __ATOMIC_ACQUIRE);
	char path[64], text[512], *state;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	if (!tid || read_text(path, text, sizeof(text)) <= 0)
		return false;
	state = strrchr(text, ')');
	return state && state[2] == 'S';
}

static int sleeper_start(struct sleeper *s, int fd, short wanted)
{
	*s = (struct sleeper) { .pfd = { .fd = fd, .events = wanted } };
	if (pthread_create(&s->thread, NULL, sleep_in_poll, s))
		return -EAGAIN;
	return wait_until(is_asleep(s)) ? 0 : -ETIME;
}

static int sleeper_end(struct sleeper *s)
{
	if (!wait_until(__atomic_load_n(&s->done, __ATOMIC_ACQUIRE)))
		return -ETIME;
	pthread_join(s->thread, NULL);
	return s->pfd.revents;
}

TEST_F(poll, sleeping_poll_is_woken)
{
	struct mb_ends box;
	struct sleeper s;

	ASSERT_EQ(0, sleeper_start(&s, self->box.rx, IN));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(IN, sleeper_end(&s));

	ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	ASSERT_EQ(0, sleeper_start(&s, self->box.tx, OUT));
	ASSERT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(OUT, sleeper_end(&s));

	ASSERT_EQ(0, mb_put(self->box.tx, 3, 0, 0));
	ASSERT_EQ(0, sleeper_start(&s, self->box.tx, OUT));
	ASSERT_EQ(0, mb_set_capacity(self->box.both, 5));
	EXPECT_EQ(OUT, sleeper_end(&s));

	ASSERT_EQ(0, mb_ends_open(&box, 0, MBOX_HANGUP));
	close(box.both);
	ASSERT_EQ(0, sleeper_start(&s, box.rx, IN));
	close(box.tx);
	EXPECT_EQ(IN | POLLHUP, sleeper_end(&s));
	close(box.rx);

	ASSERT_EQ(0, mb_ends_open(&box, 0, MBOX_HANGUP));
	close(box.both);
	ASSERT_EQ(0, sleeper_start(&s, box.tx, OUT));
	close(box.rx);
	EXPECT_EQ(OUT | POLLERR, sleeper_end(&s));
	close(box.tx);
}

TEST_F(poll, sleeping_poll_is_woken_by_the_other_side_of_a_rendezvous)
{
	struct sleeper s;

	ASSERT_EQ(0, mb_set_capacity(self->box.both, 0));
	ASSERT_EQ(0, sleeper_start(&s, self->box.rx, IN));
	call_put(&self->call, self->box.tx, 1, 0, 0);
	ASSERT_EQ(0, call_start(&self->call));
	EXPECT_EQ(IN, sleeper_end(&s));
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(&self->call));

	ASSERT_EQ(0, sleeper_start(&s, self->box.tx, OUT));
	call_take(&self->call, self->box.rx, 0);
	ASSERT_EQ(0, call_start(&self->call));
	EXPECT_EQ(OUT, sleeper_end(&s));
	EXPECT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	EXPECT_EQ(0, call_join(&self->call));
}

static int watch(int fd, __u32 wanted)
{
	struct epoll_event event = { .events = wanted };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	return ep;
}

static int ready(int ep)
{
	struct epoll_event event;
	int ret = epoll_wait(ep, &event, 1, 0);

	return ret < 0 ? -errno : ret ? (int)event.events : 0;
}

TEST_F(poll, epoll_level_tells_as_long_as_it_is_so)
{
	int ep = watch(self->box.rx, EPOLLIN);

	ASSERT_LE(0, ep);
	EXPECT_EQ(0, ready(ep));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(EPOLLIN, ready(ep));
	EXPECT_EQ(EPOLLIN, ready(ep));
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, ready(ep));
}

TEST_F(poll, epoll_edge_tells_of_every_message_once)
{
	int ep = watch(self->box.rx, EPOLLIN | EPOLLET);

	ASSERT_EQ(0, mb_set_capacity(self->box.both, MBOX_UNBOUNDED));
	ASSERT_LE(0, ep);
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(EPOLLIN, ready(ep));
	EXPECT_EQ(0, ready(ep));
	/* Another one, though the first has not been taken. */
	ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	EXPECT_EQ(EPOLLIN, ready(ep));
	EXPECT_EQ(0, ready(ep));
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, ready(ep));
	ASSERT_EQ(0, mb_put(self->box.tx, 3, 0, 0));
	EXPECT_EQ(EPOLLIN, ready(ep));
}

TEST_F(poll, epoll_edge_tells_of_room)
{
	int ep;

	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	ep = watch(self->box.tx, EPOLLOUT | EPOLLET);
	ASSERT_LE(0, ep);
	EXPECT_EQ(0, ready(ep));
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(EPOLLOUT, ready(ep));
	EXPECT_EQ(0, ready(ep));
	ASSERT_EQ(0, mb_put(self->box.tx, 3, 0, 0));
	EXPECT_EQ(2, mb_take(self->box.rx, 0));
	EXPECT_EQ(EPOLLOUT, ready(ep));
}

TEST_F(poll, epoll_edge_tells_of_hangup)
{
	struct mb_ends box;
	int ep;

	ASSERT_EQ(0, mb_ends_open(&box, 2, MBOX_HANGUP));
	close(box.both);
	ep = watch(box.rx, EPOLLIN | EPOLLET);
	EXPECT_EQ(0, ready(ep));
	close(box.tx);
	EXPECT_EQ(EPOLLIN | EPOLLHUP, ready(ep));
	EXPECT_EQ(0, ready(ep));
	mb_ends_close(&box);
}

TEST_F(poll, epoll_oneshot_and_exclusive)
{
	int one = watch(self->box.rx, EPOLLIN | EPOLLONESHOT);
	int exclusive = watch(self->box.rx, EPOLLIN | EPOLLEXCLUSIVE);

	ASSERT_LE(0, one);
	ASSERT_LE(0, exclusive);
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(EPOLLIN, ready(one));
	EXPECT_EQ(EPOLLIN, ready(exclusive));
	ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	EXPECT_EQ(0, ready(one));
}

/* Closed while it is watched: nothing may be left that points to it. */
TEST_F(poll, closed_while_watched)
{
	int ep = watch(self->box.rx, EPOLLIN), i;

	for (i = 0; i < 200; i++) {
		int fd = mb_create(NULL, 1, O_RDWR);
		struct epoll_event event = { .events = EPOLLIN | EPOLLET };

		ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
		ASSERT_EQ(0, mb_put(fd, i, 0, 0));
		close(fd);
	}
	EXPECT_EQ(0, ready(ep));
}

#define ROUNDS 1000

/*
 * A reader that sleeps by epoll whenever nothing is there, against a writer that never waits
 * for it: a wake-up that is missed leaves the reader asleep, and the test to its time limit.
 */
static int read_all(int fd, int ep)
{
	struct epoll_event event;
	int next = 0, got;

	while (next < ROUNDS) {
		if (epoll_wait(ep, &event, 1, -1) != 1)
			return 1;
		/* With an edge all must be taken, or the rest is never told of. */
		while ((got = mb_take(fd, MBOX_NONBLOCK)) >= 0)
			if (got != next++)
				return 2;
		if (got != -EAGAIN)
			return 3;
	}
	return 0;
}

static int write_all(int fd, int ep)
{
	struct epoll_event event;
	int next = 0, ret = 0;

	while (next < ROUNDS) {
		while (next < ROUNDS && !(ret = mb_put(fd, next, 0, MBOX_NONBLOCK)))
			next++;
		if (next < ROUNDS && ret != -EAGAIN)
			return 1;
		if (next < ROUNDS && epoll_wait(ep, &event, 1, -1) != 1)
			return 2;
	}
	return 0;
}

static void no_missed_wakeup(struct __test_metadata *_metadata, struct mb_ends *box, __u32 mode)
{
	int in = watch(box->rx, EPOLLIN | mode), out = watch(box->tx, EPOLLOUT | mode);
	pid_t reader, writer;

	reader = child_fork();
	if (!reader)
		_exit(read_all(box->rx, in));
	writer = child_fork();
	if (!writer)
		_exit(write_all(box->tx, out));
	EXPECT_EQ(0, child_wait(writer));
	EXPECT_EQ(0, child_wait(reader));
	EXPECT_EQ(0, mb_status(box->both).queued);
	close(in);
	close(out);
}

TEST_F(poll, level_misses_no_wakeup)
{
	no_missed_wakeup(_metadata, &self->box, 0);
	ASSERT_EQ(0, mb_set_capacity(self->box.both, 1));
	no_missed_wakeup(_metadata, &self->box, 0);
}

TEST_F(poll, edge_misses_no_wakeup)
{
	no_missed_wakeup(_metadata, &self->box, EPOLLET);
	ASSERT_EQ(0, mb_set_capacity(self->box.both, 1));
	no_missed_wakeup(_metadata, &self->box, EPOLLET);
	ASSERT_EQ(0, mb_set_capacity(self->box.both, MBOX_UNBOUNDED));
	no_missed_wakeup(_metadata, &self->box, EPOLLET);
}

/* The receivers block, so the writer is told of them by poll alone. */
TEST_F(poll, rendezvous_misses_no_wakeup)
{
	int out = watch(self->box.tx, EPOLLOUT | EPOLLET), i;
	pid_t writer;

	ASSERT_EQ(0, mb_set_capacity(self->box.both, 0));
	writer = child_fork();
	if (!writer)
		_exit(write_all(self->box.tx, out));
	for (i = 0; i < ROUNDS; i++)
		if (mb_take(self->box.rx, 0) != i)
			break;
	EXPECT_EQ(ROUNDS, i);
	EXPECT_EQ(0, child_wait(writer));
}

TEST_HARNESS_MAIN
