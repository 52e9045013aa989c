// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * A request to another process and its answer: by a call, by two pipes, and by
 * a pair of sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "bench.h"

static char message[BENCH_BYTES_MAX];

/* A child that serves until it is killed. */
static int start_server(struct bench_link *link, void (*serve)(const struct bench_link *, size_t),
			size_t bytes)
{
	link->server = fork();
	if (link->server < 0)
		return -errno;
	if (!link->server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(link, bytes);
		_exit(1);
	}
	return 0;
}

static void stop_server(const struct bench_link *link)
{
	kill(link->server, SIGKILL);
	waitpid(link->server, NULL, 0);
}

/* Calls */

static void call_serve(const struct bench_link *link, size_t bytes)
{
	struct mbox_message next = { .data = message, .size = bytes };
	struct mbox_message reply = { .data = message };

	while (!mbox_reply_recv(link->mb, &reply, &next, 0, 0)) {
		reply.delivery = next.delivery;
		reply.length = next.length;
	}
}

static int call_setup(struct bench_link *link, size_t bytes, unsigned int queued)
{
	const struct mbox_attr attr = { .capacity = queued + 1, .msgsize = bytes };
	int err = mbox_create(&link->mb, NULL, O_RDWR, 0600, &attr);

	if (err)
		return err;
	err = start_server(link, call_serve, bytes);
	if (err)
		mbox_close(link->mb);
	return err;
}

static int call_send(struct bench_link *link, size_t bytes)
{
	struct mbox_message request = { .data = message, .length = bytes };
	struct mbox_message reply = { .data = message, .size = bytes };

	return mbox_call(link->mb, &request, &reply, 0, 0);
}

static void call_teardown(struct bench_link *link)
{
	stop_server(link);
	mbox_close(link->mb);
}

const struct bench_mechanism bench_mbox_call = {
	.name = "mbox call/reply",
	.setup = call_setup,
	.send = call_send,
	.teardown = call_teardown,
};

int bench_call(const struct bench_row *row, struct bench_link *link, unsigned int times)
{
	int err = 0;

	while (!err && times--)
		err = row->mechanism->send(link, row->bytes);
	return err;
}

/* Pipes: the link has the ends of the one who asks. */

static int write_whole(struct bench_link *link, size_t bytes)
{
	return write(link->in, message, bytes) == (ssize_t)bytes ? 0 : -EIO;
}

static int read_whole(struct bench_link *link, size_t bytes)
{
	return read(link->out, message, bytes) == (ssize_t)bytes ? 0 : -EIO;
}

static void pipes_serve(const struct bench_link *link, size_t bytes)
{
	struct bench_link back = { .in = link->serve_in, .out = link->serve_out };

	while (!read_whole(&back, bytes) && !write_whole(&back, bytes))
		;
}

static void pipes_close(const struct bench_link *link)
{
	close(link->in);
	close(link->out);
	close(link->serve_in);
	close(link->serve_out);
}

static int two_pipes(struct bench_link *link, int (*make)(int ends[2]), size_t bytes)
{
	int there[2], back[2], err;

	err = make(there);
	if (err)
		return err;
	err = make(back);
	if (err) {
		close(there[0]);
		close(there[1]);
		return err;
	}
	*link = (struct bench_link) {
		.in = there[1], .out = back[0], .serve_in = back[1], .serve_out = there[0],
	};
	err = start_server(link, pipes_serve, bytes);
	if (err)
		pipes_close(link);
	return err;
}

static int make_pipe(int ends[2])
{
	return pipe(ends) ? -errno : 0;
}

static int pipes_setup(struct bench_link *link, size_t bytes, unsigned int queued)
{
	(void)queued;
	return two_pipes(link, make_pipe, bytes);
}

static int make_mbox_pipe(int ends[2])
{
	return mbox_pipe(ends, 0);
}

static int mbox_pipes_setup(struct bench_link *link, size_t bytes, unsigned int queued)
{
	(void)queued;
	return two_pipes(link, make_mbox_pipe, bytes);
}

/* Each end is for both directions. */
static int connection(struct bench_link *link, const int ends[2], size_t bytes)
{
	int err;

	*link = (struct bench_link) {
		.in = ends[0], .out = dup(ends[0]), .serve_in = ends[1], .serve_out = dup(ends[1]),
	};
	err = start_server(link, pipes_serve, bytes);
	if (err)
		pipes_close(link);
	return err;
}

static int unix_setup(struct bench_link *link, size_t bytes, unsigned int queued)
{
	int ends[2];

	(void)queued;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) ? -errno : connection(link, ends, bytes);
}

static int mbox_socket_setup(struct bench_link *link, size_t bytes, unsigned int queued)
{
	int ends[2], err = mbox_socketpair(ends, 0);

	(void)queued;
	return err ? err : connection(link, ends, bytes);
}

static void pipes_teardown(struct bench_link *link)
{
	stop_server(link);
	pipes_close(link);
}

const struct bench_mechanism bench_pipes = {
	.name = "two pipes",
	.setup = pipes_setup,
	.send = write_whole,
	.recv = read_whole,
	.teardown = pipes_teardown,
};

const struct bench_mechanism bench_mbox_pipes = {
	.name = "two mbox pipes",
	.setup = mbox_pipes_setup,
	.send = write_whole,
	.recv = read_whole,
	.teardown = pipes_teardown,
};

const struct bench_mechanism bench_unix = {
	.name = "UNIX stream",
	.setup = unix_setup,
	.send = write_whole,
	.recv = read_whole,
	.teardown = pipes_teardown,
};

const struct bench_mechanism bench_mbox_socket = {
	.name = "mbox socket",
	.setup = mbox_socket_setup,
	.send = write_whole,
	.recv = read_whole,
	.teardown = pipes_teardown,
};
