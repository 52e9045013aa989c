#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Handles: a message carries a file to work on, and the port for the answer"
mbox create --handles --mode=600 /demo.questions
mbox create --mode=600 /demo.answers
text=$(find "$demo/text" -type f | sort | head -n 1)
say "the worker knows one mailbox; it opens no file, and no other mailbox"
mbox recv --count=1 --exec='wc -l <&3 >&4' /demo.questions &
mbox send --fd=3 --port=/demo.answers /demo.questions 'how many lines?' 3<"$text"
holds "the answer, by the port: lines of $(basename "$text")" "$(wc -l <"$text")" \
	"$(mbox recv --count=1 /demo.answers | tr -d ' ')"
wait

say "too little room, as without --exec: it is refused, and the message stays"
mbox send --fd=3 /demo.questions again 3<"$text"
holds "exit code of a receive without room" 7 "$(exit_of mbox recv --nonblock /demo.questions)"
holds "still queued" 1 "$(status /demo.questions queued)"

# anonymous ID: is there still a mailbox of that number, whose name is gone?
anonymous() {
	awk -v id="$1" '$1 == "mailbox" && $2 == id { found = 1 } END { exit !found }' /proc/net/mbox
}
gone() {
	! anonymous "$1"
}

say "a circle: two mailboxes, each in a message in the other; then their names go"
for name in /demo.left /demo.right; do
	mbox create --handles --mode=600 $name
done
mbox send --port=/demo.right /demo.left x
mbox send --port=/demo.left /demo.right x
left=$(status /demo.left id)
right=$(status /demo.right id)
mbox rm /demo.left
holds "one name is left, and keeps both: is the other there?" yes \
	"$(if anonymous "$left"; then echo yes; else echo no; fi)"
mbox rm /demo.right
until_true gone "$left"
until_true gone "$right"
say "nobody can reach them any more: the kernel has found and freed both"
