// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Making and changing segments.
 */
#include <errno.h>
#include <getopt.h>
#include <sys/stat.h>

#include <mbox/mbox.h>

#include "command.h"
#include "fail.h"
#include "format.h"
#include "handle.h"
#include "seals.h"

static const struct option_text create_options[] = {
	{ 'm', "mode", "MODE", "permission bits in octal (666 less the umask)" },
	{ 'x', "exclusive", NULL, "fail if the name is in use" },
	{ 'H', "huge", NULL, "ask for huge pages" },
	{ 0 }
};

/* One that was there already keeps its length: say so if it is another. */
static void compare(const char *name, const struct mbox_segment *segment,
		    uint64_t length)
{
	struct mbox_segment_status status;

	if (!mbox_segment_status(segment, &status) && status.length != length)
		complain("%s: it was there already, with %llu bytes: see 'mbox seg resize'",
			 shown(name), (unsigned long long)status.length);
}

static int run_create(struct arguments *args)
{
	struct mbox_segment *segment;
	unsigned int flags = 0;
	int oflag = O_NEITHER;
	mode_t mode = 0666;
	const char *name;
	uint64_t length;
	int letter;
	int error;

	while ((letter = next_option(args)) != -1) {
		if (letter == 'm') {
			mode = parse_mode(optarg);
			umask(0);
		} else if (letter == 'x') {
			oflag |= O_EXCL;
		} else if (letter == 'H') {
			flags |= MBOX_HUGEPAGE;
		}
	}
	name = parse_name(args->argv[0]);
	length = parse_size(args->argv[1], "length", INT64_MAX);
	error = mbox_segment_create(&segment, name, oflag, mode, length, flags);
	if (error)
		fail_create(name, "user_segments", error);
	compare(name, segment, length);
	mbox_segment_close(segment);
	return EXIT_OK;
}

static struct mbox_segment *open_writable(const char *name, const char *action)
{
	struct mbox_segment *segment;
	int error = mbox_segment_open(&segment, name, O_RDWR);

	if (error)
		fail_on(name, action, error);
	return segment;
}

static noreturn void fail_sealed(const char *name, const char *what)
{
	fail(EXIT_PERMISSION, "%s: a seal forbids that for ever: 'mbox seg stat' shows %s; make another segment",
	     shown(name), what);
}

static int run_resize(struct arguments *args)
{
	struct mbox_segment *segment;
	const char *name;
	uint64_t length;
	int error;

	no_options(args);
	name = parse_name(args->argv[0]);
	length = parse_size(args->argv[1], "length", INT64_MAX);
	segment = open_writable(name, "resize it");
	error = mbox_segment_resize(segment, length);
	if (error == -EPERM)
		fail_sealed(name, "'shrink' or 'grow'");
	if (error)
		fail_on(name, "resize it", error);
	mbox_segment_close(segment);
	return EXIT_OK;
}

static int run_seal(struct arguments *args)
{
	struct mbox_segment *segment;
	unsigned int seals = 0;
	const char *name;
	int error;
	int i;

	no_options(args);
	name = parse_name(args->argv[0]);
	for (i = 1; i < args->argc; i++)
		seals |= parse_seal(args->argv[i]);
	segment = open_writable(name, "seal it");
	error = mbox_segment_seal(segment, seals);
	if (error == -EPERM)
		fail_sealed(name, "'seal'");
	if (error == -EBUSY)
		fail(EXIT_OTHER, "%s: a process has it mapped for writing: it must unmap it before it can be sealed against writing",
		     shown(name));
	if (error)
		fail_on(name, "seal it", error);
	mbox_segment_close(segment);
	return EXIT_OK;
}

const struct command seg_create_command = {
	.name = "seg create",
	.operands = "NAME LENGTH",
	.summary = "make a segment of shared memory",
	.text =
	"Make a segment of LENGTH bytes of zeroed memory, which stays until 'mbox rm'.\n"
	"Processes map it by mmap(2). One that is there already is left as it is.\n",
	.example = "  mbox seg create --mode=640 /table 64K\n",
	.options = create_options,
	.least = 2,
	.most = 2,
	.run = run_create,
};

const struct command seg_resize_command = {
	.name = "seg resize",
	.operands = "NAME LENGTH",
	.summary = "change the length of a segment",
	.text = "Change the length. What is cut off is gone, what is added is zero.\n",
	.example = "  mbox seg resize /table 1M\n",
	.least = 2,
	.most = 2,
	.run = run_resize,
};

const struct command seg_seal_command = {
	.name = "seg seal",
	.operands = "NAME SEAL...",
	.summary = "forbid for ever to shrink, grow or write a segment",
	.text =
	"Forbid something for the rest of the segment's life: 'shrink', 'grow', 'write'\n"
	"(nobody maps it for writing any more), 'seal' (no more seals).\n",
	.example = "  mbox seg seal /table shrink grow write\n",
	.least = 2,
	.most = -1,
	.run = run_seal,
};
