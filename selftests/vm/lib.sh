# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the scripts of this folder share: where things are, and how they speak.

# shellcheck disable=SC2034 # for those who source this
vm=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")
top=$(realpath -- "$vm/../..")
cache=${MBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mbox}

# The makes that these scripts start have nothing to do with the one that started them.
unset MAKEFLAGS MFLAGS

# Progress goes to stderr: stdout is for results.
say() {
	printf '  %-8s%s\n' "$1" "${*:2}" >&2
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# become_root CMD...: as root or by a sudo that asks nothing, else fail.
become_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n true 2>/dev/null && sudo -n "$@"
	fi
}

# lock PATH: for what two makes at a time would both make. It is held until the script ends.
lock() {
	mkdir -p "$(dirname "$1")"
	exec {lock}>"$1.lock"
	flock "${@:2}" "$lock"
}

# download DIR PACKAGE...: the newest .deb of each. Lists that are missing or have aged name
# files that the archive no longer has; fresh ones mend that.
download() {
	local dir=$1
	shift
	get() { (cd "$dir" && apt-get -qq -o APT::Sandbox::User=root download "$@" 2>"$dir/log"); }
	get "$@" || { become_root apt-get -qq update >/dev/null 2>&1 && get "$@"; } || {
		cat "$dir/log" >&2
		die "cannot download $*: is the network there? (lists too old: sudo apt-get update)"
	}
}
