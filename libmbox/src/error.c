/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What an error means here, and what to do about it.
 */
#include <errno.h>

#include "internal.h"

static const struct {
	int error;
	const char *text;
} errors[] = {
	{ 0, "no error" },
	{ ENODEV, "there is no /dev/mbox: load the module mbox (modprobe mbox)" },
	{ ENOTTY, "not a descriptor of that kind of object, or the loaded module is older than the library" },
	{ EINVAL, "an argument is out of its range: check name, flags, sizes and deadline against the manual page" },
	{ E2BIG, "the loaded module is older than the library and does not know what was asked: load the module of the same version" },
	{ EFAULT, "a pointer does not point to memory that can be used" },
	{ EBADF, "the handle was not opened for that: receiving needs O_RDONLY or O_RDWR, sending O_WRONLY or O_RDWR" },
	{ EACCES, "no permission: the mode of the object, or of /dev/mbox, does not allow that access, and its owner can change it; or a port below 1024, for which CAP_NET_BIND_SERVICE is needed" },
	{ EPERM, "only the owner, or a privileged process, may do that, and only a process itself receives from its mailbox; or a seal of the segment forbids it" },
	{ ENXIO, "nobody has the stream open for reading: open it without O_NONBLOCK to wait for a reader" },
	{ ENOENT, "nothing has that name, or the process has no mailbox, in this network namespace: create it first" },
	{ ESRCH, "no process has that number, or the process on the other side is gone" },
	{ EEXIST, "the name is in use, or the process has a mailbox already: open what is there, or remove it first" },
	{ EXDEV, "the object belongs to another network namespace: name it from there" },
	{ ENAMETOOLONG, "the name is too long: 255 bytes at most, without the slash" },
	{ EPROTOTYPE, "the name belongs to an object of another kind: mailboxes, streams and segments each have calls of their own" },
	{ EAGAIN, "it would have to wait: nothing is there to receive, or no room to send; try later, or poll" },
	{ ETIMEDOUT, "the deadline passed first" },
	{ EINTR, "a signal came first: call again with the same deadline" },
	{ EMSGSIZE, "the message is too large: for the mailbox when sending, for the buffer when receiving" },
	{ ENOMSG, "there is no message at that index; or none, and the bell was rung" },
	{ EPIPE, "nobody is left on the other side of the mailbox" },
	{ EIDRM, "the mailbox was ended by its owner: create it anew" },
	{ ECONNRESET, "who received the request died or closed the mailbox without a reply: it may have been acted on; or the other end of a connection was closed with bytes unread" },
	{ ESTALE, "nothing is outstanding under that number: it was answered or acknowledged, its lease is over, or the caller has given up" },
	{ ELOOP, "a mailbox is not its own dead-letter mailbox: give another" },
	{ EDEADLK, "callers would wait for each other in a circle" },
	{ EDQUOT, "the user's budget is used up: receive or remove something, or raise the limits in /sys/module/mbox/parameters" },
	{ EBUSY, "in the way: another process is registered for the signal, a writable mapping exists, or a mailbox with rings has its receiver" },
	{ ENOBUFS, "the message carries more descriptors than there is room for; mbox_peek() tells how many" },
	{ EOPNOTSUPP, "the mailbox was not made for that: one for broadcast has no priorities, synchronous sends, peeking, leases, dead letters or signals; only a process's own receives from one sender, only a tagged one by tag; descriptors go to one made for them, and UNIX sockets and io_uring to none" },
	{ EADDRINUSE, "the port is in use: choose another, or 0 for one that is free" },
	{ EADDRNOTAVAIL, "not an address of this machine: use INADDR_LOOPBACK" },
	{ EAFNOSUPPORT, "not an AF_INET address" },
	{ ECONNREFUSED, "nobody listens at that port, or has it" },
	{ EISCONN, "the socket is connected, or listens" },
	{ ENOTCONN, "the socket is not connected: connect it, or accept" },
	{ EDESTADDRREQ, "the datagram needs an address: give one, or connect the socket" },
	{ ENOMEM, "out of memory, or at the memory limit of the control group" },
	{ EMFILE, "the process has too many descriptors open: close some, or raise its limit" },
	{ ENFILE, "the system has too many files open" },
};

MBOX_API const char *mbox_strerror(int error)
{
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == error || errors[i].error == -(int64_t)error)
			return errors[i].text;
	return "unknown error";
}
