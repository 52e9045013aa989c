/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Pipes and FIFOs: descriptors of streams.
 */
#include <errno.h>
#include <fcntl.h>

#include "internal.h"

static void set_inherited(int fd, int flags)
{
	if (!(flags & O_CLOEXEC))
		fcntl(fd, F_SETFD, 0);
}

int mbox_give_pair(int one, int other, int fd[2], int flags)
{
	if (other < 0) {
		if (one >= 0)
			mbox_fd_close(one);
		return other;
	}
	set_inherited(one, flags);
	set_inherited(other, flags);
	fd[0] = one;
	fd[1] = other;
	return 0;
}

int mbox_stream_reopen(int stream, int oflag)
{
	struct mbox_ioc_open req = { .oflag = oflag };

	return mbox_ioctl(stream, MBOX_IOC_OPEN, &req);
}

static int open_ends(int stream, int fd[2], int flags)
{
	int nonblock = flags & O_NONBLOCK;
	int reader = mbox_stream_reopen(stream, O_RDONLY | nonblock);
	int writer = reader < 0 ? reader :
		     mbox_stream_reopen(stream, O_WRONLY | nonblock);

	return mbox_give_pair(reader, writer, fd, flags);
}

int mbox_stream_create(const char *name, int oflag, mode_t mode)
{
	struct mbox_ioc_create req = {
		.name = mbox_name_address(name),
		.capacity = MBOX_PIPE_CAPACITY,
		.oflag = oflag,
		.mode = mode,
		.flags = MBOX_BYTE_STREAM,
	};

	return mbox_device_ioctl(MBOX_IOC_CREATE, &req);
}

MBOX_API int mbox_pipe(int fd[2], int flags)
{
	int stream, ret;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	stream = mbox_stream_create(NULL, O_RDWR, 0);
	if (stream < 0)
		return stream;
	ret = open_ends(stream, fd, flags);
	mbox_fd_close(stream);
	return ret;
}

/* Opened for neither, so that nobody is taken for a peer who came and went. */
MBOX_API int mbox_mkfifo(const char *name, mode_t mode)
{
	int fd;

	if (!name)
		return -EINVAL;
	fd = mbox_stream_create(name, O_WRONLY | O_RDWR | O_EXCL, mode);
	if (fd < 0)
		return fd;
	mbox_fd_close(fd);
	return 0;
}

MBOX_API int mbox_open_fifo(const char *name, int oflag)
{
	struct mbox_ioc_open req = {
		.name = mbox_name_address(name),
		.oflag = oflag,
		.kind = MBOX_STREAM,
	};
	int fd = mbox_device_ioctl(MBOX_IOC_OPEN, &req);

	if (fd >= 0)
		set_inherited(fd, oflag);
	return fd;
}
