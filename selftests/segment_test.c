// SPDX-License-Identifier: GPL-2.0
/* Segments: memory that processes share, who may write it, its length and its seals. */
#include "common.h"
#include "harness.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#define RW	(PROT_READ | PROT_WRITE)

FIXTURE(segment) {
	long page;
	int rw;
	int ro;
	int none;
};

FIXTURE_SETUP(segment)
{
	const char *name = unique_name("segment");

	umask(0);
	self->page = getpagesize();
	self->rw = seg_create(name, 4 * self->page, O_RDWR | O_EXCL);
	self->ro = seg_open(name, O_RDONLY);
	self->none = seg_open(name, O_ACCMODE);
	ASSERT_LE(0, self->rw);
	ASSERT_LE(0, self->ro);
	ASSERT_LE(0, self->none);
	ASSERT_EQ(0, mb_unlink(name));
}

FIXTURE_TEARDOWN(segment)
{
	close(self->rw);
	close(self->ro);
	close(self->none);
}

static int set_length(int fd, __u64 length)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_LENGTH, .length = length };

	return ctl(fd, MBOX_IOC_SET, &set);
}

static int add_seals(int fd, __u32 seals)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_SEALS, .seals = seals };

	return ctl(fd, MBOX_IOC_SET, &set);
}

static bool seg_unchanged(int fd, const struct mbox_ioc_segment_status *before)
{
	struct mbox_ioc_segment_status now = seg_status(fd);

	return !memcmp(&now, before, sizeof(now));
}

TEST_F(segment, status_tells_what_was_created)
{
	struct mbox_ioc_segment create = seg_template(NULL, 5000, O_RDWR);
	struct mbox_ioc_segment_status status;
	int fd;

	create.mode = 0640;
	create.flags = MBOX_HUGEPAGE;
	fd = ctl(device(), MBOX_IOC_SEGMENT, &create);
	ASSERT_LE(0, fd);
	status = seg_status(fd);
	EXPECT_EQ(5000, status.length);
	EXPECT_EQ(0, status.resident);
	EXPECT_EQ(0, status.attached);
	EXPECT_EQ(0, status.writable);
	EXPECT_EQ(0, status.seals);
	EXPECT_EQ(0640, status.mode);
	EXPECT_EQ(geteuid(), status.uid);
	EXPECT_EQ(getegid(), status.gid);
	EXPECT_EQ(MBOX_HUGEPAGE, status.flags);
	EXPECT_EQ(0, status.__reserved);
	status = seg_status(self->rw);
	EXPECT_EQ(0, status.flags);
	EXPECT_TRUE(seg_unchanged(self->ro, &status));
	EXPECT_TRUE(seg_unchanged(self->none, &status));
}

TEST_F(segment, create_refuses_what_it_cannot_be)
{
	EXPECT_EQ(-EINVAL, seg_create(NULL, ~0ULL, O_RDWR));
	EXPECT_EQ(-EINVAL, seg_create(NULL, 1ULL << 63, O_RDWR));
	EXPECT_EQ(-EINVAL, seg_create(NULL, 1, O_WRONLY));
	EXPECT_EQ(-EINVAL, seg_open("any", O_WRONLY));
}

TEST_F(segment, starts_as_zeros_and_keeps_what_is_written)
{
	unsigned char *map = map_fd(self->rw, 4 * self->page, RW, MAP_SHARED);
	long i;

	ASSERT_TRUE(map != NULL);
	for (i = 0; i < 4 * self->page; i++)
		ASSERT_EQ(0, map[i]);
	pattern_fill(map, 4 * self->page, 1);
	EXPECT_EQ(4 * self->page, seg_status(self->rw).resident);
	munmap(map, 4 * self->page);
	map = map_fd(self->ro, 4 * self->page, PROT_READ, MAP_SHARED);
	EXPECT_TRUE(pattern_check(map, 4 * self->page, 1));
}

TEST_F(segment, is_shared_between_processes)
{
	volatile int *mine = map_fd(self->rw, self->page, RW, MAP_SHARED);

	ASSERT_TRUE(mine != NULL);
	IN_CHILD {
		/* By the inherited mapping and by one of its own. */
		volatile int *other = map_fd(self->rw, self->page, RW, MAP_SHARED);

		ASSERT_TRUE(other != NULL);
		EXPECT_EQ(0, other[0]);
		mine[0] = 5;
		EXPECT_EQ(5, other[0]);
		other[1] = 6;
	}
	EXPECT_EQ(5, mine[0]);
	EXPECT_EQ(6, mine[1]);
}

TEST_F(segment, mapping_can_start_in_the_middle)
{
	unsigned char *all = map_fd(self->rw, 4 * self->page, RW, MAP_SHARED);
	unsigned char *part = mmap(NULL, self->page, RW, MAP_SHARED, self->rw, 2 * self->page);

	ASSERT_TRUE(all != NULL);
	ASSERT_TRUE(part != MAP_FAILED);
	all[2 * self->page + 7] = 9;
	EXPECT_EQ(9, part[7]);
}

TEST_F(segment, read_only_opener_gets_no_writable_mapping)
{
	unsigned char *map = map_fd(self->ro, self->page, PROT_READ, MAP_SHARED);

	EXPECT_EQ(-EACCES, map_errno(self->ro, self->page, RW, MAP_SHARED));
	EXPECT_EQ(-EACCES, map_errno(self->ro, self->page, PROT_WRITE, MAP_SHARED));
	ASSERT_TRUE(map != NULL);
	EXPECT_EQ(-1, mprotect(map, self->page, RW));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, mprotect(map, self->page, PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, seg_status(self->ro).writable);
	EXPECT_EQ(1, seg_status(self->ro).attached);
}

/* A private mapping is the process's own copy. */
TEST_F(segment, read_only_opener_can_write_to_its_own_copy)
{
	unsigned char *shared = map_fd(self->rw, self->page, RW, MAP_SHARED);
	unsigned char *own = map_fd(self->ro, self->page, RW, MAP_PRIVATE);

	ASSERT_TRUE(shared != NULL);
	ASSERT_TRUE(own != NULL);
	shared[0] = 1;
	EXPECT_EQ(1, own[0]);
	own[0] = 2;
	EXPECT_EQ(1, shared[0]);
	EXPECT_EQ(2, own[0]);
}

/* No other door: not by /proc, where a file's rights could be raised. */
TEST_F(segment, read_only_opener_cannot_reopen_it_for_writing)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->ro);
	EXPECT_EQ(-1, open(path, O_RDWR));
	EXPECT_EQ(-EINVAL, write(self->ro, path, 1) < 0 ? -EINVAL : 0);
	EXPECT_EQ(-1, ftruncate(self->ro, 1));
	EXPECT_EQ(-1, fallocate(self->ro, 0, 0, 1));
	EXPECT_EQ(4 * self->page, seg_status(self->ro).length);
}

TEST_F(segment, opener_of_no_right_gets_no_mapping)
{
	EXPECT_EQ(-EACCES, map_errno(self->none, self->page, PROT_READ, MAP_SHARED));
	EXPECT_EQ(-EACCES, map_errno(self->none, self->page, RW, MAP_SHARED));
	EXPECT_EQ(-EACCES, map_errno(self->none, self->page, PROT_READ, MAP_PRIVATE));
	EXPECT_EQ(0, seg_status(self->none).attached);
}

TEST_F(segment, is_not_read_and_written)
{
	char byte = 0;

	EXPECT_EQ(-1, read(self->rw, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->rw, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(segment, mapping_outlives_name_and_descriptor)
{
	const char *name = unique_name("outlives");
	int fd = seg_create(name, self->page, O_RDWR);
	unsigned char *map = map_fd(fd, self->page, RW, MAP_SHARED);

	ASSERT_TRUE(map != NULL);
	EXPECT_EQ(0, mb_unlink(name));
	close(fd);
	map[0] = 3;
	EXPECT_EQ(3, map[0]);
	EXPECT_EQ(-ENOENT, seg_open(name, O_RDWR));
}

/* The touch of an address in a child, which a SIGBUS ends. */
static int touch(volatile unsigned char *p)
{
	pid_t pid = child_fork();

	if (!pid)
		_exit(*p ? 1 : 0);
	return child_wait(pid);
}

TEST_F(segment, beyond_the_length_is_sigbus)
{
	unsigned char *map = map_fd(self->rw, 6 * self->page, RW, MAP_SHARED);

	ASSERT_TRUE(map != NULL);
	EXPECT_EQ(0, touch(map + 4 * self->page - 1));
	EXPECT_EQ(1000 + SIGBUS, touch(map + 4 * self->page));
}

TEST_F(segment, shrinking_cuts_off_and_growing_adds_zeros)
{
	unsigned char *map = map_fd(self->rw, 4 * self->page, RW, MAP_SHARED);
	long i;

	ASSERT_TRUE(map != NULL);
	memset(map, 1, 4 * self->page);
	EXPECT_EQ(0, set_length(self->rw, self->page + 10));
	EXPECT_EQ(self->page + 10, seg_status(self->rw).length);
	EXPECT_EQ(2 * self->page, seg_status(self->rw).resident);
	EXPECT_EQ(1, touch(map + self->page + 9));
	EXPECT_EQ(1000 + SIGBUS, touch(map + 2 * self->page));
	EXPECT_EQ(0, set_length(self->rw, 4 * self->page));
	for (i = 0; i < 4 * self->page; i++)
		ASSERT_EQ(i < self->page + 10, map[i]);
	EXPECT_EQ(0, set_length(self->rw, 1));
	EXPECT_EQ(0, set_length(self->rw, 1 << 20));
	EXPECT_EQ(1 << 20, seg_status(self->rw).length);
}

/* As an empty file is: what is mapped of it comes with its length. */
TEST_F(segment, can_have_no_bytes)
{
	struct mbox_ioc_segment_status status;
	int fd = seg_create(NULL, 0, O_RDWR);
	unsigned char *map;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EINVAL, map_errno(fd, 0, RW, MAP_SHARED));
	map = map_fd(fd, self->page, RW, MAP_SHARED);
	ASSERT_TRUE(map != NULL);
	status = seg_status(fd);
	EXPECT_EQ(0, status.length);
	EXPECT_EQ(0, status.resident);
	EXPECT_EQ(1, status.attached);
	EXPECT_EQ(1000 + SIGBUS, touch(map));
	EXPECT_EQ(0, set_length(fd, 1));
	map[0] = 1;
	EXPECT_EQ(self->page, seg_status(fd).resident);
	EXPECT_EQ(0, set_length(fd, 0));
	EXPECT_EQ(0, seg_status(fd).resident);
	EXPECT_EQ(1000 + SIGBUS, touch(map));
	EXPECT_EQ(0, set_length(fd, 1));
	EXPECT_EQ(0, map[0]);
	EXPECT_EQ(0, add_seals(fd, MBOX_SEAL_SHRINK));
	EXPECT_EQ(-EPERM, set_length(fd, 0));
	close(fd);
}

TEST_F(segment, length_is_for_who_can_write)
{
	struct mbox_ioc_segment_status before = seg_status(self->rw);

	EXPECT_EQ(-EBADF, set_length(self->ro, 1));
	EXPECT_EQ(-EBADF, set_length(self->none, 1));
	EXPECT_EQ(-EBADF, add_seals(self->ro, MBOX_SEAL_GROW));
	EXPECT_EQ(-EBADF, add_seals(self->none, MBOX_SEAL_GROW));
	EXPECT_EQ(-EINVAL, set_length(self->rw, ~0ULL));
	EXPECT_EQ(-EINVAL, add_seals(self->rw, 1U << 4));
	EXPECT_EQ(-EINVAL, add_seals(self->rw, 1U << 31));
	EXPECT_TRUE(seg_unchanged(self->rw, &before));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_C, USER_C));
		EXPECT_EQ(0, set_length(self->rw, 8 * self->page));
	}
	EXPECT_EQ(8 * self->page, seg_status(self->rw).length);
}

/* What each seal forbids, and nothing else. */
static const struct seal {
	__u32 seals;
	int seal, shrink, grow, write;
} seals[] = {
	{ MBOX_SEAL_SEAL, -EPERM, 0, 0, 0 },
	{ MBOX_SEAL_SHRINK, 0, -EPERM, 0, 0 },
	{ MBOX_SEAL_GROW, 0, 0, -EPERM, 0 },
	{ MBOX_SEAL_WRITE, 0, 0, 0, -EPERM },
	{ MBOX_SEAL_SHRINK | MBOX_SEAL_GROW, 0, -EPERM, -EPERM, 0 },
	{ 15, -EPERM, -EPERM, -EPERM, -EPERM },
};

TEST_F(segment, each_seal_forbids_its_own)
{
	const struct seal *s;
	long page = self->page;

	for (s = seals; s < seals + ARRAY_SIZE(seals); s++) {
		int fd = seg_create(NULL, 4 * page, O_RDWR);
		__u64 length = 4 * page;

		ASSERT_LE(0, fd);
		EXPECT_EQ(0, add_seals(fd, s->seals));
		EXPECT_EQ(s->seals, seg_status(fd).seals);
		EXPECT_EQ(s->grow, set_length(fd, 5 * page));
		length = s->grow ? length : 5 * page;
		EXPECT_EQ(length, seg_status(fd).length);
		EXPECT_EQ(s->shrink, set_length(fd, 3 * page));
		length = s->shrink ? length : 3 * page;
		EXPECT_EQ(length, seg_status(fd).length);
		EXPECT_EQ(0, set_length(fd, length));
		EXPECT_EQ(s->write, map_errno(fd, page, RW, MAP_SHARED));
		EXPECT_EQ(0, map_errno(fd, page, PROT_READ, MAP_SHARED));
		EXPECT_EQ(0, map_errno(fd, page, RW, MAP_PRIVATE));
		EXPECT_EQ(s->seal, add_seals(fd, MBOX_SEAL_SHRINK));
		close(fd);
	}
}

TEST_F(segment, seals_add_up_and_stay)
{
	EXPECT_EQ(0, add_seals(self->rw, MBOX_SEAL_GROW));
	EXPECT_EQ(0, add_seals(self->rw, MBOX_SEAL_SHRINK));
	EXPECT_EQ(0, add_seals(self->rw, MBOX_SEAL_SHRINK));
	EXPECT_EQ(MBOX_SEAL_GROW | MBOX_SEAL_SHRINK, seg_status(self->ro).seals);
	EXPECT_EQ(0, add_seals(self->rw, MBOX_SEAL_SEAL));
	EXPECT_EQ(-EPERM, add_seals(self->rw, MBOX_SEAL_WRITE));
	EXPECT_EQ(MBOX_SEAL_GROW | MBOX_SEAL_SHRINK | MBOX_SEAL_SEAL,
		  seg_status(self->ro).seals);
	EXPECT_EQ(0, map_errno(self->rw, self->page, RW, MAP_SHARED));
}

TEST_F(segment, write_seal_is_ebusy_while_a_writable_mapping_exists)
{
	unsigned char *map = map_fd(self->rw, self->page, RW, MAP_SHARED);
	int gate[2];
	char byte;
	pid_t pid;

	ASSERT_TRUE(map != NULL);
	ASSERT_EQ(0, pipe(gate));
	EXPECT_EQ(-EBUSY, add_seals(self->rw, MBOX_SEAL_WRITE));
	EXPECT_EQ(0, seg_status(self->rw).seals);
	pid = child_fork();
	if (!pid) {
		close(gate[1]);
		_exit(read(gate[0], &byte, 1));
	}
	/* The child's copy of the mapping is one too. */
	munmap(map, self->page);
	EXPECT_EQ(-EBUSY, add_seals(self->rw, MBOX_SEAL_WRITE));
	close(gate[1]);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, seg_status(self->rw).writable);
	EXPECT_EQ(0, add_seals(self->rw, MBOX_SEAL_WRITE));
	EXPECT_EQ(MBOX_SEAL_WRITE, seg_status(self->rw).seals);
}

TEST_F(segment, write_seal_is_not_held_up_by_readers_and_private_copies)
{
	unsigned char *reader = map_fd(self->ro, self->page, PROT_READ, MAP_SHARED);
	unsigned char *own = map_fd(self->rw, self->page, RW, MAP_PRIVATE);

	ASSERT_TRUE(reader && own);
	EXPECT_EQ(0, add_seals(self->rw, MBOX_SEAL_WRITE));
	EXPECT_EQ(-1, mprotect(reader, self->page, RW));
	own[0] = 1;
	EXPECT_EQ(0, reader[0]);
}

/* A mapping for reading, by who could write: it must not become writable behind the seal. */
TEST_F(segment, write_seal_cannot_be_undone_by_mprotect)
{
	unsigned char *before = map_fd(self->rw, self->page, PROT_READ, MAP_SHARED), *after;
	int ret = add_seals(self->rw, MBOX_SEAL_WRITE);

	ASSERT_TRUE(before != NULL);
	EXPECT_TRUE(ret == -EBUSY || (ret == 0 && mprotect(before, self->page, RW)));
	munmap(before, self->page);
	EXPECT_EQ(0, add_seals(self->rw, MBOX_SEAL_WRITE));
	after = map_fd(self->rw, self->page, PROT_READ, MAP_SHARED);
	ASSERT_TRUE(after != NULL);
	EXPECT_EQ(-1, mprotect(after, self->page, RW));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(segment, set_applies_all_or_nothing)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_LENGTH | MBOX_SET_SEALS,
		.length = 8 * self->page, .seals = MBOX_SEAL_GROW };
	struct mbox_ioc_segment_status before;

	EXPECT_EQ(0, ctl(self->rw, MBOX_IOC_SET, &set));
	before = seg_status(self->rw);
	EXPECT_EQ(8 * self->page, before.length);
	EXPECT_EQ(MBOX_SEAL_GROW, before.seals);
	set.fields |= MBOX_SET_MODE;
	set.mode = 0600;
	set.length = 9 * self->page;
	set.seals = MBOX_SEAL_SHRINK;
	EXPECT_EQ(-EPERM, ctl(self->rw, MBOX_IOC_SET, &set));
	EXPECT_TRUE(seg_unchanged(self->rw, &before));
}

static __u32 attached(int fd)
{
	return seg_status(fd).attached;
}

TEST_F(segment, attach_count_follows_mappings_over_fork_split_and_move)
{
	long page = self->page;
	unsigned char *map = map_fd(self->rw, 4 * page, RW, MAP_SHARED), *moved;
	int gate[2];
	char byte;
	pid_t pid;

	ASSERT_TRUE(map != NULL);
	ASSERT_EQ(0, pipe(gate));
	EXPECT_EQ(1, attached(self->rw));
	EXPECT_EQ(1, seg_status(self->rw).writable);
	pid = child_fork();
	if (!pid) {
		close(gate[1]);
		_exit(read(gate[0], &byte, 1));
	}
	EXPECT_EQ(2, attached(self->rw));
	EXPECT_EQ(2, seg_status(self->rw).writable);
	close(gate[1]);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(1, attached(self->rw));

	/* A hole in the middle makes two of it. */
	ASSERT_EQ(0, munmap(map + page, page));
	EXPECT_EQ(2, attached(self->rw));
	moved = mremap(map + 2 * page, 2 * page, 2 * page, MREMAP_MAYMOVE);
	ASSERT_TRUE(moved != MAP_FAILED);
	EXPECT_EQ(2, attached(self->rw));
	ASSERT_EQ(0, munmap(moved, 2 * page));
	EXPECT_EQ(1, attached(self->rw));
	moved = mremap(map, page, 3 * page, MREMAP_MAYMOVE);
	ASSERT_TRUE(moved != MAP_FAILED);
	EXPECT_EQ(1, attached(self->rw));
	ASSERT_EQ(0, munmap(moved, 3 * page));
	EXPECT_EQ(0, attached(self->rw));
	EXPECT_EQ(0, seg_status(self->rw).writable);
}

TEST_F(segment, attach_count_follows_moves_to_another_place)
{
	long page = self->page;
	unsigned char *map = map_fd(self->rw, 2 * page, RW, MAP_SHARED);
	unsigned char *place = mmap(NULL, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(map && place != MAP_FAILED);
	map[0] = 4;
	ASSERT_TRUE(mremap(map, 2 * page, 2 * page, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
	EXPECT_EQ(1, attached(self->rw));
	EXPECT_EQ(4, place[0]);
	ASSERT_EQ(0, mprotect(place, page, PROT_READ));
	EXPECT_EQ(2, attached(self->rw));
	ASSERT_EQ(0, munmap(place, 2 * page));
	EXPECT_EQ(0, attached(self->rw));
}

TEST_F(segment, attach_count_of_a_killed_process_goes)
{
	pid_t pid = child_fork();

	if (!pid) {
		map_fd(self->rw, self->page, RW, MAP_SHARED);
		for (;;)
			pause();
	}
	EXPECT_TRUE(wait_until(attached(self->rw) == 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(1000 + SIGKILL, child_wait(pid));
	EXPECT_EQ(0, attached(self->rw));
}

static long futex(volatile __u32 *word, int op, __u32 value)
{
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

TEST_F(segment, futex_works_across_processes)
{
	volatile __u32 *mine = map_fd(self->rw, self->page, RW, MAP_SHARED);
	volatile __u32 *theirs = map_fd(self->rw, self->page, RW, MAP_SHARED);
	pid_t pid;
	__u32 i;

	ASSERT_TRUE(mine && theirs);
	pid = child_fork();
	if (!pid) {
		/* By another address: it is the memory that counts. */
		for (i = 0; i < 500; i++) {
			while (theirs[0] == i)
				futex(&theirs[0], FUTEX_WAIT, i);
			theirs[1] = i + 1;
			futex(&theirs[1], FUTEX_WAKE, 1);
		}
		_exit(0);
	}
	for (i = 0; i < 500; i++) {
		mine[0] = i + 1;
		futex(&mine[0], FUTEX_WAKE, 1);
		while (mine[1] == i)
			futex(&mine[1], FUTEX_WAIT, i);
	}
	EXPECT_EQ(500, mine[1]);
	EXPECT_EQ(0, child_wait(pid));
}

#define THP "/sys/kernel/mm/transparent_hugepage/"

/* The policy in force is the word in brackets. */
static int huge_policy(char *policy, size_t size)
{
	char text[128], *from, *to;
	int ret = read_text(THP "shmem_enabled", text, sizeof(text));

	if (ret < 0)
		return ret;
	from = strchr(text, '[');
	to = strchr(text, ']');
	if (!from || !to)
		return -EINVAL;
	*to = 0;
	snprintf(policy, size, "%s", from + 1);
	return 0;
}

TEST_F(segment, huge_pages_where_the_kernel_gives_them)
{
	struct mbox_ioc_segment create = seg_template(NULL, 0, O_RDWR);
	char old[32], text[32];
	volatile char *map;
	long huge;
	int fd;

	if (huge_policy(old, sizeof(old)) || read_text(THP "hpage_pmd_size", text, 32) < 0)
		SKIP(return, "this kernel has no huge pages for shared memory");
	huge = strtol(text, NULL, 10);
	create.length = 2 * huge;
	create.flags = MBOX_HUGEPAGE;
	fd = ctl(device(), MBOX_IOC_SEGMENT, &create);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, write_text(THP "shmem_enabled", "advise"));
	map = map_fd(fd, 2 * huge, RW, MAP_SHARED);
	EXPECT_TRUE(map != NULL);
	if (map)
		map[0] = 1;
	EXPECT_EQ(huge, seg_status(fd).resident);
	/* Where they are not asked for, advice gives none. */
	set_length(self->rw, 2 * huge);
	map = map_fd(self->rw, 2 * huge, RW, MAP_SHARED);
	EXPECT_TRUE(map != NULL);
	if (map)
		map[0] = 1;
	EXPECT_EQ(self->page, seg_status(self->rw).resident);
	EXPECT_EQ(0, write_text(THP "shmem_enabled", old));
}

/* Resizing, sealing, mapping and touching at once: nothing but an errno or a SIGBUS comes of it. */
static void map_and_touch(int fd, long page)
{
	int i;

	for (i = 0; i < 300; i++) {
		volatile char *map = map_fd(fd, 4 * page, RW, MAP_SHARED);

		if (!map)
			_exit(1);
		map[0] = i;
		munmap((void *)map, 4 * page);
	}
	_exit(0);
}

TEST_F(segment, race_of_resize_and_mapping)
{
	pid_t pids[2];
	int i;

	for (i = 0; i < 2; i++) {
		pids[i] = child_fork();
		if (!pids[i])
			map_and_touch(self->rw, self->page);
	}
	for (i = 0; i < 600; i++) {
		int ret = add_seals(self->rw, MBOX_SEAL_WRITE);

		EXPECT_EQ(0, set_length(self->rw, (1 + i % 8) * self->page));
		EXPECT_TRUE(ret == 0 || ret == -EBUSY);
		if (!ret)
			break;
	}
	for (i = 0; i < 2; i++) {
		int status = child_wait(pids[i]);

		/* With the seal on, the mapping is refused and the child says so. */
		EXPECT_TRUE(status == 0 || (status == 1 && seg_status(self->rw).seals));
	}
	EXPECT_EQ(0, attached(self->rw));
}

TEST_HARNESS_MAIN
