// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * The table refers to its parts by their distance from its start, never by
 * address: each process has the memory mapped somewhere else.
 *
 * Buckets are chains of words. A lock covers every LOCKS-th chain, its heads
 * and its words; the locks are futexes in the shared memory itself. New words
 * are cut off the free memory behind the table without a lock.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "wordtable.h"

#define CHAINS	16384
#define LOCKS	64

struct wordtable {
	uint64_t length;
	_Atomic uint64_t used;
	pthread_mutex_t locks[LOCKS];
	uint64_t heads[CHAINS];
};

struct word {
	uint64_t next;
	uint32_t count;
	uint32_t length;
	char text[];
};

static size_t word_size(size_t length)
{
	const size_t align = _Alignof(struct word);

	return (sizeof(struct word) + length + align - 1) / align * align;
}

static struct word *word_at(struct wordtable *table, uint64_t offset)
{
	return (struct word *)((char *)table + offset);
}

struct wordtable *wordtable_create(void *memory, size_t length)
{
	struct wordtable *table = memory;
	pthread_mutexattr_t attr;
	int i;

	table->length = length;
	table->used = sizeof(*table);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	for (i = 0; i < LOCKS; i++)
		pthread_mutex_init(&table->locks[i], &attr);
	pthread_mutexattr_destroy(&attr);
	return table;
}

/* FNV-1a: short, and good enough for words. */
static uint32_t hash(const char *word, size_t length)
{
	uint32_t value = 2166136261u;

	while (length--)
		value = (value ^ (unsigned char)*word++) * 16777619u;
	return value;
}

static struct word *find(struct wordtable *table, uint64_t offset, const char *text, size_t length)
{
	struct word *word;

	for (; offset; offset = word->next) {
		word = word_at(table, offset);
		if (word->length == length && !memcmp(word->text, text, length))
			return word;
	}
	return NULL;
}

static int append(struct wordtable *table, uint64_t *head, const char *text, size_t length)
{
	const size_t size = word_size(length);
	uint64_t offset = atomic_fetch_add(&table->used, size);
	struct word *word = word_at(table, offset);

	/* What was cut off in vain stays so: giving it back could hit another's cut. */
	if (offset + size > table->length)
		return -ENOSPC;
	word->count = 1;
	word->length = length;
	memcpy(word->text, text, length);
	word->next = *head;
	*head = offset;
	return 0;
}

int wordtable_count(struct wordtable *table, const char *text, size_t length)
{
	uint32_t chain = hash(text, length) % CHAINS;
	pthread_mutex_t *lock = &table->locks[chain % LOCKS];
	struct word *word;
	int err = 0;

	pthread_mutex_lock(lock);
	word = find(table, table->heads[chain], text, length);
	if (word)
		word->count++;
	else
		err = append(table, &table->heads[chain], text, length);
	pthread_mutex_unlock(lock);
	return err;
}

size_t wordtable_print(const struct wordtable *table, FILE *out)
{
	const struct word *word;
	size_t words = 0;
	int chain;

	for (chain = 0; chain < CHAINS; chain++) {
		uint64_t offset;

		for (offset = table->heads[chain]; offset; offset = word->next) {
			word = (const struct word *)((const char *)table + offset);
			fprintf(out, "%7u %.*s\n", word->count, (int)word->length, word->text);
			words++;
		}
	}
	return words;
}
