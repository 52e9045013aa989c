// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "fail.h"
#include "objects.h"

static const char header[] =
	"kind id mode uid gid capacity msgsize queued bytes senders receivers "
	"wait_send wait_recv send_wait_ms recv_wait_ms send_wait_pid "
	"recv_wait_pid sent name";

/* What says nothing about a segment. */
static bool skip_words(char **line, int count)
{
	for (; count; count--) {
		char *word = next_word(line);

		if (!word || strcmp(word, "-"))
			return false;
	}
	return true;
}

static bool next_capacity(char **line, uint64_t *to)
{
	char *word = next_word(line);

	*to = MBOX_UNBOUNDED;
	return word && (!strcmp(word, "unbounded") ||
			parse_digits(word, 10, MBOX_UNBOUNDED - 1, to));
}

const char *kind_word(enum mbox_kind kind)
{
	static const char *const words[] = {
		[MBOX_MAILBOX] = "mailbox",
		[MBOX_SEGMENT] = "segment",
		[MBOX_STREAM] = "stream",
	};

	return words[kind];
}

static bool next_kind(char **line, struct object *object)
{
	char *word = next_word(line);

	if (!word)
		return false;
	object->broadcast = !strcmp(word, "broadcast");
	object->kind = MBOX_MAILBOX;
	if (object->broadcast)
		return true;
	while (strcmp(word, kind_word(object->kind)))
		if (object->kind++ == MBOX_STREAM)
			return false;
	return true;
}

static bool next_mode(char **line, mode_t *mode)
{
	uint64_t number = 0;
	bool ok = next_number(line, 8, 07777, &number);

	*mode = number;
	return ok;
}

static bool next_peers(char **line, struct object *object)
{
	return next_u32(line, &object->senders) &&
	       next_u32(line, &object->receivers) &&
	       next_u32(line, &object->waiting_senders) &&
	       next_u32(line, &object->waiting_receivers) &&
	       next_number(line, 10, UINT64_MAX, &object->send_wait_ms) &&
	       next_number(line, 10, UINT64_MAX, &object->recv_wait_ms) &&
	       next_pid(line, &object->send_wait_pid) &&
	       next_pid(line, &object->recv_wait_pid) &&
	       next_number(line, 10, UINT64_MAX, &object->sent);
}

static bool parse_object(char *line, struct object *object)
{
	bool ok = next_kind(&line, object);
	bool segment = object->kind == MBOX_SEGMENT;

	return ok && next_number(&line, 10, UINT64_MAX, &object->id) &&
	       next_mode(&line, &object->mode) &&
	       next_u32(&line, &object->uid) &&
	       next_u32(&line, &object->gid) &&
	       (segment ? skip_words(&line, 1) :
			  next_capacity(&line, &object->capacity)) &&
	       next_number(&line, 10, UINT64_MAX, &object->msgsize) &&
	       next_number(&line, 10, UINT64_MAX, &object->queued) &&
	       next_number(&line, 10, UINT64_MAX, &object->bytes) &&
	       (segment ? skip_words(&line, 9) : next_peers(&line, object)) &&
	       next_name(&line, &object->name) && !next_word(&line);
}

static struct object *add_object(struct objects *objects)
{
	struct object *list = objects->list;

	/* Room doubles whenever the count is a power of two. */
	if (!(objects->count & (objects->count - 1))) {
		size_t room = objects->count ? 2 * objects->count : 1;

		list = reallocarray(list, room, sizeof(*list));
		if (!list)
			fail_errno("memory");
		objects->list = list;
	}
	memset(&list[objects->count], 0, sizeof(*list));
	return &list[objects->count++];
}

static int by_name(const void *one, const void *other)
{
	const struct object *a = one;
	const struct object *b = other;

	if (a->name && b->name)
		return strcmp(a->name, b->name);
	if (a->name || b->name)
		return a->name ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

size_t parse_objects(FILE *file, struct objects *objects)
{
	char *line = NULL;
	size_t size = 0;
	size_t number = 0;
	bool ok = true;

	*objects = (struct objects){ 0 };
	while (ok && getline(&line, &size, file) != -1) {
		number++;
		if (number == 1)
			ok = is_heading(line, header);
		else
			ok = parse_object(line, add_object(objects));
	}
	free(line);
	if (!ok || !number)
		return number ? number : 1;
	if (objects->count)
		qsort(objects->list, objects->count, sizeof(*objects->list),
		      by_name);
	return 0;
}

void read_objects(struct objects *objects)
{
	FILE *file = fopen(OBJECTS_FILE, "re");
	size_t wrong;

	if (!file && errno == ENOENT)
		fail_on("", "list", -ENODEV);
	if (!file)
		fail_errno(OBJECTS_FILE);
	wrong = parse_objects(file, objects);
	fclose(file);
	if (wrong)
		fail(EXIT_OTHER, "line %zu of " OBJECTS_FILE " cannot be read: are module and command of one version?",
		     wrong);
}

void keep_kind(struct objects *objects, enum mbox_kind kind)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < objects->count; i++) {
		if (objects->list[i].kind == kind)
			objects->list[kept++] = objects->list[i];
		else
			free(objects->list[i].name);
	}
	objects->count = kept;
}

void free_objects(struct objects *objects)
{
	size_t i;

	for (i = 0; i < objects->count; i++)
		free(objects->list[i].name);
	free(objects->list);
}

struct object *find_object(const char *name)
{
	struct object *found = NULL;
	struct objects objects;
	FILE *file = fopen(OBJECTS_FILE, "re");
	size_t i;

	if (!file)
		return NULL;
	name += *name == '/';
	if (parse_objects(file, &objects))
		objects.count = 0;
	fclose(file);
	for (i = 0; i < objects.count && !found; i++) {
		struct object *object = &objects.list[i];

		if (object->name && !strcmp(object->name + 1, name)) {
			found = malloc(sizeof(*found));
			if (!found)
				fail_errno("memory");
			*found = *object;
			object->name = NULL;
		}
	}
	free_objects(&objects);
	return found;
}

void free_object(struct object *object)
{
	if (object)
		free(object->name);
	free(object);
}
