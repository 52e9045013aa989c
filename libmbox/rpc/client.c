/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Clients: a CLIENT of libtirpc whose calls go to a mailbox.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "rpc.h"

/* How often a call is made again with a credential that was refreshed. */
#define MAX_REFRESHES	2

static struct clnt_ops ops;

struct client *mbox_rpc_client(const CLIENT *clnt)
{
	return clnt->cl_ops == &ops ? clnt->cl_private : NULL;
}

struct slot *mbox_rpc_slot_get(struct client *client, struct timeval *timeout)
{
	enum mbox_rpc_delivery delivery;
	struct slot *slot;

	pthread_mutex_lock(&client->lock);
	delivery = client->delivery;
	/* CLSET_TIMEOUT is for all calls, whatever they say. */
	if (client->timeout_set && timeout)
		*timeout = client->timeout;
	slot = client->free;
	if (slot)
		client->free = slot->next;
	pthread_mutex_unlock(&client->lock);
	if (!slot) {
		slot = malloc(sizeof(*slot));
		if (!slot)
			return NULL;
		/* Not the room for messages, which is the most of it. */
		memset(slot, 0, offsetof(struct slot, request));
	}
	slot->delivery = delivery;
	return slot;
}

enum clnt_stat mbox_rpc_slot_put(struct client *client, struct slot *slot, bool answered,
				 const struct rpc_err *error)
{
	if (!answered)
		mbox_rpc_scratch_end(&slot->scratch);
	pthread_mutex_lock(&client->lock);
	slot->next = client->free;
	client->free = slot;
	client->error = *error;
	pthread_mutex_unlock(&client->lock);
	return error->re_status;
}

enum clnt_stat mbox_rpc_fail(struct rpc_err *error, enum clnt_stat status, int ret)
{
	*error = (struct rpc_err) { .re_status = status };
	error->re_errno = -ret;
	return status;
}

enum clnt_stat mbox_rpc_fail_to_send(struct rpc_err *error, int ret)
{
	switch (ret) {
	case -ETIMEDOUT:
		return mbox_rpc_fail(error, RPC_TIMEDOUT, ret);
	case -EINTR:
		return mbox_rpc_fail(error, RPC_INTR, ret);
	/* Somebody had received it, or may have. */
	case -ECONNRESET:
	case -EMFILE:
	case -ESTALE:
		return mbox_rpc_fail(error, RPC_CANTRECV, ret);
	default:
		return mbox_rpc_fail(error, RPC_CANTSEND, ret);
	}
}

enum clnt_stat mbox_rpc_set_error(struct client *client, const struct rpc_err *error)
{
	pthread_mutex_lock(&client->lock);
	client->error = *error;
	pthread_mutex_unlock(&client->lock);
	return error->re_status;
}

uint64_t mbox_rpc_deadline(struct timeval timeout)
{
	return mbox_deadline_in(mbox_rpc_nanoseconds(timeout));
}

void mbox_rpc_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

/* Nothing but the credential is written by others meanwhile. */
static bool put_header(CLIENT *clnt, XDR *xdrs, rpcproc_t proc, uint32_t *xid)
{
	struct client *client = clnt->cl_private;
	struct rpc_msg msg = {
		.rm_direction = CALL,
		.rm_call.cb_rpcvers = RPC_MSG_VERSION,
	};
	bool good;

	pthread_mutex_lock(&client->lock);
	/* A call under way is known by it, and 0 is the number of none. */
	if (!++client->xid)
		client->xid++;
	msg.rm_xid = client->xid;
	msg.rm_call.cb_prog = client->prog;
	msg.rm_call.cb_vers = client->vers;
	good = xdr_callhdr(xdrs, &msg) && xdr_rpcproc(xdrs, &proc) &&
	       AUTH_MARSHALL(clnt->cl_auth, xdrs);
	pthread_mutex_unlock(&client->lock);
	*xid = msg.rm_xid;
	return good;
}

enum clnt_stat mbox_rpc_encode(CLIENT *clnt, struct slot *slot, struct mbox_message *msg,
			       uint32_t flags, int reply_to, rpcproc_t proc,
			       xdrproc_t xargs, void *args, uint32_t *xid,
			       struct rpc_err *error)
{
	struct envelope env = { .flags = flags };
	XDR xdrs;
	int ret;

	xdrmem_create(&xdrs, slot->request + ENVELOPE_SIZE, REQUEST_SIZE - ENVELOPE_SIZE,
		      XDR_ENCODE);
	if (!put_header(clnt, &xdrs, proc, xid))
		return mbox_rpc_fail(error, RPC_CANTENCODEARGS, -EINVAL);
	ret = mbox_rpc_body_encode(&xdrs, &env, &slot->scratch, xargs, args);
	if (ret)
		return mbox_rpc_fail(error, RPC_CANTENCODEARGS, ret);
	env.length = XDR_GETPOS(&xdrs);
	if (slot->identified)
		mbox_rpc_identity_put(clnt->cl_private, slot, &env);
	mbox_rpc_envelope_put(slot->request, &env);

	msg->data = slot->request;
	msg->length = ENVELOPE_SIZE + env.length;
	msg->tag = *xid;
	msg->nr_fds = 0;
	if (env.flags & IN_SEGMENT)
		msg->fds[msg->nr_fds++] = (struct mbox_fd) {
			.fd = mbox_segment_fd(slot->scratch.segment),
		};
	if (env.flags & REPLY_TO)
		msg->fds[msg->nr_fds++] = (struct mbox_fd) {
			.fd = reply_to, .flags = MBOX_FD_SENDONLY,
		};
	return RPC_SUCCESS;
}

static bool validate(CLIENT *clnt, struct opaque_auth *verf)
{
	struct client *client = clnt->cl_private;
	bool good;

	pthread_mutex_lock(&client->lock);
	good = AUTH_VALIDATE(clnt->cl_auth, verf);
	pthread_mutex_unlock(&client->lock);
	return good;
}

/*
 * Nearly every reply has results and no verifier, and xdr_replymsg() takes long to find that
 * out: this does for these, and leaves all others to that.
 */
static bool get_success(XDR *xdrs, struct rpc_msg *msg)
{
	const int32_t *word = XDR_INLINE(xdrs, 6 * BYTES_PER_XDR_UNIT);
	const int32_t success[] = { htonl(REPLY), htonl(MSG_ACCEPTED), htonl(AUTH_NONE), 0,
				    htonl(SUCCESS) };

	if (!word)
		return false;
	if (memcmp(word + 1, success, sizeof(success))) {
		XDR_SETPOS(xdrs, 0);
		return false;
	}
	msg->rm_xid = ntohl(*word);
	msg->acpted_rply.ar_verf.oa_flavor = AUTH_NONE;
	return true;
}

static bool get_body(struct body *body, const struct mbox_message *reply,
		     const struct envelope *env, u_int header)
{
	if (env->flags & IN_SEGMENT)
		return !mbox_rpc_body_map(body, reply->fds[0].fd, env->segment, NULL);
	*body = (struct body) {
		.data = (const char *)reply->data + ENVELOPE_SIZE + header,
		.length = env->length - header,
	};
	return true;
}

static enum clnt_stat get_results(CLIENT *clnt, struct rpc_msg *msg, struct body *body,
				  xdrproc_t xres, void *res, struct rpc_err *error)
{
	if (!validate(clnt, &msg->acpted_rply.ar_verf)) {
		mbox_rpc_fail(error, RPC_AUTHERROR, 0);
		error->re_why = AUTH_INVALIDRESP;
		return RPC_AUTHERROR;
	}
	if (xres && !mbox_rpc_body_decode(body, xres, res))
		return mbox_rpc_fail(error, RPC_CANTDECODERES, -EBADMSG);
	return RPC_SUCCESS;
}

enum clnt_stat mbox_rpc_decode(CLIENT *clnt, const struct mbox_message *reply, uint32_t xid,
			       xdrproc_t xres, void *res, struct rpc_err *error)
{
	char verf[MAX_AUTH_BYTES];
	struct rpc_msg msg = {
		.acpted_rply.ar_results.proc = no_body,
	};
	struct body body = { .length = 0 };
	struct envelope env;
	XDR xdrs;

	if (mbox_rpc_envelope_get(&env, reply->data, reply->length, IN_SEGMENT | REPLY_WORDS) ||
	    envelope_fds(env.flags) != reply->nr_fds) {
		mbox_rpc_close_fds(reply);
		return mbox_rpc_fail(error, RPC_CANTDECODERES, -EPROTO);
	}
	if (env.flags & REPLY_WORDS) {
		mbox_rpc_close_fds(reply);
		return mbox_rpc_fail(error, RPC_CANTSEND, -EPROTO);
	}

	msg.acpted_rply.ar_verf.oa_base = verf;
	xdrmem_create(&xdrs, (char *)reply->data + ENVELOPE_SIZE, env.length, XDR_DECODE);
	if ((!get_success(&xdrs, &msg) && !xdr_replymsg(&xdrs, &msg)) || msg.rm_xid != xid) {
		mbox_rpc_close_fds(reply);
		return mbox_rpc_fail(error, RPC_CANTDECODERES, -EPROTO);
	}
	if (!get_body(&body, reply, &env, XDR_GETPOS(&xdrs)))
		return mbox_rpc_fail(error, RPC_CANTDECODERES, -EPROTO);
	*error = (struct rpc_err) { .re_status = RPC_SUCCESS };
	_seterr_reply(&msg, error);
	if (error->re_status == RPC_SUCCESS)
		get_results(clnt, &msg, &body, xres, res, error);
	mbox_rpc_body_end(&body);
	return error->re_status;
}

static bool refresh(CLIENT *clnt)
{
	struct client *client = clnt->cl_private;
	bool changed;

	pthread_mutex_lock(&client->lock);
	changed = AUTH_REFRESH(clnt->cl_auth, NULL);
	pthread_mutex_unlock(&client->lock);
	return changed;
}

/* Without a timeout, and without results to wait for: the request is left there. */
static enum clnt_stat leave(struct client *client, const struct mbox_message *msg,
			    xdrproc_t xres, struct rpc_err *error)
{
	int ret = mbox_send_msg(client->mb, msg, 0, 0);

	if (ret)
		return mbox_rpc_fail_to_send(error, ret);
	return mbox_rpc_fail(error, xres ? RPC_TIMEDOUT : RPC_SUCCESS, 0);
}

static enum clnt_stat exchange(CLIENT *clnt, struct slot *slot, rpcproc_t proc,
			       xdrproc_t xargs, void *args, xdrproc_t xres, void *res,
			       struct timeval timeout, struct rpc_err *error)
{
	struct client *client = clnt->cl_private;
	struct mbox_fd fds[2], reply_fds[2];
	struct mbox_message request = { .fds = fds };
	struct mbox_message reply = {
		.data = slot->reply,
		.size = sizeof(slot->reply),
		.fds = reply_fds,
		.room_fds = 2,
	};
	const uint64_t deadline = mbox_rpc_deadline(timeout);
	uint32_t xid;
	int ret = mbox_rpc_identify(client, slot, deadline);

	if (ret)
		return mbox_rpc_fail_to_send(error, ret);
	if (mbox_rpc_encode(clnt, slot, &request, 0, -1, proc, xargs, args, &xid, error))
		return error->re_status;
	if (!timeout.tv_sec && !timeout.tv_usec)
		return leave(client, &request, xres, error);
	ret = mbox_rpc_transmit(clnt, slot->delivery, &request, &reply, deadline);
	if (ret)
		return mbox_rpc_fail_to_send(error, ret);
	return mbox_rpc_decode(clnt, &reply, xid, xres, res, error);
}

/*
 * The server has read the arguments if it says anything of the call but that; unless it
 * has got them twice.
 */
static bool is_answer(const struct slot *slot, enum clnt_stat status)
{
	return status != RPC_TIMEDOUT && status != RPC_INTR && status != RPC_CANTRECV &&
	       slot->delivery != MBOX_RPC_AT_LEAST_ONCE;
}

static enum clnt_stat call(CLIENT *clnt, rpcproc_t proc, xdrproc_t xargs, void *args,
			   xdrproc_t xres, void *res, struct timeval timeout)
{
	struct client *client = clnt->cl_private;
	int refreshes = MAX_REFRESHES;
	struct rpc_err error;
	struct slot *slot;
	enum clnt_stat status;

	slot = mbox_rpc_slot_get(client, &timeout);
	if (!slot) {
		mbox_rpc_fail(&error, RPC_SYSTEMERROR, -ENOMEM);
		return mbox_rpc_set_error(client, &error);
	}
	do {
		status = exchange(clnt, slot, proc, xargs, args, xres, res, timeout, &error);
		if (slot->identified)
			mbox_rpc_identified_end(client, slot);
	} while (status == RPC_AUTHERROR && refreshes-- && refresh(clnt));
	return mbox_rpc_slot_put(client, slot, xres && is_answer(slot, status), &error);
}

static void abort_call(CLIENT *clnt)
{
	(void)clnt;
}

static void get_error(CLIENT *clnt, struct rpc_err *error)
{
	struct client *client = clnt->cl_private;

	pthread_mutex_lock(&client->lock);
	*error = client->error;
	pthread_mutex_unlock(&client->lock);
}

static bool_t free_results(CLIENT *clnt, xdrproc_t xres, void *res)
{
	(void)clnt;
	xdr_free(xres, res);
	return TRUE;
}

static void client_end(struct client *client)
{
	struct slot *slot;

	while ((slot = client->free)) {
		client->free = slot->next;
		mbox_rpc_scratch_end(&slot->scratch);
		free(slot);
	}
	if (client->async)
		mbox_rpc_async_end(client->async);
	mbox_rpc_delivery_end(client);
	if (!client->keep_fd)
		mbox_close(client->mb);
	pthread_mutex_destroy(&client->lock);
	free(client);
}

static void destroy(CLIENT *clnt)
{
	client_end(clnt->cl_private);
	free(clnt->cl_netid);
	free(clnt->cl_tp);
	free(clnt);
}

static bool good_timeout(const struct timeval *timeout)
{
	return timeout->tv_sec >= 0 && timeout->tv_usec >= 0 && timeout->tv_usec <= 1000000;
}

/* What info points to is the request's: a struct timeval, an int or a number of 32 bits. */
static bool control_locked(struct client *client, u_int request, void *info)
{
	switch (request) {
	case CLSET_TIMEOUT:
		if (!good_timeout(info))
			return false;
		client->timeout = *(const struct timeval *)info;
		client->timeout_set = true;
		return true;
	case CLSET_RETRY_TIMEOUT:
		if (!good_timeout(info) || !timerisset((const struct timeval *)info))
			return false;
		client->retry = *(const struct timeval *)info;
		return true;
	case CLGET_RETRY_TIMEOUT:
		*(struct timeval *)info = client->retry;
		return true;
	case CLGET_TIMEOUT:
		*(struct timeval *)info = client->timeout;
		return true;
	case CLGET_FD:
		*(int *)info = mbox_fd(client->mb);
		return true;
	case CLGET_XID:
		*(uint32_t *)info = client->xid;
		return true;
	case CLSET_XID:
		client->xid = *(const uint32_t *)info - 1;
		return true;
	case CLGET_VERS:
		*(uint32_t *)info = client->vers;
		return true;
	case CLSET_VERS:
		client->vers = *(const uint32_t *)info;
		return true;
	case CLGET_PROG:
		*(uint32_t *)info = client->prog;
		return true;
	case CLSET_PROG:
		client->prog = *(const uint32_t *)info;
		return true;
	default:
		return false;
	}
}

static bool_t control(CLIENT *clnt, u_int request, void *info)
{
	struct client *client = clnt->cl_private;
	bool done;

	if (request == CLSET_FD_CLOSE || request == CLSET_FD_NCLOSE) {
		client->keep_fd = request == CLSET_FD_NCLOSE;
		return TRUE;
	}
	if (!info)
		return FALSE;
	pthread_mutex_lock(&client->lock);
	done = control_locked(client, request, info);
	pthread_mutex_unlock(&client->lock);
	return done;
}

static struct clnt_ops ops = {
	.cl_call = call,
	.cl_abort = abort_call,
	.cl_geterr = get_error,
	.cl_freeres = free_results,
	.cl_destroy = destroy,
	.cl_control = control,
};

/* Numbers that a client before it, which had the same process number, did not use. */
static uint32_t first_xid(void)
{
	uint32_t xid = getpid();

	(void)!getrandom(&xid, sizeof(xid), GRND_NONBLOCK);
	return xid;
}

static int client_new(struct client **created, const char *mailbox)
{
	struct client *client = calloc(1, sizeof(*client));
	int ret;

	if (!client)
		return -ENOMEM;
	ret = mbox_open(&client->mb, mailbox, O_WRONLY);
	if (ret) {
		free(client);
		return ret;
	}
	pthread_mutex_init(&client->lock, NULL);
	client->xid = first_xid();
	mbox_rpc_delivery_init(client);
	*created = client;
	return 0;
}

static int clnt_new(CLIENT **created, const char *mailbox, rpcprog_t prog, rpcvers_t vers)
{
	CLIENT *clnt = calloc(1, sizeof(*clnt));
	struct client *client;
	int ret = -ENOMEM;

	if (!clnt)
		return ret;
	clnt->cl_netid = strdup("mbox");
	clnt->cl_tp = strdup(mailbox);
	clnt->cl_auth = authnone_create();
	if (clnt->cl_netid && clnt->cl_tp && clnt->cl_auth)
		ret = client_new(&client, mailbox);
	if (ret) {
		free(clnt->cl_netid);
		free(clnt->cl_tp);
		free(clnt);
		return ret;
	}
	client->prog = prog;
	client->vers = vers;
	clnt->cl_ops = &ops;
	clnt->cl_private = client;
	*created = clnt;
	return 0;
}

static CLIENT *clnt_find(rpcprog_t prog, rpcvers_t vers)
{
	char *mailbox = mbox_rpcb_getaddr(prog, vers);
	CLIENT *clnt = mailbox ? clnt_mbox_create(mailbox, prog, vers) : NULL;

	free(mailbox);
	return clnt;
}

MBOX_RPC_API CLIENT *clnt_mbox_create(const char *mailbox, rpcprog_t prog, rpcvers_t vers)
{
	CLIENT *clnt;
	int ret;

	if (!mailbox)
		return clnt_find(prog, vers);
	ret = clnt_new(&clnt, mailbox, prog, vers);
	if (!ret)
		return clnt;
	rpc_createerr.cf_stat = RPC_SYSTEMERROR;
	mbox_rpc_fail(&rpc_createerr.cf_error, RPC_SYSTEMERROR, ret);
	return NULL;
}

MBOX_RPC_API CLIENT *mbox_clnt_create(const char *host, rpcprog_t prog, rpcvers_t vers,
				      const char *nettype)
{
	if (!strcmp(nettype, "mbox"))
		return clnt_mbox_create(host, prog, vers);
	return clnt_create(host, prog, vers, nettype);
}
