/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Servers: a SVCXPRT of libtirpc whose requests come to a mailbox.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rpc.h"

/* Requests that wait; more wait at their callers. */
#define CAPACITY	1024

static struct worker *worker_of(SVCXPRT *xprt)
{
	return xprt->xp_p1;
}

/* What the kernel made of it; a caller that has gone is no failure of the server. */
static bool given(struct worker *worker, int ret)
{
	if (!ret || ret == -ESTALE)
		worker->out.delivery = 0;
	return !ret || ret == -ESTALE;
}

/*
 * A reply to a caller that waits goes out with the next receive, in one system call.
 * One with a segment goes at once, so that an idle server keeps none. A client that
 * has no room for the replies that it did not wait for goes without: a server waits for
 * nobody.
 */
bool mbox_rpc_worker_give(struct worker *worker, const struct envelope *env)
{
	struct mbox_message *out = &worker->out;

	mbox_rpc_envelope_put(worker->out_data, env);
	out->length = ENVELOPE_SIZE + env->length;
	out->delivery = worker->in.delivery;
	out->tag = worker->request.header.rm_xid;
	out->nr_fds = envelope_fds(env->flags);
	if (worker->reply_to)
		mbox_send_msg(worker->reply_to, out, MBOX_NONBLOCK, 0);
	else if (out->delivery && out->nr_fds)
		return given(worker, mbox_reply(worker->server->mb, out));
	return true;
}

static bool has_results(const struct rpc_msg *msg)
{
	return msg->rm_reply.rp_stat == MSG_ACCEPTED && msg->acpted_rply.ar_stat == SUCCESS;
}

/* What xdr_replymsg() makes of nearly all that has results, which takes it much longer. */
static bool put_success(XDR *xdrs, const struct rpc_msg *msg)
{
	int32_t *word = NULL;

	if (!msg->acpted_rply.ar_verf.oa_length)
		word = XDR_INLINE(xdrs, 6 * BYTES_PER_XDR_UNIT);
	if (!word)
		return false;
	IXDR_PUT_U_INT32(word, msg->rm_xid);
	IXDR_PUT_ENUM(word, REPLY);
	IXDR_PUT_ENUM(word, MSG_ACCEPTED);
	IXDR_PUT_ENUM(word, msg->acpted_rply.ar_verf.oa_flavor);
	IXDR_PUT_U_INT32(word, 0);
	IXDR_PUT_ENUM(word, SUCCESS);
	return true;
}

/* The header alone, as if there were no results, which come after it. */
static bool put_reply_header(XDR *xdrs, struct rpc_msg *msg)
{
	struct rpc_msg header;

	if (!has_results(msg))
		return xdr_replymsg(xdrs, msg);
	if (put_success(xdrs, msg))
		return true;
	header = *msg;
	header.acpted_rply.ar_results.where = NULL;
	header.acpted_rply.ar_results.proc = no_body;
	return xdr_replymsg(xdrs, &header);
}

static bool put_results(XDR *xdrs, struct worker *worker, struct envelope *env,
			struct rpc_msg *msg)
{
	if (!has_results(msg))
		return true;
	return !mbox_rpc_body_encode(xdrs, env, &worker->scratch,
				     msg->acpted_rply.ar_results.proc,
				     msg->acpted_rply.ar_results.where);
}

/* The reply is in @out_data, and what is too long for it in @scratch. */
static bool finish(struct worker *worker, const struct envelope *env)
{
	bool good;

	if (env->flags & IN_SEGMENT)
		worker->out_fd.fd = mbox_segment_fd(worker->scratch.segment);
	if (worker->held) {
		worker->held_env = *env;
		worker->replied = true;
		return true;
	}
	good = mbox_rpc_worker_give(worker, env);
	if (env->flags & IN_SEGMENT)
		mbox_rpc_scratch_end(&worker->scratch);
	return good;
}

static bool_t reply(SVCXPRT *xprt, struct rpc_msg *msg)
{
	struct worker *worker = worker_of(xprt);
	struct envelope env = { .flags = 0 };
	bool good;
	XDR xdrs;

	msg->rm_xid = worker->request.header.rm_xid;
	xdrmem_create(&xdrs, worker->out_data + ENVELOPE_SIZE,
		      MESSAGE_SIZE - ENVELOPE_SIZE, XDR_ENCODE);
	good = put_reply_header(&xdrs, msg) && put_results(&xdrs, worker, &env, msg);
	env.length = XDR_GETPOS(&xdrs);
	worker->success = msg->rm_reply.rp_stat == MSG_ACCEPTED &&
			  msg->acpted_rply.ar_stat == SUCCESS;
	if (good)
		return finish(worker, &env);
	mbox_rpc_scratch_end(&worker->scratch);
	return FALSE;
}

static void refuse(struct worker *worker)
{
	const struct envelope env = { .flags = REFUSED };

	mbox_rpc_worker_give(worker, &env);
}

static bool_t get_args(SVCXPRT *xprt, xdrproc_t xargs, void *args)
{
	return mbox_rpc_body_decode(&worker_of(xprt)->body, xargs, args);
}

static bool_t free_args(SVCXPRT *xprt, xdrproc_t xargs, void *args)
{
	(void)xprt;
	xdr_free(xargs, args);
	return TRUE;
}

/* Whether the caller waits for nothing but this reply. */
static bool waits(const struct worker *worker)
{
	return worker->in.flags & MBOX_CALL;
}

/* Closes or uses each descriptor of the request; they are as many as it said. */
static bool take_fds(struct worker *worker)
{
	const struct request *req = &worker->request;
	const struct mbox_fd *fd = worker->fds;
	bool good = !(waits(worker) && req->env.flags & REPLY_TO);

	worker->body = (struct body) { .data = req->body, .length = req->body_length };
	if (req->env.flags & IN_SEGMENT)
		good &= !mbox_rpc_body_map(&worker->body, fd++->fd, req->env.segment,
					   &worker->view);
	else if (worker->view.map)
		mbox_rpc_view_end(&worker->view);
	if (req->env.flags & REPLY_TO && mbox_from_fd(&worker->reply_to, fd->fd)) {
		close(fd->fd);
		good = false;
	}
	return good;
}

static void rpc_mismatch(struct worker *worker)
{
	struct rpc_msg msg = {
		.rm_direction = REPLY,
		.rm_reply.rp_stat = MSG_DENIED,
		.rjcted_rply.rj_stat = RPC_MISMATCH,
		.rjcted_rply.rj_vers = { .low = RPC_MSG_VERSION, .high = RPC_MSG_VERSION },
	};

	reply(&worker->xprt, &msg);
}

/* What is to be served once is for the process whose history it is. */
static bool can_serve(const struct worker *worker)
{
	const struct server *server = worker->server;

	return !server->inherited ||
	       !(server->durable || worker->request.env.flags & IDENTIFIED);
}

/* Reads a request that was received, and answers what is wrong with it. */
static bool read_request(struct worker *worker)
{
	enum verdict verdict = mbox_rpc_request_get(&worker->request, worker->in_data,
						    worker->in.length, worker->in.nr_fds);

	if (verdict == UNREADABLE)
		mbox_rpc_close_fds(&worker->in);
	else if (!take_fds(worker) || !can_serve(worker))
		verdict = UNREADABLE;

	switch (verdict) {
	case GOOD:
		return true;
	case ACKNOWLEDGMENT:
		mbox_rpc_once_acknowledge(worker);
		return false;
	case OTHER_RPC:
		rpc_mismatch(worker);
		return false;
	case BAD_CREDENTIAL:
		svcerr_auth(&worker->xprt, AUTH_BADCRED);
		return false;
	case BAD_VERIFIER:
		svcerr_auth(&worker->xprt, AUTH_BADVERF);
		return false;
	default:
		refuse(worker);
		return false;
	}
}

static void done(struct worker *worker)
{
	mbox_rpc_body_end(&worker->body);
	if (worker->reply_to)
		mbox_close(worker->reply_to);
	worker->reply_to = NULL;
}

/*
 * Without room for the descriptors that a message brings it cannot be received; other
 * threads close what came with theirs, and nothing tells when.
 */
static bool passes(int ret)
{
	return ret == -EMFILE || ret == -ENFILE || ret == -ENOMEM;
}

int mbox_rpc_worker_receive(struct worker *worker)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	int ret;

	done(worker);
	do {
		ret = mbox_reply_recv(worker->server->mb, &worker->out, &worker->in, 0, 0);
		/* A caller that has gone, or has no room for what every client has. */
		if (ret && worker->out.delivery)
			worker->out.delivery = 0;
		else if (passes(ret))
			nanosleep(&moment, NULL);
		else
			return ret;
	} while (true);
}

void mbox_rpc_worker_flush(struct worker *worker)
{
	if (worker->out.delivery)
		mbox_reply(worker->server->mb, &worker->out);
	worker->out.delivery = 0;
	done(worker);
}

typedef void (*dispatch_t)(struct svc_req *rqstp, SVCXPRT *xprt);

/**
 * struct versions - of a program, those that are served
 * @dispatch: serves the one that was looked for, or NULL
 * @any: whether there is one
 * @low: the lowest
 * @high: the highest
 */
struct versions {
	dispatch_t dispatch;
	bool any;
	rpcvers_t low;
	rpcvers_t high;
};

static struct versions look_up(struct server *server, rpcprog_t prog, rpcvers_t vers)
{
	struct versions v = { .low = ~(rpcvers_t)0 };
	const struct program *p;

	pthread_mutex_lock(&server->lock);
	for (p = server->programs; p; p = p->next) {
		if (p->prog != prog)
			continue;
		v.any = true;
		v.low = p->vers < v.low ? p->vers : v.low;
		v.high = p->vers > v.high ? p->vers : v.high;
		if (p->vers == vers)
			v.dispatch = p->dispatch;
	}
	pthread_mutex_unlock(&server->lock);
	return v;
}

void mbox_rpc_worker_dispatch(struct worker *worker, struct svc_req *rqstp)
{
	struct versions v = look_up(worker->server, rqstp->rq_prog, rqstp->rq_vers);

	if (v.dispatch)
		v.dispatch(rqstp, &worker->xprt);
	else if (v.any)
		svcerr_progvers(&worker->xprt, v.low, v.high);
	else
		svcerr_noprog(&worker->xprt);
}

void mbox_rpc_worker_serve(struct worker *worker)
{
	const struct call_body *call = &worker->request.header.rm_call;
	struct svc_req rqstp = { .rq_xprt = &worker->xprt };
	enum auth_stat why;

	if (!read_request(worker))
		return;
	rqstp.rq_prog = call->cb_prog;
	rqstp.rq_vers = call->cb_vers;
	rqstp.rq_proc = call->cb_proc;
	rqstp.rq_cred = call->cb_cred;
	why = mbox_rpc_authenticate(&rqstp, &worker->cred, worker->in.uid, worker->in.gid);
	if (why == AUTH_OK)
		mbox_rpc_once_serve(worker, &rqstp);
	else
		svcerr_auth(&worker->xprt, why);
}

/* A loop of the program's own does not say when a request is served. */
static bool_t receive(SVCXPRT *xprt, struct rpc_msg *msg)
{
	struct worker *worker = worker_of(xprt);

	if (mbox_rpc_worker_receive(worker) || !read_request(worker))
		return FALSE;
	if (worker->server->durable || worker->request.env.flags & IDENTIFIED) {
		refuse(worker);
		return FALSE;
	}
	*msg = worker->request.header;
	return TRUE;
}

static enum xprt_stat status(SVCXPRT *xprt)
{
	(void)xprt;
	return XPRT_IDLE;
}

static void server_end(struct server *server)
{
	struct program *p;

	while ((p = server->programs)) {
		server->programs = p->next;
		free(p);
	}
	pthread_mutex_destroy(&server->lock);
	mbox_rpc_history_end(server->history);
	/* SQLite cannot close in a child what its parent has opened. */
	if (server->durable && !server->inherited)
		mbox_rpc_durable_end(server->durable);
	mbox_close(server->mb);
	free(server->name);
	free(server);
}

/* Only what svc_mbox_create() returned; the others are their threads'. */
static void destroy(SVCXPRT *xprt)
{
	struct server *server = worker_of(xprt)->server;

	if (xprt != server->xprt)
		return;
	mbox_rpc_loop_remove(server);
	mbox_rpc_worker_end(worker_of(xprt));
	server_end(server);
}

static const struct xp_ops ops = {
	.xp_recv = receive,
	.xp_stat = status,
	.xp_getargs = get_args,
	.xp_reply = reply,
	.xp_freeargs = free_args,
	.xp_destroy = destroy,
};

static bool_t no_control(SVCXPRT *xprt, const u_int request, void *info)
{
	(void)xprt;
	(void)request;
	(void)info;
	return FALSE;
}

static const struct xp_ops2 ops2 = { .xp_control = no_control };

struct worker *mbox_rpc_worker_new(struct server *server)
{
	struct worker *worker = malloc(sizeof(*worker));

	if (!worker)
		return NULL;
	/* Not the room for messages, which is the most of it. */
	memset(worker, 0, offsetof(struct worker, in_data));
	worker->server = server;
	worker->in = (struct mbox_message) {
		.data = worker->in_data,
		.size = sizeof(worker->in_data),
		.fds = worker->fds,
		.room_fds = MBOX_FDS_MAX,
	};
	worker->out = (struct mbox_message) {
		.data = worker->out_data,
		.fds = &worker->out_fd,
	};
	worker->xprt = (SVCXPRT) {
		.xp_fd = mbox_fd(server->mb),
		.xp_ops = &ops,
		.xp_ops2 = &ops2,
		.xp_tp = server->name,
		.xp_netid = "mbox",
		.xp_p1 = worker,
	};
	return worker;
}

void mbox_rpc_worker_end(struct worker *worker)
{
	mbox_rpc_worker_flush(worker);
	mbox_rpc_view_end(&worker->view);
	free(worker);
}

static int server_new(struct server **created, const char *name, mode_t mode)
{
	const struct mbox_attr attr = {
		.capacity = CAPACITY,
		.msgsize = MESSAGE_SIZE,
		.flags = MBOX_HANGUP | MBOX_HANDLES | MBOX_TRANSIENT,
	};
	struct server *server = calloc(1, sizeof(*server));
	int ret = -ENOMEM;

	if (!server)
		return ret;
	server->name = strdup(name);
	server->start = mbox_rpc_realtime();
	server->history = mbox_rpc_history_new(server->start);
	if (server->name && server->history)
		ret = mbox_create(&server->mb, name, O_RDWR | O_EXCL, mode, &attr);
	if (ret) {
		if (server->history)
			mbox_rpc_history_end(server->history);
		free(server->name);
		free(server);
		return ret;
	}
	pthread_mutex_init(&server->lock, NULL);
	*created = server;
	return 0;
}

MBOX_RPC_API SVCXPRT *svc_mbox_create(const char *mailbox, mode_t mode)
{
	struct worker *worker;
	struct server *server;
	int ret = server_new(&server, mailbox, mode);

	if (ret) {
		errno = -ret;
		return NULL;
	}
	worker = mbox_rpc_worker_new(server);
	ret = worker ? mbox_rpc_loop_add(server) : -ENOMEM;
	if (ret) {
		free(worker);
		server_end(server);
		errno = -ret;
		return NULL;
	}
	server->xprt = &worker->xprt;
	return server->xprt;
}

static struct server *server_of(SVCXPRT *xprt)
{
	return xprt->xp_ops == &ops ? worker_of(xprt)->server : NULL;
}

static struct program **find(struct server *server, rpcprog_t prog, rpcvers_t vers)
{
	struct program **p = &server->programs;

	while (*p && ((*p)->prog != prog || (*p)->vers != vers))
		p = &(*p)->next;
	return p;
}

static int add_locked(struct server *server, const struct program *program)
{
	struct program **p = find(server, program->prog, program->vers);

	if (*p)
		return (*p)->dispatch == program->dispatch ? 0 : -EEXIST;
	*p = malloc(sizeof(**p));
	if (!*p)
		return -ENOMEM;
	**p = *program;
	return 0;
}

MBOX_RPC_API int mbox_svc_reg(SVCXPRT *xprt, rpcprog_t prog, rpcvers_t vers,
			      void (*dispatch)(struct svc_req *, SVCXPRT *))
{
	const struct program program = {
		.prog = prog, .vers = vers, .dispatch = dispatch,
	};
	struct server *server = server_of(xprt);
	int ret;

	if (!server)
		return -EINVAL;
	pthread_mutex_lock(&server->lock);
	ret = add_locked(server, &program);
	pthread_mutex_unlock(&server->lock);
	return ret;
}

MBOX_RPC_API int mbox_svc_unreg(SVCXPRT *xprt, rpcprog_t prog, rpcvers_t vers)
{
	struct server *server = server_of(xprt);
	struct program **p, *gone;

	if (!server)
		return -EINVAL;
	pthread_mutex_lock(&server->lock);
	p = find(server, prog, vers);
	gone = *p;
	if (gone)
		*p = gone->next;
	pthread_mutex_unlock(&server->lock);
	free(gone);
	return gone ? 0 : -ENOENT;
}

MBOX_RPC_API int mbox_svc_durable(SVCXPRT *xprt, const char *path)
{
	struct server *server = server_of(xprt);

	if (!server)
		return -EINVAL;
	if (server->durable)
		return -EALREADY;
	return mbox_rpc_durable_new(&server->durable, path, server->start);
}

MBOX_RPC_API struct sqlite3 *mbox_svc_db(const struct svc_req *rqstp)
{
	const struct server *server = server_of(rqstp->rq_xprt);

	return server && server->durable ? mbox_rpc_durable_db(server->durable) : NULL;
}

MBOX_RPC_API int mbox_svc_caller(const struct svc_req *rqstp,
				 struct mbox_svc_caller *caller)
{
	const struct mbox_message *in;

	if (!server_of(rqstp->rq_xprt))
		return -EOPNOTSUPP;
	in = &worker_of(rqstp->rq_xprt)->in;
	*caller = (struct mbox_svc_caller) {
		.pid = in->pid, .uid = in->uid, .gid = in->gid,
	};
	return 0;
}
