#!/bin/bash
# SPDX-License-Identifier: MIT OR LGPL-2.1
#
# mboxrpcbind with the programs that rpcbind has: rpcinfo, and a server and its client that know
# nothing of mailboxes.
set -u
cd "$(dirname -- "$0")/.." || exit
[ "${1-}" = alone ] || exec test/namespace.sh "$PWD/test/${0##*/}" alone
stock=${STOCK_RPC:-$(../selftests/vm/rpcbind.sh)}
programs=${TEST_PROGRAMS:-build/test}
mboxrpcbind=${MBOX:-build/mbox}rpcbind
export LD_LIBRARY_PATH=$stock/lib
. test/tap.sh

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
greeting=$((0x20001111))

# holds NAME CMD...: CMD succeeds.
holds() {
	local name=$1 status=0
	shift
	timeout 30 "$@" >"$dir/out" 2>&1 || status=1
	ok $status "$name" "$*" "$(head -n 30 "$dir/out")"
}

# fails TEXT CMD...: CMD fails, and TEXT is in what it says.
fails() {
	local text=$1 status=0
	shift
	timeout 30 "$@" >"$dir/out" 2>&1 && status=1
	grep -qF -- "$text" "$dir/out" || status=1
	ok $status "fails: $*" "$(head -n 30 "$dir/out")" "expected: $text"
}

start_daemon() {
	start "$1" "$mboxrpcbind" --state="$dir/table.json"
	daemon=$pid
}

# ended PID: wait for a process of start; leaves its status.
ended() {
	wait "$1"
}

rpcinfo() {
	timeout 30 "$stock/rpcinfo" "$@"
}

# The lines about a program, with one blank between words.
lines() {
	awk -v program="$1" '$1 == program { $1 = $1; print }'
}

test_itself() {
	same 'rpcinfo -p' "$(rpcinfo -p | lines 100000)" '100000 4 tcp 111 portmapper
100000 3 tcp 111 portmapper
100000 2 tcp 111 portmapper
100000 4 udp 111 portmapper
100000 3 udp 111 portmapper
100000 2 udp 111 portmapper'
	same 'rpcinfo -s' "$(rpcinfo -s | lines 100000)" \
		'100000 2,3,4 local,udp,tcp,udp6,tcp6 portmapper superuser'
	same 'rpcinfo' "$(rpcinfo | lines 100000 | grep local)" \
		'100000 4 local /var/run/rpcbind.sock portmapper superuser
100000 3 local /var/run/rpcbind.sock portmapper superuser'
	same 'rpcinfo -l' "$(rpcinfo -l 127.0.0.1 100000 4 | lines 100000)" \
		'100000 4 inet/tcp/cots_ord 127.0.0.1.0.111 portmapper
100000 4 inet/udp/clts 127.0.0.1.0.111 portmapper'
	for how in '-t 127.0.0.1' '-u 127.0.0.1' '-t ::1' '-u ::1'; do
		# shellcheck disable=SC2086 # two words
		same "rpcinfo $how" "$(rpcinfo $how 100000)" \
			"$(printf 'program 100000 version %d ready and waiting\n' 2 3 4)"
	done
	# shellcheck disable=SC2046 # each number is an argument
	set -- $(rpcinfo -m | awk '/PORTMAP/ { getline; getline; print $5 }
		/version 3/ { getline; getline; print $4, $5 } END { getline; print $4 }')
	holds "rpcinfo -m counts: $*" test $# = 4 -a "$1" -ge 1 -a "$3" -ge 1 -a "$4" -ge 1
	fails 'Program not registered' "$stock/rpcinfo" -t 127.0.0.1 200000
	fails 'Program/version mismatch' "$stock/rpcinfo" -T tcp 127.0.0.1 100000 5
	fails 'broadcast failed' "$stock/rpcinfo" -b 100000 4
}

greeted() {
	same "greeted $*" "$("$programs/greeting_client" "$@" you 2>&1)" 'hello, you'
}

test_server() {
	local server
	start 'a stock server' "$programs/greeting_server"
	server=$pid
	same 'it is in rpcinfo -s' "$(rpcinfo -s | lines $greeting)" \
		"$greeting 1 tcp6,udp6,tcp,udp - superuser"
	same 'in rpcinfo -p' "$(rpcinfo -p | lines $greeting | cut -d' ' -f2,3)" '1 udp
1 tcp'
	holds 'in rpcinfo -t' "$stock/rpcinfo" -t 127.0.0.1 $greeting 1
	holds 'in rpcinfo -u' "$stock/rpcinfo" -u 127.0.0.1 $greeting
	holds 'in rpcinfo -l' grep -q "^ *$greeting  *1  *inet/tcp/cots_ord  *127.0.0.1\." \
		<(rpcinfo -l 127.0.0.1 $greeting 1)
	greeted 127.0.0.1 tcp
	greeted 127.0.0.1 udp
	greeted ::1 tcp
	greeted ::1 udp
	kill "$server"
	ended "$server"
	same 'it unregisters' "$(rpcinfo -p | lines $greeting)" ''
	fails 'Program not registered' "$programs/greeting_client" 127.0.0.1 tcp you
	start 'a server on the local socket' "$programs/greeting_server" /run/greeting
	same 'is in rpcinfo -s' "$(rpcinfo -s | lines $greeting)" "$greeting 1 local - superuser"
	NETPATH=local greeted localhost netpath
	kill "$pid"
	ended "$pid"
	same 'and unregisters' "$(rpcinfo -s | lines $greeting)" ''
}

test_death() {
	start 'a server' "$programs/greeting_server"
	kill -KILL "$pid"
	ended "$pid" 2>/dev/null
	same 'killed, it is not told' "$(rpcinfo -p | lines $greeting)" ''
	start 'another one' "$programs/greeting_server"
	greeted 127.0.0.1 tcp
	kill "$pid"
	ended "$pid"
}

test_removed() {
	start 'a server' "$programs/greeting_server"
	if [ ${#as_user[@]} -gt 0 ]; then
		fails 'Could not delete' "${as_user[@]}" "$dir/rpcinfo" -d $greeting 1
		greeted 127.0.0.1 tcp
	fi
	holds 'root removes it' "$stock/rpcinfo" -d $greeting 1
	same 'and it is gone' "$(rpcinfo -p | lines $greeting)" ''
	kill "$pid"
	ended "$pid"
	[ ${#as_user[@]} -gt 0 ] || return
	start "a user's server" "${as_user[@]}" "$dir/greeting_server"
	same 'is that of the user' "$(rpcinfo -s | lines $greeting)" \
		"$greeting 1 tcp6,udp6,tcp,udp - 1000"
	fails 'Could not delete' setpriv --reuid=1001 --clear-groups "$dir/rpcinfo" -d $greeting 1
	holds 'who removes it' "${as_user[@]}" "$dir/rpcinfo" -d $greeting 1
	same 'and it is gone' "$(rpcinfo -p | lines $greeting)" ''
	kill "$pid"
	ended "$pid"
}

test_restart() {
	local server
	start 'a server' "$programs/greeting_server"
	server=$pid
	kill -KILL "$daemon"
	ended "$daemon" 2>/dev/null
	start_daemon 'a matchmaker after one that was killed'
	greeted 127.0.0.1 tcp
	kill "$daemon"
	ended "$daemon"
	same 'SIGTERM ends it' $? 0
	holds 'and leaves no socket' test ! -e /run/rpcbind.sock
	fails '' "$programs/greeting_client" 127.0.0.1 tcp you
	start_daemon 'one after it'
	greeted 127.0.0.1 udp
	kill "$daemon"
	ended "$daemon"
	kill -KILL "$server"
	ended "$server" 2>/dev/null
	start_daemon 'one after the server has died'
	same 'which it knows' "$(rpcinfo -p | lines $greeting)" ''
	kill "$daemon"
	ended "$daemon"
	echo '[{"program":' >"$dir/table.json"
	start 'one with a table that is damaged' bash -c "exec '$mboxrpcbind' --state='$dir/table.json' 2>'$dir/err'"
	daemon=$pid
	holds 'says so' grep -qF "$dir/table.json: Invalid argument: begins anew" "$dir/err"
}

test_second() {
	fails 'Address already in use' "$mboxrpcbind" --state="$dir/other.json"
	greeted_again=$(rpcinfo -t 127.0.0.1 100000 4)
	same 'the first goes on' "$greeted_again" 'program 100000 version 4 ready and waiting'
	kill "$daemon"
	ended "$daemon"
	holds 'into the background' "$mboxrpcbind" --daemon
	holds 'where it answers' "$stock/rpcinfo" -t 127.0.0.1 100000 4
	holds 'and keeps its table' test -s /run/mboxrpcbind/table.json
}

# Another user, who can get at the programs.
as_user=()
if setpriv --reuid=1000 --clear-groups true 2>/dev/null; then
	as_user=(setpriv --reuid=1000 --clear-groups)
	chmod 755 "$dir"
	cp "$stock/rpcinfo" "$programs/greeting_server" "$dir"
fi
start_daemon 'the matchmaker'
test_itself
test_server
test_death
test_removed
test_restart
test_second
done_testing
