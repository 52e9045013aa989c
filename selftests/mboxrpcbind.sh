#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mboxrpcbind beside the module: servers that are mailboxes, and how they leave the table when they
# die; users; and Debian's rpcbind, which has to say the same to the same programs. What needs no
# mailbox and no second user is in tools/test.
set -u

programs=/usr/lib/rpcbind
[ -x $programs/rpcinfo ] || {
	printf '%s\n' 'TAP version 13' "1..0 # SKIP $programs is not there"
	exit 4
}
. "$(dirname -- "$(realpath -- "$0")")/common.sh"
chmod 755 "$dir"
table=$dir/table.json
greeting=$((0x20001111))

# refuses CMD...: CMD fails.
refuses() {
	local status=0
	"$@" >"$dir/refused" 2>&1 && status=1
	ok $status "refused: $*" "$(cat "$dir/refused")"
}

# begin CMD...: it runs, and has said $line, that it is ready; $pid is its process.
begin() {
	exec 9< <(exec "$@" 2>&1)
	pid=$!
	IFS= read -r -t 60 line <&9
}

start() {
	begin "$@"
	same "ready: $*" "$line" ready
}

start_matchmaker() {
	start mboxrpcbind --state="$table"
	matchmaker=$pid
}

# finish PID [SIGNAL]
finish() {
	kill "-${2-TERM}" "$1"
	wait "$1" 2>/dev/null
}

rpcb() {
	$programs/rpcb "$@"
}

rpcinfo() {
	$programs/rpcinfo "$@"
}

# kept JQ: of what is in the table without anybody asking
# shellcheck disable=SC2317 # called by holds and becomes
kept() {
	jq -e "any(.[]; $1)" "$table"
}

# shellcheck disable=SC2317 # called by holds and becomes
not_kept() {
	! kept "$1"
}

# receive NAME: a server, as far as the matchmaker can know, which does not end when its senders
# do; its process is $receiver.
receive() {
	sleep 1000 7<>"$dir/names$1" &
	receiver=$!
	becomes has_receiver "$1"
}

# shellcheck disable=SC2317 # called by becomes
has_receiver() {
	[ "$(mbox stat --json "$1" | jq .receivers)" -ge 1 ]
}

test_mailbox() {
	mbox create --hangup /jobs
	refuses rpcb set 9 1 mbox /jobs
	receive /jobs
	holds 'a server that is a mailbox' rpcb set 9 1 mbox /jobs
	holds 'in two versions' rpcb set 9 2 mbox /jobs
	same 'is found' "$(rpcb get 9 1 mbox)" /jobs
	holds 'and listed' grep -qE '^ *9 +2,1 +mbox +- +superuser$' <(rpcinfo -s)
	same 'by its full address' "$(rpcinfo | awk '$1 == 9 { print $2, $3, $4 }')" '1 mbox /jobs
2 mbox /jobs'
	holds 'its port is not in rpcinfo -p' test -z "$(rpcinfo -p | awk '$1 == 9')"
	finish $receiver
	holds 'killed, it is out of the table at once' becomes not_kept '.program == 9'
	same 'and not found' "$(rpcb get 9 1 mbox)" ''
	receive /jobs
	holds 'the next one can have its place' rpcb set 9 1 mbox jobs
	holds 'it unregisters' rpcb unset 9 1 mbox
	same 'and the matchmaker lets go of it' "$(mbox stat --json /jobs | jq .senders)" 1
	finish $receiver
	mbox rm /jobs
}

# Without MBOX_HANGUP nobody is told, so the matchmaker looks when it is asked.
test_silent() {
	mbox create /jobs
	receive /jobs
	holds 'a server whose end is not told' rpcb set 9 1 mbox /jobs
	finish $receiver
	same 'is not found' "$(rpcb get 9 1 mbox)" ''
	holds 'and gone' not_kept '.program == 9'
	receive /jobs
	holds 'again' rpcb set 9 1 mbox /jobs
	mbox rm /jobs
	same 'one whose name is gone' "$(rpcb get 9 1 mbox)" ''
	finish $receiver
}

test_replaced() {
	mbox create --hangup /jobs
	receive /jobs
	rpcb set 9 1 mbox /jobs
	mbox rm /jobs
	old=$receiver
	mbox create --hangup /jobs
	receive /jobs
	holds 'a server that takes the name of another' rpcb set 9 1 mbox /jobs
	finish "$old"
	same 'stays when that dies' "$(rpcb get 9 1 mbox)" /jobs
	finish $receiver
	holds 'and goes when it dies itself' becomes not_kept '.program == 9'
	mbox rm /jobs
}

test_users() {
	mbox create --hangup --mode=666 /jobs
	receive /jobs
	holds 'a user registers' as_user $programs/rpcb set 9 1 mbox /jobs
	holds 'as that user' kept '.program == 9 and .owner == "1000"'
	refuses su _rpc -s /bin/bash -c "$programs/rpcb unset 9 1 mbox"
	refuses as_user $programs/rpcb set 100000 5 mbox /jobs
	holds 'and unregisters' as_user $programs/rpcb unset 9 1 mbox
	rpcb set 9 1 mbox /jobs
	refuses as_user $programs/rpcb unset 9 1 mbox
	same "what is root's" "$(rpcb get 9 1 mbox)" /jobs
	as_user $programs/rpcb set 9 2 mbox /jobs
	holds "root unregisters a user's" rpcb unset 9 2 mbox
	refuses as_user touch /run/rpcbind.sock.new
	finish $receiver
	mbox rm /jobs
}

test_restart() {
	mbox create --hangup /stays
	mbox create --hangup /goes
	receive /goes
	goes=$receiver
	receive /stays
	rpcb set 9 1 mbox /stays
	rpcb set 9 2 mbox /goes
	finish "$matchmaker" KILL
	holds 'what it kept is there' kept '.program == 9 and .version == 2'
	finish "$goes"
	start_matchmaker
	same 'after a restart the living are there' "$(rpcb get 9 1 mbox)" /stays
	holds 'and the dead are not' not_kept '.program == 9 and .version == 2'
	finish $receiver
	holds 'it is told of who dies then' becomes not_kept '.program == 9'
	mbox rm /stays /goes
}

# The matchmaker is a mailbox itself.
test_by_mailbox() {
	mbox create --hangup --mode=666 /jobs
	receive /jobs
	holds 'a user registers by mailbox' as_user $programs/rpcb -m set 9 1 mbox /jobs
	holds 'as that user' kept '.program == 9 and .owner == "1000"'
	same 'found by mailbox' "$(as_user $programs/rpcb -m get 9 1 mbox)" /jobs
	same 'and by the local socket' "$(rpcb get 9 1 mbox)" /jobs
	same 'TCP is told by mailbox' "$(rpcb -m get 100000 4 tcp)" 0.0.0.0.0.111
	same 'and the mailbox by all' "$(rpcb get 100000 4 mbox)" rpc:111
	refuses su _rpc -s /bin/bash -c "$programs/rpcb -m unset 9 1 mbox"
	holds 'the user unregisters' as_user $programs/rpcb -m unset 9 1 mbox
	finish $receiver
	mbox rm /jobs
}

# hex LENGTH FORMAT: what comes back for the bytes that printf makes of it, by bash alone
hex() {
	exec 8<>/dev/tcp/127.0.0.1/111
	# shellcheck disable=SC2059 # the bytes
	printf "$2" >&8
	timeout 30 head -c "$1" <&8 | od -An -v -tx1 | tr -d ' \n'
	exec 8>&-
}

test_bytes() {
	local head='\x80\0\0\x28\0\0\0\x07\0\0\0\0\0\0\0\x02\0\x01\x86\xa0'
	same 'NULL of version 2' "$(hex 28 "$head\0\0\0\x02$(printf '\\0%.0s' {1..20})")" \
		80000018000000070000000100000000000000000000000000000000
	same 'version 9' "$(hex 32 "$head\0\0\0\x09$(printf '\\0%.0s' {1..20})")" \
		8000002000000007000000010000000000000000000000000000000200000002
	holds 'it goes on' rpcinfo -t 127.0.0.1 100000
}

# What the programs of rpcbind get from whichever there is, in a form that has no order and no
# free port.
told() {
	begin $programs/greeting_server
	for how in '' -p -s '-l 127.0.0.1 100000 4' "-t 127.0.0.1 $greeting" "-u 127.0.0.1 $greeting" \
		'-t 127.0.0.1 100000' '-u 127.0.0.1 100000' '-t 127.0.0.1 200000' '-T tcp 127.0.0.1 100000 7' \
		"-T local localhost 100000 3" "-d $greeting 1" -p; do
		echo "rpcinfo $how"
		# shellcheck disable=SC2086 # words
		rpcinfo $how 2>&1 | sed -E "/$greeting/s/[0-9]+\.[0-9]+ /PORT /; s/(tcp|udp) +[0-9]{4,}/\1 PORT/
			s/ +/ /g; s|/var/run|/run|; s/ mbox,/ /; / mbox /d" | sort
	done
	$programs/greeting_client 127.0.0.1 tcp you 2>&1
	finish $pid
	begin $programs/greeting_server
	$programs/greeting_client 127.0.0.1 tcp you
	$programs/greeting_client 127.0.0.1 udp you
	finish $pid
	$programs/greeting_client 127.0.0.1 udp you 2>&1
}

test_rpcbind() {
	told >"$dir/ours"
	holds 'a stock client is greeted' grep -qx 'hello, you' "$dir/ours"
	finish "$matchmaker"
	same 'SIGTERM ends it' $? 0
	holds 'without its socket' test ! -e /run/rpcbind.sock
	$programs/rpcbind -f &
	matchmaker=$!
	becomes rpcinfo -t 127.0.0.1 100000
	refuses mboxrpcbind --state="$dir/other"
	told >"$dir/theirs"
	same 'rpcbind says the same' "$(diff "$dir/theirs" "$dir/ours")" ''
	test_register
	finish "$matchmaker"
}

# registered: what the system's rpcbind says of program 9
registered() {
	rpcinfo | awk '$1 == 9 { print $2, $3, $4, $6 }'
}

# Beside the system's rpcbind.
test_register() {
	local ours address=127.0.0.1.0.111
	start mboxrpcbind --register --state="$dir/other"
	ours=$pid
	holds 'a user registers with both' as_user $programs/rpcb -m set 9 1 tcp $address
	same 'rpcbind has it' "$(registered)" "1 tcp $address superuser"
	same 'the mailbox too' "$(rpcb -m get 9 1 tcp)" $address
	refuses su _rpc -s /bin/bash -c "$programs/rpcb -m unset 9 1 tcp"
	same 'and both keep it' "$(registered) $(rpcb -m get 9 1 tcp)" "1 tcp $address superuser $address"
	rpcb set 9 2 tcp $address
	refuses rpcb -m set 9 2 tcp 127.0.0.1.1.1
	same 'what rpcbind refuses is not registered' "$(jq -c '[.[] | select(.program == 9) | .version]' \
		"$dir/other")" '[1]'
	mbox create --hangup /jobs
	receive /jobs
	holds 'a mailbox is not for rpcbind' rpcb -m set 9 3 mbox /jobs
	holds 'the user unregisters with both' as_user $programs/rpcb -m unset 9 1 tcp
	same 'of both' "$(registered) $(rpcb -m get 9 1 mbox)" "2 tcp $address superuser /jobs"
	finish $receiver
	mbox rm /jobs
	finish "$ours"
	same 'SIGTERM ends it' $? 0
	holds "and leaves rpcbind's socket" test -S /run/rpcbind.sock
}

test_name() {
	refuses as_user mbox create /rpc:111
	holds 'nobody but root takes its name' mbox create /rpc:111
	refuses mboxrpcbind --state="$dir/other"
	mbox rm /rpc:111
	holds 'it has it in the background too' mboxrpcbind --daemon --state="$table"
	same 'and answers there' "$(rpcb -m get 100000 4 mbox)" rpc:111
	kill "$(pidof mboxrpcbind)"
	holds 'until SIGTERM' becomes test ! -e /run/rpcbind.sock
}

echo 'TAP version 13'
mkdir "$dir/names"
mount -t mboxfs none "$dir/names"
start_matchmaker
test_mailbox
test_silent
test_replaced
test_users
test_by_mailbox
test_restart
test_bytes
test_rpcbind
test_name
umount "$dir/names"
done_testing
