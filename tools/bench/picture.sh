#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
#
# picture.sh FIGURES: draws what `mbox bench --json` printed, as SVG on standard output: a panel for
# each kind of work, the cheapest mechanism on top, those of mbox in another colour.
set -euo pipefail

bench=$(realpath -- "$(dirname -- "$0")")
figures=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# panel NAME TITLE PATTERN BYTES: its lines are "row value ours mechanism".
panel() {
	local count
	jq -L "$bench" -r --arg pattern "$3" --argjson bytes "$4" '
		include "rows";
		map(select(.pattern == $pattern and .bytes == $bytes and .value)) |
		unique_by(.mechanism) | sort_by(-.value) | to_entries[] |
		[.key, .value.value, (if .value | is_mbox then 1 else 2 end),
		 .value.mechanism] | @tsv' "$figures" >"$dir/$1"
	[ -s "$dir/$1" ] || {
		echo "picture.sh: $figures has no '$3' of $4 bytes" >&2
		exit 1
	}
	count=$(wc -l <"$dir/$1")
	cat <<END
set title "$2"
set yrange [$((count > 8 ? 0 : count - 8)) - 0.7:$count - 0.3]
plot "$1" using (\$2/2):1:(\$2/2):(0.36):3:ytic(4) with boxxyerror linecolor variable, \\
	"" using 2:1:2 with labels left offset 0.5,0
END
}

{
	cat <<'END'
set terminal svg noenhanced size 900,1080 font "sans-serif,12" background "white" name "mbox"
set encoding utf8
set datafile separator "\t"
set multiplot layout 3,2 title "Instructions a message, or a call and its answer: fewer is better" font ",15"
set style fill solid 1.0 noborder
set linetype 1 linecolor rgb "#2a6fb0"
set linetype 2 linecolor rgb "#b9bec4"
set key off
set border 0
set tics scale 0
set tics nomirror
set format x ""
set xrange [0:]
set offsets 0, graph 0.25, 0, 0
set tmargin 3
set bmargin 1
set lmargin 22
END
	panel oneself 'to oneself, 64 bytes' 'to oneself' 64
	panel answer 'to another process and back, 64 bytes' 'request and answer' 64
	panel stream 'stream, 64 deep, 64 bytes' 'stream, 64 deep' 64
	panel blocks 'blocks of 64 KiB' 'blocks' 65536
	panel rpc 'remote procedure call, no arguments' 'remote call' 0
	panel large 'remote procedure call, 64 KiB' 'remote call' 65536
} >"$dir/commands"
cd "$dir"
gnuplot commands | sed "2i <!-- SPDX-License-Identifier: MIT OR LGPL-2.1 -->"
