/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Messages on standard output.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <mbox/mbox.h>

enum output {
	OUTPUT_LINES,
	OUTPUT_NULL,
	OUTPUT_RAW,
	OUTPUT_JSON,
};

#define OUTPUT_OPTIONS							\
	{ '0', "null", NULL, "end each message with NUL, not newline" },	\
	{ 'r', "raw", NULL, "print the bytes of messages and nothing between" }, \
	{ 'j', "json", NULL, "print JSON, one message a line, with sender, priority, tag" }

/* Take one of these options; the others are left alone. */
void read_output_option(int letter, enum output *output);

/* Print a message of the mailbox @name, at once. */
void print_message(const char *name, const struct mbox_message *message,
		   enum output output);

/*
 * From now on, end the process as soon as nobody reads standard output any
 * more: a message that is received after that would be lost.
 */
void follow_reader(void);

#endif /* OUTPUT_H */
