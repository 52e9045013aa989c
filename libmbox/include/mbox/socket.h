/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * libmbox: sockets and connections, which go through mailboxes.
 *
 * An end of a connection is a descriptor for both directions, which any program
 * can read and write. What was written at one end is read at the other, in its
 * order and without boundaries. read(2) gets what is there, and 0 once the
 * other end writes no more. write(2) waits for room; when the other end reads
 * no more it fails with EPIPE and SIGPIPE. poll(2) shows POLLRDHUP and POLLHUP
 * as of a socket. splice(2) and ioctl(FIONREAD) work as well; recv(2), send(2)
 * and what else is for sockets alone does not. Compare unix(7).
 *
 * What holds for every call is said once, in <mbox/mbox.h>.
 */
#ifndef MBOX_SOCKET_H
#define MBOX_SOCKET_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * mbox_socketpair() - create a connection
 * @fd: where the descriptors of its two ends go; untouched on an error. They
 *      are the caller's to close
 * @flags: 0 or more of O_CLOEXEC, without which both are inherited over
 *         execve(2), and O_NONBLOCK
 *
 * Full duplex: each direction is a stream that holds MBOX_PIPE_CAPACITY bytes
 * and counts against the caller's budget. It has no name and mode 0: only who
 * has a descriptor gets at it. Compare socketpair(2) with SOCK_STREAM; the
 * numbers need not be the lowest that are free.
 *
 * Return: 0; -EINVAL: a flag that is not taken; -EDQUOT: the user has as many
 * mailboxes as the module's parameters allow; -EMFILE: less than four
 * descriptors are free; -ENFILE, -ENOMEM, -ENODEV, -EACCES.
 */
int mbox_socketpair(int fd[2], int flags);

/**
 * mbox_shutdown() - end a direction of a connection, or both
 * @fd: an end of it
 * @how: SHUT_RD, SHUT_WR or SHUT_RDWR, of <sys/socket.h>
 *
 * For all who share the open file. After SHUT_WR the other end reads what was
 * written and then 0; after SHUT_RD what the other end writes fails. Compare
 * shutdown(2).
 *
 * Return: 0; -EINVAL: not a value of @how; -EBADF: not an open descriptor;
 * -ENOTTY: not an end of a connection.
 */
int mbox_shutdown(int fd, int how);

/*
 * Sockets have an address: this machine's loopback address and a port. Their
 * ports are those of the caller's network namespace, apart from those of TCP
 * and UDP. A port is a name, stream:N or datagram:N, and goes with its socket.
 * Who is not privileged (CAP_NET_BIND_SERVICE) gets none below 1024.
 *
 * An address is AF_INET with INADDR_LOOPBACK, or INADDR_ANY for the same, and
 * the port in network byte order, as ip(7) has it. With any other a call fails
 * with EAFNOSUPPORT or EADDRNOTAVAIL.
 */
struct mbox_socket;

/* The largest datagram in bytes, as of UDP. */
#define MBOX_DATAGRAM_MAX	65507

/**
 * mbox_socket() - create a socket
 * @sock: where the new handle goes; untouched on an error
 * @type: SOCK_STREAM: for connections of bytes, as of TCP; SOCK_DGRAM: for
 *        datagrams up to MBOX_DATAGRAM_MAX bytes, none of which is lost, doubled
 *        or reordered; with SOCK_NONBLOCK its calls do not block; SOCK_CLOEXEC
 *        is implied
 *
 * A socket counts as one mailbox against the caller's budget, a connection as
 * two more of who connects. Compare socket(2).
 *
 * Return: 0; -EINVAL: a type or flag that is not taken; -EDQUOT: the user has
 * as many mailboxes as the module's parameters allow; -ENODEV, -EACCES,
 * -ENOMEM, -EMFILE, -ENFILE.
 */
int mbox_socket(struct mbox_socket **sock, int type);

/**
 * mbox_bind() - give a socket its port
 * @sock: a socket without one
 * @addr: the address; port 0 chooses one from 32768 to 60999
 *
 * Compare bind(2).
 *
 * Return: 0; -EADDRINUSE: another socket of this type has the port, or none is
 * left to choose; -EACCES: a port below 1024; -EINVAL: the socket has a port
 * already; -EAFNOSUPPORT, -EADDRNOTAVAIL: not an address as above; -ENOMEM.
 */
int mbox_bind(struct mbox_socket *sock, const struct sockaddr_in *addr);

/**
 * mbox_listen() - let others connect
 * @sock: a SOCK_STREAM socket; one without a port gets one
 * @backlog: connections that wait for mbox_accept() until who connects waits;
 *           taken as at least 1 and at most SOMAXCONN
 *
 * It can be called again to change the backlog. Compare listen(2).
 *
 * Return: 0; -EOPNOTSUPP: a SOCK_DGRAM socket; -EISCONN: it is connected;
 * -EADDRINUSE: no port is left; -ENOMEM.
 */
int mbox_listen(struct mbox_socket *sock, int backlog);

/**
 * mbox_accept() - take the next connection
 * @sock: a socket that listens
 * @conn: where the handle of the connection goes; untouched on an error. It
 *        blocks, whether @sock does or not
 * @peer: where the address of who connected goes, or NULL
 *
 * Waits until there is one; poll(2) shows POLLIN then. The port of @peer is
 * what that process says. Compare accept(2).
 *
 * Return: 0; -EAGAIN: there is none, and the socket does not block; -EINTR: a
 * signal came while it waited; -EINVAL: the socket does not listen; -EMFILE:
 * less than three descriptors are free, and the connection waits on; -ENFILE,
 * -ENOMEM.
 */
int mbox_accept(struct mbox_socket *sock, struct mbox_socket **conn,
		struct sockaddr_in *peer);

/**
 * mbox_connect() - connect a socket
 * @sock: a socket; one without a port gets one
 * @addr: the address to connect to
 *
 * A SOCK_STREAM socket is connected, once, as soon as this returns, whether or
 * not the other side has accepted; it waits while as many as the backlog wait
 * there. From then on mbox_socket_fd() is an end of a connection. Add it to an
 * epoll(7) set after that. A SOCK_DGRAM socket sends to that address when none
 * is given, and receives from it alone; it can be connected again. Compare
 * connect(2).
 *
 * Return: 0; -ECONNREFUSED: nobody listens there, or has that port; -EACCES:
 * not as this user; -EISCONN: it is connected, or listens; -EAGAIN: the backlog
 * is full, and the socket does not block; -EINTR: a signal came while it waited;
 * -EAFNOSUPPORT, -EADDRNOTAVAIL: not an address as above; -EADDRINUSE: no port
 * is left; -EDQUOT, -ENOMEM, -EMFILE, -ENFILE.
 */
int mbox_connect(struct mbox_socket *sock, const struct sockaddr_in *addr);

/**
 * mbox_sendto() - send bytes, or a datagram
 * @sock: a socket
 * @data: the bytes
 * @len: how many; of a datagram up to MBOX_DATAGRAM_MAX
 * @flags: MSG_DONTWAIT: do not block; or 0
 * @to: where a datagram goes, or NULL if the socket is connected; NULL for
 *      SOCK_STREAM
 *
 * On a connection this is write(2), with its SIGPIPE. A datagram waits for room
 * at its receiver, who has room for 64. A socket without a port gets one.
 * Compare sendto(2), and send(2).
 *
 * Return: bytes sent, all of them unless it did not block; -EAGAIN: it would
 * block; -EINTR: a signal came first; -EMSGSIZE: too large a datagram;
 * -EDESTADDRREQ: a datagram for nobody; -ENOTCONN: not connected; -EISCONN: @to
 * on a connection; -EPIPE: the other end reads no more, or this one was shut
 * down; -ECONNREFUSED: nobody has that port; -EINVAL: a flag that is not taken;
 * -EAFNOSUPPORT, -EADDRNOTAVAIL: not an address as above; -EADDRINUSE: no port
 * is left; -EFAULT, -EDQUOT, -ENOMEM, -EMFILE, -ENFILE.
 */
ssize_t mbox_sendto(struct mbox_socket *sock, const void *data, size_t len,
		    int flags, const struct sockaddr_in *to);

/**
 * mbox_recvfrom() - receive bytes, or a datagram
 * @sock: a socket
 * @buf: where they go
 * @size: room there; what of a datagram does not fit is discarded
 * @flags: 0 or more of MSG_DONTWAIT: do not block; MSG_TRUNC: return how large
 *         the datagram was, not what of it is in @buf; MSG_PEEK, on a
 *         connection: leave the bytes to the next call
 * @from: where the sender's address goes, or NULL
 *
 * On a connection this is read(2). The port in @from is what the sender says, 0
 * where it is no socket.
 * Compare recvfrom(2), and recv(2).
 *
 * Return: bytes received; 0 is the end of a connection, or an empty datagram;
 * -EAGAIN: there is nothing and it would block; -EINTR: a signal came first;
 * -ECONNRESET: once before the end, if the other side left bytes unread;
 * -ENOTCONN: not connected; -EINVAL: a flag that is not taken; -EFAULT, -ENOMEM.
 */
ssize_t mbox_recvfrom(struct mbox_socket *sock, void *buf, size_t size,
		      int flags, struct sockaddr_in *from);

/**
 * mbox_getsockname() - the address of a socket
 * @sock: the socket
 * @addr: where it goes; port 0 if it has none
 *
 * Compare getsockname(2).
 *
 * Return: 0.
 */
int mbox_getsockname(const struct mbox_socket *sock, struct sockaddr_in *addr);

/**
 * mbox_getpeername() - the address that a socket is connected to
 * @sock: the socket
 * @addr: where it goes
 *
 * Compare getpeername(2).
 *
 * Return: 0; -ENOTCONN: it is not connected.
 */
int mbox_getpeername(const struct mbox_socket *sock, struct sockaddr_in *addr);

/**
 * mbox_socket_fd() - the descriptor of a socket
 * @sock: the socket, which goes on owning it
 *
 * For poll(2): POLLIN when there is a connection to accept, a datagram to
 * receive, or bytes to read. That of a connection can be read, written, given
 * to mbox_shutdown() and to any program by dup2(2). It is close-on-exec, and
 * its number stays the same.
 *
 * Return: the descriptor.
 */
int mbox_socket_fd(const struct mbox_socket *sock);

/**
 * mbox_socket_close() - close a socket
 * @sock: the socket, or NULL; the handle is gone afterwards
 *
 * Its port is free once no descriptor of it is left in any process. Connections
 * that nobody has accepted end.
 */
void mbox_socket_close(struct mbox_socket *sock);

#ifdef __cplusplus
}
#endif

#endif /* MBOX_SOCKET_H */
