#!/usr/bin/awk -f
# SPDX-License-Identifier: GPL-2.0
#
# Adds up the records of ktap.awk: what failed, what was skipped and why, and, last of all, the
# closing line. Fails when a test failed, and when none passed.

BEGIN { FS = "\t" }

function told() {
	return sprintf("  %s  %s%s\n", $2, $3, $4 == "" ? "" : ": " $4)
}

{ n[$1]++ }
$1 == "fail" { failed = failed told() }
$1 == "skip" { skipped = skipped told() }

END {
	if (skipped)
		printf "skipped:\n%s", skipped
	if (failed)
		printf "failed:\n%s", failed
	printf "%d passed, %d failed, %d skipped\n", n["ok"], n["fail"], n["skip"]
	exit n["fail"] > 0 || n["ok"] == 0
}
