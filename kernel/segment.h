/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Segments: shared memory.
 *
 * Lifetime
 *
 * struct mbox_segment goes with its struct mbox_object. Each mapping of it
 * holds the file that it was made through.
 */
#ifndef _MBOX_SEGMENT_H
#define _MBOX_SEGMENT_H

#include <linux/spinlock.h>

#include "object.h"

#define MBOX_SEALS	(MBOX_SEAL_SEAL | MBOX_SEAL_SHRINK | MBOX_SEAL_GROW | \
			 MBOX_SEAL_WRITE)

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

/* segment.c */
extern const struct mbox_kind_ops mbox_segment_ops;
bool mbox_segment_length_valid(u64 length);
int mbox_segment_set(struct mbox_segment *segment,
		     const struct mbox_ioc_set *set);
void mbox_segment_status(struct mbox_segment *segment,
			 struct mbox_ioc_segment_status *status);
void mbox_segment_status_locked(struct mbox_segment *segment,
				struct mbox_ioc_segment_status *status);

#endif /* _MBOX_SEGMENT_H */
