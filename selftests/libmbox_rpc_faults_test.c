// SPDX-License-Identifier: GPL-2.0
/*
 * A bank behind a network that loses, doubles and reorders, with a server and clients that
 * die: how often each transfer took place. MBOX_RPC_CALLS in the environment says how many.
 */
#include "rpc_relay.h"
#include "rpc_service.h"
#include "harness.h"

#include <sqlite3.h>
#include <stdatomic.h>

#define CALLS		1500
#define ACCOUNTS	64
#define SERVER_THREADS	4
#define CLIENT_THREADS	8

/* For 100,000 calls; a test waits for conditions all the same. */
#define LONGEST_S	3000

static const struct timeval RETRY = { .tv_usec = 15000 };

static const struct relay_faults bad_network = {
	.lost = 10, .lost_replies = 10, .doubled = 20, .delayed = 5, .late = 10, .delay_us = 5000,
};

/*
 * A client of one thread, as it would be on a disk: twice how many calls it has made, and one
 * more while it makes another, which is known by @id. It dies between any two steps.
 */
struct journal {
	_Atomic int state;
	struct mbox_rpc_identity id;
};

/* What outlives everybody: it is in shared memory. */
struct world {
	int calls;
	_Atomic pid_t server;
	int deaths;
	struct journal journals[CLIENT_THREADS];
	/* Of each transfer: how often it took place, what its client was told, and who has died. */
	struct {
		_Atomic unsigned char times;
		_Atomic unsigned char status;
		_Atomic bool killed_server;
		_Atomic bool killed_client;
	} transfers[];
};

static struct world *world;
static bool deadly;

/* Told once for each transfer: to die at this point. */
static bool dies(_Atomic bool *killed)
{
	return deadly && !atomic_exchange(killed, true);
}

static void die(void)
{
	raise(SIGKILL);
}

/* In memory that outlives the server: what a service does outside its database. */
static bool transfer_in_memory(const transfer *arg, int *result, struct svc_req *rqstp)
{
	(void)rqstp;
	world->transfers[arg->number].times++;
	*result = arg->amount;
	return true;
}

static bool execute(sqlite3 *db, const char *format, int one, int other)
{
	char *text = sqlite3_mprintf(format, one, other);
	int ret = sqlite3_exec(db, text, NULL, NULL, NULL);

	sqlite3_free(text);
	return ret == SQLITE_OK;
}

/* Dies before it has done anything, in the middle, or before it answers. */
static bool transfer_in_database(const transfer *arg, int *result, struct svc_req *rqstp)
{
	sqlite3 *db = mbox_svc_db(rqstp);
	const int point = arg->number % 100;
	bool last = (point == 11 || point == 33 || point == 55) &&
		    dies(&world->transfers[arg->number].killed_server);

	if (last && point == 11)
		die();
	if (!execute(db, "INSERT INTO transfers VALUES (%d)", arg->number, 0) ||
	    !execute(db, "UPDATE accounts SET balance = balance - %d WHERE id = %d", arg->amount,
		     arg->from))
		return false;
	if (last && point == 33)
		die();
	if (!execute(db, "UPDATE accounts SET balance = balance + %d WHERE id = %d", arg->amount,
		     arg->to))
		return false;
	if (last)
		die();
	*result = arg->amount;
	return true;
}

static transfer make_transfer(int number)
{
	return (transfer) {
		.number = number, .from = number % ACCOUNTS, .to = number * 7 % ACCOUNTS,
		.amount = number % 1000,
	};
}

/* @died: a process before this one has begun it. */
static void make_call(CLIENT *clnt, int number, bool died)
{
	transfer arg = make_transfer(number);
	int result = -1;

	if (number % 100 == 77 && !died && dies(&world->transfers[number].killed_client))
		die();
	world->transfers[number].status =
		clnt_call(clnt, TRANSFER, (xdrproc_t)(void *)xdr_transfer, &arg,
			  (xdrproc_t)(void *)xdr_int, &result, LONG);
	if (number % 100 == 88 && dies(&world->transfers[number].killed_client))
		die();
	if (world->transfers[number].status == RPC_SUCCESS && result != arg.amount)
		world->transfers[number].status = RPC_CANTDECODERES;
}

struct client_thread {
	const char *name;
	int index;
	enum mbox_rpc_delivery delivery;
	struct journal *journal;
	pthread_t thread;
};

/* The calls of each thread are its own. One that the process before has begun is made again. */
static void *client_run(void *arg)
{
	struct client_thread *thread = arg;
	struct journal *journal = thread->journal;
	bool again = journal->state % 2;
	CLIENT *clnt = NULL;
	int number;

	if (!wait_until((clnt = service_client(thread->name)) != NULL) ||
	    !clnt_control(clnt, CLSET_RETRY_TIMEOUT, (char *)&RETRY) ||
	    mbox_clnt_delivery(clnt, thread->delivery))
		_exit(1);
	if (again && mbox_clnt_resume(clnt, &journal->id))
		_exit(1);
	while ((number = journal->state / 2 * CLIENT_THREADS + thread->index) < world->calls) {
		if (!again) {
			mbox_clnt_identity(clnt, &journal->id);
			journal->state++;
		}
		make_call(clnt, number, again);
		journal->state++;
		again = false;
	}
	clnt_destroy(clnt);
	return NULL;
}

static pid_t client_fork(const char *name, enum mbox_rpc_delivery delivery)
{
	struct client_thread threads[CLIENT_THREADS];
	pid_t pid = child_fork();
	int i;

	if (pid)
		return pid;
	for (i = 0; i < CLIENT_THREADS; i++) {
		threads[i] = (struct client_thread) {
			.name = name, .index = i, .delivery = delivery,
			.journal = &world->journals[i],
		};
		if (pthread_create(&threads[i].thread, NULL, client_run, &threads[i]))
			_exit(1);
	}
	for (i = 0; i < CLIENT_THREADS; i++)
		pthread_join(threads[i].thread, NULL);
	_exit(0);
}

static pid_t server_fork(const char *name, const char *database)
{
	pid_t pid = child_fork();
	SVCXPRT *xprt;

	if (pid) {
		world->server = pid;
		return pid;
	}
	service_bank = database ? transfer_in_database : transfer_in_memory;
	xprt = service_create(name);
	if (!xprt || (database && mbox_svc_durable(xprt, database)))
		_exit(1);
	_exit(mbox_svc_run(SERVER_THREADS));
}

FIXTURE(faults) {
	char front[64];
	char back[64];
	char database[64];
	pid_t relay;
};

FIXTURE_SETUP(faults)
{
	const char *calls = getenv("MBOX_RPC_CALLS");
	const int nr = calls ? atoi(calls) : CALLS;

	umask(0);
	snprintf(self->front, sizeof(self->front), "/%s", unique_name("front"));
	snprintf(self->back, sizeof(self->back), "/%s", unique_name("back"));
	snprintf(self->database, sizeof(self->database), "/tmp/%s.db", unique_name("bank"));
	world = shared_memory(sizeof(*world) + nr * sizeof(world->transfers[0]));
	world->calls = nr;
}

FIXTURE_TEARDOWN(faults)
{
	if (self->relay > 0) {
		kill(self->relay, SIGKILL);
		child_wait(self->relay);
	}
	unlink(self->database);
}

/* Until the clients have made all calls: who dies has a successor. False if that cannot be. */
static bool run_until_done(const char *name, const char *back, const char *database,
			   enum mbox_rpc_delivery delivery)
{
	pid_t server = server_fork(back, database), clients, pid;
	int status;

	/* What was called before there was a server would be too old for it. */
	if (!wait_until(service_exists(back)))
		return false;
	clients = client_fork(name, delivery);
	for (;;) {
		pid = wait(&status);
		if (pid == clients && WIFEXITED(status))
			break;
		if (pid < 0 || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			return false;
		world->deaths++;
		if (pid == server)
			server = server_fork(back, database);
		else if (pid == clients)
			clients = client_fork(name, delivery);
		else
			return false;
	}
	kill(server, SIGKILL);
	child_wait(server);
	return WEXITSTATUS(status) == 0;
}

/* How many transfers took place @least to @most times; of those alone whose client was told so. */
static int took_place(int least, int most, bool told)
{
	int i, nr = 0;

	for (i = 0; i < world->calls; i++)
		nr += world->transfers[i].times >= least && world->transfers[i].times <= most &&
		      (!told || world->transfers[i].status == RPC_SUCCESS);
	return nr;
}

/* Of all, how often they took place as the database has it; and whether no money was lost. */
static bool read_database(const char *path)
{
	sqlite3_stmt *statement;
	bool balanced;
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "SELECT number FROM transfers", -1, &statement, NULL))
		return false;
	while (sqlite3_step(statement) == SQLITE_ROW)
		world->transfers[sqlite3_column_int(statement, 0)].times++;
	sqlite3_finalize(statement);
	if (sqlite3_prepare_v2(db, "SELECT sum(balance) FROM accounts", -1, &statement, NULL))
		return false;
	balanced = sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == 0;
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return balanced;
}

static bool make_database(const char *path)
{
	sqlite3 *db;
	int ret;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		return false;
	ret = sqlite3_exec(db, "CREATE TABLE transfers (number);"
			   "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance);"
			   "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n"
			   " WHERE i < 63) INSERT INTO accounts SELECT i, 0 FROM n", NULL, NULL, NULL);
	sqlite3_close(db);
	return ret == SQLITE_OK;
}

/* The network is as bad as the other tests take it to be. */
TEST_F_TIMEOUT(faults, at_least_once_doubles, LONGEST_S)
{
	self->relay = relay_fork(self->front, self->back, &bad_network, &world->server);
	ASSERT_LT(0, self->relay);
	EXPECT_TRUE(run_until_done(self->front, self->back, NULL, MBOX_RPC_AT_LEAST_ONCE));
	EXPECT_EQ(world->calls, took_place(1, 255, true));
	EXPECT_LT(world->calls / 5, took_place(2, 255, true));
}

TEST_F_TIMEOUT(faults, at_most_once_doubles_none, LONGEST_S)
{
	self->relay = relay_fork(self->front, self->back, &bad_network, &world->server);
	ASSERT_LT(0, self->relay);
	EXPECT_TRUE(run_until_done(self->front, self->back, NULL, MBOX_RPC_AT_MOST_ONCE));
	EXPECT_EQ(world->calls, took_place(1, 1, true));
}

/* Transfers that a server took along may be lost; their clients are told so. */
TEST_F_TIMEOUT(faults, at_most_once_across_deaths, LONGEST_S)
{
	struct relay_faults faults = bad_network;

	deadly = true;
	faults.kills_one_in = 150;
	self->relay = relay_fork(self->front, self->back, &faults, &world->server);
	ASSERT_LT(0, self->relay);
	EXPECT_TRUE(run_until_done(self->front, self->back, NULL, MBOX_RPC_AT_MOST_ONCE));
	EXPECT_EQ(world->calls, took_place(0, 1, false));
	EXPECT_LT(world->calls / 2, took_place(1, 1, true));
	EXPECT_EQ(0, took_place(0, 0, true));
	EXPECT_LT(3, world->deaths);
}

TEST_F_TIMEOUT(faults, exactly_once, LONGEST_S)
{
	self->relay = relay_fork(self->front, self->back, &bad_network, &world->server);
	ASSERT_LT(0, self->relay);
	EXPECT_TRUE(run_until_done(self->front, self->back, NULL, MBOX_RPC_EXACTLY_ONCE));
	EXPECT_EQ(world->calls, took_place(1, 1, true));
}

TEST_F_TIMEOUT(faults, exactly_once_across_deaths, LONGEST_S)
{
	struct relay_faults faults = bad_network;

	if (!file_locks())
		SKIP(return, NO_FILE_LOCKS);
	deadly = true;
	faults.kills_one_in = 150;
	ASSERT_TRUE(make_database(self->database));
	self->relay = relay_fork(self->front, self->back, &faults, &world->server);
	ASSERT_LT(0, self->relay);
	EXPECT_TRUE(run_until_done(self->front, self->back, self->database, MBOX_RPC_EXACTLY_ONCE));
	EXPECT_TRUE(read_database(self->database));
	EXPECT_EQ(world->calls, took_place(1, 1, true));
	EXPECT_LT(world->calls / 50, world->deaths);
}

/* Without a network between, where the clients themselves look for the next server. */
TEST_F_TIMEOUT(faults, exactly_once_with_the_server_itself, LONGEST_S)
{
	if (!file_locks())
		SKIP(return, NO_FILE_LOCKS);
	deadly = true;
	ASSERT_TRUE(make_database(self->database));
	EXPECT_TRUE(run_until_done(self->back, self->back, self->database, MBOX_RPC_EXACTLY_ONCE));
	EXPECT_TRUE(read_database(self->database));
	EXPECT_EQ(world->calls, took_place(1, 1, true));
	EXPECT_LT(world->calls / 50, world->deaths);
}

TEST_HARNESS_MAIN
