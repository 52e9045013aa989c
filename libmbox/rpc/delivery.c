/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * How often a call is served, as far as that is the client's part: what it is known by,
 * and that it is sent until it is answered.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include "rpc.h"

/* How often a server that is gone is looked for. */
#define LOOK_NS		10000000

/* Twice the time between two tries is that between the next two, up to this. */
#define RETRY_MAX_NS	30000000000ULL

static const struct timeval default_retry = { .tv_sec = 1 };

void mbox_rpc_delivery_init(struct client *client)
{
	client->retry = default_retry;
	TAILQ_INIT(&client->identified);
	mbox_rpc_cond_init(&client->ended);
}

/* Two clients that are alike would have each other's answers, so it has to be random. */
static void begin_locked(struct client *client)
{
	while (getrandom(client->id.client, sizeof(client->id.client), 0) !=
	       sizeof(client->id.client))
		;
}

static void next_locked(struct client *client)
{
	if (client->id_is_next)
		return;
	if (!client->id.sequence)
		begin_locked(client);
	client->id.sequence++;
	client->id.time = mbox_rpc_realtime();
	client->id_is_next = true;
}

/* A call that is far ahead of the first would have that one forgotten. */
static bool in_window_locked(struct client *client)
{
	const struct slot *first = TAILQ_FIRST(&client->identified);
	const uint64_t next = client->id.sequence + !client->id_is_next;

	return !first || next < first->id.sequence + MBOX_RPC_WINDOW;
}

static int identify_locked(struct client *client, struct slot *slot, uint64_t deadline)
{
	const struct timespec until = mbox_rpc_timespec(deadline);

	while (!in_window_locked(client))
		if (pthread_cond_timedwait(&client->ended, &client->lock, &until))
			return -ETIMEDOUT;
	next_locked(client);
	client->id_is_next = false;
	slot->id = client->id;
	TAILQ_INSERT_TAIL(&client->identified, slot, by_sequence);
	return 0;
}

int mbox_rpc_identify(struct client *client, struct slot *slot, uint64_t deadline)
{
	int ret;

	if (slot->delivery < MBOX_RPC_AT_MOST_ONCE)
		return 0;
	pthread_mutex_lock(&client->lock);
	ret = identify_locked(client, slot, deadline);
	pthread_mutex_unlock(&client->lock);
	slot->identified = !ret;
	return ret;
}

void mbox_rpc_identity_put(struct client *client, const struct slot *slot,
			   struct envelope *env)
{
	env->flags |= IDENTIFIED;
	env->id = slot->id;
	pthread_mutex_lock(&client->lock);
	env->acknowledged = TAILQ_FIRST(&client->identified)->id.sequence - 1;
	pthread_mutex_unlock(&client->lock);
}

void mbox_rpc_identified_end(struct client *client, struct slot *slot)
{
	pthread_mutex_lock(&client->lock);
	slot->identified = false;
	TAILQ_REMOVE(&client->identified, slot, by_sequence);
	pthread_cond_broadcast(&client->ended);
	pthread_mutex_unlock(&client->lock);
}

/* The last answers, which no next call acknowledges. A server without room forgets by age. */
void mbox_rpc_delivery_end(struct client *client)
{
	char data[ENVELOPE_SIZE];
	const struct mbox_message msg = { .data = data, .length = sizeof(data) };
	struct envelope env = { .flags = IDENTIFIED | ACKNOWLEDGE, .id = client->id };

	pthread_cond_destroy(&client->ended);
	if (client->id_is_next)
		env.id.sequence--;
	if (!env.id.sequence)
		return;
	env.acknowledged = env.id.sequence;
	mbox_rpc_envelope_put(data, &env);
	mbox_send_msg(client->mb, &msg, MBOX_NONBLOCK, 0);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void sleep_until(uint64_t deadline)
{
	const struct timespec until = mbox_rpc_timespec(deadline);

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static bool is_gone(int ret)
{
	return ret == -ECONNRESET || ret == -EPIPE || ret == -EIDRM || ret == -ENOENT;
}

/* The descriptor stays the same number, which other threads use. */
static int reopen(CLIENT *clnt)
{
	struct client *client = clnt->cl_private;
	struct mbox *mb;
	int ret = mbox_open(&mb, clnt->cl_tp, O_WRONLY);

	if (ret)
		return ret;
	if (dup3(mbox_fd(mb), mbox_fd(client->mb), O_CLOEXEC) < 0)
		ret = -errno;
	mbox_close(mb);
	return ret;
}

/* 0 when a server is there, perhaps the same. */
static int wait_for_server(CLIENT *clnt, uint64_t deadline)
{
	uint64_t now;
	int ret;

	do {
		now = mbox_deadline_in(0);
		if (now >= deadline)
			return -ETIMEDOUT;
		sleep_until(sooner(now + LOOK_NS, deadline));
		ret = reopen(clnt);
	} while (is_gone(ret));
	return ret;
}

/* What a reply says that is none: -EINPROGRESS or -ESTALE. */
static int judge(const struct mbox_message *reply)
{
	const uint32_t flags = mbox_rpc_envelope_flags(reply->data, reply->length);

	if (flags & UNDER_WAY)
		return -EINPROGRESS;
	return flags & TOO_OLD ? -ESTALE : 0;
}

/* Until @again. 0, or an error, with -ETIMEDOUT to try once more. */
static int try(CLIENT *clnt, enum mbox_rpc_delivery delivery,
	       const struct mbox_message *request, struct mbox_message *reply,
	       uint64_t again, uint64_t deadline)
{
	const struct client *client = clnt->cl_private;
	int ret = mbox_call(client->mb, request, reply, 0, again);

	if (!ret)
		ret = judge(reply);
	if (ret == -EINPROGRESS) {
		sleep_until(again);
		return -ETIMEDOUT;
	}
	if (is_gone(ret) && delivery != MBOX_RPC_AT_MOST_ONCE) {
		ret = wait_for_server(clnt, deadline);
		return ret ? ret : -ETIMEDOUT;
	}
	return ret;
}

int mbox_rpc_transmit(CLIENT *clnt, enum mbox_rpc_delivery delivery,
		      const struct mbox_message *request, struct mbox_message *reply,
		      uint64_t deadline)
{
	const struct client *client = clnt->cl_private;
	uint64_t interval;
	int ret;

	if (delivery == MBOX_RPC_MAYBE)
		return mbox_call(client->mb, request, reply, 0, deadline);
	interval = mbox_rpc_nanoseconds(client->retry);
	do {
		ret = try(clnt, delivery, request, reply, sooner(mbox_deadline_in(interval), deadline),
			  deadline);
		interval = sooner(2 * interval, RETRY_MAX_NS);
	} while (ret == -ETIMEDOUT && mbox_deadline_in(0) < deadline);
	return ret;
}

MBOX_RPC_API int mbox_clnt_delivery(CLIENT *clnt, enum mbox_rpc_delivery delivery)
{
	struct client *client = mbox_rpc_client(clnt);

	if (!client || delivery > MBOX_RPC_EXACTLY_ONCE)
		return -EINVAL;
	pthread_mutex_lock(&client->lock);
	client->delivery = delivery;
	pthread_mutex_unlock(&client->lock);
	return 0;
}

MBOX_RPC_API int mbox_clnt_identity(CLIENT *clnt, struct mbox_rpc_identity *id)
{
	struct client *client = mbox_rpc_client(clnt);

	if (!client)
		return -EINVAL;
	pthread_mutex_lock(&client->lock);
	next_locked(client);
	*id = client->id;
	pthread_mutex_unlock(&client->lock);
	return 0;
}

MBOX_RPC_API int mbox_clnt_resume(CLIENT *clnt, const struct mbox_rpc_identity *id)
{
	struct client *client = mbox_rpc_client(clnt);

	if (!client || !id->sequence || id->sequence > INT64_MAX || !id->time ||
	    id->time > INT64_MAX)
		return -EINVAL;
	pthread_mutex_lock(&client->lock);
	client->id = *id;
	client->id_is_next = true;
	pthread_mutex_unlock(&client->lock);
	return 0;
}
