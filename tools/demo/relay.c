// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * relay FROM TO: receive one request from a mailbox, call another with it, and answer with what
 * came of that: the reply, or why there is none.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <mbox/mbox.h>

static void check(const char *name, int err)
{
	if (!err)
		return;
	fprintf(stderr, "relay: %s: %s\n", name, mbox_strerror(err));
	exit(1);
}

static struct mbox *open_mailbox(const char *name, int oflag)
{
	struct mbox *mb;

	check(name, mbox_open(&mb, name, oflag));
	return mb;
}

int main(int argc, char **argv)
{
	static char room[MBOX_MSGSIZE_DEFAULT];
	struct mbox_message request = { .data = room, .size = sizeof(room) };
	struct mbox_message reply = { .data = room, .size = sizeof(room) };
	struct mbox *from, *to;
	int err;

	if (argc != 3)
		return 2;
	from = open_mailbox(argv[1], O_RDONLY);
	to = open_mailbox(argv[2], O_WRONLY);
	check(argv[1], mbox_recv(from, &request));
	err = mbox_call(to, &request, &reply, 0, 0);
	if (err)
		reply.length = snprintf(room, sizeof(room), "%s: %s", argv[2], mbox_strerror(err));
	reply.delivery = request.delivery;
	check(argv[1], mbox_reply(from, &reply));
	return 0;
}
