// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * mboxrpcbind: tells clients of RPC where servers are, which have told it.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "loop.h"
#include "registry.h"
#include "transports.h"

#define FOLDER	"/run/mboxrpcbind"
#define STATE	FOLDER "/table.json"

static const char help[] =
	"Usage: mboxrpcbind [OPTION...]\n\n"
	"Tells clients of RPC where servers are that have registered here, by the rpcbind\n"
	"protocol, on port 111 of TCP and UDP, on the local socket, and at the mailbox rpc:111.\n\n"
	"Options:\n"
	"  -d, --daemon              go into the background once it answers\n"
	"  -r, --register            leave sockets to the system's rpcbind, and tell it of servers\n"
	"  -s, --state=FILE          keep the table there (" STATE ")\n"
	"  -h, --help                print this help\n"
	"  -V, --version             print the version\n";

struct options {
	const char *state;
	bool daemon;
	bool forward;
};

static void parse_options(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		{ "daemon", no_argument, NULL, 'd' },
		{ "register", no_argument, NULL, 'r' },
		{ "state", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "drs:hV", table, NULL)) != -1) {
		switch (option) {
		case 'd':
			options->daemon = true;
			break;
		case 'r':
			options->forward = true;
			break;
		case 's':
			options->state = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			printf("mboxrpcbind %s\n", mbox_version());
			exit(EXIT_SUCCESS);
		default:
			exit(2);
		}
	}
	if (optind < argc) {
		warnx("'%s' is too much: it takes options only", argv[optind]);
		exit(2);
	}
}

static void make_folder(void)
{
	if (mkdir(FOLDER, 0755) && errno != EEXIST)
		err(EXIT_FAILURE, FOLDER);
}

/* Who has started it goes on now, and finds it ready. */
static void tell_ready(const struct options *options)
{
	if (options->daemon) {
		if (daemon(0, 0))
			err(EXIT_FAILURE, "daemon");
		return;
	}
	puts("ready");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct options options = { .state = STATE };

	parse_options(argc, argv, &options);
	if (!strcmp(options.state, STATE))
		make_folder();
	loop_prepare();
	if (options.forward) {
		registry_forward();
		transports_open_mailbox();
	} else {
		transports_open();
	}
	registry_restore(options.state);
	tell_ready(&options);
	loop();
	if (!options.forward)
		transports_close();
	return EXIT_SUCCESS;
}
