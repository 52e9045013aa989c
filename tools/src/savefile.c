// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <endian.h>

#include <zlib.h>

#include "fail.h"
#include "savefile.h"

noreturn void fail_damaged(const struct savefile *load, const char *why)
{
	fail(EXIT_OTHER, "%s: not a whole file of 'mbox save': %s", load->path,
	     why);
}

void save_bytes(struct savefile *save, const void *bytes, size_t length)
{
	if (fwrite(bytes, 1, length, save->file) != length)
		fail_errno(save->path);
	save->crc = crc32_z(save->crc, bytes, length);
}

void save_end(struct savefile *save)
{
	uint32_t crc = htole32(save->crc);

	save_bytes(save, &crc, sizeof(crc));
	if (fflush(save->file))
		fail_errno(save->path);
}

void load_bytes(struct savefile *load, void *bytes, size_t length)
{
	if (fread(bytes, 1, length, load->file) != length) {
		if (ferror(load->file))
			fail_errno(load->path);
		fail_damaged(load, "its end is missing");
	}
	load->crc = crc32_z(load->crc, bytes, length);
}

void load_end(struct savefile *load)
{
	uint32_t expected = load->crc, crc;

	load_bytes(load, &crc, sizeof(crc));
	if (le32toh(crc) != expected)
		fail_damaged(load, "its checksum is wrong");
	if (getc(load->file) != EOF)
		fail_damaged(load, "something follows its end");
	if (ferror(load->file))
		fail_errno(load->path);
}
