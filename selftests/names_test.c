// SPDX-License-Identifier: GPL-2.0
/* Names: which are good, what they stand for, who may make and remove them, and namespaces. */
#include "common.h"
#include "harness.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/socket.h>

FIXTURE(names) {
	const char *name;
};

FIXTURE_SETUP(names)
{
	self->name = unique_name("name");
	ASSERT_LE(0, device());
	umask(0);
}

FIXTURE_TEARDOWN(names)
{
	mb_unlink(self->name);
}

/* Each call that takes a name, once. */
static int use_create(const char *name)
{
	return mb_create(name, 1, O_RDWR | O_EXCL);
}

static int use_segment(const char *name)
{
	return seg_create(name, 1, O_RDWR | O_EXCL);
}

static int use_open(const char *name)
{
	return mb_open(name, O_RDWR);
}

static int use_open_segment(const char *name)
{
	return seg_open(name, O_RDWR);
}

static int use_link(const char *name)
{
	int fd = mb_create(NULL, 1, O_RDWR), ret = mb_link(fd, name);

	close(fd);
	return ret;
}

static int (* const uses[])(const char *name) = {
	use_create, use_segment, use_open, use_open_segment, mb_unlink, use_link,
};

static const char *of_length(char *buf, size_t length)
{
	memset(buf, 'n', length);
	buf[length] = 0;
	return buf;
}

TEST_F(names, bad_names_are_refused_by_every_call)
{
	char buf[MBOX_NAME_MAX + 4096];
	const struct {
		const char *name;
		int error;
	} bad[] = {
		{ "", -EINVAL },
		{ ".", -EINVAL },
		{ "..", -EINVAL },
		{ "/", -EINVAL },
		{ "/jobs", -EINVAL },
		{ "jobs/", -EINVAL },
		{ "a/b", -EINVAL },
		{ of_length(buf, MBOX_NAME_MAX + 1), -ENAMETOOLONG },
		{ (char *)-4096L, -EFAULT },
		{ unmapped_page(), -EFAULT },
		{ (char *)1, -EFAULT },
	};
	size_t i, u;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		for (u = 0; u < ARRAY_SIZE(uses); u++) {
			EXPECT_EQ(bad[i].error, uses[u](bad[i].name))
				TH_LOG("name %zu, use %zu", i, u);
		}
	of_length(buf, sizeof(buf) - 1);
	for (u = 0; u < ARRAY_SIZE(uses); u++) {
		EXPECT_EQ(-ENAMETOOLONG, uses[u](buf));
	}
}

/* An address with bits that a 64-bit pointer alone can have. */
TEST_F(names, kernel_addresses_are_refused)
{
	struct mbox_ioc_unlink unlink = { .name = 0xffff888000000000ULL };
	struct mbox_ioc_open open = { .name = 1ULL << 63, .kind = MBOX_MAILBOX };

	EXPECT_EQ(-EFAULT, ctl(device(), MBOX_IOC_UNLINK, &unlink));
	EXPECT_EQ(-EFAULT, ctl(device(), MBOX_IOC_OPEN, &open));
}

/* An address of 0 is anonymous for what creates, and no name for the others. */
TEST_F(names, no_name)
{
	EXPECT_LE(0, use_create(NULL));
	EXPECT_LE(0, use_segment(NULL));
	EXPECT_EQ(-EFAULT, use_open(NULL));
	EXPECT_EQ(-EFAULT, use_open_segment(NULL));
	EXPECT_EQ(-EFAULT, mb_unlink(NULL));
	EXPECT_EQ(-EFAULT, use_link(NULL));
}

/* A name that ends with its page is read no further. */
TEST_F(names, name_at_the_end_of_a_page)
{
	char *page = shared_memory(2 * getpagesize());
	char *name = page + getpagesize() - 3;
	int fd;

	ASSERT_EQ(0, munmap(page + getpagesize(), getpagesize()));
	memcpy(name, "zz", 3);
	fd = use_create(name);
	EXPECT_LE(0, fd);
	EXPECT_EQ(0, mb_unlink(name));
	name[2] = 'z';
	EXPECT_EQ(-EFAULT, use_create(name));
}

TEST_F(names, any_other_bytes_make_a_name)
{
	static const char * const good[] = {
		"a", "...", ".a", " ", "a b\tc\nd", "\\", "-", "\x01\xff\xfe", "h\xc3\xa9",
	};
	char longest[MBOX_NAME_MAX + 1];
	size_t i;

	for (i = 0; i <= ARRAY_SIZE(good); i++) {
		const char *name = i < ARRAY_SIZE(good) ? good[i] :
				   of_length(longest, MBOX_NAME_MAX);
		int fd = use_create(name), again = use_open(name);

		EXPECT_LE(0, fd);
		EXPECT_LE(0, again);
		EXPECT_EQ(mb_status(fd).id, mb_status(again).id);
		EXPECT_EQ(0, mb_unlink(name));
		EXPECT_EQ(-ENOENT, use_open(name));
		close(fd);
		close(again);
	}
}

TEST_F(names, names_are_compared_whole)
{
	EXPECT_LE(0, use_create(self->name));
	EXPECT_EQ(-ENOENT, mb_open(unique_name("nam"), O_RDWR));
	EXPECT_EQ(-ENOENT, mb_open(unique_name("names"), O_RDWR));
	EXPECT_EQ(-ENOENT, mb_open(unique_name("Name"), O_RDWR));
}

TEST_F(names, exclusive_create_of_a_name_in_use_is_eexist)
{
	int fd = use_create(self->name);
	struct mbox_ioc_status before = mb_status(fd);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EEXIST, use_create(self->name));
	EXPECT_EQ(-EEXIST, use_segment(self->name));
	EXPECT_UNCHANGED(fd, &before);
}

TEST_F(names, create_of_a_name_in_use_opens_it_and_keeps_its_attributes)
{
	struct mbox_ioc_create other = mb_template(self->name, 99, O_RDONLY);
	int fd = use_create(self->name), again;
	struct mbox_ioc_status before = mb_status(fd), after;

	other.msgsize = 1;
	other.mode = 0;
	other.flags = MBOX_HANGUP;
	again = ctl(device(), MBOX_IOC_CREATE, &other);
	ASSERT_LE(0, again);
	EXPECT_EQ(O_RDONLY, fcntl(again, F_GETFL) & O_ACCMODE);
	after = mb_status(again);
	EXPECT_EQ(before.id, after.id);
	EXPECT_EQ(before.capacity, after.capacity);
	EXPECT_EQ(before.msgsize, after.msgsize);
	EXPECT_EQ(before.mode, after.mode);
	EXPECT_EQ(before.flags, after.flags);
	EXPECT_EQ(before.receivers + 1, after.receivers);
	EXPECT_EQ(before.senders, after.senders);
}

TEST_F(names, create_of_a_segment_in_use_opens_it_and_keeps_its_length)
{
	int fd = seg_create(self->name, 100, O_RDWR | O_EXCL);
	int again = seg_create(self->name, 1 << 20, O_RDONLY);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, again);
	EXPECT_EQ(seg_status(fd).id, seg_status(again).id);
	EXPECT_EQ(100, seg_status(again).length);
	EXPECT_EQ(O_RDONLY, fcntl(again, F_GETFL) & O_ACCMODE);
}

TEST_F(names, name_of_the_other_kind_is_eprototype)
{
	int fd = use_create(self->name);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPROTOTYPE, use_open_segment(self->name));
	EXPECT_EQ(-EPROTOTYPE, seg_create(self->name, 1, O_RDWR));
	EXPECT_EQ(0, mb_unlink(self->name));

	fd = use_segment(self->name);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPROTOTYPE, use_open(self->name));
	EXPECT_EQ(-EPROTOTYPE, mb_create(self->name, 1, O_RDWR));
	EXPECT_EQ(0, mb_unlink(self->name));
}

TEST_F(names, kinds_that_are_none_are_einval)
{
	ASSERT_LE(0, use_create(self->name));
	EXPECT_EQ(-EINVAL, mb_open_kind(self->name, O_RDWR, 0));
	EXPECT_EQ(-EINVAL, mb_open_kind(self->name, O_RDWR, 4));
	EXPECT_EQ(-EINVAL, mb_open_kind(self->name, O_RDWR, ~0U));
}

TEST_F(names, nothing_is_enoent)
{
	EXPECT_EQ(-ENOENT, use_open(self->name));
	EXPECT_EQ(-ENOENT, use_open_segment(self->name));
	EXPECT_EQ(-ENOENT, mb_unlink(self->name));
}

TEST_F(names, named_object_lives_without_descriptors)
{
	int fd = use_create(self->name);
	__u64 id = mb_status(fd).id;

	ASSERT_EQ(0, mb_put(fd, 7, 0, 0));
	close(fd);
	fd = use_open(self->name);
	ASSERT_LE(0, fd);
	EXPECT_EQ(id, mb_status(fd).id);
	EXPECT_EQ(7, mb_take(fd, MBOX_NONBLOCK));
}

TEST_F(names, unlinked_name_is_free_and_the_object_goes_on)
{
	int fd = use_create(self->name), other;

	ASSERT_EQ(0, mb_put(fd, 1, 0, 0));
	EXPECT_EQ(0, mb_unlink(self->name));
	EXPECT_EQ(-ENOENT, use_open(self->name));
	EXPECT_EQ(-ENOENT, mb_unlink(self->name));
	other = use_create(self->name);
	ASSERT_LE(0, other);
	EXPECT_NE(mb_status(fd).id, mb_status(other).id);
	EXPECT_EQ(0, mb_status(other).queued);
	EXPECT_EQ(1, mb_take(fd, 0));
	EXPECT_EQ(0, mb_put(fd, 2, 0, 0));
	EXPECT_EQ(-EAGAIN, mb_take(other, MBOX_NONBLOCK));
	EXPECT_EQ(2, mb_take(fd, 0));
}

TEST_F(names, unlink_is_for_the_owner_and_the_capable)
{
	int fd = use_create(self->name);

	ASSERT_EQ(0, give_away(fd, 0666));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_C, USER_B));
		EXPECT_EQ(-EPERM, mb_unlink(self->name));
		EXPECT_LE(0, use_open(self->name));
	}
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(0, mb_unlink(self->name));
	}
	EXPECT_EQ(-ENOENT, use_open(self->name));

	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		ASSERT_LE(0, use_create(self->name));
	}
	EXPECT_EQ(0, mb_unlink(self->name));
}

TEST_F(names, names_belong_to_a_network_namespace)
{
	int fd = use_create(self->name), mine;

	ASSERT_LE(0, fd);
	IN_CHILD {
		ASSERT_EQ(0, unshare(CLONE_NEWNET));
		EXPECT_EQ(-ENOENT, use_open(self->name));
		EXPECT_EQ(-ENOENT, mb_unlink(self->name));
		mine = use_create(self->name);
		ASSERT_LE(0, mine);
		EXPECT_NE(mb_status(fd).id, mb_status(mine).id);
		/* What is open stays open: only names are looked up there. */
		EXPECT_EQ(0, mb_put(fd, 3, 0, 0));
	}
	EXPECT_EQ(3, mb_take(fd, MBOX_NONBLOCK));
	EXPECT_LE(0, use_open(self->name));
}

/* Nobody can unlink what a dead namespace had: it goes with it. */
TEST_F(names, dead_network_namespace_frees_its_names)
{
	long long before = module_refcount();
	int i;

	ASSERT_LT(0, before);
	IN_CHILD {
		ASSERT_EQ(0, unshare(CLONE_NEWNET));
		for (i = 0; i < 20; i++) {
			char name[16];
			int fd;

			snprintf(name, sizeof(name), "dead.%d", i);
			fd = i % 2 ? use_create(name) : use_segment(name);
			ASSERT_LE(0, fd);
			if (i % 2) {
				ASSERT_EQ(0, mb_put(fd, i, 0, 0));
			}
			close(fd);
		}
	}
	EXPECT_TRUE(wait_until(module_refcount() <= before));
}

/* What a descriptor from there still holds works on. */
TEST_F(names, object_outlives_its_network_namespace)
{
	int sockets[2], fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	IN_CHILD {
		ASSERT_EQ(0, unshare(CLONE_NEWNET));
		fd = use_create(self->name);
		ASSERT_EQ(0, mb_put(fd, 11, 0, 0));
		ASSERT_EQ(0, fd_send(sockets[1], fd));
	}
	fd = fd_recv(sockets[0]);
	ASSERT_LE(0, fd);
	EXPECT_EQ(11, mb_take(fd, MBOX_NONBLOCK));
	EXPECT_EQ(0, mb_put(fd, 12, 0, 0));
	EXPECT_EQ(12, mb_take(fd, MBOX_NONBLOCK));
	EXPECT_EQ(-ENOENT, mb_unlink(self->name));
}

TEST_F(names, link_gives_an_anonymous_object_its_name)
{
	int fd = mb_create(NULL, 4, O_WRONLY), seg, opened;
	struct mbox_ioc_status before = mb_status(fd);

	ASSERT_EQ(0, mb_put(fd, 7, 0, 0));
	EXPECT_EQ(0, mb_link(fd, self->name));
	opened = use_open(self->name);
	ASSERT_LE(0, opened);
	EXPECT_EQ(before.id, mb_status(opened).id);
	EXPECT_EQ(7, mb_take(opened, MBOX_NONBLOCK));
	close(opened);
	close(fd);
	EXPECT_LE(0, use_open(self->name));
	EXPECT_EQ(0, mb_unlink(self->name));

	seg = seg_create(NULL, 4711, O_RDONLY);
	EXPECT_EQ(0, mb_link(seg, self->name));
	opened = use_open_segment(self->name);
	ASSERT_LE(0, opened);
	EXPECT_EQ(4711, seg_status(opened).length);
}

TEST_F(names, link_gives_one_name_only)
{
	const char *other = unique_name("other");
	int fd = mb_create(NULL, 4, O_RDWR);

	EXPECT_EQ(0, mb_link(fd, self->name));
	EXPECT_EQ(-EINVAL, mb_link(fd, self->name));
	EXPECT_EQ(-EINVAL, mb_link(fd, other));
	/* Not a second one either: what has seen the first may still speak of it. */
	EXPECT_EQ(0, mb_unlink(self->name));
	EXPECT_EQ(-EINVAL, mb_link(fd, other));
	EXPECT_EQ(-EINVAL, mb_link(use_create(self->name), other));
	EXPECT_EQ(-ENOENT, use_open(other));
}

TEST_F(names, link_takes_no_name_in_use)
{
	int box = use_create(self->name), fd = mb_create(NULL, 4, O_RDWR);

	EXPECT_EQ(-EEXIST, mb_link(fd, self->name));
	EXPECT_EQ(-EEXIST, mb_link(seg_create(NULL, 1, O_RDWR), self->name));
	EXPECT_EQ(mb_status(box).id, mb_status(use_open(self->name)).id);
	EXPECT_EQ(0, mb_unlink(self->name));
	EXPECT_EQ(0, mb_link(fd, self->name));
}

TEST_F(names, link_is_for_the_owner_and_the_capable)
{
	int fd = mb_create(NULL, 4, O_RDWR);

	ASSERT_EQ(0, give_away(fd, 0666));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_B, USER_A));
		EXPECT_EQ(-EPERM, mb_link(fd, self->name));
		EXPECT_EQ(-ENOENT, use_open(self->name));
	}
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_B));
		EXPECT_EQ(0, mb_link(fd, self->name));
	}
	EXPECT_LE(0, use_open(self->name));
	EXPECT_EQ(0, mb_unlink(self->name));

	fd = mb_create(NULL, 4, O_RDWR);
	ASSERT_EQ(0, give_away(fd, 0666));
	EXPECT_EQ(0, mb_link(fd, self->name));
}

/* Else a name could be left in a namespace after its end. */
TEST_F(names, link_of_another_network_namespace_is_exdev)
{
	int sockets[2], fd = mb_create(NULL, 4, O_RDWR);

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	IN_CHILD {
		ASSERT_EQ(0, unshare(CLONE_NEWNET));
		EXPECT_EQ(-EXDEV, mb_link(fd, self->name));
		EXPECT_EQ(-ENOENT, use_open(self->name));
		ASSERT_EQ(0, fd_send(sockets[1], mb_create(NULL, 4, O_RDWR)));
	}
	EXPECT_EQ(-EXDEV, mb_link(fd_recv(sockets[0]), self->name));
	EXPECT_EQ(-ENOENT, use_open(self->name));
	EXPECT_EQ(0, mb_link(fd, self->name));
}

static int use_transient(const char *name, __u32 oflag)
{
	return mb_create_flags(name, 4, oflag, MBOX_TRANSIENT);
}

TEST_F(names, transient_name_goes_with_the_last_receiver)
{
	int first = use_transient(self->name, O_RDONLY | O_EXCL);
	int second = mb_open(self->name, O_RDONLY), sender = mb_open(self->name, O_WRONLY);
	int copy = dup(second), next;

	ASSERT_LE(0, first);
	ASSERT_LE(0, second);
	EXPECT_EQ(MBOX_TRANSIENT, mb_status(sender).flags);
	close(first);
	close(second);
	EXPECT_EQ(-EEXIST, use_create(self->name));
	close(copy);
	EXPECT_EQ(-ENOENT, use_open(self->name));
	EXPECT_EQ(0, mb_put(sender, 1, 0, MBOX_NONBLOCK));
	next = use_transient(self->name, O_RDWR | O_EXCL);
	ASSERT_LE(0, next);
	close(sender);
	EXPECT_EQ(-EEXIST, use_create(self->name));
	close(next);
	EXPECT_EQ(-ENOENT, mb_unlink(self->name));
}

TEST_F(names, transient_name_goes_with_a_killed_receiver)
{
	pid_t pid = child_fork();
	int fd;

	if (!pid) {
		if (use_transient(self->name, O_RDONLY | O_EXCL) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	ASSERT_TRUE(wait_until((fd = mb_open(self->name, O_WRONLY)) >= 0));
	kill(pid, SIGKILL);
	child_wait(pid);
	EXPECT_EQ(-ENOENT, use_open(self->name));
	close(fd);
}

/* A receiver in a message is one still, and may be taken out of it. */
TEST_F(names, transient_name_stays_with_a_receiver_in_a_message)
{
	int fd = use_transient(self->name, O_RDONLY | O_EXCL), sockets[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, fd_send(sockets[0], fd));
	close(fd);
	EXPECT_EQ(-EEXIST, use_create(self->name));
	close(fd_recv(sockets[1]));
	EXPECT_EQ(-ENOENT, use_open(self->name));
}

TEST_F(names, transient_name_can_come_by_link)
{
	int fd = use_transient(NULL, O_RDWR), sender = mb_reopen(fd, O_WRONLY);

	EXPECT_EQ(0, mb_link(fd, self->name));
	close(fd);
	EXPECT_EQ(-ENOENT, use_open(self->name));
	EXPECT_EQ(-EINVAL, mb_link(sender, self->name));
	close(sender);
	fd = use_transient(NULL, O_RDWR);
	sender = mb_reopen(fd, O_WRONLY);
	close(fd);
	EXPECT_EQ(-EPIPE, mb_link(sender, self->name));
	EXPECT_EQ(-ENOENT, use_open(self->name));
	close(sender);
}

TEST_F(names, transient_mailbox_is_created_to_receive_from)
{
	EXPECT_EQ(-EINVAL, use_transient(self->name, O_WRONLY));
	EXPECT_EQ(-EINVAL, use_transient(self->name, O_ACCMODE));
	EXPECT_EQ(-EINVAL, mb_create_flags(NULL, 4, O_RDWR, MBOX_TRANSIENT | MBOX_OWN));
	EXPECT_EQ(-ENOENT, mb_unlink(self->name));
}

static const char * const well_known[] = {
	"stream:0", "stream:80", "stream:1023", "datagram:0", "datagram:53", "datagram:1023",
	"rpc:0", "rpc:111", "rpc:1023",
};

static const char * const no_well_known[] = {
	"stream:1024", "datagram:65535", "stream:65536", "stream:", "stream:-1", "stream:8x",
	"stream: 80", "streams:80", "Stream:80", "xstream:80", "stream", "80", "datagram80",
	"rpc:1024", "rpc:", "rpc",
};

TEST_F(names, well_known_ports_take_a_capability)
{
	size_t i;

	IN_CHILD {
		if (become(USER_A, USER_A))
			_exit(1);
		for (i = 0; i < ARRAY_SIZE(well_known); i++) {
			EXPECT_EQ(-EACCES, use_create(well_known[i]));
			EXPECT_EQ(-EACCES, use_segment(well_known[i]));
			EXPECT_EQ(-EACCES, use_link(well_known[i]));
			EXPECT_EQ(-ENOENT, use_open(well_known[i]));
		}
		for (i = 0; i < ARRAY_SIZE(no_well_known); i++) {
			EXPECT_LE(0, use_create(no_well_known[i]));
			EXPECT_EQ(0, mb_unlink(no_well_known[i]));
		}
	}
	IN_CHILD {
		if (drop_capability(CAP_NET_BIND_SERVICE))
			_exit(1);
		EXPECT_EQ(-EACCES, use_create(well_known[0]));
	}
	for (i = 0; i < ARRAY_SIZE(well_known); i++) {
		EXPECT_LE(0, use_create(well_known[i]));
		IN_CHILD {
			if (become(USER_A, USER_A))
				_exit(1);
			EXPECT_EQ(-EEXIST, use_create(well_known[i]));
			EXPECT_LE(0, mb_create(well_known[i], 1, O_RDWR));
			EXPECT_LE(0, use_open(well_known[i]));
		}
		EXPECT_EQ(0, mb_unlink(well_known[i]));
	}
}

TEST_F(names, well_known_ports_are_those_of_the_network_namespace)
{
	IN_CHILD {
		ASSERT_EQ(0, enter_user_namespace(0, CLONE_NEWNET));
		EXPECT_LE(0, use_create(well_known[0]));
	}
	IN_CHILD {
		ASSERT_EQ(0, enter_user_namespace(0, 0));
		EXPECT_EQ(-EACCES, use_create(well_known[0]));
	}
}

/* Creators, openers and unlinkers of one name at once: each ends with a documented answer. */
TEST_F(names, race_for_one_name)
{
	pid_t pids[4];
	int i, k;

	for (i = 0; i < 4; i++) {
		pids[i] = child_fork();
		if (pids[i])
			continue;
		for (k = 0; k < 500; k++) {
			int fd = mb_create(self->name, 1, O_RDWR | (k & 1 ? O_EXCL : 0));
			int ret;

			EXPECT_TRUE(fd >= 0 || fd == -EEXIST);
			if (fd >= 0)
				close(fd);
			fd = mb_open(self->name, O_RDWR);
			EXPECT_TRUE(fd >= 0 || fd == -ENOENT);
			if (fd >= 0)
				close(fd);
			ret = mb_unlink(self->name);
			EXPECT_TRUE(ret == 0 || ret == -ENOENT);
		}
		_exit(0);
	}
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, child_wait(pids[i]));
	}
	EXPECT_EQ(-ENOENT, use_open(self->name));
}

TEST_HARNESS_MAIN
