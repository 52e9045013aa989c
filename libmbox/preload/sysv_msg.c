/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * System V message queues, see msgget(2): a queue is a mailbox whose receivers
 * choose by tag, and the tag of a message is its type.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <unistd.h>

#include "../src/internal.h"
#include "preload.h"

/* MSGMAX and MSGMNB of Linux. */
#define TEXT_MAX	8192
#define BYTES_MAX	16384

#define NSEC_PER_SEC	1000000000ULL

static int create(const void *arg)
{
	struct mbox_ioc_create req = {
		.capacity = MBOX_PEEK_MAX,
		.msgsize = TEXT_MAX,
		.bytes = BYTES_MAX,
		.oflag = O_RDWR,
		.mode = 0600,
		.flags = MBOX_TAGGED,
	};

	(void)arg;
	return mbox_device_ioctl(MBOX_IOC_CREATE, &req);
}

static const struct preload_ipc_kind queues = {
	.kind = MBOX_MAILBOX,
	.prefix = "sysv-msg",
	.create = create,
};

PRELOAD_API int msgget(key_t key, int flags)
{
	struct preload_ipc *ipc = preload_ipc_get(&queues, key, flags, NULL);
	int id;

	if (!ipc)
		return -1;
	id = ipc->id;
	preload_ipc_done(ipc);
	return id;
}

/* What was removed before a call has no id any more. Return: -1 or @ret. */
static int64_t result(struct preload_ipc *ipc, int64_t ret)
{
	if (ret == -EIDRM)
		preload_ipc_removed(ipc);
	if (ret == -EBADF)
		ret = -EACCES;
	preload_ipc_done(ipc);
	return ret < 0 ? preload_fail(ret) : ret;
}

/*
 * A queue that is gone when the call comes is another error than one that goes
 * while it waits.
 */
static int transfer(struct preload_ipc *ipc, unsigned long request,
		    const struct mbox_ioc_msg *asked, struct mbox_ioc_msg *msg,
		    int flags)
{
	int ret;

	*msg = *asked;
	msg->flags |= MBOX_NONBLOCK;
	ret = mbox_ioctl(ipc->fd, request, msg);
	if (ret == -EIDRM) {
		preload_ipc_removed(ipc);
		return -EINVAL;
	}
	if (ret != -EAGAIN || flags & IPC_NOWAIT)
		return ret;
	*msg = *asked;
	msg->flags |= MBOX_NORESTART;
	return preload_transfer(ipc->fd, request, msg);
}

PRELOAD_API int msgsnd(int id, const void *data, size_t size, int flags)
{
	const struct msgbuf *buf = data;
	struct mbox_ioc_msg msg, asked = {
		.buf = mbox_address(buf->mtext),
		.len = size,
		.tag = buf->mtype,
	};
	struct preload_ipc *ipc;
	int ret;

	if (buf->mtype < 1 || size > TEXT_MAX)
		return preload_fail(-EINVAL);
	ipc = preload_ipc_use(&queues, id);
	if (!ipc)
		return -1;
	ret = transfer(ipc, MBOX_IOC_SEND, &asked, &msg, flags);
	return result(ipc, ret == -EDQUOT ? -ENOMEM : ret);
}

/* Return: the flag that chooses what msgrcv(2) does by @type, with its tag. */
static unsigned int choice(long type, int flags, __u64 *tag)
{
	*tag = type;
	if (!type)
		return 0;
	if (type < 0) {
		*tag = type == LONG_MIN ? LONG_MAX : -type;
		return MBOX_TAG_MOST;
	}
	return flags & MSG_EXCEPT ? MBOX_TAG_EXCEPT : MBOX_TAG;
}

static bool copy_valid(long type, int flags)
{
	return flags & IPC_NOWAIT && !(flags & MSG_EXCEPT) && type >= 0 &&
	       type <= MBOX_PEEK_MAX;
}

static int receive(struct preload_ipc *ipc, const struct mbox_ioc_msg *asked,
		   struct mbox_ioc_msg *msg, int flags)
{
	int ret = transfer(ipc, MBOX_IOC_RECV, asked, msg, flags);

	return ret == -EAGAIN ? -ENOMSG : ret == -EMSGSIZE ? -E2BIG : ret;
}

/* The kernel gives a message whole or not at all: take it whole, and cut it. */
static int receive_cut(struct preload_ipc *ipc, const struct mbox_ioc_msg *asked,
		       struct mbox_ioc_msg *msg, int flags, char *text,
		       size_t size)
{
	struct mbox_ioc_msg whole = *asked;
	char *room = malloc(TEXT_MAX);
	int ret;

	if (!room)
		return -ENOMEM;
	whole.buf = mbox_address(room);
	whole.len = TEXT_MAX;
	ret = receive(ipc, &whole, msg, flags);
	if (!ret && msg->len > size)
		msg->len = size;
	if (!ret)
		memcpy(text, room, msg->len);
	free(room);
	return ret;
}

PRELOAD_API ssize_t msgrcv(int id, void *data, size_t size, long type, int flags)
{
	struct msgbuf *buf = data;
	struct mbox_ioc_msg msg, asked = {
		.buf = mbox_address(buf->mtext),
		.len = size,
	};
	struct preload_ipc *ipc;
	int ret;

	if (size > SSIZE_MAX ||
	    (flags & MSG_COPY && !copy_valid(type, flags)))
		return preload_fail(-EINVAL);
	if (flags & MSG_COPY) {
		asked.flags = MBOX_PEEK;
		asked.index = type;
	} else {
		asked.flags = choice(type, flags, (__u64 *)&asked.tag);
	}
	ipc = preload_ipc_use(&queues, id);
	if (!ipc)
		return -1;
	ret = receive(ipc, &asked, &msg, flags);
	if (ret == -E2BIG && flags & MSG_NOERROR)
		ret = receive_cut(ipc, &asked, &msg, flags, buf->mtext, size);
	if (!ret)
		buf->mtype = msg.tag;
	return result(ipc, ret ? ret : (ssize_t)msg.len);
}

static bool can_receive(const struct preload_ipc *ipc)
{
	int right = fcntl(ipc->fd, F_GETFL) & O_ACCMODE;

	return right == O_RDONLY || right == O_RDWR;
}

static int status_of(struct preload_ipc *ipc, struct msqid_ds *ds)
{
	struct mbox_ioc_status status = { .id = 0 };
	char name[PRELOAD_IPC_NAME];
	int ret = mbox_ioctl(ipc->fd, MBOX_IOC_STATUS, &status);

	if (!ret && !can_receive(ipc))
		ret = -EACCES;
	if (!ret)
		ret = preload_ipc_name(&queues, ipc->id, name);
	if (ret)
		return ret;
	*ds = (struct msqid_ds) {
		.msg_perm = preload_ipc_perm(&queues, name, status.uid,
					     status.gid, status.mode),
		.__msg_cbytes = status.queued_bytes,
		.msg_qnum = status.queued,
		.msg_qbytes = status.bytes,
		.msg_stime = status.send_time / NSEC_PER_SEC,
		.msg_rtime = status.recv_time / NSEC_PER_SEC,
		.msg_ctime = status.change_time / NSEC_PER_SEC,
		.msg_lspid = status.send_pid,
		.msg_lrpid = status.recv_pid,
	};
	return 0;
}

static int set(struct preload_ipc *ipc, const struct msqid_ds *ds)
{
	struct mbox_ioc_status status = { .id = 0 };
	struct mbox_ioc_set req = { .fields = MBOX_SET_BYTES };
	int ret = mbox_ioctl(ipc->fd, MBOX_IOC_STATUS, &status);

	if (ret)
		return ret;
	if (ds->msg_qbytes > BYTES_MAX && ds->msg_qbytes > status.bytes &&
	    geteuid())
		return -EPERM;
	req.bytes = ds->msg_qbytes > TEXT_MAX ? ds->msg_qbytes : TEXT_MAX;
	preload_ipc_perm_set(&req, &ds->msg_perm, status.uid, status.gid);
	return mbox_ioctl(ipc->fd, MBOX_IOC_SET, &req);
}

/* Return: the index of the last queue, as ipcs(1) wants to know, or -EFAULT. */
static int info(int command, void *to)
{
	struct preload_ipc_total total = preload_ipc_total(&queues);
	struct msginfo told = {
		.msgmax = TEXT_MAX,
		.msgmnb = BYTES_MAX,
		.msgmni = SHRT_MAX,
	};
	int ret;

	if (command == MSG_INFO) {
		told.msgpool = total.count;
		told.msgmap = total.queued;
		told.msgtql = total.bytes;
	}
	ret = preload_copy(to, &told, sizeof(told));
	return ret || !total.count ? ret : total.count - 1;
}

static int stat_to(struct preload_ipc *ipc, void *to)
{
	struct msqid_ds ds;
	int ret = status_of(ipc, &ds);

	return ret ? ret : preload_copy(to, &ds, sizeof(ds));
}

static int set_from(struct preload_ipc *ipc, const void *from)
{
	struct msqid_ds ds;
	int ret = preload_copy(&ds, from, sizeof(ds));

	return ret ? ret : set(ipc, &ds);
}

static int control(struct preload_ipc *ipc, int command, void *ds)
{
	struct mbox_ioc_end end = { .flags = 0 };
	int ret;

	switch (command) {
	case MSG_STAT:
	case MSG_STAT_ANY:
		ret = stat_to(ipc, ds);
		return ret ? ret : ipc->id;
	case IPC_STAT:
		return stat_to(ipc, ds);
	case IPC_SET:
		return set_from(ipc, ds);
	case IPC_RMID:
		ret = mbox_ioctl(ipc->fd, MBOX_IOC_END, &end);
		if (!ret)
			preload_ipc_removed(ipc);
		return ret;
	default:
		return -EINVAL;
	}
}

PRELOAD_API int msgctl(int id, int command, struct msqid_ds *ds)
{
	struct preload_ipc *ipc;
	int ret;

	if (command == IPC_INFO || command == MSG_INFO) {
		ret = info(command, ds);
		return ret < 0 ? preload_fail(ret) : ret;
	}
	if (command == MSG_STAT || command == MSG_STAT_ANY)
		id = preload_ipc_at(&queues, id);
	ipc = preload_ipc_use(&queues, id);
	if (!ipc)
		return -1;
	return result(ipc, control(ipc, command, ds));
}
