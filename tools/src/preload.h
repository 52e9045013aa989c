/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
#ifndef PRELOAD_H
#define PRELOAD_H

/* The preload library: the loader finds it where it finds libmbox. */
#define PRELOAD "libmbox-preload.so.0"

#endif
