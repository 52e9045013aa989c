/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's test harness, fitted to these tests: included by each program, not by common.c.
 */
#ifndef MBOX_SELFTESTS_HARNESS_H
#define MBOX_SELFTESTS_HARNESS_H

/* Its macros compare and print what they are given as it is, and leave parameters unused. */
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-parameter"

#include "../kselftest_harness.h"

/* An emulated machine with every kernel check on is a hundred times slower than a real one. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	280

/*
 * Runs the statement that follows in a child process and waits for it. In TEST_F() the checks in
 * it count, as there the harness shares its state with children. In a plain TEST() it does not:
 * a failed EXPECT is lost with the child. One that dies by a signal aborts the test in both.
 */
#define IN_CHILD						\
	for (pid_t child_ = child_fork(); child_ >= 0;		\
	     child_ = child_end(child_))			\
		if (child_ == 0)

#define EXPECT_UNCHANGED(fd, before) \
	EXPECT_TRUE(mb_unchanged(fd, before))

#endif
