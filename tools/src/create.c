// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <getopt.h>
#include <sys/stat.h>

#include <mbox/mbox.h>

#include "command.h"
#include "fail.h"
#include "format.h"
#include "handle.h"

static const struct option_text options[] = {
	{ 'c', "capacity", "N", "messages that it holds: 0 for rendezvous, or 'unbounded' (64)" },
	{ 's', "msgsize", "BYTES", "the largest message, up to 16M (64K)" },
	{ 'b', "bytes", "BYTES", "bytes that it holds (no limit)" },
	{ 'm', "mode", "MODE", "permission bits in octal (666 less the umask)" },
	{ 'x', "exclusive", NULL, "fail if the name is in use" },
	{ 'B', "broadcast", NULL, "every receiver gets every message; senders wait for the slowest" },
	{ 'L', "lossy", NULL, "with --broadcast: senders do not wait, slow receivers miss messages" },
	{ 'H', "hangup", NULL, "tell each side when the other is gone: end of file" },
	{ 'd', "handles", NULL, "let messages carry descriptors" },
	{ 'r', "rings", NULL, "let senders use rings, as 'mbox send --ring' does; there is one receiver" },
	{ 'T', "tagged", NULL, "let receivers choose by tag, as 'mbox recv --tag' does" },
	{ 0 }
};

/* A mailbox to be. */
struct request {
	const char *name;
	struct mbox_attr attr;
	mode_t mode;
	int exclusive;
};

static void check_broadcast(const struct mbox_attr *attr)
{
	if (attr->flags & MBOX_BROADCAST && attr->flags & MBOX_HANDLES)
		fail_usage("--handles and --broadcast do not go together: descriptors are made for one receiver");
	if (attr->flags & MBOX_LOSSY && !(attr->flags & MBOX_BROADCAST))
		fail_usage("--lossy is for a mailbox made with --broadcast");
	if (attr->flags & MBOX_BROADCAST && !attr->capacity)
		fail_usage("a broadcast is no rendezvous: its --capacity is at least 1");
}

static void check_tagged(const struct mbox_attr *attr)
{
	if (!(attr->flags & MBOX_TAGGED))
		return;
	if (attr->flags & MBOX_BROADCAST)
		fail_usage("--tagged and --broadcast do not go together: there every receiver gets all");
	if (attr->capacity > MBOX_PEEK_MAX)
		fail_usage("a mailbox made with --tagged is looked through: its --capacity is at most %u",
			   MBOX_PEEK_MAX);
}

static void check_rings(const struct mbox_attr *attr)
{
	if (attr->flags & MBOX_RINGS && attr->flags & (MBOX_BROADCAST | MBOX_TAGGED))
		fail_usage("--rings goes with neither --broadcast nor --tagged: its one receiver takes what comes next");
}

static void read_options(struct arguments *args, struct request *request)
{
	struct mbox_attr *attr = &request->attr;
	int letter;

	while ((letter = next_option(args)) != -1) {
		switch (letter) {
		case 'c':
			attr->capacity = parse_capacity(optarg);
			break;
		case 's':
			attr->msgsize = parse_size(optarg, "message size",
						   MBOX_MSGSIZE_MAX);
			break;
		case 'b':
			attr->bytes = parse_size(optarg, "limit of bytes",
						 INT64_MAX);
			break;
		case 'm':
			request->mode = parse_mode(optarg);
			umask(0);
			break;
		case 'x':
			request->exclusive = O_EXCL;
			break;
		case 'H':
			attr->flags |= MBOX_HANGUP;
			break;
		case 'B':
			attr->flags |= MBOX_BROADCAST;
			break;
		case 'L':
			attr->flags |= MBOX_LOSSY;
			break;
		case 'd':
			attr->flags |= MBOX_HANDLES;
			break;
		case 'r':
			attr->flags |= MBOX_RINGS | MBOX_HANGUP | MBOX_HANDLES;
			break;
		case 'T':
			attr->flags |= MBOX_TAGGED;
			break;
		}
	}
	request->name = parse_name(args->argv[0]);
	if (attr->bytes && attr->bytes < attr->msgsize)
		fail_usage("a mailbox of %llu bytes cannot hold a message of %llu: raise --bytes or lower --msgsize",
			   (unsigned long long)attr->bytes,
			   (unsigned long long)attr->msgsize);
	check_rings(attr);
	check_broadcast(attr);
	check_tagged(attr);
}

/* One that was there already keeps its attributes: say so if they differ. */
static void compare(const struct request *request, struct mbox *mailbox)
{
	struct mbox_status status;

	if (mbox_status(mailbox, &status))
		return;
	if (status.capacity != request->attr.capacity ||
	    status.msgsize != request->attr.msgsize ||
	    status.bytes != request->attr.bytes ||
	    status.flags != request->attr.flags)
		complain("%s: it was there already, and is not as asked for: see 'mbox stat'",
			 shown(request->name));
}

static int run(struct arguments *args)
{
	struct request request = {
		.attr = {
			.capacity = MBOX_CAPACITY_DEFAULT,
			.msgsize = MBOX_MSGSIZE_DEFAULT,
		},
		.mode = 0666,
	};
	struct mbox *mailbox;
	int error;

	read_options(args, &request);
	error = mbox_create(&mailbox, request.name,
			    O_NEITHER | request.exclusive, request.mode,
			    &request.attr);
	if (error)
		fail_create(request.name, "user_mailboxes", error);
	compare(&request, mailbox);
	mbox_close(mailbox);
	return EXIT_OK;
}

const struct command create_command = {
	.name = "create",
	.operands = "NAME",
	.summary = "make a mailbox",
	.text =
	"Make a mailbox, which stays until 'mbox rm'. Senders wait while it is full,\n"
	"receivers while it is empty. With capacity 0 each sender waits until a receiver\n"
	"has its message; one without bound is limited by your budget of bytes alone.\n"
	"With --broadcast each receiver gets what is sent while it runs, and the capacity\n"
	"is how far the slowest can be behind.\n"
	"With --rings messages go from process to process without a system call, to one\n"
	"receiver; --hangup and --handles are then as good as said.\n"
	"A mailbox that is there already is left as it is.\n",
	.example =
	"  mbox create --capacity=10 --msgsize=8K --mode=660 /jobs\n"
	"  mbox create --hangup /lines       # 'mbox recv' ends when the senders have\n"
	"  mbox create --broadcast --lossy --capacity=1 /weather   # the newest, to all\n",
	.options = options,
	.least = 1,
	.most = 1,
	.run = run,
};
