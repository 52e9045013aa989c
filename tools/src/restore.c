// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <mbox/mbox.h>

#include "command.h"
#include "fail.h"
#include "format.h"
#include "handle.h"
#include "savefile.h"

/* What makes a mailbox another kind of thing cannot be in a file. */
#define RESTORED_FLAGS	(MBOX_HANGUP | MBOX_HANDLES)

/**
 * struct restored - a mailbox to be
 * @header: of the file, in the machine's byte order
 * @name: of the file, with a slash
 */
struct restored {
	struct save_header header;
	char name[1 + MBOX_NAME_MAX + 1];
};

static void decode(struct save_header *header)
{
	header->version = le32toh(header->version);
	header->flags = le32toh(header->flags);
	header->capacity = le64toh(header->capacity);
	header->msgsize = le64toh(header->msgsize);
	header->bytes = le64toh(header->bytes);
	header->count = le64toh(header->count);
	header->total = le64toh(header->total);
	header->mode = le32toh(header->mode);
	header->name_length = le32toh(header->name_length);
}

static bool sound(const struct save_header *header)
{
	return !(header->flags & ~RESTORED_FLAGS) && !(header->mode & ~0777) &&
	       header->msgsize <= MBOX_MSGSIZE_MAX &&
	       (!header->bytes || header->bytes >= header->msgsize) &&
	       header->name_length && header->name_length <= MBOX_NAME_MAX;
}

static void load_header(struct savefile *load, struct restored *restored)
{
	struct save_header *header = &restored->header;

	load_bytes(load, header, sizeof(*header));
	if (memcmp(header->magic, SAVE_MAGIC, sizeof(header->magic)))
		fail_damaged(load, "it begins otherwise");
	decode(header);
	if (header->version != SAVE_VERSION)
		fail(EXIT_OTHER, "%s: it has version %u of the format, and this command knows version %u: use the mbox that saved it",
		     load->path, header->version, SAVE_VERSION);
	if (!sound(header))
		fail_damaged(load, "no mailbox has such attributes");
	restored->name[0] = '/';
	load_bytes(load, restored->name + 1, header->name_length);
	restored->name[1 + header->name_length] = 0;
	if (strlen(restored->name) != 1 + header->name_length)
		fail_damaged(load, "no mailbox has such a name");
}

/*
 * Without a name until it is complete, and at first without bounds. It can hold
 * more than its limit of bytes, as what receivers give back goes in always.
 */
static struct mbox *create_hidden(const struct restored *restored,
				  const char *name)
{
	const struct save_header *header = &restored->header;
	struct mbox_attr attr = {
		.capacity = MBOX_UNBOUNDED,
		.msgsize = header->msgsize,
		.bytes = header->bytes,
		.flags = header->flags,
	};
	struct mbox *mailbox;
	int error;

	if (attr.bytes && attr.bytes < header->total)
		attr.bytes = header->total;
	/* One who never sends is not to be taken for a sender who went. */
	error = mbox_create(&mailbox, NULL, header->count ? O_WRONLY : O_NEITHER,
			    header->mode, &attr);
	if (error)
		fail_create(name, "user_mailboxes", error);
	return mailbox;
}

static void load_message(struct savefile *load,
			 const struct restored *restored,
			 struct mbox_message *message)
{
	struct save_message header;

	load_bytes(load, &header, sizeof(header));
	message->tag = le64toh(header.tag);
	message->prio = le32toh(header.prio);
	message->length = le32toh(header.length);
	if (message->prio > MBOX_PRIO_MAX ||
	    message->length > restored->header.msgsize)
		fail_damaged(load, "no mailbox has such a message");
	load_bytes(load, message->data, message->length);
}

static void load_messages(struct savefile *load,
			  const struct restored *restored, const char *name,
			  struct mbox *mailbox)
{
	struct mbox_message message = { 0 };
	uint64_t total = 0, i;
	int error;

	message.data = malloc(restored->header.msgsize + 1);
	if (!message.data)
		fail_errno("memory");
	for (i = 0; i < restored->header.count; i++) {
		load_message(load, restored, &message);
		total += message.length;
		if (total > restored->header.total)
			fail_damaged(load, "its messages are too large");
		error = mbox_send_msg(mailbox, &message, MBOX_NONBLOCK, 0);
		if (error)
			fail_on(name, "restore it", error);
	}
	free(message.data);
	if (total != restored->header.total)
		fail_damaged(load, "its messages are too small");
	load_end(load);
}

static void publish(struct mbox *mailbox, const struct restored *restored,
		    const char *name)
{
	int error = mbox_resize(mailbox, restored->header.capacity);

	if (!error)
		error = mbox_link(mailbox, name);
	if (error)
		fail_on(name, "restore it", error);
}

static int run(struct arguments *args)
{
	struct savefile load = { .file = stdin, .path = "standard input" };
	struct restored restored;
	struct mbox *mailbox;
	const char *name;

	no_options(args);
	if (strcmp(args->argv[0], "-")) {
		load.path = args->argv[0];
		load.file = fopen(load.path, "re");
		if (!load.file)
			fail_errno(load.path);
	}
	name = args->argv[1] ? parse_name(args->argv[1]) : NULL;
	load_header(&load, &restored);
	if (!name)
		name = parse_name(restored.name);
	umask(0);
	mailbox = create_hidden(&restored, name);
	load_messages(&load, &restored, name, mailbox);
	publish(mailbox, &restored, name);
	mbox_close(mailbox);
	return EXIT_OK;
}

const struct command restore_command = {
	.name = "restore",
	.operands = "FILE [NAME]",
	.summary = "make a mailbox again that was saved",
	.text =
	"Make the mailbox that 'mbox save' has put into FILE, or that comes on the\n"
	"standard input if FILE is '-', under its old name or under NAME, which must not be\n"
	"in use. Order, priorities and tags of the messages are the old ones; owner, and\n"
	"sender of each message, is who restores. A file that is not whole is refused, and\n"
	"nobody sees the mailbox before it is complete.\n",
	.example =
	"  mbox restore jobs.mbox\n"
	"  mbox restore jobs.mbox /yesterday\n",
	.least = 1,
	.most = 2,
	.run = run,
};
