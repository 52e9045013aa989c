/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * purse MAILBOX COINS: puts that many coins into the purse, one after the other, each
 * exactly once, and tells each time how many are in it.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <mbox/rpc.h>

#include "purse.h"

/* Sooner than most clients would ask again, for the server is killed often. */
static const struct timeval retry = { .tv_usec = 50000 };

int main(int argc, char **argv)
{
	int coin = 1, coins, n;
	CLIENT *clnt;

	if (argc != 3)
		errx(2, "usage: purse MAILBOX COINS");
	clnt = clnt_mbox_create(argv[1], PURSE, PURSE_V1);
	if (!clnt)
		errx(1, "%s", clnt_spcreateerror(argv[1]));
	clnt_control(clnt, CLSET_RETRY_TIMEOUT, (char *)&retry);
	mbox_clnt_delivery(clnt, MBOX_RPC_EXACTLY_ONCE);
	for (n = atoi(argv[2]); n; n--) {
		if (put_1(&coin, &coins, clnt) != RPC_SUCCESS)
			errx(1, "%s", clnt_sperror(clnt, argv[1]));
		printf("%d\n", coins);
		fflush(stdout);
	}
	auth_destroy(clnt->cl_auth);
	clnt_destroy(clnt);
	return 0;
}
