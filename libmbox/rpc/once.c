/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Serving requests once: what comes again is answered again.
 *
 * A reply is held until it is in the history, and until what was done for it is
 * committed if the server has a database. So nobody has an answer that could be
 * forgotten before it is acknowledged.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rpc.h"

static void tell(struct worker *worker, uint32_t word)
{
	const struct envelope env = { .flags = word };

	mbox_rpc_worker_give(worker, &env);
}

static void answer_again(struct worker *worker, const struct answer *answer)
{
	const struct envelope env = {
		.flags = answer->fd >= 0 ? IN_SEGMENT : 0,
		.length = answer->length,
		.segment = answer->segment,
	};
	/* A client that has come back has another number for it. */
	const uint32_t xid = htonl(worker->request.header.rm_xid);

	if (answer->length) {
		memcpy(worker->out_data + ENVELOPE_SIZE, answer->data, answer->length);
		memcpy(worker->out_data + ENVELOPE_SIZE, &xid, sizeof(xid));
		worker->out_fd.fd = answer->fd;
		mbox_rpc_worker_give(worker, &env);
	}
	free(answer->data);
	if (answer->fd >= 0)
		close(answer->fd);
}

static void serve_held(struct worker *worker, struct svc_req *rqstp)
{
	worker->held = true;
	worker->replied = false;
	worker->success = false;
	mbox_rpc_worker_dispatch(worker, rqstp);
	worker->held = false;
}

static struct answer held_answer(struct worker *worker)
{
	const struct envelope *env = &worker->held_env;

	if (!worker->replied)
		return (struct answer) { .fd = -1 };
	return (struct answer) {
		.data = worker->out_data + ENVELOPE_SIZE,
		.length = env->length,
		.segment = env->segment,
		.fd = env->flags & IN_SEGMENT ? worker->out_fd.fd : -1,
	};
}

static void give_held(struct worker *worker)
{
	if (worker->replied)
		mbox_rpc_worker_give(worker, &worker->held_env);
	mbox_rpc_scratch_end(&worker->scratch);
}

static void serve_new(struct worker *worker, struct svc_req *rqstp, struct served *call)
{
	struct answer answer;

	serve_held(worker, rqstp);
	answer = held_answer(worker);
	mbox_rpc_history_answer(worker->server->history, call, &answer);
	give_held(worker);
}

/* In the transaction that was begun. */
static void serve_in_transaction(struct worker *worker, struct svc_req *rqstp)
{
	struct durable *durable = worker->server->durable;
	struct answer answer;

	serve_held(worker, rqstp);
	if (!worker->success) {
		mbox_rpc_durable_rollback(durable);
		give_held(worker);
		return;
	}
	answer = held_answer(worker);
	if (!mbox_rpc_durable_commit(durable, worker->in.uid, &worker->request.env, &answer)) {
		give_held(worker);
		return;
	}
	mbox_rpc_scratch_end(&worker->scratch);
	svcerr_systemerr(&worker->xprt);
}

/* What needs not be served; TRUE if it does. */
static bool is_new(struct worker *worker, enum known known, const struct answer *answer)
{
	switch (known) {
	case CALL_NEW:
		return true;
	case CALL_ANSWERED:
		answer_again(worker, answer);
		return false;
	case CALL_UNDER_WAY:
		tell(worker, UNDER_WAY);
		return false;
	default:
		tell(worker, TOO_OLD);
		return false;
	}
}

static void serve_durable(struct worker *worker, struct svc_req *rqstp)
{
	struct answer answer;
	enum known known;

	if (mbox_rpc_durable_begin(worker->server->durable, worker->in.uid,
				   &worker->request.env, mbox_rpc_realtime(), &answer, &known))
		svcerr_systemerr(&worker->xprt);
	else if (is_new(worker, known, &answer))
		serve_in_transaction(worker, rqstp);
}

static void serve_identified(struct worker *worker, struct svc_req *rqstp)
{
	struct answer answer;
	struct served *call;
	enum known known;

	known = mbox_rpc_history_begin(worker->server->history, worker->in.uid,
				       &worker->request.env, mbox_rpc_realtime(), &answer,
				       &call);
	if (is_new(worker, known, &answer))
		serve_new(worker, rqstp, call);
}

void mbox_rpc_once_serve(struct worker *worker, struct svc_req *rqstp)
{
	if (worker->server->durable)
		serve_durable(worker, rqstp);
	else if (worker->request.env.flags & IDENTIFIED)
		serve_identified(worker, rqstp);
	else
		mbox_rpc_worker_dispatch(worker, rqstp);
}

void mbox_rpc_once_acknowledge(struct worker *worker)
{
	const struct envelope *env = &worker->request.env;

	if (worker->server->durable)
		mbox_rpc_durable_acknowledge(worker->server->durable, worker->in.uid, env);
	else
		mbox_rpc_history_acknowledge(worker->server->history, worker->in.uid, env);
}
