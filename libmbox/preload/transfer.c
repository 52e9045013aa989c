/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * send(2) and recv(2) and their kind, which only sockets know: on a connection
 * they are read(2) and write(2).
 */
#define _GNU_SOURCE

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/uio.h>
#include <time.h>

#include "../src/internal.h"
#include "preload.h"
#include "socket.h"

/* What changes nothing about bytes in their order, or is dealt with. */
#define SEND_FLAGS	(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE | MSG_EOR |	\
			 MSG_CONFIRM | MSG_DONTROUTE)
#define RECV_FLAGS	(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_WAITALL |		\
			 MSG_CMSG_CLOEXEC)

PRELOAD_NEXT(recv)
PRELOAD_NEXT(recvfrom)
PRELOAD_NEXT(recvmmsg)
PRELOAD_NEXT(recvmsg)
PRELOAD_NEXT(send)
PRELOAD_NEXT(sendmmsg)
PRELOAD_NEXT(sendmsg)
PRELOAD_NEXT(sendto)

/* glibc has it for programs that are built with _FORTIFY_SOURCE. */
__attribute__((noreturn)) void __chk_fail(void);

static ssize_t write_some(int fd, const struct iovec *iov, size_t nr, int flags)
{
	return pwritev2(fd, iov, nr, -1, flags & MSG_DONTWAIT ? RWF_NOWAIT : 0);
}

/* Where the signal was blocked, one may have waited before. */
static ssize_t write_silently(int fd, const struct iovec *iov, size_t nr, int flags)
{
	static const struct timespec now;
	sigset_t pipe, before, pending;
	ssize_t ret;
	int error;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigemptyset(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	if (sigismember(&before, SIGPIPE))
		sigpending(&pending);
	ret = write_some(fd, iov, nr, flags);
	error = errno;
	if (ret < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE))
		sigtimedwait(&pipe, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return ret;
}

ssize_t preload_send_iov(int fd, const struct iovec *iov, size_t nr, int flags)
{
	if (flags & ~SEND_FLAGS)
		return preload_fail(-EOPNOTSUPP);
	if (nr > IOV_MAX)
		return preload_fail(-EMSGSIZE);
	return flags & MSG_NOSIGNAL ? write_silently(fd, iov, nr, flags) :
				      write_some(fd, iov, nr, flags);
}

static ssize_t send_bytes(int fd, const void *buf, size_t len, int flags)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };

	return preload_send_iov(fd, &iov, 1, flags);
}

static ssize_t send_message(int fd, const struct msghdr *msg, int flags)
{
	return msg->msg_controllen ?
		       preload_send_rights(fd, msg, flags) :
		       preload_send_iov(fd, msg->msg_iov, msg->msg_iovlen, flags);
}

/* On a socket in the place of a connection write(2) is the same. */
PRELOAD_API ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	ssize_t ret;

	if (preload_connection_hinted(fd) && len && !(flags & ~SEND_FLAGS))
		return send_bytes(fd, buf, len, flags);
	ret = next_send()(fd, buf, len, flags);
	return preload_is_ours(fd, ret) ? send_bytes(fd, buf, len, flags) : ret;
}

PRELOAD_API ssize_t sendto(int fd, const void *buf, size_t len, int flags,
			   const struct sockaddr *to, socklen_t to_len)
{
	ssize_t ret;

	if (!to)
		return send(fd, buf, len, flags);
	ret = next_sendto()(fd, buf, len, flags, to, to_len);
	if (!preload_is_ours(fd, ret))
		return ret;
	if (to->sa_family == AF_UNIX)
		return preload_fail(-EISCONN);
	return send_bytes(fd, buf, len, flags);
}

PRELOAD_API ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t ret = next_sendmsg()(fd, msg, flags);

	return preload_is_ours(fd, ret) ? send_message(fd, msg, flags) : ret;
}

PRELOAD_API int sendmmsg(int fd, struct mmsghdr *msgs, unsigned int nr, int flags)
{
	int ret = next_sendmmsg()(fd, msgs, nr, flags);
	unsigned int i;

	if (!preload_is_ours(fd, ret))
		return ret;
	for (i = 0; i < nr; i++) {
		ssize_t sent = send_message(fd, &msgs[i].msg_hdr, flags);

		if (sent < 0)
			return i ? (int)i : -1;
		msgs[i].msg_len = sent;
	}
	return nr;
}

static ssize_t read_some(int fd, const struct iovec *iov, size_t nr, int flags)
{
	return preadv2(fd, iov, nr, -1, flags & MSG_DONTWAIT ? RWF_NOWAIT : 0);
}

/* To the end of one buffer after the other, whatever each read gets. */
static ssize_t read_all(int fd, const struct iovec *iov, size_t nr, int flags)
{
	ssize_t total = 0;
	size_t i, done;

	for (i = 0; i < nr; i++) {
		for (done = 0; done < iov[i].iov_len;) {
			struct iovec rest = {
				.iov_base = (char *)iov[i].iov_base + done,
				.iov_len = iov[i].iov_len - done,
			};
			ssize_t ret = read_some(fd, &rest, 1, flags);

			if (ret <= 0)
				return total ? total : ret;
			done += ret;
			total += ret;
		}
	}
	return total;
}

/* Into the first buffer that has room: to get less is no lie. */
static ssize_t look(int fd, const struct iovec *iov, size_t nr, int flags)
{
	size_t i = 0;
	ssize_t ret;

	while (i + 1 < nr && !iov[i].iov_len)
		i++;
	if (!nr)
		return 0;
	ret = mbox_connection_peek(fd, iov[i].iov_base, iov[i].iov_len, flags);
	return ret < 0 ? preload_fail(ret) : ret;
}

ssize_t preload_recv_iov(int fd, const struct iovec *iov, size_t nr, int flags)
{
	if (flags & MSG_OOB)
		return preload_fail(-EINVAL);
	if (flags & MSG_ERRQUEUE)
		return preload_fail(-EAGAIN);
	if (flags & MSG_PEEK)
		return look(fd, iov, nr, flags);
	if (flags & ~RECV_FLAGS)
		return preload_fail(-EOPNOTSUPP);
	if (nr > IOV_MAX)
		return preload_fail(-EMSGSIZE);
	return flags & MSG_WAITALL ? read_all(fd, iov, nr, flags) :
				     read_some(fd, iov, nr, flags);
}

static ssize_t recv_bytes(int fd, void *buf, size_t size, int flags)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };

	return preload_recv_iov(fd, &iov, 1, flags);
}

static ssize_t recv_message(int fd, struct msghdr *msg, int flags)
{
	struct preload_connection *connection = preload_connection_beside(fd);
	ssize_t ret;

	if (connection && !(flags & ~RECV_FLAGS))
		return preload_recv_rights(connection, fd, msg, flags);
	ret = preload_recv_iov(fd, msg->msg_iov, msg->msg_iovlen, flags);
	if (ret >= 0) {
		msg->msg_namelen = 0;
		msg->msg_controllen = 0;
		msg->msg_flags = 0;
	}
	return ret;
}

/* On a socket in the place of a connection read(2) is the same. */
PRELOAD_API ssize_t recv(int fd, void *buf, size_t size, int flags)
{
	ssize_t ret;

	if (preload_connection_hinted(fd) && size && !(flags & ~MSG_DONTWAIT))
		return recv_bytes(fd, buf, size, flags);
	ret = next_recv()(fd, buf, size, flags);
	return preload_is_ours(fd, ret) ? recv_bytes(fd, buf, size, flags) : ret;
}

PRELOAD_API ssize_t recvfrom(int fd, void *restrict buf, size_t size, int flags,
			     struct sockaddr *restrict from, socklen_t *restrict len)
{
	ssize_t ret;

	if (!from)
		return recv(fd, buf, size, flags);
	ret = next_recvfrom()(fd, buf, size, flags, from, len);
	if (!preload_is_ours(fd, ret))
		return ret;
	ret = recv_bytes(fd, buf, size, flags);
	if (ret >= 0)
		*len = 0;
	return ret;
}

PRELOAD_API ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t ret = next_recvmsg()(fd, msg, flags);

	return preload_is_ours(fd, ret) ? recv_message(fd, msg, flags) : ret;
}

/* As recvmmsg(2), which has a look at the clock after each message only. */
PRELOAD_API int recvmmsg(int fd, struct mmsghdr *msgs, unsigned int nr, int flags,
			 struct timespec *timeout)
{
	int ret = next_recvmmsg()(fd, msgs, nr, flags, timeout);
	unsigned int i;

	if (!preload_is_ours(fd, ret))
		return ret;
	for (i = 0; i < nr; i++) {
		ssize_t got = recv_message(fd, &msgs[i].msg_hdr,
					   flags & ~MSG_WAITFORONE);

		if (got < 0)
			return i ? (int)i : -1;
		msgs[i].msg_len = got;
		if (!got)
			return i + 1;
		if (flags & MSG_WAITFORONE || timeout)
			flags |= MSG_DONTWAIT;
	}
	return nr;
}

PRELOAD_API ssize_t __recv_chk(int fd, void *buf, size_t size, size_t room, int flags)
{
	if (size > room)
		__chk_fail();
	return recv(fd, buf, size, flags);
}

PRELOAD_API ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t size,
				   size_t room, int flags,
				   struct sockaddr *restrict from,
				   socklen_t *restrict len)
{
	if (size > room)
		__chk_fail();
	return recvfrom(fd, buf, size, flags, from, len);
}
