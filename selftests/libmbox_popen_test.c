// SPDX-License-Identifier: GPL-2.0
/* libmbox's commands at the other end of a pipe. */
#include "common.h"
#include "harness.h"

#include <sys/resource.h>

#include <mbox/mbox.h>

TEST(commands_read_and_write)
{
	const char *path = "/tmp/mbox_popen";
	char line[16] = "";
	char command[64];
	int before = fds_open(), i;
	FILE *stream;

	snprintf(command, sizeof(command), "sort -n >%s", path);
	stream = mbox_popen(command, "w");
	ASSERT_TRUE(stream != NULL);
	for (i = 30000; i; i--)
		fprintf(stream, "%d\n", i);
	EXPECT_EQ(0, mbox_pclose(stream));

	snprintf(command, sizeof(command), "grep -v 7 %s | wc -l", path);
	stream = mbox_popen(command, "re");
	ASSERT_TRUE(stream != NULL);
	EXPECT_TRUE(fgets(line, sizeof(line), stream) != NULL);
	/* Those of 1 to 30000 without that digit: 3 * 9^4, less 0, and 30000. */
	EXPECT_EQ(19683, atoi(line));
	EXPECT_EQ(NULL, fgets(line, sizeof(line), stream));
	EXPECT_EQ(0, mbox_pclose(stream));

	snprintf(command, sizeof(command), "head -n 3 %s", path);
	stream = mbox_popen(command, "r");
	for (i = 1; i <= 3; i++) {
		EXPECT_TRUE(fgets(line, sizeof(line), stream) != NULL);
		EXPECT_EQ(i, atoi(line));
	}
	EXPECT_EQ(0, mbox_pclose(stream));
	EXPECT_EQ(before, fds_open());
	unlink(path);
}

TEST(commands_tell_how_they_ended)
{
	EXPECT_EQ(7 << 8, mbox_pclose(mbox_popen("exit 7", "r")));
	EXPECT_EQ(SIGKILL, mbox_pclose(mbox_popen("kill -KILL $$", "w")));
	EXPECT_EQ(127 << 8, mbox_pclose(mbox_popen("no-such-program 2>/dev/null", "r")));
	errno = 0;
	EXPECT_EQ(-1, mbox_pclose(stdout));
	EXPECT_EQ(ECHILD, errno);
}

/* If the second inherited the first one's end, the first would never come to it. */
TEST(commands_do_not_inherit_streams)
{
	FILE *first = mbox_popen("cat >/dev/null", "w");
	FILE *second = mbox_popen("cat >/dev/null", "w");

	EXPECT_EQ(0, mbox_pclose(first));
	EXPECT_EQ(0, mbox_pclose(second));
}

TEST(command_that_is_not_read_ends)
{
	FILE *stream = mbox_popen("exec yes", "r");
	char line[4];

	EXPECT_TRUE(fgets(line, sizeof(line), stream) != NULL);
	EXPECT_EQ(SIGPIPE, mbox_pclose(stream));
}

static void *run_commands(void *arg)
{
	char command[32], line[16];
	int i, *good = arg;

	for (i = 0; i < 10; i++) {
		FILE *stream;

		snprintf(command, sizeof(command), "echo %d; exit %d", 1000 * i, i);
		stream = mbox_popen(command, "r");
		if (stream && fgets(line, sizeof(line), stream) && atoi(line) == 1000 * i &&
		    mbox_pclose(stream) == i << 8)
			++*good;
	}
	return NULL;
}

TEST(commands_of_many_threads)
{
	pthread_t threads[6];
	int good[6] = { 0 }, i;

	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, run_commands, &good[i]));
	for (i = 0; i < 6; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(10, good[i]);
	}
}

TEST(type_is_one_of_popen)
{
	static const char * const bad[] = { "", "rw", "x", "re+", "er", "ww", "e" };
	int before = fds_open();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		errno = 0;
		EXPECT_EQ(NULL, mbox_popen("true", bad[i]));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(before, fds_open());
}

/* How many descriptors the process can still open. */
static int descriptors_free(void)
{
	int fds[16], nr = 0, i;

	while (nr < 16 && (fds[nr] = dup(STDERR_FILENO)) >= 0)
		nr++;
	for (i = 0; i < nr; i++)
		close(fds[i]);
	return nr;
}

TEST(without_descriptors_nothing_is_left)
{
	const struct rlimit limit = { 64, 64 };
	pid_t pid = child_fork();
	int last = 0, next, left;

	if (!pid) {
		if (setrlimit(RLIMIT_NOFILE, &limit))
			_exit(1);
		while ((next = dup(STDERR_FILENO)) >= 0)
			last = next;
		for (left = 0; left < 3; left++) {
			errno = 0;
			if (mbox_popen("true", "r") || errno != EMFILE)
				_exit(2);
			if (descriptors_free() != left)
				_exit(3);
			close(last - left);
		}
		_exit(mbox_pclose(mbox_popen("true", "r")) ? 4 : 0);
	}
	EXPECT_EQ(0, child_wait(pid));
}

TEST(counts_against_the_budget)
{
	long long limit = param_get("user_mailboxes");
	pid_t pid;

	ASSERT_EQ(0, param_set("user_mailboxes", 0));
	pid = child_fork();
	if (!pid) {
		if (become(USER_A, USER_A))
			_exit(1);
		errno = 0;
		_exit(!mbox_popen("true", "r") && errno == EDQUOT ? 0 : 2);
	}
	EXPECT_EQ(0, child_wait(pid));
	ASSERT_EQ(0, param_set("user_mailboxes", limit));
}

TEST_HARNESS_MAIN
