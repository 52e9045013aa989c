/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * Stream sockets over mailboxes.
 *
 * A socket that listens has a mailbox beside, whose name comes of its address.
 * Who connects sends an offer there, the other end of a connection of streams,
 * and connects the socket then as well. Who accepts that socket looks for its
 * offer, by a tag that both know from the address of who connected. So each end
 * knows whether the other one has this library, before anything is sent, and puts
 * the end of the connection in the place of the socket. That of AF_UNIX is hidden
 * and stays connected, for what is not bytes.
 */
#ifndef MBOX_PRELOAD_SOCKET_H
#define MBOX_PRELOAD_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <linux/mbox.h>

/* The most mailboxes that an address can be reached by. */
#define PRELOAD_NAMES	3

struct preload_address {
	socklen_t len;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		struct sockaddr_storage room;
	};
};

struct preload_name {
	char text[MBOX_NAME_MAX + 1];
};

/* address.c: the same address without the wrapping of IPv4 in IPv6 */
void preload_address_set(struct preload_address *addr, const void *from,
			 socklen_t len);
int preload_address_get(const struct preload_address *addr, struct sockaddr *to,
			socklen_t *len);

/* address.c: whether a socket's own address is one that others of the host use */
bool preload_listen_name(const struct preload_address *addr, bool only6,
			 struct preload_name *name);
int preload_connect_names(const struct preload_address *addr,
			  struct preload_name names[PRELOAD_NAMES]);

/* address.c: an address for who connects, and what it is found by; 0 if nothing */
void preload_unique_address(struct preload_address *addr);
bool preload_is_unique(const struct preload_address *addr);
uint64_t preload_tag(const struct preload_address *addr);

/**
 * struct preload_option - what was set of a connection, as setsockopt(2)
 * @level: its level
 * @name: or 0 for none
 * @value: an int
 */
struct preload_option {
	int level;
	int name;
	int value;
};

#define PRELOAD_OPTIONS	8

/**
 * struct preload_connection - what the socket had told, before a connection took
 *			       its place
 * @id: of the stream that is read, or 0 while the rest is written
 * @read: up to which byte of it recvmsg(2) has read
 * @open: the descriptor has not been closed
 * @socket: the one in whose place the connection is, hidden, of AF_UNIX; or 0
 * @domain: AF_INET, AF_INET6 or AF_UNIX
 * @peer: who is at the other end
 * @cred: its credentials, of AF_UNIX
 * @local: the own address
 * @options: set since
 */
struct preload_connection {
	_Atomic uint64_t id;
	_Atomic uint64_t read;
	_Atomic bool open;
	_Atomic int socket;
	int domain;
	struct ucred cred;
	struct preload_address local;
	struct preload_address peer;
	struct preload_option options[PRELOAD_OPTIONS];
};

/*
 * connection.c: whether a descriptor is a connection; hinted, it was one before
 * what was done to it past libc, and was not found out since if not
 */
bool preload_is_connection(int fd);
bool preload_connection_hinted(int fd);

/* connection.c: a call of libc has failed as it does on what is no socket */
bool preload_is_ours(int fd, ssize_t ret);

/* connection.c: or NULL, if it is none or too many came since */
struct preload_connection *preload_connection_of(int fd);

/* connection.c: the same, and NULL if it has no socket; quick where none has one */
struct preload_connection *preload_connection_beside(int fd);

/* connection.c: put @end, which is not open any more then, in the place of @fd */
void preload_upgrade(int fd, int end);

/* transfer.c: as sendmsg(2) and recvmsg(2) of bytes, on a connection */
ssize_t preload_send_iov(int fd, const struct iovec *iov, size_t nr, int flags);
ssize_t preload_recv_iov(int fd, const struct iovec *iov, size_t nr, int flags);

/*
 * rights.c: sendmsg(2) with control data on a connection, and recvmsg(2) on one
 * whose socket there is, with the flags that take bytes
 */
ssize_t preload_send_rights(int fd, const struct msghdr *msg, int flags);
ssize_t preload_recv_rights(struct preload_connection *connection, int fd,
			    struct msghdr *msg, int flags);

/* listen.c: of any socket */
uint64_t preload_socket_of(int fd);
int preload_option_of(int fd, int level, int name);
bool preload_is_stream(int fd);

/* Before libc closes the descriptors from @first to @last. */
void preload_connections_closed(unsigned int first, unsigned int last);
void preload_listeners_closed(unsigned int first, unsigned int last);

#endif /* MBOX_PRELOAD_SOCKET_H */
