#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Sockets: ports, connections and datagrams, in the manner of netcat"
cat "$demo"/text/* >"$scratch/text"
packed=$scratch/packed
gzip -c "$scratch/text" >"$packed"

# listens PORT: somebody waits there for a connection.
listens() {
	is "/stream:$1" waiting_receivers 1 2>/dev/null
}

say "mbox nc --listen 5000 gives a packed text, mbox nc localhost 5000 gives a plain one:"
mbox nc --listen 5000 <"$packed" >"$scratch/there" &
until_true listens 5000
mbox ls | sed -nE '/^NAME|^.stream:5000/{s/ +(KIND|mailbox) .*//; s/^/    /; p}'
mbox nc localhost 5000 <"$scratch/text" >"$scratch/back"
wait
holds "bytes that came to who listens" "$(wc -c <"$scratch/text")" "$(wc -c <"$scratch/there")"
holds "the same" yes "$(cmp -s "$scratch/text" "$scratch/there" && echo yes)"
holds "bytes that came to who connected" "$(wc -c <"$packed")" "$(wc -c <"$scratch/back")"
holds "the same" yes "$(cmp -s "$packed" "$scratch/back" && echo yes)"

say "a server that counts words: it reads to the end, which one direction has, and answers then"
mkfifo "$scratch/answer"
# shellcheck disable=SC2094 # a FIFO
mbox nc --listen 5000 <"$scratch/answer" | tr -cs "[:alpha:]" '\n' | sort | uniq -c |
	sort -k '1,1nr' -k 2 >"$scratch/answer" &
until_true listens 5000
mbox nc 5000 <"$scratch/text" >"$scratch/ours"
wait
tr -cs "[:alpha:]" '\n' <"$scratch/text" | sort | uniq -c | sort -k '1,1nr' -k 2 >"$scratch/shell"
holds "the same as without a connection" yes \
	"$(cmp -s "$scratch/ours" "$scratch/shell" && echo yes)"
say "most used: $(head -n 5 "$scratch/ours" | awk '{ printf "%s%s %d", sep, $2, $1; sep = ", " }')"

say "who gets no connection, or no port, is told why"
refused=$(mbox nc 5000 2>&1 </dev/null || true)
holds "nobody listens" \
	"mbox nc: /stream:5000: nobody listens there, as 'mbox nc --listen 5000' does" "$refused"
refused=$(su user -s /bin/bash -c "mbox nc --listen 80" 2>&1 </dev/null || true)
holds "a well-known port is not for everybody" \
	"mbox nc: /stream:80: a port below 1024 takes CAP_NET_BIND_SERVICE, which root has: choose a higher one" \
	"$refused"

say "a server dies while one is connected and two more wait for it"
mbox nc --listen --keep 5000 </dev/null >"$scratch/first" &
server=$!
until_true listens 5000
mkfifo "$scratch/held"
mbox nc 5000 <"$scratch/held" &
clients=($!)
exec 3>"$scratch/held"
until_true is /stream:5000 received 1
for i in 2 3; do
	echo "$i" | mbox nc 5000 &
	clients+=($!)
done
until_true is /stream:5000 queued 2
holds "exit status of a second server on that port" 4 "$(exit_of mbox nc --listen 5000 </dev/null)"
kill -KILL $server
{ wait $server || true; } 2>/dev/null
wait "${clients[@]}"
exec 3>&-
say "all three came to their end"
mbox nc --listen 5000 </dev/null >"$scratch/next" &
until_true listens 5000
echo again | mbox nc 5000
wait
holds "the next server on that port got" again "$(cat "$scratch/next")"

say "datagrams: 3 senders at once, none of whose datagrams may be lost"
mbox nc --datagram --listen 5000 </dev/null >"$scratch/got" &
server=$!
until_true mbox stat /datagram:5000 >/dev/null 2>&1
senders=()
for i in 1 2 3; do
	stdbuf -oL seq -f "$i %.0f" 2000 | mbox nc --datagram 5000 &
	senders+=($!)
done
wait "${senders[@]}"
until_true is /datagram:5000 queued 0
got() {
	[ "$(wc -l <"$scratch/got")" = 6000 ]
}
until_true got
say "in $(status /datagram:5000 sent) datagrams"
kill $server
{ wait $server || true; } 2>/dev/null
holds "lines that came" 6000 "$(wc -l <"$scratch/got")"
for i in 1 2 3; do
	holds "those of sender $i, in their order" yes \
		"$(grep "^$i " "$scratch/got" | cmp -s - <(seq -f "$i %.0f" 2000) && echo yes)"
done
