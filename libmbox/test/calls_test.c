/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What the library does on its own side of the system calls. The linker puts
 * the functions below in the place of open(2), ioctl(2), fcntl(2) and close(2):
 * the test sees each request, and plays the kernel, so no module is needed. Prints TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "tap.h"

#define DEVICE_FD	1000
#define OBJECT_FD	1001
#define COPY_FD		1002
#define READER_FD	1003
#define WRITER_FD	1004
#define MAX_REQUESTS	32

/* What the library asked for, and what it is to be told. */
static struct {
	int open_errno;
	int ioctl_errno;
	int opened, closed;
	bool closed_fd[8];			/* from DEVICE_FD on */
	int inherited;				/* descriptors without close-on-exec */
	int writer_errno;			/* to its MBOX_IOC_OPEN, or the second join */
	int joined;
	int ends[2];				/* of a real pipe, in the place of a stream */
	int open_flags;
	char path[32];
	int nr;
	struct {
		int fd;
		unsigned long request;
		char name[300];
		union {
			struct mbox_ioc_create create;
			struct mbox_ioc_open open;
			struct mbox_ioc_unlink unlink;
			struct mbox_ioc_segment segment;
			struct mbox_ioc_set set;
			struct mbox_ioc_msg msg;
			struct mbox_ioc_batch batch;
			struct mbox_ioc_exchange exchange;
			struct mbox_ioc_notify notify;
			struct mbox_ioc_link link;
			struct mbox_ioc_snapshot snapshot;
			struct mbox_ioc_ack ack;
			struct mbox_ioc_join join;
			struct mbox_ioc_shutdown shutdown;
		};
		struct mbox_ioc_msg first;	/* entry of a batch, or what is sent */
		struct mbox_ioc_msg second;	/* what the other is received into */
	} seen[MAX_REQUESTS];
	struct mbox_ioc_msg answer;		/* to MBOX_IOC_RECV */
	bool replied;				/* before MBOX_IOC_REPLY failed */
	struct mbox_ioc_status status;
	struct mbox_ioc_segment_status segment;
	int limit;				/* messages that batches pass */
	int passed;
	pid_t end_with_open;			/* a child that ends meanwhile */
} k;

int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __real_close(int fd);

int __wrap_open(const char *path, int flags, ...)
{
	snprintf(k.path, sizeof(k.path), "%s", path);
	k.open_flags = flags;
	if (k.open_errno) {
		errno = k.open_errno;
		return -1;
	}
	k.opened++;
	return DEVICE_FD;
}

int __wrap_close(int fd)
{
	if (k.ends[1] && (fd == k.ends[0] || fd == k.ends[1]))
		return __real_close(fd);
	if (fd == DEVICE_FD)
		k.closed++;
	if (fd >= DEVICE_FD)
		k.closed_fd[fd - DEVICE_FD] = true;
	errno = EIO;
	return -1;
}

static bool closed(int fd)
{
	return k.closed_fd[fd - DEVICE_FD];
}

int __wrap_fcntl(int fd, int command, ...)
{
	CHECK(fd >= OBJECT_FD && command == F_SETFD);
	k.inherited++;
	return 0;
}

/* One end of a stream. */
static int open_again(__u32 oflag)
{
	bool writes = (oflag & O_ACCMODE) == O_WRONLY;

	if (writes && k.writer_errno) {
		errno = k.writer_errno;
		return -1;
	}
	if (k.ends[1])
		return k.ends[writes];
	return writes ? WRITER_FD : READER_FD;
}

static int answer_batch(unsigned long request, const struct mbox_ioc_batch *batch)
{
	struct mbox_ioc_msg *msgs = (void *)(uintptr_t)batch->msgs;
	int i;

	for (i = 0; i < (int)batch->nr && k.passed < k.limit; i++, k.passed++)
		if (request == MBOX_IOC_RECV_BATCH)
			msgs[i] = (struct mbox_ioc_msg){ .len = 1, .tag = k.passed };
	if (i)
		return i;
	errno = EAGAIN;
	return -1;
}

static void see_exchange(typeof(k.seen[0]) *seen, struct mbox_ioc_exchange *exchange)
{
	struct mbox_ioc_msg *send = (void *)(uintptr_t)exchange->send;
	struct mbox_ioc_msg *recv = (void *)(uintptr_t)exchange->recv;

	seen->exchange = *exchange;
	if (send)
		seen->first = *send;
	if (recv) {
		seen->second = *recv;
		*recv = k.answer;
	}
	if (k.replied)
		exchange->send = 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	typeof(k.seen[0]) *seen = &k.seen[k.nr < MAX_REQUESTS ? k.nr : 0];

	k.nr++;
	seen->fd = fd;
	seen->request = request;
	memcpy(&seen->set, arg, _IOC_SIZE(request) < sizeof(seen->set) ?
	       _IOC_SIZE(request) : sizeof(seen->set));
	if (fd == DEVICE_FD && seen->unlink.name)
		snprintf(seen->name, sizeof(seen->name), "%s",
			 (const char *)(uintptr_t)seen->unlink.name);
	if (request == MBOX_IOC_SEND || request == MBOX_IOC_RECV)
		seen->msg = *(struct mbox_ioc_msg *)arg;

	if (request == MBOX_IOC_CALL || request == MBOX_IOC_REPLY)
		see_exchange(seen, arg);
	if (request == MBOX_IOC_OPEN && k.end_with_open) {
		kill(k.end_with_open, SIGKILL);
		waitid(P_PID, k.end_with_open, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	}
	if (request == MBOX_IOC_RECV)
		memcpy(arg, &k.answer, sizeof(k.answer));
	if (k.ioctl_errno) {
		errno = k.ioctl_errno;
		return -1;
	}
	switch (request) {
	case MBOX_IOC_STATUS:
		memcpy(arg, &k.status, sizeof(k.status));
		break;
	case MBOX_IOC_SEGMENT_STATUS:
		memcpy(arg, &k.segment, sizeof(k.segment));
		break;
	case MBOX_IOC_SEND_BATCH:
	case MBOX_IOC_RECV_BATCH:
		seen->first = *(struct mbox_ioc_msg *)(uintptr_t)seen->batch.msgs;
		return answer_batch(request, arg);
	}
	if (request == MBOX_IOC_SNAPSHOT)
		return COPY_FD;
	if (request == MBOX_IOC_OPEN && fd == OBJECT_FD)
		return open_again(seen->open.oflag);
	if (request == MBOX_IOC_JOIN)
		return open_again(k.joined++ ? O_WRONLY : O_RDONLY);
	return fd == DEVICE_FD && request != MBOX_IOC_UNLINK ? OBJECT_FD : 0;
}

/* A new kernel for each test. */
static void run(const char *what, void (*test)(void))
{
	memset(&k, 0, sizeof(k));
	tap_run(what, test);
}

static struct mbox *mailbox(void)
{
	struct mbox *mb = NULL;

	CHECK(mbox_from_fd(&mb, OBJECT_FD) == 0);
	k.nr = 0;
	return mb;
}

static struct mbox_segment *segment(int fd)
{
	struct mbox_segment *seg = NULL;

	CHECK(mbox_segment_from_fd(&seg, fd) == 0);
	k.nr = 0;
	return seg;
}

static const char *name_of(const char *name)
{
	CHECK(mbox_unlink(name) == 0);
	CHECK(k.seen[k.nr - 1].request == MBOX_IOC_UNLINK);
	return k.seen[k.nr - 1].name;
}

static void names(void)
{
	CHECK(!strcmp(name_of("/jobs"), "jobs"));
	CHECK(!strcmp(name_of("jobs"), "jobs"));
	CHECK(!strcmp(name_of("//jobs"), "/jobs"));
	CHECK(!strcmp(name_of("/a/b"), "a/b"));
	CHECK(!strcmp(name_of("/"), ""));
	CHECK(!strcmp(name_of(""), ""));
	CHECK(!strcmp(name_of("/.."), ".."));
	CHECK(!strcmp(name_of("/ \n\\"), " \n\\"));

	k.seen[k.nr].unlink.name = 1;
	CHECK(mbox_unlink(NULL) == 0);
	CHECK(k.seen[k.nr - 1].unlink.name == 0);
}

/* One call of each kind that opens the device. */
static int with_device(int which)
{
	struct mbox_segment *seg = (void *)&k;
	struct mbox *mb = (void *)&k;
	int ret;

	switch (which) {
	case 0:
		ret = mbox_create(&mb, "/jobs", O_RDWR, 0600, NULL);
		break;
	case 1:
		ret = mbox_open(&mb, "/jobs", O_RDWR);
		break;
	case 2:
		ret = mbox_segment_create(&seg, "/jobs", O_RDWR, 0600, 1, 0);
		break;
	case 3:
		ret = mbox_segment_open(&seg, "/jobs", O_RDWR);
		break;
	default:
		return mbox_unlink("/jobs");
	}
	if (ret) {
		CHECK(mb == (void *)&k && seg == (void *)&k);
	} else if (which < 2) {
		CHECK(mbox_fd(mb) == OBJECT_FD);
		mbox_close(mb);
	} else {
		CHECK(mbox_segment_fd(seg) == OBJECT_FD);
		mbox_segment_close(seg);
	}
	return ret;
}

static void device(void)
{
	static const struct { int error, expected; } opens[] = {
		{ ENOENT, -ENODEV }, { ENXIO, -ENODEV }, { ENODEV, -ENODEV },
		{ EACCES, -EACCES }, { EMFILE, -EMFILE }, { ENFILE, -ENFILE },
		{ ENOMEM, -ENOMEM },
	};
	size_t i;
	int which;

	for (which = 0; which < 5; which++) {
		for (i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
			k.open_errno = opens[i].error;
			CHECK(with_device(which) == opens[i].expected);
		}
		k.open_errno = 0;
		k.opened = k.closed = 0;
		CHECK(with_device(which) == 0);
		CHECK(!strcmp(k.path, "/dev/mbox"));
		CHECK(k.open_flags == (O_RDWR | O_CLOEXEC));
		CHECK(k.opened == 1 && k.closed == 1);

		/* Of the call that failed, not of the close that follows. */
		k.ioctl_errno = EDQUOT;
		CHECK(with_device(which) == -EDQUOT);
		CHECK(k.opened == 2 && k.closed == 2);
		k.ioctl_errno = 0;
	}
}

static void create(void)
{
	struct mbox_attr attr = { 7, 100, 200, MBOX_HANGUP };
	struct mbox *mb;

	CHECK(mbox_create(&mb, "/jobs", O_RDWR | O_EXCL, 0640, &attr) == 0);
	CHECK(k.seen[0].request == MBOX_IOC_CREATE);
	CHECK(!strcmp(k.seen[0].name, "jobs"));
	CHECK(k.seen[0].create.capacity == 7);
	CHECK(k.seen[0].create.msgsize == 100);
	CHECK(k.seen[0].create.bytes == 200);
	CHECK(k.seen[0].create.flags == MBOX_HANGUP);
	CHECK(k.seen[0].create.oflag == (O_RDWR | O_EXCL));
	CHECK(k.seen[0].create.mode == 0640);
	CHECK(k.seen[0].create.__reserved == 0);
	mbox_close(mb);

	CHECK(mbox_create(&mb, NULL, O_WRONLY, 0, NULL) == 0);
	CHECK(k.seen[1].create.name == 0);
	CHECK(k.seen[1].create.capacity == MBOX_CAPACITY_DEFAULT);
	CHECK(k.seen[1].create.msgsize == MBOX_MSGSIZE_DEFAULT);
	CHECK(k.seen[1].create.bytes == 0 && k.seen[1].create.flags == 0);
	mbox_close(mb);

	CHECK(mbox_open(&mb, "/jobs", O_RDONLY | O_NONBLOCK) == 0);
	CHECK(k.seen[2].request == MBOX_IOC_OPEN);
	CHECK(k.seen[2].open.kind == MBOX_MAILBOX);
	CHECK(k.seen[2].open.oflag == (O_RDONLY | O_NONBLOCK));
	mbox_close(mb);
	mbox_close(NULL);
}

static void process(void)
{
	struct mbox_attr attr = { 7, 100, 200, MBOX_HANGUP };
	struct mbox *mb;

	CHECK(mbox_own(&mb, O_RDONLY | O_EXCL, 0622, &attr) == 0);
	CHECK(k.seen[0].request == MBOX_IOC_CREATE);
	CHECK(k.seen[0].create.name == 0);
	CHECK(k.seen[0].create.capacity == 7);
	CHECK(k.seen[0].create.msgsize == 100);
	CHECK(k.seen[0].create.bytes == 200);
	CHECK(k.seen[0].create.flags == (MBOX_HANGUP | MBOX_OWN));
	CHECK(k.seen[0].create.oflag == (O_RDONLY | O_EXCL));
	CHECK(k.seen[0].create.mode == 0622);
	CHECK(attr.flags == MBOX_HANGUP);
	mbox_close(mb);

	CHECK(mbox_own(&mb, O_RDWR, 0600, NULL) == 0);
	CHECK(k.seen[1].create.capacity == MBOX_CAPACITY_DEFAULT);
	CHECK(k.seen[1].create.msgsize == MBOX_MSGSIZE_DEFAULT);
	CHECK(k.seen[1].create.flags == MBOX_OWN);
	mbox_close(mb);

	CHECK(mbox_open_pid(&mb, 77, O_WRONLY | O_NONBLOCK) == 0);
	CHECK(k.seen[2].request == MBOX_IOC_OPEN);
	CHECK(k.seen[2].open.name == 0 && k.seen[2].open.pid == 77);
	CHECK(k.seen[2].open.kind == MBOX_MAILBOX);
	CHECK(k.seen[2].open.oflag == (O_WRONLY | O_NONBLOCK));
	mbox_close(mb);

	mb = (void *)&k;
	CHECK(mbox_open_pid(&mb, 0, O_WRONLY) == -EINVAL);
	CHECK(mbox_open_pid(&mb, -1, O_WRONLY) == -EINVAL);
	CHECK(k.nr == 3 && mb == (void *)&k);
}

/* The pidfds are of real processes. */
static void pidfd(void)
{
	struct mbox *mb = (void *)&k;
	pid_t pid = fork();
	int fd, pipes[2];

	if (!pid) {
		pause();
		_exit(0);
	}
	fd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(fd >= 0);
	CHECK(mbox_open_pidfd(&mb, fd, O_WRONLY) == 0);
	CHECK(k.seen[0].open.pid == pid);
	CHECK(k.seen[0].open.oflag == O_WRONLY);
	mbox_close(mb);

	/* What the kernel says of a process that is alive is told. */
	mb = (void *)&k;
	k.ioctl_errno = ENOENT;
	CHECK(mbox_open_pidfd(&mb, fd, O_WRONLY) == -ENOENT);
	/* Of one that ended meanwhile it could have been said of another. */
	k.end_with_open = pid;
	CHECK(mbox_open_pidfd(&mb, fd, O_WRONLY) == -ESRCH);
	k.ioctl_errno = 0;
	CHECK(mbox_open_pidfd(&mb, fd, O_WRONLY) == -ESRCH);
	CHECK(waitpid(pid, NULL, 0) == pid);
	CHECK(mbox_open_pidfd(&mb, fd, O_WRONLY) == -ESRCH);

	CHECK(pipe(pipes) == 0);
	CHECK(mbox_open_pidfd(&mb, pipes[0], O_WRONLY) == -EBADF);
	CHECK(mbox_open_pidfd(&mb, -1, O_WRONLY) == -EBADF);
	CHECK(mbox_open_pidfd(&mb, 999, O_WRONLY) == -EBADF);
	CHECK(mb == (void *)&k);
}

static void recv_from(void)
{
	struct mbox_message msg = { .size = 9 };
	struct mbox *mb = mailbox();

	k.answer = (struct mbox_ioc_msg){ .len = 5, .tag = 6, .pid = 77 };
	CHECK(mbox_recv_from(mb, 77, &msg, MBOX_NONBLOCK, 8) == 0);
	CHECK(k.seen[0].request == MBOX_IOC_RECV);
	CHECK(k.seen[0].msg.flags == (MBOX_NONBLOCK | MBOX_FROM));
	CHECK(k.seen[0].msg.pid == 77 && k.seen[0].msg.deadline == 8);
	CHECK(msg.length == 5 && msg.tag == 6 && msg.pid == 77);
	CHECK(mbox_recv_from(mb, 77, &msg, MBOX_PEEK, 0) == -EINVAL);
	CHECK(mbox_recv_msg(mb, &msg, MBOX_FROM, 0) == -EINVAL);
	CHECK(mbox_send_msg(mb, &msg, MBOX_FROM, 0) == -EINVAL);
	CHECK(k.nr == 1);
	mbox_close(mb);
}

static void from_fd(void)
{
	struct mbox_segment *seg = (void *)&k;
	struct mbox *mb = (void *)&k;

	k.ioctl_errno = ENOTTY;
	CHECK(mbox_from_fd(&mb, OBJECT_FD) == -ENOTTY);
	CHECK(mbox_segment_from_fd(&seg, OBJECT_FD) == -ENOTTY);
	k.ioctl_errno = EINVAL;
	CHECK(mbox_from_fd(&mb, OBJECT_FD) == -ENOTTY);
	CHECK(mbox_segment_from_fd(&seg, OBJECT_FD) == -ENOTTY);
	k.ioctl_errno = EBADF;
	CHECK(mbox_from_fd(&mb, -1) == -EBADF);
	CHECK(mbox_segment_from_fd(&seg, -1) == -EBADF);
	CHECK(mb == (void *)&k && seg == (void *)&k);
}

static void status(void)
{
	struct mbox *mb = mailbox();
	struct mbox_status s;

	k.status = (struct mbox_ioc_status){
		.id = 1, .capacity = 2, .msgsize = 3, .bytes = 4,
		.queued = 5, .queued_bytes = 6, .sent = 7, .sent_bytes = 8,
		.received = 9, .received_bytes = 10,
		.send_wait_ns = 11, .recv_wait_ns = 12,
		.waiting_senders = 13, .waiting_receivers = 14,
		.send_wait_pid = 15, .recv_wait_pid = 16,
		.senders = 17, .receivers = 18,
		.mode = 19, .uid = 20, .gid = 21, .flags = 22,
		.dropped = 23, .waiting_callers = 24, .held = 25,
		.max_deliveries = 26, .send_pid = 27, .recv_pid = 28,
		.send_time = 29, .recv_time = 30, .change_time = 31,
		.sequence = 32,
	};
	CHECK(mbox_status(mb, &s) == 0);
	CHECK(s.id == 1 && s.capacity == 2 && s.msgsize == 3 && s.bytes == 4);
	CHECK(s.queued == 5 && s.queued_bytes == 6);
	CHECK(s.sent == 7 && s.sent_bytes == 8);
	CHECK(s.received == 9 && s.received_bytes == 10);
	CHECK(s.send_wait_ns == 11 && s.recv_wait_ns == 12);
	CHECK(s.waiting_senders == 13 && s.waiting_receivers == 14);
	CHECK(s.send_wait_pid == 15 && s.recv_wait_pid == 16);
	CHECK(s.senders == 17 && s.receivers == 18);
	CHECK(s.mode == 19 && s.uid == 20 && s.gid == 21 && s.flags == 22);
	CHECK(s.dropped == 23 && s.waiting_callers == 24);
	CHECK(s.held == 25 && s.max_deliveries == 26);
	CHECK(s.send_pid == 27 && s.recv_pid == 28);
	CHECK(s.send_time == 29 && s.recv_time == 30 && s.change_time == 31);
	CHECK(s.sequence == 32);

	k.ioctl_errno = EFAULT;
	memset(&s, 0x55, sizeof(s));
	CHECK(mbox_status(mb, &s) == -EFAULT);
	CHECK(s.id == 0x5555555555555555ULL);
	mbox_close(mb);
}

static void set(void)
{
	struct mbox *mb = mailbox();

	CHECK(mbox_resize(mb, MBOX_UNBOUNDED) == 0);
	CHECK(k.seen[0].request == MBOX_IOC_SET);
	CHECK(k.seen[0].set.fields == MBOX_SET_CAPACITY);
	CHECK(k.seen[0].set.capacity == MBOX_UNBOUNDED);

	CHECK(mbox_chmod(mb, 0604) == 0);
	CHECK(k.seen[1].set.fields == MBOX_SET_MODE && k.seen[1].set.mode == 0604);

	CHECK(mbox_chown(mb, 5, -1) == 0);
	CHECK(k.seen[2].set.fields == MBOX_SET_UID);
	CHECK(k.seen[2].set.uid == 5 && k.seen[2].set.gid == 0);
	CHECK(mbox_chown(mb, -1, 6) == 0);
	CHECK(k.seen[3].set.fields == MBOX_SET_GID);
	CHECK(k.seen[3].set.uid == 0 && k.seen[3].set.gid == 6);
	CHECK(mbox_chown(mb, 5, 6) == 0);
	CHECK(k.seen[4].set.fields == (MBOX_SET_UID | MBOX_SET_GID));
	CHECK(mbox_chown(mb, -1, -1) == 0);
	CHECK(k.nr == 5);

	CHECK(mbox_end(mb) == 0);
	CHECK(k.seen[5].request == MBOX_IOC_END);
	CHECK(mbox_resize_bytes(mb, 7) == 0);
	CHECK(k.seen[6].set.fields == MBOX_SET_BYTES && k.seen[6].set.bytes == 7);

	CHECK(mbox_notify(mb, SIGUSR1, (union sigval){ .sival_ptr = mb }) == 0);
	CHECK(k.seen[7].request == MBOX_IOC_NOTIFY);
	CHECK(k.seen[7].notify.signo == SIGUSR1);
	CHECK(k.seen[7].notify.value == (uintptr_t)mb);
	CHECK(mbox_notify(mb, 0, (union sigval){ .sival_ptr = mb }) == 0);
	CHECK(k.seen[8].notify.signo == 0 && k.seen[8].notify.value == 0);
	mbox_close(mb);
}

static void send_one(void)
{
	struct mbox_message msg = {
		.data = "hello", .size = 99, .length = 5, .tag = 77, .prio = 3,
		.pid = 1, .uid = 2, .gid = 3, .sequence = 4,
	};
	struct iovec iov[2] = { { "ab", 2 }, { "c", 1 } };
	struct mbox_iovec *sent;
	struct mbox *mb = mailbox();

	CHECK(mbox_send(mb, msg.data, 5, MBOX_PRIO_MAX) == 0);
	CHECK(k.seen[0].fd == OBJECT_FD && k.seen[0].request == MBOX_IOC_SEND);
	CHECK(k.seen[0].msg.buf == (uintptr_t)msg.data);
	CHECK(k.seen[0].msg.len == 5 && k.seen[0].msg.prio == MBOX_PRIO_MAX);
	CHECK(!k.seen[0].msg.flags && !k.seen[0].msg.deadline);

	CHECK(mbox_send_msg(mb, &msg, MBOX_SYNC | MBOX_REALTIME, 12345) == 0);
	CHECK(k.seen[1].msg.len == 5 && k.seen[1].msg.tag == 77);
	CHECK(k.seen[1].msg.prio == 3 && k.seen[1].msg.deadline == 12345);
	CHECK(k.seen[1].msg.flags == (MBOX_SYNC | MBOX_REALTIME));
	CHECK(!k.seen[1].msg.pid && !k.seen[1].msg.uid && !k.seen[1].msg.gid);

	CHECK(mbox_sendv(mb, iov, 2, &msg, MBOX_NONBLOCK, 9) == 0);
	CHECK(k.seen[2].msg.flags == (MBOX_IOV | MBOX_NONBLOCK));
	CHECK(k.seen[2].msg.len == 2 && k.seen[2].msg.tag == 77);
	CHECK(k.seen[2].msg.prio == 3 && k.seen[2].msg.deadline == 9);
	if (sizeof(void *) == 8) {
		sent = (void *)(uintptr_t)k.seen[2].msg.buf;
		CHECK(sent[1].base == (uintptr_t)iov[1].iov_base && sent[1].len == 1);
	}
	CHECK(mbox_sendv(mb, NULL, 0, NULL, 0, 0) == 0);
	CHECK(k.seen[3].msg.len == 0 && k.seen[3].msg.tag == 0);

	/* A number that was received is not the sender's own. */
	CHECK(!k.seen[1].msg.sequence && !k.seen[2].msg.sequence);
	CHECK(mbox_send_msg(mb, &msg, MBOX_ONCE, 0) == 0);
	CHECK(k.seen[4].msg.sequence == 4 && k.seen[4].msg.flags == MBOX_ONCE);
	CHECK(mbox_sendv(mb, iov, 2, &msg, MBOX_ONCE, 0) == 0);
	CHECK(k.seen[5].msg.sequence == 4);

	/* What would be read as something else never gets to the kernel. */
	CHECK(mbox_send_msg(mb, &msg, MBOX_IOV, 0) == -EINVAL);
	CHECK(mbox_send_msg(mb, &msg, MBOX_PEEK, 0) == -EINVAL);
	CHECK(mbox_sendv(mb, iov, 2, &msg, MBOX_PEEK, 0) == -EINVAL);
	CHECK(mbox_sendv(mb, iov, -1, &msg, 0, 0) == -EINVAL);
	CHECK(mbox_sendv(mb, iov, MBOX_IOV_MAX + 1, &msg, 0, 0) == -EINVAL);
	CHECK(k.nr == 6);

	k.ioctl_errno = EMSGSIZE;
	CHECK(mbox_send(mb, "", 0, 0) == -EMSGSIZE);
	mbox_close(mb);
}

static void recv_one(void)
{
	char data[8];
	const struct mbox_message before = { data, 8, 71, 72, 73, 74, 75, 76, 77, 78, 79,
		NULL, 0, 0, 0, 80, 81 };
	struct mbox_message msg = before;
	struct iovec iov = { data, 8 };
	struct mbox *mb = mailbox();

	k.answer = (struct mbox_ioc_msg){
		.len = 3, .tag = 4, .prio = 5, .pid = 6, .uid = 7, .gid = 8,
		.missed = 9, .deliveries = 10, .sequence = 11,
	};
	CHECK(mbox_recv(mb, &msg) == 0);
	CHECK(msg.sequence == 11);
	CHECK(k.seen[0].request == MBOX_IOC_RECV);
	CHECK(k.seen[0].msg.buf == (uintptr_t)data && k.seen[0].msg.len == 8);
	CHECK(!k.seen[0].msg.flags && !k.seen[0].msg.deadline);
	CHECK(msg.data == data && msg.size == 8 && msg.length == 3);
	CHECK(msg.tag == 4 && msg.prio == 5);
	CHECK(msg.pid == 6 && msg.uid == 7 && msg.gid == 8);
	CHECK(msg.missed == 9 && msg.deliveries == 10);

	CHECK(mbox_recv_msg(mb, &msg, MBOX_NONBLOCK | MBOX_REALTIME, 9) == 0);
	CHECK(k.seen[1].msg.flags == (MBOX_NONBLOCK | MBOX_REALTIME));
	CHECK(k.seen[1].msg.deadline == 9);

	CHECK(mbox_peek(mb, 11, &msg) == 0);
	CHECK(k.seen[2].request == MBOX_IOC_RECV);
	CHECK(k.seen[2].msg.flags == MBOX_PEEK && k.seen[2].msg.index == 11);

	CHECK(mbox_recvv(mb, &iov, 1, &msg, MBOX_NONBLOCK, 9) == 0);
	CHECK(k.seen[3].msg.flags == (MBOX_IOV | MBOX_NONBLOCK));
	CHECK(k.seen[3].msg.len == 1 && k.seen[3].msg.deadline == 9);
	CHECK(mbox_recvv(mb, &iov, 1, NULL, 0, 0) == 0);

	CHECK(mbox_recv_msg(mb, &msg, MBOX_IOV, 0) == -EINVAL);
	CHECK(mbox_recv_msg(mb, &msg, MBOX_PEEK, 0) == -EINVAL);
	CHECK(mbox_recvv(mb, NULL, 0, NULL, MBOX_TAG, 0) == -EINVAL);
	CHECK(mbox_recvv(mb, &iov, 1, &msg, MBOX_PEEK, 0) == -EINVAL);
	CHECK(mbox_recvv(mb, &iov, -1, &msg, 0, 0) == -EINVAL);
	CHECK(mbox_recvv(mb, &iov, MBOX_IOV_MAX + 1, &msg, 0, 0) == -EINVAL);
	CHECK(k.nr == 5);

	k.answer.len = 100;
	k.ioctl_errno = EMSGSIZE;
	msg = before;
	CHECK(mbox_recv(mb, &msg) == -EMSGSIZE);
	CHECK(msg.length == 100 && msg.tag == 72 && msg.gid == 76);
	k.ioctl_errno = EAGAIN;
	msg = before;
	CHECK(mbox_recv(mb, &msg) == -EAGAIN);
	CHECK(msg.length == 71 && msg.tag == 72 && msg.gid == 76);
	mbox_close(mb);
}

static void call_and_reply(void)
{
	char data[8];
	struct mbox_message request = {
		.data = "hello", .length = 5, .tag = 77, .prio = 3, .delivery = 9,
	};
	struct mbox_message answer = { .data = data, .size = 8 };
	struct mbox *mb = mailbox();

	k.answer = (struct mbox_ioc_msg){
		.len = 3, .tag = 4, .pid = 6, .uid = 7, .gid = 8, .delivery = 10,
		.flags = MBOX_CALL,
	};
	CHECK(mbox_call(mb, &request, &answer, MBOX_REALTIME, 12345) == 0);
	CHECK(k.seen[0].fd == OBJECT_FD && k.seen[0].request == MBOX_IOC_CALL);
	CHECK(k.seen[0].exchange.msg_size == sizeof(struct mbox_ioc_msg));
	CHECK(k.seen[0].first.buf == (uintptr_t)request.data && k.seen[0].first.len == 5);
	CHECK(k.seen[0].first.tag == 77 && k.seen[0].first.prio == 3);
	CHECK(k.seen[0].first.flags == MBOX_REALTIME && k.seen[0].first.deadline == 12345);
	CHECK(k.seen[0].first.delivery == 0);
	CHECK(k.seen[0].second.buf == (uintptr_t)data && k.seen[0].second.len == 8);
	CHECK(answer.length == 3 && answer.tag == 4 && answer.pid == 6);
	CHECK(mbox_call(mb, &request, &answer, MBOX_NONBLOCK, 0) == -EINVAL);
	CHECK(mbox_call(mb, &request, &answer, MBOX_IOV, 0) == -EINVAL);
	CHECK(k.nr == 1);

	CHECK(mbox_reply(mb, &request) == 0);
	CHECK(k.seen[1].request == MBOX_IOC_REPLY && !k.seen[1].exchange.recv);
	CHECK(k.seen[1].first.delivery == 9 && k.seen[1].first.len == 5);
	CHECK(k.seen[1].first.tag == 77 && k.seen[1].first.prio == 0);

	CHECK(mbox_reply_recv(mb, &request, &answer, MBOX_NONBLOCK, 5) == 0);
	CHECK(k.seen[2].first.delivery == 9 && request.delivery == 0);
	CHECK(k.seen[2].second.flags == MBOX_NONBLOCK && k.seen[2].second.deadline == 5);
	CHECK(answer.delivery == 10 && answer.flags == MBOX_CALL);
	/* Nothing to answer. */
	CHECK(mbox_reply_recv(mb, &request, &answer, 0, 0) == 0);
	CHECK(k.seen[3].exchange.send == 0 && k.seen[3].exchange.recv);
	CHECK(mbox_reply_recv(mb, &request, &answer, MBOX_SYNC, 0) == -EINVAL);
	CHECK(k.nr == 4);

	/* The reply fails, and later the receive after it. */
	k.ioctl_errno = EMSGSIZE;
	request.delivery = 9;
	answer.length = 71;
	k.answer.len = 100;
	CHECK(mbox_reply_recv(mb, &request, &answer, 0, 0) == -EMSGSIZE);
	CHECK(request.delivery == 9 && answer.length == 71);
	k.replied = true;
	CHECK(mbox_reply_recv(mb, &request, &answer, 0, 0) == -EMSGSIZE);
	CHECK(request.delivery == 0 && answer.length == 100);
	k.ioctl_errno = ECONNRESET;
	CHECK(mbox_call(mb, &request, &answer, 0, 0) == -ECONNRESET);
	mbox_close(mb);
}

static void leases(void)
{
	struct mbox_message msgs[2] = { { .lease = 70 }, { .lease = 71 } };
	struct mbox_message *msg = &msgs[0];
	struct iovec iov = { NULL, 0 };
	struct mbox *mb = mailbox();

	k.limit = 2;
	k.answer = (struct mbox_ioc_msg){ .delivery = 9, .deliveries = 3, .lease = 70 };
	CHECK(mbox_recv_msg(mb, msg, MBOX_LEASE | MBOX_NONBLOCK, 0) == 0);
	CHECK(k.seen[0].msg.flags == (MBOX_LEASE | MBOX_NONBLOCK));
	CHECK(k.seen[0].msg.lease == 70);
	CHECK(msg->delivery == 9 && msg->deliveries == 3 && msg->lease == 70);
	CHECK(mbox_recv_from(mb, 77, msg, MBOX_LEASE, 0) == 0);
	CHECK(k.seen[1].msg.flags == (MBOX_LEASE | MBOX_FROM) && k.seen[1].msg.lease == 70);
	CHECK(mbox_recvv(mb, &iov, 1, msg, MBOX_LEASE, 0) == 0);
	CHECK(k.seen[2].msg.flags == (MBOX_LEASE | MBOX_IOV) && k.seen[2].msg.lease == 70);
	/* A lease without an end. */
	msg->lease = 0;
	CHECK(mbox_recv_msg(mb, msg, MBOX_LEASE, 0) == 0);
	CHECK(k.seen[3].msg.flags == MBOX_LEASE && k.seen[3].msg.lease == 0);
	/* In a batch it is of each message. */
	CHECK(mbox_recv_batch(mb, msgs + 1, 1, MBOX_LEASE | MBOX_NONBLOCK, 0) == 1);
	CHECK(k.seen[4].batch.flags == MBOX_NONBLOCK);
	CHECK(k.seen[4].first.flags == MBOX_LEASE && k.seen[4].first.lease == 71);
	CHECK(mbox_reply_recv(mb, msg, msgs + 1, MBOX_LEASE, 0) == 0);
	CHECK(k.seen[5].second.flags == MBOX_LEASE && k.seen[5].second.lease == 71);
	/* Nobody would be told the number. */
	CHECK(mbox_recvv(mb, &iov, 1, NULL, MBOX_LEASE, 0) == -EINVAL);
	CHECK(mbox_recvv(mb, &iov, 1, NULL, MBOX_ACK, 0) == -EINVAL);
	CHECK(k.nr == 6);
	mbox_close(mb);
}

static void leases_in_turn(void)
{
	struct mbox_message msg = { .lease = 70, .delivery = 8 };
	struct iovec iov = { NULL, 0 };
	struct mbox *mb = mailbox();

	k.answer = (struct mbox_ioc_msg){ .delivery = 9 };
	CHECK(mbox_recv_msg(mb, &msg, MBOX_LEASE | MBOX_ACK, 0) == 0);
	CHECK(k.seen[0].msg.flags == (MBOX_LEASE | MBOX_ACK) && k.seen[0].msg.delivery == 8);
	CHECK(msg.delivery == 9);
	CHECK(mbox_recv_from(mb, 77, &msg, MBOX_ACK, 0) == 0);
	CHECK(k.seen[1].msg.flags == (MBOX_ACK | MBOX_FROM) && k.seen[1].msg.delivery == 9);
	CHECK(mbox_recvv(mb, &iov, 1, &msg, MBOX_ACK, 0) == 0);
	CHECK(k.seen[2].msg.flags == (MBOX_ACK | MBOX_IOV) && k.seen[2].msg.delivery == 9);
	/* Nothing is acknowledged that was not asked for. */
	CHECK(mbox_recv_msg(mb, &msg, MBOX_LEASE, 0) == 0);
	CHECK(k.seen[3].msg.delivery == 0);
	mbox_close(mb);
}

static void acknowledge(void)
{
	struct mbox *mb = mailbox();

	CHECK(mbox_ack(mb, 9) == 0);
	CHECK(k.seen[0].fd == OBJECT_FD && k.seen[0].request == MBOX_IOC_ACK);
	CHECK(k.seen[0].ack.delivery == 9 && k.seen[0].ack.flags == 0);
	CHECK(mbox_return(mb, UINT64_MAX) == 0);
	CHECK(k.seen[1].request == MBOX_IOC_ACK);
	CHECK(k.seen[1].ack.delivery == UINT64_MAX && k.seen[1].ack.flags == MBOX_RETURN);
	CHECK(k.seen[1].ack.__reserved == 0);
	k.ioctl_errno = ESTALE;
	CHECK(mbox_ack(mb, 9) == -ESTALE);
	CHECK(mbox_return(mb, 9) == -ESTALE);
	mbox_close(mb);
}

static void dead_letter(void)
{
	struct mbox *mb = mailbox(), *dead = NULL, *zero = NULL;

	CHECK(mbox_from_fd(&dead, COPY_FD) == 0);
	CHECK(mbox_from_fd(&zero, 0) == 0);
	k.nr = 0;
	CHECK(mbox_dead_letter(mb, dead, 3) == 0);
	CHECK(k.seen[0].fd == OBJECT_FD && k.seen[0].request == MBOX_IOC_SET);
	CHECK(k.seen[0].set.fields == MBOX_SET_DEAD_LETTER);
	CHECK(k.seen[0].set.dead_letter == COPY_FD && k.seen[0].set.max_deliveries == 3);
	CHECK(mbox_dead_letter(mb, zero, 1) == 0);
	CHECK(k.seen[1].set.dead_letter == 0 && k.seen[1].set.max_deliveries == 1);
	CHECK(mbox_dead_letter(mb, NULL, 0) == 0);
	CHECK(k.seen[2].set.fields == MBOX_SET_DEAD_LETTER);
	CHECK(k.seen[2].set.dead_letter == 0 && k.seen[2].set.max_deliveries == 0);
	/* The first would name descriptor 0. */
	CHECK(mbox_dead_letter(mb, NULL, 1) == -EINVAL);
	CHECK(mbox_dead_letter(mb, zero, 0) == -EINVAL);
	CHECK(mbox_dead_letter(mb, dead, 0) == -EINVAL);
	CHECK(k.nr == 3);
	k.ioctl_errno = ELOOP;
	CHECK(mbox_dead_letter(mb, dead, 1) == -ELOOP);
	mbox_close(zero);
	mbox_close(dead);
	mbox_close(mb);
}

static void descriptors(void)
{
	struct mbox_fd fds[2] = { { .fd = 5 } };
	struct mbox_message msg = { .fds = fds, .room_fds = 2, .nr_fds = 1 };
	struct iovec iov = { NULL, 0 };
	struct mbox *mb = mailbox();
	int i;

	k.limit = 2;
	k.answer.nr_fds = 7;
	CHECK(mbox_send_msg(mb, &msg, 0, 0) == 0);
	CHECK(mbox_sendv(mb, &iov, 1, &msg, 0, 0) == 0);
	CHECK(mbox_send_batch(mb, &msg, 1, 0, 0) == 1);
	for (i = 0; i < 3; i++) {
		struct mbox_ioc_msg *seen = i < 2 ? &k.seen[i].msg : &k.seen[i].first;

		CHECK(seen->fds == (uintptr_t)fds && seen->nr_fds == 1);
	}
	CHECK(mbox_recv(mb, &msg) == 0 && msg.nr_fds == 7);
	CHECK(mbox_recvv(mb, &iov, 1, &msg, 0, 0) == 0);
	CHECK(mbox_recv_batch(mb, &msg, 1, 0, 0) == 1 && msg.nr_fds == 0);
	for (i = 3; i < 6; i++) {
		struct mbox_ioc_msg *seen = i < 5 ? &k.seen[i].msg : &k.seen[i].first;

		CHECK(seen->fds == (uintptr_t)fds && seen->nr_fds == 2);
	}
	/* A look makes none, and needs no room. */
	CHECK(mbox_peek(mb, 0, &msg) == 0 && msg.nr_fds == 7);
	CHECK(!k.seen[6].msg.nr_fds);
	/* Without a message there are none. */
	CHECK(mbox_sendv(mb, &iov, 1, NULL, 0, 0) == 0);
	CHECK(mbox_recvv(mb, &iov, 1, NULL, 0, 0) == 0);
	CHECK(!k.seen[7].msg.nr_fds && !k.seen[8].msg.nr_fds);

	k.ioctl_errno = ENOBUFS;
	k.answer = (struct mbox_ioc_msg){ .len = 3, .nr_fds = 9 };
	CHECK(mbox_recv(mb, &msg) == -ENOBUFS);
	CHECK(msg.length == 3 && msg.nr_fds == 9 && msg.fds == fds && msg.room_fds == 2);
	mbox_close(mb);
}

static void send_batch(void)
{
	static const unsigned int counts[] = { 1, 2, 63, 64, 65, 128, MBOX_BATCH_MAX };
	static struct mbox_message msgs[MBOX_BATCH_MAX];
	struct mbox *mb = mailbox();
	size_t i;

	for (i = 0; i < MBOX_BATCH_MAX; i++)
		msgs[i] = (struct mbox_message){
			.data = &msgs[i], .length = i, .tag = i, .prio = i,
			.sequence = i + 1,
		};
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		unsigned int nr = counts[i], asked = 0, before = 0;
		int j;

		k.nr = k.passed = 0;
		k.limit = INT_MAX;
		CHECK(mbox_send_batch(mb, msgs, nr, MBOX_SYNC | MBOX_ONCE | MBOX_NONBLOCK, 9) ==
		      (int)nr);
		for (j = 0; j < k.nr; before = asked, j++) {
			asked += k.seen[j].batch.nr;
			CHECK(k.seen[j].request == MBOX_IOC_SEND_BATCH);
			CHECK(k.seen[j].batch.flags == MBOX_NONBLOCK);
			CHECK(k.seen[j].batch.deadline == 9);
			CHECK(k.seen[j].batch.msg_size == sizeof(struct mbox_ioc_msg));
			CHECK(k.seen[j].first.flags == (MBOX_SYNC | MBOX_ONCE));
			CHECK(k.seen[j].first.sequence == before + 1);
			CHECK(k.seen[j].first.deadline == 0);
			CHECK(k.seen[j].first.tag == before);
			CHECK(k.seen[j].first.buf == (uintptr_t)&msgs[before]);
			CHECK(k.seen[j].first.len == before);
		}
		CHECK(asked == nr);

		/* It stops after each count, told as that or as an error. */
		for (k.limit = 0; k.limit <= (int)nr; k.limit++) {
			int expected = k.limit ? k.limit : -EAGAIN;

			k.nr = k.passed = 0;
			CHECK(mbox_send_batch(mb, msgs, nr, 0, 0) == expected);
			/* A system call passes 64, and one that stopped is the last. */
			CHECK(k.nr == (k.limit < (int)nr ? k.limit / 64 + 1 : ((int)nr + 63) / 64));
		}
	}
	k.nr = 0;
	CHECK(mbox_send_batch(mb, msgs, 0, 0, 0) == -EINVAL);
	CHECK(mbox_send_batch(mb, msgs, MBOX_BATCH_MAX + 1, 0, 0) == -EINVAL);
	CHECK(mbox_send_batch(mb, msgs, 1, MBOX_IOV, 0) == -EINVAL);
	CHECK(mbox_send_batch(mb, msgs, 1, MBOX_PEEK, 0) == -EINVAL);
	CHECK(k.nr == 0);
	mbox_close(mb);
}

static void recv_batch(void)
{
	static struct mbox_message msgs[MBOX_BATCH_MAX];
	struct mbox *mb = mailbox();
	int i, limit;

	for (limit = 0; limit <= MBOX_BATCH_MAX; limit++) {
		int expected = limit ? limit : -EAGAIN;

		for (i = 0; i < MBOX_BATCH_MAX; i++)
			msgs[i] = (struct mbox_message){ .tag = ~0ULL };
		k.nr = k.passed = 0;
		k.limit = limit;
		CHECK(mbox_recv_batch(mb, msgs, MBOX_BATCH_MAX, 0, 9) == expected);
		for (i = 0; i < MBOX_BATCH_MAX; i++)
			CHECK(msgs[i].tag == (i < limit ? (uint64_t)i : ~0ULL));
		/* Waits for the first only. */
		for (i = 0; i < k.nr; i++)
			CHECK(k.seen[i].batch.flags == (i ? MBOX_NONBLOCK : 0));
		CHECK(k.seen[0].batch.deadline == 9);
	}
	k.nr = 0;
	CHECK(mbox_recv_batch(mb, msgs, 0, 0, 0) == -EINVAL);
	CHECK(mbox_recv_batch(mb, msgs, MBOX_BATCH_MAX + 1, 0, 0) == -EINVAL);
	CHECK(mbox_recv_batch(mb, msgs, 1, MBOX_SYNC, 0) == -EINVAL);
	CHECK(mbox_recv_batch(mb, msgs, 1, MBOX_ONCE, 0) == -EINVAL);
	CHECK(mbox_recv_batch(mb, msgs, 1, MBOX_IOV, 0) == -EINVAL);
	CHECK(mbox_recv_batch(mb, msgs, 1, MBOX_PEEK, 0) == -EINVAL);
	CHECK(k.nr == 0);
	mbox_close(mb);
}

static void segments(void)
{
	struct mbox_segment_status s;
	struct mbox_segment *seg;

	CHECK(mbox_segment_create(&seg, "/mem", O_RDWR | O_EXCL, 0600, 5, MBOX_HUGEPAGE) == 0);
	CHECK(k.seen[0].request == MBOX_IOC_SEGMENT);
	CHECK(!strcmp(k.seen[0].name, "mem"));
	CHECK(k.seen[0].segment.length == 5);
	CHECK(k.seen[0].segment.oflag == (O_RDWR | O_EXCL));
	CHECK(k.seen[0].segment.mode == 0600);
	CHECK(k.seen[0].segment.flags == MBOX_HUGEPAGE);
	mbox_segment_close(seg);
	CHECK(mbox_segment_open(&seg, "/mem", O_RDONLY) == 0);
	CHECK(k.seen[1].request == MBOX_IOC_OPEN);
	CHECK(k.seen[1].open.kind == MBOX_SEGMENT && k.seen[1].open.oflag == O_RDONLY);

	CHECK(mbox_segment_resize(seg, 6) == 0);
	CHECK(k.seen[2].set.fields == MBOX_SET_LENGTH && k.seen[2].set.length == 6);
	CHECK(mbox_segment_seal(seg, MBOX_SEAL_GROW) == 0);
	CHECK(k.seen[3].set.fields == MBOX_SET_SEALS);
	CHECK(k.seen[3].set.seals == MBOX_SEAL_GROW);
	CHECK(mbox_segment_chmod(seg, 0604) == 0);
	CHECK(k.seen[4].set.fields == MBOX_SET_MODE && k.seen[4].set.mode == 0604);
	CHECK(mbox_segment_chown(seg, 5, 6) == 0);
	CHECK(k.seen[5].set.uid == 5 && k.seen[5].set.gid == 6);

	k.segment = (struct mbox_ioc_segment_status){ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 11, 12, 13 };
	CHECK(mbox_segment_status(seg, &s) == 0);
	CHECK(s.id == 1 && s.length == 2 && s.resident == 3 && s.attached == 4);
	CHECK(s.writable == 5 && s.seals == 6 && s.mode == 7);
	CHECK(s.uid == 8 && s.gid == 9 && s.flags == 10);
	CHECK(s.buffer_size == 11 && s.buffers == 12 && s.lent == 13);
	mbox_segment_close(seg);
	mbox_segment_close(NULL);
}

/* The memory is a memfd's. */
static void map(void)
{
	struct mbox_segment *seg;
	size_t length = 77;
	void *p = &k;
	int fd = memfd_create("segment", 0);

	CHECK(fd >= 0 && ftruncate(fd, 5000) == 0);
	seg = segment(fd);
	k.segment.length = 5000;

	CHECK(mbox_segment_map(seg, PROT_NONE, &p, &length) == -EINVAL);
	CHECK(mbox_segment_map(seg, PROT_WRITE, &p, &length) == -EINVAL);
	CHECK(mbox_segment_map(seg, PROT_READ | PROT_EXEC, &p, &length) == -EINVAL);
	CHECK(p == &k && length == 77 && k.nr == 0);

	CHECK(mbox_segment_map(seg, PROT_READ | PROT_WRITE, &p, &length) == 0);
	CHECK(length == 5000);
	((char *)p)[4999] = 1;
	CHECK(mbox_segment_unmap(p, length) == 0);
	CHECK(mbox_segment_unmap((char *)p + 1, length) == -EINVAL);
	CHECK(mbox_segment_unmap(p, 0) == -EINVAL);

	k.segment.length = (uint64_t)1 << 62;
	length = 77;
	p = &k;
	CHECK(mbox_segment_map(seg, PROT_READ, &p, &length) == -ENOMEM);
	k.ioctl_errno = EBADF;
	CHECK(mbox_segment_map(seg, PROT_READ, &p, &length) == -EBADF);
	CHECK(p == &k && length == 77);
	mbox_segment_close(seg);
}

static void pipes(void)
{
	int fd[2] = { -7, -7 };

	CHECK(mbox_pipe(fd, O_NONBLOCK | O_CLOEXEC) == 0);
	CHECK(k.seen[0].fd == DEVICE_FD && k.seen[0].request == MBOX_IOC_CREATE);
	CHECK(k.seen[0].create.name == 0 && k.seen[0].create.capacity == 65536);
	CHECK(k.seen[0].create.msgsize == 0 && k.seen[0].create.bytes == 0);
	CHECK(k.seen[0].create.oflag == O_RDWR && k.seen[0].create.mode == 0);
	CHECK(k.seen[0].create.flags == MBOX_BYTE_STREAM);
	CHECK(k.seen[1].fd == OBJECT_FD && k.seen[1].request == MBOX_IOC_OPEN);
	CHECK(k.seen[1].open.oflag == (O_RDONLY | O_NONBLOCK));
	CHECK(k.seen[1].open.name == 0 && k.seen[1].open.kind == 0);
	CHECK(k.seen[2].fd == OBJECT_FD && k.seen[2].request == MBOX_IOC_OPEN);
	CHECK(k.seen[2].open.oflag == (O_WRONLY | O_NONBLOCK));
	CHECK(fd[0] == READER_FD && fd[1] == WRITER_FD && k.inherited == 0);
	CHECK(closed(OBJECT_FD) && !closed(READER_FD) && !closed(WRITER_FD));
	CHECK(k.nr == 3);

	CHECK(mbox_pipe(fd, 0) == 0);
	CHECK(k.seen[4].open.oflag == O_RDONLY && k.seen[5].open.oflag == O_WRONLY);
	CHECK(k.inherited == 2);

	k.nr = 0;
	CHECK(mbox_pipe(fd, O_DIRECT) == -EINVAL);
	CHECK(mbox_pipe(fd, O_RDWR) == -EINVAL);
	CHECK(k.nr == 0);
}

static void connections(void)
{
	int fd[2] = { -7, -7 };

	CHECK(mbox_socketpair(fd, O_NONBLOCK | O_CLOEXEC) == 0);
	CHECK(k.seen[0].request == MBOX_IOC_CREATE && k.seen[1].request == MBOX_IOC_CREATE);
	CHECK(k.seen[1].create.flags == MBOX_BYTE_STREAM && k.seen[1].create.mode == 0);
	CHECK(k.seen[1].create.oflag == O_RDWR && k.seen[1].create.capacity == 65536);
	CHECK(k.seen[2].fd == OBJECT_FD && k.seen[2].request == MBOX_IOC_JOIN);
	CHECK(k.seen[2].join.oflag == (O_RDWR | O_NONBLOCK) && k.seen[2].join.out == OBJECT_FD);
	CHECK(k.seen[3].fd == OBJECT_FD && k.seen[3].request == MBOX_IOC_JOIN);
	CHECK(fd[0] == READER_FD && fd[1] == WRITER_FD && k.inherited == 0);
	CHECK(closed(OBJECT_FD) && !closed(READER_FD) && !closed(WRITER_FD));
	CHECK(k.nr == 4);

	k.joined = 0;
	CHECK(mbox_socketpair(fd, 0) == 0);
	CHECK(k.seen[6].join.oflag == O_RDWR && k.inherited == 2);

	k.nr = 0;
	CHECK(mbox_socketpair(fd, O_DIRECT) == -EINVAL);
	CHECK(k.nr == 0);
}

static void connections_undone(void)
{
	int fd[2] = { -7, -7 };

	k.open_errno = ENOENT;
	CHECK(mbox_socketpair(fd, 0) == -ENODEV);
	k.open_errno = 0;
	k.ioctl_errno = EDQUOT;
	CHECK(mbox_socketpair(fd, 0) == -EDQUOT);
	k.ioctl_errno = 0;
	k.writer_errno = EMFILE;
	CHECK(mbox_socketpair(fd, 0) == -EMFILE);
	CHECK(closed(READER_FD) && closed(OBJECT_FD));
	CHECK(fd[0] == -7 && fd[1] == -7 && k.opened == k.closed);
}

static void shutdowns(void)
{
	CHECK(mbox_shutdown(READER_FD, SHUT_RD) == 0);
	CHECK(k.seen[0].fd == READER_FD && k.seen[0].request == MBOX_IOC_SHUTDOWN);
	CHECK(k.seen[0].shutdown.how == MBOX_SHUT_READ);
	CHECK(mbox_shutdown(READER_FD, SHUT_WR) == 0);
	CHECK(k.seen[1].shutdown.how == MBOX_SHUT_WRITE);
	CHECK(mbox_shutdown(READER_FD, SHUT_RDWR) == 0);
	CHECK(k.seen[2].shutdown.how == (MBOX_SHUT_READ | MBOX_SHUT_WRITE));
	CHECK(mbox_shutdown(READER_FD, 3) == -EINVAL);
	CHECK(mbox_shutdown(READER_FD, -1) == -EINVAL);
	CHECK(k.nr == 3);
	k.ioctl_errno = ENOTTY;
	CHECK(mbox_shutdown(READER_FD, SHUT_RD) == -ENOTTY);
}

/* However far it came, nothing is left open. */
static void pipes_undone(void)
{
	int fd[2] = { -7, -7 };

	k.open_errno = ENOENT;
	CHECK(mbox_pipe(fd, 0) == -ENODEV);
	k.open_errno = 0;
	k.ioctl_errno = EDQUOT;
	CHECK(mbox_pipe(fd, 0) == -EDQUOT);
	CHECK(k.nr == 1);
	k.ioctl_errno = 0;
	k.writer_errno = EMFILE;
	CHECK(mbox_pipe(fd, 0) == -EMFILE);
	CHECK(closed(READER_FD) && closed(OBJECT_FD));
	CHECK(fd[0] == -7 && fd[1] == -7 && k.opened == k.closed);
}

static void fifos(void)
{
	CHECK(mbox_mkfifo("/lines", 0640) == 0);
	CHECK(k.seen[0].request == MBOX_IOC_CREATE);
	CHECK(!strcmp(k.seen[0].name, "lines"));
	CHECK(k.seen[0].create.capacity == MBOX_PIPE_CAPACITY);
	CHECK(k.seen[0].create.oflag == (O_ACCMODE | O_EXCL));
	CHECK(k.seen[0].create.mode == 0640);
	CHECK(k.seen[0].create.flags == MBOX_BYTE_STREAM);
	CHECK(closed(OBJECT_FD));
	CHECK(mbox_mkfifo(NULL, 0640) == -EINVAL);
	CHECK(k.nr == 1);

	CHECK(mbox_open_fifo("/lines", O_WRONLY | O_NONBLOCK | O_CLOEXEC) == OBJECT_FD);
	CHECK(k.seen[1].fd == DEVICE_FD && k.seen[1].request == MBOX_IOC_OPEN);
	CHECK(!strcmp(k.seen[1].name, "lines"));
	CHECK(k.seen[1].open.kind == MBOX_STREAM);
	CHECK(k.seen[1].open.oflag == (O_WRONLY | O_NONBLOCK | O_CLOEXEC));
	CHECK(k.inherited == 0);
	CHECK(mbox_open_fifo("lines", O_RDONLY) == OBJECT_FD);
	CHECK(k.inherited == 1);

	k.ioctl_errno = EEXIST;
	CHECK(mbox_mkfifo("/lines", 0640) == -EEXIST);
	k.ioctl_errno = ENXIO;
	CHECK(mbox_open_fifo("/lines", O_WRONLY | O_NONBLOCK) == -ENXIO);
	CHECK(k.inherited == 1);
}

/* The streams are real pipes. */
static FILE *run_command(const char *command, const char *type)
{
	CHECK(pipe2(k.ends, O_CLOEXEC) == 0);
	return mbox_popen(command, type);
}

static void commands(void)
{
	FILE *out = run_command("echo one; exit 7", "r"), *in;
	char line[8] = "";

	CHECK(out && fgets(line, sizeof(line), out) && !strcmp(line, "one\n"));
	CHECK(k.seen[0].create.flags == MBOX_BYTE_STREAM && k.inherited == 0);

	/* With that one open, which this one must not keep from its end. */
	in = run_command("read line && [ \"$line\" = two ] && ! read line && kill -TERM $$", "we");
	CHECK(in && fputs("two\n", in) >= 0);
	CHECK(mbox_pclose(out) == 7 << 8);
	CHECK(mbox_pclose(in) == SIGTERM);

	/* Both were waited for, and are of nobody now. */
	CHECK(wait(NULL) == -1 && errno == ECHILD);
	CHECK(mbox_pclose(stdin) == -1 && errno == ECHILD);
	CHECK(fileno(stdin) == STDIN_FILENO);

	signal(SIGPIPE, SIG_IGN);
	in = run_command("true", "w");
	waitid(P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	CHECK(fputs("nobody reads this", in) >= 0);
	CHECK(mbox_pclose(in) == -1 && errno == EPIPE);
	signal(SIGPIPE, SIG_DFL);
}

static void on_alarm(int signo)
{
	(void)signo;
}

static void commands_and_signals(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	FILE *in;

	sigaction(SIGALRM, &action, NULL);
	in = run_command("read line; until grep -q '^State:.S' /proc/$PPID/status; do :; done; "
			 "kill -ALRM $PPID; exit 3", "w");
	CHECK(mbox_pclose(in) == 3 << 8);
	signal(SIGALRM, SIG_DFL);
}

static void commands_refused(void)
{
	static const char *const types[] = { "", "e", "rw", "wr", "ree", "er", "R", "r+" };
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		errno = 0;
		CHECK(!mbox_popen("true", types[i]) && errno == EINVAL);
	}
	CHECK(k.nr == 0);
	k.ioctl_errno = EDQUOT;
	CHECK(!mbox_popen("true", "r") && errno == EDQUOT);
	k.ioctl_errno = 0;
	k.writer_errno = EMFILE;
	CHECK(!mbox_popen("true", "r") && errno == EMFILE);
	CHECK(closed(READER_FD) && closed(OBJECT_FD));
}

static void snapshot(void)
{
	struct mbox *mb = mailbox(), *copy = NULL;

	CHECK(mbox_snapshot(&copy, mb, O_RDONLY | O_NONBLOCK) == 0);
	CHECK(k.seen[k.nr - 1].fd == OBJECT_FD);
	CHECK(k.seen[k.nr - 1].request == MBOX_IOC_SNAPSHOT);
	CHECK(k.seen[k.nr - 1].snapshot.oflag == (O_RDONLY | O_NONBLOCK));
	CHECK(k.seen[k.nr - 1].snapshot.flags == 0);
	CHECK(mbox_fd(copy) == COPY_FD);
	mbox_close(copy);

	k.ioctl_errno = EDQUOT;
	copy = mb;
	CHECK(mbox_snapshot(&copy, mb, O_RDONLY) == -EDQUOT);
	CHECK(copy == mb);
	mbox_close(mb);
}

static void links(void)
{
	struct mbox_segment *seg = segment(5);
	struct mbox *mb = mailbox();
	const char *name = "/late";

	CHECK(mbox_link(mb, name) == 0);
	CHECK(k.seen[k.nr - 1].fd == OBJECT_FD);
	CHECK(k.seen[k.nr - 1].request == MBOX_IOC_LINK);
	CHECK(k.seen[k.nr - 1].link.name == (uintptr_t)(name + 1));
	CHECK(mbox_segment_link(seg, "late") == 0);
	CHECK(k.seen[k.nr - 1].fd == 5);
	CHECK(k.seen[k.nr - 1].request == MBOX_IOC_LINK);
	k.ioctl_errno = EXDEV;
	CHECK(mbox_link(mb, name) == -EXDEV);
	CHECK(mbox_segment_link(seg, name) == -EXDEV);
	mbox_segment_close(seg);
	mbox_close(mb);
}

int main(void)
{
	run("names lose one slash and nothing else", names);
	run("the device is opened for one call, and its errors told", device);
	run("mbox_create and mbox_open pass on what they are given", create);
	run("a process's own mailbox, and opening it by pid", process);
	run("opening by pidfd sees whether the process lives", pidfd);
	run("receiving from one process", recv_from);
	run("a descriptor of something else gives no handle", from_fd);
	run("mbox_status tells every field", status);
	run("resize, chmod, chown and notify set what was asked", set);
	run("sending one message", send_one);
	run("receiving one message", recv_one);
	run("call, reply, and reply with receive", call_and_reply);
	run("leases go with each kind of receive", leases);
	run("a lease and the acknowledgment of the last", leases_in_turn);
	run("acknowledging and giving back", acknowledge);
	run("a dead-letter mailbox", dead_letter);
	run("descriptors go with each kind of call", descriptors);
	run("sending a batch of any size, stopped anywhere", send_batch);
	run("receiving a batch, stopped anywhere", recv_batch);
	run("segments pass on what they are given", segments);
	run("mapping a segment", map);
	run("a snapshot is a handle of its own", snapshot);
	run("a name given late", links);
	run("a pipe is two ends of one stream", pipes);
	run("a pipe that fails leaves nothing open", pipes_undone);
	run("a connection is two streams, joined both ways", connections);
	run("a connection that fails leaves nothing open", connections_undone);
	run("a direction is shut down by its name", shutdowns);
	run("FIFOs are streams with a name", fifos);
	run("commands at the other end of a pipe", commands);
	run("waiting for a command goes on after a signal", commands_and_signals);
	run("commands that are not run", commands_refused);
	return tap_end();
}
