// SPDX-License-Identifier: GPL-2.0
/*
 * Segments: memory that processes map, and the seals on it.
 *
 * The memory is a shmem file that nobody gets a descriptor of: the descriptors
 * are ours, so that their rights cannot be raised by opening /proc/PID/fd.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/pagevec.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "compat.h"
#include "segment.h"

bool mbox_segment_length_valid(u64 length)
{
	return length <= MAX_LFS_FILESIZE - PAGE_SIZE;
}

/**
 * mbox_segment_length() - how long a segment is now
 * @segment: the segment
 */
u64 mbox_segment_length(const struct mbox_segment *segment)
{
	return i_size_read(file_inode(segment->memory));
}

/* shmem has space for files in mind, of which there is no end. */
static struct file *mbox_segment_memory(u64 length)
{
	struct file *memory = shmem_file_setup("mbox", length, VM_NORESERVE);

	return memory == ERR_PTR(-ENOSPC) ? ERR_PTR(-ENOMEM) : memory;
}

static struct mbox_segment *mbox_segment_new(u64 length)
{
	struct mbox_segment *segment = kzalloc(sizeof(*segment),
					       GFP_KERNEL_ACCOUNT);
	struct file *memory;

	if (!segment)
		return ERR_PTR(-ENOMEM);
	memory = mbox_segment_memory(length);
	if (IS_ERR(memory)) {
		kfree(segment);
		return ERR_CAST(memory);
	}
	segment->memory = memory;
	mutex_init(&segment->resize);
	spin_lock_init(&segment->lock);
	return segment;
}

static struct mbox_object *mbox_segment_create(struct mbox_ns *ns,
					       const void *attr,
					       const char *name,
					       struct mbox_user *user)
{
	const struct mbox_ioc_segment *create = attr;
	struct mbox_segment *segment;
	int err;

	err = mbox_charge(user, MBOX_BYTES, PAGE_ALIGN(create->length));
	if (err)
		return ERR_PTR(err);
	segment = mbox_segment_new(create->length);
	if (IS_ERR(segment)) {
		mbox_uncharge(user, MBOX_BYTES, PAGE_ALIGN(create->length));
		return ERR_CAST(segment);
	}
	segment->flags = create->flags;
	mbox_object_init(&segment->object, &mbox_segment_ops, ns, name, user,
			 create->mode & ~current_umask());
	return &segment->object;
}

static void mbox_segment_free_now(struct mbox_segment *segment)
{
	fput(segment->memory);
	kvfree(segment->pool);
	kfree(segment);
}

static void mbox_segment_free_later(struct rcu_head *rcu)
{
	mbox_segment_free_now(container_of(rcu, struct mbox_segment, rcu));
}

/*
 * The last reference to a pool can be that of a message, and who drops that can
 * go on to wait: see mbox_cargo_free().
 */
static void mbox_segment_free(struct mbox_object *object)
{
	struct mbox_segment *segment = to_segment(object);

	mbox_uncharge(object->user, MBOX_BYTES,
		      PAGE_ALIGN(mbox_segment_length(segment)));
	if (segment->pool)
		call_rcu(&segment->rcu, mbox_segment_free_later);
	else
		mbox_segment_free_now(segment);
}

/* Device or io_uring writes can outlast the mapping that they were set up in. */
static bool mbox_segment_pinned(const struct mbox_segment *segment)
{
	struct folio_batch batch;
	pgoff_t index = 0;
	bool pinned = false;
	unsigned int i;

	folio_batch_init(&batch);
	while (!pinned && filemap_get_folios(segment->memory->f_mapping, &index,
					     ULONG_MAX, &batch)) {
		for (i = 0; i < folio_batch_count(&batch); i++)
			pinned |= folio_maybe_dma_pinned(batch.folios[i]);
		folio_batch_release(&batch);
		cond_resched();
	}
	return pinned;
}

static int mbox_segment_seal_check(const struct mbox_segment *segment,
				   u32 seals)
{
	lockdep_assert_held(&segment->lock);
	if (segment->seals & MBOX_SEAL_SEAL)
		return -EPERM;
	if (seals & MBOX_SEAL_WRITE && segment->writable)
		return -EBUSY;
	return 0;
}

static void mbox_segment_unseal(struct mbox_segment *segment, u32 seals)
{
	spin_lock(&segment->lock);
	segment->seals = seals;
	spin_unlock(&segment->lock);
}

static int mbox_segment_seal(struct mbox_segment *segment, u32 seals)
{
	u32 before = segment->seals;
	int err;

	lockdep_assert_held(&segment->resize);
	spin_lock(&segment->lock);
	err = mbox_segment_seal_check(segment, seals);
	if (!err)
		segment->seals |= seals;
	spin_unlock(&segment->lock);
	if (err)
		return err;
	if (seals & MBOX_SEAL_WRITE && mbox_segment_pinned(segment)) {
		mbox_segment_unseal(segment, before);
		return -EBUSY;
	}
	return 0;
}

static int mbox_segment_grow(struct mbox_segment *segment, u64 from, u64 to)
{
	struct mbox_user *user = segment->object.user;
	u64 charge = PAGE_ALIGN(to) - PAGE_ALIGN(from);
	int err = mbox_charge(user, MBOX_BYTES, charge);

	if (err)
		return err;
	err = vfs_truncate(&segment->memory->f_path, to);
	if (err)
		mbox_uncharge(user, MBOX_BYTES, charge);
	return err;
}

static int mbox_segment_shrink(struct mbox_segment *segment, u64 from, u64 to)
{
	int err = vfs_truncate(&segment->memory->f_path, to);

	if (!err)
		mbox_uncharge(segment->object.user, MBOX_BYTES,
			      PAGE_ALIGN(from) - PAGE_ALIGN(to));
	return err;
}

static int mbox_segment_resize(struct mbox_segment *segment, u64 to, u32 seals)
{
	u64 from = mbox_segment_length(segment);

	lockdep_assert_held(&segment->resize);
	if (to > from)
		return seals & MBOX_SEAL_GROW ? -EPERM :
			mbox_segment_grow(segment, from, to);
	if (to < from)
		return seals & MBOX_SEAL_SHRINK ? -EPERM :
			mbox_segment_shrink(segment, from, to);
	return 0;
}

/* The length is changed under the seals of before: one call can do both. */
static int mbox_segment_change(struct mbox_segment *segment,
			       const struct mbox_ioc_set *set)
{
	u32 before = segment->seals;
	int err = 0;

	if (set->fields & MBOX_SET_SEALS)
		err = mbox_segment_seal(segment, set->seals);
	if (err || !(set->fields & MBOX_SET_LENGTH))
		return err;
	err = mbox_segment_resize(segment, set->length, before);
	if (err)
		mbox_segment_unseal(segment, before);
	return err;
}

/**
 * mbox_segment_set() - change attributes
 * @segment: the segment
 * @set: the change
 *
 * Return: 0, -EPERM, -EINVAL, -EBUSY, -EDQUOT or what vfs_truncate() says.
 */
int mbox_segment_set(struct mbox_segment *segment,
		     const struct mbox_ioc_set *set)
{
	struct mbox_object *object = &segment->object;
	int err;

	mutex_lock(&segment->resize);
	mutex_lock(&object->ns->lock);
	err = mbox_object_may_set(object, set);
	mutex_unlock(&object->ns->lock);
	if (!err)
		err = mbox_segment_change(segment, set);
	if (!err) {
		mutex_lock(&object->ns->lock);
		mbox_object_set(object, set);
		mutex_unlock(&object->ns->lock);
	}
	mutex_unlock(&segment->resize);
	return err;
}

/**
 * mbox_segment_status_locked() - what there is to know of a segment
 * @segment: the segment; its namespace's lock is held
 * @status: written
 */
void mbox_segment_status_locked(struct mbox_segment *segment,
				struct mbox_ioc_segment_status *status)
{
	struct mbox_object *object = &segment->object;

	lockdep_assert_held(&object->ns->lock);
	*status = (struct mbox_ioc_segment_status) {
		.id = object->id,
		.length = mbox_segment_length(segment),
		.resident = (u64)segment->memory->f_mapping->nrpages <<
			    PAGE_SHIFT,
		.mode = object->mode,
		.uid = from_kuid_munged(current_user_ns(), object->uid),
		.gid = from_kgid_munged(current_user_ns(), object->gid),
		.flags = segment->flags,
	};
	spin_lock(&segment->lock);
	status->attached = segment->attached;
	status->writable = segment->writable;
	status->seals = segment->seals;
	spin_unlock(&segment->lock);
	mbox_pool_status(segment, status);
}

/**
 * mbox_segment_status() - what there is to know of a segment
 * @segment: the segment
 * @status: written
 */
void mbox_segment_status(struct mbox_segment *segment,
			 struct mbox_ioc_segment_status *status)
{
	mutex_lock(&segment->object.ns->lock);
	mbox_segment_status_locked(segment, status);
	mutex_unlock(&segment->object.ns->lock);
}

static struct mbox_segment *mbox_vma_segment(const struct vm_area_struct *vma)
{
	return mbox_file_segment(vma->vm_private_data);
}

static bool mbox_vma_writable(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) ==
	       (VM_SHARED | VM_MAYWRITE);
}

static void mbox_vma_open(struct vm_area_struct *vma)
{
	struct mbox_segment *segment = mbox_vma_segment(vma);

	get_file(vma->vm_private_data);
	spin_lock(&segment->lock);
	segment->attached++;
	segment->writable += mbox_vma_writable(vma);
	spin_unlock(&segment->lock);
}

static void mbox_vma_close(struct vm_area_struct *vma)
{
	struct mbox_segment *segment = mbox_vma_segment(vma);

	spin_lock(&segment->lock);
	segment->attached--;
	segment->writable -= mbox_vma_writable(vma);
	spin_unlock(&segment->lock);
	/* Releases the file later and so never the module from under us. */
	fput(vma->vm_private_data);
}

static vm_fault_t mbox_vma_fault(struct vm_fault *vmf)
{
	const struct mbox_segment *segment = mbox_vma_segment(vmf->vma);

	return READ_ONCE(segment->memory_ops)->fault(vmf);
}

static const struct vm_operations_struct mbox_vma_ops = {
	.open = mbox_vma_open,
	.close = mbox_vma_close,
	.fault = mbox_vma_fault,
	.map_pages = filemap_map_pages,
};

static int mbox_segment_attach(struct mbox_segment *segment,
			       struct vm_area_struct *vma)
{
	bool sealed;
	int err = 0;

	spin_lock(&segment->lock);
	sealed = segment->seals & MBOX_SEAL_WRITE && vma->vm_flags & VM_SHARED;
	if (sealed && vma->vm_flags & VM_WRITE)
		err = -EPERM;
	if (!err) {
		segment->attached++;
		segment->writable += !sealed && mbox_vma_writable(vma);
	}
	spin_unlock(&segment->lock);
	/* Sleeps, and nobody else sees the mapping yet. */
	if (sealed)
		vm_flags_clear(vma, VM_MAYWRITE);
	return err;
}

static int mbox_segment_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct mbox_segment *segment = mbox_file_segment(file);
	struct file *memory = segment->memory;
	int err = memory->f_op->mmap(memory, vma);

	if (err)
		return err;
	err = mbox_segment_attach(segment, vma);
	if (err)
		return err;
	if (segment->flags & MBOX_HUGEPAGE)
		vm_flags_set(vma, VM_HUGEPAGE);
	vma->vm_private_data = get_file(file);
	WRITE_ONCE(segment->memory_ops, vma->vm_ops);
	vma->vm_ops = &mbox_vma_ops;
	vma_set_file(vma, memory);
	return 0;
}

static unsigned long mbox_segment_area(struct file *file, unsigned long addr,
				       unsigned long len, unsigned long pgoff,
				       unsigned long flags)
{
	struct file *memory = mbox_file_segment(file)->memory;

	return memory->f_op->get_unmapped_area(memory, addr, len, pgoff, flags);
}

static const struct file_operations mbox_segment_fops = {
	.owner = THIS_MODULE,
	.mmap = mbox_segment_mmap,
	.poll = mbox_pool_poll,
	.get_unmapped_area = mbox_segment_area,
	.unlocked_ioctl = mbox_segment_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = mbox_handle_release,
	.show_fdinfo = mbox_show_fdinfo,
};

/**
 * mbox_is_segment() - does a file stand for a segment?
 * @file: any file
 */
bool mbox_is_segment(const struct file *file)
{
	return file->f_op == &mbox_segment_fops;
}

const struct mbox_kind_ops mbox_segment_ops = {
	.kind = MBOX_SEGMENT,
	.resource = MBOX_SEGMENTS,
	.label = "[mbox:segment]",
	.fops = &mbox_segment_fops,
	.create = mbox_segment_create,
	.free = mbox_segment_free,
};
