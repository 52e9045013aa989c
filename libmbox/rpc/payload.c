/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Bodies: the arguments and the results, in the message or in a segment.
 *
 * A segment that comes from another process stays that one's too, which can write to
 * it while it is read here. So
 *
 *  - it has to be sealed against becoming shorter, for that would be SIGBUS here, and
 *    to be as long as the message says when it is mapped;
 *  - every word is read once, into a variable: a length that was checked is the one
 *    that is used. The XDR procedures keep to that with a stream that gives them no
 *    pointer into it (x_inline returns NULL). They see bytes that no honest sender
 *    would have sent, which they can see anyhow.
 *
 * What a body says of lengths allocates no more than that length before the bytes are
 * missed; what it nests takes stack. XDR procedures of linked lists call themselves
 * for each element, so the stream ends where they have gone too deep.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rpc.h"

static bool too_deep(const XDR *xdrs)
{
	return (char *)__builtin_frame_address(0) < xdrs->x_public;
}

/* The next bytes, or NULL when there are not so many. */
static const char *take(XDR *xdrs, u_int length)
{
	const char *at = xdrs->x_private;

	if (length > xdrs->x_handy || too_deep(xdrs))
		return NULL;
	xdrs->x_private = (char *)at + length;
	xdrs->x_handy -= length;
	return at;
}

static bool_t get_long(XDR *xdrs, long *value)
{
	const char *at = take(xdrs, BYTES_PER_XDR_UNIT);
	uint32_t word;

	if (!at)
		return FALSE;
	memcpy(&word, at, sizeof(word));
	*value = (long)ntohl(word);
	return TRUE;
}

static bool_t get_bytes(XDR *xdrs, char *to, u_int length)
{
	const char *at = take(xdrs, length);

	if (!at)
		return FALSE;
	memcpy(to, at, length);
	return TRUE;
}

static u_int get_position(XDR *xdrs)
{
	return (char *)xdrs->x_private - xdrs->x_base;
}

static bool_t set_position(XDR *xdrs, u_int position)
{
	const u_int length = get_position(xdrs) + xdrs->x_handy;

	if (position > length)
		return FALSE;
	xdrs->x_private = xdrs->x_base + position;
	xdrs->x_handy = length - position;
	return TRUE;
}

static bool_t put_long(XDR *xdrs, const long *value)
{
	(void)xdrs;
	(void)value;
	return FALSE;
}

static bool_t put_bytes(XDR *xdrs, const char *from, u_int length)
{
	(void)xdrs;
	(void)from;
	(void)length;
	return FALSE;
}

static int32_t *no_pointer(XDR *xdrs, u_int length)
{
	(void)xdrs;
	(void)length;
	return NULL;
}

static const struct xdr_ops decode_ops = {
	.x_getlong = get_long,
	.x_putlong = put_long,
	.x_getbytes = get_bytes,
	.x_putbytes = put_bytes,
	.x_getpostn = get_position,
	.x_setpostn = set_position,
	.x_inline = no_pointer,
};

bool mbox_rpc_body_decode(const struct body *body, xdrproc_t proc, void *where)
{
	XDR xdrs = {
		.x_op = XDR_DECODE,
		.x_ops = &decode_ops,
		.x_public = (char *)__builtin_frame_address(0) - STACK_MAX,
		.x_private = (void *)body->data,
		.x_base = (char *)body->data,
		.x_handy = body->length,
	};

	if (proc(&xdrs, where))
		return true;
	/* What was allocated before it went wrong; generated code frees nothing then. */
	xdr_free(proc, where);
	return false;
}

static int check_segment(const struct mbox_segment *segment, uint64_t length, uint64_t *id)
{
	struct mbox_segment_status status;
	int ret = mbox_segment_status(segment, &status);

	if (ret)
		return ret;
	*id = status.id;
	return status.seals & MBOX_SEAL_SHRINK && status.length >= length ? 0 : -EPROTO;
}

/* No more than the body: a segment can be as long as its owner can pay for. */
static int map_segment(const struct mbox_segment *segment, size_t length, void **mapped)
{
	void *map = mmap(NULL, length, PROT_READ, MAP_SHARED,
			 mbox_segment_fd(segment), 0);

	if (map == MAP_FAILED)
		return -errno;
	*mapped = map;
	return 0;
}

static int map_body(struct body *body, const struct mbox_segment *segment, size_t length)
{
	void *map = NULL;
	int ret = map_segment(segment, length, &map);

	if (!ret)
		*body = (struct body) { .data = map, .length = length, .map = map };
	return ret;
}

/* A client sends the same segment each time, and to map it costs more than to read it. */
static int map_view(struct body *body, const struct mbox_segment *segment, uint64_t id,
		    size_t length, struct view *view)
{
	int ret = 0;

	if (!view->map || view->id != id || view->length < length) {
		mbox_rpc_view_end(view);
		ret = map_segment(segment, length, &view->map);
		view->id = id;
		view->length = length;
	}
	if (!ret)
		*body = (struct body) { .data = view->map, .length = length };
	return ret;
}

int mbox_rpc_body_map(struct body *body, int fd, uint64_t length, struct view *view)
{
	struct mbox_segment *segment;
	uint64_t id;
	int ret;

	if (mbox_segment_from_fd(&segment, fd)) {
		close(fd);
		return -EPROTO;
	}
	ret = check_segment(segment, length, &id);
	if (!ret && view && length <= VIEW_MAX)
		ret = map_view(body, segment, id, length, view);
	else if (!ret)
		ret = map_body(body, segment, length);
	mbox_segment_close(segment);
	return ret;
}

void mbox_rpc_view_end(struct view *view)
{
	if (view->map)
		mbox_segment_unmap(view->map, view->length);
	*view = (struct view) { .map = NULL };
}

void mbox_rpc_close_fds(const struct mbox_message *msg)
{
	unsigned int i;

	for (i = 0; i < msg->nr_fds; i++)
		close(msg->fds[i].fd);
}

void mbox_rpc_body_end(struct body *body)
{
	if (body->map)
		mbox_segment_unmap(body->map, body->length);
	*body = (struct body) { .length = 0 };
}

void mbox_rpc_scratch_end(struct scratch *scratch)
{
	if (scratch->map)
		mbox_segment_unmap(scratch->map, scratch->size);
	mbox_segment_close(scratch->segment);
	*scratch = (struct scratch) { .size = 0 };
}

/* A new one rather than one that grows: who mapped the old one may not be done. */
static int make_room(struct scratch *scratch, size_t length)
{
	size_t size = MBOX_RPC_INLINE;
	int ret;

	if (length <= scratch->size)
		return 0;
	while (size < length)
		size *= 2;
	mbox_rpc_scratch_end(scratch);
	ret = mbox_segment_create(&scratch->segment, NULL, O_RDWR, 0600, size, 0);
	if (!ret)
		ret = mbox_segment_seal(scratch->segment, MBOX_SEAL_SHRINK);
	if (!ret)
		ret = mbox_segment_map(scratch->segment, PROT_READ | PROT_WRITE,
				       &scratch->map, &scratch->size);
	if (ret)
		mbox_rpc_scratch_end(scratch);
	return ret;
}

int mbox_rpc_body_encode(XDR *xdrs, struct envelope *env, struct scratch *scratch,
			 xdrproc_t proc, void *what)
{
	const u_int begin = XDR_GETPOS(xdrs), room = xdrs->x_handy;
	XDR there;
	u_long length;
	int ret;

	if (proc(xdrs, what))
		return 0;
	XDR_SETPOS(xdrs, begin);
	length = xdr_sizeof(proc, what);
	if (length > MBOX_RPC_MAX)
		return -E2BIG;
	if (length <= room)
		return -EINVAL;

	ret = make_room(scratch, length);
	if (ret)
		return ret;
	xdrmem_create(&there, scratch->map, length, XDR_ENCODE);
	if (!proc(&there, what))
		return -EINVAL;
	env->flags |= IN_SEGMENT;
	env->segment = length;
	return 0;
}
