/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Commands at the other end of a pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

extern char **environ;

struct child {
	struct child *next;
	FILE *stream;
	pid_t pid;
};

/* Whose stream is which: mbox_pclose() is told no more than the stream. */
static pthread_mutex_t children_lock = PTHREAD_MUTEX_INITIALIZER;
static struct child *children;

static void add_child(struct child *child)
{
	pthread_mutex_lock(&children_lock);
	child->next = children;
	children = child;
	pthread_mutex_unlock(&children_lock);
}

static struct child *take_child(const FILE *stream)
{
	struct child **link, *child;

	pthread_mutex_lock(&children_lock);
	for (link = &children; *link && (*link)->stream != stream;)
		link = &(*link)->next;
	child = *link;
	if (child)
		*link = child->next;
	pthread_mutex_unlock(&children_lock);
	return child;
}

/* @fd becomes @at in the shell: all else of the pipe is closed there by exec. */
static int spawn_shell(pid_t *pid, const char *command, int fd, int at)
{
	char *const argv[] = { "sh", "-c", "--", (char *)command, NULL };
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return -error;
	error = posix_spawn_file_actions_adddup2(&actions, fd, at);
	if (!error)
		error = posix_spawn(pid, "/bin/sh", &actions, NULL, argv,
				    environ);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

/* Of a pipe: the stream of one end, and a command at the other. */
static int start(struct child *child, const char *command, int reads)
{
	int fd[2], ours, theirs;
	int ret = mbox_pipe(fd, O_CLOEXEC);

	if (ret)
		return ret;
	ours = fd[!reads];
	theirs = fd[reads];
	child->stream = fdopen(ours, reads ? "r" : "w");
	if (child->stream) {
		ret = spawn_shell(&child->pid, command, theirs,
				  reads ? STDOUT_FILENO : STDIN_FILENO);
		if (ret)
			fclose(child->stream);
	} else {
		ret = -errno;
		mbox_fd_close(ours);
	}
	mbox_fd_close(theirs);
	return ret;
}

static int is_type(const char *type)
{
	return (type[0] == 'r' || type[0] == 'w') &&
	       (!type[1] || (type[1] == 'e' && !type[2]));
}

static int open_child(FILE **stream, const char *command, const char *type)
{
	struct child *child;
	int ret;

	if (!is_type(type))
		return -EINVAL;
	child = malloc(sizeof(*child));
	if (!child)
		return -ENOMEM;
	ret = start(child, command, type[0] == 'r');
	if (ret) {
		free(child);
		return ret;
	}
	*stream = child->stream;
	add_child(child);
	return 0;
}

/* The end of the pipe comes first: the command may wait for it. */
static int close_child(struct child *child)
{
	int error = fclose(child->stream) ? errno : 0;
	int status;

	while (waitpid(child->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	errno = error;
	return !status && error ? -1 : status;
}

/* A thread that is cancelled in between would leave descriptors open. */
MBOX_API FILE *mbox_popen(const char *command, const char *type)
{
	FILE *stream = NULL;
	int state, ret;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	ret = open_child(&stream, command, type);
	pthread_setcancelstate(state, &state);
	if (ret)
		errno = -ret;
	return stream;
}

MBOX_API int mbox_pclose(FILE *stream)
{
	struct child *child = take_child(stream);
	int state, ret;

	if (!child) {
		errno = ECHILD;
		return -1;
	}
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	ret = close_child(child);
	pthread_setcancelstate(state, &state);
	free(child);
	return ret;
}
