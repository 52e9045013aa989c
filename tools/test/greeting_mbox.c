// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * greeting_mbox serve
 * greeting_mbox ask NETTYPE HOST NAME
 *
 * The service of greeting_server and the client of greeting_client by libmbox-rpc: its loop
 * serves what libtirpc has, and its call chooses the transport.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbox/rpc.h>

#include "greeting.h"

extern void greeting_1(struct svc_req *req, SVCXPRT *xprt);

bool_t greet_1_svc(char **name, char **result, struct svc_req *req)
{
	(void)req;
	return asprintf(result, "hello from mbox, %s", *name) >= 0;
}

int greeting_1_freeresult(SVCXPRT *xprt, xdrproc_t xdr, caddr_t result)
{
	(void)xprt;
	xdr_free(xdr, result);
	return 1;
}

static void leave(int signo)
{
	(void)signo;
	mbox_svc_exit();
}

static int serve(void)
{
	int ret;

	if (!svc_create(greeting_1, GREETING, GREETING_FIRST, "netpath"))
		return EXIT_FAILURE;
	signal(SIGTERM, leave);
	puts("ready");
	fflush(stdout);
	ret = mbox_svc_run(1);
	svc_unreg(GREETING, GREETING_FIRST);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int ask(const char *nettype, const char *host, char *name)
{
	CLIENT *client = mbox_clnt_create(host, GREETING, GREETING_FIRST, nettype);
	char *greeting = NULL;

	if (!client) {
		clnt_pcreateerror(host);
		return EXIT_FAILURE;
	}
	if (greet_1(&name, &greeting, client) != RPC_SUCCESS) {
		clnt_perror(client, host);
		return EXIT_FAILURE;
	}
	puts(greeting);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "serve"))
		return serve();
	if (argc == 5 && !strcmp(argv[1], "ask"))
		return ask(argv[2], argv[3], argv[4]);
	return 2;
}
