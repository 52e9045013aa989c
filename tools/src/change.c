// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * What changes an object that exists: resize, chmod, chown, rm.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "command.h"
#include "fail.h"
#include "format.h"
#include "handle.h"

static int run_resize(struct arguments *args)
{
	struct mbox *mailbox;
	const char *name;
	uint64_t capacity;
	int error;

	no_options(args);
	name = parse_name(args->argv[0]);
	capacity = parse_capacity(args->argv[1]);
	error = mbox_open(&mailbox, name, O_NEITHER);
	if (!error) {
		error = mbox_resize(mailbox, capacity);
		mbox_close(mailbox);
	}
	if (error)
		fail_on(name, "resize it", error);
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

static int run_rm(struct arguments *args)
{
	const struct change change = {
		.action = "remove it",
		.apply = apply_unlink,
	};

	no_options(args);
	return apply_all(args->argv, &change);
}

const struct command resize_command = {
	.name = "resize",
	.operands = "NAME CAPACITY",
	.summary = "change how many messages a mailbox holds",
	.text =
	"Change how many messages a mailbox holds: a number, 0 for rendezvous, or\n"
	"'unbounded'. Nothing is lost when it shrinks: senders wait until it has drained.\n",
	.example =
	"  mbox resize /jobs 100\n"
	"  mbox resize /jobs unbounded\n",
	.least = 2,
	.most = 2,
	.run = run_resize,
};

const struct command chmod_command = {
	.name = "chmod",
	.operands = "MODE NAME...",
	.summary = "change who may use a mailbox or segment",
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
	.summary = "change owner and group of a mailbox or segment",
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
	.summary = "remove the names of mailboxes or segments",
	.text =
	"Remove names, which can be used anew at once. Who has the object open goes on\n"
	"with it; it is gone with the last of them.\n",
	.example = "  mbox rm /jobs /results\n",
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
