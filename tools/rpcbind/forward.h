/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * With --register the system has a rpcbind, which the sockets are left to.
 */
#ifndef FORWARD_H
#define FORWARD_H

#include <stdbool.h>

#include "table.h"

/* Tell it of a registration that has sockets. Return: whether it has it now. */
bool forward_set(const struct registration *registration);

/* Tell it that it is no more. */
void forward_unset(const struct registration *registration);

#endif /* FORWARD_H */
