/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mailboxes, their queues and messages, and who waits at them.
 *
 * Lifetime
 *
 * struct mbox_mailbox goes with its struct mbox_object, and its struct
 * mbox_broadcast, mbox_stream or mbox_process with it. The process can be gone by then: its
 * struct pid, which all that know it hold a reference of, is not.
 *
 * struct mbox_message belongs to the sender until mbox_send() takes it over,
 * then to the queue that it is in, or to the receiver that has taken it. A peek
 * holds a reference of its own while it copies, a snapshot while it makes its
 * own message. A sender that gives up while a receiver has its message leaves
 * it to the receiver, marked withdrawn. The log of a mailbox for broadcast keeps
 * a message until the last cursor has passed it or it is dropped; each receiver
 * has a reference while it copies.
 *
 * The bytes of a message can be in pages of its sender's, which are pinned until
 * the message is gone or has memory of its own, whatever becomes of the sender.
 * Such a message is its sender's, or with the senders that are blocked, or in the
 * hands of a receiver that copies it at once; it is not in the mailbox's queue,
 * and nobody else has a reference. See pages.c.
 *
 * A snapshot's message shares the data of the one that it was made from. That
 * one's sender is relieved of the charge with its last reference; its memory
 * stays for as long as somebody shares it.
 *
 * struct mbox_cursor goes with the handle that it is in. A mailbox knows of its
 * cursors by their number only.
 *
 * A message that was received and is not done with, because it is leased or its
 * sender waits for a reply, is held: it belongs to its struct mbox_hold. That
 * ends with the acknowledgment or reply, with the lease, with the caller, or
 * with the last descriptor of the process that received it, whichever is first.
 *
 * struct mbox_waiter lives on the stack of a blocked caller. Whoever finds it
 * in a list or a message under the mailbox's lock may complete it, once.
 *
 * Locking
 *
 * mbox_mailbox.lock protects queues, waiters, holds, and all of a message that
 * is in a queue, is held or has a waiter. User memory is never touched under it:
 * a receiver takes a message out, copies it without the lock, and commits to it
 * or puts it back where it was.
 *
 * mbox_mailbox.snapshot comes before mbox_mailbox.lock. It is held while one
 * snapshot of the mailbox is made, and protects mbox_message.found.
 *
 * MBOX_BARRIER
 *
 * A waiter sleeps and wakes without the lock. mbox_waiter_complete() fills in
 * the result and then releases @done; mbox_wait() acquires @done and then reads
 * the result. After the release the waiter may be gone with its task: RCU keeps
 * the task_struct for the wake-up.
 */
#ifndef _MBOX_MAILBOX_H
#define _MBOX_MAILBOX_H

#include <linux/ktime.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "handles.h"
#include "object.h"

struct mbox_message;
struct mbox_segment;
struct mbox_stream;

/**
 * struct mbox_walk - finds what a queue held at one moment; see snapshot.c
 * @next: the message to look at next, or NULL
 * @due: messages that were there then and are not yet found
 * @found: those that are, the last one first, with a reference to each
 */
struct mbox_walk {
	struct mbox_message *next;
	u64 due;
	struct mbox_message *found;
};

/**
 * struct mbox_queue - messages by priority, first in first out within one
 * @levels: the first message of each priority in use, highest first
 * @back: the message that was put back last, if it is still there
 * @count: messages
 * @bytes: their bytes
 * @epoch: how many walks have begun
 * @walk: the one on its way, or NULL
 */
struct mbox_queue {
	struct rb_root_cached levels;
	struct mbox_message *back;
	u64 count;
	u64 bytes;
	u64 epoch;
	struct mbox_walk *walk;
};

/**
 * struct mbox_buffer - a buffer of a pool, that a message is instead of bytes
 * @segment: the pool; while it is lent, with a reference
 * @index: which of its buffers
 */
struct mbox_buffer {
	struct mbox_segment *segment;
	u32 index;
};

/**
 * struct mbox_message - one message
 * @level: in mbox_queue.levels, if it is the first of its priority
 * @peers: ring of the messages of its priority
 * @seq: the order of arrival at the mailbox
 * @queue: the one that it is in, or was taken from, or NULL
 * @epoch: of @queue, when it was added or found by a walk
 * @found: the one that the walk found before
 * @spare: the next one of those that are not in use
 * @waiter: the sender that waits for it, or NULL; protected by the mailbox's
 *          lock
 * @hold: while it is held; protected by the mailbox's lock
 * @taken: a receiver has it; protected by the mailbox's lock
 * @withdrawn: its sender gave up while @taken; protected by the mailbox's lock
 * @tracked: it was sent with a waiter
 * @sync: the waiter is for a receiver, not for room
 * @call: the waiter, a struct mbox_call, is for a reply
 * @hasty: it was handed over: its waiter must not wait for page faults
 * @loan: its bytes are in a struct mbox_buffer, which @data is
 * @pinned: its bytes are in pages of its sender's, which @data knows; see pages.c
 * @prio: the sender's
 * @readers: in the log of a mailbox for broadcast: cursors that it is next for;
 *           protected by the mailbox's lock
 * @spares: how many are not in use, from this one on
 * @deliveries: how often it was given back after a lease
 * @tag: the sender's
 * @pid: the sending process
 * @uid: its effective user
 * @gid: its effective group
 * @user: who pays
 * @charge: how many bytes
 * @cargo: the descriptors that it carries, or NULL
 * @ref: one for the owner, one for each peek, each receiver of a broadcast and
 *       each walk
 * @sharers: one for itself, one for each message that shares its data
 * @origin: the message whose data it shares, or NULL
 * @len: bytes of data
 * @data: the bytes, or where they are; in @inside if that is little
 * @inside: room for them
 */
struct mbox_message {
	struct rb_node level;
	struct list_head peers;
	u64 seq;
	struct mbox_queue *queue;
	u64 epoch;
	union {
		struct mbox_message *found;
		struct mbox_message *spare;
	};
	struct mbox_waiter *waiter;
	struct mbox_hold *hold;
	bool taken;
	bool withdrawn;
	bool tracked;
	bool sync;
	bool call;
	bool hasty;
	bool loan;
	bool pinned;
	u32 prio;
	union {
		u32 readers;
		u32 spares;
	};
	u32 deliveries;
	u64 tag;
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
	struct mbox_user *user;
	size_t charge;
	struct mbox_cargo *cargo;
	refcount_t ref;
	refcount_t sharers;
	struct mbox_message *origin;
	size_t len;
	void *data;
	u8 inside[];
};

/**
 * struct mbox_choice - which messages a receiver wants
 * @from: those of this process only, or NULL for all
 * @how: MBOX_TAG, MBOX_TAG_MOST or MBOX_TAG_EXCEPT; or 0 for any tag
 * @tag: the tag that @how is about
 */
struct mbox_choice {
	struct pid *from;
	u32 how;
	u64 tag;
};

/**
 * struct mbox_waiter - a caller that sleeps in a send, a receive or a call
 * @task: who
 * @node: in mbox_waiters.list until completed
 * @since: when it began
 * @sink: where a receiver wants its message, a caller its reply
 * @choice: which messages a receiver wants, or NULL for all
 * @message: what it sends, or what it was given
 * @sequence: the sender's own number of its message with MBOX_ONCE, or 0
 * @handed: a sender's message went to a waiting receiver
 * @error: the result, 0 or negative
 * @done: set last, see MBOX_BARRIER
 */
struct mbox_waiter {
	struct task_struct *task;
	struct list_head node;
	ktime_t since;
	struct mbox_sink *sink;
	const struct mbox_choice *choice;
	struct mbox_message *message;
	u64 sequence;
	bool handed;
	int error;
	bool done;
};

/**
 * struct mbox_waiters - the callers of one side, the longest-waiting first
 * @list: of struct mbox_waiter
 * @count: how many
 */
struct mbox_waiters {
	struct list_head list;
	u32 count;
};

/**
 * struct mbox_hold - a message that was received and is not done with
 * @id: number of the delivery
 * @by_id: in mbox_mailbox.held
 * @message: which
 * @file: through which descriptor it was received
 * @files: of the process that received it, to be compared only
 * @thread: the thread that did
 * @siblings: in mbox_handle.holds of @file
 * @expiry: in mbox_leases.queue, if the lease has an end
 * @leased: it goes back when it ends
 *
 * All protected by the mailbox's lock. A caller has the one of its request on
 * its stack; that of a lease is allocated.
 */
struct mbox_hold {
	u64 id;
	struct rb_node by_id;
	struct mbox_message *message;
	struct file *file;
	const struct files_struct *files;
	struct pid *thread;
	struct list_head siblings;
	struct timerqueue_node expiry;
	bool leased;
};

/**
 * struct mbox_leases - the leases of a mailbox that have an end
 * @mailbox: which, constant
 * @queue: by their end, protected by the mailbox's lock
 * @work: runs when the first of them ends, or earlier
 * @due: what @work is set to, or KTIME_MAX; protected by the mailbox's lock
 *
 * Most mailboxes never see one: the first allocates it.
 */
struct mbox_leases {
	struct mbox_mailbox *mailbox;
	struct timerqueue_head queue;
	struct delayed_work work;
	ktime_t due;
};

/**
 * struct mbox_call - a caller that waits for the reply to its request
 * @waiter: its base
 * @hold: of the request, unless it is leased
 * @mailbox: where the request went
 * @thread: the caller
 * @node: in the table of callers, see deadlock.c
 */
struct mbox_call {
	struct mbox_waiter waiter;
	struct mbox_hold hold;
	struct mbox_mailbox *mailbox;
	struct pid *thread;
	struct hlist_node node;
};

/**
 * struct mbox_notice - a registration for a signal
 * @pid: the process
 * @exec_id: to spare a program that it runs later
 * @signo: which signal
 * @value: goes with it
 */
struct mbox_notice {
	struct pid *pid;
	u64 exec_id;
	int signo;
	u64 value;
};

/**
 * struct mbox_side - the descriptors that can send, or that can receive
 * @open: how many, protected by the mailbox's lock
 * @opens: how many there have been, protected by the mailbox's lock
 */
struct mbox_side {
	u32 open;
	u64 opens;
};

/**
 * struct mbox_broadcast - what a mailbox for broadcast has beside
 * @end: the number that the next message in the log gets
 * @readers: cursors that have read all
 * @sent: messages that were sent, also those that nobody was there for
 * @sent_bytes: their bytes
 * @dropped: messages that were dropped before all had read them
 *
 * Protected by the mailbox's lock.
 */
struct mbox_broadcast {
	u64 end;
	u32 readers;
	u64 sent;
	u64 sent_bytes;
	u64 dropped;
};

/**
 * struct mbox_process - what makes a mailbox the own one of a process
 * @mailbox: the mailbox
 * @pid: the process, constant
 * @node: in mbox_ns.processes while a descriptor can receive, protected by the
 *        namespace's lock
 * @death: on the wait queue of @pid, woken when the process ends
 * @work: queued by @death
 */
struct mbox_process {
	struct mbox_mailbox *mailbox;
	struct pid *pid;
	struct rb_node node;
	struct wait_queue_entry death;
	struct work_struct work;
};

/**
 * struct mbox_moment - when somebody did something, and who
 * @pid: the process, or NULL
 * @time: nanoseconds on CLOCK_REALTIME, or 0
 */
struct mbox_moment {
	struct pid *pid;
	u64 time;
};

/**
 * struct mbox_last - what happened last to a mailbox with MBOX_TAGGED
 * @sent: a message, protected by the mailbox's lock
 * @received: a message, protected by the mailbox's lock
 * @changed: when it was created or its attributes were, on CLOCK_REALTIME;
 *           protected by the namespace's lock
 */
struct mbox_last {
	struct mbox_moment sent;
	struct mbox_moment received;
	u64 changed;
};

/**
 * struct mbox_mailbox - a mailbox
 * @object: its base
 * @lock: see Locking
 * @capacity: messages that fit, protected by @lock
 * @bytes: bytes that fit, or 0 for no limit, protected by @lock
 * @msgsize: the largest message, constant
 * @flags: enum mbox_create_flags, constant
 * @broadcast: for a mailbox with MBOX_BROADCAST, or NULL; constant
 * @stream: for a stream, which has no messages, or NULL; constant
 * @queue: what receivers can take, for broadcast the log; protected by @lock
 * @blocked: messages of senders that wait for room or, on rendezvous, for a
 *           receiver, protected by @lock
 * @sending: blocked senders, protected by @lock
 * @calling: callers that wait for their reply, protected by @lock
 * @receiving: blocked receivers, protected by @lock; while there is one, the
 *             queues have no message that it accepts, but for broadcast
 * @server: the thread that received a request last, or NULL, protected by @lock
 * @held: messages that were received and are not done with, by their number,
 *        protected by @lock
 * @holds: how many, protected by @lock
 * @shared: another server lives that was @server before, protected by @lock
 * @ended: it can be used no more, see end.c; protected by @lock
 * @rung: its bell was rung and nobody has answered, see ring.c; protected by
 *        @lock
 * @leases: those of them that have an end, or NULL; set once
 * @deliveries: numbers given to those in @held so far
 * @dead_letter: where messages go that were given back too often, or NULL,
 *               protected by @lock
 * @max_deliveries: how often that is, protected by @lock
 * @leaving: messages on their way there, protected by @lock
 * @senders: protected by @lock
 * @receivers: protected by @lock
 * @arrivals: messages that were offered, protected by @lock
 * @sequence: of the last message that was sent with MBOX_ONCE, protected by @lock
 * @received: messages taken, protected by @lock
 * @received_bytes: their bytes, protected by @lock
 * @notice: or NULL, protected by @lock
 * @process: whose own mailbox it is, or NULL; constant
 * @pollers: woken with @lock held
 * @transit: mailboxes in its messages, see handles.h
 * @snapshot: see Locking
 * @spares: small messages to be used next, or NULL; exchanged atomically
 * @spare_page: a larger one, of a page at most; the same
 * @spare_hold: a lease's hold; the same
 */
struct mbox_mailbox {
	struct mbox_object object;
	spinlock_t lock;	/* all that says so below */
	u64 capacity;
	u64 bytes;
	u32 msgsize;
	u32 flags;
	struct mbox_broadcast *broadcast;
	struct mbox_stream *stream;
	struct mbox_queue queue;
	struct mbox_queue blocked;
	struct mbox_waiters sending;
	struct mbox_waiters calling;
	struct mbox_waiters receiving;
	struct pid *server;
	struct rb_root held;
	u32 holds;
	bool shared;
	bool ended;
	bool rung;
	struct mbox_leases *leases;
	atomic64_t deliveries;
	struct mbox_cargo *dead_letter;
	u32 max_deliveries;
	u32 leaving;
	struct mbox_side senders;
	struct mbox_side receivers;
	u64 arrivals;
	u64 sequence;
	u64 received;
	u64 received_bytes;
	struct mbox_notice *notice;
	struct mbox_process *process;
	wait_queue_head_t pollers;
	struct mbox_transit transit;
	struct mutex snapshot;	/* @queue.walk, mbox_message.found */
	struct mbox_message *spares;
	struct mbox_message *spare_page;
	struct mbox_hold *spare_hold;
};

/**
 * struct mbox_tagged - a mailbox with MBOX_TAGGED
 * @mailbox: its base
 * @last: what happened to it
 */
struct mbox_tagged {
	struct mbox_mailbox mailbox;
	struct mbox_last last;
};

static inline bool mbox_is_tagged(const struct mbox_mailbox *mailbox)
{
	return unlikely(mailbox->flags & MBOX_TAGGED);
}

static inline struct mbox_mailbox *to_mailbox(struct mbox_object *object)
{
	return container_of(object, struct mbox_mailbox, object);
}

static inline struct mbox_mailbox *mbox_file_mailbox(struct file *file)
{
	struct mbox_handle *handle = file->private_data;

	return to_mailbox(handle->object);
}

static inline bool mbox_kiocb_nonblock(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT ||
	       iocb->ki_filp->f_flags & O_NONBLOCK;
}

static inline void mbox_side_open(struct mbox_side *side)
{
	side->open++;
	side->opens++;
}

static inline struct mbox_cursor *mbox_file_cursor(struct file *file)
{
	struct mbox_handle *handle = file->private_data;

	return &handle->cursor;
}

/**
 * struct mbox_patience - how long a call may block
 * @deadline: absolute, or 0 to wait for ever
 * @clock: of the deadline
 * @nonblock: not at all
 */
struct mbox_patience {
	ktime_t deadline;
	clockid_t clock;
	bool nonblock;
};

/**
 * struct mbox_sink - where a receiver wants its message
 * @to: its buffers
 * @size: bytes that fit
 * @len: set to the bytes of the message, when it is too large also
 * @cursor: the receiver's
 * @missed: set to the messages of a broadcast that it did not get before
 * @tells_missed: that gets to the receiver
 * @loans: of a loan it wants to know where to read it
 * @choice: which messages it wants, or NULL for all
 * @bell: it answers the bell of a mailbox with MBOX_RINGS
 * @room_fds: descriptors that fit
 * @nr_fds: set to those of the message, when they are too many also
 * @file: through which descriptor, if the receiver can answer and acknowledge
 * @hold: for a lease; NULL once used
 * @lease: how long it is, in nanoseconds, or 0 for no end
 * @delivery: set to the number of this delivery, or 0 if it needs none
 * @copy: copy the message out; may be called again for another message
 * @land: give the caller the descriptors of a message that was copied; not
 *        called if there is no room for any
 */
struct mbox_sink {
	const struct iov_iter *to;
	size_t size;
	size_t len;
	struct mbox_cursor *cursor;
	u64 missed;
	bool tells_missed;
	bool loans;
	const struct mbox_choice *choice;
	bool bell;
	u32 room_fds;
	u32 nr_fds;
	struct file *file;
	struct mbox_hold *hold;
	u64 lease;
	u64 delivery;
	int (*copy)(struct mbox_sink *sink, const struct mbox_message *message);
	int (*land)(struct mbox_sink *sink, struct mbox_cargo *cargo);
};

static inline u32 mbox_message_fds(const struct mbox_message *message)
{
	return message->cargo ? message->cargo->nr : 0;
}

/**
 * mbox_queue_first() - the message to be received next
 * @queue: the queue
 *
 * Return: the message, or NULL.
 */
static inline struct mbox_message *
mbox_queue_first(const struct mbox_queue *queue)
{
	return rb_entry_safe(rb_first_cached(&queue->levels),
			     struct mbox_message, level);
}

/* Fewer bytes are copied twice sooner than their pages are pinned. */
#define MBOX_PAGES_MIN		(4 * PAGE_SIZE)

/* queue.c */
void mbox_queue_init(struct mbox_queue *queue);
void mbox_queue_add(struct mbox_queue *queue, struct mbox_message *message);
void mbox_queue_remove(struct mbox_queue *queue, struct mbox_message *message);
struct mbox_message *mbox_queue_next(struct mbox_message *message);
struct mbox_message *mbox_queue_nth(const struct mbox_queue *queue, u32 index);
void mbox_walk_begin(struct mbox_queue *queue, struct mbox_walk *walk);
bool mbox_walk_on(struct mbox_queue *queue, unsigned int steps);
void mbox_walk_end(struct mbox_queue *queue);

/* choice.c */
bool mbox_choice_accepts(const struct mbox_choice *choice,
			 const struct mbox_message *message);
struct mbox_message *mbox_choice_first(const struct mbox_choice *choice,
				       const struct mbox_queue *queue);

/* message.c */
void *mbox_message_alloc(size_t size);
struct mbox_message *mbox_message_create(struct mbox_mailbox *mailbox,
					 struct mbox_user *user,
					 struct iov_iter *from, bool waits);
struct mbox_message *
mbox_message_create_loan(struct mbox_mailbox *mailbox, struct mbox_user *user,
			 const struct mbox_buffer *buffer, size_t len);
struct mbox_message *mbox_message_share(struct mbox_message *message,
					struct mbox_user *user);
int mbox_message_copy(const struct mbox_message *message, struct iov_iter *to);
void mbox_spares_free(struct mbox_mailbox *mailbox);
void mbox_message_put_waiting(struct mbox_mailbox *mailbox,
			      struct mbox_message *message);
void mbox_message_put(struct mbox_mailbox *mailbox,
		      struct mbox_message *message);

/* transfer.c */
int mbox_send(struct mbox_mailbox *mailbox, struct mbox_message *message,
	      u64 sequence, const struct mbox_patience *patience);
int mbox_wait(struct mbox_waiter *waiter, unsigned int state,
	      const struct mbox_patience *patience);
int mbox_offer_locked(struct mbox_mailbox *mailbox,
		      struct mbox_message *message,
		      struct mbox_waiter *waiter, bool nonblock);
bool mbox_withdraw_locked(struct mbox_mailbox *mailbox,
			  struct mbox_message *message);
int mbox_fit(struct mbox_sink *sink, const struct mbox_message *message);
int mbox_unload(struct mbox_sink *sink, struct mbox_message *message);
int mbox_receive(struct mbox_mailbox *mailbox, struct mbox_sink *sink,
		 const struct mbox_patience *patience);
int mbox_peek(struct mbox_mailbox *mailbox, struct mbox_sink *sink, u32 index);
void mbox_admit_locked(struct mbox_mailbox *mailbox);
void mbox_wake_pollers(struct mbox_mailbox *mailbox, __poll_t events);
void mbox_hang_up_locked(struct mbox_mailbox *mailbox,
			 const struct mbox_side *side, int error);
bool mbox_hung_up_locked(const struct mbox_mailbox *mailbox,
			 const struct mbox_side *side);
int mbox_unreceived_locked(const struct mbox_mailbox *mailbox);
bool mbox_receivable_locked(const struct mbox_mailbox *mailbox);
bool mbox_sendable_locked(const struct mbox_mailbox *mailbox);
bool mbox_room_locked(const struct mbox_mailbox *mailbox,
		      const struct mbox_message *message);
void mbox_waiter_start(struct mbox_waiters *waiters,
		       struct mbox_waiter *waiter);
void mbox_waiter_stop(struct mbox_waiters *waiters, struct mbox_waiter *waiter);
void mbox_waiter_complete(struct mbox_mailbox *mailbox,
			  struct mbox_waiters *waiters,
			  struct mbox_waiter *waiter, int error, bool sync);
int mbox_send_wait(struct mbox_mailbox *mailbox, struct mbox_waiter *waiter,
		   const struct mbox_patience *patience);
struct mbox_message *mbox_receive_wait(struct mbox_mailbox *mailbox,
				       struct mbox_waiter *waiter,
				       const struct mbox_patience *patience);
void mbox_untake_locked(struct mbox_mailbox *mailbox,
			struct mbox_message *message);
void mbox_post(struct mbox_mailbox *mailbox, struct mbox_message *message);
void mbox_sender_stop_locked(struct mbox_mailbox *mailbox,
			     struct mbox_message *message);
void mbox_sender_complete_locked(struct mbox_mailbox *mailbox,
				 struct mbox_message *message, int error);

/* broadcast.c */
struct mbox_broadcast *mbox_broadcast_create(void);
int mbox_broadcast_send(struct mbox_mailbox *mailbox,
			struct mbox_message *message,
			const struct mbox_patience *patience);
int mbox_broadcast_receive(struct mbox_mailbox *mailbox, struct mbox_sink *sink,
			   const struct mbox_patience *patience);
void mbox_broadcast_add_locked(struct mbox_mailbox *mailbox,
			       struct mbox_message *message);
bool mbox_broadcast_unread_locked(const struct mbox_mailbox *mailbox,
				  const struct mbox_cursor *cursor);
bool mbox_broadcast_receivable_locked(const struct mbox_mailbox *mailbox,
				      struct mbox_cursor *cursor);
void mbox_broadcast_join_locked(struct mbox_mailbox *mailbox,
				struct mbox_cursor *cursor);
void mbox_broadcast_leave(struct mbox_mailbox *mailbox,
			  struct mbox_cursor *cursor);
u64 mbox_broadcast_backlog(struct mbox_mailbox *mailbox,
			   const struct mbox_cursor *cursor, u64 *missed);

/* process.c */
bool mbox_process_gone(struct pid *pid);
struct pid *mbox_process_get(pid_t number);
struct pid *mbox_sender_get(struct mbox_mailbox *mailbox, pid_t number);
bool mbox_process_may_receive(const struct mbox_mailbox *mailbox);
bool mbox_process_ended_locked(const struct mbox_mailbox *mailbox);
int mbox_process_new(struct mbox_mailbox *mailbox);
void mbox_process_free(struct mbox_mailbox *mailbox);
void mbox_process_closed(struct mbox_mailbox *mailbox);

/* end.c */
void mbox_end(struct mbox_mailbox *mailbox);
int mbox_ended_locked(const struct mbox_mailbox *mailbox);
int mbox_retire(struct mbox_mailbox *mailbox);

/* last.c */
void mbox_last_init(struct mbox_mailbox *mailbox);
void mbox_last_exit(struct mbox_mailbox *mailbox);
void mbox_last_sent(struct mbox_mailbox *mailbox);
void mbox_last_received(struct mbox_mailbox *mailbox);
void mbox_last_changed_locked(struct mbox_mailbox *mailbox);
void mbox_last_status_locked(struct mbox_mailbox *mailbox,
			     struct mbox_ioc_status *status);

/* hold.c */
struct mbox_hold *mbox_hold_create(struct mbox_mailbox *mailbox, u64 lease);
bool mbox_leased_locked(const struct mbox_mailbox *mailbox);
void mbox_hold_free(struct mbox_mailbox *mailbox, struct mbox_hold *hold);
bool mbox_hold_locked(struct mbox_mailbox *mailbox, struct mbox_sink *sink,
		      struct mbox_message *message);
struct mbox_hold *mbox_hold_find_locked(struct mbox_mailbox *mailbox,
					const struct file *file, u64 id);
struct mbox_hold *mbox_hold_end_locked(struct mbox_mailbox *mailbox,
				       struct mbox_hold *hold);
int mbox_acknowledge(struct file *file, u64 id, bool give_back);
void mbox_holds_discard(struct mbox_mailbox *mailbox);
void mbox_holds_init(struct mbox_mailbox *mailbox);
void mbox_holds_exit(struct mbox_mailbox *mailbox);
void mbox_holds_flush(struct file *file, struct files_struct *files);
void mbox_holds_check(struct file *file);
void mbox_holds_release(struct file *file);
void mbox_dead_letter_swap(struct mbox_mailbox *mailbox,
			   struct mbox_cargo **dead_letter, u32 deliveries);

/* call.c */
int mbox_call(struct mbox_mailbox *mailbox, struct mbox_message *request,
	      struct mbox_sink *sink, const struct mbox_patience *patience,
	      struct mbox_message **reply);
void mbox_call_fail_locked(struct mbox_mailbox *mailbox,
			   struct mbox_message *request);
int mbox_reply(struct file *file, u64 id, struct mbox_message *reply);

/* deadlock.c */
void mbox_caller_add(struct mbox_call *call);
void mbox_caller_remove(struct mbox_call *call);
bool mbox_caller_in_cycle(const struct mbox_call *call);
struct pid *mbox_request_waits_for_locked(const struct mbox_mailbox *mailbox,
					  const struct mbox_message *request);
struct pid *mbox_server_below_locked(struct mbox_mailbox *mailbox);
void mbox_server_seen_locked(struct mbox_mailbox *mailbox);

/* pages.c */
bool mbox_pages_suit(const struct mbox_mailbox *mailbox,
		     const struct iov_iter *from);
size_t mbox_pages_size(const struct iov_iter *from);
int mbox_pages_pin(void *memory, const struct iov_iter *from);
size_t mbox_pages_unpin(void *memory);
int mbox_pages_copy(const struct mbox_message *message, struct iov_iter *to);
int mbox_pages_replace(struct mbox_message *message);

/* loan.c */
int mbox_buffer_lend(const struct mbox_buffer *buffer);
void mbox_buffer_return(const struct mbox_buffer *buffer);
struct mbox_message *mbox_loan_create(struct mbox_mailbox *mailbox,
				      struct mbox_user *user,
				      struct iov_iter *from);
int mbox_loan_tell(const struct mbox_message *message, struct iov_iter *to);
int mbox_loan_copy(const struct mbox_message *message, struct iov_iter *to);
int mbox_loan_open(struct file *file, u64 delivery, unsigned int oflag);

/* boost.c */
struct mbox_boost;
bool mbox_outranks(const struct task_struct *task);
struct mbox_boost *mbox_boost_begin(struct pid *thread);
void mbox_boost_end(struct mbox_boost *boost);

/* notify.c */
int mbox_notice_set(struct mbox_mailbox *mailbox,
		    const struct mbox_ioc_notify *notify);
void mbox_notice_drop(struct mbox_mailbox *mailbox);
void mbox_notice_end(struct mbox_mailbox *mailbox);
void mbox_notice_send_locked(struct mbox_mailbox *mailbox,
			     const struct mbox_message *message);

/* ring.c */
bool mbox_answer_locked(struct mbox_mailbox *mailbox,
			const struct mbox_sink *sink);
void mbox_ring_locked(struct mbox_mailbox *mailbox);
int mbox_ring(struct mbox_mailbox *mailbox);

/* snapshot.c */
int mbox_snapshot(struct mbox_mailbox *mailbox, unsigned int oflag);
void mbox_snapshot_wait(struct mbox_mailbox *mailbox);

/* uring.c */
int mbox_mailbox_uring(struct io_uring_cmd *cmd, unsigned int issue_flags);

/* mailbox.c */
extern const struct mbox_kind_ops mbox_mailbox_ops;
int mbox_mailbox_init(void);
void mbox_mailbox_exit(void);
bool mbox_is_mailbox(const struct file *file);
struct mbox_object *mbox_mailbox_create(struct mbox_ns *ns, const void *attr,
					const char *name,
					struct mbox_user *user);
void mbox_mailbox_free(struct mbox_object *object);
bool mbox_mailbox_abandoned(struct mbox_mailbox *mailbox);
void mbox_mailbox_drain(struct mbox_mailbox *mailbox);
int mbox_mailbox_set(struct mbox_mailbox *mailbox,
		     const struct mbox_ioc_set *set);
void mbox_mailbox_status(struct mbox_mailbox *mailbox,
			 struct mbox_ioc_status *status);
void mbox_mailbox_status_locked(struct mbox_mailbox *mailbox,
				struct mbox_ioc_status *status);

#endif /* _MBOX_MAILBOX_H */
