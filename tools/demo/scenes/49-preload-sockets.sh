#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Unmodified programs: TCP on this machine that goes through streams"
cat "$demo"/text/* >"$scratch/text"
mailbox=/tcp:127.0.0.1:5000

# send HOW...: the text to port 5000 from bash, which knows TCP and is run by HOW.
send() {
	# shellcheck disable=SC2016 # that bash has its own $1
	"$@" bash -c 'cat "$1" >/dev/tcp/127.0.0.1/5000' bash "$scratch/text"
}

say "a server of TCP by mbox run: beside its port is a mailbox"
mbox run -- port 5000 2 >"$scratch/there" &
until_true is $mailbox queued 0 2>/dev/null
mbox ls | sed -nE '/^NAME|^.tcp:127/{s/ +(KIND|mailbox) .*//; s/^/    /; p}'

say "a client that is not run so connects as ever"
send env
holds "connections that went through the mailbox" 0 "$(status $mailbox sent)"

say "a client by mbox run: streams take the place of both sockets"
send mbox run --
wait
holds "the text came out twice as it went in" yes \
	"$(cat "$scratch/text" "$scratch/text" | cmp -s - "$scratch/there" && echo yes)"

say "the same with a server for one that is looked at while the client is connected"
mbox run -- port 5000 1 >"$scratch/there" &
until_true is $mailbox queued 0 2>/dev/null
exec {held}> >(mbox run -- bash -c 'exec 3>/dev/tcp/127.0.0.1/5000; cat >&3')
until_true is $mailbox sent 1
holds "connections that went through the mailbox" 1 "$(status $mailbox sent)"
echo "it ends with its client" >&"$held"
exec {held}>&-
wait
holds "what the server printed" "it ends with its client" "$(cat "$scratch/there")"
