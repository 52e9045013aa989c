// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * mbox-bridge DIRECTION MAILBOX SUBJECT STREAM SERVER [CREDENTIALS]: the mbox command
 * has read the options and starts this, so that nothing else needs libnats.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bridge.h"
#include "fail.h"

static volatile sig_atomic_t stop;
static int events[2];

/* There is room for far more than is ever under way. */
void tell(enum happening what, uint64_t number)
{
	struct event event = { .what = what, .number = number };

	if (write(events[1], &event, sizeof(event)) != sizeof(event))
		_exit(EXIT_OTHER);
}

int event_fd(void)
{
	return events[0];
}

bool stopping(void)
{
	return stop;
}

void nap(unsigned int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

void mention(const char *format, ...)
{
	static __thread char last[512];
	static __thread uint64_t when;
	char text[sizeof(last)];
	uint64_t now = mbox_deadline_in(0);
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!strcmp(text, last) && now - when < 60000000000)
		return;
	strcpy(last, text);
	when = now;
	complain("%s", text);
}

static void on_signal(int signal)
{
	(void)signal;
	stop = 1;
	tell(STOP, 0);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (pipe2(events, O_CLOEXEC | O_NONBLOCK))
		fail_errno("a pipe");
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static void open_mailbox(struct bridge *bridge, bool out)
{
	int error = mbox_open(&bridge->mailbox, bridge->name, out ? O_RDONLY : O_WRONLY);

	if (error)
		fail_on(bridge->name, out ? "receive from it" : "send to it", error);
}

int main(int argc, char **argv)
{
	struct bridge bridge = { 0 };
	bool out;

	set_failing("mbox bridge");
	if (argc < 6)
		fail(EXIT_USAGE, "'mbox bridge' starts this");
	out = !strcmp(argv[1], "out");
	bridge.name = argv[2];
	bridge.subject = argv[3];
	bridge.stream = argv[4];
	bridge.url = argv[5];
	bridge.credentials = argv[6];
	catch_signals();
	open_mailbox(&bridge, out);
	return out ? bridge_out(&bridge) : bridge_in(&bridge);
}
