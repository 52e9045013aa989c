/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The envelope of a message.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "rpc.h"

#define ENVELOPE_VERSION	1

/* All big-endian, as XDR is. What follows @segment is zero without IDENTIFIED. */
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
	struct wire wire = {
		.version = htobe32(ENVELOPE_VERSION),
		.flags = htobe32(env->flags),
		.length = htobe32(env->length),
		.segment = htobe64(env->segment),
	};

	if (env->flags & IDENTIFIED) {
		memcpy(wire.client, env->id.client, sizeof(wire.client));
		wire.time = htobe64(env->id.time);
		wire.sequence = htobe64(env->id.sequence);
		wire.acknowledged = htobe64(env->acknowledged);
	}
	memcpy(data, &wire, sizeof(wire));
}

static void get_identity(struct envelope *env, const struct wire *wire)
{
	memcpy(env->id.client, wire->client, sizeof(env->id.client));
	env->id.time = be64toh(wire->time);
	env->id.sequence = be64toh(wire->sequence);
	env->acknowledged = be64toh(wire->acknowledged);
}

static bool no_identity(const struct wire *wire)
{
	static const struct wire none;

	return !memcmp(wire->client, none.client,
		       sizeof(none) - offsetof(struct wire, client));
}

/* A call that is made is not acknowledged. Numbers are those that a database can keep. */
static bool good_identity(const struct envelope *env)
{
	const uint64_t last = env->flags & ACKNOWLEDGE ? env->id.sequence :
							 env->id.sequence - 1;

	if (!(env->flags & IDENTIFIED))
		return !(env->flags & ACKNOWLEDGE);
	return env->id.sequence && env->id.sequence <= INT64_MAX &&
	       env->id.time <= INT64_MAX && env->acknowledged <= last;
}

int mbox_rpc_envelope_get(struct envelope *env, const void *data, size_t size,
			  uint32_t flags)
{
	struct wire wire;

	if (size < sizeof(wire))
		return -EPROTO;
	memcpy(&wire, data, sizeof(wire));
	*env = (struct envelope) {
		.flags = be32toh(wire.flags),
		.length = be32toh(wire.length),
		.segment = be64toh(wire.segment),
	};
	if (wire.version != htobe32(ENVELOPE_VERSION) || wire.zero)
		return -EPROTO;
	if (env->flags & IDENTIFIED)
		get_identity(env, &wire);
	else if (!no_identity(&wire))
		return -EPROTO;

	if (env->flags & ~flags || env->length != size - sizeof(wire) || !good_identity(env))
		return -EPROTO;
	if (env->segment > MBOX_RPC_MAX || !env->segment != !(env->flags & IN_SEGMENT))
		return -EPROTO;
	return 0;
}

uint32_t mbox_rpc_envelope_flags(const void *data, size_t size)
{
	const struct wire *wire = data;
	uint32_t flags = 0;

	if (size >= sizeof(*wire))
		memcpy(&flags, &wire->flags, sizeof(flags));
	return be32toh(flags);
}
