/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
#ifndef LOOP_H
#define LOOP_H

/* SIGTERM and SIGINT are for loop() from now on. */
void loop_prepare(void);

/* Answer, and see who dies, until one of those signals comes. */
void loop(void);

#endif /* LOOP_H */
