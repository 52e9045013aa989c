// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <stdlib.h>
#include <string.h>

#include "table.h"

struct registration *table_find(const struct table *table, uint32_t program,
				uint32_t version, const char *netid)
{
	size_t i;

	for (i = 0; i < table->count; i++)
		if (table->list[i].program == program &&
		    table->list[i].version == version &&
		    !strcmp(table->list[i].netid, netid))
			return &table->list[i];
	return NULL;
}

struct registration *table_find_any(const struct table *table, uint32_t program,
				    uint32_t version, const char *netid)
{
	struct registration *found = table_find(table, program, version, netid);
	size_t i;

	for (i = 0; !found && i < table->count; i++)
		if (table->list[i].program == program &&
		    !strcmp(table->list[i].netid, netid))
			found = &table->list[i];
	return found;
}

static bool has_room_for(const struct table *table, const char *owner)
{
	size_t i, owned = 0;

	if (!strcmp(owner, SUPERUSER))
		return true;
	for (i = 0; i < table->count; i++)
		owned += !strcmp(table->list[i].owner, owner);
	return owned < OWNER_LIMIT;
}

static bool grow(struct table *table)
{
	size_t room = table->room ? 2 * table->room : 16;
	struct registration *list;

	if (table->count < table->room)
		return true;
	list = reallocarray(table->list, room, sizeof(*list));
	if (!list)
		return false;
	table->list = list;
	table->room = room;
	return true;
}

bool table_set(struct table *table, const struct registration *registration)
{
	const struct registration *present =
		table_find(table, registration->program, registration->version,
			   registration->netid);

	if (present)
		return !strcmp(present->address, registration->address);
	if (!has_room_for(table, registration->owner) || !grow(table))
		return false;
	table->list[table->count++] = *registration;
	return true;
}

static void remove_at(struct table *table, size_t i)
{
	table->count--;
	memmove(&table->list[i], &table->list[i + 1],
		(table->count - i) * sizeof(*table->list));
}

static bool is_meant(const struct registration *r, uint32_t program,
		     uint32_t version, const char *netid)
{
	return r->program == program && r->version == version &&
	       (!*netid || !strcmp(r->netid, netid));
}

bool table_would_unset(const struct registration *r, uint32_t program,
		       uint32_t version, const char *netid, const char *owner)
{
	return is_meant(r, program, version, netid) &&
	       (!strcmp(owner, SUPERUSER) || !strcmp(owner, r->owner));
}

bool table_unset(struct table *table, uint32_t program, uint32_t version,
		 const char *netid, const char *owner)
{
	bool all = true;
	size_t i = 0;

	while (i < table->count) {
		const struct registration *r = &table->list[i];

		if (table_would_unset(r, program, version, netid, owner)) {
			remove_at(table, i);
			continue;
		}
		all = all && !is_meant(r, program, version, netid);
		i++;
	}
	return all;
}

bool table_drop(struct table *table, const char *netid, const char *address)
{
	size_t before = table->count, i = 0;

	while (i < table->count) {
		if (strcmp(table->list[i].netid, netid) ||
		    strcmp(table->list[i].address, address))
			i++;
		else
			remove_at(table, i);
	}
	return table->count != before;
}

void table_free(struct table *table)
{
	free(table->list);
	*table = (struct table){ 0 };
}
