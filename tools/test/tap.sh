# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
#
# What the shell tests of this folder share: results in TAP.

tap_count=0
tap_failed=0

# ok STATUS NAME [LINE...]: one result; the lines say more when it is bad.
ok() {
	local status=$1 name=$2 line
	shift 2
	tap_count=$((tap_count + 1))
	if [ "$status" = 0 ]; then
		echo "ok $tap_count - $name"
		return
	fi
	tap_failed=1
	echo "not ok $tap_count - $name"
	for line; do
		printf '%s\n' "$line" | sed 's/^/# /'
	done
}

# same NAME GOT EXPECTED
same() {
	local status=0
	[ "$2" = "$3" ] || status=1
	ok $status "$1" "got:" "$2" "expected:" "$3"
}

done_testing() {
	echo "1..$tap_count"
	exit $tap_failed
}

echo "TAP version 13"
