// SPDX-License-Identifier: MIT OR LGPL-2.1
#include "bench.h"

int bench_send_all(const struct bench_row *row, struct bench_link *link, unsigned int times)
{
	int err = 0;

	while (!err && times--)
		err = row->mechanism->send(link, row->bytes);
	return err;
}

int bench_receive(const struct bench_row *row, struct bench_link *link, unsigned int times)
{
	int err = 0;

	while (!err && times--)
		err = row->mechanism->recv(link, row->bytes);
	return err;
}
