/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * POSIX message queues, see mq_overview(7): a queue is a mailbox of the same
 * name, and a message queue descriptor is one of that mailbox.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <unistd.h>

#include "../src/internal.h"
#include "preload.h"

/* Of mq_overview(7): msg_default, msgsize_default and the limit of msg_max. */
#define MAXMSG_DEFAULT	10
#define MSGSIZE_DEFAULT	8192
#define MAXMSG_MAX	65536

#define NSEC_PER_SEC	1000000000L

int preload_fail(int error)
{
	errno = -error;
	return -1;
}

/* A descriptor of something else is no message queue descriptor. */
int preload_result(int ret)
{
	if (ret >= 0)
		return ret;
	return preload_fail(ret == -ENOTTY ? -EBADF : ret);
}

/*
 * Which descriptors are of a queue, and how large its messages can be: the
 * descriptor above, the size below. A receive has to know, and asking each time
 * would double its cost. close(2) and dup2(2) forget it, and so none is another's.
 */
#define SIZES		64
#define SIZE_BITS	32

static _Atomic uint64_t sizes[SIZES];

static void remember_size(mqd_t queue, uint32_t size)
{
	sizes[queue % SIZES] = (uint64_t)queue << SIZE_BITS | size;
}

void preload_queues_closed(unsigned int first, unsigned int last)
{
	int i;

	for (i = 0; i < SIZES; i++) {
		uint64_t known = sizes[i], queue = known >> SIZE_BITS;

		if (known && queue >= first && queue <= last)
			atomic_compare_exchange_strong(&sizes[i], &known, 0);
	}
}

void preload_queue_closed(int fd)
{
	uint64_t known = fd < 0 ? 0 : sizes[fd % SIZES];

	if (known && known >> SIZE_BITS == (uint64_t)fd)
		atomic_compare_exchange_strong(&sizes[fd % SIZES], &known, 0);
}

int preload_queue_status(mqd_t queue, struct mbox_ioc_status *status)
{
	int ret;

	*status = (struct mbox_ioc_status) { 0 };
	ret = mbox_ioctl(queue, MBOX_IOC_STATUS, status);
	if (!ret && status->flags & MBOX_BYTE_STREAM)
		return -EBADF;
	return ret;
}

/* Return: the size, or -1 if it is not known. */
static int64_t known_size(mqd_t queue)
{
	uint64_t known = queue < 0 ? 0 : sizes[queue % SIZES];

	if (!known || known >> SIZE_BITS != (uint64_t)queue)
		return -1;
	return known & UINT32_MAX;
}

/*
 * A mailbox with MBOX_HANGUP is not remembered: its end of file would be an empty
 * message to read(2).
 *
 * Return: the size, or a negative errno.
 */
static int64_t size_of(mqd_t queue)
{
	int64_t known = known_size(queue);
	struct mbox_ioc_status status;
	int ret;

	if (known >= 0)
		return known;
	ret = preload_queue_status(queue, &status);
	if (ret)
		return ret;
	if (!(status.flags & MBOX_HANGUP))
		remember_size(queue, status.msgsize);
	return status.msgsize;
}

/* Do read(2) and write(2) tell all but the priority? */
static bool is_plain(mqd_t queue)
{
	return size_of(queue) >= 0 && known_size(queue) >= 0;
}

/* Return: 0 or what mq_open(3) says of a bad name. */
static int check_name(const char *name)
{
	if (!*name)
		return -ENOENT;
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EACCES;
	return 0;
}

static bool attr_valid(const struct mq_attr *attr)
{
	return attr->mq_maxmsg > 0 && attr->mq_maxmsg <= MAXMSG_MAX &&
	       attr->mq_msgsize > 0 && attr->mq_msgsize <= MBOX_MSGSIZE_MAX;
}

static int open_queue(const char *name, int oflag)
{
	struct mbox_ioc_open req = {
		.name = mbox_address(name),
		.oflag = oflag & (O_ACCMODE | O_NONBLOCK),
		.kind = MBOX_MAILBOX,
	};

	return mbox_device_ioctl(MBOX_IOC_OPEN, &req);
}

static int create_queue(const char *name, int oflag, mode_t mode,
			const struct mq_attr *attr)
{
	struct mbox_ioc_create req = {
		.name = mbox_address(name),
		.capacity = MAXMSG_DEFAULT,
		.msgsize = MSGSIZE_DEFAULT,
		.oflag = oflag & (O_ACCMODE | O_NONBLOCK | O_EXCL),
		.mode = mode & 0777,
	};
	int ret;

	if (attr && !attr_valid(attr))
		return -EINVAL;
	if (attr) {
		req.capacity = attr->mq_maxmsg;
		req.msgsize = attr->mq_msgsize;
	}
	ret = mbox_device_ioctl(MBOX_IOC_CREATE, &req);
	return ret == -EDQUOT ? -ENOSPC : ret;
}

mqd_t preload_mq_open(const char *name, int oflag, mode_t mode,
		      const struct mq_attr *attr)
{
	int fd = check_name(name);

	if (!fd && (oflag & O_ACCMODE) == O_ACCMODE)
		fd = -EINVAL;
	if (fd)
		return preload_fail(fd);
	if ((oflag & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		fd = open_queue(name, oflag);
	else
		fd = -ENOENT;
	if (fd == -ENOENT && oflag & O_CREAT)
		fd = create_queue(name, oflag, mode, attr);
	if (fd < 0)
		return preload_fail(fd);
	preload_queue_closed(fd);
	return fd;
}

PRELOAD_API mqd_t mq_open(const char *name, int oflag, ...)
{
	const struct mq_attr *attr = NULL;
	mode_t mode = 0;
	va_list args;

	if (*name != '/')
		return preload_fail(-EINVAL);
	if (oflag & O_CREAT) {
		va_start(args, oflag);
		mode = va_arg(args, mode_t);
		attr = va_arg(args, const struct mq_attr *);
		va_end(args);
	}
	return preload_mq_open(name + 1, oflag, mode, attr);
}

/* What <mqueue.h> makes of mq_open() with two arguments under _FORTIFY_SOURCE. */
PRELOAD_API mqd_t __mq_open_2(const char *name, int oflag);

PRELOAD_API mqd_t __mq_open_2(const char *name, int oflag)
{
	if (oflag & O_CREAT)
		abort();
	return mq_open(name, oflag);
}

PRELOAD_API int mq_close(mqd_t queue)
{
	struct mbox_ioc_status status;
	int ret = preload_queue_status(queue, &status);

	if (ret)
		return preload_result(ret);
	preload_queue_closed(queue);
	preload_notice_drop(status.id);
	return close(queue);
}

int preload_mq_unlink(const char *name)
{
	struct mbox_ioc_unlink req = { .name = mbox_address(name) };
	int ret = check_name(name);

	if (!ret)
		ret = mbox_device_ioctl(MBOX_IOC_UNLINK, &req);
	return preload_result(ret == -EPERM ? -EACCES : ret);
}

PRELOAD_API int mq_unlink(const char *name)
{
	return *name == '/' ? preload_mq_unlink(name + 1) :
			      preload_fail(-EINVAL);
}

int preload_mq_getsetattr(mqd_t queue, const struct mq_attr *attr,
			  struct mq_attr *old)
{
	struct mbox_ioc_status status;
	int ret = preload_queue_status(queue, &status);
	int flags;

	if (ret)
		return preload_result(ret);
	if (attr && attr->mq_flags & ~O_NONBLOCK)
		return preload_fail(-EINVAL);
	flags = fcntl(queue, F_GETFL);
	if (old)
		*old = (struct mq_attr) {
			.mq_flags = flags & O_NONBLOCK,
			.mq_maxmsg = status.capacity > LONG_MAX ?
				     LONG_MAX : (long)status.capacity,
			.mq_msgsize = status.msgsize,
			.mq_curmsgs = status.queued,
		};
	return attr ? fcntl(queue, F_SETFL, (flags & ~O_NONBLOCK) |
					    (int)attr->mq_flags) : 0;
}

PRELOAD_API int mq_setattr(mqd_t queue, const struct mq_attr *restrict attr,
			   struct mq_attr *restrict old)
{
	return preload_mq_getsetattr(queue, attr, old);
}

PRELOAD_API int mq_getattr(mqd_t queue, struct mq_attr *attr)
{
	return preload_mq_getsetattr(queue, NULL, attr);
}

/* A timeout that is 0 or long over is one all the same. */
static int deadline_of(const struct timespec *timeout, __u64 *deadline)
{
	*deadline = 0;
	if (!timeout)
		return 0;
	if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 ||
	    timeout->tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	if (timeout->tv_sec >= INT64_MAX / NSEC_PER_SEC)
		*deadline = INT64_MAX;
	else
		*deadline = timeout->tv_sec * NSEC_PER_SEC + timeout->tv_nsec;
	if (!*deadline)
		*deadline = 1;
	return 0;
}

/* The calls that wait are cancellation points, and ioctl(2) is none. */
int preload_transfer(int fd, unsigned long request, struct mbox_ioc_msg *msg)
{
	int type, ret;

	if (__libc_single_threaded)
		return mbox_ioctl(fd, request, msg);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	ret = mbox_ioctl(fd, request, msg);
	pthread_setcanceltype(type, NULL);
	return ret;
}

/* What write(2) can say of a message costs less than an ioctl(2). */
static int send_ioctl(mqd_t queue, const char *data, size_t len,
		      unsigned int prio, const struct timespec *timeout)
{
	struct mbox_ioc_msg msg = {
		.buf = mbox_address(data),
		.len = len,
		.prio = prio,
		.flags = MBOX_REALTIME,
	};
	int ret = deadline_of(timeout, &msg.deadline);

	return ret ? ret : preload_transfer(queue, MBOX_IOC_SEND, &msg);
}

int preload_mq_send(mqd_t queue, const char *data, size_t len,
		    unsigned int prio, const struct timespec *timeout)
{
	if (!prio && !timeout && is_plain(queue))
		return write(queue, data, len) < 0 ? -1 : 0;
	return preload_result(send_ioctl(queue, data, len, prio, timeout));
}

PRELOAD_API int mq_send(mqd_t queue, const char *data, size_t len,
			unsigned int prio)
{
	return preload_mq_send(queue, data, len, prio, NULL);
}

PRELOAD_API int mq_timedsend(mqd_t queue, const char *data, size_t len,
			     unsigned int prio, const struct timespec *timeout)
{
	return preload_mq_send(queue, data, len, prio, timeout);
}

static ssize_t receive_ioctl(mqd_t queue, char *buf, size_t size,
			     unsigned int *prio, const struct timespec *timeout)
{
	struct mbox_ioc_msg msg = {
		.buf = mbox_address(buf),
		.len = size,
		.flags = MBOX_REALTIME,
	};
	int ret = deadline_of(timeout, &msg.deadline);

	if (!ret)
		ret = preload_transfer(queue, MBOX_IOC_RECV, &msg);
	if (!ret && prio)
		*prio = msg.prio;
	return ret ? ret : (ssize_t)msg.len;
}

ssize_t preload_mq_receive(mqd_t queue, char *buf, size_t size,
			   unsigned int *prio, const struct timespec *timeout)
{
	int64_t ret = size_of(queue);

	if (ret >= 0 && (int64_t)size < ret)
		ret = -EMSGSIZE;
	if (ret < 0)
		return preload_result(ret);
	if (!prio && !timeout && is_plain(queue))
		return read(queue, buf, size);
	ret = receive_ioctl(queue, buf, size, prio, timeout);
	return ret < 0 ? preload_result(ret) : ret;
}

PRELOAD_API ssize_t mq_receive(mqd_t queue, char *buf, size_t size,
			       unsigned int *prio)
{
	return preload_mq_receive(queue, buf, size, prio, NULL);
}

PRELOAD_API ssize_t mq_timedreceive(mqd_t queue, char *restrict buf, size_t size,
				    unsigned int *restrict prio,
				    const struct timespec *restrict timeout)
{
	return preload_mq_receive(queue, buf, size, prio, timeout);
}
