/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Objects opened to look at them or to change them.
 */
#ifndef HANDLE_H
#define HANDLE_H

#include <fcntl.h>

#include <mbox/mbox.h>

/*
 * The access mode that neither receives nor sends: one who looks at a mailbox
 * must not be taken for a peer who came and went.
 */
#define O_NEITHER O_ACCMODE

/**
 * struct handle - an open object of any kind
 * @mailbox: a mailbox or a stream; NULL if it is a segment
 * @segment: NULL if it is none
 */
struct handle {
	struct mbox *mailbox;
	struct mbox_segment *segment;
};

/* Open a mailbox or a stream, O_NEITHER; 0 or a negative errno. */
int open_queue(const char *name, struct mbox **queue);

/* The same of what has the name. */
int open_any(const char *name, struct handle *handle);
void close_any(struct handle *handle);

#endif /* HANDLE_H */
