#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Buffering: none (rendezvous), bounded, unbounded, changed while in use"
mbox create --capacity=0 --mode=600 /demo.box
mbox send /demo.box hello &
until_true is /demo.box waiting_senders 1
holds "capacity 0: one sender waits, queued" 0 "$(status /demo.box queued)"
holds "the receiver gets it from the sender's hand" hello "$(mbox recv --count=1 /demo.box)"
wait $!

seq 10 | mbox send /demo.box &
for capacity in 3 6; do
	mbox resize /demo.box $capacity
	until_true is /demo.box queued $capacity
	until_true is /demo.box waiting_senders 1
	say "resized to $capacity while a process sends 10: $capacity are in, and it waits"
done
mbox resize /demo.box unbounded
wait $!
holds "unbounded: it is done, queued" 10 "$(status /demo.box queued)"
mbox resize /demo.box 1
holds "shrunk to 1, and all are there, in order" "$(seq 10 | paste -sd ' ')" \
	"$(mbox recv --count=10 /demo.box | paste -sd ' ')"
