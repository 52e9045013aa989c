#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Unmodified programs: POSIX message queues that are mailboxes"
cat "$demo"/text/* >"$scratch/text"
lines=$(wc -l <"$scratch/text")

# through HOW...: the text from one program to another, each run by HOW.
through() {
	"$@" mqueue print /demo.lines >"$scratch/lines" &
	"$@" mqueue send /demo.lines <"$scratch/text"
	wait
}

say "a program that knows mq_send(3) and mq_receive(3) only, as it is: a queue of the kernel"
through env
holds "the text came out as it went in" yes \
	"$(cmp -s "$scratch/text" "$scratch/lines" && echo yes)"
holds "mailboxes of that name" 0 "$(awk '$NF == "demo.lines"' /proc/net/mbox | wc -l)"
rm /dev/mqueue/demo.lines

say "the same program by mbox run: the queue /demo.lines is the mailbox /demo.lines"
through mbox run --
holds "the text came out as it went in" yes \
	"$(cmp -s "$scratch/text" "$scratch/lines" && echo yes)"
holds "messages that /proc/net/mbox counted, one the end" $((lines + 1)) \
	"$(status /demo.lines sent)"

say "mbox send at the other end: both are the same thing"
mbox run -- mqueue print /demo.lines >"$scratch/printed" &
printf 'from the command\n' | mbox send --raw /demo.lines
mbox send --raw /demo.lines </dev/null
wait
holds "what the program printed" "from the command" "$(cat "$scratch/printed")"
