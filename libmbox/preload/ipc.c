/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * System V IPC, see sysvipc(7): objects found by key, and by an id that holds for
 * all processes.
 *
 * A key is a name. An id is the number that no other object of this boot has,
 * so the one of an object that is gone is never another's; ipc_table.c finds its
 * name. A process keeps open what it has used, for the next call with that id.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <unistd.h>

#include "../src/internal.h"
#include "preload.h"

#define O_NEITHER	(O_WRONLY | O_RDWR)

/* Protects the list, and of what is in it @users and @removed. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct preload_ipc *known;

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

static void key_name(char name[PRELOAD_IPC_NAME], const char *prefix, key_t key)
{
	snprintf(name, PRELOAD_IPC_NAME, "%s:0x%08x", prefix, (unsigned int)key);
}

static void private_name(char name[PRELOAD_IPC_NAME], const char *prefix)
{
	static atomic_uint last;

	snprintf(name, PRELOAD_IPC_NAME, "%s:private:%d:%u", prefix, getpid(),
		 ++last);
}

/* With all the rights that the caller has. */
static int open_name(const struct preload_ipc_kind *kind, const char *name)
{
	static const int rights[] = { O_RDWR, O_RDONLY, O_WRONLY, O_NEITHER };
	int fd = -EACCES;
	size_t i;

	for (i = 0; i < 4 && fd == -EACCES; i++) {
		struct mbox_ioc_open req = {
			.name = mbox_address(name),
			.oflag = rights[i],
			.kind = kind->kind,
		};

		if (kind->kind == MBOX_SEGMENT && rights[i] == O_WRONLY)
			continue;
		fd = mbox_device_ioctl(MBOX_IOC_OPEN, &req);
	}
	return fd;
}

/* The status of both kinds begins with it. */
static int64_t id_of(const struct preload_ipc_kind *kind, int fd)
{
	union {
		struct mbox_ioc_status mailbox;
		struct mbox_ioc_segment_status segment;
	} status = { .mailbox.id = 0 };
	int ret = kind->kind == MBOX_SEGMENT ?
		mbox_ioctl(fd, MBOX_IOC_SEGMENT_STATUS, &status.segment) :
		mbox_ioctl(fd, MBOX_IOC_STATUS, &status.mailbox);

	return ret ? ret : (int64_t)status.mailbox.id;
}

/*
 * As a system call: a bad address is an error. A pipe has its bytes copied by the
 * kernel, which each kernel has and every sandbox lets by.
 */
int preload_copy(void *to, const void *from, size_t length)
{
	int ends[2], ret = -EFAULT;

	if (pipe2(ends, O_CLOEXEC)) {
		memcpy(to, from, length);
		return 0;
	}
	if (write(ends[1], from, length) == (ssize_t)length &&
	    read(ends[0], to, length) == (ssize_t)length)
		ret = 0;
	close(ends[0]);
	close(ends[1]);
	return ret;
}

/* System V checks each call: what another user opened here is opened anew. */
static struct preload_ipc *find_locked(int id)
{
	struct preload_ipc *ipc = known;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	while (ipc && (ipc->id != id || ipc->removed || ipc->uid != uid ||
		       ipc->gid != gid))
		ipc = ipc->next;
	return ipc;
}

/* Takes @fd over. Return: it has a user more, or NULL if there is no room. */
static struct preload_ipc *add_locked(const struct preload_ipc_kind *kind,
				      int id, int fd)
{
	struct preload_ipc *ipc = find_locked(id);

	if (ipc) {
		close(fd);
	} else {
		ipc = malloc(sizeof(*ipc));
		fd = preload_hide(fd);
		if (!ipc || fd < 0) {
			preload_close_hidden(fd);
			free(ipc);
			return NULL;
		}
		*ipc = (struct preload_ipc) {
			.id = id,
			.fd = fd,
			.uid = geteuid(),
			.gid = getegid(),
			.brief = kind->brief,
			.next = known,
		};
		known = ipc;
	}
	ipc->users++;
	return ipc;
}

static struct preload_ipc *add(const struct preload_ipc_kind *kind, int id,
			       int fd)
{
	struct preload_ipc *ipc;

	pthread_mutex_lock(&lock);
	ipc = add_locked(kind, id, fd);
	pthread_mutex_unlock(&lock);
	return ipc;
}

static int open_id(const struct preload_ipc_kind *kind, int id)
{
	char name[PRELOAD_IPC_NAME];
	int fd = preload_ipc_name(kind, id, name);

	if (!fd)
		fd = open_name(kind, name);
	if (fd >= 0 && id_of(kind, fd) != id) {
		close(fd);
		fd = -EINVAL;
	}
	return fd == -ENOENT || fd == -EPROTOTYPE ? -EINVAL : fd;
}

struct preload_ipc *preload_ipc_use(const struct preload_ipc_kind *kind, int id)
{
	struct preload_ipc *ipc;
	int fd;

	pthread_mutex_lock(&lock);
	ipc = find_locked(id);
	if (ipc)
		ipc->users++;
	pthread_mutex_unlock(&lock);
	if (ipc)
		return ipc;
	fd = id < 0 ? -EINVAL : open_id(kind, id);
	if (fd >= 0) {
		ipc = add(kind, id, fd);
		fd = -ENOMEM;
	}
	if (!ipc)
		preload_fail(fd);
	return ipc;
}

static void unlink_locked(const struct preload_ipc *ipc)
{
	struct preload_ipc **at = &known;

	while (*at != ipc)
		at = &(*at)->next;
	*at = ipc->next;
}

void preload_ipc_done(struct preload_ipc *ipc)
{
	bool last;

	pthread_mutex_lock(&lock);
	last = !--ipc->users && (ipc->removed || ipc->brief);
	if (last)
		unlink_locked(ipc);
	pthread_mutex_unlock(&lock);
	if (!last)
		return;
	preload_close_hidden(ipc->fd);
	free(ipc);
}

void preload_ipc_removed(struct preload_ipc *ipc)
{
	pthread_mutex_lock(&lock);
	ipc->removed = true;
	pthread_mutex_unlock(&lock);
}

/* What the mode bits in the flags of a get call ask for. */
static int wanted(int flags)
{
	return (flags & 0444 ? R_OK : 0) | (flags & 0222 ? W_OK : 0);
}

static int granted(int fd)
{
	static const int rights[] = { R_OK, W_OK, R_OK | W_OK, 0 };

	return rights[fcntl(fd, F_GETFL) & O_ACCMODE];
}

static int open_key(const struct preload_ipc_kind *kind, const char *name,
		    int flags)
{
	int fd = open_name(kind, name);

	if (fd >= 0 && wanted(flags) & ~granted(fd)) {
		close(fd);
		fd = -EACCES;
	}
	return fd;
}

/* It has its mode, whatever the umask, before anybody can find it. */
static int create(const struct preload_ipc_kind *kind, const char *name,
		  int flags, const void *arg)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_MODE,
		.mode = flags & 0777,
	};
	struct mbox_ioc_link link = { .name = mbox_address(name) };
	int fd = kind->create(arg);
	int ret;

	if (fd < 0)
		return fd;
	ret = mbox_ioctl(fd, MBOX_IOC_SET, &set);
	if (!ret)
		ret = mbox_ioctl(fd, MBOX_IOC_LINK, &link);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

/* Somebody else can create or remove it at any moment. */
static int open_or_create(const struct preload_ipc_kind *kind, key_t key,
			  int flags, const void *arg)
{
	bool exclusive = key == IPC_PRIVATE || flags & IPC_EXCL;
	char name[PRELOAD_IPC_NAME];
	int fd;

	do {
		if (key == IPC_PRIVATE)
			private_name(name, kind->prefix);
		else
			key_name(name, kind->prefix, key);
		fd = exclusive && flags & IPC_CREAT ? -ENOENT :
						      open_key(kind, name, flags);
		if (fd == -ENOENT && flags & IPC_CREAT)
			fd = create(kind, name, flags, arg);
	} while (fd == -EEXIST && (key == IPC_PRIVATE || !exclusive));
	return fd;
}

struct preload_ipc *preload_ipc_get(const struct preload_ipc_kind *kind,
				    key_t key, int flags, const void *arg)
{
	struct preload_ipc *ipc = NULL;
	int64_t id = -ENOSPC;
	int fd;

	if (key == IPC_PRIVATE)
		flags |= IPC_CREAT;
	fd = open_or_create(kind, key, flags, arg);
	if (fd >= 0)
		id = id_of(kind, fd);
	if (id >= 0 && id <= INT_MAX)
		ipc = add(kind, id, fd);
	else if (fd >= 0)
		close(fd);
	if (!ipc)
		preload_fail(fd >= 0 ? -ENOMEM : fd == -EDQUOT ? -ENOSPC : fd);
	return ipc;
}
