// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * A program that knows POSIX message queues and nothing of mbox: sends lines, or prints them.
 * An empty message is the end.
 */
#include <errno.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 1024

static void check(long ret, const char *what)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "mqueue: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void send_lines(mqd_t queue)
{
	char line[LINE_SIZE];

	while (fgets(line, sizeof(line), stdin))
		check(mq_send(queue, line, strlen(line), 0), "mq_send");
	check(mq_send(queue, "", 0, 0), "mq_send");
}

static void print_lines(mqd_t queue)
{
	char line[LINE_SIZE];
	ssize_t size;

	do {
		size = mq_receive(queue, line, sizeof(line), NULL);
		check(size, "mq_receive");
		fwrite(line, 1, size, stdout);
	} while (size);
}

int main(int argc, char **argv)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = LINE_SIZE };
	mqd_t queue;

	if (argc != 3 || (strcmp(argv[1], "send") && strcmp(argv[1], "print"))) {
		fputs("usage: mqueue send|print /NAME\n", stderr);
		return 2;
	}
	queue = mq_open(argv[2], O_RDWR | O_CREAT, 0600, &attr);
	check(queue, argv[2]);
	if (argv[1][0] == 's')
		send_lines(queue);
	else
		print_lines(queue);
	return 0;
}
