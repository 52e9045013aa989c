// SPDX-License-Identifier: GPL-2.0
/*
 * Messages whose bytes stay in their sender's pages until a receiver copies them.
 *
 * A sender that waits until a receiver has its message need not copy the bytes
 * into the kernel: it pins the pages that they are in, and the one copy is from
 * there to the receiver. The message has the pages and not the sender, so what
 * becomes of that, or of its memory, is no concern of the receiver's.
 *
 * They are pinned for as long as the sender waits, which can be for ever: hence
 * FOLL_LONGTERM, which leaves to the kernel what it may want back. What is to be
 * kept for longer than that, or has to wait for a page of the receiver's, gets
 * memory of its own.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "mailbox.h"

/**
 * struct mbox_pages - where the bytes of a message are
 * @nr: how many pages
 * @offset: of the first byte, in the first page
 * @page: the pages, pinned
 */
struct mbox_pages {
	unsigned int nr;
	unsigned int offset;
	struct page *page[];
};

static unsigned long mbox_pages_start(const struct iov_iter *from)
{
	return (unsigned long)from->ubuf + from->iov_offset;
}

static unsigned int mbox_pages_nr(const struct iov_iter *from)
{
	return DIV_ROUND_UP(offset_in_page(mbox_pages_start(from)) +
			    iov_iter_count(from), PAGE_SIZE);
}

/**
 * mbox_pages_suit() - can a message be its sender's pages, and is it worth it?
 * @mailbox: where it is to go
 * @from: the bytes, of which there are some; the caller waits for a receiver
 *
 * Nothing depends on what the mailbox is at this moment, which can change.
 */
bool mbox_pages_suit(const struct mbox_mailbox *mailbox,
		     const struct iov_iter *from)
{
	return !READ_ONCE(mailbox->capacity) && iter_is_ubuf(from);
}

/**
 * mbox_pages_size() - how much room there must be to pin pages
 * @from: the bytes
 */
size_t mbox_pages_size(const struct iov_iter *from)
{
	return struct_size_t(struct mbox_pages, page, mbox_pages_nr(from));
}

/**
 * mbox_pages_pin() - pin the pages that bytes are in
 * @memory: room for what is to be known of them
 * @from: the bytes
 *
 * Not all memory has pages that can be.
 *
 * Return: 0, with @memory for mbox_pages_unpin(), or -EFAULT.
 */
int mbox_pages_pin(void *memory, const struct iov_iter *from)
{
	struct mbox_pages *pages = memory;
	int nr = mbox_pages_nr(from), pinned;

	pinned = pin_user_pages_fast(mbox_pages_start(from), nr, FOLL_LONGTERM,
				     pages->page);
	if (pinned != nr) {
		if (pinned > 0)
			unpin_user_pages(pages->page, pinned);
		return -EFAULT;
	}
	pages->nr = nr;
	pages->offset = offset_in_page(mbox_pages_start(from));
	return 0;
}

/**
 * mbox_pages_unpin() - undo mbox_pages_pin()
 * @memory: what is known of the pages
 *
 * Return: how much room that takes.
 */
size_t mbox_pages_unpin(void *memory)
{
	struct mbox_pages *pages = memory;

	unpin_user_pages(pages->page, pages->nr);
	return struct_size(pages, page, pages->nr);
}

static size_t mbox_page_copy(struct page *page, size_t offset, size_t len,
			     struct iov_iter *to)
{
	u8 *bytes = kmap_local_page(page);
	size_t copied = _copy_to_iter(bytes + offset, len, to);

	kunmap_local(bytes);
	return copied;
}

/**
 * mbox_pages_copy() - copy the bytes of a message out of its pages
 * @message: the message
 * @to: at least as large
 *
 * Return: 0 or -EFAULT.
 */
int mbox_pages_copy(const struct mbox_message *message, struct iov_iter *to)
{
	const struct mbox_pages *pages = message->data;
	size_t offset = pages->offset, left = message->len, part;
	unsigned int i;

	for (i = 0; left; i++) {
		part = min(left, PAGE_SIZE - offset);
		if (mbox_page_copy(pages->page[i], offset, part, to) != part)
			return -EFAULT;
		left -= part;
		offset = 0;
	}
	return 0;
}

/**
 * mbox_pages_replace() - give a message memory of its own instead of its pages
 * @message: the message, which nobody else has now
 *
 * Return: 0, also if it has no pages, or -ENOMEM.
 */
int mbox_pages_replace(struct mbox_message *message)
{
	struct kvec memory = { .iov_len = message->len };
	struct iov_iter to;

	if (likely(!message->pinned))
		return 0;
	memory.iov_base = mbox_message_alloc(memory.iov_len);
	if (!memory.iov_base)
		return -ENOMEM;
	iov_iter_kvec(&to, ITER_DEST, &memory, 1, memory.iov_len);
	mbox_pages_copy(message, &to);
	mbox_pages_unpin(message->data);
	if (message->data != message->inside)
		kvfree(message->data);
	message->data = memory.iov_base;
	message->pinned = false;
	return 0;
}
