/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The mbox command: what its subcommands are made of.
 *
 * A subcommand is a struct command and one run function. It either does what
 * was asked or ends the process through fail.h, so run functions read straight.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct option_text - an option of a subcommand, as parsed and as explained
 * @letter: the short form
 * @name: the long form
 * @argument: what its argument is called, or NULL if it takes none
 * @help: one line
 */
struct option_text {
	char letter;
	const char *name;
	const char *argument;
	const char *help;
};

struct arguments;

/**
 * struct command - a subcommand
 * @name: one word, or "seg" and one more
 * @operands: as shown after the options, or ""
 * @summary: one line for the list of commands
 * @text: what --help teaches, in lines
 * @example: lines that can be typed
 * @options: ended by an entry without a name; --help is there always
 * @least: operands, at least
 * @most: operands, at most; -1 for any number
 * @run: returns the exit code
 * @main: instead of @text and all that follows, if it reads its own options
 */
struct command {
	const char *name;
	const char *operands;
	const char *summary;
	const char *text;
	const char *example;
	const struct option_text *options;
	int least;
	int most;
	int (*run)(struct arguments *args);
	int (*main)(int argc, char **argv);
};

/**
 * struct arguments - the command line of a subcommand
 * @command: which
 * @argc: operands, once next_option() has returned -1
 * @argv: these operands, ended by NULL
 */
struct arguments {
	const struct command *command;
	int argc;
	char **argv;
};

#define JSON_OPTION { 'j', "json", NULL, "print JSON, one value a line" }

/* The next option's letter, its argument in optarg; -1 after the last. */
int next_option(struct arguments *args);

/* For subcommands whose only option is --json. */
bool only_json(struct arguments *args);

/* For subcommands without options. */
void no_options(struct arguments *args);

void print_command_help(const struct command *command);

extern const struct command create_command;
extern const struct command ls_command;
extern const struct command stat_command;
extern const struct command send_command;
extern const struct command recv_command;
extern const struct command peek_command;
extern const struct command call_command;
extern const struct command serve_command;
extern const struct command save_command;
extern const struct command restore_command;
extern const struct command resize_command;
extern const struct command dead_letter_command;
extern const struct command chmod_command;
extern const struct command chown_command;
extern const struct command rm_command;
extern const struct command mkfifo_command;
extern const struct command open_command;
extern const struct command pipe_command;
extern const struct command nc_command;
extern const struct command run_command;
extern const struct command bridge_command;
extern const struct command watch_command;
extern const struct command bench_command;
extern const struct command seg_create_command;
extern const struct command seg_ls_command;
extern const struct command seg_stat_command;
extern const struct command seg_resize_command;
extern const struct command seg_seal_command;
extern const struct command seg_read_command;
extern const struct command seg_write_command;
extern const struct command seg_rm_command;

#endif /* COMMAND_H */
