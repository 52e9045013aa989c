/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What --json prints. JSON has no bytes: what is not UTF-8 comes in Base64,
 * under a key that says so.
 */
#ifndef JSON_H
#define JSON_H

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <mbox/mbox.h>

struct object;

void add_json(struct json_object *to, const char *key, struct json_object *value);
void add_number(struct json_object *to, const char *key, uint64_t number);
void add_flag(struct json_object *to, const char *key, bool flag);
void add_text(struct json_object *to, const char *key, const char *text);

/* A number, or null for "no limit". */
void add_limit(struct json_object *to, const char *key, uint64_t number,
	       uint64_t unlimited);

/* As "KEY", or as "KEY_base64" if it is not UTF-8. */
void add_bytes(struct json_object *to, const char *key, const void *data,
	       size_t length);

/* The name as everywhere: with its slash, null when anonymous. */
void add_name(struct json_object *to, const char *name);

/* What every object has. */
void add_owner(struct json_object *to, mode_t mode, uid_t uid, gid_t gid);

struct json_object *new_json(void);

/* Print on one line, and free. */
void print_json(struct json_object *value);

#endif /* JSON_H */
