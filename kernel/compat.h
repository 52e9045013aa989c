/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between the kernels that mbox builds on: 6.1 and 6.12.
 */
#ifndef _MBOX_COMPAT_H
#define _MBOX_COMPAT_H

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/version.h>
#include <linux/wait.h>
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#include <linux/io_uring.h>
#else
#include <linux/io_uring/cmd.h>
#endif

/*
 * The waker is about to sleep. Wait queues have exported functions for that, a
 * single task has default_wake_function(), whose flag kernel/sched/ keeps to
 * itself.
 */
#define MBOX_WF_SYNC	0x10

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define mbox_assign_str(field, string) __assign_str(field, string)
#else
#define mbox_assign_str(field, string) __assign_str(field)
#endif

/* What an inode operation is told of the mount's owners. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define mbox_idmap user_namespace
#else
#define mbox_idmap mnt_idmap
#endif

static inline void mbox_fillattr(struct mbox_idmap *idmap, u32 mask,
				 struct inode *inode, struct kstat *stat)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	generic_fillattr(idmap, inode, stat);
#else
	generic_fillattr(idmap, mask, inode, stat);
#endif
}

static inline void mbox_inode_init_times(struct inode *inode)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	inode->i_mtime = current_time(inode);
	inode->i_atime = inode->i_mtime;
	inode->i_ctime = inode->i_mtime;
#else
	simple_inode_init_ts(inode);
#endif
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define mbox_splice_read generic_file_splice_read
#else
#define mbox_splice_read copy_splice_read
#endif

static inline int mbox_receive_fd(struct file *file, unsigned int o_flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	return receive_fd(file, o_flags);
#else
	return receive_fd(file, NULL, o_flags);
#endif
}

/* What the submitter wrote for us; it can still change. */
static inline const void *mbox_uring_payload(const struct io_uring_cmd *cmd)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	return cmd->cmd;
#else
	return io_uring_sqe_cmd(cmd->sqe);
#endif
}

#endif /* _MBOX_COMPAT_H */
