#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh 6.1|6.12|rt|debug: prints a folder that holds `vmlinuz`, `build` (what to build
# modules against) and `version`. Debian's packages are unpacked into the cache, never installed:
# the headers would bring a kernel along and change how this machine boots.
set -euo pipefail
. "$(dirname -- "$(realpath -- "$0")")/lib.sh"

case ${1-} in
6.1) flavour=cloud-amd64 ;;
6.12) flavour=6.12-cloud-amd64 ;;
rt) flavour=rt-amd64 ;;
debug) exec "$vm/debug-kernel.sh" ;;
*) die "no kernel '${1-}': there are 6.1, 6.12, rt and debug" ;;
esac
kernel=$cache/$1

# The names of the real packages carry the patch version; only the meta-packages stay.
packages() {
	apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
		--no-replaces --no-enhances "linux-image-$flavour" "linux-headers-$flavour" |
		grep -E '^linux-(image|headers|kbuild)-' | grep -v -- '-unsigned' | sort -u
}

unpack() {
	local deb
	for deb in "$1"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1" --exclude=lib/modules
		rm "$deb"
	done
}

# Make what was unpacked at $1 usable once it is at $kernel.
settle() {
	local headers
	mv "$1"/boot/vmlinuz-* "$1/vmlinuz"
	headers=$(echo "$1"/usr/src/linux-headers-*"${flavour#6.12-}")
	sed -i "s|/usr/src/|$kernel/usr/src/|" "$headers/Makefile"
	# With it there, every module build would want pahole to make type information of it.
	rm -f "$headers/vmlinux"
	sed -n 's/^override KERNELRELEASE = //p' "$headers/.kernelvariables" >"$1/version"
	ln -s "usr/src/${headers##*/}" "$1/build"
}

lock "$cache/$1"
if [ ! -d "$kernel" ]; then
	say GET "kernel $1 (linux-image-$flavour and its headers)"
	new=$kernel.new
	rm -rf "$new"
	mkdir "$new"
	apt-cache show "linux-image-$flavour" >/dev/null 2>&1 || become_root apt-get -qq update >/dev/null
	mapfile -t wanted < <(packages)
	[ ${#wanted[@]} -gt 0 ] || die "apt knows no linux-image-$flavour: try 'sudo apt-get update'"
	download "$new" "${wanted[@]}"
	unpack "$new"
	settle "$new"
	mv "$new" "$kernel"
fi
echo "$kernel"
