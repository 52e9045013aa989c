#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Remote procedure calls: a .x file, rpcgen, and a mailbox instead of a socket"
say "census.x says what there is to call:"
sed -n '/^program/,$s/^/	/p' "$demo/build/census.x"
say "and this is all that there is to do:"
sed 's/^/	/' "$demo/build/census.sh"

answers() { [ "$(exit_of rpcinfo)" = 0 ]; }
exists() { [ "$(exit_of mbox stat "$1")" = 0 ]; }

# The matchmaker of TCP and UDP, for as long as the scene lasts.
nettypes=(mbox)
if command -v rpcbind >/dev/null && [ "$(id -u)" = 0 ]; then
	answers || { rpcbind -f & }
	until_true answers
	nettypes+=(tcp udp)
fi
census_server /demo.census "${nettypes[@]:1}" &
server=$!
until_true exists /demo.census

text=$demo/text/GPL-2
head -c 8000 "$text" >"$scratch/text"
wanted="$(wc -lw <"$scratch/text" | tr -s ' ' | sed 's/^ //') $(tr -cd '[:alpha:]' <"$scratch/text" | wc -c)"
say "one server, and the same client by ${nettypes[*]}; by mailbox the kernel says who asked"
for nettype in "${nettypes[@]}"; do
	host=127.0.0.1 asked=''
	[ "$nettype" != mbox ] || host=/demo.census asked=' for me'
	holds "lines, words and letters, by $nettype" "$wanted$asked" \
		"$(census "$nettype" "$host" <"$scratch/text")"
done

say "2 MiB of text go in a segment, which the server reads where they are"
for ((copy = 0; copy < 120; copy++)); do
	cat "$text"
done >"$scratch/long"
holds "words" "$(wc -w <"$scratch/long")" "$(census mbox /demo.census <"$scratch/long" | cut -d' ' -f2)"

say "a server that goes takes its name with it, and a client is told"
kill $server
wait $server
told=0
census mbox /demo.census <"$scratch/text" 2>"$scratch/told" || told=$?
holds "exit status of the client" 1 "$told"
say "$(cat "$scratch/told")"
