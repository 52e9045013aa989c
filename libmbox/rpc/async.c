/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Calls under way: their replies come to a mailbox of the client's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "rpc.h"

/**
 * struct pending - a call under way
 * @next: in its list
 * @xid: its number
 * @scratch: its arguments, if the message had no room for them
 * @reply: once it has come, with @data of its own
 * @fds: its descriptors
 */
struct pending {
	struct pending *next;
	uint32_t xid;
	struct scratch scratch;
	struct mbox_message reply;
	struct mbox_fd fds[2];
};

/* A list with its end. */
struct queue {
	struct pending *first;
	struct pending **end;
};

/**
 * struct async - what the calls under way of a client share
 * @replies: their mailbox
 * @epoll: readable when a reply is there, and once the server is gone
 * @lock: protects what follows
 * @changed: told when a thread has taken in what had come
 * @waiting: without a reply
 * @arrived: with one, in the order that they came in
 * @taking: a thread waits for replies and takes them in, into @room and @fds; others
 *          wait for it
 * @gone: nobody serves any more, and no reply is left
 */
struct async {
	struct mbox *replies;
	int epoll;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct queue waiting;
	struct queue arrived;
	bool taking;
	bool gone;
	struct mbox_fd fds[MBOX_FDS_MAX];
	char room[MESSAGE_SIZE];
};

static void queue_init(struct queue *queue)
{
	queue->first = NULL;
	queue->end = &queue->first;
}

static void queue_add(struct queue *queue, struct pending *p)
{
	p->next = NULL;
	*queue->end = p;
	queue->end = &p->next;
}

static struct pending *queue_find(const struct queue *queue, uint32_t xid)
{
	struct pending *p = queue->first;

	while (p && p->xid != xid)
		p = p->next;
	return p;
}

static struct pending *queue_take(struct queue *queue, uint32_t xid)
{
	struct pending **at = &queue->first, *p;

	while (*at && (*at)->xid != xid)
		at = &(*at)->next;
	p = *at;
	if (!p)
		return NULL;
	*at = p->next;
	if (!p->next)
		queue->end = at;
	return p;
}

/* Its descriptors are those of a reply that nobody has decoded. */
static void pending_end(struct pending *p)
{
	mbox_rpc_scratch_end(&p->scratch);
	mbox_rpc_close_fds(&p->reply);
	free(p->reply.data);
	free(p);
}

static void queue_end(struct queue *queue)
{
	struct pending *p;

	while ((p = queue->first)) {
		queue->first = p->next;
		pending_end(p);
	}
}

static int watch(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* That the server is gone is told whether asked for or not. */
static int epoll_new(int replies, int server)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int ret;

	if (epoll < 0)
		return -errno;
	ret = watch(epoll, replies, EPOLLIN);
	if (!ret)
		ret = watch(epoll, server, 0);
	if (!ret)
		return epoll;
	close(epoll);
	return ret;
}

/* Replies that nobody takes in are the client's own expense: it has started the calls. */
static int open_replies(struct async *async, struct mbox *server)
{
	const struct mbox_attr attr = {
		.capacity = MBOX_UNBOUNDED,
		.msgsize = MESSAGE_SIZE,
		.flags = MBOX_HANDLES,
	};
	int ret = mbox_create(&async->replies, NULL, O_RDWR, 0600, &attr);

	if (ret)
		return ret;
	async->epoll = epoll_new(mbox_fd(async->replies), mbox_fd(server));
	if (async->epoll >= 0)
		return 0;
	mbox_close(async->replies);
	return async->epoll;
}

static int async_new(struct async **created, struct mbox *server)
{
	struct async *async = malloc(sizeof(*async));
	int ret;

	if (!async)
		return -ENOMEM;
	ret = open_replies(async, server);
	if (ret) {
		free(async);
		return ret;
	}
	pthread_mutex_init(&async->lock, NULL);
	mbox_rpc_cond_init(&async->changed);
	queue_init(&async->waiting);
	queue_init(&async->arrived);
	async->taking = false;
	async->gone = false;
	*created = async;
	return 0;
}

void mbox_rpc_async_end(struct async *async)
{
	queue_end(&async->waiting);
	queue_end(&async->arrived);
	pthread_cond_destroy(&async->changed);
	pthread_mutex_destroy(&async->lock);
	close(async->epoll);
	mbox_close(async->replies);
	free(async);
}

static int async_get(struct client *client, struct async **async)
{
	int ret = 0;

	pthread_mutex_lock(&client->lock);
	if (!client->async)
		ret = async_new(&client->async, client->mb);
	*async = client->async;
	pthread_mutex_unlock(&client->lock);
	return ret;
}

/* A reply with more than it can have is kept as one that cannot be decoded. */
static int keep(struct pending *p, const struct mbox_message *msg)
{
	if (msg->nr_fds > 2) {
		mbox_rpc_close_fds(msg);
		return 0;
	}
	p->reply.data = malloc(msg->length + 1);
	if (!p->reply.data) {
		mbox_rpc_close_fds(msg);
		return -ENOMEM;
	}
	memcpy(p->reply.data, msg->data, msg->length);
	p->reply.length = msg->length;
	p->reply.fds = p->fds;
	p->reply.nr_fds = msg->nr_fds;
	if (msg->nr_fds)
		memcpy(p->fds, msg->fds, msg->nr_fds * sizeof(*p->fds));
	return 0;
}

static int arrive(struct async *async, const struct mbox_message *msg)
{
	struct pending *p;
	int ret = 0;

	pthread_mutex_lock(&async->lock);
	p = queue_take(&async->waiting, msg->tag);
	if (p) {
		queue_add(&async->arrived, p);
		ret = keep(p, msg);
	} else {
		/* Of a call that was cancelled. */
		mbox_rpc_close_fds(msg);
	}
	pthread_mutex_unlock(&async->lock);
	return ret;
}

/* All that has come. */
static int take_in(struct async *async)
{
	struct mbox_message msg = {
		.data = async->room,
		.size = sizeof(async->room),
		.fds = async->fds,
		.room_fds = MBOX_FDS_MAX,
	};
	int ret;

	do {
		ret = mbox_recv_msg(async->replies, &msg, MBOX_NONBLOCK, 0);
		if (!ret)
			ret = arrive(async, &msg);
	} while (!ret);
	return ret == -EAGAIN ? 0 : ret;
}

static struct timespec left_until(uint64_t deadline)
{
	const uint64_t now = mbox_deadline_in(0);

	return mbox_rpc_timespec(deadline > now ? deadline - now : 0);
}

/* Waits until something comes. What the server sent before it went is taken in first. */
static int wait_and_take(struct async *async, struct mbox *server, uint64_t deadline)
{
	struct pollfd fds[] = {
		{ .fd = mbox_fd(async->replies), .events = POLLIN },
		{ .fd = mbox_fd(server) },
	};
	const struct timespec left = left_until(deadline);
	int ret;

	if (ppoll(fds, 2, &left, NULL) < 0)
		return errno == EINTR ? 0 : -errno;
	ret = take_in(async);
	if (!ret && fds[1].revents) {
		pthread_mutex_lock(&async->lock);
		async->gone = true;
		pthread_mutex_unlock(&async->lock);
	}
	return ret;
}

/* With the lock held, but while it waits. 0, also when nothing has come, or -errno. */
static int wait_locked(struct async *async, struct mbox *server, uint64_t deadline)
{
	const struct timespec end = mbox_rpc_timespec(deadline);
	int ret;

	if (async->taking) {
		pthread_cond_timedwait(&async->changed, &async->lock, &end);
		return 0;
	}
	async->taking = true;
	pthread_mutex_unlock(&async->lock);
	ret = wait_and_take(async, server, deadline);
	pthread_mutex_lock(&async->lock);
	async->taking = false;
	pthread_cond_broadcast(&async->changed);
	return ret;
}

/* The call out of the lists once its reply is there; or NULL, with the reason. */
static struct pending *claim_locked(struct client *client, uint32_t xid, uint64_t deadline,
				    struct rpc_err *error)
{
	struct async *async = client->async;
	struct pending *p;
	bool late;
	int ret;

	while (!(p = queue_take(&async->arrived, xid))) {
		if (!queue_find(&async->waiting, xid)) {
			mbox_rpc_fail(error, RPC_FAILED, -ENOENT);
			return NULL;
		}
		if (async->gone) {
			pending_end(queue_take(&async->waiting, xid));
			mbox_rpc_fail(error, RPC_CANTRECV, -ECONNRESET);
			return NULL;
		}
		late = mbox_deadline_in(0) >= deadline;
		ret = wait_locked(async, client->mb, deadline);
		if (ret || (late && !queue_find(&async->arrived, xid) && !async->gone)) {
			mbox_rpc_fail(error, RPC_TIMEDOUT, ret ? ret : -ETIMEDOUT);
			return NULL;
		}
	}
	return p;
}

static enum clnt_stat collect(CLIENT *clnt, uint32_t xid, xdrproc_t xres, void *res,
			      uint64_t deadline, struct rpc_err *error)
{
	struct client *client = clnt->cl_private;
	struct pending *p = NULL;
	struct async *async;

	if (async_get(client, &async))
		return mbox_rpc_fail(error, RPC_FAILED, -ENOENT);
	pthread_mutex_lock(&async->lock);
	p = claim_locked(client, xid, deadline, error);
	pthread_mutex_unlock(&async->lock);
	if (!p)
		return error->re_status;
	mbox_rpc_decode(clnt, &p->reply, xid, xres, res, error);
	p->reply.nr_fds = 0;
	pending_end(p);
	return error->re_status;
}

MBOX_RPC_API enum clnt_stat mbox_clnt_collect(CLIENT *clnt, uint32_t xid, xdrproc_t xres,
					      void *res, struct timeval timeout)
{
	struct client *client = mbox_rpc_client(clnt);
	struct rpc_err error;

	if (!client)
		return RPC_FAILED;
	collect(clnt, xid, xres, res, mbox_rpc_deadline(timeout), &error);
	return mbox_rpc_set_error(client, &error);
}

static struct pending *pending_new(struct async *async, struct slot *slot, uint32_t xid)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->xid = xid;
	p->scratch = slot->scratch;
	slot->scratch = (struct scratch) { .size = 0 };
	pthread_mutex_lock(&async->lock);
	queue_add(&async->waiting, p);
	pthread_mutex_unlock(&async->lock);
	return p;
}

static bool forget(struct async *async, uint32_t xid)
{
	struct pending *p;

	pthread_mutex_lock(&async->lock);
	p = queue_take(&async->waiting, xid);
	if (!p)
		p = queue_take(&async->arrived, xid);
	pthread_mutex_unlock(&async->lock);
	if (p)
		pending_end(p);
	return p;
}

static enum clnt_stat start(CLIENT *clnt, struct slot *slot, rpcproc_t proc, xdrproc_t xargs,
			    void *args, struct timeval timeout, uint32_t *xid,
			    struct rpc_err *error)
{
	struct client *client = clnt->cl_private;
	struct mbox_fd fds[2];
	struct mbox_message msg = { .fds = fds };
	struct async *async;
	int ret = async_get(client, &async);

	if (ret)
		return mbox_rpc_fail(error, RPC_SYSTEMERROR, ret);
	if (mbox_rpc_encode(clnt, slot, &msg, REPLY_TO, mbox_fd(async->replies), proc, xargs,
			    args, xid, error))
		return error->re_status;
	/* Its reply can come before the send has returned. */
	if (!pending_new(async, slot, *xid))
		return mbox_rpc_fail(error, RPC_SYSTEMERROR, -ENOMEM);
	ret = mbox_send_msg(client->mb, &msg, 0, mbox_rpc_deadline(timeout));
	if (!ret)
		return mbox_rpc_fail(error, RPC_SUCCESS, 0);
	forget(async, *xid);
	return mbox_rpc_fail_to_send(error, ret);
}

MBOX_RPC_API enum clnt_stat mbox_clnt_start(CLIENT *clnt, rpcproc_t proc, xdrproc_t xargs,
					    void *args, struct timeval timeout,
					    uint32_t *xid)
{
	struct client *client = mbox_rpc_client(clnt);
	struct rpc_err error;
	struct slot *slot;
	uint32_t number = 0;

	if (!client)
		return RPC_FAILED;
	slot = mbox_rpc_slot_get(client, NULL);
	if (!slot)
		return RPC_SYSTEMERROR;
	if (start(clnt, slot, proc, xargs, args, timeout, &number, &error) == RPC_SUCCESS)
		*xid = number;
	return mbox_rpc_slot_put(client, slot, true, &error);
}

MBOX_RPC_API int mbox_clnt_fd(CLIENT *clnt)
{
	struct client *client = mbox_rpc_client(clnt);
	struct async *async;
	int ret;

	if (!client)
		return -EINVAL;
	ret = async_get(client, &async);
	return ret ? ret : async->epoll;
}

/* Of those that the server took along the collector has to be told too. */
static const struct pending *ready_locked(const struct async *async)
{
	if (!async->arrived.first && async->gone)
		return async->waiting.first;
	return async->arrived.first;
}

MBOX_RPC_API bool_t mbox_clnt_ready(CLIENT *clnt, uint32_t *xid)
{
	struct client *client = mbox_rpc_client(clnt);
	const struct pending *p;
	struct async *async;

	if (!client || async_get(client, &async))
		return FALSE;
	pthread_mutex_lock(&async->lock);
	if (!async->taking)
		wait_locked(async, client->mb, 1);
	p = ready_locked(async);
	if (p)
		*xid = p->xid;
	pthread_mutex_unlock(&async->lock);
	return p ? TRUE : FALSE;
}

MBOX_RPC_API bool_t mbox_clnt_cancel(CLIENT *clnt, uint32_t xid)
{
	struct client *client = mbox_rpc_client(clnt);
	struct async *async;

	if (!client || async_get(client, &async))
		return FALSE;
	return forget(async, xid);
}
