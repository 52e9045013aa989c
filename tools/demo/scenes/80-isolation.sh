#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

# inside COMMAND: run it as a user who is root in a container, with names, numbers of processes
# and users of its own.
inside() {
	su user -s /bin/bash -c "unshare -r -n -p -f bash -c ${1@Q}"
}

title "Isolation: a container has names of its own, and reaches what it is given"
mbox create --mode=666 /demo.outside
holds "exit status inside of a send to /demo.outside, open to everybody (no such name)" 3 \
	"$(exit_of inside "mbox send /demo.outside hello")"
holds "the name inside, for a mailbox of its own" "theirs" \
	"$(inside "mbox create /demo.outside && mbox send /demo.outside theirs &&
		mbox recv --count=1 /demo.outside")"
holds "messages that came outside" 0 "$(status /demo.outside queued)"

say "a port is sent in, and so the mailbox is reached by who knows no name of it"
mbox create --handles /demo.ports
mbox send --port=/demo.outside /demo.ports x
mbox recv --count=1 --exec="su user -s /bin/bash -c 'unshare -r -n sh -c \"id -u >&3\"'" /demo.ports
mbox recv --json --count=1 /demo.outside >"$scratch/message"
holds "the user that the sender takes itself for" 0 \
	"$(jq -r .data "$scratch/message")"
holds "the user that the kernel says it is" 1000 \
	"$(jq -r .uid "$scratch/message")"

say "root inside is held to the budget of the user that it is outside; here 64 KiB"
budget=/sys/module/mbox/parameters/user_bytes
before=$(cat $budget)
echo 65536 >$budget
theirs=$(exit_of inside "mbox create /full && head -c 65536 /dev/zero | mbox send --raw /full")
other=$(exit_of su nobody -s /bin/bash -c "mbox send /demo.outside fine")
echo "$before" >$budget
holds "exit status inside of a send of 64 KiB (the budget is used up)" 9 "$theirs"
holds "exit status outside of a send by another user" 0 "$other"
