#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

queued() { [ "$(status /demo.jobs queued)" -ge "$1" ]; }

title "Snapshot: a mailbox goes into a file while it is at work"
mbox create --capacity=unbounded --mode=600 /demo.jobs
seq 50000 | mbox send /demo.jobs &
until_true queued 10000
mbox recv --count=50000 /demo.jobs >"$scratch/received" &
mbox save /demo.jobs "$scratch/jobs.mbox"
say "saved while 50000 numbers are sent and received"
wait
holds "numbers that came out of the mailbox" 50000 "$(wc -l <"$scratch/received")"

mbox restore "$scratch/jobs.mbox" /demo.restored
mbox recv --nonblock /demo.restored >"$scratch/restored"
first=$(head -n 1 "$scratch/restored")
last=$(tail -n 1 "$scratch/restored")
say "the restored mailbox has $first to $last"
holds "numbers in it" $((last - first + 1)) "$(wc -l <"$scratch/restored")"
holds "it holds them in order, without a gap" yes \
	"$(cmp -s <(seq "$first" "$last") "$scratch/restored" && echo yes)"

printf x | dd of="$scratch/jobs.mbox" bs=1 seek=89 conv=notrunc 2>/dev/null
refusal=$(mbox restore "$scratch/jobs.mbox" /demo.damaged 2>&1) || true
holds "the same file with one byte changed" "its checksum is wrong" "${refusal##*: }"
