#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prints a folder that holds Debian's `nats-server`. The package is unpacked into the cache, never
# installed: that would start a service.
set -euo pipefail
. "$(dirname -- "$(realpath -- "$0")")/lib.sh"

folder=$cache/nats

lock "$folder"
if [ ! -d "$folder" ]; then
	say GET 'nats-server'
	new=$folder.new
	rm -rf "$new"
	mkdir -p "$new/deb"
	download "$new/deb" nats-server
	dpkg-deb -x "$new"/deb/nats-server_*.deb "$new/deb"
	cp "$new/deb/usr/sbin/nats-server" "$new"
	rm -r "$new/deb"
	mv "$new" "$folder"
fi
echo "$folder"
