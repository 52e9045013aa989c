// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Connections to a port or a path, of the kernel and by mbox run: the same
 * calls, out of libc and out of the preload library.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench.h"

struct calls {
	__typeof__(listen) *listen;
	__typeof__(accept) *accept;
	__typeof__(connect) *connect;
	__typeof__(send) *send;
	__typeof__(recv) *recv;
	__typeof__(close) *close;
};

static const struct calls libc = { listen, accept, connect, send, recv, close };

static const struct calls *preloaded(void)
{
	static struct calls calls;

	calls = (struct calls) {
		.listen = (__typeof__(listen) *)bench_preloaded("listen"),
		.accept = (__typeof__(accept) *)bench_preloaded("accept"),
		.connect = (__typeof__(connect) *)bench_preloaded("connect"),
		.send = (__typeof__(send) *)bench_preloaded("send"),
		.recv = (__typeof__(recv) *)bench_preloaded("recv"),
		.close = (__typeof__(close) *)bench_preloaded("close"),
	};
	if (!calls.listen || !calls.accept || !calls.connect || !calls.send || !calls.recv ||
	    !calls.close)
		return NULL;
	return &calls;
}

/* Both ends are here: who listens has room for the one that connects. */
static int join(struct bench_channel *channel, const struct calls *calls, int listener)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(address);

	if (calls->listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&address, &length))
		return -errno;
	channel->in = socket(address.ss_family, SOCK_STREAM, 0);
	if (channel->in < 0)
		return -errno;
	if (calls->connect(channel->in, (struct sockaddr *)&address, length))
		return -errno;
	channel->out = calls->accept(listener, NULL, NULL);
	return channel->out < 0 ? -errno : 0;
}

static int connected(struct bench_channel *channel, const struct calls *calls,
		     const struct sockaddr *address, socklen_t length)
{
	int listener, err;

	if (!calls)
		return -ENOENT;
	channel->calls = calls;
	channel->in = channel->out = -1;
	listener = socket(address->sa_family, SOCK_STREAM, 0);
	if (listener < 0)
		return -errno;
	err = bind(listener, address, length) ? -errno : join(channel, calls, listener);
	calls->close(listener);
	return err;
}

static int tcp(struct bench_channel *channel, const struct calls *calls)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int on = 1;
	int err = connected(channel, calls, (const struct sockaddr *)&address, sizeof(address));

	if (!err && calls == &libc)
		setsockopt(channel->in, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return err;
}

static int tcp_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	(void)bytes;
	(void)room;
	return tcp(channel, &libc);
}

static int run_tcp_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	(void)bytes;
	(void)room;
	return tcp(channel, preloaded());
}

/* An address that the kernel chooses. */
static int run_unix_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)bytes;
	(void)room;
	return connected(channel, preloaded(), (const struct sockaddr *)&address,
			 sizeof(address.sun_family));
}

static int send_one(struct bench_channel *channel, size_t bytes)
{
	const struct calls *calls = channel->calls;

	ssize_t sent = calls->send(channel->in, bench_data, bytes, 0);

	if (sent < 0)
		return -errno;
	return (size_t)sent == bytes ? 0 : -EIO;
}

static int recv_all(struct bench_channel *channel, size_t bytes)
{
	const struct calls *calls = channel->calls;
	ssize_t got;

	while (bytes) {
		got = calls->recv(channel->out, bench_data, bytes, 0);
		if (got <= 0)
			return got ? -errno : -EIO;
		bytes -= got;
	}
	return 0;
}

static void teardown(struct bench_channel *channel)
{
	const struct calls *calls = channel->calls;

	calls->close(channel->in);
	calls->close(channel->out);
}

const struct bench_mechanism bench_tcp = {
	.name = "loopback TCP",
	.is_peer = true,
	.setup = tcp_setup,
	.send = send_one,
	.recv = recv_all,
	.teardown = teardown,
};

const struct bench_mechanism bench_run_tcp = {
	.name = "TCP by mbox run",
	.setup = run_tcp_setup,
	.send = send_one,
	.recv = recv_all,
	.teardown = teardown,
};

const struct bench_mechanism bench_run_unix = {
	.name = "UNIX by mbox run",
	.setup = run_unix_setup,
	.send = send_one,
	.recv = recv_all,
	.teardown = teardown,
};
