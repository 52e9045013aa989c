// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "address.h"
#include "alive.h"
#include "mailboxes.h"
#include "netids.h"

/* Nobody has a port that we can have. */
static bool can_bind(int fd, const struct address *address)
{
	return !bind(fd, (struct sockaddr *)&address->storage, address->length);
}

/*
 * A socket of another type cannot connect, and its server is not disturbed; but
 * the kernel looks first whether there is one.
 */
static bool is_left_behind(int fd, const struct address *address)
{
	return connect(fd, (struct sockaddr *)&address->storage, address->length) &&
	       (errno == ECONNREFUSED || errno == ENOENT);
}

static bool has_socket(const struct netconfig *netid, const struct address *address)
{
	bool unix_socket = netid_family(netid) == AF_UNIX;
	int type = unix_socket ? SOCK_DGRAM : netid_socktype(netid);
	int fd = socket(netid_family(netid), type | SOCK_CLOEXEC, 0);
	bool has;

	if (fd < 0)
		return true;
	has = unix_socket ? !is_left_behind(fd, address) : !can_bind(fd, address);
	close(fd);
	return has;
}

bool alive(const struct registration *registration)
{
	const struct netconfig *netid = netid_find(registration->netid);
	struct address address;

	if (!strcmp(registration->netid, NETID_MBOX))
		return mailbox_has_receiver(registration->address);
	return !address_parse(netid, registration->address, &address) ||
	       has_socket(netid, &address);
}
