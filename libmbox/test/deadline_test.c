/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/* Deadlines: what they are made of, to the ends of their range. */
#include <stdint.h>
#include <time.h>

#include <mbox/mbox.h>

#include "tap.h"

static uint64_t at(int64_t sec, long nsec)
{
	struct timespec ts = { .tv_sec = (time_t)sec, .tv_nsec = nsec };

	return mbox_deadline_at(&ts);
}

static void from_a_time(void)
{
	const uint64_t last = INT64_MAX;

	CHECK(at(0, 0) == 1);
	CHECK(at(0, 1) == 1);
	CHECK(at(0, 2) == 2);
	CHECK(at(1, 0) == 1000000000);
	CHECK(at(1700000000, 999999999) == 1700000000999999999);
	CHECK(at(-1, 999999999) == 1);
	CHECK(at(0, -1) == UINT64_MAX);
	CHECK(at(0, 1000000000) == UINT64_MAX);
	CHECK(at(-1, 1000000000) == UINT64_MAX);
	if (sizeof(time_t) == 8) {
		CHECK(at(9223372036, 854775807) == last);
		CHECK(at(9223372036, 854775806) == last - 1);
		CHECK(at(9223372036, 854775808) == last);
		CHECK(at(9223372037, 0) == last);
		CHECK(at(18446744074, 0) == last);
		CHECK(at(INT64_MAX, 999999999) == last);
	}
}

static void from_now(void)
{
	const uint64_t last = INT64_MAX;
	struct timespec ts;
	uint64_t now, one;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = mbox_deadline_in(0);
	CHECK(now >= at(ts.tv_sec, ts.tv_nsec));
	clock_gettime(CLOCK_MONOTONIC, &ts);
	CHECK(now <= at(ts.tv_sec, ts.tv_nsec));
	one = mbox_deadline_in(1000000000);
	CHECK(one >= now + 1000000000);
	CHECK(one <= mbox_deadline_in(0) + 1000000000);
	CHECK(mbox_deadline_in(INT64_MAX) == last);
	CHECK(mbox_deadline_in(UINT64_MAX) == last);
	CHECK(mbox_deadline_in(last - mbox_deadline_in(0)) <= last);
}

int main(void)
{
	tap_run("at a time, to the ends of the range", from_a_time);
	tap_run("in some time, to the ends of the range", from_now);
	return tap_end();
}
