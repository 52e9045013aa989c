/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * A program for each message that was received.
 */
#ifndef EXEC_H
#define EXEC_H

#include <mbox/mbox.h>

/**
 * exec_message() - run a command on a message
 * @command: for the shell; the message is on its standard input, and the
 *           descriptors of the message, which are closed here, are 3 and up
 * @message: the message
 *
 * Return: the exit status of the command, as a shell has it.
 */
int exec_message(const char *command, const struct mbox_message *message);

#endif /* EXEC_H */
