/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What /proc/net/mbox tells of System V objects: the name of an id, all there
 * are, and the key and permissions that are told of one.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>

#include "preload.h"

/* Return: the id in a line of the table and its name, or -1 if it is of another kind. */
static int parse(const struct preload_ipc_kind *kind, char *line,
		 char name[PRELOAD_IPC_NAME], struct preload_ipc_total *one)
{
	size_t length = strlen(kind->prefix);
	long long id = -1;
	char *last;

	sscanf(line, "%*s %lld %*s %*s %*s %*s %llu %llu %llu", &id,
	       &one->size, &one->queued, &one->bytes);
	line[strcspn(line, "\n")] = '\0';
	last = strrchr(line, ' ');
	if (!last || id > INT_MAX || strlen(++last) >= PRELOAD_IPC_NAME ||
	    strncmp(last, kind->prefix, length) || last[length] != ':')
		return -1;
	strcpy(name, last);
	return id;
}

/*
 * Go through the table to an @id, or to the one that has @index others before;
 * with neither to the end. All that came by add up in @total.
 *
 * Return: its id, with its name, or -EINVAL.
 */
static int look_up(const struct preload_ipc_kind *kind, int id, int index,
		   char name[PRELOAD_IPC_NAME], struct preload_ipc_total *total)
{
	FILE *table = fopen("/proc/net/mbox", "re");
	struct preload_ipc_total one;
	int found = -1, got;
	char *line = NULL;
	size_t size = 0;

	while (table && found < 0 && getline(&line, &size, table) > 0) {
		got = parse(kind, line, name, &one);
		if (got < 0)
			continue;
		if (got == id || total->count == index)
			found = got;
		total->count++;
		total->size += one.size;
		total->queued += one.queued;
		total->bytes += one.bytes;
	}
	free(line);
	if (table)
		fclose(table);
	return found < 0 ? -EINVAL : found;
}

int preload_ipc_name(const struct preload_ipc_kind *kind, int id,
		     char name[PRELOAD_IPC_NAME])
{
	struct preload_ipc_total total = { 0 };
	int ret = look_up(kind, id, -1, name, &total);

	return ret < 0 ? ret : 0;
}

int preload_ipc_at(const struct preload_ipc_kind *kind, int index)
{
	struct preload_ipc_total total = { 0 };
	char name[PRELOAD_IPC_NAME];

	return index < 0 ? -EINVAL : look_up(kind, -1, index, name, &total);
}

struct preload_ipc_total preload_ipc_total(const struct preload_ipc_kind *kind)
{
	struct preload_ipc_total total = { 0 };
	char name[PRELOAD_IPC_NAME];

	look_up(kind, -1, -1, name, &total);
	return total;
}

static key_t key_of(const struct preload_ipc_kind *kind, const char *name)
{
	const char *rest = name + strlen(kind->prefix) + 1;
	unsigned int key = IPC_PRIVATE;

	return sscanf(rest, "0x%x", &key) == 1 ? (key_t)key : IPC_PRIVATE;
}

struct ipc_perm preload_ipc_perm(const struct preload_ipc_kind *kind,
				 const char *name, uid_t uid, gid_t gid,
				 mode_t mode)
{
	return (struct ipc_perm) {
		.__key = name ? key_of(kind, name) : IPC_PRIVATE,
		.uid = uid,
		.gid = gid,
		.cuid = uid,
		.cgid = gid,
		.mode = mode,
	};
}

void preload_ipc_perm_set(struct mbox_ioc_set *req, const struct ipc_perm *perm,
			  uid_t uid, gid_t gid)
{
	req->fields |= MBOX_SET_MODE;
	req->mode = perm->mode & 0777;
	if (perm->uid != uid) {
		req->fields |= MBOX_SET_UID;
		req->uid = perm->uid;
	}
	if (perm->gid != gid) {
		req->fields |= MBOX_SET_GID;
		req->gid = perm->gid;
	}
}
