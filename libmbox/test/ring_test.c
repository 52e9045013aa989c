/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Rings as such: both sides in one process, and memory without anything behind it, so that a step
 * past its end is seen by the sanitizers. Needs no module. Prints TAP.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <mbox/mbox.h>

#include "../src/ring.h"
#include "tap.h"

#define SIZE	4096

static struct mbox_ring tx, rx;

/* Both sides of a new ring, which stand at @position. */
static void begin(uint32_t size, uint32_t position)
{
	struct mbox_ring_memory *memory = aligned_alloc(4096, sizeof(*memory) + size);

	memset(memory, 0, sizeof(*memory) + size);
	mbox_ring_init(&tx, memory, size);
	mbox_ring_init(&rx, memory, size);
	memory->head = memory->tail = position;
	tx.own = tx.seen = rx.own = rx.seen = rx.told = position;
}

static void end(void)
{
	free(tx.memory);
}

static uint8_t byte(uint32_t seed, size_t i)
{
	return seed * 31 + i;
}

/* Return: what mbox_ring_commit() did, or -1 if there was no room. */
static int put(uint32_t length, uint32_t seed)
{
	uint8_t *data;
	uint32_t i;
	int error;

	data = mbox_ring_reserve(&tx, length, &error);
	CHECK(!error);
	if (!data)
		return -1;
	for (i = 0; i < length; i++)
		data[i] = byte(seed, i);
	return mbox_ring_commit(&tx, length, seed);
}

/* Return: what mbox_ring_release() did, or -1 if there was no such message. */
static int take(uint32_t length, uint32_t seed)
{
	struct mbox_record record;
	uint32_t i;

	if (mbox_ring_next(&rx, &record) != 1)
		return -1;
	CHECK(record.length == length && record.tag == seed);
	for (i = 0; i < length && good; i++)
		CHECK(((const uint8_t *)record.data)[i] == byte(seed, i));
	return mbox_ring_release(&rx, &record);
}

static void sizes(void)
{
	CHECK(!mbox_ring_size_valid(0) && !mbox_ring_size_valid(2048));
	CHECK(mbox_ring_size_valid(4096) && !mbox_ring_size_valid(4097));
	CHECK(!mbox_ring_size_valid(12288) && mbox_ring_size_valid(16 << 20));
	CHECK(!mbox_ring_size_valid(32 << 20) && !mbox_ring_size_valid(1ULL << 32));
	begin(SIZE, 0);
	CHECK(mbox_ring_longest(&tx) == SIZE / 4 - 16);
	end();
}

static void whole(void)
{
	uint32_t length, turn;

	begin(SIZE, 0);
	for (turn = 0; turn < 3; turn++)
		for (length = 0; length <= mbox_ring_longest(&tx); length++) {
			CHECK(put(length, length + turn) == 0);
			CHECK(take(length, length + turn) >= 0);
		}
	CHECK(take(0, 0) == -1);
	end();
}

/* What is there is never more than fits, and comes in its order. */
static void in_order(void)
{
	uint32_t sent = 0, received = 0, seed = 1, i;

	begin(SIZE, -SIZE * 2);
	for (i = 0; i < 200000 && good; i++) {
		seed = seed * 1103515245 + 12345;
		if (seed >> 16 & 1) {
			sent += put(sent % 1000, sent) >= 0;
		} else if (sent != received) {
			CHECK(take(received % 1000, received) >= 0);
			received++;
		} else {
			CHECK(take(0, 0) == -1);
		}
		CHECK(tx.own - rx.own <= SIZE);
	}
	CHECK(sent > 10000);
	end();
}

/* The largest one fits into an empty ring wherever it begins. */
static void largest(void)
{
	uint32_t start;

	for (start = 0; start < SIZE; start += 16) {
		begin(SIZE, start);
		CHECK(put(SIZE / 4 - 16, start) == 0);
		CHECK(put(SIZE / 4 - 16, start + 1) == 0);
		CHECK(take(SIZE / 4 - 16, start) >= 0);
		CHECK(take(SIZE / 4 - 16, start + 1) >= 0);
		end();
	}
}

static void full(void)
{
	int nr, i;

	begin(SIZE, 0);
	for (nr = 0; put(48, nr) == 0; nr++)
		;
	CHECK(nr == SIZE / 64);
	CHECK(put(0, 0) == -1);
	for (i = 0; i < nr; i++)
		CHECK(take(48, i) == 0);
	CHECK(put(48, nr) == 0 && take(48, nr) == 0);
	end();
}

static void bell(void)
{
	begin(SIZE, 0);
	CHECK(put(8, 0) == 0);
	CHECK(take(8, 0) == 0);
	mbox_ring_arm(&rx);
	mbox_ring_barrier();
	CHECK(!mbox_ring_pending(&rx));
	CHECK(put(8, 1) == MBOX_BELL_WANTED);
	CHECK(mbox_ring_pending(&rx));
	CHECK(put(8, 2) == 0);
	mbox_ring_shut(&rx);
	CHECK(put(8, 3) == MBOX_BELL_CLOSED);
	CHECK(put(8, 4) == MBOX_BELL_CLOSED);
	end();
}

/* The sender is rung for once there is half of the ring, or all of it, and once. */
static void room(void)
{
	int nr, i;

	begin(SIZE, 0);
	for (nr = 0; put(48, nr) == 0; nr++)
		;
	mbox_ring_want(&tx);
	CHECK(mbox_ring_emptied(&tx) == 0);
	for (i = 0; i < nr / 2 - 1; i++)
		CHECK(take(48, i) == 0);
	CHECK(take(48, i++) == 1);
	CHECK(put(48, nr++) == 0);
	while (i < nr - 1)
		CHECK(take(48, i++) == 0);
	mbox_ring_want(&tx);
	CHECK(take(48, i) == 1);
	CHECK(mbox_ring_emptied(&tx) == 1);
	end();
}

/* A word of the memory, or one of a record. */
static void scribble(uint32_t *seed)
{
	uint32_t words = (sizeof(*tx.memory) + SIZE) / 4, where, what;

	*seed = *seed * 1103515245 + 12345;
	where = *seed >> 8;
	*seed = *seed * 1103515245 + 12345;
	what = *seed >> 28 ? *seed >> 8 & 0xfff0 : ~0U;
	where = where & 1 ? where % 32 : sizeof(*tx.memory) / 4 + where % (SIZE / 4);
	CHECK(where < words);
	((volatile uint32_t *)tx.memory)[where] = what;
}

static void sane_receiver(void)
{
	uint32_t seed = 7, i;

	for (i = 0; i < 300000 && good; i++) {
		struct mbox_record record;
		int ret, n = 0;

		if (i % 16 == 0) {
			if (i)
				end();
			begin(SIZE, i * 16);
			while (put(i % 700, 0) >= 0)
				;
		}
		scribble(&seed);
		while ((ret = mbox_ring_next(&rx, &record)) == 1 && n++ < SIZE) {
			const volatile uint8_t *data = record.data;
			uint32_t at;

			for (at = 0; at < record.length; at++)
				(void)data[at];
			mbox_ring_release(&rx, &record);
		}
		CHECK(ret == 0 || ret == -EPIPE);
	}
	end();
}

static void sane_sender(void)
{
	uint32_t seed = 9, i;

	for (i = 0; i < 300000 && good; i++) {
		uint8_t *data;
		int error, n = 0;

		if (i % 16 == 0) {
			if (i)
				end();
			begin(SIZE, i * 16);
		}
		scribble(&seed);
		while ((data = mbox_ring_reserve(&tx, i % 900, &error)) && n++ < SIZE) {
			memset(data, 0xee, i % 900);
			mbox_ring_commit(&tx, i % 900, i);
		}
		CHECK(!data && (!error || error == -EPIPE));
	}
	end();
}

/* Each word that a sender can set wrong, alone. */
static void insane(void)
{
	struct mbox_record record;
	struct mbox_record_head *head;
	const uint32_t tails[] = { 8, 17, SIZE + 16, -16, 1U << 31 };
	const uint32_t lengths[] = { SIZE / 4 - 15, 49, SIZE, 1U << 31, ~0U - 1, MBOX_RECORD_SKIP };
	size_t i;

	for (i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
		begin(SIZE, 0);
		rx.memory->tail = tails[i];
		CHECK(mbox_ring_next(&rx, &record) == -EPIPE);
		rx.memory->head = -tails[i];
		CHECK(mbox_ring_emptied(&tx) == -EPIPE);
		end();
	}
	for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		begin(SIZE, 0);
		head = (void *)rx.memory->data;
		head->length = lengths[i];
		rx.memory->tail = 64;
		CHECK(mbox_ring_next(&rx, &record) == -EPIPE);
		end();
	}
	/* One that would end behind the ring, and a second one left out. */
	begin(SIZE, SIZE - 32);
	head = (void *)&rx.memory->data[SIZE - 32];
	head->length = 17;
	rx.memory->tail = SIZE + 64;
	CHECK(mbox_ring_next(&rx, &record) == -EPIPE);
	head->length = MBOX_RECORD_SKIP;
	((struct mbox_record_head *)rx.memory->data)->length = MBOX_RECORD_SKIP;
	CHECK(mbox_ring_next(&rx, &record) == -EPIPE);
	end();
}

#define STREAM	300000

static void *stream(void *unused)
{
	uint32_t i;

	for (i = 0; i < STREAM; i++)
		while (put(i % 200, i) < 0)
			sched_yield();
	return unused;
}

static void two_threads(void)
{
	pthread_t thread;
	uint32_t i;

	begin(SIZE, 0);
	CHECK(!pthread_create(&thread, NULL, stream, NULL));
	for (i = 0; i < STREAM; i++)
		while (take(i % 200, i) < 0)
			sched_yield();
	pthread_join(thread, NULL);
	end();
}

int main(void)
{
	tap_run("a ring has a size that is a power of two", sizes);
	tap_run("messages of each length arrive whole", whole);
	tap_run("messages arrive in their order, past the end and past 2^32", in_order);
	tap_run("the largest message fits wherever it begins", largest);
	tap_run("a full ring is full to the last byte, and has room again", full);
	tap_run("who sleeps is rung for, once, and who has closed is told of", bell);
	tap_run("who waits for room is rung for at half", room);
	tap_run("a receiver keeps within bounds, whatever the sender writes", sane_receiver);
	tap_run("a sender keeps within bounds, whatever the receiver writes", sane_sender);
	tap_run("what cannot be is seen", insane);
	tap_run("two threads at once", two_threads);
	return tap_end();
}
