#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Indirect communication: one mailbox joins many senders and many receivers"
say "three processes send 100 messages each, two receive 150 each"
mbox create --capacity=8 --mode=600 /demo.jobs
for receiver in 1 2; do
	mbox recv --count=150 /demo.jobs >"$scratch/got$receiver" &
done
for sender in 1 2 3; do
	seq -f "sender$sender %g" 100 | mbox send /demo.jobs &
done
wait
holds "messages received, no two the same" 300 "$(sort -u "$scratch"/got* | wc -l)"
holds "out of the order that its sender gave it" 0 \
	"$(awk '$2 <= last[FILENAME $1] { n++ } { last[FILENAME $1] = $2 } END { print n + 0 }' "$scratch"/got*)"
say "the first receiver's: $(awk '{ n[$1]++ } END { for (s in n) print n[s], "of", s }' "$scratch/got1" |
	sort -k 3 | paste -sd , | sed 's/,/, /g')"
