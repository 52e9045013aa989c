#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
#
# The figures that are kept: what compare.sh lets pass, and that the picture is theirs.
set -u
cd "$(dirname -- "$0")/../bench" || exit
. ../test/tap.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compared CHANGE [KERNEL]: what compare.sh says of the baseline with a change, and its status.
compared() {
	jq "$1" baseline.json >"$work/figures"
	./compare.sh baseline.json "$work/figures" "${2-$(grep -v "^#" baseline.kernel)}"
	echo "$?"
}

row='(.[] | select(.mechanism == "mbox pipe" and .pattern == "to oneself"))'
rows=$(jq -L . 'include "rows"; [.[] | select(is_mbox)] | unique_by([.mechanism, .pattern, .bytes]) | length' baseline.json)

same 'the baseline is like itself' "$(compared .)" "$rows passed, 0 failed, 0 skipped
0"
same '2 % more pass' "$(compared "$row.value *= 1.02" | tail -n 1)" 0
same '4 % more do not' "$(compared "$row.value *= 1.04" | tail -n 2)" \
	"$((rows - 1)) passed, 1 failed, 0 skipped
1"
same 'it says where' "$(compared "$row.value = 99999" | head -n 1)" \
	"not ok: mbox pipe, to oneself, 64 bytes: 99999, was $(jq "$row.value" baseline.json)"
same '4 % less are told' "$(compared "$row.value = 1" | head -n 1)" \
	"fallen: mbox pipe, to oneself, 64 bytes: 1, was $(jq "$row.value" baseline.json)"
same 'what was not measured fails' "$(compared "$row.value = null" | tail -n 1)" 1
same 'so does what is there no more' "$(compared "del$row" | tail -n 1)" 1
same 'and what is new' "$(compared "$row.pattern = \"anew\"" | tail -n 1)" 1
same 'a peer may rise' "$(compared '(.[] | select(.mechanism == "pipe")).value *= 2' | tail -n 1)" 0
same 'figures of another kernel are not compared' "$(compared "$row.value *= 9" 6.99 | tail -n 2)" \
	"0 passed, 0 failed, 1 skipped
0"
same 'the picture is that of the baseline' "$(./picture.sh baseline.json | cksum)" "$(cksum <bench.svg)"

done_testing
