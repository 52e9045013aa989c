// SPDX-License-Identifier: GPL-2.0
/*
 * Large messages of senders that wait for a receiver. They are copied once, out of pages that are
 * pinned meanwhile; nobody is to see that by anything but the time.
 */
#include "common.h"
#include "harness.h"
#include "hole.h"

#include <sys/syscall.h>
#include <sys/uio.h>

#define PAGE	4096
#define LEAST	(4 * PAGE)	/* the smallest that is worth it */
#define LARGE	(16 * PAGE)
#define MOST	(256 * PAGE)

/* Pages that were pinned since boot, and those that are now, by whomever. */
static long long counter(const char *name)
{
	static char text[32768];
	char line[64];
	char *found;

	write_text("/proc/sys/vm/stat_refresh", "1");
	if (read_text("/proc/vmstat", text, sizeof(text)) < 0)
		return -1;
	snprintf(line, sizeof(line), "\n%s ", name);
	found = strstr(text, line);
	return found ? strtoll(found + strlen(line), NULL, 10) : -1;
}

static long long pins(void)
{
	return counter("nr_foll_pin_acquired");
}

static long long pinned(void)
{
	return pins() - counter("nr_foll_pin_released");
}

/* One mailbox by a descriptor for each right; memory to send from and to receive into. */
FIXTURE(pages) {
	int both;
	int rx;
	int tx;
	unsigned char *in;
	unsigned char *out;
	struct mb_call send;
	struct mb_call take;
	long long pinned;
};

FIXTURE_SETUP(pages)
{
	struct mbox_ioc_create create = mb_template(NULL, 0, O_RDWR);

	create.msgsize = MOST;
	create.flags = MBOX_HANDLES;
	self->both = ctl(device(), MBOX_IOC_CREATE, &create);
	ASSERT_LE(0, self->both);
	self->rx = mb_reopen(self->both, O_RDONLY);
	self->tx = mb_reopen(self->both, O_WRONLY);
	ASSERT_LE(0, self->rx);
	ASSERT_LE(0, self->tx);
	self->in = shared_memory(MOST + PAGE);
	self->out = shared_memory(MOST + PAGE);
	memset(self->out, 0, MOST + PAGE);
	pattern_fill(self->in, LARGE, 1);
	self->pinned = pinned();
}

FIXTURE_TEARDOWN(pages)
{
	EXPECT_EQ(self->pinned, pinned());
	close(self->both);
	close(self->rx);
	close(self->tx);
}

#define SENDER_STARTS(buf_, len_) do {						\
	call_put(&self->send, self->tx, 0, 0, 0);				\
	self->send.msg.buf = addr(buf_);					\
	self->send.msg.len = len_;						\
	ASSERT_EQ(0, call_start(&self->send));					\
} while (0)

#define SENDER_WAITS(buf_, len_) do {						\
	SENDER_STARTS(buf_, len_);						\
	ASSERT_TRUE(wait_senders(self->rx, 1));					\
} while (0)

#define RECEIVER_WAITS(buf_, len_, flags_) do {					\
	call_take(&self->take, self->rx, flags_);				\
	self->take.msg.buf = addr(buf_);					\
	self->take.msg.len = len_;						\
	ASSERT_EQ(0, call_start(&self->take));					\
	ASSERT_TRUE(wait_receivers(self->rx, 1));				\
} while (0)

/* The receiver that waited has a message that was filled so. */
#define EXPECT_TAKEN(buf_, len_, seed_) do {					\
	EXPECT_EQ(0, call_join(&self->take));					\
	EXPECT_EQ(len_, self->take.msg.len);					\
	EXPECT_TRUE(pattern_check(buf_, len_, seed_));				\
} while (0)

#define EXPECT_SENT()	EXPECT_EQ(0, call_join(&self->send))

/* There is one for who comes now. */
#define EXPECT_RECEIVED(seed_) do {						\
	memset(self->out, 0, LARGE);						\
	EXPECT_EQ(LARGE, mb_recv(self->rx, self->out, LARGE, MBOX_NONBLOCK));	\
	EXPECT_TRUE(pattern_check(self->out, LARGE, seed_));			\
} while (0)

static const size_t sizes[] = {
	PAGE, LEAST - 1, LEAST, LEAST + 1, 5 * PAGE, 7 * PAGE - 1, 8 * PAGE, LARGE - 1, LARGE,
	LARGE + 1, MOST - 1, MOST,
};

static const size_t places[] = { 0, 1, 8, 100, PAGE - 1 };

TEST_F(pages, content_is_kept_at_every_size_and_place)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (k = 0; k < ARRAY_SIZE(places); k++) {
			unsigned char *in = self->in + places[k];
			unsigned char *out = self->out + places[(i + k) % ARRAY_SIZE(places)];

			pattern_fill(in, sizes[i], i + k);
			out[sizes[i]] = 0x55;
			RECEIVER_WAITS(out, sizes[i], 0);
			ASSERT_EQ(0, mb_send(self->tx, in, sizes[i], 0, 0));
			EXPECT_TAKEN(out, sizes[i], i + k);
			EXPECT_EQ(0x55, out[sizes[i]]);
		}
	}
}

TEST_F(pages, content_is_kept_if_the_sender_is_first)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned char *in = self->in + places[i % ARRAY_SIZE(places)];

		pattern_fill(in, sizes[i], i);
		SENDER_WAITS(in, sizes[i]);
		EXPECT_EQ(sizes[i], mb_recv(self->rx, self->out, sizes[i], MBOX_NONBLOCK));
		EXPECT_TRUE(pattern_check(self->out, sizes[i], i));
		EXPECT_SENT();
	}
}

TEST_F(pages, bytes_of_who_waits_stay_in_their_pages)
{
	long long before = pins();

	if (before < 0)
		SKIP(return, "this kernel does not count pages that are pinned");
	RECEIVER_WAITS(self->out, LARGE, 0);
	EXPECT_EQ(0, mb_send(self->tx, self->in, LARGE, 0, 0));
	EXPECT_TAKEN(self->out, LARGE, 1);
	EXPECT_EQ(before + 16, pins());
	RECEIVER_WAITS(self->out, LARGE, 0);
	EXPECT_EQ(LARGE - 2, write(self->tx, self->in + 1, LARGE - 2));
	EXPECT_EQ(0, call_join(&self->take));
	EXPECT_EQ(0, memcmp(self->in + 1, self->out, LARGE - 2));
	EXPECT_EQ(before + 32, pins());
	RECEIVER_WAITS(self->out, LARGE, 0);
	EXPECT_EQ(0, mb_send(self->tx, self->in + 1, LARGE, 0, MBOX_SYNC));
	EXPECT_EQ(0, call_join(&self->take));
	EXPECT_EQ(before + 49, pins());
	SENDER_WAITS(self->in, LARGE);
	EXPECT_EQ(before + 65, pins());
	EXPECT_EQ(self->pinned + 16, pinned());
	EXPECT_RECEIVED(1);
	EXPECT_SENT();
	EXPECT_EQ(before + 65, pins());
}

/* Those who do not wait, or do not for a receiver, or whose message is small or not in one piece. */
TEST_F(pages, bytes_of_others_are_copied)
{
	struct mbox_iovec list[2] = { { addr(self->in), PAGE }, { addr(self->in + PAGE),
							       LARGE - PAGE } };
	struct iovec vec[2] = { { self->in, PAGE }, { self->in + PAGE, LARGE - PAGE } };
	long long before = pins();

	RECEIVER_WAITS(self->out, LARGE, 0);
	EXPECT_EQ(0, mb_send(self->tx, self->in, LARGE, 0, MBOX_NONBLOCK));
	EXPECT_TAKEN(self->out, LARGE, 1);
	RECEIVER_WAITS(self->out, LARGE, 0);
	EXPECT_EQ(0, mb_send(self->tx, self->in, LEAST - 1, 0, 0));
	EXPECT_TAKEN(self->out, LEAST - 1, 1);
	RECEIVER_WAITS(self->out, LARGE, 0);
	EXPECT_EQ(0, mb_send(self->tx, list, 2, 0, MBOX_IOV));
	EXPECT_TAKEN(self->out, LARGE, 1);
	RECEIVER_WAITS(self->out, LARGE, 0);
	EXPECT_EQ(LARGE, writev(self->tx, vec, 2));
	EXPECT_TAKEN(self->out, LARGE, 1);
	ASSERT_EQ(0, mb_set_capacity(self->both, 1));
	RECEIVER_WAITS(self->out, LARGE, 0);
	EXPECT_EQ(0, mb_send(self->tx, self->in, LARGE, 0, 0));
	EXPECT_TAKEN(self->out, LARGE, 1);
	RECEIVER_WAITS(self->out, LARGE, 0);
	EXPECT_EQ(0, mb_send(self->tx, self->in, LARGE, 0, MBOX_SYNC));
	EXPECT_TAKEN(self->out, LARGE, 1);
	EXPECT_EQ(before, pins());
}

TEST_F(pages, receiver_can_scatter_and_be_a_batch)
{
	struct mbox_iovec list[3] = {
		{ addr(self->out), 1 }, { addr(self->out + 1), 2 * PAGE },
		{ addr(self->out + 1 + 2 * PAGE), LARGE },
	};
	struct mbox_ioc_msg msgs[2] = {
		mb_msg(self->out, LARGE, 0), mb_msg(self->out + LARGE, LARGE, 0) };
	struct mbox_ioc_batch batch = {
		.msgs = addr(msgs), .nr = 2, .msg_size = sizeof(msgs[0]) };

	RECEIVER_WAITS(list, 3, MBOX_IOV);
	EXPECT_EQ(0, mb_send(self->tx, self->in, LARGE, 0, 0));
	EXPECT_TAKEN(self->out, LARGE, 1);

	memset(self->out, 0, LARGE);
	SENDER_STARTS(self->in, LARGE);
	EXPECT_EQ(1, ctl(self->rx, MBOX_IOC_RECV_BATCH, &batch));
	EXPECT_EQ(LARGE, msgs[0].len);
	EXPECT_TRUE(pattern_check(self->out, LARGE, 1));
	EXPECT_SENT();
}

TEST_F(pages, carries_descriptors)
{
	struct mbox_fd fd = { .fd = self->both }, got = { .fd = -1 };
	struct mbox_ioc_msg msg = mb_msg(self->in, LARGE, 0);

	msg.fds = addr(&fd);
	msg.nr_fds = 1;
	call_take(&self->take, self->rx, 0);
	self->take.msg.buf = addr(self->out);
	self->take.msg.len = LARGE;
	self->take.msg.fds = addr(&got);
	self->take.msg.nr_fds = 1;
	ASSERT_EQ(0, call_start(&self->take));
	ASSERT_TRUE(wait_receivers(self->rx, 1));
	EXPECT_EQ(0, ctl(self->tx, MBOX_IOC_SEND, &msg));
	EXPECT_TAKEN(self->out, LARGE, 1);
	EXPECT_EQ(1, self->take.msg.nr_fds);
	EXPECT_EQ(mb_status(self->both).id, mb_status(got.fd).id);
	close(got.fd);
}

static unsigned char *map(size_t len, int prot, int flags, int fd)
{
	unsigned char *p = mmap(NULL, len, prot, flags, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static unsigned char *filled(unsigned char *memory, const unsigned char *with)
{
	if (memory)
		memcpy(memory, with, LARGE);
	return memory;
}

/* Memory of all kinds, filled where it can be, and some that has no pages to be pinned. */
TEST_F(pages, memory_of_every_kind_is_sent)
{
	char path[] = "/tmp/pages.XXXXXX";
	int file = mkstemp(path), secret = syscall(SYS_memfd_secret, 0);
	unsigned char *from[6] = { NULL };
	size_t i;

	ASSERT_LE(0, file);
	ASSERT_EQ(0, unlink(path));
	ASSERT_EQ(LARGE, write(file, self->in, LARGE));
	from[0] = map(LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	from[1] = filled(map(LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1),
			 self->in);
	from[2] = map(LARGE, PROT_READ, MAP_PRIVATE, file);
	from[3] = map(LARGE, PROT_READ, MAP_SHARED, file);
	from[4] = filled(map_fd(seg_create(NULL, LARGE, O_RDWR), LARGE, PROT_READ | PROT_WRITE,
				MAP_SHARED), self->in);
	if (secret >= 0 && !ftruncate(secret, LARGE))
		from[5] = filled(map(LARGE, PROT_READ | PROT_WRITE, MAP_SHARED, secret), self->in);
	for (i = 0; i < ARRAY_SIZE(from); i++) {
		if (!from[i])
			continue;
		memset(self->out, 0x55, LARGE);
		RECEIVER_WAITS(self->out, LARGE, 0);
		EXPECT_EQ(0, mb_send(self->tx, from[i], LARGE, 0, 0))
			TH_LOG("memory %zu", i);
		EXPECT_EQ(0, call_join(&self->take));
		EXPECT_EQ(0, memcmp(from[i], self->out, LARGE))
			TH_LOG("memory %zu", i);
	}
	EXPECT_TRUE(from[0] && from[1] && from[2] && from[3] && from[4]);
	if (!from[5])
		TH_LOG("no memfd_secret");
	close(file);
	close(secret);
}

TEST_F(pages, bad_memory_of_a_sender_is_efault_and_the_receiver_waits_on)
{
	unsigned char *hidden = map(LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned char *half = map(LARGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	const __u64 bad[] = {
		0, 1, addr(hidden), addr(half), 0xffff888000000000ULL, 1ULL << 63,
		~0ULL - LARGE + 1, ~0ULL - 10,
	};
	size_t i;

	ASSERT_EQ(0, mprotect(half + LARGE - PAGE, PAGE, PROT_NONE));
	RECEIVER_WAITS(self->out, LARGE, 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mbox_ioc_msg msg = { .buf = bad[i], .len = LARGE };

		EXPECT_EQ(-EFAULT, ctl(self->tx, MBOX_IOC_SEND, &msg))
			TH_LOG("address %zu", i);
		EXPECT_EQ(1, mb_status(self->rx).waiting_receivers);
	}
	EXPECT_EQ(0, mb_send(self->tx, self->in, LARGE, 0, 0));
	EXPECT_TAKEN(self->out, LARGE, 1);
	EXPECT_EQ(1, mb_status(self->rx).received);
}

/* The pages are there before the mailbox is touched, which can be another one by then. */
TEST_F(pages, sender_that_hangs_holds_up_nobody)
{
	unsigned char *away = map(LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct hole hole;

	ASSERT_TRUE(away != NULL);
	pattern_fill(away, LARGE, 2);
	REQUIRE_USERFAULTFD(hole_open_at(&hole, away + LARGE - PAGE));
	RECEIVER_WAITS(self->out, LARGE, 0);
	SENDER_STARTS(away, LARGE);
	ASSERT_EQ(0, hole_hit(&hole));
	EXPECT_EQ(0, mb_status(self->rx).waiting_senders);
	EXPECT_EQ(0, mb_send(self->tx, self->in, LARGE, 0, 0));
	EXPECT_TAKEN(self->out, LARGE, 1);
	EXPECT_FALSE(call_done(&self->send));
	ASSERT_EQ(0, mb_set_capacity(self->both, 1));
	ASSERT_EQ(0, hole_fill(&hole, 0));
	EXPECT_SENT();
	EXPECT_EQ(self->pinned, pinned());
	pattern_fill(away, LARGE, 3);
	EXPECT_EQ(LARGE, mb_recv(self->rx, self->out, LARGE, MBOX_NONBLOCK));
	EXPECT_TRUE(pattern_check(self->out, LARGE - PAGE, 2));
}

TEST_F(pages, are_charged_as_the_bytes_would_be)
{
	long long limit = param_get("user_bytes");

	RECEIVER_WAITS(self->out, LARGE, 0);
	ASSERT_EQ(0, param_set("user_bytes", LARGE));
	IN_CHILD {
		int tx;

		ASSERT_EQ(0, become(USER_A, USER_B));
		tx = mb_reopen(self->both, O_WRONLY);
		EXPECT_EQ(-EDQUOT, mb_send(tx, self->in, LARGE, 0, 0));
		EXPECT_EQ(0, mb_send(tx, self->in, LARGE - PAGE, 0, 0));
	}
	EXPECT_EQ(0, param_set("user_bytes", limit));
	EXPECT_TAKEN(self->out, LARGE - PAGE, 1);
}

/* Semantics 2, for a receiver that waited and one that did not; the message is the next one's. */
TEST_F(pages, bad_memory_of_a_receiver_is_efault_and_the_message_stays)
{
	unsigned char *read_only = map(LARGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned char *half = map(LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned char *hidden = map(LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned char *bad[] = { NULL, hidden, read_only, half };
	size_t i;

	ASSERT_EQ(0, mprotect(half + LARGE - PAGE, PAGE, PROT_NONE));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		RECEIVER_WAITS(bad[i], LARGE, 0);
		SENDER_STARTS(self->in, LARGE);
		EXPECT_EQ(-EFAULT, call_join(&self->take))
			TH_LOG("address %zu", i);
		ASSERT_TRUE(wait_senders(self->rx, 1));
		EXPECT_EQ(-EFAULT, mb_recv(self->rx, bad[i], LARGE, MBOX_NONBLOCK));
		EXPECT_FALSE(call_done(&self->send));
		EXPECT_RECEIVED(1);
		EXPECT_SENT();
	}
	EXPECT_EQ(i, mb_status(self->rx).received);
}

/* As before, for a sender that waited. */
TEST_F(pages, bad_memory_after_a_wait_is_efault_and_the_message_stays)
{
	unsigned char *half = map(LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	ASSERT_EQ(0, mprotect(half + LARGE - PAGE, PAGE, PROT_NONE));
	SENDER_WAITS(self->in, LARGE);
	EXPECT_EQ(-EFAULT, mb_recv(self->rx, half, LARGE, MBOX_NONBLOCK));
	EXPECT_EQ(0, mb_status(self->rx).received);
	EXPECT_EQ(1, mb_status(self->rx).waiting_senders);
	EXPECT_EQ(-EFAULT, mb_recv(self->rx, half, LARGE, MBOX_NONBLOCK | MBOX_LEASE));
	EXPECT_EQ(1, mb_status(self->rx).waiting_senders);
	EXPECT_RECEIVED(1);
	EXPECT_SENT();
}

TEST_F(pages, receiver_without_room_is_emsgsize_and_the_next_gets_it)
{
	RECEIVER_WAITS(self->out, LARGE - 1, 0);
	SENDER_STARTS(self->in, LARGE);
	EXPECT_EQ(-EMSGSIZE, call_join(&self->take));
	EXPECT_EQ(LARGE, self->take.msg.len);
	ASSERT_TRUE(wait_senders(self->rx, 1));
	EXPECT_RECEIVED(1);
	EXPECT_SENT();
}

/* Memory that a receiver has and has not used yet. */
TEST_F(pages, receiver_into_fresh_memory)
{
	unsigned char *fresh;
	int i;

	for (i = 0; i < 10; i++) {
		fresh = map(LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		RECEIVER_WAITS(fresh, LARGE, 0);
		EXPECT_EQ(0, mb_send(self->tx, self->in, LARGE, 0, 0));
		EXPECT_TAKEN(fresh, LARGE, 1);
		munmap(fresh, LARGE);
	}
}

/* What a receiver keeps is not the sender's any more. */
TEST_F(pages, leased_bytes_are_the_mailboxes)
{
	struct mbox_ioc_ack ack = { .flags = MBOX_RETURN };
	int i;

	for (i = 0; i < 2; i++) {
		pattern_fill(self->in, LARGE, 1);
		if (i) {
			SENDER_WAITS(self->in, LARGE);
			call_take(&self->take, self->rx, MBOX_LEASE);
			self->take.msg.buf = addr(self->out);
			self->take.msg.len = LARGE;
			ASSERT_EQ(0, call_start(&self->take));
		} else {
			RECEIVER_WAITS(self->out, LARGE, MBOX_LEASE);
			SENDER_STARTS(self->in, LARGE);
		}
		EXPECT_TAKEN(self->out, LARGE, 1);
		EXPECT_SENT();
		EXPECT_EQ(self->pinned, pinned());
		pattern_fill(self->in, LARGE, 2);
		ack.delivery = self->take.msg.delivery;
		EXPECT_EQ(0, ctl(self->rx, MBOX_IOC_ACK, &ack));
		EXPECT_RECEIVED(1);
	}
}

/* A rendezvous has nothing that could be looked at. */
TEST_F(pages, waiting_senders_are_not_looked_at)
{
	struct mbox_ioc_status status;
	int copy;

	SENDER_WAITS(self->in, LARGE);
	EXPECT_EQ(-ENOMSG, mb_recv(self->rx, self->out, LARGE, MBOX_PEEK));
	copy = mb_snapshot(self->both);
	ASSERT_LE(0, copy);
	EXPECT_EQ(0, mb_status(copy).queued);
	close(copy);
	status = mb_status(self->rx);
	EXPECT_EQ(0, status.queued);
	EXPECT_EQ(0, status.sent);
	EXPECT_EQ(0, status.received);
	EXPECT_EQ(IN, events(self->rx));
	EXPECT_RECEIVED(1);
	EXPECT_SENT();
}

/* Then they are in it like any others, and their senders free to write over them. */
TEST_F(pages, waiting_senders_are_let_into_a_mailbox_that_grows)
{
	int copy;

	SENDER_WAITS(self->in, LARGE);
	ASSERT_EQ(0, mb_set_capacity(self->both, 1));
	EXPECT_SENT();
	EXPECT_EQ(self->pinned, pinned());
	pattern_fill(self->in, LARGE, 2);
	EXPECT_EQ(1, mb_status(self->rx).queued);
	EXPECT_EQ(LARGE, mb_recv(self->rx, self->out, LARGE, MBOX_PEEK));
	EXPECT_TRUE(pattern_check(self->out, LARGE, 1));
	copy = mb_snapshot(self->both);
	EXPECT_RECEIVED(1);
	memset(self->out, 0, LARGE);
	EXPECT_EQ(LARGE, mb_recv(copy, self->out, LARGE, 0));
	EXPECT_TRUE(pattern_check(self->out, LARGE, 1));
	close(copy);
}

static void on_signal(int signo)
{
}

/* Sends in a child, which a signal interrupts; what it got is its exit code. */
static pid_t sender_fork(int fd, const void *buf, __u64 deadline)
{
	struct mbox_ioc_msg msg = mb_msg(buf, LARGE, MBOX_NORESTART);
	pid_t pid = child_fork();

	if (pid)
		return pid;
	signal(SIGUSR1, on_signal);
	msg.deadline = deadline;
	_exit(-ctl(fd, MBOX_IOC_SEND, &msg));
}

TEST_F(pages, senders_give_up_while_they_wait)
{
	struct mbox_ioc_status before = mb_status(self->rx);
	int i;

	for (i = 0; i < 3; i++) {
		pid_t pid = sender_fork(self->tx, self->in, i ? 0 : in_ms(50));

		if (i) {
			ASSERT_TRUE(wait_senders(self->rx, 1));
			kill(pid, i == 1 ? SIGUSR1 : SIGKILL);
		}
		EXPECT_EQ(i == 0 ? ETIMEDOUT : i == 1 ? EINTR : 1000 + SIGKILL, child_wait(pid));
		EXPECT_EQ(-EAGAIN, mb_recv(self->rx, self->out, LARGE, MBOX_NONBLOCK));
		EXPECT_UNCHANGED(self->rx, &before);
	}
}

static int end_mailbox(int fd)
{
	struct mbox_ioc_end end = { 0 };

	return ctl(fd, MBOX_IOC_END, &end);
}

TEST_F(pages, waiting_senders_learn_of_the_end)
{
	SENDER_WAITS(self->in, LARGE);
	ASSERT_EQ(0, end_mailbox(self->both));
	EXPECT_EQ(-EIDRM, call_join(&self->send));
}

/*
 * A receiver that has been given the message and not yet run: it shares a processor with the
 * test, which is more urgent, and so has its way with the sender first.
 */
FIXTURE(starved) {
	int both;
	unsigned char *in;
	unsigned char *out;	/* the receiver's */
	int *received;		/* by which it tells what it got */
	pid_t receiver;
	pid_t sender;
	long long pinned;
};

static void receive_for_ever(int fd, unsigned char *out, int *received)
{
	int ret;

	do {
		ret = mb_recv(fd, out, LARGE, 0);
		if (ret != LARGE || !pattern_check(out, LARGE, 2))
			_exit(1);
		__atomic_add_fetch(received, 1, __ATOMIC_RELAXED);
	} while (1);
}

FIXTURE_SETUP(starved)
{
	struct mbox_ioc_create create = mb_template(NULL, 0, O_RDWR);

	create.msgsize = LARGE;
	self->both = ctl(device(), MBOX_IOC_CREATE, &create);
	ASSERT_LE(0, self->both);
	self->in = shared_memory(LARGE);
	self->out = shared_memory(LARGE);
	self->received = shared_memory(sizeof(*self->received));
	self->pinned = pinned();
	ASSERT_EQ(0, stay_here());
	ASSERT_EQ(0, schedule_as(SCHED_FIFO));
	self->receiver = child_fork();
	if (!self->receiver) {
		memset(self->out, 0, LARGE);
		if (schedule_as(SCHED_OTHER))
			_exit(1);
		receive_for_ever(self->both, self->out, self->received);
	}
	ASSERT_TRUE(wait_receivers(self->both, 1));
	pattern_fill(self->in, LARGE, 1);
	self->sender = sender_fork(self->both, self->in, 0);
	while (!mb_status(self->both).received)
		sched_yield();
	ASSERT_EQ(0, *self->received);
}

FIXTURE_TEARDOWN(starved)
{
	kill(self->receiver, SIGKILL);
	child_wait(self->receiver);
	EXPECT_EQ(self->pinned, pinned());
	close(self->both);
}

/* Sends what the receiver takes for right. */
#define NEXT_MESSAGE_ARRIVES() do {						\
	pattern_fill(self->in, LARGE, 2);					\
	EXPECT_EQ(0, mb_send(self->both, self->in, LARGE, 0, 0));		\
	EXPECT_TRUE(wait_until(*(volatile int *)self->received == 1)); \
	EXPECT_EQ(1, mb_status(self->both).received);				\
} while (0)

TEST_F(starved, sender_is_killed)
{
	kill(self->sender, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(self->sender));
	EXPECT_EQ(0, *self->received);
	ASSERT_TRUE(wait_receivers(self->both, 1));
	EXPECT_EQ(0, mb_status(self->both).received);
	NEXT_MESSAGE_ARRIVES();
}

TEST_F(starved, sender_is_interrupted)
{
	kill(self->sender, SIGUSR1);
	EXPECT_EQ(EINTR, child_wait(self->sender));
	pattern_fill(self->in, LARGE, 3);
	ASSERT_TRUE(wait_receivers(self->both, 1));
	NEXT_MESSAGE_ARRIVES();
}

/* The sender has to wait for the copy: what it writes to its memory then is in no message. */
TEST_F(starved, sender_waits_for_the_copy)
{
	pattern_fill(self->in, LARGE, 2);
	EXPECT_EQ(0, child_wait(self->sender));
	pattern_fill(self->in, LARGE, 3);
	EXPECT_TRUE(wait_until(*(volatile int *)self->received == 1));
}

/* What was in hand goes back to its sender, who offers it again. */
TEST_F(starved, receiver_is_killed)
{
	static unsigned char out[LARGE];

	kill(self->receiver, SIGKILL);
	ASSERT_EQ(1000 + SIGKILL, child_wait(self->receiver));
	ASSERT_TRUE(wait_senders(self->both, 1));
	EXPECT_EQ(0, mb_status(self->both).received);
	EXPECT_EQ(LARGE, mb_recv(self->both, out, LARGE, MBOX_NONBLOCK));
	EXPECT_TRUE(pattern_check(out, LARGE, 1));
	EXPECT_EQ(0, child_wait(self->sender));
}

TEST_F(starved, receiver_is_killed_after_the_mailbox_has_grown)
{
	static unsigned char out[LARGE];

	ASSERT_EQ(0, mb_set_capacity(self->both, 2));
	kill(self->receiver, SIGKILL);
	ASSERT_EQ(1000 + SIGKILL, child_wait(self->receiver));
	EXPECT_EQ(0, child_wait(self->sender));
	pattern_fill(self->in, LARGE, 2);
	EXPECT_EQ(1, mb_status(self->both).queued);
	EXPECT_EQ(LARGE, mb_recv(self->both, out, LARGE, MBOX_NONBLOCK));
	EXPECT_TRUE(pattern_check(out, LARGE, 1));
}

/* What a receiver has in hand is its own still. */
TEST_F(starved, mailbox_is_ended)
{
	pattern_fill(self->in, LARGE, 2);
	ASSERT_EQ(0, end_mailbox(self->both));
	EXPECT_EQ(0, child_wait(self->sender));
	EXPECT_TRUE(wait_until(*(volatile int *)self->received == 1));
}

/* A message to be sent, and where the receiver wants it: the last page of that is away. */
#define MEMORY_IS_AWAY() do {							\
	struct mbox_ioc_create create = mb_template(NULL, 0, O_RDWR);		\
										\
	create.msgsize = LARGE;							\
	self->in = shared_memory(LARGE);					\
	self->out = map(LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);	\
	ASSERT_TRUE(self->out != NULL);						\
	memset(self->out, 0x55, LARGE);						\
	REQUIRE_USERFAULTFD(hole_open_at(&self->hole, self->out + LARGE - PAGE));	\
	self->fd = ctl(device(), MBOX_IOC_CREATE, &create);			\
	ASSERT_LE(0, self->fd);							\
	pattern_fill(self->in, LARGE, 1);					\
	self->pinned = pinned();						\
} while (0)

#define RECEIVER_STARTS() do {							\
	call_take(&self->take, self->fd, 0);					\
	self->take.msg.buf = addr(self->out);					\
	self->take.msg.len = LARGE;						\
	ASSERT_EQ(0, call_start(&self->take));					\
} while (0)

/* A receiver whose memory is away does not keep the sender, nor its pages; it was there first. */
FIXTURE(away) {
	int fd;
	unsigned char *in;
	unsigned char *out;
	struct mb_call take;
	struct hole hole;
	long long pinned;
};

FIXTURE_SETUP(away)
{
	MEMORY_IS_AWAY();
	RECEIVER_STARTS();
	ASSERT_TRUE(wait_receivers(self->fd, 1));
}

FIXTURE_TEARDOWN(away)
{
	close(self->fd);
}

/* Another message goes to the receiver, once its memory is there. */
#define NEXT_GOES_THERE() do {							\
	ASSERT_EQ(0, hole_fill(&self->hole, 0));				\
	pattern_fill(self->in, LARGE, 2);					\
	EXPECT_EQ(0, mb_send(self->fd, self->in, LARGE, 0, 0));			\
	EXPECT_EQ(0, call_join(&self->take));					\
	EXPECT_TRUE(pattern_check(self->out, LARGE, 2));			\
	EXPECT_EQ(self->pinned, pinned());					\
} while (0)

TEST_F(away, others_can_have_the_message)
{
	static unsigned char out[LARGE];
	pid_t sender = sender_fork(self->fd, self->in, 0);

	ASSERT_EQ(0, hole_hit(&self->hole));
	ASSERT_TRUE(wait_senders(self->fd, 1));
	EXPECT_EQ(LARGE, mb_recv(self->fd, out, LARGE, 0));
	EXPECT_TRUE(pattern_check(out, LARGE, 1));
	EXPECT_EQ(0, child_wait(sender));
	EXPECT_FALSE(call_done(&self->take));
	EXPECT_EQ(self->pinned, pinned());
	NEXT_GOES_THERE();
}

TEST_F(away, sender_can_give_up)
{
	int i;

	for (i = 0; i < 3; i++) {
		pid_t sender = sender_fork(self->fd, self->in, i == 2 ? in_ms(1000) : 0);

		if (!i)
			ASSERT_EQ(0, hole_hit(&self->hole));
		ASSERT_TRUE(wait_senders(self->fd, 1));
		if (i < 2)
			kill(sender, i ? SIGUSR1 : SIGKILL);
		EXPECT_EQ(i == 2 ? ETIMEDOUT : i ? EINTR : 1000 + SIGKILL, child_wait(sender));
		EXPECT_EQ(self->pinned, pinned());
		EXPECT_EQ(0, mb_status(self->fd).received);
	}
	EXPECT_FALSE(call_done(&self->take));
	NEXT_GOES_THERE();
}

/* The same, if the sender was there first. */
FIXTURE(taken) {
	int fd;
	unsigned char *in;
	unsigned char *out;
	struct mb_call take;
	struct hole hole;
	pid_t sender;
	long long pinned;
};

FIXTURE_SETUP(taken)
{
	MEMORY_IS_AWAY();
	self->sender = sender_fork(self->fd, self->in, 0);
	ASSERT_TRUE(wait_senders(self->fd, 1));
	RECEIVER_STARTS();
	ASSERT_EQ(0, hole_hit(&self->hole));
	EXPECT_EQ(self->pinned, pinned());
	EXPECT_EQ(1, mb_status(self->fd).waiting_senders);
}

FIXTURE_TEARDOWN(taken)
{
	close(self->fd);
}

TEST_F(taken, sender_waits_for_the_copy)
{
	pattern_fill(self->in, LARGE, 2);
	ASSERT_EQ(0, hole_fill(&self->hole, 0));
	EXPECT_EQ(0, call_join(&self->take));
	EXPECT_EQ(0, child_wait(self->sender));
	EXPECT_TRUE(pattern_check(self->out, LARGE, 1));
	EXPECT_EQ(self->pinned, pinned());
}

TEST_F(taken, sender_can_be_killed)
{
	kill(self->sender, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(self->sender));
	ASSERT_EQ(0, hole_fill(&self->hole, 0));
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	EXPECT_EQ(0, mb_status(self->fd).received);
	pattern_fill(self->in, LARGE, 2);
	EXPECT_EQ(0, mb_send(self->fd, self->in, LARGE, 0, 0));
	EXPECT_EQ(0, call_join(&self->take));
	EXPECT_TRUE(pattern_check(self->out, LARGE, 2));
	EXPECT_EQ(self->pinned, pinned());
}

TEST_F(taken, sender_can_be_interrupted)
{
	kill(self->sender, SIGUSR1);
	EXPECT_EQ(EINTR, child_wait(self->sender));
	ASSERT_EQ(0, hole_fill(&self->hole, 0));
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	EXPECT_EQ(0, mb_status(self->fd).received);
	EXPECT_EQ(0, mb_send(self->fd, self->in, LARGE, 0, 0));
	EXPECT_EQ(0, call_join(&self->take));
}

/* Somebody plays with the memory of a send that is on its way. What arrives was there once. */
struct play {
	unsigned char *memory;
	bool over;
};

static void renew(unsigned char *memory, size_t len)
{
	if (mmap(memory, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) == MAP_FAILED)
		abort();
}

static void *play(void *arg)
{
	struct play *play = arg;
	__u32 seed = 3;

	while (!__atomic_load_n(&play->over, __ATOMIC_RELAXED)) {
		pid_t pid;

		switch (prng(&seed) % 6) {
		case 0:
			madvise(play->memory, LARGE, MADV_DONTNEED);
			break;
		case 1:
			mprotect(play->memory, LARGE, PROT_READ | PROT_WRITE);
			memset(play->memory, 'b', LARGE);
			break;
		case 2:
			mprotect(play->memory, LARGE, PROT_NONE);
			break;
		case 3:
			renew(play->memory + prng(&seed) % 16 * PAGE, PAGE);
			break;
		case 4:
			renew(play->memory, LARGE);
			memset(play->memory, 'a', LARGE);
			break;
		case 5:
			pid = child_fork();
			if (!pid)
				_exit(0);
			child_wait(pid);
			break;
		}
	}
	return NULL;
}

static bool was_there_once(const unsigned char *out)
{
	size_t i;

	for (i = 0; i < LARGE; i++)
		if (out[i] && out[i] != 'a' && out[i] != 'b')
			return false;
	return true;
}

TEST_F(pages, memory_can_change_and_go_while_it_is_sent)
{
	struct play game = {
		.memory = map(LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1) };
	int sent = 0, failed = 0, ret, i;
	pthread_t player;
	pid_t receiver;

	ASSERT_TRUE(game.memory != NULL);
	receiver = child_fork();
	if (!receiver) {
		while ((ret = mb_recv(self->rx, self->out, LARGE, 0)) == LARGE)
			if (!was_there_once(self->out))
				_exit(2);
		_exit(ret);
	}
	ASSERT_EQ(0, pthread_create(&player, NULL, play, &game));
	for (i = 0; i < 400; i++) {
		ret = mb_send(self->tx, game.memory, LARGE, 0, 0);
		sent += !ret;
		failed += ret == -EFAULT;
	}
	__atomic_store_n(&game.over, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(player, NULL));
	TH_LOG("%d sent, %d had no memory", sent, failed);
	EXPECT_EQ(400, sent + failed);
	EXPECT_LT(0, sent);
	EXPECT_EQ(sent, mb_status(self->rx).received);
	EXPECT_EQ(0, mb_send(self->tx, NULL, 0, 0, 0));
	EXPECT_EQ(0, child_wait(receiver));
}

TEST_HARNESS_MAIN
