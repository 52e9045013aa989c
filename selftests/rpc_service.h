/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of libmbox-rpc share: the service of rpc_service.x, and servers of it.
 */
#ifndef MBOX_SELFTESTS_RPC_SERVICE_H
#define MBOX_SELFTESTS_RPC_SERVICE_H

#include "common.h"

#include <mbox/mbox.h>
#include <mbox/rpc.h>

#include "rpc_gen.h"

/* Longer than anything takes; a test that meets it fails. */
static const struct timeval LONG = { .tv_sec = WAIT_LIMIT_S };
static const struct timeval NONE;

/* WAIT answers while it is open; how many are inside, and how many have been. */
void gate_set(bool open);
unsigned int gate_inside(void);
unsigned int gate_passed(void);

/* In memory that is shared with other processes: how many have come to the gate; or NULL. */
extern _Atomic unsigned int *gate_entered;

/* How many times each procedure ran in this process. */
extern _Atomic unsigned int service_calls;

/* What TRANSFER does, and whether it is answered; NULL for nothing. */
extern bool (*service_bank)(const transfer *arg, int *result, struct svc_req *rqstp);

void service_2(struct svc_req *rqstp, SVCXPRT *xprt);
void service_4(struct svc_req *rqstp, SVCXPRT *xprt);

/* A server in threads of this process, of both versions at one mailbox. */
struct service {
	char name[64];
	SVCXPRT *xprt;
	unsigned int threads;
	int ret;
	pthread_t thread;
};

/* 0 or -errno. The mailbox is there when it returns. */
int service_start(struct service *service, const char *tag, unsigned int threads);
/* The second half of that: serve @xprt by @threads. */
int service_run(struct service *service);
/* What mbox_svc_run() returned. */
int service_stop(struct service *service);

/* Both versions at a mailbox, for mbox_svc_run(); or NULL. */
SVCXPRT *service_create(const char *name);

/* A server in a child, of one thread, at that mailbox; its process. */
pid_t service_fork(const char *name);

/* Is there a mailbox of that name that can be called? */
bool service_exists(const char *name);

/* How often WAIT is asked in a thread of its own, and what came of it. */
struct rpc_call {
	CLIENT *clnt;
	struct timeval timeout;
	int arg;
	int result;
	enum clnt_stat status;
	pthread_t thread;
};

int rpc_call_start(struct rpc_call *call);
enum clnt_stat rpc_call_join(struct rpc_call *call);

/*
 * A request that is made by hand: words in the byte order of this machine, of which the
 * first RAW_ENVELOPE are the envelope.
 */
#define RAW_ENVELOPE	16
#define RAW_ROOM	400
#define RAW_SEGMENT	1	/* flags of the envelope */
#define RAW_REPLY_TO	2
#define RAW_REFUSED	4
#define RAW_IDENTIFIED	8
#define RAW_ACKNOWLEDGE	16
#define RAW_UNDER_WAY	32
#define RAW_TOO_OLD	64
struct raw {
	uint32_t request[RAW_ROOM];
	unsigned int words;	/* behind the envelope */
	struct mbox_fd fds[2];
	unsigned int nr_fds;
	uint32_t reply[RAW_ROOM];
	uint32_t wire[RAW_ROOM];
};

void raw_build(struct raw *raw, const uint32_t *words, unsigned int nr);
/* Say which call of a client, of that number, it is; made now. */
void raw_identify(struct raw *raw, uint32_t client, uint32_t sequence, uint32_t acknowledged);
/* What it looks like on its way. */
struct mbox_message raw_message(struct raw *raw);
/* How many words came back behind the envelope, or -errno. */
int raw_ask(struct raw *raw, struct mbox *mb);
/* The same number in the other byte order, if this machine has that. */
void raw_swap(uint32_t *to, const uint32_t *from, size_t words);

#define RAW_BUILD(raw, ...) do {					\
	const uint32_t words_[] = { __VA_ARGS__ };			\
									\
	raw_build(raw, words_, sizeof(words_) / 4);			\
} while (0)

/* A call of SERVICE, without credential, with these arguments; its xid is 99. */
#define RAW_CALL(raw, vers, proc, ...) \
	RAW_BUILD(raw, 99, CALL, 2, SERVICE, vers, proc, AUTH_NONE, 0, AUTH_NONE, 0, ##__VA_ARGS__)

/* What comes before the rest of each reply. */
#define RAW_ACCEPTED	99, REPLY, MSG_ACCEPTED, AUTH_NONE, 0
#define RAW_DENIED	99, REPLY, MSG_DENIED

#define EXPECT_REPLY(raw, mb, ...) do {					\
	const uint32_t words_[] = { __VA_ARGS__ };			\
	unsigned int i_;						\
									\
	ASSERT_EQ(sizeof(words_) / 4, raw_ask(raw, mb));		\
	EXPECT_EQ(0, (raw)->reply[1]);					\
	for (i_ = 0; i_ < sizeof(words_) / 4; i_++)			\
		EXPECT_EQ(words_[i_], (raw)->reply[RAW_ENVELOPE + i_]);	\
} while (0)

/* An envelope that says so, and nothing in it. */
#define EXPECT_WORD(raw, mb, word) do {					\
	EXPECT_EQ(0, raw_ask(raw, mb));					\
	EXPECT_EQ(word, (raw)->reply[1]);				\
} while (0)
#define EXPECT_REFUSED(raw, mb)	EXPECT_WORD(raw, mb, RAW_REFUSED)

/* A client of version 4, or NULL. */
CLIENT *service_client(const char *name);

/* What clnt_geterr() tells. */
int clnt_errno(CLIENT *clnt);

#endif
