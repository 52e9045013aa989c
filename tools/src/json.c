// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "json.h"

static struct json_object *got(struct json_object *value)
{
	if (!value)
		fail_errno("memory");
	return value;
}

struct json_object *new_json(void)
{
	return got(json_object_new_object());
}

void add_json(struct json_object *to, const char *key, struct json_object *value)
{
	if (json_object_object_add(to, key, value))
		fail_errno("memory");
}

void add_number(struct json_object *to, const char *key, uint64_t number)
{
	add_json(to, key, got(json_object_new_uint64(number)));
}

void add_flag(struct json_object *to, const char *key, bool flag)
{
	add_json(to, key, got(json_object_new_boolean(flag)));
}

void add_text(struct json_object *to, const char *key, const char *text)
{
	add_json(to, key, got(json_object_new_string(text)));
}

void add_limit(struct json_object *to, const char *key, uint64_t number,
	       uint64_t unlimited)
{
	if (number == unlimited)
		add_json(to, key, NULL);
	else
		add_number(to, key, number);
}

/* How many bytes follow the first one of a UTF-8 sequence; -1 if none can. */
static int utf8_tail(unsigned char first)
{
	if (first < 0x80)
		return 0;
	if (first >= 0xc2 && first < 0xe0)
		return 1;
	if (first >= 0xe0 && first < 0xf0)
		return 2;
	if (first >= 0xf0 && first < 0xf5)
		return 3;
	return -1;
}

/* Overlong forms, surrogates and what lies beyond U+10FFFF. */
static bool utf8_forbidden(unsigned char first, unsigned char second)
{
	return (first == 0xe0 && second < 0xa0) ||
	       (first == 0xed && second >= 0xa0) ||
	       (first == 0xf0 && second < 0x90) ||
	       (first == 0xf4 && second >= 0x90);
}

static bool is_utf8(const unsigned char *data, size_t length)
{
	size_t i = 0;

	while (i < length) {
		unsigned char first = data[i++];
		int tail = utf8_tail(first);

		if (tail < 0 || length - i < (size_t)tail)
			return false;
		if (tail && utf8_forbidden(first, data[i]))
			return false;
		for (; tail; tail--)
			if ((data[i++] & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static char *base64(const unsigned char *data, size_t length)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = malloc((length + 2) / 3 * 4 + 1);
	char *out = text;

	if (!text)
		fail_errno("memory");
	for (; length; data += 3, length -= length < 3 ? length : 3) {
		unsigned int bits = data[0] << 16;

		if (length > 1)
			bits |= data[1] << 8;
		if (length > 2)
			bits |= data[2];
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = length > 1 ? digits[bits >> 6 & 63] : '=';
		*out++ = length > 2 ? digits[bits & 63] : '=';
	}
	*out = '\0';
	return text;
}

void add_bytes(struct json_object *to, const char *key, const void *data,
	       size_t length)
{
	char other_key[32];
	char *text;

	if (is_utf8(data, length)) {
		add_json(to, key, got(json_object_new_string_len(data, length)));
		return;
	}
	snprintf(other_key, sizeof(other_key), "%s_base64", key);
	text = base64(data, length);
	add_text(to, other_key, text);
	free(text);
}

void add_name(struct json_object *to, const char *name)
{
	char full[MBOX_NAME_MAX + 2];

	if (!name) {
		add_json(to, "name", NULL);
		return;
	}
	snprintf(full, sizeof(full), "/%s", name + (*name == '/'));
	add_bytes(to, "name", full, strlen(full));
}

void add_owner(struct json_object *to, mode_t mode, uid_t uid, gid_t gid)
{
	char octal[8];

	snprintf(octal, sizeof(octal), "%04o", (unsigned int)mode & 0777);
	add_text(to, "mode", octal);
	add_number(to, "uid", uid);
	add_number(to, "gid", gid);
}

void print_json(struct json_object *value)
{
	const char *text;

	text = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
						     JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text)
		fail_errno("memory");
	puts(text);
	json_object_put(value);
}
