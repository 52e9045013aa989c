#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

# waits_for PID: whom a process waits for, by `mbox ls --waits`
waits_for() {
	mbox ls --waits | awk -v pid="$1" '$1 == pid { print $3 }'
}

title "Deadlock: servers that call each other are told, and do not wait for ever"
mbox create --mode=600 /demo.left
mbox create --mode=600 /demo.right
relay /demo.left /demo.right &
left=$!
mbox call /demo.left 'who is right?' >"$scratch/answer" &
caller=$!
until_true is /demo.right waiting_callers 1
mbox ls --waits | sed 's/^/    /'
holds "whom the caller waits for, is it the left server?" yes \
	"$([ "$(waits_for $caller)" = $left ] && echo yes)"
holds "whom the left server waits for, before anybody serves the right" - "$(waits_for $left)"

say "now the right server begins, gets that request, and calls the left one"
relay /demo.right /demo.left
wait $left $caller
holds "what came of that, by way of both" "/demo.left: callers would wait for each other in a circle" \
	"$(cat "$scratch/answer")"
