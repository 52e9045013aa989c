/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Three threads: one answers over sockets, as libtirpc wants it, one at the
 * mailbox, and one waits for SIGTERM, SIGINT and the death of servers.
 */
#ifndef LOOP_H
#define LOOP_H

/* The signals are for loop() from now on. */
void loop_prepare(void);

/* Answer, and see who dies, until one of those signals comes. */
void loop(void);

#endif /* LOOP_H */
