// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * The table of 'mbox ls', alive.
 */
#include <curses.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "fail.h"
#include "format.h"
#include "json.h"
#include "table.h"

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL

static const struct option_text options[] = {
	{ 'i', "interval", "SECONDS", "time between two looks (1)" },
	{ 'j', "json", NULL, "print JSON, the table as a line at each look" },
	{ 0 }
};

/**
 * struct view - what of the table is on the screen
 * @top: the first row
 * @rows: in the table
 * @room: rows that the screen has for it
 */
struct view {
	int top;
	int rows;
	int room;
};

static void draw_title(const struct view *view, uint64_t interval)
{
	char time[TIME_TEXT];

	time_text(time, interval / NSEC_PER_MSEC);
	mvprintw(0, 0, "mbox watch   every %s   %d objects", time, view->rows);
	if (view->rows > view->room)
		printw("   from %d, arrows move", view->top + 1);
	printw("   q leaves");
	clrtoeol();
}

/* A line of the table; somebody waits where it says so. */
static void draw_line(int y, const char *line, bool titles)
{
	attr_t look = A_NORMAL;

	if (titles)
		look = A_REVERSE;
	else if (strstr(line, " wait"))
		look = A_BOLD;
	attron(look);
	mvaddnstr(y, 0, line, COLS);
	clrtoeol();
	attroff(look);
}

static void clamp(struct view *view)
{
	view->room = LINES - 2 > 1 ? LINES - 2 : 1;
	if (view->top > view->rows - view->room)
		view->top = view->rows - view->room;
	if (view->top < 0)
		view->top = 0;
}

static void draw(struct view *view, char *table, uint64_t interval)
{
	char *line;
	int row;

	clamp(view);
	draw_title(view, interval);
	draw_line(1, strsep(&table, "\n"), true);
	for (row = 0; row < view->rows; row++) {
		line = strsep(&table, "\n");
		if (row >= view->top && row < view->top + view->room)
			draw_line(2 + row - view->top, line, false);
	}
	clrtobot();
	refresh();
}

static void look(struct view *view, uint64_t interval)
{
	struct objects objects;
	char *table;
	size_t size;
	FILE *out = open_memstream(&table, &size);

	if (!out)
		fail_errno("memory");
	read_objects(&objects);
	print_table(out, &objects, COLS > 60 ? COLS / 3 : 20);
	fclose(out);
	view->rows = objects.count;
	draw(view, table, interval);
	free_objects(&objects);
	free(table);
}

/* False when it is time to leave. */
static bool handle_key(struct view *view, int key)
{
	switch (key) {
	case 'q':
		return false;
	case KEY_UP:
		view->top--;
		break;
	case KEY_DOWN:
		view->top++;
		break;
	case KEY_PPAGE:
		view->top -= view->room;
		break;
	case KEY_NPAGE:
		view->top += view->room;
		break;
	}
	return true;
}

static void end_screen(void)
{
	endwin();
}

static void start_screen(uint64_t interval)
{
	const char *type = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		fail_usage("this is no terminal: use 'mbox ls', or --json");
	if (!newterm(NULL, stdout, stdin))
		fail(EXIT_OTHER, "the terminal type '%s' is not known: set TERM to another, as in TERM=vt100",
		     type ? type : "");
	set_leave(end_screen);
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	timeout(interval / NSEC_PER_MSEC);
}

static void watch_screen(uint64_t interval)
{
	struct view view = { 0 };

	start_screen(interval);
	do {
		look(&view, interval);
	} while (handle_key(&view, getch()));
	end_screen();
}

static void watch_json(uint64_t interval)
{
	const struct timespec pause = {
		.tv_sec = interval / NSEC_PER_SEC,
		.tv_nsec = interval % NSEC_PER_SEC,
	};

	for (;;) {
		struct objects objects;

		read_objects(&objects);
		print_json(table_json(&objects));
		finish_output();
		free_objects(&objects);
		nanosleep(&pause, NULL);
	}
}

static int run(struct arguments *args)
{
	uint64_t interval = NSEC_PER_SEC;
	bool json = false;
	int letter;

	while ((letter = next_option(args)) != -1) {
		if (letter == 'i')
			interval = parse_seconds(optarg);
		else
			json = true;
	}
	if (interval < NSEC_PER_SEC / 20 || interval > 3600 * NSEC_PER_SEC)
		fail_usage("the interval is from 0.05 to 3600 seconds");
	if (json)
		watch_json(interval);
	watch_screen(interval);
	return EXIT_OK;
}

const struct command watch_command = {
	.name = "watch",
	.operands = "",
	.summary = "show the list alive in the terminal",
	.text =
	"Show the table of 'mbox ls' and keep it up to date. Rows where somebody waits\n"
	"are bold; the arrow and page keys move; q leaves.\n",
	.example = "  mbox watch --interval=0.5\n",
	.options = options,
	.run = run,
};
