#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
#
# run.sh: tests what can be tested of the library without the module, and prints TAP. The Makefile
# beside it has built the library in BUILD, with CC and CXX.
set -euo pipefail

cd "$(dirname -- "$(realpath -- "$0")")/.."
read -ra cc <<<"${CC:-cc}"
read -ra cxx <<<"${CXX:-c++}"
build=${BUILD:-build}
# What make was told is not for the makes below.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warnings=(-Wall -Wextra -Werror -pedantic)
include=(-Iinclude -I../uapi -isystem /usr/include/tirpc)
count=0 failed=0

result() {
	count=$((count + 1))
	printf '%s %d - %s\n' "$1" "$count" "$2"
	[ "$1" = ok ] || failed=1
}

# stepwise CMD...: sets status to how CMD ends, where a function ends at its first step that fails.
stepwise() {
	set +e
	(
		set -e
		"$@"
	)
	status=$?
	set -e
}

# check WHAT CMD...: CMD has to end well.
check() {
	stepwise "${@:2}" >"$work/log" 2>&1
	if [ $status = 0 ]; then
		result ok "$1"
	else
		sed 's/^/# /' "$work/log"
		result 'not ok' "$1"
	fi
}

# program WHAT CMD...: CMD prints TAP, whose results are given on.
program() {
	local line results=0 bad=0 plan=''
	stepwise "${@:2}" >"$work/tap" 2>"$work/log"
	while IFS= read -r line; do
		case $line in
		'ok '* | 'not ok '*)
			results=$((results + 1))
			[ "${line%%ok*}" = '' ] || bad=1
			result "${line%%ok*}ok" "$1: ${line#* - }"
			;;
		1..*) plan=${line#1..} ;;
		'# '*) printf '%s\n' "$line" ;;
		esac
	done <"$work/tap"
	sed 's/^/# /' "$work/log"
	if [ "$plan" != "$results" ]; then
		result 'not ok' "$1: comes to its end"
	elif [ $status != 0 ] && [ $bad = 0 ]; then
		result 'not ok' "$1: ended with status $status"
	fi
}

# native TEST BUILD FLAG...: a test of this folder and the library, with sanitizers and what else
# is asked for; BUILD names what those flags make. calls_test.c plays the kernel.
native() {
	local dir=$work/$2 flags=(-O1 -g -fsanitize='address,undefined' -fno-sanitize-recover=all)
	local libraries=("$dir/libmbox.a") more=()
	flags+=("${@:3}")
	case $1 in
	calls) more=('-Wl,--wrap=open,--wrap=close,--wrap=fcntl,--wrap=ioctl') ;;
	rpc_*) libraries=("$dir/libmbox-rpc.a" "${libraries[@]}") more=(-ltirpc -lsqlite3) ;;
	esac
	mkdir -p "$dir"
	make -s BUILD="$dir" CC="${cc[*]}" CFLAGS="${flags[*]}" "${libraries[@]}"
	"${cc[@]}" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror "${flags[@]}" "${include[@]}" \
		"test/$1_test.c" "${libraries[@]}" "${more[@]}" -o "$dir/$1_test"
	"$dir/$1_test"
}

# A compiler can make programs that the kernel of this machine does not run.
runs_32_bits() {
	echo 'int main(void) { return 0; }' | "${cc[@]}" -m32 -x c - -o "$work/small" && "$work/small"
} 2>/dev/null

# Each header stands alone, in each language that it is for.
header() {
	printf '#include <mbox/%s.h>\nint main(void) { return 0; }\n' "$1" >"$work/header.$3"
	"$4" "-std=$2" "${warnings[@]}" "${include[@]}" -fsyntax-only "$work/header.$3"
}

map() { sed -n 's/^\t\([a-z_]*\);$/\1/p' "$1"; }

exports() {
	diff <(map "$2") <(nm -D --defined-only "$build/$1.so" |
		awk '$2 != "A" { sub(/@@LIBMBOX_.*0\.1$/, "", $3); print $3 }' | LC_ALL=C sort)
}

one_file_calls_ioctl() {
	[ "$(nm -A -u "$build/libmbox.a" | awk '$NF == "ioctl"' | cut -d: -f2)" = device.o ]
}

# It stands in for calls of libc, and leaves alone what else a program has loaded.
preload_exports() {
	nm -D --defined-only "$("${cc[@]}" -print-file-name=libc.so.6)" | awk '{ print $3 }' |
		sed 's/@.*//' | sort -u >"$work/libc"
	! nm -D --defined-only "$build/libmbox-preload.so.0" | awk '{ print $3 }' | sort |
		comm -23 - "$work/libc" | grep .
}

static_names() {
	! nm --defined-only "$build"/libmbox{,-rpc}.a | awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' |
		grep -vE '^((clnt|svc)_)?mbox_'
}

# The address of every call, from C++.
cplusplus() {
	{
		printf '#include <mbox/mbox.h>\ntypedef void (*call)();\ncall const calls[] = {\n'
		map libmbox.map | sed 's/.*/\treinterpret_cast<call>(&),/'
		printf '};\nint main()\n{\n\tstruct mbox_message msg = {};\n\tstruct mbox_status status;\n'
		printf '\t(void)status;\n\treturn msg.length || !calls[0] || !mbox_version()[0];\n}\n'
	} >"$work/calls.cc"
	"${cxx[@]}" -std=c++11 "${warnings[@]}" "${include[@]}" "$work/calls.cc" "$1" -o "$work/calls"
	LD_LIBRARY_PATH=$build "$work/calls"
}

# pkg-config as of the tree that was installed.
installed() {
	PKG_CONFIG_LIBDIR=$work/root/opt/mbox/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/root \
		pkg-config "$@" libmbox
}

install_tree() {
	make -s install BUILD="$build" CC="${cc[*]}" DESTDIR="$work/root" PREFIX=/opt/mbox
	cmp ../uapi/linux/mbox.h "$work/root/opt/mbox/include/linux/mbox.h"
	local name
	for name in $(map libmbox.map) $(map rpc/rpc.map); do
		test -f "$work/root/opt/mbox/share/man/man3/$name.3"
	done
	test -f "$work/root/opt/mbox/lib/libmbox-rpc.so.0"
	test -f "$work/root/opt/mbox/lib/libmbox-preload.so.0"
	test -f "$work/root/opt/mbox/share/man/man4/mbox.4"
	test -f "$work/root/opt/mbox/share/man/man5/mboxfs.5"
	test -f "$work/root/opt/mbox/share/man/man7/mbox.7"
	# The links are good where the tree will be.
	[ -z "$(find "$work/root" -lname '/*')" ]
}

# A client and a server in one, as far as linking goes.
rpc_linked() {
	local flags
	read -ra flags < <(PKG_CONFIG_LIBDIR=$work/root/opt/mbox/lib/pkgconfig:/usr/lib/pkgconfig:$(
		pkg-config --variable pc_path pkg-config) pkg-config --cflags --libs libmbox-rpc |
		sed "s|/opt/mbox|$work/root/opt/mbox|g")
	printf '%s\n' '#include <mbox/rpc.h>' 'int main()' \
		'{ return !mbox_svc_run(0) || clnt_mbox_create("/none", 1, 1); }' >"$work/rpc.$1"
	"$2" "$work/rpc.$1" "${flags[@]}" -o "$work/rpc"
	LD_LIBRARY_PATH=$work/root/opt/mbox/lib "$work/rpc"
}

# The program of mbox(7), and one that can run here, against the tree and nothing else.
linked() {
	local flags how=$1
	read -ra flags < <(installed --cflags --libs)
	[ "$how" = shared ] || flags+=(-static)
	sed -n '/^#include <fcntl/,/^\.Ed/{/^\.Ed/!p}' man/mbox.7 | sed 's/\\e/\\/g' >"$work/jobs.c"
	"${cc[@]}" "${warnings[@]}" "$work/jobs.c" "${flags[@]}" -o "$work/jobs"

	printf '#include <stdio.h>\n#include <mbox/mbox.h>\nint main(void) { puts(mbox_version()); }\n' \
		>"$work/version.c"
	"${cc[@]}" "$work/version.c" "${flags[@]}" -o "$work/version"
	[ "$(LD_LIBRARY_PATH=$work/root/opt/mbox/lib "$work/version")" = "$(installed --modversion)" ]
	[ "$how" = static ] || readelf -d "$work/version" | grep -F '[libmbox.so.0]'
}

echo 'TAP version 13'
mapfile -t natives < <(basename -s _test.c test/*_test.c)
for name in "${natives[@]}"; do
	program "$name" native "$name" native
done
if runs_32_bits; then
	# There is one libtirpc.
	for name in $(printf '%s\n' "${natives[@]}" | grep -v ^rpc_); do
		program "$name, 32 bits" native "$name" thirty_two -m32
	done
else
	result ok '32 bits # SKIP this machine makes or runs programs of one size only'
fi
for name in mbox mailbox process pipe ring segment socket; do
	for std in c11 gnu11 gnu2x; do
		check "$name.h in $std" header $name $std c "${cc[0]}"
	done
	for std in c++11 c++20; do
		check "$name.h in $std" header $name $std cc "${cxx[0]}"
	done
done
# libtirpc knows no strict ISO C.
for std in gnu11 gnu2x; do
	check "rpc.h in $std" header rpc $std c "${cc[0]}"
done
for std in c++11 c++20; do
	check "rpc.h in $std" header rpc $std cc "${cxx[0]}"
done
check 'the shared library exports the calls of libmbox.map and nothing else' \
	exports libmbox libmbox.map
check 'the RPC library exports the calls of rpc.map and nothing else' exports libmbox-rpc rpc/rpc.map
check 'the preload library exports calls of libc and nothing else' preload_exports
check 'one file calls ioctl' one_file_calls_ioctl
check 'the static libraries define names that begin with mbox_ only' static_names
check 'C++ programs link all calls, static' cplusplus "$build/libmbox.a"
check 'C++ programs link all calls, shared' cplusplus "$build/libmbox.so"
check 'make install puts all in place' install_tree
check 'programs build with pkg-config, shared' linked shared
check 'programs build with pkg-config, static' linked static
check 'programs of RPC build with pkg-config, C' rpc_linked c "${cc[0]}"
check 'programs of RPC build with pkg-config, C++' rpc_linked cc "${cxx[0]}"
check 'headers, manual and libmbox.map agree' test/documents.sh
program documents test/documents_test.sh
printf '1..%d\n' "$count"
[ $failed = 0 ]
