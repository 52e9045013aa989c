/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * mbox-bridge: carries a mailbox over NATS JetStream. Who takes it there is out.c,
 * who brings it back in.c.
 *
 * A connection is never mended but made anew: so all that was published on one
 * reached the server in its order, up to some message and nothing after it.
 */
#ifndef BRIDGE_H
#define BRIDGE_H

#include <stdbool.h>
#include <stdint.h>

#include <mbox/mbox.h>
#include <nats/nats.h>

/* What a message is beside its bytes, as headers. */
#define HEADER_TAG	"Mbox-Tag"
#define HEADER_PRIO	"Mbox-Priority"
#define HEADER_PID	"Mbox-Pid"
#define HEADER_UID	"Mbox-Uid"
#define HEADER_HOST	"Mbox-Host"

/* How long to wait before something that failed is tried again. */
#define RETRY_MS	200

/**
 * struct bridge - from where to where
 * @name: the mailbox
 * @subject: of its messages
 * @stream: where these are kept
 * @url: the server
 * @credentials: a file, or NULL
 * @mailbox: open
 * @connection: or NULL
 * @jetstream: on @connection
 * @created: when the stream was made, in nanoseconds
 * @last: the number of the last message that it had when we connected
 */
struct bridge {
	const char *name;
	const char *subject;
	const char *stream;
	const char *url;
	const char *credentials;
	struct mbox *mailbox;
	natsConnection *connection;
	jsCtx *jetstream;
	uint64_t created;
	uint64_t last;
};

/**
 * enum happening - what the main loop is told of
 * @STORED: the stream has a message
 * @REFUSED: it has not taken one
 * @STOP: SIGTERM or SIGINT came
 */
enum happening { STORED, REFUSED, STOP };

struct event {
	enum happening what;
	uint64_t number;
};

/* From any thread, and from signal handlers. */
void tell(enum happening what, uint64_t number);

/* What is told comes out of this descriptor, which does not block. */
int event_fd(void);

/* Has a signal asked for the end? */
bool stopping(void);

void nap(unsigned int ms);

/* Print that, unless it was printed just now. */
void mention(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * server_connect() - connect, and make the stream if it is not there
 * @bridge: not connected
 *
 * Waits for a server that is away.
 *
 * Return: false if the end was asked for first.
 */
bool server_connect(struct bridge *bridge);
/* In words. */
const char *server_problem(natsStatus status);

bool server_lost(const struct bridge *bridge);
void server_disconnect(struct bridge *bridge);

int bridge_out(struct bridge *bridge);
int bridge_in(struct bridge *bridge);

#endif /* BRIDGE_H */
