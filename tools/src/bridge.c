// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "exec.h"
#include "fail.h"
#include "format.h"

/* It alone is linked with libnats. */
#define BRIDGE "mbox-bridge"

#define SERVER "nats://127.0.0.1:4222"

static const struct option_text options[] = {
	{ 's', "server", "URL", "where NATS is ($NATS_URL, else " SERVER ")" },
	{ 'S', "stream", "NAME", "the stream (named after SUBJECT, and made, if need be)" },
	{ 'c', "creds", "FILE", "credentials for the server" },
	{ 0 }
};

/* One subject: no wildcards, no empty words. */
static char *parse_subject(char *text)
{
	size_t length = strlen(text);

	if (!length || strpbrk(text, "*> \t\r\n") || text[0] == '.' ||
	    text[length - 1] == '.' || strstr(text, ".."))
		fail_usage("'%s' is no subject: it is words with dots between, as jobs.new", text);
	return text;
}

static char *parse_stream(char *text)
{
	if (!*text || strpbrk(text, ".*>/\\ \t\r\n"))
		fail_usage("'%s' is no name of a stream: that has no dots, spaces, slashes, * and >",
			   text);
	return text;
}

/* As no other subject's is. */
static char *name_stream(const char *subject)
{
	char *name = malloc(3 * strlen(subject) + 1), *to = name;

	if (!name)
		fail_errno("memory");
	for (; *subject; subject++)
		to += sprintf(to, strchr("./\\=", *subject) ? "=%02X" : "%c",
			      (unsigned char)*subject);
	return name;
}

static int run(struct arguments *args)
{
	char *url = getenv("NATS_URL") ?: SERVER;
	char *stream = NULL, *creds = NULL, *mailbox, *subject;
	char program[PATH_MAX];
	int letter, error;
	bool out;

	while ((letter = next_option(args)) != -1) {
		if (letter == 's')
			url = optarg;
		else if (letter == 'S')
			stream = parse_stream(optarg);
		else
			creds = optarg;
	}
	if (creds && access(creds, R_OK))
		fail_errno(creds);
	out = !strcmp(args->argv[0], "out");
	if (!out && strcmp(args->argv[0], "in"))
		fail_usage("'%s' is no direction: it is out, from a mailbox to a subject, or in, from a subject to a mailbox",
			   args->argv[0]);
	mailbox = (char *)parse_name(args->argv[out ? 1 : 2]);
	subject = parse_subject(args->argv[out ? 2 : 1]);
	error = program_beside(BRIDGE, program, sizeof(program));
	if (error)
		fail(EXIT_OTHER, BRIDGE ", which belongs beside mbox: %s", strerror(-error));
	exec_program((char *[]){ program, args->argv[0], mailbox, subject,
				 stream ?: name_stream(subject), url, creds, NULL });
}

const struct command bridge_command = {
	.name = "bridge",
	.operands = "DIRECTION FROM TO",
	.summary = "carry a mailbox to another machine over NATS",
	.text =
	"'out MAILBOX SUBJECT' publishes each message of a mailbox to a stream of NATS\n"
	"JetStream, 'in SUBJECT MAILBOX' sends what is published there to a mailbox. Each\n"
	"message arrives once and in its order, whichever of them, or the server, is killed\n"
	"and started again. Where the server is away or the mailbox at the end full, it is\n"
	"waited for, and in the end the senders wait. A mailbox takes the messages of one\n"
	"stream, or of newer ones after it. It runs until SIGTERM.\n",
	.example =
	"  mbox bridge --server=nats://hub out /jobs jobs.new      # on one machine\n"
	"  mbox bridge --server=nats://hub in jobs.new /jobs       # on another\n",
	.options = options,
	.least = 3,
	.most = 3,
	.run = run,
};
