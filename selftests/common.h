/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests share. They use the raw ioctls; nothing here hides one. A function that can
 * fail returns -errno, so that a test compares with the exact errno.
 */
#ifndef MBOX_SELFTESTS_COMMON_H
#define MBOX_SELFTESTS_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/mbox.h>

#define NS_PER_MS	1000000ULL
#define NS_PER_S	1000000000ULL

/* Users that nothing else on the machine runs as. */
#define USER_A		1001
#define USER_B		1002
#define USER_C		1003

/* The largest message of the mailboxes that mb_create() makes. */
#define MSGSIZE		4096

static inline __u64 addr(const void *p)
{
	return (uintptr_t)p;
}

/* The same ioctl from a caller whose struct has another size. */
static inline unsigned long ioc_sized(unsigned long cmd, size_t size)
{
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size);
}

/* ioctl(2) that returns -errno. */
int ctl(int fd, unsigned long cmd, const void *arg);

/* A descriptor of /dev/mbox, opened once for each process. */
int device(void);

/* A name that no other test uses, of this process and of @tag. */
const char *unique_name(const char *tag);

/* Mailboxes of mode 0666 that take messages of MSGSIZE; an anonymous one without a name. */
struct mbox_ioc_create mb_template(const char *name, __u64 capacity, __u32 oflag);
int mb_create(const char *name, __u64 capacity, __u32 oflag);
int mb_create_flags(const char *name, __u64 capacity, __u32 oflag, __u32 flags);
int mb_open(const char *name, __u32 oflag);
int mb_open_kind(const char *name, __u32 oflag, __u32 kind);
/* The same object once more, with some of the rights. */
int mb_reopen(int fd, __u32 oflag);
int mb_unlink(const char *name);
int mb_link(int fd, const char *name);
int mb_set_capacity(int fd, __u64 capacity);
/* Any object to USER_A and the group USER_B, with that mode. */
int give_away(int fd, __u32 mode);
/* A descriptor of a new mailbox with what is in that of @fd now. */
int mb_snapshot(int fd);

/* One mailbox by a descriptor for each right; the name is already gone. */
struct mb_ends {
	int both;
	int rx;
	int tx;
};

int mb_ends_open(struct mb_ends *ends, __u64 capacity, __u32 flags);
void mb_ends_close(struct mb_ends *ends);

struct mbox_ioc_status mb_status(int fd);
bool mb_unchanged(int fd, const struct mbox_ioc_status *before);

/* Streams of mode 0666 that hold STREAM_SIZE bytes. */
#define STREAM_SIZE	65536
struct mbox_ioc_create st_template(const char *name, __u32 oflag);
int st_create(const char *name, __u32 oflag);
int st_open(const char *name, __u32 oflag);
/* read(2), write(2) and FIONREAD, with -errno. */
ssize_t st_get(int fd, void *buf, size_t len);
ssize_t st_put(int fd, const void *buf, size_t len);
int st_unread(int fd);

/* A read, a write or something else on a stream in a thread of its own. */
struct st_call {
	ssize_t (*run)(struct st_call *call);
	int fd;
	void *buf;
	size_t len;
	const char *name;
	__u32 oflag;
	ssize_t ret;
	bool done;
	pthread_t thread;
};

ssize_t st_call_get(struct st_call *call);
ssize_t st_call_put(struct st_call *call);
int st_call_start(struct st_call *call);
bool st_call_done(struct st_call *call);
/* What it returned, or -ETIME when it does not come back. */
ssize_t st_call_join(struct st_call *call);

/* Segments of mode 0666. */
struct mbox_ioc_segment seg_template(const char *name, __u64 length, __u32 oflag);
int seg_create(const char *name, __u64 length, __u32 oflag);
int seg_open(const char *name, __u32 oflag);
/* One that is sealed against another size, and divided into buffers of so many bytes. */
int seg_pool(const char *name, __u64 length, __u64 size);
struct mbox_ioc_segment_status seg_status(int fd);

/* mmap(2) from offset 0: NULL with errno when it fails; and only whether it would work. */
void *map_fd(int fd, size_t len, int prot, int flags);
int map_errno(int fd, size_t len, int prot, int flags);

struct mbox_ioc_msg mb_msg(const void *buf, size_t len, __u32 flags);
int mb_send(int fd, const void *buf, size_t len, __u32 prio, __u32 flags);
/* The length of the message. */
int mb_recv(int fd, void *buf, size_t room, __u32 flags);

/* Messages that are one number, 0 to INT_MAX; mb_take() returns the number. */
int mb_put(int fd, __u32 number, __u32 prio, __u32 flags);
int mb_take(int fd, __u32 flags);

/* An anonymous mailbox whose messages can carry descriptors. */
int mb_carrier(__u64 capacity, __u32 oflag);
/* A message that is a number and carries descriptors. mb_take_fds() returns how many came. */
int mb_put_fds(int fd, __u32 number, const struct mbox_fd *fds, __u32 nr, __u32 flags);
int mb_take_fds(int fd, __u32 number, struct mbox_fd *fds, __u32 room, __u32 flags);
/* One descriptor: mb_take_fd() returns it. */
int mb_put_fd(int fd, int what, __u32 flags);
int mb_take_fd(int fd, __u32 flags);

/* A call with nothing in its request; its receipt, which returns the delivery; and a reply. */
int mb_ask(int fd, __u64 deadline);
__s64 mb_accept(int fd);
int mb_answer(int fd, __u64 delivery);

/* A send or a receive of a number in a thread of its own. */
struct mb_call {
	int fd;
	unsigned long cmd;
	struct mbox_ioc_msg msg;
	__u32 number;
	int ret;
	bool done;
	pthread_t thread;
};

void call_put(struct mb_call *call, int fd, __u32 number, __u32 prio, __u32 flags);
void call_take(struct mb_call *call, int fd, __u32 flags);
int call_start(struct mb_call *call);
bool call_done(struct mb_call *call);
/* What the ioctl returned, or -ETIME when it does not come back. */
int call_join(struct mb_call *call);

/* All that poll(2) can tell of a descriptor, without waiting. */
#define IN	(POLLIN | POLLRDNORM)
#define OUT	(POLLOUT | POLLWRNORM)
int events(int fd);

/* Children die with the test. child_end() leaves the child, or waits for it. */
pid_t child_fork(void);
int child_wait(pid_t pid);
pid_t child_end(pid_t pid);

/* Becomes that user in this process, with no groups beside and no capability. */
int become(uid_t uid, gid_t gid);
int drop_capability(int cap);
/* A user namespace in which the caller is @inside; its own network namespace on request. */
int enter_user_namespace(uid_t inside, int more_flags);

/* The caller and its children stay on this processor; SCHED_FIFO keeps others off it. */
int stay_here(void);
int schedule_as(int policy);

__u64 now_ns(clockid_t clock);
static inline __u64 in_ms(__u64 ms)
{
	return now_ns(CLOCK_MONOTONIC) + ms * NS_PER_MS;
}

/* Polls a condition; false after a time that only a broken kernel needs. */
#define WAIT_LIMIT_S	100
#define wait_until(cond) ({						\
	__u64 end_ = in_ms(WAIT_LIMIT_S * 1000);			\
	bool true_;							\
									\
	while (!(true_ = (cond)) && now_ns(CLOCK_MONOTONIC) < end_)	\
		usleep(500);						\
	true_;								\
})
#define wait_receivers(fd, nr)	wait_until(mb_status(fd).waiting_receivers == (nr))
#define wait_senders(fd, nr)	wait_until(mb_status(fd).waiting_senders == (nr))

/* Zeroed memory that children share; never unmapped. */
void *shared_memory(size_t size);
/* An address that nothing is mapped at. */
void *unmapped_page(void);

__u32 prng(__u32 *state);
void pattern_fill(void *buf, size_t len, __u32 seed);
bool pattern_check(const void *buf, size_t len, __u32 seed);

/* The bytes read, NUL-terminated. */
int read_text(const char *path, char *buf, size_t size);
int write_text(const char *path, const char *text);
/* A module parameter in /sys/module/mbox/parameters. */
long long param_get(const char *name);
int param_set(const char *name, long long value);
long long module_refcount(void);

/* How many descriptors this process has open. */
int fds_open(void);

/* What databases and logins are locked by; the smallest kernels have none. */
bool file_locks(void);
#define NO_FILE_LOCKS	"this kernel has no locks for files"

/* Pass a descriptor over a UNIX socket. */
int fd_send(int sock, int fd);
int fd_recv(int sock);

#endif
