#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
# shellcheck source=../scene.sh
. "${demo:?}/scene.sh"

title "Leases: workers are killed with -9 in the middle of work, and all work is done once"
mkdir "$scratch/done"
mkfifo "$scratch/never"
touch "$scratch/begun"
find "$demo/text" -type f | sort >"$scratch/files"
files=$(wc -l <"$scratch/files")
mbox create --capacity=unbounded --mode=600 /demo.jobs
mbox send /demo.jobs <"$scratch/files"
say "a job is to count the words of one of $files files"

# The result appears at once, by its last step, so that to begin again does no harm. As long as
# there is no file "calm" a worker gets as far as the middle.
cat >"$scratch/job" <<'END'
read -r file
echo "$file" >>begun
wc -w <"$file" >"part.$$"
[ -e calm ] || read -r _ <never
mv "part.$$" "done/$(basename "$file")"
END

# A group of processes of its own, which can be killed with its command.
start_worker() {
	(cd "$scratch" && exec setsid mbox recv --nonblock --lease=0 --exec='sh job' /demo.jobs) &
}

begun() {
	[ "$(wc -l <"$scratch/begun")" = "$1" ]
}

for round in 1 2 3 4 5; do
	workers=()
	for worker in 1 2 3; do
		start_worker
		workers+=($!)
	done
	until_true begun $((3 * round))
	for worker in "${workers[@]}"; do
		kill -KILL -- "-$worker"
	done
	{ wait "${workers[@]}" || true; } 2>/dev/null
done
say "three workers began five times, and were killed each time"
holds "held by a worker" 0 "$(status /demo.jobs held)"
holds "jobs that are back in the mailbox" "$files" "$(status /demo.jobs queued)"
holds "times that the first came back" 5 \
	"$(mbox peek --json /demo.jobs | sed -n 's/.*"deliveries": *\([0-9]*\).*/\1/p')"

touch "$scratch/calm"
for worker in 1 2 3; do
	start_worker
done
wait
holds "jobs left when three more have worked in peace" 0 "$(status /demo.jobs queued)"
holds "jobs that were begun, with those 15" $((files + 15)) "$(wc -l <"$scratch/begun")"
holds "jobs that are done" "$files" "$(find "$scratch/done" -type f | wc -l)"
holds "words in all files, by what the workers found" \
	"$(xargs cat <"$scratch/files" | wc -w)" "$(awk '{ n += $1 } END { print n }' "$scratch"/done/*)"

say "a job that kills its worker each time becomes a dead letter"
mbox create --capacity=0 --mode=600 /demo.failed
mbox dead-letter /demo.jobs /demo.failed 3
mbox send /demo.jobs poison harmless
killed=0
# shellcheck disable=SC2016 # for the shell of the worker
until mbox recv --nonblock --lease=0 \
	--exec='read -r job; [ $job = harmless ] || kill -KILL $PPID' /demo.jobs; do
	killed=$((killed + 1))
done 2>/dev/null
holds "workers that it killed" 3 "$killed"
holds "the dead letter" poison "$(mbox recv --nonblock /demo.failed)"
holds "jobs left" 0 "$(status /demo.jobs queued)"
