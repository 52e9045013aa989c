// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <stdlib.h>
#include <string.h>

#include <rpc/rpc.h>

#include "statistics.h"

/* More would not fit into a datagram; and who asks can make up any number. */
#define ADDRESSES_MAX 64

static rpcb_stat_byvers counts;

static rpcb_stat *of(rpcvers_t version)
{
	return &counts[version - 2];
}

void statistics_call(rpcvers_t version, rpcproc_t procedure)
{
	if (procedure < RPCBSTAT_HIGHPROC)
		of(version)->info[procedure]++;
}

void statistics_set(rpcvers_t version, bool done)
{
	of(version)->setinfo += done;
}

void statistics_unset(rpcvers_t version, bool done)
{
	of(version)->unsetinfo += done;
}

static rpcbs_addrlist *new_address(rpcprog_t program, rpcvers_t version, const char *netid)
{
	rpcbs_addrlist *address = calloc(1, sizeof(*address));

	if (!address)
		return NULL;
	address->prog = program;
	address->vers = version;
	address->netid = strdup(netid);
	if (address->netid)
		return address;
	free(address);
	return NULL;
}

static rpcbs_addrlist *address_of(rpcb_stat *stat, rpcprog_t program,
				  rpcvers_t version, const char *netid)
{
	rpcbs_addrlist **at = &stat->addrinfo;
	size_t count = 0;

	for (; *at; at = &(*at)->next, count++)
		if ((*at)->prog == program && (*at)->vers == version &&
		    !strcmp((*at)->netid, netid))
			return *at;
	if (count < ADDRESSES_MAX)
		*at = new_address(program, version, netid);
	return *at;
}

void statistics_address(rpcvers_t version, rpcprog_t program,
			rpcvers_t program_version, const char *netid, bool found)
{
	rpcbs_addrlist *address =
		address_of(of(version), program, program_version, netid);

	if (!address)
		return;
	address->success += found;
	address->failure += !found;
}

rpcb_stat *statistics(void)
{
	return counts;
}
