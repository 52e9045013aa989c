// SPDX-License-Identifier: GPL-2.0
/*
 * Mailboxes that only messages hold: freed when nobody can get at these messages, and left alone
 * as long as anybody can. That a mailbox is gone shows in /proc/net/mbox; that the collector has
 * been there and let one live shows when garbage of the same time is gone.
 */
#include "common.h"
#include "harness.h"

#include <sys/epoll.h>
#include <sys/socket.h>

/* Is there a mailbox with that number? */
static bool alive(__u64 id)
{
	static char text[1 << 20];
	char kind[16], *line, *rest;
	unsigned long long number;

	if (read_text("/proc/net/mbox", text, sizeof(text)) < 0)
		return true;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (sscanf(line, "%15s %llu", kind, &number) == 2 && number == id)
			return true;
	return false;
}

#define wait_gone(id) wait_until(!alive(id))

struct box {
	int fd;
	__u64 id;
};

static struct box box_create(int oflag)
{
	struct box box = { .fd = mb_carrier(MBOX_UNBOUNDED, oflag | O_NONBLOCK) };

	box.id = mb_status(box.fd).id;
	return box;
}

/* Send @what's descriptor to @to. */
static int put_box(const struct box *to, const struct box *what)
{
	return mb_put_fd(to->fd, what->fd, 0);
}

/* Leave a mailbox behind that holds itself, and wait until the collector has found it. */
static bool collected_once(void)
{
	struct box box = box_create(O_RDWR);

	if (put_box(&box, &box))
		return false;
	close(box.fd);
	return wait_gone(box.id);
}

FIXTURE(collect) {
	int pipe[2];
};

FIXTURE_SETUP(collect)
{
	ASSERT_LE(0, device());
	ASSERT_EQ(0, pipe2(self->pipe, O_NONBLOCK));
}

FIXTURE_TEARDOWN(collect)
{
}

static bool ended(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 0;
}

TEST_F(collect, mailbox_that_holds_itself)
{
	struct box box = box_create(O_RDWR);

	ASSERT_EQ(0, put_box(&box, &box));
	EXPECT_TRUE(alive(box.id));
	close(box.fd);
	EXPECT_TRUE(wait_gone(box.id));
}

TEST_F(collect, ring_of_any_length)
{
	struct box ring[40];
	int length, i;

	for (length = 2; length <= 40; length = length < 3 ? 3 : length * 3) {
		for (i = 0; i < length; i++)
			ring[i] = box_create(O_RDWR);
		for (i = 0; i < length; i++)
			ASSERT_EQ(0, put_box(&ring[i], &ring[(i + 1) % length]));
		/* What else is in their messages goes with them. */
		ASSERT_EQ(0, mb_put_fd(ring[0].fd, self->pipe[1], 0));
		for (i = 0; i < length; i++)
			close(ring[i].fd);
		for (i = 0; i < length; i++)
			EXPECT_TRUE(wait_gone(ring[i].id));
	}
	close(self->pipe[1]);
	EXPECT_TRUE(wait_until(ended(self->pipe[0])));
}

/* It hangs off garbage, and is in no ring itself. */
TEST_F(collect, chain_behind_a_ring)
{
	struct box ring = box_create(O_RDWR), next = box_create(O_RDWR), last = box_create(O_RDWR);

	ASSERT_EQ(0, put_box(&ring, &ring));
	ASSERT_EQ(0, put_box(&ring, &next));
	ASSERT_EQ(0, put_box(&next, &last));
	ASSERT_EQ(0, mb_put_fd(last.fd, self->pipe[1], 0));
	close(ring.fd);
	close(next.fd);
	close(last.fd);
	close(self->pipe[1]);
	EXPECT_TRUE(wait_until(ended(self->pipe[0])));
	EXPECT_TRUE(wait_gone(last.id));
}

TEST_F(collect, many_descriptors_of_one_mailbox)
{
	struct box a = box_create(O_RDWR), b = box_create(O_RDWR);
	struct mbox_fd fds[MBOX_FDS_MAX];
	int i;

	for (i = 0; i < MBOX_FDS_MAX; i++)
		fds[i] = (struct mbox_fd) { .fd = i % 2 ? a.fd : b.fd,
					    .flags = i % 3 ? 0 : MBOX_FD_SENDONLY };
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, mb_put_fds(a.fd, 0, fds, MBOX_FDS_MAX, 0));
		ASSERT_EQ(0, mb_put_fds(b.fd, 0, fds, MBOX_FDS_MAX, 0));
	}
	close(a.fd);
	EXPECT_TRUE(collected_once());
	EXPECT_TRUE(alive(a.id));
	close(b.fd);
	EXPECT_TRUE(wait_gone(a.id));
	EXPECT_TRUE(wait_gone(b.id));
}

/* Nobody could receive them, but a right to send alone is a way to them too. */
TEST_F(collect, sender_keeps_it_alive)
{
	struct box box = box_create(O_WRONLY);
	struct mbox_fd fd = { .fd = box.fd };

	ASSERT_EQ(0, mb_put_fds(box.fd, 0, &fd, 1, 0));
	EXPECT_TRUE(collected_once());
	EXPECT_TRUE(alive(box.id));
	EXPECT_EQ(1, mb_status(box.fd).queued);
	close(box.fd);
	EXPECT_TRUE(wait_gone(box.id));
}

TEST_F(collect, name_keeps_it_alive)
{
	const char *name = unique_name("garbage");
	struct box box;

	box.fd = mb_create_flags(name, 4, O_RDWR, MBOX_HANDLES);
	ASSERT_LE(0, box.fd);
	box.id = mb_status(box.fd).id;
	ASSERT_EQ(0, put_box(&box, &box));
	close(box.fd);
	EXPECT_TRUE(collected_once());
	box.fd = mb_open(name, O_RDWR | O_NONBLOCK);
	ASSERT_LE(0, box.fd);
	EXPECT_EQ(1, mb_status(box.fd).queued);
	close(box.fd);
	EXPECT_EQ(0, mb_unlink(name));
	EXPECT_TRUE(wait_gone(box.id));
}

/* Its process can open it again, and others can send to it. */
TEST_F(collect, process_keeps_its_own_alive)
{
	struct mbox_ioc_create create = mb_template(NULL, 4, O_RDWR | O_NONBLOCK);
	__u64 *id = shared_memory(sizeof(*id));

	create.flags = MBOX_OWN | MBOX_HANDLES;
	IN_CHILD {
		struct box box = { .fd = ctl(device(), MBOX_IOC_CREATE, &create) };

		EXPECT_LE(0, box.fd);
		box.id = *id = mb_status(box.fd).id;
		EXPECT_EQ(0, put_box(&box, &box));
		close(box.fd);
		EXPECT_TRUE(collected_once());
		box.fd = ctl(device(), MBOX_IOC_CREATE, &create);
		EXPECT_EQ(box.id, mb_status(box.fd).id);
		EXPECT_EQ(1, mb_status(box.fd).queued);
		close(box.fd);
	}
	EXPECT_TRUE(wait_gone(*id));
}

static int set_dead_letter(int fd, int to, __u32 deliveries)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_DEAD_LETTER, .dead_letter = to, .max_deliveries = deliveries,
	};

	return ctl(fd, MBOX_IOC_SET, &set);
}

/* Who gets the dead letters is held too: in a circle, and by one that messages hold. */
TEST_F(collect, circle_of_dead_letters)
{
	struct box a = box_create(O_RDWR), b = box_create(O_RDWR), c = box_create(O_RDWR);

	ASSERT_EQ(0, set_dead_letter(a.fd, b.fd, 1));
	ASSERT_EQ(0, set_dead_letter(b.fd, a.fd, 1));
	ASSERT_EQ(0, set_dead_letter(c.fd, a.fd, 1));
	ASSERT_EQ(0, put_box(&a, &c));
	close(a.fd);
	close(c.fd);
	EXPECT_TRUE(collected_once());
	EXPECT_TRUE(alive(a.id));
	EXPECT_TRUE(alive(c.id));
	close(b.fd);
	EXPECT_TRUE(wait_gone(a.id));
	EXPECT_TRUE(wait_gone(b.id));
	EXPECT_TRUE(wait_gone(c.id));
}

static int lease(int fd, struct mbox_fd *got, __u64 ns)
{
	struct mbox_ioc_msg msg = {
		.fds = addr(got), .nr_fds = 1, .flags = MBOX_LEASE, .lease = ns,
	};
	__u32 number;

	msg.buf = addr(&number);
	msg.len = sizeof(number);
	return ctl(fd, MBOX_IOC_RECV, &msg);
}

/* A message that comes back too often takes its descriptors along, and its mailbox with them. */
TEST_F(collect, dead_letter_keeps_what_it_carries)
{
	struct box box = box_create(O_RDWR), dead = box_create(O_RDWR), what = box_create(O_RDWR);
	struct box plain = { .fd = mb_create(NULL, 1, O_RDWR) };
	struct mbox_fd got;

	EXPECT_EQ(-EOPNOTSUPP, set_dead_letter(box.fd, plain.fd, 1));
	ASSERT_EQ(0, set_dead_letter(box.fd, dead.fd, 1));
	ASSERT_EQ(0, mb_put(what.fd, 42, 0, 0));
	ASSERT_EQ(0, put_box(&box, &what));
	close(what.fd);
	ASSERT_EQ(0, lease(box.fd, &got, 1));
	close(got.fd);
	ASSERT_TRUE(wait_until(mb_status(dead.fd).queued == 1));
	close(box.fd);
	EXPECT_TRUE(collected_once());
	EXPECT_TRUE(wait_gone(box.id));
	what.fd = mb_take_fd(dead.fd, 0);
	ASSERT_LE(0, what.fd);
	EXPECT_EQ(42, mb_take(what.fd, 0));
}

/*
 * A lease without end, through a descriptor whose number was closed before it began: nobody can
 * give it back any more. It holds b, whose message holds the descriptor.
 */
TEST_F(collect, lease_that_nobody_can_end)
{
	const char *name = unique_name("lease");
	struct box a, b = box_create(O_RDWR);
	struct mbox_fd got = { 0 };
	struct mb_call call;
	int tx;

	a.fd = mb_create_flags(name, 4, O_RDWR, MBOX_HANDLES);
	ASSERT_LE(0, a.fd);
	a.id = mb_status(a.fd).id;
	tx = mb_open(name, O_WRONLY);
	ASSERT_EQ(0, mb_unlink(name));
	call_take(&call, a.fd, MBOX_LEASE);
	call.msg.fds = addr(&got);
	call.msg.nr_fds = 1;
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(tx, 1));
	ASSERT_EQ(0, put_box(&b, &a));
	close(a.fd);
	ASSERT_EQ(0, mb_put_fd(tx, b.fd, 0));
	ASSERT_EQ(0, call_join(&call));
	EXPECT_NE(0, call.msg.delivery);
	close(got.fd);
	close(b.fd);
	EXPECT_TRUE(collected_once());
	EXPECT_TRUE(alive(a.id));
	close(tx);
	EXPECT_TRUE(wait_gone(a.id));
	EXPECT_TRUE(wait_gone(b.id));
}

/* Through several messages, of which each keeps the next mailbox and its messages. */
TEST_F(collect, way_through_messages_keeps_it_alive)
{
	struct box root = box_create(O_RDWR), a = box_create(O_RDWR), b = box_create(O_RDWR);
	int fd;

	ASSERT_EQ(0, put_box(&root, &a));
	ASSERT_EQ(0, put_box(&a, &b));
	ASSERT_EQ(0, put_box(&b, &a));
	ASSERT_EQ(0, mb_put(b.fd, 42, 1, 0));
	close(a.fd);
	close(b.fd);
	EXPECT_TRUE(collected_once());
	a.fd = mb_take_fd(root.fd, 0);
	ASSERT_LE(0, a.fd);
	EXPECT_TRUE(collected_once());
	b.fd = mb_take_fd(a.fd, 0);
	ASSERT_LE(0, b.fd);
	EXPECT_EQ(b.id, mb_status(b.fd).id);
	EXPECT_EQ(42, mb_take(b.fd, 0));
	close(a.fd);
	EXPECT_TRUE(collected_once());
	EXPECT_TRUE(alive(a.id));
	fd = mb_take_fd(b.fd, 0);
	EXPECT_EQ(a.id, mb_status(fd).id);
}

/* A receiver that waits has it open, though its number is closed. */
TEST_F(collect, blocked_receiver_keeps_it_alive)
{
	struct box box = { .fd = mb_carrier(4, O_RDWR) }, sender;
	struct mb_call call;
	struct mbox_fd got[2], fds[2];

	box.id = mb_status(box.fd).id;
	call_take(&call, box.fd, 0);
	call.msg.fds = addr(got);
	call.msg.nr_fds = 2;
	ASSERT_EQ(0, call_start(&call));
	ASSERT_TRUE(wait_receivers(box.fd, 1));
	sender = box_create(O_RDWR);
	ASSERT_EQ(0, put_box(&sender, &box));
	ASSERT_EQ(0, put_box(&sender, &sender));
	close(box.fd);
	EXPECT_TRUE(collected_once());
	box.fd = mb_take_fd(sender.fd, 0);
	ASSERT_LE(0, box.fd);
	fds[0] = (struct mbox_fd) { .fd = box.fd };
	fds[1] = (struct mbox_fd) { .fd = sender.fd };
	ASSERT_EQ(0, mb_put_fds(box.fd, 0, fds, 2, 0));
	EXPECT_EQ(0, call_join(&call));
	EXPECT_EQ(2, call.msg.nr_fds);
}

/* A UNIX socket holds it unseen, and lets go of it unseen. */
TEST_F(collect, unix_socket_keeps_it_alive)
{
	struct box box = box_create(O_RDWR);
	int pair[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	ASSERT_EQ(0, fd_send(pair[0], box.fd));
	ASSERT_EQ(0, put_box(&box, &box));
	close(box.fd);
	EXPECT_TRUE(collected_once());
	EXPECT_TRUE(alive(box.id));
	close(pair[0]);
	close(pair[1]);
	EXPECT_TRUE(wait_gone(box.id));
}

/* epoll knows the file, and keeps nothing alive. */
TEST_F(collect, epoll_keeps_nothing_alive)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct box box = box_create(O_RDWR);
	int ep = epoll_create1(0);

	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, box.fd, &event));
	ASSERT_EQ(0, put_box(&box, &box));
	EXPECT_EQ(1, epoll_wait(ep, &event, 1, 0));
	close(box.fd);
	EXPECT_TRUE(wait_until(epoll_wait(ep, &event, 1, 0) == 0 && !alive(box.id)));
}

TEST_F(collect, process_that_is_killed_leaves_none)
{
	__u64 *ids = shared_memory(2 * sizeof(*ids));
	int pid = child_fork();

	if (!pid) {
		struct box a = box_create(O_RDWR), b = box_create(O_RDWR);

		if (put_box(&a, &b) || put_box(&b, &a))
			_exit(1);
		ids[0] = a.id;
		__atomic_store_n(&ids[1], b.id, __ATOMIC_RELEASE);
		pause();
	}
	ASSERT_TRUE(wait_until(__atomic_load_n(&ids[1], __ATOMIC_ACQUIRE)));
	EXPECT_TRUE(alive(ids[0]));
	kill(pid, SIGKILL);
	child_wait(pid);
	EXPECT_TRUE(wait_gone(ids[0]));
	EXPECT_TRUE(wait_gone(ids[1]));
}

/* Garbage counts against whom it is of, until it is gone: nobody can pile it up. */
TEST_F(collect, garbage_is_of_its_user)
{
	long long old = param_get("user_mailboxes");

	ASSERT_EQ(0, param_set("user_mailboxes", 20));
	IN_CHILD {
		int i;

		EXPECT_EQ(0, become(USER_B, USER_B));
		for (i = 0; i < 100; i++) {
			struct box box = { .fd = -1 };

			EXPECT_TRUE(wait_until((box = box_create(O_RDWR)).fd != -EDQUOT));
			EXPECT_EQ(0, put_box(&box, &box));
			close(box.fd);
		}
	}
	EXPECT_EQ(0, param_set("user_mailboxes", old));
}

#define NODES	6
#define HANDS	3

struct graph {
	int exchange;
	bool stop;
	__u32 errors;
	__u32 moves;
};

struct hand {
	struct graph *graph;
	__u32 seed;
	int nodes[NODES];
	pthread_t thread;
};

/*
 * A hand holds some mailboxes open. It sends one to another, or to all hands, and gets to others
 * through messages. Each mailbox has a message from its beginning that nobody takes, the last of
 * all by its priority: whoever gets there must find it.
 */
static int node_create(void)
{
	int fd = mb_carrier(MBOX_UNBOUNDED, O_RDWR | O_NONBLOCK);

	if (fd >= 0 && mb_put(fd, 4711, 0, 0)) {
		close(fd);
		return -EIO;
	}
	return fd;
}

/* Which one is the last can change under our eyes. */
static bool node_whole(int fd)
{
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		__u32 number = 0;
		struct mbox_ioc_msg msg = mb_msg(&number, sizeof(number), MBOX_PEEK);

		msg.index = mb_status(fd).queued - 1;
		if (!ctl(fd, MBOX_IOC_RECV, &msg) && number == 4711 && !msg.nr_fds)
			return true;
	}
	return false;
}

static int link_put(int to, int what)
{
	struct mbox_fd fd = { .fd = what };
	struct mbox_ioc_msg msg = { .fds = addr(&fd), .nr_fds = 1, .prio = 1 };

	return ctl(to, MBOX_IOC_SEND, &msg);
}

/* Too small a buffer leaves the message that is there from the beginning. */
static int link_take(int from)
{
	struct mbox_fd fd;
	struct mbox_ioc_msg msg = { .fds = addr(&fd), .nr_fds = 1 };

	return ctl(from, MBOX_IOC_RECV, &msg) ?: fd.fd;
}

static void hand_check(struct hand *hand, bool good)
{
	if (!good)
		__atomic_add_fetch(&hand->graph->errors, 1, __ATOMIC_RELAXED);
}

static int *hand_node(struct hand *hand)
{
	return &hand->nodes[prng(&hand->seed) % NODES];
}

static int hand_reach(struct hand *hand)
{
	switch (prng(&hand->seed) % 6) {
	case 0:
		return node_create();
	case 1:
		link_put(hand->graph->exchange, *hand_node(hand));
		return link_take(hand->graph->exchange);
	case 2:
	case 3:
		hand_check(hand, link_put(*hand_node(hand), *hand_node(hand)) == 0);
		return link_take(*hand_node(hand));
	default:
		return link_take(*hand_node(hand));
	}
}

static void *hand_run(void *arg)
{
	struct hand *hand = arg;
	int i, *node, fd;

	for (i = 0; i < NODES; i++)
		hand->nodes[i] = node_create();
	while (!__atomic_load_n(&hand->graph->stop, __ATOMIC_RELAXED)) {
		fd = hand_reach(hand);
		if (fd < 0)
			continue;
		hand_check(hand, node_whole(fd));
		/* What is no way to anything any more is garbage now. */
		node = hand_node(hand);
		close(*node);
		*node = fd;
		__atomic_add_fetch(&hand->graph->moves, 1, __ATOMIC_RELAXED);
	}
	for (i = 0; i < NODES; i++)
		close(hand->nodes[i]);
	return NULL;
}

/* Random graphs that change while the collector is at work: it takes nothing that is in use. */
TEST_F(collect, takes_nothing_that_is_in_use)
{
	struct hand hands[HANDS];
	struct graph graph = { 0 };
	long long before;
	int i;

	/* What other tests left is gone too then. */
	ASSERT_TRUE(collected_once());
	before = module_refcount();
	graph.exchange = mb_carrier(8, O_RDWR | O_NONBLOCK);
	ASSERT_LE(0, graph.exchange);
	for (i = 0; i < HANDS; i++) {
		hands[i] = (struct hand) { .graph = &graph, .seed = i + 1 };
		ASSERT_EQ(0, pthread_create(&hands[i].thread, NULL, hand_run, &hands[i]));
	}
	usleep(5 * 1000 * 1000);
	__atomic_store_n(&graph.stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < HANDS; i++)
		pthread_join(hands[i].thread, NULL);
	EXPECT_EQ(0, graph.errors);
	EXPECT_LT(100, graph.moves);
	TH_LOG("%u moves", graph.moves);
	close(graph.exchange);
	EXPECT_TRUE(wait_until(module_refcount() <= before));
}

TEST_HARNESS_MAIN
