// SPDX-License-Identifier: GPL-2.0
/*
 * What mailboxes, streams and segments have in common: their descriptors, who may open them with
 * which rights, their owner, group and mode, and what keeps them and the module.
 */
#include "common.h"
#include "harness.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

FIXTURE(object) {
	const char *name;
	int box;
};

FIXTURE_SETUP(object)
{
	umask(0);
	self->name = unique_name("object");
	/* So the helpers have the device open, which the module counts among its references. */
	self->box = mb_create(NULL, 4, O_RDWR);
	ASSERT_LE(0, self->box);
}

FIXTURE_TEARDOWN(object)
{
	mb_unlink(self->name);
	close(self->box);
}

/* Whatever makes a descriptor, with and without O_CLOEXEC asked for. */
TEST_F(object, descriptors_are_close_on_exec)
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

TEST_F(object, descriptors_carry_the_open_flags)
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
TEST_F(object, out_of_descriptors_makes_nothing)
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
TEST_F(object, out_of_files_makes_nothing)
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

TEST_F(object, an_object_is_opened_once_more_with_no_more_rights)
{
	struct mbox_ioc_open open = { .oflag = O_RDONLY };
	int box = mb_create(NULL, 1, O_RDWR), seg = seg_create(NULL, 4096, O_RDWR);
	int both = st_create(NULL, O_RDWR), rx = mb_reopen(both, O_RDONLY);
	int look = mb_reopen(rx, O_RDWR | O_WRONLY), sender = mb_reopen(box, O_WRONLY);
	int reader = mb_reopen(seg, O_RDONLY);

	EXPECT_LE(0, look);
	EXPECT_EQ(-EBADF, mb_reopen(rx, O_WRONLY));
	EXPECT_EQ(-EBADF, mb_reopen(rx, O_RDWR));
	EXPECT_EQ(-EBADF, mb_reopen(look, O_RDONLY));
	EXPECT_EQ(-EBADF, mb_reopen(sender, O_RDONLY));
	EXPECT_EQ(-EBADF, mb_take(sender, 0));
	EXPECT_EQ(0, mb_put(sender, 7, 0, 0));
	EXPECT_EQ(7, mb_take(box, 0));
	EXPECT_EQ(-EINVAL, mb_reopen(seg, O_WRONLY));
	EXPECT_EQ(-EBADF, mb_reopen(reader, O_RDWR));
	EXPECT_EQ(-EACCES, map_errno(reader, 4096, PROT_READ | PROT_WRITE, MAP_SHARED));
	EXPECT_EQ(FD_CLOEXEC, fcntl(rx, F_GETFD));
	EXPECT_EQ(-EINVAL, mb_reopen(rx, O_RDONLY | O_EXCL));
	open.kind = MBOX_STREAM;
	EXPECT_EQ(-EINVAL, ctl(both, MBOX_IOC_OPEN, &open));
	open.kind = 0;
	open.pid = getpid();
	EXPECT_EQ(-EINVAL, ctl(both, MBOX_IOC_OPEN, &open));
	open.pid = 0;
	open.name = addr("name");
	EXPECT_EQ(-EINVAL, ctl(both, MBOX_IOC_OPEN, &open));
	open.name = 0;
	open.__reserved = 1;
	EXPECT_EQ(-EINVAL, ctl(both, MBOX_IOC_OPEN, &open));
	close(box);
	close(seg);
	close(both);
	close(rx);
	close(look);
	close(sender);
	close(reader);
}

TEST_F(object, opened_once_more_it_has_flags_of_its_own)
{
	int fd = mb_reopen(self->box, O_RDONLY | O_NONBLOCK);

	ASSERT_LE(0, fd);
	EXPECT_EQ(O_RDONLY | O_NONBLOCK, fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	EXPECT_EQ(O_RDWR, fcntl(self->box, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, mb_take(fd, 0));
	EXPECT_EQ(2, mb_status(self->box).receivers);
	EXPECT_EQ(1, mb_status(self->box).senders);
	close(fd);
	EXPECT_EQ(1, mb_status(self->box).receivers);
}

TEST_F(object, opened_once_more_without_descriptors_makes_nothing)
{
	struct mbox_ioc_status before = mb_status(self->box);
	struct rlimit old, none;
	char files[32];

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = (struct rlimit) { .rlim_cur = 0, .rlim_max = old.rlim_max };
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, mb_reopen(self->box, O_RDWR));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_UNCHANGED(self->box, &before);

	ASSERT_LT(0, read_text("/proc/sys/fs/file-max", files, sizeof(files)));
	ASSERT_EQ(0, write_text("/proc/sys/fs/file-max", "0"));
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		EXPECT_EQ(-ENFILE, mb_reopen(self->box, O_RDWR));
	}
	EXPECT_EQ(0, write_text("/proc/sys/fs/file-max", files));
	EXPECT_UNCHANGED(self->box, &before);
}

TEST_F(object, every_object_has_its_own_id)
{
	__u64 ids[20];
	int i, k;

	for (i = 0; i < 20; i++) {
		int fd = i & 1 ? mb_create(NULL, 1, O_RDWR) : seg_create(NULL, 1, O_RDWR);

		ids[i] = i & 1 ? mb_status(fd).id : seg_status(fd).id;
		EXPECT_NE(0, ids[i]);
		close(fd);
		for (k = 0; k < i; k++) {
			EXPECT_NE(ids[k], ids[i]);
		}
	}
}

TEST_F(object, every_object_pins_the_module)
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
TEST_F(object, a_mapping_pins_the_module)
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

TEST_F(object, is_there_as_long_as_anything_stands_for_it)
{
	long long before = module_refcount();
	int fd = mb_create(self->name, 1, O_RDWR), other = mb_open(self->name, O_RDONLY);
	int look = mb_reopen(other, O_ACCMODE);

	ASSERT_LE(0, look);
	ASSERT_EQ(0, mb_put(fd, 7, 0, 0));
	close(fd);
	close(other);
	EXPECT_EQ(1, mb_status(look).queued);
	EXPECT_EQ(0, mb_unlink(self->name));
	EXPECT_EQ(1, mb_status(look).queued);
	EXPECT_LT(before, module_refcount());
	close(look);
	EXPECT_TRUE(wait_until(module_refcount() <= before));
}

/* Who asks, in which group, of an object of owner USER_A, group USER_B and that mode. */
static const struct access {
	uid_t uid;
	gid_t gid;
	__u32 mode;
	int rdonly, wronly, rdwr, neither;
} accesses[] = {
	{ USER_A, USER_A, 0600, 0, 0, 0, 0 },
	{ USER_A, USER_A, 0400, 0, -EACCES, -EACCES, 0 },
	{ USER_A, USER_A, 0200, -EACCES, 0, -EACCES, 0 },
	/* The owner can always look, and so give itself what it lacks. */
	{ USER_A, USER_A, 0000, -EACCES, -EACCES, -EACCES, 0 },
	{ USER_A, USER_A, 0100, -EACCES, -EACCES, -EACCES, 0 },
	/* The owner is not given what only the group or the others are. */
	{ USER_A, USER_B, 0077, -EACCES, -EACCES, -EACCES, 0 },
	{ USER_C, USER_B, 0060, 0, 0, 0, 0 },
	{ USER_C, USER_B, 0040, 0, -EACCES, -EACCES, 0 },
	{ USER_C, USER_B, 0020, -EACCES, 0, -EACCES, 0 },
	{ USER_C, USER_B, 0707, -EACCES, -EACCES, -EACCES, -EACCES },
	{ USER_C, USER_C, 0006, 0, 0, 0, 0 },
	{ USER_C, USER_C, 0004, 0, -EACCES, -EACCES, 0 },
	{ USER_C, USER_C, 0002, -EACCES, 0, -EACCES, 0 },
	{ USER_C, USER_C, 0770, -EACCES, -EACCES, -EACCES, -EACCES },
	{ USER_C, USER_C, 0001, -EACCES, -EACCES, -EACCES, -EACCES },
	{ 0, 0, 0000, 0, 0, 0, 0 },
};

static int opens(const char *name, __u32 oflag, __u32 kind)
{
	int fd = mb_open_kind(name, oflag, kind);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

TEST_F(object, permission_matrix_of_a_mailbox)
{
	const struct access *a;
	int fd = mb_create(self->name, 4, O_RDWR | O_EXCL);

	for (a = accesses; a < accesses + ARRAY_SIZE(accesses); a++) {
		ASSERT_EQ(0, give_away(fd, a->mode));
		IN_CHILD {
			ASSERT_EQ(0, become(a->uid, a->gid));
			EXPECT_EQ(a->rdonly, opens(self->name, O_RDONLY, MBOX_MAILBOX));
			EXPECT_EQ(a->wronly, opens(self->name, O_WRONLY, MBOX_MAILBOX));
			EXPECT_EQ(a->rdwr, opens(self->name, O_RDWR, MBOX_MAILBOX));
			EXPECT_EQ(a->neither, opens(self->name, O_ACCMODE, MBOX_MAILBOX));
			/* A create that finds the name is an open. */
			fd = mb_create(self->name, 1, O_RDWR);
			EXPECT_EQ(a->rdwr, fd < 0 ? fd : 0);
		}
	}
}

TEST_F(object, permission_matrix_of_a_segment)
{
	const struct access *a;
	int fd = seg_create(self->name, 1, O_RDWR | O_EXCL);

	for (a = accesses; a < accesses + ARRAY_SIZE(accesses); a++) {
		ASSERT_EQ(0, give_away(fd, a->mode));
		IN_CHILD {
			ASSERT_EQ(0, become(a->uid, a->gid));
			EXPECT_EQ(a->rdonly, opens(self->name, O_RDONLY, MBOX_SEGMENT));
			EXPECT_EQ(a->rdwr, opens(self->name, O_RDWR, MBOX_SEGMENT));
			EXPECT_EQ(a->neither, opens(self->name, O_ACCMODE, MBOX_SEGMENT));
			EXPECT_EQ(-EINVAL, opens(self->name, O_WRONLY, MBOX_SEGMENT));
			fd = seg_create(self->name, 1, O_RDWR);
			EXPECT_EQ(a->rdwr, fd < 0 ? fd : 0);
		}
	}
}

TEST_F(object, owner_and_mode_decide_who_opens)
{
	const char *name = unique_name("mine");
	struct mbox_ioc_create create = st_template(name, O_RDWR);
	int fd;

	create.mode = 0622;
	umask(0);
	fd = ctl(device(), MBOX_IOC_CREATE, &create);
	ASSERT_LE(0, fd);
	IN_CHILD {
		if (become(USER_A, USER_A))
			_exit(1);
		if (st_open(name, O_RDONLY | O_NONBLOCK) != -EACCES)
			_exit(2);
		if (st_open(name, O_RDWR) != -EACCES || mb_unlink(name) != -EPERM)
			_exit(3);
		_exit(st_put(st_open(name, O_WRONLY), "x", 1) == 1 ? 0 : 4);
	}
	EXPECT_EQ(1, st_unread(fd));
	EXPECT_EQ(0, mb_unlink(name));
	close(fd);
}

static int opens_file(const char *path, int oflag)
{
	int fd = open(path, oflag | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

TEST_F(object, permission_matrix_of_a_file)
{
	const struct access *a;
	char dir[] = "/tmp/object.XXXXXX", path[128];
	int fd = mb_create(self->name, 4, O_RDWR | O_EXCL);

	ASSERT_NE(NULL, mkdtemp(dir));
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL));
	ASSERT_EQ(0, mount("none", dir, "mboxfs", 0, NULL));
	snprintf(path, sizeof(path), "%s/%s", dir, self->name);
	for (a = accesses; a < accesses + ARRAY_SIZE(accesses); a++) {
		ASSERT_EQ(0, give_away(fd, a->mode));
		IN_CHILD {
			ASSERT_EQ(0, become(a->uid, a->gid));
			EXPECT_EQ(a->rdonly, opens_file(path, O_RDONLY));
			EXPECT_EQ(a->wronly, opens_file(path, O_WRONLY));
			EXPECT_EQ(a->rdwr, opens_file(path, O_RDWR));
		}
	}
	EXPECT_EQ(0, mb_unlink(self->name));
	EXPECT_LE(0, seg_create(self->name, 1, O_RDWR));
	EXPECT_EQ(-EINVAL, opens_file(path, O_WRONLY));
	EXPECT_EQ(0, umount(dir));
	rmdir(dir);
}

TEST_F(object, supplementary_groups_count)
{
	int fd = mb_create(self->name, 4, O_RDWR | O_EXCL);

	ASSERT_EQ(0, give_away(fd, 0060));
	IN_CHILD {
		gid_t groups[] = { USER_C, USER_B };

		ASSERT_EQ(0, setgid(USER_C));
		ASSERT_EQ(0, setgroups(2, groups));
		ASSERT_EQ(0, setuid(USER_C));
		EXPECT_LE(0, mb_open(self->name, O_RDWR));
	}
}

static int create_mode(const char *name, __u32 mode)
{
	struct mbox_ioc_create create = mb_template(name, 4, O_RDWR | O_EXCL);

	create.mode = mode;
	return ctl(device(), MBOX_IOC_CREATE, &create);
}

/* The rights are those of the descriptor, whatever happens to the mode afterwards. */
TEST_F(object, rights_stay_with_the_descriptor)
{
	int fd = create_mode(self->name, 0666);

	IN_CHILD {
		struct mbox_ioc_set set = { .fields = MBOX_SET_MODE, .mode = 0 };

		ASSERT_EQ(0, ctl(fd, MBOX_IOC_SET, &set));
		ASSERT_EQ(0, become(USER_C, USER_C));
		EXPECT_EQ(-EACCES, mb_open(self->name, O_RDWR));
		EXPECT_EQ(0, mb_put(fd, 1, 0, 0));
		EXPECT_EQ(1, mb_take(fd, 0));
	}
}

TEST_F(object, mode_is_less_the_umask)
{
	int fd;

	umask(027);
	fd = create_mode(self->name, 0777);
	EXPECT_EQ(0750, mb_status(fd).mode);
	EXPECT_EQ(0, mb_unlink(self->name));
	fd = seg_create(self->name, 1, O_RDWR);
	EXPECT_EQ(0640, seg_status(fd).mode);
	umask(0);
}

TEST_F(object, own_descriptor_of_the_creator_is_not_checked)
{
	IN_CHILD {
		int fd;

		ASSERT_EQ(0, become(USER_A, USER_B));
		fd = create_mode(self->name, 0);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, mb_put(fd, 1, 0, 0));
		EXPECT_EQ(1, mb_take(fd, 0));
		EXPECT_EQ(USER_A, mb_status(fd).uid);
		EXPECT_EQ(USER_B, mb_status(fd).gid);
		EXPECT_EQ(-EACCES, mb_open(self->name, O_RDWR));
		EXPECT_EQ(0, mb_unlink(self->name));
	}
}

TEST_F(object, owner_is_the_effective_user)
{
	IN_CHILD {
		int fd;

		ASSERT_EQ(0, setegid(USER_B));
		ASSERT_EQ(0, seteuid(USER_A));
		fd = create_mode(self->name, 0600);
		EXPECT_EQ(USER_A, mb_status(fd).uid);
		EXPECT_EQ(USER_B, mb_status(fd).gid);
		EXPECT_EQ(0, mb_unlink(self->name));
	}
}

/* A capability counts where it is held over the network namespace, and only there. */
TEST_F(object, capabilities_are_those_over_the_network_namespace)
{
	int fd = create_mode(self->name, 0);

	ASSERT_LE(0, fd);
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		ASSERT_EQ(0, enter_user_namespace(0, 0));
		EXPECT_EQ(-EACCES, mb_open(self->name, O_RDWR));
		EXPECT_EQ(-EPERM, mb_unlink(self->name));
	}
	IN_CHILD {
		ASSERT_EQ(0, become(USER_A, USER_A));
		ASSERT_EQ(0, enter_user_namespace(0, CLONE_NEWNET));
		ASSERT_LE(0, create_mode(self->name, 0));
		EXPECT_LE(0, mb_open(self->name, O_RDWR));
		EXPECT_EQ(0, mb_unlink(self->name));
	}
	EXPECT_LE(0, mb_open(self->name, O_RDWR));
}

static int set_one(int fd, __u32 field, __u32 value)
{
	struct mbox_ioc_set set = { .fields = field };

	if (field == MBOX_SET_MODE)
		set.mode = value;
	else if (field == MBOX_SET_UID)
		set.uid = value;
	else
		set.gid = value;
	return ctl(fd, MBOX_IOC_SET, &set);
}

/* A root who lacks one of them, and an object of another whose mode lets nobody in. */
TEST_F(object, each_capability_allows_its_own)
{
	int fd = mb_create(self->name, 1, O_RDWR);

	ASSERT_EQ(0, give_away(fd, 0));
	IN_CHILD {
		ASSERT_EQ(0, drop_capability(CAP_DAC_OVERRIDE));
		EXPECT_EQ(-EACCES, opens(self->name, O_RDONLY, MBOX_MAILBOX));
		EXPECT_EQ(-EACCES, opens(self->name, O_WRONLY, MBOX_MAILBOX));
		EXPECT_EQ(0, opens(self->name, O_ACCMODE, MBOX_MAILBOX));
		EXPECT_EQ(0, set_one(fd, MBOX_SET_MODE, 0));
		EXPECT_EQ(0, set_one(fd, MBOX_SET_UID, USER_A));
	}
	IN_CHILD {
		ASSERT_EQ(0, drop_capability(CAP_FOWNER));
		EXPECT_EQ(0, opens(self->name, O_RDWR, MBOX_MAILBOX));
		EXPECT_EQ(-EPERM, set_one(fd, MBOX_SET_MODE, 0));
		EXPECT_EQ(-EPERM, mb_unlink(self->name));
		EXPECT_EQ(0, set_one(fd, MBOX_SET_UID, USER_A));
	}
	IN_CHILD {
		ASSERT_EQ(0, drop_capability(CAP_CHOWN));
		EXPECT_EQ(0, opens(self->name, O_RDWR, MBOX_MAILBOX));
		EXPECT_EQ(0, set_one(fd, MBOX_SET_MODE, 0));
		EXPECT_EQ(-EPERM, set_one(fd, MBOX_SET_UID, USER_A));
		EXPECT_EQ(-EPERM, set_one(fd, MBOX_SET_GID, USER_B));
	}
}

/* Makes an object of mode 0 in the network namespace of a process. */
static int create_beside(pid_t pid, const char *name)
{
	char path[64];
	int ns;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (setns(ns, CLONE_NEWNET))
		return -errno;
	return create_mode(name, 0);
}

/* Its owner is a user whom the user namespace of the names does not know. */
TEST_F(object, capability_over_a_namespace_is_none_over_strangers_to_it)
{
	int *step = shared_memory(sizeof(*step));
	pid_t pid = child_fork();

	if (!pid) {
		ASSERT_EQ(0, become(USER_A, USER_A));
		ASSERT_EQ(0, enter_user_namespace(0, CLONE_NEWNET));
		__atomic_store_n(step, 1, __ATOMIC_RELEASE);
		ASSERT_TRUE(wait_until(__atomic_load_n(step, __ATOMIC_ACQUIRE) == 2));
		EXPECT_EQ(-EACCES, opens(self->name, O_RDONLY, MBOX_MAILBOX));
		EXPECT_EQ(-EACCES, opens(self->name, O_ACCMODE, MBOX_MAILBOX));
		EXPECT_EQ(-EPERM, mb_unlink(self->name));
		_exit(0);
	}
	ASSERT_TRUE(wait_until(__atomic_load_n(step, __ATOMIC_ACQUIRE) == 1));
	IN_CHILD {
		ASSERT_LE(0, create_beside(pid, self->name));
	}
	__atomic_store_n(step, 2, __ATOMIC_RELEASE);
	EXPECT_EQ(0, child_wait(pid));
}

static struct mbox_ioc_set set_of(__u32 fields)
{
	struct mbox_ioc_set set = { .fields = fields };

	if (fields & MBOX_SET_MODE)
		set.mode = 0600;
	if (fields & MBOX_SET_UID)
		set.uid = USER_B;
	if (fields & MBOX_SET_GID)
		set.gid = USER_B;
	if (fields & MBOX_SET_CAPACITY)
		set.capacity = 99;
	return set;
}

TEST_F(object, set_applies_the_named_fields)
{
	__u32 fields;

	for (fields = 1; fields < 16; fields++) {
		int fd = mb_create(NULL, 4, O_RDWR);
		struct mbox_ioc_set set = set_of(fields);
		struct mbox_ioc_status status;

		EXPECT_EQ(0, ctl(fd, MBOX_IOC_SET, &set));
		status = mb_status(fd);
		EXPECT_EQ(fields & MBOX_SET_MODE ? 0600 : 0666, status.mode);
		EXPECT_EQ(fields & MBOX_SET_UID ? USER_B : 0, status.uid);
		EXPECT_EQ(fields & MBOX_SET_GID ? USER_B : 0, status.gid);
		EXPECT_EQ(fields & MBOX_SET_CAPACITY ? 99 : 4, status.capacity);
		close(fd);
	}
}

/* Who may change what: one field refused, and none of the others is applied. */
static const struct change {
	const char *who;
	uid_t uid;
	gid_t gid;
	__u32 fields;
	int expected;
} changes[] = {
	{ "stranger, mode", USER_B, USER_B, MBOX_SET_MODE, -EPERM },
	{ "stranger, capacity", USER_B, USER_B, MBOX_SET_CAPACITY, -EPERM },
	{ "stranger, uid", USER_B, USER_B, MBOX_SET_UID, -EPERM },
	{ "stranger, gid", USER_B, USER_B, MBOX_SET_GID, -EPERM },
	{ "owner, uid", USER_A, USER_A, MBOX_SET_UID, -EPERM },
	{ "owner, foreign gid", USER_A, USER_A, MBOX_SET_GID, -EPERM },
	{ "owner, mode and uid", USER_A, USER_A, MBOX_SET_MODE | MBOX_SET_UID, -EPERM },
	{ "owner, capacity and uid", USER_A, USER_A, MBOX_SET_CAPACITY | MBOX_SET_UID, -EPERM },
	{ "owner, own gid", USER_A, USER_B, MBOX_SET_GID, 0 },
	{ "owner, mode", USER_A, USER_A, MBOX_SET_MODE, 0 },
	{ "owner, capacity", USER_A, USER_A, MBOX_SET_CAPACITY, 0 },
	{ "root, all", 0, 0, 15, 0 },
};

TEST_F(object, set_is_for_the_owner_and_the_capable)
{
	struct mbox_ioc_set give = {
		.fields = MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID,
		.mode = 0666, .uid = USER_A, .gid = USER_A };
	const struct change *c;

	for (c = changes; c < changes + ARRAY_SIZE(changes); c++) {
		struct mbox_ioc_set set = set_of(c->fields);
		struct mbox_ioc_status before;

		ASSERT_EQ(0, ctl(self->box, MBOX_IOC_SET, &give));
		before = mb_status(self->box);
		IN_CHILD {
			ASSERT_EQ(0, become(c->uid, c->gid));
			EXPECT_EQ(c->expected, ctl(self->box, MBOX_IOC_SET, &set))
				TH_LOG("%s", c->who);
		}
		EXPECT_EQ(!!c->expected, mb_unchanged(self->box, &before))
			TH_LOG("%s", c->who);
	}
}

TEST_F(object, set_refuses_ids_that_the_user_namespace_does_not_have)
{
	struct mbox_ioc_set uid = { .fields = MBOX_SET_UID, .uid = ~0U };
	struct mbox_ioc_set gid = { .fields = MBOX_SET_GID, .gid = ~0U };
	struct mbox_ioc_status before = mb_status(self->box);

	EXPECT_EQ(-EINVAL, ctl(self->box, MBOX_IOC_SET, &uid));
	EXPECT_EQ(-EINVAL, ctl(self->box, MBOX_IOC_SET, &gid));
	EXPECT_UNCHANGED(self->box, &before);
}

TEST_F(object, owner_and_mode_of_a_segment_change_as_a_mailboxes_do)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID,
		.mode = 0600, .uid = USER_A, .gid = USER_B };
	struct mbox_ioc_set capacity = { .fields = MBOX_SET_CAPACITY, .capacity = 1 };
	int fd = seg_create(NULL, 1, O_RDWR), none = mb_reopen(fd, O_ACCMODE);
	struct mbox_ioc_segment_status status, after;

	EXPECT_EQ(0, ctl(none, MBOX_IOC_SET, &set));
	status = seg_status(fd);
	EXPECT_EQ(0600, status.mode);
	EXPECT_EQ(USER_A, status.uid);
	EXPECT_EQ(USER_B, status.gid);
	EXPECT_EQ(-EINVAL, ctl(fd, MBOX_IOC_SET, &capacity));
	IN_CHILD {
		struct mbox_ioc_set mode = { .fields = MBOX_SET_MODE, .mode = 0666 };

		ASSERT_EQ(0, become(USER_B, USER_B));
		EXPECT_EQ(-EPERM, ctl(fd, MBOX_IOC_SET, &mode));
	}
	after = seg_status(fd);
	EXPECT_EQ(0, memcmp(&status, &after, sizeof(after)));
}

TEST_F(object, owner_gives_it_to_its_own_groups_only)
{
	ASSERT_EQ(0, give_away(self->box, 0600));
	IN_CHILD {
		gid_t groups[] = { USER_C };

		ASSERT_EQ(0, setgroups(1, groups));
		ASSERT_EQ(0, setresgid(USER_A, USER_A, USER_A));
		ASSERT_EQ(0, setresuid(USER_A, USER_A, USER_A));
		EXPECT_EQ(0, set_one(self->box, MBOX_SET_UID, USER_A));
		EXPECT_EQ(-EPERM, set_one(self->box, MBOX_SET_UID, USER_B));
		/* The group that it has already, though the owner is not in it. */
		EXPECT_EQ(0, set_one(self->box, MBOX_SET_GID, USER_B));
		EXPECT_EQ(0, set_one(self->box, MBOX_SET_GID, USER_C));
		EXPECT_EQ(-EPERM, set_one(self->box, MBOX_SET_GID, USER_B));
		EXPECT_EQ(0, set_one(self->box, MBOX_SET_GID, USER_A));
	}
	IN_CHILD {
		ASSERT_EQ(0, become(USER_B, USER_A));
		EXPECT_EQ(-EPERM, set_one(self->box, MBOX_SET_GID, USER_A));
	}
	EXPECT_EQ(USER_A, mb_status(self->box).uid);
	EXPECT_EQ(USER_A, mb_status(self->box).gid);
}

TEST_F(object, what_is_no_mode_and_no_id_is_einval_for_each_kind)
{
	const int fds[] = { self->box, st_create(NULL, O_RDWR), seg_create(NULL, 1, O_RDWR) };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		EXPECT_EQ(-EINVAL, set_one(fds[i], MBOX_SET_MODE, 01000));
		EXPECT_EQ(-EINVAL, set_one(fds[i], MBOX_SET_MODE, 1U << 31));
		EXPECT_EQ(-EINVAL, set_one(fds[i], MBOX_SET_UID, ~0U));
		EXPECT_EQ(-EINVAL, set_one(fds[i], MBOX_SET_GID, ~0U));
		EXPECT_EQ(0, set_one(fds[i], MBOX_SET_MODE, 0777));
	}
}

TEST_HARNESS_MAIN
