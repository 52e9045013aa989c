/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The one table of this process, and what goes with it: who may change it, that
 * the dead leave it, and that it is kept in a file.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <stdbool.h>

#include "caller.h"
#include "table.h"

/*
 * One at a time: the threads of the mailbox, of the sockets, and of those who die.
 * To be held by who calls what follows.
 */
void registry_lock(void);
void registry_unlock(void);

/* Tell the system's rpcbind of what has sockets. */
void registry_forward(void);

/* Keep it in the file, beginning with what is there of those still alive. */
void registry_restore(const char *path);

/*
 * Register what is the daemon's own, without asking and without keeping it.
 */
bool registry_set_own(const struct registration *registration);

/* @registration->owner is the caller's to be. Return: whether it is registered. */
bool registry_set(const struct caller *caller, struct registration *registration);

/* @netid: "" for all. Return: whether nothing is registered of it. */
bool registry_unset(const struct caller *caller, uint32_t program,
		    uint32_t version, const char *netid);

/*
 * Registrations of servers that are alive, NULL when there are none. Of any
 * version when there is not that one, unless it has to be @exact.
 */
const struct registration *registry_find(uint32_t program, uint32_t version,
					 const char *netid, bool exact);

/* All that are alive. It is the registry's. */
const struct table *registry_all(void);

/* Nobody receives from that mailbox any more. */
void registry_mailbox_gone(const char *name);

#endif /* REGISTRY_H */
