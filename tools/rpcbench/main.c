// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * mbox-bench-rpc TRANSPORT BYTES CLIENTS TIMES: remote procedure calls for mbox bench, which
 * so needs no RPC library itself.
 *
 * A child is the server. For each byte of its input this process makes TIMES calls with
 * arguments of BYTES, the clients in turn, and then writes a byte; and one before, when
 * all is ready.
 */
#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <mbox/rpc.h>

#include "take.h"

#define CLIENTS_MAX	1000
#define BYTES_MAX	(1024 * 1024)

void take_1(struct svc_req *rqstp, SVCXPRT *xprt);

bool_t take_nothing_1_svc(void *arg, void *result, struct svc_req *rqstp)
{
	(void)arg;
	(void)result;
	(void)rqstp;
	return TRUE;
}

bool_t take_load_1_svc(load *arg, void *result, struct svc_req *rqstp)
{
	(void)arg;
	(void)result;
	(void)rqstp;
	return TRUE;
}

int take_1_freeresult(SVCXPRT *xprt, xdrproc_t xdr_result, caddr_t result)
{
	(void)xprt;
	(void)xdr_result;
	(void)result;
	return TRUE;
}

/* What the bench calls a transport, and libtirpc. */
static const struct {
	const char *name;
	const char *netid;
} sockets[] = {
	{ "RPC by TCP", "tcp" },
	{ "RPC by UDP", "udp" },
	{ "RPC by AF_LOCAL", "local" },
};

/* The same of what a mailbox's clients do for a call. */
static const struct {
	const char *name;
	enum mbox_rpc_delivery delivery;
} mailboxes[] = {
	{ "RPC by mailbox", MBOX_RPC_MAYBE },
	{ "RPC at most once", MBOX_RPC_AT_MOST_ONCE },
	{ "RPC exactly once", MBOX_RPC_EXACTLY_ONCE },
};

/* Where the server is: a mailbox, whose clients call by @delivery, unless @netconfig says what else. */
static struct {
	struct netconfig *netconfig;
	enum mbox_rpc_delivery delivery;
	char path[64];
	struct sockaddr_storage address;
	socklen_t length;
} at = { .length = sizeof(at.address) };

static void choose(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(sockets) / sizeof(*sockets); i++)
		if (!strcmp(name, sockets[i].name))
			at.netconfig = getnetconfigent(sockets[i].netid);
	if (at.netconfig)
		return;
	for (i = 0; strcmp(name, mailboxes[i].name); i++)
		if (i + 1 == sizeof(mailboxes) / sizeof(*mailboxes))
			errx(1, "no transport: %s", name);
	at.delivery = mailboxes[i].delivery;
}

static void create_mailbox(void)
{
	SVCXPRT *xprt = svc_mbox_create(at.path, 0600);

	if (!xprt || mbox_svc_reg(xprt, TAKE, TAKE_V1, take_1))
		err(1, "%s", at.path);
}

/* The kernel chooses a port; a socket that is a file needs a path. */
static void create_socket(void)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct t_bind bind = {
		.addr = { .buf = &local, .len = sizeof(local) }, .qlen = 8,
	};
	const bool is_file = !strcmp(at.netconfig->nc_protofmly, NC_LOOPBACK);
	SVCXPRT *xprt;

	snprintf(local.sun_path, sizeof(local.sun_path), "/tmp/mbox-bench-rpc.%d", getpid());
	xprt = svc_tli_create(RPC_ANYFD, at.netconfig, is_file ? &bind : NULL, 0, 0);
	if (!xprt || !svc_reg(xprt, TAKE, TAKE_V1, take_1, NULL) ||
	    getsockname(xprt->xp_fd, (struct sockaddr *)&at.address, &at.length))
		errx(1, "no socket to serve at");
	if (is_file)
		strcpy(at.path, local.sun_path);
}

/* A mailbox is made here, for the history of what it has served stays with its process. */
static void serve(pid_t parent, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (!at.netconfig)
		create_mailbox();
	close(ready);
	if (at.netconfig)
		svc_run();
	else
		mbox_svc_run(1);
	_exit(1);
}

static void start_server(void)
{
	const pid_t parent = getpid();
	int ready[2];
	char byte;

	if (pipe(ready))
		err(1, "pipe");
	if (at.netconfig)
		create_socket();
	else
		snprintf(at.path, sizeof(at.path), "/mbox-bench-rpc.%d", parent);
	if (!fork())
		serve(parent, ready[1]);
	close(ready[1]);
	/* Its end, when there is a mailbox or will be none. */
	if (read(ready[0], &byte, 1))
		err(1, "read");
	close(ready[0]);
}

static CLIENT *connect_one(void)
{
	struct netbuf address = {
		.buf = &at.address, .len = at.length, .maxlen = at.length,
	};

	CLIENT *clnt;

	if (!at.netconfig) {
		clnt = clnt_mbox_create(at.path, TAKE, TAKE_V1);
		if (clnt)
			mbox_clnt_delivery(clnt, at.delivery);
		return clnt;
	}
	return clnt_tli_create(RPC_ANYFD, at.netconfig, &address, TAKE, TAKE_V1, 0, 0);
}

static CLIENT *clients[CLIENTS_MAX];

/* Each has a descriptor. */
static void connect_all(size_t nr)
{
	struct rlimit files;
	size_t i;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	for (i = 0; i < nr; i++) {
		clients[i] = connect_one();
		if (!clients[i])
			errx(1, "%s", clnt_spcreateerror(at.path));
	}
	if (at.netconfig && *at.path)
		unlink(at.path);
}

static void ask(CLIENT *clnt, load *arg)
{
	enum clnt_stat status = arg->load_len ? take_load_1(arg, NULL, clnt) :
						 take_nothing_1(NULL, NULL, clnt);

	if (status != RPC_SUCCESS)
		errx(1, "%s", clnt_sperror(clnt, "call"));
}

static void answer(void)
{
	if (write(STDOUT_FILENO, "", 1) != 1)
		exit(1);
}

static size_t number(const char *text, size_t max)
{
	const size_t value = strtoul(text, NULL, 10);

	if (value > max)
		errx(2, "no more than %zu: %s", max, text);
	return value;
}

int main(int argc, char **argv)
{
	static char data[BYTES_MAX];
	load arg = { .load_val = data };
	size_t nr, times, i;
	char byte;

	if (argc != 5)
		errx(2, "is run by mbox bench");
	choose(argv[1]);
	arg.load_len = number(argv[2], BYTES_MAX);
	nr = number(argv[3], CLIENTS_MAX);
	times = number(argv[4], SIZE_MAX);

	start_server();
	connect_all(nr);
	answer();
	while (read(STDIN_FILENO, &byte, 1) == 1) {
		for (i = 0; i < times; i++)
			ask(clients[i % nr], &arg);
		answer();
	}
	return 0;
}
