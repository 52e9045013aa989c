// SPDX-License-Identifier: GPL-2.0
/*
 * Loans: messages whose bytes stay where their sender wrote them.
 *
 * A segment that is a pool is divided into buffers. A message can be one of them
 * instead of bytes: then that is lent until the message is gone, whichever way
 * it goes. Who receives it knowingly reads it in place, by a mapping that can
 * never be written; to everybody else it is a message like others.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "mailbox.h"
#include "segment.h"

static bool mbox_pool_size_valid(u64 length, u64 size)
{
	return size && IS_ALIGNED(size, MBOX_POOL_ALIGN) && size <= length &&
	       div64_u64(length, size) <= MBOX_POOL_MAX;
}

static struct mbox_pool *mbox_pool_new(u64 size, u32 nr)
{
	struct mbox_pool *pool;

	pool = kvzalloc(struct_size(pool, map, DIV_ROUND_UP(nr, 64)),
			GFP_KERNEL_ACCOUNT);
	if (!pool)
		return NULL;
	pool->size = size;
	pool->nr = nr;
	spin_lock_init(&pool->lock);
	init_waitqueue_head(&pool->pollers);
	pool->returned = true;
	return pool;
}

static int mbox_pool_create_sealed(struct mbox_segment *segment, u64 size)
{
	u64 length = mbox_segment_length(segment);
	u32 seals = MBOX_SEAL_SHRINK | MBOX_SEAL_GROW;
	struct mbox_pool *pool;

	lockdep_assert_held(&segment->resize);
	if (segment->pool)
		return -EEXIST;
	if ((segment->seals & seals) != seals ||
	    !mbox_pool_size_valid(length, size))
		return -EINVAL;
	pool = mbox_pool_new(size, div64_u64(length, size));
	if (!pool)
		return -ENOMEM;
	/* Pairs with mbox_segment_pool(). */
	smp_store_release(&segment->pool, pool);
	return 0;
}

/**
 * mbox_pool_create() - divide a segment into buffers
 * @segment: the segment
 * @size: of each buffer
 *
 * Return: 0, -EEXIST, -EINVAL or -ENOMEM.
 */
int mbox_pool_create(struct mbox_segment *segment, u64 size)
{
	int err;

	mutex_lock(&segment->resize);
	err = mbox_pool_create_sealed(segment, size);
	mutex_unlock(&segment->resize);
	return err;
}

/**
 * mbox_pool_map() - tell which buffers are lent
 * @file: a segment
 * @map: where a bit for each goes
 * @nr: how many words of 64 bits there is room for
 *
 * The words are not all of one moment, but each bit is of one in the call. What
 * comes back after that is polled for.
 *
 * Return: 0, -ENOTTY or -EFAULT.
 */
int mbox_pool_map(struct file *file, u64 __user *map, u32 nr)
{
	struct mbox_pool *pool = mbox_segment_pool(mbox_file_segment(file));
	u32 words, i;

	if (!pool)
		return -ENOTTY;
	if (file->f_mode & FMODE_WRITE) {
		spin_lock(&pool->lock);
		pool->returned = false;
		spin_unlock(&pool->lock);
	}
	words = min_t(u32, nr, DIV_ROUND_UP(pool->nr, 64));
	for (i = 0; i < words; i++)
		if (put_user(READ_ONCE(pool->map[i]), &map[i]))
			return -EFAULT;
	return 0;
}

/**
 * mbox_pool_status() - how a segment is divided
 * @segment: the segment
 * @status: @buffer_size, @buffers and @lent are written, if it is
 */
void mbox_pool_status(struct mbox_segment *segment,
		      struct mbox_ioc_segment_status *status)
{
	struct mbox_pool *pool = mbox_segment_pool(segment);

	if (!pool)
		return;
	status->buffer_size = pool->size;
	status->buffers = pool->nr;
	spin_lock(&pool->lock);
	status->lent = pool->lent;
	spin_unlock(&pool->lock);
}

/**
 * mbox_pool_poll() - have buffers come back?
 * @file: a segment
 * @wait: poll's
 *
 * That a buffer is not lent would tell too little: its owner can be filling it.
 *
 * No wake-up is missed, as in mbox_mailbox_poll(): a buffer comes back, and its
 * pollers are looked for, under the lock. What is no pool is never waited for.
 */
__poll_t mbox_pool_poll(struct file *file, poll_table *wait)
{
	struct mbox_pool *pool = mbox_segment_pool(mbox_file_segment(file));
	__poll_t events = 0;

	if (!pool)
		return DEFAULT_POLLMASK;
	poll_wait(file, &pool->pollers, wait);
	spin_lock(&pool->lock);
	if (file->f_mode & FMODE_WRITE && pool->returned)
		events = EPOLLOUT | EPOLLWRNORM;
	spin_unlock(&pool->lock);
	return events;
}

static u64 mbox_buffer_offset(const struct mbox_buffer *buffer)
{
	return buffer->index * buffer->segment->pool->size;
}

static u64 *mbox_buffer_word_locked(const struct mbox_buffer *buffer)
{
	lockdep_assert_held(&buffer->segment->pool->lock);
	return &buffer->segment->pool->map[buffer->index / 64];
}

static u64 mbox_buffer_bit(const struct mbox_buffer *buffer)
{
	return BIT_ULL(buffer->index % 64);
}

/**
 * mbox_buffer_lend() - lend a buffer, for mbox_buffer_return()
 * @buffer: which
 *
 * Return: 0, or -EBUSY if it is lent already.
 */
int mbox_buffer_lend(const struct mbox_buffer *buffer)
{
	struct mbox_pool *pool = buffer->segment->pool;
	u64 bit = mbox_buffer_bit(buffer);
	bool busy;
	u64 *word;

	spin_lock(&pool->lock);
	word = mbox_buffer_word_locked(buffer);
	busy = *word & bit;
	if (!busy) {
		WRITE_ONCE(*word, *word | bit);
		pool->lent++;
	}
	spin_unlock(&pool->lock);
	if (busy)
		return -EBUSY;
	mbox_object_get(&buffer->segment->object);
	return 0;
}

/**
 * mbox_buffer_return() - a buffer is lent no longer
 * @buffer: which
 */
void mbox_buffer_return(const struct mbox_buffer *buffer)
{
	struct mbox_pool *pool = buffer->segment->pool;
	u64 *word;

	spin_lock(&pool->lock);
	word = mbox_buffer_word_locked(buffer);
	WRITE_ONCE(*word, *word & ~mbox_buffer_bit(buffer));
	pool->lent--;
	pool->returned = true;
	/* Ordered by the lock: see mbox_pool_poll(). */
	if (waitqueue_active(&pool->pollers))
		wake_up_interruptible_poll(&pool->pollers,
					   EPOLLOUT | EPOLLWRNORM);
	spin_unlock(&pool->lock);
	mbox_object_put(&buffer->segment->object);
}

static int mbox_buffer_find(struct mbox_buffer *buffer,
			    const struct mbox_loan *loan)
{
	const struct mbox_pool *pool = mbox_segment_pool(buffer->segment);
	u64 index, rest;

	if (!pool)
		return -ENOTTY;
	index = div64_u64_rem(loan->offset, pool->size, &rest);
	if (rest || index >= pool->nr || loan->length > pool->size)
		return -EINVAL;
	buffer->index = index;
	return 0;
}

static struct mbox_message *mbox_loan_of_file(struct mbox_mailbox *mailbox,
					      struct mbox_user *user,
					      struct file *file,
					      const struct mbox_loan *loan)
{
	struct mbox_buffer buffer;
	int err;

	if (!mbox_is_segment(file))
		return ERR_PTR(-ENOTTY);
	if (!(file->f_mode & FMODE_WRITE))
		return ERR_PTR(-EBADF);
	buffer.segment = mbox_file_segment(file);
	err = mbox_buffer_find(&buffer, loan);
	if (err)
		return ERR_PTR(err);
	if (loan->length > mailbox->msgsize)
		return ERR_PTR(-EMSGSIZE);
	return mbox_message_create_loan(mailbox, user, &buffer, loan->length);
}

/**
 * mbox_loan_create() - make a message that is a loan
 * @mailbox: where it is to go
 * @user: who pays
 * @from: a struct mbox_loan of the caller's
 *
 * Return: the message, for mbox_message_put(), or -EFAULT, -EINVAL, -EBADF,
 * -ENOTTY, -EMSGSIZE, -EBUSY, -EDQUOT, -ENOMEM.
 */
struct mbox_message *mbox_loan_create(struct mbox_mailbox *mailbox,
				      struct mbox_user *user,
				      struct iov_iter *from)
{
	struct mbox_message *message;
	struct mbox_loan loan;
	struct file *file;

	if (iov_iter_count(from) != sizeof(loan))
		return ERR_PTR(-EINVAL);
	if (!copy_from_iter_full(&loan, sizeof(loan), from))
		return ERR_PTR(-EFAULT);
	file = loan.segment <= INT_MAX ? fget(loan.segment) : NULL;
	if (!file)
		return ERR_PTR(-EBADF);
	message = mbox_loan_of_file(mailbox, user, file, &loan);
	fput(file);
	return message;
}

/**
 * mbox_loan_tell() - tell a receiver where to read a loan
 * @message: the loan
 * @to: room for a struct mbox_loan
 *
 * Return: 0 or -EFAULT.
 */
int mbox_loan_tell(const struct mbox_message *message, struct iov_iter *to)
{
	const struct mbox_buffer *buffer = message->data;
	const struct mbox_loan loan = {
		.segment = buffer->segment->object.id,
		.offset = mbox_buffer_offset(buffer),
		.length = message->len,
	};

	return copy_to_iter(&loan, sizeof(loan), to) == sizeof(loan) ?
		       0 : -EFAULT;
}

/**
 * mbox_loan_copy() - copy the bytes of a loan out
 * @message: the loan
 * @to: at least as large
 *
 * Return: 0, -EFAULT, or what reading the memory returns.
 */
int mbox_loan_copy(const struct mbox_message *message, struct iov_iter *to)
{
	const struct mbox_buffer *buffer = message->data;
	loff_t offset = mbox_buffer_offset(buffer);
	ssize_t ret;

	if (!message->len)
		return 0;
	iov_iter_truncate(to, message->len);
	ret = vfs_iter_read(buffer->segment->memory, to, &offset, 0);
	if (ret < 0)
		return ret;
	return ret == message->len ? 0 : -EFAULT;
}

static struct mbox_object *mbox_loan_object(struct file *file, u64 delivery)
{
	struct mbox_mailbox *mailbox = mbox_file_mailbox(file);
	const struct mbox_buffer *buffer;
	struct mbox_object *object;
	struct mbox_hold *hold;

	spin_lock(&mailbox->lock);
	hold = mbox_hold_find_locked(mailbox, file, delivery);
	if (!hold) {
		object = ERR_PTR(-ESTALE);
	} else if (!hold->message->loan) {
		object = ERR_PTR(-EINVAL);
	} else {
		buffer = hold->message->data;
		object = &buffer->segment->object;
		mbox_object_get(object);
	}
	spin_unlock(&mailbox->lock);
	return object;
}

/**
 * mbox_loan_open() - make a descriptor of the segment of a loan
 * @file: through which descriptor the loan was received
 * @delivery: the number that it was given
 * @oflag: the rights, and O_NONBLOCK
 *
 * Return: the descriptor; -ESTALE, -EINVAL if that is no loan, or -ENOMEM,
 * -EMFILE, -ENFILE.
 */
int mbox_loan_open(struct file *file, u64 delivery, unsigned int oflag)
{
	struct mbox_object *object = mbox_loan_object(file, delivery);
	int fd;

	if (IS_ERR(object))
		return PTR_ERR(object);
	fd = mbox_fd_install(mbox_object_file(object, oflag));
	mbox_object_put(object);
	return fd;
}
