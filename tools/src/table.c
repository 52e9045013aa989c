// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "fail.h"
#include "format.h"
#include "json.h"
#include "table.h"

/* A name whose every byte is escaped is the longest cell. */
#define CELL (4 * MBOX_NAME_MAX + 2)

static void kind_cell(char *cell, const struct object *object)
{
	strcpy(cell, object->broadcast ? "broadcast" : kind_word(object->kind));
}

static void owner_cell(char *cell, const struct object *object)
{
	owner_text(cell, object->uid, object->gid);
}

static void mode_cell(char *cell, const struct object *object)
{
	permissions_text(cell, object->mode);
}

static void full_cell(char *cell, const struct object *object)
{
	bool segment = object->kind == MBOX_SEGMENT;
	uint64_t room = segment ? object->msgsize : object->capacity;
	uint64_t used = segment ? object->bytes : object->queued;
	char bar[BAR_TEXT];
	char size[SIZE_TEXT];
	char of[SIZE_TEXT];

	if (!room) {
		strcpy(cell, segment ? "empty" : "rendezvous");
		return;
	}
	if (room == MBOX_UNBOUNDED) {
		snprintf(cell, CELL, "unbounded  %" PRIu64, used);
		return;
	}
	bar_text(bar, used, room);
	size_text(size, used);
	size_text(of, room);
	if (object->kind == MBOX_MAILBOX)
		snprintf(cell, CELL, "%s %" PRIu64 "/%" PRIu64, bar, used, room);
	else
		snprintf(cell, CELL, "%s %s/%s", bar, size, of);
}

static void bytes_cell(char *cell, const struct object *object)
{
	size_text(cell, object->bytes);
}

static void largest_cell(char *cell, const struct object *object)
{
	if (object->kind == MBOX_STREAM)
		strcpy(cell, "-");
	else
		size_text(cell, object->msgsize);
}

/* "3", or "3, 2 wait 4.1s (pid 77)": the one that has waited longest. */
static void side_cell(char *cell, uint32_t open, uint32_t waiting, uint64_t ms,
		      pid_t pid)
{
	char time[TIME_TEXT];
	int used = snprintf(cell, CELL, "%" PRIu32, open);

	if (!waiting)
		return;
	time_text(time, ms);
	used += snprintf(cell + used, CELL - used, ", %" PRIu32 " wait%s %s",
			 waiting, waiting == 1 ? "s" : "", time);
	if (pid)
		snprintf(cell + used, CELL - used, " (pid %d)", (int)pid);
}

static void senders_cell(char *cell, const struct object *object)
{
	if (object->kind == MBOX_SEGMENT)
		snprintf(cell, CELL, "%" PRIu64 " mapped", object->queued);
	else
		side_cell(cell, object->senders, object->waiting_senders,
			  object->send_wait_ms, object->send_wait_pid);
}

static void receivers_cell(char *cell, const struct object *object)
{
	if (object->kind == MBOX_SEGMENT)
		strcpy(cell, "-");
	else
		side_cell(cell, object->receivers, object->waiting_receivers,
			  object->recv_wait_ms, object->recv_wait_pid);
}

static void name_cell(char *cell, const struct object *object)
{
	snprintf(cell, CELL, "%s", object->name ? shown(object->name) : "-");
}

/* What a narrow terminal cuts off is what one asks for last. */
static const struct column {
	const char *title;
	bool right;
	void (*cell)(char *cell, const struct object *object);
} columns[] = {
	{ "NAME", false, name_cell },
	{ "FULL", false, full_cell },
	{ "BYTES", true, bytes_cell },
	{ "SENDERS", false, senders_cell },
	{ "RECEIVERS", false, receivers_cell },
	{ "KIND", false, kind_cell },
	{ "LARGEST", true, largest_cell },
	{ "MODE", false, mode_cell },
	{ "OWNER", false, owner_cell },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* The next character: its columns on a terminal; @length gets its bytes. */
static int character_width(const char *text, size_t *length)
{
	wchar_t character;
	int width;

	*length = mbrtowc(&character, text, strlen(text), &(mbstate_t){ 0 });
	if (*length == (size_t)-1 || *length == (size_t)-2) {
		*length = 1;
		return 1;
	}
	width = wcwidth(character);
	return width < 0 ? 1 : width;
}

static int text_width(const char *text)
{
	size_t length;
	int width = 0;

	for (; *text; text += length)
		width += character_width(text, &length);
	return width;
}

/* Cut a text that is wider than @most, and show that it is. */
static void cut(char *text, int most)
{
	size_t length;
	int width = 0;

	if (text_width(text) <= most)
		return;
	for (; width + character_width(text, &length) < most; text += length)
		width += character_width(text, &length);
	strcpy(text, "~");
}

static void fill_cell(char *cell, size_t column, const struct object *object,
		      int name_most)
{
	columns[column].cell(cell, object);
	if (!column && name_most)
		cut(cell, name_most);
}

static void measure(const struct objects *objects, int name_most,
		    int widths[COLUMNS])
{
	char cell[CELL];
	size_t column;
	size_t i;

	for (column = 0; column < COLUMNS; column++) {
		widths[column] = strlen(columns[column].title);
		for (i = 0; i < objects->count; i++) {
			fill_cell(cell, column, &objects->list[i], name_most);
			if (text_width(cell) > widths[column])
				widths[column] = text_width(cell);
		}
	}
}

static void print_cell(FILE *out, size_t column, int width, const char *cell)
{
	int blanks = width - text_width(cell);

	if (columns[column].right)
		fprintf(out, "%*s%s  ", blanks, "", cell);
	else if (column == COLUMNS - 1)
		fprintf(out, "%s\n", cell);
	else
		fprintf(out, "%s%*s  ", cell, blanks, "");
}

void print_table(FILE *out, const struct objects *objects, int name_most)
{
	int widths[COLUMNS];
	char cell[CELL];
	size_t column;
	size_t i;

	measure(objects, name_most, widths);
	for (column = 0; column < COLUMNS; column++)
		print_cell(out, column, widths[column], columns[column].title);
	for (i = 0; i < objects->count; i++) {
		for (column = 0; column < COLUMNS; column++) {
			fill_cell(cell, column, &objects->list[i], name_most);
			print_cell(out, column, widths[column], cell);
		}
	}
}

static void add_mailbox(struct json_object *to, const struct object *object)
{
	add_limit(to, "capacity", object->capacity, MBOX_UNBOUNDED);
	add_number(to, "msgsize", object->msgsize);
	add_number(to, "queued", object->queued);
	add_number(to, "queued_bytes", object->bytes);
	add_number(to, "senders", object->senders);
	add_number(to, "receivers", object->receivers);
	add_number(to, "waiting_senders", object->waiting_senders);
	add_number(to, "waiting_receivers", object->waiting_receivers);
	add_number(to, "send_wait_ms", object->send_wait_ms);
	add_number(to, "recv_wait_ms", object->recv_wait_ms);
	add_number(to, "send_wait_pid", object->send_wait_pid);
	add_number(to, "recv_wait_pid", object->recv_wait_pid);
	add_number(to, "sent", object->sent);
	add_flag(to, "broadcast", object->broadcast);
}

static void add_segment(struct json_object *to, const struct object *object)
{
	add_number(to, "length", object->msgsize);
	add_number(to, "resident", object->bytes);
	add_number(to, "attached", object->queued);
}

static struct json_object *object_json(const struct object *object)
{
	struct json_object *to = new_json();
	bool segment = object->kind == MBOX_SEGMENT;

	add_name(to, object->name);
	add_text(to, "kind", kind_word(object->kind));
	add_number(to, "id", object->id);
	add_owner(to, object->mode, object->uid, object->gid);
	if (segment)
		add_segment(to, object);
	else
		add_mailbox(to, object);
	return to;
}

struct json_object *table_json(const struct objects *objects)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	if (!array)
		fail_errno("memory");
	for (i = 0; i < objects->count; i++)
		json_object_array_add(array, object_json(&objects->list[i]));
	return array;
}
