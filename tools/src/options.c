// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "fail.h"

/* More than any subcommand has. */
#define OPTIONS_MAX 16

static const struct option_text help_option = {
	'h', "help", NULL, "print this help"
};

static void add_option(struct option *to, char **letters,
		       const struct option_text *option)
{
	to->name = option->name;
	to->has_arg = option->argument ? required_argument : no_argument;
	to->val = (unsigned char)option->letter;
	*(*letters)++ = option->letter;
	if (option->argument)
		*(*letters)++ = ':';
}

static void check_operands(struct arguments *args)
{
	const struct command *command = args->command;

	if (args->argc < command->least)
		fail_usage("too little is given: it takes %s", command->operands);
	if (command->most >= 0 && args->argc > command->most)
		fail_usage("'%s' is too much: it takes %s",
			   args->argv[command->most],
			   *command->operands ? command->operands : "nothing");
}

int next_option(struct arguments *args)
{
	const struct option_text *option = args->command->options;
	struct option options[OPTIONS_MAX] = { 0 };
	char text[2 * OPTIONS_MAX + 2] = ":";
	char *letters = text + 1;
	int i = 0;
	int letter;

	for (; option && option->name; option++)
		add_option(&options[i++], &letters, option);
	add_option(&options[i], &letters, &help_option);

	opterr = 0;
	letter = getopt_long(args->argc, args->argv, text, options, NULL);
	switch (letter) {
	case 'h':
		print_command_help(args->command);
		finish_output();
		exit(EXIT_OK);
	case '?':
		if (optopt && !strchr(text, optopt))
			fail_usage("there is no option -%c", optopt);
		fail_usage("'%s' is not an option here", args->argv[optind - 1]);
	case ':':
		fail_usage("%s needs an argument", args->argv[optind - 1]);
	case -1:
		args->argc -= optind;
		args->argv += optind;
		check_operands(args);
	}
	return letter;
}

bool only_json(struct arguments *args)
{
	bool json = false;

	while (next_option(args) != -1)
		json = true;
	return json;
}

void no_options(struct arguments *args)
{
	next_option(args);
}

static void print_option(const struct option_text *option)
{
	char text[40];

	snprintf(text, sizeof(text), "-%c, --%s%s%s", option->letter,
		 option->name, option->argument ? "=" : "",
		 option->argument ? option->argument : "");
	printf("  %-25s %s\n", text, option->help);
}

void print_command_help(const struct command *command)
{
	const struct option_text *option = command->options;

	printf("Usage: mbox %s [OPTION...]%s%s\n\n%s\n", command->name,
	       *command->operands ? " " : "", command->operands, command->text);
	printf("Options:\n");
	for (; option && option->name; option++)
		print_option(option);
	print_option(&help_option);
	printf("\nExample:\n%s", command->example);
}
