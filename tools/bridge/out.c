// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Out of a mailbox into a stream. A message is leased, published, and acknowledged
 * to the mailbox when the stream has acknowledged it. Whatever goes wrong between,
 * it is published again, and the stream knows it by its id.
 *
 * The window has the messages that are under way, in the order of the mailbox.
 * After a failure all of them that the stream has not are published again, so that
 * their order stays; the oldest alone at first, until the stream has it: one that is
 * just being made refuses some before it takes others.
 */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge.h"
#include "fail.h"
#include "format.h"

/* Messages that are under way at once. */
#define WINDOW		64

/* After that the stream's answer is lost. */
#define ANSWER_NS	5000000000ULL

/* How long the end waits for what is under way. */
#define END_NS		2000000000ULL

/**
 * struct flight - a message that is under way
 * @delivery: of its lease
 * @message: to be published
 * @done: the stream has it, or nobody will
 */
struct flight {
	uint64_t delivery;
	natsMsg *message;
	bool done;
};

/**
 * struct out - what takes messages to the stream
 * @flights: the window, a ring by number
 * @first: the number of the oldest of them
 * @next: the number that the next one gets
 * @unsent: the first that is not published on this connection
 * @open: the stream has taken one since the last failure
 * @progress: when the stream answered last, or the window was empty
 * @room: for the bytes of a message
 * @fds: for its descriptors, which are closed
 * @inbox: where the stream answers, before the number
 * @identity: of the mailbox, among all of all machines
 * @dry: nobody will send any more
 */
struct out {
	struct bridge *bridge;
	struct flight flights[WINDOW];
	uint64_t first;
	uint64_t next;
	uint64_t unsent;
	bool open;
	uint64_t progress;
	char *room;
	size_t size;
	struct mbox_fd fds[MBOX_FDS_MAX];
	natsInbox *inbox;
	natsSubscription *answers;
	char identity[80];
	char host[80];
	bool dry;
};

static struct flight *flight_of(struct out *out, uint64_t number)
{
	return &out->flights[number % WINDOW];
}

static uint64_t now(void)
{
	return mbox_deadline_in(0);
}

static enum happening meaning(const char *data, int length)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *answer = json_tokener_parse_ex(tokener, data, length);
	struct json_object *error, *why;
	enum happening what = REFUSED;

	if (json_object_object_get_ex(answer, "error", &error) &&
	    json_object_object_get_ex(error, "description", &why))
		mention("the stream refuses a message: %s; trying again",
			json_object_get_string(why));
	else if (json_object_object_get_ex(answer, "seq", NULL))
		what = STORED;
	json_object_put(answer);
	json_tokener_free(tokener);
	return what;
}

static void on_answer(natsConnection *connection, natsSubscription *subscription,
		      natsMsg *answer, void *closure)
{
	const char *number = strrchr(natsMsg_GetSubject(answer), '.') + 1;
	enum happening what = REFUSED;

	(void)connection;
	(void)subscription;
	(void)closure;
	if (!natsMsg_IsNoResponders(answer))
		what = meaning(natsMsg_GetData(answer), natsMsg_GetDataLength(answer));
	else
		mention("no stream takes the subject; trying again");
	tell(what, strtoull(number, NULL, 10));
	natsMsg_Destroy(answer);
}

/* Boot and number: no other mailbox has them, nor will have. */
static void identify(struct out *out)
{
	struct mbox_status status;
	char boot[40] = "";
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	int error = mbox_status(out->bridge->mailbox, &status);

	if (error)
		fail_on(out->bridge->name, "look at it", error);
	if (!file || !fgets(boot, sizeof(boot), file))
		fail_errno("/proc/sys/kernel/random/boot_id");
	fclose(file);
	boot[strcspn(boot, "\n")] = '\0';
	snprintf(out->identity, sizeof(out->identity), "%s-%" PRIu64, boot, status.id);
	gethostname(out->host, sizeof(out->host) - 1);
	out->size = status.msgsize;
	out->room = malloc(out->size + 1);
	if (!out->room)
		fail_errno("memory");
}

static void set_header(natsMsg *message, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	if (natsMsgHeader_Set(message, name, text) != NATS_OK)
		fail(EXIT_OTHER, "memory: out of it");
}

static natsMsg *wrap(struct out *out, const struct mbox_message *from)
{
	char reply[128], id[128];
	natsMsg *message;

	snprintf(reply, sizeof(reply), "%s.%" PRIu64, out->inbox, out->next);
	snprintf(id, sizeof(id), "%s-%" PRIu64, out->identity, from->sequence);
	if (natsMsg_Create(&message, out->bridge->subject, reply, from->data,
			   from->length) != NATS_OK ||
	    natsMsgHeader_Set(message, "Nats-Msg-Id", id) != NATS_OK ||
	    natsMsgHeader_Set(message, HEADER_HOST, out->host) != NATS_OK)
		fail(EXIT_OTHER, "memory: out of it");
	set_header(message, HEADER_TAG, from->tag);
	set_header(message, HEADER_PRIO, from->prio);
	set_header(message, HEADER_PID, from->pid);
	set_header(message, HEADER_UID, from->uid);
	return message;
}

/* Nothing is lost: it is in the mailbox, or in that of its dead letters. */
static void give_back(struct out *out, uint64_t delivery, enum exit_code code, const char *what)
{
	const char *name = shown(out->bridge->name);
	struct mbox_status status;

	mbox_return(out->bridge->mailbox, delivery);
	if (mbox_status(out->bridge->mailbox, &status) || !status.max_deliveries)
		fail(code, "%s: its next message %s, and stays there: 'mbox recv' takes it out, or 'mbox dead-letter' names a mailbox for such",
		     name, what);
	mention("%s: a message %s, and goes to the dead letters", name, what);
}

/* Return: whether it can be carried. */
static bool portable(struct out *out, const struct mbox_message *message)
{
	const char *what = message->flags & MBOX_CALL ? "waits for a reply, which cannot come back" :
			   message->nr_fds ? "has descriptors, which another machine cannot have" :
			   NULL;
	uint32_t i;

	for (i = 0; i < message->nr_fds; i++)
		close(out->fds[i].fd);
	if (what)
		give_back(out, message->delivery, EXIT_OTHER, what);
	return !what;
}

/* Return: whether there may be more. */
static bool take_in(struct out *out)
{
	struct mbox_message message = {
		.data = out->room,
		.size = out->size,
		.fds = out->fds,
		.room_fds = MBOX_FDS_MAX,
	};
	int error = mbox_recv_msg(out->bridge->mailbox, &message, MBOX_LEASE | MBOX_NONBLOCK, 0);

	if (error == -EPIPE)
		out->dry = true;
	else if (error && error != -EAGAIN && error != -EINTR)
		fail_on(out->bridge->name, "receive from it", error);
	if (error)
		return false;
	if (!portable(out, &message))
		return true;
	if (out->first == out->next)
		out->progress = now();
	*flight_of(out, out->next) = (struct flight) {
		.delivery = message.delivery,
		.message = wrap(out, &message),
	};
	out->next++;
	return true;
}

static void take_all_in(struct out *out)
{
	while (out->next - out->first < WINDOW && take_in(out))
		;
}

static void finish(struct out *out, struct flight *flight)
{
	flight->done = true;
	natsMsg_Destroy(flight->message);
	flight->message = NULL;
	while (out->first < out->next && flight_of(out, out->first)->done)
		out->first++;
	if (out->unsent < out->first)
		out->unsent = out->first;
}

static void stored(struct out *out, uint64_t number)
{
	struct flight *flight = flight_of(out, number);

	if (number < out->first || number >= out->next || flight->done)
		return;
	mbox_ack(out->bridge->mailbox, flight->delivery);
	out->progress = now();
	out->open |= number == out->first;
	finish(out, flight);
}

static void put_aside(struct out *out, struct flight *flight)
{
	char what[128];

	snprintf(what, sizeof(what), "has %d bytes, more than the server takes (max_payload %" PRId64 ")",
		 natsMsg_GetDataLength(flight->message),
		 natsConnection_GetMaxPayload(out->bridge->connection));
	give_back(out, flight->delivery, EXIT_TOO_LARGE, what);
	finish(out, flight);
}

/* Return: false if the connection is lost. */
static bool launch(struct out *out, struct flight *flight)
{
	natsStatus status = natsConnection_PublishMsg(out->bridge->connection, flight->message);

	if (status == NATS_MAX_PAYLOAD)
		put_aside(out, flight);
	return status == NATS_OK || status == NATS_MAX_PAYLOAD;
}

static void publish(struct out *out)
{
	while (out->unsent < out->next && (out->open || out->unsent == out->first)) {
		uint64_t number = out->unsent;
		struct flight *flight = flight_of(out, number);

		if (!flight->done && !launch(out, flight))
			return;
		/* The window may have moved on by itself. */
		if (out->unsent == number)
			out->unsent++;
	}
}

/* What is not stored is to be published once more. */
static void go_back(struct out *out)
{
	out->unsent = out->first;
	out->open = false;
	out->progress = now();
}

static void handle_events(struct out *out)
{
	struct event event;
	bool refused = false;

	while (read(event_fd(), &event, sizeof(event)) == sizeof(event)) {
		if (event.what == STORED)
			stored(out, event.number);
		refused |= event.what == REFUSED;
	}
	if (!refused)
		return;
	nap(RETRY_MS);
	go_back(out);
}

static void disconnect(struct out *out)
{
	natsSubscription_Destroy(out->answers);
	out->answers = NULL;
	server_disconnect(out->bridge);
}

/* Return: false if the end was asked for first. */
static bool connect_again(struct out *out)
{
	char subject[128];

	snprintf(subject, sizeof(subject), "%s.*", out->inbox);
	do {
		disconnect(out);
		if (!server_connect(out->bridge))
			return false;
	} while (natsConnection_Subscribe(&out->answers, out->bridge->connection, subject,
					  on_answer, NULL) != NATS_OK);
	go_back(out);
	return true;
}

static void wait_for_something(struct out *out, bool receive)
{
	struct pollfd fds[] = {
		{ .fd = event_fd(), .events = POLLIN },
		{ .fd = receive ? mbox_fd(out->bridge->mailbox) : -1, .events = POLLIN },
	};

	poll(fds, 2, RETRY_MS);
	if (fds[0].revents)
		handle_events(out);
	if (fds[1].revents)
		take_all_in(out);
}

/* Return: whether all is done that can be. */
static bool over(struct out *out, uint64_t *end)
{
	if (!stopping() && !out->dry)
		return false;
	if (stopping() && !*end)
		*end = now() + END_NS;
	return out->first == out->next || (*end && now() > *end);
}

int bridge_out(struct bridge *bridge)
{
	struct out out = { .bridge = bridge };
	uint64_t end = 0;

	if (natsInbox_Create(&out.inbox) != NATS_OK)
		fail(EXIT_OTHER, "memory: out of it");
	identify(&out);
	while (!over(&out, &end)) {
		if (server_lost(bridge) && !connect_again(&out))
			break;
		publish(&out);
		wait_for_something(&out, !stopping() && !out.dry &&
				   out.next - out.first < WINDOW);
		if (out.first < out.next && now() - out.progress > ANSWER_NS)
			go_back(&out);
	}
	disconnect(&out);
	natsInbox_Destroy(out.inbox);
	free(out.room);
	return EXIT_OK;
}
