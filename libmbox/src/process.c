/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Processes: their own mailboxes, found by pid or pidfd.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

MBOX_API int mbox_own(struct mbox **mb, int oflag, mode_t mode,
		      const struct mbox_attr *attr)
{
	struct mbox_attr own = {
		.capacity = MBOX_CAPACITY_DEFAULT,
		.msgsize = MBOX_MSGSIZE_DEFAULT,
	};

	if (attr)
		own = *attr;
	own.flags |= MBOX_OWN;
	return mbox_create(mb, NULL, oflag, mode, &own);
}

MBOX_API int mbox_open_pid(struct mbox **mb, pid_t pid, int oflag)
{
	struct mbox_ioc_open req = {
		.oflag = oflag,
		.kind = MBOX_MAILBOX,
		.pid = pid,
	};

	/* With neither a name nor a process the kernel would miss the name. */
	if (pid <= 0)
		return -EINVAL;
	return mbox_mailbox_get(mb, MBOX_IOC_OPEN, &req);
}

/* The process of a pidfd, 0 or less if it is not seen or gone; or -EBADF. */
static int pid_of(int pidfd, pid_t *pid)
{
	static const char key[] = "Pid:";
	int ret = -EBADF;
	char line[128];
	FILE *file;

	snprintf(line, sizeof(line), "/proc/thread-self/fdinfo/%d", pidfd);
	file = fopen(line, "re");
	if (!file)
		return ret;
	while (ret && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		*pid = strtol(line + strlen(key), NULL, 10);
		ret = 0;
	}
	fclose(file);
	return ret;
}

static int is_alive(int pidfd)
{
	const struct timespec at_once = { 0 };
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	int ret;

	do {
		ret = mbox_fd_poll(&end, 1, &at_once);
	} while (ret == -EINTR);
	return ret == 0;
}

static int open_pidfd(struct mbox **mb, int pidfd, int oflag)
{
	struct mbox *new = NULL;
	pid_t pid;
	int ret = pid_of(pidfd, &pid);

	if (ret)
		return ret;
	if (pid <= 0)
		return -ESRCH;
	ret = mbox_open_pid(&new, pid, oflag);
	if (!is_alive(pidfd)) {
		mbox_close(new);
		return -ESRCH;
	}
	if (!ret)
		*mb = new;
	return ret;
}

/* A thread that is cancelled in between would leave a file open. */
MBOX_API int mbox_open_pidfd(struct mbox **mb, int pidfd, int oflag)
{
	int state;
	int ret;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	ret = open_pidfd(mb, pidfd, oflag);
	pthread_setcancelstate(state, &state);
	return ret;
}
