// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec.h"
#include "fail.h"

/* The first descriptor after the standard ones. */
#define FIRST_FD 3

/* In memory, so that a command that does not read it holds up nobody. */
static int message_file(const struct mbox_message *message)
{
	const char *data = message->data;
	size_t done = 0;
	int fd = memfd_create("mbox message", MFD_CLOEXEC);

	if (fd < 0)
		fail_errno("memory for the message");
	while (done < message->length) {
		ssize_t part = write(fd, data + done, message->length - done);

		if (part < 0)
			fail_errno("memory for the message");
		done += part;
	}
	if (lseek(fd, 0, SEEK_SET))
		fail_errno("memory for the message");
	return fd;
}

/* @fd is never @at: the new one is not closed on exec. */
static void place(int fd, int at)
{
	if (dup2(fd, at) < 0)
		_exit(126);
}

/* First out of the way of each other, then to their places. */
static void place_all(struct mbox_fd *fds, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		fds[i].fd = fcntl(fds[i].fd, F_DUPFD_CLOEXEC, FIRST_FD + nr);
	for (i = 0; i < nr; i++)
		place(fds[i].fd, FIRST_FD + i);
}

int program_beside(const char *name, char *path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", path, size);
	char *slash;

	if (length < 0)
		return -errno;
	path[length < (ssize_t)size ? length : 0] = '\0';
	slash = strrchr(path, '/');
	if (!slash || slash + 1 + strlen(name) >= path + size)
		return -ENAMETOOLONG;
	strcpy(slash + 1, name);
	return access(path, X_OK) ? -errno : 0;
}

noreturn void exec_program(char **argv)
{
	int error;

	execvp(argv[0], argv);
	error = errno;
	complain("%s: %s", argv[0], strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}

int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			fail_errno("the command");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int exec_message(const char *command, const struct mbox_message *message)
{
	int data = message_file(message);
	pid_t child = fork();
	unsigned int i;

	if (child < 0)
		fail_errno("the command");
	if (child == 0) {
		place(data, STDIN_FILENO);
		place_all(message->fds, message->nr_fds);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	close(data);
	for (i = 0; i < message->nr_fds; i++)
		close(message->fds[i].fd);
	return wait_for(child);
}
