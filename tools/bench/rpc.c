// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Calls by the RPC library over its own transports and over mailboxes: another program
 * makes them, beside this one, and its child is the server.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../src/exec.h"
#include "bench.h"

#define HELPER	"mbox-bench-rpc"

/* All that is done is done there, so that they have nothing but their names. */
const struct bench_mechanism bench_rpc_mailbox = { .name = "RPC by mailbox" };
const struct bench_mechanism bench_rpc_at_most_once = { .name = "RPC at most once" };
const struct bench_mechanism bench_rpc_exactly_once = { .name = "RPC exactly once" };
const struct bench_mechanism bench_rpc_tcp = { .name = "RPC by TCP", .is_peer = true };
const struct bench_mechanism bench_rpc_udp = { .name = "RPC by UDP", .is_peer = true };
const struct bench_mechanism bench_rpc_local = { .name = "RPC by AF_LOCAL", .is_peer = true };

static void run(const struct bench_row *row, struct bench_work *work)
{
	char path[PATH_MAX], bytes[24], clients[12], times[12];

	snprintf(bytes, sizeof(bytes), "%zu", row->bytes);
	snprintf(clients, sizeof(clients), "%u", row->pattern->clients);
	snprintf(times, sizeof(times), "%u", row->pattern->times);
	if (!program_beside(HELPER, path, sizeof(path)) && dup2(work->go[0], STDIN_FILENO) >= 0 &&
	    dup2(work->done[1], STDOUT_FILENO) >= 0)
		execl(path, HELPER, row->mechanism->name, bytes, clients, times, NULL);
}

/* The helper says so when it is ready, and again after each round. */
static int wait_for_helper(struct bench_work *work)
{
	char byte;

	return read(work->done[0], &byte, 1) == 1 ? 0 : -EIO;
}

static int setup(const struct bench_row *row, struct bench_work *work)
{
	char path[PATH_MAX];
	int err = program_beside(HELPER, path, sizeof(path));

	if (err)
		return err;
	if (pipe2(work->go, O_CLOEXEC) || pipe2(work->done, O_CLOEXEC))
		return -errno;
	err = bench_start(row, work, 0, run);
	if (err)
		return err;
	close(work->go[0]);
	close(work->done[1]);
	return wait_for_helper(work);
}

static int call_all(const struct bench_row *row, struct bench_work *work)
{
	(void)row;
	return write(work->go[1], "", 1) == 1 ? wait_for_helper(work) : -errno;
}

static void teardown(const struct bench_row *row, struct bench_work *work)
{
	(void)row;
	bench_stop(work);
	close(work->go[1]);
	close(work->done[0]);
}

#define PATTERN(what, nr, often) {	\
	.name = what,			\
	.clients = nr,			\
	.times = often,			\
	.setup = setup,			\
	.round = call_all,		\
	.teardown = teardown,		\
}

const struct bench_pattern bench_remote = PATTERN("remote call", 1, BENCH_TIMES);
const struct bench_pattern bench_remote_large = PATTERN("remote call", 1, 100);
const struct bench_pattern bench_remote_clients = PATTERN("1,000 clients", 1000, BENCH_TIMES);
