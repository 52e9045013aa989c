// SPDX-License-Identifier: GPL-2.0
/* A mailbox as an object: attributes, status, changes by its owner, hangup, many of them. */
#include "common.h"
#include "harness.h"

#include <sys/resource.h>
#include <sys/socket.h>

FIXTURE(mailbox) {
	struct mb_ends box;
};

FIXTURE_SETUP(mailbox)
{
	umask(0);
	ASSERT_EQ(0, mb_ends_open(&self->box, 4, 0));
}

FIXTURE_TEARDOWN(mailbox)
{
	mb_ends_close(&self->box);
}

TEST_F(mailbox, create_refuses_values_out_of_range)
{
	static const struct {
		__u64 msgsize, bytes;
		int expected;
	} cases[] = {
		{ 0, 0, 0 },
		{ MBOX_MSGSIZE_MAX, 0, 0 },
		{ MBOX_MSGSIZE_MAX, ~0ULL, 0 },
		{ MBOX_MSGSIZE_MAX + 1, 0, -EINVAL },
		{ ~0ULL, 0, -EINVAL },
		{ ~0ULL, ~0ULL, -EINVAL },
		{ 100, 99, -EINVAL },
		{ 100, 1, -EINVAL },
		{ 100, 100, 0 },
		{ 100, 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mbox_ioc_create create = mb_template(NULL, 1, O_RDWR);
		int fd;

		create.msgsize = cases[i].msgsize;
		create.bytes = cases[i].bytes;
		fd = ctl(device(), MBOX_IOC_CREATE, &create);
		EXPECT_EQ(cases[i].expected, fd < 0 ? fd : 0)
			TH_LOG("case %zu", i);
		close(fd);
	}
}

TEST_F(mailbox, status_tells_what_was_created)
{
	static const __u64 capacities[] = { 0, 1, 12345678901234ULL, MBOX_UNBOUNDED };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		struct mbox_ioc_create create = mb_template(NULL, capacities[i], O_RDWR);
		struct mbox_ioc_status status;
		int fd;

		create.msgsize = 77 + i;
		create.bytes = 1000 * i;
		create.mode = 0640;
		create.flags = i & 1 ? MBOX_HANGUP : 0;
		fd = ctl(device(), MBOX_IOC_CREATE, &create);
		ASSERT_LE(0, fd);
		status = mb_status(fd);
		EXPECT_EQ(create.capacity, status.capacity);
		EXPECT_EQ(create.msgsize, status.msgsize);
		EXPECT_EQ(create.bytes, status.bytes);
		EXPECT_EQ(create.mode, status.mode);
		EXPECT_EQ(create.flags, status.flags);
		EXPECT_EQ(geteuid(), status.uid);
		EXPECT_EQ(getegid(), status.gid);
		EXPECT_EQ(0, status.queued + status.queued_bytes);
		EXPECT_EQ(0, status.sent + status.sent_bytes);
		EXPECT_EQ(0, status.received + status.received_bytes);
		EXPECT_EQ(0, status.send_wait_ns + status.recv_wait_ns);
		EXPECT_EQ(0, status.waiting_senders + status.waiting_receivers);
		EXPECT_EQ(0, status.send_wait_pid);
		EXPECT_EQ(0, status.recv_wait_pid);
	}
}

TEST_F(mailbox, status_works_with_any_right)
{
	struct mbox_ioc_status status = mb_status(self->box.both);

	EXPECT_UNCHANGED(self->box.rx, &status);
	EXPECT_UNCHANGED(self->box.tx, &status);
}

TEST_F(mailbox, status_counts_messages_and_bytes)
{
	struct mbox_ioc_status status;
	char buf[MSGSIZE] = { 0 };

	ASSERT_EQ(0, mb_send(self->box.tx, buf, 100, 0, 0));
	ASSERT_EQ(0, mb_send(self->box.tx, buf, 0, 5, 0));
	ASSERT_EQ(0, mb_send(self->box.tx, buf, MSGSIZE, 0, 0));
	status = mb_status(self->box.rx);
	EXPECT_EQ(3, status.queued);
	EXPECT_EQ(100 + MSGSIZE, status.queued_bytes);
	EXPECT_EQ(3, status.sent);
	EXPECT_EQ(100 + MSGSIZE, status.sent_bytes);
	EXPECT_EQ(0, status.received + status.received_bytes);

	EXPECT_EQ(0, mb_recv(self->box.rx, buf, sizeof(buf), 0));
	EXPECT_EQ(100, mb_recv(self->box.rx, buf, sizeof(buf), 0));
	status = mb_status(self->box.tx);
	EXPECT_EQ(1, status.queued);
	EXPECT_EQ(MSGSIZE, status.queued_bytes);
	EXPECT_EQ(3, status.sent);
	EXPECT_EQ(2, status.received);
	EXPECT_EQ(100, status.received_bytes);
}

TEST_F(mailbox, status_counts_descriptors_by_right)
{
	struct mbox_ioc_status status = mb_status(self->box.both);

	EXPECT_EQ(2, status.senders);
	EXPECT_EQ(2, status.receivers);
	close(self->box.rx);
	status = mb_status(self->box.both);
	EXPECT_EQ(2, status.senders);
	EXPECT_EQ(1, status.receivers);
	/* A duplicate is the same open descriptor. */
	close(dup(self->box.tx));
	close(self->box.tx);
	status = mb_status(self->box.both);
	EXPECT_EQ(1, status.senders);
	EXPECT_EQ(1, status.receivers);
}

TEST_F(mailbox, status_tells_who_waits_longest_and_how_long)
{
	struct mb_call first, second;
	struct mbox_ioc_status status;

	call_take(&first, self->box.rx, 0);
	ASSERT_EQ(0, call_start(&first));
	ASSERT_TRUE(wait_receivers(self->box.both, 1));
	status = mb_status(self->box.both);
	EXPECT_EQ(getpid(), status.recv_wait_pid);
	EXPECT_EQ(0, status.send_wait_pid);
	EXPECT_LT(0, status.recv_wait_ns);
	EXPECT_EQ(0, status.send_wait_ns);
	usleep(20000);
	call_take(&second, self->box.rx, 0);
	ASSERT_EQ(0, call_start(&second));
	ASSERT_TRUE(wait_receivers(self->box.both, 2));
	EXPECT_LE(20 * NS_PER_MS, mb_status(self->box.both).recv_wait_ns);
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	EXPECT_EQ(0, call_join(&first));
	EXPECT_EQ(0, call_join(&second));
	status = mb_status(self->box.both);
	EXPECT_EQ(0, status.recv_wait_ns);
	EXPECT_EQ(0, status.recv_wait_pid);
}

TEST_F(mailbox, status_tells_of_a_waiting_sender)
{
	struct mb_call call;
	struct mbox_ioc_status status;

	ASSERT_EQ(0, mb_set_capacity(self->box.both, 0));
	call_put(&call, self->box.tx, 1, 0, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_senders(self->box.both, 1));
	status = mb_status(self->box.both);
	EXPECT_EQ(getpid(), status.send_wait_pid);
	EXPECT_LT(0, status.send_wait_ns);
	EXPECT_EQ(0, status.recv_wait_ns);
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(0, mb_status(self->box.both).send_wait_ns);
}

TEST_F(mailbox, set_of_nothing_or_of_a_segments_fields_is_einval)
{
	struct mbox_ioc_set nothing = { 0 };
	struct mbox_ioc_set length = { .fields = MBOX_SET_LENGTH, .length = 1 };
	struct mbox_ioc_set seals = { .fields = MBOX_SET_SEALS, .seals = MBOX_SEAL_SEAL };
	struct mbox_ioc_set mode = { .fields = MBOX_SET_MODE, .mode = 01000 };
	struct mbox_ioc_status before = mb_status(self->box.both);

	EXPECT_EQ(-EINVAL, ctl(self->box.both, MBOX_IOC_SET, &nothing));
	EXPECT_EQ(-EINVAL, ctl(self->box.both, MBOX_IOC_SET, &length));
	EXPECT_EQ(-EINVAL, ctl(self->box.both, MBOX_IOC_SET, &seals));
	EXPECT_EQ(-EINVAL, ctl(self->box.both, MBOX_IOC_SET, &mode));
	EXPECT_UNCHANGED(self->box.both, &before);
}

TEST_F(mailbox, status_shows_ids_of_the_user_namespace)
{
	int fd = self->box.both;

	IN_CHILD {
		int mine;

		ASSERT_EQ(0, become(USER_A, USER_A));
		ASSERT_EQ(0, enter_user_namespace(7, 0));
		EXPECT_EQ(65534, mb_status(fd).uid);
		EXPECT_EQ(65534, mb_status(fd).gid);
		mine = mb_create(NULL, 1, O_RDWR);
		EXPECT_EQ(7, mb_status(mine).uid);
		EXPECT_EQ(7, mb_status(mine).gid);
	}
}

/* A mailbox that tells peer death, with one descriptor for each side. */
FIXTURE(hangup) {
	struct mb_ends box;
};

FIXTURE_SETUP(hangup)
{
	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(0, mb_ends_open(&self->box, 4, MBOX_HANGUP));
	close(self->box.both);
	self->box.both = -1;
}

FIXTURE_TEARDOWN(hangup)
{
	mb_ends_close(&self->box);
}

TEST_F(hangup, receive_is_epipe_once_drained_and_the_senders_are_gone)
{
	char byte;

	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	ASSERT_EQ(0, mb_put(self->box.tx, 2, 0, 0));
	close(self->box.tx);
	EXPECT_EQ(1, mb_take(self->box.rx, 0));
	EXPECT_EQ(2, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(-EPIPE, mb_take(self->box.rx, 0));
	EXPECT_EQ(-EPIPE, mb_take(self->box.rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, read(self->box.rx, &byte, 1));
}

TEST_F(hangup, send_is_epipe_when_the_receivers_are_gone)
{
	struct mbox_ioc_status before;
	char byte = 0;

	close(self->box.rx);
	before = mb_status(self->box.tx);
	EXPECT_EQ(-EPIPE, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(-EPIPE, mb_put(self->box.tx, 1, 0, MBOX_NONBLOCK));
	EXPECT_EQ(-EPIPE, mb_put(self->box.tx, 1, 0, MBOX_SYNC));
	EXPECT_EQ(-1, write(self->box.tx, &byte, 1));
	EXPECT_EQ(EPIPE, errno);
	EXPECT_UNCHANGED(self->box.tx, &before);
}

static volatile sig_atomic_t pipe_signals;

static void on_pipe_signal(int signo)
{
	pipe_signals++;
}

TEST_F(hangup, write_raises_sigpipe_and_send_does_not)
{
	char byte = 0;

	signal(SIGPIPE, on_pipe_signal);
	close(self->box.rx);
	EXPECT_EQ(-EPIPE, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(0, pipe_signals);
	EXPECT_EQ(-1, write(self->box.tx, &byte, 1));
	EXPECT_EQ(EPIPE, errno);
	EXPECT_EQ(1, pipe_signals);
}

TEST_F(hangup, wakes_a_blocked_receiver)
{
	struct mb_call call;

	call_take(&call, self->box.rx, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	close(self->box.tx);
	EXPECT_EQ(-EPIPE, call_join(&call));
	EXPECT_EQ(0, mb_status(self->box.rx).waiting_receivers);
}

TEST_F(hangup, wakes_a_blocked_sender_and_withdraws_its_message)
{
	struct mb_call calls[2];
	struct mbox_ioc_status before;
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, mb_put(self->box.tx, i, 0, 0));
	}
	before = mb_status(self->box.tx);
	call_put(&calls[0], self->box.tx, 10, 0, 0);
	call_put(&calls[1], self->box.tx, 11, 0, MBOX_SYNC);
	ASSERT_EQ(0, call_start(&calls[0]));
	ASSERT_EQ(0, call_start(&calls[1]));
	ASSERT_TRUE(wait_senders(self->box.tx, 2));
	close(self->box.rx);
	EXPECT_EQ(-EPIPE, call_join(&calls[0]));
	EXPECT_EQ(-EPIPE, call_join(&calls[1]));
	before.receivers = 0;
	EXPECT_UNCHANGED(self->box.tx, &before);
}

TEST_F(hangup, wakes_a_sync_sender_whose_message_is_in_the_mailbox)
{
	struct mb_call call;

	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	call_put(&call, self->box.tx, 2, 0, MBOX_SYNC);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_senders(self->box.tx, 1));
	close(self->box.rx);
	EXPECT_EQ(-EPIPE, call_join(&call));
	EXPECT_EQ(1, mb_status(self->box.tx).queued);
}

TEST_F(hangup, duplicates_and_children_keep_a_side_alive)
{
	int copy = dup(self->box.tx), gate[2];
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe(gate));
	pid = child_fork();
	if (!pid) {
		close(gate[1]);
		close(self->box.rx);
		_exit(read(gate[0], &byte, 1));
	}
	close(gate[0]);
	close(self->box.tx);
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
	close(copy);
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
	close(gate[1]);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(-EPIPE, mb_take(self->box.rx, 0));
}

TEST_F(hangup, killed_peer_is_a_gone_peer)
{
	pid_t pid = child_fork();

	if (!pid) {
		close(self->box.rx);
		for (;;)
			pause();
	}
	close(self->box.tx);
	EXPECT_EQ(-EAGAIN, mb_take(self->box.rx, MBOX_NONBLOCK));
	kill(pid, SIGKILL);
	EXPECT_EQ(-EPIPE, mb_take(self->box.rx, 0));
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
}

TEST_F(hangup, descriptor_of_both_rights_is_its_own_peer)
{
	int fd;

	fd = mb_create_flags(NULL, 1, O_RDWR, MBOX_HANGUP);
	EXPECT_EQ(-EAGAIN, mb_take(fd, MBOX_NONBLOCK));
	EXPECT_EQ(0, mb_put(fd, 1, 0, 0));
	EXPECT_EQ(-EAGAIN, mb_put(fd, 1, 0, MBOX_NONBLOCK));
}

/* Who comes first waits for the other side, and is not told that it has gone. */
TEST_F(hangup, side_that_never_was_has_not_hung_up)
{
	const char *name = unique_name("hangup");
	struct mbox_ioc_create create = mb_template(name, 1, O_RDONLY);
	int rx, tx;

	create.flags = MBOX_HANGUP;
	rx = ctl(device(), MBOX_IOC_CREATE, &create);
	EXPECT_EQ(-EAGAIN, mb_take(rx, MBOX_NONBLOCK));
	tx = mb_open(name, O_WRONLY);
	close(tx);
	EXPECT_EQ(-EPIPE, mb_take(rx, MBOX_NONBLOCK));
	/* A new sender makes it whole again. */
	tx = mb_open(name, O_WRONLY);
	EXPECT_EQ(-EAGAIN, mb_take(rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, mb_put(tx, 5, 0, 0));
	EXPECT_EQ(5, mb_take(rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, mb_unlink(name));
	close(rx);
	close(tx);

	create.oflag = O_WRONLY;
	tx = ctl(device(), MBOX_IOC_CREATE, &create);
	EXPECT_EQ(0, mb_put(tx, 6, 0, 0));
	EXPECT_EQ(-EAGAIN, mb_put(tx, 6, 0, MBOX_NONBLOCK));
	rx = mb_open(name, O_RDONLY);
	EXPECT_EQ(6, mb_take(rx, 0));
	close(rx);
	EXPECT_EQ(-EPIPE, mb_put(tx, 6, 0, MBOX_NONBLOCK));
	EXPECT_EQ(0, mb_unlink(name));
}

/* Access mode 3 looks, and is neither of the sides. */
TEST_F(hangup, descriptor_of_no_right_is_no_peer)
{
	const char *name = unique_name("hangup.none");
	struct mbox_ioc_set set = { .fields = MBOX_SET_CAPACITY, .capacity = 2 };
	struct mbox_ioc_status status;
	int none, rx, tx;

	none = mb_create_flags(name, 1, O_ACCMODE, MBOX_HANGUP);
	ASSERT_LE(0, none);
	status = mb_status(none);
	EXPECT_EQ(0, status.senders + status.receivers);
	EXPECT_EQ(0, ctl(none, MBOX_IOC_SET, &set));
	EXPECT_EQ(2, mb_status(none).capacity);
	/* Nobody has been there yet: the first sender is not told that all have gone. */
	tx = mb_open(name, O_WRONLY);
	EXPECT_EQ(0, mb_put(tx, 1, 0, 0));
	rx = mb_open(name, O_RDONLY);
	EXPECT_EQ(1, mb_take(rx, 0));
	close(tx);
	EXPECT_EQ(-EPIPE, mb_take(rx, MBOX_NONBLOCK));
	EXPECT_EQ(0, mb_unlink(name));
}

TEST_F(hangup, is_not_told_where_it_was_not_asked_for)
{
	struct mb_ends box;

	ASSERT_EQ(0, mb_ends_open(&box, 1, 0));
	close(box.both);
	close(box.tx);
	EXPECT_EQ(-EAGAIN, mb_take(box.rx, MBOX_NONBLOCK));
	close(box.rx);
	ASSERT_EQ(0, mb_ends_open(&box, 1, 0));
	close(box.both);
	close(box.rx);
	EXPECT_EQ(0, mb_put(box.tx, 1, 0, 0));
	EXPECT_EQ(-EAGAIN, mb_put(box.tx, 1, 0, MBOX_NONBLOCK));
}

/* A mailbox is no file: what has no meaning for it is refused. */
TEST_F(mailbox, has_no_position_and_no_mapping)
{
	char byte = 0;

	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(-1, lseek(self->box.both, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pread(self->box.both, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwrite(self->box.both, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-ENODEV, map_errno(self->box.both, 1, PROT_READ, MAP_SHARED));
	EXPECT_EQ(1, mb_take(self->box.rx, MBOX_NONBLOCK));
}

TEST_F(mailbox, descriptor_travels_over_a_unix_socket)
{
	int sockets[2], rx = self->box.rx;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, mb_put(self->box.tx, 21, 0, 0));
	ASSERT_EQ(0, fd_send(sockets[0], rx));
	mb_ends_close(&self->box);
	IN_CHILD {
		int fd;

		ASSERT_EQ(0, become(USER_C, USER_C));
		fd = fd_recv(sockets[1]);
		ASSERT_LE(0, fd);
		EXPECT_EQ(21, mb_take(fd, MBOX_NONBLOCK));
		EXPECT_EQ(-EBADF, mb_put(fd, 1, 0, 0));
	}
}

#define MANY 10000

static int *open_many(int count)
{
	struct rlimit limit = { .rlim_cur = count + 100, .rlim_max = count + 100 };
	int *fds = calloc(count, sizeof(*fds)), i;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		return NULL;
	for (i = 0; i < count; i++) {
		fds[i] = mb_create(NULL, 1, O_RDWR);
		if (fds[i] < 0)
			return NULL;
	}
	return fds;
}

TEST_F(mailbox, ten_thousand_open_at_once)
{
	int *fds = open_many(MANY), i;

	ASSERT_TRUE(fds != NULL);
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(0, mb_put(fds[i], i, 0, MBOX_NONBLOCK));
	}
	for (i = 0; i < MANY; i += 97) {
		EXPECT_EQ(i, mb_take(fds[i], MBOX_NONBLOCK));
	}
	for (i = 0; i < MANY; i++)
		close(fds[i]);
}

/* Bytes of all slab objects in use, or of those of one cache. */
static long long slab_bytes(const char *cache)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	unsigned long long active, total, size;
	char line[512], name[64];
	long long sum = 0;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %llu %llu %llu", name, &active, &total, &size) == 4 &&
		    (!cache || !strcmp(name, cache)))
			sum += active * size;
	fclose(f);
	return sum;
}

static long long median_of_three(long long a, long long b, long long c)
{
	long long low = a < b ? a : b, high = a < b ? b : a;

	return c < low ? low : c > high ? high : c;
}

#define IDLE 2000

/* What one more open descriptor costs. They stay open: what is freed late would blur it. */
static long long cost_of_one(bool mailbox)
{
	long long before = slab_bytes(NULL);
	int i;

	for (i = 0; i < IDLE; i++)
		if ((mailbox ? mb_create(NULL, 1, O_RDWR) : open("/dev/mbox", O_RDWR)) < 0)
			return -errno;
	return (slab_bytes(NULL) - before) / IDLE;
}

/* A kernel that guards each object with memory around it says nothing about their size. */
static bool objects_are_guarded(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	bool guarded = false;
	char line[512];

	while (f && !guarded && fgets(line, sizeof(line), f))
		guarded = strstr(line, " __asan_load8");
	if (f)
		fclose(f);
	return guarded;
}

/* An open device is a struct file and no more; what a mailbox has beyond that is its own. */
TEST_F(mailbox, idle_one_costs_less_than_a_kilobyte_beyond_its_file)
{
	struct rlimit limit = { .rlim_cur = IDLE * 7, .rlim_max = IDLE * 7 };
	long long box[3], file[3];
	int i;

	if (slab_bytes(NULL) <= 0)
		SKIP(return, "no /proc/slabinfo: this kernel does not count slab objects");
	if (objects_are_guarded())
		SKIP(return, "KASAN puts red zones around all objects: sizes mean nothing here");
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	for (i = 0; i < 3; i++) {
		box[i] = cost_of_one(true);
		file[i] = cost_of_one(false);
		ASSERT_LT(0, box[i]);
		ASSERT_LT(0, file[i]);
	}
	box[0] = median_of_three(box[0], box[1], box[2]);
	file[0] = median_of_three(file[0], file[1], file[2]);
	TH_LOG("idle mailbox: %lld bytes; its file: %lld; beyond it: %lld",
	       box[0], file[0], box[0] - file[0]);
	EXPECT_LT(64, box[0] - file[0]);
	EXPECT_GT(1024, box[0] - file[0]);
}

#define DRAINED	20
#define SMALL	"kmalloc-cg-256"

/* Some memory is kept for messages to come, but not what there was for those that are gone. */
TEST_F(mailbox, drained_one_keeps_little_of_the_memory_of_its_messages)
{
	long long before = slab_bytes(SMALL), most = 0, kept;
	int i, n;

	if (before <= 0)
		SKIP(return, "no /proc/slabinfo: this kernel does not count slab objects");
	if (objects_are_guarded())
		SKIP(return, "KASAN puts red zones around all objects: sizes mean nothing here");
	for (i = 0; i < DRAINED; i++) {
		int fd = mb_create(NULL, MBOX_UNBOUNDED, O_RDWR);

		ASSERT_LE(0, fd);
		for (n = 0; n < 1000; n++)
			ASSERT_EQ(0, mb_put(fd, n, 0, 0));
		if (!i)
			most = slab_bytes(SMALL) - before;
		for (n = 0; n < 1000; n++)
			ASSERT_EQ(n, mb_take(fd, 0));
	}
	kept = (slab_bytes(SMALL) - before) / DRAINED;
	TH_LOG("1000 messages: %lld bytes; kept: %lld", most, kept);
	EXPECT_LT(200000, most);
	EXPECT_GT(32768, kept);
}

TEST_HARNESS_MAIN
