// SPDX-License-Identifier: GPL-2.0
/*
 * Semantics 8: what a user can hold is bounded, a send past it fails and nobody else notices.
 * The budgets are made small for a test, and put back by the process that no test is run in.
 */
#include "common.h"
#include "harness.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/socket.h>

#define MIB	(1 << 20)
#define CHUNK	(64 << 10)

static const char * const parameters[] = { "user_bytes", "user_mailboxes", "user_segments" };

FIXTURE(budget) {
	long long old[3];
};

FIXTURE_SETUP(budget)
{
	int i;

	umask(0);
	ASSERT_LE(0, device());
	for (i = 0; i < 3; i++)
		self->old[i] = param_get(parameters[i]);
	ASSERT_EQ(0, param_set("user_bytes", MIB));
	ASSERT_EQ(0, param_set("user_mailboxes", 8));
	ASSERT_EQ(0, param_set("user_segments", 8));
}

FIXTURE_TEARDOWN_PARENT(budget)
{
	int i;

	for (i = 0; i < 3; i++)
		param_set(parameters[i], self->old[i]);
}

static int create_large(const char *name)
{
	struct mbox_ioc_create create = mb_template(name, MBOX_UNBOUNDED, O_RDWR);

	create.msgsize = MIB;
	return ctl(device(), MBOX_IOC_CREATE, &create);
}

static int put_chunk(int fd, __u32 flags)
{
	static char chunk[CHUNK];

	return mb_send(fd, chunk, CHUNK, 0, flags);
}

static int take_chunk(int fd)
{
	static char chunk[CHUNK];

	return mb_recv(fd, chunk, CHUNK, MBOX_NONBLOCK);
}

/* How many chunks go in before the first error, which is told. */
static int put_chunks(int fd, int *error)
{
	int i;

	*error = 0;
	for (i = 0; i < 1000; i++) {
		*error = put_chunk(fd, 0);
		if (*error)
			break;
	}
	return i;
}

TEST_F(budget, send_past_the_bytes_is_edquot)
{
	IN_CHILD {
		struct mbox_ioc_status full;
		int fd, error, chunks;

		ASSERT_EQ(0, become(USER_A, USER_A));
		fd = create_large(NULL);
		ASSERT_LE(0, fd);
		chunks = put_chunks(fd, &error);
		/* Data and overhead count: not quite as much as there would be room for. */
		EXPECT_EQ(-EDQUOT, error);
		EXPECT_LT(MIB / CHUNK / 2, chunks);
		EXPECT_GT(MIB / CHUNK, chunks);
		full = mb_status(fd);
		EXPECT_EQ(chunks, full.queued);
		EXPECT_EQ(-EDQUOT, put_chunk(fd, MBOX_NONBLOCK));
		EXPECT_EQ(-EDQUOT, put_chunk(fd, MBOX_SYNC));
		EXPECT_UNCHANGED(fd, &full);
		/* Another process and another mailbox of the user are no way round it. */
		IN_CHILD {
			EXPECT_EQ(-EDQUOT, put_chunk(create_large(NULL), 0));
		}
		EXPECT_EQ(CHUNK, take_chunk(fd));
		EXPECT_EQ(0, put_chunk(fd, 0));
		EXPECT_EQ(-EDQUOT, put_chunk(fd, 0));
	}
}

TEST_F(budget, another_user_does_not_notice)
{
	int gate[2], fd, error;
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe(gate));
	pid = child_fork();
	if (!pid) {
		if (become(USER_A, USER_A))
			_exit(1);
		put_chunks(create_large(NULL), &error);
		close(gate[1]);
		pause();
	}
	close(gate[1]);
	ASSERT_EQ(0, read(gate[0], &byte, 1));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_B, USER_B));
		fd = create_large(NULL);
		EXPECT_LT(MIB / CHUNK / 2, put_chunks(fd, &error));
		EXPECT_EQ(-EDQUOT, error);
	}
	kill(pid, SIGKILL);
	child_wait(pid);
	/* And its own is whole again, now that what it held is gone. */
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_LT(MIB / CHUNK / 2, put_chunks(create_large(NULL), &error));
	}
}

TEST_F(budget, user_who_opened_the_descriptor_pays)
{
	const char *name = unique_name("payer");
	int sockets[2], error;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_LE(0, create_large(name));
	pid = child_fork();
	if (!pid) {
		if (become(USER_A, USER_A) || fd_send(sockets[1], mb_open(name, O_WRONLY)))
			_exit(1);
		_exit(0);
	}
	EXPECT_EQ(0, child_wait(pid));
	IN_CHILD {
		int theirs = fd_recv(sockets[0]), mine;

		ASSERT_LE(0, theirs);
		ASSERT_EQ(0, become(USER_B, USER_B));
		EXPECT_LT(MIB / CHUNK / 2, put_chunks(theirs, &error));
		EXPECT_EQ(-EDQUOT, error);
		mine = mb_open(name, O_WRONLY);
		EXPECT_EQ(0, put_chunk(mine, 0));
	}
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-EDQUOT, put_chunk(mb_open(name, O_WRONLY), 0));
	}
	EXPECT_EQ(0, mb_unlink(name));
}

TEST_F(budget, mailboxes)
{
	IN_CHILD {
		int fds[8], i;

		ASSERT_EQ(0, become(USER_A, USER_A));
		for (i = 0; i < 8; i++) {
			fds[i] = mb_create(NULL, 1, O_RDWR);
			ASSERT_LE(0, fds[i]);
		}
		EXPECT_EQ(-EDQUOT, mb_create(NULL, 1, O_RDWR));
		EXPECT_EQ(-EDQUOT, mb_create(unique_name("quota"), 1, O_RDWR));
		EXPECT_EQ(-ENOENT, mb_open(unique_name("quota"), O_RDWR));
		/* Segments have their own. */
		EXPECT_LE(0, seg_create(NULL, 1, O_RDWR));
		close(fds[3]);
		EXPECT_LE(0, mb_create(NULL, 1, O_RDWR));
		EXPECT_EQ(-EDQUOT, mb_create(NULL, 1, O_RDWR));
	}
}

TEST_F(budget, named_mailbox_counts_until_it_is_gone)
{
	IN_CHILD {
		const char *name = unique_name("quota.named");
		int i;

		ASSERT_EQ(0, param_set("user_mailboxes", 1));
		ASSERT_EQ(0, become(USER_A, USER_A));
		for (i = 0; i < 3; i++) {
			close(mb_create(name, 1, O_RDWR));
			EXPECT_EQ(-EDQUOT, mb_create(NULL, 1, O_RDWR));
			/* To open what is there costs nothing. */
			close(mb_create(name, 1, O_RDWR));
			EXPECT_EQ(0, mb_unlink(name));
		}
		EXPECT_LE(0, mb_create(NULL, 1, O_RDWR));
	}
}

TEST_F(budget, segments)
{
	IN_CHILD {
		int fds[8], i;

		ASSERT_EQ(0, become(USER_A, USER_A));
		for (i = 0; i < 8; i++) {
			fds[i] = seg_create(NULL, 1, O_RDWR);
			ASSERT_LE(0, fds[i]);
		}
		EXPECT_EQ(-EDQUOT, seg_create(NULL, 1, O_RDWR));
		close(fds[0]);
		EXPECT_LE(0, seg_create(NULL, 1, O_RDWR));
	}
}

TEST_F(budget, segments_count_whole_pages)
{
	long page = getpagesize();

	ASSERT_EQ(0, param_set("user_bytes", 4 * page));
	IN_CHILD {
		int a, b;

		ASSERT_EQ(0, become(USER_A, USER_A));
		a = seg_create(NULL, 1, O_RDWR);
		b = seg_create(NULL, page + 1, O_RDWR);
		ASSERT_LE(0, a);
		ASSERT_LE(0, b);
		EXPECT_EQ(-EDQUOT, seg_create(NULL, page + 1, O_RDWR));
		EXPECT_EQ(-EDQUOT, seg_create(NULL, 1ULL << 62, O_RDWR));
		close(a);
		a = seg_create(NULL, 2 * page, O_RDWR);
		EXPECT_LE(0, a);
		EXPECT_EQ(-EDQUOT, seg_create(NULL, 1, O_RDWR));
	}
}

static int set_length(int fd, __u64 length)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_LENGTH, .length = length };

	return ctl(fd, MBOX_IOC_SET, &set);
}

TEST_F(budget, resize_of_a_segment_counts)
{
	long page = getpagesize();

	ASSERT_EQ(0, param_set("user_bytes", 4 * page));
	IN_CHILD {
		int fd;

		ASSERT_EQ(0, become(USER_A, USER_A));
		fd = seg_create(NULL, page, O_RDWR);
		EXPECT_EQ(0, set_length(fd, 4 * page));
		EXPECT_EQ(-EDQUOT, set_length(fd, 4 * page + 1));
		EXPECT_EQ(-EDQUOT, set_length(fd, 1ULL << 62));
		EXPECT_EQ(4 * page, seg_status(fd).length);
		EXPECT_EQ(0, set_length(fd, 2 * page + 1));
		EXPECT_EQ(-EDQUOT, seg_create(NULL, page + 1, O_RDWR));
		EXPECT_LE(0, seg_create(NULL, page, O_RDWR));
	}
}

TEST_F(budget, what_is_freed_comes_back)
{
	IN_CHILD {
		int i, error, first = 0;

		ASSERT_EQ(0, become(USER_A, USER_A));
		for (i = 0; i < 20; i++) {
			int fd = create_large(NULL);
			int chunks = put_chunks(fd, &error);

			first = first ?: chunks;
			EXPECT_EQ(first, chunks);
			EXPECT_EQ(-EDQUOT, error);
			close(fd);
		}
	}
}

/* Sends that fail, in each way that comes after the charge, give back what they took. */
TEST_F(budget, failed_sends_cost_nothing)
{
	IN_CHILD {
		struct mbox_ioc_msg bad = { .buf = 4096, .len = CHUNK };
		struct mbox_ioc_msg late = { .deadline = 1, .flags = MBOX_SYNC };
		int fd, i, error;

		ASSERT_EQ(0, become(USER_A, USER_A));
		fd = create_large(NULL);
		for (i = 0; i < 200; i++) {
			EXPECT_EQ(-EFAULT, ctl(fd, MBOX_IOC_SEND, &bad));
			EXPECT_EQ(-EAGAIN, put_chunk(fd, MBOX_SYNC | MBOX_NONBLOCK));
			EXPECT_EQ(-ETIMEDOUT, ctl(fd, MBOX_IOC_SEND, &late));
		}
		EXPECT_LT(MIB / CHUNK / 2, put_chunks(fd, &error));
	}
}

TEST_F(budget, empty_messages_cost_too)
{
	IN_CHILD {
		int fd, i, ret = 0;

		ASSERT_EQ(0, become(USER_A, USER_A));
		fd = create_large(NULL);
		for (i = 0; i < MIB && !ret; i++)
			ret = mb_send(fd, NULL, 0, 0, 0);
		EXPECT_EQ(-EDQUOT, ret);
		EXPECT_LT(MIB / 1024, i);
	}
}

TEST_F(budget, change_while_in_use_counts_from_then_on)
{
	IN_CHILD {
		int fd, error, chunks, i, parameter;

		parameter = open("/sys/module/mbox/parameters/user_bytes", O_WRONLY);
		ASSERT_LE(0, parameter);
		ASSERT_EQ(0, become(USER_A, USER_A));
		fd = create_large(NULL);
		chunks = put_chunks(fd, &error);
		ASSERT_LT(0, write(parameter, "4096", 4));
		EXPECT_EQ(-EDQUOT, put_chunk(fd, 0));
		/* What is there stays. */
		for (i = 0; i < chunks; i++) {
			EXPECT_EQ(CHUNK, take_chunk(fd));
		}
		EXPECT_EQ(-EDQUOT, put_chunk(fd, 0));
		EXPECT_EQ(0, mb_put(fd, 1, 0, 0));
		ASSERT_EQ(0, lseek(parameter, 0, SEEK_SET));
		ASSERT_LT(0, write(parameter, "2097152", 7));
		EXPECT_LT(MIB / CHUNK, put_chunks(fd, &error));
	}
}

TEST_F(budget, cap_sys_resource_is_exempt)
{
	IN_CHILD {
		int fd = create_large(NULL), i;

		for (i = 0; i < 2 * MIB / CHUNK; i++) {
			ASSERT_EQ(0, put_chunk(fd, 0));
		}
		for (i = 0; i < 20; i++) {
			ASSERT_LE(0, mb_create(NULL, 1, O_RDWR));
		}
		EXPECT_LE(0, seg_create(NULL, 2 * MIB, O_RDWR));
		ASSERT_EQ(0, drop_capability(CAP_SYS_RESOURCE));
		EXPECT_EQ(-EDQUOT, put_chunk(fd, 0));
		EXPECT_EQ(-EDQUOT, mb_create(NULL, 1, O_RDWR));
		EXPECT_EQ(-EDQUOT, seg_create(NULL, 1, O_RDWR));
	}
}

TEST_F(budget, root_of_a_user_namespace_is_not_exempt)
{
	IN_CHILD {
		int error, chunks;

		ASSERT_EQ(0, become(USER_A, USER_A));
		ASSERT_EQ(0, enter_user_namespace(0, CLONE_NEWNET));
		chunks = put_chunks(create_large(NULL), &error);
		EXPECT_EQ(-EDQUOT, error);
		EXPECT_GT(MIB / CHUNK, chunks);
		/* Nor has it an account of its own there. */
		EXPECT_EQ(-EDQUOT, put_chunk(create_large(NULL), 0));
	}
}

struct race {
	int fd;
	int error;
};

static void *put_until_refused(void *arg)
{
	struct race *race = arg;

	while (!(race->error = mb_put(race->fd, 1, 0, 0)))
		;
	return NULL;
}

/* Charged first and checked then: no two get the last piece. */
TEST_F(budget, race_for_the_last_piece_has_one_winner)
{
	ASSERT_EQ(0, param_set("user_bytes", 64 << 10));
	IN_CHILD {
		pthread_t threads[4];
		struct race race[4];
		int fd, i, alone = 0;

		ASSERT_EQ(0, become(USER_A, USER_A));
		fd = create_large(NULL);
		while (!mb_put(fd, 1, 0, 0))
			alone++;
		while (mb_take(fd, MBOX_NONBLOCK) >= 0)
			;
		for (i = 0; i < 4; i++) {
			race[i].fd = fd;
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, put_until_refused,
						    &race[i]));
		}
		for (i = 0; i < 4; i++) {
			ASSERT_EQ(0, pthread_join(threads[i], NULL));
			EXPECT_EQ(-EDQUOT, race[i].error);
		}
		EXPECT_GE(alone, mb_status(fd).queued);
		EXPECT_LE(alone - 4, mb_status(fd).queued);
	}
}

/* The memory is charged to the memory cgroup of who sends. */
#define CGROUP "/sys/fs/cgroup"
#define GROUP  CGROUP "/mbox_test"

static long long group_bytes(void)
{
	char text[32];

	return read_text(GROUP "/memory.current", text, sizeof(text)) < 0 ? -1 :
	       strtoll(text, NULL, 10);
}

TEST_F(budget, memory_cgroup_is_charged_and_bounds_its_own)
{
	int *sent = shared_memory(sizeof(*sent)), fd, error = 0, taken = 0, i;
	char text[256];
	pid_t pid;

	if (read_text(CGROUP "/cgroup.controllers", text, sizeof(text)) < 0 ||
	    !strstr(text, "memory"))
		SKIP(return, "no memory controller in " CGROUP);
	ASSERT_EQ(0, param_set("user_bytes", 1LL << 30));
	write_text(CGROUP "/cgroup.subtree_control", "+memory");
	ASSERT_TRUE(!mkdir(GROUP, 0755) || errno == EEXIST);
	ASSERT_EQ(0, write_text(GROUP "/memory.max", "24M"));
	fd = create_large(NULL);
	pid = child_fork();
	if (!pid) {
		if (write_text(GROUP "/cgroup.procs", "0"))
			_exit(2);
		for (i = 0; i < 64 && !error; i++)
			error = put_chunk(fd, 0);
		if (error || group_bytes() < 64 * CHUNK)
			_exit(3);
		*sent = i;
		for (; *sent < 2000 && !error; *sent += !error)
			error = put_chunk(fd, 0);
		_exit(error == -ENOMEM ? 0 : 4);
	}
	error = child_wait(pid);
	/* It is refused, or its group's memory killer ends it. */
	EXPECT_TRUE(error == 0 || error == 1000 + SIGKILL)
		TH_LOG("the child ended with %d after %d messages", error, *sent);
	EXPECT_LE(64, *sent);
	EXPECT_GT(24 * MIB / CHUNK, *sent);
	/* What it had sent is there, for one who is not in that group. */
	while (take_chunk(fd) == CHUNK)
		taken++;
	EXPECT_TRUE(taken == *sent || taken == *sent + 1);
	EXPECT_EQ(0, put_chunk(fd, 0));
	close(fd);
	EXPECT_TRUE(wait_until(!rmdir(GROUP)));
}

TEST_HARNESS_MAIN
