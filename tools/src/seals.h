/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The seals of a segment and their names.
 */
#ifndef SEALS_H
#define SEALS_H

#include <json-c/json_object.h>

/* Room for the names of all. */
#define SEALS_TEXT 32

/* "shrink grow" */
void seals_text(char text[SEALS_TEXT], unsigned int seals);
struct json_object *seals_json(unsigned int seals);

/* Ends the process when there is no such seal. */
unsigned int parse_seal(const char *text);

#endif /* SEALS_H */
