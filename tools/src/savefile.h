/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The file that 'mbox save' writes and 'mbox restore' reads; mbox(1) has its
 * form. All numbers are little endian.
 *
 *	struct save_header
 *	the name, without slash and NUL
 *	for each message, in the order of delivery:
 *		struct save_message
 *		its bytes
 *	the CRC-32 of all that, as zlib's crc32() has it
 */
#ifndef SAVEFILE_H
#define SAVEFILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SAVE_MAGIC	"mboxsave"
#define SAVE_VERSION	1

struct save_header {
	char magic[8];
	uint32_t version;
	uint32_t flags;
	uint64_t capacity;
	uint64_t msgsize;
	uint64_t bytes;
	uint64_t count;
	uint64_t total;
	uint32_t mode;
	uint32_t name_length;
};

struct save_message {
	uint64_t tag;
	uint32_t prio;
	uint32_t length;
};

_Static_assert(sizeof(struct save_header) == 64, "no padding");
_Static_assert(sizeof(struct save_message) == 16, "no padding");

/**
 * struct savefile - one file on its way
 * @file: the stream
 * @path: what to call it in an error
 * @crc: of what was written or read so far
 */
struct savefile {
	FILE *file;
	const char *path;
	uint32_t crc;
};

/* These end the process on an error; a read also when the file is too short. */
void save_bytes(struct savefile *save, const void *bytes, size_t length);
void save_end(struct savefile *save);
void load_bytes(struct savefile *load, void *bytes, size_t length);

/* Ends the process unless the checksum is right and nothing follows it. */
void load_end(struct savefile *load);

/* "FILE: not a whole file of 'mbox save': WHY". */
_Noreturn void fail_damaged(const struct savefile *load, const char *why);

#endif /* SAVEFILE_H */
