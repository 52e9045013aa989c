// SPDX-License-Identifier: GPL-2.0
/*
 * A caller raises the thread that it waits for to its own priority.
 *
 * Without it, all that runs between the two in priority keeps the caller
 * waiting. The scheduler exports this much: a nice level as it is, and of the
 * real-time priorities the middle one and the lowest, of which the caller's
 * decides. So a real-time server keeps its own, which could not be given back.
 *
 * What a thread forks meanwhile keeps what it was raised to. Hence it is raised
 * only to what it might have taken: with CAP_SYS_NICE, or within its resource
 * limits.
 *
 * A thread that several callers raise keeps the best until all have their
 * replies.
 */
#include <linux/capability.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/prio.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "mailbox.h"

/* What sched_set_fifo() and sched_set_fifo_low() set. */
#define MBOX_FIFO	(MAX_RT_PRIO / 2)
#define MBOX_FIFO_LOW	1

/**
 * struct mbox_boost - a thread that callers have raised
 * @node: in mbox_boosts
 * @task: the thread
 * @callers: how many
 * @own: its nice level before
 * @nice: its nice level since
 * @fifo: its real-time priority since, or 0
 *
 * All protected by mbox_boosts_lock.
 */
struct mbox_boost {
	struct list_head node;
	struct task_struct *task;
	unsigned int callers;
	int own;
	int nice;
	unsigned int fifo;
};

static DEFINE_MUTEX(mbox_boosts_lock);
static LIST_HEAD(mbox_boosts);	/* protected by mbox_boosts_lock */

/**
 * mbox_outranks() - does the current thread have something to give?
 * @task: to this one
 */
bool mbox_outranks(const struct task_struct *task)
{
	return READ_ONCE(current->prio) < READ_ONCE(task->prio);
}

static bool mbox_may_have_nice(struct task_struct *task, int nice)
{
	return nice_to_rlimit(nice) <= task_rlimit(task, RLIMIT_NICE) ||
	       has_capability(task, CAP_SYS_NICE);
}

static bool mbox_may_have_fifo(struct task_struct *task, unsigned int fifo)
{
	return fifo <= task_rlimit(task, RLIMIT_RTPRIO) ||
	       has_capability(task, CAP_SYS_NICE);
}

static void mbox_boost_fifo(struct mbox_boost *boost)
{
	unsigned int fifo = current->prio < MAX_RT_PRIO - MBOX_FIFO ?
		MBOX_FIFO : MBOX_FIFO_LOW;

	if (fifo <= boost->fifo || !mbox_may_have_fifo(boost->task, fifo))
		return;
	if (fifo == MBOX_FIFO)
		sched_set_fifo(boost->task);
	else
		sched_set_fifo_low(boost->task);
	boost->fifo = fifo;
}

static void mbox_boost_nice(struct mbox_boost *boost)
{
	int nice = task_nice(current);

	if (nice >= boost->nice || !mbox_may_have_nice(boost->task, nice))
		return;
	set_user_nice(boost->task, nice);
	boost->nice = nice;
}

static struct mbox_boost *mbox_boost_find_locked(const struct task_struct *task)
{
	struct mbox_boost *boost;

	lockdep_assert_held(&mbox_boosts_lock);
	list_for_each_entry(boost, &mbox_boosts, node)
		if (boost->task == task)
			return boost;
	return NULL;
}

static struct mbox_boost *mbox_boost_new_locked(struct task_struct *task)
{
	struct mbox_boost *boost;

	lockdep_assert_held(&mbox_boosts_lock);
	if (task->policy != SCHED_NORMAL)
		return NULL;
	boost = kzalloc(sizeof(*boost), GFP_KERNEL_ACCOUNT);
	if (!boost)
		return NULL;
	boost->task = get_task_struct(task);
	boost->own = task_nice(task);
	boost->nice = boost->own;
	list_add(&boost->node, &mbox_boosts);
	return boost;
}

/**
 * mbox_boost_begin() - raise a thread to the current one's priority
 * @thread: which; may be NULL or gone
 *
 * Return: the boost, for mbox_boost_end(), or NULL.
 */
struct mbox_boost *mbox_boost_begin(struct pid *thread)
{
	struct task_struct *task = get_pid_task(thread, PIDTYPE_PID);
	struct mbox_boost *boost;

	if (!task)
		return NULL;
	mutex_lock(&mbox_boosts_lock);
	boost = mbox_boost_find_locked(task) ?: mbox_boost_new_locked(task);
	if (boost) {
		boost->callers++;
		if (current->prio < MAX_RT_PRIO)
			mbox_boost_fifo(boost);
		else
			mbox_boost_nice(boost);
	}
	mutex_unlock(&mbox_boosts_lock);
	put_task_struct(task);
	return boost;
}

/* What the thread was set to by somebody else since is not for us to change. */
static void mbox_boost_restore(const struct mbox_boost *boost)
{
	struct task_struct *task = boost->task;

	if (boost->fifo) {
		if (task->policy == SCHED_FIFO &&
		    task->rt_priority == boost->fifo)
			sched_set_normal(task, boost->own);
	} else if (task->policy == SCHED_NORMAL &&
		   task_nice(task) == boost->nice) {
		set_user_nice(task, boost->own);
	}
}

/**
 * mbox_boost_end() - raise a thread no longer
 * @boost: the boost, or NULL
 */
void mbox_boost_end(struct mbox_boost *boost)
{
	bool last;

	if (!boost)
		return;
	mutex_lock(&mbox_boosts_lock);
	last = !--boost->callers;
	if (last) {
		list_del(&boost->node);
		mbox_boost_restore(boost);
	}
	mutex_unlock(&mbox_boosts_lock);
	if (last) {
		put_task_struct(boost->task);
		kfree(boost);
	}
}
