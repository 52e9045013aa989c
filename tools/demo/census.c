/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * census NETTYPE HOST: has the text of its input counted, by TCP or UDP at a host, or with
 * the nettype "mbox" at the mailbox HOST.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <mbox/rpc.h>

#include "census.h"

static char *input(void)
{
	size_t room = 65536, length = 0;
	char *all = malloc(room);

	while (all && (length += fread(all + length, 1, room - 1 - length, stdin)) == room - 1)
		all = realloc(all, room *= 2);
	if (!all)
		err(1, NULL);
	all[length] = '\0';
	return all;
}

int main(int argc, char **argv)
{
	text asked;
	numbers n;
	CLIENT *clnt;

	if (argc != 3)
		errx(2, "usage: census NETTYPE HOST");
	asked = input();
	clnt = mbox_clnt_create(argv[2], CENSUS, CENSUS_V1, argv[1]);
	if (!clnt)
		errx(1, "%s", clnt_spcreateerror(argv[2]));
	if (count_1(&asked, &n, clnt) != RPC_SUCCESS)
		errx(1, "%s", clnt_sperror(clnt, argv[2]));
	printf("%u %u %u%s\n", n.lines, n.words, n.letters,
	       n.asked_by == getpid() ? " for me" : "");
	auth_destroy(clnt->cl_auth);
	clnt_destroy(clnt);
	free(asked);
	return 0;
}
