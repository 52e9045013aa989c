#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh [KERNEL]...: runs the tests on each of the kernels, or, when none is named, all that
# there is to run without the debug kernel: the runner's own test, the native tests of library
# and command, and the tests on 6.1 and 6.12. Ends with the closing line.
set -euo pipefail
. "$(dirname -- "$(realpath -- "$0")")/lib.sh"

tally=$top/build/check/tally
mkdir -p "$top/build/check"
: >"$tally"

# gather ORIGIN CMD...: adds to the tally the KTAP that CMD prints, and shows how it goes.
gather() {
	local origin=$1 log=$top/build/check/$1
	shift
	say CHECK "$origin"
	"$@" 2>"$log.err" </dev/null | tee "$log.ktap" |
		sed -nuE 's/^((not )?ok .*)/           \1/p' >&2 || failed_as "$origin" "$log.err"
	"$vm/ktap.awk" -v origin="$origin" "$log.ktap" >>"$tally"
}

# What ends badly is a failure even when all that it printed was good.
failed_as() {
	cat "$2" >&2
	printf 'fail\t%s\t(all)\t%s\n' "$1" "$(head -n 1 "$2" | tr '\t' ' ')" >>"$tally"
}

# The runner ends with the status of its last test; here only the end of the VM counts.
kselftests() {
	local arguments=() seconds=2400 status=0
	if [ "$1" = debug ]; then
		arguments=(-o 1500)
		seconds=3600
	fi
	"$vm/run.sh" -l -t $seconds "$1" "/usr/lib/kselftests/run_kselftest.sh ${arguments[*]-}" || status=$?
	[ $status != 255 ]
}

if [ $# = 0 ]; then
	gather runner "$vm/runner_test.sh" 6.12
	gather libmbox make -s -C "$top/libmbox" check
	gather tools make -s -C "$top/tools" check
	set -- 6.1 6.12
fi
for kernel; do
	gather "$kernel" kselftests "$kernel"
	[ "$kernel" != debug ] || gather runner "$vm/runner_test.sh" debug
done
"$vm/summary.awk" "$tally"
