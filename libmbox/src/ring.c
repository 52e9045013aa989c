/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Rings: what is not done for each message; that is in ring.h.
 */
#include <mbox/ring.h>

#include "ring.h"

_Static_assert(sizeof(struct mbox_record_head) == MBOX_RECORD_ALIGN, "heads stay aligned");
_Static_assert(offsetof(struct mbox_ring_memory, data) == sizeof(struct mbox_ring_memory),
	       "the records begin where the words end");

bool mbox_ring_size_valid(uint64_t size)
{
	return size >= MBOX_RING_MIN && size <= MBOX_RING_MAX && !(size & (size - 1));
}

void mbox_ring_init(struct mbox_ring *ring, void *memory, uint32_t size)
{
	*ring = (struct mbox_ring) { .memory = memory, .size = size };
}

/* Can the one position be that far behind the other? */
static bool is_sane(const struct mbox_ring *ring, uint32_t behind, uint32_t before)
{
	return before - behind <= ring->size && !((before | behind) & (MBOX_RECORD_ALIGN - 1));
}

int mbox_ring_look_at_head(struct mbox_ring *ring)
{
	/* RING_ROOM (B) */
	uint32_t head = atomic_load_explicit(&ring->memory->head, memory_order_acquire);

	if (!is_sane(ring, head, ring->own))
		return -EPIPE;
	ring->seen = head;
	return 0;
}

void mbox_ring_want(struct mbox_ring *ring)
{
	atomic_store_explicit(&ring->memory->wanted, 1, memory_order_relaxed);
	/* RING_BELL (C) */
	atomic_thread_fence(memory_order_seq_cst);
}

int mbox_ring_emptied(struct mbox_ring *ring)
{
	int error = mbox_ring_look_at_head(ring);

	return error ? error : ring->seen == ring->own;
}

int mbox_ring_look_at_tail(struct mbox_ring *ring)
{
	/* RING_RECORD (B) */
	uint32_t tail = atomic_load_explicit(&ring->memory->tail, memory_order_acquire);

	if (!is_sane(ring, ring->own, tail))
		return -EPIPE;
	ring->seen = tail;
	return tail != ring->own;
}

static uint32_t up_to_end(const struct mbox_ring *ring)
{
	return ring->size - (ring->own & (ring->size - 1));
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t room(const struct mbox_ring *ring)
{
	return ring->size - (ring->own - ring->seen);
}

/* The next run has so many bytes, at most. */
static void find_run(struct mbox_ring *ring, uint32_t most)
{
	ring->run = lesser(most, up_to_end(ring));
	ring->at = (void *)&ring->memory->data[ring->own & (ring->size - 1)];
}

static void leave_out(struct mbox_ring *ring, uint32_t bytes)
{
	find_run(ring, bytes);
	atomic_store_explicit(&ring->at->length, MBOX_RECORD_SKIP, memory_order_relaxed);
	ring->own += bytes;
}

int mbox_ring_find_room(struct mbox_ring *ring, uint32_t need)
{
	uint32_t left = up_to_end(ring), skip = need > left ? left : 0;

	if (room(ring) < need + skip) {
		int error = mbox_ring_look_at_head(ring);

		if (error || room(ring) < need + skip)
			return error;
	}
	if (skip)
		leave_out(ring, skip);
	find_run(ring, room(ring));
	return 0;
}

int mbox_ring_find_records(struct mbox_ring *ring)
{
	if (ring->own == ring->seen) {
		int ret = mbox_ring_look_at_tail(ring);

		if (ret <= 0)
			return ret;
	}
	find_run(ring, ring->seen - ring->own);
	return 1;
}

uint32_t mbox_ring_skip(struct mbox_ring *ring)
{
	uint32_t left = up_to_end(ring);

	/* Behind it, at the beginning, is a record. */
	if (left == ring->size || left >= ring->seen - ring->own)
		return MBOX_RECORD_SKIP;
	ring->own += left;
	find_run(ring, ring->seen - ring->own);
	return atomic_load_explicit(&ring->at->length, memory_order_relaxed);
}

bool mbox_ring_give_room(struct mbox_ring *ring)
{
	struct mbox_ring_memory *memory = ring->memory;

	ring->told = ring->own;
	/* RING_ROOM (A) */
	atomic_store_explicit(&memory->head, ring->own, memory_order_release);
	/* RING_BELL (D) */
	atomic_thread_fence(memory_order_seq_cst);
	return atomic_load_explicit(&memory->wanted, memory_order_relaxed) &&
	       ring->seen - ring->own <= ring->size / 2 &&
	       atomic_exchange_explicit(&memory->wanted, 0, memory_order_relaxed);
}

void mbox_ring_arm(struct mbox_ring *ring)
{
	atomic_store_explicit(&ring->memory->bell, MBOX_BELL_WANTED, memory_order_relaxed);
}

void mbox_ring_barrier(void)
{
	/* RING_BELL (A) */
	atomic_thread_fence(memory_order_seq_cst);
}

bool mbox_ring_pending(const struct mbox_ring *ring)
{
	return ring->own != ring->seen ||
	       ring->own != atomic_load_explicit(&ring->memory->tail, memory_order_relaxed);
}

void mbox_ring_shut(struct mbox_ring *ring)
{
	atomic_store_explicit(&ring->memory->bell, MBOX_BELL_CLOSED, memory_order_relaxed);
}
