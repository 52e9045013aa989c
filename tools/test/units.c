// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * The parts of the command that need no module: what it reads out of
 * /proc/net/mbox, and how it writes things. Prints TAP.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "json.h"
#include "objects.h"
#include "table.h"

#define HEADER \
	"kind id mode uid gid capacity msgsize queued bytes senders receivers " \
	"wait_send wait_recv send_wait_ms recv_wait_ms send_wait_pid " \
	"recv_wait_pid sent name\n"

#define JOBS	"mailbox 7 0640 0 4 10 8192 8 1200 3 1 2 0 4100 0 77 0 11 jobs\n"
#define ALL	"broadcast 8 0600 0 0 unbounded 65536 12 99 0 1 0 1 0 350 0 9 11 all\n"
#define MEET	"mailbox 9 0666 1 1 0 16777216 0 0 0 0 0 0 0 0 0 0 11 meet\n"
#define TABLE	"segment 3 0444 0 0 - 65536 2 16384 - - - - - - - - - a\\040b\n"
#define LINES	"stream 12 0620 0 0 65536 0 12 12 1 2 0 1 0 350 0 9 11 lines\n"
#define NONAME	"mailbox 2 0600 0 0 1 1 0 0 1 1 0 0 0 0 0 0 11 -\n"

static int tests;
static int failures;

static void check(bool good, const char *what)
{
	tests++;
	failures += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", tests, what);
}

static void check_text(const char *got, const char *expected, const char *what)
{
	check(!strcmp(got, expected), what);
	if (strcmp(got, expected))
		printf("# got      '%s'\n# expected '%s'\n", got, expected);
}

static size_t parse(const char *text, struct objects *objects)
{
	FILE *file = fmemopen((char *)text, strlen(text), "r");
	size_t wrong = parse_objects(file, objects);

	fclose(file);
	return wrong;
}

static void test_parse(void)
{
	struct objects objects;
	struct object *o;

	check(!parse(HEADER NONAME TABLE MEET JOBS ALL, &objects), "a table is read");
	check(objects.count == 5, "all of it");
	o = objects.list;
	check_text(o[0].name, "/a b", "sorted by name, which is unescaped");
	check_text(o[1].name, "/all", "then the next");
	check_text(o[2].name, "/jobs", "then the next");
	check_text(o[3].name, "/meet", "then the next");
	check(!o[4].name, "the anonymous one is last");
	check(o[0].kind == MBOX_SEGMENT && o[0].msgsize == 65536 &&
	      o[0].queued == 2 && o[0].bytes == 16384 && o[0].mode == 0444,
	      "a segment's fields");
	check(o[2].kind == MBOX_MAILBOX && o[2].id == 7 && o[2].gid == 4 &&
	      o[2].capacity == 10 && o[2].queued == 8 && o[2].bytes == 1200 &&
	      o[2].senders == 3 && o[2].receivers == 1 &&
	      o[2].waiting_senders == 2 && !o[2].waiting_receivers &&
	      o[2].send_wait_ms == 4100 && !o[2].recv_wait_ms &&
	      o[2].send_wait_pid == 77 && !o[2].recv_wait_pid,
	      "a mailbox's fields");
	check(o[1].capacity == MBOX_UNBOUNDED, "no bound");
	check(o[1].broadcast && o[1].kind == MBOX_MAILBOX && !o[2].broadcast && !o[0].broadcast,
	      "a broadcast is a mailbox");
	keep_kind(&objects, MBOX_SEGMENT);
	check(objects.count == 1, "one kind alone");
	free_objects(&objects);
	check(!parse(HEADER LINES, &objects) && objects.count == 1, "a stream is read");
	o = objects.list;
	check(o->kind == MBOX_STREAM && o->capacity == 65536 && o->queued == 12 &&
	      o->bytes == 12 && o->senders == 1 && o->recv_wait_pid == 9,
	      "a stream's fields");
	free_objects(&objects);
}

static void test_refused(void)
{
	static const struct {
		const char *text;
		size_t line;
		const char *what;
	} tables[] = {
		{ "", 1, "no line" },
		{ JOBS, 1, "no header" },
		{ "kind id\n" JOBS, 1, "another header" },
		{ HEADER JOBS "mailbox 7\n", 3, "a line that is short" },
		{ HEADER "stream 7 0640 0 4 - 0 8 8 3 1 2 0 4 0 7 0 j\n", 2, "a stream without a capacity" },
		{ HEADER "pipe 7 0640 0 4 10 8192 8 1 3 1 2 0 4 0 7 0 j\n", 2, "an unknown kind" },
		{ HEADER "mailbox x 0640 0 4 10 8192 8 1 3 1 2 0 4 0 7 0 j\n", 2, "a word for a number" },
		{ HEADER "mailbox 7 0649 0 4 10 8192 8 1 3 1 2 0 4 0 7 0 0 j\n", 2, "a mode that is not octal" },
		{ HEADER "mailbox 7 0640 0 4 10 8192 8 1 3 1 2 0 4 0 7 0 0 j k\n", 2, "a word too much" },
		{ HEADER "mailbox 7 0640 0 4 10 8192 8 1 3 1 2 0 4 0 7 0 0 j\\9\n", 2, "an escape that is none" },
		{ HEADER "mailbox 7 0640 5000000000 4 10 8192 8 1 3 1 2 0 4 0 7 0 0 j\n", 2, "a number too high" },
		{ HEADER "mailbox 7 0640 0 4 - 8192 8 1 3 1 2 0 4 0 7 0 0 j\n", 2, "a mailbox without a capacity" },
		{ HEADER "mailbox -7 0640 0 4 10 8192 8 1 3 1 2 0 4 0 7 0 j\n", 2, "a negative number" },
	};
	struct objects objects;
	char what[80];
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		snprintf(what, sizeof(what), "refused: %s", tables[i].what);
		check(parse(tables[i].text, &objects) == tables[i].line, what);
		free_objects(&objects);
	}
}

static void test_table(void)
{
	struct objects objects;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	parse(HEADER TABLE MEET JOBS LINES ALL, &objects);
	print_table(out, &objects, 0);
	print_table(out, &objects, 3);
	fclose(out);
	check(strstr(text, "########.. 8/10") && strstr(text, "##........ 16K/64K"),
	      "bars of what is full");
	check(strstr(text, "unbounded  12") && strstr(text, "rendezvous"),
	      "no bars where there is no bound, or no room");
	check(strstr(text, "/lines  #......... 12/64K") &&
	      strstr(text, "stream           -  rw--w----"), "a stream, in bytes");
	check(strstr(text, "3, 2 wait 4.1s (pid 77)") &&
	      strstr(text, "1, 1 waits 350ms (pid 9)"), "who waits, for how long");
	check(strstr(text, "\n/jobs  ") && strstr(text, "\n/j~   ##"),
	      "names, cut where it is asked for");
	check(strstr(text, "rw-r-----") && strstr(text, "1.2K") &&
	      strstr(text, "2 mapped"), "mode, bytes, mappings");
	free(text);
	free_objects(&objects);
}

static void test_texts(void)
{
	char text[80];

	size_text(text, 1023);
	check_text(text, "1023", "a size in bytes");
	size_text(text, 1536);
	check_text(text, "1.5K", "a size with a fraction");
	size_text(text, 16777216);
	check_text(text, "16M", "a round size");
	size_text(text, UINT64_MAX);
	check_text(text, "16E", "the largest size");
	time_text(text, 999);
	check_text(text, "999ms", "milliseconds");
	time_text(text, 4150);
	check_text(text, "4.1s", "seconds");
	time_text(text, 123000);
	check_text(text, "2m03s", "minutes");
	time_text(text, 3900000);
	check_text(text, "1h05m", "hours");
	time_text(text, 273600000);
	check_text(text, "3d04h", "days");
	bar_text(text, 1, 1000);
	check_text(text, "#.........", "a little shows");
	bar_text(text, 999, 1000);
	check_text(text, "#########.", "not quite full");
	bar_text(text, 12, 10);
	check_text(text, "##########", "more than full, after it shrank");
	mode_text(text, 0640);
	check_text(text, "0640 (rw-r-----)", "a mode");
	check_text(shown("a\n\x1b[1m"), "/a\\012\\033[1m", "control characters in a name");
	check_text(shown("/\xc3\xa9\xc2\x9b"), "/\xc3\xa9\xc2\\233", "UTF-8 in a name, and a C1 control");
}

/* Compare what add_bytes() makes of some bytes. */
static void check_bytes(const char *data, size_t length, const char *expected,
			const char *what)
{
	struct json_object *to = new_json();

	add_bytes(to, "d", data, length);
	check_text(json_object_to_json_string_ext(to, JSON_C_TO_STRING_PLAIN),
		   expected, what);
	json_object_put(to);
}

static void test_json(void)
{
	check_bytes("", 0, "{\"d\":\"\"}", "JSON: an empty message");
	check_bytes("a\0\"b", 4, "{\"d\":\"a\\u0000\\\"b\"}", "JSON: NUL and a quote");
	check_bytes("\xc3\xa9\xf0\x9f\x98\x80", 6,
		    "{\"d\":\"\xc3\xa9\xf0\x9f\x98\x80\"}", "JSON: UTF-8");
	check_bytes("\xff", 1, "{\"d_base64\":\"\\/w==\"}", "JSON: one other byte");
	check_bytes("ab\xff", 3, "{\"d_base64\":\"YWL\\/\"}", "JSON: three");
	check_bytes("abc\xc3", 4, "{\"d_base64\":\"YWJjww==\"}", "JSON: UTF-8 cut off");
	check_bytes("\xc0\x80", 2, "{\"d_base64\":\"wIA=\"}", "JSON: an overlong form");
	check_bytes("\xed\xa0\x80", 3, "{\"d_base64\":\"7aCA\"}", "JSON: a surrogate");
	check_bytes("\xf4\x90\x80\x80", 4, "{\"d_base64\":\"9JCAgA==\"}", "JSON: beyond Unicode");
}

int main(void)
{
	printf("TAP version 13\n");
	test_parse();
	test_refused();
	test_table();
	test_texts();
	test_json();
	printf("1..%d\n", tests);
	return failures != 0;
}
