/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The lines of the tables in /proc/net: words with blanks between them. What
 * takes the next word tells whether there is one and it is of its kind.
 */
#ifndef COLUMNS_H
#define COLUMNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* NULL when there is none. */
char *next_word(char **line);

bool next_number(char **line, int base, uint64_t most, uint64_t *to);
bool next_u32(char **line, uint32_t *to);
bool next_pid(char **line, pid_t *to);

/* Without its escapes, to be freed; NULL for "-". */
bool next_name(char **line, char **name);

/* A word that is a number from 0 to @most. */
bool parse_digits(const char *word, int base, uint64_t most, uint64_t *to);

/* Does the line have these words and no others? */
bool is_heading(char *line, const char *titles);

#endif /* COLUMNS_H */
