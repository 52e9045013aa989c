#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Loans: 64 frames of 1 MiB from one process to another, and not a byte is copied"
say "a sender has 4 buffers, in memory that receivers can read but never write: mbox_loan(3)"

is_held() { grep -q written "$scratch/held"; }

mbox create --capacity=2 --msgsize=1M /demo.frames
frames send /demo.frames 64 >"$scratch/sent" &
sender=$!
frames hold /demo.frames >"$scratch/held" &
holder=$!
until_true is_held
say "one receiver takes a frame: the sum of its bytes is $(awk 'NR == 1 { print $2 }' "$scratch/held")"
holds "it is where its sender wrote it" "and cannot be written" "$(tail -n 1 "$scratch/held")"
kill -9 $holder
wait $holder 2>/dev/null || true
say "that receiver is killed with the frame in its hands"
frames recv /demo.frames 64 >"$scratch/got"
holds "another gets all, that one too" "$(cksum <"$scratch/sent")" "$(cksum <"$scratch/got")"
wait $sender
holds "frames sent, and all buffers are back" 64 "$(wc -l <"$scratch/sent")"
