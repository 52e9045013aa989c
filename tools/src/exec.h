/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Programs in the place of this one, and beside it.
 */
#ifndef EXEC_H
#define EXEC_H

#include <stdnoreturn.h>
#include <sys/types.h>

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

/**
 * program_beside() - find a program that lies where this one does
 * @name: its name
 * @path: where its path goes
 * @size: the room for that
 *
 * Return: 0, or -errno.
 */
int program_beside(const char *name, char *path, size_t size);

/* Become a program; if there is none, say so and end as a shell does. */
noreturn void exec_program(char **argv);

/* Return: the exit status of a child, as a shell has it. */
int wait_for(pid_t child);

#endif /* EXEC_H */
