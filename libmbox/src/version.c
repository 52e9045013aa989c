/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
#include "internal.h"

#define STRING(number)	#number
#define VERSION(major, minor, patch) \
	STRING(major) "." STRING(minor) "." STRING(patch)

MBOX_API const char *mbox_version(void)
{
	return VERSION(MBOX_VERSION_MAJOR, MBOX_VERSION_MINOR,
		       MBOX_VERSION_PATCH);
}
