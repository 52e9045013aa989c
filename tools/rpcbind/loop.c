// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <mbox/rpc.h>

#include "loop.h"
#include "mailboxes.h"
#include "registry.h"

static int signals;

void loop_prepare(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		err(EXIT_FAILURE, "signalfd");
	signal(SIGPIPE, SIG_IGN);
}

enum { SIGNALS, CHANGED, MAILBOXES };

/* As they are now; when that changes, mailboxes_changed() can be read. */
static struct pollfd *to_poll(size_t *count)
{
	struct pollfd *polled;

	registry_lock();
	*count = MAILBOXES + mailboxes_watched();
	polled = calloc(*count, sizeof(*polled));
	if (!polled)
		err(EXIT_FAILURE, "poll");
	polled[SIGNALS] = (struct pollfd){ .fd = signals, .events = POLLIN };
	polled[CHANGED] = (struct pollfd){ .fd = mailboxes_changed(), .events = POLLIN };
	mailboxes_fill(&polled[MAILBOXES]);
	registry_unlock();
	return polled;
}

/* Return: whether to go on. */
static bool once(void)
{
	size_t count;
	struct pollfd *polled = to_poll(&count);
	int ready = poll(polled, count, -1);
	bool ending = ready > 0 && polled[SIGNALS].revents;
	eventfd_t value;

	if (ready < 0 && errno != EINTR)
		err(EXIT_FAILURE, "poll");
	registry_lock();
	if (ready > 0 && polled[CHANGED].revents)
		eventfd_read(mailboxes_changed(), &value);
	mailboxes_look(registry_mailbox_gone);
	registry_unlock();
	free(polled);
	return !ending;
}

static void *watch(void *nothing)
{
	while (once())
		;
	mbox_svc_exit();
	return nothing;
}

void loop(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, watch, NULL);

	if (error)
		errx(EXIT_FAILURE, "thread: %s", strerror(error));
	error = mbox_svc_run(1);
	if (error)
		errx(EXIT_FAILURE, "mailbox: %s", strerror(-error));
	pthread_join(thread, NULL);
}
