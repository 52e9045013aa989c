// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "command.h"
#include "exec.h"
#include "fail.h"
#include "preload.h"

/* A program would start without it, and use what it is not to use. */
static void check_library(void)
{
	if (!dlopen(PRELOAD, RTLD_LAZY | RTLD_LOCAL))
		fail_usage("%s is not where the loader looks: 'make install' and ldconfig put it there, or name its folder in LD_LIBRARY_PATH",
			   PRELOAD);
}

static void check_device(void)
{
	if (access("/dev/mbox", R_OK | W_OK))
		fail_with("/dev/mbox", "use it", errno == ENOENT ? -ENODEV : -errno);
}

/* Before what the program is to be run with anyway. */
static void preload(void)
{
	const char *others = getenv("LD_PRELOAD");
	char *all;

	if (asprintf(&all, PRELOAD "%s%s", others ? ":" : "", others ? others : "") < 0 ||
	    setenv("LD_PRELOAD", all, 1))
		fail_errno("memory");
	free(all);
}

static int run(struct arguments *args)
{
	no_options(args);
	check_device();
	check_library();
	preload();
	exec_program(args->argv);
}

const struct command run_command = {
	.name = "run",
	.operands = "PROGRAM [ARG...]",
	.summary = "run a program whose queues, memory and sockets are mbox's",
	.text =
	"Run PROGRAM, and what it starts, with its message queues on mailboxes: those of\n"
	"mq_overview(7) by their name, and those of System V as /sysv-msg:KEY; and with\n"
	"its shared memory on segments: /shm:NAME and /sysv-shm:KEY. Stream sockets of\n"
	"this machine, TCP and UNIX, go through streams where both ends are run so, and\n"
	"stay what they are where not. See mbox-preload(7). The program stays as it is,\n"
	"but has to be linked with a shared libc; of a set-user-ID one the loader takes no\n"
	"notice of this. Put -- before a PROGRAM that has options.\n",
	.example =
	"  mbox run -- stress-ng --mq 2 --timeout 10\n"
	"  mbox ls                  # shows its queues meanwhile\n",
	.least = 1,
	.most = -1,
	.run = run,
};
