// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * Sockets with addresses, in the manner of netcat.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <mbox/mbox.h>

#include "command.h"
#include "fail.h"
#include "format.h"
#include "output.h"

static const struct option_text options[] = {
	{ 'l', "listen", NULL, "take a connection on PORT; 0 chooses one and says which" },
	{ 'k', "keep", NULL, "with --listen: take the next connection when one has ended" },
	{ 'u', "datagram", NULL, "datagrams, instead of a stream" },
	{ 0 }
};

/**
 * struct netcat - what is at this side
 * @listen: it is there for others to connect to
 * @keep: for one after the other
 * @type: SOCK_STREAM or SOCK_DGRAM
 * @port: the one that was given
 * @name: that it has in the namespace
 * @socket: which listens, is connected, or takes datagrams
 * @to: the port that datagrams go to, which is that of who has sent last
 * @printing: from when a datagram is received until it is printed
 */
struct netcat {
	bool listen;
	bool keep;
	int type;
	in_port_t port;
	char name[sizeof("datagram:65535")];
	struct mbox_socket *socket;
	_Atomic in_port_t to;
	pthread_mutex_t printing;
};

static void start_thread(pthread_t *thread, void *(*run)(void *), void *argument)
{
	errno = pthread_create(thread, NULL, run, argument);
	if (errno)
		fail_errno("thread");
}

/* Return: how much was read; 0 at the end. */
static size_t read_input(char *data, size_t size)
{
	ssize_t length = read(STDIN_FILENO, data, size);

	if (length < 0)
		fail_errno("standard input");
	return length;
}

static void print(const char *data, size_t length)
{
	fwrite(data, 1, length, stdout);
	finish_output();
}

/*
 * Return: false if the connection has ended first, in both directions: nothing
 * is asked about it, so what comes is POLLHUP.
 */
static bool wait_for_input(int connection)
{
	struct pollfd fds[] = {
		{ .fd = connection },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};

	if (poll(fds, 2, -1) < 0)
		fail_errno("standard input");
	return !fds[0].revents;
}

/* SIGPIPE is for who reads standard output: the other side may have enough. */
static void *copy_in(void *argument)
{
	struct mbox_socket *connection = argument;
	int fd = mbox_socket_fd(connection);
	static char data[MBOX_PIPE_CAPACITY];
	ssize_t sent = 1;
	size_t length;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	while (sent > 0 && wait_for_input(fd)) {
		length = read_input(data, sizeof(data));
		if (!length)
			break;
		sent = mbox_sendto(connection, data, length, 0, NULL);
	}
	if (sent < 0 && sent != -EPIPE)
		fail_with("the connection", "write to it", sent);
	mbox_shutdown(fd, SHUT_WR);
	return NULL;
}

/* Who has enough may leave what was written to it unread. */
static void copy_out(struct mbox_socket *connection)
{
	static char data[MBOX_PIPE_CAPACITY];
	ssize_t length;

	while ((length = mbox_recvfrom(connection, data, sizeof(data), 0, NULL)) > 0)
		print(data, length);
	if (length < 0 && length != -ECONNRESET)
		fail_with("the connection", "read from it", length);
}

/*
 * The directions end one by one. Who reads the last connection's output is told
 * of its end at once, since it can be who writes the input.
 */
static void use_connection(struct mbox_socket *connection, bool last)
{
	pthread_t thread;

	start_thread(&thread, copy_in, connection);
	copy_out(connection);
	if (last && close(STDOUT_FILENO))
		fail_errno("standard output");
	pthread_join(thread, NULL);
	mbox_socket_close(connection);
}

static bool is_datagram(const struct netcat *nc)
{
	return nc->type == SOCK_DGRAM;
}

static noreturn void fail_to(const struct netcat *nc, const char *action, int error)
{
	if (error == -EDQUOT)
		fail_create(nc->name, "user_mailboxes", error);
	fail_on(nc->name, action, error);
}

static struct sockaddr_in address_of(in_port_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static noreturn void fail_bind(const struct netcat *nc, int error)
{
	if (error == -EADDRINUSE && nc->port)
		fail(EXIT_EXISTS, "%s: another socket has that port: choose another, or 0 for one that is free",
		     shown(nc->name));
	if (error == -EACCES)
		fail(EXIT_PERMISSION, "%s: a port below 1024 takes CAP_NET_BIND_SERVICE, which root has: choose a higher one",
		     shown(nc->name));
	fail_to(nc, "take that port", error);
}

static void bind_port(const struct netcat *nc)
{
	struct sockaddr_in address = address_of(nc->port);
	int error = mbox_bind(nc->socket, &address);

	if (error)
		fail_bind(nc, error);
}

/* Once others can connect. */
static void tell_port(const struct netcat *nc)
{
	struct sockaddr_in address;

	if (nc->port)
		return;
	mbox_getsockname(nc->socket, &address);
	complain("it listens on port %u", ntohs(address.sin_port));
}

static void connect_port(const struct netcat *nc)
{
	struct sockaddr_in address = address_of(nc->port);
	int error = mbox_connect(nc->socket, &address);

	if (error == -ECONNREFUSED)
		fail(EXIT_NOT_FOUND, "%s: nobody listens there, as 'mbox nc --listen%s %u' does",
		     shown(nc->name), is_datagram(nc) ? " --datagram" : "", nc->port);
	if (error)
		fail_to(nc, "connect to it", error);
}

/* For one connection alone nobody else is left waiting. */
static struct mbox_socket *next_connection(struct netcat *nc)
{
	struct mbox_socket *connection;
	int error = mbox_accept(nc->socket, &connection, NULL);

	if (error)
		fail_to(nc, "take a connection", error);
	if (!nc->keep) {
		mbox_socket_close(nc->socket);
		nc->socket = NULL;
	}
	return connection;
}

static void listen_stream(struct netcat *nc)
{
	int error;

	bind_port(nc);
	error = mbox_listen(nc->socket, nc->keep ? SOMAXCONN : 1);
	if (error)
		fail_to(nc, "listen there", error);
	tell_port(nc);
	do {
		use_connection(next_connection(nc), !nc->keep);
	} while (nc->keep);
}

/* It may be gone by now, as one that has sent all that it had to say. */
static void send_datagram(const struct netcat *nc, const char *data, size_t length)
{
	struct sockaddr_in to = address_of(nc->to);
	ssize_t sent = mbox_sendto(nc->socket, data, length, 0, &to);

	if (sent >= 0)
		return;
	if (sent != -ECONNREFUSED)
		fail_to(nc, "send from it", sent);
	if (!nc->listen)
		fail(EXIT_PEER_GONE, "%s: %zu bytes not sent: it is gone",
		     shown(nc->name), length);
	complain("/datagram:%u: %zu bytes not sent: it is gone",
		 ntohs(to.sin_port), length);
}

static void *send_datagrams(void *argument)
{
	struct netcat *nc = argument;
	static char data[MBOX_DATAGRAM_MAX];
	size_t length;

	while ((length = read_input(data, sizeof(data))))
		send_datagram(nc, data, length);
	return NULL;
}

/* Those that are there. */
static void print_datagrams(struct netcat *nc)
{
	static char data[MBOX_DATAGRAM_MAX];
	struct sockaddr_in from;
	ssize_t length;

	while ((length = mbox_recvfrom(nc->socket, data, sizeof(data), MSG_DONTWAIT,
				       &from)) >= 0) {
		nc->to = ntohs(from.sin_port);
		print(data, length);
	}
	if (length != -EAGAIN)
		fail_to(nc, "receive from it", length);
}

static void wait_for_datagrams(struct netcat *nc)
{
	struct pollfd socket = {
		.fd = mbox_socket_fd(nc->socket),
		.events = POLLIN,
	};

	if (poll(&socket, 1, -1) < 0)
		fail_errno(nc->name);
	pthread_mutex_lock(&nc->printing);
	print_datagrams(nc);
	pthread_mutex_unlock(&nc->printing);
}

static void *keep_printing(void *argument)
{
	for (;;)
		wait_for_datagrams(argument);
	return NULL;
}

static void listen_datagrams(struct netcat *nc)
{
	pthread_t thread;

	bind_port(nc);
	tell_port(nc);
	while (!nc->to)
		wait_for_datagrams(nc);
	start_thread(&thread, send_datagrams, nc);
	keep_printing(nc);
}

/* In the end nothing that was received is left without being printed. */
static void connect_datagrams(struct netcat *nc)
{
	pthread_t thread;

	connect_port(nc);
	nc->to = nc->port;
	start_thread(&thread, keep_printing, nc);
	send_datagrams(nc);
	pthread_mutex_lock(&nc->printing);
	print_datagrams(nc);
}

static void check_host(const char *host)
{
	if (strcmp(host, "localhost") && strcmp(host, "127.0.0.1"))
		fail_usage("'%s' is too far: sockets of mbox reach this machine only, localhost",
			   host);
}

static void read_options(struct arguments *args, struct netcat *nc)
{
	int letter;

	while ((letter = next_option(args)) != -1) {
		if (letter == 'l')
			nc->listen = true;
		else if (letter == 'k')
			nc->keep = true;
		else
			nc->type = SOCK_DGRAM;
	}
	if (args->argc == 2)
		check_host(*args->argv++);
	nc->port = parse_number(*args->argv, "port", UINT16_MAX);
	if (nc->keep && !nc->listen)
		fail_usage("--keep is for --listen");
	if (nc->keep && is_datagram(nc))
		fail_usage("--keep is for connections: datagrams are taken from all, one after the other");
	if (!nc->port && !nc->listen)
		fail_usage("nobody has port 0: it is for --listen, which chooses a port then");
	snprintf(nc->name, sizeof(nc->name), "%s:%u",
		 is_datagram(nc) ? "datagram" : "stream", nc->port);
}

static int run(struct arguments *args)
{
	struct netcat nc = {
		.type = SOCK_STREAM,
		.printing = PTHREAD_MUTEX_INITIALIZER,
	};
	int error;

	read_options(args, &nc);
	error = mbox_socket(&nc.socket, nc.type);
	if (error)
		fail_to(&nc, "make a socket", error);
	if (is_datagram(&nc)) {
		follow_reader();
		if (nc.listen)
			listen_datagrams(&nc);
		else
			connect_datagrams(&nc);
	} else if (nc.listen) {
		listen_stream(&nc);
	} else {
		connect_port(&nc);
		use_connection(nc.socket, true);
	}
	return EXIT_OK;
}

const struct command nc_command = {
	.name = "nc",
	.operands = "[HOST] PORT",
	.summary = "connect, or listen, as netcat does",
	.text =
	"Connect to PORT, and copy standard input to the connection and what comes back\n"
	"to standard output. Each direction ends by itself: the other side reads to the\n"
	"end of the input and can answer then. This ends when both directions have, or\n"
	"the other side is gone. With --listen it waits for one that connects. Where there\n"
	"is nothing to send, give it </dev/null.\n"
	"Each read of standard input, up to 65507 bytes, is a --datagram. Who sends them\n"
	"ends with its input, when all that it sent is at the receiver. Who listens prints\n"
	"what comes, whoever sends it, sends its input to who has sent last, and goes on\n"
	"until a signal ends it.\n"
	"HOST is localhost: mailboxes reach this machine only. Ports are apart from those\n"
	"of TCP and UDP. 'mbox ls' shows them: port 5000 is /stream:5000 or\n"
	"/datagram:5000, which goes with its socket.\n",
	.example =
	"  mbox nc --listen 5000 >copy </dev/null &\n"
	"  mbox nc localhost 5000 <file\n"
	"  mkfifo answer && mbox nc -l 5000 <answer | sort >answer &\n"
	"  seq 100 | shuf | mbox nc 5000           # sorted\n"
	"  echo hello | mbox nc --datagram 5000\n",
	.options = options,
	.least = 1,
	.most = 2,
	.run = run,
};
