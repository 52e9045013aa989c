/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * A table of words and how often each was seen, in memory that processes share.
 */
#ifndef MBOX_DEMO_WORDTABLE_H
#define MBOX_DEMO_WORDTABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct wordtable;

/* Make an empty table of the @length zeroed bytes at @memory. */
struct wordtable *wordtable_create(void *memory, size_t length);

/*
 * Count one more occurrence of @word, from any process that has the memory
 * mapped. Returns 0, or -ENOSPC when the memory is full.
 */
int wordtable_count(struct wordtable *table, const char *word, size_t length);

/*
 * Print lines as `uniq -c` does, in no order, and return how many. Nobody may be
 * counting any more; reading the memory is enough.
 */
size_t wordtable_print(const struct wordtable *table, FILE *out);

#endif
