/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Segments: shared memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "internal.h"

static int get_segment(struct mbox_segment **seg, unsigned long request,
		       void *arg)
{
	struct mbox_object *object;
	int ret = mbox_object_get(&object, sizeof(**seg), request, arg);

	if (!ret)
		*seg = (struct mbox_segment *)object;
	return ret;
}

MBOX_API int mbox_segment_create(struct mbox_segment **seg, const char *name,
				 int oflag, mode_t mode, uint64_t length,
				 unsigned int flags)
{
	struct mbox_ioc_segment req = {
		.name = mbox_name_address(name),
		.length = length,
		.oflag = oflag,
		.mode = mode,
		.flags = flags,
	};

	return get_segment(seg, MBOX_IOC_SEGMENT, &req);
}

int mbox_segment_make(uint64_t length, uint32_t seals)
{
	struct mbox_ioc_segment req = { .length = length, .oflag = O_RDWR, .mode = 0600 };
	struct mbox_ioc_set set = { .fields = MBOX_SET_SEALS, .seals = seals };

	return mbox_object_make(MBOX_IOC_SEGMENT, &req, &set);
}

MBOX_API int mbox_segment_open(struct mbox_segment **seg, const char *name,
			       int oflag)
{
	struct mbox_ioc_open req = {
		.name = mbox_name_address(name),
		.oflag = oflag,
		.kind = MBOX_SEGMENT,
	};

	return get_segment(seg, MBOX_IOC_OPEN, &req);
}

MBOX_API int mbox_segment_from_fd(struct mbox_segment **seg, int fd)
{
	struct mbox_ioc_segment_status status = { .id = 0 };
	struct mbox_object *object;
	int ret = mbox_object_adopt(&object, sizeof(**seg), fd,
				    MBOX_IOC_SEGMENT_STATUS, &status);

	if (!ret)
		*seg = (struct mbox_segment *)object;
	return ret;
}

MBOX_API int mbox_segment_fd(const struct mbox_segment *seg)
{
	return seg->object.fd;
}

MBOX_API void mbox_segment_close(struct mbox_segment *seg)
{
	if (seg)
		mbox_object_close(&seg->object);
}

MBOX_API int mbox_segment_map(const struct mbox_segment *seg, int prot,
			      void **address, size_t *length)
{
	struct mbox_ioc_segment_status req = { .id = 0 };
	void *map;
	int ret;

	if (prot != PROT_READ && prot != (PROT_READ | PROT_WRITE))
		return -EINVAL;

	ret = mbox_ioctl(seg->object.fd, MBOX_IOC_SEGMENT_STATUS, &req);
	if (ret)
		return ret;
	if (req.length > SIZE_MAX)
		return -ENOMEM;

	map = mmap(NULL, req.length, prot, MAP_SHARED, seg->object.fd, 0);
	if (map == MAP_FAILED)
		return -errno;

	*address = map;
	*length = req.length;
	return 0;
}

MBOX_API int mbox_segment_unmap(void *address, size_t length)
{
	return munmap(address, length) ? -errno : 0;
}

MBOX_API int mbox_segment_status(const struct mbox_segment *seg,
				 struct mbox_segment_status *status)
{
	struct mbox_ioc_segment_status req = { .id = 0 };
	int ret;

	ret = mbox_ioctl(seg->object.fd, MBOX_IOC_SEGMENT_STATUS, &req);
	if (ret)
		return ret;

	*status = (struct mbox_segment_status) {
		.id = req.id,
		.length = req.length,
		.resident = req.resident,
		.attached = req.attached,
		.writable = req.writable,
		.seals = req.seals,
		.mode = req.mode,
		.uid = req.uid,
		.gid = req.gid,
		.flags = req.flags,
		.buffer_size = req.buffer_size,
		.buffers = req.buffers,
		.lent = req.lent,
	};
	return 0;
}

MBOX_API int mbox_segment_resize(struct mbox_segment *seg, uint64_t length)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_LENGTH,
		.length = length,
	};

	return mbox_ioctl(seg->object.fd, MBOX_IOC_SET, &set);
}

MBOX_API int mbox_segment_seal(struct mbox_segment *seg, unsigned int seals)
{
	struct mbox_ioc_set set = {
		.fields = MBOX_SET_SEALS,
		.seals = seals,
	};

	return mbox_ioctl(seg->object.fd, MBOX_IOC_SET, &set);
}

MBOX_API int mbox_segment_chmod(struct mbox_segment *seg, mode_t mode)
{
	return mbox_object_chmod(&seg->object, mode);
}

MBOX_API int mbox_segment_chown(struct mbox_segment *seg, uid_t uid, gid_t gid)
{
	return mbox_object_chown(&seg->object, uid, gid);
}
