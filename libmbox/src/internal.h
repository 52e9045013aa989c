/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What the files of libmbox share and nobody else sees.
 */
#ifndef MBOX_INTERNAL_H
#define MBOX_INTERNAL_H

#include <sys/types.h>

#include <mbox/mbox.h>

/* All else is hidden; libmbox.map lists the same names with their version. */
#define MBOX_API	__attribute__((visibility("default")))

/* A handle is a descriptor with a type. */
struct mbox_object {
	int fd;
};

struct mbox {
	struct mbox_object object;
};

struct mbox_segment {
	struct mbox_object object;
};

/* device.c: the only callers of ioctl(2); a result, or -errno */
int mbox_ioctl(int fd, unsigned long request, void *arg);
int mbox_device_ioctl(unsigned long request, void *arg);

/* mailbox.c: a handle of what the request opens */
int mbox_mailbox_get(struct mbox **mb, unsigned long request, void *arg);

/* name.c: the address of the name as the kernel takes it */
__u64 mbox_name_address(const char *name);

/* object.c: what mailboxes and segments have in common */
int mbox_object_get(struct mbox_object **object, unsigned long request,
		    void *arg);
int mbox_object_adopt(struct mbox_object **object, int fd,
		      unsigned long request, void *status);
void mbox_object_close(struct mbox_object *object);
int mbox_object_chmod(const struct mbox_object *object, mode_t mode);
int mbox_object_chown(const struct mbox_object *object, uid_t uid, gid_t gid);

/* pipe.c: a stream, as a descriptor or -errno */
int mbox_stream_create(const char *name, int oflag, mode_t mode);

/* pipe.c: the driver's descriptors are close-on-exec; those of pipe(2) are not */
void mbox_set_inherited(int fd, int flags);

/* message.c: use what the kernel said of a received message, or of one too large */
int mbox_take_message(struct mbox_message *msg, const struct mbox_ioc_msg *req,
		      int ret);

/* An address as the fixed-width field that carries it. */
static inline __u64 mbox_address(const void *p)
{
	return (__u64)(uintptr_t)p;
}

#endif /* MBOX_INTERNAL_H */
