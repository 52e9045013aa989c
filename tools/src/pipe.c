// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "command.h"
#include "exec.h"
#include "fail.h"

#define BAR "|"

/**
 * struct stage - a program of the pipeline
 * @argv: ended by NULL
 * @pid: its process, once it runs
 */
struct stage {
	char **argv;
	pid_t pid;
};

/* Return: how many there are in @stages, which has room for all words. */
static size_t split(char **words, struct stage *stages)
{
	size_t count = 0;
	bool empty = true;

	stages[0].argv = words;
	for (; *words; words++) {
		if (strcmp(*words, BAR)) {
			empty = false;
			continue;
		}
		if (empty)
			break;
		*words = NULL;
		stages[++count].argv = words + 1;
		empty = true;
	}
	if (empty)
		fail_usage("a program is missing before or after '" BAR "'");
	return count + 1;
}

static void become(int fd, int at)
{
	if (dup2(fd, at) < 0)
		fail_errno("a pipe");
}

static pid_t start(char **argv, int in, int out)
{
	pid_t pid = fork();

	if (pid < 0)
		fail_errno("a process for a program");
	if (pid)
		return pid;
	if (in >= 0)
		become(in, STDIN_FILENO);
	if (out >= 0)
		become(out, STDOUT_FILENO);
	exec_program(argv);
}

/*
 * Each end is closed here as soon as its program has it: a reader comes to the
 * end, and a writer to SIGPIPE, only when nobody else has the other end.
 */
static void start_all(struct stage *stages, size_t count)
{
	int in = -1;
	size_t i;

	for (i = 0; i < count; i++) {
		int fd[2] = { -1, -1 };
		int error = i + 1 < count ? mbox_pipe(fd, O_CLOEXEC) : 0;

		if (error)
			fail_with("a pipe", "make it", error);
		stages[i].pid = start(stages[i].argv, in, fd[1]);
		close(in);
		close(fd[1]);
		in = fd[0];
	}
}

static int run(struct arguments *args)
{
	struct stage *stages;
	size_t count, i;
	int status = EXIT_OK;

	no_options(args);
	stages = calloc(args->argc, sizeof(*stages));
	if (!stages)
		fail_errno("memory");
	count = split(args->argv, stages);
	start_all(stages, count);
	for (i = 0; i < count; i++)
		status = wait_for(stages[i].pid);
	free(stages);
	return status;
}

const struct command pipe_command = {
	.name = "pipe",
	.operands = "PROGRAM [ARG...]",
	.summary = "run programs with pipes between them",
	.text =
	"Run a pipeline as the shell does, its pipes being mailboxes: a '|' of its own,\n"
	"in quotes, stands between two programs. This ends when all programs have, with\n"
	"the exit status of the last, or 128 and the number of the signal that ended it.\n"
	"Put -- before programs that have options. 'mbox ls' shows the pipes meanwhile.\n",
	.example =
	"  mbox pipe -- seq 1000 '|' grep 7 '|' wc -l\n",
	.least = 1,
	.most = -1,
	.run = run,
};
