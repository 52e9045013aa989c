// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <endian.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "command.h"
#include "fail.h"
#include "format.h"
#include "handle.h"
#include "savefile.h"

/* What is written before it has its name; removed when the command fails. */
static char *unfinished;

static void remove_unfinished(void)
{
	if (unfinished)
		unlink(unfinished);
}

static FILE *open_unfinished(const char *path)
{
	FILE *file;
	int fd;

	if (asprintf(&unfinished, "%s.XXXXXX", path) < 0)
		fail_errno("memory");
	fd = mkostemp(unfinished, O_CLOEXEC);
	if (fd < 0) {
		unfinished = NULL;
		fail_errno(path);
	}
	atexit(remove_unfinished);
	file = fdopen(fd, "w");
	if (!file)
		fail_errno(path);
	return file;
}

/* Whatever happens, the file is the old one or the new one, whole. */
static void name_finished(const char *path, FILE *file)
{
	char *copy = strdup(path);
	int dir;

	if (!copy)
		fail_errno("memory");
	if (fsync(fileno(file)) || rename(unfinished, path))
		fail_errno(path);
	unfinished = NULL;
	dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir))
		fail_errno(path);
	close(dir);
	free(copy);
}

/**
 * struct source - a mailbox and what it held
 * @name: without its slash
 * @status: of the mailbox
 * @held: of the snapshot
 */
struct source {
	const char *name;
	struct mbox *snapshot;
	struct mbox_status status;
	struct mbox_status held;
};

static void open_source(struct source *source, const char *name)
{
	struct mbox *mailbox;
	int error = mbox_open(&mailbox, name, O_NEITHER);

	if (error)
		fail_on(name, "save it", error);
	error = mbox_status(mailbox, &source->status);
	if (!error)
		error = mbox_snapshot(&source->snapshot, mailbox, O_RDONLY);
	if (!error)
		error = mbox_status(source->snapshot, &source->held);
	if (error)
		fail_on(name, "save it", error);
	mbox_close(mailbox);
	source->name = *name == '/' ? name + 1 : name;
}

static void save_header(struct savefile *save, const struct source *source)
{
	const struct save_header header = {
		.magic = SAVE_MAGIC,
		.version = htole32(SAVE_VERSION),
		.flags = htole32(source->status.flags),
		.capacity = htole64(source->status.capacity),
		.msgsize = htole64(source->status.msgsize),
		.bytes = htole64(source->status.bytes),
		.count = htole64(source->held.queued),
		.total = htole64(source->held.queued_bytes),
		.mode = htole32(source->status.mode),
		.name_length = htole32(strlen(source->name)),
	};

	save_bytes(save, &header, sizeof(header));
	save_bytes(save, source->name, strlen(source->name));
}

static void save_message(struct savefile *save,
			 const struct mbox_message *message)
{
	const struct save_message header = {
		.tag = htole64(message->tag),
		.prio = htole32(message->prio),
		.length = htole32(message->length),
	};

	save_bytes(save, &header, sizeof(header));
	save_bytes(save, message->data, message->length);
}

static void save_messages(struct savefile *save, const char *name,
			  const struct source *source)
{
	struct mbox_message message = { .size = source->status.msgsize };
	uint64_t i;
	int error;

	message.data = malloc(message.size + 1);
	if (!message.data)
		fail_errno("memory");
	for (i = 0; i < source->held.queued; i++) {
		error = mbox_recv(source->snapshot, &message);
		if (error)
			fail_on(name, "save it", error);
		save_message(save, &message);
	}
	free(message.data);
}

static int run(struct arguments *args)
{
	struct savefile save = { .file = stdout, .path = "standard output" };
	const char *name, *path;
	struct source source;

	no_options(args);
	name = parse_name(args->argv[0]);
	path = args->argv[1];
	if (!path && isatty(STDOUT_FILENO))
		fail_usage("a saved mailbox is nothing to look at: name a FILE");
	open_source(&source, name);
	if (path) {
		save.path = path;
		save.file = open_unfinished(path);
	}
	save_header(&save, &source);
	save_messages(&save, name, &source);
	save_end(&save);
	if (path)
		name_finished(path, save.file);
	mbox_close(source.snapshot);
	return EXIT_OK;
}

const struct command save_command = {
	.name = "save",
	.operands = "NAME [FILE]",
	.summary = "put a mailbox with its messages into a file",
	.text =
	"Put the attributes of a mailbox and the messages that it holds at one moment,\n"
	"with their order, priorities and tags, into FILE or to the standard output. The\n"
	"messages stay, and senders and receivers go on meanwhile. What a receiver has\n"
	"just taken, or a sender waits to send, is not in it, and no descriptors are. FILE\n"
	"is replaced when all is written, and readable for its owner alone.\n",
	.example =
	"  mbox save /jobs jobs.mbox\n"
	"  mbox save /jobs | ssh host mbox restore -\n",
	.least = 1,
	.most = 2,
	.run = run,
};
