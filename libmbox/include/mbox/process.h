/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * libmbox: processes that name each other.
 *
 * Every process can have a mailbox of its own. Another opens it by the process,
 * and sends; the process receives from anyone and is told who sent, or names
 * the one that it accepts messages of. Two that do so have a link, which ends
 * with either of them: the other's calls, blocked or later, return -ESRCH.
 *
 * What holds for every call is said once, in <mbox/mbox.h>.
 */
#ifndef MBOX_PROCESS_H
#define MBOX_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

#include <mbox/mailbox.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * mbox_own() - create, or open again, the calling process's own mailbox
 * @mb: where the new handle goes; untouched on an error
 * @oflag: O_RDONLY, or O_RDWR to send to oneself too; with O_EXCL a mailbox
 *         that the process has already is refused, without it that one is
 *         opened and keeps its attributes; O_NONBLOCK; O_CLOEXEC is implied
 * @mode: permission bits, 0 to 0777, less the umask: write bits allow others to
 *        send; nobody else ever receives, whatever the read bits
 * @attr: as for mbox_create(), the capacity at most MBOX_PEEK_MAX; or NULL
 *
 * A process has one such mailbox in a network namespace. It has no name. It
 * ends with the process, or when its last descriptor that can receive is
 * closed: what is in it is gone then, and senders get -ESRCH. In a child the
 * inherited descriptor receives nothing (-EPERM); the child can have a mailbox
 * of its own. A program run by execve(2) is the same process.
 *
 * Return: 0; -EEXIST: with O_EXCL, the process has one; -EINVAL: a flag, mode or
 * attribute out of its range; -EACCES: the existing mailbox does not allow
 * @oflag; -EDQUOT: the user has as many mailboxes as the module's parameters
 * allow; -ENODEV, -ENOMEM, -EMFILE, -ENFILE.
 */
int mbox_own(struct mbox **mb, int oflag, mode_t mode,
	     const struct mbox_attr *attr);

/**
 * mbox_open_pid() - open the mailbox of a process
 * @mb: where the new handle goes; untouched on an error
 * @pid: the process, as the caller's pid namespace sees it
 * @oflag: O_WRONLY to send, O_WRONLY | O_RDWR to look only; O_NONBLOCK;
 *         O_CLOEXEC is implied. The process itself may ask for more
 *
 * The handle stands for that process, and never for a later one with the same
 * number. That the number was still that of the process which the caller means
 * is the caller's to know, as for kill(2): a parent knows it of a child that it
 * has not waited for. mbox_open_pidfd() knows it always.
 *
 * Return: 0; -ESRCH: no process has that number; -ENOENT: it has no mailbox of
 * its own in this network namespace; -EACCES: owner, group and mode do not allow
 * @oflag; -EPERM: only the process itself can receive from it; -EINVAL: a flag
 * or @pid out of its range; -ENODEV, -ENOMEM, -EMFILE, -ENFILE.
 */
int mbox_open_pid(struct mbox **mb, pid_t pid, int oflag);

/**
 * mbox_open_pidfd() - open the mailbox of a process by its pidfd
 * @mb: where the new handle goes; untouched on an error
 * @pidfd: of the process, from pidfd_open(2) or clone(2); stays the caller's
 * @oflag: as for mbox_open_pid()
 *
 * Opens by the number that /proc tells of the pidfd, and then sees that the
 * process is still alive: so the number cannot have been another's meanwhile.
 * /proc must be that of the caller's pid namespace.
 *
 * Return: 0, or an error of mbox_open_pid(); -ESRCH: the process is gone, or the
 * caller's pid namespace does not see it; -EBADF: @pidfd is no pidfd, or /proc
 * is not there.
 */
int mbox_open_pidfd(struct mbox **mb, int pidfd, int oflag);

/**
 * mbox_recv_from() - receive one message of one process
 * @mb: the caller's own mailbox, from mbox_own()
 * @from: the process, as the caller's pid namespace sees it; if none has that
 *        number, one that had it and left messages
 * @msg: as for mbox_recv_msg()
 * @flags: as for mbox_recv_msg()
 * @deadline: as for mbox_recv_msg()
 *
 * The messages of others stay in the mailbox in their order. What a process
 * sent before it ended can still be received.
 *
 * Return: 0; -ESRCH: the process is gone, now or while the call waited, and none
 * of its messages is left; -EOPNOTSUPP: not a mailbox from mbox_own(); -EPERM:
 * another process's; -EINVAL: also for @from below 1; or as mbox_recv_msg()
 * says -EAGAIN, -ETIMEDOUT, -EINTR, -EMSGSIZE, -EPIPE, -EBADF, -EFAULT.
 */
int mbox_recv_from(struct mbox *mb, pid_t from, struct mbox_message *msg,
		   unsigned int flags, uint64_t deadline);

#ifdef __cplusplus
}
#endif

#endif /* MBOX_PROCESS_H */
