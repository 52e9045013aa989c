/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * purse_server MAILBOX DATABASE: serves purse.x, whose purse and history are in a database.
 */
#include <err.h>
#include <unistd.h>

#include <mbox/mbox.h>
#include <mbox/rpc.h>
#include <sqlite3.h>

#include "purse.h"

/* Long enough that who kills the server meets it in the middle. */
#define WORK_US	2000

void purse_1(struct svc_req *rqstp, SVCXPRT *xprt);

static bool_t add(sqlite3 *db, int amount)
{
	char *text = sqlite3_mprintf("CREATE TABLE IF NOT EXISTS purse (coins);"
				     "INSERT INTO purse VALUES (%d)", amount);
	int ret = sqlite3_exec(db, text, NULL, NULL, NULL);

	sqlite3_free(text);
	return ret == SQLITE_OK;
}

static bool_t count(sqlite3 *db, int *coins)
{
	sqlite3_stmt *statement;
	bool_t good;

	if (sqlite3_prepare_v2(db, "SELECT sum(coins) FROM purse", -1, &statement, NULL))
		return FALSE;
	good = sqlite3_step(statement) == SQLITE_ROW;
	*coins = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return good;
}

bool_t put_1_svc(int *arg, int *result, struct svc_req *rqstp)
{
	sqlite3 *db = mbox_svc_db(rqstp);

	if (!add(db, *arg))
		return FALSE;
	usleep(WORK_US);
	return count(db, result);
}

int purse_1_freeresult(SVCXPRT *xprt, xdrproc_t xdr_result, caddr_t result)
{
	(void)xprt;
	xdr_free(xdr_result, result);
	return TRUE;
}

int main(int argc, char **argv)
{
	SVCXPRT *xprt;
	int ret;

	if (argc != 3)
		errx(2, "usage: purse_server MAILBOX DATABASE");
	xprt = svc_mbox_create(argv[1], 0622);
	if (!xprt || mbox_svc_reg(xprt, PURSE, PURSE_V1, purse_1))
		err(1, "%s", argv[1]);
	ret = mbox_svc_durable(xprt, argv[2]);
	if (ret)
		errx(1, "%s: %s", argv[2], mbox_strerror(ret));
	return mbox_svc_run(1) ? 1 : 0;
}
