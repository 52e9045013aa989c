// SPDX-License-Identifier: GPL-2.0
/* /dev/mbox itself: the device, who may open it, and the parameters of the module. */
#include "common.h"
#include "harness.h"

#include <sys/sysmacros.h>

FIXTURE(device) {
	int fd;
};

FIXTURE_SETUP(device)
{
	self->fd = open("/dev/mbox", O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(device)
{
	close(self->fd);
}

TEST_F(device, is_a_misc_device)
{
	struct stat st;

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(10, major(st.st_rdev));
}

TEST_F(device, mode_is_the_parameter)
{
	char text[16];
	struct stat st;

	ASSERT_EQ(0, stat("/dev/mbox", &st));
	ASSERT_LT(0, read_text("/sys/module/mbox/parameters/mode", text, sizeof(text)));
	EXPECT_EQ(strtol(text, NULL, 0), st.st_mode & 0777);
}

TEST_F(device, parameter_mode_is_fixed_while_loaded)
{
	struct stat st;

	ASSERT_EQ(0, stat("/sys/module/mbox/parameters/mode", &st));
	EXPECT_EQ(0444, st.st_mode & 0777);
}

TEST_F(device, parameters_change_while_loaded)
{
	static const char * const names[] = { "user_bytes", "user_mailboxes", "user_segments" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		long long old = param_get(names[i]);

		EXPECT_LT(0, old);
		EXPECT_EQ(0, param_set(names[i], old + 1));
		EXPECT_EQ(old + 1, param_get(names[i]));
		EXPECT_EQ(-EINVAL, param_set(names[i], -1));
		EXPECT_EQ(old + 1, param_get(names[i]));
		EXPECT_EQ(0, param_set(names[i], old));
		EXPECT_EQ(old, param_get(names[i]));
	}
}

TEST_F(device, needs_no_privilege)
{
	IN_CHILD {
		int fd;

		ASSERT_EQ(0, become(USER_A, USER_A));
		fd = open("/dev/mbox", O_RDWR);
		EXPECT_LE(0, fd);
		EXPECT_LE(0, mb_create(NULL, 1, O_RDWR));
	}
}

TEST_F(device, has_no_data_of_its_own)
{
	char byte = 0;

	EXPECT_EQ(-1, read(self->fd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->fd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-ENODEV, map_errno(self->fd, 1, PROT_READ, MAP_SHARED));
}

TEST_HARNESS_MAIN
