// SPDX-License-Identifier: GPL-2.0
/*
 * A program that knows System V shared memory and nothing of mbox: what the pages of each call
 * promise. preload.sh runs it twice, on the kernel's own segments and on those of mbox.
 */
#include "harness.h"
#include "plain.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE	10000

static int get(key_t key, size_t size, int flags)
{
	return error_of(shmget(key, size, flags));
}

static char *attach(int id, const void *address, int flags)
{
	void *p = shmat(id, address, flags);

	return p == (void *)-1 ? NULL : p;
}

static int attach_error(int id, const void *address, int flags)
{
	return attach(id, address, flags) ? 0 : -errno;
}

static struct shmid_ds stat_of(int id)
{
	struct shmid_ds ds = { .shm_nattch = -1 };

	shmctl(id, IPC_STAT, &ds);
	return ds;
}

static int remove_it(int id)
{
	return error_of(shmctl(id, IPC_RMID, NULL));
}

/* How a child ends that writes to an address. */
static int touch(volatile char *p)
{
	pid_t pid = fork();

	if (!pid) {
		*p = 0;
		_exit(0);
	}
	return exit_of(pid);
}

FIXTURE(shm) {
	key_t key;
	int id;
	long page;
};

FIXTURE_SETUP(shm)
{
	self->key = 0x5300000 + getpid();
	self->page = getpagesize();
	self->id = get(self->key, SIZE, IPC_CREAT | IPC_EXCL | 0600);
	ASSERT_LE(0, self->id);
}

FIXTURE_TEARDOWN(shm)
{
	shmctl(self->id, IPC_RMID, NULL);
}

TEST_F(shm, get)
{
	key_t none = self->key ^ 0x4000000;
	int one, two;

	EXPECT_EQ(self->id, get(self->key, 0, 0));
	EXPECT_EQ(self->id, get(self->key, SIZE, IPC_CREAT | 0600));
	EXPECT_EQ(-EINVAL, get(self->key, SIZE + 1, 0));
	EXPECT_EQ(-EINVAL, get(self->key, SIZE + 1, IPC_CREAT | 0600));
	EXPECT_EQ(-EEXIST, get(self->key, SIZE, IPC_CREAT | IPC_EXCL | 0600));
	EXPECT_EQ(-ENOENT, get(none, SIZE, 0600));
	EXPECT_EQ(-EINVAL, get(none, 0, IPC_CREAT | 0600));
	EXPECT_EQ(-EINVAL, get(none, ~0UL, IPC_CREAT | 0600));
	EXPECT_EQ(-ENOENT, get(none, 0, 0));
	one = get(IPC_PRIVATE, 1, 0600);
	two = get(IPC_PRIVATE, 1, SHM_NORESERVE | 0600);
	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	EXPECT_NE(one, two);
	EXPECT_EQ(0, remove_it(one));
	EXPECT_EQ(0, remove_it(two));
}

TEST_F(shm, status)
{
	struct shmid_ds ds = stat_of(self->id);
	int id;

	EXPECT_EQ(self->key, ds.shm_perm.__key);
	EXPECT_EQ(geteuid(), ds.shm_perm.uid);
	EXPECT_EQ(getegid(), ds.shm_perm.gid);
	EXPECT_EQ(geteuid(), ds.shm_perm.cuid);
	EXPECT_EQ(getegid(), ds.shm_perm.cgid);
	EXPECT_EQ(0600, ds.shm_perm.mode);
	EXPECT_EQ(SIZE, ds.shm_segsz);
	EXPECT_EQ(0, ds.shm_nattch);
	/* The umask does not count. */
	umask(077);
	id = get(IPC_PRIVATE, 1, 0666);
	EXPECT_EQ(0666, stat_of(id).shm_perm.mode);
	EXPECT_EQ(IPC_PRIVATE, stat_of(id).shm_perm.__key);
	EXPECT_EQ(0, remove_it(id));
}

TEST_F(shm, set)
{
	struct shmid_ds ds = stat_of(self->id);

	ds.shm_perm.mode = 0640;
	ds.shm_perm.uid = OTHER;
	ds.shm_perm.gid = OTHER + 1;
	EXPECT_EQ(0, shmctl(self->id, IPC_SET, &ds));
	ds = stat_of(self->id);
	EXPECT_EQ(0640, ds.shm_perm.mode);
	EXPECT_EQ(OTHER, ds.shm_perm.uid);
	EXPECT_EQ(OTHER + 1, ds.shm_perm.gid);
}

TEST_F(shm, attach_and_detach)
{
	char *p = attach(self->id, NULL, 0), *q = attach(self->id, NULL, 0);
	long i;

	ASSERT_NE(NULL, p);
	ASSERT_NE(NULL, q);
	EXPECT_EQ(0, (unsigned long)p % SHMLBA);
	EXPECT_NE(p, q);
	EXPECT_EQ(2, stat_of(self->id).shm_nattch);
	for (i = 0; i < SIZE; i++)
		ASSERT_EQ(0, p[i]);
	strcpy(p + SIZE - 5, "text");
	EXPECT_STREQ("text", q + SIZE - 5);
	EXPECT_EQ(-EINVAL, error_of(shmdt(p + 1)));
	EXPECT_EQ(-EINVAL, error_of(shmdt(p + self->page)));
	EXPECT_EQ(-EINVAL, error_of(shmdt(NULL)));
	EXPECT_EQ(0, shmdt(p));
	EXPECT_EQ(-EINVAL, error_of(shmdt(p)));
	EXPECT_EQ(1, stat_of(self->id).shm_nattch);
	EXPECT_EQ(1000 + SIGSEGV, touch(p));
	EXPECT_EQ(0, touch(q));
	EXPECT_EQ(0, shmdt(q));
	EXPECT_EQ(0, stat_of(self->id).shm_nattch);
	p = attach(self->id, NULL, 0);
	EXPECT_EQ(0, memcmp(p + SIZE - 4, "ext", 4));
	EXPECT_EQ(-EINVAL, attach_error(-1, NULL, 0));
	EXPECT_EQ(-EINVAL, attach_error(0x7ffffff0, NULL, 0));
}

TEST_F(shm, read_only)
{
	char *p = attach(self->id, NULL, SHM_RDONLY);

	ASSERT_NE(NULL, p);
	EXPECT_EQ(0, p[0]);
	EXPECT_EQ(1000 + SIGSEGV, touch(p));
	EXPECT_EQ(0, shmdt(p));
}

TEST_F(shm, executable)
{
	char *p = attach(self->id, NULL, SHM_EXEC);

	ASSERT_NE(NULL, p);
#ifdef __x86_64__
	p[0] = 0xc3;
	((void (*)(void))p)();
#endif
	EXPECT_EQ(0, shmdt(p));
}

TEST_F(shm, address)
{
	char *room = mmap(NULL, 8 * self->page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at = room + 2 * self->page;

	ASSERT_NE(MAP_FAILED, room);
	EXPECT_EQ(-EINVAL, attach_error(self->id, at, 0));
	EXPECT_EQ(-EINVAL, attach_error(self->id, at + 1, SHM_REMAP));
	EXPECT_EQ(-EINVAL, attach_error(self->id, NULL, SHM_REMAP));
	EXPECT_EQ(-EINVAL, attach_error(self->id, (void *)1, SHM_REMAP | SHM_RND));
	EXPECT_EQ(0, stat_of(self->id).shm_nattch);
	EXPECT_EQ(at, attach(self->id, at, SHM_REMAP));
	EXPECT_EQ(0, touch(at));
	EXPECT_EQ(1000 + SIGSEGV, touch(at - 1));
	EXPECT_EQ(at, attach(self->id, at + 1, SHM_REMAP | SHM_RND));
	EXPECT_EQ(1, stat_of(self->id).shm_nattch);
	EXPECT_EQ(0, shmdt(at));
	EXPECT_EQ(-EINVAL, error_of(shmdt(at)));
	EXPECT_EQ(at, attach(self->id, at, 0));
	EXPECT_EQ(-EINVAL, attach_error(self->id, at, 0));
	EXPECT_EQ(0, shmdt(at));
	EXPECT_EQ(at, attach(self->id, at + 7, SHM_RND));
	EXPECT_EQ(0, shmdt(at));
}

/* The key is free at once, the memory is there for who has it. */
TEST_F(shm, removal)
{
	char *p = attach(self->id, NULL, 0);
	struct shmid_ds ds;
	int id;

	ASSERT_NE(NULL, p);
	EXPECT_EQ(0, remove_it(self->id));
	EXPECT_EQ(-ENOENT, get(self->key, 0, 0));
	ds = stat_of(self->id);
	EXPECT_EQ(SHM_DEST | 0600, ds.shm_perm.mode);
	EXPECT_EQ(1, ds.shm_nattch);
	EXPECT_EQ(IPC_PRIVATE, ds.shm_perm.__key);
	strcpy(p, "still here");
	id = get(self->key, SIZE, IPC_CREAT | IPC_EXCL | 0600);
	EXPECT_LE(0, id);
	EXPECT_NE(self->id, id);
	EXPECT_EQ(0, stat_of(id).shm_nattch);
	EXPECT_EQ(0, attach_error(self->id, NULL, SHM_RDONLY));
	EXPECT_EQ(2, stat_of(self->id).shm_nattch);
	EXPECT_STREQ("still here", p);
	EXPECT_EQ(0, shmdt(p));
	EXPECT_EQ(0, remove_it(id));
	EXPECT_EQ(-EINVAL, remove_it(id));
	EXPECT_EQ(-EINVAL, attach_error(id, NULL, 0));
	EXPECT_EQ(-EINVAL, error_of(shmctl(id, IPC_STAT, &ds)));
}

/* With the last attachment it is gone. */
TEST_F(shm, removal_is_done_by_the_last)
{
	int id = get(IPC_PRIVATE, SIZE, 0600);
	char *p = attach(id, NULL, 0);
	struct shmid_ds ds;

	EXPECT_EQ(0, remove_it(id));
	EXPECT_EQ(0, shmdt(p));
	EXPECT_EQ(-EINVAL, error_of(shmctl(id, IPC_STAT, &ds)));
	EXPECT_EQ(-EINVAL, attach_error(id, NULL, 0));
}

TEST_F(shm, commands)
{
	struct shmid_ds ds;
	struct shminfo info = { 0 };

	EXPECT_EQ(-EINVAL, error_of(shmctl(self->id, 4711, &ds)));
	EXPECT_EQ(-EINVAL, error_of(shmctl(-1, IPC_STAT, &ds)));
	EXPECT_EQ(-EINVAL, error_of(shmctl(-1, IPC_RMID, NULL)));
	EXPECT_LE(0, shmctl(0, IPC_INFO, (struct shmid_ds *)&info));
	EXPECT_LT(SIZE, info.shmmax);
	EXPECT_EQ(1, info.shmmin);
	EXPECT_LT(0, info.shmmni);
	EXPECT_EQ(-EFAULT, error_of(shmctl(self->id, IPC_STAT, NULL)));
	EXPECT_EQ(-EFAULT, error_of(shmctl(self->id, IPC_SET, NULL)));
	EXPECT_EQ(-EFAULT, error_of(shmctl(0, IPC_INFO, NULL)));
}

TEST_F(shm, all_can_be_listed)
{
	struct shmid_ds ds;
	struct shm_info info;
	int last = shmctl(0, SHM_INFO, (struct shmid_ds *)&info), i, found = 0;

	ASSERT_LE(0, last);
	EXPECT_LE(1, info.used_ids);
	EXPECT_LE(1, (int)info.shm_tot);
	for (i = 0; i <= last; i++)
		found += shmctl(i, SHM_STAT, &ds) == self->id && ds.shm_segsz == SIZE;
	EXPECT_EQ(1, found);
	EXPECT_EQ(-EINVAL, error_of(shmctl(last + 1, SHM_STAT, &ds)));
}

TEST_F(shm, across_fork)
{
	char *p = attach(self->id, NULL, 0), byte;
	int said[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(said));
	pid = fork();
	if (!pid) {
		if (read(said[0], &byte, 1) != 1 || strcmp(p, "parent"))
			_exit(1);
		strcpy(attach(self->id, NULL, 0) + 100, "child");
		_exit(shmdt(p) ? 2 : 0);
	}
	EXPECT_EQ(2, stat_of(self->id).shm_nattch);
	strcpy(p, "parent");
	EXPECT_EQ(1, write(said[1], "", 1));
	EXPECT_EQ(0, exit_of(pid));
	EXPECT_STREQ("child", p + 100);
	EXPECT_EQ(1, stat_of(self->id).shm_nattch);
}

/* A process that is killed has none attached any more. */
TEST_F(shm, across_kill)
{
	int ready[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		strcpy(attach(self->id, NULL, 0), "left");
		write(ready[1], "", 1);
		pause();
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(1, stat_of(self->id).shm_nattch);
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(1000 + SIGKILL, exit_of(pid));
	EXPECT_EQ(0, stat_of(self->id).shm_nattch);
	EXPECT_STREQ("left", attach(self->id, NULL, 0));
}

TEST_F(shm, across_exec)
{
	char *p = attach(self->id, NULL, 0), id[16];
	pid_t pid;

	strcpy(p, "before");
	snprintf(id, sizeof(id), "%d", self->id);
	setenv("SHM_ID", id, 1);
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "sysv_shm", "-t", "in_another_program", NULL);
		_exit(1);
	}
	EXPECT_EQ(0, exit_of(pid));
	EXPECT_STREQ("after", p);
}

/* An id holds for every process. */
TEST(in_another_program)
{
	const char *id = getenv("SHM_ID");
	char *p;

	if (!id)
		SKIP(return, "SHM_ID is not given");
	EXPECT_EQ(1, stat_of(atoi(id)).shm_nattch);
	p = attach(atoi(id), NULL, 0);
	ASSERT_NE(NULL, p);
	EXPECT_EQ(2, stat_of(atoi(id)).shm_nattch);
	EXPECT_STREQ("before", p);
	strcpy(p, "after");
}

/* What another user cannot do, and then can. */
static int of_another_user(key_t key, int id, int readable)
{
	struct shmid_ds ds;

	if (setgid(OTHER) || setuid(OTHER))
		return 1;
	if (get(key, 0, 0400) != -EACCES || get(key, 0, IPC_CREAT | 0600) != -EACCES)
		return 2;
	if (attach(id, NULL, SHM_RDONLY) || !shmctl(id, IPC_STAT, &ds))
		return 3;
	if (attach_error(readable, NULL, 0) != -EACCES)
		return 4;
	if (!attach(readable, NULL, SHM_RDONLY))
		return 5;
	ds = stat_of(readable);
	if (ds.shm_segsz != 1)
		return 6;
	return error_of(shmctl(readable, IPC_SET, &ds)) == -EPERM &&
	       remove_it(readable) == -EPERM ? 0 : 7;
}

TEST_F(shm, permissions)
{
	int readable = get(IPC_PRIVATE, 1, 0644);
	pid_t pid = fork();

	if (!pid)
		_exit(of_another_user(self->key, self->id, readable));
	EXPECT_EQ(0, exit_of(pid));
	EXPECT_EQ(0, remove_it(readable));
}

#define ROUNDS	200

static void *attach_and_detach(void *arg)
{
	int id = *(int *)arg, i;
	long failed = 0;

	for (i = 0; i < ROUNDS; i++) {
		char *p = attach(id, NULL, i % 2 ? SHM_RDONLY : 0);

		failed += !p || shmdt(p);
	}
	return (void *)failed;
}

/* A process can be forked while its threads attach and detach. */
TEST_F(shm, threads)
{
	pthread_t threads[4];
	void *failed;
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, attach_and_detach, &self->id));
	for (i = 0; i < 10; i++) {
		pid_t pid = fork();

		if (!pid) {
			char *p = attach(self->id, NULL, 0);

			_exit(!p || shmdt(p));
		}
		EXPECT_EQ(0, exit_of(pid));
	}
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, pthread_join(threads[i], &failed));
		EXPECT_EQ(NULL, failed);
	}
	EXPECT_EQ(0, stat_of(self->id).shm_nattch);
}

TEST_F(shm, many_create_one)
{
	key_t key = self->key ^ 0x4000000;
	int i, made = 0;

	for (i = 0; i < 8; i++) {
		if (fork())
			continue;
		_exit(get(key, 1, IPC_CREAT | IPC_EXCL | 0600) >= 0);
	}
	for (i = 0; i < 8; i++)
		made += exit_of(-1);
	EXPECT_EQ(1, made);
	EXPECT_EQ(0, remove_it(get(key, 0, 0)));
}

/* The program has no descriptor of it, and cannot lose it with its own. */
TEST_F(shm, needs_no_descriptor)
{
	char *p = attach(self->id, NULL, 0);
	int fd = dup(0);

	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, close_range(fd, ~0U, 0));
	EXPECT_EQ(0, remove_it(self->id));
	EXPECT_EQ(1, stat_of(self->id).shm_nattch);
	EXPECT_EQ(0, shmdt(p));
}

TEST_F(shm, system_calls_by_number)
{
	int id = syscall(SYS_shmget, self->key, SIZE, 0);
	struct shmid_ds ds;
	char *p;

	EXPECT_EQ(self->id, id);
	p = (char *)syscall(SYS_shmat, id, NULL, 0);
	ASSERT_NE((char *)-1, p);
	p[SIZE - 1] = 1;
	EXPECT_EQ(0, syscall(SYS_shmctl, id, IPC_STAT, &ds));
	EXPECT_EQ(1, ds.shm_nattch);
	EXPECT_EQ(0, syscall(SYS_shmdt, p));
	EXPECT_EQ(-1, syscall(SYS_shmat, -1, NULL, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, syscall(SYS_shmctl, id, IPC_RMID, NULL));
}

/* For who looks at it afterwards. */
TEST(is_left_behind)
{
	const char *key = getenv("SHM_KEY");
	char *p;

	if (!key)
		SKIP(return, "SHM_KEY is not given");
	p = attach(get(strtol(key, NULL, 0), 5, IPC_CREAT | IPC_EXCL | 0600), NULL, 0);
	ASSERT_NE(NULL, p);
	strcpy(p, "left\n");
}

TEST_HARNESS_MAIN
