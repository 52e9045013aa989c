// SPDX-License-Identifier: GPL-2.0
/*
 * Many senders and receivers of a broadcast at once, and everything that can come between them,
 * with histories that are checked afterwards. One receiver, the witness, is there from before the
 * first message to after the last, and so has the order of all. Then:
 *
 *  - of each sender, the witness got what was sent with success, once and in its order; nothing
 *    that failed; and what its sender was killed in at most once
 *  - every other receiver got a piece of what the witness got, without a gap: from its opening to
 *    its closing
 *  - those who share a receiver got such a piece together, each message one of them
 *
 * Where messages are dropped nobody has seen all. Then each receiver's gaps in the numbers of the
 * only sender are what it was told that it missed.
 */
#include "common.h"
#include "harness.h"

#define SENDERS		3
#define READERS		4
#define MESSAGES	300	/* of each sender */
#define LARGE		6000
#define STOP		0xffffU	/* the sender of the message that ends it all */

enum outcome { NOT_TRIED, IN_CALL, SENT, FAILED };

struct payload {
	__u32 sender;
	__u32 seq;
	unsigned char bytes[LARGE];
};

struct entry {
	__u32 sender;
	__u32 seq;
	__u64 missed;
};

/* What one receiver, or one of those who share it, got. */
struct log {
	__u32 count;
	bool whole;		/* it was not killed while it wrote this */
	struct entry entries[SENDERS * MESSAGES + 1];
};

#define LOGS 64

struct history {
	char name[64];
	bool deadlines;
	bool ended;		/* there is nothing more to come */
	__u32 killed_senders;
	__u32 senders_done;
	__u32 errors;		/* returns that nothing explains */
	__u32 corrupt;		/* messages that are not as they were sent */
	__u32 next[SENDERS];
	__u8 outcome[SENDERS][MESSAGES];
	struct log witness;
	__u32 logs_used;
	struct log logs[LOGS];
};

FIXTURE(history) {
	struct history *h;
	int fd;
	int rx;			/* the witness's */
	pid_t witness;
	pid_t senders[SENDERS];
};

FIXTURE_VARIANT(history) {
	__u64 capacity;
};

FIXTURE_VARIANT_ADD(history, one) { .capacity = 1 };
FIXTURE_VARIANT_ADD(history, bounded) { .capacity = 7 };
FIXTURE_VARIANT_ADD(history, unbounded) { .capacity = MBOX_UNBOUNDED };

typedef FIXTURE_DATA(history) fixture;

static void count(__u32 *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static size_t payload_size(__u32 seq)
{
	return offsetof(struct payload, bytes) + (seq % 40 == 39 ? LARGE : seq * 7 % 180);
}

static __u64 some_deadline(const struct history *h, __u32 *seed)
{
	return h->deadlines ? now_ns(CLOCK_MONOTONIC) + prng(seed) % 2000000 : 0;
}

/* One that came after the end would wait for it for ever. */
static __u64 receive_deadline(const struct history *h, __u32 *seed)
{
	__u64 deadline = some_deadline(h, seed);

	return deadline ? deadline : in_ms(200);
}

static int send_payload(int fd, struct payload *p, __u32 flags, __u64 deadline)
{
	struct mbox_ioc_msg msg = mb_msg(p, payload_size(p->seq), flags);

	pattern_fill(p->bytes, msg.len - offsetof(struct payload, bytes), p->seq);
	msg.tag = (__u64)p->sender << 32 | p->seq;
	msg.deadline = deadline;
	return ctl(fd, MBOX_IOC_SEND, &msg);
}

static void run_sender(struct history *h, __u32 number)
{
	int fd = mb_open(h->name, O_WRONLY);
	static struct payload p;
	__u32 seed = 100 + number;

	p.sender = number;
	while (h->next[number] < MESSAGES) {
		int ret;

		p.seq = h->next[number]++;
		__atomic_store_n(&h->outcome[number][p.seq], IN_CALL, __ATOMIC_SEQ_CST);
		ret = send_payload(fd, &p, p.seq % 9 == 8 ? MBOX_NONBLOCK : 0,
				   some_deadline(h, &seed));
		if (ret && ret != -EAGAIN && ret != -ETIMEDOUT && ret != -EINTR)
			count(&h->errors);
		__atomic_store_n(&h->outcome[number][p.seq], ret ? FAILED : SENT,
				 __ATOMIC_SEQ_CST);
	}
	count(&h->senders_done);
}

/* Receives into the log up to @most messages, or until the end of all. */
static bool receive(struct history *h, int fd, struct log *log, __u32 most)
{
	static struct payload p;
	__u32 got = 0, seed = getpid();

	while (got < most) {
		struct mbox_ioc_msg msg = mb_msg(&p, sizeof(p), 0);
		/* From before: between a receive and a look after it all the rest can come. */
		bool ended = __atomic_load_n(&h->ended, __ATOMIC_ACQUIRE);
		int ret;

		msg.deadline = receive_deadline(h, &seed);
		ret = ctl(fd, MBOX_IOC_RECV, &msg);
		if (ret == -ETIMEDOUT && ended)
			return false;
		if (ret == -ETIMEDOUT || ret == -EINTR)
			continue;
		if (ret) {
			count(&h->errors);
			return false;
		}
		if (p.sender == STOP)
			return false;
		if (msg.len != payload_size(p.seq) || msg.tag != ((__u64)p.sender << 32 | p.seq) ||
		    !pattern_check(p.bytes, msg.len - offsetof(struct payload, bytes), p.seq))
			count(&h->corrupt);
		log->entries[log->count] = (struct entry) { p.sender, p.seq, msg.missed };
		log->count++;
		got++;
	}
	return true;
}

static struct log *new_log(struct history *h)
{
	return &h->logs[__atomic_fetch_add(&h->logs_used, 1, __ATOMIC_RELAXED) % LOGS];
}

/* Comes and goes, each time with a log of its own. */
static void run_visitor(struct history *h, __u32 seed)
{
	bool more = true;

	while (more && h->logs_used < LOGS - READERS) {
		struct log *log = new_log(h);
		int fd = mb_open(h->name, O_RDONLY);

		more = receive(h, fd, log, 1 + prng(&seed) % 60);
		log->whole = true;
		close(fd);
	}
}

static pid_t start_reader(struct history *h, int fd, struct log *log)
{
	pid_t pid = child_fork();

	if (!pid) {
		receive(h, fd, log, ~0U);
		log->whole = true;
		_exit(0);
	}
	return pid;
}

static pid_t start_sender(struct history *h, int number)
{
	pid_t pid = child_fork();

	if (!pid) {
		run_sender(h, number);
		_exit(0);
	}
	return pid;
}

static pid_t start_visitor(struct history *h, int seed)
{
	pid_t pid = child_fork();

	if (!pid) {
		run_visitor(h, seed);
		_exit(0);
	}
	return pid;
}

static int create(struct history *h, __u64 capacity, __u32 flags)
{
	struct mbox_ioc_create create;

	strcpy(h->name, unique_name("history"));
	create = mb_template(h->name, capacity, O_WRONLY | O_EXCL);
	create.msgsize = sizeof(struct payload);
	create.flags = MBOX_BROADCAST | flags;
	return ctl(device(), MBOX_IOC_CREATE, &create);
}

FIXTURE_SETUP(history)
{
	self->h = shared_memory(sizeof(*self->h));
	self->fd = create(self->h, variant->capacity, 0);
	ASSERT_LE(0, self->fd);
	self->rx = mb_open(self->h->name, O_RDONLY);
	ASSERT_LE(0, self->rx);
}

FIXTURE_TEARDOWN(history)
{
	mb_unlink(self->h->name);
}

static void start(fixture *f)
{
	int i;

	f->witness = start_reader(f->h, f->rx, &f->h->witness);
	/* A place that nobody reads from would hold up all. */
	close(f->rx);
	for (i = 0; i < SENDERS; i++)
		f->senders[i] = start_sender(f->h, i);
}

static bool senders_run(const struct history *h)
{
	return __atomic_load_n(&h->senders_done, __ATOMIC_RELAXED) < SENDERS;
}

static void end(struct __test_metadata *_metadata, fixture *f)
{
	static struct payload stop = { .sender = STOP };
	int i;

	for (i = 0; i < SENDERS; i++)
		EXPECT_EQ(0, child_wait(f->senders[i]));
	f->h->deadlines = false;
	EXPECT_EQ(0, send_payload(f->fd, &stop, 0, 0));
	__atomic_store_n(&f->h->ended, true, __ATOMIC_RELEASE);
	EXPECT_EQ(0, child_wait(f->witness));
}

static void check_witness(struct __test_metadata *_metadata, struct history *h)
{
	__u32 lost = 0, ghosts = 0, doubled = 0, disorder = 0, open_ended = 0, i;
	static __u8 got[SENDERS][MESSAGES];
	__u32 next[SENDERS] = { 0 };
	int s, m;

	memset(got, 0, sizeof(got));
	for (i = 0; i < h->witness.count; i++) {
		const struct entry *e = &h->witness.entries[i];

		ASSERT_GT(SENDERS, e->sender);
		ASSERT_GT(MESSAGES, e->seq);
		got[e->sender][e->seq]++;
		disorder += e->seq < next[e->sender];
		next[e->sender] = e->seq + 1;
		EXPECT_EQ(0, e->missed);
	}
	for (s = 0; s < SENDERS; s++) {
		for (m = 0; m < MESSAGES; m++) {
			lost += h->outcome[s][m] == SENT && !got[s][m];
			ghosts += h->outcome[s][m] == FAILED && got[s][m];
			doubled += got[s][m] > 1;
			open_ended += h->outcome[s][m] <= IN_CALL;
		}
	}
	EXPECT_EQ(0, lost);
	EXPECT_EQ(0, ghosts);
	EXPECT_EQ(0, doubled);
	EXPECT_EQ(0, disorder);
	EXPECT_GE(h->killed_senders, open_ended);
	EXPECT_LT(0, h->witness.count);
}

static bool same(const struct entry *a, const struct entry *b)
{
	return a->sender == b->sender && a->seq == b->seq;
}

/* Where in the witness's log the message is; its end if it is not. */
static __u32 place_of(const struct history *h, const struct entry *e)
{
	__u32 i;

	for (i = 0; i < h->witness.count && !same(&h->witness.entries[i], e); i++)
		;
	return i;
}

static void check_piece(struct __test_metadata *_metadata, const struct history *h,
			const struct log *log)
{
	__u32 i, from;

	if (!log->count)
		return;
	from = place_of(h, &log->entries[0]);
	ASSERT_GE(h->witness.count, from + log->count);
	for (i = 0; i < log->count; i++)
		if (!same(&log->entries[i], &h->witness.entries[from + i]))
			break;
	EXPECT_EQ(log->count, i)
		TH_LOG("from %u on", from);
}

static void check(struct __test_metadata *_metadata, fixture *f)
{
	struct history *h = f->h;
	struct mbox_ioc_status status = mb_status(f->fd);
	__u32 i, logs = h->logs_used < LOGS ? h->logs_used : LOGS, pieces = 0;

	check_witness(_metadata, h);
	for (i = 0; i < logs; i++) {
		pieces += h->logs[i].count;
		check_piece(_metadata, h, &h->logs[i]);
	}
	TH_LOG("%u messages, %u copies to %u others, %u killed senders", h->witness.count, pieces,
	       logs, h->killed_senders);
	EXPECT_EQ(0, h->errors);
	EXPECT_EQ(0, h->corrupt);
	EXPECT_EQ(0, status.queued);
	EXPECT_EQ(0, status.queued_bytes);
	EXPECT_EQ(0, status.dropped);
	EXPECT_EQ(0, status.receivers);
	EXPECT_EQ(0, status.waiting_senders + status.waiting_receivers);
	EXPECT_EQ(h->witness.count + 1, status.sent);
}

TEST_F(history, readers_that_stay_get_all)
{
	pid_t readers[READERS];
	int i;

	for (i = 0; i < READERS; i++) {
		int fd = mb_open(self->h->name, O_RDONLY);

		readers[i] = start_reader(self->h, fd, new_log(self->h));
		close(fd);
	}
	start(self);
	end(_metadata, self);
	for (i = 0; i < READERS; i++) {
		EXPECT_EQ(0, child_wait(readers[i]));
		EXPECT_EQ(self->h->witness.count, self->h->logs[i].count);
	}
	check(_metadata, self);
}

TEST_F(history, visitors_that_come_and_go)
{
	pid_t visitors[READERS];
	int i;

	start(self);
	for (i = 0; i < READERS; i++)
		visitors[i] = start_visitor(self->h, 300 + i);
	end(_metadata, self);
	for (i = 0; i < READERS; i++)
		EXPECT_EQ(0, child_wait(visitors[i]));
	check(_metadata, self);
}

TEST_F(history, deadlines_and_resizing)
{
	static const __u64 capacities[] = { 1, 2, 9, MBOX_UNBOUNDED };
	pid_t visitor;
	__u32 seed = 5;

	self->h->deadlines = true;
	start(self);
	visitor = start_visitor(self->h, 7);
	while (senders_run(self->h)) {
		EXPECT_EQ(0, mb_set_capacity(self->fd,
					     capacities[prng(&seed) % ARRAY_SIZE(capacities)]));
		usleep(200);
	}
	end(_metadata, self);
	EXPECT_EQ(0, child_wait(visitor));
	check(_metadata, self);
}

static void on_signal(int signo)
{
}

TEST_F(history, signals)
{
	struct sigaction action = { .sa_handler = on_signal };
	__u32 seed = 6;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	start(self);
	while (senders_run(self->h)) {
		__u32 i = prng(&seed) % (SENDERS + 1);

		kill(i < SENDERS ? self->senders[i] : self->witness, SIGUSR1);
		usleep(200);
	}
	end(_metadata, self);
	check(_metadata, self);
}

/* kill -9 in the middle of a receive: what it has written down is a piece all the same. */
TEST_F(history, killed_readers_and_senders)
{
	struct history *h = self->h;
	__u32 seed = 8, i;

	start(self);
	for (i = 0; i < 40 && senders_run(h); i++) {
		__u32 s = prng(&seed) % SENDERS;
		int fd = mb_open(h->name, O_RDONLY);
		pid_t pid = start_reader(h, fd, new_log(h));

		close(fd);
		usleep(prng(&seed) % 3000);
		kill(pid, SIGKILL);
		child_wait(pid);
		if (h->next[s] > MESSAGES - 10)
			continue;
		kill(self->senders[s], SIGKILL);
		if (child_wait(self->senders[s]) == 1000 + SIGKILL)
			h->killed_senders++;
		self->senders[s] = start_sender(h, s);
	}
	end(_metadata, self);
	check(_metadata, self);
}

/* The log of one receiver that several share: merged by the witness's order it has no gap. */
static void check_shared(struct __test_metadata *_metadata, struct history *h, int shares)
{
	static __u8 got[SENDERS * MESSAGES + 1];
	__u32 i, twice = 0, missing = 0, disorder = 0;
	int s;

	memset(got, 0, sizeof(got));
	for (s = 0; s < shares; s++) {
		__u32 last = 0;

		for (i = 0; i < h->logs[s].count; i++) {
			__u32 place = place_of(h, &h->logs[s].entries[i]);

			ASSERT_GT(h->witness.count, place);
			disorder += place < last;
			last = place;
			twice += got[place]++;
		}
	}
	for (i = 0; i < h->witness.count; i++)
		missing += !got[i];
	EXPECT_EQ(0, twice);
	EXPECT_EQ(0, missing);
	EXPECT_EQ(0, disorder);
}

TEST_F(history, those_who_share_a_receiver_get_all_together)
{
	struct history *h = self->h;
	int fd = mb_open(h->name, O_RDONLY), i;
	pid_t readers[READERS];

	for (i = 0; i < READERS; i++)
		readers[i] = start_reader(h, fd, new_log(h));
	close(fd);
	start(self);
	end(_metadata, self);
	for (i = 0; i < READERS; i++)
		EXPECT_EQ(0, child_wait(readers[i]));
	check_witness(_metadata, h);
	check_shared(_metadata, h, READERS);
	EXPECT_EQ(0, h->errors);
	EXPECT_EQ(0, h->corrupt);
	EXPECT_EQ(0, mb_status(self->fd).queued);
}

/* Every number is received or was told of as missed, in its place. */
static __u32 check_gaps(struct __test_metadata *_metadata, const struct log *log)
{
	__u32 i, wrong = 0, next = 0, missed = 0;

	for (i = 0; i < log->count; i++) {
		const struct entry *e = &log->entries[i];

		wrong += e->seq != next + e->missed;
		missed += e->missed;
		next = e->seq + 1;
	}
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(MESSAGES, next);
	return missed;
}

/* Nobody misses a message that is dropped while those who had not received it copy it. */
TEST(what_is_dropped_is_told_of)
{
	enum { CAPACITY = 3 };
	struct history *h = shared_memory(sizeof(*h));
	struct payload stop = { .sender = STOP };
	int fd = create(h, CAPACITY, MBOX_LOSSY), i, round;
	__u32 missed = 0, got = 0;
	pid_t readers[READERS];
	__u64 dropped;

	ASSERT_LE(0, fd);
	for (i = 0; i < READERS; i++) {
		int rx = mb_open(h->name, O_RDONLY);

		readers[i] = start_reader(h, rx, &h->logs[i]);
		close(rx);
	}
	for (round = 0; round < MESSAGES; round++) {
		struct payload p = { .seq = round };

		ASSERT_EQ(0, send_payload(fd, &p, round % 2 ? MBOX_NONBLOCK : 0, 0));
		if (round % 16 == 0)
			usleep(500);
	}
	EXPECT_EQ(0, send_payload(fd, &stop, 0, 0));
	dropped = mb_status(fd).dropped;
	EXPECT_GE(MESSAGES + 1 - CAPACITY, dropped);
	for (i = 0; i < READERS; i++) {
		__u32 its;

		EXPECT_EQ(0, child_wait(readers[i]));
		its = check_gaps(_metadata, &h->logs[i]);
		EXPECT_GE(dropped, its);
		missed += its;
		got += h->logs[i].count;
	}
	TH_LOG("%u received, %u missed, %llu dropped", got, missed, dropped);
	EXPECT_EQ(0, h->errors);
	EXPECT_EQ(0, h->corrupt);
	EXPECT_EQ(READERS * MESSAGES, got + missed);
	EXPECT_EQ(got + READERS, mb_status(fd).received);
	EXPECT_EQ(0, mb_status(fd).queued);
	mb_unlink(h->name);
}

TEST_HARNESS_MAIN
