// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * mbox: mailboxes, pipes and shared segments from the command line.
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include <mbox/mbox.h>

#include "command.h"
#include "fail.h"

/* In the order in which a person meets them. */
static const struct command *const commands[] = {
	&create_command,
	&ls_command,
	&stat_command,
	&send_command,
	&recv_command,
	&peek_command,
	&call_command,
	&serve_command,
	&save_command,
	&restore_command,
	&resize_command,
	&dead_letter_command,
	&chmod_command,
	&chown_command,
	&rm_command,
	&mkfifo_command,
	&open_command,
	&pipe_command,
	&nc_command,
	&run_command,
	&bridge_command,
	&seg_create_command,
	&seg_ls_command,
	&seg_stat_command,
	&seg_resize_command,
	&seg_seal_command,
	&seg_read_command,
	&seg_write_command,
	&seg_rm_command,
	&watch_command,
	&bench_command,
};

#define SEG "seg"
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static bool in_family(const struct command *command, const char *family)
{
	size_t length = strlen(family);

	return !length || (!strncmp(command->name, family, length) &&
			   command->name[length] == ' ');
}

/* The subcommands, all or those of a family. */
static void print_commands(const char *family)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (in_family(commands[i], family))
			printf("  %-12s %s\n", commands[i]->name,
			       commands[i]->summary);
}

static void print_help(void)
{
	printf("Usage: mbox COMMAND [OPTION...] [ARGUMENT...]\n\n"
	       "Mailboxes pass messages between processes, FIFOs pass bytes, segments are memory\n"
	       "that they share. All have names such as /jobs and live in the kernel until they\n"
	       "are removed.\n\n"
	       "Commands:\n");
	print_commands("");
	printf("  %-12s %s\n\n", "help", "explain a command: 'mbox help send', as 'mbox send --help'");
	printf("Try it:\n"
	       "  mbox create --capacity=10 /jobs      # a mailbox that holds ten messages\n"
	       "  seq 100 | mbox send /jobs &          # each line is a message; waits when full\n"
	       "  mbox ls                              # how full it is, and who waits\n"
	       "  mbox recv --count=100 /jobs          # each message is a line\n"
	       "  mbox rm /jobs\n\n"
	       "Options:\n"
	       "  -h, --help                print this help\n"
	       "  -V, --version             print the version\n\n"
	       "Exit codes:\n%s", exit_codes_text);
}

static void print_family_help(const char *family)
{
	printf("Usage: mbox %s COMMAND [OPTION...] [ARGUMENT...]\n\n"
	       "Segments are memory that processes share.\n\nCommands:\n", family);
	print_commands(family);
}

static noreturn void no_command(const char *given, const char *family)
{
	if (*family)
		set_failing("mbox " SEG);
	if (given)
		fail_usage("'%s' is not a command", given);
	fail_usage("no command is given");
}

static const struct command *find_command(char **argv)
{
	char words[64];
	size_t i;

	if (argv[1] && !strcmp(argv[0], SEG))
		snprintf(words, sizeof(words), SEG " %s", argv[1]);
	else
		snprintf(words, sizeof(words), "%s", argv[0]);
	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(words, commands[i]->name))
			return commands[i];
	return NULL;
}

static int start_command(const struct command *command, int argc, char **argv)
{
	static char failing[64];
	int skip = strchr(command->name, ' ') ? 1 : 0;
	struct arguments args = {
		.command = command,
		.argc = argc - skip,
		.argv = argv + skip,
	};

	snprintf(failing, sizeof(failing), "mbox %s", command->name);
	set_failing(failing);
	if (command->main)
		return command->main(argc, argv);
	return command->run(&args);
}

/* The family itself: all that can be asked of it is help. */
static int run_family(char **argv)
{
	if (!argv[1] || (strcmp(argv[1], "--help") && strcmp(argv[1], "-h")))
		no_command(argv[1], argv[0]);
	print_family_help(argv[0]);
	return EXIT_OK;
}

static int run_help(char **argv)
{
	const struct command *command;
	char *help[] = { NULL, "--help", NULL };

	if (!argv[0]) {
		print_help();
		return EXIT_OK;
	}
	if (!strcmp(argv[0], SEG) && !argv[1]) {
		print_family_help(SEG);
		return EXIT_OK;
	}
	command = find_command(argv);
	if (!command)
		no_command(argv[0], "");
	if (!command->main) {
		print_command_help(command);
		return EXIT_OK;
	}
	help[0] = argv[0];
	return command->main(2, help);
}

static int run(int argc, char **argv)
{
	const struct command *command;

	if (!argc)
		no_command(NULL, "");
	command = find_command(argv);
	if (command)
		return start_command(command, argc, argv);
	if (!strcmp(argv[0], SEG))
		return run_family(argv);
	if (!strcmp(argv[0], "help"))
		return run_help(argv + 1);
	if (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))
		return run_help(argv + argc);
	if (strcmp(argv[0], "--version") && strcmp(argv[0], "-V"))
		no_command(argv[0], "");
	printf("mbox %s\n", mbox_version());
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	int code;

	setlocale(LC_CTYPE, "");
	code = run(argc - 1, argv + 1);
	finish_output();
	return code;
}
