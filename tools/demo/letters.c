// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * A program that knows System V queues and shared memory and nothing of mbox: sends words by their
 * first letter, and counts those of one letter in a table that all share. An empty word is the end.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/shm.h>

#define LETTERS		26
#define WORD_SIZE	64

struct word {
	long letter;	/* from 1 on */
	char text[WORD_SIZE];
};

static void check(long ret, const char *what)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "letters: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void send_word(int queue, struct word *word)
{
	check(msgsnd(queue, word, strlen(word->text), 0), "msgsnd");
}

static void send_words(int queue)
{
	struct word word;

	while (scanf("%63s", word.text) == 1) {
		word.letter = tolower(word.text[0]) - 'a' + 1;
		if (word.letter >= 1 && word.letter <= LETTERS)
			send_word(queue, &word);
	}
	for (word.letter = 1; word.letter <= LETTERS; word.letter++) {
		word.text[0] = '\0';
		send_word(queue, &word);
	}
}

static void count_words(int queue, long *table, long letter)
{
	struct word word;
	ssize_t size;

	while ((size = msgrcv(queue, &word, WORD_SIZE, letter, 0)) > 0)
		table[letter - 1]++;
	check(size, "msgrcv");
}

static void print_and_remove(int queue, int memory, const long *table)
{
	int i;

	for (i = 0; i < LETTERS; i++)
		if (table[i])
			printf("%c %ld\n", 'a' + i, table[i]);
	check(msgctl(queue, IPC_RMID, NULL), "msgctl");
	check(shmctl(memory, IPC_RMID, NULL), "shmctl");
}

int main(int argc, char **argv)
{
	key_t key = argc > 2 ? strtol(argv[2], NULL, 0) : 0;
	int queue, memory;
	long *table;

	if (argc < 3 || !key) {
		fputs("usage: letters send KEY | count KEY LETTER | result KEY\n", stderr);
		return 2;
	}
	queue = msgget(key, IPC_CREAT | 0600);
	check(queue, "msgget");
	memory = shmget(key, LETTERS * sizeof(*table), IPC_CREAT | 0600);
	check(memory, "shmget");
	table = shmat(memory, NULL, 0);
	check(table == (void *)-1 ? -1 : 0, "shmat");
	if (!strcmp(argv[1], "send"))
		send_words(queue);
	else if (argc == 4)
		count_words(queue, table, tolower(argv[3][0]) - 'a' + 1);
	else
		print_and_remove(queue, memory, table);
	return 0;
}
