// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#include <mbox/mbox.h>

#include "command.h"
#include "exec.h"
#include "fail.h"
#include "format.h"
#include "output.h"

#define BY_TAG	(MBOX_TAG | MBOX_TAG_MOST | MBOX_TAG_EXCEPT)

static const struct option_text recv_options[] = {
	{ 'o', "own", NULL, "from an own mailbox, for 'mbox send --pid'; there is no NAME then" },
	{ 'f', "from", "PID", "only messages of that process, in an own mailbox" },
	{ 'g', "tag", "N", "only messages with that tag, of a mailbox made with --tagged" },
	{ 'G', "tag-most", "N", "only those with a tag up to N, the lowest first" },
	{ 'X', "tag-except", "N", "only those with another tag" },
	{ 'c', "count", "N", "stop after N messages" },
	{ 'n', "nonblock", NULL, "take what is there, do not wait for more" },
	{ 't', "timeout", "SECONDS", "stop when that time is up" },
	{ 'x', "exec", "COMMAND", "run COMMAND on each message instead of printing it" },
	{ 'l', "lease", "SECONDS", "with --exec: keep each message until COMMAND succeeds in that time" },
	OUTPUT_OPTIONS,
	{ 0 }
};

static const struct option_text peek_options[] = {
	OUTPUT_OPTIONS,
	{ 0 }
};

/**
 * struct receiver - what is received from where
 * @name: the mailbox, or NULL for the process's own
 * @own: that was asked for
 * @from: the only process that it receives from, or 0
 * @tag: for which @flags has a choice
 * @message: with room for the largest, and for descriptors if @command is there
 * @fds: this room
 * @command: to be run on each, or NULL
 * @wanted: messages, UINT64_MAX for all that come
 * @got: messages
 */
struct receiver {
	const char *name;
	bool own;
	pid_t from;
	uint64_t tag;
	struct mbox *mailbox;
	struct mbox_message message;
	struct mbox_fd fds[MBOX_FDS_MAX];
	const char *command;
	enum output output;
	unsigned int flags;
	uint64_t deadline;
	uint64_t wanted;
	uint64_t got;
};

static const char *who(const struct receiver *receiver)
{
	if (receiver->from)
		return shown_process(receiver->from);
	return receiver->name ? shown(receiver->name) : "own mailbox";
}

static noreturn void fail_from(const struct receiver *receiver, int error)
{
	if (error == -EBUSY)
		fail(EXIT_OTHER, "%s: another process receives: a mailbox made with 'mbox create --rings' has one receiver",
		     who(receiver));
	if (receiver->name)
		fail_on(receiver->name, "receive from it", error);
	fail_with(who(receiver), "receive from it", error);
}

static void open_receiver(struct receiver *receiver)
{
	struct mbox_status status;
	int error = receiver->name ?
		mbox_open(&receiver->mailbox, receiver->name, O_RDONLY) :
		mbox_own(&receiver->mailbox, O_RDONLY, 0666, NULL);

	if (!error)
		error = mbox_status(receiver->mailbox, &status);
	if (error)
		fail_from(receiver, error);
	receiver->message.size = status.msgsize;
	receiver->message.data = malloc(status.msgsize + 1);
	if (!receiver->message.data)
		fail_errno("memory");
	if (receiver->command) {
		receiver->message.fds = receiver->fds;
		receiver->message.room_fds = MBOX_FDS_MAX;
	}
}

static void close_receiver(struct receiver *receiver)
{
	mbox_close(receiver->mailbox);
	free(receiver->message.data);
}

/*
 * The messages ended before as many came as were wanted. One who wanted all
 * that come has got them, if there was any, or if no more can come.
 */
static int stopped(const struct receiver *receiver, int error)
{
	const char *name = who(receiver);
	bool all = receiver->wanted == UINT64_MAX;

	if (error == -ESRCH) {
		if (all && receiver->got)
			return EXIT_OK;
		fail(EXIT_PEER_GONE, "%s: it is gone after %" PRIu64 " messages",
		     name, receiver->got);
	}
	if (error == -EPIPE) {
		if (all)
			return EXIT_OK;
		fail(EXIT_PEER_GONE, "%s: no sender is left after %" PRIu64 " of %" PRIu64 " messages",
		     name, receiver->got, receiver->wanted);
	}
	if (error == -EIDRM)
		fail(EXIT_PEER_GONE, "%s: it was ended after %" PRIu64 " messages: 'mbox rm --end' did that, or its owner",
		     name, receiver->got);
	if (error == -EOPNOTSUPP && receiver->flags & BY_TAG)
		fail(EXIT_OTHER, "%s: it was not made with 'mbox create --tagged', as --tag takes", name);
	if (error == -ENOBUFS)
		fail(EXIT_TOO_LARGE, "%s: the next message carries %u descriptors, which only --exec can make use of",
		     name, receiver->message.nr_fds);
	if (error != -EAGAIN && error != -ETIMEDOUT)
		fail_from(receiver, error);
	if (all && receiver->got)
		return EXIT_OK;
	if (error == -EAGAIN)
		fail(EXIT_WOULD_WAIT, "%s: it is empty after %" PRIu64 " messages: leave out --nonblock to wait",
		     name, receiver->got);
	fail(EXIT_WOULD_WAIT, "%s: the time was up after %" PRIu64 " messages: 'mbox stat' tells who sends",
	     name, receiver->got);
}

/* JSON says it with the message. */
static void tell_missed(const struct receiver *receiver)
{
	uint64_t missed = receiver->message.missed;

	if (missed && receiver->output != OUTPUT_JSON)
		complain("%s: missed %" PRIu64 " message%s: the mailbox is --lossy, and this was too slow",
			 who(receiver), missed, missed == 1 ? "" : "s");
}

static int receive_one(struct receiver *receiver)
{
	receiver->message.tag = receiver->tag;
	if (receiver->from)
		return mbox_recv_from(receiver->mailbox, receiver->from,
				      &receiver->message, receiver->flags,
				      receiver->deadline);
	return mbox_recv_msg(receiver->mailbox, &receiver->message,
			     receiver->flags, receiver->deadline);
}

static bool is_leased(const struct receiver *receiver)
{
	return receiver->flags & MBOX_LEASE;
}

/* Return: the exit code, and to go on only if it is EXIT_OK. */
static int acknowledge(struct receiver *receiver)
{
	int error = mbox_ack(receiver->mailbox, receiver->message.delivery);

	if (!error)
		return EXIT_OK;
	if (error != -ESTALE)
		fail_from(receiver, error);
	complain("%s: the lease of message %" PRIu64 " was over before the command: it went back; give it longer by --lease",
		 who(receiver), receiver->got);
	return EXIT_OTHER;
}

/* Return: likewise. */
static int use_message(struct receiver *receiver)
{
	int status;

	if (!receiver->command) {
		print_message(receiver->name, &receiver->message,
			      receiver->output);
		return EXIT_OK;
	}
	status = exec_message(receiver->command, &receiver->message);
	if (!status)
		return is_leased(receiver) ? acknowledge(receiver) : EXIT_OK;
	/* One whose lease is over is back already. */
	if (is_leased(receiver))
		mbox_return(receiver->mailbox, receiver->message.delivery);
	complain("%s: the command failed on message %" PRIu64 " with status %d%s",
		 who(receiver), receiver->got, status,
		 is_leased(receiver) ? ": it went back" : "");
	return EXIT_OTHER;
}

static int receive(struct receiver *receiver)
{
	int code = EXIT_OK;
	int error;

	while (code == EXIT_OK && receiver->got < receiver->wanted) {
		error = receive_one(receiver);
		if (error)
			return stopped(receiver, error);
		receiver->got++;
		tell_missed(receiver);
		code = use_message(receiver);
	}
	return code;
}

static void read_tag(struct receiver *receiver, unsigned int choice)
{
	if (receiver->flags & BY_TAG)
		fail_usage("one of --tag, --tag-most and --tag-except is enough");
	receiver->flags |= choice;
	receiver->tag = parse_number(optarg, "tag", UINT64_MAX);
}

static void read_options(struct arguments *args, struct receiver *receiver)
{
	int letter;

	while ((letter = next_option(args)) != -1) {
		switch (letter) {
		case 'o':
			receiver->own = true;
			break;
		case 'f':
			receiver->from = parse_pid(optarg);
			break;
		case 'g':
			read_tag(receiver, MBOX_TAG);
			break;
		case 'G':
			read_tag(receiver, MBOX_TAG_MOST);
			break;
		case 'X':
			read_tag(receiver, MBOX_TAG_EXCEPT);
			break;
		case 'c':
			receiver->wanted = parse_number(optarg, "count",
							UINT64_MAX - 1);
			break;
		case 'n':
			receiver->flags |= MBOX_NONBLOCK;
			break;
		case 't':
			receiver->deadline = mbox_deadline_in(parse_seconds(optarg));
			break;
		case 'x':
			receiver->command = optarg;
			break;
		case 'l':
			receiver->flags |= MBOX_LEASE;
			receiver->message.lease = parse_seconds(optarg);
			break;
		default:
			read_output_option(letter, &receiver->output);
		}
	}
	if (receiver->command && receiver->output != OUTPUT_LINES)
		fail_usage("--exec prints nothing: how, is no question");
	if (is_leased(receiver) && !receiver->command)
		fail_usage("--lease is for --exec, whose success acknowledges a message");
	if (receiver->from)
		receiver->own = true;
	if (receiver->own && receiver->flags & BY_TAG)
		fail_usage("an own mailbox is chosen from by --from, not by tag");
	if (receiver->own && args->argc)
		fail_usage("'%s' is too much: an own mailbox has no name", args->argv[0]);
	if (!receiver->own && !args->argc)
		fail_usage("too little is given: it takes NAME, or --own");
	if (!receiver->own)
		receiver->name = parse_name(args->argv[0]);
}

static int run_recv(struct arguments *args)
{
	struct receiver receiver = { .wanted = UINT64_MAX };
	int code;

	read_options(args, &receiver);
	open_receiver(&receiver);
	if (!receiver.command)
		follow_reader();
	code = receive(&receiver);
	close_receiver(&receiver);
	return code;
}

static int run_peek(struct arguments *args)
{
	struct receiver receiver = { 0 };
	unsigned int index = 0;
	int error;

	read_options(args, &receiver);
	if (args->argv[1])
		index = parse_number(args->argv[1], "place in the queue",
				     MBOX_PEEK_MAX);
	open_receiver(&receiver);
	error = mbox_peek(receiver.mailbox, index, &receiver.message);
	if (error == -ENOMSG)
		fail(EXIT_NOT_FOUND, "%s: there is no message %u (the first is 0): 'mbox stat' tells how many are queued",
		     shown(receiver.name), index);
	if (error)
		fail_on(receiver.name, "peek into it", error);
	print_message(receiver.name, &receiver.message, receiver.output);
	close_receiver(&receiver);
	return EXIT_OK;
}

const struct command recv_command = {
	.name = "recv",
	.operands = "[NAME]",
	.summary = "receive messages, each as a line",
	.text =
	"Receive messages and print each as a line at once, until --count of them came,\n"
	"the --timeout is up, or no sender is left of a mailbox made with --hangup;\n"
	"otherwise for ever. Of a mailbox made with --broadcast it prints what is sent\n"
	"from now on, and says on standard error what it missed. With --own it receives\n"
	"from a mailbox of itself, which others send to by its process id; with --from\n"
	"only from one process, until that is gone. With --tag and the like it takes only\n"
	"what has that tag, which 'mbox send --tag' gives, and leaves the rest. It ends too when nobody reads its\n"
	"output any more; what it has put into the pipe by then is received, so prefer\n"
	"--count to 'head'.\n"
	"A COMMAND of --exec is run by the shell: it has the message on its standard\n"
	"input, and the descriptors that came with it are 3, 4 and so on. What is written\n"
	"to the descriptor of a mailbox is a message. 'mbox recv' ends when it fails.\n"
	"With --lease the message stays the mailbox's meanwhile. It is gone when COMMAND\n"
	"succeeds, and goes back, to be received again, when it fails or takes longer than\n"
	"that, 0 for any time, or when 'mbox recv' is killed. 'mbox dead-letter' limits how\n"
	"often.\n",
	.example =
	"  mbox recv /jobs | consumer\n"
	"  mbox recv --count=1 --timeout=5 /jobs || echo 'no job'\n"
	"  mbox recv --tag=7 /replies              # what is for number 7\n"
	"  mbox recv --own & mbox send --pid=$! 'are you there?'\n"
	"  mbox recv --nonblock --json /jobs       # empties it, tells who sent what\n"
	"  mbox recv --exec='rev >&3' /questions   # answers to the port of each\n"
	"  mbox recv --lease=60 --exec=./work /jobs   # a worker that can be killed\n",
	.options = recv_options,
	.least = 0,
	.most = 1,
	.run = run_recv,
};

const struct command peek_command = {
	.name = "peek",
	.operands = "NAME [N]",
	.summary = "show a queued message and leave it there",
	.text =
	"Show the next message, or the one that comes after N others, and leave it where\n"
	"it is.\n",
	.example =
	"  mbox peek /jobs\n"
	"  mbox peek --json /jobs 2                # the third\n",
	.options = peek_options,
	.least = 1,
	.most = 2,
	.run = run_peek,
};
