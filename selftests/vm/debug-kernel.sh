#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prints the folder of the debug kernel, built out of linux-source-6.12 as debug.config says. It
# is built anew only when one of the two changes; a build that was broken off is taken up again.
set -euo pipefail
. "$(dirname -- "$(realpath -- "$0")")/lib.sh"

source=$("$vm/linux-source.sh")
key=$(cat "$source/.package-version" "$vm/debug.config" | sha256sum | cut -c1-12)
kernel=$cache/debug-$key
build=$kernel/build

kbuild() {
	nice make -C "$source" O="$build" -j"$(nproc)" "$@" >"$kernel/log" 2>&1 || {
		tail -n 20 "$kernel/log" >&2
		die "the debug kernel does not build: see $kernel/log"
	}
}

check_config() {
	local unmet
	unmet=$(grep -E '^(# )?CONFIG_' "$vm/debug.config" | grep -vxFf "$build/.config") || return 0
	printf '%s\n' "$unmet" >&2
	die "debug.config asks for the above and does not get it"
}

lock "$cache/debug"
if [ ! -e "$kernel/vmlinuz" ]; then
	say BUILD "the debug kernel (10 minutes on two cores, then kept in $kernel)"
	mkdir -p "$build"
	kbuild KCONFIG_ALLCONFIG="$vm/debug.config" allnoconfig
	check_config
	kbuild bzImage modules
	cp "$build/include/config/kernel.release" "$kernel/version"
	cp "$build/arch/x86/boot/bzImage" "$kernel/vmlinuz.new"
	mv "$kernel/vmlinuz.new" "$kernel/vmlinuz"
	find "$cache" -maxdepth 1 -name 'debug-*' ! -name "debug-$key" -exec rm -rf {} +
fi
echo "$kernel"
