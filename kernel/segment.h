/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Segments: shared memory.
 *
 * Lifetime
 *
 * struct mbox_segment goes with its struct mbox_object. Each mapping of it
 * holds the file that it was made through, and each message that is one of its
 * buffers the object.
 */
#ifndef _MBOX_SEGMENT_H
#define _MBOX_SEGMENT_H

#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "object.h"

#define MBOX_SEALS	(MBOX_SEAL_SEAL | MBOX_SEAL_SHRINK | MBOX_SEAL_GROW | \
			 MBOX_SEAL_WRITE)

/**
 * struct mbox_pool - a segment that is divided into buffers
 * @size: of each buffer, constant
 * @nr: how many there are, constant
 * @lock: see below; innermost
 * @lent: how many of them are lent, protected by @lock
 * @returned: some have come back since the owner looked; protected by @lock
 * @pollers: woken with @lock held
 * @map: a bit for each that is lent; written under @lock
 */
struct mbox_pool {
	u64 size;
	u32 nr;
	spinlock_t lock;	/* @lent, @returned, @map */
	u32 lent;
	bool returned;
	wait_queue_head_t pollers;
	u64 map[];
};

/**
 * struct mbox_segment - a segment
 * @object: its base
 * @memory: the shmem file, constant
 * @memory_ops: what shmem does with a mapping; each mmap sets the same
 * @flags: enum mbox_segment_flags, constant
 * @resize: held to change the length of @memory, or @seals
 * @lock: see below; nests inside @resize and the mmap lock
 * @seals: enum mbox_seals, written under @resize and @lock
 * @attached: mappings, protected by @lock
 * @writable: those of them that are, or can be made, writable; protected by
 *            @lock
 * @pool: how it is divided, or NULL; set once under @resize, see
 *        mbox_segment_pool()
 * @rcu: to free it later
 */
struct mbox_segment {
	struct mbox_object object;
	struct file *memory;
	const struct vm_operations_struct *memory_ops;
	u32 flags;
	struct mutex resize;	/* @length, @seals */
	spinlock_t lock;	/* @seals, @attached, @writable */
	u32 seals;
	u32 attached;
	u32 writable;
	struct mbox_pool *pool;
	struct rcu_head rcu;
};

static inline struct mbox_segment *to_segment(struct mbox_object *object)
{
	return container_of(object, struct mbox_segment, object);
}

static inline struct mbox_segment *mbox_file_segment(struct file *file)
{
	struct mbox_handle *handle = file->private_data;

	return to_segment(handle->object);
}

/* Return: how it is divided, or NULL. */
static inline struct mbox_pool *mbox_segment_pool(struct mbox_segment *segment)
{
	/* Pairs with mbox_pool_create_sealed(). */
	return smp_load_acquire(&segment->pool);
}

/* segment.c */
extern const struct mbox_kind_ops mbox_segment_ops;
bool mbox_is_segment(const struct file *file);
bool mbox_segment_length_valid(u64 length);
u64 mbox_segment_length(const struct mbox_segment *segment);
int mbox_segment_set(struct mbox_segment *segment,
		     const struct mbox_ioc_set *set);
void mbox_segment_status(struct mbox_segment *segment,
			 struct mbox_ioc_segment_status *status);
void mbox_segment_status_locked(struct mbox_segment *segment,
				struct mbox_ioc_segment_status *status);

/* loan.c */
int mbox_pool_create(struct mbox_segment *segment, u64 size);
int mbox_pool_map(struct file *file, u64 __user *map, u32 nr);
void mbox_pool_status(struct mbox_segment *segment,
		      struct mbox_ioc_segment_status *status);
__poll_t mbox_pool_poll(struct file *file, poll_table *wait);

#endif /* _MBOX_SEGMENT_H */
