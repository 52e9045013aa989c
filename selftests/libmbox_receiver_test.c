// SPDX-License-Identifier: GPL-2.0
/* libmbox's rings as a receiver has them: many senders, dead ones, and those that mean harm. */
#include "common.h"
#include "harness.h"
#include "rings.h"

#include <sys/epoll.h>
#include <sys/resource.h>

#define WORDS	4096	/* before the records of a ring */

FIXTURE(receiver) {
	struct mbox *rx;
	struct mbox *tx;
};

typedef FIXTURE_DATA(receiver) fixture;

FIXTURE_SETUP(receiver)
{
	ASSERT_EQ(0, rings_open(&self->rx, &self->tx, 0));
}

FIXTURE_TEARDOWN(receiver)
{
	mbox_close(self->tx);
	mbox_close(self->rx);
}

#define SENDERS	6
#define EACH	3000

static int send_all(struct mbox *tx, unsigned int who)
{
	unsigned int i;
	int bad = mbox_ring(tx, RING << who % 3);

	/* Some are too large for the ring, and some come in a rush. */
	for (i = 0; i < EACH && !bad; i++)
		bad = put_number(tx, who << 16 | i, i % 500 ? i % 300 : 3 * RING, 0, 0);
	return bad;
}

TEST_F(receiver, has_all_that_many_senders_sent_in_the_order_of_each)
{
	unsigned int next[SENDERS] = { 0 }, i;
	int number, ret;

	for (i = 0; i < SENDERS; i++) {
		pid_t pid = child_fork();

		ASSERT_LE(0, pid);
		if (!pid)
			_exit(send_all(self->tx, i) != 0);
	}
	mbox_close(self->tx);
	self->tx = NULL;
	while ((number = take_one(self->rx, 0)) >= 0) {
		ASSERT_GT(SENDERS, number >> 16);
		ASSERT_EQ(next[number >> 16]++, number & 0xffff);
	}
	EXPECT_EQ(-EPIPE, number);
	for (i = 0; i < SENDERS; i++) {
		EXPECT_EQ(EACH, next[i]);
		ASSERT_LT(0, wait(&ret));
		EXPECT_EQ(0, ret);
	}
}

TEST_F(receiver, has_what_a_killed_sender_sent_and_nothing_else)
{
	unsigned int round, i;

	for (round = 0; round < 20; round++) {
		struct mbox *rx, *tx;
		int number;
		pid_t pid;

		ASSERT_EQ(0, rings_open(&rx, &tx, 0));
		pid = child_fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			mbox_close(rx);
			mbox_ring(tx, RING);
			for (i = 0;; i++)
				put_number(tx, i, 100 + i % 50, 0, 0);
		}
		mbox_close(tx);
		for (i = 0; (number = take_one(rx, 0)) >= 0; i++) {
			ASSERT_EQ(i, number);
			if (i == 10 + round * 37)
				kill(pid, SIGKILL);
		}
		EXPECT_EQ(-EPIPE, number);
		EXPECT_LT(10 + round * 37, i);
		mbox_close(rx);
		child_wait(pid);
	}
}

TEST_F(receiver, is_woken_by_the_death_of_a_sender_that_had_not_rung)
{
	struct mbox_message msg = { 0 };
	struct mbox *other = sender_again(self->tx);

	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, mbox_ring(other, RING));
	ASSERT_EQ(0, put_number(other, 1, 8, 0, 0));
	ASSERT_EQ(0, put_number(other, 2, 8, 0, 0));
	mbox_close(other);
	EXPECT_EQ(1, take_one(self->rx, 0));
	EXPECT_EQ(2, take_one(self->rx, 0));
	EXPECT_EQ(-ETIMEDOUT, take_number(self->rx, &msg, 0, in_ms(10)));
	EXPECT_EQ(-EAGAIN, take_one(self->rx, MBOX_NONBLOCK));
}

TEST_F(receiver, poll_shows_whether_there_is_a_message)
{
	int i, fd = mbox_fd(self->rx);

	ASSERT_EQ(0, mbox_ring(self->tx, RING));
	EXPECT_EQ(-EAGAIN, take_one(self->rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, events(fd));
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, put_number(self->tx, i, 8, 0, 0));
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(IN, events(fd));
		EXPECT_EQ(i, take_one(self->rx, MBOX_NONBLOCK));
	}
	EXPECT_EQ(-EAGAIN, take_one(self->rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, events(fd));
}

/* Also after a receive that was woken, and so has answered the bell for all of them. */
TEST_F(receiver, poll_shows_what_a_woken_receive_left)
{
	int i, fd = mbox_fd(self->rx);
	pid_t pid = child_fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		mbox_ring(self->tx, RING);
		wait_receivers(mbox_fd(self->tx), 1);
		for (i = 0; i < 3; i++)
			put_number(self->tx, i, 8, 0, 0);
		_exit(0);
	}
	EXPECT_EQ(0, take_one(self->rx, 0));
	EXPECT_EQ(0, child_wait(pid));
	for (i = 1; i < 3; i++) {
		EXPECT_EQ(IN, events(fd));
		EXPECT_EQ(i, take_one(self->rx, 0));
	}
}

TEST_F(receiver, epoll_tells_of_each_message_after_the_last)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(0), i;

	ASSERT_EQ(0, mbox_ring(self->tx, RING));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, mbox_fd(self->rx), &event));
	epoll_wait(epoll, &event, 1, 0);
	EXPECT_EQ(-EAGAIN, take_one(self->rx, MBOX_NONBLOCK));
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
		ASSERT_EQ(0, put_number(self->tx, i, 8, 0, 0));
		EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
		EXPECT_EQ(i, take_one(self->rx, MBOX_NONBLOCK));
		EXPECT_EQ(-EAGAIN, take_one(self->rx, MBOX_NONBLOCK));
	}
	close(epoll);
}

TEST_F(receiver, a_message_that_is_too_large_stays)
{
	char small[4];
	struct mbox_message msg = { .data = small, .size = 4 };

	ASSERT_EQ(0, mbox_ring(self->tx, RING));
	ASSERT_EQ(0, put_number(self->tx, 3, 8, 0, 0));
	EXPECT_EQ(-EMSGSIZE, mbox_recv(self->rx, &msg));
	EXPECT_EQ(8, msg.length);
	EXPECT_EQ(3, take_one(self->rx, 0));
}

TEST_F(receiver, waits_as_long_as_it_is_told)
{
	struct mbox_message msg = { 0 };

	ASSERT_EQ(0, mbox_ring(self->tx, RING));
	EXPECT_EQ(-ETIMEDOUT, take_number(self->rx, &msg, 0, 1));
	EXPECT_EQ(-ETIMEDOUT, take_number(self->rx, &msg, 0, in_ms(20)));
	EXPECT_EQ(-ETIMEDOUT, take_number(self->rx, &msg, MBOX_REALTIME, 1));
}

TEST_F(receiver, keeps_and_chooses_nothing)
{
	struct mbox_message msg = { 0 };
	const void *bytes;

	ASSERT_EQ(0, mbox_ring(self->tx, RING));
	EXPECT_EQ(-EOPNOTSUPP, take_one(self->rx, MBOX_LEASE));
	EXPECT_EQ(-EOPNOTSUPP, mbox_recv_loan(self->rx, &msg, &bytes, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, take_one(self->rx, MBOX_ACK));
	EXPECT_EQ(-EOPNOTSUPP, take_one(self->rx, MBOX_TAG));
	EXPECT_EQ(-EOPNOTSUPP, mbox_peek(self->rx, 0, &msg));
	EXPECT_EQ(-EOPNOTSUPP, mbox_recv_from(self->rx, getpid(), &msg, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, mbox_reply_recv(self->rx, &msg, &msg, 0, 0));
	EXPECT_EQ(-EINVAL, take_one(self->rx, MBOX_SYNC));
}

TEST_F(receiver, is_not_its_child)
{
	ASSERT_EQ(0, mbox_ring(self->tx, RING));
	ASSERT_EQ(0, put_number(self->tx, 3, 8, 0, 0));
	ASSERT_EQ(0, put_number(self->tx, 4, 8, 0, 0));
	EXPECT_EQ(3, take_one(self->rx, 0));
	IN_CHILD
		EXPECT_EQ(-EPERM, take_one(self->rx, MBOX_NONBLOCK));
	EXPECT_EQ(4, take_one(self->rx, 0));
}

TEST_F(receiver, starves_nobody)
{
	struct mbox *other = sender_again(self->tx), *third = sender_again(self->tx);
	int i, seen = 0;

	ASSERT_EQ(0, mbox_ring(self->tx, 65536));
	ASSERT_EQ(0, mbox_ring(third, 65536));
	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, put_number(self->tx, 1, 8, 0, 0));
		ASSERT_EQ(0, put_number(third, 2, 8, 0, 0));
	}
	EXPECT_LE(1, take_one(self->rx, 0));
	ASSERT_EQ(0, put_number(other, 4, 8, 0, 0));
	for (i = 0; i < 1100; i++)
		seen |= take_one(self->rx, 0);
	EXPECT_EQ(7, seen);
	mbox_close(other);
	mbox_close(third);
}

static void *receive_some(void *arg)
{
	struct mbox **rx = arg;
	long nr = 0;

	while (take_one(*rx, 0) >= 0)
		nr++;
	return (void *)nr;
}

TEST_F(receiver, its_threads_share_the_messages)
{
	pthread_t threads[4];
	long total = 0;
	void *nr;
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, receive_some, &self->rx));
	EXPECT_EQ(0, send_all(self->tx, 0));
	mbox_close(self->tx);
	self->tx = NULL;
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &nr));
		total += (long)nr;
	}
	EXPECT_EQ(EACH, total);
}

/* A sender that knows the memory, and writes there what it likes. */
struct rogue {
	int fd;
	int room;
	uint32_t *memory;
};

static const char magic[24] = "mbox ring\x1a\r\n\x0b\x09\x02\x0b\x01";

static int rogue_offer(int fd, int segment, int room, __u32 room_flags)
{
	struct mbox_fd fds[] = { { segment, 0 }, { room, room_flags } };
	struct mbox_ioc_msg msg = mb_msg(magic, sizeof(magic), 0);

	msg.fds = addr(fds);
	msg.nr_fds = 2;
	return ctl(fd, MBOX_IOC_SEND, &msg);
}

static int segment_of(__u64 length, __u32 seals)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_SEALS, .seals = seals };
	int fd = seg_create(NULL, length, O_RDWR);

	return seals && ctl(fd, MBOX_IOC_SET, &set) ? -1 : fd;
}

#define SEALS	(MBOX_SEAL_SHRINK | MBOX_SEAL_GROW)

static int rogue_start(struct rogue *rogue, const struct mbox *tx)
{
	int segment = segment_of(WORDS + RING, SEALS), room;

	rogue->fd = mbox_fd(tx);
	rogue->memory = map_fd(segment, WORDS + RING, PROT_READ | PROT_WRITE, MAP_SHARED);
	room = mb_create_flags(NULL, 1, O_RDWR, MBOX_RINGS);
	rogue->room = mb_reopen(room, O_RDONLY);
	if (!rogue->memory || rogue_offer(rogue->fd, segment, room, MBOX_FD_SENDONLY))
		return -1;
	close(segment);
	close(room);
	return 0;
}

static void ring_bell(int fd)
{
	struct mbox_ioc_ring arg = { 0 };

	ctl(fd, MBOX_IOC_RING, &arg);
}

/* Any word of it, above all those that are not of records. */
static void rogue_scribble(struct rogue *rogue, __u32 *seed)
{
	__u32 where = prng(seed), what = prng(seed);

	where = where & 3 ? where % 32 : WORDS / 4 + where % (RING / 4);
	((volatile __u32 *)rogue->memory)[where] = what & 15 ? what % 2048 * 16 : ~0U;
}

TEST_F(receiver, goes_on_whatever_a_sender_writes)
{
	struct mbox *good = sender_again(self->tx);
	int i, number, next = 0;
	pid_t pid = child_fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		struct rogue rogue;
		__u32 seed = 5;

		for (;;) {
			if (rogue_start(&rogue, self->tx))
				_exit(1);
			for (i = 0; i < 2000; i++) {
				rogue_scribble(&rogue, &seed);
				ring_bell(rogue.fd);
			}
			munmap(rogue.memory, WORDS + RING);
			close(rogue.room);
		}
	}
	ASSERT_EQ(0, mbox_ring(good, RING));
	for (i = 0; i < 3000; i++) {
		struct mbox_message msg = { 0 };

		/* Its tag is one that the other, which knows how to, does not give. */
		ASSERT_EQ(0, put_number(good, 0x40000000 | i, 8, 0, 0));
		do {
			number = take_number(self->rx, &msg, 0, 0);
		} while (msg.pid == pid);
		ASSERT_EQ(getpid(), msg.pid);
		ASSERT_EQ(0x40000000 | next++, number);
	}
	EXPECT_EQ(0, kill(pid, SIGKILL));
	child_wait(pid);
	mbox_close(good);
}

TEST_F(receiver, keeps_its_deadline_whoever_rings)
{
	struct mbox_message msg = { 0 };
	pid_t pid = child_fork();

	ASSERT_LE(0, pid);
	if (!pid)
		for (;;)
			ring_bell(mbox_fd(self->tx));
	EXPECT_EQ(-ETIMEDOUT, take_number(self->rx, &msg, 0, in_ms(200)));
	kill(pid, SIGKILL);
	child_wait(pid);
}

TEST_F(receiver, closes_a_ring_that_is_not_sane_and_that_one_only)
{
	struct mbox *good = sender_again(self->tx);
	struct rogue rogue;

	ASSERT_EQ(0, mbox_ring(good, RING));
	ASSERT_EQ(0, rogue_start(&rogue, self->tx));
	EXPECT_EQ(-EAGAIN, take_one(self->rx, MBOX_NONBLOCK));
	EXPECT_EQ(1, mb_status(rogue.room).senders);
	rogue.memory[0] = 8;
	EXPECT_EQ(-EAGAIN, take_one(self->rx, MBOX_NONBLOCK));
	EXPECT_TRUE(wait_until(!mb_status(rogue.room).senders));
	ASSERT_EQ(0, put_number(good, 1, 8, 0, 0));
	EXPECT_EQ(1, take_one(self->rx, 0));
	close(rogue.room);
	mbox_close(good);
}

/* What is in the way of taking a ring on, and nothing else. */
static void refuse(struct __test_metadata *_metadata, fixture *f, int segment, int room,
		   __u32 room_flags, const char *what)
{
	int before = fds_open();

	ASSERT_EQ(0, rogue_offer(mbox_fd(f->tx), segment, room, room_flags));
	EXPECT_EQ(-EAGAIN, take_one(f->rx, MBOX_NONBLOCK))
		TH_LOG("%s", what);
	EXPECT_EQ(before, fds_open())
		TH_LOG("%s", what);
	EXPECT_EQ(0, put_number(f->tx, 5, 8, 0, 0));
	EXPECT_EQ(5, take_one(f->rx, 0))
		TH_LOG("%s", what);
}

TEST_F(receiver, refuses_a_ring_that_could_do_it_harm)
{
	int room = mb_create_flags(NULL, 1, O_RDWR, MBOX_RINGS);
	int plain = mb_create_flags(NULL, 1, O_RDWR, MBOX_HANGUP);
	int fine = segment_of(WORDS + RING, SEALS), fd;

	refuse(_metadata, self, segment_of(WORDS + RING, 0), room, MBOX_FD_SENDONLY, "no seals");
	refuse(_metadata, self, segment_of(WORDS + RING, MBOX_SEAL_GROW), room, MBOX_FD_SENDONLY,
	       "no seal against shrinking");
	refuse(_metadata, self, segment_of(WORDS, SEALS), room, MBOX_FD_SENDONLY, "no records");
	refuse(_metadata, self, segment_of(WORDS - 1, SEALS), room, MBOX_FD_SENDONLY, "short");
	refuse(_metadata, self, segment_of(WORDS + RING + 1, SEALS), room, MBOX_FD_SENDONLY, "odd");
	refuse(_metadata, self, segment_of(WORDS + RING / 2, SEALS), room, MBOX_FD_SENDONLY, "small");
	refuse(_metadata, self, device(), room, MBOX_FD_SENDONLY, "not a segment");
	fd = ctl(fine, MBOX_IOC_OPEN, &(struct mbox_ioc_open) { .oflag = O_RDONLY });
	refuse(_metadata, self, fd, room, MBOX_FD_SENDONLY, "not writable");
	refuse(_metadata, self, fine, plain, MBOX_FD_SENDONLY, "no bell");
	refuse(_metadata, self, fine, room, 0, "a room that the receiver could receive from");
	refuse(_metadata, self, fine, device(), 0, "not a mailbox");
	EXPECT_TRUE(wait_until(mb_status(room).senders == 1));
}

TEST_F(receiver, what_only_looks_like_an_offer_is_a_message)
{
	struct mbox_fd fds[] = { { device(), 0 }, { device(), 0 } }, got[2];
	char data[24] = "mbox ring, but not quite", in[24];
	struct mbox_message msg = { .data = data, .length = 24, .fds = fds, .nr_fds = 2 };
	struct mbox_message none = { .data = in, .size = 24 };
	struct mbox_message room = { .data = in, .size = 24, .fds = got, .room_fds = 2 };
	int before;

	ASSERT_EQ(0, mbox_send_msg(self->tx, &msg, 0, 0));
	before = fds_open();
	EXPECT_EQ(-ENOBUFS, mbox_recv(self->rx, &none));
	EXPECT_EQ(2, none.nr_fds);
	EXPECT_EQ(before, fds_open());
	EXPECT_EQ(0, mbox_recv(self->rx, &room));
	EXPECT_EQ(2, room.nr_fds);
	EXPECT_EQ(0, memcmp(in, data, 24));
	close(got[0].fd);
	close(got[1].fd);
}

/* With room for descriptors the offer comes like a message, and must not be one. */
TEST_F(receiver, nobody_sees_an_offer)
{
	struct mbox_fd got[4];
	char in[64];
	const struct iovec parts[] = { { in, 3 }, { in + 3, 1 }, { in + 4, 60 } };
	struct mbox_message room = { .data = in, .size = 64, .fds = got, .room_fds = 4 };

	ASSERT_EQ(0, mbox_ring(self->tx, RING));
	EXPECT_EQ(-EAGAIN, mbox_recvv(self->rx, parts, 3, &room, MBOX_NONBLOCK, 0));
	ASSERT_EQ(0, put_number(self->tx, 7, 4, 0, 0));
	EXPECT_EQ(0, mbox_recv_msg(self->rx, &room, MBOX_NONBLOCK, 0));
	EXPECT_EQ(7, room.tag);
	EXPECT_EQ(0, room.nr_fds);
}

TEST_F(receiver, has_so_many_rings_and_no_more)
{
	const struct rlimit limit = { 8192, 8192 };
	static struct mbox *tx[MBOX_RINGS_MAX + 1];
	int i;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	for (i = 0; i <= MBOX_RINGS_MAX; i++) {
		tx[i] = sender_again(self->tx);
		ASSERT_EQ(0, mbox_ring(tx[i], RING));
		ASSERT_EQ(-EAGAIN, take_one(self->rx, MBOX_NONBLOCK));
	}
	EXPECT_EQ(-EPIPE, put_number(tx[MBOX_RINGS_MAX], 1, 8, 0, 0));
	for (i = 0; i < MBOX_RINGS_MAX; i++)
		ASSERT_EQ(0, put_number(tx[i], i, 8, 0, 0));
	for (i = 0; i < MBOX_RINGS_MAX; i++)
		ASSERT_LE(0, take_one(self->rx, MBOX_NONBLOCK));
	mbox_close(tx[0]);
	tx[0] = sender_again(self->tx);
	ASSERT_EQ(0, mbox_ring(tx[0], RING));
	ASSERT_EQ(0, put_number(tx[0], 9, 8, 0, 0));
	EXPECT_EQ(9, take_one(self->rx, 0));
	for (i = 0; i <= MBOX_RINGS_MAX; i++)
		mbox_close(tx[i]);
}

TEST_HARNESS_MAIN
