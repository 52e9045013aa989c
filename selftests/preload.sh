#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Programs that know nothing of mbox, by `mbox run`: they have to do on mailboxes what they do on
# the kernel's own. Each is run both ways.
set -u

here=$(dirname -- "$(realpath -- "$0")")
out=$(mktemp)
trap 'rm -f "$out"' EXIT
count=0
failed=0

# ok STATUS NAME: one result; what was printed says more when it is bad.
ok() {
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count $2"
		return
	fi
	failed=1
	echo "not ok $count $2"
	sed 's/^/# /' "$out"
}

# holds NAME CMD...: CMD succeeds.
holds() {
	local name=$1 status=0
	shift
	"$@" >"$out" 2>&1 || status=1
	ok $status "$name"
}

# ends STATUS TEXT CMD...: CMD ends so, and TEXT is in what it says.
ends() {
	local expected=$1 text=$2 status=0
	shift 2
	"$@" >"$out" 2>&1 || status=$?
	{ [ "$status" = "$expected" ] && grep -qF -- "$text" "$out"; }
	ok $? "$expected by $*"
}

# sent NAME: how many messages /proc/net/mbox has counted through a mailbox.
sent() {
	awk -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
		$column["name"] == name { print $column["sent"] }' /proc/net/mbox
}

echo 'TAP version 13'
echo '1..28'
holds 'POSIX queues of the kernel' env MQUEUE_LINK=/mqueue. "$here/posix_mqueue"
holds 'POSIX queues on mailboxes' env MQUEUE_LINK='anon_inode:[mbox' mbox run "$here/posix_mqueue"
holds 'a queue that is left behind' env MQUEUE_LEAVE=/mqueue.left mbox run -- "$here/posix_mqueue" \
	-t is_left_behind
[ "$(sent mqueue.left)" = 3 ]
ok $? '/proc/net/mbox has counted its messages'
holds 'the command receives one of them' mbox recv --count=1 /mqueue.left
mbox rm /mqueue.left
holds 'System V queues of the kernel' "$here/sysv_msg"
holds 'System V queues on mailboxes' mbox run "$here/sysv_msg"
mbox create --tagged /sysv-msg:0x00001234
mbox send --tag=1 /sysv-msg:0x00001234 x
SYSV_MSG_KEY=0x1234 mbox run "$here/sysv_msg"
[ $? = 120 ]
ok $? 'the program receives what the command sent'
mbox rm /sysv-msg:0x00001234
holds 'POSIX shared memory of the kernel' env SHM_LINK=/dev/shm/shm. "$here/posix_shm"
holds 'POSIX shared memory on segments' env SHM_LINK='anon_inode:[mbox:segment]' \
	mbox run "$here/posix_shm"
holds 'a shared memory object that is left behind' env SHM_LEAVE=/shm.left \
	mbox run -- "$here/posix_shm" -t is_left_behind
[ "$(mbox seg read /shm:shm.left)" = left ] && [ ! -e /dev/shm/shm.left ]
ok $? 'the command reads it'
mbox rm /shm:shm.left
holds 'System V shared memory of the kernel' "$here/sysv_shm"
holds 'System V shared memory on segments' mbox run "$here/sysv_shm"
holds 'a System V segment that is left behind' env SHM_KEY=0x1234 \
	mbox run -- "$here/sysv_shm" -t is_left_behind
[ "$(mbox seg read /sysv-shm:0x00001234)" = left ] && ! grep -q '^ *4660 ' /proc/sysvipc/shm
ok $? 'the command reads it'
mbox rm /sysv-shm:0x00001234

sockets=$here/inet_unix_sockets
mailbox='anon_inode:[mbox'
holds 'sockets of the kernel' env SOCKETS_LINK=socket: "$sockets"
holds 'sockets on mailboxes' env SOCKETS_LINK="$mailbox" mbox run -- "$sockets"
holds 'only the client can be on mailboxes' env SOCKETS_LINK=socket: \
	SOCKETS_SERVER='env -u LD_PRELOAD' mbox run -- "$sockets"
holds 'only the server can be on mailboxes' env SOCKETS_LINK=socket: \
	SOCKETS_SERVER='mbox run --' "$sockets"
true >"$out"
mbox run -- "$sockets" serve 4 5999 >"$out" &
server=$!
until [ -s "$out" ]; do sleep 0.1; done
ends 0 "$mailbox" mbox run -- "$sockets" talk 4 5999
ends 0 socket: "$sockets" talk 4 5999
[ "$(sent tcp:127.0.0.1:5999)" = 1 ]
ok $? '/proc/net/mbox has counted the connection that was on mailboxes'
kill $server
wait $server
holds 'descriptors over sockets of the kernel' env RIGHTS_LINK=socket: "$here/unix_rights"
holds 'descriptors beside connections' env RIGHTS_LINK="$mailbox" mbox run -- "$here/unix_rights"

ends 9 ran mbox run -- sh -c 'echo ran; exit 9'
ends 127 'no-such-program' mbox run no-such-program
ends 2 'too little is given' mbox run
[ $failed = 0 ]
