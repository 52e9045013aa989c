// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rpc/rpc.h>
#include <rpc/rpc_com.h>

#include <mbox/rpc.h>

#include "address.h"
#include "datagram.h"
#include "netids.h"
#include "protocol.h"
#include "registry.h"
#include "transports.h"

/* In the order in which rpcbind lists them. */
static const struct transport {
	const char *netid;
	const char *address;
} transports[] = {
	{ "tcp6", "::.0.111" },
	{ "udp6", "::.0.111" },
	{ "tcp", "0.0.0.0.0.111" },
	{ "udp", "0.0.0.0.0.111" },
	{ "local", _PATH_RPCBINDSOCK },
};

#define MAILBOX "rpc:111"
#define TRANSPORTS (sizeof(transports) / sizeof(transports[0]))

/* The port mapper's version is for IPv4. */
static void register_own(const struct transport *transport)
{
	struct registration own = { .program = RPCBPROG, .owner = SUPERUSER };
	const char *netid = transport->netid;
	uint32_t version;

	strcpy(own.netid, netid);
	strcpy(own.address, transport->address);
	for (version = RPCBVERS_4; version >= PMAPVERS; version--) {
		own.version = version;
		if (version > PMAPVERS || !strcmp(netid, "tcp") || !strcmp(netid, "udp"))
			registry_set_own(&own);
	}
}

static void serve(const struct transport *transport, int fd)
{
	const struct netconfig *netid = netid_find(transport->netid);
	SVCXPRT *xprt = svc_tli_create(fd, netid, NULL, 0, 0);

	if (!xprt || !svc_reg(xprt, PMAPPROG, PMAPVERS, protocol2, NULL) ||
	    !svc_reg(xprt, RPCBPROG, RPCBVERS_3, protocol34, NULL) ||
	    !svc_reg(xprt, RPCBPROG, RPCBVERS_4, protocol34, NULL))
		errx(EXIT_FAILURE, "%s: cannot serve it", transport->netid);
	if (netid_socktype(netid) == SOCK_DGRAM)
		datagram_measure(xprt);
	register_own(transport);
}

/* A file that a killed one left is in the way; one that listens is another. */
static void clear_path(const struct address *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr *name = (struct sockaddr *)&address->storage;

	if (fd < 0)
		err(EXIT_FAILURE, _PATH_RPCBINDSOCK);
	if (connect(fd, name, address->length) && errno == ECONNREFUSED)
		unlink(_PATH_RPCBINDSOCK);
	close(fd);
}

/* IPv6 is for itself, and a restart does not wait for old connections. */
static void set_options(int fd, sa_family_t family, int type)
{
	int on = 1;

	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

/* Everybody may connect to the local socket, whatever the umask. */
static void bind_socket(int fd, const struct transport *transport, const struct address *address)
{
	mode_t mask = umask(0111);

	if (address->storage.ss_family == AF_UNIX)
		clear_path(address);
	if (bind(fd, (struct sockaddr *)&address->storage, address->length))
		err(EXIT_FAILURE, "%s %s", transport->netid, transport->address);
	umask(mask);
}

static void open_socket(const struct transport *transport)
{
	const struct netconfig *netid = netid_find(transport->netid);
	struct address address;
	int fd, type;

	if (!netid || !address_parse(netid, transport->address, &address))
		errx(EXIT_FAILURE, "%s is not in " NETCONFIG, transport->netid);
	type = netid_socktype(netid);
	fd = socket(address.storage.ss_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0 && errno == EAFNOSUPPORT)
		return;
	if (fd < 0)
		err(EXIT_FAILURE, "%s", transport->netid);
	set_options(fd, address.storage.ss_family, type);
	bind_socket(fd, transport, &address);
	if (type == SOCK_STREAM && listen(fd, SOMAXCONN))
		err(EXIT_FAILURE, "%s", transport->netid);
	serve(transport, fd);
}

/* Nobody else gets that name: it is that of a port below 1024. */
void transports_open_mailbox(void)
{
	const struct transport transport = { NETID_MBOX, MAILBOX };
	mode_t mask = umask(0);
	SVCXPRT *xprt = svc_mbox_create(MAILBOX, 0622);

	umask(mask);
	if (!xprt || mbox_svc_reg(xprt, PMAPPROG, PMAPVERS, protocol2) ||
	    mbox_svc_reg(xprt, RPCBPROG, RPCBVERS_3, protocol34) ||
	    mbox_svc_reg(xprt, RPCBPROG, RPCBVERS_4, protocol34))
		err(EXIT_FAILURE, "mailbox " MAILBOX);
	register_own(&transport);
}

/* With a largest record libtirpc waits for no client that sends half of one. */
void transports_open(void)
{
	int record = RPC_MAXDATASIZE;
	size_t i;

	rpc_control(RPC_SVC_CONNMAXREC_SET, &record);
	for (i = 0; i < TRANSPORTS; i++)
		open_socket(&transports[i]);
	/* Without the module there are no servers that are mailboxes either. */
	if (!access("/dev/mbox", F_OK))
		transports_open_mailbox();
}

void transports_close(void)
{
	unlink(_PATH_RPCBINDSOCK);
}
