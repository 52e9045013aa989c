/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * libmbox: mailboxes.
 *
 * What holds for every call (errors, threads, names, deadlines, signals) is
 * said once, in <mbox/mbox.h>.
 */
#ifndef MBOX_MAILBOX_H
#define MBOX_MAILBOX_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <linux/mbox.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct mbox - handle of an open mailbox
 *
 * Made by mbox_create(), mbox_open() and mbox_from_fd(), freed by mbox_close().
 */
struct mbox;

/* With no other attributes a mailbox holds 64 messages of up to 64 KiB. */
#define MBOX_CAPACITY_DEFAULT	64
#define MBOX_MSGSIZE_DEFAULT	65536

/**
 * struct mbox_attr - what a mailbox is created with
 * @capacity: messages that it holds: 0 for a rendezvous of sender and receiver,
 *            MBOX_UNBOUNDED for no limit but memory and the user's budget
 * @msgsize: the largest message in bytes, 0 to MBOX_MSGSIZE_MAX
 * @bytes: bytes of messages that it holds, at least @msgsize; 0 for no limit
 * @flags: 0 or more of MBOX_HANGUP: tell those on one side that the other side
 *         is gone; MBOX_BROADCAST: every open receiver gets every message that
 *         is sent after it was opened, and senders wait for the slowest;
 *         MBOX_LOSSY, with MBOX_BROADCAST: senders do not wait, and what a
 *         receiver is too slow for it misses, and is told how much;
 *         MBOX_HANDLES, not with MBOX_BROADCAST: messages can carry descriptors;
 *         MBOX_BYTE_STREAM, with no other: a stream, see <mbox/pipe.h>, where
 *         @capacity is bytes, MBOX_PIPE_BUF to MBOX_STREAM_MAX, and @msgsize
 *         and @bytes are 0; MBOX_TRANSIENT: the name goes with the last handle
 *         that can receive, and the creator's must; MBOX_TAGGED, not with
 *         MBOX_BROADCAST: receivers can choose by tag, and @capacity is at most
 *         MBOX_PEEK_MAX; MBOX_RINGS, not with MBOX_BROADCAST and MBOX_TAGGED:
 *         senders can have rings, see <mbox/ring.h>, there is one receiver, and
 *         MBOX_HANGUP and MBOX_HANDLES are included; MBOX_OWN is for mbox_own()
 *         to set
 *
 * With MBOX_BROADCAST @capacity is at least 1 and, as @bytes, is how far the
 * slowest receiver can be behind. Handles made by mbox_open() are receivers of
 * their own; those that share one open file by dup(2) or fork(2) are one
 * receiver, and each message goes to one of them. mbox(7) says more.
 */
struct mbox_attr {
	uint64_t capacity;
	uint64_t msgsize;
	uint64_t bytes;
	unsigned int flags;
};

/**
 * mbox_create() - create a mailbox and open it
 * @mb: where the new handle goes; untouched on an error
 * @name: the name, or NULL for an anonymous mailbox
 * @oflag: O_RDONLY to receive, O_WRONLY to send, O_RDWR for both, and
 *         O_WRONLY | O_RDWR for neither: to look at the mailbox and change it,
 *         without being one of its senders and receivers; with O_EXCL a name
 *         in use is refused, without it an existing mailbox is opened as by
 *         mbox_open() and keeps its attributes; O_NONBLOCK: calls on this
 *         handle do not block; O_CLOEXEC is implied, O_CREAT is not taken
 * @mode: permission bits, 0 to 0777, less the umask: read bits allow
 *        receiving, write bits sending, execute bits mean nothing; a new
 *        mailbox gives its creator what @oflag asks, whatever @mode
 * @attr: attributes, or NULL for MBOX_CAPACITY_DEFAULT messages of up to
 *        MBOX_MSGSIZE_DEFAULT bytes
 *
 * The mailbox belongs to the caller's effective user and group and counts
 * against that user's budget. A named one lives until it is unlinked and no
 * longer open, an anonymous one until its last descriptor is closed. Compare
 * mq_open(3).
 *
 * Return: 0; -EINVAL: a name, flag, mode or attribute out of its range;
 * -ENAMETOOLONG; -EEXIST: with O_EXCL, the name is in use; -EPROTOTYPE: the
 * name is of another kind; -EACCES: the existing mailbox does not allow @oflag;
 * -EBUSY: it has MBOX_RINGS and a receiver already; -EDQUOT: the user has as many mailboxes, or bytes, as the module's
 * parameters allow; -ENODEV, -ENOMEM, -EMFILE, -ENFILE.
 */
int mbox_create(struct mbox **mb, const char *name, int oflag, mode_t mode,
		const struct mbox_attr *attr);

/**
 * mbox_open() - open an existing mailbox by name
 * @mb: where the new handle goes; untouched on an error
 * @name: the name
 * @oflag: O_RDONLY to receive, O_WRONLY to send, O_RDWR for both, and
 *         O_WRONLY | O_RDWR for neither; O_NONBLOCK; O_CLOEXEC is implied
 *
 * Owner, group and mode are checked now, and the rights stay with the handle
 * whatever becomes of them later. Who is allowed anything may ask for neither.
 * Compare open(2).
 *
 * Return: 0; -ENOENT: no object has that name; -EPROTOTYPE: it is a stream's or
 * a segment's; -EACCES: owner, group and mode do not allow @oflag; -EBUSY: the
 * mailbox has MBOX_RINGS and a receiver already; -EINVAL,
 * -ENAMETOOLONG: not a name, or a flag that is not taken; -ENODEV, -ENOMEM,
 * -EMFILE, -ENFILE.
 */
int mbox_open(struct mbox **mb, const char *name, int oflag);

/**
 * mbox_from_fd() - make a handle of a descriptor
 * @mb: where the new handle goes; untouched on an error
 * @fd: descriptor of a mailbox or a stream, inherited or received over a UNIX
 *      socket; the handle owns it on success, the caller keeps it on an error
 *
 * Return: 0; -EBADF: not an open descriptor; -ENOTTY: not of a mailbox;
 * -ENOMEM.
 */
int mbox_from_fd(struct mbox **mb, int fd);

/**
 * mbox_link() - give an anonymous mailbox a name
 * @mb: the mailbox, whatever it is open for
 * @name: the name, which no object has
 *
 * So a mailbox can be filled first and appear to others complete. It can be
 * given a name once, by its owner or a process with CAP_FOWNER, within the
 * network namespace that it was created in. Compare link(2).
 *
 * Return: 0; -EEXIST: the name is in use; -EINVAL: not a name, or the mailbox
 * has or had one or is a process's own; -EPERM: not the owner; -EACCES: the name
 * is that of a port below 1024; -EPIPE: with MBOX_TRANSIENT, nobody can receive
 * from it any more; -EXDEV: the caller is in another network namespace;
 * -ENAMETOOLONG, -ENOMEM.
 */
int mbox_link(struct mbox *mb, const char *name);

/**
 * mbox_snapshot() - make a mailbox with the messages of another
 * @copy: where the new handle goes; untouched on an error
 * @mb: the other, open for receiving; or for neither, if its owner, group and
 *      mode let the caller receive
 * @oflag: O_RDONLY, with or without O_NONBLOCK; O_CLOEXEC is implied
 *
 * The new mailbox is anonymous and holds the messages that the other one holds
 * at one moment, whatever senders and receivers do meanwhile: in the same
 * order, with the same priority, tag, sender and bytes. Those that a receiver
 * has just taken are not among them, nor those of senders that wait for room.
 * Past its last message a receive fails with EPIPE.
 *
 * The messages count against the caller's budget as if it had sent them, though
 * the kernel keeps their bytes once.
 *
 * Return: 0; -EBADF: the handle is open for sending only; -EACCES: it is open
 * for neither, and owner, group and mode do not allow to receive; -EPERM: it is
 * another process's own mailbox; -EOPNOTSUPP: the mailbox is for broadcast;
 * -EDQUOT: the user's budget of bytes or mailboxes is used up; -EINVAL: a flag
 * that is not taken; -ENOMEM, -EMFILE, -ENFILE.
 */
int mbox_snapshot(struct mbox **copy, const struct mbox *mb, int oflag);

/**
 * mbox_fd() - the descriptor of a handle
 * @mb: the mailbox
 *
 * For poll(2) and epoll(7): POLLIN when a receive would not block, POLLOUT when
 * a send would not; with MBOX_HANGUP POLLHUP when all senders are gone and
 * POLLERR when all receivers are. read(2) receives a message and write(2) sends
 * one of priority and tag 0. The handle goes on owning the descriptor: dup(2)
 * it to keep it longer.
 *
 * Return: the descriptor.
 */
int mbox_fd(const struct mbox *mb);

/**
 * mbox_close() - close a handle and its descriptor
 * @mb: the mailbox, or NULL for nothing
 *
 * A registration by mbox_notify() of this process ends. No other call on the
 * handle may be running or follow.
 */
void mbox_close(struct mbox *mb);

/**
 * struct mbox_message - a message to send, or the room to receive one
 * @data: the bytes; a send does not change them
 * @size: receive: the room at @data in bytes. Send: ignored
 * @length: the bytes of the message. Send: given by the caller. Receive: set,
 *          with -EMSGSIZE too, so that the caller can come again with more room
 * @tag: a number that goes with the message, any value, meaning nothing to the
 *       kernel. Send: given. Receive: set, and given with MBOX_TAG,
 *       MBOX_TAG_MOST and MBOX_TAG_EXCEPT
 * @prio: 0, the lowest, to MBOX_PRIO_MAX. Send: given. Receive: set
 * @pid: receive: the process that sent it, as the receiver's pid namespace sees
 *       it; 0 when it cannot
 * @uid: receive: its effective user at that moment; the overflow uid when the
 *       receiver's user namespace does not know it
 * @gid: receive: its effective group, likewise
 * @missed: receive: messages that a mailbox with MBOX_LOSSY dropped before this
 *          receiver got them, since it was last told; otherwise 0. Send:
 *          ignored
 * @delivery: receive: the number to answer a request by, see mbox_reply(), or to
 *            be done with a leased message by, see mbox_ack(); 0 for what needs
 *            neither. Given by the caller with MBOX_ACK. Send: ignored
 * @flags: receive: MBOX_CALL if the sender waits for an answer; otherwise 0.
 *         Send: ignored
 * @fds: descriptors that go with the message, to a mailbox with MBOX_HANDLES;
 *       may be NULL when there are none. Send: given, and not changed. Receive:
 *       where they go, the room for them
 * @room_fds: receive: the room at @fds in descriptors, at most MBOX_FDS_MAX.
 *            Send: ignored
 * @nr_fds: the descriptors of the message, at most MBOX_FDS_MAX. Send: given.
 *          Receive: set, with -ENOBUFS, -EMSGSIZE and by mbox_peek() too
 * @lease: receive with MBOX_LEASE: nanoseconds from the delivery on, up to
 *         2^63 - 1, after which the message goes back; 0 for no such time, and
 *         without MBOX_LEASE. Send: ignored
 * @deliveries: receive: how often the message was leased before and came back.
 *              Send: ignored
 * @sequence: receive: the number of the message in its mailbox in the order of
 *            arrival, from 1, with gaps where a send failed; the same at each
 *            delivery. Of a reply: 0. Send: with MBOX_ONCE the sender's own
 *            number of the message, at least 1; otherwise ignored
 *
 * The kernel stamps @pid, @uid and @gid: a sender cannot choose them. A send
 * ignores them. After an error other than -EMSGSIZE and -ENOBUFS the struct is
 * as it was, but for @delivery with MBOX_ACK; what is at @data and @fds is
 * unspecified.
 *
 * All descriptors of a message arrive, or none. In each struct mbox_fd @fd is
 * one of the sender's, on receive a new one of the receiver's own, always
 * close-on-exec; @flags is 0 or MBOX_FD_SENDONLY: it is of a mailbox and can
 * send, and the receiver's will be able to send only, as suits a port for
 * replies. What the message carries it holds as dup(2) would, until it is
 * received or gone. mbox_from_fd() and mbox_segment_from_fd() make handles of
 * those that are received. mbox(4) says which descriptors cannot go, and what
 * becomes of mailboxes that only messages hold.
 */
struct mbox_message {
	void *data;
	size_t size;
	size_t length;
	uint64_t tag;
	uint32_t prio;
	pid_t pid;
	uid_t uid;
	gid_t gid;
	uint64_t missed;
	uint64_t delivery;
	uint32_t flags;
	struct mbox_fd *fds;
	uint32_t room_fds;
	uint32_t nr_fds;
	uint64_t lease;
	uint32_t deliveries;
	uint64_t sequence;
};

/**
 * mbox_send() - send one message
 * @mb: the mailbox, open for sending
 * @data: the bytes; may be NULL when @length is 0: an empty message is a
 *        message
 * @length: how many
 * @prio: 0, the lowest, to MBOX_PRIO_MAX
 *
 * Waits while the mailbox is full, unless the descriptor has O_NONBLOCK, and
 * returns when the mailbox has the message; if the capacity is 0, when a
 * receiver has it. The tag is 0. The same as mbox_send_msg() without flags and
 * deadline; compare mq_send(3).
 *
 * Return: 0, or an error of mbox_send_msg().
 */
int mbox_send(struct mbox *mb, const void *data, size_t length,
	      unsigned int prio);

/**
 * mbox_send_msg() - send one message, with all that can be said of it
 * @mb: the mailbox, open for sending
 * @msg: the message: @data, @length, @tag, @prio, @fds, @nr_fds and, with
 *       MBOX_ONCE, @sequence are used
 * @flags: 0 or more of MBOX_NONBLOCK: do not wait; MBOX_SYNC: return only once
 *         a receiver has the message; MBOX_REALTIME: @deadline is on
 *         CLOCK_REALTIME; MBOX_NORESTART: -EINTR also after a signal handler with
 *         SA_RESTART, which otherwise goes on with the call; MBOX_ONCE: -EEXIST
 *         unless @msg->sequence is above that of the last message that the
 *         mailbox got so, whoever sent it
 * @deadline: when to stop waiting, 0 for never
 *
 * A send that fails has sent nothing: no receiver ever sees the message. One
 * that does not wait, to a mailbox of capacity 0 or with MBOX_SYNC, succeeds
 * only if a receiver is waiting.
 *
 * MBOX_ONCE is for a sender that does not know whether its last message was sent,
 * as after it was killed and started again: it sends that again with the same
 * number, and the mailbox gets it once. A send that fails has taken no number.
 *
 * Return: 0; -EAGAIN: it would wait, and may not; -ETIMEDOUT: the deadline
 * passed first; -EINTR: a signal came first; -EMSGSIZE: longer than the
 * mailbox takes, see mbox_status(); -EPIPE: with MBOX_HANGUP, all receivers
 * are gone; -ESRCH: the process that it is the own mailbox of is gone; -EIDRM: the
 * mailbox was ended; -EBADF: the handle is not open for sending, or a descriptor
 * of the message not open, or MBOX_FD_SENDONLY is asked for one that cannot send;
 * -EDQUOT: the budget of bytes, or of descriptors in messages, of the user who
 * opened the handle is used up; -ENOMEM: also for the memory cgroup's limit;
 * -ENFILE; -EEXIST: with MBOX_ONCE, it was sent before; -EINVAL: a flag,
 * priority, deadline, @msg->sequence or number of descriptors out of its range,
 * or MBOX_FD_SENDONLY for what is no mailbox; -EFAULT; -EOPNOTSUPP: with
 * MBOX_BROADCAST, a priority, MBOX_SYNC or MBOX_ONCE; descriptors without
 * MBOX_HANDLES; one of a UNIX socket or of io_uring.
 */
int mbox_send_msg(struct mbox *mb, const struct mbox_message *msg,
		  unsigned int flags, uint64_t deadline);

/**
 * mbox_sendv() - send one message gathered from several buffers
 * @mb: the mailbox, open for sending
 * @iov: the buffers, in order
 * @iovcnt: how many, 0 to MBOX_IOV_MAX
 * @msg: its tag, prio, descriptors and sequence are used; NULL for 0 and none
 * @flags: as for mbox_send_msg()
 * @deadline: as for mbox_send_msg()
 *
 * Compare writev(2).
 *
 * Return: 0, or an error of mbox_send_msg(); -EINVAL also for @iovcnt out of
 * its range.
 */
int mbox_sendv(struct mbox *mb, const struct iovec *iov, int iovcnt,
	       const struct mbox_message *msg, unsigned int flags,
	       uint64_t deadline);

/**
 * mbox_send_batch() - send several messages in one go
 * @mb: the mailbox, open for sending
 * @msgs: the messages, sent in this order
 * @nr: how many, 1 to MBOX_BATCH_MAX
 * @flags: as for mbox_send_msg()
 * @deadline: as for mbox_send_msg(), for the whole batch
 *
 * Waits until all are sent. When it must stop before that, what is sent stays
 * sent, and the rest is not. Compare sendmmsg(2).
 *
 * Return: how many were sent, at least 1; or the error of mbox_send_msg() for
 * the first of them, and then none was; -EINVAL also for @nr out of its range.
 */
int mbox_send_batch(struct mbox *mb, const struct mbox_message *msgs,
		    unsigned int nr, unsigned int flags, uint64_t deadline);

/**
 * mbox_recv() - receive one message
 * @mb: the mailbox, open for receiving
 * @msg: as for mbox_recv_msg()
 *
 * Waits for a message, unless the descriptor has O_NONBLOCK. The same as
 * mbox_recv_msg() without flags and deadline; compare mq_receive(3).
 *
 * Return: 0: there is a message, empty if @msg->length is 0; or an error of
 * mbox_recv_msg().
 */
int mbox_recv(struct mbox *mb, struct mbox_message *msg);

/**
 * mbox_recv_msg() - receive one message, by a deadline
 * @mb: the mailbox, open for receiving
 * @msg: @data and @size say where it goes, @fds and @room_fds where its
 *       descriptors go, @lease is given, the rest is set; @data may be NULL when
 *       @size is 0
 * @flags: 0 or more of MBOX_NONBLOCK: do not wait; MBOX_REALTIME: @deadline is
 *         on CLOCK_REALTIME; MBOX_LEASE: the message stays the mailbox's until
 *         mbox_ack(), which says more; MBOX_ACK: first be done with the leased
 *         message @msg->delivery, as by mbox_ack(), if that is not 0; and at
 *         most one of MBOX_TAG: only a message whose tag is @msg->tag;
 *         MBOX_TAG_MOST: only one whose tag is at most that, the lowest first;
 *         MBOX_TAG_EXCEPT: only one whose tag is not that; MBOX_NORESTART: as for
 *         mbox_send_msg()
 * @deadline: when to stop waiting, 0 for never
 *
 * The message of the highest priority comes first, among those of one priority
 * the one that was sent first. A receive that fails leaves the message where it
 * was.
 *
 * With MBOX_LEASE | MBOX_ACK and one struct, which begins with a @delivery of 0, a
 * worker makes one system call a message. When the receive fails after the
 * acknowledgment @msg->delivery is 0, so that the call can be made again.
 *
 * Return: 0: there is a message, empty if @msg->length is 0; -EAGAIN: there is
 * none, and the call may not wait; -ETIMEDOUT: the deadline passed first;
 * -EINTR: a signal came first; -EMSGSIZE: the message has @msg->length bytes,
 * more than @msg->size; -ENOBUFS: it carries @msg->nr_fds descriptors, more than
 * @msg->room_fds; -EMFILE, -ENOMEM: they cannot be made; -EPIPE: with
 * MBOX_HANGUP, the mailbox is empty and all senders are gone; -EBADF: the handle
 * is not open for receiving; -EPERM: it is another process's own mailbox;
 * -EINVAL: a flag, deadline, @msg->lease or @msg->room_fds out of its range;
 * -EFAULT; -EOPNOTSUPP: MBOX_LEASE or MBOX_ACK, with MBOX_BROADCAST, or a choice
 * by tag, without MBOX_TAGGED; -EIDRM: the mailbox was ended; -ESTALE: with MBOX_ACK, as
 * for mbox_ack(), and then nothing was received.
 */
int mbox_recv_msg(struct mbox *mb, struct mbox_message *msg,
		  unsigned int flags, uint64_t deadline);

/**
 * mbox_recvv() - receive one message scattered over several buffers
 * @mb: the mailbox, open for receiving
 * @iov: the buffers, filled in order
 * @iovcnt: how many, 0 to MBOX_IOV_MAX
 * @msg: set but for @data and @size, which are ignored; NULL if only the bytes
 *       are wanted, and no lease or acknowledgment
 * @flags: as for mbox_recv_msg()
 * @deadline: as for mbox_recv_msg()
 *
 * Compare readv(2).
 *
 * Return: 0, or an error of mbox_recv_msg(); -EINVAL also for @iovcnt out of
 * its range, and for MBOX_LEASE, MBOX_ACK or a choice by tag without @msg.
 */
int mbox_recvv(struct mbox *mb, const struct iovec *iov, int iovcnt,
	       struct mbox_message *msg, unsigned int flags, uint64_t deadline);

/**
 * mbox_recv_batch() - receive several messages in one go
 * @mb: the mailbox, open for receiving
 * @msgs: one struct a message, as for mbox_recv_msg()
 * @nr: how many, 1 to MBOX_BATCH_MAX
 * @flags: as for mbox_recv_msg(), but for MBOX_ACK and a choice by tag
 * @deadline: as for mbox_recv_msg()
 *
 * Waits for the first message only and takes what else is there. It stops
 * before a message that is longer than its room, or has more descriptors, and
 * leaves it there. Compare recvmmsg(2).
 *
 * Return: how many were received, at least 1; the entries from there on are as
 * they were. Or the error of mbox_recv_msg() for the first of them, and then
 * none was; after -EMSGSIZE and -ENOBUFS mbox_peek() tells the length and the
 * descriptors. -EINVAL also for @nr out of its range.
 */
int mbox_recv_batch(struct mbox *mb, struct mbox_message *msgs,
		    unsigned int nr, unsigned int flags, uint64_t deadline);

/**
 * mbox_peek() - copy a message and leave it in the mailbox
 * @mb: the mailbox, open for receiving
 * @index: which, in the order of delivery: 0 is the next, at most MBOX_PEEK_MAX
 * @msg: as for mbox_recv_msg()
 *
 * Never waits. With @msg->size 0 it tells the length of the message by
 * -EMSGSIZE. Of its descriptors it tells the number and makes none.
 *
 * Return: 0; -ENOMSG: there is no message at @index; -EMSGSIZE: the message has
 * @msg->length bytes, more than @msg->size; -EBADF: the handle is not open for
 * receiving; -EINVAL: @index out of its range; -EFAULT; -EOPNOTSUPP: with
 * MBOX_BROADCAST.
 */
int mbox_peek(struct mbox *mb, unsigned int index, struct mbox_message *msg);

/**
 * mbox_call() - send a request and wait for its reply
 * @mb: the mailbox, open for sending
 * @request: @data, @length, @tag, @prio, @fds and @nr_fds are used
 * @reply: @data and @size say where the reply goes, @fds and @room_fds where its
 *         descriptors go, the rest is set; @pid, @uid and @gid are those of who
 *         gave it
 * @flags: 0, or MBOX_REALTIME: @deadline is on CLOCK_REALTIME
 * @deadline: when to stop waiting, for the request to be received too; 0 for
 *            never
 *
 * The reply comes to this caller, whatever else is in the mailbox. A call that
 * fails may have been received, and the receiver may act on it; but none with
 * -EPIPE, -ESRCH, -EDEADLK or -EMSGSIZE. O_NONBLOCK means nothing here.
 *
 * Return: 0: there is a reply, empty if @reply->length is 0; -ECONNRESET: who
 * received the request died, closed the mailbox, or cannot reply; -ETIMEDOUT:
 * the deadline passed first; -EINTR: a signal came first; -EPIPE: with
 * MBOX_HANGUP, all receivers are gone; -ESRCH: the process whose own mailbox it
 * is is gone; -EDEADLK: who would answer waits for this caller; -EMSGSIZE: the
 * request is longer than the mailbox takes; -EBADF: the handle is not open for
 * sending; -EDQUOT: the budget of bytes of the user who opened the handle is
 * used up; -ENOMEM; -ENFILE; -EMFILE: the descriptors of the reply cannot be
 * made, and it is gone; -EINVAL: a flag, priority, deadline or number of
 * descriptors out of its range; -EFAULT; -EOPNOTSUPP: with MBOX_BROADCAST, or
 * for descriptors as mbox_send_msg().
 */
int mbox_call(struct mbox *mb, const struct mbox_message *request,
	      struct mbox_message *reply, unsigned int flags,
	      uint64_t deadline);

/**
 * mbox_reply() - answer a request
 * @mb: the handle that it was received through
 * @reply: @data, @length, @tag, @fds and @nr_fds are used; @delivery is that of
 *         the request
 *
 * Once, now or later, by any thread or process that has this handle's
 * descriptor, in any order. The call ends with -ECONNRESET instead when the
 * process that received the request closes its last such descriptor, or dies.
 * Never waits. One with -EMSGSIZE, -ENOBUFS or -ENOMEM can be given again.
 *
 * Return: 0; -ESTALE: no caller waits for that: it was answered, or has given
 * up; -EMSGSIZE: longer than the caller has room for, or than the mailbox
 * takes; -ENOBUFS: the caller has room for fewer descriptors; -EBADF: the handle
 * is not open for receiving; -EPERM: the mailbox is the own one of another
 * process; -EDQUOT, -ENOMEM, -EFAULT; for descriptors as mbox_send_msg().
 */
int mbox_reply(struct mbox *mb, const struct mbox_message *reply);

/**
 * mbox_reply_recv() - answer a request and receive the next message
 * @mb: the handle that the request was received through
 * @reply: as for mbox_reply(); its @delivery is set to 0 once it was given,
 *         whatever the receive then comes to. If @delivery is 0 there is nothing
 *         to answer, as when a server begins
 * @next: as for mbox_recv_msg(). Of a request that is leased the reply is the
 *        acknowledgment too; until then another server gets it when this one
 *        dies, and its caller goes on waiting
 * @flags: as for mbox_recv_msg()
 * @deadline: as for mbox_recv_msg()
 *
 * What a server does all day, in one system call. When the reply fails nothing
 * is received.
 *
 * Return: 0; while @reply->delivery is not 0 an error of mbox_reply(), else one
 * of mbox_recv_msg(): -EAGAIN, -ETIMEDOUT, -EINTR, -EMSGSIZE, -ENOBUFS, -EPIPE,
 * -EBADF, -EPERM, -EINVAL, -EFAULT, -ESTALE, -EDQUOT, -ENOMEM, -EMFILE.
 */
int mbox_reply_recv(struct mbox *mb, struct mbox_message *reply,
		    struct mbox_message *next, unsigned int flags,
		    uint64_t deadline);

/**
 * mbox_ack() - be done with a leased message
 * @mb: the handle that it was received through
 * @delivery: its number, as the receive set it in the message
 *
 * A message that was received with MBOX_LEASE stays the mailbox's, out of reach
 * of other receivers, until it is acknowledged: then it is gone. Until then it
 * goes back to the front of its priority when its lease is over, and when the
 * process that received it closes its last descriptor of this handle, or dies.
 * So a worker that acknowledges what it has done loses nothing, however it ends;
 * what it had done and not acknowledged is done again, by a receiver that
 * @deliveries tells of it.
 *
 * Any thread or process may that has this handle's descriptor. A reply
 * acknowledges a leased request by itself; without one its call ends with
 * -ECONNRESET. Compare basic.ack of AMQP.
 *
 * Return: 0; -ESTALE: no message is held under that number through this handle:
 * it was acknowledged, or went back; -EBADF: the handle is not open for
 * receiving; -EPERM: it is another process's own mailbox.
 */
int mbox_ack(struct mbox *mb, uint64_t delivery);

/**
 * mbox_return() - give a leased message back
 * @mb: the handle that it was received through
 * @delivery: its number, as the receive set it in the message
 *
 * As if its lease were over: the next receiver gets it, with one more in
 * @deliveries. Compare basic.reject of AMQP.
 *
 * Return: 0, or an error of mbox_ack().
 */
int mbox_return(struct mbox *mb, uint64_t delivery);

/**
 * mbox_dead_letter() - say where messages go that come back too often
 * @mb: the mailbox, whatever it is open for
 * @dead_letter: another mailbox, open for sending, that takes messages as large,
 *               and descriptors if @mb does; NULL for none. The handle stays the
 *               caller's and can be closed: @mb itself holds that mailbox open
 * @max_deliveries: how often a message is leased, at least 1; 0 with NULL
 *
 * A message that comes back for the @max_deliveries-th time is put into the
 * other mailbox, even if that is full, so that one that no worker gets done does
 * not keep them all busy. A call ends with -ECONNRESET instead.
 *
 * Return: 0; -EPERM: only the owner, or a process with CAP_FOWNER, may do that;
 * -EBADF: @dead_letter is not open for sending; -EMSGSIZE: it takes only smaller
 * messages; -ELOOP: it is the mailbox itself; -EOPNOTSUPP: it was made with
 * MBOX_BROADCAST, or without MBOX_HANDLES when @mb has it; -EINVAL: one of
 * @dead_letter and @max_deliveries without the other; -ENOMEM.
 */
int mbox_dead_letter(struct mbox *mb, const struct mbox *dead_letter,
		     uint32_t max_deliveries);

/**
 * struct mbox_status - a mailbox at one moment
 * @id: a number that no other object of this boot has
 * @capacity: messages that it holds, MBOX_UNBOUNDED for no limit
 * @msgsize: the largest message in bytes
 * @bytes: bytes that it holds, 0 for no limit
 * @queued: messages in it; with MBOX_BROADCAST those that not all receivers
 *          have
 * @queued_bytes: their bytes
 * @sent: messages that it, or a receiver, got since its creation
 * @sent_bytes: their bytes
 * @received: messages that receivers took since its creation; with
 *            MBOX_BROADCAST each of them counts
 * @received_bytes: their bytes
 * @send_wait_ns: nanoseconds that the longest-waiting sender has waited, or 0
 * @recv_wait_ns: the same of the longest-waiting receiver
 * @waiting_senders: calls blocked in a send
 * @waiting_receivers: calls blocked in a receive
 * @send_wait_pid: the process of @send_wait_ns, as the caller's pid namespace
 *                 sees it, or 0
 * @recv_wait_pid: the process of @recv_wait_ns, likewise
 * @senders: open descriptors that can send
 * @receivers: open descriptors that can receive
 * @mode: permission bits
 * @uid: owner, as the caller's user namespace sees it
 * @gid: group, likewise
 * @flags: 0 or more of MBOX_HANGUP, MBOX_OWN, MBOX_BROADCAST, MBOX_LOSSY,
 *         MBOX_HANDLES, MBOX_TRANSIENT, MBOX_TAGGED and MBOX_RINGS
 * @dropped: messages that a mailbox with MBOX_LOSSY dropped before all its
 *           receivers had them; bytes of a stream that nobody was left to read
 * @waiting_callers: calls that wait for their reply
 * @held: messages that were received, and are leased or wait for their reply
 * @max_deliveries: as mbox_dead_letter() set it, or 0
 * @send_pid: with MBOX_TAGGED, without which this and up to @change_time are 0:
 *            the process that sent last, as the caller's pid namespace sees it,
 *            or 0
 * @recv_pid: the process that received last, likewise
 * @send_time: when it was sent, in nanoseconds on CLOCK_REALTIME, or 0
 * @recv_time: when it was received, likewise
 * @change_time: when the mailbox was created or its attributes changed last
 * @sequence: that of the last message that was sent with MBOX_ONCE, or 0
 */
struct mbox_status {
	uint64_t id;
	uint64_t capacity;
	uint64_t msgsize;
	uint64_t bytes;
	uint64_t queued;
	uint64_t queued_bytes;
	uint64_t sent;
	uint64_t sent_bytes;
	uint64_t received;
	uint64_t received_bytes;
	uint64_t send_wait_ns;
	uint64_t recv_wait_ns;
	uint32_t waiting_senders;
	uint32_t waiting_receivers;
	pid_t send_wait_pid;
	pid_t recv_wait_pid;
	uint32_t senders;
	uint32_t receivers;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	unsigned int flags;
	uint64_t dropped;
	uint32_t waiting_callers;
	uint32_t held;
	uint32_t max_deliveries;
	pid_t send_pid;
	pid_t recv_pid;
	uint64_t send_time;
	uint64_t recv_time;
	uint64_t change_time;
	uint64_t sequence;
};

/**
 * mbox_status() - how a mailbox is
 * @mb: the mailbox, whatever it is open for
 * @status: filled in on success, untouched on an error
 *
 * Compare fstat(2) and mq_getattr(3).
 *
 * Return: 0.
 */
int mbox_status(const struct mbox *mb, struct mbox_status *status);

/**
 * mbox_resize() - change the capacity
 * @mb: the mailbox, whatever it is open for
 * @capacity: messages: 0 for rendezvous, MBOX_UNBOUNDED for no limit; of a
 *            stream bytes, MBOX_PIPE_BUF to MBOX_STREAM_MAX
 *
 * Below what is queued nothing is lost: senders wait until it has drained.
 * Growing lets waiting senders in. With MBOX_LOSSY the next send drops what is
 * too much.
 *
 * Return: 0; -EPERM: only the owner, or a process with CAP_FOWNER, may do that;
 * -EINVAL: 0, with MBOX_BROADCAST; of a stream out of its range.
 */
int mbox_resize(struct mbox *mb, uint64_t capacity);

/**
 * mbox_resize_bytes() - change how many bytes of messages it holds
 * @mb: the mailbox, whatever it is open for
 * @bytes: at least the size of its largest message; 0 for no limit
 *
 * Nothing is lost, as by mbox_resize().
 *
 * Return: 0; -EPERM: only the owner, or a process with CAP_FOWNER, may do that;
 * -EINVAL: less than the largest message, or of a stream.
 */
int mbox_resize_bytes(struct mbox *mb, uint64_t bytes);

/**
 * mbox_chmod() - change the permission bits
 * @mb: the mailbox, whatever it is open for
 * @mode: 0 to 0777; the umask does not apply
 *
 * Handles that are open keep their rights. Compare fchmod(2).
 *
 * Return: 0; -EPERM: only the owner, or a process with CAP_FOWNER, may do that;
 * -EINVAL: a mode out of its range.
 */
int mbox_chmod(struct mbox *mb, mode_t mode);

/**
 * mbox_chown() - change owner and group
 * @mb: the mailbox, whatever it is open for
 * @uid: new owner, or (uid_t)-1 to leave it
 * @gid: new group, or (gid_t)-1 to leave it
 *
 * Both change or neither does. Compare fchown(2).
 *
 * Return: 0; -EPERM: changing the owner takes CAP_CHOWN, changing the group the
 * owner who is a member of the new one, or CAP_CHOWN; -EINVAL: an id that the
 * caller's user namespace does not know.
 */
int mbox_chown(struct mbox *mb, uid_t uid, gid_t gid);

/* POSIX.1b declares it in <signal.h>; ISO C alone hides it. */
union sigval;

/**
 * mbox_end() - end a mailbox for all who have it open
 * @mb: the mailbox, whatever it is open for
 *
 * Its name and its messages are gone. Who waits there, and who comes later,
 * fails with EIDRM. What was received before can still be acknowledged and
 * answered. For the owner and processes with CAP_FOWNER. The handle is still to
 * be closed. Compare IPC_RMID of msgctl(2).
 *
 * Return: 0; -EPERM: not the owner; -EOPNOTSUPP: for broadcast, or a process's
 * own.
 */
int mbox_end(struct mbox *mb);

/**
 * mbox_notify() - ask for a signal when a message arrives
 * @mb: the mailbox, open for receiving
 * @signo: signal number, or 0 to remove the caller's registration
 * @value: si_value of the signal; ignored when @signo is 0
 *
 * One signal with si_code SI_MESGQ goes to this process when the next message
 * arrives in the empty mailbox while no receiver waits for it. The registration
 * ends with the signal: register again, then receive until -EAGAIN. It ends
 * too when this process closes a descriptor of the mailbox or runs another
 * program. A forked child is not registered. Compare mq_notify(3).
 *
 * Return: 0; -EBUSY: another process is registered; -EBADF: the handle is not
 * open for receiving; -EINVAL: not a signal number; -ENOMEM; -EOPNOTSUPP: with
 * MBOX_BROADCAST, where poll(2) tells each receiver.
 */
int mbox_notify(struct mbox *mb, int signo, union sigval value);

#ifdef __cplusplus
}
#endif

#endif /* MBOX_MAILBOX_H */
