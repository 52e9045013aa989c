/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What has been asked, for RPCBPROC_GETSTAT.
 */
#ifndef STATISTICS_H
#define STATISTICS_H

#include <stdbool.h>

#include <rpc/rpc.h>

/* @version: 2 to 4, of the protocol */
void statistics_call(rpcvers_t version, rpcproc_t procedure);
void statistics_set(rpcvers_t version, bool done);
void statistics_unset(rpcvers_t version, bool done);

/* Somebody has asked for the address of a program. */
void statistics_address(rpcvers_t version, rpcprog_t program,
			rpcvers_t program_version, const char *netid, bool found);

/* For xdr_rpcb_stat_byvers() */
rpcb_stat *statistics(void);

#endif /* STATISTICS_H */
