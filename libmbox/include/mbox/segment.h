/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * libmbox: shared memory segments.
 *
 * What holds for every call (errors, threads, names) is said once, in
 * <mbox/mbox.h>. A name is removed by mbox_unlink().
 */
#ifndef MBOX_SEGMENT_H
#define MBOX_SEGMENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/mbox.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct mbox_segment - handle of an open segment
 *
 * Made by mbox_segment_create(), mbox_segment_open() and
 * mbox_segment_from_fd(), freed by mbox_segment_close().
 */
struct mbox_segment;

/**
 * mbox_segment_create() - create a segment of zeroed memory and open it
 * @seg: where the new handle goes; untouched on an error
 * @name: the name, or NULL for an anonymous segment
 * @oflag: O_RDONLY, O_RDWR, or O_WRONLY | O_RDWR only to look at the segment
 *         and change its owner, group and mode; with O_EXCL a name in use is
 *         refused, without it an existing segment is opened as by
 *         mbox_segment_open() and keeps its length; O_CLOEXEC is implied,
 *         O_CREAT is not taken
 * @mode: permission bits, 0 to 0777, less the umask: read bits allow reading,
 *        read and write bits writing
 * @length: bytes, or 0 for none yet; mappings cover it in whole pages
 * @flags: 0 or MBOX_HUGEPAGE: ask for transparent huge pages
 *
 * The segment belongs to the caller's effective user and group, and its length
 * in whole pages counts against that user's budget. A named one lives until it
 * is unlinked and neither open nor mapped, an anonymous one until it is neither
 * open nor mapped. Compare shm_open(3) and memfd_create(2).
 *
 * Return: 0; -EINVAL: a name, flag, mode or length out of its range;
 * -ENAMETOOLONG; -EEXIST: with O_EXCL, the name is in use; -EPROTOTYPE: the
 * name is a mailbox's; -EACCES: the existing segment does not allow @oflag;
 * -EDQUOT: the user has as many segments, or bytes, as the module's parameters
 * allow; -ENODEV, -ENOMEM, -EMFILE, -ENFILE.
 */
int mbox_segment_create(struct mbox_segment **seg, const char *name, int oflag,
			mode_t mode, uint64_t length, unsigned int flags);

/**
 * mbox_segment_open() - open an existing segment by name
 * @seg: where the new handle goes; untouched on an error
 * @name: the name
 * @oflag: O_RDONLY, O_RDWR, or O_WRONLY | O_RDWR only to look at the segment
 *         and change its owner, group and mode; O_CLOEXEC is implied
 *
 * Return: 0; -ENOENT: no object has that name; -EPROTOTYPE: it is a mailbox's;
 * -EACCES: owner, group and mode do not allow @oflag; -EINVAL,
 * -ENAMETOOLONG: not a name, or a flag that is not taken, as O_WRONLY;
 * -ENODEV, -ENOMEM, -EMFILE, -ENFILE.
 */
int mbox_segment_open(struct mbox_segment **seg, const char *name, int oflag);

/**
 * mbox_segment_from_fd() - make a handle of a descriptor
 * @seg: where the new handle goes; untouched on an error
 * @fd: descriptor of a segment; the handle owns it on success, the caller keeps
 *      it on an error
 *
 * Return: 0; -EBADF: not an open descriptor; -ENOTTY: not of a segment;
 * -ENOMEM.
 */
int mbox_segment_from_fd(struct mbox_segment **seg, int fd);

/**
 * mbox_segment_link() - give an anonymous segment a name
 * @seg: the segment, whatever it is open for
 * @name: the name, which no object has
 *
 * As mbox_link().
 *
 * Return: 0; -EEXIST: the name is in use; -EINVAL: not a name, or the segment
 * has or had one; -EPERM: not the owner; -EXDEV: the caller is in another
 * network namespace; -ENAMETOOLONG, -ENOMEM.
 */
int mbox_segment_link(struct mbox_segment *seg, const char *name);

/**
 * mbox_segment_fd() - the descriptor of a handle
 * @seg: the segment
 *
 * For mmap(2) of a part, or for passing it on. The handle goes on owning it.
 *
 * Return: the descriptor.
 */
int mbox_segment_fd(const struct mbox_segment *seg);

/**
 * mbox_segment_close() - close a handle and its descriptor
 * @seg: the segment, or NULL for nothing
 *
 * Mappings stay until mbox_segment_unmap(). No other call on the handle may be
 * running or follow.
 */
void mbox_segment_close(struct mbox_segment *seg);

/**
 * mbox_segment_map() - map the whole segment into memory, shared
 * @seg: the segment
 * @prot: PROT_READ, or PROT_READ | PROT_WRITE for a handle opened O_RDWR
 * @address: set to the start of the mapping, on a page boundary; untouched on
 *           an error
 * @length: set to the length of the segment in bytes; untouched on an error
 *
 * The caller owns the mapping, and gives it back by mbox_segment_unmap(). Each
 * call makes another one. It keeps its size when the segment is resized: memory
 * cut off raises SIGBUS when touched, memory added is not in it. A mapping of a
 * handle opened O_RDONLY never becomes writable. Futexes in it work between
 * processes. Compare mmap(2).
 *
 * Return: 0; -EACCES: PROT_WRITE on a handle opened O_RDONLY; -EPERM:
 * PROT_WRITE on a segment with MBOX_SEAL_WRITE; -EINVAL: @prot has other bits,
 * or the segment has length 0; -ENOMEM: the address space has no room, or too many mappings; -EAGAIN: the
 * limit of locked memory, after mlockall(2).
 */
int mbox_segment_map(const struct mbox_segment *seg, int prot, void **address,
		     size_t *length);

/**
 * mbox_segment_unmap() - give a mapping back
 * @address: as mbox_segment_map() set it
 * @length: likewise
 *
 * Return: 0; -EINVAL: @address is not on a page boundary, or @length is 0.
 */
int mbox_segment_unmap(void *address, size_t length);

/**
 * struct mbox_segment_status - a segment at one moment
 * @id: a number that no other object of this boot has
 * @length: bytes
 * @resident: bytes that have memory behind them
 * @attached: mappings of it, over all processes
 * @writable: those of them that can write
 * @seals: combination of MBOX_SEAL_SEAL, _SHRINK, _GROW and _WRITE
 * @mode: permission bits
 * @uid: owner, as the caller's user namespace sees it
 * @gid: group, likewise
 * @flags: 0 or MBOX_HUGEPAGE
 * @buffer_size: of a pool, see <mbox/loan.h>: bytes of each buffer; otherwise 0
 * @buffers: of a pool: how many
 * @lent: of a pool: how many of them are in messages
 */
struct mbox_segment_status {
	uint64_t id;
	uint64_t length;
	uint64_t resident;
	uint32_t attached;
	uint32_t writable;
	unsigned int seals;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	unsigned int flags;
	uint64_t buffer_size;
	uint32_t buffers;
	uint32_t lent;
};

/**
 * mbox_segment_status() - how a segment is
 * @seg: the segment
 * @status: filled in on success, untouched on an error
 *
 * Return: 0.
 */
int mbox_segment_status(const struct mbox_segment *seg,
			struct mbox_segment_status *status);

/**
 * mbox_segment_resize() - change the length
 * @seg: the segment, open O_RDWR
 * @length: bytes, or 0
 *
 * What is cut off is gone, what is added is zero. Compare ftruncate(2).
 *
 * Return: 0; -EPERM: a seal forbids it; -EBADF: the handle was opened O_RDONLY;
 * -EDQUOT: the user's budget of bytes is used up; -EINVAL: a length out of its
 * range; -ENOMEM.
 */
int mbox_segment_resize(struct mbox_segment *seg, uint64_t length);

/**
 * mbox_segment_seal() - take away for ever what can be done to a segment
 * @seg: the segment, open O_RDWR
 * @seals: combination of MBOX_SEAL_SHRINK: make it shorter; MBOX_SEAL_GROW:
 *         make it longer; MBOX_SEAL_WRITE: map it writable; MBOX_SEAL_SEAL: add
 *         more seals; 0 for nothing. Those that are there already stay
 *
 * Compare F_ADD_SEALS of fcntl(2).
 *
 * Return: 0; -EPERM: MBOX_SEAL_SEAL is there already; -EBUSY: MBOX_SEAL_WRITE
 * while a writable mapping exists; -EBADF: the handle was opened O_RDONLY;
 * -EINVAL: a seal that is not defined.
 */
int mbox_segment_seal(struct mbox_segment *seg, unsigned int seals);

/**
 * mbox_segment_chmod() - change the permission bits
 * @seg: the segment
 * @mode: 0 to 0777; the umask does not apply
 *
 * Handles that are open keep their rights. Compare fchmod(2).
 *
 * Return: 0; -EPERM: only the owner, or a process with CAP_FOWNER, may do that;
 * -EINVAL: a mode out of its range.
 */
int mbox_segment_chmod(struct mbox_segment *seg, mode_t mode);

/**
 * mbox_segment_chown() - change owner and group
 * @seg: the segment
 * @uid: new owner, or (uid_t)-1 to leave it
 * @gid: new group, or (gid_t)-1 to leave it
 *
 * Both change or neither does. Compare fchown(2).
 *
 * Return: 0; -EPERM: changing the owner takes CAP_CHOWN, changing the group the
 * owner who is a member of the new one, or CAP_CHOWN; -EINVAL: an id that the
 * caller's user namespace does not know.
 */
int mbox_segment_chown(struct mbox_segment *seg, uid_t uid, gid_t gid);

#ifdef __cplusplus
}
#endif

#endif /* MBOX_SEGMENT_H */
