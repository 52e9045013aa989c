// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "fail.h"
#include "json.h"
#include "output.h"

void read_output_option(int letter, enum output *output)
{
	switch (letter) {
	case '0':
		*output = OUTPUT_NULL;
		break;
	case 'r':
		*output = OUTPUT_RAW;
		break;
	case 'j':
		*output = OUTPUT_JSON;
		break;
	}
}

static void print_message_json(const char *name,
			       const struct mbox_message *message)
{
	struct json_object *to = new_json();

	add_name(to, name);
	add_bytes(to, "data", message->data, message->length);
	add_number(to, "length", message->length);
	add_number(to, "prio", message->prio);
	add_number(to, "tag", message->tag);
	add_number(to, "pid", message->pid);
	add_number(to, "uid", message->uid);
	add_number(to, "gid", message->gid);
	add_number(to, "missed", message->missed);
	add_number(to, "deliveries", message->deliveries);
	add_number(to, "sequence", message->sequence);
	add_number(to, "descriptors", message->nr_fds);
	print_json(to);
}

void print_message(const char *name, const struct mbox_message *message,
		   enum output output)
{
	if (output == OUTPUT_JSON) {
		print_message_json(name, message);
	} else {
		fwrite(message->data, 1, message->length, stdout);
		if (output != OUTPUT_RAW)
			putchar(output == OUTPUT_NULL ? '\0' : '\n');
	}
	finish_output();
}

static void *watch_reader(void *unused)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	(void)unused;
	/* No event is asked for: what comes is POLLERR or one of its kind. */
	while (poll(&out, 1, -1) <= 0)
		;
	kill(getpid(), SIGPIPE);
	return NULL;
}

void follow_reader(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, watch_reader, NULL);

	if (error) {
		errno = error;
		fail_errno("thread");
	}
	pthread_detach(thread);
}
