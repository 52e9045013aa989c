// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbox/mbox.h>

#include "command.h"
#include "fail.h"
#include "format.h"
#include "message.h"
#include "output.h"

static const struct option_text options[] = {
	MESSAGE_OPTIONS("request", "answered"),
	OUTPUT_OPTIONS,
	{ 0 }
};

/**
 * struct caller - who is asked what
 * @request: with the tag and priority of all
 * @reply: with room for the largest
 * @number: requests begun
 */
struct caller {
	const char *name;
	struct mbox *mailbox;
	struct mbox_message request;
	struct mbox_message reply;
	enum output output;
	uint64_t deadline;
	uint64_t number;
};

static void read_options(struct arguments *args, struct caller *caller)
{
	int letter;

	while ((letter = next_option(args)) != -1) {
		read_message_option(letter, &caller->request,
				    &caller->deadline);
		read_output_option(letter, &caller->output);
	}
	caller->name = parse_name(args->argv[0]);
}

static void open_caller(struct caller *caller)
{
	struct mbox_status status;
	int error = mbox_open(&caller->mailbox, caller->name, O_WRONLY);

	if (!error)
		error = mbox_status(caller->mailbox, &status);
	if (error)
		fail_on(caller->name, "call it", error);
	caller->reply.size = status.msgsize;
	caller->reply.data = malloc(status.msgsize + 1);
	if (!caller->reply.data)
		fail_errno("memory");
}

static noreturn void fail_call(const struct caller *caller, int error)
{
	const char *name = shown(caller->name);
	uint64_t number = caller->number;

	switch (-error) {
	case EMSGSIZE:
		fail(EXIT_TOO_LARGE, "%s: request %" PRIu64 " is too large: it has %zu bytes, the limit is %zu, set by 'mbox create --msgsize'",
		     name, number, caller->request.length, caller->reply.size);
	case ETIMEDOUT:
		fail(EXIT_WOULD_WAIT, "%s: request %" PRIu64 " was not answered in time: 'mbox stat' tells who receives",
		     name, number);
	case ECONNRESET:
		fail(EXIT_PEER_GONE, "%s: request %" PRIu64 " was received, and its receiver went without an answer",
		     name, number);
	case EPIPE:
		fail(EXIT_PEER_GONE, "%s: request %" PRIu64 " not sent: no receiver is left",
		     name, number);
	default:
		fail_on(caller->name, "call it", error);
	}
}

static void call_one(struct caller *caller, void *data, size_t length)
{
	int error;

	caller->number++;
	caller->request.data = data;
	caller->request.length = length;
	error = mbox_call(caller->mailbox, &caller->request, &caller->reply, 0,
			  caller->deadline);
	if (error)
		fail_call(caller, error);
	print_message(caller->name, &caller->reply, caller->output);
}

static void call_lines(struct caller *caller)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, stdin)) != -1) {
		if (line[length - 1] == '\n')
			length--;
		call_one(caller, line, length);
	}
	free(line);
	if (ferror(stdin))
		fail_errno("standard input");
}

static int run(struct arguments *args)
{
	struct caller caller = { 0 };
	int i;

	read_options(args, &caller);
	open_caller(&caller);
	if (args->argc == 1)
		call_lines(&caller);
	for (i = 1; i < args->argc; i++)
		call_one(&caller, args->argv[i], strlen(args->argv[i]));
	mbox_close(caller.mailbox);
	free(caller.reply.data);
	return EXIT_OK;
}

const struct command call_command = {
	.name = "call",
	.operands = "NAME [REQUEST...]",
	.summary = "send requests and print their replies",
	.text =
	"Send each REQUEST, wait for its reply, and print that as a line. Without any,\n"
	"each line of standard input is a request. It fails at once when who received a\n"
	"request dies without a reply.\n",
	.example =
	"  mbox call /upper 'make me tall'\n"
	"  mbox call --timeout=2 /clock now || echo 'no clock'\n"
	"  cut -d: -f1 /etc/passwd | mbox call /upper\n",
	.options = options,
	.least = 1,
	.most = -1,
	.run = run,
};
