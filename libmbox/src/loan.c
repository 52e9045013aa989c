/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Loans that were received: where their bytes can be read.
 *
 * A handle keeps mappings of the segments that loans came from. The one that was
 * not used for the longest time goes when there are too many, but none that a
 * loan is in which the caller is not done with.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

/* Mappings that are kept although they are not in use. */
#define VIEWS	16

/* Chains of loans that are in use. */
#define CHAINS	64

/**
 * struct view - a segment that is mapped
 * @next: the one that was used before this
 * @segment: its id
 * @map: where it is
 * @length: bytes
 * @loans: in it that are in use
 */
struct view {
	struct view *next;
	uint64_t segment;
	void *map;
	size_t length;
	unsigned int loans;
};

/**
 * struct loan - a loan that is in use
 * @next: in its chain, or of those to be used again
 * @delivery: its number
 * @view: what it is in
 */
struct loan {
	struct loan *next;
	uint64_t delivery;
	struct view *view;
};

/**
 * struct mbox_views - what a handle has mapped
 * @lock: protects all
 * @views: the one that was used last comes first
 * @loans: in use, in the chain of their number
 * @spare: to be used again
 */
struct mbox_views {
	pthread_mutex_t lock;
	struct view *views;
	struct loan *loans[CHAINS];
	struct loan *spare;
};

static struct mbox_views *views_of(struct mbox *mb)
{
	struct mbox_views *views = mb->views, *new;

	if (views)
		return views;
	new = calloc(1, sizeof(*new));
	if (!new)
		return NULL;
	pthread_mutex_init(&new->lock, NULL);
	if (atomic_compare_exchange_strong(&mb->views, &views, new))
		return new;
	pthread_mutex_destroy(&new->lock);
	free(new);
	return views;
}

static int map_segment(struct view *view, int fd)
{
	struct mbox_ioc_segment_status status = { .id = 0 };
	int ret = mbox_ioctl(fd, MBOX_IOC_SEGMENT_STATUS, &status);

	if (ret)
		return ret;
	if (status.length > SIZE_MAX)
		return -ENOMEM;
	view->segment = status.id;
	view->length = status.length;
	view->map = mmap(NULL, view->length, PROT_READ, MAP_SHARED, fd, 0);
	return view->map == MAP_FAILED ? -errno : 0;
}

static int map_loan(struct view *view, const struct mbox *mb, uint64_t delivery)
{
	struct mbox_ioc_loan req = { .delivery = delivery, .oflag = O_RDONLY };
	int fd = mbox_ioctl(mb->object.fd, MBOX_IOC_LOAN, &req), ret;

	if (fd < 0)
		return fd;
	ret = map_segment(view, fd);
	mbox_fd_close(fd);
	return ret;
}

static void unmap(struct view *view)
{
	munmap(view->map, view->length);
	free(view);
}

static void forget_some(struct mbox_views *views)
{
	struct view **at = &views->views, *view;
	unsigned int nr = 0;

	while ((view = *at)) {
		if (nr++ < VIEWS || view->loans) {
			at = &view->next;
			continue;
		}
		*at = view->next;
		unmap(view);
	}
}

/* Take the view out of the list, or make one. */
static int find_view(struct mbox_views *views, const struct mbox *mb,
		     uint64_t segment, uint64_t delivery, struct view **found)
{
	struct view **at = &views->views, *view;
	int ret;

	while ((view = *at) && view->segment != segment)
		at = &view->next;
	if (view) {
		*at = view->next;
		*found = view;
		return 0;
	}
	view = calloc(1, sizeof(*view));
	if (!view)
		return -ENOMEM;
	ret = map_loan(view, mb, delivery);
	if (ret)
		free(view);
	else
		*found = view;
	return ret;
}

static struct loan *new_loan(struct mbox_views *views)
{
	struct loan *loan = views->spare;

	if (!loan)
		return malloc(sizeof(*loan));
	views->spare = loan->next;
	return loan;
}

static void spare_loan(struct mbox_views *views, struct loan *loan)
{
	loan->next = views->spare;
	views->spare = loan;
}

static void use_view(struct mbox_views *views, struct view *view,
		     struct loan *loan, uint64_t delivery)
{
	struct loan **chain = &views->loans[delivery % CHAINS];

	view->next = views->views;
	views->views = view;
	view->loans++;
	*loan = (struct loan) {
		.next = *chain,
		.delivery = delivery,
		.view = view,
	};
	*chain = loan;
	forget_some(views);
}

static int look(struct mbox_views *views, const struct mbox *mb,
		const struct mbox_loan *at, uint64_t delivery,
		const void **bytes)
{
	struct loan *loan = new_loan(views);
	struct view *view;
	int ret;

	if (!loan)
		return -ENOMEM;
	ret = find_view(views, mb, at->segment, delivery, &view);
	if (ret) {
		spare_loan(views, loan);
		return ret;
	}
	use_view(views, view, loan, delivery);
	*bytes = (const char *)view->map + at->offset;
	return 0;
}

static int look_at_loan(struct mbox *mb, const struct mbox_message *msg,
			const void **bytes)
{
	struct mbox_views *views = views_of(mb);
	struct mbox_loan at;
	int ret;

	if (!views)
		return -ENOMEM;
	memcpy(&at, msg->data, sizeof(at));
	pthread_mutex_lock(&views->lock);
	ret = look(views, mb, &at, msg->delivery, bytes);
	pthread_mutex_unlock(&views->lock);
	return ret;
}

MBOX_API int mbox_recv_loan(struct mbox *mb, struct mbox_message *msg,
			    const void **bytes, unsigned int flags,
			    uint64_t deadline)
{
	int ret = mbox_recv_as(mb, msg, MBOX_LEASE | MBOX_LOAN, flags, deadline);

	if (ret)
		return ret;
	if (!(msg->flags & MBOX_LOAN)) {
		*bytes = msg->data;
		return 0;
	}
	ret = look_at_loan(mb, msg, bytes);
	if (ret) {
		mbox_return(mb, msg->delivery);
		msg->delivery = 0;
	}
	return ret;
}

static void end_loan(struct mbox_views *views, uint64_t delivery)
{
	struct loan **at = &views->loans[delivery % CHAINS], *loan;

	while ((loan = *at) && loan->delivery != delivery)
		at = &loan->next;
	if (!loan)
		return;
	*at = loan->next;
	loan->view->loans--;
	spare_loan(views, loan);
}

void mbox_loan_end(struct mbox *mb, uint64_t delivery)
{
	struct mbox_views *views = mb->views;

	if (!views)
		return;
	pthread_mutex_lock(&views->lock);
	end_loan(views, delivery);
	pthread_mutex_unlock(&views->lock);
}

static void free_loans(struct loan *loan)
{
	struct loan *next;

	for (; loan; loan = next) {
		next = loan->next;
		free(loan);
	}
}

void mbox_views_free(struct mbox_views *views)
{
	struct view *view;
	unsigned int i;

	if (!views)
		return;
	while ((view = views->views)) {
		views->views = view->next;
		unmap(view);
	}
	for (i = 0; i < CHAINS; i++)
		free_loans(views->loans[i]);
	free_loans(views->spare);
	pthread_mutex_destroy(&views->lock);
	free(views);
}
