/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Where the matchmaker listens: port 111 of TCP and UDP, by IPv4 and, where the
 * kernel has it, IPv6, the local socket, and a mailbox.
 */
#ifndef TRANSPORTS_H
#define TRANSPORTS_H

/*
 * Listen on all of them, or exit with what stands in the way; or at the mailbox
 * alone.
 */
void transports_open(void);
void transports_open_mailbox(void);

/* Leave no socket file behind. */
void transports_close(void);

#endif /* TRANSPORTS_H */
