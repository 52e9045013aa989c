# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
#
# What scenes share. A scene sources it, has a folder for itself in $scratch, names all its
# objects /demo.SOMETHING, and ends at the first thing that does not hold.
set -euo pipefail

scratch=$(mktemp -d)

# End what still runs in the background, and remove what is left.
clean_up() {
	local job name
	for job in $(jobs -p); do
		kill "$job" 2>/dev/null || true
	done
	awk '$NF ~ /^demo[.]/ { print $NF }' /proc/net/mbox | while read -r name; do
		mbox rm "/$name"
	done
	rm -rf "$scratch"
}
trap clean_up EXIT

title() {
	printf '\n== %s\n' "$*"
}

say() {
	printf '  %s\n' "$*"
}

# holds WHAT WANTED GOT
holds() {
	if [ "$2" = "$3" ]; then
		say "$1: $3"
	else
		say "$1: $3 -- WRONG, it should be $2"
		exit 1
	fi
}

# until_true COMMAND...: wait for it, but not for ever.
until_true() {
	local try
	for ((try = 0; try < 1000; try++)); do
		"$@" && return
		sleep 0.01
	done
	say "WRONG: in 10 seconds this did not come true: $*"
	exit 1
}

# status NAME FIELD: one number of `mbox stat`.
status() {
	mbox stat --json "$1" | sed -n "s/.*\"$2\": *\([0-9]*\).*/\1/p"
}

# is NAME FIELD VALUE
is() {
	[ "$(status "$1" "$2")" = "$3" ]
}

# exit_of COMMAND...: its exit status, and nothing of what it says
exit_of() {
	local status=0
	"$@" >/dev/null 2>&1 || status=$?
	echo "$status"
}
