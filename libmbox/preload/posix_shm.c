/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * POSIX shared memory, see shm_overview(7): an object is a segment, and its
 * descriptor one of that segment. shm_file.c makes it one of a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../src/internal.h"
#include "preload.h"

/* A queue can have the same name as an object, and is another. */
#define PREFIX	"shm:"

/* Return: 0, -EINVAL or -ENAMETOOLONG. Slashes before a name do not count. */
static int segment_name(char name[MBOX_NAME_MAX + 1], const char *given)
{
	given += strspn(given, "/");
	if (!*given || strchr(given, '/') || !strcmp(given, ".") ||
	    !strcmp(given, ".."))
		return -EINVAL;
	if (snprintf(name, MBOX_NAME_MAX + 1, PREFIX "%s", given) >
	    MBOX_NAME_MAX)
		return -ENAMETOOLONG;
	return 0;
}

static int create(const char *name, int oflag, mode_t mode)
{
	struct mbox_ioc_segment req = {
		.name = mbox_address(name),
		.oflag = oflag & (O_ACCMODE | O_EXCL),
		.mode = mode & 0777,
	};
	int fd = mbox_device_ioctl(MBOX_IOC_SEGMENT, &req);

	return fd == -EDQUOT ? -ENOSPC : fd;
}

static int open_existing(const char *name, int oflag)
{
	struct mbox_ioc_open req = {
		.name = mbox_address(name),
		.oflag = oflag & O_ACCMODE,
		.kind = MBOX_SEGMENT,
	};

	return mbox_device_ioctl(MBOX_IOC_OPEN, &req);
}

static int cut(int fd)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_LENGTH };

	return mbox_ioctl(fd, MBOX_IOC_SET, &set);
}

/* The lowest that is free was the device's while the segment got its own. */
static int lowest(int fd)
{
	int low = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (low < 0)
		return fd;
	if (low > fd) {
		close(low);
		return fd;
	}
	close(fd);
	return low;
}

PRELOAD_API int shm_open(const char *given, int oflag, mode_t mode)
{
	char name[MBOX_NAME_MAX + 1];
	int fd = segment_name(name, given);
	int ret;

	if (!fd && ((oflag & O_ACCMODE) == O_ACCMODE ||
		    (oflag & (O_ACCMODE | O_TRUNC)) == (O_RDONLY | O_TRUNC)))
		fd = -EINVAL;
	if (!fd)
		fd = oflag & O_CREAT ? create(name, oflag, mode) :
				       open_existing(name, oflag);
	if (fd < 0)
		return preload_fail(fd);
	ret = oflag & O_TRUNC ? cut(fd) : 0;
	if (!ret)
		return lowest(fd);
	close(fd);
	return preload_fail(ret);
}

PRELOAD_API int shm_unlink(const char *given)
{
	char name[MBOX_NAME_MAX + 1];
	struct mbox_ioc_unlink req = { .name = mbox_address(name) };
	int ret = segment_name(name, given);

	if (ret)
		return preload_fail(ret == -EINVAL ? -ENOENT : ret);
	ret = mbox_device_ioctl(MBOX_IOC_UNLINK, &req);
	return ret ? preload_fail(ret == -EPERM ? -EACCES : ret) : 0;
}
