// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * What comes as two descriptors, one to write to and one to read from.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "bench.h"

static int write_one(struct bench_channel *channel, size_t bytes)
{
	return write(channel->in, bench_data, bytes) == (ssize_t)bytes ? 0 : -EIO;
}

/* A stream gives what there is by now. */
static int read_all(struct bench_channel *channel, size_t bytes)
{
	ssize_t got;

	while (bytes) {
		got = read(channel->out, bench_data, bytes);
		if (got <= 0)
			return got ? -errno : -EIO;
		bytes -= got;
	}
	return 0;
}

static void teardown(struct bench_channel *channel)
{
	close(channel->in);
	close(channel->out);
}

/* Unless there was an error. */
static int keep(struct bench_channel *channel, const int ends[2], int err)
{
	if (err)
		return err;
	channel->out = ends[0];
	channel->in = ends[1];
	return 0;
}

static int pipe_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	int ends[2];

	(void)bytes;
	(void)room;
	return keep(channel, ends, pipe(ends) ? -errno : 0);
}

const struct bench_mechanism bench_pipe = {
	.name = "pipe",
	.is_peer = true,
	.setup = pipe_setup,
	.send = write_one,
	.recv = read_all,
	.teardown = teardown,
};

static int mbox_pipe_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	int ends[2];

	(void)bytes;
	(void)room;
	return keep(channel, ends, mbox_pipe(ends, 0));
}

const struct bench_mechanism bench_mbox_pipe = {
	.name = "mbox pipe",
	.setup = mbox_pipe_setup,
	.send = write_one,
	.recv = read_all,
	.teardown = teardown,
};

static int mbox_socket_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	int ends[2];

	(void)bytes;
	(void)room;
	return keep(channel, ends, mbox_socketpair(ends, 0));
}

const struct bench_mechanism bench_mbox_socket = {
	.name = "mbox socket",
	.setup = mbox_socket_setup,
	.send = write_one,
	.recv = read_all,
	.teardown = teardown,
};

static int sockets(struct bench_channel *channel, int type)
{
	int ends[2];

	return keep(channel, ends, socketpair(AF_UNIX, type, 0, ends) ? -errno : 0);
}

static int unix_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	(void)bytes;
	(void)room;
	return sockets(channel, SOCK_STREAM);
}

const struct bench_mechanism bench_unix = {
	.name = "UNIX stream",
	.is_peer = true,
	.setup = unix_setup,
	.send = write_one,
	.recv = read_all,
	.teardown = teardown,
};

static int seqpacket_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	(void)bytes;
	(void)room;
	return sockets(channel, SOCK_SEQPACKET);
}

const struct bench_mechanism bench_seqpacket = {
	.name = "UNIX seqpacket",
	.is_peer = true,
	.setup = seqpacket_setup,
	.send = write_one,
	.recv = read_all,
	.teardown = teardown,
};

static int datagram_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	(void)bytes;
	(void)room;
	return sockets(channel, SOCK_DGRAM);
}

const struct bench_mechanism bench_datagram = {
	.name = "UNIX datagram",
	.is_peer = true,
	.setup = datagram_setup,
	.send = write_one,
	.recv = read_all,
	.teardown = teardown,
};
