/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Leases: messages that stay the mailbox's until they are acknowledged.
 */
#include <errno.h>

#include "internal.h"

static int finish(struct mbox *mb, uint64_t delivery, unsigned int flags)
{
	struct mbox_ioc_ack req = { .delivery = delivery, .flags = flags };

	int ret = mbox_ioctl(mb->object.fd, MBOX_IOC_ACK, &req);

	/* It went back by itself. */
	if (!ret || ret == -ESTALE)
		mbox_loan_end(mb, delivery);
	return ret;
}

MBOX_API int mbox_ack(struct mbox *mb, uint64_t delivery)
{
	return finish(mb, delivery, 0);
}

MBOX_API int mbox_return(struct mbox *mb, uint64_t delivery)
{
	return finish(mb, delivery, MBOX_RETURN);
}

MBOX_API int mbox_dead_letter(struct mbox *mb, const struct mbox *dead_letter,
			      uint32_t max_deliveries)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_DEAD_LETTER,
		.dead_letter = dead_letter ? dead_letter->object.fd : 0,
		.max_deliveries = max_deliveries,
	};

	/* With a limit 0 would be the descriptor of that number. */
	if (!dead_letter != !max_deliveries)
		return -EINVAL;
	return mbox_ioctl(mb->object.fd, MBOX_IOC_SET, &set);
}
