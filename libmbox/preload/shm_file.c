/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What programs do with the descriptor of a shared memory object as if it were
 * one of a file. All others are left to libc, and cost a look at what it said:
 * a segment has no type of file, and libc cannot truncate or allocate one.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/internal.h"
#include "preload.h"

#define BLOCK	512

_Static_assert(sizeof(struct stat) == sizeof(struct stat64),
	       "one function does for both");

/* Not declared by <sys/stat.h>: programs older than fstat() call them. */
PRELOAD_API int __fxstat(int version, int fd, struct stat *st);
PRELOAD_API int __fxstat64(int version, int fd, struct stat64 *st);

PRELOAD_NEXT(__fxstat)
PRELOAD_NEXT(fallocate)
PRELOAD_NEXT(fchmod)
PRELOAD_NEXT(fchown)
PRELOAD_NEXT(fstat)
PRELOAD_NEXT(fstatat)
PRELOAD_NEXT(ftruncate)
PRELOAD_NEXT(posix_fallocate)
PRELOAD_NEXT(statx)

static bool segment_status(int fd, struct mbox_ioc_segment_status *status)
{
	int error = errno;
	bool is = !mbox_ioctl(fd, MBOX_IOC_SEGMENT_STATUS, status);

	errno = error;
	return is;
}

/* Return: @ret, and of a segment what is to be told in the place of that. */
static int stat_of(int ret, int fd, struct stat *st)
{
	struct mbox_ioc_segment_status status = { .id = 0 };

	if (ret || st->st_mode & S_IFMT || !segment_status(fd, &status))
		return ret;
	st->st_mode = S_IFREG | status.mode;
	st->st_ino = status.id;
	st->st_uid = status.uid;
	st->st_gid = status.gid;
	st->st_size = status.length;
	st->st_blocks = status.resident / BLOCK;
	return 0;
}

PRELOAD_API int fstat(int fd, struct stat *st)
{
	return stat_of(next_fstat()(fd, st), fd, st);
}

PRELOAD_API int fstat64(int fd, struct stat64 *st)
{
	return fstat(fd, (struct stat *)st);
}

PRELOAD_API int __fxstat(int version, int fd, struct stat *st)
{
	return stat_of(next___fxstat()(version, fd, st), fd, st);
}

PRELOAD_API int __fxstat64(int version, int fd, struct stat64 *st)
{
	return __fxstat(version, fd, (struct stat *)st);
}

PRELOAD_API int fstatat(int fd, const char *path, struct stat *st, int flags)
{
	int ret = next_fstatat()(fd, path, st, flags);

	if (ret || !(flags & AT_EMPTY_PATH) || st->st_mode & S_IFMT || *path)
		return ret;
	return stat_of(0, fd, st);
}

PRELOAD_API int fstatat64(int fd, const char *path, struct stat64 *st,
			  int flags)
{
	return fstatat(fd, path, (struct stat *)st, flags);
}

PRELOAD_API int statx(int fd, const char *path, int flags, unsigned int mask,
		      struct statx *st)
{
	struct mbox_ioc_segment_status status = { .id = 0 };
	int ret = next_statx()(fd, path, flags, mask, st);

	if (ret || !(flags & AT_EMPTY_PATH) || st->stx_mode & S_IFMT || *path ||
	    !segment_status(fd, &status))
		return ret;
	st->stx_mode = S_IFREG | status.mode;
	st->stx_ino = status.id;
	st->stx_uid = status.uid;
	st->stx_gid = status.gid;
	st->stx_size = status.length;
	st->stx_blocks = status.resident / BLOCK;
	return 0;
}

/* Return: 0 or a negative errno, as of a file. */
static int set_length(int fd, off_t length)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_LENGTH,
		.length = length,
	};
	int ret = mbox_ioctl(fd, MBOX_IOC_SET, &set);

	return ret == -EDQUOT ? -ENOSPC : ret;
}

PRELOAD_API int ftruncate(int fd, off_t length)
{
	struct mbox_ioc_segment_status status = { .id = 0 };
	int ret = next_ftruncate()(fd, length);

	if (!ret || errno != EINVAL || length < 0 ||
	    !segment_status(fd, &status))
		return ret;
	ret = set_length(fd, length);
	return ret ? preload_fail(ret == -EBADF ? -EINVAL : ret) : 0;
}

PRELOAD_API int ftruncate64(int fd, off64_t length)
{
	return ftruncate(fd, length);
}

/*
 * To be longer is enough: pages come when they are touched, and no limit but
 * that of memory can keep them away. Whoever makes it longer meanwhile can lose
 * that. Return: a positive errno, @error if it is no segment.
 */
static int allocate(int error, int fd, off_t offset, off_t length)
{
	struct mbox_ioc_segment_status status = { .id = 0 };
	off_t end;

	if (error != ENODEV || !segment_status(fd, &status))
		return error;
	if (__builtin_add_overflow(offset, length, &end))
		return EFBIG;
	return (uint64_t)end > status.length ? -set_length(fd, end) : 0;
}

PRELOAD_API int posix_fallocate(int fd, off_t offset, off_t length)
{
	return allocate(next_posix_fallocate()(fd, offset, length), fd, offset,
			length);
}

PRELOAD_API int posix_fallocate64(int fd, off64_t offset, off64_t length)
{
	return posix_fallocate(fd, offset, length);
}

PRELOAD_API int fallocate(int fd, int mode, off_t offset, off_t length)
{
	int ret = next_fallocate()(fd, mode, offset, length);

	if (ret && !mode)
		ret = -allocate(errno, fd, offset, length);
	return ret ? preload_fail(ret) : 0;
}

PRELOAD_API int fallocate64(int fd, int mode, off64_t offset, off64_t length)
{
	return fallocate(fd, mode, offset, length);
}

/* What libc does would change the one inode that all such descriptors share. */
static bool is_segment(int fd)
{
	struct mbox_ioc_segment_status status = { .id = 0 };
	int error = errno;
	struct stat st;
	bool is = !next_fstat()(fd, &st) && !(st.st_mode & S_IFMT) &&
		  segment_status(fd, &status);

	errno = error;
	return is;
}

PRELOAD_API int fchmod(int fd, mode_t mode)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_MODE,
		.mode = mode & 0777,
	};
	int ret;

	if (!is_segment(fd))
		return next_fchmod()(fd, mode);
	ret = mbox_ioctl(fd, MBOX_IOC_SET, &set);
	return ret ? preload_fail(ret) : 0;
}

PRELOAD_API int fchown(int fd, uid_t uid, gid_t gid)
{
	const struct mbox_object object = { .fd = fd };
	int ret;

	if (!is_segment(fd))
		return next_fchown()(fd, uid, gid);
	ret = mbox_object_chown(&object, uid, gid);
	return ret ? preload_fail(ret) : 0;
}
