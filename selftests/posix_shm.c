// SPDX-License-Identifier: GPL-2.0
/*
 * A program that knows POSIX shared memory and nothing of mbox: what shm_overview(7) and the pages
 * of each call promise. preload.sh runs it twice, on /dev/shm and on segments.
 */
#include "harness.h"
#include "plain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RW	(PROT_READ | PROT_WRITE)

static int make(const char *name, int oflag)
{
	return error_of(shm_open(name, oflag | O_CREAT, 0600));
}

static struct stat stat_of(int fd)
{
	struct stat st = { .st_size = -1 };

	fstat(fd, &st);
	return st;
}

static char *map(int fd, size_t length, int prot)
{
	char *p = mmap(NULL, length, prot, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* How a child ends that touches an address. */
static int touch(volatile char *p)
{
	pid_t pid = fork();

	if (!pid)
		_exit(*p);
	return exit_of(pid);
}

FIXTURE(shm) {
	char name[64];
	int fd;
	long page;
};

FIXTURE_SETUP(shm)
{
	snprintf(self->name, sizeof(self->name), "/shm.%d", getpid());
	umask(0);
	self->page = getpagesize();
	self->fd = make(self->name, O_RDWR | O_EXCL);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(shm)
{
	close(self->fd);
	shm_unlink(self->name);
}

/* The program is what it is run as. */
TEST_F(shm, is_what_is_expected)
{
	const char *expected = getenv("SHM_LINK");
	char path[64], link[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	ASSERT_LT(0, readlink(path, link, sizeof(link) - 1));
	ASSERT_NE(NULL, expected);
	EXPECT_EQ(0, strncmp(link, expected, strlen(expected)))
		TH_LOG("%s", link);
}

TEST_F(shm, names)
{
	char longest[NAME_MAX + 3] = "/";

	memset(longest + 1, 'n', NAME_MAX + 1);
	EXPECT_EQ(-EINVAL, make("", O_RDWR));
	EXPECT_EQ(-EINVAL, make("/", O_RDWR));
	EXPECT_EQ(-EINVAL, make("/a/b", O_RDWR));
	EXPECT_EQ(-EINVAL, make("/..", O_RDWR));
	EXPECT_EQ(-ENAMETOOLONG, make(longest, O_RDWR));
	EXPECT_EQ(-ENOENT, error_of(shm_open("/shm.none", O_RDWR, 0)));
	EXPECT_EQ(-ENOENT, error_of(shm_unlink("/shm.none")));
	EXPECT_EQ(-ENOENT, error_of(shm_unlink("/a/b")));
	EXPECT_EQ(-ENAMETOOLONG, error_of(shm_unlink(longest)));
	/* glibc takes it without its slash. */
	EXPECT_EQ(-EEXIST, make(self->name + 1, O_RDWR | O_EXCL));
}

TEST_F(shm, starts_empty)
{
	struct stat st = stat_of(self->fd);
	char *p = map(self->fd, self->page, RW);

	EXPECT_TRUE(S_ISREG(st.st_mode));
	EXPECT_EQ(0600, st.st_mode & 07777);
	EXPECT_EQ(0, st.st_size);
	EXPECT_EQ(0, st.st_blocks);
	EXPECT_EQ(geteuid(), st.st_uid);
	EXPECT_EQ(getegid(), st.st_gid);
	ASSERT_NE(NULL, p);
	EXPECT_EQ(1000 + SIGBUS, touch(p));
	EXPECT_EQ(0, ftruncate(self->fd, 1));
	EXPECT_EQ(0, touch(p));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 0, RW, MAP_SHARED, self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(shm, descriptor)
{
	int fd = error_of(shm_open(self->name, O_RDWR, 0)), again;

	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
	close(fd);
	/* The lowest that is free. */
	again = error_of(shm_open(self->name, O_RDONLY, 0));
	EXPECT_EQ(dup(0), again + 1);
	EXPECT_EQ(O_RDONLY, fcntl(again, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(-EBADF, error_of(ftruncate(-1, 1)));
	EXPECT_EQ(-EINVAL, error_of(ftruncate(again, 1)));
	EXPECT_EQ(-EINVAL, error_of(ftruncate(self->fd, -1)));
	EXPECT_EQ(EBADF, posix_fallocate(again, 0, 1));
	EXPECT_EQ(0, stat_of(self->fd).st_size);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->page, RW, MAP_SHARED, again, 0));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, stat_of(self->fd).st_ino - stat_of(again).st_ino);
}

TEST_F(shm, lengths)
{
	char *p = map(self->fd, 4 * self->page, RW);

	EXPECT_EQ(0, ftruncate(self->fd, 4 * self->page));
	EXPECT_EQ(4 * self->page, stat_of(self->fd).st_size);
	ASSERT_NE(NULL, p);
	memset(p, 'x', 4 * self->page);
	EXPECT_EQ(4 * self->page / 512, stat_of(self->fd).st_blocks);
	EXPECT_EQ(0, ftruncate64(self->fd, self->page + 1));
	EXPECT_EQ(1000 + SIGBUS, touch(p + 2 * self->page));
	EXPECT_EQ(0, posix_fallocate(self->fd, self->page, 2 * self->page));
	EXPECT_EQ(3 * self->page, stat_of(self->fd).st_size);
	EXPECT_EQ('x', p[self->page]);
	EXPECT_EQ(0, p[self->page + 1]);
	EXPECT_EQ(0, posix_fallocate(self->fd, 0, 1));
	EXPECT_EQ(3 * self->page, stat_of(self->fd).st_size);
	EXPECT_EQ(0, fallocate(self->fd, 0, 0, 4 * self->page));
	EXPECT_EQ(4 * self->page, stat_of(self->fd).st_size);
	EXPECT_EQ(EINVAL, posix_fallocate(self->fd, 0, 0));
	EXPECT_EQ(EINVAL, posix_fallocate(self->fd, -1, 1));
	EXPECT_EQ(EFBIG, posix_fallocate(self->fd, LONG_MAX, 1));
	EXPECT_EQ(-EFBIG, error_of(fallocate(self->fd, 0, LONG_MAX, 1)));
}

TEST_F(shm, is_cut_when_it_is_opened_so)
{
	int fd;

	ASSERT_EQ(0, ftruncate(self->fd, 100));
	close(make(self->name, O_RDWR));
	EXPECT_EQ(100, stat_of(self->fd).st_size);
	fd = make(self->name, O_RDWR | O_TRUNC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, stat_of(self->fd).st_size);
	EXPECT_EQ(-EEXIST, make(self->name, O_RDWR | O_EXCL | O_TRUNC));
}

TEST_F(shm, modes)
{
	struct stat st;
	int fd;

	umask(027);
	fd = shm_open("/shm.mode", O_RDWR | O_CREAT, 0666);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0640, stat_of(fd).st_mode & 07777);
	EXPECT_EQ(0, fchmod(fd, 0604));
	EXPECT_EQ(0, fchown(fd, OTHER, -1));
	EXPECT_EQ(0, fchown(fd, -1, OTHER + 1));
	EXPECT_EQ(0, fchown(fd, -1, -1));
	st = stat_of(fd);
	EXPECT_EQ(0604, st.st_mode & 07777);
	EXPECT_EQ(OTHER, st.st_uid);
	EXPECT_EQ(OTHER + 1, st.st_gid);
	EXPECT_EQ(0, shm_unlink("/shm.mode"));
	/* A mode that forbids all is no obstacle to who creates it. */
	close(fd);
	fd = shm_open("/shm.mode", O_RDWR | O_CREAT, 0);
	EXPECT_LE(0, fd);
	EXPECT_EQ(0, ftruncate(fd, 1));
	EXPECT_EQ(0, shm_unlink("/shm.mode"));
}

TEST_F(shm, other_ways_to_look)
{
	struct stat64 st64;
	struct statx stx;
	struct stat st;

	ASSERT_EQ(0, ftruncate(self->fd, 100));
	ASSERT_EQ(0, fstat64(self->fd, &st64));
	EXPECT_EQ(100, st64.st_size);
	ASSERT_EQ(0, fstatat(self->fd, "", &st, AT_EMPTY_PATH));
	EXPECT_EQ(100, st.st_size);
	EXPECT_TRUE(S_ISREG(st.st_mode));
	EXPECT_EQ(-ENOENT, error_of(fstatat(self->fd, "", &st, 0)));
	ASSERT_EQ(0, statx(self->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx));
	EXPECT_EQ(100, stx.stx_size);
	EXPECT_EQ(S_IFREG | 0600, stx.stx_mode);
	EXPECT_EQ(st.st_ino, stx.stx_ino);
}

/* What is no shared memory is as it was. */
TEST_F(shm, other_descriptors)
{
	int event = eventfd(0, 0), pipes[2], file = open("/dev/null", O_RDWR);
	struct stat st = { 0 };

	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(0, fstat(event, &st));
	EXPECT_EQ(0, st.st_mode & S_IFMT);
	EXPECT_EQ(-EINVAL, error_of(ftruncate(event, 1)));
	EXPECT_EQ(ENODEV, posix_fallocate(event, 0, 1));
	EXPECT_EQ(-ENODEV, error_of(fallocate(event, 0, 0, 1)));
	EXPECT_TRUE(S_ISFIFO(stat_of(pipes[0]).st_mode));
	EXPECT_EQ(-EINVAL, error_of(ftruncate(pipes[1], 1)));
	EXPECT_EQ(ESPIPE, posix_fallocate(pipes[1], 0, 1));
	EXPECT_EQ(0, fchmod(pipes[0], 0600));
	EXPECT_EQ(0600, stat_of(pipes[0]).st_mode & 07777);
	EXPECT_TRUE(S_ISCHR(stat_of(file).st_mode));
	EXPECT_EQ(-EBADF, error_of(fstat(-1, &st)));
	EXPECT_EQ(-EBADF, error_of(fchmod(-1, 0600)));
	EXPECT_EQ(-EBADF, error_of(fchown(-1, 0, 0)));
}

/* Memory that was mapped before and after fork() is one. */
TEST_F(shm, is_shared)
{
	int fd = error_of(shm_open(self->name, O_RDONLY, 0));
	char *p, *q;
	pid_t pid;

	ASSERT_EQ(0, ftruncate(self->fd, self->page));
	p = map(self->fd, self->page, RW);
	q = map(fd, self->page, PROT_READ);
	strcpy(p, "first");
	EXPECT_STREQ("first", q);
	EXPECT_EQ(0, shm_unlink(self->name));
	EXPECT_EQ(-ENOENT, error_of(shm_open(self->name, O_RDWR, 0)));
	pid = fork();
	if (!pid) {
		char *mine = map(dup(self->fd), self->page, RW);

		_exit(!mine || strcmp(mine, "first") || !strcpy(mine, "second"));
	}
	EXPECT_EQ(0, exit_of(pid));
	EXPECT_STREQ("second", q);
	close(fd);
	close(self->fd);
	EXPECT_STREQ("second", q);
	EXPECT_EQ(-EACCES, error_of(mprotect(q, self->page, RW)));
	EXPECT_EQ(0, munmap(p, self->page));
}

TEST_F(shm, private_mapping)
{
	char *p, *q;

	ASSERT_EQ(0, ftruncate(self->fd, self->page));
	p = map(self->fd, self->page, RW);
	q = mmap(NULL, self->page, RW, MAP_PRIVATE, self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	q[0] = 'q';
	EXPECT_EQ(0, p[0]);
}

/* The name and the memory outlive who made them, however that ended. */
TEST_F(shm, outlives_its_maker)
{
	int fd, ready[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		fd = make("/shm.killed", O_RDWR);
		if (ftruncate(fd, self->page) || !strcpy(map(fd, self->page, RW), "left"))
			_exit(1);
		write(ready[1], "", 1);
		pause();
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(1000 + SIGKILL, exit_of(pid));
	fd = error_of(shm_open("/shm.killed", O_RDONLY, 0));
	ASSERT_LE(0, fd);
	EXPECT_STREQ("left", map(fd, self->page, PROT_READ));
	EXPECT_EQ(0, shm_unlink("/shm.killed"));
}

/* Another program finds it by its name, and has none of the descriptors. */
TEST_F(shm, across_exec)
{
	char fd[16], path[64];
	pid_t pid;

	ASSERT_EQ(0, ftruncate(self->fd, self->page));
	strcpy(map(self->fd, self->page, RW), "before");
	snprintf(fd, sizeof(fd), "%d", self->fd);
	ASSERT_LT(0, readlink("/proc/self/exe", path, sizeof(path)));
	setenv("SHM_NAME", self->name, 1);
	setenv("SHM_CLOSED", fd, 1);
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "posix_shm", "-t", "in_another_program", NULL);
		_exit(1);
	}
	EXPECT_EQ(0, exit_of(pid));
	EXPECT_STREQ("after", map(self->fd, self->page, PROT_READ));
}

TEST(in_another_program)
{
	const char *name = getenv("SHM_NAME"), *closed = getenv("SHM_CLOSED");
	char *p;
	int fd;

	if (!name || !closed)
		SKIP(return, "SHM_NAME is not given");
	EXPECT_EQ(-EBADF, error_of(fcntl(atoi(closed), F_GETFD)));
	fd = error_of(shm_open(name, O_RDWR, 0));
	ASSERT_LE(0, fd);
	p = map(fd, getpagesize(), RW);
	ASSERT_NE(NULL, p);
	EXPECT_STREQ("before", p);
	strcpy(p, "after");
}

TEST_F(shm, no_descriptor_is_left)
{
	struct rlimit none = { .rlim_cur = 0, .rlim_max = RLIM_INFINITY }, before;
	int error;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
	none.rlim_max = before.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	error = make("/shm.none", O_RDWR);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
	EXPECT_EQ(-EMFILE, error);
	EXPECT_EQ(-ENOENT, error_of(shm_unlink("/shm.none")));
}

/* What another user cannot do, and then can. */
static int of_another_user(const char *name, int fd)
{
	if (setgid(OTHER) || setuid(OTHER))
		return 1;
	if (error_of(shm_open(name, O_RDONLY, 0)) != -EACCES ||
	    make(name, O_RDWR) != -EACCES)
		return 2;
	if (error_of(shm_unlink(name)) != -EACCES)
		return 3;
	if (error_of(fchmod(fd, 0666)) != -EPERM || error_of(fchown(fd, OTHER, OTHER)) != -EPERM)
		return 4;
	if (error_of(shm_open("/shm.read", O_RDWR, 0)) != -EACCES)
		return 5;
	return shm_open("/shm.read", O_RDONLY, 0) < 0 ? 6 : 0;
}

TEST_F(shm, permissions)
{
	int fd = error_of(shm_open("/shm.read", O_RDWR | O_CREAT, 0644));
	pid_t pid = fork();

	if (!pid)
		_exit(of_another_user(self->name, self->fd));
	EXPECT_EQ(0, exit_of(pid));
	EXPECT_EQ(0, shm_unlink("/shm.read"));
	close(fd);
}

/* It is found empty or with its length, as shm_open(3) and ftruncate(2) are two steps. */
TEST_F(shm, many_create_one)
{
	int i, made = 0;

	for (i = 0; i < 8; i++) {
		if (fork())
			continue;
		_exit(make("/shm.race", O_RDWR | O_EXCL) >= 0);
	}
	for (i = 0; i < 8; i++)
		made += exit_of(-1);
	EXPECT_EQ(1, made);
	EXPECT_EQ(0, shm_unlink("/shm.race"));
}

/* For who looks at it afterwards. */
TEST(is_left_behind)
{
	const char *name = getenv("SHM_LEAVE");
	int fd;

	if (!name)
		SKIP(return, "SHM_LEAVE is not given");
	fd = make(name, O_RDWR | O_EXCL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 5));
	memcpy(map(fd, 5, RW), "left\n", 5);
}

TEST_HARNESS_MAIN
