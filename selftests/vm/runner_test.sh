#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# runner_test.sh KERNEL: the test of the test runner: what is planted must turn a run red, and
# for the reason that was planted. KTAP on stdout. Of the debug kernel, only what no other has.
set -euo pipefail
. "$(dirname -- "$(realpath -- "$0")")/lib.sh"

kernel=$1
work=$top/build/runner-$kernel
tests=usr/lib/kselftests
number=0

# check NAME CMD...: one result.
check() {
	local name=$1 verdict=ok
	shift
	number=$((number + 1))
	"$@" || verdict='not ok'
	echo "$verdict $number $name"
}

boot() {
	"$vm/run.sh" -n -d "$work/vm" -f "$work/planted.ko" "$@" >"$work/out" 2>&1
}

# exits STATUS OPTION... COMMAND
exits() {
	local expected=$1 status=0
	shift
	boot "${@:1:$#-1}" "$kernel" "${!#}" || status=$?
	[ "$status" = "$expected" ] || { sed 's/^/# /' "$work/out"; return 1; }
}

# fails REASON OPTION... COMMAND: the VM fails, and says so in its first line.
fails() {
	local reason=$1
	shift
	exits 255 "$@" || return
	head -n 1 "$work/out" | grep -q "^VM $kernel: .*$reason" || { sed 's/^/# /' "$work/out"; return 1; }
}

# red REASON OPTION... COMMAND: it fails so. Once in some hundred boots an emulated machine comes to
# a harm of its own first: what that was is shown, and the planted one tried again.
red() {
	fails "$@" || fails "$@"
}

# The planted tests, all in one boot, are run as the real ones are and counted into $work/tally.
run_planted_tests() {
	local file files=() source
	source=$("$vm/linux-source.sh")/tools/testing/selftests
	gcc -D_GNU_SOURCE -isystem "$source/kselftest" -static -o "$work/harness_test" \
		"$vm/planted/harness_test.c"
	for file in "$work/harness_test" "$vm"/planted/{*.sh,settings}; do
		files+=(-f "$file:$tests/planted/${file##*/}")
	done
	printf 'planted:%s\n' harness_test {half,fail,late,mute,slow,good}.sh >"$work/kselftest-list.txt"
	boot "${files[@]}" -f "$work/kselftest-list.txt:$tests/kselftest-list.txt" "$kernel" \
		/$tests/run_kselftest.sh || true
	"$vm/ktap.awk" -v origin=planted "$work/vm/stdout" >"$work/tally"
}

counted() {
	grep -q "^$1	planted	planted: $2" "$work/tally" || { sed 's/^/# /' "$work/tally"; return 1; }
}

sums_up_as() {
	local sum
	sum=$("$vm/summary.awk" "$1") && return 1
	[ "${sum##*$'\n'}" = "$2" ]
}

# What a VM printed until it died in the middle of a program.
cut_short() {
	sed '/^ok 2 /,$d' "$work/vm/stdout" | "$vm/ktap.awk" -v origin=cut >"$work/cut"
	grep -q 'half.sh	did not come to its end' "$work/cut" && grep -q 'planned 7 results' "$work/cut"
}

mkdir -p "$work"
"$vm/module.sh" "$kernel" "$work" --planted

echo TAP version 13
if [ "$kernel" = debug ]; then
	echo 1..1
	check 'a leak turns the run red' red 'kmemleak' 'insmod /planted.ko harm=leak; rmmod planted'
	exit
fi
echo 1..17
check 'the exit code comes out' exits 7 'exit 7'
check 'a panic turns the run red' red 'panic: .*planted' 'insmod /planted.ko harm=panic'
check 'an oops turns the run red' red 'oops: .*NULL pointer' 'insmod /planted.ko harm=oops'
check 'a warning turns the run red' red 'WARN: .*planted_init' 'insmod /planted.ko harm=warn'
check 'a hang turns the run red' red 'hang: ' -t 15 'insmod /planted.ko harm=hang'
check 'a missing success token turns the run red' red 'without its success token' 'reboot -f'
run_planted_tests
check 'a test that passes is counted' counted ok 'harness_test: global.passes'
check 'a test that fails is counted, with what it expected' \
	counted fail 'harness_test: global.fails	.*harness_test.c:[0-9]*:.*Expected 1'
check 'one in shell too' counted fail 'fail.sh: two	got: 1|expected: 2'
check 'a test that is skipped is counted, with its reason' \
	counted skip 'harness_test: global.skips	planted reason'
check 'a test that dies is counted' counted fail 'harness_test: global.dies'
check 'a program that ends after half its plan is a failure' counted fail 'half.sh	planned 2'
check 'a program that dies after its last result is a failure' counted fail 'late.sh	failed after'
check 'a program that is skipped without a reason is a failure' counted fail 'mute.sh	skipped, and'
check 'a program that never ends is a failure' counted fail 'slow.sh	TIMEOUT'
check 'the closing line adds it all up' sums_up_as "$work/tally" '4 passed, 7 failed, 1 skipped'
check 'a VM that dies in the middle is a failure' cut_short
