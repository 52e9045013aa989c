// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <mbox/mailbox.h>
#include <mbox/mbox.h>

#include "mailboxes.h"
#include "table.h"

static struct watch {
	char name[ADDRESS_MAX + 1];
	struct mbox *mailbox;
} *watches;
static size_t watched, room;

int mailboxes_changed(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fd;
}

static void tell_changed(void)
{
	eventfd_write(mailboxes_changed(), 1);
}

/* Opened for neither sending nor receiving, which nobody is told of. */
bool mailbox_has_receiver(const char *name)
{
	struct mbox_status status;
	struct mbox *mailbox;
	bool has;

	if (mbox_open(&mailbox, name, O_WRONLY | O_RDWR))
		return false;
	has = !mbox_status(mailbox, &status) && status.receivers;
	mbox_close(mailbox);
	return has;
}

static struct watch *find(const char *name)
{
	size_t i;

	for (i = 0; i < watched; i++)
		if (!strcmp(watches[i].name, name))
			return &watches[i];
	return NULL;
}

static struct watch *add(const char *name)
{
	struct watch *list;

	if (watched == room) {
		list = reallocarray(watches, 2 * room + 8, sizeof(*list));
		if (!list)
			return NULL;
		watches = list;
		room = 2 * room + 8;
	}
	watches[watched] = (struct watch){ 0 };
	strncpy(watches[watched].name, name, ADDRESS_MAX);
	return &watches[watched++];
}

/* A name can have come to another mailbox: the old one is let go of. */
bool mailbox_watch(const char *name)
{
	struct watch *watch = find(name);
	struct mbox *mailbox;

	/* Opened for sending, because only senders are told. */
	if (!mailbox_has_receiver(name) || mbox_open(&mailbox, name, O_WRONLY | O_NONBLOCK))
		return false;
	if (!watch)
		watch = add(name);
	if (!watch) {
		mbox_close(mailbox);
		return false;
	}
	mbox_close(watch->mailbox);
	watch->mailbox = mailbox;
	tell_changed();
	return true;
}

/* A poll(2) that waits at it holds the mailbox open until it looks again. */
static void forget_at(size_t i)
{
	mbox_close(watches[i].mailbox);
	watches[i] = watches[--watched];
	tell_changed();
}

void mailboxes_forget(bool (*registered)(const char *name))
{
	size_t i = watched;

	while (i--)
		if (!registered(watches[i].name))
			forget_at(i);
}

size_t mailboxes_watched(void)
{
	return watched;
}

/* Nothing is asked for but what poll(2) always tells: POLLERR. */
void mailboxes_fill(struct pollfd *polled)
{
	size_t i;

	for (i = 0; i < watched; i++)
		polled[i] = (struct pollfd){ .fd = mbox_fd(watches[i].mailbox) };
}

static bool is_gone(const struct mbox *mailbox)
{
	struct pollfd polled = { .fd = mbox_fd(mailbox) };

	return poll(&polled, 1, 0) == 1;
}

/* From the end: what comes to the place of one was looked at before. */
void mailboxes_look(void (*gone)(const char *name))
{
	size_t i = watched;
	char name[ADDRESS_MAX + 1];

	while (i--) {
		if (!is_gone(watches[i].mailbox))
			continue;
		strcpy(name, watches[i].name);
		forget_at(i);
		gone(name);
	}
}
