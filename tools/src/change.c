// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * What changes an object that exists: resize, dead-letter, chmod, chown, rm.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "command.h"
#include "fail.h"
#include "format.h"
#include "handle.h"

static int resize_bytes(const char *text, struct mbox *mailbox,
			const struct mbox_status *status)
{
	uint64_t bytes = strcmp(text, "unbounded") ?
		parse_size(text, "limit of bytes", INT64_MAX) : 0;

	if (status->flags & MBOX_BYTE_STREAM)
		fail_usage("the capacity of a FIFO is in bytes as it is: leave out '%s'", text);
	if (bytes && bytes < status->msgsize)
		fail_usage("a mailbox of %llu bytes cannot hold a message of %llu",
			   (unsigned long long)bytes,
			   (unsigned long long)status->msgsize);
	return mbox_resize_bytes(mailbox, bytes);
}

static int run_resize(struct arguments *args)
{
	struct mbox_status status;
	struct mbox *mailbox;
	const char *name;
	uint64_t capacity;
	int error;

	no_options(args);
	name = parse_name(args->argv[0]);
	capacity = parse_capacity(args->argv[1]);
	error = open_queue(name, &mailbox);
	if (!error)
		error = mbox_status(mailbox, &status);
	if (error)
		fail_on(name, "resize it", error);
	if (status.flags & MBOX_BYTE_STREAM)
		capacity = parse_stream_capacity(args->argv[1]);
	error = mbox_resize(mailbox, capacity);
	if (!error && args->argv[2])
		error = resize_bytes(args->argv[2], mailbox, &status);
	if (error)
		fail_on(name, "resize it", error);
	mbox_close(mailbox);
	return EXIT_OK;
}

static struct mbox *open_for(const char *name, int oflag, const char *action)
{
	struct mbox *mailbox;
	int error = mbox_open(&mailbox, name, oflag);

	if (error)
		fail_on(name, action, error);
	return mailbox;
}

static noreturn void fail_dead_letter(const char *name, const char *other,
				      int error)
{
	const char *from = shown(name);
	const char *to = shown(other);

	switch (-error) {
	case ELOOP:
		fail(EXIT_USAGE, "%s: it cannot take its own dead letters: name another mailbox",
		     from);
	case EMSGSIZE:
		fail(EXIT_TOO_LARGE, "%s: its messages are smaller than those of %s: make it anew with the --msgsize of that",
		     to, from);
	case EOPNOTSUPP:
		fail(EXIT_OTHER, "%s: it is for --broadcast, or without the --handles of %s: make it anew as that is",
		     to, from);
	default:
		fail_on(name, "choose its dead-letter mailbox", error);
	}
}

static uint32_t parse_deliveries(const char *text)
{
	uint32_t deliveries = parse_number(text, "number of deliveries",
					   UINT32_MAX);

	if (!deliveries)
		fail_usage("a message is delivered at least once");
	return deliveries;
}

static void set_dead_letter(const char *name, const char *other,
			    uint32_t deliveries)
{
	struct mbox *mailbox = open_for(name, O_NEITHER,
					"choose its dead-letter mailbox");
	struct mbox *to = other ? open_for(other, O_WRONLY, "send to it") : NULL;
	int error = mbox_dead_letter(mailbox, to, deliveries);

	if (error)
		fail_dead_letter(name, other, error);
	mbox_close(to);
	mbox_close(mailbox);
}

static int run_dead_letter(struct arguments *args)
{
	const char *name, *other = NULL;
	uint32_t deliveries = 0;

	no_options(args);
	name = parse_name(args->argv[0]);
	if (args->argc == 2)
		fail_usage("too little is given: it takes NAME, or NAME OTHER N");
	if (args->argc == 3) {
		other = parse_name(args->argv[1]);
		deliveries = parse_deliveries(args->argv[2]);
	}
	set_dead_letter(name, other, deliveries);
	return EXIT_OK;
}

/* What is to be done to each of several names. */
struct change {
	const char *action;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int (*apply)(const char *name, const struct change *change);
};

static int apply_mode(const char *name, const struct change *change)
{
	struct handle handle;
	int error = open_any(name, &handle);

	if (error)
		return error;
	if (handle.mailbox)
		error = mbox_chmod(handle.mailbox, change->mode);
	else
		error = mbox_segment_chmod(handle.segment, change->mode);
	close_any(&handle);
	return error;
}

static int apply_owner(const char *name, const struct change *change)
{
	struct handle handle;
	int error = open_any(name, &handle);

	if (error)
		return error;
	if (handle.mailbox)
		error = mbox_chown(handle.mailbox, change->uid, change->gid);
	else
		error = mbox_segment_chown(handle.segment, change->uid,
					   change->gid);
	close_any(&handle);
	return error;
}

static int apply_unlink(const char *name, const struct change *change)
{
	(void)change;
	return mbox_unlink(name);
}

static int apply_end(const char *name, const struct change *change)
{
	struct mbox *mailbox;
	int error = mbox_open(&mailbox, name, O_NEITHER);

	(void)change;
	if (error)
		return error;
	error = mbox_end(mailbox);
	mbox_close(mailbox);
	return error;
}

/* One that fails does not keep the others from being changed. */
static int apply_all(char **names, const struct change *change)
{
	int code = EXIT_OK;
	char **name;

	for (name = names; *name; name++)
		parse_name(*name);
	for (name = names; *name; name++) {
		int error = change->apply(*name, change);

		if (error)
			code = explain(*name, change->action, error);
	}
	return code;
}

static int run_chmod(struct arguments *args)
{
	struct change change = {
		.action = "change the mode of it",
		.apply = apply_mode,
	};

	no_options(args);
	change.mode = parse_mode(args->argv[0]);
	return apply_all(args->argv + 1, &change);
}

static uid_t parse_user(const char *text)
{
	struct passwd *user = getpwnam(text);

	if (user)
		return user->pw_uid;
	if (!*text || strspn(text, "0123456789") != strlen(text))
		fail_usage("there is no user '%s'", text);
	return parse_number(text, "user", (uid_t)-2);
}

static gid_t parse_group(const char *text)
{
	struct group *group = getgrnam(text);

	if (group)
		return group->gr_gid;
	if (!*text || strspn(text, "0123456789") != strlen(text))
		fail_usage("there is no group '%s'", text);
	return parse_number(text, "group", (gid_t)-2);
}

static int run_chown(struct arguments *args)
{
	struct change change = {
		.action = "change the owner of it",
		.uid = -1,
		.gid = -1,
		.apply = apply_owner,
	};
	char *user;
	char *group;

	no_options(args);
	group = args->argv[0];
	user = strsep(&group, ":");
	if (*user || !group)
		change.uid = parse_user(user);
	if (group)
		change.gid = parse_group(group);
	return apply_all(args->argv + 1, &change);
}

static const struct option_text rm_options[] = {
	{ 'e', "end", NULL, "end a mailbox for all who have it open, too: they are told" },
	{ 0 }
};

static int run_rm(struct arguments *args)
{
	struct change change = {
		.action = "remove it",
		.apply = apply_unlink,
	};

	while (next_option(args) != -1)
		change.apply = apply_end;
	return apply_all(args->argv, &change);
}

const struct command resize_command = {
	.name = "resize",
	.operands = "NAME CAPACITY [BYTES]",
	.summary = "change how much a mailbox or FIFO holds",
	.text =
	"Change how many messages a mailbox holds: a number, 0 for rendezvous, or\n"
	"'unbounded', and how many bytes of them, a number or 'unbounded'; or how many\n"
	"bytes a FIFO does, 4K to 16M. Nothing is lost when it shrinks: senders wait until\n"
	"it has drained.\n",
	.example =
	"  mbox resize /jobs 100\n"
	"  mbox resize /jobs unbounded 1M\n",
	.least = 2,
	.most = 3,
	.run = run_resize,
};

const struct command dead_letter_command = {
	.name = "dead-letter",
	.operands = "NAME [OTHER N]",
	.summary = "choose where messages go that come back too often",
	.text =
	"Let a message of NAME that was leased and came back N times go to the mailbox\n"
	"OTHER, even if that is full, so that one that no worker gets done does not keep\n"
	"them busy for ever. Without OTHER there is no limit any more. What came back how\n"
	"often tells 'mbox recv --json'.\n",
	.example =
	"  mbox create /failed\n"
	"  mbox dead-letter /jobs /failed 3\n"
	"  mbox recv --lease=60 --exec=./work /jobs\n",
	.least = 1,
	.most = 3,
	.run = run_dead_letter,
};

const struct command chmod_command = {
	.name = "chmod",
	.operands = "MODE NAME...",
	.summary = "change who may use a mailbox, FIFO or segment",
	.text =
	"Change permission bits, in octal as for files. Of a mailbox the read bits allow\n"
	"receiving and the write bits sending. What is open already keeps its rights.\n",
	.example =
	"  mbox chmod 622 /jobs      # the owner receives, everybody can send\n",
	.least = 2,
	.most = -1,
	.run = run_chmod,
};

const struct command chown_command = {
	.name = "chown",
	.operands = "[USER][:GROUP] NAME...",
	.summary = "change owner and group of a mailbox, FIFO or segment",
	.text = "Change owner and group, by name or number.\n",
	.example =
	"  mbox chown alice:staff /jobs\n"
	"  mbox chown :staff /jobs\n",
	.least = 2,
	.most = -1,
	.run = run_chown,
};

const struct command rm_command = {
	.name = "rm",
	.operands = "NAME...",
	.summary = "remove the names of mailboxes, FIFOs or segments",
	.text =
	"Remove names, which can be used anew at once. Who has the object open goes on\n"
	"with it; it is gone with the last of them. With --end a mailbox is gone at once,\n"
	"with its messages, and who waits at it or uses it later fails.\n",
	.example =
	"  mbox rm /jobs /results\n"
	"  mbox rm --end /jobs             # nobody is to wait for it any more\n",
	.options = rm_options,
	.least = 1,
	.most = -1,
	.run = run_rm,
};

const struct command seg_rm_command = {
	.name = "seg rm",
	.operands = "NAME...",
	.summary = "remove the names of segments, as 'mbox rm'",
	.text = "Remove names. Who has the segment open or mapped goes on with it.\n",
	.example = "  mbox seg rm /table\n",
	.least = 1,
	.most = -1,
	.run = run_rm,
};
