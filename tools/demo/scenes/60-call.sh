#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Call and reply: a request, and its own answer back"
mbox create --capacity=8 --mode=600 /demo.upper
for server in 1 2; do
	mbox serve /demo.upper -- tr "[:lower:]" "[:upper:]" 2>/dev/null &
	servers[server]=$!
done
holds "mbox call /demo.upper 'make me tall'" "MAKE ME TALL" "$(mbox call /demo.upper 'make me tall')"
say "three callers ask 20 words each, two servers share the work"
for caller in 1 2 3; do
	seq -f "caller $caller word %g" 20 >"$scratch/asked$caller"
	mbox call /demo.upper <"$scratch/asked$caller" >"$scratch/got$caller" &
	callers[caller]=$!
done
wait "${callers[@]}"
for caller in 1 2 3; do
	holds "caller $caller has its own answers, in its order" yes \
		"$(tr "[:lower:]" "[:upper:]" <"$scratch/asked$caller" | cmp -s - "$scratch/got$caller" && echo yes)"
done
kill "${servers[@]}"
{ wait "${servers[@]}" || true; } 2>/dev/null

say "a server is killed while it works: its caller learns so at once, and does not wait for ever"
mbox serve /demo.upper sleep 2 &
server=$!
before=$(status /demo.upper received)
mbox call /demo.upper 'are you there' 2>"$scratch/told" &
caller=$!
until_true is /demo.upper received $((before + 1))
kill -KILL $server
{ wait $server || true; } 2>/dev/null
told=0
wait $caller || told=$?
holds "exit status of the caller" 8 "$told"
say "$(cat "$scratch/told")"
