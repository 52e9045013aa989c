/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the ioctls share: structs of the caller's, which can be
 * shorter or longer than this kernel knows them.
 */
#ifndef _MBOX_IOCTL_H
#define _MBOX_IOCTL_H

#include <linux/uaccess.h>

/**
 * struct mbox_request - one ioctl on its way
 * @file: on which descriptor
 * @user: the caller's struct
 * @size: its size, as the caller knows it
 * @nonblock: it must not wait, whatever the caller says
 */
struct mbox_request {
	struct file *file;
	void __user *user;
	size_t size;
	bool nonblock;
};

/*
 * Most callers know a struct as it is. That copy has a constant size, for which
 * hardened usercopy has nothing to check at run time.
 */
static __always_inline int mbox_struct_get(void *ioc, size_t known,
					   const void __user *user, size_t size)
{
	if (likely(size == known))
		return copy_from_user(ioc, user, known) ? -EFAULT : 0;
	return copy_struct_from_user(ioc, known, user, size);
}

static __always_inline int mbox_struct_put(void __user *user, size_t size,
					   const void *ioc, size_t known)
{
	if (likely(size >= known))
		return copy_to_user(user, ioc, known) ? -EFAULT : 0;
	return copy_to_user(user, ioc, size) ? -EFAULT : 0;
}

/* Copy the struct of a request in, or out. Return: 0, -EFAULT or -E2BIG. */
#define mbox_request_get(request, ioc) ({				\
	const struct mbox_request *__request = (request);		\
	typeof(ioc) __ioc = (ioc);					\
									\
	mbox_struct_get(__ioc, sizeof(*__ioc), __request->user,		\
			__request->size);				\
})
#define mbox_request_put(request, ioc) ({				\
	const struct mbox_request *__request = (request);		\
	typeof(ioc) __ioc = (ioc);					\
									\
	mbox_struct_put(__request->user, __request->size, __ioc,	\
			sizeof(*__ioc));				\
})

/* ioctl_message.c */
int mbox_may_receive(struct file *file);
long mbox_ioctl_send(const struct mbox_request *request);
long mbox_ioctl_recv(const struct mbox_request *request);
long mbox_ioctl_call(const struct mbox_request *request);
long mbox_ioctl_reply(const struct mbox_request *request);
long mbox_ioctl_ack(const struct mbox_request *request);
long mbox_ioctl_send_batch(const struct mbox_request *request);
long mbox_ioctl_recv_batch(const struct mbox_request *request);

#endif /* _MBOX_IOCTL_H */
