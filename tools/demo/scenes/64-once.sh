#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Exactly once: 200 coins into a purse, while its server is killed again and again"
say "what a call does and what it is answered are committed together: mbox_clnt_delivery(3)"

exists() { [ "$(exit_of mbox stat /demo.purse)" = 0 ]; }
has() { [ "$(wc -l <"$scratch/told")" -ge "$1" ]; }

serve() {
	purse_server /demo.purse "$scratch/purse.db" &
	server=$!
	until_true exists
}

# That it was killed is what is wanted, and no news for who watches.
end_server() {
	kill -9 $server
	wait $server 2>/dev/null || true
}

serve
purse /demo.purse 200 >"$scratch/told" &
client=$!
deaths=0
for coins in 20 50 80 110 140 170; do
	until_true has $coins
	end_server
	serve
	deaths=$((deaths + 1))
done
wait $client
say "the server was killed $deaths times"
holds "coins in the purse" 200 "$(tail -n 1 "$scratch/told")"
holds "each was told once, in turn" "$(seq 200 | cksum)" "$(cksum <"$scratch/told")"
end_server
