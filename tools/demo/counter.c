// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * counter NAME TIMES: add 1 to the number at the start of a segment, TIMES times.
 * counter NAME: attach the segment for reading only, try to write, print the number.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mbox/mbox.h>

static _Atomic unsigned long *attach(const char *name, int oflag, int prot, size_t *length)
{
	struct mbox_segment *seg;
	void *memory;
	int err = mbox_segment_open(&seg, name, oflag);

	if (!err)
		err = mbox_segment_map(seg, prot, &memory, length);
	if (err) {
		fprintf(stderr, "counter: %s: %s\n", name, mbox_strerror(err));
		exit(1);
	}
	mbox_segment_close(seg);
	return memory;
}

static void add(const char *name, unsigned long times)
{
	size_t length;
	_Atomic unsigned long *number = attach(name, O_RDWR, PROT_READ | PROT_WRITE, &length);

	while (times--)
		atomic_fetch_add(number, 1);
}

static void show(const char *name)
{
	size_t length;
	_Atomic unsigned long *number = attach(name, O_RDONLY, PROT_READ, &length);
	int refused = mprotect((void *)number, length, PROT_READ | PROT_WRITE);

	printf("%lu %s\n", *number, refused ? strerror(errno) : "writable");
}

int main(int argc, char **argv)
{
	if (argc == 3)
		add(argv[1], strtoul(argv[2], NULL, 10));
	else if (argc == 2)
		show(argv[1]);
	else
		return 2;
	return 0;
}
