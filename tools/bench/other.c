// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static void leave_cpu(void)
{
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (cpu != sched_getcpu())
			CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int bench_start(const struct bench_row *row, struct bench_work *work, unsigned int nth,
		void (*run)(const struct bench_row *row, struct bench_work *work))
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (row->cpus > 1)
			leave_cpu();
		run(row, work);
		_exit(1);
	}
	work->others[nth] = pid;
	return 0;
}

void bench_stop(struct bench_work *work)
{
	int i;

	for (i = 0; i < BENCH_OTHERS; i++) {
		if (!work->others[i])
			continue;
		kill(work->others[i], SIGKILL);
		waitpid(work->others[i], NULL, 0);
		work->others[i] = 0;
	}
}
