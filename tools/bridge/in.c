// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Out of a stream into a mailbox. The consumer has one message under way at a time:
 * with more a stream gives those again that were lost on their way only after
 * later ones. It is acknowledged when the mailbox has it. The mailbox knows what it
 * has by its number, so one that comes again is done with already.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge.h"
#include "fail.h"
#include "format.h"

/* When the stream gives a message again that was not acknowledged. */
#define ACK_WAIT_NS	1000000000LL

/* How long a call waits before it is looked whether the end was asked for. */
#define TURN_MS		250

/*
 * The same where the server answers. One that is too slow for a request would be
 * too slow for the next, and nothing would ever come.
 */
#define FETCH_MS	2000

/*
 * Two that bring messages would have each other's numbers refused. So each holds a
 * name that there is once for a mailbox, and that goes with it, however it ends.
 */
static struct mbox *claim(const struct bridge *bridge)
{
	const struct mbox_attr attr = { .flags = MBOX_TRANSIENT };
	struct mbox_status status;
	struct mbox *claim;
	char name[64];
	int error = mbox_status(bridge->mailbox, &status);

	if (error)
		fail_on(bridge->name, "look at it", error);
	snprintf(name, sizeof(name), "bridge-in:%" PRIu64, status.id);
	error = mbox_create(&claim, name, O_RDONLY | O_EXCL, 0600, &attr);
	if (error == -EEXIST)
		fail(EXIT_EXISTS, "%s: another 'mbox bridge in' brings messages there", shown(bridge->name));
	if (error)
		fail_create(name, "max_mailboxes", error);
	return claim;
}

/* Of this machine and mailbox, so that it goes on where it was. */
static void name_consumer(const struct bridge *bridge, char *name, size_t size)
{
	char text[512], host[80] = "";
	size_t length = 0;
	const char *c;

	gethostname(host, sizeof(host) - 1);
	snprintf(text, sizeof(text), "%s-%s", host, bridge->name + (*bridge->name == '/'));
	for (c = text; *c && length + 4 < size; c++)
		length += snprintf(name + length, size - length,
				   strchr(".*>/\\ =\t", *c) ? "=%02X" : "%c", (unsigned char)*c);
}

static uint64_t header(natsMsg *message, const char *name, uint64_t most)
{
	const char *text;
	uint64_t value;

	if (natsMsgHeader_Get(message, name, &text) != NATS_OK)
		return 0;
	value = strtoull(text, NULL, 10);
	return value > most ? most : value;
}

/* Return: 0 if the mailbox has it. */
static int deliver(const struct bridge *bridge, const struct mbox_message *message)
{
	int error;

	do {
		error = mbox_send_msg(bridge->mailbox, message, MBOX_ONCE,
				      mbox_deadline_in(TURN_MS * 1000000ULL));
		if (error == -EDQUOT || error == -ENOMEM) {
			mention("%s: %s; waiting", shown(bridge->name), mbox_strerror(error));
			nap(TURN_MS);
			error = -ETIMEDOUT;
		}
	} while ((error == -ETIMEDOUT || error == -EINTR) && !stopping());
	return error == -EEXIST ? 0 : error;
}

static void check(const struct bridge *bridge, const struct mbox_message *message, int error)
{
	if (error == -EMSGSIZE)
		fail(EXIT_TOO_LARGE, "%s: the next message has %zu bytes, more than it takes, and stays in the stream: 'mbox create' it with a larger --msgsize",
		     shown(bridge->name), message->length);
	if (error && error != -ETIMEDOUT && error != -EINTR)
		fail_on(bridge->name, "send to it", error);
}

/*
 * A stream that was made anew counts from 1 again, so when it was made counts too.
 * The mailbox would take for repeated what comes of a stream that is older than
 * another one whose messages it has.
 */
static uint64_t number(const struct bridge *bridge, uint64_t in_stream)
{
	return bridge->created + in_stream;
}

static void check_numbers(const struct bridge *bridge)
{
	struct mbox_status status;
	int error = mbox_status(bridge->mailbox, &status);

	if (error)
		fail_on(bridge->name, "look at it", error);
	if (status.sequence > number(bridge, bridge->last))
		fail(EXIT_EXISTS, "%s: it has messages of a newer stream than '%s', or by 'mbox send --once', and would take these for repeated ones: 'mbox create' another",
		     shown(bridge->name), bridge->stream);
}

static void bring(const struct bridge *bridge, natsMsg *from)
{
	struct mbox_message message = {
		.data = (void *)natsMsg_GetData(from),
		.length = natsMsg_GetDataLength(from),
		.tag = header(from, HEADER_TAG, UINT64_MAX),
		.prio = header(from, HEADER_PRIO, MBOX_PRIO_MAX),
	};
	jsMsgMetaData *meta;
	int error;

	if (natsMsg_GetMetaData(&meta, from) != NATS_OK)
		return;
	message.sequence = number(bridge, meta->Sequence.Stream);
	jsMsgMetaData_Destroy(meta);
	error = deliver(bridge, &message);
	if (!error)
		natsMsg_Ack(from, NULL);
	check(bridge, &message, error);
}

static natsStatus subscribe(const struct bridge *bridge, natsSubscription **subscription)
{
	char consumer[512];
	jsSubOptions options;
	jsErrCode code = 0;

	jsSubOptions_Init(&options);
	name_consumer(bridge, consumer, sizeof(consumer));
	options.Stream = bridge->stream;
	options.Config.MaxAckPending = 1;
	options.Config.AckWait = ACK_WAIT_NS;
	return js_PullSubscribe(subscription, bridge->jetstream, bridge->subject, consumer, NULL,
				&options, &code);
}

/* Until the connection is lost, or the end was asked for. */
static void bring_all(const struct bridge *bridge, natsSubscription *subscription)
{
	natsStatus status = NATS_OK;
	jsErrCode code;

	while (!stopping() && (status == NATS_OK || status == NATS_TIMEOUT)) {
		natsMsgList list = { 0 };

		status = natsSubscription_Fetch(&list, subscription, 1, FETCH_MS, &code);
		if (status == NATS_OK && list.Count)
			bring(bridge, list.Msgs[0]);
		natsMsgList_Destroy(&list);
	}
}

int bridge_in(struct bridge *bridge)
{
	struct mbox *held = claim(bridge);

	while (server_connect(bridge)) {
		natsSubscription *subscription = NULL;
		natsStatus status;

		check_numbers(bridge);
		status = subscribe(bridge, &subscription);
		if (status == NATS_OK) {
			bring_all(bridge, subscription);
		} else {
			mention("%s, stream %s: %s; trying again", bridge->url, bridge->stream,
				server_problem(status));
			nap(RETRY_MS);
		}
		natsConnection_FlushTimeout(bridge->connection, TURN_MS);
		natsSubscription_Destroy(subscription);
		server_disconnect(bridge);
	}
	mbox_close(held);
	return EXIT_OK;
}
