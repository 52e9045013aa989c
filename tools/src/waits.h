/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Who waits for whom.
 */
#ifndef WAITS_H
#define WAITS_H

#include <stdbool.h>

/* Prints a line, or with @json an object, for each call that blocks. */
void print_waits(bool json);

#endif /* WAITS_H */
