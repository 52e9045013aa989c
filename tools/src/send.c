// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "command.h"
#include "fail.h"
#include "format.h"
#include "message.h"

static const struct option_text options[] = {
	{ 'P', "pid", "PID", "to the own mailbox of that process; there is no NAME then" },
	MESSAGE_OPTIONS("message", "sent"),
	{ 'f', "fd", "N", "the open descriptor N goes with each message" },
	{ 'R', "port", "NAME", "the right to send to the mailbox NAME goes with each message" },
	{ 'o', "once", "N", "number the messages from N on; skip those that were sent so before" },
	{ 'G', "ring", "BYTES", "through a ring of so many bytes, to a mailbox made with --rings" },
	{ 's', "sync", NULL, "wait until a receiver has the message" },
	{ 'n', "nonblock", NULL, "fail where it would have to wait" },
	{ '0', "null", NULL, "messages on standard input end with NUL, not newline" },
	{ 'r', "raw", NULL, "all of standard input is one message" },
	{ 0 }
};

/**
 * struct sender - what is sent where
 * @name: the mailbox, or NULL
 * @pid: if it has no name, the process whose own it is
 * @who: either of them, to be shown
 * @ring: bytes of the ring that it goes through, 0 for none
 * @message: with the tag, priority and descriptors of all
 * @fds: these descriptors
 * @number: messages begun
 */
struct sender {
	const char *name;
	pid_t pid;
	const char *who;
	struct mbox *mailbox;
	size_t ring;
	struct mbox_message message;
	struct mbox_fd fds[MBOX_FDS_MAX];
	unsigned int flags;
	uint64_t deadline;
	uint64_t number;
};

/* How messages are told apart on standard input. */
struct format {
	int delimiter;
	bool raw;
};

static noreturn void fail_to(const struct sender *sender, int error)
{
	if (sender->name)
		fail_on(sender->name, "send to it", error);
	fail_with(sender->who, "send to it", error);
}

static noreturn void fail_large(const struct sender *sender)
{
	struct mbox_status status = { 0 };
	char limit[SIZE_TEXT];

	mbox_status(sender->mailbox, &status);
	size_text(limit, status.msgsize);
	fail(EXIT_TOO_LARGE, "%s: message %" PRIu64 " is too large: it has %zu bytes, the limit is %" PRIu64 " (%s), set by 'mbox create --msgsize'",
	     sender->who, sender->number, sender->message.length,
	     status.msgsize, limit);
}

static noreturn void fail_send(const struct sender *sender, int error)
{
	const char *name = sender->who;
	uint64_t number = sender->number;

	switch (-error) {
	case EMSGSIZE:
		fail_large(sender);
	case EAGAIN:
		fail(EXIT_WOULD_WAIT, "%s: message %" PRIu64 " would have to wait: it is full or no receiver waits; leave out --nonblock or 'mbox resize' it",
		     name, number);
	case ETIMEDOUT:
		fail(EXIT_WOULD_WAIT, "%s: message %" PRIu64 " was not taken in time: 'mbox stat' tells who receives",
		     name, number);
	case EPIPE:
		fail(EXIT_PEER_GONE, "%s: message %" PRIu64 " not sent: no receiver is left",
		     name, number);
	case EIDRM:
		fail(EXIT_PEER_GONE, "%s: message %" PRIu64 " not sent: it was ended: 'mbox create' it anew",
		     name, number);
	case ESRCH:
		fail(EXIT_PEER_GONE, "%s: message %" PRIu64 " not sent: it is gone",
		     name, number);
	case EOPNOTSUPP:
		if (sender->message.nr_fds)
			fail(EXIT_OTHER, "%s: message %" PRIu64 " not sent: only a mailbox made with 'mbox create --handles' takes descriptors, and none takes UNIX sockets and io_uring",
			     name, number);
		fail_to(sender, error);
	default:
		fail_to(sender, error);
	}
}

static void send_one(struct sender *sender, void *data, size_t length)
{
	int error;

	sender->number++;
	sender->message.data = data;
	sender->message.length = length;
	error = mbox_send_msg(sender->mailbox, &sender->message, sender->flags,
			      sender->deadline);
	/* With --once only, where it is as good as sent. */
	if (error && error != -EEXIST)
		fail_send(sender, error);
	sender->message.sequence++;
}

static void send_lines(struct sender *sender, int delimiter)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getdelim(&line, &room, delimiter, stdin)) != -1) {
		if (line[length - 1] == delimiter)
			length--;
		send_one(sender, line, length);
	}
	free(line);
	if (ferror(stdin))
		fail_errno("standard input");
}

static void send_all(struct sender *sender)
{
	const size_t limit = MBOX_MSGSIZE_MAX;
	char *data = malloc(limit + 1);
	size_t length;

	if (!data)
		fail_errno("memory");
	length = fread(data, 1, limit + 1, stdin);
	if (ferror(stdin))
		fail_errno("standard input");
	if (length > limit)
		fail(EXIT_TOO_LARGE, "standard input is too large for one message: the limit is 16M (%zu bytes)",
		     limit);
	send_one(sender, data, length);
	free(data);
}

static void send_input(struct sender *sender, const struct format *format)
{
	if (format->raw)
		send_all(sender);
	else
		send_lines(sender, format->delimiter);
}

static void add_fd(struct sender *sender, int fd)
{
	struct mbox_message *message = &sender->message;

	if (message->nr_fds == MBOX_FDS_MAX)
		fail_usage("no message has more than %d descriptors",
			   MBOX_FDS_MAX);
	sender->fds[message->nr_fds++].fd = fd;
	message->fds = sender->fds;
}

static void add_open_fd(struct sender *sender, const char *text)
{
	int fd = parse_number(text, "descriptor", INT_MAX);

	if (fcntl(fd, F_GETFD) < 0)
		fail(EXIT_OTHER, "descriptor %d is not open: let the shell open it, as by %d<FILE",
		     fd, fd);
	add_fd(sender, fd);
}

/* It is opened for sending only, and goes as it is. */
static void add_port(struct sender *sender, const char *name)
{
	struct mbox *port;
	int error = mbox_open(&port, name, O_WRONLY);

	if (error)
		fail_on(name, "send to it", error);
	add_fd(sender, mbox_fd(port));
}

static uint64_t parse_once(const char *text)
{
	uint64_t number = parse_number(text, "number", UINT64_MAX);

	if (!number)
		fail_usage("messages are numbered from 1 on");
	return number;
}

static size_t parse_ring(const char *text)
{
	uint64_t size = parse_size(text, "size of a ring", MBOX_RING_MAX);

	if (size < MBOX_RING_MIN || size & (size - 1))
		fail_usage("a ring has a power of two of bytes, from 4K to 16M");
	return size;
}

static void read_options(struct arguments *args, struct sender *sender,
			 struct format *format)
{
	int letter;

	while ((letter = next_option(args)) != -1) {
		switch (letter) {
		case 'P':
			sender->pid = parse_pid(optarg);
			break;
		case 'f':
			add_open_fd(sender, optarg);
			break;
		case 'R':
			add_port(sender, parse_name(optarg));
			break;
		case 'o':
			sender->flags |= MBOX_ONCE;
			sender->message.sequence = parse_once(optarg);
			break;
		case 'G':
			sender->ring = parse_ring(optarg);
			break;
		case 's':
			sender->flags |= MBOX_SYNC;
			break;
		case 'n':
			sender->flags |= MBOX_NONBLOCK;
			break;
		case '0':
			format->delimiter = '\0';
			break;
		case 'r':
			format->raw = true;
			break;
		default:
			read_message_option(letter, &sender->message,
					    &sender->deadline);
		}
	}
}

static void open_sender(struct sender *sender)
{
	int error;

	if (sender->name) {
		sender->who = shown(sender->name);
		error = mbox_open(&sender->mailbox, sender->name, O_WRONLY);
	} else {
		sender->who = shown_process(sender->pid);
		error = mbox_open_pid(&sender->mailbox, sender->pid, O_WRONLY);
	}
	if (error)
		fail_to(sender, error);
}

static void make_ring(const struct sender *sender)
{
	int error = mbox_ring(sender->mailbox, sender->ring);

	switch (-error) {
	case 0:
		return;
	case EOPNOTSUPP:
		fail(EXIT_OTHER, "%s: it was not made with 'mbox create --rings', as --ring takes", sender->who);
	case EMSGSIZE:
		fail(EXIT_TOO_LARGE, "%s: its largest message is too small for the offer of a ring: 'mbox create --msgsize' 24 or more",
		     sender->who);
	case EPIPE:
		fail(EXIT_PEER_GONE, "%s: no receiver is left", sender->who);
	default:
		fail_to(sender, error);
	}
}

static int run(struct arguments *args)
{
	struct sender sender = { 0 };
	struct format format = { .delimiter = '\n' };
	char **message;

	read_options(args, &sender, &format);
	message = args->argv;
	if (!sender.pid && !args->argc)
		fail_usage("too little is given: it takes NAME [MESSAGE...], or --pid=PID [MESSAGE...]");
	if (!sender.pid)
		sender.name = parse_name(*message++);
	open_sender(&sender);
	if (sender.ring)
		make_ring(&sender);
	if (!*message)
		send_input(&sender, &format);
	for (; *message; message++)
		send_one(&sender, *message, strlen(*message));
	mbox_close(sender.mailbox);
	return EXIT_OK;
}

const struct command send_command = {
	.name = "send",
	.operands = "[NAME] [MESSAGE...]",
	.summary = "send messages, or the lines of standard input",
	.text =
	"Send each MESSAGE. Without any, each line of standard input is one message, as\n"
	"soon as it is there; the newline is not sent. A sender waits while the mailbox\n"
	"is full. After -- a message can begin with a dash.\n"
	"With --pid they go to the own mailbox of a process, as 'mbox recv --own' is one.\n"
	"With --once a mailbox takes a message of each number, in ascending order: after a\n"
	"sender was killed the same command sends what it had not sent.\n"
	"With --ring messages go without a system call while the receiver is busy.\n"
	"Descriptors go, in the order of their options, to a mailbox made with --handles;\n"
	"'mbox recv --exec' makes use of them.\n",
	.example =
	"  mbox send /jobs 'first job' 'second job'\n"
	"  producer | mbox send /jobs\n"
	"  mbox send --once=1 /jobs <jobs.txt\n"
	"  mbox send --prio=9 --timeout=2.5 /jobs urgent\n"
	"  mbox send --pid=1234 'are you there?'\n"
	"  producer | mbox send --ring=64K /samples\n"
	"  mbox send --raw /pictures <picture.png\n"
	"  mbox send --fd=3 --port=/replies /jobs 'read it' 3</etc/hostname\n",
	.options = options,
	.least = 0,
	.most = -1,
	.run = run,
};
