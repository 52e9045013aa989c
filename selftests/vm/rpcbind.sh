#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prints a folder that holds Debian's `rpcinfo`, its `rpcbind`, and in `lib` what they load that a
# machine may not have. The packages are unpacked into the cache, never installed: that would
# start a service.
set -euo pipefail
. "$(dirname -- "$(realpath -- "$0")")/lib.sh"

folder=$cache/rpcbind

# take NAME FILE...: out of what is unpacked
take() {
	mkdir -p "$new/$1"
	cp -a -t "$new/$1" "${@:2}"
}

lock "$folder"
if [ ! -d "$folder" ]; then
	say GET 'rpcbind and rpcinfo'
	new=$folder.new
	rm -rf "$new"
	mkdir -p "$new/deb"
	download "$new/deb" rpcbind libwrap0 libnsl2
	for deb in "$new"/deb/*.deb; do
		dpkg-deb -x "$deb" "$new/deb"
	done
	take . "$new"/deb/{usr/bin/rpcinfo,sbin/rpcbind}
	take lib "$new"/deb/usr/lib/*/*.so.*
	rm -r "$new/deb"
	mv "$new" "$folder"
fi
echo "$folder"
