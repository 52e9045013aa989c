// SPDX-License-Identifier: MIT OR LGPL-2.1
/*
 * A program that knows TCP and nothing of mbox: prints what each of so many clients of a port of
 * this machine sends, one client after the other.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int check(int ret, const char *what)
{
	if (ret >= 0)
		return ret;
	fprintf(stderr, "port: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int listen_at(int port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1;

	check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), "setsockopt");
	check(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), "bind");
	check(listen(fd, 1), "listen");
	return fd;
}

static void print(int conn)
{
	char buf[65536];
	ssize_t len;

	while ((len = recv(conn, buf, sizeof(buf), 0)) > 0)
		fwrite(buf, 1, len, stdout);
	close(conn);
}

int main(int argc, char **argv)
{
	int fd, clients;

	if (argc != 3) {
		fprintf(stderr, "usage: port PORT CLIENTS\n");
		return 2;
	}
	fd = listen_at(atoi(argv[1]));
	for (clients = atoi(argv[2]); clients > 0; clients--)
		print(check(accept(fd, NULL, NULL), "accept"));
	return 0;
}
