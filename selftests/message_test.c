// SPDX-License-Identifier: GPL-2.0
/* What is in a message: its bytes in and out, by read and write too, and who sent it. */
#include "common.h"
#include "harness.h"

#include <sched.h>
#include <sys/uio.h>

FIXTURE(message) {
	struct mb_ends box;
};

FIXTURE_SETUP(message)
{
	ASSERT_EQ(0, mb_ends_open(&self->box, 16, 0));
}

FIXTURE_TEARDOWN(message)
{
	mb_ends_close(&self->box);
}

static int create_of_size(__u64 msgsize)
{
	struct mbox_ioc_create create = mb_template(NULL, 4, O_RDWR | O_NONBLOCK);

	create.msgsize = msgsize;
	return ctl(device(), MBOX_IOC_CREATE, &create);
}

/* Sizes on both sides of whatever an implementation may switch at. */
static const size_t sizes[] = {
	0, 1, 7, 8, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 1023, 1024, 1025,
	2047, 2048, 2049, 4000, 4095, 4096, 4097, 8191, 8192, 8193, 65535, 65536, 65537,
	1 << 20, (1 << 20) + 1, MBOX_MSGSIZE_MAX - 1, MBOX_MSGSIZE_MAX,
};

TEST_F(message, content_is_kept_at_every_size)
{
	char *in = shared_memory(MBOX_MSGSIZE_MAX), *out = shared_memory(MBOX_MSGSIZE_MAX + 1);
	int fd = create_of_size(MBOX_MSGSIZE_MAX);
	size_t i;

	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		pattern_fill(in, sizes[i], i);
		out[sizes[i]] = 0x55;
		ASSERT_EQ(0, mb_send(fd, in, sizes[i], 0, 0));
		ASSERT_EQ(sizes[i], mb_recv(fd, out, sizes[i], 0));
		EXPECT_TRUE(pattern_check(out, sizes[i], i))
			TH_LOG("size %zu", sizes[i]);
		EXPECT_EQ(0x55, out[sizes[i]]);
	}
}

/* The memory of one that is gone serves for the next, whatever its size. */
TEST_F(message, content_is_kept_in_any_order_of_sizes)
{
	char in[3][8192], out[8192];
	int fd = create_of_size(sizeof(out));
	__u32 seed = 1, i, k;
	size_t len[3];

	ASSERT_LE(0, fd);
	for (i = 0; i < 3000; i++) {
		__u32 nr = 1 + prng(&seed) % 3;

		for (k = 0; k < nr; k++) {
			len[k] = prng(&seed) % sizeof(out) >> prng(&seed) % 9;
			pattern_fill(in[k], len[k], i + k);
			ASSERT_EQ(0, mb_send(fd, in[k], len[k], 0, 0));
		}
		for (k = 0; k < nr; k++) {
			ASSERT_EQ(len[k], mb_recv(fd, out, sizeof(out), 0));
			ASSERT_TRUE(pattern_check(out, len[k], i + k));
		}
	}
	close(fd);
}

TEST_F(message, four_of_the_largest_are_kept_apart)
{
	char *buf = shared_memory(MBOX_MSGSIZE_MAX);
	int fd = create_of_size(MBOX_MSGSIZE_MAX), i;

	for (i = 0; i < 4; i++) {
		pattern_fill(buf, MBOX_MSGSIZE_MAX, i);
		ASSERT_EQ(0, mb_send(fd, buf, MBOX_MSGSIZE_MAX, 0, 0));
	}
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(MBOX_MSGSIZE_MAX, mb_recv(fd, buf, MBOX_MSGSIZE_MAX, 0));
		EXPECT_TRUE(pattern_check(buf, MBOX_MSGSIZE_MAX, i));
	}
}

TEST_F(message, larger_than_the_mailbox_takes_is_emsgsize)
{
	char *buf = shared_memory(MBOX_MSGSIZE_MAX + 1);
	static const size_t limits[] = { 0, 1, 100, 4096, MBOX_MSGSIZE_MAX };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		int fd = create_of_size(limits[i]);
		struct mbox_ioc_status before = mb_status(fd);
		struct mbox_ioc_msg huge = { .buf = addr(buf), .len = ~0ULL };

		EXPECT_EQ(-EMSGSIZE, mb_send(fd, buf, limits[i] + 1, 0, 0));
		EXPECT_EQ(-EMSGSIZE, ctl(fd, MBOX_IOC_SEND, &huge));
		huge.len = 1ULL << 32;
		EXPECT_EQ(-EMSGSIZE, ctl(fd, MBOX_IOC_SEND, &huge));
		EXPECT_EQ(-1, write(fd, buf, limits[i] + 1));
		EXPECT_EQ(EMSGSIZE, errno);
		EXPECT_UNCHANGED(fd, &before);
		EXPECT_EQ(0, mb_send(fd, buf, limits[i], 0, 0));
		close(fd);
	}
}

/* Semantics 2: a buffer that is too small leaves the message, and tells what it needs. */
TEST_F(message, smaller_buffer_is_emsgsize_and_the_message_stays)
{
	char buf[100] = { 0 };
	struct mbox_ioc_status before;
	size_t room;

	pattern_fill(buf, sizeof(buf), 1);
	ASSERT_EQ(0, mb_send(self->box.tx, buf, 100, 0, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 5, 0, 0));
	before = mb_status(self->box.rx);
	for (room = 0; room < 100; room += 33) {
		struct mbox_ioc_msg msg = mb_msg(buf, room, 0);

		EXPECT_EQ(-EMSGSIZE, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
		EXPECT_EQ(100, msg.len);
		EXPECT_EQ(-1, read(self->box.rx, buf, room));
		EXPECT_EQ(EMSGSIZE, errno);
		EXPECT_UNCHANGED(self->box.rx, &before);
	}
	EXPECT_EQ(100, mb_recv(self->box.rx, buf, 100, 0));
	EXPECT_TRUE(pattern_check(buf, 100, 1));
	EXPECT_EQ(5, mb_take(self->box.rx, 0));
}

/* A page that cannot be used that way, with what an address in it does to each call. */
static char *page_of(int prot)
{
	char *page = shared_memory(getpagesize());

	mprotect(page, getpagesize(), prot);
	return page;
}

TEST_F(message, send_of_a_bad_address_is_efault_and_sends_nothing)
{
	char *half = shared_memory(2 * getpagesize()) + getpagesize() - 10;
	const __u64 bad[] = {
		0, 1, addr(unmapped_page()), addr(page_of(PROT_NONE)), addr(half),
		0xffff888000000000ULL, 1ULL << 63, ~0ULL - 10,
	};
	struct mbox_ioc_status before = mb_status(self->box.tx);
	size_t i;

	ASSERT_EQ(0, munmap(half + 10, getpagesize()));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mbox_ioc_msg msg = { .buf = bad[i], .len = 20 };
		struct mbox_iovec iov[2] = { { addr(half), 5 }, { bad[i], 20 } };

		EXPECT_EQ(-EFAULT, ctl(self->box.tx, MBOX_IOC_SEND, &msg))
			TH_LOG("address %zu", i);
		msg = mb_msg(iov, 2, MBOX_IOV);
		EXPECT_EQ(-EFAULT, ctl(self->box.tx, MBOX_IOC_SEND, &msg));
		msg = (struct mbox_ioc_msg) { .buf = bad[i], .len = 2, .flags = MBOX_IOV };
		EXPECT_EQ(-EFAULT, ctl(self->box.tx, MBOX_IOC_SEND, &msg));
		EXPECT_UNCHANGED(self->box.tx, &before);
	}
}

TEST_F(message, receive_into_a_bad_address_is_efault_and_loses_nothing)
{
	char *half = shared_memory(2 * getpagesize()) + getpagesize() - 10;
	const __u64 bad[] = {
		0, 1, addr(unmapped_page()), addr(page_of(PROT_NONE)),
		addr(page_of(PROT_READ)), addr(half), 0xffff888000000000ULL, 1ULL << 63,
	};
	struct mbox_ioc_status before;
	char buf[20];
	size_t i;

	ASSERT_EQ(0, munmap(half + 10, getpagesize()));
	pattern_fill(buf, sizeof(buf), 9);
	ASSERT_EQ(0, mb_send(self->box.tx, buf, sizeof(buf), 0, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	before = mb_status(self->box.rx);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mbox_ioc_msg msg = { .buf = bad[i], .len = 20 };
		struct mbox_iovec iov[2] = { { addr(half), 5 }, { bad[i], 20 } };

		EXPECT_EQ(-EFAULT, ctl(self->box.rx, MBOX_IOC_RECV, &msg))
			TH_LOG("address %zu", i);
		msg = mb_msg(iov, 2, MBOX_IOV);
		EXPECT_EQ(-EFAULT, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
		msg = (struct mbox_ioc_msg) { .buf = bad[i], .len = 20, .flags = MBOX_PEEK };
		EXPECT_EQ(-EFAULT, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
		EXPECT_UNCHANGED(self->box.rx, &before);
	}
	EXPECT_EQ(-1, read(self->box.rx, half, 20));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_UNCHANGED(self->box.rx, &before);
	EXPECT_EQ(20, mb_recv(self->box.rx, buf, sizeof(buf), 0));
	EXPECT_TRUE(pattern_check(buf, sizeof(buf), 9));
	EXPECT_EQ(2, mb_take(self->box.rx, 0));
}

TEST_F(message, write_sends_one_and_read_takes_one)
{
	struct mbox_ioc_msg msg;
	char buf[8];

	EXPECT_EQ(3, write(self->box.tx, "one", 3));
	EXPECT_EQ(4, write(self->box.tx, "four", 4));
	EXPECT_EQ(2, mb_status(self->box.rx).queued);
	EXPECT_EQ(3, read(self->box.rx, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "one", 3));
	msg = mb_msg(buf, sizeof(buf), 0);
	EXPECT_EQ(0, ctl(self->box.rx, MBOX_IOC_RECV, &msg));
	EXPECT_EQ(4, msg.len);
	EXPECT_EQ(0, msg.prio);
	EXPECT_EQ(0, msg.tag);
	EXPECT_EQ(getpid(), msg.pid);
}

TEST_F(message, writev_gathers_and_readv_scatters)
{
	char a[3], b[5];
	struct iovec out[] = { { "ab", 2 }, { "cde", 3 } };
	struct iovec in[] = { { a, sizeof(a) }, { b, sizeof(b) } };

	EXPECT_EQ(5, writev(self->box.tx, out, 2));
	EXPECT_EQ(1, mb_status(self->box.rx).queued);
	EXPECT_EQ(5, readv(self->box.rx, in, 2));
	EXPECT_EQ(0, memcmp(a, "abc", 3));
	EXPECT_EQ(0, memcmp(b, "de", 2));
	EXPECT_EQ(5, writev(self->box.tx, out, 2));
	EXPECT_EQ(-1, readv(self->box.rx, in, 1));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(1, mb_status(self->box.rx).queued);
}

/* Semantics 9: who sent it, as the one who receives it sees that process and user. */
static struct mbox_ioc_msg receive(int fd)
{
	__u32 number = 0;
	struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), MBOX_NONBLOCK);

	if (ctl(fd, MBOX_IOC_RECV, &msg))
		msg.pid = -1;
	return msg;
}

TEST_F(message, identity_is_the_senders_process_and_effective_user)
{
	struct mbox_ioc_msg msg;
	pid_t pid = child_fork();

	if (!pid) {
		if (setegid(USER_B) || seteuid(USER_A))
			_exit(1);
		_exit(mb_put(self->box.tx, 1, 0, 0) != 0);
	}
	EXPECT_EQ(0, child_wait(pid));
	/* It is told even of a sender that is no more. */
	msg = receive(self->box.rx);
	EXPECT_EQ(pid, msg.pid);
	EXPECT_EQ(USER_A, msg.uid);
	EXPECT_EQ(USER_B, msg.gid);

	ASSERT_EQ(1, write(self->box.tx, "x", 1));
	msg = receive(self->box.rx);
	EXPECT_EQ(getpid(), msg.pid);
	EXPECT_EQ(geteuid(), msg.uid);
}

static void *put_from_thread(void *arg)
{
	return (void *)(uintptr_t)mb_put(*(int *)arg, 1, 0, 0);
}

TEST_F(message, identity_of_a_thread_is_its_process)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, put_from_thread, &self->box.tx));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_TRUE(ret == NULL);
	EXPECT_EQ(getpid(), receive(self->box.rx).pid);
}

/* Runs @fn as the first process of a pid namespace, whose pid as seen from here is returned. */
static int in_pid_namespace(int (*fn)(int fd), int fd, pid_t *seen)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		return -errno;
	pid = child_fork();
	if (!pid)
		_exit(fn(fd));
	*seen = pid;
	return child_wait(pid);
}

static int put_one(int fd)
{
	return mb_put(fd, 1, 0, 0) ? 1 : 0;
}

static int is_from_nobody_here(int fd)
{
	return receive(fd).pid == 0 ? 0 : 1;
}

static int is_from_me(int fd)
{
	return mb_put(fd, 1, 0, 0) || receive(fd).pid != 1;
}

TEST_F(message, identity_crosses_pid_namespaces)
{
	int fd = self->box.both;

	IN_CHILD {
		pid_t seen = 0;

		ASSERT_EQ(0, in_pid_namespace(put_one, fd, &seen));
		EXPECT_EQ(seen, receive(fd).pid);
	}
	IN_CHILD {
		pid_t seen = 0;

		ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
		EXPECT_EQ(0, in_pid_namespace(is_from_nobody_here, fd, &seen));
	}
	IN_CHILD {
		pid_t seen = 0;

		EXPECT_EQ(0, in_pid_namespace(is_from_me, fd, &seen));
	}
	EXPECT_EQ(0, mb_status(fd).queued);
}

TEST_F(message, identity_crosses_user_namespaces)
{
	int fd = self->box.both;
	struct mbox_ioc_msg msg;

	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_B));
		ASSERT_EQ(0, enter_user_namespace(0, 0));
		ASSERT_EQ(0, geteuid());
		ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	}
	msg = receive(fd);
	EXPECT_EQ(USER_A, msg.uid);
	EXPECT_EQ(USER_B, msg.gid);

	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_B));
		ASSERT_EQ(0, enter_user_namespace(3, 0));
		ASSERT_EQ(0, mb_put(fd, 2, 0, 0));
		msg = receive(fd);
		EXPECT_EQ(65534, msg.uid);
		EXPECT_EQ(65534, msg.gid);
		msg = receive(fd);
		EXPECT_EQ(3, msg.uid);
		EXPECT_EQ(3, msg.gid);
	}
}

/* The bytes are copied when they are sent: what the sender does to them then is its own matter. */
TEST_F(message, sent_bytes_are_the_mailboxes)
{
	char buf[MSGSIZE];

	pattern_fill(buf, sizeof(buf), 1);
	ASSERT_EQ(0, mb_send(self->box.tx, buf, sizeof(buf), 0, 0));
	pattern_fill(buf, sizeof(buf), 2);
	ASSERT_EQ(MSGSIZE, mb_recv(self->box.rx, buf, sizeof(buf), 0));
	EXPECT_TRUE(pattern_check(buf, sizeof(buf), 1));
}

TEST_HARNESS_MAIN
