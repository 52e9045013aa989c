// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <errno.h>
#include <inttypes.h>
#include <json-c/json_object.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "format.h"
#include "json.h"
#include "objects.h"
#include "waits.h"

#define WAITS_FILE	"/proc/net/mbox_waits"
#define HEADER		"pid in id ms for name\n"

struct wait {
	int pid;
	char in[16];
	uint64_t id;
	uint64_t ms;
	int whom;
	char *name;
};

static bool parse_wait(const char *line, struct wait *wait)
{
	char *word = NULL;
	bool ok = sscanf(line, "%d %15s %" SCNu64 " %" SCNu64 " %d %ms", &wait->pid,
			 wait->in, &wait->id, &wait->ms, &wait->whom, &word) == 6 &&
		  parse_table_name(word, &wait->name);

	free(word);
	return ok;
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

static void print_line(const char *line, bool json)
{
	struct wait wait;

	if (!parse_wait(line, &wait))
		fail(EXIT_OTHER, WAITS_FILE " cannot be read: are module and command of one version?");
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
	if (getline(&line, &size, file) == -1 || strcmp(line, HEADER))
		fail(EXIT_OTHER, WAITS_FILE " cannot be read: are module and command of one version?");
	if (!json)
		puts("PROCESS  IN           FOR  SINCE    AT");
	while (getline(&line, &size, file) != -1)
		print_line(line, json);
	free(line);
	fclose(file);
}
