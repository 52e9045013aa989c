/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/* Requests as anybody can send them: each verdict, every truncation, and bytes at random. */
#include <stdlib.h>
#include <string.h>

#include "../rpc/rpc.h"
#include "tap.h"

#define ROUNDS	300000
#define BODY	12

static char sample[MESSAGE_SIZE];
static size_t sample_size;
static size_t header_end;

/* The longest credential there is, so that as many bytes as possible mean something. */
static void put_header(XDR *xdrs, uint32_t rpc_version)
{
	char machine[MAX_MACHINE_NAME + 1];
	gid_t gids[NGRPS] = { 1, 2, 3 };
	AUTH *auth;
	struct rpc_msg msg = {
		.rm_xid = 77, .rm_direction = CALL, .rm_call.cb_rpcvers = RPC_MSG_VERSION,
		.rm_call.cb_prog = 5, .rm_call.cb_vers = 6,
	};
	uint32_t proc = 7;

	memset(machine, 'm', sizeof(machine) - 1);
	machine[sizeof(machine) - 1] = '\0';
	auth = authunix_create(machine, 10, 20, NGRPS, gids);
	CHECK(xdr_callhdr(xdrs, &msg) && xdr_u_int32_t(xdrs, &proc));
	CHECK(AUTH_MARSHALL(auth, xdrs));
	auth_destroy(auth);
	*(uint32_t *)(sample + ENVELOPE_SIZE + 8) = htonl(rpc_version);
}

static void make(uint32_t rpc_version, uint32_t flags)
{
	struct envelope env = {
		.flags = flags, .segment = flags & IN_SEGMENT ? 100 : 0, .id.sequence = 1,
	};
	const size_t body = flags & IN_SEGMENT ? 0 : BODY;
	XDR xdrs;

	xdrmem_create(&xdrs, sample + ENVELOPE_SIZE, sizeof(sample) - ENVELOPE_SIZE, XDR_ENCODE);
	put_header(&xdrs, rpc_version);
	header_end = ENVELOPE_SIZE + XDR_GETPOS(&xdrs);
	sample_size = header_end + body;
	env.length = sample_size - ENVELOPE_SIZE;
	mbox_rpc_envelope_put(sample, &env);
}

/* In memory that ends where the message does, so that a sanitizer sees what is too far. */
static enum verdict judge_copy(struct request *req, const char *data, size_t size,
			       unsigned int nr_fds)
{
	char *copy = malloc(size ? size : 1);
	enum verdict verdict;

	memcpy(copy, data, size);
	verdict = mbox_rpc_request_get(req, copy, size, nr_fds);
	free(copy);
	return verdict;
}

static void set_word(size_t at, uint32_t value)
{
	value = htonl(value);
	memcpy(sample + at, &value, sizeof(value));
}

static void verdicts(void)
{
	const size_t call = ENVELOPE_SIZE, cred = ENVELOPE_SIZE + 24;
	struct request req;

	make(RPC_MSG_VERSION, 0);
	CHECK(mbox_rpc_request_get(&req, sample, sample_size, 0) == GOOD);
	CHECK(req.header.rm_xid == 77 && req.header.rm_call.cb_prog == 5);
	CHECK(req.header.rm_call.cb_vers == 6 && req.header.rm_call.cb_proc == 7);
	CHECK(req.header.rm_call.cb_cred.oa_flavor == AUTH_SYS);
	CHECK(req.body == sample + header_end && req.body_length == BODY);
	CHECK(mbox_rpc_request_get(&req, sample, sample_size, 1) == UNREADABLE);

	make(3, 0);
	CHECK(judge_copy(&req, sample, sample_size, 0) == OTHER_RPC);
	CHECK(req.header.rm_xid == 77);
	make(RPC_MSG_VERSION, 0);
	set_word(call + 4, REPLY);
	CHECK(judge_copy(&req, sample, sample_size, 0) == UNREADABLE);
	make(RPC_MSG_VERSION, 0);
	set_word(cred + 4, MAX_AUTH_BYTES + 1);
	CHECK(judge_copy(&req, sample, sample_size, 0) == BAD_CREDENTIAL);
	make(RPC_MSG_VERSION, 0);
	set_word(header_end - 4, MAX_AUTH_BYTES + 1);
	CHECK(judge_copy(&req, sample, sample_size, 0) == BAD_VERIFIER);

	make(RPC_MSG_VERSION, IN_SEGMENT);
	CHECK(judge_copy(&req, sample, sample_size, 1) == GOOD);
	CHECK(judge_copy(&req, sample, sample_size, 0) == UNREADABLE);
	make(RPC_MSG_VERSION, IN_SEGMENT | REPLY_TO);
	CHECK(judge_copy(&req, sample, sample_size, 2) == GOOD);
	CHECK(judge_copy(&req, sample, sample_size, 1) == UNREADABLE);
	make(RPC_MSG_VERSION, IDENTIFIED);
	CHECK(judge_copy(&req, sample, sample_size, 0) == GOOD);
	CHECK(req.env.id.sequence == 1);
	make(RPC_MSG_VERSION, IDENTIFIED | REPLY_TO);
	CHECK(judge_copy(&req, sample, sample_size, 1) == UNREADABLE);
	make(RPC_MSG_VERSION, IDENTIFIED | ACKNOWLEDGE);
	CHECK(judge_copy(&req, sample, sample_size, 0) == UNREADABLE);
	set_word(8, 0);
	CHECK(judge_copy(&req, sample, ENVELOPE_SIZE, 0) == ACKNOWLEDGMENT);
	make(RPC_MSG_VERSION, IDENTIFIED | ACKNOWLEDGE | REPLY_TO);
	set_word(8, 0);
	CHECK(judge_copy(&req, sample, ENVELOPE_SIZE, 1) == UNREADABLE);
	make(RPC_MSG_VERSION, IN_SEGMENT);
	set_word(8, sample_size + 4 - ENVELOPE_SIZE);
	CHECK(judge_copy(&req, sample, sample_size + 4, 1) == UNREADABLE);
}

static void truncated(void)
{
	struct request req;
	size_t size;

	make(RPC_MSG_VERSION, 0);
	for (size = 0; size < header_end; size++) {
		enum verdict verdict;

		if (size >= ENVELOPE_SIZE)
			set_word(8, size - ENVELOPE_SIZE);
		verdict = judge_copy(&req, sample, size, 0);
		if (size < ENVELOPE_SIZE + 24)
			CHECK(verdict == UNREADABLE);
		else
			CHECK(verdict == BAD_CREDENTIAL || verdict == BAD_VERIFIER);
	}
}

static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* What a caller can make of a credential that the kernel says another uid and gid of. */
static enum auth_stat authenticate(struct request *req, struct credential *cred)
{
	struct svc_req rqstp = { .rq_cred = req->header.rm_call.cb_cred };

	return mbox_rpc_authenticate(&rqstp, cred, 10, 20);
}

static void garble(char *data, size_t *size, uint32_t *seed)
{
	unsigned int n = next(seed) % 8;

	while (n--) {
		const size_t at = next(seed) % *size;

		switch (next(seed) % 4) {
		case 0:
			data[at] = (char)next(seed);
			break;
		case 1:
			data[at] ^= (char)(1 << next(seed) % 8);
			break;
		case 2:
			memset(data + at, (int)(next(seed) % 2 * 255), *size - at < 4 ? *size - at : 4);
			break;
		default:
			*size = at + 1;
			break;
		}
	}
	/* Otherwise hardly one gets past its envelope. */
	if (next(seed) % 8 && *size >= ENVELOPE_SIZE) {
		struct envelope env = { .length = *size - ENVELOPE_SIZE };

		if (next(seed) % 2) {
			env.flags = IDENTIFIED;
			env.id.sequence = 1 + next(seed) % 3;
			env.acknowledged = next(seed) % 2;
		}
		if (next(seed) % 64 == 0) {
			env.flags |= ACKNOWLEDGE;
			env.length = next(seed) % 2;
			*size = ENVELOPE_SIZE + env.length;
		}
		mbox_rpc_envelope_put(data, &env);
	}
}

static void at_random(void)
{
	static char data[MESSAGE_SIZE];
	unsigned int seen[BAD_VERIFIER + 1] = { 0 }, trusted = 0, i;
	struct credential cred;
	struct request req;
	uint32_t seed = 1;

	make(RPC_MSG_VERSION, 0);
	for (i = 0; i < ROUNDS; i++) {
		size_t size = sample_size;
		enum verdict verdict;

		memcpy(data, sample, size);
		garble(data, &size, &seed);
		verdict = judge_copy(&req, data, size, 0);
		seen[verdict]++;
		if (verdict == GOOD && authenticate(&req, &cred) == AUTH_OK)
			trusted++;
	}
	/* Each way was gone. */
	for (i = 0; i <= BAD_VERIFIER; i++)
		CHECK(seen[i] > 100);
	CHECK(trusted > 100 && trusted < seen[GOOD]);
}

int main(void)
{
	tap_run("each verdict", verdicts);
	tap_run("truncated anywhere", truncated);
	tap_run("bytes at random", at_random);
	return tap_end();
}
