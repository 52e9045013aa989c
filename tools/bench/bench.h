/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * mbox bench: mechanisms doing the same work, side by side.
 *
 * A mechanism knows how to set itself up and how to send and receive one
 * message; a pattern is a round of work made of these. A row of the table joins
 * a mechanism and a pattern. New mechanisms go into mechanisms.c, new patterns
 * into a file of their own, and rows into bench.c.
 */
#ifndef MBOX_BENCH_H
#define MBOX_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mbox;

/* The largest message of any row. */
#define BENCH_BYTES_MAX	65536

/* Blocks in a round of those that go to another process. */
#define BENCH_BLOCKS	400

/**
 * struct bench_link - a mechanism that is set up
 * @mb: the mailbox, of those that are one
 * @delivery: the number of the message that it leased last
 * @in: descriptor, or id, that messages go into
 * @out: the one that they come out of
 * @server: the process that answers, where one does
 * @serve_in: where it writes its answers, of those that are pipes
 * @serve_out: where it reads from, likewise
 */
struct bench_link {
	struct mbox *mb;
	uint64_t delivery;
	int in;
	int out;
	pid_t server;
	int serve_in;
	int serve_out;
};

/**
 * struct bench_mechanism - a way to bring a message from here to there
 * @name: what the table calls it
 * @setup: make a link for messages of @bytes that holds @queued of them and
 *         some more; 0 or -errno
 * @send: send one message; 0 or -errno
 * @recv: receive one; 0 or -errno
 * @teardown: undo @setup
 */
struct bench_mechanism {
	const char *name;
	int (*setup)(struct bench_link *link, size_t bytes, unsigned int queued);
	int (*send)(struct bench_link *link, size_t bytes);
	int (*recv)(struct bench_link *link, size_t bytes);
	void (*teardown)(struct bench_link *link);
};

extern const struct bench_mechanism bench_mbox_rw;
extern const struct bench_mechanism bench_mbox_ioctl;
extern const struct bench_mechanism bench_mbox_receive;
extern const struct bench_mechanism bench_mbox_lease;
extern const struct bench_mechanism bench_posix;
extern const struct bench_mechanism bench_preload;
extern const struct bench_mechanism bench_sysv;
extern const struct bench_mechanism bench_pipe;
extern const struct bench_mechanism bench_pipes;
extern const struct bench_mechanism bench_mbox_pipe;
extern const struct bench_mechanism bench_mbox_pipes;
extern const struct bench_mechanism bench_unix;
extern const struct bench_mechanism bench_mbox_socket;
extern const struct bench_mechanism bench_pipe_blocks;
extern const struct bench_mechanism bench_mbox_blocks;
extern const struct bench_mechanism bench_mbox_call;
extern const struct bench_mechanism bench_broadcast;
extern const struct bench_mechanism bench_peek;
extern const struct bench_mechanism bench_memory;

/**
 * struct bench_row - a mechanism doing a pattern of work
 * @mechanism: which
 * @pattern: what the table calls the work
 * @bytes: size of a message
 * @cpus: how many it runs on
 * @queued: messages that are queued before, and stay so
 * @times: how often a round does the work; 0 for as often as most
 * @prepare: before each round, and not measured: make what it is to work on, or
 *           NULL; 0 or -errno
 * @round: do the work @times times; 0 or -errno
 * @measure: instead of @round: tell one value in bytes; 0 or -errno
 * @peer: the row that this one is compared with, or NULL
 * @target: what the ratio to the peer, or without a peer the value, must not
 *          exceed; 0 for none
 */
struct bench_row {
	const struct bench_mechanism *mechanism;
	const char *pattern;
	size_t bytes;
	unsigned int cpus;
	unsigned int queued;
	unsigned int times;
	int (*prepare)(const struct bench_row *row, struct bench_link *link, unsigned int times);
	int (*round)(const struct bench_row *row, struct bench_link *link, unsigned int times);
	int (*measure)(double *bytes);
	const struct bench_row *peer;
	double target;
};

/* To oneself and back: a send, then the receive. */
int bench_oneself(const struct bench_row *row, struct bench_link *link, unsigned int times);

/* What is there is received; to be there it was sent. */
int bench_send_all(const struct bench_row *row, struct bench_link *link, unsigned int times);
int bench_receive(const struct bench_row *row, struct bench_link *link, unsigned int times);

/* A request to another process and its answer, in one send. */
int bench_call(const struct bench_row *row, struct bench_link *link, unsigned int times);

/* BENCH_BLOCKS blocks to another process. */
int bench_blocks(const struct bench_row *row, struct bench_link *link, unsigned int times);

/* Kernel memory of a mailbox that does nothing, without its file. */
int bench_idle_mailbox(double *bytes);

/* Memory of a message that eight receivers have still to read. */
int bench_broadcast_memory(double *bytes);

int cmd_bench(int argc, char **argv);

#endif /* MBOX_BENCH_H */
