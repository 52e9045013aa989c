#!/usr/bin/awk -f
# SPDX-License-Identifier: GPL-2.0
#
# Adds up the records of ktap.awk: what failed, what was skipped and why, and, last of all, the
# closing line. Fails when a test failed, and when none passed.

BEGIN { FS = "\t" }

# A skip is told once for all the tests of a program that give the same reason, on all kernels.
function skip(    part, depth, what) {
	depth = split($3, part, ": ")
	what = (depth > 2 ? part[2] : $3) ": " $4
	if (!times[what]++)
		reasons[++last] = what
}

{ n[$1]++ }
$1 == "fail" { failed = failed sprintf("  %s  %s%s\n", $2, $3, $4 == "" ? "" : ": " $4) }
$1 == "skip" { skip() }

END {
	if (last)
		print "skipped:"
	for (i = 1; i <= last; i++)
		printf "  %d x %s\n", times[reasons[i]], reasons[i]
	if (failed)
		printf "failed:\n%s", failed
	printf "%d passed, %d failed, %d skipped\n", n["ok"], n["fail"], n["skip"]
	exit n["fail"] > 0 || n["ok"] == 0
}
