// SPDX-License-Identifier: GPL-2.0
/* libmbox: descriptors in messages, and the handles that are made of them. */
#include "common.h"
#include "harness.h"

#include <mbox/mbox.h>

FIXTURE(handles) {
	struct mbox *mb;
	int open;
};

static struct mbox *carrier(unsigned int flags)
{
	struct mbox_attr attr = { .capacity = 4, .msgsize = MSGSIZE, .flags = flags };
	struct mbox *mb;

	return mbox_create(&mb, NULL, O_RDWR | O_NONBLOCK, 0600, &attr) ? NULL : mb;
}

FIXTURE_SETUP(handles)
{
	self->mb = carrier(MBOX_HANDLES);
	ASSERT_NE(NULL, self->mb);
	self->open = fds_open();
}

FIXTURE_TEARDOWN(handles)
{
	mbox_close(self->mb);
}

/* A client's request carries its reply port, a server answers to it: no names, no rights. */
TEST_F(handles, reply_port)
{
	struct mbox *replies = carrier(0), *port;
	struct mbox_fd fd = { .fd = mbox_fd(replies), .flags = MBOX_FD_SENDONLY };
	struct mbox_message request = { .data = "sum", .length = 3, .fds = &fd, .nr_fds = 1 };
	char data[16] = "";
	struct mbox_message msg = { .data = data, .size = sizeof(data) };

	ASSERT_EQ(0, mbox_send_msg(self->mb, &request, 0, 0));
	msg.fds = &fd;
	msg.room_fds = 1;
	ASSERT_EQ(0, mbox_recv(self->mb, &msg));
	EXPECT_STREQ("sum", data);
	ASSERT_EQ(1, msg.nr_fds);
	ASSERT_EQ(0, mbox_from_fd(&port, fd.fd));
	EXPECT_EQ(-EBADF, mbox_recv(port, &msg));
	EXPECT_EQ(0, mbox_send(port, "42", 2, 0));
	mbox_close(port);
	ASSERT_EQ(0, mbox_recv(replies, &msg));
	EXPECT_EQ(2, msg.length);
	EXPECT_EQ(0, memcmp("42", data, 2));
	EXPECT_EQ(0, msg.nr_fds);
	mbox_close(replies);
	EXPECT_EQ(self->open, fds_open());
}

TEST_F(handles, segment_without_a_name)
{
	struct mbox_segment *segment, *received;
	struct mbox_fd fd;
	struct mbox_message msg = { .fds = &fd, .nr_fds = 1, .room_fds = 1 };
	char *in, *out;

	ASSERT_EQ(0, mbox_segment_create(&segment, NULL, O_RDWR, 0600, 4096, 0));
	in = map_fd(mbox_segment_fd(segment), 4096, PROT_READ | PROT_WRITE, MAP_SHARED);
	ASSERT_NE(NULL, in);
	fd = (struct mbox_fd) { .fd = mbox_segment_fd(segment) };
	ASSERT_EQ(0, mbox_send_msg(self->mb, &msg, 0, 0));
	mbox_segment_close(segment);
	ASSERT_EQ(0, mbox_recv(self->mb, &msg));
	ASSERT_EQ(0, mbox_segment_from_fd(&received, fd.fd));
	out = map_fd(mbox_segment_fd(received), 4096, PROT_READ, MAP_SHARED);
	ASSERT_NE(NULL, out);
	strcpy(in, "shared");
	EXPECT_STREQ("shared", out);
	mbox_segment_close(received);
	munmap(in, 4096);
	munmap(out, 4096);
	EXPECT_EQ(self->open, fds_open());
}

/* Room that is made as it is needed, as for the bytes. */
TEST_F(handles, room_that_grows)
{
	struct mbox_fd fds[3] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } }, *room = NULL;
	struct mbox_message sent = { .fds = fds, .nr_fds = 3 }, msg = { 0 };
	unsigned int i;

	ASSERT_EQ(0, mbox_send_msg(self->mb, &sent, 0, 0));
	EXPECT_EQ(0, mbox_peek(self->mb, 0, &msg));
	EXPECT_EQ(3, msg.nr_fds);
	while (mbox_recv(self->mb, &msg) == -ENOBUFS) {
		EXPECT_EQ(3, msg.nr_fds);
		room = realloc(room, msg.nr_fds * sizeof(*room));
		msg.fds = room;
		msg.room_fds = msg.nr_fds;
	}
	ASSERT_NE(NULL, room);
	EXPECT_EQ(3, msg.nr_fds);
	for (i = 0; i < msg.nr_fds; i++)
		EXPECT_EQ(0, close(room[i].fd));
	free(room);
	EXPECT_EQ(self->open, fds_open());
}

TEST_F(handles, go_with_vectors_and_batches)
{
	struct mbox_fd fd = { .fd = 0 }, got[3];
	struct mbox_message msgs[2] = { { .fds = &fd, .nr_fds = 1 }, { .fds = &fd, .nr_fds = 1 } };
	struct iovec iov = { "x", 1 };
	int i;

	ASSERT_EQ(2, mbox_send_batch(self->mb, msgs, 2, 0, 0));
	ASSERT_EQ(0, mbox_sendv(self->mb, &iov, 1, &msgs[0], 0, 0));
	for (i = 0; i < 2; i++)
		msgs[i] = (struct mbox_message) { .fds = &got[i], .room_fds = 1 };
	ASSERT_EQ(2, mbox_recv_batch(self->mb, msgs, 2, 0, 0));
	msgs[0].fds = &got[2];
	iov.iov_base = (char [1]) { 0 };
	ASSERT_EQ(0, mbox_recvv(self->mb, &iov, 1, &msgs[0], 0, 0));
	EXPECT_EQ(1, msgs[0].length);
	EXPECT_EQ(1, msgs[0].nr_fds);
	EXPECT_EQ(1, msgs[1].nr_fds);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, close(got[i].fd));
	EXPECT_EQ(self->open, fds_open());
}

TEST_F(handles, refusals)
{
	struct mbox *plain = carrier(0);
	struct mbox_fd fd = { .fd = -1 };
	struct mbox_message msg = { .fds = &fd, .nr_fds = 1 };

	EXPECT_EQ(-EBADF, mbox_send_msg(self->mb, &msg, 0, 0));
	fd.fd = 0;
	EXPECT_EQ(-EOPNOTSUPP, mbox_send_msg(plain, &msg, 0, 0));
	fd.flags = MBOX_FD_SENDONLY;
	EXPECT_EQ(-EINVAL, mbox_send_msg(self->mb, &msg, 0, 0));
	fd.flags = 0;
	msg.nr_fds = MBOX_FDS_MAX + 1;
	EXPECT_EQ(-EINVAL, mbox_send_msg(self->mb, &msg, 0, 0));
	msg.room_fds = MBOX_FDS_MAX + 1;
	EXPECT_EQ(-EINVAL, mbox_recv(self->mb, &msg));
	EXPECT_STRNE(mbox_strerror(-ENOBUFS), mbox_strerror(-EOPNOTSUPP));
	EXPECT_EQ(NULL, carrier(MBOX_HANDLES | MBOX_BROADCAST));
	mbox_close(plain);
}

TEST_HARNESS_MAIN
