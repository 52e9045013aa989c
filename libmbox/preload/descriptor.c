/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Descriptors that this library has open beside the program's own. The program
 * did not open them and must not close them: their numbers are as if they were
 * free and out of its reach.
 *
 * close(2) and dup2(2) can be called in signal handlers and between vfork(2) and
 * execve(2), where memory is the parent's: so there is no lock, and what is
 * looked for is found before the first call.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "preload.h"
#include "socket.h"

/* Above what programs have, and in the range of select(2) and of most limits. */
#define HIDDEN_FIRST	512
#define HIDDEN		256

/* Those that are hidden, and 0 for none. */
static _Atomic int hidden[HIDDEN];

PRELOAD_NEXT(close)
PRELOAD_NEXT(close_range)
PRELOAD_NEXT(dup2)
PRELOAD_NEXT(dup3)

static bool is_hidden(int fd)
{
	int i = 0;

	if (fd < HIDDEN_FIRST)
		return false;
	while (i < HIDDEN && hidden[i] != fd)
		i++;
	return i < HIDDEN;
}

static bool replace(int old, int fresh)
{
	int i;

	for (i = 0; i < HIDDEN; i++) {
		int expected = old;

		if (atomic_compare_exchange_strong(&hidden[i], &expected, fresh))
			return true;
	}
	return false;
}

/* Return: the lowest that is hidden from @first to @last, or 0. */
static unsigned int first_hidden(unsigned int first, unsigned int last)
{
	unsigned int lowest = 0;
	int i;

	for (i = 0; i < HIDDEN; i++) {
		unsigned int fd = hidden[i];

		if (fd && fd >= first && fd <= last && (!lowest || fd < lowest))
			lowest = fd;
	}
	return lowest;
}

int preload_hide_copy(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, HIDDEN_FIRST);

	if (high < 0)
		return -errno;
	if (replace(0, high))
		return high;
	next_close()(high);
	return -EMFILE;
}

int preload_hide(int fd)
{
	int high = preload_hide_copy(fd);

	next_close()(fd);
	return high;
}

void preload_close_hidden(int fd)
{
	if (replace(fd, 0))
		next_close()(fd);
}

static pid_t owner;

static void own(void)
{
	owner = getpid();
}

bool preload_owns_memory(void)
{
	return getpid() == owner;
}

/* To be told before, as their numbers can be others' at once. */
static void tell_closed(unsigned int first, unsigned int last)
{
	preload_listeners_closed(first, last);
	preload_connections_closed(first, last);
}

/* Whether dup2(2) is going to close what has the number @fd. */
static bool is_replaced(int old, int fd)
{
	return old != fd && fcntl(old, F_GETFD) >= 0;
}

PRELOAD_API int close(int fd)
{
	if (is_hidden(fd))
		return preload_fail(-EBADF);
	preload_queue_closed(fd);
	tell_closed(fd, fd);
	return next_close()(fd);
}

PRELOAD_API int dup2(int old, int fd)
{
	if (is_hidden(fd))
		return preload_fail(-EBADF);
	preload_queue_closed(fd);
	if (is_replaced(old, fd))
		tell_closed(fd, fd);
	return next_dup2()(old, fd);
}

PRELOAD_API int dup3(int old, int fd, int flags)
{
	if (is_hidden(fd))
		return preload_fail(-EBADF);
	preload_queue_closed(fd);
	if (is_replaced(old, fd))
		tell_closed(fd, fd);
	return next_dup3()(old, fd, flags);
}

/* Those that are hidden are close-on-exec as they are. */
PRELOAD_API int close_range(unsigned int first, unsigned int last, int flags)
{
	unsigned int from = first, stop = 0;
	int ret = 0;

	if (!(flags & CLOSE_RANGE_CLOEXEC)) {
		preload_queues_closed(first, last);
		tell_closed(first, last);
		stop = first_hidden(first, last);
	}
	while (stop && !ret) {
		if (stop > from)
			ret = next_close_range()(from, stop - 1, flags);
		from = stop + 1;
		stop = first_hidden(from, last);
	}
	if (ret || (from > first && from > last))
		return ret;
	return next_close_range()(from, last, flags);
}

PRELOAD_API void closefrom(int first)
{
	close_range(first < 0 ? 0 : first, ~0U, 0);
}

__attribute__((constructor)) static void begin(void)
{
	own();
	pthread_atfork(NULL, NULL, own);
	next_close();
	next_dup2();
	next_dup3();
	next_close_range();
}
