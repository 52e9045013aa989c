// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * What an idle mailbox costs the kernel beyond its file: how much the slab
 * caches grow by many mailboxes, less how much they grow by as many signalfds.
 * A signalfd is a file as a mailbox is one, with 8 bytes behind it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "bench.h"

#define MANY		10000
#define SIGNALFD_BYTES	8

static struct mbox *mailboxes[MANY];
static int files[MANY];

/* A line: name, 4 numbers, pages a slab, tunables, and the slabs that there are. */
static int slab_bytes(double *bytes)
{
	const long page = sysconf(_SC_PAGESIZE);
	FILE *file = fopen("/proc/slabinfo", "r");
	unsigned long pages, slabs;
	char line[512];

	if (!file)
		return -errno;
	*bytes = 0;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %*u %*u %*u %*u %lu : tunables %*u %*u %*u : slabdata %*u %lu",
			   &pages, &slabs) == 2)
			*bytes += (double)pages * slabs * page;
	}
	fclose(file);
	return 0;
}

static int open_files(void)
{
	sigset_t none;
	int i;

	sigemptyset(&none);
	for (i = 0; i < MANY; i++) {
		files[i] = signalfd(-1, &none, SFD_CLOEXEC);
		if (files[i] < 0)
			return -errno;
	}
	return 0;
}

static int open_mailboxes(void)
{
	int i, err;

	for (i = 0; i < MANY; i++) {
		err = mbox_create(&mailboxes[i], NULL, O_RDWR, 0600, NULL);
		if (err)
			return err;
	}
	return 0;
}

static void close_all(void)
{
	int i;

	for (i = 0; i < MANY; i++) {
		if (files[i] > 0)
			close(files[i]);
		mbox_close(mailboxes[i]);
		files[i] = 0;
		mailboxes[i] = NULL;
	}
}

static int grow(double *bytes)
{
	double before = 0, between = 0, after = 0;
	int err;

	err = slab_bytes(&before);
	if (!err)
		err = open_files();
	if (!err)
		err = slab_bytes(&between);
	if (!err)
		err = open_mailboxes();
	if (!err)
		err = slab_bytes(&after);
	if (!err)
		*bytes = ((after - between) - (between - before)) / MANY + SIGNALFD_BYTES;
	return err;
}

static int measure(double *bytes)
{
	const struct rlimit limit = { 2 * MANY + 64, 2 * MANY + 64 };
	int err;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		return -errno;
	err = grow(bytes);
	close_all();
	return err;
}

const struct bench_pattern bench_idle = {
	.name = "idle, beside its file",
	.measure = measure,
};
