// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * greeting_client HOST NETTYPE NAME: asks the matchmaker of the host where the
 * server is, and is greeted by it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "greeting.h"

int main(int argc, char **argv)
{
	CLIENT *client;
	char *greeting = NULL;

	if (argc != 4)
		return 2;
	client = clnt_create(argv[1], GREETING, GREETING_FIRST, argv[2]);
	if (!client) {
		clnt_pcreateerror(argv[1]);
		return EXIT_FAILURE;
	}
	if (greet_1(&argv[3], &greeting, client) != RPC_SUCCESS) {
		clnt_perror(client, argv[1]);
		return EXIT_FAILURE;
	}
	puts(greeting);
	return EXIT_SUCCESS;
}
