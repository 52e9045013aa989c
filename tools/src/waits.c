// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <json-c/json_object.h>
#include <stdio.h>
#include <stdlib.h>

#include "columns.h"
#include "fail.h"
#include "format.h"
#include "json.h"
#include "waits.h"

#define WAITS_FILE	"/proc/net/mbox_waits"

/* What the line has: @in is a word of it. */
struct wait {
	pid_t pid;
	const char *in;
	uint64_t id;
	uint64_t ms;
	pid_t whom;
	char *name;
};

static bool parse_wait(char *line, struct wait *wait)
{
	return next_pid(&line, &wait->pid) && (wait->in = next_word(&line)) &&
	       next_number(&line, 10, UINT64_MAX, &wait->id) &&
	       next_number(&line, 10, UINT64_MAX, &wait->ms) &&
	       next_pid(&line, &wait->whom) &&
	       next_name(&line, &wait->name) && !next_word(&line);
}

static void print_wait(const struct wait *wait)
{
	char time[TIME_TEXT];
	char whom[16] = "-";

	time_text(time, wait->ms);
	if (wait->whom)
		snprintf(whom, sizeof(whom), "%d", wait->whom);
	printf("%7d  %-7s  %7s  %7s  %s\n", wait->pid, wait->in, whom, time,
	       wait->name ? shown(wait->name) : "-");
}

static void print_wait_json(const struct wait *wait)
{
	struct json_object *value = new_json();

	add_number(value, "pid", wait->pid);
	add_text(value, "in", wait->in);
	add_limit(value, "for", wait->whom, 0);
	add_number(value, "wait_ms", wait->ms);
	add_number(value, "id", wait->id);
	add_name(value, wait->name);
	print_json(value);
}

static noreturn void fail_unreadable(void)
{
	fail(EXIT_OTHER, WAITS_FILE " cannot be read: are module and command of one version?");
}

static void print_line(char *line, bool json)
{
	struct wait wait;

	if (!parse_wait(line, &wait))
		fail_unreadable();
	if (json)
		print_wait_json(&wait);
	else
		print_wait(&wait);
	free(wait.name);
}

void print_waits(bool json)
{
	FILE *file = fopen(WAITS_FILE, "re");
	char *line = NULL;
	size_t size = 0;

	if (!file && errno == ENOENT)
		fail_on("", "list", -ENODEV);
	if (!file)
		fail_errno(WAITS_FILE);
	if (getline(&line, &size, file) == -1 ||
	    !is_heading(line, "pid in id ms for name"))
		fail_unreadable();
	if (!json)
		puts("PROCESS  IN           FOR  SINCE    AT");
	while (getline(&line, &size, file) != -1)
		print_line(line, json);
	free(line);
	fclose(file);
}
