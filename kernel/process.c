// SPDX-License-Identifier: GPL-2.0
/*
 * Direct communication: the mailbox of a process, and messages of one process.
 *
 * A process is known by its struct pid. That is of the process alone, whatever
 * thread runs another program or comes to lead it, and while it is referenced
 * no later process with the same number can be taken for it.
 */
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "mailbox.h"

/**
 * mbox_process_gone() - has the process ended?
 * @pid: the process; that of another thread than its first is of none
 *
 * It has when its last thread has, whether its parent has heard of it or not.
 */
bool mbox_process_gone(struct pid *pid)
{
	struct task_struct *leader;
	bool gone;

	rcu_read_lock();
	leader = pid_task(pid, PIDTYPE_TGID);
	gone = !leader || (READ_ONCE(leader->exit_state) &&
			   thread_group_empty(leader));
	rcu_read_unlock();
	return gone;
}

/**
 * mbox_process_get() - find a process
 * @number: as the caller's pid namespace has it
 *
 * Return: the process, for put_pid(), or -ESRCH.
 */
struct pid *mbox_process_get(pid_t number)
{
	struct pid *pid = find_get_pid(number);

	if (pid && !mbox_process_gone(pid))
		return pid;
	put_pid(pid);
	return ERR_PTR(-ESRCH);
}

static struct pid *mbox_pid_left_locked(const struct mbox_queue *queue,
					pid_t number)
{
	struct mbox_message *message = mbox_queue_first(queue);

	while (message && pid_vnr(message->pid) != number)
		message = mbox_queue_next(message);
	return message ? get_pid(message->pid) : NULL;
}

/**
 * mbox_sender_get() - find the process that a receiver wants messages of
 * @mailbox: the caller's own
 * @number: as the caller's pid namespace has it
 *
 * It can be gone, and its number too, and still have left messages.
 *
 * Return: the process, for put_pid(), or -ESRCH.
 */
struct pid *mbox_sender_get(struct mbox_mailbox *mailbox, pid_t number)
{
	struct pid *pid = mbox_process_get(number);

	if (!IS_ERR(pid))
		return pid;
	spin_lock(&mailbox->lock);
	pid = mbox_pid_left_locked(&mailbox->queue, number);
	spin_unlock(&mailbox->lock);
	return pid ?: ERR_PTR(-ESRCH);
}

/**
 * mbox_process_may_receive() - may the caller receive from the mailbox?
 * @mailbox: the mailbox, opened for receiving
 */
bool mbox_process_may_receive(const struct mbox_mailbox *mailbox)
{
	return !mailbox->process ||
	       mailbox->process->pid == task_tgid(current);
}

/**
 * mbox_process_ended_locked() - is it the mailbox of a process that can never
 *                               receive again?
 * @mailbox: the mailbox, locked
 */
bool mbox_process_ended_locked(const struct mbox_mailbox *mailbox)
{
	const struct mbox_process *process = mailbox->process;

	lockdep_assert_held(&mailbox->lock);
	return process && (mailbox->ended || mbox_process_gone(process->pid));
}

static void mbox_process_work(struct work_struct *work)
{
	struct mbox_process *process = container_of(work, struct mbox_process,
						    work);

	if (mbox_process_gone(process->pid))
		mbox_end(process->mailbox);
}

/*
 * The process has ended, or only a thread of it. This is called under
 * tasklist_lock, with interrupts off: too early to take any lock of ours.
 */
static int mbox_process_woken(struct wait_queue_entry *death,
			      unsigned int mode, int flags, void *key)
{
	schedule_work(&container_of(death, struct mbox_process, death)->work);
	return 0;
}

/**
 * mbox_process_new() - make a new mailbox the own one of the calling process
 * @mailbox: the mailbox, not published yet
 *
 * Return: 0 or -ENOMEM.
 */
int mbox_process_new(struct mbox_mailbox *mailbox)
{
	struct mbox_process *process = kzalloc(sizeof(*process),
					       GFP_KERNEL_ACCOUNT);

	if (!process)
		return -ENOMEM;
	process->mailbox = mailbox;
	process->pid = get_pid(task_tgid(current));
	RB_CLEAR_NODE(&process->node);
	INIT_WORK(&process->work, mbox_process_work);
	init_waitqueue_func_entry(&process->death, mbox_process_woken);
	add_wait_queue(&process->pid->wait_pidfd, &process->death);
	mailbox->process = process;
	mailbox->object.own = true;
	return 0;
}

/**
 * mbox_process_free() - the mailbox goes
 * @mailbox: the mailbox, without descriptors
 */
void mbox_process_free(struct mbox_mailbox *mailbox)
{
	struct mbox_process *process = mailbox->process;

	if (!process)
		return;
	remove_wait_queue(&process->pid->wait_pidfd, &process->death);
	cancel_work_sync(&process->work);
	put_pid(process->pid);
	kfree(process);
}

static int mbox_process_order(const void *pid, const struct rb_node *node)
{
	const struct pid *other = rb_entry(node, struct mbox_process,
					   node)->pid;

	return pid < (const void *)other ? -1 : pid > (const void *)other;
}

static bool mbox_process_less(struct rb_node *a, const struct rb_node *b)
{
	return mbox_process_order(rb_entry(a, struct mbox_process, node)->pid,
				  b) < 0;
}

/**
 * mbox_process_open_locked() - find a process's mailbox that the caller may
 *                              open
 * @ns: where, locked
 * @pid: the process
 * @want: MAY_READ, MAY_WRITE or both, or 0 to look at it only
 *
 * Return: the object with a reference for the caller, or -ENOENT, -EPERM,
 * -EACCES.
 */
struct mbox_object *mbox_process_open_locked(struct mbox_ns *ns,
					     struct pid *pid, int want)
{
	struct rb_node *node = rb_find(pid, &ns->processes,
				       mbox_process_order);
	struct mbox_object *object;

	lockdep_assert_held(&ns->lock);
	if (!node)
		return ERR_PTR(-ENOENT);
	if (want & MAY_READ && pid != task_tgid(current))
		return ERR_PTR(-EPERM);
	object = &rb_entry(node, struct mbox_process, node)->mailbox->object;
	if (!mbox_object_permits(object, want))
		return ERR_PTR(-EACCES);
	mbox_object_get(object);
	return object;
}

/**
 * mbox_process_create_locked() - publish the mailbox of the calling process
 * @fresh: the mailbox; its namespace is locked
 * @want: rights that are asked for on an existing one
 * @exclusive: refuse an existing one
 *
 * Return: @fresh or the existing mailbox, with a reference for the caller, or
 * -EEXIST, -EACCES.
 */
struct mbox_object *mbox_process_create_locked(struct mbox_object *fresh,
					       int want, bool exclusive)
{
	struct mbox_process *process = to_mailbox(fresh)->process;
	struct mbox_ns *ns = fresh->ns;

	lockdep_assert_held(&ns->lock);
	if (!rb_find(process->pid, &ns->processes, mbox_process_order)) {
		rb_add(&process->node, &ns->processes, mbox_process_less);
		mbox_object_get(fresh);
		return fresh;
	}
	return exclusive ? ERR_PTR(-EEXIST) :
			   mbox_process_open_locked(ns, process->pid, want);
}

/* Return: whether no descriptor can receive any more, so that it was removed. */
static bool mbox_process_remove_locked(struct mbox_mailbox *mailbox)
{
	struct rb_node *node = &mailbox->process->node;
	struct mbox_ns *ns = mailbox->object.ns;
	bool last = mbox_mailbox_abandoned(mailbox);

	lockdep_assert_held(&ns->lock);
	if (last && !RB_EMPTY_NODE(node)) {
		rb_erase(node, &ns->processes);
		RB_CLEAR_NODE(node);
	}
	return last;
}

/**
 * mbox_process_closed() - a descriptor that could receive was closed
 * @mailbox: the mailbox of a process
 *
 * With the last one the mailbox ends, and the process may have another. It is
 * counted and looked up under one lock, so that who opens it again at this
 * moment has found it alive or not at all.
 */
void mbox_process_closed(struct mbox_mailbox *mailbox)
{
	struct mbox_ns *ns = mailbox->object.ns;
	bool last;

	mutex_lock(&ns->lock);
	last = mbox_process_remove_locked(mailbox);
	mutex_unlock(&ns->lock);
	if (last)
		mbox_end(mailbox);
}
