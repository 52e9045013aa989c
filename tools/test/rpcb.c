// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * rpcb [-m] set|unset|get PROGRAM VERSION NETID [ADDRESS]: a call of the
 * matchmaker's over its local socket, or with -m its mailbox, with any netid:
 * rpcb_set(3) knows those of sockets only.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <mbox/rpc.h>

static char nothing[] = "";

static CLIENT *connect_matchmaker(void)
{
	struct sockaddr_un address = {
		.sun_family = AF_UNIX,
		.sun_path = _PATH_RPCBINDSOCK,
	};
	struct netbuf server = { sizeof(address), sizeof(address), &address };
	struct netconfig *local = getnetconfigent("local");

	return local ? clnt_tli_create(RPC_ANYFD, local, &server, RPCBPROG, RPCBVERS4, 0, 0) : NULL;
}

static bool_t change(CLIENT *client, rpcproc_t procedure, struct rpcb *args)
{
	struct timeval wait = { .tv_sec = 20 };
	bool_t done = FALSE;

	return clnt_call(client, procedure, (xdrproc_t)xdr_rpcb, args,
			 (xdrproc_t)xdr_bool, &done, wait) == RPC_SUCCESS && done;
}

static bool_t print_address(CLIENT *client, struct rpcb *args)
{
	struct timeval wait = { .tv_sec = 20 };
	char *address = NULL;

	if (clnt_call(client, RPCBPROC_GETADDR, (xdrproc_t)xdr_rpcb, args,
		      (xdrproc_t)xdr_wrapstring, &address, wait) != RPC_SUCCESS)
		return FALSE;
	puts(address);
	return *address;
}

int main(int argc, char **argv)
{
	struct rpcb args = { .r_addr = nothing, .r_owner = nothing };
	bool by_mailbox = argc > 1 && !strcmp(argv[1], "-m");
	CLIENT *client;
	bool_t done;

	argc -= by_mailbox;
	argv += by_mailbox;
	client = by_mailbox ? clnt_mbox_create("rpc:111", RPCBPROG, RPCBVERS4) :
		 connect_matchmaker();

	if (argc < 5 || !client)
		return 2;
	args.r_prog = strtoul(argv[2], NULL, 0);
	args.r_vers = strtoul(argv[3], NULL, 0);
	args.r_netid = argv[4];
	if (argc > 5)
		args.r_addr = argv[5];
	if (!strcmp(argv[1], "get"))
		done = print_address(client, &args);
	else
		done = change(client, strcmp(argv[1], "set") ? RPCBPROC_UNSET : RPCBPROC_SET, &args);
	return !done;
}
