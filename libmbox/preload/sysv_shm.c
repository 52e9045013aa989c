/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * System V shared memory, see shmget(2): a segment, and an attachment is a
 * mapping of it.
 *
 * A segment that is open has its memory. So this process has one open during a
 * call, and while it has it attached: its id holds that long without its name.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "../src/internal.h"
#include "preload.h"

/* As shmmni of Linux is. */
#define SEGMENTS_MAX	4096

/**
 * struct attachment - a mapping
 * @address: where it begins
 * @length: in whole pages
 * @ipc: what is mapped, with a use of it
 * @next: in the list
 */
struct attachment {
	char *address;
	size_t length;
	struct preload_ipc *ipc;
	struct attachment *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct attachment *attachments;

static void fork_begins(void)
{
	pthread_mutex_lock(&lock);
}

static void fork_ends(void)
{
	pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void mind_forks(void)
{
	pthread_atfork(fork_begins, fork_ends, fork_ends);
}

/* What shmget(2) was asked for. */
struct wanted {
	size_t size;
	int flags;
};

static int create(const void *arg)
{
	const struct wanted *wanted = arg;
	struct mbox_ioc_segment req = {
		.length = wanted->size,
		.oflag = O_RDWR,
		.mode = 0600,
		.flags = wanted->flags & SHM_HUGETLB ? MBOX_HUGEPAGE : 0,
	};

	return wanted->size ? mbox_device_ioctl(MBOX_IOC_SEGMENT, &req) :
			      -EINVAL;
}

static const struct preload_ipc_kind segments = {
	.kind = MBOX_SEGMENT,
	.prefix = "sysv-shm",
	.create = create,
	.brief = true,
};

static int status_of(const struct preload_ipc *ipc,
		     struct mbox_ioc_segment_status *status)
{
	*status = (struct mbox_ioc_segment_status) { .id = 0 };
	return mbox_ioctl(ipc->fd, MBOX_IOC_SEGMENT_STATUS, status);
}

PRELOAD_API int shmget(key_t key, size_t size, int flags)
{
	const struct wanted wanted = { .size = size, .flags = flags };
	struct preload_ipc *ipc = preload_ipc_get(&segments, key, flags,
						  &wanted);
	struct mbox_ioc_segment_status status;
	int ret;

	if (!ipc)
		return -1;
	ret = status_of(ipc, &status);
	if (!ret)
		ret = size > status.length ? -EINVAL : ipc->id;
	preload_ipc_done(ipc);
	return ret < 0 ? preload_fail(ret) : ret;
}

/* Return: 0 or -EINVAL, with where to attach and how mmap(2) takes it. */
static int place(const void *wanted, int flags, char **address, int *map_flags)
{
	uintptr_t at = (uintptr_t)wanted, offset = at % SHMLBA;

	*map_flags = MAP_SHARED;
	if (at)
		*map_flags |= flags & SHM_REMAP ? MAP_FIXED :
						  MAP_FIXED_NOREPLACE;
	if (offset && !(flags & SHM_RND))
		return -EINVAL;
	*address = (char *)(at - offset);
	return flags & SHM_REMAP && !*address ? -EINVAL : 0;
}

static int protection(int flags)
{
	return PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) |
	       (flags & SHM_EXEC ? PROT_EXEC : 0);
}

/* Return: 0 or a negative errno. */
static int map(struct attachment *attachment, const void *wanted, int flags)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct mbox_ioc_segment_status status;
	int ret, map_flags;
	char *address;

	ret = place(wanted, flags, &address, &map_flags);
	if (!ret)
		ret = status_of(attachment->ipc, &status);
	if (ret)
		return ret;
	attachment->length = (status.length + page - 1) & ~(page - 1);
	attachment->address = mmap(address, attachment->length,
				   protection(flags), map_flags,
				   attachment->ipc->fd, 0);
	if (attachment->address == MAP_FAILED)
		return errno == EEXIST ? -EINVAL : -errno;
	return 0;
}

static void drop(struct attachment **at)
{
	struct attachment *attachment = *at;

	*at = attachment->next;
	preload_ipc_done(attachment->ipc);
	free(attachment);
}

/* Those that began there are gone: by SHM_REMAP, or the program's munmap(). */
static void add_locked(struct attachment *attachment)
{
	struct attachment **at = &attachments;

	while (*at) {
		if ((*at)->address >= attachment->address &&
		    (*at)->address < attachment->address + attachment->length)
			drop(at);
		else
			at = &(*at)->next;
	}
	attachment->next = attachments;
	attachments = attachment;
}

static int attach(struct attachment *attachment, const void *address, int flags)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = map(attachment, address, flags);
	if (!ret)
		add_locked(attachment);
	pthread_mutex_unlock(&lock);
	return ret;
}

PRELOAD_API void *shmat(int id, const void *address, int flags)
{
	struct preload_ipc *ipc = preload_ipc_use(&segments, id);
	struct attachment *attachment;
	int ret = -ENOMEM;

	if (!ipc)
		return MAP_FAILED;
	attachment = calloc(1, sizeof(*attachment));
	if (attachment) {
		attachment->ipc = ipc;
		ret = attach(attachment, address, flags);
	}
	if (!ret)
		return attachment->address;
	free(attachment);
	preload_ipc_done(ipc);
	preload_fail(ret);
	return MAP_FAILED;
}

PRELOAD_API int shmdt(const void *address)
{
	struct attachment **at = &attachments;
	int ret = -EINVAL;

	pthread_mutex_lock(&lock);
	while (*at && (*at)->address != address)
		at = &(*at)->next;
	if (*at) {
		ret = munmap((*at)->address, (*at)->length) ? -errno : 0;
		drop(at);
	}
	pthread_mutex_unlock(&lock);
	return ret ? preload_fail(ret) : 0;
}

static int tell(const struct preload_ipc *ipc, struct shmid_ds *ds)
{
	struct mbox_ioc_segment_status status;
	char name[PRELOAD_IPC_NAME];
	int ret = status_of(ipc, &status);
	bool named;

	if (!ret && (fcntl(ipc->fd, F_GETFL) & O_ACCMODE) == O_ACCMODE)
		ret = -EACCES;
	if (ret)
		return ret;
	named = !preload_ipc_name(&segments, ipc->id, name);
	*ds = (struct shmid_ds) {
		.shm_perm = preload_ipc_perm(&segments, named ? name : NULL,
					     status.uid, status.gid,
					     status.mode |
					     (named ? 0 : SHM_DEST)),
		.shm_segsz = status.length,
		.shm_nattch = status.attached,
	};
	return 0;
}

static int set(const struct preload_ipc *ipc, const struct shmid_ds *ds)
{
	struct mbox_ioc_segment_status status;
	struct mbox_ioc_set req = { 0 };
	int ret = status_of(ipc, &status);

	if (ret)
		return ret;
	preload_ipc_perm_set(&req, &ds->shm_perm, status.uid, status.gid);
	return mbox_ioctl(ipc->fd, MBOX_IOC_SET, &req);
}

/* Those that have it attached go on, so to remove it is to take its name. */
static int remove_name(const struct preload_ipc *ipc)
{
	char name[PRELOAD_IPC_NAME];
	struct mbox_ioc_unlink req = { .name = mbox_address(name) };

	int ret;

	if (preload_ipc_name(&segments, ipc->id, name))
		return 0;
	ret = mbox_device_ioctl(MBOX_IOC_UNLINK, &req);
	return ret == -ENOENT ? -EINVAL : ret;
}

static int stat_to(const struct preload_ipc *ipc, void *to)
{
	struct shmid_ds ds;
	int ret = tell(ipc, &ds);

	return ret ? ret : preload_copy(to, &ds, sizeof(ds));
}

static int set_from(const struct preload_ipc *ipc, const void *from)
{
	struct shmid_ds ds;
	int ret = preload_copy(&ds, from, sizeof(ds));

	return ret ? ret : set(ipc, &ds);
}

static int control(const struct preload_ipc *ipc, int command, void *ds)
{
	int ret;

	switch (command) {
	case SHM_STAT:
	case SHM_STAT_ANY:
		ret = stat_to(ipc, ds);
		return ret ? ret : ipc->id;
	case IPC_STAT:
		return stat_to(ipc, ds);
	case IPC_SET:
		return set_from(ipc, ds);
	case IPC_RMID:
		return remove_name(ipc);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

/* Return: the index of the last segment, as ipcs(1) wants to know, or -EFAULT. */
static int give_info(void *to, const void *info, size_t length, int count)
{
	int ret = preload_copy(to, info, length);

	return ret || !count ? ret : count - 1;
}

static int limits(void *to)
{
	static const struct shminfo info = {
		.shmmax = LONG_MAX,
		.shmmin = 1,
		.shmmni = SEGMENTS_MAX,
		.shmseg = SEGMENTS_MAX,
		.shmall = LONG_MAX,
	};

	return give_info(to, &info, sizeof(info),
			 preload_ipc_total(&segments).count);
}

/* In pages, those of a length that is no multiple rounded down. */
static int usage(void *to)
{
	struct preload_ipc_total total = preload_ipc_total(&segments);
	unsigned long page = sysconf(_SC_PAGESIZE);
	struct shm_info info = {
		.used_ids = total.count,
		.shm_tot = total.size / page,
		.shm_rss = total.bytes / page,
	};

	return give_info(to, &info, sizeof(info), total.count);
}

PRELOAD_API int shmctl(int id, int command, struct shmid_ds *ds)
{
	struct preload_ipc *ipc;
	int ret;

	if (command == IPC_INFO || command == SHM_INFO) {
		ret = command == IPC_INFO ? limits(ds) : usage(ds);
		return ret < 0 ? preload_fail(ret) : ret;
	}
	if (command == SHM_STAT || command == SHM_STAT_ANY)
		id = preload_ipc_at(&segments, id);
	ipc = preload_ipc_use(&segments, id);
	if (!ipc)
		return -1;
	ret = control(ipc, command, ds);
	preload_ipc_done(ipc);
	return ret < 0 ? preload_fail(ret) : ret;
}
