/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that is not there, which userfaultfd keeps away until the test fills it in.
 */
#ifndef MBOX_SELFTESTS_HOLE_H
#define MBOX_SELFTESTS_HOLE_H

#include "common.h"

#include <linux/userfaultfd.h>
#include <sys/syscall.h>

/* A page that is not there yet; a copy from or to it hangs. */
struct hole {
	int uffd;
	void *page;
};

/* Makes one of a page of private memory, which loses what is in it. */
static inline int hole_open_at(struct hole *hole, void *page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	hole->page = page;
	hole->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (hole->uffd < 0 || ioctl(hole->uffd, UFFDIO_API, &api) ||
	    madvise(page, getpagesize(), MADV_DONTNEED))
		return -errno;
	area.range.start = addr(hole->page);
	area.range.len = getpagesize();
	return ctl(hole->uffd, UFFDIO_REGISTER, &area);
}

static inline int hole_open(struct hole *hole)
{
	void *page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -ENOMEM;
	return hole_open_at(hole, page);
}

/* Waits until somebody hangs there; of another process's hole this tells the address. */
static inline int hole_hit(struct hole *hole)
{
	struct pollfd pfd = { .fd = hole->uffd, .events = POLLIN };
	struct uffd_msg msg;

	if (poll(&pfd, 1, WAIT_LIMIT_S * 1000) != 1)
		return -ETIME;
	if (read(hole->uffd, &msg, sizeof(msg)) != sizeof(msg))
		return -errno;
	hole->page = (void *)(uintptr_t)(msg.arg.pagefault.address & -getpagesize());
	return msg.event == UFFD_EVENT_PAGEFAULT ? 0 : -EBADMSG;
}

/* Lets it go on, with that number in the memory. */
static inline int hole_fill(struct hole *hole, __u32 number)
{
	char page[getpagesize()] __attribute__((aligned(sizeof(number))));
	struct uffdio_copy copy = {
		.dst = addr(hole->page), .src = addr(page), .len = sizeof(page) };

	memset(page, 0, sizeof(page));
	memcpy(page, &number, sizeof(number));
	return ctl(hole->uffd, UFFDIO_COPY, &copy);
}

#define NO_USERFAULTFD "no userfaultfd: this kernel cannot keep a page away"

/* What opening a hole returned. */
#define REQUIRE_USERFAULTFD(opened) do {					\
	int ret_ = (opened);							\
										\
	if (ret_ == -ENOSYS || ret_ == -EPERM)					\
		SKIP(return, NO_USERFAULTFD);					\
	ASSERT_EQ(0, ret_);							\
} while (0)

#endif
