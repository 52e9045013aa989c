#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Counting words: seven processes and a kernel between them"
say "reader -> lines -> 3 workers -> reports -> clerk -> result -> editor"
say "the workers count in a table in a segment, under futexes in it"
words "$scratch/counts" "$demo"/text/*
sort -k 2 "$scratch/counts" >"$scratch/ours"
cat "$demo"/text/* | tr "[:upper:]" "[:lower:]" | tr -cs "[:lower:]" '\n' | grep . | sort | uniq -c >"$scratch/coreutils"
say "most used: $(sort -rn "$scratch/ours" | head -n 5 | awk '{ printf "%s%s %d", sep, $2, $1; sep = ", " }')"
if cmp -s "$scratch/ours" "$scratch/coreutils"; then
	say "the same as tr | sort | uniq -c: $(wc -l <"$scratch/coreutils") words, every count equal"
else
	say "WRONG: not what tr | sort | uniq -c counts (- ours, + theirs):"
	diff -U 0 "$scratch/ours" "$scratch/coreutils" | tail -n +3 | head -n 10
	exit 1
fi
