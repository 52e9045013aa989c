// SPDX-License-Identifier: GPL-2.0
/* Arguments and results in segments, as they should be and as somebody hostile makes them. */
#include "rpc_service.h"
#include "harness.h"

#include <arpa/inet.h>

#define PAGE	4096

FIXTURE(payload) {
	struct service service;
	struct mbox *mb;
	struct raw raw;
	struct mbox_segment *segment;
	uint32_t *map;
	size_t size;
	int our_fds;
	long long references;
};

FIXTURE_SETUP(payload)
{
	ASSERT_EQ(0, service_start(&self->service, "payload", 1));
	ASSERT_EQ(0, mbox_open(&self->mb, self->service.name, O_WRONLY));
	self->our_fds = fds_open();
	self->references = module_refcount();
}

FIXTURE_TEARDOWN(payload)
{
	if (self->segment) {
		mbox_segment_unmap(self->map, self->size);
		mbox_segment_close(self->segment);
	}
	/* The server, which is this process too, keeps nothing. */
	RAW_CALL(&self->raw, SERVICE_V4, NULLPROC);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS);
	EXPECT_TRUE(wait_until(module_refcount() == self->references));
	EXPECT_EQ(self->our_fds, fds_open());
	mbox_close(self->mb);
	EXPECT_EQ(0, service_stop(&self->service));
}

#define MAKE_SEGMENT(length, seals) do {					\
	ASSERT_EQ(0, mbox_segment_create(&self->segment, NULL, O_RDWR, 0600, length, 0)); \
	ASSERT_EQ(0, mbox_segment_seal(self->segment, seals));			\
	ASSERT_EQ(0, mbox_segment_map(self->segment, PROT_READ | PROT_WRITE,	\
				      (void **)&self->map, &self->size));	\
} while (0)

/* A call whose arguments are the first @length bytes of what @descriptor is of. */
static void build_call(FIXTURE_DATA(payload) *self, uint32_t proc, int descriptor, __u64 length)
{
	RAW_CALL(&self->raw, SERVICE_V4, proc);
	self->raw.request[1] = RAW_SEGMENT;
	self->raw.request[4] = length >> 32;
	self->raw.request[5] = (uint32_t)length;
	self->raw.fds[0] = (struct mbox_fd) { .fd = descriptor };
	self->raw.nr_fds = 1;
}

TEST_F(payload, arguments_can_be_in_a_segment)
{
	MAKE_SEGMENT(8, MBOX_SEAL_SHRINK);
	self->map[0] = htonl(5);
	self->map[1] = htonl(7);
	build_call(self, ADD, mbox_segment_fd(self->segment), 8);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS, 12);
	build_call(self, ADD, mbox_segment_fd(self->segment), 4);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, GARBAGE_ARGS);
}

TEST_F(payload, segment_has_to_be_as_long_as_it_is_said_to_be)
{
	static const __u64 lengths[] = {
		0, PAGE + 1, MBOX_RPC_MAX, MBOX_RPC_MAX + 1ULL, 1ULL << 32, 1ULL << 63, ~0ULL,
	};
	unsigned int i;

	MAKE_SEGMENT(PAGE, MBOX_SEAL_SHRINK);
	for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		build_call(self, ADD, mbox_segment_fd(self->segment), lengths[i]);
		EXPECT_REFUSED(&self->raw, self->mb);
	}
	build_call(self, ADD, mbox_segment_fd(self->segment), PAGE);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS, 0);
}

TEST_F(payload, segment_has_to_be_sealed)
{
	MAKE_SEGMENT(PAGE, MBOX_SEAL_GROW);
	build_call(self, ADD, mbox_segment_fd(self->segment), 8);
	EXPECT_REFUSED(&self->raw, self->mb);
}

TEST_F(payload, segment_has_to_be_there_and_to_be_one)
{
	int pipe_fds[2];

	ASSERT_EQ(0, pipe(pipe_fds));
	build_call(self, ADD, pipe_fds[0], 8);
	EXPECT_REFUSED(&self->raw, self->mb);
	build_call(self, ADD, mbox_fd(self->mb), 8);
	EXPECT_REFUSED(&self->raw, self->mb);
	self->raw.nr_fds = 0;
	EXPECT_REFUSED(&self->raw, self->mb);
	/* Arguments at both places. */
	MAKE_SEGMENT(PAGE, MBOX_SEAL_SHRINK);
	RAW_CALL(&self->raw, SERVICE_V4, ADD, 5, 7);
	self->raw.request[1] = RAW_SEGMENT;
	self->raw.request[5] = 8;
	self->raw.fds[0] = (struct mbox_fd) { .fd = mbox_segment_fd(self->segment) };
	self->raw.nr_fds = 1;
	EXPECT_REFUSED(&self->raw, self->mb);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

TEST_F(payload, results_that_the_caller_has_no_room_for)
{
	RAW_CALL(&self->raw, SERVICE_V4, FILL, 100000);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SYSTEM_ERR);
	RAW_CALL(&self->raw, SERVICE_V4, FILL, MBOX_RPC_MAX);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SYSTEM_ERR);
}

/* A list of @nodes numbers. */
static void fill_list(uint32_t *map, unsigned int nodes)
{
	unsigned int i;

	for (i = 0; i < nodes; i++) {
		map[2 * i] = htonl(i);
		map[2 * i + 1] = htonl(i + 1 < nodes);
	}
}

TEST_F(payload, lists_are_decoded_as_deep_as_the_stack_is)
{
	MAKE_SEGMENT(8000000, MBOX_SEAL_SHRINK);
	fill_list(self->map, 10000);
	build_call(self, COUNT, mbox_segment_fd(self->segment), 80000);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, SUCCESS, 10000);
	fill_list(self->map, 1000000);
	build_call(self, COUNT, mbox_segment_fd(self->segment), 8000000);
	EXPECT_REPLY(&self->raw, self->mb, RAW_ACCEPTED, GARBAGE_ARGS);
}

struct changer {
	_Atomic bool stop;
	volatile uint32_t *word;
};

/* The length of what is echoed, now right and now far too much. */
static void *change(void *arg)
{
	struct changer *changer = arg;

	while (!changer->stop) {
		*changer->word = htonl(8);
		*changer->word = htonl(1 << 20);
	}
	return NULL;
}

TEST_F(payload, arguments_that_change_while_they_are_read)
{
	struct changer changer = { .stop = false };
	pthread_t thread;
	int i, words;

	MAKE_SEGMENT(PAGE, MBOX_SEAL_SHRINK);
	changer.word = self->map;
	*changer.word = htonl(8);
	ASSERT_EQ(0, pthread_create(&thread, NULL, change, &changer));
	for (i = 0; i < 500; i++) {
		build_call(self, ECHO, mbox_segment_fd(self->segment), 12);
		words = raw_ask(&self->raw, self->mb);
		EXPECT_TRUE(words == 6 || words == 9);
		if (words == 9)
			EXPECT_EQ(8, self->raw.reply[RAW_ENVELOPE + 6]);
	}
	changer.stop = true;
	pthread_join(thread, NULL);
}

TEST_F(payload, large_ones_come_and_go_and_leave_nothing)
{
	CLIENT *clnt = service_client(self->service.name);
	static char data[1 << 20];
	int i;

	ASSERT_NE(NULL, clnt);
	for (i = 0; i < 20; i++) {
		blob arg = { .blob_len = sizeof(data) - i * 1000, .blob_val = data };
		blob result = { .blob_len = 0 };

		pattern_fill(data, arg.blob_len, i + 1);
		ASSERT_EQ(RPC_SUCCESS, echo_4(&arg, &result, clnt));
		ASSERT_EQ(arg.blob_len, result.blob_len);
		EXPECT_TRUE(pattern_check(result.blob_val, result.blob_len, i + 1));
		xdr_free((xdrproc_t)(void *)xdr_blob, &result);
	}
	auth_destroy(clnt->cl_auth);
	clnt_destroy(clnt);
}

/* A server that says what the test wants. */
struct liar {
	struct mbox *mb;
	struct raw raw;
	pthread_t thread;
};

static void *lie(void *arg)
{
	struct liar *liar = arg;
	struct mbox_fd fds[2];
	static uint32_t room[20000];
	struct mbox_message msg = {
		.data = room, .size = sizeof(room), .fds = fds, .room_fds = 2,
	};
	struct mbox_message reply;

	if (mbox_recv(liar->mb, &msg))
		return NULL;
	liar->raw.request[RAW_ENVELOPE] = ntohl(room[RAW_ENVELOPE]);
	reply = raw_message(&liar->raw);
	reply.delivery = msg.delivery;
	mbox_reply(liar->mb, &reply);
	return NULL;
}

static enum clnt_stat ask_liar(struct liar *liar, CLIENT *clnt)
{
	u_int length = 1;
	blob result = { .blob_len = 0 };
	enum clnt_stat status;

	if (pthread_create(&liar->thread, NULL, lie, liar))
		return RPC_SYSTEMERROR;
	status = fill_4(&length, &result, clnt);
	pthread_join(liar->thread, NULL);
	xdr_free((xdrproc_t)(void *)xdr_blob, &result);
	return status;
}

TEST_F(payload, servers_can_lie_too)
{
	const struct mbox_attr attr = { .capacity = 4, .msgsize = 70000, .flags = MBOX_HANDLES };
	const char *name = unique_name("liar");
	struct liar liar;
	CLIENT *clnt;

	ASSERT_EQ(0, mbox_create(&liar.mb, name, O_RDWR, 0600, &attr));
	clnt = service_client(name);
	ASSERT_NE(NULL, clnt);
	RAW_BUILD(&liar.raw, RAW_ACCEPTED, SUCCESS, 1, 0x61000000);
	EXPECT_EQ(RPC_SUCCESS, ask_liar(&liar, clnt));
	RAW_BUILD(&liar.raw, RAW_ACCEPTED, SUCCESS, 5, 0x61000000);
	EXPECT_EQ(RPC_CANTDECODERES, ask_liar(&liar, clnt));
	RAW_BUILD(&liar.raw, RAW_ACCEPTED);
	EXPECT_EQ(RPC_CANTDECODERES, ask_liar(&liar, clnt));
	RAW_BUILD(&liar.raw, 0);
	liar.raw.request[0] = 2;
	EXPECT_EQ(RPC_CANTDECODERES, ask_liar(&liar, clnt));
	RAW_BUILD(&liar.raw, 0);
	liar.raw.request[1] = RAW_REFUSED;
	EXPECT_EQ(RPC_CANTSEND, ask_liar(&liar, clnt));
	EXPECT_EQ(EPROTO, clnt_errno(clnt));

	MAKE_SEGMENT(PAGE, 0);
	RAW_BUILD(&liar.raw, RAW_ACCEPTED, SUCCESS);
	liar.raw.request[1] = RAW_SEGMENT;
	liar.raw.request[5] = 8;
	liar.raw.fds[0] = (struct mbox_fd) { .fd = mbox_segment_fd(self->segment) };
	liar.raw.nr_fds = 1;
	EXPECT_EQ(RPC_CANTDECODERES, ask_liar(&liar, clnt));
	ASSERT_EQ(0, mbox_segment_seal(self->segment, MBOX_SEAL_SHRINK));
	EXPECT_EQ(RPC_SUCCESS, ask_liar(&liar, clnt));
	liar.raw.request[5] = PAGE + 4;
	EXPECT_EQ(RPC_CANTDECODERES, ask_liar(&liar, clnt));

	auth_destroy(clnt->cl_auth);
	clnt_destroy(clnt);
	mbox_close(liar.mb);
	mbox_unlink(name);
}

TEST_HARNESS_MAIN
