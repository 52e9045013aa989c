#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Pipes: programs that know nothing of mailboxes, with mailboxes between them"
cat "$demo"/text/* >"$scratch/text"

say "the words that are used most, by six programs and five pipes:"
# shellcheck disable=SC2016 # the dollar is awk's
words=(cat "$scratch/text" '|' tr -cs "[:alpha:]" '\n' '|' tr "[:upper:]" "[:lower:]" '|'
	sort '|' uniq -c '|' sort -k '1,1nr' -k 2)
say "mbox pipe -- cat TEXT '|' tr ... '|' tr ... '|' sort '|' uniq -c '|' sort ..."
mbox pipe -- "${words[@]}" >"$scratch/ours"
tr -cs "[:alpha:]" '\n' <"$scratch/text" | tr "[:upper:]" "[:lower:]" |
	sort | uniq -c | sort -k '1,1nr' -k 2 >"$scratch/shell"
holds "the same as through the pipes of the shell" yes \
	"$(cmp -s "$scratch/ours" "$scratch/shell" && echo yes)"
say "most used: $(head -n 5 "$scratch/ours" | awk '{ printf "%s%s %d", sep, $2, $1; sep = ", " }')"
holds "exit status of yes | head -n 1, whose first program never ends by itself" 0 \
	"$(exit_of mbox pipe -- yes '|' head -n 1)"
holds "exit status of true | sh -c 'exit 9'" 9 "$(exit_of mbox pipe -- true '|' sh -c 'exit 9')"

say "a FIFO: a packed text through /demo.packed to who unpacks it, and on through /demo.plain"
mbox mkfifo --mode=600 /demo.packed
mbox mkfifo --mode=600 --capacity=4K /demo.plain
mbox open --input=/demo.plain -- wc -c >"$scratch/count" &
mbox open --input=/demo.packed --output=/demo.plain -- gzip -dc &
gzip -c "$scratch/text" | mbox open --output=/demo.packed -- tee "$scratch/packed"
wait
holds "bytes that came out" "$(wc -c <"$scratch/text")" "$(cat "$scratch/count")"
holds "bytes that went through /demo.packed" "$(wc -c <"$scratch/packed")" \
	"$(status /demo.packed sent_bytes)"

say "a writer that is faster than its reader waits, and is ended when the reader has enough"
mbox open --output=/demo.plain yes &
writer=$!
mbox open --input=/demo.plain sleep 1000 &
reader=$!
until_true is /demo.plain waiting_senders 1
mbox ls | grep -E '^NAME|^/demo.plain' | cut -c 1-76 | sed 's/^/    /'
kill $reader
{ wait $reader || true; } 2>/dev/null
ended=0
{ wait $writer || ended=$?; } 2>/dev/null
holds "exit status of the writer, 128 and SIGPIPE" 141 "$ended"
holds "bytes that are left of it" 0 "$(status /demo.plain queued_bytes)"
