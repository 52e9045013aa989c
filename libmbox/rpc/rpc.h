/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What the files of libmbox-rpc share and nobody else sees.
 *
 * A message is an envelope, then an RPC message of RFC 5531: its header, and after it
 * the body, that is the arguments or the results; or the body is in a segment whose
 * descriptor the message carries. What the transport has to know is in the envelope,
 * so that the RPC message is the same as over TCP or UDP.
 */
#ifndef MBOX_RPC_INTERNAL_H
#define MBOX_RPC_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <time.h>

#include <mbox/mbox.h>
#include <mbox/rpc.h>

#define MBOX_RPC_API	__attribute__((visibility("default")))

/* The envelope, the largest header of a call or a reply, and the largest body. */
#define ENVELOPE_SIZE	64
#define MESSAGE_SIZE	(ENVELOPE_SIZE + 1024 + MBOX_RPC_INLINE)

/* The same of a request whose arguments are not in a segment. */
#define REQUEST_SIZE	(MESSAGE_SIZE - MBOX_RPC_INLINE / 2)

/* How much of the stack a body can take while it is decoded, however deep it is. */
#define STACK_MAX	(4 * 1024 * 1024)

/**
 * enum envelope_flags - what is special about a message
 * @IN_SEGMENT: the body is in the segment that is the first descriptor
 * @REPLY_TO: a request without a caller that waits: its reply goes to the mailbox
 *            that is the last descriptor, tagged with its xid
 * @REFUSED: a reply to what could not be read as a request; nothing follows
 * @IDENTIFIED: a request that is recognized when it comes again
 * @ACKNOWLEDGE: no request, but what its identity acknowledges; nothing follows
 * @UNDER_WAY: a reply to a request that is being served already; nothing follows
 * @TOO_OLD: a reply to a request that may have been served; nothing follows
 */
enum envelope_flags {
	IN_SEGMENT = 1 << 0,
	REPLY_TO = 1 << 1,
	REFUSED = 1 << 2,
	IDENTIFIED = 1 << 3,
	ACKNOWLEDGE = 1 << 4,
	UNDER_WAY = 1 << 5,
	TOO_OLD = 1 << 6,
};

/* Replies that are no RPC message. */
#define REPLY_WORDS	(REFUSED | UNDER_WAY | TOO_OLD)

/**
 * struct envelope - what a message begins with
 * @flags: combination of enum envelope_flags
 * @length: bytes of the RPC message in this message
 * @segment: bytes of the body in the segment; 0 without one
 * @id: with IDENTIFIED, what the request is known by
 * @acknowledged: with IDENTIFIED, the client has the answers up to this call
 *
 * envelope.c has its form outside.
 */
struct envelope {
	uint32_t flags;
	uint32_t length;
	uint64_t segment;
	struct mbox_rpc_identity id;
	uint64_t acknowledged;
};

/* envelope.c: write one; read one of a message of @size bytes, or -EPROTO */
void mbox_rpc_envelope_put(void *data, const struct envelope *env);
int mbox_rpc_envelope_get(struct envelope *env, const void *data, size_t size,
			  uint32_t flags);
/* envelope.c: the flags alone, of what may be none: then 0 or anything */
uint32_t mbox_rpc_envelope_flags(const void *data, size_t size);

/* Nanoseconds of CLOCK_REALTIME, by which calls are older than others. */
static inline uint64_t mbox_rpc_realtime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* How many descriptors a message with these flags carries. */
static inline unsigned int envelope_fds(uint32_t flags)
{
	return !!(flags & IN_SEGMENT) + !!(flags & REPLY_TO);
}

/**
 * struct request - a request, as far as the transport reads it
 * @env: its envelope
 * @header: xid, program, version, procedure, credential and verifier
 * @body: where the body begins in the message, if it is there
 * @body_length: its bytes there
 * @cred: what @header points to
 * @verf: likewise
 */
struct request {
	struct envelope env;
	struct rpc_msg header;
	const char *body;
	size_t body_length;
	char cred[MAX_AUTH_BYTES];
	char verf[MAX_AUTH_BYTES];
};

/**
 * enum verdict - what a server makes of a request
 * @GOOD: its header could be read
 * @ACKNOWLEDGMENT: no request, but it acknowledges some
 * @UNREADABLE: no call of RFC 5531
 * @OTHER_RPC: a call of another version of the RPC protocol than 2
 * @BAD_CREDENTIAL: the credential cannot be read
 * @BAD_VERIFIER: the verifier cannot be read
 *
 * The xid is known with all but UNREADABLE and ACKNOWLEDGMENT.
 */
enum verdict {
	GOOD,
	ACKNOWLEDGMENT,
	UNREADABLE,
	OTHER_RPC,
	BAD_CREDENTIAL,
	BAD_VERIFIER,
};

/* request.c: read @size bytes from anybody, which came with @nr_fds descriptors */
enum verdict mbox_rpc_request_get(struct request *req, const void *data, size_t size,
				  unsigned int nr_fds);

/**
 * struct credential - what rq_clntcred points to, and what that points to
 */
struct credential {
	struct authunix_parms parms;
	char machine[MAX_MACHINE_NAME + 1];
	gid_t gids[NGRPS];
};

/* auth.c: whether a caller is who it says it is; sets rq_clntcred, to @cred or NULL */
enum auth_stat mbox_rpc_authenticate(struct svc_req *rqstp, struct credential *cred,
				     uid_t uid, gid_t gid);

/**
 * struct body - a body that was received
 * @data: its bytes, which the sender can change meanwhile if they are in a segment
 * @length: how many
 * @map: the mapping of the segment that goes with it, or NULL
 */
struct body {
	const void *data;
	size_t length;
	void *map;
};

/* The longest body whose segment stays mapped. */
#define VIEW_MAX	(2 * 1024 * 1024)

/**
 * struct view - the segment that a body was in last, for the next that is in the same
 * @id: its number, which no other segment gets
 * @map: its mapping, or NULL
 * @length: of that
 *
 * It keeps that segment, which its sender pays for, until another request comes.
 */
struct view {
	uint64_t id;
	void *map;
	size_t length;
};

/*
 * payload.c: the body in segment @fd, which is closed; with @view, if that is not NULL,
 * for its mapping. 0, or -EPROTO or another -errno.
 */
int mbox_rpc_body_map(struct body *body, int fd, uint64_t length, struct view *view);
void mbox_rpc_view_end(struct view *view);
void mbox_rpc_body_end(struct body *body);
bool mbox_rpc_body_decode(const struct body *body, xdrproc_t proc, void *where);

/* payload.c: close the descriptors that came with a message and were not taken */
void mbox_rpc_close_fds(const struct mbox_message *msg);

/**
 * struct scratch - a segment to encode bodies in
 * @segment: NULL while there is none
 * @map: all of it
 * @size: its bytes
 */
struct scratch {
	struct mbox_segment *segment;
	void *map;
	size_t size;
};

void mbox_rpc_scratch_end(struct scratch *scratch);

/*
 * payload.c: encode a body behind the header that is in @xdrs, or if there is no room
 * in @scratch, and say so in @env; 0, or -EINVAL when it cannot be encoded, -E2BIG when
 * it is more than MBOX_RPC_MAX, or another -errno
 */
int mbox_rpc_body_encode(XDR *xdrs, struct envelope *env, struct scratch *scratch,
			 xdrproc_t proc, void *what);

/* xdr_void(), with the type of the procedures that it stands in for. */
static inline bool_t no_body(XDR *xdrs, ...)
{
	(void)xdrs;
	return TRUE;
}

/**
 * struct slot - what one call needs, kept by the client for the next
 * @next: in the list of those that are free
 * @delivery: how often the call is to be served
 * @identified: it is known by @id
 * @id: what it is known by
 * @by_sequence: in the list of those
 * @scratch: for arguments that the message has no room for
 * @request: a message
 * @reply: likewise
 */
struct slot {
	struct slot *next;
	enum mbox_rpc_delivery delivery;
	bool identified;
	struct mbox_rpc_identity id;
	TAILQ_ENTRY(slot) by_sequence;
	struct scratch scratch;
	char request[REQUEST_SIZE];
	char reply[MESSAGE_SIZE];
};

/**
 * struct client - cl_private of a CLIENT
 * @mb: the server's mailbox, open for sending
 * @keep_fd: clnt_destroy() leaves it open
 * @lock: protects what follows, and the use of cl_auth
 * @prog: number of the program
 * @vers: its version
 * @timeout: of all calls, if @timeout_set, whatever they say
 * @xid: of the call that began last
 * @error: of the call that ended last
 * @free: slots that no call uses
 * @async: for calls under way, or NULL before the first
 * @delivery: how often calls are served
 * @retry: when a call that is not answered is sent again
 * @id: of the call that was identified last, or, if @id_is_next, of the next
 * @id_is_next: mbox_clnt_identity() or mbox_clnt_resume() has set it
 * @identified: calls that are, until they end
 * @ended: told when one has
 */
struct client {
	struct mbox *mb;
	bool keep_fd;
	pthread_mutex_t lock;
	rpcprog_t prog;
	rpcvers_t vers;
	bool timeout_set;
	struct timeval timeout;
	uint32_t xid;
	struct rpc_err error;
	struct slot *free;
	struct async *async;
	enum mbox_rpc_delivery delivery;
	struct timeval retry;
	struct mbox_rpc_identity id;
	bool id_is_next;
	TAILQ_HEAD(, slot) identified;
	pthread_cond_t ended;
};

/* client.c: the client behind a CLIENT, or NULL if that is of another transport */
struct client *mbox_rpc_client(const CLIENT *clnt);

/* delivery.c: how it begins, and what is left to say at its end */
void mbox_rpc_delivery_init(struct client *client);
void mbox_rpc_delivery_end(struct client *client);

/*
 * delivery.c: what a call is known by until it ends, if it is to be known; and that in
 * its envelope, if it is. 0, or -ETIMEDOUT if too many are under way until then.
 */
int mbox_rpc_identify(struct client *client, struct slot *slot, uint64_t deadline);
void mbox_rpc_identity_put(struct client *client, const struct slot *slot,
			   struct envelope *env);
void mbox_rpc_identified_end(struct client *client, struct slot *slot);

/*
 * delivery.c: mbox_call(), again and again if calls are to be made so. 0, or
 * -errno, with -ESTALE if the call may have been served and its answer is not known.
 */
int mbox_rpc_transmit(CLIENT *clnt, enum mbox_rpc_delivery delivery,
		      const struct mbox_message *request, struct mbox_message *reply,
		      uint64_t deadline);

/* client.c: NULL without memory. @timeout: of the call, changed if the client has another */
struct slot *mbox_rpc_slot_get(struct client *client, struct timeval *timeout);
/*
 * What clnt_geterr() tells then is @error; returns its status. @answered: the server is
 * done with the arguments, so that their room can be used again.
 */
enum clnt_stat mbox_rpc_slot_put(struct client *client, struct slot *slot, bool answered,
				 const struct rpc_err *error);

/*
 * client.c: put a request into a slot, as @msg, which carries the descriptors that @env
 * has flags for; @fds has the room for two, and what REPLY_TO needs is in its last. Sets
 * @xid. RPC_SUCCESS, or why not in @error.
 */
enum clnt_stat mbox_rpc_encode(CLIENT *clnt, struct slot *slot, struct mbox_message *msg,
			       uint32_t flags, int reply_to, rpcproc_t proc,
			       xdrproc_t xargs, void *args, uint32_t *xid,
			       struct rpc_err *error);

/* client.c: read a reply and close its descriptors */
enum clnt_stat mbox_rpc_decode(CLIENT *clnt, const struct mbox_message *reply, uint32_t xid,
			       xdrproc_t xres, void *res, struct rpc_err *error);

/* client.c: a status, with @ret, a -errno, as its reason */
enum clnt_stat mbox_rpc_fail(struct rpc_err *error, enum clnt_stat status, int ret);

/* client.c: what an error of a call or a send comes to */
enum clnt_stat mbox_rpc_fail_to_send(struct rpc_err *error, int ret);

/* client.c: what clnt_geterr() tells; returns its status */
enum clnt_stat mbox_rpc_set_error(struct client *client, const struct rpc_err *error);

static inline uint64_t mbox_rpc_nanoseconds(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
}

static inline struct timespec mbox_rpc_timespec(uint64_t ns)
{
	return (struct timespec) {
		.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000),
	};
}

/* client.c: the deadline some time from now */
uint64_t mbox_rpc_deadline(struct timeval timeout);

/* client.c: one whose waits end at deadlines */
void mbox_rpc_cond_init(pthread_cond_t *cond);

/* async.c: with its client */
void mbox_rpc_async_end(struct async *async);

/**
 * struct answer - what a request was answered, to be kept or to be given again
 * @data: the RPC message
 * @length: its bytes in the message; 0 if it was not answered
 * @segment: bytes of the body in the segment @fd; or 0
 * @fd: or -1
 */
struct answer {
	void *data;
	size_t length;
	uint64_t segment;
	int fd;
};

/**
 * enum known - what a history knows of a call
 * @CALL_NEW: nothing: it is to be served
 * @CALL_ANSWERED: what it was answered
 * @CALL_UNDER_WAY: it is being served, or cannot be now
 * @CALL_TOO_OLD: it may have been served
 */
enum known {
	CALL_NEW,
	CALL_ANSWERED,
	CALL_UNDER_WAY,
	CALL_TOO_OLD,
};

struct history;
struct durable;
struct served;

/* Nanoseconds after which a history forgets. */
#define HISTORY_AGE	(MBOX_RPC_AGE * 1000000000ULL)

/* Up to which call of its client a request lets a history forget: by word, and by the window. */
static inline uint64_t mbox_rpc_watermark(const struct envelope *env)
{
	const uint64_t sequence = env->id.sequence;

	if (sequence > MBOX_RPC_WINDOW && sequence - MBOX_RPC_WINDOW > env->acknowledged)
		return sequence - MBOX_RPC_WINDOW;
	return env->acknowledged;
}

/* history.c: in memory, from @now on, which is nanoseconds of CLOCK_REALTIME; or NULL */
struct history *mbox_rpc_history_new(uint64_t now);
void mbox_rpc_history_end(struct history *history);

/*
 * history.c: what is known of the call that @env, of a message of @uid, is the identity
 * of. With CALL_NEW @call is set, for mbox_rpc_history_answer() once it is served. With
 * CALL_ANSWERED @answer is, with @data and @fd of the caller's.
 */
enum known mbox_rpc_history_begin(struct history *history, uid_t uid,
				  const struct envelope *env, uint64_t now,
				  struct answer *answer, struct served **call);
/* @answer stays the caller's. */
void mbox_rpc_history_answer(struct history *history, struct served *call,
			     const struct answer *answer);
void mbox_rpc_history_acknowledge(struct history *history, uid_t uid,
				  const struct envelope *env);

/* durable.c: in a database, from @start on if that has none yet; 0 or -errno */
int mbox_rpc_durable_new(struct durable **durable, const char *path, uint64_t start);
void mbox_rpc_durable_end(struct durable *durable);
struct sqlite3 *mbox_rpc_durable_db(const struct durable *durable);

/*
 * durable.c: begin a transaction; then the same as of a history, if @env is IDENTIFIED.
 * 0 or -errno. With CALL_NEW the transaction is open, for one of the two that follow,
 * and nobody else's begins.
 */
int mbox_rpc_durable_begin(struct durable *durable, uid_t uid, const struct envelope *env,
			   uint64_t now, struct answer *answer, enum known *known);
/* @answer stays the caller's. 0, or -errno: it was rolled back. */
int mbox_rpc_durable_commit(struct durable *durable, uid_t uid, const struct envelope *env,
			    const struct answer *answer);
void mbox_rpc_durable_rollback(struct durable *durable);
void mbox_rpc_durable_acknowledge(struct durable *durable, uid_t uid,
				  const struct envelope *env);

/**
 * struct program - a version of a program that is served
 * @next: in the list of its server
 * @prog: number of the program
 * @vers: its version
 * @dispatch: serves a request
 */
struct program {
	struct program *next;
	rpcprog_t prog;
	rpcvers_t vers;
	void (*dispatch)(struct svc_req *rqstp, SVCXPRT *xprt);
};

/**
 * struct server - what all transports for one mailbox share
 * @mb: the mailbox, open for both, so that it never runs out of senders
 * @name: its name
 * @lock: protects @programs
 * @programs: what is served
 * @xprt: what svc_mbox_create() returned
 * @start: when it was made, before anybody could call it
 * @history: of the calls that are served once
 * @durable: the same in a database, instead of that; or NULL
 * @inherited: a process before this one, by fork(2), has made it, and has the history
 * @next: in the list of all servers of the process, see loop.c
 */
struct server {
	struct mbox *mb;
	char *name;
	pthread_mutex_t lock;
	struct program *programs;
	SVCXPRT *xprt;
	uint64_t start;
	struct history *history;
	struct durable *durable;
	bool inherited;
	struct server *next;
};

/**
 * struct worker - a transport that serves one request at a time; xp_p1 of its @xprt
 * @xprt: what dispatch functions see
 * @server: whose
 * @in: the request, in @in_data with @fds, of which no other part of the library
 *      wants more than two; but who sends more must not be in the way
 * @request: read from @in
 * @body: its arguments
 * @view: where they were in a segment last
 * @cred: who it says its caller is
 * @reply_to: where the reply goes, if nobody waits for it; or NULL
 * @out: the reply, in @out_data with @out_fd; its @delivery is not 0 while it has
 *       to be given
 * @scratch: for results that the message has no room for
 * @held: while a request is served, its reply is not to be given yet
 * @replied: there is one
 * @held_env: its envelope
 * @success: the last reply has results
 */
struct worker {
	SVCXPRT xprt;
	struct server *server;
	struct mbox_message in;
	struct request request;
	struct body body;
	struct view view;
	struct credential cred;
	struct mbox *reply_to;
	struct mbox_message out;
	struct mbox_fd out_fd;
	struct scratch scratch;
	bool held;
	bool replied;
	struct envelope held_env;
	bool success;
	struct mbox_fd fds[MBOX_FDS_MAX];
	char in_data[MESSAGE_SIZE];
	char out_data[MESSAGE_SIZE];
};

/* server.c: a transport for one more thread, NULL without memory */
struct worker *mbox_rpc_worker_new(struct server *server);
void mbox_rpc_worker_end(struct worker *worker);

/*
 * server.c: give the reply that is due and receive a request; serve that. 0, or -errno
 * when the mailbox is of no more use, or -EINTR. The first of them alone.
 */
int mbox_rpc_worker_receive(struct worker *worker);
void mbox_rpc_worker_serve(struct worker *worker);
void mbox_rpc_worker_flush(struct worker *worker);

/* server.c: give what is in @out_data, as @env says; whether the caller waits for more */
bool mbox_rpc_worker_give(struct worker *worker, const struct envelope *env);
/* server.c: let the program serve a request */
void mbox_rpc_worker_dispatch(struct worker *worker, struct svc_req *rqstp);

/* once.c: serve a request, unless it was before */
void mbox_rpc_once_serve(struct worker *worker, struct svc_req *rqstp);
/* once.c: what is no request, but acknowledges some */
void mbox_rpc_once_acknowledge(struct worker *worker);

/* loop.c: those that mbox_svc_run() serves; 0 or -errno */
int mbox_rpc_loop_add(struct server *server);
void mbox_rpc_loop_remove(struct server *server);

#endif /* MBOX_RPC_INTERNAL_H */
