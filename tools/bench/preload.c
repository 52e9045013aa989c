// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <dlfcn.h>

#include "../src/preload.h"
#include "bench.h"

void *bench_preloaded(const char *function)
{
	static void *library;

	/* Its calls call each other: without RTLD_DEEPBIND, those of libc. */
	if (!library)
		library = dlopen(PRELOAD, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
	return library ? dlsym(library, function) : NULL;
}
