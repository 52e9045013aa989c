// SPDX-License-Identifier: GPL-2.0
/*
 * What holds for every ioctl alike: which descriptor knows it, the growth rule for its struct,
 * bits that have no meaning, and bad addresses of the struct. What a refused call did is looked
 * for in the objects and the names that the calls are about.
 */
#include "common.h"
#include "harness.h"

enum { ON_DEVICE, ON_MAILBOX, ON_SEGMENT, ON_STREAM, ON_CONNECTION, KINDS };

FIXTURE(ioctl) {
	int fd[KINDS];
	const char *fresh;	/* no object has it: what creates uses it */
	const char *known;	/* a mailbox has it */
	struct mbox_ioc_status mailbox;
	struct mbox_ioc_segment_status segment;
	struct mbox_ioc_status stream;
	struct mbox_ioc_status connection;
};

typedef FIXTURE_DATA(ioctl) fixture;

static __u32 number;
static struct mbox_ioc_msg batch_entry, next_entry;

union argument {
	struct mbox_ioc_create create;
	struct mbox_ioc_open open;
	struct mbox_ioc_unlink unlink;
	struct mbox_ioc_segment segment;
	struct mbox_ioc_set set;
	struct mbox_ioc_link link;
	struct mbox_ioc_msg msg;
	struct mbox_ioc_batch batch;
	struct mbox_ioc_exchange exchange;
	struct mbox_ioc_ack ack;
	struct mbox_ioc_status status;
	struct mbox_ioc_notify notify;
	struct mbox_ioc_snapshot snapshot;
	struct mbox_ioc_end end;
	struct mbox_ioc_ring ring;
	struct mbox_ioc_segment_status segment_status;
	struct mbox_ioc_join join;
	struct mbox_ioc_shutdown shutdown;
	struct mbox_ioc_peek peek;
	struct mbox_ioc_loan loan;
	struct mbox_ioc_pool pool;
	struct mbox_ioc_lent lent;
	unsigned char bytes[1 << _IOC_SIZEBITS];
};

static void fill_create(const fixture *f, union argument *arg)
{
	arg->create = mb_template(f->fresh, 1, O_RDWR | O_EXCL);
}

static void fill_open(const fixture *f, union argument *arg)
{
	arg->open = (struct mbox_ioc_open) {
		.name = addr(f->known), .oflag = O_RDWR, .kind = MBOX_MAILBOX };
}

static void fill_unlink(const fixture *f, union argument *arg)
{
	arg->unlink.name = addr(f->known);
}

static void fill_segment(const fixture *f, union argument *arg)
{
	arg->segment = seg_template(f->fresh, 1, O_RDWR | O_EXCL);
}

static void fill_set(const fixture *f, union argument *arg)
{
	arg->set = (struct mbox_ioc_set) { .fields = MBOX_SET_CAPACITY, .capacity = 7 };
}

static void fill_set_segment(const fixture *f, union argument *arg)
{
	arg->set = (struct mbox_ioc_set) { .fields = MBOX_SET_LENGTH, .length = 64 };
}

static void fill_set_stream(const fixture *f, union argument *arg)
{
	arg->set = (struct mbox_ioc_set) { .fields = MBOX_SET_CAPACITY, .capacity = 8192 };
}

static void fill_join(const fixture *f, union argument *arg)
{
	arg->join = (struct mbox_ioc_join) { .out = f->fd[ON_STREAM], .oflag = O_RDWR };
}

/* Of no bytes, which is there at once. */
static void fill_peek(const fixture *f, union argument *arg)
{
	arg->peek = (struct mbox_ioc_peek) { .buf = addr(&number), .flags = MBOX_NONBLOCK };
}

static void fill_shutdown(const fixture *f, union argument *arg)
{
	arg->shutdown.how = MBOX_SHUT_WRITE;
}

static void fill_link(const fixture *f, union argument *arg)
{
	arg->link.name = addr(f->fresh);
}

static void fill_msg(const fixture *f, union argument *arg)
{
	arg->msg = mb_msg(&number, sizeof(number), MBOX_NONBLOCK);
}

static void fill_batch(const fixture *f, union argument *arg)
{
	batch_entry = mb_msg(&number, sizeof(number), 0);
	arg->batch = (struct mbox_ioc_batch) {
		.msgs = addr(&batch_entry),
		.nr = 1,
		.msg_size = sizeof(batch_entry),
		.flags = MBOX_NONBLOCK,
	};
}

static void fill_call(const fixture *f, union argument *arg)
{
	batch_entry = mb_msg(&number, sizeof(number), 0);
	batch_entry.deadline = 1;
	next_entry = mb_msg(&number, sizeof(number), 0);
	arg->exchange = (struct mbox_ioc_exchange) {
		.send = addr(&batch_entry),
		.recv = addr(&next_entry),
		.msg_size = sizeof(batch_entry),
	};
}

/* Nothing was received that could be answered. */
static void fill_reply(const fixture *f, union argument *arg)
{
	next_entry = mb_msg(&number, sizeof(number), MBOX_NONBLOCK);
	arg->exchange = (struct mbox_ioc_exchange) {
		.recv = addr(&next_entry),
		.msg_size = sizeof(next_entry),
	};
}

static void fill_pool(const fixture *f, union argument *arg)
{
	arg->pool.buffer_size = 64;
}

static void fill_nothing(const fixture *f, union argument *arg)
{
}

/* Access mode 3, which is O_WRONLY | O_RDWR, has a meaning here. */
#define OFLAGS	(O_ACCMODE | O_NONBLOCK | O_CLOEXEC)

struct bits {
	size_t offset;
	size_t size;
	__u64 known;	/* bits that can be set beside what fill() set */
};

/* Of an object that is at hand. */
#define REOPEN_BITS { \
		BITS(mbox_ioc_open, name, 0),		\
		BITS(mbox_ioc_open, oflag, OFLAGS),	\
		BITS(mbox_ioc_open, kind, 0),		\
		BITS(mbox_ioc_open, pid, 0),		\
		BITS(mbox_ioc_open, __reserved, 0),	\
	}

#define BITS(type, field, known_) {				\
	.offset = offsetof(struct type, field),			\
	.size = sizeof(((struct type *)0)->field),		\
	.known = known_,					\
}

static const struct ioc {
	const char *name;
	unsigned long cmd;
	int on;
	bool writes;
	void (*fill)(const fixture *f, union argument *arg);
	struct bits bits[12];
} iocs[] = {
	{ "CREATE", MBOX_IOC_CREATE, ON_DEVICE, false, fill_create, {
		BITS(mbox_ioc_create, oflag, O_EXCL | OFLAGS),
		BITS(mbox_ioc_create, mode, 0777),
		BITS(mbox_ioc_create, flags,
		     MBOX_HANGUP | MBOX_BROADCAST | MBOX_LOSSY | MBOX_HANDLES |
		     MBOX_TRANSIENT | MBOX_TAGGED | MBOX_RINGS),
		BITS(mbox_ioc_create, __reserved, 0),
	} },
	{ "OPEN", MBOX_IOC_OPEN, ON_DEVICE, false, fill_open, {
		BITS(mbox_ioc_open, oflag, OFLAGS),
		BITS(mbox_ioc_open, kind, 3),
		BITS(mbox_ioc_open, pid, 0),
		BITS(mbox_ioc_open, __reserved, 0),
	} },
	{ "UNLINK", MBOX_IOC_UNLINK, ON_DEVICE, false, fill_unlink, { } },
	{ "SEGMENT", MBOX_IOC_SEGMENT, ON_DEVICE, false, fill_segment, {
		BITS(mbox_ioc_segment, oflag, O_EXCL | OFLAGS),
		BITS(mbox_ioc_segment, mode, 0777),
		BITS(mbox_ioc_segment, flags, MBOX_HUGEPAGE),
		BITS(mbox_ioc_segment, __reserved, 0),
	} },
	{ "SET on a mailbox", MBOX_IOC_SET, ON_MAILBOX, false, fill_set, {
		BITS(mbox_ioc_set, fields, 0xcf),
		BITS(mbox_ioc_set, mode, 0),
		BITS(mbox_ioc_set, uid, 0),
		BITS(mbox_ioc_set, gid, 0),
		BITS(mbox_ioc_set, capacity, ~0ULL),
		BITS(mbox_ioc_set, length, 0),
		BITS(mbox_ioc_set, seals, 0),
		BITS(mbox_ioc_set, dead_letter, 0),
		BITS(mbox_ioc_set, max_deliveries, 0),
		BITS(mbox_ioc_set, bytes, 0),
		BITS(mbox_ioc_set, __reserved, 0),
	} },
	{ "SET on a segment", MBOX_IOC_SET, ON_SEGMENT, false, fill_set_segment, {
		BITS(mbox_ioc_set, fields, 0x37),
		BITS(mbox_ioc_set, mode, 0),
		BITS(mbox_ioc_set, uid, 0),
		BITS(mbox_ioc_set, gid, 0),
		BITS(mbox_ioc_set, capacity, 0),
		BITS(mbox_ioc_set, seals, 0),
		BITS(mbox_ioc_set, dead_letter, 0),
		BITS(mbox_ioc_set, max_deliveries, 0),
		BITS(mbox_ioc_set, bytes, 0),
		BITS(mbox_ioc_set, __reserved, 0),
	} },
	{ "LINK on a mailbox", MBOX_IOC_LINK, ON_MAILBOX, false, fill_link, { } },
	{ "LINK on a segment", MBOX_IOC_LINK, ON_SEGMENT, false, fill_link, { } },
	{ "SEND", MBOX_IOC_SEND, ON_MAILBOX, false, fill_msg, {
		BITS(mbox_ioc_msg, deadline, ~0ULL >> 1),
		BITS(mbox_ioc_msg, flags,
		     MBOX_NONBLOCK | MBOX_REALTIME | MBOX_IOV | MBOX_SYNC |
		     MBOX_NORESTART | MBOX_ONCE | MBOX_LOAN),
		BITS(mbox_ioc_msg, prio, MBOX_PRIO_MAX),
		BITS(mbox_ioc_msg, index, 0),
		BITS(mbox_ioc_msg, nr_fds, 0xff),
		BITS(mbox_ioc_msg, delivery, 0),
		BITS(mbox_ioc_msg, lease, 0),
		BITS(mbox_ioc_msg, sequence, 0),
	} },
	{ "RECV", MBOX_IOC_RECV, ON_MAILBOX, true, fill_msg, {
		BITS(mbox_ioc_msg, deadline, ~0ULL >> 1),
		BITS(mbox_ioc_msg, flags,
		     MBOX_NONBLOCK | MBOX_REALTIME | MBOX_IOV | MBOX_PEEK |
		     MBOX_LEASE | MBOX_FROM | MBOX_ACK | MBOX_TAG |
		     MBOX_TAG_MOST | MBOX_TAG_EXCEPT | MBOX_NORESTART | MBOX_BELL),
		BITS(mbox_ioc_msg, index, 0),
		BITS(mbox_ioc_msg, nr_fds, 0xff),
		BITS(mbox_ioc_msg, lease, 0),
	} },
	{ "SEND_BATCH", MBOX_IOC_SEND_BATCH, ON_MAILBOX, false, fill_batch, {
		BITS(mbox_ioc_batch, deadline, ~0ULL >> 1),
		BITS(mbox_ioc_batch, flags,
		     MBOX_NONBLOCK | MBOX_REALTIME | MBOX_NORESTART),
		BITS(mbox_ioc_batch, __reserved, 0),
	} },
	{ "RECV_BATCH", MBOX_IOC_RECV_BATCH, ON_MAILBOX, false, fill_batch, {
		BITS(mbox_ioc_batch, deadline, ~0ULL >> 1),
		BITS(mbox_ioc_batch, flags,
		     MBOX_NONBLOCK | MBOX_REALTIME | MBOX_NORESTART),
		BITS(mbox_ioc_batch, __reserved, 0),
	} },
	{ "CALL", MBOX_IOC_CALL, ON_MAILBOX, false, fill_call, {
		BITS(mbox_ioc_exchange, __reserved, 0),
	} },
	{ "REPLY", MBOX_IOC_REPLY, ON_MAILBOX, false, fill_reply, {
		BITS(mbox_ioc_exchange, __reserved, 0),
	} },
	{ "ACK", MBOX_IOC_ACK, ON_MAILBOX, false, fill_nothing, {
		BITS(mbox_ioc_ack, flags, MBOX_RETURN),
		BITS(mbox_ioc_ack, __reserved, 0),
	} },
	{ "STATUS", MBOX_IOC_STATUS, ON_MAILBOX, true, fill_nothing, { } },
	{ "NOTIFY", MBOX_IOC_NOTIFY, ON_MAILBOX, false, fill_nothing, {
		BITS(mbox_ioc_notify, signo, 0x7f),
		BITS(mbox_ioc_notify, __reserved, 0),
	} },
	{ "SNAPSHOT", MBOX_IOC_SNAPSHOT, ON_MAILBOX, false, fill_nothing, {
		BITS(mbox_ioc_snapshot, oflag, O_NONBLOCK | O_CLOEXEC),
		BITS(mbox_ioc_snapshot, flags, 0),
	} },
	{ "END", MBOX_IOC_END, ON_MAILBOX, false, fill_nothing, {
		BITS(mbox_ioc_end, flags, 0),
		BITS(mbox_ioc_end, __reserved, 0),
	} },
	{ "RING", MBOX_IOC_RING, ON_MAILBOX, false, fill_nothing, {
		BITS(mbox_ioc_ring, flags, 0),
		BITS(mbox_ioc_ring, __reserved, 0),
	} },
	{ "LOAN", MBOX_IOC_LOAN, ON_MAILBOX, false, fill_nothing, {
		BITS(mbox_ioc_loan, oflag, O_NONBLOCK | O_CLOEXEC),
		BITS(mbox_ioc_loan, __reserved, 0),
	} },
	{ "POOL", MBOX_IOC_POOL, ON_SEGMENT, false, fill_pool, {
		BITS(mbox_ioc_pool, __reserved, 0),
	} },
	{ "LENT", MBOX_IOC_LENT, ON_SEGMENT, false, fill_nothing, {
		BITS(mbox_ioc_lent, __reserved, 0),
	} },
	{ "SEGMENT_STATUS", MBOX_IOC_SEGMENT_STATUS, ON_SEGMENT, true, fill_nothing, { } },
	{ "OPEN on a mailbox", MBOX_IOC_OPEN, ON_MAILBOX, false, fill_nothing, REOPEN_BITS },
	{ "OPEN on a segment", MBOX_IOC_OPEN, ON_SEGMENT, false, fill_nothing, REOPEN_BITS },
	{ "OPEN on a stream", MBOX_IOC_OPEN, ON_STREAM, false, fill_nothing, REOPEN_BITS },
	{ "SET on a stream", MBOX_IOC_SET, ON_STREAM, false, fill_set_stream, {
		BITS(mbox_ioc_set, fields, 0xf),
		BITS(mbox_ioc_set, mode, 0),
		BITS(mbox_ioc_set, uid, 0),
		BITS(mbox_ioc_set, gid, 0),
		BITS(mbox_ioc_set, length, 0),
		BITS(mbox_ioc_set, seals, 0),
		BITS(mbox_ioc_set, dead_letter, 0),
		BITS(mbox_ioc_set, max_deliveries, 0),
		BITS(mbox_ioc_set, bytes, 0),
		BITS(mbox_ioc_set, __reserved, 0),
	} },
	{ "LINK on a stream", MBOX_IOC_LINK, ON_STREAM, false, fill_link, { } },
	{ "STATUS of a stream", MBOX_IOC_STATUS, ON_STREAM, true, fill_nothing, { } },
	{ "JOIN", MBOX_IOC_JOIN, ON_STREAM, false, fill_join, {
		BITS(mbox_ioc_join, oflag, O_RDWR | O_NONBLOCK | O_CLOEXEC),
	} },
	{ "PEEK on a stream", MBOX_IOC_PEEK, ON_STREAM, false, fill_peek, {
		BITS(mbox_ioc_peek, flags, MBOX_NONBLOCK),
		BITS(mbox_ioc_peek, __reserved, 0),
	} },
	{ "PEEK on a connection", MBOX_IOC_PEEK, ON_CONNECTION, false, fill_peek, {
		BITS(mbox_ioc_peek, flags, MBOX_NONBLOCK),
		BITS(mbox_ioc_peek, __reserved, 0),
	} },
	{ "SHUTDOWN", MBOX_IOC_SHUTDOWN, ON_CONNECTION, false, fill_shutdown, {
		BITS(mbox_ioc_shutdown, how, MBOX_SHUT_READ | MBOX_SHUT_WRITE),
		BITS(mbox_ioc_shutdown, __reserved, 0),
	} },
	{ "STATUS of a connection", MBOX_IOC_STATUS, ON_CONNECTION, true, fill_nothing, { } },
};

#define for_each_ioc(ioc) for (ioc = iocs; ioc < iocs + ARRAY_SIZE(iocs); ioc++)

static int connection(void)
{
	int stream = st_create(NULL, O_RDWR);
	struct mbox_ioc_join join = { .out = stream, .oflag = O_RDWR };
	int fd = ctl(stream, MBOX_IOC_JOIN, &join);

	close(stream);
	return fd;
}

/* One that can be divided. */
static int sealed_segment(void)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_SEALS, .seals = MBOX_SEAL_SHRINK | MBOX_SEAL_GROW };
	int fd = seg_create(NULL, 64, O_RDWR);

	ctl(fd, MBOX_IOC_SET, &set);
	return fd;
}

/*
 * A mailbox with one message, a segment and a stream, all without a name, which they can be given
 * once; a connection; and one name that is known: what all of the calls need to work.
 */
static void prepare(struct __test_metadata *_metadata, fixture *f)
{
	close(mb_create(f->known, 1, O_RDWR));
	mb_unlink(f->fresh);
	close(f->fd[ON_MAILBOX]);
	close(f->fd[ON_SEGMENT]);
	close(f->fd[ON_STREAM]);
	close(f->fd[ON_CONNECTION]);
	f->fd[ON_MAILBOX] = mb_create(NULL, 2, O_RDWR);
	f->fd[ON_SEGMENT] = sealed_segment();
	f->fd[ON_STREAM] = st_create(NULL, O_RDWR);
	f->fd[ON_CONNECTION] = connection();
	ASSERT_LE(0, f->fd[ON_MAILBOX]);
	ASSERT_LE(0, f->fd[ON_SEGMENT]);
	ASSERT_LE(0, f->fd[ON_STREAM]);
	ASSERT_LE(0, f->fd[ON_CONNECTION]);
	ASSERT_EQ(0, mb_put(f->fd[ON_MAILBOX], 42, 0, MBOX_NONBLOCK));
	f->mailbox = mb_status(f->fd[ON_MAILBOX]);
	f->segment = seg_status(f->fd[ON_SEGMENT]);
	f->stream = mb_status(f->fd[ON_STREAM]);
	f->connection = mb_status(f->fd[ON_CONNECTION]);
}

static bool unchanged(const fixture *f)
{
	struct mbox_ioc_segment_status segment = seg_status(f->fd[ON_SEGMENT]);
	int known = mb_open(f->known, O_RDONLY), fresh = mb_open(f->fresh, O_RDONLY);

	close(known);
	return mb_unchanged(f->fd[ON_MAILBOX], &f->mailbox) &&
	       mb_unchanged(f->fd[ON_STREAM], &f->stream) &&
	       mb_unchanged(f->fd[ON_CONNECTION], &f->connection) &&
	       !memcmp(&segment, &f->segment, sizeof(segment)) &&
	       known >= 0 && fresh == -ENOENT;
}

static int call(fixture *f, const struct ioc *ioc, size_t size, const void *arg)
{
	int ret = ctl(f->fd[ioc->on], ioc_sized(ioc->cmd, size), arg);

	if ((ioc->on == ON_DEVICE || ioc->cmd == MBOX_IOC_SNAPSHOT ||
	     ioc->cmd == MBOX_IOC_OPEN || ioc->cmd == MBOX_IOC_JOIN) && ret > 0)
		close(ret);
	return ret < 0 ? ret : 0;
}

/* What a call with a good struct returns, where nobody answers it. */
static int good_result(unsigned long cmd)
{
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(MBOX_IOC_CALL):
		return -ETIMEDOUT;
	case _IOC_NR(MBOX_IOC_ACK):
	case _IOC_NR(MBOX_IOC_LOAN):
		return -ESTALE;
	case _IOC_NR(MBOX_IOC_RING):
		return -EOPNOTSUPP;
	/* Of a segment that is not divided. */
	case _IOC_NR(MBOX_IOC_LENT):
		return -ENOTTY;
	default:
		return 0;
	}
}

FIXTURE_SETUP(ioctl)
{
	self->fresh = unique_name("fresh");
	self->known = unique_name("known");
	self->fd[ON_DEVICE] = device();
	self->fd[ON_MAILBOX] = self->fd[ON_SEGMENT] = self->fd[ON_STREAM] = -1;
	self->fd[ON_CONNECTION] = -1;
	ASSERT_LE(0, self->fd[ON_DEVICE]);
	prepare(_metadata, self);
}

FIXTURE_TEARDOWN(ioctl)
{
	mb_unlink(self->known);
	mb_unlink(self->fresh);
}

#define EXPECT_CALL(expected, ioc, size, arg) do {				\
	int call_ = call(self, ioc, size, arg);					\
										\
	EXPECT_EQ(expected, call_)						\
		TH_LOG("%s, size %zu", (ioc)->name, (size_t)(size));		\
} while (0)

#define EXPECT_REFUSED(expected, ioc, size, arg) do {				\
	EXPECT_CALL(expected, ioc, size, arg);					\
	EXPECT_TRUE(unchanged(self))						\
		TH_LOG("%s, size %zu", (ioc)->name, (size_t)(size));		\
} while (0)

/* A call as the header has it works: else what follows here would prove nothing. */
TEST_F(ioctl, every_one_works)
{
	const struct ioc *ioc;

	for_each_ioc(ioc) {
		union argument arg = { 0 };

		prepare(_metadata, self);
		ioc->fill(self, &arg);
		EXPECT_CALL(good_result(ioc->cmd), ioc, _IOC_SIZE(ioc->cmd), &arg);
	}
}

static bool knows(int on, unsigned int nr)
{
	const struct ioc *ioc;

	for_each_ioc(ioc)
		if (ioc->on == on && _IOC_NR(ioc->cmd) == nr)
			return true;
	return false;
}

/* The numbers that a descriptor does not know are all but those in the table here. */
TEST_F(ioctl, number_not_known_to_the_descriptor_is_enotty)
{
	unsigned int nr, size;
	int on;

	for (on = 0; on < KINDS; on++) {
		for (nr = 0; nr < 256; nr++) {
			if (knows(on, nr))
				continue;
			for (size = 0; size < 300; size += 4) {
				unsigned long cmd = _IOC(_IOC_READ | _IOC_WRITE,
							 MBOX_IOC_TYPE, nr, size);

				EXPECT_EQ(-ENOTTY, ctl(self->fd[on], cmd, NULL))
					TH_LOG("number %u on kind %d", nr, on);
			}
		}
	}
}

TEST_F(ioctl, other_type_is_enotty)
{
	const struct ioc *ioc;

	for_each_ioc(ioc) {
		union argument arg = { 0 };

		prepare(_metadata, self);
		ioc->fill(self, &arg);
		EXPECT_EQ(-ENOTTY, ctl(self->fd[ioc->on],
				       ioc->cmd ^ (1UL << _IOC_TYPESHIFT), &arg));
		EXPECT_TRUE(unchanged(self));
	}
}

TEST_F(ioctl, wrong_kind_of_descriptor_is_enotty)
{
	const struct ioc *ioc;
	int pipes[2], on;

	ASSERT_EQ(0, pipe(pipes));
	for_each_ioc(ioc) {
		union argument arg = { 0 };

		prepare(_metadata, self);
		ioc->fill(self, &arg);
		for (on = 0; on < KINDS; on++) {
			if (knows(on, _IOC_NR(ioc->cmd)))
				continue;
			EXPECT_EQ(-ENOTTY, ctl(self->fd[on], ioc->cmd, &arg));
		}
		EXPECT_EQ(-ENOTTY, ctl(pipes[0], ioc->cmd, &arg));
		EXPECT_TRUE(unchanged(self));
	}
}

/* What a struct was when it was first published, which callers go on with for ever. */
static size_t first_size(unsigned long cmd)
{
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(MBOX_IOC_OPEN):
		return offsetof(struct mbox_ioc_open, pid);
	case _IOC_NR(MBOX_IOC_SEND):
	case _IOC_NR(MBOX_IOC_RECV):
		return offsetof(struct mbox_ioc_msg, gid) + 4;
	case _IOC_NR(MBOX_IOC_SET):
		return offsetof(struct mbox_ioc_set, dead_letter) + 4;
	case _IOC_NR(MBOX_IOC_STATUS):
		return offsetof(struct mbox_ioc_status, flags) + 4;
	case _IOC_NR(MBOX_IOC_SEGMENT_STATUS):
		return offsetof(struct mbox_ioc_segment_status, __reserved) + 4;
	default:
		return _IOC_SIZE(cmd);
	}
}

TEST_F(ioctl, struct_as_first_published_works)
{
	const struct ioc *ioc;

	for_each_ioc(ioc) {
		union argument arg = { 0 };

		prepare(_metadata, self);
		ioc->fill(self, &arg);
		EXPECT_CALL(good_result(ioc->cmd), ioc, first_size(ioc->cmd), &arg);
	}
}

TEST_F(ioctl, short_struct_is_einval)
{
	const struct ioc *ioc;

	for_each_ioc(ioc) {
		union argument arg = { 0 };

		prepare(_metadata, self);
		ioc->fill(self, &arg);
		EXPECT_REFUSED(-EINVAL, ioc, first_size(ioc->cmd) - 1, &arg);
		EXPECT_REFUSED(-EINVAL, ioc, 0, &arg);
	}
}

TEST_F(ioctl, long_struct_of_zeros_works)
{
	const struct ioc *ioc;

	for_each_ioc(ioc) {
		size_t sizes[] = { _IOC_SIZE(ioc->cmd) + 1, sizeof(union argument) - 1 }, i;

		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			union argument arg = { 0 };

			prepare(_metadata, self);
			ioc->fill(self, &arg);
			EXPECT_CALL(good_result(ioc->cmd), ioc, sizes[i], &arg);
		}
	}
}

TEST_F(ioctl, long_struct_with_a_byte_set_is_e2big)
{
	const struct ioc *ioc;

	for_each_ioc(ioc) {
		size_t size = _IOC_SIZE(ioc->cmd), max = sizeof(union argument) - 1;
		union argument arg = { 0 };

		prepare(_metadata, self);
		ioc->fill(self, &arg);
		arg.bytes[size] = 1;
		EXPECT_REFUSED(-E2BIG, ioc, size + 1, &arg);
		arg.bytes[size] = 0;
		arg.bytes[max - 1] = 0x80;
		EXPECT_REFUSED(-E2BIG, ioc, max, &arg);
	}
}

TEST_F(ioctl, bad_address_is_efault)
{
	unsigned char *page = shared_memory(2 * getpagesize());
	const struct ioc *ioc;

	ASSERT_EQ(0, munmap(page + getpagesize(), getpagesize()));
	for_each_ioc(ioc) {
		size_t size = _IOC_SIZE(ioc->cmd);
		unsigned char *across = page + getpagesize() - size + 1;
		union argument arg = { 0 };

		prepare(_metadata, self);
		EXPECT_REFUSED(-EFAULT, ioc, size, NULL);
		EXPECT_REFUSED(-EFAULT, ioc, size, page + getpagesize());
		/* The last page of the address space is the kernel's, on all of them. */
		EXPECT_REFUSED(-EFAULT, ioc, size, (void *)-4096L);
		ioc->fill(self, &arg);
		memcpy(across, &arg, size - 1);
		EXPECT_REFUSED(-EFAULT, ioc, size, across);
	}
}

TEST_F(ioctl, read_only_struct_is_efault_where_it_is_written)
{
	union argument *arg = shared_memory(sizeof(*arg));
	const struct ioc *ioc;

	for_each_ioc(ioc) {
		size_t size = _IOC_SIZE(ioc->cmd);

		prepare(_metadata, self);
		ASSERT_EQ(0, mprotect(arg, sizeof(*arg), PROT_READ | PROT_WRITE));
		memset(arg, 0, sizeof(*arg));
		ioc->fill(self, arg);
		ASSERT_EQ(0, mprotect(arg, sizeof(*arg), PROT_READ));
		if (ioc->writes) {
			EXPECT_REFUSED(-EFAULT, ioc, size, arg);
		} else {
			EXPECT_CALL(good_result(ioc->cmd), ioc, size, arg);
		}
	}
}

static void flip(union argument *arg, const struct bits *bits, unsigned int bit)
{
	/* Little endian or big: the bytes of a value go with its size. */
	if (bits->size == sizeof(__u64))
		*(__u64 *)(arg->bytes + bits->offset) |= 1ULL << bit;
	else
		*(__u32 *)(arg->bytes + bits->offset) |= 1U << bit;
}

TEST_F(ioctl, unknown_bit_is_einval)
{
	const struct ioc *ioc;
	const struct bits *bits;
	unsigned int bit;

	for_each_ioc(ioc) {
		for (bits = ioc->bits; bits->size; bits++) {
			for (bit = 0; bit < bits->size * 8; bit++) {
				union argument arg = { 0 };

				if (bits->known >> bit & 1)
					continue;
				prepare(_metadata, self);
				ioc->fill(self, &arg);
				flip(&arg, bits, bit);
				EXPECT_REFUSED(-EINVAL, ioc, _IOC_SIZE(ioc->cmd), &arg);
			}
		}
	}
}

TEST_HARNESS_MAIN
