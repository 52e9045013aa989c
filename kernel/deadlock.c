// SPDX-License-Identifier: GPL-2.0
/*
 * Callers that wait for each other.
 *
 * A caller waits for the thread that received its request, or until then for
 * the one thread that receives requests from the mailbox. Where several do,
 * nobody knows which will be next, and nobody is waited for: what is taken for
 * a deadlock is one, if who receives a request is who answers it.
 *
 * It is a call that closes a cycle. The caller is in the table before anybody
 * can have its request, and before it looks for a cycle, so that of two calls
 * that close one together one sees the other.
 *
 * Lock order: mbox_callers.lock, mbox_mailbox.lock.
 */
#include <linux/hash.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "mailbox.h"

#define MBOX_CALLERS_BITS	6
#define MBOX_CALLERS		BIT(MBOX_CALLERS_BITS)

/* A longer way is not followed, lest others make a call slow. */
#define MBOX_CYCLE_MAX		64

/**
 * struct mbox_callers - some of the callers that wait for a reply
 * @lock: protects @list
 * @list: of struct mbox_call
 */
struct mbox_callers {
	spinlock_t lock;	/* @list */
	struct hlist_head list;
};

static struct mbox_callers mbox_callers[MBOX_CALLERS] = {
	[0 ... MBOX_CALLERS - 1] = {
		.lock = __SPIN_LOCK_UNLOCKED(mbox_callers.lock),
	},
};

static struct mbox_callers *mbox_callers_of(const struct pid *thread)
{
	return &mbox_callers[hash_ptr(thread, MBOX_CALLERS_BITS)];
}

/**
 * mbox_caller_add() - the current thread waits for a reply
 * @call: its call
 */
void mbox_caller_add(struct mbox_call *call)
{
	struct mbox_callers *callers = mbox_callers_of(call->thread);

	spin_lock(&callers->lock);
	hlist_add_head(&call->node, &callers->list);
	spin_unlock(&callers->lock);
}

/**
 * mbox_caller_remove() - it does no longer
 * @call: its call
 */
void mbox_caller_remove(struct mbox_call *call)
{
	struct mbox_callers *callers = mbox_callers_of(call->thread);

	spin_lock(&callers->lock);
	hlist_del(&call->node);
	spin_unlock(&callers->lock);
}

static bool mbox_thread_lives(struct pid *thread)
{
	bool lives;

	rcu_read_lock();
	lives = pid_task(thread, PIDTYPE_PID);
	rcu_read_unlock();
	return lives;
}

/**
 * mbox_server_seen_locked() - the current thread receives a request
 * @mailbox: from this mailbox
 */
void mbox_server_seen_locked(struct mbox_mailbox *mailbox)
{
	struct pid *server = mailbox->server;

	lockdep_assert_held(&mailbox->lock);
	if (server == task_pid(current))
		return;
	mailbox->shared = server && mbox_thread_lives(server);
	mailbox->server = get_pid(task_pid(current));
	put_pid(server);
}

/**
 * mbox_server_below_locked() - find who will have the current thread's request
 * @mailbox: where it is going to
 *
 * Return: the thread, for put_pid(), if it is below the current one in
 * priority; otherwise NULL.
 */
struct pid *mbox_server_below_locked(struct mbox_mailbox *mailbox)
{
	const struct mbox_waiter *receiver;
	struct pid *thread = NULL;
	struct task_struct *task;

	lockdep_assert_held(&mailbox->lock);
	receiver = list_first_entry_or_null(&mailbox->receiving.list,
					    struct mbox_waiter, node);
	rcu_read_lock();
	task = receiver ? receiver->task :
			  pid_task(mailbox->server, PIDTYPE_PID);
	if (task && mbox_outranks(task))
		thread = get_pid(task_pid(task));
	rcu_read_unlock();
	return thread;
}

/**
 * mbox_request_waits_for_locked() - who is to answer a request?
 * @mailbox: where it was sent to
 * @request: the request
 *
 * Return: the thread, or NULL if that is not known.
 */
struct pid *mbox_request_waits_for_locked(const struct mbox_mailbox *mailbox,
					  const struct mbox_message *request)
{
	lockdep_assert_held(&mailbox->lock);
	if (request->hold)
		return request->hold->thread;
	return request->taken || mailbox->shared ? NULL : mailbox->server;
}

/* Return: the thread that is waited for, for put_pid(), or NULL. */
static struct pid *mbox_call_waits_for(const struct mbox_call *call)
{
	struct mbox_mailbox *mailbox = call->mailbox;
	struct pid *thread = NULL;

	spin_lock(&mailbox->lock);
	if (!call->waiter.done)
		thread = mbox_request_waits_for_locked(mailbox,
						       call->waiter.message);
	get_pid(thread);
	spin_unlock(&mailbox->lock);
	return thread;
}

/* Return: the thread that @thread waits for, for put_pid(), or NULL. */
static struct pid *mbox_thread_waits_for(struct pid *thread)
{
	struct mbox_callers *callers = mbox_callers_of(thread);
	struct pid *next = NULL;
	struct mbox_call *call;

	spin_lock(&callers->lock);
	hlist_for_each_entry(call, &callers->list, node)
		if (call->thread == thread) {
			next = mbox_call_waits_for(call);
			break;
		}
	spin_unlock(&callers->lock);
	return next;
}

/**
 * mbox_caller_in_cycle() - does a caller wait for itself in the end?
 * @call: its call
 */
bool mbox_caller_in_cycle(const struct mbox_call *call)
{
	struct pid *thread = mbox_call_waits_for(call);
	unsigned int steps = 0;
	struct pid *next;

	while (thread && thread != call->thread && ++steps < MBOX_CYCLE_MAX) {
		next = mbox_thread_waits_for(thread);
		put_pid(thread);
		thread = next;
	}
	put_pid(thread);
	return thread && thread == call->thread;
}
