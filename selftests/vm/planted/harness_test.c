// SPDX-License-Identifier: GPL-2.0
/*
 * A kselftest with one result of each kind, for the test of the runner.
 */
#include <stdlib.h>

#include "../kselftest_harness.h"

TEST(passes)
{
	ASSERT_EQ(1, 1);
}

TEST(fails)
{
	ASSERT_EQ(1, 2);
}

TEST(skips)
{
	SKIP(return, "planted reason");
}

TEST(dies)
{
	abort();
}

TEST_HARNESS_MAIN
