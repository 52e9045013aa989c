// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * greeting_server [PATH]: a server as rpcgen's manual has it, which knows
 * nothing of mboxrpcbind, on IP or on a local socket. It unregisters when it
 * gets SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "greeting.h"

extern void greeting_1(struct svc_req *req, SVCXPRT *xprt);

bool_t greet_1_svc(char **name, char **result, struct svc_req *req)
{
	(void)req;
	return asprintf(result, "hello, %s", *name) >= 0;
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
	svc_unreg(GREETING, GREETING_FIRST);
	_exit(EXIT_SUCCESS);
}

/* What svc_create(3) does for all but local sockets, which have no free port. */
static bool_t create_local(char *path)
{
	SVCXPRT *xprt = svcunix_create(RPC_ANYSOCK, 0, 0, path);

	return xprt && svc_reg(xprt, GREETING, GREETING_FIRST, greeting_1,
			       getnetconfigent("local"));
}

int main(int argc, char **argv)
{
	signal(SIGTERM, leave);
	if (argc > 1 ? !create_local(argv[1]) :
	    !svc_create(greeting_1, GREETING, GREETING_FIRST, "netpath"))
		return EXIT_FAILURE;
	puts("ready");
	fflush(stdout);
	svc_run();
	return EXIT_FAILURE;
}
