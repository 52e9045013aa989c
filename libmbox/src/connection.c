/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Connections: two streams, joined the one way and the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "internal.h"

int mbox_join(int in, int out, int flags)
{
	struct mbox_ioc_join req = {
		.out = out,
		.oflag = O_RDWR | (flags & O_NONBLOCK),
	};

	return mbox_ioctl(in, MBOX_IOC_JOIN, &req);
}

static int join_both(int there, int back, int fd[2], int flags)
{
	int one = mbox_join(back, there, flags);
	int other = one < 0 ? one : mbox_join(there, back, flags);

	return mbox_give_pair(one, other, fd, flags);
}

void mbox_wires_close(struct mbox_wires *wires)
{
	mbox_fd_close(wires->there);
	mbox_fd_close(wires->back);
	mbox_fd_close(wires->end);
	mbox_fd_close(wires->offer[0].fd);
	mbox_fd_close(wires->offer[1].fd);
}

int mbox_wires_make(struct mbox_wires *wires, int oflag)
{
	*wires = (struct mbox_wires) { -1, -1, -1, { { .fd = -1 }, { .fd = -1 } } };
	wires->there = mbox_stream_create(NULL, O_RDWR, 0);
	if (wires->there < 0)
		return wires->there;
	wires->back = mbox_stream_create(NULL, O_RDWR, 0);
	if (wires->back < 0)
		return wires->back;
	wires->end = mbox_join(wires->back, wires->there, oflag);
	if (wires->end < 0)
		return wires->end;
	wires->offer[0].fd = mbox_stream_reopen(wires->there, O_RDONLY);
	if (wires->offer[0].fd < 0)
		return wires->offer[0].fd;
	wires->offer[1].fd = mbox_stream_reopen(wires->back, O_WRONLY);
	return wires->offer[1].fd < 0 ? wires->offer[1].fd : 0;
}

int mbox_join_offer(const struct mbox_fd *offer, unsigned int nr, int flags)
{
	int fd = -EBADF;
	unsigned int i;

	if (nr == 2)
		fd = mbox_join(offer[0].fd, offer[1].fd, flags);
	for (i = 0; i < nr; i++)
		mbox_fd_close(offer[i].fd);
	return fd;
}

MBOX_API int mbox_socketpair(int fd[2], int flags)
{
	int there, back, ret;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	there = mbox_stream_create(NULL, O_RDWR, 0);
	if (there < 0)
		return there;
	back = mbox_stream_create(NULL, O_RDWR, 0);
	ret = back < 0 ? back : join_both(there, back, fd, flags);
	if (back >= 0)
		mbox_fd_close(back);
	mbox_fd_close(there);
	return ret;
}

ssize_t mbox_connection_peek(int fd, void *buf, size_t size, int flags)
{
	struct mbox_ioc_peek req = {
		.buf = mbox_address(buf),
		.len = size,
		.flags = flags & MSG_DONTWAIT ? MBOX_NONBLOCK : 0,
	};

	return mbox_ioctl(fd, MBOX_IOC_PEEK, &req);
}

MBOX_API int mbox_shutdown(int fd, int how)
{
	static const __u32 hows[] = {
		[SHUT_RD] = MBOX_SHUT_READ,
		[SHUT_WR] = MBOX_SHUT_WRITE,
		[SHUT_RDWR] = MBOX_SHUT_READ | MBOX_SHUT_WRITE,
	};
	struct mbox_ioc_shutdown req = { 0 };

	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	req.how = hows[how];
	return mbox_ioctl(fd, MBOX_IOC_SHUTDOWN, &req);
}
