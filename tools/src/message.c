// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <getopt.h>

#include "format.h"
#include "message.h"

void read_message_option(int letter, struct mbox_message *message,
			 uint64_t *deadline)
{
	switch (letter) {
	case 'p':
		message->prio = parse_number(optarg, "priority", MBOX_PRIO_MAX);
		break;
	case 'T':
		message->tag = parse_number(optarg, "tag", UINT64_MAX);
		break;
	case 't':
		*deadline = mbox_deadline_in(parse_seconds(optarg));
		break;
	}
}
