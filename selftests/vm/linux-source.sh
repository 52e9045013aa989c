#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prints the folder of the kernel sources of the linux-source-6.12 package, which is downloaded
# and unpacked into the cache when it is not there. They give us the kselftest harness and
# runner, checkpatch, the debug kernel and text for the demo.
set -euo pipefail
. "$(dirname -- "$(realpath -- "$0")")/lib.sh"

package=linux-source-6.12
source=$cache/$package

lock "$cache/$package"
if [ ! -d "$source" ]; then
	say GET "$package (150 MB)"
	new=$source.new
	rm -rf "$new"
	mkdir "$new"
	download "$new" $package
	say UNPACK $package
	dpkg-deb --fsys-tarfile "$new"/*.deb | tar -xO "./usr/src/$package.tar.xz" |
		tar -xJ -C "$new" --strip-components=1
	dpkg-deb -f "$new"/*.deb Version >"$new/.package-version"
	rm "$new"/*.deb "$new/log"
	mv "$new" "$source"
fi
echo "$source"
