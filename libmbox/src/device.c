/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The way into the kernel: the one file that calls ioctl(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

#define MBOX_DEVICE	"/dev/mbox"

int mbox_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

/*
 * The device is opened for each call. A descriptor kept open would break when
 * the program closes all that it does not know, and would go on passing a
 * permission that the process gave away by setuid(2) or chroot(2).
 */
int mbox_device_ioctl(unsigned long request, void *arg)
{
	int fd = open(MBOX_DEVICE, O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return errno == ENOENT || errno == ENXIO ? -ENODEV : -errno;

	ret = mbox_ioctl(fd, request, arg);
	close(fd);
	return ret;
}
