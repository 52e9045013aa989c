/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/* The version of the library that runs. */
#include <string.h>

#include <mbox/mbox.h>

#include "tap.h"

static void version(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%d.%d.%d", MBOX_VERSION_MAJOR,
		 MBOX_VERSION_MINOR, MBOX_VERSION_PATCH);
	CHECK(!strcmp(mbox_version(), text));
}

int main(void)
{
	tap_run("is that of the headers", version);
	return tap_end();
}
