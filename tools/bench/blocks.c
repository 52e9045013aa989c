// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Blocks of bytes to another process, which reads them all and says so at the
 * end of a round.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "bench.h"

static char block[BENCH_BYTES_MAX];

/* Reads rounds of as many blocks, whatever sizes they come in. */
static void consume(int from, int done, size_t bytes)
{
	size_t left = bytes * BENCH_BLOCKS;
	ssize_t n;

	while ((n = read(from, block, bytes)) > 0) {
		left -= (size_t)n;
		if (left)
			continue;
		left = bytes * BENCH_BLOCKS;
		if (write(done, block, 1) != 1)
			break;
	}
}

static int start_reader(struct bench_link *link, const int ends[2], const int done[2], size_t bytes)
{
	link->server = fork();
	if (link->server < 0)
		return -errno;
	if (!link->server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[1]);
		consume(ends[0], done[1], bytes);
		_exit(1);
	}
	link->in = ends[1];
	link->out = done[0];
	return 0;
}

/* The ends that go into @link stay open, the others are the reader's. */
static int setup(struct bench_link *link, int ends[2], size_t bytes)
{
	int done[2], err;

	err = pipe(done) ? -errno : start_reader(link, ends, done, bytes);
	close(ends[0]);
	if (!err)
		close(done[1]);
	else
		close(ends[1]);
	return err;
}

static int pipe_setup(struct bench_link *link, size_t bytes, unsigned int queued)
{
	int ends[2];

	(void)queued;
	return pipe(ends) ? -errno : setup(link, ends, bytes);
}

static int mbox_setup(struct bench_link *link, size_t bytes, unsigned int queued)
{
	int ends[2], err = mbox_pipe(ends, 0);

	(void)queued;
	return err ? err : setup(link, ends, bytes);
}

static void teardown(struct bench_link *link)
{
	kill(link->server, SIGKILL);
	waitpid(link->server, NULL, 0);
	close(link->in);
	close(link->out);
}

const struct bench_mechanism bench_pipe_blocks = {
	.name = "pipe",
	.setup = pipe_setup,
	.teardown = teardown,
};

const struct bench_mechanism bench_mbox_blocks = {
	.name = "mbox pipe",
	.setup = mbox_setup,
	.teardown = teardown,
};

int bench_blocks(const struct bench_row *row, struct bench_link *link, unsigned int times)
{
	while (times--)
		if (write(link->in, block, row->bytes) != (ssize_t)row->bytes)
			return -EIO;
	return read(link->out, block, 1) == 1 ? 0 : -EIO;
}
