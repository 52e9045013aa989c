/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * mbox bench: mechanisms doing the same work, side by side.
 *
 * A mechanism is a way to bring a message from here to there; a pattern is work
 * that is made of that, and knows nothing of the mechanism. A row of the table
 * joins the two. Rows are in rows.c, each family of mechanisms and each pattern
 * in a file of its own.
 */
#ifndef MBOX_BENCH_H
#define MBOX_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mbox;
struct mbox_pool;

/* The largest message of any row, but for those of the RPC library. */
#define BENCH_BYTES_MAX	1048576

/* What most rounds do so often. */
#define BENCH_TIMES	2000

/* All messages are sent from here and received into here. */
extern char bench_data[BENCH_BYTES_MAX];

/**
 * struct bench_channel - a mechanism that is set up, for one direction
 * @mb: the mailbox, of those that are one
 * @pool: of those that lend
 * @delivery: the number of the message that was leased last
 * @in: descriptor, or id, that messages go into
 * @out: the one that they come out of
 * @word: of those that have nothing but memory
 * @calls: of those whose calls can be libc's and mbox run's
 */
struct bench_channel {
	struct mbox *mb;
	struct mbox_pool *pool;
	uint64_t delivery;
	int in;
	int out;
	uint32_t *word;
	const void *calls;
};

/**
 * struct bench_mechanism - a way to bring a message from here to there
 * @name: what the table calls it
 * @is_peer: a person would have it without mbox
 * @setup: make a channel for @room messages of @bytes; 0 or -errno
 * @send: send one message; 0 or -errno
 * @recv: receive one, all of it; 0 or -errno
 * @ask: of those that bring back an answer too: send a message and wait for it
 * @serve: answer until that fails
 * @teardown: undo @setup
 */
struct bench_mechanism {
	const char *name;
	bool is_peer;
	int (*setup)(struct bench_channel *channel, size_t bytes, unsigned int room);
	int (*send)(struct bench_channel *channel, size_t bytes);
	int (*recv)(struct bench_channel *channel, size_t bytes);
	int (*ask)(struct bench_channel *channel, size_t bytes);
	void (*serve)(struct bench_channel *channel, size_t bytes);
	void (*teardown)(struct bench_channel *channel);
};

/* mailbox.c */
extern const struct bench_mechanism bench_mbox_write;
extern const struct bench_mechanism bench_mbox_send;
extern const struct bench_mechanism bench_mbox_batch;
extern const struct bench_mechanism bench_mbox_rendezvous;
extern const struct bench_mechanism bench_mbox_receive;
extern const struct bench_mechanism bench_mbox_lease;
extern const struct bench_mechanism bench_mbox_call;

/* loan.c */
extern const struct bench_mechanism bench_mbox_loan;
/* ring.c */
extern const struct bench_mechanism bench_mbox_ring;
extern const struct bench_mechanism bench_bare_ring;

/* uring.c */
extern const struct bench_mechanism bench_uring_mbox;
extern const struct bench_mechanism bench_uring_pipe;

/* broadcast.c */
extern const struct bench_mechanism bench_broadcast;
extern const struct bench_mechanism bench_peek;
extern const struct bench_mechanism bench_memory;

/* queue.c, and the same calls by mbox run */
extern const struct bench_mechanism bench_posix;
extern const struct bench_mechanism bench_sysv;
extern const struct bench_mechanism bench_run_posix;
extern const struct bench_mechanism bench_run_sysv;

/* pair.c: descriptors that come in pairs */
extern const struct bench_mechanism bench_pipe;
extern const struct bench_mechanism bench_mbox_pipe;
extern const struct bench_mechanism bench_mbox_socket;
extern const struct bench_mechanism bench_unix;
extern const struct bench_mechanism bench_seqpacket;
extern const struct bench_mechanism bench_datagram;

/* socket.c, and the same calls by mbox run */
extern const struct bench_mechanism bench_tcp;
extern const struct bench_mechanism bench_run_tcp;
extern const struct bench_mechanism bench_run_unix;

/* floor.c: what there is below all of them */
extern const struct bench_mechanism bench_null;
extern const struct bench_mechanism bench_eventfd;
extern const struct bench_mechanism bench_futex;
extern const struct bench_mechanism bench_copy;

/* rpc.c: how the RPC library's calls travel */
extern const struct bench_mechanism bench_rpc_mailbox;
extern const struct bench_mechanism bench_rpc_at_most_once;
extern const struct bench_mechanism bench_rpc_exactly_once;
extern const struct bench_mechanism bench_rpc_tcp;
extern const struct bench_mechanism bench_rpc_udp;
extern const struct bench_mechanism bench_rpc_local;

/* preload.c: a function of the preload library, or NULL */
void *bench_preloaded(const char *function);

struct bench_row;

/* Processes beside this one. */
#define BENCH_OTHERS	4

/**
 * struct bench_work - a row that is set up
 * @there: the channel to others
 * @back: the one from them, of patterns that have an answer
 * @others: the processes, 0 for none
 * @done: where they say that they have received all
 * @go: where they are told to send
 * @count: what they have received together
 */
struct bench_work {
	struct bench_channel there;
	struct bench_channel back;
	pid_t others[BENCH_OTHERS];
	int done[2];
	int go[2];
	unsigned int *count;
};

/**
 * struct bench_pattern - work made of messages
 * @name: what the table calls it
 * @room: messages that a channel holds
 * @queued: messages that are queued before, and stay so
 * @clients: who call in turn, of remote calls
 * @times: how often a round does the work, which is what a value is divided by
 * @setup: make the channels and what else there is; 0 or -errno
 * @prepare: before each round, and not measured, or NULL; 0 or -errno
 * @round: do the work; 0 or -errno
 * @teardown: undo @setup
 * @measure: instead of all these: tell one value in bytes; 0 or -errno
 */
struct bench_pattern {
	const char *name;
	unsigned int room;
	unsigned int queued;
	unsigned int clients;
	unsigned int times;
	int (*setup)(const struct bench_row *row, struct bench_work *work);
	int (*prepare)(const struct bench_row *row, struct bench_work *work);
	int (*round)(const struct bench_row *row, struct bench_work *work);
	void (*teardown)(const struct bench_row *row, struct bench_work *work);
	int (*measure)(double *bytes);
};

/* oneself.c */
extern const struct bench_pattern bench_oneself;
extern const struct bench_pattern bench_sixteen;
extern const struct bench_pattern bench_10_queued;
extern const struct bench_pattern bench_100000_queued;
extern const struct bench_pattern bench_receipt;
extern const struct bench_pattern bench_after_child;
extern const struct bench_pattern bench_to_eight;

/* among.c */
extern const struct bench_pattern bench_among_mailboxes;
extern const struct bench_pattern bench_among_waiters;

/* answer.c, stream.c, crowd.c */
extern const struct bench_pattern bench_answer;
extern const struct bench_pattern bench_group_answer;
extern const struct bench_pattern bench_stream;
extern const struct bench_pattern bench_blocks;
extern const struct bench_pattern bench_large_blocks;
extern const struct bench_pattern bench_many_to_one;
extern const struct bench_pattern bench_one_to_many;

/* broadcast.c, idle.c */
extern const struct bench_pattern bench_unread;
extern const struct bench_pattern bench_idle;

/* rpc.c */
extern const struct bench_pattern bench_remote;
extern const struct bench_pattern bench_remote_large;
extern const struct bench_pattern bench_remote_clients;

/* oneself.c: one channel, as most patterns have */
int bench_setup_there(const struct bench_row *row, struct bench_work *work);
void bench_teardown_there(const struct bench_row *row, struct bench_work *work);

/* oneself.c, stream.c: rounds that more than one pattern has */
int bench_to_oneself(const struct bench_row *row, struct bench_work *work);
int bench_produce(const struct bench_row *row, struct bench_work *work);

/* other.c: start the @nth other process, on another CPU if the row has two */
int bench_start(const struct bench_row *row, struct bench_work *work, unsigned int nth,
		void (*run)(const struct bench_row *row, struct bench_work *work));
void bench_stop(struct bench_work *work);

/**
 * struct bench_row - a mechanism doing a pattern of work
 * @mechanism: which
 * @pattern: what it does
 * @bytes: size of a message
 * @cpus: how many it runs on
 * @same_as: the row that is measured for this one too, which has another peer; or
 *           NULL
 * @peer: the row that this one is compared with; or NULL: the fastest peer at the
 *        same work, if there is one
 * @target: what the ratio to the peer, or without a peer the value, must not
 *          exceed; 0 for none
 * @within_spread: or by less than the two spread: some rounds of the one are as
 *                 some of the other
 */
struct bench_row {
	const struct bench_mechanism *mechanism;
	const struct bench_pattern *pattern;
	size_t bytes;
	unsigned int cpus;
	const struct bench_row *same_as;
	const struct bench_row *peer;
	double target;
	bool within_spread;
};

/* rows.c */
extern const struct bench_row bench_rows[];
extern const unsigned int bench_nr_rows;

#define BENCH_ROUNDS_MAX	9

/**
 * struct bench_result - what was measured of a row
 * @err: 0, or -errno: why there is no value
 * @is_up: it is set up, and not torn down
 * @samples: the rounds, sorted in the end
 * @value: their median
 * @spread: how far the middle half of them is apart
 * @work: what it works on
 */
struct bench_result {
	int err;
	bool is_up;
	double samples[BENCH_ROUNDS_MAX];
	double value;
	double spread;
	struct bench_work work;
};

/**
 * struct bench_run - all of them
 * @results: one a row
 * @rounds: of each
 * @cpus: how many there are: rows that need more are left out
 * @count: a nanosecond is an instruction
 * @fifo: it runs by SCHED_FIFO
 */
struct bench_run {
	struct bench_result *results;
	unsigned int rounds;
	unsigned int cpus;
	bool count;
	bool fifo;
};

/* measure.c: all rows, in turn */
void bench_measure(struct bench_run *run);

/* report.c */
void bench_print_table(const struct bench_run *run);
void bench_print_json(const struct bench_run *run);

int cmd_bench(int argc, char **argv);

#endif /* MBOX_BENCH_H */
