/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * mbox: mailboxes and shared segments behind /dev/mbox.
 */
#ifndef _UAPI_LINUX_MBOX_H
#define _UAPI_LINUX_MBOX_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: General format
 *
 * Every object is a file descriptor. Ioctls on /dev/mbox create or open objects
 * and return the new descriptor, which is always close-on-exec; ioctls on that
 * descriptor, and read(2), write(2), poll(2) and mmap(2), work on the object.
 *
 * Every ioctl takes a pointer to one struct. All structs keep one layout for
 * 32-bit and 64-bit callers: fields have a fixed width, pointers are __u64 and
 * padding is explicit.
 *
 * One growth rule holds for every struct: it grows at its end only, and the
 * size that the caller was built with travels in the ioctl number. A caller
 * with a shorter (older) struct gets zeros for the fields that it does not
 * know; a longer (newer) struct works as long as the bytes that the kernel does
 * not know are zero. A struct shorter than its first published form, a flag
 * that is not defined, and a pad that is not zero are refused.
 *
 * The descriptors returned carry the rights that they were opened with:
 * O_RDONLY receives, O_WRONLY sends, O_RDWR does both, and the access mode 3
 * that open(2) describes (O_WRONLY | O_RDWR) does neither. The last is for
 * looking at an object and changing its attributes, without becoming one of a
 * mailbox's senders or receivers; it is open to everybody whom owner, group and
 * mode allow something.
 *
 * A call that fails has changed nothing: no message is sent or lost by it. The
 * contents of a receive buffer are unspecified after an error.
 *
 * An errno means the same wherever it is returned:
 *
 *  - ENOTTY: this descriptor does not know that ioctl
 *  - EINVAL: an unknown flag, a non-zero pad, a struct that is too short, or a
 *    value outside the range that its field documents
 *  - E2BIG: a longer struct with bytes set that this kernel does not know
 *  - EFAULT: a pointer that cannot be read or written
 *  - EBADF: the descriptor lacks the right: receiving needs O_RDONLY or O_RDWR,
 *    sending O_WRONLY or O_RDWR; or one to be sent in a message is not open
 *  - EACCES: owner, group and mode of the object do not allow that access
 *  - EPERM: only the owner, or a capable process, may do that; only a process
 *    itself may receive from its own mailbox; or a seal forbids
 *  - ENXIO: a stream was opened for writing, without waiting, and nobody reads
 *  - ENOENT, EEXIST: no object, or one already, has that name or is of that
 *    process; EEXIST too when the mailbox got a message of that @sequence before
 *  - ELOOP: the dead-letter mailbox is the mailbox itself
 *  - EXDEV: the object belongs to another network namespace than the caller
 *  - ENAMETOOLONG: the name has more than MBOX_NAME_MAX bytes
 *  - ESRCH: no process has that number, or the process that the call is with is
 *    gone
 *  - EPROTOTYPE: the name belongs to an object of another kind
 *  - EAGAIN: it would block and the caller asked not to
 *  - ETIMEDOUT: the deadline passed first
 *  - EINTR: a signal came first (a handler with SA_RESTART restarts the call,
 *    against the same absolute deadline, unless that has MBOX_NORESTART)
 *  - EMSGSIZE: the message is larger than the mailbox takes, or than the
 *    receiver's buffer
 *  - ENOBUFS: the message carries more descriptors than the receiver's array
 *    has room for
 *  - EOPNOTSUPP: the mailbox does not do that; or a descriptor of that kind
 *    cannot be in a message
 *  - ENOMSG: there is no message at that index; or none, and the bell was rung
 *  - EPIPE: a mailbox with MBOX_HANGUP has nobody left on the other side, or one
 *    with MBOX_TRANSIENT nobody left to receive
 *  - EIDRM: the mailbox was ended
 *  - ECONNRESET: the request was received, and who received it went without a
 *    reply; or the other end of a connection went with bytes unread
 *  - ESTALE: no such delivery is outstanding: it was answered or acknowledged,
 *    its lease is over, or the caller has given up
 *  - EDEADLK: the call would close a cycle of callers that wait for each other
 *  - EDQUOT: the user's budget of bytes, mailboxes, segments or descriptors in
 *    messages is used up
 *  - EBUSY: another process is registered, a writable mapping is in the way, or
 *    the buffer is lent already, or a mailbox with MBOX_RINGS has its receiver
 *    already
 *  - ENOMEM, EMFILE, ENFILE: out of memory or of descriptors
 */

/* What statfs(2) tells of mboxfs, the names of a network namespace as files. */
#define MBOXFS_MAGIC		0x6d626f78

/* The bytes of a name, without the terminating NUL. */
#define MBOX_NAME_MAX		255

/* The largest message that any mailbox can be made to take, in bytes. */
#define MBOX_MSGSIZE_MAX	(16 * 1024 * 1024)

/* Priorities run from 0, the lowest, up to this one. */
#define MBOX_PRIO_MAX		32767

/* The most buffers in one scatter/gather list, messages in one batch. */
#define MBOX_IOV_MAX		1024
#define MBOX_BATCH_MAX		1024

/* The most descriptors in one message. */
#define MBOX_FDS_MAX		253

/*
 * A write of up to MBOX_PIPE_BUF bytes to a stream is not mixed with others;
 * that is also the least that a stream holds, and MBOX_STREAM_MAX the most.
 */
#define MBOX_PIPE_BUF		4096
#define MBOX_STREAM_MAX		(16 * 1024 * 1024)

/*
 * How far into a queue a peek can reach, and how many messages a mailbox can
 * hold that is a process's own or whose receivers choose by tag: going through
 * them holds up other users meanwhile.
 */
#define MBOX_PEEK_MAX		65535

/*
 * The buffers of a pool are a multiple of MBOX_POOL_ALIGN bytes, and
 * MBOX_POOL_MAX at most.
 */
#define MBOX_POOL_ALIGN		64
#define MBOX_POOL_MAX		65536

/* A capacity without limit: only memory and the budgets bound the queue. */
#define MBOX_UNBOUNDED		(~0ULL)

/**
 * enum mbox_kind - what a name or a descriptor stands for
 * @MBOX_MAILBOX: a mailbox
 * @MBOX_SEGMENT: a shared memory segment
 * @MBOX_STREAM: a mailbox for bytes, see MBOX_BYTE_STREAM
 */
enum mbox_kind {
	MBOX_MAILBOX = 1,
	MBOX_SEGMENT = 2,
	MBOX_STREAM = 3,
};

/**
 * enum mbox_create_flags - flags of mbox_ioc_create
 * @MBOX_HANGUP: tell peer death. Once there has been a receiver, a send to a
 *               mailbox that no descriptor can receive from fails with EPIPE
 *               (and SIGPIPE, by write(2)). Once there has been a sender, a
 *               receive from an empty mailbox that no descriptor can send to
 *               fails with EPIPE (read(2) returns 0). poll(2) shows EPOLLERR
 *               and EPOLLHUP.
 * @MBOX_OWN: make the calling process's own mailbox, which others find by
 *            process. It has no name, a capacity of at most MBOX_PEEK_MAX, and
 *            @oflag must have the right to receive. A process has one in a
 *            network namespace. Not with MBOX_BROADCAST.
 * @MBOX_BROADCAST: every receiver gets every message. A receiver is an open
 *                  file that can receive: what dup(2) and fork(2) make of it
 *                  shares its place, and each message goes to one of those who
 *                  share. A receiver gets what is sent after it was opened. The
 *                  mailbox keeps a message once, until the last receiver has
 *                  it, so that @capacity and @bytes bound how far the slowest
 *                  can be behind: then senders wait for it. With no receivers
 *                  a message is sent to nobody, unless MBOX_HANGUP says EPIPE.
 *                  All messages have priority 0, and @capacity is at least 1.
 * @MBOX_LOSSY: with MBOX_BROADCAST only: senders never wait. When the mailbox
 *              is full the oldest message is dropped, and those who had not
 *              received it are told how many they missed.
 * @MBOX_HANDLES: messages can carry descriptors. Without it a send of one that
 *                does fails, so that no sender can hand descriptors to receivers
 *                that do not expect any. Not with MBOX_BROADCAST.
 * @MBOX_BYTE_STREAM: make a stream: what is written are bytes in their order,
 *                    without the boundaries of messages, as in pipe(7). Goes
 *                    with no other flag, and includes MBOX_HANGUP. @capacity
 *                    and what mbox_ioc_status counts in messages is in bytes.
 *                    @msgsize and @bytes must be 0.
 * @MBOX_TRANSIENT: the name, whether it comes now or by MBOX_IOC_LINK, is
 *                  removed when the last descriptor that can receive is closed,
 *                  as at the death of a server. @oflag must have the right to
 *                  receive. Not with MBOX_OWN.
 * @MBOX_TAGGED: receivers can choose messages by their tag, with MBOX_TAG,
 *               MBOX_TAG_MOST and MBOX_TAG_EXCEPT. @capacity is at most
 *               MBOX_PEEK_MAX. Not with MBOX_BROADCAST.
 * @MBOX_RINGS: the receiver takes messages from rings also, which are in memory
 *              that it shares with senders, and of which the kernel knows
 *              nothing. Includes MBOX_HANGUP and MBOX_HANDLES. There is one
 *              receiver: while a descriptor can receive no other is opened by
 *              name (EBUSY). Not with MBOX_BROADCAST and MBOX_TAGGED. See
 *              MBOX_IOC_RING.
 */
enum mbox_create_flags {
	MBOX_HANGUP = 1 << 0,
	MBOX_OWN = 1 << 1,
	MBOX_BROADCAST = 1 << 2,
	MBOX_LOSSY = 1 << 3,
	MBOX_HANDLES = 1 << 4,
	MBOX_BYTE_STREAM = 1 << 5,
	MBOX_TRANSIENT = 1 << 6,
	MBOX_TAGGED = 1 << 7,
	MBOX_RINGS = 1 << 8,
};

/**
 * struct mbox_ioc_create - ioctl(MBOX_IOC_CREATE) on /dev/mbox
 * @name: Address of a NUL-terminated name, or 0 for an anonymous mailbox. A
 *        name is a file name: 1 to MBOX_NAME_MAX bytes, no slash, not "." or
 *        "..". Names belong to the caller's network namespace. Those of ports
 *        below 1024, stream:N, datagram:N and rpc:N, take CAP_NET_BIND_SERVICE
 *        over it (EACCES), here as in MBOX_IOC_LINK and rename(2).
 * @capacity: Messages that the mailbox holds: 0 for rendezvous, MBOX_UNBOUNDED
 *            for no limit; of a stream bytes, from MBOX_PIPE_BUF to
 *            MBOX_STREAM_MAX.
 * @msgsize: The largest message in bytes, up to MBOX_MSGSIZE_MAX.
 * @bytes: Bytes that the mailbox holds, at least @msgsize; 0 for no limit.
 * @oflag: O_RDONLY, O_WRONLY, O_RDWR or 3; O_EXCL to refuse a name in use;
 *         O_NONBLOCK and O_CLOEXEC. Without O_EXCL an existing mailbox of that
 *         name, or with MBOX_OWN of that process, is opened as by
 *         MBOX_IOC_OPEN, and keeps its attributes.
 * @mode: Permission bits, 0 to 0777, less the umask: read bits allow receiving,
 *        write bits sending. The creator's own descriptor is not checked.
 * @flags: Combination of enum mbox_create_flags
 * @__reserved: Must be 0
 *
 * Create a mailbox, owned by the caller's effective user and group. A named
 * mailbox lives until it is unlinked and no longer open, an anonymous one until
 * its last descriptor is closed.
 *
 * Only the process that a mailbox is the own one of can receive from it,
 * through whichever descriptor: in a child that has inherited one, and wherever
 * one was passed to, receiving and MBOX_IOC_NOTIFY fail with EPERM. The mailbox
 * ends with the process, or when its last descriptor that can receive is
 * closed: then its messages are gone, blocked and later sends fail with ESRCH
 * (without a signal), and poll(2) shows EPOLLERR. The process may then create
 * another. A program that it runs by execve(2) is the same process.
 *
 * A stream is a pipe: it knows read(2) and write(2) of any size, poll(2),
 * splice(2), ioctl(FIONREAD), MBOX_IOC_JOIN, MBOX_IOC_PEEK, and of the ioctls on
 * mailboxes MBOX_IOC_OPEN, MBOX_IOC_SET, MBOX_IOC_LINK and MBOX_IOC_STATUS. A
 * read returns what is there, up to its size, and 0 once nobody can write. A
 * write waits until all of it is written; up to MBOX_PIPE_BUF bytes are written together or not at
 * all. Nonblocking, it writes as much as there is room for, or fails with
 * EAGAIN. With nobody to read, write(2) fails with EPIPE and SIGPIPE. What
 * nobody has read is gone when the last descriptor that can read or write is
 * closed. Those who wait are served in their order. The memory counts against
 * the creator's budget of bytes, from the first write on.
 *
 * A stream that has a name is a FIFO: to open it for one side waits until the
 * other side is open too. With O_NONBLOCK that of a reader succeeds at once,
 * that of a writer fails with ENXIO while there is no reader. O_RDWR and 3 do
 * not wait. See fifo(7).
 *
 * Return: a descriptor; or EINVAL, E2BIG, EFAULT, ENAMETOOLONG, EEXIST,
 * EPROTOTYPE, EACCES, EBUSY, EDQUOT, ENOMEM, EMFILE, ENFILE; of a stream with a
 * name EINTR, ENXIO.
 */
struct mbox_ioc_create {
	__u64 name;
	__u64 capacity;
	__u64 msgsize;
	__u64 bytes;
	__u32 oflag;
	__u32 mode;
	__u32 flags;
	__u32 __reserved;
};

/**
 * struct mbox_ioc_open - ioctl(MBOX_IOC_OPEN)
 * @name: Address of a NUL-terminated name; or 0, with @pid or on an object
 * @oflag: O_RDONLY, O_WRONLY, O_RDWR or 3, checked against owner, group and
 *         mode (CAP_DAC_OVERRIDE over the network namespace passes);
 *         O_NONBLOCK and O_CLOEXEC. A segment cannot be opened O_WRONLY
 *         (EINVAL).
 * @kind: The enum mbox_kind that the name must be of; MBOX_MAILBOX with @pid;
 *        0 on an object
 * @pid: A process, as the caller's pid namespace sees it: open the mailbox that
 *       it made with MBOX_OWN in the caller's network namespace. Otherwise 0.
 * @__reserved: Must be 0
 *
 * A descriptor that was opened by @pid stands for that process, and never for a
 * later one with the same number. Nobody but the process itself can open its
 * mailbox for receiving (EPERM).
 *
 * On a descriptor of an object, instead of on /dev/mbox, its object is opened
 * once more, with some or all of the rights of that descriptor (otherwise
 * EBADF): so the two ends of a pipe come from one stream without a name.
 *
 * Return: a descriptor; or EINVAL, E2BIG, EFAULT, EBADF, ENAMETOOLONG, ENOENT
 * (there is the process, but without a mailbox), ESRCH, EPROTOTYPE, EACCES,
 * EPERM, EBUSY, ENOMEM, EMFILE, ENFILE; by the name of a stream EINTR, ENXIO.
 */
struct mbox_ioc_open {
	__u64 name;
	__u32 oflag;
	__u32 kind;
	__s32 pid;
	__u32 __reserved;
};

/**
 * struct mbox_ioc_unlink - ioctl(MBOX_IOC_UNLINK) on /dev/mbox
 * @name: Address of a NUL-terminated name
 *
 * Remove a name. Whoever holds the object open goes on with it, and blocked
 * callers stay blocked. The owner may do it, and whoever has CAP_FOWNER over
 * the network namespace.
 *
 * Return: 0; or EFAULT, EINVAL, ENAMETOOLONG, ENOENT, EPERM.
 */
struct mbox_ioc_unlink {
	__u64 name;
};

/**
 * enum mbox_segment_flags - flags of mbox_ioc_segment
 * @MBOX_HUGEPAGE: ask for transparent huge pages, as madvise(MADV_HUGEPAGE)
 *                 would in each mapping. The kernel gives them where
 *                 /sys/kernel/mm/transparent_hugepage/shmem_enabled allows it.
 */
enum mbox_segment_flags {
	MBOX_HUGEPAGE = 1 << 0,
};

/**
 * struct mbox_ioc_segment - ioctl(MBOX_IOC_SEGMENT) on /dev/mbox
 * @name: Address of a NUL-terminated name, or 0 for an anonymous segment
 * @length: Bytes, or 0 for none yet; mappings cover it in whole pages
 * @oflag: O_RDONLY, O_RDWR or 3; O_EXCL, O_NONBLOCK and O_CLOEXEC as in
 *         mbox_ioc_create
 * @mode: Permission bits, 0 to 0777, less the umask
 * @flags: Combination of enum mbox_segment_flags
 * @__reserved: Must be 0
 *
 * Create a segment of zeroed memory, to be mapped with mmap(2) and MAP_SHARED.
 * A descriptor that was opened O_RDONLY never gives a mapping that can be
 * written, not by mprotect(2) either. The length counts against the creator's
 * budget of bytes, rounded up to pages.
 *
 * Return: a descriptor; or EINVAL, EFAULT, ENAMETOOLONG, EEXIST, EPROTOTYPE,
 * EACCES, EDQUOT, ENOMEM, EMFILE, ENFILE.
 */
struct mbox_ioc_segment {
	__u64 name;
	__u64 length;
	__u32 oflag;
	__u32 mode;
	__u32 flags;
	__u32 __reserved;
};

/**
 * enum mbox_msg_flags - flags of mbox_ioc_msg and mbox_ioc_batch
 * @MBOX_NONBLOCK: fail with EAGAIN instead of blocking, as O_NONBLOCK does for
 *                 the whole descriptor
 * @MBOX_REALTIME: the deadline is on CLOCK_REALTIME instead of CLOCK_MONOTONIC,
 *                 and follows when that clock is set
 * @MBOX_IOV: @buf is the address of @len struct mbox_iovec
 * @MBOX_SYNC: send: return only once a receiver has the message
 * @MBOX_PEEK: receive: copy the message at @index and leave it in the mailbox;
 *             never blocks
 * @MBOX_LEASE: receive: the message stays the mailbox's until MBOX_IOC_ACK
 * @MBOX_FROM: receive, from the caller's own mailbox: only a message of the
 *             process @pid. Those of others stay queued in their order. Not
 *             with MBOX_PEEK.
 * @MBOX_CALL: out, on receive: the sender waits for a reply, by MBOX_IOC_REPLY
 * @MBOX_ACK: receive: first be done with the leased message @delivery, as by
 *            MBOX_IOC_ACK; with a @delivery of 0 there is none. Not with
 *            MBOX_PEEK.
 * @MBOX_TAG: receive, from a mailbox with MBOX_TAGGED: only a message whose tag
 *            is @tag. Others stay queued in their order. This and the next two
 *            go neither with one another nor with MBOX_PEEK or MBOX_FROM.
 * @MBOX_TAG_MOST: the same for a message whose tag is at most @tag, that with
 *                 the lowest tag first
 * @MBOX_TAG_EXCEPT: the same for a message whose tag is not @tag
 * @MBOX_NORESTART: fail with EINTR after a signal handler with SA_RESTART too, as
 *                  the calls of System V do
 * @MBOX_ONCE: send, not with MBOX_BROADCAST: @sequence is the sender's own number
 *             of the message, and above that of the last message that the
 *             mailbox got with this flag, whoever sent that. Otherwise the send
 *             fails with EEXIST.
 * @MBOX_BELL: receive, from a mailbox with MBOX_RINGS, and not with MBOX_PEEK:
 *             where there is no message and the bell was rung by MBOX_IOC_RING,
 *             or is while the receive waits, answer it: fail with ENOMSG. Then
 *             the bell is still. Other receives leave it alone.
 * @MBOX_LOAN: send, not with MBOX_BROADCAST: the data are a struct mbox_loan, and
 *             the message is the buffer that this says. Receive, with MBOX_LEASE:
 *             of such a message write a struct mbox_loan instead of copying it;
 *             there is room for one. Out, on receive: that was done.
 */
enum mbox_msg_flags {
	MBOX_NONBLOCK = 1 << 0,
	MBOX_REALTIME = 1 << 1,
	MBOX_IOV = 1 << 2,
	MBOX_SYNC = 1 << 3,
	MBOX_PEEK = 1 << 4,
	MBOX_LEASE = 1 << 5,
	MBOX_FROM = 1 << 6,
	MBOX_CALL = 1 << 7,
	MBOX_ACK = 1 << 8,
	MBOX_TAG = 1 << 9,
	MBOX_TAG_MOST = 1 << 10,
	MBOX_TAG_EXCEPT = 1 << 11,
	MBOX_NORESTART = 1 << 12,
	MBOX_ONCE = 1 << 13,
	MBOX_BELL = 1 << 14,
	MBOX_LOAN = 1 << 15,
};

/**
 * struct mbox_iovec - one buffer of a scatter/gather list
 * @base: Address
 * @len: Bytes; those of a list add up to no more than readv(2) allows
 *
 * A struct iovec with one layout for 32-bit and 64-bit callers.
 */
struct mbox_iovec {
	__u64 base;
	__u64 len;
};

/**
 * enum mbox_fd_flags - flags of mbox_fd
 * @MBOX_FD_SENDONLY: send: the descriptor stands for a mailbox and has the right
 *                    to send; the receiver gets one that can send only
 */
enum mbox_fd_flags {
	MBOX_FD_SENDONLY = 1 << 0,
};

/**
 * struct mbox_fd - one descriptor in a message
 * @fd: Send: an open descriptor of the sender. Out, on receive: the receiver's
 * @flags: Send: combination of enum mbox_fd_flags. Out, on receive: 0
 */
struct mbox_fd {
	__s32 fd;
	__u32 flags;
};

/**
 * struct mbox_loan - a buffer in a message
 * @segment: Send: a descriptor of a pool, opened O_RDWR. Out, on receive: the id
 *           of the segment, as in mbox_ioc_segment_status
 * @offset: Where the buffer begins in the segment
 * @length: The bytes of the message, at most those of the buffer
 *
 * A message with MBOX_LOAN has the bytes of a buffer of a pool, see
 * MBOX_IOC_POOL, and nothing is copied when it is sent. The buffer is lent until
 * the message is gone: received and not leased, acknowledged, or gone with its
 * mailbox; and as long as a snapshot has it. Meanwhile the pool lives, whoever
 * closes it, and the buffer is in no other message (EBUSY). The bytes count in
 * the mailbox as those of other messages do. What counts against the sender's
 * budget is the message without them: the segment's creator pays for those.
 *
 * A receiver that asks for it, with MBOX_LOAN and MBOX_LEASE, is told where the
 * bytes are, and reads them in the segment: MBOX_IOC_LOAN makes a descriptor of
 * it. It returns the buffer by its acknowledgment. When its lease ends otherwise
 * the message goes to another receiver, and the buffer, once that is done with
 * it, to its owner: a mapping stays, but what is read there can then be anything.
 * For who receives in any other way the bytes are copied, at that moment.
 *
 * The sender can still write to a buffer that it has lent. So a receiver that
 * does not trust it copies what it checks before it does so. A receiver can read
 * all of the segment that a loan is in, and keep it as long as it likes: a sender
 * has a pool for each circle of receivers that may know of each other.
 */
struct mbox_loan {
	__u64 segment;
	__u64 offset;
	__u64 length;
};

/**
 * struct mbox_ioc_msg - ioctl(MBOX_IOC_SEND) and ioctl(MBOX_IOC_RECV)
 * @buf: Address of the data, or of the mbox_iovec array with MBOX_IOV; may be
 *       0 when there are no bytes
 * @len: In: the bytes at @buf, or the entries of the array (at most
 *       MBOX_IOV_MAX). Out, on receive: the bytes of the message, on EMSGSIZE
 *       too.
 * @deadline: Absolute time in nanoseconds on CLOCK_MONOTONIC, or on
 *            CLOCK_REALTIME with MBOX_REALTIME, up to 2^63 - 1; 0 waits for
 *            ever. A call that need not wait succeeds whatever the deadline.
 * @tag: Send: any value. In, with MBOX_TAG, MBOX_TAG_MOST and MBOX_TAG_EXCEPT:
 *       what the sender's value is compared with. Out, on receive: the sender's
 *       value.
 * @flags: In: combination of enum mbox_msg_flags; MBOX_SYNC and MBOX_ONCE only
 *         when sending, MBOX_PEEK, which excludes the rest, MBOX_LEASE, MBOX_ACK,
 *         MBOX_BELL and one of MBOX_FROM, MBOX_TAG, MBOX_TAG_MOST and
 *         MBOX_TAG_EXCEPT only when receiving. Out, on receive: MBOX_CALL,
 *         MBOX_LOAN, both or 0.
 * @prio: Send: 0 to MBOX_PRIO_MAX. Out, on receive: the same.
 * @index: With MBOX_PEEK: which message in the order of delivery, from 0, at
 *         most MBOX_PEEK_MAX. Otherwise must be 0.
 * @pid: In, with MBOX_FROM: the process, as the receiver's pid namespace sees
 *       it. If none has that number, one that had it and left messages. Out, on
 *       receive: the sending process, likewise; 0 when it cannot be seen.
 * @uid: Out, on receive: the sender's effective user, as the receiver's user
 *       namespace sees it; the overflow uid when it cannot
 * @gid: Out, on receive: the same for the effective group
 * @missed: Out, on receive: from a mailbox with MBOX_LOSSY, how many messages
 *          were dropped that this receiver should have got before this one, and
 *          was not told of by an earlier receive; otherwise 0. read(2) tells
 *          nothing, and so leaves the number to the next receive.
 * @fds: Address of an array of struct mbox_fd; may be 0 when there are none
 * @nr_fds: In: the entries of @fds, up to MBOX_FDS_MAX: descriptors to send, or
 *          room for those of the message. Out, on receive: the descriptors of
 *          the message, with MBOX_PEEK and on ENOBUFS and EMSGSIZE too.
 * @deliveries: Out, on receive: how often the message was leased and came back
 * @delivery: Out, on receive: the number to answer a call or to acknowledge a
 *            leased message by, 0 for any other. In a reply: whose. In, with
 *            MBOX_ACK: which; out, when the receive then failed: 0, so that the
 *            call can be made again as it is.
 * @lease: With MBOX_LEASE: nanoseconds, from the delivery on, after which the
 *         message goes back, up to 2^63 - 1; 0 for no such time. Otherwise must
 *         be 0. Out, on receive: the same.
 * @sequence: Send: with MBOX_ONCE at least 1, otherwise must be 0. Out, on
 *            receive: the number of the message in its mailbox in the order of
 *            arrival, from 1 and the same at each delivery. What was not sent in
 *            the end leaves a gap, and so with MBOX_LOSSY does what was dropped.
 *            A message that goes to the dead letters gets a number there, and
 *            one in a snapshot keeps that of its mailbox. Of a reply: 0.
 *
 * Send one message, or receive one. Messages arrive whole or not at all,
 * higher priorities first, and in the order of sending within a priority.
 *
 * MBOX_IOC_SEND ignores @pid, @uid, @gid, @missed and @deliveries, and takes no
 * other @delivery and @lease than 0. On the way in MBOX_IOC_RECV ignores these
 * but @lease, @pid with MBOX_FROM and @delivery with MBOX_ACK, and also @prio and
 * but for the flags that name it @tag, and @sequence.
 *
 * A send returns when the mailbox has the message, on a mailbox of capacity 0
 * and with MBOX_SYNC when a receiver has it. A send that fails is withdrawn and
 * no receiver gets it. Waiting senders are served by the priority of their
 * message, then first come, first served; waiting receivers first come, first
 * served.
 *
 * A message carries descriptors, all of them or none, to a mailbox created with
 * MBOX_HANDLES (EOPNOTSUPP otherwise). It holds what they stand for as dup(2)
 * would, whatever the sender closes, until it is received or gone; they count
 * against the budget of whom the sending descriptor belongs to (EDQUOT). The
 * receiver's are new and close-on-exec. They are made after everything else; if
 * that fails (EMFILE), or the sender withdraws just then, those that were made
 * are closed again, which ends the process's record locks on these files as
 * every close(2) does. A message with more descriptors than @nr_fds stays where
 * it is (ENOBUFS), so read(2) receives none that has any; MBOX_PEEK looks at it
 * and makes no descriptors.
 *
 * Any descriptor can be in a message (EBADF if it is not open, or was opened
 * with O_PATH) but for UNIX sockets and io_uring instances (EOPNOTSUPP): these
 * hold descriptors themselves, and what they and a mailbox held of one another
 * could never be freed. Mailboxes can, also to themselves and in circles: when
 * nothing but messages in such mailboxes holds a mailbox, the kernel throws
 * these messages away a little later. MBOX_FD_SENDONLY is refused where the
 * descriptor is not of a mailbox (EINVAL) or cannot send (EBADF); the new
 * descriptor belongs to the sender, whose budget pays for what is sent by it.
 *
 * A receiver that fails, or is killed, while it copies a message gives it back
 * to where it was. Receivers that came meanwhile can have got later ones.
 *
 * With MBOX_ONCE a sender that does not know whether its last message was sent,
 * as after it was killed and started again, sends it again with the number that
 * it had: the mailbox gets it once. A send that fails has taken no number and can
 * be made again. When several block with one number, one of them is sent and the
 * others fail when it is their turn.
 *
 * A nonblocking send to a mailbox of capacity 0, and one with MBOX_SYNC,
 * succeeds only if a receiver is waiting that can take the message at once.
 *
 * A leased message is out of other receivers' reach until it is acknowledged.
 * It goes back to the front of its priority when the lease is over, when the
 * process that received it has no descriptor left of the open file that it
 * received it through, and so when it exits; and no later than with that file.
 *
 * A mailbox with MBOX_BROADCAST knows no @prio but 0, no calls, no MBOX_SYNC,
 * MBOX_ONCE and MBOX_LOAN, no MBOX_PEEK, no MBOX_LEASE, MBOX_ACK and MBOX_FROM, no
 * MBOX_IOC_NOTIFY and no MBOX_IOC_SNAPSHOT (EOPNOTSUPP). Of those who share a receiver one
 * receives at a time, and the others wait for it; one that fails leaves the
 * message to the next.
 *
 * A receive with MBOX_FROM fails with ESRCH at once, also while it is blocked,
 * when the process is gone and has left no message.
 *
 * Return: 0; or EINVAL, E2BIG, EFAULT, EBADF, EAGAIN, ETIMEDOUT, EINTR,
 * EMSGSIZE, EPIPE, ESRCH, EIDRM, EOPNOTSUPP; on send EDQUOT, ENOMEM, ENFILE; with
 * MBOX_ONCE EEXIST; with MBOX_LOAN ENOTTY (@segment is no pool), EBUSY; on
 * receive EPERM, ENOBUFS, EMFILE, ENOMEM; with MBOX_PEEK ENOMSG, and with
 * MBOX_BELL; with MBOX_ACK ESTALE, and then nothing was received.
 */
struct mbox_ioc_msg {
	__u64 buf;
	__u64 len;
	__u64 deadline;
	__u64 tag;
	__u32 flags;
	__u32 prio;
	__u32 index;
	__s32 pid;
	__u32 uid;
	__u32 gid;
	__u64 missed;
	__u64 fds;
	__u32 nr_fds;
	__u32 deliveries;
	__u64 delivery;
	__u64 lease;
	__u64 sequence;
};

/**
 * struct mbox_ioc_exchange - ioctl(MBOX_IOC_CALL) and ioctl(MBOX_IOC_REPLY)
 * @send: Call: address of the request, a struct mbox_ioc_msg. Reply: address of
 *        the reply, or 0 to receive only. Out, on reply: 0 when the reply was
 *        given and the receive then failed, so that the call can be made again
 *        as it is.
 * @recv: Call: address of the struct mbox_ioc_msg that gets the reply. Reply:
 *        the same for the next message, or 0 to reply only.
 * @msg_size: sizeof(struct mbox_ioc_msg), as in mbox_ioc_batch
 * @__reserved: Must be 0
 *
 * MBOX_IOC_CALL sends a request and waits for its reply, which comes to the
 * caller whatever else is in the mailbox. The request can have MBOX_IOV and
 * MBOX_REALTIME, and its @deadline is for the whole call; the reply's buffer
 * can have MBOX_IOV, and its @deadline must be 0. O_NONBLOCK is ignored. A call
 * that is interrupted or out of time after its request was received fails, and
 * is not restarted; the receiver may act on the request all the same.
 *
 * MBOX_IOC_REPLY answers the request whose number is in the reply's @delivery,
 * once, for any thread or process that has a descriptor of the open file that
 * the request was received through, and then receives as MBOX_IOC_RECV does.
 * The reply can have MBOX_IOV, and descriptors; its @prio and @deadline must be
 * 0. It can be as long as a message to the mailbox. One that the caller has no
 * room for is not given (EMSGSIZE, ENOBUFS), and the call goes on. A reply to a
 * leased request acknowledges it too.
 *
 * A call fails with ECONNRESET when what a lease would end at ends it: when the
 * process that received the request has no descriptor left of that file. It
 * does also when the request was received by read(2) or by a program that knows
 * only the first form of struct mbox_ioc_msg, which cannot reply, and when it is
 * acknowledged instead.
 *
 * Return: 0; or EINVAL, E2BIG, EFAULT, EBADF, ETIMEDOUT, EINTR, EMSGSIZE,
 * EDQUOT, ENOMEM, ENFILE, EOPNOTSUPP; on call EPIPE, ESRCH, EIDRM, ECONNRESET,
 * EDEADLK, EMFILE; on reply ESTALE, ENOBUFS, and what MBOX_IOC_RECV returns.
 */
struct mbox_ioc_exchange {
	__u64 send;
	__u64 recv;
	__u32 msg_size;
	__u32 __reserved;
};

/**
 * enum mbox_ack_flags - flags of mbox_ioc_ack
 * @MBOX_RETURN: give the message back, as at the end of its lease
 */
enum mbox_ack_flags {
	MBOX_RETURN = 1 << 0,
};

/**
 * struct mbox_ioc_ack - ioctl(MBOX_IOC_ACK) on a mailbox
 * @delivery: The number that the message was received with
 * @flags: Combination of enum mbox_ack_flags
 * @__reserved: Must be 0
 *
 * Be done with a message that was leased: it is gone, or with MBOX_RETURN the
 * next receiver's. Any thread or process may that has a descriptor of the open
 * file that it was received through.
 *
 * Return: 0; or EINVAL, E2BIG, EFAULT, EBADF, EPERM, ESTALE.
 */
struct mbox_ioc_ack {
	__u64 delivery;
	__u32 flags;
	__u32 __reserved;
};

/**
 * struct mbox_ioc_loan - ioctl(MBOX_IOC_LOAN) on a mailbox
 * @delivery: The number that the message was received with, in place or by its
 *            copy
 * @oflag: O_RDONLY; O_NONBLOCK and O_CLOEXEC
 * @__reserved: Must be 0
 *
 * Make a descriptor of the segment that a leased message is a buffer of, for
 * mmap(2). Its mappings can never be written. It is worth keeping, as the
 * segment's id tells at the next loan. Any thread or process may do this that
 * may acknowledge the message.
 *
 * Return: a descriptor; or EINVAL (also when the message is no loan), E2BIG,
 * EFAULT, EBADF, EPERM, ESTALE, ENOMEM, EMFILE, ENFILE.
 */
struct mbox_ioc_loan {
	__u64 delivery;
	__u32 oflag;
	__u32 __reserved;
};

/**
 * struct mbox_ioc_batch - ioctl(MBOX_IOC_SEND_BATCH), ioctl(MBOX_IOC_RECV_BATCH)
 * @msgs: Address of an array of struct mbox_ioc_msg
 * @deadline: As in mbox_ioc_msg, for the whole batch
 * @nr: Messages in the array, 1 to MBOX_BATCH_MAX
 * @msg_size: sizeof(struct mbox_ioc_msg): the array's entries follow the growth
 *            rule too
 * @flags: MBOX_NONBLOCK, MBOX_REALTIME and MBOX_NORESTART, for the whole batch
 * @__reserved: Must be 0
 *
 * Send the messages of an array in their order, or receive several into it. In
 * the entries @deadline must be 0 and @flags can have MBOX_IOV and
 * MBOX_LOAN only, on send MBOX_SYNC and MBOX_ONCE also, on receive MBOX_LEASE. A
 * send blocks until all are sent; a receive blocks for the first message only and
 * takes what else is there.
 *
 * Return: how many messages were sent or received, if any was; then the entries
 * from there on are as they were, but for @len and @nr_fds of one that there was
 * too little room for.
 * Otherwise the error of the first.
 */
struct mbox_ioc_batch {
	__u64 msgs;
	__u64 deadline;
	__u32 nr;
	__u32 msg_size;
	__u32 flags;
	__u32 __reserved;
};

/**
 * struct mbox_ioc_status - ioctl(MBOX_IOC_STATUS) on a mailbox
 * @id: A number that no other object of this boot has
 * @capacity: As created or set since
 * @msgsize: As created
 * @bytes: As created or set since
 * @queued: Messages in the mailbox; with MBOX_BROADCAST those that not all
 *          receivers have
 * @queued_bytes: Their bytes
 * @sent: Messages that the mailbox or a receiver got since creation
 * @sent_bytes: Their bytes
 * @received: Messages that receivers took since creation; with MBOX_BROADCAST
 *            each of them counts
 * @received_bytes: Their bytes
 * @send_wait_ns: How long the longest-waiting sender has waited, or 0
 * @recv_wait_ns: How long the longest-waiting receiver has waited, or 0
 * @waiting_senders: Callers blocked in a send
 * @waiting_receivers: Callers blocked in a receive
 * @send_wait_pid: The process that @send_wait_ns is of, as the caller's pid
 *                 namespace sees it, or 0
 * @recv_wait_pid: The process that @recv_wait_ns is of, likewise
 * @senders: Open descriptors that can send
 * @receivers: Open descriptors that can receive
 * @mode: Permission bits
 * @uid: Owner, as the caller's user namespace sees it
 * @gid: Group, likewise
 * @flags: As created
 * @dropped: Messages that a mailbox with MBOX_LOSSY dropped before all its
 *           receivers had them; bytes of a stream that nobody was left to read
 * @waiting_callers: Callers that wait for a reply
 * @held: Messages that were received, and are leased or wait for their reply
 * @max_deliveries: As set, or 0
 * @__reserved: 0
 * @send_pid: With MBOX_TAGGED, without which this and what follows up to @change_time are 0:
 *            the process that sent last, as the caller's pid namespace sees it,
 *            or 0
 * @recv_pid: The process that received last, likewise
 * @send_time: When it was sent, in nanoseconds on CLOCK_REALTIME, or 0
 * @recv_time: When it was received, likewise
 * @change_time: When the mailbox was created or MBOX_IOC_SET changed it last
 * @written: On a connection bytes that the stream which is written got since its
 *           creation, from a moment later; otherwise 0
 * @sequence: That of the last message that was sent with MBOX_ONCE, or 0
 *
 * All fields are written, from one moment. Works on any descriptor of the
 * mailbox.
 *
 * Return: 0; or EINVAL, E2BIG, EFAULT.
 */
struct mbox_ioc_status {
	__u64 id;
	__u64 capacity;
	__u64 msgsize;
	__u64 bytes;
	__u64 queued;
	__u64 queued_bytes;
	__u64 sent;
	__u64 sent_bytes;
	__u64 received;
	__u64 received_bytes;
	__u64 send_wait_ns;
	__u64 recv_wait_ns;
	__u32 waiting_senders;
	__u32 waiting_receivers;
	__s32 send_wait_pid;
	__s32 recv_wait_pid;
	__u32 senders;
	__u32 receivers;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 flags;
	__u64 dropped;
	__u32 waiting_callers;
	__u32 held;
	__u32 max_deliveries;
	__u32 __reserved;
	__s32 send_pid;
	__s32 recv_pid;
	__u64 send_time;
	__u64 recv_time;
	__u64 change_time;
	__u64 written;
	__u64 sequence;
};

/**
 * enum mbox_seals - what can no longer be done to a segment
 * @MBOX_SEAL_SEAL: add more seals
 * @MBOX_SEAL_SHRINK: make it shorter
 * @MBOX_SEAL_GROW: make it longer
 * @MBOX_SEAL_WRITE: map it writable
 */
enum mbox_seals {
	MBOX_SEAL_SEAL = 1 << 0,
	MBOX_SEAL_SHRINK = 1 << 1,
	MBOX_SEAL_GROW = 1 << 2,
	MBOX_SEAL_WRITE = 1 << 3,
};

/**
 * struct mbox_ioc_segment_status - ioctl(MBOX_IOC_SEGMENT_STATUS) on a segment
 * @id: A number that no other object of this boot has
 * @length: Bytes
 * @resident: Bytes that have memory behind them
 * @attached: Mappings of it, over all processes
 * @writable: Those of them that can write
 * @seals: Combination of enum mbox_seals
 * @mode: Permission bits
 * @uid: Owner, as the caller's user namespace sees it
 * @gid: Group, likewise
 * @flags: As created
 * @__reserved: 0
 * @buffer_size: Of a pool: bytes of each buffer, otherwise 0 as the next two
 * @buffers: How many there are
 * @lent: How many of them are in messages
 *
 * All fields are written. Works on any descriptor of the segment.
 *
 * Return: 0; or EINVAL, E2BIG, EFAULT.
 */
struct mbox_ioc_segment_status {
	__u64 id;
	__u64 length;
	__u64 resident;
	__u32 attached;
	__u32 writable;
	__u32 seals;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 flags;
	__u32 __reserved;
	__u64 buffer_size;
	__u32 buffers;
	__u32 lent;
};

/**
 * struct mbox_ioc_pool - ioctl(MBOX_IOC_POOL) on a segment
 * @buffer_size: Bytes of each buffer, a multiple of MBOX_POOL_ALIGN
 * @__reserved: Must be 0
 *
 * Divide a segment into buffers that messages can lend, from its beginning on
 * and as many as it has room for, 1 to MBOX_POOL_MAX. That is done once, and
 * takes a descriptor opened O_RDWR and the seals MBOX_SEAL_SHRINK and
 * MBOX_SEAL_GROW. Which of its buffers a process uses for what, and which it is
 * just filling, is its own affair. So from then on poll(2) on such a descriptor
 * shows EPOLLOUT when one has come back since MBOX_IOC_LENT was last called on
 * such a descriptor, or never was.
 *
 * Return: 0; or EINVAL, E2BIG, EFAULT, EBADF, EEXIST (it is a pool), ENOMEM.
 */
struct mbox_ioc_pool {
	__u64 buffer_size;
	__u64 __reserved;
};

/**
 * struct mbox_ioc_lent - ioctl(MBOX_IOC_LENT) on a segment that is a pool
 * @map: Address of an array of __u64
 * @nr: Its entries; more than there are buffers for stay as they are
 * @__reserved: Must be 0
 *
 * Tell which buffers are lent: of buffer n bit n % 64 of entry n / 64 is set, the
 * lowest bit being 0. What is lent and comes back meanwhile can be told either
 * way.
 *
 * Return: 0; or EINVAL, E2BIG, EFAULT, ENOTTY (it is no pool).
 */
struct mbox_ioc_lent {
	__u64 map;
	__u32 nr;
	__u32 __reserved;
};

/**
 * enum mbox_set_fields - which fields of mbox_ioc_set to apply
 * @MBOX_SET_MODE: @mode, as fchmod(2): for the owner and CAP_FOWNER
 * @MBOX_SET_UID: @uid, as fchown(2): for CAP_CHOWN
 * @MBOX_SET_GID: @gid, as fchown(2): for the owner, to a group of its own, and
 *                CAP_CHOWN
 * @MBOX_SET_CAPACITY: @capacity, of a mailbox: for the owner and CAP_FOWNER
 * @MBOX_SET_LENGTH: @length, of a segment, as ftruncate(2): for a descriptor
 *                   opened O_RDWR
 * @MBOX_SET_SEALS: add @seals to a segment: for a descriptor opened O_RDWR
 * @MBOX_SET_DEAD_LETTER: @dead_letter and @max_deliveries, of a mailbox: for
 *                        the owner and CAP_FOWNER
 * @MBOX_SET_BYTES: @bytes, of a mailbox: for the owner and CAP_FOWNER
 */
enum mbox_set_fields {
	MBOX_SET_MODE = 1 << 0,
	MBOX_SET_UID = 1 << 1,
	MBOX_SET_GID = 1 << 2,
	MBOX_SET_CAPACITY = 1 << 3,
	MBOX_SET_LENGTH = 1 << 4,
	MBOX_SET_SEALS = 1 << 5,
	MBOX_SET_DEAD_LETTER = 1 << 6,
	MBOX_SET_BYTES = 1 << 7,
};

/**
 * struct mbox_ioc_set - ioctl(MBOX_IOC_SET) on a mailbox or a segment
 * @fields: Combination of enum mbox_set_fields, at least one; the fields of the
 *          struct that are not named must be 0
 * @mode: Permission bits, 0 to 0777
 * @uid: Owner, in the caller's user namespace
 * @gid: Group, in the caller's user namespace
 * @capacity: Messages. Shrinking below what is queued loses nothing: senders
 *            wait until it has drained. Growing lets waiting senders in. Of a
 *            mailbox with MBOX_BROADCAST at least 1; with MBOX_LOSSY the next
 *            send drops what is too much. Of a stream bytes, as on creation.
 * @length: Bytes, or 0. What is cut off is gone, and touching it raises SIGBUS;
 *          what is added is zero.
 * @seals: Combination of enum mbox_seals. They stay for the segment's life.
 * @dead_letter: Descriptor of another mailbox that can be sent to and takes
 *               messages as large, and descriptors if the mailbox does. It gets
 *               those that were leased and came back @max_deliveries times, even
 *               if it is full. A call fails then.
 * @max_deliveries: At least 1; or 0, with a @dead_letter of 0, for no limit
 * @__reserved: Must be 0
 * @bytes: Bytes that the mailbox holds, at least its msgsize; 0 for no limit.
 *         Shrinking and growing is as of @capacity.
 *
 * Apply all the named fields, or on an error none.
 *
 * Return: 0; or EINVAL (also for a field of the other kind of object), E2BIG,
 * EFAULT, EPERM, EBADF, EBUSY (MBOX_SEAL_WRITE while a writable mapping
 * exists), EDQUOT, ENOMEM; for a dead-letter mailbox ENOTTY (it is not one),
 * EMSGSIZE (it takes less), ELOOP (it is the mailbox itself), EOPNOTSUPP (it is
 * for broadcast, or without MBOX_HANDLES).
 */
struct mbox_ioc_set {
	__u32 fields;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u64 capacity;
	__u64 length;
	__u32 seals;
	__s32 dead_letter;
	__u32 max_deliveries;
	__u32 __reserved;
	__u64 bytes;
};

/**
 * struct mbox_ioc_link - ioctl(MBOX_IOC_LINK) on a mailbox or a segment
 * @name: Address of a NUL-terminated name
 *
 * Give an object that was created without a name one, once. So it can be filled
 * first and appear to others complete. The owner may do it, and whoever has
 * CAP_FOWNER over the network namespace, from within the namespace that the
 * object was created in.
 *
 * Return: 0; or EINVAL (also when it has or had a name, or is a process's own
 * mailbox), EFAULT, ENAMETOOLONG, EEXIST, EPERM, EACCES, EXDEV, EPIPE (nothing
 * can receive from a mailbox with MBOX_TRANSIENT any more), ENOMEM.
 */
struct mbox_ioc_link {
	__u64 name;
};

/**
 * struct mbox_ioc_notify - ioctl(MBOX_IOC_NOTIFY) on a mailbox
 * @value: si_value of the signal; must be 0 when @signo is
 * @signo: Signal number, or 0 to remove the caller's registration
 * @__reserved: Must be 0
 *
 * Ask for one signal to the calling process, with si_code SI_MESGQ, when the
 * next message arrives in the empty mailbox and no receiver is waiting for it,
 * as mq_notify(3) does. One process at a time can be registered; its
 * registration ends with the signal, when it closes a descriptor of the
 * mailbox, and when it runs another program. The signal goes to a thread that
 * does not block it, if there is one, otherwise to the main thread. A mailbox
 * with MBOX_BROADCAST has many to tell, and so tells nobody: poll(2) does.
 *
 * Return: 0; or EINVAL, E2BIG, EFAULT, EBADF, EPERM, EBUSY, ENOMEM, EOPNOTSUPP.
 */
struct mbox_ioc_notify {
	__u64 value;
	__u32 signo;
	__u32 __reserved;
};

/**
 * struct mbox_ioc_snapshot - ioctl(MBOX_IOC_SNAPSHOT) on a mailbox
 * @oflag: O_RDONLY; O_NONBLOCK and O_CLOEXEC
 * @flags: Must be 0
 *
 * Make a mailbox that holds the messages that this one holds at one moment,
 * whatever senders and receivers do meanwhile: in the same order, with the same
 * priority, tag, sender and data. Not among them are those that a receiver has
 * just taken, and those of senders that wait for room.
 *
 * The new mailbox is anonymous and belongs to the caller, with mode 0600 less
 * the umask. It has the capacity, @msgsize and @bytes of the other, and is a
 * mailbox with MBOX_HANGUP whose senders have gone: past its last message a
 * receive fails with EPIPE.
 *
 * Works on a descriptor that can receive, and on one of access mode 3 if owner,
 * group and mode let the caller receive. The messages count against the
 * caller's budget of bytes as if it had sent them, although the kernel keeps
 * their data once.
 *
 * Return: a descriptor that can receive; or EINVAL, E2BIG, EFAULT, EBADF,
 * EACCES, EPERM, EDQUOT, ENOMEM, EMFILE, ENFILE, EOPNOTSUPP (with
 * MBOX_BROADCAST).
 */
struct mbox_ioc_snapshot {
	__u32 oflag;
	__u32 flags;
};

/**
 * struct mbox_ioc_end - ioctl(MBOX_IOC_END) on a mailbox
 * @flags: Must be 0
 * @__reserved: Must be 0
 *
 * End a mailbox for all who have it open: its name and its messages are gone,
 * and whoever waits there, and every later send, receive and call, fails with
 * EIDRM. poll(2) shows EPOLLHUP and EPOLLERR. What was received before can
 * still be acknowledged and answered. The owner may do it, and whoever has
 * CAP_FOWNER over the network namespace, on any descriptor of the mailbox.
 *
 * Return: 0; or EINVAL, E2BIG, EFAULT, EPERM, EOPNOTSUPP (with MBOX_BROADCAST
 * or MBOX_OWN).
 */
struct mbox_ioc_end {
	__u32 flags;
	__u32 __reserved;
};

/**
 * struct mbox_ioc_ring - ioctl(MBOX_IOC_RING) on a mailbox with MBOX_RINGS
 * @flags: Must be 0
 * @__reserved: Must be 0
 *
 * Ring the bell of the mailbox: a receiver that waits with MBOX_BELL comes back,
 * or otherwise the next one does at once, and until then poll(2) shows EPOLLIN.
 * Senders do so when they have put a message into a ring whose receiver sleeps,
 * the receiver when it knows of more than it takes. The bell is also rung when a
 * descriptor that can send is closed. Works on one that can send or receive.
 *
 * Return: 0; or EINVAL, E2BIG, EFAULT, EBADF, EPIPE, ESRCH, EIDRM, EOPNOTSUPP.
 */
struct mbox_ioc_ring {
	__u32 flags;
	__u32 __reserved;
};

/**
 * struct mbox_ioc_join - ioctl(MBOX_IOC_JOIN) on a stream
 * @out: Descriptor of a stream, with the right to write
 * @oflag: O_RDWR; O_NONBLOCK and O_CLOEXEC
 *
 * Make a descriptor for both directions: read(2) on it reads the stream that
 * the ioctl is for, which takes the right to read that, and write(2) writes to
 * @out. Two streams that are joined the one way and the other are a connection,
 * as that of socketpair(2): poll(2) shows EPOLLRDHUP when the other end writes
 * no more, EPOLLHUP when it also reads no more. If that has left bytes unread,
 * read(2) fails with ECONNRESET, once, before it returns 0. Of the ioctls it
 * knows MBOX_IOC_SHUTDOWN and MBOX_IOC_PEEK, and MBOX_IOC_STATUS and FIONREAD for
 * the stream that is read.
 *
 * Return: a descriptor; or EINVAL, E2BIG, EFAULT, EBADF, ENOTTY (@out is none of
 * a stream), ENOMEM, EMFILE, ENFILE.
 */
struct mbox_ioc_join {
	__s32 out;
	__u32 oflag;
};

/**
 * enum mbox_shut - directions of mbox_ioc_shutdown
 * @MBOX_SHUT_READ: read(2) returns 0 from now on, and who writes at the other
 *                  end gets EPIPE
 * @MBOX_SHUT_WRITE: write(2) fails with EPIPE from now on, and who reads at the
 *                   other end comes to the end of what was written
 */
enum mbox_shut {
	MBOX_SHUT_READ = 1 << 0,
	MBOX_SHUT_WRITE = 1 << 1,
};

/**
 * struct mbox_ioc_shutdown - ioctl(MBOX_IOC_SHUTDOWN) on a connection
 * @how: Combination of enum mbox_shut, at least one
 * @__reserved: Must be 0
 *
 * End a direction, as shutdown(2), for all who share the open file.
 *
 * Return: 0; or EINVAL, E2BIG, EFAULT.
 */
struct mbox_ioc_shutdown {
	__u32 how;
	__u32 __reserved;
};

/**
 * struct mbox_ioc_peek - ioctl(MBOX_IOC_PEEK) on a stream or a connection
 * @buf: Address of the room
 * @len: Bytes at @buf
 * @flags: MBOX_NONBLOCK or 0
 * @__reserved: Must be 0
 *
 * Read as read(2) does, and leave what was read to the next one, as recv(2) with
 * MSG_PEEK. Other readers wait until this is done.
 *
 * Return: how many bytes are at @buf, 0 at the end; or EINVAL, E2BIG, EFAULT,
 * EBADF, EAGAIN, EINTR.
 */
struct mbox_ioc_peek {
	__u64 buf;
	__u64 len;
	__u32 flags;
	__u32 __reserved;
};

/**
 * struct mbox_uring - in the @cmd of an IORING_OP_URING_CMD on a mailbox
 * @msg: Address of a struct mbox_ioc_msg
 * @__reserved: Must be 0
 *
 * With MBOX_IOC_SEND or MBOX_IOC_RECV as cmd_op, io_uring does what that ioctl
 * does. The struct, and what it points to, has to stay until the completion.
 * What need not wait is done where it is submitted; for what has to, io_uring
 * has a thread. So those that wait at one mailbox have no order among them,
 * unless they are linked. One that is cancelled has done nothing.
 *
 * Result: that of the ioctl; or EOPNOTSUPP (another cmd_op), EINTR (cancelled,
 * or a signal came to the thread).
 */
struct mbox_uring {
	__u64 msg;
	__u64 __reserved;
};

#define MBOX_IOC_TYPE		0xB9

/* On /dev/mbox */
#define MBOX_IOC_CREATE		_IOW(MBOX_IOC_TYPE, 0x00, struct mbox_ioc_create)
#define MBOX_IOC_OPEN		_IOW(MBOX_IOC_TYPE, 0x01, struct mbox_ioc_open)
#define MBOX_IOC_UNLINK		_IOW(MBOX_IOC_TYPE, 0x02, struct mbox_ioc_unlink)
#define MBOX_IOC_SEGMENT	_IOW(MBOX_IOC_TYPE, 0x03, struct mbox_ioc_segment)

/* On an object: also MBOX_IOC_OPEN */
#define MBOX_IOC_SET		_IOW(MBOX_IOC_TYPE, 0x10, struct mbox_ioc_set)
#define MBOX_IOC_LINK		_IOW(MBOX_IOC_TYPE, 0x11, struct mbox_ioc_link)

/* On a mailbox */
#define MBOX_IOC_SEND		_IOW(MBOX_IOC_TYPE, 0x20, struct mbox_ioc_msg)
#define MBOX_IOC_RECV		_IOWR(MBOX_IOC_TYPE, 0x21, struct mbox_ioc_msg)
#define MBOX_IOC_SEND_BATCH	_IOW(MBOX_IOC_TYPE, 0x22, struct mbox_ioc_batch)
#define MBOX_IOC_RECV_BATCH	_IOW(MBOX_IOC_TYPE, 0x23, struct mbox_ioc_batch)
#define MBOX_IOC_STATUS		_IOWR(MBOX_IOC_TYPE, 0x24, struct mbox_ioc_status)
#define MBOX_IOC_NOTIFY		_IOW(MBOX_IOC_TYPE, 0x25, struct mbox_ioc_notify)
#define MBOX_IOC_CALL		_IOW(MBOX_IOC_TYPE, 0x26, struct mbox_ioc_exchange)
#define MBOX_IOC_REPLY		_IOWR(MBOX_IOC_TYPE, 0x27, struct mbox_ioc_exchange)
#define MBOX_IOC_ACK		_IOW(MBOX_IOC_TYPE, 0x28, struct mbox_ioc_ack)
#define MBOX_IOC_SNAPSHOT	_IOW(MBOX_IOC_TYPE, 0x29, struct mbox_ioc_snapshot)
#define MBOX_IOC_END		_IOW(MBOX_IOC_TYPE, 0x2a, struct mbox_ioc_end)
#define MBOX_IOC_RING		_IOW(MBOX_IOC_TYPE, 0x2b, struct mbox_ioc_ring)
#define MBOX_IOC_LOAN		_IOW(MBOX_IOC_TYPE, 0x2c, struct mbox_ioc_loan)

/* On a stream, and on what comes of it */
#define MBOX_IOC_JOIN		_IOW(MBOX_IOC_TYPE, 0x30, struct mbox_ioc_join)
#define MBOX_IOC_SHUTDOWN	_IOW(MBOX_IOC_TYPE, 0x31, struct mbox_ioc_shutdown)
#define MBOX_IOC_PEEK		_IOW(MBOX_IOC_TYPE, 0x32, struct mbox_ioc_peek)

/* On a segment */
#define MBOX_IOC_SEGMENT_STATUS \
	_IOWR(MBOX_IOC_TYPE, 0x40, struct mbox_ioc_segment_status)
#define MBOX_IOC_POOL		_IOW(MBOX_IOC_TYPE, 0x41, struct mbox_ioc_pool)
#define MBOX_IOC_LENT		_IOW(MBOX_IOC_TYPE, 0x42, struct mbox_ioc_lent)

#endif /* _UAPI_LINUX_MBOX_H */
