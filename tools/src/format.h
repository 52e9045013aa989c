/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Numbers, names and times as a person reads and writes them.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Room for the texts below, with their NUL. */
#define SIZE_TEXT	16
#define TIME_TEXT	24
#define MODE_TEXT	24
#define OWNER_TEXT	80
#define BAR_TEXT	11

/* 800, 1.2K, 64K, 3.0M: bytes in powers of 1024. */
void size_text(char text[SIZE_TEXT], uint64_t bytes);

/* 350ms, 4.1s, 2m03s, 1h05m, 3d04h. */
void time_text(char text[TIME_TEXT], uint64_t ms);

/* rw-r--r-- */
void permissions_text(char text[MODE_TEXT], mode_t mode);

/* 0644 (rw-r--r--) */
void mode_text(char text[MODE_TEXT], mode_t mode);

/* root:adm, by number where there is no name */
void owner_text(char text[OWNER_TEXT], uid_t uid, gid_t gid);

/* ####...... */
void bar_text(char text[BAR_TEXT], uint64_t used, uint64_t room);

/**
 * shown() - a name as it can be shown on a terminal
 * @name: with or without its leading slash
 *
 * Return: "/jobs", control characters as \ooo; in one of a few static buffers.
 */
const char *shown(const char *name);

/* process 1234; in a static buffer */
const char *shown_process(pid_t pid);

/*
 * Parsers of what a person typed. @what names it in the error; they end the
 * process when it is wrong.
 */
const char *parse_name(const char *text);
uint64_t parse_number(const char *text, const char *what, uint64_t most);
uint64_t parse_size(const char *text, const char *what, uint64_t most);
/* With a suffix it is that of a stream. */
uint64_t parse_capacity(const char *text);
uint64_t parse_stream_capacity(const char *text);
uint64_t parse_seconds(const char *text);
pid_t parse_pid(const char *text);
mode_t parse_mode(const char *text);

#endif /* FORMAT_H */
