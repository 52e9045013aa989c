// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/net/mbox, /proc/net/mbox_waits and /proc/PID/fdinfo.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/string_helpers.h>
#include <net/net_namespace.h>

#include "mailbox.h"
#include "segment.h"

static struct mbox_ns *mbox_seq_ns(struct seq_file *seq)
{
	return mbox_ns_of(seq_file_net(seq));
}

static void *mbox_seq_start(struct seq_file *seq, loff_t *pos)
{
	struct mbox_ns *ns = mbox_seq_ns(seq);

	mutex_lock(&ns->lock);
	return seq_list_start_head(&ns->objects, *pos);
}

static void *mbox_seq_next(struct seq_file *seq, void *entry, loff_t *pos)
{
	return seq_list_next(entry, &mbox_seq_ns(seq)->objects, pos);
}

static void mbox_seq_stop(struct seq_file *seq, void *entry)
{
	mutex_unlock(&mbox_seq_ns(seq)->lock);
}

static void mbox_seq_name(struct seq_file *seq, const struct mbox_object *object)
{
	const char *name = object->name;

	if (!name || RB_EMPTY_NODE(&object->by_name))
		seq_putc(seq, '-');
	else if (!strcmp(name, "-"))
		seq_puts(seq, "\\055");
	else
		seq_escape_mem(seq, name, strlen(name),
			       ESCAPE_OCTAL | ESCAPE_NAP | ESCAPE_APPEND,
			       " \\");
}

static const char *mbox_kind_word(struct mbox_object *object)
{
	if (object->ops->kind == MBOX_SEGMENT)
		return "segment";
	if (object->ops->kind == MBOX_STREAM)
		return "stream";
	return to_mailbox(object)->broadcast ? "broadcast" : "mailbox";
}

static void mbox_seq_capacity(struct seq_file *seq, u64 capacity)
{
	if (capacity == MBOX_UNBOUNDED)
		seq_puts(seq, "unbounded");
	else
		seq_printf(seq, "%llu", capacity);
}

static void mbox_seq_mailbox(struct seq_file *seq, struct mbox_object *object)
{
	struct mbox_ioc_status status;

	mbox_mailbox_status_locked(to_mailbox(object), &status);
	seq_printf(seq, "%s %llu %04o %u %u ", mbox_kind_word(object),
		   status.id, status.mode, status.uid, status.gid);
	mbox_seq_capacity(seq, status.capacity);
	seq_printf(seq, " %llu %llu %llu %u %u %u %u %llu %llu %d %d %llu ",
		   status.msgsize, status.queued, status.queued_bytes,
		   status.senders, status.receivers,
		   status.waiting_senders, status.waiting_receivers,
		   div_u64(status.send_wait_ns, NSEC_PER_MSEC),
		   div_u64(status.recv_wait_ns, NSEC_PER_MSEC),
		   status.send_wait_pid, status.recv_wait_pid, status.sent);
}

static void mbox_seq_segment(struct seq_file *seq, struct mbox_object *object)
{
	struct mbox_ioc_segment_status status;

	mbox_segment_status_locked(to_segment(object), &status);
	seq_printf(seq,
		   "segment %llu %04o %u %u - %llu %u %llu - - - - - - - - - ",
		   status.id, status.mode, status.uid, status.gid,
		   status.length, status.attached, status.resident);
}

static int mbox_seq_show(struct seq_file *seq, void *entry)
{
	struct mbox_object *object = list_entry(entry, struct mbox_object,
						node);

	if (entry == &mbox_seq_ns(seq)->objects) {
		seq_puts(seq, "kind id mode uid gid capacity msgsize queued bytes senders receivers wait_send wait_recv send_wait_ms recv_wait_ms send_wait_pid recv_wait_pid sent name\n");
		return 0;
	}
	if (!mbox_object_visible(object))
		return 0;
	if (object->ops->kind == MBOX_SEGMENT)
		mbox_seq_segment(seq, object);
	else
		mbox_seq_mailbox(seq, object);
	mbox_seq_name(seq, object);
	seq_putc(seq, '\n');
	return 0;
}

static const struct seq_operations mbox_seq_ops = {
	.start = mbox_seq_start,
	.next = mbox_seq_next,
	.stop = mbox_seq_stop,
	.show = mbox_seq_show,
};

/* The process of a thread that may be gone. */
static pid_t mbox_process_of(struct pid *thread)
{
	struct task_struct *task;
	pid_t number = 0;

	rcu_read_lock();
	task = pid_task(thread, PIDTYPE_PID);
	if (task)
		number = task_tgid_vnr(task);
	rcu_read_unlock();
	return number;
}

/* The process that a caller, a sender or a receiver waits for, or 0. */
static pid_t mbox_awaited_locked(const struct mbox_mailbox *mailbox,
				 const struct mbox_waiter *waiter)
{
	const struct mbox_message *message = waiter->message;

	if (message && message->call)
		return mbox_process_of(mbox_request_waits_for_locked(mailbox,
								     message));
	if (message)
		return mailbox->process ? pid_vnr(mailbox->process->pid) : 0;
	return waiter->choice ? pid_vnr(waiter->choice->from) : 0;
}

static void mbox_seq_waiters_locked(struct seq_file *seq,
				    const struct mbox_mailbox *mailbox,
				    const struct mbox_waiters *waiters,
				    const char *what)
{
	const struct mbox_object *object = &mailbox->object;
	const struct mbox_waiter *waiter;

	lockdep_assert_held(&mailbox->lock);
	list_for_each_entry(waiter, &waiters->list, node) {
		seq_printf(seq, "%d %s %llu %lld %d ",
			   task_tgid_vnr(waiter->task), what, object->id,
			   ktime_ms_delta(ktime_get(), waiter->since),
			   mbox_awaited_locked(mailbox, waiter));
		mbox_seq_name(seq, object);
		seq_putc(seq, '\n');
	}
}

static int mbox_seq_show_waits(struct seq_file *seq, void *entry)
{
	struct mbox_object *object = list_entry(entry, struct mbox_object,
						node);
	struct mbox_mailbox *mailbox;

	if (entry == &mbox_seq_ns(seq)->objects) {
		seq_puts(seq, "pid in id ms for name\n");
		return 0;
	}
	if (object->ops->kind == MBOX_SEGMENT || !mbox_object_visible(object))
		return 0;
	mailbox = to_mailbox(object);
	spin_lock(&mailbox->lock);
	mbox_seq_waiters_locked(seq, mailbox, &mailbox->sending, "send");
	mbox_seq_waiters_locked(seq, mailbox, &mailbox->receiving, "receive");
	mbox_seq_waiters_locked(seq, mailbox, &mailbox->calling, "call");
	spin_unlock(&mailbox->lock);
	return 0;
}

static const struct seq_operations mbox_seq_waits_ops = {
	.start = mbox_seq_start,
	.next = mbox_seq_next,
	.stop = mbox_seq_stop,
	.show = mbox_seq_show_waits,
};

int mbox_proc_add(struct net *net)
{
	if (!proc_create_net("mbox", 0444, net->proc_net, &mbox_seq_ops,
			     sizeof(struct seq_net_private)))
		return -ENOMEM;
	if (proc_create_net("mbox_waits", 0444, net->proc_net,
			    &mbox_seq_waits_ops,
			    sizeof(struct seq_net_private)))
		return 0;
	remove_proc_entry("mbox", net->proc_net);
	return -ENOMEM;
}

void mbox_proc_remove(struct net *net)
{
	remove_proc_entry("mbox_waits", net->proc_net);
	remove_proc_entry("mbox", net->proc_net);
}

static void mbox_fdinfo_mailbox(struct seq_file *seq,
				struct mbox_object *object)
{
	struct mbox_ioc_status status;

	mbox_mailbox_status(to_mailbox(object), &status);
	seq_puts(seq, "mbox-capacity:\t");
	mbox_seq_capacity(seq, status.capacity);
	seq_printf(seq,
		   "\nmbox-msgsize:\t%llu\nmbox-queued:\t%llu\nmbox-bytes:\t%llu\nmbox-waiting-senders:\t%u\nmbox-waiting-receivers:\t%u\n",
		   status.msgsize, status.queued, status.queued_bytes,
		   status.waiting_senders, status.waiting_receivers);
}

/* How far behind the descriptor itself is. */
static void mbox_fdinfo_cursor(struct seq_file *seq, struct file *file)
{
	u64 missed, unread;

	unread = mbox_broadcast_backlog(mbox_file_mailbox(file),
					mbox_file_cursor(file), &missed);
	seq_printf(seq, "mbox-unread:\t%llu\nmbox-missed:\t%llu\n", unread,
		   missed);
}

static void mbox_fdinfo_segment(struct seq_file *seq,
				struct mbox_object *object)
{
	struct mbox_ioc_segment_status status;

	mbox_segment_status(to_segment(object), &status);
	seq_printf(seq,
		   "mbox-length:\t%llu\nmbox-attached:\t%u\nmbox-seals:\t%#x\n",
		   status.length, status.attached, status.seals);
	if (status.buffers)
		seq_printf(seq, "mbox-buffers:\t%u\nmbox-lent:\t%u\n",
			   status.buffers, status.lent);
}

/**
 * mbox_show_fdinfo() - describe a descriptor's object
 * @seq: where to
 * @file: the descriptor
 */
void mbox_show_fdinfo(struct seq_file *seq, struct file *file)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_object *object = handle->object;
	bool mailbox = object->ops->kind != MBOX_SEGMENT;

	seq_printf(seq, "mbox-kind:\t%s\nmbox-id:\t%llu\nmbox-name:\t",
		   mbox_kind_word(object), object->id);
	mutex_lock(&object->ns->lock);
	mbox_seq_name(seq, object);
	mutex_unlock(&object->ns->lock);
	seq_putc(seq, '\n');
	if (mailbox)
		mbox_fdinfo_mailbox(seq, object);
	else
		mbox_fdinfo_segment(seq, object);
	if (mailbox && to_mailbox(object)->broadcast &&
	    file->f_mode & FMODE_READ)
		mbox_fdinfo_cursor(seq, file);
}
