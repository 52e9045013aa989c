// SPDX-License-Identifier: GPL-2.0
/* The tracepoints: each tells its event, of the right object, and nothing is told when off. */
#include "common.h"
#include "harness.h"

#define TRACING	"/sys/kernel/tracing"
#define EVENTS	TRACING "/events/mbox"
#define BUFFER	TRACING "/instances/mbox_test"
#define TEXT	(1 << 20)

FIXTURE(trace) {
	char *text;
	struct mb_call call;
};

typedef FIXTURE_DATA(trace) fixture;

FIXTURE_SETUP(trace)
{
	self->text = malloc(TEXT);
	if (access(EVENTS, F_OK))
		SKIP(return, "no " EVENTS ": this kernel has no tracepoints");
	ASSERT_LE(0, device());
	/* A buffer of its own: nobody else's events are in it. */
	ASSERT_TRUE(!mkdir(BUFFER, 0755) || errno == EEXIST);
	ASSERT_EQ(0, write_text(BUFFER "/events/mbox/enable", "1"));
}

FIXTURE_TEARDOWN(trace)
{
	write_text(BUFFER "/events/mbox/enable", "0");
	rmdir(BUFFER);
	free(self->text);
}

/* How many times @event has been told of the object. */
static int told(fixture *f, const char *event, __u64 id)
{
	char of[64], *line, *next, *at;
	int count = 0;

	if (read_text(BUFFER "/trace", f->text, TEXT) < 0)
		return -1;
	snprintf(of, sizeof(of), " id=%llu", (unsigned long long)id);
	for (line = f->text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		at = strstr(line, event);
		if (!at)
			continue;
		at = strstr(at, of);
		if (at && (at[strlen(of)] == ' ' || !at[strlen(of)]))
			count++;
	}
	return count;
}

TEST_F(trace, all_are_there)
{
	static const char * const events[] = {
		"mbox_create", "mbox_destroy", "mbox_send", "mbox_receive", "mbox_block",
		"mbox_wake", "mbox_write", "mbox_read",
	};
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		snprintf(path, sizeof(path), EVENTS "/%s/format", events[i]);
		EXPECT_EQ(0, access(path, R_OK))
			TH_LOG("%s", path);
	}
}

TEST_F(trace, create_and_destroy)
{
	int fd = mb_create(NULL, 1, O_RDWR), seg = seg_create(NULL, 1, O_RDWR);
	__u64 id = mb_status(fd).id, seg_id = seg_status(seg).id;

	EXPECT_EQ(1, told(self, "mbox_create:", id));
	EXPECT_EQ(1, told(self, "mbox_create:", seg_id));
	EXPECT_EQ(0, told(self, "mbox_destroy:", id));
	close(fd);
	close(seg);
	EXPECT_EQ(1, told(self, "mbox_destroy:", id));
	EXPECT_EQ(1, told(self, "mbox_destroy:", seg_id));
}

TEST_F(trace, send_and_receive_once_for_each_message)
{
	int fd = mb_create(NULL, 4, O_RDWR), i;
	__u64 id = mb_status(fd).id;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, mb_put(fd, i, 0, 0));
	EXPECT_EQ(3, told(self, "mbox_send:", id));
	EXPECT_EQ(0, told(self, "mbox_receive:", id));
	ASSERT_EQ(0, mb_take(fd, 0));
	ASSERT_EQ(1, mb_take(fd, MBOX_PEEK));
	EXPECT_EQ(1, told(self, "mbox_receive:", id));
	EXPECT_EQ(0, told(self, "mbox_block:", id));
}

TEST_F(trace, what_streams_move_is_told_in_bytes)
{
	int fd = st_create(NULL, O_RDWR);
	__u64 id = mb_status(fd).id;
	char buf[10];

	EXPECT_EQ(1, told(self, "mbox_create:", id));
	ASSERT_EQ(-EFAULT, st_put(fd, unmapped_page(), 10));
	EXPECT_EQ(0, told(self, "mbox_write:", id));
	ASSERT_EQ(10, st_put(fd, "0123456789", 10));
	EXPECT_EQ(1, told(self, "mbox_write:", id));
	ASSERT_EQ(-EFAULT, st_get(fd, unmapped_page(), 10));
	EXPECT_EQ(0, told(self, "mbox_read:", id));
	ASSERT_EQ(4, st_get(fd, buf, 4));
	ASSERT_EQ(6, st_get(fd, buf, 10));
	EXPECT_EQ(2, told(self, "mbox_read:", id));
}

TEST_F(trace, failed_ones_are_not_told_as_done)
{
	int fd = mb_create(NULL, 1, O_RDWR);
	struct mbox_ioc_msg bad = { .buf = 1, .len = 4 };
	__u64 id = mb_status(fd).id;

	EXPECT_EQ(-EFAULT, ctl(fd, MBOX_IOC_SEND, &bad));
	EXPECT_EQ(-EAGAIN, mb_put(fd, 1, 0, MBOX_SYNC | MBOX_NONBLOCK));
	EXPECT_EQ(-EAGAIN, mb_take(fd, MBOX_NONBLOCK));
	EXPECT_EQ(0, told(self, "mbox_send:", id));
	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	EXPECT_EQ(-EFAULT, ctl(fd, MBOX_IOC_RECV, &bad));
	EXPECT_EQ(0, told(self, "mbox_receive:", id));
	EXPECT_EQ(1, told(self, "mbox_send:", id));
}

TEST_F(trace, block_and_wake)
{
	int fd = mb_create(NULL, 0, O_RDWR);
	__u64 id = mb_status(fd).id;

	call_take(&self->call, fd, 0);
	ASSERT_EQ(0, call_start(&self->call));
	ASSERT_TRUE(wait_receivers(fd, 1));
	EXPECT_TRUE(wait_until(told(self, "mbox_block:", id) == 1));
	EXPECT_EQ(0, told(self, "mbox_wake:", id));
	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	EXPECT_EQ(0, call_join(&self->call));
	EXPECT_LE(1, told(self, "mbox_wake:", id));
	EXPECT_EQ(1, told(self, "mbox_send:", id));
	EXPECT_EQ(1, told(self, "mbox_receive:", id));
}

TEST_F(trace, nothing_when_off)
{
	int fd = mb_create(NULL, 1, O_RDWR);
	__u64 id = mb_status(fd).id;

	ASSERT_EQ(0, write_text(BUFFER "/events/mbox/enable", "0"));
	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	EXPECT_EQ(0, told(self, "mbox_send:", id));
}

TEST_HARNESS_MAIN
