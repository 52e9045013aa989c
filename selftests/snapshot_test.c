// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots: what they hold, who may take one, who pays, and that they are of one moment however
 * many senders and receivers there are.
 */
#include "common.h"
#include "harness.h"

#include <poll.h>

#define LARGE	(100 << 10)
#define DEEP	1200

FIXTURE(snapshot) {
	int fd;
};

static int create_large(__u32 oflag)
{
	struct mbox_ioc_create create = mb_template(NULL, MBOX_UNBOUNDED, oflag);

	create.msgsize = LARGE;
	create.bytes = 1 << 30;
	return ctl(device(), MBOX_IOC_CREATE, &create);
}

FIXTURE_SETUP(snapshot)
{
	umask(0);
	self->fd = create_large(O_RDWR | O_NONBLOCK);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(snapshot)
{
	close(self->fd);
}

/* One after the other they cover what a message can be: empty, inside its header, apart. */
static size_t length_of(__u32 i)
{
	static const size_t lengths[] = { 0, 1, 64, 300, MSGSIZE, LARGE };

	return lengths[i % ARRAY_SIZE(lengths)];
}

static __u32 prio_of(__u32 i)
{
	return i * 7 % 3 * 1000;
}

static int put_pattern(int fd, __u32 i)
{
	static char buf[LARGE];
	struct mbox_ioc_msg msg = mb_msg(buf, length_of(i), 0);

	pattern_fill(buf, length_of(i), i);
	msg.prio = prio_of(i);
	msg.tag = ~(__u64)i;
	return ctl(fd, MBOX_IOC_SEND, &msg);
}

/* Which one it was, or an error. */
static int take_pattern(int fd)
{
	static char buf[LARGE];
	struct mbox_ioc_msg msg = mb_msg(buf, sizeof(buf), 0);
	int ret = ctl(fd, MBOX_IOC_RECV, &msg);
	__u32 i = ~msg.tag;

	if (ret)
		return ret;
	if (msg.len != length_of(i) || msg.prio != prio_of(i) || msg.pid != getpid() ||
	    msg.uid != geteuid() || msg.gid != getegid() || !pattern_check(buf, msg.len, i))
		return -EBADMSG;
	return i;
}

/* Both have the same messages in the same order, and then none. */
static bool same_messages(int a, int b)
{
	int got;

	do {
		got = take_pattern(a);
		if (got != take_pattern(b) && got >= 0)
			return false;
	} while (got >= 0);
	return got == -EAGAIN && take_pattern(b) == -EPIPE;
}

TEST_F(snapshot, holds_the_same_messages_in_the_same_order)
{
	struct mbox_ioc_status before;
	int copy, i;

	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, put_pattern(self->fd, i));
	}
	before = mb_status(self->fd);
	copy = mb_snapshot(self->fd);
	ASSERT_LE(0, copy);
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_EQ(before.queued, mb_status(copy).queued);
	EXPECT_EQ(before.queued_bytes, mb_status(copy).queued_bytes);
	/* They go on apart, although they have the data together. */
	ASSERT_EQ(0, put_pattern(self->fd, 51));
	EXPECT_EQ(51, mb_status(self->fd).queued);
	EXPECT_EQ(50, mb_status(copy).queued);
	close(copy);

	copy = mb_snapshot(self->fd);
	EXPECT_TRUE(same_messages(self->fd, copy));
	EXPECT_EQ(before.received + 51, mb_status(self->fd).received);
}

TEST_F(snapshot, outlives_the_mailbox_and_the_other_way_round)
{
	int first, second, third, i;

	for (i = 0; i < 12; i++) {
		ASSERT_EQ(0, put_pattern(self->fd, i));
	}
	first = mb_snapshot(self->fd);
	second = mb_snapshot(first);
	third = mb_snapshot(second);
	ASSERT_LE(0, third);
	close(second);
	EXPECT_TRUE(same_messages(self->fd, third));
	close(self->fd);
	for (i = 0; i < 12; i++) {
		EXPECT_LE(0, take_pattern(first));
	}
	EXPECT_EQ(-EPIPE, take_pattern(first));
}

TEST_F(snapshot, has_the_attributes_of_the_mailbox)
{
	struct mbox_ioc_status old, new;
	int copy;

	ASSERT_EQ(0, mb_set_capacity(self->fd, 77));
	copy = mb_snapshot(self->fd);
	ASSERT_LE(0, copy);
	old = mb_status(self->fd);
	new = mb_status(copy);
	EXPECT_NE(old.id, new.id);
	EXPECT_EQ(77, new.capacity);
	EXPECT_EQ(old.msgsize, new.msgsize);
	EXPECT_EQ(old.bytes, new.bytes);
	EXPECT_EQ(0600, new.mode);
	EXPECT_EQ(geteuid(), new.uid);
	EXPECT_EQ(getegid(), new.gid);
	EXPECT_EQ(MBOX_HANGUP, new.flags);
	EXPECT_EQ(0, new.senders);
	EXPECT_EQ(1, new.receivers);
	EXPECT_EQ(0, new.received);
}

TEST_F(snapshot, of_an_empty_mailbox_is_at_its_end)
{
	struct pollfd poller = { .events = POLLIN };
	char byte;

	poller.fd = mb_snapshot(self->fd);
	ASSERT_LE(0, poller.fd);
	EXPECT_EQ(-EPIPE, mb_take(poller.fd, 0));
	EXPECT_EQ(0, read(poller.fd, &byte, 1));
	EXPECT_EQ(1, poll(&poller, 1, 0));
	EXPECT_EQ(POLLIN | POLLHUP, poller.revents);
}

TEST_F(snapshot, can_only_be_received_from)
{
	int copy = mb_snapshot(self->fd), again;

	ASSERT_LE(0, copy);
	EXPECT_EQ(-EBADF, mb_put(copy, 1, 0, 0));
	EXPECT_EQ(-1, write(copy, "", 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(FD_CLOEXEC, fcntl(copy, F_GETFD));
	/* It can be given a name, and is a mailbox like any other then. */
	EXPECT_EQ(0, mb_link(copy, unique_name("copy")));
	again = mb_open(unique_name("copy"), O_WRONLY);
	ASSERT_LE(0, again);
	EXPECT_EQ(0, mb_unlink(unique_name("copy")));
	EXPECT_EQ(0, mb_put(again, 5, 0, 0));
	EXPECT_EQ(5, mb_take(copy, 0));
}

TEST_F(snapshot, later_messages_come_after_those_it_holds)
{
	const char *name = unique_name("later");
	int copy, again;

	ASSERT_EQ(0, mb_put(self->fd, 1, 3, 0));
	ASSERT_EQ(0, mb_put(self->fd, 2, 3, 0));
	copy = mb_snapshot(self->fd);
	ASSERT_EQ(0, mb_link(copy, name));
	again = mb_open(name, O_WRONLY);
	EXPECT_EQ(0, mb_unlink(name));
	EXPECT_EQ(0, mb_put(again, 3, 3, 0));
	EXPECT_EQ(1, mb_take(copy, 0));
	EXPECT_EQ(2, mb_take(copy, 0));
	EXPECT_EQ(3, mb_take(copy, 0));
}

TEST_F(snapshot, nonblock_is_the_new_descriptors_own)
{
	struct mbox_ioc_snapshot snapshot = { .oflag = O_RDONLY | O_NONBLOCK };
	int copy = ctl(self->fd, MBOX_IOC_SNAPSHOT, &snapshot);

	ASSERT_LE(0, copy);
	EXPECT_EQ(O_NONBLOCK | O_RDONLY, fcntl(copy, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
	EXPECT_EQ(O_RDONLY, fcntl(mb_snapshot(self->fd), F_GETFL) & (O_NONBLOCK | O_ACCMODE));
}

TEST_F(snapshot, leaves_out_what_waits_for_room)
{
	int fd = mb_create(NULL, 1, O_RDWR), copy;
	struct mb_call call;

	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	call_put(&call, fd, 2, 9, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_senders(fd, 1));
	copy = mb_snapshot(fd);
	EXPECT_EQ(1, mb_take(copy, 0));
	EXPECT_EQ(-EPIPE, mb_take(copy, 0));
	EXPECT_EQ(1, mb_status(fd).waiting_senders);
	EXPECT_EQ(2, mb_take(fd, 0) + mb_take(fd, 0) - 1);
	EXPECT_EQ(0, call_join(&call));
}

TEST_F(snapshot, tells_the_sender_also_to_one_who_cannot_see_it)
{
	struct mbox_ioc_msg msg = mb_msg(NULL, 0, 0);
	int copy;

	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_B));
		ASSERT_EQ(0, mb_put(self->fd, 1, 0, 0));
		ASSERT_EQ(0, mb_send(self->fd, NULL, 0, 1, 0));
	}
	copy = mb_snapshot(self->fd);
	EXPECT_EQ(0, ctl(copy, MBOX_IOC_RECV, &msg));
	EXPECT_NE(0, msg.pid);
	EXPECT_NE(getpid(), msg.pid);
	EXPECT_EQ(USER_A, msg.uid);
	EXPECT_EQ(USER_B, msg.gid);
}

static int set_mode(int fd, __u32 mode)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_MODE, .mode = mode };

	return ctl(fd, MBOX_IOC_SET, &set);
}

TEST_F(snapshot, needs_the_right_to_receive)
{
	const char *name = unique_name("rights");
	int fd = mb_create(name, 4, O_RDWR), look;

	EXPECT_LE(0, mb_snapshot(mb_open(name, O_RDONLY)));
	EXPECT_EQ(-EBADF, mb_snapshot(mb_open(name, O_WRONLY)));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		look = mb_open(name, O_WRONLY | O_RDWR);
		EXPECT_LE(0, mb_snapshot(look));
	}
	ASSERT_EQ(0, set_mode(fd, 0602));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		look = mb_open(name, O_WRONLY | O_RDWR);
		ASSERT_LE(0, look);
		EXPECT_EQ(-EACCES, mb_snapshot(look));
	}
	EXPECT_EQ(0, mb_unlink(name));
}

/* To look is not to receive: nobody is told that there was a receiver. */
TEST_F(snapshot, by_access_mode_3_makes_no_receiver)
{
	const char *name = unique_name("hangup");
	int fd, look;

	fd = mb_create_flags(name, 4, O_WRONLY, MBOX_HANGUP);
	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	look = mb_open(name, O_WRONLY | O_RDWR);
	EXPECT_EQ(1, mb_take(mb_snapshot(look), 0));
	close(look);
	EXPECT_EQ(0, mb_unlink(name));
	EXPECT_EQ(0, mb_put(fd, 2, 0, 0));
}

TEST_F(snapshot, of_a_broadcast_is_eopnotsupp)
{
	int fd;

	fd = mb_create_flags(NULL, 4, O_RDWR, MBOX_BROADCAST);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EOPNOTSUPP, mb_snapshot(fd));
}

TEST_F(snapshot, of_the_own_mailbox_is_for_the_process_itself)
{
	int fd;

	fd = mb_create_flags(NULL, 4, O_RDWR, MBOX_OWN);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	EXPECT_EQ(-EINVAL, mb_link(fd, unique_name("own")));
	EXPECT_EQ(1, mb_take(mb_snapshot(fd), 0));
	IN_CHILD {
		EXPECT_EQ(-EPERM, mb_snapshot(fd));
	}
}

/* The budgets are made small for these tests, and put back where no test is run. */
FIXTURE(payer) {
	long long bytes;
	long long mailboxes;
};

FIXTURE_SETUP(payer)
{
	umask(0);
	ASSERT_LE(0, device());
	self->bytes = param_get("user_bytes");
	self->mailboxes = param_get("user_mailboxes");
	ASSERT_EQ(0, param_set("user_bytes", 1 << 20));
	ASSERT_EQ(0, param_set("user_mailboxes", 4));
}

FIXTURE_TEARDOWN_PARENT(payer)
{
	param_set("user_bytes", self->bytes);
	param_set("user_mailboxes", self->mailboxes);
}

/* So many large messages are what a budget of 1 MiB has room for. */
#define FIT	10

static char large[LARGE];

static int put_until_refused(int fd)
{
	int i = 0;

	while (!mb_send(fd, large, LARGE, 0, MBOX_NONBLOCK))
		i++;
	return i;
}

TEST_F(payer, is_who_takes_the_snapshot)
{
	IN_CHILD {
		int fd, copy, i;

		ASSERT_EQ(0, become(USER_A, USER_A));
		fd = create_large(O_RDWR);
		for (i = 0; i < FIT / 2; i++) {
			ASSERT_EQ(0, mb_send(fd, large, LARGE, 0, 0));
		}
		copy = mb_snapshot(fd);
		ASSERT_LE(0, copy);
		EXPECT_EQ(0, put_until_refused(fd));
		EXPECT_EQ(-EDQUOT, mb_snapshot(fd));
		EXPECT_EQ(FIT / 2, mb_status(fd).queued);
		close(copy);
		EXPECT_EQ(FIT - FIT / 2, put_until_refused(fd));
	}
}

/* A sender has its budget back once its messages are received: no snapshot can hold it. */
TEST_F(payer, is_not_who_sent)
{
	const char *name = unique_name("sender");
	int fd = create_large(O_RDWR), copy;

	ASSERT_EQ(0, mb_link(fd, name));
	ASSERT_EQ(0, set_mode(fd, 0666));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(FIT, put_until_refused(mb_open(name, O_WRONLY)));
	}
	/* The caller, root, is exempt. */
	copy = mb_snapshot(fd);
	ASSERT_LE(0, copy);
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(0, put_until_refused(mb_open(name, O_WRONLY)));
	}
	while (mb_recv(fd, large, LARGE, MBOX_NONBLOCK) >= 0)
		;
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(FIT, put_until_refused(mb_open(name, O_WRONLY)));
	}
	EXPECT_EQ(FIT, mb_status(copy).queued);
	EXPECT_EQ(0, mb_unlink(name));
}

TEST_F(payer, has_no_more_mailboxes_than_before)
{
	IN_CHILD {
		int copies[3], fd, i;

		ASSERT_EQ(0, become(USER_A, USER_A));
		fd = create_large(O_RDWR);
		ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
		for (i = 0; i < 3; i++) {
			copies[i] = mb_snapshot(fd);
			ASSERT_LE(0, copies[i]);
		}
		EXPECT_EQ(-EDQUOT, mb_snapshot(fd));
		close(copies[1]);
		EXPECT_LE(0, mb_snapshot(fd));
	}
}

/* Takers of deep snapshots are killed at any point: what they had is free again. */
TEST_F(payer, killed_in_a_snapshot_leaves_nothing)
{
	const char *name = unique_name("deep");
	int fd = mb_create(name, MBOX_UNBOUNDED, O_RDWR | O_NONBLOCK), mine, i, round;

	for (i = 0; i < DEEP; i++) {
		ASSERT_EQ(0, mb_put(fd, i, i % 5, 0));
	}
	for (round = 0; round < 50; round++) {
		pid_t pid = child_fork();

		if (!pid) {
			if (become(USER_A, USER_A))
				_exit(1);
			mine = mb_open(name, O_RDONLY);
			for (;;)
				close(mb_snapshot(mine));
		}
		usleep(round * 200);
		kill(pid, SIGKILL);
		EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	}
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		for (i = 0; i < 4; i++) {
			mine = create_large(O_RDWR);
			ASSERT_LE(0, mine);
		}
		EXPECT_EQ(FIT, put_until_refused(mine));
	}
	EXPECT_EQ(DEEP, mb_status(fd).queued);
	mb_unlink(name);
}

/*
 * Of one moment. Each sender sends its numbers in order, each first with priority 1 and then with
 * priority 0, and receivers take what there is. It is written down how far they were before and
 * after a snapshot. Then, of each sender and priority, the snapshot holds a run of numbers without
 * a gap, which begins where the receivers were and ends where the sender was; and the runs of the
 * two priorities end at the same number, or that of priority 1 one later.
 *
 * A message that a receiver has given back can stand alone before such a run. Where they do that,
 * the numbers must go up, and no more can be said.
 */
#define SENDERS		3
#define RECEIVERS	2
#define PRIOS		2
#define NUMBERS		2000	/* of each sender */
#define TAKEN		2800	/* by each receiver */
#define ROUNDS		10
#define COPIES		10	/* in one round */

struct lane {
	__u32 sent;
	__u32 received;
};

struct progress {
	struct lane lanes[SENDERS][PRIOS];
};

struct traffic {
	int fd;
	bool gives_back;
	__u32 errors;
	__u32 done;
	struct progress now;
};

struct sender {
	struct traffic *traffic;
	__u32 number;
	pthread_t thread;
};

struct copy {
	struct progress before;
	struct progress after;
	int fd;
};

/* What a snapshot holds of one sender and priority: the numbers from @first, below @end. */
struct run {
	__u32 first;
	__u32 end;
	bool any;
};

static void count(__u32 *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

static void send_number(struct traffic *t, __u32 sender, __u32 i, __u32 prio)
{
	char byte = i;
	struct mbox_ioc_msg msg = mb_msg(&byte, 1, 0);

	msg.prio = prio;
	msg.tag = (__u64)sender << 32 | i;
	if (ctl(t->fd, MBOX_IOC_SEND, &msg))
		count(&t->errors);
	count(&t->now.lanes[sender][prio].sent);
}

static void *run_sender(void *arg)
{
	const struct sender *s = arg;
	__u32 i;

	for (i = 0; i < NUMBERS; i++) {
		send_number(s->traffic, s->number, i, 1);
		send_number(s->traffic, s->number, i, 0);
	}
	count(&s->traffic->done);
	return NULL;
}

static void *run_receiver(void *arg)
{
	struct traffic *t = arg;
	__u32 i;

	for (i = 0; i < TAKEN; i++) {
		char byte;
		struct mbox_ioc_msg msg = mb_msg(&byte, 1, 0), bad = mb_msg(NULL, 1, 0);

		if (t->gives_back && i % 4 == 0 && ctl(t->fd, MBOX_IOC_RECV, &bad) != -EFAULT)
			count(&t->errors);
		if (ctl(t->fd, MBOX_IOC_RECV, &msg))
			count(&t->errors);
		else
			count(&t->now.lanes[msg.tag >> 32][msg.prio].received);
	}
	count(&t->done);
	return NULL;
}

static bool extend(struct run *run, __u32 i, bool gaps)
{
	__u32 end = run->end;

	if (!run->any)
		run->first = end = i;
	run->any = true;
	run->end = i + 1;
	return gaps ? i >= end : i == end;
}

static bool read_runs(int fd, struct run runs[SENDERS][PRIOS], bool gaps)
{
	__u32 prio = PRIOS - 1;
	int ret;

	for (;;) {
		char byte;
		struct mbox_ioc_msg msg = mb_msg(&byte, 1, 0);

		ret = ctl(fd, MBOX_IOC_RECV, &msg);
		if (ret)
			return ret == -EPIPE;
		if (msg.prio > prio || !extend(&runs[msg.tag >> 32][msg.prio], msg.tag, gaps))
			return false;
		prio = msg.prio;
	}
}

static void check_run(struct __test_metadata *_metadata, const struct run *run,
		      const struct lane *before, const struct lane *after)
{
	/* Who sends or receives says so a moment later. */
	EXPECT_LE(before->received, run->first);
	EXPECT_LE(run->first, after->received + RECEIVERS);
	EXPECT_LE(before->sent, run->end);
	EXPECT_LE(run->end, after->sent + 1);
}

static void check_copy(struct __test_metadata *_metadata, struct copy *copy, bool gaps)
{
	struct run runs[SENDERS][PRIOS] = { 0 };
	int i, prio;

	ASSERT_LE(0, copy->fd);
	EXPECT_TRUE(read_runs(copy->fd, runs, gaps));
	close(copy->fd);
	for (i = 0; i < SENDERS && !gaps; i++) {
		for (prio = 0; prio < PRIOS; prio++) {
			if (runs[i][prio].any)
				check_run(_metadata, &runs[i][prio], &copy->before.lanes[i][prio],
					  &copy->after.lanes[i][prio]);
		}
		if (runs[i][0].any && runs[i][1].any) {
			EXPECT_LE(runs[i][0].end, runs[i][1].end);
			EXPECT_LE(runs[i][1].end, runs[i][0].end + 1);
		}
	}
}

static struct progress progress(struct traffic *t)
{
	struct progress now = t->now;

	__sync_synchronize();
	return now;
}

static int take_copies(struct traffic *t, struct copy *copies)
{
	int n;

	for (n = 0; n < COPIES && __atomic_load_n(&t->done, __ATOMIC_SEQ_CST) <
	     SENDERS + RECEIVERS; n++) {
		copies[n].before = progress(t);
		copies[n].fd = mb_snapshot(t->fd);
		copies[n].after = progress(t);
	}
	return n;
}

static int round_of_traffic(struct __test_metadata *_metadata, bool gives_back)
{
	struct traffic t = { .gives_back = gives_back };
	struct sender senders[SENDERS];
	pthread_t receivers[RECEIVERS];
	struct copy copies[COPIES];
	int i, n;

	t.fd = mb_create(NULL, MBOX_UNBOUNDED, O_RDWR);
	for (i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender) { .traffic = &t, .number = i };
		pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]);
	}
	for (i = 0; i < RECEIVERS; i++)
		pthread_create(&receivers[i], NULL, run_receiver, &t);
	n = take_copies(&t, copies);
	for (i = 0; i < SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	for (i = 0; i < RECEIVERS; i++)
		pthread_join(receivers[i], NULL);
	for (i = 0; i < n; i++)
		check_copy(_metadata, &copies[i], gives_back);
	EXPECT_EQ(0, t.errors);
	EXPECT_EQ(SENDERS * PRIOS * NUMBERS - RECEIVERS * TAKEN, mb_status(t.fd).queued);
	close(t.fd);
	return n;
}

TEST_F(snapshot, is_of_one_moment)
{
	int round, n = 0;

	for (round = 0; round < ROUNDS; round++)
		n += round_of_traffic(_metadata, false);
	TH_LOG("%d snapshots", n);
	EXPECT_LT(ROUNDS, n);
}

TEST_F(snapshot, is_in_order_when_receivers_give_back)
{
	int round, n = 0;

	for (round = 0; round < ROUNDS; round++)
		n += round_of_traffic(_metadata, true);
	EXPECT_LT(ROUNDS, n);
}

static void *send_and_withdraw(void *arg)
{
	struct traffic *t = arg;

	while (!__atomic_load_n(&t->done, __ATOMIC_SEQ_CST)) {
		struct mbox_ioc_msg msg = mb_msg(NULL, 0, MBOX_SYNC);

		msg.deadline = now_ns(CLOCK_MONOTONIC) + 20000;
		if (ctl(t->fd, MBOX_IOC_SEND, &msg) != -ETIMEDOUT)
			count(&t->errors);
	}
	return NULL;
}

/* The debug kernel takes its time for a snapshot: how many messages go in between. */
#define SPARSE	20

/* Their messages leave the queue from behind the walk, or from in front of it. */
TEST_F(snapshot, senders_that_give_up_are_no_matter)
{
	struct traffic t = { .fd = create_large(O_RDWR) };
	pthread_t senders[SENDERS];
	int i;

	for (i = 0; i < SENDERS; i++) {
		ASSERT_EQ(0, pthread_create(&senders[i], NULL, send_and_withdraw, &t));
	}
	for (i = 0; i < DEEP; i++) {
		struct mbox_ioc_status status;
		int copy;

		ASSERT_EQ(0, mb_put(t.fd, i, 0, 0));
		if (i % SPARSE)
			continue;
		copy = mb_snapshot(t.fd);
		status = mb_status(copy);
		close(copy);
		EXPECT_LE(i + 1, status.queued);
		EXPECT_GE(i + 1 + SENDERS, status.queued);
		EXPECT_EQ((i + 1) * sizeof(__u32), status.queued_bytes);
	}
	count(&t.done);
	for (i = 0; i < SENDERS; i++)
		pthread_join(senders[i], NULL);
	EXPECT_EQ(0, t.errors);
}

/* Several takers at once, each with a whole snapshot. */
TEST_F(snapshot, takers_do_not_get_into_each_others_way)
{
	pid_t pids[4];
	int i, k;

	for (i = 0; i < DEEP; i++) {
		ASSERT_EQ(0, mb_put(self->fd, i, 0, 0));
	}
	for (i = 0; i < 4; i++) {
		pids[i] = child_fork();
		if (pids[i])
			continue;
		for (k = 0; k < 20; k++) {
			int copy = mb_snapshot(self->fd);

			EXPECT_EQ(DEEP, mb_status(copy).queued);
			EXPECT_EQ(0, mb_take(copy, 0));
			close(copy);
		}
		_exit(0);
	}
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, child_wait(pids[i]));
	}
}

TEST_HARNESS_MAIN
