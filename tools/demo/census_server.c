/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * census_server MAILBOX [NETTYPE]...: serves census.x at a mailbox, and by TCP and UDP too
 * if these are asked for.
 */
#include <ctype.h>
#include <err.h>
#include <signal.h>
#include <stdbool.h>

#include <mbox/rpc.h>

#include "census.h"

void census_1(struct svc_req *rqstp, SVCXPRT *xprt);

bool_t count_1_svc(text *arg, numbers *result, struct svc_req *rqstp)
{
	struct mbox_svc_caller caller = { .pid = 0 };
	bool in_word = false;
	const char *c;

	mbox_svc_caller(rqstp, &caller);
	*result = (numbers) { .asked_by = caller.pid };
	for (c = *arg; *c; c++) {
		const bool space = isspace((unsigned char)*c);

		result->lines += *c == '\n';
		result->letters += !!isalpha((unsigned char)*c);
		result->words += in_word && space;
		in_word = !space;
	}
	result->words += in_word;
	return TRUE;
}

int census_1_freeresult(SVCXPRT *xprt, xdrproc_t xdr_result, caddr_t result)
{
	(void)xprt;
	xdr_free(xdr_result, result);
	return TRUE;
}

static void end(int signo)
{
	(void)signo;
	mbox_svc_exit();
}

int main(int argc, char **argv)
{
	SVCXPRT *xprt;
	int ret;

	if (argc < 2)
		errx(2, "usage: census_server MAILBOX [NETTYPE]...");
	xprt = svc_mbox_create(argv[1], 0622);
	if (!xprt || mbox_svc_reg(xprt, CENSUS, CENSUS_V1, census_1))
		err(1, "%s", argv[1]);
	for (argv += 2; *argv; argv++)
		if (!svc_create(census_1, CENSUS, CENSUS_V1, *argv))
			errx(1, "cannot serve by %s", *argv);
	signal(SIGTERM, end);
	ret = mbox_svc_run(2);
	svc_unreg(CENSUS, CENSUS_V1);
	svc_destroy(xprt);
	return ret ? 1 : 0;
}
