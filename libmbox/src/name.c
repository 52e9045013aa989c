/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Names of mailboxes and segments.
 */
#include "internal.h"

/*
 * Only the slash of mq_open(3) and shm_open(3) comes off here. What a name is,
 * the kernel decides.
 */
__u64 mbox_name_address(const char *name)
{
	if (name && name[0] == '/')
		name++;
	return mbox_address(name);
}

MBOX_API int mbox_unlink(const char *name)
{
	struct mbox_ioc_unlink req = { .name = mbox_name_address(name) };

	return mbox_device_ioctl(MBOX_IOC_UNLINK, &req);
}
