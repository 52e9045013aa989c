/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What the files of libmbox share and nobody else sees.
 */
#ifndef MBOX_INTERNAL_H
#define MBOX_INTERNAL_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/single_threaded.h>
#include <sys/types.h>
#include <time.h>

#include <mbox/mbox.h>

/* All else is hidden; libmbox.map lists the same names with their version. */
#define MBOX_API	__attribute__((visibility("default")))

/* A handle is a descriptor with a type. */
struct mbox_object {
	int fd;
};

struct mbox_views;

/**
 * struct mbox - a mailbox
 * @object: its base
 * @views: of loans, or NULL; set once
 * @kind: whether it has MBOX_RINGS, once that was asked for
 * @has_room: the handle has or had a ring, and @room is open
 * @room: a mailbox whose bell the receiver rings when there is room
 * @sender: the sender's side of a ring, or NULL
 * @receiver: the receiver's side of all rings, or NULL
 */
struct mbox {
	struct mbox_object object;
	struct mbox_views *_Atomic views;
	_Atomic enum { MBOX_UNKNOWN, MBOX_PLAIN, MBOX_RINGED } kind;
	bool has_room;
	int room;
	struct mbox_sender *_Atomic sender;
	struct mbox_receiver *_Atomic receiver;
};

struct mbox_segment {
	struct mbox_object object;
};

/**
 * struct mbox_socket - a socket
 * @type: SOCK_STREAM or SOCK_DGRAM
 * @fd: a mailbox: of connections to accept, or of datagrams; from mbox_connect()
 *      or mbox_accept() on the end of a connection
 * @bound: the mailbox that has the port, once @fd is another; or -1
 * @to: of a connected SOCK_DGRAM, the mailbox of the peer; or -1
 * @lock: held by what gives the socket a port, or connects it
 * @state: how far that got
 * @port: its own, or 0
 * @peer: the one that it is connected to, or 0
 *
 * What is not constant is written under @lock, and can be read without it.
 */
struct mbox_socket {
	int type;
	int fd;
	int bound;
	_Atomic int to;
	pthread_mutex_t lock;
	_Atomic enum { MBOX_IDLE, MBOX_LISTENING, MBOX_CONNECTED } state;
	_Atomic in_port_t port;
	_Atomic in_port_t peer;
};

/* socket.c: what stream sockets and datagram sockets have in common */
struct mbox_socket *mbox_socket_new(int type, int fd);
int mbox_address_port(const struct sockaddr_in *addr, in_port_t *port);
void mbox_port_address(in_port_t port, struct sockaddr_in *addr);
int mbox_port_open(int type, in_port_t port);
int mbox_port_need(struct mbox_socket *sock);
bool mbox_socket_nonblocking(const struct mbox_socket *sock);

/* streamsocket.c */
int mbox_stream_connect(struct mbox_socket *sock, in_port_t port);
ssize_t mbox_stream_send(struct mbox_socket *sock, const void *data, size_t len,
			 int flags);
ssize_t mbox_stream_recv(struct mbox_socket *sock, void *buf, size_t size,
			 int flags);

/* datagram.c */
int mbox_datagram_connect(struct mbox_socket *sock, in_port_t port);
ssize_t mbox_datagram_send(struct mbox_socket *sock, const void *data,
			   size_t len, int flags, const struct sockaddr_in *to);
ssize_t mbox_datagram_recv(struct mbox_socket *sock, void *buf, size_t size,
			   int flags, struct sockaddr_in *from);

/**
 * struct mbox_wires - the descriptors that a connection is made of
 * @there: the stream from who connects
 * @back: the stream to who connects
 * @end: both, joined for who connects
 * @offer: for the other end: what it reads, what it writes
 */
struct mbox_wires {
	int there;
	int back;
	int end;
	struct mbox_fd offer[2];
};

/* connection.c: recv(2) with MSG_PEEK on one, and with @flags; or -errno */
ssize_t mbox_connection_peek(int fd, void *buf, size_t size, int flags);

/* connection.c: an end of a connection, a descriptor or -errno */
int mbox_join(int in, int out, int flags);

/* connection.c: 0, or the first error among descriptors; to be closed after both */
int mbox_wires_make(struct mbox_wires *wires, int oflag);
void mbox_wires_close(struct mbox_wires *wires);

/*
 * connection.c: close the descriptors of an offer that was received. Return: the
 * connection, or -EBADF or -ENOTTY: it was none of mbox_wires_make(), or -EMFILE.
 */
int mbox_join_offer(const struct mbox_fd *offer, unsigned int nr, int flags);

/* device.c: the only callers of ioctl(2); a result, or -errno */
int mbox_ioctl(int fd, unsigned long request, void *arg);
int mbox_device_ioctl(unsigned long request, void *arg);

/* device.c: close(2), ppoll(2), read(2), write(2), but no cancellation points; a result, or -errno */
void mbox_fd_close(int fd);
int mbox_fd_poll(struct pollfd *fds, nfds_t nr, const struct timespec *wait);
ssize_t mbox_fd_read(int fd, void *buf, size_t size);
ssize_t mbox_fd_write(int fd, const void *data, size_t size);

/* sender.c: memory that a child of fork(2) finds zeroed, and a ring's, which it has not; or NULL */
struct mbox_ring;
void *mbox_private_map(size_t size);
void *mbox_ring_map(int fd, uint32_t size);
void mbox_ring_unmap(const struct mbox_ring *ring);

/*
 * A process has one thread, or has had more: only its threads make others, and none does so while
 * it holds a lock.
 */
static inline void mbox_lock(pthread_mutex_t *lock)
{
	if (!__libc_single_threaded)
		pthread_mutex_lock(lock);
}

static inline void mbox_unlock(pthread_mutex_t *lock)
{
	if (!__libc_single_threaded)
		pthread_mutex_unlock(lock);
}

/* sender.c: ring the bell of a mailbox; a receiver that has come back too late */
int mbox_bell(int fd);
bool mbox_deadline_passed(unsigned int flags, uint64_t deadline);

/* What no one can do to the memory of a ring. */
#define MBOX_RING_SEALS	(MBOX_SEAL_SHRINK | MBOX_SEAL_GROW | MBOX_SEAL_SEAL)

/* sender.c, of a handle with mb->sender: mbox_send() */
int mbox_sender_send(struct mbox *mb, const void *data, size_t length, unsigned int prio);

/*
 * sender.c, of a handle with mb->sender: send through the ring, and wait for room. Return: the result, or 1 if the
 * message is none for a ring, or it has none now.
 */
int mbox_sender_put(struct mbox *mb, const void *data, size_t length, uint64_t tag,
		    unsigned int flags, uint64_t deadline);

/*
 * sender.c, of a handle with mb->sender: wait until the receiver has what is in the ring, so that a
 * message can go through the kernel, with these flags then
 */
int mbox_sender_behind(struct mbox *mb, size_t length, unsigned int *flags, uint64_t deadline);

/* sender.c: wait until the receiver has what is in the ring */
int mbox_sender_flush(struct mbox *mb, unsigned int flags, uint64_t deadline);
void mbox_sender_close(struct mbox *mb);

/*
 * receiver.c: the message that offers a ring: this, the ring's segment, and a mailbox to ring when
 * there is room
 */
struct mbox_offer {
	char magic[16];
	uint64_t version;
};
extern const struct mbox_offer mbox_ring_offer;

/* receiver.c: can there be messages in rings? The kernel is asked the first time. */
bool mbox_ringed(struct mbox *mb);
static inline bool mbox_has_rings(struct mbox *mb)
{
	return mb->kind == MBOX_RINGED || (mb->kind == MBOX_UNKNOWN && mbox_ringed(mb));
}

/* receiver.c, of a handle whose kind is MBOX_RINGED: mbox_recv() */
int mbox_receiver_next(struct mbox *mb, struct mbox_message *msg);

/* receiver.c: receive from rings and from the kernel; @msg can be NULL */
int mbox_receiver_recv(struct mbox *mb, const struct iovec *iov, int nr, struct mbox_message *msg,
		       unsigned int flags, uint64_t deadline);
void mbox_receiver_close(struct mbox *mb);

/* mailbox.c: a handle of what the request opens */
int mbox_mailbox_get(struct mbox **mb, unsigned long request, void *arg);

/* name.c: the address of the name as the kernel takes it */
__u64 mbox_name_address(const char *name);

/* segment.c: the descriptor of a new one, sealed, or -errno */
int mbox_segment_make(uint64_t length, uint32_t seals);

/* object.c: what mailboxes and segments have in common; @size is that of the zeroed handle */
int mbox_object_get(struct mbox_object **object, size_t size,
		    unsigned long request, void *arg);
int mbox_object_adopt(struct mbox_object **object, size_t size, int fd,
		      unsigned long request, void *status);
/* a descriptor of a new one with these attributes, or -errno */
int mbox_object_make(unsigned long request, void *arg, struct mbox_ioc_set *set);
void mbox_object_close(struct mbox_object *object);
int mbox_object_chmod(const struct mbox_object *object, mode_t mode);
int mbox_object_chown(const struct mbox_object *object, uid_t uid, gid_t gid);

/* pipe.c: a stream, once more an open one; as a descriptor or -errno */
int mbox_stream_create(const char *name, int oflag, mode_t mode);
int mbox_stream_reopen(int stream, int oflag);

/*
 * pipe.c: both descriptors to the caller, without close-on-exec unless @flags has
 * it, as pipe(2) does; or neither, if @other is an error
 */
int mbox_give_pair(int one, int other, int fd[2], int flags);

/* message.c: a request with MBOX_IOV and @req->len buffers */
int mbox_vector_ioctl(int fd, unsigned long request, struct mbox_ioc_msg *req,
		      const struct iovec *iov);

/* message.c: use what the kernel said of a received message, or of one too large */
int mbox_take_message(struct mbox_message *msg, const struct mbox_ioc_msg *req,
		      int ret);

/* message.c: as mbox_send_msg() and mbox_recv_msg(), with flags that are not the caller's */
int mbox_send_as(struct mbox *mb, const struct mbox_message *msg,
		 unsigned int how, unsigned int flags, uint64_t deadline);
int mbox_recv_as(struct mbox *mb, struct mbox_message *msg, unsigned int how,
		 unsigned int flags, uint64_t deadline);

/* loan.c: the caller is done with what was received so, in place or not */
void mbox_loan_end(struct mbox *mb, uint64_t delivery);
void mbox_views_free(struct mbox_views *views);

/* An address as the fixed-width field that carries it. */
static inline __u64 mbox_address(const void *p)
{
	return (__u64)(uintptr_t)p;
}

#endif /* MBOX_INTERNAL_H */
