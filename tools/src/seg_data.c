// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * The bytes of a segment.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <mbox/mbox.h>

#include "command.h"
#include "fail.h"
#include "format.h"
#include "json.h"

static const struct option_text read_options[] = {
	{ 'o', "offset", "BYTES", "begin there (0)" },
	{ 'l', "length", "BYTES", "that many (up to the end)" },
	JSON_OPTION,
	{ 0 }
};

static const struct option_text write_options[] = {
	{ 'o', "offset", "BYTES", "begin there (0)" },
	{ 0 }
};

/**
 * struct part - a part of a mapped segment
 * @name: of the segment
 * @offset: where it begins
 * @length: of it
 * @json: print it as JSON
 * @segment: open
 * @address: of the mapping, which an empty segment has none of
 * @size: of the segment
 */
struct part {
	const char *name;
	uint64_t offset;
	uint64_t length;
	bool json;
	struct mbox_segment *segment;
	void *address;
	size_t size;
};

static void read_part(struct arguments *args, struct part *part)
{
	int letter;

	while ((letter = next_option(args)) != -1) {
		if (letter == 'o')
			part->offset = parse_size(optarg, "offset", INT64_MAX);
		else if (letter == 'l')
			part->length = parse_size(optarg, "length", INT64_MAX);
		else
			part->json = true;
	}
	part->name = parse_name(args->argv[0]);
}

static void map_part(struct part *part, int oflag, int prot, const char *action)
{
	static char nothing;
	int error = mbox_segment_open(&part->segment, part->name, oflag);

	if (!error)
		error = mbox_segment_map(part->segment, prot, &part->address,
					 &part->size);
	if (error == -EINVAL) {
		part->address = &nothing;
		error = 0;
	}
	if (error == -EPERM)
		fail(EXIT_PERMISSION, "%s: a seal forbids writing for ever: 'mbox seg stat' shows it; make another segment",
		     shown(part->name));
	if (error)
		fail_on(part->name, action, error);
	if (part->offset > part->size)
		fail(EXIT_TOO_LARGE, "%s: offset %" PRIu64 " is too large: it has %zu bytes",
		     shown(part->name), part->offset, part->size);
}

static void unmap_part(struct part *part)
{
	mbox_segment_unmap(part->address, part->size);
	mbox_segment_close(part->segment);
}

static void print_part_json(const struct part *part, const char *data)
{
	struct json_object *to = new_json();

	add_name(to, part->name);
	add_number(to, "offset", part->offset);
	add_number(to, "length", part->length);
	add_bytes(to, "data", data, part->length);
	print_json(to);
}

static int run_read(struct arguments *args)
{
	struct part part = { .length = UINT64_MAX };
	const char *data;

	read_part(args, &part);
	map_part(&part, O_RDONLY, PROT_READ, "read it");
	if (part.length > part.size - part.offset)
		part.length = part.size - part.offset;
	data = (const char *)part.address + part.offset;
	if (part.json)
		print_part_json(&part, data);
	else
		fwrite(data, 1, part.length, stdout);
	unmap_part(&part);
	return EXIT_OK;
}

/* All of standard input is read before anything is written. */
static int run_write(struct arguments *args)
{
	struct part part = { 0 };
	size_t room;
	char *data;

	read_part(args, &part);
	map_part(&part, O_RDWR, PROT_READ | PROT_WRITE, "write it");
	room = part.size - part.offset;
	data = malloc(room + 1);
	if (!data)
		fail_errno("memory");
	part.length = fread(data, 1, room + 1, stdin);
	if (ferror(stdin))
		fail_errno("standard input");
	if (part.length > room)
		fail(EXIT_TOO_LARGE, "%s: standard input is too large: there is room for %zu bytes: 'mbox seg resize' makes more",
		     shown(part.name), room);
	memcpy((char *)part.address + part.offset, data, part.length);
	free(data);
	unmap_part(&part);
	return EXIT_OK;
}

const struct command seg_read_command = {
	.name = "seg read",
	.operands = "NAME",
	.summary = "copy a segment to standard output",
	.text = "Copy the bytes of a segment, or of a part of it, to standard output.\n",
	.example = "  mbox seg read --offset=4K --length=256 /table | hexdump -C\n",
	.options = read_options,
	.least = 1,
	.most = 1,
	.run = run_read,
};

const struct command seg_write_command = {
	.name = "seg write",
	.operands = "NAME",
	.summary = "copy standard input into a segment",
	.text =
	"Copy standard input into a segment. If there is more than fits, nothing is\n"
	"written.\n",
	.example = "  echo hello | mbox seg write --offset=4K /table\n",
	.options = write_options,
	.least = 1,
	.most = 1,
	.run = run_write,
};
