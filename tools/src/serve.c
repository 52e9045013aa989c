// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "command.h"
#include "exec.h"
#include "fail.h"
#include "format.h"

static const struct option_text options[] = {
	{ 'c', "count", "N", "stop after N requests" },
	{ 0 }
};

/**
 * struct server - what answers whom
 * @command: ended by NULL
 * @request: with room for the largest
 * @reply: the same
 * @wanted: requests
 */
struct server {
	const char *name;
	char **command;
	struct mbox *mailbox;
	struct mbox_message request;
	struct mbox_message reply;
	uint64_t wanted;
};

static void read_options(struct arguments *args, struct server *server)
{
	while (next_option(args) != -1)
		server->wanted = parse_number(optarg, "count", UINT64_MAX);
	server->name = parse_name(args->argv[0]);
	server->command = args->argv + 1;
}

static struct mbox *open_mailbox(const struct server *server)
{
	struct mbox *mailbox;
	int error = mbox_open(&mailbox, server->name, O_RDONLY);

	if (error)
		fail_on(server->name, "receive from it", error);
	return mailbox;
}

static void open_server(struct server *server)
{
	struct mbox_status status;
	int error;

	server->mailbox = open_mailbox(server);
	error = mbox_status(server->mailbox, &status);
	if (error)
		fail_on(server->name, "look at it", error);
	server->request.size = server->reply.size = status.msgsize;
	server->request.data = malloc(status.msgsize + 1);
	server->reply.data = malloc(status.msgsize + 1);
	if (!server->request.data || !server->reply.data)
		fail_errno("memory");
}

/* The command finds the request in a file of its own, however slowly it reads. */
static int request_file(const struct mbox_message *request)
{
	int fd = memfd_create("request", MFD_CLOEXEC);

	if (fd < 0)
		fail_errno("a file for the request");
	if (write(fd, request->data, request->length) != (ssize_t)request->length ||
	    lseek(fd, 0, SEEK_SET))
		fail_errno("the file for the request");
	return fd;
}

static noreturn void exec_command(char **command, int in, int out)
{
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(127);
	exec_program(command);
}

/* Start the command. Return: its process, with its standard output in @out. */
static pid_t start_command(const struct server *server, int *out)
{
	int in = request_file(&server->request), ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		fail_errno("a pipe");
	pid = fork();
	if (pid < 0)
		fail_errno("a process for the command");
	if (!pid)
		exec_command(server->command, in, ends[1]);
	close(in);
	close(ends[1]);
	*out = ends[0];
	return pid;
}

/* Return: the bytes, of which one more than fit means too many. */
static size_t read_reply(int out, struct mbox_message *reply)
{
	char *data = reply->data;
	size_t length = 0;
	ssize_t got;

	while (length <= reply->size &&
	       (got = read(out, data + length, reply->size + 1 - length))) {
		if (got > 0)
			length += got;
		else if (errno != EINTR)
			fail_errno("the output of the command");
	}
	close(out);
	return length;
}

/* Return: whether there is a reply. */
static bool work(struct server *server)
{
	int out, status;
	pid_t pid = start_command(server, &out);

	server->reply.length = read_reply(out, &server->reply);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (server->reply.length > server->reply.size) {
		complain("%s: the output of the command is too large for a reply: the limit is %zu bytes",
			 shown(server->name), server->reply.size);
		return false;
	}
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return true;
	complain("%s: the command failed: its caller gets no reply",
		 shown(server->name));
	return false;
}

/* What was received through a descriptor ends with it; the mailbox always has one. */
static void refuse(struct server *server)
{
	struct mbox *old = server->mailbox;

	server->mailbox = open_mailbox(server);
	mbox_close(old);
}

static void answer(struct server *server)
{
	int error;

	if (!work(server)) {
		refuse(server);
		return;
	}
	server->reply.tag = server->request.tag;
	server->reply.delivery = server->request.delivery;
	error = mbox_reply(server->mailbox, &server->reply);
	if (error == -EMSGSIZE)
		refuse(server);
	/* That nobody waits any more is no fault of the server. */
	else if (error && error != -ESTALE)
		fail_on(server->name, "reply", error);
}

static int run(struct arguments *args)
{
	struct server server = { .wanted = UINT64_MAX };
	int error;

	read_options(args, &server);
	open_server(&server);
	while (server.wanted--) {
		error = mbox_recv(server.mailbox, &server.request);
		if (error == -EPIPE)
			break;
		if (error)
			fail_on(server.name, "receive from it", error);
		answer(&server);
	}
	mbox_close(server.mailbox);
	free(server.request.data);
	free(server.reply.data);
	return EXIT_OK;
}

const struct command serve_command = {
	.name = "serve",
	.operands = "NAME COMMAND [ARG...]",
	.summary = "answer requests by the output of a command",
	.text =
	"Receive requests, and for each run COMMAND with the request as its standard input\n"
	"and what it writes to its standard output as the reply. When it fails, the caller\n"
	"is told that there is no reply, and the next request is served. Put -- before a\n"
	"COMMAND that has options. Several servers can share a mailbox.\n",
	.example =
	"  mbox create /upper\n"
	"  mbox serve /upper -- tr a-z A-Z &\n"
	"  mbox call /upper 'make me tall'         # MAKE ME TALL\n",
	.options = options,
	.least = 2,
	.most = -1,
	.run = run,
};
