// SPDX-License-Identifier: GPL-2.0
/*
 * One signal when a message arrives in an empty mailbox.
 */
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "mailbox.h"

static struct mbox_notice *mbox_notice_new(const struct mbox_ioc_notify *notify)
{
	struct mbox_notice *notice = kmalloc(sizeof(*notice),
					     GFP_KERNEL_ACCOUNT);

	if (!notice)
		return NULL;
	*notice = (struct mbox_notice) {
		.pid = get_pid(task_tgid(current)),
		.exec_id = current->self_exec_id,
		.signo = notify->signo,
		.value = notify->value,
	};
	return notice;
}

static void mbox_notice_free(struct mbox_notice *notice)
{
	put_pid(notice->pid);
	kfree(notice);
}

static void mbox_notice_clear_locked(struct mbox_mailbox *mailbox)
{
	struct mbox_notice *notice = mailbox->notice;

	lockdep_assert_held(&mailbox->lock);
	if (!notice)
		return;
	mailbox->notice = NULL;
	mbox_notice_free(notice);
}

/* The registered process, unless it is gone or runs another program by now. */
static struct task_struct *mbox_notice_process(const struct mbox_notice *notice)
{
	struct task_struct *leader = pid_task(notice->pid, PIDTYPE_TGID);

	return leader && leader->self_exec_id == notice->exec_id ? leader :
								   NULL;
}

static bool mbox_notice_stands(const struct mbox_notice *notice)
{
	bool stands;

	rcu_read_lock();
	stands = notice && mbox_notice_process(notice);
	rcu_read_unlock();
	return stands;
}

/**
 * mbox_notice_set() - register the calling process, or end its registration
 * @mailbox: the mailbox
 * @notify: the signal, checked
 *
 * Return: 0, -EBUSY or -ENOMEM.
 */
int mbox_notice_set(struct mbox_mailbox *mailbox,
		    const struct mbox_ioc_notify *notify)
{
	struct mbox_notice *notice;
	int err = 0;

	if (!notify->signo) {
		mbox_notice_drop(mailbox);
		return 0;
	}
	notice = mbox_notice_new(notify);
	if (!notice)
		return -ENOMEM;
	spin_lock(&mailbox->lock);
	if (mbox_notice_stands(mailbox->notice))
		err = -EBUSY;
	else
		swap(mailbox->notice, notice);
	spin_unlock(&mailbox->lock);
	if (notice)
		mbox_notice_free(notice);
	return err;
}

/**
 * mbox_notice_drop() - end the calling process's registration, if it has one
 * @mailbox: the mailbox
 */
void mbox_notice_drop(struct mbox_mailbox *mailbox)
{
	spin_lock(&mailbox->lock);
	if (mailbox->notice && mailbox->notice->pid == task_tgid(current))
		mbox_notice_clear_locked(mailbox);
	spin_unlock(&mailbox->lock);
}

/**
 * mbox_notice_end() - end the registration of whichever process has one
 * @mailbox: the mailbox
 */
void mbox_notice_end(struct mbox_mailbox *mailbox)
{
	spin_lock(&mailbox->lock);
	mbox_notice_clear_locked(mailbox);
	spin_unlock(&mailbox->lock);
}

/*
 * No exported function signals a whole process with a siginfo of the caller's,
 * so choose the thread here as the kernel would: one that lets the signal in.
 */
static struct task_struct *mbox_notice_thread(struct task_struct *leader,
					      int signo)
{
	struct task_struct *thread;

	for_each_thread(leader, thread)
		if (!sigismember(&thread->blocked, signo) &&
		    !(thread->flags & PF_EXITING))
			return thread;
	return leader;
}

static void mbox_notice_signal(const struct mbox_notice *notice,
			       const struct mbox_message *message)
{
	struct task_struct *leader = mbox_notice_process(notice);
	struct kernel_siginfo info;

	if (!leader)
		return;
	clear_siginfo(&info);
	info.si_signo = notice->signo;
	info.si_code = SI_MESGQ;
	info.si_pid = pid_nr_ns(message->pid, ns_of_pid(notice->pid));
	/* Translated on the way to the receiver's user namespace. */
	info.si_uid = from_kuid_munged(current_user_ns(), message->uid);
	info.si_value.sival_ptr = u64_to_user_ptr(notice->value);
	send_sig_info(notice->signo, &info,
		      mbox_notice_thread(leader, notice->signo));
}

/**
 * mbox_notice_send_locked() - the empty mailbox got a message: tell who asked
 *                             to be told
 * @mailbox: the mailbox, locked, with a registration
 * @message: the message, sent just now or come back
 */
void mbox_notice_send_locked(struct mbox_mailbox *mailbox,
			     const struct mbox_message *message)
{
	lockdep_assert_held(&mailbox->lock);
	rcu_read_lock();
	mbox_notice_signal(mailbox->notice, message);
	rcu_read_unlock();
	mbox_notice_clear_locked(mailbox);
}
