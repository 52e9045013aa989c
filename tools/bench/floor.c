// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * What nothing that goes through the kernel is below: a system call that does
 * nothing, a count and a word of memory that others are woken by, and a copy
 * from one address space to another.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench.h"

static int nothing(struct bench_channel *channel, size_t bytes)
{
	(void)channel;
	(void)bytes;
	return 0;
}

static int no_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	(void)channel;
	(void)bytes;
	(void)room;
	return 0;
}

static void no_teardown(struct bench_channel *channel)
{
	(void)channel;
}

static int null_send(struct bench_channel *channel, size_t bytes)
{
	(void)channel;
	(void)bytes;
	return syscall(SYS_getppid) < 0 ? -errno : 0;
}

const struct bench_mechanism bench_null = {
	.name = "null system call",
	.setup = no_setup,
	.send = null_send,
	.recv = nothing,
	.teardown = no_teardown,
};

static int eventfd_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	(void)bytes;
	(void)room;
	channel->in = channel->out = eventfd(0, EFD_CLOEXEC);
	return channel->in < 0 ? -errno : 0;
}

static int eventfd_send(struct bench_channel *channel, size_t bytes)
{
	(void)bytes;
	return eventfd_write(channel->in, 1) ? -errno : 0;
}

static int eventfd_recv(struct bench_channel *channel, size_t bytes)
{
	eventfd_t value;

	(void)bytes;
	return eventfd_read(channel->out, &value) ? -errno : 0;
}

static void eventfd_teardown(struct bench_channel *channel)
{
	close(channel->in);
}

const struct bench_mechanism bench_eventfd = {
	.name = "eventfd",
	.is_peer = true,
	.setup = eventfd_setup,
	.send = eventfd_send,
	.recv = eventfd_recv,
	.teardown = eventfd_teardown,
};

static int futex_setup(struct bench_channel *channel, size_t bytes, unsigned int room)
{
	void *word = mmap(NULL, sizeof(*channel->word), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)bytes;
	(void)room;
	if (word == MAP_FAILED)
		return -errno;
	channel->word = word;
	return 0;
}

static int futex_send(struct bench_channel *channel, size_t bytes)
{
	(void)bytes;
	__atomic_store_n(channel->word, 1, __ATOMIC_RELEASE);
	return syscall(SYS_futex, channel->word, FUTEX_WAKE, 1, NULL, NULL, 0) < 0 ? -errno : 0;
}

static int futex_recv(struct bench_channel *channel, size_t bytes)
{
	(void)bytes;
	while (!__atomic_exchange_n(channel->word, 0, __ATOMIC_ACQUIRE))
		if (syscall(SYS_futex, channel->word, FUTEX_WAIT, 0, NULL, NULL, 0) &&
		    errno != EAGAIN)
			return -errno;
	return 0;
}

static void futex_teardown(struct bench_channel *channel)
{
	munmap(channel->word, sizeof(*channel->word));
}

const struct bench_mechanism bench_futex = {
	.name = "futex",
	.is_peer = true,
	.setup = futex_setup,
	.send = futex_send,
	.recv = futex_recv,
	.teardown = futex_teardown,
};

/* Whose the other address space is changes nothing. */
static int copy_send(struct bench_channel *channel, size_t bytes)
{
	static char from[BENCH_BYTES_MAX];
	const struct iovec local = { .iov_base = bench_data, .iov_len = bytes };
	const struct iovec remote = { .iov_base = from, .iov_len = bytes };

	(void)channel;
	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)bytes)
		return -errno;
	return 0;
}

const struct bench_mechanism bench_copy = {
	.name = "process_vm_readv",
	.setup = no_setup,
	.send = copy_send,
	.recv = nothing,
	.teardown = no_teardown,
};
