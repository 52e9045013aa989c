// SPDX-License-Identifier: GPL-2.0
/*
 * Many senders and receivers at once, and everything that can come between them, with a history
 * that is checked afterwards. For every message it is written down in shared memory, before and
 * after the call, what its sender was told; every receiver writes down what it got. Then:
 *
 *  - a message whose send succeeded was received, once
 *  - one whose send failed was received by nobody
 *  - one whose sender was killed in the call was received at most once
 *  - of each sender and priority, each receiver got the messages in the order of sending
 *  - a receiver that is killed takes at most one message with it, that it had not yet noted; or
 *    it gives one back, which others may have passed by then
 */
#include "common.h"
#include "harness.h"

#include <sys/syscall.h>

#define SENDERS		4
#define RECEIVERS	3
#define MESSAGES	250	/* of each sender */
#define PRIORITIES	3
#define LARGE		6000
#define PAGES		20000	/* copied another way by a rendezvous */
#define STOP		999	/* the number of a sender that tells a receiver to end */

enum outcome { NOT_TRIED, IN_CALL, SENT, FAILED };

struct payload {
	__u32 sender;
	__u32 seq;
	__u32 prio;
	__s32 pid;
	unsigned char bytes[PAGES];
};

struct actor {
	struct history *history;
	__u32 number;
	pid_t pid;
	pid_t tid;
	pthread_t thread;
	int fd;			/* each has one of its own */
	__u32 seed;
	__u32 next;		/* sender: the message to send; receiver: entries in the log */
	struct payload buffer;
};

struct entry {
	__u32 sender;
	__u32 seq;
	__u32 prio;
};

struct history {
	int fd;
	bool large;		/* most messages are */
	bool deadlines;
	bool closes;		/* somebody closes the actors' descriptors */
	__u32 senders_done;
	__u32 killed_receivers;
	__u32 killed_senders;
	__u32 errors;		/* returns that nothing explains */
	__u32 corrupt;		/* messages that are not as they were sent */
	struct actor senders[SENDERS];
	struct actor receivers[RECEIVERS];
	__u8 outcome[SENDERS][MESSAGES];
	struct entry log[RECEIVERS][SENDERS * MESSAGES + 1];
};

FIXTURE(history) {
	struct history *h;
};

FIXTURE_VARIANT(history) {
	__u64 capacity;
	bool large;
};

FIXTURE_VARIANT_ADD(history, rendezvous) { .capacity = 0 };
FIXTURE_VARIANT_ADD(history, large_rendezvous) { .capacity = 0, .large = true };
FIXTURE_VARIANT_ADD(history, one) { .capacity = 1 };
FIXTURE_VARIANT_ADD(history, bounded) { .capacity = 7 };
FIXTURE_VARIANT_ADD(history, unbounded) { .capacity = MBOX_UNBOUNDED };

static void count(__u32 *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static size_t payload_size(const struct history *h, __u32 seq)
{
	size_t bytes = seq % 40 == 39 ? LARGE : seq * 7 % 180;

	if (h->large && seq % 3)
		bytes = PAGES;
	return offsetof(struct payload, bytes) + bytes;
}

static void make_payload(struct actor *a, __u32 seq, __u32 prio)
{
	a->buffer.sender = a->number;
	a->buffer.seq = seq;
	a->buffer.prio = prio;
	a->buffer.pid = getpid();
	pattern_fill(a->buffer.bytes, payload_size(a->history, seq) - offsetof(struct payload, bytes),
		     seq);
}

static bool payload_is_whole(const struct history *h, const struct payload *p,
			     const struct mbox_ioc_msg *msg)
{
	return p->sender < SENDERS && p->seq < MESSAGES && msg->prio == p->prio &&
	       msg->pid == p->pid && msg->tag == ((__u64)p->sender << 32 | p->seq) &&
	       msg->len == payload_size(h, p->seq) &&
	       pattern_check(p->bytes, msg->len - offsetof(struct payload, bytes), p->seq);
}

/* A descriptor that was closed by another is no fault: take a new one. */
static bool closed(struct actor *a, int ret)
{
	if (ret != -EBADF || !a->history->closes)
		return false;
	a->fd = dup(a->history->fd);
	return true;
}

static __u64 some_deadline(struct actor *a)
{
	if (!a->history->deadlines)
		return 0;
	return now_ns(CLOCK_MONOTONIC) + prng(&a->seed) % 2000000;
}

static enum outcome send_one(struct actor *a, __u32 seq)
{
	__u32 prio = prng(&a->seed) % PRIORITIES;
	struct mbox_ioc_msg msg = mb_msg(&a->buffer, payload_size(a->history, seq), 0);
	int ret;

	make_payload(a, seq, prio);
	msg.prio = prio;
	msg.tag = (__u64)a->number << 32 | seq;
	msg.deadline = some_deadline(a);
	if (seq % 5 == 4)
		msg.flags |= MBOX_SYNC;
	if (seq % 9 == 8)
		msg.flags |= MBOX_NONBLOCK;
	ret = ctl(a->fd, MBOX_IOC_SEND, &msg);
	if (!ret)
		return SENT;
	if (ret != -EAGAIN && ret != -EINTR && ret != -ETIMEDOUT && !closed(a, ret))
		count(&a->history->errors);
	return FAILED;
}

static void *run_sender(void *arg)
{
	struct actor *a = arg;
	struct history *h = a->history;

	a->pid = getpid();
	a->tid = syscall(SYS_gettid);
	while (a->next < MESSAGES) {
		__u32 seq = a->next++;

		__atomic_store_n(&h->outcome[a->number][seq], IN_CALL, __ATOMIC_SEQ_CST);
		__atomic_store_n(&h->outcome[a->number][seq], send_one(a, seq), __ATOMIC_SEQ_CST);
	}
	count(&h->senders_done);
	return NULL;
}

static bool receive_one(struct actor *a)
{
	struct mbox_ioc_msg msg = mb_msg(&a->buffer, sizeof(a->buffer), 0);
	struct payload *p = &a->buffer;
	int ret;

	msg.deadline = some_deadline(a);
	ret = ctl(a->fd, MBOX_IOC_RECV, &msg);
	if (ret) {
		if (ret != -EINTR && ret != -ETIMEDOUT && !closed(a, ret))
			count(&a->history->errors);
		return true;
	}
	if (p->sender == STOP)
		return false;
	if (!payload_is_whole(a->history, p, &msg))
		count(&a->history->corrupt);
	if (a->next < SENDERS * MESSAGES) {
		a->history->log[a->number][a->next] =
			(struct entry) { p->sender, p->seq, p->prio };
		__atomic_add_fetch(&a->next, 1, __ATOMIC_SEQ_CST);
	}
	return true;
}

static void *run_receiver(void *arg)
{
	struct actor *a = arg;

	a->pid = getpid();
	a->tid = syscall(SYS_gettid);
	while (receive_one(a))
		;
	return NULL;
}

static int start(struct actor *a, void *(*run)(void *), bool thread)
{
	pid_t pid;

	if (thread)
		return pthread_create(&a->thread, NULL, run, a);
	a->tid = 0;
	pid = child_fork();
	if (!pid) {
		run(a);
		_exit(0);
	}
	a->pid = pid;
	return 0;
}

static int end(struct actor *a, bool thread)
{
	return thread ? pthread_join(a->thread, NULL) : child_wait(a->pid);
}

static void start_all(struct __test_metadata *_metadata, struct history *h, bool threads)
{
	int i;

	for (i = 0; i < RECEIVERS; i++)
		ASSERT_EQ(0, start(&h->receivers[i], run_receiver, threads));
	for (i = 0; i < SENDERS; i++)
		ASSERT_EQ(0, start(&h->senders[i], run_sender, threads));
}

/* The lowest priority, so that it comes behind all else. */
static int stop_one(struct history *h)
{
	static const struct payload stop = { .sender = STOP };

	return mb_send(h->fd, &stop, offsetof(struct payload, bytes), 0, 0);
}

static void end_all(struct __test_metadata *_metadata, struct history *h, bool threads)
{
	int i;

	for (i = 0; i < SENDERS; i++)
		EXPECT_EQ(0, end(&h->senders[i], threads));
	h->deadlines = false;
	for (i = 0; i < RECEIVERS; i++)
		EXPECT_EQ(0, stop_one(h));
	for (i = 0; i < RECEIVERS; i++)
		EXPECT_EQ(0, end(&h->receivers[i], threads));
}

/* How often each message was received; wrong order is counted on the way. */
static __u32 tally(const struct history *h, __u8 (*got)[MESSAGES], __u32 *logged)
{
	__u32 receiver, i, disorder = 0;

	*logged = 0;
	for (receiver = 0; receiver < RECEIVERS; receiver++) {
		__u32 next[SENDERS][PRIORITIES] = { 0 };

		for (i = 0; i < h->receivers[receiver].next; i++) {
			const struct entry *e = &h->log[receiver][i];
			__u32 *expected;

			if (e->sender >= SENDERS || e->seq >= MESSAGES || e->prio >= PRIORITIES)
				continue;
			expected = &next[e->sender][e->prio];
			if (e->seq < *expected)
				disorder++;
			*expected = e->seq + 1;
			got[e->sender][e->seq]++;
			++*logged;
		}
	}
	return disorder;
}

static void check(struct __test_metadata *_metadata, struct history *h)
{
	static __u8 got[SENDERS][MESSAGES];
	struct mbox_ioc_status status = mb_status(h->fd);
	__u32 logged, lost = 0, ghosts = 0, doubled = 0, open_ended = 0, sent = 0;
	int s, m;

	memset(got, 0, sizeof(got));
	EXPECT_GE(h->killed_receivers, tally(h, got, &logged));
	for (s = 0; s < SENDERS; s++) {
		for (m = 0; m < MESSAGES; m++) {
			sent += h->outcome[s][m] == SENT;
			open_ended += h->outcome[s][m] <= IN_CALL;
			lost += h->outcome[s][m] == SENT && !got[s][m];
			ghosts += h->outcome[s][m] == FAILED && got[s][m];
			doubled += got[s][m] > 1;
		}
	}
	TH_LOG("%u sent, %u received, %u lost by %u killed receivers, %u killed senders",
	       sent, logged, lost, h->killed_receivers, h->killed_senders);
	EXPECT_EQ(0, h->errors);
	EXPECT_EQ(0, h->corrupt);
	EXPECT_EQ(0, ghosts);
	EXPECT_EQ(0, doubled);
	EXPECT_GE(h->killed_receivers, lost);
	EXPECT_GE(h->killed_senders, open_ended);
	EXPECT_LT(0, sent);
	/* The mailbox's own counters tell the same. */
	EXPECT_EQ(0, status.queued);
	EXPECT_EQ(0, status.queued_bytes);
	EXPECT_EQ(0, status.waiting_senders + status.waiting_receivers);
	EXPECT_EQ(status.sent, status.received);
	EXPECT_LE(logged + RECEIVERS, status.received);
	EXPECT_GE(logged + RECEIVERS + h->killed_receivers, status.received);
}

FIXTURE_SETUP(history)
{
	struct mbox_ioc_create create = mb_template(unique_name("history"), variant->capacity,
						    O_RDWR | O_EXCL);
	struct history *h = shared_memory(sizeof(*h));
	int i;

	create.msgsize = sizeof(struct payload);
	h->large = variant->large;
	h->fd = ctl(device(), MBOX_IOC_CREATE, &create);
	ASSERT_LE(0, h->fd);
	for (i = 0; i < SENDERS; i++)
		h->senders[i] = (struct actor) {
			.history = h, .number = i, .fd = dup(h->fd), .seed = 100 + i };
	for (i = 0; i < RECEIVERS; i++)
		h->receivers[i] = (struct actor) {
			.history = h, .number = i, .fd = dup(h->fd), .seed = 200 + i };
	self->h = h;
}

FIXTURE_TEARDOWN(history)
{
	mb_unlink(unique_name("history"));
}

static bool senders_run(const struct history *h)
{
	return __atomic_load_n(&h->senders_done, __ATOMIC_RELAXED) < SENDERS;
}

TEST_F(history, threads)
{
	start_all(_metadata, self->h, true);
	end_all(_metadata, self->h, true);
	check(_metadata, self->h);
}

TEST_F(history, processes)
{
	start_all(_metadata, self->h, false);
	end_all(_metadata, self->h, false);
	check(_metadata, self->h);
}

TEST_F(history, deadlines)
{
	self->h->deadlines = true;
	start_all(_metadata, self->h, true);
	end_all(_metadata, self->h, true);
	check(_metadata, self->h);
}

TEST_F(history, resize)
{
	static const __u64 capacities[] = { 0, 1, 2, 9, MBOX_UNBOUNDED };
	__u32 seed = 5;

	start_all(_metadata, self->h, true);
	while (senders_run(self->h)) {
		EXPECT_EQ(0, mb_set_capacity(self->h->fd,
					     capacities[prng(&seed) % ARRAY_SIZE(capacities)]));
		usleep(100);
	}
	end_all(_metadata, self->h, true);
	check(_metadata, self->h);
}

static void on_signal(int signo)
{
}

/* Any actor, of which there are some more senders than receivers. */
static struct actor *pick(struct history *h, __u32 *seed)
{
	__u32 i = prng(seed) % (SENDERS + RECEIVERS);

	return i < SENDERS ? &h->senders[i] : &h->receivers[i - SENDERS];
}

static void with_signals(struct __test_metadata *_metadata, struct history *h, int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };
	__u32 seed = 6;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	start_all(_metadata, h, false);
	while (senders_run(h)) {
		struct actor *a = pick(h, &seed);

		if (a->tid)
			kill(a->pid, SIGUSR1);
		usleep(100);
	}
	end_all(_metadata, h, false);
	check(_metadata, h);
}

TEST_F(history, signals)
{
	with_signals(_metadata, self->h, 0);
}

TEST_F(history, signals_that_restart)
{
	with_signals(_metadata, self->h, SA_RESTART);
}

/* Descriptors are closed under those who are in a call by them, and the name goes too. */
TEST_F(history, closes_and_unlink)
{
	struct history *h = self->h;
	__u32 seed = 7, rounds = 0;

	h->closes = true;
	start_all(_metadata, h, true);
	while (senders_run(h)) {
		close(__atomic_load_n(&pick(h, &seed)->fd, __ATOMIC_RELAXED));
		if (rounds++ == 20) {
			EXPECT_EQ(0, mb_unlink(unique_name("history")));
		}
		usleep(300);
	}
	end_all(_metadata, h, true);
	check(_metadata, h);
}

/* kill -9, and another takes the place. */
static void kill_and_replace(struct __test_metadata *_metadata, struct actor *a,
			     void *(*run)(void *), __u32 *killed)
{
	kill(a->pid, SIGKILL);
	if (child_wait(a->pid) == 1000 + SIGKILL)
		++*killed;
	ASSERT_EQ(0, start(a, run, false));
}

TEST_F(history, killed_receivers)
{
	struct history *h = self->h;
	__u32 seed = 8, i;

	start_all(_metadata, h, false);
	for (i = 0; i < 30 && senders_run(h); i++) {
		kill_and_replace(_metadata, &h->receivers[prng(&seed) % RECEIVERS], run_receiver,
				 &h->killed_receivers);
		usleep(1000);
	}
	EXPECT_LT(0, h->killed_receivers);
	end_all(_metadata, h, false);
	check(_metadata, h);
}

TEST_F(history, killed_senders)
{
	struct history *h = self->h;
	__u32 seed = 9, i;

	start_all(_metadata, h, false);
	for (i = 0; i < 30 && senders_run(h); i++) {
		struct actor *a = &h->senders[prng(&seed) % SENDERS];

		/* One that is done has told so already, and must not do it twice. */
		if (a->next < MESSAGES - 10)
			kill_and_replace(_metadata, a, run_sender, &h->killed_senders);
		usleep(1000);
	}
	EXPECT_LT(0, h->killed_senders);
	end_all(_metadata, h, false);
	check(_metadata, h);
}

TEST_F(history, everything_at_once)
{
	struct history *h = self->h;
	__u32 seed = 10, i;

	h->deadlines = true;
	signal(SIGUSR1, on_signal);
	start_all(_metadata, h, false);
	for (i = 0; i < 100 && senders_run(h); i++) {
		struct actor *a = pick(h, &seed);

		if (a->tid)
			kill(a->pid, SIGUSR1);
		EXPECT_EQ(0, mb_set_capacity(h->fd, prng(&seed) % 4));
		if (i % 10 == 9)
			kill_and_replace(_metadata, &h->receivers[i / 10 % RECEIVERS],
					 run_receiver, &h->killed_receivers);
		usleep(300);
	}
	EXPECT_EQ(0, mb_unlink(unique_name("history")));
	end_all(_metadata, h, false);
	check(_metadata, h);
}

TEST_HARNESS_MAIN
