// SPDX-License-Identifier: GPL-2.0
/* libmbox's way to /dev/mbox: what a process does to itself must not break it. */
#include "common.h"
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>

#include <mbox/mbox.h>

/* Of a fixture, so that the checks of children count: what TEST() makes is not shared with them. */
FIXTURE(device) {
	char name[64];
};

FIXTURE_SETUP(device)
{
	umask(0);
	snprintf(self->name, sizeof(self->name), "/%s", unique_name("device"));
}

FIXTURE_TEARDOWN(device)
{
}

/* What each call that opens the device says. */
static int each_call(int which)
{
	struct mbox_segment *seg;
	struct mbox *mb;
	int ret;

	switch (which) {
	case 0:
		ret = mbox_create(&mb, NULL, O_RDWR, 0600, NULL);
		if (!ret)
			mbox_close(mb);
		return ret;
	case 1:
		ret = mbox_open(&mb, "/nobody.has.this", O_RDWR);
		return ret == -ENOENT ? 0 : ret;
	case 2:
		ret = mbox_unlink("/nobody.has.this");
		return ret == -ENOENT ? 0 : ret;
	case 3:
		ret = mbox_segment_create(&seg, NULL, O_RDWR, 0600, 1, 0);
		if (!ret)
			mbox_segment_close(seg);
		return ret;
	default:
		ret = mbox_segment_open(&seg, "/nobody.has.this", O_RDWR);
		return ret == -ENOENT ? 0 : ret;
	}
}

#define CALLS	5
#define EXPECT_EACH_CALL(expected) do {					\
	for (int which_ = 0; which_ < CALLS; which_++) {		\
		EXPECT_EQ(expected, each_call(which_))			\
			TH_LOG("call %d", which_);			\
	}								\
} while (0)

TEST_F(device, works_again_after_every_descriptor_was_closed)
{
	EXPECT_EACH_CALL(0);
	IN_CHILD {
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		EXPECT_EACH_CALL(0);
	}
}

TEST_F(device, follows_the_process_into_another_network_namespace)
{
	const char *name = self->name;
	struct mbox *mb;

	ASSERT_EQ(0, mbox_create(&mb, name, O_RDWR | O_EXCL, 0600, NULL));
	IN_CHILD {
		struct mbox *inside;

		EXPECT_EQ(0, mbox_open(&inside, name, O_RDWR));
		EXPECT_EQ(0, unshare(CLONE_NEWNET));
		EXPECT_EQ(-ENOENT, mbox_open(&inside, name, O_RDWR));
		EXPECT_EQ(-ENOENT, mbox_unlink(name));
		EXPECT_EQ(0, mbox_create(&inside, name, O_RDWR | O_EXCL, 0600, NULL));
		/* The handle from outside goes on with its own mailbox. */
		EXPECT_EQ(0, mbox_send(mb, "out", 3, 0));
		EXPECT_EQ(0, mbox_unlink(name));
	}
	EXPECT_EQ(3, mb_recv(mbox_fd(mb), &(char [8]){}, 8, MBOX_NONBLOCK));
	EXPECT_EQ(0, mbox_unlink(name));
	mbox_close(mb);
}

TEST_F(device, a_handle_works_on_both_sides_of_fork)
{
	char data[8];
	struct mbox_message msg = { .data = data, .size = sizeof(data) };
	struct mbox *mb;

	ASSERT_EQ(0, mbox_create(&mb, NULL, O_RDWR, 0600, NULL));
	IN_CHILD {
		EXPECT_EQ(0, mbox_send(mb, "child", 5, 0));
		mbox_close(mb);
	}
	EXPECT_EQ(0, mbox_recv(mb, &msg));
	EXPECT_EQ(5, msg.length);
	EXPECT_NE(getpid(), msg.pid);
	mbox_close(mb);
}

TEST_F(device, leaves_no_descriptor_behind)
{
	int lowest = dup(0);

	close(lowest);
	EXPECT_EACH_CALL(0);
	EXPECT_EQ(lowest, dup(0));
	close(lowest);
}

static int lend_nothing(void)
{
	struct mbox_pool *pool;
	void *buffer;
	int ret = mbox_pool_create(&pool, 64, 1);

	if (ret)
		return ret;
	ret = mbox_pool_get(pool, &buffer, 0, 0);
	if (!ret && mbox_pool_get(pool, &buffer, 0, mbox_deadline_in(1000000)) != -ETIMEDOUT)
		ret = -EPROTO;
	mbox_pool_destroy(pool);
	return ret;
}

static int send_through_ring(void)
{
	const struct mbox_attr attr = { .capacity = 1, .msgsize = 64, .flags = MBOX_RINGS };
	struct mbox_message msg = { 0 };
	struct mbox *mb;
	int ret = mbox_create(&mb, NULL, O_RDWR, 0600, &attr);

	if (ret)
		return ret;
	ret = mbox_ring(mb, MBOX_RING_MIN) ?: mbox_send(mb, NULL, 0, 0) ?: mbox_recv(mb, &msg);
	mbox_close(mb);
	return ret;
}

struct calls {
	int bad;
	bool done;
};

static void *call_all(void *arg)
{
	struct calls *calls = arg;
	int which;

	pthread_cancel(pthread_self());
	for (which = 0; which < CALLS; which++)
		calls->bad |= each_call(which);
	calls->bad |= lend_nothing() | send_through_ring();
	calls->done = true;
	pthread_testcancel();
	return NULL;
}

TEST_F(device, no_call_is_a_cancellation_point)
{
	struct calls calls = { 0 };
	int before = fds_open();
	pthread_t thread;
	void *end;

	ASSERT_EQ(0, pthread_create(&thread, NULL, call_all, &calls));
	ASSERT_EQ(0, pthread_join(thread, &end));
	EXPECT_EQ(PTHREAD_CANCELED, end);
	EXPECT_TRUE(calls.done);
	EXPECT_EQ(0, calls.bad);
	EXPECT_EQ(before, fds_open());
}

/* A root directory of its own, with another /dev/mbox, or none. */
static int enter_root(mode_t mode, dev_t dev)
{
	char path[] = "/tmp/root.XXXXXX";

	umask(0);
	if (!mkdtemp(path) || chmod(path, 0755) || chroot(path) || chdir("/") || mkdir("dev", 0755))
		return -errno;
	if (mode && mknod("/dev/mbox", mode, dev))
		return -errno;
	return 0;
}

TEST_F(device, without_the_device_it_is_enodev)
{
	IN_CHILD {
		ASSERT_EQ(0, enter_root(0, 0));
		EXPECT_EACH_CALL(-ENODEV);
	}
}

TEST_F(device, without_the_module_it_is_enodev)
{
	IN_CHILD {
		/* A number that no driver has taken. */
		ASSERT_EQ(0, enter_root(S_IFCHR | 0666, makedev(10, 254)));
		EXPECT_EACH_CALL(-ENODEV);
	}
}

TEST_F(device, another_device_in_its_place_is_enotty)
{
	IN_CHILD {
		ASSERT_EQ(0, enter_root(S_IFREG | 0666, 0));
		EXPECT_EACH_CALL(-ENOTTY);
	}
}

TEST_F(device, without_permission_for_the_device_it_is_eacces)
{
	struct stat st;

	ASSERT_EQ(0, stat("/dev/mbox", &st));
	IN_CHILD {
		ASSERT_EQ(0, enter_root(S_IFCHR | 0600, st.st_rdev));
		EXPECT_EACH_CALL(0);
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EACH_CALL(-EACCES);
	}
}

TEST_F(device, too_many_descriptors_is_emfile_and_makes_nothing)
{
	const char *name = self->name;

	IN_CHILD {
		int next = dup(0);
		struct rlimit limit = { next, next };
		struct mbox *mb;

		close(next);
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
		EXPECT_EACH_CALL(-EMFILE);

		/* One for the device, none for the object. */
		limit = (struct rlimit){ next + 1, next + 1 };
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
		EXPECT_EQ(-EMFILE, mbox_create(&mb, name, O_RDWR, 0600, NULL));
		EXPECT_EQ(-ENOENT, mbox_unlink(name));
	}
}

TEST_F(device, too_many_files_is_enfile)
{
	char before[32];

	ASSERT_LT(0, read_text("/proc/sys/fs/file-max", before, sizeof(before)));
	IN_CHILD {
		EXPECT_EQ(0, become(USER_A, USER_A));
		EXPECT_EACH_CALL(0);
	}
	ASSERT_EQ(0, write_text("/proc/sys/fs/file-max", "0"));
	IN_CHILD {
		EXPECT_EQ(0, become(USER_A, USER_A));
		EXPECT_EACH_CALL(-ENFILE);
	}
	EXPECT_EQ(0, write_text("/proc/sys/fs/file-max", before));
}

struct many {
	const char *name;
	int failed;
};

static void *open_and_close(void *arg)
{
	struct many *many = arg;
	int i;

	for (i = 0; i < 200; i++) {
		struct mbox *mb;

		if (mbox_open(&mb, many->name, O_RDWR)) {
			many->failed++;
			continue;
		}
		mbox_close(mb);
	}
	return NULL;
}

TEST_F(device, many_threads_open_and_close_at_once)
{
	struct many many[4];
	pthread_t threads[ARRAY_SIZE(many)];
	struct mbox_status status;
	struct mbox *mb;
	size_t i;

	ASSERT_EQ(0, mbox_create(&mb, self->name, O_RDWR, 0600, NULL));
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		many[i] = (struct many){ .name = self->name };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, open_and_close, &many[i]));
	}
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, many[i].failed);
	}
	EXPECT_EQ(0, mbox_status(mb, &status));
	EXPECT_EQ(1, status.senders);
	EXPECT_EQ(1, status.receivers);
	EXPECT_EQ(0, mbox_unlink(self->name));
	mbox_close(mb);
}

TEST_HARNESS_MAIN
