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

# start NAME CMD...: CMD runs in the background and says that it is ready; $pid is its process.
start() {
	local name=$1 line
	shift
	exec 9< <(exec "$@" 2>&1)
	# shellcheck disable=SC2034 # the caller's
	pid=$!
	IFS= read -r -t 30 line <&9
	same "$name is ready" "$line" ready
}

done_testing() {
	echo "1..$tap_count"
	exit $tap_failed
}

echo "TAP version 13"
