/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The table in a file, so that a new matchmaker knows what the last one did.
 */
#ifndef STORE_H
#define STORE_H

#include "table.h"

/* Replace the file by one of what is in @table, as a whole. Return: 0 or -errno. */
int store_save(const char *path, const struct table *table);

/*
 * Give all registrations of the file, and each only if it is well formed, to
 * @found. Return: 0, also when there is no file; -EINVAL for another file.
 */
int store_load(const char *path, void (*found)(const struct registration *));

#endif /* STORE_H */
