/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs share that know nothing of mbox, and that preload.sh runs both ways.
 */
#ifndef MBOX_SELFTESTS_PLAIN_H
#define MBOX_SELFTESTS_PLAIN_H

#include <errno.h>
#include <sys/types.h>
#include <sys/wait.h>

/* A user that nothing else on the machine runs as. */
#define OTHER	12345

/* What a call of libc returned, or -errno. */
static inline int error_of(long ret)
{
	return ret < 0 ? -errno : (int)ret;
}

/* What a child returned, -1 for any child: 1000 and the signal, if one ended it. */
static inline int exit_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#endif
