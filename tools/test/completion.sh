#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
#
# What the bash completion offers.
set -eu
cd "$(dirname -- "$0")/.."
. test/tap.sh

spaces=yes
compopt() { spaces=no; }
. completion/mbox

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
# shellcheck disable=SC2034 # for the completion
_mbox_table=$dir/table
cat >"$_mbox_table" <<END
kind id mode uid gid capacity msgsize queued bytes senders receivers wait_send wait_recv send_wait_ms recv_wait_ms send_wait_pid recv_wait_pid sent name
mailbox 1 0666 0 0 10 65536 0 0 0 0 0 0 0 0 0 0 0 jobs
mailbox 2 0666 0 0 10 65536 0 0 0 0 0 0 0 0 0 0 0 -
mailbox 3 0666 0 0 10 65536 0 0 0 0 0 0 0 0 0 0 0 \$(touch\${IFS}ran)
mailbox 4 0666 0 0 10 65536 0 0 0 0 0 0 0 0 0 0 0 two\\040words
segment 5 0666 0 0 - 65536 0 0 - - - - - - - - - table
broadcast 6 0666 0 0 10 65536 0 0 0 0 0 0 0 0 0 0 0 news
stream 7 0666 0 0 65536 0 0 0 0 0 0 0 0 0 0 0 0 lines
stream 8 0600 0 0 65536 0 0 0 0 0 0 0 0 0 0 0 0 -
END

# offers EXPECTED WORD...: the last word is the one to be completed.
offers() {
	local expected=$1
	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	spaces=yes
	_mbox || true
	same "$(printf '%s ' "$@" | sed 's/ $/|/')" "${COMPREPLY[*]-}" "$expected"
}

offers 'stat send serve save seg' mbox s
offers 'resize read' mbox seg re
offers '--prio=' mbox send --pr
same 'no blank after what takes an argument' $spaces no
offers '--sync' mbox send --s
same 'but after what takes none' $spaces yes
offers '--huge --help' mbox seg create --h
offers '/jobs /news' mbox send ''
offers '/jobs /news' mbox recv --count = 5 ''
offers '/jobs /news' mbox recv --count 5 ''
offers '/jobs /news' mbox recv --json ''
offers '' mbox send /jobs ''
offers '0 unbounded' mbox resize /jobs ''
offers '/jobs /news' mbox dead-letter /jobs ''
offers '' mbox dead-letter /jobs /news ''
offers '/jobs /table /news /lines' mbox rm ''
offers '/jobs /table /news /lines' mbox rm /jobs ''
offers '/jobs /table /news /lines' mbox stat ''
offers '/jobs /news /lines' mbox resize ''
offers '' mbox mkfifo ''
offers '--input=' mbox open --i
offers '--output=' mbox open --o
offers '--keep' mbox nc --k
offers 'localhost' mbox nc --listen ''
offers '' mbox chmod ''
offers '/jobs /table /news /lines' mbox chmod 600 ''
offers '/table' mbox seg stat ''
offers 'shrink grow write seal' mbox seg seal /table ''
offers '' mbox seg create ''
offers 'send serve seg' mbox help se
offers 'resize read rm' mbox help seg r
same 'a name is no command' "$(ls)" table
done_testing
