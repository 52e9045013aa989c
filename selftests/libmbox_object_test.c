// SPDX-License-Identifier: GPL-2.0
/*
 * What libmbox's mailboxes and segments have in common: a handle and its descriptor, what can be
 * made one, and their owner, group and mode.
 */
#include "common.h"
#include "harness.h"

#include <sched.h>
#include <sys/socket.h>

#include <mbox/mbox.h>

/* What must never be closed, to see that a call left it alone. */
#define NO_MAILBOX	((struct mbox *)-1L)
#define NO_SEGMENT	((struct mbox_segment *)-1L)

FIXTURE(object) {
	struct mbox *mb;
	struct mbox_segment *seg;
};

FIXTURE_SETUP(object)
{
	umask(0);
	ASSERT_EQ(0, mbox_create(&self->mb, NULL, O_RDWR, 0666, NULL));
	ASSERT_EQ(0, mbox_segment_create(&self->seg, NULL, O_RDWR, 0666, 1, 0));
}

FIXTURE_TEARDOWN(object)
{
	mbox_close(self->mb);
	mbox_segment_close(self->seg);
}

static struct mbox_status status_of(const struct mbox *mb)
{
	struct mbox_status status;

	memset(&status, 0xa5, sizeof(status));
	if (mbox_status(mb, &status))
		memset(&status, 0, sizeof(status));
	return status;
}

static struct mbox_segment_status segment_status_of(const struct mbox_segment *seg)
{
	struct mbox_segment_status status;

	memset(&status, 0xa5, sizeof(status));
	if (mbox_segment_status(seg, &status))
		memset(&status, 0, sizeof(status));
	return status;
}

TEST_F(object, failed_call_leaves_no_handle_and_no_descriptor)
{
	const char *name = unique_name("object");
	struct mbox *mb = NO_MAILBOX;
	struct mbox_segment *seg = NO_SEGMENT;
	int before = fds_open();

	EXPECT_EQ(-ENOENT, mbox_open(&mb, name, O_RDWR));
	EXPECT_EQ(-EINVAL, mbox_create(&mb, name, O_RDWR, 01000, NULL));
	EXPECT_EQ(-ENOENT, mbox_segment_open(&seg, name, O_RDWR));
	EXPECT_EQ(-EINVAL, mbox_segment_create(&seg, name, O_RDWR, 01000, 1, 0));
	EXPECT_EQ(NO_MAILBOX, mb);
	EXPECT_EQ(NO_SEGMENT, seg);
	EXPECT_EQ(before, fds_open());
}

TEST_F(object, closing_a_handle_closes_its_descriptor)
{
	int fd = mbox_fd(self->mb), seg_fd = mbox_segment_fd(self->seg), before = fds_open();

	mbox_close(self->mb);
	mbox_segment_close(self->seg);
	EXPECT_EQ(-1, fcntl(fd, F_GETFD));
	EXPECT_EQ(-1, fcntl(seg_fd, F_GETFD));
	EXPECT_EQ(before - 2, fds_open());
	self->mb = NULL;
	self->seg = NULL;
}

/* Files of other drivers, which do not all say the same of an ioctl that they do not know. */
TEST_F(object, a_handle_is_made_of_no_strange_file)
{
	struct mbox *mb = NO_MAILBOX;
	struct mbox_segment *seg = NO_SEGMENT;
	int fds[] = {
		open("/dev/null", O_RDWR), open("/dev/zero", O_RDWR), open("/proc/self/stat", O_RDONLY),
		open("/", O_RDONLY | O_DIRECTORY), open("/tmp", O_PATH),
		socket(AF_UNIX, SOCK_STREAM, 0),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		/* O_PATH gives a descriptor that is open for no ioctl. */
		int expected = i == 4 ? -EBADF : -ENOTTY;

		ASSERT_LE(0, fds[i]);
		EXPECT_EQ(expected, mbox_from_fd(&mb, fds[i]));
		EXPECT_EQ(expected, mbox_segment_from_fd(&seg, fds[i]));
		EXPECT_EQ(0, close(fds[i]));
	}
	EXPECT_EQ(NO_MAILBOX, mb);
	EXPECT_EQ(NO_SEGMENT, seg);
}

TEST_F(object, a_mailbox_is_not_made_of_other_descriptors)
{
	struct mbox_segment *seg;
	struct mbox *mb = NO_MAILBOX;
	int pipe_fds[2];

	ASSERT_EQ(0, mbox_segment_create(&seg, NULL, O_RDWR, 0600, 1, 0));
	ASSERT_EQ(0, pipe(pipe_fds));
	EXPECT_EQ(-EBADF, mbox_from_fd(&mb, -1));
	EXPECT_EQ(-EBADF, mbox_from_fd(&mb, 1000000));
	EXPECT_EQ(-ENOTTY, mbox_from_fd(&mb, pipe_fds[0]));
	EXPECT_EQ(-ENOTTY, mbox_from_fd(&mb, device()));
	EXPECT_EQ(-ENOTTY, mbox_from_fd(&mb, mbox_segment_fd(seg)));
	EXPECT_EQ(NO_MAILBOX, mb);
	/* They stay the caller's, and open. */
	EXPECT_EQ(0, close(pipe_fds[0]));
	EXPECT_EQ(0, close(pipe_fds[1]));
	EXPECT_EQ(1, fcntl(mbox_segment_fd(seg), F_GETFD));
	mbox_segment_close(seg);
}

TEST_F(object, a_segment_is_a_descriptor)
{
	int fd = mbox_segment_fd(self->seg), copy = dup(fd), pipe_fds[2];
	struct mbox_segment *seg = NO_SEGMENT;
	struct mbox *mb;

	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(0, map_errno(fd, 1, PROT_READ, MAP_SHARED));

	ASSERT_EQ(0, pipe(pipe_fds));
	ASSERT_EQ(0, mbox_create(&mb, NULL, O_RDWR, 0600, NULL));
	EXPECT_EQ(-EBADF, mbox_segment_from_fd(&seg, -1));
	EXPECT_EQ(-ENOTTY, mbox_segment_from_fd(&seg, pipe_fds[0]));
	EXPECT_EQ(-ENOTTY, mbox_segment_from_fd(&seg, device()));
	EXPECT_EQ(-ENOTTY, mbox_segment_from_fd(&seg, mbox_fd(mb)));
	EXPECT_EQ(NO_SEGMENT, seg);
	EXPECT_EQ(0, close(pipe_fds[0]));
	EXPECT_EQ(0, close(pipe_fds[1]));
	mbox_close(mb);

	ASSERT_EQ(0, mbox_segment_from_fd(&seg, copy));
	EXPECT_EQ(copy, mbox_segment_fd(seg));
	EXPECT_EQ(segment_status_of(self->seg).id, segment_status_of(seg).id);
	mbox_segment_close(seg);
	EXPECT_EQ(-1, fcntl(copy, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
}

TEST_F(object, goes_over_a_socket)
{
	int pair[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	ASSERT_EQ(0, fd_send(pair[0], mbox_fd(self->mb)));
	IN_CHILD {
		struct mbox *mb;

		mbox_close(self->mb);
		ASSERT_EQ(0, mbox_from_fd(&mb, fd_recv(pair[1])));
		EXPECT_EQ(0, mbox_send(mb, "over", 4, 0));
	}
	EXPECT_EQ(1, status_of(self->mb).queued);
	close(pair[0]);
	close(pair[1]);
}

TEST_F(object, a_handle_keeps_its_rights)
{
	const char *name = unique_name("rights");

	IN_CHILD {
		struct mbox *mb, *other;

		ASSERT_EQ(0, become(USER_A, USER_A));
		ASSERT_EQ(0, mbox_create(&mb, name, O_RDWR | O_EXCL, 0600, NULL));
		EXPECT_EQ(0, mbox_chmod(mb, 0));
		EXPECT_EQ(-EACCES, mbox_open(&other, name, O_WRONLY));
		EXPECT_EQ(0, mbox_send(mb, NULL, 0, 0));
		EXPECT_EQ(0, mbox_unlink(name));
	}
}

TEST_F(object, a_mailbox_is_changed_by_its_owner_only)
{
	IN_CHILD {
		struct mbox_status before = status_of(self->mb), after;

		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EPERM, mbox_chmod(self->mb, 0600));
		EXPECT_EQ(-EPERM, mbox_resize(self->mb, 1));
		EXPECT_EQ(-EPERM, mbox_chown(self->mb, USER_A, -1));
		EXPECT_EQ(-EPERM, mbox_chown(self->mb, -1, USER_A));
		EXPECT_EQ(0, mbox_chown(self->mb, -1, -1));
		after = status_of(self->mb);
		EXPECT_EQ(before.mode, after.mode);
		EXPECT_EQ(before.capacity, after.capacity);
		EXPECT_EQ(before.uid, after.uid);
		EXPECT_EQ(before.gid, after.gid);
	}
}

TEST_F(object, a_segment_is_changed_by_its_owner_only)
{
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EPERM, mbox_segment_chmod(self->seg, 0600));
		EXPECT_EQ(-EPERM, mbox_segment_chown(self->seg, USER_A, -1));
		EXPECT_EQ(-EPERM, mbox_segment_chown(self->seg, -1, USER_A));
		EXPECT_EQ(0, mbox_segment_chown(self->seg, -1, -1));
	}
	EXPECT_EQ(0666, segment_status_of(self->seg).mode);
	EXPECT_EQ(geteuid(), segment_status_of(self->seg).uid);

	EXPECT_EQ(-EINVAL, mbox_segment_chmod(self->seg, 01000));
	ASSERT_EQ(0, mbox_segment_chown(self->seg, USER_A, -1));
	ASSERT_EQ(0, mbox_segment_chown(self->seg, -1, USER_B));
	EXPECT_EQ(USER_A, segment_status_of(self->seg).uid);
	EXPECT_EQ(USER_B, segment_status_of(self->seg).gid);
	IN_CHILD {
		ASSERT_EQ(0, enter_user_namespace(0, 0));
		EXPECT_EQ(-EINVAL, mbox_segment_chown(self->seg, USER_A, -1));
	}
}

TEST_F(object, changes_owner_group_and_mode)
{
	ASSERT_EQ(0, mbox_chown(self->mb, USER_A, USER_B));
	EXPECT_EQ(USER_A, status_of(self->mb).uid);
	EXPECT_EQ(USER_B, status_of(self->mb).gid);
	ASSERT_EQ(0, mbox_chown(self->mb, -1, USER_C));
	EXPECT_EQ(USER_A, status_of(self->mb).uid);
	EXPECT_EQ(USER_C, status_of(self->mb).gid);
	ASSERT_EQ(0, mbox_chown(self->mb, USER_B, -1));
	EXPECT_EQ(USER_B, status_of(self->mb).uid);
	EXPECT_EQ(USER_C, status_of(self->mb).gid);

	umask(077);
	EXPECT_EQ(0, mbox_chmod(self->mb, 0777));
	EXPECT_EQ(0777, status_of(self->mb).mode);
	EXPECT_EQ(-EINVAL, mbox_chmod(self->mb, 01777));
	EXPECT_EQ(-EINVAL, mbox_chmod(self->mb, -1));
	EXPECT_EQ(0777, status_of(self->mb).mode);
}

TEST_F(object, is_not_given_to_an_id_that_the_namespace_lacks)
{
	IN_CHILD {
		struct mbox *mb;

		ASSERT_EQ(0, mbox_create(&mb, NULL, O_RDWR, 0600, NULL));
		ASSERT_EQ(0, enter_user_namespace(0, 0));
		EXPECT_EQ(-EINVAL, mbox_chown(mb, USER_A, -1));
		EXPECT_EQ(-EINVAL, mbox_chown(mb, -1, USER_A));
	}
}

TEST_HARNESS_MAIN
