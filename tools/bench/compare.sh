#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
#
# compare.sh BASELINE FIGURES KERNEL: both are what `mbox bench --count --json` printed. A row of mbox
# that has risen by more than 3 % fails, and so does one that only one of them has, or that could not
# be measured; peers may do as they like. It prints those, what has fallen by more, and a closing line.
# Beside BASELINE stands in a file .kernel which KERNEL it is of: those of another are not compared.
set -euo pipefail

counted=$(grep -v "^#" "${1%.json}.kernel")
if [ "$3" != "$counted" ]; then
	echo "The baseline is of Linux $counted, and this is $3: see what \"make baseline\" changes."
	echo '0 passed, 0 failed, 1 skipped'
	exit
fi

report=$(jq -L "$(dirname -- "$0")" -rn --slurpfile before "$1" --slurpfile after "$2" '
	include "rows";
	def rows: .[0] | map(select(is_mbox)) |
		INDEX("\(.mechanism), \(.pattern), \(.bytes) bytes");
	($before | rows) as $old | ($after | rows) as $new |
	[$old + $new | keys[] | . as $name | $old[$name].value as $from | $new[$name].value as $to |
		if $to == null then "not ok: \($name): not measured, was \($from)"
		elif $from == null then "not ok: \($name): \($to), and not in the baseline"
		elif $to > $from * 1.03 then "not ok: \($name): \($to), was \($from)"
		elif $to < $from * 0.97 then "fallen: \($name): \($to), was \($from)"
		else "ok" end] as $results |
	([$results[] | select(startswith("not ok"))] | length) as $bad |
	($results[] | select(. != "ok")),
	(if $bad > 0 then "If that is meant, \"make baseline\" and say why in the commit." else empty end),
	"\($results | length - $bad) passed, \($bad) failed, 0 skipped"')
echo "$report"
[[ $report = *' passed, 0 failed, '* ]]
