#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Unmodified programs: queues and shared memory of System V that are mailboxes and segments"
cat "$demo"/text/* | tr -cs '[:alpha:]' '\n' | awk 'NF && n++ < 20000' >"$scratch/words"
key=0x6d626f78
queue=/sysv-msg:$key table=/sysv-shm:$key

# count HOW...: the words of each letter, one process a letter, each run by HOW.
count() {
	local letter
	for letter in {a..z}; do
		"$@" letters count $key "$letter" &
	done
	"$@" letters send $key <"$scratch/words"
	wait
}

cut -c1 "$scratch/words" | tr '[:upper:]' '[:lower:]' | grep '[a-z]' | sort | uniq -c |
	awk '{ print $2, $1 }' >"$scratch/right"

say "26 processes that know msgrcv(2) and shmat(2) only, as they are: each takes one type"
count env
letters result $key >"$scratch/counts"
holds "the words of each letter are as many as sort and uniq say" yes \
	"$(cmp -s "$scratch/counts" "$scratch/right" && echo yes)"
holds "mailboxes and segments with that key" 0 "$(awk '$NF ~ /sysv/' /proc/net/mbox | wc -l)"

say "the same programs by mbox run"
count mbox run --
holds "words and ends that /proc/net/mbox counted" $(($(wc -l <"$scratch/words") + 26)) \
	"$(status $queue sent)"
holds "bytes of the table" 208 "$(mbox seg stat --json $table | sed -n 's/.*"length": *\([0-9]*\).*/\1/p')"
mbox run -- letters result $key >"$scratch/counts"
holds "the words of each letter are as many" yes \
	"$(cmp -s "$scratch/counts" "$scratch/right" && echo yes)"
holds "what is left of both" 0 "$(awk '$NF ~ /sysv/' /proc/net/mbox | wc -l)"
