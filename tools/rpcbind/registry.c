// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <rpc/rpc.h>

#include "address.h"
#include "alive.h"
#include "forward.h"
#include "mailboxes.h"
#include "netids.h"
#include "registry.h"
#include "store.h"

static struct table table;
static const char *file;
static bool forwards;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void registry_lock(void)
{
	pthread_mutex_lock(&lock);
}

void registry_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

void registry_forward(void)
{
	forwards = true;
}

static bool is_forwarded(const struct registration *registration)
{
	return forwards && strcmp(registration->netid, NETID_MBOX);
}

static bool has_mailbox(const char *name)
{
	size_t i;

	for (i = 0; i < table.count; i++)
		if (!strcmp(table.list[i].netid, NETID_MBOX) &&
		    !strcmp(table.list[i].address, name))
			return true;
	return false;
}

/* After each change. One that cannot be kept holds all the same. */
static void changed(void)
{
	int error = file ? store_save(file, &table) : 0;

	if (error)
		fprintf(stderr, "mboxrpcbind: %s: %s\n", file, strerror(-error));
	mailboxes_forget(has_mailbox);
}

static void drop(const struct registration *dead)
{
	struct registration copy = *dead;

	if (table_drop(&table, copy.netid, copy.address))
		changed();
}

static bool is_valid(const struct registration *registration)
{
	const struct netconfig *netid = netid_find(registration->netid);

	return netid && address_is_valid(netid, registration->address);
}

static bool add(const struct registration *registration)
{
	return (strcmp(registration->netid, NETID_MBOX) ||
		mailbox_watch(registration->address)) &&
	       table_set(&table, registration);
}

/* What the other one refuses is not registered here either. */
static bool add_and_forward(const struct registration *r)
{
	if (!add(r))
		return false;
	if (!is_forwarded(r) || forward_set(r))
		return true;
	table_unset(&table, r->program, r->version, r->netid, r->owner);
	return false;
}

/* The other one takes all from us: whose they are is known here only. */
static void unset_forwarded(const struct caller *caller, uint32_t program,
			    uint32_t version, const char *netid)
{
	size_t i;

	for (i = 0; i < table.count; i++)
		if (is_forwarded(&table.list[i]) &&
		    table_would_unset(&table.list[i], program, version, netid, caller->owner))
			forward_unset(&table.list[i]);
}

static void restore(const struct registration *registration)
{
	if (registration->program != RPCBPROG && is_valid(registration) &&
	    alive(registration))
		add_and_forward(registration);
}

void registry_restore(const char *path)
{
	int error = store_load(path, restore);

	if (error)
		fprintf(stderr, "mboxrpcbind: %s: %s: begins anew\n", path,
			strerror(-error));
	file = path;
	changed();
}

bool registry_set_own(const struct registration *registration)
{
	return table_set(&table, registration);
}

/* The matchmaker's own number is nobody else's to give. */
static bool may_set(const struct caller *caller, const struct registration *r)
{
	return caller->may_change &&
	       (r->program != RPCBPROG || !strcmp(caller->owner, SUPERUSER));
}

bool registry_set(const struct caller *caller, struct registration *registration)
{
	bool done;

	if (!may_set(caller, registration) || !is_valid(registration))
		return false;
	strcpy(registration->owner, caller->owner);
	/* What a server left behind that died does not keep the next one out. */
	registry_find(registration->program, registration->version,
		      registration->netid, true);
	done = add_and_forward(registration);
	changed();
	return done;
}

bool registry_unset(const struct caller *caller, uint32_t program,
		    uint32_t version, const char *netid)
{
	bool done;

	if (!caller->may_change)
		return false;
	unset_forwarded(caller, program, version, netid);
	done = table_unset(&table, program, version, netid, caller->owner);
	changed();
	return done;
}

const struct registration *registry_find(uint32_t program, uint32_t version,
					 const char *netid, bool exact)
{
	const struct registration *found;

	for (;;) {
		found = exact ? table_find(&table, program, version, netid) :
			table_find_any(&table, program, version, netid);
		if (!found || alive(found))
			return found;
		drop(found);
	}
}

const struct table *registry_all(void)
{
	size_t i = table.count;

	while (i--)
		if (i < table.count && !alive(&table.list[i]))
			drop(&table.list[i]);
	return &table;
}

void registry_mailbox_gone(const char *name)
{
	if (table_drop(&table, NETID_MBOX, name))
		changed();
}
