// SPDX-License-Identifier: GPL-2.0
/*
 * The structs of the ioctls that send, receive and answer: who may call them, what is taken from
 * struct mbox_ioc_msg and written back, its lists of buffers and of descriptors, and the same
 * struct in batches and exchanges, where the caller's can be shorter or longer.
 */
#include "common.h"
#include "harness.h"

#define NR		3
#define FIRST_SIZE	(offsetof(struct mbox_ioc_msg, gid) + sizeof(__u32))

FIXTURE(ioctl_message) {
	struct mb_ends box;
	struct mbox_ioc_msg msgs[NR];
	__u32 numbers[NR];
};

FIXTURE_SETUP(ioctl_message)
{
	int i;

	ASSERT_EQ(0, mb_ends_open(&self->box, 16, 0));
	for (i = 0; i < NR; i++) {
		self->numbers[i] = i;
		self->msgs[i] = mb_msg(&self->numbers[i], sizeof(self->numbers[i]), 0);
	}
}

FIXTURE_TEARDOWN(ioctl_message)
{
	mb_ends_close(&self->box);
}

/* The calls that need a right, each with one that works where the right is there. */
static int call_with(int fd, unsigned long cmd, __u32 flags)
{
	struct mbox_ioc_msg msg = { .flags = flags };
	struct mbox_ioc_batch batch = { .msgs = addr(&msg), .nr = 1, .msg_size = sizeof(msg) };
	struct mbox_ioc_notify notify = { .signo = SIGUSR1 };

	if (cmd == MBOX_IOC_NOTIFY)
		return ctl(fd, cmd, &notify);
	if (cmd == MBOX_IOC_SEND_BATCH || cmd == MBOX_IOC_RECV_BATCH)
		return ctl(fd, cmd, &batch);
	return ctl(fd, cmd, &msg);
}

static void cannot_send(struct __test_metadata *_metadata, int fd)
{
	char byte = 0;

	EXPECT_EQ(-EBADF, call_with(fd, MBOX_IOC_SEND, 0));
	EXPECT_EQ(-EBADF, call_with(fd, MBOX_IOC_SEND_BATCH, 0));
	EXPECT_EQ(-1, write(fd, &byte, 1));
	EXPECT_EQ(EBADF, errno);
}

static void cannot_receive(struct __test_metadata *_metadata, int fd)
{
	char byte = 0;

	EXPECT_EQ(-EBADF, call_with(fd, MBOX_IOC_RECV, 0));
	EXPECT_EQ(-EBADF, call_with(fd, MBOX_IOC_RECV, MBOX_PEEK));
	EXPECT_EQ(-EBADF, call_with(fd, MBOX_IOC_RECV_BATCH, 0));
	EXPECT_EQ(-EBADF, call_with(fd, MBOX_IOC_NOTIFY, 0));
	EXPECT_EQ(-1, read(fd, &byte, 1));
	EXPECT_EQ(EBADF, errno);
}

TEST_F(ioctl_message, wrong_access_mode_is_ebadf)
{
	const char *name = unique_name("neither");
	struct mbox_ioc_status before;
	int neither;

	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	before = mb_status(self->box.rx);
	cannot_send(_metadata, self->box.rx);
	cannot_receive(_metadata, self->box.tx);
	EXPECT_UNCHANGED(self->box.rx, &before);

	neither = mb_create(name, 1, O_ACCMODE | O_EXCL);
	ASSERT_LE(0, neither);
	cannot_send(_metadata, neither);
	cannot_receive(_metadata, neither);
	EXPECT_EQ(0, mb_unlink(name));
}

/* What comes out of a receive is not looked at on the way in. */
TEST_F(ioctl_message, out_fields_are_ignored)
{
	struct mbox_ioc_msg msg;
	__u32 got = 0;

	ASSERT_EQ(0, mb_put(self->box.tx, 42, 0, 0));
	memset(&msg, 0xff, sizeof(msg));
	msg.buf = addr(&got);
	msg.len = sizeof(got);
	msg.deadline = 0;
	msg.flags = MBOX_NONBLOCK;
	msg.index = 0;
	msg.nr_fds = 0;
	msg.lease = 0;
	EXPECT_EQ(0, ctl(self->box.both, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(42, got);
	EXPECT_EQ(0, msg.flags);
	EXPECT_EQ(0, msg.prio);
	EXPECT_EQ(0, msg.tag);
	EXPECT_EQ(getpid(), msg.pid);
	EXPECT_EQ(0, msg.delivery);
	EXPECT_EQ(0, msg.deliveries);

	memset(&msg, 0, sizeof(msg));
	msg.pid = -1;
	msg.uid = msg.gid = 4711;
	msg.deliveries = 12;
	EXPECT_EQ(0, ctl(self->box.both, MBOX_IOC_SEND, &msg));
	EXPECT_EQ(0, ctl(self->box.both, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(getpid(), msg.pid);
	EXPECT_EQ(geteuid(), msg.uid);
	EXPECT_EQ(getegid(), msg.gid);
	EXPECT_EQ(0, msg.deliveries);
}

/* What a receive can be asked for, but not so. */
static const struct refused {
	const char *what;
	struct mbox_ioc_msg msg;
	size_t size;
	int expected;
} refused[] = {
	{ "peek from one", { .flags = MBOX_PEEK | MBOX_FROM, .pid = 1 }, 0, -EINVAL },
	{ "peek on lease", { .flags = MBOX_PEEK | MBOX_LEASE }, 0, -EINVAL },
	{ "peek and be done", { .flags = MBOX_PEEK | MBOX_ACK }, 0, -EINVAL },
	{ "peek too far", { .flags = MBOX_PEEK, .index = MBOX_PEEK_MAX + 1 }, 0, -EINVAL },
	{ "lease of a time without a lease", { .lease = 1 }, 0, -EINVAL },
	{ "lease too long", { .flags = MBOX_LEASE, .lease = 1ULL << 63 }, 0, -EINVAL },
	{ "deadline too far", { .deadline = 1ULL << 63 }, 0, -EINVAL },
	{ "room for too many", { .nr_fds = MBOX_FDS_MAX + 1 }, 0, -EINVAL },
	{ "lease without its number", { .flags = MBOX_LEASE }, FIRST_SIZE, -EINVAL },
	{ "done without its number", { .flags = MBOX_ACK }, FIRST_SIZE, -EINVAL },
	{ "from one, of a mailbox of nobody", { .flags = MBOX_FROM, .pid = 1 }, 0, -EOPNOTSUPP },
};

TEST_F(ioctl_message, what_does_not_go_together_is_refused)
{
	const struct refused *r;
	struct mbox_ioc_status before;

	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	before = mb_status(self->box.rx);
	for (r = refused; r < refused + ARRAY_SIZE(refused); r++) {
		unsigned long cmd = ioc_sized(MBOX_IOC_RECV, r->size ? r->size : sizeof(r->msg));
		struct mbox_ioc_msg msg = r->msg;

		msg.buf = addr(&self->numbers[0]);
		msg.len = sizeof(self->numbers[0]);
		msg.flags |= MBOX_NONBLOCK;
		EXPECT_EQ(r->expected, ctl(self->box.rx, cmd, &msg))
			TH_LOG("%s", r->what);
		EXPECT_UNCHANGED(self->box.rx, &before);
	}
}

/* So that the call can be made again: but for the sizes, where those were too small. */
TEST_F(ioctl_message, failed_receive_leaves_the_struct_as_it_was)
{
	struct mbox_ioc_msg asked, msg;

	memset(&asked, 0x5a, sizeof(asked));
	asked.buf = addr(&self->numbers[0]);
	asked.len = 1;
	asked.deadline = 0;
	asked.flags = MBOX_NONBLOCK;
	asked.index = 0;
	asked.nr_fds = 0;
	asked.lease = 0;
	msg = asked;
	EXPECT_EQ(-EAGAIN, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(0, memcmp(&asked, &msg, sizeof(msg)));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(-EMSGSIZE, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	asked.len = sizeof(__u32);
	EXPECT_EQ(0, memcmp(&asked, &msg, sizeof(msg)));
}

TEST_F(ioctl_message, empty_one_needs_no_address)
{
	struct mbox_ioc_msg msg = { 0 };

	EXPECT_EQ(0, ctl(self->box.tx, MBOX_IOC_SEND, &msg));
	EXPECT_EQ(1, mb_status(self->box.rx).queued);
	msg.len = 0;
	EXPECT_EQ(0, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(0, msg.len);
	EXPECT_EQ(0, mb_status(self->box.rx).queued);
}

TEST_F(ioctl_message, gather_joins_and_scatter_parts)
{
	char in[60], out[64] = { 0 };
	struct mbox_iovec gather[] = {
		{ addr(in), 1 }, { 0, 0 }, { addr(in + 1), 30 }, { addr(in + 31), 29 } };
	struct mbox_iovec scatter[] = {
		{ addr(out), 10 }, { 0, 0 }, { addr(out + 10), 1 }, { addr(out + 11), 53 } };
	struct mbox_ioc_msg msg = mb_msg(gather, 4, MBOX_IOV);

	pattern_fill(in, sizeof(in), 3);
	EXPECT_EQ(0, ctl(self->box.tx, MBOX_IOC_SEND, &msg));
	msg = mb_msg(scatter, 4, MBOX_IOV);
	EXPECT_EQ(0, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(60, msg.len);
	EXPECT_EQ(0, msg.flags);
	EXPECT_TRUE(pattern_check(out, 60, 3));
	EXPECT_EQ(0, out[60]);
}

TEST_F(ioctl_message, list_of_no_entries_is_an_empty_message)
{
	struct mbox_ioc_msg msg = { .flags = MBOX_IOV };

	EXPECT_EQ(0, ctl(self->box.tx, MBOX_IOC_SEND, &msg));
	EXPECT_EQ(1, mb_status(self->box.rx).queued);
	EXPECT_EQ(0, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(0, msg.len);

	/* And room for nothing else. */
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	msg = (struct mbox_ioc_msg) { .flags = MBOX_IOV };
	EXPECT_EQ(-EMSGSIZE, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(4, msg.len);
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
}

TEST_F(ioctl_message, list_can_have_iov_max_entries_and_no_more)
{
	struct mbox_iovec *iov = calloc(MBOX_IOV_MAX + 1, sizeof(*iov));
	char in[MBOX_IOV_MAX + 1], out[MBOX_IOV_MAX + 1];
	struct mbox_ioc_status before;
	struct mbox_ioc_msg msg;
	int i;

	pattern_fill(in, sizeof(in), 4);
	for (i = 0; i <= MBOX_IOV_MAX; i++)
		iov[i] = (struct mbox_iovec) { addr(in + i), 1 };
	msg = mb_msg(iov, MBOX_IOV_MAX, MBOX_IOV);
	EXPECT_EQ(0, ctl(self->box.tx, MBOX_IOC_SEND, &msg));
	before = mb_status(self->box.tx);
	msg = mb_msg(iov, MBOX_IOV_MAX + 1, MBOX_IOV);
	EXPECT_EQ(-EINVAL, ctl(self->box.tx, MBOX_IOC_SEND, &msg));
	msg = (struct mbox_ioc_msg) { .buf = addr(iov), .len = ~0ULL, .flags = MBOX_IOV };
	EXPECT_EQ(-EINVAL, ctl(self->box.tx, MBOX_IOC_SEND, &msg));

	for (i = 0; i <= MBOX_IOV_MAX; i++)
		iov[i].base = addr(out + i);
	msg = mb_msg(iov, MBOX_IOV_MAX + 1, MBOX_IOV);
	EXPECT_EQ(-EINVAL, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	EXPECT_UNCHANGED(self->box.rx, &before);
	msg = mb_msg(iov, MBOX_IOV_MAX, MBOX_IOV);
	EXPECT_EQ(0, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	EXPECT_TRUE(pattern_check(out, MBOX_IOV_MAX, 4));
}

TEST_F(ioctl_message, entries_may_overlap)
{
	char in[] = "abcdef", out[16] = { 0 };
	struct mbox_iovec iov[] = { { addr(in), 4 }, { addr(in + 2), 4 }, { addr(in), 6 } };
	struct mbox_ioc_msg msg = mb_msg(iov, 3, MBOX_IOV);

	EXPECT_EQ(0, ctl(self->box.tx, MBOX_IOC_SEND, &msg));
	EXPECT_EQ(14, mb_recv(self->box.rx, out, sizeof(out), 0));
	EXPECT_STREQ("abcdcdefabcdef", out);
}

/* More than the mailbox takes; and lengths whose sum is no length, as with writev(2). */
TEST_F(ioctl_message, list_that_is_too_long_is_refused)
{
	char buf[16];
	struct mbox_iovec large[] = { { addr(buf), 16 }, { addr(buf), MSGSIZE } };
	struct mbox_iovec wraps[] = { { addr(buf), 1ULL << 63 }, { addr(buf), 1ULL << 63 } };
	struct mbox_ioc_status before = mb_status(self->box.tx);
	struct mbox_ioc_msg msg = mb_msg(large, 2, MBOX_IOV);

	EXPECT_EQ(-EMSGSIZE, ctl(self->box.tx, MBOX_IOC_SEND, &msg));
	msg = mb_msg(wraps, 2, MBOX_IOV);
	EXPECT_EQ(-EINVAL, ctl(self->box.tx, MBOX_IOC_SEND, &msg));
	EXPECT_UNCHANGED(self->box.tx, &before);
}

static struct mbox_ioc_batch batch_of(const struct mbox_ioc_msg *msgs, __u32 nr, __u32 flags)
{
	return (struct mbox_ioc_batch) {
		.msgs = addr(msgs), .nr = nr, .msg_size = sizeof(*msgs), .flags = flags };
}

TEST_F(ioctl_message, number_of_entries)
{
	static struct mbox_ioc_msg many[MBOX_BATCH_MAX + 1];
	struct mbox_ioc_batch batch = batch_of(many, 0, 0);
	struct mbox_ioc_status before;

	ASSERT_EQ(0, mb_set_capacity(self->box.both, MBOX_UNBOUNDED));
	before = mb_status(self->box.both);
	EXPECT_EQ(-EINVAL, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ(-EINVAL, ctl(self->box.rx, MBOX_IOC_RECV_BATCH, &batch));
	batch.nr = MBOX_BATCH_MAX + 1;
	EXPECT_EQ(-EINVAL, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ(-EINVAL, ctl(self->box.rx, MBOX_IOC_RECV_BATCH, &batch));
	batch.nr = ~0U;
	EXPECT_EQ(-EINVAL, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_UNCHANGED(self->box.both, &before);
	batch.nr = MBOX_BATCH_MAX;
	EXPECT_EQ(MBOX_BATCH_MAX, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ(MBOX_BATCH_MAX, ctl(self->box.rx, MBOX_IOC_RECV_BATCH, &batch));
	EXPECT_EQ(0, mb_status(self->box.rx).queued);
}

TEST_F(ioctl_message, bad_array_is_efault_and_changes_nothing)
{
	struct mbox_ioc_msg *end = shared_memory(2 * getpagesize()) + getpagesize();
	struct mbox_ioc_msg *fixed = shared_memory(getpagesize());
	struct mbox_ioc_batch batch = batch_of(NULL, 2, MBOX_NONBLOCK);
	struct mbox_ioc_status before;

	ASSERT_EQ(0, munmap(end, getpagesize()));
	ASSERT_EQ(0, mb_put(self->box.tx, 0, 0, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	before = mb_status(self->box.both);
	EXPECT_EQ(-EFAULT, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ(-EFAULT, ctl(self->box.rx, MBOX_IOC_RECV_BATCH, &batch));
	batch.msgs = 0xffff888000000000ULL;
	EXPECT_EQ(-EFAULT, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ(-EFAULT, ctl(self->box.rx, MBOX_IOC_RECV_BATCH, &batch));
	/* An array that cannot be written: what was received could not be told. */
	memcpy(fixed, self->msgs, sizeof(self->msgs));
	ASSERT_EQ(0, mprotect(fixed, getpagesize(), PROT_READ));
	batch.msgs = addr(fixed);
	EXPECT_EQ(-EFAULT, ctl(self->box.rx, MBOX_IOC_RECV_BATCH, &batch));
	EXPECT_UNCHANGED(self->box.both, &before);
	/* The second entry lies where nothing is: one is received, one stays. */
	end[-1] = self->msgs[0];
	batch.msgs = addr(&end[-1]);
	EXPECT_EQ(1, ctl(self->box.rx, MBOX_IOC_RECV_BATCH, &batch));
	EXPECT_EQ(1, mb_take(self->box.rx, MBOX_NONBLOCK));
}

/* The growth rule holds for what the struct of an ioctl points to as well. */
struct long_msg {
	struct mbox_ioc_msg msg;
	__u8 more[8];
};

TEST_F(ioctl_message, entries_of_a_batch_follow_the_growth_rule)
{
	struct long_msg entries[3];
	struct mbox_ioc_batch batch = batch_of(&entries[0].msg, 3, MBOX_NONBLOCK);
	struct mbox_ioc_status before = mb_status(self->box.both);
	int i;

	memset(entries, 0, sizeof(entries));
	for (i = 0; i < 3; i++)
		entries[i].msg = self->msgs[i];
	batch.msg_size = offsetof(struct mbox_ioc_msg, gid) + 3;
	EXPECT_EQ(-EINVAL, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ(-EINVAL, ctl(self->box.rx, MBOX_IOC_RECV_BATCH, &batch));
	batch.msg_size = 0;
	EXPECT_EQ(-EINVAL, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ(-EINVAL, ctl(self->box.rx, MBOX_IOC_RECV_BATCH, &batch));

	batch.msg_size = sizeof(struct long_msg);
	entries[0].more[7] = 1;
	EXPECT_EQ(-E2BIG, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_UNCHANGED(self->box.both, &before);
	entries[0].more[7] = 0;
	entries[2].more[0] = 1;
	EXPECT_EQ(2, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	before = mb_status(self->box.both);
	entries[0].more[0] = 1;
	EXPECT_EQ(-E2BIG, ctl(self->box.rx, MBOX_IOC_RECV_BATCH, &batch));
	EXPECT_UNCHANGED(self->box.both, &before);
	entries[0].more[0] = entries[2].more[0] = 0;
	EXPECT_EQ(2, ctl(self->box.rx, MBOX_IOC_RECV_BATCH, &batch));
	EXPECT_EQ(0, entries[0].more[0]);
	batch.nr = 1;
	batch.msg_size = sizeof(struct mbox_ioc_msg) + 1;
	entries[0].msg = self->msgs[0];
	EXPECT_EQ(1, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	EXPECT_EQ(1, ctl(self->box.rx, MBOX_IOC_RECV_BATCH, &batch));
}

/* They lie as close as the caller knows the struct, and it is told no more than that. */
TEST_F(ioctl_message, entries_of_a_batch_can_be_of_an_older_struct)
{
	char in[NR * FIRST_SIZE], out[(NR + 1) * FIRST_SIZE];
	struct mbox_ioc_batch batch = {
		.msgs = addr(in), .nr = NR, .msg_size = FIRST_SIZE, .flags = MBOX_NONBLOCK };
	struct mbox_ioc_msg msg;
	__u32 got[NR];
	int i;

	memset(out, 0x5a, sizeof(out));
	for (i = 0; i < NR; i++) {
		got[i] = ~0U;
		self->msgs[i].tag = 100 + i;
		memcpy(in + i * FIRST_SIZE, &self->msgs[i], FIRST_SIZE);
		msg = mb_msg(&got[i], sizeof(got[i]), 0);
		memcpy(out + i * FIRST_SIZE, &msg, FIRST_SIZE);
	}
	EXPECT_EQ(NR, ctl(self->box.tx, MBOX_IOC_SEND_BATCH, &batch));
	batch.msgs = addr(out);
	EXPECT_EQ(NR, ctl(self->box.rx, MBOX_IOC_RECV_BATCH, &batch));
	for (i = 0; i < NR; i++) {
		memcpy(&msg, out + i * FIRST_SIZE, FIRST_SIZE);
		EXPECT_EQ(i, got[i]);
		EXPECT_EQ(100 + i, msg.tag);
		EXPECT_EQ(getpid(), msg.pid);
		EXPECT_EQ(getegid(), msg.gid);
	}
	for (i = NR * FIRST_SIZE; i < (int)sizeof(out); i++) {
		EXPECT_EQ(0x5a, out[i]);
	}
}

TEST_F(ioctl_message, messages_of_an_exchange_follow_the_growth_rule)
{
	struct mbox_ioc_status before = mb_status(self->box.rx);
	struct long_msg send = { .msg = mb_msg("", 0, 0) }, recv = { .msg = mb_msg("", 0, 0) };
	struct mbox_ioc_exchange exchange = { .send = addr(&send), .recv = addr(&recv) };
	static const __u32 short_sizes[] = { 0, 1, FIRST_SIZE - 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(short_sizes); i++) {
		exchange.msg_size = short_sizes[i];
		EXPECT_EQ(-EINVAL, ctl(self->box.tx, MBOX_IOC_CALL, &exchange));
		EXPECT_EQ(-EINVAL, ctl(self->box.rx, MBOX_IOC_REPLY, &exchange));
	}
	exchange.msg_size = sizeof(send);
	send.more[7] = 1;
	EXPECT_EQ(-E2BIG, ctl(self->box.tx, MBOX_IOC_CALL, &exchange));
	EXPECT_EQ(-E2BIG, ctl(self->box.rx, MBOX_IOC_REPLY, &exchange));
	send.more[7] = 0;
	recv.more[0] = 1;
	EXPECT_EQ(-E2BIG, ctl(self->box.tx, MBOX_IOC_CALL, &exchange));
	EXPECT_EQ(-E2BIG, ctl(self->box.rx, MBOX_IOC_REPLY, &exchange));
	recv.more[0] = 0;
	send.msg.deadline = 1;
	EXPECT_EQ(-ETIMEDOUT, ctl(self->box.tx, MBOX_IOC_CALL, &exchange));
	EXPECT_UNCHANGED(self->box.rx, &before);
}

/* A mailbox for messages with descriptors, and one that can go. */
FIXTURE(carrier) {
	int box;
	int pipe[2];
	int open;
	struct mbox_ioc_status before;
};

FIXTURE_SETUP(carrier)
{
	self->box = mb_carrier(4, O_RDWR | O_NONBLOCK);
	ASSERT_LE(0, self->box);
	ASSERT_EQ(0, pipe2(self->pipe, O_NONBLOCK));
	self->open = fds_open();
	self->before = mb_status(self->box);
}

FIXTURE_TEARDOWN(carrier)
{
	close(self->box);
	close(self->pipe[0]);
	close(self->pipe[1]);
}

#define EXPECT_NOTHING_DONE() do {					\
	EXPECT_TRUE(mb_unchanged(self->box, &self->before));		\
	EXPECT_EQ(self->open, fds_open());				\
} while (0)

TEST_F(carrier, array_that_cannot_be_read_is_efault)
{
	char *page = shared_memory(2 * getpagesize());
	struct mbox_fd *last = (struct mbox_fd *)(page + getpagesize()) - 1;

	munmap(page + getpagesize(), getpagesize());
	last->fd = self->pipe[1];
	EXPECT_EQ(-EFAULT, mb_put_fds(self->box, 0, NULL, 1, 0));
	EXPECT_EQ(-EFAULT, mb_put_fds(self->box, 0, unmapped_page(), 1, 0));
	EXPECT_EQ(-EFAULT, mb_put_fds(self->box, 0, last, 2, 0));
	EXPECT_NOTHING_DONE();
	EXPECT_EQ(0, mb_put_fds(self->box, 0, last, 1, 0));
}

TEST_F(carrier, array_that_cannot_be_written_loses_nothing)
{
	struct mbox_fd fds[2] = { { .fd = self->pipe[1] }, { .fd = self->box } };
	char *page = shared_memory(2 * getpagesize());
	struct mbox_fd *last = (struct mbox_fd *)(page + getpagesize()) - 1;

	munmap(page + getpagesize(), getpagesize());
	ASSERT_EQ(0, mb_put_fds(self->box, 9, fds, 2, 0));
	self->before = mb_status(self->box);
	EXPECT_EQ(-EFAULT, mb_take_fds(self->box, 9, NULL, 2, 0));
	EXPECT_EQ(-EFAULT, mb_take_fds(self->box, 9, last, 2, 0));
	EXPECT_NOTHING_DONE();
	EXPECT_EQ(2, mb_take_fds(self->box, 9, fds, 2, 0));
}

/* Built when messages carried no descriptors: it has no room for any, and sends none. */
TEST_F(carrier, older_struct_has_no_room)
{
	size_t size = offsetof(struct mbox_ioc_msg, fds);
	__u32 number = 3;
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), 0);

	msg.fds = ~0ULL;
	msg.nr_fds = ~0U;
	EXPECT_EQ(0, ctl(self->box, ioc_sized(MBOX_IOC_SEND, size), &msg));
	EXPECT_EQ(0, ctl(self->box, ioc_sized(MBOX_IOC_RECV, size), &msg));
	EXPECT_EQ(~0U, msg.nr_fds);
	ASSERT_EQ(0, mb_put_fd(self->box, self->pipe[1], 0));
	EXPECT_EQ(-ENOBUFS, ctl(self->box, ioc_sized(MBOX_IOC_RECV, size), &msg));
	EXPECT_EQ(~0U, msg.nr_fds);
	EXPECT_LE(0, mb_take_fd(self->box, 0));
}

/* By then what was received stood in the struct. */
TEST_F(carrier, array_that_cannot_be_written_leaves_the_struct_as_it_was)
{
	__u32 number;
	struct mbox_ioc_msg asked = mb_msg(&number, sizeof(number), 0), msg;

	asked.fds = addr(unmapped_page());
	asked.nr_fds = 2;
	asked.tag = 77;
	msg = asked;
	ASSERT_EQ(0, mb_put_fd(self->box, self->pipe[1], 0));
	EXPECT_EQ(-EFAULT, ctl(self->box, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(0, memcmp(&asked, &msg, sizeof(msg)));
}

TEST_HARNESS_MAIN
