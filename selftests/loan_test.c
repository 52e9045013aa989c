// SPDX-License-Identifier: GPL-2.0
/*
 * Loans: buffers of a pool that messages lend, read where they are or copied, and that come back
 * whatever becomes of the message, its receiver and its sender.
 */
#include "common.h"
#include "harness.h"

#include <sys/uio.h>

#define BUFFER	8192
#define BUFFERS	4
#define POOL	(BUFFER * BUFFERS)
#define SEALS	(MBOX_SEAL_SHRINK | MBOX_SEAL_GROW)
#define PLACE	(MBOX_LEASE | MBOX_LOAN)

static int seal(int fd, __u32 seals)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_SEALS, .seals = seals };

	return ctl(fd, MBOX_IOC_SET, &set);
}

static int divide(int fd, __u64 size)
{
	struct mbox_ioc_pool pool = { .buffer_size = size };

	return ctl(fd, MBOX_IOC_POOL, &pool);
}

/* The first 64 buffers. */
static __u64 lent(int fd)
{
	__u64 map = 0;
	struct mbox_ioc_lent req = { .map = addr(&map), .nr = 1 };

	return ctl(fd, MBOX_IOC_LENT, &req) ? ~0ULL : map;
}

static struct mbox_loan loan_of(int pool, int buffer, __u64 length)
{
	return (struct mbox_loan) {
		.segment = pool, .offset = (__u64)buffer * BUFFER, .length = length };
}

static int send_loan(int fd, const struct mbox_loan *loan, __u32 flags)
{
	return mb_send(fd, loan, sizeof(*loan), 0, MBOX_LOAN | flags);
}

static int lend(int fd, int pool, int buffer, __u64 length)
{
	struct mbox_loan loan = loan_of(pool, buffer, length);

	return send_loan(fd, &loan, MBOX_NONBLOCK);
}

/* What was received in place. */
struct received {
	struct mbox_ioc_msg msg;
	struct mbox_loan loan;
};

static int receive(int fd, struct received *r, __u32 flags)
{
	memset(&r->loan, 0, sizeof(r->loan));
	r->msg = mb_msg(&r->loan, sizeof(r->loan), PLACE | flags);
	return ctl(fd, MBOX_IOC_RECV, &r->msg);
}

static int finish(int fd, __u64 delivery, __u32 flags)
{
	struct mbox_ioc_ack ack = { .delivery = delivery, .flags = flags };

	return ctl(fd, MBOX_IOC_ACK, &ack);
}

static int open_loan(int fd, __u64 delivery, __u32 oflag)
{
	struct mbox_ioc_loan loan = { .delivery = delivery, .oflag = oflag };

	return ctl(fd, MBOX_IOC_LOAN, &loan);
}

static int msg_create(__u64 capacity, __u64 msgsize, __u32 flags)
{
	struct mbox_ioc_create create = mb_template(NULL, capacity, O_RDWR);

	create.msgsize = msgsize;
	create.flags = flags;
	return ctl(device(), MBOX_IOC_CREATE, &create);
}

/* mb is a mailbox with room for all buffers; pool one of BUFFERS, filled each with its number. */
FIXTURE(loan) {
	int mb;
	int pool;
	int ro;
	unsigned char *map;
	unsigned char *copy;
};

FIXTURE_SETUP(loan)
{
	const char *name = unique_name("pool");
	int i;

	umask(0);
	self->mb = msg_create(10, BUFFER, 0);
	self->pool = seg_pool(name, POOL, BUFFER);
	self->ro = seg_open(name, O_RDONLY);
	ASSERT_LE(0, self->mb);
	ASSERT_LE(0, self->pool);
	ASSERT_LE(0, self->ro);
	ASSERT_EQ(0, mb_unlink(name));
	self->map = map_fd(self->pool, POOL, PROT_READ | PROT_WRITE, MAP_SHARED);
	ASSERT_TRUE(self->map != NULL);
	for (i = 0; i < BUFFERS; i++)
		pattern_fill(self->map + i * BUFFER, BUFFER, i);
	self->copy = shared_memory(BUFFER);
}

FIXTURE_TEARDOWN(loan)
{
	close(self->mb);
	close(self->pool);
	close(self->ro);
}

TEST_F(loan, is_read_in_place_and_returned_by_its_acknowledgment)
{
	struct received r;
	unsigned char *there;
	int fd;

	ASSERT_EQ(0, lend(self->mb, self->pool, 2, 5000));
	EXPECT_EQ(5000, mb_status(self->mb).queued_bytes);
	EXPECT_EQ(1 << 2, lent(self->pool));
	EXPECT_EQ(1, seg_status(self->pool).lent);
	ASSERT_EQ(0, receive(self->mb, &r, 0));
	EXPECT_EQ(MBOX_LOAN, r.msg.flags);
	EXPECT_EQ(5000, r.msg.len);
	EXPECT_EQ(getpid(), r.msg.pid);
	EXPECT_EQ(seg_status(self->pool).id, r.loan.segment);
	EXPECT_EQ(2 * BUFFER, r.loan.offset);
	EXPECT_EQ(5000, r.loan.length);
	EXPECT_EQ(1 << 2, lent(self->pool));
	fd = open_loan(self->mb, r.msg.delivery, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(r.loan.segment, seg_status(fd).id);
	there = map_fd(fd, POOL, PROT_READ, MAP_SHARED);
	ASSERT_TRUE(there != NULL);
	EXPECT_TRUE(pattern_check(there + r.loan.offset, r.loan.length, 2));
	EXPECT_EQ(0, finish(self->mb, r.msg.delivery, 0));
	EXPECT_EQ(0, lent(self->pool));
	EXPECT_EQ(0, seg_status(self->pool).lent);
	EXPECT_EQ(5000, mb_status(self->mb).received_bytes);
}

TEST_F(loan, is_a_message_like_others_to_who_does_not_ask)
{
	struct iovec iov[2] = { { self->copy, 100 }, { self->copy + 100, BUFFER - 100 } };
	struct mbox_ioc_msg msg;

	ASSERT_EQ(0, lend(self->mb, self->pool, 1, BUFFER));
	EXPECT_EQ(BUFFER, mb_recv(self->mb, self->copy, BUFFER, MBOX_PEEK));
	EXPECT_TRUE(pattern_check(self->copy, BUFFER, 1));
	msg = mb_msg(self->copy, BUFFER - 1, 0);
	EXPECT_EQ(-EMSGSIZE, ctl(self->mb, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(BUFFER, msg.len);
	msg = mb_msg(unmapped_page(), BUFFER, 0);
	EXPECT_EQ(-EFAULT, ctl(self->mb, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(1, mb_status(self->mb).queued);
	EXPECT_EQ(1 << 1, lent(self->pool));
	memset(self->copy, 0, BUFFER);
	EXPECT_EQ(BUFFER, mb_recv(self->mb, self->copy, BUFFER, 0));
	EXPECT_TRUE(pattern_check(self->copy, BUFFER, 1));
	EXPECT_EQ(0, lent(self->pool));

	ASSERT_EQ(0, lend(self->mb, self->pool, 3, BUFFER));
	memset(self->copy, 0, BUFFER);
	EXPECT_EQ(BUFFER, readv(self->mb, iov, 2));
	EXPECT_TRUE(pattern_check(self->copy, BUFFER, 3));
	EXPECT_EQ(0, lent(self->pool));

	/* It is leased as any other, and lent meanwhile. */
	ASSERT_EQ(0, lend(self->mb, self->pool, 0, 77));
	msg = mb_msg(self->copy, BUFFER, MBOX_LEASE);
	ASSERT_EQ(0, ctl(self->mb, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(0, msg.flags);
	EXPECT_EQ(77, msg.len);
	EXPECT_TRUE(pattern_check(self->copy, 77, 0));
	EXPECT_EQ(1 << 0, lent(self->pool));
	EXPECT_EQ(0, finish(self->mb, msg.delivery, 0));
	EXPECT_EQ(0, lent(self->pool));
}

TEST_F(loan, of_no_bytes_and_of_more_than_the_room_for_it)
{
	struct received r;

	ASSERT_EQ(0, lend(self->mb, self->pool, 0, 0));
	EXPECT_EQ(0, mb_recv(self->mb, NULL, 0, 0));
	ASSERT_EQ(0, lend(self->mb, self->pool, 0, 0));
	ASSERT_EQ(0, receive(self->mb, &r, 0));
	EXPECT_EQ(0, r.loan.length);
	EXPECT_EQ(0, finish(self->mb, r.msg.delivery, 0));
	EXPECT_EQ(0, lent(self->pool));
}

TEST_F(loan, receiver_gets_other_messages_as_usual)
{
	struct mbox_ioc_msg msg = mb_msg(self->copy, BUFFER, PLACE);

	ASSERT_EQ(0, mb_send(self->mb, "bytes", 5, 0, 0));
	ASSERT_EQ(0, ctl(self->mb, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(0, msg.flags);
	EXPECT_EQ(5, msg.len);
	EXPECT_EQ(0, memcmp(self->copy, "bytes", 5));
	EXPECT_EQ(-EINVAL, open_loan(self->mb, msg.delivery, O_RDONLY));
	EXPECT_EQ(0, finish(self->mb, msg.delivery, 0));
	ASSERT_EQ(0, mb_send(self->mb, self->copy, 100, 0, 0));
	msg = mb_msg(self->copy, sizeof(struct mbox_loan), PLACE);
	EXPECT_EQ(-EMSGSIZE, ctl(self->mb, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(100, msg.len);
}

TEST_F(loan, send_refuses_what_is_no_buffer_of_a_pool)
{
	int segment = seg_create(NULL, POOL, O_RDWR), small = msg_create(1, 100, 0);
	struct mbox_ioc_status before = mb_status(self->mb);
	const struct {
		struct mbox_loan loan;
		int error;
	} bad[] = {
		{ loan_of(-1, 0, 1), -EBADF },
		{ { .segment = 1ULL << 32, .length = 1 }, -EBADF },
		{ { .segment = 1ULL << 63 | self->pool, .length = 1 }, -EBADF },
		{ loan_of(9999, 0, 1), -EBADF },
		{ loan_of(self->ro, 0, 1), -EBADF },
		{ loan_of(self->mb, 0, 1), -ENOTTY },
		{ loan_of(device(), 0, 1), -ENOTTY },
		{ loan_of(segment, 0, 1), -ENOTTY },
		{ { .segment = self->pool, .offset = 1, .length = 1 }, -EINVAL },
		{ { .segment = self->pool, .offset = BUFFER / 2, .length = 1 }, -EINVAL },
		{ { .segment = self->pool, .offset = BUFFER - 1, .length = 1 }, -EINVAL },
		{ loan_of(self->pool, BUFFERS, 0), -EINVAL },
		{ loan_of(self->pool, -1, 1), -EINVAL },
		{ { .segment = self->pool, .offset = ~0ULL, .length = 1 }, -EINVAL },
		{ loan_of(self->pool, 0, BUFFER + 1), -EINVAL },
		{ loan_of(self->pool, 0, ~0ULL), -EINVAL },
	};
	struct mbox_loan good = loan_of(self->pool, 0, 101);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(bad[i].error, send_loan(self->mb, &bad[i].loan, MBOX_NONBLOCK))
			TH_LOG("number %zu", i);
	EXPECT_EQ(-EMSGSIZE, send_loan(small, &good, 0));
	EXPECT_EQ(-EINVAL, mb_send(self->mb, &good, sizeof(good) - 1, 0, MBOX_LOAN));
	EXPECT_EQ(-EINVAL, mb_send(self->mb, &bad, sizeof(good) + 1, 0, MBOX_LOAN));
	EXPECT_EQ(-EFAULT, mb_send(self->mb, unmapped_page(), sizeof(good), 0, MBOX_LOAN));
	EXPECT_UNCHANGED(self->mb, &before);
	EXPECT_EQ(0, lent(self->pool));
}

TEST_F(loan, is_in_one_message_at_a_time)
{
	int other = msg_create(10, BUFFER, 0);
	struct mbox_ioc_status before = mb_status(other);

	ASSERT_EQ(0, lend(self->mb, self->pool, 1, 1));
	EXPECT_EQ(-EBUSY, lend(self->mb, self->pool, 1, 1));
	EXPECT_EQ(-EBUSY, lend(other, self->pool, 1, BUFFER));
	EXPECT_UNCHANGED(other, &before);
	EXPECT_EQ(0, lend(other, self->pool, 0, 1));
	EXPECT_EQ(1, mb_recv(self->mb, self->copy, BUFFER, 0));
	EXPECT_EQ(1 << 0, lent(self->pool));
	EXPECT_EQ(0, lend(other, self->pool, 1, 1));
}

TEST_F(loan, receive_refuses_it_without_a_lease_or_room)
{
	struct received r = { .loan = { 0 } };
	struct mbox_ioc_msg msg = mb_msg(&r.loan, sizeof(r.loan), MBOX_LOAN);

	ASSERT_EQ(0, lend(self->mb, self->pool, 1, 1));
	EXPECT_EQ(-EINVAL, ctl(self->mb, MBOX_IOC_RECV, &msg));
	msg = mb_msg(&r.loan, sizeof(r.loan), MBOX_LOAN | MBOX_PEEK);
	EXPECT_EQ(-EINVAL, ctl(self->mb, MBOX_IOC_RECV, &msg));
	msg = mb_msg(&r.loan, sizeof(r.loan) - 1, PLACE);
	EXPECT_EQ(-EINVAL, ctl(self->mb, MBOX_IOC_RECV, &msg));
	msg = mb_msg(unmapped_page(), sizeof(r.loan), PLACE);
	EXPECT_EQ(-EFAULT, ctl(self->mb, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(1, mb_status(self->mb).queued);
	EXPECT_EQ(0, mb_status(self->mb).held);
	EXPECT_EQ(0, receive(self->mb, &r, 0));
}

TEST_F(loan, pool_is_made_once_of_a_sealed_segment)
{
	int fd = seg_create(NULL, 65536 * 64ULL + 63, O_RDWR);
	struct mbox_ioc_segment_status status = seg_status(fd);

	EXPECT_EQ(0, status.buffer_size);
	EXPECT_EQ(0, status.buffers);
	EXPECT_EQ(-EINVAL, divide(fd, 64));
	ASSERT_EQ(0, seal(fd, MBOX_SEAL_SHRINK));
	EXPECT_EQ(-EINVAL, divide(fd, 64));
	ASSERT_EQ(0, seal(fd, MBOX_SEAL_GROW));
	EXPECT_EQ(-EINVAL, divide(fd, 0));
	EXPECT_EQ(-EINVAL, divide(fd, 32));
	EXPECT_EQ(-EINVAL, divide(fd, 65));
	EXPECT_EQ(-EINVAL, divide(fd, ~63ULL));
	EXPECT_EQ(-EINVAL, divide(fd, 65536 * 64ULL + 64));
	EXPECT_EQ(-EBADF, divide(self->ro, BUFFER));
	EXPECT_EQ(~0ULL, lent(fd));
	EXPECT_EQ(0, divide(fd, 64));
	EXPECT_EQ(-EEXIST, divide(fd, 64));
	EXPECT_EQ(-EEXIST, divide(fd, 128));
	status = seg_status(fd);
	EXPECT_EQ(64, status.buffer_size);
	EXPECT_EQ(65536, status.buffers);
	EXPECT_EQ(0, status.lent);
	fd = seg_create(NULL, 65537 * 64ULL, O_RDWR);
	ASSERT_EQ(0, seal(fd, SEALS));
	EXPECT_EQ(-EINVAL, divide(fd, 64));
}

TEST_F(loan, fdinfo_tells_how_many_are_lent)
{
	char path[64], text[4096];
	int segment = seg_create(NULL, POOL, O_RDWR);

	ASSERT_EQ(0, lend(self->mb, self->pool, 1, 1));
	ASSERT_EQ(0, lend(self->mb, self->pool, 3, 1));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->ro);
	ASSERT_LT(0, read_text(path, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "\nmbox-buffers:\t4\nmbox-lent:\t2\n"));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", segment);
	ASSERT_LT(0, read_text(path, text, sizeof(text)));
	EXPECT_EQ(NULL, strstr(text, "mbox-buffers"));
}

TEST_F(loan, map_has_a_bit_for_each_buffer)
{
	int pool = seg_pool(NULL, 1000 * 64, 64), mb = msg_create(MBOX_UNBOUNDED, 64, 0);
	__u64 map[17];
	struct mbox_ioc_lent req = { .map = addr(map), .nr = 17 };
	struct mbox_loan loan = { .segment = pool, .length = 1 };
	int i;

	for (i = 0; i < 1000; i += 37) {
		loan.offset = i * 64;
		ASSERT_EQ(0, send_loan(mb, &loan, 0));
	}
	memset(map, 0xff, sizeof(map));
	ASSERT_EQ(0, ctl(pool, MBOX_IOC_LENT, &req));
	for (i = 0; i < 1000; i++)
		EXPECT_EQ(i % 37 == 0, map[i / 64] >> i % 64 & 1);
	EXPECT_EQ(0, map[15] >> 40);
	EXPECT_EQ(~0ULL, map[16]);
	memset(map, 0xff, sizeof(map));
	req.nr = 1;
	ASSERT_EQ(0, ctl(pool, MBOX_IOC_LENT, &req));
	EXPECT_EQ(1ULL << 37 | 1, map[0]);
	EXPECT_EQ(~0ULL, map[1]);
	req.map = addr(unmapped_page());
	EXPECT_EQ(-EFAULT, ctl(pool, MBOX_IOC_LENT, &req));
}

static void *poll_for_buffer(void *arg)
{
	struct pollfd pfd = { .fd = *(int *)arg, .events = POLLOUT };

	return (void *)(long)(poll(&pfd, 1, WAIT_LIMIT_S * 1000) == 1 && pfd.revents == POLLOUT);
}

TEST_F(loan, poll_tells_when_a_buffer_came_back)
{
	pthread_t thread;
	void *free;
	int i;

	EXPECT_EQ(OUT, events(self->pool));
	EXPECT_EQ(0, events(self->ro));
	EXPECT_EQ(0, lent(self->ro));
	EXPECT_EQ(OUT, events(self->pool));
	EXPECT_EQ(0, lent(self->pool));
	EXPECT_EQ(0, events(self->pool));
	for (i = 0; i < BUFFERS - 1; i++)
		ASSERT_EQ(0, lend(self->mb, self->pool, i, 1));
	EXPECT_EQ(0, events(self->pool));
	ASSERT_EQ(0, pthread_create(&thread, NULL, poll_for_buffer, &self->pool));
	/* Most often it sleeps by then; it has to see the buffer in any case. */
	usleep(50000);
	EXPECT_EQ(1, mb_recv(self->mb, self->copy, BUFFER, 0));
	ASSERT_EQ(0, pthread_join(thread, &free));
	EXPECT_TRUE(free);
	EXPECT_EQ(OUT, events(self->pool));
	EXPECT_EQ(0, events(self->ro));
	EXPECT_EQ(6, lent(self->pool));
	EXPECT_EQ(0, events(self->pool));
}

TEST_F(loan, comes_back_when_its_message_is_not_sent)
{
	struct mbox_loan loan = loan_of(self->pool, 0, 1);
	int full = msg_create(1, BUFFER, 0), hung = msg_create(1, BUFFER, MBOX_HANGUP);
	struct mbox_ioc_msg msg = mb_msg(&loan, sizeof(loan), MBOX_LOAN);

	ASSERT_EQ(0, mb_put(full, 1, 0, 0));
	EXPECT_EQ(-EAGAIN, send_loan(full, &loan, MBOX_NONBLOCK));
	EXPECT_EQ(0, lent(self->pool));
	msg.deadline = in_ms(20);
	EXPECT_EQ(-ETIMEDOUT, ctl(full, MBOX_IOC_SEND, &msg));
	EXPECT_EQ(0, lent(self->pool));
	msg = mb_msg(&loan, sizeof(loan), MBOX_LOAN);
	msg.nr_fds = 1;
	msg.fds = addr(unmapped_page());
	EXPECT_EQ(-EFAULT, ctl(full, MBOX_IOC_SEND, &msg));
	EXPECT_EQ(0, lent(self->pool));
	EXPECT_EQ(0, send_loan(hung, &loan, 0));
	EXPECT_EQ(1, mb_recv(hung, self->copy, 1, 0));
}

TEST_F(loan, comes_back_when_its_mailbox_is_closed_or_ended)
{
	int other = msg_create(10, BUFFER, 0);
	struct mbox_ioc_end end = { .flags = 0 };
	struct received r;

	ASSERT_EQ(0, lend(other, self->pool, 0, 1));
	ASSERT_EQ(0, lend(other, self->pool, 1, BUFFER));
	ASSERT_EQ(0, lend(other, self->pool, 2, 1));
	ASSERT_EQ(0, receive(other, &r, 0));
	EXPECT_EQ(7, lent(self->pool));
	close(other);
	EXPECT_EQ(0, lent(self->pool));
	ASSERT_EQ(0, lend(self->mb, self->pool, 0, 1));
	ASSERT_EQ(0, ctl(self->mb, MBOX_IOC_END, &end));
	EXPECT_EQ(0, lent(self->pool));
}

TEST_F(loan, is_received_again_when_its_receiver_is_killed)
{
	struct received r;
	pid_t pid;

	ASSERT_EQ(0, lend(self->mb, self->pool, 1, 1000));
	pid = child_fork();
	if (!pid) {
		if (!receive(self->mb, &r, 0))
			raise(SIGKILL);
		_exit(1);
	}
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_EQ(1 << 1, lent(self->pool));
	ASSERT_EQ(0, receive(self->mb, &r, MBOX_NONBLOCK));
	EXPECT_EQ(1, r.msg.deliveries);
	EXPECT_EQ(BUFFER, r.loan.offset);
	EXPECT_EQ(0, finish(self->mb, r.msg.delivery, MBOX_RETURN));
	EXPECT_EQ(1 << 1, lent(self->pool));
	EXPECT_EQ(1000, mb_recv(self->mb, self->copy, BUFFER, 0));
	EXPECT_TRUE(pattern_check(self->copy, 1000, 1));
	EXPECT_EQ(0, lent(self->pool));
}

TEST_F(loan, stays_readable_when_its_sender_is_killed)
{
	unsigned char *there, *again;
	struct received r;
	pid_t pid;
	int fd;

	pid = child_fork();
	if (!pid) {
		int pool = seg_pool(NULL, POOL, BUFFER);
		unsigned char *map = map_fd(pool, POOL, PROT_READ | PROT_WRITE, MAP_SHARED);

		pattern_fill(map, POOL, 9);
		if (!lend(self->mb, pool, 0, BUFFER) && !lend(self->mb, pool, 3, BUFFER))
			raise(SIGKILL);
		_exit(1);
	}
	ASSERT_EQ(1000 + SIGKILL, child_wait(pid));
	ASSERT_EQ(0, receive(self->mb, &r, MBOX_NONBLOCK));
	fd = open_loan(self->mb, r.msg.delivery, O_RDONLY);
	ASSERT_LE(0, fd);
	there = map_fd(fd, POOL, PROT_READ, MAP_SHARED);
	ASSERT_TRUE(there != NULL);
	EXPECT_EQ(0, finish(self->mb, r.msg.delivery, 0));
	EXPECT_EQ(1 << 3, lent(fd));
	/* The other by its copy, when nothing but the message and the mapping hold the memory. */
	close(fd);
	ASSERT_EQ(BUFFER, mb_recv(self->mb, self->copy, BUFFER, 0));
	again = there + 3 * BUFFER;
	EXPECT_EQ(0, memcmp(self->copy, again, BUFFER));
	EXPECT_TRUE(pattern_check(there, POOL, 9));
}

/* Nothing but the message holds the pool. */
TEST_F(loan, alone_keeps_its_pool)
{
	long long before = module_refcount();
	int pool = seg_pool(NULL, POOL, BUFFER);
	unsigned char *map = map_fd(pool, POOL, PROT_READ | PROT_WRITE, MAP_SHARED);

	ASSERT_LT(before, module_refcount());
	pattern_fill(map, BUFFER, 5);
	ASSERT_EQ(0, lend(self->mb, pool, 0, BUFFER));
	close(pool);
	munmap(map, POOL);
	ASSERT_EQ(BUFFER, mb_recv(self->mb, self->copy, BUFFER, 0));
	EXPECT_TRUE(pattern_check(self->copy, BUFFER, 5));
	EXPECT_TRUE(wait_until(module_refcount() == before));
}

/* What all shared memory of the machine takes, in KiB. */
static long shared_kib(void)
{
	static char text[8192];

	read_text("/proc/meminfo", text, sizeof(text));
	return atol(strstr(text, "Shmem:") + strlen("Shmem:"));
}

#define LARGE	(16 << 20)

/* The memory of a pool goes although the one who drops it last waits on in the same call. */
TEST_F(loan, memory_is_free_while_its_last_receiver_waits)
{
	int pool = seg_pool(NULL, LARGE, BUFFER);
	unsigned char *map = map_fd(pool, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	struct mbox_ioc_msg msg;
	struct received r;
	long before;
	pid_t pid;

	ASSERT_TRUE(map != NULL);
	memset(map, 1, LARGE);
	munmap(map, LARGE);
	before = shared_kib();
	ASSERT_EQ(0, lend(self->mb, pool, 0, BUFFER));
	close(pool);
	pid = child_fork();
	if (!pid) {
		if (receive(self->mb, &r, 0))
			_exit(1);
		msg = mb_msg(self->copy, BUFFER, MBOX_ACK);
		msg.delivery = r.msg.delivery;
		_exit(ctl(self->mb, MBOX_IOC_RECV, &msg) ? 2 : 0);
	}
	ASSERT_TRUE(wait_receivers(self->mb, 1));
	EXPECT_TRUE(wait_until(shared_kib() < before - (LARGE >> 11)));
	ASSERT_EQ(0, mb_put(self->mb, 1, 0, 0));
	EXPECT_EQ(0, child_wait(pid));
}

TEST_F(loan, cannot_be_written_by_its_receiver)
{
	unsigned char *there;
	struct received r;
	char path[64];
	int fd, mem;

	ASSERT_EQ(0, lend(self->mb, self->pool, 0, BUFFER));
	ASSERT_EQ(0, receive(self->mb, &r, 0));
	EXPECT_EQ(-EINVAL, open_loan(self->mb, r.msg.delivery, O_RDWR));
	EXPECT_EQ(-EINVAL, open_loan(self->mb, r.msg.delivery, O_ACCMODE));
	EXPECT_EQ(-EINVAL, open_loan(self->mb, r.msg.delivery, O_WRONLY));
	fd = open_loan(self->mb, r.msg.delivery, O_RDONLY | O_NONBLOCK);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EACCES, map_errno(fd, POOL, PROT_READ | PROT_WRITE, MAP_SHARED));
	there = map_fd(fd, POOL, PROT_READ, MAP_SHARED);
	ASSERT_TRUE(there != NULL);
	EXPECT_EQ(-1, mprotect(there, POOL, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-EBADF, mb_reopen(fd, O_RDWR));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_EQ(-1, open(path, O_RDWR));
	mem = open("/proc/self/mem", O_RDWR);
	ASSERT_LE(0, mem);
	EXPECT_EQ(-1, pwrite(mem, "x", 1, (uintptr_t)there));
	EXPECT_TRUE(pattern_check(self->map, BUFFER, 0));
	/* Nor can it lend what it has got. */
	EXPECT_EQ(-EBADF, lend(self->mb, fd, 1, 1));
	EXPECT_EQ(-EBADF, divide(fd, BUFFER));
}

TEST_F(loan, is_opened_only_by_who_holds_it)
{
	struct received r;
	int other = mb_reopen(self->mb, O_RDWR), tx = mb_reopen(self->mb, O_WRONLY);

	ASSERT_EQ(0, lend(self->mb, self->pool, 0, 1));
	EXPECT_EQ(-ESTALE, open_loan(self->mb, 1, O_RDONLY));
	ASSERT_EQ(0, receive(self->mb, &r, 0));
	EXPECT_EQ(-ESTALE, open_loan(other, r.msg.delivery, O_RDONLY));
	EXPECT_EQ(-EBADF, open_loan(tx, r.msg.delivery, O_RDONLY));
	EXPECT_EQ(-ESTALE, open_loan(self->mb, r.msg.delivery + 1, O_RDONLY));
	EXPECT_EQ(0, finish(self->mb, r.msg.delivery, 0));
	EXPECT_EQ(-ESTALE, open_loan(self->mb, r.msg.delivery, O_RDONLY));
}

TEST_F(loan, is_refused_where_nobody_could_return_it)
{
	int log = msg_create(1, BUFFER, MBOX_BROADCAST);
	struct mbox_loan loan = loan_of(self->pool, 0, 1);
	struct mbox_ioc_msg msg = mb_msg(&loan, sizeof(loan), MBOX_LOAN), next = mb_msg(0, 0, 0);
	struct mbox_ioc_exchange exchange = {
		.send = addr(&msg), .recv = addr(&next), .msg_size = sizeof(msg) };

	EXPECT_EQ(-EOPNOTSUPP, send_loan(log, &loan, MBOX_NONBLOCK));
	msg.deadline = 1;
	EXPECT_EQ(-EINVAL, ctl(self->mb, MBOX_IOC_CALL, &exchange));
	msg.deadline = 0;
	exchange.recv = 0;
	EXPECT_EQ(-EINVAL, ctl(self->mb, MBOX_IOC_REPLY, &exchange));
	EXPECT_EQ(0, lent(self->pool));
}

TEST_F(loan, is_lent_as_long_as_a_snapshot_has_it)
{
	int snapshot;

	ASSERT_EQ(0, lend(self->mb, self->pool, 2, BUFFER));
	snapshot = mb_snapshot(self->mb);
	ASSERT_LE(0, snapshot);
	EXPECT_EQ(BUFFER, mb_recv(self->mb, self->copy, BUFFER, 0));
	EXPECT_EQ(1 << 2, lent(self->pool));
	memset(self->copy, 0, BUFFER);
	EXPECT_EQ(BUFFER, mb_recv(snapshot, self->copy, BUFFER, 0));
	EXPECT_TRUE(pattern_check(self->copy, BUFFER, 2));
	EXPECT_EQ(0, lent(self->pool));
}

TEST_F(loan, goes_to_the_dead_letters)
{
	int dead = msg_create(10, BUFFER, 0);
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_DEAD_LETTER, .dead_letter = dead, .max_deliveries = 1 };
	struct received r;

	ASSERT_EQ(0, ctl(self->mb, MBOX_IOC_SET, &set));
	ASSERT_EQ(0, lend(self->mb, self->pool, 2, 9));
	ASSERT_EQ(0, receive(self->mb, &r, 0));
	EXPECT_EQ(0, finish(self->mb, r.msg.delivery, MBOX_RETURN));
	EXPECT_EQ(1 << 2, lent(self->pool));
	ASSERT_EQ(0, receive(dead, &r, MBOX_NONBLOCK));
	EXPECT_EQ(2 * BUFFER, r.loan.offset);
	EXPECT_EQ(0, finish(dead, r.msg.delivery, 0));
	EXPECT_EQ(0, lent(self->pool));
}

TEST_F(loan, goes_in_batches)
{
	struct mbox_loan loans[BUFFERS], got[BUFFERS];
	struct mbox_ioc_msg msgs[BUFFERS];
	struct mbox_ioc_batch batch = {
		.msgs = addr(msgs), .nr = BUFFERS, .msg_size = sizeof(msgs[0]) };
	int i;

	for (i = 0; i < BUFFERS; i++) {
		loans[i] = loan_of(self->pool, i, i);
		msgs[i] = mb_msg(&loans[i], sizeof(loans[i]), MBOX_LOAN);
	}
	ASSERT_EQ(BUFFERS, ctl(self->mb, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ((1 << BUFFERS) - 1, lent(self->pool));
	for (i = 0; i < BUFFERS; i++)
		msgs[i] = mb_msg(&got[i], sizeof(got[i]), PLACE);
	ASSERT_EQ(BUFFERS, ctl(self->mb, MBOX_IOC_RECV_BATCH, &batch));
	for (i = 0; i < BUFFERS; i++) {
		EXPECT_EQ(MBOX_LOAN, msgs[i].flags);
		EXPECT_EQ(i * BUFFER, got[i].offset);
		EXPECT_EQ(0, finish(self->mb, msgs[i].delivery, 0));
	}
	EXPECT_EQ(0, lent(self->pool));
}

/* Of a sender that waits for the receiver. */
TEST_F(loan, is_handed_over_to_who_waits)
{
	int mb = msg_create(0, BUFFER, 0);
	struct received r;
	pid_t pid;

	pid = child_fork();
	if (!pid) {
		struct mbox_loan loan = loan_of(self->pool, 1, BUFFER);

		_exit(send_loan(mb, &loan, 0) != 0);
	}
	ASSERT_EQ(0, receive(mb, &r, 0));
	EXPECT_EQ(BUFFER, r.loan.offset);
	EXPECT_EQ(0, finish(mb, r.msg.delivery, 0));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, lent(self->pool));
}

TEST_F(loan, copy_is_handed_over_to_who_waits)
{
	struct mbox_loan loan = loan_of(self->pool, 1, BUFFER);
	int mb = msg_create(0, BUFFER, 0);
	pid_t pid;

	pid = child_fork();
	if (!pid) {
		/* Of memory that is not there yet. */
		unsigned char *fresh = shared_memory(BUFFER);

		_exit(mb_recv(mb, fresh, BUFFER, 0) != BUFFER || !pattern_check(fresh, BUFFER, 1));
	}
	ASSERT_TRUE(wait_receivers(mb, 1));
	EXPECT_EQ(0, send_loan(mb, &loan, 0));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, lent(self->pool));
}

/* A loan costs its sender a small message; when there is not even that, no buffer is lent. */
TEST_F(loan, counts_without_its_bytes)
{
	long long old = param_get("user_bytes");
	int mb = msg_create(MBOX_UNBOUNDED, BUFFER, 0);
	struct mbox_loan loan = { .segment = self->pool, .length = BUFFER };
	int i;

	ASSERT_EQ(0, param_set("user_bytes", 1024));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_C, USER_C));
		/* Who opened it pays. */
		mb = mb_reopen(mb, O_RDWR);
		EXPECT_EQ(-EDQUOT, mb_send(mb, self->copy, BUFFER, 0, 0));
		for (i = 0; i < BUFFERS; i++, loan.offset += BUFFER)
			EXPECT_EQ(0, send_loan(mb, &loan, 0));
		loan.offset = 0;
		EXPECT_EQ(BUFFER, mb_recv(mb, self->copy, BUFFER, 0));
		EXPECT_EQ(0, mb_send(mb, "x", 1, 0, 0));
		EXPECT_EQ(-EDQUOT, send_loan(mb, &loan, 0));
		EXPECT_EQ((1 << BUFFERS) - 2, lent(self->pool));
	}
	EXPECT_EQ(0, param_set("user_bytes", old));
}

/*
 * Several senders, each with a pool, and several receivers in processes that are killed at random
 * times, as are senders. Every receiver notes a message when it has read it, and then returns it.
 * Then each message that was sent was noted; more than once only if its deliveries differ; all
 * that was read was as it was sent, and all buffers are back.
 */
#define SENDERS		3
#define RECEIVERS	3
#define MESSAGES	2000
#define NOTES		8

struct note {
	__u32 nr;
	__u32 deliveries[NOTES];
};

struct history {
	int mb;
	int pools[SENDERS];
	__u32 sent[SENDERS];	/* those that the sender was told of */
	__u32 corrupt;
	__u32 errors;
	struct note notes[SENDERS][MESSAGES];
};

/* What a buffer begins with, before a pattern. */
struct content {
	__u32 sender;
	__u32 seq;
	__u64 length;
};

static void count(__u32 *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static __u32 seed_of(const struct content *c)
{
	return c->sender * 7919 + c->seq;
}

static void fill(unsigned char *buffer, struct content c)
{
	memcpy(buffer, &c, sizeof(c));
	pattern_fill(buffer + sizeof(c), c.length - sizeof(c), seed_of(&c));
}

/* Waits for one; BUFFERS if none comes back. */
static int free_buffer(int pool)
{
	struct pollfd pfd = { .fd = pool, .events = POLLOUT };
	int buffer;

	while ((buffer = __builtin_ctzll(~lent(pool))) == BUFFERS)
		if (poll(&pfd, 1, WAIT_LIMIT_S * 1000) != 1)
			break;
	return buffer;
}

static void history_send(struct history *h, __u32 sender)
{
	int pool = h->pools[sender], mb = mb_reopen(h->mb, O_WRONLY), buffer;
	unsigned char *map = map_fd(pool, POOL, PROT_READ | PROT_WRITE, MAP_SHARED);
	__u32 seed = getpid(), seq;

	/* One that was started again does not know whether the last was sent. */
	for (seq = h->sent[sender]; seq < MESSAGES; seq++) {
		struct content c = { sender, seq, sizeof(c) + prng(&seed) % (BUFFER - sizeof(c)) };

		buffer = free_buffer(pool);
		if (buffer == BUFFERS)
			break;
		fill(map + buffer * BUFFER, c);
		if (mb_send(mb, &(struct mbox_loan) { pool, (__u64)buffer * BUFFER, c.length },
			    sizeof(struct mbox_loan), 0,
			    MBOX_LOAN | (seq % 5 == 4 ? MBOX_SYNC : 0)))
			count(&h->errors);
		h->sent[sender] = seq + 1;
	}
	_exit(0);
}

static void note(struct history *h, const unsigned char *data, const struct mbox_ioc_msg *msg)
{
	struct content c;
	struct note *note;
	__u32 nr;

	memcpy(&c, data, sizeof(c));
	if (c.sender >= SENDERS || c.seq >= MESSAGES || c.length != msg->len ||
	    !pattern_check(data + sizeof(c), c.length - sizeof(c), seed_of(&c))) {
		count(&h->corrupt);
		return;
	}
	note = &h->notes[c.sender][c.seq];
	nr = __atomic_fetch_add(&note->nr, 1, __ATOMIC_RELAXED);
	if (nr < NOTES)
		note->deliveries[nr] = msg->deliveries;
}

struct view {
	__u64 id;
	unsigned char *map;
};

static unsigned char *view_of(struct view *views, int mb, const struct received *r)
{
	struct view *view = views;
	int fd;

	while (view->id && view->id != r->loan.segment)
		view++;
	if (!view->id) {
		fd = open_loan(mb, r->msg.delivery, O_RDONLY);
		view->map = map_fd(fd, POOL, PROT_READ, MAP_SHARED);
		view->id = r->loan.segment;
		close(fd);
	}
	return view->map + r->loan.offset;
}

static void history_receive(struct history *h)
{
	int mb = mb_reopen(h->mb, O_RDONLY);
	struct view views[SENDERS + 1] = { { 0 } };
	static unsigned char copy[BUFFER];
	__u32 seed = getpid();

	for (;;) {
		struct received r;
		int ret;

		if (prng(&seed) % 3) {
			ret = receive(mb, &r, 0);
			if (!ret)
				note(h, view_of(views, mb, &r), &r.msg);
		} else {
			r.msg = mb_msg(copy, sizeof(copy), MBOX_LEASE);
			ret = ctl(mb, MBOX_IOC_RECV, &r.msg);
			if (!ret)
				note(h, copy, &r.msg);
		}
		if (ret || finish(mb, r.msg.delivery, 0))
			count(&h->errors);
	}
}

static pid_t actor(struct history *h, int number)
{
	pid_t pid = child_fork();

	if (pid)
		return pid;
	if (number < SENDERS)
		history_send(h, number);
	history_receive(h);
	return 0;
}

static bool history_done(const struct history *h)
{
	int i;

	for (i = 0; i < SENDERS; i++)
		if (h->sent[i] < MESSAGES || seg_status(h->pools[i]).lent)
			return false;
	return !mb_status(h->mb).queued && !mb_status(h->mb).held;
}

static void check_note(struct __test_metadata *_metadata, const struct note *note)
{
	__u32 i, j;

	ASSERT_GE(NOTES, note->nr);
	for (i = 0; i < note->nr; i++)
		for (j = 0; j < i; j++)
			EXPECT_NE(note->deliveries[i], note->deliveries[j]);
}

/* With @kill_senders a message can be sent twice, by who was killed before it was told. */
static void run_history(struct __test_metadata *_metadata, bool kill_senders)
{
	struct history *h = shared_memory(sizeof(*h));
	pid_t pids[SENDERS + RECEIVERS];
	__u32 seed = getpid(), first = kill_senders ? 0 : SENDERS;
	int i, j, kills = 0;

	h->mb = msg_create(5, BUFFER, 0);
	for (i = 0; i < SENDERS; i++)
		h->pools[i] = seg_pool(NULL, POOL, BUFFER);
	for (i = 0; i < SENDERS + RECEIVERS; i++)
		pids[i] = actor(h, i);
	while (kills < 20000 && !history_done(h)) {
		usleep(prng(&seed) % 10000);
		i = first + prng(&seed) % (SENDERS + RECEIVERS - first);
		kill(pids[i], SIGKILL);
		child_wait(pids[i]);
		pids[i] = actor(h, i);
		kills++;
	}
	for (i = 0; i < SENDERS + RECEIVERS; i++) {
		kill(pids[i], SIGKILL);
		child_wait(pids[i]);
	}
	TH_LOG("%d kills", kills);
	ASSERT_TRUE(history_done(h));
	EXPECT_LT(5, kills);
	EXPECT_EQ(0, h->errors);
	EXPECT_EQ(0, h->corrupt);
	for (i = 0; i < SENDERS; i++) {
		EXPECT_EQ(0, lent(h->pools[i]));
		for (j = 0; j < MESSAGES; j++) {
			EXPECT_LE(1, h->notes[i][j].nr);
			if (!kill_senders)
				check_note(_metadata, &h->notes[i][j]);
		}
	}
}

TEST(history_with_receivers_that_are_killed)
{
	run_history(_metadata, false);
}

TEST(history_with_senders_that_are_killed_too)
{
	run_history(_metadata, true);
}

TEST_HARNESS_MAIN
