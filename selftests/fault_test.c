// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation, and every copy from and to user space, of every call fails once: by
 * /proc/thread-self/fail-nth the first, the second, and so on until the call meets none any
 * more. A call that fails by it has changed nothing. What it forgot to free, kmemleak finds.
 */
#include "common.h"
#include "harness.h"

#include <dirent.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mount.h>

#define FAIL_NTH "/proc/thread-self/fail-nth"
#define MOST	 200	/* more points of failure than any of the calls has */
#define LARGE	 (100 << 10)

FIXTURE(fault) {
	const char *fresh;
	const char *known;
	char dir[32];		/* where both are files */
	char fresh_path[128];
	char known_path[128];
	int box;
	int cast;		/* a broadcast, with one receiver: itself */
	int seg;
	int carrier;
	int stream;
	int pool;
	int lender;	/* one loan in it, and one that was received */
	__u64 delivery;	/* that one */
	int open;	/* descriptors */
	int fail_nth;
	struct mbox_ioc_status before;
	struct mbox_ioc_status carrier_before;
	struct mbox_ioc_status cast_before;
	struct mbox_ioc_status stream_before;
	struct mbox_ioc_status lender_before;
	struct mbox_ioc_segment_status seg_before;
	struct mbox_ioc_segment_status pool_before;
};

typedef FIXTURE_DATA(fault) fixture;

static char *large;

/* The kernel's defaults spare the allocations that could wait, which are nearly all. */
static void fail_them_all(void)
{
	static const char * const knobs[] = { "ignore-gfp-wait", "ignore-gfp-highmem" };
	static const char * const kinds[] = { "failslab", "fail_page_alloc" };
	char path[128];
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (k = 0; k < ARRAY_SIZE(knobs); k++) {
			snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kinds[i], knobs[k]);
			write_text(path, "N");
		}
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/verbose", kinds[i]);
		write_text(path, "0");
	}
	write_text("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	write_text("/sys/kernel/debug/fail_usercopy/verbose", "0");
}

static int pool_create(fixture *f)
{
	return seg_pool(NULL, LARGE, 4096);
}

static int lend(fixture *f, int buffer)
{
	struct mbox_loan loan = { .segment = f->pool, .offset = buffer * 4096, .length = 100 };

	return mb_send(f->lender, &loan, sizeof(loan), 0, MBOX_LOAN);
}

static int borrow(fixture *f)
{
	struct mbox_loan loan;
	struct mbox_ioc_msg msg = mb_msg(NULL, sizeof(loan), MBOX_LEASE | MBOX_LOAN);
	int ret;

	msg.buf = addr(&loan);
	ret = ctl(f->lender, MBOX_IOC_RECV, &msg);
	if (!ret)
		f->delivery = msg.delivery;
	return ret;
}

static void prepare_loans(struct __test_metadata *_metadata, fixture *f)
{
	close(f->lender);
	f->lender = mb_create(NULL, 4, O_RDWR | O_NONBLOCK);
	ASSERT_EQ(0, lend(f, 0));
	ASSERT_EQ(0, borrow(f));
	ASSERT_EQ(0, lend(f, 1));
	f->lender_before = mb_status(f->lender);
	f->pool_before = seg_status(f->pool);
}

FIXTURE_SETUP(fault)
{
	struct mbox_ioc_create create = mb_template(NULL, 4, O_RDWR | O_NONBLOCK);

	self->fail_nth = open(FAIL_NTH, O_RDWR);
	if (self->fail_nth < 0)
		SKIP(return, "no " FAIL_NTH ": this kernel cannot inject faults");
	fail_them_all();
	self->fresh = unique_name("fresh");
	self->known = unique_name("known");
	strcpy(self->dir, "/tmp/mboxfs.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, mount("none", self->dir, "mboxfs", 0, NULL));
	snprintf(self->fresh_path, sizeof(self->fresh_path), "%s/%s", self->dir, self->fresh);
	snprintf(self->known_path, sizeof(self->known_path), "%s/%s", self->dir, self->known);
	create.msgsize = LARGE;
	self->box = ctl(device(), MBOX_IOC_CREATE, &create);
	create.flags = MBOX_BROADCAST;
	self->cast = ctl(device(), MBOX_IOC_CREATE, &create);
	self->seg = seg_create(NULL, 1 << 20, O_RDWR);
	self->pool = pool_create(self);
	self->lender = -1;
	self->carrier = mb_carrier(4, O_RDWR | O_NONBLOCK);
	self->stream = st_create(NULL, O_RDWR | O_NONBLOCK);
	large = shared_memory(LARGE);
	memset(large, 1, LARGE);
	ASSERT_LE(0, self->box);
	ASSERT_LE(0, self->cast);
	ASSERT_LE(0, self->seg);
	ASSERT_LE(0, self->pool);
	ASSERT_LE(0, self->carrier);
	ASSERT_LE(0, self->stream);
	ASSERT_LE(0, mb_create(self->known, 1, O_RDWR));
}

FIXTURE_TEARDOWN(fault)
{
	mb_unlink(self->known);
	mb_unlink(self->fresh);
	umount(self->dir);
	rmdir(self->dir);
}

static int inject(fixture *f, int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", nth);

	return pwrite(f->fail_nth, text, length, 0) == length ? 0 : -errno;
}

/* Switches it off again, and tells whether there has been a fault. Even that can meet it. */
static bool injected(fixture *f)
{
	char text[16] = { 0 };

	while (pread(f->fail_nth, text, sizeof(text) - 1, 0) <= 0)
		;
	while (inject(f, 0))
		;
	return atoi(text) == 0;
}

/* Of three kinds, of which one is made for the receiver when it is sent. */
static int put_three(fixture *f)
{
	struct mbox_fd fds[3] = { { .fd = f->seg }, { .fd = f->carrier },
				  { .fd = f->box, .flags = MBOX_FD_SENDONLY } };

	return mb_put_fds(f->carrier, 3, fds, 3, 0);
}

static int take_three(fixture *f)
{
	struct mbox_fd fds[3];
	int ret = mb_take_fds(f->carrier, 3, fds, 3, 0), i;

	for (i = 0; i < ret; i++)
		close(fds[i].fd);
	return ret == 3 ? 0 : ret < 0 ? ret : -EIO;
}

/* One message in each mailbox, which have room for three more; one known name. */
static void prepare(struct __test_metadata *_metadata, fixture *f)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_LENGTH, .length = 1 << 20 };

	while (mb_recv(f->box, large, LARGE, 0) >= 0)
		;
	while (mb_recv(f->cast, large, LARGE, 0) >= 0)
		;
	while (take_three(f) >= 0)
		;
	while (st_get(f->stream, large, LARGE) >= 0)
		;
	mb_unlink(f->fresh);
	close(mb_create(f->known, 1, O_RDWR));
	ASSERT_EQ(0, ctl(f->seg, MBOX_IOC_SET, &set));
	ASSERT_EQ(0, mb_set_capacity(f->box, 4));
	ASSERT_EQ(0, mb_send(f->box, large, LARGE, 0, 0));
	ASSERT_EQ(0, mb_send(f->cast, large, LARGE, 0, 0));
	ASSERT_EQ(0, put_three(f));
	ASSERT_EQ(4096, st_put(f->stream, large, 4096));
	prepare_loans(_metadata, f);
	f->open = fds_open();
	f->before = mb_status(f->box);
	f->carrier_before = mb_status(f->carrier);
	f->cast_before = mb_status(f->cast);
	f->stream_before = mb_status(f->stream);
	f->seg_before = seg_status(f->seg);
}

static bool unchanged(fixture *f)
{
	struct mbox_ioc_segment_status segment = seg_status(f->seg);
	struct mbox_ioc_segment_status pool = seg_status(f->pool);
	int known = mb_open(f->known, O_RDONLY), fresh = mb_open(f->fresh, O_RDONLY);

	close(known);
	return mb_unchanged(f->box, &f->before) &&
	       mb_unchanged(f->carrier, &f->carrier_before) &&
	       mb_unchanged(f->cast, &f->cast_before) &&
	       mb_unchanged(f->stream, &f->stream_before) &&
	       mb_unchanged(f->lender, &f->lender_before) && fds_open() == f->open &&
	       !memcmp(&segment, &f->seg_before, sizeof(segment)) &&
	       !memcmp(&pool, &f->pool_before, sizeof(pool)) &&
	       known >= 0 && fresh == -ENOENT;
}

/* The calls. What makes a descriptor returns it, and it is closed by sweep(). */
static int create_anonymous(fixture *f)
{
	return mb_create(NULL, 1, O_RDWR);
}

static int create_named(fixture *f)
{
	return mb_create(f->fresh, 1, O_RDWR | O_EXCL);
}

static int create_existing(fixture *f)
{
	return mb_create(f->known, 1, O_RDWR);
}

static int create_broadcast(fixture *f)
{
	return mb_create_flags(f->fresh, 1, O_RDWR | O_EXCL, MBOX_BROADCAST);
}

static int create_tagged(fixture *f)
{
	return mb_create_flags(f->fresh, 1, O_RDWR | O_EXCL, MBOX_TAGGED);
}

static int create_stream(fixture *f)
{
	return st_create(f->fresh, O_RDWR | O_EXCL);
}

static int open_once_more(fixture *f)
{
	return mb_reopen(f->stream, O_RDONLY);
}

static int open_named(fixture *f)
{
	return mb_open(f->known, O_RDWR);
}

static int unlink_named(fixture *f)
{
	return mb_unlink(f->known);
}

static int create_segment(fixture *f)
{
	return seg_create(NULL, 1 << 20, O_RDWR);
}

static int create_segment_named(fixture *f)
{
	return seg_create(f->fresh, 1 << 20, O_RDWR | O_EXCL);
}

static int link_anonymous(fixture *f)
{
	int fd = mb_create(NULL, 1, O_RDWR), ret = fd < 0 ? fd : mb_link(fd, f->fresh);

	if (fd >= 0)
		close(fd);
	return ret;
}

static int set_capacity(fixture *f)
{
	return mb_set_capacity(f->box, 5);
}

static int set_length(fixture *f)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_LENGTH, .length = 2 << 20 };

	return ctl(f->seg, MBOX_IOC_SET, &set);
}

static int send_small(fixture *f)
{
	return mb_put(f->box, 1, 5, 0);
}

static int send_large(fixture *f)
{
	return mb_send(f->box, large, LARGE, 5, 0);
}

static int send_list(fixture *f)
{
	struct mbox_iovec iov[20] = { 0 };
	struct mbox_ioc_msg msg = mb_msg(iov, ARRAY_SIZE(iov), MBOX_IOV);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(iov); i++)
		iov[i] = (struct mbox_iovec) { addr(large + i * 5000), 5000 };
	return ctl(f->box, MBOX_IOC_SEND, &msg);
}

static int write_large(fixture *f)
{
	ssize_t ret = write(f->box, large, LARGE);

	return ret < 0 ? -errno : ret == LARGE ? 0 : -EIO;
}

static int receive_large(fixture *f)
{
	int ret = mb_recv(f->box, large, LARGE, 0);

	return ret == LARGE ? 0 : ret < 0 ? ret : -EIO;
}

static int send_to_all(fixture *f)
{
	return mb_send(f->cast, large, LARGE, 0, 0);
}

static int receive_of_all(fixture *f)
{
	int ret = mb_recv(f->cast, large, LARGE, 0);

	return ret == LARGE ? 0 : ret < 0 ? ret : -EIO;
}

static int receive_list(fixture *f)
{
	struct mbox_iovec iov[20] = { 0 };
	struct mbox_ioc_msg msg = mb_msg(iov, ARRAY_SIZE(iov), MBOX_IOV);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(iov); i++)
		iov[i] = (struct mbox_iovec) { addr(large + i * 5120), 5120 };
	return ctl(f->box, MBOX_IOC_RECV, &msg);
}

static int read_large(fixture *f)
{
	ssize_t ret = read(f->box, large, LARGE);

	return ret < 0 ? -errno : ret == LARGE ? 0 : -EIO;
}

static int write_stream(fixture *f)
{
	int ret = st_put(f->stream, large, MBOX_PIPE_BUF);

	return ret == MBOX_PIPE_BUF ? 0 : ret < 0 ? ret : -EIO;
}

/* Memory is allocated with the first byte, and as it becomes full. */
static int fill_stream(fixture *f)
{
	int fd = st_create(NULL, O_RDWR | O_NONBLOCK), ret = 0, i;

	if (fd < 0)
		return fd;
	for (i = 0; i < STREAM_SIZE / MBOX_PIPE_BUF && ret >= 0; i++)
		ret = st_put(fd, large, MBOX_PIPE_BUF);
	close(fd);
	return ret < 0 ? ret : 0;
}

static int join_streams(fixture *f)
{
	struct mbox_ioc_join join = { .out = f->stream, .oflag = O_RDWR };

	return ctl(f->stream, MBOX_IOC_JOIN, &join);
}

static int read_stream(fixture *f)
{
	int ret = st_get(f->stream, large, LARGE);

	return ret == MBOX_PIPE_BUF ? 0 : ret < 0 ? ret : -EIO;
}

static int peek(fixture *f)
{
	int ret = mb_recv(f->box, large, LARGE, MBOX_PEEK);

	return ret == LARGE ? 0 : ret < 0 ? ret : -EIO;
}

static int batch_of_one(fixture *f, unsigned long cmd)
{
	struct mbox_ioc_msg msg = mb_msg(large, LARGE, 0);
	struct mbox_ioc_batch batch = { .msgs = addr(&msg), .nr = 1, .msg_size = sizeof(msg) };
	int ret = ctl(f->box, cmd, &batch);

	return ret == 1 ? 0 : ret;
}

static int send_batch(fixture *f)
{
	return batch_of_one(f, MBOX_IOC_SEND_BATCH);
}

static int receive_batch(fixture *f)
{
	return batch_of_one(f, MBOX_IOC_RECV_BATCH);
}

static int notify(fixture *f)
{
	struct mbox_ioc_notify notify = { .signo = SIGUSR1 }, off = { 0 };
	int ret = ctl(f->box, MBOX_IOC_NOTIFY, &notify);

	while (!ret && ctl(f->box, MBOX_IOC_NOTIFY, &off))
		;
	return ret;
}

static int status(fixture *f)
{
	struct mbox_ioc_status status = { 0 };

	return ctl(f->box, MBOX_IOC_STATUS, &status);
}

static int segment_status(fixture *f)
{
	struct mbox_ioc_segment_status status = { 0 };

	return ctl(f->seg, MBOX_IOC_SEGMENT_STATUS, &status);
}

static int send_loan(fixture *f)
{
	return lend(f, 2);
}

static int copy_loan(fixture *f)
{
	int ret = mb_recv(f->lender, large, LARGE, 0);

	return ret < 0 ? ret : 0;
}

static int open_loan(fixture *f)
{
	struct mbox_ioc_loan loan = { .delivery = f->delivery };

	return ctl(f->lender, MBOX_IOC_LOAN, &loan);
}

static int read_map(fixture *f)
{
	__u64 map;
	struct mbox_ioc_lent lent = { .map = addr(&map), .nr = 1 };

	return ctl(f->pool, MBOX_IOC_LENT, &lent);
}

/* Complete or not at all; the fault can be left for the look at it. */
static int snapshot(fixture *f)
{
	struct mbox_ioc_status status = { };
	int fd = mb_snapshot(f->box);

	if (fd >= 0 && !ctl(fd, MBOX_IOC_STATUS, &status) && status.queued != 1)
		abort();
	return fd;
}

static int map(fixture *f)
{
	void *p = map_fd(f->seg, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED);

	if (!p)
		return -errno;
	while (munmap(p, 1 << 20))
		;
	return 0;
}

static int poll_both(fixture *f)
{
	struct pollfd fds[] = { { .fd = f->box, .events = POLLIN }, { .fd = f->seg } };

	return poll(fds, 2, 0) < 0 ? -errno : 0;
}

static int watch(fixture *f)
{
	struct epoll_event event = { .events = EPOLLIN };
	int ep = epoll_create1(0), ret;

	if (ep < 0)
		return -errno;
	ret = epoll_ctl(ep, EPOLL_CTL_ADD, f->box, &event) ? -errno : 0;
	close(ep);
	return ret;
}

static int open_file(fixture *f)
{
	int fd = open(f->known_path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int make_file(fixture *f)
{
	return mknod(f->fresh_path, S_IFREG | 0600, 0) ? -errno : 0;
}

static int make_fifo(fixture *f)
{
	return mkfifo(f->fresh_path, 0600) ? -errno : 0;
}

static int rename_file(fixture *f)
{
	return rename(f->known_path, f->fresh_path) ? -errno : 0;
}

static int remove_file(fixture *f)
{
	return unlink(f->known_path) ? -errno : 0;
}

static int look_at_file(fixture *f)
{
	struct stat st;

	return stat(f->known_path, &st) ? -errno : 0;
}

static int list_files(fixture *f)
{
	DIR *dir = opendir(f->dir);
	int found = 0, err;

	if (!dir)
		return -errno;
	errno = 0;
	while (readdir(dir))
		found++;
	err = errno;
	while (closedir(dir))
		;
	return err ? -err : found < 3 ? -EIO : 0;
}

static int mount_again(fixture *f)
{
	if (mount("none", f->dir, "mboxfs", 0, "capacity=1"))
		return -errno;
	while (umount(f->dir))
		;
	return 0;
}

static int read_table(fixture *f)
{
	char text[4096];
	int fd = open("/proc/net/mbox", O_RDONLY), ret;

	if (fd < 0)
		return -errno;
	ret = read(fd, text, sizeof(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static int read_fdinfo(fixture *f)
{
	char path[64], text[4096];
	int fd, ret;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", f->box);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -errno;
	ret = read(fd, text, sizeof(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static const struct fault_call {
	const char *name;
	int (*call)(fixture *f);
} calls[] = {
	{ "create_anonymous", create_anonymous },
	{ "create_named", create_named },
	{ "create_existing", create_existing },
	{ "create_broadcast", create_broadcast },
	{ "create_tagged", create_tagged },
	{ "create_stream", create_stream },
	{ "open_once_more", open_once_more },
	{ "open_named", open_named },
	{ "unlink_named", unlink_named },
	{ "create_segment", create_segment },
	{ "create_segment_named", create_segment_named },
	{ "link_anonymous", link_anonymous },
	{ "set_capacity", set_capacity },
	{ "set_length", set_length },
	{ "send_small", send_small },
	{ "send_large", send_large },
	{ "send_list", send_list },
	{ "write_large", write_large },
	{ "receive_large", receive_large },
	{ "send_to_all", send_to_all },
	{ "receive_of_all", receive_of_all },
	{ "receive_list", receive_list },
	{ "read_large", read_large },
	{ "write_stream", write_stream },
	{ "fill_stream", fill_stream },
	{ "read_stream", read_stream },
	{ "join_streams", join_streams },
	{ "send_descriptors", put_three },
	{ "receive_descriptors", take_three },
	{ "peek", peek },
	{ "send_batch", send_batch },
	{ "receive_batch", receive_batch },
	{ "notify", notify },
	{ "status", status },
	{ "segment_status", segment_status },
	{ "create_pool", pool_create },
	{ "send_loan", send_loan },
	{ "receive_loan", borrow },
	{ "copy_loan", copy_loan },
	{ "open_loan", open_loan },
	{ "read_map", read_map },
	{ "snapshot", snapshot },
	{ "map", map },
	{ "poll_both", poll_both },
	{ "watch", watch },
	{ "open_file", open_file },
	{ "make_file", make_file },
	{ "make_fifo", make_fifo },
	{ "rename_file", rename_file },
	{ "remove_file", remove_file },
	{ "look_at_file", look_at_file },
	{ "list_files", list_files },
	{ "mount_again", mount_again },
	{ "read_table", read_table },
	{ "read_fdinfo", read_fdinfo },
};

static bool explained(int ret)
{
	return ret == -ENOMEM || ret == -EFAULT || ret == -ENFILE || ret == -EMFILE ||
	       ret == -EAGAIN;
}

/*
 * Returns how many of the call's points of failure made it fail. The points are not the same
 * each time, as caches fill and drain: only several misses on end are the end.
 */
static int sweep(struct __test_metadata *_metadata, fixture *f, const struct fault_call *c)
{
	int nth, failures = 0, misses = 0;

	for (nth = 1; nth < MOST && misses < 3; nth++) {
		bool hit;
		int ret;

		prepare(_metadata, f);
		ASSERT_EQ(0, inject(f, nth));
		ret = c->call(f);
		hit = injected(f);
		if (ret > 0)
			close(ret);
		if (ret < 0) {
			failures++;
			EXPECT_TRUE(hit && explained(ret) && unchanged(f))
				TH_LOG("%s, point %d: %d", c->name, nth, ret);
		}
		misses = hit ? 0 : misses + 1;
	}
	EXPECT_EQ(3, misses)
		TH_LOG("%s", c->name);
	return failures;
}

TEST_F(fault, every_point_of_every_call)
{
	const struct fault_call *c;
	int failures = 0;

	for (c = calls; c < calls + ARRAY_SIZE(calls); c++) {
		int here = sweep(_metadata, self, c);

		TH_LOG("%s failed at %d points", c->name, here);
		failures += here;
	}
	/* Were there none, the faults would not have been injected at all. */
	EXPECT_LT(20, failures);
}

/* A receiver waits: the message goes to it by hand, or it goes on waiting. */
TEST_F(fault, hand_off_to_a_waiting_receiver)
{
	int box = mb_create(NULL, 0, O_RDWR), nth;
	bool hit = true;

	for (nth = 1; nth < MOST && hit; nth++) {
		struct mb_call call;
		int ret;

		call_take(&call, box, 0);
		ASSERT_EQ(0, call_start(&call));
		ASSERT_TRUE(wait_receivers(box, 1));
		ASSERT_EQ(0, inject(self, nth));
		ret = mb_put(box, nth, 0, MBOX_NONBLOCK);
		hit = injected(self);
		if (ret) {
			EXPECT_TRUE(explained(ret));
			EXPECT_EQ(1, mb_status(box).waiting_receivers);
			EXPECT_EQ(0, mb_put(box, nth, 0, 0));
		}
		EXPECT_EQ(0, call_join(&call));
		EXPECT_EQ(nth, call.number);
	}
	EXPECT_FALSE(hit);
}

static int rendezvous_of_pages(void)
{
	struct mbox_ioc_create create = mb_template(NULL, 0, O_RDWR);

	create.msgsize = LARGE;
	return ctl(device(), MBOX_IOC_CREATE, &create);
}

/* The same of a large message, by the pages that it is in. */
TEST_F(fault, hand_off_of_pages)
{
	char *out = shared_memory(LARGE);
	int box = rendezvous_of_pages(), nth;
	bool hit = true;

	memset(out, 0, LARGE);
	for (nth = 1; nth < MOST && hit; nth++) {
		struct mb_call call;
		int ret;

		call_take(&call, box, 0);
		call.msg.buf = addr(out);
		call.msg.len = LARGE;
		ASSERT_EQ(0, call_start(&call));
		ASSERT_TRUE(wait_receivers(box, 1));
		memset(large, nth, LARGE);
		ASSERT_EQ(0, inject(self, nth));
		ret = mb_send(box, large, LARGE, 0, 0);
		hit = injected(self);
		if (ret) {
			EXPECT_TRUE(explained(ret));
			EXPECT_EQ(1, mb_status(box).waiting_receivers);
			EXPECT_EQ(0, mb_send(box, large, LARGE, 0, 0));
		}
		EXPECT_EQ(0, call_join(&call));
		EXPECT_EQ(0, memcmp(large, out, LARGE));
	}
	EXPECT_FALSE(hit);
}

/* And where the receiver fails to copy it, and gets it by another way. */
TEST_F(fault, hand_off_of_pages_to_one_that_fails)
{
	char *out = shared_memory(LARGE);
	int box = rendezvous_of_pages(), nth;
	bool hit = true;

	memset(out, 0, LARGE);
	for (nth = 1; nth < MOST && hit; nth++) {
		pid_t sender;
		int ret;

		memset(large, nth, LARGE);
		sender = child_fork();
		if (!sender)
			_exit(!wait_receivers(box, 1) || mb_send(box, large, LARGE, 0, 0));
		ASSERT_EQ(0, inject(self, nth));
		ret = mb_recv(box, out, LARGE, 0);
		hit = injected(self);
		if (ret < 0) {
			EXPECT_TRUE(explained(ret));
			ret = mb_recv(box, out, LARGE, 0);
		}
		EXPECT_EQ(LARGE, ret);
		EXPECT_EQ(0, memcmp(large, out, LARGE));
		EXPECT_EQ(0, child_wait(sender));
	}
	EXPECT_FALSE(hit);
}

/* A lease takes the bytes out of the pages of a sender that waits, or leaves them there. */
TEST_F(fault, lease_from_a_sender_that_waits_with_pages)
{
	struct mbox_ioc_ack ack = { 0 };
	char *out = shared_memory(LARGE);
	int box = rendezvous_of_pages(), nth;
	bool hit = true;

	for (nth = 1; nth < MOST && hit; nth++) {
		struct mbox_ioc_msg msg = mb_msg(out, LARGE, MBOX_LEASE | MBOX_NONBLOCK);
		pid_t sender;
		int ret;

		memset(large, nth, LARGE);
		sender = child_fork();
		if (!sender)
			_exit(mb_send(box, large, LARGE, 0, 0) != 0);
		ASSERT_TRUE(wait_senders(box, 1));
		ASSERT_EQ(0, inject(self, nth));
		ret = ctl(box, MBOX_IOC_RECV, &msg);
		hit = injected(self);
		if (ret) {
			EXPECT_TRUE(explained(ret));
			EXPECT_EQ(1, mb_status(box).waiting_senders);
			msg = mb_msg(out, LARGE, MBOX_LEASE | MBOX_NONBLOCK);
			ASSERT_EQ(0, ctl(box, MBOX_IOC_RECV, &msg));
		}
		EXPECT_EQ(0, child_wait(sender));
		EXPECT_EQ(0, memcmp(large, out, LARGE));
		ack.delivery = msg.delivery;
		EXPECT_EQ(0, ctl(box, MBOX_IOC_ACK, &ack));
	}
	EXPECT_FALSE(hit);
}

/* The other side of it: a waiting sender, whose message is taken or stays. */
TEST_F(fault, take_from_a_waiting_sender)
{
	int box = mb_create(NULL, 0, O_RDWR), nth;
	bool hit = true;

	for (nth = 1; nth < MOST && hit; nth++) {
		struct mb_call call;
		int ret;

		call_put(&call, box, nth, 0, 0);
		ASSERT_EQ(0, call_start(&call));
		ASSERT_TRUE(wait_senders(box, 1));
		ASSERT_EQ(0, inject(self, nth));
		ret = mb_take(box, 0);
		hit = injected(self);
		if (ret < 0) {
			EXPECT_TRUE(explained(ret));
			EXPECT_FALSE(call_done(&call));
			ret = mb_take(box, 0);
		}
		EXPECT_EQ(nth, ret);
		EXPECT_EQ(0, call_join(&call));
	}
	EXPECT_FALSE(hit);
}

TEST_HARNESS_MAIN
