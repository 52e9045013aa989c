# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the shell tests share: results in TAP, and waiting. Who sources it has a folder for itself
# in $dir, and ends with done_testing.

dir=$(mktemp -d)
count=0
failed=0

# ok STATUS NAME [LINE...]: one result; the lines say before it why it is bad, where ktap.awk looks.
ok() {
	local status=$1 name=$2
	shift 2
	count=$((count + 1))
	if [ "$status" = 0 ]; then
		echo "ok $count $name"
		return
	fi
	failed=1
	printf '# why: %s\n' "$(printf '%s\n' "$@" | paste -s -d '|')"
	echo "not ok $count $name"
}

# holds NAME CMD...: CMD succeeds.
holds() {
	local name=$1 status=0
	shift
	"$@" >"$dir/held" 2>&1 || status=1
	ok $status "$name" "$*" "$(head -n 20 "$dir/held")"
}

# same NAME GOT EXPECTED
same() {
	local status=0
	[ "$2" = "$3" ] || status=1
	ok $status "$1" "got: $2" "expected: $3"
}

# as_user CMD...: as an ordinary one
as_user() {
	local quoted
	printf -v quoted '%q ' "$@"
	su user -s /bin/bash -c "$quoted"
}

# becomes CMD...: wait until it succeeds, which it has to within half a minute.
becomes() {
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.05
	done
	return 1
}

# shellcheck disable=SC2317 # called by becomes
not_running() {
	! kill -0 "$1" || grep -q '^State:.*zombie' "/proc/$1/status"
}

# ended PID: wait for a child, which has to end.
ended() {
	becomes not_running "$1" || kill -9 "$1"
	wait "$1"
}

done_testing() {
	echo "1..$count"
	rm -rf "$dir"
	exit $failed
}
