// SPDX-License-Identifier: MIT OR LGPL-2.1
#include "bench.h"

/* What the bytes of a broadcast take: one buffer, and what goes with it. */
#define ONE_BUFFER	(65536 * 1.1)

/* At least 0.9 of the throughput. */
#define NINE_TENTHS	(1 / 0.9)

/* The figure is of memory, and nothing goes through the mailbox. */
static const struct bench_mechanism mailbox = { .name = "mbox" };

enum {
	NULL_CALL, EVENTFD, PIPE, SYSV, POSIX, DATAGRAM, COPY,
	MBOX, MBOX_TO_PIPE, MBOX_SEND, BATCH, MBOX_PIPE, RUN_POSIX, RUN_SYSV,
	PIPE_4K, POSIX_4K, SYSV_4K, MBOX_4K, RUN_POSIX_4K, RUN_SYSV_4K,
	RECEIPT, LEASE, LEASE_AFTER,
	ANSWER_FUTEX, ANSWER_EVENTFD, ANSWER_PIPE, ANSWER_POSIX, ANSWER_SYSV, ANSWER_UNIX,
	ANSWER_SEQPACKET, ANSWER_DATAGRAM, ANSWER_TCP,
	CALL, CALL_TO_EVENTFD, ANSWER_MBOX, ANSWER_MBOX_TO_SYSV, ANSWER_MBOX_PIPE,
	ANSWER_MBOX_SOCKET, ANSWER_RUN_UNIX, ANSWER_RUN_TCP,
	STREAM_PIPE, STREAM_POSIX, STREAM_SYSV, STREAM_UNIX, STREAM_SEQPACKET, STREAM_DATAGRAM,
	STREAM_TCP, STREAM_MBOX, STREAM_MBOX_SOCKET, STREAM_RUN_TCP,
	BLOCKS_PIPE_4K, BLOCKS_MBOX_4K, BLOCKS_PIPE_64K, BLOCKS_UNIX_64K, BLOCKS_SEQPACKET_64K,
	BLOCKS_POSIX_64K, BLOCKS_TCP_64K, COPY_64K,
	BLOCKS_MBOX_64K, RENDEZVOUS_64K, BLOCKS_SOCKET_64K, BLOCKS_RUN_TCP_64K,
	MEMORY, PEEK, BROADCAST, UNREAD, IDLE,
	TWO_ANSWER_PIPE, TWO_CALL, TWO_STREAM_PIPE, TWO_STREAM_MBOX, TWO_BLOCKS_PIPE,
	TWO_BLOCKS_MBOX, TWO_MANY_POSIX, TWO_MANY, TWO_SHARED_POSIX, TWO_SHARED,
	QUEUED_10, QUEUED_100000, AMONG_MAILBOXES, AMONG_WAITERS,
	NR_ROWS
};

#define PEER(row)	.peer = &bench_rows[row]

/*
 * The peers of a kind of work first, of which a person would have one otherwise.
 * What takes much memory comes last: before, it would leave none in one piece.
 */
const struct bench_row bench_rows[] = {
	[NULL_CALL] = { &bench_null, &bench_oneself, 0, 1 },
	[EVENTFD] = { &bench_eventfd, &bench_oneself, 8, 1 },
	[PIPE] = { &bench_pipe, &bench_oneself, 64, 1 },
	[SYSV] = { &bench_sysv, &bench_oneself, 64, 1 },
	[POSIX] = { &bench_posix, &bench_oneself, 64, 1 },
	[DATAGRAM] = { &bench_datagram, &bench_oneself, 64, 1 },
	[COPY] = { &bench_copy, &bench_oneself, 64, 1 },
	[MBOX] = { &bench_mbox_write, &bench_oneself, 64, 1, PEER(POSIX), .target = 1.00 },
	[MBOX_TO_PIPE] = { &bench_mbox_write, &bench_oneself, 64, 1, PEER(PIPE), .target = 0.80,
			   .same_as = &bench_rows[MBOX] },
	[MBOX_SEND] = { &bench_mbox_send, &bench_oneself, 64, 1 },
	[BATCH] = { &bench_mbox_batch, &bench_sixteen, 64, 1, PEER(PIPE), .target = 0.25 },
	[MBOX_PIPE] = { &bench_mbox_pipe, &bench_oneself, 64, 1, PEER(PIPE),
			.target = NINE_TENTHS },
	[RUN_POSIX] = { &bench_run_posix, &bench_oneself, 64, 1, PEER(POSIX), .target = 1.00 },
	[RUN_SYSV] = { &bench_run_sysv, &bench_oneself, 64, 1, PEER(SYSV) },

	[PIPE_4K] = { &bench_pipe, &bench_oneself, 4096, 1 },
	[POSIX_4K] = { &bench_posix, &bench_oneself, 4096, 1 },
	[SYSV_4K] = { &bench_sysv, &bench_oneself, 4096, 1 },
	[MBOX_4K] = { &bench_mbox_write, &bench_oneself, 4096, 1, PEER(PIPE_4K), .target = 0.90 },
	[RUN_POSIX_4K] = { &bench_run_posix, &bench_oneself, 4096, 1, PEER(POSIX_4K),
			   .target = 1.00 },
	[RUN_SYSV_4K] = { &bench_run_sysv, &bench_oneself, 4096, 1, PEER(SYSV_4K) },

	[RECEIPT] = { &bench_mbox_receive, &bench_receipt, 64, 1 },
	[LEASE] = { &bench_mbox_lease, &bench_receipt, 64, 1, PEER(RECEIPT), .target = 1.50 },
	[LEASE_AFTER] = { &bench_mbox_lease, &bench_after_child, 64, 1, PEER(LEASE),
			  .target = 1.10 },

	[ANSWER_FUTEX] = { &bench_futex, &bench_answer, 4, 1 },
	[ANSWER_EVENTFD] = { &bench_eventfd, &bench_answer, 8, 1 },
	[ANSWER_PIPE] = { &bench_pipe, &bench_answer, 64, 1 },
	[ANSWER_POSIX] = { &bench_posix, &bench_answer, 64, 1 },
	[ANSWER_SYSV] = { &bench_sysv, &bench_answer, 64, 1 },
	[ANSWER_UNIX] = { &bench_unix, &bench_answer, 64, 1 },
	[ANSWER_SEQPACKET] = { &bench_seqpacket, &bench_answer, 64, 1 },
	[ANSWER_DATAGRAM] = { &bench_datagram, &bench_answer, 64, 1 },
	[ANSWER_TCP] = { &bench_tcp, &bench_answer, 64, 1 },
	[CALL] = { &bench_mbox_call, &bench_answer, 64, 1, PEER(ANSWER_PIPE), .target = 0.62 },
	[CALL_TO_EVENTFD] = { &bench_mbox_call, &bench_answer, 64, 1, PEER(ANSWER_EVENTFD),
			      .target = 1.00, .same_as = &bench_rows[CALL] },
	[ANSWER_MBOX] = { &bench_mbox_send, &bench_answer, 64, 1, PEER(ANSWER_POSIX),
			  .target = 1.00 },
	[ANSWER_MBOX_TO_SYSV] = { &bench_mbox_send, &bench_answer, 64, 1, PEER(ANSWER_SYSV),
				  .target = 1.00, .same_as = &bench_rows[ANSWER_MBOX] },
	[ANSWER_MBOX_PIPE] = { &bench_mbox_pipe, &bench_answer, 64, 1, PEER(ANSWER_UNIX),
			       .target = 1.00 },
	[ANSWER_MBOX_SOCKET] = { &bench_mbox_socket, &bench_answer, 64, 1, PEER(ANSWER_UNIX),
				 .target = 1.00 },
	[ANSWER_RUN_UNIX] = { &bench_run_unix, &bench_answer, 64, 1, PEER(ANSWER_UNIX) },
	[ANSWER_RUN_TCP] = { &bench_run_tcp, &bench_answer, 64, 1, PEER(ANSWER_TCP) },

	[STREAM_PIPE] = { &bench_pipe, &bench_stream, 64, 1 },
	[STREAM_POSIX] = { &bench_posix, &bench_stream, 64, 1 },
	[STREAM_SYSV] = { &bench_sysv, &bench_stream, 64, 1 },
	[STREAM_UNIX] = { &bench_unix, &bench_stream, 64, 1 },
	[STREAM_SEQPACKET] = { &bench_seqpacket, &bench_stream, 64, 1 },
	[STREAM_DATAGRAM] = { &bench_datagram, &bench_stream, 64, 1 },
	[STREAM_TCP] = { &bench_tcp, &bench_stream, 64, 1 },
	[STREAM_MBOX] = { &bench_mbox_send, &bench_stream, 64, 1, PEER(STREAM_PIPE),
			  .target = 0.80 },
	[STREAM_MBOX_SOCKET] = { &bench_mbox_socket, &bench_stream, 64, 1, PEER(STREAM_UNIX) },
	[STREAM_RUN_TCP] = { &bench_run_tcp, &bench_stream, 64, 1, PEER(STREAM_TCP) },

	[BLOCKS_PIPE_4K] = { &bench_pipe, &bench_blocks, 4096, 1 },
	[BLOCKS_MBOX_4K] = { &bench_mbox_pipe, &bench_blocks, 4096, 1, PEER(BLOCKS_PIPE_4K),
			     .target = NINE_TENTHS },
	[BLOCKS_PIPE_64K] = { &bench_pipe, &bench_blocks, 65536, 1 },
	[BLOCKS_UNIX_64K] = { &bench_unix, &bench_blocks, 65536, 1 },
	[BLOCKS_SEQPACKET_64K] = { &bench_seqpacket, &bench_blocks, 65536, 1 },
	[BLOCKS_POSIX_64K] = { &bench_posix, &bench_blocks, 65536, 1 },
	[BLOCKS_TCP_64K] = { &bench_tcp, &bench_blocks, 65536, 1 },
	[COPY_64K] = { &bench_copy, &bench_oneself, 65536, 1 },
	[BLOCKS_MBOX_64K] = { &bench_mbox_pipe, &bench_blocks, 65536, 1, PEER(BLOCKS_PIPE_64K),
			      .target = NINE_TENTHS },
	[RENDEZVOUS_64K] = { &bench_mbox_rendezvous, &bench_blocks, 65536, 1,
			     PEER(BLOCKS_SEQPACKET_64K), .target = 0.75 },
	[BLOCKS_SOCKET_64K] = { &bench_mbox_socket, &bench_blocks, 65536, 1,
				PEER(BLOCKS_UNIX_64K) },
	[BLOCKS_RUN_TCP_64K] = { &bench_run_tcp, &bench_blocks, 65536, 1, PEER(BLOCKS_TCP_64K) },

	[MEMORY] = { &bench_memory, &bench_to_eight, 65536, 1 },
	[PEEK] = { &bench_peek, &bench_to_eight, 65536, 1 },
	[BROADCAST] = { &bench_broadcast, &bench_to_eight, 65536, 1, PEER(PEEK), .target = 1.30 },
	[UNREAD] = { &mailbox, &bench_unread, 65536, 1, .target = ONE_BUFFER },
	[IDLE] = { &mailbox, &bench_idle, 0, 1, .target = 1023 },

	[TWO_ANSWER_PIPE] = { &bench_pipe, &bench_answer, 64, 2 },
	[TWO_CALL] = { &bench_mbox_call, &bench_answer, 64, 2, PEER(TWO_ANSWER_PIPE),
		       .target = 1.00 },
	[TWO_STREAM_PIPE] = { &bench_pipe, &bench_stream, 64, 2 },
	[TWO_STREAM_MBOX] = { &bench_mbox_send, &bench_stream, 64, 2, PEER(TWO_STREAM_PIPE) },
	[TWO_BLOCKS_PIPE] = { &bench_pipe, &bench_blocks, 65536, 2 },
	[TWO_BLOCKS_MBOX] = { &bench_mbox_pipe, &bench_blocks, 65536, 2, PEER(TWO_BLOCKS_PIPE),
			      .target = NINE_TENTHS },
	[TWO_MANY_POSIX] = { &bench_posix, &bench_many_to_one, 64, 2 },
	[TWO_MANY] = { &bench_mbox_send, &bench_many_to_one, 64, 2, PEER(TWO_STREAM_MBOX),
		       .target = 2.00 },
	[TWO_SHARED_POSIX] = { &bench_posix, &bench_one_to_many, 64, 2 },
	[TWO_SHARED] = { &bench_mbox_send, &bench_one_to_many, 64, 2, PEER(TWO_SHARED_POSIX) },

	[QUEUED_10] = { &bench_mbox_send, &bench_10_queued, 64, 1 },
	[QUEUED_100000] = { &bench_mbox_send, &bench_100000_queued, 64, 1, PEER(QUEUED_10),
			    .target = 1.10 },
	[AMONG_MAILBOXES] = { &bench_mbox_send, &bench_among_mailboxes, 64, 1, PEER(MBOX_SEND),
			      .target = 1.10 },
	[AMONG_WAITERS] = { &bench_mbox_send, &bench_among_waiters, 64, 1, PEER(MBOX_SEND),
			    .target = 1.10 },
};

const unsigned int bench_nr_rows = NR_ROWS;
