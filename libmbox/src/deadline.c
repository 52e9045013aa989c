/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Deadlines: nanoseconds since the zero of a clock.
 */
#include "internal.h"

#define NSEC_PER_SEC	1000000000ULL
#define DEADLINE_MIN	1ULL		/* 0 would wait for ever */
#define DEADLINE_MAX	((uint64_t)INT64_MAX)

MBOX_API uint64_t mbox_deadline_at(const struct timespec *at)
{
	uint64_t sec, ns;

	if (at->tv_nsec < 0 || at->tv_nsec >= (long)NSEC_PER_SEC)
		return UINT64_MAX;
	if (at->tv_sec < 0)
		return DEADLINE_MIN;

	sec = at->tv_sec;
	if (sec > DEADLINE_MAX / NSEC_PER_SEC)
		return DEADLINE_MAX;
	ns = sec * NSEC_PER_SEC + at->tv_nsec;
	if (ns > DEADLINE_MAX)
		return DEADLINE_MAX;
	return ns ? ns : DEADLINE_MIN;
}

MBOX_API uint64_t mbox_deadline_in(uint64_t ns)
{
	struct timespec at;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &at);
	now = mbox_deadline_at(&at);
	return ns > DEADLINE_MAX - now ? DEADLINE_MAX : now + ns;
}
