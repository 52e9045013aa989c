#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Installs what this project needs and this machine lacks, or says what to type.
set -euo pipefail
. "$(dirname -- "$(realpath -- "$0")")/lib.sh"

mapfile -t wanted < <(grep -E '^[a-z]' "$vm/packages")

missing() {
	dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "${wanted[@]}" 2>/dev/null |
		sed -n 's/^ii //p' | sort | comm -13 - <(printf '%s\n' "${wanted[@]}" | sort)
}

install() {
	become_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 \
		install --no-install-recommends "$@" >"$log" 2>&1
}

mapfile -t lacking < <(missing)
[ ${#lacking[@]} -gt 0 ] || exit 0

if command -v apt-get >/dev/null && become_root true; then
	say INSTALL "${lacking[*]}"
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	# The lists of a fresh machine are empty, those of an old one name files that are gone.
	install "${lacking[@]}" || { become_root apt-get -qq update >/dev/null 2>&1 && install "${lacking[@]}"; } ||
		tail -n 5 "$log" >&2
	mapfile -t lacking < <(missing)
	[ ${#lacking[@]} -gt 0 ] || exit 0
fi
printf '%s\n' "missing: ${lacking[*]}" 'To install it, with a network, type this:' \
	"  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${lacking[*]}" >&2
exit 1
