/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What the native tests share: checks, and results as TAP. Each program includes it once.
 */
#ifndef MBOX_TEST_TAP_H
#define MBOX_TEST_TAP_H

#include <stdbool.h>
#include <stdio.h>

static int tests, failures;
static bool good;

#define CHECK(cond) do {						\
	if (!(cond)) {							\
		good = false;						\
		printf("# %s:%d: not so: %s\n", __func__, __LINE__, #cond); \
	}								\
} while (0)

static void tap_run(const char *what, void (*test)(void))
{
	if (!tests)
		printf("TAP version 13\n");
	good = true;
	test();
	failures += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
}

/* For main() to return. */
static int tap_end(void)
{
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}

#endif
