/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The preload library: calls of libc that go to mailboxes instead.
 */
#ifndef MBOX_PRELOAD_H
#define MBOX_PRELOAD_H

#include <dlfcn.h>
#include <mqueue.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/types.h>

#include <linux/mbox.h>

/* These stand in for calls of libc; all else is hidden. */
#define PRELOAD_API	__attribute__((visibility("default")))

/* Defines next_NAME(), which returns what NAME would be without this library. */
#define PRELOAD_NEXT(name)						\
	static __typeof__(name) *next_##name(void)			\
	{								\
		static __typeof__(name) *_Atomic next;			\
									\
		if (!next)						\
			next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name); \
		return next;						\
	}

/*
 * descriptor.c: give @fd, which is not open any more then, a number at which the
 * program cannot close it, close-on-exec; or -errno. The same of one that stays
 * open. And the way to close that number.
 */
int preload_hide(int fd);
int preload_hide_copy(int fd);
void preload_close_hidden(int fd);

/*
 * descriptor.c: false between vfork(2) and execve(2): then the parent, whose
 * memory this is, goes on having what its child closes
 */
bool preload_owns_memory(void);

/* mqueue.c: -1, with errno set from a negative one; the same, unless it is none */
int preload_fail(int error);
int preload_result(int ret);

/* mqueue.c: a mailbox that can be a queue; or -EBADF, -ENOTTY */
int preload_queue_status(mqd_t queue, struct mbox_ioc_status *status);

/* mqueue.c: these numbers are, or are about to be, no queues any more */
void preload_queue_closed(int fd);
void preload_queues_closed(unsigned int first, unsigned int last);

/* mqueue.c: of a name without its slash */
mqd_t preload_mq_open(const char *name, int oflag, mode_t mode,
		      const struct mq_attr *attr);
int preload_mq_unlink(const char *name);

/* mqueue.c: where NULL stands for what is not given */
int preload_mq_getsetattr(mqd_t queue, const struct mq_attr *attr,
			  struct mq_attr *old);
int preload_mq_send(mqd_t queue, const char *data, size_t len,
		    unsigned int prio, const struct timespec *timeout);
ssize_t preload_mq_receive(mqd_t queue, char *buf, size_t size,
			   unsigned int *prio, const struct timespec *timeout);

/* mqueue.c: a send or a receive, as a cancellation point */
int preload_transfer(int fd, unsigned long request, struct mbox_ioc_msg *msg);

/* notify.c: the thread that waits for a notice of that mailbox, if any, ends */
void preload_notice_drop(uint64_t id);

/*
 * ipc.c: System V objects. A kind has the prefix of its names, and makes one
 * without a name, open for both, of what the get call was given; or -errno. One
 * that is brief is closed with its last user, the others when they are gone.
 */
struct preload_ipc_kind {
	enum mbox_kind kind;
	const char *prefix;
	int (*create)(const void *arg);
	bool brief;
};

#define PRELOAD_IPC_NAME	64

/* One that is open, with all the rights that this user has to it. */
struct preload_ipc {
	int id;
	int fd;
	uid_t uid;
	gid_t gid;
	unsigned int users;
	bool removed;
	bool brief;
	struct preload_ipc *next;
};

/*
 * ipc.c: as msgget(2) and shmget(2), and by an id; for preload_ipc_done(). Or NULL
 * with errno, EINVAL if nothing has that id.
 */
struct preload_ipc *preload_ipc_get(const struct preload_ipc_kind *kind,
				    key_t key, int flags, const void *arg);
struct preload_ipc *preload_ipc_use(const struct preload_ipc_kind *kind, int id);
void preload_ipc_done(struct preload_ipc *ipc);
/* ipc.c: it is gone: closed with its last user, and not found again */
void preload_ipc_removed(struct preload_ipc *ipc);
/* ipc.c: from and to what the caller of a system call points to: 0 or -EFAULT */
int preload_copy(void *to, const void *from, size_t length);

/* ipc_table.c: the name of an id: 0 or -EINVAL */
int preload_ipc_name(const struct preload_ipc_kind *kind, int id,
		     char name[PRELOAD_IPC_NAME]);
/* ipc_table.c: the id of the one with @index others before, or -EINVAL */
int preload_ipc_at(const struct preload_ipc_kind *kind, int index);

/* Of all of a kind: how many, and sums of these columns of the table. */
struct preload_ipc_total {
	int count;
	unsigned long long size;
	unsigned long long queued;
	unsigned long long bytes;
};

struct preload_ipc_total preload_ipc_total(const struct preload_ipc_kind *kind);

/* ipc_table.c: what is told of one, @name is NULL if it has none; and taken */
struct ipc_perm preload_ipc_perm(const struct preload_ipc_kind *kind,
				 const char *name, uid_t uid, gid_t gid,
				 mode_t mode);
void preload_ipc_perm_set(struct mbox_ioc_set *req, const struct ipc_perm *perm,
			  uid_t uid, gid_t gid);

#endif /* MBOX_PRELOAD_H */
