// SPDX-License-Identifier: MIT OR LGPL-2.1
#include "bench.h"

int bench_oneself(const struct bench_row *row, struct bench_link *link, unsigned int times)
{
	const struct bench_mechanism *mechanism = row->mechanism;
	int err = 0;

	while (!err && times--) {
		err = mechanism->send(link, row->bytes);
		if (!err)
			err = mechanism->recv(link, row->bytes);
	}
	return err;
}
