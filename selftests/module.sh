#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Loading and unloading: refused while there is an object, clean afterwards, again and again
# with nothing leaked, and the parameters that are given at load. The module is loaded before
# this and after it. MODULE names its file.
# shellcheck disable=SC2317 # the functions are called by holds
set -u

module=${MODULE:-/lib/mbox.ko}
[ -e "$module" ] || module=$(modinfo -n mbox 2>/dev/null)
parameters=/sys/module/mbox/parameters
name=/module.test.$$
count=0
failed=0

# ok STATUS NAME: one result.
ok() {
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count $2"
	else
		failed=1
		echo "not ok $count $2"
	fi
}

# holds NAME CMD...: CMD succeeds.
holds() {
	local what=$1 status=0
	shift
	"$@" >/dev/null 2>&1 || status=1
	ok $status "$what"
}

# refused NAME: the module cannot be unloaded now, and is none the worse for it.
refused() {
	local status=0
	! rmmod mbox 2>/dev/null || status=1
	[ -c /dev/mbox ] && [ -d /sys/module/mbox ] || status=1
	ok $status "$1"
}

# What the last process held is let go of a little after its end.
unload() {
	local try
	for try in 1 2 3 4 5 6 7 8 9 10; do
		rmmod mbox 2>/dev/null && return
		sleep "0.$try"
	done
	return 1
}

nothing_left() {
	[ ! -e /dev/mbox ] && [ ! -e /proc/net/mbox ] && [ ! -e /sys/module/mbox ] &&
		[ ! -e /sys/class/misc/mbox ] && [ ! -e /sys/kernel/tracing/events/mbox ] &&
		! grep -q mbox /proc/slabinfo
}

value() {
	cat "$parameters/$1"
}

skip() {
	echo "1..0 # SKIP $1"
	exit 4
}

[ "$(id -u)" = 0 ] || skip "only root loads modules"
[ -e "$module" ] || skip "no file of the module: set MODULE"
command -v mbox >/dev/null || skip "the mbox command is not installed"
[ -d /sys/module/mbox ] || insmod "$module" || skip "the module does not load"
trap '[ -d /sys/module/mbox ] || insmod "$module"' EXIT

echo "TAP version 13"
echo "1..23"

# Refused while there is anything.
mbox create --capacity=4 "$name"
refused "refused while a mailbox exists that nobody has open"
echo hello | mbox send "$name"
holds "the mailbox goes on after that" test "$(mbox recv --count=1 "$name")" = hello
mbox rm "$name"

exec 3<>/dev/mbox
refused "refused while the device is open"
exec 3>&-

mbox create --capacity=4 "$name"
mbox recv "$name" >/dev/null 2>&1 &
receiver=$!
until awk '$1 == "mailbox" && $13 == 1' /proc/net/mbox | grep -q "${name#/}"; do
	kill -0 $receiver || break
	sleep 0.1
done
mbox rm "$name"
refused "refused while a receiver waits on a mailbox that has no name any more"
kill $receiver
wait $receiver 2>/dev/null

mbox seg create "$name" 4096
refused "refused while a segment exists"
mbox rm "$name"

# Clean afterwards.
holds "unloads when nothing is left" unload
holds "leaves no trace" nothing_left

# Parameters.
holds "loads with a mode" insmod "$module" mode=0600
same_mode() { [ "$(stat -c %a /dev/mbox)" = "$1" ]; }
holds "the device has that mode" same_mode 600
holds "unloads again" unload
holds "loads with budgets" insmod "$module" user_bytes=1234567 user_mailboxes=12 user_segments=3 user_fds=5
holds "user_bytes is as given" test "$(value user_bytes)" = 1234567
holds "user_mailboxes is as given" test "$(value user_mailboxes)" = 12
holds "user_segments is as given" test "$(value user_segments)" = 3
holds "user_fds is as given" test "$(value user_fds)" = 5
holds "unloads once more" unload
unloadable() { ! insmod "$module" "$1" && nothing_left; }
holds "does not load with a value that is none" unloadable user_bytes=many

# Again and again. Each round makes objects of more than 100 kB, which go with their names.
slab() { awk '/^SUnreclaim:/ { print $2 }' /proc/meminfo; }
round() {
	insmod "$module" &&
		mbox create --capacity=unbounded "$name" &&
		head -c 100000 /dev/zero | tr '\0' x | fold -w 500 | mbox send "$name" &&
		mbox seg create "$name.seg" 1048576 &&
		mbox rm "$name" "$name.seg" &&
		unload
}
rounds() {
	local i
	for ((i = 0; i < $1; i++)); do
		round || return
	done
}
holds "loads, works and unloads twice" rounds 2
sleep 1
before=$(slab)
holds "loads, works and unloads 20 times" rounds 20
sleep 1
after=$(slab)
echo "# unreclaimable slab: $before kB before, $after kB after 20 rounds"
holds "leaks no slab memory" test $((after - before)) -lt 1024
holds "leaves no trace in the end" nothing_left

holds "loads with its defaults" insmod "$module"
holds "the device is for all by default" same_mode 666
exit $failed
