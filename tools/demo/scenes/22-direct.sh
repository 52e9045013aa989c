#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

# shellcheck disable=SC2317 # called by until_true
stopped() {
	grep -q '^State:.T' "/proc/$1/status"
}

# shellcheck disable=SC2317 # called by until_true
sender_waits() {
	awk '$NF == "-" && $12 == 1 { found = 1 } END { exit !found }' /proc/net/mbox
}

title "Direct communication: processes that name each other"
say "a process receives in its own mailbox, 100 messages of the one peer that it names"
mkfifo "$scratch/orders"
# The peer is told whom to send to, and then what.
# shellcheck disable=SC2016 # it is for that shell to expand
bash -c 'read -r to; exec mbox send --pid="$to"' <"$scratch/orders" &
peer=$!
mbox recv --from=$peer >"$scratch/got" &
receiver=$!
until_true mbox send --pid=$receiver "of a stranger"
{ echo $receiver; seq 100; } >"$scratch/orders"
wait $peer
wait $receiver
say "the peer ended, and so did the link"
holds "messages of the peer" 100 "$(wc -l <"$scratch/got")"
holds "messages of the stranger" 0 "$(grep -c stranger "$scratch/got" || true)"

say "a message waits for a process, which is killed with -9"
mbox recv --own >/dev/null &
victim=$!
# That it is killed need not be said.
disown $victim
until_true mbox send --pid=$victim "hello"
kill -STOP $victim
until_true stopped $victim
mbox send --sync --pid=$victim "are you there?" 2>"$scratch/error" &
sender=$!
until_true sender_waits
kill -KILL $victim
status=0
wait $sender || status=$?
holds "exit status of the send (nobody is left on the other side)" 8 "$status"
holds "exit status of one to the number that nobody has now" 3 "$(exit_of mbox send --pid=$victim "hello?")"
