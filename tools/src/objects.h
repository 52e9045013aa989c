/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What exists: the lines of /proc/net/mbox.
 */
#ifndef OBJECTS_H
#define OBJECTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <linux/mbox.h>

#define OBJECTS_FILE "/proc/net/mbox"

/**
 * struct object - one mailbox, stream or segment
 * @broadcast: a mailbox whose every receiver gets all
 * @name: with its slash; NULL when anonymous
 * @capacity: of a mailbox; of a stream in bytes
 * @msgsize: largest message of a mailbox, length of a segment
 * @queued: messages in a mailbox, bytes in a stream, mappings of a segment
 * @bytes: bytes queued in a mailbox or stream, resident of a segment
 *
 * The rest as in struct mbox_status, and not of segments.
 */
struct object {
	enum mbox_kind kind;
	bool broadcast;
	char *name;
	uint64_t id;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t capacity;
	uint64_t msgsize;
	uint64_t queued;
	uint64_t bytes;
	uint32_t senders;
	uint32_t receivers;
	uint32_t waiting_senders;
	uint32_t waiting_receivers;
	uint64_t send_wait_ms;
	uint64_t recv_wait_ms;
	pid_t send_wait_pid;
	pid_t recv_wait_pid;
	uint64_t sent;
};

struct objects {
	struct object *list;
	size_t count;
};

/**
 * parse_objects() - read a table
 * @file: in the form of /proc/net/mbox
 * @objects: the result, sorted by name, the anonymous ones last
 *
 * Return: 0, or the number of the first line that is not as it must be.
 */
size_t parse_objects(FILE *file, struct objects *objects);

/* Reads OBJECTS_FILE; ends the process when that is impossible. */
void read_objects(struct objects *objects);

/* "mailbox", "segment" or "stream" */
const char *kind_word(enum mbox_kind kind);

/* Leaves only those of a kind. */
void keep_kind(struct objects *objects, enum mbox_kind kind);

void free_objects(struct objects *objects);

/* The object of a name, or NULL when it does not exist or is not shown. */
struct object *find_object(const char *name);
void free_object(struct object *object);

#endif /* OBJECTS_H */
