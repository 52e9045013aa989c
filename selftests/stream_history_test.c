// SPDX-License-Identifier: GPL-2.0
/*
 * A checked history of streams: many writers and readers, in processes that are interrupted and
 * killed at any moment. No byte is lost, doubled or out of order, and a record of up to PIPE_BUF
 * bytes is whole.
 */
#include "common.h"
#include "harness.h"

#include <sys/time.h>

#define WRITERS	4
#define READERS	3
#define RECORDS	1500	/* of each writer */
#define FIXED	128	/* a record that several readers share is of this size */

struct record {
	__u32 size;
	__u32 writer;
	__u32 number;
	__u32 check;
	char data[];
};

/* Shared by all processes of a test. */
struct history {
	__u32 written[WRITERS];			/* what each writer was told that it wrote */
	__u32 read[WRITERS][RECORDS];		/* how often each record was read */
	__u32 last[READERS][WRITERS];		/* the last number + 1 that a reader saw */
	__u32 torn;				/* records that were not whole */
	__u32 disordered;
};

FIXTURE(history) {
	struct history *h;
	int rx;
	int tx;
};

FIXTURE_SETUP(history)
{
	int fd = st_create(NULL, O_RDWR);

	self->h = shared_memory(sizeof(*self->h));
	self->rx = mb_reopen(fd, O_RDONLY);
	self->tx = mb_reopen(fd, O_WRONLY);
	ASSERT_LE(0, self->rx);
	ASSERT_LE(0, self->tx);
	close(fd);
}

FIXTURE_TEARDOWN(history)
{
	close(self->rx);
	close(self->tx);
}

static void on_alarm(int sig)
{
}

/* A signal every now and then, which interrupts what waits. */
static void be_interrupted(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 1500 }, { 0, 1500 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static __u32 record_size(__u32 writer, __u32 number, bool fixed)
{
	__u32 state = writer * RECORDS + number + 1;
	__u32 most = prng(&state) % 8 ? 256 : MBOX_PIPE_BUF;

	return fixed ? FIXED : sizeof(struct record) + prng(&state) % (most - sizeof(struct record));
}

static void write_all(struct history *h, int fd, __u32 writer, bool fixed)
{
	static char buf[MBOX_PIPE_BUF] __attribute__((aligned(8)));
	struct record *record = (struct record *)buf;
	__u32 number;

	for (number = 0; number < RECORDS; number++) {
		ssize_t ret;

		record->size = record_size(writer, number, fixed);
		record->writer = writer;
		record->number = number;
		record->check = ~number;
		pattern_fill(record->data, record->size - sizeof(*record), number);
		do {
			ret = st_put(fd, record, record->size);
		} while (ret == -EINTR);
		if (ret != record->size)
			_exit(2);
		__atomic_store_n(&h->written[writer], number + 1, __ATOMIC_SEQ_CST);
	}
	_exit(0);
}

static bool record_whole(const struct record *record)
{
	return record->writer < WRITERS && record->number < RECORDS &&
	       record->check == ~record->number &&
	       pattern_check(record->data, record->size - sizeof(*record), record->number);
}

static void record_note(struct history *h, __u32 reader, const struct record *record)
{
	if (!record_whole(record)) {
		__atomic_fetch_add(&h->torn, 1, __ATOMIC_SEQ_CST);
		return;
	}
	if (record->number < h->last[reader][record->writer])
		__atomic_fetch_add(&h->disordered, 1, __ATOMIC_SEQ_CST);
	h->last[reader][record->writer] = record->number + 1;
	__atomic_fetch_add(&h->read[record->writer][record->number], 1, __ATOMIC_SEQ_CST);
}

/* Reads by sizes that have nothing to do with those of the records. */
static void read_bytes(struct history *h, int fd)
{
	static char buf[64 << 10] __attribute__((aligned(8)));
	size_t have = 0, at;
	__u32 state = 1;

	for (;;) {
		ssize_t n = st_get(fd, buf + have, 1 + prng(&state) % (sizeof(buf) - have));

		if (n == -EINTR)
			continue;
		if (n <= 0)
			_exit(n || have ? 2 : 0);
		have += n;
		for (at = 0; have - at >= sizeof(struct record);) {
			/* Records have any size, and so begin anywhere. */
			static char copy[MBOX_PIPE_BUF] __attribute__((aligned(8)));
			struct record *record = (struct record *)copy;

			memcpy(record, buf + at, sizeof(*record));
			if (record->size < sizeof(*record) || record->size > MBOX_PIPE_BUF)
				_exit(3);
			if (have - at < record->size)
				break;
			memcpy(record, buf + at, record->size);
			record_note(h, 0, record);
			at += record->size;
		}
		have -= at;
		memmove(buf, buf + at, have);
	}
}

static void read_records(struct history *h, int fd, __u32 reader)
{
	static char buf[FIXED] __attribute__((aligned(8)));
	ssize_t n;

	for (;;) {
		n = st_get(fd, buf, FIXED);
		if (n == FIXED)
			record_note(h, reader, (struct record *)buf);
		else if (n != -EINTR)
			_exit(n ? 2 : 0);
	}
}

static pid_t writer_fork(FIXTURE_DATA(history) *self, __u32 writer, bool fixed)
{
	pid_t pid = child_fork();

	if (pid)
		return pid;
	be_interrupted();
	close(self->rx);
	write_all(self->h, self->tx, writer, fixed);
	return 0;
}

static pid_t reader_fork(FIXTURE_DATA(history) *self, __u32 reader, bool fixed)
{
	pid_t pid = child_fork();

	if (pid)
		return pid;
	be_interrupted();
	close(self->tx);
	if (fixed)
		read_records(self->h, self->rx, reader);
	else
		read_bytes(self->h, self->rx);
	return 0;
}

/* How many records were read that often. */
static __u32 records_read(const struct history *h, __u32 writer, __u32 times)
{
	__u32 number, found = 0;

	for (number = 0; number < RECORDS; number++)
		found += h->read[writer][number] == times;
	return found;
}

TEST_F(history, records_of_any_size_are_whole_and_in_order)
{
	pid_t reader, writers[WRITERS];
	int i;

	reader = reader_fork(self, 0, false);
	for (i = 0; i < WRITERS; i++)
		writers[i] = writer_fork(self, i, false);
	close(self->tx);
	for (i = 0; i < WRITERS; i++)
		EXPECT_EQ(0, child_wait(writers[i]));
	EXPECT_EQ(0, child_wait(reader));
	EXPECT_EQ(0, self->h->torn);
	EXPECT_EQ(0, self->h->disordered);
	for (i = 0; i < WRITERS; i++)
		EXPECT_EQ(RECORDS, records_read(self->h, i, 1));
	self->tx = -1;
}

TEST_F(history, readers_share_records_of_one_size)
{
	pid_t readers[READERS], writers[WRITERS];
	int i;

	for (i = 0; i < READERS; i++)
		readers[i] = reader_fork(self, i, true);
	for (i = 0; i < WRITERS; i++)
		writers[i] = writer_fork(self, i, true);
	close(self->tx);
	for (i = 0; i < WRITERS; i++)
		EXPECT_EQ(0, child_wait(writers[i]));
	for (i = 0; i < READERS; i++)
		EXPECT_EQ(0, child_wait(readers[i]));
	EXPECT_EQ(0, self->h->torn);
	EXPECT_EQ(0, self->h->disordered);
	for (i = 0; i < WRITERS; i++)
		EXPECT_EQ(RECORDS, records_read(self->h, i, 1));
	self->tx = -1;
}

/* A writer that is killed wrote what it was told, or one more, and no part of a record. */
TEST_F(history, killed_writers_leave_whole_records)
{
	pid_t reader, writers[WRITERS];
	int i;

	reader = reader_fork(self, 0, false);
	for (i = 0; i < WRITERS; i++)
		writers[i] = writer_fork(self, i, false);
	close(self->tx);
	for (i = 0; i < WRITERS; i++) {
		EXPECT_TRUE(wait_until(__atomic_load_n(&self->h->written[i], __ATOMIC_SEQ_CST) >
				       100 * (i + 1)));
		kill(writers[i], SIGKILL);
		child_wait(writers[i]);
	}
	EXPECT_EQ(0, child_wait(reader));
	EXPECT_EQ(0, self->h->torn);
	EXPECT_EQ(0, self->h->disordered);
	for (i = 0; i < WRITERS; i++) {
		__u32 read = records_read(self->h, i, 1);

		EXPECT_TRUE(read == self->h->written[i] || read == self->h->written[i] + 1);
		EXPECT_EQ(RECORDS - read, records_read(self->h, i, 0));
	}
	self->tx = -1;
}

/* A reader that is killed takes at most the one read with it that it was in. */
TEST_F(history, killed_readers_take_one_read_with_them)
{
	pid_t readers[READERS], writers[WRITERS];
	__u32 lost = 0;
	int i;

	for (i = 0; i < READERS; i++)
		readers[i] = reader_fork(self, i, true);
	for (i = 0; i < WRITERS; i++)
		writers[i] = writer_fork(self, i, true);
	close(self->tx);
	for (i = 0; i < READERS - 1; i++) {
		EXPECT_TRUE(wait_until(__atomic_load_n(&self->h->written[i], __ATOMIC_SEQ_CST) >
				       200 * (i + 1)));
		kill(readers[i], SIGKILL);
		child_wait(readers[i]);
	}
	for (i = 0; i < WRITERS; i++)
		EXPECT_EQ(0, child_wait(writers[i]));
	EXPECT_EQ(0, child_wait(readers[READERS - 1]));
	EXPECT_EQ(0, self->h->torn);
	EXPECT_EQ(0, self->h->disordered);
	for (i = 0; i < WRITERS; i++) {
		lost += records_read(self->h, i, 0);
		EXPECT_EQ(RECORDS, records_read(self->h, i, 0) + records_read(self->h, i, 1));
	}
	EXPECT_GE(READERS - 1, lost);
	self->tx = -1;
}

TEST_HARNESS_MAIN
