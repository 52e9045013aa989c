// SPDX-License-Identifier: GPL-2.0
/* libmbox's snapshots, and its names given late. */
#include "common.h"
#include "harness.h"

#include <mbox/mbox.h>

/* What mbox_close() must never be given, to see that a call left it alone. */
#define UNTOUCHED	((struct mbox *)-1L)

FIXTURE(snapshot) {
	char name[64];
	struct mbox *mb;
};

FIXTURE_SETUP(snapshot)
{
	umask(0);
	snprintf(self->name, sizeof(self->name), "/%s", unique_name("late"));
	ASSERT_EQ(0, mbox_create(&self->mb, NULL, O_RDWR, 0666, NULL));
}

FIXTURE_TEARDOWN(snapshot)
{
	mbox_close(self->mb);
}

static int take(struct mbox *mb)
{
	char byte;
	struct mbox_message msg = { .data = &byte, .size = 1 };
	int ret = mbox_recv_msg(mb, &msg, MBOX_NONBLOCK, 0);

	return ret ? ret : byte;
}

TEST_F(snapshot, holds_what_the_mailbox_holds)
{
	struct mbox *copy;

	ASSERT_EQ(0, mbox_send(self->mb, "a", 1, 0));
	ASSERT_EQ(0, mbox_send(self->mb, "b", 1, 1));
	ASSERT_EQ(0, mbox_snapshot(&copy, self->mb, O_RDONLY));
	ASSERT_EQ(0, mbox_send(self->mb, "c", 1, 2));
	EXPECT_EQ('c', take(self->mb));
	EXPECT_EQ('b', take(self->mb));
	EXPECT_EQ('b', take(copy));
	EXPECT_EQ('a', take(copy));
	EXPECT_EQ(-EPIPE, take(copy));
	EXPECT_EQ('a', take(self->mb));
	EXPECT_EQ(-EBADF, mbox_send(copy, "d", 1, 0));
	mbox_close(copy);
}

TEST_F(snapshot, refused_leaves_the_handle_alone)
{
	struct mbox *copy = UNTOUCHED, *tx, *look;

	ASSERT_EQ(0, mbox_link(self->mb, self->name));
	ASSERT_EQ(0, mbox_open(&tx, self->name, O_WRONLY));
	ASSERT_EQ(0, mbox_open(&look, self->name, O_WRONLY | O_RDWR));
	EXPECT_EQ(0, mbox_unlink(self->name));
	EXPECT_EQ(-EBADF, mbox_snapshot(&copy, tx, O_RDONLY));
	EXPECT_EQ(-EINVAL, mbox_snapshot(&copy, self->mb, O_RDWR));
	EXPECT_EQ(-EINVAL, mbox_snapshot(&copy, self->mb, O_EXCL));
	EXPECT_EQ(UNTOUCHED, copy);
	EXPECT_EQ(0, mbox_snapshot(&copy, look, O_RDONLY));
	mbox_close(copy);
	mbox_close(look);
	mbox_close(tx);
}

TEST_F(snapshot, link_makes_a_filled_mailbox_appear)
{
	struct mbox *again = UNTOUCHED;

	ASSERT_EQ(0, mbox_send(self->mb, "a", 1, 0));
	EXPECT_EQ(-ENOENT, mbox_open(&again, self->name, O_RDONLY));
	EXPECT_EQ(0, mbox_link(self->mb, self->name));
	EXPECT_EQ(-EINVAL, mbox_link(self->mb, self->name));
	ASSERT_EQ(0, mbox_open(&again, self->name, O_RDONLY));
	EXPECT_EQ('a', take(again));
	mbox_close(again);
	EXPECT_EQ(0, mbox_unlink(self->name));
}

TEST_F(snapshot, link_names_a_segment_too)
{
	struct mbox_segment *seg;

	ASSERT_EQ(0, mbox_segment_create(&seg, NULL, O_RDWR, 0600, 1, 0));
	EXPECT_EQ(0, mbox_segment_link(seg, self->name));
	EXPECT_EQ(-EEXIST, mbox_link(self->mb, self->name));
	EXPECT_EQ(-EINVAL, mbox_link(self->mb, "/"));
	EXPECT_EQ(-EINVAL, mbox_link(self->mb, "a/b"));
	mbox_segment_close(seg);
	EXPECT_EQ(0, mbox_unlink(self->name));
}

TEST_HARNESS_MAIN
