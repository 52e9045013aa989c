#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1

# Nobody outside of this scene sees the mount.
[ "${mounted:-}" = yes ] || mounted=yes exec unshare -m bash "$0"

# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Files: names of mailboxes in a file system, for any program"
m=$scratch/mbox
mkdir "$m"
mount -t mboxfs none "$m"
clean_up_mount() {
	umount "$m"
	clean_up
}
trap clean_up_mount EXIT
cat "$demo"/text/* >"$scratch/text"

say "mkfifo makes a FIFO; words of the texts go into it, and who counts them reads them"
mkfifo -m 600 "$m/demo.words"
sort <"$m/demo.words" | uniq -c | sort -k '1,1nr' -k 2 >"$scratch/ours" &
tr -cs "[:alpha:]" '\n' <"$scratch/text" >"$m/demo.words"
wait
tr -cs "[:alpha:]" '\n' <"$scratch/text" | sort | uniq -c | sort -k '1,1nr' -k 2 >"$scratch/shell"
holds "the same as through a pipe of the shell" yes \
	"$(cmp -s "$scratch/ours" "$scratch/shell" && echo yes)"
say "most used: $(head -n 5 "$scratch/ours" | awk '{ printf "%s%s %d", sep, $2, $1; sep = ", " }')"
holds "bytes that mbox saw going through" "$(tr -cs "[:alpha:]" '\n' <"$scratch/text" | wc -c)" \
	"$(status /demo.words sent_bytes)"

say "tee, to two FIFOs at once: one reader counts lines, the other packs"
mkfifo -m 600 "$m/demo.lines"
wc -l <"$m/demo.words" >"$scratch/lines" &
gzip -c <"$m/demo.lines" >"$scratch/packed" &
tee "$m/demo.words" <"$scratch/text" >"$m/demo.lines"
wait
holds "lines" "$(wc -l <"$scratch/text")" "$(cat "$scratch/lines")"
holds "bytes, unpacked again" "$(wc -c <"$scratch/text")" "$(gzip -dc "$scratch/packed" | wc -c)"

say "echo makes a mailbox, and ls shows what is in it"
echo hello >"$m/demo.box"
echo again >>"$m/demo.box"
chmod 640 "$m/demo.box"
# shellcheck disable=SC2012 # ls is the point
ls -l "$m" | tail -n +2 | sed 's/^/    /'
holds "messages, to the command" 2 "$(status /demo.box queued)"
holds "the first, to dd" hello "$(dd if="$m/demo.box" bs=64K count=1 status=none)"
mv "$m/demo.box" "$m/demo.moved"
holds "the second, to the command, after mv" again "$(mbox recv --raw --count=1 /demo.moved)"
rm "$m"/demo.*
holds "names that rm has left" "" "$(ls "$m")"

say "a container is given one FIFO by a bind mount, and has no other name"
mkfifo -m 666 "$m/demo.given"
: >"$scratch/at"
chmod 711 "$scratch"
chmod 666 "$scratch/at"
grep -c . <"$m/demo.given" >"$scratch/count" &
mount --bind "$m/demo.given" "$scratch/at"
names=$(su user -s /bin/bash -c "unshare -U -r -m -n bash -c '
	mount -t tmpfs none $m && cat $demo/text/* >$scratch/at && ls $m && mbox ls --json'")
wait
umount "$scratch/at"
holds "names that it sees" "[]" "$names"
holds "lines that came out of it" "$(grep -c . <"$scratch/text")" "$(cat "$scratch/count")"
