// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <rpc/rpc.h>

#include "loop.h"
#include "mailboxes.h"
#include "protocol.h"
#include "registry.h"

/* Connections without a request for that long are closed. */
#define IDLE_SECONDS 60

/* Exported by libtirpc for rpcbind, and declared nowhere. */
extern bool_t __svc_clean_idle(fd_set *cleaned, int seconds, bool_t force);

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

/* The signals, the mailboxes, then what libtirpc polls. */
static struct pollfd *to_poll(size_t mailboxes, size_t *count)
{
	struct pollfd *polled;

	*count = 1 + mailboxes + svc_max_pollfd;
	polled = calloc(*count, sizeof(*polled));
	if (!polled)
		err(EXIT_FAILURE, "poll");
	polled[0] = (struct pollfd){ .fd = signals, .events = POLLIN };
	mailboxes_fill(&polled[1]);
	memcpy(&polled[1 + mailboxes], svc_pollfd, svc_max_pollfd * sizeof(*polled));
	return polled;
}

/* How much a call can be: of a stream, libtirpc knows. */
static size_t length_of_next(int fd)
{
	socklen_t size = sizeof(int);
	int type = 0;
	ssize_t length = -1;

	if (!getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) && type == SOCK_DGRAM)
		length = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
	return length < 0 ? SIZE_MAX : (size_t)length;
}

static void answer(const struct pollfd *polled, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!polled[i].revents)
			continue;
		protocol_expect(length_of_next(polled[i].fd));
		svc_getreq_common(polled[i].fd);
	}
}

/* Return: whether to go on. */
static bool once(void)
{
	size_t mailboxes = mailboxes_watched(), count;
	struct pollfd *polled = to_poll(mailboxes, &count);
	int ready = poll(polled, count, IDLE_SECONDS * 1000);
	bool ending = polled[0].revents;

	if (ready < 0 && errno != EINTR)
		err(EXIT_FAILURE, "poll");
	if (ready > 0 && !ending) {
		/* Who is dead is out before anybody asks. */
		mailboxes_polled(&polled[1], registry_mailbox_gone);
		answer(&polled[1 + mailboxes], count - 1 - mailboxes);
	}
	if (!ready)
		__svc_clean_idle(NULL, IDLE_SECONDS, FALSE);
	free(polled);
	return !ending;
}

void loop(void)
{
	while (once())
		;
}
