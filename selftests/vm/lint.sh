#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Everything that reads the sources and complains. A complaint of any of them fails.
set -euo pipefail
. "$(dirname -- "$(realpath -- "$0")")/lib.sh"
cd "$top"

mapfile -t files < <(find . -name .git -prune -o -name build -prune -o -type f -print | sort)
failed=()

# lint NAME CMD...
lint() {
	say LINT "$1"
	"${@:2}" >&2 || failed+=("$1")
}

sparse() {
	local kernel
	for kernel in 6.1 6.12; do
		rm -rf "build/lint/$kernel"
		"$vm/module.sh" $kernel "build/lint/$kernel" W=1 C=1 || return
		"$vm/module.sh" $kernel "build/lint/$kernel/planted" --planted W=1 C=1 || return
	done
}

# Two headers cannot be written as checkpatch wants: compat.h, which is there to compare versions
# of Linux, and trace.h, where TRACE_EVENT() is laid out as in all such headers.
checkpatch() (
	tree=$("$vm/linux-source.sh")
	patch=(perl "$tree/scripts/checkpatch.pl" --no-tree --strict --terse --quiet --no-summary -f)
	# It leaves a file in the current folder.
	mkdir -p build/lint && cd build/lint
	find "$top/kernel" "$top/uapi" "$vm/planted" -name '*.[ch]' ! -name compat.h ! -name trace.h -print0 |
		xargs -0 "${patch[@]}" &&
		"${patch[@]}" --ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON,MACRO_ARG_UNUSED "$top/kernel/compat.h" &&
		"${patch[@]}" --ignore OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT "$top/kernel/trace.h"
)

# What rpcgen makes of it, for those that include it.
stubs() {
	mkdir -p build/lint/stubs
	rpcgen -M -h "$1" >"build/lint/stubs/$2.h"
}

# It prints how many warnings it keeps to itself on stderr.
tidy() {
	local flags=(-std=gnu11 -D_GNU_SOURCE -Iuapi -Ilibmbox/include -Itools/src -Itools/rpcbind
		-isystem /usr/include/tirpc -isystem build/lint/stubs
		-isystem "$("$vm/linux-source.sh")/tools/testing/selftests/kselftest")
	stubs selftests/rpc_service.x rpc_gen && stubs tools/demo/census.x census &&
		stubs tools/demo/purse.x purse &&
		stubs tools/test/greeting.x greeting && stubs tools/rpcbench/take.x take &&
		stubs /usr/include/rpcsvc/rstat.x rstat && stubs /usr/include/rpcsvc/rusers.x rusers &&
		stubs /usr/include/rpcsvc/spray.x spray || return
	printf '%s\0' "${files[@]}" | grep -zE '^./(libmbox|tools|selftests)/.*\.c$' | grep -zv '/planted.c$' |
		xargs -0 -P "$(nproc)" -I{} clang-tidy --quiet {} -- "${flags[@]}" 2>/dev/null
}

scripts() {
	awk 'FNR == 1 && /^#!.*sh$/ { print FILENAME }' "${files[@]}"
}

clang_build() {
	make -s -j"$(nproc)" -C libmbox CC=clang BUILD="$top/build/lint/clang"
}

manuals() {
	local pages
	mapfile -t pages < <(printf '%s\n' "${files[@]}" | grep -E '/man/.*\.[1-9]$')
	mandoc -T lint -W warning "${pages[@]}"
}

# nothing TEXT WHAT: a list of offenders has to be empty.
nothing() {
	[ -z "$1" ] || {
		echo "$2: $1"
		return 1
	}
}

# JSON has no comments: its licence is in a file beside it.
without_licence() {
	printf '%s\n' "${files[@]}" | grep -v -e '^./LICENSES/' -e '\.json$' |
		xargs -d '\n' awk 'FNR == 1 { if (name && !seen) print name; name = FILENAME; seen = 0 }
			/SPDX-License-Identifier:/ && FNR < 4 { seen = 1 }
			END { if (!seen) print name }'
}

# Each file has a test of its name. The preload library has not: preload.sh tests it as a whole, by
# programs that know nothing of mbox.
untested() {
	local file name
	for file in kernel/*.c; do
		name=$(basename "$file" .c)
		[ -e "selftests/${name}_test.c" ] || echo "$file"
	done
	for file in libmbox/src/*.c; do
		name=$(basename "$file" .c)
		[ -e "selftests/libmbox_${name}_test.c" ] || [ -e "libmbox/test/${name}_test.c" ] ||
			echo "$file"
	done
	for file in libmbox/rpc/*.c; do
		name=$(basename "$file" .c)
		[ -e "selftests/libmbox_rpc_${name}_test.c" ] || [ -e "libmbox/test/rpc_${name}_test.c" ] ||
			echo "$file"
	done
}

lint 'sparse and gcc W=1 on the module' sparse
lint 'checkpatch --strict on the module and the ABI' checkpatch
lint 'clang-tidy on libmbox, tools, selftests' tidy
mapfile -t shell < <(scripts)
lint 'shellcheck' shellcheck -x -P SCRIPTDIR -P SCRIPTDIR/.. "${shell[@]}"
lint 'libmbox with clang' clang_build
lint 'the manual pages' manuals
lint 'a licence in each file' nothing "$(without_licence)" 'no SPDX line'
lint 'a list that names each test' nothing "$(make -s -C selftests KSFT="$("$vm/linux-source.sh")/tools/testing/selftests" unlisted)" \
	'not in selftests/Makefile'
lint 'a test for each file of the module and libmbox' nothing "$(untested)" 'no test of that name'

[ ${#failed[@]} = 0 ] || die "$(printf '%s; ' "${failed[@]}")"
