/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The envelope of a message.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "rpc.h"

#define ENVELOPE_VERSION	1

/*
 * All big-endian, as XDR is. What follows @segment identifies a message to servers
 * that keep a history of those that they have seen; no flag gives it a meaning in this
 * version without one, so it is zero.
 */
struct wire {
	uint32_t version;
	uint32_t flags;
	uint32_t length;
	uint32_t zero;
	uint64_t segment;
	uint8_t client[16];
	uint64_t time;
	uint64_t sequence;
	uint64_t acknowledged;
};

_Static_assert(sizeof(struct wire) == ENVELOPE_SIZE, "the envelope has no holes");

void mbox_rpc_envelope_put(void *data, const struct envelope *env)
{
	const struct wire wire = {
		.version = htobe32(ENVELOPE_VERSION),
		.flags = htobe32(env->flags),
		.length = htobe32(env->length),
		.segment = htobe64(env->segment),
	};

	memcpy(data, &wire, sizeof(wire));
}

int mbox_rpc_envelope_get(struct envelope *env, const void *data, size_t size,
			  uint32_t flags)
{
	struct wire wire, same;

	if (size < sizeof(wire))
		return -EPROTO;
	memcpy(&wire, data, sizeof(wire));
	*env = (struct envelope) {
		.flags = be32toh(wire.flags),
		.length = be32toh(wire.length),
		.segment = be64toh(wire.segment),
	};
	/* The version, and zeros where zeros belong. */
	mbox_rpc_envelope_put(&same, env);
	if (memcmp(&wire, &same, sizeof(wire)))
		return -EPROTO;

	if (env->flags & ~flags || env->length != size - sizeof(wire))
		return -EPROTO;
	if (env->segment > MBOX_RPC_MAX || !env->segment != !(env->flags & IN_SEGMENT))
		return -EPROTO;
	return 0;
}
