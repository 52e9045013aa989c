#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Broadcast: one mailbox, and every receiver gets all"
mbox create --broadcast --hangup --capacity=8 --mode=600 /demo.news
for listener in 1 2 3 4; do
	mbox recv /demo.news >"$scratch/heard$listener" &
done
until_true is /demo.news receivers 4
seq -f "issue %g" 500 >"$scratch/news"
mbox send /demo.news <"$scratch/news"
wait
holds "sent" 500 "$(status /demo.news sent)"
holds "received, by 4 listeners" 2000 "$(status /demo.news received)"
for listener in 1 2 3 4; do
	holds "listener $listener has all, in order" yes \
		"$(cmp -s "$scratch/news" "$scratch/heard$listener" && echo yes)"
done

say "a slow one holds up the senders, or misses what it is too slow for: here it misses"
mbox create --broadcast --lossy --capacity=3 --mode=600 /demo.weather
mbox recv --count=3 /demo.weather >"$scratch/slow" 2>"$scratch/told" &
until_true is /demo.weather waiting_receivers 1
kill -STOP $!
until_true grep -q '^State:.*stopped' "/proc/$!/status"
seq 100 | mbox send /demo.weather
holds "100 sent while it stood still; kept" 3 "$(status /demo.weather queued)"
kill -CONT $!
wait $!
holds "it gets the newest" "98 99 100" "$(paste -sd ' ' "$scratch/slow")"
holds "and is told how many it missed" 97 "$(grep -o 'missed [0-9]*' "$scratch/told" | cut -d ' ' -f 2)"
