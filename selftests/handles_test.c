// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors in messages: all of them or none, and none lost or left over when a call fails.
 * What is open beyond a descriptor shows at a pipe: it ends when its last write end is closed.
 */
#include "common.h"
#include "harness.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

FIXTURE(handles) {
	int box;
	int pipe[2];
	int open;	/* descriptors, once all this is there */
	struct mbox_ioc_status before;
};

FIXTURE_SETUP(handles)
{
	self->box = mb_carrier(4, O_RDWR | O_NONBLOCK);
	ASSERT_LE(0, self->box);
	ASSERT_EQ(0, pipe2(self->pipe, O_NONBLOCK));
	self->open = fds_open();
	self->before = mb_status(self->box);
}

FIXTURE_TEARDOWN(handles)
{
}

/* Has the last write end of the pipe been closed? */
static bool ended(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 0;
}

/* Is there something behind the write end @fd of the pipe with the read end @rx? */
static bool leads_to(int fd, int rx)
{
	char byte = 0;

	return write(fd, "x", 1) == 1 && read(rx, &byte, 1) == 1 && byte == 'x';
}

static struct mbox_fd send_only(int fd)
{
	return (struct mbox_fd) { .fd = fd, .flags = MBOX_FD_SENDONLY };
}

static int access_mode(int fd)
{
	return fcntl(fd, F_GETFL) & O_ACCMODE;
}

static bool same_file(int a, int b)
{
	struct stat sa, sb;

	return !fstat(a, &sa) && !fstat(b, &sb) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

TEST_F(handles, arrive_close_on_exec)
{
	struct mbox_fd fds[3] = { { .fd = self->pipe[1] }, { .fd = self->pipe[0] }, { .fd = 0 } };
	struct mbox_fd got[3];
	int i;

	ASSERT_EQ(0, mb_put_fds(self->box, 7, fds, 3, 0));
	memset(got, 0xa5, sizeof(got));
	ASSERT_EQ(3, mb_take_fds(self->box, 7, got, 3, 0));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, got[i].flags);
		EXPECT_EQ(FD_CLOEXEC, fcntl(got[i].fd, F_GETFD));
		EXPECT_NE(fds[i].fd, got[i].fd);
		EXPECT_TRUE(same_file(fds[i].fd, got[i].fd));
	}
	EXPECT_TRUE(leads_to(got[0].fd, got[1].fd));
	EXPECT_EQ(self->open + 3, fds_open());
}

TEST_F(handles, outlive_what_the_sender_closes)
{
	int fd;

	ASSERT_EQ(0, mb_put_fd(self->box, self->pipe[1], 0));
	close(self->pipe[1]);
	EXPECT_FALSE(ended(self->pipe[0]));
	fd = mb_take_fd(self->box, 0);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(leads_to(fd, self->pipe[0]));
	close(fd);
	EXPECT_TRUE(ended(self->pipe[0]));
}


/* Nothing was sent or received, and no descriptor is left over. */
#define EXPECT_NOTHING_DONE() do {					\
	EXPECT_TRUE(mb_unchanged(self->box, &self->before));		\
	EXPECT_EQ(self->open, fds_open());				\
} while (0)

TEST_F(handles, reach_another_process)
{
	int pid, fd;

	fcntl(self->box, F_SETFL, 0);
	pid = child_fork();
	if (!pid) {
		close(self->pipe[1]);
		fd = mb_take_fd(self->box, 0);
		_exit(fd < 0 || write(fd, "x", 1) != 1);
	}
	ASSERT_TRUE(wait_receivers(self->box, 1));
	ASSERT_EQ(0, mb_put_fd(self->box, self->pipe[1], 0));
	close(self->pipe[1]);
	EXPECT_EQ(0, child_wait(pid));
	fd = 0;
	EXPECT_EQ(1, read(self->pipe[0], &fd, 1));
	EXPECT_EQ('x', fd);
	EXPECT_TRUE(ended(self->pipe[0]));
}

TEST_F(handles, every_kind_but_two_can_go)
{
	int kinds[] = {
		open("/", O_RDONLY | O_DIRECTORY), open("/dev/null", O_WRONLY), device(),
		eventfd(0, 0), epoll_create1(0), syscall(SYS_memfd_create, "m", 0),
		seg_create(NULL, 4096, O_RDWR), mb_create(NULL, 1, O_RDONLY), self->box,
		socket(AF_INET, SOCK_DGRAM, 0),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		int fd;

		ASSERT_LE(0, kinds[i]);
		EXPECT_EQ(0, mb_put_fd(self->box, kinds[i], 0));
		fd = mb_take_fd(self->box, 0);
		ASSERT_LE(0, fd)
			TH_LOG("kind %zu", i);
		EXPECT_EQ(access_mode(kinds[i]), access_mode(fd));
		close(fd);
	}
}

TEST_F(handles, unix_sockets_and_io_uring_are_eopnotsupp)
{
	unsigned char params[120] = { 0 };
	int pair[2], kinds[4];
	size_t i;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	kinds[0] = pair[0];
	kinds[1] = socket(AF_UNIX, SOCK_DGRAM, 0);
	kinds[2] = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	kinds[3] = syscall(SYS_io_uring_setup, 4, params);
	if (kinds[3] < 0)
		TH_LOG("this kernel has no io_uring");
	for (i = 0; i < 3 + (kinds[3] >= 0); i++) {
		struct mbox_fd fds[] = { { .fd = self->pipe[1] }, { .fd = kinds[i] },
					 send_only(kinds[i]) };

		self->open = fds_open();
		EXPECT_EQ(-EOPNOTSUPP, mb_put_fds(self->box, 0, fds, 2, 0))
			TH_LOG("kind %zu", i);
		EXPECT_EQ(-EOPNOTSUPP, mb_put_fds(self->box, 0, fds + 2, 1, 0));
		EXPECT_NOTHING_DONE();
	}
	close(self->pipe[1]);
	EXPECT_TRUE(ended(self->pipe[0]));
}

TEST_F(handles, mailbox_that_takes_none_is_eopnotsupp)
{
	struct mbox_fd fd = { .fd = self->pipe[1] };
	int box = mb_create(NULL, 1, O_RDWR | O_NONBLOCK);
	struct mbox_ioc_status before = mb_status(box);

	EXPECT_EQ(0, mb_status(box).flags);
	EXPECT_EQ(MBOX_HANDLES, mb_status(self->box).flags);
	EXPECT_EQ(-EOPNOTSUPP, mb_put_fds(box, 0, &fd, 1, 0));
	EXPECT_TRUE(mb_unchanged(box, &before));
	EXPECT_EQ(0, mb_put_fds(box, 0, &fd, 0, 0));
	close(self->pipe[1]);
	EXPECT_TRUE(ended(self->pipe[0]));
}

/* Descriptors cannot be shared out to many, each of whom would have to have them made. */
TEST_F(handles, not_for_broadcast)
{
	EXPECT_EQ(-EINVAL, mb_create_flags(NULL, 1, O_RDWR, MBOX_HANDLES | MBOX_BROADCAST));
}

/* All or none: the good ones before and after it are not held either. */
TEST_F(handles, wrong_descriptor_is_ebadf)
{
	int path = open("/", O_PATH), closed = dup(path);
	int wrong[] = { -1, closed, path, 1 << 20, 0x7fffffff, -0x7fffffff - 1 };
	size_t i;

	close(closed);
	self->open = fds_open();
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct mbox_fd fds[3] = { { .fd = self->pipe[1] }, { .fd = wrong[i] },
					  { .fd = self->pipe[1] } };

		EXPECT_EQ(-EBADF, mb_put_fds(self->box, 0, fds, 3, 0))
			TH_LOG("descriptor %d", wrong[i]);
		EXPECT_NOTHING_DONE();
	}
	close(self->pipe[1]);
	EXPECT_TRUE(ended(self->pipe[0]));
}

TEST_F(handles, unknown_flag_is_einval)
{
	struct mbox_fd fds[2] = { { .fd = self->pipe[1] }, { .fd = self->box } };
	int bit;

	for (bit = 1; bit < 32; bit++) {
		fds[1].flags = 1U << bit;
		EXPECT_EQ(-EINVAL, mb_put_fds(self->box, 0, fds, 2, 0));
	}
	EXPECT_NOTHING_DONE();
}

TEST_F(handles, as_many_as_there_can_be)
{
	struct mbox_fd fds[MBOX_FDS_MAX + 1], got[MBOX_FDS_MAX];
	__u32 forged[] = { MBOX_FDS_MAX + 1, 0x10000, 0x20000000, 0x7fffffff, 0xffffffff };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = (struct mbox_fd) { .fd = self->pipe[1] };
	ASSERT_EQ(0, mb_put_fds(self->box, 0, fds, MBOX_FDS_MAX, 0));
	self->before = mb_status(self->box);
	for (i = 0; i < ARRAY_SIZE(forged); i++) {
		EXPECT_EQ(-EINVAL, mb_put_fds(self->box, 0, fds, forged[i], 0));
		EXPECT_EQ(-EINVAL, mb_take_fds(self->box, 0, got, forged[i], 0));
		EXPECT_NOTHING_DONE();
	}
	EXPECT_EQ(MBOX_FDS_MAX, mb_take_fds(self->box, 0, got, MBOX_FDS_MAX, 0));
	EXPECT_EQ(self->open + MBOX_FDS_MAX, fds_open());
	for (i = 0; i < MBOX_FDS_MAX; i++)
		EXPECT_EQ(0, close(got[i].fd));
}

/* What does not fit is told, whatever the call, and the message is there as before. */
TEST_F(handles, too_small_an_array_is_enobufs)
{
	struct mbox_fd fds[3] = { { .fd = self->pipe[1] }, { .fd = self->pipe[1] },
				  { .fd = self->pipe[1] } };
	__u32 number = 0, room;

	ASSERT_EQ(0, mb_put_fds(self->box, 9, fds, 3, 0));
	self->before = mb_status(self->box);
	for (room = 0; room < 3; room++) {
		struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), 0);

		msg.fds = addr(fds);
		msg.nr_fds = room;
		EXPECT_EQ(-ENOBUFS, ctl(self->box, MBOX_IOC_RECV, &msg));
		EXPECT_EQ(3, msg.nr_fds);
		EXPECT_EQ(sizeof(number), msg.len);
		EXPECT_EQ(addr(&number), msg.buf);
		EXPECT_EQ(addr(fds), msg.fds);
	}
	EXPECT_EQ(-1, read(self->box, &number, sizeof(number)));
	EXPECT_EQ(ENOBUFS, errno);
	EXPECT_NOTHING_DONE();
	EXPECT_EQ(3, mb_take_fds(self->box, 9, fds, 3, 0));
}

TEST_F(handles, too_small_a_buffer_tells_both_sizes)
{
	struct mbox_fd fds[2] = { { .fd = self->pipe[1] }, { .fd = self->pipe[1] } };
	struct mbox_ioc_msg msg = { .nr_fds = 0 };

	ASSERT_EQ(0, mb_put_fds(self->box, 9, fds, 2, 0));
	EXPECT_EQ(-EMSGSIZE, ctl(self->box, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(sizeof(__u32), msg.len);
	EXPECT_EQ(2, msg.nr_fds);
	EXPECT_EQ(2, mb_take_fds(self->box, 9, fds, 2, 0));
}

TEST_F(handles, waiting_receiver_without_room_leaves_it_to_the_next)
{
	int box = mb_carrier(0, O_RDWR), fd;
	struct mb_call poor, other;
	struct mbox_fd got = { 0 };

	call_take(&poor, box, 0);
	call_take(&other, box, 0);
	other.msg.fds = addr(&got);
	other.msg.nr_fds = 1;
	ASSERT_EQ(0, call_start(&poor));
	ASSERT_TRUE(wait_receivers(box, 1));
	ASSERT_EQ(0, call_start(&other));
	ASSERT_TRUE(wait_receivers(box, 2));
	EXPECT_EQ(0, mb_put_fd(box, self->pipe[1], 0));
	EXPECT_EQ(-ENOBUFS, call_join(&poor));
	EXPECT_EQ(1, poor.msg.nr_fds);
	EXPECT_EQ(0, call_join(&other));
	fd = got.fd;
	EXPECT_TRUE(leads_to(fd, self->pipe[0]));
}

static rlim_t limit_fds(rlim_t limit)
{
	struct rlimit old, new;

	getrlimit(RLIMIT_NOFILE, &old);
	new = old;
	new.rlim_cur = limit;
	setrlimit(RLIMIT_NOFILE, &new);
	return old.rlim_cur;
}

/* One of the three could be made, and is closed again. */
TEST_F(handles, table_that_is_full_is_emfile_and_loses_nothing)
{
	struct mbox_fd fds[3] = { { .fd = self->pipe[1] }, { .fd = self->box },
				  { .fd = self->pipe[1] } };
	int next = dup(0);
	rlim_t old;

	close(next);
	ASSERT_EQ(0, mb_put_fds(self->box, 9, fds, 3, 0));
	self->before = mb_status(self->box);
	old = limit_fds(next + 1);
	EXPECT_EQ(-EMFILE, mb_take_fds(self->box, 9, fds, 3, 0));
	limit_fds(old);
	EXPECT_NOTHING_DONE();
	EXPECT_EQ(3, mb_take_fds(self->box, 9, fds, 3, 0));
}

/* It must not go round and round between a sender and a receiver that wait for each other. */
TEST_F(handles, full_table_at_a_rendezvous_is_emfile)
{
	struct mbox_fd got, put_fd = { .fd = self->pipe[1] };
	int box = mb_carrier(0, O_RDWR), next = dup(0);
	struct mb_call take, put;
	rlim_t old;

	close(next);
	call_take(&take, box, 0);
	take.msg.fds = addr(&got);
	take.msg.nr_fds = 1;
	ASSERT_EQ(0, call_start(&take));
	ASSERT_TRUE(wait_receivers(box, 1));
	old = limit_fds(next);
	call_put(&put, box, 5, 0, 0);
	put.msg.fds = addr(&put_fd);
	put.msg.nr_fds = 1;
	ASSERT_EQ(0, call_start(&put));
	EXPECT_EQ(-EMFILE, call_join(&take));
	limit_fds(old);
	EXPECT_FALSE(call_done(&put));
	EXPECT_EQ(1, mb_take_fds(box, 5, &got, 1, 0));
	EXPECT_EQ(0, call_join(&put));
}

TEST_F(handles, peek_counts_them_and_makes_none)
{
	struct mbox_fd fds[2] = { { .fd = self->pipe[1] }, { .fd = self->pipe[1] } };

	ASSERT_EQ(0, mb_put_fds(self->box, 9, fds, 2, 0));
	self->before = mb_status(self->box);
	EXPECT_EQ(2, mb_take_fds(self->box, 9, NULL, 0, MBOX_PEEK));
	EXPECT_EQ(2, mb_take_fds(self->box, 9, fds, 2, MBOX_PEEK));
	EXPECT_EQ(self->pipe[1], fds[0].fd);
	EXPECT_NOTHING_DONE();
}

TEST_F(handles, send_only_takes_the_right_to_receive_away)
{
	int box = mb_create(NULL, 4, O_RDWR | O_NONBLOCK), fd;
	struct mbox_fd reduced = send_only(box);
	struct mbox_ioc_status before = mb_status(box);

	ASSERT_EQ(0, mb_put_fds(self->box, 0, &reduced, 1, 0));
	fd = mb_take_fd(self->box, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(before.id, mb_status(fd).id);
	EXPECT_EQ(O_WRONLY | O_NONBLOCK, fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	EXPECT_EQ(0, mb_put(fd, 42, 0, 0));
	EXPECT_EQ(-EBADF, mb_take(fd, 0));
	EXPECT_EQ(42, mb_take(box, 0));
	EXPECT_EQ(before.senders + 1, mb_status(box).senders);
	EXPECT_EQ(before.receivers, mb_status(box).receivers);
	close(fd);
	EXPECT_EQ(before.senders, mb_status(box).senders);
}

TEST_F(handles, send_only_needs_a_mailbox_that_can_send)
{
	int rx = mb_create(NULL, 1, O_RDONLY), none = mb_create(NULL, 1, O_WRONLY | O_RDWR);
	struct mbox_fd reduced[] = { send_only(rx), send_only(none), send_only(self->pipe[1]),
				     send_only(seg_create(NULL, 1, O_RDWR)), send_only(-1) };
	int expected[] = { -EBADF, -EBADF, -EINVAL, -EINVAL, -EBADF };
	size_t i;

	self->open = fds_open();
	for (i = 0; i < ARRAY_SIZE(reduced); i++) {
		EXPECT_EQ(expected[i], mb_put_fds(self->box, 0, &reduced[i], 1, 0));
		EXPECT_NOTHING_DONE();
	}
}

/* A reply port: the one who holds it learns when its owner is gone, and the other way round. */
TEST_F(handles, descriptor_in_a_message_is_one_of_the_side)
{
	struct mbox_ioc_create create = mb_template(NULL, 1, O_RDWR);
	struct mbox_fd reduced;
	int box, rx, fd;

	create.flags = MBOX_HANGUP;
	create.name = addr(unique_name("port"));
	box = ctl(device(), MBOX_IOC_CREATE, &create);
	rx = mb_open((const char *)(uintptr_t)create.name, O_RDONLY);
	ASSERT_LE(0, rx);
	mb_unlink((const char *)(uintptr_t)create.name);
	reduced = send_only(box);
	ASSERT_EQ(0, mb_put_fds(self->box, 0, &reduced, 1, 0));
	close(box);
	EXPECT_EQ(-EAGAIN, mb_take(rx, MBOX_NONBLOCK));
	fd = mb_take_fd(self->box, 0);
	close(fd);
	EXPECT_EQ(-EPIPE, mb_take(rx, MBOX_NONBLOCK));
}

TEST_F(handles, failed_send_holds_nothing)
{
	struct mbox_ioc_msg msg = mb_msg(NULL, 0, 0);
	struct mbox_fd fd = { .fd = self->pipe[1] };
	int box = mb_carrier(0, O_RDWR);

	EXPECT_EQ(-EAGAIN, mb_put_fds(box, 0, &fd, 1, MBOX_NONBLOCK));
	msg.fds = addr(&fd);
	msg.nr_fds = 1;
	msg.deadline = in_ms(20);
	EXPECT_EQ(-ETIMEDOUT, ctl(box, MBOX_IOC_SEND, &msg));
	msg.deadline = 0;
	msg.len = MSGSIZE + 1;
	EXPECT_EQ(-EMSGSIZE, ctl(box, MBOX_IOC_SEND, &msg));
	msg.buf = addr(unmapped_page());
	msg.len = 1;
	EXPECT_EQ(-EFAULT, ctl(box, MBOX_IOC_SEND, &msg));
	close(self->pipe[1]);
	EXPECT_TRUE(ended(self->pipe[0]));
}

TEST_F(handles, message_that_nobody_received_lets_go)
{
	ASSERT_EQ(0, mb_put_fd(self->box, self->pipe[1], 0));
	close(self->pipe[1]);
	EXPECT_FALSE(ended(self->pipe[0]));
	close(self->box);
	EXPECT_TRUE(ended(self->pipe[0]));
}

TEST_F(handles, batch_carries_them)
{
	struct mbox_fd fds[2] = { { .fd = self->pipe[1] }, { .fd = self->pipe[0] } }, got[3];
	struct mbox_ioc_msg msgs[2] = { { .nr_fds = 1, .fds = addr(&fds[0]) },
					{ .nr_fds = 1, .fds = addr(&fds[1]) } };
	struct mbox_ioc_batch batch = {
		.msgs = addr(msgs), .nr = 2, .msg_size = sizeof(msgs[0]),
	};

	ASSERT_EQ(2, ctl(self->box, MBOX_IOC_SEND_BATCH, &batch));
	msgs[0].fds = addr(got);
	msgs[1].nr_fds = 0;
	EXPECT_EQ(1, ctl(self->box, MBOX_IOC_RECV_BATCH, &batch));
	EXPECT_EQ(1, msgs[0].nr_fds);
	EXPECT_EQ(1, msgs[1].nr_fds);
	msgs[1].fds = addr(&got[1]);
	batch.msgs = addr(&msgs[1]);
	EXPECT_EQ(1, ctl(self->box, MBOX_IOC_RECV_BATCH, &batch));
	EXPECT_TRUE(leads_to(got[0].fd, got[1].fd));
}

/* Another user's, as the budget does not hold for root. */
TEST_F(handles, budget_is_edquot)
{
	struct mbox_fd fds[3] = { { .fd = self->pipe[1] }, { .fd = self->pipe[1] },
				  { .fd = self->pipe[1] } };
	long long old = param_get("user_fds");

	EXPECT_EQ(4096, old);
	ASSERT_EQ(0, param_set("user_fds", 4));
	IN_CHILD {
		int box;

		EXPECT_EQ(0, become(USER_A, USER_A));
		box = mb_carrier(8, O_RDWR | O_NONBLOCK);
		EXPECT_EQ(0, mb_put_fds(box, 0, fds, 3, 0));
		EXPECT_EQ(-EDQUOT, mb_put_fds(box, 0, fds, 2, 0));
		EXPECT_EQ(0, mb_put_fds(box, 0, fds, 1, 0));
		EXPECT_EQ(-EDQUOT, mb_put_fds(box, 0, fds, 1, 0));
		EXPECT_EQ(0, mb_put_fds(box, 0, fds, 0, 0));
		EXPECT_EQ(2, mb_status(box).queued - 1);
		EXPECT_EQ(3, mb_take_fds(box, 0, fds, 3, 0));
		EXPECT_EQ(0, mb_put_fds(box, 0, fds, 3, 0));
		fds[2].fd = -1;
		EXPECT_EQ(1, mb_take_fds(box, 0, fds, 1, 0));
		EXPECT_EQ(-EBADF, mb_put_fds(box, 0, fds + 2, 1, 0));
		EXPECT_EQ(0, mb_put_fds(box, 0, fds, 1, 0));
		/* The user's own are used up, and nobody else's. */
	}
	EXPECT_EQ(0, mb_put_fds(self->box, 0, fds, 1, 0));
	EXPECT_EQ(0, param_set("user_fds", old));
}

struct race {
	int box;
	int pipe[2];
	bool stop;
	bool all_sent;
	bool deadlines;
	bool closes;	/* somebody closes what is sent */
	__u32 sent;
	__u32 received;
	__u32 errors;
};

static bool is_set(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_RELAXED);
}

static void set(bool *flag)
{
	__atomic_store_n(flag, true, __ATOMIC_RELAXED);
}

static void count(__u32 *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* Sends write ends of the pipe, and a mailbox with each. */
static void *race_send(void *arg)
{
	struct race *race = arg;

	while (!is_set(&race->stop)) {
		struct mbox_fd fds[2] = { { .fd = race->pipe[1] }, send_only(race->box) };
		struct mbox_ioc_msg msg = { .fds = addr(fds), .nr_fds = 2 };
		int ret;

		msg.deadline = race->deadlines ? now_ns(CLOCK_MONOTONIC) + 50000 : in_ms(10);
		ret = ctl(race->box, MBOX_IOC_SEND, &msg);
		if (!ret)
			count(&race->sent);
		else if (ret != -ETIMEDOUT && !(ret == -EBADF && race->closes))
			count(&race->errors);
	}
	return NULL;
}

static void *race_receive(void *arg)
{
	struct race *race = arg;
	struct mbox_fd fds[2];
	struct mbox_ioc_msg msg;
	bool all_sent;
	int ret;

	do {
		/* From before: between a receive and a look after it all the rest can come. */
		all_sent = is_set(&race->all_sent);
		msg = (struct mbox_ioc_msg) {
			.fds = addr(fds), .nr_fds = 2, .deadline = in_ms(10) };
		ret = ctl(race->box, MBOX_IOC_RECV, &msg);
		if (!ret) {
			count(&race->received);
			if (msg.nr_fds != 2 || close(fds[0].fd) || close(fds[1].fd))
				count(&race->errors);
		} else if (ret != -ETIMEDOUT) {
			count(&race->errors);
		}
	} while (!ret || !all_sent);
	return NULL;
}

static void race_run(struct race *race, __u64 ms)
{
	pthread_t threads[4];
	int i;

	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, i < 2 ? race_send : race_receive, race);
	usleep(ms * 1000);
	set(&race->stop);
	for (i = 0; i < 4; i++) {
		if (i == 2)
			set(&race->all_sent);
		pthread_join(threads[i], NULL);
	}
}

/* Senders give up while receivers have their messages: what was made is closed again. */
TEST_F(handles, withdrawn_while_it_is_received)
{
	struct race race = { .deadlines = true, .box = mb_carrier(0, O_RDWR) };

	race.pipe[0] = self->pipe[0];
	race.pipe[1] = self->pipe[1];
	self->open = fds_open();
	race_run(&race, 3000);
	EXPECT_EQ(0, race.errors);
	EXPECT_EQ(race.sent, race.received);
	EXPECT_EQ(self->open, fds_open());
	TH_LOG("%u sent", race.sent);
	close(self->pipe[1]);
	EXPECT_TRUE(wait_until(ended(self->pipe[0])));
}

/* The sender's descriptor is closed, and made anew, while it is being sent. */
TEST_F(handles, closed_while_it_is_sent)
{
	struct race *race = shared_memory(sizeof(*race));
	pthread_t sender;
	int pid, i;

	race->box = mb_carrier(4, O_RDWR);
	race->closes = true;
	race->pipe[1] = dup(self->pipe[1]);
	pid = child_fork();
	if (!pid) {
		race_receive(race);
		_exit(0);
	}
	pthread_create(&sender, NULL, race_send, race);
	for (i = 0; i < 20000 || !race->received; i++) {
		close(race->pipe[1]);
		ASSERT_EQ(race->pipe[1], dup2(self->pipe[1], race->pipe[1]));
	}
	set(&race->stop);
	pthread_join(sender, NULL);
	set(&race->all_sent);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, race->errors);
	EXPECT_EQ(race->sent, race->received);
	TH_LOG("%u sent", race->sent);
	close(race->pipe[1]);
	close(self->pipe[1]);
	EXPECT_TRUE(wait_until(ended(self->pipe[0])));
}

/* Both sides are killed at any moment: in the end no write end is left. */
TEST_F(handles, killed_at_each_step)
{
	struct race *race = shared_memory(sizeof(*race));
	struct mbox_fd fds[2];
	__u32 seed = 1;
	int i, pid;

	race->box = mb_carrier(1, O_RDWR);
	memcpy(race->pipe, self->pipe, sizeof(race->pipe));
	for (i = 0; i < 150; i++) {
		pid = child_fork();
		if (!pid) {
			i % 2 ? race_send(race) : race_receive(race);
			_exit(1);
		}
		usleep(prng(&seed) % 3000 + 200);
		kill(pid, SIGKILL);
		EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	}
	EXPECT_EQ(0, race->errors);
	while (mb_take_fds(race->box, 0, fds, 2, MBOX_NONBLOCK) != -EAGAIN)
		close(fds[0].fd);
	close(self->pipe[1]);
	EXPECT_TRUE(wait_until(ended(self->pipe[0])));
}

TEST_HARNESS_MAIN
