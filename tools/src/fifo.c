// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Pipes with a name: mkfifo, open.
 */
#include <getopt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "command.h"
#include "exec.h"
#include "fail.h"
#include "format.h"
#include "handle.h"

static const struct option_text mkfifo_options[] = {
	{ 'm', "mode", "MODE", "permission bits in octal (666 less the umask)" },
	{ 'c', "capacity", "SIZE", "bytes that it holds, 4K to 16M (64K)" },
	{ 0 }
};

static int make(const char *name, mode_t mode, const struct mbox_attr *attr)
{
	struct mbox *fifo;
	int error = mbox_create(&fifo, name, O_NEITHER | O_EXCL, mode, attr);

	if (!error)
		mbox_close(fifo);
	return error;
}

static int run_mkfifo(struct arguments *args)
{
	struct mbox_attr attr = {
		.capacity = MBOX_PIPE_CAPACITY,
		.flags = MBOX_BYTE_STREAM,
	};
	mode_t mode = 0666;
	int code = EXIT_OK;
	int letter;
	char **name;

	while ((letter = next_option(args)) != -1) {
		if (letter == 'c') {
			attr.capacity = parse_stream_capacity(optarg);
			continue;
		}
		mode = parse_mode(optarg);
		umask(0);
	}
	for (name = args->argv; *name; name++)
		parse_name(*name);
	for (name = args->argv; *name; name++) {
		int error = make(*name, mode, &attr);

		if (error)
			code = explain_create(*name, "user_mailboxes", error);
	}
	return code;
}

static const struct option_text open_options[] = {
	{ 'i', "input", "NAME", "the FIFO that the program reads as standard input" },
	{ 'o', "output", "NAME", "the FIFO that the program writes as standard output" },
	{ 0 }
};

/* Waits for the other side. */
static void open_as(int at, const char *name, int oflag, const char *action)
{
	int fd = mbox_open_fifo(name, oflag);

	if (fd < 0)
		fail_on(name, action, fd);
	if (fd == at)
		return;
	if (dup2(fd, at) < 0)
		fail_errno(name);
	close(fd);
}

static int run_open(struct arguments *args)
{
	const char *input = NULL, *output = NULL;
	int letter;

	while ((letter = next_option(args)) != -1) {
		if (letter == 'i')
			input = parse_name(optarg);
		else
			output = parse_name(optarg);
	}
	if (!input && !output)
		fail_usage("no FIFO is given: name one by --input, or --output, or both");
	if (input)
		open_as(STDIN_FILENO, input, O_RDONLY, "read it");
	if (output)
		open_as(STDOUT_FILENO, output, O_WRONLY, "write it");
	exec_program(args->argv);
}

const struct command mkfifo_command = {
	.name = "mkfifo",
	.operands = "NAME...",
	.summary = "make FIFOs, pipes with a name",
	.text =
	"Make FIFOs: pipes for bytes that any program can read and write, which 'mbox open'\n"
	"opens by their name. A FIFO stays until 'mbox rm'; what is in it is gone when\n"
	"nobody has it open any more.\n",
	.example =
	"  mbox mkfifo /lines\n"
	"  mbox open --output=/lines -- seq 100 &\n"
	"  mbox open --input=/lines -- wc -l\n",
	.options = mkfifo_options,
	.least = 1,
	.most = -1,
	.run = run_mkfifo,
};

const struct command open_command = {
	.name = "open",
	.operands = "PROGRAM [ARG...]",
	.summary = "run a program that reads or writes a FIFO",
	.text =
	"Open FIFOs as the standard input and output of PROGRAM, and run that. As with\n"
	"a FIFO in a file system, this waits until the other side is open too; the reader\n"
	"comes to the end when no writer is left, and the writer is ended by SIGPIPE when\n"
	"no reader is. Put -- before a PROGRAM that has options.\n",
	.example =
	"  mbox open --input=/lines sort\n"
	"  mbox open -i /packed -o /plain -- gzip -dc\n",
	.options = open_options,
	.least = 1,
	.most = -1,
	.run = run_open,
};
