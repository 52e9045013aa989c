/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/* The explanations of errors. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <mbox/mbox.h>

#include "tap.h"

static const int known[] = {
	ENODEV, ENOTTY, EINVAL, E2BIG, EFAULT, EBADF, EACCES, EPERM,
	ENOENT, EEXIST, ENAMETOOLONG, EPROTOTYPE, EAGAIN, ETIMEDOUT,
	EINTR, EMSGSIZE, ENOMSG, EPIPE, ESRCH, ECONNRESET, ESTALE,
	EDEADLK, ELOOP, EDQUOT, EBUSY, EOPNOTSUPP, ENOBUFS,
	ENOMEM, EMFILE, ENFILE, ENXIO, EXDEV, EADDRINUSE,
	EADDRNOTAVAIL, EAFNOSUPPORT, ECONNREFUSED, EISCONN, ENOTCONN,
	EDESTADDRREQ, 0,
};

static void explained(void)
{
	size_t i, j;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *text = mbox_strerror(-known[i]);

		CHECK(text == mbox_strerror(known[i]));
		CHECK(strcmp(text, "unknown error"));
		CHECK(strlen(text) && text[strlen(text) - 1] != '.');
		for (j = 0; j < i; j++)
			CHECK(strcmp(text, mbox_strerror(known[j])));
	}
}

static void unknown(void)
{
	CHECK(!strcmp(mbox_strerror(-EXFULL), "unknown error"));
	CHECK(!strcmp(mbox_strerror(INT_MIN), "unknown error"));
	CHECK(!strcmp(mbox_strerror(INT_MAX), "unknown error"));
}

int main(void)
{
	tap_run("each error has its own explanation", explained);
	tap_run("what is no error of a call is unknown", unknown);
	return tap_end();
}
