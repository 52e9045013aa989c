// SPDX-License-Identifier: GPL-2.0
/* The bad network of the tests of libmbox-rpc. */
#include "rpc_relay.h"
#include "rpc_service.h"

#define THREADS	8
#define ROOM	4096

static struct {
	struct mbox *front;
	const char *back;
	struct relay_faults faults;
	_Atomic pid_t *server;
} relay;

/* What a thread knows: the server, its own dice, and a request that it may send again. */
struct line {
	struct mbox *back;
	__u32 seed;
	char request[ROOM];
	char reply[ROOM];
	char kept[ROOM];
	size_t kept_length;
};

static bool one_in(struct line *line, unsigned int n)
{
	return n && prng(&line->seed) % n == 0;
}

static bool happens(struct line *line, unsigned int percent)
{
	return prng(&line->seed) % 100 < percent;
}

/* The server has a new mailbox after each death. */
static int ask(struct line *line, const void *data, size_t length, struct mbox_message *reply)
{
	const struct mbox_message request = { .data = (void *)data, .length = length };
	int ret;

	if (!line->back) {
		ret = mbox_open(&line->back, relay.back, O_WRONLY);
		if (ret)
			return ret;
	}
	*reply = (struct mbox_message) { .data = line->reply, .size = sizeof(line->reply) };
	ret = mbox_call(line->back, &request, reply, 0,
			mbox_deadline_in(WAIT_LIMIT_S * NS_PER_S));
	if (ret) {
		mbox_close(line->back);
		line->back = NULL;
	}
	return ret;
}

static void kill_server(void)
{
	const pid_t pid = *relay.server;

	if (pid)
		kill(pid, SIGKILL);
}

static void send_late(struct line *line)
{
	struct mbox_message reply;

	if (line->kept_length && happens(line, relay.faults.late))
		ask(line, line->kept, line->kept_length, &reply);
}

static void keep(struct line *line, const struct mbox_message *request)
{
	if (!one_in(line, 10))
		return;
	memcpy(line->kept, request->data, request->length);
	line->kept_length = request->length;
}

/* Others overtake. */
static void linger(struct line *line)
{
	if (happens(line, relay.faults.delayed))
		usleep(prng(&line->seed) % relay.faults.delay_us);
}

static void pass_on(struct line *line, const struct mbox_message *request)
{
	struct mbox_message reply;
	int ret;

	if (happens(line, relay.faults.lost))
		return;
	linger(line);
	ret = ask(line, request->data, request->length, &reply);
	if (!ret && happens(line, relay.faults.doubled))
		ret = ask(line, request->data, request->length, &reply);
	if (!ret && one_in(line, relay.faults.kills_one_in)) {
		kill_server();
		return;
	}
	if (ret || happens(line, relay.faults.lost_replies))
		return;
	linger(line);
	reply.delivery = request->delivery;
	mbox_reply(relay.front, &reply);
}

static void *run(void *arg)
{
	struct line line = { .seed = 1 + (__u32)(uintptr_t)arg };

	for (;;) {
		struct mbox_message request = { .data = line.request, .size = sizeof(line.request) };

		if (mbox_recv_msg(relay.front, &request, 0, 0))
			return NULL;
		pass_on(&line, &request);
		send_late(&line);
		keep(&line, &request);
	}
}

static void relay_run(void)
{
	pthread_t threads[THREADS];
	uintptr_t i;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run, (void *)(i * 7919)))
			_exit(1);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(1);
}

pid_t relay_fork(const char *front, const char *back, const struct relay_faults *faults,
		 _Atomic pid_t *server)
{
	const struct mbox_attr attr = {
		.capacity = 1024, .msgsize = ROOM, .flags = MBOX_TRANSIENT,
	};
	pid_t pid;

	relay.back = back;
	relay.faults = *faults;
	relay.server = server;
	if (mbox_create(&relay.front, front, O_RDWR | O_EXCL, 0600, &attr))
		return -1;
	pid = child_fork();
	if (!pid)
		relay_run();
	mbox_close(relay.front);
	return pid;
}
