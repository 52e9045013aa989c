/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What exists as a table for people, and as JSON.
 */
#ifndef TABLE_H
#define TABLE_H

#include <json-c/json_object.h>
#include <stdio.h>

#include "objects.h"

/**
 * print_table() - print aligned columns under a line of titles
 * @out: where to
 * @objects: what
 * @name_most: columns of a terminal that a name may have, 0 for any number
 */
void print_table(FILE *out, const struct objects *objects, int name_most);

/* An array of all. */
struct json_object *table_json(const struct objects *objects);

#endif /* TABLE_H */
