// SPDX-License-Identifier: GPL-2.0
/*
 * mboxfs: each name is a file and each file a name, and programs that know nothing of mbox use
 * them by open(2), mkfifo(3), rename(2) and so on.
 */
#include "common.h"
#include "harness.h"

#include <dirent.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#define OPTIONS	"capacity=2,msgsize=100"

FIXTURE(fs) {
	char dir[32];
	char path[320];
	char other[320];
	const char *name;
	char buf[200];
};

static const char *file(FIXTURE_DATA(fs) *self, const char *name)
{
	snprintf(self->path, sizeof(self->path), "%s/%s", self->dir, name);
	return self->path;
}

static const char *other_file(FIXTURE_DATA(fs) *self, const char *name)
{
	snprintf(self->other, sizeof(self->other), "%s/%s", self->dir, name);
	return self->other;
}

static int mount_at(const char *dir, const char *options)
{
	return mount("none", dir, "mboxfs", 0, options) ? -errno : 0;
}

FIXTURE_SETUP(fs)
{
	strcpy(self->dir, "/tmp/mboxfs.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL));
	ASSERT_EQ(0, mount_at(self->dir, OPTIONS));
	self->name = unique_name("file");
	umask(0);
	signal(SIGPIPE, SIG_IGN);
}

FIXTURE_TEARDOWN(fs)
{
	mb_unlink(self->name);
	EXPECT_EQ(0, umount(self->dir));
	rmdir(self->dir);
}

static int open_errno(const char *path, int oflag, mode_t mode)
{
	int fd = open(path, oflag | O_CLOEXEC, mode);

	return fd < 0 ? -errno : fd;
}

static struct stat stat_of(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		memset(&st, 0, sizeof(st));
	return st;
}

static int errno_of(int ret)
{
	return ret ? -errno : 0;
}

TEST_F(fs, a_name_is_a_file)
{
	int fd = mb_create(self->name, 4, O_RDWR);
	struct stat st = stat_of(file(self, self->name));

	EXPECT_EQ(S_IFREG | 0666, st.st_mode);
	EXPECT_EQ(0, st.st_size);
	EXPECT_EQ(sysconf(_SC_PAGESIZE), st.st_blksize);
	EXPECT_EQ(geteuid(), st.st_uid);
	ASSERT_EQ(0, mb_send(fd, "hello", 5, 0, 0));
	ASSERT_EQ(0, mb_send(fd, "you", 3, 0, 0));
	EXPECT_EQ(8, stat_of(self->path).st_size);
	ASSERT_EQ(0, mb_unlink(self->name));
	EXPECT_EQ(-ENOENT, open_errno(self->path, O_RDWR, 0));
	close(fd);
}

TEST_F(fs, a_file_is_a_name)
{
	int fd = open_errno(file(self, self->name), O_RDWR | O_CREAT | O_EXCL, 0640);
	int other = mb_open(self->name, O_RDWR);
	struct mbox_ioc_status status = mb_status(fd);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, other);
	EXPECT_EQ(2, status.capacity);
	EXPECT_EQ(100, status.msgsize);
	EXPECT_EQ(0640, status.mode);
	EXPECT_EQ(status.id, mb_status(other).id);
	EXPECT_EQ(-EEXIST, open_errno(self->path, O_RDWR | O_CREAT | O_EXCL, 0640));
	EXPECT_EQ(-EEXIST, mb_create(self->name, 1, O_RDWR | O_EXCL));
	EXPECT_EQ(0, unlink(self->path));
	EXPECT_EQ(-ENOENT, mb_open(self->name, O_RDWR));
	EXPECT_EQ(0, mb_put(fd, 1, 0, 0));
	EXPECT_EQ(1, mb_take(other, 0));
	close(fd);
	close(other);
}

TEST_F(fs, read_and_write_are_messages)
{
	int fd = open_errno(file(self, self->name), O_RDWR | O_CREAT, 0600);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	EXPECT_EQ(0, poll(&pfd, 1, 0));
	EXPECT_EQ(5, st_put(fd, "hello", 5));
	EXPECT_EQ(3, st_put(fd, "you", 3));
	EXPECT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(5, st_get(fd, self->buf, 100));
	EXPECT_EQ(3, st_get(fd, self->buf, 100));
	EXPECT_EQ(-EMSGSIZE, st_put(fd, self->buf, 101));
	EXPECT_EQ(-1, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	close(fd);
	/* It is open no more, and yet there. */
	fd = open_errno(self->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	EXPECT_EQ(1, st_put(fd, "a", 1));
	close(fd);
	fd = open_errno(self->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	EXPECT_EQ(1, st_put(fd, "b", 1));
	EXPECT_EQ(2, stat_of(self->path).st_size);
	EXPECT_EQ(-EBADF, st_get(fd, self->buf, 1));
	close(fd);
	fd = open_errno(self->path, O_RDONLY | O_NONBLOCK, 0);
	EXPECT_EQ(1, st_get(fd, self->buf, 9));
	EXPECT_EQ('a', self->buf[0]);
	EXPECT_EQ(1, st_get(fd, self->buf, 9));
	EXPECT_EQ(-EAGAIN, st_get(fd, self->buf, 9));
	EXPECT_EQ(-EBADF, st_put(fd, self->buf, 1));
	close(fd);
}

/* With one descriptor for both, as a shell's <> opens it. */
TEST_F(fs, a_blocked_read_does_not_keep_a_write)
{
	int fd = open_errno(file(self, self->name), O_RDWR | O_CREAT, 0600);
	struct st_call call = { .run = st_call_get, .fd = fd, .buf = self->buf, .len = 9 };

	ASSERT_EQ(0, st_call_start(&call));
	ASSERT_TRUE(wait_receivers(fd, 1));
	EXPECT_EQ(2, st_put(fd, "go", 2));
	EXPECT_EQ(2, st_call_join(&call));
	close(fd);
}

static ssize_t open_path(struct st_call *call)
{
	return open_errno(call->name, call->oflag, 0);
}

TEST_F(fs, mkfifo_makes_a_stream)
{
	struct st_call call = { .run = open_path, .oflag = O_WRONLY };
	int rx, look;

	ASSERT_EQ(0, mkfifo(file(self, self->name), 0644));
	EXPECT_EQ(S_IFIFO | 0644, stat_of(self->path).st_mode);
	EXPECT_EQ(-EEXIST, errno_of(mkfifo(self->path, 0644)));
	EXPECT_EQ(-ENXIO, open_errno(self->path, O_WRONLY | O_NONBLOCK, 0));
	look = st_open(self->name, O_RDWR | O_WRONLY);
	EXPECT_EQ(STREAM_SIZE, mb_status(look).capacity);
	call.name = self->path;
	ASSERT_EQ(0, st_call_start(&call));
	ASSERT_TRUE(wait_until(mb_status(look).senders == 1));
	EXPECT_FALSE(st_call_done(&call));
	rx = open_errno(self->path, O_RDONLY, 0);
	ASSERT_LE(0, rx);
	ASSERT_LE(0, st_call_join(&call));
	EXPECT_EQ(4, st_put(call.ret, "data", 4));
	EXPECT_EQ(4, stat_of(self->path).st_size);
	close(call.ret);
	EXPECT_EQ(4, st_get(rx, self->buf, 9));
	EXPECT_EQ(0, st_get(rx, self->buf, 9));
	close(rx);
	close(look);
}

static void on_signal(int sig)
{
}

TEST_F(fs, a_signal_ends_the_wait_of_an_open)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct st_call call = { .run = open_path, .oflag = O_RDONLY };
	int look, before;

	device();
	before = fds_open();
	sigaction(SIGUSR1, &action, NULL);
	ASSERT_EQ(0, mkfifo(file(self, self->name), 0644));
	look = st_open(self->name, O_RDWR | O_WRONLY);
	call.name = self->path;
	ASSERT_EQ(0, st_call_start(&call));
	ASSERT_TRUE(wait_until(mb_status(look).receivers == 1));
	EXPECT_TRUE(wait_until((pthread_kill(call.thread, SIGUSR1),
				usleep(1000), st_call_done(&call))));
	EXPECT_EQ(-EINTR, st_call_join(&call));
	EXPECT_EQ(0, mb_status(look).receivers);
	close(look);
	EXPECT_EQ(before, fds_open());
}

TEST_F(fs, segments_can_be_mapped_and_cut)
{
	int seg = seg_create(self->name, 8192, O_RDWR), fd;
	char *a, *b;

	ASSERT_LE(0, seg);
	EXPECT_EQ(8192, stat_of(file(self, self->name)).st_size);
	EXPECT_EQ(-EINVAL, open_errno(self->path, O_WRONLY, 0));
	fd = open_errno(self->path, O_RDWR, 0);
	ASSERT_LE(0, fd);
	a = map_fd(seg, 8192, PROT_READ | PROT_WRITE, MAP_SHARED);
	b = map_fd(fd, 8192, PROT_READ, MAP_SHARED);
	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	strcpy(a, "shared");
	EXPECT_STREQ("shared", b);
	EXPECT_EQ(2, seg_status(fd).attached);
	munmap(a, 8192);
	munmap(b, 8192);
	EXPECT_EQ(0, truncate(self->path, 4096));
	EXPECT_EQ(4096, seg_status(seg).length);
	EXPECT_EQ(0, truncate(self->path, 0));
	EXPECT_EQ(0, stat_of(self->path).st_size);
	EXPECT_EQ(0, truncate(self->path, 4096));
	close(fd);
	fd = open_errno(self->path, O_RDONLY, 0);
	EXPECT_EQ(-EACCES, map_errno(fd, 4096, PROT_READ | PROT_WRITE, MAP_SHARED));
	close(fd);
	close(seg);
}

TEST_F(fs, a_mailbox_cannot_be_cut)
{
	int fd = open_errno(file(self, self->name), O_RDWR | O_CREAT, 0600);

	ASSERT_EQ(1, st_put(fd, "x", 1));
	EXPECT_EQ(-EINVAL, errno_of(truncate(self->path, 0)));
	EXPECT_EQ(1, mb_status(fd).queued);
	close(fd);
}

TEST_F(fs, owner_and_mode_are_those_of_the_object)
{
	int fd = mb_create(self->name, 1, O_RDWR);
	struct mbox_ioc_set set = { .fields = MBOX_SET_MODE, .mode = 0604 };

	EXPECT_EQ(0, chmod(file(self, self->name), 0620));
	EXPECT_EQ(0620, mb_status(fd).mode);
	EXPECT_EQ(0, chown(self->path, USER_A, USER_B));
	EXPECT_EQ(USER_A, mb_status(fd).uid);
	EXPECT_EQ(USER_B, mb_status(fd).gid);
	ASSERT_EQ(0, ctl(fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(S_IFREG | 0604, stat_of(self->path).st_mode);
	IN_CHILD {
		if (become(USER_C, USER_C))
			_exit(1);
		EXPECT_EQ(-EACCES, open_errno(self->path, O_WRONLY, 0));
		EXPECT_LE(0, open_errno(self->path, O_RDONLY, 0));
		EXPECT_EQ(-EPERM, errno_of(chmod(self->path, 0666)));
		EXPECT_EQ(-EPERM, errno_of(chown(self->path, USER_C, USER_C)));
		EXPECT_EQ(-EPERM, errno_of(unlink(self->path)));
		EXPECT_EQ(-EPERM, errno_of(rename(self->path, other_file(self, "mine"))));
	}
	IN_CHILD {
		if (become(USER_A, USER_A))
			_exit(1);
		EXPECT_EQ(-EACCES, errno_of(rename(self->path, other_file(self, "stream:80"))));
		EXPECT_EQ(-EACCES, errno_of(mkfifo(self->other, 0600)));
		EXPECT_EQ(-EACCES, open_errno(self->other, O_RDWR | O_CREAT, 0600));
		EXPECT_EQ(0, chmod(self->path, 0600));
		EXPECT_EQ(0, unlink(self->path));
	}
	EXPECT_EQ(0600, mb_status(fd).mode);
	close(fd);
}

TEST_F(fs, rename_moves_the_name)
{
	int fd = open_errno(file(self, self->name), O_RDWR | O_CREAT, 0600), other;
	char to[64];

	strcpy(to, unique_name("renamed"));
	EXPECT_EQ(0, rename(self->path, other_file(self, to)));
	EXPECT_EQ(-ENOENT, mb_open(self->name, O_RDWR));
	EXPECT_EQ(-ENOENT, errno_of(access(self->path, F_OK)));
	other = mb_open(to, O_RDWR);
	ASSERT_LE(0, other);
	EXPECT_EQ(mb_status(fd).id, mb_status(other).id);
	close(other);
	/* Over another, which goes on for who has it open. */
	other = open_errno(self->path, O_RDWR | O_CREAT, 0600);
	EXPECT_EQ(-EEXIST, errno_of(renameat2(AT_FDCWD, self->other, AT_FDCWD, self->path,
					      RENAME_NOREPLACE)));
	EXPECT_EQ(-EINVAL, errno_of(renameat2(AT_FDCWD, self->other, AT_FDCWD, self->path,
					      RENAME_EXCHANGE)));
	EXPECT_EQ(0, rename(self->other, self->path));
	EXPECT_EQ(-ENOENT, mb_open(to, O_RDWR));
	EXPECT_EQ(0, mb_put(other, 5, 0, 0));
	EXPECT_EQ(5, mb_take(other, 0));
	close(other);
	other = mb_open(self->name, O_RDWR);
	EXPECT_EQ(mb_status(fd).id, mb_status(other).id);
	close(other);
	close(fd);
}

static int count_names(const char *dir, const char *prefix, const char *name, int *found)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int n = 0;

	*found = 0;
	if (!d)
		return -errno;
	while ((entry = readdir(d))) {
		n += !strncmp(entry->d_name, prefix, strlen(prefix));
		*found += !strcmp(entry->d_name, name) && entry->d_type == DT_FIFO;
	}
	closedir(d);
	return n;
}

TEST_F(fs, a_directory_lists_each_name_once)
{
	int anonymous = mb_create(NULL, 1, O_RDWR), i, found;
	char name[64], prefix[64];

	strcpy(prefix, unique_name("many"));
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "%s.%d", prefix, i);
		if (i % 3 == 1)
			mkfifo(file(self, name), 0600);
		else if (i % 3)
			close(open_errno(file(self, name), O_RDWR | O_CREAT, 0600));
		else
			close(seg_create(name, 4096, O_RDWR));
	}
	snprintf(name, sizeof(name), "%s.100", prefix);
	EXPECT_EQ(300, count_names(self->dir, prefix, name, &found));
	EXPECT_EQ(1, found);
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "%s.%d", prefix, i);
		EXPECT_EQ(0, i % 2 ? unlink(file(self, name)) : mb_unlink(name));
	}
	EXPECT_EQ(0, count_names(self->dir, prefix, name, &found));
	close(anonymous);
}

TEST_F(fs, there_is_nothing_else)
{
	EXPECT_EQ(-EPERM, errno_of(mkdir(file(self, self->name), 0700)));
	EXPECT_EQ(-EPERM, errno_of(symlink("x", self->path)));
	EXPECT_EQ(-EPERM, errno_of(mknod(self->path, S_IFSOCK | 0600, 0)));
	EXPECT_EQ(-EPERM, errno_of(mknod(self->path, S_IFCHR | 0600, 0)));
	close(mb_create(self->name, 1, O_RDWR));
	EXPECT_EQ(-EPERM, errno_of(link(self->path, other_file(self, "link"))));
	memset(self->other, 'n', sizeof(self->other) - 1);
	memcpy(self->other, self->dir, strlen(self->dir));
	self->other[strlen(self->dir)] = '/';
	self->other[strlen(self->dir) + 1 + MBOX_NAME_MAX + 1] = 0;
	EXPECT_EQ(-ENAMETOOLONG, open_errno(self->other, O_RDWR | O_CREAT, 0600));
	self->other[strlen(self->dir) + 1 + MBOX_NAME_MAX] = 0;
	EXPECT_EQ(0, close(open_errno(self->other, O_RDWR | O_CREAT, 0600)));
	EXPECT_EQ(0, unlink(self->other));
}

/* What an ioctl makes in the place of another is what a path finds, at once. */
TEST_F(fs, a_path_never_finds_what_is_gone)
{
	int held = open_errno(file(self, self->name), O_RDWR | O_CREAT, 0600), fd, i;
	ino_t last = stat_of(self->path).st_ino;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, mb_unlink(self->name));
		ASSERT_EQ(-ENOENT, errno_of(access(self->path, F_OK)));
		fd = mb_create(self->name, 1, O_RDWR);
		EXPECT_NE(last, stat_of(self->path).st_ino);
		last = stat_of(self->path).st_ino;
		ASSERT_EQ(0, mb_put(fd, i, 0, 0));
		close(held);
		held = open_errno(self->path, O_RDWR, 0);
		EXPECT_EQ(i, mb_take(held, MBOX_NONBLOCK));
		close(fd);
	}
	close(held);
}

/* An object that has no name any more lives no longer than its descriptors. */
TEST_F(fs, looking_keeps_nothing_alive)
{
	long long before;
	int i;

	device();
	before = module_refcount();
	for (i = 0; i < 20; i++) {
		close(mb_create(self->name, 1, O_RDWR));
		EXPECT_EQ(S_IFREG | 0666, stat_of(file(self, self->name)).st_mode);
		close(open_errno(self->path, O_RDONLY | O_NONBLOCK, 0));
		EXPECT_EQ(0, mb_unlink(self->name));
	}
	EXPECT_TRUE(wait_until(module_refcount() == before));
}

TEST_F(fs, statfs_tells_what_it_is)
{
	struct statfs st;

	ASSERT_EQ(0, statfs(self->dir, &st));
	EXPECT_EQ(MBOXFS_MAGIC, st.f_type);
	EXPECT_EQ(MBOX_NAME_MAX, st.f_namelen);
}

static bool in_mounts(const char *text)
{
	static char mounts[16384];

	return read_text("/proc/self/mounts", mounts, sizeof(mounts)) >= 0 &&
	       strstr(mounts, text);
}

TEST_F(fs, each_mount_has_its_own_defaults)
{
	char second[] = "/tmp/mboxfs2.XXXXXX";
	int fd;

	ASSERT_NE(NULL, mkdtemp(second));
	ASSERT_EQ(0, mount_at(second, "capacity=unbounded,msgsize=7,uid=1001,gid=1002,mode=0755"));
	EXPECT_TRUE(in_mounts("capacity=unbounded,msgsize=7,uid=1001,gid=1002,mode=755"));
	EXPECT_TRUE(in_mounts(OPTIONS));
	EXPECT_EQ(S_IFDIR | 0755, stat_of(second).st_mode);
	EXPECT_EQ(1001, stat_of(second).st_uid);
	EXPECT_EQ(S_IFDIR | 01777, stat_of(self->dir).st_mode);
	snprintf(self->other, sizeof(self->other), "%s/%s", second, self->name);
	fd = open_errno(self->other, O_RDWR | O_CREAT, 0600);
	EXPECT_EQ(MBOX_UNBOUNDED, mb_status(fd).capacity);
	EXPECT_EQ(7, mb_status(fd).msgsize);
	close(fd);
	/* Both show the same names. */
	EXPECT_EQ(0, unlink(file(self, self->name)));
	EXPECT_EQ(-ENOENT, errno_of(access(self->other, F_OK)));
	ASSERT_EQ(0, mount(NULL, second, NULL, MS_REMOUNT, "capacity=9"));
	fd = open_errno(self->other, O_RDWR | O_CREAT, 0600);
	EXPECT_EQ(9, mb_status(fd).capacity);
	EXPECT_EQ(7, mb_status(fd).msgsize);
	close(fd);
	EXPECT_EQ(-EBUSY, errno_of((fd = open(second, O_RDONLY), umount(second))));
	close(fd);
	EXPECT_EQ(0, umount(second));
	rmdir(second);
}

TEST_F(fs, bad_options_are_refused)
{
	static const char * const bad[] = {
		"capacity=x", "capacity=-1", "capacity", "msgsize=16777217", "mode=9", "uid=x",
		"size=1",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, mount_at(self->dir, bad[i]))
			TH_LOG("option %zu", i);
}

TEST_F(fs, inotify_tells_of_it)
{
	int ino = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), fd;
	struct inotify_event *event = (struct inotify_event *)self->buf;

	ASSERT_LE(0, inotify_add_watch(ino, self->dir, IN_CREATE | IN_DELETE | IN_MODIFY));
	fd = open_errno(file(self, self->name), O_RDWR | O_CREAT, 0600);
	ASSERT_LT(0, st_get(ino, self->buf, sizeof(self->buf)));
	EXPECT_EQ(IN_CREATE, event->mask);
	EXPECT_STREQ(self->name, event->name);
	ASSERT_EQ(1, st_put(fd, "x", 1));
	ASSERT_LT(0, st_get(ino, self->buf, sizeof(self->buf)));
	EXPECT_EQ(IN_MODIFY, event->mask);
	ASSERT_EQ(0, unlink(self->path));
	ASSERT_LT(0, st_get(ino, self->buf, sizeof(self->buf)));
	EXPECT_EQ(IN_DELETE, event->mask);
	EXPECT_EQ(-EAGAIN, st_get(ino, self->buf, sizeof(self->buf)));
	close(ino);
	close(fd);
}

TEST_F(fs, the_budget_of_the_user_counts)
{
	long long limit = param_get("user_mailboxes");

	ASSERT_EQ(0, param_set("user_mailboxes", 1));
	IN_CHILD {
		if (become(USER_A, USER_A))
			_exit(1);
		EXPECT_EQ(0, mkfifo(file(self, self->name), 0600));
		EXPECT_EQ(-EDQUOT, errno_of(mkfifo(other_file(self, "second"), 0600)));
		EXPECT_EQ(-EDQUOT, open_errno(self->other, O_RDWR | O_CREAT, 0600));
		EXPECT_EQ(0, unlink(self->path));
		EXPECT_LE(0, open_errno(self->other, O_RDWR | O_CREAT, 0600));
		EXPECT_EQ(0, unlink(self->other));
	}
	EXPECT_EQ(0, param_set("user_mailboxes", limit));
}

TEST_F(fs, a_user_namespace_mounts_the_names_of_its_own_network)
{
	close(mb_create(self->name, 1, O_RDWR));
	IN_CHILD {
		int found;

		ASSERT_EQ(0, become(USER_A, USER_A));
		ASSERT_EQ(0, enter_user_namespace(0, CLONE_NEWNET | CLONE_NEWNS));
		ASSERT_EQ(0, mount_at("/tmp", OPTIONS));
		EXPECT_EQ(0, count_names("/tmp", self->name, "none", &found));
		EXPECT_EQ(0, mkfifo("/tmp/inside", 0600));
		EXPECT_EQ(0, stat_of("/tmp/inside").st_uid);
		EXPECT_EQ(0, unlink("/tmp/inside"));
	}
	/* Not those of a network that it has no power over. */
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		ASSERT_EQ(0, enter_user_namespace(0, CLONE_NEWNS));
		EXPECT_EQ(-EPERM, mount_at("/tmp", OPTIONS));
	}
}

/* A container that sees no other name, in a network namespace of its own. */
TEST_F(fs, one_mailbox_can_be_bound_into_a_container)
{
	int fd = open_errno(file(self, self->name), O_RDWR | O_CREAT, 0600), found;
	char at[] = "/tmp/bound.XXXXXX";

	ASSERT_LE(0, mkstemp(at));
	IN_CHILD {
		int bound;

		ASSERT_EQ(0, unshare(CLONE_NEWNET | CLONE_NEWNS));
		ASSERT_EQ(0, mount(self->path, at, NULL, MS_BIND, NULL));
		ASSERT_EQ(0, umount(self->dir));
		EXPECT_EQ(0, count_names(self->dir, "", self->name, &found) - 2);
		EXPECT_EQ(-ENOENT, mb_open(self->name, O_RDWR));
		bound = open_errno(at, O_WRONLY, 0);
		EXPECT_LE(0, bound);
		EXPECT_EQ(4, st_put(bound, "hi!", 4));
		EXPECT_EQ(4, stat_of(at).st_size);
		EXPECT_EQ(-EBUSY, errno_of(unlink(at)));
	}
	EXPECT_EQ(4, st_get(fd, self->buf, 100));
	EXPECT_STREQ("hi!", self->buf);
	unlink(at);
	close(fd);
}

TEST_HARNESS_MAIN
