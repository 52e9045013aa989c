// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * The server: a connection, and the stream on it.
 */
#include <string.h>

#include "bridge.h"
#include "fail.h"

/* For how long the stream knows a message that is published once more. */
#define DUPLICATES_NS	(10 * 60 * 1000000000LL)

static natsStatus make_options(const struct bridge *bridge, natsOptions **options)
{
	natsStatus status = natsOptions_Create(options);

	if (status == NATS_OK)
		status = natsOptions_SetURL(*options, bridge->url);
	if (status == NATS_OK)
		status = natsOptions_SetAllowReconnect(*options, false);
	if (status == NATS_OK)
		status = natsOptions_SetPingInterval(*options, 5000);
	if (status == NATS_OK && bridge->credentials)
		status = natsOptions_SetUserCredentialsFromFiles(*options, bridge->credentials,
								 NULL);
	return status;
}

static natsStatus make_stream(struct bridge *bridge, jsStreamInfo **info, jsErrCode *code)
{
	const char *subjects[] = { bridge->subject };
	jsStreamConfig config;
	natsStatus status = jsStreamConfig_Init(&config);

	config.Name = bridge->stream;
	config.Subjects = subjects;
	config.SubjectsLen = 1;
	config.Storage = js_FileStorage;
	config.Duplicates = DUPLICATES_NS;
	if (status == NATS_OK)
		status = js_AddStream(info, bridge->jetstream, &config, NULL, code);
	return status;
}

static natsStatus find_stream(struct bridge *bridge)
{
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus status = js_GetStreamInfo(&info, bridge->jetstream, bridge->stream, NULL, &code);

	if (status == NATS_NOT_FOUND)
		status = make_stream(bridge, &info, &code);
	/* One that another bridge just makes is told of before it has a date. */
	if (status == NATS_OK && !info->Created)
		status = NATS_TIMEOUT;
	if (status == NATS_OK) {
		bridge->created = info->Created;
		bridge->last = info->State.LastSeq;
	}
	jsStreamInfo_Destroy(info);
	return status;
}

static natsStatus try_connect(struct bridge *bridge)
{
	natsOptions *options = NULL;
	natsStatus status = make_options(bridge, &options);

	if (status == NATS_OK)
		status = natsConnection_Connect(&bridge->connection, options);
	natsOptions_Destroy(options);
	if (status == NATS_OK)
		status = natsConnection_JetStream(&bridge->jetstream, bridge->connection, NULL);
	if (status == NATS_OK)
		status = find_stream(bridge);
	return status;
}

/* What waiting does not mend. */
static void give_up_on(const struct bridge *bridge, natsStatus status)
{
	if (status == NATS_CONNECTION_AUTH_FAILED || status == NATS_NOT_PERMITTED)
		fail(EXIT_PERMISSION, "%s does not let this user in: name its credentials by --creds",
		     bridge->url);
	if (status == NATS_INVALID_ARG || status == NATS_ADDRESS_MISSING)
		fail(EXIT_USAGE, "'%s' is no server: it is as nats://HOST:PORT", bridge->url);
}

/* What JetStream says is more than the status tells. */
const char *server_problem(natsStatus status)
{
	return status == NATS_ERR ? nats_GetLastError(NULL) : natsStatus_GetText(status);
}

bool server_connect(struct bridge *bridge)
{
	while (!stopping()) {
		natsStatus status = try_connect(bridge);

		if (status == NATS_OK)
			return true;
		give_up_on(bridge, status);
		mention("%s, stream %s: %s; waiting for it", bridge->url, bridge->stream,
			server_problem(status));
		server_disconnect(bridge);
		nap(RETRY_MS);
	}
	return false;
}

bool server_lost(const struct bridge *bridge)
{
	return !bridge->connection || natsConnection_IsClosed(bridge->connection);
}

void server_disconnect(struct bridge *bridge)
{
	jsCtx_Destroy(bridge->jetstream);
	natsConnection_Destroy(bridge->connection);
	bridge->jetstream = NULL;
	bridge->connection = NULL;
}
