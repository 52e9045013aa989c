/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The history of a server that outlives it: in the database of the service, so that one
 * transaction has what a call did and what it was answered.
 *
 * What is too old is known as in history.c, by the bounds that what was forgotten has left.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "rpc.h"

/* How often what is too old is looked for, and how long another process is waited for. */
#define TIDY_INTERVAL	(60 * 1000000000ULL)
#define BUSY_MS		5000

static const char schema[] =
	"PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = FULL;"
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS mbox_rpc_floor"
	" (uid INTEGER PRIMARY KEY, time INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS mbox_rpc_client"
	" (uid INTEGER, client BLOB, watermark INTEGER NOT NULL, floor INTEGER NOT NULL,"
	" last INTEGER NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (uid, client))"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS mbox_rpc_answer"
	" (uid INTEGER, client BLOB, sequence INTEGER, answer BLOB NOT NULL,"
	" PRIMARY KEY (uid, client, sequence)) WITHOUT ROWID;"
	"COMMIT";

/* The floor of users who have none is that of uid -1: when the history began. */
#define FLOOR_OF	"(SELECT max(time) FROM mbox_rpc_floor WHERE uid IN (-1, ?1))"

/* ?1 is the user and ?2 the client wherever there are these. */
enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	START,
	FIND_ANSWER,
	FIND_CLIENT,
	FIND_FLOOR,
	PUT_CLIENT,
	RAISE_WATERMARK,
	FORGET_ANSWERS,
	PUT_ANSWER,
	TIDY_FLOOR,
	TIDY_ANSWERS,
	TIDY_CLIENTS,
	NR_STATEMENTS,
};

static const char *const sql[NR_STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[START] = "INSERT OR IGNORE INTO mbox_rpc_floor VALUES (-1, ?1)",
	[FIND_ANSWER] = "SELECT answer FROM mbox_rpc_answer"
		" WHERE uid = ?1 AND client = ?2 AND sequence = ?3",
	[FIND_CLIENT] = "SELECT watermark, floor FROM mbox_rpc_client"
		" WHERE uid = ?1 AND client = ?2",
	[FIND_FLOOR] = "SELECT 0, " FLOOR_OF,
	[PUT_CLIENT] = "INSERT INTO mbox_rpc_client VALUES (?1, ?2, ?3, " FLOOR_OF ", ?4, ?5)"
		" ON CONFLICT DO UPDATE SET watermark = max(watermark, ?3),"
		" last = max(last, ?4), used = ?5",
	[RAISE_WATERMARK] = "UPDATE mbox_rpc_client SET watermark = max(watermark, ?3)"
		" WHERE uid = ?1 AND client = ?2",
	[FORGET_ANSWERS] = "DELETE FROM mbox_rpc_answer"
		" WHERE uid = ?1 AND client = ?2 AND sequence <= ?3",
	[PUT_ANSWER] = "INSERT INTO mbox_rpc_answer VALUES (?1, ?2, ?3, ?4)",
	[TIDY_FLOOR] = "INSERT INTO mbox_rpc_floor"
		" SELECT uid, max(last) FROM mbox_rpc_client WHERE used < ?1 GROUP BY uid"
		" ON CONFLICT DO UPDATE SET time = max(time, excluded.time)",
	[TIDY_ANSWERS] = "DELETE FROM mbox_rpc_answer WHERE (uid, client) IN"
		" (SELECT uid, client FROM mbox_rpc_client WHERE used < ?1)",
	[TIDY_CLIENTS] = "DELETE FROM mbox_rpc_client WHERE used < ?1",
};

/**
 * struct durable - a history in a database
 * @lock: held in a transaction
 * @db: the connection
 * @statements: prepared
 * @tidied: when what is too old was last looked for
 */
struct durable {
	pthread_mutex_t lock;
	sqlite3 *db;
	sqlite3_stmt *statements[NR_STATEMENTS];
	uint64_t tidied;
};

/* One that has no rows, or whose rows are not wanted. */
static int run(struct durable *durable, enum statement which)
{
	sqlite3_stmt *statement = durable->statements[which];
	int ret = sqlite3_step(statement);

	sqlite3_reset(statement);
	return ret == SQLITE_DONE || ret == SQLITE_ROW ? 0 : -EIO;
}

static void bind_numbers(struct durable *durable, enum statement which, int first,
			 const uint64_t *numbers, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		sqlite3_bind_int64(durable->statements[which], first + i,
				   (sqlite3_int64)numbers[i]);
}

static int run_with(struct durable *durable, enum statement which, uint64_t number)
{
	bind_numbers(durable, which, 1, &number, 1);
	return run(durable, which);
}

static void bind_client(struct durable *durable, enum statement which, uid_t uid,
			const struct envelope *env)
{
	sqlite3_stmt *statement = durable->statements[which];

	sqlite3_bind_int64(statement, 1, uid);
	sqlite3_bind_blob(statement, 2, env->id.client, sizeof(env->id.client),
			  SQLITE_TRANSIENT);
}

static int run_for(struct durable *durable, enum statement which, uid_t uid,
		   const struct envelope *env, const uint64_t *numbers, int nr)
{
	bind_client(durable, which, uid, env);
	bind_numbers(durable, which, 3, numbers, nr);
	return run(durable, which);
}

/* 1 if there is one, 0 if there is none. */
static int find_answer(struct durable *durable, uid_t uid, const struct envelope *env,
		       struct answer *answer)
{
	sqlite3_stmt *statement = durable->statements[FIND_ANSWER];
	int ret;

	bind_client(durable, FIND_ANSWER, uid, env);
	bind_numbers(durable, FIND_ANSWER, 3, &env->id.sequence, 1);
	ret = sqlite3_step(statement);
	if (ret == SQLITE_ROW) {
		*answer = (struct answer) {
			.length = (size_t)sqlite3_column_bytes(statement, 0), .fd = -1,
		};
		answer->data = malloc(answer->length + 1);
		if (answer->data && answer->length)
			memcpy(answer->data, sqlite3_column_blob(statement, 0), answer->length);
	}
	sqlite3_reset(statement);
	if (ret == SQLITE_ROW)
		return answer->data ? 1 : -ENOMEM;
	return ret == SQLITE_DONE ? 0 : -EIO;
}

/* 1 if there are bounds, 0 if there are none. */
static int find_bounds(struct durable *durable, enum statement which, uid_t uid,
		       const struct envelope *env, uint64_t *watermark, uint64_t *floor)
{
	sqlite3_stmt *statement = durable->statements[which];
	int ret;

	bind_client(durable, which, uid, env);
	ret = sqlite3_step(statement);
	if (ret == SQLITE_ROW) {
		*watermark = (uint64_t)sqlite3_column_int64(statement, 0);
		*floor = (uint64_t)sqlite3_column_int64(statement, 1);
	}
	sqlite3_reset(statement);
	if (ret == SQLITE_ROW)
		return 1;
	return ret == SQLITE_DONE ? 0 : -EIO;
}

/* What is forgotten raises the bound for those that are not known. */
static int tidy(struct durable *durable, uint64_t now)
{
	const uint64_t before = now - HISTORY_AGE;
	int ret;

	if (now < durable->tidied + TIDY_INTERVAL)
		return 0;
	ret = run_with(durable, TIDY_FLOOR, before);
	if (!ret)
		ret = run_with(durable, TIDY_ANSWERS, before);
	if (!ret)
		ret = run_with(durable, TIDY_CLIENTS, before);
	if (!ret)
		durable->tidied = now;
	return ret;
}

static int look_up(struct durable *durable, uid_t uid, const struct envelope *env,
		   uint64_t now, struct answer *answer, enum known *known)
{
	uint64_t watermark = 0, floor = 0;
	int ret = tidy(durable, now);

	if (!ret)
		ret = find_answer(durable, uid, env, answer);
	*known = ret > 0 ? CALL_ANSWERED : CALL_NEW;
	if (ret)
		return ret < 0 ? ret : 0;
	ret = find_bounds(durable, FIND_CLIENT, uid, env, &watermark, &floor);
	if (!ret)
		ret = find_bounds(durable, FIND_FLOOR, uid, env, &watermark, &floor);
	if (ret < 0)
		return ret;
	if (env->id.sequence <= watermark || env->id.time <= floor || env->id.time > now)
		*known = CALL_TOO_OLD;
	return 0;
}

int mbox_rpc_durable_begin(struct durable *durable, uid_t uid, const struct envelope *env,
			   uint64_t now, struct answer *answer, enum known *known)
{
	int ret;

	*known = CALL_NEW;
	pthread_mutex_lock(&durable->lock);
	ret = run(durable, BEGIN);
	if (ret) {
		pthread_mutex_unlock(&durable->lock);
		return ret;
	}
	if (env->flags & IDENTIFIED)
		ret = look_up(durable, uid, env, now, answer, known);
	if (!ret && *known == CALL_NEW) {
		const uint64_t numbers[] = { mbox_rpc_watermark(env), env->id.time, now };

		if (env->flags & IDENTIFIED)
			ret = run_for(durable, PUT_CLIENT, uid, env, numbers, 3);
		if (!ret)
			return 0;
	}
	mbox_rpc_durable_rollback(durable);
	return ret;
}

static int keep(struct durable *durable, uid_t uid, const struct envelope *env,
		const struct answer *answer)
{
	const uint64_t watermark = mbox_rpc_watermark(env);
	int ret;

	if (answer->fd >= 0)
		return -E2BIG;
	ret = run_for(durable, FORGET_ANSWERS, uid, env, &watermark, 1);
	if (ret)
		return ret;
	sqlite3_bind_blob(durable->statements[PUT_ANSWER], 4, answer->data,
			  (int)answer->length, SQLITE_STATIC);
	return run_for(durable, PUT_ANSWER, uid, env, &env->id.sequence, 1);
}

int mbox_rpc_durable_commit(struct durable *durable, uid_t uid, const struct envelope *env,
			    const struct answer *answer)
{
	/* Not the transaction of a service that has ended this one. */
	int ret = sqlite3_get_autocommit(durable->db) ? -EIO : 0;

	if (!ret && env->flags & IDENTIFIED)
		ret = keep(durable, uid, env, answer);
	if (!ret)
		ret = run(durable, COMMIT);
	if (ret)
		mbox_rpc_durable_rollback(durable);
	else
		pthread_mutex_unlock(&durable->lock);
	return ret;
}

/* Some errors have rolled back already. */
void mbox_rpc_durable_rollback(struct durable *durable)
{
	if (!sqlite3_get_autocommit(durable->db))
		run(durable, ROLLBACK);
	pthread_mutex_unlock(&durable->lock);
}

/* Nothing is wrong if it cannot: the age will. */
void mbox_rpc_durable_acknowledge(struct durable *durable, uid_t uid,
				  const struct envelope *env)
{
	pthread_mutex_lock(&durable->lock);
	if (!run(durable, BEGIN) &&
	    !run_for(durable, RAISE_WATERMARK, uid, env, &env->acknowledged, 1) &&
	    !run_for(durable, FORGET_ANSWERS, uid, env, &env->acknowledged, 1))
		run(durable, COMMIT);
	mbox_rpc_durable_rollback(durable);
}

struct sqlite3 *mbox_rpc_durable_db(const struct durable *durable)
{
	return durable->db;
}

static int prepare(struct durable *durable)
{
	int i;

	for (i = 0; i < NR_STATEMENTS; i++)
		if (sqlite3_prepare_v3(durable->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &durable->statements[i], NULL) != SQLITE_OK)
			return -EIO;
	return 0;
}

static int open_database(struct durable *durable, const char *path, uint64_t start)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
	int ret;

	if (sqlite3_open_v2(path, &durable->db, flags, NULL) != SQLITE_OK)
		return -EIO;
	sqlite3_busy_timeout(durable->db, BUSY_MS);
	if (sqlite3_exec(durable->db, schema, NULL, NULL, NULL) != SQLITE_OK)
		return -EIO;
	ret = prepare(durable);
	return ret ? ret : run_with(durable, START, start);
}

int mbox_rpc_durable_new(struct durable **created, const char *path, uint64_t start)
{
	struct durable *durable = calloc(1, sizeof(*durable));
	int ret;

	if (!durable)
		return -ENOMEM;
	pthread_mutex_init(&durable->lock, NULL);
	ret = open_database(durable, path, start);
	if (ret) {
		mbox_rpc_durable_end(durable);
		return ret;
	}
	*created = durable;
	return 0;
}

void mbox_rpc_durable_end(struct durable *durable)
{
	int i;

	for (i = 0; i < NR_STATEMENTS; i++)
		sqlite3_finalize(durable->statements[i]);
	sqlite3_close(durable->db);
	pthread_mutex_destroy(&durable->lock);
	free(durable);
}
