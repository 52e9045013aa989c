// SPDX-License-Identifier: GPL-2.0
/*
 * Sending and receiving as commands of io_uring.
 *
 * io_uring issues a command where it was submitted, and there it must not wait.
 * One that returns -EAGAIN it issues again in a thread of its own, which may.
 */
#include "compat.h"
#include "ioctl.h"
#include "mailbox.h"

static long mbox_uring_do(unsigned int cmd, const struct mbox_request *request)
{
	long (*handle)(const struct mbox_request *request);

	switch (cmd & ~IOCSIZE_MASK) {
	case MBOX_IOC_SEND & ~IOCSIZE_MASK:
		handle = mbox_ioctl_send;
		break;
	case MBOX_IOC_RECV & ~IOCSIZE_MASK:
		handle = mbox_ioctl_recv;
		break;
	default:
		return -EOPNOTSUPP;
	}
	return request->size < offsetofend(struct mbox_ioc_msg, gid) ?
	       -EINVAL : handle(request);
}

/**
 * mbox_mailbox_uring() - do a command
 * @cmd: with struct mbox_uring as its payload
 * @issue_flags: io_uring's
 *
 * Return: what the ioctl would, but for -EINTR where that is restarted; -EAGAIN
 * asks io_uring for a thread, -EIOCBQUEUED says that the command is complete.
 */
int mbox_mailbox_uring(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	const struct mbox_uring *payload = mbox_uring_payload(cmd);
	const struct mbox_request request = {
		.file = cmd->file,
		.user = u64_to_user_ptr(READ_ONCE(payload->msg)),
		.size = _IOC_SIZE(cmd->cmd_op),
		.nonblock = issue_flags & IO_URING_F_NONBLOCK,
	};
	long ret;

	if (READ_ONCE(payload->__reserved))
		return -EINVAL;
	ret = mbox_uring_do(cmd->cmd_op, &request);
	if (ret == -ERESTARTSYS)
		return -EINTR;
	if (ret != -EAGAIN || !(cmd->file->f_flags & O_NONBLOCK))
		return ret;
	io_uring_cmd_done(cmd, ret, 0, issue_flags);
	return -EIOCBQUEUED;
}
