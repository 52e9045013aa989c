/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * The history of a server: which calls it has served, and what it answered.
 *
 * Each user has a history of its own, so that nobody is forgotten for what another does.
 * What is forgotten leaves a bound behind: of a call the number, below which the
 * client's calls are too old; of a client its last time, before which all calls of that
 * user's unknown clients are. So a call that is neither known nor too old is new.
 */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "rpc.h"

/* Bytes of an answer that are kept with the call: most have no more. */
#define ROOM	128

/**
 * struct served - a call that was served, or is
 * @by_age: in the list of its user, once it is answered
 * @caller: whose
 * @sequence: its number
 * @answered: when its client was last heard of before that, or 0 while it is not
 * @answer: what it was answered
 * @lost: there was no room to keep that
 * @room: for its bytes, if they are few
 */
struct served {
	TAILQ_ENTRY(served) by_age;
	struct caller *caller;
	uint64_t sequence;
	uint64_t answered;
	struct answer answer;
	bool lost;
	char room[ROOM];
};

/**
 * struct caller - a client
 * @client: its number; first, so that a tree of them is searched by it alone
 * @by_use: in the list of its user
 * @user: whose
 * @calls: its calls, each at its number modulo the size
 * @under_way: how many are not answered
 * @watermark: what is not known up to this number is too old
 * @floor: likewise up to this time
 * @last: the latest time of its calls
 * @used: when it made the last
 */
struct caller {
	uint8_t client[16];
	TAILQ_ENTRY(caller) by_use;
	struct user *user;
	struct served *calls[MBOX_RPC_WINDOW];
	unsigned int under_way;
	uint64_t watermark;
	uint64_t floor;
	uint64_t last;
	uint64_t used;
};

/**
 * struct user - who clients belong to
 * @next: in the list of all
 * @uid: who
 * @tree: of its clients
 * @by_use: the same, the one that was used last at the end
 * @nr: how many
 * @by_age: what was answered, the latest at the end
 * @bytes: of these answers
 * @floor: what a client that is not known made up to this time is too old
 */
struct user {
	struct user *next;
	uid_t uid;
	void *tree;
	TAILQ_HEAD(, caller) by_use;
	unsigned int nr;
	TAILQ_HEAD(, served) by_age;
	size_t bytes;
	uint64_t floor;
};

/**
 * struct history - the history of a server
 * @lock: protects what follows, and all that it leads to
 * @users: who have called
 * @start: when it began
 */
struct history {
	pthread_mutex_t lock;
	struct user *users;
	uint64_t start;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(((struct caller *)NULL)->client));
}

static struct served **place(struct caller *caller, uint64_t sequence)
{
	return &caller->calls[sequence % MBOX_RPC_WINDOW];
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static size_t cost(const struct served *call)
{
	return sizeof(*call) + call->answer.length + call->answer.segment;
}

/* Of one that is answered. */
static void forget(struct served *call)
{
	struct caller *caller = call->caller;

	caller->watermark = later(caller->watermark, call->sequence);
	caller->user->bytes -= cost(call);
	TAILQ_REMOVE(&caller->user->by_age, call, by_age);
	*place(caller, call->sequence) = NULL;
	if (call->answer.data != call->room)
		free(call->answer.data);
	if (call->answer.fd >= 0)
		close(call->answer.fd);
	free(call);
}

/* What nobody will ask for again. */
static void acknowledge(struct caller *caller, uint64_t sequence)
{
	uint64_t known = caller->watermark;

	if (sequence <= known)
		return;
	if (sequence > MBOX_RPC_WINDOW)
		known = later(known, sequence - MBOX_RPC_WINDOW);
	caller->watermark = sequence;
	while (known++ < sequence) {
		struct served *call = *place(caller, known);

		if (call && call->answered && call->sequence <= sequence)
			forget(call);
	}
}

/* Of one without a call under way. */
static void forget_caller(struct caller *caller)
{
	struct user *user = caller->user;

	acknowledge(caller, INT64_MAX);
	user->floor = later(user->floor, caller->last);
	user->nr--;
	TAILQ_REMOVE(&user->by_use, caller, by_use);
	tdelete(caller, &user->tree, compare);
	free(caller);
}

/* The oldest answers are at the front, and the clients that are used least. */
static void expire(struct user *user, uint64_t now)
{
	struct served *call = TAILQ_FIRST(&user->by_age), *next_call;
	struct caller *caller = TAILQ_FIRST(&user->by_use), *next;

	while (call && (user->bytes > MBOX_RPC_HISTORY || call->answered + HISTORY_AGE < now)) {
		next_call = TAILQ_NEXT(call, by_age);
		forget(call);
		call = next_call;
	}
	for (; caller && (user->nr > MBOX_RPC_CLIENTS || caller->used + HISTORY_AGE < now);
	     caller = next) {
		next = TAILQ_NEXT(caller, by_use);
		if (!caller->under_way)
			forget_caller(caller);
	}
}

static struct user *find_user(struct history *history, uid_t uid)
{
	struct user *user = history->users;

	while (user && user->uid != uid)
		user = user->next;
	return user;
}

static struct user *get_user(struct history *history, uid_t uid)
{
	struct user *user = find_user(history, uid);

	if (user)
		return user;
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	user->floor = history->start;
	TAILQ_INIT(&user->by_use);
	TAILQ_INIT(&user->by_age);
	user->next = history->users;
	history->users = user;
	return user;
}

static struct caller *find_caller(struct user *user, const uint8_t *client)
{
	struct caller **found = tfind(client, &user->tree, compare);

	return found ? *found : NULL;
}

static struct caller *new_caller(struct user *user, const uint8_t *client)
{
	struct caller *caller = calloc(1, sizeof(*caller));

	if (!caller)
		return NULL;
	memcpy(caller->client, client, sizeof(caller->client));
	if (!tsearch(caller, &user->tree, compare)) {
		free(caller);
		return NULL;
	}
	caller->user = user;
	caller->floor = user->floor;
	user->nr++;
	TAILQ_INSERT_TAIL(&user->by_use, caller, by_use);
	return caller;
}

static void use(struct caller *caller, uint64_t now)
{
	struct user *user = caller->user;

	caller->used = now;
	TAILQ_REMOVE(&user->by_use, caller, by_use);
	TAILQ_INSERT_TAIL(&user->by_use, caller, by_use);
}

static enum known recall(const struct served *call, struct answer *answer)
{
	if (!call->answered)
		return CALL_UNDER_WAY;
	if (call->lost)
		return CALL_TOO_OLD;
	*answer = call->answer;
	answer->fd = -1;
	if (call->answer.fd >= 0)
		answer->fd = fcntl(call->answer.fd, F_DUPFD_CLOEXEC, 0);
	/* Without room for that there may be some later. */
	if (answer->fd < 0 && call->answer.fd >= 0)
		return CALL_UNDER_WAY;
	answer->data = malloc(answer->length);
	if (answer->data) {
		memcpy(answer->data, call->answer.data, answer->length);
		return CALL_ANSWERED;
	}
	if (answer->fd >= 0)
		close(answer->fd);
	return CALL_UNDER_WAY;
}

/* What was answered is out of the window by it; what still is not has to be waited for. */
static enum known enter(struct caller *caller, uint64_t sequence, struct served **call)
{
	struct served **at = place(caller, sequence);

	if (*at)
		return CALL_UNDER_WAY;
	*at = malloc(sizeof(**at));
	if (!*at)
		return CALL_UNDER_WAY;
	(*at)->caller = caller;
	(*at)->sequence = sequence;
	(*at)->answered = 0;
	caller->under_way++;
	*call = *at;
	return CALL_NEW;
}

static enum known begin(struct caller *caller, const struct envelope *env, uint64_t now,
			struct answer *answer, struct served **call)
{
	const uint64_t sequence = env->id.sequence;
	const struct served *known = *place(caller, sequence);

	use(caller, now);
	if (known && known->sequence == sequence)
		return recall(known, answer);
	acknowledge(caller, mbox_rpc_watermark(env));
	if (sequence <= caller->watermark || env->id.time <= caller->floor)
		return CALL_TOO_OLD;
	caller->last = later(caller->last, env->id.time);
	return enter(caller, sequence, call);
}

static enum known begin_locked(struct history *history, uid_t uid, const struct envelope *env,
			       uint64_t now, struct answer *answer, struct served **call)
{
	struct user *user = get_user(history, uid);
	struct caller *caller;

	/* Without memory now there may be some later. */
	if (!user)
		return CALL_UNDER_WAY;
	expire(user, now);
	caller = find_caller(user, env->id.client);
	/* A clock that was set back does not tell what is older than what. */
	if (env->id.time > now || (!caller && env->id.time <= user->floor))
		return CALL_TOO_OLD;
	if (!caller)
		caller = new_caller(user, env->id.client);
	return caller ? begin(caller, env, now, answer, call) : CALL_UNDER_WAY;
}

enum known mbox_rpc_history_begin(struct history *history, uid_t uid,
				  const struct envelope *env, uint64_t now,
				  struct answer *answer, struct served **call)
{
	enum known known;

	pthread_mutex_lock(&history->lock);
	known = begin_locked(history, uid, env, now, answer, call);
	pthread_mutex_unlock(&history->lock);
	return known;
}

void mbox_rpc_history_answer(struct history *history, struct served *call,
			     const struct answer *answer)
{
	struct caller *caller = call->caller;
	struct user *user = caller->user;

	call->answer = *answer;
	call->answer.data = answer->length <= ROOM ? call->room : malloc(answer->length);
	if (call->answer.data)
		memcpy(call->answer.data, answer->data, answer->length);
	if (answer->fd >= 0)
		call->answer.fd = fcntl(answer->fd, F_DUPFD_CLOEXEC, 0);
	call->lost = !call->answer.data || (answer->fd >= 0 && call->answer.fd < 0);

	pthread_mutex_lock(&history->lock);
	call->answered = caller->used;
	caller->under_way--;
	user->bytes += cost(call);
	TAILQ_INSERT_TAIL(&user->by_age, call, by_age);
	if (call->sequence <= caller->watermark)
		forget(call);
	pthread_mutex_unlock(&history->lock);
}

void mbox_rpc_history_acknowledge(struct history *history, uid_t uid,
				  const struct envelope *env)
{
	struct user *user;
	struct caller *caller = NULL;

	pthread_mutex_lock(&history->lock);
	user = find_user(history, uid);
	if (user)
		caller = find_caller(user, env->id.client);
	if (caller)
		acknowledge(caller, env->acknowledged);
	pthread_mutex_unlock(&history->lock);
}

struct history *mbox_rpc_history_new(uint64_t now)
{
	struct history *history = calloc(1, sizeof(*history));

	if (!history)
		return NULL;
	pthread_mutex_init(&history->lock, NULL);
	history->start = now;
	return history;
}

void mbox_rpc_history_end(struct history *history)
{
	struct caller *caller, *next;
	struct user *user;

	while ((user = history->users)) {
		history->users = user->next;
		for (caller = TAILQ_FIRST(&user->by_use); caller; caller = next) {
			next = TAILQ_NEXT(caller, by_use);
			forget_caller(caller);
		}
		free(user);
	}
	pthread_mutex_destroy(&history->lock);
	free(history);
}
