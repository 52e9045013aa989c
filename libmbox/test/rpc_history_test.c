/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/* The history of a server in memory. */
#include <fcntl.h>
#include <unistd.h>

#include "rpc_calls.h"

#define ROUNDS	200000

static struct history *history;
static struct served *new_call;

static enum known ask(uid_t uid, const struct envelope *env)
{
	forget_told();
	return mbox_rpc_history_begin(history, uid, env, now, &told, &new_call);
}

static void answer_with(const void *data, size_t length, int fd, uint64_t segment)
{
	const struct answer made = {
		.data = (void *)data, .length = length, .fd = fd, .segment = segment,
	};

	mbox_rpc_history_answer(history, new_call, &made);
}

static void answer(uid_t uid, const struct envelope *env, const void *data, size_t length)
{
	(void)uid;
	(void)env;
	answer_with(data, length, -1, 0);
}

static void begin(void)
{
	now = START;
	told.fd = -1;
	history = mbox_rpc_history_new(now);
	CHECK(history);
	now += SECOND;
}

static void end(void)
{
	forget_told();
	mbox_rpc_history_end(history);
}

static void while_it_is_served(void)
{
	struct envelope env, next;
	struct served *first;

	begin();
	env = call_of(1, 1, 0);
	CHECK(ask(10, &env) == CALL_NEW);
	first = new_call;
	CHECK(ask(10, &env) == CALL_UNDER_WAY);
	/* Its place is not for one that a window later wants it. */
	next = call_of(1, 1 + MBOX_RPC_WINDOW, 0);
	CHECK(ask(10, &next) == CALL_UNDER_WAY);
	next = call_of(1, 2 + MBOX_RPC_WINDOW, 0);
	CHECK(ask(10, &next) == CALL_NEW);
	answer(10, &next, "later", 5);
	new_call = first;
	answer(10, &env, "first", 5);
	/* Too late for the window by now. */
	CHECK(ask(10, &env) == CALL_TOO_OLD);
	next = call_of(1, 1 + MBOX_RPC_WINDOW, 0);
	CHECK(ask(10, &next) == CALL_NEW);
	answer(10, &next, "", 0);
	CHECK(ask(10, &next) == CALL_ANSWERED && told.length == 0);
	end();
}

static void acknowledged(void)
{
	struct envelope env, ack;

	begin();
	env = call_of(1, 1, 0);
	ack = call_of(1, 1, 1);
	CHECK(serve(10, &env) == CALL_NEW);
	mbox_rpc_history_acknowledge(history, 11, &ack);
	CHECK(ask(10, &env) == CALL_ANSWERED);
	mbox_rpc_history_acknowledge(history, 10, &ack);
	CHECK(ask(10, &env) == CALL_TOO_OLD);
	ack = call_of(2, 1, 1);
	mbox_rpc_history_acknowledge(history, 10, &ack);
	end();
}

/* As many answers as there is room for, and nobody else's are forgotten for one more. */
static void bytes(void)
{
	const unsigned int nr = MBOX_RPC_HISTORY / 65536 + 1;
	static char large[65536];
	struct envelope first, env, other;
	unsigned int i;

	begin();
	other = call_of(1, 1, 0);
	CHECK(serve(11, &other) == CALL_NEW);
	for (i = 0; i < nr; i++) {
		now++;
		env = call_of(10 + i, 1, 0);
		CHECK(ask(10, &env) == CALL_NEW);
		answer(10, &env, large, sizeof(large));
		if (!i)
			first = env;
	}
	CHECK(ask(10, &first) == CALL_TOO_OLD);
	CHECK(ask(10, &env) == CALL_ANSWERED);
	CHECK(ask(11, &other) == CALL_ANSWERED);
	end();
}

static void clients(void)
{
	struct envelope first, busy, env;
	struct served *call;
	unsigned int i;

	begin();
	busy = call_of(1, 1, 0);
	CHECK(ask(10, &busy) == CALL_NEW);
	call = new_call;
	for (i = 0; i < MBOX_RPC_CLIENTS + 2; i++) {
		now++;
		env = call_of(10 + i, 1, 0);
		CHECK(serve(10, &env) == CALL_NEW);
		if (!i)
			first = env;
	}
	CHECK(ask(10, &first) == CALL_TOO_OLD);
	/* One that is being served is not forgotten. */
	CHECK(ask(10, &busy) == CALL_UNDER_WAY);
	new_call = call;
	answer(10, &busy, "", 0);
	end();
}

static void segments(void)
{
	int fds[2], other;
	struct envelope env;
	char byte;

	begin();
	CHECK(!pipe2(fds, O_NONBLOCK));
	env = call_of(1, 1, 0);
	CHECK(ask(10, &env) == CALL_NEW);
	answer_with("a", 1, fds[1], 70000);
	close(fds[1]);
	CHECK(ask(10, &env) == CALL_ANSWERED && told.segment == 70000);
	CHECK(write(told.fd, "x", 1) == 1 && read(fds[0], &byte, 1) == 1);
	other = told.fd;
	told.fd = -1;
	close(other);
	/* The one that is kept goes with the answer. */
	env = call_of(1, 2, 1);
	CHECK(serve(10, &env) == CALL_NEW);
	CHECK(read(fds[0], &byte, 1) == 0);
	close(fds[0]);

	/* One that cannot be kept is not served again for that. */
	env = call_of(1, 3, 2);
	CHECK(ask(10, &env) == CALL_NEW);
	answer_with("a", 1, fds[0], 70000);
	CHECK(ask(10, &env) == CALL_TOO_OLD);
	end();
}

int main(void)
{
	run_calls(ROUNDS);
	tap_run("a call that is being served is not served again", while_it_is_served);
	tap_run("what is acknowledged is forgotten", acknowledged);
	tap_run("answers beyond the bytes of a user are forgotten", bytes);
	tap_run("clients beyond those of a user are forgotten", clients);
	tap_run("a segment is kept as long as its answer", segments);
	return tap_end();
}
