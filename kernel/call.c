// SPDX-License-Identifier: GPL-2.0
/*
 * Call and reply: a request, and a caller that waits for what it is answered.
 *
 * A request is a message like others until it is received. Then it is held, and
 * the reply goes past the queue, to its caller alone.
 */
#include <linux/sched/signal.h>

#include "mailbox.h"

/**
 * mbox_call_fail_locked() - a request was received, and will not be answered
 * @mailbox: the mailbox
 * @request: not held any more, and now the one's who calls this
 */
void mbox_call_fail_locked(struct mbox_mailbox *mailbox,
			   struct mbox_message *request)
{
	request->waiter->message = NULL;
	mbox_sender_complete_locked(mailbox, request, -ECONNRESET);
}

/*
 * The caller gives up. Return: @error; but once the request was received a
 * restart would make it twice.
 */
static int mbox_call_cancel_locked(struct mbox_mailbox *mailbox,
				   struct mbox_call *call, int error,
				   struct mbox_hold **hold)
{
	struct mbox_message *request = call->waiter.message;

	if (!request->hold) {
		if (!mbox_withdraw_locked(mailbox, request))
			call->waiter.message = NULL;
		return error;
	}
	*hold = mbox_hold_end_locked(mailbox, request->hold);
	mbox_sender_stop_locked(mailbox, request);
	return error == -ERESTARTSYS ? -EINTR : error;
}

static int mbox_call_wait(struct mbox_mailbox *mailbox, struct mbox_call *call,
			  const struct mbox_patience *patience)
{
	struct mbox_hold *hold = NULL;
	int err = mbox_wait(&call->waiter, TASK_INTERRUPTIBLE, patience);

	if (!err)
		return call->waiter.error;
	spin_lock(&mailbox->lock);
	if (call->waiter.done)
		err = call->waiter.error;
	else
		err = mbox_call_cancel_locked(mailbox, call, err, &hold);
	spin_unlock(&mailbox->lock);
	mbox_hold_free(mailbox, hold);
	return err;
}

/* Take back a request for which nobody is left, unless somebody has it by now. */
static bool mbox_call_refuse(struct mbox_mailbox *mailbox,
			     struct mbox_call *call)
{
	struct mbox_message *request;
	bool refuse;

	spin_lock(&mailbox->lock);
	request = call->waiter.message;
	refuse = !call->waiter.done && !request->taken;
	if (refuse)
		mbox_withdraw_locked(mailbox, request);
	spin_unlock(&mailbox->lock);
	return refuse;
}

static int mbox_call_blocked(struct mbox_mailbox *mailbox,
			     struct mbox_call *call,
			     const struct mbox_patience *patience)
{
	/* Whoever was handed the request at once waits for nobody. */
	if (!call->waiter.handed && mbox_caller_in_cycle(call) &&
	    mbox_call_refuse(mailbox, call))
		return -EDEADLK;
	return mbox_call_wait(mailbox, call, patience);
}

/* The server is not to have the request before it has the priority for it. */
static int mbox_call_offer(struct mbox_mailbox *mailbox, struct mbox_call *call,
			   struct mbox_boost **boost)
{
	struct pid *server;
	int ret;

	spin_lock(&mailbox->lock);
	server = mbox_server_below_locked(mailbox);
	if (server) {
		spin_unlock(&mailbox->lock);
		*boost = mbox_boost_begin(server);
		put_pid(server);
		spin_lock(&mailbox->lock);
	}
	ret = mbox_offer_locked(mailbox, call->waiter.message, &call->waiter,
				false);
	spin_unlock(&mailbox->lock);
	return ret;
}

static void mbox_call_init(struct mbox_call *call, struct mbox_mailbox *mailbox,
			   struct mbox_message *request, struct mbox_sink *sink)
{
	call->waiter.message = request;
	call->waiter.sink = sink;
	call->waiter.choice = NULL;
	call->waiter.sequence = 0;
	call->waiter.done = false;
	call->mailbox = mailbox;
	call->thread = task_pid(current);
}

/**
 * mbox_call() - send a request and wait for the reply
 * @mailbox: where to
 * @request: taken over, whatever the result
 * @sink: where the caller wants the reply
 * @patience: how long to wait for the reply
 * @reply: where it goes, for mbox_message_put()
 *
 * Return: 0, -EPIPE, -ECONNRESET, -EDEADLK, -ETIMEDOUT, -ERESTARTSYS, or -EINTR.
 */
int mbox_call(struct mbox_mailbox *mailbox, struct mbox_message *request,
	      struct mbox_sink *sink, const struct mbox_patience *patience,
	      struct mbox_message **reply)
{
	struct mbox_call call __uninitialized;
	struct mbox_boost *boost = NULL;
	int err;

	mbox_call_init(&call, mailbox, request, sink);
	request->call = true;
	request->sync = true;
	mbox_caller_add(&call);
	err = mbox_call_offer(mailbox, &call, &boost);
	if (err >= 0 && mbox_is_tagged(mailbox))
		mbox_last_sent(mailbox);
	if (err > 0)
		err = mbox_call_blocked(mailbox, &call, patience);
	mbox_boost_end(boost);
	mbox_caller_remove(&call);
	if (!err)
		*reply = call.waiter.message;
	else if (call.waiter.message)
		mbox_message_put(mailbox, call.waiter.message);
	return err;
}

static int mbox_reply_locked(struct mbox_mailbox *mailbox,
			     struct mbox_hold **hold,
			     struct mbox_message *reply)
{
	struct mbox_message *request;
	int err;

	if (!*hold || !(*hold)->message->call)
		return -ESTALE;
	request = (*hold)->message;
	err = mbox_fit(request->waiter->sink, reply);
	if (err)
		return err;
	*hold = mbox_hold_end_locked(mailbox, *hold);
	request->waiter->message = reply;
	mbox_sender_complete_locked(mailbox, request, 0);
	return 0;
}

/**
 * mbox_reply() - answer a request
 * @file: through which descriptor it was received
 * @id: the number that it was given
 * @reply: taken over, whatever the result
 *
 * Return: 0, -ESTALE, -EMSGSIZE or -ENOBUFS.
 */
int mbox_reply(struct file *file, u64 id, struct mbox_message *reply)
{
	struct mbox_mailbox *mailbox = mbox_file_mailbox(file);
	struct mbox_message *request = NULL;
	struct mbox_hold *hold;
	int err;

	spin_lock(&mailbox->lock);
	hold = mbox_hold_find_locked(mailbox, file, id);
	if (hold)
		request = hold->message;
	err = mbox_reply_locked(mailbox, &hold, reply);
	spin_unlock(&mailbox->lock);
	if (err) {
		mbox_message_put(mailbox, reply);
		return err;
	}
	mbox_hold_free(mailbox, hold);
	mbox_message_put_waiting(mailbox, request);
	return 0;
}
