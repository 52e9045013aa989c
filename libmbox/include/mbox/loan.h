/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * libmbox: loans, messages that are read where their sender wrote them.
 *
 * A sender takes a buffer of its pool, fills it and sends it; the receiver reads
 * it in place and is done with it by mbox_ack(). Nothing is copied, so that this
 * costs the same for a byte and for a megabyte. What holds for every call
 * (errors, threads, deadlines) is said once, in <mbox/mbox.h>.
 */
#ifndef MBOX_LOAN_H
#define MBOX_LOAN_H

#include <stddef.h>
#include <stdint.h>

#include <mbox/mailbox.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct mbox_pool - buffers of a process, that its messages can lend
 *
 * Made by mbox_pool_create(), freed by mbox_pool_destroy(). Its threads can share
 * it. A child that fork(2) makes does not have the buffers and must not use it.
 */
struct mbox_pool;

/**
 * mbox_pool_create() - make a pool
 * @pool: where the new pool goes; untouched on an error
 * @size: bytes of each buffer, at least 1
 * @count: buffers, 1 to MBOX_POOL_MAX
 *
 * The memory, @count times @size rounded up to MBOX_POOL_ALIGN, counts against the
 * user's budget of bytes, and takes room as buffers are first written to. Who
 * receives one buffer can read all of the pool: a process that sends to some who
 * are not to know what it sends to others has a pool for each.
 *
 * Return: 0; -EINVAL: @size or @count out of its range; -EDQUOT: the user has as
 * many segments, or bytes, as the module's parameters allow; -ENODEV, -ENOMEM,
 * -EMFILE, -ENFILE.
 */
int mbox_pool_create(struct mbox_pool **pool, size_t size, unsigned int count);

/**
 * mbox_pool_destroy() - free a pool
 * @pool: the pool, or NULL; no other thread uses it
 *
 * Buffers that are not sent are gone. Those that are lent stay with their
 * messages, and the kernel frees the memory after the last of them.
 */
void mbox_pool_destroy(struct mbox_pool *pool);

/**
 * mbox_pool_get() - take a free buffer
 * @pool: the pool
 * @buffer: where its address goes; untouched on an error
 * @flags: 0 or MBOX_NONBLOCK: do not wait
 * @deadline: when to stop waiting, 0 for never
 *
 * Waits until a receiver returns one, or another thread, if all are taken or
 * lent. What is in it is left from before. It is the caller's until
 * mbox_send_loan() sends it or mbox_pool_put() gives it back. Most calls make no
 * system call.
 *
 * Return: 0; -EAGAIN: none is free, and the call may not wait; -ETIMEDOUT: the
 * deadline passed first; -EINTR: a signal came first; -EINVAL: a flag or deadline
 * out of its range.
 */
int mbox_pool_get(struct mbox_pool *pool, void **buffer, unsigned int flags,
		  uint64_t deadline);

/**
 * mbox_pool_put() - give a buffer back that was not sent
 * @pool: the pool
 * @buffer: from mbox_pool_get()
 *
 * Return: 0; -EINVAL: it is not a buffer that is taken.
 */
int mbox_pool_put(struct mbox_pool *pool, void *buffer);

/**
 * mbox_send_loan() - send a buffer
 * @mb: the mailbox, open for sending; not with MBOX_BROADCAST
 * @pool: the pool
 * @msg: as for mbox_send_msg(), with a buffer of mbox_pool_get() as its @data
 * @flags: as for mbox_send_msg()
 * @deadline: as for mbox_send_msg()
 *
 * The buffer is lent until the message is gone, whoever receives it and however:
 * by mbox_recv_loan() in place, by any other call its bytes are copied. Then it is
 * free again, as it is when a mailbox is closed with the message in it. When the
 * receiver dies before it is done the next one gets the message. Until it is free
 * the sender can still write to it, but should not: what is read then is
 * unspecified. After an error the buffer is still the caller's.
 *
 * Return: 0, or an error of mbox_send_msg(); -EINVAL also when @data is not a
 * buffer that is taken, or @length is more than its size; -EOPNOTSUPP also with
 * MBOX_BROADCAST.
 */
int mbox_send_loan(struct mbox *mb, struct mbox_pool *pool,
		   const struct mbox_message *msg, unsigned int flags,
		   uint64_t deadline);

/**
 * mbox_recv_loan() - receive one message, in place if it is a loan
 * @mb: the mailbox, open for receiving
 * @msg: as for mbox_recv_msg(); there is room for a struct mbox_loan, at least,
 *       at @data
 * @bytes: where the address of the message's bytes goes: in the sender's pool,
 *         or @msg->data if the message is no loan; untouched on an error
 * @flags: as for mbox_recv_msg(); MBOX_LEASE is implied
 * @deadline: as for mbox_recv_msg()
 *
 * The message is leased: the bytes can be read until mbox_ack() with
 * @msg->delivery, or a receive with MBOX_ACK, returns them, or until the lease
 * is over. They cannot be written. With a loan MBOX_LOAN is in @msg->flags.
 *
 * A sender can write to what it has lent: copy what is to be checked before it is
 * used, unless the sender can be trusted. A child that fork(2) makes must not use
 * what its parent received.
 *
 * The memory of some senders stays mapped for their next loans, until the handle
 * is closed; no loan is to be in use then.
 *
 * Return: 0, or an error of mbox_recv_msg(); -EINVAL also for too little room;
 * -EMFILE, -ENFILE, -ENOMEM also when the memory cannot be mapped: then the
 * message went back as by mbox_return().
 */
int mbox_recv_loan(struct mbox *mb, struct mbox_message *msg, const void **bytes,
		   unsigned int flags, uint64_t deadline);

#ifdef __cplusplus
}
#endif

#endif /* MBOX_LOAN_H */
