/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
#ifndef ALIVE_H
#define ALIVE_H

#include <stdbool.h>

#include "table.h"

/*
 * Whether a server can be there: false only where the kernel says that nobody
 * has the address, which is one of this machine.
 */
bool alive(const struct registration *registration);

#endif /* ALIVE_H */
