// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <stddef.h>
#include <string.h>

#include <linux/mbox.h>

#include "fail.h"
#include "seals.h"

static const struct {
	unsigned int seal;
	const char *name;
} names[] = {
	{ MBOX_SEAL_SHRINK, "shrink" },
	{ MBOX_SEAL_GROW, "grow" },
	{ MBOX_SEAL_WRITE, "write" },
	{ MBOX_SEAL_SEAL, "seal" },
};

#define SEALS (sizeof(names) / sizeof(names[0]))

void seals_text(char text[SEALS_TEXT], unsigned int seals)
{
	size_t i;

	*text = '\0';
	for (i = 0; i < SEALS; i++) {
		if (!(seals & names[i].seal))
			continue;
		if (*text)
			strcat(text, " ");
		strcat(text, names[i].name);
	}
}

struct json_object *seals_json(unsigned int seals)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	if (!array)
		fail_errno("memory");
	for (i = 0; i < SEALS; i++)
		if (seals & names[i].seal)
			json_object_array_add(array,
					      json_object_new_string(names[i].name));
	return array;
}

unsigned int parse_seal(const char *text)
{
	size_t i;

	for (i = 0; i < SEALS; i++)
		if (!strcmp(text, names[i].name))
			return names[i].seal;
	fail_usage("'%s' is no seal: there are shrink, grow, write and seal", text);
}
