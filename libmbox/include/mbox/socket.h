/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * libmbox: connections, whose bytes go through mailboxes.
 *
 * An end of a connection is a descriptor for both directions, which any program
 * can read and write. What was written at one end is read at the other, in its
 * order and without boundaries. read(2) gets what is there, and 0 once the
 * other end writes no more. write(2) waits for room; when the other end reads
 * no more it fails with EPIPE and SIGPIPE. poll(2) shows POLLRDHUP and POLLHUP
 * as of a socket. splice(2) and ioctl(FIONREAD) work as well; recv(2), send(2)
 * and what else is for sockets alone does not. Compare unix(7).
 *
 * What holds for every call is said once, in <mbox/mbox.h>.
 */
#ifndef MBOX_SOCKET_H
#define MBOX_SOCKET_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * mbox_socketpair() - create a connection
 * @fd: where the descriptors of its two ends go; untouched on an error. They
 *      are the caller's to close
 * @flags: 0 or more of O_CLOEXEC, without which both are inherited over
 *         execve(2), and O_NONBLOCK
 *
 * Full duplex: each direction is a stream that holds MBOX_PIPE_CAPACITY bytes
 * and counts against the caller's budget. It has no name and mode 0: only who
 * has a descriptor gets at it. Compare socketpair(2) with SOCK_STREAM; the
 * numbers need not be the lowest that are free.
 *
 * Return: 0; -EINVAL: a flag that is not taken; -EDQUOT: the user has as many
 * mailboxes as the module's parameters allow; -EMFILE: less than four
 * descriptors are free; -ENFILE, -ENOMEM, -ENODEV, -EACCES.
 */
int mbox_socketpair(int fd[2], int flags);

/**
 * mbox_shutdown() - end a direction of a connection, or both
 * @fd: an end of it
 * @how: SHUT_RD, SHUT_WR or SHUT_RDWR, of <sys/socket.h>
 *
 * For all who share the open file. After SHUT_WR the other end reads what was
 * written and then 0; after SHUT_RD what the other end writes fails. Compare
 * shutdown(2).
 *
 * Return: 0; -EINVAL: not a value of @how; -EBADF: not an open descriptor;
 * -ENOTTY: not an end of a connection.
 */
int mbox_shutdown(int fd, int how);

#ifdef __cplusplus
}
#endif

#endif /* MBOX_SOCKET_H */
