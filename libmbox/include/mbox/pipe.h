/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * libmbox: pipes and FIFOs, whose bytes go through mailboxes.
 *
 * What these calls give are descriptors and stdio streams, not handles: any
 * program can read and write them. mbox_from_fd() makes a handle of such a
 * descriptor, for mbox_status(), mbox_resize(), mbox_chmod() and mbox_chown();
 * sizes and counts of messages are in bytes then.
 *
 * read(2) gets what is there, and 0 once no writer is left. write(2) waits for
 * room and writes up to MBOX_PIPE_BUF bytes together or not at all; with no
 * reader left it fails with EPIPE and SIGPIPE. poll(2), splice(2) and
 * ioctl(FIONREAD) work as on a pipe. Compare pipe(7) and fifo(7).
 *
 * What holds for every call is said once, in <mbox/mbox.h>.
 */
#ifndef MBOX_PIPE_H
#define MBOX_PIPE_H

#include <stdio.h>
#include <sys/types.h>

#include <linux/mbox.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The bytes that a pipe or FIFO holds, as on Linux. */
#define MBOX_PIPE_CAPACITY	65536

/**
 * mbox_pipe() - create a pipe
 * @fd: where the two descriptors go: fd[0] reads, fd[1] writes; untouched on an
 *      error. They are the caller's to close
 * @flags: 0 or more of O_CLOEXEC, without which both are inherited over
 *         execve(2), and O_NONBLOCK
 *
 * Half duplex: neither end does what the other does (EBADF). The pipe holds
 * MBOX_PIPE_CAPACITY bytes and counts against the caller's budget. It has no
 * name and mode 0: only who has a descriptor gets at it. Compare pipe2(2); the
 * numbers need not be the lowest that are free.
 *
 * Return: 0; -EINVAL: a flag that is not taken; -EDQUOT: the user has as many
 * mailboxes as the module's parameters allow; -EMFILE: less than three
 * descriptors are free; -ENFILE, -ENOMEM, -ENODEV, -EACCES.
 */
int mbox_pipe(int fd[2], int flags);

/**
 * mbox_popen() - run a command with a pipe to or from it
 * @command: for sh(1)
 * @type: "r" to read the command's standard output, "w" to write its standard
 *        input; an "e" can follow and changes nothing, as the stream is always
 *        close-on-exec: no later child inherits it
 *
 * The stream is fully buffered. It ends by mbox_pclose() alone, not by
 * fclose(3). Compare popen(3), whose place it can take, and so it tells errors
 * as stdio does.
 *
 * Return: the stream; or NULL with errno EINVAL: not a type; EDQUOT, EMFILE,
 * ENFILE, ENODEV, EACCES: as mbox_pipe(); EAGAIN: the user, or the system, has
 * too many processes; ENOENT: there is no /bin/sh; ENOMEM.
 */
FILE *mbox_popen(const char *command, const char *type);

/**
 * mbox_pclose() - close a stream of mbox_popen() and wait for its command
 * @stream: the stream, which is gone afterwards
 *
 * Waits until the command has ended, whatever signals come. No other call on the
 * stream may be running or follow; other streams can be closed meanwhile.
 * Compare pclose(3).
 *
 * Return: the command's status as waitpid(2) has it; or -1 with errno ECHILD:
 * the stream is none of mbox_popen() in this process, and is still open, or the
 * status was already taken, as by a wait(2) for any child; or with the errno
 * EPIPE of a command that ended well without reading all that was written.
 */
int mbox_pclose(FILE *stream);

/**
 * mbox_mkfifo() - create a FIFO
 * @name: the name
 * @mode: permission bits, 0 to 0777, less the umask: read bits allow reading,
 *        write bits writing
 *
 * It holds MBOX_PIPE_CAPACITY bytes, belongs to the caller's effective user and
 * group, and stays until mbox_unlink() although nobody has it open; what is in
 * it does not: that is gone with the last reader and writer. mbox_create() with
 * MBOX_BYTE_STREAM makes one of another capacity. Compare mkfifo(3).
 *
 * Return: 0; -EEXIST: the name is in use; -EINVAL, -ENAMETOOLONG: not a name,
 * or a mode out of its range; -EDQUOT: the user has as many mailboxes as the
 * module's parameters allow; -ENODEV, -EACCES, -ENOMEM, -EMFILE, -ENFILE.
 */
int mbox_mkfifo(const char *name, mode_t mode);

/**
 * mbox_open_fifo() - open a FIFO
 * @name: the name
 * @oflag: O_RDONLY to read: waits until there is a writer; O_WRONLY to write:
 *         waits until there is a reader; O_RDWR for both and O_WRONLY | O_RDWR
 *         for neither, which wait for nobody; O_NONBLOCK: a reader does not
 *         wait, a writer fails when there is no reader, and the descriptor does
 *         not block; O_CLOEXEC, without which the descriptor is inherited over
 *         execve(2)
 *
 * Compare open(2) of a fifo(7).
 *
 * Return: the descriptor, the caller's to close; -ENXIO: O_WRONLY | O_NONBLOCK,
 * and nobody reads; -EINTR: a signal came while it waited; -ENOENT: no object
 * has that name; -EPROTOTYPE: it is a mailbox's or a segment's; -EACCES: owner,
 * group and mode do not allow @oflag; -EINVAL, -ENAMETOOLONG: not a name, or a
 * flag that is not taken; -ENODEV, -ENOMEM, -EMFILE, -ENFILE.
 */
int mbox_open_fifo(const char *name, int oflag);

#ifdef __cplusplus
}
#endif

#endif /* MBOX_PIPE_H */
