// SPDX-License-Identifier: MIT OR LGPL-2.1
#include "command.h"
#include "fail.h"
#include "json.h"
#include "table.h"
#include "waits.h"

static const struct option_text options[] = { JSON_OPTION, { 0 } };

static const struct option_text ls_options[] = {
	{ 'w', "waits", NULL, "list the processes that wait instead, and for whom" },
	JSON_OPTION, { 0 }
};

static void print_objects(const struct objects *objects, bool json)
{
	if (json)
		print_json(table_json(objects));
	else
		print_table(stdout, objects, 0);
}

static int run_ls(struct arguments *args)
{
	struct objects objects;
	bool waits = false;
	bool json = false;
	int letter;

	while ((letter = next_option(args)) != -1) {
		waits |= letter == 'w';
		json |= letter == 'j';
	}
	if (waits) {
		print_waits(json);
		return EXIT_OK;
	}
	read_objects(&objects);
	print_objects(&objects, json);
	free_objects(&objects);
	return EXIT_OK;
}

static int run_seg_ls(struct arguments *args)
{
	struct objects objects;
	bool json = only_json(args);

	read_objects(&objects);
	keep_kind(&objects, MBOX_SEGMENT);
	print_objects(&objects, json);
	free_objects(&objects);
	return EXIT_OK;
}

const struct command ls_command = {
	.name = "ls",
	.operands = "",
	.summary = "list what exists: how full, who waits, for how long",
	.text =
	"List the mailboxes, streams and segments that you may see, sorted by name.\n"
	"\n"
	"FULL       messages in a mailbox, of how many; bytes in a stream; memory behind a\n"
	"           segment, of its length; BYTES: the bytes in it\n"
	"SENDERS    descriptors that can send; how many wait, the longest for how long,\n"
	"           and its process; for a segment its mappings\n"
	"RECEIVERS  the same of those that can receive\n"
	"LARGEST    the largest message; a segment's length\n"
	"MODE       who may receive or read (r), send or write (w)\n"
	"\n"
	"With --waits a line for each process that waits in a send, a receive or a call:\n"
	"FOR        the process that it waits for, '-' where that may be any\n",
	.example =
	"  mbox ls\n"
	"  mbox ls --waits\n"
	"  mbox ls --json | jq -r '.[] | select(.waiting_senders > 0) | .name'\n",
	.options = ls_options,
	.run = run_ls,
};

const struct command seg_ls_command = {
	.name = "seg ls",
	.operands = "",
	.summary = "list the segments",
	.text = "List the segments that you may see, as 'mbox ls' does.\n",
	.example = "  mbox seg ls\n",
	.options = options,
	.run = run_seg_ls,
};
