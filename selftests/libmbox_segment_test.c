// SPDX-License-Identifier: GPL-2.0
/* libmbox's segments. */
#include "common.h"
#include "harness.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <mbox/mbox.h>

#define UNTOUCHED	((struct mbox_segment *)-1L)
#define LENGTH		10000

FIXTURE(segment) {
	char name[64];
	struct mbox_segment *seg;
};

FIXTURE_SETUP(segment)
{
	umask(0);
	snprintf(self->name, sizeof(self->name), "/%s", unique_name("segment"));
	ASSERT_EQ(0, mbox_segment_create(&self->seg, self->name, O_RDWR | O_EXCL, 0666, LENGTH, 0));
}

FIXTURE_TEARDOWN(segment)
{
	EXPECT_EQ(0, mbox_unlink(self->name));
	mbox_segment_close(self->seg);
}

static struct mbox_segment_status status_of(const struct mbox_segment *seg)
{
	struct mbox_segment_status status;

	memset(&status, 0xa5, sizeof(status));
	if (mbox_segment_status(seg, &status))
		memset(&status, 0, sizeof(status));
	return status;
}

/* Only whether it could be mapped. */
static int map(const struct mbox_segment *seg, int prot)
{
	size_t length;
	void *p;
	int ret = mbox_segment_map(seg, prot, &p, &length);

	return ret ? ret : mbox_segment_unmap(p, length);
}

TEST_F(segment, is_created_as_asked)
{
	struct mbox_segment_status status = status_of(self->seg);
	struct mbox_segment *seg;

	EXPECT_NE(0, status.id);
	EXPECT_EQ(LENGTH, status.length);
	EXPECT_EQ(0, status.resident);
	EXPECT_EQ(0, status.attached);
	EXPECT_EQ(0, status.writable);
	EXPECT_EQ(0, status.seals);
	EXPECT_EQ(0666, status.mode);
	EXPECT_EQ(geteuid(), status.uid);
	EXPECT_EQ(getegid(), status.gid);
	EXPECT_EQ(0, status.flags);

	umask(027);
	ASSERT_EQ(0, mbox_segment_create(&seg, NULL, O_RDWR, 0777, 1, MBOX_HUGEPAGE));
	EXPECT_EQ(0750, status_of(seg).mode);
	EXPECT_EQ(1, status_of(seg).length);
	EXPECT_EQ(MBOX_HUGEPAGE, status_of(seg).flags);
	mbox_segment_close(seg);
}

TEST_F(segment, refuses_what_is_out_of_range)
{
	static const struct {
		int oflag;
		mode_t mode;
		uint64_t length;
		unsigned int flags;
	} cases[] = {
		{ O_RDWR, 0600, ~0ULL, 0 },
		{ O_RDWR, 0600, 1ULL << 63, 0 },
		{ O_RDWR, 01000, 1, 0 },
		{ O_RDWR, 0600, 1, MBOX_HUGEPAGE << 1 },
		{ O_RDWR, 0600, 1, 1U << 31 },
		{ O_WRONLY, 0600, 1, 0 },
		{ O_RDWR | O_CREAT, 0600, 1, 0 },
	};
	struct mbox_segment *seg = UNTOUCHED;
	const char *name = unique_name("refused");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(-EINVAL, mbox_segment_create(&seg, name, cases[i].oflag, cases[i].mode,
						       cases[i].length, cases[i].flags))
			TH_LOG("case %zu", i);
	}
	EXPECT_EQ(-ENOENT, mbox_unlink(name));
	EXPECT_EQ(-EINVAL, mbox_segment_open(&seg, self->name, O_WRONLY));
	EXPECT_EQ(-EINVAL, mbox_segment_open(&seg, self->name, O_RDWR | O_EXCL));
	EXPECT_EQ(-ENOENT, mbox_segment_open(&seg, name, O_RDWR));
	EXPECT_EQ(-EEXIST, mbox_segment_create(&seg, self->name, O_RDWR | O_EXCL, 0600, 1, 0));
	EXPECT_EQ(UNTOUCHED, seg);

	ASSERT_EQ(0, mbox_segment_create(&seg, self->name, O_RDWR, 0600, 1, 0));
	EXPECT_EQ(status_of(self->seg).id, status_of(seg).id);
	EXPECT_EQ(LENGTH, status_of(seg).length);
	mbox_segment_close(seg);
}

TEST_F(segment, is_shared_memory)
{
	struct mbox_segment *other;
	size_t length = 0, length2 = 0;
	unsigned char *p, *q;

	ASSERT_EQ(0, mbox_segment_map(self->seg, PROT_READ | PROT_WRITE, (void **)&p, &length));
	ASSERT_EQ(LENGTH, length);
	EXPECT_TRUE(!p[0] && !p[LENGTH - 1]);
	ASSERT_EQ(0, mbox_segment_open(&other, self->name, O_RDONLY));
	ASSERT_EQ(0, mbox_segment_map(other, PROT_READ, (void **)&q, &length2));
	EXPECT_NE(p, q);
	EXPECT_EQ(2, status_of(other).attached);
	EXPECT_EQ(1, status_of(other).writable);

	pattern_fill(p, LENGTH, 1);
	EXPECT_TRUE(pattern_check(q, LENGTH, 1));
	EXPECT_LE(LENGTH, status_of(other).resident);
	IN_CHILD {
		EXPECT_TRUE(pattern_check(q, LENGTH, 1));
		p[7] = 99;
	}
	EXPECT_EQ(99, q[7]);

	/* It outlives handles, and is there again for the next. */
	mbox_segment_close(other);
	EXPECT_EQ(99, q[7]);
	EXPECT_EQ(0, mbox_segment_unmap(p, length));
	EXPECT_EQ(0, mbox_segment_unmap(q, length2));
	EXPECT_EQ(0, status_of(self->seg).attached);
	EXPECT_EQ(0, status_of(self->seg).writable);
}

TEST_F(segment, is_read_only_to_a_reader_for_ever)
{
	struct mbox_segment *reader, *neither;
	size_t length = 77;
	void *p = self;

	ASSERT_EQ(0, mbox_segment_open(&reader, self->name, O_RDONLY));
	EXPECT_EQ(-EACCES, mbox_segment_map(reader, PROT_READ | PROT_WRITE, &p, &length));
	EXPECT_EQ(-EINVAL, mbox_segment_map(reader, PROT_NONE, &p, &length));
	EXPECT_EQ(-EINVAL, mbox_segment_map(reader, PROT_WRITE, &p, &length));
	EXPECT_EQ(-EINVAL, mbox_segment_map(reader, PROT_READ | PROT_EXEC, &p, &length));
	EXPECT_EQ(self, p);
	EXPECT_EQ(77, length);

	ASSERT_EQ(0, mbox_segment_map(reader, PROT_READ, &p, &length));
	EXPECT_EQ(-1, mprotect(p, length, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, mbox_segment_unmap(p, length));

	EXPECT_EQ(-EBADF, mbox_segment_resize(reader, 1));
	EXPECT_EQ(-EBADF, mbox_segment_seal(reader, MBOX_SEAL_GROW));
	EXPECT_EQ(LENGTH, status_of(reader).length);

	ASSERT_EQ(0, mbox_segment_open(&neither, self->name, O_WRONLY | O_RDWR));
	EXPECT_EQ(-EACCES, map(neither, PROT_READ));
	EXPECT_EQ(-EBADF, mbox_segment_resize(neither, 1));
	EXPECT_EQ(LENGTH, status_of(neither).length);
	mbox_segment_close(neither);
	mbox_segment_close(reader);
}

TEST_F(segment, unmaps_only_what_is_a_mapping)
{
	size_t length;
	void *p;

	ASSERT_EQ(0, mbox_segment_map(self->seg, PROT_READ, &p, &length));
	EXPECT_EQ(-EINVAL, mbox_segment_unmap((char *)p + 1, length));
	EXPECT_EQ(-EINVAL, mbox_segment_unmap(p, 0));
	EXPECT_EQ(1, status_of(self->seg).attached);
	EXPECT_EQ(0, mbox_segment_unmap(p, length));
	EXPECT_EQ(0, status_of(self->seg).attached);
}

TEST_F(segment, is_resized)
{
	size_t page = getpagesize(), length;
	char *p;

	ASSERT_EQ(0, mbox_segment_map(self->seg, PROT_READ | PROT_WRITE, (void **)&p, &length));
	memset(p, 1, LENGTH);
	ASSERT_EQ(0, mbox_segment_resize(self->seg, page + 1));
	EXPECT_EQ(page + 1, status_of(self->seg).length);
	ASSERT_EQ(0, mbox_segment_resize(self->seg, LENGTH));
	EXPECT_EQ(1, p[page]);
	/* What was cut off came back as zeros. */
	EXPECT_EQ(0, p[page + 1]);
	EXPECT_EQ(0, p[LENGTH - 1]);
	EXPECT_EQ(-EINVAL, mbox_segment_resize(self->seg, ~0ULL));
	EXPECT_EQ(LENGTH, status_of(self->seg).length);
	EXPECT_EQ(0, mbox_segment_unmap(p, length));
}

TEST_F(segment, is_empty)
{
	struct mbox_segment *seg;

	ASSERT_EQ(0, mbox_segment_create(&seg, NULL, O_RDWR, 0600, 0, 0));
	EXPECT_EQ(0, status_of(seg).length);
	EXPECT_EQ(-EINVAL, map(seg, PROT_READ));
	EXPECT_EQ(0, mbox_segment_resize(seg, 1));
	EXPECT_EQ(0, map(seg, PROT_READ));
	EXPECT_EQ(0, mbox_segment_resize(seg, 0));
	EXPECT_EQ(0, status_of(seg).length);
	mbox_segment_close(seg);
}

TEST_F(segment, is_too_large_to_map)
{
	uint64_t length = 1ULL << 60;
	struct mbox_segment *seg;

	ASSERT_EQ(0, mbox_segment_create(&seg, NULL, O_RDWR, 0600, length, 0));
	EXPECT_EQ(-ENOMEM, map(seg, PROT_READ));
	mbox_segment_close(seg);
}

TEST_F(segment, is_sealed)
{
	size_t length;
	void *p;

	ASSERT_EQ(0, mbox_segment_seal(self->seg, 0));
	ASSERT_EQ(0, mbox_segment_seal(self->seg, MBOX_SEAL_SHRINK));
	EXPECT_EQ(-EPERM, mbox_segment_resize(self->seg, LENGTH - 1));
	EXPECT_EQ(0, mbox_segment_resize(self->seg, LENGTH + 1));
	ASSERT_EQ(0, mbox_segment_seal(self->seg, MBOX_SEAL_GROW));
	EXPECT_EQ(-EPERM, mbox_segment_resize(self->seg, LENGTH + 2));
	EXPECT_EQ(MBOX_SEAL_SHRINK | MBOX_SEAL_GROW, status_of(self->seg).seals);

	ASSERT_EQ(0, mbox_segment_map(self->seg, PROT_READ | PROT_WRITE, &p, &length));
	EXPECT_EQ(-EBUSY, mbox_segment_seal(self->seg, MBOX_SEAL_WRITE));
	EXPECT_EQ(0, mbox_segment_unmap(p, length));
	ASSERT_EQ(0, mbox_segment_seal(self->seg, MBOX_SEAL_WRITE));
	EXPECT_EQ(-EPERM, map(self->seg, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, map(self->seg, PROT_READ));

	EXPECT_EQ(-EINVAL, mbox_segment_seal(self->seg, 1U << 4));
	ASSERT_EQ(0, mbox_segment_seal(self->seg, MBOX_SEAL_SEAL));
	EXPECT_EQ(-EPERM, mbox_segment_seal(self->seg, MBOX_SEAL_GROW));
	EXPECT_EQ(0xf, status_of(self->seg).seals);
}

TEST_F(segment, is_opened_by_whom_the_mode_allows)
{
	ASSERT_EQ(0, mbox_segment_chmod(self->seg, 0604));
	EXPECT_EQ(0604, status_of(self->seg).mode);
	IN_CHILD {
		struct mbox_segment *seg = UNTOUCHED;

		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EACCES, mbox_segment_open(&seg, self->name, O_RDWR));
		EXPECT_EQ(-EACCES, mbox_segment_create(&seg, self->name, O_RDWR, 0600, 1, 0));
		EXPECT_EQ(UNTOUCHED, seg);
		EXPECT_EQ(0, mbox_segment_open(&seg, self->name, O_RDONLY));
	}
}

TEST_F(segment, counts_against_budgets)
{
	long long segments = param_get("user_segments"), bytes = param_get("user_bytes");

	ASSERT_EQ(0, param_set("user_segments", 2));
	ASSERT_EQ(0, param_set("user_bytes", 100000));
	IN_CHILD {
		struct mbox_segment *seg;

		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EDQUOT, mbox_segment_create(&seg, NULL, O_RDWR, 0600, 200000, 0));
		EXPECT_EQ(0, mbox_segment_create(&seg, NULL, O_RDWR, 0600, 1, 0));
		EXPECT_EQ(0, mbox_segment_create(&seg, NULL, O_RDWR, 0600, 1, 0));
		EXPECT_EQ(-EDQUOT, mbox_segment_create(&seg, NULL, O_RDWR, 0600, 1, 0));
		EXPECT_EQ(-EDQUOT, mbox_segment_resize(seg, 200000));
		EXPECT_EQ(1, status_of(seg).length);
		EXPECT_EQ(0, mbox_segment_resize(seg, 40000));
	}
	EXPECT_EQ(0, param_set("user_segments", segments));
	EXPECT_EQ(0, param_set("user_bytes", bytes));
}

static long futex(uint32_t *word, int operation, uint32_t value)
{
	return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

/* Processes hand a word to and fro, sleeping in between. */
TEST_F(segment, carries_a_futex_between_processes)
{
	size_t length;
	uint32_t *word, i;
	pid_t child;

	ASSERT_EQ(0, mbox_segment_map(self->seg, PROT_READ | PROT_WRITE, (void **)&word, &length));
	child = child_fork();
	for (i = 0; i < 100; i++) {
		uint32_t mine = 2 * i + !child, now;

		while ((now = __atomic_load_n(word, __ATOMIC_SEQ_CST)) != mine)
			futex(word, FUTEX_WAIT, now);
		__atomic_store_n(word, mine + 1, __ATOMIC_SEQ_CST);
		futex(word, FUTEX_WAKE, 1);
	}
	if (!child)
		_exit(0);
	EXPECT_EQ(0, child_wait(child));
	EXPECT_EQ(200, *word);
	EXPECT_EQ(0, mbox_segment_unmap(word, length));
}

TEST(closing_nothing_is_nothing)
{
	mbox_segment_close(NULL);
}

TEST_HARNESS_MAIN
