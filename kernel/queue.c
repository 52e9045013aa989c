// SPDX-License-Identifier: GPL-2.0
/*
 * The order of messages: by priority, first in first out within one.
 *
 * The messages of one priority form a ring. Its first one is the ring's node in
 * the tree of priorities, so that no priority needs memory of its own, and with
 * one priority in use nothing depends on how many messages there are.
 */
#include "mailbox.h"

static struct mbox_message *mbox_level(struct rb_node *node)
{
	return rb_entry_safe(node, struct mbox_message, level);
}

static bool mbox_level_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct mbox_message, level)->prio >
	       rb_entry(b, struct mbox_message, level)->prio;
}

static struct mbox_message *mbox_queue_level(const struct mbox_queue *queue,
					     u32 prio)
{
	struct rb_node *node = queue->levels.rb_root.rb_node;

	while (node) {
		struct mbox_message *first = mbox_level(node);

		if (prio == first->prio)
			return first;
		node = prio > first->prio ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static void mbox_level_add(struct mbox_queue *queue,
			   struct mbox_message *message)
{
	INIT_LIST_HEAD(&message->peers);
	rb_add_cached(&message->level, &queue->levels, mbox_level_before);
}

/* Make @message, in the same ring as @first, the node in its place. */
static void mbox_level_replace(struct mbox_queue *queue,
			       struct mbox_message *first,
			       struct mbox_message *message)
{
	rb_replace_node_cached(&first->level, &message->level, &queue->levels);
	RB_CLEAR_NODE(&first->level);
}

void mbox_queue_init(struct mbox_queue *queue)
{
	queue->levels = RB_ROOT_CACHED;
}

/*
 * The one in the ring of @first that @message stands before. When many come
 * back it is mostly in their order, so begin with the last of them.
 */
static struct mbox_message *mbox_level_next(const struct mbox_queue *queue,
					    struct mbox_message *first,
					    const struct mbox_message *message)
{
	struct mbox_message *next = queue->back;

	if (!next || next->prio != message->prio || next->seq > message->seq)
		next = first;
	do {
		next = list_next_entry(next, peers);
	} while (next->seq < message->seq);
	return next;
}

/**
 * mbox_queue_add() - add a message
 * @queue: the queue
 * @message: the message
 *
 * It becomes the last of its priority, unless it was there before: then it goes
 * back to its place, behind those only that were put back already.
 */
void mbox_queue_add(struct mbox_queue *queue, struct mbox_message *message)
{
	struct mbox_message *first = mbox_queue_level(queue, message->prio);

	RB_CLEAR_NODE(&message->level);
	if (!first) {
		mbox_level_add(queue, message);
	} else if (message->seq < first->seq) {
		list_add_tail(&message->peers, &first->peers);
		mbox_level_replace(queue, first, message);
		queue->back = message;
	} else if (list_prev_entry(first, peers)->seq < message->seq) {
		list_add_tail(&message->peers, &first->peers);
	} else {
		list_add_tail(&message->peers,
			      &mbox_level_next(queue, first, message)->peers);
		queue->back = message;
	}
	queue->count++;
	queue->bytes += message->len;
	message->queue = queue;
	message->epoch = queue->epoch;
}

/* What has the queue's epoch is found already, or came after the walk began. */
static void mbox_walk_find(struct mbox_queue *queue,
			   struct mbox_message *message)
{
	struct mbox_walk *walk = queue->walk;

	if (walk->next == message)
		walk->next = mbox_queue_next(message);
	if (message->epoch == queue->epoch)
		return;
	message->epoch = queue->epoch;
	refcount_inc(&message->ref);
	message->found = walk->found;
	walk->found = message;
	walk->due--;
}

/**
 * mbox_queue_remove() - take a message out
 * @queue: the queue
 * @message: the message, which keeps knowing @queue
 */
void mbox_queue_remove(struct mbox_queue *queue, struct mbox_message *message)
{
	if (unlikely(queue->walk))
		mbox_walk_find(queue, message);
	if (list_empty(&message->peers)) {
		rb_erase_cached(&message->level, &queue->levels);
	} else {
		if (!RB_EMPTY_NODE(&message->level))
			mbox_level_replace(queue, message,
					   list_next_entry(message, peers));
		list_del(&message->peers);
	}
	if (queue->back == message)
		queue->back = NULL;
	queue->count--;
	queue->bytes -= message->len;
}

/**
 * mbox_queue_next() - the message to be received after another
 * @message: the other, in a queue
 *
 * Return: the message, or NULL.
 */
struct mbox_message *mbox_queue_next(struct mbox_message *message)
{
	struct mbox_message *next = list_next_entry(message, peers);

	/* The first of a ring comes after the last: go on with the next ring. */
	return RB_EMPTY_NODE(&next->level) ? next :
					     mbox_level(rb_next(&next->level));
}

/**
 * mbox_queue_nth() - the message to be received after @index others
 * @queue: the queue
 * @index: from 0
 *
 * Return: the message, or NULL.
 */
struct mbox_message *mbox_queue_nth(const struct mbox_queue *queue, u32 index)
{
	struct mbox_message *message = mbox_queue_first(queue);

	while (message && index--)
		message = mbox_queue_next(message);
	return message;
}

/**
 * mbox_walk_begin() - begin to find all messages that are in a queue now
 * @queue: the queue; no other walk is on its way
 * @walk: to be set up
 */
void mbox_walk_begin(struct mbox_queue *queue, struct mbox_walk *walk)
{
	queue->epoch++;
	queue->walk = walk;
	walk->next = mbox_queue_first(queue);
	walk->due = queue->count;
	walk->found = NULL;
}

/**
 * mbox_walk_on() - look at some messages more
 * @queue: the queue
 * @steps: how many at most
 *
 * Return: whether there is more to be found.
 */
bool mbox_walk_on(struct mbox_queue *queue, unsigned int steps)
{
	struct mbox_walk *walk = queue->walk;

	while (walk->due && steps--)
		mbox_walk_find(queue, walk->next);
	return walk->due;
}

/**
 * mbox_walk_end() - end a walk, complete or not
 * @queue: the queue
 */
void mbox_walk_end(struct mbox_queue *queue)
{
	queue->walk = NULL;
}
