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
include=(-Iinclude -I../uapi)
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
	local wrap=''
	flags+=("${@:3}")
	mkdir -p "$dir"
	make -s BUILD="$dir" CC="${cc[*]}" CFLAGS="${flags[*]}" "$dir/libmbox.a"
	[ "$1" != calls ] || wrap=-Wl,--wrap=open,--wrap=close,--wrap=fcntl,--wrap=ioctl
	"${cc[@]}" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror "${flags[@]}" "${include[@]}" \
		$wrap "test/$1_test.c" "$dir/libmbox.a" -o "$dir/$1_test"
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

map() { sed -n 's/^\t\(mbox_[a-z_]*\);$/\1/p' libmbox.map; }

exports() {
	diff <(map) <(nm -D --defined-only "$build/libmbox.so" |
		awk '$2 != "A" { sub(/@@LIBMBOX_0\.1$/, "", $3); print $3 }' | LC_ALL=C sort)
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
	! nm --defined-only "$build/libmbox.a" | awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' | grep -v '^mbox_'
}

# The address of every call, from C++.
cplusplus() {
	{
		printf '#include <mbox/mbox.h>\ntypedef void (*call)();\ncall const calls[] = {\n'
		map | sed 's/.*/\treinterpret_cast<call>(&),/'
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
	for name in $(map); do
		test -f "$work/root/opt/mbox/share/man/man3/$name.3"
	done
	test -f "$work/root/opt/mbox/lib/libmbox-preload.so.0"
	test -f "$work/root/opt/mbox/share/man/man4/mbox.4"
	test -f "$work/root/opt/mbox/share/man/man5/mboxfs.5"
	test -f "$work/root/opt/mbox/share/man/man7/mbox.7"
	# The links are good where the tree will be.
	[ -z "$(find "$work/root" -lname '/*')" ]
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
	for name in "${natives[@]}"; do
		program "$name, 32 bits" native "$name" thirty_two -m32
	done
else
	result ok '32 bits # SKIP this machine makes or runs programs of one size only'
fi
for name in mbox mailbox process pipe segment socket; do
	for std in c11 gnu11 gnu2x; do
		check "$name.h in $std" header $name $std c "${cc[0]}"
	done
	for std in c++11 c++20; do
		check "$name.h in $std" header $name $std cc "${cxx[0]}"
	done
done
check 'the shared library exports the calls of libmbox.map and nothing else' exports
check 'the preload library exports calls of libc and nothing else' preload_exports
check 'one file calls ioctl' one_file_calls_ioctl
check 'the static library defines names that begin with mbox_ only' static_names
check 'C++ programs link all calls, static' cplusplus "$build/libmbox.a"
check 'C++ programs link all calls, shared' cplusplus "$build/libmbox.so"
check 'make install puts all in place' install_tree
check 'programs build with pkg-config, shared' linked shared
check 'programs build with pkg-config, static' linked static
check 'headers, manual and libmbox.map agree' test/documents.sh
program documents test/documents_test.sh
printf '1..%d\n' "$count"
[ $failed = 0 ]
