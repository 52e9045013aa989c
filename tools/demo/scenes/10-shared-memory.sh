#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Shared memory: after the attach, no system call"
mbox seg create --mode=600 /demo.number 4096
say "two processes add 1 to the same number, 500000 times each"
counter /demo.number 500000 &
counter /demo.number 500000
wait
read -r number refusal < <(counter /demo.number)
holds "the number" 1000000 "$number"
holds "writing to it where it is attached for reading" "Permission denied" "$refusal"
