// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbox/mbox.h>

#include "fail.h"
#include "format.h"

#define NSEC_PER_SEC 1000000000ULL

static const char units[] = "KMGTPE";

void size_text(char text[SIZE_TEXT], uint64_t bytes)
{
	double value = bytes;
	int unit = -1;

	while (value >= 1024 && units[unit + 1]) {
		value /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(text, SIZE_TEXT, "%" PRIu64, bytes);
	else if (value < 10 && value != (int)value)
		snprintf(text, SIZE_TEXT, "%.1f%c", value, units[unit]);
	else
		snprintf(text, SIZE_TEXT, "%.0f%c", value, units[unit]);
}

void time_text(char text[TIME_TEXT], uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (ms < 1000)
		snprintf(text, TIME_TEXT, "%" PRIu64 "ms", ms);
	else if (s < 60)
		snprintf(text, TIME_TEXT, "%" PRIu64 ".%us", s,
			 (unsigned int)(ms % 1000 / 100));
	else if (s < 3600)
		snprintf(text, TIME_TEXT, "%um%02us", (unsigned int)s / 60,
			 (unsigned int)s % 60);
	else if (s < 86400)
		snprintf(text, TIME_TEXT, "%uh%02um", (unsigned int)s / 3600,
			 (unsigned int)s / 60 % 60);
	else
		snprintf(text, TIME_TEXT, "%" PRIu64 "d%02uh", s / 86400,
			 (unsigned int)(s / 3600 % 24));
}

void permissions_text(char text[MODE_TEXT], mode_t mode)
{
	int bit;

	for (bit = 0; bit < 9; bit++)
		text[bit] = mode & 0400 >> bit ? "rwx"[bit % 3] : '-';
	text[bit] = '\0';
}

void mode_text(char text[MODE_TEXT], mode_t mode)
{
	char permissions[MODE_TEXT];

	permissions_text(permissions, mode);
	snprintf(text, MODE_TEXT, "%04o (%.9s)", (unsigned int)mode & 07777,
		 permissions);
}

void owner_text(char text[OWNER_TEXT], uid_t uid, gid_t gid)
{
	struct passwd *user = getpwuid(uid);
	struct group *group = getgrgid(gid);
	int used;

	if (user)
		used = snprintf(text, OWNER_TEXT, "%.32s:", user->pw_name);
	else
		used = snprintf(text, OWNER_TEXT, "%u:", uid);
	if (group)
		snprintf(text + used, OWNER_TEXT - used, "%.32s", group->gr_name);
	else
		snprintf(text + used, OWNER_TEXT - used, "%u", gid);
}

void bar_text(char text[BAR_TEXT], uint64_t used, uint64_t room)
{
	const int width = BAR_TEXT - 1;
	int filled = width;

	/* What is not empty shows, and only what is full looks full. */
	if (used < room) {
		filled = (double)used / room * width;
		if (used && !filled)
			filled = 1;
	}
	memset(text, '#', filled);
	memset(text + filled, '.', width - filled);
	text[width] = '\0';
}

/* C0, DEL, and the second byte of a C1 control in UTF-8. */
static bool is_control(unsigned char byte, unsigned char before)
{
	return byte < 0x20 || byte == 0x7f ||
	       (before == 0xc2 && byte >= 0x80 && byte < 0xa0);
}

const char *shown(const char *name)
{
	static char buffers[4][4 * MBOX_NAME_MAX + 2];
	static unsigned int next;
	char *start = buffers[next++ % 4];
	char *out = start;

	*out++ = '/';
	name += *name == '/';
	for (; *name && out < start + sizeof(buffers[0]) - 5; name++) {
		if (is_control(*name, out[-1]))
			out += sprintf(out, "\\%03o", (unsigned char)*name);
		else
			*out++ = *name;
	}
	*out = '\0';
	return start;
}

const char *shown_process(pid_t pid)
{
	static char text[32];

	snprintf(text, sizeof(text), "process %d", pid);
	return text;
}

const char *parse_name(const char *text)
{
	const char *name = text + (*text == '/');

	if (!*name || strchr(name, '/') || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		fail_usage("'%s' is no name: it is like /jobs, with no other slash",
			   text);
	if (strlen(name) > MBOX_NAME_MAX)
		fail(EXIT_TOO_LARGE, "the name has %zu bytes, more than the limit of %d",
		     strlen(name), MBOX_NAME_MAX);
	return text;
}

uint64_t parse_number(const char *text, const char *what, uint64_t most)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (!isdigit((unsigned char)*text) || *end)
		fail_usage("'%s' is no %s: it is a number", text, what);
	if (errno || number > most)
		fail_usage("%s is too high a %s: the limit is %" PRIu64, text,
			   what, most);
	return number;
}

pid_t parse_pid(const char *text)
{
	pid_t pid = parse_number(text, "process id", INT_MAX);

	if (!pid)
		fail_usage("'%s' is no process id", text);
	return pid;
}

uint64_t parse_size(const char *text, const char *what, uint64_t most)
{
	unsigned long long number;
	const char *unit = NULL;
	char limit[SIZE_TEXT];
	char *end;
	int shift = 0;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (*end)
		unit = strchr(units, toupper((unsigned char)*end));
	if (unit)
		shift = 10 * (unit - units + 1);
	if (!isdigit((unsigned char)*text) || (*end && (!unit || end[1])))
		fail_usage("'%s' is no %s: it is a number of bytes, as 8192, 64K or 1M",
			   text, what);
	if (errno || number > most >> shift) {
		size_text(limit, most);
		fail(EXIT_TOO_LARGE, "%s is too large a %s: the limit is %s (%" PRIu64 " bytes)",
		     text, what, limit, most);
	}
	return number << shift;
}

uint64_t parse_capacity(const char *text)
{
	if (!strcmp(text, "unbounded"))
		return MBOX_UNBOUNDED;
	if (!isdigit((unsigned char)*text))
		fail_usage("'%s' is no capacity: it is a number of messages, 0 for rendezvous, or 'unbounded'",
			   text);
	if (isalpha((unsigned char)text[strlen(text) - 1]))
		return parse_stream_capacity(text);
	return parse_number(text, "capacity", MBOX_UNBOUNDED - 1);
}

uint64_t parse_stream_capacity(const char *text)
{
	uint64_t bytes = parse_size(text, "capacity", MBOX_STREAM_MAX);

	if (bytes < MBOX_PIPE_BUF)
		fail_usage("%s is too low a capacity: a FIFO holds at least %d bytes",
			   text, MBOX_PIPE_BUF);
	return bytes;
}

uint64_t parse_seconds(const char *text)
{
	double seconds;
	char *end;

	seconds = strtod(text, &end);
	if (!isdigit((unsigned char)*text) || *end || seconds > 1e9)
		fail_usage("'%s' is no time: it is a number of seconds, as 2 or 0.5",
			   text);
	return seconds * NSEC_PER_SEC;
}

mode_t parse_mode(const char *text)
{
	unsigned long mode;
	char *end;

	mode = strtoul(text, &end, 8);
	if (!isdigit((unsigned char)*text) || *end || mode > 0777)
		fail_usage("'%s' is no mode: it is octal, as 600 or 0660 (r: receive or read, w: send or write)",
			   text);
	return mode;
}
