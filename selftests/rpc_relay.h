/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bad network between clients and a server of RPC: a process with a mailbox that clients
 * take for the server's. It loses, doubles, delays and so reorders requests, and loses and
 * delays replies, which the kernel gives once, however often they are sent; it sends
 * requests again long after they were answered; and it kills the server when it has an
 * answer of it that nobody else has seen.
 */
#ifndef MBOX_SELFTESTS_RPC_RELAY_H
#define MBOX_SELFTESTS_RPC_RELAY_H

#include <sys/types.h>

/* All but the last two in percent. */
struct relay_faults {
	unsigned int lost;
	unsigned int lost_replies;
	unsigned int doubled;
	unsigned int delayed;
	unsigned int late;
	unsigned int delay_us;
	/* One in so many replies is the server's last; 0 for none. */
	unsigned int kills_one_in;
};

/* Its process. @server: shared memory that has the server's; 0 while there is none. */
pid_t relay_fork(const char *front, const char *back, const struct relay_faults *faults,
		 _Atomic pid_t *server);

#endif
