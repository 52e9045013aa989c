/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What exists as a table for people, and as JSON.
 */
#ifndef TABLE_H
#define TABLE_H

#include <json-c/json_object.h>
#include <stdio.h>

#include "objects.h"

/* Aligned columns under a line of titles. */
void print_table(FILE *out, const struct objects *objects);

/* An array of all. */
struct json_object *table_json(const struct objects *objects);

#endif /* TABLE_H */
