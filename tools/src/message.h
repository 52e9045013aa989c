/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What can be said on the command line of a message to be sent.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <mbox/mbox.h>

/* Of messages that are called @what, and then are @done. */
#define MESSAGE_OPTIONS(what, done)						\
	{ 'p', "prio", "N", "priority, 0 to 32767; higher is received first (0)" }, \
	{ 'T', "tag", "N", "a number that goes with the " what " (0)" },	\
	{ 't', "timeout", "SECONDS", "fail when not all is " done " by then" }

/* Take one of these options; the others are left alone. */
void read_message_option(int letter, struct mbox_message *message,
			 uint64_t *deadline);

#endif /* MESSAGE_H */
