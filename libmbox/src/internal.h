/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * What the files of libmbox share and nobody else sees.
 */
#ifndef MBOX_INTERNAL_H
#define MBOX_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include <mbox/mbox.h>

/* All else is hidden; libmbox.map lists the same names with their version. */
#define MBOX_API	__attribute__((visibility("default")))

/* A handle is a descriptor with a type. */
struct mbox_object {
	int fd;
};

struct mbox_views;

/* @views: of loans, or NULL; set once */
struct mbox {
	struct mbox_object object;
	struct mbox_views *_Atomic views;
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

/* mailbox.c: a handle of what the request opens */
int mbox_mailbox_get(struct mbox **mb, unsigned long request, void *arg);

/* name.c: the address of the name as the kernel takes it */
__u64 mbox_name_address(const char *name);

/* object.c: what mailboxes and segments have in common; @size of the handle */
int mbox_object_get(struct mbox_object **object, size_t size,
		    unsigned long request, void *arg);
int mbox_object_adopt(struct mbox_object **object, size_t size, int fd,
		      unsigned long request, void *status);
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
