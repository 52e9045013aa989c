// SPDX-License-Identifier: GPL-2.0
/* /proc/net/mbox and fdinfo: what a person and `mbox ls` read. */
#include "common.h"
#include "harness.h"

#include <sched.h>

#define TABLE	"/proc/net/mbox"
#define HEADER	"kind id mode uid gid capacity msgsize queued bytes senders receivers "	\
		"wait_send wait_recv send_wait_ms recv_wait_ms send_wait_pid recv_wait_pid sent name\n"
#define TEXT	(4 << 20)

enum column {
	KIND, ID, MODE, UID, GID, CAPACITY, SIZE, QUEUED, BYTES, SENDERS, RECEIVERS, WAIT_SEND,
	WAIT_RECV, SEND_WAIT_MS, RECV_WAIT_MS, SEND_WAIT_PID, RECV_WAIT_PID, SENT, NAME,
	COLUMNS
};

FIXTURE(proc) {
	struct mb_ends box;
	char *text;
	char *row[COLUMNS];
	int columns;
};

typedef FIXTURE_DATA(proc) fixture;

FIXTURE_SETUP(proc)
{
	umask(0);
	self->text = malloc(TEXT);
	ASSERT_EQ(0, mb_ends_open(&self->box, 4, 0));
}

FIXTURE_TEARDOWN(proc)
{
	mb_ends_close(&self->box);
}

/* Looks for the object in the table that this process sees. */
static bool find(fixture *f, __u64 id)
{
	char *line, *next, *field;

	if (read_text(TABLE, f->text, TEXT) < 0)
		return false;
	for (line = strchr(f->text, '\n') + 1; *line; line = next) {
		next = strchr(line, '\n');
		if (!next)
			return false;
		*next++ = 0;
		f->columns = 0;
		for (field = strtok(line, " "); field; field = strtok(NULL, " "))
			if (f->columns < COLUMNS)
				f->row[f->columns++] = field;
			else
				f->columns++;
		if (f->columns == COLUMNS && strtoull(f->row[ID], NULL, 10) == id)
			return true;
	}
	return false;
}

static long long value(const fixture *f, enum column column)
{
	return strtoll(f->row[column], NULL, 10);
}

TEST_F(proc, begins_with_the_header)
{
	ASSERT_LT(0, read_text(TABLE, self->text, TEXT));
	EXPECT_EQ(0, strncmp(self->text, HEADER, strlen(HEADER)));
}

TEST_F(proc, cannot_be_written)
{
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EACCES, write_text(TABLE, "x"));
	}
}

TEST_F(proc, row_of_a_mailbox)
{
	const char *name = unique_name("row");
	struct mbox_ioc_create create = mb_template(name, 7, O_RDWR);
	int fd;

	create.mode = 0624;
	fd = ctl(device(), MBOX_IOC_CREATE, &create);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	ASSERT_EQ(0, mb_send(fd, "abc", 3, 0, 0));
	ASSERT_LE(0, mb_open(name, O_RDONLY));
	ASSERT_TRUE(find(self, mb_status(fd).id));
	EXPECT_STREQ("mailbox", self->row[KIND]);
	EXPECT_STREQ("0624", self->row[MODE]);
	EXPECT_EQ(0, value(self, UID));
	EXPECT_EQ(0, value(self, GID));
	EXPECT_EQ(7, value(self, CAPACITY));
	EXPECT_EQ(MSGSIZE, value(self, SIZE));
	EXPECT_EQ(2, value(self, QUEUED));
	EXPECT_EQ(7, value(self, BYTES));
	EXPECT_EQ(2, value(self, SENT));
	EXPECT_EQ(1, value(self, SENDERS));
	EXPECT_EQ(2, value(self, RECEIVERS));
	EXPECT_STREQ("0", self->row[WAIT_SEND]);
	EXPECT_STREQ("0", self->row[WAIT_RECV]);
	EXPECT_STREQ("0", self->row[SEND_WAIT_MS]);
	EXPECT_STREQ("0", self->row[RECV_WAIT_MS]);
	EXPECT_STREQ("0", self->row[SEND_WAIT_PID]);
	EXPECT_STREQ("0", self->row[RECV_WAIT_PID]);
	EXPECT_STREQ(name, self->row[NAME]);
	EXPECT_EQ(0, mb_unlink(name));
}

TEST_F(proc, row_of_a_segment)
{
	const char *name = unique_name("row");
	int fd = seg_create(name, 10000, O_RDWR);
	char *map = map_fd(fd, 10000, PROT_READ | PROT_WRITE, MAP_SHARED);

	ASSERT_TRUE(map != NULL);
	map[0] = 1;
	ASSERT_TRUE(find(self, seg_status(fd).id));
	EXPECT_STREQ("segment", self->row[KIND]);
	EXPECT_STREQ("0666", self->row[MODE]);
	EXPECT_STREQ("-", self->row[CAPACITY]);
	EXPECT_STREQ("-", self->row[SENT]);
	EXPECT_EQ(10000, value(self, SIZE));
	EXPECT_EQ(1, value(self, QUEUED));
	EXPECT_EQ(getpagesize(), value(self, BYTES));
	EXPECT_STREQ(name, self->row[NAME]);
	EXPECT_EQ(0, mb_unlink(name));
}

TEST_F(proc, unbounded_and_anonymous)
{
	int fd = mb_create(NULL, MBOX_UNBOUNDED, O_RDWR);

	ASSERT_TRUE(find(self, mb_status(fd).id));
	EXPECT_STREQ("unbounded", self->row[CAPACITY]);
	EXPECT_STREQ("-", self->row[NAME]);
	EXPECT_EQ(0, mb_set_capacity(fd, MBOX_UNBOUNDED - 1));
	ASSERT_TRUE(find(self, mb_status(fd).id));
	EXPECT_STREQ("18446744073709551614", self->row[CAPACITY]);
}

TEST_F(proc, gone_with_the_object)
{
	int fd = mb_create(NULL, 1, O_RDWR);
	__u64 id = mb_status(fd).id;

	ASSERT_TRUE(find(self, id));
	close(fd);
	EXPECT_FALSE(find(self, id));
}

static void unescape(char *to, const char *from)
{
	while (*from) {
		if (*from == '\\') {
			*to++ = (from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0');
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = 0;
}

TEST_F(proc, names_are_escaped)
{
	static const char * const names[] = {
		"a b", "tab\there", "line\nend", "back\\slash", "\001\033[31m", "\\040", "-",
		" ", "h\xc3\xa9", "\x7f",
	};
	char name[MBOX_NAME_MAX + 1];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = mb_create(names[i], 1, O_RDWR | O_EXCL);
		char *c;

		ASSERT_LE(0, fd);
		ASSERT_TRUE(find(self, mb_status(fd).id));
		for (c = self->row[NAME]; *c; c++) {
			EXPECT_TRUE(*c != 127 && !(*c > 0 && *c <= ' '));
		}
		unescape(name, self->row[NAME]);
		EXPECT_STREQ(names[i], name);
		/* A lone dash would say that there is no name. */
		EXPECT_STRNE("-", self->row[NAME]);
		EXPECT_EQ(0, mb_unlink(names[i]));
		close(fd);
	}
}

TEST_F(proc, longest_name_of_what_must_be_escaped)
{
	char name[MBOX_NAME_MAX + 1], shown[MBOX_NAME_MAX + 1];
	int fd;

	memset(name, '\n', MBOX_NAME_MAX);
	name[MBOX_NAME_MAX] = 0;
	fd = mb_create(name, 1, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(find(self, mb_status(fd).id));
	EXPECT_EQ(4 * MBOX_NAME_MAX, strlen(self->row[NAME]));
	unescape(shown, self->row[NAME]);
	EXPECT_STREQ(name, shown);
	EXPECT_EQ(0, mb_unlink(name));
}

TEST_F(proc, tells_who_waits_and_how_long)
{
	struct mb_call call;

	call_take(&call, self->box.rx, 0);
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(self->box.rx, 1));
	usleep(30000);
	ASSERT_TRUE(find(self, mb_status(self->box.both).id));
	EXPECT_EQ(1, value(self, WAIT_RECV));
	EXPECT_EQ(0, value(self, WAIT_SEND));
	EXPECT_LE(30, value(self, RECV_WAIT_MS));
	EXPECT_EQ(getpid(), value(self, RECV_WAIT_PID));
	EXPECT_EQ(0, value(self, SEND_WAIT_PID));
	ASSERT_EQ(0, mb_put(self->box.tx, 1, 0, 0));
	EXPECT_EQ(0, call_join(&call));
	ASSERT_TRUE(find(self, mb_status(self->box.both).id));
	EXPECT_EQ(0, value(self, WAIT_RECV));
	EXPECT_EQ(0, value(self, RECV_WAIT_MS));
}

/* Who sees it: the owner, whoever has any right, and the capable; the anonymous ones fewer. */
static const struct sight {
	uid_t uid;
	__u32 mode;
	bool named, seen;
} sights[] = {
	{ USER_A, 0000, true, true },
	{ USER_A, 0000, false, true },
	{ USER_C, 0000, true, false },
	{ USER_C, 0770, true, false },
	{ USER_C, 0004, true, true },
	{ USER_C, 0002, true, true },
	{ USER_C, 0001, true, false },
	{ USER_C, 0666, false, false },
	{ USER_B, 0060, true, true },
	{ USER_B, 0600, true, false },
	{ 0, 0000, true, true },
	{ 0, 0000, false, true },
};

TEST_F(proc, shows_what_the_reader_may_see)
{
	const struct sight *s;

	for (s = sights; s < sights + ARRAY_SIZE(sights); s++) {
		const char *name = unique_name("sight");
		struct mbox_ioc_set set = {
			.fields = MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID,
			.mode = s->mode, .uid = USER_A, .gid = USER_B };
		int fd = mb_create(s->named ? name : NULL, 1, O_RDWR);
		__u64 id = mb_status(fd).id;

		ASSERT_EQ(0, ctl(fd, MBOX_IOC_SET, &set));
		IN_CHILD {
			ASSERT_EQ(0, become(s->uid, s->uid));
			EXPECT_EQ(s->seen, find(self, id))
				TH_LOG("uid %u, mode %o, %snamed", s->uid, s->mode,
				       s->named ? "" : "not ");
		}
		if (s->named) {
			EXPECT_EQ(0, mb_unlink(name));
		}
		close(fd);
	}
}

TEST_F(proc, shows_this_network_namespace_only)
{
	__u64 id = mb_status(self->box.both).id;

	ASSERT_TRUE(find(self, id));
	IN_CHILD {
		int mine;

		ASSERT_EQ(0, unshare(CLONE_NEWNET));
		EXPECT_FALSE(find(self, id));
		EXPECT_EQ(strlen(HEADER), strlen(self->text));
		mine = mb_create(NULL, 1, O_RDWR);
		EXPECT_TRUE(find(self, mb_status(mine).id));
	}
}

TEST_F(proc, shows_ids_of_the_readers_user_namespace)
{
	const char *name = unique_name("ids");
	__u64 id = mb_status(mb_create(name, 1, O_RDWR)).id;

	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		ASSERT_EQ(0, enter_user_namespace(5, 0));
		ASSERT_TRUE(find(self, id));
		EXPECT_EQ(65534, value(self, UID));
		ASSERT_TRUE(find(self, mb_status(mb_create(NULL, 1, O_RDWR)).id));
		EXPECT_EQ(5, value(self, UID));
	}
	EXPECT_EQ(0, mb_unlink(name));
}

/* More than one read can hold, by small reads: each object once. */
TEST_F(proc, long_table_is_whole)
{
	int fds[500], i, fd = open(TABLE, O_RDONLY);
	size_t have = 0;
	ssize_t got;

	for (i = 0; i < 500; i++) {
		ASSERT_LE(0, fds[i] = mb_create(NULL, 1, O_RDWR));
	}
	while ((got = read(fd, self->text + have, 1000)) > 0)
		have += got;
	self->text[have] = 0;
	for (i = 0; i < 500; i++) {
		char key[64], *found;

		snprintf(key, sizeof(key), "\nmailbox %llu ",
			 (unsigned long long)mb_status(fds[i]).id);
		found = strstr(self->text, key);
		EXPECT_TRUE(found && !strstr(found + 1, key));
	}
}

TEST_F(proc, read_while_objects_come_and_go)
{
	int i;

	if (!child_fork()) {
		for (;;) {
			close(mb_create(NULL, 1, O_RDWR));
			close(seg_create(NULL, 1, O_RDWR));
		}
	}
	for (i = 0; i < 200; i++) {
		ASSERT_TRUE(find(self, mb_status(self->box.both).id));
	}
}

/* Whether one line of /proc/net/mbox_waits is "@pid @in id ms @whom -" for the mailbox. */
static bool waits(fixture *f, pid_t pid, const char *in, pid_t whom)
{
	unsigned long long id = mb_status(f->box.both).id, ms;
	char begin[64], rest[64];
	const char *found;
	int end = 0;

	if (read_text("/proc/net/mbox_waits", f->text, TEXT) < 0)
		return false;
	snprintf(begin, sizeof(begin), "\n%d %s %llu ", pid, in, id);
	snprintf(rest, sizeof(rest), "%%llu %d -%%n", whom);
	found = strstr(f->text, begin);
	return found && sscanf(found + strlen(begin), rest, &ms, &end) == 1 && end;
}

TEST_F(proc, waits_begins_with_its_header)
{
	static const char header[] = "pid in id ms for name\n";

	ASSERT_LT(0, read_text("/proc/net/mbox_waits", self->text, TEXT));
	EXPECT_EQ(0, strncmp(self->text, header, strlen(header)));
}

TEST_F(proc, waits_of_a_sender_and_of_a_receiver)
{
	pid_t pid;
	int i;

	pid = child_fork();
	if (!pid)
		_exit(mb_take(self->box.both, 0) == 7 ? 0 : 1);
	EXPECT_TRUE(wait_until(waits(self, pid, "receive", 0)));
	ASSERT_EQ(0, mb_put(self->box.both, 7, 0, 0));
	ASSERT_EQ(0, child_wait(pid));
	EXPECT_FALSE(waits(self, pid, "receive", 0));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, mb_put(self->box.both, i, 0, 0));
	pid = child_fork();
	if (!pid)
		_exit(mb_put(self->box.both, 8, 0, 0) ? 1 : 0);
	EXPECT_TRUE(wait_until(waits(self, pid, "send", 0)));
	ASSERT_EQ(0, mb_take(self->box.both, 0));
	ASSERT_EQ(0, child_wait(pid));
}

TEST_F(proc, waits_of_a_caller_for_who_has_its_request)
{
	pid_t pid = child_fork();
	__s64 delivery;

	if (!pid)
		_exit(mb_ask(self->box.both, 0) ? 1 : 0);
	EXPECT_TRUE(wait_until(waits(self, pid, "call", 0)));
	delivery = mb_accept(self->box.both);
	EXPECT_TRUE(waits(self, pid, "call", getpid()));
	ASSERT_EQ(0, mb_answer(self->box.both, delivery));
	ASSERT_EQ(0, child_wait(pid));
}

TEST_F(proc, waits_hides_what_the_reader_may_not_see)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_MODE, .mode = 0600 };
	pid_t pid;

	ASSERT_EQ(0, ctl(self->box.both, MBOX_IOC_SET, &set));
	pid = child_fork();
	if (!pid)
		_exit(mb_take(self->box.both, 0) == 7 ? 0 : 1);
	ASSERT_TRUE(wait_until(waits(self, pid, "receive", 0)));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_FALSE(waits(self, pid, "receive", 0));
	}
	ASSERT_EQ(0, mb_put(self->box.both, 7, 0, 0));
	ASSERT_EQ(0, child_wait(pid));
}

/* The lines of fdinfo as the table of what must be in it. */
static void has_lines(struct __test_metadata *_metadata, int fd, const char * const *lines)
{
	char path[64], text[4096];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	ASSERT_LT(0, read_text(path, text, sizeof(text)));
	for (; *lines; lines++) {
		EXPECT_TRUE(strstr(text, *lines) != NULL)
			TH_LOG("no '%s' in:\n%s", *lines, text);
	}
}

TEST_F(proc, fdinfo_of_a_mailbox)
{
	char id[64];
	int fd = mb_create("fd info", 3, O_RDWR);
	const char * const lines[] = {
		"\nmbox-kind:\tmailbox\n", id, "\nmbox-name:\tfd\\040info\n",
		"\nmbox-capacity:\t3\n", "\nmbox-msgsize:\t4096\n", "\nmbox-queued:\t1\n",
		"\nmbox-bytes:\t4\n", "\nmbox-waiting-senders:\t0\n",
		"\nmbox-waiting-receivers:\t0\n", NULL,
	};

	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	snprintf(id, sizeof(id), "\nmbox-id:\t%llu\n", (unsigned long long)mb_status(fd).id);
	has_lines(_metadata, fd, lines);
	EXPECT_EQ(0, mb_unlink("fd info"));
}

TEST_F(proc, fdinfo_of_a_segment)
{
	int fd = seg_create(NULL, 5000, O_RDWR);
	const char * const lines[] = {
		"\nmbox-kind:\tsegment\n", "\nmbox-id:\t", "\nmbox-name:\t-\n",
		"\nmbox-length:\t5000\n", "\nmbox-attached:\t0\n", "\nmbox-seals:\t", NULL,
	};

	has_lines(_metadata, fd, lines);
}

TEST_HARNESS_MAIN
