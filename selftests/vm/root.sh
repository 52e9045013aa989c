#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# root.sh OUT: makes the root file system of the VMs, an initramfs: busybox, the coreutils and
# bash of this machine, and of this tree the library, the tools, the tests and the demo, as far
# as they are built. The module and the command to run are added by run.sh.
set -euo pipefail
. "$(dirname -- "$(realpath -- "$0")")/lib.sh"

mkdir -p "$(dirname "$1")"
out=$(realpath "$1")
root=$out.d
tests=usr/lib/kselftests

# needs PROGRAM...: the shared objects that they load, at the same paths. The cache has none.
needs() {
	ldd "$@" 2>/dev/null | awk '$2 == "=>" { print $3 } /^\t\// { print $1 }' |
		grep -vF "$cache/" | sed 's|^/lib|/usr/lib|' | sort -u | xargs -r cp -L --parents -t "$root"
}

base() {
	local dir applet
	for dir in bin sbin lib lib32 lib64; do
		mkdir -p "$root/usr/${dir#s}"
		ln -s "usr/${dir#s}" "$root/$dir"
	done
	ln -s bin "$root/usr/sbin"
	mkdir -p "$root"/{dev,proc,sys,tmp,run,out,root,home/user,etc,usr/share}
	chown 1000 "$root/home/user" 2>/dev/null || true
	cp -r /usr/lib/terminfo "$root/usr/lib" 2>/dev/null || cp -r /lib/terminfo "$root/usr/lib"
	printf '%s\n' 'root:x:0:0::/root:/bin/bash' 'user:x:1000:1000::/home/user:/bin/bash' \
		'nobody:x:65534:65534::/:/bin/bash' >"$root/etc/passwd"
	printf '%s\n' 'root:x:0:' 'user:x:1000:' 'nogroup:x:65534:' >"$root/etc/group"
	echo "PS1='vm:\w\\$ '" >"$root/etc/profile"
	mapfile -t programs < <(dpkg -L coreutils | grep -E '^(/usr)?/bin/.')
	programs+=(/bin/bash /usr/libexec/coreutils/libstdbuf.so /usr/bin/jq /usr/bin/script)
	# What libc loads when a thread is cancelled.
	programs+=("$(cc -print-file-name=libgcc_s.so.1)")
	cp -L --parents -t "$root" "${programs[@]}"
	needs "${programs[@]}"
	cp /bin/busybox "$root/bin/busybox"
	for applet in $(busybox --list); do
		[ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"
	done
	cp "$vm/init" "$root/init"
}

ours() {
	local programs
	mapfile -t programs < <(find "$top/tools/build" -maxdepth 1 -type f -executable 2>/dev/null)
	if [ ${#programs[@]} -gt 0 ]; then
		cp -t "$root/usr/bin" "${programs[@]}"
		needs "${programs[@]}"
	fi
	find "$top/libmbox/build" -name 'libmbox*.so*' -exec cp -a -t "$root/usr/lib" {} + 2>/dev/null || true
}

# What RPC needs, and programs for its tests: /usr/lib/rpcbind has those of Debian's package, which
# run as a user of their own, and a service that knows nothing of mailboxes.
rpc() {
	local stock
	stock=$("$vm/rpcbind.sh")
	make -s -C "$top/tools" test-programs >/dev/null
	mkdir -p "$root/usr/lib/rpcbind" "$root/var"
	ln -s ../run "$root/var/run"
	cp "$stock"/rpc* "$top"/tools/build/test/* "$root/usr/lib/rpcbind"
	ln -s ../lib/rpcbind/{rpcbind,rpcinfo} "$root/usr/bin"
	LD_LIBRARY_PATH=$stock/lib needs "$root"/usr/lib/rpcbind/*
	cp -n "$stock"/lib/* "$root/usr/lib/$(cc -print-multiarch)"
	cp /etc/{netconfig,rpc,services,protocols} "$root/etc"
	echo '127.0.0.1 localhost' >"$root/etc/hosts"
	echo '_rpc:x:105:65534::/run/rpcbind:/bin/bash' >>"$root/etc/passwd"
	mkdir -p "$root/run/rpcbind"
}

# The server that mbox bridge speaks to.
nats() {
	cp "$("$vm/nats.sh")/nats-server" "$root/usr/bin"
	needs "$root/usr/bin/nats-server"
}

# The tests go where `make kselftest-install` would put them, beside the kernel's own runner.
kselftests() {
	local source
	source=$("$vm/linux-source.sh")/tools/testing/selftests
	mkdir -p "$root/$tests" "$top/build/selftests"
	cp -r "$source/kselftest" "$source/run_kselftest.sh" "$root/$tests"
	tests -j"$(nproc)" install >/dev/null
	needs "$root/$tests"/mbox/libmbox_rpc_*
	tests emit_tests COLLECTION=mbox >"$root/$tests/kselftest-list.txt"
}

tests() {
	make -s -C "$top/selftests" OUTPUT="$top/build/selftests" KSFT="$source" \
		INSTALL_PATH="$root/$tests/mbox" "$@"
}

demo() {
	local share=$root/usr/share/mbox-demo
	mkdir -p "$share/text"
	cp -r "$top"/tools/demo/{build,scenes,*.sh} "$share"
	needs "$top"/tools/demo/build/{census,purse}{,_server}
	cp -L /usr/share/common-licenses/* "$share/text"
	cp "$("$vm/linux-source.sh")"/Documentation/filesystems/*.rst "$share/text"
}

lock "$out"
rm -rf "$root"
mkdir -p "$root"
base
ours
rpc
nats
kselftests
demo
(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$out.new"
mv "$out.new" "$out"
