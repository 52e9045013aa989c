// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "store.h"

static bool add(struct json_object *to, const char *key, struct json_object *value)
{
	return value && !json_object_object_add(to, key, value);
}

static struct json_object *to_json(const struct registration *r)
{
	struct json_object *json = json_object_new_object();

	if (json && add(json, "program", json_object_new_int64(r->program)) &&
	    add(json, "version", json_object_new_int64(r->version)) &&
	    add(json, "netid", json_object_new_string(r->netid)) &&
	    add(json, "address", json_object_new_string(r->address)) &&
	    add(json, "owner", json_object_new_string(r->owner)))
		return json;
	json_object_put(json);
	return NULL;
}

static struct json_object *table_to_json(const struct table *table)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; list && i < table->count; i++) {
		struct json_object *json = to_json(&table->list[i]);

		if (json && !json_object_array_add(list, json))
			continue;
		json_object_put(json);
		json_object_put(list);
		return NULL;
	}
	return list;
}

static int write_file(const char *path, struct json_object *json)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (json_object_to_fd(fd, json, JSON_C_TO_STRING_PRETTY))
		error = -EIO;
	close(fd);
	return error;
}

int store_save(const char *path, const struct table *table)
{
	struct json_object *json = table_to_json(table);
	char *new = NULL;
	int error = -ENOMEM;

	if (json && asprintf(&new, "%s.new", path) >= 0)
		error = write_file(new, json);
	if (!error && rename(new, path))
		error = -errno;
	free(new);
	json_object_put(json);
	return error;
}

static bool get_number(struct json_object *from, const char *key, uint32_t *number)
{
	struct json_object *value;
	int64_t wide;

	if (!json_object_object_get_ex(from, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return false;
	wide = json_object_get_int64(value);
	*number = wide;
	return wide >= 0 && wide <= UINT32_MAX;
}

static bool get_text(struct json_object *from, const char *key, char *text, size_t room)
{
	struct json_object *value;

	if (!json_object_object_get_ex(from, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return false;
	return (size_t)snprintf(text, room, "%s", json_object_get_string(value)) < room;
}

static bool from_json(struct json_object *json, struct registration *r)
{
	return get_number(json, "program", &r->program) &&
	       get_number(json, "version", &r->version) &&
	       get_text(json, "netid", r->netid, sizeof(r->netid)) &&
	       get_text(json, "address", r->address, sizeof(r->address)) &&
	       get_text(json, "owner", r->owner, sizeof(r->owner));
}

int store_load(const char *path, void (*found)(const struct registration *))
{
	struct json_object *list;
	struct registration r;
	size_t i;

	if (access(path, F_OK))
		return errno == ENOENT ? 0 : -errno;
	list = json_object_from_file(path);
	if (!json_object_is_type(list, json_type_array)) {
		json_object_put(list);
		return -EINVAL;
	}
	for (i = 0; i < json_object_array_length(list); i++)
		if (from_json(json_object_array_get_idx(list, i), &r))
			found(&r);
	json_object_put(list);
	return 0;
}
