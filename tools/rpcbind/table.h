/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The registrations: which program, in which version, is reached over which
 * transport at which address, and who said so. Nothing but memory: what may be
 * registered, and whether anybody is still there, is the registry's to know.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a peer can make us keep for one string, without its end. */
#define NETID_MAX	63
#define ADDRESS_MAX	255
#define OWNER_MAX	63

/* Whose registrations are not counted, and who removes those of all others. */
#define SUPERUSER	"superuser"

/* Registrations of one owner. */
#define OWNER_LIMIT	256

struct registration {
	uint32_t program;
	uint32_t version;
	char netid[NETID_MAX + 1];
	char address[ADDRESS_MAX + 1];
	char owner[OWNER_MAX + 1];
};

/* All zero at first. Pointers into @list are good until the next change. */
struct table {
	struct registration *list;
	size_t count;
	size_t room;
};

/**
 * table_set() - add a registration
 *
 * Return: whether it is in the table now. It is not when program, version and
 * netid have another address, or its owner has OWNER_LIMIT already.
 */
bool table_set(struct table *table, const struct registration *registration);

/**
 * table_unset() - remove what @owner has of a program's version
 * @netid: "" for all
 *
 * Return: whether nothing of it is left in the table.
 */
bool table_unset(struct table *table, uint32_t program, uint32_t version,
		 const char *netid, const char *owner);

/* Whether table_unset() with these would remove it. */
bool table_would_unset(const struct registration *r, uint32_t program,
		       uint32_t version, const char *netid, const char *owner);

/* Remove all that is at an address. Return: whether anything was. */
bool table_drop(struct table *table, const char *netid, const char *address);

/* The registration in exactly this version, or NULL. */
struct registration *table_find(const struct table *table, uint32_t program,
				uint32_t version, const char *netid);

/* The same, else one in another version, whose server says which it has. */
struct registration *table_find_any(const struct table *table, uint32_t program,
				    uint32_t version, const char *netid);

void table_free(struct table *table);

#endif /* TABLE_H */
