// SPDX-License-Identifier: GPL-2.0
/*
 * Priority that a caller lends to the thread that it waits for.
 *
 * Without it, all that runs between the two in priority keeps the caller
 * waiting. The scheduler exports this much: a nice level as it is, and of the
 * real-time priorities the middle one and the lowest, of which the caller's
 * decides. So a real-time server keeps its own, which could not be given back.
 *
 * What a thread forks meanwhile keeps what it is lent. Hence it is lent only
 * what it might have taken: with CAP_SYS_NICE, or within its resource limits.
 *
 * A thread that several lend to keeps the best until all have their replies.
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
 * struct mbox_loan - a thread that is lent priority
 * @node: in mbox_loans
 * @task: the thread
 * @lenders: how many lend
 * @own: its nice level before
 * @nice: its nice level since
 * @fifo: its real-time priority since, or 0
 *
 * All protected by mbox_loans_lock.
 */
struct mbox_loan {
	struct list_head node;
	struct task_struct *task;
	unsigned int lenders;
	int own;
	int nice;
	unsigned int fifo;
};

static DEFINE_MUTEX(mbox_loans_lock);
static LIST_HEAD(mbox_loans);	/* protected by mbox_loans_lock */

/**
 * mbox_outranks() - does the current thread have something to lend?
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

static void mbox_loan_fifo(struct mbox_loan *loan)
{
	unsigned int fifo = current->prio < MAX_RT_PRIO - MBOX_FIFO ?
		MBOX_FIFO : MBOX_FIFO_LOW;

	if (fifo <= loan->fifo || !mbox_may_have_fifo(loan->task, fifo))
		return;
	if (fifo == MBOX_FIFO)
		sched_set_fifo(loan->task);
	else
		sched_set_fifo_low(loan->task);
	loan->fifo = fifo;
}

static void mbox_loan_nice(struct mbox_loan *loan)
{
	int nice = task_nice(current);

	if (nice >= loan->nice || !mbox_may_have_nice(loan->task, nice))
		return;
	set_user_nice(loan->task, nice);
	loan->nice = nice;
}

static struct mbox_loan *mbox_loan_find_locked(const struct task_struct *task)
{
	struct mbox_loan *loan;

	lockdep_assert_held(&mbox_loans_lock);
	list_for_each_entry(loan, &mbox_loans, node)
		if (loan->task == task)
			return loan;
	return NULL;
}

static struct mbox_loan *mbox_loan_new_locked(struct task_struct *task)
{
	struct mbox_loan *loan;

	lockdep_assert_held(&mbox_loans_lock);
	if (task->policy != SCHED_NORMAL)
		return NULL;
	loan = kzalloc(sizeof(*loan), GFP_KERNEL_ACCOUNT);
	if (!loan)
		return NULL;
	loan->task = get_task_struct(task);
	loan->own = task_nice(task);
	loan->nice = loan->own;
	list_add(&loan->node, &mbox_loans);
	return loan;
}

/**
 * mbox_lend() - lend the current thread's priority
 * @thread: to this one; may be NULL or gone
 *
 * Return: the loan, for mbox_loan_end(), or NULL.
 */
struct mbox_loan *mbox_lend(struct pid *thread)
{
	struct task_struct *task = get_pid_task(thread, PIDTYPE_PID);
	struct mbox_loan *loan;

	if (!task)
		return NULL;
	mutex_lock(&mbox_loans_lock);
	loan = mbox_loan_find_locked(task) ?: mbox_loan_new_locked(task);
	if (loan) {
		loan->lenders++;
		if (current->prio < MAX_RT_PRIO)
			mbox_loan_fifo(loan);
		else
			mbox_loan_nice(loan);
	}
	mutex_unlock(&mbox_loans_lock);
	put_task_struct(task);
	return loan;
}

/* What the thread was set to by somebody else since is not for us to change. */
static void mbox_loan_restore(const struct mbox_loan *loan)
{
	struct task_struct *task = loan->task;

	if (loan->fifo) {
		if (task->policy == SCHED_FIFO &&
		    task->rt_priority == loan->fifo)
			sched_set_normal(task, loan->own);
	} else if (task->policy == SCHED_NORMAL &&
		   task_nice(task) == loan->nice) {
		set_user_nice(task, loan->own);
	}
}

/**
 * mbox_loan_end() - lend no longer
 * @loan: the loan, or NULL
 */
void mbox_loan_end(struct mbox_loan *loan)
{
	bool last;

	if (!loan)
		return;
	mutex_lock(&mbox_loans_lock);
	last = !--loan->lenders;
	if (last) {
		list_del(&loan->node);
		mbox_loan_restore(loan);
	}
	mutex_unlock(&mbox_loans_lock);
	if (last) {
		put_task_struct(loan->task);
		kfree(loan);
	}
}
