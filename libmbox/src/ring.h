/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * A ring: messages from one sender to one receiver in memory that both map.
 *
 * The memory is one struct mbox_ring_memory, and behind it a power of two of bytes for records.
 * A record is a struct mbox_record_head and the bytes of a message, up to the next multiple of
 * MBOX_RECORD_ALIGN, and never more than a quarter of the ring. It does not wrap: where one does
 * not fit before the end, a head with the length MBOX_RECORD_SKIP stands there, and the record at
 * the beginning. Positions count bytes and run on past 2^32; a position modulo the size is a place.
 *
 * Either side may be a program that means harm. So each keeps its own position, and what it saw of
 * the other's, where the other cannot write; it checks what it reads, which it reads once.
 *
 * Barriers
 *
 * RING_RECORD: the sender writes a record and then releases @tail (A); the receiver acquires @tail
 * (B) and then reads the record.
 *
 * RING_ROOM: the receiver reads a record and then releases @head (A); the sender acquires @head
 * (B) and then writes there.
 *
 * RING_BELL: who is about to sleep says so and then looks once more; who has something for it gives
 * that and then looks whether it sleeps. There is a full barrier in between on both sides, so that
 * one of them sees what the other did. The receiver says so in @bell (A) and looks at @tail, the
 * sender gives @tail and looks at @bell (B). The sender says so in @wanted (C) and looks at @head,
 * the receiver gives @head and looks at @wanted (D). Who finds the word set clears it and rings.
 */
#ifndef MBOX_RING_MEMORY_H
#define MBOX_RING_MEMORY_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MBOX_RECORD_ALIGN	16
#define MBOX_RECORD_SKIP	UINT32_MAX

/* Values of @bell beside 0. */
#define MBOX_BELL_WANTED	1
#define MBOX_BELL_CLOSED	2

/**
 * struct mbox_ring_memory - what both sides map
 * @tail: the sender's position: up to here there are records
 * @wanted: the sender waits for room
 * @head: the receiver's position: up to here there is room again
 * @bell: the receiver is to be rung for, or has closed the ring
 * @data: the records
 *
 * What one side writes has a cache line of its own. New memory is zeroed, and so is a good ring.
 */
struct mbox_ring_memory {
	_Alignas(64) _Atomic uint32_t tail;
	_Atomic uint32_t wanted;
	_Alignas(64) _Atomic uint32_t head;
	_Atomic uint32_t bell;
	_Alignas(4096) uint8_t data[];
};

/**
 * struct mbox_record_head - before the bytes of a message
 * @length: of the message, or MBOX_RECORD_SKIP
 * @unused: 0
 * @tag: of the message
 */
struct mbox_record_head {
	_Atomic uint32_t length;
	uint32_t unused;
	uint64_t tag;
};

/**
 * struct mbox_ring - one side of a ring
 * @memory: or NULL
 * @size: bytes for records
 * @own: the position of this side
 * @seen: that of the other when it was last looked at, and checked
 * @told: of the receiver: what @head is
 * @run: bytes from @own on, and not past the end, that are known to be the receiver's to read, or
 *       the sender's to write
 * @at: where these are
 */
struct mbox_ring {
	struct mbox_ring_memory *memory;
	uint32_t size;
	uint32_t own;
	uint32_t seen;
	uint32_t told;
	uint32_t run;
	struct mbox_record_head *at;
};

/**
 * struct mbox_record - a message in a ring
 * @data: its bytes, which the sender can still change
 * @length: how many
 * @tag: its tag
 */
struct mbox_record {
	const void *data;
	uint32_t length;
	uint64_t tag;
};

/* Can a ring be so large, and what is the longest message that it carries? */
bool mbox_ring_size_valid(uint64_t size);
static inline uint32_t mbox_ring_longest(const struct mbox_ring *ring)
{
	return ring->size / 4 - sizeof(struct mbox_record_head);
}

void mbox_ring_init(struct mbox_ring *ring, void *memory, uint32_t size);

/* Look how far the receiver is: 0, or -EPIPE if what it says is not sane. */
int mbox_ring_look_at_head(struct mbox_ring *ring);

/* Look how far the sender is: 1 if there are records, 0, or -EPIPE. */
int mbox_ring_look_at_tail(struct mbox_ring *ring);

/* Sender: find a run for a record, if there is one. 0, or -EPIPE (not sane). */
int mbox_ring_find_room(struct mbox_ring *ring, uint32_t need);

/* Receiver: find a run of records: 1, 0, or -EPIPE. */
int mbox_ring_find_records(struct mbox_ring *ring);

/* Receiver: the length of the record at the beginning, behind what was left out; or too long a one. */
uint32_t mbox_ring_skip(struct mbox_ring *ring);

/* Tell the sender how far the receiver is. Return: whether it is to be rung for. */
bool mbox_ring_give_room(struct mbox_ring *ring);

/* That of a length which cannot be is no less than that. */
static inline uint64_t mbox_record_size(uint32_t length)
{
	return (sizeof(struct mbox_record_head) + (uint64_t)length + MBOX_RECORD_ALIGN - 1) &
	       ~(MBOX_RECORD_ALIGN - 1ULL);
}

/* Both sides: the record at @at is done with. */
static inline void mbox_ring_advance(struct mbox_ring *ring, uint32_t size)
{
	ring->own += size;
	ring->run -= size;
	ring->at += size / sizeof(*ring->at);
}

/* Sender: room for a message that is not too long. NULL with 0 (full) or -EPIPE (not sane). */
static inline void *mbox_ring_reserve(struct mbox_ring *ring, uint32_t length, int *error)
{
	uint32_t need = mbox_record_size(length);

	*error = 0;
	if (need > ring->run) {
		*error = mbox_ring_find_room(ring, need);
		if (*error || need > ring->run)
			return NULL;
	}
	return ring->at + 1;
}

/* Sender: what is where it was reserved last is a message. Return: what @bell was. */
static inline uint32_t mbox_ring_commit(struct mbox_ring *ring, uint32_t length, uint64_t tag)
{
	struct mbox_ring_memory *memory = ring->memory;
	uint32_t bell;

	atomic_store_explicit(&ring->at->length, length, memory_order_relaxed);
	ring->at->tag = tag;
	mbox_ring_advance(ring, mbox_record_size(length));
	/* RING_RECORD (A) */
	atomic_store_explicit(&memory->tail, ring->own, memory_order_release);
	/* RING_BELL (B) */
	atomic_thread_fence(memory_order_seq_cst);
	bell = atomic_load_explicit(&memory->bell, memory_order_relaxed);
	if (bell == MBOX_BELL_WANTED)
		atomic_store_explicit(&memory->bell, 0, memory_order_relaxed);
	return bell;
}

/* Sender: say that it is about to sleep, and look. */
void mbox_ring_want(struct mbox_ring *ring);

/* Sender: has the receiver all that was sent? -EPIPE if what it says is not sane. */
int mbox_ring_emptied(struct mbox_ring *ring);

/* Receiver: 1 and the next message, 0, or -EPIPE if the sender's words are not sane. */
static inline int mbox_ring_next(struct mbox_ring *ring, struct mbox_record *record)
{
	uint32_t length;

	if (!ring->run) {
		int ret = mbox_ring_find_records(ring);

		if (ret <= 0)
			return ret;
	}
	length = atomic_load_explicit(&ring->at->length, memory_order_relaxed);
	if (mbox_record_size(length) > ring->run) {
		length = length == MBOX_RECORD_SKIP ? mbox_ring_skip(ring) : MBOX_RECORD_SKIP;
		if (mbox_record_size(length) > ring->run)
			return -EPIPE;
	}
	*record = (struct mbox_record) { ring->at + 1, length, ring->at->tag };
	return 1;
}

/*
 * Receiver: done with what mbox_ring_next() gave. Return: whether the sender is to be rung for. It
 * is not told of each record: its processor would have to fetch the word each time.
 */
static inline bool mbox_ring_release(struct mbox_ring *ring, const struct mbox_record *record)
{
	mbox_ring_advance(ring, mbox_record_size(record->length));
	if (ring->run && ring->own - ring->told < ring->size / 4)
		return false;
	return mbox_ring_give_room(ring);
}

/* Receiver: say that it is about to sleep; then, after all rings, mbox_ring_barrier(), and look. */
void mbox_ring_arm(struct mbox_ring *ring);
void mbox_ring_barrier(void);
bool mbox_ring_pending(const struct mbox_ring *ring);

/* Receiver: it will take no more. */
void mbox_ring_shut(struct mbox_ring *ring);

#endif /* MBOX_RING_MEMORY_H */
