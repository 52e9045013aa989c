/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/* The history of a server in a database, which outlives it. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "rpc_calls.h"

#define ROUNDS	3000

static char folder[] = "/tmp/mbox-durable-XXXXXX";
static char path[64];
static struct durable *durable;

/* How many rows a table has. */
static int count(const char *table)
{
	sqlite3 *db = mbox_rpc_durable_db(durable);
	sqlite3_stmt *statement;
	char text[64];
	int rows = -1;

	snprintf(text, sizeof(text), "SELECT count(*) FROM %s", table);
	if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(statement) == SQLITE_ROW)
		rows = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return rows;
}

static bool execute(const char *text)
{
	return sqlite3_exec(mbox_rpc_durable_db(durable), text, NULL, NULL, NULL) == SQLITE_OK;
}

static enum known ask(uid_t uid, const struct envelope *env)
{
	enum known known;

	/* Of a call that a test did not expect to be new. */
	if (!sqlite3_get_autocommit(mbox_rpc_durable_db(durable)))
		mbox_rpc_durable_rollback(durable);
	forget_told();
	CHECK(!mbox_rpc_durable_begin(durable, uid, env, now, &told, &known));
	return known;
}

static int commit(uid_t uid, const struct envelope *env, const void *data, size_t length)
{
	const struct answer made = { .data = (void *)data, .length = length, .fd = -1 };

	return mbox_rpc_durable_commit(durable, uid, env, &made);
}

static void answer(uid_t uid, const struct envelope *env, const void *data, size_t length)
{
	CHECK(!commit(uid, env, data, length));
}

static void reopen(void)
{
	mbox_rpc_durable_end(durable);
	CHECK(!mbox_rpc_durable_new(&durable, path, now));
}

static void begin(void)
{
	static int nr;

	snprintf(path, sizeof(path), "%s/%d.db", folder, nr++);
	now = START;
	told.fd = -1;
	CHECK(!mbox_rpc_durable_new(&durable, path, now));
	now += SECOND;
}

static void end(void)
{
	forget_told();
	mbox_rpc_durable_end(durable);
}

/* What is forgotten is so in the database. */
static void rows(void)
{
	begin();
	window();
	CHECK(count("mbox_rpc_answer") == MBOX_RPC_WINDOW);
	end();
	begin();
	age();
	CHECK(count("mbox_rpc_client") == 2);
	end();
}

static void next_server(void)
{
	struct envelope env, next, before;

	begin();
	before = call_of(1, 2, 0);
	now++;
	env = call_of(1, 1, 0);
	CHECK(serve(10, &env) == CALL_NEW);
	now += SECOND;
	reopen();
	CHECK(serve(10, &env) == CALL_ANSWERED && told_number(1));
	/* It was sent when no server was there, and is new all the same. */
	CHECK(serve(10, &before) == CALL_NEW);
	next = call_of(1, 3, 2);
	CHECK(serve(10, &next) == CALL_NEW);
	reopen();
	CHECK(ask(10, &env) == CALL_TOO_OLD);
	CHECK(ask(10, &before) == CALL_TOO_OLD);
	CHECK(count("mbox_rpc_answer") == 1);
	end();
}

static void all_or_nothing(void)
{
	struct envelope env, plain = { .flags = 0 };

	begin();
	CHECK(execute("CREATE TABLE effect (n)"));
	env = call_of(1, 1, 0);
	CHECK(ask(10, &env) == CALL_NEW);
	CHECK(execute("INSERT INTO effect VALUES (1)"));
	mbox_rpc_durable_rollback(durable);
	CHECK(count("effect") == 0);
	CHECK(ask(10, &env) == CALL_NEW);
	CHECK(execute("INSERT INTO effect VALUES (1)"));
	CHECK(!commit(10, &env, "a", 1));
	CHECK(count("effect") == 1);
	CHECK(ask(10, &env) == CALL_ANSWERED);
	/* One that is not identified is a transaction too. */
	CHECK(ask(10, &plain) == CALL_NEW);
	CHECK(execute("INSERT INTO effect VALUES (2)"));
	CHECK(!commit(10, &plain, "a", 1));
	CHECK(count("effect") == 2);
	end();
}

static void what_cannot_be_kept(void)
{
	struct envelope env;
	struct answer large = { .data = "a", .length = 1, .segment = 70000, .fd = 0 };

	begin();
	CHECK(execute("CREATE TABLE effect (n)"));
	env = call_of(1, 1, 0);
	CHECK(ask(10, &env) == CALL_NEW);
	CHECK(execute("INSERT INTO effect VALUES (1)"));
	CHECK(mbox_rpc_durable_commit(durable, 10, &env, &large) == -E2BIG);
	CHECK(count("effect") == 0);
	/* A service that ends the transaction itself. */
	CHECK(ask(10, &env) == CALL_NEW);
	CHECK(execute("ROLLBACK"));
	CHECK(commit(10, &env, "a", 1));
	CHECK(ask(10, &env) == CALL_NEW);
	CHECK(!commit(10, &env, "a", 1));
	end();
}

static void acknowledged(void)
{
	struct envelope env, ack;

	begin();
	env = call_of(1, 1, 0);
	ack = call_of(1, 1, 1);
	CHECK(serve(10, &env) == CALL_NEW);
	mbox_rpc_durable_acknowledge(durable, 11, &ack);
	CHECK(ask(10, &env) == CALL_ANSWERED);
	mbox_rpc_durable_acknowledge(durable, 10, &ack);
	CHECK(count("mbox_rpc_answer") == 0);
	CHECK(ask(10, &env) == CALL_TOO_OLD);
	end();
}

static void what_is_no_database(void)
{
	struct durable *none;
	FILE *file;

	CHECK(mbox_rpc_durable_new(&none, "/nowhere/at/all", now) == -EIO);
	CHECK(mbox_rpc_durable_new(&none, folder, now) == -EIO);
	snprintf(path, sizeof(path), "%s/text", folder);
	file = fopen(path, "w");
	CHECK(file && fputs("this is no database, but text that is long enough\n", file) >= 0);
	if (file)
		fclose(file);
	CHECK(mbox_rpc_durable_new(&none, path, now) == -EIO);
}

int main(void)
{
	char command[64];

	if (!mkdtemp(folder))
		return 1;
	run_calls(ROUNDS);
	tap_run("what is forgotten is so in the database", rows);
	tap_run("the next server knows what the one before has served", next_server);
	tap_run("what was done and its answer are there both or neither", all_or_nothing);
	tap_run("what cannot be kept is undone", what_cannot_be_kept);
	tap_run("what is acknowledged is forgotten", acknowledged);
	tap_run("what is no database is refused", what_is_no_database);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) ? 1 : tap_end();
}
