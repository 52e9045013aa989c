// SPDX-License-Identifier: GPL-2.0
/* The service of the tests of libmbox-rpc. */
#include "rpc_service.h"

#include <arpa/inet.h>

_Atomic unsigned int service_calls;
_Atomic unsigned int *gate_entered;
bool (*service_bank)(const transfer *arg, int *result, struct svc_req *rqstp);

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool open;
	unsigned int inside;
	unsigned int passed;
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

void gate_set(bool open)
{
	pthread_mutex_lock(&gate.lock);
	gate.open = open;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

unsigned int gate_inside(void)
{
	unsigned int inside;

	pthread_mutex_lock(&gate.lock);
	inside = gate.inside;
	pthread_mutex_unlock(&gate.lock);
	return inside;
}

unsigned int gate_passed(void)
{
	unsigned int passed;

	pthread_mutex_lock(&gate.lock);
	passed = gate.passed;
	pthread_mutex_unlock(&gate.lock);
	return passed;
}

static bool_t add(pair *arg, int *result)
{
	service_calls++;
	*result = arg->one + arg->other;
	return TRUE;
}

bool_t add_2_svc(pair *arg, int *result, struct svc_req *rqstp)
{
	(void)rqstp;
	return add(arg, result);
}

bool_t add_4_svc(pair *arg, int *result, struct svc_req *rqstp)
{
	(void)rqstp;
	return add(arg, result);
}

/* The result is the argument, which is then no longer the argument's to free. */
bool_t echo_4_svc(blob *arg, blob *result, struct svc_req *rqstp)
{
	(void)rqstp;
	service_calls++;
	*result = *arg;
	*arg = (blob) { .blob_len = 0 };
	return TRUE;
}

bool_t wait_4_svc(int *arg, int *result, struct svc_req *rqstp)
{
	(void)rqstp;
	service_calls++;
	pthread_mutex_lock(&gate.lock);
	gate.inside++;
	if (gate_entered)
		++*gate_entered;
	while (!gate.open)
		pthread_cond_wait(&gate.changed, &gate.lock);
	gate.inside--;
	gate.passed++;
	pthread_mutex_unlock(&gate.lock);
	*result = *arg;
	return TRUE;
}

bool_t who_4_svc(void *arg, identity *result, struct svc_req *rqstp)
{
	const struct authunix_parms *cred = rqstp->rq_clntcred;
	struct mbox_svc_caller caller = { .pid = 0 };
	int ret = mbox_svc_caller(rqstp, &caller);

	(void)arg;
	service_calls++;
	*result = (identity) {
		.pid = ret ? ret : caller.pid,
		.uid = (int)caller.uid,
		.gid = (int)caller.gid,
		.claims = cred != NULL,
	};
	if (cred) {
		result->claimed_uid = (int)cred->aup_uid;
		result->claimed_gids = (int)cred->aup_len;
	}
	return TRUE;
}

bool_t count_4_svc(node *arg, int *result, struct svc_req *rqstp)
{
	(void)rqstp;
	service_calls++;
	for (*result = 0; arg; arg = arg->next)
		++*result;
	return TRUE;
}

bool_t fill_4_svc(u_int *arg, blob *result, struct svc_req *rqstp)
{
	(void)rqstp;
	service_calls++;
	result->blob_len = *arg;
	result->blob_val = malloc(*arg + 1);
	if (result->blob_val)
		memset(result->blob_val, (int)(*arg % 251), *arg);
	return result->blob_val != NULL;
}

bool_t silent_4_svc(void *arg, void *result, struct svc_req *rqstp)
{
	(void)arg;
	(void)result;
	(void)rqstp;
	service_calls++;
	return FALSE;
}

bool_t transfer_4_svc(transfer *arg, int *result, struct svc_req *rqstp)
{
	service_calls++;
	return service_bank && service_bank(arg, result, rqstp);
}

int service_2_freeresult(SVCXPRT *xprt, xdrproc_t xdr_result, caddr_t result)
{
	(void)xprt;
	xdr_free(xdr_result, result);
	return TRUE;
}

int service_4_freeresult(SVCXPRT *xprt, xdrproc_t xdr_result, caddr_t result)
{
	return service_2_freeresult(xprt, xdr_result, result);
}

static void *run(void *arg)
{
	struct service *service = arg;

	service->ret = mbox_svc_run(service->threads);
	return NULL;
}

SVCXPRT *service_create(const char *name)
{
	SVCXPRT *xprt = svc_mbox_create(name, 0622);

	if (xprt && (mbox_svc_reg(xprt, SERVICE, SERVICE_V2, service_2) ||
		     mbox_svc_reg(xprt, SERVICE, SERVICE_V4, service_4))) {
		svc_destroy(xprt);
		return NULL;
	}
	return xprt;
}

int service_run(struct service *service)
{
	return -pthread_create(&service->thread, NULL, run, service);
}

int service_start(struct service *service, const char *tag, unsigned int threads)
{
	umask(0);
	snprintf(service->name, sizeof(service->name), "/%s", unique_name(tag));
	service->threads = threads;
	service->xprt = service_create(service->name);
	return service->xprt ? service_run(service) : -errno;
}

int service_stop(struct service *service)
{
	mbox_svc_exit();
	pthread_join(service->thread, NULL);
	svc_destroy(service->xprt);
	return service->ret;
}

bool service_exists(const char *name)
{
	struct mbox *mb;

	if (mbox_open(&mb, name, O_WRONLY))
		return false;
	mbox_close(mb);
	return true;
}

pid_t service_fork(const char *name)
{
	pid_t pid = child_fork();

	if (!pid)
		_exit(service_create(name) ? mbox_svc_run(1) : 1);
	return wait_until(service_exists(name)) ? pid : -1;
}

static void *call(void *arg)
{
	struct rpc_call *c = arg;

	c->status = clnt_call(c->clnt, WAIT, (xdrproc_t)(void *)xdr_int, &c->arg,
			      (xdrproc_t)(void *)xdr_int, &c->result, c->timeout);
	return NULL;
}

int rpc_call_start(struct rpc_call *c)
{
	return -pthread_create(&c->thread, NULL, call, c);
}

enum clnt_stat rpc_call_join(struct rpc_call *c)
{
	pthread_join(c->thread, NULL);
	return c->status;
}

CLIENT *service_client(const char *name)
{
	return clnt_mbox_create(name, SERVICE, SERVICE_V4);
}

int clnt_errno(CLIENT *clnt)
{
	struct rpc_err error = { .re_status = RPC_SUCCESS };

	clnt_geterr(clnt, &error);
	return error.re_errno;
}

void raw_swap(uint32_t *to, const uint32_t *from, size_t words)
{
	while (words--)
		*to++ = htonl(*from++);
}

void raw_build(struct raw *raw, const uint32_t *words, unsigned int nr)
{
	memset(raw, 0, sizeof(*raw));
	memcpy(raw->request + RAW_ENVELOPE, words, nr * sizeof(*words));
	raw->words = nr;
	raw->request[0] = 1;
	raw->request[2] = nr * sizeof(*words);
}

void raw_identify(struct raw *raw, uint32_t client, uint32_t sequence, uint32_t acknowledged)
{
	const uint64_t now = now_ns(CLOCK_REALTIME);

	raw->request[1] |= RAW_IDENTIFIED;
	raw->request[6] = client;
	raw->request[10] = now >> 32;
	raw->request[11] = (uint32_t)now;
	raw->request[13] = sequence;
	raw->request[15] = acknowledged;
}

struct mbox_message raw_message(struct raw *raw)
{
	raw_swap(raw->wire, raw->request, RAW_ENVELOPE + raw->words);
	return (struct mbox_message) {
		.data = raw->wire,
		.length = 4 * (RAW_ENVELOPE + raw->words),
		.fds = raw->fds,
		.nr_fds = raw->nr_fds,
	};
}

int raw_ask(struct raw *raw, struct mbox *mb)
{
	struct mbox_message request = raw_message(raw);
	struct mbox_message answer = { .data = raw->reply, .size = sizeof(raw->reply) };
	int ret;

	ret = mbox_call(mb, &request, &answer, 0, mbox_deadline_in(WAIT_LIMIT_S * NS_PER_S));
	if (ret)
		return ret;
	raw_swap(raw->reply, raw->reply, answer.length / 4);
	if (answer.length < 4 * RAW_ENVELOPE || answer.length % 4 || raw->reply[0] != 1 ||
	    raw->reply[2] != answer.length - 4 * RAW_ENVELOPE)
		return -EPROTO;
	return (int)(answer.length / 4) - RAW_ENVELOPE;
}
