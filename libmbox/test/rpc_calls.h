/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What every history has to do with calls, whatever it keeps them in: for the tests of each.
 * Time is what a test says it is.
 */
#ifndef MBOX_TEST_RPC_CALLS_H
#define MBOX_TEST_RPC_CALLS_H

#include <stdlib.h>
#include <string.h>

#include "../rpc/rpc.h"
#include "tap.h"

#define SECOND	1000000000ULL
#define START	(1000 * SECOND)

static uint64_t now;

/*
 * Of the tests that include this: a history of its own; what that knows; and, after CALL_NEW,
 * an answer of @length bytes.
 */
static void begin(void);
static void end(void);
static enum known ask(uid_t uid, const struct envelope *env);
static void answer(uid_t uid, const struct envelope *env, const void *data, size_t length);

/* What the last ask() that returned CALL_ANSWERED was told. */
static struct answer told;

static struct envelope call_of(unsigned int client, uint64_t sequence, uint64_t acknowledged)
{
	struct envelope env = {
		.flags = IDENTIFIED,
		.id = { .time = now, .sequence = sequence },
		.acknowledged = acknowledged,
	};

	memcpy(env.id.client, &client, sizeof(client));
	return env;
}

static void forget_told(void)
{
	free(told.data);
	if (told.fd >= 0)
		close(told.fd);
	told = (struct answer) { .fd = -1 };
}

/* A call that is served at once, with its own number for an answer. */
static enum known serve(uid_t uid, const struct envelope *env)
{
	const enum known known = ask(uid, env);

	if (known == CALL_NEW)
		answer(uid, env, &env->id.sequence, sizeof(env->id.sequence));
	return known;
}

static bool told_number(uint64_t number)
{
	return told.length == sizeof(number) && !memcmp(told.data, &number, sizeof(number));
}

/* A call that comes again is answered again, to its own user, until it is acknowledged. */
static void calls_that_come_again(void)
{
	struct envelope one, two, three;

	now++;
	one = call_of(1, 1, 0);
	CHECK(serve(10, &one) == CALL_NEW);
	CHECK(serve(10, &one) == CALL_ANSWERED && told_number(1));
	CHECK(serve(10, &one) == CALL_ANSWERED && told_number(1));
	CHECK(serve(11, &one) == CALL_NEW);
	now++;
	two = call_of(1, 2, 0);
	CHECK(serve(10, &two) == CALL_NEW);
	CHECK(serve(10, &one) == CALL_ANSWERED && told_number(1));
	CHECK(serve(10, &two) == CALL_ANSWERED && told_number(2));
	now++;
	three = call_of(1, 3, 1);
	CHECK(serve(10, &three) == CALL_NEW);
	CHECK(serve(10, &one) == CALL_TOO_OLD);
	CHECK(serve(10, &two) == CALL_ANSWERED && told_number(2));
	CHECK(serve(11, &one) == CALL_ANSWERED);
	/* Between two that are known there can be one that is late. */
	now++;
	one = call_of(1, 5, 2);
	CHECK(serve(10, &one) == CALL_NEW);
	two = call_of(1, 4, 2);
	CHECK(serve(10, &two) == CALL_NEW);
}

/* Older than the history, or from a clock that has been set back since. */
static void times(void)
{
	struct envelope env = call_of(2, 1, 0);

	env.id.time = START;
	CHECK(ask(10, &env) == CALL_TOO_OLD);
	env.id.time = now + 1;
	CHECK(ask(10, &env) == CALL_TOO_OLD);
	env.id.time = START + 1;
	CHECK(serve(10, &env) == CALL_NEW);
}

static void window(void)
{
	struct envelope env[MBOX_RPC_WINDOW + 2];
	unsigned int i;

	for (i = 0; i < MBOX_RPC_WINDOW + 2; i++) {
		now++;
		env[i] = call_of(3, i + 1, 0);
		CHECK(serve(10, &env[i]) == CALL_NEW);
	}
	CHECK(ask(10, &env[0]) == CALL_TOO_OLD);
	CHECK(ask(10, &env[1]) == CALL_TOO_OLD);
	CHECK(ask(10, &env[2]) == CALL_ANSWERED && told_number(3));
	CHECK(ask(10, &env[MBOX_RPC_WINDOW + 1]) == CALL_ANSWERED);
}

/* A client that comes back after the age is a new one, but its old calls are not. */
static void age(void)
{
	struct envelope old, older, next;

	now++;
	older = call_of(4, 1, 0);
	now++;
	old = call_of(4, 2, 0);
	CHECK(serve(10, &old) == CALL_NEW);
	now += MBOX_RPC_AGE / 2 * SECOND;
	next = call_of(5, 1, 0);
	CHECK(serve(10, &next) == CALL_NEW);
	CHECK(ask(10, &old) == CALL_ANSWERED);
	now += MBOX_RPC_AGE * 2 * SECOND;
	next = call_of(5, 2, 1);
	CHECK(serve(10, &next) == CALL_NEW);
	CHECK(ask(10, &old) == CALL_TOO_OLD);
	CHECK(ask(10, &older) == CALL_TOO_OLD);
	next = call_of(4, 3, 0);
	CHECK(serve(10, &next) == CALL_NEW);
	CHECK(ask(10, &old) == CALL_TOO_OLD);
}

static uint32_t random_number(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

#define CLIENTS		8
#define SEQUENCES	400

/*
 * Clients that go on, and anything that they have ever sent again, at any time: nothing is
 * served twice, and what was answered has that answer or is too old. A new call is served.
 */
static void at_random(unsigned int rounds)
{
	static struct envelope sent[CLIENTS][SEQUENCES + 1];
	static bool served[CLIENTS][SEQUENCES + 1];
	unsigned int last[CLIENTS] = { 0 }, again = 0, old = 0, i;
	uint32_t seed = 1;

	memset(served, 0, sizeof(served));
	for (i = 0; i < rounds; i++) {
		const unsigned int c = random_number(&seed) % CLIENTS;
		const bool is_new = last[c] < SEQUENCES && (!last[c] || random_number(&seed) % 3 == 0);
		unsigned int s = is_new ? ++last[c] : 1 + random_number(&seed) % last[c];
		enum known known;

		now += random_number(&seed) % 64 ? 1 : random_number(&seed) % (90 * SECOND);
		if (is_new)
			sent[c][s] = call_of(100 + c, s, s - 1 - random_number(&seed) % s);
		else if (random_number(&seed) % 2)
			s = last[c] - (last[c] > 1);
		known = serve(10, &sent[c][s]);
		CHECK(!(known == CALL_NEW && served[c][s]));
		CHECK(!is_new || known == CALL_NEW);
		if (known == CALL_ANSWERED)
			CHECK(served[c][s] && told_number(s));
		again += known == CALL_ANSWERED;
		old += known == CALL_TOO_OLD;
		served[c][s] |= known == CALL_NEW;
	}
	CHECK(again > rounds / 20 && old > rounds / 20);
}

static unsigned int random_rounds;

static void call_at_random(void)
{
	at_random(random_rounds);
}

static void under(void (*test)(void))
{
	begin();
	test();
	end();
}

static void test_again(void)
{
	under(calls_that_come_again);
}

static void test_times(void)
{
	under(times);
}

static void test_window(void)
{
	under(window);
}

static void test_age(void)
{
	under(age);
}

static void test_at_random(void)
{
	under(call_at_random);
}

static void run_calls(unsigned int rounds)
{
	random_rounds = rounds;
	tap_run("a call that comes again is answered again", test_again);
	tap_run("what is older than the history is too old", test_times);
	tap_run("what is out of the window is too old", test_window);
	tap_run("what has been forgotten is too old", test_age);
	tap_run("calls at random", test_at_random);
}

#endif
