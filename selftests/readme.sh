#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the examples of README.md: in each block marked `console` the lines after "$ " are typed,
# and what they print must be what the block shows, "..." standing for any text. The blocks are
# run in their order in the folder where tools/demo/Makefile leaves README.md and the program
# that it shows, built.
set -u

examples=${MBOX_README:-/usr/share/mbox-demo/build/readme}
export LC_ALL=C
umask 022
cd "$examples" 2>/dev/null || {
	printf '%s\n' 'TAP version 13' "1..0 # SKIP $examples is not there: it is made by make -C tools/demo"
	exit 4
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

blocks() {
	awk -v dir="$scratch" '
		/^```console$/ { n++; inside = 1; next }
		/^```/ { inside = 0 }
		inside { print > (dir "/" n ".wanted") }
		END { print n + 0 }' README.md
}

# What a person would see who types the commands of the block on stdin. A command in the
# background is given the time to come to where it waits.
type_in() {
	local line
	while read -r line; do
		[[ $line = '$ '* ]] || continue
		printf '%s\n' "$line"
		eval "${line#??}" 2>&1
		[[ $line != *'&' ]] || until_it_waits $!
	done
	wait
}

until_it_waits() {
	local try
	for ((try = 0; try < 1000; try++)); do
		grep -qs '^State:.S' "/proc/$1/status" && ! grep -qs bash "/proc/$1/comm" && return
		sleep 0.01
	done
	echo "in 10 seconds this did not wait: process $1"
}

# Lines are the same if they are so but for the number of blanks, and for "...".
compare() {
	diff -bU 0 "$scratch/$1.wanted" "$scratch/$1.got" >"$scratch/$1.diff" && return
	awk '
		function like(line, wanted,  part, n, i, at) {
			n = split(wanted, part, /\.\.\./)
			if (index(line, part[1]) != 1) return 0
			line = substr(line, length(part[1]) + 1)
			for (i = 2; i <= n; i++) {
				if (part[i] == "") { line = ""; continue }
				at = index(line, part[i])
				if (!at) return 0
				line = substr(line, at + length(part[i]))
			}
			return line == ""
		}
		{ gsub(/[ \t]+/, " "); sub(/ $/, "") }
		FNR == NR { wanted[++lines] = $0; next }
		!like($0, wanted[++got]) { bad = 1 }
		END { exit bad || got != lines }' "$scratch/$1.wanted" "$scratch/$1.got"
}

failed=0
number=$(blocks)
printf '%s\n' 'TAP version 13' "1..$number"
for ((block = 1; block <= number; block++)); do
	type_in <"$scratch/$block.wanted" >"$scratch/$block.got"
	if compare "$block"; then
		echo "ok $block example $block of README.md"
	else
		sed 's/^/# /' "$scratch/$block.diff"
		echo "not ok $block example $block of README.md"
		failed=1
	fi
done
[ "$number" -gt 0 ] || failed=1
exit $failed
