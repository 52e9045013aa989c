// SPDX-License-Identifier: GPL-2.0
/* /dev/mbox itself: the device, the module that it pins, and the descriptors that it hands out. */
#include "common.h"
#include "harness.h"

#include <sys/resource.h>
#include <sys/sysmacros.h>

FIXTURE(device) {
	int fd;
};

FIXTURE_SETUP(device)
{
	self->fd = open("/dev/mbox", O_RDWR);
	ASSERT_LE(0, self->fd);
	/* The one that the helpers use is open from now on, and counted among the references. */
	ASSERT_LE(0, device());
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

/* Whatever makes a descriptor, with and without O_CLOEXEC asked for. */
TEST_F(device, descriptors_are_close_on_exec)
{
	const char *box = unique_name("cloexec"), *seg = unique_name("cloexec.seg");
	int fds[] = {
		mb_create(box, 1, O_RDWR),
		mb_create(NULL, 1, O_RDWR | O_CLOEXEC),
		mb_open(box, O_RDONLY),
		seg_create(seg, 1, O_RDWR),
		seg_open(seg, O_RDONLY | O_CLOEXEC),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		ASSERT_LE(0, fds[i]);
		EXPECT_EQ(FD_CLOEXEC, fcntl(fds[i], F_GETFD));
	}
	EXPECT_EQ(0, mb_unlink(box));
	EXPECT_EQ(0, mb_unlink(seg));
}

TEST_F(device, descriptors_carry_the_open_flags)
{
	const char *box = unique_name("flags");
	int fd = mb_create(box, 1, O_RDWR | O_NONBLOCK);

	EXPECT_EQ(O_RDWR | O_NONBLOCK, fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	fd = mb_open(box, O_RDONLY);
	EXPECT_EQ(O_RDONLY, fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	fd = mb_open(box, O_WRONLY | O_NONBLOCK);
	EXPECT_EQ(O_WRONLY | O_NONBLOCK, fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	EXPECT_EQ(0, mb_unlink(box));
}

/* No descriptor left: an error, and nothing has been made. */
TEST_F(device, out_of_descriptors_makes_nothing)
{
	const char *box = unique_name("emfile"), *other = unique_name("emfile.open");
	struct rlimit old, none;
	int fd;

	fd = mb_create(other, 1, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = (struct rlimit) { .rlim_cur = 0, .rlim_max = old.rlim_max };
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, mb_create(box, 1, O_RDWR));
	EXPECT_EQ(-EMFILE, seg_create(box, 1, O_RDWR));
	EXPECT_EQ(-EMFILE, mb_open(other, O_RDWR));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(-ENOENT, mb_open(box, O_RDWR));
	EXPECT_EQ(1, mb_status(fd).senders);
	EXPECT_EQ(0, mb_unlink(other));
}

/* The whole system has no file left. Root is exempt, so it is another user who asks. */
TEST_F(device, out_of_files_makes_nothing)
{
	const char *box = unique_name("enfile"), *other = unique_name("enfile.open");
	char old[32];
	int fd = mb_create(other, 1, O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_LT(0, read_text("/proc/sys/fs/file-max", old, sizeof(old)));
	ASSERT_EQ(0, write_text("/proc/sys/fs/file-max", "0"));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-ENFILE, mb_create(box, 1, O_RDWR));
		EXPECT_EQ(-ENFILE, seg_create(box, 1, O_RDWR));
		EXPECT_EQ(-ENFILE, mb_open(other, O_RDWR));
	}
	EXPECT_EQ(0, write_text("/proc/sys/fs/file-max", old));
	EXPECT_EQ(-ENOENT, mb_open(box, O_RDWR));
	EXPECT_EQ(1, mb_status(fd).senders);
	EXPECT_EQ(0, mb_unlink(other));
}

TEST_F(device, every_object_pins_the_module)
{
	long long before = module_refcount();
	const char *box = unique_name("pin");
	int fd, seg;

	ASSERT_LT(0, before);
	fd = mb_create(NULL, 1, O_RDWR);
	EXPECT_LT(before, module_refcount());
	close(fd);
	EXPECT_TRUE(wait_until(module_refcount() <= before));

	seg = seg_create(NULL, 1, O_RDWR);
	EXPECT_LT(before, module_refcount());
	close(seg);
	EXPECT_TRUE(wait_until(module_refcount() <= before));

	/* A name alone does it too: what it stands for holds messages. */
	fd = mb_create(box, 1, O_RDWR);
	close(fd);
	EXPECT_LT(before, module_refcount());
	EXPECT_EQ(0, mb_unlink(box));
	EXPECT_TRUE(wait_until(module_refcount() <= before));
}

/* A mapping lives longer than the descriptor that it was made by. */
TEST_F(device, a_mapping_pins_the_module)
{
	long long before = module_refcount();
	int seg = seg_create(NULL, 1, O_RDWR);
	void *map = map_fd(seg, 1, PROT_READ | PROT_WRITE, MAP_SHARED);

	ASSERT_TRUE(map != NULL);
	close(seg);
	EXPECT_LT(before, module_refcount());
	munmap(map, 1);
	EXPECT_TRUE(wait_until(module_refcount() <= before));
}

TEST_HARNESS_MAIN
