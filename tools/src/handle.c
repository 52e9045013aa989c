// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <stddef.h>

#include "handle.h"

int open_any(const char *name, struct handle *handle)
{
	int error;

	*handle = (struct handle){ 0 };
	error = mbox_open(&handle->mailbox, name, O_NEITHER);
	if (error == -EPROTOTYPE)
		error = mbox_segment_open(&handle->segment, name, O_NEITHER);
	return error;
}

void close_any(struct handle *handle)
{
	mbox_close(handle->mailbox);
	mbox_segment_close(handle->segment);
}
