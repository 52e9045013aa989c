#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# module.sh KERNEL OUT [--planted] [MAKE-ARGUMENT...]: builds this tree's module, or the planted
# one, for a kernel in the folder OUT. A warning fails the build.
#
# The kernels share one tree of sources and must not share objects, and Kbuild puts objects
# beside sources: so OUT is a tree of links to the sources.
set -euo pipefail
. "$(dirname -- "$(realpath -- "$0")")/lib.sh"

kernel=$("$vm/kernel.sh" "$1")
mkdir -p "$2"
out=$(realpath "$2")
shift 2
sources=("$top/Kbuild" "$top/kernel" "$top/uapi")
if [ "${1-}" = --planted ]; then
	sources=("$vm/planted/Kbuild" "$vm/planted/planted.c")
	shift
fi

lock "$out"
cp -rsf "${sources[@]}" "$out"
find "$out" -xtype l -delete

log=$out/build.log
if ! make -C "$kernel/build" M="$out" -j"$(nproc)" "$@" modules >"$log" 2>&1 ||
	grep -qiE '(warning|error):' "$log"; then
	sed "s|$out/||g" "$log" >&2
	# With their objects there, the next build would not see the warnings again.
	find "$out" -name '*.o' -delete
	die "the module does not build cleanly for $(cat "$kernel/version")"
fi
