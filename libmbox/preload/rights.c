/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Descriptors and credentials in a sendmsg(2), which are not bytes.
 *
 * They go over the socket whose place a connection of AF_UNIX took: a record for
 * each message, which says where its bytes begin in the stream and how many they
 * are. The record is sent before the bytes, so it is there when they are. Who
 * receives takes the records up to where it reads.
 *
 * All can be called in signal handlers, so there are no locks. Who writes with
 * descriptors while another writes can have them arrive with the other's bytes.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../src/internal.h"
#include "preload.h"
#include "socket.h"

/* What may be between the ends of a socket and of a connection that are closed. */
#define CLOSING_MS	20

/* Buffers that are filled at once: more than programs have, and small on a stack. */
#define PARTS		128

/* Without bytes it takes the one before back, whose bytes could not be written. */
struct record {
	uint64_t at;
	uint64_t len;
};

PRELOAD_NEXT(recvmsg)
PRELOAD_NEXT(sendmsg)

static size_t length_of(const struct msghdr *msg)
{
	size_t len = 0, i;

	for (i = 0; i < msg->msg_iovlen; i++)
		len += msg->msg_iov[i].iov_len;
	return len;
}

/* Without any bytes, the kernel looks at what there is beside, and sends nothing. */
static int send_record(int socket, struct record *record, const struct msghdr *beside,
		       int flags)
{
	struct iovec iov = { record, record ? sizeof(*record) : 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (beside) {
		msg.msg_control = beside->msg_control;
		msg.msg_controllen = beside->msg_controllen;
	}
	return next_sendmsg()(socket, &msg, flags | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void take_back(int socket, uint64_t at)
{
	struct record record = { .at = at };
	int error = errno;

	send_record(socket, &record, NULL, MSG_DONTWAIT);
	errno = error;
}

static bool is_hung_up(int fd, int timeout)
{
	struct pollfd poller = { .fd = fd };

	return poll(&poller, 1, timeout) == 1 && poller.revents & POLLHUP;
}

/*
 * The connection is at its end too, unless the program at the other one does not
 * know the socket, having got the connection by execve(2) for example.
 */
static ssize_t send_to_nobody(int fd, int socket, const struct msghdr *msg, int flags)
{
	if (is_hung_up(socket, 0) && !is_hung_up(fd, CLOSING_MS))
		return preload_fail(-EOPNOTSUPP);
	return preload_send_iov(fd, msg->msg_iov, msg->msg_iovlen, flags);
}

static bool is_full(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLOUT };

	return poll(&poller, 1, 0) <= 0;
}

static ssize_t send_both(int fd, int socket, const struct msghdr *msg, int flags)
{
	struct record record = { .len = length_of(msg) };
	struct mbox_ioc_status status = { 0 };
	bool nonblock = flags & MSG_DONTWAIT || fcntl(fd, F_GETFL) & O_NONBLOCK;
	ssize_t ret;

	if (nonblock && is_full(fd))
		return preload_fail(-EAGAIN);
	if (!mbox_ioctl(fd, MBOX_IOC_STATUS, &status))
		record.at = status.written;
	ret = send_record(socket, record.len ? &record : NULL, msg,
			  nonblock ? MSG_DONTWAIT : 0);
	if (ret == -EPIPE)
		return send_to_nobody(fd, socket, msg, flags);
	if (ret || !record.len)
		return preload_result(ret);
	ret = preload_send_iov(fd, msg->msg_iov, msg->msg_iovlen, flags);
	if (ret < 0)
		take_back(socket, record.at);
	return ret;
}

ssize_t preload_send_rights(int fd, const struct msghdr *msg, int flags)
{
	struct preload_connection *connection = preload_connection_beside(fd);

	return connection ? send_both(fd, connection->socket, msg, flags) :
			    preload_fail(-EOPNOTSUPP);
}

/* Receive one, and what is beside into the room of @into. */
static bool get_record(int socket, struct record *record, struct msghdr *into,
		       int flags)
{
	struct iovec iov = { record, sizeof(*record) };

	into->msg_iov = &iov;
	into->msg_iovlen = 1;
	return next_recvmsg()(socket, into, flags | MSG_DONTWAIT) == sizeof(*record);
}

static bool peek_record(int socket, struct record *record)
{
	struct msghdr none = { 0 };

	return get_record(socket, record, &none, MSG_PEEK);
}

static void drop_record(int socket)
{
	struct msghdr none = { 0 };
	struct record record;

	get_record(socket, &record, &none, 0);
}

static void close_all(struct cmsghdr *header)
{
	const int *fds = (const int *)CMSG_DATA(header);
	size_t nr = (header->cmsg_len - CMSG_LEN(0)) / sizeof(*fds), i;

	for (i = 0; i < nr; i++)
		close(fds[i]);
}

static void close_rights(struct msghdr *msg)
{
	struct cmsghdr *header;

	for (header = CMSG_FIRSTHDR(msg); header; header = CMSG_NXTHDR(msg, header))
		if (header->cmsg_level == SOL_SOCKET &&
		    header->cmsg_type == SCM_RIGHTS)
			close_all(header);
}

static void put_credentials(struct msghdr *msg, const struct ucred *cred)
{
	struct cmsghdr *header = msg->msg_control;

	if (!header || msg->msg_controllen < CMSG_SPACE(sizeof(*cred))) {
		msg->msg_flags |= MSG_CTRUNC;
		msg->msg_controllen = 0;
		return;
	}
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_CREDENTIALS;
	header->cmsg_len = CMSG_LEN(sizeof(*cred));
	memcpy(CMSG_DATA(header), cred, sizeof(*cred));
	msg->msg_controllen = CMSG_SPACE(sizeof(*cred));
}

/* Bytes that nobody sent a record with are the peer's. */
static void get_nothing(const struct preload_connection *connection, struct msghdr *msg)
{
	if (preload_option_of(connection->socket, SOL_SOCKET, SO_PASSCRED))
		put_credentials(msg, &connection->cred);
	else
		msg->msg_controllen = 0;
}

/*
 * Who read past recvmsg(2), as read(2) does, did not want what came with those
 * bytes. Without that, two had sent at once: the second one comes a bit later.
 */
static bool is_over(const struct preload_connection *connection,
		    const struct record *record, uint64_t at)
{
	return !record->len || (record->at < at && connection->read != at);
}

static bool next_record(const struct preload_connection *connection, uint64_t at,
			struct record *record)
{
	bool is;

	while ((is = peek_record(connection->socket, record)) &&
	       is_over(connection, record, at))
		drop_record(connection->socket);
	return is;
}

static bool is_taken_back(int socket, const struct record *record)
{
	struct record next;

	return peek_record(socket, &next) && !next.len && next.at == record->at;
}

/* Return: of @len bytes from byte @at on those before byte @end, if any is. */
static size_t up_to(size_t len, uint64_t at, uint64_t end)
{
	return end > at && end - at < len ? end - at : len;
}

/**
 * struct reading - a recvmsg(2)
 * @connection: that it reads
 * @fd: its descriptor
 * @flags: as given
 * @msg: as given
 * @beside: its room for what comes beside the bytes, and what came
 * @room: for that many bytes there is room still
 * @done: bytes that were read
 * @taken: a record was: what follows is another message
 */
struct reading {
	struct preload_connection *connection;
	int fd;
	int flags;
	const struct msghdr *msg;
	struct msghdr beside;
	size_t room;
	size_t done;
	bool taken;
};

/* Return: whether the record was not taken back. */
static bool take_record(struct reading *reading, struct record *record)
{
	int socket = reading->connection->socket;
	struct msghdr got = reading->beside;

	if (!get_record(socket, record, &got, reading->flags & MSG_CMSG_CLOEXEC))
		return false;
	if (is_taken_back(socket, record)) {
		close_rights(&got);
		return false;
	}
	reading->beside = got;
	reading->taken = true;
	return true;
}

/*
 * What comes with a byte from @at on, of those that there is room for.
 *
 * Return: how many of the @len bytes there are may be read with it: as of a
 * socket, those before, and those of the same message.
 */
static size_t take_rights(struct reading *reading, uint64_t at, size_t len)
{
	struct preload_connection *connection = reading->connection;
	uint64_t end = at + (len < reading->room ? len : reading->room);
	struct record record;

	while (next_record(connection, at, &record) && record.at < end) {
		if (!take_record(reading, &record))
			continue;
		end = (record.at > at ? record.at : at) + record.len;
		if (next_record(connection, at, &record))
			len = up_to(len, at, record.at);
		return up_to(len, at, end);
	}
	return len;
}

/* Return: 1 when there is something to be read, 0 at the end, or -errno. */
static int await(const struct reading *reading, struct mbox_ioc_status *status)
{
	char byte;
	int ret;

	do {
		ret = mbox_ioctl(reading->fd, MBOX_IOC_STATUS, status);
		if (ret || status->queued)
			return ret ? ret : 1;
		ret = mbox_connection_peek(reading->fd, &byte, 1, reading->flags);
	} while (ret > 0);
	return ret;
}

/* The @len bytes of the buffers from byte @from on. Return: how many buffers. */
static size_t part_of(const struct msghdr *msg, size_t from, size_t len,
		      struct iovec part[PARTS])
{
	size_t nr = 0, i;

	for (i = 0; i < msg->msg_iovlen && len && nr < PARTS; i++) {
		struct iovec iov = msg->msg_iov[i];
		size_t skip = from < iov.iov_len ? from : iov.iov_len;

		from -= skip;
		iov.iov_base = (char *)iov.iov_base + skip;
		iov.iov_len -= skip;
		if (iov.iov_len > len)
			iov.iov_len = len;
		len -= iov.iov_len;
		if (iov.iov_len)
			part[nr++] = iov;
	}
	return nr;
}

static ssize_t read_part(const struct reading *reading, size_t len)
{
	struct iovec part[PARTS];
	size_t nr = part_of(reading->msg, reading->done, len, part);

	return preload_recv_iov(reading->fd, part, nr, reading->flags & ~MSG_WAITALL);
}

/* Return: as read(2), of bytes that belong together. */
static ssize_t read_once(struct reading *reading)
{
	struct mbox_ioc_status status = { 0 };
	ssize_t ret = await(reading, &status);

	if (ret < 0)
		return preload_fail(ret);
	if (!ret)
		return read_part(reading, reading->room);
	ret = read_part(reading,
			take_rights(reading, status.received, status.queued));
	if (ret <= 0)
		return ret;
	reading->connection->read = status.received + ret;
	reading->done += ret;
	reading->room -= ret;
	return ret;
}

static ssize_t read_message(struct reading *reading)
{
	ssize_t ret;

	do {
		ret = read_once(reading);
	} while (ret > 0 && reading->flags & MSG_WAITALL && !reading->taken &&
		 reading->room);
	if (ret < 0 && !reading->done && reading->taken)
		close_rights(&reading->beside);
	return reading->done ? (ssize_t)reading->done : ret;
}

static void give(const struct reading *reading, struct msghdr *msg)
{
	msg->msg_controllen = reading->beside.msg_controllen;
	msg->msg_flags = reading->beside.msg_flags;
	msg->msg_namelen = 0;
}

ssize_t preload_recv_rights(struct preload_connection *connection, int fd,
			    struct msghdr *msg, int flags)
{
	struct reading reading = {
		.connection = connection,
		.fd = fd,
		.flags = flags,
		.msg = msg,
		.beside.msg_control = msg->msg_control,
		.beside.msg_controllen = msg->msg_controllen,
		.room = length_of(msg),
	};
	ssize_t ret = read_message(&reading);

	if (ret < 0)
		return ret;
	if (!reading.taken)
		get_nothing(connection, &reading.beside);
	give(&reading, msg);
	return ret;
}
