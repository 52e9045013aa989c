#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

# shellcheck disable=SC2317 # called by until_true
listening() {
	(: <>/dev/tcp/127.0.0.1/4222) 2>/dev/null
}

# carry DIRECTION FROM TO: leaves its process in $bridge.
carry() {
	mbox bridge "$@" 2>>"$scratch/said" &
	bridge=$!
	# That it is killed need not be said.
	disown $bridge
}

title "Between machines: a mailbox goes over NATS to another, and a bridge is killed on the way"
command -v nats-server >/dev/null || {
	say "without nats-server there is nothing to see"
	exit 0
}
ip link set lo up 2>/dev/null || true
nats-server -a 127.0.0.1 -js -sd "$scratch/store" >"$scratch/server" 2>&1 &
until_true listening
mbox create --capacity=10 /demo.one
mbox create --capacity=10 /demo.two
say "1000 messages are sent to /demo.one, which holds 10, as /demo.two does"
seq 1000 | mbox send /demo.one &
carry out /demo.one demo.jobs
out=$bridge
carry in demo.jobs /demo.two
in=$bridge
holds "the first of them" 1 "$(mbox recv --timeout=20 --count=1 /demo.two)"
say "both bridges are killed with -9 and started again"
kill -KILL $out $in
carry out /demo.one demo.jobs
out=$bridge
carry in demo.jobs /demo.two
in=$bridge
mbox recv --timeout=60 --count=999 /demo.two >"$scratch/got" || true
holds "messages that follow" 999 "$(wc -l <"$scratch/got")"
holds "lines that are not as they were sent, or not in that order" 0 \
	"$(diff <(seq 2 1000) "$scratch/got" | grep -c '^[<>]' || true)"
kill $out $in
until_true test ! -e /proc/$out -a ! -e /proc/$in
