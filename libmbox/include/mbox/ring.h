/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * libmbox: rings, through which messages go without a system call.
 *
 * A mailbox with MBOX_RINGS has one receiver, who takes messages also from memory that it shares
 * with senders. A sender asks for that by mbox_ring(); from then on all calls that send and receive
 * do as before, but while both sides are busy none of them calls the kernel. Who finds the ring
 * empty, or full, sleeps in the kernel and is woken from there.
 *
 * What holds for every call is said once, in <mbox/mbox.h>.
 */
#ifndef MBOX_RING_H
#define MBOX_RING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mbox;

/* The bytes of the smallest and the largest ring, and the most rings of a receiver. */
#define MBOX_RING_MIN		4096
#define MBOX_RING_MAX		(16 * 1024 * 1024)
#define MBOX_RINGS_MAX		1024

/**
 * mbox_ring() - send through a ring from now on
 * @mb: a handle that can send, of a mailbox with MBOX_RINGS
 * @size: bytes of the ring, a power of two, MBOX_RING_MIN to MBOX_RING_MAX; each message takes its
 *        own, rounded up to 16, and 16 more
 *
 * Makes a segment and sends it to the receiver, which finds it in its next receive and has nothing
 * to do for it. That is a message of its own, for which this call can wait as for any other, and to
 * which the largest message of the mailbox must leave 24 bytes. The segment counts against the
 * caller's budget.
 *
 * The messages of one handle arrive in the order of sending. What the ring cannot carry waits until
 * the ring is empty, then goes through the kernel, and is sent when the receiver has it: a message
 * larger than a quarter of the ring less 16 bytes, one with a priority, descriptors, MBOX_SYNC or
 * MBOX_ONCE, and a call. A message from a ring has the pid, uid and gid that the kernel stamped on
 * this call, and a @sequence of 0; mbox_status() does not count it.
 *
 * A full ring makes a send wait as a full mailbox does. Nonblocking, it fails with -EAGAIN, and
 * mbox_ring_fd() tells when there is room. That the receiver is gone is told (-EPIPE) no later than
 * when the ring is full. What it had not received is gone with it, as with a pipe. What a sender
 * sent before it ended or was killed is received.
 *
 * A child of fork(2) sends through the kernel until it calls mbox_ring() itself. In the receiver's
 * a receive fails with -EPERM, once the receiver has received. The receiver receives what comes
 * next; it has no lease, no choice, no mbox_peek() and no mbox_reply_recv() (-EOPNOTSUPP), and
 * read(2) knows nothing of rings. poll(2) on its mbox_fd() shows POLLIN when there is a message. It
 * may show it for one that was received meanwhile, so a receiver that polls does not block.
 *
 * A peer that writes what it should not into the memory that both share cannot do harm to the other.
 * Its ring is closed: a sender is told -EPIPE, a receiver goes on with the other rings.
 *
 * Return: 0; -EINVAL: @size; -EOPNOTSUPP: the mailbox is without MBOX_RINGS; -EBUSY: the handle has
 * a ring; -EBADF: it cannot send; -EMSGSIZE: the mailbox takes no message of 24 bytes; -EPIPE: the
 * receiver is gone; -EDQUOT: the user's budget is used up; -EAGAIN: it would wait and the handle
 * does not block; -EINTR; -EIDRM; -ESRCH; -ENOMEM, -EMFILE, -ENFILE, -ENODEV, -EACCES.
 */
int mbox_ring(struct mbox *mb, size_t size);

/**
 * mbox_ring_fd() - the descriptor to poll for room in a ring
 * @mb: a handle with a ring
 *
 * Once a send has failed with -EAGAIN, POLLIN shows there that it is to be tried again, and POLLHUP
 * that the receiver is gone. The descriptor stays the handle's.
 *
 * Return: the descriptor; -ENOENT: the handle has no ring.
 */
int mbox_ring_fd(const struct mbox *mb);

#ifdef __cplusplus
}
#endif

#endif /* MBOX_RING_H */
