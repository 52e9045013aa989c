/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * How the mbox command fails: one line that says what was wrong and how to mend
 * it, and an exit code that says of what kind it was.
 */
#ifndef FAIL_H
#define FAIL_H

#include <stdnoreturn.h>

enum exit_code {
	EXIT_OK = 0,
	EXIT_OTHER = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_EXISTS = 4,
	EXIT_PERMISSION = 5,
	EXIT_WOULD_WAIT = 6,
	EXIT_TOO_LARGE = 7,
	EXIT_PEER_GONE = 8,
	EXIT_BUDGET = 9,
	EXIT_NO_MODULE = 10,
	EXIT_WRONG_KIND = 11,
};

/* The exit codes as --help shows them. */
extern const char exit_codes_text[];

/* "mbox send", in front of every error. */
void set_failing(const char *command);

/* Call @leave before anything is printed: it gives the terminal back. */
void set_leave(void (*leave)(void));

/* Print "mbox send: ...". */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

noreturn void fail(enum exit_code code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Wrong use: adds where the right one is to be read. */
noreturn void fail_usage(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* A failed call of the C library: "WHAT: reason of errno". */
noreturn void fail_errno(const char *what);

/**
 * explain() - tell why a call of libmbox failed on an object
 * @name: of the object
 * @action: what was tried, as "send to it" or "remove it"
 * @error: the negative errno
 *
 * Return: the exit code.
 */
enum exit_code explain(const char *name, const char *action, int error);

/* explain() and exit. */
noreturn void fail_on(const char *name, const char *action, int error);

/* The same with a process, or whose mailbox it is, instead of a name. */
noreturn void fail_with(const char *process, const char *action, int error);

/* The same after a create; @count names the parameter that limits how many. */
enum exit_code explain_create(const char *name, const char *count, int error);
noreturn void fail_create(const char *name, const char *count, int error);

/* Exit unless all of stdout has been written. */
void finish_output(void);

#endif /* FAIL_H */
