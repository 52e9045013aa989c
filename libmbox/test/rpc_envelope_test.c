/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/* The envelope of RPC messages: its bytes, and what is refused. */
#include <errno.h>
#include <string.h>

#include "../rpc/rpc.h"
#include "tap.h"

static char wire[ENVELOPE_SIZE + 8];

static int get(struct envelope *env, size_t size)
{
	return mbox_rpc_envelope_get(env, wire, size,
				     IN_SEGMENT | REPLY_TO | IDENTIFIED | ACKNOWLEDGE);
}

static void put(uint32_t flags, uint32_t length, uint64_t segment)
{
	const struct envelope env = { .flags = flags, .length = length, .segment = segment };

	mbox_rpc_envelope_put(wire, &env);
}

static void its_bytes(void)
{
	static const unsigned char expected[ENVELOPE_SIZE] = {
		0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 8, 0, 0, 0, 0,
		0, 0, 0, 0, 1, 2, 3, 4,
	};
	struct envelope env;

	put(IN_SEGMENT | REPLY_TO, 8, 0x01020304);
	CHECK(!memcmp(wire, expected, sizeof(expected)));
	CHECK(get(&env, ENVELOPE_SIZE + 8) == 0);
	CHECK(env.flags == (IN_SEGMENT | REPLY_TO) && env.length == 8);
	CHECK(env.segment == 0x01020304);
}

static void lengths(void)
{
	struct envelope env;
	size_t size;

	put(0, 8, 0);
	for (size = 0; size < ENVELOPE_SIZE + 8; size++)
		CHECK(get(&env, size) == -EPROTO);
	CHECK(get(&env, ENVELOPE_SIZE + 8) == 0);
	put(0, UINT32_MAX, 0);
	CHECK(get(&env, ENVELOPE_SIZE + 8) == -EPROTO);
	put(0, 0, 0);
	CHECK(get(&env, ENVELOPE_SIZE) == 0);

	put(IN_SEGMENT, 8, MBOX_RPC_MAX);
	CHECK(get(&env, ENVELOPE_SIZE + 8) == 0);
	put(IN_SEGMENT, 8, MBOX_RPC_MAX + 1ULL);
	CHECK(get(&env, ENVELOPE_SIZE + 8) == -EPROTO);
	put(IN_SEGMENT, 8, 0);
	CHECK(get(&env, ENVELOPE_SIZE + 8) == -EPROTO);
	put(0, 8, 1);
	CHECK(get(&env, ENVELOPE_SIZE + 8) == -EPROTO);
}

static int get_identity(uint32_t flags, uint64_t time, uint64_t sequence, uint64_t acknowledged,
			struct envelope *got)
{
	const struct envelope env = {
		.flags = flags, .length = 8, .acknowledged = acknowledged,
		.id = { .client = "0123456789abcdef", .time = time, .sequence = sequence },
	};

	mbox_rpc_envelope_put(wire, &env);
	return get(got, ENVELOPE_SIZE + 8);
}

static void identities(void)
{
	static const unsigned char expected[ENVELOPE_SIZE] =
		"\0\0\0\1" "\0\0\0\10" "\0\0\0\10" "\0\0\0\0" "\0\0\0\0\0\0\0\0"
		"0123456789abcdef" "\0\0\0\0\0\0\1\2" "\0\0\0\0\0\0\1\3" "\0\0\0\0\0\0\1";
	struct envelope env;

	CHECK(get_identity(IDENTIFIED, 0x102, 0x103, 0x100, &env) == 0);
	CHECK(!memcmp(wire, expected, sizeof(expected)));
	CHECK(!memcmp(env.id.client, "0123456789abcdef", 16) && env.id.time == 0x102);
	CHECK(env.id.sequence == 0x103 && env.acknowledged == 0x100);
	CHECK(get_identity(IDENTIFIED, INT64_MAX, INT64_MAX, INT64_MAX - 1, &env) == 0);
	CHECK(get_identity(IDENTIFIED, 1, 0, 0, &env) == -EPROTO);
	CHECK(get_identity(IDENTIFIED, 1, 1ULL << 63, 0, &env) == -EPROTO);
	CHECK(get_identity(IDENTIFIED, 1ULL << 63, 1, 0, &env) == -EPROTO);
	CHECK(get_identity(IDENTIFIED, 1, 5, 5, &env) == -EPROTO);
	CHECK(get_identity(IDENTIFIED | ACKNOWLEDGE, 1, 5, 5, &env) == 0);
	CHECK(get_identity(IDENTIFIED | ACKNOWLEDGE, 1, 5, 6, &env) == -EPROTO);
	CHECK(get_identity(ACKNOWLEDGE, 1, 5, 5, &env) == -EPROTO);
}

/* Every bit of it but those of flags and lengths that are in use. */
static void what_is_not_known(void)
{
	struct envelope env;
	unsigned int bit;

	for (bit = 0; bit < ENVELOPE_SIZE * 8; bit++) {
		const bool reply_to = bit / 8 == 7 && bit % 8 == 1;

		put(0, 8, 0);
		wire[bit / 8] ^= 1 << bit % 8;
		CHECK(get(&env, ENVELOPE_SIZE + 8) == (reply_to ? 0 : -EPROTO));
	}
}

int main(void)
{
	tap_run("the bytes of an envelope", its_bytes);
	tap_run("lengths", lengths);
	tap_run("identities", identities);
	tap_run("what is not known is refused", what_is_not_known);
	return tap_end();
}
