// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "handle.h"

static int open_stream(const char *name, struct mbox **stream)
{
	int fd = mbox_open_fifo(name, O_NEITHER | O_CLOEXEC);
	int error;

	if (fd < 0)
		return fd;
	error = mbox_from_fd(stream, fd);
	if (error)
		close(fd);
	return error;
}

int open_queue(const char *name, struct mbox **queue)
{
	int error = mbox_open(queue, name, O_NEITHER);

	if (error == -EPROTOTYPE)
		error = open_stream(name, queue);
	return error;
}

int open_any(const char *name, struct handle *handle)
{
	int error;

	*handle = (struct handle){ 0 };
	error = open_queue(name, &handle->mailbox);
	if (error == -EPROTOTYPE)
		error = mbox_segment_open(&handle->segment, name, O_NEITHER);
	return error;
}

void close_any(struct handle *handle)
{
	mbox_close(handle->mailbox);
	mbox_segment_close(handle->segment);
}
