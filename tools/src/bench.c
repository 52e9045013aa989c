// SPDX-License-Identifier: MIT OR LGPL-2.1
#include "command.h"

int cmd_bench(int argc, char **argv);

const struct command bench_command = {
	.name = "bench",
	.summary = "measure mailboxes beside pipes and the system's queues",
	.main = cmd_bench,
};
