/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What mailboxes and segments have in common: handle, owner, group and mode.
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

/* The handle comes first: once the kernel has done its part, nothing fails. */
int mbox_object_get(struct mbox_object **object, size_t size,
		    unsigned long request, void *arg)
{
	struct mbox_object *new = calloc(1, size);

	if (!new)
		return -ENOMEM;

	new->fd = mbox_device_ioctl(request, arg);
	if (new->fd < 0) {
		int ret = new->fd;

		free(new);
		return ret;
	}

	*object = new;
	return 0;
}

int mbox_object_adopt(struct mbox_object **object, size_t size, int fd,
		      unsigned long request, void *status)
{
	int ret = mbox_ioctl(fd, request, status);
	struct mbox_object *new;

	/* Other drivers have other words for "not mine". */
	if (ret)
		return ret == -EBADF ? -EBADF : -ENOTTY;

	new = calloc(1, size);
	if (!new)
		return -ENOMEM;

	new->fd = fd;
	*object = new;
	return 0;
}

int mbox_object_make(unsigned long request, void *arg, struct mbox_ioc_set *set)
{
	int fd = mbox_device_ioctl(request, arg), ret;

	if (fd < 0)
		return fd;
	ret = mbox_ioctl(fd, MBOX_IOC_SET, set);
	if (!ret)
		return fd;
	mbox_fd_close(fd);
	return ret;
}

void mbox_object_close(struct mbox_object *object)
{
	mbox_fd_close(object->fd);
	free(object);
}

int mbox_object_chmod(const struct mbox_object *object, mode_t mode)
{
	struct mbox_ioc_set set = { .fields = MBOX_SET_MODE, .mode = mode };

	return mbox_ioctl(object->fd, MBOX_IOC_SET, &set);
}

int mbox_object_chown(const struct mbox_object *object, uid_t uid, gid_t gid)
{
	struct mbox_ioc_set set = { .fields = 0 };

	if (uid != (uid_t)-1) {
		set.fields |= MBOX_SET_UID;
		set.uid = uid;
	}
	if (gid != (gid_t)-1) {
		set.fields |= MBOX_SET_GID;
		set.gid = gid;
	}
	/* As fchown(2) with two times -1: nothing asked, nothing done. */
	return set.fields ? mbox_ioctl(object->fd, MBOX_IOC_SET, &set) : 0;
}
