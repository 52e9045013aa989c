// SPDX-License-Identifier: GPL-2.0
/*
 * Mailboxes: their life, their attributes, and their descriptors as files.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "mailbox.h"
#include "stream.h"

/* The next size of the general caches would be twice as large. */
static struct kmem_cache *mbox_mailbox_cache;

/**
 * mbox_mailbox_init() - make what mailboxes are made of
 *
 * Return: 0 or -ENOMEM.
 */
int __init mbox_mailbox_init(void)
{
	mbox_mailbox_cache = KMEM_CACHE(mbox_mailbox, SLAB_ACCOUNT);
	return mbox_mailbox_cache ? 0 : -ENOMEM;
}

/**
 * mbox_mailbox_exit() - undo mbox_mailbox_init()
 */
void mbox_mailbox_exit(void)
{
	kmem_cache_destroy(mbox_mailbox_cache);
}

static struct mbox_mailbox *mbox_mailbox_alloc(u32 flags)
{
	struct mbox_tagged *tagged;

	if (!(flags & MBOX_TAGGED))
		return kmem_cache_zalloc(mbox_mailbox_cache, GFP_KERNEL);
	tagged = kzalloc(sizeof(*tagged), GFP_KERNEL_ACCOUNT);
	return tagged ? &tagged->mailbox : NULL;
}

static void mbox_mailbox_dealloc(struct mbox_mailbox *mailbox, u32 flags)
{
	if (flags & MBOX_TAGGED)
		kfree(container_of(mailbox, struct mbox_tagged, mailbox));
	else
		kmem_cache_free(mbox_mailbox_cache, mailbox);
}

/* What some mailboxes have beside. Return: 0 or -ENOMEM. */
static int mbox_mailbox_extend(struct mbox_mailbox *mailbox, u32 flags)
{
	if (flags & MBOX_OWN)
		return mbox_process_new(mailbox);
	if (flags & MBOX_BROADCAST) {
		mailbox->broadcast = mbox_broadcast_create();
		return mailbox->broadcast ? 0 : -ENOMEM;
	}
	if (flags & MBOX_BYTE_STREAM) {
		mailbox->stream = mbox_stream_create();
		return mailbox->stream ? 0 : -ENOMEM;
	}
	return 0;
}

/* The flags that go with others, whether they are said or not. */
static u32 mbox_implied(u32 flags)
{
	if (flags & MBOX_RINGS)
		return MBOX_HANGUP | MBOX_HANDLES;
	return flags & MBOX_BYTE_STREAM ? MBOX_HANGUP : 0;
}

/**
 * mbox_mailbox_create() - make a mailbox or a stream, see struct mbox_kind_ops
 * @ns: where it belongs
 * @attr: a struct mbox_ioc_create
 * @name: taken over unless there is an error, or NULL
 * @user: who pays; the reference is taken over unless there is an error
 *
 * Return: the object or -ENOMEM.
 */
struct mbox_object *mbox_mailbox_create(struct mbox_ns *ns, const void *attr,
					const char *name,
					struct mbox_user *user)
{
	const struct mbox_ioc_create *create = attr;
	struct mbox_mailbox *mailbox = mbox_mailbox_alloc(create->flags);

	if (!mailbox)
		return ERR_PTR(-ENOMEM);
	if (mbox_mailbox_extend(mailbox, create->flags)) {
		mbox_mailbox_dealloc(mailbox, create->flags);
		return ERR_PTR(-ENOMEM);
	}
	spin_lock_init(&mailbox->lock);
	mutex_init(&mailbox->snapshot);
	init_waitqueue_head(&mailbox->pollers);
	INIT_LIST_HEAD(&mailbox->sending.list);
	INIT_LIST_HEAD(&mailbox->calling.list);
	INIT_LIST_HEAD(&mailbox->receiving.list);
	mbox_holds_init(mailbox);
	mbox_queue_init(&mailbox->queue);
	mbox_queue_init(&mailbox->blocked);
	mbox_transit_init(&mailbox->transit);
	mailbox->capacity = create->capacity;
	mailbox->bytes = create->bytes;
	mailbox->msgsize = create->msgsize;
	mailbox->flags = create->flags | mbox_implied(create->flags);
	mbox_last_init(mailbox);
	mbox_object_init(&mailbox->object,
			 mailbox->stream ? &mbox_stream_ops : &mbox_mailbox_ops,
			 ns, name, user, create->mode & ~current_umask());
	return &mailbox->object;
}

static struct mbox_message *mbox_mailbox_pop(struct mbox_mailbox *mailbox)
{
	struct mbox_message *message;

	spin_lock(&mailbox->lock);
	message = mbox_queue_first(&mailbox->queue);
	if (message)
		mbox_queue_remove(&mailbox->queue, message);
	spin_unlock(&mailbox->lock);
	return message;
}

/**
 * mbox_mailbox_drain() - free the messages that nobody will receive
 * @mailbox: the mailbox; no sender waits for any of them
 */
void mbox_mailbox_drain(struct mbox_mailbox *mailbox)
{
	struct mbox_message *message;

	while ((message = mbox_mailbox_pop(mailbox))) {
		mbox_message_put(mailbox, message);
		cond_resched();
	}
}

/**
 * mbox_mailbox_free() - undo mbox_mailbox_create()
 * @object: a mailbox or a stream that nobody has a reference to
 */
void mbox_mailbox_free(struct mbox_object *object)
{
	struct mbox_mailbox *mailbox = to_mailbox(object);

	mbox_process_free(mailbox);
	mbox_mailbox_drain(mailbox);
	mbox_holds_exit(mailbox);
	mbox_notice_end(mailbox);
	mbox_stream_free(mailbox);
	mbox_last_exit(mailbox);
	kfree(mailbox->broadcast);
	mbox_spares_free(mailbox);
	mbox_mailbox_dealloc(mailbox, mailbox->flags);
}

/**
 * mbox_mailbox_abandoned() - no descriptor can receive
 * @mailbox: the mailbox
 */
bool mbox_mailbox_abandoned(struct mbox_mailbox *mailbox)
{
	bool abandoned;

	spin_lock(&mailbox->lock);
	abandoned = !mailbox->receivers.open;
	spin_unlock(&mailbox->lock);
	return abandoned;
}

/*
 * A ring has one end where messages come out. Who has it can share it, by dup(2)
 * or by opening it once more.
 */
static bool mbox_mailbox_taken(struct mbox_object *object, fmode_t rights)
{
	struct mbox_mailbox *mailbox = to_mailbox(object);

	return mailbox->flags & MBOX_RINGS && rights & FMODE_READ &&
	       !mbox_mailbox_abandoned(mailbox);
}

static void mbox_mailbox_opened(struct mbox_handle *handle, fmode_t rights)
{
	struct mbox_mailbox *mailbox = to_mailbox(handle->object);

	spin_lock(&mailbox->lock);
	if (rights & FMODE_WRITE)
		mbox_side_open(&mailbox->senders);
	if (rights & FMODE_READ)
		mbox_side_open(&mailbox->receivers);
	if (mailbox->broadcast && rights & FMODE_READ)
		mbox_broadcast_join_locked(mailbox, &handle->cursor);
	spin_unlock(&mailbox->lock);
}

static void mbox_side_close_locked(struct mbox_mailbox *mailbox,
				   struct mbox_side *side)
{
	side->open--;
	if (mbox_hung_up_locked(mailbox, side))
		mbox_hang_up_locked(mailbox, side, -EPIPE);
}

/*
 * Counted and looked up under one lock, so that who opens it by its name at this
 * moment has found it alive or not at all.
 */
static void mbox_transient_closed(struct mbox_mailbox *mailbox)
{
	struct mbox_object *object = &mailbox->object;
	bool expired;

	mutex_lock(&object->ns->lock);
	expired = mbox_mailbox_abandoned(mailbox) &&
		  mbox_name_expire_locked(object);
	mutex_unlock(&object->ns->lock);
	if (expired)
		mbox_name_dropped(object);
}

static void mbox_mailbox_closed(struct mbox_handle *handle, fmode_t rights)
{
	struct mbox_mailbox *mailbox = to_mailbox(handle->object);

	spin_lock(&mailbox->lock);
	/* It can have been killed before it rang for what it sent. */
	if (mailbox->flags & MBOX_RINGS && rights & FMODE_WRITE)
		mbox_ring_locked(mailbox);
	if (rights & FMODE_WRITE)
		mbox_side_close_locked(mailbox, &mailbox->senders);
	if (rights & FMODE_READ)
		mbox_side_close_locked(mailbox, &mailbox->receivers);
	spin_unlock(&mailbox->lock);
	if (mailbox->broadcast && rights & FMODE_READ)
		mbox_broadcast_leave(mailbox, &handle->cursor);
	if (mailbox->process && rights & FMODE_READ)
		mbox_process_closed(mailbox);
	if (mailbox->flags & MBOX_TRANSIENT && rights & FMODE_READ)
		mbox_transient_closed(mailbox);
}

static int mbox_mailbox_may_set(const struct mbox_mailbox *mailbox,
				const struct mbox_ioc_set *set)
{
	if (set->fields & (MBOX_SET_CAPACITY | MBOX_SET_BYTES |
			   MBOX_SET_DEAD_LETTER) &&
	    !mbox_object_owned(&mailbox->object))
		return -EPERM;
	if (mailbox->flags & (MBOX_OWN | MBOX_TAGGED) &&
	    set->capacity > MBOX_PEEK_MAX)
		return -EINVAL;
	if (set->fields & MBOX_SET_CAPACITY && mailbox->broadcast &&
	    !set->capacity)
		return -EINVAL;
	if (set->bytes && set->bytes < mailbox->msgsize)
		return -EINVAL;
	if (set->fields & MBOX_SET_CAPACITY && mailbox->stream &&
	    !mbox_stream_capacity_valid(set->capacity))
		return -EINVAL;
	return mbox_object_may_set(&mailbox->object, set);
}

static void mbox_mailbox_resize(struct mbox_mailbox *mailbox,
				const struct mbox_ioc_set *set)
{
	spin_lock(&mailbox->lock);
	if (set->fields & MBOX_SET_CAPACITY)
		mailbox->capacity = set->capacity;
	if (set->fields & MBOX_SET_BYTES)
		mailbox->bytes = set->bytes;
	if (mailbox->stream)
		mbox_stream_admit_locked(mailbox);
	else
		mbox_admit_locked(mailbox);
	spin_unlock(&mailbox->lock);
}

/* Can the dead letters of @mailbox go to @file? Return: 0 or an error. */
static int mbox_dead_letter_check(const struct mbox_mailbox *mailbox,
				  struct file *file)
{
	const struct mbox_mailbox *to;

	if (!mbox_is_mailbox(file))
		return -ENOTTY;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	to = mbox_file_mailbox(file);
	if (to == mailbox)
		return -ELOOP;
	if (to->msgsize < mailbox->msgsize)
		return -EMSGSIZE;
	if (to->broadcast || mailbox->flags & ~to->flags & MBOX_HANDLES)
		return -EOPNOTSUPP;
	return 0;
}

/* Return: for mbox_cargo_free(), or an error. */
static struct mbox_cargo *mbox_dead_letter_get(struct mbox_mailbox *mailbox,
					       int fd)
{
	struct file *file = fget(fd);
	struct mbox_cargo *cargo;
	int err;

	if (!file)
		return ERR_PTR(-EBADF);
	err = mbox_dead_letter_check(mailbox, file);
	if (!err) {
		cargo = mbox_cargo_hold(mailbox, file);
		if (cargo)
			return cargo;
		err = -ENOMEM;
	}
	fput(file);
	return ERR_PTR(err);
}

static int mbox_mailbox_change(struct mbox_mailbox *mailbox,
			       const struct mbox_ioc_set *set,
			       struct mbox_cargo **dead_letter)
{
	struct mbox_object *object = &mailbox->object;
	int err;

	mutex_lock(&object->ns->lock);
	err = mbox_mailbox_may_set(mailbox, set);
	if (!err) {
		mbox_object_set(object, set);
		if (set->fields & (MBOX_SET_CAPACITY | MBOX_SET_BYTES))
			mbox_mailbox_resize(mailbox, set);
		if (set->fields & MBOX_SET_DEAD_LETTER)
			mbox_dead_letter_swap(mailbox, dead_letter,
					      set->max_deliveries);
		mbox_last_changed_locked(mailbox);
	}
	mutex_unlock(&object->ns->lock);
	return err;
}

/**
 * mbox_mailbox_set() - change attributes
 * @mailbox: the mailbox
 * @set: the change
 *
 * Return: 0, -EPERM, -EINVAL; for a dead-letter mailbox -EBADF, -ENOTTY,
 * -ELOOP, -EMSGSIZE, -EOPNOTSUPP, -ENOMEM.
 */
int mbox_mailbox_set(struct mbox_mailbox *mailbox,
		     const struct mbox_ioc_set *set)
{
	struct mbox_cargo *dead_letter = NULL;
	int err;

	if (set->max_deliveries)
		dead_letter = mbox_dead_letter_get(mailbox, set->dead_letter);
	if (IS_ERR(dead_letter))
		return PTR_ERR(dead_letter);
	err = mbox_mailbox_change(mailbox, set, &dead_letter);
	mbox_cargo_free(dead_letter);
	return err;
}

static u64 mbox_waiters_longest(struct mbox_waiters *waiters, s32 *pid)
{
	struct mbox_waiter *waiter =
		list_first_entry_or_null(&waiters->list, struct mbox_waiter,
					 node);

	if (!waiter)
		return 0;
	*pid = task_tgid_vnr(waiter->task);
	return max_t(s64, ktime_to_ns(ktime_sub(ktime_get(), waiter->since)),
		     1);
}

static void mbox_mailbox_state(struct mbox_mailbox *mailbox,
			       struct mbox_ioc_status *status)
{
	status->capacity = mailbox->capacity;
	status->bytes = mailbox->bytes;
	status->queued = mailbox->queue.count;
	status->queued_bytes = mailbox->queue.bytes;
	status->received = mailbox->received;
	status->received_bytes = mailbox->received_bytes;
	if (mailbox->broadcast) {
		status->sent = mailbox->broadcast->sent;
		status->sent_bytes = mailbox->broadcast->sent_bytes;
		status->dropped = mailbox->broadcast->dropped;
	} else {
		status->sent = mailbox->received + mailbox->queue.count;
		status->sent_bytes = mailbox->received_bytes +
				     mailbox->queue.bytes;
	}
	status->waiting_senders = mailbox->sending.count;
	status->waiting_receivers = mailbox->receiving.count;
	status->waiting_callers = mailbox->calling.count;
	status->held = mailbox->holds;
	status->max_deliveries = mailbox->max_deliveries;
	status->sequence = mailbox->sequence;
	status->send_wait_ns = mbox_waiters_longest(&mailbox->sending,
						    &status->send_wait_pid);
	status->recv_wait_ns = mbox_waiters_longest(&mailbox->receiving,
						    &status->recv_wait_pid);
	status->senders = mailbox->senders.open;
	status->receivers = mailbox->receivers.open;
	if (mailbox->stream)
		mbox_stream_status_locked(mailbox, status);
	mbox_last_status_locked(mailbox, status);
}

/**
 * mbox_mailbox_status_locked() - what there is to know of a mailbox
 * @mailbox: the mailbox; its namespace's lock is held
 * @status: written
 */
void mbox_mailbox_status_locked(struct mbox_mailbox *mailbox,
				struct mbox_ioc_status *status)
{
	struct mbox_object *object = &mailbox->object;

	lockdep_assert_held(&object->ns->lock);
	*status = (struct mbox_ioc_status) {
		.id = object->id,
		.msgsize = mailbox->msgsize,
		.mode = object->mode,
		.uid = from_kuid_munged(current_user_ns(), object->uid),
		.gid = from_kgid_munged(current_user_ns(), object->gid),
		.flags = mailbox->flags,
	};
	spin_lock(&mailbox->lock);
	mbox_mailbox_state(mailbox, status);
	spin_unlock(&mailbox->lock);
}

/**
 * mbox_mailbox_status() - what there is to know of a mailbox
 * @mailbox: the mailbox
 * @status: written
 */
void mbox_mailbox_status(struct mbox_mailbox *mailbox,
			 struct mbox_ioc_status *status)
{
	mutex_lock(&mailbox->object.ns->lock);
	mbox_mailbox_status_locked(mailbox, status);
	mutex_unlock(&mailbox->object.ns->lock);
}

static int mbox_iter_copy(struct mbox_sink *sink,
			  const struct mbox_message *message)
{
	struct iov_iter to = *sink->to;

	return mbox_message_copy(message, &to);
}

static ssize_t mbox_mailbox_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct mbox_patience patience = {
		.nonblock = mbox_kiocb_nonblock(iocb),
	};
	struct mbox_sink sink = {
		.to = to,
		.size = iov_iter_count(to),
		.cursor = mbox_file_cursor(iocb->ki_filp),
		.copy = mbox_iter_copy,
	};
	struct mbox_mailbox *mailbox = mbox_file_mailbox(iocb->ki_filp);
	int err;

	if (mailbox->process && !mbox_process_may_receive(mailbox))
		return -EPERM;
	err = mbox_receive(mailbox, &sink, &patience);
	if (err)
		return err == -EPIPE ? 0 : err;
	return sink.len;
}

static ssize_t mbox_mailbox_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct mbox_patience patience = {
		.nonblock = mbox_kiocb_nonblock(iocb),
	};
	struct mbox_handle *handle = iocb->ki_filp->private_data;
	struct mbox_mailbox *mailbox = to_mailbox(handle->object);
	size_t len = iov_iter_count(from);
	struct mbox_message *message;
	int err;

	if (len > mailbox->msgsize)
		return -EMSGSIZE;
	message = mbox_message_create(mailbox, handle->user, from,
				      !patience.nonblock);
	if (IS_ERR(message))
		return PTR_ERR(message);
	err = mbox_send(mailbox, message, 0, &patience);
	if (err == -EPIPE)
		send_sig(SIGPIPE, current, 0);
	return err ?: len;
}

/*
 * No wake-up is missed. Whoever changes what is polled does so, looks for
 * pollers, and wakes them, all under the lock; the poller is on the wait queue
 * before it takes the lock to look:
 *
 *	poller				changer
 *	poll_wait()
 *	lock, look, unlock
 *					lock, change, waitqueue_active(), unlock
 *
 * or the other way round: then the poller sees the change.
 */
static __poll_t mbox_mailbox_poll(struct file *file, poll_table *wait)
{
	struct mbox_mailbox *mailbox = mbox_file_mailbox(file);
	__poll_t events = 0;

	poll_wait(file, &mailbox->pollers, wait);
	spin_lock(&mailbox->lock);
	if (file->f_mode & FMODE_READ) {
		if (mailbox->broadcast ?
		    mbox_broadcast_receivable_locked(mailbox,
						     mbox_file_cursor(file)) :
		    mbox_receivable_locked(mailbox))
			events |= EPOLLIN | EPOLLRDNORM;
		if (mailbox->ended ||
		    mbox_hung_up_locked(mailbox, &mailbox->senders))
			events |= EPOLLHUP;
	}
	if (file->f_mode & FMODE_WRITE) {
		if (mbox_sendable_locked(mailbox))
			events |= EPOLLOUT | EPOLLWRNORM;
		if (mbox_unreceived_locked(mailbox))
			events |= EPOLLERR;
	}
	spin_unlock(&mailbox->lock);
	return events;
}

static int mbox_mailbox_flush(struct file *file, fl_owner_t owner)
{
	mbox_notice_drop(mbox_file_mailbox(file));
	mbox_holds_flush(file, owner);
	mbox_collect_soon();
	return 0;
}

static int mbox_mailbox_release(struct inode *inode, struct file *file)
{
	struct mbox_handle *handle = file->private_data;

	if (handle->object)
		mbox_holds_release(file);
	return mbox_handle_release(inode, file);
}

static const struct file_operations mbox_mailbox_fops = {
	.owner = THIS_MODULE,
	.read_iter = mbox_mailbox_read,
	.write_iter = mbox_mailbox_write,
	.poll = mbox_mailbox_poll,
	.unlocked_ioctl = mbox_mailbox_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.uring_cmd = mbox_mailbox_uring,
	.flush = mbox_mailbox_flush,
	.release = mbox_mailbox_release,
	.show_fdinfo = mbox_show_fdinfo,
};

/**
 * mbox_is_mailbox() - does a file stand for a mailbox?
 * @file: any file
 */
bool mbox_is_mailbox(const struct file *file)
{
	return file->f_op == &mbox_mailbox_fops;
}

const struct mbox_kind_ops mbox_mailbox_ops = {
	.kind = MBOX_MAILBOX,
	.resource = MBOX_MAILBOXES,
	.label = "[mbox:mailbox]",
	.fops = &mbox_mailbox_fops,
	.create = mbox_mailbox_create,
	.taken = mbox_mailbox_taken,
	.opened = mbox_mailbox_opened,
	.closed = mbox_mailbox_closed,
	.free = mbox_mailbox_free,
};
