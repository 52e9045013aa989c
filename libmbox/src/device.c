/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The way into the kernel: the one file that calls ioctl(2), and what libc makes
 * a cancellation point. There a thread would leave descriptors open and locks
 * held, and no call of libmbox is one.
 */
#define _GNU_SOURCE	/* ppoll() */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

#define MBOX_DEVICE	"/dev/mbox"

int mbox_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static int hold_cancellation(void)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return state;
}

static void release_cancellation(int state)
{
	pthread_setcancelstate(state, &state);
}

void mbox_fd_close(int fd)
{
	int state = hold_cancellation();

	close(fd);
	release_cancellation(state);
}

int mbox_fd_poll(struct pollfd *fds, nfds_t nr, const struct timespec *wait)
{
	int state = hold_cancellation();
	int ret = ppoll(fds, nr, wait, NULL);

	ret = ret < 0 ? -errno : ret;
	release_cancellation(state);
	return ret;
}

ssize_t mbox_fd_read(int fd, void *buf, size_t size)
{
	int state = hold_cancellation();
	ssize_t ret = read(fd, buf, size);

	ret = ret < 0 ? -errno : ret;
	release_cancellation(state);
	return ret;
}

ssize_t mbox_fd_write(int fd, const void *data, size_t size)
{
	int state = hold_cancellation();
	ssize_t ret = write(fd, data, size);

	ret = ret < 0 ? -errno : ret;
	release_cancellation(state);
	return ret;
}

static int open_device(void)
{
	int state = hold_cancellation();
	int fd = open(MBOX_DEVICE, O_RDWR | O_CLOEXEC);

	fd = fd < 0 ? -errno : fd;
	release_cancellation(state);
	return fd == -ENOENT || fd == -ENXIO ? -ENODEV : fd;
}

/*
 * The device is opened for each call. A descriptor kept open would break when
 * the program closes all that it does not know, and would go on passing a
 * permission that the process gave away by setuid(2) or chroot(2).
 */
int mbox_device_ioctl(unsigned long request, void *arg)
{
	int fd = open_device();
	int ret;

	if (fd < 0)
		return fd;

	ret = mbox_ioctl(fd, request, arg);
	mbox_fd_close(fd);
	return ret;
}
