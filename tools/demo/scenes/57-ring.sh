#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Rings: 200,000 messages through memory that sender and receiver share"
say "one call, mbox_ring(3): the kernel only wakes who finds the ring empty or full"

# produce SENDER: its messages, once all are there.
produce() {
	until_true test -e "$scratch/go"
	seq -f "$1 %.0f" 100000
}

mbox create --rings /demo.samples
mbox recv /demo.samples >"$scratch/got" &
receiver=$!
until_true is /demo.samples waiting_receivers 1
for sender in 1 2; do
	produce $sender | mbox send --ring=64K /demo.samples &
done
until_true is /demo.samples senders 2
touch "$scratch/go"
wait $receiver
for sender in 1 2; do
	holds "from sender $sender, all in order" "$(produce $sender | cksum)" \
		"$(grep "^$sender " "$scratch/got" | cksum)"
done
holds "messages that the kernel saw, which offered the rings" 2 "$(status /demo.samples sent)"
