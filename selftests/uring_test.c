// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring: sending and receiving by IORING_OP_URING_CMD, reads and writes, what needs no thread
 * of io_uring, and what becomes of those that wait.
 */
#include "common.h"
#include "harness.h"

#include <dirent.h>
#include <liburing.h>
#include <sys/uio.h>

FIXTURE(uring) {
	struct mb_ends box;
	struct io_uring ring;
	__u32 number[2];
	struct mbox_ioc_msg msg[2];
};

FIXTURE_SETUP(uring)
{
	int err = io_uring_queue_init(8, &self->ring, 0);

	if (err == -ENOSYS || err == -EPERM)
		SKIP(return, "this kernel has no io_uring, or does not let it be used");
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, mb_ends_open(&self->box, 2, 0));
}

FIXTURE_TEARDOWN(uring)
{
	io_uring_queue_exit(&self->ring);
	mb_ends_close(&self->box);
}

static struct io_uring_sqe *command(struct io_uring *ring, int fd, __u32 cmd,
				    const struct mbox_ioc_msg *msg, __u64 id)
{
	struct mbox_uring payload = { .msg = addr(msg) };
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->user_data = id;
	sqe->cmd_op = cmd;
	memcpy(sqe->cmd, &payload, sizeof(payload));
	return sqe;
}

/* The result of the next that completes, and of which it is; or -ETIME when none does. */
static int completed(struct io_uring *ring, __u64 *id)
{
	struct __kernel_timespec limit = { .tv_sec = WAIT_LIMIT_S };
	struct io_uring_cqe *cqe;
	int ret = io_uring_wait_cqe_timeout(ring, &cqe, &limit);

	if (ret)
		return ret;
	ret = cqe->res;
	if (id)
		*id = cqe->user_data;
	io_uring_cqe_seen(ring, cqe);
	return ret;
}

static int submitted(struct io_uring *ring)
{
	int ret = io_uring_submit(ring);

	return ret == 1 ? completed(ring, NULL) : ret < 0 ? ret : -EPROTO;
}

static int put(struct io_uring *ring, int fd, __u32 *number, struct mbox_ioc_msg *msg, __u32 value)
{
	*number = value;
	*msg = mb_msg(number, sizeof(*number), 0);
	command(ring, fd, MBOX_IOC_SEND, msg, value);
	return submitted(ring);
}

static void take_later(struct io_uring *ring, int fd, __u32 *number, struct mbox_ioc_msg *msg,
		       __u64 id)
{
	*msg = mb_msg(number, sizeof(*number), 0);
	command(ring, fd, MBOX_IOC_RECV, msg, id);
}

/* The threads that io_uring has in this process to wait with. */
static int threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	char path[300], name[32];
	int nr = 0;

	while ((task = readdir(tasks))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
		if (read_text(path, name, sizeof(name)) > 0)
			nr += !strncmp(name, "iou-wrk", 7);
	}
	closedir(tasks);
	return nr;
}

TEST_F(uring, message_that_is_there_takes_no_thread)
{
	ASSERT_EQ(0, put(&self->ring, self->box.tx, &self->number[0], &self->msg[0], 7));
	take_later(&self->ring, self->box.rx, &self->number[1], &self->msg[1], 1);
	ASSERT_EQ(0, submitted(&self->ring));
	EXPECT_EQ(7, self->number[1]);
	EXPECT_EQ(sizeof(__u32), self->msg[1].len);
	EXPECT_EQ(getpid(), self->msg[1].pid);
	EXPECT_EQ(0, threads());
}

TEST_F(uring, receive_waits_for_a_message)
{
	take_later(&self->ring, self->box.rx, &self->number[0], &self->msg[0], 1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	EXPECT_EQ(1, threads());
	ASSERT_EQ(0, mb_put(self->box.tx, 9, 0, 0));
	EXPECT_EQ(0, completed(&self->ring, NULL));
	EXPECT_EQ(9, self->number[0]);
}

TEST_F(uring, send_waits_for_room)
{
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	self->number[0] = 3;
	self->msg[0] = mb_msg(&self->number[0], sizeof(__u32), 0);
	command(&self->ring, self->box.tx, MBOX_IOC_SEND, &self->msg[0], 1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_TRUE(wait_senders(self->box.rx, 1));
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, completed(&self->ring, NULL));
	EXPECT_EQ(2, mb_take(self->box.rx, 0));
	EXPECT_EQ(3, mb_take(self->box.rx, 0));
}

TEST_F(uring, deadline_is_kept)
{
	take_later(&self->ring, self->box.rx, &self->number[0], &self->msg[0], 1);
	self->msg[0].deadline = in_ms(20);
	EXPECT_EQ(-ETIMEDOUT, submitted(&self->ring));
	EXPECT_LE(self->msg[0].deadline, in_ms(0));
}

TEST_F(uring, who_asks_not_to_wait_is_told)
{
	int rx = mb_reopen(self->box.both, O_RDONLY | O_NONBLOCK);

	ASSERT_LE(0, rx);
	take_later(&self->ring, rx, &self->number[0], &self->msg[0], 1);
	EXPECT_EQ(-EAGAIN, submitted(&self->ring));
	EXPECT_EQ(0, threads());
	take_later(&self->ring, self->box.rx, &self->number[0], &self->msg[0], 1);
	self->msg[0].flags = MBOX_NONBLOCK;
	EXPECT_EQ(-EAGAIN, submitted(&self->ring));
	close(rx);
}

/* What was acknowledged by the first attempt is not by the second, which waits. */
TEST_F(uring, acknowledges_once_and_waits_for_the_next)
{
	struct mbox_ioc_msg *msg = &self->msg[0];

	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	*msg = mb_msg(&self->number[0], sizeof(__u32), MBOX_LEASE);
	command(&self->ring, self->box.rx, MBOX_IOC_RECV, msg, 1);
	ASSERT_EQ(0, submitted(&self->ring));
	ASSERT_EQ(1, mb_status(self->box.rx).held);
	msg->buf = addr(&self->number[0]);
	msg->len = sizeof(__u32);
	msg->flags = MBOX_LEASE | MBOX_ACK;
	msg->deliveries = 0;
	msg->sequence = 0;
	msg->pid = msg->uid = msg->gid = 0;
	command(&self->ring, self->box.rx, MBOX_IOC_RECV, msg, 2);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	EXPECT_EQ(0, mb_status(self->box.rx).held);
	ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	EXPECT_EQ(0, completed(&self->ring, NULL));
	EXPECT_EQ(2, self->number[0]);
	EXPECT_EQ(1, mb_status(self->box.rx).held);
}

TEST_F(uring, one_that_is_cancelled_takes_nothing)
{
	struct io_uring_sqe *sqe;
	__u64 id = 0;
	int i, ret;

	take_later(&self->ring, self->box.rx, &self->number[0], &self->msg[0], 1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_cancel64(sqe, 1, 0);
	sqe->user_data = 2;
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		ret = completed(&self->ring, &id);
		if (id == 1)
			EXPECT_TRUE(ret == -EINTR || ret == -ECANCELED);
	}
	EXPECT_EQ(0, mb_status(self->box.rx).waiting_receivers);
	ASSERT_EQ(0, mb_put(self->box.tx, 5, 0, 0));
	EXPECT_EQ(5, mb_take(self->box.rx, MBOX_NONBLOCK));
}

TEST_F(uring, process_that_waits_can_be_killed)
{
	pid_t pid = child_fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		struct io_uring ring;

		if (io_uring_queue_init(4, &ring, 0))
			_exit(1);
		take_later(&ring, self->box.rx, &self->number[0], &self->msg[0], 1);
		io_uring_submit(&ring);
		pause();
	}
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_TRUE(wait_receivers(self->box.rx, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 5, 0, 0));
	EXPECT_EQ(5, mb_take(self->box.rx, MBOX_NONBLOCK));
}

TEST_F(uring, linked_ones_come_in_order)
{
	__u64 id;
	int i;

	ASSERT_EQ(0, mb_set_capacity(self->box.both, 1));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	for (i = 0; i < 2; i++) {
		self->number[i] = 2 + i;
		self->msg[i] = mb_msg(&self->number[i], sizeof(__u32), 0);
		command(&self->ring, self->box.tx, MBOX_IOC_SEND, &self->msg[i], i)->flags =
			i ? 0 : IOSQE_IO_LINK;
	}
	ASSERT_EQ(2, io_uring_submit(&self->ring));
	for (i = 1; i <= 3; i++)
		EXPECT_EQ(i, mb_take(self->box.rx, 0));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, completed(&self->ring, &id));
		EXPECT_EQ(i, id);
	}
}

#define BUFFER	4096

static int lend_later(struct io_uring *ring, int fd, int pool, struct mbox_loan *loan,
		      struct mbox_ioc_msg *msg)
{
	*loan = (struct mbox_loan) { .segment = pool, .offset = BUFFER, .length = 5 };
	*msg = mb_msg(loan, sizeof(*loan), MBOX_LOAN);
	command(ring, fd, MBOX_IOC_SEND, msg, 1);
	return io_uring_submit(ring);
}

static int borrow_later(struct io_uring *ring, int fd, struct mbox_loan *loan,
			struct mbox_ioc_msg *msg)
{
	*msg = mb_msg(loan, sizeof(*loan), MBOX_LOAN | MBOX_LEASE);
	command(ring, fd, MBOX_IOC_RECV, msg, 2);
	return io_uring_submit(ring);
}

/* Whether the receiver is there first, and a thread waits for it, or comes later. */
FIXTURE(uring_loan) {
	int box;
	int pool;
	struct io_uring ring;
	struct mbox_loan loan[2];
	struct mbox_ioc_msg msg[2];
};

FIXTURE_VARIANT(uring_loan) {
	bool waits;
};

FIXTURE_VARIANT_ADD(uring_loan, there) { .waits = false };
FIXTURE_VARIANT_ADD(uring_loan, waited_for) { .waits = true };

FIXTURE_SETUP(uring_loan)
{
	int err = io_uring_queue_init(8, &self->ring, 0);

	if (err == -ENOSYS || err == -EPERM)
		SKIP(return, "this kernel has no io_uring, or does not let it be used");
	ASSERT_EQ(0, err);
	self->box = mb_create(NULL, MBOX_UNBOUNDED, O_RDWR);
	self->pool = seg_pool(NULL, 2 * BUFFER, BUFFER);
	ASSERT_LE(0, self->box);
	ASSERT_LE(0, self->pool);
	if (variant->waits) {
		ASSERT_EQ(1, borrow_later(&self->ring, self->box, &self->loan[1], &self->msg[1]));
		ASSERT_TRUE(wait_receivers(self->box, 1));
	}
	ASSERT_EQ(1, lend_later(&self->ring, self->box, self->pool, &self->loan[0],
				&self->msg[0]));
	if (!variant->waits)
		ASSERT_EQ(1, borrow_later(&self->ring, self->box, &self->loan[1], &self->msg[1]));
	EXPECT_EQ(0, completed(&self->ring, NULL));
	EXPECT_EQ(0, completed(&self->ring, NULL));
}

FIXTURE_TEARDOWN(uring_loan)
{
	io_uring_queue_exit(&self->ring);
	close(self->box);
	close(self->pool);
}

TEST_F(uring_loan, is_read_in_place_and_returned)
{
	struct mbox_ioc_ack ack = { .delivery = self->msg[1].delivery };

	EXPECT_EQ(MBOX_LOAN, self->msg[1].flags);
	EXPECT_EQ(5, self->msg[1].len);
	EXPECT_EQ(getpid(), self->msg[1].pid);
	EXPECT_EQ(seg_status(self->pool).id, self->loan[1].segment);
	EXPECT_EQ(BUFFER, self->loan[1].offset);
	EXPECT_EQ(1, seg_status(self->pool).lent);
	EXPECT_EQ(0, ctl(self->box, MBOX_IOC_ACK, &ack));
	EXPECT_EQ(0, seg_status(self->pool).lent);
}

/* It is the process that has it. */
TEST_F(uring_loan, stays_when_the_ring_is_gone)
{
	io_uring_queue_exit(&self->ring);
	EXPECT_EQ(1, seg_status(self->pool).lent);
	EXPECT_EQ(1, mb_status(self->box).held);
	ASSERT_EQ(0, io_uring_queue_init(8, &self->ring, 0));
}

TEST_F(uring, command_is_refused)
{
	struct mbox_ioc_msg *msg = &self->msg[0];
	struct io_uring_sqe *sqe;
	int stream = st_create(NULL, O_RDWR);
	int segment = seg_create(NULL, 4096, O_RDWR);

	*msg = mb_msg(&self->number[0], sizeof(__u32), 0);
	command(&self->ring, self->box.both, MBOX_IOC_STATUS, msg, 1);
	EXPECT_EQ(-EOPNOTSUPP, submitted(&self->ring));
	command(&self->ring, self->box.both, MBOX_IOC_CALL, msg, 1);
	EXPECT_EQ(-EOPNOTSUPP, submitted(&self->ring));
	command(&self->ring, self->box.both,
		ioc_sized(MBOX_IOC_SEND, offsetof(struct mbox_ioc_msg, gid)), msg, 1);
	EXPECT_EQ(-EINVAL, submitted(&self->ring));
	sqe = command(&self->ring, self->box.both, MBOX_IOC_SEND, msg, 1);
	sqe->cmd[sizeof(__u64)] = 1;
	EXPECT_EQ(-EINVAL, submitted(&self->ring));
	command(&self->ring, self->box.both, MBOX_IOC_SEND, unmapped_page(), 1);
	EXPECT_EQ(-EFAULT, submitted(&self->ring));
	command(&self->ring, self->box.rx, MBOX_IOC_SEND, msg, 1);
	EXPECT_EQ(-EBADF, submitted(&self->ring));
	command(&self->ring, self->box.tx, MBOX_IOC_RECV, msg, 1);
	EXPECT_EQ(-EBADF, submitted(&self->ring));
	command(&self->ring, stream, MBOX_IOC_SEND, msg, 1);
	EXPECT_EQ(-EOPNOTSUPP, submitted(&self->ring));
	command(&self->ring, segment, MBOX_IOC_SEND, msg, 1);
	EXPECT_EQ(-EOPNOTSUPP, submitted(&self->ring));
	command(&self->ring, device(), MBOX_IOC_SEND, msg, 1);
	EXPECT_EQ(-EOPNOTSUPP, submitted(&self->ring));
	EXPECT_EQ(0, mb_status(self->box.rx).sent);
	close(stream);
	close(segment);
}

/* The size that the caller knows its struct by is in the command, as with ioctl(2). */
TEST_F(uring, struct_can_be_shorter_or_longer)
{
	struct {
		struct mbox_ioc_msg msg;
		__u64 more;
	} longer = { .msg = mb_msg(&self->number[0], sizeof(__u32), 0) };

	command(&self->ring, self->box.tx, ioc_sized(MBOX_IOC_SEND, sizeof(longer)), &longer.msg, 1);
	EXPECT_EQ(0, submitted(&self->ring));
	longer.more = 1;
	command(&self->ring, self->box.tx, ioc_sized(MBOX_IOC_SEND, sizeof(longer)), &longer.msg, 1);
	EXPECT_EQ(-E2BIG, submitted(&self->ring));
	command(&self->ring, self->box.tx,
		ioc_sized(MBOX_IOC_SEND, offsetof(struct mbox_ioc_msg, missed)), &longer.msg, 1);
	EXPECT_EQ(0, submitted(&self->ring));
	EXPECT_EQ(2, mb_status(self->box.rx).queued);
}

TEST_F(uring, read_and_write_of_what_is_there_take_no_thread)
{
	char text[8] = "";

	io_uring_prep_write(io_uring_get_sqe(&self->ring), self->box.tx, "hello", 5, -1);
	EXPECT_EQ(5, submitted(&self->ring));
	io_uring_prep_read(io_uring_get_sqe(&self->ring), self->box.rx, text, sizeof(text),
			   -1);
	EXPECT_EQ(5, submitted(&self->ring));
	EXPECT_STREQ("hello", text);
	EXPECT_EQ(0, threads());
}

/* io_uring polls for those, and so has no thread that waits. */
TEST_F(uring, read_waits_without_a_thread)
{
	char text[8] = "";

	io_uring_prep_read(io_uring_get_sqe(&self->ring), self->box.rx, text, sizeof(text),
			   -1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_EQ(0, threads());
	ASSERT_EQ(0, mb_put(self->box.tx, 11, 0, 0));
	EXPECT_EQ(4, completed(&self->ring, NULL));
	EXPECT_EQ(11, *(__u32 *)text);
	EXPECT_EQ(0, threads());
}

TEST_F(uring, write_waits_without_a_thread)
{
	__u32 three = 3;

	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	io_uring_prep_write(io_uring_get_sqe(&self->ring), self->box.tx, &three, 4, -1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_EQ(2, mb_status(self->box.rx).queued);
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(4, completed(&self->ring, NULL));
	EXPECT_EQ(0, threads());
	EXPECT_EQ(2, mb_take(self->box.rx, 0));
	EXPECT_EQ(3, mb_take(self->box.rx, 0));
}

TEST_F(uring, stream_is_read_without_a_thread)
{
	int fd = st_create(NULL, O_RDWR);
	char text[8] = "";

	ASSERT_LE(0, fd);
	io_uring_prep_read(io_uring_get_sqe(&self->ring), fd, text, sizeof(text), -1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(5, st_put(fd, "hello", 5));
	EXPECT_EQ(5, completed(&self->ring, NULL));
	EXPECT_STREQ("hello", text);
	EXPECT_EQ(0, threads());
	close(fd);
}

TEST_F(uring, rwf_nowait_does_not_wait)
{
	__u32 number = 4;
	struct iovec iov = { &number, sizeof(number) };

	EXPECT_EQ(4, pwritev2(self->box.tx, &iov, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(4, preadv2(self->box.rx, &iov, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(-1, preadv2(self->box.rx, &iov, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
}

/* Two that send, each message linked to its next, and one that receives: a checked history. */
#define EACH	500

static int send_all(int fd, __u32 who)
{
	struct mbox_ioc_msg msg;
	struct io_uring ring;
	__u32 number, i;
	int err = io_uring_queue_init(4, &ring, 0);

	for (i = 0; !err && i < EACH; i++)
		err = put(&ring, fd, &number, &msg, who * EACH + i);
	return err;
}

TEST_F(uring, nothing_is_lost_doubled_or_reordered)
{
	__u32 next[2] = { 0, EACH }, i;
	pid_t pid[2];

	for (i = 0; i < 2; i++) {
		pid[i] = child_fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i])
			_exit(send_all(self->box.tx, i) ? 1 : 0);
	}
	for (i = 0; i < 2 * EACH; i++) {
		take_later(&self->ring, self->box.rx, &self->number[0], &self->msg[0], 1);
		ASSERT_EQ(0, submitted(&self->ring));
		ASSERT_EQ(next[self->number[0] / EACH]++, self->number[0]);
	}
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, child_wait(pid[i]));
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
}

TEST_HARNESS_MAIN
