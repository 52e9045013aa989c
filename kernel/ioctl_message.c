// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls that send, receive and answer messages.
 *
 * What is filled in at once is marked __uninitialized: to clear it first, as the
 * kernel can be built to do, takes 80 instructions a message.
 */
#include <linux/err.h>
#include <linux/slab.h>

#include "ioctl.h"
#include "mailbox.h"

static int mbox_patience_init(struct mbox_patience *patience,
			      const struct file *file, u32 flags, u64 deadline)
{
	if (deadline > KTIME_MAX)
		return -EINVAL;
	patience->nonblock = flags & MBOX_NONBLOCK ||
			     file->f_flags & O_NONBLOCK;
	patience->deadline = patience->nonblock ? 0 : deadline;
	patience->clock = flags & MBOX_REALTIME ? CLOCK_REALTIME :
						  CLOCK_MONOTONIC;
	return 0;
}

/*
 * A list of buffers has one layout for all callers. The kernel's own is no
 * larger, and so takes its place entry by entry.
 */
static int mbox_iov_convert(struct mbox_iovec *list, u32 nr, size_t *total)
{
	struct iovec *iov = (struct iovec *)list;
	u32 i;

	BUILD_BUG_ON(sizeof(*iov) > sizeof(*list));
	*total = 0;
	for (i = 0; i < nr; i++) {
		struct mbox_iovec entry = list[i];

		if (entry.len > MAX_RW_COUNT - *total)
			return -EINVAL;
		iov[i].iov_base = u64_to_user_ptr(entry.base);
		iov[i].iov_len = entry.len;
		*total += entry.len;
	}
	return 0;
}

/* Return: 0, with *@iov for mbox_iov_free(), or an error. */
static int mbox_iter_init_list(struct iov_iter *iter, unsigned int direction,
			       const struct mbox_ioc_msg *msg,
			       struct iovec **iov)
{
	struct mbox_iovec *list;
	size_t total;
	int err;

	if (msg->len > MBOX_IOV_MAX)
		return -EINVAL;
	list = memdup_user(u64_to_user_ptr(msg->buf),
			   msg->len * sizeof(*list));
	if (IS_ERR(list))
		return PTR_ERR(list);
	err = mbox_iov_convert(list, msg->len, &total);
	if (err) {
		kfree(list);
		return err;
	}
	*iov = (struct iovec *)list;
	iov_iter_init(iter, direction, *iov, msg->len, total);
	return 0;
}

static int mbox_iter_init(struct iov_iter *iter, unsigned int direction,
			  const struct mbox_ioc_msg *msg, struct iovec **iov)
{
	if (msg->flags & MBOX_IOV)
		return mbox_iter_init_list(iter, direction, msg, iov);
	iov_iter_ubuf(iter, direction, u64_to_user_ptr(msg->buf),
		      min_t(u64, msg->len, MAX_RW_COUNT));
	return 0;
}

/* Most have one buffer, and nothing to be freed. */
static void mbox_iov_free(const struct mbox_ioc_msg *msg, struct iovec *iov)
{
	if (msg->flags & MBOX_IOV)
		kfree(iov);
}

static bool mbox_msg_valid(const struct mbox_ioc_msg *msg)
{
	return msg->nr_fds <= MBOX_FDS_MAX;
}

/* Return: the descriptors that go with the message, NULL, or an error. */
static struct mbox_cargo *mbox_msg_cargo(struct mbox_handle *handle,
					 const struct mbox_ioc_msg *msg)
{
	struct mbox_cargo *cargo;
	struct mbox_fd *fds;

	if (!msg->nr_fds)
		return NULL;
	fds = memdup_user(u64_to_user_ptr(msg->fds),
			  msg->nr_fds * sizeof(*fds));
	if (IS_ERR(fds))
		return ERR_CAST(fds);
	cargo = mbox_cargo_create(to_mailbox(handle->object), handle->user, fds,
				  msg->nr_fds);
	kfree(fds);
	return cargo;
}

static struct mbox_message *mbox_msg_create(struct mbox_handle *handle,
					    const struct mbox_ioc_msg *msg,
					    struct iov_iter *from, bool waits)
{
	struct mbox_mailbox *mailbox = to_mailbox(handle->object);

	if (unlikely(msg->flags & MBOX_LOAN))
		return mbox_loan_create(mailbox, handle->user, from);
	if (iov_iter_count(from) > mailbox->msgsize)
		return ERR_PTR(-EMSGSIZE);
	return mbox_message_create(mailbox, handle->user, from, waits);
}

static struct mbox_message *mbox_msg_message(struct mbox_handle *handle,
					     const struct mbox_ioc_msg *msg,
					     struct iov_iter *from, bool waits)
{
	struct mbox_message *message = mbox_msg_create(handle, msg, from,
						       waits);
	struct mbox_cargo *cargo;

	if (IS_ERR(message))
		return message;
	cargo = mbox_msg_cargo(handle, msg);
	if (IS_ERR(cargo)) {
		mbox_message_put(to_mailbox(handle->object), message);
		return ERR_CAST(cargo);
	}
	message->cargo = cargo;
	message->prio = msg->prio;
	message->tag = msg->tag;
	message->sync = msg->flags & MBOX_SYNC;
	return message;
}

/* As for mbox_message_create(), @waits says that it would be for a receiver. */
static struct mbox_message *mbox_msg_take_in(struct file *file,
					     const struct mbox_ioc_msg *msg,
					     bool waits)
{
	struct iov_iter from __uninitialized;
	struct mbox_message *message;
	struct iovec *iov;
	int err;

	if (msg->prio > MBOX_PRIO_MAX || msg->index || msg->lease ||
	    !msg->sequence != !(msg->flags & MBOX_ONCE) ||
	    !mbox_msg_valid(msg))
		return ERR_PTR(-EINVAL);
	if (mbox_file_mailbox(file)->broadcast &&
	    (msg->prio || msg->flags & (MBOX_SYNC | MBOX_ONCE | MBOX_LOAN)))
		return ERR_PTR(-EOPNOTSUPP);
	err = mbox_iter_init(&from, ITER_SOURCE, msg, &iov);
	if (err)
		return ERR_PTR(err);
	message = mbox_msg_message(file->private_data, msg, &from, waits);
	mbox_iov_free(msg, iov);
	return message;
}

static long mbox_send_msg(struct file *file, const struct mbox_ioc_msg *msg,
			  const struct mbox_patience *patience)
{
	struct mbox_message *message;

	if (msg->delivery)
		return -EINVAL;
	message = mbox_msg_take_in(file, msg, !patience->nonblock);
	if (IS_ERR(message))
		return PTR_ERR(message);
	return mbox_send(mbox_file_mailbox(file), message, msg->sequence,
			 patience);
}

/* How to wait, and where the data are. Without other flags nothing else is asked for. */
#define MBOX_PLAIN	(MBOX_NONBLOCK | MBOX_REALTIME | MBOX_IOV | MBOX_NORESTART)

/* What a call returns that a signal came before. */
static long mbox_interrupted(u32 flags, long ret)
{
	return ret == -ERESTARTSYS && flags & MBOX_NORESTART ? -EINTR : ret;
}

long mbox_ioctl_send(const struct mbox_request *request)
{
	struct mbox_patience patience __uninitialized;
	struct mbox_ioc_msg msg __uninitialized;
	int err = mbox_request_get(request, &msg);

	if (err)
		return err;
	if (!(request->file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (msg.flags & ~(MBOX_PLAIN | MBOX_SYNC | MBOX_ONCE | MBOX_LOAN))
		return -EINVAL;
	if (mbox_patience_init(&patience, request->file, msg.flags,
			       msg.deadline))
		return -EINVAL;
	patience.nonblock |= request->nonblock;
	return mbox_interrupted(msg.flags,
				mbox_send_msg(request->file, &msg, &patience));
}

/**
 * struct mbox_msg_sink - a receiver's struct mbox_ioc_msg
 * @sink: its base
 * @to: its buffers
 * @asked: what it asked for
 * @user: where what it got goes
 * @size: how much of that it knows
 * @written: something went there
 * @acked: the message that it asked to be done with is gone
 */
struct mbox_msg_sink {
	struct mbox_sink sink;
	struct iov_iter to;
	const struct mbox_ioc_msg *asked;
	void __user *user;
	size_t size;
	bool written;
	bool acked;
};

static struct mbox_msg_sink *to_msg_sink(struct mbox_sink *sink)
{
	return container_of(sink, struct mbox_msg_sink, sink);
}

static int mbox_msg_write(struct mbox_msg_sink *sink,
			  const struct mbox_ioc_msg *msg)
{
	sink->written = true;
	return mbox_struct_put(sink->user, sink->size, msg, sizeof(*msg));
}

/*
 * Where descriptors are to be told, before they are there: an array that cannot
 * be written then seldom shows when they would have to be closed again.
 */
static int mbox_msg_touch_fds(const struct mbox_msg_sink *sink, u32 nr)
{
	const struct mbox_ioc_msg *asked = sink->asked;

	if (!nr || asked->flags & MBOX_PEEK)
		return 0;
	return clear_user(u64_to_user_ptr(asked->fds),
			  nr * sizeof(struct mbox_fd)) ? -EFAULT : 0;
}

/* What the kernel knows is what a caller in the first namespace is told. */
static uid_t mbox_msg_uid(kuid_t uid)
{
	struct user_namespace *ns = current_user_ns();

	return likely(ns == &init_user_ns) ? __kuid_val(uid) :
					     from_kuid_munged(ns, uid);
}

static gid_t mbox_msg_gid(kgid_t gid)
{
	struct user_namespace *ns = current_user_ns();

	return likely(ns == &init_user_ns) ? __kgid_val(gid) :
					     from_kgid_munged(ns, gid);
}

static int mbox_msg_copy(struct mbox_sink *sink,
			 const struct mbox_message *message)
{
	struct mbox_msg_sink *msg_sink = to_msg_sink(sink);
	bool in_place = sink->loans && message->loan;
	struct iov_iter to = msg_sink->to;
	struct mbox_ioc_msg msg = {
		.buf = msg_sink->asked->buf,
		.len = message->len,
		.deadline = msg_sink->asked->deadline,
		.tag = message->tag,
		.prio = message->prio,
		.flags = (message->call ? MBOX_CALL : 0) |
			 (in_place ? MBOX_LOAN : 0),
		.index = msg_sink->asked->index,
		.pid = pid_vnr(message->pid),
		.uid = mbox_msg_uid(message->uid),
		.gid = mbox_msg_gid(message->gid),
		.missed = sink->missed,
		.fds = msg_sink->asked->fds,
		.nr_fds = mbox_message_fds(message),
		.delivery = sink->delivery,
		.lease = msg_sink->asked->lease,
		.deliveries = message->deliveries,
		.sequence = message->seq,
	};

	return (in_place ? mbox_loan_tell(message, &to) :
			   mbox_message_copy(message, &to)) ?:
	       mbox_msg_write(msg_sink, &msg) ?:
	       mbox_msg_touch_fds(msg_sink, msg.nr_fds);
}

/* If the array cannot be written it is not too late. */
static int mbox_msg_land(struct mbox_sink *sink, struct mbox_cargo *cargo)
{
	struct mbox_msg_sink *msg_sink = to_msg_sink(sink);
	struct mbox_fd __user *fds = u64_to_user_ptr(msg_sink->asked->fds);
	int err = mbox_cargo_land(cargo);
	u32 i;

	if (err)
		return err;
	for (i = 0; i < cargo->nr; i++) {
		struct mbox_fd fd = { .fd = cargo->items[i].fd };

		if (copy_to_user(&fds[i], &fd, sizeof(fd))) {
			mbox_cargo_recall(cargo);
			return -EFAULT;
		}
	}
	return 0;
}

/*
 * A message can be withdrawn after it was copied out. What its receiver asked
 * for must then stand there again, since the call may be restarted; but for what
 * is done already.
 */
static long mbox_recv_failed(struct mbox_msg_sink *sink, long err)
{
	struct mbox_ioc_msg asked = *sink->asked;

	if (err == -EMSGSIZE || err == -ENOBUFS) {
		asked.len = sink->sink.len;
		asked.nr_fds = sink->sink.nr_fds;
		sink->written = true;
	}
	if (sink->acked) {
		asked.delivery = 0;
		sink->written = true;
	}
	if (sink->written && mbox_msg_write(sink, &asked))
		return -EFAULT;
	return err;
}

/* What a receiver can choose its message by. */
#define MBOX_CHOICES	(MBOX_FROM | MBOX_TAG | MBOX_TAG_MOST | MBOX_TAG_EXCEPT)

static long mbox_recv_chosen(struct mbox_mailbox *mailbox,
			     struct mbox_msg_sink *sink,
			     const struct mbox_patience *patience)
{
	const struct mbox_ioc_msg *asked = sink->asked;
	struct mbox_choice choice = {
		.how = asked->flags & MBOX_CHOICES & ~MBOX_FROM,
		.tag = asked->tag,
	};
	long err;

	if (asked->flags & MBOX_FROM)
		choice.from = mbox_sender_get(mailbox, asked->pid);
	if (IS_ERR(choice.from))
		return PTR_ERR(choice.from);
	sink->sink.choice = &choice;
	err = mbox_receive(mailbox, &sink->sink, patience);
	put_pid(choice.from);
	return err;
}

static long mbox_recv_sink(struct mbox_mailbox *mailbox,
			   struct mbox_msg_sink *sink,
			   const struct mbox_patience *patience)
{
	const struct mbox_ioc_msg *asked = sink->asked;

	sink->sink.bell = asked->flags & MBOX_BELL;
	if (asked->flags & MBOX_PEEK)
		return mbox_peek(mailbox, &sink->sink, asked->index);
	if (asked->flags & MBOX_CHOICES)
		return mbox_recv_chosen(mailbox, sink, patience);
	return mbox_receive(mailbox, &sink->sink, patience);
}

static long mbox_recv_lease(struct mbox_mailbox *mailbox,
			    struct mbox_msg_sink *sink,
			    const struct mbox_patience *patience)
{
	long err;

	sink->sink.lease = sink->asked->lease;
	sink->sink.hold = mbox_hold_create(mailbox, sink->asked->lease);
	if (!sink->sink.hold)
		return -ENOMEM;
	err = mbox_recv_sink(mailbox, sink, patience);
	mbox_hold_free(mailbox, sink->sink.hold);
	return err;
}

/* Return: 0, with *@iov for mbox_iov_free(), or an error. */
static int mbox_msg_sink_init(struct mbox_msg_sink *sink,
			      const struct mbox_ioc_msg *msg,
			      void __user *user, size_t size,
			      struct iovec **iov)
{
	int err = mbox_iter_init(&sink->to, ITER_DEST, msg, iov);

	if (err)
		return err;
	sink->sink = (struct mbox_sink) {
		.to = &sink->to,
		.size = iov_iter_count(&sink->to),
		.room_fds = msg->nr_fds,
		.copy = mbox_msg_copy,
		.land = mbox_msg_land,
	};
	sink->asked = msg;
	sink->user = user;
	sink->size = size;
	sink->written = false;
	sink->acked = false;
	return 0;
}

/* A receiver that would not be told the number cannot answer by it. */
static bool mbox_told_delivery(size_t size)
{
	return size >= offsetofend(struct mbox_ioc_msg, delivery);
}

static bool mbox_recv_valid(const struct mbox_ioc_msg *msg, size_t size)
{
	bool peek = msg->flags & MBOX_PEEK;
	bool lease = msg->flags & MBOX_LEASE;
	bool numbered = msg->flags & (MBOX_LEASE | MBOX_ACK);

	if (likely(!(msg->flags & ~MBOX_PLAIN)))
		return mbox_msg_valid(msg) && !msg->index && !msg->lease;
	return !(peek && numbered) && mbox_msg_valid(msg) &&
	       msg->index <= (peek ? MBOX_PEEK_MAX : 0) &&
	       msg->lease <= (lease ? KTIME_MAX : 0) &&
	       (!numbered || mbox_told_delivery(size)) &&
	       (lease || !(msg->flags & MBOX_LOAN)) &&
	       (!(msg->flags & MBOX_FROM) || msg->pid > 0);
}

/* Be done with the one before. Return: 0 or -ESTALE. */
static int mbox_recv_ack(struct file *file, struct mbox_msg_sink *sink)
{
	int err;

	if (!(sink->asked->flags & MBOX_ACK) || !sink->asked->delivery)
		return 0;
	err = mbox_acknowledge(file, sink->asked->delivery, false);
	sink->acked = !err;
	return err;
}

/* There is room to tell where a loan is. Return: 0 or -EINVAL. */
static int mbox_recv_loans(struct mbox_msg_sink *sink)
{
	if (!(sink->asked->flags & MBOX_LOAN))
		return 0;
	sink->sink.loans = true;
	return sink->sink.size < sizeof(struct mbox_loan) ? -EINVAL : 0;
}

/* Receive as the flags ask for that are not MBOX_PLAIN. */
static long mbox_recv_asked(struct file *file, struct mbox_msg_sink *sink,
			    const struct mbox_patience *patience)
{
	struct mbox_mailbox *mailbox = mbox_file_mailbox(file);
	int err = mbox_recv_loans(sink) ?: mbox_recv_ack(file, sink);

	if (err)
		return err;
	return sink->asked->flags & MBOX_LEASE ?
		       mbox_recv_lease(mailbox, sink, patience) :
		       mbox_recv_sink(mailbox, sink, patience);
}

static long mbox_recv_msg(struct file *file, const struct mbox_ioc_msg *msg,
			  void __user *user, size_t size,
			  const struct mbox_patience *patience)
{
	struct mbox_mailbox *mailbox = mbox_file_mailbox(file);
	struct mbox_msg_sink sink __uninitialized;
	struct iovec *iov;
	long err;

	if (!mbox_recv_valid(msg, size))
		return -EINVAL;
	if (mailbox->broadcast &&
	    msg->flags & (MBOX_PEEK | MBOX_LEASE | MBOX_ACK))
		return -EOPNOTSUPP;
	err = mbox_msg_sink_init(&sink, msg, user, size, &iov);
	if (err)
		return err;
	sink.sink.cursor = mbox_file_cursor(file);
	sink.sink.tells_missed = size >= offsetofend(struct mbox_ioc_msg,
						     missed);
	if (mbox_told_delivery(size))
		sink.sink.file = file;
	err = likely(!(msg->flags & ~MBOX_PLAIN)) ?
		      mbox_receive(mailbox, &sink.sink, patience) :
		      mbox_recv_asked(file, &sink, patience);
	mbox_iov_free(msg, iov);
	if (sink.sink.delivery)
		mbox_holds_check(file);
	return err ? mbox_recv_failed(&sink, err) : 0;
}

/* Return: 0, -EBADF or -EPERM. */
int mbox_may_receive(struct file *file)
{
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	return mbox_process_may_receive(mbox_file_mailbox(file)) ? 0 : -EPERM;
}

/* A receiver chooses by one thing, and none looks at a message so. */
static bool mbox_recv_flags_valid(u32 flags)
{
	return !(flags & ~(MBOX_PLAIN | MBOX_PEEK | MBOX_LEASE | MBOX_ACK |
			   MBOX_BELL | MBOX_LOAN | MBOX_CHOICES)) &&
	       !(flags & MBOX_PEEK && flags & MBOX_BELL) &&
	       hweight32(flags & (MBOX_PEEK | MBOX_CHOICES)) <= 1;
}

/* Does the mailbox know what the receiver waits for, and chooses by? */
static bool mbox_recv_flags_known(const struct mbox_mailbox *mailbox, u32 flags)
{
	if (flags & MBOX_BELL && !(mailbox->flags & MBOX_RINGS))
		return false;
	return !(flags & MBOX_CHOICES) ||
	       (flags & MBOX_FROM ? !!mailbox->process :
				    !!(mailbox->flags & MBOX_TAGGED));
}

/* @request is for @msg alone. */
static long mbox_recv_from_user(const struct mbox_request *request,
				const struct mbox_ioc_msg *msg)
{
	struct mbox_patience patience __uninitialized;
	struct file *file = request->file;

	if (msg->flags & ~MBOX_PLAIN) {
		if (!mbox_recv_flags_valid(msg->flags))
			return -EINVAL;
		if (!mbox_recv_flags_known(mbox_file_mailbox(file), msg->flags))
			return -EOPNOTSUPP;
	}
	if (mbox_patience_init(&patience, file, msg->flags, msg->deadline))
		return -EINVAL;
	patience.nonblock |= request->nonblock;
	return mbox_interrupted(msg->flags,
				mbox_recv_msg(file, msg, request->user,
					      request->size, &patience));
}

long mbox_ioctl_recv(const struct mbox_request *request)
{
	struct mbox_ioc_msg msg __uninitialized;
	int err = mbox_request_get(request, &msg) ?:
		  mbox_may_receive(request->file);

	return err ?: mbox_recv_from_user(request, &msg);
}

static int mbox_exchange_msg(const struct mbox_ioc_exchange *exchange,
			     u64 address, struct mbox_ioc_msg *msg)
{
	return mbox_struct_get(msg, sizeof(*msg), u64_to_user_ptr(address),
			       exchange->msg_size);
}

static bool mbox_exchange_valid(const struct mbox_ioc_exchange *exchange)
{
	return exchange->msg_size >= offsetofend(struct mbox_ioc_msg, gid) &&
	       !exchange->__reserved;
}

static long mbox_call_msg(struct file *file, const struct mbox_ioc_msg *msg,
			  struct mbox_msg_sink *sink)
{
	struct mbox_mailbox *mailbox = mbox_file_mailbox(file);
	struct mbox_message *request, *reply;
	struct mbox_patience patience;
	long err;

	if (mbox_patience_init(&patience, file, msg->flags, msg->deadline))
		return -EINVAL;
	patience.deadline = msg->deadline;
	request = mbox_msg_take_in(file, msg, false);
	if (IS_ERR(request))
		return PTR_ERR(request);
	err = mbox_call(mailbox, request, &sink->sink, &patience, &reply);
	if (err)
		return err;
	err = mbox_unload(&sink->sink, reply);
	mbox_message_put(mailbox, reply);
	return err;
}

static bool mbox_call_valid(const struct mbox_ioc_msg *request,
			    const struct mbox_ioc_msg *reply)
{
	return !(request->flags & ~(MBOX_IOV | MBOX_REALTIME)) &&
	       !request->delivery &&
	       !(reply->flags & ~MBOX_IOV) && !reply->deadline &&
	       !reply->index && !reply->lease && mbox_msg_valid(reply);
}

long mbox_ioctl_call(const struct mbox_request *request)
{
	struct mbox_ioc_msg msg __uninitialized, reply __uninitialized;
	struct mbox_msg_sink sink __uninitialized;
	struct mbox_ioc_exchange exchange;
	struct iovec *iov;
	long err;

	err = mbox_request_get(request, &exchange);
	if (err)
		return err;
	if (!(request->file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (!mbox_exchange_valid(&exchange))
		return -EINVAL;
	err = mbox_exchange_msg(&exchange, exchange.send, &msg) ?:
	      mbox_exchange_msg(&exchange, exchange.recv, &reply);
	if (err)
		return err;
	if (!mbox_call_valid(&msg, &reply))
		return -EINVAL;
	if (mbox_file_mailbox(request->file)->broadcast)
		return -EOPNOTSUPP;
	err = mbox_msg_sink_init(&sink, &reply, u64_to_user_ptr(exchange.recv),
				 exchange.msg_size, &iov);
	if (err)
		return err;
	err = mbox_call_msg(request->file, &msg, &sink);
	mbox_iov_free(&reply, iov);
	return err;
}

static long mbox_reply_msg(struct file *file,
			   const struct mbox_ioc_exchange *exchange)
{
	struct mbox_ioc_msg msg __uninitialized;
	struct mbox_message *reply;
	long err;

	err = mbox_exchange_msg(exchange, exchange->send, &msg);
	if (err)
		return err;
	if (msg.flags & ~MBOX_IOV || msg.deadline || msg.prio)
		return -EINVAL;
	reply = mbox_msg_take_in(file, &msg, false);
	if (IS_ERR(reply))
		return PTR_ERR(reply);
	return mbox_reply(file, msg.delivery, reply);
}

/*
 * A reply is given once: when the call then fails, and perhaps is restarted,
 * what is left to do is to receive.
 */
static long mbox_reply_recv(const struct mbox_request *request,
			    const struct mbox_ioc_exchange *exchange,
			    const struct mbox_ioc_msg *next)
{
	struct mbox_ioc_exchange __user *user = request->user;
	const struct mbox_request receive = {
		.file = request->file,
		.user = u64_to_user_ptr(exchange->recv),
		.size = exchange->msg_size,
	};
	long err;

	err = mbox_recv_from_user(&receive, next);
	if (err && exchange->send && put_user(0, &user->send))
		return -EFAULT;
	return err;
}

long mbox_ioctl_reply(const struct mbox_request *request)
{
	struct mbox_ioc_msg next __uninitialized;
	struct mbox_ioc_exchange exchange;
	long err = mbox_request_get(request, &exchange) ?:
		   mbox_may_receive(request->file);

	if (err)
		return err;
	if (!mbox_exchange_valid(&exchange) ||
	    (!exchange.send && !exchange.recv))
		return -EINVAL;
	if (exchange.recv)
		err = mbox_exchange_msg(&exchange, exchange.recv, &next);
	if (!err && exchange.send)
		err = mbox_reply_msg(request->file, &exchange);
	if (err || !exchange.recv)
		return err;
	return mbox_reply_recv(request, &exchange, &next);
}

long mbox_ioctl_ack(const struct mbox_request *request)
{
	struct mbox_ioc_ack ack;
	int err = mbox_request_get(request, &ack) ?:
		  mbox_may_receive(request->file);

	if (err)
		return err;
	if (ack.flags & ~MBOX_RETURN || ack.__reserved)
		return -EINVAL;
	return mbox_acknowledge(request->file, ack.delivery,
				ack.flags & MBOX_RETURN);
}

static bool mbox_batch_valid(const struct mbox_ioc_batch *batch)
{
	return !(batch->flags & ~(MBOX_NONBLOCK | MBOX_REALTIME |
				  MBOX_NORESTART)) &&
	       !batch->__reserved && batch->nr &&
	       batch->nr <= MBOX_BATCH_MAX &&
	       batch->msg_size >= offsetofend(struct mbox_ioc_msg, gid);
}

static int mbox_batch_entry(const struct mbox_ioc_batch *batch, u32 i,
			    u32 allowed, struct mbox_ioc_msg *msg,
			    void __user **user)
{
	int err;

	*user = u64_to_user_ptr(batch->msgs + (u64)i * batch->msg_size);
	err = mbox_struct_get(msg, sizeof(*msg), *user, batch->msg_size);
	if (err)
		return err;
	return msg->flags & ~allowed || msg->deadline ? -EINVAL : 0;
}

/* Send or receive the message of one entry. Return: 0 or an error. */
typedef long mbox_batch_one(struct file *file, const struct mbox_ioc_msg *msg,
			    void __user *user, size_t size,
			    struct mbox_patience *patience);

static long mbox_batch(struct file *file, const struct mbox_ioc_batch *batch,
		       u32 allowed, mbox_batch_one *one)
{
	struct mbox_patience patience;
	struct mbox_ioc_msg msg;
	void __user *user;
	long err = 0;
	u32 i;

	if (!mbox_batch_valid(batch) ||
	    mbox_patience_init(&patience, file, batch->flags, batch->deadline))
		return -EINVAL;
	for (i = 0; i < batch->nr; i++) {
		err = mbox_batch_entry(batch, i, allowed, &msg, &user) ?:
		      one(file, &msg, user, batch->msg_size, &patience);
		if (err)
			break;
	}
	return i ?: mbox_interrupted(batch->flags, err);
}

static long mbox_batch_send(struct file *file, const struct mbox_ioc_msg *msg,
			    void __user *user, size_t size,
			    struct mbox_patience *patience)
{
	return mbox_send_msg(file, msg, patience);
}

long mbox_ioctl_send_batch(const struct mbox_request *request)
{
	struct mbox_ioc_batch batch;
	int err = mbox_request_get(request, &batch);

	if (err)
		return err;
	if (!(request->file->f_mode & FMODE_WRITE))
		return -EBADF;
	return mbox_batch(request->file, &batch,
			  MBOX_IOV | MBOX_SYNC | MBOX_ONCE | MBOX_LOAN,
			  mbox_batch_send);
}

/* Only the first is worth waiting for. */
static long mbox_batch_recv(struct file *file, const struct mbox_ioc_msg *msg,
			    void __user *user, size_t size,
			    struct mbox_patience *patience)
{
	long err = mbox_recv_msg(file, msg, user, size, patience);

	patience->nonblock = true;
	return err;
}

long mbox_ioctl_recv_batch(const struct mbox_request *request)
{
	struct mbox_ioc_batch batch;
	int err = mbox_request_get(request, &batch) ?:
		  mbox_may_receive(request->file);

	return err ?: mbox_batch(request->file, &batch,
				 MBOX_IOV | MBOX_LEASE | MBOX_LOAN,
				 mbox_batch_recv);
}
