/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * All of the matchmaker that has to do with mailboxes: it watches those of
 * registered servers, so that a server that dies is out of the table at once.
 */
#ifndef MAILBOXES_H
#define MAILBOXES_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether there is a mailbox of that name, and somebody to receive from it. */
bool mailbox_has_receiver(const char *name);

/*
 * Watch the mailbox that has the name now. Return: false unless there is one,
 * with a receiver.
 */
bool mailbox_watch(const char *name);

/* Watch those no longer that @registered says no more of. */
void mailboxes_forget(bool (*registered)(const char *name));

/* How many are watched, and what to poll(2) for each. */
size_t mailboxes_watched(void);
void mailboxes_fill(struct pollfd *polled);

/* An eventfd that can be read once others are watched than before. */
int mailboxes_changed(void);

/* Tell @gone the names of those whose receivers are gone. */
void mailboxes_look(void (*gone)(const char *name));

#endif /* MAILBOXES_H */
