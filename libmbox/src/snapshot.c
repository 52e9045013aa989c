/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Mailboxes made whole: copies of one moment, and names given late.
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

/* The handle comes first: once the kernel has done its part, nothing fails. */
MBOX_API int mbox_snapshot(struct mbox **copy, const struct mbox *mb, int oflag)
{
	struct mbox_ioc_snapshot req = { .oflag = oflag };
	struct mbox *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;

	new->object.fd = mbox_ioctl(mb->object.fd, MBOX_IOC_SNAPSHOT, &req);
	if (new->object.fd < 0) {
		int ret = new->object.fd;

		free(new);
		return ret;
	}

	*copy = new;
	return 0;
}

static int link_object(const struct mbox_object *object, const char *name)
{
	struct mbox_ioc_link req = { .name = mbox_name_address(name) };

	return mbox_ioctl(object->fd, MBOX_IOC_LINK, &req);
}

MBOX_API int mbox_link(struct mbox *mb, const char *name)
{
	return link_object(&mb->object, name);
}

MBOX_API int mbox_segment_link(struct mbox_segment *seg, const char *name)
{
	return link_object(&seg->object, name);
}
