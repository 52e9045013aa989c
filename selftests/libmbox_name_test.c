// SPDX-License-Identifier: GPL-2.0
/* Names, as libmbox takes them. */
#include "common.h"
#include "harness.h"

#include <mbox/mbox.h>

/* Of a fixture, so that the checks of children count: what TEST() makes is not shared with them. */
FIXTURE(name) {
	char name[64];
};

FIXTURE_SETUP(name)
{
	umask(0);
	snprintf(self->name, sizeof(self->name), "/%s", unique_name("name"));
}

FIXTURE_TEARDOWN(name)
{
}

static int create(const char *name)
{
	struct mbox *mb;
	int ret = mbox_create(&mb, name, O_RDWR | O_EXCL, 0600, NULL);

	if (!ret)
		mbox_close(mb);
	return ret;
}

static int open_mailbox(const char *name)
{
	struct mbox *mb;
	int ret = mbox_open(&mb, name, O_RDWR);

	if (!ret)
		mbox_close(mb);
	return ret;
}

static int create_segment(const char *name)
{
	struct mbox_segment *seg;
	int ret = mbox_segment_create(&seg, name, O_RDWR | O_EXCL, 0600, 1, 0);

	if (!ret)
		mbox_segment_close(seg);
	return ret;
}

static int open_segment(const char *name)
{
	struct mbox_segment *seg;
	int ret = mbox_segment_open(&seg, name, O_RDWR);

	if (!ret)
		mbox_segment_close(seg);
	return ret;
}

TEST_F(name, a_leading_slash_is_the_same_name)
{
	const char *slash = self->name, *bare = slash + 1;

	EXPECT_EQ(0, create(slash));
	EXPECT_EQ(0, open_mailbox(bare));
	EXPECT_EQ(0, open_mailbox(slash));
	EXPECT_EQ(-EEXIST, create(bare));
	EXPECT_EQ(0, mbox_unlink(bare));
	EXPECT_EQ(-ENOENT, mbox_unlink(slash));

	EXPECT_EQ(0, create_segment(bare));
	EXPECT_EQ(0, open_segment(slash));
	EXPECT_EQ(-EEXIST, create_segment(slash));
	EXPECT_EQ(0, mbox_unlink(slash));
	EXPECT_EQ(-ENOENT, open_segment(bare));
}

TEST_F(name, what_is_no_name_is_refused_by_every_call)
{
	static char longest[MBOX_NAME_MAX + 2], longer[MBOX_NAME_MAX + 3];
	static const struct {
		const char *name;
		int expected;
	} cases[] = {
		{ "", -EINVAL },
		{ "/", -EINVAL },
		{ "//", -EINVAL },
		{ "//jobs", -EINVAL },
		{ "a/b", -EINVAL },
		{ "/a/", -EINVAL },
		{ ".", -EINVAL },
		{ "/.", -EINVAL },
		{ "..", -EINVAL },
		{ "/..", -EINVAL },
		{ longer, -ENAMETOOLONG },
		{ longer + 1, -ENAMETOOLONG },
	};
	size_t i;

	memset(longest, 'n', sizeof(longest) - 1);
	longest[0] = '/';
	memset(longer, 'n', sizeof(longer) - 1);
	longer[0] = '/';

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(cases[i].expected, create(cases[i].name)) TH_LOG("case %zu", i);
		EXPECT_EQ(cases[i].expected, open_mailbox(cases[i].name)) TH_LOG("case %zu", i);
		EXPECT_EQ(cases[i].expected, create_segment(cases[i].name)) TH_LOG("case %zu", i);
		EXPECT_EQ(cases[i].expected, open_segment(cases[i].name)) TH_LOG("case %zu", i);
		EXPECT_EQ(cases[i].expected, mbox_unlink(cases[i].name)) TH_LOG("case %zu", i);
	}
	EXPECT_EQ(0, create(longest));
	EXPECT_EQ(0, mbox_unlink(longest + 1));
}

TEST_F(name, only_creating_goes_without_a_name)
{
	EXPECT_EQ(0, create(NULL));
	EXPECT_EQ(0, create_segment(NULL));
	EXPECT_EQ(-EFAULT, open_mailbox(NULL));
	EXPECT_EQ(-EFAULT, open_segment(NULL));
	EXPECT_EQ(-EFAULT, mbox_unlink(NULL));
}

TEST_F(name, any_other_byte_is_part_of_a_name)
{
	EXPECT_EQ(0, create("/ \t\n\\\x7f\xff..."));
	EXPECT_EQ(0, open_mailbox(" \t\n\\\x7f\xff..."));
	EXPECT_EQ(0, mbox_unlink("/ \t\n\\\x7f\xff..."));
}

TEST_F(name, mailboxes_and_segments_share_the_names)
{
	const char *name = self->name;

	EXPECT_EQ(0, create(name));
	EXPECT_EQ(-EEXIST, create_segment(name));
	EXPECT_EQ(-EPROTOTYPE, open_segment(name));
	EXPECT_EQ(0, mbox_unlink(name));

	EXPECT_EQ(0, create_segment(name));
	EXPECT_EQ(-EEXIST, create(name));
	EXPECT_EQ(-EPROTOTYPE, open_mailbox(name));
	EXPECT_EQ(0, mbox_unlink(name));
}

TEST_F(name, unlinking_leaves_those_who_have_it_open)
{
	const char *name = self->name;
	char data[8];
	struct mbox_message msg = { .data = data, .size = sizeof(data) };
	struct mbox_status old, new;
	struct mbox *mb, *other;

	ASSERT_EQ(0, mbox_create(&mb, name, O_RDWR | O_EXCL, 0600, NULL));
	ASSERT_EQ(0, mbox_send(mb, "kept", 4, 0));
	EXPECT_EQ(0, mbox_unlink(name));
	EXPECT_EQ(-ENOENT, open_mailbox(name));

	ASSERT_EQ(0, mbox_create(&other, name, O_RDWR | O_EXCL, 0600, NULL));
	EXPECT_EQ(0, mbox_status(mb, &old));
	EXPECT_EQ(0, mbox_status(other, &new));
	EXPECT_NE(old.id, new.id);
	EXPECT_EQ(0, new.queued);

	EXPECT_EQ(0, mbox_recv_msg(mb, &msg, MBOX_NONBLOCK, 0));
	EXPECT_EQ(4, msg.length);
	EXPECT_EQ(0, mbox_unlink(name));
	mbox_close(mb);
	mbox_close(other);
}

TEST_F(name, a_name_outlives_its_handles)
{
	const char *name = self->name;
	char data[8];
	struct mbox_message msg = { .data = data, .size = sizeof(data) };
	struct mbox *mb;

	ASSERT_EQ(0, mbox_create(&mb, name, O_WRONLY | O_EXCL, 0600, NULL));
	EXPECT_EQ(0, mbox_send(mb, "kept", 4, 0));
	mbox_close(mb);
	ASSERT_EQ(0, mbox_open(&mb, name, O_RDONLY));
	EXPECT_EQ(0, mbox_recv_msg(mb, &msg, MBOX_NONBLOCK, 0));
	EXPECT_EQ(4, msg.length);
	EXPECT_EQ(0, mbox_unlink(name));
	mbox_close(mb);
}

TEST_F(name, only_the_owner_unlinks)
{
	const char *name = self->name;

	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(0, create(name));
	}
	IN_CHILD {
		ASSERT_EQ(0, become(USER_B, USER_B));
		EXPECT_EQ(-EPERM, mbox_unlink(name));
	}
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(0, mbox_unlink(name));
	}
}

TEST_HARNESS_MAIN
