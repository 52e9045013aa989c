/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * libmbox: mailboxes and shared segments of the mbox kernel module.
 *
 * This header brings in the others; programs include it alone.
 */
#ifndef MBOX_MBOX_H
#define MBOX_MBOX_H

#include <stdint.h>
#include <time.h>

#include <linux/mbox.h>
#include <mbox/loan.h>
#include <mbox/mailbox.h>
#include <mbox/pipe.h>
#include <mbox/process.h>
#include <mbox/ring.h>
#include <mbox/segment.h>
#include <mbox/socket.h>

/**
 * DOC: What holds for every call
 *
 * Errors: a call that fails returns a negative errno value, such as -EAGAIN,
 * and has changed nothing. Success is 0, or where the call says so a positive
 * count. The variable errno is not part of the interface, but of mbox_popen() and
 * mbox_pclose(), which stand in for calls of stdio. mbox_strerror() tells
 * what an error means here and what to do about it. Beside the errors that each
 * call lists, every call that talks to the kernel can return
 *
 *  - EFAULT: a name, or the bytes of a message, where no memory is; a struct
 *    of this library is not checked so
 *  - ENOTTY: the loaded module is older than this library and does not know
 *    the call
 *
 * and those that take a name, or create an object, can return
 *
 *  - ENODEV: /dev/mbox is not there: the module mbox is not loaded
 *  - EACCES: /dev/mbox, or the object, cannot be opened by this user
 *  - ENOMEM, EMFILE, ENFILE: out of memory or of descriptors
 *
 * Threads: every call can be made from any number of threads at once, on one
 * handle too. Only closing a handle must come after the last call on it. The
 * library keeps no state outside its handles, but for the list of what
 * mbox_popen() has open; it starts no threads and installs no signal handlers. No
 * call is a cancellation point.
 *
 * Processes: a handle is a descriptor with a type. It works after fork(2) in
 * parent and child. Its descriptor is close-on-exec; mbox_fd() and
 * mbox_segment_fd() give them out for poll(2), for passing over a UNIX socket,
 * or for fcntl(2).
 *
 * Names: "/jobs" and "jobs" name the same object: one leading slash is taken
 * off. What remains has 1 to MBOX_NAME_MAX bytes, no slash, and is not "." or
 * "..". Mailboxes, streams and segments share one table of names for each network
 * namespace. As in mq_open(3) a portable program writes the slash.
 *
 * Deadlines: absolute times in nanoseconds on CLOCK_MONOTONIC, or with
 * MBOX_REALTIME on CLOCK_REALTIME; 1 to 2^63 - 1, and 0 to wait for ever.
 * mbox_deadline_in() and mbox_deadline_at() make them. A call that need not
 * wait succeeds whatever its deadline.
 *
 * Signals: a handler that runs while a call waits ends it with EINTR; with
 * SA_RESTART the wait goes on, up to the same deadline.
 *
 * Structs: structs of this library can grow while its SONAME ends in .so.0.
 * Initialise them with designated initialisers, so that new fields are zero.
 */

#define MBOX_VERSION_MAJOR	0
#define MBOX_VERSION_MINOR	1
#define MBOX_VERSION_PATCH	0

#ifdef __cplusplus
extern "C" {
#endif

/**
 * mbox_version() - the version of the library that runs
 *
 * Return: a constant string as "0.1.0", never NULL. A program can compare it
 * with the MBOX_VERSION_* that it was built with.
 */
const char *mbox_version(void);

/**
 * mbox_strerror() - explain an error of this library
 * @error: a value that a call returned, such as -EDQUOT; the sign is ignored
 *
 * Where strerror(3) says "Protocol wrong type for socket", this says what went
 * wrong with a mailbox or a segment, and what mends it. One line of English,
 * without a full stop.
 *
 * Return: a constant string, never NULL; for a number that no call returns,
 * "unknown error".
 */
const char *mbox_strerror(int error);

/**
 * mbox_unlink() - remove the name of a mailbox or a segment
 * @name: the name; see "Names" above
 *
 * Whoever has the object open goes on with it, and blocked callers stay
 * blocked; it is freed with its last descriptor, a segment also with its last
 * mapping. The name is free at once. Compare unlink(2) and mq_unlink(3).
 *
 * Return: 0; -ENOENT: there is no such name; -EPERM: only the owner, or a
 * process with CAP_FOWNER, may do that; -EINVAL, -ENAMETOOLONG: not a name; or
 * an error of the list above.
 */
int mbox_unlink(const char *name);

/**
 * mbox_deadline_in() - the deadline some time from now
 * @ns: nanoseconds from now, 0 for now
 *
 * Return: a deadline on CLOCK_MONOTONIC. A time too far to be told is the
 * latest deadline, 2^63 - 1; the result is never 0.
 */
uint64_t mbox_deadline_in(uint64_t ns);

/**
 * mbox_deadline_at() - the deadline at a time of a clock
 * @at: absolute time, on CLOCK_MONOTONIC or, for a call with MBOX_REALTIME, on
 *      CLOCK_REALTIME; tv_nsec from 0 to 999,999,999
 *
 * Return: the deadline. A time before the clock's zero is the earliest
 * deadline, 1; one too far to be told the latest, 2^63 - 1. UINT64_MAX when
 * tv_nsec is out of its range: calls refuse that deadline.
 */
uint64_t mbox_deadline_at(const struct timespec *at);

#ifdef __cplusplus
}
#endif

#endif /* MBOX_MBOX_H */
